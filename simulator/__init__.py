"""Capacity planning for customer support and customer success.

>>> import simulator as sim
>>> plan = sim.read("scenarios/quickstart.yaml")
>>> result = sim.run(plan, replications=20)
>>> leaner = plan.with_({"support.groups.agents.headcount": 5})
>>> difference = sim.compare(plan, leaner, replications=20)

Nothing heavy is loaded until it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.errors import InputError, SimulatorError
    from simulator.results import Result, load
    from simulator.scenario.loading import read
    from simulator.scenario.schema import Scenario
    from simulator.studies.compare import compare
    from simulator.studies.records import records
    from simulator.studies.replay import replay
    from simulator.studies.run import run
    from simulator.studies.sweep import sweep
    from simulator.studies.value import break_even, value

__all__ = [
    "InputError",
    "Result",
    "Scenario",
    "SimulatorError",
    "break_even",
    "compare",
    "load",
    "read",
    "records",
    "replay",
    "run",
    "sweep",
    "value",
]

_HOME = {
    "InputError": "simulator.errors",
    "Result": "simulator.results",
    "Scenario": "simulator.scenario.schema",
    "SimulatorError": "simulator.errors",
    "break_even": "simulator.studies.value",
    "compare": "simulator.studies.compare",
    "load": "simulator.results",
    "read": "simulator.scenario.loading",
    "records": "simulator.studies.records",
    "replay": "simulator.studies.replay",
    "run": "simulator.studies.run",
    "sweep": "simulator.studies.sweep",
    "value": "simulator.studies.value",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'simulator' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
