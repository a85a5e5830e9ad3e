"""What happened to every contact, and every support KPI by interval and by day, for questions that no table answers."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator import timegrid
from simulator.errors import ParameterError
from simulator.horizon import Horizon, Watch
from simulator.scenario.schema import Scenario
from simulator.support import kpis
from simulator.support.tables import GroupMeasure, Outcome, QueueMeasure, SupportTables

if TYPE_CHECKING:
    import pandas as pd

PERCENTILES = (50, 80, 90, 95)
"""Percentiles of the wait of answered contacts."""


@dataclass(frozen=True, eq=False)
class Records:
    """Tables of the first replications of a plan.

    Attributes:
        contacts: one row per entry of a contact into a queue, and one per call in vain to a customer who is to be
            called back (outcome ``no_answer``): ``replication``, ``entry``, ``contact``, ``account`` (its name in the
            account-month table), ``queue``, ``tier``, ``leg``, ``attempt``, ``repeats``, ``arrived``, ``group``,
            ``outcome``, ``wait``, ``answer_delay``, ``talk``, ``after_call``, ``hold`` (seconds), ``returns_at``,
            ``escalated``, ``resolved``, ``callback``. See :data:`simulator.support.tables.RECORD`.
        intervals, days: one row per interval or date, ``kind`` (queue, tier, group) and ``subject``, a column for each
            KPI, pooled over the replications; counts are means per replication.
        waits: by month (``all`` for the horizon) and queue: ``answered``, percentiles of the wait of the answered in
            seconds (elapsed ones, also where waits count in opening hours) and ``sl_virtual``.
    """

    contacts: pd.DataFrame
    intervals: pd.DataFrame
    days: pd.DataFrame
    waits: pd.DataFrame


def records(scenario: Scenario, replications: int = 1) -> Records:
    """Simulate the first replications of a plan and keep every contact. Memory grows with the contacts.

    Raises:
        ParameterError: the scenario has no support.
    """
    import pandas as pd

    if scenario.support is None:
        raise ParameterError("the scenario has no support, so that there are no contacts")
    horizon = Horizon(scenario, cell="interval")
    assert horizon.central.support is not None
    tables = horizon.central.support.tables
    queue = np.zeros((horizon.layout.clock.cells, tables.queues, len(QueueMeasure)))
    group = np.zeros((horizon.layout.clock.cells, tables.groups, len(GroupMeasure)))
    kept, parts = [], []
    for replication in range(replications):
        seen = horizon.watch(replication)
        assert seen.sums is not None
        queue += seen.sums.queue
        group += seen.sums.group
        kept.append(seen)
        parts.append(_contacts(seen, horizon, tables).assign(replication=replication))
    contacts = pd.concat(parts, ignore_index=True)
    contacts = contacts[["replication", *(name for name in contacts.columns if name != "replication")]]
    skipped = horizon.layout.skipped
    first = int(np.searchsorted(horizon.layout.clock.cell, skipped))  # the first interval after the warm-up
    of_interval = queue[skipped:] / replications, group[skipped:] / replications
    grid = horizon.grid
    day = grid.interval_day[first:] - grid.interval_day[first]
    of_day = tuple(_added(sums, day) for sums in of_interval)
    when = {"start": _local(grid, grid.interval_start[first:-1])}
    dates = {"date": pd.to_datetime(grid.dates[grid.interval_day[first] :])}
    return Records(
        contacts,
        _table(when, of_interval, tables),
        _table(dates, of_day, tables),
        _waits(kept, horizon, tables),
    )


def _local(grid: timegrid.TimeGrid, elapsed: NDArray[np.float64]) -> Any:
    """Instants in local time, from elapsed seconds; NaT where these are NaN."""
    import pandas as pd

    begin = pd.Timestamp(grid.start, tz=grid.timezone)
    return begin + pd.to_timedelta(elapsed, unit="s").round("ms")


def _added(sums: NDArray[np.float64], window: NDArray[np.int64]) -> NDArray[np.float64]:
    out = np.zeros((int(window[-1]) + 1, *sums.shape[1:]))
    np.add.at(out, window, sums)
    return out


def _table(when: dict[str, Any], sums: tuple[NDArray[np.float64], ...], tables: SupportTables) -> pd.DataFrame:
    """KPIs side by side, rows by subject, then time."""
    import pandas as pd

    queue, group = sums
    tier = kpis.by_tier(queue, tables)
    subjects: list[tuple[Any, str, str, NDArray[np.float64]]] = [
        *(("queue", "queue", name, queue[:, q]) for q, name in enumerate(tables.queue_names)),
        *(("queue", "tier", str(t + 1), tier[:, t]) for t in range(tier.shape[1] if tier.shape[1] > 1 else 0)),
        *(("group", "group", name, group[:, g]) for g, name in enumerate(tables.group_names)),
    ]
    rows = [
        pd.DataFrame({**when, "kind": kind, "subject": name, **kpis.evaluate(of, mine, inquiries=tables.inquiries)})
        for of, kind, name, mine in subjects
    ]
    return pd.concat(rows, ignore_index=True)


def _contacts(seen: Watch, horizon: Horizon, tables: SupportTables) -> pd.DataFrame:
    import pandas as pd

    rows, grid = seen.rows(horizon.layout.clock.end), horizon.grid
    names = np.array([*tables.group_names, ""], dtype=object)
    queues = np.array(tables.queue_names, dtype=object)
    accounts = np.array([f"{key:016x}" for key in seen.accounts] + [""], dtype=object)
    waits = np.where(rows["outcome"] == Outcome.NO_ANSWER, np.nan, kpis.waits(rows))
    outcomes = np.array([outcome.name.lower() for outcome in Outcome], dtype=object)
    return pd.DataFrame(
        {
            "entry": rows["entry"],
            "contact": rows["contact"],
            "account": pd.Categorical(accounts[rows["account"]]),
            "queue": pd.Categorical(queues[rows["queue"]], categories=queues),
            "tier": tables.tier[rows["queue"]] + 1,
            "leg": rows["leg"],
            "attempt": rows["attempt"],
            "repeats": rows["repeats"],
            "arrived": _local(grid, rows["arrived"]),
            "group": pd.Categorical(names[rows["group"]]),
            "outcome": pd.Categorical(outcomes[rows["outcome"]], categories=outcomes),
            "wait": waits,
            "answer_delay": rows["answered_at"] - rows["taken_at"],
            "talk": rows["talk_end"] - rows["answered_at"],
            "after_call": np.where(np.isnan(rows["talk_end"]), np.nan, rows["end"] - rows["talk_end"]),
            "hold": rows["hold"],
            "returns_at": _local(grid, rows["returns_at"]),
            "escalated": rows["escalated"],
            "resolved": rows["resolved"],
            "callback": rows["callback"],
        }
    )


def _waits(kept: list[Watch], horizon: Horizon, tables: SupportTables) -> pd.DataFrame:
    import pandas as pd

    grid, end = horizon.grid, horizon.layout.clock.end
    rows = np.concatenate([seen.rows(end) for seen in kept])
    rows = rows[(rows["outcome"] != Outcome.NO_ANSWER) & (rows["arrived"] >= horizon.scenario.calendar.warm_up)]
    month = np.searchsorted(grid.month_interval, rows["interval"], side="right") - 1
    table = []
    for m, label in enumerate([*grid.month_labels, "all"]):
        mine = rows[month == m] if m < grid.months else rows
        answered = np.bincount(mine["queue"][~np.isnan(mine["answered_at"])], minlength=tables.queues)
        points = kpis.wait_percentiles(mine, tables.queues, [p / 100 for p in PERCENTILES])
        virtual = kpis.virtual_service_level(mine, tables.answer_within, end)
        for q, name in enumerate(tables.queue_names):
            waits = {f"wait_p{p}": points[q, i] for i, p in enumerate(PERCENTILES)}
            table.append(
                {"month": label, "queue": name, "answered": answered[q] / len(kept), **waits, "sl_virtual": virtual[q]}
            )
    return pd.DataFrame(table)


def files(found: Records) -> dict[str, tuple[pd.DataFrame, bool]]:
    """What a run folder keeps of records: table by name, and whether it is written as CSV too."""
    names = {"contacts": False, "intervals": False, "days": True, "waits": True}
    return {
        f"support_{field.name}": (getattr(found, field.name), names[field.name]) for field in dataclasses.fields(found)
    }
