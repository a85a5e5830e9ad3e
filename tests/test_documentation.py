"""What people read first is true: examples run, commands exist, shipped scenarios are sound."""

from __future__ import annotations

import doctest
import json
import re
import shlex
from pathlib import Path

import pytest

import simulator as sim
from simulator import cli
from simulator.scenario.loading import schema_json
from simulator.studies.preview import preview

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SCENARIOS = sorted((ROOT / "scenarios").glob("*.yaml"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def quick(code: str) -> str:
    """The example with fewer replications."""
    return re.sub(r"replications=\d+", "replications=2", code)


# --- examples ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    monkeypatch.chdir(ROOT)


@pytest.mark.usefixtures("at_the_root")
@pytest.mark.parametrize("code", blocks("python"), ids=lambda code: code.splitlines()[0])
def test_python_examples_of_the_readme_run(code: str) -> None:
    exec(compile(quick(code), "README.md", "exec"), {})


@pytest.mark.usefixtures("at_the_root")
def test_the_example_of_the_package_runs() -> None:
    (example,) = doctest.DocTestFinder(recurse=False).find(sim, "simulator")
    assert len(example.examples) >= 4
    for step in example.examples:
        step.source = quick(step.source)
    failed = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example)
    assert failed.failed == 0


def commands() -> list[str]:
    """Calls of the command line in the README's shell blocks."""
    lines = (line.split(" # ")[0] for block in blocks("sh") for line in block.splitlines())
    return [found[1] for line in lines if (found := re.search(r"(?:^|/)simulator (.*)$", line.strip()))]


@pytest.mark.parametrize("command", commands())
def test_commands_of_the_readme_exist(command: str) -> None:
    name, *words = shlex.split(command)
    context = cli.main.commands[name].make_context(name, list(words))  # raises for what the command does not take
    scenario = context.params.get("scenario")
    assert scenario is None or scenario.name == "my_plan.yaml" or ROOT / scenario in SCENARIOS


def test_every_command_and_option_that_the_readme_names_exists() -> None:
    assert len(commands()) >= 6
    assert {line.split()[0] for line in commands()} == set(cli.main.commands), "a command is not shown"
    known = {"--debug", "--help", "--version"}
    known |= {option for command in cli.main.commands.values() for p in command.params for option in p.opts}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", README)) <= known


def test_every_file_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"`((?:simulator|scenarios|tests|notebooks)/[\w./]*)`", README))
    assert len(named) > 5
    places = (ROOT, ROOT / "simulator", ROOT / "simulator" / "support", ROOT / "simulator" / "success")
    assert [name for name in named if not any((place / name).exists() for place in places)] == []
    assert {path.name for path in SCENARIOS} == set(re.findall(r"^\| `scenarios/(\w+\.yaml)`", README, re.MULTILINE))


def test_notebooks_are_kept_without_outputs() -> None:
    assert NOTEBOOKS
    for path in NOTEBOOKS:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        assert code
        assert not any(cell["outputs"] or cell["execution_count"] for cell in code), path.name


# --- shipped scenarios ------------------------------------------------------------------------------------------------


def test_the_schema_for_editors_is_that_of_the_code() -> None:
    written = (ROOT / "scenarios" / "scenario.schema.json").read_text(encoding="utf-8")
    assert json.loads(written) == schema_json(), "run: simulator schema --out scenarios/scenario.schema.json"


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda p: p.stem)
def test_shipped_scenarios_are_sound(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    schema = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert schema
    assert (path.parent / schema[1]).is_file()

    plan = sim.read(path)
    for name in plan.variants:
        changed = sim.read(path, variants=name)
        assert changed != plan, f"variant {name} changes nothing"
        assert changed.calendar == plan.calendar
    lines = list(preview(plan))
    assert lines[0].startswith("# days: ")
    assert not [line for line in lines if "gets no contact" in line]
