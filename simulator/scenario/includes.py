"""Files that a scenario names, profiles and accounts as CSV: read in, so that a resolved scenario needs none."""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
from pathlib import Path

from pydantic import ValidationError

from simulator import timegrid, units
from simulator.errors import InputError, Problem, UnitError, nearest
from simulator.scenario.document import shown
from simulator.scenario.faults import hints
from simulator.scenario.schema import Account
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


def _rows(path: Path, shown_as: str, columns: str) -> list[tuple[int, list[str]]]:
    """The rows of a CSV file that hold anything, with the lines that they end on; the names of the columns first.

    Raises:
        InputError: no such file, no CSV, or nothing in it.
    """
    text = decode(content(path, shown_as), shown_as)
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
    """Accounts from a CSV file with the columns ``account``, ``start`` and, if known, ``mrr`` and ``effort``.

    Raises:
        InputError: every fault of the file, with its line.
    """
    columns = "account, start; mrr and effort may be left out"
    rows = _rows(path, shown_as, columns)
    line, header = rows[0]
    names = [name.lower() for name in header]
    if not {"account", "start"} <= set(names) <= {"account", "start", "mrr", "effort"} or len(set(names)) < len(names):
        raise InputError([Problem(shown_as, line, "", "the columns are not known", ", ".join(header), columns)])
    faults: list[Problem] = []
    accounts: list[dict[str, object]] = []
    first: dict[str, int] = {}
    for line, row in rows[1:]:
        if len(row) != len(names):
            found, allowed = f"{len(row)} cells", f"{len(names)} cells, as in the first line"
            faults.append(Problem(shown_as, line, "", "the row is ragged", found, allowed))
            continue
        cells: dict[str, object] = {name: cell for name, cell in zip(names, row, strict=True) if cell}
        try:
            Account.model_validate(cells)
        except ValidationError as error:
            for fault in error.errors():
                name = str(fault["loc"][0])
                message, needed, near = hints(fault["msg"].removeprefix("Value error, "))
                faults.append(Problem(shown_as, line, "", f"{name}: {message}", shown(cells.get(name)), needed, near))
            continue
        name = str(cells["account"])
        if name in first:
            found, allowed = name, f"once (first on line {first[name]})"
            faults.append(Problem(shown_as, line, "", "the account stands twice", found, allowed))
        first.setdefault(name, line)
        # as numbers, so that a resolved scenario reads well
        accounts.append({n: units.number(v) if n in ("mrr", "effort") else v for n, v in cells.items()})
    if not faults and not accounts:
        faults.append(Problem(shown_as, line, "", "there is no row below the column names"))
    if faults:
        raise InputError(faults)
    return accounts


def read_profile(path: Path, shown_as: str) -> dict[str, dict[str, float | int]]:
    """Weights by day name and time from a CSV file with the columns ``time, weight`` or ``weekday, time, weight``.

    Raises:
        InputError: every fault of the file, with its line.
    """
    rows = _rows(path, shown_as, _COLUMNS)
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
_DATED = "date, contacts; beside them time (else a row is a whole day) and queue (where the file holds several)"


def read_dated(path: Path, shown_as: str, timezone: str, queue: str) -> dict[str, dict[str, float | int] | float | int]:
    """Contacts by date and time, or by date, from a CSV file with the columns of :data:`DATED_NAMES`.

    Times are those of the clock on the wall. An hour that a date has twice may have two rows; they are added up.

    Args:
        queue: the rows that count where the file has a column for it.

    Raises:
        InputError: every fault of the file, with its line.
    """
    rows = _rows(path, shown_as, _DATED)
    line, header = rows[0]
    meanings = {name: meaning for meaning, names in DATED_NAMES.items() for name in names}
    names = [meanings.get(name.lower(), name.lower()) for name in header]
    if not {"date", "contacts"} <= set(names) <= set(DATED_NAMES) or len(set(names)) < len(names):
        raise InputError([Problem(shown_as, line, "", "the columns are not known", ", ".join(header), _DATED)])
    faults: list[Problem] = []
    table: dict[str, dict[str, float | int]] = {}
    seen: dict[tuple[str, float], list[int]] = {}
    queues: dict[str, None] = {}
    for line, row in rows[1:]:
        if len(row) != len(names):
            found, allowed = f"{len(row)} cells", f"{len(names)} cells, as in the first line"
            faults.append(Problem(shown_as, line, "", "the row is ragged", found, allowed))
            continue
        cells = dict(zip(names, row, strict=True))
        queues.setdefault(cells.get("queue", queue))
        if cells.get("queue", queue) != queue:
            continue
        try:
            day = _date(cells["date"])
            second = timegrid.clock_seconds(cells.get("time", "00:00"))
            number = _weight(cells["contacts"])
        except ValueError as error:
            message, needed, near = hints(str(error))
            faults.append(Problem(shown_as, line, "", message, ", ".join(row), needed, near))
            continue
        before = seen.setdefault((day.isoformat(), second), [])
        before.append(line)
        if len(before) > 1 + ("time" in names and timegrid.happens_twice(day, second, timezone)):
            found, allowed = ", ".join(row), f"each time once (first on line {before[0]})"
            faults.append(Problem(shown_as, line, "", "the row is given twice", found, allowed))
        times = table.setdefault(day.isoformat(), {})
        clock = timegrid.clock(second)
        times[clock] = times.get(clock, 0) + number
    if not faults and not table:
        message = f"there is no row for the queue {queue}" if queues else "there is no row below the column names"
        known = ", ".join(queues) or None
        faults.append(Problem(shown_as, None, "", message, None, known, nearest(queue, queues)))
    if faults:
        raise InputError(faults)
    return (
        {day: times for day, times in table.items()} if "time" in names else {d: t["00:00"] for d, t in table.items()}
    )


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
