"""What an account has seen of its activities: settled and overdue, by either engine."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.horizon import Horizon
from simulator.success import compiled, reference, tables, timeliness
from simulator.success.timeliness import Timeliness
from tests.models import both_wings


def months(*late: tuple[int, int, int], overdue: int = 0) -> Timeliness:
    """One account, month after month: on time, late, missed."""
    seen = Timeliness()
    for counts in late:
        seen.add(np.array([counts]), np.array([overdue]))
    return seen


def test_late_counts_late_and_missed_of_the_last_months() -> None:
    seen = months((5, 1, 0), (3, 0, 2), (4, 0, 0))
    assert seen.late(1).tolist() == [0]
    assert seen.late(2).tolist() == [2]
    assert seen.late(3).tolist() == [3]
    assert seen.late_share(12).tolist() == [3 / 15]


def test_what_is_overdue_counts_every_month_until_it_is_settled() -> None:
    seen = months((1, 0, 0), (1, 0, 0), overdue=2)
    assert seen.late(1).tolist() == [2], "not once for each month that it was overdue"
    assert seen.late_share(12).tolist() == [2 / 4]


def test_accounts_that_join_have_seen_nothing() -> None:
    seen = Timeliness()
    seen.add(np.array([[1, 1, 0]]), np.array([0]))
    seen.add(np.array([[1, 0, 0], [0, 0, 0]]), np.array([0, 0]))
    assert seen.late(3).tolist() == [1, 0]
    assert seen.late_share(3).tolist() == [1 / 3, 0.0]


@pytest.mark.parametrize("late", ["continue", "skip"])
def test_both_engines_say_what_is_overdue(late: str) -> None:
    few = {"success.teams.csm.headcount": 1, "success.activities.qbr.segments.smb": "100%", "support": None}
    scenario = both_wings({k: v for k, v in few.items() if v} | {"success.activities.qbr.late": late})
    horizon = Horizon(scenario)
    one, other = (horizon.simulate(0, reference=flag)["at_risk"] for flag in (False, True))
    assert np.array_equal(one, other)
    assert one[-1].sum() > one[0].sum() > 0 or late == "skip"


def test_an_overdue_activity_is_told_by_its_headline_step() -> None:
    """Three instances of (prepare, meet, follow up): one waits for its meeting past the window, one for its follow-up,
    one is not due yet."""
    horizon = Horizon(both_wings())
    model = horizon.central.success
    assert model is not None
    activities, team = model.activities, model.teams[0].tables
    first = int(activities.first_step[activities.activity_names.index("qbr")])
    state = reference.State(activities, team)
    state.env.run(until=1000)
    for number, (step, due) in enumerate([(first + 1, 900), (first + 2, 900), (first, 1100)]):
        state.open[number] = reference.Instance(
            number, 0, number, 0, np.uint64(1), 1.0, 0, due, step, value=0.0, owner=team.people, desk=state.nobody
        )
    assert timeliness.overdue(state, activities, 4).tolist() == [1, 0, 0, 0]
    assert activities.step_kind[first + 1] == tables.MEETING
    assert timeliness.overdue(compiled.new_state(activities, team), activities, 2).tolist() == [0, 0]
