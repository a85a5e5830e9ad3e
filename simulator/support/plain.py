"""The compiled support engine for models without the rarer rules, in which agents are heaps of instants.

Where neither lines, nor queues served out at closing, nor any rule of
:func:`simulator.support.compiled._rules` is in the model, nothing happens when an
agent's service ends unless somebody waits whom the agent serves. So that end needs no event: contacts and transfers are
taken in order of time, and who is idle is told by the least of a heap (the workload recursion of Kiefer and Wolfowitz,
1955, with patience). A group's staff changes are applied when it is next looked at, in order with the ends of its
agents.

If, besides, each queue has a single group, and no group puts one of its queues before another, a contact's fate is
known when it enters its queue: the agent who is free first takes it, if it has the patience. Otherwise contacts wait in
lists, and while some do, the agents who may take them are looked at in order of their ends.

What this returns, sums included, is exactly what the kernel of :mod:`simulator.support.compiled` returns.
"""

from __future__ import annotations

import functools
from math import inf, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import kernels
from simulator.support import compiled as _engine
from simulator.support.tables import Sums, SupportState, SupportTables

_ITEM_BITS, _ITEM_MASK = _engine._ITEM_BITS, _engine._ITEM_MASK
_ONE = np.uint64(1)
_TIE = -1
_place = kernels.place


@functools.lru_cache(maxsize=64)
def suits(tables: SupportTables) -> bool:
    """Whether a model has neither lines nor any of the rarer rules, and no agent stays to serve contacts out."""
    return not (tables.may_hold_line.any() or tables.serving_out.any() or any(_engine._rules(tables)))


@functools.lru_cache(maxsize=64)
def in_order(tables: SupportTables) -> bool:
    """Whether contacts are served in the order of entry, group by group."""
    one_group = np.count_nonzero(tables.level > 0, axis=1) == 1
    first = np.max(tables.priority, axis=0)
    return bool(np.all(one_group) and np.all((tables.priority == 0) | (tables.priority == first)))


# --- the agents of a group: a heap of the instants at which they are free ---------------------------------------------
#
# Places without an agent are infinite. A heap is as deep as its last place, so the way down has a fixed length.


@kernels.inner
def _rise(free_at, group, i, t):
    """Put ``t`` where ``i`` is a gap among the leaves."""
    while i > 0:
        up = (i - 1) >> 1
        if free_at[group, up] <= t:
            break
        free_at[group, i] = free_at[group, up]
        i = up
    free_at[group, i] = t


@kernels.inner
def _replace_first(free_at, group, places, t):
    """Put ``t`` in place of the least; ``places`` is one less than a power of two.

    The lesser of the child and what is carried stays, the other is carried on, down the path of the least children to
    its end: below the place of ``t`` that changes nothing, and no branch depends on where it is. Indices are unsigned,
    which spares the compiler to look for negative ones.
    """
    i = np.uint64(0)
    down = _ONE
    while down < np.uint64(places):
        left, right = free_at[group, down], free_at[group, down + _ONE]
        least = min(left, right)
        free_at[group, i] = min(t, least)
        t = max(t, least)
        i = down + np.uint64(right < left)
        down = i + i + _ONE
    free_at[group, i] = t


@kernels.inner
def _leave(free_at, agents, places, group):
    """The agent who is free first is gone; the last takes that place."""
    agents[group] -= 1
    n = agents[group]
    t = free_at[group, n]
    free_at[group, n] = inf
    if n > 0:
        _replace_first(free_at, group, places[group], t)


@kernels.called
def _come_and_go(
    interval_start, cell, plan, free_at, agents, places, next_interval, next_change, calm_until,
    present, surplus, overrun_since, group_sums, group, t, until,
):  # fmt: skip
    """Let the agents of a group leave and start, in order of time, up to ``t`` and on until one is free to take a
    contact of ``t``; never from ``until`` on. An agent who is free when the staff changes is free before."""
    while True:
        free, change = free_at[group, 0], next_change[group]
        now = max(next_interval[group] - 1, 0)
        if surplus[group] > 0 and free <= change and free < until:
            _engine._settle_overrun(interval_start, cell, surplus, overrun_since, group_sums, now, group, free)
            surplus[group] -= 1
            _leave(free_at, agents, places, group)
        elif change < inf and (change <= t or change < free):
            _engine._settle_overrun(interval_start, cell, surplus, overrun_since, group_sums, now, group, change)
            i = next_interval[group]
            planned = plan[group, i]
            length = interval_start[i + 1] - interval_start[i]
            group_sums[cell[i], group, _engine._STAFFED] += planned * length
            missing = planned - present[group]
            present[group] = planned
            while missing < 0 and free_at[group, 0] <= change:
                _leave(free_at, agents, places, group)
                missing += 1
            stay = min(surplus[group], missing)
            surplus[group] -= stay
            for _ in range(missing - stay):
                if agents[group] == places[group]:
                    places[group] = 2 * places[group] + 1
                _rise(free_at, group, agents[group], change)
                agents[group] += 1
            i += 1
            next_interval[group] = i
            next_change[group] = inf
            if i < cell.shape[0] and interval_start[i] < until:
                next_change[group] = interval_start[i]
        else:
            break
    calm_until[group] = -inf if surplus[group] > 0 else next_change[group]


