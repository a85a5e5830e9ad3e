"""From a call log to the numbers of a scenario: when calls come, how long they last, how long callers wait.

Plain functions in the order of the work: :func:`read_calls` checks a log and puts it in one form;
:func:`opening_hours`, :func:`arrival_profile`, :func:`kaplan_meier`, :func:`fit_laws`, :func:`presence`, :func:`pauses`
and :func:`redials` each answer one question; :func:`fit_queue` asks those of one queue and writes the answers in the
vocabulary of a scenario; :func:`back_test` measures how good a forecast such arrivals are. A law is chosen by Akaike's
information criterion (twice the number of parameters less twice the log-likelihood; the lowest wins), and every
candidate is returned, best first, so that the choice can be judged.
"""

from __future__ import annotations

import csv
import difflib
import gzip
import math
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulator import distributions, timegrid
from simulator.distributions import Law
from simulator.errors import InputError, ParameterError, Problem, nearest, unreadable
from simulator.units import counted

if TYPE_CHECKING:
    import pandas as pd

COLUMNS: dict[str, tuple[str, ...]] = {
    "time": ("time", "arrival_s", "arrival", "arrived", "arrival_time", "start_time", "start", "timestamp", "着信時刻"),
    "outcome": ("outcome", "status", "result", "disposition", "結果"),
    "wait": ("wait", "wait_s", "wait_time", "queue_time", "q_time", "待ち時間"),
    "talk": ("talk", "talk_s", "talk_time", "service_s", "service_time", "ser_time", "通話時間"),
    "date": ("date", "call_date", "day", "日付"),
    "queue": ("queue", "type", "skill", "call_type", "キュー"),
    "agent": ("agent", "agent_id", "server", "オペレーター"),
    "customer": ("customer", "customer_id", "caller", "caller_id", "ani", "顧客"),
    "queued": ("queued", "waited"),
    "priority": ("priority", "優先度"),
    "id": (),
}
"""What a log tells, and the column names it is found under; the first four are required. ``time`` is a full timestamp,
or beside a ``date`` the time of day as ``09:05:30`` or in seconds after midnight. Other durations are seconds or
``mm:ss``. An ``id`` is used only where it is named."""

DATE_FORMATS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y年%m月%d日",
    "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%d %b %Y", "%d-%b-%Y", "%b %d, %Y",
)  # fmt: skip
"""How a log may write its days: all in one way, the one that reads the most of them."""

NOBODY = ("unknown", "none", "null", "n/a", "na", "-", "不明")
"""What an agent column says, in lower case, of a call whose agent nobody knows."""

REQUIRED = ("time", "outcome", "wait", "talk")

OUTCOMES: dict[str, tuple[str, ...]] = {
    "answered": ("answered", "agent", "served", "handled", "応答"),
    "abandoned": ("abandoned", "abandoned_queue", "hang", "lost", "放棄"),
}
"""Words for the two outcomes, in lower case."""

ROW_FAULTS: dict[str, str] = {
    "unparsable": "a time, wait or talk that cannot be read",
    "negative": "a negative wait or talk",
    "over_a_day": "a wait or talk of more than a day",
    "answered_without_talk": "answered, but no talk is recorded",
    "abandoned_with_agent": "abandoned, but an agent is recorded",
    "duplicate": "the same row again",
}
"""What can be wrong with a row; :func:`read_calls` leaves such rows out only when told to."""

LAW_FAMILIES = ("exponential", "weibull", "gamma", "lognormal", "hyperexponential")
"""Families that :func:`fit_laws` tries; the hyperexponential has two parts."""


# --- reading ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class CallLog:
    """Calls in one form.

    Attributes:
        calls: one row per call that asked for an agent, in the order of the file: ``date`` (midnight), ``time``
            (seconds after midnight), ``queue``, ``answered`` and ``waited`` (bool), ``wait`` and ``talk`` (seconds,
            talk NaN unless answered), ``agent``, ``customer`` and ``priority`` (missing when unknown), ``line`` in the
            file.
        dates: every day with a row in the file, so that a queue without calls on a day counts as zero.
        skipped: rows left out, by fault or by ignored outcome.
        skipped_lines: the first lines in the file that a fault left out.
        notes: what was understood of the file that a person may want to check.
        columns: the file's column by meaning.
        rows: rows in the file.
    """

    calls: pd.DataFrame
    dates: pd.DatetimeIndex
    skipped: Mapping[str, int]
    skipped_lines: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    rows: int = 0

    def only(
        self,
        queue: str | Sequence[str] | None = None,
        *,
        first: str | None = None,
        last: str | None = None,
        without: Collection[str] = (),
    ) -> CallLog:
        """The calls of some queues and of the days from ``first`` to ``last`` (both included) but ``without``."""
        import pandas as pd

        names = [queue] if isinstance(queue, str) else queue
        days = self.dates[self.dates.slice_indexer(first, last)].difference(pd.DatetimeIndex(list(without)))
        keep = self.calls["date"].isin(days)
        if names is not None:
            keep &= self.calls["queue"].isin(names)
        return replace(self, calls=self.calls[keep], dates=days)


