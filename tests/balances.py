"""What must hold after every call of a support engine, whoever makes it.

Flow, per queue: opening waiting + offered = blocked + balked + abandoned + dropped + answered + withdrawn + called back
+ given up after calls in vain + closing waiting; and offered = arrivals + transfers in + redials + repeats, where each
transfer is the escalation of some queue. Time, per group and cell: agents are busy or away for no longer than they are
there.
(Staffed = busy + idle, instant by instant, is held against records in ``tests/support/test_engines.py``.)
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.support.tables import Clock, Contacts, GroupMeasure, QueueMeasure, Sums, SupportState, SupportTables

GONE = tuple(
    QueueMeasure[n]
    for n in ("BLOCKED", "BALKED", "ABANDONED", "DROPPED", "ANSWERED", "WITHDRAWN", "CALLED_BACK", "UNREACHED")
)
AGAIN = tuple(QueueMeasure[n] for n in ("TRANSFERRED_IN", "REDIALS", "REPEATS"))

seen: dict[str, int] = {}
"""Calls that were checked, by engine."""

_waiting: weakref.WeakKeyDictionary[SupportState, NDArray[np.int64]] = weakref.WeakKeyDictionary()


def flow(
    tables: SupportTables,
    contacts: Contacts,
    change: NDArray[np.float64],
    opening: NDArray[np.int64],
    closing: NDArray[np.int64],
) -> None:
    """The balance of one call; ``change`` is what it added to the sums, float64 (Q, K)."""
    offered = change[:, QueueMeasure.OFFERED]
    gone = change[:, GONE].sum(axis=1)
    np.testing.assert_allclose(opening + offered, gone + closing, atol=1e-6, err_msg="contacts got lost")
    came = np.bincount(contacts.queue, minlength=tables.queues) + change[:, AGAIN].sum(axis=1)
    np.testing.assert_allclose(offered, came, atol=1e-6, err_msg="contacts came from nowhere")
    escalated, to = np.zeros(tables.queues), tables.escalation_to
    np.add.at(escalated, to[to >= 0], change[to >= 0, QueueMeasure.ESCALATED])
    np.testing.assert_allclose(
        change[:, QueueMeasure.TRANSFERRED_IN], escalated, atol=1e-6, err_msg="transfers are no escalations"
    )


def time(clock: Clock, sums: Sums, until: float) -> None:
    """Nobody works longer than being there, in the cells that are over at ``until``."""
    over = int(np.searchsorted(clock.interval_start[1:], until + 1e-9, side="right"))
    cells = int(clock.cell[over]) if over < clock.intervals else clock.cells
    group = sums.group[:cells]
    there = group[..., GroupMeasure.STAFFED] + group[..., GroupMeasure.OVERRUN]
    idle = there - group[..., GroupMeasure.BUSY] - group[..., GroupMeasure.AWAY]
    assert idle.min(initial=0.0) >= -1e-6 * max(there.max(initial=0.0), 1.0), "agents worked while they were not there"
    parts = group[..., GroupMeasure.BUSY] - group[..., GroupMeasure.DEFERRABLE]
    assert parts.min(initial=0.0) >= -1e-6 * max(there.max(initial=0.0), 1.0), "a part is more than the whole"


def checked(run: Callable[..., Any], name: str) -> Callable[..., Any]:
    """An engine's ``run`` that checks the balances of every call."""

    @functools.wraps(run)
    def wrapped(
        tables: SupportTables,
        clock: Clock,
        contacts: Contacts,
        staff: NDArray[np.int64],
        state: SupportState | None,
        until: float,
        *,
        sums: Sums,
        **options: Any,
    ) -> Any:
        before = sums.queue.sum(axis=0) if sums.queue.ndim == 3 else None
        known = np.zeros(tables.queues, np.int64) if state is None else _waiting.get(state)
        outcome, after = run(tables, clock, contacts, staff, state, until, sums=sums, **options)
        if known is not None and before is not None:
            flow(tables, contacts, sums.queue.sum(axis=0) - before, known, outcome.waiting)
            seen[name] = seen.get(name, 0) + 1
        time(clock, sums, until)
        _waiting[after] = outcome.waiting
        return outcome, after

    return wrapped