# --- those who wait ---------------------------------------------------------------------------------------------------


@kernels.inner
def _add_last(first, last, after, count, queue, slot):
    """Put a slot at the end of the list of its queue."""
    tail = last[queue]
    after[slot] = -1
    if first[queue] >= 0:
        after[tail] = slot
    else:
        first[queue] = slot
    last[queue] = slot
    count[_engine._COUNTS + queue] += 1


@kernels.inner
def _remove_first(first, after, count, tries_start, tries_group, wanted, queue):
    """Take the first slot out of the list of a queue."""
    first[queue] = after[first[queue]]
    count[_engine._COUNTS + queue] -= 1
    for k in range(tries_start[queue], tries_start[queue + 1]):
        wanted[tries_group[k]] -= 1


@kernels.inner
def _first_of(
    interval_start, cell, plan, free_at, agents, places, next_interval, next_change, calm_until,
    present, surplus, overrun_since, group_sums, until, each, start, group, tie,
):  # fmt: skip
    """When and in which group the next agent whom somebody awaits is free, and whether that is a tie, given the answer
    without group ``each``."""
    if calm_until[each] <= free_at[each, 0]:
        _come_and_go(
            interval_start, cell, plan, free_at, agents, places, next_interval, next_change, calm_until,
            present, surplus, overrun_since, group_sums, each, -inf, until,
        )  # fmt: skip
    free = free_at[each, 0]
    if free < start:
        return free, each, False
    if free == start and start < inf:  # agents who start then come after those set free, group by group
        i, j = next_interval[each], next_interval[group]
        each_starts = i > 0 and interval_start[i - 1] == start
        starts = j > 0 and interval_start[j - 1] == start
        tie = tie or (not starts and not each_starts)
        if (starts and not each_starts) or (starts and each < group):
            group = each
    return start, group, tie


# --- the loop ---------------------------------------------------------------------------------------------------------


