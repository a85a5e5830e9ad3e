"""People month by month: roll-forward, keys, hazards, ramp and cost."""

from __future__ import annotations

import numpy as np
import pytest

from simulator import workforce
from simulator.distributions import deterministic, triangular, uniform
from simulator.errors import ParameterError
from simulator.workforce import (
    BACKFILL,
    COSTS,
    EXISTING,
    GROWTH,
    LONG_AGO,
    NEVER,
    Pay,
    absences,
    cost,
    months_to_start,
    simulate,
)

BASE = {
    "months": 24,
    "seed": 3,
    "replication": 0,
    "hires": {2: 2, 7: 1},
    "time_to_hire": triangular(1.0, 2.0, 4.0),
    "ramp": (0.5, 0.75, 1.0),
    "attrition_per_year": 0.3,
    "notice": 1.0,
}


def team(opening: int = 20, replication: int = 0, **changes) -> workforce.People:
    return simulate("csm", opening, **(BASE | {"replication": replication} | changes))


def test_heads_roll_forward():
    for replication in range(30):
        people = team(replication=replication, decline=0.3, backfill=0.7, backfill_lag=1)
        np.testing.assert_array_equal(people.heads, people.opening + people.starts)
        np.testing.assert_array_equal(people.closing, people.heads - people.leavers)
        np.testing.assert_array_equal(people.opening[1:], people.closing[:-1])
        assert people.opening[0] == 20
        np.testing.assert_array_equal(people.present().sum(axis=0), people.heads)


def test_rows_tell_the_same_story():
    people = team(opening=40, notice=2.0)
    assert np.all(people.end >= people.start)
    filled = people.kind == BACKFILL
    assert filled.any()
    gone = people.replaces[filled]
    assert np.all(people.start[filled] > people.end[gone])
    # the leaver resigned two closes before leaving, and the requisition opened the month after
    np.testing.assert_array_equal(people.requisition[filled], people.end[gone] - 2 + 1)
    assert len(np.unique(gone)) == len(gone)  # nobody is replaced twice
    assert np.all(people.replaces[~filled] == -1)
    assert np.all(people.start[people.kind == EXISTING] == LONG_AGO)
    assert len(np.unique(people.key)) == len(people.key)


def test_planned_hires_start_as_planned_or_when_found():
    people = team(attrition_per_year=0.0)
    grown = people.kind == GROWTH
    np.testing.assert_array_equal(people.start[grown], [2, 2, 7])
    assert np.all(people.requisition[grown] < people.start[grown])
    late = team(attrition_per_year=0.0, lead=0, time_to_hire=2.5)
    np.testing.assert_array_equal(late.start[late.kind == GROWTH], [5, 5, 10])
    np.testing.assert_array_equal(late.requisition[late.kind == GROWTH], [2, 2, 7])
    np.testing.assert_array_equal(late.open_requisitions[[1, 2, 3, 4, 5, 6, 7, 9]], [0, 2, 2, 0, 0, 0, 1, 0])
    early = team(attrition_per_year=0.0, lead=5, time_to_hire=2.0)
    np.testing.assert_array_equal(early.start[early.kind == GROWTH], [2, 2, 7])
    assert team(hires=[0, 0, 3], attrition_per_year=0.0).starts.tolist()[:4] == [0, 0, 3, 0]


def test_nobody_leaves_without_attrition():
    people = team(attrition_per_year=0.0)
    assert people.leavers.sum() == 0
    assert people.closing[-1] == 23
    assert np.all(people.end == NEVER)


def test_the_hazard_holds_from_the_first_month():
    """Leavers per head and month have mean 1 - exp(-a / 12) in every month, the notice notwithstanding."""
    runs, p = 400, -np.expm1(-0.3 / 12)
    for notice in (0.0, 3.0):
        leavers, heads = np.zeros(6), np.zeros(6)
        for r in range(runs):
            people = team(opening=50, replication=r, hires=(), notice=notice, backfill=0.0, months=6)
            leavers += people.leavers
            heads += people.heads
        # 4.5 standard errors of a binomial for 12 comparisons, and notice × p² for those who have resigned already and
        # are still among the heads
        error = 4.5 * np.sqrt(p / heads) + notice * p * p
        assert np.all(np.abs(leavers / heads - p) < error)


