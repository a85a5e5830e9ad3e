"""Every success KPI once, as functions of flows, sums and answers; the denominator stands where it is computed.

All functions are elementwise on arrays of any shape; nothing to divide by is NaN, never zero. Where the field uses one
name for several formulas, each has its own name here. Forms credited to "the articles" are those of the Japanese
introductions to customer success that the project started from.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulator.success.tables import (
    CONTRACTED,
    H_ABSENT,
    H_DESK,
    H_IDLE,
    H_INTERNAL,
    H_INTERRUPT,
    H_MEETING,
    H_OVERTIME,
    H_RESERVED,
    H_SETUP,
    STEP_MEASURES,
    ActivityTables,
)

Array = NDArray[np.float64]
Z95 = 1.959963984540054


def _real(values: ArrayLike) -> Array:
    return np.asarray(values, dtype=np.float64)


def ratio(numerator: ArrayLike, denominator: ArrayLike) -> Array:
    """Elementwise quotient, NaN where the denominator is not positive."""
    top, bottom = np.broadcast_arrays(_real(numerator), _real(denominator))
    return np.divide(top, bottom, out=np.full(top.shape, np.nan), where=bottom > 0.0)


# --- steps -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StepKpi:
    """A ratio of sums of steps; ``numerator`` and ``denominator`` are measures with plus and minus between them."""

    unit: Literal["share", "s"]
    numerator: str
    denominator: str

    def __call__(self, sums: ArrayLike) -> Array:
        """The value of sums (..., :data:`~simulator.success.tables.STEP_MEASURES`), NaN where nothing is counted."""
        return ratio(_form(self.numerator, sums), _form(self.denominator, sums))


STEP_KPIS: dict[str, StepKpi] = {
    # done by the due date (a meeting: begun before it); skipped steps count as missed, steps of departed accounts not
    "on_time_share": StepKpi("share", "on_time", "due"),
    # the same without steps that were late or missed after the customer had cancelled a slot in time
    "on_time_share_net_of_customer": StepKpi("share", "on_time", "due - customer_late"),
    "missed_share": StepKpi("share", "missed", "due"),
    "void_share": StepKpi("share", "void", "due + void"),
    # business seconds from the due date, over those done late
    "mean_delay": StepKpi("s", "delay", "late"),
    # business seconds from the moment work could begin to its end; of a follow-up its delay behind the meeting
    "mean_elapsed": StepKpi("s", "elapsed", "on_time + late"),
    # over bookings that reached their hour: held, cancelled by the customer, missed by the customer, or postponed by us
    "cancelled_share": StepKpi("share", "cancelled", "on_time + late + cancelled + no_show + postponed"),
    "no_show_share": StepKpi("share", "no_show", "on_time + late + cancelled + no_show + postponed"),
    "unprepared_share": StepKpi("share", "unprepared", "on_time + late + postponed"),
    # over searches for a slot
    "unbooked_share": StepKpi("share", "unbooked", "booked + unbooked"),
    # taken up with a share of their work, over those due
    "shortened_share": StepKpi("share", "shortened", "due"),
}


def _form(text: str, sums: ArrayLike) -> Array:
    array = _real(sums)
    total = np.zeros(array.shape[:-1])
    sign = 1.0
    for token in text.split():
        if token in "+-":
            sign = 1.0 if token == "+" else -1.0
        else:
            total += sign * array[..., STEP_MEASURES.index(token)]
    return total


def headline_sums(activities: ActivityTables, sums: ArrayLike) -> NDArray[np.number]:
    """Sums by activity: those of the step that speaks for it, its meeting or else its last one.

    Args:
        sums: (..., N, S, measures) by step.

    Returns:
        (..., K, S, measures) by activity.
    """
    return np.asarray(sums)[..., activities.headline_step, :, :]


def by_window(sums: ArrayLike, window: ArrayLike) -> NDArray[np.number]:
    """Sums (..., M, N, S, measures) by month added up to windows, quarters for instance.

    Args:
        window: int (M,), the window of each month, rising from 0 (``TimeGrid.quarter_of_month``).
    """
    array, of = np.asarray(sums), np.asarray(window)
    first = np.flatnonzero(np.diff(of, prepend=-1))
    return np.add.reduceat(array, first, axis=-4)


# --- CSM time --------------------------------------------------------------------------------------------------------


def hour_kpis(hours: ArrayLike) -> dict[str, Array]:
    """KPIs of CSM time from hours (..., :data:`~simulator.success.tables.HOUR_KINDS`) in any unit.

    ``utilisation`` is worked ÷ available, where worked is desk work, meetings, interrupts and getting back into work,
    and available is contracted time less internal time and absence (over 100 % with overtime). ``booked_share``:
    calendar slots of meetings ÷ available. ``reactive_share``: interrupts and getting back ÷ worked.
    ``internal_share``, ``absence_rate`` and ``overtime_share``: ÷ contracted.
    """
    h = _real(hours)
    reactive = h[..., H_INTERRUPT] + h[..., H_SETUP]
    worked = h[..., H_DESK] + h[..., H_MEETING] + reactive
    available = worked + h[..., H_IDLE] - h[..., H_OVERTIME]
    contracted = h[..., :CONTRACTED].sum(axis=-1) - h[..., H_OVERTIME]
    return {
        "utilisation": ratio(worked, available),
        "booked_share": ratio(h[..., H_RESERVED], available),
        "reactive_share": ratio(reactive, worked),
        "internal_share": ratio(h[..., H_INTERNAL], contracted),
        "absence_rate": ratio(h[..., H_ABSENT], contracted),
        "overtime_share": ratio(h[..., H_OVERTIME], contracted),
    }


# --- accounts and revenue --------------------------------------------------------------------------------------------

Denominator = Literal["opening", "closing", "average"]


def lost_accounts(events: Mapping[str, ArrayLike], counted: Collection[str] = ("cancel",)) -> Array:
    """Accounts lost, when the ``counted`` kinds of events count as churn.

    The articles differ: some count downgrades to a free plan and fewer seats as churn, others as contraction.

    Args:
        events: numbers of events by kind, such as ``cancel``, ``downgrade_to_free``, ``seat_reduction``.

    Raises:
        ValueError: a counted kind of which no numbers are given.
    """
    unknown = [kind for kind in counted if kind not in events]
    if unknown:
        raise ValueError(f"no numbers of events {unknown}; known: {list(events)}")
    return np.sum([_real(events[kind]) for kind in counted], axis=0)


def churn_rate(
    opening: ArrayLike, lost: ArrayLike, closing: ArrayLike | None = None, denominator: Denominator = "opening"
) -> Array:
    """Accounts lost ÷ accounts at the opening (default), at the closing, or the mean of both.

    Which events count as lost is the caller's choice: see :func:`lost_accounts`. With revenue in place of accounts this
    is revenue churn.

    Raises:
        ValueError: a denominator other than the opening without ``closing``.
    """
    if denominator == "opening":
        return ratio(lost, opening)
    if closing is None:
        raise ValueError(f"a churn rate by {denominator} accounts needs the closing accounts")
    if denominator == "closing":
        return ratio(lost, closing)
    return ratio(lost, (_real(opening) + _real(closing)) / 2)


def annual_churn(monthly: ArrayLike) -> Array:
    """What a constant monthly rate makes of a year: 1 - (1 - p)^12 (3 % a month is 30.6 % a year)."""
    return 1.0 - (1.0 - _real(monthly)) ** 12


def retention_cohort(opening: ArrayLike, opening_lost: ArrayLike) -> Array:
    """Opening accounts still there ÷ opening accounts: 1 - churn rate. The headline form."""
    return ratio(_real(opening) - _real(opening_lost), opening)


def retention_net_of_new(opening: ArrayLike, new: ArrayLike, closing: ArrayLike) -> Array:
    """(closing - new) ÷ opening, as one of the articles has it; the cohort form when no new account is lost at once."""
    return ratio(_real(closing) - _real(new), opening)


def retention_headcount_ratio(opening: ArrayLike, closing: ArrayLike) -> Array:
    """Closing ÷ opening, as some of the articles define retention; over 100 % when a base grows."""
    return ratio(closing, opening)


def nrr(opening: ArrayLike, expansion: ArrayLike, downgrade: ArrayLike, churned: ArrayLike) -> Array:
    """Net revenue retention: (opening + expansion - downgrade - churned) ÷ opening, all recurring revenue."""
    parts = [_real(x) for x in (opening, expansion, downgrade, churned)]
    return ratio(parts[0] + parts[1] - parts[2] - parts[3], parts[0])


def grr(opening: ArrayLike, downgrade: ArrayLike, churned: ArrayLike) -> Array:
    """Gross revenue retention: (opening - downgrade - churned) ÷ opening, as Gainsight's manual prints it."""
    parts = [_real(x) for x in (opening, downgrade, churned)]
    return ratio(parts[0] - parts[1] - parts[2], parts[0])


