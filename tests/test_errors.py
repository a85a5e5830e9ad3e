"""What users can do wrong, as the command line and as Python says it."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from simulator import cli
from simulator.errors import _ARGUMENTS, InputError, Problem, unreadable
from simulator.studies import compare, replay, sweep, value


def test_a_python_caller_hears_of_arguments() -> None:
    problem = Problem(
        "calls.csv", 1, "agent", "who answered?", allowed="--column agent=NAME, or --answer-within '20 s'"
    )
    assert str(problem) == "calls.csv:1: agent: who answered?; allowed: columns agent=NAME, or answer_within '20 s'"
    assert "--column agent" in str(problem.allowed)  # as the command line prints it
    assert str(InputError([Problem("--over", None, "a.b", "two values or more")])) == "path: a.b: two values or more"
    assert str(Problem(None, None, "", "a well-known rule -- and a --- line")).endswith("-- and a --- line")


def test_every_other_name_is_an_argument_of_some_function() -> None:
    functions = [replay.replay, sweep.sweep, value.value, value.break_even, compare.compare]
    known = {name for function in functions for name in function.__code__.co_varnames}
    known |= {"account_columns", "log_columns", "queues", "states", "overrides", "variants"}  # fit and read
    flags = {opt.removeprefix("--") for c in cli.main.commands.values() for p in c.params for opt in p.opts}
    assert set(_ARGUMENTS) <= flags
    assert set(_ARGUMENTS.values()) <= known
    assert all(isinstance(command, click.Command) for command in cli.main.commands.values())


@pytest.mark.parametrize(
    ("name", "said"),
    [("missing.csv", "there is no such file"), (".", "this is a folder, not a file"), ("cp932.csv", "no text in the")],
)
def test_why_a_file_cannot_be_read(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "cp932.csv").write_bytes("日付".encode("cp932"))
    with pytest.raises((OSError, UnicodeError)) as caught:
        (tmp_path / name).read_text(encoding="utf-8")
    message, _ = unreadable(caught.value, "utf-8")
    assert said in message
    assert "Errno" not in message
    assert "codec" not in message
