"""Shifts: the tours that a group's heads can work, and how given heads are put on them.

A *stint* is one shift that starts on one kind of day; a *tour* is what a person works all month: one shift, one of its
starts, one of its sets of days. Breaks are taken where they have room, on each kind of day by itself.

**The rule for given heads.** Heads are placed one by one, each on the tour with the largest remainder of work that is
not covered yet. In an interval with offered load L and s agents there already, the margin in standard deviations that
half an agent more would give is z = (s + 1/2 - L) / √L, and the next agent is worth its hours times e^-z: much where
work is uncovered, little where it is covered well, nothing outside the opening hours. Each break goes where it costs
least. This climbs Σ hours · √L · (1 - e^-z), whose maximum for a given number of hours has the same z everywhere: that
is L + β √L, the square-root rule by which hours are spread where no shifts are given
(:mod:`simulator.support.staffing`). Below one agent of load √L counts as 1. Ties go to the tour with the fewest heads,
then to the one named first.

Placing one by one makes plans that hang together: one more head changes nobody else's tour. A part of a head (somebody
in the ramp, what shrinkage leaves) works the next tour on that part of its days, spread evenly.

A night shift covers the early hours of the next day. Those of a month's first day belong to the month, as if its tours
had been worked the night before.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator import timegrid
from simulator.scenario.schema import Shift
from simulator.support.staffing import Pattern
from simulator.timegrid import DAY_SECONDS, HOUR_SECONDS, TimeGrid

_SAME = 1e-9
"""Sums that differ by less, relative to the largest, are equal: another order of adding changes a few digits."""


@dataclass(frozen=True)
class Tour:
    """What a person works all month: a shift from ``start`` (seconds after midnight) on days of some kinds."""

    shift: str
    start: float
    days: str
    kinds: tuple[int, ...]
    paid_hours: float
    """Per day."""

    @property
    def paid_hours_per_week(self) -> float:
        return self.paid_hours * sum(kind < 7 for kind in self.kinds)


@dataclass(frozen=True, eq=False)
class Stint:
    """One shift on one kind of day.

    Attributes (C cells):
        here, after: bool (C,), cells in which its people are there but for their breaks: on the day on which it starts
            and, past midnight, on the next one.
        breaks: for each break bool (positions, 2, C), the cells that it takes from ``here`` and ``after`` if it starts
            at each of its possible times, earliest first.
    """

    here: NDArray[np.bool_]
    after: NDArray[np.bool_]
    breaks: tuple[NDArray[np.bool_], ...]

    @property
    def covered(self) -> NDArray[np.bool_]:
        """Cells in which its people are there but for their breaks. Shape (C,)."""
        return self.here | self.after


@dataclass(frozen=True, eq=False)
class Tours:
    """What the heads of one group can work in one month.

    Attributes:
        tours: T tours, in the order of the scenario.
        stints: S stints.
        of_tour: the stints of each tour, with the kind of day on which each starts.
        cells: C cells of the month that are staffed alike: those of a kind of day and a time (and, where shifts pass
            midnight, of a kind of day before).
        kind: int64 (days + 1,), kind of each day, the day before the month first.
    """

    tours: tuple[Tour, ...]
    stints: tuple[Stint, ...]
    of_tour: tuple[tuple[tuple[int, int], ...], ...]
    cells: Pattern
    kind: NDArray[np.int64]

    def days(self, tour: int) -> int:
        """Days of the month on which a tour is worked."""
        return int(np.isin(self.kind[1:], self.tours[tour].kinds).sum())

    def reached(self) -> NDArray[np.bool_]:
        """Cells in which enough people would put somebody at work. Shape (C,)."""
        found = np.zeros(len(self.cells.load), dtype=bool)
        for stint in self.stints:
            away = np.zeros(len(found), dtype=bool)
            for spans in stint.breaks:
                away |= spans.any(axis=1).all(axis=0)  # whenever the break is taken
            found |= stint.covered & ~away
        return found


def tours(grid: TimeGrid, month: int, load: NDArray[np.float64], chosen: dict[str, Shift]) -> Tours:
    """The tours of a group in a month.

    Args:
        load: float64 (I,), offered load per interval of the horizon, 0 where the group is closed.
        chosen: the group's shifts by name; all times in them are multiples of the grid's interval.
    """
    made: list[Tour] = []
    for name, shift in chosen.items():
        for text in shift.start:
            for days in shift.days:
                kinds = tuple(sorted(set(timegrid.day_kinds(days))))
                start = timegrid.clock_seconds(text)
                made.append(Tour(name, start, days, kinds, shift.paid / HOUR_SECONDS))
    past_midnight = any(tour.start + chosen[tour.shift].length > DAY_SECONDS for tour in made)
    days_of = slice(int(grid.month_day[month]), int(grid.month_day[month + 1]))
    kinds_of = grid.day_kind()
    # the day before the horizon is taken for an ordinary one of its weekday
    before = kinds_of[days_of.start - 1] if days_of.start else (grid.weekday[0] - 1) % 7
    kind = np.concatenate([[before], kinds_of[days_of]]).astype(np.int64)
    cells, previous = _cells(grid, month, load, kind, past_midnight)
    stints: list[Stint] = []
    place: dict[tuple[str, float, int], int] = {}
    for tour in made:
        for k in tour.kinds:
            if (tour.shift, tour.start, k) not in place:
                place[tour.shift, tour.start, k] = len(stints)
                stints.append(_stint(chosen[tour.shift], tour.start, k, cells, previous, grid.interval))
    of_tour = tuple(tuple((k, place[tour.shift, tour.start, k]) for k in tour.kinds) for tour in made)
    return Tours(tuple(made), tuple(stints), of_tour, cells, kind)


def _cells(
    grid: TimeGrid, month: int, load: NDArray[np.float64], kind: NDArray[np.int64], past_midnight: bool
) -> tuple[Pattern, NDArray[np.int64]]:
    """Every interval of the month in a cell, and the kind of the day before of each cell (-1: no matter)."""
    here = slice(int(grid.month_interval[month]), int(grid.month_interval[month + 1]))
    day = grid.interval_day[here] - grid.month_day[month] + 1
    slot = grid.interval_slot[here]
    length = np.diff(grid.interval_start[here.start : here.stop + 1]) / HOUR_SECONDS
    earlier = kind[day - 1] if past_midnight else np.full(len(day), -1)
    name = ((earlier + 1) * 8 + kind[day]) * grid.slots_per_day + slot
    names, first, cell = np.unique(name, return_index=True, return_inverse=True)
    hours = np.bincount(cell, weights=length, minlength=len(names)).astype(np.float64)
    mean = np.bincount(cell, weights=load[here] * length, minlength=len(names)) / hours
    return Pattern(kind[day][first], slot[first], mean, hours, cell.astype(np.int64), day), earlier[first]


def _stint(
    shift: Shift, start: float, kind: int, cells: Pattern, previous: NDArray[np.int64], interval: float
) -> Stint:
    begin = cells.slot * interval

    def between(first: float, last: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Cells from ``first`` to before ``last`` seconds after the midnight of the day on which the shift starts."""
        here = (cells.kind == kind) & (begin >= first) & (begin < last)
        after = (previous == kind) & (begin + DAY_SECONDS >= first) & (begin + DAY_SECONDS < last)
        return here, after

    breaks = []
    for pause in shift.breaks:
        earliest, latest = pause.window
        at = [start + earliest + i * interval for i in range(round((latest - earliest) / interval) + 1)]
        breaks.append(np.array([between(time, time + pause.length) for time in at]))
    here, after = between(start, start + shift.length)
    return Stint(here, after, tuple(breaks))


