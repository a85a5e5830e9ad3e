"""Heads to agents per interval."""

import datetime as dt

import numpy as np
import pytest

from simulator import timegrid
from simulator.support import staffing


def cells(load: list[float], hours: float = 10.0) -> staffing.Pattern:
    n = len(load)
    return staffing.Pattern(
        np.zeros(n, int), np.arange(n), np.array(load), np.full(n, hours), np.arange(n), np.ones(n, int)
    )


def test_uses_the_hours_it_has_and_no_more() -> None:
    pattern = cells([0.3, 2.0, 8.0, 20.0])
    for hours in (0, 5, 50, 200, 303, 350, 500, 5000):
        agents = staffing.spread(pattern, hours)
        used = float(agents @ pattern.hours)
        assert used <= hours
        assert hours - used < 10.0


def test_margin_grows_with_the_root_of_the_load() -> None:
    agents = staffing.spread(cells([1.0, 4.0, 16.0, 64.0]), (85 + 2 * 15) * 10.0)
    assert agents.tolist() == [3, 8, 24, 80]  # load + 2 √load exactly


def test_one_more_hour_never_takes_more_than_a_rounding_away() -> None:
    pattern = cells([0.7, 1.3, 2.9, 5.1, 9.7])
    plans = np.array([staffing.spread(pattern, hours) for hours in range(0, 600, 10)])
    assert np.all(np.diff(plans.sum(axis=1)) == 1)
    assert np.diff(plans, axis=0).min() >= -1


def test_days_of_a_kind_are_staffed_alike() -> None:
    grid = timegrid.build(dt.date(2027, 4, 1), 1, None, "Asia/Tokyo", "JP", 1800.0)
    opening = grid.open_intervals({"mon-fri": "09:00-18:00"})
    load = np.where(opening, 5.0, 0.0)
    pattern = staffing.pattern(grid, 0, load)
    assert len(pattern.load) == 5 * 18
    assert pattern.hours.sum() == pytest.approx(opening.sum() / 2)
    staff = pattern.staff(np.arange(90))
    assert staff[~opening].max() == 0
    monday = [d for d in range(30) if grid.weekday[d] == 0 and not grid.holiday[d]]
    assert len({tuple(staff[d * 48 : (d + 1) * 48]) for d in monday}) == 1


def test_hours_of_a_head() -> None:
    grid = timegrid.build(dt.date(2027, 4, 1), 1, None, "Asia/Tokyo", "JP", 1800.0)
    weekdays = np.array([True] * 5 + [False] * 3)
    # April 2027 has 22 weekdays, of which the 29th is a holiday: 21 days of 8 hours, less 30 %
    assert staffing.hours_per_head(grid, weekdays, 40.0, 0.3)[0] == pytest.approx(21 * 8 * 0.7)


def test_heads_do_not_round_twice() -> None:
    plan = staffing.GroupPlan((cells([1.0]),), np.array([70.0]))
    assert plan.heads(0, 21 * 100 * 0.7) == 21  # in floating point 1470 / 70 must stay 21
    assert plan.heads(0, 21 * 100 * 0.7 + 0.1) == 22
