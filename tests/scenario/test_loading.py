"""Text to scenario: what is read, what is refused and how it is said, and the way back."""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import InputError, Problem
from simulator.scenario import yaml_text
from simulator.scenario.catalogue import ACTIVITIES
from simulator.scenario.document import Document
from simulator.scenario.loading import dump, freeze, parse, read, resolve
from simulator.scenario.schema import Arrivals, Scenario
from tests.scenario.example import EXAMPLE, PROFILE, line_of

Faults = Callable[..., list[Problem]]


def test_the_example_is_read(plan: Path) -> None:
    scenario = read(plan)
    assert scenario.support is not None
    assert scenario.success is not None
    phone = scenario.support.queues["phone"]
    assert phone.patience is not None
    assert phone.patience.mean == 180.0
    assert phone.after_call.law.family == "exponential"
    assert phone.arrivals is not None
    assert phone.arrivals.intraday == {"daily": {"09:00": 1.0, "12:00": 0.6, "13:00": 1.2}}
    assert scenario.support.groups["back"].serves["tier2"].priority == 1
    assert scenario.accounts["enterprise"].new_per_month == (1.0, 2.0, 3.0)
    # the median of a triangular law: low + sqrt((high - low) (mode - low) / 2), or from the high end
    assert scenario.hiring.time_to_hire.mean == pytest.approx(4 - (3 * 2 / 2) ** 0.5)
    assert list(scenario.uncertain) == [
        "accounts.enterprise.churn_per_month",
        "accounts.small.churn_per_month",
        "support.queues.phone.talk.lognormal.mean",
        "hiring.time_to_hire",
    ]


def test_a_text_is_read_like_a_file(folder: Path) -> None:
    inlined = EXAMPLE.replace("data/profile.csv", '{"09:00": 1.0, "12:00": 0.6, "13:00": 1.2}')
    assert read(inlined) == read(folder / "plan.yaml") == read(os.fspath(folder / "plan.yaml"))


def test_catalogue_activities_are_written_out(plan: Path) -> None:
    activities = resolve(parse(plan)).data["success"]["activities"]
    assert activities["qbr"] == {**ACTIVITIES["qbr"], "segments": {"enterprise": "100%", "small": "100%"}}
    assert activities["review"] == {**ACTIVITIES["usage_review"], "segments": {"enterprise": "40%"}}


def test_keys_of_an_activity_replace_those_of_the_catalogue(plan: Path) -> None:
    steps = "{meet: {meeting: 2 h}}"
    text = EXAMPLE.replace(
        "qbr: default", f"qbr: {{catalogue: qbr, segments: {{all: 20%, small: 5%}}, steps: {steps}}}"
    )
    plan.write_text(text)
    qbr = read(plan).success.activities["qbr"]  # type: ignore[union-attr]
    assert list(qbr.steps) == ["meet"]
    assert qbr.steps["meet"].work.mean == 7200.0
    assert qbr.segments == {"enterprise": 0.2, "small": 0.05}


# --- there and back ---------------------------------------------------------------------------------------------------


def test_a_resolved_scenario_reads_back_equal_from_anywhere(plan: Path) -> None:
    scenario = read(plan)
    text = dump(scenario.document())
    assert freeze(parse(text)) == scenario
    assert dump(resolve(parse(text))) == text
    assert "data/profile.csv" not in text


def test_resolving_again_changes_nothing(plan: Path) -> None:
    once = resolve(parse(plan))
    twice = resolve(once)
    assert twice.data == once.data
    assert freeze(twice) == freeze(once)


def test_a_scenario_travels_to_other_processes(plan: Path) -> None:
    scenario = read(plan)
    assert pickle.loads(pickle.dumps(scenario)) == scenario


SHIPPED = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_shipped_scenarios_read_back_equal(path: Path) -> None:
    scenario = read(path)
    assert freeze(parse(dump(scenario.document()))) == scenario


DURATIONS = st.builds(
    lambda n, u: f"{n} {u}", st.integers(1, 500) | st.floats(0.01, 500), st.sampled_from(["s", "min", "h"])
)
SHARES = st.floats(0.001, 0.999) | st.integers(1, 99).map(lambda n: f"{n}%")


def uncertain(low: object, mode: object, high: object) -> dict[str, object]:
    return {"uncertain": {"triangular": [low, mode, high]}}


