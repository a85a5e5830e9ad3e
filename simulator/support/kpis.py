"""Every support KPI once, as a ratio of two linear forms of the engine's sums.

The sums are those of :class:`~simulator.support.tables.Sums`: float64 (..., Q, K) with the columns of
:class:`~simulator.support.tables.QueueMeasure`, or (..., G, K) with those of
:class:`~simulator.support.tables.GroupMeasure`; any axes may lead (replication, cell). A KPI over a window is the sum
of its numerators over the sum of its denominators, so add the sums up first (:func:`by_window`), then take the ratio.
Nothing to divide by is NaN, never zero.

What sums cannot tell comes from records: the virtual service level, percentiles of the wait, and what groups answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulator.errors import ParameterError
from simulator.support.tables import (
    Clock,
    GroupMeasure,
    Outcome,
    QueueMeasure,
    Sums,
    SupportTables,
    holds,
    lost,
    open_seconds,
)

_COLUMNS: dict[str, tuple[str, ...]] = {
    "queue": tuple(measure.name.lower() for measure in QueueMeasure),
    "group": tuple(measure.name.lower() for measure in GroupMeasure),
}


@dataclass(frozen=True)
class Kpi:
    """One KPI.

    Attributes:
        name: its key in :data:`KPIS` and in the glossary.
        of: whose sums it reads.
        unit: ``count``, ``share`` (0 to 1) or ``s``.
        better: which way is good; None when neither is.
        numerator, denominator: columns with plus and minus between them; without a denominator the KPI is a count.
        of_inquiries: it tells of inquiries, by their first contact; where those are not followed there is none.
    """

    name: str
    of: Literal["queue", "group"]
    unit: Literal["count", "share", "s"]
    better: Literal["higher", "lower"] | None
    numerator: str
    denominator: str | None = None
    of_inquiries: bool = False

    def top(self, sums: ArrayLike) -> NDArray[np.float64]:
        """The numerator, shape (..., Q) for sums (..., Q, K)."""
        return _form(self.numerator, self.of, sums)

    def bottom(self, sums: ArrayLike) -> NDArray[np.float64]:
        """The denominator, shape (..., Q); ones for a count."""
        if self.denominator is None:
            return np.ones(np.shape(sums)[:-1])
        return _form(self.denominator, self.of, sums)

    def __call__(self, sums: ArrayLike) -> NDArray[np.float64]:
        """The value, shape (..., Q); NaN where the denominator is 0."""
        return ratio(self.top(sums), self.bottom(sums))


def _form(text: str, of: str, sums: ArrayLike) -> NDArray[np.float64]:
    array = np.asarray(sums, dtype=np.float64)
    columns = _COLUMNS[of]
    if array.shape[-1] != len(columns):
        raise ParameterError(f"sums of a {of} have {len(columns)} columns, not {array.shape[-1]}")
    total = np.zeros(array.shape[:-1])
    sign = 1.0
    for token in text.split():
        if token in "+-":
            sign = 1.0 if token == "+" else -1.0
        else:
            total += sign * array[..., columns.index(token)]
    return total


def ratio(numerator: ArrayLike, denominator: ArrayLike) -> NDArray[np.float64]:
    """Elementwise quotient, NaN where the denominator is not positive."""
    top, bottom = np.broadcast_arrays(
        np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    )
    out = np.full(top.shape, np.nan)
    np.divide(top, bottom, out=out, where=bottom > 0.0)
    return out


_ALL = (
    Kpi("offered", "queue", "count", None, "offered"),
    Kpi("transferred_in", "queue", "count", None, "transferred_in"),
    Kpi("answered", "queue", "count", None, "answered"),
    Kpi("abandoned", "queue", "count", "lower", "abandoned"),
    Kpi("short_abandoned", "queue", "count", None, "short_abandoned"),
    Kpi("blocked", "queue", "count", "lower", "blocked"),
    Kpi("escalated", "queue", "count", "lower", "escalated"),
    Kpi("redials", "queue", "count", None, "redials"),
    Kpi("balked", "queue", "count", "lower", "balked"),
    Kpi("dropped", "queue", "count", "lower", "dropped"),
    Kpi("overflowed", "queue", "count", None, "overflowed"),
    Kpi("answer_rate", "queue", "share", "higher", "answered", "offered"),
    Kpi("abandonment", "queue", "share", "lower", "abandoned", "offered"),
    Kpi("short_abandonment", "queue", "share", None, "short_abandoned", "offered"),
    Kpi("blocking", "queue", "share", "lower", "blocked", "offered"),
    Kpi("balking", "queue", "share", "lower", "balked", "offered"),
    Kpi("drop_rate", "queue", "share", "lower", "dropped", "offered"),
    Kpi("service_level", "queue", "share", "higher", "answered_within", "offered - short_abandoned"),
    Kpi("sl_served_over_offered", "queue", "share", "higher", "answered_within", "offered"),
    Kpi("sl_excl_short_abandons", "queue", "share", "higher", "answered_within", "offered - abandoned_within"),
    Kpi("sl_served_over_served", "queue", "share", "higher", "answered_within", "answered"),
    Kpi("sl_incl_short_abandons", "queue", "share", "higher", "answered_within + abandoned_within", "offered"),
    Kpi("asa", "queue", "s", "lower", "wait_answered", "answered"),
    # blocked contacts never waited, and the wait of those still waiting at the end is not known
    Kpi("mean_wait", "queue", "s", "lower", "wait_answered + wait_abandoned", "answered + abandoned"),
    Kpi("mean_wait_abandoned", "queue", "s", None, "wait_abandoned", "abandoned"),
    Kpi("talk_time", "queue", "s", None, "talk", "answered + called_back"),
    Kpi("after_call_time", "queue", "s", None, "after_call", "answered + called_back"),
    Kpi("handle_time", "queue", "s", None, "talk + after_call", "answered + called_back"),
    Kpi("overflow_rate", "queue", "share", None, "overflowed", "answered + called_back"),
    Kpi("escalation_rate", "queue", "share", "lower", "escalated", "answered + called_back"),
    Kpi("callbacks", "queue", "count", None, "callbacks"),
    Kpi("called_back", "queue", "count", None, "called_back"),
    Kpi("unreached", "queue", "count", "lower", "unreached"),
    Kpi("callback_rate", "queue", "share", None, "callbacks", "offered"),
    Kpi("callback_wait", "queue", "s", "lower", "callback_wait", "called_back"),
    Kpi("calls_in_vain", "queue", "count", "lower", "no_answer"),
    Kpi("backlog", "queue", "count", "lower", "backlog", "readings"),
    Kpi("withdrawn", "queue", "count", "lower", "withdrawn"),
    Kpi("interrupted", "queue", "count", None, "interrupted"),
    Kpi("repeats", "queue", "count", "lower", "repeats", None, True),
    Kpi("inquiries", "queue", "count", None, "inquiries", None, True),
    Kpi("unanswered_inquiries", "queue", "count", "lower", "inquiries - responded", None, True),
    Kpi("unresolved_inquiries", "queue", "count", "lower", "unresolved", None, True),
    Kpi("open_inquiries", "queue", "count", "lower", "inquiries - resolved - unresolved", None, True),
    Kpi("first_response_time", "queue", "s", "lower", "first_response", "responded", True),
    Kpi("resolution_time", "queue", "s", "lower", "resolution_time", "resolved", True),
    Kpi("resolution_time_net", "queue", "s", "lower", "resolution_time_net", "resolved", True),
    Kpi("resolution_effort", "queue", "s", "lower", "resolution_effort", "resolved", True),
    # of inquiries that the horizon shows for as long as they have: later ones would count as failures
    Kpi("resolution_rate", "queue", "share", "higher", "resolved_within", "due", True),
    Kpi("first_contact_resolution", "queue", "share", "higher", "resolved_first", "due", True),
    Kpi("repeat_rate", "queue", "share", "lower", "repeated_within", "due", True),
    # agents who finish a contact after their shift worked those seconds too
    Kpi("occupancy", "group", "share", None, "busy", "staffed + overrun"),
    Kpi("occupancy_real_time", "group", "share", None, "busy - deferrable", "staffed + overrun"),
    Kpi("occupancy_deferrable", "group", "share", None, "deferrable", "staffed + overrun"),
    Kpi("overrun_share", "group", "share", "lower", "overrun", "staffed"),
    Kpi("occupancy_slots", "group", "share", None, "busy - spare", "staffed + overrun"),
    Kpi("time_away", "group", "share", "lower", "away", "staffed + overrun"),
)

KPIS: dict[str, Kpi] = {kpi.name: kpi for kpi in _ALL}
"""Every KPI that sums give. Cost per contact needs a cost (:func:`cost_per_contact`), the virtual service level needs
records (:func:`virtual_service_level`)."""

SERVICE_LEVELS = (
    "sl_served_over_offered",
    "sl_excl_short_abandons",
    "sl_served_over_served",
    "sl_incl_short_abandons",
    "sl_virtual",
)
"""The five named meanings. ``service_level`` is the second with the queue's own short-abandon threshold."""


