"""The account-month table: one row per replication, account and month, for questions that no KPI answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.horizon import Horizon
from simulator.scenario.schema import Scenario
from simulator.success import portfolio
from simulator.success.portfolio import Portfolio
from simulator.success.timeliness import Timeliness

if TYPE_CHECKING:
    import pandas as pd

EVENTS = {
    "new": portfolio.NEW,
    "lost": portfolio.LOST,
    "downgraded_to_free": portfolio.DOWNGRADED,
    "seats_reduced": portfolio.SEATS_REDUCED,
    "plan_changed": portfolio.PLAN_CHANGED,
    "upsold": portfolio.UPSOLD,
    "cross_sold": portfolio.CROSS_SOLD,
}
"""Columns of what the month's close did to the account, true or false."""

STAGES = ("onboarding", "adoption", "mature")


def account_months(scenario: Scenario, replications: int = 1) -> pd.DataFrame:
    """The accounts of the first replications, month by month, with what befell them.

    Returns:
        Columns: ``replication``, ``month``, ``account`` (a name that stays the account's own in every variant on the
        same seed), ``segment``, ``contract_start`` (month relative to the first, negative before it), ``stage`` when
        the month opens, ``free`` (on the free plan after the close), ``opening_mrr`` (0 for accounts new in the month),
        ``mrr`` (after the close, 0 once lost), the :data:`EVENTS`, and the activities done in time, late or missed in
        the month and overdue at its end (``on_time``, ``late``, ``overdue``; 0 without a success wing); where the
        scenario follows it, ``usage`` in the month, a share. An account has rows from the month in which it joins to
        the one at whose close it is lost.
    """
    import pandas as pd

    horizon = Horizon(scenario)
    success = horizon.central.success
    labels = horizon.grid.month_labels
    names = np.array([*scenario.accounts])
    parts: list[pd.DataFrame] = []

    for replication in range(replications):

        def note(month: int, accounts: Portfolio, seen: Timeliness | None, replication: int = replication) -> None:
            lost = accounts.events & portfolio.LOST > 0
            rows = np.flatnonzero(accounts.alive | lost)
            stage = accounts.stage(float(horizon.grid.month_day[month]), rows)
            nothing = np.zeros(len(accounts), dtype=np.int64)
            done, late, overdue = seen.month() if seen else (nothing, nothing, nothing)
            columns = {
                "replication": replication,
                "month": labels[month],
                "account": [f"{key:016x}" for key in accounts.key[rows]],
                "segment": names[accounts.segment[rows]],
                "contract_start": accounts.contract_month[rows],
                "stage": np.array(STAGES)[stage],
                "free": accounts.free[rows],
                "opening_mrr": accounts.opening_mrr[rows],
                "mrr": accounts.mrr[rows],
                **{name: accounts.events[rows] & bit > 0 for name, bit in EVENTS.items()},
                "on_time": done[rows],
                "late": late[rows],
                "overdue": overdue[rows],
            }
            if success is not None and success.usage.followed.any():
                known = success.usage.followed[accounts.segment]
                columns["usage"] = np.where(known, success.usage.usage(accounts), np.nan)[rows]
            parts.append(pd.DataFrame(columns))

        horizon.observe(replication, note)
    return pd.concat(parts, ignore_index=True)
