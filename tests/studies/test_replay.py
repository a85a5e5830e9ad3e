"""``simulator replay``: real days beside simulated ones, as a table, figures and a folder; bad input is one list."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

import simulator as sim
from simulator.cli import main
from simulator.errors import InputError
from simulator.reporting.plots_replay import Figures
from simulator.studies import replay as study
from tests.support.test_replay import CALLS, DATA, recorded_centre

OPTIONS = ["--hours", "09:00-17:00", "--replications", "4"]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["replay", *map(str, arguments)])


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> tuple[Path, Path]:
    """The synthetic centre as two files of a bank's formats."""
    folder = tmp_path_factory.mktemp("centre")
    log, there = recorded_centre(days=4)
    calls = log.calls.assign(
        outcome=np.where(log.calls["answered"], "answered", "abandoned_queue"),
        date=log.calls["date"].dt.strftime("%Y-%m-%d"),
        queued=log.calls["waited"].astype(int),
    ).rename(columns={"time": "arrival_s", "wait": "wait_s", "talk": "service_s", "queue": "type"})
    columns = ["date", "type", "arrival_s", "queued", "wait_s", "outcome", "service_s", "agent"]
    calls[columns].to_csv(folder / "calls.csv", index=False)
    stretches = there.stretches.rename(columns={"start": "on_s", "end": "off_s"})
    stretches.assign(date=stretches["date"].dt.strftime("%Y-%m-%d")).to_csv(folder / "staffing.csv", index=False)
    return folder / "calls.csv", folder / "staffing.csv"


@pytest.fixture(scope="module")
def made(files) -> study.Replay:
    return sim.replay(*files, hours="09:00-17:00", replications=4)


@pytest.fixture(scope="module")
def written(files, tmp_path_factory) -> tuple[Path, Result]:
    out = tmp_path_factory.mktemp("replayed") / "out"
    return out, run(*files, *OPTIONS, "--out", out)


def test_the_table_has_days_kinds_and_half_hours_that_add_up(made, files):
    table = made.table
    calls = pd.read_csv(files[0])
    for measure in study.MEASURES:
        part = table[table["measure"] == measure]
        whole = part[(part["date"] == "all") & (part["queue"] == "all") & (part["time"] == "all")]
        assert whole["offered"].tolist() == [len(calls)]
        for split in (study.by_day, study.by_time, study.by_queue):
            rows = split(table, measure)
            assert rows["offered"].sum() == len(calls)
            for column in ("recorded", "simulated"):
                # sums of the same numbers in another order
                assert (rows[column] * rows["offered"]).sum() / len(calls) == pytest.approx(whole[column].iloc[0])
        assert (part["p10"] <= part["p90"]).all()
    day = calls[calls["date"] == "2027-03-02"]
    recorded = study.by_day(table, "abandonment").set_index("date")["recorded"]
    assert recorded["2027-03-02"] == pytest.approx((day["outcome"] != "answered").mean())
    level = study.by_day(table, "service_level").set_index("date")["recorded"]
    assert level["2027-03-02"] == pytest.approx(((day["outcome"] == "answered") & (day["wait_s"] <= 20)).mean())
    assert not table.duplicated(["date", "queue", "time", "measure"]).any()


def test_the_simulation_is_nearer_than_the_yardsticks(made):
    error = made.accuracy.pivot(index="measure", columns="model", values="mean_absolute_error")
    assert (error["simulated"] < error["erlang_a"]).all()
    assert (error["simulated"] < error["month_mean"]).all()


def test_accuracy_is_told_by_hand():
    rows = []
    for day, (real, ours) in enumerate([(0.10, 0.12), (0.20, 0.19), (0.30, 0.35)]):
        for measure in study.MEASURES:
            part = {"date": f"2027-03-0{day + 1}", "queue": "all", "time": "all", "measure": measure, "offered": 10}
            rows.append(part | {"recorded": real, "simulated": ours, "erlang_a": 0.2, "month_mean": 0.2})
    found = study.accuracy(pd.DataFrame(rows)).set_index(["measure", "model"])
    ours = found.loc[("mean_wait", "simulated")]
    assert ours["mean_absolute_error"] == pytest.approx(0.08 / 3)
    assert ours["bias"] == pytest.approx(0.06 / 3)
    assert ours["correlation"] == pytest.approx(np.corrcoef([0.1, 0.2, 0.3], [0.12, 0.19, 0.35])[0, 1])
    assert np.isnan(found.loc[("mean_wait", "erlang_a"), "correlation"])


