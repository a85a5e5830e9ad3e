"""Recorded days through the engine: the calls that came and the agents who were there, as tables, contacts and plans.

What a day records is taken as it is: arrivals, kinds of call, the seconds at which each agent came and went, and how
long the answered calls lasted. What nobody records (how long callers would have waited, what keeps agents from the next
call) is fitted once on all the days together, in :class:`Habits`, and drawn for every call by its own key.

Each agent is a group of one, which keeps the agent's identity: somebody who still talks when the next stretch of
presence begins is one agent, not two. Kinds of call whose callers have a head start are queues of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from simulator import distributions, randomness, timegrid
from simulator.distributions import Law, LawBook
from simulator.errors import InputError, ParameterError, Problem
from simulator.support import fit
from simulator.support.tables import Clock, Contacts, Outcome, Sums, SupportTables

if TYPE_CHECKING:
    import pandas as pd

INTERVAL = 1800.0
SKILL_SHARE = 0.1
"""An agent serves a kind of call whose share of their own calls is at least this part of its share of all calls."""
FEWEST = 60
"""Callers who waited below which a law of patience borrows from its kind, and that from all kinds."""
POINTS = 400
"""Quantiles that stand for a recorded law."""
AT_RISK = 30
"""Callers still waiting below which a survival curve is too thin: beyond it, callers give up at a constant rate."""
PLACES = 12
"""Callers found waiting up to which the law of patience is told apart."""
BREAK = 60.0
"""Seconds from which a pause of an agent who was wanted is taken for time away."""
SHORTEST, LONGEST = 10.0, 1e5
"""Seconds without a rest between which :func:`away_every` looks."""
SERVE_OUT = 1e6
"""Seconds after the last call in which everybody is answered or gives up."""

STAFF_COLUMNS: dict[str, tuple[str, ...]] = {
    "date": ("date", "day", "日付"),
    "agent": ("agent", "agent_id", "オペレーター"),
    "start": ("start", "on_s", "on", "login", "from", "開始"),
    "end": ("end", "off_s", "off", "logout", "to", "終了"),
    "pool": ("pool", "team", "group", "チーム"),
}
"""What a staffing file tells, and the column names it is found under; all but ``pool`` are required. Times are seconds
after midnight of ``date`` or ``09:05:30``; beyond 24:00 they belong to the same day."""

STAFF_REQUIRED = ("date", "agent", "start", "end")

STAFF_FAULTS: dict[str, str] = {
    "unparsable": "a date, agent or time that cannot be read",
    "backwards": "an end before its start",
    "duplicate": "the same row again",
    "overlap": "an agent who comes before having gone",
}

Talk = Literal["recorded", "drawn"]


# --- who was there ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Staffing:
    """When each agent was there.

    Attributes:
        stretches: one row per agent and stretch, sorted: ``date``, ``agent``, ``pool``, ``start`` and ``end`` (seconds
            after midnight of ``date``), of positive length.
        notes: what was understood of the file that a person may want to check.
        rows: rows in the file.
    """

    stretches: pd.DataFrame
    notes: tuple[str, ...] = ()
    rows: int = 0


def read_staffing(
    path: str | Path,
    columns: Mapping[str, str] | None = None,
    *,
    skip: Collection[str] = (),
    date_format: str | None = None,
    encoding: str = "utf-8-sig",
) -> Staffing:
    """Read when agents were there (CSV, one row per agent and stretch).

    Args:
        columns: names of the file's columns by meaning, where :data:`STAFF_COLUMNS` does not find them.
        skip: kinds of row, of :data:`STAFF_FAULTS`, to leave out and count; of those that overlap, the part that does.

    Raises:
        InputError: every problem of the file at once, rows of a kind as one problem with their number.
    """
    import pandas as pd

    table, too_long = fit.read_table(path, "unparsable" in skip, encoding, "staffing file")
    place = fit.find_columns(table, columns or {}, str(path), STAFF_COLUMNS, STAFF_REQUIRED, "--staff-column")
    text = {name: table[column].str.strip() for name, column in place.items()}
    date, readings, example = fit.days_of(text["date"], date_format)
    problems = []
    if len(readings) != 1:
        message = "the dates can be read in more than one way" if readings else "no date could be read"
        allowed = " or ".join(f"--date-format {form}" for form in readings or fit.DATE_FORMATS)
        problems.append(Problem(str(path), None, place["date"], message, found=example, allowed=allowed))
    frame = pd.DataFrame(
        {
            "date": date,
            "agent": text["agent"].where(text["agent"] != ""),
            "pool": text.get("pool", "all"),
            "start": fit.durations(text["start"]),
            "end": fit.durations(text["end"]),
        }
    )
    unread = frame.isna().any(axis=1)
    before = frame.sort_values(["date", "agent", "start", "end"], kind="stable")
    latest = before.groupby(["date", "agent"])["end"].cummax().groupby([before["date"], before["agent"]]).shift()
    duplicate = frame.duplicated() & ~unread
    faults = {
        "unparsable": unread,
        "backwards": frame["end"] < frame["start"],
        "duplicate": duplicate,
        "overlap": (latest.reindex(frame.index) > frame["start"]) & ~duplicate,
    }
    said_already = {"unparsable"} if not readings else set()
    problems += fit.row_problems(str(path), "", faults, STAFF_FAULTS, {*skip, *said_already}, "--staff-skip")
    if problems:
        raise InputError(problems)
    frame["start"] = frame["start"].where(~faults["overlap"], latest.reindex(frame.index))
    out = faults["unparsable"] | faults["backwards"] | faults["duplicate"]
    kept = frame[~out & (frame["end"] > frame["start"])].sort_values(["date", "agent", "start"], kind="stable")
    notes = [f"staffing rows left out or cut, {STAFF_FAULTS[kind]}: {rows.sum():,}" for kind, rows in faults.items()
             if rows.any()]  # fmt: skip
    if too_long:
        notes.append(f"staffing rows left out, with more fields than columns: {too_long:,}")
    empty = int((~out & (frame["end"] == frame["start"])).sum())
    if empty:
        notes.append(f"stretches of no length, left out: {empty:,}")
    if kept.empty:
        raise InputError([Problem(str(path), None, "", "nobody is ever there")])
    return Staffing(kept.reset_index(drop=True), tuple(notes), len(table) + too_long)


def inferred_staffing(log: fit.CallLog, gap: float) -> Staffing:
    """Presence from the calls themselves: gaps of more than ``gap`` seconds between an agent's calls are absence."""
    stretches = fit.presence(log, gap).assign(pool="all")
    stretches = stretches[stretches["end"] > stretches["start"]]
    note = f"presence is inferred: gaps of more than {gap:g} s between an agent's own calls count as absence"
    return Staffing(stretches.reset_index(drop=True), (note,), 0)