LAWS = st.one_of(
    DURATIONS,
    st.builds(lambda mean: {"exponential": mean}, DURATIONS),
    st.builds(
        lambda mean, cv, zero: {"lognormal": {"mean": mean, "cv": cv, "zero": zero}},
        DURATIONS,
        st.floats(0.1, 3),
        SHARES,
    ),
    st.builds(lambda mean, shape: {"weibull": {"mean": mean, "shape": shape}}, DURATIONS, st.floats(0.3, 5)),
    st.builds(
        lambda a, b: {"triangular": [f"{a} s", f"{a + b} s", f"{a + 2 * b} s"]}, st.floats(0, 100), st.floats(0.1, 100)
    ),
    st.builds(
        lambda p, a, b: {"hyperexponential": {"probabilities": [p, 1 - p], "means": [a, b]}},
        st.floats(0.1, 0.9),
        DURATIONS,
        DURATIONS,
    ),
    st.builds(
        lambda values: {"empirical": [f"{v} s" for v in values]}, st.lists(st.floats(0, 1e4), min_size=1, max_size=5)
    ),
    st.builds(lambda a: {"exponential": uncertain(f"{a} s", f"{2 * a} s", f"{3 * a} s")}, st.floats(0.1, 1000)),
    st.builds(lambda a: uncertain(f"{a} min", f"{a} min", f"{2 * a} min"), st.integers(1, 30)),
)
DAYS_OF_APRIL_AND_MAY = [*(f"04-{d:02d}" for d in range(1, 31)), *(f"05-{d:02d}" for d in range(1, 32))]
ARRIVALS = st.one_of(
    st.builds(lambda rate: {"rate": f"{rate} per h"}, st.floats(0, 1000)),
    st.builds(
        lambda volume: {"per_month": volume},
        st.floats(0, 1e6) | st.lists(st.integers(0, 10**6), min_size=2, max_size=2),
    ),
    st.builds(lambda share: {"per_month": 100, "growth_per_year": share, "season": {"04": 1.5}}, st.floats(-0.9, 3)),
    st.builds(
        lambda factor: {
            "per_month": 100,
            "factor": factor,
            "season": {"W52": 0.5},
            "events": {"launch": {"from": "2027-04-10", "to": "2027-04-12", "factor": factor}},
        },
        st.floats(0, 9),
    ),
    st.builds(lambda number: {"dated": {f"2027-{day}": number for day in DAYS_OF_APRIL_AND_MAY}}, st.floats(0, 1e4)),
    st.builds(
        lambda weight: {"table": {"mon-thu": {"09:00": weight, "9:30": 2}, "fri": {"09:00": 1}}}, st.floats(0, 1e3)
    ),
)


@given(
    talk=LAWS,
    after_call=LAWS,
    patience=st.none() | LAWS,
    arrivals=ARRIVALS,
    shrinkage=SHARES,
    ramp=st.lists(SHARES, min_size=1, max_size=4),
    salary=st.floats(0, 1e9) | st.integers(0, 10**9),
    headcount=st.integers(0, 500),
    hours=st.floats(0.5, 45),
    serves=st.sampled_from([["phone"], {"phone": 2}, {"phone": {"priority": 1, "level": 2, "after": "1 min"}}]),
    name=st.text(st.characters(codec="utf-8"), min_size=1, max_size=20),
)
@settings(max_examples=40, deadline=None)
def test_any_scenario_reads_back_equal(
    talk: object, after_call: object, patience: object, arrivals: object, shrinkage: object, ramp: object,
    salary: object, headcount: int, hours: float, serves: object, name: str,
) -> None:  # fmt: skip
    data = {
        "name": name,
        "calendar": {"start": "2027-04", "months": 2},
        "support": {
            "queues": {"phone": {"arrivals": arrivals, "talk": talk, "after_call": after_call, "patience": patience}},
            "groups": {
                "front": {
                    "headcount": headcount, "serves": serves, "shrinkage": shrinkage,
                    "salary_per_year": salary, "hours_per_week": hours,
                }
            },
        },
        "hiring": {"ramp": ramp},
    }  # fmt: skip
    scenario = freeze(Document(data))
    text = dump(scenario.document())
    assert freeze(parse(text)) == scenario
    assert dump(freeze(parse(text)).document()) == text


# --- what is wrong ----------------------------------------------------------------------------------------------------


def only(problems: list[Problem]) -> Problem:
    assert len(problems) == 1, "\n".join(map(str, problems))
    return problems[0]


def told(problem: Problem) -> tuple[str, int | None, str, str, str | None, str | None]:
    file = Path(problem.file or "").name
    return file, problem.line, problem.path, problem.message, problem.found, problem.nearest


def test_unknown_key(faults: Faults) -> None:
    problem = only(faults("opening: 60", "opening: 60\n    opning: 60"))
    line = line_of("opening: 60") + 1
    assert told(problem) == ("plan.yaml", line, "accounts.enterprise.opning", "unknown key", "opning", "opening")
    assert problem.allowed is not None
    assert problem.allowed.startswith("opening, present, new_per_month, mrr")
    assert "uncertain" not in str(only(faults("", "foo: 1\n")).allowed)


