"""The compiled support engine: the outcomes of :mod:`simulator.support.reference`, some hundred times faster.

How it goes about it:

- Next times by source (line set free, agent set free, session, staffing, overflow time, hold limit, transfer, arrival,
  redial, abandonment, closing) are compared in this order with ``<``, which is the tie rule between kinds; each source
  orders its own events by (time, entry number).
- Of the agents only the ends of after-call work are events. The end of a talk matters where it escalates or frees a
  line, and only then is kept.
- Where nobody holds a line or redials an abandonment changes nothing at its instant. Such queues look at a deadline
  when service would start; a contact whose deadline has passed by then has abandoned at it. Other queues have
  abandonments as events.
- A waiting contact has at most one overflow time on the calendar, the next one. A queue in order of age opens to a
  group in the same order, so a freed agent looks at the first contact of each queue alone.
- Agents with sessions have places of their own (:class:`Agents`); the next end among them is found by a tournament, in
  which one of them plays again when a session comes or goes.
- Idle agents are a ring of times per group, waiting contacts a linked list per queue in slots that are used again, so
  memory does not grow with the number of contacts.
"""

from __future__ import annotations

import functools
from math import expm1, inf, nan
from typing import Any, NamedTuple

from simulator import kernels  # first: it points the compiler's cache to our folder

# isort: split
import numpy as np
from numpy.typing import NDArray

from simulator.errors import SimulatorError
from simulator.support import tables as _tables
from simulator.support.tables import (
    ESCALATED,
    OPEN,
    RECORD,
    SESSION,
    Clock,
    Contacts,
    GroupMeasure,
    Outcome,
    QueueMeasure,
    Sums,
    SupportOutcome,
    SupportState,
    SupportTables,
    check_run,
    mark_in_service,
    open_before,
)

_TALK, _AFTER_CALL = _tables.TALK, _tables.AFTER_CALL
_PATIENCE, _ESCALATION = _tables.PATIENCE, _tables.ESCALATION
_BALKING, _REDIAL_CHANCE = _tables.BALKING, _tables.REDIAL
_REDIAL_DELAY, _REDIAL_KEY = _tables.REDIAL_DELAY, _tables.REDIAL_KEY
_ANSWER_DELAY, _CONFERENCE = _tables.ANSWER_DELAY, _tables.CONFERENCE
_WARM, _DEFERRED = int(_tables.Transfer.WARM), int(_tables.Transfer.DEFERRED)
_CONSULTATION = int(_tables.Transfer.CONSULTATION)
_AWAY, _STEPPING = _tables.AWAY, _tables.STEPPING
_CALLBACK, _DIALLING = _tables.CALLBACK, _tables.DIALLING
_NO_ANSWER_CHANCE, _RETRY_DELAY = _tables.NO_ANSWER, _tables.RETRY_DELAY
_RESOLUTION, _REPEAT_DELAY = _tables.RESOLUTION, _tables.REPEAT_DELAY

# Plain integers: the compiler takes them as constants.
_OFFERED = int(QueueMeasure.OFFERED)
_TRANSFERRED_IN = int(QueueMeasure.TRANSFERRED_IN)
_BLOCKED = int(QueueMeasure.BLOCKED)
_ABANDONED = int(QueueMeasure.ABANDONED)
_SHORT_ABANDONED = int(QueueMeasure.SHORT_ABANDONED)
_ABANDONED_WITHIN = int(QueueMeasure.ABANDONED_WITHIN)
_ANSWERED = int(QueueMeasure.ANSWERED)
_ANSWERED_WITHIN = int(QueueMeasure.ANSWERED_WITHIN)
_WAIT_ANSWERED = int(QueueMeasure.WAIT_ANSWERED)
_WAIT_ANSWERED_SQUARED = int(QueueMeasure.WAIT_ANSWERED_SQUARED)
_WAIT_ABANDONED = int(QueueMeasure.WAIT_ABANDONED)
_TALK_SUM = int(QueueMeasure.TALK)
_AFTER_CALL_SUM = int(QueueMeasure.AFTER_CALL)
_ESCALATED = int(QueueMeasure.ESCALATED)
_OVERFLOWED = int(QueueMeasure.OVERFLOWED)
_REDIALS = int(QueueMeasure.REDIALS)
_BALKED = int(QueueMeasure.BALKED)
_DROPPED = int(QueueMeasure.DROPPED)
_REPEATS = int(QueueMeasure.REPEATS)
_INQUIRIES = int(QueueMeasure.INQUIRIES)
_RESPONDED = int(QueueMeasure.RESPONDED)
_FIRST_RESPONSE = int(QueueMeasure.FIRST_RESPONSE)
_RESOLVED = int(QueueMeasure.RESOLVED)
_UNRESOLVED = int(QueueMeasure.UNRESOLVED)
_RESOLUTION_TIME = int(QueueMeasure.RESOLUTION_TIME)
_RESOLUTION_TIME_NET = int(QueueMeasure.RESOLUTION_TIME_NET)
_RESOLUTION_EFFORT = int(QueueMeasure.RESOLUTION_EFFORT)
_DUE = int(QueueMeasure.DUE)
_RESOLVED_WITHIN = int(QueueMeasure.RESOLVED_WITHIN)
_RESOLVED_FIRST = int(QueueMeasure.RESOLVED_FIRST)
_REPEATED_WITHIN = int(QueueMeasure.REPEATED_WITHIN)
_BACKLOG = int(QueueMeasure.BACKLOG)
_READINGS = int(QueueMeasure.READINGS)
_CALLBACKS = int(QueueMeasure.CALLBACKS)
_CALLED_BACK = int(QueueMeasure.CALLED_BACK)
_CALLBACK_WAIT = int(QueueMeasure.CALLBACK_WAIT)
_NO_ANSWER = int(QueueMeasure.NO_ANSWER)
_UNREACHED = int(QueueMeasure.UNREACHED)
_INTERRUPTED = int(QueueMeasure.INTERRUPTED)
_WITHDRAWN = int(QueueMeasure.WITHDRAWN)
_BUSY = int(GroupMeasure.BUSY)
_AWAY_SUM = int(GroupMeasure.AWAY)
_DEFERRABLE = int(GroupMeasure.DEFERRABLE)
_SPARE = int(GroupMeasure.SPARE)
_STAFFED = int(GroupMeasure.STAFFED)
_OVERRUN = int(GroupMeasure.OVERRUN)
_IS_WAITING = int(Outcome.WAITING)
_IS_ANSWERED = int(Outcome.ANSWERED)
_IS_ABANDONED = int(Outcome.ABANDONED)
_IS_BLOCKED = int(Outcome.BLOCKED)
_IS_BALKED = int(Outcome.BALKED)
_IS_DROPPED = int(Outcome.DROPPED)
_IS_UNREACHED = int(Outcome.UNREACHED)
_IS_NO_ANSWER = int(Outcome.NO_ANSWER)
_IS_WITHDRAWN = int(Outcome.WITHDRAWN)

_DONE, _NO_SLOT, _NO_PATIENCE, _NO_ROW, _NO_ESCALATION, _NO_OVERFLOW, _NO_HOLD = range(7)
_FREE_LINE, _FREE_AGENT, _STAFF, _OVERFLOW, _HOLD, _TRANSFER, _ARRIVAL, _REDIAL, _ABANDON, _CLOSE, _START = range(11)
_READ, _TRY_AGAIN, _SESSION, _FILL, _OFFER = range(11, 16)
_TRY = 1000
"""A try at calling back draws with a leg of its own: the contact's plus so much for each try before."""

_ITEM_BITS = 24
_ITEM_MASK = (1 << _ITEM_BITS) - 1
"""Heap items are ``entry << 24 | slot`` (or group, or seat): ordered by entry, up to 16 million slots and 5e11 entries.

A *seat* is the place of a busy agent, kept only where agents may step away: it holds the group, for how long,
and since when the agent has had no rest."""

# Places in ``Work.counter``.
_N_SERVICE, _N_RELEASE, _N_TRANSFER, _N_PATIENCE, _N_FREE, _N_ESCALATED = range(6)
_NEXT_CONTACT, _NEXT_INTERVAL, _NEXT_GROUP, _ENTRIES, _CONTACTS_BEFORE, _N_OVERFLOW, _N_REDIAL = range(6, 13)
_NEXT_CLOSING, _N_HOLD, _FIRST_INTERVAL, _NEXT_READING, _N_ASIDE, _N_PLACES, _N_RESUMED, _COUNTS = range(13, 21)

_OPEN_PART = np.dtype([("open", OPEN), ("agent", "i8"), ("finish", "f8"), ("resolved", "?")], align=True)
"""A session's row with the columns of :data:`OPEN` as one, which is copied at once."""


class Model(NamedTuple):
    """The tables as the kernel reads them. ``overflow_*``, ``tries_*`` and ``serves_*`` are ragged rows end to end.

    Each row of ``overflow_time`` ends with infinity. ``closing`` tells in which intervals some queue drops contacts.
    ``head_start`` (where no age is carried over either), ``away`` and ``patience_behind`` are empty where they have no
    effect.
    """

    law: NDArray[np.float64]
    law_scale: NDArray[np.float64]
    law_zero: NDArray[np.float64]
    patience: NDArray[np.int64]
    talk: NDArray[np.int64]
    after_call: NDArray[np.int64]
    escalation_to: NDArray[np.int64]
    escalation_probability: NDArray[np.float64]
    line_pool: NDArray[np.int64]
    line_capacity: NDArray[np.int64]
    answer_within: NDArray[np.float64]
    short_abandon: NDArray[np.float64]
    abandon_as_event: NDArray[np.bool_]
    balking: NDArray[np.float64]
    redial_probability: NDArray[np.float64]
    redial_attempts: NDArray[np.int64]
    redial_delay: NDArray[np.int64]
    answer_delay: NDArray[np.int64]
    transfer: NDArray[np.int64]
    hold_limit: NDArray[np.float64]
    hold_fallback: NDArray[np.int64]
    conference: NDArray[np.int64]
    carries_age: NDArray[np.bool_]
    dropping: NDArray[np.bool_]
    serving_out: NDArray[np.bool_]
    closing: NDArray[np.bool_]
    overflow_start: NDArray[np.int64]
    overflow_time: NDArray[np.float64]
    tries_start: NDArray[np.int64]
    tries_group: NDArray[np.int64]
    tries_level: NDArray[np.int64]
    tries_after: NDArray[np.float64]
    serves_start: NDArray[np.int64]
    serves_queue: NDArray[np.int64]
    serves_priority: NDArray[np.int64]
    serves_after: NDArray[np.float64]
    after: NDArray[np.float64]
    head_start: NDArray[np.float64]
    away: NDArray[np.int64]
    resolution: NDArray[np.float64]
    repeat_attempts: NDArray[np.int64]
    repeat_delay: NDArray[np.int64]
    repeat_to: NDArray[np.int64]
    resolution_within: NDArray[np.float64]
    opening: NDArray[np.bool_]
    deferrable: NDArray[np.bool_]
    business_time: NDArray[np.bool_]
    tries_reserve: NDArray[np.int64]
    serves_reserve: NDArray[np.int64]
    callback_threshold: NDArray[np.float64]
    callback_handle: NDArray[np.float64]
    callback_acceptance: NDArray[np.float64]
    callback_attempts: NDArray[np.int64]
    dialling: NDArray[np.int64]
    no_answer: NDArray[np.float64]
    retry_delay: NDArray[np.int64]
    chat: NDArray[np.bool_]
    sessions: NDArray[np.bool_]
    concurrency: NDArray[np.int64]
    slowdown: NDArray[np.float64]
    interruptible: NDArray[np.bool_]
    set_up: NDArray[np.float64]
    away_every: NDArray[np.float64]
    patience_behind: NDArray[np.int64]


class Agents(NamedTuple):
    """The agents with sessions, in A places (a power of two) for K sessions each.

    ``level`` tells the list of its group in which an agent is: 0 for work that may be interrupted, j for j chats, -1
    none; lists are in the order in which agents joined them. ``since``, ``work`` and ``interval`` are those of the last
    start or end of a session. ``time`` is the next end, of ``first`` among the sessions, with ``entry``; ``tree[1]`` is
    the agent whose ``(time, entry)`` is least, and ``tree[A:]`` are all. ``row``: where a session has its record.
    """

    group: NDArray[np.int64]
    open: NDArray[np.int64]
    level: NDArray[np.int64]
    since: NDArray[np.float64]
    work: NDArray[np.float64]
    interval: NDArray[np.int64]
    time: NDArray[np.float64]
    first: NDArray[np.int64]
    entry: NDArray[np.int64]
    next: NDArray[np.int64]
    before: NDArray[np.int64]
    free: NDArray[np.int64]
    list_first: NDArray[np.int64]
    list_last: NDArray[np.int64]
    list_count: NDArray[np.int64]
    tree: NDArray[np.int64]
    session: NDArray[Any]
    row: NDArray[np.int64]


class Input(NamedTuple):
    """Contacts, clock and staffing plan. ``talk`` is empty where no contact has a recorded one."""

    time: NDArray[np.float64]
    interval: NDArray[np.int64]
    queue: NDArray[np.int64]
    key: NDArray[np.uint64]
    account: NDArray[np.int64]
    talk: NDArray[np.float64]
    interval_start: NDArray[np.float64]
    cell: NDArray[np.int64]
    next_cell: NDArray[np.int64]
    open_before: NDArray[np.float64]
    staff: NDArray[np.int64]


class Work(NamedTuple):
    """What changes while the kernel runs. It stops when a store is full and goes on after that has been enlarged."""

    counter: NDArray[np.int64]
    service_time: NDArray[np.float64]
    service_item: NDArray[np.int64]
    seat_group: NDArray[np.int64]
    seat_away: NDArray[np.float64]
    seat_since: NDArray[np.float64]
    seat_free: NDArray[np.int64]
    release_time: NDArray[np.float64]
    release_item: NDArray[np.int64]
    transfer_time: NDArray[np.float64]
    transfer_item: NDArray[np.int64]
    patience_time: NDArray[np.float64]
    patience_item: NDArray[np.int64]
    overflow_time: NDArray[np.float64]
    overflow_item: NDArray[np.int64]
    redial_time: NDArray[np.float64]
    redial_item: NDArray[np.int64]
    hold_time: NDArray[np.float64]
    hold_item: NDArray[np.int64]
    aside_time: NDArray[np.float64]
    aside_item: NDArray[np.int64]
    slot: NDArray[Any]
    slot_row: NDArray[np.int64]
    after: NDArray[np.int64]
    before: NDArray[np.int64]
    free: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    idle: NDArray[np.float64]
    idle_head: NDArray[np.int64]
    idle_count: NDArray[np.int64]
    staff: NDArray[np.int64]
    surplus: NDArray[np.int64]
    lines: NDArray[np.int64]
    overrun_since: NDArray[np.float64]
    call_start: NDArray[np.float64]
    row: NDArray[Any]
    escalated: NDArray[Any]
    agents: Agents


