"""Overrides by dotted path: what they find, what they change, and when they are refused."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import Problem, ValueRefused
from simulator.scenario.loading import dump, freeze, parse, read, resolve
from simulator.scenario.paths import get, locate
from simulator.scenario.variants import differences, override
from tests.scenario.example import EXAMPLE, line_of

Faults = Callable[..., list[Problem]]
QUEUE = "support.queues.phone"


@pytest.mark.parametrize(
    ("path", "value", "steps", "old"),
    [
        ("support.groups.front.headcount", 20, "support.groups.front.headcount", 24),
        (f"{QUEUE}.patience.mean", "5 min", f"{QUEUE}.patience.weibull.mean", "3 min"),
        (f"{QUEUE}.patience.weibull.mean", "5 min", f"{QUEUE}.patience.weibull.mean", "3 min"),
        (f"{QUEUE}.after_call.mean", "2 min", f"{QUEUE}.after_call.exponential.mean", "90 s"),
        (
            f"{QUEUE}.after_call",
            {"gamma": {"mean": "1 min", "cv": 1}},
            f"{QUEUE}.after_call",
            {"exponential": {"mean": "90 s"}},
        ),
        ("support.queues.tier2.talk.mode", "11 min", "support.queues.tier2.talk.triangular.mode", "10 min"),
        (f"{QUEUE}.lines", 30, f"{QUEUE}.lines", None),
        (f"{QUEUE}.targets.answer_rate", "95%", f"{QUEUE}.targets.answer_rate", None),
        ("support.queues.tier2.targets.abandonment", "5%", "support.queues.tier2.targets.abandonment", None),
        ("support.groups.back.shrinkage", "10%", "support.groups.back.shrinkage", "0%"),
        ("support.groups.front.serves.phone.level", 2, "support.groups.front.serves.phone.level", 1),
        ("support.groups.front.serves.tier2", 3, "support.groups.front.serves.tier2", None),
        ("support.groups.front.hires.2027-06", 4, "support.groups.front.hires.2027-06", None),
        ("hiring.ramp.1", "80%", "hiring.ramp.1", "75%"),
        (
            "hiring.time_to_hire",
            "3 months",
            "hiring.time_to_hire",
            {"uncertain": {"triangular": ["1 month", "2 months", "4 months"]}},
        ),
        (
            "hiring.time_to_hire.mean",
            "3 months",
            "hiring.time_to_hire",
            {"uncertain": {"triangular": ["1 month", "2 months", "4 months"]}},
        ),
        (
            "hiring.time_to_hire.uncertain.triangular.2",
            "6 months",
            "hiring.time_to_hire.uncertain.triangular.2",
            "4 months",
        ),
        ("accounts.enterprise.new_per_month.2", 5, "accounts.enterprise.new_per_month.2", 3),
        (f"{QUEUE}.arrivals.intraday.daily.12:00", 0.1, f"{QUEUE}.arrivals.intraday.daily.12:00", 0.6),
        (f"{QUEUE}.arrivals.season.07", 1.2, f"{QUEUE}.arrivals.season.07", None),
        ("success.activities.qbr.steps.meet.meeting", "45 min", "success.activities.qbr.steps.meet.meeting", "1 h"),
        (f"{QUEUE}.patience", None, f"{QUEUE}.patience", {"weibull": {"mean": "3 min", "shape": 1.2}}),
        ("accounts.small.upsell.amount", "5%", "accounts.small.upsell.amount", 0.0),
        (
            "accounts.small.upsell",
            {"amount": "5%"},
            "accounts.small.upsell",
            {"accounts_per_month": "0%", "amount": "0%"},
        ),
        ("budget.per_year", 1000, "budget.per_year", None),
    ],
)
def test_an_override_finds_its_value(plan: Path, path: str, value: object, steps: str, old: object) -> None:
    document = resolve(parse(plan), overrides={path: value})
    freeze(document)
    (change,) = document.changes
    assert (change.path, change.old, change.new, change.origin) == (steps, old, value, "override")


def test_an_override_changes_nothing_else(plan: Path) -> None:
    base = read(plan)
    changed = base.with_({f"{QUEUE}.patience.mean": "90 s"})
    assert changed.support.queues["phone"].patience.mean == 90.0  # type: ignore[union-attr]
    assert base.support.queues["phone"].patience.mean == 180.0  # type: ignore[union-attr]
    assert changed.with_({f"{QUEUE}.patience.mean": "3 min"}) == base
    assert [str(change) for change in differences(base, changed)] == [
        f"{QUEUE}.patience.weibull.mean: '3 min' -> '90 s'"
    ]
    assert differences(base, base) == ()


def test_differences_name_whole_laws_and_uncertain_inputs(plan: Path) -> None:
    base = read(plan)
    changed = base.with_(
        {f"{QUEUE}.patience": {"exponential": "1 min"}, "hiring.time_to_hire": "1 month", f"{QUEUE}.lines": 9}
    )
    assert [str(change) for change in differences(base, changed)] == [
        f"{QUEUE}.patience: {{weibull: {{mean: '3 min', shape: 1.2}}}} -> {{exponential: {{mean: '1 min'}}}}",
        f"{QUEUE}.lines: nothing -> 9",
        "hiring.time_to_hire: {uncertain: {triangular: ['1 month', '2 months', '4 months']}} -> '1 month'",
    ]


def test_an_override_leaves_its_document_alone(plan: Path) -> None:
    document = resolve(parse(plan))
    before = dump(document)
    changed = override(document, {"support.groups.front.headcount": 1, "hiring.ramp.0": "1%"})
    assert dump(changed) != dump(document) == before


def test_a_variant_is_a_named_override(plan: Path) -> None:
    squeezed = read(plan, "squeeze")
    assert squeezed == read(plan).with_({"support.groups.front.headcount": 20})
    document = resolve(parse(plan), ["squeeze", "patient"])
    assert [(str(change), change.origin) for change in document.changes] == [
        ("support.groups.front.headcount: 24 -> 20", "variant squeeze"),
        (f"{QUEUE}.patience.weibull.mean: '3 min' -> '5 min'", "variant patient"),
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("support.groups.front.headcount=20", 20),
        ("support.groups.front.headcount = 20", 20),
        (f"{QUEUE}.patience.mean=90 s", "90 s"),
        (f"{QUEUE}.patience={{exponential: 2 min}}", {"exponential": "2 min"}),
        (f"{QUEUE}.targets.service_level=90% in 30 s", "90% in 30 s"),
        ("support.groups.front.salary_per_year=5_000_000", 5_000_000),
        ("hiring.ramp=[10%, 100%]", ["10%", "100%"]),
        (f"{QUEUE}.patience=null", None),
    ],
)
def test_set_reads_its_value_like_yaml(plan: Path, text: str, value: object) -> None:
    document = resolve(parse(plan), overrides=[text])
    freeze(document)
    assert [(change.new, change.origin) for change in document.changes] == [(value, "--set")]


def test_a_variant_may_name_a_csv_file(folder: Path) -> None:
    (folder / "data" / "flat.csv").write_text("time,weight\n09:00,1\n")
    plan = folder / "plan.yaml"
    plan.write_text(
        EXAMPLE.replace("  patient:\n", f"  flat: {{{QUEUE}.arrivals.intraday: data/flat.csv}}\n  patient:\n")
    )
    scenario = read(plan)
    assert scenario.variants["flat"] == {f"{QUEUE}.arrivals.intraday": {"daily": {"09:00": 1}}}
    assert scenario.with_(scenario.variants["flat"]) == read(plan, "flat")


def told(problem: Problem) -> tuple[int | None, str, str, str | None, str | None]:
    return problem.line, problem.path, problem.message, problem.found, problem.nearest


def test_an_unknown_variant(faults: Faults) -> None:
    (problem,) = faults(variants="squeese")
    assert told(problem) == (line_of("variants:"), "variants", "there is no variant 'squeese'", "squeese", "squeeze")
    assert problem.allowed == "squeeze, patient"


@pytest.mark.parametrize(
    ("body", "message"),
    [("{}", "the override is empty"), ("", "has no value"), ("3", "must be a mapping"), ("[a]", "must be a mapping")],
)
def test_an_empty_variant_is_refused_even_unused(faults: Faults, body: str, message: str) -> None:
    (problem,) = faults("squeeze: {support.groups.front.headcount: 20}", f"squeeze: {body}")
    assert told(problem)[:3] == (line_of("squeeze:"), "variants.squeeze", message)


def test_a_variant_without_a_value(faults: Faults) -> None:
    path = f"{QUEUE}.patience.mean"
    (problem,) = faults(f"{path}: 5 min", f"{path}:")
    assert told(problem) == (line_of("patience.mean"), f"variants.patient.{path}", "the override is empty", None, None)


@pytest.mark.parametrize(
    ("path", "message", "near"),
    [
        ("support.queues.fone.talk", "support.queues has no 'fone'", "phone"),
        ("support.queues.fax", "support.queues has no 'fax'", None),
        ("support.qeues.phone.talk", "support has no 'qeues'", "queues"),
        (f"{QUEUE}.patience.meen", f"{QUEUE}.patience (weibull) has no 'meen'", "mean"),
        (
            f"{QUEUE}.patience.lognormal.mean",
            f"{QUEUE}.patience is weibull: set the whole law to change the family",
            None,
        ),
        ("support.queues.tier2.patience.mean", "support.queues.tier2.patience is absent: set the whole law", None),
        ("accounts.small.mrr.mean", "accounts.small.mrr is absent: set the whole law", None),
        ("hiring.ramp.7", "hiring.ramp has no entry '7'", None),
        ("hiring.ramp.-1", "hiring.ramp has no entry '-1'", None),
        ("hiring.notice.mean", "hiring.notice is one value, nothing stands below it", None),
        ("hiring.time_to_hire.mean.mean", "hiring.time_to_hire is a constant, without 'mean'", None),
        ("variants.squeeze", "variants is no value of the model", None),
        ("uncertain.hiring", "uncertain is no value of the model", None),
        ("", "the scenario has no ''", None),
        ("support..phone", "support has no ''", None),
        (
            "accounts.enterprise.contacts_per_month.",
            "accounts.enterprise.contacts_per_month is one value, nothing",
            None,
        ),
    ],
)
def test_a_path_that_leads_nowhere(faults: Faults, path: str, message: str, near: str | None) -> None:
    (problem,) = faults(overrides={path: 1})
    assert (problem.file, problem.path, problem.nearest) == ("override", path, near)
    assert problem.message.startswith(f"there is no such path: {message}")


def test_a_path_of_a_variant_is_checked_even_unused(faults: Faults) -> None:
    (problem,) = faults("{support.groups.front.headcount: 20}", "{support.groups.front.hedcount: 20}")
    assert told(problem)[:2] == (line_of("squeeze:"), "support.groups.front.hedcount")
    assert problem.nearest == "headcount"


def test_a_value_of_a_variant_is_checked_even_unused(faults: Faults) -> None:
    (problem,) = faults("patience.mean: 5 min", "patience.mean: 5 mn")
    assert told(problem) == (
        line_of("patience.mean"), f"{QUEUE}.patience.weibull.mean", "'mn' is no unit of a duration", "'5 mn'", "min",
    )  # fmt: skip


def test_a_rule_that_a_variant_breaks_is_told(faults: Faults) -> None:
    (problem,) = faults("support.queues.phone.patience.mean: 5 min", "success.teams.csm.hours_per_week: 60")
    assert told(problem) == (
        line_of("patience.mean"), "success.teams.csm.hours_per_week",
        "the hours per week do not fit into the working hours", "60 h", None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ("support.groups.front.headcount=20", "support.groups.front.headcount=21", "gives the same path another value"),
        (f"{QUEUE}.patience.mean=1 min", f"{QUEUE}.patience.weibull.mean=2 min", "gives the same path another value"),
        (
            f"{QUEUE}.patience.mean=1 min",
            f"{QUEUE}.patience={{exponential: 1 min}}",
            f"already sets {QUEUE}.patience.mean",
        ),
        (f"{QUEUE}.targets={{asa: 5 s}}", f"{QUEUE}.targets.asa=5 s", f"already sets {QUEUE}.targets"),
    ],
)
def test_overrides_that_fight_are_refused(faults: Faults, first: str, second: str, message: str) -> None:
    (problem,) = faults(overrides=[first, second])
    assert problem.file == "--set"
    assert problem.path == second.split("=")[0]
    assert problem.message == f"the override fights with --set, which {message}"


def test_a_variant_and_a_set_may_fight(faults: Faults) -> None:
    (problem,) = faults(variants="squeeze", overrides=["support.groups.front.headcount=19"])
    assert "fights with variant squeeze" in problem.message
    assert problem.found == "19 against 20"


def test_overrides_that_agree_are_one(plan: Path) -> None:
    document = resolve(parse(plan), "squeeze", ["support.groups.front.headcount=20"])
    freeze(document)
    assert len(document.changes) == 1


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("headcount", "headcount", "an override needs a path and a value"),
        ("=3", "", "an override needs a path and a value"),
        ("hiring.notice=", "hiring.notice", "the override is empty"),
        ("hiring.notice=[1", "hiring.notice", "no YAML: "),
        ("hiring.notice=!x 1", "hiring.notice", "tags have no meaning here"),
    ],
)
def test_a_faulty_set(faults: Faults, text: str, path: str, message: str) -> None:
    (problem,) = faults(overrides=[text])
    assert (problem.file, problem.line, problem.path) == ("--set", None, path)
    assert problem.message.startswith(message)


def test_an_override_may_mend_the_file(plan: Path) -> None:
    plan.write_text(EXAMPLE.replace("headcount: 5", "headcount: five"))
    assert read(plan, overrides=["support.groups.back.headcount=5"]).support.groups["back"].headcount == 5  # type: ignore[union-attr]


def test_faults_of_set_and_file_come_together(faults: Faults) -> None:
    problems = faults("headcount: 5", "headcount: five", overrides=["hiring.notice=3"])
    assert [(p.file == "--set", p.path) for p in problems] == [
        (True, "hiring.notice"),
        (False, "support.groups.back.headcount"),
    ]


def test_values_are_read_by_path(plan: Path) -> None:
    data = read(plan).document()
    assert get(data, f"{QUEUE}.patience.mean") == "3 min"
    assert get(data, f"{QUEUE}.talk.cv") == 0.8
    assert get(data, f"{QUEUE}.lines") is None
    assert get(data, "hiring.ramp.2") == "100%"
    with pytest.raises(ValueRefused, match="has no 'phon'"):
        get(data, "support.queues.phon")


@given(st.text(st.sampled_from("aps.0_-") | st.characters(codec="utf-8"), max_size=30))
@settings(max_examples=200, deadline=None)
def test_any_text_is_a_path_or_is_refused(path: str) -> None:
    data = {"support": {"queues": {"a": {"talk": "5 min"}}}, "accounts": {"a": {"mrr": {"lognormal": {"mean": 1}}}}}
    for prefix in ("", "support.queues.a.", "accounts.a.", "accounts.a.mrr.", "support.queues.a.talk."):
        try:
            found = bool(locate(data, prefix + path)[0])
        except ValueRefused as fault:
            found = bool(str(fault))
        assert found
