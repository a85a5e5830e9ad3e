"""The plan as a workbook for finance: totals, bridge and checks are live formulas, simulated figures are values.

Each formula is written with its result, because viewers that do not recalculate (previews, phones, readers of data)
would show 0 otherwise. Text is written as text, so that a name that begins with ``=`` stays a name.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from simulator.glossary import Language
from simulator.horizon import pay_of, units
from simulator.planning import positions as planning
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
    "sum_text": {"bold": True, "top": 1},
    "input": {"align": "left"},
    "check": {"num_format": "0.000000"},
    "remark": {"font_color": "#666666"},
    "date": {"num_format": "yyyy-mm", "align": "left"},
    "head_date": {"num_format": "yyyy-mm", "bold": True, "bottom": 1, "align": "right", "valign": "bottom"},
}
_FREE = ("title", "wrap", "note", "remark", "sum_text")  # texts that may reach over the columns beside them
_NARROWEST, _WIDEST = 8, 64  # characters
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
    writer.positions()
    writer.bridge()
    writer.cost()
    writer.variance()
    writer.assumptions()
    writer.checks()
    writer.widen()
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
        self.widths: dict[tuple[Worksheet, int], int] = {}

    # --- cells ---

    def _sheet(self, name: str) -> Worksheet:
        """A sheet that prints on A4 across, as many pages long as it is and one wide, numbered."""
        sheet = self.book.add_worksheet(w.phrase(f"sheet_{name}", self.lang))
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        sheet.set_footer("&L&A&R&P / &N")
        return sheet

    def _wide(self, sheet: Worksheet, column: int, text: str) -> None:
        """Remember how wide a column must be for a text: Japanese characters are twice as wide as Latin ones."""
        width = len(text) + sum(unicodedata.east_asian_width(c) in "WF" for c in text)
        self.widths[sheet, column] = max(self.widths.get((sheet, column), 0), width)

    def widen(self) -> None:
        """Give every column the width of what stands in it, within reason."""
        for (sheet, column), width in self.widths.items():
            sheet.set_column(column, column, min(max(width + 2, _NARROWEST), _WIDEST))

    def _put(self, sheet: Worksheet, row: int, column: int, value: Any, form: str = "text") -> None:
        """One value; a missing one leaves its cell empty."""
        if isinstance(value, str):
            sheet.write_string(row, column, value, self.formats[form])
            if form.startswith("head"):  # in two lines, broken between words
                self._wide(sheet, column, max(*value.split(" "), value[: len(value) // 2 + 2], key=len))
            elif form not in _FREE:
                self._wide(sheet, column, value)
        elif isinstance(value, dt.datetime):
            sheet.write_datetime(row, column, value, self.formats[form])
            self._wide(sheet, column, "2027-04")
        elif not w.missing(value):
            sheet.write_number(row, column, float(value), self.formats[form])
            self._wide(sheet, column, f"{value:,.0f}")

    def _head(self, sheet: Worksheet, row: int, names: Sequence[str], text_columns: int) -> None:
        sheet.set_row(row, 30)
        for column, name in enumerate(names):
            self._put(sheet, row, column, name, "head" if column < text_columns else "head_right")

    def _formula(self, sheet: Worksheet, row: int, column: int, formula: str, value: float, form: str) -> None:
        sheet.write_formula(row, column, formula, self.formats[form], value)
        self._wide(sheet, column, f"{value:,.0f}")

    # --- sheets ---

    def summary(self) -> None:
        summary, lang = self.result.summary, self.lang
        sheet = self._sheet("summary")
        self._wide(sheet, 0, "x" * 44)
        for i in range(1, 5):
            self._wide(sheet, i, "x" * 14)
        self._put(sheet, 0, 0, str(summary.get("name", "")), "title")
        runs = w.phrase("runs", lang, count=w.number(summary.get("replications")))
        told = f"{w.period(summary, lang)} · {runs} · {w.term('seed', lang)} {summary.get('seed', w.MISSING)}"
        self._put(sheet, 1, 0, told, "remark")
        row = 3
        for line in w.paragraphs(summary, lang):
            sheet.merge_range(row, 0, row, 4, "", self.formats["wrap"])
            self._put(sheet, row, 0, line, "wrap")
            sheet.set_row(row, 15 * (1 + len(line) // (50 if lang == "ja" else 100)))
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
        sheet = self._sheet("need")
        columns = ("need", "p10", "p50", "p80", "p90", "mean", "planned", "effective")
        names = [*("month", "wing", "team"), *columns, "missing_heads", "enough", "low", "high"]
        self._head(sheet, 0, [w.term(n, lang) for n in names], 3)
        for i, row in enumerate(w.records(table)):
            at = i + 1
            for c, text in enumerate((row.month, w.term(row.wing, lang), row.team)):
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

    def positions(self) -> None:
        """Every position with its start, ramp and loaded cost by month as formulas; then what leavers, backfills and
        late starts change, down to the simulated mean."""
        from xlsxwriter.utility import xl_col_to_name as letter

        lang, scenario, cost = self.lang, self.result.scenario, self.result.cost
        seats, months = planning.positions(scenario), w.months_of(cost)
        if not seats or not months:
            return
        sheet = self._sheet("positions")
        sheet.set_paper(8)  # A3: a column for every month
        names = ("wing", "team", "position", "kind", "replaced", "start", "ramp", "heads_count", "pay_month", "hiring")
        self._head(sheet, 0, [w.term(n, lang) for n in names], 7)
        dates = [_date(month) for month in months]
        first, total = len(names), len(names) + len(months)
        for c, date in enumerate(dates):
            self._put(sheet, 0, first + c, date, "head_date")
        self._put(sheet, 0, total, w.term("total", lang), "head_right")
        ramp = " → ".join(w.share(share, lang) for share in scenario.hiring.ramp)
        replaced = w.term("yes" if scenario.hiring.backfill else "no", lang)
        sums = np.zeros(len(months) + 1)
        for at, seat in enumerate(seats, start=1):
            new = seat.start != planning.BEFORE
            kind = w.term("kind_layoff" if seat.heads < 0 else "kind_hire" if new else "kind_there", lang)
            goes = seat.heads < 0
            backfilled = w.term("no", lang) if goes else replaced
            texts = (w.term(seat.wing, lang), seat.team, f"{seat.team} {seat.number}", kind, backfilled)
            for c, text in enumerate(texts):
                self._put(sheet, at, c, text)
            numbers = (seat.heads, seat.pay, seat.hiring)
            self._put(sheet, at, 5, dates[seat.start] if new else None, "date")
            self._put(sheet, at, 6, ramp if new and not goes else w.phrase("ramp_full", lang))
            for c, number in enumerate(numbers, start=7):
                self._put(sheet, at, c, number, "whole" if c == 7 else "money")
            values = [
                seat.heads * (seat.pay * (seat.start <= m) + seat.hiring * (seat.start == m)) + 0.0  # no -0
                for m in range(len(months))
            ]
            for c, value in enumerate(values, start=first):
                here = f"{letter(c)}$1"
                formula = (
                    f"=IF($F{at + 1}<={here},$H{at + 1}*$I{at + 1},0)+IF($F{at + 1}={here},$H{at + 1}*$J{at + 1},0)"
                )
                self._formula(sheet, at, c, formula, value, "money")
            span = f"{letter(first)}{at + 1}:{letter(total - 1)}{at + 1}"
            self._formula(sheet, at, total, f"=SUM({span})", sum(values), "money")
            sums += [*values, sum(values)]
        bottom = len(seats) + 1
        joint = cost[(cost["item"] == "total") & (cost["team"] == "all")].set_index("month")["mean"]
        simulated = [float(joint.get(month, np.nan)) for month in [*months, "all"]]
        for row, name in enumerate(("positions_total", "positions_change", "positions_simulated"), start=bottom):
            self._put(sheet, row, 0, w.phrase(name, lang), "remark" if row > bottom else "sum_text")
        for c, (value, mean) in enumerate(zip(sums, simulated, strict=True), start=first):
            column = letter(c)
            self._formula(sheet, bottom, c, f"=SUM({column}2:{column}{bottom})", float(value), "sum")
            if not w.missing(mean):
                self._put(sheet, bottom + 2, c, mean, "money")
                formula = f"={column}{bottom + 3}-{column}{bottom + 1}"
                self._formula(sheet, bottom + 1, c, formula, mean - float(value), "money")
        self._put(sheet, bottom + 4, 0, w.phrase("positions_note", lang), "remark")
        sheet.freeze_panes(1, 3)
        sheet.autofilter(0, 0, len(seats), total)

    def variance(self) -> None:
        """Why the simulated cost is not that of the opening heads, by cause and team, and the budget beside it."""
        from xlsxwriter.utility import xl_col_to_name as letter

        lang, teams = self.lang, self._drivers()
        if not teams:
            return
        months, summary = len(w.months_of(self.result.cost)), self.result.summary
        sheet = self._sheet("variance")
        total = len(teams) + 1
        last, all_ = letter(total - 1), letter(total)
        self._head(sheet, 0, ["", *(team.team for team in teams), w.term("total", lang)], 1)
        given = ("opening", "pay", "hires", "planned", "late", "vacant", "started", "backfills", "hiring", "extra",
                 "simulated")  # fmt: skip
        forms = dict.fromkeys(("pay", "hiring", "extra", "simulated"), "money")
        at = {name: row for row, name in enumerate(given, start=1)}
        for name, row in at.items():
            self._put(sheet, row, 0, w.phrase(f"driver_{name}", lang))
            values = [getattr(team, name) for team in teams]
            for c, value in enumerate(values, start=1):
                self._put(sheet, row, c, value, forms.get(name, "heads"))
            if name not in ("pay", "hiring"):
                formula = f"=SUM(B{row + 1}:{last}{row + 1})"
                self._formula(sheet, row, total, formula, sum(values), forms.get(name, "heads"))
        heads, pay = ([getattr(team, name) for team in teams] for name in ("opening", "pay"))
        weighed = sum(heads) > 0
        mean_pay = sum(p * h for p, h in zip(pay, heads, strict=True)) / sum(heads) if weighed else sum(pay) / len(pay)
        rows = {name: row + 1 for name, row in at.items()}
        span = {name: f"B{row}:{last}{row}" for name, row in rows.items()}
        formula = f"=SUMPRODUCT({span['pay']},{span['opening']})/SUM({span['opening']})"
        self._formula(sheet, at["pay"], total, formula if weighed else f"=AVERAGE({span['pay']})", mean_pay, "money")
        self._put(sheet, len(given) + 1, 0, w.phrase("driver_months", lang))
        self._put(sheet, len(given) + 1, total, months, "money")
        m = f"${all_}${len(given) + 2}"
        top = len(given) + 3

        def formulas(c: str) -> dict[str, str]:
            r = {name: f"{c}{row}" for name, row in rows.items()}
            return {
                "opening": f"={r['opening']}*{r['pay']}*{m}",
                "volume": f"={r['hires']}*${all_}${rows['pay']}*{m}+{r['started']}*{r['hiring']}",
                "mix": f"={r['hires']}*({r['pay']}-${all_}${rows['pay']})*{m}",
                "timing": f"=({r['planned']}-({r['opening']}+{r['hires']})*{m}-{r['late']})*{r['pay']}",
                "attrition": f"={r['backfills']}*{r['hiring']}-{r['vacant']}*{r['pay']}",
                "extra": f"={r['extra']}",
                "rate": f"={r['simulated']}-SUM({c}{top + 1}:{c}{top + 6})",
            }

        parts = {"opening": np.array(heads) * np.array(pay) * months, **planning.variance(teams, months)}
        for row, (name, values) in enumerate(parts.items(), start=top):
            self._put(sheet, row, 0, w.phrase(f"cause_{name}", lang))
            for c, value in enumerate(values, start=1):
                self._formula(sheet, row, c, formulas(letter(c))[name], float(value), "money")
            self._formula(sheet, row, total, f"=SUM(B{row + 1}:{last}{row + 1})", float(values.sum()), "money")
        bottom = top + len(parts)
        self._put(sheet, bottom, 0, w.phrase("cause_total", lang), "sum_text")
        totals = sum(parts.values())
        for c, value in enumerate([*totals, totals.sum()], start=1):
            column = letter(c)
            self._formula(sheet, bottom, c, f"=SUM({column}{top + 1}:{column}{bottom})", float(value), "sum")
        budget = (summary.get("cost") or {}).get("budget")
        if not w.missing(budget):
            left = float(budget - totals.sum())
            self._put(sheet, bottom + 1, 0, w.term("budget", lang))
            self._put(sheet, bottom + 1, total, budget, "money")
            self._put(sheet, bottom + 2, 0, w.phrase("budget_left", lang))
            self._formula(sheet, bottom + 2, total, f"={all_}{bottom + 2}-{all_}{bottom + 1}", left, "sum")
        for row, name in enumerate(("variance_note", "variance_rate_note"), start=bottom + 4):
            self._put(sheet, row, 0, w.phrase(name, lang), "remark")
        sheet.freeze_panes(1, 1)
        name = sheet.get_name()
        formula = f"=ABS('{name}'!{all_}{bottom + 1}-'{name}'!{all_}{rows['simulated']})"
        simulated = sum(team.simulated for team in teams)
        allowed = _ROUNDING * max(1.0, abs(simulated))
        self.found.append(
            Check(w.phrase("check_variance", lang), formula, abs(float(totals.sum()) - simulated), allowed)
        )

    def _drivers(self) -> list[planning.Drivers]:
        """What the cost of each team is made of, teams without heads left out."""
        headcount, cost = self.result.headcount, self.result.cost
        seats = planning.positions(self.result.scenario)
        means = headcount.pivot_table(index=["team", "month"], columns="measure", values="mean", sort=False)
        of_horizon = cost[cost["month"] == "all"]
        whole = of_horizon[of_horizon["item"] == "total"].set_index("team")["mean"]
        beside = of_horizon[of_horizon["item"].isin(("overtime", "contractors", "minutes", "overhead", "severance"))]
        extra = beside.groupby("team")["mean"].sum()
        pay = {team: pay_of(self.result.scenario, unit) for _, team, unit in units(self.result.scenario)}
        found = []
        for team in dict.fromkeys(seat.team for seat in seats):
            if team not in whole.index or team not in means.index:
                continue
            part = means.loc[team]
            starts = part["starts"].to_numpy(float)
            hires = part["hires"].to_numpy(float) if "hires" in part else np.zeros(len(part))
            mine = [seat for seat in seats if seat.team == team]
            heads = part["opening"].to_numpy(float) + starts
            more = float(extra.get(team, 0.0))
            gone = part["laid_off"].fillna(0.0).to_numpy(float) if "laid_off" in part else None
            given = pay[team], mine, heads, starts, hires, more, float(whole[team]), gone
            found.append(planning.drivers(team, *given))
        return found

    def bridge(self) -> None:
        """Opening heads, planned hires and backfills less leavers are closing heads: the sum is a formula, the
        simulated mean a value."""
        lang, table = self.lang, self.result.headcount
        sheet = self._sheet("bridge")
        names = ("opening", "hires", "backfills", "leavers", "closing_sum", "closing_simulated", "effective",
                 "open_requisitions")  # fmt: skip
        self._head(sheet, 0, [w.term(n, lang) for n in ("month", "wing", "team", *names)], 3)
        deviation, at = 0.0, 0
        for (wing, team, month), part in table.groupby(["wing", "team", "month"], sort=False):
            row = dict(zip(part["measure"], part["mean"], strict=True))
            at += 1
            for c, text in enumerate((month, w.term(str(wing), lang), team)):
                self._put(sheet, at, c, str(text))
            row["backfills"] = row["starts"] - row.get("hires", 0.0)
            places = {"opening": 3, "hires": 4, "backfills": 5, "leavers": 6}
            places |= {"closing": 8, "effective": 9, "open_requisitions": 10}
            for name, c in places.items():
                self._put(sheet, at, c, row.get(name), "heads")
            closing = row["opening"] + row["starts"] - row["leavers"]
            self._formula(sheet, at, 7, f"=D{at + 1}+E{at + 1}+F{at + 1}-G{at + 1}", closing, "heads")
            deviation += abs(closing - row["closing"])
        self._finish(sheet, at, 11)
        if at:
            name = sheet.get_name()
            formula = f"=SUMPRODUCT(ABS('{name}'!H2:H{at + 1}-'{name}'!I2:I{at + 1}))"
            self.found.append(Check(w.phrase("check_bridge", lang), formula, deviation, _ROUNDING))

    def cost(self) -> None:
        """Mean cost by team, item and month with live totals; below them the joint distribution of each month."""
        from xlsxwriter.utility import xl_col_to_name as letter

        lang, table = self.lang, self.result.cost
        months = w.months_of(table)
        sheet = self._sheet("cost")
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
        self._put(sheet, bottom + 7, 0, w.phrase("joint_note", lang), "remark")
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
        sheet = self._sheet("assumptions")
        self._head(sheet, 0, [w.term(n, lang) for n in ("path", "value", "law", "placeholder")], 4)
        notes = dict(summary.get("placeholders") or {})
        at = 0
        for path, value in _leaves(self.result.scenario.model_dump(mode="json", by_alias=True, exclude_none=True)):
            if path.startswith(("uncertain.", "placeholders.", "variants.")):
                continue
            at += 1
            self._put(sheet, at, 0, path)
            if path in self.result.scenario.uncertain:  # its central value, which nobody typed
                value = f"{float(value):.4g}" if re.fullmatch(r"[\d.e-]+", str(value)) else value
            value = str(value).lower() if isinstance(value, bool) else value
            self._put(sheet, at, 1, value if isinstance(value, int | float) else str(value), "input")
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
        sheet = self._sheet("checks")
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


def _date(month: str) -> dt.datetime:
    """The first day of a month written as ``2027-04``, or of a horizon in days."""
    return dt.datetime.fromisoformat(f"{month}-01" if month.count("-") == 1 else month)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The scalars of nested data with their dotted paths; a list is written in one cell."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    else:
        yield path, ", ".join(map(str, value)) if isinstance(value, list) else value
