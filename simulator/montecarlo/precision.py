"""How sure a Monte Carlo estimate is, and how much of its spread is what we do not know.

Replications come as input draws with chance repeats: replication r is repeat ``r % repeats`` of draw ``r // repeats``.
Repeats share their inputs, so they are no independent sample: the standard error is taken over the means of the draws.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Z95 = 1.959963984540054
"""97.5 % point of the standard normal distribution."""


@dataclass(frozen=True)
class Estimate:
    """A mean over replications (arrays share the trailing shape of the data)."""

    mean: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    share_inputs: NDArray[np.float64]

    @property
    def low(self) -> NDArray[np.float64]:
        """Lower end of the 95 % interval of the mean."""
        return self.mean - Z95 * self.standard_error

    @property
    def high(self) -> NDArray[np.float64]:
        """Upper end of the 95 % interval of the mean."""
        return self.mean + Z95 * self.standard_error


def estimate(values: ArrayLike, repeats: int) -> Estimate:
    """Mean, standard error and share of the variance due to the inputs, along the first axis.

    The share is the one-way random-effects estimate ``max(0, (MSB - MSW) / repeats)`` over the sum of both components
    (Searle, Casella & McCulloch, Variance Components, 1992, section 3.2); NaN with one repeat, which cannot tell them
    apart. Missing values (NaN) are left out; a draw with a missing repeat counts with the repeats that it has.

    Args:
        values: shape (replications, ...); the last draw may be incomplete and then counts as it is.
    """
    x = np.asarray(values, dtype=float)
    draws = -(-x.shape[0] // repeats)
    padded = np.full((draws * repeats, *x.shape[1:]), np.nan)
    padded[: x.shape[0]] = x
    blocks = padded.reshape(draws, repeats, *x.shape[1:])
    present = ~np.isnan(blocks)
    count = present.sum(axis=1)
    filled = np.where(present, blocks, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        draw_mean = filled.sum(axis=1) / count
        used = (count > 0).sum(axis=0)
        mean = np.where(used > 0, np.nansum(filled.sum(axis=1), axis=0) / count.sum(axis=0), np.nan)
        deviation = np.where(count > 0, draw_mean - mean, 0.0)
        # the ratio estimator's variance: draws weigh by the repeats they have
        weight = count / np.where(count.sum(axis=0) > 0, count.sum(axis=0), 1)
        variance_of_mean = np.where(used > 1, (weight**2 * deviation**2).sum(axis=0) * used / (used - 1), np.nan)
        within_ss = np.where(present, (blocks - draw_mean[:, None]) ** 2, 0.0).sum(axis=(0, 1))
        within_df = (np.maximum(count - 1, 0)).sum(axis=0)
        msw = within_ss / within_df
        msb = (count * deviation**2).sum(axis=0) / (used - 1)
        between = np.maximum(msb - msw, 0.0) / repeats
        share = np.where((within_df > 0) & (between + msw > 0), between / (between + msw), np.nan)
    return Estimate(np.asarray(mean), np.sqrt(variance_of_mean), np.asarray(share))


def share_interval(spread: Estimate, values: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """95 % interval of a mean share that stays between 0 and 1: taken on the log-odds, where the standard error is
    that of the mean ÷ (p (1 - p)) (delta method; Agresti, Categorical Data Analysis, 2013, section 3.1.6).

    Ratios that may exceed 1 (net revenue retention) keep the plain interval, in all their columns.

    Args:
        spread: estimate of ``values``.
        values: shape (replications, ...).
    """
    x = np.asarray(values, dtype=float)
    known = x[~np.isnan(x)]
    if known.size and (known.min() < 0.0 or known.max() > 1.0):
        return spread.low, spread.high
    p = np.clip(spread.mean, 0.0, 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        odds = np.log(p / (1.0 - p))
        half = Z95 * spread.standard_error / (p * (1.0 - p))
        low, high = (1.0 / (1.0 + np.exp(-(odds + sign * half))) for sign in (-1.0, 1.0))
    certain = (p == 0.0) | (p == 1.0)
    return np.where(certain, p, low), np.where(certain, p, high)


def wilson(successes: ArrayLike, trials: ArrayLike, z: float = Z95) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Wilson's score interval of a proportion (E. B. Wilson, JASA 22:209-212, 1927), elementwise."""
    k, n = np.asarray(successes, dtype=float), np.asarray(trials, dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = k / n
        centre = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def clustered_wilson(
    flags: ArrayLike, repeats: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Share of true flags with a Wilson interval at the effective sample size.

    Chance repeats of one draw agree more than independent runs, so the plain Wilson interval would be too narrow: the
    number of trials is divided by the design effect (Kish, Survey Sampling, 1965), at least 1.

    Args:
        flags: shape (replications, ...), 1, 0 or NaN (not counted).

    Returns:
        share, low, high: arrays of the trailing shape.
    """
    x = np.asarray(flags, dtype=float)
    n = (~np.isnan(x)).sum(axis=0)
    spread = estimate(x, repeats)
    p = spread.mean
    with np.errstate(invalid="ignore", divide="ignore"):
        simple = p * (1 - p) / np.maximum(n, 1)
        effect = np.where(simple > 0, spread.standard_error**2 / simple, 1.0)
    effect = np.clip(np.nan_to_num(effect, nan=1.0), 1.0, repeats)
    low, high = wilson(p * n / effect, n / effect)
    return p, np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)


def paired_difference(first: ArrayLike, second: ArrayLike, repeats: int) -> Estimate:
    """``second - first`` on common draws: the mean of the pairs' differences with its error."""
    return estimate(np.asarray(second, dtype=float) - np.asarray(first, dtype=float), repeats)


def replications_for(standard_error: float, replications: int, half_width: float) -> int:
    """Replications that would bring the 95 % half width of a mean down to ``half_width``."""
    if not standard_error > 0:
        return replications
    return math.ceil(replications * (Z95 * standard_error / half_width) ** 2)
