"""The frozen scenario: what may be written, in which unit, and what it means.

Every type here is immutable and refuses unknown keys. Rules that concern one value stand at its field; rules between
parts of the document (a queue nobody serves, an escalation loop) stand in :mod:`simulator.scenario.rules`.
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import re
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    PlainValidator,
    Strict,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from simulator import distributions, timegrid, units
from simulator.distributions import Law
from simulator.errors import ParameterError, UnitError, ValueRefused, nearest

NAME = re.compile(r"[^\W\d][\w-]*")
"""What a name may be: letters of any script, digits, ``_`` and ``-``, no digit or ``-`` first."""


def default(value: object, description: str | None = None) -> Any:
    """The default of a field, as a user would write it (it is read like any other value)."""
    return Field(value, description=description)


# --- scalars with units --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Quantity:
    """How a scalar is read, written and explained. Stands in the type of a field.

    Attributes:
        read: text or number to the value in its base unit; raises UnitError.
        write: the value as the text or number that ``read`` reads back as the same value.
        allowed: what a user may write, in words.
        example: one such text.
        whole: the value is a whole number.
        forms: the JSON types it may be written as.
    """

    read: Callable[[object], float]
    write: Callable[[Any], object]
    allowed: str
    example: object
    whole: bool = False
    forms: tuple[str, ...] = ("string", "number")

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(
            self.read, handler(source), serialization=core_schema.plain_serializer_function_ser_schema(self.write)
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        if self.forms == ("number",):
            return {**handler(schema), "format": "quantity"}
        return {"type": list(self.forms), "format": "quantity", "examples": [self.example]}


def plain_number(value: float) -> float | int:
    """A whole value as int, so that 3.0 is written as 3."""
    return int(value) if value == int(value) and abs(value) < 1e15 else value


def _non_negative(text: object) -> float:
    value = units.number(text)
    if value < 0:
        raise UnitError(f"{text!r} is negative")
    return value


def _whole(text: object) -> int:
    value = units.number(text)
    if value != int(value):
        raise UnitError(f"{text!r} is no whole number")
    return int(value)


def _growth(text: object) -> float:
    value, kind = units.parse_scalar(text)
    if kind not in ("number", "share") or value <= -1:
        raise UnitError(f"{text!r} is no growth (write it as '5 %', '-3 %' or 0.05)")
    return value


def _days(word: str, plural: str) -> Quantity:
    def read(value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and value == 0:
            return 0
        match = re.fullmatch(rf"\s*(\d{{1,5}})\s*{word}s?\s*", str(value))
        weeks = re.fullmatch(r"\s*(\d{1,4})\s*weeks?\s*", str(value)) if word == "day" else None
        if match is None and weeks is None:
            raise UnitError(f"{value!r} is no number of {plural} (write it as '5 {plural}')")
        return int(match[1]) if match else 7 * int(weeks[1])  # type: ignore[index]

    return Quantity(
        read,
        lambda n: f"{n} {plural}" if n != 1 else f"1 {word}",
        f"a number of {plural}, such as '5 {plural}'",
        f"5 {plural}",
        whole=True,
        forms=("string",),
    )


DURATION = Quantity(units.seconds, units.format_seconds, "a duration such as '90 s', '5 min' or '2 h'", "5 min")
LENGTH = Quantity(units.months, units.format_months, "a calendar length such as '2 months' or '1 quarter'", "2 months")
SHARE = Quantity(units.share, units.format_share, "a share, 0% to 100% (or 0 to 1)", "80 %")
AMOUNT = Quantity(_non_negative, plain_number, "a number, 0 or more", 1.5)
NUMBER = Quantity(units.number, plain_number, "a number", 1.5, forms=("number",))
WHOLE = Quantity(_whole, int, "a whole number", 12, whole=True, forms=("number",))

Seconds = Annotated[float, DURATION]
Months = Annotated[float, LENGTH]
Share = Annotated[float, SHARE]
Rate = Annotated[
    float, Quantity(units.rate, units.format_rate, "a rate such as '6 per min'", "6 per min", forms=("string",))
]
Amount = Annotated[float, AMOUNT]
Spread = Annotated[float, Field(le=distributions.MOST_SPREAD), AMOUNT]
Money = Annotated[float, Quantity(_non_negative, plain_number, "an amount of money, 0 or more", 4_200_000)]
Growth = Annotated[float, Quantity(_growth, plain_number, "a yearly growth such as '5 %' or '-3 %'", "5 %")]
Days = Annotated[int, _days("day", "days")]
WorkingDays = Annotated[int, _days("working day", "working days")]
Flag = Annotated[bool, Strict()]


def _service_level(text: object) -> units.ServiceLevel:
    try:
        return text if isinstance(text, units.ServiceLevel) else units.ServiceLevel.parse(text)
    except UnitError as error:
        raise UnitError(str(error), allowed="a share within a time, such as '80% in 20 s'") from None


ServiceLevel = Annotated[
    units.ServiceLevel,
    BeforeValidator(_service_level),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "examples": ["80% in 20 s"]}),
]


# --- laws -----------------------------------------------------------------------------------------------------------

LAW_PARAMETERS: dict[str, tuple[str, ...]] = {
    "deterministic": ("value",),
    "exponential": ("mean",),
    "gamma": ("mean", "cv", "shape"),
    "lognormal": ("mean", "cv", "median", "sigma"),
    "weibull": ("mean", "cv", "shape", "scale"),
    "uniform": ("low", "high"),
    "triangular": ("low", "mode", "high"),
    "hyperexponential": ("probabilities", "means"),
    "empirical": ("values",),
}
"""Families of laws and the parameters each may take; any of them takes ``zero``, the probability of exactly 0."""

LIST_PARAMETERS = ("probabilities", "means", "values")
_PLAIN_PARAMETERS = ("cv", "shape", "sigma")


@dataclass(frozen=True)
class LawSpec:
    """A law as the scenario gives it. ``law`` is the law itself; the parameters stay as written, so that a resolved
    scenario reads back equal."""

    family: str
    parameters: tuple[tuple[str, float | tuple[float, ...]], ...]
    zero: float = 0.0
    quantity: Quantity = DURATION

    @functools.cached_property
    def law(self) -> Law:
        make = getattr(distributions, self.family)
        law: Law = make(**dict(self.parameters))
        return distributions.with_zero(law, self.zero) if self.zero else law

    @property
    def mean(self) -> float:
        return self.law.mean

    def document(self) -> Any:
        """The law as plain data for a resolved scenario."""
        body: dict[str, Any] = {}
        for name, value in self.parameters:
            write = law_parameter(name, self.quantity).write
            body[name] = [write(v) for v in value] if isinstance(value, tuple) else write(value)
        if self.zero:
            body["zero"] = SHARE.write(self.zero)
        return canonical_law({self.family: body})


def law_parameter(name: str, quantity: Quantity) -> Quantity:
    """The quantity of a law's parameter (of one entry, where it is a list) in a law of ``quantity``."""
    return SHARE if name in ("zero", "probabilities") else AMOUNT if name in _PLAIN_PARAMETERS else quantity


def canonical_law(value: Any) -> Any:
    """A law in its one long form: a scalar for a constant, else ``{family: {parameter: value}}``.

    The short forms ``{exponential: 3 min}``, ``{triangular: [1, 2, 4]}`` and ``{empirical: [...]}`` are written out;
    what is no law stays as it is.
    """
    if not isinstance(value, Mapping) or len(value) != 1:
        return value
    family, body = next(iter(value.items()))
    names = LAW_PARAMETERS.get(family) if isinstance(family, str) else None
    if names is None:
        return value
    if isinstance(body, list | tuple):
        if family in ("triangular", "uniform") and len(body) == len(names):
            body = dict(zip(names, body, strict=True))
        elif family == "empirical":
            body = {"values": body}
    elif (not isinstance(body, Mapping) or "uncertain" in body) and (len(names) == 1 or names[0] == "mean"):
        body = {names[0]: body}
    if family == "deterministic" and isinstance(body, Mapping) and list(body) == ["value"]:
        return body["value"]
    return {family: body}


@dataclass(frozen=True)
class LawOf:
    """A field that takes a law of ``quantity``."""

    quantity: Quantity
    example: object = field(hash=False)

    def read(self, value: object) -> LawSpec:
        """The law of plain data."""
        if isinstance(value, LawSpec):
            return value
        value = canonical_law(value)
        if not isinstance(value, Mapping):
            return LawSpec("deterministic", (("value", self.quantity.read(value)),), quantity=self.quantity)
        if len(value) != 1:
            raise UnitError(f"a law has one family, not {len(value)}: {', '.join(map(str, value))}")
        family, body = next(iter(value.items()))
        if family not in LAW_PARAMETERS:
            raise UnitError(
                f"unknown law {family!r}",
                where=(str(family),),
                allowed=", ".join(LAW_PARAMETERS),
                nearest=nearest(str(family), LAW_PARAMETERS),
            )
        names = LAW_PARAMETERS[family]
        if not isinstance(body, Mapping):
            raise UnitError(
                f"{family} takes {', '.join(names)}", where=(family,), allowed=f"a mapping of {', '.join(names)}"
            )
        zero = 0.0
        parameters: list[tuple[str, float | tuple[float, ...]]] = []
        for name, item in body.items():
            if name not in (*names, "zero"):
                raise UnitError(
                    f"{family} has no parameter {name!r}",
                    where=(family, str(name)),
                    allowed=", ".join((*names, "zero")),
                    nearest=nearest(str(name), (*names, "zero")),
                )
            quantity = law_parameter(name, self.quantity)
            if name == "zero":
                zero = _read_at((family, name), quantity, item)
            elif name not in LIST_PARAMETERS:
                parameters.append((name, _read_at((family, name), quantity, item)))
            elif isinstance(item, list | tuple):
                values = tuple(_read_at((family, name, i), quantity, v) for i, v in enumerate(item))
                parameters.append((name, values))
            else:
                raise UnitError(f"{family}.{name} must be a list", where=(family, name), allowed="a list")
        spec = LawSpec(family, tuple(parameters), zero, self.quantity)
        try:
            _ = spec.law
        except ParameterError as error:
            raise UnitError(str(error), where=(family,)) from None
        except TypeError:
            missing = ", ".join(name for name in names if name not in body)
            raise UnitError(f"{family} lacks {missing}", where=(family,), allowed=", ".join(names)) from None
        return spec

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.read, serialization=core_schema.plain_serializer_function_ser_schema(lambda spec: spec.document())
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"format": "law", "examples": [self.example]}


