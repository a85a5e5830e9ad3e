"""What queues must reach: targets as data, and the share of windows in which sums meet them.

A target is a measure, a window and a confidence. The measure of a window is the sum of its numerator over the sum of
its denominator, by arrival; windows without a denominator are skipped. Windows shorter than a month are counted inside
it (the share of the month's windows that meet the target); a quarter speaks for each of its months.

The closing backlog is no sum: it is what waits when the last interval of a window ends. The engines read it at the
end of every interval, so that the last interval of each window is a cell of its own where some queue can wait.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from simulator import timegrid, units
from simulator.scenario.schema import QueueTargets, Scenario
from simulator.support.kpis import KPIS, ratio
from simulator.support.tables import Clock, QueueMeasure
from simulator.timegrid import TimeGrid

_WINDOWS_JA = {"interval": "時間帯ごと", "day": "日ごと", "week": "週ごと", "month": "月ごと", "quarter": "四半期ごと"}

Cell = Literal["month", "day", "interval"]


@dataclass(frozen=True)
class Target:
    """One target of one queue. ``bound`` is a least value when ``at_least``, else a most; ``open_kinds`` tells on which
    of the 8 kinds of day the queue opens."""

    queue: int
    queue_name: str
    kpi: str
    bound: float
    at_least: bool
    window: str
    confidence: float
    text: str
    text_ja: str
    open_kinds: tuple[bool, ...] = ()

    def margin(self, value: NDArray[np.float64]) -> NDArray[np.float64]:
        """By how much a value is on the right side of the bound (negative: missed)."""
        return value - self.bound if self.at_least else self.bound - value

    def by_month(self, sums: NDArray[np.float64], closing: NDArray[np.float64], grid: TimeGrid) -> NDArray[np.float64]:
        """The target's measure over each month, float64 (..., M).

        Args:
            sums: float64 (..., M, Q, K), means over replications or one of them.
            closing: float64 (..., M, Q), from :meth:`Layout.closing`.
        """
        if self.kpi not in CLOSING:
            return KPIS[self.kpi](sums)[..., self.queue]
        if self.kpi == "closing_backlog":
            return closing[..., self.queue]
        offered = sums[..., self.queue, QueueMeasure.OFFERED]
        return in_days(closing[..., self.queue], offered, open_days(self.open_kinds, grid, grid.month_of_day))


CLOSING = ("closing_backlog", "closing_backlog_days")
"""Measures of the end of a window. In days: over the contacts that a mean opening day of the window brings."""


def open_days(open_kinds: Sequence[bool], grid: TimeGrid, window_of_day: NDArray[np.int64]) -> NDArray[np.float64]:
    """Opening days by window, float64 (windows,)."""
    opens = np.asarray(open_kinds, dtype=np.float64)[grid.day_kind()]
    return np.bincount(window_of_day, weights=opens).astype(np.float64)


def in_days(
    closing: NDArray[np.float64], offered: NDArray[np.float64], days: NDArray[np.float64]
) -> NDArray[np.float64]:
    """A closing backlog in days of work; 0 where nothing waits, NaN where something does and nothing came."""
    days_of_work = ratio(closing * days, offered)
    return np.where(closing == 0, 0.0, days_of_work)


@dataclass(frozen=True, eq=False)
class Layout:
    """How results are summed: the engine's clock and where its cells lie.

    Attributes (C cells that count, after those of the warm-up):
        clock: cells of the engine; the first ``skipped`` of them hold the warm-up.
        skipped: 0 or 1.
        month, day: int64 (C,), month and day of each cell (the day of its first interval).
    """

    clock: Clock
    skipped: int
    month: NDArray[np.int64]
    day: NDArray[np.int64]

    def by_month(self, sums: NDArray[np.float64], months: int) -> NDArray[np.float64]:
        """Sums (cells, ...) added up by month, (M, ...), the warm-up left out."""
        out = np.zeros((months, *sums.shape[1:]))
        np.add.at(out, self.month, sums[self.skipped :])
        return out

    def closing(self, sums: NDArray[np.float64], window: NDArray[np.int64]) -> NDArray[np.float64]:
        """Contacts that wait when each window ends, float64 (windows, Q); NaN for queues whose backlog is not read.

        Args:
            sums: float64 (cells, Q, K).
            window: int64 (C,), the window of each cell; the last cell of a window is one interval.
        """
        index = np.arange(int(window[-1]) + 1)
        last = np.searchsorted(window, index, side="right") - 1
        found = KPIS["backlog"](sums[self.skipped :][last])
        found[window[last] != index] = np.nan  # a month within the warm-up
        return found


@dataclass(frozen=True)
class Targets:
    """All targets of a scenario's queues, and the cells that their windows need. ``closing``: some queue can wait."""

    items: tuple[Target, ...]
    cell: Cell
    closing: bool = False

    def layout(self, grid: TimeGrid, warm_up: float) -> Layout:
        """Cells of months, days or intervals; intervals that begin before ``warm_up`` (seconds) count nowhere."""
        plain = Clock.of(grid, self.cell).cell
        if self.closing:
            first, last = np.append(True, np.diff(plain) > 0), np.append(np.diff(plain) > 0, True)
            plain = np.cumsum(first | last) - 1
        counted = grid.interval_start[:-1] >= warm_up
        skipped = int(not counted.all())
        cell = np.where(counted, plain - plain[np.argmax(counted)] + skipped, 0)
        first = np.searchsorted(cell, np.arange(skipped, int(cell[-1]) + 1))
        month = np.searchsorted(grid.month_interval, first, side="right") - 1
        return Layout(Clock(grid.interval_start, cell), skipped, month, grid.interval_day[first])

    def met(self, sums: NDArray[np.float64], layout: Layout, grid: TimeGrid) -> NDArray[np.float64]:
        """Share of windows that meet each target, float64 (M, targets); NaN for a month without any contact.

        Args:
            sums: float64 (cells, Q, K) of one replication, the warm-up first.
        """
        counted = sums[layout.skipped :]
        out = np.full((grid.months, len(self.items)), np.nan)
        for i, target in enumerate(self.items):
            window = _windows(target.window, layout, grid)
            count = int(window[-1]) + 1
            if target.kpi in CLOSING:
                good = self._closed(target, sums, layout, grid)
            else:
                kpi, of_queue = KPIS[target.kpi], counted[:, target.queue]
                upper = np.bincount(window, weights=kpi.top(of_queue), minlength=count)
                lower = np.bincount(window, weights=kpi.bottom(of_queue), minlength=count)
                with np.errstate(invalid="ignore", divide="ignore"):
                    # 1e-12 forgives the rounding of a ratio that equals its bound
                    good = np.where(lower > 0, target.margin(upper / lower) >= -1e-12, np.nan)
            if target.window == "quarter":
                out[:, i] = good[grid.quarter_of_month]
                continue
            month = layout.month[np.searchsorted(window, np.arange(count))]
            present = ~np.isnan(good)
            seen = np.bincount(month, weights=present.astype(float), minlength=grid.months)
            hits = np.bincount(month, weights=np.where(present, good, 0.0), minlength=grid.months)
            out[:, i] = np.divide(hits, seen, out=np.full(grid.months, np.nan), where=seen > 0)
        return out

    def _closed(self, target: Target, sums: NDArray[np.float64], layout: Layout, grid: TimeGrid) -> NDArray[np.float64]:
        """Whether each window ends with no more waiting than the target allows, float64 (windows,)."""
        window = _windows(target.window, layout, grid)
        value = layout.closing(sums, window)[:, target.queue]
        if target.kpi == "closing_backlog_days":
            offered = np.bincount(window, weights=sums[layout.skipped :, target.queue, QueueMeasure.OFFERED]).astype(
                float
            )
            of_day = window[np.searchsorted(layout.day, np.arange(layout.day[0], grid.days), side="right") - 1]
            whole = np.append(np.full(layout.day[0], -1), of_day)
            days = open_days(target.open_kinds, grid, np.where(whole < 0, len(offered), whole))[: len(offered)]
            value = in_days(value, offered, days)
        return np.where(np.isnan(value), np.nan, target.margin(value) >= -1e-12)


