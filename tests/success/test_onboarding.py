"""Milestones: reached by what was done, in time or not; time to value against lifelines' textbook case; gates."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.distributions import LawBook, deterministic
from simulator.success.onboarding import MilestoneTables, Progress, kaplan_meier
from simulator.success.portfolio import open_portfolio, start_month
from simulator.success.tables import StepOutcome
from tests.success.test_portfolio import GRID, MONTHS, make

JOINING = make(
    opening=np.array([5, 0]), churn_per_month=np.zeros((2, MONTHS)), new_per_month=np.tile([[30.0], [0.0]], MONTHS)
)


def tables(gates: bool = False) -> MilestoneTables:
    book = LawBook()
    law = book.row(deterministic(10.0))
    return MilestoneTables(
        needed=np.array([[True, True, False], [False, False, False]]),
        deadline=np.array([40, 0]),
        gates=np.array([gates, False]),
        value_law=np.array([law, law]),
        laws=book.tables(),
    )


def played(done_after: dict[int, tuple[int, int]], gates: bool = False, covered: float = 1.0):
    """A year in which each new account does activities 0 and 1 so many days after its start, by row modulo 3."""
    portfolio, progress = open_portfolio(JOINING, GRID, 7, 0), Progress(tables(gates), MONTHS)
    for month in range(MONTHS):
        start_month(portfolio, JOINING, GRID, month, 7, 0)
        events = [
            (k, a, StepOutcome.LATE, portfolio.start_day[a] + done_after[a % 3][k])
            for a in range(len(portfolio))
            for k in range(2)
            if a % 3 in done_after
            and GRID.month_day[month] <= portfolio.start_day[a] + done_after[a % 3][k] < GRID.month_day[month + 1]
        ]
        settled = np.array(events, dtype=np.int64).reshape(-1, 4).T
        mask = np.zeros((3, len(portfolio)), dtype=bool)
        mask[:2, : round(covered * len(portfolio))] = True
        progress.add(portfolio, GRID, month, settled, mask)
    return portfolio, progress


def test_completion_counts_by_the_deadline() -> None:
    """A third is done after 20 days, a third after 60, a third never; the deadline is 40 days after the start."""
    portfolio, progress = played({0: (5, 20), 1: (60, 20)})
    deadlines, reached = progress.sums[:, 0].sum(axis=0)
    due = np.flatnonzero((portfolio.start_day >= 0) & (portfolio.start_day + 40 < GRID.days))
    assert deadlines == len(due)
    assert reached == np.sum(due % 3 == 0)
    assert not progress.sums[:, 1].any()


def test_time_to_value_censors_who_has_none() -> None:
    portfolio, progress = played({0: (5, 20), 1: (60, 20)})
    median, p90 = progress.time_to_value(portfolio, GRID)[0]
    assert median == 70  # a third by day 30, two thirds by day 70
    assert np.isnan(p90)
    np.testing.assert_array_equal(progress.time_to_value(portfolio, GRID)[2], [median, p90])


def test_kaplan_meier_by_hand() -> None:
    """Events at 1, 3 and 3, sights lost at 2 and 4: 1 → 4/5, 3 → 4/5 · 1/3 = 0.267."""
    time, seen = np.array([1.0, 2.0, 3.0, 3.0, 4.0]), np.array([True, False, True, True, False])
    assert kaplan_meier(time, seen, 0.2) == 1.0
    assert kaplan_meier(time, seen, 0.21) == 3.0
    assert kaplan_meier(time, seen, 1 - 4 / 15) == 3.0
    assert np.isnan(kaplan_meier(time, seen, 0.74))


def test_a_gate_keeps_accounts_in_onboarding() -> None:
    free, _ = played({0: (5, 20), 1: (60, 20)})
    gated, _ = played({0: (5, 20), 1: (60, 20)}, gates=True)
    moved = gated.adoption_day - free.adoption_day
    joined = free.start_day >= 0
    rows = np.arange(len(free))
    assert not moved[~joined].any()
    assert not moved[joined & (rows % 3 == 0)].any(), "done long before onboarding is over"
    early = joined & (rows % 3 == 2) & (free.adoption_day < GRID.month_day[-2])
    assert np.all(gated.adoption_day[early] >= GRID.month_day[-1]), "never done, never adopted"
    np.testing.assert_array_equal(moved, gated.mature_day - free.mature_day)


@pytest.mark.parametrize("covered", [0.0, 0.5])
def test_accounts_that_nothing_covers_have_no_milestone(covered: float) -> None:
    _, progress = played({0: (5, 20)}, covered=covered)
    assert (progress.sums[..., 0].sum() == 0) == (covered == 0.0)
