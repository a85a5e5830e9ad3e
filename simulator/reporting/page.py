"""The report: one HTML file that opens offline, on a phone, in the dark and on paper.

The page is built from plain strings: :func:`context` turns a result into sentences and tables of written cells, the
template lays them out and escapes every one of them. Figures are inline SVG whose colours follow the page's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simulator import glossary
from simulator.glossary import Language
from simulator.reporting import plots
from simulator.reporting import wording as w

if TYPE_CHECKING:
    import pandas as pd
    from markupsafe import Markup

    from simulator.results import Result

_MOST_TEAMS = 4  # in a table of three columns each that a screen of 1200 pixels shows whole

_VARIABLES = {  # colours of the figures that change with the page's light or dark theme
    plots.INK: "var(--ink)",
    plots.MUTED: "var(--muted)",
    plots.GRID: "var(--grid)",
    plots.NEED: "var(--need)",
    plots.PLAN: "var(--plan)",
    plots.GOOD: "var(--good)",
}


@dataclass(frozen=True)
class Cell:
    """A written cell; ``tone`` is ``good``, ``bad`` or empty."""

    text: str
    tone: str = ""


@dataclass(frozen=True)
class Grid:
    """A table as the template draws it. The first ``text_columns`` hold text, the others right-aligned figures;
    ``groups`` are headings over several columns each, with the number of columns."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    text_columns: int = 1
    groups: tuple[tuple[str, int], ...] = ()


def write(result: Result, path: Path, lang: Language = "en") -> None:
    """Write the report to ``path``."""
    from simulator.results import write_atomically

    write_atomically(Path(path), html(result, lang).encode())


def html(result: Result, lang: Language = "en") -> str:
    """The report as text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["unbroken"] = w.unbroken
    return environment.get_template("report.html.j2").render(context(result, lang))


def context(result: Result, lang: Language) -> dict[str, Any]:
    """Everything the template shows: sentences, :class:`Grid` tables and figures by name."""
    summary = result.summary
    hiring = summary.get("hiring") or []
    drawn = _figures(result, lang)
    return {
        "lang": lang,
        "t": lambda key, **values: w.phrase(key, lang, **values),
        "term": lambda name: w.term(name, lang),
        "name": str(summary.get("name", "")),
        "period": w.period(summary, lang),
        "runs": w.phrase("runs", lang, count=w.number(summary.get("replications"))),
        "teams": [
            {
                "tone": "short" if w.falls_short(team) else "doubt" if w.in_doubt(team) else "",
                "lines": w.team_sentences(team, [h for h in hiring if h.get("team") == team["team"]], lang),
            }
            for team in w.teams(summary)
        ],
        "cost_lines": w.cost_sentences(summary, lang),
        "missed": w.missed_sentences(summary, lang),
        "asides": [
            line
            for line in (
                w.need_sentence(summary, lang),
                w.accounts_sentence(summary, lang),
                w.placeholders_sentence(summary, lang),
            )
            if line
        ],
        "figures": lambda prefix: [svg for name, svg in drawn.items() if name.startswith(prefix)],
        "staffing": _staffing(result, lang),
        "staffing_teams": _staffing_teams(result, lang),
        "slips": _slips(summary, lang),
        "targets": _targets(summary, lang),
        "cost": _cost(summary, lang),
        "cost_items": _cost_items(result, lang),
        "sizing": _sizing(summary, lang),
        "accounts": _accounts(result, lang),
        "headcount": _headcount(result, lang),
        "shifts": _shifts(result, lang),
        "kpis": _kpis(result, lang),
        "rules": _rules(result, lang),
        "activities": _activities(result, lang),
        "assumptions": _assumptions(result, lang),
        "warnings": w.warnings(summary, lang),
        "changes": [str(line) for line in summary.get("changes") or []],
        "provenance": _provenance(result, lang),
    }


# --- figures ----------------------------------------------------------------------------------------------------------


def _figures(result: Result, lang: Language) -> dict[str, Markup]:
    """Every chart of :func:`plots.figures` as an SVG element, by name."""
    return {name: _inline(svg.decode(), title) for name, (title, svg) in plots.drawings(result, lang).items()}


def _inline(svg: str, title: str) -> Markup:
    """An SVG document as an element of the page: named for screen readers, in the page's font and colours."""
    from markupsafe import Markup, escape

    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'<g id="[^"]*"', "<g", body)  # the names matplotlib gives are the same in every figure of the page
    body = re.sub(r"font-family: [^;\"]*", "font-family: var(--sans)", body)
    body = body.replace("stroke: #ffffff", "stroke: var(--paper)")  # the gaps between the cells of a matrix
    for colour, variable in _VARIABLES.items():
        body = body.replace(colour, variable)
    box = re.search(r'viewBox="[^"]*"', body)
    head = f'<svg role="img" aria-label="{escape(title)}" {box[0] if box else ""} xmlns:xlink="http://www.w3.org/1999/xlink">'
    return Markup(head + body[body.index(">") + 1 :])  # matplotlib escaped every text in it


