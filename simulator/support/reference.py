"""The readable support engine. It defines the rules; :mod:`simulator.support.compiled` must give the same outcomes.

**Things.** Contacts arrive at queues; groups are sets of like agents. The tables say which group serves which queue, in
which order a queue tries its groups (``level``) and in which order a group takes from its queues (``priority``).

**A contact's life.**

1. It arrives at its queue and is numbered: the *entry* number counts all entries into queues in the order in which
   they happen, transfers included. If its queue belongs to a line pool and all lines of the pool are taken, it is
   blocked and gone, even if an agent is idle. Otherwise it takes a line of the pool. So does an entry by redial.
2. If an agent of a group that is open to it is idle, and more agents of that group are idle than its *reserve* for the
   queue, it is answered at once: by the groups of the lowest level that has such an agent, and among those by the agent
   who has been idle longest (equal: the lower group; inside a group: the one who became idle first). A group that
   serves the queue is open to the contact from ``since + after`` on; ``since`` is the arrival (but see 6).
3. Otherwise it balks, and gives its line back, if its keyed uniform lies below the queue's probability (at any tier).
   If not, it waits, first in, first out by ``since`` (equal: by entry), until ``arrived + patience``, and then abandons
   and gives its line back. Patience counts from entry into this queue and is drawn only by those who must wait; its law
   may depend on how many others wait at that moment, in the queues that are one line to their callers.

   Instead it may be offered a *callback*: where the wait to be expected (those who wait in its queue and itself, each
   for the queue's mean handle time, over the agents that the plan has there for the queue) exceeds the queue's
   threshold. If its keyed uniform lies below the acceptance, it gives its line back and waits in its place like a
   ticket. The agent who takes it dials: ``answered_at`` is later by the time of dialling. If nobody answers, by a keyed
   uniform of each try, the agent is free then, and a delay after that the contact waits in its place again, or is
   *unreached* after as many tries as the queue allows. Each call in vain has an entry number of its own. Who is reached
   goes on like any caller, without a line, but counts apart from the answered.
4. An agent set free, or starting a shift, takes, of the waiting contacts that its group is open to by now (and for
   whose queue at least its reserve of other agents of the group is idle), the highest priority, and within a priority
   the earliest ``since`` less the queue's head start (equal: the lowest entry number). If there is none, the agent is
   idle from now, unless after a contact it steps away for a time drawn by that contact: then it is set free once more
   at the end of that time, and does not step away again. Where its group says every how many seconds, it steps away
   only if a keyed uniform lies below 1 - exp(-w / every), w the time to the end of the contact since the agent was idle
   or came back or began (for who held with a caller: since the hold began). At each instant at which a further group
   opens to a waiting contact, an idle agent takes it as in 2.
5. An agent who takes a contact at ``taken_at`` answers at ``answered_at = taken_at + answer_delay``; a caller whose
   call has been taken stays. The wait ends at the answer; the agent is busy from ``taken_at``. ``talk_end =
   answered_at + talk`` and ``end = talk_end + after_call``, added in this order. The talk of a recorded contact at its
   first queue may be given; redials and further tiers draw theirs. At ``talk_end`` the contact is escalated if its
   keyed uniform lies below the queue's probability; otherwise it gives its line back. The agent is free at ``end``.
6. An escalated contact enters the queue of the next tier at the end of talk, as a new entry with leg + 1. *Cold*: with
   fresh patience and the line that it holds (it needs no line of that queue's pool). *Warm*: likewise, but the first
   agent holds with the caller, who neither balks nor loses patience: until the next tier answers (and for a drawn
   conference beyond, to the end of the second talk at most), or the queue drops the contact, or for the hold limit;
   after that the entry, in its place, goes on as a cold one whose patience starts now, or as a deferred one.
   After-call work follows the hold. *Consultation*: likewise, but the first agent stays for all of the second talk,
   which is the answer and is not escalated; after the hold limit, or at once where that queue is closed to others, the
   entry is *withdrawn*: the first agent ends the talk alone. Either way the case ends there; what becomes of the
   inquiry is said of the queue that was asked, and the line is given back. *Deferred*: the line is given back, and the
   entry is a *ticket*, which neither balks nor abandons nor is dropped at closing, and stays one at later tiers,
   whatever their way of transfer. The *age* restarts, or carries over where the queue that it leaves says so: it is
   the arrival less the ``since`` of the earlier entry, and ``since`` is the arrival less the age. That settles the
   place among those who wait, and when further groups open; patience, holds and all waits that are counted begin with
   the arrival.
7. A caller who was blocked, balked or abandoned *redials* if a keyed uniform lies below the probability of the queue
   that lost the contact and the contact has had fewer redials than that queue allows: at ``lost + delay`` it enters
   the queue that the lost call had entered from outside, as a new entry of the same contact with attempt + 1, leg 0 and
   a key made of the lost call's key and the attempt. It is offered once more, in the interval of the redial. The delay
   is drawn by the lost call.
8. Where inquiries are followed, a contact that is answered and not escalated *resolves* its inquiry if its keyed
   uniform lies below the probability of the queue that it ends in. If not, and if the inquiry has had fewer *repeats*
   than that queue allows, the customer contacts again as a redial does, but in the queue that is named, if one is, and
   after a delay from the end of talk that counts only while the queue they come to is open: a delay that is over in
   the night ends in the morning, after as much open time. All contacts of one inquiry are one ``contact``; redials are
   its attempts less its repeats. The inquiry begins with the first; its effort grows by hold, talk and after-call work
   (added in this order), its customer's own time by the delays. It ends resolved, at the end of talk; or unresolved,
   when a customer is lost and does not redial, or not content and does not contact again.
9. *Chat*: an agent of a group with a ``concurrency`` of k holds up to k chats, and while it holds any takes nothing
   else. A chat that comes goes, of the groups of the lowest level with a place for it, to the agent with the fewest
   chats, then to the one who has had so many for longest (equal: the lower group; inside a group: who came to that
   number first). Idle agents have none, and take it only where the reserve allows. Whenever an agent takes a chat or
   ends one, chats that wait come to the places of those who have chats, as in 4 but whatever the reserve. An answer
   delay, the talk and after it the after-call work are the work on a chat. With j chats at once each gets one second
   of it done in ``1 + slowdown (j - 1)`` seconds, in after-call work too, which holds its place. The wait ends when
   the delay would without others. At ``talk_end`` and ``end``, known only then, what holds of a talk and of its
   after-call work happens to a chat. An agent whose last chat ends is set free.
10. *Work that can be left*: a contact of a queue that is not deferrable, no ticket, for whom no agent is free as in 2,
   on its entry or at an overflow time, calls an agent away from the talk of a contact of an *interruptible* queue: of
   the groups of the lowest level that are open to it the agent who turned to it last (equal: the higher entry number).
   Whatever the reserve. The contact that is left waits in its place by entry, with the rest of its work and the
   ``set_up`` to go, and is neither lost nor dropped; if an agent is idle for it, that one takes it at once, otherwise
   it is resumed like any that waits, without an answer delay. It is answered once. After-call work is not left.
11. While a queue that serves its contacts out is closed, an agent who would leave takes who waits there first, like any
   agent set free, but no ticket. A queue that drops them loses, when an interval starts in which it is closed, all who
   wait and whom nobody has taken; until it opens again an entry, of whatever kind, is dropped at once and takes no
   line. Who is dropped gives a line back and does not redial.

**Staff.** At the start of each interval the plan sets the agents of each group. On a fall idle agents leave first, the
longest idle first; the rest of the fall is *surplus*: so many of the busy agents leave at the end of their after-call
work, whoever is free first (but see 11). As many of those with chats, the ones with the fewest (then who has had so
many for longest), take no further one meanwhile. On a rise the surplus is reduced first (somebody who would have left
stays), and then new agents start, one after the other. An agent who is away counts as busy here: it leaves when it is
back. After the horizon the last interval's staff stays.

**Ties.** The next event is the least by (time, kind, index). Kinds in order: reading of the backlog, end of talk, end
of after-call work, sessions, staffing, overflow time, hold limit, callback tried again, transfer, arrival, redial (or
repeat), abandonment, closing. The index is the entry number (of a redial: that of the lost entry), for staffing the
group, for arrivals the contact's place in :class:`~simulator.support.tables.Contacts`. So a contact whose patience ends
when an agent is freed is answered, and an arrival at the start of an interval meets the staff of that interval. What an
event schedules for the present instant joins this order: a service of length zero runs to its end before the next
arrival of that instant. A group's staffing change is one event: all its new agents start before anything else happens.

**A call** processes the events from ``state.time`` to before ``until``; an event at ``until`` belongs to the next call,
so that months laid end to end equal one run. Contacts that are open at the end stay open in the state.

**Sums** go to the cell of the interval in which the contact entered the queue in question; busy seconds to the cells in
which they pass, up to the end of the horizon. A hold is talk of the first tier, counted when it is over; its busy
seconds are counted then, and at the end of every call. Those of agents with *sessions* (chats in a group with a
concurrency above 1, contacts of an interruptible queue) are counted whenever a session begins or ends, with the share
of the places of an agent with chats that is not taken. The talk and after-call work of a chat count when they are over,
as they lasted (in the effort of an inquiry after-call work as it was drawn); a set-up is talk, counted when work is
left. What an answer settles of an inquiry is counted at the answer (of a chat's talk at its end), in the cell and the
queue of the inquiry's first contact. At the end of each interval (and of a call that ends with it) those who wait in
deferrable queues are counted. Where waits are in open time, each is the queue's open time at its end less that at its
start.

**Sessions.** Each agent with sessions has a count of work: what any session of it would have got done, had it been
there all the time. It is brought up to date when one begins or ends, and only then, by the time since divided by
``1 + slowdown (j - 1)``, and never beyond the least mark at which a session ends; a session that ends sets it to its
mark. A talk ends at the mark of its start + work, and its after-call work at that + after-call work. The time of a mark
is that of the last change + (mark - count) times the same factor. Marks that are equal end by entry.

Every random number is drawn by the contact's key, the purpose and the leg.
"""

