"""The compiled engine against theory: every reference case of a model that the engine has.

Independent replications start empty; a warm-up of eight relaxation times is cut (what is left of the start is below
e^-8 of the difference), then contacts count by arrival until all are served. Left out: cases with so many servers or so
near saturation that 100 replications take more contacts than ``MOST_CONTACTS``; the closed forms cover them. A case
that is long but not that long gets fewer than the 1,000 replications of the others.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from simulator import distributions, randomness
from simulator.distributions import Law, LawBook
from simulator.support import compiled, erlang
from simulator.support.tables import Clock, Contacts, GroupMeasure, QueueMeasure, Sums, SupportTables
from tests.support import generated

CASES = json.loads((Path(__file__).parent / "reference_cases.json").read_text())

BOUND = 3.5
"""Standard errors allowed. Draws are keyed, so every run makes the same some 300 comparisons; none lies beyond."""

MOST_CONTACTS = 3_000_000
REPLICATIONS = 1000

Q, G = QueueMeasure, GroupMeasure


def cases(model: str) -> list[Any]:
    """The computed cases whose model name starts with ``model``, with their place in the file as id."""
    return [
        pytest.param(c["params"], c["expected"], id=f"{i}")
        for i, c in enumerate(CASES)
        if c["model"].startswith(model) and c["kind"] == "computed"
    ]


def tables(
    talk: Mapping[tuple[int, int], Law],
    patience: Sequence[Law | None],
    *,
    after_call: Law | None = None,
    priority: Mapping[tuple[int, int], int] | None = None,
    level: Mapping[tuple[int, int], int] | None = None,
    lines: int | None = None,
    escalation: float = 0.0,
    within: float = 0.0,
) -> SupportTables:
    """A model with laws by (queue, group); queue 0 escalates to queue 1 if ``escalation`` is positive."""
    book = LawBook()
    queues, groups = (1 + max(x) for x in zip(*talk, strict=True))
    shape = (queues, groups)
    rows = {name: np.full(shape, start) for name, start in (("talk", -1), ("after", -1), ("priority", 0), ("level", 0))}
    for place, law in talk.items():
        rows["talk"][place] = book.row(law)
        rows["after"][place] = -1 if after_call is None else book.row(after_call)
        rows["priority"][place] = (priority or {}).get(place, 1)
        rows["level"][place] = (level or {}).get(place, 1)
    return SupportTables(
        queue_names=tuple(f"queue {q}" for q in range(queues)),
        group_names=tuple(f"group {g}" for g in range(groups)),
        talk=rows["talk"],
        after_call=rows["after"],
        priority=rows["priority"],
        level=rows["level"],
        patience=np.array([-1 if law is None else book.row(law) for law in patience]),
        escalation_to=np.array([1, *[-1] * (queues - 1)] if escalation else [-1] * queues),
        escalation_probability=np.full(queues, escalation),
        line_pool=np.full(queues, -1 if lines is None else 0),
        line_capacity=np.array([] if lines is None else [lines], dtype=np.int64),
        answer_within=np.full(queues, within),
        short_abandon=np.full(queues, within),
        laws=book.tables(),
    )


def simulate(
    model: SupportTables,
    staff: NDArray[np.int64],
    clock: Clock,
    rates: NDArray[np.float64],
    seed: str,
    replications: int = REPLICATIONS,
) -> Sums:
    """Sums per replication, shape (replications, cells, ...), of Poisson arrivals at ``rates`` (queues, intervals)."""
    intensity = rates.sum(axis=0)
    mean = float(np.sum(intensity * np.diff(clock.interval_start)))
    room = int(mean + 8 * math.sqrt(mean) + 10)
    cumulative = np.concatenate([[0.0], np.cumsum(intensity * np.diff(clock.interval_start))])
    share = np.cumsum(rates / np.maximum(intensity, 1e-300), axis=0)
    gap, kind = randomness.purpose("test.gap"), randomness.purpose("test.queue")
    sums = Sums(
        np.zeros((replications, clock.cells, model.queues, len(Q))),
        np.zeros((replications, clock.cells, model.groups, len(G))),
    )
    for r in range(replications):
        key = randomness.keys(randomness.stream(1, r, seed), np.arange(room))
        operational = np.cumsum(-np.log(randomness.uniform(key, gap)))
        n = int(np.searchsorted(operational, mean))
        assert n < room
        time = np.interp(operational[:n], cumulative, clock.interval_start)
        interval = np.minimum(np.searchsorted(clock.interval_start, time, side="right") - 1, clock.intervals - 1)
        queue = (
            (randomness.uniform(key[:n], kind) > share[:-1, interval]).sum(axis=0)
            if len(rates) > 1
            else np.zeros(n, int)
        )
        contacts = Contacts(time, interval, queue, key[:n], np.full(n, -1))
        into = Sums(sums.queue[r], sums.group[r])
        compiled.run(model, clock, contacts, staff, None, math.inf, sums=into)
    return sums


def steady(model: SupportTables, agents: Sequence[int], rates: Sequence[float], relaxation: float, seed: str) -> Sums:
    """Sums per replication after the warm-up: (replications, Q, measures)."""
    warm = 8 * relaxation
    length = max(warm, 500 / sum(rates))
    per_replication = (warm + length) * sum(rates)
    replications = min(REPLICATIONS, int(MOST_CONTACTS / per_replication))
    if replications < 100:
        pytest.skip(f"a replication of {per_replication:.0f} contacts is too long")
    clock = Clock(np.array([0.0, warm, warm + length]), np.arange(2))
    plan = np.repeat(np.array(agents)[:, None], 2, axis=1)
    sums = simulate(model, plan, clock, np.repeat(np.array(rates)[:, None], 2, axis=1), seed, replications)
    return Sums(sums.queue[:, 1], sums.group[:, 1])


def relaxation(n: int, lam: float, mu: float, theta: float | None) -> float:
    """The slower of a busy and an idle system's return to its mean, bounded by that of the least rate."""
    stable = 1 / (math.sqrt(n * mu) - math.sqrt(lam)) ** 2 if lam < n * mu else math.inf
    return max(1 / mu, min(stable, 1 / min(mu, theta) if theta else math.inf))


