"""Who looks after which account: its team, and in dedicated books its CSM.

Teams. When a month opens, an account belongs to the first team of the scenario's list that takes its segment, its phase
(of a new account: that of its first day) and its expected lifetime value: revenue per month now × margin × expected
duration, capped as the KPI says (:func:`simulator.success.kpis.ltv_net_of_cac`, acquisition being spent already). For
the month it stays there. A change of team is a handover. Work that a team has begun it finishes; what is released from
then on is the new team's.

CSMs. Books are balanced on expected hours, with as few moves as that takes. A leaver's accounts go at once to the
colleagues with the least work. A new CSM takes over accounts from the fullest books, the smallest possible number of
them: largest accounts first, until the new book reaches its fair share. Accounts without an owner (new ones) go, one by
one, to the emptiest book. Nothing else moves.
"""

from __future__ import annotations

import functools
import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.success import kpis
from simulator.success.portfolio import Portfolio, PortfolioTables


@dataclass(frozen=True, eq=False)
class TerritoryTables:
    """Which accounts each team takes (T teams in the scenario's order, S segments).

    Attributes:
        segments: bool (T, S); stages: bool (T, 3), see :data:`simulator.success.portfolio.STAGE_PHASES`.
        value_below: float64 (T,), of expected lifetime values; infinite for all.
        margin: float64 (S,), of revenue.
    """

    segments: NDArray[np.bool_]
    stages: NDArray[np.bool_]
    value_below: NDArray[np.float64]
    margin: NDArray[np.float64]

    @functools.cached_property
    def columns(self) -> NDArray[np.int64]:
        """Segment and team of every pair that may have work, segment by segment. Shape (P, 2)."""
        return np.argwhere(self.segments.T)

    @property
    def divided(self) -> bool:
        """Whether a segment has several teams; else each column is a segment."""
        return len(self.columns) > self.segments.shape[1]

    def place(self) -> NDArray[np.int64]:
        """Column of each team and segment, -1 for none. Shape (T, S)."""
        found = np.full(self.segments.shape, -1, dtype=np.int64)
        found[self.columns[:, 1], self.columns[:, 0]] = np.arange(len(self.columns))
        return found

    def lifetime(self, tables: PortfolioTables, month: int) -> NDArray[np.float64]:
        """Expected lifetime value of an account that pays 1 a month, by segment. Shape (S,)."""
        with np.errstate(divide="ignore"):
            years = 1.0 / (12.0 * tables.churn_per_month[:, month])
        return kpis.ltv_net_of_cac(1.0, self.margin, 12, years, 0.0)

    def team(self, accounts: Portfolio, tables: PortfolioTables, day: int, month: int) -> NDArray[np.int64]:
        """The team of each living account in a month that opens on a horizon day, -1 for none. Shape (A,)."""
        segment = accounts.segment
        stage = accounts.stage(np.maximum(day, accounts.start_day), np.arange(len(accounts)))
        value = accounts.mrr * self.lifetime(tables, month)[segment]
        found = np.full(len(accounts), -1, dtype=np.int64)
        for t in range(len(self.segments) - 1, -1, -1):
            takes = self.segments[t, segment] & self.stages[t, stage] & (value < self.value_below[t])
            found[takes & accounts.alive] = t
        return found

    def shares(self, t: int, below: NDArray[np.float64]) -> NDArray[np.float64]:
        """Share of the accounts of each segment and stage that a team gets. Shape (S, 3).

        Args:
            below: float64 (T, S), share of each segment's accounts whose value is below each team's bound.
        """
        lower = np.zeros((self.segments.shape[1], self.stages.shape[1]))
        for earlier in range(t):
            mine = self.segments[earlier][:, None] & self.stages[earlier]
            lower = np.where(mine, np.maximum(lower, below[earlier][:, None]), lower)
        upper = np.where(self.segments[t][:, None] & self.stages[t], below[t][:, None], 0.0)
        return np.maximum(upper - lower, 0.0)


class Territories:
    """The teams of the accounts of one replication, as the months go by.

    Attributes:
        team: int64 (A,), this month's; -1 for none. ever: bool (T, A), teams that have had the account.
        came: bool (A,), accounts that another team had last month.
    """

    def __init__(self, teams: int) -> None:
        self.team = np.zeros(0, dtype=np.int64)
        self.ever = np.zeros((teams, 0), dtype=bool)
        self.came = np.zeros(0, dtype=bool)

    def open_month(self, found: NDArray[np.int64]) -> None:
        """Go on to a month in which the accounts have the teams ``found``."""
        before = np.full(len(found), -1, dtype=np.int64)
        before[: len(self.team)] = self.team
        self.came = (before >= 0) & (found >= 0) & (before != found)
        ever = np.zeros((len(self.ever), len(found)), dtype=bool)
        ever[:, : self.ever.shape[1]] = self.ever
        known = np.flatnonzero(found >= 0)
        ever[found[known], known] = True
        self.team, self.ever = found, ever


