"""What the support engines take and give: the model as flat tables, contacts, the clock, sums, records and the state.

Times are seconds on the elapsed clock of :mod:`simulator.timegrid`. Sizes in shapes: Q queues, G groups, P line pools,
I intervals, n contacts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from simulator import randomness
from simulator.distributions import LawTables
from simulator.errors import ParameterError

if TYPE_CHECKING:
    from simulator.timegrid import TimeGrid

TALK = randomness.purpose("support.talk")
AFTER_CALL = randomness.purpose("support.after_call")
PATIENCE = randomness.purpose("support.patience")
ESCALATION = randomness.purpose("support.escalation")
BALKING = randomness.purpose("support.balking")
REDIAL = randomness.purpose("support.redial")
REDIAL_DELAY = randomness.purpose("support.redial_delay")
REDIAL_KEY = randomness.purpose("support.redial_key")
AWAY = randomness.purpose("support.away")
STEPPING = randomness.purpose("support.stepping")
ANSWER_DELAY = randomness.purpose("support.answer_delay")
CONFERENCE = randomness.purpose("support.conference")
RESOLUTION = randomness.purpose("support.resolution")
REPEAT_DELAY = randomness.purpose("support.repeat_delay")
CALLBACK = randomness.purpose("support.callback")
DIALLING = randomness.purpose("support.dialling")
NO_ANSWER = randomness.purpose("support.no_answer")
RETRY_DELAY = randomness.purpose("support.retry_delay")


class Transfer(IntEnum):
    """How a contact goes on to the next tier."""

    COLD = 0
    """The caller joins the next queue and may give up there; the agent goes on to after-call work."""
    WARM = 1
    """The agent holds with the caller until the next tier answers, or for so long at most."""
    DEFERRED = 2
    """The call ends and a ticket opens in the next queue, which waits until it is taken."""
    CONSULTATION = 3
    """The agent asks somebody of the next queue while the caller waits, or for so long at most, and keeps the case."""


class QueueMeasure(IntEnum):
    """Columns of :attr:`Sums.queue`, each a sum over the entries into a queue, by the interval of entry.

    Waits count from entry into that queue, in open time where the queue says so. ``TALK`` and ``AFTER_CALL`` are
    counted in full when the contact is answered, so that calls in progress at the end do not shorten the mean; but
    those of a chat beside others, whose length only its end shows, as they end.
    """

    OFFERED = 0
    """Entries, by arrival, redial or transfer."""
    TRANSFERRED_IN = 1
    BLOCKED = 2
    ABANDONED = 3
    SHORT_ABANDONED = 4
    """Abandoned after a wait of at most ``short_abandon``."""
    ABANDONED_WITHIN = 5
    """Abandoned after a wait of at most ``answer_within``."""
    ANSWERED = 6
    ANSWERED_WITHIN = 7
    """Answered after a wait of at most ``answer_within``."""
    WAIT_ANSWERED = 8
    WAIT_ANSWERED_SQUARED = 9
    WAIT_ABANDONED = 10
    TALK = 11
    AFTER_CALL = 12
    ESCALATED = 13
    """Gone on to the next tier (counted when that happens)."""
    OVERFLOWED = 14
    """Answered by a group that may take this queue's contacts only after a wait."""
    REDIALS = 15
    """Entries by redial."""
    BALKED = 16
    """Left at once because no agent was idle."""
    DROPPED = 17
    """Waited when the queue closed, or came after that, where the queue does not serve them out."""
    REPEATS = 18
    """Entries by customers who were answered, and whose inquiry that did not resolve."""
    INQUIRIES = 19
    """Inquiries that begin. This and the following only where :attr:`SupportTables.inquiries` holds; all of an inquiry
    is counted in the interval and the queue of its first contact, what an answer brings at the answer."""
    RESPONDED = 20
    """Inquiries answered for the first time."""
    FIRST_RESPONSE = 21
    """Seconds from the first contact to the first answer."""
    RESOLVED = 22
    UNRESOLVED = 23
    """Inquiries that end without being resolved: lost for good, or given up after an answer that did not resolve."""
    RESOLUTION_TIME = 24
    """Seconds from the first contact to the end of the talk that resolves."""
    RESOLUTION_TIME_NET = 25
    """The same without the customer's own time: delays before redials and repeats."""
    RESOLUTION_EFFORT = 26
    """Talk, hold and after-call work of all contacts of the inquiries that are resolved."""
    DUE = 27
    """Inquiries that begin ``resolution_within`` or more before the end of the horizon. The following are of these."""
    RESOLVED_WITHIN = 28
    """Resolved within that time."""
    RESOLVED_FIRST = 29
    """Resolved within that time, and without a repeat."""
    REPEATED_WITHIN = 30
    """With a repeat within that time."""
    BACKLOG = 31
    """Contacts of a deferrable queue that wait when an interval ends, before anything else at that instant."""
    READINGS = 32
    """Ends of intervals at which they were counted."""
    CALLBACKS = 33
    """Callers who keep their place and wait to be called back. They are neither answered nor abandoned."""
    CALLED_BACK = 34
    """Reached."""
    CALLBACK_WAIT = 35
    """Their wait until the agent spoke to them."""
    NO_ANSWER = 36
    """Calls to them that nobody answered."""
    UNREACHED = 37
    """Given up after as many calls as the queue allows."""
    INTERRUPTED = 38
    """Times that an agent left such a contact for one that does not wait."""
    WITHDRAWN = 39
    """Consultations that nobody answered in time."""


