"""From a ticket log to what it can tell: when tickets come, who they pass through, how long they stay open.

A ticket log has one row per event (a change of status, person or team), unlike a call log with one row per call. It
tells elapsed time and nothing of effort. :func:`read_tickets` checks a log and puts it in one form; :func:`histories`
makes one row per ticket; :func:`elapsed`, :func:`spells` and :func:`shares` each answer one question; the laws are
chosen as for calls (:func:`simulator.support.fit.fit_laws`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulator import timegrid
from simulator.errors import InputError, ParameterError, Problem, nearest
from simulator.support import fit
from simulator.units import counted

if TYPE_CHECKING:
    import pandas as pd

COLUMNS: dict[str, tuple[str, ...]] = {
    "ticket": ("case_id", "ticket_id", "ticket", "case", "incident", "number", "case:concept:name", "チケット番号"),
    "time": ("timestamp", "time", "event_time", "changed_at", "complete_timestamp", "time:timestamp", "日時"),
    "status": ("status", "activity", "state", "event", "concept:name", "ステータス"),
    "detail": ("substatus", "sub_status", "detail", "lifecycle:transition"),
    "person": ("user_id", "resource", "person", "user", "assignee", "agent", "org:resource", "担当者"),
    "line": ("line", "team", "group", "support_team", "assignment_group", "org:group", "担当チーム"),
    "date": ("date", "event_date", "日付"),
}
"""What a log tells, and the column names it is found under; the first three are required. ``time`` is a full timestamp,
or beside a ``date`` the time of day. ``detail`` refines the status, ``line`` is the team that holds the ticket."""

REQUIRED = ("ticket", "time", "status")

STATES: dict[str, tuple[str, ...]] = {
    "opened": ("opened", "open", "new", "created", "registered", "insert ticket", "assign seriousness", "受付", "新規"),
    "queued": ("queued", "awaiting assignment", "unassigned", "in queue", "未割当"),
    "working": (
        "accepted", "in progress", "assigned", "in call", "take in charge ticket", "schedule intervention",
        "create sw anomaly", "resolve sw anomaly", "require upgrade", "reopened", "対応中",
    ),
    "waiting": (
        "wait", "waiting", "pending", "on hold", "wait - user", "wait - customer", "wait - vendor",
        "wait - implementation", "保留", "回答待ち",
    ),
    "escalated": ("escalated", "escalation", "エスカレーション"),
    "resolved": ("resolved", "resolve ticket", "completed", "solved", "done", "解決"),
    "closed": ("closed", "cancelled", "canceled", "verified", "invalid", "duplicate", "完了", "クローズ"),
}  # fmt: skip
"""Words for what a status means, in lower case. ``opened`` is registration, before anybody has the ticket."""

ENDS = ("resolved", "closed")
ACTIVE = ("queued", "working", "waiting", "escalated")

ROW_FAULTS: dict[str, str] = {
    "unparsable": "a ticket, time or status that is missing or cannot be read",
    "duplicate": "the same row again",
}
"""What can be wrong with a row; :func:`read_tickets` leaves such rows out only when told to."""

STEADY_SHARE = 0.25
"""Weeks with fewer openings than this share of the week of the median ticket are taken as not fully recorded."""
ROBOT_SHARE = 0.5
"""One person who makes more than this share of all closings may be a robot."""


@dataclass(frozen=True, eq=False)
class TicketLog:
    """Events in one form.

    Attributes:
        events: one row per event, sorted by ticket (in the order of their first row) and time, with a stable order at
            equal times: ``ticket`` (text), ``moment`` (timestamp as the clocks showed it), ``state`` (of
            :data:`STATES`), ``person`` and ``line`` (missing where not known), ``row`` in the file (the header is 1).
        end: latest moment in the file: tickets open then are censored there.
        resolution: seconds to which moments are rounded: 1, 60 or a day.
        skipped, skipped_lines: rows left out and the first lines of them, by fault or ignored word.
        notes: what was understood of the file that a person may want to check.
        columns: the file's column by meaning.
        rows: rows in the file.
    """

    events: pd.DataFrame
    end: pd.Timestamp
    resolution: float
    skipped: Mapping[str, int] = field(default_factory=dict)
    skipped_lines: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    rows: int = 0


def read_tickets(
    path: str | Path,
    columns: Mapping[str, str] | None = None,
    *,
    states: Mapping[str, Collection[str]] | None = None,
    ignore: Collection[str] = (),
    nobody: Collection[str] = (),
    skip: Collection[str] = (),
    date_format: str | None = None,
    timezone: str | None = None,
    encoding: str = "utf-8-sig",
) -> TicketLog:
    """Read a log of ticket events (CSV with commas, semicolons or tabs, packed or not, one row per event).

    Args:
        columns: names of the file's columns by meaning, where :data:`COLUMNS` does not find them.
        states: words of the status column by what they mean, beside those of :data:`STATES` and before them.
        ignore: statuses whose events tell nothing.
        nobody: entries of the person column that are no person (a robot that closes tickets).
        skip: kinds of row, of :data:`ROW_FAULTS`, to leave out and count instead of refusing the file.
        date_format, timezone, encoding: as :func:`fit.read_calls` takes them.

    A detail refines its status where its meaning is known, except that an ended ticket stays ended: ``Completed`` with
    the detail ``In Call`` is resolved, and with ``Closed`` closed.

    Raises:
        InputError: every problem of the file at once, rows of a kind as one problem with their number.
        ParameterError: ``skip``, ``columns`` or ``states`` names something unknown.
    """
    import pandas as pd

    for names, known in ((skip, ROW_FAULTS), (columns or {}, COLUMNS), (states or {}, STATES)):
        for name in names:
            if name not in known:
                raise ParameterError(f"{name!r} is none of {', '.join(known)} (nearest: {nearest(name, list(known))})")
    table, too_long = fit.read_table(path, "unparsable" in skip, encoding, "ticket log")
    place = fit.find_columns(table, columns or {}, str(path), COLUMNS, REQUIRED)

    def text(name: str) -> pd.Series:
        if name not in place:
            return pd.Series(pd.NA, index=table.index, dtype="str")
        stripped = table[place[name]].str.strip()
        return stripped.where(stripped != "")

    meaning = {word: state for state, words in STATES.items() for word in words}
    meaning |= {str(word).strip().lower(): state for state, words in (states or {}).items() for word in words}
    ticket, status, detail = text("ticket"), text("status").str.lower(), text("detail").str.lower()
    ignored_words = {str(word).strip().lower() for word in ignore}
    is_ignored = status.isin(ignored_words) | detail.isin(ignored_words)
    counts = ~is_ignored
    by_status, by_detail = status.map(meaning), detail.map(meaning)
    ended = by_status.isin(ENDS) & ~by_detail.isin(ENDS)
    state = by_detail.where(by_detail.notna() & ~ended & by_status.notna(), by_status)

    moments = fit._moments(text("date") if "date" in place else None, text("time"), date_format, timezone)
    problems = moments.problems(str(path), place)
    moment = moments.date + pd.to_timedelta(moments.time, unit="s")
    faults = {
        "unparsable": counts & (moment.isna() | (moments.time < 0) | ticket.isna() | status.isna()),
        "duplicate": counts & table.duplicated(),
    }
    said_already = {"unparsable"} if problems and not moments.date.notna().any() else set()
    problems += fit.row_problems(str(path), place["time"], faults, ROW_FAULTS, {*skip, *said_already})
    unknown = counts & status.notna() & by_status.isna()
    for word, rows in unknown[unknown].groupby(status[unknown]):
        many = counted(len(rows), "row")
        problems.append(
            Problem(str(path), fit._line(rows), place["status"], f"{many} with a status of no known meaning",
                    found=repr(word), allowed=f"--status MEANING=WORD with one of {', '.join(STATES)}, or --ignore",
                    nearest=nearest(str(word), list(meaning)))
        )  # fmt: skip
    absent = [str(word) for word in nobody if str(word).strip().lower() not in set(text("person").str.lower().dropna())]
    people = [str(name) for name in text("person").dropna().unique()]
    problems += [
        Problem(str(path), None, "--nobody", "no event of this name", found=word,
                allowed=f"a name of the person column ({place.get('person', 'there is none')})",
                nearest=nearest(word, people))
        for word in absent
    ]  # fmt: skip
    if problems:
        raise InputError(problems)

    keep = counts.copy()
    skipped = {f"ignored {word}": int((is_ignored & ((status == word) | (detail == word))).sum())
               for word in sorted(ignored_words)}  # fmt: skip
    for kind, marked in faults.items():
        skipped[kind] = int((marked & keep).sum()) + (too_long if kind == "unparsable" else 0)
        keep &= ~marked
    if not keep.any():
        raise InputError([Problem(str(path), None, "", "no event is left after what is skipped and ignored")])
    nobodies = {*fit.NOBODY, *(str(word).strip().lower() for word in nobody)}
    person = text("person")
    person = person.where(~person.str.lower().isin(nobodies))
    events = pd.DataFrame(
        {
            "ticket": ticket,
            "moment": moment,
            "state": state,
            "person": person,
            "line": text("line"),
            "row": table.index + 2,
        }
    )[keep]
    notes = list(moments.notes)
    back = events.groupby("ticket", sort=False)["moment"].diff().dt.total_seconds() < 0
    if back.any():
        notes.append(f"{int(back.sum()):,} events stand in the file after a later one of their ticket: put in order")
    events["first"] = events["ticket"].map(events.groupby("ticket", sort=False)["row"].min())
    events = events.sort_values(["first", "moment", "row"], kind="stable").drop(columns="first").reset_index(drop=True)
    if (closer := robot(events)) is not None:
        name, part = closer
        notes.append(
            f"{name} makes {part:.0%} of all closings: perhaps a robot; --nobody {name} leaves it out of the persons"
        )
    second = events["moment"].dt.second.any(), (events["moment"].dt.minute + events["moment"].dt.hour).any()
    return TicketLog(
        events=events,
        end=events["moment"].max(),
        resolution=1.0 if second[0] else 60.0 if second[1] else timegrid.DAY_SECONDS,
        skipped={kind: number for kind, number in skipped.items() if number},
        skipped_lines={kind: tuple(fit._first_lines(rows)) for kind, rows in faults.items() if rows.any()},
        notes=tuple(notes),
        columns=place,
        rows=len(table) + too_long,
    )


def robot(events: pd.DataFrame) -> tuple[str, float] | None:
    """Who makes more than :data:`ROBOT_SHARE` of at least 100 closings and of those only, with that share; else None.

    A person with so many closings works on them too; a robot closes and does little else.
    """
    closing = events.loc[(events["state"] == "closed") & events["person"].notna(), "person"].value_counts()
    if closing.sum() < 100 or closing.iloc[0] <= ROBOT_SHARE * closing.sum():
        return None
    name = str(closing.index[0])
    own = int((events["person"] == name).sum())
    return (name, float(closing.iloc[0] / closing.sum())) if closing.iloc[0] > ROBOT_SHARE * own else None


# --- one row per ticket ----------------------------------------------------------------------------------------------


_LEVEL = re.compile(
    r"(?:^|[^a-z])(?:l|level|tier|line)[\s_-]?(?P<a>[1-9])(?![0-9])|(?<![0-9])(?P<b>[1-9])(?:st|nd|rd)(?![a-z])|"
    r"(?P<c>[1-9一二三])次|(?P<d>first|second|third)[\s_-]?(?:line|level|tier)"
)
_NUMBER = {"一": 1, "二": 2, "三": 3, "first": 1, "second": 2, "third": 3}


def support_level(name: str) -> int | None:
    """The line that a team's name tells: ``V5 3rd`` and ``Tier 3`` are 3, ``二次`` is 2; None where it tells none."""
    found = _LEVEL.search(name.lower())
    if found is None:
        return None
    text = next(group for group in found.groups() if group)
    return _NUMBER.get(text) or int(text)