@pytest.mark.parametrize(
    ("old", "new", "path", "message", "found", "near", "allowed"),
    [
        (
            "interval: 30 min",
            "interval: 30 mn",
            "calendar.interval",
            "'mn' is no unit of a duration",
            "'30 mn'",
            "min",
            "90 s",
        ),
        ("mean: 3 min", "mean: 3", "support.queues.phone.patience.weibull.mean", "3 has no unit", "3", None, "90 s"),
        (
            "{exponential: 90 s}",
            "{exponential: 90 sek}",
            "support.queues.phone.after_call.exponential.mean",
            "'sek' is no unit of a duration",
            "'90 sek'",
            None,
            "90 s",
        ),
        (
            "time_to_hire: {uncertain: {triangular: [1 month, 2 months, 4 months]}}",
            "time_to_hire: 2 moths",
            "hiring.time_to_hire",
            "'moths' is no unit of a calendar length",
            "'2 moths'",
            "months",
            "2 months",
        ),
        (
            "shrinkage: 30%",
            "shrinkage: 30",
            "support.groups.front.shrinkage",
            "30 is outside 0 to 1",
            "30",
            "30 %",
            "0% to 100%",
        ),
        (
            "probability: 12%",
            "probability: 120%",
            "support.queues.phone.escalation.probability",
            "'120%' is outside 0 to 1",
            "'120%'",
            None,
            "0% to 100%",
        ),
        (
            "80% in 20 s",
            "80% in 20",
            "support.queues.phone.targets.service_level",
            "'20' has no unit",
            "'80% in 20'",
            None,
            "80% in 20 s",
        ),
        (
            "weibull",
            "weibul",
            "support.queues.phone.patience.weibul",
            "unknown law 'weibul'",
            "{mean: '3 min', shape: 1.2}",
            "weibull",
            "exponential",
        ),
        (
            "shape: 1.2",
            "shap: 1.2",
            "support.queues.phone.patience.weibull.shap",
            "weibull has no parameter 'shap'",
            "1.2",
            "shape",
            "mean, cv, shape, scale, zero",
        ),
        (
            "headcount: 24",
            "headcount: 2.5",
            "support.groups.front.headcount",
            "2.5 is no whole number",
            "2.5",
            None,
            "a whole number, 0 to 100000",
        ),
        (
            "headcount: 24",
            "headcount: -1",
            "support.groups.front.headcount",
            "is out of range",
            "-1",
            None,
            "a whole number, 0 to 100000",
        ),
        (
            "headcount: 24",
            "headcount: true",
            "support.groups.front.headcount",
            "true is no number",
            "true",
            None,
            "whole",
        ),
        ("name: Example", "name: 2027", "name", "must be text", "2027", None, "text"),
        (
            "Asia/Tokyo",
            "Asia/Tokio",
            "calendar.timezone",
            "unknown time zone",
            "'Asia/Tokio'",
            "Asia/Tokyo",
            "Asia/Tokyo",
        ),
        ("holidays: JP", "holidays: jp", "calendar.holidays", "unknown country of holidays", "'jp'", "JP", "US-CA"),
        ("start: 2027-04,", "start: April,", "calendar.start", "'April' is no date", "'April'", None, "2027-04-01"),
        (
            "start: 2027-04,",
            "start: 9999-04,",
            "calendar.start",
            "the year 9999 is not simulated",
            "'9999-04'",
            None,
            "2199",
        ),
        ("ramp: [50%, 75%, 100%]", "ramp: 50%", "hiring.ramp", "must be a list", "'50%'", None, "a list"),
        (
            "  ramp: [50%, 75%, 100%]",
            "  backfill: yes",
            "hiring.backfill",
            "must be true or false",
            "'yes'",
            None,
            "true",
        ),
        (
            "{2027-05: 2}",
            "{2027-13: 2}",
            "support.groups.front.hires.2027-13",
            "'2027-13' is no month",
            "'2027-13'",
            None,
            "2027-04",
        ),
        (
            "hours: *office",
            "hours: {mon-fry: '09:00-18:00'}",
            "support.queues.tier2.hours.mon-fry",
            "'fry' is no day",
            "'09:00-18:00'",
            None,
            "mon-fri",
        ),
        (
            "new_per_month: [1, 2, 3]",
            "new_per_month: [1, 2, -3]",
            "accounts.enterprise.new_per_month.2",
            "-3 is negative",
            "-3",
            None,
            "0 or more",
        ),
        ("{exponential: 90 s}", "", "support.queues.phone.after_call", "has no value", None, None, "a duration"),
        (
            "{tier2: 1}",
            "{tier2: {prio: 1}}",
            "support.groups.back.serves.tier2.prio",
            "unknown key",
            "prio",
            "priority",
            "level",
        ),
        (
            "data/profile.csv",
            "{'09:00': 1, '9:00': 2}",
            "support.queues.phone.arrivals.intraday.daily.9:00",
            "the time '9:00' is given twice",
            "2",
            None,
            "0 or more",
        ),
        (
            "from: accounts",
            "from: acounts",
            "support.queues.phone.arrivals.from",
            "unknown word",
            "'acounts'",
            "accounts",
            "accounts",
        ),
        (
            "uncertain: {triangular: [4 min, 5 min, 7 min]}",
            "uncertain: {triangular: [4 min, 5 mn, 7 min]}",
            "support.queues.phone.talk.lognormal.mean.uncertain.triangular.1",
            "'mn' is no unit of a duration",
            "'5 mn'",
            "min",
            "90 s",
        ),
        (
            "uncertain: {triangular: [4 min, 5 min, 7 min]}",
            "uncertain: {triangular: [4 min, 50 min, 7 min]}",
            "support.queues.phone.talk.lognormal.mean.uncertain.triangular",
            "the triangular law is none",
            "['4 min', '50 min', '7 min']",
            None,
            "low <= mode <= high",
        ),
        (
            "uncertain: {triangular: [4 min, 5 min, 7 min]}",
            "uncertain: {triangle: [4 min, 5 min, 7 min]}",
            "support.queues.phone.talk.lognormal.mean.uncertain.triangle",
            "unknown key",
            "triangle",
            "triangular",
            "uniform",
        ),
        (
            "replications: 20",
            "replications: {uncertain: {uniform: [2, 20]}}",
            "monte_carlo.replications",
            "what is simulated and what is aimed at is decided, not uncertain",
            None,
            None,
            "a whole number",
        ),
        ("currency: JPY", "currency: XXX", "currency", "unknown currency", "'XXX'", None, "ISO 4217"),
        ("currency: JPY", "currency: JPX", "currency", "unknown currency", "'JPX'", "JPY", "ISO 4217"),
        ("currency: JPY", "currency: eur", "currency", "unknown currency", "'eur'", "EUR", "ISO 4217"),
        (
            "currency: JPY",
            "currency: {uncertain: {values: [JPY, USD]}}",
            "currency",
            "only a number or a quantity can be uncertain",
            None,
            None,
            "text",
        ),
        (
            "qbr: default",
            "qbr: {catalogue: qbrr}",
            "success.activities.qbr.catalogue",
            "the catalogue has no such activity",
            "'qbrr'",
            "qbr",
            "check_in",
        ),
    ],
)
def test_a_wrong_value_is_told_in_full(
    faults: Faults, old: str, new: str, path: str, message: str, found: str | None, near: str | None, allowed: str
) -> None:
    problem = only(faults(old, new))
    assert told(problem) == ("plan.yaml", line_of(old.strip()), path, message, found, near)
    assert allowed in str(problem.allowed)
    assert str(problem).startswith(f"{problem.file}:{problem.line}: {path}: {message}")