class GroupMeasure(IntEnum):
    """Columns of :attr:`Sums.group`, in agent-seconds by the time at which they pass (up to the end of the horizon)."""

    BUSY = 0
    """Answer delay, talk and after-call work. A service counts when it starts, split over the cells that it reaches."""
    STAFFED = 1
    """Agents by plan times the length of the interval, counted at the interval's start."""
    OVERRUN = 2
    """Presence beyond the plan: agents who finish a contact after their shift. Staffed + overrun: busy, idle, away."""
    AWAY = 3
    """Time away from the desk between contacts, split like busy time."""
    DEFERRABLE = 4
    """The part of the busy time that contacts of deferrable queues took."""
    SPARE = 5
    """Places for further chats of agents with chats: of the busy time of one who holds 2 of 3 a third."""


class Outcome(IntEnum):
    """What became of an entry."""

    WAITING = 0
    IN_SERVICE = 1
    """Answered, the talk not over yet; its ends are fixed all the same and stand in the record."""
    ANSWERED = 2
    ABANDONED = 3
    BLOCKED = 4
    BALKED = 5
    DROPPED = 6
    UNREACHED = 7
    """Called back in vain, as often as the queue allows."""
    NO_ANSWER = 8
    """No stay of a contact but one call in vain: from ``taken_at`` to ``end`` it kept an agent busy."""
    WITHDRAWN = 9
    """A consultation that nobody answered in time; the agent who asked ends the talk alone."""


