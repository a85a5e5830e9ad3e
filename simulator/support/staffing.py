"""From heads to agents per interval: how a group's hours of a month are spread over its opening hours.

Each cell (day kind × interval of the day, one month) gets its offered load L plus a margin for chance that grows with
√L, the square-root staffing rule (Halfin & Whitt 1981; Borst, Mandelbaum & Reiman 2004): agents = L + β √L, with the
one β that uses up the month's hours, whole agents by largest remainder. In proportion to load alone (the same thing
with the margin growing with L) the quiet intervals would be understaffed. One family of plans, ordered by hours, thus
serves both questions: what a given headcount yields and how many hours are needed.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulator.timegrid import HOUR_SECONDS, TimeGrid

if TYPE_CHECKING:
    from simulator.support.shifts import Roster


@dataclass(frozen=True, eq=False)
class Pattern:
    """A group's month as cells that are staffed alike.

    Attributes (C cells):
        kind, slot: int64 (C,), day kind (0 to 6, 7 holiday) and wall-clock slot.
        load: float64 (C,), offered load in agents.
        hours: float64 (C,), agent-hours that one agent in the cell costs in this month.
        cell_of: int64 (intervals of the month,), the cell of each interval; -1 where nobody is wanted.
        day: int64 (intervals of the month,), day of each interval, 1 for the first of the month.
    """

    kind: NDArray[np.int64]
    slot: NDArray[np.int64]
    load: NDArray[np.float64]
    hours: NDArray[np.float64]
    cell_of: NDArray[np.int64]
    day: NDArray[np.int64]

    def staff(self, agents: NDArray[np.int64]) -> NDArray[np.int64]:
        """Agents per interval of the month from agents per cell."""
        return np.where(self.cell_of >= 0, np.append(agents, 0)[self.cell_of], 0)


def pattern(grid: TimeGrid, month: int, load: NDArray[np.float64]) -> Pattern:
    """Group the month's intervals by day kind and slot.

    Args:
        load: float64 (I,), offered load per interval of the horizon, 0 where the group is closed.
    """
    here = slice(int(grid.month_interval[month]), int(grid.month_interval[month + 1]))
    here_load = load[here]
    kind = grid.day_kind()[grid.interval_day[here]]
    slot = grid.interval_slot[here]
    length = np.diff(grid.interval_start[here.start : here.stop + 1]) / HOUR_SECONDS
    name = kind * (grid.slots_per_day + 1) + slot
    wanted = here_load > 0
    names, first, cell = np.unique(name[wanted], return_index=True, return_inverse=True)
    cell_of = np.full(len(here_load), -1, dtype=np.int64)
    cell_of[wanted] = cell
    hours = np.bincount(cell, weights=length[wanted], minlength=len(names)).astype(np.float64)
    mean_load = np.bincount(cell, weights=(here_load * length)[wanted], minlength=len(names)) / np.maximum(hours, 1e-12)
    day = grid.interval_day[here] - grid.month_day[month] + 1
    return Pattern(kind[wanted][first], slot[wanted][first], mean_load, hours, cell_of, day)


def spread(cells: Pattern, agent_hours: float) -> NDArray[np.int64]:
    """Agents per cell that use up to ``agent_hours`` of a month: int64 (C,)."""
    if not len(cells.load) or agent_hours <= 0:
        return np.zeros(len(cells.load), dtype=np.int64)
    root = np.sqrt(cells.load)
    low, high = -float(root.max()), 1.0
    while _hours(cells, root, high) < agent_hours:
        high = high * 2 + 1
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _hours(cells, root, middle) <= agent_hours else (low, middle)
    real = np.maximum(cells.load + low * root, 0.0)
    whole = np.floor(real + 1e-9)
    left = agent_hours - float(whole @ cells.hours)
    remainder = real - whole
    for i in np.lexsort((np.arange(len(real)), -remainder)):  # largest remainder first, then the earlier cell
        if cells.hours[i] <= left + 1e-9 and remainder[i] > 1e-12:
            whole[i] += 1
            left -= cells.hours[i]
    return whole.astype(np.int64)


def _hours(cells: Pattern, root: NDArray[np.float64], beta: float) -> float:
    return float(np.maximum(cells.load + beta * root, 0.0) @ cells.hours)


@dataclass(frozen=True, eq=False)
class GroupPlan:
    """How a group's heads become agents, month by month.

    Attributes:
        patterns: one :class:`Pattern` per month.
        hours_per_head: float64 (M,), agent-hours on the queues that one fully ramped head yields in a month: contract
            hours on the days on which the centre is open (on shifts: the mean of the tours, breaks taken off), less
            what shrinkage divides out.
        fixed: agents in every open interval when the scenario gives agents and no heads, else None. One head then is
            one agent present throughout.
        rosters: by month, who works which shifts; empty where hours are spread by load.
        on_duty: people on the roster per head, 1 less what shrinkage divides out.
        given: agents by month, then interval, where the plan is a roster that somebody gave; it says who is there,
            whatever the heads.
    """

    patterns: tuple[Pattern, ...]
    hours_per_head: NDArray[np.float64]
    fixed: int | None = None
    rosters: tuple[Roster, ...] = ()
    on_duty: float = 1.0
    given: tuple[NDArray[np.int64], ...] = ()

    def agents(self, month: int, heads: float, absent: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """Agents per interval of a month from (effective, not necessarily whole) heads.

        Without shifts nobody's hours are known: the first agent of every interval of a day counts as one person, so
        does the second, and so on.

        Args:
            absent: bool (people, days + 1), who is away on which day, the day before the month first. At least
                :meth:`people` rows.
        """
        if absent is None:
            return self._planned(month, heads)
        if self.rosters:
            return self.rosters[month].agents(heads * self.on_duty, absent)
        return self._without(month, self._planned(month, heads), absent)

    def _without(self, month: int, planned: NDArray[np.int64], absent: NDArray[np.bool_]) -> NDArray[np.int64]:
        gone = np.zeros((absent.shape[1], len(absent) + 1), dtype=np.int64)
        gone[:, 1:] = np.cumsum(absent, axis=0).T
        return planned - gone[self.patterns[month].day, planned]

    def on_roster(self, month: int, absent: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """Agents per interval of a month by the roster that was given, less the absent as for :meth:`agents`."""
        planned = self.given[month]
        return planned if absent is None else self._without(month, planned, absent)

    def people(self, month: int, heads: float) -> int:
        """Persons among whom absence is drawn."""
        if self.rosters:
            return math.ceil(round(heads * self.on_duty, 9))
        return int(self._planned(month, heads).max(initial=0))

    @functools.lru_cache(maxsize=4096)  # noqa: B019 - a plan lives as long as its model; ramps repeat the same few values
    def _planned(self, month: int, heads: float) -> NDArray[np.int64]:
        cells = self.patterns[month]
        if self.fixed is not None:
            return cells.staff(np.full(len(cells.load), math.ceil(round(heads, 9)), dtype=np.int64))
        if self.rosters:
            return self.rosters[month].agents(heads * self.on_duty)
        return cells.staff(spread(cells, heads * float(self.hours_per_head[month])))

    def heads(self, month: int, agent_hours: float) -> int:
        """Whole heads that yield at least ``agent_hours`` in a month."""
        per_head = float(self.hours_per_head[month])
        return math.ceil(round(agent_hours / per_head, 9)) if per_head > 0 else 0


def hours_per_head(
    grid: TimeGrid, open_day_kinds: NDArray[np.bool_], hours_per_week: float, shrinkage: float
) -> NDArray[np.float64]:
    """Agent-hours per head and month: a week's hours fall on the days of the week on which the centre is open.

    Args:
        open_day_kinds: bool (8,), weekdays and holidays with opening hours.
    """
    days_a_week = int(open_day_kinds[:7].sum())
    if days_a_week == 0:
        return np.zeros(grid.months)
    open_day = open_day_kinds[grid.day_kind()]
    days = np.bincount(grid.month_of_day[open_day], minlength=grid.months)
    return days * hours_per_week / days_a_week * (1.0 - shrinkage)
