"""What each account has seen of its activities: done in time, late, missed, overdue now.

An activity is judged by its headline step (its meeting, else its last step). It counts in the month in which it was
settled; one that is still open after its due date counts as overdue at every month's end until it is settled.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.success.tables import DUE_AFTER, ActivityTables

AT_RISK_MONTHS = 3
"""Revenue is at risk when an activity of the account was late or missed in so many months, or is overdue now: a
quarter, in which most activities come round once."""

COUPLED_MONTHS = 12
"""Months over which couplings look back: a renewal follows on the whole year before it, not on its last month."""


class Timeliness:
    """Activities settled in time and late, by account (row of the portfolio) and month."""

    def __init__(self) -> None:
        self._on_time: list[NDArray[np.int64]] = []
        self._late: list[NDArray[np.int64]] = []
        self._overdue = np.zeros(0, dtype=np.int64)

    def add(self, headlines: NDArray[np.int64], overdue: NDArray[np.int64]) -> None:
        """Note a month.

        Args:
            headlines: int64 (A, 3), activities settled on time, late and missed in the month.
            overdue: int64 (A,), activities open after their due date at the month's end.
        """
        self._on_time.append(headlines[:, 0])
        self._late.append(headlines[:, 1] + headlines[:, 2])
        self._overdue = overdue

    def month(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Activities of each account done in time and late or missed in the last month, and overdue now. (A,) each."""
        return self._on_time[-1], self._late[-1], self._overdue

    def late(self, months: int) -> NDArray[np.int64]:
        """Activities of each account late or missed within the last ``months``, and those overdue now. Shape (A,)."""
        return self._sum(self._late, months) + self._overdue

    def late_share(self, months: int = COUPLED_MONTHS) -> NDArray[np.float64]:
        """Late ÷ (on time + late) by account over the last ``months``, 0 where nothing came due. Shape (A,)."""
        late = self.late(months)
        seen = late + self._sum(self._on_time, months)
        return np.divide(late, seen, out=np.zeros(len(late)), where=seen > 0)

    def _sum(self, months: list[NDArray[np.int64]], last: int) -> NDArray[np.int64]:
        total = np.zeros(len(self._overdue), dtype=np.int64)
        for counts in months[-last:]:  # rows are only ever appended, so that early months are shorter
            total[: len(counts)] += counts
        return total


def overdue(state: Any, activities: ActivityTables, accounts: int) -> NDArray[np.int64]:
    """Activities of each account that are open after their due date. Shape (accounts,).

    The due date is that of the headline step; while that is not fixed (it is due days after a step that is not done),
    the end of the activity's window stands for it.

    Args:
        state: what either engine returned at the end of a call.
    """
    activity, account, step, due, step_due = _open_work(state)
    headline = activities.headline_step[activity]
    own_date = (activities.step_due[headline] == DUE_AFTER) & (step == headline)
    late = (step <= headline) & (np.where(own_date, step_due, due) <= state.now)
    return np.bincount(account[late], minlength=accounts).astype(np.int64)


def _open_work(state: Any) -> NDArray[np.int64]:
    """Activity, account, current step, end of the window and the step's own date of the open instances: (5, n)."""
    from simulator.success import compiled

    if isinstance(state, compiled.State):
        columns = compiled.I_ACTIVITY, compiled.I_ACCOUNT, compiled.I_STEP, compiled.I_DUE, compiled.I_STEP_DUE
        return state.work[:, list(columns)].T
    rows = [(i.activity, i.account, i.step, i.due, i.step_due) for i in state.open.values()]
    return np.array(rows, dtype=np.int64).reshape(-1, 5).T
