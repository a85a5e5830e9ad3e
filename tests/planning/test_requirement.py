"""The least staffing: searches against brute force, and the rules that any need obeys."""

import itertools
import math

import numpy as np
import pytest

from simulator.horizon import Horizon, Staffing
from simulator.planning import requirement
from simulator.scenario.document import Document
from simulator.scenario.loading import freeze
from simulator.scenario.schema import Scenario
from tests.models import both_wings, one_queue, over


def evaluator(horizon: Horizon) -> requirement.Evaluate:
    return lambda staffings, count: [over(lambda r, s=s: horizon.replay(r, s), count) for s in staffings]


def small_centre(rate: str, target: dict, queue: dict | None = None) -> Scenario:
    return one_queue(
        queue={
            "hours": {"daily": "09:00-12:00"},
            "arrivals": {"rate": rate},
            "talk": {"exponential": "4 min"},
            "targets": {"confidence": "80%", **target},
            "patience": None if queue and "channel" in queue else {"exponential": "2 min"},
            **(queue or {}),
        },
        group={"agents": None, "headcount": 5, "hours_per_week": 21},
        calendar={"days": 10},
    ).with_({"monte_carlo.replications": 40})


CASES = [
    ("1 per min", {"service_level": "80% in 20 s"}, {}),
    ("2 per min", {"abandonment": "4%"}, {}),
    ("1 per min", {"service_level": "70% in 30 s", "abandonment": "6%", "window": "day"}, {}),
    ("30 per h", {"asa": "30 s"}, {}),
    ("1 per min", {"closing_backlog": 20}, {"channel": "email"}),
    ("1 per min", {"closing_backlog_days": 0.2, "window": "day"}, {"channel": "email"}),
]


@pytest.mark.parametrize(("rate", "target", "queue"), CASES)
def test_the_need_is_the_least_of_its_family(rate: str, target: dict, queue: dict) -> None:
    horizon = Horizon(small_centre(rate, target, queue))
    evaluate = evaluator(horizon)
    need = requirement.support_need(horizon, evaluate, 40)
    items = horizon.targets.items

    def passes(heads: float) -> bool:
        met = evaluate([Staffing(groups=np.full((1, 1), heads))], 40)[0]["met"]
        return bool(requirement.slack(met, items, range(len(items)))[0] >= 0)

    assert need.passed.all()
    least = next(h for h in np.arange(requirement.STEP, 40, requirement.STEP) if passes(float(h)))
    found = float(need.hours[0, 0] / horizon.plans[0].hours_per_head[0])
    assert passes(found)
    # plans that pass need not be an interval: a plan below a failing one may pass by luck, so two steps are allowed
    assert found - least <= 2 * requirement.STEP
    assert need.heads[0, 0] == math.ceil(round(found, 9))


def test_spreading_by_the_root_is_near_the_cheapest_plan_of_all() -> None:
    """Every plan of a morning with three loads, by brute force, against the plan that the search finds."""
    scenario = one_queue(
        queue={
            "hours": {"daily": "09:00-12:00"},
            "arrivals": {"table": {"09:00": 12, "10:00": 30, "11:00": 60}},
            "talk": {"exponential": "4 min"},
            "targets": {"service_level": "80% in 30 s", "confidence": "80%"},
        },
        group={"agents": None, "headcount": 5, "hours_per_week": 21},
        calendar={"days": 8, "interval": "1 h"},
    ).with_({"monte_carlo.replications": 40})
    horizon = Horizon(scenario)
    evaluate = evaluator(horizon)
    need = requirement.support_need(horizon, evaluate, 40)
    contacts = [horizon._seen[r].contacts[0][1] for r in range(40)]
    from simulator.support import compiled
    from simulator.support.tables import Sums

    model = horizon.central.support
    opening = horizon.grid.interval_slot
    best = math.inf
    for plan in itertools.product(range(1, 4), range(1, 6), range(2, 9)):
        if sum(plan) >= best:
            continue
        staff = np.zeros((1, horizon.grid.intervals), dtype=np.int64)
        for slot, agents in zip((9, 10, 11), plan, strict=True):
            staff[0, opening == slot] = agents
        good = []
        for arrivals in contacts:
            sums = Sums.zeros(model.tables, horizon.layout.clock)
            compiled.run(
                model.tables, horizon.layout.clock, arrivals, staff, None, horizon.grid.month_end(0), sums=sums
            )
            good.append(horizon.targets.met(sums.queue, horizon.layout, horizon.grid)[0, 0])
        if np.mean(good) >= 0.8:
            best = sum(plan)
    agents = [int(need.agents[0, opening == slot].max()) for slot in (9, 10, 11)]
    # one agent-hour of the day: the family has one plan per total, brute force has many
    assert best <= sum(agents) <= best + 1


def on_shifts(**group: object) -> Scenario:
    document = small_centre("1 per min", {"service_level": "80% in 20 s"}).document()
    document["calendar"]["start"] = "2027-04-05"
    document["support"]["queues"]["calls"]["hours"] = {"mon-sat": "09:00-17:00"}
    document["support"]["shifts"] = {
        "early": {"start": "09:00", "length": "5 h", "days": ["mon-fri", "tue-sat"]},
        "late": {"start": "12:00", "length": "5 h", "days": ["mon-fri", "tue-sat"]},
    }
    document["support"]["groups"]["agents"] |= {"shifts": ["early", "late"], "hours_per_week": 25, **group}
    return freeze(Document(document))


