"""Curves over one input: the knee is where brute force finds it, the next account costs what the pairs say."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

import simulator as sim
from simulator.cli import main
from simulator.horizon import FLOWS, Horizon
from simulator.planning.requirement import from_work
from simulator.reporting.plots_sweep import assumptions, cliff
from simulator.reporting.tables import sweep_lines
from simulator.scenario.document import Document
from simulator.scenario.loading import freeze
from simulator.studies.run import judge, measures, simulate
from simulator.studies.sweep import Sweep, book_overrides, sweep
from simulator.success.assemble import handover_hours
from simulator.success.tables import DUE
from tests.models import BOTH_WINGS, both_wings, one_queue

SCENARIO = str(Path(__file__).parents[2] / "scenarios" / "book_size.yaml")
FEW = {"calendar.months": 3, "monte_carlo.replications": 6}


@pytest.fixture(scope="module")
def bunched() -> sim.Scenario:
    return sim.read(SCENARIO, variants=("bunched",)).with_(FEW)


@pytest.fixture(scope="module")
def found(bunched: sim.Scenario) -> Sweep:
    return sweep(bunched, book="csm", values=[60, 30, 45])


def test_the_knee_is_the_last_book_before_the_first_that_fails(bunched: sim.Scenario, found: Sweep) -> None:
    (row,) = found.knees.to_dict("records")
    good = {}
    for size in range(30, 61):
        one = judge(simulate(bunched.with_({"accounts.customers.opening": size})))[0]
        good[size] = float(np.nanmin(one.met.mean(axis=0))) >= 0.8
    first = min(size for size, ok in good.items() if not ok)
    assert row["reached"]
    assert good[int(row["knee"])]
    assert not good[int(row["knee"]) + 1], "the gap was not closed"
    # chance may let a book beyond a failure pass, and refinement looks only where its bisection leads
    assert row["knee"] >= first - 1
    assert row["low"] <= row["knee"] <= row["high"] or np.isnan(row["low"])


def test_values_are_asked_or_added(found: Sweep) -> None:
    points = found.points
    assert list(points.loc[points["asked"], "value"]) == [30, 45, 60]
    assert (~points["asked"]).sum() >= 2
    assert points["value"].is_monotonic_increasing
    assert (points["accounts_per_head"] == points["value"]).all()


def test_the_three_methods_stand_side_by_side(found: Sweep) -> None:
    (row,) = found.knees.to_dict("records")
    # 64 working days of 8 hours in this quarter, three quarters of them for customers; 4.2 hours an account
    assert row["book_from_work"] == pytest.approx(64 * 8 * 0.75 / 4.2, rel=1e-3)
    assert row["book_from_ratio"] == 50
    assert row["carrying_cost_per_account"] == pytest.approx(80_000 * 1.3 / row["knee"])
    at = found.points[found.points["value"] == 60].iloc[0]
    assert at["from_ratio"] == pytest.approx(60 / 50)
    assert at["from_work"] == pytest.approx(60 / row["book_from_work"])


def test_the_next_account_is_a_paired_difference(bunched: sim.Scenario, found: Sweep) -> None:
    step = found.next_account.query("`from` == 45 and kpi == 'steps_late'").iloc[0]
    sides = [
        measures(simulate(bunched.with_({"accounts.customers.opening": n})))[
            "success", "team", "csm", "steps_late", "count"
        ][:, -1]
        for n in (45, 60)
    ]
    assert step["per_account"] == pytest.approx((sides[1] - sides[0]).mean() / 15)
    assert step["low"] < step["per_account"] < step["high"]
    at_knee = found.next_account[found.next_account["at_knee"]]
    knee = found.knees["knee"].iloc[0]
    assert ((at_knee["from"] <= knee) & (knee < at_knee["to"])).all()
    assert len(at_knee) == 5


def test_heads_are_swept_from_the_other_side() -> None:
    base = sim.read(SCENARIO, variants=("bunched",)).with_(FEW | {"accounts.customers.opening": 100})
    found = sweep(base, "success.teams.csm.headcount", [1, 2, 3, 4], refine=False)
    row = found.knees.iloc[0]
    passing = found.points.set_index("value")["p_met"] >= 0.8
    assert not passing[1]
    assert passing[4]
    assert row["knee"] == min(v for v in passing.index if passing.loc[v:].all())
    assert found.next_account.empty


def test_a_value_without_effect_gives_the_same_numbers_twice() -> None:
    base = sim.read(SCENARIO).with_(FEW)
    found = sweep(base, "success.teams.csm.salary_per_year", [1, 2], replications=2)
    sides = [
        found.curves[(found.curves["value"] == v) & (found.curves["unit"] != "money")].drop(columns="value")
        for v in (1, 2)
    ]
    pd.testing.assert_frame_equal(*(side.reset_index(drop=True) for side in sides))
    assert not found.knees["reached"].iloc[0]
    assert "targets met in 100 % of the runs at every value tried" in sweep_lines(found)[0]


def test_support_is_swept_too() -> None:
    queue = {"hours": {"daily": "09:00-11:00"}, "targets": {"service_level": "80% in 20 s"}}
    base = one_queue(queue=queue, monte_carlo={"replications": 6, "seed": 5, "chance_repeats": 1})
    found = sweep(base, "support.groups.agents.agents", [14, 24])
    level = found.curves[(found.curves["kpi"] == "service_level") & (found.curves["month"] == "all")]
    assert level.sort_values("value")["mean"].is_monotonic_increasing
    assert found.knees["knee"].iloc[0] in range(15, 25)
    assert cliff(found).axes[0].get_title(loc="left").startswith("Service level")


def test_values_that_are_no_numbers_make_a_curve_without_a_knee() -> None:
    base = sim.read(SCENARIO).with_(FEW)
    found = sweep(base, "success.activities.qbr.window", ["last 5 weeks", "whole period"], replications=2)
    assert found.knees.empty
    assert [t.get_text() for t in cliff(found).axes[0].get_xticklabels()] == ["last 5 weeks", "whole period"]


def test_a_simulated_need_where_asked(bunched: sim.Scenario) -> None:
    found = sweep(bunched, book="csm", values=[30, 90], need=True, refine=False, replications=4)
    need = found.points.set_index("value")["need"]
    assert need[30] == 1
    assert need[90] >= 2


def test_books_keep_the_proportions_of_the_segments() -> None:
    plan = both_wings()  # 20 and 100 accounts, 2 heads

    def sizes(book: int) -> list[int]:
        changes = book_overrides(plan, "csm", book)
        return [changes[f"accounts.{name}.opening"] for name in ("enterprise", "smb")]

    assert sizes(60) == [20, 100]
    assert sizes(7) == [2, 12]
    assert sum(sizes(61)) == 122


def test_a_book_is_held_whatever_comes_and_goes() -> None:
    """Churn of 3 % a month, a term, downgrades to free and a strong growth: the accounts with work stay as many."""
    plan = both_wings(
        {
            "calendar.months": 12,
            "accounts.smb.churn_per_month": "3%",
            "accounts.smb.downgrade_to_free": "1%",
            "accounts.smb.new_per_month": 40,
            "accounts.enterprise.churn_per_month": "2%",
            "success.teams.csm.hires": {"2027-06": 3},
        }
    )
    held = plan.with_(book_overrides(plan, "csm", 60))
    assert held.success is not None
    assert not held.success.teams["csm"].hires
    horizon = Horizon(held)
    with_work = horizon.expected_accounts.account_months[:, :, 1:].sum(axis=2)
    np.testing.assert_allclose(with_work, [[20] * 12, [100] * 12], atol=1e-3)
    found = [horizon.simulate(r)["flows"][-1, :, FLOWS.index("closing")].sum() for r in range(8)]
    free = 100 * (1 - 0.99**12)  # accounts on the free plan are there too, and cancel like others
    assert 110 < np.mean(found) < 130 + free  # and not 600


def test_hours_over_hours_counts_handovers() -> None:
    """Against the mean of simulated runs: leavers' books, and what starters take over."""
    document = copy.deepcopy(BOTH_WINGS)
    document["success"]["activities"]["handover"] = {
        "trigger": "handover",
        "segments": {"enterprise": "100%", "smb": "50%"},
        "within": "1 day",
        "steps": {"read": {"desk": "2 h"}},
    }
    document["calendar"]["months"] = 12
    document["success"]["teams"]["csm"] |= {"headcount": 6, "hires": {"2027-10": 2}}
    document["hiring"] = {"attrition_per_year": "60%", "time_to_hire": "1 month", "ramp": ["50%", "100%"]}
    plan = freeze(Document(document))
    horizon = Horizon(plan)
    model = horizon.central.success
    assert model is not None
    expected = handover_hours(plan, model.teams[0], model, horizon.grid).sum()
    k = model.activities.activity_names.index("handover")
    n = int(model.activities.first_step[k])
    steps = np.array([horizon.simulate(r)["steps"][:, n].sum(axis=(0, 1)) for r in range(60)])
    done = steps[:, DUE] * 2
    assert expected == pytest.approx(done.mean(), rel=0.15)
    without = plan.with_({"success.activities.handover.segments": {"enterprise": "0%", "smb": "0%"}})
    assert from_work(horizon).sum() > from_work(Horizon(without)).sum() + 0.05


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"book": "cms", "values": [1, 2]}, "no such team.*did you mean 'csm'"),
        ({"book": "csm", "values": [40]}, "needs two values or more"),
        ({"book": "csm", "values": [40.5, 50]}, "whole number of accounts"),
        ({"path": "accounts.customers.openings", "values": [1, 2]}, "no such path"),
        ({"path": "accounts.customers.opening", "values": ["many", 2]}, "accounts.customers.opening"),
        ({"values": [1, 2]}, "give a path to vary or a team's book"),
    ],
)
def test_what_cannot_be_swept_is_refused_before_anything_runs(arguments: dict, message: str, monkeypatch) -> None:
    monkeypatch.setattr("simulator.studies.sweep.simulate", lambda *_, **__: pytest.fail("simulated before looking"))
    with pytest.raises(sim.InputError, match=message):
        sweep(sim.read(SCENARIO), **arguments)


