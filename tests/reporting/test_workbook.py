"""The workbook's formulas carry the results that they have."""

from __future__ import annotations

import datetime as dt
import functools
import io
import operator
import re
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

from simulator.reporting import workbook
from simulator.results import TABLES, Result
from simulator.studies.run import run
from tests.models import both_wings
from tests.reporting.sample import MONTHS, sample


@functools.cache
def books(lang: str = "en") -> tuple[Any, Any]:
    """The workbook of the sample with formulas, and with the results written beside them."""
    data = workbook.content(sample(), lang)  # type: ignore[arg-type]
    return openpyxl.load_workbook(io.BytesIO(data)), openpyxl.load_workbook(io.BytesIO(data), data_only=True)


class Grid(list[float]):
    """A range of cells, with the elementwise arithmetic that the formulas use."""

    def __sub__(self, other: Grid) -> Grid:
        return Grid(a - b for a, b in zip(self, other, strict=True))

    def __gt__(self, other: Grid) -> Grid:  # type: ignore[override]
        return Grid(float(a > b) for a, b in zip(self, other, strict=True))

    def __neg__(self) -> Grid:
        return Grid(-a for a in self)

    def __mul__(self, other: Grid) -> Grid:  # type: ignore[override]
        return Grid(a * b for a, b in zip(self, other, strict=True))


FUNCTIONS = {
    "SUM": sum,
    "SUMPRODUCT": lambda *grids: sum(functools.reduce(operator.mul, grids)),
    "AVERAGE": lambda cells: sum(cells) / len(cells),
    "ABS": lambda cells: Grid(abs(a) for a in cells) if isinstance(cells, Grid) else abs(cells),
    "MAX": max,
    "IF": lambda test, yes, no: yes if test else no,
}


def evaluate(formula: str, values: Any, sheet: str) -> Any:
    """What a formula gives on the written cell values; a small reading of Excel of our own."""

    def cells(match: re.Match[str]) -> str:
        where = values[match[1] or sheet]
        found = where[match[2]]
        if isinstance(found, tuple):
            return f"Grid({[cell.value or 0.0 for row in found for cell in row]!r})"
        return repr(found.value.toordinal() if isinstance(found.value, dt.date) else found.value or 0.0)

    plain = re.sub(r"(?<![<>=])=", "==", formula.removeprefix("=").replace("$", ""))
    text = re.sub(r"(?:'([^']+)'!)?\b([A-Z]+\d+(?::[A-Z]+\d+)?)\b", cells, plain)
    return eval(text, {"__builtins__": {}}, {**FUNCTIONS, "Grid": Grid})


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_every_formula_is_written_with_its_result(lang: str) -> None:
    formulas, values = books(lang)
    seen = 0
    for sheet in formulas:
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell.value, str) and cell.value.startswith("="):
                    seen += 1
                    written = values[sheet.title][cell.coordinate].value
                    found = evaluate(cell.value, values, sheet.title)
                    # sums of doubles in another order
                    assert written == (
                        found if isinstance(found, str) else pytest.approx(found, rel=1e-12, abs=1e-6)
                    ), cell
    assert seen > 100


def test_the_cost_sheet_adds_up_to_the_simulated_total() -> None:
    _, values = books()
    cost = sample().cost
    rows = {(r[0].value, r[1].value): [c.value for c in r[2:]] for r in values["Cost"].iter_rows()}
    joint = cost[(cost["item"] == "total") & (cost["team"] == "all")].set_index("month")
    assert rows["total", None][:12] == pytest.approx(joint.loc[MONTHS, "mean"].tolist())
    assert rows["simulated total", "P80"][-1] == joint.loc["all", "p80"]
    assert not any(item == "need" for _, item in rows)


