"""What a plan costs, part by part, against sums by hand; and what a need costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import simulator as sim
from simulator import workforce
from simulator.errors import InputError
from simulator.horizon import COSTS, PEOPLE, Horizon, pay_of, units
from simulator.planning.budget import need_cost
from simulator.planning.requirement import support_need
from simulator.studies.run import _Report, crew_of, evaluator, simulate
from simulator.success.tables import HOUR_KINDS
from simulator.support.tables import QueueMeasure
from tests.models import both_wings

TEXT = """\
name: Everything that costs
calendar: {start: 2027-04, months: 3}
monte_carlo: {replications: 4, seed: 3}
accounts: {firms: {opening: 60}}
support:
  queues:
    calls: {hours: {mon-fri: "09:00-17:00"}, arrivals: {rate: 20 per h}, patience: 3 min, talk: 5 min,
            cost_per_minute: 2}
  groups:
    agents: {headcount: 4, serves: [calls], salary_per_year: 12_000, contractors: {2027-05: 2},
             contractor_per_month: 3_000, hires: {2027-06: 1}}
success:
  activities: {review: {segments: {firms: 100%}, every: month, steps: {write: {desk: 4 h}}}}
  teams: {csm: {segments: [firms], headcount: 1, salary_per_year: 24_000, overtime: 5 h}}
hiring: {cost_per_hire: 500, loading: 1.5, bonus: 10%, seat_per_month: 50, agency_fee: 30%, agency_hires: 50%,
         overtime: {pay: 1.25, most_per_month: 45 h}, time_to_hire: 0 months}
