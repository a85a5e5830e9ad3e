"""Every coupling at a coefficient that is not 0 moves what it should, and at 0 nothing at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import simulator as sim
from simulator.horizon import FLOWS, Horizon, Staffing
from simulator.scenario.schema import Couplings, Effect, Scenario
from simulator.studies.run import measures, simulate
from simulator.success.couplings import CouplingTables, Exposure
from simulator.success.tables import ON_TIME
from simulator.success.timeliness import Timeliness
from tests.models import both_wings

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


def totals(scenario: Scenario) -> dict[str, float]:
    data = simulate(scenario).data
    flows = {name: float(data["flows"][..., i].sum()) for i, name in enumerate(FLOWS)}
    nps = measures(simulate(scenario))["success", "segment", "all", "nps", "points"][:, -1].mean()
    return {**flows, "nps": float(nps), "on_time": float(data["steps"][..., ON_TIME].sum())}


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
        ({"success__activities__qbr__effect__churn": -5}, "lost", -1),
        ({"success__activities__qbr__effect__expansion": 3}, "upsold", 1),
        ({"success__activities__qbr__effect__churn_of_all": -5}, "lost", -1),
    ],
)
def test_a_coupling_moves_what_it_should(base: dict[str, float], changes: dict, moved: str, sign: int) -> None:
    found = coupled(**changes)
    # on common draws a shift in one direction moves nobody in the other: one percent is no matter of chance
    assert sign * (found[moved] - base[moved]) > 0.01 * abs(base[moved])
    alone = {"lost": "nps", "upsold": "lost", "nps": "lost"}[moved]
    if alone == "lost":
        assert found["lost"] == base["lost"], "nothing else may move"


def test_handovers_raise_churn() -> None:
    staff = {"success.teams.csm.headcount": 6, "hiring.time_to_hire": "0 months"}
    leaving, staying = (MANY | staff | {"hiring.attrition_per_year": share} for share in ("90%", "0%"))
    coupling = {"couplings.churn_by_handover": 2}
    assert totals(both_wings(leaving | coupling))["lost"] > 1.01 * totals(both_wings(leaving))["lost"]
    assert totals(both_wings(staying | coupling))["lost"] == totals(both_wings(staying))["lost"]


def test_both_engines_agree_under_couplings() -> None:
    changes = {
        "couplings.churn_by_late_activities": 1, "couplings.churn_by_handover": 1, "couplings.churn_by_slow_support": 1,
        "success.activities.qbr.effect.churn": -2, "success.activities.qbr.effect.expansion": 1,
        "accounts.smb.opening": 60,
    }  # fmt: skip
    horizon = Horizon(both_wings(MANY | changes))
    one, other = horizon.simulate(1), horizon.simulate(1, reference=True)
    assert one["flows"][..., FLOWS.index("lost")].sum() > 0
    for name, values in one.items():
        np.testing.assert_allclose(values, other[name], rtol=1e-9, atol=1e-6, err_msg=name)


def test_another_staffing_meets_other_accounts_under_couplings() -> None:
    """A replay without couplings keeps the plan's accounts; with them it must not: more heads, less late, less lost."""
    plan = MANY | {"couplings.churn_by_late_activities": 3}
    horizon = Horizon(both_wings(plan))
    months = horizon.grid.months
    own = np.full((1, months), 2)
    due = [horizon.replay(0, Staffing(teams=heads))["steps"][..., 0].sum() for heads in (own, own * 6)]
    assert due[1] > due[0], "accounts that stay ask for more work"
    same = horizon.simulate(0)["steps"]
    assert set(horizon.replay(0, Staffing(teams=own))) == {"steps", "hours"}
    free = Horizon(both_wings(MANY | {"hiring.attrition_per_year": "0%"}))
    assert np.array_equal(free.replay(0, Staffing(teams=own))["steps"], free.simulate(0)["steps"]), (
        "the plan itself, replayed"
    )
    assert same.shape[0] == months


def test_the_share_done_in_time_is_what_counts() -> None:
    """Two activities, two accounts, two months, by hand."""
    horizon = Horizon(both_wings())
    from simulator.success import portfolio as accounts

    portfolio = accounts.open_portfolio(horizon.central.portfolio, horizon.grid, 1, 0)
    size = len(portfolio)
    seen, exposure = Timeliness(), Exposure(2)
    nothing = np.zeros(size, dtype=bool)
    for rows in ([(0, 0, 0), (0, 0, 1), (1, 1, 0)], [(0, 0, 2), (0, 1, 0)]):
        seen.add(np.zeros((size, 3), dtype=np.int64), np.zeros(size, dtype=np.int64))
        exposure.add(portfolio, 0.0, seen, nothing, np.array(rows).T)
    tables = CouplingTables(churn=np.array([3.0, 10.0]), expansion=np.array([0.0, 1.0]), churn_of_all=np.zeros(2))
    shifts = exposure.shifts(tables, portfolio, seen, 0.0)
    assert shifts.churn is not None
    assert shifts.expansion is not None
    # account 0: one of three reviews in time; account 1: its review and its call in time
    assert shifts.churn[:3].tolist() == [pytest.approx(1.0), 13.0, 0.0]
    assert shifts.expansion[:3].tolist() == [0.0, 1.0, 0.0]


def test_wrong_coefficients_are_refused() -> None:
    with pytest.raises(sim.InputError, match="churn_by_late_activities"):
        both_wings({"couplings.churn_by_late_activitys": 1})
    with pytest.raises(sim.InputError, match="churn_by_handover"):
        both_wings({"couplings.churn_by_handover": 11})
