"""The closed forms against the reference cases: published figures and high-precision computations.

``reference_cases.json`` states for each case where its figures come from. Printed, rounded figures have an absolute
tolerance; computed ones a relative one; where a confidence interval was printed the exact value must lie inside.
"""

from __future__ import annotations

import json
import math
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from simulator import distributions
from simulator.support import erlang

CASES = json.loads((pathlib.Path(__file__).parent / "reference_cases.json").read_text(encoding="utf-8"))

Answer = dict[str, Any]
HANDLERS: dict[tuple[str, frozenset[str]], Callable[[dict[str, Any]], Answer]] = {}


def answers(model: str, *params: str) -> Callable[[Callable[[dict[str, Any]], Answer]], Callable[..., Answer]]:
    """Register how the measures of a model with these parameters are asked from our code."""

    def register(function: Callable[[dict[str, Any]], Answer]) -> Callable[..., Answer]:
        HANDLERS[model, frozenset(params)] = function
        return function

    return register


# --- Erlang B and C --------------------------------------------------------------------------------------------------


@answers(
    "M/M/n (Erlang C)",
    "transactions",
    "interval_min",
    "aht_min",
    "asa_min",
    "shrinkage",
    "target_sl",
    "max_occupancy",
)
def positions_for_a_service_level(p: dict[str, Any]) -> Answer:
    queue = {
        "arrival_rate": p["transactions"] / p["interval_min"],
        "service_rate": 1 / p["aht_min"],
        "answer_within": p["asa_min"],
    }
    target = {"sl_served_over_offered": p["target_sl"], "occupancy": p["max_occupancy"]}
    n = erlang.agents_needed(target, **queue)
    m = erlang.measures(agents=n, **queue)
    return {
        "raw_positions": n,
        "positions": erlang.heads_for(n, p["shrinkage"]),
        "service_level": m.sl_served_over_offered,
        "occupancy": m.occupancy,
        "waiting_probability": m.p_wait,
    }


@answers("M/M/n (Erlang C)", "transactions", "interval_min", "aht_min", "asa_min", "positions")
def service_level_by_positions(p: dict[str, Any]) -> Answer:
    rate = p["transactions"] / p["interval_min"]
    return {
        "service_level": [
            erlang.measures(
                agents=n, arrival_rate=rate, service_rate=1 / p["aht_min"], answer_within=p["asa_min"]
            ).sl_served_over_offered
            for n in p["positions"]
        ]
    }


@answers("M/M/n+M (Erlang A)", "transactions", "interval_min", "aht_min", "asa_min", "patience_min", "positions")
def erlang_a_in_minutes(p: dict[str, Any]) -> Answer:
    m = erlang.measures(
        agents=p["positions"],
        arrival_rate=p["transactions"] / p["interval_min"],
        service_rate=1 / p["aht_min"],
        abandonment_rate=1 / p["patience_min"],
        answer_within=p["asa_min"],
    )
    return {
        "waiting_probability": m.p_wait,
        "abandonment_probability": m.p_abandon,
        "occupancy": m.occupancy,
        "e_wait_all_min": m.e_wait,
        "sl_served_over_offered": m.sl_served_over_offered,
    }


@answers("M/M/n/n (Erlang B)", "offered_load", "n")
def erlang_b(p: dict[str, Any]) -> Answer:
    sizes, loads = np.broadcast_arrays(p["n"], p["offered_load"])
    found = [erlang.blocking(int(n), float(a)) for n, a in zip(sizes.ravel(), loads.ravel(), strict=True)]
    whole = [
        erlang.measures(agents=int(n), arrival_rate=float(a), service_rate=1.0, places=int(n)).p_block
        for n, a in zip(sizes.ravel(), loads.ravel(), strict=True)
    ]
    assert whole == pytest.approx(found, rel=1e-13)
    return {"p_block": found if isinstance(p["n"], list) else found[0]}


