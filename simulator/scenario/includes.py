"""Files that a scenario names, profiles and accounts as CSV: read in, so that a resolved scenario needs none."""

from __future__ import annotations

import csv
import datetime as dt
import functools
import io
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from simulator import timegrid, units
from simulator.errors import InputError, Problem, UnitError, ValueRefused, nearest
from simulator.scenario.document import shown
from simulator.scenario.faults import hints
from simulator.scenario.schema import Account, Part, Person
from simulator.scenario.yaml_text import MAXIMUM_BYTES, decode

WEIGHT_NAMES = ("weight", "contacts", "calls", "share")
"""Names that the column of weights may have."""
_COLUMNS = "time, weight or weekday, time, weight (weight may be called contacts, calls or share)"


def content(path: Path, shown_as: str) -> bytes:
    """The bytes of a file, at most one more than may be decoded.

    Raises:
        InputError: no such file, no ordinary file, or no permission.
    """
    try:
        if path.is_file():
            size = path.stat().st_size
            if size > MAXIMUM_BYTES:
                allowed = f"up to {MAXIMUM_BYTES} bytes"
                raise InputError([Problem(shown_as, None, "", "the file is too large", f"{size} bytes", allowed)])
            with path.open("rb") as file:
                return file.read(MAXIMUM_BYTES + 1)
        if path.exists():
            raise InputError([Problem(shown_as, None, "", "this is no file", "a folder" if path.is_dir() else None)])
        names = [item.name for item in path.parent.iterdir() if item.is_file()] if path.parent.is_dir() else []
    except OSError as error:
        raise InputError([Problem(shown_as, None, "", f"the file cannot be read: {error.strerror}")]) from None
    near = nearest(path.name, names)
    raise InputError([Problem(shown_as, None, "", "there is no such file", nearest=near)])


def inside(folder: Path, name: str) -> Path:
    """The file ``name`` inside ``folder``.

    Raises:
        InputError: the name, its links followed, leads out of the folder; the problem carries no place.
    """
    try:
        home = folder.resolve()
        path = (home / name).resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError([Problem(None, None, "", "this is no file name", shown(name), str(error))]) from None
    if not path.is_relative_to(home):
        allowed = "a file in the scenario's folder or below"
        raise InputError([Problem(None, None, "", "the file lies outside the scenario's folder", shown(name), allowed)])
    return path


def _text(path: Path, shown_as: str) -> str:
    return decode(content(path, shown_as), shown_as)