def test_missing_field(faults: Faults) -> None:
    problem = only(faults("    opening: 60\n", ""))
    assert told(problem) == (
        "plan.yaml",
        line_of("enterprise:"),
        "accounts.enterprise.opening",
        "is missing",
        None,
        None,
    )
    assert problem.allowed == "a whole number, 0 or more"


def test_a_repeated_key(faults: Faults) -> None:
    problem = only(faults("    opening: 60\n", "    opening: 60\n    opening: 61\n"))
    assert problem.line == line_of("opening: 60") + 1
    assert (problem.path, problem.message) == ("accounts.enterprise.opening", "the key is given twice")
    assert problem.found == f"first on line {line_of('opening: 60')}"


def test_everything_is_said_at_once(faults: Faults) -> None:
    problems = faults("headcount: 24, serves: [phone]", "headcont: 24, serves: [phon]")
    assert [p.path for p in problems] == [
        "support.groups.front.headcont",
        "support.groups.front.serves.phon",
    ]


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n"])
def test_an_empty_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "empty.yaml").write_text(text)
    with pytest.raises(InputError, match="the scenario is empty"):
        parse(tmp_path / "empty.yaml")


def test_a_file_that_is_no_mapping(tmp_path: Path) -> None:
    (tmp_path / "list.yaml").write_text("- a\n- b\n")
    with pytest.raises(InputError, match="the scenario is no mapping"):
        parse(tmp_path / "list.yaml")


