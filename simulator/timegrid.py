"""Calendars as arrays: the only place that knows how long a day is.

Two clocks. The *elapsed clock* of the support wing counts seconds since local midnight of the first day; a day has 23,
24 or 25 hours as the time zone says. The *business clock* of the success wing counts whole working seconds of a team:
its days are laid end to end, so a night between two working days takes no time.
"""

from __future__ import annotations

import calendar as _calendar
import dataclasses
import datetime as dt
import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_SECONDS = 86400.0
HOUR_SECONDS = 3600.0
YEARS = (1970, 2199)
"""First and last year of any date, in a scenario or a log."""


@dataclass(frozen=True, eq=False)
class TimeGrid:
    """The horizon cut into months, days and intervals.

    Attributes (D days, I intervals, M months):
        dates: datetime64[D], the local dates.
        ordinal: int64 (D,), proleptic day numbers, for keys that outlive the horizon.
        day_start: float64 (D + 1,), elapsed seconds at local midnight; last entry is the end.
        weekday: int64 (D,), Monday 0.
        holiday: bool (D,).
        month_of_day: int64 (D,).
        month_day: int64 (M + 1,), first day of each month; last entry D.
        month_labels: M labels such as ``"2027-04"``.
        quarter_of_month: int64 (M,), quarters counted from the first month.
        interval: nominal length in seconds.
        interval_start: float64 (I + 1,), elapsed seconds; last entry is the end.
        interval_day, interval_slot: int64 (I,), day and wall-clock slot (0 at midnight) of each interval.
        month_interval: int64 (M + 1,), first interval of each month; last entry I.
    """

    start: dt.date
    timezone: str
    dates: NDArray[np.datetime64]
    ordinal: NDArray[np.int64]
    day_start: NDArray[np.float64]
    weekday: NDArray[np.int64]
    holiday: NDArray[np.bool_]
    month_of_day: NDArray[np.int64]
    month_day: NDArray[np.int64]
    month_labels: tuple[str, ...]
    quarter_of_month: NDArray[np.int64]
    interval: float
    interval_start: NDArray[np.float64]
    interval_day: NDArray[np.int64]
    interval_slot: NDArray[np.int64]
    month_interval: NDArray[np.int64]

    @property
    def days(self) -> int:
        return len(self.dates)

    @property
    def months(self) -> int:
        return len(self.month_labels)

    @property
    def intervals(self) -> int:
        return len(self.interval_day)

    @property
    def slots_per_day(self) -> int:
        """Wall-clock slots of an ordinary day."""
        return round(DAY_SECONDS / self.interval)

    def month_end(self, month: int) -> float:
        """Elapsed seconds at the end of a month."""
        return float(self.day_start[self.month_day[month + 1]])

    def day_kind(self) -> NDArray[np.int64]:
        """Weekday 0 to 6, or 7 for a public holiday, per day: days of one kind are exchangeable."""
        return np.where(self.holiday, 7, self.weekday)

    def open_intervals(self, hours: Mapping[str, object]) -> NDArray[np.bool_]:
        """Which intervals lie inside weekly opening hours, shape (I,). See :func:`open_slots`."""
        table = open_slots(hours, self.interval)
        return table[self.day_kind()[self.interval_day], self.interval_slot]


def parse_hours(hours: Mapping[str, object]) -> dict[int, list[tuple[float, float]]]:
    """Weekly hours as seconds after midnight by day kind.

    Args:
        hours: day names (``mon-fri``, ``sat``, ``daily``, ``holiday``) to ``"09:00-18:00"``, a comma-separated list
            of those, or ``closed``. A public holiday is closed unless ``holiday`` is given (``daily`` includes it).

    Raises:
        ValueError: a day or a time that cannot be read, or an end before its start.
    """
    table: dict[int, list[tuple[float, float]]] = {}
    for key, value in hours.items():
        spans = [] if str(value) == "closed" else [_span(part) for part in str(value).split(",")]
        for kind in day_kinds(str(key)):
            table[kind] = spans
    return table


def day_kinds(text: str) -> list[int]:
    """Day kinds (weekday 0 to 6, holiday 7) of a day name such as ``mon``, ``mon-fri``, ``daily`` or ``holiday``."""
    kinds: list[int] = []
    for part in text.replace(" ", "").lower().split(","):
        if part == "daily":
            kinds += range(8)
        elif part == "holiday":
            kinds.append(7)
        elif "-" in part:
            first, _, last = part.partition("-")
            a, b = WEEKDAYS.index(_weekday(first)), WEEKDAYS.index(_weekday(last))
            kinds += [(a + i) % 7 for i in range((b - a) % 7 + 1)]
        else:
            kinds.append(WEEKDAYS.index(_weekday(part)))
    return kinds