def histories(log: TicketLog) -> pd.DataFrame:
    """One row per ticket, in the order of the log, indexed by its name.

    Up to the first resolution, or the end of the log for tickets that are open:

    - ``opened`` (timestamp), ``seconds`` (from the first event to the first resolved or closed one, else to the log's
      end) and ``ended`` (whether it was reached),
    - ``person_changes``, ``persons``: changes between known persons on consecutive events, and different ones. Who
      registers a ticket (state ``opened``) or only closes it does not hold it and is not counted,
    - ``line_changes``: changes between known teams; NaN without a column of them; ``pushed_up``: whether a team of a
      higher line than the first one's held it; NaN where no team's name tells a line (an unmarked name counts as the
      first line where others are marked),
    - ``handed_back``: times it went back to a queue after somebody had it; NaN where no event of the log is queued,
    - ``escalated``: events that say so; NaN where no event of the log does,
    - ``take_up``: seconds to the first event in work of tickets that began registered or queued; NaN for others, and
      inside it NaN until it comes,

    and after it ``reopenings``: returns from an end to a state in work. A second resolution with nothing in between is
    none: the log does not tell what happened. ``starts_idle`` says whether a ticket began registered or queued.
    """
    import pandas as pd

    events = log.events
    code = pd.factorize(events["ticket"])[0]
    by = events.groupby(code, sort=False)
    place = by.cumcount()
    is_end = events["state"].isin(ENDS)
    first_end = place.where(is_end).groupby(code).transform("min")
    before = first_end.isna() | (place <= first_end)
    opened = by["moment"].transform("min")
    over = events["moment"].where(place == first_end).groupby(code).first()
    table = pd.DataFrame({"opened": by["moment"].first(), "ended": over.notna()})
    table["seconds"] = (over.fillna(log.end) - table["opened"]).dt.total_seconds()

    held = before & ~events["state"].isin(["opened", "closed"]) & events["person"].notna()
    table["person_changes"] = _changes(events["person"][held], code[held], len(table))
    table["persons"] = events["person"][held].groupby(code[held]).nunique().reindex(table.index, fill_value=0)

    none = pd.Series(np.nan, index=table.index)
    teams = before & events["line"].notna()
    table["line_changes"] = _changes(events["line"][teams], code[teams], len(table)) if teams.any() else none
    names = events["line"].dropna().unique()
    levels = {str(name): support_level(str(name)) for name in names}
    if any(level is not None for level in levels.values()):
        level = events["line"][teams].map({name: level or 1 for name, level in levels.items()})
        steps = level.groupby(code[teams])
        table["pushed_up"] = (steps.max() > steps.first()).reindex(table.index).astype(float)
    else:
        table["pushed_up"] = none

    previous = by["state"].shift()
    back = before & (events["state"] == "queued") & previous.isin(["working", "waiting", "escalated"])
    has_queue = bool((events["state"] == "queued").any())
    table["handed_back"] = back.groupby(code).sum().astype(float) if has_queue else none
    said = before & (events["state"] == "escalated")
    table["escalated"] = said.groupby(code).sum().astype(float) if said.any() else none

    starts_idle = by["state"].transform("first").isin(["opened", "queued"])
    taken = (events["moment"] - opened).dt.total_seconds().where(starts_idle & before & (events["state"] == "working"))
    table["take_up"] = taken.groupby(code).min()
    again = ~before & events["state"].isin(ACTIVE) & previous.isin(ENDS)
    table["reopenings"] = again.groupby(code).sum()
    table["starts_idle"] = starts_idle.groupby(code).first()
    table.index = pd.Index(events["ticket"].groupby(code).first(), name="ticket")
    return table


