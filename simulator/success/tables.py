"""The contract of the success engines: what they read and what they return, as flat arrays.

All times are whole business seconds (int64) on a team's :class:`simulator.timegrid.BusinessClock`. One instant can be
the evening of one day and the opening of the next, so ends and beginnings are told apart: something *ends* by a due
date when it ends at or before it; something *begins* by a due date when it begins before it. In the same way a due
date that lies exactly on the end of a month belongs to that month.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.distributions import LawTables
from simulator.errors import ParameterError
from simulator.randomness import purpose
from simulator.timegrid import BusinessClock

Column = int | np.signedinteger
"""A place on an axis. Those below are numpy integers, for which a compiled function needs no copy for each value."""

MOST_SLOTS = 62
"""Most meeting slots of a day: the compiled calendar keeps a day in one word."""

NO_LIMIT = 1 << 30
"""A number of meetings a day that no calendar reaches."""

DESK, MEETING, INTERRUPT = 0, 1, 2
"""Kinds of a step: desk work, a meeting with the customer, work that breaks off desk work."""

DUE_WINDOW, DUE_MEETING, DUE_AFTER = 0, 1, 2
"""When a step is due: by the instance's due date; before the instance's meeting; days after its predecessor ended."""

HOLD, POSTPONE = 0, 1
"""What happens to a meeting that is not prepared when it should begin."""

LATE, SKIP = 0, 1
"""What happens to work that is open at its due date: it goes on, or it is dropped."""

STEP_MEASURES = (
    "due",
    "on_time",
    "late",
    "missed",
    "void",
    "delay",
    "elapsed",
    "booked",
    "unbooked",
    "cancelled",
    "unprepared",
    "postponed",
    "customer_late",
)
"""Last axis of ``sums``. All are counts of the steps due in a cell, except where seconds are named:

due = on_time + late + missed; void: open when the account left, not in due; delay: seconds from due date to end
(meeting: to begin) over late; elapsed: seconds from becoming ready to end (meeting: from release to begin) over
on_time + late. Of meetings: booked and unbooked: searches for a slot that found one or none; cancelled: by the
customer, on the day; unprepared: begun with preparation open, of those postponed: rebooked by us, the others were held;
customer_late: late or missed after the customer had cancelled a slot that lay before the due date (their own line
beside on time).
"""
(
    DUE, ON_TIME, LATE_DONE, MISSED, VOID, DELAY, ELAPSED,
    BOOKED, UNBOOKED, CANCELLED, UNPREPARED, POSTPONED, CUSTOMER_LATE,
) = np.arange(len(STEP_MEASURES))  # fmt: skip

HOUR_KINDS = ("desk", "meeting", "interrupt", "setup", "internal", "idle", "absent", "reserved")
"""Last axis of ``hours`` (seconds). The first seven add up to contracted time, exactly, per active CSM and month.

``reserved`` stands beside them: calendar slots of meetings that reached their beginning, held or not.
"""
H_DESK, H_MEETING, H_INTERRUPT, H_SETUP, H_INTERNAL, H_IDLE, H_ABSENT, H_RESERVED = np.arange(len(HOUR_KINDS))
CONTRACTED = 7
"""Number of leading hour kinds that partition contracted time."""

PURPOSE_WORK = purpose("success.work")
PURPOSE_AVAILABLE = purpose("success.customer_available")
PURPOSE_CANCELLATION = purpose("success.cancellation")
PURPOSE_REBOOK = purpose("success.rebook")
"""Draws of an instance, by its key. Legs: the step's place in its chain; :func:`slot_leg`; the attempt; the attempt."""

SLOT_BITS, DAY_BITS = 12, 24


def slot_leg(attempt: int, horizon_day: int, slot: int) -> int:
    """The leg of the customer's answer to one slot: attempt, day of the horizon and slot of that day in one number."""
    return (attempt << (SLOT_BITS + DAY_BITS)) | (horizon_day << SLOT_BITS) | slot


class StepOutcome(IntEnum):
    """What became of a step."""

    ON_TIME = 0
    LATE = 1
    MISSED = 2
    VOID = 3
    OPEN = 4  # still open at the end of the horizon; in ``sums`` missed when its due date has passed
    NEVER = 5  # never came due: a step before it was dropped, or the account left first


