"""How many replications make the answer as sure as was asked for."""

from __future__ import annotations

import math

import numpy as np

from simulator.errors import InputError, Problem
from simulator.montecarlo.precision import clustered_wilson
from simulator.montecarlo.replicate import BLOCK
from simulator.scenario.schema import Scenario
from simulator.studies.run import Jobs, Progress, Simulated, judge, simulate

MOST = 20_000
"""Replications beyond which a wish is refused."""


def replications(scenario: Scenario, half_width: float, *, jobs: Jobs = None, progress: Progress | None = None) -> int:
    """Replications after which the chance that the plan is enough, in all months together, is known to ±
    ``half_width`` (half its 95 % interval) for every group and team with targets.

    Starts at the scenario's own number and looks again with as many as the interval's width asks for, until it holds.

    Raises:
        InputError: nothing has a target, or more than :data:`MOST` replications would be needed.
    """
    count = scenario.monte_carlo.replications
    while True:
        said = f"plan, {count} runs"
        tell = None if progress is None else lambda _, *rest, said=said: progress(said, *rest)
        width = widest(simulate(scenario, replications=count, jobs=jobs, progress=tell))
        if math.isnan(width):
            message = "no group or team has a target, so that there is no chance to know better"
            raise InputError([Problem("--precision", None, "", message, allowed="targets, or --replications")])
        if width <= half_width:
            return count
        step = math.lcm(BLOCK, scenario.monte_carlo.chance_repeats)
        wanted = max(math.ceil(count * (width / half_width) ** 2), count + 1)
        count = -(-wanted // step) * step
        if count > MOST:
            found, allowed = f"± {half_width:g}", f"a wider one; ± {width:.3f} is reached already"
            message = f"this precision takes more than {MOST:,} replications ({count:,})"
            raise InputError([Problem("--precision", None, "", message, found, allowed)])


def widest(simulated: Simulated) -> float:
    """Half the widest 95 % interval of the chances that the plan is enough; NaN without targets."""
    repeats = simulated.horizon.repeats
    halves = []
    for unit in judge(simulated):
        if not math.isnan(unit.confidence) and not np.isnan(unit.together).all():
            _, low, high = clustered_wilson(unit.together, repeats)
            halves.append(float(high - low) / 2)
    return max(halves, default=math.nan)
