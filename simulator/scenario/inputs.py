"""Uncertain inputs: what we do not know, drawn once per input draw.

An uncertain input is a scalar with a law: triangular, uniform, normal, lognormal or a list of equally likely values,
its parameters written like the scalar itself. Normal and lognormal laws end at their 0.1 % and 99.9 % points; the ends
of every law are checked when a scenario is frozen, so that no draw is outside what its field takes. A field of whole
numbers takes the nearest one.

Every draw is made as a normal score z and read through the law: x = Q(Φ(z)) with Q the quantile function (a Gaussian
copula). The score of month m = 0, ..., M - 1 is made from independent keyed scores e_0, e_1, ...:

* constant: z_m = e_0, one value for the whole horizon;
* autoregressive with correlation r: z_0 = e_0 and z_m = r z_{m-1} + sqrt(1 - r²) e_m, so every month has the law;
* random walk: z_m = (e_0 + ... + e_m) / sqrt(M), which starts near the middle and has the law in the last month (a
  forecast that is less sure the further it looks).

Inputs that name one factor share the scores, and so stand at the same quantile when their path rules are equal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, TypeVar

from pydantic import ValidationError

from simulator import randomness
from simulator.errors import InputError, ParameterError, UnitError, ValueRefused, nearest
from simulator.scenario import faults
from simulator.scenario.document import Document, Steps
from simulator.scenario.paths import LIST, place, slot_at
from simulator.scenario.schema import DayTable, Part, Quantity, Scenario, UncertainInput

TAIL = 0.001
"""Probability beyond each end of a law that has no ends of its own."""

_NORMAL = NormalDist()
_SCORE = randomness.purpose("uncertain")

Value = float | list[float]
"""A value in the base unit of its field (seconds, months, a share of 1), or one per month."""


@dataclass(frozen=True)
class Spread:
    """The law of one uncertain input in the base unit of its field."""

    inverse: Callable[[float], float]
    quantity: Quantity
    tail: float = 0.0

    def quantile(self, probability: float) -> float:
        """The value below which the input lies with ``probability`` (the ends at 0 and 1)."""
        value = self.inverse(min(max(probability, self.tail), 1.0 - self.tail))
        return float(math.floor(value + 0.5)) if self.quantity.whole else value

    def written(self, value: float) -> object:
        """A value as the text or number that stands in a document."""
        return self.quantity.write(int(value) if self.quantity.whole else value)


def spread(law: UncertainInput, quantity: Quantity) -> Spread:
    """The law of an uncertain input whose field takes ``quantity``.

    Raises:
        ValueRefused: a parameter that the field does not take, or an order that makes no law; ``where`` leads to it.
    """
    if law.triangular is not None:
        low, mode, high = (_read(quantity, value, "triangular", i) for i, value in enumerate(law.triangular))
        _require(low <= mode <= high and low < high, "triangular", "low <= mode <= high and low < high")
        return Spread(lambda p: _triangular(p, low, mode, high), quantity)
    if law.uniform is not None:
        first, last = (_read(quantity, value, "uniform", i) for i, value in enumerate(law.uniform))
        _require(first < last, "uniform", "low < high")
        return Spread(lambda p: first + p * (last - first), quantity)
    if law.values is not None:
        values = sorted(_read(quantity, value, "values", i) for i, value in enumerate(law.values))
        _require(bool(values), "values", "at least one value")
        return Spread(lambda p: values[min(int(p * len(values)), len(values) - 1)], quantity)
    if law.normal is not None:
        _require(set(law.normal) == {"mean", "sd"}, "normal", "mean and sd")
        mean, sd = (_read(quantity, law.normal[name], "normal", name) for name in ("mean", "sd"))
        _require(sd > 0, "normal", "an sd over 0")
        return Spread(NormalDist(mean, sd).inv_cdf, quantity, TAIL)
    assert law.lognormal is not None
    middle, sigma = _lognormal(law.lognormal, quantity)
    return Spread(lambda p: middle * math.exp(sigma * _NORMAL.inv_cdf(p)), quantity, TAIL)


def _lognormal(body: Mapping[Any, Any], quantity: Quantity) -> tuple[float, float]:
    plain = Quantity(_number, float, "a number over 0", 0.2)
    if set(body) == {"mean", "cv"}:
        mean, cv = _read(quantity, body["mean"], "lognormal", "mean"), _read(plain, body["cv"], "lognormal", "cv")
        _require(mean > 0 and cv > 0, "lognormal", "a mean and a cv over 0")
        variance = math.log1p(cv * cv)
        return mean * math.exp(-variance / 2), math.sqrt(variance)
    _require(set(body) == {"median", "sigma"}, "lognormal", "mean and cv, or median and sigma")
    median = _read(quantity, body["median"], "lognormal", "median")
    sigma = _read(plain, body["sigma"], "lognormal", "sigma")
    _require(median > 0 and sigma > 0, "lognormal", "a median and a sigma over 0")
    return median, sigma


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnitError(f"{value!r} is no number")
    return float(value)


def _read(quantity: Quantity, value: object, *where: str | int) -> float:
    try:
        return float(quantity.read(value))
    except UnitError as error:
        allowed = error.allowed or quantity.allowed
        raise ValueRefused(str(error), where=where, allowed=allowed, nearest=error.nearest) from None


def _require(condition: bool, family: str, need: str) -> None:
    if not condition:
        raise ValueRefused(f"the {family} law is none", where=(family,), allowed=need)


def _triangular(p: float, low: float, mode: float, high: float) -> float:
    if p * (high - low) < mode - low:
        return low + math.sqrt(p * (high - low) * (mode - low))
    return high - math.sqrt((1 - p) * (high - low) * (high - mode))


# --- drawing ----------------------------------------------------------------------------------------------------------


def spreads(scenario: Scenario) -> dict[str, Spread]:
    """The laws of a scenario's uncertain inputs by path."""
    found = {}
    for path, law in scenario.uncertain.items():
        slot = slot_at(tuple(path.split(".")))
        assert slot, path
        assert slot.quantity, path  # both were checked when the scenario was frozen
        found[path] = spread(law, slot.quantity)
    return found


