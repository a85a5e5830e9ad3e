"""Surveys: who answers, with which score.

A survey goes out at the close of every n-th month to the accounts that are there; a covered account answers with the
survey's response rate, and its score is drawn from the survey's distribution of answers. Coverage, response and score
are keyed by account (the latter two also by month). Lateness moves an answer down when the coupling asks for it: the
place in the distribution shifts on the scale of log-odds.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator import randomness
from simulator.scenario.schema import SCALES
from simulator.success.portfolio import Portfolio, month_ordinal, shifted
from simulator.timegrid import TimeGrid

HIGHEST = max(high for _, high in SCALES.values())

SUMS = ("answers", "promoters", "detractors", "top_two", "score", "score_squared")
"""Last axis of survey sums, each a sum over answers: promoters give 9 or 10, detractors 0 to 6, the top two 4 or 5."""


@dataclass(frozen=True, eq=False)
class SurveyTables:
    """The surveys of a scenario (K surveys, S segments).

    Attributes:
        names, kinds: K names and kinds (keys of :data:`simulator.scenario.schema.SCALES`).
        every_months: int64 (K,).
        coverage: float64 (K, S), share of a segment's accounts that are asked; the same accounts every time.
        response: float64 (K,), share of those asked who answer.
        answers: float64 (K, :data:`HIGHEST` + 1), weights of the scores.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    every_months: NDArray[np.int64]
    coverage: NDArray[np.float64]
    response: NDArray[np.float64]
    answers: NDArray[np.float64]

    @functools.cached_property
    def cumulated(self) -> NDArray[np.float64]:
        """Distribution function of the scores. Shape (K, HIGHEST + 1)."""
        total = self.answers.cumsum(axis=1)
        return total / total[:, -1:]


def close_month(
    surveys: SurveyTables, portfolio: Portfolio, grid: TimeGrid, month: int, shift: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Sums of the answers given at the close of a month, float64 (K, S, :data:`SUMS`).

    Args:
        shift: float64 (A,), by which the log-odds of each account's place in the distribution move; default 0.
    """
    segments = surveys.coverage.shape[1]
    sums = np.zeros((len(surveys.names), segments, len(SUMS)))
    leg = month_ordinal(grid, month)
    for k, name in enumerate(surveys.names):
        if (month + 1) % surveys.every_months[k]:
            continue
        covered, answered, place = (
            randomness.uniform(portfolio.key, randomness.purpose(f"survey.{name}.{use}"), legs)
            for use, legs in (("coverage", 0), ("response", leg), ("score", leg))
        )
        rows = portfolio.served & (covered < surveys.coverage[k][portfolio.segment]) & (answered < surveys.response[k])
        where = shifted(place, shift)[rows]
        score = np.searchsorted(surveys.cumulated[k], where, side="right").clip(max=HIGHEST).astype(float)
        parts = (np.ones(len(score)), score >= 9, score <= 6, score >= 4, score, score**2)
        for i, part in enumerate(parts):
            sums[k, :, i] = np.bincount(portfolio.segment[rows], weights=part, minlength=segments)
    return sums