def cohort_nrr(then: ArrayLike, now: ArrayLike) -> Array:
    """Today's revenue of the accounts of then ÷ their revenue then; accounts along the last axis, lost ones at 0."""
    return ratio(np.sum(now, axis=-1), np.sum(then, axis=-1))


def cohort_grr(then: ArrayLike, now: ArrayLike) -> Array:
    """Sum of min(now, then) ÷ sum of then over the accounts of then (last axis): no growth hides another's loss."""
    return ratio(np.sum(np.minimum(now, then), axis=-1), np.sum(then, axis=-1))


def negative_churn(expansion: ArrayLike, downgrade: ArrayLike, churned: ArrayLike) -> NDArray[np.bool_]:
    """Months in which expansion exceeds churned and downgraded revenue."""
    return np.asarray(expansion) > np.asarray(churned) + np.asarray(downgrade)


def ltv_revenue(price: ArrayLike, frequency: ArrayLike, duration: ArrayLike, cap: float = 5.0) -> Array:
    """Price per purchase × purchases a year × years (at most ``cap``, 60 months): the revenue form of the articles.

    >>> float(ltv_revenue(500_000, 12, 3))
    18000000.0
    """
    return _real(price) * _real(frequency) * np.minimum(_real(duration), cap)


def ltv_net_of_cac(
    price: ArrayLike,
    margin: ArrayLike,
    frequency: ArrayLike,
    duration: ArrayLike,
    acquisition_cost: ArrayLike,
    cap: float = 5.0,
) -> Array:
    """Price × margin × frequency × duration - cost of acquisition: the net form of the articles.

    >>> float(ltv_net_of_cac(500_000, 0.5, 12, 3, 3_000_000))
    6000000.0
    """
    return ltv_revenue(price, frequency, duration, cap) * _real(margin) - _real(acquisition_cost)