def _changes(value: pd.Series, code: NDArray[np.int64], tickets: int) -> NDArray[np.float64]:
    """Changes from one row to the next of a ticket, (tickets,)."""
    before = value.groupby(code).shift()
    changed = (before.notna() & (before != value)).to_numpy()
    return np.bincount(code[changed], minlength=tickets).astype(float)


@dataclass(frozen=True)
class Share:
    """A share of tickets with its 95 % Wilson interval.

    Attributes:
        value, low, high: shares from 0 to 1; NaN of no tickets.
        tickets: the denominator.
        events: tickets among them.
        mean: mean number of times per ticket (of all of them).
        times: tickets by number of times: 0, 1, 2, 3, and more.
    """

    value: float
    low: float
    high: float
    events: int
    tickets: int
    mean: float
    times: tuple[int, int, int, int, int]


MOVES = {
    "person_changes": "re-assigned to another person",
    "line_changes": "re-assigned to another team",
    "pushed_up": "pushed to a higher line",
    "handed_back": "handed back to a queue",
    "escalated": "marked as escalated",
    "reopenings": "re-opened",
}
"""What may happen to a ticket, by its column of :func:`histories`."""


def shares(history: pd.DataFrame) -> dict[str, Share]:
    """Of the resolved tickets: the share with each of :data:`MOVES` that the log can tell.

    Tickets still open are left out, since their history is not over.
    """
    from scipy import stats

    done = history[history["ended"]]
    found: dict[str, Share] = {}
    for name in MOVES:
        times = done[name].dropna().to_numpy(dtype=float)
        if not times.size:
            continue
        events = int((times > 0).sum())
        low, high = stats.binomtest(events, times.size).proportion_ci(0.95, method="wilson")
        counts = np.bincount(np.minimum(times, 4).astype(int), minlength=5)
        found[name] = Share(
            events / times.size, float(low), float(high), events, int(times.size), float(times.mean()),
            (int(counts[0]), int(counts[1]), int(counts[2]), int(counts[3]), int(counts[4])),
        )  # fmt: skip
    return found