def test_attrition_by_month_and_pressure():
    by_month = [0.0] * 12 + [50.0] * 12
    people = team(attrition_per_year=by_month, notice=0.0, backfill=0.0, hires=())
    assert people.leavers[:12].sum() == 0
    assert people.heads[14] == 0
    calm = team(pressure=np.zeros(24), notice=0.0)
    assert calm.leavers.sum() == 0
    given = [team(pressure=np.full(24, factor)).leavers[0] for factor in (0.0, 1.0, 5.0)]
    assert len(set(given)) == 1, "who had given notice before the horizon leaves whatever the pressure in it"
    pressed, base = (team(pressure=np.full(24, factor), backfill=0.0) for factor in (3.0, 1.0))
    assert np.all(pressed.heads <= base.heads)  # the same people, who leave no later


def test_backfill():
    none = team(backfill=False)
    assert not np.any(none.kind == BACKFILL)
    steady = team(opening=200, notice=3.0, time_to_hire=1.0, attrition_per_year=0.4, hires=())
    # three closes of notice and one month to hire: a seat is never empty
    assert np.all(steady.heads == 200)
    slow = team(opening=200, notice=0.0, time_to_hire=3.0, attrition_per_year=0.4, hires=())
    # a seat is empty for three months: 3 p of the seats on average, the share that Little's law gives
    p = -np.expm1(-0.4 / 12)
    vacant = 1 - slow.heads[6:].mean() / 200
    assert vacant == pytest.approx(3 * p / (1 + 3 * p), rel=0.25)  # about 120 vacancies: 4 standard errors are 30 %


def test_declined_offers_lengthen_the_search():
    plan = {"months": 12, "seed": 1, "hires": [10], "lead": 0, "time_to_hire": 2.0}

    def searches(decline: float) -> np.ndarray:
        runs = [simulate("csm", 0, replication=r, decline=decline, **plan) for r in range(60)]
        return np.concatenate([people.start - people.requisition for people in runs])

    sure, unsure = searches(0.0), searches(0.5)
    assert np.all(sure == 2)
    # geometric with mean 2 searches of 2 months; 600 draws, standard deviation 2 × sqrt(2), 4 standard errors
    assert unsure.mean() == pytest.approx(4.0, abs=4 * 2 * np.sqrt(2) / np.sqrt(600))
    assert np.all(unsure % 2 == 0)


def test_ramp():
    people = team(opening=4, attrition_per_year=0.0, hires={2: 1})
    np.testing.assert_allclose(people.effective[:7], [4, 4, 4.5, 4.75, 5, 5, 5])
    assert people.capacity.shape == (24, 5)
    np.testing.assert_array_equal(people.capacity.sum(axis=1), people.effective)
    outside = simulate("csm", 1, months=3, seed=1, replication=0, hires={2: 1}, lead=0, time_to_hire=6.0)
    assert outside.capacity.shape == (3, 1)  # who starts after the horizon has no column


def test_another_hire_changes_nobody():
    few, more = team(), team(hires={2: 3, 7: 1, 9: 4}, opening=25)
    common = np.isin(more.key, few.key)
    assert common.sum() == len(few.key)
    few_order, more_order = np.argsort(few.key), np.argsort(more.key[common])
    np.testing.assert_array_equal(few.end[few_order], more.end[common][more_order])
    np.testing.assert_array_equal(few.start[few_order], more.start[common][more_order])
    assert not np.isin(simulate("other", 20, **BASE).key, few.key).any()
    np.testing.assert_array_equal(team(replication=5).end, team(replication=5).end)