from __future__ import annotations

import itertools
from bisect import bisect
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import partial
from heapq import heappush
from math import expm1, inf, isnan, nan
from typing import Any, NamedTuple

import numpy as np
import simpy
from numpy.typing import NDArray

from simulator import kernels, randomness
from simulator.support.tables import (
    AFTER_CALL,
    ANSWER_DELAY,
    AWAY,
    BALKING,
    CALLBACK,
    CONFERENCE,
    DIALLING,
    ESCALATED,
    ESCALATION,
    NO_ANSWER,
    OPEN,
    PATIENCE,
    RECORD,
    REDIAL,
    REDIAL_DELAY,
    REDIAL_KEY,
    REPEAT_DELAY,
    RESOLUTION,
    RETRY_DELAY,
    SESSION,
    STEPPING,
    TALK,
    Clock,
    Contacts,
    GroupMeasure,
    Outcome,
    QueueMeasure,
    Sums,
    SupportOutcome,
    SupportState,
    SupportTables,
    Transfer,
    check_run,
    mark_in_service,
    open_before,
)


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
) -> tuple[SupportOutcome, SupportState]:
    """Run the support wing from ``state.time`` to ``until``.

    Args:
        contacts: those that arrive in this call, sorted by time.
        staff: int64 (G, I), agents present per interval of the horizon.
        state: what the last call returned; None starts empty at the start of the horizon. It is not changed.
        until: elapsed seconds at which this call ends; may lie beyond the horizon, to serve out those who are there.
        sums: added to in place.
        records: whether to return one row per entry.

    Raises:
        ParameterError: arguments that do not fit together.
    """
    state = SupportState.empty(tables, clock) if state is None else state
    check_run(tables, clock, contacts, staff, state, until, sums)
    desk = _Desk(tables, clock, contacts, staff, state, sums)
    while desk.calendar.peek() < until:
        desk.calendar.step()
    desk.settle_overrun(until)
    desk.settle_holds(until)
    for agent in desk.agents:
        desk.count_sessions(agent, until)
    if until in clock.interval_start[1:]:
        desk.read_backlog(int(clock.interval_start.searchsorted(until)) - 1)
    return desk.outcome(until, records), desk.state(until)


_TRY = 1000
"""More than the tiers that one call may go through."""


class _Kind(IntEnum):
    """What happens first of the things that happen at one instant."""

    READING = 0
    END_OF_TALK = 1
    END_OF_AFTER_CALL = 2
    SESSION = 3
    STAFFING = 4
    OVERFLOW = 5
    HOLD_LIMIT = 6
    CALLBACK = 7
    TRANSFER = 8
    ARRIVAL = 9
    REDIAL = 10
    ABANDONMENT = 11
    CLOSING = 12


class _Calendar(simpy.Environment):
    """SimPy's calendar with appointments at absolute times, ordered by kind and index within an instant.

    ``Environment.schedule`` adds a delay to the present time, and now + (then - now) is not always then.
    """

    def at(self, time: float, kind: _Kind, index: int, action: Callable[[], None]) -> None:
        event = simpy.Event(self)
        event._ok, event._value = True, None
        event.callbacks.append(lambda _: action())
        heappush(self._queue, (time, (kind, index), next(self._eid), event))  # type: ignore[misc]


class _Holder(NamedTuple):
    """The entry whose agent holds with a caller: of the tier before, or its own while that talk goes on."""

    number: int
    group: int
    queue: int
    interval: int


@dataclass
class _Entry:
    """One stay of one contact in one queue."""

    number: int
    contact: int
    key: np.uint64
    account: int
    queue: int
    leg: int
    attempt: int
    origin: int
    interval: int
    line: int
    arrived: float
    deadline: float = inf
    talk: float = nan
    taken_at: float = nan
    answered_at: float = nan
    talk_end: float = nan
    end: float = nan
    group: int = -1
    escalates: bool = False
    outcome: Outcome = Outcome.WAITING
    ticket: bool = False
    holder: _Holder | None = None
    hold: float = 0.0
    repeats: int = 0
    inquiry_queue: int = 0
    inquiry_interval: int = 0
    inquiry_arrived: float = 0.0
    effort: float = 0.0
    own_time: float = 0.0
    responded: bool = False
    resolved: bool = False
    returns_at: float = nan
    callback: bool = False
    tries: int = 0
    interrupted: bool = False
    finish: float = nan
    age: float = 0.0

    @property
    def since(self) -> float:
        """When it would have entered its queue to be as old as it counts there."""
        return self.arrived - self.age

    @property
    def place(self) -> tuple[float, int]:
        """What those who wait in a queue are ordered by."""
        return self.since, self.number


@dataclass(eq=False)
class _Agent:
    """One who has sessions: several chats, or one piece of work that may be interrupted."""

    group: int
    since: float
    """The last start or end of a session."""
    interval: int
    """The one in force then."""
    work: float = 0.0
    """What each of the present sessions would have got done by then, had it been there all the time."""
    sessions: list[_Entry] = field(default_factory=list)
    appointment: object = None


