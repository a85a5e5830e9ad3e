"""The plan as a workbook for finance: totals, bridge and checks are live formulas, simulated figures are values.

Each formula is written with its result, because viewers that do not recalculate (previews, phones, readers of data)
would show 0 otherwise. Text is written as text, so that a name that begins with ``=`` stays a name.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from simulator.glossary import Language
from simulator.reporting import wording as w

if TYPE_CHECKING:
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

    from simulator.results import Result

_FORMATS = {
    "text": {},
    "wrap": {"text_wrap": True, "valign": "top"},
    "title": {"bold": True, "font_size": 14},
    "head": {"bold": True, "bottom": 1, "text_wrap": True, "valign": "bottom"},
    "head_right": {"bold": True, "bottom": 1, "text_wrap": True, "valign": "bottom", "align": "right"},
    "note": {"font_color": "#666666", "text_wrap": True, "valign": "top"},
    "money": {"num_format": "#,##0"},
    "heads": {"num_format": "0.0"},
    "whole": {"num_format": "0"},
    "share": {"num_format": "0%"},
    "sum": {"num_format": "#,##0", "bold": True, "top": 1},
    "check": {"num_format": "0.000000"},
}
_ROUNDING = 1e-9  # of an amount: sums of doubles in another order differ by far less, a cent lost by more


def write(result: Result, path: Path, lang: Language = "en") -> None:
    """Write the workbook to ``path``; the same bytes at every run of the same versions."""
    from simulator.results import write_atomically

    write_atomically(Path(path), content(result, lang))


def content(result: Result, lang: Language = "en") -> bytes:
    """The workbook as bytes."""
    import xlsxwriter

    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    book.set_properties({"title": str(result.summary.get("name", "")), "created": dt.datetime(2000, 1, 1)})
    writer = _Writer(book, result, lang)
    writer.summary()
    writer.need()
    writer.bridge()
    writer.cost()
    writer.assumptions()
    writer.checks()
    book.close()
    return buffer.getvalue()


class Check(NamedTuple):
    """Something that must hold: a deviation, as a formula and as its value, and how large it may be."""

    what: str
    formula: str
    deviation: float
    allowed: float


class _Writer:
    """Writes the sheets of one workbook and remembers the checks that they give."""

    def __init__(self, book: Workbook, result: Result, lang: Language) -> None:
        self.book, self.result, self.lang = book, result, lang
        self.formats = {name: book.add_format(how) for name, how in _FORMATS.items()}
        self.found: list[Check] = []

    # --- cells ---

    def _sheet(self, name: str, widths: Sequence[float]) -> Worksheet:
        sheet = self.book.add_worksheet(w.phrase(f"sheet_{name}", self.lang))
        for i, width in enumerate(widths):
            sheet.set_column(i, i, width)
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        return sheet

    def _put(self, sheet: Worksheet, row: int, column: int, value: Any, form: str = "text") -> None:
        """One value; a missing one leaves its cell empty."""
        if isinstance(value, str):
            sheet.write_string(row, column, value, self.formats[form])
        elif not w.missing(value):
            sheet.write_number(row, column, float(value), self.formats[form])

    def _head(self, sheet: Worksheet, row: int, names: Sequence[str], text_columns: int) -> None:
        for column, name in enumerate(names):
            self._put(sheet, row, column, name, "head" if column < text_columns else "head_right")

    def _formula(self, sheet: Worksheet, row: int, column: int, formula: str, value: float, form: str) -> None:
        sheet.write_formula(row, column, formula, self.formats[form], value)

    # --- sheets ---

    def summary(self) -> None:
        summary, lang = self.result.summary, self.lang
        sheet = self._sheet("summary", (46, 16, 16, 16, 16))
        self._put(sheet, 0, 0, str(summary.get("name", "")), "title")
        runs = w.phrase("runs", lang, count=w.number(summary.get("replications")))
        told = f"{w.period(summary, lang)} · {runs} · {w.term('seed', lang)} {summary.get('seed', w.MISSING)}"
        self._put(sheet, 1, 0, told, "text")
        row = 3
        for line in w.paragraphs(summary, lang):
            sheet.merge_range(row, 0, row, 4, "", self.formats["wrap"])
            self._put(sheet, row, 0, line, "wrap")
            sheet.set_row(row, 15 * (1 + len(line) // (55 if lang == "ja" else 105)))
            row += 1
        cost, measures = summary.get("cost") or {}, ("mean", "p50", "p80", "p90")
        if not cost.get("plan"):
            return
        row += 1
        self._head(sheet, row, [str(summary.get("currency", "")), *(w.term(m, lang) for m in measures)], 1)
        first = row + 1
        for key in ("plan", "need"):
            row += 1
            self._put(sheet, row, 0, w.term(f"{key}_cost", lang))
            for i, measure in enumerate(measures):
                self._put(sheet, row, i + 1, (cost.get(key) or {}).get(measure), "money")
        budget = cost.get("budget")
        if not w.missing(budget):
            self._put(sheet, row + 1, 0, w.term("budget", lang))
            self._put(sheet, row + 2, 0, w.phrase("budget_left", lang))
            for i, measure in enumerate(measures):
                column, amount = "BCDE"[i], cost["plan"].get(measure)
                self._put(sheet, row + 1, i + 1, budget, "money")
                if not w.missing(amount):
                    formula = f"={column}{row + 2}-{column}{first + 1}"
                    self._formula(sheet, row + 2, i + 1, formula, budget - amount, "sum")
            row += 2
        sheet.merge_range(row + 1, 0, row + 1, 4, "", self.formats["note"])
        self._put(sheet, row + 1, 0, w.phrase("cost_note", lang), "note")
        sheet.set_row(row + 1, 48)

    def need(self) -> None:
        """Need by month and team: its distribution (values), the plan, and the heads that are missing (formula)."""
        table, lang = w.staffing(self.result), self.lang
        sheet = self._sheet("need", (12, 12, 16, *[11] * 12))
        columns = ("need", "p10", "p50", "p80", "p90", "mean", "planned", "effective")
        names = [*("month", "wing", "team"), *columns, "missing_heads", "enough", "low", "high"]
        self._head(sheet, 0, [w.term(n, lang) for n in names], 3)
        for i, row in enumerate(w.records(table)):
            at = i + 1
            for c, text in enumerate((row.month, row.wing, row.team)):
                self._put(sheet, at, c, str(text))
            for c, name in enumerate(columns):
                self._put(sheet, at, c + 3, getattr(row, name), "heads" if c > 4 else "whole")
            if not w.missing(row.need):
                gap = max(row.need - row.planned, 0.0)
                self._formula(sheet, at, 11, f"=MAX(D{at + 1}-J{at + 1},0)", gap, "heads")
            for c, value in enumerate((row.p_enough, row.p_enough_low, row.p_enough_high)):
                self._put(sheet, at, c + 12, value, "share")
        self._finish(sheet, len(table), len(names))
        if len(table):
            name, last = sheet.get_name(), len(table) + 1
            formula = "=" + "+".join(
                f"SUMPRODUCT(--('{name}'!{low}2:{low}{last}>'{name}'!{high}2:{high}{last}))"
                for low, high in ("EF", "FG", "GH")
            )
            wrong = sum(float((table[a] > table[b]).sum()) for a, b in (("p10", "p50"), ("p50", "p80"), ("p80", "p90")))
            self.found.append(Check(w.phrase("check_order", lang), formula, wrong, 0.0))

    def bridge(self) -> None:
        """Opening heads and starts less leavers are closing heads: the sum is a formula, the simulated mean a value."""
        lang, table = self.lang, self.result.headcount
        sheet = self._sheet("bridge", (12, 12, 16, *[12] * 7))
        names = ("opening", "starts", "leavers", "closing_sum", "closing_simulated", "effective", "open_requisitions")
        self._head(sheet, 0, [w.term(n, lang) for n in ("month", "wing", "team", *names)], 3)
        deviation, at = 0.0, 0
        for (wing, team, month), part in table.groupby(["wing", "team", "month"], sort=False):
            row = dict(zip(part["measure"], part["mean"], strict=True))
            at += 1
            for c, text in enumerate((month, wing, team)):
                self._put(sheet, at, c, str(text))
            places = {"opening": 3, "starts": 4, "leavers": 5, "closing": 7, "effective": 8, "open_requisitions": 9}
            for name, c in places.items():
                self._put(sheet, at, c, row.get(name), "heads")
            closing = row["opening"] + row["starts"] - row["leavers"]
            self._formula(sheet, at, 6, f"=D{at + 1}+E{at + 1}-F{at + 1}", closing, "heads")
            deviation += abs(closing - row["closing"])
        self._finish(sheet, at, 10)
        if at:
            name = sheet.get_name()
            formula = f"=SUMPRODUCT(ABS('{name}'!G2:G{at + 1}-'{name}'!H2:H{at + 1}))"
            self.found.append(Check(w.phrase("check_bridge", lang), formula, deviation, _ROUNDING))

    def cost(self) -> None:
        """Mean cost by team, item and month with live totals; below them the joint distribution of each month."""
        from xlsxwriter.utility import xl_col_to_name as letter

        lang, table = self.lang, self.result.cost
        months = w.months_of(table)
        sheet = self._sheet("cost", (16, 18, *[13] * (len(months) + 1)))
        total = len(months) + 2  # the column of the row totals
        self._head(sheet, 0, [w.term("team", lang), w.term("item", lang), *months, w.term("total", lang)], 2)
        parts = table[(table["month"] != "all") & ~table["item"].isin(("total", "need"))]
        sums, at = [0.0] * (len(months) + 1), 0
        for (team, item), part in parts.groupby(["team", "item"], sort=False):
            at += 1
            means: Mapping[str, float] = dict(zip(part["month"], part["mean"], strict=True))
            self._put(sheet, at, 0, str(team))
            self._put(sheet, at, 1, w.term(str(item), lang))
            values = [means.get(month, 0.0) for month in months]
            for c, value in enumerate(values):
                self._put(sheet, at, c + 2, value, "money")
            formula = f"=SUM(C{at + 1}:{letter(total - 1)}{at + 1})"
            self._formula(sheet, at, total, formula, sum(values), "money")
            sums = [old + new for old, new in zip(sums, [*values, sum(values)], strict=True)]
        if not at:
            return
        bottom = at + 1
        self._put(sheet, bottom, 0, w.term("total", lang), "sum")
        sheet.write_blank(bottom, 1, None, self.formats["sum"])
        for c, value in enumerate(sums):
            column = letter(c + 2)
            self._formula(sheet, bottom, c + 2, f"=SUM({column}2:{column}{at + 1})", value, "sum")
        joint = table[(table["item"] == "total") & (table["team"] == "all")].set_index("month")
        for i, measure in enumerate(("mean", "p50", "p80", "p90")):
            self._put(sheet, bottom + 2 + i, 0, w.phrase("joint", lang))
            self._put(sheet, bottom + 2 + i, 1, w.term(measure, lang))
            for c, month in enumerate([*months, "all"]):
                if month in joint.index:
                    self._put(sheet, bottom + 2 + i, c + 2, joint.loc[month, measure], "money")
        self._put(sheet, bottom + 7, 0, w.phrase("joint_note", lang), "text")
        sheet.freeze_panes(1, 2)
        if all(month in joint.index for month in [*months, "all"]):
            name, last = sheet.get_name(), letter(total)
            ours, theirs = (f"'{name}'!C{r}:{last}{r}" for r in (bottom + 1, bottom + 3))
            deviation = sum(abs(a - b) for a, b in zip(sums, joint.loc[[*months, "all"], "mean"], strict=True))
            formula = f"=SUMPRODUCT(ABS({ours}-{theirs}))"
            self.found.append(Check(w.phrase("check_cost", lang), formula, deviation, _ROUNDING * max(1.0, sums[-1])))

    def assumptions(self) -> None:
        """Every input of the resolved scenario, how it varies and whether it is a placeholder; then the provenance."""
        lang, summary = self.lang, self.result.summary
        sheet = self._sheet("assumptions", (58, 40, 40, 60))
        self._head(sheet, 0, [w.term(n, lang) for n in ("path", "value", "law", "placeholder")], 4)
        notes = dict(summary.get("placeholders") or {})
        at = 0
        for path, value in _leaves(self.result.scenario.model_dump(mode="json", by_alias=True, exclude_none=True)):
            if path.startswith(("uncertain.", "placeholders.", "variants.")):
                continue
            at += 1
            self._put(sheet, at, 0, path)
            self._put(sheet, at, 1, value if isinstance(value, int | float) else str(value))
            if path in self.result.scenario.uncertain:
                self._put(sheet, at, 2, w.law(self.result, path))
            self._put(sheet, at, 3, next((n for p, n in notes.items() if path == p or path.startswith(f"{p}.")), None))
        self._finish(sheet, at, 4)
        for name, value in {"changes": "; ".join(summary.get("changes") or []), **self.result.provenance}.items():
            if value:
                at += 1
                self._put(sheet, at + 1, 0, w.term(str(name), lang))
                self._put(sheet, at + 1, 1, str(value))

    def checks(self) -> None:
        lang = self.lang
        sheet = self._sheet("checks", (64, 20, 20, 10))
        self._head(sheet, 0, [w.phrase(n, lang) for n in ("check", "deviation", "allowed", "verdict")], 1)
        passed, failed = w.phrase("check_passed", lang), w.phrase("check_failed", lang)
        for i, (what, formula, deviation, allowed) in enumerate(self.found):
            at = i + 1
            self._put(sheet, at, 0, what)
            self._formula(sheet, at, 1, formula, deviation, "check")
            self._put(sheet, at, 2, allowed, "check")
            verdict = f'=IF(B{at + 1}<=C{at + 1},"{passed}","{failed}")'
            sheet.write_formula(at, 3, verdict, self.formats["text"], passed if deviation <= allowed else failed)

    def _finish(self, sheet: Worksheet, rows: int, columns: int) -> None:
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, max(rows, 1), columns - 1)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The scalars of nested data with their dotted paths; a list is written in one cell."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    else:
        yield path, ", ".join(map(str, value)) if isinstance(value, list) else value
