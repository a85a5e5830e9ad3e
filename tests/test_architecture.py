"""A module imports only from floors above it, the wings do not import each other, and heavy libraries load late."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "simulator"

FLOORS = [
    ["errors", "_cache", "crew", "units", "timegrid", "randomness", "distributions", "kernels", "glossary"],
    ["scenario", "provenance"],
    ["workforce"],
    ["support", "success"],
    ["horizon"],
    ["montecarlo"],
    ["planning"],
    ["results"],
    ["studies"],
    ["reporting"],
    ["cli"],
    ["__init__", "__main__"],
]
"""From the ground up. ``results`` is data only and stands below the studies that fill it."""

UPWARD_BY_DESIGN = {
    ("results", "reporting"),  # result.plot, loaded when asked for
    ("studies", "reporting"),  # the plots of a comparison, a sweep and a replay, loaded when asked for
}

FLOOR = {name: i for i, names in enumerate(FLOORS) for name in names}


def home(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0].removesuffix(".py")


def imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module] if node.module != "simulator" else [f"simulator.{a.name}" for a in node.names]
    return [name.split(".")[1] for name in found if name.startswith("simulator.")]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_down(path: Path) -> None:
    here = home(path)
    assert here in FLOOR, f"{here} has no floor: add it to the house"
    for other in imports(path):
        if (here, other) in UPWARD_BY_DESIGN or other not in FLOOR:
            continue
        assert FLOOR[other] <= FLOOR[here], f"{path.name} ({here}) imports {other}, which is above it"
        if {here, other} == {"support", "success"}:
            pytest.fail(f"{path.name}: the wings must not import each other")


def test_the_test_sees_a_climbing_import(tmp_path: Path) -> None:
    module = tmp_path / "bad.py"
    module.write_text("from simulator.cli import main\nfrom simulator import horizon\n")
    assert imports(module) == ["cli", "horizon"]
    assert FLOOR["cli"] > FLOOR["units"]


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print('\\n'.join(sys.modules))"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_import_loads_nothing_heavy() -> None:
    heavy = {"numba", "pandas", "scipy", "matplotlib", "simpy", "pyarrow", "pydantic"}
    assert not heavy & loaded_by("import simulator")


def test_reading_a_scenario_loads_no_compiler_and_no_tables() -> None:
    heavy = {"numba", "pandas", "matplotlib", "simpy", "pyarrow"}
    assert not heavy & loaded_by("import simulator.scenario.loading")


def test_closed_forms_need_no_compiler() -> None:
    assert not {"numba", "pandas", "matplotlib"} & loaded_by("import simulator.support.erlang")