def assert_ratio(name: str, part: NDArray[np.float64], whole: NDArray[np.float64], expected: float) -> None:
    """The ratio of two sums over replications against theory, by the standard error of a ratio."""
    estimate = part.sum() / whole.sum()
    n = len(part)
    error = math.sqrt(np.sum((part - estimate * whole) ** 2) * n / (n - 1)) / whole.sum()
    distance = abs(estimate - expected)
    assert distance <= BOUND * error, (
        f"{name}: {estimate:.6g}, not {expected:.6g}: {distance / error:.1f} standard errors"
    )


def check_queue(sums: Sums, expected: Mapping[str, float], queue: int = 0, group: int = 0) -> None:
    """Every measure of a reference case that the sums of a queue give."""
    m = {measure: sums.queue[:, queue, measure] for measure in Q}
    offered = m[Q.OFFERED]  # blocked contacts are in the denominator of every measure of the cases
    busy, staffed = sums.group[:, group, G.BUSY], sums.group[:, group, G.STAFFED]
    wait = m[Q.WAIT_ANSWERED] + m[Q.WAIT_ABANDONED]
    ratios = {
        "p_block": (m[Q.BLOCKED], offered),
        "p_abandon": (m[Q.ABANDONED], offered),
        "e_wait": (wait, offered),
        "e_wait_served": (m[Q.WAIT_ANSWERED], m[Q.ANSWERED]),
        "e_wait_abandoned": (m[Q.WAIT_ABANDONED], m[Q.ABANDONED]),
        "occupancy": (busy, staffed),
        "sl_served_over_offered": (m[Q.ANSWERED_WITHIN], offered),
        "sl_excl_short_abandons": (m[Q.ANSWERED_WITHIN], offered - m[Q.ABANDONED_WITHIN]),
        "sl_served_over_served": (m[Q.ANSWERED_WITHIN], m[Q.ANSWERED]),
        "sl_incl_short_abandons": (m[Q.ANSWERED_WITHIN] + m[Q.ABANDONED_WITHIN], offered),
    }
    for name, (part, whole) in ratios.items():
        if name not in expected:
            continue
        rare = {"p_block": expected.get("p_block", 0.0), "p_abandon": expected.get("p_abandon", 0.0)}
        rare["e_wait_abandoned"] = rare["p_abandon"]
        if name in rare and rare[name] * offered.sum() < 100:
            continue  # too few events for a standard error
        assert_ratio(name, part, whole, expected[name])


@pytest.mark.parametrize(("given", "expected"), cases("M/M/n (Erlang C)"))
def test_erlang_c(given: dict[str, float], expected: dict[str, float]) -> None:
    n, lam, mu = int(given["n"]), given["lam"], given["mu"]
    model = tables({(0, 0): distributions.exponential(1 / mu)}, [None], within=given["t"])
    check_queue(steady(model, [n], [lam], relaxation(n, lam, mu, None), "erlang c"), expected)


@pytest.mark.parametrize(("given", "expected"), [*cases("M/M/n+M (Erlang A)"), *cases("M/M/n/K+M")])
def test_erlang_a_and_finite_lines(given: dict[str, Any], expected: dict[str, float]) -> None:
    n, lam, mu, theta = int(given["n"]), given["lam"], given["mu"], given["theta"]
    patience = distributions.exponential(1 / theta)
    model = tables({(0, 0): distributions.exponential(1 / mu)}, [patience], lines=given["K"], within=given["t"])
    sums = steady(model, [n], [lam], relaxation(n, lam, mu, theta), "erlang a")
    check_queue(sums, expected)