def lost(outcome: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Which outcomes are those of customers who left, or were turned away, without an answer."""
    return np.isin(outcome, (Outcome.ABANDONED, Outcome.BLOCKED, Outcome.BALKED, Outcome.DROPPED, Outcome.UNREACHED))


RECORD = np.dtype(
    [
        ("entry", "i8"),
        ("contact", "i8"),
        ("key", "u8"),
        ("account", "i8"),
        ("queue", "i8"),
        ("leg", "i8"),
        ("attempt", "i8"),
        ("repeats", "i8"),
        ("interval", "i8"),
        ("group", "i8"),
        ("arrived", "f8"),
        ("taken_at", "f8"),
        ("answered_at", "f8"),
        ("talk_end", "f8"),
        ("end", "f8"),
        ("hold", "f8"),
        ("returns_at", "f8"),
        ("outcome", "i1"),
        ("escalated", "?"),
        ("resolved", "?"),
        ("callback", "?"),
    ],
    align=True,
)
"""One row per entry of a contact into a queue.

``entry`` numbers the entries of the horizon in the order in which they happened, ``contact`` the contacts (the index in
:class:`Contacts` plus the number of contacts of earlier calls), ``attempt`` the calls of one contact from 0 (redials
and repeats keep its number and have keys of their own), ``repeats`` how many of them are repeats so far, ``leg`` the
queues of one call from 0. ``interval`` and ``arrived`` are those of the entry into this queue. ``taken_at`` is when an
agent turns to it, who answers at ``answered_at``. ``end`` is the end of after-call work, the abandonment, the arrival
when blocked or balked, or the drop. ``escalated``: goes on to the next tier at the end of talk.
``hold``: seconds for which the agent of the tier before held with this caller, from ``arrived`` on; NaN while that goes
on, 0 where there was none. That agent's own row has ``talk_end`` and ``end`` as without the hold.
``resolved``: the inquiry ends with this talk, where inquiries are followed. ``returns_at``: when the customer, lost or
not content, contacts again. ``callback``: waits to be called back. A call in vain to such a customer has a row of its
own, with the outcome ``NO_ANSWER``; that is no entry into the queue.
NaN, or group -1, where it did not happen.
"""

OPEN = np.dtype(
    [
        ("entry", "i8"),
        ("contact", "i8"),
        ("key", "u8"),
        ("account", "i8"),
        ("queue", "i8"),
        ("leg", "i8"),
        ("attempt", "i8"),
        ("origin", "i8"),
        ("interval", "i8"),
        ("line", "i8"),
        ("arrived", "f8"),
        ("deadline", "f8"),
        ("talk", "f8"),
        ("talk_end", "f8"),
        ("waiting", "?"),
        ("escalates", "?"),
        ("ticket", "?"),
        ("hold", "f8"),
        ("holder_entry", "i8"),
        ("holder_group", "i8"),
        ("holder_queue", "i8"),
        ("holder_interval", "i8"),
        ("repeats", "i8"),
        ("inquiry_queue", "i8"),
        ("inquiry_interval", "i8"),
        ("inquiry_arrived", "f8"),
        ("effort", "f8"),
        ("own_time", "f8"),
        ("responded", "?"),
        ("callback", "?"),
        ("tries", "i8"),
        ("taken_at", "f8"),
        ("answered_at", "f8"),
        ("age", "f8"),
    ],
    align=True,
)
"""An entry that is still open: ``line`` is the pool whose line it holds (-1 none), ``deadline`` the end of patience,
``talk`` the recorded length of its talk (NaN: drawn).

``origin`` is the queue that this call entered first. A customer who has gone and will redial, or contact again, is
open too, with that instant as ``deadline`` (one who still talks and holds a line stands among the talks).
``inquiry_*`` tell where and when the inquiry's first contact arrived, ``effort`` the handling of the inquiry so far,
``own_time`` the customer's delays, ``responded`` whether anybody has answered. ``ticket``: nobody is on the line, and
it waits as long as it must. ``holder_*`` is the earlier entry whose agent holds with the caller, or will at the end of
a talk that is escalated warmly (its own then); -1 none. ``hold`` as in :data:`RECORD`. ``callback``: waits to
be called back, which was tried ``tries`` times in vain; until the next try it does not wait, and that instant is the
``deadline``. ``taken_at`` and ``answered_at`` of one that was interrupted, and waits with ``talk`` to go; else NaN.
``age``: seconds that it had at ``arrived`` already, brought along from the queue before.
"""

SESSION = np.dtype(
    [*((name, OPEN[name]) for name in OPEN.names or ()), ("agent", "i8"), ("finish", "f8"), ("resolved", "?")],
    align=True,
)
"""An entry that an agent works on, and whose end is not known yet: a chat beside others, or work that may be
interrupted. The columns of :data:`OPEN`, and ``agent``: the place in ``SupportState.agent_group``; ``finish``: the mark
on that agent's count of work at which the talk, or after it the after-call work, ends. After the talk ``line`` is -1,
and ``deadline`` is when the customer contacts again.
"""

ESCALATED = np.dtype([("time", "f8"), ("account", "i8"), ("queue", "i8"), ("key", "u8")])
"""An escalation of an account's contact: when, whose, from which queue, and the contact's key."""


_LEFT_OUT, _NONE_GIVEN, _NEVER = np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_)
"""Stand for arrays without effect whose shapes the other tables tell."""


PER_QUEUE = (
    "patience", "escalation_to", "escalation_probability", "line_pool", "answer_within", "short_abandon",
    "balking", "redial_probability", "redial_attempts", "redial_delay", "transfer", "hold_limit", "hold_fallback",
    "conference", "head_start", "resolution", "repeat_attempts", "repeat_delay", "repeat_to", "resolution_within",
    "carries_age", "deferrable", "business_time", "callback_threshold", "callback_handle", "callback_acceptance",
    "callback_attempts", "dialling", "no_answer", "retry_delay", "chat", "interruptible", "set_up",
)  # fmt: skip
PER_GROUP = ("answer_delay", "away", "away_every", "concurrency", "slowdown")
PER_PAIR = ("talk", "after_call", "priority", "level", "after", "reserve")
ROWS_PER_QUEUE = ("dropping", "serving_out", "opening", "patience_behind")
"""Which of the fields of `SupportTables` have shape (Q,), (G,), (Q, G) and (Q, anything)."""


@dataclass(frozen=True, eq=False)
class SupportTables:
    """The support model as flat arrays.

    Attributes:
        queue_names, group_names: names in the order of the indices.
        laws: the laws that the rows below point to.
        patience: int64 (Q,), law row; -1 waits for ever (email, ticket).
        talk: int64 (Q, G), law row; -1 where the group does not serve the queue.
        after_call: int64 (Q, G), law row; -1 none.
        priority: int64 (Q, G), what a freed agent of the group takes first, 1 before 2; 0 not served.
        level: int64 (Q, G), which groups the queue tries first, 1 before 2; 0 not served.
        escalation_to: int64 (Q,), the queue of the next tier; -1 none.
        escalation_probability: float64 (Q,).
        line_pool: int64 (Q,), the pool that a contact arriving at this queue takes a line from; -1 unlimited.
        line_capacity: int64 (P,).
        answer_within: float64 (Q,), seconds of the service level.
        short_abandon: float64 (Q,), an abandonment after at most so many seconds is a short one (negative: none is).
        balking: float64 (Q,), the chance to leave at once when no agent is idle; 0 when left out, like those below.
        redial_probability: float64 (Q,), the chance to call again after being blocked, balking or abandoning here.
        redial_attempts: int64 (Q,), the most redials of one contact.
        redial_delay: int64 (Q,), law row; -1 nobody redials, also when left out.
        answer_delay: int64 (G,), law row of the time until an agent of the group answers; -1 none, also when left out.
        transfer: int64 (Q,), :class:`Transfer`, how its escalations go on; cold when left out.
        hold_limit: float64 (Q,), seconds of the hold of a warm transfer, or until a consultation begins, at most;
            infinite when left out.
        hold_fallback: int64 (Q,), :class:`Transfer`, cold or deferred: what a hold of that length turns into.
        conference: int64 (Q,), law row of the time for which the first agent stays after the next tier has answered (to
            the end of its talk at most); -1 none, also when left out.
        carries_age: bool (Q,), whether the time since they entered this queue counts as waited in the next one for
            those escalated from here, for their place and for overflow; it does not when left out.
        dropping: bool (Q, I), intervals in which the queue is closed and drops its contacts; (Q, 0) or left out: none.
        serving_out: bool (Q, I), intervals in which the queue is closed and agents who would leave first take who waits
            there; (Q, 0) or left out: none.
        after: float64 (Q, G), seconds that a contact must have waited before the group may take it; 0 when left out.
        head_start: float64 (Q,), seconds by which a contact counts as having entered earlier when freed agents choose
            among contacts of one priority; 0 when left out.
        inquiries: whether inquiries are followed over their contacts, and counted.
        resolution: float64 (Q,), the chance that an answered contact that is not escalated resolves its inquiry; 1 when
            left out, like all four where ``inquiries`` does not hold.
        repeat_attempts: int64 (Q,), the most repeats of one inquiry.
        repeat_delay: int64 (Q,), law row of the time until a customer who is not content contacts again, in open time
            of the queue that they come to; -1 nobody does, also when left out.
        repeat_to: int64 (Q,), that queue; -1 the one that the call entered, also when left out.
        resolution_within: float64 (Q,), seconds within which inquiries that begin here should be resolved.
        deferrable: bool (Q,), queues whose contacts are work that can wait; it changes nothing but what is counted.
        business_time: bool (Q,), queues whose waits count only while they are open; nobody loses patience there.
        reserve: int64 (Q, G), a contact of the queue is started only while more agents of the group are idle than that;
            0 when left out.
        callback_threshold: float64 (Q,), a caller who must wait is offered a callback if the wait to be expected
            exceeds so many seconds; infinite, never, when left out, like all seven.
        callback_handle: float64 (Q,), mean seconds of a contact by which that is estimated.
        callback_acceptance: float64 (Q,), the chance that the caller accepts.
        callback_attempts: int64 (Q,), calls that are made, at most.
        dialling: int64 (Q,), law row of the time from turning to it to the answer, or to giving up; -1 none.
        no_answer: float64 (Q,), the chance that nobody answers such a call.
        retry_delay: int64 (Q,), law row of the time until the next call; -1 none.
        opening: bool (Q, I), intervals in which the queue is open, for what counts in open time; (Q, 0) or left out:
            always.
        chat: bool (Q,), queues whose contacts are chats.
        concurrency: int64 (G,), chats that an agent holds at once, at most; 1 when left out.
        slowdown: float64 (G,), s: with j chats at once each is served at the rate 1 / (1 + s (j - 1)).
        interruptible: bool (Q,), deferrable queues whose contacts an agent leaves for one that is not deferrable.
        set_up: float64 (Q,), seconds that it takes to resume such a contact.
        away: int64 (G,), law row of the time for which an agent whom no contact awaits at the end of one steps away,
            with an atom at 0 for those who stay; -1 all stay, also when left out.
        away_every: float64 (G,), an agent who could step away does so with the chance 1 - exp(-w / away_every), w the
            seconds since the agent was last idle or away: the longer without a rest, the likelier. 0: always, also when
            left out, and for agents at the end of sessions.
        patience_behind: int64 (Q, K), law row of the patience of who finds 1, 2, ... K or more contacts waiting in the
            queues that have such rows (one line to their callers, who hear or guess their place); -1 or (Q, 0), also
            when left out: the law of ``patience`` however many wait. Nobody of a queue without ``patience`` loses it.

    Raises:
        ParameterError: arrays that do not fit together, or tiers that escalate in a circle.
    """

    queue_names: tuple[str, ...]
    group_names: tuple[str, ...]
    laws: LawTables
    patience: NDArray[np.int64]
    talk: NDArray[np.int64]
    after_call: NDArray[np.int64]
    priority: NDArray[np.int64]
    level: NDArray[np.int64]
    escalation_to: NDArray[np.int64]
    escalation_probability: NDArray[np.float64]
    line_pool: NDArray[np.int64]
    line_capacity: NDArray[np.int64]
    answer_within: NDArray[np.float64]
    short_abandon: NDArray[np.float64]
    after: NDArray[np.float64] = field(default_factory=lambda: _LEFT_OUT)
    balking: NDArray[np.float64] = field(default_factory=lambda: _LEFT_OUT)
    redial_probability: NDArray[np.float64] = field(default_factory=lambda: _LEFT_OUT)
    redial_attempts: NDArray[np.int64] = field(default_factory=lambda: _NONE_GIVEN)
    redial_delay: NDArray[np.int64] = field(default_factory=lambda: _NONE_GIVEN)
    answer_delay: NDArray[np.int64] = field(default_factory=lambda: _NONE_GIVEN)
    transfer: NDArray[np.int64] = field(default_factory=lambda: _NONE_GIVEN)
    hold_limit: NDArray[np.float64] = field(default_factory=lambda: _LEFT_OUT)
    hold_fallback: NDArray[np.int64] = field(default_factory=lambda: _NONE_GIVEN)
    conference: NDArray[np.int64] = field(default_factory=lambda: _NONE_GIVEN)
    carries_age: NDArray[np.bool_] = field(default_factory=lambda: _NEVER)
    dropping: NDArray[np.bool_] = field(default_factory=lambda: _NEVER)
    serving_out: NDArray[np.bool_] = field(default_factory=lambda: _NEVER)
    head_start: NDArray[np.float64] = field(default_factory=lambda: _LEFT_OUT)
    away: NDArray[np.int64] = field(default_factory=lambda: _NONE_GIVEN)
    inquiries: bool = False
    resolution: NDArray[np.float64] = field(default_factory=lambda: _LEFT_OUT)
    repeat_attempts: NDArray[np.int64] = field(default_factory=lambda: _NONE_GIVEN)
    repeat_delay: NDArray[np.int64] = field(default_factory=lambda: _NONE_GIVEN)
    repeat_to: NDArray[np.int64] = field(default_factory=lambda: _NONE_GIVEN)
    resolution_within: NDArray[np.float64] = field(default_factory=lambda: _LEFT_OUT)
    opening: NDArray[np.bool_] = field(default_factory=lambda: _NEVER)
    deferrable: NDArray[np.bool_] = field(default_factory=lambda: _NEVER)
    business_time: NDArray[np.bool_] = field(default_factory=lambda: _NEVER)
    reserve: NDArray[np.int64] = field(default_factory=lambda: _NONE_GIVEN)
    callback_threshold: NDArray[np.float64] = field(default_factory=lambda: _LEFT_OUT)
    callback_handle: NDArray[np.float64] = field(default_factory=lambda: _LEFT_OUT)
    callback_acceptance: NDArray[np.float64] = field(default_factory=lambda: _LEFT_OUT)
    callback_attempts: NDArray[np.int64] = field(default_factory=lambda: _NONE_GIVEN)
    dialling: NDArray[np.int64] = field(default_factory=lambda: _NONE_GIVEN)
    no_answer: NDArray[np.float64] = field(default_factory=lambda: _LEFT_OUT)
    retry_delay: NDArray[np.int64] = field(default_factory=lambda: _NONE_GIVEN)
    chat: NDArray[np.bool_] = field(default_factory=lambda: _NEVER)
    concurrency: NDArray[np.int64] = field(default_factory=lambda: _NONE_GIVEN)
    slowdown: NDArray[np.float64] = field(default_factory=lambda: _LEFT_OUT)
    interruptible: NDArray[np.bool_] = field(default_factory=lambda: _NEVER)
    set_up: NDArray[np.float64] = field(default_factory=lambda: _LEFT_OUT)
    away_every: NDArray[np.float64] = field(default_factory=lambda: _LEFT_OUT)
    patience_behind: NDArray[np.int64] = field(default_factory=lambda: _NONE_GIVEN)

    def __post_init__(self) -> None:
        q, g = self.queues, self.groups
        plain = {
            "after": np.zeros((q, g)),
            "balking": np.zeros(q),
            "redial_probability": np.zeros(q),
            "redial_attempts": np.zeros(q, dtype=np.int64),
            "redial_delay": np.full(q, -1),
            "answer_delay": np.full(g, -1),
            "dropping": np.zeros((q, 0), dtype=np.bool_),
            "serving_out": np.zeros((q, 0), dtype=np.bool_),
            "transfer": np.full(q, Transfer.COLD, dtype=np.int64),
            "hold_limit": np.full(q, np.inf),
            "hold_fallback": np.full(q, Transfer.COLD, dtype=np.int64),
            "conference": np.full(q, -1),
            "carries_age": np.zeros(q, dtype=np.bool_),
            "head_start": np.zeros(q),
            "away": np.full(g, -1),
            "resolution": np.ones(q),
            "repeat_attempts": np.zeros(q, dtype=np.int64),
            "repeat_delay": np.full(q, -1),
            "repeat_to": np.full(q, -1),
            "resolution_within": np.full(q, np.inf),
            "opening": np.zeros((q, 0), dtype=np.bool_),
            "deferrable": np.zeros(q, dtype=np.bool_),
            "business_time": np.zeros(q, dtype=np.bool_),
            "reserve": np.zeros((q, g), dtype=np.int64),
            "callback_threshold": np.full(q, np.inf),
            "callback_handle": np.zeros(q),
            "callback_acceptance": np.zeros(q),
            "callback_attempts": np.ones(q, dtype=np.int64),
            "dialling": np.full(q, -1),
            "no_answer": np.zeros(q),
            "retry_delay": np.full(q, -1),
            "chat": np.zeros(q, dtype=np.bool_),
            "concurrency": np.ones(g, dtype=np.int64),
            "slowdown": np.zeros(g),
            "interruptible": np.zeros(q, dtype=np.bool_),
            "set_up": np.zeros(q),
            "away_every": np.zeros(g),
            "patience_behind": np.zeros((q, 0), dtype=np.int64),
        }
        for name, value in plain.items():
            if any(getattr(self, name) is absent for absent in (_LEFT_OUT, _NONE_GIVEN, _NEVER)):
                object.__setattr__(self, name, value)
        for name in PER_QUEUE:
            _require(getattr(self, name).shape == (q,), f"{name} must have one value per queue")
        for name in PER_GROUP:
            _require(getattr(self, name).shape == (g,), f"{name} must have one value per group")
        for name in PER_PAIR:
            _require(getattr(self, name).shape == (q, g), f"{name} must have shape (queues, groups)")
        for name in ROWS_PER_QUEUE:
            rows_of = getattr(self, name)
            _require(rows_of.ndim == 2 and len(rows_of) == q, f"{name} must have one row per queue")
        rows = self.laws.scale.size
        laws = ("patience", "talk", "after_call", "redial_delay", "repeat_delay", "answer_delay", "conference", "away")
        for name in (*laws, "dialling", "retry_delay", "patience_behind"):
            _require(bool(np.all(getattr(self, name) < rows)), f"{name} points to a law that is not there")
        served = self.talk >= 0
        _require(bool(np.all((self.priority > 0) == served)), "priority must be positive where talk is given, else 0")
        _require(bool(np.all((self.level > 0) == served)), "level must be positive where talk is given, else 0")
        _require(bool(np.all(self.escalation_to < q)), "escalation_to points to a queue that is not there")
        _require(bool(np.all(self.repeat_to < q)), "repeat_to points to a queue that is not there")
        _require(bool(np.all(self.line_pool < self.line_capacity.size)), "line_pool points to a pool that is not there")
        _require(bool(np.all(np.isfinite(self.after) & (self.after >= 0))), "after must be finite and not negative")
        _require(bool(np.all(np.isin(self.transfer, list(Transfer)))), "transfer must be one of Transfer")
        fallbacks = (Transfer.COLD, Transfer.DEFERRED)
        _require(bool(np.all(np.isin(self.hold_fallback, fallbacks))), "hold_fallback must be cold or deferred")
        _require(bool(np.all(self.reserve >= 0)), "reserve must not be negative")
        _require(not np.any(self.business_time & (self.patience >= 0)), "waits in open time have no patience")
        given = (self.patience_behind >= 0).sum(axis=1)
        numbers = self.patience_behind.shape[1]
        _require(bool(np.all((given == 0) | (given == numbers))), "patience_behind must be given for all numbers")
        _require(bool(np.all(self.hold_limit >= 0)), "hold_limit must not be negative")
        _require(bool(np.all(np.isfinite(self.head_start))), "head_start must be finite")
        _require(not np.any(self.deferrable & self.callbacks), "deferrable queues offer no callback")
        _require(not np.any(self.chat & (self.deferrable | self.callbacks)), "chats neither wait nor are called back")
        _require(not np.any(self.interruptible & ~self.deferrable), "only what is deferrable may be interrupted")
        _require(bool(np.all(self.concurrency >= 1)), "concurrency must be at least 1")
        for name in ("slowdown", "set_up", "away_every"):
            value = getattr(self, name)
            _require(bool(np.all(np.isfinite(value) & (value >= 0))), f"{name} must be finite and not negative")
        warm = np.isin(self.transfer, (Transfer.WARM, Transfer.CONSULTATION)) & (self.escalation_to >= 0)
        in_person = ~(self.chat | self.interruptible)
        both = in_person & in_person[self.escalation_to]
        _require(bool(np.all(both[warm])), "an agent holds with a caller for somebody who takes calls")
        chances = ("escalation_probability", "balking", "redial_probability", "resolution", "no_answer")
        for name in (*chances, "callback_acceptance"):
            probability = getattr(self, name)
            _require(bool(np.all((probability >= 0) & (probability <= 1))), f"{name} must lie in 0 to 1")
        for queue in range(q):
            _require(
                queue not in self.tiers_after(queue),
                f"queue {self.queue_names[queue]!r} escalates to itself in the end",
            )

    @property
    def queues(self) -> int:
        return len(self.queue_names)

    @property
    def groups(self) -> int:
        return len(self.group_names)

    def tiers_after(self, queue: int) -> list[int]:
        """The queues that a contact of ``queue`` may be escalated to, next tier first."""
        tiers: list[int] = []
        tier = int(self.escalation_to[queue])
        while tier >= 0 and tier not in tiers:
            tiers.append(tier)
            tier = int(self.escalation_to[tier])
        return tiers

    @cached_property
    def tier(self) -> NDArray[np.int64]:
        """Per queue how many escalations lead to it, the longest way counted, from 0. Shape (Q,)."""
        out = np.zeros(self.queues, dtype=np.int64)
        for queue in range(self.queues):
            for steps, to in enumerate(self.tiers_after(queue), 1):
                out[to] = max(out[to], steps)
        return out

    @cached_property
    def tries(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """Per queue the (group, level) it tries, by level, then group."""
        return tuple(
            tuple(
                sorted(
                    ((g, int(self.level[q, g])) for g in np.flatnonzero(self.level[q]).tolist()),
                    key=lambda x: (x[1], x[0]),
                )
            )
            for q in range(self.queues)
        )

    @cached_property
    def serves(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """Per group the (queue, priority) it serves, by priority, then queue."""
        return tuple(
            tuple(
                sorted(
                    ((q, int(self.priority[q, g])) for q in np.flatnonzero(self.priority[:, g]).tolist()),
                    key=lambda x: (x[1], x[0]),
                )
            )
            for g in range(self.groups)
        )

    @cached_property
    def overflow_times(self) -> tuple[tuple[float, ...], ...]:
        """Per queue the positive waits after which further groups may take a contact, each once, shortest first."""
        return tuple(
            tuple(sorted({float(wait) for wait in self.after[q, self.level[q] > 0] if wait > 0}))
            for q in range(self.queues)
        )

    @cached_property
    def redials(self) -> NDArray[np.bool_]:
        """Queues whose lost callers may call again. Shape (Q,)."""
        return (self.redial_probability > 0) & (self.redial_attempts > 0) & (self.redial_delay >= 0)

    @cached_property
    def callbacks(self) -> NDArray[np.bool_]:
        """Queues whose callers may be offered a callback. Shape (Q,)."""
        return (self.callback_threshold < np.inf) & (self.callback_acceptance > 0)

    @cached_property
    def sessions(self) -> NDArray[np.bool_]:
        """Where the end of a contact depends on what its agent does meanwhile: chats beside others, and work that may
        be interrupted. Shape (Q, G)."""
        return (self.talk >= 0) & ((self.chat[:, None] & (self.concurrency > 1)) | self.interruptible[:, None])

    @cached_property
    def repeats(self) -> NDArray[np.bool_]:
        """Queues after which customers may contact again because nothing was resolved. Shape (Q,)."""
        return (self.resolution < 1) & (self.repeat_attempts > 0) & (self.repeat_delay >= 0) & self.inquiries

    @cached_property
    def may_hold_line(self) -> NDArray[np.bool_]:
        """Queues in which a contact may hold a line of a pool, its own or one it came with. Shape (Q,)."""
        held = self.line_pool >= 0
        for queue in np.flatnonzero(held):
            held[self.tiers_after(int(queue))] = True
        return held


@lru_cache(maxsize=64)
def open_before(tables: SupportTables, clock: Clock) -> NDArray[np.float64]:
    """Seconds for which each queue has been open by the start of each interval and the end of the horizon.

    Returns:
        float64 (Q, I + 1), or (Q, 1) where all queues are always open.
    """
    out = np.zeros((tables.queues, tables.opening.shape[1] + 1))
    if tables.opening.size:
        np.cumsum(tables.opening * np.diff(clock.interval_start), axis=1, out=out[:, 1:])
    return out


@dataclass(frozen=True, eq=False)
class Contacts:
    """Contacts of one call of an engine, sorted by time.

    Attributes:
        time: float64 (n,), elapsed seconds.
        interval: int64 (n,), interval of the horizon in which it arrives.
        queue: int64 (n,).
        key: uint64 (n,), the contact's own key, from which talk, patience and the like are drawn.
        account: int64 (n,); -1 none.
        talk: float64 (n,), recorded seconds of talk at the first queue, NaN where it is drawn; empty: all are.
    """

    time: NDArray[np.float64]
    interval: NDArray[np.int64]
    queue: NDArray[np.int64]
    key: NDArray[np.uint64]
    account: NDArray[np.int64]
    talk: NDArray[np.float64] = field(default_factory=lambda: _LEFT_OUT)

    def __len__(self) -> int:
        return len(self.time)

    @classmethod
    def none(cls) -> Contacts:
        """No contacts."""
        whole = np.zeros(0, dtype=np.int64)
        return cls(np.zeros(0), whole, whole, np.zeros(0, dtype=np.uint64), whole)


@dataclass(frozen=True, eq=False)
class Clock:
    """The intervals of the horizon and the cells in which results are summed.

    Attributes:
        interval_start: float64 (I + 1,), elapsed seconds; the last entry is the end of the horizon.
        cell: int64 (I,), the cell of each interval; never falls.
    """

    interval_start: NDArray[np.float64]
    cell: NDArray[np.int64]

    def __post_init__(self) -> None:
        _require(self.interval_start.shape == (self.cell.size + 1,), "interval_start needs one entry more than cell")
        _require(bool(np.all(np.diff(self.interval_start) > 0)), "intervals must have a length")
        _require(
            self.cell.size > 0 and self.cell[0] >= 0 and bool(np.all(np.diff(self.cell) >= 0)), "cells must not fall"
        )

    @classmethod
    def of(cls, grid: TimeGrid, cell: Literal["month", "day", "interval"] = "month") -> Clock:
        """The clock of a time grid with one cell per month, day or interval."""
        index = np.arange(grid.intervals, dtype=np.int64)
        by = {
            "interval": index,
            "day": grid.interval_day,
            "month": np.searchsorted(grid.month_interval, index, side="right") - 1,
        }
        return cls(grid.interval_start, by[cell].astype(np.int64))

    @property
    def intervals(self) -> int:
        return self.cell.size

    @property
    def cells(self) -> int:
        return int(self.cell[-1]) + 1

    @property
    def end(self) -> float:
        """The end of the horizon in elapsed seconds."""
        return float(self.interval_start[-1])

    @cached_property
    def next_cell(self) -> NDArray[np.int64]:
        """Per interval the first later interval of another cell (I where there is none)."""
        return np.searchsorted(self.cell, self.cell, side="right").astype(np.int64)


def open_seconds(tables: SupportTables, clock: Clock, queue: int, time: NDArray[np.float64]) -> NDArray[np.float64]:
    """Seconds for which a queue has been open by each instant, float64 (n,); after the horizon it always is."""
    if not tables.opening.size:
        return time
    i = np.clip(np.searchsorted(clock.interval_start, time, side="right") - 1, 0, clock.intervals)
    is_open = np.append(tables.opening[queue], True)[i]
    return open_before(tables, clock)[queue, i] + np.where(is_open, time - clock.interval_start[i], 0.0)


@dataclass(frozen=True, eq=False)
class Sums:
    """What engines add up, in place, by cell.

    Attributes:
        queue: float64 (cells, Q, len(QueueMeasure)).
        group: float64 (cells, G, len(GroupMeasure)).
    """

    queue: NDArray[np.float64]
    group: NDArray[np.float64]

    @classmethod
    def zeros(cls, tables: SupportTables, clock: Clock) -> Sums:
        return cls(
            np.zeros((clock.cells, tables.queues, len(QueueMeasure))),
            np.zeros((clock.cells, tables.groups, len(GroupMeasure))),
        )


@dataclass(frozen=True, eq=False)
class SupportState:
    """What one call of an engine hands to the next; the same for both engines. Never changed by a run.

    Attributes:
        time: elapsed seconds up to which everything has happened.
        interval: the next interval whose staffing is to be applied.
        entries, contacts: how many there have been.
        staff: int64 (G,), agents by the plan in force.
        surplus: int64 (G,), agents beyond it who finish a contact and then leave.
        lines: int64 (P,), lines taken.
        idle_group, idle_since: int64 and float64, the idle agents by group, idle longest first.
        service_end, service_entry, service_group: the busy agents by end of after-call work, then entry.
        service_away: float64, for how long each of them steps away at that end if no contact waits (0: stays); -1 for
            an agent who is away until then.
        service_since: float64, since when each of them has had no rest; 0 where nobody steps away, and during a hold.
        waiting: :data:`OPEN` rows by entry.
        talking: :data:`OPEN` rows by entry, of the talks whose end has consequences (an escalation, a line set free).
        aside: :data:`OPEN` rows by entry, of the callbacks that nobody answered, until the next try.
        returning: :data:`OPEN` rows by entry, of the customers who will redial or contact again, and hold no line.
        agent_group, agent_since, agent_work: the agents with sessions, by group: those with chats by their number and
            how long they have had so many, the others by that time. ``agent_since`` is the last start or end of a
            session of theirs, ``agent_work`` their count of work then (float64).
        sessions: :data:`SESSION` rows by entry.
    """

    time: float
    interval: int
    entries: int
    contacts: int
    staff: NDArray[np.int64]
    surplus: NDArray[np.int64]
    lines: NDArray[np.int64]
    idle_group: NDArray[np.int64]
    idle_since: NDArray[np.float64]
    service_end: NDArray[np.float64]
    service_entry: NDArray[np.int64]
    service_group: NDArray[np.int64]
    service_away: NDArray[np.float64]
    service_since: NDArray[np.float64]
    waiting: NDArray[Any]
    talking: NDArray[Any]
    aside: NDArray[Any]
    returning: NDArray[Any]
    agent_group: NDArray[np.int64]
    agent_since: NDArray[np.float64]
    agent_work: NDArray[np.float64]
    sessions: NDArray[Any]

    @classmethod
    def empty(cls, tables: SupportTables, clock: Clock) -> SupportState:
        """Nobody there yet, at the start of the horizon."""
        groups = np.zeros(tables.groups, dtype=np.int64)
        whole, real, nobody = np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0, dtype=OPEN)
        lines = np.zeros(tables.line_capacity.size, dtype=np.int64)
        start = float(clock.interval_start[0])
        busy = real, whole, whole, real, real
        agents = whole, real, real, np.zeros(0, dtype=SESSION)
        return cls(start, 0, 0, 0, groups, groups, lines, whole, real, *busy, nobody, nobody, nobody, nobody, *agents)


@dataclass(frozen=True, eq=False)
class SupportOutcome:
    """What one call of an engine returns.

    Attributes:
        waiting: int64 (Q,), contacts that wait at the end of the call, for another try at a callback too, and that
            nobody has answered yet.
        escalated: :data:`ESCALATED` rows, the escalations of contacts that belong to an account, in order of time.
        records: :data:`RECORD` rows by entry, or None: first the entries that waited, or were sessions, when the call
            began, then those of the call itself. :func:`join_records` makes one table of several calls.
    """

    waiting: NDArray[np.int64]
    escalated: NDArray[Any]
    records: NDArray[Any] | None


def mark_in_service(records: NDArray[Any], until: float) -> NDArray[Any]:
    """Tell the talks that go on at ``until``, also those without an end yet, from those that are over. Works in place
    and returns its argument."""
    answered = (records["outcome"] == Outcome.ANSWERED) | (records["outcome"] == Outcome.IN_SERVICE)
    records["outcome"] = np.where(
        answered, np.where(records["talk_end"] < until, Outcome.ANSWERED, Outcome.IN_SERVICE), records["outcome"]
    )
    return records


def holds(records: NDArray[Any]) -> NDArray[np.float64]:
    """Seconds for which each row's agent held with the caller after talk, float64 (n,); infinite while it lasts.

    Args:
        records: rows of whole contacts.
    """
    stays = np.flatnonzero(records["outcome"] != Outcome.NO_ANSWER)
    order = stays[np.lexsort([records[name][stays] for name in ("leg", "attempt", "contact")])]
    earlier, later = order[:-1], order[1:]
    same = np.ones(len(earlier), dtype=bool)
    for name in ("contact", "attempt"):
        same &= records[name][earlier] == records[name][later]
    out = np.zeros(len(records))
    out[earlier[same]] = np.nan_to_num(records["hold"][later[same]], nan=np.inf)
    return out


def join_records(parts: Sequence[NDArray[Any]], until: float) -> NDArray[Any]:
    """The records of successive calls as one call would have returned them.

    An entry that waited across a boundary stands in both calls; the later row has its outcome.
    """
    rows = np.concatenate(parts)
    order = np.argsort(rows["entry"], kind="stable")
    rows = rows[order]
    last = np.append(rows["entry"][1:] != rows["entry"][:-1], True)
    return mark_in_service(rows[last], until)


def check_run(
    tables: SupportTables,
    clock: Clock,
    contacts: Contacts,
    staff: NDArray[np.int64],
    state: SupportState,
    until: float,
    sums: Sums,
) -> None:
    """Refuse what an engine would read wrongly.

    Raises:
        ParameterError: shapes that do not fit, contacts out of order or outside the call, negative staff.
    """
    _require(staff.shape == (tables.groups, clock.intervals), "staff must have shape (groups, intervals)")
    for name in ("dropping", "serving_out", "opening"):
        of_intervals = getattr(tables, name).shape[1] in (0, clock.intervals)
        _require(of_intervals, f"{name} must have shape (queues, intervals)")
    _require(int(staff.min(initial=0)) >= 0, "staff must not be negative")
    _require(until >= state.time, f"the call ends at {until}, before its start at {state.time}")
    _require(sums.queue.shape == (clock.cells, tables.queues, len(QueueMeasure)), "sums.queue has another shape")
    _require(sums.group.shape == (clock.cells, tables.groups, len(GroupMeasure)), "sums.group has another shape")
    _require(sums.queue.flags.carray and sums.group.flags.carray, "sums must be contiguous and writable")
    if len(contacts):
        time = contacts.time
        _require(bool(np.all(time[1:] >= time[:-1])), "contacts must be sorted by time")
        _require(
            time[0] >= state.time and time[-1] < until,
            f"contacts must arrive from {state.time} to before {until}, not from {time[0]} to {time[-1]}",
        )
        _require(
            int(contacts.queue.min()) >= 0 and int(contacts.queue.max()) < tables.queues,
            "a contact arrives at a queue that is not there",
        )
        _require(
            int(contacts.interval.min()) >= 0 and int(contacts.interval.max()) < clock.intervals,
            "a contact arrives in an interval that is not there",
        )
        if contacts.talk.size:
            _require(contacts.talk.shape == time.shape, "recorded talk needs one value per contact")
            _require(
                bool(np.all(np.isnan(contacts.talk) | ((contacts.talk >= 0) & (contacts.talk < np.inf)))),
                "recorded talk must be finite and not negative, or NaN",
            )


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ParameterError(message)