# --- heaps: the least (time, item) first ------------------------------------------------------------------------------


@kernels.inner
def _push(time, item, n, t, x):
    """Add (t, x) to the heap of ``n``, or put it where ``n`` is a gap among the leaves."""
    i = n
    while i > 0:
        up = (i - 1) >> 1
        if time[up] < t or (time[up] == t and item[up] < x):
            break
        time[i] = time[up]
        item[i] = item[up]
        i = up
    time[i] = t
    item[i] = x


@kernels.inner
def _replace_first(time, item, n, t, x):
    """Put (t, x) in place of the least of the heap of ``n``.

    The gap sinks to a leaf first and the newcomer rises from there: it is mostly among the last, so this takes half the
    comparisons, and which child is less costs no mispredicted branch (Wegener, 1993).
    """
    i = 0
    down = 1
    while down + 1 < n:
        left, right = time[down], time[down + 1]
        if left == right:
            down += item[down + 1] < item[down]
        else:
            down += right < left
        time[i] = time[down]
        item[i] = item[down]
        i = down
        down = 2 * i + 1
    if down < n:
        time[i] = time[down]
        item[i] = item[down]
        i = down
    _push(time, item, i, t, x)


@kernels.inner
def _drop_first(time, item, n):
    """Remove the least of the heap of ``n``."""
    if n > 1:
        _replace_first(time, item, n - 1, time[n - 1], item[n - 1])


# --- contacts and agents ----------------------------------------------------------------------------------------------


@kernels.inner_switched
def _idle_group(
    queue, since, t, tries_start, tries_group, tries_level, tries_after, tries_reserve, idle, idle_head, idle_count
):
    """The open group that answers: lowest level, then idle longest, then lowest index. -1 when nobody is idle.

    ``tries_after`` and ``tries_reserve`` are None where all groups are open at once, and none keeps agents back.
    """
    best = -1
    level = 0
    longest = 0.0
    for k in range(tries_start[queue], tries_start[queue + 1]):
        if best >= 0 and tries_level[k] != level:
            break
        group = kernels.place(tries_group[k])
        if tries_reserve is not None and idle_count[group] <= tries_reserve[k]:
            continue
        if idle_count[group] > 0 and (tries_after is None or since + tries_after[k] <= t):
            head = idle[group, idle_head[group]]
            if best < 0 or head < longest:
                best = group
                level = tries_level[k]
                longest = head
    return best


@kernels.inner
def _start_idling(idle, idle_head, idle_count, group, t):
    idle[group, (idle_head[group] + idle_count[group]) & (idle.shape[1] - 1)] = t
    idle_count[group] += 1


@kernels.inner
def _stop_idling(idle, idle_head, idle_count, group):
    """The agent idle longest is idle no more."""
    idle_head[group] = (idle_head[group] + 1) & (idle.shape[1] - 1)
    idle_count[group] -= 1


@kernels.inner
def _unlink(first, last, before, after, count, queue, slot):
    """Take a slot out of the waiting list of its queue."""
    count[_COUNTS + queue] -= 1
    a, b = before[slot], after[slot]
    if a >= 0:
        after[a] = b
    else:
        first[queue] = b
    if b >= 0:
        before[b] = a
    else:
        last[queue] = a


@kernels.inner
def _is_ahead(slots, a, b):
    """Whether the contact in slot ``a`` stands before that in ``b`` when both wait in one queue."""
    mine, other = slots[a].arrived - slots[a].age, slots[b].arrived - slots[b].age
    return mine < other or (mine == other and slots[a].entry < slots[b].entry)


@kernels.called
def _put_back(slots, first, last, before, after, count, queue, slot):
    """Put a slot into the waiting list of its queue, by age."""
    count[_COUNTS + queue] += 1
    a, b = -1, first[queue]
    while b >= 0 and _is_ahead(slots, b, slot):
        a, b = b, after[b]
    before[slot], after[slot] = a, b
    if a >= 0:
        after[a] = slot
    else:
        first[queue] = slot
    if b >= 0:
        before[b] = slot
    else:
        last[queue] = slot


@kernels.called
def _patience_behind(row, queue, patience_behind, count, itself):
    """The law row of the patience of who finds so many waiting; ``itself``: how many of them are the contact."""
    if patience_behind[queue, 0] < 0:
        return row
    others = -itself
    for each in range(patience_behind.shape[0]):
        if patience_behind[each, 0] >= 0:
            others += count[_COUNTS + each]
    if others <= 0:
        return row
    return patience_behind[queue, min(others, patience_behind.shape[1]) - 1]


@kernels.called
def _is_called_back(threshold, handle, acceptance, tries_start, tries_group, present, first, after, queue, key, leg):
    """Whether a caller who must wait is offered a callback, and accepts."""
    if threshold[queue] == inf or acceptance[queue] <= 0.0:
        return False
    agents = 0
    for k in range(tries_start[queue], tries_start[queue + 1]):
        agents += present[tries_group[k]]
    limit = threshold[queue] * agents
    waiting = 1  # itself
    slot = first[queue]
    while slot >= 0 and waiting * handle[queue] <= limit:  # no need to count further
        waiting += 1
        slot = after[slot]
    return waiting * handle[queue] > limit and kernels.uniform(key, _CALLBACK, leg) < acceptance[queue]


@kernels.called
def _record(row, entry, contact, key, account, queue, leg, attempt, interval, arrived):
    """Begin the record of an entry: it waits, and nothing else is known yet."""
    row.entry, row.contact, row.key, row.account = entry, contact, key, account
    row.queue, row.leg, row.attempt, row.repeats = queue, leg, attempt, 0
    row.interval, row.group, row.arrived = interval, -1, arrived
    row.taken_at = row.answered_at = row.talk_end = row.end = row.returns_at = nan
    row.hold = 0.0
    row.outcome = _IS_WAITING
    row.escalated = row.resolved = row.callback = False


@kernels.inner
def _note_escalation(escalated, count, t, account, queue, key):
    """Tell the success wing that a contact of an account goes on to the next tier."""
    note = escalated[count[_N_ESCALATED]]
    note.time, note.account, note.queue, note.key = t, account, queue, key
    count[_N_ESCALATED] += 1


@kernels.inner
def _next_overflow(queue, since, t, start, waits):
    """The first instant after ``t`` at which a further group opens to a contact; infinite when there is none."""
    k = start[queue]
    while since + waits[k] <= t:
        k += 1
    return since + waits[k]


@kernels.inner
def _give_up(slots, slot, cell, within, short, lines, queue_sums, rows, slot_row, free, count):
    """A contact that waited in ``slot`` (no longer in its queue's list) abandons at its deadline."""
    gone = slots[slot]
    gone.waiting = False
    queue = kernels.place(gone.queue)
    c = cell[gone.interval]
    wait = gone.deadline - gone.arrived
    queue_sums[c, queue, _ABANDONED] += 1.0
    queue_sums[c, queue, _WAIT_ABANDONED] += wait
    if wait <= short[queue]:
        queue_sums[c, queue, _SHORT_ABANDONED] += 1.0
    if wait <= within[queue]:
        queue_sums[c, queue, _ABANDONED_WITHIN] += 1.0
    if gone.line >= 0:
        lines[gone.line] -= 1
    if rows.shape[0] > 0:
        rows[slot_row[slot]].outcome = _IS_ABANDONED
        rows[slot_row[slot]].end = gone.deadline
    free[count[_N_FREE]] = slot
    count[_N_FREE] += 1


@kernels.inner
def _drop(slots, slot, cell, t, lines, queue_sums, rows, slot_row, free, count):
    """A contact that waited in ``slot`` (no longer in its queue's list) is dropped."""
    gone = slots[slot]
    gone.waiting = False
    queue_sums[cell[gone.interval], gone.queue, _DROPPED] += 1.0
    if gone.line >= 0:
        lines[gone.line] -= 1
    if rows.shape[0] > 0:
        rows[slot_row[slot]].outcome = _IS_DROPPED
        rows[slot_row[slot]].end = t
    free[count[_N_FREE]] = slot
    count[_N_FREE] += 1


@kernels.called
def _read_backlog(deferrable, patience_law, cell, slots, first, after, count, queue_sums, t):
    """Count those who wait in deferrable queues at ``t``. A list is walked only where some may have given up: a backlog
    may be long, and there are many intervals."""
    for queue in range(deferrable.shape[0]):
        if deferrable[queue]:
            slot = first[queue]
            if patience_law[queue] < 0:
                queue_sums[cell, queue, _BACKLOG] += count[_COUNTS + queue]
                slot = -1
            while slot >= 0:
                if slots[slot].deadline >= t:  # else has given up, and nobody has looked since
                    queue_sums[cell, queue, _BACKLOG] += 1.0
                slot = after[slot]
            queue_sums[cell, queue, _READINGS] += 1.0


@kernels.inner
def _next_closing(closing, interval):
    """The first interval from ``interval`` on in which a queue drops contacts."""
    while interval < closing.shape[0] and not closing[interval]:
        interval += 1
    return interval


@kernels.inner
def _redials_at(law, law_scale, law_zero, probability, attempts, delay, queue, key, leg, attempt, t):
    """When a caller whom ``queue`` loses at ``t`` calls again; infinite when not."""
    if delay[queue] < 0 or attempt >= attempts[queue]:
        return inf
    if kernels.uniform(key, _REDIAL_CHANCE, leg) >= probability[queue]:
        return inf
    return t + kernels.draw(law, law_scale, law_zero, delay[queue], kernels.bits(key, _REDIAL_DELAY, leg))


@kernels.inner
def _is_timely(within, queue, arrived, t, end):
    """Whether ``t`` is not too late for an inquiry of ``queue``, if the horizon shows as much."""
    return t - arrived <= within[queue] and arrived + within[queue] <= end


@kernels.called
def _settle(
    law, law_scale, law_zero, resolution, within, repeat_attempts, repeat_delay, repeat_to, interval_start, open_before,
    opening, cell, queue_sums, key, leg, queue, origin, repeats, inquiry_queue, inquiry_interval, inquiry_arrived,
    effort, own_time, talk_end,
):  # fmt: skip
    """What the last talk of a call does for its inquiry. Returns when the customer contacts again; -1 when it is
    resolved, infinity when that is not to be."""
    c = cell[inquiry_interval]
    if kernels.uniform(key, _RESOLUTION, leg) < resolution[queue]:
        elapsed = talk_end - inquiry_arrived
        queue_sums[c, inquiry_queue, _RESOLVED] += 1.0
        if _is_timely(within, inquiry_queue, inquiry_arrived, talk_end, interval_start[-1]):
            queue_sums[c, inquiry_queue, _RESOLVED_WITHIN] += 1.0
            if repeats == 0:
                queue_sums[c, inquiry_queue, _RESOLVED_FIRST] += 1.0
        queue_sums[c, inquiry_queue, _RESOLUTION_TIME] += elapsed
        queue_sums[c, inquiry_queue, _RESOLUTION_TIME_NET] += elapsed - own_time
        queue_sums[c, inquiry_queue, _RESOLUTION_EFFORT] += effort
        return -1.0
    if repeats < repeat_attempts[queue] and repeat_delay[queue] >= 0:
        comes_to = repeat_to[queue] if repeat_to[queue] >= 0 else origin
        word = kernels.bits(key, _REPEAT_DELAY, leg)
        seconds = kernels.draw(law, law_scale, law_zero, repeat_delay[queue], word)
        seconds = kernels.open_time(interval_start, open_before, opening, comes_to, talk_end) + seconds
        return max(talk_end, kernels.open_instant(interval_start, open_before, opening, comes_to, seconds))
    queue_sums[c, inquiry_queue, _UNRESOLVED] += 1.0
    return inf


@kernels.inner
def _count_answer(queue_sums, c, queue, wait, within):
    queue_sums[c, queue, _ANSWERED] += 1.0
    if wait <= within[queue]:
        queue_sums[c, queue, _ANSWERED_WITHIN] += 1.0
    queue_sums[c, queue, _WAIT_ANSWERED] += wait
    queue_sums[c, queue, _WAIT_ANSWERED_SQUARED] += wait * wait


@kernels.inner
def _count_passing(interval_start, cell, next_cell, group_sums, measure, group, now, start, end):
    """Split a time over the cells in which it passes; ``now`` is the interval in force at ``start``."""
    intervals = cell.shape[0]
    i = now
    while i < intervals:
        following = next_cell[i]
        stop = interval_start[following]
        if end <= stop:
            if end > start:
                group_sums[cell[i], group, measure] += end - start
            return
        if stop > start:
            group_sums[cell[i], group, measure] += stop - start
            start = stop
        i = following


@kernels.called
def _time_away(law, law_scale, law_zero, away_law, away_every, group, key, leg, without_rest):
    """For how long an agent steps away after a contact, if no other waits, after so long without a rest."""
    if away_law[group] < 0:
        return 0.0
    every = away_every[group]
    if every > 0.0 and kernels.uniform(key, _STEPPING, leg) >= -expm1(-without_rest / every):
        return 0.0
    return kernels.draw(law, law_scale, law_zero, away_law[group], kernels.bits(key, _AWAY, leg))


@kernels.called
def _end_hold(
    law, law_scale, law_zero, after_call_law, away_law, away_every, deferrable,
    interval_start, cell, next_cell, call_start,
    first_interval, queue_sums, group_sums, service_time, service_item, n_service, seat_free, seat_group, seat_away,
    seat_since, holder_entry, holder_group, holder_queue, holder_interval, arrived, interval, hold, key, leg, end,
):  # fmt: skip
    """The agent who has held with a caller of leg ``leg`` for ``hold`` seconds goes on to after-call work at ``end``.

    The caller arrived at ``arrived`` in ``interval``; busy time counts from then or from the start of this call.
    Returns the number of agents in service, this one among them.
    """
    free_at = end
    row = after_call_law[holder_queue, holder_group]
    if row >= 0:
        free_at = end + kernels.draw(law, law_scale, law_zero, row, kernels.bits(key, _AFTER_CALL, leg - 1))
    queue_sums[cell[holder_interval], holder_queue, _TALK_SUM] += hold
    since, begun = max(arrived, call_start), max(interval, first_interval)
    _count_passing(interval_start, cell, next_cell, group_sums, _BUSY, holder_group, begun, since, free_at)
    if deferrable[holder_queue]:
        _count_passing(interval_start, cell, next_cell, group_sums, _DEFERRABLE, holder_group, begun, since, free_at)
    place = holder_group
    if away_law.shape[0] > 0:
        place = seat_free[n_service]
        seat_group[place] = holder_group
        seat_since[place] = arrived
        seat_away[place] = _time_away(
            law, law_scale, law_zero, away_law, away_every, holder_group, key, leg - 1, free_at - arrived
        )
    _push(service_time, service_item, n_service, free_at, holder_entry << _ITEM_BITS | place)
    return n_service + 1