"""


@pytest.fixture(scope="module")
def plan() -> sim.Scenario:
    return sim.read(TEXT)


def test_the_parts_of_a_plan_by_hand(plan: sim.Scenario) -> None:
    out = Horizon(plan).simulate(0)
    part = {name: out["cost"][..., i] for i, name in enumerate(COSTS)}
    assert part["base"].tolist() == [[4000, 2000], [4000, 2000], [5000, 2000]]
    np.testing.assert_allclose(part["bonus"], part["base"] * 0.1)
    np.testing.assert_allclose(part["loading"], part["base"] * 1.1 * 0.5)
    assert part["seats"].tolist() == [[200, 50], [200, 50], [250, 50]]
    # half the starts come from an agency that asks for 30 % of a year's pay
    assert part["hiring"].tolist() == [[0, 0], [0, 0], [500 + 0.5 * 0.3 * 12_000, 0]]
    assert part["contractors"].tolist() == [[0, 0], [2 * (3_000 + 50), 0], [0, 0]]
    hours = out["hours"][:, 0, HOUR_KINDS.index("overtime")] / 3600
    assert hours.sum() > 10
    np.testing.assert_allclose(part["overtime"][:, 1], hours * 1.25 * 1.5 * 24_000 / 52 / 40)
    queue = out["queue"][:, 0]
    held = sum(queue[:, m] for m in (QueueMeasure.TALK, QueueMeasure.WAIT_ANSWERED, QueueMeasure.WAIT_ABANDONED))
    assert held.sum() > 300 * queue[:, QueueMeasure.ANSWERED].sum()
    np.testing.assert_allclose(part["minutes"][:, 0], 2 * held / 60)


def test_contractors_answer_and_are_no_heads(plan: sim.Scenario) -> None:
    without = Horizon(plan.with_({"support.groups.agents.contractors": {}})).simulate(0)
    out = Horizon(plan).simulate(0)
    answered = [x["queue"][:, 0, QueueMeasure.ANSWERED] for x in (out, without)]
    assert answered[0][1] > answered[1][1]
    assert answered[0][0] == answered[1][0]
    closing = [x["people"][..., 4] for x in (out, without)]
    assert np.array_equal(*closing)


def test_the_causes_of_the_variance_hold_all_of_it(plan: sim.Scenario) -> None:
    from simulator.planning.positions import drivers, positions, variance

    simulated = simulate(plan.with_({"hiring.attrition_per_year": "40%", "hiring.raise_per_year": "3%"}))
    scenario, cost, people = simulated.horizon.scenario, simulated.data["cost"].mean(axis=0), simulated.data["people"]
    teams = []
    for u, (_, name, unit) in enumerate(units(scenario)):
        opening, starts, hires = people[:, :, u, :3].mean(axis=0).T
        extra = cost[:, u, len(workforce.COSTS) :].sum()
        seats = [seat for seat in positions(scenario) if seat.team == name]
        whole = cost[:, u].sum()
        teams.append(drivers(name, pay_of(scenario, unit), seats, opening + starts, starts, hires, extra, whole))
    found = variance(teams, 3)
    assert found["rate"] == pytest.approx([0, 0], abs=1e-6)  # nothing uncertain, nobody there for a raise
    assert found["extra"].sum() > 0
    assert found["attrition"].sum() != 0


@pytest.mark.parametrize(
    ("change", "path", "message"),
    [
        ({"success.teams.csm.overtime": "11 h"}, "success.teams.csm.overtime", "so much overtime a week can exceed"),
        ({"support.groups.agents.contractors": {"2027-08": 1}}, "support.groups.agents.contractors.2027-08", "outside"),
        ({"success.teams.csm.joined": {"2027-04": 1}}, "success.teams.csm.joined.2027-04", "not before the horizon"),
        ({"success.teams.csm.leaving": {"2027-03": 1}}, "success.teams.csm.leaving.2027-03", "before the horizon"),
        (
            {"success.teams.csm.open_requisitions": {"2027-05": 1}},
            "success.teams.csm.open_requisitions.2027-05",
            "not before the horizon",
        ),
        (
            {"success.teams.csm.joined": {"2027-03": 1}, "success.teams.csm.leaving": {"2027-05": 1}},
            "success.teams.csm.headcount",
            "more heads joined of late or are leaving than there are",
        ),
    ],
)
def test_what_does_not_fit_is_told(plan: sim.Scenario, change: dict[str, Any], path: str, message: str) -> None:
    with pytest.raises(sim.InputError) as caught:
        plan.with_(change)
    (problem,) = caught.value.problems
    assert problem.path == path
    assert message in problem.message


def test_a_need_on_shorter_shifts_is_paid_by_their_hours(plan: sim.Scenario) -> None:
    """Of shifts of 8 and of 4 hours the cheaper mix covers; its hours are what is paid, and not whole contracts."""
    on_shifts = plan.with_(
        {
            "support.shifts": {
                "long": {"start": "09:00", "length": "8 h"},
                "short": {"start": ["09:00", "13:00"], "length": "4 h"},
            },
            "support.groups.agents.shifts": ["long", "short"],
            "support.queues.calls.targets": {"service_level": "80% in 20 s"},
        }
    )
    horizon = Horizon(on_shifts)
    with crew_of(horizon, 4, 1) as workers:
        need = support_need(horizon, evaluator(workers, horizon), 4)
    assert need.full_time is not None
    for cover, hours in zip(need.rosters[0], need.full_time[0], strict=True):
        assert cover is not None
        tours = horizon.plans[0].rosters[0].tours.tours
        paid = sum(tour.paid_hours * 5 * n for tour, n in zip(tours, cover.people, strict=True))
        assert hours == pytest.approx(paid / 40)
    heads = np.vstack([need.heads, np.ones((1, 3))])
    priced = need_cost(on_shifts, heads, np.vstack([need.full_time, np.full((1, 3), np.nan)]))
    np.testing.assert_allclose(priced[0], need.full_time[0] * 1000 * 1.1 * 1.5 + need.heads[0] * 50)
    np.testing.assert_allclose(priced[1], 2000 * 1.1 * 1.5 + 50)
    np.testing.assert_allclose(need_cost(on_shifts, heads)[0], need.heads[0] * (1000 * 1.1 * 1.5 + 50))


def test_open_by_is_the_latest_month_that_is_sure_enough(plan: sim.Scenario) -> None:
    """By brute force: P(ramped) with the search opened in that month, and a month later."""

    from simulator import workforce

    scenario = plan.with_(
        {
            "hiring.time_to_hire": {"triangular": ["1 month", "2 months", "5 months"]},
            "hiring.offers_declined": "20%",
            "hiring.ramp": ["50%", "75%"],
        }
    )
    report = _Report(simulate(scenario, replications=2), None, None)
    for confidence in (0.5, 0.8, 0.9):
        months = report._time_to_full(confidence)

        def ramped(after: int) -> float:
            people = workforce.simulate(
                "one", 0, months=40, seed=9, replication=0, hires={0: 4_000}, lead=0, ramp=(0.5, 0.75), decline=0.2,
                time_to_hire=scenario.hiring.time_to_hire.law,
            )  # fmt: skip
            full = people.output() >= 1.0
            return float(full[:, after].mean())

        # 2,000 draws give the quantile, 4,000 check it: three standard errors of the difference
        assert ramped(months) > confidence - 3 * np.sqrt(0.25 * (1 / 2000 + 1 / 4000))
        assert ramped(months - 1) < confidence + 3 * np.sqrt(0.25 * (1 / 2000 + 1 / 4000))


def test_a_plan_is_reforecast_on_what_earlier_months_left(plan: sim.Scenario) -> None:
    """What two months spent beyond their part of the budget is missing later, and the outlook is of all months."""
    from simulator.reporting.wording import cost_sentences

    given = {"per_year": 480_000, "spent": {"2027-02": 45_000, "2027-03": 39_000}}
    scenario = plan.with_({"monte_carlo.replications": 4, "budget": given})
    summary = sim.run(scenario, jobs=1).summary
    cost = summary["cost"]
    assert cost["budget"] == 40_000 * 5 - 84_000
    assert cost["spent"]["outlook_mean"] == pytest.approx(84_000 + cost["plan"]["mean"])
    text = " ".join(cost_sentences(summary, "en"))
    assert "2027-02 to 2027-03 cost $84,000 of $80,000 budgeted (+$4,000); the outlook for all 5 months" in text
    with pytest.raises(sim.InputError, match="right before the horizon, without a gap"):
        plan.with_({"budget": {"per_year": 1, "spent": {"2027-01": 1, "2027-03": 1}}})


def test_overhead_follows_the_heads_by_span_and_is_no_part_of_the_need() -> None:
    roles = {"manager": {"span": 3, "salary_per_year": 9_000_000}, "operations": {"span": 10}}
    plan = both_wings({"hiring.raise_per_year": "0%", "hiring.seat_per_month": 20_000, "hiring.attrition_per_year": 0})
    with_roles = plan.with_({"support.groups.tier1.overhead": roles, "success.teams.csm.overhead": roles})
    one, other = simulate(plan, replications=2, jobs=1), simulate(with_roles, replications=2, jobs=1)
    added = other.data["cost"] - one.data["cost"]
    # tier1 has 4 heads, csm 2: two managers and one, an operator each, with seats
    manager = 9_000_000 / 12 * 1.3 + 20_000
    expected = [2 * manager + 20_000, 0, manager + 20_000]
    assert added[..., COSTS.index("overhead")].tolist() == [[pytest.approx(expected)] * 3] * 2
    assert added.sum() == pytest.approx(6 * sum(expected))
    assert other.data["people"][0, 0, :, PEOPLE.index("overhead")].tolist() == [3, 0, 2]
    same = [name for name in one.data if name not in ("cost", "people")]
    for name in same:
        np.testing.assert_array_equal(one.data[name], other.data[name], err_msg=name)
    both = other.data["people"][..., : PEOPLE.index("overhead")]
    np.testing.assert_array_equal(one.data["people"][..., : PEOPLE.index("overhead")], both)
    told = [{row[3] for row in _Report(found, None, None)._headcount()} for found in (one, other)]
    assert ["overhead" in measures for measures in told] == [False, True]
    assert not any("laid_off" in measures for measures in told)


def test_a_planned_fall_costs_severance_and_leaves_no_residual() -> None:
    from simulator.planning.positions import drivers, positions, variance

    changes = {
        "hiring.layoffs": {"notice": "1 month", "severance": "2 months"},
        "support.groups.tier1.hires": {"2027-06": -2},
        "support.groups.tier2.hires": {"2027-05": 1},
    }
    scenario = both_wings({**changes, "hiring.attrition_per_year": "10%"})
    simulated = simulate(scenario, replications=6, jobs=1)
    people, cost = simulated.data["people"], simulated.data["cost"]
    assert (people[:, 1, 0, PEOPLE.index("laid_off")] > 0).all()
    np.testing.assert_array_equal(people[:, 0, 0, PEOPLE.index("laid_off")], 0)
    severance = people[:, 1, 0, PEOPLE.index("laid_off")] * 4_000_000 / 12 * 2
    np.testing.assert_allclose(cost[:, 1, 0, COSTS.index("severance")], severance)
    assert cost[..., COSTS.index("severance")].sum() == pytest.approx(severance.sum())
    teams, seats = [], positions(scenario)
    assert [(seat.heads, seat.start, seat.hiring) for seat in seats if seat.heads < 0] == [(-2, 2, 0.0)]
    for u, (_, name, unit) in enumerate(units(scenario)):
        opening, starts, hires = people[:, :, u, :3].mean(axis=0).T
        gone = people[:, :, u, PEOPLE.index("laid_off")].mean(axis=0)
        mean = cost[:, :, u].mean(axis=0).sum(axis=0)
        mine = [seat for seat in seats if seat.team == name]
        given = pay_of(scenario, unit), mine, opening + starts, starts, hires
        teams.append(drivers(name, *given, mean[len(workforce.COSTS) :].sum(), mean.sum(), gone))
    found = variance(teams, 3)
    assert found["rate"] == pytest.approx([0, 0, 0], abs=1e-6)
    assert teams[0].planned == 4 * 3 - 2
    assert teams[0].late == pytest.approx(people[:, 1, 0, PEOPLE.index("laid_off")].mean() - 2)


@pytest.mark.parametrize(
    ("changes", "where", "message"),
    [
        ({"hires": {"2027-05": -1}}, "support.groups.tier1.hires.2027-05", "layoffs are not allowed"),
        ({"hires": {"2027-04": -1}, "allowed": {}}, "hires.2027-04", "nobody can be told before the horizon"),
        ({"hires": {"2027-05": 1, "2027-06": -6}, "allowed": {}}, "hires.2027-06", "more heads go than it has"),
    ],
)
def test_falls_that_are_not_allowed_or_not_possible_are_told(changes: dict, where: str, message: str) -> None:
    given = {"support.groups.tier1.hires": changes["hires"]}
    given |= {"hiring.layoffs": changes["allowed"]} if "allowed" in changes else {}
    with pytest.raises(InputError) as refused:
        both_wings(given)
    [told] = [str(problem) for problem in refused.value.problems]
    assert where in told
    assert message in told


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        ({}, "a budget is an amount per_year, a share_of_mrr or both"),
        ({"share_of_mrr": "10%", "spent": {"2027-03": 1}}, "spent is set against per_year"),
        ({"share_of_mrr": "110%"}, "share"),
    ],
)
def test_budgets_that_say_nothing_are_refused(budget: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        both_wings({"budget": budget})


def test_a_share_of_no_revenue_is_refused() -> None:
    nothing = {"accounts.enterprise.mrr": 0, "accounts.smb.mrr": 0, "budget": {"share_of_mrr": "10%"}}
    with pytest.raises(InputError, match="no account pays anything"):
        both_wings(nothing)