class Roster:
    """The heads of a group in a month, placed one by one as they are asked for; safe to share between threads.

    Attributes:
        tours: what they can work.
    """

    def __init__(self, tours: Tours) -> None:
        self.tours = tours
        cells = tours.cells
        self._hours = np.where(cells.load > 0, cells.hours, 0.0)
        self._root = np.sqrt(np.maximum(cells.load, 1.0))
        self._lock = threading.Lock()
        self._tour: list[int] = []
        self._there: list[NDArray[np.bool_]] = []  # (2, C) of each head: on the day itself, and past midnight
        self._cover = [np.zeros(len(cells.load), dtype=np.int64)]
        self._covered = np.array([s.covered for s in tours.stints], dtype=np.float64)
        # all break positions of all stints in one matrix, so that a head costs one product
        self._spans = [(s, b) for s, stint in enumerate(tours.stints) for b in range(len(stint.breaks))]
        rows: list[NDArray[np.bool_]] = [np.any(tours.stints[s].breaks[b], axis=1) for s, b in self._spans]
        self._breaks = np.concatenate(rows).astype(np.float64) if rows else np.zeros((0, len(cells.load)))
        self._fence = np.cumsum([0, *(len(row) for row in rows)])

    def tour_of(self, heads: int) -> list[int]:
        """The tours of the first ``heads`` heads."""
        self._place(heads)
        return self._tour[:heads]

    def cover(self, heads: int) -> NDArray[np.int64]:
        """Agents per cell with so many whole heads. Shape (C,)."""
        self._place(heads)
        return self._cover[heads]

    def agents(self, heads: float, absent: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """Agents per interval of the month.

        Args:
            heads: people on the roster, not necessarily whole.
            absent: bool (people, days + 1), who is away on which day (the day before the month first).
        """
        whole = math.floor(heads + 1e-9)
        part = heads - whole
        cell = self.tours.cells.cell_of
        if absent is None:
            out = self.cover(whole)[cell]
        else:
            self._place(whole)
            out = np.zeros(len(cell), dtype=np.int64)
            for head in range(whole):
                out += self._present(head, ~absent[head])
        if part > 1e-9:
            self._place(whole + 1)
            works = self._spread(whole, part)
            out = out + self._present(whole, works if absent is None else works & ~absent[whole])
        return out

    def _present(self, head: int, works: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Intervals of the month in which a head is there, given the days that it works."""
        cell, day = self.tours.cells.cell_of, self.tours.cells.day
        here, after = self._there[head]
        there = here[cell] & works[day]
        return there | (after[cell] & works[day - 1]) if after.any() else there

    def _spread(self, head: int, part: float) -> NDArray[np.bool_]:
        """The days on which a part of a head works: bool (days + 1,)."""
        on = np.isin(self.tours.kind, self.tours.tours[self._tour[head]].kinds)
        count = np.cumsum(on[1:])
        chosen = on[1:] & (np.floor(count * part + 0.5) > np.floor((count - 1) * part + 0.5))
        return np.concatenate([[False], chosen])

    def _place(self, heads: int) -> None:
        with self._lock:
            while len(self._tour) < heads:
                self._place_one()

    def _place_one(self) -> None:
        """Put the next head on a tour; see the rule at the top."""
        tours, cells = self.tours, self.tours.cells
        margin = (self._cover[-1] + 0.5 - cells.load) / self._root
        # only ratios matter, and a huge load must not overflow
        least = margin.min(initial=margin.max(initial=0.0), where=self._hours > 0)
        remainder = np.where(self._hours > 0, self._hours * np.exp(np.minimum(least - margin, 0.0)), 0.0)
        worth = self._covered @ remainder
        lost = self._breaks @ remainder
        position: dict[tuple[int, int], int] = {}
        for i, (s, b) in enumerate(self._spans):
            here = lost[self._fence[i] : self._fence[i + 1]]
            room = _SAME * float(here.max())
            position[s, b] = int(np.flatnonzero(here <= here.min() + room)[0])
            worth[s] -= here[position[s, b]]
        value = np.array([sum(worth[s] for _, s in stints) for stints in tours.of_tour])
        best = np.flatnonzero(value >= value.max() * (1.0 - _SAME))
        tour = min((int(t) for t in best), key=lambda t: (self._tour.count(t), t))
        there = np.zeros((2, len(cells.load)), dtype=bool)
        for _, place in tours.of_tour[tour]:
            stint = tours.stints[place]
            there[0] |= stint.here
            there[1] |= stint.after
            for b, spans in enumerate(stint.breaks):
                there &= ~spans[position[place, b]]
        self._tour.append(tour)
        self._there.append(there)
        self._cover.append(self._cover[-1] + there.any(axis=0))


def hours_per_person(tours: Tours) -> float:
    """Hours of a month in which a person is there, breaks taken off: the mean over the tours."""
    total = 0.0
    for stints in tours.of_tour:
        for _, place in stints:
            stint = tours.stints[place]
            taken = sum(float(spans[0].any(axis=0) @ tours.cells.hours) for spans in stint.breaks)
            total += float(stint.covered @ tours.cells.hours) - taken
    return total / len(tours.of_tour)
