"""Usage: how much each account uses the product, a latent state that drifts, and when it is low or high.

Rules:

- The state is a number z by account, standard normal over accounts and months, correlated by ``memory`` from month to
  month (autoregressive of the first order). Usage is mean + spread · z, and holds for a calendar month.
- Usage is low below one threshold and high from another on. A spell of either begins on a keyed day of its first month,
  or on the contract's first day; it ends with the last month that belongs to it. Nobody sees the state: who works on a
  spell sees it after a delay, if it still lasts then (:mod:`simulator.success.workload`).
- Opening accounts have lived through the months before the horizon by the same rules (:data:`MONTHS_BEFORE`), so that
  spells of any age are under way when it begins.
- Where the scenario says what activities do to usage, they move the mean to which z returns.

How usage and leaving hang together in a customer base is for its owner to measure: no coefficient is assumed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator import randomness
from simulator.distributions import Law
from simulator.success.portfolio import Portfolio, month_ordinal, month_start_days
from simulator.timegrid import TimeGrid

MONTHS_BEFORE = 12
"""Months before the horizon through which the usage of opening accounts is followed."""

NEVER = np.inf
"""The beginning of a spell that is not there."""

_START = randomness.purpose("account.usage")
_DRIFT = randomness.purpose("account.usage_drift")
_SPELL = randomness.purpose("account.usage_spell")


@dataclass(frozen=True, eq=False)
class UsageTables:
    """The usage of each segment's accounts (S segments).

    Attributes:
        followed: bool (S,), whether anything is said of it; z stays 0 elsewhere, and no spell begins.
        mean, spread: float64 (S,), of usage, a share.
        memory: float64 (S,), correlation of z with that of the month before.
        low, high: float64 (S,), the thresholds.
    """

    followed: NDArray[np.bool_]
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    memory: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def usage(self, portfolio: Portfolio) -> NDArray[np.float64]:
        """Usage of every account, a share. Shape (A,)."""
        s = portfolio.segment
        return np.clip(self.mean[s] + self.spread[s] * portfolio.usage, 0.0, 1.0)


def follow(
    tables: UsageTables,
    portfolio: Portfolio,
    grid: TimeGrid,
    month: int,
    before: int,
    lift: NDArray[np.float64] | None = None,
) -> None:
    """Bring the usage of every account to a month (in place); call it once for each month, after it was opened.

    Args:
        before: accounts that were there before the month's new ones: the first rows.
        lift: float64 (before,), by which the mean of z is moved; default 0.
    """
    if not tables.followed.any():
        return
    there, new = np.arange(before), np.arange(before, len(portfolio))
    if month == 0:
        portfolio.usage[there] = _normal(portfolio, there, _START, 0) * tables.followed[portfolio.segment[there]]
    for step in range(-MONTHS_BEFORE if month == 0 else month, month + 1):
        memory = tables.memory[portfolio.segment[there]]
        moved = memory * portfolio.usage[there] + (1.0 - memory) * (0.0 if lift is None else lift)
        moved += np.sqrt(1.0 - memory**2) * _normal(portfolio, there, _DRIFT, month_ordinal(grid, step))
        portfolio.usage[there] = np.where(tables.followed[portfolio.segment[there]], moved, 0.0)
        first, end = month_start_days(grid.start, step, step + 1)
        place = randomness.uniform(portfolio.key[there], _SPELL, month_ordinal(grid, step))
        _spells(tables, portfolio, there, np.floor(first + place * (end - first)))
    portfolio.usage[new] = _normal(portfolio, new, _START, 0) * tables.followed[portfolio.segment[new]]
    _spells(tables, portfolio, new, portfolio.start_day[new].astype(float))


def _normal(portfolio: Portfolio, rows: NDArray[np.int64], purpose: np.uint64, leg: int) -> NDArray[np.float64]:
    from scipy.special import ndtri

    return np.asarray(ndtri(randomness.uniform(portfolio.key[rows], purpose, leg)), dtype=np.float64)


def _spells(tables: UsageTables, portfolio: Portfolio, rows: NDArray[np.int64], day: NDArray[np.float64]) -> None:
    """Begin and end the spells of some accounts; those that begin do so on ``day``, or with the contract."""
    s = portfolio.segment[rows]
    value, followed = tables.mean[s] + tables.spread[s] * portfolio.usage[rows], tables.followed[s]
    day = np.maximum(day, portfolio.start_day[rows])
    for since, now in (
        (portfolio.low_since, followed & (value < tables.low[s])),
        (portfolio.high_since, followed & (value >= tables.high[s])),
    ):
        since[rows] = np.where(now, np.where(np.isfinite(since[rows]), since[rows], day), NEVER)


def spells_seen(tables: UsageTables, high: bool, delay: Law) -> NDArray[np.float64]:
    """Expected spells by account and month that are seen, for a delay in seconds. Shape (S,).

    A spell that is seen k months after its first one has lasted k + 1 months, with a month before it that did not
    belong to it: by time's symmetry that has the probability of k + 1 months in a row less that of k + 2.
    """
    days = delay.quantile((np.arange(50) + 0.5) / 50) / 86_400.0 if delay.mean else np.zeros(1)
    whole, part = np.divmod(days / (365.25 / 12), 1.0)
    after = np.minimum(whole, _MOST_MONTHS - 2).astype(np.int64)
    found = np.zeros(len(tables.mean))
    for s in np.flatnonzero(tables.followed):
        bound = ((tables.high[s] if high else tables.low[s]) - tables.mean[s]) / tables.spread[s]
        begun = -np.diff(_in_a_row(-bound if high else bound, float(tables.memory[s]), int(after.max()) + 3))
        # the day of the beginning is uniform over its month: a delay of k + p months is seen k or k + 1 months on
        found[s] = np.mean((1.0 - part) * begun[after] + part * begun[after + 1])
    return found


_MOST_MONTHS = 120


def _in_a_row(bound: float, memory: float, months: int) -> NDArray[np.float64]:
    """Probability that z lies below ``bound`` in 1, 2, ... ``months`` following months, by quadrature of the density of
    z along such paths. Shape (months,)."""
    from scipy.stats import norm

    nodes, weights = np.polynomial.legendre.leggauss(400)
    low = min(-8.0, bound - 1.0)
    z, weights = low + (nodes + 1.0) * (bound - low) / 2.0, weights * (bound - low) / 2.0
    step = norm.pdf(z[:, None], memory * z, np.sqrt(1.0 - memory**2)) * weights
    density, found = norm.pdf(z), np.zeros(months)
    for month in range(months):
        found[month] = weights @ density
        density = step @ density
    return found