OF_ANSWERS = (
    "answered", "sl_served_over_served", "asa", "talk_time", "after_call_time", "handle_time", "overflowed",
    "overflow_rate", "escalated", "escalation_rate", "called_back", "callback_wait", "calls_in_vain",
)  # fmt: skip
"""KPIs of queues that can be told of a group too: of what it answered."""


def evaluate_answers(sums: ArrayLike) -> dict[str, NDArray[np.float64]]:
    """What groups answered, from their part of the sums of queues (:func:`by_group`): name to values (..., G)."""
    return {name: KPIS[name](sums) for name in OF_ANSWERS}


def evaluate(
    of: Literal["queue", "group"], sums: ArrayLike, *, inquiries: bool = True
) -> dict[str, NDArray[np.float64]]:
    """Every KPI of queues or of groups: name to values (..., Q) or (..., G); those of ``inquiries`` where followed."""
    return {kpi.name: kpi(sums) for kpi in _ALL if kpi.of == of and (inquiries or not kpi.of_inquiries)}


def by_window(sums: ArrayLike, window: ArrayLike, windows: int) -> NDArray[np.float64]:
    """Sums added up by window.

    Args:
        sums: float64 (..., cells, Q, K).
        window: int64 (cells,), the window of each cell; -1 for none.

    Returns:
        float64 (..., windows, Q, K).
    """
    array, index = np.asarray(sums, dtype=np.float64), np.asarray(window)
    return np.stack([array[..., index == w, :, :].sum(axis=-3) for w in range(windows)], axis=-3)