def known_owners(accounts: Portfolio, tables: PortfolioTables, mine: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Owners when the horizon begins, as numbers of names in the order in which they stand, int64 (A,); -1 for accounts
    that are not listed with one.

    Args:
        mine: bool (A,), the accounts that the team looks after.
    """
    owner = np.full(len(accounts), -1, dtype=np.int64)
    names: dict[str, int] = {}
    for segment, present in enumerate(tables.present):
        if present is not None:
            rows = np.flatnonzero((accounts.segment == segment) & (accounts.contract_month < 0))
            for row, name in zip(rows.tolist(), present.owner, strict=True):
                if name and mine[row]:
                    owner[row] = names.setdefault(name, len(names))
    return owner


def seated(owner: NDArray[np.int64], capacity: NDArray[np.float64]) -> NDArray[np.int64]:
    """Which CSM each of :func:`known_owners` is: the last of those who are there (contractors come first), in order.

    Args:
        capacity: float64 (C,), as for :func:`assign`. Owners for whom nobody is there become -1.
    """
    names = int(owner.max(initial=-1)) + 1
    there = np.flatnonzero(capacity > 0)
    there = there[max(len(there) - names, 0) :]
    return np.append(there, np.full(names - len(there) + 1, -1))[owner]  # the last one is that of -1


def assign(
    owner: NDArray[np.int64],
    hours: NDArray[np.float64],
    wanted: NDArray[np.bool_],
    capacity: NDArray[np.float64],
    kept: NDArray[np.bool_] | None = None,
) -> NDArray[np.int64]:
    """Owners for the coming month.

    Args:
        owner: int64 (A,), the present owners; -1 for none. May be shorter than ``hours`` (accounts came in).
        hours: float64 (A,), expected hours of each account.
        wanted: bool (A,), living accounts of the team's segments.
        capacity: float64 (C,), relative capacity of each CSM (0: not there; a ramping CSM less than 1).
        kept: bool (A,), accounts that have gone to another team: their owner stays, for what is open, and it counts
            for nothing; a leaver's go to the emptiest book.

    Returns:
        int64 (A,), the owner of every wanted or kept account, -1 elsewhere and when nobody is there.
    """
    new = np.full(len(hours), -1, dtype=np.int64)
    new[: len(owner)] = owner
    new[~wanted] = -1
    there = np.flatnonzero(capacity > 0)
    if not there.size:
        new[:] = -1
        return new
    gone = (new >= 0) & (capacity[np.maximum(new, 0)] <= 0)
    new[gone] = -1
    load = np.bincount(new[new >= 0], weights=hours[new >= 0], minlength=len(capacity)).astype(float)
    had_book = np.bincount(new[new >= 0], minlength=len(capacity)) > 0
    _hand_out(new, hours, wanted, capacity, load)
    if had_book.any():
        for csm in there[~had_book[there]]:
            _take_over(int(csm), new, hours, capacity, load)
    if kept is not None:
        rows = np.flatnonzero(kept[: len(owner)] & (owner >= 0))
        emptiest = there[np.argmin(load[there] / capacity[there])]
        new[rows] = np.where(capacity[owner[rows]] > 0, owner[rows], emptiest)
    return new


def _hand_out(
    owner: NDArray[np.int64],
    hours: NDArray[np.float64],
    wanted: NDArray[np.bool_],
    capacity: NDArray[np.float64],
    load: NDArray[np.float64],
) -> None:
    free = np.flatnonzero(wanted & (owner < 0))
    if not free.size:
        return
    free = free[np.argsort(-hours[free], kind="stable")]  # largest first: the classic balancing rule (Graham 1969)
    # plain lists: item by item they are several times as fast as arrays
    speed, filled, takers = capacity.tolist(), load.tolist(), []
    heap = [(filled[c] / speed[c], c) for c in range(len(speed)) if speed[c] > 0]
    heapq.heapify(heap)
    for work in hours[free].tolist():
        csm = heap[0][1]
        takers.append(csm)
        filled[csm] += work
        heapq.heapreplace(heap, (filled[csm] / speed[csm], csm))
    owner[free] = takers
    load[:] = filled


def _take_over(
    csm: int,
    owner: NDArray[np.int64],
    hours: NDArray[np.float64],
    capacity: NDArray[np.float64],
    load: NDArray[np.float64],
) -> None:
    fair = load.sum() * capacity[csm] / capacity.sum()
    while load[csm] < fair:
        level = np.where(capacity > 0, load / np.where(capacity > 0, capacity, 1.0), -1.0)
        fullest = int(np.argmax(level))
        book = np.flatnonzero(owner == fullest)
        # an account larger than what is missing would only turn the imbalance round
        book = book[hours[book] <= max(fair - load[csm], 0.0) * 1.5]
        if fullest == csm or not book.size:
            return
        account = book[np.argmax(hours[book])]
        owner[account] = csm
        load[fullest] -= hours[account]
        load[csm] += hours[account]