def read_calls(
    path: str | Path,
    columns: Mapping[str, str] | None = None,
    *,
    answered: Collection[str] = OUTCOMES["answered"],
    abandoned: Collection[str] = OUTCOMES["abandoned"],
    ignore: Collection[str] = (),
    skip: Collection[str] = (),
    date_format: str | None = None,
    timezone: str | None = None,
    encoding: str = "utf-8-sig",
    next_day: bool = True,
) -> CallLog:
    """Read a log of calls (CSV with commas, semicolons or tabs, packed or not, one row per call).

    Args:
        columns: names of the file's columns by meaning, where :data:`COLUMNS` does not find them.
        answered, abandoned: what the outcome column says of the two.
        ignore: outcomes that are no call to an agent (left in the menu, tests).
        skip: kinds of row, of :data:`ROW_FAULTS`, to leave out and count instead of refusing the file.
        date_format: how days are written, as ``%d/%m/%Y``; None: the one of :data:`DATE_FORMATS` that reads the most
            days, refused where two ways read as many but not the same days.
        timezone: to which stamps with an offset are converted; stamps without one are read as its local time. Without
            it, clocks are taken as written, and stamps of different offsets are refused.
        encoding: of the file's text; ``cp932`` for many Japanese exports.
        next_day: whether calls at 24:00 or later move to the next day; else they stay with the day in the file.

    A call whose time of day is 24:00 or later belongs to the next day, if the log has that day; else it stays with its
    own, after midnight and so outside any hours.

    Raises:
        InputError: every problem of the file at once, rows of a kind as one problem with their number.
        ParameterError: ``skip`` or ``columns`` names something unknown.
    """
    import pandas as pd

    for names, known in ((skip, ROW_FAULTS), (columns or {}, COLUMNS)):
        for name in names:
            if name not in known:
                raise ParameterError(f"{name!r} is none of {', '.join(known)} (nearest: {nearest(name, list(known))})")
    table, too_long = read_table(path, "unparsable" in skip, encoding)
    place = find_columns(table, columns or {}, str(path))

    def text(name: str) -> pd.Series:
        if name not in place:
            return pd.Series(pd.NA, index=table.index, dtype="str")
        stripped = table[place[name]].str.strip()
        return stripped.where(stripped != "")

    said = text("outcome").str.lower()
    is_answered, is_abandoned, is_ignored = (
        said.isin([str(word).lower() for word in words]) for words in (answered, abandoned, ignore)
    )
    counts = ~is_ignored
    moments = _moments(text("date") if "date" in place else None, text("time"), date_format, timezone)
    problems = moments.problems(str(path), place)
    date, time = moments.date, moments.time
    wait, talk = durations(text("wait")), durations(text("talk"))
    agent_text = text("agent")
    nobody = agent_text.str.lower().isin(NOBODY)
    agent = agent_text.where(~nobody)
    unread = date.isna() | time.isna() | said.isna() | wait.isna() | (talk.isna() & text("talk").notna())
    repeated = table.duplicated()
    if "id" in place:
        repeated |= text("id").notna() & text("id").duplicated()
    faults = {
        "unparsable": counts & unread,
        "negative": counts & ((wait < 0) | (talk < 0) | (time < 0)),
        "over_a_day": counts & ((wait > timegrid.DAY_SECONDS) | (talk > timegrid.DAY_SECONDS)),
        "answered_without_talk": is_answered & text("talk").isna(),
        "abandoned_with_agent": is_abandoned & agent.notna(),
        "duplicate": counts & repeated,
    }
    said_already = {"unparsable"} if problems and not date.notna().any() else set()  # no date could be read
    problems += row_problems(str(path), place.get("outcome", ""), faults, ROW_FAULTS, {*skip, *said_already})
    unknown = counts & said.notna() & ~is_answered & ~is_abandoned
    for word, rows in unknown[unknown].groupby(said[unknown]):
        many = counted(len(rows), "row")
        problems.append(
            Problem(str(path), _line(rows), place["outcome"], f"{many} with an outcome of no known meaning",
                    found=repr(word), allowed=f"{', '.join([*answered, *abandoned])}, or say what it is: --answered, "
                    "--abandoned, --ignore",
                    nearest=nearest(str(word), [*answered, *abandoned]))
        )  # fmt: skip
    if problems:
        raise InputError(problems)

    keep, skipped = counts.copy(), {f"ignored {word}": int((said == str(word).lower()).sum()) for word in ignore}
    for kind, rows in faults.items():
        skipped[kind] = int((rows & keep).sum()) + (too_long if kind == "unparsable" else 0)
        keep &= ~rows
    dates = pd.DatetimeIndex(sorted(date[counts | is_ignored].dropna().unique()))
    late = keep & (time >= timegrid.DAY_SECONDS)
    following = date + pd.Timedelta(days=1)
    moved = late & following.isin(dates) & next_day
    notes = list(moments.notes)
    if late.any() and next_day:
        notes.append(
            f"calls at 24:00 or later of their day: {late.sum():,}; of these {moved.sum():,} count on the next day and "
            f"{(late & ~moved).sum():,} stay outside the hours, because the log has no next day"
        )
    if (nobody & keep).any():
        notes.append(
            f"calls with an agent that stands for nobody ({', '.join(agent_text[nobody & keep].unique())}): "
            f"{(nobody & keep).sum():,}; their agent is unknown"
        )
    spoken = keep & is_abandoned & (talk > 0)
    if spoken.any():
        notes.append(f"abandoned calls with a talk: {spoken.sum():,}; it is not used")
    waited = _truth(text("queued")) if "queued" in place else (wait > 0) | is_abandoned
    calls = pd.DataFrame(
        {
            "date": date.where(~moved, following),
            "time": time.where(~moved, time - timegrid.DAY_SECONDS),
            "queue": text("queue").fillna("calls"),
            "answered": is_answered,
            "waited": waited,
            "wait": wait,
            "talk": talk.where(is_answered),
            "agent": agent,
            "customer": text("customer"),
            "priority": text("priority"),
            "line": table.index + 2,
        }
    )
    return CallLog(
        calls=calls[keep],
        dates=dates,
        skipped={kind: number for kind, number in skipped.items() if number},
        skipped_lines={kind: tuple(_first_lines(rows)) for kind, rows in faults.items() if rows.any()},
        notes=tuple(notes),
        columns=place,
        rows=len(table) + too_long,
    )


def read_table(path: str | Path, skip_long: bool, encoding: str, what: str = "call log") -> tuple[pd.DataFrame, int]:
    """A file as text, and how many rows had too many fields and were left out. The index plus 2 is the line.

    Raises:
        InputError: it cannot be read, or has no rows.
    """
    import pandas as pd

    long_rows = 0

    def leave_out(_: list[str]) -> None:
        nonlocal long_rows
        long_rows += 1

    plain: Any = {"dtype": "str", "skip_blank_lines": False, "encoding": encoding}
    try:
        # the unit separator stands in no log, so that this reads the header as one text
        header = str(next(iter(pd.read_csv(path, sep="\x1f", nrows=1, header=None, quoting=3, **plain)[0]), ""))
        plain["sep"] = max(",;\t", key=header.count)
        try:
            table = pd.read_csv(path, **plain)
        except pd.errors.ParserError:
            if not skip_long:
                raise
            table = pd.read_csv(path, engine="python", on_bad_lines=leave_out, **plain)
    except pd.errors.ParserError as error:
        raise InputError(_ragged(Path(path), what, str(plain["sep"]), encoding, str(error))) from None
    except (OSError, UnicodeError, LookupError, EOFError, zlib.error, pd.errors.EmptyDataError) as error:
        message, hint = unreadable(error, encoding)
        raise InputError([Problem(str(path), None, "", f"the {what}: {message}", allowed=hint)]) from None
    table = table.dropna(how="all")  # the index still tells the line
    if table.empty:
        raise InputError([Problem(str(path), 1, "", f"the {what} has no rows")])
    return table, long_rows


MOST_LINES = 20
"""Faulty lines of one file that are listed one by one."""


def _ragged(path: Path, what: str, separator: str, encoding: str, error: str) -> list[Problem]:
    """Every row that has more fields than the header, or what the reader says where there is none."""
    with (
        gzip.open(path, "rt", encoding=encoding, newline="")
        if path.suffix == ".gz"
        else path.open(encoding=encoding, newline="") as stream
    ):
        reader = csv.reader(stream, delimiter=separator)
        fields = len(next(reader, []))
        long = [(reader.line_num, len(row)) for row in reader if len(row) > fields]
    if not long:
        return [Problem(str(path), None, "", f"the {what} cannot be read: {error}")]
    problems = [
        Problem(str(path), line, "", "more fields than the header has", str(count), f"{fields}, or --skip unparsable")
        for line, count in long[:MOST_LINES]
    ]
    if len(long) > MOST_LINES:
        problems.append(Problem(str(path), None, "", "more such rows", str(len(long) - MOST_LINES)))
    return problems