# --- command line, figure --------------------------------------------------------------------------------------------


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["sweep", SCENARIO, *map(str, words)])


QUICK = ("--set", "calendar.months=3", "--replications", 2, "--no-refine")


def test_the_command_writes_tables_and_figures(tmp_path: Path) -> None:
    result = run("--book", "csm=30,60", "--variant", "bunched", *QUICK, "--out", tmp_path / "new")
    assert result.exit_code == 0, result.output
    files = {str(p.relative_to(tmp_path / "new")) for p in (tmp_path / "new").rglob("*") if p.is_file()}
    tables = {f"{name}.{kind}" for name in ("curves", "points", "knees", "next_account") for kind in ("csv", "parquet")}
    more = {"summary.json", "scenario.resolved.yaml", "provenance.json", "figures/sweep_csm.svg"}
    assert files == tables | more
    curves = pd.read_parquet(tmp_path / "new" / "curves.parquet")
    assert set(curves["curve"]) == {"Reviews spread", "bunched"}
    assert set(curves["value"]) == {30, 60}
    assert "Accounts per CSM by the work (hours ÷ hours): 91" in " ".join(result.output.split())
    json.loads((tmp_path / "new" / "summary.json").read_text(encoding="utf-8"))


def test_json_and_nothing_else(tmp_path: Path) -> None:
    result = run("--over", "accounts.customers.opening=30,40", *QUICK, "--json", "--out", tmp_path / "new")
    summary = json.loads(result.stdout)
    assert summary["over"] == "accounts.customers.opening"
    assert [point["value"] for point in summary["points"]] == [30, 40]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--book", "csm"), "PATH=V1,V2"),
        (("--book", "cms=1,2"), "did you mean"),
        (("--over", "accounts.customers.opening=1,[2"), "accounts.customers.opening"),
        (("--over", "accounts.customers.openin=1,2"), "did you mean"),
        ((), "--over"),
    ],
)
def test_wrong_words_are_refused(words: tuple[str, ...], text: str, tmp_path: Path) -> None:
    result = run(*words, "--out", tmp_path / "new")
    assert result.exit_code == 2
    assert text in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(("lang", "title", "knee"), [("en", "On-time share", "knee"), ("ja", "期限内実施率", "限界")])
def test_the_figure_marks_the_knee_and_says_what_it_rests_on(found: Sweep, lang, title: str, knee: str) -> None:
    figure = cliff(found, "csm", lang)
    assert figure.axes[0].get_title(loc="left").startswith(title)
    notes = [text.get_text() for text in figure.axes[0].texts]
    value = f"{found.knees['knee'].iloc[0]:.0f}"
    assert f"{knee} {value}" in notes
    assert any("91" in note for note in notes), "hours ÷ hours is not marked"
    caption = "\n".join(assumptions(found, "csm", lang))
    assert "40" in caption
    assert "75" in caption
    assert "1 + 1 + 1" in caption
    assert "15" in caption