def _rows(text: str, shown_as: str, columns: str) -> list[tuple[int, list[str]]]:
    """The rows of a CSV file that hold anything, with the lines that they end on; the names of the columns first.

    Raises:
        InputError: no CSV, or nothing in it.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        rows = [
            (reader.line_num, [cell.strip() for cell in row]) for row in reader if any(cell.strip() for cell in row)
        ]
    except csv.Error as error:
        raise InputError([Problem(shown_as, reader.line_num, "", f"no CSV: {error}")]) from None
    if not rows:
        raise InputError([Problem(shown_as, None, "", "the file is empty", None, columns)])
    return rows


def read_accounts(path: Path, shown_as: str) -> list[dict[str, object]]:
    """Accounts from a CSV file: columns ``account``, ``start`` and, if known, ``mrr``, ``effort`` and ``owner``.

    Raises:
        InputError: every fault of the file, with its line.
    """
    return _listed(path, shown_as, Account, {}, ("mrr", "effort"))


PERSON_NAMES = {"agent_id": "agent", "name": "agent", "オペレーター": "agent", "queues": "skills", "スキル": "skills"}
"""Other names of the columns of a list of agents."""


def read_people(path: Path, shown_as: str) -> list[dict[str, object]]:
    """Agents from a CSV file: columns ``agent``, ``skills`` and, if they differ in speed, ``handle_time_factor``.

    Raises:
        InputError: every fault of the file, with its line.
    """
    return _listed(path, shown_as, Person, PERSON_NAMES, ("handle_time_factor",))


def _listed(
    path: Path, shown_as: str, model: type[Part], other_names: Mapping[str, str], numbers: Sequence[str]
) -> list[dict[str, object]]:
    """The rows of a CSV file whose columns are the fields of ``model``, the first of which is a name of its own."""
    fields = model.model_fields
    least, most = {name for name, field in fields.items() if field.is_required()}, set(fields)
    more = [name for name in fields if name not in least]
    last = more[-1] if len(more) == 1 else f"{', '.join(more[:-1])} and {more[-1]}"
    columns = f"{', '.join(name for name in fields if name in least)}; {last} may be left out"
    key = next(iter(fields))
    rows = _rows(_text(path, shown_as), shown_as, columns)
    line, header = rows[0]
    names = [other_names.get(name.lower(), name.lower()) for name in header]
    if not least <= set(names) <= most or len(set(names)) < len(names):
        raise InputError([Problem(shown_as, line, "", "the columns are not known", ", ".join(header), columns)])
    faults: list[Problem] = []
    found_rows: list[dict[str, object]] = []
    first: dict[str, int] = {}
    for line, row in rows[1:]:
        if len(row) != len(names):
            found, allowed = f"{len(row)} cells", f"{len(names)} cells, as in the first line"
            faults.append(Problem(shown_as, line, "", "the row is ragged", found, allowed))
            continue
        cells: dict[str, object] = {name: cell for name, cell in zip(names, row, strict=True) if cell}
        try:
            read = model.model_validate(cells)
        except ValidationError as error:
            for fault in error.errors():
                name = str(fault["loc"][0])
                message, needed, near = hints(fault["msg"].removeprefix("Value error, "))
                refused = fault.get("ctx", {}).get("error")
                needed = needed or (refused.allowed if isinstance(refused, ValueRefused) else None)
                faults.append(Problem(shown_as, line, "", f"{name}: {message}", shown(cells.get(name)), needed, near))
            continue
        name = str(cells[key])
        if name in first:
            found, allowed = name, f"once (first on line {first[name]})"
            faults.append(Problem(shown_as, line, "", f"the {key} stands twice", found, allowed))
        first.setdefault(name, line)
        # lists and numbers as such, so that a resolved scenario reads well
        listed = {n: list(v) for n in cells if isinstance(v := getattr(read, n), tuple)}
        found_rows.append({**cells, **{n: units.number(v) for n, v in cells.items() if n in numbers}, **listed})
    if not faults and not found_rows:
        faults.append(Problem(shown_as, line, "", "there is no row below the column names"))
    if faults:
        raise InputError(faults)
    return found_rows


def read_profile(path: Path, shown_as: str) -> dict[str, dict[str, float | int]]:
    """Weights by day name and time from a CSV file with the columns ``time, weight`` or ``weekday, time, weight``.

    Raises:
        InputError: every fault of the file, with its line.
    """
    rows = _rows(_text(path, shown_as), shown_as, _COLUMNS)
    line, header = rows[0]
    names = ["weight" if name.lower() in WEIGHT_NAMES else name.lower() for name in header]
    if names not in (["time", "weight"], ["weekday", "time", "weight"]):
        raise InputError([Problem(shown_as, line, "", "the columns are not known", ", ".join(header), _COLUMNS)])
    faults: list[Problem] = []
    table: dict[str, dict[str, float | int]] = {}
    seen: dict[tuple[str, float], int] = {}
    for line, row in rows[1:]:
        if len(row) != len(names):
            found, allowed = f"{len(row)} cells", f"{len(names)} cells, as in the first line"
            faults.append(Problem(shown_as, line, "", "the row is ragged", found, allowed))
            continue
        cells = dict(zip(names, row, strict=True))
        try:
            day = cells.get("weekday", "daily").lower()
            timegrid.parse_hours({day: "closed"})
            second = timegrid.clock_seconds(cells["time"])
            weight = _weight(cells["weight"])
        except ValueError as error:
            message, needed, near = hints(str(error))
            faults.append(Problem(shown_as, line, "", message, ", ".join(row), needed, near))
            continue
        if (day, second) in seen:
            faults.append(
                Problem(
                    shown_as,
                    line,
                    "",
                    "the time is given twice",
                    cells["time"],
                    f"once (first on line {seen[day, second]})",
                )
            )
        seen.setdefault((day, second), line)
        table.setdefault(day, {})[cells["time"]] = weight
    if not faults and not table:
        faults.append(Problem(shown_as, line, "", "there is no row below the column names"))
    if not faults and not any(weight > 0 for row_ in table.values() for weight in row_.values()):
        faults.append(Problem(shown_as, None, "", "every weight is 0"))
    if faults:
        raise InputError(faults)
    return table


DATED_NAMES: dict[str, tuple[str, ...]] = {
    "date": ("date", "day", "日付"),
    "time": ("time", "start", "interval", "時刻", "開始"),
    "contacts": ("contacts", "calls", "volume", "forecast", "offered", "件数", "入電数"),
    "queue": ("queue", "skill", "キュー"),
}
"""What a table of dated contacts tells, and the names that each of its columns may have."""
_DATED_COLUMNS = "date, contacts; beside them time (else a row is a whole day) and queue (where the file holds several)"

ROSTER_NAMES: dict[str, tuple[str, ...]] = {
    "date": ("date", "日付"),
    "weekday": ("weekday", "day", "days", "曜日"),
    "time": ("time", "interval", "時刻"),
    "agents": ("agents", "staff", "headcount", "人数"),
    "agent": ("agent", "agent_id", "name", "オペレーター"),
    "start": ("start", "from", "login", "開始"),
    "end": ("end", "to", "logout", "終了"),
    "group": ("group", "team", "pool", "チーム"),
}
"""What a roster tells, and the names that each of its columns may have."""
_ROSTER_COLUMNS = (
    "date or weekday, with time and agents (how many there are), or with agent, start and end (who is there);"
    " beside them group (where the file holds several)"
)


@dataclass(frozen=True)
class _Rows:
    """The rows of a CSV file as cells by meaning: those that belong to one part of the scenario.

    Attributes:
        columns: the meanings that the file has.
        rows: line, cells by meaning, and the row as it stands.
        faults: rows that could not be read; the caller adds to them.
    """

    columns: frozenset[str]
    rows: list[tuple[int, dict[str, str], str]]
    faults: list[Problem]


def _named_rows(
    text: str,
    shown_as: str,
    known: Mapping[str, tuple[str, ...]],
    shapes: Sequence[frozenset[str]],
    allowed: str,
    owner: tuple[str, str],
) -> _Rows:
    """The rows of ``owner``, a column that may be absent and what stands in it.

    Args:
        shapes: sets of columns that the file may have, the owner's apart.

    Raises:
        InputError: other columns.
    """
    rows = _rows(text, shown_as, allowed)
    line, header = rows[0]
    meanings = {name: meaning for meaning, names in known.items() for name in names}
    names = [meanings.get(name.lower(), name.lower()) for name in header]
    if {*names} - {owner[0]} not in shapes or len({*names}) < len(names):
        raise InputError([Problem(shown_as, line, "", "the columns are not known", ", ".join(header), allowed)])
    found = _Rows(frozenset(names), [], [])
    owners: dict[str, None] = {}
    for line, row in rows[1:]:
        cells = dict(zip(names, row, strict=False))
        if len(row) != len(names):
            needed = f"{len(names)} cells, as in the first line"
            found.faults.append(Problem(shown_as, line, "", "the row is ragged", f"{len(row)} cells", needed))
        elif owners.setdefault(cells.get(*owner)) is None and cells.get(*owner) == owner[1]:
            found.rows.append((line, cells, ", ".join(row)))
    if not found.faults and not found.rows:
        message = f"there is no row for the {' '.join(owner)}" if owners else "there is no row below the column names"
        near = nearest(owner[1], owners)
        found.faults.append(Problem(shown_as, None, "", message, None, ", ".join(owners) or None, near))
    return found


def read_dated(path: Path, shown_as: str, timezone: str, queue: str) -> dict[str, dict[str, float | int] | float | int]:
    """Contacts by date and time, or by date, from a CSV file with the columns of :data:`DATED_NAMES`.

    Times are those of the clock on the wall. An hour that a date has twice may have two rows; they are added up.

    Args:
        queue: the rows that count where the file has a column for it.

    Raises:
        InputError: every fault of the file, with its line.
    """
    return _dated(_text(path, shown_as), shown_as, timezone, queue)


@functools.lru_cache(maxsize=16)  # every variant of a scenario asks for it
def _dated(text: str, shown_as: str, timezone: str, queue: str) -> dict[str, dict[str, float | int] | float | int]:
    shapes = (frozenset(("date", "contacts")), frozenset(("date", "time", "contacts")))
    found = _named_rows(text, shown_as, DATED_NAMES, shapes, _DATED_COLUMNS, ("queue", queue))
    table: dict[str, dict[str, float | int]] = {}
    seen: dict[tuple[str, float], list[int]] = {}
    for line, cells, row in found.rows:
        try:
            day = _date(cells["date"])
            second = timegrid.clock_seconds(cells.get("time", "00:00"))
            number = _weight(cells["contacts"])
        except ValueError as error:
            found.faults.append(_unread(shown_as, line, error, row))
            continue
        before = seen.setdefault((day.isoformat(), second), [])
        before.append(line)
        again = len(before) - 1
        if again > 1 or (again and not ("time" in found.columns and timegrid.happens_twice(day, second, timezone))):
            allowed = f"each time once (first on line {before[0]})"
            found.faults.append(Problem(shown_as, line, "", "the row is given twice", row, allowed))
        times = table.setdefault(day.isoformat(), {})
        clock = timegrid.clock(second)
        times[clock] = times.get(clock, 0) + number
    if found.faults:
        raise InputError(found.faults)
    return dict(table) if "time" in found.columns else {day: times["00:00"] for day, times in table.items()}


def read_roster(path: Path, shown_as: str, group: str) -> dict[str, dict[str, int]]:
    """Agents on duty by date (or day name) and time, from a CSV file with the columns of :data:`ROSTER_NAMES`.

    Where the file counts agents, a row holds to the next time of its day, but no longer than the least step between two
    times of the file. Where it names them, each row is a stretch of presence; one that ends before it starts, or at the
    same time, ends on the next day.

    Args:
        group: the rows that count where the file has a column for it.

    Raises:
        InputError: every fault of the file, with its line.
    """
    stays, numbers = _roster(_text(path, shown_as), shown_as, group)
    return _with_ends(numbers) if stays is None else _presence(stays)


def read_roster_of(
    path: Path, shown_as: str, group: str, part_of: Mapping[str, str]
) -> dict[str, dict[str, dict[str, int]]]:
    """The roster of each part of a group, from a CSV file that names agents, as :func:`read_roster`.

    Args:
        part_of: the part of each agent.

    Raises:
        InputError: every fault of the file; agents who are in no part, or not in the file.
    """
    stays, _ = _roster(_text(path, shown_as), shown_as, group)
    if stays is None:
        allowed = "agent, start and end: who they are, since their skills differ"
        raise InputError([Problem(shown_as, None, "", "the roster does not name the agents", None, allowed)])
    there = dict.fromkeys(agent for agent, _ in stays)
    faults = [
        Problem(shown_as, None, "", "the agent is not among the people of the group", a, None, nearest(a, part_of))
        for a in there
        if a not in part_of
    ]
    faults += [
        Problem(shown_as, None, "", "no row of the roster is this agent's", a, None, nearest(a, there))
        for a in part_of
        if a not in there
    ]
    if faults:
        raise InputError(faults)
    whole, tables = _presence(stays), {}
    for part in dict.fromkeys(part_of.values()):
        mine = _presence({at: stretches for at, stretches in stays.items() if part_of[at[0]] == part})
        tables[part] = {day: mine.get(day, {"00:00": 0}) for day in whole}  # on some days others are there
    return tables


_Stays = dict[tuple[str, str], list[tuple[float, float, int]]]


@functools.lru_cache(maxsize=16)
def _roster(text: str, shown_as: str, group: str) -> tuple[_Stays | None, dict[str, dict[float, int]]]:
    """Stretches by agent and day, None where the file counts agents; else their number by day and time."""
    counts, stretches = ("time", "agents"), ("agent", "start", "end")
    shapes = [frozenset((day, *rest)) for day in ("date", "weekday") for rest in (counts, stretches)]
    found = _named_rows(text, shown_as, ROSTER_NAMES, shapes, _ROSTER_COLUMNS, ("group", group))
    named = "agent" in found.columns
    numbers: dict[str, dict[float, int]] = {}
    stays: _Stays = {}
    for line, cells, row in found.rows:
        try:
            days = _days_of(cells)
            if named:
                first, last = (timegrid.clock_seconds(cells[name]) for name in ("start", "end"))
                last += timegrid.DAY_SECONDS if last <= first else 0.0
                for day in days:
                    stays.setdefault((cells["agent"], day), []).append((first, last, line))
                continue
            second, number = timegrid.clock_seconds(cells["time"]), _weight(cells["agents"])
            if number != int(number):
                raise UnitError(f"{cells['agents']!r} is no whole number")
        except ValueError as error:
            found.faults.append(_unread(shown_as, line, error, row))
            continue
        for day in days:
            if second in numbers.setdefault(day, {}):
                found.faults.append(
                    Problem(shown_as, line, "", "the row is given twice", row, "each time of a day once")
                )
            numbers[day][second] = int(number)
    for (agent, day), mine in stays.items():
        mine.sort()
        for (_, last, _), (first, _, line) in itertools.pairwise(mine):
            if first < last:
                message, stretch = "the agent comes before having gone", f"{agent}, {day}, {timegrid.clock(first)}"
                found.faults.append(Problem(shown_as, line, "", message, stretch))
    if found.faults:
        raise InputError(found.faults)
    return (stays if named else None), numbers


def _days_of(cells: Mapping[str, str]) -> list[str]:
    """The date of a row, or the names of the kinds of day that it is for."""
    if "date" in cells:
        return [_date(cells["date"]).isoformat()]
    names = (*timegrid.WEEKDAYS, "holiday")
    return [names[kind] for kind in timegrid.day_kinds(cells["weekday"])]


def _day_after(day: str) -> str:
    if day in timegrid.WEEKDAYS:
        return timegrid.WEEKDAYS[(timegrid.WEEKDAYS.index(day) + 1) % 7]
    return day if day == "holiday" else (dt.date.fromisoformat(day) + dt.timedelta(days=1)).isoformat()


def _presence(stays: Mapping[tuple[str, str], list[tuple[float, float, int]]]) -> dict[str, dict[str, int]]:
    """How many are there, at each time at which somebody comes or goes."""
    changes: dict[str, dict[float, int]] = {}
    for (_, day), mine in stays.items():
        for first, last, _ in mine:
            whole = [(day, first, min(last, timegrid.DAY_SECONDS))]
            if last > timegrid.DAY_SECONDS:
                whole.append((_day_after(day), 0.0, last - timegrid.DAY_SECONDS))
            for on, begin, end in whole:
                of_day = changes.setdefault(on, {})
                of_day[begin] = of_day.get(begin, 0) + 1
                of_day[end] = of_day.get(end, 0) - 1
    table: dict[str, dict[str, int]] = {}
    for day, of_day in changes.items():
        count, table[day] = 0, {}
        for second in sorted(of_day):
            count += of_day[second]
            if second < timegrid.DAY_SECONDS:
                table[day][timegrid.clock(second)] = count
    return table


def _with_ends(numbers: Mapping[str, Mapping[float, int]]) -> dict[str, dict[str, int]]:
    """Nobody is there where no row is: zeros after the last row of a stretch."""
    times = sorted({second for of_day in numbers.values() for second in of_day})
    step = min((b - a for a, b in itertools.pairwise(times)), default=timegrid.DAY_SECONDS)
    table: dict[str, dict[str, int]] = {}
    for day, of_day in numbers.items():
        ends = {second + step: 0 for second in of_day if second + step < timegrid.DAY_SECONDS}
        table[day] = {timegrid.clock(second): count for second, count in sorted({**ends, **of_day}.items())}
    return table


def _unread(shown_as: str, line: int, error: ValueError, row: str) -> Problem:
    message, needed, near = hints(str(error))
    return Problem(shown_as, line, "", message, row, needed, near)


def _date(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text.replace("/", "-"))
    except ValueError:
        raise UnitError(f"{text!r} is no date (write it as 2027-04-01)") from None


def _weight(text: str) -> float | int:
    value, kind = units.parse_scalar(text)
    if kind not in ("number", "share") or value < 0 or not math.isfinite(value):
        raise UnitError(f"{text!r} is no weight (a number, 0 or more)")
    return int(value) if value == int(value) and abs(value) < 1e15 else value