def find_columns(
    table: pd.DataFrame,
    given: Mapping[str, str],
    file: str,
    meanings: Mapping[str, tuple[str, ...]] = COLUMNS,
    required: Collection[str] = REQUIRED,
    flag: str = "--column",
) -> dict[str, str]:
    """The file's column by meaning.

    Raises:
        InputError: a required or named one is not there.
    """
    names = {_folded(str(column)): str(column) for column in table.columns}
    wanted = {meaning: (given[meaning],) if meaning in given else known for meaning, known in meanings.items()}
    place: dict[str, str] = {}
    for meaning, words in wanted.items():
        column = next((names[_folded(word)] for word in words if _folded(word) in names), None)
        if column is not None:
            place[meaning] = column
    free = [name for name in names.values() if name not in place.values()]
    problems = [
        Problem(file, 1, meaning, f"the file has no column {given[meaning]!r}, named with {flag}",
                allowed=", ".join(names.values()), nearest=_most_alike(words, free))
        if meaning in given else
        Problem(file, 1, meaning, "no such column", found=", ".join(names.values()),
                allowed=f"{', '.join(words)}, or name it with {flag} {meaning}=NAME",
                nearest=_most_alike(words, free))
        for meaning, words in wanted.items() if meaning not in place and (meaning in given or meaning in required)
    ]  # fmt: skip
    columns = [str(column) for column in table.columns]
    twice = {column for column in columns if f"{column}.1" in columns}  # as the reader names the second one
    problems += [
        Problem(file, 1, meaning, "the file has this column twice", found=column, allowed="each column once")
        for meaning, column in place.items()
        if column in twice
    ]
    if problems:
        raise InputError(problems)
    return place


def _folded(name: str) -> str:
    """Capitals, spaces and dashes of a column's name do not matter."""
    return name.strip().lower().replace(" ", "_").replace("-", "_")


def _most_alike(words: Iterable[str], names: Iterable[str]) -> str | None:
    """The name most like any of the words, or None when nothing is close."""
    likeness = {
        name: max(difflib.SequenceMatcher(None, _folded(word), _folded(name)).ratio() for word in words)
        for name in names
    }
    best = max(likeness, key=lambda name: likeness[name], default=None)
    return best if best is not None and likeness[best] >= 0.6 else None


def durations(text: pd.Series) -> pd.Series:
    """Seconds from ``95``, ``1:35`` or ``0:01:35``; NaN where the text is neither."""
    import pandas as pd

    plain = pd.to_numeric(text, errors="coerce")
    colons = text.str.count(":")
    full = text.where(colons != 1, "0:" + text).where(colons.isin([1, 2]))
    seconds = plain.fillna(pd.to_timedelta(full, errors="coerce").dt.total_seconds())
    return seconds.where(np.isfinite(seconds))


# --- days and clocks -------------------------------------------------------------------------------------------------

_CLOCK = (
    r"^(?P<hour>\d{1,2}):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d(?:\.\d+)?))?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>[Zz]|[+-]\d{2}:?\d{2}|[A-Z]{2,5})?$"
)
_STAMP = r"^(?P<day>.*?\d.*?)(?:[T\s]+(?P<clock>\d{1,2}:\d{2}.*))?$"


@dataclass(frozen=True, eq=False)
class _Moments:
    """Midnight of each day, seconds after it, and what was strange about reading them."""

    date: pd.Series
    time: pd.Series
    notes: tuple[str, ...]
    readings: tuple[str, ...]
    zones: Mapping[str, int]
    example: str

    def problems(self, file: str, place: Mapping[str, str]) -> list[Problem]:
        found: list[Problem] = []
        if len(self.readings) > 1:
            found.append(
                Problem(file, None, place.get("date", place["time"]), "the dates can be read in more than one way",
                        found=self.example, allowed=" or ".join(f"--date-format {f}" for f in self.readings))
            )  # fmt: skip
        elif not self.date.notna().any():
            found.append(
                Problem(file, None, place.get("date", place["time"]), "no date could be read", found=self.example,
                        allowed=f"one of {', '.join(DATE_FORMATS)}, another --date-format, or a --column date=NAME")
            )  # fmt: skip
        if len(self.zones) > 1:
            found.append(
                Problem(file, None, place["time"], "times of different time zones",
                        found=", ".join(f"{zone} ({counted(rows, 'row')})" for zone, rows in self.zones.items()),
                        allowed="--timezone NAME, to which times with an offset are converted")
            )  # fmt: skip
        return found


def _moments(date: pd.Series | None, time: pd.Series, date_format: str | None, timezone: str | None) -> _Moments:
    """Days and times of day from a date and a time column, or from full time stamps alone."""
    import pandas as pd

    stamp = time.str.extract(_STAMP)
    if date is not None and stamp["clock"].notna().mean() > 0.5:
        date = None  # the time column tells the day as well
    if date is None:
        day_text, clock_text = stamp["day"], stamp["clock"].fillna("00:00")
    else:
        day_text, clock_text = date.str.extract(_STAMP)["day"], time
    day, readings, example = days_of(day_text, date_format)
    parts = clock_text.str.extract(_CLOCK)
    half = parts["half"].str.lower().str[0]
    number = parts[["hour", "minute", "second"]].apply(pd.to_numeric, errors="coerce")
    hour = number["hour"].where(half.isna(), number["hour"] % 12 + 12 * (half == "p"))
    clock = hour * 3600 + number["minute"] * 60 + number["second"].fillna(0)
    if date is not None:
        clock = clock.fillna(pd.to_numeric(clock_text, errors="coerce"))
    clock = clock.where(clock < 2 * timegrid.DAY_SECONDS)
    zone = parts["zone"].str.upper().replace({"UTC": "Z", "GMT": "Z", "+00:00": "Z", "+0000": "Z"})
    zone = zone.where(clock.notna())
    labels = {str(z): int(n) for z, n in zone.value_counts().items()}
    notes: list[str] = []
    if labels and timezone is not None:
        sign = zone.str[0].map({"+": 1.0, "-": -1.0, "Z": 0.0})
        digits = zone.str.replace(":", "").str[1:].where(sign.abs() == 1, "0000").str.zfill(4)
        offset = sign * (pd.to_numeric(digits.str[:2]) * 3600 + pd.to_numeric(digits.str[2:]) * 60)
        known = zone.notna() & offset.notna()
        world = (day + pd.to_timedelta(clock - offset, unit="s")).where(known)
        local = world.dt.tz_localize("UTC").dt.tz_convert(timezone).dt.tz_localize(None)
        day = day.where(zone.isna(), local.dt.normalize())
        clock = clock.where(zone.isna(), (local - local.dt.normalize()).dt.total_seconds())
        notes.append(f"{known.sum():,} times with an offset were converted to {timezone}")
        labels = {}
    elif labels:
        if int(clock.notna().sum()) > sum(labels.values()):
            labels["no time zone"] = int(clock.notna().sum()) - sum(labels.values())
        notes.append(f"times carry the zone {next(iter(labels))} and are taken as written; --timezone converts them")
    if len(readings) == 1 and date_format is None:
        notes.append(f"dates were read as {readings[0]} (e.g. {example})")
    return _Moments(day, clock, tuple(notes), readings, labels, example)


