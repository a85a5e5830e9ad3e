"""Support demand: the contacts of a month, each drawn by its own key, and what to expect of them.

Two sources. *Rate-driven* contacts come at a rate per interval (a table, or a monthly volume with its profiles).
*Account-driven* contacts come from living accounts, so many per account and month, spread by a shape over the month.
Both are Poisson given a busyness factor of the day (mean 1, gamma by default: the volume of a day is then negative
binomial, as in Jongbloed and Koole 2001) and one of the interval, which carries over to its neighbours.

A contact's key says what it is: (queue, date, place of the interval in the day, ordinal) or (queue, account, calendar
month, ordinal). All its later draws (talk, patience, ...) hang on that key, so another volume, queue or account leaves
them unchanged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulator.distributions import LawBook, LawTables
from simulator.errors import ParameterError
from simulator.randomness import stream
from simulator.support.tables import Contacts
from simulator.timegrid import TimeGrid


@dataclass(frozen=True, eq=False)
class ArrivalTables:
    """The arrivals of every queue over the horizon, as arrays. Made by :func:`arrival_tables`.

    Attributes (Q queues, I intervals, D days, M months, S segments):
        queue_names: names, which key the draws: a queue keeps its contacts when others come or go.
        interval_start: float64 (I + 1,), elapsed seconds.
        interval_day: int64 (I,).
        interval_position: int64 (I,), place of an interval in its day, from 0. (The wall-clock slot would repeat in
            the extra hour of a day of 25 hours.)
        ordinal: int64 (D,), proleptic day numbers.
        month_interval: int64 (M + 1,), first interval of each month; last entry I.
        month_ordinal: int64 (M,), year · 12 + month - 1.
        rate: float64 (Q, I), expected rate-driven contacts per second, growth and season in it; 0 when closed.
        profile: float64 (Q, I), shape of account-driven contacts: each month sums to 1; 0 when closed.
        contacts_per_month: float64 (S, Q), by an account of the segment.
        account_factor: float64 (M, Q), multiplier of those by month (season, growth).
        day_law: int64 (Q,), row of the day factor's law, mean 1; -1 = none.
        day_shared: float64 (Q,), share of the day factor's variance (as a normal score) that is common to all queues.
        interval_law: int64 (Q,), row of the interval factor's law, mean 1; -1 = none.
        interval_memory: float64 (Q,), correlation of neighbouring intervals of a day (as normal scores, first order
            autoregressive).
        laws: the rows.
    """

    queue_names: tuple[str, ...]
    interval_start: NDArray[np.float64]
    interval_day: NDArray[np.int64]
    interval_position: NDArray[np.int64]
    ordinal: NDArray[np.int64]
    month_interval: NDArray[np.int64]
    month_ordinal: NDArray[np.int64]
    rate: NDArray[np.float64]
    profile: NDArray[np.float64]
    contacts_per_month: NDArray[np.float64]
    account_factor: NDArray[np.float64]
    day_law: NDArray[np.int64]
    day_shared: NDArray[np.float64]
    interval_law: NDArray[np.int64]
    interval_memory: NDArray[np.float64]
    laws: LawTables


def arrival_tables(
    grid: TimeGrid,
    queue_names: tuple[str, ...],
    *,
    rate: ArrayLike = 0.0,
    profile: ArrayLike = 0.0,
    contacts_per_month: ArrayLike | None = None,
    account_factor: ArrayLike = 1.0,
    day_law: ArrayLike = -1,
    day_shared: ArrayLike = 0.0,
    interval_law: ArrayLike = -1,
    interval_memory: ArrayLike = 0.0,
    laws: LawTables | None = None,
) -> ArrivalTables:
    """The tables on a grid; each argument is spread to its shape by numpy's rules (see :class:`ArrivalTables`).

    All arrays are copies, writable and in C order: a read-only view would be another type to the compiler. Without
    ``contacts_per_month`` there is one segment without contacts.

    Raises:
        ParameterError: a negative or non-finite rate, shape or number of contacts; a month's shape that sums to
            neither 0 nor 1; a share or correlation outside [0, 1]; a factor's law whose mean is not 1 or that no row
            holds.
    """
    queues, laws = len(queue_names), laws if laws is not None else LawBook().tables()

    def spread(value: ArrayLike, *shape: int) -> NDArray[np.float64]:
        array = np.array(np.broadcast_to(np.asarray(value, dtype=np.float64), shape), order="C")
        if not np.all((array >= 0.0) & np.isfinite(array)):
            raise ParameterError("rates, shapes, contacts per month and factors must be finite and not negative")
        return array

    def part(value: ArrayLike, name: str) -> NDArray[np.float64]:
        array = spread(value, queues)
        if np.any(array > 1.0):
            raise ParameterError(f"{name} must lie between 0 and 1, not {array.max()}")
        return array

    def row(value: ArrayLike, name: str) -> NDArray[np.int64]:
        array = np.array(np.broadcast_to(np.asarray(value, dtype=np.int64), (queues,)), order="C")
        used = array[array >= 0]
        if np.any(used >= len(laws.scale)):
            raise ParameterError(f"{name} names row {used.max()} of {len(laws.scale)} laws")
        mean = laws.scale[used] * (1.0 - laws.zero[used])
        # 1e-9: a factor's mean of 1 is reached through a few roundings only
        if np.any(np.abs(mean - 1.0) > 1e-9):
            raise ParameterError(f"the law of {name} must have mean 1, not {mean[np.argmax(np.abs(mean - 1.0))]}")
        return array

    contacts = np.zeros((1, queues)) if contacts_per_month is None else np.asarray(contacts_per_month, dtype=np.float64)
    shape = spread(profile, queues, grid.intervals)
    totals = np.add.reduceat(shape, grid.month_interval[:-1], axis=1)
    # 1e-9: sums of some thousand rounded parts; a wrong month (thousandths) is far off
    if np.any((totals != 0.0) & (np.abs(totals - 1.0) > 1e-9)):
        raise ParameterError("each month of a profile must sum to 1 (or to 0 where the queue is closed)")
    first_of_day = np.searchsorted(grid.interval_day, np.arange(grid.days))
    return ArrivalTables(
        queue_names=queue_names,
        interval_start=grid.interval_start,
        interval_day=grid.interval_day,
        interval_position=np.arange(grid.intervals) - first_of_day[grid.interval_day],
        ordinal=grid.ordinal,
        month_interval=grid.month_interval,
        month_ordinal=grid.start.year * 12 + grid.start.month - 1 + np.arange(grid.months),
        rate=spread(rate, queues, grid.intervals),
        profile=shape,
        contacts_per_month=spread(contacts, *contacts.shape),
        account_factor=spread(account_factor, grid.months, queues),
        day_law=row(day_law, "day_law"),
        day_shared=part(day_shared, "day_shared"),
        interval_law=row(interval_law, "interval_law"),
        interval_memory=part(interval_memory, "interval_memory"),
        laws=laws,
    )


def offered(tables: ArrivalTables, accounts: ArrayLike | None = None) -> NDArray[np.float64]:
    """Expected contacts per queue and interval, float64 (Q, I), redials and transfers not counted.

    Args:
        accounts: living accounts, float (M, S) by month and segment; None for no account-driven contacts.
    """
    expected: NDArray[np.float64] = tables.rate * np.diff(tables.interval_start)
    if accounts is not None:
        by_month = (np.asarray(accounts, dtype=np.float64) @ tables.contacts_per_month) * tables.account_factor
        month = np.searchsorted(tables.month_interval, np.arange(len(tables.interval_day)), side="right") - 1
        expected = expected + tables.profile * by_month[month].T
    return expected


def busyness(tables: ArrivalTables, month: int, seed: int, replication: int) -> NDArray[np.float64]:
    """Day factor times interval factor in one replication, float64 (Q, intervals of the month); mean 1."""
    from simulator.support import demand_kernels as kernels

    names, laws = tables.queue_names, tables.laws
    factor: NDArray[np.float64] = kernels.busyness(
        tables.month_interval[month],
        tables.month_interval[month + 1],
        _calendar(tables),
        stream(seed, replication, "support.day_factor"),
        _bases(seed, replication, "support.day_factor", names),
        _bases(seed, replication, "support.interval_factor", names),
        tables.day_law,
        tables.day_shared,
        tables.interval_law,
        tables.interval_memory,
        (laws.tables, laws.scale, laws.zero),
    )
    return factor


def draw_month(
    tables: ArrivalTables,
    month: int,
    seed: int,
    replication: int,
    account_key: NDArray[np.uint64] | None = None,
    account_segment: NDArray[np.int64] | None = None,
) -> Contacts:
    """The contacts of one month in one replication, sorted by time (ties by queue, then by order of drawing).

    Args:
        month: counted from the start of the horizon.
        account_key: uint64 (A,), keys of the accounts that live in this month; they outlive the horizon.
        account_segment: int64 (A,), rows of ``contacts_per_month``.

    Returns:
        Contacts, whose ``account`` is an index into ``account_key``, -1 for rate-driven ones.

    Raises:
        ParameterError: a month outside the horizon, or arrays of accounts that do not match.
    """
    from simulator.support import demand_kernels as kernels

    keys = np.asarray([] if account_key is None else account_key, dtype=np.uint64)
    segment = np.asarray([] if account_segment is None else account_segment, dtype=np.int64)
    if not 0 <= month < len(tables.month_ordinal):
        raise ParameterError(f"month {month} is outside the horizon of {len(tables.month_ordinal)}")
    if keys.shape != segment.shape:
        raise ParameterError(f"{keys.size} account keys but {segment.size} segments")
    first, last = int(tables.month_interval[month]), int(tables.month_interval[month + 1])
    here = slice(first, last)
    start = tables.interval_start
    factor = busyness(tables, month, seed, replication)
    per_month = tables.contacts_per_month * tables.account_factor[month]
    by_segment = np.bincount(segment, minlength=len(per_month)).astype(np.float64)
    seconds = np.diff(start[first : last + 1])
    expected = float(
        np.sum(tables.rate[:, here] * factor * seconds)
        + (by_segment @ per_month) @ np.sum(tables.profile[:, here] * factor, axis=1)
    )
    room = _room(expected)
    while True:
        found: tuple[NDArray[Any], ...] = (
            np.empty(room),
            np.empty(room, np.int64),
            np.empty(room, np.int64),
            np.empty(room, np.uint64),
            np.empty(room, np.int64),
        )
        count = kernels.arrivals(
            found,
            first,
            last,
            _calendar(tables),
            _bases(seed, replication, "support.arrivals", tables.queue_names),
            tables.rate,
            factor,
            _bases(seed, replication, "support.account_arrivals", tables.queue_names),
            tables.month_ordinal[month],
            tables.profile,
            per_month,
            (keys, segment),
        )
        if count <= room:
            break
        room = count  # keyed draws: drawn again they are the same
    if np.any(np.diff(found[0][:count]) < 0):  # contacts of a single queue that come at a rate are in order
        found = kernels.by_time(found, count, start, first, last)
    time, interval, queue, key, account = found
    return Contacts(time[:count], interval[:count], queue[:count], key[:count], account[:count])


def _room(expected: float) -> int:
    """Places that suffice for a Poisson number of contacts but once in 1e9 months."""
    return int(expected + 6.0 * math.sqrt(expected)) + 16


def _calendar(tables: ArrivalTables) -> tuple[NDArray[Any], ...]:
    return tables.interval_start, tables.interval_day, tables.interval_position, tables.ordinal


def _bases(seed: int, replication: int, purpose: str, names: tuple[str, ...]) -> NDArray[np.uint64]:
    """One stream per queue name, uint64 (Q,)."""
    return np.array([stream(seed, replication, f"{purpose}.{name}") for name in names], dtype=np.uint64)
