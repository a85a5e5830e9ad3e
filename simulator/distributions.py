"""Durations and amounts as laws: values that know their mean and spread, and tables that engines look up.

A law is ``scale`` times a law of mean 1, so a changed mean (a slower system, an uncertain handle time) needs no new
table. Families: exponential, gamma, lognormal, weibull, uniform, triangular, deterministic, hyperexponential and
empirical; any of them may carry an atom at zero.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulator.errors import ParameterError

CELLS_PER_OCTAVE = 128
OCTAVES = 30
CELLS_PER_SIDE = CELLS_PER_OCTAVE * OCTAVES

MOST_SPREAD = 100.0
"""Largest coefficient of variation of a law: of a wilder one, a year's draws do not show the mean."""

FAMILIES = (
    "deterministic",
    "exponential",
    "gamma",
    "lognormal",
    "weibull",
    "uniform",
    "triangular",
    "hyperexponential",
    "empirical",
)


@dataclass(frozen=True)
class Law:
    """A non-negative random quantity.

    Attributes:
        family: one of :data:`FAMILIES`.
        scale: mean of the part that is not the atom, in the law's own unit (seconds, hours, money).
        shape: parameters of the unit-mean law: gamma (shape,), lognormal (sigma,), weibull (shape,), uniform
            (low, high), triangular (low, mode, high), hyperexponential (p1, mean1, p2, mean2, ...), empirical (sorted
            values); none for the others. Locations are in units of the mean.
        zero: probability of exactly 0.
    """

    family: str
    scale: float
    shape: tuple[float, ...] = ()
    zero: float = 0.0

    @property
    def mean(self) -> float:
        """Mean with the atom counted."""
        return (1.0 - self.zero) * self.scale

    @property
    def cv(self) -> float:
        """Coefficient of variation with the atom counted."""
        if self.mean == 0:
            return 0.0
        second = (1.0 - self.zero) * self.scale**2 * (1.0 + unit_variance(self.family, self.shape))
        return math.sqrt(max(second / self.mean**2 - 1.0, 0.0))

    def scaled(self, factor: float) -> Law:
        """The law of ``factor`` times this quantity."""
        return replace(self, scale=self.scale * factor)

    def survival(self, t: float | NDArray[np.float64]) -> NDArray[np.float64]:
        """P(X > t), elementwise."""
        x = np.asarray(t, dtype=float) / self.scale if self.scale else np.asarray(t, dtype=float) * np.inf
        tail = unit_survival(self.family, self.shape, x)
        return np.where(np.asarray(t) < 0, 1.0, (1.0 - self.zero) * tail)

    def quantile(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """The exact inverse of the distribution function at ``u`` in (0, 1), atom included."""
        p = np.clip((np.asarray(u, dtype=float) - self.zero) / (1.0 - self.zero), 0.0, 1.0) if self.zero < 1 else u * 0
        inner = unit_quantile(self.family, self.shape, np.where(p > 0, p, 0.5), upper=False)
        return np.where(np.asarray(u) <= self.zero, 0.0, self.scale * inner)


# --- construction: by mean and cv or by own parameters ---------------------------------------------------------------


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ParameterError(message)


def deterministic(value: float) -> Law:
    """A constant."""
    _require(value >= 0, f"a constant duration must not be negative, not {value}")
    return Law("deterministic", float(value))


def exponential(mean: float) -> Law:
    _require(mean > 0, f"mean must be positive, not {mean}")
    return Law("exponential", float(mean))


def gamma(mean: float, cv: float | None = None, shape: float | None = None) -> Law:
    """Gamma by mean and either cv or shape (shape = 1 / cv²)."""
    _require(mean > 0, f"mean must be positive, not {mean}")
    _require((cv is None) != (shape is None), "gamma takes exactly one of cv and shape")
    k, least = _positive(shape, "shape") if shape is not None else 1.0 / max(_spread(cv), 1e-9) ** 2, MOST_SPREAD**-2
    _require(k >= least, f"the shape of a gamma law must be at least {least:g}, not {shape}")
    return Law("gamma", float(mean), (k,))


def lognormal(
    mean: float | None = None,
    cv: float | None = None,
    median: float | None = None,
    sigma: float | None = None,
) -> Law:
    """Lognormal by mean and cv, or by median and the standard deviation of the logarithm."""
    if mean is not None and cv is not None and median is None and sigma is None:
        return Law("lognormal", _positive(mean, "mean"), (math.sqrt(math.log1p(_spread(cv) ** 2)),))
    if median is not None and sigma is not None and mean is None and cv is None:
        s = _positive(sigma, "sigma")
        _require(s <= 5, f"sigma must be at most 5, not {sigma}")
        return Law("lognormal", _positive(median, "median") * math.exp(s * s / 2), (s,))
    raise ParameterError("lognormal takes mean and cv, or median and sigma")


def weibull(
    mean: float | None = None, shape: float | None = None, scale: float | None = None, cv: float | None = None
) -> Law:
    """Weibull by mean and shape, mean and cv, or scale and shape (shape < 1: impatience falls with the wait)."""
    if shape is None:
        _require(cv is not None and mean is not None, "weibull takes mean and shape, mean and cv, or scale and shape")
        shape = _weibull_shape(_spread(cv))
    k, (least, most) = _positive(shape, "shape"), _WEIBULL_SHAPES
    _require(least <= k <= most, f"the shape of a weibull law lies between {least:g} and {most:g}, not {shape}")
    _require((mean is None) != (scale is None), "weibull takes exactly one of mean and scale beside its shape")
    m = _positive(mean, "mean") if mean is not None else _positive(scale, "scale") * math.gamma(1 + 1 / k)
    return Law("weibull", m, (k,))


def uniform(low: float, high: float) -> Law:
    _require(0 <= low < high, f"uniform needs 0 <= low < high, not {low} and {high}")
    m = (low + high) / 2
    return Law("uniform", m, (low / m, high / m))


def triangular(low: float, mode: float, high: float) -> Law:
    _require(
        0 <= low <= mode <= high and low < high, f"triangular needs 0 <= low <= mode <= high, not {low, mode, high}"
    )
    m = (low + mode + high) / 3
    return Law("triangular", m, (low / m, mode / m, high / m))


def hyperexponential(probabilities: Sequence[float], means: Sequence[float]) -> Law:
    """A mixture of exponentials: ``probabilities`` sum to 1, one mean each."""
    _require(len(probabilities) == len(means) > 0, "hyperexponential needs as many means as probabilities")
    _require(all(p >= 0 for p in probabilities) and abs(sum(probabilities) - 1) < 1e-9, "probabilities must sum to 1")
    _require(all(m > 0 for m in means), "means must be positive")
    total = sum(p * m for p, m in zip(probabilities, means, strict=True))
    flat = tuple(x for p, m in zip(probabilities, means, strict=True) for x in (float(p), m / total))
    return Law("hyperexponential", total, flat)


def empirical(values: Sequence[float] | NDArray[np.float64]) -> Law:
    """The recorded values, their quantiles joined by straight lines; zeros become the atom."""
    data = np.sort(np.asarray(values, dtype=float))
    _require(
        data.size > 0 and bool(np.all(np.isfinite(data))) and data[0] >= 0, "values must be finite and not negative"
    )
    positive = data[data > 0]
    if positive.size == 0:
        return deterministic(0.0)
    middle = float(_line_mean(positive))
    return Law("empirical", middle, tuple(positive / middle), zero=1.0 - positive.size / data.size)


def with_zero(law: Law, probability: float) -> Law:
    """``law`` with an atom: 0 with ``probability``, else as before."""
    _require(0 <= probability < 1, f"the probability of zero must be in [0, 1), not {probability}")
    return replace(law, zero=float(probability))


def _positive(value: float | None, name: str) -> float:
    _require(value is not None and value > 0, f"{name} must be positive, not {value}")
    return float(value)  # type: ignore[arg-type]


def _spread(cv: float | None) -> float:
    value = _positive(cv, "cv")
    _require(value <= MOST_SPREAD, f"cv must be at most {MOST_SPREAD:g}, not {cv}")
    return value


def _line_mean(sorted_values: NDArray[np.float64]) -> float:
    return (
        float(np.mean(sorted_values))
        if sorted_values.size == 1
        else float(np.mean((sorted_values[1:] + sorted_values[:-1]) / 2))
    )


_WEIBULL_SHAPES = (0.04, 200.0)


def _weibull_shape(cv: float) -> float:
    from scipy.optimize import brentq

    def gap(k: float) -> float:
        return unit_variance("weibull", (k,)) - cv * cv

    least = math.sqrt(unit_variance("weibull", (_WEIBULL_SHAPES[1],)))
    _require(cv >= least, f"the cv of a weibull law must be at least {least:.2g}, not {cv}; deterministic has none")
    return float(brentq(gap, *_WEIBULL_SHAPES))


# --- the unit-mean laws -----------------------------------------------------------------------------------------------


def unit_variance(family: str, shape: tuple[float, ...]) -> float:
    """Variance of the unit-mean law."""
    if family == "deterministic":
        return 0.0
    if family == "hyperexponential":
        p, m = np.array(shape[::2]), np.array(shape[1::2])
        return float(2 * np.sum(p * m * m) - 1)
    if family == "empirical":
        x = np.asarray(shape)
        if x.size == 1:
            return 0.0
        a, b = x[:-1], x[1:]
        return float(np.mean((a * a + a * b + b * b) / 3) - 1)
    if family == "exponential":
        return 1.0
    if family == "gamma":
        return 1.0 / shape[0]
    if family == "lognormal":
        return math.expm1(shape[0] ** 2)
    if family == "weibull":
        return math.exp(math.lgamma(1 + 2 / shape[0]) - 2 * math.lgamma(1 + 1 / shape[0])) - 1
    if family == "uniform":
        return (shape[1] - shape[0]) ** 2 / 12
    if family == "triangular":
        low, mode, high = shape
        return (low * low + mode * mode + high * high - low * mode - low * high - mode * high) / 18
    raise ParameterError(f"unknown family {family!r}")


def unit_survival(family: str, shape: tuple[float, ...], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """P(X > x) of the unit-mean law, elementwise."""
    x = np.asarray(x, dtype=float)
    if family == "deterministic":
        return np.where(x < 1.0, 1.0, 0.0)
    if family == "hyperexponential":
        p, m = np.array(shape[::2]), np.array(shape[1::2])
        return np.sum(p * np.exp(-np.maximum(x, 0.0)[..., None] / m), axis=-1)
    if family == "empirical":
        v = np.asarray(shape)
        if v.size == 1:
            return np.where(x < v[0], 1.0, 0.0)
        return 1.0 - np.interp(x, v, np.linspace(0.0, 1.0, v.size))
    at = np.maximum(x, 0.0)
    if family == "exponential":
        return np.exp(-at)
    if family == "weibull":
        return np.exp(-((at * math.gamma(1 + 1 / shape[0])) ** shape[0]))
    if family == "uniform":
        return np.clip((shape[1] - at) / (shape[1] - shape[0]), 0.0, 1.0)
    if family == "triangular":
        low, mode, high = shape
        rise, fall = (high - low) * (mode - low), (high - low) * (high - mode)
        left = 1.0 - np.clip(at - low, 0.0, None) ** 2 / (rise or 1.0)  # a side of no width is never looked at
        right = np.clip(high - at, 0.0, None) ** 2 / (fall or 1.0)
        return np.where(at < mode, left, right)
    from scipy import special  # not scipy.stats, which takes a second to load

    if family == "gamma":
        return np.asarray(special.gammaincc(shape[0], at * shape[0]))
    if family == "lognormal":
        with np.errstate(divide="ignore"):
            return np.asarray(special.ndtr(-(np.log(at) + shape[0] ** 2 / 2) / shape[0]))
    raise ParameterError(f"unknown family {family!r}")


def unit_quantile(family: str, shape: tuple[float, ...], p: NDArray[np.float64], *, upper: bool) -> NDArray[np.float64]:
    """Quantile of the unit-mean law at ``p`` from below, or from above (``upper``) with all digits of the tail."""
    p = np.asarray(p, dtype=float)
    if family == "deterministic":
        return np.ones_like(p)
    if family == "exponential":  # the plain formula keeps every digit, where scipy rounds through 1 - p
        return -np.log(p) if upper else -np.log1p(-p)
    if family == "empirical":
        v = np.asarray(shape)
        position = np.linspace(0.0, 1.0, v.size) if v.size > 1 else np.zeros(1)
        return np.interp(1.0 - p if upper else p, position, v)
    if family == "hyperexponential":
        return _invert_hyperexponential(shape, p, upper)
    if family == "weibull":
        exponential = -np.log(p) if upper else -np.log1p(-p)
        return exponential ** (1 / shape[0]) / math.gamma(1 + 1 / shape[0])
    if family == "uniform":
        return shape[1] - p * (shape[1] - shape[0]) if upper else shape[0] + p * (shape[1] - shape[0])
    if family == "triangular":
        low, mode, high = shape
        below, above = (1.0 - p, p) if upper else (p, 1.0 - p)
        left = low + np.sqrt(below * (high - low) * (mode - low))
        right = high - np.sqrt(above * (high - low) * (high - mode))
        return np.where(below * (high - low) < mode - low, left, right)
    from scipy import special  # not scipy.stats, which takes a second to load

    if family == "gamma":
        inverse = special.gammainccinv if upper else special.gammaincinv
        return np.asarray(inverse(shape[0], p) / shape[0], dtype=np.float64)
    if family == "lognormal":
        score = -special.ndtri(p) if upper else special.ndtri(p)
        return np.asarray(np.exp(shape[0] * score - shape[0] ** 2 / 2))
    raise ParameterError(f"unknown family {family!r}")


def _invert_hyperexponential(shape: tuple[float, ...], p: NDArray[np.float64], upper: bool) -> NDArray[np.float64]:
    weight, mean = np.array(shape[::2]), np.array(shape[1::2])
    tail = p if upper else 1.0 - p
    low, high = np.zeros_like(p), np.full_like(p, float(mean.max()) * 60.0)
    for _ in range(200):  # bisection: certain, and done once per table
        middle = (low + high) / 2
        above = np.sum(weight * np.exp(-middle[..., None] / mean), axis=-1) > tail
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return (low + high) / 2


@functools.lru_cache(maxsize=512)
def unit_table(family: str, shape: tuple[float, ...]) -> NDArray[np.float64]:
    """Quantiles of a unit-mean law on the grid of :func:`simulator.kernels.quantile`.

    Returns:
        float64, shape (2, CELLS_PER_SIDE + 1): half (0 below, 1 above the median) by knot; knot k lies at the
        distance ``w/2`` from the end of its half, where w runs from 1 (the median) through 128 equal cells per octave
        down to 2^-30. Between knots engines interpolate linearly in w. The error of that is bounded by h²/8 times the
        curvature: below 8e-6 of the mean at any point for an exponential law. The mean of a smooth law with a cv of up
        to 3 is off by less than 1e-5 of itself, of an empirical law by less than 1e-4 (tests/test_distributions.py).
        Beyond the last knot, a probability of 5e-10 on each side, the quantile is constant.
    """
    knot = np.arange(CELLS_PER_SIDE + 1)
    octave, cell = np.divmod(knot, CELLS_PER_OCTAVE)
    w = np.ldexp(1.0 - cell / (2.0 * CELLS_PER_OCTAVE), -octave)
    table = np.stack(
        [
            unit_quantile(family, shape, w / 2, upper=False),
            unit_quantile(family, shape, w / 2, upper=True),
        ]
    )
    table.setflags(write=False)
    return table


@dataclass(frozen=True, eq=False)
class LawTables:
    """Laws as flat arrays for the engines.

    Attributes:
        tables: float64 (laws, 2, CELLS_PER_SIDE + 1), from :func:`unit_table`.
        scale: float64 (laws,), mean of the part beside the atom, in the law's unit.
        zero: float64 (laws,), probability of exactly 0.
    """

    tables: NDArray[np.float64]
    scale: NDArray[np.float64]
    zero: NDArray[np.float64]


class LawBook:
    """Collects laws while a scenario is turned into tables; equal laws share a row."""

    def __init__(self) -> None:
        self._rows: dict[Law, int] = {}

    def row(self, law: Law) -> int:
        """The row of ``law``, added when new."""
        return self._rows.setdefault(law, len(self._rows))

    def tables(self) -> LawTables:
        """All rows as arrays (at least one row, so that kernels never see an empty table)."""
        laws = list(self._rows) or [deterministic(0.0)]
        return LawTables(
            tables=np.stack([unit_table(law.family, law.shape) for law in laws]),
            scale=np.array([law.scale for law in laws]),
            zero=np.array([law.zero for law in laws]),
        )
