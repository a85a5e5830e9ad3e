"""The fast engine of customer success work: the same outcome for every step as :mod:`simulator.success.reference`.

The rules stand in the reference's docstring. Here a desk (one CSM with owners, all CSMs where work may go to one or
another, one without people for accounts that nobody owns) is simulated from event to event through a whole call before
the next desk begins; desks share nothing. Four queues of instances per desk give the next ready step, interrupt,
meeting and due date.

What stands under ``rich is not None`` serves the rules that few teams use (:func:`simulator.success.tables.is_rich`).
For the others ``rich`` is None, and the compiler leaves it out.

Everything lies in one array ``m`` of 64-bit integers: a header that says where each table begins, then the tables, row
after row. ``w = _work(m, i)`` is the place of an instance's row and ``m[w + I_DUE]`` its due date; floats stand there
by their 64 bits. One array keeps compilation short (about half the time of the same code over separate arrays) and
calls between the functions cheap.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from simulator.kernels import bits, draw, outer, uniform
from simulator.kernels import called as inner
from simulator.success import tables
from simulator.success.tables import (
    BOOKED,
    CANCELLED,
    CUSTOMER_LATE,
    DAY_BITS,
    DELAY,
    DESK,
    DUE,
    DUE_AFTER,
    DUE_MEETING,
    ELAPSED,
    H_ABSENT,
    H_DESK,
    H_IDLE,
    H_INTERNAL,
    H_INTERRUPT,
    H_MEETING,
    H_OVERTIME,
    H_RESERVED,
    H_SETUP,
    HOUR_KINDS,
    INTERRUPT,
    LATE_DONE,
    MEETING,
    MISSED,
    NO_SHOW,
    ON_TIME,
    POSTPONE,
    POSTPONED,
    PURPOSE_AVAILABLE,
    PURPOSE_CANCELLATION,
    PURPOSE_NO_SHOW,
    PURPOSE_REBOOK,
    PURPOSE_WORK,
    RENEWAL,
    SHORTEN,
    SHORTENED,
    SKIP,
    SLOT_BITS,
    STEP_MEASURES,
    TIER,
    UNBOOKED,
    UNPREPARED,
    URGENCY_SECONDS,
    VALUE,
    VOID,
    ActivityTables,
    Instances,
    MeetingOutcome,
    StepOutcome,
    SuccessOutcome,
    TeamTables,
)

# Constants that are handed to functions are numpy integers: with a Python integer a copy of the function would be
# compiled for each value.
NONE = np.int64(-1)
FAR = np.int64(1) << 62
RANK_SHIFT = np.int64(41)  # a rank before a due date, in one key
AWAY = np.int64(1) << 40  # number of meetings in a day of leave: more than any cap

# the header: where tables begin, how many rows they have, scalars of the team
(
    M_WORK, M_COUNT, M_WIDTH, M_PEOPLE, M_CSMS, M_TAKEN, M_BOOKED, M_QUEUES, M_STEPS, M_STEP_COUNT, M_DAYS, M_DAY_COUNT,
    M_SEGMENTS, M_SEGMENT_COUNT, M_MONTHS, M_MONTH_COUNT, M_SUMS, M_HOURS, M_HEADLINES, M_LOG, M_LOG_LINES, M_LOGGED,
    M_FENCE, M_MEMBERS, T_SLOT, T_CAP, T_LEAD, T_REBOOK, T_REBOOK_SPAN, T_SETUP, T_RULE, T_OVERTIME, T_COVER,
) = range(33)  # fmt: skip
HEADER = 33

# columns of an instance; behind them, from I_SECONDS on, the drawn seconds of each step of its chain
(
    I_NUMBER, I_ACTIVITY, I_ACCOUNT, I_SEGMENT, I_RELEASE, I_DUE, I_KEY, I_EFFORT, I_STEP, I_STATUS, I_READY,
    I_STEP_DUE, I_LEFT, I_OWED, I_STARTED, I_DESK, I_HOLDER, I_LENGTH, I_ATTEMPT, I_CUSTOMER, I_CSM, I_START, I_DAY,
    I_FIRST, I_SLOTS, I_MADE, I_EARLIEST, I_OWNER, I_VALUE, I_SECONDS,
) = range(30)  # fmt: skip
ANYBODY = NONE

# statuses of an instance: its current step waits for a slot, is on the desk's list, in hand, a meeting under way; the
# instance is over, or was open at the end of the horizon
AHEAD, READY, IN_HAND, UNDER_WAY, CLOSED, LEFT_OPEN = range(6)

# columns of a CSM
(
    C_ACTIVE, C_SPEED, C_BLOCK, C_BLOCK_END, C_MEETING, C_HAND, C_INTERRUPT, C_RUNNING, C_END, C_SINCE, C_DAY, C_NEXT,
    C_WEEK, C_OVERTIME,
) = range(14)  # fmt: skip
PERSON_COLUMNS = 14
NOTHING, ON_DESK, ON_INTERRUPT = range(3)  # values of C_RUNNING

# columns of a step, with those of its activity behind
(
    S_KIND, S_DUE, S_BUFFER, S_DAYS, S_BEGIN, S_END, S_MEETING, S_HEADLINE, S_WINDOW, S_UNPREPARED, S_LATE,
    S_SHORTENED, S_MEAN, S_PRIORITY,
) = range(14)  # fmt: skip
STEP_COLUMNS = 14

# columns of a business day (one row more than days: the end) and of a segment
D_START, D_INTERNAL, D_INTERNAL_END, D_SLOTS, D_HORIZON, D_FOCUS_END, D_WEEK = range(7)
DAY_COLUMNS = 7
G_AVAILABLE, G_CANCELLATION, G_NO_SHOW, G_POOLED, G_RANK = range(5)
SEGMENT_COLUMNS = 5

# queues of a desk: each a heap of instances, then by instance its key and its place in the heap (-1 when absent), then
# the size
Q_READY, Q_INTERRUPT, Q_MEETING, Q_DUE = np.arange(4)
QUEUES = 4

R_ON_TIME, R_LATE, R_MISSED, R_VOID, R_OPEN, R_NEVER = np.array(StepOutcome)
B_HELD, B_UNPREPARED, B_CANCELLED, B_POSTPONED, B_MOVED, B_FREED, B_UNBOOKED, B_OPEN, B_NO_SHOW = np.array(
    MeetingOutcome
)
MEASURES, KINDS = len(STEP_MEASURES), len(HOUR_KINDS)

# the log: steps and bookings; beyond its last line it only counts
L_STEP, L_BOOKING = range(2)
LOG_COLUMNS = 1 + max(len(tables.ROW_FIELDS), len(tables.MEETING_FIELDS))


# --- places in the array ---------------------------------------------------------------------------------------------


@inner
def _work(m, i):
    return m[M_WORK] + i * m[M_WIDTH]


@inner
def _person(m, c):
    return m[M_PEOPLE] + c * PERSON_COLUMNS


@inner
def _step(m, step):
    return m[M_STEPS] + step * STEP_COLUMNS


@inner
def _day(m, day):
    return m[M_DAYS] + day * DAY_COLUMNS


@inner
def _segment(m, w):
    """The row of an instance's segment."""
    return m[M_SEGMENTS] + m[w + I_SEGMENT] * SEGMENT_COLUMNS


@inner
def _queue(m, q):
    return m[M_QUEUES] + q * (3 * m[M_COUNT] + 1)


@inner
def _real(m, place):
    return np.int64(m[place]).view(np.float64)


# --- queues: smallest (key, instance) first; any member can be taken out ---------------------------------------------


@inner
def _size(m, q):
    return m[_queue(m, q) + 3 * m[M_COUNT]]


@inner
def _top(m, q):
    """The first instance of a queue that is not empty."""
    return m[_queue(m, q)]


@inner
def _first_key(m, q):
    """The smallest key of a queue, FAR when it is empty."""
    return m[_queue(m, q) + m[M_COUNT] + _top(m, q)] if _size(m, q) > 0 else FAR


@inner
def _next_meeting(m):
    """When the next booked meeting begins (its key is the beginning, then the CSM), far away when there is none."""
    return _first_key(m, Q_MEETING) // (m[M_CSMS] + 1)


