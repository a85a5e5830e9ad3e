"""Quantities as people write them: ``"5 min"``, ``"80 %"``, ``"80% in 20 s"``, ``"6 per min"``.

Times become seconds, shares lie between 0 and 1, calendar lengths become months. A bare number is no duration: a unit
that must be guessed will one day be guessed wrong.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from simulator.errors import UnitError

MINUTE = 60.0
HOUR = 3600.0
DAY = 86400.0

_SECONDS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "秒"), 1.0),
    **dict.fromkeys(("min", "mins", "minute", "minutes", "m", "分"), MINUTE),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours", "時間"), HOUR),
    **dict.fromkeys(("d", "day", "days", "日"), DAY),
    **dict.fromkeys(("w", "week", "weeks", "週間", "週"), 7 * DAY),
}
_MONTHS = {
    **dict.fromkeys(("month", "months", "mo", "か月", "ヶ月"), 1.0),
    **dict.fromkeys(("quarter", "quarters", "四半期"), 3.0),
    **dict.fromkeys(("year", "years", "y", "年"), 12.0),
    **dict.fromkeys(("week", "weeks"), 12.0 * 7 / 365.25),
    **dict.fromkeys(("day", "days"), 12.0 / 365.25),
}
_NUMBER = r"[-+]?(?:\d[\d_]*\.?[\d_]*|\.\d+)(?:[eE][-+]?\d+)?"
_QUANTITY = re.compile(rf"^\s*({_NUMBER})\s*([^\d\s.].*?)?\s*$")


def _split(text: object, kind: str, example: str) -> tuple[float, str]:
    match = _QUANTITY.match(str(text)) if isinstance(text, str | int | float) and not isinstance(text, bool) else None
    if match is None:
        raise UnitError(f"{text!r} is no {kind} (write it as {example})")
    value = float(match[1].replace("_", ""))
    if not math.isfinite(value):
        raise UnitError(f"{text!r} is no finite {kind}")
    return value, (match[2] or "").strip().lower()


def number(text: object) -> float:
    """A plain number, given as one or as text such as ``"900_000"``."""
    value, unit = _split(text, "number", "900_000")
    if unit:
        raise UnitError(f"{text!r} carries the unit {unit!r} where a plain number is meant")
    return value


def _convert(text: object, kind: str, example: str, scale: dict[str, float]) -> float:
    value, unit = _split(text, kind, example)
    if not unit and value != 0:
        raise UnitError(f"{text!r} has no unit (write {kind}s as {example})")
    if unit and unit not in scale:
        raise UnitError(f"{unit!r} is no unit of a {kind} (write it as {example})")
    if value < 0:
        raise UnitError(f"{text!r} is negative")
    return value * scale.get(unit, 1.0)


def seconds(text: object) -> float:
    """A duration in seconds: ``seconds("1.5 min") == 90.0``. A day is 24 hours, a week 7 days."""
    return _convert(text, "duration", "'5 min', '90 s' or '2 h'", _SECONDS)


def months(text: object) -> float:
    """A calendar length in months: ``months("1 quarter") == 3.0``."""
    return _convert(text, "calendar length", "'2 months' or '1 quarter'", _MONTHS)


def share(text: object) -> float:
    """A share between 0 and 1, from ``0.8`` or ``"80 %"``."""
    value, unit = _split(text, "share", "'80 %' or 0.8")
    if unit not in ("", "%", "％"):
        raise UnitError(f"{unit!r} is no unit of a share (write it as '80 %' or 0.8)")
    value = round(value / 100.0, 15) if unit else value
    if not 0.0 <= value <= 1.0:
        hint = f" (did you mean '{value:g} %'?)" if not unit and 1.0 < value <= 100.0 else ""
        raise UnitError(f"{text!r} is outside 0 to 1{hint}")
    return value


def rate(text: object) -> float:
    """A rate per second, from ``"6 per min"`` or ``"360 / h"``."""
    match = re.match(rf"^\s*({_NUMBER})\s*(?:per|/)\s*(.+?)\s*$", str(text))
    if match is None or match[2].lower() not in _SECONDS:
        raise UnitError(f"{text!r} is no rate (write it as '6 per min')")
    value = float(match[1].replace("_", ""))
    if not 0 <= value < math.inf:
        raise UnitError(f"{text!r} is negative" if value < 0 else f"{text!r} is no finite rate")
    return value / _SECONDS[match[2].lower()]


@dataclass(frozen=True)
class ServiceLevel:
    """``share`` of contacts answered ``within`` so many seconds."""

    share: float
    within: float

    @classmethod
    def parse(cls, text: object) -> ServiceLevel:
        """Read ``"80% in 20 s"``."""
        match = re.match(r"^\s*(.+?)\s+(?:in|within|/)\s+(.+?)\s*$", str(text))
        if match is None:
            raise UnitError(f"{text!r} is no service level (write it as '80% in 20 s')")
        return cls(share(match[1]), seconds(match[2]))

    def __str__(self) -> str:
        return f"{format_share(self.share)} in {format_seconds(self.within)}"


def _plain(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def format_seconds(value: float) -> str:
    """The shortest exact text that :func:`seconds` reads back as the same value."""
    for unit, size in (("h", HOUR), ("min", MINUTE)):
        if value and value == int(value) and value % size == 0:
            return f"{_plain(value / size)} {unit}"
    return f"{_plain(value)} s"


def format_months(value: float) -> str:
    """Text that :func:`months` reads back as the same value."""
    return f"{_plain(value)} {'month' if value == 1 else 'months'}"


def format_share(value: float) -> str:
    """Text in percent that :func:`share` reads back as the same value."""
    percent = round(value * 100.0, 12)
    text = f"{_plain(percent)}%"
    return text if share(text) == value else repr(value)


def counted(number: int, noun: str) -> str:
    """``1 row``, ``1,623 rows``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def format_rate(value: float) -> str:
    """Text that :func:`rate` reads back as the same value."""
    return f"{_plain(value)} per s"


def parse_scalar(text: object) -> tuple[float, str]:
    """Value and unit of any quantity in its base (seconds, months, share), for laws over scalars whose kind is open.

    Returns:
        The value and the kind: ``"number"``, ``"share"``, ``"duration"`` or ``"length"`` (months). Months win over
        seconds only for units that have no fixed number of seconds.
    """
    value, unit = _split(text, "quantity", "'5 min', '80 %' or 3.5")
    if not unit:
        return value, "number"
    if unit in ("%", "％"):
        return round(value / 100.0, 15), "share"
    if unit in _SECONDS:
        return value * _SECONDS[unit], "duration"
    if unit in _MONTHS:
        return value * _MONTHS[unit], "length"
    raise UnitError(f"{unit!r} is no unit known here")


def format_scalar(value: float, kind: str) -> str | float:
    """The inverse of :func:`parse_scalar`."""
    if kind == "duration":
        return format_seconds(value)
    if kind == "length":
        return format_months(value)
    return value
