"""The example on disk, and a reader that spoils it first."""

from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.errors import InputError, Problem
from simulator.scenario.loading import read
from tests.scenario.example import EXAMPLE, PROFILE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the example as ``plan.yaml`` and its CSV file."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "profile.csv").write_text(PROFILE)
    (tmp_path / "plan.yaml").write_text(EXAMPLE)
    return tmp_path


@pytest.fixture
def plan(folder: Path) -> Path:
    return folder / "plan.yaml"


@pytest.fixture
def faults(plan: Path) -> Callable[..., list[Problem]]:
    """Read the example with one text replaced by another; the problems, their file as a bare name."""

    def run(old: str = "", new: str = "", **options: object) -> list[Problem]:
        assert old in EXAMPLE
        plan.write_text(EXAMPLE.replace(old, new, 1) if old else EXAMPLE + new)
        try:
            read(plan, **options)  # type: ignore[arg-type]
        except InputError as error:
            return list(error.problems)
        return []

    return run