@pytest.mark.parametrize(("given", "expected"), cases("M/M/n/n (Erlang B)"))
def test_erlang_b(given: dict[str, float], expected: dict[str, float]) -> None:
    n, load = int(given["n"]), given["offered_load"]
    model = tables({(0, 0): distributions.exponential(1.0)}, [None], lines=n)
    check_queue(steady(model, [n], [load], 1.0, "erlang b"), expected)


PATIENCE = {
    "deterministic(mean=1)": distributions.deterministic(1.0),
    "uniform(0,2)": distributions.uniform(0.0, 2.0),
    "hyperexp(p=0.9,r1=2,r2=2/11) mean=1": distributions.hyperexponential([0.9, 0.1], [0.5, 5.5]),
    "erlang2(mean=1)": distributions.gamma(1.0, shape=2.0),
    "lognormal(mean=1,scv=1)": distributions.lognormal(1.0, cv=1.0),
    "lognormal(mean=1,scv=4)": distributions.lognormal(1.0, cv=2.0),
    "weibull(shape=2,mean=1)": distributions.weibull(1.0, shape=2.0),
    "balk(p=0.1) else exponential(mean=1)": distributions.with_zero(distributions.exponential(1.0), 0.1),
}


@pytest.mark.parametrize(("given", "expected"), cases("M/M/n+GI"))
def test_patience_of_any_law(given: dict[str, Any], expected: dict[str, float]) -> None:
    service = distributions.exponential(1 / given["mu"])
    model = tables({(0, 0): service}, [PATIENCE[given["patience"]]], within=given["t"])
    check_queue(steady(model, [given["n"]], [given["lam"]], 3.0, "patience"), expected)


@pytest.mark.parametrize(("given", "expected"), [*cases("M/G/1"), *cases("M/D/1")])
def test_one_server_with_after_call_work(given: dict[str, float], expected: dict[str, float]) -> None:
    talk = (
        distributions.exponential(given["talk_mean"])
        if "talk_mean" in given
        else distributions.deterministic(given["service"])
    )
    after_call = None
    if "acw_mean" in given:
        after_call = distributions.exponential(given["acw_mean"])
    elif "acw" in given:
        after_call = distributions.deterministic(given["acw"])
    model = tables({(0, 0): talk or distributions.deterministic(given["service"])}, [None], after_call=after_call)
    mu = given["lam"] / 0.8  # all three are loaded to 0.8
    check_queue(steady(model, [1], [given["lam"]], relaxation(1, given["lam"], mu, None), "one server"), expected)


@pytest.mark.parametrize(("given", "expected"), cases("M/M/n non-preemptive priority"))
def test_priorities(given: dict[str, Any], expected: dict[str, Any]) -> None:
    rates, n, mu = given["lams"], given["n"], given["mu"]
    queues = range(len(rates))
    model = tables(
        {(q, 0): distributions.exponential(1 / mu) for q in queues},
        [None] * len(rates),
        priority={(q, 0): q + 1 for q in queues},
    )
    sums = steady(model, [n], rates, relaxation(n, sum(rates), mu, None), "priority")
    for q, wait in enumerate(expected["e_wait_by_class"]):
        check_queue(sums, {"e_wait": wait, "sl_served_over_offered": 1 - expected["p_wait"]}, queue=q)


@pytest.mark.parametrize(("given", "expected"), cases("two-tier escalation"))
def test_two_tiers(given: dict[str, Any], expected: dict[str, Any]) -> None:
    lam, n1, n2 = given["lam"], given["n1"], given["n2"]
    model = tables(
        {(0, 0): distributions.exponential(1 / given["mu1"]), (1, 1): distributions.exponential(1 / given["mu2"])},
        [None, None],
        escalation=given["p_escalate"],
        within=given["t"],
    )
    slow = relaxation(n1, lam, given["mu1"], None) + relaxation(n2, lam * given["p_escalate"], given["mu2"], None)
    sums = steady(model, [n1, n2], [lam, 0.0], slow, "two tiers")
    check_queue(sums, expected["tier1"], queue=0, group=0)
    check_queue(sums, expected["tier2"], queue=1, group=1)
    assert_ratio("escalated", sums.queue[:, 0, Q.ESCALATED], sums.queue[:, 0, Q.ANSWERED], given["p_escalate"])


@pytest.mark.parametrize(("given", "expected"), cases("N-design skills routing"))
def test_two_skills(given: dict[str, float], expected: dict[str, float]) -> None:
    service = distributions.exponential(1 / given["mu"])
    model = tables(
        {(0, 0): service, (0, 1): service, (1, 1): service},
        [distributions.exponential(1 / given["theta1"]), distributions.exponential(1 / given["theta2"])],
        level={(0, 0): 1, (0, 1): 2, (1, 1): 1},
        priority={(0, 0): 1, (0, 1): 2, (1, 1): 1},
    )
    agents = [int(given["n1"]), int(given["n2"])]
    sums = steady(model, agents, [given["lam1"], given["lam2"]], 2.0, "two skills")
    for i in (0, 1):
        named = {name: expected[f"{name}_{i + 1}"] for name in ("p_abandon", "e_wait", "occupancy")}
        check_queue(sums, named | {"sl_served_over_offered": 1 - expected[f"p_wait_{i + 1}"]}, queue=i, group=i)