@inner
def _sift_up(m, heap, position):
    key, place = heap + m[M_COUNT], heap + 2 * m[M_COUNT]
    i = m[heap + position]
    mine = m[key + i]
    while position > 0:
        parent = (position - 1) >> 1
        other = m[heap + parent]
        theirs = m[key + other]
        if theirs < mine or (theirs == mine and other < i):
            break
        m[heap + position] = other
        m[place + other] = position
        position = parent
    m[heap + position] = i
    m[place + i] = position


@inner
def _sift_down(m, heap, position):
    key, place = heap + m[M_COUNT], heap + 2 * m[M_COUNT]
    size = m[heap + 3 * m[M_COUNT]]
    i = m[heap + position]
    mine = m[key + i]
    while True:
        child = 2 * position + 1
        if child >= size:
            break
        other = m[heap + child]
        theirs = m[key + other]
        if child + 1 < size:
            sibling = m[heap + child + 1]
            if m[key + sibling] < theirs or (m[key + sibling] == theirs and sibling < other):
                child, other, theirs = child + 1, sibling, m[key + sibling]
        if theirs > mine or (theirs == mine and other > i):
            break
        m[heap + position] = other
        m[place + other] = position
        position = child
    m[heap + position] = i
    m[place + i] = position


@inner
def _put(m, q, i, key):
    """Put an instance into a queue under ``key``, or move it there to a new key."""
    heap, count = _queue(m, q), m[M_COUNT]
    m[heap + count + i] = key
    position = m[heap + 2 * count + i]
    if position < 0:
        position = m[heap + 3 * count]
        m[heap + 3 * count] = position + 1
        m[heap + position] = i
    _sift_up(m, heap, position)
    _sift_down(m, heap, m[heap + 2 * count + i])


@inner
def _remove(m, q, i):
    """Take an instance out of a queue if it is there."""
    heap, count = _queue(m, q), m[M_COUNT]
    position = m[heap + 2 * count + i]
    if position < 0:
        return
    m[heap + 2 * count + i] = -1
    size = m[heap + 3 * count] - 1
    m[heap + 3 * count] = size
    if position < size:
        moved = m[heap + size]
        m[heap + position] = moved
        _sift_up(m, heap, position)
        _sift_down(m, heap, m[heap + 2 * count + moved])


@inner
def _empty(m, q):
    heap, count = _queue(m, q), m[M_COUNT]
    for position in range(m[heap + 3 * count]):
        m[heap + 2 * count + m[heap + position]] = -1
    m[heap + 3 * count] = 0


# --- small helpers ---------------------------------------------------------------------------------------------------


@inner
def _day_of(m, time):
    """The business day that ``time`` begins in."""
    low, high = np.int64(0), m[M_DAY_COUNT] + 1
    while low < high:
        middle = (low + high) >> 1
        if m[_day(m, middle) + D_START] <= time:
            low = middle + 1
        else:
            high = middle
    return low - 1


@inner
def _whole(seconds):
    return np.int64(0) if seconds == 0.0 else max(np.int64(np.floor(seconds + 0.5)), np.int64(1))


@inner
def _add_hours(m, c, kind, begin, seconds):
    """Book seconds from ``begin`` on, split at the months' ends."""
    end = begin + seconds
    for month in range(m[M_MONTH_COUNT]):
        low, high = m[m[M_MONTHS] + month], m[m[M_MONTHS] + month + 1]
        if begin < high and low < end:
            m[m[M_HOURS] + (month * m[M_CSMS] + c) * KINDS + kind] += min(end, high) - max(begin, low)


@inner
def _cell(m, w, step, due):
    """Where the measures of a step with this due date are summed; -1 beyond the last month."""
    month = 0
    while m[m[M_MONTHS] + month + 1] < due:
        month += 1
        if month == m[M_MONTH_COUNT]:
            return NONE
    return m[M_SUMS] + ((month * m[M_STEP_COUNT] + step) * m[M_SEGMENT_COUNT] + m[w + I_SEGMENT]) * MEASURES


@inner
def _count(m, w, measure):
    """Count something that befell the meeting of an instance."""
    cell = _cell(m, w, m[_step(m, m[w + I_STEP]) + S_MEETING], m[w + I_DUE])
    if cell >= 0:
        m[cell + measure] += 1


@inner
def _due_of(m, w, step):
    """Due date of an open step of an instance, -1 while it is not fixed."""
    rule = m[_step(m, step) + S_DUE]
    if rule == DUE_AFTER:
        return m[w + I_STEP_DUE] if step == m[w + I_STEP] else NONE
    if rule == DUE_MEETING and m[w + I_START] >= 0:
        return m[w + I_START] - m[_step(m, step) + S_BUFFER]
    return m[w + I_DUE]


@inner
def _due_timer(m, w):
    """When the instance must be dropped if nothing happens before; FAR when never."""
    s = _step(m, m[w + I_STEP])
    timer = FAR
    if m[s + S_LATE] == SKIP:
        if m[w + I_STEP] <= m[s + S_WINDOW]:
            timer = m[w + I_DUE]
        if m[s + S_DUE] == DUE_AFTER:
            timer = min(timer, m[w + I_STEP_DUE])
    return timer


# --- what is written down --------------------------------------------------------------------------------------------


@inner
def _settle(m, w, now, step, outcome, due, ready, started, finished, csm):
    """Write down what became of a step, in log, sums and headlines."""
    meeting = step == m[_step(m, step) + S_MEETING]
    if m[M_LOGGED] < m[M_LOG_LINES]:
        line = m[M_LOG] + m[M_LOGGED] * LOG_COLUMNS
        m[line], m[line + 1], m[line + 2], m[line + 3], m[line + 4] = L_STEP, m[w + I_NUMBER], step, csm, ready
        m[line + 5], m[line + 6], m[line + 7], m[line + 8] = due, started, finished, outcome
        if meeting:
            m[line + 9] = m[w + I_ATTEMPT] + (1 if m[w + I_START] >= 0 or csm >= 0 else 0)
    m[M_LOGGED] += 1
    if outcome == R_OPEN:
        if due == NONE or due > now:
            return
        outcome = R_MISSED
    if outcome == R_NEVER:
        return
    if outcome != R_VOID and step == m[_step(m, step) + S_HEADLINE]:
        m[m[M_HEADLINES] + 3 * m[w + I_ACCOUNT] + outcome] += 1
    cell = _cell(m, w, step, due)
    if cell < 0:
        return
    if outcome == R_VOID:
        m[cell + VOID] += 1
        return
    m[cell + DUE] += 1
    if outcome == R_MISSED:
        m[cell + MISSED] += 1
    else:
        ended = started if meeting else finished
        m[cell + ELAPSED] += ended - ready
        if outcome == R_LATE:
            m[cell + LATE_DONE] += 1
            m[cell + DELAY] += ended - due
        else:
            m[cell + ON_TIME] += 1
    if meeting and outcome != R_ON_TIME and m[w + I_CUSTOMER] > 0:
        m[cell + CUSTOMER_LATE] += 1


@inner
def _settle_rest(m, w, now, end, outcome):
    """Give up the steps from the current one to before ``end``."""
    for step in range(m[w + I_STEP], end):
        current = step == m[w + I_STEP]
        due = _due_of(m, w, step)
        what = outcome if due != NONE or outcome == R_OPEN else R_NEVER
        ready = m[w + I_READY] if current else NONE
        if step == m[_step(m, step) + S_MEETING]:
            ready = m[w + I_RELEASE]
        _settle(m, w, now, step, what, due, ready, m[w + I_STARTED] if current else NONE, NONE, NONE)


@inner
def _log_booking(m, w, csm, made, start, outcome):
    if m[M_LOGGED] < m[M_LOG_LINES]:
        line = m[M_LOG] + m[M_LOGGED] * LOG_COLUMNS
        m[line], m[line + 1], m[line + 2], m[line + 3] = L_BOOKING, m[w + I_NUMBER], m[w + I_ATTEMPT], csm
        m[line + 4], m[line + 5], m[line + 6], m[line + 7] = made, start, m[w + I_SLOTS], outcome
    m[M_LOGGED] += 1