def law_json() -> dict[str, Any]:
    """The JSON Schema of a law in any of its forms, quantities marked as such."""
    scalar = {"type": ["string", "number"], "format": "quantity"}
    several = {"type": "array", "items": scalar}
    families = {}
    for family, names in LAW_PARAMETERS.items():
        parameters = {name: several if name in LIST_PARAMETERS else scalar for name in (*names, "zero")}
        body = {"type": "object", "additionalProperties": False, "properties": parameters}
        families[family] = {"anyOf": [scalar, several, body]}
    law = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": families,
    }
    return {"anyOf": [scalar, law]}


def _read_at(where: tuple[str | int, ...], quantity: Quantity, value: object) -> float:
    try:
        return quantity.read(value)
    except UnitError as error:
        allowed = error.allowed or quantity.allowed
        raise UnitError(str(error), where=where, allowed=allowed, nearest=error.nearest) from None


DurationLaw = Annotated[LawSpec, LawOf(DURATION, {"lognormal": {"mean": "5 min", "cv": 0.8}})]
MonthsLaw = Annotated[LawSpec, LawOf(LENGTH, {"triangular": ["1 month", "2 months", "4 months"]})]
MoneyLaw = Annotated[LawSpec, LawOf(AMOUNT, {"lognormal": {"mean": 900_000, "cv": 0.6}})]


# --- shapes over time ------------------------------------------------------------------------------------------------


def canonical_hours(value: Any) -> Any:
    """``always`` written out."""
    return {"daily": "00:00-24:00"} if value == "always" else value


def _hours(value: object) -> dict[str, str]:
    value = canonical_hours(value)
    if not isinstance(value, Mapping) or not value:
        raise UnitError(
            "hours are a mapping of days to spans", allowed="a mapping such as {mon-fri: '09:00-18:00'}, or always"
        )
    for day, spans in value.items():
        try:
            timegrid.parse_hours({str(day): spans})
        except ValueError as error:
            raise UnitError(str(error), where=(str(day),), allowed="days and hours as mon-fri: '09:00-18:00'") from None
    return {str(day): str(spans) for day, spans in value.items()}


Hours = Annotated[
    dict[str, str],
    BeforeValidator(_hours),
    WithJsonSchema(
        {
            "anyOf": [{"const": "always"}, {"type": "object", "additionalProperties": {"type": "string"}}],
            "examples": [{"mon-fri": "09:00-18:00"}],
        }
    ),
]


def canonical_profile(value: Any) -> Any:
    """A flat mapping of times holds for every day."""
    if (
        isinstance(value, Mapping)
        and value
        and not any(isinstance(row, Mapping) and "uncertain" not in row for row in value.values())
    ):
        return {"daily": dict(value)}
    return value


def _profile(value: object) -> dict[str, dict[str, float]]:
    """Weights by day name and time."""
    value = canonical_profile(value)
    if not isinstance(value, Mapping) or not value:
        raise UnitError(
            "a profile is a CSV file or a mapping of times to weights",
            allowed="the name of a CSV file, or a mapping such as {'09:00': 1.2, '09:30': 1.4}",
        )
    table: dict[str, dict[str, float]] = {}
    for day, row in value.items():
        try:
            timegrid.parse_hours({str(day): "closed"})
        except ValueError as error:
            raise UnitError(str(error), where=(str(day),)) from None
        if not isinstance(row, Mapping):
            raise UnitError(f"the profile of {day!r} must map times to weights", where=(str(day),))
        seen: set[float] = set()
        table[str(day)] = {}
        for time, weight in row.items():
            where = (str(day), str(time))
            try:
                second = timegrid.clock_seconds(str(time))
            except ValueError as error:
                raise UnitError(str(error), where=where) from None
            if second in seen:
                raise UnitError(f"the time {time!r} is given twice", where=where)
            seen.add(second)
            table[str(day)][str(time)] = _read_at(where, AMOUNT, weight)
    if not any(weight > 0 for row in table.values() for weight in row.values()):
        raise UnitError("every weight of the profile is 0")
    return table


Profile = Annotated[
    dict[str, dict[str, float]],
    BeforeValidator(_profile),
    WithJsonSchema(
        {"type": ["string", "object"], "examples": ["data/phone_profile.csv", {"09:00": 1.0, "09:30": 1.4}]}
    ),
]
"""Weights by day name and time (a CSV file or a mapping); a weight holds until the next time of its day."""


@dataclass(frozen=True)
class DayTable:
    """Numbers by day and time of day.

    Attributes:
        rows: ``(day, ((time, number), ...))`` with dates such as 2027-04-01 (or day names such as mon-fri, where these
            are taken) and times such as 09:30, in order.
    """

    rows: tuple[tuple[str, tuple[tuple[str, float], ...]], ...]

    @functools.cached_property
    def times(self) -> tuple[float, ...]:
        """The times of day at which rows begin, each once, in seconds after midnight."""
        return tuple(sorted({timegrid.clock_seconds(time) for _, row in self.rows for time, _ in row}))

    @functools.cached_property
    def length(self) -> float:
        """Seconds that a row lasts: the least step between times of the day, a whole day where all are midnight."""
        steps = [b - a for a, b in itertools.pairwise(self.times)]
        return min(steps, default=timegrid.DAY_SECONDS)

    @property
    def by_day(self) -> bool:
        """One number for each date."""
        return self.times == (0.0,)

    @functools.lru_cache(maxsize=64)  # noqa: B019 - one table serves every draw of a scenario's other inputs
    def on(self, grid: timegrid.TimeGrid) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The numbers on a time grid, in bins of equal length, of the rows or of the grid's intervals if these are
        longer.

        Returns:
            totals: float64 (bins of all days,), the sum of the rows that begin in each bin, NaN where none does.
            bin: int64 (I,), the bin of each interval by its wall clock: an hour that a day has twice is one bin.
        """
        length = max(self.length, grid.interval)
        per_day = int(timegrid.DAY_SECONDS // length)
        totals = np.full(grid.days * per_day, np.nan)
        for date, row in self.rows:
            day = (dt.date.fromisoformat(date) - grid.start).days
            if 0 <= day < grid.days:
                for time, value in row:
                    place = day * per_day + int(timegrid.clock_seconds(time) // length)
                    totals[place] = value + (0.0 if np.isnan(totals[place]) else totals[place])
        within = np.minimum(grid.interval_slot * grid.interval // length, per_day - 1)
        return totals, (grid.interval_day * per_day + within).astype(np.int64)

    @functools.lru_cache(maxsize=64)  # noqa: B019
    def held_on(self, grid: timegrid.TimeGrid) -> NDArray[np.float64]:
        """The number at the start of each interval, float64 (I,): a number holds until the next time of its day, before
        the first it is 0. A date's own row goes before that of its kind of day, a later row before an earlier one."""
        slots = grid.slots_per_day
        kinds, dates = np.zeros((8, slots)), np.full((grid.days, slots), np.nan)
        for day, row in self.rows:
            seconds, values = zip(*((timegrid.clock_seconds(time), value) for time, value in row), strict=True)
            place = np.searchsorted(seconds, np.arange(slots) * grid.interval, side="right") - 1
            held = np.where(place >= 0, np.array(values)[place], 0.0)
            if day[:1].isdigit():
                index = (dt.date.fromisoformat(day) - grid.start).days
                if 0 <= index < grid.days:
                    dates[index] = held
            else:
                kinds[timegrid.day_kinds(day)] = held
        own = dates[grid.interval_day, grid.interval_slot]
        return np.where(np.isnan(own), kinds[grid.day_kind()[grid.interval_day], grid.interval_slot], own)

    def document(self) -> dict[str, Any]:
        """As plain data."""
        if self.by_day:
            return {date: plain_number(row[0][1]) for date, row in self.rows}
        return {date: {time: plain_number(value) for time, value in row} for date, row in self.rows}


def _day_table(value: object, read_day: Callable[[str], str], quantity: Quantity, allowed: str) -> DayTable:
    """The table of plain data; ``read_day`` takes the name of a day and raises ValueError."""
    if isinstance(value, DayTable):
        return value
    if not isinstance(value, Mapping) or not value:
        raise UnitError("this is no table by day", allowed=allowed)
    rows = []
    for day, row in value.items():
        try:
            name = read_day(str(day))
        except ValueError as error:
            raise UnitError(str(error), where=(str(day),)) from None
        found: dict[float, float] = {}
        for time, number in (row if isinstance(row, Mapping) else {"00:00": row}).items():
            where = (str(day), str(time)) if isinstance(row, Mapping) else (str(day),)
            try:
                second = timegrid.clock_seconds(str(time))
            except ValueError as error:
                raise UnitError(str(error), where=where) from None
            if second in found:
                raise UnitError(f"the time {time!r} is given twice", where=where)
            found[second] = _read_at(where, quantity, number)
        if not found:
            raise UnitError("the day has no times", where=(str(day),), allowed=allowed)
        rows.append((name, tuple((timegrid.clock(t), found[t]) for t in sorted(found))))
    return DayTable(tuple(rows))


