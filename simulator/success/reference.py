"""The readable engine of customer success work: the specification that the compiled engine equals.

Things. An *instance* is one activity for one account; its steps form a chain, one done after the other. A *CSM* is at
any business second either in a block (internal time, leave, a meeting) or free. A *desk* is a list of work and those
who do it: one per CSM when accounts have owners, one for all where work may go to one or another (pooled and mixed
books, cover during leave), and one without people for accounts whose owner is nobody or not active. All times are whole
business seconds.

Rules.

1.  *Work.* The work of a step is drawn by key when it is first taken up (of a meeting: when it is first booked): the
    law's value, for desk steps times the instance's effort, for desk and interrupt steps divided by the CSM's speed,
    rounded half up to whole seconds, at least one second unless the value is 0. A step handed over keeps the seconds
    that are left. A meeting lasts at least one second. SHORTEN: a desk step that, begun now and not broken off, would
    end after its due date gets the activity's share of its value instead.
2.  *Booking.* At its release an instance with a meeting looks for a slot: the first run of consecutive free slots of
    one day, long enough for the meeting, that begins after this instant and not before release + lead, in a CSM's day
    with fewer meetings than the cap, at a beginning that suits the customer (a keyed uniform per instance, attempt,
    day and slot, below the segment's availability). With owners it is the owner's calendar; pooled, the CSM who has
    the earliest such beginning (tie: lowest index) holds the meeting. Releases at one instant book in instance order.
    An instance that skips books no slot that begins at its due date or later. Where no slot is left the instance is
    unbooked: its preparation is due by the window, and it looks again only when its CSM changes (rule 11).
3.  *Chain.* A step becomes ready when its predecessor ends, the first at release (the first that is left, of work under
    way when the horizon begins; a meeting behind it is past). Due dates: by the window; before
    the meeting (booked beginning less buffer; moves with the booking until the step is done); or at the close of the
    n-th business day after the day on which the predecessor ended. Following steps of a meeting wait for its end.
4.  *A meeting's beginning.* First the customer may cancel (keyed uniform per attempt below the segment's probability),
    or else stay away (likewise; the CSM waits for one slot, as in a meeting, and books again at once as after a
    cancellation). Else, if preparation is open: POSTPONE gives the slot up; HOLD drops what is open of the preparation
    (missed) and goes on. A held meeting blocks its CSM for its drawn time; the rest of its slots is desk time. A
    cancelled or postponed one frees its slots at once and books again, next attempt, from the opening of the day that
    lies a drawn number of business days (uniform, keyed per attempt) after today, later than this instant.
5.  *A free CSM* works on interrupts first, then on the desk step in hand, else takes up the ready desk step that the
    team's rule puts first: by due date; TIER: by the segment's rank, then due date; RENEWAL: by the activity's
    priority, then due date; VALUE: by the most of account's value ÷ (mean work × effort × (time left until it is due, 0
    when over, + 8 hours)), at the instant of the choice, then due date (last tie: instance order, which is by release).
    A step in hand is not left for another one.
    Interrupts are served first in first out (by the time they became ready, then instance order), break off desk work
    at once, never a block nor each other. A block or a night suspends work without loss.
6.  *Set-up.* When an interrupt is taken up while a desk step is in hand, that step owes one full set-up, worked off
    when it is resumed. (A set-up broken off is owed in full again.)
7.  *Take-up.* CSMs with a suspended interrupt resume it. Then each waiting interrupt goes to the free CSM of
    lowest index with nothing in hand, else to the free one of lowest index whose desk step it breaks off. Then the
    free CSM of lowest index resumes its desk step in hand or takes the next ready step. Work of no length ends at
    once, and the choice begins anew. At the beginning of leave work in hand goes back to the desk's list. Pooled work
    is for every CSM, other work for its owner alone (mixed books: by segment); with cover, interrupts of an owner on
    leave are for the next CSM in order (after the last comes the first) who is active and not on leave that day. What
    nobody free may take is passed over.
8.  *Late work.* LATE goes on after its due date. SKIP: at the window's end an instance with an open step due by the
    window is dropped whole; a step due days after its predecessor is dropped at its due date with all that follows.
    A meeting under way is held to its end.
9.  *Order at one instant.* Blocks and meetings end; work ends; overtime; due dates pass; [a call stops here];
    departures, changes of owner; meetings begin; releases with their booking and interrupts; internal time and leave
    begin; work is taken up. Within a kind by CSM, then by instance.
10. *On time.* Work is on time when it ended at or before its due date, a meeting when it began before it. Sums go to
    the month in which the due date lies (one on a month's end belongs to that month); due dates beyond the last
    month do not count. On the last call a step still open is missed when its due date has passed, else not counted.
11. *Changes between calls.* Calls stop at the end of a day. An account that left: its open steps are void and its
    slot is free. A changed owner: open steps go along; a booked meeting moves to the new owner's calendar with the
    same attempt, from its old beginning on (so it stays where the new owner is free); an unbooked one looks from
    now + lead on. All slots are freed before any is booked anew. Pooled: the same for meetings in calendars of CSMs
    who are no longer active; unbooked ones look again when a CSM has joined. A CSM not active has no hours. A call may
    have more CSMs than the last, behind those: they were there before, and not active.
12. *Records.* A meeting is ready from its instance's release. Steps that a dropped or departed instance would have
    had later, with a due date not yet fixed, never came due: they have a record and are in no sum.
13. *Overtime.* It has no place on the clock: at the evening of a business day, pressing desk work is worked on after
    hours, as long as the CSM's seconds of overtime of the calendar week last, and what ends in it ends at that instant.
    Pressing is what is due by then, or would end after its due date if the CSM began with it next morning. Of those who
    were there that day the one with most seconds left (tie: lowest index) who has such work goes on with the step in
    hand, if that is pressing; else it goes back to the list, for the earliest due date among the pressing work that the
    CSM may take (tie: instance order). Then the choice begins anew. Before each choice CSMs whose seconds are used up
    lay aside a pressing step in hand that a colleague who has some left may take. A suspended interrupt waits for the
    morning. Overtime belongs to the month in which its day lies.
14. *Focus time.* A stretch of whole slots behind a day's internal time in which no meeting is booked and interrupts
    break off no desk work: they are taken up by CSMs who have none, by lowest index. One already in hand is finished.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import simpy
from numpy.typing import NDArray

from simulator import kernels
from simulator.success import tables
from simulator.success.tables import (
    ActivityTables,
    Instances,
    MeetingOutcome,
    StepOutcome,
    SuccessOutcome,
    TeamTables,
)


class Phase(IntEnum):
    """Order at one instant (rule 9)."""

    BLOCK_ENDS = 0
    WORK_ENDS = 1
    OVERTIME = 2
    DUE_DATES = 3
    CALL_STOPS = 4
    MEETINGS_BEGIN = 5
    RELEASES = 6
    BLOCKS_BEGIN = 7
    TAKE_UP = 8


ANYBODY = -1
"""Owner of pooled work. The index behind the last CSM stands for nobody."""


class Appointment(simpy.Event):
    """Something that happens at a time, in a phase, in an order within it."""

    def __init__(self, env: simpy.Environment, time: int, phase: Phase, order: int, action: Callable[[], None]) -> None:
        super().__init__(env)
        self._ok, self._value = True, None
        self.callbacks = [lambda _: action()]
        priority = simpy.events.EventPriority((int(phase) << 48) + order)
        env.schedule(self, priority=priority, delay=time - env.now)


@dataclass(eq=False)
class Booking:
    """Slots held for a meeting in one CSM's calendar."""

    person: Person
    day: int
    first: int
    slots: int
    start: int
    made: int