def sources(scenario: Scenario) -> dict[str, tuple[str, ...]]:
    """What varies independently: the paths moved by each factor (``factor.<name>``) or lone input (its own path)."""
    found: dict[str, tuple[str, ...]] = {}
    for path, law in scenario.uncertain.items():
        source = _source(path, law)
        found[source] = (*found.get(source, ()), path)
    return found


def draw(scenario: Scenario, seed: int, draw_index: int) -> dict[str, Value]:
    """One draw of every uncertain input, a pure function of its arguments.

    Args:
        draw_index: the number of the input draw (shared by its chance repeats).

    Returns:
        By path: a value in the field's base unit, or a list of one per month for a monthly path.
    """
    months = scenario.calendar.months or 1
    values: dict[str, Value] = {}
    for path, law in spreads(scenario).items():
        given = scenario.uncertain[path]
        stream = randomness.stream(seed, draw_index, f"uncertain.{_source(path, given)}")
        count = 1 if given.path == "constant" else months
        scores = [_NORMAL.inv_cdf(float(randomness.uniform(stream, _SCORE, month)[0])) for month in range(count)]
        row = [law.quantile(_NORMAL.cdf(score)) for score in _walk(given, scores)]
        values[path] = row[0] if given.path == "constant" else row
    return values


def _source(path: str, law: UncertainInput) -> str:
    return path if law.factor is None else f"factor.{law.factor}"


def _walk(law: UncertainInput, scores: list[float]) -> list[float]:
    """The monthly scores of a path rule from independent ones."""
    if law.path == "constant":
        return scores
    keep, fresh = (1.0, 1.0) if law.path == "random_walk" else (law.correlation, math.sqrt(1 - law.correlation**2))
    row = [scores[0]]
    for score in scores[1:]:
        row.append(keep * row[-1] + fresh * score)
    return [score / math.sqrt(len(scores)) for score in row] if law.path == "random_walk" else row