@answers("M/M/n (Erlang C)", "lam_per_min", "aht_min", "agents", "awt_min")
def erlang_c_of_a_textbook(p: dict[str, Any]) -> Answer:
    m = erlang.measures(
        agents=p["agents"], arrival_rate=p["lam_per_min"], service_rate=1 / p["aht_min"], answer_within=p["awt_min"]
    )
    return {"asa_min": m.e_wait, "service_level": m.sl_served_over_offered, "occupancy": m.occupancy}


@answers("M/M/n (Erlang C)", "lam_per_min", "aht_min", "n")
def erlang_c_wait_in_seconds(p: dict[str, Any]) -> Answer:
    m = erlang.measures(agents=p["n"], arrival_rate=p["lam_per_min"] / 60, service_rate=1 / p["aht_min"] / 60)
    return {"e_wait_s": m.e_wait}


@answers("Erlang C", "offered_load", "n")
def erlang_c_by_load(p: dict[str, Any]) -> Answer:
    return {"p_wait": [erlang.waiting_probability(n, p["offered_load"]) for n in p["n"]]}


@answers("Erlang C SL/ASA", "offered_load", "aht_s", "t_s", "n")
def erlang_c_of_a_library(p: dict[str, Any]) -> Answer:
    mu = 1 / p["aht_s"]
    m = erlang.measures(agents=p["n"], arrival_rate=p["offered_load"] * mu, service_rate=mu, answer_within=p["t_s"])
    return {"sl": m.sl_served_over_offered, "asa_s": m.e_wait, "immediate_pct": 100 * (1 - m.p_wait)}


@answers("Erlang C", "calls", "interval_min", "aht_s", "t_s", "n")
def erlang_c_of_a_package(p: dict[str, Any]) -> Answer:
    lam, mu = p["calls"] / p["interval_min"] / 60, 1 / p["aht_s"]
    m = erlang.measures(agents=p["n"], arrival_rate=lam, service_rate=mu, answer_within=p["t_s"])
    return {
        "traffic": m.occupancy * p["n"],
        "p_wait": m.p_wait,
        "sl": m.sl_served_over_offered,
        "asa_s": m.e_wait,
        "occupancy": m.occupancy,
    }


@answers("Erlang B / C", "B", "C")
def erlang_b_and_c(p: dict[str, Any]) -> Answer:
    return {
        "B": erlang.blocking(p["B"]["n"], p["B"]["offered_load"]),
        "C": [erlang.waiting_probability(c["n"], c["offered_load"]) for c in p["C"]],
    }


@answers("Erlang C in the QED regime", "beta", "n", "lam")
def many_agents_near_their_load(p: dict[str, Any]) -> Answer:
    beta = p["beta"]
    normal = (1 + math.erf(beta / math.sqrt(2))) / 2, math.exp(-beta * beta / 2) / math.sqrt(2 * math.pi)
    limit = 1 / (1 + beta * normal[0] / normal[1])
    found = [erlang.waiting_probability(n, (1 - beta / math.sqrt(n)) * n) for n in p["n"]]
    assert abs(found[1] - limit) < abs(found[0] - limit)
    return {"p_wait": found, "halfin_whitt_limit": [round(limit, 4), limit]}


# --- Erlang A, limited places, any patience --------------------------------------------------------------------------


@answers("M/M/n/K+M", "lam_per_min", "aht_min", "n", "patience_min", "K")
def limited_places_in_minutes(p: dict[str, Any]) -> Answer:
    waits = [
        erlang.measures(
            agents=p["n"],
            arrival_rate=p["lam_per_min"],
            service_rate=1 / p["aht_min"],
            abandonment_rate=1 / p["patience_min"],
            places=places,
        ).e_wait
        for places in p["K"]
    ]
    assert waits[0] == pytest.approx(waits[1], rel=1e-9)
    return {"e_wait_s": 60 * waits[0]}