def days_of(text: pd.Series, date_format: str | None) -> tuple[pd.Series, tuple[str, ...], str]:
    """The days of a column, the formats that read them (more than one: in different ways), and an example."""
    import pandas as pd

    different = pd.Series(text.dropna().unique(), dtype="str")
    formats = DATE_FORMATS if date_format is None else (date_format,)
    read = {form: pd.to_datetime(different, format=form, errors="coerce") for form in formats}
    read = {form: days.where(days.dt.year.between(*timegrid.YEARS)) for form, days in read.items()}
    most = max(int(days.notna().sum()) for days in read.values())
    best = [form for form, days in read.items() if most and days.notna().sum() == most]
    readings = [form for n, form in enumerate(best) if not any(read[form].equals(read[other]) for other in best[:n])]
    if not readings:
        nothing = pd.Series(pd.NaT, index=text.index, dtype="datetime64[ns]")
        return nothing, (), str(next(iter(different), "nothing"))
    days = read[readings[0]].astype("datetime64[ns]")
    table = dict(zip(different, days, strict=True))
    example = str(different[days.notna()].iloc[0])
    return pd.to_datetime(text.map(table)).astype("datetime64[ns]"), tuple(readings), example


def _truth(text: pd.Series) -> pd.Series:
    return text.str.lower().isin(["1", "1.0", "true", "yes", "y"])


def row_problems(
    file: str,
    path: str,
    faults: Mapping[str, pd.Series],
    meanings: Mapping[str, str],
    skip: Collection[str],
    flag: str = "--skip",
) -> list[Problem]:
    """One problem per kind of faulty row that is not left out; ``faults`` marks the rows of each kind."""
    return [
        Problem(file, _line(rows), path, f"{counted(int(rows.sum()), 'row')}: {meanings[kind]}",
                found=f"lines {_lines(rows)}", allowed=f"leave them out with {flag} {kind}")
        for kind, rows in faults.items() if rows.any() and kind not in skip
    ]  # fmt: skip


def _line(rows: pd.Series) -> int:
    """The line of the first marked row: the header is line 1."""
    return _first_lines(rows)[0]


def _first_lines(rows: pd.Series, most: int = 5) -> list[int]:
    return [int(line) + 2 for line in rows.index[rows.to_numpy(dtype=bool)][:most]]


def _lines(rows: pd.Series) -> str:
    shown = _first_lines(rows)
    return ", ".join(str(line) for line in shown) + (", …" if rows.sum() > len(shown) else "")


# --- opening hours ---------------------------------------------------------------------------------------------------

OPEN_SHARE, CLOSED_GAP = 0.25, 3 * 3600.0


def opening_hours(log: CallLog, interval: float = 1800.0) -> dict[str, str]:
    """Hours in which the centre answers, by weekday, inferred from all its queues together.

    An interval is open when on at least a quarter (:data:`OPEN_SHARE`) of the recorded days of its weekday, and on two
    of them unless the log has but one, a call that came in it was answered. Closed intervals between open ones count as
    open unless they last three hours (:data:`CLOSED_GAP`). Weekdays alike share a line.

    Raises:
        ParameterError: no weekday with open hours.
    """
    answered = interval_counts(replace(log, calls=log.calls[log.calls["answered"]]), interval) > 0
    weekday = log.dates.day_of_week.to_numpy()
    spans: dict[str, list[int]] = {}
    for day in range(7):
        here = answered[weekday == day]
        is_open = np.flatnonzero(here.sum(axis=0) >= max(OPEN_SHARE * len(here), min(len(here), 2), 1))
        if not is_open.size:
            continue
        cut = np.flatnonzero(np.diff(is_open) > CLOSED_GAP / interval)
        first = is_open[np.append(0, cut + 1)] * interval
        last = (is_open[np.append(cut, len(is_open) - 1)] + 1) * interval
        text = ",".join(f"{_clock(a)}-{_clock(b)}" for a, b in zip(first, last, strict=True))
        spans.setdefault(text, []).append(day)
    if not spans:
        raise ParameterError("no half hour of the week is answered on a quarter of its days: give the opening hours")
    return {_day_names(days): text for text, days in spans.items()}


def _day_names(days: list[int]) -> str:
    """``mon-fri``, across the end of the week too (``sun-thu``), else a list."""
    names = timegrid.WEEKDAYS
    for first in days:
        run = [(first + n) % 7 for n in range(len(days))]
        if len(days) > 1 and sorted(run) == sorted(days):
            return "daily" if len(days) == 7 else f"{names[run[0]]}-{names[run[-1]]}"
    return ",".join(names[day] for day in days)


# --- arrivals --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ArrivalFactors:
    """How calls vary beyond Poisson chance around their means: a factor of the day and one of each interval.

    Attributes:
        day_cv: spread of the day factor, NaN where the days tell nothing.
        interval_cv: spread of the interval factor, 0 where the day factor explains everything.
        interval_memory: correlation of the interval factor with that of the interval before.
        total_cv: spread of whole days, to which the interval factor adds what its intervals do not average away.
        count_cv: spread of single intervals, both factors together.
    """

    day_cv: float
    interval_cv: float
    interval_memory: float
    total_cv: float
    count_cv: float


@dataclass(frozen=True)
class ArrivalProfile:
    """Mean calls per interval.

    Attributes:
        table: day name to ``"09:00"`` to mean calls, as ``arrivals.table`` of a scenario reads it.
        days: recorded days behind each day name (pooled names share theirs).
        factors: how the counts vary beside their means, by :func:`arrival_factors`.
        outside: calls outside the opening hours, which the table leaves out.
    """

    table: dict[str, dict[str, float]]
    days: dict[str, int]
    factors: ArrivalFactors
    outside: int

    def write(self, path: str | Path) -> None:
        """Write a CSV with the columns weekday, time, calls."""
        rows = [f"{day},{time},{mean:.4g}" for day, line in self.table.items() for time, mean in line.items()]
        Path(path).write_text("\n".join(["weekday,time,calls", *rows]) + "\n", encoding="utf-8")


def arrival_profile(
    log: CallLog,
    *,
    hours: Mapping[str, str] | None = None,
    pools: Iterable[str] = timegrid.WEEKDAYS,
    interval: float = 1800.0,
) -> ArrivalProfile:
    """Mean calls per interval by weekday, over the recorded days.

    Args:
        hours: opening hours; calls outside are left out of the table and counted. None: always open.
        pools: days that share one profile (``"sun-thu"``, ``"fri"``): fewer shapes, each from more days.
        interval: seconds, dividing an hour.

    The factors are measured within cells of pool and calendar month, so that neither the shape of the week nor growth
    passes for it.
    """
    weekday = log.dates.day_of_week.to_numpy()
    slots = round(timegrid.DAY_SECONDS / interval)
    is_open = timegrid.open_slots(hours, interval) if hours else np.ones((8, slots), dtype=bool)
    count = np.where(is_open[weekday], interval_counts(log, interval), 0.0)
    table: dict[int, dict[str, float]] = {}
    days: dict[int, int] = {}
    cell = np.full(len(log.dates), -1)
    for number, pool in enumerate(pools):
        kinds = sorted(timegrid.parse_hours({pool: "closed"}))
        here = np.isin(weekday, kinds)
        if not here.any():
            continue
        cell[here] = number
        mean = count[here].mean(axis=0)
        for kind in (k for k in kinds if k < 7 and is_open[k].any()):
            table[kind] = {_clock(s * interval): float(mean[s]) for s in np.flatnonzero(is_open[kind])}
            days[kind] = int(here.sum())
    month = log.dates.year.to_numpy() * 12 + log.dates.month.to_numpy()
    used = cell >= 0
    names = timegrid.WEEKDAYS
    return ArrivalProfile(
        table={names[k]: table[k] for k in sorted(table)},
        days={names[k]: days[k] for k in sorted(days)},
        factors=arrival_factors(count[used], (month * 100 + cell)[used]),
        outside=len(log.calls) - round(count.sum()),
    )