def test_a_missing_file_names_its_neighbour(plan: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(plan.with_name("plam.yaml"))
    (problem,) = caught.value.problems
    assert (problem.message, problem.nearest) == ("there is no such file", "plan.yaml")


def test_a_folder_is_no_scenario(folder: Path) -> None:
    with pytest.raises(InputError, match="this is no file"):
        read(folder)


def test_the_size_is_looked_at_before_parsing(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.write_bytes(b"[" * (yaml_text.MAXIMUM_BYTES + 1))  # would also be nested too deep, if it were parsed
    with pytest.raises(InputError) as caught:
        parse(path)
    (problem,) = caught.value.problems
    assert problem.message == "the file is too large"
    assert (problem.found, problem.allowed) == ("1000001 bytes", "up to 1000000 bytes")
    with pytest.raises(InputError, match="the text is too long"):
        parse("a: 1\n" + "#" * yaml_text.MAXIMUM_BYTES)


def test_a_top_level_uncertain_is_no_place_for_laws(faults: Faults) -> None:
    problem = only(faults("", "uncertain: {hiring.notice: {uniform: [1 month, 2 months]}}\n"))
    assert problem.path == "uncertain"
    assert problem.message == "uncertain inputs are written at the value they concern"


@pytest.mark.parametrize(
    ("law", "path", "message"),
    [
        (
            "{normal: {mean: 5%, sd: 3%}}",
            "accounts.enterprise.churn_per_month",
            "at the low end of the uncertain inputs: ",
        ),
        (
            "{lognormal: {median: 30%, sigma: 1}}",
            "accounts.enterprise.churn_per_month",
            "at the high end of the uncertain inputs: ",
        ),
    ],
)
def test_the_ends_of_uncertain_inputs_must_be_allowed(faults: Faults, law: str, path: str, message: str) -> None:
    problem = only(faults("{triangular: [0.3%, 0.5%, 1.0%], factor: market}", law))
    assert (problem.line, problem.path) == (line_of("churn_per_month"), path)
    assert problem.message.startswith(message)
    assert "outside 0 to 1" in problem.message


# --- CSV files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "line", "message", "found"),
    [
        ("", None, "the file is empty", "'data/profile.csv'"),
        ("time,weight\n", 1, "there is no row below the column names", "'data/profile.csv'"),
        ("time,wait\n09:00,1\n", 1, "the columns are not known", "time, wait"),
        ("09:00,1\n10:00,2\n", 1, "the columns are not known", "09:00, 1"),
        ("time,weight\n09:00,1\n10:00\n", 3, "the row is ragged", "1 cells"),
        ("time,weight\n\n09:00,1\n10:00,2,3\n", 4, "the row is ragged", "3 cells"),
        ("time,weight\n9 o'clock,1\n", 2, '"9 o\'clock" is no time of day', "9 o'clock, 1"),
        ("time,weight\n09:00,much\n", 2, "'much' is no quantity", "09:00, much"),
        ("time,weight\n09:00,-1\n", 2, "'-1' is no weight", "09:00, -1"),
        ("time,weight\n09:00,5 min\n", 2, "'5 min' is no weight", "09:00, 5 min"),
        ("time,weight\n09:00,1\n9:00,2\n", 3, "the time is given twice", "9:00"),
        ("weekday,time,weight\nmonkey,09:00,1\n", 2, "'monkey' is no day", "monkey, 09:00, 1"),
        ("time,weight\n09:00,0\n", None, "every weight is 0", "'data/profile.csv'"),
        ('time,weight\n09:00,"1\n', 2, "no CSV", "'data/profile.csv'"),
    ],
)
def test_a_faulty_csv_is_told_with_its_line(
    faults: Faults, folder: Path, content: str, line: int | None, message: str, found: str
) -> None:
    (folder / "data" / "profile.csv").write_text(content)
    problem = only(faults())
    assert problem.path == "support.queues.phone.arrivals.intraday"
    assert problem.message.startswith(message)
    assert problem.found == found
    if line is None:
        assert (problem.file, problem.line) == (str(folder / "plan.yaml"), line_of("data/profile.csv"))
    else:
        assert (problem.file, problem.line) == (str(folder / "data" / "profile.csv"), line)


def test_every_fault_of_a_csv_is_told(faults: Faults, folder: Path) -> None:
    (folder / "data" / "profile.csv").write_text("time,weight\n09:00\n10:00,1\n11:00,x\n")
    assert [p.line for p in faults()] == [2, 4]


def test_an_unreadable_csv(faults: Faults, folder: Path) -> None:
    (folder / "data" / "profile.csv").write_bytes(b"time,weight\n09:00,\xff\n")
    problem = only(faults())
    assert (problem.line, problem.message) == (2, "the text is not UTF-8")


@pytest.mark.parametrize("header", ["weekday,time,calls", "Weekday,Time,Share", "\ufeffweekday, time, contacts"])
def test_csv_by_weekday(folder: Path, header: str) -> None:
    (folder / "data" / "profile.csv").write_text(f"{header}\nmon-thu,09:00,20%\nFRI, 9:30 ,1e1\n", encoding="utf-8")
    arrivals = read(folder / "plan.yaml").support.queues["phone"].arrivals  # type: ignore[union-attr]
    assert arrivals is not None
    assert arrivals.intraday == {"mon-thu": {"09:00": 0.2}, "fri": {"9:30": 10.0}}


SMALL = """\
name: small
calendar: {start: START, days: DAYS, timezone: Europe/Berlin}
support:
  queues:
    phone: {talk: 1 min, hours: {DAILY}, arrivals: {dated: forecast.csv}}
  groups: {agents: {agents: 1, serves: [phone]}}
"""


def dated_faults(
    folder: Path, content: str, start: str = "2027-04-01", days: int = 5, hours: str = "mon-fri: '09:00-11:00'"
) -> list[tuple[int | None, str, str | None]]:
    """Line, message and what was found of a table of dated contacts over five days, open from 09:00 to 11:00."""
    (folder / "forecast.csv").write_text(content, encoding="utf-8")
    text = SMALL.replace("START", start).replace("DAYS", str(days)).replace("DAILY", hours)
    (folder / "small.yaml").write_text(text, encoding="utf-8")
    try:
        read(folder / "small.yaml")
    except InputError as error:
        return [(p.line, p.message, p.found) for p in error.problems]
    return []


def test_a_variant_may_name_another_forecast(tmp_path: Path) -> None:
    """The rows of its queue count there too, and a faulty file is told with the variant's path."""
    assert dated_faults(tmp_path, FORECAST) == []
    rows = FORECAST.splitlines()
    several = [
        rows[0] + ",Queue",
        *(f"{row}{n},{queue}" for row in rows[1:] for n, queue in ((0, "phone"), (9, "mail"))),
    ]
    (tmp_path / "high.csv").write_text("\n".join(several), encoding="utf-8")
    text = (tmp_path / "small.yaml").read_text()
    (tmp_path / "small.yaml").write_text(text + "variants: {high: {support.queues.phone.arrivals.dated: high.csv}}\n")
    found = [read(tmp_path / "small.yaml", names) for names in ((), ("high",))]
    low, high = (one.support.queues["phone"].arrivals.dated for one in found)  # type: ignore[union-attr]
    assert low is not None
    assert high is not None
    assert {d: {t: 10 * n for t, n in row.items()} for d, row in low.document().items()} == high.document()
    (tmp_path / "high.csv").write_text("\n".join(several).replace("phone", "fone"), encoding="utf-8")
    with pytest.raises(InputError, match="there is no row for the queue phone"):
        read(tmp_path / "small.yaml")


NO_WEIGHT = "'-1' is no weight (a number, 0 or more)"
FORECAST = "\n".join(
    ["Date,Time,Calls", *(f"2027-04-0{d},{h:02d}:00,{d * h}" for d in (1, 2, 5) for h in (9, 10))]
)  # the third and fourth are a weekend


def test_a_table_of_dated_contacts(tmp_path: Path) -> None:
    def arrivals() -> Arrivals:
        found = read(tmp_path / "small.yaml").support.queues["phone"].arrivals  # type: ignore[union-attr]
        assert found is not None
        assert found.dated is not None
        return found

    assert dated_faults(tmp_path, FORECAST) == []
    first = arrivals()
    assert first.dated.document()["2027-04-05"] == {"09:00": 45, "10:00": 50}  # type: ignore[union-attr]
    resolved = dump(read(tmp_path / "small.yaml").document())
    assert "forecast.csv" not in resolved
    (tmp_path / "small.yaml").write_text(resolved)
    assert arrivals() == first
    assert dated_faults(tmp_path, "\ufeff日付,件数\n2027/04/01,300\n2027/04/02,300\n2027/04/05,310\n") == []
    assert arrivals().dated.document()["2027-04-05"] == 310  # type: ignore[union-attr]
    rows = FORECAST.splitlines()
    several = [rows[0] + ",Queue", *(f"{row},{queue}" for row in rows[1:] for queue in ("phone", "mail"))]
    assert dated_faults(tmp_path, "\n".join(several)) == []
    assert arrivals() == first
    others = "\n".join(several).replace("phone", "fone")
    assert dated_faults(tmp_path, others) == [(5, "there is no row for the queue phone", "'forecast.csv'")]


@pytest.mark.parametrize(
    ("old", "new", "line", "message", "found"),
    [
        ("2027-04-01,10:00,10\n", "", 5, "times at which the queue is open are missing", "2027-04-01 10:00"),
        (
            "2027-04-02,09:00,18\n2027-04-02,10:00,20\n",
            "",
            5,
            "dates on which the queue is open are missing",
            "2027-04-02",
        ),
        (
            "2027-04-05,10:00,50", "2027-04-05,10:00,50\n2027-04-06,10:00,50", 5,
            "dates lie outside the horizon", "2027-04-06",
        ),
        (
            "2027-04-05,10:00,50", "2027-04-05,10:00,50\n2027-04-05,11:00,1", 5,
            "contacts come while the queue is closed", "2027-04-05 11:00",
        ),
        (
            "2027-04-05,10:00,50", "2027-04-05,10:00,50\n2027-04-03,09:00,1", 5,
            "contacts come while the queue is closed", "2027-04-03 09:00",
        ),
        ("2027-04-05,10:00,50", "2027-04-05,09:40,50", 5, "the times do not fit the calendar's intervals", "09:40"),
        ("2027-04-05,10:00,50", "2027-04-05,9:00,50", 7, "the row is given twice", "2027-04-05, 9:00, 50"),
        ("2027-04-05,10:00,50", "2027-04-31,10:00,50", 7, "'2027-04-31' is no date", "2027-04-31, 10:00, 50"),
        ("2027-04-05,10:00,50", "2027-04-05,10:00,-1", 7, NO_WEIGHT, "2027-04-05, 10:00, -1"),
        ("2027-04-05,10:00,50", "2027-04-05,10:00", 7, "the row is ragged", "2 cells"),
        ("Calls", "Fluff", 1, "the columns are not known", "Date, Time, Fluff"),
    ],
)  # fmt: skip
def test_a_faulty_table_of_dated_contacts(
    tmp_path: Path, old: str, new: str, line: int, message: str, found: str
) -> None:
    assert FORECAST.count(old) == 1
    assert dated_faults(tmp_path, FORECAST.replace(old, new)) == [(line, message, found)]


def test_dates_on_which_clocks_change(tmp_path: Path) -> None:
    """The hour that a date lacks may have no contacts, the one that it has twice may have two rows."""

    def run(date: str, hours: list[int]) -> list[tuple[str, str | None]]:
        content = "date,time,calls\n" + "".join(f"{date},{h:02d}:00,6\n" for h in hours)
        return [(m, f) for _, m, f in dated_faults(tmp_path, content, date, 1, "daily: '00:00-24:00'")]

    every, twice = [*range(24)], "the row is given twice"
    assert run("2027-03-28", [h for h in every if h != 2]) == []
    missing = "times that the date does not have: clocks are set forward"
    assert run("2027-03-28", every) == [(missing, "2027-03-28 02:00")]
    assert run("2027-10-31", every) == []
    assert run("2027-10-31", [*every, 2]) == []
    assert run("2027-10-31", [*every, 2, 2]) == [(twice, "2027-10-31, 02:00, 6")]
    assert run("2027-10-31", [*every, 4]) == [(twice, "2027-10-31, 04:00, 6")]


ROSTER = """\
name: small
calendar: {start: 2027-04-01, days: 5, timezone: Europe/Berlin}
support:
  queues:
    phone: {talk: 1 min, hours: {mon-fri: '08:00-20:00'}, arrivals: {rate: 1 per min}}
  groups: {front: {serves: [phone], roster: roster.csv}}
"""


def roster(folder: Path, content: str) -> dict[str, dict[str, int]] | list[tuple[int | None, str, str | None]]:
    """The roster of a file, or line, message and what was found of its faults."""
    (folder / "roster.csv").write_text(content, encoding="utf-8")
    (folder / "small.yaml").write_text(ROSTER)
    try:
        table = read(folder / "small.yaml").support.groups["front"].roster  # type: ignore[union-attr]
    except InputError as error:
        return [(p.line, p.message, p.found) for p in error.problems]
    assert table is not None
    return table.document()


def test_a_roster_that_counts_agents(tmp_path: Path) -> None:
    """A row holds for the step of the file, and no longer: nobody is there from 09:00 to 10:00."""
    content = "weekday,time,agents\nmon-fri,08:00,2\nmon-fri,08:30,3\nmon-fri,10:00,4\n"
    row = {"08:00": 2, "08:30": 3, "09:00": 0, "10:00": 4, "10:30": 0}
    assert roster(tmp_path, content) == {day: row for day in ("mon", "tue", "wed", "thu", "fri")}
    dated = "Date,Time,Staff,Team\n" + "".join(
        f"2027-04-0{d},{h:02d}:00,{h},{team}\n" for team in ("front", "back") for d in (1, 2, 5) for h in range(8, 20)
    )
    found = roster(tmp_path, dated)
    assert isinstance(found, dict)
    assert found["2027-04-05"] == {**{f"{h:02d}:00": h for h in range(8, 20)}, "20:00": 0}


def test_a_roster_that_names_agents(tmp_path: Path) -> None:
    """Ann is there all day but for lunch, Bob from the afternoon, Cem through the night to Friday."""
    rows = [
        "agent,date,start,end", "ann,2027-04-01,08:00,12:00", "ann,2027-04-01,13:00,17:00",
        "bob,2027-04-01,12:30,20:00", "cem,2027-04-01,22:00,06:00", "ann,2027-04-02,08:00,16:00",
        "ann,2027-04-05,08:00,16:00",
    ]  # fmt: skip
    found = roster(tmp_path, "\n".join(rows))
    assert found == {
        "2027-04-01": {
            "08:00": 1, "12:00": 0, "12:30": 1, "13:00": 2, "17:00": 1, "20:00": 0, "22:00": 1,
        },
        "2027-04-02": {"00:00": 1, "06:00": 0, "08:00": 1, "16:00": 0},
        "2027-04-05": {"08:00": 1, "16:00": 0},
    }  # fmt: skip
    weekly = "agent,weekday,start,end\nann,mon-thu,08:00,20:00\nbob,sun-thu,20:00,04:00\nbob,fri,08:00,9:00\n"
    found = roster(tmp_path, weekly)
    assert isinstance(found, dict)
    assert found["mon"] == {"00:00": 1, "04:00": 0, "08:00": 1, "20:00": 1}
    assert found["fri"] == {"00:00": 1, "04:00": 0, "08:00": 1, "09:00": 0}


NOBODY = "days on which a queue of the group is open are missing"
DAYS = "date,time,agents\n2027-04-01,08:00,2\n2027-04-02,08:00,2\n2027-04-05,08:00,2\n"
NAMED = "agent,date,start,end\na,2027-04-01,08:00,9:00\na,2027-04-02,08:00,9:00\na,2027-04-05,08:00,9:00\n"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("agent,time\n", (1, "the columns are not known", "agent, time")),
        (DAYS.replace("08:00,2\n", "08:00,1.5\n", 1), (2, "'1.5' is no whole number", "2027-04-01, 08:00, 1.5")),
        (DAYS + "2027-04-05,8:00,2\n", (5, "the row is given twice", "2027-04-05, 8:00, 2")),
        (DAYS + "2027-04-06,08:00,2\n", (6, "dates lie outside the horizon", "2027-04-06")),
        (DAYS.replace("2027-04-02,08:00,2\n", ""), (6, NOBODY, "2027-04-02")),
        (DAYS.replace("02,08:00", "02,08:10"), (6, "agents come or go within an interval", "08:10, 08:20")),
        (NAMED + "a,2027-04-05,08:30,10:00\n", (5, "the agent comes before having gone", "a, 2027-04-05, 08:30")),
        (NAMED + "a,2027-04-05,8,10:00\n", (5, "'8' is no time of day", "a, 2027-04-05, 8, 10:00")),
        (NAMED.replace("9:00", "9:15"), (6, "agents come or go within an interval", "09:15")),
    ],
)  # fmt: skip
def test_a_faulty_roster(tmp_path: Path, content: str, fault: tuple[int, str, str]) -> None:
    assert roster(tmp_path, content) == [fault]


