"""KPIs of accounts by replication: the dialects of the articles, cohorts by account records, survey scores."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import simulator as sim
from simulator import cli
from simulator.horizon import FLOWS
from simulator.studies.account_months import EVENTS, account_months
from simulator.studies.run import measures, simulate
from simulator.studies.success_measures import cohort_kpis, retention_kpis, survey_kpis
from simulator.success import cohorts, kpis, surveys
from tests.models import both_wings

WITHOUT_SUPPORT = {"calendar.months": 14, "accounts.smb.opening": 60, "monte_carlo.replications": 2}


def flows(*months: dict[str, float]) -> np.ndarray:
    """One replication of one segment."""
    return np.array([[[month.get(name, 0.0) for name in FLOWS] for month in months]])


def value(found: dict, kpi: str, month: int = -1) -> float:
    return float(found[kpi][1][0, month])


# --- both dialects ---------------------------------------------------------------------------------------------------


def test_retention_is_110_or_90_percent() -> None:
    found = retention_kpis(flows({"opening": 100, "new": 20, "lost": 10, "closing": 110}), 1.0, 0.0)
    for month in (0, -1):
        assert value(found, "retention_headcount_ratio", month) == pytest.approx(1.10)
        assert value(found, "retention_net_of_new", month) == pytest.approx(0.90)
        assert value(found, "retention_cohort", month) == pytest.approx(0.90)


def test_churn_by_opening_closing_and_average() -> None:
    found = retention_kpis(
        flows({"opening": 100, "new": 20, "lost": 10, "closing": 110, "downgraded": 3, "seats_reduced": 2}), 1.0, 0.0
    )
    assert value(found, "churn_rate_closing") == pytest.approx(10 / 110)
    assert value(found, "churn_rate_average") == pytest.approx(10 / 105)
    assert value(found, "churn_rate_with_contraction") == pytest.approx(0.15)


def test_lifetime_value_is_18_or_6_million() -> None:
    """500,000 a purchase, 12 a year, 3 years (churn of 1 in 36 a month); margin 50 %, acquisition 3,000,000."""
    month = {"opening": 3600, "lost": 100, "new": 100, "closing": 3600, "opening_mrr": 3600 * 500_000}
    found = retention_kpis(flows(month), 0.5, 3_000_000)
    assert value(found, "ltv_revenue") == pytest.approx(18_000_000)
    assert value(found, "ltv_net_of_cac") == pytest.approx(6_000_000)
    nobody_leaves = retention_kpis(flows(month | {"lost": 0}), 0.5, 3_000_000)
    assert value(nobody_leaves, "ltv_revenue") == pytest.approx(500_000 * 12 * 5), "60 months at most"


def test_the_horizon_is_one_period_for_the_forms_by_closing_accounts() -> None:
    months = [
        {"opening": 100, "new": 20, "lost": 10, "closing": 110},
        {"opening": 110, "new": 0, "lost": 11, "closing": 99},
    ]
    found = retention_kpis(flows(*months), 1.0, 0.0)
    assert value(found, "retention_headcount_ratio") == pytest.approx(0.99)
    assert value(found, "retention_net_of_new") == pytest.approx(0.79)
    assert value(found, "retention_cohort") == pytest.approx(0.9 * 0.9)


def test_negative_churn_counts_months() -> None:
    grows, shrinks = {"expansion_mrr": 5.0, "churned_mrr": 4.0}, {"expansion_mrr": 4.0, "churned_mrr": 4.0}
    found = retention_kpis(flows(grows, shrinks, grows), 1.0, 0.0)
    assert found["negative_churn"][1][0].tolist() == [1, 0, 1, pytest.approx(2 / 3)]


# --- cohorts ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def year() -> sim.Scenario:
    changes = {
        "accounts.smb.contraction": {"accounts_per_month": "3%", "amount": "30%"},
        "accounts.smb.seat_reduction": {"accounts_per_month": "3%", "amount": "20%"},
        "accounts.smb.downgrade_to_free": "1%",
        "accounts.smb.upsell": {"accounts_per_month": "5%", "amount": "50%"},
    }
    return both_wings(WITHOUT_SUPPORT | changes)


@pytest.fixture(scope="module")
def table(year: sim.Scenario) -> pd.DataFrame:
    return account_months(year, 2)


def test_cohorts_are_what_the_account_table_says(year: sim.Scenario, table: pd.DataFrame) -> None:
    found = measures(simulate(year))
    months = list(dict.fromkeys(table["month"]))
    for replication in (0, 1):
        mine = table[(table["replication"] == replication) & (table["segment"] == "smb")]
        for last in (11, 13):
            then = mine[(mine["month"] == months[last - 11]) & ~mine["new"]].set_index("account")["opening_mrr"]
            now = mine[mine["month"] == months[last]].set_index("account")
            now = now[~now["lost"]]
            kept = now["mrr"].reindex(then.index)
            expected = {
                "cohort_retention": kept.notna().mean(),
                "cohort_nrr": kept.sum() / then.sum(),
                "cohort_grr": np.minimum(kept.fillna(0), then).sum() / then.sum(),
            }
            for kpi, wanted in expected.items():
                values = found["success", "segment", "smb", kpi, "share"][replication]
                assert values[last] == pytest.approx(wanted, rel=1e-12), kpi
                assert math.isnan(values[10])
        assert values[-1] == values[13]


def test_short_horizons_have_no_cohort() -> None:
    assert not any(key[3].startswith("cohort") for key in measures(simulate(both_wings(), replications=2)))
    empty = np.full((1, 3, len(cohorts.SUMS)), np.nan)
    assert all(np.isnan(values).all() for _, values in cohort_kpis(empty).values())


# --- account months --------------------------------------------------------------------------------------------------


def test_account_months_add_up_to_the_flows(year: sim.Scenario, table: pd.DataFrame) -> None:
    data = simulate(year).data["flows"]
    months = list(dict.fromkeys(table["month"]))
    names = {
        "lost": "lost", "new": "new", "upsold": "upsold", "downgraded_to_free": "downgraded",
        "seats_reduced": "seats_reduced", "plan_changed": "plan_changed",
    }  # fmt: skip
    for column, flow in names.items():
        counted = table.groupby(["replication", "month", "segment"])[column].sum().unstack("month")[months]
        wanted = data[..., FLOWS.index(flow)].transpose(0, 2, 1).reshape(4, -1)
        assert wanted.sum() > 0
        assert np.array_equal(counted.to_numpy(), wanted), column
    mrr = table.groupby(["replication", "month", "segment"])["mrr"].sum().unstack("month")[months]
    wanted = data[..., FLOWS.index("closing_mrr")].transpose(0, 2, 1).reshape(4, -1)
    np.testing.assert_allclose(mrr.to_numpy(), wanted, rtol=1e-12)


def test_an_account_has_one_row_a_month_until_it_is_lost(table: pd.DataFrame) -> None:
    assert not table.duplicated(["replication", "account", "month"]).any()
    last = table.groupby(["replication", "account"]).tail(1)
    assert last["lost"].sum() == table["lost"].sum() > 0
    assert (table.loc[table["free"], "mrr"] == 0).all()
    assert set(EVENTS) <= set(table.columns)


def test_run_writes_the_table_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from simulator.scenario.loading import dump

    monkeypatch.setattr(cli, "_write_reports", lambda *_: None)
    plan = tmp_path / "plan.yaml"
    plan.write_text(dump(both_wings({"calendar.months": 3}).document()), encoding="utf-8")
    words = ["run", str(plan), "--replications", "2", "--quiet", "--account-months", "2", "--out", str(tmp_path / "o")]
    result = CliRunner().invoke(cli.main, words)
    assert result.exit_code == 0, result.output
    written = pd.read_parquet(tmp_path / "o" / "account_months.parquet")
    assert set(written["replication"]) == {0, 1}
    assert len(pd.read_csv(tmp_path / "o" / "account_months.csv")) == len(written) > 200


def test_no_accounts_no_table(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[2] / "scenarios" / "textbook_mmn.yaml"
    result = CliRunner().invoke(cli.main, ["run", str(shipped), "--account-months", "1", "--out", str(tmp_path / "o")])
    assert result.exit_code == 2
    assert "the scenario has no accounts" in result.stderr


# --- surveys ---------------------------------------------------------------------------------------------------------

NPS = {"kind": "nps", "segments": {"smb": "100%"}, "every": "month", "response": "40%",
       "answers": {"10": 3, "9": 2, "8": 2, "7": 1, "5": 1, "0": 1}}  # fmt: skip
CSAT = {"kind": "csat", "segments": {"smb": "50%", "enterprise": "100%"}, "every": "quarter",
        "answers": {"1": 1, "3": 2, "4": 4, "5": 3}}  # fmt: skip


def sums(scores: list[int]) -> np.ndarray:
    x = np.array(scores, dtype=float)
    parts = (len(x), (x >= 9).sum(), (x <= 6).sum(), (x >= 4).sum(), x.sum(), (x**2).sum())
    return np.array([[parts]], dtype=float)


def test_scores_are_those_of_the_answers() -> None:
    scores = [10, 9, 9, 8, 7, 6, 3, 0, 10, 10]
    one, found = kpis.nps(scores), survey_kpis("nps", sums(scores))
    assert value(found, "nps") == pytest.approx(one.value)
    assert value(found, "nps_answers") == 10
    assert value(found, "nps") - value(found, "nps_margin") == pytest.approx(one.low)
    grades = [5, 4, 4, 2, 1, 3]
    (two, top), found = kpis.csat(grades), survey_kpis("csat", sums(grades))
    assert value(found, "csat") == pytest.approx(two.value)
    assert value(found, "csat") + value(found, "csat_margin") == pytest.approx(two.high)
    assert value(found, "csat_top_two") == pytest.approx(top)
    assert math.isnan(value(survey_kpis("ces", sums([])), "ces"))


def test_surveys_of_a_scenario_reach_the_kpis() -> None:
    plan = both_wings({"success.surveys": {"nps": NPS, "csat": CSAT}, "accounts.smb.opening": 400})
    found = measures(simulate(plan))
    answers = found["success", "segment", "smb", "nps_answers", "count"]
    asked = simulate(plan).data["flows"][:, :, 1, FLOWS.index("closing")].sum()
    got = answers[:, :-1].sum()
    assert abs(got - 0.4 * asked) < 4 * math.sqrt(asked * 0.4 * 0.6)
    score = found["success", "segment", "smb", "nps", "points"][:, -1].mean()
    n, promoters, detractors = answers[:, -1].sum(), 0.5, 0.2
    error = 100 * math.sqrt((promoters + detractors - 0.3**2) / n)
    assert abs(score - 30) < 4 * error
    assert np.isnan(found["success", "segment", "all", "csat", "score"][:, :2]).all(), "at the quarter's end"
    assert ("success", "segment", "enterprise", "nps", "points") not in found
    top = found["success", "segment", "all", "csat_top_two", "share"][:, -1].mean()
    n = found["success", "segment", "all", "csat_answers", "count"][:, -1].sum()
    assert abs(top - 0.7) < 4 * math.sqrt(0.7 * 0.3 / n)


def test_a_higher_response_keeps_the_answers_there_were() -> None:
    from simulator.horizon import Horizon

    few, many = (
        Horizon(both_wings({"success.surveys": {"nps": NPS | {"response": share}}})).simulate(0)["survey"]
        for share in ("20%", "90%")
    )
    assert (few <= many).all()
    assert few[..., surveys.SUMS.index("answers")].sum() < 0.4 * many[..., surveys.SUMS.index("answers")].sum()


@pytest.mark.parametrize(
    ("survey", "message"),
    [
        (NPS | {"segments": {"smbs": "100%"}}, "unknown segment"),
        (NPS | {"answers": {"11": 1}}, "whole scores 0 to 10, not 11"),
        (CSAT | {"answers": {"0": 1}}, "whole scores 1 to 5"),
        (CSAT | {"answers": {}}, "needs answers"),
        (NPS | {"response": "140%"}, "response"),
    ],
)
def test_surveys_that_make_no_sense_are_refused(survey: dict, message: str) -> None:
    with pytest.raises(sim.InputError, match=message):
        both_wings({"success.surveys": {"odd": survey}})
