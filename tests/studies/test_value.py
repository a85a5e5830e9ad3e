"""What an activity is worth: paired money that adds up, ranks only where intervals lie apart, break-evens that break
even."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from matplotlib.figure import Figure

import simulator as sim
from simulator.cli import main
from simulator.horizon import FLOWS
from simulator.reporting.plots_value import break_even_caption, returns
from simulator.reporting.tables import break_even_lines, value_lines
from simulator.studies.run import simulate
from simulator.studies.value import (
    STRONGEST,
    Value,
    _rank,
    break_even,
    kept_and_expanded,
    ratio_interval,
    search_break_even,
    value,
)
from tests.models import both_wings

PLAN = {
    "calendar.months": 4,
    "accounts.smb.opening": 200,
    "accounts.smb.churn_per_month": "4%",
    "accounts.smb.upsell": {"accounts_per_month": "5%", "amount": "20%"},
    "accounts.smb.opening_age": "24 months",
    "success.teams.csm.headcount": 4,
    "success.activities.qbr.every": "month",
    "success.activities.qbr.window": "whole period",
    "success.activities.qbr.segments.smb": "50%",
    "hiring.attrition_per_year": "0%",
}
EFFECT = {"success.activities.qbr.effect.churn": -2, "success.activities.qbr.effect.expansion": 1}


@pytest.fixture(scope="module")
def found() -> Value:
    return value(both_wings(PLAN | EFFECT), ["qbr"])


def test_kept_and_expanded_are_the_whole_difference_of_revenue() -> None:
    plan = both_wings(PLAN | EFFECT)
    rich, lean = simulate(plan), simulate(plan.with_({"success.activities.qbr.segments.smb": "0%"}))
    kept, expanded = kept_and_expanded(rich, lean)
    revenue = [s.data["flows"][..., FLOWS.index("closing_mrr")].sum(axis=(1, 2)) for s in (rich, lean)]
    np.testing.assert_allclose(kept + expanded, revenue[0] - revenue[1], rtol=1e-9, atol=1e-3)
    assert kept.mean() > 0
    assert expanded.mean() > 0


def test_an_activity_with_an_effect_keeps_and_expands(found: Value) -> None:
    rows = found.table.set_index("segment")
    assert list(rows.index) == ["all", "enterprise", "smb"]
    row = rows.loc["smb"]
    # 100 covered accounts, 4 months, 3 hours each: what is not yet done at the end and accounts that left are missing
    assert 0.75 * 1200 < row["hours"] <= 1200
    hour = 6_000_000 * 1.3 / (52 * 40)
    assert row["cost"] == pytest.approx(row["hours"] * hour)
    assert row["kept_low"] < row["kept"] < row["kept_high"]
    assert row["kept"] > 0
    assert row["expanded"] > 0
    assert row["roi"] == pytest.approx((row["kept"] + row["expanded"]) / row["cost"])
    assert rows.loc["all", "hours"] == pytest.approx(row["hours"] + rows.loc["enterprise", "hours"], rel=0.1)


def test_capacity_relieved_by_churn_is_told_apart(found: Value) -> None:
    relieved = found.table.set_index("segment")["relieved_hours"]
    assert relieved["all"] > 0, "accounts that stay ask for other work too"
    assert relieved["smb"] > 0


def test_without_an_effect_nothing_is_worth_anything_and_nothing_is_ranked() -> None:
    found = value(both_wings(PLAN), ["qbr", "escalated"], by_segment=False, replications=2)
    assert (found.table[["kept", "expanded", "relieved_hours", "roi"]] == 0).all(axis=None)
    assert found.table["rank"].isna().all()
    assert not found.assumed
    assert "assumes no effect" in value_lines(found)[0]


def rows(*intervals: tuple[float, float, float], segment: str = "all") -> list[dict]:
    return [
        {"activity": chr(97 + i), "segment": segment, "covers": frozenset("xy"), "roi": m, "roi_low": low, "roi_high":
        high} for i, (m, low, high) in enumerate(intervals)
    ]  # fmt: skip


def test_overlapping_intervals_are_not_ranked() -> None:
    apart = rows((1.0, 0.9, 1.1), (3.0, 2.9, 3.1), (2.0, 1.9, 2.1))
    _rank(apart)
    assert [row["rank"] for row in apart] == [3, 1, 2]
    overlapping = rows((1.0, 0.5, 1.5), (1.4, 0.9, 1.9), (3.0, 2.9, 3.1))
    _rank(overlapping)
    assert [row["rank"] for row in overlapping[:2]] == [pytest.approx(math.nan, nan_ok=True)] * 2
    assert [row["tied_with"] for row in overlapping] == ["b", "a", ""]
    assert overlapping[2]["rank"] == 1
    nothing = rows((1.0, 0.9, 1.1), (math.nan, math.nan, math.nan))
    _rank(nothing)
    assert all(math.isnan(row["rank"]) and not row["tied_with"] for row in nothing), "nobody to be ranked against"


def test_only_the_same_accounts_are_compared() -> None:
    mixed = rows((1.0, 0.9, 1.1)) + rows((3.0, 2.9, 3.1), segment="smb")
    mixed[1]["covers"] = frozenset("x")
    _rank(mixed)
    assert all(math.isnan(row["rank"]) for row in mixed)


def test_the_interval_of_a_ratio_covers_it() -> None:
    """Means 2 and 4, 400 samples of 50: 95 % cover the true ratio, give or take three standard errors of that share."""
    generator = np.random.default_rng(8)
    hits = 0
    for _ in range(400):
        bottom = generator.normal(4.0, 1.0, 50)
        ratio, low, high = ratio_interval(0.5 * bottom + generator.normal(0.0, 1.0, 50), bottom, 1)
        hits += low <= 0.5 <= high
        assert low < ratio < high
    assert abs(hits / 400 - 0.95) < 3 * math.sqrt(0.95 * 0.05 / 400) + 0.01
    assert all(map(math.isnan, ratio_interval(np.ones(4), np.zeros(4), 1)))


# --- break-even ------------------------------------------------------------------------------------------------------


def test_a_crossing_is_found_where_it_is() -> None:
    noise = np.random.default_rng(3).normal(0.0, 1.0, 64)
    found = search_break_even(lambda c: -3.0 - 2.0 * c + noise, -1.0, 1)
    assert found.coefficient == pytest.approx(-1.5 + noise.mean() / 2, abs=1e-9)
    assert found.high < found.coefficient < found.low, "more effect is needed to be sure"
    assert found.odds == pytest.approx(math.exp(found.coefficient))
    assert math.isnan(search_break_even(lambda c: np.full(8, -1.0), 1.0, 1).coefficient)


def test_at_the_break_even_revenue_pays_the_cost() -> None:
    plan = both_wings(PLAN | {"accounts.smb.mrr": 400_000, "accounts.smb.churn_per_month": "8%"})
    row = value(plan, ["qbr"], by_segment=False, break_even=True).table.iloc[0]
    assert -STRONGEST < row["break_even"] < 0
    at = value(plan.with_({"success.activities.qbr.effect.churn": row["break_even"]}), ["qbr"], by_segment=False)
    slack = value(
        plan.with_({"success.activities.qbr.effect.churn": row["break_even"] * 1.5}), ["qbr"], by_segment=False
    )
    assert at.table["roi"].iloc[0] == pytest.approx(1.0, abs=0.2)
    assert slack.table["roi"].iloc[0] > 1.0 > value(plan, ["qbr"], by_segment=False).table["roi"].iloc[0]


def test_a_decision_flips_where_lateness_costs_enough() -> None:
    """One manager for work that takes four: the second pays once late work loses customers, not before."""
    lean = both_wings(PLAN | {"success.teams.csm.headcount": 1, "accounts.smb.mrr": 200_000})
    rich = lean.with_({"success.teams.csm.headcount": 4})
    found = break_even(rich, lean, "couplings.churn_by_late_activities", replications=4)
    assert 0 < found.coefficient < STRONGEST
    assert found.tried[0][1] == pytest.approx(-3 * 6_000_000 * 1.3 * 4 / 12), "at 0 the gap is the pay of three"
    assert (found.dearer, found.cheaper) == ("the first plan", "the second plan"), "both are called alike"
    plans, line = break_even_lines(found)
    assert "dearer plan is the first plan, against the second plan" in plans
    assert line.startswith("the first plan pays from a coefficient of ")
    assert f"{found.coefficient:.2f}" in line

    assert (found.months, found.replications, found.currency) == (4, 4, "JPY")
    ax = found.plot()
    assert ax.get_title(loc="left").startswith(f"Flips at {found.coefficient:.2f}")
    caption = " ".join(break_even_caption(found, "en"))
    assert "revenue over 4 months" in caption
    assert "couplings.churn_by_late_activities" in caption
    # half the margin: what is kept is worth half, so that lateness must cost more
    half = {"accounts.smb.gross_margin": "50%", "accounts.enterprise.gross_margin": "50%"}
    at_margin = break_even(
        rich.with_(half), lean.with_(half), "couplings.churn_by_late_activities", replications=4, at_margin=True
    )
    assert at_margin.tried[0][1] == pytest.approx(found.tried[0][1])
    assert at_margin.coefficient > found.coefficient


def test_revenue_counts_by_the_margin_of_its_segment() -> None:
    plan = both_wings(PLAN | EFFECT | {"accounts.smb.gross_margin": "60%", "accounts.enterprise.gross_margin": "90%"})
    rich, lean = (simulate(p) for p in (plan, plan.with_({"success.activities.qbr.segments.smb": "0%"})))
    at_margin, whole = kept_and_expanded(rich, lean, True), kept_and_expanded(rich, lean)
    for part, full in zip(at_margin, whole, strict=True):
        np.testing.assert_allclose(part, full * 0.6)  # only smb differs between the two


@pytest.mark.parametrize("path", ["hiring.loading", "couplings.churn_by_rain"])
def test_only_couplings_can_break_even(path: str) -> None:
    plan = both_wings()
    with pytest.raises(sim.InputError, match=path):
        break_even(plan, plan, path)


# --- coverage, command line, figure ----------------------------------------------------------------------------------


def test_a_coverage_level_is_a_row(found: Value) -> None:
    less = value(both_wings(PLAN | EFFECT), coverage={"qbr.smb": "20%"}).table.iloc[0]
    assert less["change"] == "50% → 20%"
    smb = found.table.set_index("segment").loc["smb"]
    assert less["hours"] == pytest.approx(smb["hours"] * 30 / 50, rel=0.15)
    assert 0 < less["kept"] < smb["kept"]


def run(tmp_path: Path, *words: object) -> Result:
    from simulator.scenario.loading import dump

    file = tmp_path / "plan.yaml"
    if not file.exists():
        file.write_text(dump(both_wings(PLAN | EFFECT | {"calendar.months": 1}).document()), encoding="utf-8")
    return CliRunner().invoke(main, ["value", str(file), "--replications", "2", *map(str, words)])


def test_the_command_writes_a_table_and_a_figure(tmp_path: Path) -> None:
    result = run(tmp_path, "--activity", "qbr", "--out", tmp_path / "new")
    assert result.exit_code == 0, result.output
    files = {str(p.relative_to(tmp_path / "new")) for p in (tmp_path / "new").rglob("*") if p.is_file()}
    assert {"value.csv", "value.parquet", "figures/value.svg", "summary.json", "provenance.json"} <= files
    assert "Return on investment" in result.output
    summary = json.loads(run(tmp_path, "--coverage", "qbr.smb=20%", "--json", "--out", tmp_path / "json").stdout)
    assert summary["assumes_an_effect"] is True


def test_the_break_even_command_writes_its_figure(tmp_path: Path) -> None:
    from simulator.scenario.loading import dump

    document = both_wings(PLAN | {"calendar.months": 1}).document()
    document["variants"] = {"lean": {"success.teams.csm.headcount": 1}}
    file = tmp_path / "plan.yaml"
    file.write_text(dump(document), encoding="utf-8")
    words = ("--variant", "lean", "--coefficient", "couplings.churn_by_late_activities", "--replications", "2")
    result = CliRunner().invoke(
        main, ["break-even", str(file), *words, "--gross-margin", "--out", str(tmp_path / "new")]
    )
    assert result.exit_code == 0, result.output
    files = {str(p.relative_to(tmp_path / "new")) for p in (tmp_path / "new").rglob("*") if p.is_file()}
    assert files == {"break_even.csv", "summary.json", "figures/break_even.svg"}
    summary = json.loads((tmp_path / "new" / "summary.json").read_text(encoding="utf-8"))
    assert summary["dearer"] == "both wings"
    assert summary["at_margin"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--activity", "qbrs"), "did you mean"),
        (("--coverage", "qbr.smbs=20%"), "did you mean"),
        (("--coverage", "qbr=20%"), "NAME.SEGMENT=SHARE"),
        (("--coverage", "qbr.smb=50%"), "nothing changes"),
        (("--coverage", "qbr.smb=150%"), "segments.smb"),
    ],
)
def test_wrong_words_are_refused(tmp_path: Path, words: tuple[str, ...], text: str) -> None:
    result = run(tmp_path, *words, "--out", tmp_path / "new")
    assert result.exit_code == 2
    assert text in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(("lang", "title"), [("en", "Return on investment"), ("ja", "活動別のROI")])
def test_the_figure_shows_returns_or_break_evens(found: Value, lang, title: str) -> None:
    ax = returns(found, lang, Figure().subplots())
    assert ax.get_title(loc="left").startswith(title)
    assert len(ax.get_yticklabels()) == 3
