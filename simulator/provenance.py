"""Where a number comes from: versions, seed and the hash of the resolved scenario."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib import metadata
from typing import Any

from simulator.scenario.schema import Scenario

LIBRARIES = ("numpy", "scipy", "numba", "pandas", "pyarrow", "holidays", "tzdata")
"""Libraries whose version can change a number."""


def scenario_hash(scenario: Scenario) -> str:
    """A short hash of the resolved scenario: equal for equal scenarios, whatever the layout of their files."""
    text = json.dumps(scenario.document(), sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def record(scenario: Scenario, replications: int) -> dict[str, Any]:
    """Versions, seed and hash. It holds no date and no path, so that the same run writes the same bytes."""
    return {
        "simulator": version(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        **{name: metadata.version(name) for name in LIBRARIES},
        "seed": scenario.monte_carlo.seed,
        "replications": replications,
        "scenario_hash": scenario_hash(scenario),
    }


def version() -> str:
    """Version of the simulator."""
    try:
        return metadata.version("capacity-simulator")
    except metadata.PackageNotFoundError:
        return "0+unknown"
