"""The command line as a stranger meets it: what is printed where, what is written, and the exit status."""

from __future__ import annotations

import itertools
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from simulator import cli
from simulator.horizon import Horizon
from simulator.results import TABLES

TEXT = """\
name: Two days, one queue
calendar: {start: 2027-04-05, days: 2}
monte_carlo: {replications: 12, seed: 5, chance_repeats: 2}
support:
  queues:
    calls:
      hours: {daily: "09:00-17:00"}
      arrivals: {rate: 40 per h}
      patience: {exponential: 2 min}
      talk: {exponential: 4 min}
      targets: {service_level: 80% in 20 s, confidence: 80%}
  groups:
    agents: {headcount: 5, serves: [calls], salary_per_year: 40_000}
variants:
  fewer: {support.groups.agents.headcount: 3}
  impatient: {support.queues.calls.patience.mean: 30 s}
"""

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Calls the command line in an empty folder that holds ``plan.yaml`` alone."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.yaml").write_text(TEXT, encoding="utf-8")
    return lambda *words: CliRunner().invoke(cli.main, [str(word) for word in words])


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves out the page and the figures, which take most of the time of a small run."""
    monkeypatch.setattr(cli, "_write_reports", lambda *_: None)


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    """A whole run, with its page and figures."""
    folder = tmp_path_factory.mktemp("answered")
    (folder / "plan.yaml").write_text(TEXT, encoding="utf-8")
    result = CliRunner().invoke(cli.main, ["run", str(folder / "plan.yaml"), "--out", str(folder / "answer")])
    return result, folder / "answer"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def clean(result: Result) -> bool:
    """The input was refused with a list on standard error, and nothing else."""
    return result.exit_code == 2 and not result.stdout and "Traceback" not in result.stderr


# --- run --------------------------------------------------------------------------------------------------------------


def test_a_run_answers_and_fills_its_folder(answered: tuple[Result, Path]) -> None:
    result, folder = answered
    assert result.exit_code == 0, result.output
    assert "agents: 5 now" in result.stdout
    assert f"open {folder / 'report.html'}" in result.stdout
    files = contents(folder)
    for table in TABLES:
        assert f"{table}.csv" in files
        assert f"{table}.parquet" in files
    assert {"summary.json", "scenario.resolved.yaml", "provenance.json", "report.html", "plan.xlsx"} <= set(files)
    assert any(name.startswith("figures") for name in files)
    assert not any("blocks" in name or Path(name).name.startswith(".") for name in files)


@pytest.mark.usefixtures("no_figures")
def test_json_is_the_summary_and_nothing_else(run: Run, tmp_path: Path) -> None:
    result = run("run", "plan.yaml", "--json", "--out", "answer")
    assert json.loads(result.stdout) == json.loads((tmp_path / "answer" / "summary.json").read_text("utf-8"))
    assert result.stderr == ""


@pytest.mark.usefixtures("no_figures")
def test_quiet_prints_the_folder_alone(run: Run, tmp_path: Path) -> None:
    result = run("run", "plan.yaml", "--quiet")
    (folder,) = (tmp_path / "runs").iterdir()
    assert result.stdout == f"{folder.relative_to(tmp_path)}\n"
    assert re.fullmatch(r"\d{8}-\d{6}-two-days-one-queue", folder.name)


@pytest.mark.usefixtures("no_figures")
def test_options_reach_the_run(run: Run, tmp_path: Path) -> None:
    changes = ("--set", "support.groups.agents.headcount=4", "--variant", "impatient")
    result = run("run", "plan.yaml", *changes, "--replications", 4, "--seed", 9, "--json", "--out", "answer")
    summary = json.loads(result.stdout)
    assert (summary["replications"], summary["seed"], summary["teams"][0]["now"]) == (4, 9, 4)
    assert summary["changes"] == [
        "support.queues.calls.patience.exponential.mean: '2 min' -> '30 s'",
        "support.groups.agents.headcount: 5 -> 4",
    ]


@pytest.mark.usefixtures("no_figures")
def test_a_run_repeats_from_its_own_folder(run: Run, tmp_path: Path) -> None:
    changed = ("--variant", "fewer", "--set", "support.queues.calls.talk.mean=3 min", "--seed", 9)
    assert run("run", "plan.yaml", *changed, "--out", "first").exit_code == 0
    assert run("run", "first/scenario.resolved.yaml", "--out", "again").exit_code == 0
    assert contents(tmp_path / "again") == contents(tmp_path / "first")
    assert len(json.loads((tmp_path / "again" / "summary.json").read_text("utf-8"))["changes"]) == 2


@pytest.mark.usefixtures("no_figures")
def test_precision_replicates_until_the_chance_is_known(run: Run) -> None:
    summary = json.loads(run("run", "plan.yaml", "--precision", "12%", "--json", "--out", "sure").stdout)
    assert summary["replications"] > 12
    team = summary["teams"][0]
    assert team["p_enough_all_high"] - team["p_enough_all_low"] <= 0.24
    narrow = run("run", "plan.yaml", "--precision", "0.001", "--out", "surer")
    assert clean(narrow)
    assert "takes more than 20,000 replications" in " ".join(narrow.stderr.split())


@pytest.mark.usefixtures("no_figures")
def test_whoever_reads_may_leave_early(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang_up(*_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("simulator.reporting.tables.show", hang_up)
    assert run("run", "plan.yaml", "--out", "kept").exit_code == 0
    assert (tmp_path / "kept" / "summary.json").is_file()
    assert not (tmp_path / "kept" / "blocks").exists()


@pytest.mark.usefixtures("no_figures")
def test_out_never_overwrites(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    for command in (("run",), ("compare", "--variant", "fewer")):
        result = run(*command, "plan.yaml", "--out", "mine")
        assert clean(result)
        assert "not empty" in result.stderr
    assert contents(tmp_path / "mine") == {"notes.txt": b"keep"}


def test_two_runs_in_one_second_take_two_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first = cli._new_folder(None, "計画 A/B  (v2)")
    first.mkdir(parents=True)
    second = cli._new_folder(None, "計画 A/B  (v2)")
    assert first.name.endswith("-計画-a-b-v2")
    assert first != second


# --- what is refused --------------------------------------------------------------------------------------------------


def test_an_unknown_variant_is_named_with_its_nearest(run: Run) -> None:
    for command in ("run", "check", "compare"):
        result = run(command, "plan.yaml", "--variant", "fewr")
        assert clean(result)
        assert "did you mean: fewer" in result.stderr


def test_a_wrong_file_gets_one_list(run: Run, tmp_path: Path) -> None:
    wrong = TEXT.replace("headcount: 5", "headcont: 5").replace("4 min", "4 mn").replace("[calls]", "[cals]")
    (tmp_path / "wrong.yaml").write_text(wrong, encoding="utf-8")
    for command in ("run", "check", "compare"):
        result = run(command, "wrong.yaml")
        assert clean(result)
        assert re.match(r"\d problems", result.stderr)
        for line, near in ((10, None), (13, "headcount"), (13, "calls")):
            assert f"wrong.yaml:{line}: " in result.stderr
            assert near is None or f"did you mean: {near}" in result.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "nowhere.yaml"), "there is no such file"),
        (("run", "."), "this is no file"),
        (("run", "plan.yaml", "--set", "support.groups.agents.headcont=4"), "did you mean: headcount"),
        (("run", "plan.yaml", "--set", "support"), "path=value"),
        (("run", "plan.yaml", "--replications", "1"), "1 is not in the range"),
        (("run", "plan.yaml", "--resume", "nowhere"), "does not exist"),
        (("run", "plan.yaml", "--resume", ".", "--out", "there"), "leave out --out"),
        (("compare", "plan.yaml"), "--variant NAME (fewer, impatient)"),
        (("compare", "plan.yaml", "--variant", "fewer", "--month", "2027-05"), "allowed: all, 2027-04"),
        (("compare", "plan.yaml", "--variant", "fewer", "--out", "plan.yaml"), "this is a file"),
        (("run", "plan.yaml", "--precision", "5"), "outside 0 to 1"),
        (("run", "plan.yaml", "--precision", "5%", "--replications", "8"), "leave out --replications"),
        (("run", "plan.yaml", "--jobs", "1000000"), "is not in the range"),
        (("report", "."), "no finished run here"),
        (("report", "nowhere"), "no finished run here"),
        (("rum", "plan.yaml"), "Did you mean 'run'?"),
    ],
)
def test_refusals_say_what_would_do(run: Run, words: tuple[str, ...], said: str) -> None:
    result = run(*words)
    assert clean(result)
    assert said in " ".join(result.stderr.split())


# --- check, schema, version -------------------------------------------------------------------------------------------


def test_check_prints_a_scenario_that_can_be_run(run: Run, tmp_path: Path) -> None:
    result = run("check", "plan.yaml", "--variant", "fewer")
    assert result.exit_code == 0
    assert "headcount: 3" in result.stdout
    assert "occupancy at most" in result.stdout
    (tmp_path / "resolved.yaml").write_text(result.stdout, encoding="utf-8")
    assert run("check", "resolved.yaml").stdout == result.stdout
    assert json.loads(run("check", "resolved.yaml", "--json").stdout)["support"]["groups"]["agents"]["headcount"] == 3
    assert sorted(p.name for p in tmp_path.iterdir()) == ["plan.yaml", "resolved.yaml"]


def test_schema_is_printed_or_written(run: Run, tmp_path: Path) -> None:
    printed = run("schema")
    assert json.loads(printed.stdout)["$schema"].startswith("https://json-schema.org")
    assert run("schema", "--out", "some/schema.json").stdout == ""
    assert (tmp_path / "some" / "schema.json").read_text(encoding="utf-8") == printed.stdout


def test_help_and_version_need_no_installation(run: Run) -> None:
    assert run("--version").stdout.startswith("simulator ")
    for words in ((), *((name,) for name in cli.main.commands)):
        result = run(*words, "--help")
        assert result.exit_code == 0
        assert result.stdout.startswith("Usage:")


# --- compare and report -----------------------------------------------------------------------------------------------


def test_compare_prints_and_keeps_the_differences(run: Run, tmp_path: Path) -> None:
    words = ("compare", "plan.yaml", "--variant", "fewer", "--variant", "impatient")
    result = run(*words, "--set", "support.groups.agents.headcount=9", "--out", "kept")
    assert result.exit_code == 0, result.output
    assert re.findall(r"^(\S+): Differences from the base", " ".join(result.stdout.split(" ")), re.MULTILINE) == [
        "fewer",
        "impatient",
        "support.groups.agents.headcount=9",
    ]
    assert str(Path("kept") / "compare.csv") in result.stdout
    assert (tmp_path / "kept" / "compare.csv").read_text().startswith("variant,month,wing,kind,subject,kpi,")

    rows = json.loads(run(*words, "--json").stdout)
    lost = {r["variant"]: r["difference"] for r in rows if r["kpi"] == "abandonment" and r["month"] == "all"}
    assert lost["fewer"] > 0
    assert lost["impatient"] > 0
    assert run(*words, "--lang", "ja", "--month", "2027-04").stdout.count("基準との差") == 2


def test_report_writes_the_page_again(run: Run, tmp_path: Path, answered: tuple[Result, Path]) -> None:
    folder = shutil.copytree(answered[1], tmp_path / "answer")
    written = contents(folder)
    (folder / "report.html").unlink()
    assert run("report", folder).exit_code == 0
    assert contents(folder) == written


def test_the_page_speaks_japanese(run: Run, tmp_path: Path, answered: tuple[Result, Path]) -> None:
    folder = shutil.copytree(answered[1], tmp_path / "answer")
    assert run("report", folder, "--lang", "ja").exit_code == 0
    assert 'lang="ja"' in (folder / "report.html").read_text(encoding="utf-8")


def test_a_damaged_run_is_refused(run: Run, tmp_path: Path, answered: tuple[Result, Path]) -> None:
    folder = shutil.copytree(answered[1], tmp_path / "answer")
    (folder / "kpis.parquet").write_bytes(b"PAR1 and no more")
    result = run("report", folder)
    assert clean(result)
    assert "damaged" in result.stderr


# --- interruption -----------------------------------------------------------------------------------------------------


class Interruption:
    """Stands in for a method of the horizon: notes the replications it is asked for, and breaks off at the n-th."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, method: str, at: int) -> None:
        self.seen: list[int] = []
        whole = getattr(Horizon, method)

        def partial(horizon: Horizon, replication: int, *more: object) -> object:
            if len(self.seen) == at:
                raise KeyboardInterrupt
            self.seen.append(replication)
            return whole(horizon, replication, *more)

        monkeypatch.setattr(Horizon, method, partial)


