"""What the terminal shows."""

from __future__ import annotations

import io

import pandas as pd
import pytest
from rich.cells import cell_len
from rich.console import Console

from simulator.errors import InputError, Problem
from simulator.glossary import Language
from simulator.reporting import tables
from simulator.results import TABLES, Result
from tests.reporting.sample import MONTHS, light, sample


def printed(result: Result, width: int = 80, lang: Language = "en") -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    tables.show(result, console, lang)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_answer_leads_with_the_team_that_falls_short() -> None:
    assert tables.answer(sample()).splitlines()[0].startswith("tier1: 24 now → 28 by 2028-03, 80 % sure")
    assert tables.answer(sample(), "ja").splitlines()[0].startswith("tier1: 現在24名 → 2028年3月までに28名")


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_nothing_is_cut_off_at_80_columns(lang: Language) -> None:
    text = printed(sample(warnings=["x" * 200]), lang=lang)
    assert "…" not in text
    assert text.count("x") >= 200
    assert max(cell_len(line) for line in text.splitlines()) <= 80


def test_the_tables_hold_the_numbers_of_the_result() -> None:
    text = printed(sample())
    rows = [
        line.split() for line in text[text.index("Need against plan") :].splitlines() if line.startswith(tuple(MONTHS))
    ]
    assert [row[0] for row in rows] == MONTHS  # all three teams stand side by side
    assert " ".join(rows[-1]) == "2028-03 28 25 33 % 5 5 99 % 9 7 33 %"
    for piece in ("82.9 %", "81.0 % – 84.8 %", "¥211.9 M", "¥224.1 M", "2028-03 40 %", "0.61 %", "87.2 min"):
        assert piece in text


def test_many_teams_are_spread_over_several_tables() -> None:
    result = sample()
    staffing = result.staffing
    copies = [staffing.assign(team=staffing["team"] + suffix) for suffix in ("", "_east", "_west")]
    wide = Result(result.scenario, {**result.tables, "staffing": pd.concat(copies)}, result.summary)
    text = printed(wide)
    assert "…" not in text
    assert all(f"{team}{suffix}" in text for team in ("tier1", "tier2", "csm") for suffix in ("", "_east", "_west"))
    tables_of_months = text[text.index("Need against plan") : text.index("\nTargets")].count(f"\n{MONTHS[0]} ")
    assert 3 <= tables_of_months < 9


def test_names_are_text_and_never_markup() -> None:
    result = sample(name="plan [bold]x[/bold]", warnings=["[red]careful"])
    text = printed(result)
    assert "plan [bold]x[/bold]" in text
    assert "[red]careful" in text


def test_a_result_with_one_wing_or_nothing_shows_what_there_is() -> None:
    empty = {name: pd.DataFrame(columns=list(columns)) for name, columns in TABLES.items()}
    bare = Result(sample().scenario, empty, {"name": "bare"})
    text = printed(bare)
    assert "bare" in text
    assert "Need against plan" not in text
    assert "Cost" not in text


def test_japanese_breaks_between_characters_but_not_inside_numbers() -> None:
    line = "現在の計画で全ての月に足りる確率は22%(95%区間 16%〜23%)です。" * 4
    for row in tables._wrapped(line, 40).splitlines():
        assert cell_len(row) <= 40 + 2  # a full stop may hang behind the edge of the column
        assert not row.startswith(("。", "、", "%"))
    bare = Result(light(sample()).scenario, light(sample()).tables, {"warnings": [line]})
    assert all(printed(bare, width, "ja").count("22%") == 4 for width in range(30, 60))  # never split between lines


def test_every_problem_is_listed_with_place_found_allowed_and_nearest() -> None:
    error = InputError(
        [
            Problem("a.yaml", 12, "support.queues.phone.tlak", "unknown key", allowed="talk, patience", nearest="talk"),
            Problem("a.yaml", 3, "name", "missing"),
        ]
    )
    console = Console(file=io.StringIO(), width=80, color_system=None)
    tables.problems(error, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert text.startswith("2 problems in the input")
    assert "a.yaml:12: support.queues.phone.tlak: unknown key" in text
    assert "allowed: talk, patience" in text
    assert "did you mean: talk" in text
    assert text.index("a.yaml:3") < text.index("a.yaml:12")


def comparison() -> pd.DataFrame:
    rows = [
        ("[b]lean", month, "support", "queue", "phone", kpi, unit, 0.8, 0.7, -0.1, -0.12, -0.08, True)
        for month in ("2027-04", "2027-05", "all")
        for kpi, unit in (("service_level", "share"), ("talk_time", "s"))
    ]
    rows.append(("[b]lean", "all", "support", "queue", "phone", "asa", "s", 20.0, 21.0, 1.0, -1.0, 3.0, False))
    rows.append(
        ("[b]lean", "all", "support", "queue", "phone", "after_call_time", "s", 20.0, 21.0, 1.0, -1.0, 3.0, False)
    )
    names = [
        "variant",
        "month",
        "wing",
        "kind",
        "subject",
        "kpi",
        "unit",
        "base",
        "value",
        "difference",
        "low",
        "high",
        "real",
    ]
    return pd.DataFrame(rows, columns=names)


def test_a_comparison_shows_headlines_and_counts_what_else_really_differs() -> None:
    console = Console(file=io.StringIO(), width=80, color_system=None)
    tables.show_comparison(comparison(), "all", console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "[b]lean: Differences from the base, the whole horizon" in text
    assert "80.0 %  70.0 %" in text
    assert "−10.0 pp  −12.0 pp – −8.0 pp" in text
    assert "Talk time" not in text  # real, but no headline
    assert "Real differences in other KPIs: 1" in text
    assert "After-call work" not in text  # neither