def test_the_need_on_shifts_is_the_least_of_all_rosters() -> None:
    horizon = Horizon(on_shifts())
    evaluate = evaluator(horizon)
    need = requirement.support_need(horizon, evaluate, 40)
    items = horizon.targets.items

    def passes(heads: float) -> bool:
        met = evaluate([Staffing(groups=np.full((1, 1), heads))], 40)[0]["met"]
        return bool(requirement.slack(met, items, range(len(items)))[0] >= 0)

    assert need.passed.all()
    whole = int(need.heads[0, 0])
    assert passes(whole)
    assert whole == next(n for n in range(1, 60) if passes(float(n)))
    # covered by no more people than were simulated, and everywhere by as many agents
    cover, roster = need.rosters[0][0], horizon.plans[0].rosters[0]
    assert cover is not None
    assert cover.proven
    assert cover.people.sum() <= whole
    open_ = roster.tours.cells.load > 0
    people = math.ceil(round(float(need.hours[0, 0] / horizon.plans[0].hours_per_head[0]), 9))
    assert np.all(cover.agents[open_] >= roster.cover(people)[open_])
    # and more heads than hours alone would need
    free = requirement.support_need(Horizon(on_shifts(shifts=[])), evaluator(Horizon(on_shifts(shifts=[]))), 40)
    assert free.heads[0, 0] <= whole
    assert free.rosters == ((),)


def test_absence_and_shrinkage_raise_the_need_on_shifts() -> None:
    heads = []
    for group in ({}, {"absence": "20%"}, {"shrinkage": {"absence": "20%"}}):
        horizon = Horizon(on_shifts(**group))
        heads.append(int(requirement.support_need(horizon, evaluator(horizon), 40).heads[0, 0]))
    plain, drawn, divided = heads
    assert divided == pytest.approx(plain / 0.8, abs=1)
    # who is away by chance is missed more than a steady fifth of the hours
    assert drawn >= divided > plain


def test_an_impossible_target_is_named_and_not_hidden() -> None:
    scenario = small_centre("2 per min", {"abandonment": "1%"}, {"patience": {"deterministic": "0 s"}, "lines": 1})
    horizon = Horizon(scenario.with_({"support.queues.calls.targets.answer_rate": "99%"}))
    need = requirement.support_need(horizon, evaluator(horizon), 8)
    assert not need.passed[0]
    assert need.agents.max() > 0, "the plan that was tried is kept"


def test_the_distribution_of_the_least_heads_follows_the_uncertain_input() -> None:
    scenario = small_centre("1 per min", {"service_level": "80% in 20 s"}).with_(
        {
            "support.queues.calls.talk": {"exponential": {"mean": {"uncertain": {"uniform": ["2 min", "8 min"]}}}},
            "monte_carlo.replications": 40,
            "monte_carlo.chance_repeats": 2,
        }
    )
    horizon = Horizon(scenario)
    need = requirement.support_need(horizon, evaluator(horizon), 40)
    means = [horizon.models(2 * d)[0].scenario.support.queues["calls"].talk.mean for d in range(20)]
    assert np.corrcoef(means, need.least[:, 0, 0])[0, 1] > 0.95
    spread = requirement.distribution(need.least)
    assert spread["p10"][0, 0] < spread["p50"][0, 0] < spread["p90"][0, 0] <= need.heads[0, 0] + 1


def test_crossing_takes_the_plan_above_the_last_failure() -> None:
    heads = np.array([1.0, 2.0, 3.0, 4.0])
    margins = np.array([[0.1, -1.0, -1.0, 0.2], [-0.1, -0.5, -1.0, 0.2], [0.1, 0.5, -0.5, 0.2], [0.2, 0.6, -0.1, 0.2]])
    # column 0 passes at 1 head but fails at 2: the need lies above the failure
    assert requirement._crossing(heads, margins).tolist() == [3.0, 3.0, 5.0, 1.0]


@pytest.mark.slow
def test_csm_need_is_the_least_that_passes() -> None:
    horizon = Horizon(
        both_wings(
            {
                "accounts.enterprise.opening": 60,
                "success.activities.qbr.segments": {"enterprise": "100%", "smb": "60%"},
                "monte_carlo.replications": 20,
            }
        )
    )
    evaluate = evaluator(horizon)
    need = requirement.success_need(horizon, evaluate, 20)
    targets = requirement.on_time_targets(horizon)
    quarter = horizon.grid.quarter_of_month

    def passes(heads: int) -> bool:
        steps = evaluate([Staffing(teams=np.full((1, 3), heads))], 20)[0]["steps"]
        met = requirement.on_time_met(steps, targets, quarter)[:, :, 0]
        return bool(np.nanmean(met) >= 0.8)

    assert need.passed.all()
    assert need.heads[0, 0] == next(n for n in range(1, 30) if passes(n))
    assert need.work[0, 0] < need.heads[0, 0], "reviews that bunch need more heads than hours by hours"


def test_a_team_that_cannot_meet_its_target_is_not_starved() -> None:
    scenario = both_wings(
        {"accounts.enterprise.meetings.cancellation": "100%", "accounts.smb.meetings.cancellation": "100%"}
    )
    horizon = Horizon(scenario)
    need = requirement.success_need(horizon, evaluator(horizon), 4)
    assert not need.passed.any()
    # every meeting is cancelled: nothing is ever held, and the least team gets as near as any
    assert need.heads[0, 0] == 1
    half = scenario.with_(
        {"accounts.enterprise.meetings.cancellation": "45%", "accounts.smb.meetings.cancellation": "45%"}
    )
    horizon = Horizon(half.with_({"success.targets.on_time.qbr": "100%"}))
    need = requirement.success_need(horizon, evaluator(horizon), 4)
    assert not need.passed.any()
