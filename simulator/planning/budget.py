"""What people cost. Two costs, never mixed: that of the plan (employed people, :func:`simulator.workforce.cost`) and
that of the need (clairvoyant, never a budget)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.horizon import units
from simulator.scenario.schema import Scenario


def need_cost(scenario: Scenario, heads: NDArray[np.float64]) -> NDArray[np.float64]:
    """Loaded pay of the heads of a need, float64 (U, M), from heads (U, M): nobody is hired early or leaves."""
    salary = np.array([unit.salary_per_year for _, _, unit in units(scenario)]) / 12.0
    return heads * salary[:, None] * scenario.hiring.loading