def by_tier(sums: ArrayLike, tables: SupportTables) -> NDArray[np.float64]:
    """Sums of queues added up by tier, float64 (..., tiers, K), from sums (..., Q, K)."""
    array = np.asarray(sums, dtype=np.float64)
    tiers = int(tables.tier.max(initial=-1)) + 1
    return np.stack([array[..., tables.tier == t, :].sum(axis=-2) for t in range(tiers)], axis=-2)


def cost_per_contact(cost: ArrayLike, answered: ArrayLike) -> NDArray[np.float64]:
    """Cost of a team ÷ contacts it answered or called back, both over the same window; NaN where there was none."""
    return ratio(cost, answered)


def from_records(records: NDArray[Any], tables: SupportTables, clock: Clock) -> Sums:
    """The sums of a whole run, recomputed from its records. What these do not tell is NaN: the seconds staffed and
    overrun; the busy time of agents with several chats; when work was left and taken up again.

    Args:
        records: :data:`~simulator.support.tables.RECORD` rows of all calls
            (:func:`~simulator.support.tables.join_records`).
    """
    sums = Sums.zeros(tables, clock)
    _add_entries(sums.queue, records["queue"], records, tables, clock)
    entries = records[records["outcome"] != Outcome.NO_ANSWER]
    called = _by_an_agent(entries["outcome"])
    left = np.where(called, entries["taken_at"], np.where(np.isnan(entries["end"]), np.inf, entries["end"]))
    for i, time in enumerate(clock.interval_start[1:]):
        waiting = (entries["arrived"] < time) & (left >= time)
        here = np.bincount(entries["queue"][waiting], minlength=tables.queues) * tables.deferrable
        sums.queue[clock.cell[i], :, QueueMeasure.BACKLOG] += here
        sums.queue[clock.cell[i], :, QueueMeasure.READINGS] += tables.deferrable
    if tables.inquiries:
        _add_inquiries(sums.queue, inquiries(records), tables, clock)
    of_the_left = (QueueMeasure.TALK, QueueMeasure.OVERFLOWED, QueueMeasure.BACKLOG, QueueMeasure.INTERRUPTED)
    for measure in of_the_left:
        sums.queue[:, tables.interruptible, measure] = np.nan
    if tables.sessions.any():
        sums.queue[..., QueueMeasure.RESOLUTION_EFFORT] = np.nan

    in_vain = records[records["outcome"] == Outcome.NO_ANSWER]
    busy = np.concatenate([entries[called], in_vain])
    hold = np.concatenate([holds(entries)[called], np.zeros(len(in_vain))])
    served = busy["taken_at"] < clock.end
    start, end, group, queue = (busy[name][served] for name in ("taken_at", "end", "group", "queue"))
    end = end + hold[served]
    interval = np.searchsorted(clock.interval_start, start, side="right") - 1
    can_wait = tables.deferrable[queue]
    while start.size:  # one round per cell that a service reaches into
        following = clock.next_cell[interval]
        stop = np.minimum(end, clock.interval_start[following])
        np.add.at(sums.group[..., GroupMeasure.BUSY], (clock.cell[interval], group), stop - start)
        np.add.at(sums.group[..., GroupMeasure.DEFERRABLE], (clock.cell[interval], group), (stop - start) * can_wait)
        goes_on = (end > stop) & (following < clock.intervals)
        start, end, group, interval = stop[goes_on], end[goes_on], group[goes_on], following[goes_on]
        can_wait = can_wait[goes_on]
    sums.group[..., [GroupMeasure.STAFFED, GroupMeasure.OVERRUN, GroupMeasure.AWAY]] = np.nan
    for busy_time in (GroupMeasure.BUSY, GroupMeasure.DEFERRABLE, GroupMeasure.SPARE):
        sums.group[:, tables.sessions.any(axis=0), busy_time] = np.nan
    return sums


