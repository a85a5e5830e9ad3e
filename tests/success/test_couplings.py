"""Every coupling at a coefficient that is not 0 moves what it should, and at 0 nothing at all."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import simulator as sim
from simulator.horizon import FLOWS, PEOPLE, USAGE, Horizon, Staffing
from simulator.scenario.document import Document
from simulator.scenario.loading import freeze
from simulator.scenario.schema import Couplings, Effect, Scenario
from simulator.studies.account_months import account_months
from simulator.studies.run import measures, simulate
from simulator.success.couplings import CouplingTables, Exposure, overload
from simulator.success.tables import DUE, H_DESK, ON_TIME
from simulator.success.timeliness import Timeliness
from tests.models import BOTH_WINGS, both_wings

SURVEY = {"kind": "nps", "segments": {"smb": "100%"}, "every": "month", "answers": {"10": 1, "5": 1}}
MANY: dict[str, Any] = {
    "calendar.months": 5,
    "monte_carlo.replications": 4,
    "accounts.smb.opening": 300,
    "accounts.smb.churn_per_month": "4%",
    "accounts.smb.upsell": {"accounts_per_month": "5%", "amount": "20%"},
    "accounts.smb.opening_age": "6 months",
    "accounts.smb.onboarding": "3 months",
    "accounts.smb.adoption": "1 month",
    "success.surveys": {"nps": SURVEY},
    "success.activities.qbr.segments.smb": "60%",
    "success.activities.qbr.every": "month",
    "success.activities.qbr.window": "whole period",
}
"""A team with far too much to do: most reviews are late."""

USED = {"success.activities.qbr.sells": True, "accounts.smb.usage": {"low": "50%"}}


WORK = {"segments": {"smb": "100%", "enterprise": "100%"}, "within": "14 days", "steps": {"call": {"desk": "1 h"}}}
TRIGGERED: dict[str, Any] = {
    "welcome": WORK | {"trigger": "phase", "phases": ["adoption"], "after": "7 days"},
    "follow_low": WORK | {"trigger": "health", "detection": "3 days"},
    "follow_detractors": WORK | {"trigger": "survey", "survey": "nps", "detection": "2 days"},
    "backlog": WORK
    | {
        "trigger": "rate",
        "per_month": 0.0001,
        "steps": {
            "prepare": {"desk": "1 h"},
            "meet": {"meeting": "1 h"},
            "write": {"desk": "1 h", "within": "5 working days"},
        },
        "under_way": {"meet": "50%", "write": "25%"},
    },
}


def triggered(overrides: dict[str, Any]) -> Scenario:
    """Both wings with an activity for each of the triggers that follow on what accounts do."""
    document = copy.deepcopy(BOTH_WINGS)
    document["success"]["activities"] |= TRIGGERED
    document["success"]["surveys"] = {"nps": SURVEY | {"response": "50%", "segments": {"smb": 1, "enterprise": 1}}}
    for segment in document["accounts"].values():
        segment["usage"] = {"low": "50%"}
    return freeze(Document(document)).with_({k: v for k, v in overrides.items() if k != "success.surveys"})


QUIET = MANY | {"success.teams.csm.headcount": 30, "hiring.attrition_per_year": "0%", "monte_carlo.replications": 2}
"""The same work for people enough."""


def totals(scenario: Scenario) -> dict[str, float]:
    data = simulate(scenario).data
    flows = {name: float(data["flows"][..., i].sum()) for i, name in enumerate(FLOWS)}
    nps = measures(simulate(scenario))["success", "segment", "all", "nps", "points"][:, -1].mean()
    used = data["usage"][..., USAGE.index("usage")].sum() / max(data["usage"][..., 0].sum(), 1)
    return {**flows, "nps": float(nps), "usage": float(used), "on_time": float(data["steps"][..., ON_TIME].sum())}


@pytest.fixture(scope="module")
def base() -> dict[str, float]:
    return totals(both_wings(MANY))


def coupled(**changes: object) -> dict[str, float]:
    return totals(both_wings(MANY | {name.replace("__", "."): value for name, value in changes.items()}))


def test_all_coefficients_are_0_unless_set() -> None:
    assert not any(value for _, value in Couplings())
    assert not any(value for _, value in Effect())
    assert not both_wings().coupled
    for path in ("scenarios/quickstart.yaml", "scenarios/saas_2027.yaml"):
        assert not sim.read(path).coupled


@pytest.mark.parametrize(
    ("changes", "moved", "sign"),
    [
        ({"couplings__churn_by_late_activities": 2}, "lost", 1),
        ({"couplings__churn_by_late_activities": -2}, "lost", -1),
        ({"couplings__churn_by_late_onboarding": 2}, "lost", 1),
        ({"couplings__churn_by_slow_support": 2}, "lost", 1),
        ({"couplings__expansion_by_late_activities": -3}, "upsold", -1),
        ({"couplings__survey_by_late_activities": -3}, "nps", -1),
        (USED | {"couplings__churn_by_usage": -2}, "lost", 1),
        (USED | {"couplings__expansion_by_usage": 2}, "upsold", 1),
        (USED | {"couplings__churn_by_pushy_offers": 3}, "lost", 1),
        (USED | {"success__activities__qbr__effect__usage": 5}, "usage", 1),
        ({"success__activities__qbr__effect__churn": -5}, "lost", -1),
        ({"success__activities__qbr__effect__expansion": 3}, "upsold", 1),
        ({"success__activities__qbr__effect__churn_of_all": -5}, "lost", -1),
    ],
)
def test_a_coupling_moves_what_it_should(base: dict[str, float], changes: dict, moved: str, sign: int) -> None:
    found = coupled(**changes)
    if changes.keys() & USED.keys():
        base = coupled(**USED)
    # on common draws a shift in one direction moves nobody in the other: one percent is no matter of chance
    assert sign * (found[moved] - base[moved]) > 0.01 * abs(base[moved])
    alone = {"lost": "nps", "upsold": "lost", "nps": "lost", "usage": "lost"}[moved]
    if alone == "lost":
        assert found["lost"] == base["lost"], "nothing else may move"


def test_a_survey_observes_usage_with_noise() -> None:
    """With the coupling, low users answer lower; not all of them, and not only they."""
    from simulator.success import health, portfolio, surveys

    horizon = Horizon(both_wings(MANY | USED))
    accounts = portfolio.open_portfolio(horizon.central.portfolio, horizon.grid, 1, 0)
    success = horizon.central.success
    health.follow(success.usage, accounts, horizon.grid, 0, len(accounts))
    means = []
    for coefficient in (0.0, 2.0):
        given = surveys.close_month(success.surveys, accounts, horizon.grid, 0, coefficient * accounts.usage)[1]
        low = np.isfinite(accounts.low_since[given.account])
        means.append([given.score[low].mean(), given.score[~low].mean()])
        assert {5, 10} == set(given.score[low]) == set(given.score[~low])
    assert means[1][1] - means[1][0] > 1 > abs(means[0][1] - means[0][0])


def test_handovers_raise_churn() -> None:
    staff = {"success.teams.csm.headcount": 6, "hiring.time_to_hire": "0 months"}
    leaving, staying = (MANY | staff | {"hiring.attrition_per_year": share} for share in ("90%", "0%"))
    coupling = {"couplings.churn_by_handover": 2}
    assert totals(both_wings(leaving | coupling))["lost"] > 1.01 * totals(both_wings(leaving))["lost"]
    assert totals(both_wings(staying | coupling))["lost"] == totals(both_wings(staying))["lost"]


def test_both_engines_agree_under_couplings() -> None:
    changes = USED | {
        "couplings.churn_by_pushy_offers": 0.5, "couplings.attrition_by_overload": 3, "couplings.churn_by_usage": -0.5,
        "hiring.attrition_per_year": "60%", "hiring.time_to_hire": "0 months", "success.teams.csm.headcount": 4,
        "accounts.smb.milestone": {"activities": ["qbr"], "first_value": "1 month", "gates": True},
        "couplings.time_to_value_by_usage": 0.3, "success.activities.qbr.effect.usage": 1,
        "couplings.churn_by_late_activities": 1, "couplings.churn_by_handover": 1, "couplings.churn_by_slow_support": 1,
        "success.activities.qbr.effect.churn": -2, "success.activities.qbr.effect.expansion": 1,
        "accounts.smb.opening": 60,
    }  # fmt: skip
    horizon = Horizon(triggered(MANY | changes))
    one, other = horizon.simulate(1), horizon.simulate(1, reference=True)
    assert one["flows"][..., FLOWS.index("lost")].sum() > 0
    for name, values in one.items():
        np.testing.assert_allclose(values, other[name], rtol=1e-9, atol=1e-6, err_msg=name)


def test_another_staffing_meets_other_accounts_under_couplings() -> None:
    """What a search tries must be what the plan would be, accounts and all."""
    plan = MANY | {"couplings.churn_by_late_activities": 3, "hiring.attrition_per_year": "0%"}
    horizon = Horizon(both_wings(plan))
    tried = horizon.replay(0, Staffing(teams=np.full((1, horizon.grid.months), 12)))
    assert set(tried) == {"steps", "hours"}
    planned = Horizon(both_wings(plan | {"success.teams.csm.headcount": 12})).simulate(0)
    assert np.array_equal(tried["steps"], planned["steps"])
    lost = FLOWS.index("lost")
    assert planned["flows"][..., lost].sum() < horizon.simulate(0)["flows"][..., lost].sum()


def test_the_share_done_in_time_is_what_counts() -> None:
    """Two activities, two accounts, two months, by hand."""
    horizon = Horizon(both_wings())
    from simulator.success import portfolio as accounts

    portfolio = accounts.open_portfolio(horizon.central.portfolio, horizon.grid, 1, 0)
    size = len(portfolio)
    seen, exposure = Timeliness(), Exposure(2, np.array([False, False]))
    nothing = np.zeros(size, dtype=bool)
    for rows in ([(0, 0, 0), (0, 0, 1), (1, 1, 0)], [(0, 0, 2), (0, 1, 0)]):
        seen.add(np.zeros((size, 3), dtype=np.int64), np.zeros(size, dtype=np.int64))
        exposure.add(portfolio, 0.0, seen, nothing, np.array([(*row, 0) for row in rows]).T)
    tables = CouplingTables(
        churn=np.array([3.0, 10.0]), expansion=np.array([0.0, 1.0]), churn_of_all=np.zeros(2),
        usage=np.array([0.5, 0.0]),
    )  # fmt: skip
    shifts = exposure.shifts(tables, portfolio, seen, 0.0)
    assert shifts.churn is not None
    assert shifts.expansion is not None
    # account 0: one of three reviews in time; account 1: its review and its call in time
    assert shifts.churn[:3].tolist() == [pytest.approx(1.0), 13.0, 0.0]
    assert shifts.expansion[:3].tolist() == [0.0, 1.0, 0.0]
    assert shifts.usage is not None
    assert shifts.usage[:3].tolist() == [pytest.approx(1 / 6), 0.5, 0.0]


def test_wrong_coefficients_are_refused() -> None:
    with pytest.raises(sim.InputError, match="churn_by_late_activities"):
        both_wings({"couplings.churn_by_late_activitys": 1})
    with pytest.raises(sim.InputError, match="churn_by_handover"):
        both_wings({"couplings.churn_by_handover": 11})


# --- people ----------------------------------------------------------------------------------------------------------

WORN = MANY | {
    "calendar.months": 8,
    "hiring.attrition_per_year": "30%",
    "hiring.time_to_hire": "1 month",
    "success.teams.csm.headcount": 6,
}


def leavers(scenario: Scenario) -> float:
    return float(simulate(scenario).data["people"][:, :, -1, PEOPLE.index("leavers")].sum())


def test_overload_raises_the_attrition_of_those_who_are_overloaded() -> None:
    gamma = {"couplings.attrition_by_overload": 1.5}
    assert leavers(both_wings(WORN | gamma)) > 1.2 * leavers(both_wings(WORN))
    idle = WORN | {"success.teams.csm.headcount": 40}
    assert leavers(both_wings(idle | gamma)) == leavers(both_wings(idle))


def test_people_who_join_one_by_one_are_those_who_were_planned_at_once() -> None:
    """A coefficient as good as 0 leads through the engines with growing teams, and changes nothing."""
    leaving = WORN | {"hiring.attrition_per_year": "95%", "hiring.ramp": ["50%"], "success.teams.csm.headcount": 20}
    one = Horizon(both_wings(leaving)).simulate(0)
    assert one["people"][:, -1, PEOPLE.index("leavers")].sum() > 3
    other = Horizon(both_wings(leaving | {"couplings.attrition_by_overload": 1e-12})).simulate(0)
    for name, values in one.items():
        np.testing.assert_array_equal(values, other[name], err_msg=name)


@pytest.mark.parametrize(
    ("utilisation", "expected"),
    [([], 0.0), ([0.5], 0.0), ([1.0], 1.0), ([0.0, 0.9, 0.9, 0.9], 0.5), ([np.nan, 1.2], 2.0)],
)
def test_overload_counts_from_80_percent(utilisation: list[float], expected: float) -> None:
    assert overload(utilisation) == pytest.approx(expected)


# --- what usage, answers and phases bring to the desk ----------------------------------------------------------------


def done(scenario: Scenario, activity: str) -> float:
    data, k = simulate(scenario).data, list(scenario.success.activities).index(activity)
    model = Horizon(scenario).central.success
    return float(data["steps"][:, :, model.activities.headline_step[k], :, DUE].sum())


@pytest.mark.parametrize("name", ["welcome", "follow_low", "follow_detractors", "backlog"])
def test_a_trigger_makes_work_and_from_work_knows_it(name: str) -> None:
    scenario = triggered(QUIET)
    found = done(scenario, name)
    assert found > 0
    model = Horizon(scenario)
    k = list(scenario.success.activities).index(name)
    hours = model.work_hours[0][k].sum() * scenario.monte_carlo.replications
    if name != "backlog":  # what is under way at the beginning is no rhythm
        # every step takes an hour; due dates beyond the horizon are not in the sums
        assert 0.75 * hours < found <= 1.25 * hours


def test_a_tool_shows_more_spells() -> None:
    slow = {"success.activities.follow_low.detection": {"exponential": "60 days"}}
    assert done(triggered(QUIET | slow), "follow_low") < 0.8 * done(triggered(QUIET), "follow_low")


def test_work_under_way_is_there_on_the_first_day() -> None:
    scenario = triggered(QUIET)
    steps = Horizon(scenario).simulate(0)["steps"][0]
    first = int(Horizon(scenario).central.success.activities.first_step[-2])
    due = steps[first : first + 3, :, DUE].sum(axis=1)
    # half of the accounts have prepared, a quarter is at the follow-up: no preparation is left
    assert due[0] == 0
    assert 0 < due[1] < due[2]


def test_effort_falls_with_the_phase() -> None:
    half = {"accounts.smb.effort_by_phase": {"after": 0.5}, "accounts.enterprise.effort_by_phase": {"after": 0.5}}
    plain, less = (Horizon(both_wings(QUIET | changes)).work_hours[0].sum() for changes in ({}, half))
    assert less < plain
    worked = [Horizon(both_wings(QUIET | changes)).simulate(0)["hours"][..., H_DESK].sum() for changes in ({}, half)]
    assert worked[1] < worked[0]


def test_no_shows_have_a_kpi() -> None:
    staying_away = {"accounts.smb.meetings": {"no_show": "30%"}, "accounts.enterprise.meetings": {"no_show": "30%"}}
    found = measures(simulate(both_wings(QUIET | staying_away)))["success", "team", "csm", "no_show_share", "share"]
    assert abs(found[:, -1].mean() - 0.3) < 0.05  # some 500 meetings


def test_usage_and_onboarding_have_kpis() -> None:
    milestone = {"activities": ["welcome"], "deadline": "5 months", "first_value": "1 month"}
    scenario = triggered(QUIET | {"accounts.smb.milestone": milestone, "calendar.months": 9})
    found = {key[3]: values for key, values in measures(simulate(scenario)).items() if key[2] == "smb"}
    assert 0.5 < found["usage"][:, -1].mean() < 0.7
    assert 0 < found["low_usage_share"][:, -1].mean() < 0.6
    assert 0 < found["onboarding_completion"][:, -1].mean() <= 1
    assert np.nanmin(found["time_to_value"][:, -1]) > 30


def test_the_account_month_table_has_usage_where_it_is_followed() -> None:
    table = account_months(both_wings(MANY | USED))
    assert table.loc[table["segment"] == "enterprise", "usage"].isna().all()
    assert table.loc[table["segment"] == "smb", "usage"].between(0, 1).all()
    assert "usage" not in account_months(both_wings())
