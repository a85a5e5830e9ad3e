"""What a run returns and writes: the same bytes again, whole tables, and numbers that fit together."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import simulator as sim
from simulator import results
from simulator.results import TABLES, Result, load, save, to_json, write_atomically
from simulator.scenario.loading import dump
from tests.models import both_wings, one_queue

UNCERTAIN = {
    "accounts.smb.contacts_per_month.phone": {"uncertain": {"triangular": [4, 5, 8], "factor": "volume"}},
    "hiring.time_to_hire": {"uncertain": {"triangular": ["1 month", "2 months", "4 months"]}},
    "support.groups.tier1.hires": {"2027-05": 1},
}


@pytest.fixture(scope="module")
def result() -> Result:
    return sim.run(both_wings(UNCERTAIN), jobs=2)


@pytest.fixture(scope="module")
def folder(result: Result, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run")
    save(result, path)
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def strictly(text: bytes) -> Any:
    """JSON read by its standard, which has neither NaN nor Infinity."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


# --- the same bytes again ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_run_repeats_from_its_own_folder_whatever_the_threads(folder: Path, tmp_path: Path, jobs: int) -> None:
    save(sim.run(sim.read(folder / "scenario.resolved.yaml"), jobs=jobs), tmp_path)
    assert contents(tmp_path) == contents(folder)


def test_seed_and_replications_given_by_hand_are_kept(tmp_path: Path) -> None:
    save(sim.run(one_queue(), replications=3, seed=77), tmp_path / "first")
    again = sim.read(tmp_path / "first" / "scenario.resolved.yaml")
    assert (again.monte_carlo.replications, again.monte_carlo.seed) == (3, 77)
    save(sim.run(again), tmp_path / "second")
    assert contents(tmp_path / "first") == contents(tmp_path / "second")