@pytest.mark.parametrize(("given", "expected"), cases("M_t/M/n_t+M"))
def test_a_day_with_changing_staff(given: dict[str, Any], expected: dict[str, Any]) -> None:
    staff = np.array([given["n_of_period"]])
    periods = staff.shape[1]
    clock = Clock(np.arange(periods + 1) * given["period_len"], np.arange(periods))
    model = tables(
        {(0, 0): distributions.exponential(1 / given["mu"])},
        [distributions.exponential(1 / given["theta"])],
        within=0.0,
    )
    sums = simulate(model, staff, clock, np.array([given["lam_of_period"]], dtype=float), "day", 4_000)
    one = np.ones(len(sums.queue))
    for k, period in enumerate(expected["per_period"]):
        m = {measure: sums.queue[:, k, 0, measure] for measure in Q}
        assert_ratio(f"offered {k}", m[Q.OFFERED], one, period["offered"])
        assert_ratio(f"waits {k}", m[Q.OFFERED] - m[Q.ANSWERED_WITHIN], m[Q.OFFERED], period["p_wait"])
        assert_ratio(f"busy {k}", sums.group[:, k, 0, G.BUSY], one * given["period_len"], period["mean_busy"])


def test_published_days_of_another_simulator() -> None:
    """ContactCenters' MMC and MMCAb: 8 hours from empty, served to the end, as means of days."""
    for case in CASES:
        given, exact = case["params"], case.get("exact_transient")
        if exact is None:
            continue
        patience = distributions.exponential(given["patience_mean_min"]) if "patience_mean_min" in given else None
        model = tables(
            {(0, 0): distributions.exponential(1 / given["mu_per_min"])}, [patience], within=given["awt_min"]
        )
        clock = Clock(np.array([0.0, given["day_min"]]), np.zeros(1, dtype=np.int64))
        sums = simulate(
            model, np.array([[given["n"]]]), clock, np.array([[given["lam_per_min"]]]), case["model"], 1_000
        )
        m = {measure: sums.queue[:, 0, 0, measure] for measure in Q}
        one = np.ones(len(sums.queue))
        good = m[Q.ANSWERED_WITHIN]
        late = m[Q.ABANDONED] - m[Q.ABANDONED_WITHIN]
        ratios = {
            "calls_in_target": (good, one),
            "service_level": (good, m[Q.OFFERED]),
            "asa_min": (m[Q.WAIT_ANSWERED], m[Q.ANSWERED]),
            "asa_served_min": (m[Q.WAIT_ANSWERED], m[Q.ANSWERED]),
            "abandoned": (m[Q.ABANDONED], one),
            "sl_served_over_served": (good, m[Q.ANSWERED]),
            "sl_excl_short_abandons": (good, m[Q.ANSWERED] + late),
        }
        for name, value in exact.items():
            assert_ratio(name, *ratios[name], value)


@pytest.mark.parametrize("probability", [0.5, 0.8])
def test_repeats_of_what_is_not_resolved(probability: float) -> None:
    """A node with feedback by way of a delay (Jackson 1957): Erlang C at the rate of all contacts, whose number per
    inquiry is geometric; the elapsed time of an inquiry is that of its contacts and of the delays between them."""
    n, lam, mu, delay = 6, 4.0 * probability, 1.0, 3.0
    book = LawBook()
    talk, away = book.row(distributions.exponential(1 / mu)), book.row(distributions.exponential(delay))
    model = replace(
        tables({(0, 0): distributions.exponential(1 / mu)}, [None]),
        talk=np.array([[talk]]),
        laws=book.tables(),
        inquiries=True,
        resolution=np.array([probability]),
        repeat_attempts=np.array([99]),
        repeat_delay=np.array([away]),
    )
    sums = steady(model, [n], [lam], relaxation(n, lam / probability, mu, None) + 5 * delay / probability, "repeats")
    theory = erlang.measures(agents=n, arrival_rate=lam / probability, service_rate=mu)
    check_queue(sums, {"e_wait": theory.e_wait, "sl_served_over_offered": theory.sl_served_over_offered})
    m = {measure: sums.queue[:, 0, measure] for measure in Q}
    contacts = 1 / probability
    elapsed = contacts * (theory.e_wait + 1 / mu) + (contacts - 1) * delay
    # offered counts by the interval of the contact, so the flow through the window is balanced only on the mean
    assert_ratio("resolution time", m[Q.RESOLUTION_TIME], m[Q.RESOLVED], elapsed)
    assert_ratio("net", m[Q.RESOLUTION_TIME_NET], m[Q.RESOLVED], contacts * (theory.e_wait + 1 / mu))
    assert_ratio("effort", m[Q.RESOLUTION_EFFORT], m[Q.RESOLVED], contacts / mu)
    assert_ratio("resolved", m[Q.RESOLVED], m[Q.INQUIRIES], 1.0 - (1 - probability) ** 100)
    assert_ratio("first response", m[Q.FIRST_RESPONSE], m[Q.RESPONDED], theory.e_wait)