# --- how long --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Elapsed:
    """A kind of elapsed time: its sample, survival curve and laws, best first.

    Attributes:
        durations: seconds on the clock, nights and weekends in them, (n,).
        ended: whether each was seen to end, (n,); the others are censored.
        curve: Kaplan-Meier.
        laws: candidates by AIC; empty where fewer than the asked number ended.
    """

    durations: NDArray[np.float64]
    ended: NDArray[np.bool_]
    curve: fit.SurvivalCurve
    laws: tuple[fit.LawFit, ...]

    def quantile(self, share: float) -> float:
        """Seconds after which ``share`` of them is over, by the curve; NaN where it does not come so far."""
        # a share of exactly 1/2 may stand as 0.5000000001 after a product of factors
        reached = np.flatnonzero(self.curve.share <= 1.0 - share + 1e-9)
        return float(self.curve.time[reached[0]]) if reached.size else math.nan


def elapsed(
    durations: Sequence[float] | NDArray[np.float64],
    ended: Sequence[bool] | NDArray[np.bool_],
    *,
    resolution: float = 1.0,
    fewest: int = 30,
) -> Elapsed | None:
    """The curve and the laws of an elapsed time with censoring; None where none ended.

    Args:
        durations: seconds, (n,). ended: (n,).
        resolution: seconds to which they are rounded.
        fewest: ended ones below which no law is fitted.
    """
    seconds, over = np.asarray(durations, dtype=float), np.asarray(ended, dtype=bool)
    if not over.any():
        return None
    laws: tuple[fit.LawFit, ...] = ()
    if over.sum() >= fewest and seconds.max() > 0:
        laws = fit.fit_laws(seconds, over, resolution=resolution, atom=True)
    return Elapsed(seconds, over, fit.kaplan_meier(seconds, over), laws)