class _Desk:
    """The support wing during one call."""

    def __init__(
        self,
        tables: SupportTables,
        clock: Clock,
        contacts: Contacts,
        staff: NDArray[np.int64],
        state: SupportState,
        sums: Sums,
    ) -> None:
        self.tables, self.clock, self.contacts, self.plan, self.sums = tables, clock, contacts, staff, sums
        self.business_clock = clock.interval_start, open_before(tables, clock), tables.opening
        self.calendar = _Calendar(initial_time=state.time)
        self.waiting: list[deque[_Entry]] = [deque() for _ in range(tables.queues)]
        self.in_line: set[int] = set()
        self.idle: list[deque[float]] = [deque() for _ in range(tables.groups)]
        self.staff, self.surplus, self.lines = state.staff.tolist(), state.surplus.tolist(), state.lines.tolist()
        self.busy: dict[int, tuple[float, int, float, float]] = {}
        self.steps_away = bool(np.any(tables.away >= 0))
        self.talking: dict[int, _Entry] = {}
        self.returning: dict[int, _Entry] = {}
        self.aside: dict[int, _Entry] = {}
        self.agents: list[_Agent] = []
        self.chatting: list[list[list[_Agent]]] = [[[] for _ in range(n + 1)] for n in tables.concurrency.tolist()]
        self.overrun_since = self.call_start = state.time
        self.interval = self.first_interval = max(state.interval - 1, 0)
        self.next_interval = state.interval
        self.entries, self.contacts_before = state.entries, state.contacts
        self.rows: list[_Entry] = []
        self.escalated: list[tuple[float, int, int, np.uint64]] = []
        self._resume(state)
        for i in range(state.interval, clock.intervals):
            for g in range(tables.groups):
                self.calendar.at(float(clock.interval_start[i]), _Kind.STAFFING, g, partial(self.change_staff, i, g))
        for i in range(state.interval, tables.dropping.shape[1]):
            if tables.dropping[:, i].any():
                self.calendar.at(float(clock.interval_start[i]), _Kind.CLOSING, i, self.close)
        for i in range(state.interval - 1, clock.intervals):
            if i >= 0 and clock.interval_start[i + 1] > state.time:
                self.calendar.at(float(clock.interval_start[i + 1]), _Kind.READING, i, partial(self.read_backlog, i))
        for i, time in enumerate(contacts.time.tolist()):
            self.calendar.at(time, _Kind.ARRIVAL, i, partial(self.arrive, i))

    def _resume(self, state: SupportState) -> None:
        """Take up what an earlier call left open."""
        for group, since in zip(state.idle_group.tolist(), state.idle_since.tolist(), strict=True):
            self.idle[group].append(since)
        service = (state.service_end, state.service_entry, state.service_group, state.service_away, state.service_since)
        for end, number, group, away, since in zip(*(column.tolist() for column in service), strict=True):
            if end < inf:
                self.keep_busy(number, group, end, away, since)
            else:
                self.busy[number] = (inf, group, 0.0, 0.0)
        for row in state.waiting:
            entry = _opened(row)
            self.rows.append(entry)
            self.join_waiting(entry, tried=False)
        for row in state.talking:
            entry = _opened(row)
            entry.talk_end, entry.escalates = float(row["talk_end"]), bool(row["escalates"])
            entry.outcome = Outcome.ANSWERED
            self.keep_talking(entry)
            if not entry.escalates and entry.deadline < inf:
                self.keep_returning(entry)
        for row in state.aside:
            entry = _opened(row)
            self.rows.append(entry)
            self.keep_aside(entry)
        for row in state.returning:
            entry = _opened(row)
            entry.talk_end = float(row["talk_end"])
            # without an answer it was lost in one way or another
            entry.outcome = Outcome.ABANDONED if isnan(entry.talk_end) else Outcome.ANSWERED
            self.keep_returning(entry)
        agents = [
            _Agent(int(state.agent_group[i]), float(since), self.first_interval, float(state.agent_work[i]))
            for i, since in enumerate(state.agent_since)
        ]
        for row in state.sessions:
            entry = _opened(row)
            entry.group = agents[row["agent"]].group
            entry.taken_at, entry.answered_at = float(row["taken_at"]), float(row["answered_at"])
            entry.talk_end, entry.finish = float(row["talk_end"]), float(row["finish"])
            entry.escalates, entry.resolved = bool(row["escalates"]), bool(row["resolved"])
            entry.outcome = Outcome.ANSWERED
            if entry.deadline < inf:
                entry.returns_at = entry.deadline
            self.rows.append(entry)
            agents[row["agent"]].sessions.append(entry)
        for agent in agents:
            self.set_to_work(agent)

    # --- the contact --------------------------------------------------------------------------------------------------

    def arrive(self, i: int) -> None:
        queue = int(self.contacts.queue[i])
        entry = _Entry(
            number=self.entries,
            contact=self.contacts_before + i,
            key=self.contacts.key[i],
            account=int(self.contacts.account[i]),
            queue=queue,
            leg=0,
            attempt=0,
            origin=queue,
            interval=int(self.contacts.interval[i]),
            line=int(self.tables.line_pool[queue]),
            arrived=self.calendar.now,
            talk=float(self.contacts.talk[i]) if self.contacts.talk.size else nan,
        )
        if self.tables.inquiries:
            entry.inquiry_queue, entry.inquiry_interval, entry.inquiry_arrived = queue, entry.interval, entry.arrived
            self.follow(entry, QueueMeasure.INQUIRIES)
            self.follow(entry, QueueMeasure.DUE, self.is_due(entry))
        self.call(entry)

    def come_back(self, earlier: _Entry) -> None:
        """A caller who was lost tries again, or a customer whose inquiry was not resolved."""
        del self.returning[earlier.number]
        attempt = earlier.attempt + 1
        repeats = earlier.outcome in (Outcome.ANSWERED, Outcome.WITHDRAWN)
        queue = self.comes_to(earlier) if repeats else earlier.origin
        entry = _Entry(
            number=self.entries,
            contact=earlier.contact,
            key=randomness.bits(earlier.key, REDIAL_KEY, attempt)[0],
            account=earlier.account,
            queue=queue,
            leg=0,
            attempt=attempt,
            origin=queue,
            interval=self.interval,
            line=int(self.tables.line_pool[queue]),
            arrived=self.calendar.now,
            repeats=earlier.repeats + repeats,
            **_inquiry(earlier),
        )
        self.count(entry, QueueMeasure.REPEATS if repeats else QueueMeasure.REDIALS)
        if repeats and entry.repeats == 1:
            self.follow(entry, QueueMeasure.REPEATED_WITHIN, self.is_timely(entry, entry.arrived))
        self.call(entry)

    def comes_to(self, earlier: _Entry) -> int:
        """The queue that a customer who is not content contacts next."""
        queue = int(self.tables.repeat_to[earlier.queue])
        return queue if queue >= 0 else earlier.origin

    def call(self, entry: _Entry) -> None:
        """Enter from outside, if a line is free."""
        self.register(entry)
        if self.is_closed(entry.queue):
            entry.line = -1
            self.drop(entry)
            return
        pool = entry.line
        if pool >= 0 and self.lines[pool] >= self.tables.line_capacity[pool]:
            entry.outcome, entry.end = Outcome.BLOCKED, entry.arrived
            entry.line = -1
            self.count(entry, QueueMeasure.BLOCKED)
            self.lose(entry)
            return
        if pool >= 0:
            self.lines[pool] += 1
        self.seek_agent(entry)

    def transfer(self, earlier: _Entry) -> None:
        """A contact enters the queue of the next tier."""
        self.count(earlier, QueueMeasure.ESCALATED)
        deferred = self.tables.transfer[earlier.queue] == Transfer.DEFERRED
        if deferred:
            self.free_line(earlier)
        if earlier.account >= 0:
            self.escalated.append((self.calendar.now, earlier.account, earlier.queue, earlier.key))
        entry = _Entry(
            number=self.entries,
            contact=earlier.contact,
            key=earlier.key,
            account=earlier.account,
            queue=int(self.tables.escalation_to[earlier.queue]),
            leg=earlier.leg + 1,
            attempt=earlier.attempt,
            origin=earlier.origin,
            interval=self.interval,
            line=earlier.line,
            arrived=self.calendar.now,
            ticket=earlier.ticket or deferred,
            holder=earlier.holder,
            hold=0.0 if earlier.holder is None else nan,
            age=self.calendar.now - earlier.since if self.tables.carries_age[earlier.queue] else 0.0,
            repeats=earlier.repeats,
            **_inquiry(earlier),
        )
        self.register(entry)
        self.count(entry, QueueMeasure.TRANSFERRED_IN)
        if self.is_closed(entry.queue) and not entry.ticket and not self.is_consultation(entry):
            self.drop(entry)
        else:
            self.seek_agent(entry)

    def is_consultation(self, entry: _Entry) -> bool:
        """Whether an agent who keeps the case asks somebody, and waits for the answer."""
        return entry.holder is not None and self.tables.transfer[entry.holder.queue] == Transfer.CONSULTATION

    def is_closed(self, queue: int) -> bool:
        """Whether the queue turns contacts away in the interval in force."""
        dropping = self.tables.dropping
        return dropping.shape[1] > 0 and bool(dropping[queue, self.interval])

    def is_served_out(self, queue: int) -> bool:
        """Whether the queue is closed in the interval in force and agents do not leave while contacts wait there."""
        serving_out = self.tables.serving_out
        return serving_out.shape[1] > 0 and bool(serving_out[queue, self.interval])

    def close(self) -> None:
        for queue, waiting in enumerate(self.waiting):
            if self.is_closed(queue):
                for entry in [entry for entry in waiting if not entry.ticket and not entry.interrupted]:
                    if self.is_consultation(entry):
                        self.limit_hold(entry, self.calendar.now)
                    else:
                        self.leave_line(entry)
                        self.drop(entry)

    def drop(self, entry: _Entry) -> None:
        if entry.holder is not None:
            self.end_hold(entry, entry.holder, self.calendar.now)
        entry.outcome, entry.end = Outcome.DROPPED, self.calendar.now
        self.free_line(entry)
        self.count(entry, QueueMeasure.DROPPED)
        self.follow(entry, QueueMeasure.UNRESOLVED)

    def register(self, entry: _Entry) -> None:
        self.entries += 1
        self.rows.append(entry)
        self.count(entry, QueueMeasure.OFFERED)

    def seek_agent(self, entry: _Entry) -> None:
        """Answer at once if an agent can, otherwise balk or wait."""
        if self.is_taken(entry):
            return
        may_leave = not entry.ticket and entry.holder is None
        if may_leave and randomness.uniform(entry.key, BALKING, entry.leg)[0] < self.tables.balking[entry.queue]:
            entry.outcome, entry.end = Outcome.BALKED, entry.arrived
            self.free_line(entry)
            self.count(entry, QueueMeasure.BALKED)
            self.lose(entry)
            return
        if may_leave and self.is_called_back(entry):
            self.free_line(entry)
            entry.callback = entry.ticket = True
            self.count(entry, QueueMeasure.CALLBACKS)
        elif may_leave:
            self.lose_patience(entry)
        self.join_waiting(entry)

    def is_called_back(self, entry: _Entry) -> bool:
        """Whether a caller is offered a callback, and accepts."""
        tables, queue = self.tables, entry.queue
        agents = sum(self.staff[group] for group, _ in tables.tries[queue])
        work = (len(self.waiting[queue]) + 1) * tables.callback_handle[queue]
        offered = tables.callbacks[queue] and work > tables.callback_threshold[queue] * agents
        acceptance = tables.callback_acceptance[queue]
        return bool(offered and randomness.uniform(entry.key, CALLBACK, entry.leg)[0] < acceptance)

    def lose_patience(self, entry: _Entry) -> None:
        law, behind = int(self.tables.patience[entry.queue]), self.tables.patience_behind
        if law < 0:
            return
        if behind.shape[1] and behind[entry.queue, 0] >= 0:
            line = [each for queue in np.flatnonzero(behind[:, 0] >= 0) for each in self.waiting[queue]]
            others = len(line) - (entry.number in self.in_line)
            law = int(behind[entry.queue, min(others, behind.shape[1]) - 1]) if others else law
        entry.deadline = self.calendar.now + self.draw(law, entry, PATIENCE)

    def is_taken(self, entry: _Entry) -> bool:
        """Whether an agent is there for a contact, who then takes it."""
        tables, queue = self.tables, entry.queue
        choices: list[tuple[int, int, float, int, _Agent | None]] = []
        for group, level in tables.tries[queue]:
            if not self.is_open(entry, group):
                continue
            agent = self.with_a_place(group) if tables.chat[queue] else None
            if len(self.idle[group]) > tables.reserve[queue, group]:
                choices.append((level, 0, self.idle[group][0], group, None))
            elif agent is not None:
                choices.append((level, len(agent.sessions), agent.since, group, agent))
        if choices:
            *_, group, agent = min(choices, key=lambda choice: choice[:4])
            if agent is None:
                self.idle[group].popleft()
            self.take(entry, group, agent)
            return True
        return self.interrupts(entry)

    def take(self, entry: _Entry, group: int, agent: _Agent | None = None, since: float | None = None) -> None:
        """An agent of a group, or this one of those with sessions, turns to a contact that waits or has just come.

        ``since``: since when the agent has had no rest; None: from now.
        """
        if entry.number in self.in_line:
            self.leave_line(entry)
        if self.tables.sessions[entry.queue, group]:
            self.begin(entry, group, agent)
        else:
            self.answer(entry, group, self.calendar.now if since is None else since)

    def is_open(self, entry: _Entry, group: int) -> bool:
        return bool(entry.since + self.tables.after[entry.queue, group] <= self.calendar.now)

    def join_waiting(self, entry: _Entry, tried: bool = True) -> None:
        """Wait at the place by age; ``tried``: nobody is free for it at this instant."""
        waiting = self.waiting[entry.queue]
        waiting.insert(bisect(waiting, entry.place, key=lambda other: other.place), entry)
        self.in_line.add(entry.number)
        self.await_deadline(entry)
        if entry.holder is not None and self.tables.hold_limit[entry.holder.queue] < inf:
            self.limit_hold(entry, entry.arrived + float(self.tables.hold_limit[entry.holder.queue]))
        if self.is_consultation(entry) and self.is_closed(entry.queue):
            self.limit_hold(entry, self.calendar.now)
        for wait in self.tables.overflow_times[entry.queue]:
            opens = entry.since + wait
            if opens > self.calendar.now or (opens == self.calendar.now and not tried):
                self.calendar.at(opens, _Kind.OVERFLOW, entry.number, lambda: self.overflow(entry))

    def limit_hold(self, entry: _Entry, time: float) -> None:
        self.calendar.at(time, _Kind.HOLD_LIMIT, entry.number, lambda: self.let_go(entry))

    def try_again(self, entry: _Entry) -> None:
        """A callback that nobody answered waits in its place once more."""
        del self.aside[entry.number]
        entry.deadline = inf
        if not self.is_taken(entry):
            self.join_waiting(entry)

    def keep_aside(self, entry: _Entry) -> None:
        self.aside[entry.number] = entry
        self.calendar.at(entry.deadline, _Kind.CALLBACK, entry.number, lambda: self.try_again(entry))

    def await_deadline(self, entry: _Entry) -> None:
        if entry.deadline < inf:
            self.calendar.at(entry.deadline, _Kind.ABANDONMENT, entry.number, lambda: self.abandon(entry))

    def let_go(self, entry: _Entry) -> None:
        """The first agent has held for as long as one may."""
        if entry.outcome is not Outcome.WAITING or entry.holder is None:
            return
        fallback, withdraws = self.tables.hold_fallback[entry.holder.queue], self.is_consultation(entry)
        self.end_hold(entry, entry.holder, self.calendar.now)
        if withdraws:
            self.leave_line(entry)
            entry.outcome, entry.talk_end, entry.end = Outcome.WITHDRAWN, self.calendar.now, self.calendar.now
            self.free_line(entry)
            self.count(entry, QueueMeasure.WITHDRAWN)
            if self.tables.inquiries:
                self.settle(entry)
        elif fallback == Transfer.DEFERRED:
            self.free_line(entry)
            entry.ticket = True
        else:
            self.lose_patience(entry)
            self.await_deadline(entry)

    def end_hold(self, entry: _Entry, holder: _Holder, end: float) -> None:
        """The agent who holds with this caller goes on to after-call work at ``end``."""
        entry.holder, entry.hold = None, end - entry.arrived
        self.add_effort(entry, entry.hold)
        law = int(self.tables.after_call[holder.queue, holder.group])
        free_at = end + (self.draw(law, entry, AFTER_CALL, entry.leg - 1) if law >= 0 else 0.0)
        away = self.time_away(entry, holder.group, entry.leg - 1, free_at - entry.arrived)
        self.keep_busy(holder.number, holder.group, free_at, away, entry.arrived)
        self.sums.queue[self.clock.cell[holder.interval], holder.queue, QueueMeasure.TALK] += entry.hold
        self.count_hold(entry, holder, free_at)

    def count_hold(self, entry: _Entry, holder: _Holder, until: float) -> None:
        """Busy seconds of a hold, from its start or from that of this call."""
        interval = max(entry.interval, self.first_interval)
        start = max(entry.arrived, self.call_start)
        self.count_busy(holder.queue, holder.group, start, until, interval)

    def settle_holds(self, until: float) -> None:
        for queue in self.waiting:
            for entry in queue:
                if entry.holder is not None:
                    self.count_hold(entry, entry.holder, until)

    def leave_line(self, entry: _Entry) -> None:
        self.waiting[entry.queue].remove(entry)
        self.in_line.remove(entry.number)

    def overflow(self, entry: _Entry) -> None:
        if entry.number in self.in_line:
            self.is_taken(entry)

    def abandon(self, entry: _Entry) -> None:
        if entry.outcome is not Outcome.WAITING:
            return
        self.leave_line(entry)
        entry.outcome, entry.end = Outcome.ABANDONED, entry.deadline
        self.free_line(entry)
        wait = entry.deadline - entry.arrived
        self.count(entry, QueueMeasure.ABANDONED)
        self.count(entry, QueueMeasure.WAIT_ABANDONED, wait)
        self.count(entry, QueueMeasure.SHORT_ABANDONED, wait <= self.tables.short_abandon[entry.queue])
        self.count(entry, QueueMeasure.ABANDONED_WITHIN, wait <= self.tables.answer_within[entry.queue])
        self.lose(entry)

    def lose(self, entry: _Entry) -> None:
        """A caller is gone without an answer; he may call again."""
        queue, tables, now = entry.queue, self.tables, self.calendar.now
        redials = (
            tables.redials[queue]
            and entry.attempt - entry.repeats < tables.redial_attempts[queue]
            and randomness.uniform(entry.key, REDIAL, entry.leg)[0] < tables.redial_probability[queue]
        )
        if redials:
            self.leave_until(now + self.draw(int(tables.redial_delay[queue]), entry, REDIAL_DELAY), entry, now)
        else:
            self.follow(entry, QueueMeasure.UNRESOLVED)

    def respond(self, entry: _Entry, talk: float, after_call: float) -> None:
        """What an answer does for the inquiry of a contact."""
        self.add_effort(entry, talk)
        self.add_effort(entry, after_call)
        self.respond_first(entry)
        if not entry.escalates:
            self.settle(entry)

    def add_effort(self, entry: _Entry, seconds: float) -> None:
        if self.tables.inquiries:
            entry.effort += seconds

    def respond_first(self, entry: _Entry) -> None:
        if not entry.responded:
            self.follow(entry, QueueMeasure.RESPONDED)
            self.follow(entry, QueueMeasure.FIRST_RESPONSE, entry.answered_at - entry.inquiry_arrived)
            entry.responded = True

    def settle(self, entry: _Entry) -> None:
        """What the last talk of a call does for its inquiry."""
        queue, tables, end = entry.queue, self.tables, entry.talk_end
        elapsed = end - entry.inquiry_arrived
        if randomness.uniform(entry.key, RESOLUTION, entry.leg)[0] < tables.resolution[queue]:
            entry.resolved = True
            timely = self.is_timely(entry, end)
            self.follow(entry, QueueMeasure.RESOLVED)
            self.follow(entry, QueueMeasure.RESOLVED_WITHIN, timely)
            self.follow(entry, QueueMeasure.RESOLVED_FIRST, timely and entry.repeats == 0)
            self.follow(entry, QueueMeasure.RESOLUTION_TIME, elapsed)
            self.follow(entry, QueueMeasure.RESOLUTION_TIME_NET, elapsed - entry.own_time)
            self.follow(entry, QueueMeasure.RESOLUTION_EFFORT, entry.effort)
        elif tables.repeats[queue] and entry.repeats < tables.repeat_attempts[queue]:
            delay = self.draw(int(tables.repeat_delay[queue]), entry, REPEAT_DELAY)
            self.leave_until(self.after_open_time(self.comes_to(entry), end, delay), entry, end)
        else:
            self.follow(entry, QueueMeasure.UNRESOLVED)

    def after_open_time(self, queue: int, start: float, delay: float) -> float:
        """The instant at which a queue has been open for ``delay`` seconds since ``start``."""
        seconds = self.open_time(queue, start) + delay
        return max(start, float(kernels.open_instant(*self.business_clock, queue, seconds)))

    def open_time(self, queue: int, time: float) -> float:
        return float(kernels.open_time(*self.business_clock, queue, time))

    def leave_until(self, time: float, entry: _Entry, since: float) -> None:
        """The customer goes away at ``since`` and contacts again at ``time``."""
        entry.deadline = entry.returns_at = time
        if self.tables.inquiries:
            entry.own_time += time - since
        self.keep_returning(entry)

    def keep_returning(self, entry: _Entry) -> None:
        self.returning[entry.number] = entry
        self.calendar.at(entry.deadline, _Kind.REDIAL, entry.number, lambda: self.come_back(entry))

    def answer(self, entry: _Entry, group: int, since: float) -> None:
        now, queue, tables = self.calendar.now, entry.queue, self.tables
        if entry.callback and not self.is_reached(entry):
            self.call_in_vain(entry, group, since)
            return
        talk = self.draw(int(tables.talk[queue, group]), entry, TALK) if isnan(entry.talk) else entry.talk
        answered_at = self.answers_at(entry, group)
        law = int(tables.after_call[queue, group])
        after_call = self.draw(law, entry, AFTER_CALL) if law >= 0 else 0.0
        entry.outcome, entry.group, entry.taken_at, entry.answered_at = Outcome.ANSWERED, group, now, answered_at
        entry.talk_end = answered_at + talk
        entry.end = entry.talk_end + after_call
        entry.deadline = inf
        consults = self.is_consultation(entry)
        entry.escalates = not consults and self.goes_on(entry)
        if entry.holder is not None:
            law = int(tables.conference[entry.holder.queue])
            stays = answered_at + self.draw(law, entry, CONFERENCE) if law >= 0 else answered_at
            self.end_hold(entry, entry.holder, entry.talk_end if consults else min(stays, entry.talk_end))
        if tables.inquiries:
            self.respond(entry, talk, after_call)
        self.keep_talking(entry)
        stays_on = tables.transfer[queue] in (Transfer.WARM, Transfer.CONSULTATION)
        if entry.escalates and stays_on and not entry.ticket:
            entry.holder = _Holder(entry.number, group, queue, entry.interval)
            self.busy[entry.number] = (inf, group, 0.0, 0.0)
            busy_until = entry.talk_end
        else:
            away = self.time_away(entry, group, entry.leg, entry.end - since)
            self.keep_busy(entry.number, group, entry.end, away, since)
            busy_until = entry.end
        self.count_busy(queue, group, now, busy_until, self.interval)
        self.count_answer(entry, group)
        self.count(entry, QueueMeasure.TALK, talk)
        self.count(entry, QueueMeasure.AFTER_CALL, after_call)

    def goes_on(self, entry: _Entry) -> bool:
        """Whether the contact will be escalated."""
        if self.tables.escalation_to[entry.queue] < 0:
            return False
        u = randomness.uniform(entry.key, ESCALATION, entry.leg)[0]
        return bool(u < self.tables.escalation_probability[entry.queue])

    def count_answer(self, entry: _Entry, group: int) -> None:
        queue, tables = entry.queue, self.tables
        wait = entry.answered_at - entry.arrived
        if tables.business_time[queue]:
            wait = self.open_time(queue, entry.answered_at) - self.open_time(queue, entry.arrived)
        if entry.callback:
            self.count(entry, QueueMeasure.CALLED_BACK)
            self.count(entry, QueueMeasure.CALLBACK_WAIT, wait)
        else:
            self.count(entry, QueueMeasure.ANSWERED)
            self.count(entry, QueueMeasure.ANSWERED_WITHIN, wait <= tables.answer_within[queue])
            self.count(entry, QueueMeasure.WAIT_ANSWERED, wait)
            self.count(entry, QueueMeasure.WAIT_ANSWERED_SQUARED, wait * wait)
        self.count(entry, QueueMeasure.OVERFLOWED, tables.after[queue, group] > 0)

    def answers_at(self, entry: _Entry, group: int) -> float:
        """When an agent who turns to a contact now speaks to the customer, or gives up calling back."""
        at: float = self.calendar.now
        law = int(self.tables.answer_delay[group])
        if law >= 0:
            at += self.draw(law, entry, ANSWER_DELAY)
        law = int(self.tables.dialling[entry.queue])
        if entry.callback and law >= 0:
            at += self.draw(law, entry, DIALLING, _try(entry))
        return at

    def is_reached(self, entry: _Entry) -> bool:
        if randomness.uniform(entry.key, NO_ANSWER, _try(entry))[0] < self.tables.no_answer[entry.queue]:
            return False
        entry.ticket = False  # on the line from now
        return True

    def call_in_vain(self, entry: _Entry, group: int, since: float) -> None:
        """An agent dials, and nobody answers."""
        now, queue, tables = self.calendar.now, entry.queue, self.tables
        end = self.answers_at(entry, group)
        call = replace(entry, number=self.entries, outcome=Outcome.NO_ANSWER, group=group, taken_at=now, end=end)
        self.entries += 1
        self.rows.append(call)
        self.keep_busy(call.number, group, end, 0.0, since)
        self.count_busy(queue, group, now, end, self.interval)
        self.count(entry, QueueMeasure.NO_ANSWER)
        law = int(tables.retry_delay[queue])
        entry.deadline = end + self.draw(law, entry, RETRY_DELAY, _try(entry)) if law >= 0 else end
        entry.tries += 1
        if entry.tries < tables.callback_attempts[queue]:
            self.keep_aside(entry)
        else:
            entry.outcome, entry.end = Outcome.UNREACHED, end
            self.count(entry, QueueMeasure.UNREACHED)
            self.follow(entry, QueueMeasure.UNRESOLVED)

    def keep_talking(self, entry: _Entry) -> None:
        self.talking[entry.number] = entry
        self.calendar.at(entry.talk_end, _Kind.END_OF_TALK, entry.number, lambda: self.end_talk(entry))

    def end_talk(self, entry: _Entry) -> None:
        if not entry.escalates:
            del self.talking[entry.number]
            self.free_line(entry)
            return

        def go_on() -> None:
            del self.talking[entry.number]
            self.transfer(entry)

        self.calendar.at(self.calendar.now, _Kind.TRANSFER, entry.number, go_on)

    def free_line(self, entry: _Entry) -> None:
        if entry.line >= 0:
            self.lines[entry.line] -= 1
            entry.line = -1

    def draw(self, law: int, entry: _Entry, purpose: np.uint64, leg: int | None = None) -> float:
        laws = self.tables.laws
        word = randomness.bits(entry.key, purpose, entry.leg if leg is None else leg)[0]
        return float(kernels.draw(laws.tables, laws.scale, laws.zero, law, word))

    # --- sessions: chats beside others, and work that may be interrupted --------------------------------------------

    def begin(self, entry: _Entry, group: int, agent: _Agent | None) -> None:
        """An agent turns to a session: one without any (None), or one who has a place for a further chat."""
        now, queue, tables = self.calendar.now, entry.queue, self.tables
        work = self.draw(int(tables.talk[queue, group]), entry, TALK) if isnan(entry.talk) else entry.talk
        entry.group = group
        if not entry.interrupted:
            if not tables.chat[queue]:
                self.count(entry, QueueMeasure.TALK, work)
                self.add_effort(entry, work)
            law = int(tables.answer_delay[group])
            delay = self.draw(law, entry, ANSWER_DELAY) if law >= 0 else 0.0
            work = delay + work
            entry.outcome, entry.taken_at, entry.answered_at = Outcome.ANSWERED, now, now + delay
            entry.deadline = inf
            entry.escalates = self.goes_on(entry)
            self.count_answer(entry, group)
            if tables.inquiries:
                self.respond_first(entry)
        entry.interrupted = False
        if agent is None:
            agent = _Agent(group, now, self.interval)
        else:
            self.change_sessions(agent)
        entry.finish = agent.work + work
        agent.sessions.append(entry)
        self.set_to_work(agent)
        self.take_chats(group)

    def change_sessions(self, agent: _Agent, done: float | None = None) -> None:
        """Settle what has passed before a session comes to an agent or leaves; ``done``: at this mark of work."""
        now = self.calendar.now
        self.count_sessions(agent, now)
        passed = agent.work + (now - agent.since) / self.slowness(agent)
        agent.work = min(passed, min(entry.finish for entry in agent.sessions)) if done is None else done
        agent.since, agent.interval, agent.appointment = now, self.interval, None
        self.agents.remove(agent)
        for agents in self.chatting[agent.group]:
            if agent in agents:
                agents.remove(agent)

    def set_to_work(self, agent: _Agent) -> None:
        self.agents.append(agent)
        if self.tables.chat[agent.sessions[0].queue]:
            self.chatting[agent.group][len(agent.sessions)].append(agent)
        self.appoint(agent)

    def slowness(self, agent: _Agent) -> float:
        """Seconds in which each session of an agent gets one second of its work done."""
        return 1.0 + float(self.tables.slowdown[agent.group]) * (len(agent.sessions) - 1)

    def appoint(self, agent: _Agent) -> None:
        """The next end of talk or after-call work among an agent's sessions, if nothing changes until then."""
        entry = min(agent.sessions, key=lambda entry: (entry.finish, entry.number))
        agent.appointment = appointment = object()

        def keep() -> None:
            if agent.appointment is appointment:
                self.reach(agent, entry)

        time = agent.since + (entry.finish - agent.work) * self.slowness(agent)
        self.calendar.at(time, _Kind.SESSION, entry.number, keep)

    def reach(self, agent: _Agent, entry: _Entry) -> None:
        """A session's talk ends, and its after-call work begins, or that ends too."""
        now, group = self.calendar.now, agent.group
        if isnan(entry.talk_end):
            after_call = self.end_session_talk(entry, group)
            if after_call > 0:
                entry.finish += after_call
                self.appoint(agent)
                return
        entry.end = now
        self.count(entry, QueueMeasure.AFTER_CALL, now - entry.talk_end)
        self.change_sessions(agent, done=entry.finish)
        agent.sessions.remove(entry)
        if agent.sessions:
            self.set_to_work(agent)
            self.take_chats(group)
        else:
            self.set_free(entry.number, group, self.time_away(entry, group, entry.leg, inf), now)

    def end_session_talk(self, entry: _Entry, group: int) -> float:
        """Returns the after-call work that follows."""
        now, queue, tables = self.calendar.now, entry.queue, self.tables
        entry.talk_end = now
        law = int(tables.after_call[queue, group])
        after_call = self.draw(law, entry, AFTER_CALL) if law >= 0 else 0.0
        if tables.chat[queue]:
            self.count(entry, QueueMeasure.TALK, now - entry.answered_at)
            self.add_effort(entry, now - entry.answered_at)
        self.add_effort(entry, after_call)
        if entry.escalates:
            self.calendar.at(now, _Kind.TRANSFER, entry.number, lambda: self.transfer(entry))
        else:
            self.free_line(entry)
            if tables.inquiries:
                self.settle(entry)
        return after_call

    def with_a_place(self, group: int) -> _Agent | None:
        """Of the agents with chats the one who takes the next; None where there is no place."""
        leave = self.surplus[group]
        for agents in self.chatting[group][1:-1]:
            if len(agents) > leave:
                return agents[leave]
            leave -= len(agents)
        return None

    def take_chats(self, group: int) -> None:
        """The agents of a group who have chats take of those that wait what they have places for."""
        while (agent := self.with_a_place(group)) is not None:
            head = self.longest_waiting(group, among_chats=True)
            if head is None:
                return
            self.take(head, group, agent)

    def interrupts(self, entry: _Entry) -> bool:
        """Whether a contact that nobody is free for calls an agent away from work that can wait."""
        if entry.ticket or self.tables.deferrable[entry.queue]:
            return False
        choices = [
            (level, -agent.since, -agent.sessions[0].number, agent)
            for group, level in self.tables.tries[entry.queue]
            if self.is_open(entry, group)
            for agent in self.agents
            if agent.group == group
            and self.tables.interruptible[agent.sessions[0].queue]
            and isnan(agent.sessions[0].talk_end)
        ]
        if not choices:
            return False
        agent = min(choices, key=lambda choice: choice[:3])[3]
        self.change_sessions(agent)
        (left,) = agent.sessions
        set_up = float(self.tables.set_up[left.queue])
        left.talk = (left.finish - agent.work) + set_up
        self.add_effort(left, set_up)
        left.interrupted, left.group = True, -1
        self.count(left, QueueMeasure.INTERRUPTED)
        self.count(left, QueueMeasure.TALK, set_up)
        self.take(entry, agent.group)
        if not self.is_taken(left):
            self.join_waiting(left)
        return True

    # --- the agents ---------------------------------------------------------------------------------------------------

    def time_away(self, entry: _Entry, group: int, leg: int, without_rest: float) -> float:
        """For how long an agent steps away after this contact, if no other waits, after so long without a rest."""
        law, every = int(self.tables.away[group]), float(self.tables.away_every[group])
        if law < 0:
            return 0.0
        if every > 0 and randomness.uniform(entry.key, STEPPING, leg)[0] >= -expm1(-without_rest / every):
            return 0.0
        return self.draw(law, entry, AWAY, leg)

    def keep_busy(self, number: int, group: int, end: float, away: float, since: float) -> None:
        """Until ``end`` with a contact, then for ``away`` away if no other waits; or away until ``end`` (-1).

        ``since``: when the agent was last idle or back.
        """
        self.busy[number] = (end, group, away, since if self.steps_away else 0.0)
        self.calendar.at(end, _Kind.END_OF_AFTER_CALL, number, lambda: self.end_after_call(number, group, away, since))

    def end_after_call(self, number: int, group: int, away: float, since: float) -> None:
        del self.busy[number]
        self.set_free(number, group, away, since)

    def set_free(self, number: int, group: int, away: float, since: float) -> None:
        if self.surplus[group] > 0:
            if not self.takes_next(group, since, leaving=True):
                self.settle_overrun(self.calendar.now)
                self.surplus[group] -= 1
                self.take_chats(group)
        elif not self.takes_next(group, since):
            if away > 0:
                back = self.calendar.now + away
                self.keep_busy(number, group, back, -1.0, back)
                self.count_passing(GroupMeasure.AWAY, group, self.calendar.now, back, self.interval)
            else:
                self.idle[group].append(self.calendar.now)

    def start(self, group: int) -> None:
        if not self.takes_next(group):
            self.idle[group].append(self.calendar.now)

    def takes_next(self, group: int, since: float | None = None, leaving: bool = False) -> bool:
        """Whether a contact waits for an agent of the group, who then takes it."""
        head = self.longest_waiting(group, leaving=leaving)
        if head is not None:
            self.take(head, group, since=since)
        return head is not None

    def longest_waiting(self, group: int, among_chats: bool = False, leaving: bool = False) -> _Entry | None:
        """The contact that an agent of the group takes next: a chat that an agent with chats takes, what an agent who
        would leave serves out, or any."""
        heads = [
            (priority, head.since - self.tables.head_start[queue], head.number, queue)
            for queue, priority in self.tables.serves[group]
            for head in itertools.islice(self.waiting[queue], 1)
            if self.is_open(head, group)
            and (not leaving or (self.is_served_out(queue) and not head.ticket))
            and (self.tables.chat[queue] if among_chats else len(self.idle[group]) >= self.tables.reserve[queue, group])
        ]
        return self.waiting[min(heads)[3]][0] if heads else None

    def change_staff(self, interval: int, group: int) -> None:
        self.settle_overrun(self.calendar.now)
        self.interval, self.next_interval = interval, interval + 1
        planned = int(self.plan[group, interval])
        length = self.clock.interval_start[interval + 1] - self.clock.interval_start[interval]
        self.sums.group[self.clock.cell[interval], group, GroupMeasure.STAFFED] += planned * length
        change = planned - self.staff[group]
        self.staff[group] = planned
        while change < 0 and self.idle[group]:
            self.idle[group].popleft()
            change += 1
        stay = min(self.surplus[group], change) if change > 0 else change
        self.surplus[group] -= stay
        if stay > 0:
            self.take_chats(group)
        for _ in range(change - stay):
            self.start(group)

    def read_backlog(self, interval: int) -> None:
        for queue in np.flatnonzero(self.tables.deferrable).tolist():
            sums = self.sums.queue[self.clock.cell[interval], queue]
            sums[QueueMeasure.BACKLOG] += len(self.waiting[queue])
            sums[QueueMeasure.READINGS] += 1.0

    # --- sums ---------------------------------------------------------------------------------------------------------

    def count(self, entry: _Entry, measure: QueueMeasure, amount: float = 1.0) -> None:
        self.sums.queue[self.clock.cell[entry.interval], entry.queue, measure] += amount

    def follow(self, entry: _Entry, measure: QueueMeasure, amount: float = 1.0) -> None:
        """Count for the inquiry that an entry belongs to, if inquiries are followed."""
        if self.tables.inquiries:
            self.sums.queue[self.clock.cell[entry.inquiry_interval], entry.inquiry_queue, measure] += amount

    def is_due(self, entry: _Entry) -> bool:
        """Whether the horizon shows what becomes of the inquiry in the time that its queue allows."""
        return bool(entry.inquiry_arrived + self.tables.resolution_within[entry.inquiry_queue] <= self.clock.end)

    def is_timely(self, entry: _Entry, time: float) -> bool:
        return self.is_due(entry) and bool(
            time - entry.inquiry_arrived <= self.tables.resolution_within[entry.inquiry_queue]
        )

    def count_busy(self, queue: int, group: int, start: float, end: float, interval: int) -> None:
        """Seconds for which an agent is busy with a contact of a queue."""
        self.count_passing(GroupMeasure.BUSY, group, start, end, interval)
        if self.tables.deferrable[queue]:
            self.count_passing(GroupMeasure.DEFERRABLE, group, start, end, interval)

    def count_sessions(self, agent: _Agent, until: float) -> None:
        """Busy seconds since the last start or end of a session of an agent, or since this call began."""
        group, start, queue = agent.group, max(agent.since, self.call_start), agent.sessions[0].queue
        self.count_busy(queue, group, start, until, agent.interval)
        if self.tables.chat[queue]:
            spare = 1.0 - len(agent.sessions) / int(self.tables.concurrency[group])
            self.count_passing(GroupMeasure.SPARE, group, start, until, agent.interval, spare)

    def count_passing(
        self, measure: GroupMeasure, group: int, start: float, end: float, interval: int, share: float = 1.0
    ) -> None:
        """Split seconds, or a share of them, over the cells; ``interval`` is the one in force at ``start``, or one
        before it."""
        for i in range(interval, self.clock.intervals):
            passes = min(end, self.clock.interval_start[i + 1]) - start
            if passes > 0:
                self.sums.group[self.clock.cell[i], group, measure] += share * passes
                start += passes
            if end <= self.clock.interval_start[i + 1]:
                return

    def settle_overrun(self, now: float) -> None:
        """Count the presence of surplus agents since the last time; the interval in force has not changed since."""
        passed = min(now, self.clock.end) - self.overrun_since
        if passed > 0:
            cell = self.clock.cell[self.interval]
            self.sums.group[cell, :, GroupMeasure.OVERRUN] += np.array(self.surplus) * passed
        self.overrun_since = max(now, self.overrun_since)

    # --- what is handed back ------------------------------------------------------------------------------------------

    def outcome(self, until: float, records: bool) -> SupportOutcome:
        table = None
        if records:
            table = np.array(
                [
                    (
                        e.number, e.contact, e.key, e.account, e.queue, e.leg, e.attempt, e.repeats, e.interval,
                        e.group, e.arrived, e.taken_at, e.answered_at, e.talk_end, e.end, e.hold, e.returns_at,
                        e.outcome, e.escalates, e.resolved, e.callback,
                    )
                    for e in sorted(self.rows, key=lambda e: e.number)
                ],
                dtype=RECORD,
            )  # fmt: skip
            mark_in_service(table, until)
        aside = np.bincount([e.queue for e in self.aside.values()], minlength=self.tables.queues)
        unanswered = [sum(not entry.interrupted for entry in queue) for queue in self.waiting]
        waiting = np.array(unanswered, dtype=np.int64) + aside
        return SupportOutcome(waiting, np.array(self.escalated, dtype=ESCALATED), table)

    def state(self, until: float) -> SupportState:
        busy = sorted((row[0], number, *row[1:]) for number, row in self.busy.items())
        waiting = sorted((e for queue in self.waiting for e in queue), key=lambda e: e.number)
        talking = sorted((e for e in self.talking.values() if e.escalates or e.line >= 0), key=lambda e: e.number)
        columns, sessions = self.sessions()
        returning = [e for e in self.returning.values() if e.number not in self.talking or e.line < 0]
        return SupportState(
            time=until,
            interval=self.next_interval,
            entries=self.entries,
            contacts=self.contacts_before + len(self.contacts),
            staff=np.array(self.staff, dtype=np.int64),
            surplus=np.array(self.surplus, dtype=np.int64),
            lines=np.array(self.lines, dtype=np.int64),
            idle_group=np.array([g for g, idle in enumerate(self.idle) for _ in idle], dtype=np.int64),
            idle_since=np.array([since for idle in self.idle for since in idle], dtype=np.float64),
            service_end=np.array([row[0] for row in busy], dtype=np.float64),
            service_entry=np.array([row[1] for row in busy], dtype=np.int64),
            service_group=np.array([row[2] for row in busy], dtype=np.int64),
            service_away=np.array([row[3] for row in busy], dtype=np.float64),
            service_since=np.array([row[4] for row in busy], dtype=np.float64),
            waiting=_open_rows(waiting),
            talking=_open_rows(talking),
            aside=_open_rows(sorted(self.aside.values(), key=lambda e: e.number)),
            returning=_open_rows(sorted(returning, key=lambda e: e.number)),
            **columns,
            sessions=sessions,
        )

    def sessions(self) -> tuple[dict[str, NDArray[Any]], NDArray[Any]]:
        """The agents with sessions, and these, in the order of the state."""
        alone = sorted(
            (agent for agent in self.agents if not self.tables.chat[agent.sessions[0].queue]),
            key=lambda agent: (agent.since, agent.sessions[0].number),
        )
        agents = [
            agent
            for group, by_number in enumerate(self.chatting)
            for agent in (*itertools.chain(*by_number), *(agent for agent in alone if agent.group == group))
        ]
        rows = sorted((e.number, i, e) for i, agent in enumerate(agents) for e in agent.sessions)
        table = np.zeros(len(rows), dtype=SESSION)
        open_rows = _open_rows([e for _, _, e in rows])
        for name in OPEN.names or ():
            table[name] = open_rows[name]
        table["agent"] = [i for _, i, _ in rows]
        for name in ("finish", "resolved", "taken_at", "answered_at"):
            table[name] = [getattr(e, name) for _, _, e in rows]
        table["line"] = [e.line if isnan(e.talk_end) else -1 for _, _, e in rows]
        columns = {
            "agent_group": np.array([agent.group for agent in agents], dtype=np.int64),
            "agent_since": np.array([agent.since for agent in agents], dtype=np.float64),
            "agent_work": np.array([agent.work for agent in agents], dtype=np.float64),
        }
        return columns, table


