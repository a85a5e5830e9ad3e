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

LATE, SKIP, SHORTEN = 0, 1, 2
"""What happens to work that is not done by its due date: it goes on, it is dropped, or it was cut short before."""

EARLIEST_DUE, TIER, VALUE, RENEWAL = 0, 1, 2, 3
"""Which desk step is taken up first: the earliest due one, or first by rank of the segment, by value and urgency over
effort, or by priority of the activity."""

URGENCY_SECONDS = 28_800.0
"""Added to the time left until a due date (a day of 8 hours), so that what is due now is urgent, but not infinitely."""

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
    "shortened",
    "no_show",
)
"""Last axis of ``sums``. All are counts of the steps due in a cell, except where seconds are named:

due = on_time + late + missed; void: open when the account left, not in due; delay: seconds from due date to end
(meeting: to begin) over late; elapsed: seconds from becoming ready to end (meeting: from release to begin) over
on_time + late. Of meetings: booked and unbooked: searches for a slot that found one or none; cancelled: by the
customer, on the day; unprepared: begun with preparation open, of those postponed: rebooked by us, the others were held;
customer_late: late or missed after the customer had cancelled a slot that lay before the due date (their own line
beside on time); no_show: the customer stayed away (counts for customer_late too). Of desk steps: shortened: taken up
with a share of their work.
"""
(
    DUE, ON_TIME, LATE_DONE, MISSED, VOID, DELAY, ELAPSED,
    BOOKED, UNBOOKED, CANCELLED, UNPREPARED, POSTPONED, CUSTOMER_LATE, SHORTENED, NO_SHOW,
) = np.arange(len(STEP_MEASURES))  # fmt: skip

HOUR_KINDS = ("desk", "meeting", "interrupt", "setup", "internal", "idle", "absent", "reserved", "overtime")
"""Last axis of ``hours`` (seconds). The first seven add up to contracted time and ``overtime``, exactly, per active CSM
and month. Beside them stand ``reserved``: calendar slots of meetings that reached their beginning, held or not; and
``overtime``: desk work and set-up after hours, which are in the first seven too.
"""
H_DESK, H_MEETING, H_INTERRUPT, H_SETUP, H_INTERNAL, H_IDLE, H_ABSENT, H_RESERVED, H_OVERTIME = np.arange(
    len(HOUR_KINDS)
)
CONTRACTED = 7
"""Number of leading hour kinds that partition contracted time and overtime."""