@dataclass(eq=False)
class Instance:
    """One activity for one account, on its way."""

    number: int
    activity: int
    account: int
    segment: int
    key: np.uint64
    effort: float
    release: int
    due: int
    step: int
    value: float
    owner: int
    desk: Desk
    ready: int = -1
    step_due: int = -1  # of a step that is due days after its predecessor
    left: int = -1  # seconds of work; -1 before it is drawn
    owed: int = 0  # seconds of set-up
    started: int = -1
    holder: Person | None = None
    length: int = -1
    attempt: int = 0
    booking: Booking | None = None
    under_way: bool = False
    closed: bool = False
    cancelled_in_time: bool = False


@dataclass(eq=False)
class Person:
    """One CSM."""

    index: int
    desk: Desk
    calendar: list[list[bool]]  # by business day: is the slot taken?
    meetings: list[int]  # by business day: how many are booked
    active: bool = False
    block: tables.Column | None = None  # the hour kind of the block
    hand: Instance | None = None
    interrupt: Instance | None = None
    running: Instance | None = None
    since: int = 0  # hours are accounted for up to here
    week: int = -1  # the calendar week of the overtime that is left
    overtime: int = 0
    version: int = 0  # of what is running, so that the end of something broken off is known as stale

    @property
    def idle(self) -> bool:
        return self.active and self.block is None and self.running is None


@dataclass(eq=False)
class Desk:
    """A list of work and those who do it."""

    people: list[Person] = field(default_factory=list)
    ready: list[Instance] = field(default_factory=list)
    interrupts: list[Instance] = field(default_factory=list)
    wake_at: int = -1


