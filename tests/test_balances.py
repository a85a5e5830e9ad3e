"""The balances that every run in the tests is held to see a fault when there is one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from simulator.horizon import Horizon
from simulator.support.tables import GroupMeasure, QueueMeasure, Sums
from tests import balances
from tests.models import one_queue


def test_every_run_is_checked() -> None:
    before = dict(balances.seen)
    horizon = Horizon(one_queue())
    for reference in (False, True):
        horizon.simulate(0, reference=reference)
    names = {f"simulator.support.{name}" for name in ("compiled", "reference")}
    assert {name for name, count in balances.seen.items() if count > before.get(name, 0)} == names


def lose(sums: Sums) -> None:
    sums.queue[0, 0, QueueMeasure.ANSWERED] -= 1


def invent(sums: Sums) -> None:
    sums.queue[0, 0, [QueueMeasure.OFFERED, QueueMeasure.ANSWERED]] += 1


def transfer(sums: Sums) -> None:
    sums.queue[0, 0, [QueueMeasure.OFFERED, QueueMeasure.ANSWERED, QueueMeasure.TRANSFERRED_IN]] += 1


def overwork(sums: Sums) -> None:
    sums.group[0, 0, GroupMeasure.BUSY] = sums.group[0, 0, GroupMeasure.STAFFED] * 1.01


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lose, "contacts got lost"),
        (invent, "contacts came from nowhere"),
        (transfer, "transfers are no escalations"),
        (overwork, "agents worked while they were not there"),
    ],
)
def test_a_planted_fault_is_seen(fault: Callable[[Sums], None], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from simulator.support import reference

    honest = reference.run

    def faulty(*arguments: object, sums: Sums, **options: object) -> object:
        found = honest(*arguments, sums=sums, **options)
        fault(sums)
        return found

    monkeypatch.setattr(reference, "run", balances.checked(faulty, "faulty"))
    with pytest.raises(AssertionError, match=message):
        Horizon(one_queue()).simulate(0, reference=True)


def test_time_of_cells_that_are_not_over_is_not_looked_at() -> None:
    horizon = Horizon(one_queue())
    assert horizon.central.support is not None
    sums = Sums.zeros(horizon.central.support.tables, horizon.layout.clock)
    sums.group[0, 0, GroupMeasure.BUSY] = 1.0
    balances.time(horizon.layout.clock, sums, 0.0)
    with pytest.raises(AssertionError):
        balances.time(horizon.layout.clock, sums, float(np.max(horizon.layout.clock.interval_start)))