def _weekday(name: str) -> str:
    if name[:3] in WEEKDAYS and name in (*WEEKDAYS, *(d.lower() for d in _calendar.day_name)):
        return name[:3]
    raise ValueError(f"{name!r} is no day (write mon, tue, ..., 'mon-fri', 'daily' or 'holiday')")


def _span(text: str) -> tuple[float, float]:
    first, dash, last = text.strip().partition("-")
    if not dash:
        raise ValueError(f"{text!r} is no span of hours (write it as '09:00-18:00')")
    start, end = clock_seconds(first), clock_seconds(last)
    if end <= start:
        raise ValueError(f"{text!r} ends before it starts (cut hours past midnight at 24:00)")
    return start, end


@functools.lru_cache(maxsize=4096)  # a long table has the same few times every day
def clock_seconds(text: str) -> float:
    """``"09:30"`` as seconds after midnight, up to ``"24:00"``."""
    try:
        hour, minute = (int(part) for part in text.strip().split(":"))
    except ValueError:
        raise ValueError(f"{text!r} is no time of day (write it as '09:00')") from None
    value = hour * 3600.0 + minute * 60.0
    if not (0 <= minute < 60 and 0 <= value <= DAY_SECONDS):
        raise ValueError(f"{text!r} is no time of day (00:00 to 24:00)")
    return value


@functools.lru_cache(maxsize=4096)
def clock(second: float) -> str:
    """Seconds after midnight as ``"09:30"``."""
    return f"{int(second // 3600):02d}:{int(second % 3600 // 60):02d}"


def open_slots(hours: Mapping[str, object], interval: float) -> NDArray[np.bool_]:
    """Open wall-clock slots, shape (8 day kinds, slots of a day); a slot is open when its start is inside the hours."""
    slots = round(DAY_SECONDS / interval)
    start = np.arange(slots) * interval
    table = np.zeros((8, slots), dtype=bool)
    for kind, spans in parse_hours(hours).items():
        for first, last in spans:
            table[kind] |= (start >= first) & (start < last)
    return table


def opening_kinds(hours: Mapping[str, object]) -> tuple[bool, ...]:
    """Which of the 8 kinds of day (weekday 0 to 6, holiday 7) have opening hours. See :func:`parse_hours`."""
    table = parse_hours(hours)
    return tuple(bool(table.get(kind)) for kind in range(8))


def add_months(date: dt.date, months: int) -> dt.date:
    """The same day ``months`` later, or the month's last day where it has none such."""
    year, month = divmod(date.year * 12 + date.month - 1 + months, 12)
    return dt.date(year, month + 1, min(date.day, _calendar.monthrange(year, month + 1)[1]))


def build(
    start: dt.date,
    months: int | None,
    days: int | None,
    timezone: str,
    holidays: str | None,
    interval: float,
    extra_holidays: tuple[dt.date, ...] = (),
) -> TimeGrid:
    """The grid of a horizon of whole ``months`` (or of ``days``, which count as one month).

    Every call gives arrays of its own. (Shared ones would have to be read-only, another type to the compiler.)

    Args:
        holidays: country code of the ``holidays`` package (``"JP"``, ``"US-CA"``), or None.
        interval: seconds; must divide a day.
    """
    made = _built(start, months, days, timezone, holidays, interval, extra_holidays)
    values: dict[str, Any] = {}
    for field in dataclasses.fields(made):
        value = getattr(made, field.name)
        values[field.name] = value.copy() if isinstance(value, np.ndarray) else value
    return TimeGrid(**values)