def by_quantile(scenario: Scenario, quantiles: Mapping[str, float]) -> dict[str, Value]:
    """Values at given quantiles for a sensitivity design; inputs that are not named stand at their median.

    Args:
        quantiles: probability in [0, 1] by source (see :func:`sources`); a path that belongs to a factor moves the
            whole factor. The quantile holds in every month.

    Raises:
        ParameterError: an unknown source, a probability outside [0, 1], or one factor at two quantiles.
    """
    known = sources(scenario)
    at_source: dict[str, float] = {}
    for name, probability in quantiles.items():
        source = next((s for s, paths in known.items() if name == s or name in paths), None)
        if source is None:
            hint = nearest(name, [*known, *scenario.uncertain])
            raise ParameterError(f"{name!r} is no uncertain input" + (f"; did you mean {hint!r}?" if hint else ""))
        if not 0.0 <= probability <= 1.0:
            raise ParameterError(f"the quantile of {name} must lie between 0 and 1, not {probability}")
        if at_source.setdefault(source, probability) != probability:
            raise ParameterError(f"{source} is set to two quantiles, {at_source[source]} and {probability}")
    return {
        path: law.quantile(at_source.get(_source(path, scenario.uncertain[path]), 0.5))
        for path, law in spreads(scenario).items()
    }


def at(scenario: Scenario, values: Mapping[str, Value], month: int | None = None) -> Scenario:
    """The scenario with its uncertain inputs fixed at ``values`` (others at their median); nothing in it is uncertain.

    Args:
        values: in base units, as :func:`draw` and :func:`by_quantile` return them.
        month: which entry of monthly values to take, from 0. Without it, monthly values are possible only where the
            field takes a list by month.

    Raises:
        ParameterError: a path that is not uncertain, or monthly values without a month.
        InputError: values that are allowed one by one but not together.
    """
    laws = spreads(scenario)
    changes: dict[Steps, Any] = {}
    for path, value in values.items():
        if path not in laws:
            raise ParameterError(f"{path!r} is no uncertain input of the scenario")
        steps = tuple(path.split("."))
        if isinstance(value, list) and month is not None:
            value = value[month]
        if not isinstance(value, list):
            changes[steps] = laws[path].written(value)
        elif (slot := slot_at(steps)) is not None and slot.kind == LIST:
            changes[steps] = [laws[path].written(one) for one in value]
        else:
            raise ParameterError(f"{path} has one value per month: say which month")
    return _fixed(scenario.model_copy(update={"uncertain": {}}), changes, ())


_PartType = TypeVar("_PartType", bound=Part)


def _fixed(part: _PartType, changes: Mapping[Steps, Any], here: Steps) -> _PartType:
    """``part`` with values set at paths below it; only the parts that hold one of them are read anew."""
    own: dict[Steps, Any] = {}
    below: dict[str | int, dict[Steps, Any]] = {}
    for steps, value in changes.items():
        if _parts(getattr(part, str(steps[0]), None)):
            below.setdefault(steps[0], {})[steps[1:]] = value
        else:
            own[steps] = value
    update: dict[str, Any] = {}
    for name, inner in below.items():
        value = getattr(part, str(name))
        if isinstance(value, Part):
            update[str(name)] = _fixed(value, inner, (*here, name))
            continue
        by_key: dict[str | int, dict[Steps, Any]] = {}
        for steps, item in inner.items():
            by_key.setdefault(steps[0], {})[steps[1:]] = item
        update[str(name)] = value | {k: _fixed(value[k], item, (*here, name, k)) for k, item in by_key.items()}
    if not own:
        return part.model_copy(update=update)
    parts = {name: value for name, value in part if _parts(value)}
    data = part.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=set(parts))
    for steps, value in own.items():
        place(data, steps, value)
    try:
        return type(part).model_validate(data | parts | update)
    except ValidationError as error:
        raise InputError(faults.problems(error, Document({}, file="drawn inputs"), here)) from None


def _parts(value: object) -> bool:
    """Whether a field holds a part, parts by name, or a table of dates, which is long and nothing in it uncertain."""
    return isinstance(value, Part | DayTable) or (
        isinstance(value, Mapping) and bool(value) and all(isinstance(item, Part) for item in value.values())
    )