@pytest.mark.parametrize("reserve", [0, 2, 4])
def test_deferrable_work_with_a_reserve(reserve: int) -> None:
    """Calls beside mail that never runs out, against the threshold chain of Gans and Zhou."""
    n, lam, mu, theta = 10, 5.0, 1.0, 0.5
    service = distributions.exponential(1 / mu)
    model = tables({(0, 0): service, (1, 0): service}, [distributions.exponential(1 / theta), None], within=0.1)
    model = replace(
        model,
        priority=np.array([[1], [2]]),
        reserve=np.array([[0], [reserve]]),
        deferrable=np.array([False, True]),
    )
    # more mail than the agents could do in the time that is left over
    sums = steady(model, [n], [lam, 1.5 * (n - lam)], 3.0, "blending")
    theory = erlang.measures_blending(
        agents=n, arrival_rate=lam, service_rate=mu, reserve=reserve, abandonment_rate=theta, answer_within=0.1
    )
    names = ("p_abandon", "e_wait", "occupancy", "sl_served_over_offered")
    check_queue(sums, {name: getattr(theory, name) for name in names})
    staffed = sums.group[:, 0, G.STAFFED]
    assert_ratio("mail", sums.group[:, 0, G.DEFERRABLE], staffed, theory.outbound_rate / mu / n)


def test_callbacks_of_all_who_wait() -> None:
    """Everybody who would wait takes a callback: nobody abandons, and the wait of all is that of Erlang C."""
    n, lam, mu = 6, 5.0, 1.0
    model = tables({(0, 0): distributions.exponential(1 / mu)}, [distributions.exponential(0.5)])
    model = replace(
        model,
        callback_threshold=np.zeros(1),
        callback_handle=np.full(1, 1 / mu),
        callback_acceptance=np.ones(1),
    )
    sums = steady(model, [n], [lam], relaxation(n, lam, mu, None), "callbacks")
    theory = erlang.measures(agents=n, arrival_rate=lam, service_rate=mu)
    m = {measure: sums.queue[:, 0, measure] for measure in Q}
    assert_ratio("answered at once", m[Q.ANSWERED], m[Q.OFFERED], theory.sl_served_over_offered)
    assert_ratio("wait", m[Q.CALLBACK_WAIT], m[Q.OFFERED], theory.e_wait)
    assert m[Q.ABANDONED].sum() == 0


def test_calls_in_vain_are_work_too() -> None:
    """Without another try each callback is one call: talk after dialling, or dialling alone."""
    lam, talk, dial, vain = 0.5, 1.0, 0.4, 0.3
    book = LawBook()
    rows = book.row(distributions.deterministic(talk)), book.row(distributions.deterministic(dial))
    model = replace(
        tables({(0, 0): distributions.deterministic(talk)}, [None]),
        talk=np.array([[rows[0]]]),
        laws=book.tables(),
        callback_threshold=np.zeros(1),
        callback_handle=np.ones(1),
        callback_acceptance=np.ones(1),
        dialling=np.array([rows[1]]),
        no_answer=np.array([vain]),
    )
    sums = steady(model, [1], [lam], 10.0, "in vain")
    m = {measure: sums.queue[:, 0, measure] for measure in Q}
    busy = sums.group[:, 0, G.BUSY]
    # who finds the agent idle is served at once; of the others a share is spoken to after dialling
    expected = m[Q.ANSWERED] * talk + m[Q.CALLED_BACK] * (dial + talk) + m[Q.NO_ANSWER] * dial
    assert_ratio("busy", busy, expected, 1.0)
    assert_ratio("in vain", m[Q.NO_ANSWER], m[Q.CALLBACKS], vain)
    assert_ratio("unreached", m[Q.UNREACHED], m[Q.CALLBACKS], vain)


def chats(model: SupportTables, concurrency: int, slowdown: float) -> SupportTables:
    return replace(
        model, chat=np.ones(1, dtype=np.bool_), concurrency=np.array([concurrency]), slowdown=np.array([slowdown])
    )