# --- tables -----------------------------------------------------------------------------------------------------------


def _grid(
    caption: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[str | Cell]],
    text_columns: int = 1,
    groups: Iterable[tuple[str, int]] = (),
) -> Grid | None:
    """A table, or None without rows."""
    cells = tuple(tuple(c if isinstance(c, Cell) else Cell(c) for c in row) for row in rows)
    return Grid(caption, tuple(columns), cells, text_columns, tuple(groups)) if cells else None


def _staffing(result: Result, lang: Language) -> list[Grid]:
    """Months down, teams across: need, plan and the chance that the plan is enough; as many teams a table as fit."""
    teams = list(dict.fromkeys(result.staffing["team"]))
    parts = -(-len(teams) // _MOST_TEAMS)
    size = -(-len(teams) // max(parts, 1))
    grids = (_staffing_of(result, teams[i : i + size], lang) for i in range(0, len(teams), max(size, 1)))
    return [grid for grid in grids if grid]


def _staffing_of(result: Result, teams: list[str], lang: Language) -> Grid | None:
    table = w.staffing(result)
    short = w.short_months(result.summary, table)
    cells = {(row.month, row.team): row for row in w.records(table)}
    columns = [w.term("month", lang), *(w.term(c, lang) for _ in teams for c in ("need", "planned", "enough"))]
    rows = []
    for month in w.months_of(table):
        row: list[str | Cell] = [w.month(month, lang)]
        for team in teams:
            cell = cells.get((month, team))
            if cell is None:
                row += [w.MISSING] * 3
                continue
            row += [
                w.heads(cell.need),
                _heads(cell.planned),
                Cell(w.probability(cell.p_enough, lang), "bad" if (team, month) in short else ""),
            ]
        rows.append(row)
    return _grid(w.phrase("staffing", lang), columns, rows, groups=[("", 1), *((team, 3) for team in teams)])


def _staffing_teams(result: Result, lang: Language) -> list[Grid]:
    """All figures of one team: the need's distribution, the plan, and whether it is enough."""
    grids = []
    columns = ("month", "need", "p10", "p50", "p80", "p90", "mean", "planned", "effective", "enough", "precision")
    for team, part in w.staffing(result).groupby("team", sort=False):
        rows = [
            [
                w.month(row.month, lang),
                *(w.heads(v) for v in (row.need, row.p10, row.p50, row.p80, row.p90)),
                w.number(row.mean, 1),
                _heads(row.planned),
                w.number(row.effective, 1),
                w.probability(row.p_enough, lang),
                w.between(w.probability(row.p_enough_low, lang), w.probability(row.p_enough_high, lang), lang),
            ]
            for row in w.records(part)
        ]
        if grid := _grid(str(team), [w.term(c, lang) for c in columns], rows):
            grids.append(grid)
    return grids


def _heads(value: float) -> str:
    return w.MISSING if w.missing(value) else w.heads(round(value, 1))


def _slips(summary: Mapping[str, Any], lang: Language) -> Grid | None:
    rows = [
        [
            w.slip_text(s, summary, lang),
            w.month(s.get("quarter"), lang),
            w.share(s.get("mean"), lang, 1),
            w.share(s.get("target"), lang, 1),
        ]
        for s in summary.get("slips") or []
    ]
    columns = [w.term(c, lang) for c in ("subject", "worst_month", "on_time_share", "target")]
    return _grid(w.phrase("slips_title", lang), columns, rows, text_columns=2)


def _targets(summary: Mapping[str, Any], lang: Language) -> Grid | None:
    rows: list[list[str | Cell]] = []
    for target in summary.get("targets") or []:
        met, worst = w.target_met(target), target.get("worst_month")
        verdict = Cell(w.MISSING)
        if met is not None:
            verdict = Cell(w.phrase("verdict_met" if met else "verdict_missed", lang), "good" if met else "bad")
        rows.append(
            [
                w.target_text(target, summary, lang),
                verdict,
                w.probability(target.get("p_met"), lang),
                w.probability(target.get("confidence"), lang),
                f"{w.month(worst, lang)}: {w.probability(target.get('worst_p'), lang)}" if worst else w.MISSING,
            ]
        )
    columns = [w.term(c, lang) for c in ("target", "verdict", "met", "asked", "worst_month")]
    return _grid(w.phrase("targets", lang), columns, rows)


def _cost(summary: Mapping[str, Any], lang: Language) -> Grid | None:
    cost, currency = summary.get("cost") or {}, str(summary.get("currency", ""))
    measures = ("mean", "p50", "p80", "p90")
    rows: list[list[str | Cell]] = [
        [w.term(f"{key}_cost", lang), *(w.money(cost[key].get(m), currency, lang, 4) for m in measures)]
        for key in ("plan", "need")
        if cost.get(key)
    ]
    if rows and not w.missing(cost.get("budget")):
        rows.append([w.term("budget", lang), w.money(cost["budget"], currency, lang, 4), "", "", ""])
    return _grid(w.phrase("cost", lang), ["", *(w.term(m, lang) for m in measures)], rows)


def _cost_items(result: Result, lang: Language) -> Grid | None:
    table, currency = result.cost, str(result.summary.get("currency", ""))
    measures = ("mean", "p50", "p80", "p90")
    rows = [
        [
            w.month(row.team, lang),
            w.term(row.item, lang),
            *(w.money(getattr(row, m), currency, lang, 4) for m in measures),
        ]
        for row in w.records(table[(table["month"] == "all") & (table["item"] != "need")])
    ]
    columns = [w.term(c, lang) for c in ("team", "item", *measures)]
    return _grid(w.phrase("cost_items", lang), columns, rows, text_columns=2)


def _sizing(summary: Mapping[str, Any], lang: Language) -> Grid | None:
    rows = [
        [
            str(row.get("team", "")),
            w.month(row.get("quarter"), lang),
            w.number(row.get("from_work"), 1),
            w.number(row.get("from_ratio"), 1),
            w.heads(row.get("need")),
        ]
        for row in w.sizing(summary)
    ]
    columns = [w.term(c, lang) for c in ("team", "quarter", "from_work", "from_ratio", "simulated")]
    return _grid(w.phrase("sizing", lang), columns, rows, text_columns=2)


def _accounts(result: Result, lang: Language) -> list[Grid]:
    """One table per segment: measures down, months across (means)."""
    currency = str(result.summary.get("currency", ""))
    grids = []
    for segment, part in result.accounts.groupby("segment", sort=False):
        rows: dict[str, dict[str, str]] = {}
        for row in w.records(_told(part, "measure")):
            text = w.quantity(row.mean, w.measure_unit(row.measure), lang, currency)
            rows.setdefault(w.term(row.measure, lang), {})[row.month] = text
        grids += _by_month(w.month(str(segment), lang), rows, w.months_of(part), lang)
    return grids


def _headcount(result: Result, lang: Language) -> list[Grid]:
    """One table per team: measures down, months across (means)."""
    grids = []
    for team, part in result.headcount.groupby("team", sort=False):
        rows: dict[str, dict[str, str]] = {}
        for row in w.records(_told(part, "measure")):
            rows.setdefault(w.term(row.measure, lang), {})[row.month] = w.number(row.mean, 1)
        grids += _by_month(str(team), rows, w.months_of(part), lang)
    return grids


def _shifts(result: Result, lang: Language) -> list[Grid]:
    """One table per group on shifts: people by shift down, months across."""
    grids = []
    for team, part in result.shifts.groupby("team", sort=False):
        rows: dict[str, dict[str, str]] = {}
        for row in w.records(part.sort_values(["shift", "start", "days"], kind="stable")):
            rows.setdefault(f"{row.shift} {row.start} {row.days}", {})[row.month] = w.number(row.people)
        paid = part.groupby("month", sort=False)["paid_hours"].sum()
        rows[w.phrase("paid_hours", lang)] = {str(month): w.number(hours) for month, hours in paid.items()}
        grids += _by_month(str(team), rows, w.months_of(part), lang)
    return grids


def _told(part: pd.DataFrame, by: str) -> pd.DataFrame:
    """The rows whose measure is not zero or missing in every month; all of them when every one is."""
    told = part[(part["mean"].fillna(0.0) != 0.0).groupby(part[by]).transform("any")]
    return told if len(told) else part


def _by_month(caption: str, rows: Mapping[str, Mapping[str, str]], months: Sequence[str], lang: Language) -> list[Grid]:
    body = [[name, *(values.get(month, w.MISSING) for month in months)] for name, values in rows.items()]
    grid = _grid(caption, [w.term("measure", lang), *(w.month(m, lang) for m in months)], body)
    return [grid] if grid else []


def _kpis(result: Result, lang: Language) -> list[dict[str, Any]]:
    """Per subject: the whole horizon with its spread, and the means by month, of the KPIs that are not always zero."""
    currency = str(result.summary.get("currency", ""))
    columns = [w.term(c, lang) for c in ("kpi", "mean", "precision", "spread", "share_inputs", "target")]
    subjects = []
    for (kind, subject), rows in result.kpis.groupby(["kind", "subject"], sort=False):
        part = _told(rows, "kpi")

        def said(value: float, unit: str) -> str:
            return w.quantity(value, unit, lang, currency)

        whole = [
            [
                w.term(row.kpi, lang),
                said(row.mean, row.unit),
                w.between(said(row.low, row.unit), said(row.high, row.unit), lang),
                w.between(said(row.p10, row.unit), said(row.p90, row.unit), lang),
                w.share(row.share_inputs, lang),
                said(row.target, row.unit),
            ]
            for row in w.records(part[part["month"] == "all"])
        ]
        monthly: dict[str, dict[str, str]] = {}
        for row in w.records(part):
            monthly.setdefault(w.term(row.kpi, lang), {})[row.month] = said(row.mean, row.unit)
        subjects.append(
            {
                "title": f"{w.subject(result.scenario, str(kind), str(subject), lang)} ({w.term(str(kind), lang)})",
                "grids": [g for g in (_grid(w.phrase("kpis_horizon", lang), columns, whole),) if g]
                + _by_month(w.heading("by_month", lang), monthly, w.months_of(part), lang),
            }
        )
    return subjects


def _rules(result: Result, lang: Language) -> list[tuple[str, str]]:
    """Every KPI that the page shows, with its rule."""
    parts = [_told(part, "kpi")["kpi"] for _, part in result.kpis.groupby(["kind", "subject"], sort=False)]
    shown = {name for part in parts for name in part}
    return [(w.term(k, lang), glossary.rule(k, lang)) for k in glossary.KPIS if k in shown]


def _activities(result: Result, lang: Language) -> Grid | None:
    """Activity, segment, step and measure down, quarters across (means)."""
    table = result.activities
    quarters = list(dict.fromkeys(table["quarter"]))
    rows = []
    for (activity, segment, step, measure), part in table.groupby(
        ["activity", "segment", "step", "measure"], sort=False
    ):
        means = dict(zip(part["quarter"], part["mean"], strict=True))
        unit = w.measure_unit(str(measure))
        rows.append(
            [
                w.activity_title(result, str(activity), lang),
                w.month(str(segment), lang),
                str(step),
                w.term(str(measure), lang),
            ]
            + [w.quantity(means.get(q), unit, lang) for q in quarters]
        )
    columns = [w.term(c, lang) for c in ("activity", "segment", "step", "measure")]
    return _grid(w.phrase("activities", lang), [*columns, *(w.month(q, lang) for q in quarters)], rows, text_columns=4)


def _assumptions(result: Result, lang: Language) -> list[Grid]:
    summary = result.summary
    placeholders = [[path, str(note)] for path, note in (summary.get("placeholders") or {}).items()]
    uncertain = [[path, w.law(result, path)] for path in summary.get("uncertain") or []]
    grids = (
        _grid(
            w.phrase("placeholders", lang), [w.term(c, lang) for c in ("path", "note")], placeholders, text_columns=2
        ),
        _grid(w.phrase("uncertain", lang), [w.term(c, lang) for c in ("path", "law")], uncertain, text_columns=2),
    )
    return [grid for grid in grids if grid]


def _provenance(result: Result, lang: Language) -> list[tuple[str, str]]:
    told = {"seed": result.summary.get("seed", w.MISSING)} | dict(result.provenance)
    return [
        (
            w.term(str(name), lang),
            value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str),
        )
        for name, value in told.items()
    ]