def _iso_date(text: str) -> str:
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError:
        raise UnitError(f"{text!r} is no date (write it as 2027-04-01)") from None


def read_dated(value: object) -> DayTable:
    """The table of contacts by date of plain data.

    Raises:
        UnitError: what is no date, no time of day or no number, 0 or more.
    """
    allowed = "the name of a CSV file, or a mapping such as {2027-04-01: {'09:00': 12}} or {2027-04-01: 350}"
    return DayTable(tuple(sorted(_day_table(value, _iso_date, AMOUNT, allowed).rows)))


AGENTS = Quantity(lambda text: _whole(_non_negative(text)), int, "a whole number, 0 or more", 12, forms=("number",))


def read_roster(value: object) -> DayTable:
    """The roster of plain data: agents by date or kind of day, and time.

    Raises:
        UnitError: what is no day, no time of day or no whole number, 0 or more.
    """
    allowed = "the name of a CSV file, or a mapping such as {mon-fri: {'09:00': 12, '18:00': 0}}"
    return _day_table(value, lambda text: _iso_date(text) if text[:1].isdigit() else _day_name(text), AGENTS, allowed)


Dated = Annotated[
    DayTable,
    PlainValidator(read_dated),
    PlainSerializer(lambda table: table.document()),
    WithJsonSchema({"type": ["string", "object"], "examples": ["data/forecast.csv", {"2027-04-01": {"09:00": 12}}]}),
]
"""Numbers by date and time (a CSV file or a mapping); each holds for the least step between times of the day."""


RosterTable = Annotated[
    DayTable,
    PlainValidator(read_roster),
    PlainSerializer(lambda table: table.document()),
    WithJsonSchema({"type": ["string", "object"], "examples": ["data/roster.csv", {"mon-fri": {"09:00": 12}}]}),
]
"""Agents by day and time (a CSV file or a mapping); each number holds until the next time of its day."""


def canonical_by_month(value: Any) -> Any:
    """A list of one is that one."""
    return value[0] if isinstance(value, list | tuple) and len(value) == 1 else value


def _by_month(value: object) -> tuple[float, ...]:
    if not isinstance(value, list | tuple):
        return (_non_negative(value),)
    if not value:
        raise UnitError("an empty list", allowed="one number, or one per month")
    return tuple(_read_at((i,), AMOUNT, v) for i, v in enumerate(value))


ByMonth = Annotated[
    tuple[float, ...],
    BeforeValidator(_by_month),
    PlainSerializer(lambda v: canonical_by_month([plain_number(x) for x in v])),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": ["number", "string"], "format": "quantity"},
                {"type": "array", "items": {"type": ["number", "string"], "format": "quantity"}},
            ],
            "examples": [1.5, [1, 2, 3]],
        }
    ),
]
"""One number for every month, or a list with one number per month."""


def _month_name(text: object) -> str:
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", str(text)):
        raise UnitError(f"{text!r} is no month (write it as 2027-04)")
    return str(text)


MonthName = Annotated[str, BeforeValidator(_month_name), WithJsonSchema({"type": "string", "examples": ["2027-04"]})]


def _season(text: object) -> str:
    if not re.fullmatch(r"0[1-9]|1[0-2]|W(0[1-9]|[1-4]\d|5[0-3])", str(text)):
        allowed = "'01' to '12', or a week such as W52 (of ISO 8601, W01 to W53)"
        raise UnitError(f"{text!r} is no calendar month or week", allowed=allowed)
    return str(text)


def _day_name(text: object) -> str:
    timegrid.parse_hours({str(text): "closed"})
    return str(text)


Season = Annotated[str, BeforeValidator(_season)]
DayName = Annotated[str, BeforeValidator(_day_name)]


def date(value: object) -> dt.date:
    """A calendar date such as 2027-04-01.

    Raises:
        UnitError: a text that is none.
    """
    try:
        return value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value))
    except ValueError:
        raise UnitError(f"{value!r} is no date (write it as 2027-04-01)") from None


def _start(value: object) -> dt.date:
    day = date(f"{value}-01" if re.fullmatch(r"\d{4}-\d{2}", str(value)) else value)
    first, last = timegrid.YEARS
    if not first <= day.year <= last:
        raise UnitError(f"the year {day.year} is not simulated", allowed=f"{first} to {last}")
    return day


_ISO_DATE = (
    PlainSerializer(lambda date: date.isoformat()),
    WithJsonSchema({"type": "string", "examples": ["2027-04-01"]}),
)
Date = Annotated[dt.date, BeforeValidator(date), *_ISO_DATE]
Start = Annotated[dt.date, BeforeValidator(_start), *_ISO_DATE]


def _timezone(value: object) -> str:
    try:
        zoneinfo.ZoneInfo(str(value))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        near = nearest(str(value), zoneinfo.available_timezones())
        raise ValueRefused("unknown time zone", allowed="a name such as Asia/Tokyo", nearest=near) from None
    return str(value)


def _currency(value: object) -> str:
    from iso4217 import Currency

    # gold, bond units, codes for tests and for no currency have no smallest unit: nobody is paid in them
    known = [currency.code for currency in Currency if currency.exponent is not None]
    if value not in known:
        near = nearest(str(value).upper(), known)
        raise ValueRefused("unknown currency", allowed="a code of ISO 4217 such as USD, EUR or JPY", nearest=near)
    return str(value)


def _country(value: object) -> object:
    return None if value is None else _known_country(str(value))


@functools.cache  # asked again for every variant, and a country's calendar takes milliseconds to set up
def _known_country(value: str) -> str:
    import holidays

    country, _, subdivision = value.partition("-")
    try:
        holidays.country_holidays(country, subdiv=subdivision or None)
        return value
    except NotImplementedError:
        pass  # only to name what there is, the calendars of all countries are loaded
    known = holidays.list_supported_countries()
    if country not in known:
        near = next((name for name in known if name == country.upper()), None) or nearest(country, known)
        raise ValueRefused("unknown country of holidays", allowed="a code such as JP, US or US-CA", nearest=near)
    if subdivision and subdivision not in known[country]:
        raise ValueRefused(
            f"{country} has no subdivision {subdivision!r}",
            allowed=", ".join(known[country]) or f"{country} alone",
            nearest=nearest(subdivision, known[country]),
        )
    return value


EVERY_MONTHS = {"month": 1, "2 months": 2, "quarter": 3, "half-year": 6, "year": 12}
"""Months of each period of the calendar."""


def last_weeks(value: object) -> int:
    """Weeks of a window such as "last 4 weeks", 0 for the whole period.

    Raises:
        UnitError: a text that is neither.
    """
    match = re.fullmatch(r"\s*last (\d{1,2}) weeks?\s*", str(value))
    if value != "whole period" and (match is None or not 1 <= int(match[1]) <= 52):
        raise UnitError(f"{value!r} is no window (write it as 'last 4 weeks' or 'whole period')")
    return int(match[1]) if match else 0


def _texts(value: object, read: Callable[[str], Any], allowed: str) -> tuple[str, ...]:
    """One text or a list of several, each of which ``read`` takes and none of which is said twice."""
    texts = list(value) if isinstance(value, list | tuple) else [value]
    if not texts:
        raise UnitError("an empty list", allowed=allowed)
    seen: list[Any] = []
    for i, text in enumerate(texts):
        where = (i,) if isinstance(value, list | tuple) else ()
        try:
            meant = read(str(text))
        except ValueError as error:
            raise UnitError(str(error), where=where) from None
        if meant in seen:
            raise UnitError(f"{text!r} is given twice", where=where, allowed=allowed)
        seen.append(meant)
    return tuple(str(text) for text in texts)


def _one_or_more(read: Callable[[str], Any], allowed: str, *examples: object) -> tuple[Any, ...]:
    """What makes a field take one text or a list of them."""
    several = {"type": "array", "minItems": 1, "items": {"type": "string"}}
    return (
        BeforeValidator(lambda value: _texts(value, read, allowed)),
        PlainSerializer(lambda texts: texts[0] if len(texts) == 1 else list(texts)),
        WithJsonSchema({"anyOf": [{"type": "string"}, several], "examples": list(examples)}),
    )


def _begin(text: str) -> float:
    second = timegrid.clock_seconds(text)
    if second >= timegrid.DAY_SECONDS:
        raise ValueError(f"{text!r} is the end of a day (write a start as 00:00 to 23:59)")
    return second


def _day_set(text: str) -> tuple[int, ...]:
    return tuple(sorted(set(timegrid.day_kinds(text))))


Starts = Annotated[
    tuple[str, ...], *_one_or_more(_begin, "a time of day, or several such as ['08:00', '10:00']", "08:00", ["08:00"])
]
"""Times of day at which a shift may start."""

DaySets = Annotated[
    tuple[str, ...], *_one_or_more(_day_set, "days, or several sets such as [mon-fri, tue-sat]", "mon-fri", ["mon-fri"])
]
"""Days on which a shift is worked; of several sets each person works one."""