def test_cost_adds_up():
    people = team(opening=10, attrition_per_year=0.2)
    pay = Pay(6_000_000, loading=1.3, bonus=0.1, raise_per_year=0.05, hiring_cost=500_000, seat_per_month=20_000)
    parts = cost(people, pay)
    assert parts.shape == (len(people.key), 24, len(COSTS))
    base = parts[..., COSTS.index("base")].sum(axis=0)
    np.testing.assert_allclose(base[:12], people.heads[:12] * 500_000)
    np.testing.assert_allclose(base[12:], people.heads[12:] * 525_000)
    np.testing.assert_allclose(parts[..., COSTS.index("bonus")].sum(axis=0), base * 0.1)
    np.testing.assert_allclose(parts[..., COSTS.index("loading")].sum(axis=0), base * 1.1 * 0.3)
    np.testing.assert_allclose(parts[..., COSTS.index("hiring")].sum(axis=0), people.starts * 500_000)
    np.testing.assert_allclose(parts[..., COSTS.index("seats")].sum(axis=0), people.heads * 20_000)


def test_absences_by_person_and_date():
    key = workforce.randomness.keys(workforce.randomness.stream(1, 0, "test"), np.arange(100))
    days = np.arange(740_000, 740_250)
    away = absences(key, days, 0.05)
    assert away.shape == (100, 250)
    # 4 standard errors of a share of 25,000
    assert away.mean() == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 25_000))
    np.testing.assert_array_equal(absences(key[3:5], days[10:], 0.05), away[3:5, 10:])
    assert np.all(absences(key, days, 0.2)[away])


@pytest.mark.parametrize(
    "changes",
    [
        {"opening": -1},
        {"attrition_per_year": -0.1},
        {"ramp": (1.5,)},
        {"notice": -1.0},
        {"backfill": 2.0},
        {"decline": 1.0},
        {"hires": {24: 1}},
        {"hires": {3: -1}},
    ],
)
def test_what_is_refused(changes):
    with pytest.raises(ParameterError):
        team(**changes)


def test_an_empty_team():
    people = simulate("csm", 0, months=6, seed=1, replication=0)
    assert people.heads.sum() == 0
    assert people.capacity.shape == (6, 0)


def test_those_who_joined_of_late_ramp_on():
    people = team(opening=5, hires=(), attrition_per_year=0.0, ramp=(0.2, 0.4, 0.6), joined={-1: 1, -2: 2})
    # 2 full ones; two in their third month, one in the second: 2 + 2 * 0.6 + 0.4, then 2 + 2 + 0.6
    np.testing.assert_allclose(people.effective[:3], [3.6, 4.6, 5.0])
    assert people.opening[0] == people.heads[0] == 5
    assert team(opening=5, hires=(), attrition_per_year=0.0, ramp=(0.2,)).effective[0] == 5


def test_who_has_given_notice_leaves_and_is_replaced():
    people = team(opening=5, hires=(), attrition_per_year=0.0, notice=3.0, leaving={1: 2}, time_to_hire=4.0, ramp=())
    assert people.heads[:6].tolist() == [5, 5, 3, 3, 5, 5]  # searches begin with the horizon and take 4 months
    assert team(opening=5, hires=(), attrition_per_year=0.0, leaving={1: 2}, backfill=0.0).heads[-1] == 3
    # nobody else has given notice before the horizon
    none_yet = team(opening=50, hires=(), attrition_per_year=5.0, notice=3.0, leaving={9: 1})
    assert none_yet.leavers[:3].sum() == 0


def test_an_open_search_is_known_not_to_have_ended():
    law = uniform(0.0, 6.0)
    starts = np.concatenate(
        [team(opening=0, hires=(), attrition_per_year=0.0, time_to_hire=law, open_requisitions={-4: 40},
              replication=r).starts for r in range(50)]
    ).reshape(50, -1).mean(axis=0)  # fmt: skip
    # of 6 whole months, 4, 5 and 6 are left, equally likely
    np.testing.assert_allclose(starts[:3], 40 / 3, atol=4 * np.sqrt(40 * (2 / 9) / 50))
    assert starts[3:].sum() == 0


def test_contractors_are_beside_the_heads():
    people = team(opening=2, hires=(), attrition_per_year=0.0, contractors={1: 3, 2: 1})
    assert people.heads[:4].tolist() == [2, 2, 2, 2]
    assert people.effective[:4].tolist() == [2, 5, 3, 2]
    assert people.capacity[:4].sum(axis=1).tolist() == [2, 5, 3, 2]


