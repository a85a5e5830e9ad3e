"""The compiled loops of :mod:`simulator.support.demand`: busyness factors, arrival times, order.

Heavy: importing this module loads the compiler.
"""

from __future__ import annotations

import math

import numpy as np

from simulator.kernels import draw, inner, key, maker, uniform
from simulator.randomness import purpose

_GAP = purpose("support.arrivals.gap")
_NORMAL = purpose("support.arrivals.normal")
_ONE = np.uint64(1)
_S12 = np.uint64(12)
_UNITS = 2.0**52


@inner
def _gap(contact):
    """Unit exponential gap before a contact, by exact inversion (a table would bias the volume, if only by 1e-5)."""
    return -math.log(uniform(contact, _GAP, 0))


@inner
def _normal(entity):
    """Standard normal number of a key, by Box and Muller (1958)."""
    radius = math.sqrt(-2.0 * math.log(uniform(entity, _NORMAL, 0)))
    return radius * math.cos(2.0 * math.pi * uniform(entity, _NORMAL, 1))


@inner
def _at_normal(tables, scale, zero, row, z):
    """The value of law ``row`` at the probability that lies below ``z`` in a standard normal law.

    Written as the random word whose look-up ends there: bit 0 is the half, the upper 52 bits are twice the distance
    from its end, so that both tails keep their digits.
    """
    distance = min(math.erfc(abs(z) * math.sqrt(0.5)) * _UNITS, _UNITS - 1.0)
    word = np.uint64(distance) << _S12
    if z > 0.0:
        word |= _ONE
    return draw(tables, scale, zero, row, word)


@maker
def busyness(
    first,
    last,
    calendar,
    shared_base,
    day_base,
    interval_base,
    day_law,
    day_shared,
    interval_law,
    interval_memory,
    laws,
):
    """Day factor times interval factor of each queue and interval of a month, float64 (Q, last - first).

    A date's factors depend on the date alone: the chain of interval factors starts afresh every day, in its
    stationary law.

    Args:
        calendar: as for :func:`arrivals`.
        laws: ``tables``, ``scale`` and ``zero`` of :class:`simulator.distributions.LawTables`.
    """
    _, interval_day, interval_position, ordinal = calendar
    tables, scale, zero = laws
    queues = day_law.shape[0]
    out = np.ones((queues, last - first))
    for q in range(queues):
        together, alone = math.sqrt(day_shared[q]), math.sqrt(1.0 - day_shared[q])
        memory, fresh = interval_memory[q], math.sqrt(1.0 - interval_memory[q] ** 2)
        if day_law[q] < 0 and interval_law[q] < 0:
            continue
        day, z, day_key = 1.0, 0.0, np.uint64(0)
        for i in range(first, last):
            new_day = i == first or interval_day[i] != interval_day[i - 1]
            if new_day:
                date = ordinal[interval_day[i]]
                day_key = key(interval_base[q], date)
                if day_law[q] >= 0:
                    common = _normal(key(shared_base, date))
                    own = _normal(key(day_base[q], date))
                    day = _at_normal(tables, scale, zero, day_law[q], together * common + alone * own)
            factor = day
            if interval_law[q] >= 0:
                news = _normal(key(day_key, interval_position[i]))
                z = news if new_day else memory * z + fresh * news
                factor *= _at_normal(tables, scale, zero, interval_law[q], z)
            out[q, i - first] = factor
    return out


@inner
def _rate_driven(n, found, q, first, last, calendar, base, rate, factor):
    """Contacts of one queue at a rate per interval, stored in ``found`` from place ``n`` on; returns the next place.

    Unit gaps are used up in operational time from each interval's start (a Poisson process has no memory), so that
    ordinal k of an interval has the same draws at every rate.
    """
    start, interval_day, interval_position, ordinal = calendar
    time, interval, queue, keys, account = found
    for i in range(first, last):
        intensity = rate[q, i] * factor[q, i - first]
        if intensity <= 0.0:
            continue
        interval_key = key(key(base[q], ordinal[interval_day[i]]), interval_position[i])
        elapsed, k = 0.0, 0
        while True:
            contact = key(interval_key, k)
            elapsed += _gap(contact)
            t = start[i] + elapsed / intensity
            if t >= start[i + 1]:
                break
            if n < time.shape[0]:
                time[n], interval[n], queue[n], keys[n], account[n] = t, i, q, contact, -1
            n += 1
            k += 1
    return n