PURPOSE_WORK = purpose("success.work")
PURPOSE_AVAILABLE = purpose("success.customer_available")
PURPOSE_CANCELLATION = purpose("success.cancellation")
PURPOSE_REBOOK = purpose("success.rebook")
PURPOSE_NO_SHOW = purpose("success.no_show")
"""Draws of an instance, by its key. Legs: the step's place in its chain; :func:`slot_leg`; of others the attempt."""

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
    NO_SHOW = 8


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
        unprepared: int64 (K,), HOLD or POSTPONE; late: int64 (K,), LATE, SKIP or SHORTEN.
        priority: int64 (K,), lowest first under the desk rule RENEWAL; unread under others.
        laws: the laws behind ``step_law``.
        shortened: float64 (K,), SHORTEN: the share of its work that a desk step gets; None for no such activity.

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
    shortened: NDArray[np.float64] | None = None

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
        shares = self.shortened_share
        _require(shares.shape == (activities,), "shortened needs one entry per activity")
        _require(bool(np.all((shares >= 0) & (shares <= 1))), "the share left of shortened work lies between 0 and 1")

    @functools.cached_property
    def shortened_share(self) -> NDArray[np.float64]:
        """``shortened``, all of the work where nothing is said. Shape (K,)."""
        return np.ones(len(self.activity_names)) if self.shortened is None else self.shortened

    @functools.cached_property
    def step_mean(self) -> NDArray[np.float64]:
        """Mean seconds of work of each flat step. Shape (N,)."""
        return ((1.0 - self.laws.zero) * self.laws.scale)[self.step_law].astype(np.float64)

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
        no_show: float64 (S,), probability that a customer who did not cancel stays away; None for nobody.
        pooled_segments: bool (S,), segments whose accounts belong to all CSMs though the others have owners (mixed
            books); None for none. Unread when ``pooled``.
        rule: EARLIEST_DUE, TIER, VALUE or RENEWAL: which desk step is taken up first.
        segment_rank: int64 (S,), lowest first under TIER; None for all the same.
        overtime: seconds of desk work that a CSM may add after hours in a calendar week.
        week: int64 (B,), the calendar week of each business day; needed for overtime.
        focus_length: seconds of focus time a day, in whole slots behind internal time: no meetings, and interrupts wait
            for desk work.
        cover: interrupts of an owner on leave go to a colleague.
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
    pooled_segments: NDArray[np.bool_] | None = None
    rule: int = EARLIEST_DUE
    segment_rank: NDArray[np.int64] | None = None
    overtime: int = 0
    week: NDArray[np.int64] | None = None
    focus_length: int = 0
    cover: bool = False
    no_show: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        longest = int(np.max(np.diff(self.clock.start), initial=0))
        enough = self.slot > 0 and longest // self.slot <= MOST_SLOTS
        _require(enough, f"a slot of {self.slot} s is too short: a day may have {MOST_SLOTS} slots at most")
        _require(self.leave.shape[1:] == (self.days,), "leave needs one column per business day of the clock")
        low, high = self.rebook_after
        _require(0 <= low <= high, f"rebook_after must be (least, most) business days, not {self.rebook_after}")
        least = min(self.lead, self.setup, self.internal_start, self.internal_length, self.overtime, self.focus_length)
        _require(least >= 0, "times must not be negative")
        segments = self.customer_availability.shape
        for name in ("pooled_segments", "segment_rank", "no_show"):
            column = getattr(self, name)
            _require(column is None or column.shape == segments, f"{name} needs one entry per segment")
        if self.overtime:
            _require(self.week is not None and self.week.shape == (self.days,), "overtime needs the week of each day")
        _require(bool(np.all(np.diff(self.months) >= 0)), "months must rise")

    def with_leave(self, leave: NDArray[np.bool_]) -> TeamTables:
        """The same team with other people, bool (C, B). What is worked out once from the calendar is kept."""
        other = dataclasses.replace(self, leave=leave)
        kept = ("slots_of_day", "internal_blocks", "focus_blocks", "shared", "rank", "staying_away")
        other.__dict__.update({name: getattr(self, name) for name in kept})
        return other

    @functools.cached_property
    def shared(self) -> NDArray[np.bool_]:
        """Segments whose work any CSM may do. Shape (S,)."""
        nobody = np.full(self.customer_availability.shape, self.pooled)
        return nobody if self.pooled or self.pooled_segments is None else self.pooled_segments

    @functools.cached_property
    def rank(self) -> NDArray[np.int64]:
        """``segment_rank``, the same for all where nothing is said. Shape (S,)."""
        plain = np.zeros(self.customer_availability.shape, dtype=np.int64)
        return plain if self.segment_rank is None else self.segment_rank

    @functools.cached_property
    def staying_away(self) -> NDArray[np.float64]:
        """``no_show``, 0 where nothing is said. Shape (S,)."""
        return np.zeros(self.customer_availability.shape) if self.no_show is None else self.no_show

    @property
    def joint(self) -> bool:
        """Whether a piece of work may go to one CSM or another, so that they must be simulated side by side."""
        return bool(self.cover or self.shared.any() or self.pooled)

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

    @functools.cached_property
    def focus_blocks(self) -> NDArray[np.int64]:
        """First slot and number of slots of each day's focus time. Shape (B, 2)."""
        first = self.internal_blocks.sum(axis=1)
        return np.column_stack([first, np.minimum(self.focus_length // self.slot, self.slots_of_day - first)])


def is_rich(activities: ActivityTables, team: TeamTables) -> bool:
    """Does the team use a rule that few teams use? The compiled engine has its kernels with and without those."""
    mixed = bool(team.shared.any()) and not team.shared.all()
    rare = bool(np.any(activities.late == SHORTEN)) or bool(team.staying_away.any())
    return bool(mixed or rare or team.cover or team.overtime or team.focus_length or team.rule != EARLIEST_DUE)


@dataclass(frozen=True, eq=False)
class Instances:
    """Activity instances released between two calls, sorted by release, then account, then activity (n of them).

    Attributes:
        release, due: int64 (n,), business seconds; ``due`` is the end of the window.
        activity, account, segment: int64 (n,), indices.
        key: uint64 (n,), identity for every draw of the instance.
        effort: float64 (n,), factor on the work of desk steps.
        step: int64 (n,), place in its chain at which the instance begins: 0, except for work that was under way when
            the horizon began. Earlier steps are done and have no record.
    """

    release: NDArray[np.int64]
    due: NDArray[np.int64]
    activity: NDArray[np.int64]
    account: NDArray[np.int64]
    segment: NDArray[np.int64]
    key: NDArray[np.uint64]
    effort: NDArray[np.float64]
    step: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.release)

    @classmethod
    def none(cls) -> Instances:
        """No instances at all."""
        empty = np.zeros(0, dtype=np.int64)
        return cls(empty, empty, empty, empty, empty, empty.astype(np.uint64), empty.astype(np.float64), empty)

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
            self.step[chosen],
        )

    @classmethod
    def chain(cls, parts: Sequence[Instances]) -> Instances:
        """One or more lists laid end to end, such as those of following months."""
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in dataclasses.fields(cls)))

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
    activities: ActivityTables,
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
            arrays of the wrong length, a step that an activity does not have, or an active CSM without speed.
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
        steps = np.diff(activities.first_step)[instances.activity]
        _require(
            bool(np.all((instances.step >= 0) & (instances.step < steps))), "instances begin at one of their steps"
        )
        _require(not np.any(instances.due == -1), "a due date of -1 stands for none")