@kernels.outer
def _advance(
    model, given, work, free_at, agents, places, next_interval, next_change, calm_until,
    queue_sums, group_sums, first_row, carried, until, wanted,
):  # fmt: skip
    """Process the entries before ``until``, after the ``carried`` ones that were waiting when the call began.

    ``wanted`` is None where contacts are taken in order. Else contacts wait in lists (``carried`` is 0), and ``wanted``
    tells for each group how many in the lists it may serve. Those whose patience is over stay there until an agent
    looks, as in the other kernel.

    Returns ``_DONE``, or which store must be enlarged before the kernel is called again, or ``_TIE``: agents of several
    groups whom somebody awaits were set free at one instant. The one who began earlier is first, which no heap tells.
    """
    law, law_scale, law_zero = model.law, model.law_scale, model.law_zero
    patience_law, talk_law, after_call_law = model.patience, model.talk, model.after_call
    escalation_to, escalation_probability = model.escalation_to, model.escalation_probability
    within, short = model.answer_within, model.short_abandon
    tries_start, tries_group, tries_level = model.tries_start, model.tries_group, model.tries_level
    serves_start, serves_queue, serves_priority = model.serves_start, model.serves_queue, model.serves_priority
    arrival_time, arrival_interval, arrival_queue = given.time, given.interval, given.queue
    arrival_key, arrival_account, arrival_talk = given.key, given.account, given.talk
    interval_start, cell, next_cell, plan = given.interval_start, given.cell, given.next_cell, given.staff
    count, slots, slot_row, free = work.counter, work.slot, work.slot_row, work.free
    rows, escalated, first, last, after = work.row, work.escalated, work.first, work.last, work.after
    service_time, service_item = work.service_time, work.service_item
    transfer_time, transfer_item = work.transfer_time, work.transfer_item
    present, surplus, overrun_since = work.staff, work.surplus, work.overrun_since
    contacts = arrival_time.shape[0]
    intervals = cell.shape[0]
    recording = rows.shape[0] > 0
    talk_given = arrival_talk.shape[0] > 0
    next_contact = count[_engine._NEXT_CONTACT]
    next_start = count[_engine._NEXT_INTERVAL]
    entries = count[_engine._ENTRIES]
    resumed = 0
    look = True
    status = _engine._DONE

    t_arrival = arrival_time[next_contact] if next_contact < contacts else inf
    t_transfer = transfer_time[0] if count[_engine._N_TRANSFER] > 0 else inf

    while True:
        slot = group = -1
        start = deadline = inf
        t = min(t_arrival, t_transfer)
        if wanted is None:
            if resumed < carried:  # the slots of those who were waiting come first, in the order of entry
                slot = resumed
                resumed += 1
        else:
            if look:
                look = tie = False
                awaited_at = inf
                awaited = -1
                for g in range(wanted.shape[0]):
                    each = _place(g)
                    if wanted[each] > 0:
                        awaited_at, awaited, tie = _first_of(
                            interval_start, cell, plan, free_at, agents, places, next_interval, next_change,
                            calm_until, present, surplus, overrun_since, group_sums, until,
                            each, awaited_at, awaited, tie,
                        )  # fmt: skip
            if awaited_at <= t and awaited_at < until:
                if tie:
                    status = _TIE
                    break
                look = True
                start = awaited_at
                group = awaited
                priority = 0
                for k in range(serves_start[group], serves_start[group + 1]):
                    if slot >= 0 and serves_priority[k] != priority:
                        break
                    queue = _place(serves_queue[k])
                    head = first[queue]
                    while head >= 0 and slots[head].deadline < start:  # has given up, and nobody has looked since
                        _remove_first(first, after, count, tries_start, tries_group, wanted, queue)
                        _engine._give_up(
                            slots, head, cell, within, short, work.lines, queue_sums, rows, slot_row, free, count
                        )
                        head = first[queue]
                    if head >= 0 and (slot < 0 or slots[head].entry < slots[slot].entry):
                        slot = head
                        priority = serves_priority[k]
                if slot < 0:
                    continue  # the agent idles
                queue = _place(slots[slot].queue)
                _remove_first(first, after, count, tries_start, tries_group, wanted, queue)
        fresh = slot < 0
        if not fresh:
            held = slots[slot]
            t, deadline, talk_recorded = held.arrived, held.deadline, held.talk
            entry, contact, key, account = held.entry, held.contact, held.key, held.account
            queue, leg, interval = _place(held.queue), held.leg, _place(held.interval)
            attempt, origin = held.attempt, held.origin
            row = slot_row[slot]
        else:
            if t >= until:
                break
            if count[_engine._N_FREE] == 0:
                status = _engine._NO_SLOT
                break
            row = first_row + entries
            if recording and row == rows.shape[0]:
                status = _engine._NO_ROW
                break
            talk_recorded = nan
            if t_arrival < t_transfer:
                contact = next_contact
                queue = _place(arrival_queue[contact])
                key = arrival_key[contact]
                account = arrival_account[contact]
                interval = _place(arrival_interval[contact])
                if talk_given:
                    talk_recorded = arrival_talk[contact]
                contact += count[_engine._CONTACTS_BEFORE]
                leg = 0
                attempt = 0
                origin = queue
                next_contact += 1
                t_arrival = arrival_time[next_contact] if next_contact < contacts else inf
            else:
                if count[_engine._N_ESCALATED] == escalated.shape[0]:
                    status = _engine._NO_ESCALATION
                    break
                slot = transfer_item[0] & _ITEM_MASK
                _engine._drop_first(transfer_time, transfer_item, count[_engine._N_TRANSFER])
                count[_engine._N_TRANSFER] -= 1
                t_transfer = transfer_time[0] if count[_engine._N_TRANSFER] > 0 else inf
                moved = slots[slot]
                contact, key, account = moved.contact, moved.key, moved.account
                queue = _place(escalation_to[moved.queue])
                leg = moved.leg + 1
                attempt, origin = moved.attempt, moved.origin
                while next_start < intervals and interval_start[next_start] <= t:
                    next_start += 1
                interval = _place(max(next_start - 1, 0))
                queue_sums[cell[moved.interval], moved.queue, _engine._ESCALATED] += 1.0
                queue_sums[_place(cell[interval]), queue, _engine._TRANSFERRED_IN] += 1.0
                if account >= 0:
                    _engine._note_escalation(escalated, count, t, account, moved.queue, moved.key)
            entry = entries
            entries += 1
            queue_sums[_place(cell[interval]), queue, _engine._OFFERED] += 1.0
            if recording:
                _engine._record(rows[row], entry, contact, key, account, queue, leg, attempt, interval, t)

        if wanted is None:
            each = _place(tries_group[queue])
            group = each
            start = max(t, free_at[each, 0])
            if calm_until[each] <= start:
                _come_and_go(
                    interval_start, cell, plan, free_at, agents, places, next_interval, next_change, calm_until,
                    present, surplus, overrun_since, group_sums, each, t, until,
                )  # fmt: skip
                start = max(t, free_at[each, 0])
        elif fresh:  # the lowest level, then idle longest, then the lowest index
            level = 0
            since = 0.0
            for k in range(tries_start[queue], tries_start[queue + 1]):
                if group >= 0 and tries_level[k] != level:
                    break
                each = _place(tries_group[k])
                if calm_until[each] <= t:
                    _come_and_go(
                        interval_start, cell, plan, free_at, agents, places, next_interval, next_change,
                        calm_until, present, surplus, overrun_since, group_sums, each, t, until,
                    )  # fmt: skip
                free_then = free_at[each, 0]
                if free_then <= t and (group < 0 or free_then < since):
                    group = each
                    level = tries_level[k]
                    since = free_then
                    start = t
        if fresh and start > t and patience_law[queue] >= 0:
            word = kernels.bits(key, _engine._PATIENCE, leg)
            deadline = t + kernels.draw_here(law, law_scale, law_zero, patience_law[queue], word)

        c = _place(cell[interval])
        talk_end = nan
        escalates = False
        keep = False
        if start < until and deadline >= start:
            mine = _place(group)
            talk = talk_recorded
            if talk != talk:  # NaN: none is recorded
                word = kernels.bits(key, _engine._TALK, leg)
                talk = kernels.draw_here(law, law_scale, law_zero, talk_law[queue, mine], word)
            after_call = 0.0
            if after_call_law[queue, mine] >= 0:
                word = kernels.bits(key, _engine._AFTER_CALL, leg)
                after_call = kernels.draw_here(law, law_scale, law_zero, after_call_law[queue, mine], word)
            talk_end = start + talk
            end = talk_end + after_call
            deadline = inf
            _replace_first(free_at, mine, places[mine], end)
            if end >= until:
                service_time[count[_engine._N_SERVICE]] = end
                service_item[count[_engine._N_SERVICE]] = entry << _ITEM_BITS | group
                count[_engine._N_SERVICE] += 1
            if escalation_to[queue] >= 0:
                escalates = kernels.uniform(key, _engine._ESCALATION, leg) < escalation_probability[queue]
            wait = start - t
            queue_sums[c, queue, _engine._ANSWERED] += 1.0
            queue_sums[c, queue, _engine._ANSWERED_WITHIN] += wait <= within[queue]
            queue_sums[c, queue, _engine._WAIT_ANSWERED] += wait
            queue_sums[c, queue, _engine._WAIT_ANSWERED_SQUARED] += wait * wait
            queue_sums[c, queue, _engine._TALK_SUM] += talk
            queue_sums[c, queue, _engine._AFTER_CALL_SUM] += after_call
            now = max(next_interval[mine] - 1, 0)
            _engine._count_passing(interval_start, cell, next_cell, group_sums, _engine._BUSY, mine, now, start, end)
            if recording:
                done = rows[row]
                done.outcome = _engine._IS_ANSWERED
                done.group = group
                done.taken_at = start
                done.answered_at = start
                done.talk_end = talk_end
                done.end = end
                done.escalated = escalates
            keep = escalates
        elif wanted is None and deadline < until:
            wait = deadline - t
            queue_sums[c, queue, _engine._ABANDONED] += 1.0
            queue_sums[c, queue, _engine._WAIT_ABANDONED] += wait
            queue_sums[c, queue, _engine._SHORT_ABANDONED] += wait <= short[queue]
            queue_sums[c, queue, _engine._ABANDONED_WITHIN] += wait <= within[queue]
            if recording:
                rows[row].outcome = _engine._IS_ABANDONED
                rows[row].end = deadline
        else:
            keep = True

        if keep:
            if slot < 0:
                count[_engine._N_FREE] -= 1
                slot = free[count[_engine._N_FREE]]
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
            kept.line = -1
            kept.arrived = t
            kept.deadline = deadline
            kept.talk = talk_recorded
            kept.talk_end = talk_end
            kept.waiting = not escalates
            kept.escalates = escalates
            if escalates:
                n_transfer = count[_engine._N_TRANSFER]
                _engine._push(transfer_time, transfer_item, n_transfer, talk_end, entry << _ITEM_BITS | slot)
                count[_engine._N_TRANSFER] += 1
                t_transfer = transfer_time[0]
            else:
                slot_row[slot] = row
                if wanted is not None:
                    _add_last(first, last, after, count, queue, slot)
                    for k in range(tries_start[queue], tries_start[queue + 1]):
                        each = _place(tries_group[k])
                        wanted[each] += 1
                        if wanted[each] == 1:
                            awaited_at, awaited, tie = _first_of(
                                interval_start, cell, plan, free_at, agents, places, next_interval, next_change,
                                calm_until, present, surplus, overrun_since, group_sums, until,
                                each, awaited_at, awaited, tie,
                            )  # fmt: skip
                else:
                    first[queue] = slot
        elif slot >= 0:
            free[count[_engine._N_FREE]] = slot
            count[_engine._N_FREE] += 1

    if status == _engine._DONE:
        if wanted is not None:
            for q in range(first.shape[0]):
                slot, left = first[q], -1
                while slot >= 0:
                    following = after[slot]
                    if slots[slot].deadline < until:
                        _engine._give_up(
                            slots, slot, cell, within, short, work.lines, queue_sums, rows, slot_row, free, count
                        )
                    else:
                        left = slot
                    slot = following
                first[q] = left
        for g in range(agents.shape[0]):
            each = _place(g)
            _come_and_go(
                interval_start, cell, plan, free_at, agents, places, next_interval, next_change, calm_until,
                present, surplus, overrun_since, group_sums, each, until, until,
            )  # fmt: skip
            now = max(next_interval[each] - 1, 0)
            _engine._settle_overrun(interval_start, cell, surplus, overrun_since, group_sums, now, each, until)
        while next_start < intervals and interval_start[next_start] < until:
            next_start += 1
    count[_engine._NEXT_CONTACT] = next_contact
    count[_engine._NEXT_INTERVAL] = next_start
    count[_engine._ENTRIES] = entries
    return status