@pytest.mark.usefixtures("no_figures")
@pytest.mark.parametrize(("method", "at"), [("simulate", 9), ("replay", 30)])
def test_an_interrupted_run_goes_on_where_it_stopped(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, at: int
) -> None:
    options = ("plan.yaml", "--variant", "fewer", "--jobs", 1)
    assert run("run", *options, "--quiet", "--out", "whole").exit_code == 0

    with monkeypatch.context() as patch:
        Interruption(patch, method, at)
        result = run("run", *options, "--quiet", "--out", "part")
    assert result.exit_code == 130
    assert result.stdout == ""
    assert result.stderr == (
        "interrupted; go on with: simulator run plan.yaml --variant fewer --jobs 1 --resume part\n"
    )
    kept = contents(tmp_path / "part")
    assert kept
    assert all(re.fullmatch(r"blocks.(plan|need)-.*\.npz", name) for name in kept), "a half-written file is left"
    for name in kept:
        with np.load(tmp_path / "part" / name) as block:
            assert block.files

    with monkeypatch.context() as patch:
        plan, need = Interruption(patch, "simulate", -1), Interruption(patch, "replay", -1)
        again = shlex.split(result.stderr.partition(": simulator ")[2])
        assert run(*again, "--quiet").stdout == "part\n"
    finished = [range(*map(int, re.findall(r"-(\d{7})", name))) for name in kept if "plan-" in name]
    assert sorted([*plan.seen, *itertools.chain(*finished)]) == list(range(12))
    assert finished
    searched = sum(len(range(*map(int, re.findall(r"-(\d{7})", name)))) for name in kept if "need-" in name)
    with monkeypatch.context() as patch:
        whole = Interruption(patch, "replay", -1)
        run("run", *options, "--quiet", "--out", "third")
    assert len(need.seen) == len(whole.seen) - searched
    assert contents(tmp_path / "part") == contents(tmp_path / "whole")