@answers("M/M/n/K+M", "lam_per_s", "mean_service_s", "patience_s", "n", "K")
def limited_places_in_seconds(p: dict[str, Any]) -> Answer:
    m = erlang.measures(
        agents=p["n"],
        arrival_rate=p["lam_per_s"],
        service_rate=1 / p["mean_service_s"],
        abandonment_rate=1 / p["patience_s"],
        places=p["K"],
    )
    return {"e_queue": m.e_queue, "e_wait_s": m.e_wait, "p_abandon": m.p_abandon}


@answers("M/M/n (Erlang C)", "n", "lam", "mu", "t")
@answers("M/M/n+M (Erlang A)", "n", "lam", "mu", "theta", "t", "K")
@answers("M/M/n/K+M", "n", "lam", "mu", "theta", "t", "K")
def every_measure(p: dict[str, Any]) -> Answer:
    return vars(
        erlang.measures(
            agents=p["n"],
            arrival_rate=p["lam"],
            service_rate=p["mu"],
            abandonment_rate=p.get("theta", 0.0),
            places=p.get("K"),
            answer_within=p["t"],
        )
    )


PATIENCE = {
    "deterministic(mean=1)": distributions.deterministic(1.0),
    "uniform(0,2)": distributions.uniform(0.0, 2.0),
    "hyperexp(p=0.9,r1=2,r2=2/11) mean=1": distributions.hyperexponential([0.9, 0.1], [1 / 2, 11 / 2]),
    "erlang2(mean=1)": distributions.gamma(1.0, shape=2.0),
    "lognormal(mean=1,scv=1)": distributions.lognormal(mean=1.0, cv=1.0),
    "lognormal(mean=1,scv=4)": distributions.lognormal(mean=1.0, cv=2.0),
    "weibull(shape=2,mean=1)": distributions.weibull(mean=1.0, shape=2.0),
    "balk(p=0.1) else exponential(mean=1)": distributions.with_zero(distributions.exponential(1.0), 0.1),
}


@answers("M/M/n+GI", "n", "lam", "mu", "patience", "t")
def any_patience(p: dict[str, Any]) -> Answer:
    return vars(
        erlang.measures_general_patience(
            agents=p["n"],
            arrival_rate=p["lam"],
            service_rate=p["mu"],
            patience=PATIENCE[p["patience"]],
            answer_within=p["t"],
        )
    )


@answers("fluid limit of M/M/n+M overloaded (n->inf)", "rho", "mu", "theta")
def overloaded_with_many_agents(p: dict[str, Any]) -> Answer:
    n, rho, mu, theta = 10_000, p["rho"], p["mu"], p["theta"]
    queue = {"agents": n, "arrival_rate": rho * n * mu, "service_rate": mu}
    m = erlang.measures(**queue, abandonment_rate=theta)
    # The law of patience does not matter for the share that gives up, not even its mean.
    for law in (distributions.uniform(0.0, 3.0), distributions.lognormal(mean=2.0, cv=0.8)):
        other = erlang.measures_general_patience(**queue, patience=law)
        assert other.p_abandon == pytest.approx(1 - 1 / rho, rel=1e-4)
    return {
        "offered_wait": m.e_wait_virtual,
        "e_queue": m.e_queue / (rho * n * mu * (1 - 1 / rho) / theta),  # a queue of 2,000: relative, as the note says
        "p_abandon": m.p_abandon,
    }


# --- general service, priorities, tiers, chat, blending, skills ------------------------------------------------------


@answers("M/G/1 (handle = exp talk mean 4 + exp ACW mean 1)", "lam", "talk_mean", "acw_mean")
def exponential_after_call_work(p: dict[str, Any]) -> Answer:
    mean, variance = p["talk_mean"] + p["acw_mean"], p["talk_mean"] ** 2 + p["acw_mean"] ** 2
    m = erlang.measures_general_service(arrival_rate=p["lam"], service_mean=mean, service_variance=variance)
    return {"e_wait": m.e_wait, "occupancy": m.occupancy}