def pools_of_calls(log: fit.CallLog, staffing: Staffing) -> pd.Series:
    """The pool that each call belongs to: on its day, the pool whose agents answered most calls of its kind.

    Calls of a kind that nobody known answered that day belong to the pool that answered most of the kind on all days,
    else to the largest pool.
    """
    calls, stretches = log.calls, staffing.stretches
    home = stretches.groupby(["date", "agent"])["pool"].first()
    answered = calls[calls["agent"].notna()].join(home, on=["date", "agent"])
    counts = answered.groupby(["date", "queue", "pool"]).size()
    by_day = counts.reset_index(name="n").sort_values("n", kind="stable").groupby(["date", "queue"])["pool"].last()
    by_kind = answered.groupby(["queue", "pool"]).size().reset_index(name="n").sort_values("n", kind="stable")
    overall = by_kind.groupby("queue")["pool"].last()
    pool = calls.join(by_day.rename("pool"), on=["date", "queue"])["pool"]
    return pool.fillna(calls["queue"].map(overall)).fillna(stretches["pool"].mode()[0])


# --- what is fitted ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Habits:
    """What no record tells of a single call, fitted once on all the days.

    Attributes:
        patience: laws by queue of the replay (kind of call, with its head start) for callers who find 0, 1, 2, ... or
            more calls waiting in the pool; Kaplan-Meier, answered calls censored.
        talk: law by kind of call, for calls whose talk nobody recorded.
        pause: seconds from the end of an agent's call to the next one although its caller was waiting already.
        away: time away of an agent whom nobody awaits.
        away_every: the chance of it is 1 - exp(-w / away_every) after w seconds without a rest; None: all stay.
        skills: kinds of call that each agent serves; an agent without calls of their own serves all.
        head_start: seconds by value of the priority column.
        priorities: share of each of these values by kind of call, for calls whose priority nobody recorded.
    """

    patience: Mapping[str, Sequence[Law]]
    talk: Mapping[str, Law]
    pause: Law
    away: Law
    away_every: float | None
    skills: Mapping[str, frozenset[str]]
    head_start: Mapping[str, float] = field(default_factory=dict)
    priorities: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As plain data, which :meth:`of_document` reads back."""

        def law(x: Law) -> dict[str, Any]:
            return {"family": x.family, "scale": x.scale, "shape": list(x.shape), "zero": x.zero}

        return {
            "patience": {name: [law(x) for x in laws] for name, laws in self.patience.items()},
            "talk": {name: law(x) for name, x in self.talk.items()},
            "pause": law(self.pause),
            "away": law(self.away),
            "away_every": self.away_every,
            "skills": {agent: sorted(kinds) for agent, kinds in sorted(self.skills.items())},
            "head_start": dict(self.head_start),
            "priorities": {kind: dict(shares) for kind, shares in self.priorities.items()},
        }

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> Habits:
        """The habits that :meth:`document` wrote.

        Raises:
            ParameterError: something is missing or of another kind.
        """

        def law(x: Mapping[str, Any]) -> Law:
            return Law(str(x["family"]), float(x["scale"]), tuple(float(v) for v in x["shape"]), float(x["zero"]))

        try:
            return cls(
                patience={name: [law(x) for x in laws] for name, laws in document["patience"].items()},
                talk={name: law(x) for name, x in document["talk"].items()},
                pause=law(document["pause"]),
                away=law(document["away"]),
                away_every=None if document["away_every"] is None else float(document["away_every"]),
                skills={agent: frozenset(kinds) for agent, kinds in document["skills"].items()},
                head_start={value: float(x) for value, x in document["head_start"].items()},
                priorities={
                    kind: {value: float(x) for value, x in shares.items()}
                    for kind, shares in document["priorities"].items()
                },
            )
        except KeyError as error:
            raise ParameterError(f"these are no habits of a replay: {error.args[0]!r} is missing") from None
        except (TypeError, ValueError, AttributeError):
            raise ParameterError("these are no habits of a replay: a value is of another kind") from None


def fit_habits(
    log: fit.CallLog,
    staffing: Staffing,
    *,
    head_start: Mapping[str, float] | None = None,
    priority_when_waiting: bool = False,
    skill_share: float = SKILL_SHARE,
) -> Habits:
    """Fit everything but how often agents step away (see :func:`away_every`), on all the calls given.

    Args:
        log: calls of one pool.
        head_start: seconds that callers of a priority (value of the log's column) count as having waited at entry.
        priority_when_waiting: the log tells priorities only of callers who waited; those of the others are drawn, with
            the shares of the callers of their kind who waited.
        skill_share: see :data:`SKILL_SHARE`.

    Raises:
        ParameterError: no answered call, or no caller who gave up.
    """
    starts = dict(head_start or {})
    calls = log.calls
    if not calls["answered"].any() or calls["answered"].all():
        raise ParameterError("a replay needs answered calls and some that were abandoned, to tell patience from")
    waited = calls[calls["waited"]].assign(found=found_waiting(calls))
    priorities = {}
    if priority_when_waiting:
        for kind, mine in waited.groupby("queue"):
            shares = mine["priority"].value_counts(normalize=True)
            priorities[str(kind)] = {value: float(shares.get(value, 0.0)) for value in starts}
    queue = _queue_names(waited["queue"], waited["priority"], starts)
    patience: dict[str, list[Law]] = {}
    for kind in sorted(calls["queue"].unique()):
        for name in (kind, *(f"{kind} {value}" for value in starts)):
            samples = (waited[queue == name], waited[waited["queue"] == kind], waited)
            chosen = next(x for x in samples if len(x) >= FEWEST or x is samples[-1])
            patience[name] = _by_place(chosen, waited)
    answered = calls[calls["answered"]]
    able = skills(log, skill_share)
    return Habits(
        patience=patience,
        talk={kind: recorded_law(_talks(answered, kind)) for kind in sorted(calls["queue"].unique())},
        pause=(pause := pause_law(log, staffing, able)),
        away=_longer(pause, BREAK),
        away_every=None,
        skills=able,
        head_start=starts,
        priorities=priorities,
    )


def found_waiting(calls: pd.DataFrame) -> pd.Series:
    """How many other calls of the log wait when each call comes."""
    import pandas as pd

    found = []
    for _, today in calls.groupby("date"):
        queued = today[today["wait"] > 0]
        come, gone = np.sort(queued["time"].to_numpy(float)), np.sort((queued["time"] + queued["wait"]).to_numpy(float))
        moment = today["time"].to_numpy(float)
        waiting = np.searchsorted(come, moment, side="left") - np.searchsorted(gone, moment, side="right")
        found.append(pd.Series(np.maximum(waiting, 0), index=today.index))
    return pd.concat(found)


def _by_place(callers: pd.DataFrame, everybody: pd.DataFrame) -> list[Law]:
    """The law of patience of who finds 0, 1, ... :data:`PLACES` or more waiting: one law for as many of these numbers,
    from 0 up, as hold :data:`FEWEST` callers; a remainder of fewer belongs to the last of them."""
    found = np.minimum(callers["found"].to_numpy(np.int64), PLACES)
    part, parts, held = np.zeros(PLACES + 1, dtype=np.int64), 0, 0
    for place, many in enumerate(np.bincount(found, minlength=PLACES + 1)):
        part[place] = parts
        held += int(many)
        if held >= FEWEST:
            parts, held = parts + 1, 0
    part = np.minimum(part, max(parts - 1, 0))
    laws = []
    for number in range(part[-1] + 1):
        sample = callers[part[found] == number]
        chosen = next((x for x in (sample, callers) if not x["answered"].all()), everybody)
        laws.append(survival_law(chosen["wait"].to_numpy(float), ~chosen["answered"].to_numpy(bool)))
    return [laws[number] for number in part]


def _longer(pause: Law, than: float) -> Law:
    """The pauses longer than that; exponential beyond it where there are none."""
    share = float(pause.survival(np.array([than]))[0])
    if share <= 0:
        return distributions.exponential(2 * than)
    at = 1.0 - share * (1.0 - (np.arange(POINTS) + 0.5) / POINTS)
    return distributions.empirical(np.maximum(pause.quantile(at), than))


def _talks(answered: pd.DataFrame, kind: str) -> NDArray[np.float64]:
    mine = answered.loc[answered["queue"] == kind, "talk"].to_numpy(float)
    return mine if len(mine) else answered["talk"].to_numpy(float)


def _queue_names(kind: pd.Series, priority: pd.Series, head_start: Mapping[str, float]) -> pd.Series:
    return kind.where(~priority.isin(list(head_start)), kind + " " + priority.fillna(""))


def recorded_law(values: NDArray[np.float64]) -> Law:
    """The recorded values, thinned to their quantiles where there are many."""
    data = np.sort(values)
    if len(data) > POINTS:
        data = np.quantile(data, (np.arange(POINTS) + 0.5) / POINTS)
    return distributions.empirical(data)


def survival_law(duration: NDArray[np.float64], ended: NDArray[np.bool_]) -> Law:
    """The law of a Kaplan-Meier curve: its quantiles, and beyond the last reliable point a constant rate of giving up.

    That rate is the curve's own mean rate up to there. Seconds are whole in most logs: an end in second w is taken as
    spread over w - 1/2 to w + 1/2, but an end at 0 as 0.
    """
    curve = fit.kaplan_meier(duration, ended)
    seen = curve.at_risk >= min(AT_RISK, len(duration))
    time, share = curve.time[seen], curve.share[seen]
    at = (np.arange(POINTS) + 0.5) / POINTS
    left = 1.0 - at
    place = np.searchsorted(-share, -left, side="left")  # the first time at which no more than `left` still wait
    inside = place < len(time)
    quantile = np.empty(POINTS)
    upper = np.append(time, time[-1])[place]
    above = np.concatenate([[1.0], share])[place]
    below = np.append(share, share[-1])[place]
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.where(above > below, (above - left) / (above - below), 0.5)
    quantile[inside] = np.where(upper > 0, upper - 0.5 + part, 0.0)[inside]
    if not inside.all():
        last = float(share[-1])
        rate = -np.log(last) / max(float(time[-1]), 1.0) if last < 1.0 else 1.0 / max(float(time[-1]), 1.0)
        quantile[~inside] = time[-1] + np.log(last / left[~inside]) / rate
    return distributions.empirical(np.maximum(quantile, 0.0))


def pause_law(log: fit.CallLog, staffing: Staffing, able: Mapping[str, frozenset[str]]) -> Law:
    """Seconds between two calls of an agent within one stretch of presence, where at the end of the first somebody
    waited whom the agent serves.

    These are after-call work and all else that keeps an agent who is wanted. The second caller need not be the one who
    waited: after a long pause somebody else has taken that one. A second call answered at once tells only that the
    pause was over by then: such pauses are censored from the left, and the law is that of the Kaplan-Meier estimate in
    reversed time. No pause without 30 of them.
    """
    import pandas as pd

    calls = log.calls[log.calls["answered"] & log.calls["agent"].notna()]
    start = calls["time"] + calls["wait"]
    own = pd.DataFrame(
        {"date": calls["date"], "agent": calls["agent"], "waited": calls["waited"], "arrival": calls["time"],
         "start": start, "end": start + calls["talk"]}
    ).sort_values(["date", "agent", "start"], kind="stable")  # fmt: skip
    own["before"] = own.groupby(["date", "agent"])["end"].shift()
    own = own[own["start"] >= own["before"]]
    own = own.assign(row=np.arange(len(own)), wanted=0)
    for (date, kind), mine in log.calls.groupby(["date", "queue"]):
        today = (own["date"] == date) & own["agent"].map(lambda agent, kind=kind: kind in able.get(agent, (kind,)))
        moment = own.loc[today, "before"].to_numpy(float)
        come = np.searchsorted(np.sort(mine["time"].to_numpy(float)), moment, side="right")
        # a second more: the log's seconds are rounded, and the call just taken may seem to wait still
        gone = np.searchsorted(np.sort((mine["time"] + mine["wait"]).to_numpy(float)), moment + 1.0, side="right")
        own.loc[today, "wanted"] += np.maximum(come - gone, 0)
    own = own[own["wanted"] > 0]
    both = own.merge(staffing.stretches, on=["date", "agent"], suffixes=("", "_there"))
    # clocks of two systems: the log's seconds are rounded and its waits may include a ring
    there = both[(both["before"] >= both["start_there"] - 2.0) & (both["start"] <= both["end_there"] + 2.0)]
    pauses = own[own["row"].isin(there["row"])]
    if pauses["waited"].sum() < 30:
        return distributions.deterministic(0.0)
    over = np.where(pauses["waited"], pauses["start"], np.maximum(pauses["arrival"], pauses["before"]))
    value = over - pauses["before"].to_numpy(float)
    longest = float(value.max())
    curve = fit.kaplan_meier(longest - value, pauses["waited"].to_numpy(bool))  # of what is left to the longest
    at = (np.arange(POINTS) + 0.5) / POINTS
    # the first time left at which no more than the share `at` has more time left, seen from the other end
    place = np.minimum(np.searchsorted(-curve.share, -at, side="left"), len(curve.time) - 1)
    return distributions.empirical(longest - curve.time[place])


def skills(log: fit.CallLog, share: float = SKILL_SHARE) -> dict[str, frozenset[str]]:
    """Kinds of call that each agent serves: those of which the agent's own calls hold at least ``share`` times what all
    agents' calls hold. An absolute share would leave rare kinds unserved."""
    calls = log.calls[log.calls["answered"] & log.calls["agent"].notna()]
    total = calls["queue"].value_counts(normalize=True)
    own = calls.groupby("agent")["queue"].value_counts(normalize=True).unstack(fill_value=0)
    return {
        str(agent): frozenset(str(kind) for kind in total.index if row.get(kind, 0.0) >= share * total[kind])
        for agent, row in own.iterrows()
    }


# --- a day as a model -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Day:
    """One recorded day of one pool, ready for an engine.

    Attributes:
        date: midnight.
        tables: a group per agent who was there, a queue per kind of call and head start.
        away: law row of time away.
        clock: intervals between all comings and goings; one cell.
        staff: int64 (agents, intervals), 0 or 1.
        calls: rows of the log, in order of arrival.
        queue: int64 (n, 1 + values), the queue of each call without a head start and with each value's.
        share: float64 (n, values), chance of each value; 1 or 0 where the log tells it.
        word: uint64 (n,), names of the calls.
    """

    date: pd.Timestamp
    tables: SupportTables
    away: int
    clock: Clock
    staff: NDArray[np.int64]
    calls: pd.DataFrame
    queue: NDArray[np.int64]
    share: NDArray[np.float64]
    word: NDArray[np.uint64]

    def contacts(self, seed: int, replication: int, talk: Talk = "recorded") -> Contacts:
        """The calls of the day in one replication. Only draws differ between replications."""
        key = randomness.keys(randomness.stream(seed, replication, "support.replay"), self.word)
        u = randomness.uniform(key, _PRIORITY)
        value = (u[:, None] >= np.cumsum(self.share, axis=1)).sum(axis=1)  # all of them: none
        column = np.where(value < self.share.shape[1], value + 1, 0)
        time = self.calls["time"].to_numpy(float)
        return Contacts(
            time=time,
            interval=np.searchsorted(self.clock.interval_start, time, side="right") - 1,
            queue=self.queue[np.arange(len(time)), column],
            key=key,
            account=np.full(len(time), -1),
            talk=self.calls["talk"].to_numpy(float) if talk == "recorded" else np.zeros(0),
        )


_PRIORITY = randomness.purpose("support.priority")


def days(
    log: fit.CallLog, staffing: Staffing, habits: Habits, *, priority_when_waiting: bool = False, within: float = 20.0
) -> list[Day]:
    """Every recorded day as a model. Days without staffing are left out: nobody knows who was there.

    Args:
        log: calls of one pool.
        within: seconds of the service level.
    """
    kinds = sorted(log.calls["queue"].unique())
    values = list(habits.head_start)
    names = [name for kind in kinds for name in (kind, *(f"{kind} {value}" for value in values))]
    book = LawBook()
    waits = next(iter(habits.patience.values()))
    everyone = next(iter(habits.talk.values()))
    patience = np.array([[book.row(law) for law in habits.patience.get(name, waits)] for name in names])
    talk = np.array([book.row(habits.talk.get(kind, everyone)) for kind in kinds for _ in (kind, *values)])
    pause = book.row(habits.pause)
    away, every = book.row(habits.away), habits.away_every
    laws = book.tables()
    starts = np.array([x for _ in kinds for x in (0.0, *habits.head_start.values())])
    found = []
    by_date = {date: part for date, part in staffing.stretches.groupby("date")}
    for date, part in log.calls.groupby("date"):
        there = by_date.get(date)
        if there is None:
            continue
        calls = part.sort_values("time", kind="stable")
        agents = sorted(there["agent"].unique())
        clock, staff = _plan(calls, there, agents)
        able = np.array([[kind in habits.skills.get(agent, kinds) for agent in agents] for kind in kinds])
        able[~able.any(axis=1)] = True  # a kind that nobody of this day knows is served by all, as it was
        serves = np.repeat(able, 1 + len(values), axis=0)
        queues, groups = serves.shape
        tables = SupportTables(
            queue_names=tuple(names),
            group_names=tuple(agents),
            laws=laws,
            patience=patience[:, 0],
            patience_behind=patience[:, 1:],
            talk=np.where(serves, talk[:, None], -1),
            after_call=np.where(serves, pause, -1),
            priority=serves.astype(np.int64),
            level=serves.astype(np.int64),
            escalation_to=np.full(queues, -1),
            escalation_probability=np.zeros(queues),
            line_pool=np.full(queues, -1),
            line_capacity=np.zeros(0, dtype=np.int64),
            answer_within=np.full(queues, within),
            short_abandon=np.full(queues, -1.0),
            head_start=starts,
            away=np.full(groups, -1 if every is None else away),
            away_every=np.full(groups, every or 0.0),
        )
        kind = np.searchsorted(kinds, calls["queue"].to_numpy(str))
        share = np.zeros((len(calls), len(values)))
        for column, value in enumerate(values):
            share[:, column] = calls["priority"] == value
        if priority_when_waiting and values:
            shares = np.array([[habits.priorities.get(k, {}).get(v, 0.0) for v in values] for k in kinds])
            unknown = ~calls["waited"].to_numpy(bool) & (share.sum(axis=1) == 0)
            share[unknown] = shares[kind[unknown]]
        found.append(
            Day(
                date=date,  # type: ignore[arg-type]
                tables=tables,
                away=away,
                clock=clock,
                staff=staff,
                calls=calls,
                queue=(kind * (1 + len(values)))[:, None] + np.arange(1 + len(values))[None, :],
                share=share,
                word=_words(date, calls),
            )
        )
    return found


def _words(date: Any, calls: pd.DataFrame) -> NDArray[np.uint64]:
    """A name per call: its day, kind, second, and place among those of that second."""
    base = np.array([randomness.word("replay", f"{date:%Y-%m-%d}", kind) for kind in calls["queue"]], dtype=np.uint64)
    twin = calls.groupby(["queue", "time"]).cumcount().to_numpy(np.uint64)
    moment = np.round(calls["time"].to_numpy(float) * 1000).astype(np.int64).astype(np.uint64)
    return randomness.mix(base ^ randomness.mix(moment * np.uint64(1 << 20) + twin))


def _plan(calls: pd.DataFrame, there: pd.DataFrame, agents: Sequence[str]) -> tuple[Clock, NDArray[np.int64]]:
    """The clock whose intervals begin at every coming and going, and who is there in each."""
    start, end = there["start"].to_numpy(float), there["end"].to_numpy(float)
    first = min(float(calls["time"].min()), float(start.min()), 0.0)
    last = max(float(calls["time"].max()), float(end.max())) + 1.0
    edges = np.unique(np.concatenate([[first, last], start, end]))
    row = np.searchsorted(agents, there["agent"].to_numpy(str))
    change = np.zeros((len(agents), len(edges)), dtype=np.int64)
    np.add.at(change, (row, np.searchsorted(edges, start)), 1)
    np.add.at(change, (row, np.searchsorted(edges, end)), -1)
    staff = np.minimum(np.cumsum(change, axis=1)[:, :-1], 1)
    return Clock(edges, np.zeros(len(edges) - 1, dtype=np.int64)), np.ascontiguousarray(staff)


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Simulated beside recorded, call by call, in the order of the days and within them of arrival.

    Attributes:
        wait: float64 (replications, n), seconds to the answer or to giving up.
        answered: bool (replications, n).
    """

    wait: NDArray[np.float64]
    answered: NDArray[np.bool_]


def simulate(
    models: Iterable[Day],
    *,
    replications: int,
    seed: int,
    talk: Talk = "recorded",
    engine: Any = None,
) -> Outcomes:
    """Replay the days; each begins and ends on its own.

    Args:
        engine: :mod:`simulator.support.reference` for the readable one; None: the compiled one.
    """
    if engine is None:
        from simulator.support import compiled

        engine = compiled
    waits, answers = [], []
    for day in models:
        wait = np.empty((replications, len(day.calls)))
        answered = np.empty((replications, len(day.calls)), dtype=bool)
        sums = Sums.zeros(day.tables, day.clock)
        for r in range(replications):
            contacts = day.contacts(seed, r, talk)
            outcome, _ = engine.run(
                day.tables, day.clock, contacts, day.staff, None, day.clock.end + SERVE_OUT, sums=sums, records=True
            )
            rows = outcome.records
            answered[r] = rows["outcome"] == Outcome.ANSWERED
            wait[r] = np.where(answered[r], rows["answered_at"], rows["end"]) - rows["arrived"]
        waits.append(wait)
        answers.append(answered)
    return Outcomes(np.concatenate(waits, axis=1), np.concatenate(answers, axis=1))


# --- time away --------------------------------------------------------------------------------------------------------


def away_every(
    models: Sequence[Day], counted: NDArray[np.bool_], *, seed: int, talk: Talk = "recorded", replications: int = 2
) -> float | None:
    """How often agents step away such that the replay of all days together has the recorded service level.

    Idle agents are not seen, so that this cannot be measured; how long they are away can, by the long pauses of agents
    who were wanted. The more seldom they step away, the more calls are answered in time; the draws are the same
    throughout, so that the search is by halves (of the logarithm).

    Args:
        counted: which calls count, (n,), in the order of the days.

    Returns:
        Seconds (see :class:`Habits`); None when the service level is no higher without any time away.
    """
    import pandas as pd

    calls = pd.concat([day.calls for day in models])
    within = models[0].tables.answer_within[0]
    recorded = (calls["answered"] & (calls["wait"] <= within)).to_numpy(bool)[counted]

    def level(every: float | None) -> float:
        outcomes = simulate(with_away(models, every), replications=replications, seed=seed, talk=talk)
        return float((outcomes.answered[:, counted] & (outcomes.wait[:, counted] <= within)).mean())

    real = float(recorded.mean())
    if level(None) <= real:
        return None
    low, high = SHORTEST, LONGEST
    for _ in range(10):
        every = float(np.sqrt(low * high))
        low, high = (every, high) if level(every) < real else (low, every)
    return float(np.sqrt(low * high))


def with_away(models: Sequence[Day], every: float | None) -> list[Day]:
    """The days with agents who step away so often; None: never."""
    found = []
    for day in models:
        groups = day.tables.groups
        away, seconds = np.full(groups, -1 if every is None else day.away), np.full(groups, every or 0.0)
        found.append(replace(day, tables=replace(day.tables, away=away, away_every=seconds)))
    return found


def present_at(staffing: Staffing, date: pd.Timestamp, interval: float = INTERVAL) -> NDArray[np.float64]:
    """Mean agents present by interval of one day, (slots,)."""
    import pandas as pd

    one = staffing.stretches[staffing.stretches["date"] == date]
    return fit.present_by_interval(one, pd.DatetimeIndex([date]), interval)[0]


def slots(time: NDArray[np.float64], interval: float = INTERVAL) -> NDArray[np.int64]:
    """The interval of the day in which each second lies; those after midnight are in the last."""
    last = round(timegrid.DAY_SECONDS / interval) - 1
    return np.minimum(time // interval, last).astype(np.int64)