def interval_counts(log: CallLog, interval: float = 1800.0) -> NDArray[np.float64]:
    """Calls by recorded day and interval of the day, (D, slots); calls after the midnight that ends their day are in
    none."""
    import pandas as pd

    slots = round(timegrid.DAY_SECONDS / interval)
    day = log.dates.get_indexer(pd.DatetimeIndex(log.calls["date"]))
    slot = (log.calls["time"].to_numpy() // interval).astype(np.int64)
    inside = (slot >= 0) & (slot < slots) & (day >= 0)
    count = np.zeros((len(log.dates), slots))
    np.add.at(count, (day[inside], slot[inside]), 1)
    return count


def _clock(seconds: float) -> str:
    return f"{int(seconds // 3600):02d}:{int(seconds % 3600 // 60):02d}"


def day_factor_cv(total: ArrayLike, cell: ArrayLike) -> float:
    """Spread of a day factor of mean 1, by the method of moments.

    Given the factor a day's calls are Poisson, so in a cell of mean m their variance is m + cv²·m². Of n days in a cell
    the squared deviations from the cell's own mean expect (n − 1)·(m + cv²·m²); summed over cells this gives cv². Days
    no more varied than Poisson give 0.

    Args:
        total: calls by day, (D,).
        cell: days with the same label are alike, (D,). A label that occurs once tells nothing.

    Returns:
        The coefficient of variation; NaN when no cell holds two days.
    """
    calls = np.asarray(total, dtype=float)
    _, label = np.unique(np.asarray(cell), return_inverse=True)
    days = np.bincount(label)
    mean = np.bincount(label, calls) / days
    squares = float(np.sum((calls - mean[label]) ** 2))
    poisson, scale = float(np.sum((days - 1) * mean)), float(np.sum((days - 1) * mean**2))
    return math.sqrt(max(squares - poisson, 0.0) / scale) if scale > 0 else math.nan


_MEMORIES = np.arange(0.0, 0.995, 0.01)


def arrival_factors(counts: NDArray[np.float64], cell: ArrayLike) -> ArrivalFactors:
    """Spread of a day factor and of an interval factor with memory, both of mean 1, by the method of moments.

    With spreads d and v and memory r, two counts k intervals apart of a day have means m, n and covariance c(k)·m·n
    with 1 + c(k) = (1 + d²)·(1 + v²·r^k), and the Poisson part m beside it where k = 0. (r is the correlation of the
    factors' normal scores; that of gamma factors of small spread is nearly as large.) Three moments give the three:
    the spread of single intervals c(0), that of whole days, which is the mean of c(k) over all pairs of a day's
    intervals, and c(1). Given r the first two give v² and d²; r is the one of 0, 0.01, ..., 0.99 whose c(1) comes
    nearest. A memory that lasts the whole day is hard to tell from a day factor; whole days keep their spread all the
    same.

    Args:
        counts: calls by day and interval, (D, S), with neighbouring intervals side by side.
        cell: days with the same label are alike, (D,). A label that occurs once tells nothing.
    """
    _, label = np.unique(np.asarray(cell), return_inverse=True)
    slots = counts.shape[1]
    total = day_factor_cv(counts.sum(axis=1), label)
    single = day_factor_cv(counts.ravel(), (label[:, None] * slots + np.arange(slots)).ravel())
    if math.isnan(total) or math.isnan(single):
        return ArrivalFactors(math.nan, math.nan, math.nan, total, single)
    days = np.bincount(label)
    mean = np.zeros((len(days), slots))
    np.add.at(mean, label, counts)
    mean /= days[:, None]
    apart = counts - mean[label]
    # products of means k intervals apart, each cell by what it tells
    weight = np.array([float(np.sum((days - 1) @ (mean[:, k:] * mean[:, : slots - k]))) for k in range(slots)])
    pairs = np.where(np.arange(slots) > 0, 2.0, 1.0) * weight
    neighbours = float(np.sum(apart[:, 1:] * apart[:, :-1])) / weight[1] if slots > 1 and weight[1] > 0 else math.nan
    averaged = _MEMORIES[:, None] ** np.arange(slots) @ pairs / pairs.sum()
    excess = single**2 - total**2
    if excess <= 0 or math.isnan(neighbours):
        return ArrivalFactors(total, math.sqrt(max(excess, 0.0)), 0.0, total, single)
    left = (1 + total**2) - (1 + single**2) * averaged
    interval = np.minimum(np.where(left > 0, excess / np.where(left > 0, left, 1.0), np.inf), single**2)
    day = (1 + single**2) / (1 + interval) - 1
    best = int(np.argmin(np.abs((1 + day) * (1 + interval * _MEMORIES) - 1 - neighbours)))
    return ArrivalFactors(
        math.sqrt(max(float(day[best]), 0.0)), math.sqrt(float(interval[best])), float(_MEMORIES[best]), total, single
    )


# --- waiting and talking ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class SurvivalCurve:
    """Share still waiting after a time: 1 before ``time[0]``, ``share[k]`` from ``time[k]`` on; ``at_risk[k]`` were
    still there just before it."""

    time: NDArray[np.float64]
    share: NDArray[np.float64]
    at_risk: NDArray[np.int64]

    def at(self, t: ArrayLike) -> NDArray[np.float64]:
        """The share still waiting after ``t`` seconds."""
        place = np.searchsorted(self.time, np.asarray(t, dtype=float), side="right")
        return np.concatenate([[1.0], self.share])[place]


def patience_sample(log: CallLog) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """How long callers waited, and whether they gave up then (else they were answered, and would have waited longer).

    Callers answered without a wait are left out: nobody knows whether they would have waited at all.
    """
    waited = log.calls[log.calls["waited"]]
    return waited["wait"].to_numpy(dtype=float), ~waited["answered"].to_numpy(dtype=bool)


def kaplan_meier(duration: ArrayLike, ended: ArrayLike) -> SurvivalCurve:
    """The survival curve of durations of which some did not end (Kaplan and Meier 1958). At equal times an end comes
    before a censoring, as usual."""
    from scipy import stats

    t, event = _sample(duration, ended)
    curve = stats.ecdf(stats.CensoredData(uncensored=t[event], right=t[~event])).sf
    time = np.asarray(curve.quantiles)
    at_risk = len(t) - np.searchsorted(np.sort(t), time, side="left")
    return SurvivalCurve(time, np.asarray(curve.probabilities), at_risk)


@dataclass(frozen=True)
class LawFit:
    """A law fitted by maximum likelihood; ``parameters`` is how many were fitted."""

    law: Law
    parameters: int
    log_likelihood: float

    @property
    def aic(self) -> float:
        """Akaike's information criterion: lower is better."""
        return 2.0 * self.parameters - 2.0 * self.log_likelihood

    def gap(self, curve: SurvivalCurve, at_risk: int = 30) -> float:
        """Largest vertical distance to a survival curve, where at least ``at_risk`` were still there."""
        seen = curve.at_risk >= at_risk
        return float(np.max(np.abs(self.law.survival(curve.time[seen]) - curve.share[seen]), initial=0.0))


def fit_laws(
    duration: ArrayLike,
    ended: ArrayLike | None = None,
    *,
    families: Iterable[str] = LAW_FAMILIES,
    resolution: float = 1.0,
    atom: bool = False,
) -> tuple[LawFit, ...]:
    """One law of each family for a duration, by maximum likelihood, the lowest AIC first.

    A recorded w means a true value within half a ``resolution`` of it (logs round to seconds, and a density would give
    a zero infinite weight); a duration that had not ended at w counts with P(X > w).

    Args:
        duration: seconds, (n,).
        ended: whether each duration ended, (n,); None: all did.
        resolution: seconds to which the log rounds.
        atom: where some ended at 0, try each family also with a probability of exactly 0 (callers who hang up when
            told to wait) and keep the better of the two.

    Raises:
        ParameterError: negative or non-finite durations, none that ended, or an unknown family.
    """
    t, event = _sample(duration, ended)
    pairs, count = np.unique(np.stack([t, event]), axis=1, return_counts=True)
    value, end = pairs[0], pairs[1] > 0
    low = np.where(end, value - resolution / 2, value)
    high = value + resolution / 2
    edges = np.concatenate([low, high])  # one look at a law: to make it costs more than to ask it
    rate = float(event.sum() / max(t.sum(), resolution))

    def loss(law: Law) -> float:
        at_low, at_high = np.split(law.survival(edges), 2)
        weight = np.where(low <= 0, 1.0, at_low) - np.where(end, at_high, 0.0)
        # a cell that a far-off trial law gives no weight must cost more than any other, not be infinite
        return -float(count @ np.log(np.maximum(weight, 1e-300)))

    longest = max(float(t.max()), resolution)
    at_zero = float(np.mean(event & (t == 0)))
    fits: list[LawFit] = []
    for name in families:
        make, start, bounds = _family(name, 1.0 / rate, longest)
        candidates = [_fit(make, start, bounds, loss)]
        if atom and at_zero > 0:
            candidates.append(_fit(_with_atom(make), [*start, _logit(at_zero)], [*bounds, _PROBABILITY], loss))
        fits.append(min(candidates, key=lambda fit: fit.aic))
    return tuple(sorted(fits, key=lambda fit: fit.aic))


_Make = Callable[[NDArray[np.float64]], Law]
_Bounds = list[tuple[float, float]]
_PROBABILITY = (-12.0, 12.0)  # as a logit: 6 in a million to all but that


def _family(name: str, mean: float, longest: float) -> tuple[_Make, list[float], _Bounds]:
    """How to make a family's law from free numbers (logarithms, and a logit for a probability), where to start and how
    far to look. With most durations cut off the mean is an extrapolation: it is kept below 100 times the longest."""
    m = math.log(mean)
    time: tuple[float, float] = (math.log(longest) - 14.0, math.log(longest) + math.log(100.0))
    shape: tuple[float, float] = (-3.0, 4.0)
    if name == "exponential":
        return lambda x: distributions.exponential(math.exp(x[0])), [m], [time]
    if name == "weibull":
        return lambda x: distributions.weibull(mean=math.exp(x[0]), shape=math.exp(x[1])), [m, 0.0], [time, shape]
    if name == "gamma":
        return lambda x: distributions.gamma(mean=math.exp(x[0]), shape=math.exp(x[1])), [m, 0.0], [time, shape]
    if name == "lognormal":
        spread = (-4.0, 1.5)
        return (
            lambda x: distributions.lognormal(median=math.exp(x[0]), sigma=math.exp(x[1])),
            [m - 0.5, 0.0],
            [time, spread],
        )
    if name == "hyperexponential":

        def two_parts(x: NDArray[np.float64]) -> Law:
            p = _logistic(x[0])
            means = (math.exp(x[1]), math.exp(x[2]))
            return distributions.hyperexponential((p, 1.0 - p), means)

        return two_parts, [0.0, m - 1.5, m + 1.0], [_PROBABILITY, time, time]
    raise ParameterError(f"no fit of the family {name!r}; families: {', '.join(LAW_FAMILIES)}")


def _with_atom(make: _Make) -> _Make:
    return lambda x: distributions.with_zero(make(x[:-1]), _logistic(x[-1]))


def _fit(make: _Make, start: list[float], bounds: _Bounds, loss: Callable[[Law], float]) -> LawFit:
    from scipy import optimize

    origin = np.array(start)
    # steps of 1/2 in logarithms: scipy's own first steps are 5 % of each number, which is nothing where it is near 0
    simplex = np.vstack([origin, origin + np.eye(len(start)) / 2])
    options: Any = {"initial_simplex": simplex, "maxiter": 4000, "xatol": 1e-5, "fatol": 1e-6}

    def trial(x: NDArray[np.float64]) -> float:
        return loss(make(x))

    best = optimize.minimize(
        trial,
        origin,
        method="Nelder-Mead",
        bounds=bounds,
        options=options,
    )
    return LawFit(make(best.x), len(bounds), -float(best.fun))


def _logistic(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x))