def _waits(entry: _Entry) -> bool:
    """Whether an entry waits now, not for another try at calling back."""
    never_answered = entry.outcome is Outcome.WAITING and not (entry.callback and entry.deadline < inf)
    return never_answered or entry.interrupted


def _try(entry: _Entry) -> int:
    """The leg of what is drawn for one try at a callback."""
    return entry.leg + _TRY * entry.tries


def _opened(row: Any) -> _Entry:
    """An entry that an earlier call left open, from its :data:`OPEN` row."""
    entry = _Entry(*(row[name].item() for name in OPEN.names[:13]))  # type: ignore[index]
    entry.key = row["key"]
    entry.ticket, entry.hold = bool(row["ticket"]), float(row["hold"])
    if row["waiting"] and not isnan(row["answered_at"]):
        entry.interrupted, entry.outcome = True, Outcome.ANSWERED
        entry.taken_at, entry.answered_at = float(row["taken_at"]), float(row["answered_at"])
    if row["holder_entry"] >= 0:
        entry.holder = _Holder(*(int(row[f"holder_{name}"]) for name in ("entry", "group", "queue", "interval")))
    for name in ("repeats", *_INQUIRY, "callback", "tries", "age"):
        setattr(entry, name, row[name].item())
    return entry


_INQUIRY = ("inquiry_queue", "inquiry_interval", "inquiry_arrived", "effort", "own_time", "responded")


def _inquiry(earlier: _Entry) -> dict[str, Any]:
    """What a contact hands on to the next of its inquiry."""
    return {name: getattr(earlier, name) for name in _INQUIRY}


def _open_rows(entries: list[_Entry]) -> NDArray[Any]:
    rows = [
        (
            e.number, e.contact, e.key, e.account, e.queue, e.leg, e.attempt, e.origin, e.interval, e.line,
            e.arrived, e.deadline, e.talk, e.talk_end, _waits(e), e.escalates, e.ticket, e.hold,
            *(e.holder or (-1, -1, -1, -1)), e.repeats, *(getattr(e, name) for name in _INQUIRY), e.callback, e.tries,
            *((e.taken_at, e.answered_at) if e.interrupted else (nan, nan)), e.age,
        )
        for e in entries
    ]  # fmt: skip
    return np.array(rows, dtype=OPEN)
