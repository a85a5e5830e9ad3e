"""Cohorts of accounts over twelve months: who was there then, who still is, and what they pay now."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from simulator.success.portfolio import Portfolio

MONTHS = 12

SUMS = ("accounts_then", "accounts_now", "mrr_then", "mrr_now", "mrr_kept")
"""Last axis of cohort sums; ``mrr_kept`` is the sum over accounts of the smaller of now and then."""


class Cohorts:
    """The accounts that were there at the openings of the last twelve months, with their revenue then.

    Rows of a portfolio never move, so that a snapshot is two arrays and memory does not grow with the horizon.
    """

    def __init__(self, segments: int) -> None:
        self.segments = segments
        self._then: deque[tuple[NDArray[np.bool_], NDArray[np.float64]]] = deque(maxlen=MONTHS)

    def open(self, portfolio: Portfolio, month: int) -> None:
        """Note who is there when a month opens (accounts that join in it are not)."""
        here = portfolio.alive & (portfolio.contract_month < month)
        self._then.append((here, np.where(here, portfolio.opening_mrr, 0.0)))

    def close(self, portfolio: Portfolio) -> NDArray[np.float64]:
        """Sums over the accounts of twelve openings ago, float64 (S, :data:`SUMS`); NaN before twelve have passed."""
        if len(self._then) < MONTHS:
            return np.full((self.segments, len(SUMS)), np.nan)
        here, then = self._then[0]
        segment, alive = portfolio.segment[: len(here)], portfolio.alive[: len(here)]
        now = np.where(here, portfolio.mrr[: len(here)], 0.0)
        parts = (here, here & alive, then, now, np.minimum(now, then))
        sums = [np.bincount(segment, weights=part.astype(float), minlength=self.segments) for part in parts]
        return np.stack(sums, axis=-1)