def test_a_missing_csv(faults: Faults) -> None:
    problem = only(faults("profile.csv", "profil.csv"))
    assert told(problem) == (
        "plan.yaml", line_of("data/profile.csv"), "support.queues.phone.arrivals.intraday", "there is no such file",
        "'data/profil.csv'", "profile.csv",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["../outside.csv", "data/../../outside.csv", "{parent}/outside.csv", "link.csv"])
def test_a_csv_outside_the_folder(folder: Path, name: str) -> None:
    home = folder / "home"
    home.mkdir()
    (folder / "outside.csv").write_text(PROFILE)
    (home / "link.csv").symlink_to(folder / "outside.csv")
    plan = home / "plan.yaml"
    plan.write_text(EXAMPLE.replace("data/profile.csv", name.format(parent=folder)))
    with pytest.raises(InputError) as caught:
        read(plan)
    problem = only(list(caught.value.problems))
    assert problem.message == "the file lies outside the scenario's folder"
    assert problem.allowed == "a file in the scenario's folder or below"
    assert problem.line == line_of("data/profile.csv")


def test_a_text_names_no_files() -> None:
    with pytest.raises(InputError) as caught:
        read(EXAMPLE)
    problem = only(list(caught.value.problems))
    assert problem.message == "a text without a file names no other file"
    assert str(problem).startswith(f"line {line_of('data/profile.csv')}: support.queues.phone.arrivals.intraday: ")


# --- the rest ---------------------------------------------------------------------------------------------------------


def test_reading_loads_nothing_heavy() -> None:
    heavy = {"pandas", "scipy", "numba", "simpy", "matplotlib", "pyarrow", "holidays", "hypothesis"}
    code = "import sys, simulator.scenario.loading; print('\\n'.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not heavy & set(loaded)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_spoilt_example_is_read_or_refused(data: st.DataObject) -> None:
    """Whatever a slip of the keyboard does, the answer is a scenario or a list of problems."""
    text = EXAMPLE.replace("data/profile.csv", '{"09:00": 1.0}')
    start = data.draw(st.integers(0, len(text) - 1))
    length = data.draw(st.integers(0, 30))
    put = data.draw(
        st.sampled_from(
            ["", " ", "\n", "[]", "{}", "null", "true", "-1", "x", "[1, {a: 2}]", "{uncertain: 3}", "*office", "1e308"]
        )
    )
    spoilt = text[:start] + put + text[start + length :]
    problems: tuple[Problem, ...] = ()
    try:
        scenario = read(spoilt)
    except InputError as error:
        problems = error.problems
    assert [str(problem) for problem in problems] or isinstance(scenario, Scenario)