def test_a_lag_and_declined_offers_delay_a_successor():
    still = {"opening": 200, "hires": (), "attrition_per_year": 0.5, "time_to_hire": 1.0, "notice": 0.0}
    plain, later = team(**still), team(**still, backfill_lag=3)
    first = plain.kind == BACKFILL
    assert np.all(plain.requisition[first] - plain.end[plain.replaces[first]] == 1)
    second = later.kind == BACKFILL
    assert np.all(later.requisition[second] - later.end[later.replaces[second]] == 4)
    assert months_to_start(deterministic(1.0), 0.5).mean() == pytest.approx(2.0, abs=4 * np.sqrt(2 / 2_000))


def test_frozen_months_open_no_requisition_and_delay_nothing_else():
    frozen = np.zeros(24, dtype=bool)
    frozen[3:6] = True
    plain, held = team(lead=2), team(lead=2, frozen=frozen)
    assert not np.isin(held.requisition[held.kind != EXISTING], [3, 4, 5]).any()
    same = (plain.requisition < 3) | (plain.kind == EXISTING)
    there = np.isin(plain.key, held.key)
    for row in np.flatnonzero(same & there):
        other = np.flatnonzero(held.key == plain.key[row])[0]
        assert (plain.start[row], plain.end[row]) == (held.start[other], held.end[other])
    waited = np.flatnonzero(np.isin(plain.requisition, [3, 4, 5]) & (plain.kind != EXISTING) & there)
    assert len(waited)
    for row in waited:
        other = np.flatnonzero(held.key == plain.key[row])[0]
        assert held.requisition[other] == 6
        assert held.start[other] >= plain.start[row]
    np.testing.assert_array_equal(team(frozen=np.zeros(24, dtype=bool)).start, team().start)


def test_a_planned_hire_waits_for_the_thaw():
    people = team(opening=0, hires={4: 2}, lead=2, time_to_hire=deterministic(2.0), frozen=np.arange(24) < 5)
    assert people.requisition.tolist() == [5, 5]
    assert people.start.tolist() == [7, 7]


def test_a_layoff_takes_the_newest_and_nobody_takes_their_place():
    calm = {"attrition_per_year": 0.0, "hires": {2: 2}}
    people = team(opening=5, joined={-1: 1}, layoffs={6: 4}, layoff_notice=2.0, **calm)
    assert people.heads.tolist() == [5, 5] + [7] * 4 + [3] * 18
    assert people.laid_off.tolist() == [0] * 5 + [4] + [0] * 18
    np.testing.assert_array_equal(people.laid_off, people.leavers)
    gone = np.flatnonzero(people.end < 24)
    assert sorted(people.start[gone].tolist()) == [LONG_AGO, -1, 2, 2]
    assert not (people.kind == BACKFILL).any()
    # told two months before: who starts in between is not among them
    later = team(opening=5, layoffs={3: 1}, layoff_notice=2.0, **calm)
    assert later.start[later.end < 24].tolist() == [LONG_AGO]
    assert team(opening=2, layoffs={6: 9}, **calm | {"hires": {}}).heads.tolist() == [2] * 6 + [0] * 18


def test_who_is_laid_off_does_not_resign_and_the_others_are_untouched():
    for replication in range(10):
        plain, fewer = (team(replication=replication, **more) for more in ({}, {"layoffs": {8: 3}, "layoff_notice": 3}))
        assert fewer.laid_off.sum() == 3
        np.testing.assert_array_equal(plain.heads[:7], fewer.heads[:7])  # told in 5; who resigns then leaves with 6
        mine = np.flatnonzero(~np.isin(fewer.end, [7]))
        for row in mine:
            other = np.flatnonzero(plain.key == fewer.key[row])
            assert other.size
            assert plain.end[other[0]] == fewer.end[row]
    with pytest.raises(ParameterError, match="before the horizon"):
        team(layoffs={0: 1})
