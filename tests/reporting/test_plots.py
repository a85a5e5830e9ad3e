"""Charts carry the numbers of the tables."""

from __future__ import annotations

import warnings
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure

from simulator.errors import ParameterError
from simulator.reporting import plots
from simulator.reporting.plots import Plots
from simulator.results import TABLES, Result
from tests.reporting.sample import MONTHS, light, sample
from tests.reporting.test_tables import comparison

RESULT = sample()


@pytest.fixture
def ax() -> Axes:
    return Figure(layout="constrained").subplots()  # type: ignore[no-any-return]


def line(axes: Axes, name: str) -> np.ndarray:
    return np.asarray(next(item for item in axes.get_lines() if item.get_label() == name).get_ydata())


def texts(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_staffing_draws_need_and_plan_of_one_team(ax: Axes) -> None:
    assert Plots(RESULT).staffing("csm", ax) is ax
    rows = RESULT.staffing[RESULT.staffing["team"] == "csm"]
    for name in ("need", "planned", "effective", "p50"):
        np.testing.assert_array_equal(line(ax, name), rows[name])
    band = ax.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (rows["p10"].min(), rows["p90"].max())
    assert ax.get_title(loc="left") == "csm: 9 needed at the peak (2027-10), 7 planned"
    assert {"need", "plan", "effective", "P50", "P10 to P90"} == set(texts(ax))
    assert ax.get_ylabel() == "heads"


def test_staffing_without_a_team_shows_the_first_that_falls_short(ax: Axes) -> None:
    short = [t | {"now": 99, "first_short_month": None} if t["team"] == "tier1" else t for t in RESULT.summary["teams"]]
    assert isinstance(Plots(sample(teams=short)).staffing(ax=ax), Axes)
    assert ax.get_title(loc="left").split(":")[0] == "csm"


def test_a_month_without_a_value_has_no_band(ax: Axes) -> None:
    kpis = RESULT.kpis.copy()
    of = (kpis["kpi"] == "service_level") & (kpis["subject"] == "phone")
    kpis.loc[of & ~kpis["month"].isin(["all", MONTHS[2]]), "mean"] = np.nan
    Plots(Result(RESULT.scenario, {**RESULT.tables, "kpis": kpis}, RESULT.summary)).kpi("service_level", "phone", ax)
    row = kpis[of & (kpis["month"] == MONTHS[2])].iloc[0]
    whiskers = ax.collections[-1].get_paths()[0].vertices
    assert whiskers[:, 1] == pytest.approx([row["p10"], row["p90"]])


def test_a_need_that_was_never_met_leaves_the_plan_visible(ax: Axes) -> None:
    staffing = RESULT.staffing.assign(need=np.nan)
    Plots(Result(RESULT.scenario, {**RESULT.tables, "staffing": staffing}, RESULT.summary)).staffing("csm", ax)
    assert ax.get_title(loc="left") == "csm"
    assert "need" not in texts(ax)


def test_a_kpi_has_its_mean_and_target(ax: Axes) -> None:
    Plots(RESULT).kpi("service_level", "phone", ax)
    rows = RESULT.kpis[(RESULT.kpis["kpi"] == "service_level") & (RESULT.kpis["subject"] == "phone")].set_index("month")
    np.testing.assert_array_equal(line(ax, "phone"), rows.loc[MONTHS, "mean"])
    assert set(line(ax, "target")) == {0.8}
    assert ax.get_title(loc="left") == "Service level, phone: 82.9 % over the horizon"
    ax.figure.canvas.draw()  # type: ignore[union-attr]
    assert all(label.get_text().endswith("%") for label in ax.get_yticklabels())


def test_a_kpi_without_a_subject_has_a_line_for_each(ax: Axes) -> None:
    Plots(RESULT).kpi("occupancy", ax=ax)
    assert {"tier1", "tier2"} == set(texts(ax))


def test_cost_stacks_the_items_up_to_the_total(ax: Axes) -> None:
    Plots(RESULT).cost(ax)
    cost = RESULT.cost
    total = cost[(cost["item"] == "total") & (cost["team"] == "all")].set_index("month")
    stacks = [stack for stack in ax.containers if isinstance(stack, BarContainer)]
    tops = [max(bar.get_y() + bar.get_height() for bar in bars) for bars in zip(*stacks, strict=True)]
    # sums of floats in another order; the need and the totals of the teams must not be stacked too
    np.testing.assert_allclose(tops, total.loc[MONTHS, "mean"], rtol=1e-12)
    assert ax.get_title(loc="left") == "Plan ¥212 M (P80 ¥214 M), budget ¥220 M"


def test_accounts_headcount_and_requirement(ax: Axes) -> None:
    Plots(RESULT).accounts(ax=ax)
    rows = RESULT.accounts[(RESULT.accounts["segment"] == "all") & (RESULT.accounts["measure"] == "closing")]
    np.testing.assert_array_equal(line(ax, "all"), rows["mean"])

    people = Figure().subplots()
    Plots(RESULT).headcount("tier1", people)
    table = RESULT.headcount[(RESULT.headcount["team"] == "tier1") & (RESULT.headcount["measure"] == "closing")]
    np.testing.assert_array_equal(line(people, "closing"), table["mean"])

    grid = Figure().subplots()
    Plots(RESULT).requirement("tier1", ax=grid)
    drawn = np.asarray(grid.collections[0].get_array()).reshape(6, 18)
    march = RESULT.requirement[(RESULT.requirement["team"] == "tier1") & (RESULT.requirement["month"] == "2028-03")]
    assert drawn[0].tolist() == march[march["day"] == "mon"]["agents"].tolist()
    assert [t.get_text() for t in grid.get_yticklabels()] == ["Mon", "Tue", "Wed", "Thu", "Fri", "Holiday"]
    assert grid.get_title(loc="left").startswith("tier1, 2028-03")  # the month of the highest need


def test_activities_show_the_meeting_the_latest_first(ax: Axes) -> None:
    Plots(RESULT).on_time(ax)
    assert ax.get_yticklabels()[0].get_text() == "Quarterly business review ·\nmidmarket"
    assert texts(ax)[:4] == ["88 %", "82 %", "76 %", "70 %"]


def test_a_difference_is_drawn_with_its_sign(ax: Axes) -> None:
    plots.difference(comparison(), "service_level", ax=ax)
    assert line(ax, "[b]lean").tolist() == [-0.1, -0.1]
    with pytest.raises(ParameterError, match="no 'occupancy'"):
        plots.difference(comparison(), "occupancy", ax=ax)


def test_wrong_names_are_told_the_nearest() -> None:
    with pytest.raises(ParameterError, match="did you mean 'service_level'"):
        Plots(RESULT).kpi("service_levl")
    with pytest.raises(ParameterError, match="no team 'tier9'"):
        Plots(RESULT).headcount("tier9")
    empty = {name: pd.DataFrame(columns=list(columns)) for name, columns in TABLES.items()}
    with pytest.raises(ParameterError, match="has no measure to plot"):
        Plots(Result(RESULT.scenario, empty, {})).on_time()


def test_every_chart_is_made_and_matplotlib_left_alone() -> None:
    before = dict(mpl.rcParams)
    made = plots.figures(RESULT)
    assert list(made) == [
        "staffing_tier1",
        "staffing_tier2",
        "staffing_csm",
        "kpi_abandonment_phone",
        "kpi_service_level_phone",
        "kpi_on_time_share_csm",
        "requirement_tier1",
        "requirement_tier2",
        "cost",
        "accounts",
        "on_time",
    ]
    assert dict(mpl.rcParams) == before


def test_files_are_the_same_bytes_again(tmp_path: Path) -> None:
    result = light(RESULT, "cost", "requirement", team="tier2")
    for folder in ("a", "b"):
        plots.drawings.cache_clear()
        paths = plots.save_figures(result, tmp_path / folder)
        assert [p.name for p in paths] == ["requirement_tier2.svg", "cost.svg"]
    for path in paths:
        assert path.read_bytes().startswith(b"<?xml")
        assert path.read_bytes() == (tmp_path / "a" / path.name).read_bytes()
    assert b"<dc:date>" not in plots.render(plots.figures(light(RESULT, "cost"))["cost"], "svg")


def test_without_a_japanese_font_labels_are_english(monkeypatch: pytest.MonkeyPatch, ax: Axes) -> None:
    monkeypatch.setattr(plots, "_cjk_font", lambda: None)
    with pytest.warns(UserWarning, match="no Japanese font"):
        chart = Plots(RESULT, "ja")
    chart.cost(ax)
    assert ax.get_ylabel() == "cost of the plan"


@pytest.mark.skipif(
    plots._cjk_font() is None, reason="no Japanese font is installed here: Japanese labels are not drawn"
)
def test_japanese_labels_find_their_glyphs(ax: Axes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Plots(RESULT, "ja").staffing("csm", ax)
        plots.render(ax.figure, "png", "ja")  # type: ignore[arg-type]
    assert "必要人員" in texts(ax)