def check_chats(sums: Sums, expected: Mapping[str, float], n: int, concurrency: int, lam: float) -> None:
    check_queue(sums, expected)
    m, group = {measure: sums.queue[:, 0, measure] for measure in Q}, sums.group[:, 0]
    slots = expected["occupancy_of_slots"]
    assert_ratio("slots", group[:, G.BUSY] - group[:, G.SPARE], group[:, G.STAFFED], slots)
    # Little: chats in progress are chats that are answered times how long they take
    handle = slots * n * concurrency / (lam * (1 - expected["p_abandon"]))
    assert_ratio("handle time", m[Q.TALK] + m[Q.AFTER_CALL], m[Q.ANSWERED], handle)


@pytest.mark.parametrize(
    ("n", "concurrency", "slowdown", "lam"), [(1, 3, 0.4, 1.2), (1, 5, 1.0, 0.8), (6, 2, 0.0, 11.0)]
)
def test_chats_of_one_agent_or_without_slowdown(n: int, concurrency: int, slowdown: float, lam: float) -> None:
    """One agent's chats are a birth-death chain; agents who are not slowed down are so many more agents."""
    theta = 0.5
    model = tables({(0, 0): distributions.exponential(1.0)}, [distributions.exponential(1 / theta)], within=0.2)
    sums = steady(chats(model, concurrency, slowdown), [n], [lam], 4.0, "chat")
    theory = erlang.measures_chat(
        agents=n, arrival_rate=lam, handle_times=[1 + slowdown * j for j in range(concurrency)],
        abandonment_rate=theta, answer_within=0.2,
    )  # fmt: skip
    names = ["p_abandon", "e_wait", "e_wait_served", "sl_served_over_offered", "occupancy_of_slots"]
    if n == 1:  # of several agents the chain does not say how many have a chat
        names.append("occupancy")
    check_chats(sums, {name: getattr(theory, name) for name in names}, n, concurrency, lam)


def test_chats_go_to_the_agent_with_the_fewest() -> None:
    """Two agents of three chats each against the null vector of the chain of (most, fewest, waiting) chats."""
    lam, theta, slowdown, k, room = 3.6, 0.4, 0.6, 3, 40
    states = [(i, j, 0) for i in range(k + 1) for j in range(i + 1)] + [(k, k, w) for w in range(1, room + 1)]
    place = {state: x for x, state in enumerate(states)}
    rate = np.zeros((len(states), len(states)))

    def ends(chats: int) -> float:
        return chats / (1 + slowdown * (chats - 1)) if chats else 0.0

    for (i, j, w), x in place.items():
        more = (i, j, w + 1) if j == k else (max(i, j + 1), min(i, j + 1), 0)
        if more in place:
            rate[x, place[more]] += lam
        if w:
            rate[x, place[i, j, w - 1]] += ends(i) + ends(j) + w * theta
            continue
        if i:
            rate[x, place[max(i - 1, j), min(i - 1, j), 0]] += ends(i)
        if j:
            rate[x, place[i, j - 1, 0]] += ends(j)
    balance = np.vstack([(rate - np.diag(rate.sum(axis=1))).T, np.ones(len(states))])
    chance = np.linalg.lstsq(balance, np.append(np.zeros(len(states)), 1.0), rcond=None)[0]
    assert chance[-1] < 1e-12  # nothing is cut off
    many, few, waits = np.array(states).T
    expected = {
        "p_abandon": theta * float(chance @ waits) / lam,
        "e_wait": float(chance @ waits) / lam,
        "occupancy": float(chance @ ((many > 0).astype(float) + (few > 0))) / 2,
        "occupancy_of_slots": float(chance @ (many + few)) / (2 * k),
    }
    model = tables({(0, 0): distributions.exponential(1.0)}, [distributions.exponential(1 / theta)])
    sums = steady(chats(model, k, slowdown), [2], [lam], 6.0, "fewest")
    check_chats(sums, expected, 2, k, lam)


def test_calls_that_interrupt_what_can_wait() -> None:
    """M/G/1 with pre-emptive resume: calls do not feel the mail, and mail waits for the work there and all calls since.

    Source: Conway, Maxwell and Miller, Theory of Scheduling (1967), chapter 8; the time to the first start of service.
    """
    calls, mail = (0.4, 1.0), (0.25, 1.2)  # rate, mean of deterministic and of exponential work
    laws = {(0, 0): distributions.deterministic(calls[1]), (1, 0): distributions.exponential(mail[1])}
    can_wait = np.array([False, True])
    model = replace(
        tables(laws, [None, None]), priority=np.array([[1], [2]]), deferrable=can_wait, interruptible=can_wait
    )
    sums = steady(model, [1], [calls[0], mail[0]], 60.0, "resume")
    busy = calls[0] * calls[1]
    both = busy + mail[0] * mail[1]
    of_calls, of_mail = calls[0] * calls[1] ** 2 / 2, mail[0] * mail[1] ** 2
    check_queue(sums, {"e_wait": of_calls / (1 - busy), "occupancy": both})
    check_queue(sums, {"e_wait": (of_calls + of_mail) / ((1 - busy) * (1 - both))}, queue=1)
    staffed = sums.group[:, 0, G.STAFFED]
    assert_ratio("mail", sums.group[:, 0, G.DEFERRABLE], staffed, mail[0] * mail[1])
    # whoever calls while the agent is at a mail interrupts it
    m = sums.queue[:, :, Q.INTERRUPTED][:, 1]
    assert_ratio("interruptions", m, sums.queue[:, 0, Q.OFFERED], mail[0] * mail[1])