@answers("M/G/1 (handle = exp talk mean 4 + constant ACW 1)", "lam", "talk_mean", "acw")
def constant_after_call_work(p: dict[str, Any]) -> Answer:
    mean, variance = p["talk_mean"] + p["acw"], p["talk_mean"] ** 2
    m = erlang.measures_general_service(arrival_rate=p["lam"], service_mean=mean, service_variance=variance)
    return {"e_wait": m.e_wait, "occupancy": m.occupancy}


@answers("M/D/1", "lam", "service")
def constant_service(p: dict[str, Any]) -> Answer:
    m = erlang.measures_general_service(arrival_rate=p["lam"], service_mean=p["service"], service_variance=0.0)
    return {"e_wait": m.e_wait}


@answers("M/M/n non-preemptive priority, common exp service (class 1 highest)", "n", "lams", "mu")
def priorities(p: dict[str, Any]) -> Answer:
    m = erlang.measures_priority(agents=p["n"], arrival_rates=p["lams"], service_rate=p["mu"])
    return {"e_wait_by_class": list(m.e_wait_by_class), "p_wait": m.p_wait}


@answers("two-tier escalation, no abandonment (open Jackson/Burke)", "lam", "mu1", "n1", "p_escalate", "mu2", "n2", "t")
def two_tiers(p: dict[str, Any]) -> Answer:
    first = erlang.measures(agents=p["n1"], arrival_rate=p["lam"], service_rate=p["mu1"], answer_within=p["t"])
    escalated = p["lam"] * p["p_escalate"]  # the output of the first tier is Poisson (Burke 1956)
    second = erlang.measures(agents=p["n2"], arrival_rate=escalated, service_rate=p["mu2"], answer_within=p["t"])
    return {"tier1": vars(first), "tier2": vars(second)}


@answers(
    "inbound/outbound blending with threshold (Erlang BL), no abandonment, infinite outbound work, same AHT",
    "lam_per_min",
    "aht_min",
    "agents",
    "awt_min",
    "threshold",
)
def blending(p: dict[str, Any]) -> Answer:
    m = erlang.measures_blending(
        agents=p["agents"],
        arrival_rate=p["lam_per_min"],
        service_rate=1 / p["aht_min"],
        reserve=p["threshold"],
        answer_within=p["awt_min"],
    )
    return {
        "asa_min": m.e_wait,
        "service_level": m.sl_served_over_offered,
        "occupancy": m.occupancy,
        "outbound_per_min": m.outbound_rate,
    }


@answers(
    "chat with concurrency 3 (Erlang Chat)",
    "lam_per_min",
    "aht_min_by_concurrency",
    "agents",
    "awt_min",
    "patience_min",
    "lines",
)
def chat(p: dict[str, Any]) -> Answer:
    m = erlang.measures_chat(
        agents=p["agents"],
        arrival_rate=p["lam_per_min"],
        handle_times=p["aht_min_by_concurrency"],
        abandonment_rate=1 / p["patience_min"],
        places=p["lines"],
        answer_within=p["awt_min"],
    )
    return {
        "asa_min_virtual": m.e_wait_virtual,
        "sl_virtual_printed": m.sl_virtual,
        "p_abandon": m.p_abandon,
        "occupancy_of_slots": m.occupancy_of_slots,
    }


@answers(
    "N-design skills routing: class 1 -> pool 1 then pool 2; class 2 -> pool 2 only; freed pool-2 agent serves class 2 "
    "first; common exp service; exp patience",
    "lam1",
    "lam2",
    "mu",
    "n1",
    "n2",
    "theta1",
    "theta2",
)
def skills(p: dict[str, Any]) -> Answer:
    m = erlang.measures_n_design(
        agents=(p["n1"], p["n2"]),
        arrival_rates=(p["lam1"], p["lam2"]),
        service_rate=p["mu"],
        abandonment_rates=(p["theta1"], p["theta2"]),
    )
    return {f"{name}_{i + 1}": pair[i] for name, pair in vars(m).items() for i in (0, 1)}