class MeetingOutcome(IntEnum):
    """What became of a booking."""

    HELD = 0
    HELD_UNPREPARED = 1
    CANCELLED = 2
    POSTPONED = 3
    MOVED = 4  # to another CSM
    FREED = 5  # dropped, or the account left
    UNBOOKED = 6  # no slot found
    OPEN = 7  # still ahead at the end of the horizon


ROW_FIELDS = ("instance", "step", "csm", "ready", "due", "started", "finished", "outcome", "attempts")
"""Columns of step records (int64; -1 where it did not happen). ``instance`` counts through all calls."""
ROW = np.dtype([(name, np.int64) for name in ROW_FIELDS])

MEETING_FIELDS = ("instance", "attempt", "csm", "booked_at", "start", "slots", "outcome")
"""Columns of booking records (int64; -1 where there is none)."""
MEETING_ROW = np.dtype([(name, np.int64) for name in MEETING_FIELDS])


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ParameterError(message)


@dataclass(frozen=True, eq=False)
class ActivityTables:
    """The catalogue as arrays: K activities, N steps laid end to end, S segments.

    Attributes:
        activity_names, segment_names, step_names: K, S and N names.
        first_step: int64 (K + 1,); the steps of activity k are ``first_step[k]:first_step[k + 1]``, done in this order.
            At most one of them is a meeting.
        step_kind: int64 (N,), DESK, MEETING or INTERRUPT.
        step_law: int64 (N,), row of ``laws`` (seconds of work).
        step_due: int64 (N,). DUE_WINDOW (every meeting): the due date of the instance. DUE_MEETING (only before the
            meeting): ``step_buffer`` before the booked slot. DUE_AFTER: the close of the ``step_due_days``-th business
            day after the day on which the predecessor ended (the instance was released, for a first step).
        step_buffer: int64 (N,), seconds; step_due_days: int64 (N,), business days.
        unprepared: int64 (K,), HOLD or POSTPONE; late: int64 (K,), LATE or SKIP.
        priority: int64 (K,), for desk rules other than earliest due date.
        laws: the laws behind ``step_law``.

    Raises:
        ParameterError: shapes that do not fit, or a chain outside the rules above.
    """

    activity_names: tuple[str, ...]
    segment_names: tuple[str, ...]
    step_names: tuple[str, ...]
    first_step: NDArray[np.int64]
    step_kind: NDArray[np.int64]
    step_law: NDArray[np.int64]
    step_due: NDArray[np.int64]
    step_buffer: NDArray[np.int64]
    step_due_days: NDArray[np.int64]
    unprepared: NDArray[np.int64]
    late: NDArray[np.int64]
    priority: NDArray[np.int64]
    laws: LawTables

    def __post_init__(self) -> None:
        activities, steps = len(self.activity_names), len(self.step_names)
        for name in ("step_kind", "step_law", "step_due", "step_buffer", "step_due_days"):
            _require(getattr(self, name).shape == (steps,), f"{name} needs one entry per step")
        for name in ("unprepared", "late", "priority"):
            _require(getattr(self, name).shape == (activities,), f"{name} needs one entry per activity")
        _require(self.first_step.shape == (activities + 1,), "first_step needs one entry per activity and one more")
        _require(
            self.first_step[0] == 0 and self.first_step[-1] == steps and bool(np.all(np.diff(self.first_step) > 0)),
            "first_step must rise from 0 to the number of steps, and no activity be without steps",
        )
        for k, name in enumerate(self.activity_names):
            chain = range(int(self.first_step[k]), int(self.first_step[k + 1]))
            meetings = [s for s in chain if self.step_kind[s] == MEETING]
            _require(len(meetings) <= 1, f"activity {name!r} has {len(meetings)} meetings; at most one is possible")
            for s in chain:
                if self.step_due[s] == DUE_MEETING:
                    _require(
                        bool(meetings) and s < meetings[0],
                        f"step {self.step_names[s]!r} of {name!r} is due before a meeting that does not follow it",
                    )
            for s in meetings:
                _require(self.step_due[s] == DUE_WINDOW, f"the meeting of {name!r} must be due by the window")

    @functools.cached_property
    def meeting_step(self) -> NDArray[np.int64]:
        """The flat step that is the activity's meeting, -1 where there is none. Shape (K,)."""
        found = np.full(len(self.activity_names), -1, dtype=np.int64)
        activity = self.step_activity
        meetings = np.flatnonzero(self.step_kind == MEETING)
        found[activity[meetings]] = meetings
        return found

    @functools.cached_property
    def headline_step(self) -> NDArray[np.int64]:
        """The flat step that speaks for the activity: its meeting, else its last step. Shape (K,)."""
        return np.where(self.meeting_step >= 0, self.meeting_step, self.first_step[1:] - 1)

    @functools.cached_property
    def last_window_step(self) -> NDArray[np.int64]:
        """The last flat step that is due by the window, -1 where there is none. Shape (K,)."""
        found = np.full(len(self.activity_names), -1, dtype=np.int64)
        steps = np.flatnonzero(self.step_due == DUE_WINDOW)
        np.maximum.at(found, self.step_activity[steps], steps)
        return found

    @functools.cached_property
    def step_activity(self) -> NDArray[np.int64]:
        """The activity of each flat step. Shape (N,)."""
        return np.repeat(np.arange(len(self.activity_names)), np.diff(self.first_step))