def test_the_folder_holds_tables_habits_and_figures(written, made):
    out, result = written
    assert result.exit_code == 0, result.output
    assert "2027-03-01" in result.output
    assert {path.name for path in out.iterdir()} == {
        "replay.csv", "replay.parquet", "accuracy.csv", "habits.json", "summary.json", "figures"
    }  # fmt: skip
    table = pd.read_csv(out / "replay.csv")
    pd.testing.assert_frame_equal(table, made.table, check_dtype=False)
    pd.testing.assert_frame_equal(pd.read_parquet(out / "replay.parquet"), made.table, check_dtype=False)
    assert {path.name for path in (out / "figures").iterdir()} == {"days.png", "days.svg", "queues.png", "queues.svg"}
    assert json.loads((out / "summary.json").read_text())["options"]["days"] == 4


def test_habits_of_an_earlier_replay_are_used_as_they_are(written, files, tmp_path):
    out, _ = written
    habits = json.loads((out / "habits.json").read_text())
    again = tmp_path / "again"
    result = run(*files, *OPTIONS, "--fitted", out / "habits.json", "--out", again, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads((again / "habits.json").read_text()) == habits
    assert (again / "replay.csv").read_bytes() == (out / "replay.csv").read_bytes()
    habits["habits"]["pause"]["scale"] = 300.0
    (tmp_path / "slow.json").write_text(json.dumps(habits))
    slow = sim.replay(*files, hours="09:00-17:00", replications=2, fitted=tmp_path / "slow.json")
    assert study.accuracy(slow.table).set_index(["measure", "model"]).loc[("mean_wait", "simulated"), "bias"] > 20


def test_presence_can_be_inferred_and_days_chosen(files):
    made = sim.replay(files[0], presence=900.0, weekdays="mon-tue", replications=2)
    assert study.by_day(made.table, "mean_wait")["date"].tolist() == ["2027-03-01", "2027-03-02"]
    assert any("presence is inferred" in note for note in made.notes)


def test_figures_in_both_languages_show_what_the_table_says(made):
    for lang, word in (("en", "real"), ("ja", "実績")):
        figure = Figures(made, lang).days()  # type: ignore[arg-type]
        assert len(figure.axes) == 6
        labels = [text.get_text() for text in figure.legends[0].get_texts()]
        assert word in labels
        assert len(labels) == 4
        dots = next(line for line in figure.axes[0].lines if line.get_marker() == "o")
        np.testing.assert_array_equal(dots.get_ydata(), study.by_day(made.table, "abandonment")["recorded"])


def test_everything_wrong_is_one_list_and_status_2(files, tmp_path):
    bad = tmp_path / "calls.csv"
    lines = files[0].read_text().splitlines()
    lines[3] = lines[3].replace(lines[3].split(",")[2], "noon", 1)
    bad.write_text("\n".join(lines) + "\n")
    staff = tmp_path / "staffing.csv"
    rows = files[1].read_text().splitlines()
    cells = rows[5].split(",")
    at = rows[0].split(",").index("off_s")
    cells[at] = "1"
    rows[5] = ",".join(cells)
    staff.write_text("\n".join(rows) + "\n")
    result = run(bad, staff, "--hours", "17:00-09:00", "--weekdays", "someday", "--last", "yesterday")
    assert result.exit_code == 2
    said = result.output + (result.stderr if result.stderr_bytes else "")
    flat = "".join(said.split())  # a long path is broken anywhere
    for part in ("calls.csv:4", "staffing.csv:6", "--hours", "--weekdays", "--last", "--skip unparsable",
                 "--staff-skip backwards", "5 problems"):  # fmt: skip
        assert part.replace(" ", "") in flat, (part, flat)


def test_what_a_replay_cannot_do_without(files, tmp_path):
    calls, staffing = files
    without = tmp_path / "calls.csv"
    pd.read_csv(calls).drop(columns="agent").to_csv(without, index=False)
    with pytest.raises(InputError, match="who answered"):
        sim.replay(without, staffing)
    with pytest.raises(InputError, match="head start needs a priority"):
        sim.replay(calls, staffing, head_start={"2": 90.0})
    two = pd.read_csv(staffing)
    two["pool"] = np.where(two["agent"] == "A", "main", "night")
    two.to_csv(tmp_path / "two.csv", index=False)
    with pytest.raises(InputError, match="several pools"):
        sim.replay(calls, tmp_path / "two.csv")
    with pytest.raises(InputError, match="did you mean 'main'"):
        sim.replay(calls, tmp_path / "two.csv", pool="mian")
    with pytest.raises(InputError, match="these are no habits of a replay"):
        sim.replay(calls, staffing, fitted=calls)
    with pytest.raises(InputError, match="no day has both"):
        sim.replay(calls, staffing, first="2030-01-01")


# --- the recorded bank ------------------------------------------------------------------------------------------------

LIMITS = {  # mean absolute error per day and correlation over days: abandonment, mean wait, service level
    "g180": {"abandonment": (0.012, 0.97), "mean_wait": (5.0, 0.88), "service_level": (0.04, 0.95)},
    "g900": {"abandonment": (0.013, 0.95), "mean_wait": (6.0, 0.85), "service_level": (0.045, 0.94)},
}


def the_bank(presence: str, without: list[str], **options) -> study.Replay:
    return sim.replay(
        CALLS,
        DATA / f"anonymous_bank_staffing_{presence}_dev.csv",
        pool="main",
        ignore=("left_vru", "phantom"),
        weekdays="sun-thu",
        without=["1999-01-13", *without],  # a switch outage
        hours="07:00-24:00",
        head_start={"2": 90.0},
        priority_when_waiting=True,
        **options,
    )


def recorded_days() -> list[dict]:
    return json.loads((DATA / "replay_targets_dev.json").read_text())["days"]


@pytest.mark.slow
@pytest.mark.skipif(
    not CALLS.exists(), reason=f"NOT REPLAYED: {CALLS} does not exist; set SIMULATOR_DATA to its folder"
)
@pytest.mark.parametrize("presence", LIMITS)
def test_habits_of_every_other_day_hold_on_the_days_between(presence, tmp_path):
    """Out of sample the same limits hold, 14 days fitted and 14 replayed."""
    dates = [day["date"] for day in recorded_days()]
    study.write(the_bank(presence, dates[0::2], replications=2), tmp_path)
    made = the_bank(presence, dates[1::2], fitted=tmp_path / "habits.json", replications=10)
    assert study.by_day(made.table, "mean_wait")["date"].tolist() == dates[0::2]
    found = made.accuracy[made.accuracy["model"] == "simulated"].set_index("measure")
    for measure, (error, correlation) in LIMITS[presence].items():
        assert found.loc[measure, "mean_absolute_error"] <= error, measure
        assert found.loc[measure, "correlation"] >= correlation, measure


@pytest.mark.slow
@pytest.mark.skipif(
    not CALLS.exists(), reason=f"NOT REPLAYED: {CALLS} does not exist; set SIMULATOR_DATA to its folder"
)
@pytest.mark.parametrize("presence", LIMITS)
def test_the_28_recorded_days_come_back(presence):
    made = the_bank(presence, [])
    measured = {day["date"]: day["pools"]["main"]["day"] for day in recorded_days()}
    names = {"abandonment": "abandon_rate", "mean_wait": "mean_wait_all_s", "service_level": "service_level_20s"}
    for measure, (error, correlation) in LIMITS[presence].items():
        days = study.by_day(made.table, measure)
        assert days["date"].tolist() == sorted(measured)
        truth = np.array([measured[date][names[measure]] for date in days["date"]])
        # one call at 24:00 sharp of 1999-02-10 is counted by one and not by the other; shares have four digits
        np.testing.assert_allclose(days["recorded"], truth, atol=0.1 if measure == "mean_wait" else 0.0015)
        assert np.abs(days["simulated"] - truth).mean() <= error
        assert np.corrcoef(days["simulated"], truth)[0, 1] >= correlation
