"""KPIs of the success wing per replication, as :func:`simulator.studies.run.measures` collects them.

Values have shape (R, M + 1): months, then the horizon.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulator.success import kpis
from simulator.success.tables import DUE, DUE_AFTER, ELAPSED, LATE_DONE, MISSED, ON_TIME

if TYPE_CHECKING:
    from simulator.studies.run import Key, Simulated

Array = NDArray[np.float64]


def team_measures(simulated: Simulated) -> dict[Key, Array]:
    """What the work of each team comes to: on-time share, late steps, follow-up delay, revenue at risk.

    Follow-up delay is the mean working time from the moment a follow-up could begin (the end of the step before it) to
    its end, in the team's days; a horizon's revenue at risk is the mean of its months.
    """
    model = simulated.horizon.central.success
    assert model is not None
    with_total = np.concatenate([simulated.data["steps"], simulated.data["steps"].sum(axis=1, keepdims=True)], axis=1)
    follow_ups = model.activities.step_due == DUE_AFTER
    found: dict[Key, Array] = {}
    for team in model.teams:
        steps = with_total[:, :, :, team.segments].sum(axis=3)
        total = steps.sum(axis=2)
        after = steps[:, :, follow_ups].sum(axis=2)
        days = max(team.day_seconds, 1)
        values = {
            "on_time_share": ("share", kpis.ratio(total[..., ON_TIME], total[..., DUE])),
            "steps_late": ("count", total[..., LATE_DONE] + total[..., MISSED]),
            "follow_up_delay": (
                "days",
                kpis.ratio(after[..., ELAPSED] / days, after[..., ON_TIME] + after[..., LATE_DONE]),
            ),
            "revenue_at_risk": ("money", _mean(simulated.data["at_risk"][:, :, team.segments].sum(axis=2))),
        }
        for kpi, (unit, value) in values.items():
            if not np.isnan(value).all():
                found["success", "team", team.name, kpi, unit] = value
    return found


def segment_at_risk(simulated: Simulated) -> dict[Key, Array]:
    """Revenue at risk by segment and of all."""
    values = simulated.data["at_risk"]
    both = np.concatenate([values, values.sum(axis=2, keepdims=True)], axis=2)
    names = [*simulated.horizon.scenario.accounts, "all"]
    return {
        ("success", "segment", name, "revenue_at_risk", "money"): _mean(both[:, :, s]) for s, name in enumerate(names)
    }


def _mean(values: Array) -> Array:
    """Values (R, M) with their mean over the months as one more month."""
    return np.concatenate([values, values.mean(axis=1, keepdims=True)], axis=1)