@maker
def _account_driven(n, found, q, first, last, calendar, base, month_ordinal, profile, factor, per_month, accounts):
    """Contacts of one queue that come from accounts, stored in ``found`` from place ``n`` on; returns the next place.

    Each account's unit gaps are used up below its expected contacts of the month; the place in the month comes from
    inverting the month's cumulative shape, linear inside an interval. A guide table (Chen and Asau, 1974) finds the
    interval in a step or two.
    """
    start, account_key, segment = calendar[0], accounts[0], accounts[1]
    time, interval, queue, keys, account = found
    count = last - first
    below = np.zeros(count + 1)
    for j in range(count):
        below[j + 1] = below[j] + profile[q, first + j] * factor[q, j]
    total = below[count]
    if total <= 0.0:
        return n
    guide = np.empty(count + 1, np.int64)
    j = 0
    for b in range(count + 1):
        while j < count - 1 and int(below[j + 1] / total * count) < b:  # rounded as below, so never past the place
            j += 1
        guide[b] = j
    for a in range(account_key.shape[0]):
        expected = per_month[segment[a], q]
        if expected <= 0.0:
            continue
        month_key = key(key(base[q], account_key[a]), month_ordinal)
        elapsed, k = 0.0, 0
        while True:
            contact = key(month_key, k)
            elapsed += _gap(contact)
            reached = elapsed / expected
            if reached >= total:
                break
            j = guide[min(int(reached / total * count), count)]
            while below[j + 1] <= reached:
                j += 1
            i = first + j
            t = start[i] + (reached - below[j]) / (below[j + 1] - below[j]) * (start[i + 1] - start[i])
            if t >= start[i + 1]:
                t = np.nextafter(start[i + 1], start[i])
            if n < time.shape[0]:
                time[n], interval[n], queue[n], keys[n], account[n] = t, i, q, contact, a
            n += 1
            k += 1
    return n


@maker
def arrivals(
    found, first, last, calendar, rate_base, rate, factor, account_base, month_ordinal, profile, per_month, accounts
):
    """All contacts of a month, queue by queue; returns how many, even if ``found`` has room for fewer.

    Args:
        found: where they go: time, interval, queue, key, account.
        first, last: the month's intervals.
        calendar: ``interval_start``, ``interval_day``, ``interval_position`` and ``ordinal`` of
            :class:`simulator.support.demand.ArrivalTables`.
        rate_base, account_base: uint64 (Q,), the streams.
        factor: from :func:`busyness`.
        per_month: float64 (S, Q), expected contacts of an account in this month.
        accounts: their keys and segments.
    """
    n = np.int64(0)  # a literal 0 would compile the callees a second time
    for q in range(rate.shape[0]):
        n = _rate_driven(n, found, q, first, last, calendar, rate_base, rate, factor)
        n = _account_driven(
            n, found, q, first, last, calendar, account_base, month_ordinal, profile, factor, per_month, accounts
        )
    return n


@maker
def by_time(found, n, start, first, last):
    """The first ``n`` contacts in the stable order of time, found in linear time: five arrays like ``found``.

    Inside an interval arrivals are uniform, so a contact belongs near its share of the interval's places: a counting
    sort on that place leaves a handful of neighbours to exchange.
    """
    time, interval, queue, keys, account = found
    intervals = last - first
    place = np.zeros(intervals + 1, np.int64)
    for c in range(n):
        place[interval[c] - first + 1] += 1
    density = np.empty(intervals)
    for j in range(intervals):
        density[j] = place[j + 1] / (start[first + j + 1] - start[first + j])
        place[j + 1] += place[j]
    bucket = np.empty(n, np.int32)
    head = np.zeros(n + 1, np.int32)
    for c in range(n):
        i = interval[c]
        b = place[i - first] + np.int64((time[c] - start[i]) * density[i - first])
        b = min(b, place[i - first + 1] - 1)
        bucket[c] = b
        head[b + 1] += 1
    for b in range(n):
        head[b + 1] += head[b]
    origin = np.empty(n, np.int32)
    new_time = np.empty(n)
    for c in range(n):
        p = head[bucket[c]]
        head[bucket[c]] = p + 1
        new_time[p] = time[c]
        origin[p] = c
    for p in range(1, n):
        t = new_time[p]
        if new_time[p - 1] > t:
            moved = origin[p]
            b = p
            while b > 0 and new_time[b - 1] > t:
                new_time[b] = new_time[b - 1]
                origin[b] = origin[b - 1]
                b -= 1
            new_time[b] = t
            origin[b] = moved
    new_interval, new_queue = np.empty(n, np.int64), np.empty(n, np.int64)
    new_keys, new_account = np.empty(n, np.uint64), np.empty(n, np.int64)
    for j in range(intervals):
        for p in range(place[j], place[j + 1]):
            c = origin[p]
            new_interval[p] = first + j
            new_queue[p] = queue[c]
            new_keys[p] = keys[c]
            new_account[p] = account[c]
    return new_time, new_interval, new_queue, new_keys, new_account
