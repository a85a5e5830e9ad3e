"""Teams that share segments: by phase and by expected lifetime value, each account with one team at any time."""

import copy
import math
from typing import Any

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.horizon import BOOK, FLOWS, Horizon, Staffing
from simulator.planning.requirement import on_time_targets
from simulator.scenario.document import Document
from simulator.scenario.loading import freeze
from simulator.scenario.schema import Scenario
from simulator.studies.run import measures, run, simulate
from simulator.studies.sweep import book_overrides
from simulator.success.tables import DUE, LATE_DONE, MISSED
from tests.models import BOTH_WINGS

TEAMS: dict[str, Any] = {
    "starters": {"segments": ["smb", "enterprise"], "phases": ["onboarding"], "headcount": 2},
    "pool": {"segments": ["smb"], "value_below": 1_200_000, "headcount": 2, "books": "pooled"},
    "csm": {"segments": ["enterprise", "smb"], "headcount": 3},
}
ACTIVITIES: dict[str, Any] = {
    "kick_off": {
        "segments": {"smb": "100%", "enterprise": "100%"},
        "trigger": "start",
        "phases": ["onboarding"],
        "within": "14 days",
        "steps": {"prepare": {"desk": "1 h"}, "meet": {"meeting": "1 h"}},
    },
    "check_in": {
        "segments": {"smb": "100%", "enterprise": "100%"},
        "every": "month",
        "spread": "contract",
        "steps": {"call": {"desk": "30 min"}, "notes": {"desk": "15 min", "within": "5 working days"}},
    },
    "handover": {
        "segments": {"smb": "100%", "enterprise": "100%"},
        "trigger": "handover",
        "within": "10 days",
        "steps": {"read": {"desk": "1 h"}},
    },
}


def divided(overrides: dict[str, Any] | None = None, teams: dict[str, Any] | None = None) -> Scenario:
    document = copy.deepcopy(BOTH_WINGS)
    del document["support"]
    for segment in document["accounts"].values():
        del segment["contacts_per_month"]
    document["accounts"]["smb"]["mrr"] = {"lognormal": {"mean": 50_000, "cv": 1.0}}
    document["accounts"]["smb"]["gross_margin"] = "80%"
    document["success"] |= {"teams": teams or TEAMS, "activities": ACTIVITIES}
    document["success"]["targets"] = {"on_time": {"check_in": "90%"}}
    document["calendar"]["months"] = 5
    scenario = freeze(Document(copy.deepcopy(document)))
    return scenario.with_(overrides) if overrides else scenario


@pytest.fixture(scope="module")
def horizon() -> Horizon:
    return Horizon(divided())


def test_every_account_has_one_team(horizon: Horizon) -> None:
    out = horizon.simulate(0)
    model = horizon.central.success
    assert model is not None
    assert model.columns.tolist() == [[0, 0], [0, 2], [1, 0], [1, 1], [1, 2]]
    opening = out["flows"][:, :, FLOWS.index("opening")]
    book = out["book"][:, :, BOOK.index("accounts")]
    np.testing.assert_array_equal(np.stack([book[:, :2].sum(axis=1), book[:, 2:].sum(axis=1)], axis=1), opening)
    mrr = out["book"][:, :, BOOK.index("mrr")].sum(axis=1)
    np.testing.assert_allclose(mrr, out["flows"][:, :, FLOWS.index("opening_mrr")].sum(axis=1))
    assert (book > 0).all(), "each of the pairs has accounts"


def test_the_team_is_that_of_phase_and_value(horizon: Horizon) -> None:
    model = horizon.central
    assert model.success is not None
    day = int(horizon.grid.month_day[4])

    def look(month: int, accounts: Any, _: Any) -> None:
        assert model.success is not None
        team = model.success.territories.team(accounts, model.portfolio, day, 4)
        value = accounts.mrr * 0.8 * min(1 / 0.02, 60)
        onboarding = np.maximum(day, accounts.start_day) < accounts.adoption_day
        small = (accounts.segment == 1) & (value < 1_200_000)
        expected = np.where(onboarding, 0, np.where(small, 1, 2))
        np.testing.assert_array_equal(team, np.where(accounts.alive, expected, -1))

    horizon.observe(1, look)