@pytest.mark.slow
def test_another_process_writes_the_same_page_and_figures(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(dump(both_wings(UNCERTAIN).document()), encoding="utf-8")

    def run(scenario: Path, out: str, jobs: int, hash_seed: int) -> dict[str, bytes]:
        root = str(Path(__file__).parents[1])
        environment = os.environ | {"PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": root, "MPLBACKEND": "Agg"}
        words = ["run", str(scenario), "--out", out, "--jobs", str(jobs), "--replications", "6", "--quiet"]
        subprocess.run([sys.executable, "-m", "simulator", *words], cwd=tmp_path, env=environment, check=True)
        return contents(tmp_path / out)

    first = run(tmp_path / "plan.yaml", "first", 2, 1)
    second = run(tmp_path / "first" / "scenario.resolved.yaml", "second", 1, 2)
    assert {"report.html", "plan.xlsx"} <= set(first)
    assert sum(name.endswith(".svg") for name in first) > 10
    assert [name for name in first if first[name] != second.get(name)] == []
    assert set(second) == set(first)


# --- save and load ----------------------------------------------------------------------------------------------------


def test_saving_and_loading_gives_the_result_back(result: Result, folder: Path, tmp_path: Path) -> None:
    loaded = sim.load(folder)
    assert loaded.scenario == result.scenario
    assert loaded.provenance == result.provenance
    assert loaded.summary == strictly(to_json(result.summary))
    for name, table in result.tables.items():
        pd.testing.assert_frame_equal(loaded.tables[name], table)
    save(loaded, tmp_path)
    assert contents(tmp_path) == contents(folder)


def test_a_csv_file_says_what_the_parquet_file_says(result: Result, folder: Path) -> None:
    for name, table in result.tables.items():
        read = pd.read_csv(folder / f"{name}.csv")
        # the file holds every digit, the reader may miss the last one
        pd.testing.assert_frame_equal(read, table, check_dtype=False, rtol=1e-15, atol=0)


def test_a_folder_from_before_there_were_shifts_is_read(result: Result, folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "old")
    for file in (tmp_path / "old").glob("shifts.*"):
        file.unlink()
    old = load(tmp_path / "old")
    assert list(old.shifts.columns) == list(result.shifts.columns)
    assert old.shifts.empty
    pd.testing.assert_frame_equal(old.staffing, load(folder).staffing)


def test_an_unfinished_folder_is_no_run(folder: Path, tmp_path: Path) -> None:
    for name, content in contents(folder).items():
        (tmp_path / name).write_bytes(content)
    for name in ("kpis.parquet", "summary.json"):
        (tmp_path / name).unlink()
        with pytest.raises(sim.InputError, match=f"no finished run here; found no {name}"):
            sim.load(tmp_path)


def test_a_write_that_breaks_off_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_atomically(tmp_path / "new" / "a.txt", b"old")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(results.os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "new" / "a.txt", b"new and longer")
    assert contents(tmp_path) == {str(Path("new") / "a.txt"): b"old"}


def test_what_json_has_no_word_for_is_null() -> None:
    value = {"a": math.nan, 2: [np.float64("nan"), np.int64(3), math.inf], "ü": (True, None, "NaN")}
    text = to_json(value)
    assert strictly(text) == {"a": None, "2": [None, 3, None], "ü": [True, None, "NaN"]}
    assert "ü".encode() in text


@pytest.mark.parametrize("without", ["support", "success"])
def test_a_plan_of_one_wing_without_targets(without: str, tmp_path: Path) -> None:
    document = both_wings().document()
    del document[without]
    if without == "success":
        for queue in document["support"]["queues"].values():
            queue.pop("targets")
    else:
        document["success"]["targets"] = {"on_time": {}}
        document["success"]["activities"].pop("escalated")
        for segment in document["accounts"].values():
            segment.pop("contacts_per_month")
    done = sim.run(sim.read(dump(document)), replications=2)
    assert set(done.staffing["wing"]) == {"support", "success"} - {without}
    assert done.staffing["p_enough"].isna().all()
    save(done, tmp_path)
    summary = strictly((tmp_path / "summary.json").read_bytes())
    assert {team["p_enough_all"] for team in summary["teams"]} == {None}
    pd.testing.assert_frame_equal(sim.load(tmp_path).kpis, done.kpis)


# --- numbers that fit together ----------------------------------------------------------------------------------------


def test_tables_have_their_columns(result: Result) -> None:
    assert set(result.tables) == set(TABLES)
    for name, columns in TABLES.items():
        assert tuple(result.tables[name].columns) == columns
        assert len(result.tables[name]) or name == "shifts"  # whose groups have none
        assert getattr(result, name) is result.tables[name]
    keys = {
        "staffing": ["month", "team"],
        "kpis": ["month", "kind", "subject", "kpi"],
        "requirement": ["month", "team", "day", "time"],
        "shifts": ["month", "team", "shift", "start", "days"],
        "headcount": ["month", "team", "measure"],
        "cost": ["month", "team", "item"],
        "accounts": ["month", "segment", "measure"],
        "activities": ["quarter", "team", "segment", "activity", "step", "measure"],
        "sizing": ["quarter", "team"],
    }
    for name, key in keys.items():
        assert not result.tables[name].duplicated(key).any(), name


def ordered(table: pd.DataFrame, *columns: str) -> bool:
    """Known values of the columns rise from left to right; a mean may be a rounding error beyond its bounds."""
    values = table[list(columns)].dropna().to_numpy(float)
    return len(values) > 0 and bool((np.diff(values, axis=1) >= -1e-12 * np.abs(values[:, 1:])).all())


def test_percentiles_and_intervals_are_ordered(result: Result) -> None:
    assert ordered(result.staffing, "p10", "p50", "p80", "p90")
    assert ordered(result.staffing, "p_enough_low", "p_enough", "p_enough_high")
    assert ordered(result.kpis, "low", "mean", "high")
    for name in ("kpis", "headcount", "cost", "accounts", "activities"):
        assert ordered(result.tables[name], "p10", "p50", "p90"), name
    assert ordered(result.cost, "p50", "p80", "p90")


def test_shares_lie_between_0_and_1(result: Result) -> None:
    columns = {
        "staffing": ("p_enough", "p_enough_low", "p_enough_high"),
        "kpis": ("share_inputs", "p_met"),
    }
    for name, shares in columns.items():
        for column in shares:
            values = result.tables[name][column].dropna()
            assert len(values)
            assert values.between(0, 1).all(), (name, column)
    # growth counts in these: expansion may exceed losses, and new accounts those that left
    above_one = ("nrr", "cohort_nrr", "retention_headcount_ratio", "churn_rate_closing")
    shares = result.kpis[(result.kpis["unit"] == "share") & ~result.kpis["kpi"].isin(above_one)]
    on_time = result.activities[result.activities["measure"] == "on_time_share"]
    for table in (shares, on_time):
        values = table[["mean", "p10", "p50", "p90"]].dropna()
        assert len(values)
        assert values.ge(0).all(axis=None)
        assert values.le(1).all(axis=None)


def test_the_horizon_is_the_sum_of_its_months(result: Result) -> None:
    counts = result.kpis[result.kpis["kpi"].isin(["offered", "answered", "abandoned"])]
    rows = counts.pivot_table(index=["subject", "kpi"], columns="month", values="mean")
    # sums of whole numbers over 8 replications: exact but for the division
    np.testing.assert_allclose(rows.drop(columns="all").sum(axis=1), rows["all"], rtol=1e-12)
    means = result.cost.pivot_table(index=["team", "item"], columns="month", values="mean")
    np.testing.assert_allclose(means.drop(columns="all").sum(axis=1), means["all"], rtol=1e-12)


def test_parts_of_the_cost_make_the_whole(result: Result) -> None:
    cost = result.cost[result.cost["item"] != "need"]
    items = cost[(cost["item"] != "total") & (cost["team"] != "all")].groupby(["month", "team"])["mean"].sum()
    totals = cost[(cost["item"] == "total") & (cost["team"] != "all")].set_index(["month", "team"])["mean"]
    # means of sums against sums of means: the same but for rounding
    np.testing.assert_allclose(items.reindex(totals.index), totals, rtol=1e-12)
    whole = cost[cost["team"] == "all"].set_index("month")["mean"]
    np.testing.assert_allclose(totals.groupby("month").sum().reindex(whole.index), whole, rtol=1e-12)
    plan = result.kpis[(result.kpis["kpi"] == "plan_cost")].set_index("month")["mean"]
    np.testing.assert_allclose(plan.reindex(whole.index), whole, rtol=1e-12)
    assert result.summary["cost"]["plan"]["mean"] == pytest.approx(whole["all"], rel=1e-12)


def test_people_and_accounts_balance(result: Result) -> None:
    people = result.headcount.pivot_table(index=["team", "month"], columns="measure", values="mean")
    # means of whole numbers over 8 replications are exact
    assert (people["closing"] == people["opening"] + people["starts"] - people["leavers"]).all()
    accounts = result.accounts.pivot_table(index=["segment", "month"], columns="measure", values="mean")
    assert (accounts["closing"] == accounts["opening"] + accounts["new"] - accounts["lost"]).all()
    parts = accounts.drop(index="all").groupby("month").sum()
    np.testing.assert_allclose(parts, accounts.loc["all"], rtol=1e-12)  # sums of money in another order


def test_the_summary_repeats_the_tables(result: Result) -> None:
    for team in result.summary["teams"]:
        rows = result.staffing[result.staffing["team"] == team["team"]].set_index("month")
        assert team["need"] == rows["need"].to_dict()
        assert team["need_peak"]["heads"] == rows["need"].max()
        # all months at once can only be rarer than the worst month
        assert team["p_enough_all"] <= rows["p_enough"].min()
    for row in result.summary["sizing"]:
        first = row["quarter"].split()[0]
        rows = result.staffing[(result.staffing["team"] == row["team"]) & (result.staffing["month"] == first)]
        assert row["need"] == rows["need"].iloc[0]


def test_the_requirement_covers_the_open_hours_alone(result: Result) -> None:
    rows = result.requirement
    assert set(rows["time"]) == {f"{h:02d}:{m:02d}" for h in range(9, 18) for m in (0, 30)}
    assert set(rows["day"]) <= {"mon", "tue", "wed", "thu", "fri"}
    assert (rows["agents"] >= 0).all()
    assert rows.groupby("team")["agents"].max().min() >= 1
