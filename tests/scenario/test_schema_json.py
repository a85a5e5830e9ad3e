"""The JSON Schema for editors: it takes what the reader takes, and refuses what a slip makes of it."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from simulator.scenario import yaml_text
from simulator.scenario.loading import parse, read, schema_json
from tests.scenario.example import EXAMPLE

SHIPPED = sorted((Path(__file__).parents[2] / "scenarios").glob("*.yaml"))


@pytest.fixture(scope="module")
def validator() -> Any:
    made = schema_json()
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(made)


def faults(validator: Any, data: object) -> list[str]:
    return [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(data)]


def test_the_example_is_valid(validator: Any, plan: Path) -> None:
    assert faults(validator, yaml_text.read(EXAMPLE).data) == []
    assert faults(validator, read(plan).document()) == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_shipped_scenarios_are_valid(validator: Any, path: Path) -> None:
    assert faults(validator, parse(path).data) == []
    assert faults(validator, read(path).document()) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("serves: {tier2: 1}", "serves: {tier2: {priority: 1, after: 90 s}}, answer_delay: {exponential: 4 s}"),
        (
            "{to: tier2, probability: 12%}",
            "{to: tier2, probability: 12%, transfer: warm, hold: 2 min, then: deferred, conference: 9 s}",
        ),
        ("{to: tier2, probability: 12%}", "{to: tier2, probability: 12%, age: carries_over}"),
        ("      escalation: {", "      lines: 30\n      escalation: {"),
        ("      escalation: {", "      lines: {uncertain: {triangular: [20, 30, 40]}}\n      escalation: {"),
        (
            "support:\n  queues:\n    phone:\n",
            "support:\n  lines: {a-1: 30}\n  queues:\n    phone:\n      lines: a-1\n",
        ),
        ("      escalation: {", "      balking: 10 %\n      at_closing: drop\n      escalation: {"),
        (
            "      escalation: {",
            "      redial: {probability: 40 %, delay: {exponential: 10 min}, attempts: 3}\n      escalation: {",
        ),
        (
            "      escalation: {",
            "      resolution: {probability: 80 %, delay: 1 day, to: tier2, attempts: 2, within: 3 days}\n"
            "      head_start: 30 s\n      escalation: {",
        ),
        ("serves: {tier2: 1}", "serves: {tier2: {reserve: 2}}"),
        (
            "      escalation: {",
            "      channel: email\n      calls_first: preempt\n      set_up: 20 s\n      escalation: {",
        ),
        (
            "      escalation: {",
            "      callback: {threshold: 2 min, acceptance: 60 %, dialling: 20 s, no_answer: 30 %, retry: 1 h}\n"
            "      escalation: {",
        ),
        ("serves: {tier2: 1}", "serves: {tier2: 1}, away: {probability: 30 %, duration: {exponential: 5 min}}"),
    ],
)
def test_options_of_support_are_valid_and_read(validator: Any, plan: Path, old: str, new: str) -> None:
    assert EXAMPLE.count(old) == 1
    before = read(plan)
    text = EXAMPLE.replace(old, new)
    assert faults(validator, yaml_text.read(text).data) == []
    plan.write_text(text, encoding="utf-8")
    assert read(plan) != before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("opening: 60", "opning: 60"),
        ("opening: 60", "opening: -1"),
        ("opening: 60", "opening: many"),
        ("opening: 60", "opening: {uncertian: {uniform: [1, 2]}}"),
        ("opening: 60", "opening: {uncertain: {uniform: [1, 2], extra: 1}}"),
        ("{weibull: {mean: 3 min, shape: 1.2}}", "{weibul: {mean: 3 min, shape: 1.2}}"),
        ("{weibull: {mean: 3 min, shape: 1.2}}", "{weibull: {men: 3 min, shape: 1.2}}"),
        ("from: accounts", "from: acounts"),
        ("qbr: default", "qbr: standard"),
        ("qbr: default", "qbr: {segments: {small: 1}}"),
        ("qbr: default", "qbr: {catalogue: qbrr}"),
        ("serves: [phone]", "serves: phone"),
        ("serves: {tier2: 1}", "serves: {tier2: {afterwards: 90 s}}"),
        ("name: Example\n", ""),
        ("hiring:\n", "uncertain: {}\nhiring:\n"),
    ],
)
def test_slips_are_refused(validator: Any, old: str, new: str) -> None:
    assert old in EXAMPLE
    assert faults(validator, yaml_text.read(EXAMPLE.replace(old, new)).data) != []


def test_every_quantity_may_be_uncertain(validator: Any) -> None:
    law = "{uncertain: {uniform: [1, 2], factor: f, path: random_walk}}"
    for value in ("60", "[1, 2, 3]", "0.8", "3 min", "4_200_000", "2", "50%"):
        for end in ("\n", ",", "}"):
            text = EXAMPLE.replace(f": {value}{end}", f": {law}{end}")
            assert faults(validator, yaml_text.read(text).data) == []