@dataclass(frozen=True, eq=False)
class TeamTables:
    """One team of CSMs (C of them, over a calendar of B business days).

    Attributes:
        clock: business clock; it runs some months beyond the months simulated, so that meetings can be booked ahead.
        months: int64 (M + 1,), business second at which each month opens; the last entry closes the last month.
        slot: seconds of a meeting slot. A day has as many slots as fit whole after its opening (at most 62); what
            remains is desk time.
        internal_start: seconds after opening at which a day's internal time begins (rounded down to slots, and moved
            forward where the day is too short).
        internal_length: seconds of internal time a day. Whole slots are placed, what remains carries to the next day,
            so that the share over a month is exact to one slot.
        meetings_per_day: most meetings in a CSM's day (:data:`NO_LIMIT` for none).
        lead: business seconds between a release and the earliest slot, so that preparation has room.
        customer_availability: float64 (S,), probability that the beginning of a free slot suits the customer.
        cancellation: float64 (S,), probability that a booked meeting is cancelled on the day.
        rebook_after: least and most business days after which a cancelled or postponed meeting may be held.
        setup: seconds to get back into desk work that an interrupt broke off.
        pooled: all CSMs share one list of work; otherwise every account has its owner.
        leave: bool (C, B), days of absence: no work, no booking.
    """

    clock: BusinessClock
    months: NDArray[np.int64]
    customer_availability: NDArray[np.float64]
    cancellation: NDArray[np.float64]
    leave: NDArray[np.bool_]
    slot: int = 1800
    internal_start: int = 0
    internal_length: int = 0
    meetings_per_day: int = NO_LIMIT
    lead: int = 0
    rebook_after: tuple[int, int] = (3, 10)
    setup: int = 0
    pooled: bool = False

    def __post_init__(self) -> None:
        longest = int(np.max(np.diff(self.clock.start), initial=0))
        enough = self.slot > 0 and longest // self.slot <= MOST_SLOTS
        _require(enough, f"a slot of {self.slot} s is too short: a day may have {MOST_SLOTS} slots at most")
        _require(self.leave.shape[1:] == (self.days,), "leave needs one column per business day of the clock")
        low, high = self.rebook_after
        _require(0 <= low <= high, f"rebook_after must be (least, most) business days, not {self.rebook_after}")
        least = min(self.lead, self.setup, self.internal_start, self.internal_length)
        _require(least >= 0, "times must not be negative")
        _require(bool(np.all(np.diff(self.months) >= 0)), "months must rise")

    def with_leave(self, leave: NDArray[np.bool_]) -> TeamTables:
        """The same team with other people, bool (C, B). What is worked out once from the calendar is kept."""
        other = dataclasses.replace(self, leave=leave)
        other.__dict__.update(slots_of_day=self.slots_of_day, internal_blocks=self.internal_blocks)
        return other

    @property
    def days(self) -> int:
        """Business days of the calendar, B."""
        return len(self.clock.start) - 1

    @property
    def people(self) -> int:
        """Number of CSMs, C."""
        return len(self.leave)

    @functools.cached_property
    def slots_of_day(self) -> NDArray[np.int64]:
        """Whole slots of each business day. Shape (B,)."""
        return np.diff(self.clock.start) // self.slot

    @functools.cached_property
    def internal_blocks(self) -> NDArray[np.int64]:
        """First slot and number of slots of each day's internal time. Shape (B, 2)."""
        blocks = []
        carry = 0
        for slots in self.slots_of_day.tolist():
            carry += self.internal_length
            count = min(carry // self.slot, slots)
            carry -= count * self.slot
            blocks.append((min(self.internal_start // self.slot, slots - count), count))
        return np.array(blocks, dtype=np.int64).reshape(-1, 2)


@dataclass(frozen=True, eq=False)
class Instances:
    """Activity instances released between two calls, sorted by release, then account, then activity (n of them).

    Attributes:
        release, due: int64 (n,), business seconds; ``due`` is the end of the window.
        activity, account, segment: int64 (n,), indices.
        key: uint64 (n,), identity for every draw of the instance.
        effort: float64 (n,), factor on the work of desk steps.
    """

    release: NDArray[np.int64]
    due: NDArray[np.int64]
    activity: NDArray[np.int64]
    account: NDArray[np.int64]
    segment: NDArray[np.int64]
    key: NDArray[np.uint64]
    effort: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.release)

    @classmethod
    def none(cls) -> Instances:
        """No instances at all."""
        empty = np.zeros(0, dtype=np.int64)
        return cls(empty, empty, empty, empty, empty, empty.astype(np.uint64), empty.astype(np.float64))

    def take(self, chosen: NDArray[Any]) -> Instances:
        """The chosen instances (indices or a mask), in their order."""
        return Instances(
            self.release[chosen],
            self.due[chosen],
            self.activity[chosen],
            self.account[chosen],
            self.segment[chosen],
            self.key[chosen],
            self.effort[chosen],
        )

    @classmethod
    def chain(cls, parts: Sequence[Instances]) -> Instances:
        """One or more lists laid end to end, such as those of following months."""
        names = ("release", "due", "activity", "account", "segment", "key", "effort")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    @classmethod
    def join(cls, parts: Sequence[Instances]) -> Instances:
        """Several lists as one, in the order that the engines expect."""
        if not parts:
            return cls.none()
        whole = cls.chain(parts)
        return whole.take(np.lexsort((whole.activity, whole.account, whole.release)))


@dataclass(frozen=True, eq=False)
class SuccessOutcome:
    """What one call returns beside the sums.

    Attributes:
        waiting: int64 (N, S), steps in hand or ready at the end of the call (booked meetings are not among them).
        headlines: int64 (A, 3), per account the instances of which the headline step was on time, late or missed
            within this call, for couplings (missed: dropped, or open on the last call with its due date passed).
        rows: structured (:data:`ROW`), steps settled in this call, sorted by instance and step; None without records.
        meetings: structured (:data:`MEETING_ROW`), bookings settled in this call, sorted by instance, then in time;
            None without records.
    """

    waiting: NDArray[np.int64]
    headlines: NDArray[np.int64]
    rows: NDArray[Any] | None
    meetings: NDArray[Any] | None


def new_sums(activities: ActivityTables, team: TeamTables) -> NDArray[np.int64]:
    """Zeros of shape (M, N, S, measures), for the engines to add to."""
    shape = (len(team.months) - 1, len(activities.step_names), len(activities.segment_names), len(STEP_MEASURES))
    return np.zeros(shape, dtype=np.int64)


def new_hours(team: TeamTables) -> NDArray[np.int64]:
    """Zeros of shape (M, C, hour kinds), in seconds, for the engines to add to."""
    return np.zeros((len(team.months) - 1, team.people, len(HOUR_KINDS)), dtype=np.int64)


def check_call(
    team: TeamTables,
    instances: Instances,
    owner: NDArray[np.int64],
    speed: NDArray[np.float64],
    active: NDArray[np.bool_],
    now: int,
    until: int,
) -> None:
    """Refuse a call that no engine could answer.

    Raises:
        ParameterError: an end that is not the opening of a later day, releases out of order or outside the call,
            arrays of the wrong length, or an active CSM without speed.
    """
    start = team.clock.start
    place = int(np.searchsorted(start, until))
    boundary = now < until and place < len(start) and int(start[place]) == until
    _require(boundary, f"until={until} is no later day boundary")
    _require(speed.shape == active.shape == (team.people,), "speed and active need one entry per CSM")
    _require(bool(np.all(speed[active] > 0)), "the speed of an active CSM must be positive")
    if len(instances):
        release = instances.release
        _require(bool(np.all(np.diff(release) >= 0)), "instances must be sorted by release")
        _require(now <= release[0] and release[-1] < until, f"releases must lie in {now} to before {until}")
        _require(int(instances.account.max()) < len(owner), "owner needs one entry per account")
        _require(not np.any(instances.due == -1), "a due date of -1 stands for none")