# --- rates that change over the day ----------------------------------------------------------------------------------


@answers(
    "M_t/M/n_t+M piecewise constant, starts empty, n non-decreasing",
    "lam_of_period",
    "n_of_period",
    "period_len",
    "mu",
    "theta",
)
def a_day_by_periods(p: dict[str, Any]) -> Answer:
    run = erlang.transient(
        agents=p["n_of_period"],
        arrival_rates=p["lam_of_period"],
        period=p["period_len"],
        service_rate=p["mu"],
        abandonment_rate=p["theta"],
    )
    names = ("offered", "abandons", "mean_queue", "mean_busy", "p_wait", "end_mean_in_system")
    # The end tail of the case says how little its own truncation loses; it is no measure of the queue.
    return {"per_period": [{n: float(getattr(run, n)[i]) for n in names} for i in range(len(p["n_of_period"]))]}


@answers(
    "M/M/12, 8 h day from empty, 1000 replications, calls served to the end",
    "lam_per_min",
    "mu_per_min",
    "n",
    "awt_min",
    "day_min",
    "replications",
)
@answers(
    "M/M/12+M, 8 h day from empty, 1000 replications",
    "lam_per_min",
    "mu_per_min",
    "n",
    "patience_mean_min",
    "awt_min",
    "day_min",
    "replications",
)
def a_day_from_empty(p: dict[str, Any]) -> Answer:
    run = erlang.transient(
        agents=[p["n"]],
        arrival_rates=[p["lam_per_min"]],
        period=p["day_min"],
        service_rate=p["mu_per_min"],
        abandonment_rate=1 / p["patience_mean_min"] if "patience_mean_min" in p else 0.0,
        answer_within=p["awt_min"],
    )
    return {
        "calls_in_target": float((run.offered * run.sl_served_over_offered)[0]),
        "abandoned": float((run.offered * run.p_abandon)[0]),
        "service_level": float(run.sl_served_over_offered[0]),
        "sl_served_over_served": float(run.sl_served_over_served[0]),
        "sl_excl_short_abandons": float(run.sl_excl_short_abandons[0]),
        "asa_min": float(run.e_wait[0]),
        "asa_served_min": float(run.e_wait_served[0]),
        "occupancy": float(run.mean_busy[0]) / p["n"],
    }


@answers("Mt/M/inf sinusoidal", "lam_t", "mu")
def sinusoidal_load(p: dict[str, Any]) -> Answer:
    t = np.linspace(0.0, 12.0, 25)
    closed = 5 + 5 * (2 * np.sin(t) - np.cos(t)) / 5
    by_rate = erlang.offered_load(t, arrival_rates=lambda s: 10 + 5 * np.sin(s), service=p["mu"])
    by_law = erlang.offered_load(
        t, arrival_rates=lambda s: 10 + 5 * np.sin(s), service=distributions.exponential(1 / p["mu"])
    )
    return {"mean_number": [(by_rate - closed).tolist(), (by_law - closed).tolist()]}


@answers("Poisson-gamma (busyness factor) day volume", "mean_calls", "busyness_gamma_shape", "busyness_mean")
def busy_and_quiet_days(p: dict[str, Any]) -> Answer:
    # Var = E[rate] + Var[rate] with rate = mean_calls * gamma(shape) / shape
    mean = p["mean_calls"] * p["busyness_mean"]
    variance = mean + mean**2 / p["busyness_gamma_shape"]
    return {"mean": mean, "variance": variance, "fano": variance / mean}


# --- comparison ------------------------------------------------------------------------------------------------------