LastWeeks = Annotated[
    int,
    BeforeValidator(last_weeks),
    PlainSerializer(lambda n: f"last {n} weeks" if n else "whole period"),
    WithJsonSchema({"type": "string", "examples": ["last 4 weeks", "whole period"]}),
]


class Part(BaseModel):
    """Base of every part: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, defer_build=True)


# --- the document ----------------------------------------------------------------------------------------------------


class Calendar(Part):
    """The horizon: whole months, or some days (which count as one month)."""

    start: Start
    months: Annotated[int, Field(ge=1, le=60), WHOLE] | None = None
    days: Annotated[int, Field(ge=1, le=366), WHOLE] | None = None
    timezone: Annotated[str, BeforeValidator(_timezone)] = "UTC"
    holidays: Annotated[str | None, BeforeValidator(_country)] = default(
        None, "country (JP) or subdivision (US-CA) of the holidays package"
    )
    closed: tuple[Date, ...] = default((), "company closing days, treated as public holidays")
    interval: Seconds = default("30 min")
    warm_up: Seconds = default("0 s", "time from the start that no KPI counts")

    @model_validator(mode="after")
    def _one_length(self) -> Calendar:
        if (self.months is None) == (self.days is None):
            raise ValueError("give exactly one of months and days")
        if self.months is not None and self.start.day != 1:
            raise ValueError("a horizon in months starts on the first of a month")
        if self.interval < 60 or 3600 % self.interval:
            raise ValueError("the interval must divide an hour and last a minute or more")
        return self

    def grid(self) -> timegrid.TimeGrid:
        """The horizon as arrays."""
        return timegrid.build(
            self.start, self.months, self.days, self.timezone, self.holidays, self.interval, tuple(self.closed)
        )


class MonteCarlo(Part):
    """How often the year is simulated."""

    replications: Annotated[int, Field(ge=2, le=1_000_000), WHOLE] = 200
    seed: Annotated[int, Field(ge=0), WHOLE] = 1
    chance_repeats: Annotated[int, Field(ge=1, le=100), WHOLE] = default(
        2, "runs on fresh chance per draw of the uncertain inputs; at least 2 split the spread in two"
    )


class Movement(Part):
    """Accounts whose revenue changes: a share of accounts per month, each by a share of its revenue."""

    accounts_per_month: Share = default(0.0)
    amount: Share = default(0.0)


MOST_ACCOUNTS = 1_000_000
"""Accounts of all segments over the horizon, those that leave included: each has its own history."""
MOST_EVENTS = 20_000_000
"""Contacts in one month of one queue, or tasks in one month of one activity: each is drawn and remembered."""


class Meetings(Part):
    """How customers of a segment treat meetings."""

    availability: Share = default("100%", "probability that a free slot suits the customer")
    cancellation: Share = default("0%", "probability that a booked meeting is cancelled on its day")
    no_show: Share = default("0%", "probability that nobody comes to one that stands: a slot is lost waiting")


class Usage(Part):
    """How much of the product accounts use: a share that differs and drifts, unseen until somebody looks.

    It is normal over accounts and months, cut off at 0 and 100 %, and holds for a month. No figure is assumed for a
    product: log-ins or active seats over those paid for, from its own records, give all five.
    """

    mean: Share = default("60%")
    spread: Share = default("20%", "standard deviation over accounts and months")
    memory: Annotated[float, Field(ge=0, lt=1), NUMBER] = default(0.9, "correlation with the month before")
    low: Share = default("30%", "below this it is a sign that an account may leave")
    high: Share = default("90%", "from here on it is a sign that an account may grow")

    @model_validator(mode="after")
    def _in_order(self) -> Usage:
        if not self.spread > 0:
            raise ValueError("usage needs a spread over 0; leave usage out where all accounts are alike")
        if not self.low < self.high:
            raise ValueError("low must lie below high")
        return self


class Milestone(Part):
    """What ends the onboarding of a new account, and how long it then takes until it has value."""

    activities: tuple[str, ...] = Field(description="each of them that covers the account is done once")
    deadline: Months = default("3 months", "from the contract's start")
    first_value: MonthsLaw = default("0 months", "from the milestone to the account's first value")
    gates: Flag = default(False, "accounts stay in onboarding until they have reached it")

    @model_validator(mode="after")
    def _some(self) -> Milestone:
        if not self.activities:
            raise ValueError("a milestone takes one activity or more")
        return self


class PhaseEffort(Part):
    """Desk work for an account in each phase, 100 % for what the steps say; less once it is self-sufficient."""

    onboarding: Amount = default(1)
    adoption: Amount = default(1)
    after: Amount = default(1, "expansion and loyalty")


def _listed(schema: dict[str, Any]) -> None:
    """An editor takes a file's name for a list of such things."""
    listed = schema.pop("anyOf", None) or [{name: schema.pop(name) for name in ("type", "items")}]
    schema["anyOf"] = [{"type": "string"}, *listed]


class Account(Part):
    """One account that is there when the horizon begins; what is left out is drawn as for the segment."""

    account: Annotated[str, BeforeValidator(str)]
    start: Date
    mrr: Money | None = None
    effort: Annotated[float, Field(gt=0), NUMBER] | None = default(None, "the work it asks for over the segment's mean")
    owner: Annotated[str, BeforeValidator(str)] | None = default(
        None, "the CSM who looks after it, by name; without one it goes to the emptiest book"
    )


def _opening_or_present(schema: dict[str, Any]) -> None:
    """An editor asks for one of the two."""
    schema["required"] = [name for name in schema["required"] if name != "opening"]
    schema["anyOf"] = [{"required": ["opening"]}, {"required": ["present"]}]


