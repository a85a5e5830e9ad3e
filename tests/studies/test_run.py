"""The main question: account KPIs, options, and the answer in the summary."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import simulator as sim
from simulator.horizon import FLOWS, Horizon, Staffing
from simulator.studies.run import account_kpis, crew_of, evaluator, measures, run, simulate
from simulator.support.tables import QueueMeasure
from tests.models import both_wings, one_queue


def flows(**columns: list[float]) -> np.ndarray:
    """One replication of a segment over some months; what is not named is 0."""
    months = len(next(iter(columns.values())))
    made = np.zeros((1, months, len(FLOWS)))
    for name, values in columns.items():
        made[0, :, FLOWS.index(name)] = values
    return made


def test_account_kpis_by_hand() -> None:
    made = account_kpis(
        flows(
            opening=[100, 120],
            new=[30, 0],
            lost=[10, 6],
            opening_mrr=[1000, 1100],
            new_mrr=[200, 0],
            churned_mrr=[100, 55],
            contraction_mrr=[50, 0],
            expansion_mrr=[50, 110],
        )
    )
    # per month, then the horizon: 16 lost of 220 account-months; revenue retention chained, 0.9 · 1.05 and 0.85 · 0.95
    assert made["churn_rate"][1][0].tolist() == pytest.approx([0.1, 0.05, 16 / 220])
    assert made["nrr"][1][0].tolist() == pytest.approx([0.9, 1.05, 0.945])
    assert made["grr"][1][0].tolist() == pytest.approx([0.85, 0.95, 0.85 * 0.95])


def test_no_accounts_have_no_rates() -> None:
    made = account_kpis(flows(opening=[0, 0], opening_mrr=[0, 0]))
    assert all(np.isnan(values).all() for _, values in made.values())


def test_account_kpis_of_a_simulation_keep_their_identities() -> None:
    churning = {f"accounts.{s}.churn_per_month": "5%" for s in ("enterprise", "smb")}
    simulated = simulate(both_wings({**churning, "accounts.enterprise.term": "1 month"}), replications=4)
    data, found = simulated.data["flows"], measures(simulated)

    def column(name: str) -> np.ndarray:
        return data[..., FLOWS.index(name)]

    kpis = {(subject, kpi): values for (_, kind, subject, kpi, _), values in found.items() if kind == "segment"}
    assert {subject for subject, _ in kpis} == {"enterprise", "smb", "all"}
    for s, segment in enumerate(("enterprise", "smb")):
        churn, nrr, grr = (kpis[segment, kpi] for kpi in ("churn_rate", "nrr", "grr"))
        assert np.array_equal(churn[:, :-1], column("lost")[..., s] / column("opening")[..., s])
        gained = column("expansion_mrr")[..., s] / column("opening_mrr")[..., s]
        # differences of ratios near 1
        np.testing.assert_allclose(nrr[:, :-1] - grr[:, :-1], gained, atol=1e-12)
        assert (grr <= 1).all()
    pooled = kpis["all", "churn_rate"]
    lost, opening = column("lost").sum(axis=2), column("opening").sum(axis=2)
    np.testing.assert_allclose(pooled[:, :-1], lost / opening, rtol=1e-12)
    np.testing.assert_allclose(pooled[:, -1], lost.sum(axis=1) / opening.sum(axis=1), rtol=1e-12)
    assert column("lost").sum() > 10


def test_options_are_part_of_the_scenario_of_the_result() -> None:
    plan = one_queue(queue={"hours": {"daily": "09:00-10:00"}})
    result = run(plan, replications=3, seed=77, changes=["a: 1 -> 2"])
    assert (result.scenario.monte_carlo.replications, result.scenario.monte_carlo.seed) == (3, 77)
    assert (result.summary["replications"], result.summary["seed"], result.provenance["seed"]) == (3, 77, 77)
    assert result.summary["changes"] == ["a: 1 -> 2"]
    assert plan.monte_carlo.seed == 5
    other = run(plan, replications=3)
    assert not other.kpis.equals(result.kpis)


def test_progress_runs_to_its_end_in_every_phase() -> None:
    seen: dict[str, list[tuple[int, int]]] = {}
    run(both_wings(), replications=4, progress=lambda phase, done, of, _: seen.setdefault(phase, []).append((done, of)))
    assert list(seen) == ["plan", "need of support", "need of success"]
    for steps in seen.values():
        assert all(0 <= done <= of for done, of in steps)
        assert steps[-1][0] == steps[-1][1]


def test_there_must_be_something_to_resume(tmp_path: Path) -> None:
    plan = one_queue(queue={"hours": {"daily": "09:00-10:00"}})
    with pytest.raises(sim.InputError, match="this folder holds no unfinished part of this run"):
        run(plan, replications=2, store=tmp_path / "blocks", resume=True)

    def interrupt(phase: str, done: int, *_: float) -> None:
        if phase == "need of support":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(plan, replications=2, store=tmp_path / "blocks", progress=interrupt)
    again = run(plan, replications=2, store=tmp_path / "blocks", resume=True)
    first = run(plan, replications=2)
    assert first.kpis.equals(again.kpis)
    with pytest.raises(sim.InputError, match="the same scenario with the same replications, seed and overrides"):
        run(plan, replications=2, seed=6, store=tmp_path / "blocks", resume=True)


def test_too_few_people_are_named_with_their_hiring() -> None:
    plan = both_wings(
        {
            "support.groups.tier1.headcount": 1,
            "accounts.smb.opening": 600,
            "hiring.time_to_hire": "1 month",
            "hiring.ramp": ["50%", "100%"],
        }
    )
    summary = run(plan, replications=4).summary
    tier1 = next(team for team in summary["teams"] if team["team"] == "tier1")
    assert tier1["now"] == 1
    assert tier1["need_first"] > 1
    assert tier1["p_enough_all"] == 0
    assert tier1["first_short_month"] == "2027-04"
    hiring = [entry for entry in summary["hiring"] if entry["team"] == "tier1"]
    assert sum(entry["open"] for entry in hiring) == tier1["need_peak"]["heads"] - 1
    # a month to hire and one at half: what April needs cannot come in time, what June needs was opened in April
    assert [entry["by"] for entry in hiring if entry["ramped_by"] == "2027-04"] == [None]


def test_a_staffing_judged_after_a_glance_is_the_one_judged_at_once() -> None:
    horizon = Horizon(one_queue())
    few, more = (Staffing(groups=np.full((1, horizon.grid.months), heads)) for heads in (2.0, 3.0))
    ran: list[int] = []
    with crew_of(horizon, 12) as workers:
        evaluate = evaluator(workers, horizon, progress=lambda _phase, _done, total, _left: ran.append(total))
        (glance,) = evaluate([few], 5)
        (judged,) = evaluate([few], 12)
        (again,) = evaluate([few], 7)
        (other,) = evaluate([more], 12)
        (back,) = evaluate([few], 12)
    assert sorted(set(ran), key=ran.index) == [5, 7, 12]
    for name, rows in back.items():
        np.testing.assert_array_equal(judged[name], rows)
        np.testing.assert_array_equal(glance[name], rows[:5])
        np.testing.assert_array_equal(again[name], rows[:7])
    assert not np.array_equal(other["queue"], back["queue"])


def test_a_contact_costs_what_the_groups_cost_who_alone_take_it() -> None:
    """One group on the phone; of two who share the mail nobody knows whose contacts they were."""
    pay = {"headcount": 8, "salary_per_year": 3_650_000}
    plan = one_queue(
        support={
            "queues": {
                name: {"hours": {"daily": "09:00-10:00"}, "arrivals": {"rate": "1 per min"}, "talk": "90 s"}
                for name in ("phone", "mail")
            },
            "groups": {
                "phone": {**pay, "serves": ["phone"]},
                "one": {**pay, "serves": ["mail"]},
                "other": {**pay, "serves": ["mail"]},
            },
        },
    )
    simulated = simulate(plan, replications=2)
    found = {key[2]: values for key, values in measures(simulated).items() if key[3] == "cost_per_contact"}
    assert set(found) == {"phone", "support"}
    answered = simulated.data["queue"][:, 0, :, QueueMeasure.ANSWERED]
    assert answered.min() > 0
    # a third of the team's cost each
    np.testing.assert_allclose(3 * found["phone"][:, 0] * answered[:, 0], found["support"][:, 0] * answered.sum(axis=1))