def spells(log: TicketLog) -> pd.DataFrame:
    """Stays of tickets in one state: ``ticket``, ``state``, ``seconds``, ``ended``.

    Consecutive events of one state are one stay. The last stay of a ticket ends with the log, not seen to end; a ticket
    stays closed for good, so that ``closed`` is left out.
    """
    events = log.events
    new = (events["ticket"] != events["ticket"].shift()) | (events["state"] != events["state"].shift())
    stay = events[new]
    after = stay.groupby("ticket", sort=False)["moment"].shift(-1)
    found = stay[["ticket", "state"]].assign(
        seconds=(after.fillna(log.end) - stay["moment"]).dt.total_seconds(), ended=after.notna()
    )
    return found[found["state"] != "closed"].reset_index(drop=True)


# --- when ------------------------------------------------------------------------------------------------------------


def steady_days(opened: pd.Series) -> pd.DatetimeIndex:
    """Days on which openings seem fully recorded.

    A log that was drawn by closing date holds few of the tickets opened early, and none opened after some day. Weeks
    (from Monday) with fewer openings than :data:`STEADY_SHARE` of the week in which the median ticket came are dropped
    from both ends; days before the first and after the last opening are too. Days in between without an opening count.
    """
    import pandas as pd

    day = opened.dt.normalize()
    week = day - pd.to_timedelta(day.dt.day_of_week, unit="D")
    number = week.value_counts().sort_index()
    typical = float(np.median(week.map(number)))
    full = number.index[number >= STEADY_SHARE * typical]
    first = max(full.min(), day.min())
    last = min(full.max() + pd.Timedelta(days=6), day.max())
    return pd.date_range(first, last)


