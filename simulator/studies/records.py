"""What happened to every contact, and every support KPI by interval, time of day, day and month."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator import timegrid
from simulator.errors import ParameterError
from simulator.horizon import Horizon, Watch
from simulator.scenario.schema import Scenario, Support
from simulator.support import kpis
from simulator.support.tables import Outcome, QueueMeasure, Sums, SupportTables
from simulator.support.targets import Layout

if TYPE_CHECKING:
    import pandas as pd

PERCENTILES = (50, 80, 90, 95)
"""Percentiles of the wait of answered contacts."""


_WAIT = np.dtype(
    [("cell", "i8"), ("queue", "i8"), ("group", "i8"), ("wait", "f8"), ("answered", "?"), ("callback", "?")]
)


@dataclass(frozen=True, eq=False)
class Records:
    """Tables of the first replications of a plan.

    All but ``contacts`` have one row per time and subject: ``kind`` (queue, tier, group), ``subject`` and a column for
    each KPI, pooled over the replications; counts are means per replication. Queues and tiers tell what became of the
    contacts that entered then, with percentiles of the wait of the answered and ``sl_virtual`` (of a tier the mean over
    its queues' entries); groups what they answered of these, and how busy they were.

    Attributes:
        contacts: one row per entry of a contact into a queue, and one per call in vain to a customer who is to be
            called back (outcome ``no_answer``): ``replication``, ``entry``, ``contact``, ``account`` (its name in the
            account-month table), ``queue``, ``tier``, ``leg``, ``attempt``, ``repeats``, ``arrived``, ``answered_at``,
            ``group``, ``outcome``, ``wait`` (in open time where the queue counts so), ``answer_delay``, ``talk``,
            ``after_call``, ``hold`` (seconds), ``returns_at``, ``escalated``, ``resolved``, ``callback``. See
            :data:`simulator.support.tables.RECORD`.
        intervals: by ``start``.
        times: by ``time`` of day, all days together.
        days: by ``date``.
        months: by ``month``; ``all`` is the horizon.
    """

    contacts: pd.DataFrame
    intervals: pd.DataFrame
    times: pd.DataFrame
    days: pd.DataFrame
    months: pd.DataFrame


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
    tables, grid = horizon.central.support.tables, horizon.grid
    pool = _Pool(scenario.support, tables, horizon.layout)
    parts = []
    for replication in range(replications):
        seen = horizon.watch(replication)
        rows = seen.rows(horizon.layout.clock.end)
        pool.add(seen, rows)
        parts.append(_contacts(seen, rows, horizon, tables).assign(replication=replication))
    contacts = pd.concat(parts, ignore_index=True)
    contacts = contacts[["replication", *(name for name in contacts.columns if name != "replication")]]
    first = int(np.searchsorted(horizon.layout.clock.cell, horizon.layout.skipped))  # the first one after the warm-up
    interval, day, month = np.arange(grid.intervals - first), grid.interval_day[first:], horizon.layout.month
    starts = pd.DataFrame({"start": _local(grid, grid.interval_start[first:-1])})
    times = pd.DataFrame({"time": [timegrid.clock(slot * grid.interval) for slot in range(grid.slots_per_day)]})
    dates = pd.DataFrame({"date": pd.to_datetime(grid.dates[day[0] :])})
    months, whole = pd.DataFrame({"month": list(grid.month_labels)}), pd.DataFrame({"month": ["all"]})
    return Records(
        contacts,
        pool.table(starts, interval),
        pool.table(times, grid.interval_slot[first:]),
        pool.table(dates, day - day[0]),
        pd.concat([pool.table(months, month), pool.table(whole, 0 * month)], ignore_index=True),
    )


class _Pool:
    """What the replications add up to, and every wait, by the cells that count: one for each interval."""

    def __init__(self, support: Support, tables: SupportTables, layout: Layout) -> None:
        self.support, self.tables, self.layout, self.replications = support, tables, layout, 0
        empty = Sums.zeros(tables, layout.clock)
        self.queue, self.group = empty.queue, empty.group
        self.answers = np.zeros((*self.group.shape[:2], len(QueueMeasure)))
        self.waits: list[NDArray[Any]] = []

    def add(self, seen: Watch, rows: NDArray[Any]) -> None:
        """Take in one replication."""
        assert seen.sums is not None
        clock = self.layout.clock
        self.replications += 1
        self.queue += seen.sums.queue
        self.group += seen.sums.group
        self.answers += kpis.by_group(rows, self.tables, clock)
        mine = rows[~np.isin(rows["outcome"], (Outcome.NO_ANSWER, Outcome.BLOCKED, Outcome.UNREACHED))]
        kept = np.empty(len(mine), dtype=_WAIT)
        for name in ("queue", "group", "callback"):
            kept[name] = mine[name]
        kept["cell"] = clock.cell[mine["interval"]] - self.layout.skipped
        kept["wait"] = kpis.waits(mine, self.tables, clock, clock.end)
        kept["answered"] = np.isin(mine["outcome"], (Outcome.ANSWERED, Outcome.IN_SERVICE))
        self.waits.append(kept[kept["cell"] >= 0])

    def table(self, when: pd.DataFrame, window: NDArray[np.int64]) -> pd.DataFrame:
        """KPIs side by side, rows by subject, then time.

        Args:
            when: what tells the times, a row for each.
            window: int64 (cells that count,), the row of each cell.
        """
        import pandas as pd

        tables, count = self.tables, len(when)
        queue, group, answers = (
            _added(sums[self.layout.skipped :], window, count) / self.replications
            for sums in (self.queue, self.group, self.answers)
        )
        tier = kpis.by_tier(queue, tables)
        rows = np.concatenate(self.waits)
        at, of_tier = window[rows["cell"]], tables.tier[rows["queue"]]
        virtual, entries = self._patient(rows, at, count)
        parts = []

        def add(kind: str, name: str, found: dict[str, NDArray[np.float64]], mine: NDArray[np.bool_]) -> None:
            told = rows["answered"] & ~rows["callback"] & mine  # who is called back counts apart
            points = kpis.wait_percentiles(rows["wait"][told], at[told], count, [p / 100 for p in PERCENTILES])
            waits = {f"wait_p{p}": points[:, i] for i, p in enumerate(PERCENTILES)}
            parts.append(when.assign(kind=kind, subject=name, **found, **waits))

        for q, name in enumerate(tables.queue_names):
            found = kpis.evaluate("queue", queue[:, q], inquiries=tables.inquiries)
            add("queue", name, {**found, "sl_virtual": virtual[:, q]}, rows["queue"] == q)
        for t in range(tier.shape[1] if tier.shape[1] > 1 else 0):
            found = kpis.evaluate("queue", tier[:, t], inquiries=tables.inquiries)
            theirs, share = virtual[:, tables.tier == t], entries[:, tables.tier == t]
            met = kpis.ratio((np.nan_to_num(theirs) * share).sum(axis=1), share.sum(axis=1))
            add("tier", str(t + 1), {**found, "sl_virtual": met}, of_tier == t)
        for g, (name, of_group) in enumerate(self.support.groups.items()):
            found = kpis.evaluate("group", group[:, g]) | kpis.evaluate_answers(answers[:, g])
            if of_group.satisfaction is not None:
                content = of_group.satisfaction.score(found["occupancy"], found["overrun_share"])
                found["agent_satisfaction"] = content
            add("group", name, found, rows["group"] == g)
        return pd.concat(parts, ignore_index=True)

    def _patient(
        self, rows: NDArray[Any], at: NDArray[np.int64], count: int
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """By window and queue, ``sl_virtual`` and the entries that it is told of."""
        queues = self.tables.queues
        of, within = at * queues + rows["queue"], self.tables.answer_within[rows["queue"]]
        level = kpis.virtual_service_level(rows["wait"], rows["answered"], within, of, count * queues)
        return level.reshape(count, queues), np.bincount(of, minlength=count * queues).reshape(count, queues)


def _local(grid: timegrid.TimeGrid, elapsed: NDArray[np.float64]) -> Any:
    """Instants in local time, from elapsed seconds; NaT where these are NaN."""
    import pandas as pd

    begin = pd.Timestamp(grid.start, tz=grid.timezone)
    return begin + pd.to_timedelta(elapsed, unit="s").round("ms")


def _added(sums: NDArray[np.float64], window: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    out = np.zeros((count, *sums.shape[1:]))
    np.add.at(out, window, sums)
    return out


def _contacts(seen: Watch, rows: NDArray[Any], horizon: Horizon, tables: SupportTables) -> pd.DataFrame:
    import pandas as pd

    grid = horizon.grid
    names = np.array([*tables.group_names, ""], dtype=object)
    queues = np.array(tables.queue_names, dtype=object)
    accounts = np.array([f"{key:016x}" for key in seen.accounts] + [""], dtype=object)
    waits = np.where(rows["outcome"] == Outcome.NO_ANSWER, np.nan, kpis.waits(rows, tables, horizon.layout.clock))
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
            "answered_at": _local(grid, rows["answered_at"]),
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


def files(found: Records) -> dict[str, tuple[pd.DataFrame, bool]]:
    """What a run folder keeps of records: table by name, and whether it is written as CSV too."""
    names = {"contacts": False, "intervals": False, "times": True, "days": True, "months": True}
    return {
        f"support_{field.name}": (getattr(found, field.name), names[field.name]) for field in dataclasses.fields(found)
    }