@functools.lru_cache(maxsize=64)
def _built(
    start: dt.date,
    months: int | None,
    days: int | None,
    timezone: str,
    holidays: str | None,
    interval: float,
    extra_holidays: tuple[dt.date, ...],
) -> TimeGrid:
    if interval <= 0 or DAY_SECONDS % interval:
        raise ValueError(f"an interval of {interval} s does not divide a day")
    end = add_months(start, months) if months is not None else start + dt.timedelta(days=int(days or 1))
    dates = [start + dt.timedelta(days=i) for i in range((end - start).days)]
    fence = [add_months(start, m) for m in range((months or 0) + 1)] if months is not None else [start, end]
    month_day = np.array([(d - start).days for d in fence], dtype=np.int64)
    zone = ZoneInfo(timezone)
    stamp = [_utc(d, zone) for d in [*dates, end]]
    day_start = np.array([s - stamp[0] for s in stamp])
    starts: list[NDArray[np.float64]] = []
    interval_day: list[NDArray[np.int64]] = []
    slots: list[NDArray[np.int64]] = []
    for i in range(len(dates)):
        length = day_start[i + 1] - day_start[i]
        offset = np.arange(0.0, length, interval)
        starts.append(day_start[i] + offset)
        interval_day.append(np.full(offset.size, i))
        even = length == DAY_SECONDS
        wall = offset if even else np.array([_wall_seconds(stamp[i] + o, zone) for o in offset])
        slots.append((wall // interval).astype(np.int64))
    per_day = np.array([len(s) for s in starts], dtype=np.int64)
    first_interval = np.concatenate([[0], np.cumsum(per_day)])
    months_count = len(month_day) - 1
    month_of_day = np.searchsorted(month_day, np.arange(len(dates)), side="right") - 1
    labels = tuple(add_months(start, m).strftime("%Y-%m") for m in range(months_count))
    free = holiday_dates(holidays, start, end) | set(extra_holidays)
    return TimeGrid(
        start=start,
        timezone=timezone,
        dates=np.array(dates, dtype="datetime64[D]"),
        ordinal=np.array([d.toordinal() for d in dates], dtype=np.int64),
        day_start=day_start,
        weekday=np.array([d.weekday() for d in dates], dtype=np.int64),
        holiday=np.array([d in free for d in dates], dtype=bool),
        month_of_day=month_of_day.astype(np.int64),
        month_day=month_day,
        month_labels=labels,
        quarter_of_month=np.arange(months_count, dtype=np.int64) // 3,
        interval=interval,
        interval_start=np.concatenate([*starts, day_start[-1:]]),
        interval_day=np.concatenate(interval_day).astype(np.int64),
        interval_slot=np.concatenate(slots),
        month_interval=first_interval[month_day],
    )


def _utc(date: dt.date, zone: ZoneInfo) -> float:
    return dt.datetime.combine(date, dt.time(), tzinfo=zone).timestamp()


def _wall_seconds(stamp: float, zone: ZoneInfo) -> float:
    local = dt.datetime.fromtimestamp(stamp, tz=zone)
    return local.hour * 3600.0 + local.minute * 60.0 + local.second


def happens_twice(date: dt.date, second: float, timezone: str) -> bool:
    """Whether clocks are set back over a time of day, so that the date has it twice."""
    time = dt.datetime.combine(date, dt.time()) + dt.timedelta(seconds=second)
    first, again = (time.replace(tzinfo=ZoneInfo(timezone), fold=fold) for fold in (0, 1))
    return (first.utcoffset() or dt.timedelta()) > (again.utcoffset() or dt.timedelta())


def holiday_dates(code: str | None, start: dt.date, end: dt.date) -> set[dt.date]:
    """Public holidays of a country (``"JP"``) or subdivision (``"US-CA"``) from ``start`` to before ``end``."""
    if code is None:
        return set()
    import holidays as library

    country, _, subdivision = code.partition("-")
    try:
        table = library.country_holidays(country, subdiv=subdivision or None, years=range(start.year, end.year + 1))
    except NotImplementedError as error:
        raise ValueError(str(error)) from None
    return {day for day in table if start <= day < end}


@dataclass(frozen=True, eq=False)
class BusinessClock:
    """Working time of a team laid end to end, in whole seconds.

    Attributes (B business days, which are days with working time):
        day: int64 (B,), the horizon day of each business day.
        start: int64 (B + 1,), business second at which each business day opens; last entry is the end.
        open_second: int64 (B,), local opening time of each business day, seconds after midnight.
        first_from_day: int64 (D + 1,), the first business day on or after each horizon day (B when none).
    """

    day: NDArray[np.int64]
    start: NDArray[np.int64]
    open_second: NDArray[np.int64]
    first_from_day: NDArray[np.int64]

    def at_day(self, day: int) -> int:
        """Business second at which the first business day on or after a horizon day opens."""
        return int(self.start[self.first_from_day[min(max(day, 0), len(self.first_from_day) - 1)]])

    def after_day(self, day: int) -> int:
        """Business second at which all working time up to and including a horizon day is over."""
        return self.at_day(day + 1)


def business_clock(
    grid: TimeGrid, day_length: Mapping[int, tuple[int, int]], extra_days: Iterable[int] = ()
) -> BusinessClock:
    """The business clock of a team.

    Args:
        day_length: day kind (weekday 0 to 6, 7 for holidays) to (opening second after midnight, working seconds).
        extra_days: horizon days on which the team does not work (company closing days).
    """
    kind = grid.day_kind()
    closed = set(extra_days)
    day = [d for d in range(grid.days) if kind[d] in day_length and day_length[int(kind[d])][1] > 0 and d not in closed]
    seconds = np.array([day_length[int(kind[d])][1] for d in day], dtype=np.int64)
    index = np.array(day, dtype=np.int64)
    return BusinessClock(
        day=index,
        start=np.concatenate([[0], np.cumsum(seconds)]).astype(np.int64),
        open_second=np.array([day_length[int(kind[d])][0] for d in day], dtype=np.int64),
        first_from_day=np.searchsorted(index, np.arange(grid.days + 1)).astype(np.int64),
    )