@functools.lru_cache(maxsize=64)
def _windows(window: str, layout: Layout, grid: TimeGrid) -> NDArray[np.int64]:
    """The window of each cell, counted from 0. A week runs from Monday, in the month of its first day."""
    if window == "quarter":
        return grid.quarter_of_month[layout.month]
    by = {
        "month": layout.month,
        "day": layout.day,
        "week": (layout.day + int(grid.weekday[0])) // 7,
        "interval": np.arange(len(layout.month)),
    }[window]
    return np.unique(by, return_inverse=True)[1].astype(np.int64)


def read(scenario: Scenario) -> Targets:
    """The targets of a scenario's queues, in the order of the document."""
    found: list[Target] = []
    for q, (name, queue) in enumerate(scenario.support.queues.items() if scenario.support else ()):
        if queue.targets is None:
            continue
        window, confidence = queue.targets.window, queue.targets.confidence
        open_kinds = timegrid.opening_kinds(queue.hours)
        for kpi, bound, at_least, text, text_ja in _asked(queue.targets):
            texts = f"{text}, per {window}", f"{text_ja}({_WINDOWS_JA[window]})"
            found.append(Target(q, name, kpi, bound, at_least, window, confidence, *texts, open_kinds))
    windows = {target.window for target in found}
    cell: Cell = "interval" if "interval" in windows else "day" if windows & {"day", "week"} else "month"
    queues = scenario.support.queues.values() if scenario.support else ()
    return Targets(tuple(found), cell, any(queue.channel == "email" for queue in queues))


