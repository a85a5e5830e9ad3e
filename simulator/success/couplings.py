"""How service acts on customers: what an account has seen becomes shifts of log-odds at the month's close.

Every coefficient is 0 unless the scenario sets it, and then nothing is followed and nothing shifts. What evidence there
is: work pressure erodes standards and loses revenue (Oliva & Sterman, Management Science 47(7), 2001); multitasking
lengthens delay and lowers satisfaction (Goes, Ilk, Lin & Zhao, Management Science 64(7), 2018). Both give a direction
and no coefficient for CSM work; figures that circulate for late touches or held reviews have no traceable study and
confuse selection (good accounts are served well) with effect.

Exposures, by account: its usage now, in standard deviations; the share of its activities late or missed in the last
twelve months, with those overdue now; an activity late, missed or overdue while it was onboarding (ever); changes of
its owner in the last twelve months; offers made to it in the last twelve months while it had not adopted yet, or used
little; by activity the share done in time in the last twelve months. Over all accounts: the share of the month's
contacts not answered within their queue's time. Over the people of a team: its overload (:func:`overload`). That
utilisation burns people out, and not in proportion, has been modelled (System Dynamics Conference 2013, "Burnout and
Floating Goals"); no figure for CSMs was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simulator.scenario.schema import Couplings, Scenario
from simulator.success.portfolio import STAGES, Portfolio
from simulator.success.tables import ActivityTables, StepOutcome
from simulator.success.timeliness import COUPLED_MONTHS, Timeliness
from simulator.timegrid import BusinessClock

NORMAL = 0.8
"""Utilisation up to which nobody is overloaded: the buffer that planners ask for (Runn's support pages)."""

OVERLOAD_MONTHS = 3
"""Months of work that tell whether people are overloaded: a peak of some weeks drives nobody away."""


@dataclass(frozen=True, eq=False)
class CouplingTables:
    """Coefficients of one scenario (K activities), shifts of log-odds.

    Attributes:
        general: see :class:`simulator.scenario.schema.Couplings`.
        churn, expansion, churn_of_all, usage: float64 (K,), see :class:`simulator.scenario.schema.Effect`.
        offers: bool (K,), activities that sell.
    """

    general: Couplings = field(default_factory=Couplings)
    churn: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    expansion: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    churn_of_all: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    usage: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    offers: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))

    @classmethod
    def of(cls, scenario: Scenario) -> CouplingTables:
        """The coefficients of a scenario."""
        activities = list(scenario.success.activities.values()) if scenario.success else []
        effects = [activity.effect for activity in activities]
        return cls(
            scenario.couplings,
            np.array([e.churn for e in effects], dtype=float),
            np.array([e.expansion for e in effects], dtype=float),
            np.array([e.churn_of_all for e in effects], dtype=float),
            np.array([e.usage for e in effects], dtype=float),
            np.array([activity.sells for activity in activities], dtype=bool),
        )

    @property
    def by_activity(self) -> bool:
        """Whether activities must be told apart, for which the engines have to keep records."""
        effects = self.churn.any() or self.expansion.any() or self.churn_of_all.any() or self.usage.any()
        return bool(effects or (self.general.churn_by_pushy_offers and self.offers.any()))


@dataclass(frozen=True, eq=False)
class Shifts:
    """Shifts by account, float64 (A,) each; None for none: of log-odds, and of mean usage in standard deviations."""

    churn: NDArray[np.float64] | None = None
    expansion: NDArray[np.float64] | None = None
    survey: NDArray[np.float64] | None = None
    usage: NDArray[np.float64] | None = None