def by_hour(opened: pd.Series, days: pd.DatetimeIndex) -> NDArray[np.float64]:
    """Mean tickets opened by weekday and hour of the day, (7, 24), over the days given; NaN for weekdays not in it."""
    inside = opened[opened.dt.normalize().isin(days)]
    count = np.zeros((7, 24))
    np.add.at(count, (inside.dt.day_of_week.to_numpy(), inside.dt.hour.to_numpy()), 1.0)
    number = np.bincount(days.day_of_week.to_numpy(), minlength=7).astype(float)
    with np.errstate(invalid="ignore"):
        return count / np.where(number > 0, number, np.nan)[:, None]


def as_calls(moments: pd.Series, days: pd.DatetimeIndex) -> fit.CallLog:
    """Moments on the days given in the form of a call log, for the functions of :mod:`simulator.support.fit` that ask
    only when something came."""
    import pandas as pd

    here = moments[moments.dt.normalize().isin(days)]
    midnight = here.dt.normalize()
    calls = pd.DataFrame(
        {
            "date": midnight.to_numpy(),
            "time": (here - midnight).dt.total_seconds().to_numpy(dtype=float),
            "queue": "tickets",
            "answered": True,
        }
    )
    return fit.CallLog(calls=calls, dates=days, skipped={})


def carried_to_opening(log: fit.CallLog, hours: Mapping[str, str], interval: float = 1800.0) -> tuple[fit.CallLog, int]:
    """The same log with what came while closed at the start of the next open interval, and how many were moved.

    A ticket waits for the next opening, so that its work belongs there. What came after the last opening of the log is
    put on its first: the week goes round.

    Raises:
        ParameterError: no recorded day has an open interval.
    """
    from dataclasses import replace

    import pandas as pd

    is_open = timegrid.open_slots(hours, interval)
    slots = is_open.shape[1]
    weekday = log.dates.day_of_week.to_numpy()
    open_at = np.flatnonzero(is_open[weekday].ravel())
    if not open_at.size:
        raise ParameterError("no recorded day has an open half hour")
    day = log.dates.get_indexer(pd.DatetimeIndex(log.calls["date"]))
    at = day * slots + (log.calls["time"].to_numpy() // interval).astype(int)
    target = open_at[np.searchsorted(open_at, at) % len(open_at)]
    moved = target != at
    time = np.where(moved, (target % slots) * interval, log.calls["time"].to_numpy())
    calls = log.calls.assign(date=log.dates[target // slots], time=time)
    return replace(log, calls=calls), int(moved.sum())
