"""``simulator fit``: a call log becomes a folder whose scenario holds; what is wrong with a log is one list."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from simulator.cli import main
from simulator.scenario.loading import read

HEADER = "arrived;call type;result;queue time;talk time;agent;customer"
NAMES = ["--column", "queue=call type", "--column", "wait=queue time"]  # the rest is found, spaces and all


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["fit", *map(str, arguments)])


def rows() -> list[str]:
    """Six weeks, Monday to Friday 09:00 to 12:00: one busy kind of call and one that is rare; agents A to C."""
    rng = np.random.default_rng(5)
    found = []
    for day in range(42):
        if day % 7 > 4:
            continue
        date = np.datetime64("2027-03-01") + day  # a Monday
        text = f"{str(date)[8:10]}/{str(date)[5:7]}/{str(date)[:4]}"
        for _ in range(rng.poisson(40 * rng.gamma(25, 1 / 25))):
            second = int(32400 + rng.random() * 10_800)
            clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
            patience, wait = rng.exponential(120), max(rng.exponential(60) - 20, 0.0)
            kind = "Sales (new)" if rng.random() < 0.95 else "VIP"
            customer = f"c{rng.integers(400)}"
            if wait <= patience:
                said = f"answered;{wait:.0f};{10 + rng.gamma(2, 60):.0f};{'ABC'[rng.integers(3)]};{customer}"
            else:
                said = f"abandoned;{patience:.0f};;;{customer}"
            found.append(f"{text} {clock};{kind};{said}")
    return found


def write(path: Path, lines: list[str], header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def drafted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    folder = tmp_path_factory.mktemp("fit")
    log = folder / "calls.csv.gz"
    log.write_bytes(gzip.compress("\n".join(["\ufeff" + HEADER, *rows()]).encode()))
    return folder / "draft", run(log, *NAMES, "--timezone", "Europe/Berlin", "--out", folder / "draft")


def test_a_packed_log_with_semicolons_and_days_first_becomes_a_scenario_that_holds(drafted):
    folder, result = drafted
    assert result.exit_code == 0, result.output
    plan = read(folder / "scenario.yaml")
    assert plan.support is not None
    assert list(plan.support.queues) == ["sales_new", "other"]
    sales = plan.support.queues["sales_new"]
    assert sales.hours == {"mon-fri": "09:00-12:00"}
    assert sales.arrivals is not None
    assert sales.arrivals.table is not None
    week = sum(sum(row.values()) for row in sales.arrivals.table.values())
    # 5 days of 38 calls; 30 days put the mean of a week within 5 · sqrt((38 + (0.2 · 38)²) / 30) = 9
    assert week == pytest.approx(190, abs=27)
    # mean 130 s, deviation 85 s, of about 1,000 answered calls: standard error 3 s
    assert sales.talk.law.mean == pytest.approx(130, abs=10)
    assert sales.patience is not None
    assert sales.patience.law.survival(60.0) == pytest.approx(np.exp(-0.5), abs=0.08)  # some 250 gave up: 0.03
    assert plan.calendar.start.isoformat() == "2027-05-01"
    assert plan.calendar.timezone == "Europe/Berlin"
    checked = CliRunner().invoke(main, ["check", str(folder / "scenario.yaml")])
    assert checked.exit_code == 0, checked.output
    assert "support.groups.agents.shrinkage: " in checked.output.partition("placeholders:")[2]


def test_the_folder_holds_profiles_figures_agents_and_every_fit(drafted):
    folder, _ = drafted
    assert (folder / "data" / "sales_new_profile.csv").read_text().startswith("weekday,time,calls\nmon,09:00,")
    for name in ("arrivals_sales_new", "patience_sales_new", "talk_sales_new", "arrivals_other", "agents"):
        assert (folder / "figures" / f"{name}.png").stat().st_size > 10_000
    agents = (folder / "agents.csv").read_text().splitlines()
    assert agents[0] == "weekday,time,calls,suggested_agents,present_agents"
    assert len(agents) >= 1 + 5 * 6
    fitted = json.loads((folder / "fit.json").read_text())
    assert len(fitted["queues"]["sales_new"]["talk"]) == 5
    assert fitted["options"]["columns"] == ["queue=call type", "wait=queue time"]
    assert fitted["columns"]["queue"] == "call type"
    assert len(fitted["source"]["sha256"]) == 64


def test_the_summary_parts_what_was_learned_from_placeholders(drafted):
    _, result = drafted
    learned, rest = result.output.split("NOT in the log: placeholders", 1)
    for words in ("opening hours: mon-fri 09:00-12:00", "lowest AIC of 5 laws", "method of moments", "redials:",
                  "agents present:", "suggested agents:"):  # fmt: skip
        assert words in learned
    for words in ("after-call work", "shrinkage: 30%", "targets: 80% in 20 s", "growth and season: none"):
        assert words in rest
        assert words not in learned
    flat = " ".join(rest.split())
    assert "vip have fewer than 200 answered calls".lower() in flat.lower()
    assert "dates were read as %d/%m/%Y (e.g. 01/03/2027)" in flat


def test_a_folder_is_never_written_over(drafted, tmp_path):
    folder, _ = drafted
    before = (folder / "scenario.yaml").read_bytes()
    result = run(write(tmp_path / "calls.csv", rows()), *NAMES, "--out", folder)
    assert result.exit_code == 2
    assert "not empty" in result.output
    assert (folder / "scenario.yaml").read_bytes() == before


BAD = [
    "02/04/2027 09:01;a;answered;-5;60;A;c1",
    "02/04/2027 09:02;a;answered;5;;A;c2",
    "02/04/2027 09:03;a;abandoned;5;;A;c3",
    "02/04/2027 noon;a;answered;5;60;A;c4",
    "02/04/2027 09:04;a;answered;5;60;A;c5",
    "02/04/2027 09:04;a;answered;5;60;A;c5",
    "13/04/2027 09:05;a;exploded;5;;;c6",
]


def test_everything_wrong_with_a_log_is_one_list_and_nothing_is_written(tmp_path):
    result = run(write(tmp_path / "calls.csv", BAD), *NAMES, "--out", tmp_path / "draft")
    assert result.exit_code == 2
    flat = " ".join(result.output.split())
    for words in ("a negative wait or talk", "answered, but no talk is recorded", "abandoned, but an agent is recorded",
                  "that cannot be read", "the same row again", "outcome of no known meaning", "--skip duplicate",
                  "lines 5"):  # fmt: skip
        assert words in flat
    assert not (tmp_path / "draft").exists()


def test_skipped_rows_are_asked_for_by_kind_counted_and_shown(tmp_path):
    log = write(tmp_path / "calls.csv", rows()[:300] + BAD[:-1] + ["13/04/2027 09:07;a;answered;5;60;A;c7"])
    some = run(log, *NAMES, "--skip", "negative", "--skip", "duplicate", "--out", tmp_path / "no")
    assert some.exit_code == 2
    assert "negative" not in some.output
    assert "cannot be read" in " ".join(some.output.split())
    kinds = ("negative", "duplicate", "answered_without_talk", "abandoned_with_agent", "unparsable")
    result = run(log, *NAMES, *(word for kind in kinds for word in ("--skip", kind)), "--out", tmp_path / "draft")
    assert result.exit_code == 0, result.output
    flat = " ".join(result.output.split())
    assert "1 row skipped as you asked: a negative wait or talk (line 302)" in flat
    assert "1 row skipped as you asked: the same row again (line 307)" in flat


def test_missing_columns_and_wrong_options_name_what_was_meant(tmp_path):
    log = write(tmp_path / "calls.csv", BAD, header="arrivd;call type;reslt;queue time;talk time;agent;customer")
    result = run(log, "--column", "wait=queue tim")
    assert result.exit_code == 2
    flat = " ".join(result.output.split())
    for words in ("did you mean: arrivd", "did you mean: reslt", "did you mean: queue time"):
        assert words in flat
    wrong = ["--skip", "duplicates", "--hours", "weekdays=9-5", "--timezone", "Asia/Tokio", "--column", "que=x"]
    options = run(log, *wrong, "--first", "May")
    assert options.exit_code == 2
    flat = " ".join(options.output.split())
    for words in ("did you mean: duplicate", "--hours", "did you mean: Asia/Tokyo", "did you mean: queue", "--first"):
        assert words in flat
    assert "NAME=VALUE" in run(log, "--queue", "phone").output


def test_mixed_time_zones_are_refused_unless_a_zone_is_named(tmp_path):
    lines = [line.replace(";", "+02:00;" if n % 2 else "Z;", 1) for n, line in enumerate(rows()[:300])]
    log = write(tmp_path / "calls.csv", lines)
    result = run(log, *NAMES)
    assert result.exit_code == 2
    assert "times of different time zones" in " ".join(result.output.split())
    assert "+02:00 (150 rows)" in " ".join(result.output.split())


def test_queues_hours_and_days_may_be_given(tmp_path):
    log = write(tmp_path / "calls.csv", rows())
    result = run(
        log, *NAMES, "--queue", "phone=Sales (new)", "--hours", "mon-fri=09:00-11:00", "--pool", "mon-fri", "--without",
        "2027-03-02", "--last", "2027-03-28", "--holidays", "DE", "--json", "--out", tmp_path / "draft",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    fitted = json.loads(result.output)
    assert list(fitted["queues"]) == ["phone"]
    assert fitted["queues"]["phone"]["days"] == {day: 18 for day in ("mon", "tue", "wed", "thu", "fri")}
    assert fitted["queues"]["phone"]["outside_hours"] > 100
    notes = " ".join(fitted["notes"])
    assert "VIP: in no queue that you named, left out" in notes
    assert "public holidays of DE" in notes
    wrong = run(log, *NAMES, "--queue", "phone=Sale (new)")
    assert wrong.exit_code == 2
    assert "did you mean: Sales (new)" in " ".join(wrong.output.split())


SMALL = "date,time,outcome,wait,talk"


@pytest.mark.parametrize(
    ("lines", "options", "words"),
    [
        (["2027-04-01,09:00,abandoned,5,"], [], "no answered call"),
        (["2027-04-01,09:00,answered,5,0"], [], "was talked for a time"),
        (["2027-04-01,09:00,answered,5,3"], ["--hang-up", "10 s"], "was talked for a time"),
        (["2027-04-01,09:00,answered,5,3"], ["--hang-up", "10 parsecs"], "no unit of a duration"),
        (["2027-04-01,09:00,answered,5,3"], ["--last", "2026-04-01"], "no answered call"),
        ([], [], "has no rows"),
    ],
)
def test_a_log_that_teaches_nothing_is_refused(tmp_path, lines, options, words):
    result = run(write(tmp_path / "calls.csv", lines, SMALL), *options, "--out", tmp_path / "draft")
    assert result.exit_code == 2, result.output
    assert words in " ".join(result.output.split())
    assert not (tmp_path / "draft").exists()


def test_two_calls_make_a_draft_that_is_nearly_all_placeholder(tmp_path):
    lines = ["2027-04-01,09:00,answered,0,60", "2027-04-01,10:00,answered,0,90"]
    result = run(write(tmp_path / "calls.csv", lines, SMALL), "--out", tmp_path / "draft")
    assert result.exit_code == 0, result.output
    plan = read(tmp_path / "draft" / "scenario.yaml")
    where = "support.queues.calls"
    for path in ("talk", "patience", "arrivals.table", "arrivals.day_cv", "after_call", "targets"):
        assert f"{where}.{path}" in plan.placeholders
    assert "inferred from all queues" in " ".join(result.output.split())
    assert "agents present: not learned" in result.output