def test_an_interruption_while_writing_leaves_the_blocks(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("simulator.montecarlo.store.PATIENCE", 0.0)  # a long run: every block is on disk
        patch.setattr(cli, "_write_reports", stop)
        result = run("run", "plan.yaml", "--out", "part")
    assert result.exit_code == 130
    assert "--resume part" in result.stderr
    plan, need = Interruption(monkeypatch, "simulate", 0), Interruption(monkeypatch, "replay", 0)
    monkeypatch.setattr(cli, "_write_reports", lambda result, folder, lang: (folder / "report.html").touch())
    assert run("run", "plan.yaml", "--resume", "part").exit_code == 0
    assert plan.seen == need.seen == []
    assert (tmp_path / "part" / "report.html").is_file()
    assert not (tmp_path / "part" / "blocks").exists()


@pytest.mark.usefixtures("no_figures")
def test_nothing_else_is_resumed(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        Interruption(patch, "simulate", 9)
        run("run", "plan.yaml", "--jobs", 1, "--out", "part")
    before = contents(tmp_path / "part")
    for other in (("--seed", 6), ("--variant", "fewer"), ("--replications", 10)):
        result = run("run", "plan.yaml", *other, "--resume", "part")
        assert clean(result)
        assert "same scenario with the same --replications" in " ".join(result.stderr.split())
    assert contents(tmp_path / "part") == before
    assert run("run", "plan.yaml", "--resume", "part").exit_code == 0
    finished = contents(tmp_path / "part")
    assert clean(run("run", "plan.yaml", "--resume", "part")), "a finished run is not written again"
    assert contents(tmp_path / "part") == finished


def test_an_interruption_before_the_first_block_leaves_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Interruption(monkeypatch, "simulate", 0)
    result = run("run", "plan.yaml")
    assert result.exit_code == 130
    assert result.stderr.endswith("interrupted before any part was finished\n")
    assert not (tmp_path / "runs").exists()


# --- faults of ours and of the machine --------------------------------------------------------------------------------


def broken(*_: object, **__: object) -> None:
    raise ZeroDivisionError("of all things")


def test_a_fault_of_the_simulator_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Horizon, "simulate", broken)
    result = run("run", "plan.yaml", "--quiet")
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit), "a traceback would be printed"
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert "ZeroDivisionError: of all things" in result.stderr
    assert "--debug" in result.stderr
    shown = run("--debug", "run", "plan.yaml", "--quiet")
    assert isinstance(shown.exception, ZeroDivisionError)