class Segment(Part):
    """Accounts of one kind."""

    model_config = ConfigDict(json_schema_extra=_opening_or_present)

    opening: Annotated[int, Field(ge=0), WHOLE] = Field(
        description="accounts at the start; counted where present lists them"
    )
    present: tuple[Account, ...] = Field(
        (),
        description="the accounts at the start one by one: a CSV file with account, start and, if known, mrr, effort "
        "and owner",
        json_schema_extra=_listed,
    )
    new_per_month: ByMonth = default(0)
    mrr: MoneyLaw = default(0)
    churn_per_month: Share = default("0%")
    term: Months = default("1 month", "contract term; cancels only at its end")
    opening_age: Months = default("24 months", "ages of the opening accounts are spread evenly over this")
    onboarding: Months = default("3 months", "length of the first phase")
    adoption: Months = default("6 months", "length of the second phase; then expansion and loyalty are open")
    upsell: Movement = Movement()
    cross_sell: Movement = Movement()
    contraction: Movement = Field(Movement(), description="a change to a cheaper plan")
    seat_reduction: Movement = Field(Movement(), description="fewer seats")
    downgrade_to_free: Share = default("0%", "accounts per month that go to a free plan: no revenue, no activities")
    gross_margin: Share = default("100%", "for the net lifetime value")
    acquisition_cost: Money = default(0, "per account, for the net lifetime value")
    contacts_per_month: dict[str, Amount] = {}
    effort_cv: Spread = default(0, "spread of the work that accounts ask for")
    effort_by_phase: PhaseEffort = PhaseEffort()
    usage: Usage | None = None
    milestone: Milestone | None = None
    meetings: Meetings = Meetings()

    @model_validator(mode="before")
    @classmethod
    def _counted(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and "opening" not in data and "present" in data:
            listed = data["present"]  # nothing where its file could not be read, which is told elsewhere
            return {"opening": len(listed) if isinstance(listed, list | tuple) else 0, **data}
        return data


class Event(Part):
    """Dates on which more or fewer people make contact than the calendar says: a campaign, a launch, an outage."""

    first: Date = Field(alias="from")
    last: Date | None = Field(None, alias="to", description="the last such day; absent: one day")
    factor: Amount = Field(description="on the rate; 0: nobody")

    @model_validator(mode="after")
    def _in_order(self) -> Event:
        if self.last is not None and self.last < self.first:
            raise ValueError("the event ends before it begins")
        return self


class Arrivals(Part):
    """Where contacts come from: the accounts, anybody else (a volume, a rate, a weekly or a dated table), or both.

    Growth, seasons, holidays and events multiply the rate: a month with a campaign has more than its volume.
    """

    origin: Literal["accounts"] | None = Field(None, alias="from")
    per_month: ByMonth | None = None
    rate: Rate | None = None
    table: Profile | None = default(None, "contacts per interval by weekday and time")
    table_interval: Seconds | None = default(None, "what a number of the table is for; absent: calendar.interval")
    dated: Dated | None = default(None, "contacts by date and time, as forecasts are exported; or by date alone")
    hours: Hours | None = default(None, "of email: when it is written; absent: while the queue is open")
    weekday: dict[DayName, Amount] = default({}, "weights by day name; absent days weigh 1")
    intraday: Profile | None = None
    day_cv: Spread = default(0, "spread of the day factor (gamma, mean 1)")
    day_shared: Share = default("0%", "share of the day factor's variance that all queues have in common")
    interval_cv: Spread = default(0, "spread of a factor of each interval beside the day's (gamma, mean 1)")
    interval_memory: Share = default("0%", "correlation of the interval factor with that of the interval before")
    factor: Amount = default(1, "on all contacts; an uncertain one is the error of the forecast")
    growth_per_year: Growth = 0.0
    season: dict[Season, Amount] = default({}, "factor by calendar month, '01' to '12', and by week, W01 to W53")
    holiday: Amount = default(1, "factor on public holidays on which the queue is open")
    after_holiday: Amount = default(1, "factor on the first day on which the queue is open after a public holiday")
    events: dict[str, Event] = default({}, "factors on given dates, by name")

    @model_validator(mode="after")
    def _one_origin(self) -> Arrivals:
        origins = {"per_month": self.per_month, "rate": self.rate, "table": self.table, "dated": self.dated}
        given = [name for name, value in origins.items() if value is not None]
        if len(given) > 1 or not (given or self.origin):
            found = ", ".join(given) or "none"
            raise ValueError(
                f"give from: accounts, or one of {', '.join(origins)}, or one of these beside it, not {found}"
            )
        if self.table_interval is not None and (self.table is None or self.table_interval <= 0):
            raise ValueError("table_interval is a length over 0 s, beside a table")
        shaped = self.origin is not None or self.per_month is not None
        if not shaped and (self.weekday or self.intraday) and not (self.dated is not None and self.dated.by_day):
            raise ValueError("weekday and intraday shape a volume; a rate or a table has its own shape")
        return self


class Escalation(Part):
    """After talk the contact may go on to the next tier."""

    to: str
    probability: Share
    transfer: Literal["cold", "warm", "deferred", "consultation"] = default(
        "cold",
        "the caller joins the next queue; the agent holds with the caller; the call ends and a ticket opens; or the "
        "agent asks somebody while the caller waits, and keeps the case",
    )
    hold: Seconds | None = default(
        None, "warm, consultation: the agent holds for so long at most; absent: until the answer"
    )
    then: Literal["cold", "deferred"] = default("cold", "warm: what it turns into after that")
    conference: DurationLaw = default("0 s", "warm: the agent stays so long after the next tier has answered")
    age: Literal["restarts", "carries_over"] = default(
        "restarts",
        "carries_over: in the next queue the time since the contact entered this one counts as waited, for its place "
        "and for overflow; its patience, and the wait that is reported, restart all the same",
    )


class Redial(Part):
    """A caller who was blocked, balked or abandoned may call again."""

    probability: Share
    delay: DurationLaw
    attempts: Annotated[int, Field(ge=1, le=99), WHOLE] = default(1, "redials of one contact, at most")


class Callback(Part):
    """A caller who must wait may be called back instead, in the same place of the queue.

    The wait to be expected is that of all who wait and the caller's own contact, each for the queue's mean handle time,
    over the agents that the plan has there for the queue.
    """

    threshold: Seconds = Field(description="offered where the wait to be expected exceeds this")
    acceptance: Share = default("100%")
    dialling: DurationLaw = default("0 s", "until the customer answers, or the agent gives up")
    no_answer: Share = default("0%", "calls that nobody answers")
    retry: DurationLaw = default("15 min", "until the next call")
    attempts: Annotated[int, Field(ge=1, le=99), WHOLE] = default(3, "calls, at most")


class Resolution(Part):
    """A contact that is answered and not escalated resolves the inquiry, or the customer contacts again.

    The exchanges of a ticket are the same: ``delay`` is then the time that the customer takes to answer.
    """

    probability: Share
    delay: DurationLaw = Field(description="until the customer contacts again, in open time of the queue they come to")
    to: str | None = default(None, "the queue they come to; absent: the one they came to before")
    attempts: Annotated[int, Field(ge=0, le=99), WHOLE] = default(3, "repeats of one inquiry, at most")
    within: Seconds = default("7 days", "inquiries that begin here should be resolved by then")


class Away(Part):
    """An agent whom no contact awaits at the end of one may step away."""

    probability: Share
    duration: DurationLaw


Window = Literal["interval", "day", "week", "month", "quarter"]


class QueueTargets(Part):
    """What a queue must reach, in which window and how surely."""

    service_level: ServiceLevel | None = None
    service_level_meaning: Literal[
        "sl_served_over_offered", "sl_excl_short_abandons", "sl_served_over_served", "sl_incl_short_abandons"
    ] = "sl_excl_short_abandons"
    abandonment: Share | None = None
    answer_rate: Share | None = None
    asa: Seconds | None = default(None, "mean wait of the answered, at most")
    closing_backlog: Amount | None = default(None, "email: contacts that wait when the window ends, at most")
    closing_backlog_days: Amount | None = default(
        None, "the same in days of work: over the contacts of a mean opening day of the window"
    )
    window: Window = "month"
    confidence: Share = default("80%")


def _lines(value: object) -> int | str:
    """A number of lines, or the name of a pool of them."""
    if isinstance(value, str) and NAME.fullmatch(value):
        return value
    lines = WHOLE.read(value)
    if lines < 1:
        raise UnitError(f"{value!r} is no number of lines")
    return int(lines)


Lines = Annotated[
    int | str,
    BeforeValidator(_lines),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}], "format": "quantity"}),
]


class Queue(Part):
    """A kind of contact."""

    channel: Literal["call", "chat", "email"] = default(
        "call", "chat: an agent may hold several at once; email is work that can wait: its backlog is counted"
    )
    hours: Hours = default("always")
    arrivals: Arrivals | None = default(None, "absent for a queue fed by escalation only")
    patience: DurationLaw | None = default(None, "absent: waits until answered")
    at_closing: Literal["serve", "drop"] = default(
        "serve", "callers who wait then are served out before agents go, or dropped"
    )
    balking: Share = default("0%", "leave at once when nobody is free")
    redial: Redial | None = default(None, "callers who were blocked, balked or abandoned here call again")
    talk: DurationLaw
    after_call: DurationLaw = default("0 s")
    lines: Lines | None = default(
        None, "calls that may wait or talk at once: a number, or a pool of `support.lines` that queues share"
    )
    cost_per_minute: Money = default(0, "of a line in use, waiting and talk; charged to the first group that serves")
    escalation: Escalation | None = None
    callback: Callback | None = default(None, "callers who must wait long are offered a callback")
    resolution: Resolution | None = default(None, "whether an answer is the end of it; absent: nobody asks")
    head_start: Seconds = default("0 s", "among contacts of one priority these count as having waited longer by this")
    short_abandon: Seconds | None = default(None, "abandonments up to this wait are short; default: the target's time")
    answer_within: Seconds = default("20 s", "threshold reported when no service level is asked for")
    calls_first: Literal["wait", "preempt"] = default(
        "wait", "of email: a call or chat that finds nobody free waits, or an agent leaves the email for it"
    )
    set_up: Seconds = default("0 s", "work that it costs to resume an email that was left")
    opening_backlog: Annotated[int, Field(ge=0, le=1_000_000), WHOLE] = default(
        0, "emails that wait when the horizon opens; they count as offered, and as waiting, from then on"
    )
    business_time: Flag = default(False, "waits, and the times of targets, count only while the queue is open")
    targets: QueueTargets | None = None

    @property
    def threshold(self) -> float:
        """The answer-within time in seconds that the queue's service level is measured at."""
        target = self.targets.service_level if self.targets else None
        return target.within if target else self.answer_within


class Serves(Part):
    """How a group serves a queue."""

    priority: Annotated[int, Field(ge=1, le=99), WHOLE] = 1
    level: Annotated[int, Field(ge=1, le=99), WHOLE] = 1
    after: Seconds = default("0 s", "overflow: the group may take a contact that has waited so long")
    handle_time_factor: Annotated[float, Field(gt=0), NUMBER] = default(
        1.0, "proficiency: talk and after-call work of this queue by this group, times the group's own factor"
    )
    talk: DurationLaw | None = default(None, "talk of this queue by this group; absent: the queue's")
    after_call: DurationLaw | None = default(None, "after-call work of this queue by this group; absent: the queue's")
    reserve: Annotated[int, Field(ge=0, le=100_000), WHOLE] = default(
        0, "one is started only while more agents of the group are idle than this"
    )


def canonical_serves(value: Any) -> Any:
    """What a group serves, by queue: a list is an order (the first comes first), a number is a priority."""
    if isinstance(value, list | tuple) and all(isinstance(name, str) for name in value) and len({*value}) == len(value):
        return {name: {"priority": i + 1} for i, name in enumerate(value)}
    if isinstance(value, Mapping):
        return {
            name: item if isinstance(item, Mapping | Serves) and "uncertain" not in item else {"priority": item}
            for name, item in value.items()
        }
    return value


def _serves(value: object) -> object:
    value = canonical_serves(value)
    if not isinstance(value, Mapping):
        raise UnitError(
            "what a group serves is a list or a mapping of queues, each named once",
            allowed="a list such as [phone, email], or a mapping of queues to priorities",
        )
    return value


_SERVES_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        **{name: {"type": "integer", "minimum": 1, "maximum": 99} for name in ("priority", "level")},
        "after": {"type": ["string", "number"], "format": "quantity", "examples": ["60 s"]},
        "handle_time_factor": {"type": "number", "exclusiveMinimum": 0, "format": "quantity"},
        "reserve": {"type": "integer", "minimum": 0, "maximum": 100_000},
    },
}
ServesTable = Annotated[
    dict[str, Serves],
    BeforeValidator(_serves),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "array", "items": {"type": "string"}},
                {"type": "object", "additionalProperties": {"anyOf": [{"type": "integer"}, _SERVES_SCHEMA]}},
            ],
            "examples": [["phone", "email"], {"phone": 1, "email": 1}],
        }
    ),
]


HeadsByMonth = dict[MonthName, Annotated[int, Field(ge=1, le=100_000), WHOLE]]
PlannedHeads = dict[MonthName, Annotated[int, Field(ge=-100_000, le=100_000), WHOLE]]