def _ja(seconds: float) -> str:
    """A length in Japanese, as exact as :func:`simulator.units.format_seconds`."""
    value, unit = units.format_seconds(seconds).split()
    return value + {"h": "時間", "min": "分", "s": "秒"}[unit]


def _asked(wanted: QueueTargets) -> Iterator[tuple[str, float, bool, str, str]]:
    """KPI, bound, whether it is a least value, and the target in words, English and Japanese."""
    if (level := wanted.service_level) is not None:
        meaning = wanted.service_level_meaning
        kpi = "service_level" if meaning == "sl_excl_short_abandons" else meaning
        text_ja = f"サービスレベル {_ja(level.within)}以内に{units.format_share(level.share)}"
        yield kpi, level.share, True, f"service level {level}", text_ja
    if wanted.abandonment is not None:
        share = units.format_share(wanted.abandonment)
        yield "abandonment", wanted.abandonment, False, f"abandonment at most {share}", f"放棄率 {share}以下"
    if wanted.answer_rate is not None:
        share = units.format_share(wanted.answer_rate)
        yield "answer_rate", wanted.answer_rate, True, f"answer rate {share}", f"応答率 {share}以上"
    if wanted.asa is not None:
        wait = units.format_seconds(wanted.asa)
        yield (
            "asa",
            wanted.asa,
            False,
            f"mean wait of the answered at most {wait}",
            f"平均応答時間 {_ja(wanted.asa)}以下",
        )
    if wanted.closing_backlog is not None:
        count = f"{wanted.closing_backlog:g}"
        yield (
            "closing_backlog",
            wanted.closing_backlog,
            False,
            f"closing backlog at most {count}",
            f"期末の未処理 {count}件以下",
        )
    if wanted.closing_backlog_days is not None:
        days = f"{wanted.closing_backlog_days:g}"
        yield (
            "closing_backlog_days",
            wanted.closing_backlog_days,
            False,
            f"closing backlog at most {days} day{'' if days == '1' else 's'} of work",
            f"期末の未処理 {days}日分以下",
        )