# Figures printed with fewer digits than the tolerance of their case says (its note names them).
COARSE = {"asa_min": 0.005, "outbound_per_min": 0.005, "asa_min_virtual": 0.005}
# Figures that the note of their case corrects.
CORRECTED = {"sl_virtual_printed": 0.7444}
# Expected values that are formulas (rho = 1.1, theta = 0.5); two handlers return a ratio or a difference to them.
FORMULAS = {
    "ln(rho)/theta": math.log(1.1) / 0.5,
    "lam*(1-1/rho)/theta": 1.0,
    "1-1/rho": 1 - 1 / 1.1,
    "5 + 5*(2 sin t - cos t)/5": 0.0,
}


def differences(got: Any, expected: Any, case: dict[str, Any], name: str) -> list[str]:
    """Every deviation beyond the tolerance, in words."""
    if isinstance(expected, dict):
        missing = [key for key in expected if key not in got and key != "end_tail"]
        found = [f"{name}{key}: not answered" for key in missing]
        for key in expected:
            if key in got:
                found += differences(got[key], expected[key], case, f"{name}{key}")
        return found
    if case["tolerance"] is None:
        return [] if expected[0] <= got <= expected[1] else [f"{name}: {got} outside {expected}"]
    if isinstance(expected, str):
        expected = FORMULAS[expected]
    if isinstance(got, list):
        wanted = expected if isinstance(expected, list) else [expected] * len(got)
        assert len(got) == len(wanted)
        return [
            d
            for i, (g, e) in enumerate(zip(got, wanted, strict=True))
            for d in differences(g, e, case, f"{name}[{i}].")
        ]
    expected = CORRECTED.get(name.rstrip("."), expected)
    allowed = case["tolerance"]
    if case["kind"] == "computed":
        allowed *= abs(expected)
    else:
        allowed = max(allowed, COARSE.get(name, 0.0))
    return [] if abs(got - expected) <= allowed else [f"{name}: {got!r} is not {expected!r} within {allowed:g}"]


def label(case: dict[str, Any]) -> str:
    return case.get("id", case["model"])[:48]


@pytest.mark.parametrize("case", CASES, ids=label)
def test_reference_case(case: dict[str, Any]) -> None:
    handler = HANDLERS[case["model"], frozenset(case["params"])]
    assert differences(handler(case["params"]), case["expected"], case, "") == []


@pytest.mark.parametrize("case", [c for c in CASES if "exact_transient" in c], ids=label)
def test_exact_values_inside_the_printed_intervals(case: dict[str, Any]) -> None:
    got = HANDLERS[case["model"], frozenset(case["params"])](case["params"])
    for name, value in case["exact_transient"].items():
        assert got[name] == pytest.approx(value, rel=1e-5), name


def test_the_file_holds_all_cases() -> None:
    assert len(CASES) == 73
    assert sum(case["kind"] == "published" for case in CASES) == 23


@pytest.mark.parametrize("index", [0, 4, 8, 20, 22, 38, 60, 67, 69, 70, 71])
def test_a_wrong_figure_is_noticed(index: int) -> None:
    """The comparison itself must be able to fail: every figure of these cases, changed a little, is reported."""

    def changed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: changed(part) for key, part in value.items() if key != "end_tail"}
        if isinstance(value, list):
            return [changed(part) for part in value]
        return value * 1.003 + 0.03 if isinstance(value, (int, float)) else value

    case = CASES[index]
    got = HANDLERS[case["model"], frozenset(case["params"])](case["params"])
    if case["tolerance"] is None:
        wrong = {**case, "expected": {key: [high * 1.01, high * 1.02] for key, (_, high) in case["expected"].items()}}
        assert len(differences(got, wrong["expected"], wrong, "")) == len(wrong["expected"])
        return
    if index in (20, 22):  # formulas: the answer is disturbed instead
        assert len(differences(changed(got), case["expected"], case, "")) >= len(case["expected"])
        return
    expected = changed(case["expected"])

    def leaves(value: Any) -> int:
        if isinstance(value, dict):
            return sum(leaves(part) for part in value.values())
        return sum(leaves(part) for part in value) if isinstance(value, list) else 1

    assert len(differences(got, expected, case, "")) == leaves(expected)