class State:
    """The team as it stands at the end of a call. A call uses up the state it is given."""

    def __init__(self, activities: ActivityTables, team: TeamTables) -> None:
        self.activities = activities
        self.team = team
        self.env = simpy.Environment()
        self.start: list[int] = team.clock.start.tolist()
        self.slots: list[int] = team.slots_of_day.tolist()
        self.nobody = Desk()
        self.desks = [Desk()] if team.joint else [Desk() for _ in range(team.people)]
        self.people: list[Person] = []
        for c in range(team.people):
            self._join(c, self.desks[0 if team.joint else c])
        self.open: dict[int, Instance] = {}
        self.count = 0
        # of the present call
        self.speed = np.ones(team.people)
        self.sums, self.hours = tables.new_sums(activities, team), tables.new_hours(team)
        self.headlines = np.zeros((0, 3), dtype=np.int64)
        self.rows: list[tuple[int, ...]] = []
        self.meetings: list[tuple[int, ...]] = []

    def _join(self, index: int, desk: Desk) -> None:
        desk.people.append(Person(index, desk, self._empty_calendar(index), [0] * self.team.days))
        self.people.append(desk.people[-1])

    def grow(self, team: TeamTables) -> None:
        """Take in those who have joined the team since (rule 11)."""
        known, self.team = len(self.people), team
        for c in range(known, team.people):
            if not team.joint:
                self.desks.append(Desk())
            self._join(c, self.desks[-1])
        for instance in self.open.values():
            if instance.owner == known:  # nobody
                instance.owner = team.people

    @property
    def now(self) -> int:
        """Business second up to which the team has been simulated."""
        return int(self.env.now)

    def _empty_calendar(self, index: int) -> list[list[bool]]:
        calendar = []
        for day, (first, count) in enumerate(self.team.internal_blocks.tolist()):
            away = bool(self.team.leave[index, day])
            end = first + count + int(self.team.focus_blocks[day, 1])
            calendar.append([away or first <= slot < end for slot in range(self.slots[day])])
        return calendar

    # --- a call ------------------------------------------------------------------------------------------------------

    def call(
        self,
        instances: Instances,
        owner: NDArray[np.int64],
        active: NDArray[np.bool_],
        alive: NDArray[np.bool_],
        until: int,
        value: NDArray[np.float64] | None = None,
    ) -> None:
        """Simulate up to ``until``."""
        self._depart(alive)
        self._change_people(owner, active)
        for i in range(len(instances)):
            self._schedule_release(instances, i, owner, value)
        first, last = bisect.bisect_left(self.start, self.now), bisect.bisect_left(self.start, until)
        for person in self.people:
            if person.active:
                for day in range(first, last):
                    self._schedule_block(person, day)
            self._wake(person.desk)
        for day in range(first, last):
            for number, desk in enumerate(self.desks):
                self._schedule_day(desk, number, day)
        self.env.run(until=Appointment(self.env, until, Phase.CALL_STOPS, 0, lambda: None))
        for person in self.people:
            self._account(person)

    def _at(self, time: int, phase: Phase, order: int, action: Callable[[], None]) -> None:
        Appointment(self.env, time, phase, order, action)

    def _schedule_day(self, desk: Desk, number: int, day: int) -> None:
        """The end of focus time and the evening, where they matter."""
        focus = self._focus_time(day)
        if focus:
            self._at(focus.stop, Phase.BLOCK_ENDS, number, lambda: self._wake(desk))
        if self.team.overtime:
            self._at(self.start[day + 1], Phase.OVERTIME, number, lambda: self._work_overtime(desk, day))

    def _focus_time(self, day: int) -> range:
        first, count = self.team.focus_blocks[day].tolist()
        begin = self.start[day] + first * self.team.slot
        return range(begin, begin + count * self.team.slot)

    def _schedule_release(
        self, instances: Instances, i: int, owners: NDArray[np.int64], value: NDArray[np.float64] | None
    ) -> None:
        activity, account, segment = (int(getattr(instances, n)[i]) for n in ("activity", "account", "segment"))
        owner = self._owner_of(segment, int(owners[account]))
        instance = Instance(
            number=self.count,
            activity=activity,
            account=account,
            segment=segment,
            key=np.uint64(instances.key[i]),
            effort=float(instances.effort[i]),
            release=int(instances.release[i]),
            due=int(instances.due[i]),
            step=int(self.activities.first_step[activity] + instances.step[i]),
            value=0.0 if value is None else float(value[account]),
            owner=owner,
            desk=self._desk_of(owner),
        )
        self.count += 1
        self._at(instance.release, Phase.RELEASES, instance.number, lambda: self._release(instance))

    def _schedule_block(self, person: Person, day: int) -> None:
        opening, (first, count) = self.start[day], self.team.internal_blocks[day].tolist()
        if self.team.leave[person.index, day]:
            kind, begin, end = tables.H_ABSENT, opening, self.start[day + 1]
        elif count:
            kind, begin = tables.H_INTERNAL, opening + first * self.team.slot
            end = begin + count * self.team.slot
        else:
            return
        self._at(begin, Phase.BLOCKS_BEGIN, person.index, lambda: self._begin_block(person, kind))
        self._at(end, Phase.BLOCK_ENDS, person.index, lambda: self._end_block(person))

    # --- changes between calls ---------------------------------------------------------------------------------------

    def _depart(self, alive: NDArray[np.bool_]) -> None:
        for instance in list(self.open.values()):
            if not alive[instance.account]:
                self.close(instance, StepOutcome.VOID)

    def _change_people(self, owner: NDArray[np.int64], active: NDArray[np.bool_]) -> None:
        joined = any(active[person.index] and not person.active for person in self.people)
        for person in self.people:
            if person.active and not active[person.index]:
                self._put_down(person)
            person.active = bool(active[person.index])
            person.since = self.now
        moved: list[tuple[Instance, int]] = []
        for instance in self.open.values():
            new = self._owner_of(instance.segment, int(owner[instance.account]))
            booked = instance.booking
            if new != instance.owner:
                self._hand_over(instance, new)
            elif not (new == ANYBODY and (joined if booked is None else not booked.person.active)):
                continue
            meeting = self.activities.meeting_step[instance.activity]
            if instance.step <= meeting:
                moved.append((instance, self.now + self.team.lead if booked is None else booked.start))
                self._free_slots(instance, MeetingOutcome.MOVED)
        for instance, earliest in moved:
            self._book(instance, earliest)

    def _owner_of(self, segment: int, owner: int) -> int:
        if self.team.shared[segment]:
            return ANYBODY
        return owner if owner >= 0 and self.people[owner].active else len(self.people)

    def _desk_of(self, owner: int) -> Desk:
        if self.team.joint:
            return self.desks[0]
        return self.desks[owner] if owner < len(self.people) else self.nobody

    def _hand_over(self, instance: Instance, owner: int) -> None:
        self._take_away(instance)
        instance.owner, instance.desk = owner, self._desk_of(owner)
        if self.activities.step_kind[instance.step] != tables.MEETING:
            self._offer(instance)

    # --- the life of an instance -------------------------------------------------------------------------------------

    def _release(self, instance: Instance) -> None:
        self.open[instance.number] = instance
        if self.activities.late[instance.activity] == tables.SKIP and instance.due > self.env.now:
            self._at(instance.due, Phase.DUE_DATES, instance.number, lambda: self._due_date(instance))
        if instance.step <= self.activities.meeting_step[instance.activity]:
            self._book(instance, max(instance.release + self.team.lead, self.now + 1))
        self._make_ready(instance, self._day_of_beginning(self.now))

    def _make_ready(self, instance: Instance, day: int) -> None:
        """The current step may be worked on from now; its predecessor ended on business day ``day``."""
        step = instance.step
        instance.ready, instance.started, instance.left, instance.owed = self.now, -1, -1, 0
        if self.activities.step_due[step] == tables.DUE_AFTER:
            close = day + int(self.activities.step_due_days[step]) + 1
            instance.step_due = self.start[min(close, self.team.days)]
        if self._overdue(instance):
            self.close(instance, StepOutcome.MISSED)
            return
        skips = self.activities.late[instance.activity] == tables.SKIP
        if skips and self.activities.step_due[step] == tables.DUE_AFTER:
            self._at(instance.step_due, Phase.DUE_DATES, instance.number, lambda: self._due_date(instance))
        if self.activities.step_kind[step] != tables.MEETING:
            self._offer(instance)

    def _overdue(self, instance: Instance) -> bool:
        """Rule 8: is the instance to be dropped now?"""
        if self.activities.late[instance.activity] != tables.SKIP:
            return False
        if instance.step <= self.activities.last_window_step[instance.activity] and instance.due <= self.env.now:
            return True
        return self.activities.step_due[instance.step] == tables.DUE_AFTER and instance.step_due <= self.env.now

    def _due_date(self, instance: Instance) -> None:
        if not instance.closed and not instance.under_way and self._overdue(instance):
            self.close(instance, StepOutcome.MISSED)

    def _finish(self, instance: Instance, person: Person) -> None:
        """The current step, desk work or an interrupt, is done."""
        if person.interrupt is instance:
            person.interrupt = None
        else:
            person.hand = None
        instance.holder = None
        due = self._due_of(instance, instance.step)
        assert due is not None
        outcome = StepOutcome.ON_TIME if self.now <= due else StepOutcome.LATE
        self._settle(instance, instance.step, outcome, due, instance.ready, instance.started, self.now, person.index)
        self._next_step(instance)

    def _next_step(self, instance: Instance) -> None:
        instance.step += 1
        if instance.step == self.activities.first_step[instance.activity + 1]:
            instance.closed = True
            del self.open[instance.number]
        else:
            self._make_ready(instance, max(bisect.bisect_left(self.start, self.now) - 1, 0))

    def close(self, instance: Instance, outcome: StepOutcome) -> None:
        """Give up every open step: MISSED, VOID, or OPEN at the end of the horizon."""
        first = instance.step
        for step in range(first, int(self.activities.first_step[instance.activity + 1])):
            due = self._due_of(instance, step)
            what = outcome if due is not None or outcome == StepOutcome.OPEN else StepOutcome.NEVER
            meeting = step == self.activities.meeting_step[instance.activity]
            ready = instance.release if meeting else instance.ready if step == first else -1
            started = instance.started if step == first else -1
            self._settle(instance, step, what, -1 if due is None else due, ready, started, -1, -1)
        self._take_away(instance)
        freed = MeetingOutcome.OPEN if outcome == StepOutcome.OPEN else MeetingOutcome.FREED
        self._free_slots(instance, freed)
        instance.closed = True
        del self.open[instance.number]

    def _due_of(self, instance: Instance, step: int) -> int | None:
        """The due date of an open step, None while it is not fixed."""
        rule = self.activities.step_due[step]
        if rule == tables.DUE_AFTER:
            return instance.step_due if step == instance.step else None
        if rule == tables.DUE_MEETING and instance.booking is not None:
            return instance.booking.start - int(self.activities.step_buffer[step])
        return instance.due

    # --- the calendar ------------------------------------------------------------------------------------------------

    def _book(self, instance: Instance, earliest: int) -> None:
        step = int(self.activities.meeting_step[instance.activity])
        if instance.length < 0:
            instance.length = max(_whole(self._law_value(instance, step)), 1)
        need = math.ceil(instance.length / self.team.slot)
        instance.booking = self._search(instance, need, earliest)
        booking = instance.booking
        if booking is None:
            self._log_booking(instance, -1, self.now, -1, need, MeetingOutcome.UNBOOKED)
            self._count(instance, step, instance.due, tables.UNBOOKED)
            return
        self._count(instance, step, instance.due, tables.BOOKED)
        person = booking.person
        person.meetings[booking.day] += 1
        person.calendar[booking.day][booking.first : booking.first + need] = [True] * need
        order = (person.index << 32) + instance.number
        self._at(booking.start, Phase.MEETINGS_BEGIN, order, lambda: self._begin_meeting(instance, booking))

    def _search(self, instance: Instance, need: int, earliest: int) -> Booking | None:
        """Rule 2: the first slot that suits everybody."""
        skips = self.activities.late[instance.activity] == tables.SKIP
        for day in range(self._day_of_beginning(earliest), self.team.days):
            for slot in range(self.slots[day] - need + 1):
                start = self.start[day] + slot * self.team.slot
                if start < earliest:
                    continue
                if skips and start >= instance.due:
                    return None
                for person in self._calendars(instance):
                    free = not any(person.calendar[day][slot : slot + need])
                    if person.active and free and person.meetings[day] < self.team.meetings_per_day:
                        if self._suits_customer(instance, day, slot):
                            return Booking(person, day, slot, need, start, self.now)
                        break
        return None

    def _calendars(self, instance: Instance) -> list[Person]:
        """Those who may hold the instance's meeting."""
        return self.people if instance.owner == ANYBODY else self.people[instance.owner : instance.owner + 1]

    def _suits_customer(self, instance: Instance, day: int, slot: int) -> bool:
        leg = tables.slot_leg(instance.attempt, int(self.team.clock.day[day]), slot)
        answer = kernels.uniform(instance.key, tables.PURPOSE_AVAILABLE, leg)
        return bool(answer < self.team.customer_availability[instance.segment])

    def _free_slots(self, instance: Instance, outcome: MeetingOutcome) -> None:
        booking, instance.booking = instance.booking, None
        if booking is not None:
            person = booking.person
            self._log_booking(instance, person.index, booking.made, booking.start, booking.slots, outcome)
            person.meetings[booking.day] -= 1
            person.calendar[booking.day][booking.first : booking.first + booking.slots] = [False] * booking.slots

    def _begin_meeting(self, instance: Instance, booking: Booking) -> None:
        if instance.booking is not booking:
            return
        step = int(self.activities.meeting_step[instance.activity])
        person = booking.person
        self._add_hours(person, tables.H_RESERVED, self.now, booking.slots * self.team.slot)
        prepared = instance.step == step
        cancelling = kernels.uniform(instance.key, tables.PURPOSE_CANCELLATION, instance.attempt)
        if cancelling < self.team.cancellation[instance.segment]:
            self._count(instance, step, instance.due, tables.CANCELLED)
            instance.cancelled_in_time |= self.now < instance.due
            self._book_again(instance, booking, MeetingOutcome.CANCELLED)
            return
        staying_away = kernels.uniform(instance.key, tables.PURPOSE_NO_SHOW, instance.attempt)
        if staying_away < self.team.staying_away[instance.segment]:
            self._count(instance, step, instance.due, tables.NO_SHOW)
            instance.cancelled_in_time |= self.now < instance.due
            self._book_again(instance, booking, MeetingOutcome.NO_SHOW)
            self._begin_block(person, tables.H_MEETING)
            self._at(self.now + self.team.slot, Phase.BLOCK_ENDS, person.index, lambda: self._end_block(person))
            return
        if not prepared:
            self._count(instance, step, instance.due, tables.UNPREPARED)
            if self.activities.unprepared[instance.activity] == tables.POSTPONE:
                self._count(instance, step, instance.due, tables.POSTPONED)
                self._book_again(instance, booking, MeetingOutcome.POSTPONED)
                return
            self._drop_preparation(instance, step)
        outcome = MeetingOutcome.HELD if prepared else MeetingOutcome.HELD_UNPREPARED
        self._log_booking(instance, person.index, booking.made, booking.start, booking.slots, outcome)
        on_time = StepOutcome.ON_TIME if self.now < instance.due else StepOutcome.LATE
        finished = self.now + instance.length
        self._settle(instance, step, on_time, instance.due, instance.release, self.now, finished, person.index)
        instance.booking, instance.under_way = None, True
        self._begin_block(person, tables.H_MEETING)
        self._at(finished, Phase.BLOCK_ENDS, person.index, lambda: self._end_meeting(instance, person))

    def _end_meeting(self, instance: Instance, person: Person) -> None:
        self._end_block(person)
        instance.under_way = False
        self._next_step(instance)

    def _book_again(self, instance: Instance, booking: Booking, outcome: MeetingOutcome) -> None:
        low, high = self.team.rebook_after
        drawn = kernels.uniform(instance.key, tables.PURPOSE_REBOOK, instance.attempt)
        days = low + int(drawn * (high - low + 1))
        self._free_slots(instance, outcome)
        instance.attempt += 1
        opening = self.start[min(booking.day + days, self.team.days)]
        self._book(instance, max(opening, self.now + 1))

    def _drop_preparation(self, instance: Instance, meeting: int) -> None:
        for step in range(instance.step, meeting):
            due = self._due_of(instance, step)
            first = step == instance.step
            ready, started = (instance.ready, instance.started) if first else (-1, -1)
            what = StepOutcome.NEVER if due is None else StepOutcome.MISSED
            self._settle(instance, step, what, -1 if due is None else due, ready, started, -1, -1)
        self._take_away(instance)
        instance.step = meeting

    # --- work on the desk --------------------------------------------------------------------------------------------

    def _offer(self, instance: Instance) -> None:
        interrupts = self.activities.step_kind[instance.step] == tables.INTERRUPT
        (instance.desk.interrupts if interrupts else instance.desk.ready).append(instance)
        self._wake(instance.desk)

    def _take_away(self, instance: Instance) -> None:
        """Off the lists, and out of the hands of whoever has it."""
        for waiting in (instance.desk.ready, instance.desk.interrupts):
            if instance in waiting:
                waiting.remove(instance)
        person, instance.holder = instance.holder, None
        if person is None:
            return
        if person.running is instance:
            self._pause(person)
        if person.hand is instance:
            person.hand = None
        else:
            person.interrupt = None
        self._wake(person.desk)

    def _put_down(self, person: Person) -> None:
        """All work in hand goes back to the desk's list."""
        for instance in (person.hand, person.interrupt):
            if instance is not None:
                self._lay_aside(instance)

    def _wake(self, desk: Desk) -> None:
        """See at the end of this instant who takes up what."""
        if desk.wake_at != self.now:
            desk.wake_at = self.now
            order = desk.people[0].index if desk.people else 0
            self._at(self.now, Phase.TAKE_UP, order, lambda: self._take_up(desk))

    def _take_up(self, desk: Desk) -> None:
        for person in desk.people:
            if person.idle and person.interrupt is not None:
                self._work_on(person, person.interrupt)
        if self.now in self._focus_time(self._day_of_beginning(self.now)):
            while self._take_desk_work(desk) or self._take_interrupt(desk, breaks_off=False):
                pass
        else:
            while self._take_interrupt(desk) or self._take_desk_work(desk):
                pass
        desk.wake_at = -1

    def _may_take(self, person: Person, instance: Instance) -> bool:
        if instance.owner in (ANYBODY, person.index):
            return True
        interrupts = self.activities.step_kind[instance.step] == tables.INTERRUPT
        return bool(self.team.cover and interrupts and person is self._cover_of(instance.owner))

    def _cover_of(self, owner: int) -> Person | None:
        """Who answers today for an owner on leave."""
        day = self._day_of_beginning(self.now)
        if owner == len(self.people) or not self.team.leave[owner, day]:
            return None
        for person in self.people[owner + 1 :] + self.people[:owner]:
            if person.active and not self.team.leave[person.index, day]:
                return person
        return None

    def _take_interrupt(self, desk: Desk, breaks_off: bool = True) -> bool:
        free = [p for p in desk.people if p.active and p.block is None and p.interrupt is None]
        free = [p for p in free if breaks_off or p.running is None]
        for instance in sorted(desk.interrupts, key=lambda i: (i.ready, i.number)):
            takers = [p for p in free if self._may_take(p, instance)]
            if takers:
                break
        else:
            return False
        person = min(takers, key=lambda p: (p.hand is not None, p.index))
        desk.interrupts.remove(instance)
        if person.running is not None:
            self._pause(person)
        if person.hand is not None:
            person.hand.owed = self.team.setup
        person.interrupt, instance.holder = instance, person
        self._work_on(person, instance)
        return True

    def _take_desk_work(self, desk: Desk) -> bool:
        for person in desk.people:
            if person.idle and person.interrupt is None:
                if person.hand is None:
                    self._pick_up(person, [i for i in desk.ready if self._may_take(person, i)], self._order)
                if person.hand is not None:
                    self._work_on(person, person.hand)
                    return True
        return False

    def _pick_up(self, person: Person, choice: list[Instance], order: Callable[[Instance], tuple[float, ...]]) -> None:
        if choice:
            instance = min(choice, key=order)
            person.desk.ready.remove(instance)
            person.hand, instance.holder = instance, person

    def _due_order(self, instance: Instance) -> tuple[float, ...]:
        due = self._due_of(instance, instance.step)
        assert due is not None
        return due, instance.number

    def _order(self, instance: Instance) -> tuple[float, ...]:
        """Rule 5: smallest first."""
        due, number = self._due_order(instance)
        first = 0.0
        if self.team.rule == tables.TIER:
            first = float(self.team.rank[instance.segment])
        elif self.team.rule == tables.RENEWAL:
            first = float(self.activities.priority[instance.activity])
        elif self.team.rule == tables.VALUE:
            work = float(self.activities.step_mean[instance.step]) * instance.effort
            first = -instance.value / (max(work, 1.0) * (max(due - self.now, 0) + tables.URGENCY_SECONDS))
        return first, due, number

    def _work_overtime(self, desk: Desk, day: int) -> None:
        assert self.team.week is not None
        there = [p for p in desk.people if p.active and not self.team.leave[p.index, day]]
        for person in there:
            if person.week != self.team.week[day]:
                person.week, person.overtime = int(self.team.week[day]), self.team.overtime
        while True:
            self._pass_on(there)
            able = [p for p in there if p.overtime > 0 and (self._presses(p, p.hand) or self._pressing(p))]
            if not able:
                return
            person = min(able, key=lambda p: (-p.overtime, p.index))
            if not self._presses(person, person.hand):
                choice = self._pressing(person)
                if person.hand is not None:
                    self._lay_aside(person.hand)
                self._pick_up(person, choice, self._due_order)
            self._spend_overtime(person)

    def _pass_on(self, there: list[Person]) -> None:
        """Who may not stay longer leaves what presses to those who may."""
        for person in there:
            hand = person.hand
            if person.overtime > 0 or hand is None or not self._presses(person, hand):
                continue
            if any(p.overtime > 0 and self._may_take(p, hand) for p in there):
                self._lay_aside(hand)

    def _presses(self, person: Person, instance: Instance | None) -> bool:
        """Can the step not wait for the morning?"""
        if instance is None:
            return False
        if person.running is instance:
            self._account(person)  # so that its seconds left are those of this instant
        due = self._due_order(instance)[0]
        left = self._work_of(person, instance) if instance.left < 0 else instance.left + instance.owed
        return due <= self.now or self.now + left > due

    def _pressing(self, person: Person) -> list[Instance]:
        return [i for i in person.desk.ready if self._may_take(person, i) and self._presses(person, i)]

    def _lay_aside(self, instance: Instance) -> None:
        self._take_away(instance)
        self._offer(instance)

    def _spend_overtime(self, person: Person) -> None:
        """After hours on the step in hand, to its end or as long as the overtime of the week lasts."""
        instance = person.hand
        assert instance is not None
        if person.running is instance:
            self._pause(person)
        if instance.left < 0:
            self._draw_work(person, instance)
        spent = min(instance.left + instance.owed, person.overtime)
        setup = min(spent, instance.owed)
        month = int(np.searchsorted(self.team.months, self.now)) - 1
        for kind, seconds in ((tables.H_SETUP, setup), (tables.H_DESK, spent - setup), (tables.H_OVERTIME, spent)):
            self.hours[month, person.index, kind] += seconds
        person.overtime -= spent
        instance.owed -= setup
        instance.left -= spent - setup
        if instance.left + instance.owed == 0:
            self._finish(instance, person)
        self._wake(person.desk)

    def _work_of(self, person: Person, instance: Instance, share: float = 1.0) -> int:
        """Rule 1: the seconds of the present step, or of a share of it."""
        desk = self.activities.step_kind[instance.step] == tables.DESK
        value = self._law_value(instance, instance.step) * (instance.effort if desk else 1.0)
        return _whole(value * share / float(self.speed[person.index]))

    def _draw_work(self, person: Person, instance: Instance) -> None:
        """The step is taken up."""
        instance.left, instance.started = self._work_of(person, instance), self.now
        desk = self.activities.step_kind[instance.step] == tables.DESK
        due = self._due_of(instance, instance.step)
        assert due is not None
        if desk and self.activities.late[instance.activity] == tables.SHORTEN and self.now + instance.left > due:
            instance.left = self._work_of(person, instance, float(self.activities.shortened_share[instance.activity]))
            self._count(instance, instance.step, due, tables.SHORTENED)

    def _work_on(self, person: Person, instance: Instance) -> None:
        if instance.left < 0:
            self._draw_work(person, instance)
        if instance.left + instance.owed == 0:
            self._finish(instance, person)
            return
        self._account(person)
        person.running = instance
        person.version += 1
        version = person.version
        end = self.now + instance.left + instance.owed
        self._at(end, Phase.WORK_ENDS, person.index, lambda: self._end_work(person, version))

    def _end_work(self, person: Person, version: int) -> None:
        instance = person.running
        if instance is not None and person.version == version:
            self._pause(person)
            self._finish(instance, person)
            self._wake(person.desk)

    def _pause(self, person: Person) -> None:
        self._account(person)
        person.running = None

    def _begin_block(self, person: Person, kind: tables.Column) -> None:
        self._pause(person)
        person.block = kind
        if kind == tables.H_ABSENT:
            self._put_down(person)
            self._wake(person.desk)  # for the cover

    def _end_block(self, person: Person) -> None:
        self._account(person)
        person.block = None
        self._wake(person.desk)

    def _account(self, person: Person) -> None:
        """Book the time since the last change to what the CSM did, and take it off the work that is left."""
        spent = self.now - person.since
        instance = person.running
        if not person.active:
            pass
        elif person.block is not None:
            self._add_hours(person, person.block, person.since, spent)
        elif instance is None:
            self._add_hours(person, tables.H_IDLE, person.since, spent)
        else:
            setup = min(spent, instance.owed)
            interrupts = self.activities.step_kind[instance.step] == tables.INTERRUPT
            self._add_hours(person, tables.H_SETUP, person.since, setup)
            kind = tables.H_INTERRUPT if interrupts else tables.H_DESK
            self._add_hours(person, kind, person.since + setup, spent - setup)
            instance.owed -= setup
            instance.left -= spent - setup
        person.since = self.now

    # --- what is written down ----------------------------------------------------------------------------------------

    def _law_value(self, instance: Instance, step: int) -> float:
        laws = self.activities.laws
        leg = step - int(self.activities.first_step[instance.activity])
        word = np.uint64(kernels.bits(instance.key, tables.PURPOSE_WORK, leg))
        return float(kernels.draw(laws.tables, laws.scale, laws.zero, int(self.activities.step_law[step]), word))

    def _day_of_beginning(self, time: int) -> int:
        return bisect.bisect_right(self.start, time) - 1

    def _add_hours(self, person: Person, kind: tables.Column, begin: int, seconds: int) -> None:
        months = self.team.months
        for month in range(len(months) - 1):
            inside = min(begin + seconds, int(months[month + 1])) - max(begin, int(months[month]))
            if inside > 0:
                self.hours[month, person.index, kind] += inside

    def _count(self, instance: Instance, step: int, due: int, measure: tables.Column, amount: int = 1) -> None:
        month = max(int(np.searchsorted(self.team.months, due)) - 1, 0)
        if month < len(self.team.months) - 1:
            self.sums[month, step, instance.segment, measure] += amount

    def _settle(
        self,
        instance: Instance,
        step: int,
        outcome: StepOutcome,
        due: int,
        ready: int,
        started: int,
        finished: int,
        csm: int,
    ) -> None:
        """Write down what became of a step, in rows, sums and headlines."""
        meeting = step == self.activities.meeting_step[instance.activity]
        booked = instance.booking is not None or csm >= 0
        attempts = instance.attempt + int(booked) if meeting else 0
        self.rows.append((instance.number, step, csm, ready, due, started, finished, int(outcome), attempts))
        if outcome == StepOutcome.NEVER:
            return
        if outcome == StepOutcome.VOID:
            self._count(instance, step, due, tables.VOID)
            return
        if outcome == StepOutcome.OPEN:
            if due == -1 or due > self.now:  # -1: never fixed; a window may have ended before the first day
                return
            outcome = StepOutcome.MISSED
        self._count(instance, step, due, tables.DUE)
        self._count(instance, step, due, (tables.ON_TIME, tables.LATE_DONE, tables.MISSED)[outcome])
        if outcome != StepOutcome.MISSED:
            ended = started if meeting else finished
            self._count(instance, step, due, tables.ELAPSED, ended - ready)
            if outcome == StepOutcome.LATE:
                self._count(instance, step, due, tables.DELAY, ended - due)
        if meeting and outcome != StepOutcome.ON_TIME and instance.cancelled_in_time:
            self._count(instance, step, due, tables.CUSTOMER_LATE)
        if step == self.activities.headline_step[instance.activity]:
            self.headlines[instance.account, int(outcome)] += 1

    def _log_booking(
        self, instance: Instance, csm: int, made: int, start: int, slots: int, outcome: MeetingOutcome
    ) -> None:
        self.meetings.append((instance.number, instance.attempt, csm, made, start, slots, int(outcome)))

    def waiting(self) -> NDArray[np.int64]:
        """Steps ready or in hand now, shape (N, S)."""
        counts = np.zeros((len(self.activities.step_names), len(self.activities.segment_names)), dtype=np.int64)
        for instance in self.open.values():
            if self.activities.step_kind[instance.step] != tables.MEETING:
                counts[instance.step, instance.segment] += 1
        return counts


def _whole(seconds: float) -> int:
    """Rounded half up to whole seconds; at least one where there is any work at all."""
    return 0 if seconds == 0.0 else max(math.floor(seconds + 0.5), 1)


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
    """Simulate one call, usually a month; arguments as in :func:`simulator.success.compiled.run`.

    ``state`` is used up: the one returned is the same object, further on in time.
    """
    state = State(activities, team) if state is None else state
    if team.people > len(state.people):
        state.grow(team)
    alive = np.ones(len(owner), dtype=bool) if alive is None else alive
    tables.check_call(activities, team, instances, owner, speed, active, state.now, until)
    state.sums, state.hours, state.speed = sums, hours, speed
    state.rows, state.meetings = [], []
    state.headlines = np.zeros((len(owner), 3), dtype=np.int64)
    state.call(instances, owner, active, alive, until, value)
    waiting = state.waiting()
    if last:
        for instance in list(state.open.values()):
            state.close(instance, StepOutcome.OPEN)
    rows = np.array(sorted(state.rows), dtype=tables.ROW) if records else None
    meetings = np.array(sorted(state.meetings, key=lambda row: row[0]), dtype=tables.MEETING_ROW) if records else None
    return SuccessOutcome(waiting, state.headlines, rows, meetings), state