def advance(
    tables: SupportTables,
    model: _engine.Model,
    given: _engine.Input,
    work: _engine.Work,
    state: SupportState,
    sums: Sums,
    first_row: int,
    until: float,
) -> _engine.Work | None:
    """Take ``work`` from ``state`` to ``until``; returns it as the other kernel would leave it, or None where that one
    is needed after all: agents of several groups were set free at one instant, and somebody waited for them."""
    groups = np.append(state.idle_group, state.service_group)
    times = np.append(state.idle_since, state.service_end)
    order = np.lexsort((times, groups))
    agents = np.bincount(groups, minlength=len(work.staff))
    free_at = np.full_like(work.idle, inf)
    place = np.arange(len(groups)) - np.repeat(np.cumsum(agents) - agents, agents)
    free_at[groups[order], place] = times[order]  # sorted, which is a heap
    places = np.array([(1 << int(n).bit_length()) - 1 for n in np.maximum(agents, 1)])
    wanted = before = None
    if not in_order(tables):
        wanted = work.counter[_engine._COUNTS :] @ (tables.level > 0)
        before = sums.queue.copy(), sums.group.copy()
    lasting = state.service_end >= until
    work.service_time[: lasting.sum()] = state.service_end[lasting]
    work.service_item[: lasting.sum()] = state.service_entry[lasting] << _ITEM_BITS | state.service_group[lasting]
    work.counter[_engine._N_SERVICE] = lasting.sum()
    if wanted is None:
        work.first[:] = -1
    change = given.interval_start[state.interval] if state.interval < len(given.cell) else inf
    change = change if change < until else inf
    desk: tuple[NDArray[Any], ...] = (
        free_at,
        agents,
        places,
        np.full_like(agents, state.interval),
        np.full(len(agents), change),
        np.where(work.surplus > 0, -inf, change),
    )
    carried = len(state.waiting) if wanted is None else 0
    while (
        status := _advance(model, given, work, *desk, sums.queue, sums.group, first_row, carried, until, wanted)
    ) != _engine._DONE:
        if before is not None and status == _TIE:
            sums.queue[:], sums.group[:] = before
            return None
        carried = 0
        work = _engine._enlarge(work, status)
    free_at.sort(axis=1)
    work.idle[:] = free_at
    work.idle_head[:] = 0
    work.idle_count[:] = np.count_nonzero(free_at < until, axis=1)
    return work