class Satisfaction(Part):
    """How content people are, by how busy they are and how long they work.

    A straight line that you draw through your own surveys: no published figure holds for every centre, so that nothing
    falls unless you say by how much.
    """

    base: Amount = Field(description="the score of a team that is no busier than `from`, without overtime")
    start: Share = Field(0.8, alias="from", description="occupancy (of CSMs: utilisation) above which it falls")
    per_busy: Amount = default(0, "points lost for each 10 percentage points above that")
    per_overtime: Amount = default(0, "points lost for each 10 percent of overtime, over the time that was planned")

    def score(self, busy: NDArray[np.float64], overtime: NDArray[np.float64]) -> NDArray[np.float64]:
        """The score at shares of busy time and of overtime; no less than 0, NaN where either is not known."""
        lost = self.per_busy * np.maximum(busy - self.start, 0.0) + self.per_overtime * overtime
        return np.maximum(self.base - 10 * lost, 0.0)


class Overhead(Part):
    """People beside a team who serve no customer: managers, operations staff. They are there as soon as a month needs
    them, cost what heads cost, and are no part of any need."""

    span: Annotated[float, Field(gt=0), NUMBER] = Field(description="heads, contractors among them, that one is for")
    salary_per_year: Money = default(0)

    def heads(self, there: NDArray[np.int64]) -> NDArray[np.int64]:
        """Whole heads beside so many."""
        return np.ceil(there / self.span - 1e-9).astype(np.int64)


class Staffed(Part):
    """What support groups and success teams have in common: heads and what they cost."""

    headcount: Annotated[int, Field(ge=0, le=100_000), WHOLE] = 0
    hours_per_week: Annotated[float, Field(gt=0, le=168), NUMBER] = 40.0
    salary_per_year: Money = default(0)
    hires: PlannedHeads = default(
        {}, "planned starts by month; below 0 the heads fall when the month opens, if hiring.layoffs allows it"
    )
    joined: HeadsByMonth = default(
        {}, "of the headcount, how many started in which month before the horizon: they ramp"
    )
    leaving: HeadsByMonth = default({}, "of the headcount, how many have given notice, by their last month")
    open_requisitions: HeadsByMonth = default(
        {}, "heads beyond the headcount for whom a search was opened before the horizon, by the month it was opened"
    )
    contractors: HeadsByMonth = default({}, "contractors by month, fully productive from their first day")
    contractor_per_month: Money = default(0, "what one contractor costs, all in")
    overhead: dict[str, Overhead] = default({}, "managers and operations staff by their span, by role")
    satisfaction: Satisfaction | None = default(None, "how content people are when they are busy or work overtime")

    @property
    def layoffs(self) -> dict[str, int]:
        """Planned falls of the heads by month."""
        return {month: -count for month, count in self.hires.items() if count < 0}

    @property
    def rises(self) -> dict[str, int]:
        """Planned starts by month."""
        return {month: count for month, count in self.hires.items() if count > 0}


class Break(Part):
    """A pause in a shift. Where it has room, each day's agents take it when they are least missed."""

    length: Seconds
    after: Seconds = Field(description="from the start of the shift to the earliest start of the break")
    latest: Seconds | None = default(None, "from the start of the shift to the latest start of the break")
    paid: Flag = False

    @property
    def window(self) -> tuple[float, float]:
        """Earliest and latest start, seconds from the start of the shift."""
        return self.after, self.after if self.latest is None else self.latest


class Shift(Part):
    """A pattern of presence: who is on it works these days at these times all month."""

    start: Starts
    length: Seconds = Field(description="from coming to going, breaks included")
    days: DaySets = default("mon-fri", "a public holiday is worked where 'holiday' is among the days")
    breaks: tuple[Break, ...] = ()

    @model_validator(mode="after")
    def _fits(self) -> Shift:
        if not 0 < self.length <= timegrid.DAY_SECONDS:
            raise ValueError("a shift lasts more than 0 s and at most 24 h")
        free = 0.0
        for i, pause in enumerate(self.breaks):
            first, last = pause.window
            if pause.length <= 0:
                raise ValueError(f"break {i + 1} has no length")
            if last < first:
                raise ValueError(f"break {i + 1} has its latest start before its earliest")
            if first < free:
                raise ValueError(f"break {i + 1} may start before the break before it is over")
            free = last + pause.length
        if free > self.length:
            raise ValueError("a break may end after the shift")
        if self.present <= 0:
            raise ValueError("the breaks take the whole shift")
        return self

    @property
    def present(self) -> float:
        """Seconds of a day's work, breaks taken off."""
        return self.length - sum(pause.length for pause in self.breaks)

    @property
    def paid(self) -> float:
        """Seconds of a day that are paid."""
        return self.length - sum(pause.length for pause in self.breaks if not pause.paid)


SHRINKAGE = ("breaks", "training", "meetings", "leave", "absence", "adherence", "other")
"""Kinds of paid time that is not spent on contacts."""


def _shrinkage(value: object) -> dict[str, float]:
    if not isinstance(value, Mapping):
        return {"unnamed": SHARE.read(value)}
    shares = {}
    for kind, share in value.items():
        if kind not in SHRINKAGE and not (kind == "unnamed" and len(value) == 1):
            near = nearest(str(kind), SHRINKAGE)
            raise UnitError("unknown kind", where=(str(kind),), allowed=", ".join(SHRINKAGE), nearest=near)
        shares[str(kind)] = _read_at((str(kind),), SHARE, share)
    if sum(shares.values()) > 1.0 + 1e-12:
        raise UnitError("the kinds add up to more than 100%", allowed="kinds that add up to 100% at most")
    return shares


def _shrinkage_text(shares: Mapping[str, float]) -> object:
    return SHARE.write(shares["unnamed"]) if "unnamed" in shares else {k: SHARE.write(v) for k, v in shares.items()}


Shrinkage = Annotated[
    dict[str, float],
    BeforeValidator(_shrinkage),
    PlainSerializer(_shrinkage_text),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": ["string", "number"], "format": "quantity"},
                {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {kind: {"type": ["string", "number"], "format": "quantity"} for kind in SHRINKAGE},
                },
            ],
            "examples": ["30%", {"training": "5%", "meetings": "4%", "leave": "9%"}],
        }
    ),
]
"""Share of paid time that is divided out, as one number or by kind (the kinds add up)."""


def _skills(value: object) -> list[str]:
    """Names of queues, in a list or parted by semicolons, bars, commas or blanks."""
    named = [str(v) for v in value] if isinstance(value, list | tuple) else re.split(r"[;|,\s]+", str(value).strip())
    if not any(named):
        raise UnitError("nobody is here without a skill", allowed="queues of the group, such as 'phone; email'")
    twice = [name for i, name in enumerate(named) if name in named[:i]]
    if twice:
        raise UnitError(f"the skill {twice[0]!r} is given twice")
    return named


class Person(Part):
    """One agent of a group whose people differ in skills or speed."""

    agent: Annotated[str, BeforeValidator(str)]
    skills: Annotated[
        tuple[str, ...],
        BeforeValidator(_skills),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
    ] = Field(description="queues, of those the group serves")
    handle_time_factor: Annotated[float, Field(gt=0), NUMBER] = default(
        1.0, "talk and after-call work of this agent over the group's: 1.2 takes 20% longer"
    )


class Group(Staffed):
    """Agents with the same skills."""

    serves: ServesTable
    people: tuple[Person, ...] | None = Field(
        None,
        description="agents one by one, by name, skills and speed, in a list or a CSV file: the group then stands for "
        "one group of each set of skills and speed (reading divides it)",
        json_schema_extra=_listed,
    )
    agents: Annotated[int, Field(ge=0, le=100_000), WHOLE] | None = default(
        None, "a fixed number present in every open interval, instead of headcount"
    )
    shifts: tuple[str, ...] = default((), "the shifts its heads work; without any, hours follow the load")
    roster: RosterTable | None = default(
        None, "who is there by day and time: the plan then is this roster, whatever the headcount would give"
    )
    shrinkage: Shrinkage = default("0%", "time that is divided out; what is simulated must not stand here too")
    absence: Share = default("0%", "probability that an agent is away on a day, unplanned; drawn per agent and day")
    answer_delay: DurationLaw = default("0 s", "until an agent answers: the caller waits, the agent is busy")
    away: Away | None = default(None, "after a contact an agent may step away, if no other waits")
    handle_time_factor: Annotated[float, Field(gt=0), NUMBER] = default(
        1.0, "proficiency: talk and after-call work of the group over that of the queue"
    )
    concurrency: Annotated[int, Field(ge=1, le=99), WHOLE] = default(
        1, "chats that an agent holds at once, at most; one who holds any takes no call"
    )
    slowdown: Annotated[float, Field(ge=0), NUMBER] = default(
        0.0, "s: beside others each of j chats takes 1 + s (j - 1) times as long; talk and after_call are those of one"
    )

    @property
    def divided_out(self) -> float:
        """Share of paid time that is divided out, all kinds together."""
        return min(sum(self.shrinkage.values()), 1.0)


class Support(Part):
    """The reactive wing."""

    queues: dict[str, Queue]
    groups: dict[str, Group]
    shifts: dict[str, Shift] = default({}, "patterns of presence that groups name")
    lines: dict[str, Annotated[int, Field(ge=1), WHOLE]] = default({}, "pools of lines that queues name and share")