def test_a_folder_that_cannot_be_written_is_no_fault_of_the_simulator(run: Run) -> None:
    result = run("run", "plan.yaml", "--quiet", "--out", Path("plan.yaml") / "below")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("simulator: Not a directory: ")
    assert result.stderr.count("\n") == 1


# --- as a process -----------------------------------------------------------------------------------------------------


def process(folder: Path, *words: object) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1]), "MPLBACKEND": "Agg"}
    command = [sys.executable, "-m", "simulator", *map(str, words)]
    return subprocess.Popen(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


@pytest.mark.slow
def test_as_a_process(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(TEXT, encoding="utf-8")
    out, err = (done := process(tmp_path, "run", "plan.yaml", "--json", "--out", "answer")).communicate()
    assert (done.returncode, err) == (0, "")
    assert json.loads(out)["name"] == "Two days, one queue"
    out, err = (done := process(tmp_path, "run", "plan.yaml", "--out", "answer")).communicate()
    assert (done.returncode, out) == (2, "")
    assert "Traceback" not in err
    out, err = (done := process(tmp_path, "--debug", "report", tmp_path / "plan.yaml")).communicate()
    assert done.returncode == 2


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for a child there")
def test_control_c_as_a_process(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(TEXT, encoding="utf-8")
    # what runs in the background ignores Ctrl-C, and hands that on: this must not
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        running = process(tmp_path, "run", "plan.yaml", "--replications", 20_000, "--out", "part")
    finally:
        signal.signal(signal.SIGINT, before)
    until = time.monotonic() + 240  # a first compilation may be in it
    while not list((tmp_path / "part").glob("blocks/*.npz")) and time.monotonic() < until:
        assert running.poll() is None, running.communicate()
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=120)
    assert running.returncode == 130
    assert out == ""
    assert "Traceback" not in err
    assert "--replications 20000 --resume part" in err
    assert not list((tmp_path / "part").rglob("*.part"))