@kernels.inner
def _settle_overrun(interval_start, cell, surplus, overrun_since, group_sums, now, group, t):
    """Count the presence of a group's surplus agents up to ``t``; since the last time ``now`` was in force."""
    passed = min(t, interval_start[-1]) - overrun_since[group]
    if passed > 0.0 and surplus[group] > 0:
        group_sums[cell[now], group, _OVERRUN] += surplus[group] * passed
    overrun_since[group] = max(t, overrun_since[group])


@kernels.inner
def _change_staff(planned, group, present, surplus, idle, idle_head, idle_count):
    """Apply a plan to a group: the idle leave first, the surplus stay first. Returns how many new agents start."""
    change = planned - present[group]
    present[group] = planned
    while change < 0 and idle_count[group] > 0:
        _stop_idling(idle, idle_head, idle_count, group)
        change += 1
    stay = min(surplus[group], change)
    surplus[group] -= stay
    return change - stay


# --- sessions: chats beside others, and work that may be interrupted --------------------------------------------------


@kernels.called
def _count_sessions(
    crew, agent, until, chat, deferrable, concurrency, interval_start, cell, next_cell, group_sums, call_start
):
    """Count busy time since the last start or end of a session of an agent, or since this call began."""
    group, start, interval = crew.group[agent], max(crew.since[agent], call_start), crew.interval[agent]
    queue = crew.session[agent * (crew.row.shape[0] // crew.group.shape[0])].open.queue
    _count_passing(interval_start, cell, next_cell, group_sums, _BUSY, group, interval, start, until)
    if deferrable[queue]:
        _count_passing(interval_start, cell, next_cell, group_sums, _DEFERRABLE, group, interval, start, until)
    if chat[queue]:
        spare = 1.0 - crew.open[agent] / concurrency[group]
        while interval < cell.shape[0]:
            stop = min(until, interval_start[next_cell[interval]])
            if stop > start:
                group_sums[cell[interval], group, _SPARE] += spare * (stop - start)
                start = stop
            if until <= interval_start[next_cell[interval]]:
                break
            interval = next_cell[interval]


@kernels.called
def _join(crew, agent, level):
    """Put an agent at the end of a list of its group."""
    group = crew.group[agent]
    crew.level[agent] = level
    tail = crew.list_last[group, level]
    crew.before[agent] = tail
    crew.next[agent] = -1
    if tail >= 0:
        crew.next[tail] = agent
    else:
        crew.list_first[group, level] = agent
    crew.list_last[group, level] = agent
    crew.list_count[group, level] += 1


@kernels.called
def _leave(crew, agent):
    """Take an agent out of the list in which it is."""
    level = crew.level[agent]
    if level < 0:
        return
    group = crew.group[agent]
    a, b = crew.before[agent], crew.next[agent]
    if a >= 0:
        crew.next[a] = b
    else:
        crew.list_first[group, level] = b
    if b >= 0:
        crew.before[b] = a
    else:
        crew.list_last[group, level] = a
    crew.list_count[group, level] -= 1
    crew.level[agent] = -1


@kernels.called
def _appoint(crew, agent, slowdown):
    """The next end of talk or after-call work among an agent's sessions, if nothing changes until then."""
    width = crew.row.shape[0] // crew.group.shape[0]
    crew.time[agent] = inf
    if crew.open[agent] > 0:
        first = agent * width
        for s in range(first + 1, agent * width + crew.open[agent]):
            sooner = crew.session[s].finish < crew.session[first].finish
            same = crew.session[s].finish == crew.session[first].finish
            if sooner or (same and crew.session[s].open.entry < crew.session[first].open.entry):
                first = s
        crew.first[agent] = first
        crew.entry[agent] = crew.session[first].open.entry
        slowness = 1.0 + slowdown[crew.group[agent]] * (crew.open[agent] - 1)
        crew.time[agent] = crew.since[agent] + (crew.session[first].finish - crew.work[agent]) * slowness
    i = (crew.group.shape[0] + agent) >> 1
    while i >= 1:
        a, b = crew.tree[2 * i], crew.tree[2 * i + 1]
        if crew.time[b] < crew.time[a] or (crew.time[b] == crew.time[a] and crew.entry[b] < crew.entry[a]):
            a = b
        crew.tree[i] = a
        i >>= 1


@kernels.called
def _change_sessions(
    crew, agent, done, t, now, chat, deferrable, concurrency, slowdown, interval_start, cell, next_cell, group_sums,
    call_start,
):  # fmt: skip
    """Settle what has passed before a session comes to an agent or leaves; ``done`` is the mark of work, or NaN."""
    _count_sessions(
        crew, agent, t, chat, deferrable, concurrency, interval_start, cell, next_cell, group_sums, call_start
    )
    if done != done:
        slowness = 1.0 + slowdown[crew.group[agent]] * (crew.open[agent] - 1)
        done = crew.work[agent] + (t - crew.since[agent]) / slowness
        first = agent * (crew.row.shape[0] // crew.group.shape[0])
        for s in range(first, first + crew.open[agent]):
            done = min(done, crew.session[s].finish)
    crew.work[agent] = done
    crew.since[agent] = t
    crew.interval[agent] = now
    _leave(crew, agent)


@kernels.called
def _release(crew, agent, slowdown, count):
    """An agent has no session any more."""
    crew.open[agent] = 0
    _appoint(crew, agent, slowdown)
    crew.free[count[_N_PLACES]] = agent
    count[_N_PLACES] += 1


@kernels.called
def _with_a_place(crew, concurrency, surplus, group):
    """Of the agents with chats the one who takes the next; -1 where there is no place."""
    leave = surplus[group]
    for level in range(1, concurrency[group]):
        if crew.list_count[group, level] > leave:
            agent = crew.list_first[group, level]
            for _ in range(leave):
                agent = crew.next[agent]
            return agent
        leave -= crew.list_count[group, level]
    return -1


@kernels.called
def _find_agent(
    queue, since, t, urgent, crew, chat, concurrency, surplus,
    tries_start, tries_group, tries_level, tries_after, tries_reserve, idle, idle_head, idle_count,
):  # fmt: skip
    """The group that takes a contact, and its agent where that is one with sessions (-1 an idle one); -1 nobody.

    An agent of level 0 leaves its work for the contact, which ``urgent`` allows.
    """
    best, best_agent, level, held, turned = -1, -1, 0, 0, 0.0
    for k in range(tries_start[queue], tries_start[queue + 1]):
        if best >= 0 and tries_level[k] != level:
            break
        group, agent = tries_group[k], -1
        if since + tries_after[k] > t:
            continue
        if idle_count[group] > tries_reserve[k]:
            chats, last = 0, idle[group, idle_head[group]]
        else:
            if chat[queue]:
                agent = _with_a_place(crew, concurrency, surplus, group)
            if agent < 0:
                continue
            chats, last = crew.open[agent], crew.since[agent]
        if best < 0 or chats < held or (chats == held and last < turned):
            best, best_agent, level, held, turned = group, agent, tries_level[k], chats, last
    if best >= 0 or not urgent:
        return best, best_agent
    for k in range(tries_start[queue], tries_start[queue + 1]):
        if best >= 0 and tries_level[k] != level:
            break
        group = tries_group[k]
        if since + tries_after[k] > t:
            continue
        agent = crew.list_last[group, 0]
        last = crew.since[agent] if agent >= 0 else 0.0
        while agent >= 0 and crew.since[agent] == last:
            latest = best < 0 or last > turned
            if latest or (last == turned and crew.entry[agent] > crew.entry[best_agent]):
                best, best_agent, level, turned = group, agent, tries_level[k], last
            agent = crew.before[agent]
    return best, best_agent


@kernels.called
def _interrupt(
    crew, agent, t, now, slots, slot_row, free, first, last, before, after, count, cell, set_up, queue_sums,
    chat, deferrable, concurrency, slowdown, interval_start, next_cell, group_sums, call_start,
):  # fmt: skip
    """An agent leaves its work, which waits in its place from now. Returns its slot."""
    s = agent * (crew.row.shape[0] // crew.group.shape[0])
    _change_sessions(
        crew, agent, nan, t, now, chat, deferrable, concurrency, slowdown, interval_start, cell, next_cell, group_sums,
        call_start,
    )  # fmt: skip
    count[_N_FREE] -= 1
    slot = free[count[_N_FREE]]
    slots[slot] = crew.session[s].open
    slot_row[slot] = crew.row[s]
    left = slots[slot]
    left.waiting = True
    left.talk = (crew.session[s].finish - crew.work[agent]) + set_up[left.queue]
    queue_sums[cell[left.interval], left.queue, _INTERRUPTED] += 1.0
    queue_sums[cell[left.interval], left.queue, _TALK_SUM] += set_up[left.queue]
    _put_back(slots, first, last, before, after, count, left.queue, slot)
    _release(crew, agent, slowdown, count)
    return slot


# --- the loop ---------------------------------------------------------------------------------------------------------


@kernels.outer
def _advance(model, given, work, queue_sums, group_sums, first_row, until, rich, again, inquiry, mail, callback, talks):
    """Process the events before ``until``.

    ``first_row`` is the row of the record table less the entry number of a new entry. The switches of :func:`_rules`
    come last: one that is None tells that a model uses none of its rules. The compiler then leaves out what stands
    under ``... is not None``, and such a model pays nothing for those rules, neither when it is compiled nor when it
    runs. Returns ``_DONE``, or which store must be enlarged before the kernel is called again.
    """
    law, law_scale, law_zero = model.law, model.law_scale, model.law_zero
    patience_law, talk_law, after_call_law = model.patience, model.talk, model.after_call
    escalation_to, escalation_probability = model.escalation_to, model.escalation_probability
    line_pool, line_capacity = model.line_pool, model.line_capacity
    within, short, abandon_as_event = model.answer_within, model.short_abandon, model.abandon_as_event
    tries_start, tries_group, tries_level = model.tries_start, model.tries_group, model.tries_level
    serves_start, serves_queue, serves_priority = model.serves_start, model.serves_queue, model.serves_priority
    arrival_time, arrival_interval, arrival_queue = given.time, given.interval, given.queue
    arrival_key, arrival_account, arrival_talk = given.key, given.account, given.talk
    interval_start, cell, next_cell, staff = given.interval_start, given.cell, given.next_cell, given.staff
    count, slots, slot_row, free, rows, escalated = (
        work.counter,
        work.slot,
        work.slot_row,
        work.free,
        work.row,
        work.escalated,
    )
    service_time, service_item = work.service_time, work.service_item
    seat_group, seat_away, seat_free = work.seat_group, work.seat_away, work.seat_free
    seat_since = work.seat_since
    release_time, release_item = work.release_time, work.release_item
    transfer_time, transfer_item = work.transfer_time, work.transfer_item
    patience_time, patience_item = work.patience_time, work.patience_item
    first, last, before, after = work.first, work.last, work.before, work.after
    idle, idle_head, idle_count = work.idle, work.idle_head, work.idle_count
    present, surplus, lines, overrun_since = work.staff, work.surplus, work.lines, work.overrun_since
    contacts = arrival_time.shape[0]
    intervals = cell.shape[0]
    groups = staff.shape[0]
    if rich is None:
        tries_after = None
    else:
        tries_after = model.tries_after
        balking = model.balking
        overflow_start, overflow_wait, after_wait = model.overflow_start, model.overflow_time, model.after
        serves_after = model.serves_after
        head_start, away_law, away_every = model.head_start, model.away, model.away_every
        patience_behind = model.patience_behind
        overflow_time, overflow_item = work.overflow_time, work.overflow_item
        overflows = overflow_wait.shape[0] > first.shape[0]
        t_overflow = overflow_time[0] if count[_N_OVERFLOW] > 0 else inf
        answer_delay, dropping, closing = model.answer_delay, model.dropping, model.closing
        transfer, hold_limit, hold_fallback = model.transfer, model.hold_limit, model.hold_fallback
        conference, carries_age = model.conference, model.carries_age
        hold_time, hold_item = work.hold_time, work.hold_item
        call_start, first_interval = work.call_start[0], count[_FIRST_INTERVAL]
        t_hold = hold_time[0] if count[_N_HOLD] > 0 else inf
        next_closing = _next_closing(closing, count[_NEXT_CLOSING])
        t_closing = interval_start[next_closing] if next_closing < closing.shape[0] else inf
    if again is not None:
        redial_probability = model.redial_probability
        redial_attempts, redial_delay = model.redial_attempts, model.redial_delay
        redial_time, redial_item = work.redial_time, work.redial_item
        t_redial = redial_time[0] if count[_N_REDIAL] > 0 else inf
    if inquiry is not None:
        resolution, resolution_within = model.resolution, model.resolution_within
        repeat_attempts, repeat_delay, repeat_to = model.repeat_attempts, model.repeat_delay, model.repeat_to
    if inquiry is not None or mail is not None:
        opening, open_before = model.opening, given.open_before
    deferrable = model.deferrable
    serving_out, serves_out = model.serving_out, model.serving_out.shape[1] > 0
    if mail is None:
        tries_reserve = None
    else:
        business_time = model.business_time
        tries_reserve, serves_reserve = model.tries_reserve, model.serves_reserve
        next_reading = count[_NEXT_READING]
        t_read = interval_start[next_reading] if next_reading <= intervals else inf
    if callback is not None:
        callback_threshold, callback_handle = model.callback_threshold, model.callback_handle
        callback_acceptance, callback_attempts = model.callback_acceptance, model.callback_attempts
        dialling, no_answer, retry_delay = model.dialling, model.no_answer, model.retry_delay
        aside_time, aside_item = work.aside_time, work.aside_item
        t_aside = aside_time[0] if count[_N_ASIDE] > 0 else inf
    if talks is not None:
        crew = work.agents
        chat, sessions, concurrency, slowdown = model.chat, model.sessions, model.concurrency, model.slowdown
        set_up = model.set_up
        width = crew.row.shape[0] // crew.group.shape[0]
        filling = offered = -1
        for agent in range(count[_N_RESUMED]):
            held = crew.session[agent * width].open
            if chat[held.queue]:
                _join(crew, agent, crew.open[agent])
            elif held.talk_end != held.talk_end:
                _join(crew, agent, 0)
            _appoint(crew, agent, slowdown)
        count[_N_RESUMED] = 0
    recording = rows.shape[0] > 0
    talk_given = arrival_talk.shape[0] > 0
    if rich is not None:
        ages = head_start.shape[0] > 0
        places = patience_behind.shape[1] > 0
        seats = away_law.shape[0] > 0
    n_service = count[_N_SERVICE]
    next_contact = count[_NEXT_CONTACT]
    next_interval = count[_NEXT_INTERVAL]
    next_group = count[_NEXT_GROUP]
    entries = count[_ENTRIES]
    now = next_interval if next_group > 0 else max(next_interval - 1, 0)
    starting = 0
    starting_group = 0
    status = _DONE
    t = 0.0

    t_staff = interval_start[next_interval] if next_interval < intervals else inf
    t_arrival = arrival_time[next_contact] if next_contact < contacts else inf
    t_release = release_time[0] if count[_N_RELEASE] > 0 else inf
    t_transfer = transfer_time[0] if count[_N_TRANSFER] > 0 else inf
    t_patience = patience_time[0] if count[_N_PATIENCE] > 0 else inf

    while True:
        if talks is not None and filling >= 0:
            kind = _FILL
        elif starting > 0:
            kind = _START
        elif talks is not None and offered >= 0:
            kind = _OFFER
        else:
            if callback is not None and recording and first_row + entries + idle.shape[1] + 2 > rows.shape[0]:
                status = _NO_ROW  # room for a call in vain by each agent who may start now, and for an entry
                break
            t = t_release
            kind = _FREE_LINE
            if mail is not None and t_read <= t:
                t = t_read
                kind = _READ
            t_service = service_time[0] if n_service > 0 else inf
            if t_service < t:
                t = t_service
                kind = _FREE_AGENT
            if talks is not None and crew.time[crew.tree[1]] < t:
                t = crew.time[crew.tree[1]]
                kind = _SESSION
            if t_staff < t:
                t = t_staff
                kind = _STAFF
            if rich is not None and t_overflow < t:
                t = t_overflow
                kind = _OVERFLOW
            if rich is not None and t_hold < t:
                t = t_hold
                kind = _HOLD
            if callback is not None and t_aside < t:
                t = t_aside
                kind = _TRY_AGAIN
            if t_transfer < t:
                t = t_transfer
                kind = _TRANSFER
            if t_arrival < t:
                t = t_arrival
                kind = _ARRIVAL
            if again is not None and t_redial < t:
                t = t_redial
                kind = _REDIAL
            if t_patience < t:
                t = t_patience
                kind = _ABANDON
            if rich is not None and t_closing < t:
                t = t_closing
                kind = _CLOSE
            if t >= until:
                break

        slot = -1
        group = -1
        seat = -1
        deadline = inf
        lost = False
        if rich is not None:
            ticket = False
            hold = age = 0.0
            holder_entry = holder_group = holder_queue = holder_interval = -1
        if callback is not None:
            called_back = False
            tries = 0
        if again is not None:
            repeats = 0
        if inquiry is not None:
            inquiry_queue = inquiry_interval = -1
            inquiry_arrived = effort = own_time = 0.0
            responded = resolved = False
        if talks is not None:
            agent = -1
            resumed = False
            stays_away = 0.0
        if talks is not None and kind == _SESSION:
            if count[_N_FREE] == 0:
                status = _NO_SLOT
                break
            agent = crew.tree[1]
            group, s = crew.group[agent], crew.first[agent]
            held = crew.session[s].open
            entry, key, leg, queue, c = held.entry, held.key, held.leg, kernels.place(held.queue), cell[held.interval]
            if held.talk_end != held.talk_end:  # the talk ends
                held.talk_end = t
                after_call = 0.0
                if after_call_law[queue, group] >= 0:
                    word = kernels.bits(key, _AFTER_CALL, leg)
                    after_call = kernels.draw(law, law_scale, law_zero, after_call_law[queue, group], word)
                if crew.level[agent] == 0:
                    _leave(crew, agent)
                if chat[queue]:
                    queue_sums[c, queue, _TALK_SUM] += t - held.answered_at
                if inquiry is not None:
                    if chat[queue]:
                        held.effort += t - held.answered_at
                    held.effort += after_call
                if not held.escalates and held.line >= 0:
                    lines[held.line] -= 1
                    held.line = -1
                if inquiry is not None and not held.escalates:
                    deadline = _settle(
                        law, law_scale, law_zero, resolution, resolution_within, repeat_attempts, repeat_delay,
                        repeat_to, interval_start, open_before, opening, cell, queue_sums, key, leg, queue,
                        held.origin, held.repeats, held.inquiry_queue, held.inquiry_interval, held.inquiry_arrived,
                        held.effort, held.own_time, t,
                    )  # fmt: skip
                    if deadline < 0.0:
                        crew.session[s].resolved = True
                    elif deadline < inf:
                        held.deadline = deadline
                        held.own_time += deadline - t
                if recording:
                    done = rows[crew.row[s]]
                    done.talk_end = t
                    done.resolved = crew.session[s].resolved
                    if held.deadline < inf:
                        done.returns_at = held.deadline
                if held.escalates or held.deadline < inf:
                    count[_N_FREE] -= 1
                    slot = free[count[_N_FREE]]
                    slots[slot] = crew.session[s].open
                    held.line = -1
                    slots[slot].taken_at = slots[slot].answered_at = nan
                    item = entry << _ITEM_BITS | slot
                    if held.escalates:
                        _push(transfer_time, transfer_item, count[_N_TRANSFER], t, item)
                        count[_N_TRANSFER] += 1
                        t_transfer = transfer_time[0]
                    elif again is not None:
                        _push(redial_time, redial_item, count[_N_REDIAL], held.deadline, item)
                        count[_N_REDIAL] += 1
                        t_redial = redial_time[0]
                    slot = -1
                if after_call > 0.0:
                    crew.session[s].finish += after_call
                    _appoint(crew, agent, slowdown)
                    continue
            queue_sums[c, queue, _AFTER_CALL_SUM] += t - held.talk_end
            if recording:
                rows[crew.row[s]].end = t
            _change_sessions(
                crew, agent, crew.session[s].finish, t, now, chat, deferrable, concurrency, slowdown, interval_start,
                cell, next_cell, group_sums, call_start,
            )  # fmt: skip
            crew.open[agent] -= 1
            if crew.open[agent] > 0:
                moved_from = agent * width + crew.open[agent]
                if s != moved_from:
                    crew.session[s] = crew.session[moved_from]
                    crew.row[s] = crew.row[moved_from]
                _join(crew, agent, crew.open[agent])
                _appoint(crew, agent, slowdown)
                filling = group
                continue
            _release(crew, agent, slowdown, count)
            agent = -1
            deadline = inf
            if seats:
                stays_away = _time_away(law, law_scale, law_zero, away_law, away_every, group, key, leg, inf)
        if kind in (_FREE_AGENT, _START) or (talks is not None and kind in (_SESSION, _FILL)):
            if talks is not None and kind == _SESSION:
                pass
            elif talks is not None and kind == _FILL:
                group = filling
                agent = _with_a_place(crew, concurrency, surplus, group)
                if agent < 0:
                    filling = -1
                    continue
            elif kind == _FREE_AGENT:
                group = service_item[0] & _ITEM_MASK
                if rich is not None and seats:
                    seat = group
                    group = seat_group[seat]
            else:
                group = starting_group
                starting -= 1
            leaves = surplus[group] > 0 and (kind == _FREE_AGENT or (talks is not None and kind == _SESSION))
            priority = 0
            oldest = 0.0
            for k in range(serves_start[group], serves_start[group + 1]):
                if slot >= 0 and serves_priority[k] != priority:
                    break
                queue = kernels.place(serves_queue[k])
                if talks is not None and kind == _FILL and not chat[queue]:
                    continue
                if leaves and not (serves_out and serving_out[queue, now]):
                    continue
                head = first[queue]
                while head >= 0 and slots[head].deadline < t:  # has given up, and nobody has looked since
                    _unlink(first, last, before, after, count, queue, head)
                    _give_up(slots, head, cell, within, short, lines, queue_sums, rows, slot_row, free, count)
                    head = first[queue]
                if head < 0 or (rich is not None and leaves and slots[head].ticket):
                    continue
                if rich is not None and overflows and slots[head].arrived - slots[head].age + serves_after[k] > t:
                    continue
                if mail is not None and idle_count[group] < serves_reserve[k] and kind != _FILL:
                    continue
                if rich is not None and ages:
                    entered = slots[head].arrived - slots[head].age - head_start[queue]
                    if slot < 0 or entered < oldest or (entered == oldest and slots[head].entry < slots[slot].entry):
                        slot = head
                        priority = serves_priority[k]
                        oldest = entered
                elif slot < 0 or slots[head].entry < slots[slot].entry:
                    slot = head
                    priority = serves_priority[k]
            if slot < 0:
                if talks is not None and kind == _FILL:
                    filling = -1
                    continue
                if leaves:
                    _settle_overrun(interval_start, cell, surplus, overrun_since, group_sums, now, group, t)
                    surplus[group] -= 1
                    if kind == _FREE_AGENT:
                        _drop_first(service_time, service_item, n_service)
                        n_service -= 1
                        if rich is not None and seats:
                            seat_free[n_service] = seat
                    if talks is not None:
                        filling = group
                    continue
                if talks is not None and stays_away > 0.0:
                    seat = seat_free[n_service]
                    seat_group[seat] = group
                    seat_away[seat] = -1.0
                    back = t + stays_away
                    seat_since[seat] = back
                    _count_passing(interval_start, cell, next_cell, group_sums, _AWAY_SUM, group, now, t, back)
                    _push(service_time, service_item, n_service, back, entry << _ITEM_BITS | seat)
                    n_service += 1
                    continue
                if seat >= 0 and seat_away[seat] > 0.0:
                    back = t + seat_away[seat]
                    seat_away[seat] = -1.0
                    seat_since[seat] = back
                    _count_passing(interval_start, cell, next_cell, group_sums, _AWAY_SUM, group, now, t, back)
                    _replace_first(service_time, service_item, n_service, back, service_item[0])
                    continue
                _start_idling(idle, idle_head, idle_count, group, t)
                if kind == _FREE_AGENT:
                    _drop_first(service_time, service_item, n_service)
                    n_service -= 1
                    if rich is not None and seats:
                        seat_free[n_service] = seat
                continue

        elif kind in (_ARRIVAL, _TRANSFER, _REDIAL):
            if count[_N_FREE] == 0 or (talks is not None and count[_N_FREE] == 1):  # one more for who is interrupted
                status = _NO_SLOT
                break
            if count[_N_PATIENCE] == patience_time.shape[0]:
                status = _NO_PATIENCE
                break
            if rich is not None and count[_N_OVERFLOW] == overflow_time.shape[0]:
                status = _NO_OVERFLOW
                break
            if rich is not None and count[_N_HOLD] == hold_time.shape[0]:
                status = _NO_HOLD
                break
            row = first_row + entries
            if recording and row == rows.shape[0]:
                status = _NO_ROW
                break
            arrived = t
            talk_recorded = nan
            if kind == _ARRIVAL:
                contact = next_contact
                if talk_given:
                    talk_recorded = arrival_talk[contact]
                queue = kernels.place(arrival_queue[contact])
                key = arrival_key[contact]
                account = arrival_account[contact]
                interval = kernels.place(arrival_interval[contact])
                contact += count[_CONTACTS_BEFORE]
                leg = 0
                attempt = 0
                origin = queue
                line = line_pool[queue]
                next_contact += 1
                t_arrival = arrival_time[next_contact] if next_contact < contacts else inf
                if inquiry is not None:
                    inquiry_queue, inquiry_interval, inquiry_arrived = queue, interval, t
                    queue_sums[cell[interval], queue, _INQUIRIES] += 1.0
                    if t + resolution_within[queue] <= interval_start[-1]:
                        queue_sums[cell[interval], queue, _DUE] += 1.0
            elif kind == _TRANSFER:
                if count[_N_ESCALATED] == escalated.shape[0]:
                    status = _NO_ESCALATION
                    break
                slot = transfer_item[0] & _ITEM_MASK
                _drop_first(transfer_time, transfer_item, count[_N_TRANSFER])
                count[_N_TRANSFER] -= 1
                t_transfer = transfer_time[0] if count[_N_TRANSFER] > 0 else inf
                moved = slots[slot]
                contact, key, account, line = moved.contact, moved.key, moved.account, moved.line
                queue = kernels.place(escalation_to[moved.queue])
                queue_sums[cell[moved.interval], moved.queue, _ESCALATED] += 1.0
                interval = kernels.place(now)
                leg = moved.leg + 1
                attempt, origin = moved.attempt, moved.origin
                if again is not None:
                    repeats = moved.repeats
                if inquiry is not None:
                    inquiry_queue, inquiry_interval = moved.inquiry_queue, moved.inquiry_interval
                    inquiry_arrived, responded = moved.inquiry_arrived, moved.responded
                    effort, own_time = moved.effort, moved.own_time
                queue_sums[cell[interval], queue, _TRANSFERRED_IN] += 1.0
                if rich is not None:
                    ticket = moved.ticket
                    holder_entry, holder_group = moved.holder_entry, moved.holder_group
                    holder_queue, holder_interval = moved.holder_queue, moved.holder_interval
                    if holder_entry >= 0:
                        hold = nan
                    if carries_age[moved.queue]:
                        age = t - (moved.arrived - moved.age)
                    if transfer[moved.queue] == _DEFERRED:
                        ticket = True
                        if line >= 0:
                            lines[line] -= 1
                        line = -1
                if account >= 0:
                    _note_escalation(escalated, count, t, account, moved.queue, moved.key)
            elif again is not None and kind == _REDIAL:
                slot = redial_item[0] & _ITEM_MASK
                _drop_first(redial_time, redial_item, count[_N_REDIAL])
                count[_N_REDIAL] -= 1
                t_redial = redial_time[0] if count[_N_REDIAL] > 0 else inf
                back = slots[slot]
                contact, account, queue = back.contact, back.account, kernels.place(back.origin)
                attempt = back.attempt + 1
                key = kernels.bits(back.key, _REDIAL_KEY, attempt)
                interval = kernels.place(now)
                leg = 0
                repeats = back.repeats
                measure = _REDIALS
                if inquiry is not None:
                    inquiry_queue, inquiry_interval = back.inquiry_queue, back.inquiry_interval
                    inquiry_arrived, responded = back.inquiry_arrived, back.responded
                    effort, own_time = back.effort, back.own_time
                    if back.talk_end == back.talk_end:  # no NaN: answered, and not content
                        repeats += 1
                        measure = _REPEATS
                        if repeat_to[back.queue] >= 0:
                            queue = kernels.place(repeat_to[back.queue])
                        if repeats == 1 and _is_timely(
                            resolution_within, inquiry_queue, inquiry_arrived, t, interval_start[-1]
                        ):
                            queue_sums[cell[inquiry_interval], inquiry_queue, _REPEATED_WITHIN] += 1.0
                origin = queue
                line = line_pool[queue]
                queue_sums[cell[interval], queue, measure] += 1.0
            entry = entries
            entries += 1
            queue_sums[cell[interval], queue, _OFFERED] += 1.0
            if recording:
                new = rows[row]
                _record(new, entry, contact, key, account, queue, leg, attempt, interval, t)
                if again is not None:
                    new.repeats = repeats
                if rich is not None:
                    new.hold = hold
            shut = False
            consults = False
            if rich is not None:
                consults = holder_entry >= 0 and transfer[holder_queue] == _CONSULTATION
            if rich is not None and closing.shape[0] > 0 and dropping[queue, now] and not ticket and not consults:
                queue_sums[cell[interval], queue, _DROPPED] += 1.0
                if recording:
                    rows[row].outcome = _IS_DROPPED
                    rows[row].end = t
                shut = lost = True
                if holder_entry >= 0:
                    hold = 0.0
                    if recording:
                        rows[row].hold = hold
                    n_service = _end_hold(
                        law, law_scale, law_zero, after_call_law, away_law, away_every, deferrable,
                        interval_start, cell, next_cell,
                        call_start, first_interval, queue_sums, group_sums, service_time, service_item, n_service,
                        seat_free, seat_group, seat_away, seat_since,
                        holder_entry, holder_group, holder_queue, holder_interval, t, now, hold, key, leg, t,
                    )  # fmt: skip
                    holder_entry = -1
                if kind == _TRANSFER and line >= 0:
                    lines[line] -= 1
                line = -1
            if kind != _TRANSFER and line >= 0:
                if lines[line] >= line_capacity[line]:
                    queue_sums[cell[interval], queue, _BLOCKED] += 1.0
                    if recording:
                        rows[row].outcome = _IS_BLOCKED
                        rows[row].end = t
                    lost = True
                    line = -1
                else:
                    lines[line] += 1
            since = t
            if rich is not None:
                since = t - age
            if not lost and talks is not None:
                group, agent = _find_agent(
                    queue, since, t, not ticket and not deferrable[queue], crew, chat, concurrency, surplus,
                    tries_start, tries_group, tries_level, tries_after, tries_reserve, idle, idle_head, idle_count,
                )  # fmt: skip
            elif not lost:
                group = _idle_group(
                    queue, since, t, tries_start, tries_group, tries_level, tries_after, tries_reserve,
                    idle, idle_head, idle_count,
                )  # fmt: skip
            if (
                rich is not None
                and not lost
                and group < 0
                and not ticket
                and holder_entry < 0
                and kernels.uniform(key, _BALKING, leg) < balking[queue]
            ):
                queue_sums[cell[interval], queue, _BALKED] += 1.0
                if recording:
                    rows[row].outcome = _IS_BALKED
                    rows[row].end = t
                lost = True
                if line >= 0:
                    lines[line] -= 1
                    line = -1
            if lost:
                if again is not None and not shut:
                    deadline = _redials_at(
                        law, law_scale, law_zero, redial_probability, redial_attempts, redial_delay,
                        queue, key, leg, attempt - repeats, t,
                    )  # fmt: skip
                    if recording and deadline < inf:
                        rows[row].returns_at = deadline
                if inquiry is not None:
                    if deadline < inf:
                        own_time += deadline - t
                    else:
                        queue_sums[cell[inquiry_interval], inquiry_queue, _UNRESOLVED] += 1.0
            elif talks is not None and agent >= 0:
                pass  # beside others, or in place of what is left for it
            elif group >= 0:
                _stop_idling(idle, idle_head, idle_count, group)
            elif (
                callback is not None
                and not ticket
                and holder_entry < 0
                and _is_called_back(
                    callback_threshold, callback_handle, callback_acceptance, tries_start, tries_group, present,
                    first, after, queue, key, leg,
                )
            ):  # fmt: skip
                called_back = ticket = True
                queue_sums[cell[interval], queue, _CALLBACKS] += 1.0
                if line >= 0:
                    lines[line] -= 1
                    line = -1
                if recording:
                    rows[row].callback = True
            elif patience_law[queue] >= 0:
                patience_row = patience_law[queue]
                if rich is not None and places:
                    patience_row = _patience_behind(patience_row, queue, patience_behind, count, 0)
                deadline = t + kernels.draw(law, law_scale, law_zero, patience_row, kernels.bits(key, _PATIENCE, leg))
                if rich is not None and (ticket or holder_entry >= 0):
                    deadline = inf

        elif kind == _STAFF:
            if next_group == 0:
                for each in range(groups):
                    _settle_overrun(interval_start, cell, surplus, overrun_since, group_sums, now, each, t)
                now = next_interval
            starting_group = next_group
            planned = staff[next_group, next_interval]
            length = interval_start[next_interval + 1] - interval_start[next_interval]
            group_sums[cell[next_interval], next_group, _STAFFED] += planned * length
            leaving = surplus[next_group]
            starting = _change_staff(planned, next_group, present, surplus, idle, idle_head, idle_count)
            if talks is not None and surplus[next_group] < leaving:
                filling = next_group
            next_group += 1
            if next_group == groups:
                next_group = 0
                next_interval += 1
                t_staff = interval_start[next_interval] if next_interval < intervals else inf
            continue

        elif callback is not None and kind == _TRY_AGAIN:
            if count[_N_OVERFLOW] == overflow_time.shape[0]:
                status = _NO_OVERFLOW
                break
            item = aside_item[0]
            _drop_first(aside_time, aside_item, count[_N_ASIDE])
            count[_N_ASIDE] -= 1
            t_aside = aside_time[0] if count[_N_ASIDE] > 0 else inf
            slot = item & _ITEM_MASK
            held = slots[slot]
            queue, since = kernels.place(held.queue), held.arrived - held.age
            held.deadline = inf
            held.waiting = True
            _put_back(slots, first, last, before, after, count, queue, slot)
            group = _idle_group(  # nobody leaves other work for it
                queue, since, t, tries_start, tries_group, tries_level, tries_after, tries_reserve,
                idle, idle_head, idle_count,
            )  # fmt: skip
            if group < 0:
                t_next = _next_overflow(queue, since, t, overflow_start, overflow_wait) if overflows else inf
                if t_next < inf:
                    _push(overflow_time, overflow_item, count[_N_OVERFLOW], t_next, item)
                    count[_N_OVERFLOW] += 1
                    t_overflow = overflow_time[0]
                continue
            _stop_idling(idle, idle_head, idle_count, group)

        elif talks is not None and kind == _OFFER:
            slot, offered = offered, -1
            queue, since = kernels.place(slots[slot].queue), slots[slot].arrived - slots[slot].age
            group = _idle_group(
                queue, since, t, tries_start, tries_group, tries_level, tries_after, tries_reserve,
                idle, idle_head, idle_count,
            )  # fmt: skip
            if group < 0:
                t_next = _next_overflow(queue, since, t, overflow_start, overflow_wait) if overflows else inf
                if t_next < inf:
                    item = slots[slot].entry << _ITEM_BITS | slot
                    _push(overflow_time, overflow_item, count[_N_OVERFLOW], t_next, item)
                    count[_N_OVERFLOW] += 1
                    t_overflow = overflow_time[0]
                continue
            _stop_idling(idle, idle_head, idle_count, group)

        elif mail is not None and kind == _READ:
            _read_backlog(deferrable, patience_law, cell[next_reading - 1], slots, first, after, count, queue_sums, t)
            next_reading += 1
            t_read = interval_start[next_reading] if next_reading <= intervals else inf
            continue

        elif kind == _FREE_LINE:
            slot = release_item[0] & _ITEM_MASK
            _drop_first(release_time, release_item, count[_N_RELEASE])
            count[_N_RELEASE] -= 1
            t_release = release_time[0] if count[_N_RELEASE] > 0 else inf
            lines[slots[slot].line] -= 1
            if inquiry is not None and slots[slot].deadline < inf:
                slots[slot].line = -1
                item = slots[slot].entry << _ITEM_BITS | slot
                _push(redial_time, redial_item, count[_N_REDIAL], slots[slot].deadline, item)
                count[_N_REDIAL] += 1
                t_redial = redial_time[0]
                continue
            free[count[_N_FREE]] = slot
            count[_N_FREE] += 1
            continue

        elif kind == _ABANDON:
            item = patience_item[0]
            _drop_first(patience_time, patience_item, count[_N_PATIENCE])
            count[_N_PATIENCE] -= 1
            t_patience = patience_time[0] if count[_N_PATIENCE] > 0 else inf
            slot = item & _ITEM_MASK
            if slots[slot].entry == item >> _ITEM_BITS and slots[slot].waiting:
                gone = slots[slot]
                _unlink(first, last, before, after, count, gone.queue, slot)
                _give_up(slots, slot, cell, within, short, lines, queue_sums, rows, slot_row, free, count)
                if again is not None:
                    t_again = _redials_at(
                        law, law_scale, law_zero, redial_probability, redial_attempts, redial_delay,
                        gone.queue, gone.key, gone.leg, gone.attempt - gone.repeats, t,
                    )  # fmt: skip
                    if t_again < inf:
                        count[_N_FREE] -= 1  # the slot just given back is kept after all
                        gone.deadline = t_again
                        gone.line = -1
                        if recording:
                            rows[slot_row[slot]].returns_at = t_again
                        _push(redial_time, redial_item, count[_N_REDIAL], t_again, item)
                        count[_N_REDIAL] += 1
                        t_redial = redial_time[0]
                    if inquiry is not None:
                        if t_again < inf:
                            gone.own_time += t_again - t
                        else:
                            queue_sums[cell[gone.inquiry_interval], gone.inquiry_queue, _UNRESOLVED] += 1.0
            continue

        elif rich is not None and kind == _OVERFLOW:
            if talks is not None and count[_N_FREE] == 0:
                status = _NO_SLOT
                break
            if talks is not None and count[_N_OVERFLOW] == overflow_time.shape[0]:
                status = _NO_OVERFLOW
                break
            item = overflow_item[0]
            slot = item & _ITEM_MASK
            held = slots[slot]
            t_next = inf
            if held.entry == item >> _ITEM_BITS and held.waiting and held.deadline >= t:
                queue = kernels.place(held.queue)
                since = held.arrived - held.age
                if talks is not None:
                    group, agent = _find_agent(
                        queue, since, t, not held.ticket and not deferrable[queue], crew, chat, concurrency, surplus,
                        tries_start, tries_group, tries_level, tries_after, tries_reserve, idle, idle_head, idle_count,
                    )  # fmt: skip
                else:
                    group = _idle_group(
                        queue, since, t, tries_start, tries_group, tries_level, tries_after, tries_reserve,
                        idle, idle_head, idle_count,
                    )  # fmt: skip
                if group < 0:
                    t_next = _next_overflow(queue, since, t, overflow_start, overflow_wait)
            if t_next < inf:
                _replace_first(overflow_time, overflow_item, count[_N_OVERFLOW], t_next, item)
            else:
                _drop_first(overflow_time, overflow_item, count[_N_OVERFLOW])
                count[_N_OVERFLOW] -= 1
            t_overflow = overflow_time[0] if count[_N_OVERFLOW] > 0 else inf
            if group < 0:
                continue
            if talks is None or agent < 0:
                _stop_idling(idle, idle_head, idle_count, group)

        elif rich is not None and kind == _HOLD:
            if count[_N_PATIENCE] == patience_time.shape[0]:
                status = _NO_PATIENCE
                break
            item = hold_item[0]
            _drop_first(hold_time, hold_item, count[_N_HOLD])
            count[_N_HOLD] -= 1
            t_hold = hold_time[0] if count[_N_HOLD] > 0 else inf
            held = slots[item & _ITEM_MASK]
            if held.entry == item >> _ITEM_BITS and held.waiting and held.holder_entry >= 0:
                held.hold = t - held.arrived
                n_service = _end_hold(
                    law, law_scale, law_zero, after_call_law, away_law, away_every, deferrable,
                    interval_start, cell, next_cell,
                    call_start, first_interval, queue_sums, group_sums, service_time, service_item, n_service,
                    seat_free, seat_group, seat_away, seat_since,
                    held.holder_entry, held.holder_group, held.holder_queue, held.holder_interval, held.arrived,
                    held.interval, held.hold, held.key, held.leg, t,
                )  # fmt: skip
                if inquiry is not None:
                    held.effort += held.hold
                if recording:
                    rows[slot_row[item & _ITEM_MASK]].hold = held.hold
                queue = kernels.place(held.queue)
                if transfer[held.holder_queue] == _CONSULTATION:
                    slot = item & _ITEM_MASK
                    _unlink(first, last, before, after, count, queue, slot)
                    held.waiting = False
                    held.talk_end = t
                    queue_sums[cell[held.interval], queue, _WITHDRAWN] += 1.0
                    if held.line >= 0:
                        lines[held.line] -= 1
                    held.line = -1
                    if recording:
                        done = rows[slot_row[slot]]
                        done.outcome = _IS_WITHDRAWN
                        done.talk_end = t
                        done.end = t
                    if inquiry is not None:
                        deadline = _settle(
                            law, law_scale, law_zero, resolution, resolution_within, repeat_attempts, repeat_delay,
                            repeat_to, interval_start, open_before, opening, cell, queue_sums, held.key, held.leg,
                            queue, held.origin, held.repeats, held.inquiry_queue, held.inquiry_interval,
                            held.inquiry_arrived, held.effort, held.own_time, t,
                        )  # fmt: skip
                        if deadline < 0.0:
                            deadline = inf
                            if recording:
                                rows[slot_row[slot]].resolved = True
                        elif deadline < inf:
                            held.own_time += deadline - t
                            if recording:
                                rows[slot_row[slot]].returns_at = deadline
                            _push(redial_time, redial_item, count[_N_REDIAL], deadline, item)
                            count[_N_REDIAL] += 1
                            t_redial = redial_time[0]
                        held.deadline = deadline
                    if held.deadline == inf:
                        free[count[_N_FREE]] = slot
                        count[_N_FREE] += 1
                elif hold_fallback[held.holder_queue] == _DEFERRED:
                    held.ticket = True
                    if held.line >= 0:
                        lines[held.line] -= 1
                    held.line = -1
                elif patience_law[queue] >= 0:
                    word = kernels.bits(held.key, _PATIENCE, held.leg)
                    patience_row = patience_law[queue]
                    if places:
                        # it waits itself
                        patience_row = _patience_behind(patience_row, queue, patience_behind, count, 1)
                    held.deadline = t + kernels.draw(law, law_scale, law_zero, patience_row, word)
                    if abandon_as_event[queue] and held.deadline < inf:
                        _push(patience_time, patience_item, count[_N_PATIENCE], held.deadline, item)
                        count[_N_PATIENCE] += 1
                        t_patience = patience_time[0]
                held.holder_entry = held.holder_group = held.holder_queue = held.holder_interval = -1
            continue

        elif rich is not None:  # closing
            if count[_N_HOLD] + slots.shape[0] > hold_time.shape[0]:
                status = _NO_HOLD
                break
            for queue in range(first.shape[0]):
                following = first[queue] if dropping[queue, next_closing] else -1
                while following >= 0:
                    slot = following
                    following = after[slot]
                    held = slots[slot]
                    if held.ticket or (talks is not None and held.answered_at == held.answered_at):
                        continue
                    if held.holder_entry >= 0 and transfer[held.holder_queue] == _CONSULTATION:
                        _push(hold_time, hold_item, count[_N_HOLD], t, held.entry << _ITEM_BITS | slot)
                        count[_N_HOLD] += 1
                        t_hold = hold_time[0]
                        continue
                    _unlink(first, last, before, after, count, queue, slot)
                    if held.deadline <= t:  # has given up, and nobody has looked since
                        _give_up(slots, slot, cell, within, short, lines, queue_sums, rows, slot_row, free, count)
                        continue
                    if held.holder_entry >= 0:
                        hold = t - held.arrived
                        if recording:
                            rows[slot_row[slot]].hold = hold
                        n_service = _end_hold(
                        law, law_scale, law_zero, after_call_law, away_law, away_every, deferrable,
                        interval_start, cell, next_cell,
                        call_start, first_interval, queue_sums, group_sums, service_time, service_item, n_service,
                        seat_free, seat_group, seat_away, seat_since,
                            held.holder_entry, held.holder_group, held.holder_queue, held.holder_interval, held.arrived,
                            held.interval, hold, held.key, held.leg, t,
                        )  # fmt: skip
                    if inquiry is not None:
                        queue_sums[cell[held.inquiry_interval], held.inquiry_queue, _UNRESOLVED] += 1.0
                    _drop(slots, slot, cell, t, lines, queue_sums, rows, slot_row, free, count)
            next_closing = _next_closing(closing, next_closing + 1)
            t_closing = interval_start[next_closing] if next_closing < closing.shape[0] else inf
            continue

        if talks is not None and agent >= 0 and crew.level[agent] == 0:
            offered = _interrupt(
                crew, agent, t, now, slots, slot_row, free, first, last, before, after, count, cell, set_up,
                queue_sums, chat, deferrable, concurrency, slowdown, interval_start, next_cell, group_sums, call_start,
            )  # fmt: skip
            if inquiry is not None:
                slots[offered].effort += set_up[slots[offered].queue]
            if recording:
                rows[slot_row[offered]].group = -1
            agent = -1
        waited = kind in (_FREE_AGENT, _START, _OVERFLOW, _TRY_AGAIN)
        if talks is not None:
            waited = waited or kind in (_SESSION, _FILL, _OFFER)
        if waited:  # somebody who waited in ``slot`` is answered
            found = slots[slot]
            found.waiting = False
            queue = kernels.place(found.queue)
            _unlink(first, last, before, after, count, queue, slot)
            entry, contact, key, account = found.entry, found.contact, found.key, found.account
            leg, interval, line = found.leg, kernels.place(found.interval), found.line
            attempt, origin = found.attempt, found.origin
            arrived, deadline, talk_recorded = found.arrived, found.deadline, found.talk
            if rich is not None:
                ticket, hold, age = found.ticket, found.hold, found.age
                holder_entry, holder_group = found.holder_entry, found.holder_group
                holder_queue, holder_interval = found.holder_queue, found.holder_interval
            if again is not None:
                repeats = found.repeats
            if inquiry is not None:
                inquiry_queue, inquiry_interval = found.inquiry_queue, found.inquiry_interval
                inquiry_arrived, responded = found.inquiry_arrived, found.responded
                effort, own_time = found.effort, found.own_time
            row = slot_row[slot]
            if talks is not None:
                resumed = found.answered_at == found.answered_at
            if callback is not None:
                called_back, tries = found.callback, found.tries
            if callback is not None and called_back:
                if kernels.uniform(key, _NO_ANSWER_CHANCE, leg + _TRY * tries) < no_answer[queue]:
                    end = t
                    if answer_delay[group] >= 0:
                        word = kernels.bits(key, _ANSWER_DELAY, leg)
                        end += kernels.draw(law, law_scale, law_zero, answer_delay[group], word)
                    if dialling[queue] >= 0:
                        word = kernels.bits(key, _DIALLING, leg + _TRY * tries)
                        end += kernels.draw(law, law_scale, law_zero, dialling[queue], word)
                    place = group
                    if seats:
                        if seat < 0:
                            seat = seat_free[n_service]
                            seat_group[seat] = group
                            seat_since[seat] = t
                        seat_away[seat] = 0.0
                        place = seat
                    if kind == _FREE_AGENT:
                        _replace_first(service_time, service_item, n_service, end, entries << _ITEM_BITS | place)
                    else:
                        _push(service_time, service_item, n_service, end, entries << _ITEM_BITS | place)
                        n_service += 1
                    _count_passing(interval_start, cell, next_cell, group_sums, _BUSY, group, now, t, end)
                    queue_sums[cell[interval], queue, _NO_ANSWER] += 1.0
                    if recording:
                        new = rows[first_row + entries]
                        _record(new, entries, contact, key, account, queue, leg, attempt, interval, arrived)
                        new.repeats = found.repeats
                        new.group = group
                        new.taken_at = t
                        new.end = end
                        new.outcome = _IS_NO_ANSWER
                        new.callback = True
                    entries += 1
                    found.tries = tries + 1
                    if found.tries < callback_attempts[queue]:
                        found.deadline = end
                        if retry_delay[queue] >= 0:
                            word = kernels.bits(key, _RETRY_DELAY, leg + _TRY * tries)
                            found.deadline = end + kernels.draw(law, law_scale, law_zero, retry_delay[queue], word)
                        _push(aside_time, aside_item, count[_N_ASIDE], found.deadline, entry << _ITEM_BITS | slot)
                        count[_N_ASIDE] += 1
                        t_aside = aside_time[0]
                        continue
                    queue_sums[cell[interval], queue, _UNREACHED] += 1.0
                    if inquiry is not None:
                        queue_sums[cell[inquiry_interval], inquiry_queue, _UNRESOLVED] += 1.0
                    if recording:
                        rows[row].outcome = _IS_UNREACHED
                        rows[row].end = end
                    free[count[_N_FREE]] = slot
                    count[_N_FREE] += 1
                    continue
                ticket = False  # on the line from now

        # Here a contact is answered by ``group``, or (group -1) waits or is lost.
        talk_end = nan
        keep = not lost or deadline < inf
        escalates = False
        if talks is not None and group >= 0 and sessions[queue, group]:
            talk = talk_recorded
            if talk != talk:  # NaN: none is recorded
                talk = kernels.draw(law, law_scale, law_zero, talk_law[queue, group], kernels.bits(key, _TALK, leg))
            if kind == _FREE_AGENT:
                _drop_first(service_time, service_item, n_service)
                n_service -= 1
                if seats:
                    seat_free[n_service] = seat
            if agent >= 0:
                _change_sessions(
                    crew, agent, nan, t, now, chat, deferrable, concurrency, slowdown, interval_start, cell, next_cell,
                    group_sums, call_start,
                )  # fmt: skip
            else:
                count[_N_PLACES] -= 1
                agent = crew.free[count[_N_PLACES]]
                crew.group[agent], crew.since[agent], crew.interval[agent] = group, t, now
                crew.work[agent] = 0.0
            if resumed:
                answered_at, taken_at, escalates = found.answered_at, found.taken_at, found.escalates
            else:
                c = cell[interval]
                if not chat[queue]:
                    queue_sums[c, queue, _TALK_SUM] += talk
                    if inquiry is not None:
                        effort += talk
                answered_at, taken_at = t, t
                delay = 0.0
                if answer_delay[group] >= 0:
                    word = kernels.bits(key, _ANSWER_DELAY, leg)
                    delay = kernels.draw(law, law_scale, law_zero, answer_delay[group], word)
                talk = delay + talk
                answered_at = t + delay
                deadline = inf
                if escalation_to[queue] >= 0:
                    escalates = kernels.uniform(key, _ESCALATION, leg) < escalation_probability[queue]
                wait = answered_at - arrived
                if business_time[queue]:
                    wait = kernels.open_time(interval_start, open_before, opening, queue, answered_at)
                    wait -= kernels.open_time(interval_start, open_before, opening, queue, arrived)
                _count_answer(queue_sums, c, queue, wait, within)
                if overflows and after_wait[queue, group] > 0.0:
                    queue_sums[c, queue, _OVERFLOWED] += 1.0
                if inquiry is not None and not responded:
                    c = cell[inquiry_interval]
                    queue_sums[c, inquiry_queue, _RESPONDED] += 1.0
                    queue_sums[c, inquiry_queue, _FIRST_RESPONSE] += answered_at - inquiry_arrived
                    responded = True
            s = agent * width + crew.open[agent]
            new_one = crew.session[s]
            new_one.finish = crew.work[agent] + talk
            new_one.resolved = False
            held = new_one.open
            held.entry, held.contact, held.key, held.account = entry, contact, key, account
            held.queue, held.leg, held.attempt, held.origin = queue, leg, attempt, origin
            held.interval, held.line, held.arrived, held.deadline = interval, line, arrived, inf
            held.talk, held.talk_end, held.waiting, held.escalates = talk_recorded, nan, False, escalates
            held.ticket, held.hold = ticket, hold
            held.holder_entry = held.holder_group = held.holder_queue = held.holder_interval = -1
            held.taken_at, held.answered_at, held.age = taken_at, answered_at, age
            held.callback, held.tries, held.repeats = False, 0, 0
            held.inquiry_queue = held.inquiry_interval = 0
            held.inquiry_arrived = held.effort = held.own_time = 0.0
            held.responded = False
            if again is not None:
                held.repeats = repeats
            if inquiry is not None:
                held.inquiry_queue, held.inquiry_interval = inquiry_queue, inquiry_interval
                held.inquiry_arrived, held.responded = inquiry_arrived, responded
                held.effort, held.own_time = effort, own_time
            crew.row[s] = row
            crew.open[agent] += 1
            _join(crew, agent, crew.open[agent] if chat[queue] else 0)
            _appoint(crew, agent, slowdown)
            if recording:
                done = rows[row]
                done.outcome = _IS_ANSWERED
                done.group = group
                done.taken_at = taken_at
                done.answered_at = answered_at
                done.escalated = escalates
            filling = group
            keep = False
        elif group >= 0:
            talk = talk_recorded
            if talk != talk:  # NaN: none is recorded
                word = kernels.bits(key, _TALK, leg)
                talk = kernels.draw(law, law_scale, law_zero, talk_law[queue, group], word)
            after_call = 0.0
            if after_call_law[queue, group] >= 0:
                word = kernels.bits(key, _AFTER_CALL, leg)
                after_call = kernels.draw(law, law_scale, law_zero, after_call_law[queue, group], word)
            answered_at = t
            if rich is not None and answer_delay[group] >= 0:
                word = kernels.bits(key, _ANSWER_DELAY, leg)
                answered_at = t + kernels.draw(law, law_scale, law_zero, answer_delay[group], word)
            if callback is not None and called_back and dialling[queue] >= 0:
                word = kernels.bits(key, _DIALLING, leg + _TRY * tries)
                answered_at += kernels.draw(law, law_scale, law_zero, dialling[queue], word)
            talk_end = answered_at + talk
            end = talk_end + after_call
            deadline = inf
            if escalation_to[queue] >= 0:
                escalates = kernels.uniform(key, _ESCALATION, leg) < escalation_probability[queue]
            busy_until = end
            warm = False
            consults = False
            if rich is not None:
                if holder_entry >= 0 and transfer[holder_queue] == _CONSULTATION:
                    consults = True
                    escalates = False
                warm = escalates and (transfer[queue] == _WARM or transfer[queue] == _CONSULTATION) and not ticket
            place = group
            if rich is not None and seats and not warm:
                if seat < 0:
                    seat = seat_free[n_service]
                    seat_group[seat] = group
                    seat_since[seat] = t
                seat_away[seat] = _time_away(
                    law, law_scale, law_zero, away_law, away_every, group, key, leg, end - seat_since[seat]
                )
                place = seat
            item = entry << _ITEM_BITS | place
            if warm:  # the agent will hold with the caller, nobody knows until when
                busy_until = talk_end
                if kind == _FREE_AGENT:
                    _drop_first(service_time, service_item, n_service)
                    n_service -= 1
                    if rich is not None and seats:
                        seat_free[n_service] = seat
            elif kind == _FREE_AGENT:
                _replace_first(service_time, service_item, n_service, end, item)
            else:
                _push(service_time, service_item, n_service, end, item)
                n_service += 1
            wait = answered_at - arrived
            if mail is not None and business_time[queue]:
                wait = kernels.open_time(interval_start, open_before, opening, queue, answered_at)
                wait -= kernels.open_time(interval_start, open_before, opening, queue, arrived)
            c = cell[interval]
            if callback is not None and called_back:
                queue_sums[c, queue, _CALLED_BACK] += 1.0
                queue_sums[c, queue, _CALLBACK_WAIT] += wait
            else:
                _count_answer(queue_sums, c, queue, wait, within)
            if rich is not None and overflows and after_wait[queue, group] > 0.0:
                queue_sums[c, queue, _OVERFLOWED] += 1.0
            queue_sums[c, queue, _TALK_SUM] += talk
            queue_sums[c, queue, _AFTER_CALL_SUM] += after_call
            _count_passing(interval_start, cell, next_cell, group_sums, _BUSY, group, now, t, busy_until)
            if mail is not None and deferrable[queue]:
                _count_passing(interval_start, cell, next_cell, group_sums, _DEFERRABLE, group, now, t, busy_until)
            if rich is not None and holder_entry >= 0:
                stays = answered_at
                if conference[holder_queue] >= 0:
                    word = kernels.bits(key, _CONFERENCE, leg)
                    stays = answered_at + kernels.draw(law, law_scale, law_zero, conference[holder_queue], word)
                stays = talk_end if consults else min(stays, talk_end)
                hold = stays - arrived
                n_service = _end_hold(
                    law, law_scale, law_zero, after_call_law, away_law, away_every, deferrable,
                    interval_start, cell, next_cell,
                    call_start, first_interval, queue_sums, group_sums, service_time, service_item, n_service,
                    seat_free, seat_group, seat_away, seat_since,
                    holder_entry, holder_group, holder_queue, holder_interval, arrived, interval, hold, key, leg, stays,
                )  # fmt: skip
                if inquiry is not None:
                    effort += hold
                if recording:
                    rows[row].hold = hold
                holder_entry = holder_group = holder_queue = holder_interval = -1
            if inquiry is not None:
                effort += talk
                effort += after_call
                c = cell[inquiry_interval]
                if not responded:
                    queue_sums[c, inquiry_queue, _RESPONDED] += 1.0
                    queue_sums[c, inquiry_queue, _FIRST_RESPONSE] += answered_at - inquiry_arrived
                    responded = True
                if escalates:
                    pass
                else:
                    deadline = _settle(
                        law, law_scale, law_zero, resolution, resolution_within, repeat_attempts, repeat_delay,
                        repeat_to, interval_start, open_before, opening, cell, queue_sums, key, leg, queue, origin,
                        repeats, inquiry_queue, inquiry_interval, inquiry_arrived, effort, own_time, talk_end,
                    )  # fmt: skip
                    if deadline < 0.0:
                        resolved = True
                        deadline = inf
                    elif deadline < inf:
                        own_time += deadline - talk_end
            if rich is not None and warm:
                holder_entry, holder_group, holder_queue, holder_interval = entry, group, queue, interval
            if recording:
                done = rows[row]
                done.outcome = _IS_ANSWERED
                done.group = group
                done.taken_at = t
                done.answered_at = answered_at
                done.talk_end = talk_end
                done.end = end
                done.escalated = escalates
                if inquiry is not None:
                    done.resolved = resolved
                    if deadline < inf:
                        done.returns_at = deadline
            keep = escalates or line >= 0 or deadline < inf

        if keep:
            if slot < 0:
                count[_N_FREE] -= 1
                slot = free[count[_N_FREE]]
            kept = slots[slot]
            kept.entry = entry
            kept.contact = contact
            kept.key = key
            kept.account = account
            kept.queue = queue
            kept.leg = leg
            kept.attempt = attempt
            kept.origin = origin
            kept.interval = interval
            kept.line = line
            kept.arrived = arrived
            kept.deadline = deadline
            kept.talk = talk_recorded
            kept.talk_end = talk_end
            kept.waiting = group < 0 and not lost
            kept.escalates = escalates
            if rich is not None:
                kept.ticket = ticket
                kept.hold = hold
                kept.age = age
                kept.holder_entry = holder_entry
                kept.holder_group = holder_group
                kept.holder_queue = holder_queue
                kept.holder_interval = holder_interval
            if talks is not None:
                kept.taken_at = kept.answered_at = nan
            if callback is not None:
                kept.callback = called_back
                kept.tries = tries
            if again is not None:
                kept.repeats = repeats
            if inquiry is not None:
                kept.inquiry_queue = inquiry_queue
                kept.inquiry_interval = inquiry_interval
                kept.inquiry_arrived = inquiry_arrived
                kept.effort = effort
                kept.own_time = own_time
                kept.responded = responded
            item = entry << _ITEM_BITS | slot
            if lost or (group >= 0 and line < 0 and not escalates):
                if again is not None:
                    _push(redial_time, redial_item, count[_N_REDIAL], deadline, item)
                    count[_N_REDIAL] += 1
                    t_redial = redial_time[0]
            elif group < 0:
                slot_row[slot] = row
                if rich is not None and age > 0.0:
                    _put_back(slots, first, last, before, after, count, queue, slot)
                else:
                    count[_COUNTS + queue] += 1
                    tail = last[queue]
                    before[slot] = tail
                    after[slot] = -1
                    if tail >= 0:
                        after[tail] = slot
                    else:
                        first[queue] = slot
                    last[queue] = slot
                if abandon_as_event[queue] and deadline < inf:
                    _push(patience_time, patience_item, count[_N_PATIENCE], deadline, item)
                    count[_N_PATIENCE] += 1
                    t_patience = patience_time[0]
                if rich is not None and holder_entry >= 0:
                    limit = arrived + hold_limit[holder_queue]
                    if consults and closing.shape[0] > 0 and dropping[queue, now]:
                        limit = t
                    if limit < inf:
                        _push(hold_time, hold_item, count[_N_HOLD], limit, item)
                        count[_N_HOLD] += 1
                        t_hold = hold_time[0]
                if rich is not None:
                    t_next = (
                        _next_overflow(queue, arrived - age, t, overflow_start, overflow_wait) if overflows else inf
                    )
                    if t_next < inf:
                        _push(overflow_time, overflow_item, count[_N_OVERFLOW], t_next, item)
                        count[_N_OVERFLOW] += 1
                        t_overflow = overflow_time[0]
            elif escalates:
                _push(transfer_time, transfer_item, count[_N_TRANSFER], talk_end, item)
                count[_N_TRANSFER] += 1
                t_transfer = transfer_time[0]
            else:
                _push(release_time, release_item, count[_N_RELEASE], talk_end, item)
                count[_N_RELEASE] += 1
                t_release = release_time[0]
        elif slot >= 0:
            free[count[_N_FREE]] = slot
            count[_N_FREE] += 1

    count[_N_SERVICE] = n_service
    count[_NEXT_CONTACT] = next_contact
    count[_NEXT_INTERVAL] = next_interval
    count[_NEXT_GROUP] = next_group
    count[_ENTRIES] = entries
    if rich is not None:
        count[_NEXT_CLOSING] = next_closing
    if mail is not None:
        if status == _DONE and next_reading <= intervals and t_read == until:
            _read_backlog(
                deferrable, patience_law, cell[next_reading - 1], slots, first, after, count, queue_sums, until
            )
            next_reading += 1
        count[_NEXT_READING] = next_reading
    if status == _DONE:
        for queue in range(first.shape[0]):  # those who have given up and whom no freed agent has looked at since
            slot = first[queue]
            while slot >= 0:
                following = after[slot]
                if rich is not None and slots[slot].holder_entry >= 0:
                    since = max(slots[slot].arrived, call_start)
                    begun = max(slots[slot].interval, first_interval)
                    group = slots[slot].holder_group
                    _count_passing(interval_start, cell, next_cell, group_sums, _BUSY, group, begun, since, until)
                    if deferrable[slots[slot].holder_queue]:
                        _count_passing(
                            interval_start, cell, next_cell, group_sums, _DEFERRABLE, group, begun, since, until
                        )
                if slots[slot].deadline < until:
                    _unlink(first, last, before, after, count, queue, slot)
                    _give_up(slots, slot, cell, within, short, lines, queue_sums, rows, slot_row, free, count)
                slot = following
        for each in range(groups):
            _settle_overrun(interval_start, cell, surplus, overrun_since, group_sums, now, each, until)
        if talks is not None:
            for agent in range(crew.open.shape[0]):
                if crew.open[agent] > 0:
                    _count_sessions(
                        crew, agent, until, chat, deferrable, concurrency, interval_start, cell, next_cell, group_sums,
                        call_start,
                    )  # fmt: skip
    return status


# --- around the kernel ------------------------------------------------------------------------------------------------


def run(
    tables: SupportTables,
    clock: Clock,
    contacts: Contacts,
    staff: NDArray[np.int64],
    state: SupportState | None,
    until: float,
    *,
    sums: Sums,
    records: bool = False,
    every_abandonment_an_event: bool = False,
    every_rule: bool = False,
) -> tuple[SupportOutcome, SupportState]:
    """Run the support wing from ``state.time`` to ``until``: :func:`simulator.support.reference.run`, compiled.

    Args:
        every_abandonment_an_event: make abandonments events also where nothing depends on their instant. Slower, with
            the same outcomes.
        every_rule: use the kernel with every rule also where the model needs few of the rarer ones or none (but what
            counts inquiries only where they are followed). Slower, with the same outcomes.
    """
    from simulator.support import plain  # takes its helpers from here

    state = SupportState.empty(tables, clock) if state is None else state
    check_run(tables, clock, contacts, staff, state, until, sums)
    given = Input(
        _plain(contacts.time, np.float64),
        _plain(contacts.interval, np.int64),
        _plain(contacts.queue, np.int64),
        _plain(contacts.key, np.uint64),
        _plain(contacts.account, np.int64),
        _plain(contacts.talk, np.float64),
        _plain(clock.interval_start, np.float64),
        _plain(clock.cell, np.int64),
        clock.next_cell,
        open_before(tables, clock),
        _plain(staff, np.int64),
    )
    model = _model(tables, every_abandonment_an_event)
    rules = (True, True, tables.inquiries or None, True, True, True) if every_rule else _rules(tables)
    agents = state.staff + state.surplus
    present = staff[:, state.interval : int(clock.interval_start.searchsorted(until))]
    if present.size:
        agents = np.maximum(agents, present.max(axis=1))
    carried = len(state.waiting) + len(state.aside) + len(state.sessions)
    rows = carried + len(contacts) + len(contacts) // 4 + 64 if records else 0
    load = functools.partial(
        _load, tables, model, state, agents, rows, _SLOTS + len(contacts) // 16, clock.interval_start
    )
    first_row = carried - state.entries
    work = None
    if plain.suits(tables) and not (every_rule or every_abandonment_an_event):
        work = plain.advance(tables, model, given, load(), state, sums, first_row, float(until))
    if work is None:
        work = load()
        while (
            status := _advance(model, given, work, sums.queue, sums.group, first_row, float(until), *rules)
        ) != _DONE:
            work = _enlarge(work, status)
    after = _dump(work, model.away.size > 0, state, len(contacts), until)
    escalated = work.escalated[: work.counter[_N_ESCALATED]].copy()
    table = mark_in_service(work.row[: carried + after.entries - state.entries], until) if records else None
    unanswered = after.waiting["queue"][np.isnan(after.waiting["answered_at"])]
    waiting = np.bincount(np.append(unanswered, after.aside["queue"]), minlength=tables.queues)
    return SupportOutcome(waiting, escalated, table), after


def _plain(array: NDArray[Any], kind: type) -> NDArray[Any]:
    """The array as the kernel was compiled for: of this type, contiguous and writable (copied only when it is not)."""
    if array.dtype == kind and array.flags.carray:
        return array
    return np.require(array, kind, ["C", "W", "A"])


@functools.lru_cache(maxsize=64)
def _rules(tables: SupportTables) -> tuple[bool | None, ...]:
    """Which of the rarer rules a model uses, True or None each.

    ``rich``: overflow after a wait, balking, answer delay, transfers that are not cold or carry the age over, dropping,
    head starts, time away, patience by place. ``again``: customers who come back. ``inquiry``: inquiries are
    followed. ``mail``:
    deferrable work, agents kept in reserve, waits in open time. ``callback``: callbacks, which need ``rich``.
    ``talks``: sessions (chats beside others, work that may be interrupted), which need ``rich`` and ``mail``.
    """
    transfers = (tables.transfer > 0) & (tables.escalation_to >= 0)
    rare = (
        tables.after,
        tables.balking,
        tables.answer_delay >= 0,
        transfers,
        _carries_age(tables),
        tables.dropping,
        tables.head_start,
        tables.away >= 0,
        tables.patience_behind >= 0,
    )
    callback, talks = bool(tables.callbacks.any()), bool(tables.sessions.any())
    rich = callback or talks or any(bool(array.any()) for array in rare)
    again = tables.inquiries or bool(tables.redials.any())
    mail = talks or any(bool(array.any()) for array in (tables.deferrable, tables.business_time, tables.reserve))
    return rich or None, again or None, tables.inquiries or None, mail or None, callback or None, talks or None


def _carries_age(tables: SupportTables) -> NDArray[np.bool_]:
    """The queues whose escalations bring their age along."""
    return tables.carries_age & (tables.escalation_to >= 0)


@functools.lru_cache(maxsize=64)
def _model(tables: SupportTables, every_abandonment_an_event: bool) -> Model:
    laws = tables.laws
    ages = bool(np.any(tables.head_start != 0) or _carries_age(tables).any())
    by_place = bool(np.any(tables.patience_behind >= 0))
    return Model(
        _plain(laws.tables, np.float64),
        _plain(laws.scale, np.float64),
        _plain(laws.zero, np.float64),
        _plain(tables.patience, np.int64),
        _plain(tables.talk, np.int64),
        _plain(tables.after_call, np.int64),
        _plain(tables.escalation_to, np.int64),
        _plain(tables.escalation_probability, np.float64),
        _plain(tables.line_pool, np.int64),
        _plain(tables.line_capacity, np.int64),
        _plain(tables.answer_within, np.float64),
        _plain(tables.short_abandon, np.float64),
        tables.may_hold_line
        | tables.redials
        | tables.inquiries
        | tables.callbacks
        | every_abandonment_an_event
        | by_place,
        _plain(tables.balking, np.float64),
        _plain(tables.redial_probability, np.float64),
        _plain(tables.redial_attempts, np.int64),
        _plain(tables.redial_delay, np.int64),
        _plain(tables.answer_delay, np.int64),
        _plain(tables.transfer, np.int64),
        _plain(tables.hold_limit, np.float64),
        _plain(tables.hold_fallback, np.int64),
        _plain(tables.conference, np.int64),
        _plain(tables.carries_age, np.bool_),
        _plain(tables.dropping, np.bool_),
        _plain(tables.serving_out, np.bool_),
        np.asarray(tables.dropping.any(axis=0)),
        *_overflow_rows(tables),
        *_flat(tables.tries),
        np.array([tables.after[q, g] for q, row in enumerate(tables.tries) for g, _ in row]),
        *_flat(tables.serves),
        np.array([tables.after[q, g] for g, row in enumerate(tables.serves) for q, _ in row]),
        _plain(tables.after, np.float64),
        _plain(tables.head_start if ages else np.zeros(0), np.float64),
        _plain(tables.away if np.any(tables.away >= 0) else np.zeros(0), np.int64),
        _plain(tables.resolution, np.float64),
        _plain(tables.repeat_attempts, np.int64),
        _plain(tables.repeat_delay, np.int64),
        _plain(tables.repeat_to, np.int64),
        _plain(tables.resolution_within, np.float64),
        _plain(tables.opening, np.bool_),
        _plain(tables.deferrable, np.bool_),
        _plain(tables.business_time, np.bool_),
        np.array([tables.reserve[q, g] for q, row in enumerate(tables.tries) for g, _ in row]),
        np.array([tables.reserve[q, g] for g, row in enumerate(tables.serves) for q, _ in row]),
        _plain(tables.callback_threshold, np.float64),
        _plain(tables.callback_handle, np.float64),
        _plain(tables.callback_acceptance, np.float64),
        _plain(tables.callback_attempts, np.int64),
        _plain(tables.dialling, np.int64),
        _plain(tables.no_answer, np.float64),
        _plain(tables.retry_delay, np.int64),
        _plain(tables.chat, np.bool_),
        _plain(tables.sessions, np.bool_),
        _plain(tables.concurrency, np.int64),
        _plain(tables.slowdown, np.float64),
        _plain(tables.interruptible, np.bool_),
        _plain(tables.set_up, np.float64),
        _plain(tables.away_every, np.float64),
        _plain(tables.patience_behind if by_place else np.zeros((tables.queues, 0)), np.int64),
    )


def _overflow_rows(tables: SupportTables) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The overflow times of each queue laid end to end, each row with infinity at its end."""
    rows = [[*row, inf] for row in tables.overflow_times]
    return np.cumsum([0, *(len(row) for row in rows)], dtype=np.int64), np.array([x for row in rows for x in row])


def _flat(
    rows: tuple[tuple[tuple[int, int], ...], ...],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Ragged rows of pairs laid end to end: where each row starts, the first and the second members."""
    pairs = np.array([pair for row in rows for pair in row], dtype=np.int64).reshape(-1, 2)
    start = np.cumsum([0, *(len(row) for row in rows)], dtype=np.int64)
    return start, pairs[:, 0].copy(), pairs[:, 1].copy()


_SLOTS = 256
_HOLDER = ("holder_entry", "holder_group", "holder_queue", "holder_interval")


def _load(
    tables: SupportTables,
    model: Model,
    state: SupportState,
    agents: NDArray[np.int64],
    rows: int,
    escalations: int,
    interval_start: NDArray[np.float64],
) -> Work:
    """The working store of a call that takes up ``state``; ``agents`` is the most that a group may have, ``rows`` and
    ``escalations`` are the room to begin with."""
    waiting = len(state.waiting)
    unanswered = waiting + len(state.aside)
    answered = unanswered + len(state.talking)
    used = answered + len(state.returning)
    size = used + max(_SLOTS, used)
    slot = np.zeros(size, dtype=OPEN)
    _mark_unused(slot)
    slot[:waiting] = state.waiting
    slot[waiting:unanswered] = state.aside
    slot[unanswered:answered] = state.talking
    slot[answered:used] = state.returning
    first, last = np.full(tables.queues, -1), np.full(tables.queues, -1)
    before, after = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.int64)
    count = np.zeros(_COUNTS + tables.queues, dtype=np.int64)  # at the end those who wait, by queue
    places = int(agents.sum()) + 1
    timed = state.service_end < inf  # the others hold with a caller, who leads to them
    busy, seats = np.count_nonzero(timed), np.arange(places)
    seat_group, seat_away, seat_since = np.zeros(places, dtype=np.int64), np.zeros(places), np.zeros(places)
    seat_group[:busy], seat_away[:busy] = state.service_group[timed], state.service_away[timed]
    seat_since[:busy] = state.service_since[timed]
    member = seats[:busy] if model.away.size else state.service_group[timed]
    service = _heap(state.service_end[timed], state.service_entry[timed], member, places)
    heaps = [(np.empty(size), np.empty(size, dtype=np.int64)) for _ in range(7)]
    slot_row = np.arange(size)
    if used:
        slot_row[:unanswered] = _carried_rows(state)[:unanswered]
        for queue in np.unique(state.waiting["queue"]):
            mine = np.flatnonzero(state.waiting["queue"] == queue)
            mine = mine[np.argsort((state.waiting["arrived"] - state.waiting["age"])[mine], kind="stable")]
            first[queue], last[queue] = mine[0], mine[-1]
            count[_COUNTS + queue] = mine.size
            after[mine], before[mine] = np.append(mine[1:], -1), np.insert(mine[:-1], 0, -1)
        taken = slot[:used]
        waits, escalates = taken["waiting"], taken["escalates"]
        events = waits & model.abandon_as_event[taken["queue"]] & (taken["deadline"] < inf)
        redials = np.arange(used) >= answered
        aside = (np.arange(used) >= waiting) & (np.arange(used) < unanswered)
        sources = (
            (_N_RELEASE, "talk_end", ~waits & ~escalates & ~redials & ~aside),
            (_N_TRANSFER, "talk_end", escalates & ~waits),
            (_N_PATIENCE, "deadline", events),
            (_N_REDIAL, "deadline", redials),
            (_N_ASIDE, "deadline", aside),
        )
        for i, (counter, time, chosen) in enumerate(sources):
            heaps[i] = _heap_of(taken, time, chosen, size)
            count[counter] = np.count_nonzero(chosen)
        heaps[5], count[_N_OVERFLOW] = _overflows(tables, state, size)
        heaps[6], count[_N_HOLD] = _holds(tables, state, size)
    idle = np.zeros((tables.groups, 1 << int(agents.max(initial=1)).bit_length()))
    idle_count = np.bincount(state.idle_group, minlength=tables.groups)
    for group in np.flatnonzero(idle_count):
        idle[group, : idle_count[group]] = state.idle_since[state.idle_group == group]
    free = np.empty(size, dtype=np.int64)
    free[: size - used] = np.arange(size - 1, used - 1, -1)
    count[_N_SERVICE] = np.count_nonzero(timed)
    count[_N_FREE] = size - used
    count[_NEXT_INTERVAL] = state.interval
    count[_NEXT_CLOSING] = state.interval
    count[_FIRST_INTERVAL] = max(state.interval - 1, 0)
    count[_NEXT_READING] = interval_start.searchsorted(state.time, side="right")
    count[_ENTRIES] = state.entries
    count[_CONTACTS_BEFORE] = state.contacts
    return Work(
        count,
        *service,
        seat_group,
        seat_away,
        seat_since,
        seats,
        *heaps[0],
        *heaps[1],
        *heaps[2],
        *heaps[5],
        *heaps[3],
        *heaps[6],
        *heaps[4],
        slot,
        slot_row,
        after,
        before,
        free,
        first,
        last,
        idle,
        np.zeros(tables.groups, dtype=np.int64),
        idle_count,
        state.staff.copy(),
        state.surplus.copy(),
        state.lines.copy(),
        np.full(tables.groups, state.time),
        np.array([state.time]),
        _rows(state, rows),
        np.zeros(escalations, dtype=ESCALATED),
        _agents(tables, state, count, places if tables.sessions.any() else 0),
    )


def _agents(tables: SupportTables, state: SupportState, count: NDArray[np.int64], places: int) -> Agents:
    """The agents with sessions as an earlier call left them; room for as many as there are agents."""
    room = 1 << max(places - 1, 0).bit_length()
    width = int(tables.concurrency.max(initial=1))
    whole = [np.zeros(room, dtype=np.int64) for _ in range(8)]
    group, is_open, level, interval, first, entry, following, before = whole
    since, work, time = np.zeros(room), np.zeros(room), np.full(room, inf)
    free = np.arange(room)[::-1].copy()
    lists = (tables.groups, width + 1)
    tree = np.arange(2 * room) - room
    for i in range(room - 1, 0, -1):
        tree[i] = tree[2 * i]
    crew = Agents(
        group, is_open, level, since, work, interval, time, first, entry, following, before, free,
        np.full(lists, -1), np.full(lists, -1), np.zeros(lists, dtype=np.int64),
        tree,
        np.zeros(room * width, dtype=_OPEN_PART), np.zeros(room * width, dtype=np.int64),
    )  # fmt: skip
    n = len(state.agent_group)
    level[:] = -1
    count[_N_PLACES], count[_N_RESUMED] = room - n, n
    group[:n], since[:n], work[:n] = state.agent_group, state.agent_since, state.agent_work
    interval[:n] = max(state.interval - 1, 0)
    rows = _carried_rows(state)[len(state.waiting) + len(state.aside) :]
    sessions = crew.session.view(SESSION)
    for row, session in zip(rows, state.sessions, strict=True):
        agent = session["agent"]
        place = agent * width + is_open[agent]
        sessions[place] = session
        crew.row[place] = row
        is_open[agent] += 1
    return crew


def _carried_rows(state: SupportState) -> NDArray[np.int64]:
    """The rows in the record table of those who waited, wait for another try, or were sessions when the call began."""
    entries = np.concatenate([state.waiting["entry"], state.aside["entry"], state.sessions["entry"]])
    return np.argsort(np.argsort(entries))


def _rows(state: SupportState, rows: int) -> NDArray[Any]:
    """The record table, with the rows of those who were waiting when the call began."""
    table = np.zeros(rows, dtype=RECORD)
    if rows:
        sessions = np.zeros(len(state.sessions), dtype=OPEN)
        for name in OPEN.names or ():
            sessions[name] = state.sessions[name]
        everybody = np.concatenate([state.waiting, state.aside, sessions])
        open_rows = _by_entry(everybody)
        carried = table[: len(open_rows)]
        same = (
            "entry",
            "contact",
            "key",
            "account",
            "queue",
            "leg",
            "attempt",
            "repeats",
            "interval",
            "arrived",
            "hold",
            "callback",
        )
        for name in same:
            carried[name] = open_rows[name]
        carried["group"] = -1
        for name in ("talk_end", "end", "returns_at"):
            carried[name] = nan
        carried["escalated"], carried["taken_at"] = open_rows["escalates"], open_rows["taken_at"]
        carried["answered_at"] = open_rows["answered_at"]
        carried["outcome"] = np.where(np.isnan(open_rows["answered_at"]), Outcome.WAITING, Outcome.ANSWERED)
        place = _carried_rows(state)[len(state.waiting) + len(state.aside) :]
        carried["group"][place] = state.agent_group[state.sessions["agent"]]
        carried["talk_end"][place], carried["resolved"][place] = state.sessions["talk_end"], state.sessions["resolved"]
        returns = state.sessions["deadline"]
        carried["returns_at"][place] = np.where(returns < inf, returns, nan)
    return table


_Heap = tuple[NDArray[np.float64], NDArray[np.int64]]


def _heap_of(rows: NDArray[Any], time: str, chosen: NDArray[np.bool_], room: int) -> _Heap:
    """The heap of the chosen slots by one of their times."""
    slot = np.flatnonzero(chosen)
    slot = slot[np.lexsort((rows["entry"][slot], rows[time][slot]))]
    return _heap(rows[time][slot], rows["entry"][slot], slot, room)


def _overflows(tables: SupportTables, state: SupportState, room: int) -> tuple[_Heap, int]:
    """The heap of the next overflow time of each contact that waits when the call begins, and their number."""
    times = np.full(len(state.waiting), inf)
    for i, row in enumerate(state.waiting):
        coming = (row["arrived"] - row["age"] + wait for wait in tables.overflow_times[row["queue"]])
        times[i] = min((t for t in coming if t >= state.time), default=inf)
    slot = np.flatnonzero(times < inf)
    slot = slot[np.lexsort((state.waiting["entry"][slot], times[slot]))]
    return _heap(times[slot], state.waiting["entry"][slot], slot, room), len(slot)


def _holds(tables: SupportTables, state: SupportState, room: int) -> tuple[_Heap, int]:
    """The heap of the hold limits of the contacts with whom an agent holds when the call begins, and their number."""
    waiting = state.waiting
    limit = np.where(waiting["holder_entry"] >= 0, tables.hold_limit[waiting["holder_queue"]], inf)
    times = waiting["arrived"] + limit
    slot = np.flatnonzero(times < inf)
    slot = slot[np.lexsort((waiting["entry"][slot], times[slot]))]
    return _heap(times[slot], waiting["entry"][slot], slot, room), len(slot)


def _heap(time: NDArray[np.float64], entry: NDArray[np.int64], member: NDArray[np.int64], room: int) -> _Heap:
    """The heap of events that are sorted already: a sorted array is a heap."""
    times, items = np.empty(room), np.empty(room, dtype=np.int64)
    times[: len(time)] = time
    items[: len(time)] = entry << _ITEM_BITS | member
    return times, items


def _enlarge(work: Work, status: int) -> Work:
    """Twice the room in the store that was full."""
    if status == _NO_PATIENCE:
        return work._replace(patience_time=_twice(work.patience_time), patience_item=_twice(work.patience_item))
    if status == _NO_OVERFLOW:
        return work._replace(overflow_time=_twice(work.overflow_time), overflow_item=_twice(work.overflow_item))
    if status == _NO_HOLD:
        return work._replace(hold_time=_twice(work.hold_time), hold_item=_twice(work.hold_item))
    if status == _NO_ROW:
        return work._replace(row=_twice(work.row))
    if status == _NO_ESCALATION:
        return work._replace(escalated=_twice(work.escalated))
    size = len(work.slot)
    if 2 * size > _ITEM_MASK:
        raise SimulatorError(f"more than {size} contacts wait at once")
    heaps = [f"{name}_{part}" for name in ("release", "transfer", "redial", "aside") for part in ("time", "item")]
    names = (*heaps, "slot", "slot_row", "after", "before")
    larger: dict[str, Any] = {name: _twice(getattr(work, name)) for name in names}
    work = work._replace(free=_twice(work.free), **larger)
    _mark_unused(work.slot[size:])
    work.free[:size] = np.arange(2 * size - 1, size - 1, -1)
    work.counter[_N_FREE] = size
    return work


def _mark_unused(slot: NDArray[Any]) -> None:
    """What slots hold in columns that a kernel without the rarer rules never writes."""
    for name in _HOLDER:
        slot[name] = -1
    for name in ("taken_at", "answered_at"):
        slot[name] = nan


def _twice(array: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([array, np.zeros_like(array)])


def _dump(work: Work, seats: bool, state: SupportState, contacts: int, until: float) -> SupportState:
    """The state that the next call takes up, with everything in the order that both engines agree on."""
    count = work.counter.tolist()
    talking = np.concatenate([work.release_item[: count[_N_RELEASE]], work.transfer_item[: count[_N_TRANSFER]]])
    waiting = talking[:0]
    if np.any(work.first >= 0):
        in_use = np.ones(len(work.slot), dtype=bool)
        in_use[work.free[: count[_N_FREE]]] = False
        waiting = np.flatnonzero(in_use & work.slot["waiting"])
    held = work.slot[np.concatenate([waiting, talking & _ITEM_MASK])]
    held = held[held["holder_entry"] >= 0]
    service = work.service_item[: count[_N_SERVICE]]
    place = service & _ITEM_MASK
    end = np.concatenate([work.service_time[: count[_N_SERVICE]], np.full(len(held), inf)])
    entry = np.concatenate([service >> _ITEM_BITS, held["holder_entry"]])
    group = np.concatenate([work.seat_group[place] if seats else place, held["holder_group"]])
    away, since = (
        np.concatenate([array[place] if seats else np.zeros(len(place)), np.zeros(len(held))])
        for array in (work.seat_away, work.seat_since)
    )
    order = np.lexsort((entry, end))
    agents, sessions = _dump_agents(work.agents)
    idle_group = np.repeat(np.arange(len(work.idle_count)), work.idle_count)
    ring = np.arange(len(idle_group)) + np.repeat(
        work.idle_head - np.cumsum(work.idle_count) + work.idle_count, work.idle_count
    )
    return SupportState(
        time=until,
        interval=count[_NEXT_INTERVAL],
        entries=count[_ENTRIES],
        contacts=state.contacts + contacts,
        staff=work.staff,
        surplus=work.surplus,
        lines=work.lines,
        idle_group=idle_group,
        idle_since=work.idle[idle_group, ring & (work.idle.shape[1] - 1)],
        service_end=end[order],
        service_entry=entry[order],
        service_group=group[order],
        service_away=away[order],
        service_since=since[order],
        waiting=_by_entry(work.slot[waiting]),
        talking=_by_entry(work.slot[talking & _ITEM_MASK]),
        aside=_by_entry(work.slot[work.aside_item[: count[_N_ASIDE]] & _ITEM_MASK]),
        returning=_by_entry(work.slot[work.redial_item[: count[_N_REDIAL]] & _ITEM_MASK]),
        agent_group=work.agents.group[agents],
        agent_since=work.agents.since[agents],
        agent_work=work.agents.work[agents],
        sessions=sessions,
    )


def _dump_agents(crew: Agents) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """The places of the agents with sessions in the order that both engines agree on, and the rows of these."""
    if not np.any(crew.open):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=SESSION)
    width = len(crew.row) // len(crew.group)
    order: list[int] = []
    for group in np.unique(crew.group[crew.open > 0]):
        for agent in crew.list_first[group, 1:]:
            while agent >= 0:
                order.append(agent)
                agent = crew.next[agent]
        alone = np.flatnonzero((crew.open > 0) & (crew.group == group) & (crew.level < 1))
        order.extend(alone[np.lexsort((crew.entry[alone], crew.since[alone]))])
    agents = np.array(order, dtype=np.int64)
    places = [agent * width + i for agent in order for i in range(crew.open[agent])]
    sessions = crew.session.view(SESSION)[places]
    sessions["agent"] = np.repeat(np.arange(len(order)), crew.open[agents])
    return agents, _by_entry(sessions)


def _by_entry(rows: NDArray[Any]) -> NDArray[Any]:
    return rows[np.argsort(rows["entry"])] if len(rows) > 1 else rows
