"""The report is one well-formed page with the numbers of the result, and nothing from outside."""

from __future__ import annotations

import functools
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

from simulator.glossary import Language
from simulator.reporting import page
from simulator.results import TABLES, Result
from tests.reporting.sample import MONTHS, light, sample

VOID = {"meta", "link", "br", "img", "hr", "input"}


@functools.cache
def english() -> str:
    return page.html(sample())


class Reader(HTMLParser):
    """Checks that tags nest, and keeps text, attributes and table cells."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.ids: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.headless: list[int] = []
        self.tables = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id" and value]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.text.append(data)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


def said(reader: Reader) -> str:
    """The visible text with the page's no-break characters as a reader sees them."""
    text = "".join(reader.text).replace("\u00a0", " ").replace("\u2060", "")
    return re.sub(r"\s+", " ", text)


def test_the_page_is_well_formed_and_its_ids_are_unique() -> None:
    reader = read(english())
    assert len(reader.ids) == len(set(reader.ids))
    known = set(reader.ids)
    assert all(value in known for _, name, value in reader.attributes if name == "aria-labelledby")
    for svg in re.findall(r"<svg.*?</svg>", english(), re.DOTALL):
        ElementTree.fromstring(svg)


def test_nothing_is_loaded_from_outside() -> None:
    for tag, name, value in read(english()).attributes:
        if name in ("src", "href", "xlink:href", "action", "data"):
            assert value.startswith(("#", "data:")), (tag, name, value)
    without_names = re.sub(r'xmlns(:xlink)?="http://www\.w3\.org/[^"]*"', "", english())  # names, never fetched
    assert "http://" not in without_names
    assert "https://" not in without_names
    assert "@import" not in without_names


def test_the_answer_comes_first_and_the_numbers_are_there() -> None:
    text = said(read(english()))
    assert "csm: 7 now → 9 by 2027-10, 80 % sure that is enough." in text
    assert text.index("7 now → 9") < text.index("Need against plan") < text.index("Where this comes from")
    for piece in (
        "Open 2 requisitions by 2027-07",
        "¥211.9 M",
        "¥224.1 M",
        "Quarterly business review (enterprise)",
        "service level 80 % in 20 s, per month",
        "2028-03: 40 %",
        "81.0 % – 84.8 %",
        "answered within T ÷ (offered − short abandoned)",
        "hiring.attrition_per_year",
        "replace with your own exits",
        "triangular 0.3%, 0.5%, 1.0%",
        "26 -> 24",
        "8f3ab1c09d2e",
        "Quarterly business review",
    ):
        assert piece in text, piece


def test_tables_have_captions_and_header_cells() -> None:
    html = english()
    for table in re.findall(r"<table>.*?</table>", html, re.DOTALL):
        assert re.search(r"<caption[^>]*>[^<]+</caption>", table)
        head, body = table.split("<tbody>")
        assert 'scope="col"' in head
        rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
        assert rows
        assert all(row.lstrip().startswith('<th scope="row">') for row in rows)
        columns = len(re.findall(r'scope="col"', head))
        assert all(len(re.findall(r"<t[hd]\b", row)) == columns for row in rows)
    staffing = html[html.index('aria-label="Need against plan"') :]
    assert [m for m in MONTHS if f'<th scope="row">{m}</th>' in staffing] == MONTHS


def test_every_figure_has_a_name_for_those_who_do_not_see_it() -> None:
    figures = re.findall(r"<figure>(.*?)</figure>", english(), re.DOTALL)
    assert len(figures) == 11
    assert all(re.match(r'<svg role="img" aria-label="[^"]+"', figure) for figure in figures)
    assert 'aria-label="csm: 9 needed at the peak (2027-10), 7 planned"' in english()


def test_names_cannot_become_markup() -> None:
    hostile = '<b onload="x">&\'</b>'
    result = light(
        sample(name=hostile, changes=[hostile], warnings=[hostile], placeholders={hostile: hostile}),
        "staffing",
        "kpis",
        "headcount",
        "cost",
        team="csm",
    )
    result = Result(result.scenario, result.tables | {"kpis": sample().kpis}, result.summary)
    renamed = {
        name: table.replace({column: {"csm": hostile} for column in ("team", "subject") if column in table})
        for name, table in result.tables.items()
    }
    summary = dict(result.summary)
    summary["teams"] = [t | {"team": hostile} if t["team"] == "csm" else t for t in summary["teams"]]
    summary["slips"] = [{"subject": hostile, "mean": 0.5, "target": 0.9}]
    summary["targets"] = [t | {"subject": hostile, "text": hostile} for t in summary["targets"]]
    html = page.html(Result(result.scenario, renamed, summary, {hostile: hostile}))
    reader = read(html)
    assert "<b " not in html
    assert "<b>" not in html
    assert not [name for _, name, _ in reader.attributes if name == "onload"]
    assert said(reader).count("<b onload") > 10  # seen as text


def test_japanese() -> None:
    html = page.html(light(sample(), "staffing", "kpis", "activities", team="csm"), "ja")
    text = said(read(html))
    assert '<html lang="ja">' in html
    for piece in (
        "csm: 現在7名 → 2027年10月までに9名(80%の確度で充足)。",
        "必要人員と計画",
        "サービスレベル",
        "四半期ビジネスレビュー",
        "未達",
    ):
        assert piece in text


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_a_result_with_nothing_in_it_is_still_a_page(lang: Language) -> None:
    empty = {name: pd.DataFrame(columns=list(columns)) for name, columns in TABLES.items()}
    text = said(read(page.html(Result(sample().scenario, empty, {"name": "bare"}), lang)))
    assert "bare" in text


def test_one_wing_alone() -> None:
    result = sample(hiring=..., slips=..., sizing=..., accounts=..., targets=...)
    text = said(read(page.html(light(result, "staffing", "headcount", team="tier2"))))
    assert "tier2: 5 needed at the peak" in text
    assert "Three ways to size the team" not in text


def test_the_same_result_gives_the_same_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        page.write(light(sample(), "cost", "activities"), tmp_path / name / "report.html")
    assert (tmp_path / "a/report.html").read_bytes() == (tmp_path / "b/report.html").read_bytes()


@pytest.mark.parametrize(("share", "tone"), [(0.9, ""), (0.67, "doubt")])
def test_a_card_is_green_only_when_all_months_together_are_sure_enough(share: float, tone: str) -> None:
    result = sample()
    team = {"team": "agents", "wing": "support", "now": 6, "need_peak": {"month": MONTHS[0], "heads": 6}, "unmet": [],
            "confidence": 0.8, "p_enough_all": share, "first_short_month": None}  # fmt: skip
    result.summary["teams"] = [team]  # type: ignore[index]
    assert page.context(result, "en")["teams"][0]["tone"] == tone
    team["first_short_month"] = MONTHS[0]
    assert page.context(result, "en")["teams"][0]["tone"] == "short"