def by_group(records: NDArray[Any], tables: SupportTables, clock: Clock) -> NDArray[np.float64]:
    """What each group answered, as sums of queues by the group that answered instead: float64 (cells, G, K).

    Of these columns a group has only what :data:`OF_ANSWERS` needs; a contact still counts in the interval in which it
    entered its queue. Times of work that may be left for a call are NaN; while it waits to be resumed it is nobody's.

    Args:
        records: as for :func:`from_records`.
    """
    sums = np.zeros((clock.cells, tables.groups, len(QueueMeasure)))
    theirs = _by_an_agent(records["outcome"]) | (records["outcome"] == Outcome.NO_ANSWER)
    _add_entries(sums, np.where(theirs, records["group"], -1), records, tables, clock)
    unknown = (tables.level > 0)[tables.interruptible].any(axis=0)
    for measure in (QueueMeasure.TALK, QueueMeasure.OVERFLOWED):
        sums[:, unknown, measure] = np.nan
    return sums


def _by_an_agent(outcome: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Answered or called back."""
    return (outcome == Outcome.ANSWERED) | (outcome == Outcome.IN_SERVICE)


def _ended_holds(records: NDArray[Any]) -> NDArray[np.float64]:
    hold = holds(records)
    return np.where(np.isfinite(hold), hold, 0.0)  # a hold counts when it is over


def _add_entries(
    sums: NDArray[np.float64], subject: NDArray[np.int64], records: NDArray[Any], tables: SupportTables, clock: Clock
) -> None:
    """Add the columns that single entries tell to the sums (cells, subjects, K) of their subjects, -1 none."""
    stays = records["outcome"] != Outcome.NO_ANSWER
    in_vain = ~stays & (subject >= 0)
    np.add.at(sums[..., QueueMeasure.NO_ANSWER], (clock.cell[records["interval"][in_vain]], subject[in_vain]), 1.0)
    records, subject = records[stays], subject[stays]
    cell, queue, outcome = clock.cell[records["interval"]], records["queue"], records["outcome"]
    answered = _by_an_agent(outcome)
    abandoned = outcome == Outcome.ABANDONED
    wait = waits(records, tables, clock)
    within = wait <= tables.answer_within[queue]

    def add(measure: QueueMeasure, which: NDArray[np.bool_], amount: ArrayLike = 1.0) -> None:
        which = which & (subject >= 0)
        value = np.broadcast_to(np.asarray(amount, dtype=np.float64), which.shape)
        np.add.at(sums[..., measure], (cell[which], subject[which]), value[which])

    add(QueueMeasure.OFFERED, np.ones(len(records), dtype=bool))
    add(QueueMeasure.TRANSFERRED_IN, records["leg"] > 0)
    add(QueueMeasure.BLOCKED, outcome == Outcome.BLOCKED)
    add(QueueMeasure.ABANDONED, abandoned)
    add(QueueMeasure.SHORT_ABANDONED, abandoned & (wait <= tables.short_abandon[queue]))
    add(QueueMeasure.ABANDONED_WITHIN, abandoned & within)
    back = answered & records["callback"]
    called, answered = back | answered, answered & ~back
    add(QueueMeasure.ANSWERED, answered)
    add(QueueMeasure.ANSWERED_WITHIN, answered & within)
    add(QueueMeasure.CALLBACKS, records["callback"])
    add(QueueMeasure.CALLED_BACK, back)
    add(QueueMeasure.CALLBACK_WAIT, back, wait)
    add(QueueMeasure.UNREACHED, outcome == Outcome.UNREACHED)
    add(QueueMeasure.OVERFLOWED, called & (tables.after[queue, records["group"]] > 0))
    again = (records["attempt"] > 0) & (records["leg"] == 0)
    repeated = _repeats(records)
    add(QueueMeasure.REDIALS, again & ~repeated)
    add(QueueMeasure.REPEATS, again & repeated)
    add(QueueMeasure.BALKED, outcome == Outcome.BALKED)
    add(QueueMeasure.DROPPED, outcome == Outcome.DROPPED)
    add(QueueMeasure.WITHDRAWN, outcome == Outcome.WITHDRAWN)
    add(QueueMeasure.WAIT_ANSWERED, answered, wait)
    add(QueueMeasure.WAIT_ANSWERED_SQUARED, answered, wait**2)
    add(QueueMeasure.WAIT_ABANDONED, abandoned, wait)
    talked = ~np.isnan(records["talk_end"])  # not so of a session that goes on
    add(QueueMeasure.TALK, called & talked, records["talk_end"] - records["answered_at"] + _ended_holds(records))
    add(QueueMeasure.AFTER_CALL, called & ~np.isnan(records["end"]), records["end"] - records["talk_end"])
    add(QueueMeasure.ESCALATED, records["escalated"] & (outcome == Outcome.ANSWERED))


@dataclass(frozen=True, eq=False)
class Inquiries:
    """What became of each inquiry, a row per ``contact``. Times are elapsed seconds, NaN for what has not happened.

    Attributes:
        contact, queue, interval, arrived: of the first contact.
        first_answer: when an agent first answered.
        first_repeat: when the customer first contacted again after an answer.
        resolved_at: the end of the talk that resolved it.
        unresolved: it is over without that. What is neither resolved nor unresolved is open: its time is censored.
        repeats: contacts after an answer that did not resolve.
        effort: seconds of hold, talk and after-call work so far.
        own_time: seconds that the customer has let pass, or will, before contacting again.
    """

    contact: NDArray[np.int64]
    queue: NDArray[np.int64]
    interval: NDArray[np.int64]
    arrived: NDArray[np.float64]
    first_answer: NDArray[np.float64]
    first_repeat: NDArray[np.float64]
    resolved_at: NDArray[np.float64]
    unresolved: NDArray[np.bool_]
    repeats: NDArray[np.int64]
    effort: NDArray[np.float64]
    own_time: NDArray[np.float64]


def inquiries(records: NDArray[Any]) -> Inquiries:
    """The inquiries of a whole run, from its records (of a model that follows them)."""
    records = records[records["outcome"] != Outcome.NO_ANSWER]
    hold = holds(records)
    order = np.lexsort((records["leg"], records["attempt"], records["contact"]))
    rows, hold = records[order], np.where(np.isfinite(hold), hold, 0.0)[order]
    contact, first, count = np.unique(rows["contact"], return_index=True, return_counts=True)
    of, last = np.repeat(np.arange(contact.size), count), rows[first + count - 1]
    answered = ~np.isnan(rows["answered_at"])

    def least(time: NDArray[np.float64], which: NDArray[np.bool_]) -> NDArray[np.float64]:
        out = np.full(contact.size, np.inf)
        np.minimum.at(out, of[which], time[which])
        return np.where(np.isinf(out), np.nan, out)

    def total(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(of, weights=np.nan_to_num(seconds), minlength=contact.size).astype(np.float64)

    over = lost(last["outcome"]) | (~np.isnan(last["talk_end"]) & ~last["escalated"])
    return Inquiries(
        contact=contact,
        queue=rows["queue"][first],
        interval=rows["interval"][first],
        arrived=rows["arrived"][first],
        first_answer=least(rows["answered_at"], answered),
        first_repeat=least(rows["arrived"], (rows["repeats"] == 1) & (rows["leg"] == 0)),
        resolved_at=least(rows["talk_end"], rows["resolved"]),
        unresolved=over & ~last["resolved"] & np.isnan(last["returns_at"]),
        repeats=last["repeats"],
        effort=total(np.where(answered, rows["end"] - rows["answered_at"] + hold, 0.0)),
        own_time=total(rows["returns_at"] - np.where(answered, rows["talk_end"], rows["end"])),
    )


def _repeats(records: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each row belongs to a call that repeats its contact after an answer."""
    order = np.lexsort((records["leg"], records["attempt"], records["contact"]))
    rows = records[order]
    _, call = np.unique(rows[["contact", "attempt"]], return_inverse=True)
    first = np.searchsorted(call, np.arange(call.max(initial=-1) + 1))
    repeats, contact = rows["repeats"][first], rows["contact"][first]
    more = np.zeros(first.size, dtype=bool)
    more[1:] = (contact[1:] == contact[:-1]) & (repeats[1:] > repeats[:-1])
    out = np.empty(len(records), dtype=bool)
    out[order] = more[call]
    return out


def _add_inquiries(sums: NDArray[np.float64], found: Inquiries, tables: SupportTables, clock: Clock) -> None:
    """The columns of inquiries, by the first contact. Works in place."""
    within = tables.resolution_within[found.queue]
    elapsed = found.resolved_at - found.arrived
    due = found.arrived + within <= clock.end
    resolved = ~np.isnan(elapsed)
    in_time = due & (elapsed <= within)
    columns: dict[QueueMeasure, NDArray[Any]] = {
        QueueMeasure.INQUIRIES: np.ones(found.contact.size),
        QueueMeasure.RESPONDED: ~np.isnan(found.first_answer),
        QueueMeasure.FIRST_RESPONSE: np.nan_to_num(found.first_answer - found.arrived),
        QueueMeasure.RESOLVED: resolved,
        QueueMeasure.UNRESOLVED: found.unresolved,
        QueueMeasure.RESOLUTION_TIME: np.nan_to_num(elapsed),
        QueueMeasure.RESOLUTION_TIME_NET: np.nan_to_num(elapsed - found.own_time),
        QueueMeasure.RESOLUTION_EFFORT: np.where(resolved, found.effort, 0.0),
        QueueMeasure.DUE: due,
        QueueMeasure.RESOLVED_WITHIN: in_time,
        QueueMeasure.RESOLVED_FIRST: in_time & (found.repeats == 0),
        QueueMeasure.REPEATED_WITHIN: due & (found.first_repeat - found.arrived <= within),
    }
    for measure, values in columns.items():
        np.add.at(sums[..., measure], (clock.cell[found.interval], found.queue), values.astype(float))


def waits(records: NDArray[Any], tables: SupportTables, clock: Clock, until: float = np.nan) -> NDArray[np.float64]:
    """Seconds from entry into the queue to the answer (also of a callback), the abandonment or the drop, float64 (n,),
    in open time where the queue counts so; 0 for those who balk.

    NaN for contacts that were blocked, and for those who still wait: up to ``until``, where it is given.
    """
    outcome, queue = records["outcome"], records["queue"]
    gone = np.isin(outcome, (Outcome.ABANDONED, Outcome.BALKED, Outcome.DROPPED))
    over = np.where(gone, records["end"], records["answered_at"])
    over[outcome == Outcome.WAITING] = until
    wait: NDArray[np.float64] = over - records["arrived"]
    in_open_time = tables.business_time[queue] & ~np.isnan(wait) & ~gone
    for q in np.unique(queue[in_open_time]).tolist():
        mine = in_open_time & (queue == q)
        start, end = (open_seconds(tables, clock, q, time[mine]) for time in (records["arrived"], over))
        wait[mine] = end - start
    return wait


def wait_percentiles(wait: ArrayLike, of: ArrayLike, count: int, shares: Sequence[float]) -> NDArray[np.float64]:
    """Percentiles of waits by whatever they are grouped by, as ``numpy.quantile`` has them.

    Args:
        wait: float (n,), seconds.
        of: int (n,), the group of each, from 0 to ``count`` - 1; -1 in none.
        shares: each from 0 to 1.

    Returns:
        float64 (count, len(shares)); NaN for a group without any.
    """
    import pandas as pd

    found = pd.Series(np.asarray(wait, dtype=np.float64)).groupby(np.asarray(of)).quantile(np.array(shares)).unstack()
    points: NDArray[np.float64] = found.reindex(index=range(count), columns=list(shares)).to_numpy()
    return points


def virtual_service_level(
    wait: ArrayLike, answered: ArrayLike, within: ArrayLike, of: ArrayLike, count: int
) -> NDArray[np.float64]:
    """P(an infinitely patient caller would wait at most so long), ``sl_virtual``, float64 (count,).

    An abandonment hides how long the caller would have waited, so this is the product-limit estimate (Kaplan and Meier
    1958): answers are observed waits; abandonments (balking is one after no wait), drops, and those who still wait at
    the end, are censored ones. Blocked contacts had no wait and are to be left out. NaN without an entry.

    Args:
        wait: float (n,), seconds, of those who still wait so far.
        answered: bool (n,).
        within: float (n,), the seconds in question, alike in each group.
        of: int (n,), the group of each, from 0 to ``count`` - 1; -1 in none.
    """
    wait, answered, within, of = (np.asarray(values) for values in (wait, answered, within, of))
    order = np.lexsort((~answered, wait, of))  # at a tie the answer comes first
    wait, answered, within, of = wait[order], answered[order], within[order], of[order]
    stop = np.searchsorted(of, np.arange(count), side="right")
    counts = answered & (wait <= within) & (of >= 0)
    at_risk = stop[of[counts]] - np.flatnonzero(counts)
    longer = np.ones(count)
    np.multiply.at(longer, of[counts], 1.0 - 1.0 / at_risk)
    return np.where(stop > np.searchsorted(of, np.arange(count)), 1.0 - longer, np.nan)