class Step(Part):
    """One step of an activity: desk work, a meeting, or an interrupt."""

    desk: DurationLaw | None = None
    meeting: DurationLaw | None = None
    interrupt: DurationLaw | None = None
    within: WorkingDays | None = default(None, "due so long after the step before")
    before: WorkingDays | None = default(None, "due so long before the meeting")

    @model_validator(mode="after")
    def _one_kind(self) -> Step:
        if sum(v is not None for v in (self.desk, self.meeting, self.interrupt)) != 1:
            raise ValueError("a step is exactly one of desk, meeting and interrupt")
        return self

    @property
    def kind(self) -> str:
        return "desk" if self.desk is not None else "meeting" if self.meeting is not None else "interrupt"

    @property
    def work(self) -> LawSpec:
        return self.desk or self.meeting or self.interrupt  # type: ignore[return-value]


Phase = Literal["onboarding", "adoption", "expansion", "loyalty"]


LogOdds = Annotated[float, Field(ge=-10, le=10), NUMBER]


def _scores(value: object) -> tuple[int, int]:
    ends = [units.number(part) for part in value] if isinstance(value, list | tuple) else []
    if len(ends) != 2 or any(end != int(end) for end in ends) or ends[0] > ends[1]:
        raise UnitError(f"{value!r} is no range of scores", allowed="the lowest and the highest, such as [0, 6]")
    return int(ends[0]), int(ends[1])