def _logit(p: float) -> float:
    return math.log(p / (1.0 - p))


def _sample(duration: ArrayLike, ended: ArrayLike | None) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    t = np.asarray(duration, dtype=float)
    event = np.ones(t.shape, dtype=bool) if ended is None else np.asarray(ended, dtype=bool)
    if t.shape != event.shape or t.ndim != 1:
        raise ParameterError(f"{t.shape} durations, but {event.shape} marks of an end")
    if not np.all(np.isfinite(t) & (t >= 0)):
        raise ParameterError("durations must be finite and not negative")
    if not event.any():
        raise ParameterError("no duration ended, so nothing can be said of how long they last")
    return t, event


# --- people ----------------------------------------------------------------------------------------------------------

ABSENCE = 900.0


def presence(log: CallLog, gap: float = ABSENCE) -> pd.DataFrame:
    """When agents were there, inferred: from first to last call of the day; more than ``gap`` seconds between the end
    of one call and the start of the next are absence.

    Returns:
        One row per agent and stretch: ``date``, ``agent``, ``start`` and ``end`` in seconds after midnight. What an
        agent did before the first and after the last call is not seen; short breaks count as presence.
    """
    import pandas as pd

    calls = log.calls[log.calls["answered"] & log.calls["agent"].notna()]
    start = calls["time"] + calls["wait"]
    own = pd.DataFrame({"date": calls["date"], "agent": calls["agent"], "start": start, "end": start + calls["talk"]})
    own = own.sort_values(["date", "agent", "start"], kind="stable").reset_index(drop=True)
    who = ["date", "agent"]
    so_far = own.groupby(who)["end"].cummax()
    before = so_far.groupby([own["date"], own["agent"]]).shift()
    stretch = (before.isna() | (own["start"] - before > gap)).cumsum()
    return own.groupby(stretch).agg(
        date=("date", "first"), agent=("agent", "first"), start=("start", "first"), end=("end", "max")
    )  # fmt: skip


