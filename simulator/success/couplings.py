"""How service acts on customers: what an account has seen becomes shifts of log-odds at the month's close.

Every coefficient is 0 unless the scenario sets it, and then nothing is followed and nothing shifts. What evidence there
is: work pressure erodes standards and loses revenue (Oliva & Sterman, Management Science 47(7), 2001); multitasking
lengthens delay and lowers satisfaction (Goes, Ilk, Lin & Zhao, Management Science 64(7), 2018). Both give a direction
and no coefficient for CSM work; figures that circulate for late touches or held reviews have no traceable study and
confuse selection (good accounts are served well) with effect.

Exposures, by account: the share of its activities late or missed in the last twelve months, with those overdue now; an
activity late, missed or overdue while it was onboarding (ever); changes of its owner in the last twelve months; by
activity the share done in time in the last twelve months. Over all accounts: the share of the month's contacts not
answered within their queue's time.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simulator.scenario.schema import Scenario
from simulator.success.portfolio import Portfolio
from simulator.success.tables import ActivityTables, StepOutcome
from simulator.success.timeliness import COUPLED_MONTHS, Timeliness


@dataclass(frozen=True, eq=False)
class CouplingTables:
    """Coefficients of one scenario (K activities), shifts of log-odds.

    Attributes:
        churn_late, expansion_late, survey_late, churn_onboarding, churn_handover, churn_support: see
            :class:`simulator.scenario.schema.Couplings`.
        churn, expansion, churn_of_all: float64 (K,), see :class:`simulator.scenario.schema.Effect`.
    """

    churn_late: float = 0.0
    expansion_late: float = 0.0
    survey_late: float = 0.0
    churn_onboarding: float = 0.0
    churn_handover: float = 0.0
    churn_support: float = 0.0
    churn: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    expansion: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    churn_of_all: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def of(cls, scenario: Scenario) -> CouplingTables:
        """The coefficients of a scenario."""
        one = scenario.couplings
        effects = [a.effect for a in scenario.success.activities.values()] if scenario.success else []
        return cls(
            one.churn_by_late_activities,
            one.expansion_by_late_activities,
            one.survey_by_late_activities,
            one.churn_by_late_onboarding,
            one.churn_by_handover,
            one.churn_by_slow_support,
            np.array([e.churn for e in effects], dtype=float),
            np.array([e.expansion for e in effects], dtype=float),
            np.array([e.churn_of_all for e in effects], dtype=float),
        )

    @property
    def by_activity(self) -> bool:
        """Whether activities must be told apart, for which the engines have to keep records."""
        return bool(self.churn.any() or self.expansion.any() or self.churn_of_all.any())


@dataclass(frozen=True, eq=False)
class Shifts:
    """Shifts of log-odds by account, float64 (A,) each; None for none."""

    churn: NDArray[np.float64] | None = None
    expansion: NDArray[np.float64] | None = None
    survey: NDArray[np.float64] | None = None


class Exposure:
    """What couplings look back on beside timeliness: owners, onboarding, and activities told apart."""

    def __init__(self, activities: int) -> None:
        self.activities = activities
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
            settled: int64 (3, n), activity, account and outcome of the headline steps settled; None when activities are
                not told apart.
        """
        size = len(portfolio)
        self._moved.append(moved.astype(np.int64))
        _, late, overdue = timeliness.month()
        known = np.zeros(size, dtype=bool)
        known[: len(self._late_onboarding)] = self._late_onboarding
        onboarding = portfolio.stage(opened, np.arange(size)) == 0
        self._late_onboarding = known | (onboarding & (late + overdue > 0))
        if settled is not None:
            activity, account, outcome = settled
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
        late = timeliness.late_share(COUPLED_MONTHS)
        churn = tables.churn_late * late + tables.churn_onboarding * self._late_onboarding
        churn = churn + tables.churn_handover * _last(self._moved, len(portfolio)) + tables.churn_support * slow_support
        expansion = tables.expansion_late * late
        if tables.by_activity and self._settled:
            done, settled = (_last(counts, len(portfolio)) for counts in (self._done, self._settled))
            share = np.divide(done, settled, out=np.zeros(done.shape), where=settled > 0)
            churn = churn + share @ tables.churn
            expansion = expansion + share @ tables.expansion
            served = portfolio.served
            whole, base = done[served].sum(axis=0), settled[served].sum(axis=0)
            churn = churn + float(
                np.divide(whole, base, out=np.zeros(len(whole)), where=base > 0) @ tables.churn_of_all
            )
        return Shifts(churn, expansion, tables.survey_late * late)


def settled_headlines(
    activities: ActivityTables, rows: NDArray[np.void], activity: NDArray[np.int64], account: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Activity, account and outcome of the headline steps among records. Shape (3, n).

    Args:
        rows: step records of a call (:data:`simulator.success.tables.ROW`).
        activity, account: int64, of every instance released so far, by its number.
    """
    of = activity[rows["instance"]]
    chosen = (rows["step"] == activities.headline_step[of]) & (rows["outcome"] <= StepOutcome.MISSED)
    return np.stack([of[chosen], account[rows["instance"][chosen]], rows["outcome"][chosen]])


def _last(months: list[NDArray[np.int64]], size: int) -> NDArray[np.int64]:
    """Sum over the last months; rows are only ever appended, so that early months are shorter."""
    total = np.zeros((size, *(months[0].shape[1:] if months else ())), dtype=np.int64)
    for counts in months[-COUPLED_MONTHS:]:
        total[: len(counts)] += counts
    return total
