"""Usage: a state that drifts as it should, spells that begin and end, and what is seen of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from simulator import timegrid
from simulator.distributions import deterministic, exponential
from simulator.success.health import UsageTables, follow, spells_seen
from simulator.success.portfolio import Portfolio, open_portfolio, start_month
from tests.success.test_portfolio import GRID, MONTHS, make

ACCOUNTS = 4000
TABLES = make(
    opening=np.array([ACCOUNTS, 50]), opening_age_months=np.array([60.0, 60.0]), churn_per_month=np.zeros((2, MONTHS)),
    new_per_month=np.zeros((2, MONTHS)),
)  # fmt: skip
USAGE = UsageTables(
    followed=np.array([True, False]),
    mean=np.array([0.6, 0.0]),
    spread=np.array([0.2, 0.0]),
    memory=np.array([0.8, 0.0]),
    low=np.array([0.4, 0.0]),
    high=np.array([0.9, 0.0]),
)


def months(usage: UsageTables = USAGE, tables=TABLES, lift: float | None = None) -> list[Portfolio]:
    """The accounts in every month of a year, as copies."""
    portfolio = open_portfolio(tables, GRID, 7, 0)
    seen = []
    for month in range(MONTHS):
        before = len(portfolio)
        start_month(portfolio, tables, GRID, month, 7, 0)
        follow(usage, portfolio, GRID, month, before, None if lift is None else np.full(before, lift))
        columns = ("usage", "low_since", "high_since")
        seen.append(replace(portfolio, **{name: getattr(portfolio, name).copy() for name in columns}))
    return seen


def test_the_state_is_standard_normal_and_remembers() -> None:
    states = np.array([portfolio.usage[:ACCOUNTS] for portfolio in months()])
    # four standard errors of 4,000 accounts
    assert np.all(np.abs(states.mean(axis=1)) < 4 / np.sqrt(ACCOUNTS))
    assert np.all(np.abs(states.std(axis=1) - 1) < 4 / np.sqrt(2 * ACCOUNTS))
    for lag in (1, 2):
        found = np.corrcoef(states[0], states[lag])[0, 1]
        assert abs(found - 0.8**lag) < 4 * (1 - 0.8 ** (2 * lag)) / np.sqrt(ACCOUNTS)


def test_usage_is_low_as_often_as_its_law_says_and_spells_last() -> None:
    seen = months()
    for portfolio in seen:
        low = np.isfinite(portfolio.low_since[:ACCOUNTS])
        expected = norm.cdf(-1.0)
        assert abs(low.mean() - expected) < 4 * np.sqrt(expected * (1 - expected) / ACCOUNTS)
        np.testing.assert_array_equal(low, USAGE.usage(portfolio)[:ACCOUNTS] < 0.4)
        assert not np.isfinite(portfolio.low_since[ACCOUNTS : ACCOUNTS + 50]).any(), (
            "a segment of which nothing is said"
        )
    first, second = seen[3], seen[4]
    goes_on = np.isfinite(first.low_since) & np.isfinite(second.low_since)
    np.testing.assert_array_equal(first.low_since[goes_on], second.low_since[goes_on])
    begun = ~np.isfinite(first.low_since) & np.isfinite(second.low_since)
    assert begun.any()
    assert np.all((GRID.month_day[4] <= second.low_since[begun]) & (second.low_since[begun] < GRID.month_day[5]))


def test_spells_are_under_way_when_the_horizon_begins() -> None:
    opening = months()[0]
    since = opening.low_since[np.isfinite(opening.low_since)]
    assert (since < 0).mean() > 0.5
    assert np.all(since >= opening.start_day[np.isfinite(opening.low_since)])


def test_a_lift_moves_the_mean_to_which_usage_returns() -> None:
    last = months(lift=1.0)[-1].usage[:ACCOUNTS]
    # the opening state has taken the lift in for 13 months, and followed ones for 11 more
    assert abs(last.mean() - (1 - 0.8**24)) < 4 / np.sqrt(ACCOUNTS)


def test_nothing_is_followed_where_nothing_is_said() -> None:
    quiet = replace(USAGE, followed=np.zeros(2, dtype=bool))
    assert not months(quiet)[-1].usage.any()


@pytest.mark.parametrize("delay", [0.0, 20.0, 45.0, 90.0])
def test_spells_seen_are_those_that_last(delay: float) -> None:
    """Counted: begun on day d, seen on day d + delay if the spell is still the same then."""
    seen, count = months(), 0
    for month in range(1, MONTHS):
        since = seen[month].low_since[:ACCOUNTS]
        day = np.floor(np.where(np.isfinite(since), since, -1e9) + delay)
        count += int(np.sum((GRID.month_day[month] <= day) & (day < GRID.month_day[month + 1])))
    found = count / ACCOUNTS / (MONTHS - 1)
    expected = spells_seen(USAGE, False, deterministic(delay * 86_400.0))[0]
    # an account has one spell seen in some months, so that counts vary less than Poisson
    assert abs(found - expected) < 4 * np.sqrt(expected / ACCOUNTS / (MONTHS - 1))


def test_a_longer_delay_shows_fewer_spells() -> None:
    rates = [spells_seen(USAGE, True, exponential(days * 86_400.0))[0] for days in (1, 10, 40, 100)]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] > 0


def test_days_of_a_horizon_in_days() -> None:
    grid = timegrid.build(dt.date(2027, 4, 5), None, 10, "UTC", None, 1800.0, ())
    portfolio = open_portfolio(TABLES, grid, 7, 0)
    follow(USAGE, portfolio, grid, 0, len(portfolio))
    assert np.isfinite(portfolio.low_since).any()