def present_by_interval(
    stretches: pd.DataFrame, dates: pd.DatetimeIndex, interval: float = 1800.0
) -> NDArray[np.float64]:
    """Mean agents present by day and interval, (D, slots): seconds present over the interval's length."""
    import pandas as pd

    slots = round(timegrid.DAY_SECONDS / interval)
    day = dates.get_indexer(pd.DatetimeIndex(stretches["date"]))
    edges = np.arange(slots + 1) * interval
    start, end = stretches["start"].to_numpy(dtype=float), stretches["end"].to_numpy(dtype=float)
    inside = np.diff(np.clip(edges[None, :], start[:, None], np.maximum(end, start)[:, None]), axis=1)
    seconds = np.zeros((len(dates), slots))
    np.add.at(seconds, day[day >= 0], inside[day >= 0])
    return seconds / interval


@dataclass(frozen=True)
class Pauses:
    """Seconds between two calls of an agent while the next caller was already waiting; those over ``longest`` are
    taken for breaks and left out."""

    count: int
    median: float
    mean: float
    longest: float


def pauses(log: CallLog, longest: float = 120.0) -> Pauses | None:
    """How long agents take before the next call although its caller waits: after-call work that keeps them, and what
    else does. None when fewer than 30 such pauses are recorded."""
    import pandas as pd

    calls = log.calls[log.calls["answered"] & log.calls["agent"].notna()]
    frame = pd.DataFrame(
        {
            "date": calls["date"],
            "agent": calls["agent"],
            "arrival": calls["time"],
            "start": calls["time"] + calls["wait"],
            "end": calls["time"] + calls["wait"] + calls["talk"],
        }
    ).sort_values(["date", "agent", "start"], kind="stable")
    before = frame.groupby(["date", "agent"])["end"].shift()
    pause = (frame["start"] - before)[(frame["arrival"] <= before)]
    pause = pause[(pause >= 0) & (pause <= longest)]
    if len(pause) < 30:
        return None
    return Pauses(len(pause), float(pause.median()), float(pause.mean()), longest)


@dataclass(frozen=True)
class Redials:
    """Do those who gave up call again?

    Attributes:
        abandoned: abandoned calls with a known customer.
        again: share of them whose customer called again within ``within`` seconds of giving up.
        answered_again: the same share after the end of answered calls, for comparison.
        delay: median seconds to the next call of those who called again; NaN when none did.
    """

    abandoned: int
    again: float
    answered_again: float
    within: float
    delay: float


def redials(log: CallLog, within: float = 3600.0) -> Redials | None:
    """Calls of the same customer soon after a call ended. None when no abandoned call names a customer."""
    calls = log.calls[log.calls["customer"].notna()]
    moment = (calls["date"] - log.dates.min()).dt.total_seconds() + calls["time"]
    frame = calls.assign(moment=moment, over=moment + calls["wait"] + calls["talk"].fillna(0.0))
    frame = frame.sort_values(["customer", "moment"], kind="stable")
    delay = frame.groupby("customer")["moment"].shift(-1) - frame["over"]
    soon = (delay >= 0) & (delay <= within)
    gave_up = ~frame["answered"]
    if not gave_up.any():
        return None
    back = delay[gave_up & soon]
    return Redials(
        abandoned=int(gave_up.sum()),
        again=float(soon[gave_up].mean()),
        answered_again=float(soon[~gave_up].mean()) if (~gave_up).any() else math.nan,
        within=within,
        delay=float(back.median()) if len(back) else math.nan,
    )


def suggested_agents(
    calls: ArrayLike,
    handle_time: ArrayLike,
    *,
    giving_up_rate: float,
    service_level: float = 0.8,
    answer_within: float = 20.0,
    interval: float = 1800.0,
) -> NDArray[np.int64]:
    """Least agents per interval that meet a service level by Erlang A (Palm 1957), interval by interval.

    Args:
        calls: mean calls per interval, any shape.
        handle_time: mean seconds of talk and after-call work, of the same shape or one number.
        giving_up_rate: 1 ÷ mean patience in seconds; abandoned calls over all seconds waited estimates it.

    The day factor is not in it: half of the days ask for more.
    """
    from simulator.support import erlang

    mean, handle = np.broadcast_arrays(np.asarray(calls, dtype=float), np.asarray(handle_time, dtype=float))
    found = [
        erlang.agents_needed(
            {"sl_excl_short_abandons": service_level},
            arrival_rate=m / interval,
            service_rate=1.0 / h,
            abandonment_rate=giving_up_rate,
            answer_within=answer_within,
        )
        if m > 0 and h > 0 else 0
        for m, h in zip(mean.ravel(), handle.ravel(), strict=True)
    ]  # fmt: skip
    return np.array(found, dtype=np.int64).reshape(mean.shape)


# --- how good a forecast ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Coverage:
    """Of counts never used in their forecast: how many fell into the band that should hold ``band`` of them.

    A count on the edge of the band counts with the share of its probability that lies inside, so that a right forecast
    of small counts gets exactly ``band`` as well. ``below`` and ``above`` are the shares under and over the band; with
    ``inside`` they add up to 1. ``error`` is the mean absolute error over the mean count.
    """

    counts: int
    inside: float
    below: float
    above: float
    error: float
    band: float


@dataclass(frozen=True)
class BackTest:
    """Coverage over all weeks kept out.

    Attributes:
        weeks: weeks forecast.
        days: of the days' totals.
        intervals: of the counts by interval, if only the day's total varied: too narrow where there is an interval
            factor.
        intervals_own: of the same counts with the interval factor too, as a fitted scenario holds it.
        by_week: of the days of each week, by its first day.
    """

    weeks: int
    days: Coverage
    intervals: Coverage
    intervals_own: Coverage
    by_week: tuple[tuple[str, Coverage], ...]


def back_test(
    dates: pd.DatetimeIndex,
    counts: NDArray[np.float64],
    *,
    fitted_weeks: int = 8,
    pools: Iterable[str] = timegrid.WEEKDAYS,
    band: float = 0.8,
) -> BackTest:
    """Forecast every week from the ``fitted_weeks`` before it, as a fitted scenario would, and see what came.

    A week is forecast by its weekday's mean per interval and the factors of those weeks (:func:`arrival_factors`): a
    count is Poisson given a gamma factor, hence negative binomial, and its mean was estimated from n days, which adds
    (1/m + cv²)/n to the squared spread of the factor. Nothing of the week itself is used.

    Args:
        dates: recorded days, (D,), increasing.
        counts: calls by day and open interval, (D, S); an interval with no calls in the fitted weeks is left out.
        fitted_weeks: calendar weeks (from Monday) before the forecast one; the first so many are never forecast.
        pools: days that share a mean, as in :func:`arrival_profile`.

    Raises:
        ParameterError: no week with enough weeks before it.
    """
    week = ((dates - dates.min()).days.to_numpy() + int(dates.min().day_of_week)) // 7
    weekday = dates.day_of_week.to_numpy()
    pool_of = np.full(7, -1)
    for number, pool in enumerate(pools):
        for kind in timegrid.day_kinds(pool):
            if kind < 7:
                pool_of[kind] = number
    cell = pool_of[weekday]
    days: list[_Scores] = []
    intervals: list[_Scores] = []
    own: list[_Scores] = []
    names: list[str] = []
    for this in range(fitted_weeks, int(week.max()) + 1):
        past = (week < this) & (week >= this - fitted_weeks) & (cell >= 0)
        future = [d for d in np.flatnonzero(week == this) if (past & (cell == cell[d])).sum() >= 2]
        if not future:
            continue
        factors = arrival_factors(counts[past], cell[past])
        cv = factors.total_cv
        same = [past & (cell == cell[d]) for d in future]
        mean = np.array([counts[rows].mean(axis=0) for rows in same])
        size = np.array([rows.sum() for rows in same])
        real = counts[future]
        days.append(_score(real.sum(axis=1), mean.sum(axis=1), cv, size, band))
        seen = mean > 0
        behind = np.repeat(size, seen.sum(axis=1))
        intervals.append(_score(real[seen], mean[seen], cv, behind, band))
        own.append(_score(real[seen], mean[seen], max(cv, factors.count_cv), behind, band))
        names.append(f"{dates[int(future[0])]:%Y-%m-%d}")
    if not days:
        raise ParameterError(f"no week has {fitted_weeks} weeks of records before it")
    return BackTest(
        weeks=len(days),
        days=_coverage(days, band),
        intervals=_coverage(intervals, band),
        intervals_own=_coverage(own, band),
        by_week=tuple((name, _coverage([score], band)) for name, score in zip(names, days, strict=True)),
    )