def test_the_need_sheet_shows_missing_heads() -> None:
    _, values = books()
    rows = [[cell.value for cell in row] for row in values["Need"].iter_rows(min_row=2)]
    staffing = sample().staffing
    assert [r[3] for r in rows] == staffing["need"].tolist()
    october = next(r for r in rows if r[0] == "2027-10" and r[2] == "csm")
    assert october[11] == 2.0
    unmet = [t | {"unmet": ["2027-10"]} if t["team"] == "csm" else t for t in sample().summary["teams"]]
    book = openpyxl.load_workbook(io.BytesIO(workbook.content(sample(teams=unmet))), data_only=True)
    row = next(r for r in book["Need"].iter_rows(values_only=True) if r[0] == "2027-10" and r[2] == "csm")
    assert row[3] is None
    assert row[11] is None


def test_checks_pass_and_fail() -> None:
    _, values = books()
    assert [row[3].value for row in values["Checks"].iter_rows(min_row=2)] == ["ok"] * 4
    result = sample()
    headcount = result.headcount.copy()
    headcount.loc[headcount["measure"] == "leavers", "mean"] += 0.01
    broken = Result(result.scenario, {**result.tables, "headcount": headcount}, result.summary)
    book = openpyxl.load_workbook(io.BytesIO(workbook.content(broken)), data_only=True)
    assert [row[3].value for row in book["Checks"].iter_rows(min_row=2)] == ["ok", "FAILED", "ok", "ok"]


def test_every_assumption_is_listed_with_its_law_and_placeholder() -> None:
    _, values = books()
    rows = {row[0]: row[1:] for row in values["Assumptions"].iter_rows(values_only=True)}
    assert rows["accounts.enterprise.churn_per_month"][1] == "triangular 0.3%, 0.5%, 1.0%"
    assert "exits over the last two years" in rows["hiring.attrition_per_year"][2]
    assert rows["success.teams.csm.headcount"][0] == 7
    assert rows["scenario hash"][0] == "8f3ab1c09d2e"


def test_names_never_become_formulas() -> None:
    hostile = '=HYPERLINK("x")'
    result = sample(name=hostile, changes=[hostile], placeholders={"hiring": hostile})
    cost = result.cost.replace({"team": {"csm": hostile}})
    data = workbook.content(
        Result(result.scenario, {**result.tables, "cost": cost}, result.summary, {hostile: hostile})
    )
    cells = [c for sheet in openpyxl.load_workbook(io.BytesIO(data)) for row in sheet.iter_rows() for c in row]
    assert sum(c.value == hostile for c in cells) >= 3
    assert not any(c.data_type == "f" and "HYPERLINK" in str(c.value) for c in cells)


def test_a_result_with_nothing_in_it_is_still_a_workbook(tmp_path: Path) -> None:
    empty = {name: pd.DataFrame(columns=list(columns)) for name, columns in TABLES.items()}
    for name in ("a", "b"):
        workbook.write(Result(sample().scenario, empty, {"name": "bare"}), tmp_path / f"{name}.xlsx")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert book["Summary"]["A1"].value == "bare"


def test_a_planned_fall_and_overhead_leave_every_check_green() -> None:
    plan = {
        "monte_carlo.replications": 4,
        "hiring.layoffs": {"severance": "2 months"},
        "support.groups.tier1.hires": {"2027-06": -2},
        "success.teams.csm.overhead": {"manager": {"span": 3, "salary_per_year": 9_000_000}},
    }
    result = run(both_wings(plan), jobs=1)
    values = openpyxl.load_workbook(io.BytesIO(workbook.content(result)), data_only=True)
    rows = [row for sheet in values for row in sheet.iter_rows(values_only=True)]
    assert [row[3] for row in rows if row[3] in ("ok", "wrong", "failed")] == ["ok"] * 4
    [fall] = [row for row in values["Positions"].iter_rows(values_only=True) if row[3] == "planned layoff"]
    assert fall[4] == "no"
    assert fall[7] == -2
    assert fall[10:12] == (0, 0)
    assert fall[12] == pytest.approx(-2 * 4_000_000 / 12 * 1.3)
    assert any("severance" in row for row in rows)
    assert any("managers and operations" in row for row in rows)
