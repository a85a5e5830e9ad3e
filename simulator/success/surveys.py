"""Surveys: who answers, with which score.

A survey goes out at the close of every n-th month to the accounts that are there; a covered account answers with the
survey's response rate, and its score is drawn from the survey's distribution of answers. Coverage, response and score
are keyed by account (the latter two also by month). Lateness and usage move an answer when their couplings ask for it:
the place in the distribution shifts on the scale of log-odds. The place itself is drawn, so that a survey observes
usage with noise.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, fields

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

    def share_of(self, survey: int, lowest: int, highest: int) -> float:
        """Share of a survey's answers with a score from ``lowest`` to ``highest``."""
        weights = self.answers[survey]
        return float(weights[lowest : highest + 1].sum() / weights.sum())

    @functools.cached_property
    def cumulated(self) -> NDArray[np.float64]:
        """Distribution function of the scores. Shape (K, HIGHEST + 1)."""
        total = self.answers.cumsum(axis=1)
        return total / total[:, -1:]


@dataclass(frozen=True, eq=False)
class Answers:
    """Who answered what (n answers).

    Attributes:
        month: int64 (n,), at whose close the survey was answered.
        survey, account, score: int64 (n,).
    """

    month: NDArray[np.int64]
    survey: NDArray[np.int64]
    account: NDArray[np.int64]
    score: NDArray[np.int64]

    @classmethod
    def join(cls, parts: Sequence[Answers]) -> Answers:
        """Several lists as one."""
        empty = np.zeros(0, dtype=np.int64)
        return cls(*(np.concatenate([empty, *(getattr(p, f.name) for p in parts)]) for f in fields(cls)))


def close_month(
    surveys: SurveyTables, portfolio: Portfolio, grid: TimeGrid, month: int, shift: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64], Answers]:
    """Sums of the answers given at the close of a month, float64 (K, S, :data:`SUMS`), and the answers.

    Args:
        shift: float64 (A,), by which the log-odds of each account's place in the distribution move; default 0.
    """
    segments = surveys.coverage.shape[1]
    sums, given = np.zeros((len(surveys.names), segments, len(SUMS))), []
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
        whole = score.astype(np.int64)
        given.append(Answers(np.full_like(whole, month), np.full_like(whole, k), np.flatnonzero(rows), whole))
        parts = (np.ones(len(score)), score >= 9, score <= 6, score >= 4, score, score**2)
        for i, part in enumerate(parts):
            sums[k, :, i] = np.bincount(portfolio.segment[rows], weights=part, minlength=segments)
    return sums, Answers.join(given)