class Exposure:
    """What couplings look back on beside timeliness: owners, onboarding, and activities told apart."""

    def __init__(self, activities: int, offers: NDArray[np.bool_]) -> None:
        self.activities = activities
        self.offers = offers
        self._pushed: list[NDArray[np.int64]] = []
        self._moved: list[NDArray[np.int64]] = []
        self._done: list[NDArray[np.int64]] = []
        self._settled: list[NDArray[np.int64]] = []
        self._late_onboarding = np.zeros(0, dtype=bool)

    def add(
        self,
        portfolio: Portfolio,
        opened: float,
        timeliness: Timeliness,
        moved: NDArray[np.bool_],
        settled: NDArray[np.int64] | None,
    ) -> None:
        """Note a month.

        Args:
            opened: horizon day on which the month opened.
            moved: bool (A,), accounts whose owner changed.
            settled: int64 (4, n), activity, account, outcome and day of the headline steps settled; None when
                activities are not told apart.
        """
        size = len(portfolio)
        self._moved.append(moved.astype(np.int64))
        _, late, overdue = timeliness.month()
        known = np.zeros(size, dtype=bool)
        known[: len(self._late_onboarding)] = self._late_onboarding
        stage = portfolio.stage(opened, np.arange(size))
        self._late_onboarding = known | ((stage == 0) & (late + overdue > 0))
        if settled is not None:
            activity, account, outcome, _ = settled
            unready = (stage < STAGES - 1) | np.isfinite(portfolio.low_since)
            made = self.offers[activity] & (outcome <= StepOutcome.LATE) & unready[account]
            self._pushed.append(np.bincount(account[made], minlength=size).astype(np.int64))
            cell = account * self.activities + activity
            counts = [
                np.bincount(cell[rows], minlength=size * self.activities).reshape(size, self.activities)
                for rows in (outcome == StepOutcome.ON_TIME, outcome <= StepOutcome.MISSED)
            ]
            self._done.append(counts[0])
            self._settled.append(counts[1])

    def shifts(
        self, tables: CouplingTables, portfolio: Portfolio, timeliness: Timeliness, slow_support: float
    ) -> Shifts:
        """The shifts at a month's close.

        Args:
            slow_support: share of the month's contacts that were not answered within their time.
        """
        one, size = tables.general, len(portfolio)
        late = timeliness.late_share(COUPLED_MONTHS)
        churn = one.churn_by_late_activities * late + one.churn_by_late_onboarding * self._late_onboarding
        churn = churn + one.churn_by_handover * _last(self._moved, size) + one.churn_by_slow_support * slow_support
        churn = churn + one.churn_by_usage * portfolio.usage
        expansion = one.expansion_by_late_activities * late + one.expansion_by_usage * portfolio.usage
        survey = one.survey_by_late_activities * late + one.survey_by_usage * portfolio.usage
        usage = np.zeros(size)
        if tables.by_activity and self._settled:
            churn = churn + one.churn_by_pushy_offers * _last(self._pushed, size)
            done, settled = (_last(counts, size) for counts in (self._done, self._settled))
            share = np.divide(done, settled, out=np.zeros(done.shape), where=settled > 0)
            churn = churn + share @ tables.churn
            expansion = expansion + share @ tables.expansion
            usage = share @ tables.usage
            served = portfolio.served
            whole, base = done[served].sum(axis=0), settled[served].sum(axis=0)
            churn = churn + float(
                np.divide(whole, base, out=np.zeros(len(whole)), where=base > 0) @ tables.churn_of_all
            )
        return Shifts(churn, expansion, survey, usage)


def overload(utilisation: Sequence[float]) -> float:
    """How far the mean utilisation of a team's last months goes beyond normal: 0 up to :data:`NORMAL`, 1 at 100 %.

    Args:
        utilisation: worked ÷ available by month (over 1 with overtime), the last at the end.
    """
    seen = [u for u in utilisation[-OVERLOAD_MONTHS:] if not np.isnan(u)]
    return max((float(np.mean(seen)) - NORMAL) / (1.0 - NORMAL), 0.0) if seen else 0.0


def settled_headlines(
    activities: ActivityTables,
    clock: BusinessClock,
    rows: NDArray[np.void],
    activity: NDArray[np.int64],
    account: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Activity, account, outcome and horizon day (of the end, where there is one) of the headline steps among records.
    Shape (4, n).

    Args:
        clock: the team's.
        rows: step records of a call (:data:`simulator.success.tables.ROW`).
        activity, account: int64, of every instance released so far, by its number.
    """
    of = activity[rows["instance"]]
    chosen = (rows["step"] == activities.headline_step[of]) & (rows["outcome"] <= StepOutcome.MISSED)
    business_day = np.clip(np.searchsorted(clock.start, rows["finished"][chosen]) - 1, 0, len(clock.day) - 1)
    return np.stack([of[chosen], account[rows["instance"][chosen]], rows["outcome"][chosen], clock.day[business_day]])


def _last(months: list[NDArray[np.int64]], size: int) -> NDArray[np.int64]:
    """Sum over the last months; rows are only ever appended, so that early months are shorter."""
    total = np.zeros((size, *(months[0].shape[1:] if months else ())), dtype=np.int64)
    for counts in months[-COUPLED_MONTHS:]:
        total[: len(counts)] += counts
    return total