@pytest.mark.parametrize("law", ["deterministic", "uniform", "hyperexponential"])
def test_agents_who_are_never_all_busy(law: str) -> None:
    """M(t)/G/infinity: contacts do not meet, so that m(t), the mean number of busy agents, is the integral over u of
    rate(u) P(S > t - u) (Palm 1943; Eick, Massey and Whitt 1993); a period's busy time is the integral of m(t)."""
    mean, parts, means = 0.7, (0.8, 0.2), (0.35, 2.1)

    def twice(x: float) -> float:
        """P(S > s), integrated from 0 to y and that from 0 to x."""
        if x <= 0:
            return 0.0
        if law == "deterministic":
            return x**2 / 2 if x < mean else mean**2 / 2 + mean * (x - mean)
        if law == "uniform":
            inside = min(x, 2 * mean)
            return inside**2 / 2 - inside**3 / (12 * mean) + mean * (x - inside)
        return sum(p * m * (x - m * (1 - math.exp(-x / m))) for p, m in zip(parts, means, strict=True))

    service = {
        "deterministic": distributions.deterministic(mean),
        "uniform": distributions.uniform(0.0, 2 * mean),
        "hyperexponential": distributions.hyperexponential(list(parts), list(means)),
    }[law]
    rates = [30.0, 80.0, 0.0, 60.0, 110.0, 20.0]
    clock = Clock(np.arange(len(rates) + 1.0), np.arange(len(rates)))
    staff = np.full((1, len(rates)), 250)
    sums = simulate(tables({(0, 0): service}, [None]), staff, clock, np.array([rates]), law)
    assert sums.queue[..., Q.WAIT_ANSWERED].sum() == 0
    one = np.ones(len(sums.queue))
    for k in range(len(rates)):
        busy = sum(
            rate * (twice(k + 1 - j) - twice(k - j) - twice(k - j) + twice(k - j - 1)) for j, rate in enumerate(rates)
        )
        assert_ratio(f"busy {k}", sums.group[:, k, 0, G.BUSY], one, busy)


def test_chats_that_share_one_agent_are_insensitive() -> None:
    """M/G/1 processor sharing: a chat that takes s alone takes s / (1 - load) on average, whatever the laws.

    Source: Kleinrock, Queueing Systems II (1976), chapter 4. Room for 40 chats, of which more than 40 come once in
    10^9; after-call work is part of what is shared.
    """
    short, long, after = 0.3, 1.3, 0.2
    laws = {(0, 0): distributions.deterministic(short), (1, 0): distributions.hyperexponential([0.8, 0.2], [0.5, 4.5])}
    model = tables(laws, [None, None], after_call=distributions.exponential(after))
    rates = [0.6, 0.2]
    load = rates[0] * (short + after) + rates[1] * (long + after)
    both = np.ones(2, dtype=np.bool_)
    model = replace(model, chat=both, concurrency=np.array([40]), slowdown=np.ones(1))
    sums = steady(model, [1], rates, 40.0, "sharing")
    for q, alone in enumerate((short + after, long + after)):
        m = {measure: sums.queue[:, q, measure] for measure in Q}
        assert_ratio("handle time", m[Q.TALK] + m[Q.AFTER_CALL], m[Q.ANSWERED], alone / (1 - load))
    assert_ratio("occupancy", sums.group[:, 0, G.BUSY], sums.group[:, 0, G.STAFFED], load)


@pytest.mark.parametrize("concurrency", [2, 5])
def test_chats_that_share_one_agent_in_part(concurrency: int) -> None:
    """M/M/1 with limited processor sharing: work is done at rate 1 whoever shares it, so that the mean time from
    arrival to end is that of M/M/1, for any number of chats at once."""
    lam = 0.7
    model = chats(tables({(0, 0): distributions.exponential(1.0)}, [None]), concurrency, 1.0)
    sums = steady(model, [1], [lam], relaxation(1, lam, 1.0, None), "limited sharing")
    m = {measure: sums.queue[:, 0, measure] for measure in Q}
    assert m[Q.WAIT_ANSWERED].sum() > 0
    assert_ratio("time in the system", m[Q.WAIT_ANSWERED] + m[Q.TALK], m[Q.ANSWERED], 1 / (1 - lam))