def test_who_begins_work_ends_it_and_who_takes_over_reads_first(horizon: Horizon) -> None:
    out = horizon.simulate(0)
    model = horizon.central.success
    assert model is not None
    steps = dict(zip(model.activities.step_names, range(9), strict=False))
    due = out["steps"][..., DUE]
    assert due[:, steps["read"], [0, 2]].sum() == 0, "nobody comes to the starters"
    came = out["book"][:, :, BOOK.index("came")]
    assert came[0].sum() == 0
    assert came[1:, [1, 3, 4]].sum() > 10
    # due within 10 days of the month's opening, whoever owns the account; some leave before they are read up on
    read, others = due[1:, steps["read"]], came[1:]
    assert (read[:, 3] <= others[:, 3]).all(), "in a pool only other teams' accounts are handed over"
    assert read[:, 3].sum() >= 0.9 * others[:, 3].sum()
    assert due[:, steps["meet"], [1, 3, 4]].sum() == 0, "kick-offs are the starters'"
    # nothing is void but what departed accounts leave: all months' check-ins come due somewhere
    asked = np.array([steps["call"], steps["notes"]])
    plain = Horizon(divided(teams={"csm": {"segments": ["smb", "enterprise"], "headcount": 7}})).simulate(0)
    both = [due[:, asked].sum(), plain["steps"][..., DUE][:, asked].sum()]
    assert abs(both[0] / both[1] - 1) < 0.02


def test_work_in_arrears_is_ended_by_who_began_it() -> None:
    busy = {
        "accounts.smb.new_per_month": 25,
        "success.teams.starters.headcount": 2,
        "success.activities.check_in.steps.call.desk": "4 h",
    }
    horizon = Horizon(divided(busy))
    steps = np.sum([horizon.simulate(r)["steps"][:-1, :, [0, 2]] for r in range(3)], axis=(0, 1, 2, 3))
    assert steps[LATE_DONE] > 0.03 * steps[DUE]
    assert steps[MISSED] < 0.01 * steps[DUE], "nobody's work would never be done"


def test_both_engines_agree_and_a_replay_is_the_plan(horizon: Horizon) -> None:
    mixed = divided({"success.teams.csm.pooled_segments": ["smb"], "hiring.attrition_per_year": "60%"})
    for one in (horizon, Horizon(mixed)):
        compiled, reference = one.simulate(1), one.simulate(1, reference=True)
        for name in ("steps", "hours", "at_risk", "book"):
            np.testing.assert_allclose(compiled[name], reference[name], rtol=1e-9, atol=1e-6, err_msg=name)
    teams = np.array([[2] * 5, [2] * 5, [2, 2, 3, 3, 1]])
    month_by_month = Horizon(divided())
    month_by_month.coupled = True  # so that every month is played anew
    for name in ("steps", "hours"):
        again = month_by_month.replay(1, Staffing(teams=teams))[name]
        np.testing.assert_array_equal(horizon.replay(1, Staffing(teams=teams))[name], again)


def test_a_team_that_gets_nobody_changes_nothing() -> None:
    alone = {"csm": {"segments": ["enterprise", "smb"], "headcount": 3}}
    idle = {"idle": {"segments": ["smb"], "value_below": 1e-9, "headcount": 1}}
    one, other = (Horizon(divided(teams=teams)).simulate(0) for teams in (alone, idle | alone))
    for name in ("flows", "cohort", "usage", "onboarding"):
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)
    np.testing.assert_array_equal(one["steps"], other["steps"][:, :, [0, 2]])
    np.testing.assert_array_equal(one["hours"][:, 0], other["hours"][:, 1])
    np.testing.assert_array_equal(one["at_risk"], other["at_risk"][:, [0, 2]])