def event_rate(accounts_with_event: ArrayLike, eligible: ArrayLike) -> Array:
    """Upsell or cross-sell rate: accounts with at least one such event ÷ accounts eligible at the start."""
    return ratio(accounts_with_event, eligible)


# --- surveys ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Score:
    """A survey score with its sample size and 95 % interval."""

    value: float
    answers: int
    low: float
    high: float


def nps(scores: ArrayLike) -> Score:
    """Net promoter score in points: share of 9 and 10 less share of 0 to 6, times 100.

    The interval is the normal one of a difference of two shares of one sample.

    Raises:
        ValueError: a score outside 0 to 10.
    """
    x = _real(scores)
    if x.size and (x.min() < 0 or x.max() > 10):
        raise ValueError("answers to the NPS question lie between 0 and 10")
    if not x.size:
        return Score(math.nan, 0, math.nan, math.nan)
    promoters, detractors = float(np.mean(x >= 9)), float(np.mean(x <= 6))
    value = promoters - detractors
    half = Z95 * math.sqrt(max(promoters + detractors - value**2, 0.0) / x.size)
    return Score(100 * value, x.size, 100 * max(value - half, -1.0), 100 * min(value + half, 1.0))


def csat(scores: ArrayLike) -> tuple[Score, float]:
    """Mean of a five-point answer with its interval, and the share of the top two answers.

    Raises:
        ValueError: an answer outside 1 to 5.
    """
    x = _real(scores)
    if x.size and (x.min() < 1 or x.max() > 5):
        raise ValueError("answers to the CSAT question lie between 1 and 5")
    if not x.size:
        return Score(math.nan, 0, math.nan, math.nan), math.nan
    mean = float(x.mean())
    half = Z95 * float(x.std(ddof=1)) / math.sqrt(x.size) if x.size > 1 else math.nan
    return Score(mean, x.size, mean - half, mean + half), float(np.mean(x >= 4))
