"""Onboarding: when new accounts reach the milestone that ends it, and when they first have value.

Rules:

- The milestone of an account is reached when each activity that its segment names, and that covers it, has been done
  once (its headline step, in time or late). Accounts that none of them covers have no milestone.
- First value comes after the milestone, by a law drawn per account; where the coupling is set, usage makes it sooner.
- Only accounts that join within the horizon count: of the others nobody says what they have done.
- Where the milestone gates, an account that has not reached it at a month's close stays in onboarding through the next
  month, and the phases behind it move along.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator import randomness
from simulator.distributions import LawTables
from simulator.kernels import draws
from simulator.success.portfolio import Portfolio
from simulator.success.tables import StepOutcome
from simulator.timegrid import TimeGrid

SUMS = ("deadlines", "reached")
"""Last axis of onboarding sums: accounts whose deadline fell into the month, and those of them that met it."""

QUANTILES = (0.5, 0.9)
"""Quantiles of the time to value, the last axis of :meth:`Progress.time_to_value`."""

NEVER = np.inf
_VALUE = randomness.purpose("account.first_value")


@dataclass(frozen=True, eq=False)
class MilestoneTables:
    """The milestones (S segments, K activities).

    Attributes:
        needed: bool (S, K), activities that a segment's milestone takes; none: no milestone.
        deadline: int64 (S,), days from the contract's start.
        gates: bool (S,).
        value_law: int64 (S,), row of ``laws``: days from the milestone to first value.
        laws: tables of the laws.
    """

    needed: NDArray[np.bool_]
    deadline: NDArray[np.int64]
    gates: NDArray[np.bool_]
    value_law: NDArray[np.int64]
    laws: LawTables

    @property
    def any(self) -> bool:
        return bool(self.needed.any())


class Progress:
    """What the accounts of one replication have done of their milestones."""

    def __init__(self, tables: MilestoneTables, months: int) -> None:
        self.tables = tables
        segments, activities = tables.needed.shape
        self.sums = np.zeros((months, segments, len(SUMS)))
        self._done = np.full((0, activities), NEVER)
        self._counts = np.zeros(0, dtype=bool)
        self._reached = np.zeros(0)
        self._value = np.zeros(0)

    def add(
        self,
        portfolio: Portfolio,
        grid: TimeGrid,
        month: int,
        settled: NDArray[np.int64],
        covered: NDArray[np.bool_],
        by_usage: float = 0.0,
    ) -> None:
        """Note a month, before its close; where a milestone gates, the portfolio's phases are moved (in place).

        Args:
            settled: int64 (4, n), activity, account, outcome and horizon day of the headline steps settled.
            covered: bool (K, A), accounts that each activity covers.
            by_usage: log of the factor by which a standard deviation of usage shortens the time to first value.
        """
        size, known = len(portfolio), len(self._reached)
        more = np.full((size - known, self._done.shape[1]), NEVER)
        self._done = np.concatenate([self._done, more])
        self._reached, self._value = (
            np.concatenate([old, np.full(size - known, NEVER)]) for old in (self._reached, self._value)
        )
        activity, account, _, day = settled[:, settled[2] <= StepOutcome.LATE]
        np.minimum.at(self._done, (account, activity), day.astype(float))
        needed = self.tables.needed[portfolio.segment] & covered.T
        self._counts = needed.any(axis=1) & (portfolio.contract_month >= 0)
        now = np.where(needed, self._done, -NEVER).max(axis=1, initial=-NEVER)
        fresh = np.flatnonzero(self._counts & np.isfinite(now) & ~np.isfinite(self._reached))
        self._reached[fresh] = now[fresh]
        self._value[fresh] = now[fresh] + self._first_value(portfolio, fresh, by_usage)
        deadline = portfolio.start_day + self.tables.deadline[portfolio.segment]
        first, end = grid.month_day[month : month + 2]
        falls = self._counts & portfolio.alive & (first <= deadline) & (deadline < end)
        for i, rows in enumerate((falls, falls & (self._reached <= deadline))):
            count = np.bincount(portfolio.segment[rows], minlength=self.sums.shape[1])
            self.sums[month, :, i] = count
        stays = self._counts & self.tables.gates[portfolio.segment] & ~np.isfinite(self._reached)
        until = int(grid.month_day[min(month + 2, grid.months)])
        delay = np.where(stays, np.maximum(until - portfolio.adoption_day, 0), 0)
        portfolio.adoption_day += delay
        portfolio.mature_day += delay

    def _first_value(self, portfolio: Portfolio, rows: NDArray[np.int64], by_usage: float) -> NDArray[np.float64]:
        days = np.zeros(len(rows))
        laws, words = self.tables.laws, randomness.bits(portfolio.key[rows], _VALUE)
        for s in np.unique(portfolio.segment[rows]):
            of = portfolio.segment[rows] == s
            days[of] = draws(laws.tables, laws.scale, laws.zero, self.tables.value_law[s], words[of])
        return days * np.exp(-by_usage * portfolio.usage[rows])

    def time_to_value(self, portfolio: Portfolio, grid: TimeGrid) -> NDArray[np.float64]:
        """Days from the contract's start to first value by segment and of all, float64 (S + 1, :data:`QUANTILES`).

        Accounts without it by the horizon's end, and those that left before, are censored (Kaplan-Meier); NaN where so
        few have it that the curve does not fall so far.
        """
        if not self.tables.any:
            return np.full((self.tables.needed.shape[0] + 1, len(QUANTILES)), np.nan)
        last = grid.month_day[np.where(portfolio.left_month >= 0, portfolio.left_month + 1, grid.months)]
        seen = self._value < last
        days = np.where(seen, self._value, last) - portfolio.start_day
        segments = self.tables.needed.shape[0]
        out = np.full((segments + 1, len(QUANTILES)), np.nan)
        for s in range(segments + 1):
            rows = self._counts & ((portfolio.segment == s) | (s == segments))
            out[s] = [kaplan_meier(days[rows], seen[rows], q) for q in QUANTILES]
        return out


def kaplan_meier(time: NDArray[np.float64], seen: NDArray[np.bool_], share: float) -> float:
    """The time by which ``share`` have had the event, by the product-limit estimate (Kaplan & Meier, JASA 53, 1958).

    Args:
        time: float64 (n,), of the event, or of the last sight of those who have not had it.
        seen: bool (n,), whether the event was seen.

    Returns:
        NaN where the estimate does not get so far.
    """
    if not seen.any():
        return np.nan
    at, events = np.unique(time[seen], return_counts=True)
    exposed = len(time) - np.searchsorted(np.sort(time), at)
    left = np.cumprod(1.0 - events / exposed)
    reached = left <= 1.0 - share + 1e-12
    return float(at[np.argmax(reached)]) if reached.any() else np.nan
