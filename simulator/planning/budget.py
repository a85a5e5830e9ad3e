"""What people cost. Two costs, never mixed: that of the plan (employed people, :func:`simulator.horizon.plan_cost`) and
that of the need (clairvoyant, never a budget)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.horizon import pay_of, units
from simulator.scenario.schema import Scenario


def need_cost(
    scenario: Scenario, heads: NDArray[np.float64], paid: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Loaded pay and seats of the heads of a need, float64 (U, M): nobody is hired early or leaves.

    Args:
        heads: float64 (U, M).
        paid: float64 (U, M), the same as contracts of full hours, where shifts say what is paid
            (:func:`simulator.planning.requirement.SupportNeed.full_time`); NaN where they do not.
    """
    pay = [pay_of(scenario, unit) for _, _, unit in units(scenario)]
    full_time = heads if paid is None else np.where(np.isnan(paid), heads, paid)
    raised = np.array([one.raised(heads.shape[1]) for one in pay]).reshape(heads.shape)
    seats = np.array([one.seat_per_month for one in pay])[:, None]
    return full_time * (np.array([one.per_month for one in pay])[:, None] - seats) * raised + heads * seats