# --- the calendar: one word per CSM and day, a bit per slot ----------------------------------------------------------


@inner
def _change_slots(m, w, meetings):
    """Take (+1) or give back (-1) the slots of the booking that stands in an instance."""
    day = m[w + I_CSM] * m[M_DAY_COUNT] + m[w + I_DAY]
    m[m[M_TAKEN] + day] ^= ((1 << m[w + I_SLOTS]) - 1) << m[w + I_FIRST]
    m[m[M_BOOKED] + day] += meetings


@inner
def _free_slots(m, w, outcome):
    if m[w + I_START] >= 0:
        _log_booking(m, w, m[w + I_CSM], m[w + I_MADE], m[w + I_START], outcome)
        _change_slots(m, w, NONE)
        m[w + I_START] = -1


@inner
def _search(m, c0, c1, w, earliest):
    """Find the first slot that suits everybody and write it into the instance; False when there is none."""
    slot, cap, days = m[T_SLOT], m[T_CAP], m[M_DAY_COUNT]
    need = m[w + I_SLOTS]
    key = np.uint64(m[w + I_KEY])
    limit = m[w + I_DUE] if m[_step(m, m[w + I_STEP]) + S_LATE] == SKIP else FAR
    chance = _real(m, _segment(m, w) + G_AVAILABLE)
    for day in range(_day_of(m, earliest), days):
        d = _day(m, day)
        opening = m[d + D_START]
        if opening >= limit:
            return False
        full = True
        for c in range(c0, c1):
            full = full and m[m[M_BOOKED] + c * days + day] >= cap
        if full:
            continue
        for j in range(max((earliest - opening + slot - 1) // slot, 0), m[d + D_SLOTS] - need + 1):
            if opening + j * slot >= limit:
                return False
            run = ((1 << need) - 1) << j
            for c in range(c0, c1):
                place = c * days + day
                if m[m[M_TAKEN] + place] & run or m[m[M_BOOKED] + place] >= cap or m[_person(m, c) + C_ACTIVE] == 0:
                    continue
                leg = (m[w + I_ATTEMPT] << (SLOT_BITS + DAY_BITS)) | (m[d + D_HORIZON] << SLOT_BITS) | j
                if uniform(key, PURPOSE_AVAILABLE, leg) < chance:
                    m[w + I_CSM], m[w + I_DAY], m[w + I_FIRST], m[w + I_START] = c, day, j, opening + j * slot
                    return True
                break  # the beginning does not suit the customer, whosever calendar it is
    return False


@inner
def _book(m, i, now, earliest):
    """Book the meeting of an instance with its owner, or with anybody; I_START is -1 where no slot is left."""
    w = _work(m, i)
    owner = m[w + I_OWNER]
    c0, c1 = (np.int64(0), m[M_CSMS]) if owner == ANYBODY else (owner, min(owner + 1, m[M_CSMS]))
    if m[w + I_LENGTH] < 0:
        meeting = m[_step(m, m[w + I_STEP]) + S_MEETING]
        drawn = _real(m, w + I_SECONDS + meeting - m[_step(m, meeting) + S_BEGIN])
        m[w + I_LENGTH] = max(_whole(drawn), 1)
        m[w + I_SLOTS] = (m[w + I_LENGTH] + m[T_SLOT] - 1) // m[T_SLOT]
    if _search(m, c0, c1, w, earliest):
        m[w + I_MADE] = now
        _change_slots(m, w, np.int64(1))
        _count(m, w, BOOKED)
        _put(m, Q_MEETING, i, m[w + I_START] * (m[M_CSMS] + 1) + m[w + I_CSM])
    else:
        m[w + I_START] = -1
        _count(m, w, UNBOOKED)
        _log_booking(m, w, NONE, now, NONE, B_UNBOOKED)
        _remove(m, Q_MEETING, i)


# --- CSMs ------------------------------------------------------------------------------------------------------------


@inner
def _pause(m, c, now):
    """Book the time since the last change to what the CSM did, take it off the work left, and stop that work."""
    p = _person(m, c)
    since = m[p + C_SINCE]
    spent = now - since
    if spent > 0 and m[p + C_ACTIVE] == 1:
        kind = m[p + C_BLOCK]
        if kind < 0:
            kind = H_IDLE
            if m[p + C_RUNNING] == ON_INTERRUPT:
                kind = H_INTERRUPT
                m[_work(m, m[p + C_INTERRUPT]) + I_LEFT] -= spent
            elif m[p + C_RUNNING] == ON_DESK:
                kind = H_DESK
                w = _work(m, m[p + C_HAND])
                setup = min(spent, m[w + I_OWED])
                if setup > 0:
                    m[w + I_OWED] -= setup
                    _add_hours(m, c, H_SETUP, since, setup)
                    since += setup
                    spent -= setup
                m[w + I_LEFT] -= spent
        _add_hours(m, c, kind, since, spent)
    m[p + C_SINCE], m[p + C_RUNNING], m[p + C_END] = now, NOTHING, FAR


@inner
def _next_block(m, c):
    """Find the CSM's next internal time or day of leave, from day C_DAY on."""
    p = _person(m, c)
    day = m[p + C_DAY]
    m[p + C_NEXT] = FAR
    while m[p + C_NEXT] == FAR and day < m[M_DAY_COUNT]:
        d = _day(m, day)
        if m[m[M_BOOKED] + c * m[M_DAY_COUNT] + day] >= AWAY:
            m[p + C_NEXT] = m[d + D_START]
        elif m[d + D_INTERNAL] < m[d + D_INTERNAL_END]:
            m[p + C_NEXT] = m[d + D_INTERNAL]
        else:
            day += 1
    m[p + C_DAY] = day


@inner
def _offer(m, i, rich):
    """Put the current step, desk work or an interrupt, on the desk's list, or move it to its new due date there."""
    w = _work(m, i)
    m[w + I_STATUS] = READY
    s = _step(m, m[w + I_STEP])
    if m[s + S_KIND] == INTERRUPT:
        _put(m, Q_INTERRUPT, i, m[w + I_READY])
        return
    key = _due_of(m, w, m[w + I_STEP])
    if rich is not None:
        if m[T_RULE] == TIER:
            key += m[_segment(m, w) + G_RANK] << RANK_SHIFT
        elif m[T_RULE] == RENEWAL:
            key += m[s + S_PRIORITY] << RANK_SHIFT
    _put(m, Q_READY, i, key)


@inner
def _take_away(m, i, now):
    """Off the lists, and out of the hands of whoever has it."""
    w = _work(m, i)
    if m[w + I_STATUS] == IN_HAND:
        c = m[w + I_HOLDER]
        p = _person(m, c)
        interrupt = m[p + C_INTERRUPT] == i
        if m[p + C_RUNNING] == (ON_INTERRUPT if interrupt else ON_DESK):
            _pause(m, c, now)
        m[p + (C_INTERRUPT if interrupt else C_HAND)] = -1
    _remove(m, Q_READY, i)
    _remove(m, Q_INTERRUPT, i)
    m[w + I_STATUS] = AHEAD


@inner
def _close(m, i, now, outcome):
    """Give up every open step of an instance."""
    w = _work(m, i)
    _settle_rest(m, w, now, m[_step(m, m[w + I_STEP]) + S_END], outcome)
    _take_away(m, i, now)
    _remove(m, Q_MEETING, i)
    _remove(m, Q_DUE, i)
    _free_slots(m, w, B_OPEN if outcome == R_OPEN else B_FREED)
    m[w + I_STATUS] = LEFT_OPEN if outcome == R_OPEN else CLOSED


# --- the life of an instance -----------------------------------------------------------------------------------------


@inner
def _make_ready(m, i, now, day, rich):
    """The current step may be worked on from now; its predecessor ended on business day ``day``."""
    w = _work(m, i)
    s = _step(m, m[w + I_STEP])
    m[w + I_STATUS], m[w + I_READY], m[w + I_STARTED], m[w + I_LEFT], m[w + I_OWED] = AHEAD, now, -1, -1, 0
    if m[s + S_DUE] == DUE_AFTER:
        m[w + I_STEP_DUE] = m[_day(m, min(day + m[s + S_DAYS] + 1, m[M_DAY_COUNT])) + D_START]
    timer = _due_timer(m, w)
    if timer <= now:
        _close(m, i, now, R_MISSED)
        return
    if timer < FAR:
        _put(m, Q_DUE, i, timer)
    else:
        _remove(m, Q_DUE, i)
    if m[s + S_KIND] != MEETING:
        _offer(m, i, rich)


@inner
def _next_step(m, i, now, rich):
    """The current step has ended."""
    w = _work(m, i)
    last = m[_step(m, m[w + I_STEP]) + S_END] - 1
    if m[w + I_STEP] < last:
        m[w + I_STEP] += 1
        _make_ready(m, i, now, max(_day_of(m, now - 1), 0), rich)
    else:
        m[w + I_STATUS] = CLOSED
        _remove(m, Q_DUE, i)


@inner
def _finish(m, c, interrupt, now, rich):
    """The step in the CSM's hand, desk work or an interrupt, is done."""
    hand = _person(m, c) + (C_INTERRUPT if interrupt else C_HAND)
    i = m[hand]
    m[hand] = -1
    w = _work(m, i)
    due = _due_of(m, w, m[w + I_STEP])
    outcome = R_ON_TIME if now <= due else R_LATE
    _settle(m, w, now, m[w + I_STEP], outcome, due, m[w + I_READY], m[w + I_STARTED], now, c)
    _next_step(m, i, now, rich)


@inner
def _begin_meeting(m, i, now, rich):
    """The hour of a booked meeting has come: cancelled, postponed or held."""
    w = _work(m, i)
    c, attempt = m[w + I_CSM], m[w + I_ATTEMPT]
    key = np.uint64(m[w + I_KEY])
    step = m[_step(m, m[w + I_STEP]) + S_MEETING]
    _add_hours(m, c, H_RESERVED, now, m[w + I_SLOTS] * m[T_SLOT])
    prepared = m[w + I_STEP] == step
    chance = _real(m, _segment(m, w) + G_CANCELLATION)
    again = -1
    if uniform(key, PURPOSE_CANCELLATION, attempt) < chance:
        _count(m, w, CANCELLED)
        if now < m[w + I_DUE]:
            m[w + I_CUSTOMER] = 1
        again = B_CANCELLED
    elif rich is not None and uniform(key, PURPOSE_NO_SHOW, attempt) < _real(m, _segment(m, w) + G_NO_SHOW):
        _count(m, w, NO_SHOW)
        if now < m[w + I_DUE]:
            m[w + I_CUSTOMER] = 1
        again = B_NO_SHOW
    elif not prepared:
        _count(m, w, UNPREPARED)
        if m[_step(m, step) + S_UNPREPARED] == POSTPONE:
            _count(m, w, POSTPONED)
            again = B_POSTPONED
    if again >= 0:
        days = m[T_REBOOK] + np.int64(uniform(key, PURPOSE_REBOOK, attempt) * m[T_REBOOK_SPAN])
        opening = m[_day(m, min(m[w + I_DAY] + days, m[M_DAY_COUNT])) + D_START]
        _free_slots(m, w, again)
        m[w + I_ATTEMPT] += 1
        _book(m, i, now, max(opening, now + 1))
        if m[w + I_STATUS] == READY:
            _offer(m, i, rich)
        if again == B_NO_SHOW:  # the CSM has waited for a slot
            _pause(m, c, now)
            p = _person(m, c)
            m[p + C_BLOCK], m[p + C_BLOCK_END], m[p + C_MEETING] = H_MEETING, now + m[T_SLOT], -1
        return
    _remove(m, Q_MEETING, i)
    _remove(m, Q_DUE, i)
    if not prepared:
        _settle_rest(m, w, now, step, R_MISSED)
        _take_away(m, i, now)
        m[w + I_STEP] = step
    _log_booking(m, w, c, m[w + I_MADE], m[w + I_START], B_HELD if prepared else B_UNPREPARED)
    outcome = R_ON_TIME if now < m[w + I_DUE] else R_LATE
    finished = now + m[w + I_LENGTH]
    _settle(m, w, now, step, outcome, m[w + I_DUE], m[w + I_RELEASE], now, finished, c)
    m[w + I_START], m[w + I_STATUS] = -1, UNDER_WAY
    _pause(m, c, now)
    p = _person(m, c)
    m[p + C_BLOCK], m[p + C_BLOCK_END], m[p + C_MEETING] = H_MEETING, finished, i


# --- one desk through one call ---------------------------------------------------------------------------------------


@inner
def _begin_block(m, c, now, rich):
    """Internal time or a day of leave begins."""
    p = _person(m, c)
    day = m[p + C_DAY]
    _pause(m, c, now)
    if m[m[M_BOOKED] + c * m[M_DAY_COUNT] + day] >= AWAY:
        m[p + C_BLOCK], m[p + C_BLOCK_END] = H_ABSENT, m[_day(m, day + 1) + D_START]
        for hand in (p + C_HAND, p + C_INTERRUPT):
            i = m[hand]
            if i >= 0:
                _take_away(m, i, now)
                _offer(m, i, rich)
    else:
        m[p + C_BLOCK], m[p + C_BLOCK_END] = H_INTERNAL, m[_day(m, day) + D_INTERNAL_END]
    m[p + C_DAY] = day + 1
    _next_block(m, c)


@inner
def _work_of(m, c, w, share):
    """The seconds that the CSM needs for the present step, or for a share of it."""
    s = _step(m, m[w + I_STEP])
    value = _real(m, w + I_SECONDS + m[w + I_STEP] - m[s + S_BEGIN])
    if m[s + S_KIND] == DESK:
        value *= _real(m, w + I_EFFORT)
    return _whole(value * share / _real(m, _person(m, c) + C_SPEED))


@inner
def _draw_work(m, c, w, now, rich):
    """The step is in the CSM's hand: its seconds, where it has not been begun."""
    m[w + I_STATUS], m[w + I_HOLDER] = IN_HAND, c
    if m[w + I_LEFT] >= 0:
        return
    m[w + I_LEFT], m[w + I_STARTED] = _work_of(m, c, w, 1.0), now
    s = _step(m, m[w + I_STEP])
    if rich is not None and m[s + S_LATE] == SHORTEN and m[s + S_KIND] == DESK:
        due = _due_of(m, w, m[w + I_STEP])
        if now + m[w + I_LEFT] > due:
            m[w + I_LEFT] = _work_of(m, c, w, _real(m, s + S_SHORTENED))
            cell = _cell(m, w, m[w + I_STEP], due)
            if cell >= 0:
                m[cell + SHORTENED] += 1


@inner
def _work_on(m, c, interrupt, now, rich):
    """The CSM begins or resumes the step in hand; work of no length ends at once."""
    p = _person(m, c)
    w = _work(m, m[p + (C_INTERRUPT if interrupt else C_HAND)])
    _draw_work(m, c, w, now, rich)
    if m[w + I_LEFT] + m[w + I_OWED] == 0:
        _finish(m, c, interrupt, now, rich)
    else:
        m[p + C_RUNNING] = ON_INTERRUPT if interrupt else ON_DESK
        m[p + C_END] = now + m[w + I_LEFT] + m[w + I_OWED]


@inner
def _free(m, p):
    """Could the CSM take up an interrupt?"""
    return m[p + C_ACTIVE] == 1 and m[p + C_BLOCK] < 0 and m[p + C_INTERRUPT] < 0


@inner
def _next_taker(m, c0, c1):
    """Who takes up work next, and whether it is an interrupt; -1 when nobody does (rule 7)."""
    best = NONE
    if _size(m, Q_INTERRUPT) > 0:
        for c in range(c0, c1):
            p = _person(m, c)
            if _free(m, p):
                if m[p + C_HAND] < 0:
                    return np.int64(c), True
                if best < 0:
                    best = np.int64(c)
        if best >= 0:
            return best, True
    waiting = _size(m, Q_READY) > 0
    for c in range(c0, c1):
        p = _person(m, c)
        if m[p + C_RUNNING] == NOTHING and _free(m, p) and (waiting or m[p + C_HAND] >= 0):
            return np.int64(c), False
    return best, False


@inner
def _is_away(m, c, day):
    """Is it a day of leave?"""
    return m[m[M_BOOKED] + c * m[M_DAY_COUNT] + day] >= AWAY


@inner
def _may_take(m, w, c, interrupt, day):
    """Is the current step of an instance for this CSM? (Rule 7; a day on which nobody works is of no interest.)"""
    owner, csms = m[w + I_OWNER], m[M_CSMS]
    pooled, own = owner == ANYBODY, owner == c
    if pooled or own:
        return True
    if not interrupt or m[T_COVER] == 0 or owner == csms or not _is_away(m, owner, day):
        return False
    for other in range(owner + 1, owner + csms):
        cover = other % csms
        if m[_person(m, cover) + C_ACTIVE] == 1 and not _is_away(m, cover, day):
            return cover == c
    return False


@inner
def _next_interrupt(m, c0, c1, now, breaks_off):
    """The first waiting interrupt that somebody free may take, and who; -1 where there is none."""
    heap, count = _queue(m, Q_INTERRUPT), m[M_COUNT]
    taker, best, first, day = NONE, NONE, FAR, _day_of(m, now)
    for position in range(_size(m, Q_INTERRUPT)):
        i = m[heap + position]
        key = m[heap + count + i]
        if best >= 0 and (key > first or (key == first and i > best)):
            continue
        found = NONE
        for c in range(c0, c1):
            p = _person(m, c)
            if _free(m, p) and (breaks_off or m[p + C_RUNNING] == NOTHING) and _may_take(m, _work(m, i), c, True, day):
                if m[p + C_HAND] < 0:
                    found = np.int64(c)
                    break
                if found < 0:
                    found = np.int64(c)
        if found >= 0:
            taker, best, first = found, i, key
    return taker, best


@inner
def _score(m, w, now):
    """Value and urgency over effort of the desk step (rule 5)."""
    work = _real(m, _step(m, m[w + I_STEP]) + S_MEAN) * _real(m, w + I_EFFORT)
    left = np.float64(max(_due_of(m, w, m[w + I_STEP]) - now, 0))
    return _real(m, w + I_VALUE) / (max(work, 1.0) * (left + URGENCY_SECONDS))


@inner
def _next_on_desk(m, c, now):
    """The ready desk step that the CSM takes up; -1 where there is none."""
    if _size(m, Q_READY) == 0:
        return NONE
    by_value = m[T_RULE] == VALUE
    if not by_value and _may_take(m, _work(m, _top(m, Q_READY)), c, False, NONE):
        return _top(m, Q_READY)
    heap, count = _queue(m, Q_READY), m[M_COUNT]
    best, first, most = NONE, FAR, 0.0
    for position in range(_size(m, Q_READY)):
        i = m[heap + position]
        w, key = _work(m, i), m[heap + count + i]
        if _may_take(m, w, c, False, NONE):
            score = _score(m, w, now) if by_value else 0.0
            if best < 0 or score > most or (score == most and (key < first or (key == first and i < best))):
                best, first, most = i, key, score
    return best


@inner
def _next_of_any(m, c0, c1, now):
    """Who takes up which work next, and whether it is an interrupt (rules 7 and 14); nobody: -1, step in hand: -1."""
    d = _day(m, _day_of(m, now))
    focus = m[d + D_INTERNAL_END] <= now and now < m[d + D_FOCUS_END]
    if not focus:
        c, i = _next_interrupt(m, c0, c1, now, True)
        if c >= 0:
            return c, True, i
    for c in range(c0, c1):
        p = _person(m, c)
        if m[p + C_RUNNING] == NOTHING and _free(m, p):
            if m[p + C_HAND] >= 0:
                return np.int64(c), False, NONE
            i = _next_on_desk(m, c, now)
            if i >= 0:
                return np.int64(c), False, i
    if focus:
        c, i = _next_interrupt(m, c0, c1, now, False)
        return c, True, i
    return NONE, False, NONE


@inner
def _take_up(m, c0, c1, now, rich):
    """Everybody free finds something to do, where there is something."""
    for c in range(c0, c1):
        p = _person(m, c)
        if m[p + C_INTERRUPT] >= 0 and m[p + C_RUNNING] == NOTHING and m[p + C_BLOCK] < 0:
            _pause(m, c, now)
            _work_on(m, np.int64(c), np.bool_(True), now, rich)
    while True:
        if rich is None:
            c, interrupt = _next_taker(m, c0, c1)
            i = _top(m, Q_INTERRUPT if interrupt else Q_READY)
        else:
            c, interrupt, i = _next_of_any(m, c0, c1, now)
        if c < 0:
            return
        p = _person(m, c)
        _pause(m, c, now)
        hand = m[p + C_HAND]
        if interrupt:
            if hand >= 0:
                m[_work(m, hand) + I_OWED] = m[T_SETUP]
            m[p + C_INTERRUPT] = i
            _remove(m, Q_INTERRUPT, i)
        elif hand < 0:
            m[p + C_HAND] = i
            _remove(m, Q_READY, i)
        _work_on(m, c, interrupt, now, rich)


@inner
def _presses(m, c, w, now):
    """Can the desk step not wait for the morning? (Rule 13)"""
    left = m[w + I_LEFT] + m[w + I_OWED] if m[w + I_LEFT] >= 0 else _work_of(m, c, w, 1.0)
    due = _due_of(m, w, m[w + I_STEP])
    return due <= now or now + left > due


@inner
def _hand_presses(m, c, now):
    """Does the desk step in the CSM's hand press?"""
    p = _person(m, c)
    hand = m[p + C_HAND]
    if hand < 0:
        return False
    if m[p + C_RUNNING] == ON_DESK:  # so that its seconds left are those of this instant
        end = m[p + C_END]
        _pause(m, c, now)
        m[p + C_RUNNING], m[p + C_END] = ON_DESK, end
    return _presses(m, c, _work(m, hand), now)


@inner
def _pass_on(m, c, c0, c1, day, now, rich):
    """Who may not stay longer leaves what presses to those who may (rule 13)."""
    p = _person(m, c)
    if m[p + C_ACTIVE] != 1 or m[p + C_OVERTIME] != 0 or _is_away(m, c, day) or not _hand_presses(m, c, now):
        return
    hand = m[p + C_HAND]
    for other in range(c0, c1):
        q = _person(m, other)
        stays = m[q + C_ACTIVE] == 1 and m[q + C_OVERTIME] > 0 and not _is_away(m, other, day)
        if stays and _may_take(m, _work(m, hand), other, False, NONE):
            _take_away(m, hand, now)
            _offer(m, hand, rich)
            return


@inner
def _pressing(m, c, now):
    """The desk step that the CSM works on after hours; -1 where none presses."""
    if _hand_presses(m, c, now):
        return m[_person(m, c) + C_HAND]
    heap = _queue(m, Q_READY)
    best, first = NONE, FAR
    for position in range(_size(m, Q_READY)):
        i = m[heap + position]
        w = _work(m, i)
        due = _due_of(m, w, m[w + I_STEP])
        sooner = due < first or (due == first and i < best)
        if sooner and _may_take(m, w, c, False, NONE) and _presses(m, c, w, now):
            best, first = i, due
    return best


@inner
def _work_overtime(m, c0, c1, now, rich):
    """The evening of a business day (rule 13)."""
    day = _day_of(m, now - 1)
    week, month = m[_day(m, day) + D_WEEK], 0
    while m[m[M_MONTHS] + month + 1] < now:
        month += 1
    for c in range(c0, c1):
        p = _person(m, c)
        if m[p + C_ACTIVE] == 1 and m[p + C_WEEK] != week and not _is_away(m, c, day):
            m[p + C_WEEK], m[p + C_OVERTIME] = week, m[T_OVERTIME]
    while True:
        chosen, i, most = NONE, NONE, np.int64(0)
        for c in range(c0, c1):
            _pass_on(m, c, c0, c1, day, now, rich)
        for c in range(c0, c1):
            p = _person(m, c)
            if m[p + C_ACTIVE] == 1 and m[p + C_OVERTIME] > most and not _is_away(m, c, day):
                found = _pressing(m, c, now)
                if found >= 0:
                    chosen, i, most = np.int64(c), found, m[p + C_OVERTIME]
        if chosen < 0:
            return
        p = _person(m, chosen)
        hand = m[p + C_HAND]
        if hand == i:
            if m[p + C_RUNNING] == ON_DESK:
                _pause(m, chosen, now)
        else:
            if hand >= 0:
                _take_away(m, hand, now)
                _offer(m, hand, rich)
            m[p + C_HAND] = i
            _remove(m, Q_READY, i)
        w = _work(m, i)
        _draw_work(m, chosen, w, now, rich)
        spent = min(m[w + I_LEFT] + m[w + I_OWED], most)
        setup = min(spent, m[w + I_OWED])
        hours = m[M_HOURS] + (month * m[M_CSMS] + chosen) * KINDS
        m[hours + H_SETUP] += setup
        m[hours + H_DESK] += spent - setup
        m[hours + H_OVERTIME] += spent
        m[p + C_OVERTIME] -= spent
        m[w + I_OWED] -= setup
        m[w + I_LEFT] -= spent - setup
        if m[w + I_LEFT] + m[w + I_OWED] == 0:
            _finish(m, chosen, np.bool_(False), now, rich)


@inner
def _change_people(m, opened, count, owners, speeds, k, joint, now):
    """CSMs come and go, owners change: first every slot is freed, then the meetings are booked anew."""
    csms = m[M_CSMS]
    joined = False
    for c in range(csms):
        p = _person(m, c)
        active = speeds[k, c] > 0.0
        if active:
            joined = joined or m[p + C_ACTIVE] == 0
        else:
            for hand in (p + C_HAND, p + C_INTERRUPT):
                i = m[hand]
                if i >= 0:
                    _take_away(m, i, now)
                    m[_work(m, i) + I_STATUS] = READY
        m[p + C_ACTIVE], m[p + C_SINCE], m[p + C_DAY] = active, now, _day_of(m, now)
        m[p + C_SPEED] = np.float64(speeds[k, c] if active else 1.0).view(np.int64)
    for i in range(count):
        w = _work(m, i)
        m[w + I_EARLIEST] = -1
        if m[w + I_STATUS] == CLOSED:
            continue
        before, owner = m[w + I_OWNER], ANYBODY
        if m[_segment(m, w) + G_POOLED] == 0:
            o = owners[k, m[w + I_ACCOUNT]]
            owner = o if o >= 0 and speeds[k, o] > 0.0 else csms
        m[w + I_OWNER] = owner
        m[w + I_DESK] = 0 if joint else owner
        if i >= opened:
            continue
        if owner != before:
            if m[w + I_STATUS] == IN_HAND:
                _take_away(m, i, now)
                m[w + I_STATUS] = READY
        elif owner != ANYBODY or (speeds[k, m[w + I_CSM]] > 0.0 if m[w + I_START] >= 0 else not joined):
            continue
        if m[w + I_STEP] <= m[_step(m, m[w + I_STEP]) + S_MEETING]:
            m[w + I_EARLIEST] = m[w + I_START] if m[w + I_START] >= 0 else now + m[T_LEAD]
            _free_slots(m, w, B_MOVED)
    for i in range(opened):
        w = _work(m, i)
        if m[w + I_EARLIEST] >= 0:
            _book(m, i, now, m[w + I_EARLIEST])
    for q in range(QUEUES):  # every desk begins with empty queues
        _empty(m, q)


@inner
def _by_desk(m, count, desks):
    """Lay the open instances of each desk end to end, in order; M_FENCE says where each desk begins."""
    fence, members = m[M_FENCE], m[M_MEMBERS]
    for d in range(desks + 1):
        m[fence + d] = 0
    for i in range(count):
        if m[_work(m, i) + I_STATUS] != CLOSED:
            m[fence + m[_work(m, i) + I_DESK]] += 1
    total = np.int64(0)
    for d in range(desks + 1):
        total, m[fence + d] = total + m[fence + d], total
    for i in range(count):
        if m[_work(m, i) + I_STATUS] != CLOSED:
            d = fence + m[_work(m, i) + I_DESK]
            m[members + m[d]] = i
            m[d] += 1
    for d in range(desks, 0, -1):  # filling has moved every beginning to the next one's
        m[fence + d] = m[fence + d - 1]
    m[fence] = 0


@outer
def _calls(m, now, ends, fence, owners, speeds, alives, joint, last, rich):
    """Call after call, usually months, for the whole team; within a call desk after desk.

    Call k ends at ``ends[k]``. Instances before ``fence[k]`` are there when it begins, those before ``fence[k + 1]``
    are released in it. The rows of ``owners`` (K, A), ``speeds`` (K, C) and ``alives`` (K, A) belong to the calls; a
    CSM of speed 0 is not there.

    One long function: the compiler works through every function once for each function around it.
    """
    csms = m[M_CSMS]
    desks = np.int64(1) if joint else csms + 1
    for k in range(len(ends)):
        begin, until, opened, count = now, ends[k], fence[k], fence[k + 1]
        for i in range(opened):
            w = _work(m, i)
            if m[w + I_STATUS] != CLOSED and not alives[k, m[w + I_ACCOUNT]]:
                _close(m, i, now, R_VOID)
        _change_people(m, opened, count, owners, speeds, k, joint, now)
        _by_desk(m, count, desks)
        for d in range(desks):
            now = begin
            c0, c1 = (np.int64(0), csms) if joint else (d, min(d + 1, csms))
            # what is carried in fills the queues; what is released comes behind it in the list
            following, end = m[M_MEMBERS] + m[m[M_FENCE] + d], m[M_MEMBERS] + m[m[M_FENCE] + d + 1]
            while following < end and m[following] < opened:
                i = m[following]
                w = _work(m, i)
                if m[w + I_STATUS] == READY:
                    _offer(m, i, rich)
                if m[w + I_START] >= 0:
                    _put(m, Q_MEETING, i, m[w + I_START] * (csms + 1) + m[w + I_CSM])
                timer = _due_timer(m, w)
                if timer < FAR:
                    _put(m, Q_DUE, i, timer)
                following += 1
            for c in range(c0, c1):
                p = _person(m, c)
                m[p + C_NEXT] = FAR
                if m[p + C_ACTIVE] == 1:
                    _next_block(m, c)
            block_end, work_end, block, evening = FAR, FAR, now, FAR
            while True:
                if block_end == now:
                    for c in range(c0, c1):
                        p = _person(m, c)
                        if m[p + C_BLOCK_END] == now:
                            _pause(m, c, now)
                            kind = m[p + C_BLOCK]
                            m[p + C_BLOCK], m[p + C_BLOCK_END] = -1, FAR
                            if kind == H_MEETING and m[p + C_MEETING] >= 0:
                                _next_step(m, m[p + C_MEETING], now, rich)
                if work_end == now:
                    for c in range(c0, c1):
                        p = _person(m, c)
                        if m[p + C_END] == now:
                            interrupt = m[p + C_RUNNING] == ON_INTERRUPT
                            _pause(m, c, now)
                            _finish(m, c, interrupt, now, rich)
                if rich is not None and evening == now:
                    _work_overtime(m, c0, c1, now, rich)
                while _first_key(m, Q_DUE) <= now:
                    _close(m, _top(m, Q_DUE), now, R_MISSED)
                if now >= until:
                    break
                while _next_meeting(m) == now:
                    _begin_meeting(m, _top(m, Q_MEETING), now, rich)
                while following < end and m[_work(m, m[following]) + I_RELEASE] == now:
                    i = m[following]
                    if m[_work(m, i) + I_STEP] <= m[_step(m, m[_work(m, i) + I_STEP]) + S_MEETING]:
                        _book(m, i, now, max(now + m[T_LEAD], now + 1))
                    _make_ready(m, i, now, _day_of(m, now), rich)
                    following += 1
                if block == now:
                    for c in range(c0, c1):
                        if m[_person(m, c) + C_NEXT] == now:
                            _begin_block(m, c, now, rich)
                _take_up(m, c0, c1, now, rich)
                block_end, work_end, block = FAR, FAR, FAR
                for c in range(c0, c1):
                    p = _person(m, c)
                    block_end = min(block_end, m[p + C_BLOCK_END])
                    work_end = min(work_end, m[p + C_END])
                    block = min(block, m[p + C_NEXT])
                day = _day_of(m, now) if rich is not None else NONE
                before = now
                now = min(min(until, block_end), min(work_end, block))
                now = min(now, min(_first_key(m, Q_DUE), _next_meeting(m)))
                if following < end:
                    now = min(now, m[_work(m, m[following]) + I_RELEASE])
                if rich is not None:
                    if m[T_OVERTIME] > 0:
                        evening = m[_day(m, day + 1) + D_START]
                        now = min(now, evening)
                    if m[_day(m, day) + D_FOCUS_END] > before:
                        now = min(now, m[_day(m, day) + D_FOCUS_END])
            for c in range(c0, c1):  # a call stops at an evening: no block lasts, work in hand is resumed next morning
                _pause(m, c, now)
            for q in range(QUEUES):
                _empty(m, q)
        now = until
    if last:
        for i in range(fence[-1]):
            if m[_work(m, i) + I_STATUS] != CLOSED:
                _close(m, i, now, R_OPEN)


@outer
def _draw_seconds(work, step_law, first_step, laws, scale, zero):
    """Draw the seconds of every step of new instances, before effort and speed, into their rows."""
    for i in range(work.shape[0]):
        first, end = first_step[work[i, I_ACTIVITY]], first_step[work[i, I_ACTIVITY] + 1]
        for leg in range(end - first):
            word = bits(np.uint64(work[i, I_KEY]), PURPOSE_WORK, leg)
            value = draw(laws, scale, zero, step_law[first + leg], word)
            work[i, I_SECONDS + leg] = np.float64(value).view(np.int64)


def compile_kernels(rich: bool = False) -> None:
    """Compile the kernels, or load them, without running them; ``rich``: those for teams with rarer rules."""
    whole, table = types.int64[::1], types.int64[:, ::1]
    real, flags = types.float64[:, ::1], types.boolean[:, ::1]
    kind = types.boolean if rich else types.none
    _calls.compile((whole, types.int64, whole, whole, table, real, flags, types.boolean, types.boolean, kind))
    reals = types.float64[::1]
    _draw_seconds.compile((table, whole, whole, types.float64[:, :, ::1], reals, reals))


# --- the door --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class State:
    """The team as it stands at the end of a call; a call leaves the one it is given as it was.

    Attributes:
        now: business second up to which the team has been simulated.
        count: instances released so far; the next one has this number.
        work: int64 (open instances, columns).
        people: int64 (C, columns).
        taken: int64 (C, B), a bit for each slot of a CSM's day that is not free.
        booked: int64 (C, B), meetings in each CSM's day; from AWAY on, leave.
    """

    now: int
    count: int
    work: NDArray[np.int64]
    people: NDArray[np.int64]
    taken: NDArray[np.int64]
    booked: NDArray[np.int64]


def new_state(activities: ActivityTables, team: TeamTables) -> State:
    """A team at the opening of its first day, with nothing to do."""
    people = np.full((team.people, PERSON_COLUMNS), -1, dtype=np.int64)
    people[:, [C_ACTIVE, C_RUNNING]] = 0, NOTHING
    people[:, [C_BLOCK_END, C_END, C_NEXT]] = FAR
    first, length = team.internal_blocks.T
    taken = ((np.int64(1) << (length + team.focus_blocks[:, 1])) - 1) << first
    longest = int(np.max(np.diff(activities.first_step)))
    return State(
        now=0,
        count=0,
        work=np.zeros((0, I_SECONDS + longest), dtype=np.int64),
        people=people,
        taken=np.tile(taken, (team.people, 1)),
        booked=np.where(team.leave, AWAY, 0),
    )


def _with_people(state: State, activities: ActivityTables, team: TeamTables) -> State:
    """The state with those who have joined the team since: nobody's index is behind them again."""
    known = len(state.people)
    if team.people == known:
        return state
    fresh, work = new_state(activities, team), state.work.copy()
    work[work[:, I_OWNER] == known, I_OWNER] = team.people
    rows = [np.concatenate([getattr(state, n), getattr(fresh, n)[known:]]) for n in ("people", "taken", "booked")]
    return State(state.now, state.count, work, *rows)


def _new_work(
    activities: ActivityTables, instances: Instances, before: State, value: NDArray[np.float64] | None
) -> NDArray[np.int64]:
    work = np.full((len(instances), before.work.shape[1]), -1, dtype=np.int64)
    work[:, I_NUMBER] = np.arange(before.count, before.count + len(instances))
    work[:, I_ACTIVITY] = instances.activity
    work[:, I_ACCOUNT] = instances.account
    work[:, I_SEGMENT] = instances.segment
    work[:, I_RELEASE] = instances.release
    work[:, I_DUE] = instances.due
    work[:, I_KEY] = instances.key.view(np.int64)
    work[:, I_EFFORT] = instances.effort.view(np.int64)
    worth = np.zeros(len(instances)) if value is None else value
    work[:, I_VALUE] = worth.view(np.int64)
    work[:, I_STEP] = activities.first_step[instances.activity] + instances.step
    work[:, [I_STATUS, I_OWED, I_ATTEMPT, I_CUSTOMER]] = 0
    laws = activities.laws
    _draw_seconds(work, activities.step_law, activities.first_step, laws.tables, laws.scale, laws.zero)
    return work


def _step_table(activities: ActivityTables) -> NDArray[np.int64]:
    k = activities.step_activity
    columns = (
        activities.step_kind,
        activities.step_due,
        activities.step_buffer,
        activities.step_due_days,
        activities.first_step[k],
        activities.first_step[k + 1],
        activities.meeting_step[k],
        activities.headline_step[k],
        activities.last_window_step[k],
        activities.unprepared[k],
        activities.late[k],
        activities.shortened_share[k].view(np.int64),
        activities.step_mean.view(np.int64),
        activities.priority[k],
    )
    return np.column_stack(columns)


def _segment_table(team: TeamTables) -> NDArray[np.int64]:
    real = np.column_stack([team.customer_availability, team.cancellation, team.staying_away]).view(np.int64)
    return np.column_stack([real, team.shared, team.rank])


def _day_table(team: TeamTables) -> NDArray[np.int64]:
    table = np.zeros((team.days + 1, DAY_COLUMNS), dtype=np.int64)
    table[:, D_START] = team.clock.start
    first, length = team.internal_blocks.T
    table[:-1, D_INTERNAL] = table[:-1, D_START] + first * team.slot
    table[:-1, D_INTERNAL_END] = table[:-1, D_INTERNAL] + length * team.slot
    table[:-1, D_FOCUS_END] = table[:-1, D_INTERNAL_END] + team.focus_blocks[:, 1] * team.slot
    table[:-1, D_WEEK] = 0 if team.week is None else team.week
    table[:-1, D_SLOTS] = team.slots_of_day
    table[:-1, D_HORIZON] = team.clock.day
    return table


def run(
    activities: ActivityTables,
    team: TeamTables,
    instances: Instances,
    owner: NDArray[np.int64],
    speed: NDArray[np.float64],
    active: NDArray[np.bool_],
    state: State | None,
    until: int,
    *,
    sums: NDArray[np.int64],
    hours: NDArray[np.int64],
    alive: NDArray[np.bool_] | None = None,
    value: NDArray[np.float64] | None = None,
    records: bool = False,
    last: bool = False,
) -> tuple[SuccessOutcome, State]:
    """Simulate one call, usually a month. The rules stand in :mod:`simulator.success.reference`.

    Args:
        instances: those released from the end of the last call to before ``until``.
        owner: (A,) CSM of each account, -1 for nobody (owners who are not active count as nobody). Unread when pooled.
        speed: (C,) factor by which a CSM's desk and interrupt work is divided, 1 for a proficient one.
        active: (C,) CSMs who are there during this call.
        state: where the last call stopped; None at the opening of the first day. The team may have more people than in
            the last call: they come behind the others.
        until: business second at which the call stops: the end of a business day.
        sums: (M, N, S, measures), from :func:`tables.new_sums`; added to in place. A step is counted when it is
            settled, under the month of its due date, so a month is complete only after the last call.
        hours: (M, C, hour kinds), from :func:`tables.new_hours`; added to in place.
        alive: (A,) accounts still there; all when None.
        value: float64 (A,), what each account is worth under the desk rule VALUE; nothing when None.
        records: also return one row per step and per booking (the call is then simulated twice, once to count them).
        last: the horizon ends here: steps still open are settled.

    Raises:
        ParameterError: see :func:`tables.check_call`.
    """
    before = new_state(activities, team) if state is None else _with_people(state, activities, team)
    alive = np.ones(len(owner), dtype=np.bool_) if alive is None else np.asarray(alive, dtype=np.bool_)
    tables.check_call(activities, team, instances, owner, speed, active, before.now, until)
    worth = None if value is None else value[instances.account]
    work = np.concatenate([before.work, _new_work(activities, instances, before, worth)])
    calls = _Calls(
        np.array([until]),
        np.array([len(before.work), len(work)]),
        np.asarray(owner, dtype=np.int64)[None],
        np.where(active, speed, 0.0)[None],
        alive[None],
    )
    memory = _Memory(activities, team, work, before, calls.owners.shape[1])
    if records:
        lines = memory.run(before.now, calls, last)
        memory = _Memory(activities, team, work, before, calls.owners.shape[1], lines)
    memory.run(before.now, calls, last)
    sums += memory.part(M_SUMS)
    hours += memory.part(M_HOURS)
    work, people = memory.part(M_WORK), memory.part(M_PEOPLE).copy()
    opened = np.flatnonzero(work[:, I_STATUS] != CLOSED)
    place = np.full(len(work) + 1, -1, dtype=np.int64)  # the last place stands for an empty hand
    place[opened] = np.arange(len(opened))
    people[:, C_HAND], people[:, C_INTERRUPT] = place[people[:, C_HAND]], place[people[:, C_INTERRUPT]]
    waiting = np.zeros((len(activities.step_names), len(activities.segment_names)), dtype=np.int64)
    on_desk = opened[activities.step_kind[work[opened, I_STEP]] != MEETING]
    np.add.at(waiting, (work[on_desk, I_STEP], work[on_desk, I_SEGMENT]), 1)
    rows, meetings = _records(memory.part(M_LOG)) if records else (None, None)
    taken, booked = memory.part(M_TAKEN).copy(), memory.part(M_BOOKED).copy()
    after = State(until, before.count + len(instances), work[opened], people, taken, booked)
    return SuccessOutcome(waiting, memory.part(M_HEADLINES).copy(), rows, meetings), after


def run_months(
    activities: ActivityTables,
    team: TeamTables,
    instances: Sequence[Instances],
    owners: NDArray[np.int64],
    speeds: NDArray[np.float64],
    alive: NDArray[np.bool_],
    ends: NDArray[np.int64],
    *,
    sums: NDArray[np.int64],
    hours: NDArray[np.int64],
    values: Sequence[NDArray[np.float64]] | None = None,
) -> None:
    """A whole horizon in one go: what :func:`run` adds to the sums, called month by month and ``last`` in the end,
    without the state handed from call to call (which takes longer than a small team's month).

    Args:
        instances: by month (K months).
        owners: int64 (K, A), CSM of each account, -1 for nobody.
        speeds: float64 (K, C), 0 for a CSM who is not there.
        alive: bool (K, A).
        ends: int64 (K,), business second at which each month ends.
        sums, hours: as for :func:`run`.
        values: by month, float64 (A,), what each account is worth under the desk rule VALUE.

    Raises:
        ParameterError: see :func:`tables.check_call`.
    """
    now = 0
    for k, month in enumerate(instances):
        tables.check_call(activities, team, month, owners[k], speeds[k], speeds[k] > 0, now, int(ends[k]))
        now = int(ends[k])
    before = new_state(activities, team)
    worth = None
    if values is not None:
        worth = np.concatenate([value[month.account] for value, month in zip(values, instances, strict=True)])
    work = _new_work(activities, Instances.chain(instances), before, worth)
    fence = np.cumsum([0, *(len(month) for month in instances)])
    memory = _Memory(activities, team, work, before, owners.shape[1])
    memory.run(0, _Calls(ends.copy(), fence, owners, speeds, alive), True)
    sums += memory.part(M_SUMS)
    hours += memory.part(M_HOURS)


class _Calls(NamedTuple):
    """The calls that the kernel makes one after the other: see :func:`_calls`."""

    ends: NDArray[np.int64]
    fence: NDArray[np.int64]
    owners: NDArray[np.int64]
    speeds: NDArray[np.float64]
    alives: NDArray[np.bool_]


class _Memory:
    """The array that the kernel works on, laid out from the tables and the state of a team."""

    def __init__(
        self,
        activities: ActivityTables,
        team: TeamTables,
        work: NDArray[np.int64],
        before: State,
        accounts: int,
        log_lines: int = 0,
    ) -> None:
        months = len(team.months) - 1
        steps, segments = len(activities.step_names), len(activities.segment_names)
        parts: dict[int, NDArray[np.int64] | tuple[int, ...]] = {
            M_WORK: work,
            M_PEOPLE: before.people,
            M_TAKEN: before.taken,
            M_BOOKED: before.booked,
            M_QUEUES: (QUEUES, 3 * len(work) + 1),
            M_STEPS: _step_table(activities),
            M_DAYS: _day_table(team),
            M_SEGMENTS: _segment_table(team),
            M_MONTHS: team.months,
            M_SUMS: (months, steps, segments, MEASURES),
            M_HOURS: (months, team.people, KINDS),
            M_HEADLINES: (accounts, 3),
            M_LOG: (log_lines, LOG_COLUMNS),
            M_FENCE: (team.people + 2,),
            M_MEMBERS: (len(work),),
        }
        self.shape = {which: part if isinstance(part, tuple) else part.shape for which, part in parts.items()}
        begin = HEADER + np.cumsum([0, *(math.prod(shape) for shape in self.shape.values())])
        self.begin = dict(zip(parts, begin[:-1].tolist(), strict=True))
        self.array = np.zeros(int(begin[-1]), dtype=np.int64)
        for which, part in parts.items():
            if not isinstance(part, tuple):
                self.part(which)[...] = part
        self.part(M_QUEUES)[:, :-1] = -1  # places in a heap; the last word is the size
        header = self.array[:HEADER]
        header[list(parts)] = begin[:-1]
        low, high = team.rebook_after
        header[[M_COUNT, M_WIDTH, M_CSMS]] = len(work), work.shape[1], team.people
        header[[M_STEP_COUNT, M_DAY_COUNT]] = steps, team.days
        header[[M_SEGMENT_COUNT, M_MONTH_COUNT]] = segments, months
        header[[T_SLOT, T_CAP, T_LEAD, T_SETUP]] = team.slot, team.meetings_per_day, team.lead, team.setup
        header[[T_REBOOK, T_REBOOK_SPAN]] = low, high - low + 1
        header[M_LOG_LINES] = log_lines
        header[[T_RULE, T_OVERTIME, T_COVER]] = team.rule, team.overtime, team.cover
        self.joint, self.rich = team.joint, True if tables.is_rich(activities, team) else None

    def part(self, which: int) -> NDArray[np.int64]:
        """A table in the array, as a view."""
        begin, shape = self.begin[which], self.shape[which]
        return self.array[begin : begin + math.prod(shape)].reshape(shape)

    def run(self, now: int, calls: _Calls, last: bool) -> int:
        """Run the kernel. Returns the lines of the log, also of one that was too short."""
        _calls(self.array, now, *calls, self.joint, last, self.rich)
        return int(self.array[M_LOGGED])


def _records(log: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Step and booking records, sorted by instance, from the log."""
    rows, meetings = log[log[:, 0] == L_STEP, 1:], log[log[:, 0] == L_BOOKING, 1:]
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0])), : len(tables.ROW_FIELDS)]
    meetings = meetings[np.argsort(meetings[:, 0], kind="stable"), : len(tables.MEETING_FIELDS)]
    return (
        np.ascontiguousarray(rows).view(tables.ROW).reshape(len(rows)),
        np.ascontiguousarray(meetings).view(tables.MEETING_ROW).reshape(len(meetings)),
    )