def test_the_sum_of_the_work_is_shared_out(horizon: Horizon) -> None:
    whole = Horizon(divided(teams={"csm": {"segments": ["smb", "enterprise"], "headcount": 7}}))
    parts = np.sum(horizon.work_hours, axis=0)
    np.testing.assert_allclose(parts, whole.work_hours[0], rtol=1e-9, atol=1e-9)
    drawn = np.mean([horizon.simulate(r)["book"][..., BOOK.index("accounts")] for r in range(6)], axis=0)
    model = horizon.central.success
    assert model is not None
    adopted = drawn[0, 3] / (drawn[0, 3] + drawn[0, 4])
    serves = model.teams[1].workload.serves
    assert serves is not None
    assert serves[1].tolist() == [0.0, serves[1, 1], serves[1, 2]]
    assert abs(serves[1, 2] - adopted) < 0.05
    # lognormal of mean 50,000 and cv 1: P(mrr < 1.2 M / (0.8 · 50 months))
    sigma = math.sqrt(math.log(2))
    z = (math.log(1_200_000 / 40 / 50_000) + sigma**2 / 2) / sigma
    assert serves[1, 2] == pytest.approx(0.5 * (1 + math.erf(z / math.sqrt(2))), abs=0.01)


def test_handovers_between_teams_act_as_handovers() -> None:
    calm, hurt = (
        Horizon(divided({"couplings.churn_by_handover": by, "hiring.attrition_per_year": "0%"})) for by in (0, 9)
    )
    lost = [np.sum([h.simulate(r)["flows"][..., FLOWS.index("lost")] for r in range(4)]) for h in (calm, hurt)]
    assert lost[1] > 1.5 * lost[0]


def test_targets_kpis_and_the_answer_are_by_team(horizon: Horizon) -> None:
    targets = on_time_targets(horizon)
    assert [(t.team, t.columns) for t in targets] == [(0, (0, 2)), (1, (3,)), (2, (1, 4))]
    found = measures(simulate(divided(), replications=4, jobs=1))
    for team in TEAMS:
        assert found["success", "team", team, "accounts_in_care", "count"].shape == (4, 6)
        assert found["success", "team", team, "revenue_at_risk", "money"].shape == (4, 6)
    taken = found["success", "team", "csm", "accounts_taken_over", "count"]
    np.testing.assert_allclose(taken[:, -1], taken[:, :-1].sum(axis=1))
    whole = found["success", "segment", "all", "revenue_at_risk", "money"]
    parts = np.sum([found["success", "team", team, "revenue_at_risk", "money"] for team in TEAMS], axis=0)
    np.testing.assert_allclose(whole, parts)
    answer = run(divided({"monte_carlo.replications": 4}), jobs=1)
    assert {row["team"] for row in answer.summary["sizing"]} == set(TEAMS)
    assert not answer.activities.query("team == 'pool' and segment == 'enterprise'").size
    assert answer.activities.query("team == 'pool' and segment == 'smb'").size


@pytest.mark.parametrize(
    ("changes", "where", "message"),
    [
        ({"csm": {"phases": ["adoption"]}}, "accounts.enterprise", "no team looks after its accounts in expansion"),
        (
            {"csm": {"value_below": 2_000_000}},
            "accounts.smb",
            "no team looks after its accounts in adoption of an expected lifetime value of 2000000 or more",
        ),
        (
            {"pool": {"value_below": None}},
            "success.teams.csm.segments.1",
            "teams starters and pool leave nothing of the segment",
        ),
        (
            {"csm": {"value_below": 900_000}},
            "success.teams.csm.segments.1",
            "teams starters and pool leave nothing of the segment",
        ),
        ({"starters": {"phases": []}}, "success.teams.starters.phases", "the team looks after no phase"),
        ({"pool": {"value_below": 0}}, "success.teams.pool.value_below", "no account is worth less than nothing"),
        ({"pool": {"phases": ["adopted"]}}, "success.teams.pool.phases.0", "adopt"),
    ],
)
def test_gaps_and_overlaps_are_told(changes: dict[str, Any], where: str, message: str) -> None:
    teams = {name: {**given, **changes.get(name, {})} for name, given in TEAMS.items()}
    with pytest.raises(InputError) as refused:
        divided(teams=teams)
    told = [str(problem) for problem in refused.value.problems]
    assert any(where in text and message in text for text in told), told


def test_a_book_of_a_shared_segment_is_not_swept() -> None:
    with pytest.raises(InputError, match="the team has only a part of its segments' accounts"):
        book_overrides(divided(), "csm", 40)


def test_the_order_of_teams_is_kept() -> None:
    again = divided().with_({"monte_carlo.seed": 12})
    assert again.success is not None
    assert list(again.success.teams) == list(TEAMS)