_Scores = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
"""Share below the band, share above, absolute error, mean; each (n,)."""


def _score(
    real: NDArray[np.float64], mean: NDArray[np.float64], cv: float, days: NDArray[np.int64], band: float
) -> _Scores:
    from scipy import stats

    square = np.maximum(cv**2 + (1.0 / mean + cv**2) / days, 1e-9)
    law = stats.nbinom(1.0 / square, 1.0 / (1.0 + mean * square))
    under, upto = law.cdf(real - 1), law.cdf(real)
    mass = np.maximum(upto - under, 1e-12)
    tail = (1.0 - band) / 2
    # the count stands for the quantiles from `under` to `upto`: how much of them lies in either tail
    below = np.clip((tail - under) / mass, 0.0, 1.0)
    above = np.clip((upto - (1.0 - tail)) / mass, 0.0, 1.0)
    return below, above, np.abs(real - mean), mean


def _coverage(scores: list[_Scores], band: float) -> Coverage:
    below, above, error, mean = (np.concatenate([score[i] for score in scores]) for i in range(4))
    low, high = float(below.mean()), float(above.mean())
    return Coverage(len(below), 1.0 - low - high, low, high, float(error.sum() / mean.sum()), band)


# --- a queue ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class QueueFit:
    """Everything fitted for one queue.

    Attributes:
        offered, abandoned: calls.
        patience, talk: candidates, best first; patience is empty when nobody gave up. A talk law keeps its fitted shape
            and takes the recorded mean: offered load follows the mean, and the log knows that one exactly.
        waited: the Kaplan-Meier curve of patience, or None.
        hang_ups: share of answered calls shorter than the limit given, which count as calls of no length.
    """

    offered: int
    abandoned: int
    profile: ArrivalProfile
    patience: tuple[LawFit, ...]
    waited: SurvivalCurve | None
    talk: tuple[LawFit, ...]
    hang_ups: float

    def document(self, table: str | None = None) -> dict[str, Any]:
        """The queue in the vocabulary of a scenario, laws rounded to three digits.

        Args:
            table: the CSV that :meth:`ArrivalProfile.write` wrote, to name in place of the numbers.
        """
        arrivals: dict[str, Any] = {"table": table or self.profile.table, "table_interval": "30 min"}
        factors = self.profile.factors
        if factors.day_cv > 0:
            arrivals["day_cv"] = _digits(factors.day_cv)
        if factors.interval_cv > 0:
            arrivals["interval_cv"] = _digits(factors.interval_cv)
            if factors.interval_memory > 0:
                arrivals["interval_memory"] = f"{100 * factors.interval_memory:.0f}%"
        body: dict[str, Any] = {"channel": "call", "arrivals": arrivals}
        if self.patience:
            body["patience"] = law_document(self.patience[0].law)
        body["talk"] = law_document(self.talk[0].law)
        return body


def fit_queue(
    log: CallLog,
    *,
    hours: Mapping[str, str] | None = None,
    pools: Iterable[str] = timegrid.WEEKDAYS,
    interval: float = 1800.0,
    hang_up: float = 0.0,
    resolution: float = 1.0,
) -> QueueFit:
    """Fit arrivals, patience and talk of one queue's calls (see :meth:`CallLog.only`).

    Args:
        hang_up: answered calls shorter than this many seconds are no conversation (the agent or the caller hangs up);
            they become the atom at zero of the talk law, so that they neither bend it nor vanish from the volume.

    Raises:
        ParameterError: no answered call.
    """
    wait, gave_up = patience_sample(log)
    talk = log.calls.loc[log.calls["answered"], "talk"].to_numpy(dtype=float)
    spoken = talk[talk >= hang_up]
    if spoken.size == 0:
        raise ParameterError("no answered call to fit a talk time to")
    hang_ups = 1.0 - spoken.size / talk.size
    mean = float(talk.mean()) / (1.0 - hang_ups)
    return QueueFit(
        offered=len(log.calls),
        abandoned=int((~log.calls["answered"]).sum()),
        profile=arrival_profile(log, hours=hours, pools=pools, interval=interval),
        patience=fit_laws(wait, gave_up, resolution=resolution, atom=True) if gave_up.any() else (),
        waited=kaplan_meier(wait, gave_up) if gave_up.any() else None,
        talk=tuple(
            replace(fit, law=replace(fit.law, scale=mean, zero=hang_ups))
            for fit in fit_laws(spoken, resolution=resolution)
        ),
        hang_ups=hang_ups,
    )


def law_document(law: Law) -> dict[str, Any]:
    """A law in the vocabulary of a scenario, rounded to three digits (probabilities to four).

    A lognormal law is told by mean and cv, or where cv exceeds 3 by median and sigma: its mean is then made by a tail
    that nobody has seen.
    """

    def time(value: float) -> str:
        return f"{_digits(value):g} s"

    mean = time(law.scale)
    body: dict[str, Any]
    if law.family == "exponential":
        body = {"mean": mean}
    elif law.family in ("weibull", "gamma"):
        body = {"mean": mean, "shape": _digits(law.shape[0])}
    elif law.family == "lognormal":
        sigma = law.shape[0]
        cv = math.sqrt(math.expm1(sigma**2))
        median = time(law.scale * math.exp(-(sigma**2) / 2))
        body = {"mean": mean, "cv": _digits(cv)} if cv <= 3 else {"median": median, "sigma": _digits(sigma)}
    elif law.family == "hyperexponential":
        first = round(law.shape[0], 4)
        body = {
            "probabilities": [first, round(1.0 - first, 4)],
            "means": [time(m * law.scale) for m in law.shape[1::2]],
        }
    else:
        raise ParameterError(f"no short form of the family {law.family!r}")
    if law.zero > 0:
        body["zero"] = f"{_digits(100.0 * law.zero):g}%"
    return {law.family: body}


def _digits(value: float) -> float:
    return float(f"{value:.3g}")