Scores = Annotated[
    tuple[int, int],
    BeforeValidator(_scores),
    WithJsonSchema({"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2, "examples": [[0, 6]]}),
]


class Effect(Part):
    """What an activity that is done does to its account: shifts of log-odds, 0 unless you set them.

    They hold in full for an account whose every such activity of the last twelve months was done in time, and in
    proportion to the share that was. No study gives a figure that separates effect from selection.
    """

    churn: LogOdds = default(0, "of cancelling; negative keeps accounts")
    expansion: LogOdds = default(0, "of an upsell or cross-sell; positive wins them")
    churn_of_all: LogOdds = default(0, "of cancelling, for every account, by the share done in the whole base")
    usage: LogOdds = default(0, "no log-odds: by how many standard deviations its usage returns to a higher mean")


class Activity(Part):
    """One entry of the activity catalogue."""

    title: dict[Literal["en", "ja"], str] = {}
    segments: dict[str, Share]
    phases: tuple[Phase, ...] = ("onboarding", "adoption", "expansion", "loyalty")
    trigger: Literal["cadence", "start", "renewal", "phase", "rate", "health", "survey", "escalation", "handover"] = (
        default(
            "cadence",
            "what makes it: a rhythm, the contract's start or renewal, entry into a phase, chance, usage, an answer, "
            "support, another owner",
        )
    )
    every: Literal["week", "2 weeks", "month", "2 months", "quarter", "half-year", "year"] | None = None
    spread: Literal["calendar", "contract"] = default(
        "calendar", "windows of the calendar, or dates spread by each account's own contract date"
    )
    window: LastWeeks = default("whole period", "the part of each calendar period in which it may happen")
    after: Days = default("0 days", "start: so long after the contract begins; phase: after the phase is entered")
    within: Days | None = default(None, "time until it is due; absent: the window's end, or 30 days")
    before: Months = default("0 months", "renewal: so long before the term ends")
    per_month: Amount = default(0, "rate: per account and month")
    signal: Literal["low_usage", "high_usage"] = default("low_usage", "health: which usage makes it")
    survey: str | None = default(None, "survey: whose answers make it")
    scores: Scores | None = default(None, "survey: lowest and highest answer that does; absent: the unhappy ones")
    detection: DurationLaw = default(
        "0 s", "health, survey: until the team sees it, shorter with a tool; usage that has changed by then is not seen"
    )
    under_way: dict[str, Share] = default(
        {}, "by step, share of the covered accounts that are there when the horizon begins"
    )
    accounts_per_session: Annotated[int, Field(ge=0, le=100_000), WHOLE] = default(0, "one to many; 0: one to one")
    steps: dict[str, Step]
    unprepared: Literal["hold", "postpone"] = default("postpone", "a meeting whose preparation is not done")
    late: Literal["continue", "skip", "shorten"] = default(
        "continue", "what is not done in time: done late, dropped, or cut short where desk work would end late"
    )
    shortened_to: Share = default("50%", "shorten: the share of its hours that a step then gets")
    sells: Flag = default(False, "an offer is made in it: pushy where the account is not ready for one")
    effect: Effect = Effect()
    source: str | None = None
    placeholder: Flag = False

    @model_validator(mode="after")
    def _complete(self) -> Activity:
        if not self.steps:
            raise ValueError("an activity needs at least one step")
        if sum(step.kind == "meeting" for step in self.steps.values()) > 1:
            raise ValueError("an activity has at most one meeting")
        kinds = [step.kind for step in self.steps.values()]
        ahead = kinds.index("meeting") if "meeting" in kinds else 0
        behind = [name for name, step in list(self.steps.items())[ahead:] if step.before is not None]
        if behind:
            raise ValueError(f"before is for a step that a meeting follows, not for {', '.join(behind)}")
        timed = [name for name, step in list(self.steps.items())[: ahead + 1] if step.within is not None]
        if "meeting" in kinds and timed:
            raise ValueError(
                "within is for a step that follows the meeting: the meeting is due by the activity's own date and what "
                f"prepares it before the meeting, not {', '.join(timed)}"
            )
        if self.trigger == "cadence" and self.every is None:
            raise ValueError("a cadence needs every")
        if self.trigger == "rate" and not self.per_month:
            raise ValueError("a rate needs per_month")
        if self.trigger == "phase" and len(self.phases) == 4:
            raise ValueError("say which of the phases makes it when an account enters")
        if (self.trigger == "survey") != (self.survey is not None):
            raise ValueError("trigger: survey and survey belong together: whose answers make it")
        if self.detection.mean and self.trigger not in ("health", "survey"):
            raise ValueError("detection is for trigger: health or survey; everything else is known when it happens")
        unknown = [name for name in self.under_way if name not in self.steps]
        if unknown:
            raise ValueError(f"under_way names steps: {', '.join(self.steps)}, not {', '.join(unknown)}")
        if sum(self.under_way.values()) > 1 + 1e-9:
            raise ValueError("the shares under_way are more than all accounts together")
        if self.under_way and (self.accounts_per_session or self.trigger in ("escalation", "handover")):
            raise ValueError(
                "under_way is for activities with one account, of every trigger but escalation and handover"
            )
        if self.trigger == "handover" and self.accounts_per_session:
            raise ValueError("a handover is for one account; leave out accounts_per_session")
        return self


SCALES = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}
"""Lowest and highest answer of each kind of survey."""

UNHAPPY = {"nps": (0, 6), "csat": (1, 2), "ces": (1, 3)}
"""Answers of those who are not content: detractors, the lower two of five, the lower three of seven."""

Score = Annotated[str, BeforeValidator(str)]


class Couplings(Part):
    """How service acts on customers: shifts of log-odds, positive raises. All are 0 unless you set them.

    The direction is well founded (Oliva & Sterman 2001; Goes et al. 2018); no defensible size exists for any of them.
    Ask how large a coefficient must be for a decision to flip (``simulator value``) instead of believing one.
    """

    churn_by_late_activities: LogOdds = default(
        0, "when all activities of an account were late or missed in the last 12 months, in proportion to the share"
    )
    expansion_by_late_activities: LogOdds = default(0, "the same for upsell and cross-sell; negative lowers")
    survey_by_late_activities: LogOdds = default(0, "the same for the place of survey answers; negative lowers")
    churn_by_late_onboarding: LogOdds = default(0, "for accounts with an activity late or missed while onboarding")
    churn_by_handover: LogOdds = default(0, "for each change of the owner within the last 12 months")
    churn_by_pushy_offers: LogOdds = default(
        0,
        "for each activity with sells: true within the last 12 months, done with an account that had not adopted yet "
        "or whose usage was low",
    )
    churn_by_usage: LogOdds = default(
        0, "for each standard deviation of usage over its mean; negative: who uses the product stays"
    )
    expansion_by_usage: LogOdds = default(0, "the same for upsell and cross-sell; positive raises")
    survey_by_usage: LogOdds = default(0, "the same for the place of survey answers; positive raises")
    time_to_value_by_usage: LogOdds = default(
        0, "the same for the time from milestone to first value: logarithm of the factor that shortens it"
    )
    attrition_by_overload: LogOdds = default(
        0,
        "logarithm of the factor on the hazard that CSMs resign, when their team worked all of its available hours in "
        "the last 3 months; in proportion over 80 % of them",
    )
    churn_by_slow_support: LogOdds = default(
        0, "when no contact of the month was answered within its time, in proportion to the share of all contacts"
    )

    @property
    def any(self) -> bool:
        return any(value != 0 for _, value in self)


class Survey(Part):
    """A question asked of accounts at the close of a month."""

    kind: Literal["nps", "csat", "ces"]
    segments: dict[str, Share]
    every: Literal["month", "2 months", "quarter", "half-year", "year"] = "quarter"
    response: Share = default("100%", "share of those asked who answer")
    answers: dict[Score, Amount] = default({}, "weights by score: nps 0 to 10, csat 1 to 5, ces 1 to 7")
    source: str | None = None
    placeholder: Flag = False

    @model_validator(mode="after")
    def _on_the_scale(self) -> Survey:
        low, high = SCALES[self.kind]
        beyond = [score for score in self.answers if not (score.isdigit() and low <= int(score) <= high)]
        if beyond:
            raise ValueError(f"answers to {self.kind} are whole scores {low} to {high}, not {', '.join(beyond)}")
        if not any(self.answers.values()):
            raise ValueError("a survey needs answers: a weight for one score or more, as {'3': 20, '7': 45, '9': 35}")
        return self


class Ratio(Part):
    """The top-down rule of thumb shown beside the work."""

    accounts: Annotated[float, Field(gt=0), NUMBER] | None = None
    mrr: Annotated[float, Field(gt=0), NUMBER] | None = None

    @model_validator(mode="after")
    def _one(self) -> Ratio:
        if (self.accounts is None) == (self.mrr is None):
            raise ValueError("give exactly one of accounts and mrr per CSM")
        return self


class Team(Staffed):
    """CSMs who share segments and a calendar.

    An account is looked after by the first team of the list that takes its segment, phase and value
    (:mod:`simulator.success.books`).
    """

    segments: tuple[str, ...]
    phases: tuple[Phase, ...] = default(
        ("onboarding", "adoption", "expansion", "loyalty"),
        "the phases in which it looks after an account; expansion and loyalty begin together",
    )
    value_below: Money | None = default(
        None, "only accounts of an expected lifetime value below this; the others are for a later team of the list"
    )
    working_hours: Hours = default({"mon-fri": "09:00-18:00"}, "the span; the working time is hours_per_week")
    customer_time: Share = default("100%", "share of working time left beside internal time on the calendar")
    books: Literal["dedicated", "pooled"] = "dedicated"
    pooled_segments: tuple[str, ...] = default(
        (), "mixed books: accounts of these segments belong to the whole team, those of the others have owners"
    )
    desk_rule: Literal["earliest_due", "tier", "renewal", "value"] = default(
        "earliest_due",
        "which desk work comes first: by due date, by the order of the team's segments, renewals, or by value and "
        "urgency over effort",
    )
    overtime: Seconds = default("0 h", "hours a week that each CSM adds after hours while desk work is due")
    focus: Seconds = default("0 h", "time a day without meetings, in which interrupts wait for desk work")
    cover: Flag = default(False, "a colleague answers the interrupts of an owner on leave; the book waits")
    slot: Seconds = default("30 min")
    meetings_per_day: Annotated[int, Field(ge=1, le=48), WHOLE] = 48
    lead: WorkingDays = default("3 working days", "from booking to the earliest slot")
    rebook_after: tuple[WorkingDays, WorkingDays] = default(
        ("3 working days", "10 working days"), "a cancelled meeting is rebooked so long after, at random"
    )
    setup: Seconds = default("0 s", "time to get back into work that an interrupt broke off")
    leave_days_per_year: Annotated[float, Field(ge=0, le=200), NUMBER] = 0.0
    ratio: Ratio | None = None


class SuccessTargets(Part):
    """What the success wing must reach."""

    on_time: dict[str, Share] = default(
        {"all": "90%"}, "share done by the due date, by activity; all: every step of every activity"
    )
    confidence: Share = default("80%")
    period: Literal["quarter"] = "quarter"


class Success(Part):
    """The proactive wing."""

    activities: dict[str, Activity]
    teams: dict[str, Team]
    surveys: dict[str, Survey] = {}
    targets: SuccessTargets = SuccessTargets()


class Overtime(Part):
    """What overtime costs and how much the law allows."""

    pay: Amount = default(0, "of an overtime hour over an hour's base pay, such as 1.25; 0: it is not paid")
    most_per_month: Seconds | None = default(
        None, "a person's legal cap: weekly overtime that could exceed it is refused"
    )
    most_per_year: Seconds | None = default(None, "a person's legal cap over twelve months: what comes near it is told")


class Layoffs(Part):
    """Allows the planned heads to fall. Those who joined last go first; nobody takes their place."""

    notice: Months = default("1 month", "between telling them and the month without them")
    severance: Months = default("0 months", "of base pay without on-costs, paid with the last month's")


class Hiring(Part):
    """How people come and go, for both wings."""

    time_to_hire: MonthsLaw = default("2 months", "from requisition to start, per position")
    notice: Months = default("0 months")
    ramp: tuple[Share, ...] = default(("100%",))
    ramp_in_support: Literal["availability", "speed"] = default(
        "availability", "a new agent takes contacts for a part of the time, or all the time but more slowly"
    )
    attrition_per_year: Share = 0.0
    backfill: Flag = True
    backfill_lag: Annotated[int, Field(ge=0, le=24), WHOLE] = default(
        0, "months from a resignation to the search for a successor"
    )
    offers_declined: Annotated[float, Field(ge=0, lt=1), SHARE] = default(
        "0%", "share of offers that are declined: the search begins again"
    )
    cost_per_hire: Money = default(0)
    agency_fee: Share = default("0%", "of a year's base pay, for a start that an agency found")
    agency_hires: Share = default("100%", "share of starts that an agency finds")
    loading: Annotated[float, Field(ge=1, le=3), NUMBER] = default(1.0, "employment cost over base salary")
    bonus: Share = default("0%", "of base pay, on top of it, earned month by month")
    raise_per_year: Share = default("0%", "by which base pay rises with every twelfth month of the horizon")
    seat_per_month: Money = default(0, "licences and workplace of a head, contractors too")
    overtime: Overtime = Overtime()
    layoffs: Layoffs | None = default(None, "absent: nobody is laid off, and a plan that falls is refused")


class Budget(Part):
    """What may be spent on both wings together."""

    per_year: Money | None = None
    share_of_mrr: Share | None = default(
        None, "no requisition is opened in a month whose people cost more than this share of last month's MRR"
    )
    spent: dict[MonthName, Money] = default(
        {}, "actual cost of earlier months that the same budget paid: the horizon has what they leave of it"
    )

    @model_validator(mode="after")
    def _something(self) -> Budget:
        if self.per_year is None and self.share_of_mrr is None:
            raise ValueError("a budget is an amount per_year, a share_of_mrr or both")
        if self.per_year is None and self.spent:
            raise ValueError("spent is set against per_year, which is absent")
        return self

    def left(self, months: int) -> float | None:
        """What is left for a horizon of so many months: their part of the budget, and what earlier months saved; None
        without an amount."""
        if self.per_year is None:
            return None
        return self.per_year * (months + len(self.spent)) / 12 - sum(self.spent.values())


class UncertainInput(Part):
    """A scalar that is not known: drawn once per replication, as a constant or as a monthly path.

    Its parameters are written like the scalar itself, with its unit. How they are read and drawn stands in
    :mod:`simulator.scenario.inputs`.
    """

    triangular: tuple[Any, Any, Any] | None = None
    uniform: tuple[Any, Any] | None = None
    normal: dict[Literal["mean", "sd"], Any] | None = None
    lognormal: dict[Literal["mean", "cv", "median", "sigma"], Any] | None = None
    values: tuple[Any, ...] | None = None
    factor: str | None = default(None, "inputs that name one factor move together (same quantile)")
    path: Literal["constant", "random_walk", "autoregressive"] = "constant"
    correlation: Annotated[float, Field(ge=-1, le=1), NUMBER] = default(0.8, "autoregressive: month to month")

    @model_validator(mode="after")
    def _one_law(self) -> UncertainInput:
        if sum(v is not None for v in (self.triangular, self.uniform, self.normal, self.lognormal, self.values)) != 1:
            raise ValueError("an uncertain input has exactly one of triangular, uniform, normal, lognormal and values")
        return self


class Scenario(Part):
    """A frozen scenario. Its uncertain inputs stand at their central value; ``uncertain`` says how they vary."""

    name: str
    currency: Annotated[str, BeforeValidator(_currency)] = default("USD", "code of ISO 4217")
    calendar: Calendar
    monte_carlo: MonteCarlo = MonteCarlo()
    accounts: dict[str, Segment] = {}
    support: Support | None = None
    success: Success | None = None
    couplings: Couplings = Couplings()
    hiring: Hiring = Hiring()
    budget: Budget | None = None
    variants: dict[str, dict[str, Any]] = {}
    placeholders: dict[str, str] = default({}, "paths whose values have no source, and what to put there")
    uncertain: dict[str, UncertainInput] = default({}, "filled when the document is resolved")

    @model_validator(mode="after")
    def _something(self) -> Scenario:
        if self.support is None and self.success is None:
            raise ValueError("nothing to simulate: give support, success or both")
        return self

    def document(self) -> dict[str, Any]:
        """The resolved scenario as plain data: defaults explicit, uncertain inputs in their places."""
        from simulator.scenario.paths import place

        data: dict[str, Any] = self.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"uncertain"})
        for path, law in self.uncertain.items():
            node = law.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
            place(data, tuple(path.split(".")), {"uncertain": node})
        return data

    @property
    def coupled(self) -> bool:
        """Whether service acts on customers, so that another staffing meets other accounts."""
        activities = self.success.activities.values() if self.success else ()
        given = self.couplings.any or any(value != 0 for a in activities for _, value in a.effect)
        given = given or any(s.milestone is not None and s.milestone.gates for s in self.accounts.values())
        return given or any(path.startswith("couplings.") or ".effect." in path for path in self.uncertain)

    def with_(self, overrides: Mapping[str, Any]) -> Scenario:
        """A copy with values replaced by dotted path, e.g. ``{"support.queues.phone.patience.mean": "90 s"}``.

        Raises:
            InputError: a path or value that is not allowed.
        """
        from simulator.scenario.loading import Document, freeze, resolve

        return freeze(resolve(Document(self.document()), overrides=overrides))