def test_calls_that_interrupt_several_agents() -> None:
    """M/M/n, two classes of one exponential law, pre-emptive resume: the first sees an Erlang C of its own, both
    together are an Erlang C, and mails that wait (interrupted or not) are the difference of the two queues."""
    n, calls, mail = 4, 2.0, 1.4
    service = distributions.exponential(1.0)
    can_wait = np.array([False, True])
    model = replace(
        tables({(0, 0): service, (1, 0): service}, [None, None]),
        priority=np.array([[1], [2]]),
        deferrable=can_wait,
        interruptible=can_wait,
    )
    slow = relaxation(n, calls + mail, 1.0, None)
    clock = Clock(np.array([0.0, *(8 * slow + 3 * slow * np.arange(11))]), np.array([0, *[1] * 10]))
    rates = np.repeat(np.array([[calls], [mail]]), clock.intervals, axis=1)
    sums = simulate(model, np.full((1, clock.intervals), n), clock, rates, "several")
    own = erlang.measures(agents=n, arrival_rate=calls, service_rate=1.0)
    together = erlang.measures(agents=n, arrival_rate=calls + mail, service_rate=1.0)
    now = sums.queue[:, 1]
    assert_ratio("calls wait", now[:, 0, Q.WAIT_ANSWERED], now[:, 0, Q.ANSWERED], own.e_wait)
    left = (calls + mail) * together.e_wait - calls * own.e_wait
    assert_ratio("mails wait", now[:, 1, Q.BACKLOG], now[:, 1, Q.READINGS], left)


def test_queues_that_share_lines_are_blocked_alike() -> None:
    """Two Poisson queues of one law, one group and one pool are M/M/n/K with the rates added up, and whoever comes
    sees the same system (Wolff 1982)."""
    n, places, theta = 6, 9, 0.5
    rates = [3.0, 5.0]
    service, patience = distributions.exponential(1.0), distributions.exponential(1 / theta)
    model = tables({(0, 0): service, (1, 0): service}, [patience, patience], lines=places)
    sums = steady(model, [n], rates, 3.0, "shared lines")
    theory = erlang.measures(agents=n, arrival_rate=sum(rates), service_rate=1.0, abandonment_rate=theta, places=places)
    for q in (0, 1):
        check_queue(sums, {name: getattr(theory, name) for name in ("p_block", "p_abandon")}, queue=q)


@pytest.mark.parametrize("carries", [False, True])
def test_the_order_by_age_leaves_the_mean_wait(carries: bool) -> None:
    """Whom experts take first, those with an age or those who came before them, is no matter to their mean wait: what
    a first tier without loss hands on is Poisson (Burke 1956), and M/M/n in an order that knows no service times keeps
    its queue. Those who bring an age along wait less, the others more."""
    n, lam, direct = 5, 3.0, 2.0
    service = distributions.exponential(1.0)
    laws = {(0, 0): service, (1, 1): service, (2, 1): service}
    model = replace(tables(laws, [None, None, None], escalation=0.7), carries_age=np.array([carries, False, False]))
    sums = steady(model, [6, n], [lam, 0.0, direct], 25.0, "age")
    theory = erlang.measures(agents=n, arrival_rate=0.7 * lam + direct, service_rate=1.0)
    wait, answered = sums.queue[..., Q.WAIT_ANSWERED], sums.queue[..., Q.ANSWERED]
    assert_ratio("wait", wait[:, 1:].sum(axis=1), answered[:, 1:].sum(axis=1), theory.e_wait)
    passed_on, at_once = wait.sum(axis=0)[1:] / answered.sum(axis=0)[1:]
    assert (passed_on < 0.8 * at_once) == carries
    if not carries:
        assert_ratio("who comes sees the same", wait[:, 1], answered[:, 1], theory.e_wait)


@pytest.mark.parametrize("seed", range(40))
def test_one_more_agent_never_lengthens_a_wait(seed: int) -> None:
    """First come, first served, without abandonment or blocking: on common draws the ordered instants at which agents
    are free are no later with one agent more (Kiefer and Wolfowitz 1955), through shifts that begin and end."""
    case = generated.case(seed)
    model = generated.in_order(generated.with_rules(case.tables))
    model = replace(model, patience=np.full(model.queues, -1), escalation_to=np.full(model.queues, -1))
    before, shorter = None, 0
    for more in range(4):
        sums = Sums.zeros(model, case.clock)
        outcome, _ = compiled.run(
            model, case.clock, case.contacts, case.staff + more, None, math.inf, sums=sums, records=True,
            every_abandonment_an_event=seed % 4 == 0,
        )  # fmt: skip
        assert outcome.records is not None
        taken = outcome.records["answered_at"]
        if before is not None:
            known = ~np.isnan(before)  # nobody answers where the last plan is nobody
            assert np.all(taken[known] <= before[known] + 1e-9)
            shorter += int(np.sum(taken[known] < before[known] - 1e-9))
        before = taken
    assert shorter > 0 or np.all(before == case.contacts.time)
