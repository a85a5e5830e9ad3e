"""Paired what-ifs: two or more scenarios on the same customers, and whether the difference is real."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.errors import InputError, Problem
from simulator.montecarlo.precision import estimate, paired_difference
from simulator.scenario.schema import Scenario
from simulator.studies.run import Array, Jobs, Key, Progress, Simulated, measures, simulate

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

COLUMNS = (
    "variant", "month", "wing", "kind", "subject", "kpi", "unit", "base", "value", "difference", "low", "high", "real",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Comparison:
    """Paired differences from a base.

    Attributes:
        table: one row per variant, month (``all`` for the horizon), subject and KPI. ``difference`` is variant less
            base, ``low`` and ``high`` its 95 % interval from pairs on common draws; ``real`` says whether the interval
            leaves out 0. KPIs that one side lacks (a queue that is not there) are left out.
    """

    table: pd.DataFrame

    def real(self) -> pd.DataFrame:
        """Differences over the horizon whose interval leaves out 0, the surest first."""
        rows = self.table[(self.table["month"] == "all") & self.table["real"]]
        sure = (rows["difference"] / (rows["high"] - rows["low"]).replace(0, np.nan)).abs().fillna(np.inf)
        return rows.iloc[np.argsort(-sure.to_numpy(), kind="stable")].reset_index(drop=True)

    def plot(self, kpi: str, subject: str | None = None, ax: Axes | None = None) -> Axes:
        """The difference by month with its interval."""
        from simulator.reporting.plots import difference

        return difference(self.table, kpi, subject, ax)


def compare(
    base: Scenario,
    *others: Scenario,
    names: tuple[str, ...] | None = None,
    replications: int | None = None,
    jobs: Jobs = None,
    progress: Progress | None = None,
) -> Comparison:
    """Simulate scenarios on common draws and compare each with the first.

    Args:
        others: scenarios over the same months, usually ``base.with_(...)``; at least one.
        names: labels of the others; default ``"1"``, ``"2"``, ... or the scenario's own name where that differs.
        replications: of each; default the base's. The seed is the base's in every case.

    Raises:
        InputError: no other scenario, or one with other months.
    """
    if not others:
        raise InputError([Problem(None, None, "", "nothing to compare with", allowed="one scenario or variant more")])
    for other in others:
        if other.calendar != base.calendar:
            raise InputError([Problem(None, None, "calendar", f"{other.name} covers other months than the base")])
    labels = names or tuple(o.name if o.name != base.name else str(i + 1) for i, o in enumerate(others))
    count = replications or base.monte_carlo.replications
    common = {"monte_carlo.seed": base.monte_carlo.seed, "monte_carlo.chance_repeats": base.monte_carlo.chance_repeats}

    def run(number: int, label: str, scenario: Scenario) -> Simulated:
        said = f"{label} ({number} of {len(others) + 1})"
        tell = None if progress is None else lambda _, *rest: progress(said, *rest)
        return simulate(scenario, replications=count, jobs=jobs, progress=tell)

    first = run(1, base.name, base)
    left = measures(first)
    rows = []
    for number, (label, other) in enumerate(zip(labels, others, strict=True), start=2):
        same = other.with_(common) if other.monte_carlo != base.monte_carlo else other
        rows += _differences(label, left, measures(run(number, label, same)), first)
    import pandas as pd

    return Comparison(pd.DataFrame(rows, columns=list(COLUMNS)))


def _differences(
    label: str, left: Mapping[Key, Array], right: Mapping[Key, Array], simulated: Simulated
) -> list[tuple[object, ...]]:
    months = [*simulated.horizon.grid.month_labels, "all"]
    rows: list[tuple[object, ...]] = []
    for key, values in left.items():
        if key not in right:
            continue
        repeats = simulated.horizon.repeats
        difference = paired_difference(values, right[key], repeats)
        # both means over the pairs alone, so that value less base is the difference
        paired = ~np.isnan(values) & ~np.isnan(right[key])
        base, value = (estimate(np.where(paired, side, np.nan), repeats).mean for side in (values, right[key]))
        for m, month in enumerate(months):
            if math.isnan(difference.mean[m]):
                continue
            low, high = float(difference.low[m]), float(difference.high[m])
            wing, kind, subject, kpi, unit = key
            rows.append(
                (label, month, wing, kind, subject, kpi, unit, base[m], value[m], difference.mean[m], low, high,
                 low > 0 or high < 0)
            )  # fmt: skip
    return rows
