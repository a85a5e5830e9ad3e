"""What the terminal shows: the answer in sentences, and tables that fit 80 columns."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from simulator.errors import InputError
from simulator.glossary import Language
from simulator.reporting import wording as w

if TYPE_CHECKING:
    import pandas as pd

    from simulator.results import Result
    from simulator.scenario.schema import Scenario
    from simulator.studies.replay import Replay
    from simulator.studies.sweep import Sweep
    from simulator.studies.value import BreakEven, Value

HEADLINES = (
    "offered",
    "answer_rate",
    "service_level",
    "abandonment",
    "asa",
    "handle_time",
    "backlog",
    "occupancy",
    "on_time_share",
    "utilisation",
    "churn_rate",
    "nrr",
    "grr",
    "cohort_nrr",
    "nps",
    "csat",
    "ces",
)
"""KPIs that the terminal shows beside those with a target; the page and the run folder have all of them."""

_WORDS_JA = re.compile(r"(?:[!-~¥–−]+ ?|.)[。、)]*")


def answer(result: Result, lang: Language = "en") -> str:
    """The answer in plain sentences, the headline first, one paragraph a line."""
    return "\n".join(w.paragraphs(result.summary, lang))


def show(result: Result, console: Console, lang: Language = "en") -> None:
    """Print the answer and the tables behind it. Legible from 80 columns on."""
    summary = result.summary
    runs = w.phrase("runs", lang, count=w.number(summary.get("replications")))
    console.print(Text(str(summary.get("name", "")), style="bold"))
    console.print(
        Text(
            f"{w.period(summary, lang)} · {runs} · {w.term('seed', lang)} {summary.get('seed', w.MISSING)}", style="dim"
        )
    )
    console.print()
    for line in w.paragraphs(summary, lang):
        _bullet(console, line)
    for table in (
        *_staffing(result, lang, console),
        _targets(summary, lang),
        _cost(summary, lang),
        _sizing(summary, lang),
        _kpis(result, lang),
    ):
        if table is not None and table.row_count:
            console.print()
            console.print(table)
    _notes(console, summary, lang)


def show_comparison(
    table: pd.DataFrame, month: str, console: Console, lang: Language = "en", scenario: Scenario | None = None
) -> None:
    """Print the paired differences of one month (``all``: the horizon) in :data:`HEADLINES`, where there are any.

    Args:
        table: the table of a comparison: variant, month, subject, kpi, unit, base, value, difference, low, high, real.
        scenario: the base, whose titles and currency are used.
    """
    currency = scenario.currency if scenario else ""
    inside = (table["month"] == month) & (table["kind"] != "tier")
    headlines = inside & table["kpi"].isin(HEADLINES)
    same = headlines & (table["difference"] == 0) & (table["low"] == table["high"])
    rows = table[headlines & ~same]
    if rows.empty:
        console.print(Text(w.phrase("no_difference", lang, month=w.month(month, lang))))
    for variant, part in rows.groupby("variant", sort=False):
        when = w.phrase("whole_horizon", lang) if month == "all" else w.month(month, lang)
        title = f"{variant}: {w.phrase('comparison', lang, month=when)}"
        columns = [w.term(name, lang) for name in ("subject", "kpi", "baseline", "value", "difference", "precision")]
        shown = _table(title, columns, text_columns=2)
        for subject, row in _by_subject(part, lambda kind, name: w.subject(scenario, kind, name, lang)):
            base, value = (w.quantity(v, row.unit, lang, currency) for v in (row.base, row.value))
            ends = (row.difference, row.low, row.high)
            difference, low, high = (w.change(v, row.unit, lang, currency) for v in ends)
            shown.add_row(
                Text(subject),
                w.term(row.kpi, lang),
                base,
                value,
                Text(difference, "bold" if row.real else "dim"),
                w.between(low, high, lang),
            )
        console.print()
        console.print(shown)
    console.print(Text(w.phrase("comparison_note", lang), style="dim"))
    if same.any():
        console.print(Text(w.phrase("comparison_same", lang, count=w.number(int(same.sum()))), style="dim"))
    more = int((inside & table["real"] & ~table["kpi"].isin(HEADLINES)).sum())
    if more:
        console.print(Text(w.phrase("comparison_more", lang, count=w.number(more)), style="dim"))


def show_replay(made: Replay, console: Console, lang: Language = "en") -> None:
    """Print a replay: every day, recorded and simulated, and how far each model is from the record."""
    from simulator.studies import replay as study

    options, habits = made.options, made.habits
    head = {"days": options["days"], "offered": w.number(options["offered"]), "runs": options["replications"]}
    console.print(Text(w.phrase("replay_head", lang, **head)))
    away = w.phrase("replay_stays", lang)
    if habits.away_every is not None:
        every, mean = w.duration(habits.away_every, lang), w.duration(habits.away.mean, lang)
        away = w.phrase("replay_away", lang, every=every, mean=mean)
    told = w.phrase("replay_habits", lang, pause=w.duration(habits.pause.mean, lang), away=away)
    console.print(Text(_wrapped(told, console.width)))
    names = [w.term(name, lang) for name in ("date", "offered", *study.MEASURES)]
    shown = _table(w.phrase("replay_days", lang), names, text_columns=1)
    parts = [study.by_day(made.table, measure) for measure in study.MEASURES]
    for row in range(len(parts[0])):
        cells = []
        for measure, part in zip(study.MEASURES, parts, strict=True):
            real, ours = (_measured(part[name][row], measure, lang) for name in ("recorded", "simulated"))
            cells.append(f"{real} | {ours}")
        shown.add_row(Text(parts[0]["date"][row]), w.number(float(parts[0]["offered"][row])), *cells)
    console.print()
    console.print(shown)
    console.print(Text(f"{w.phrase('replay_recorded', lang)} | {w.phrase('replay_simulated', lang)}", style="dim"))
    names = [w.term(name, lang) for name in ("kpi", "model", "replay_error", "bias", "correlation")]
    shown = _table(w.phrase("replay_accuracy", lang), names, text_columns=2)
    for row in w.records(made.accuracy):
        error, bias = w.off(row.mean_absolute_error, row.measure, lang), w.signed(w.off(row.bias, row.measure, lang))
        correlation = w.MISSING if w.missing(row.correlation) else f"{row.correlation:.2f}"
        shown.add_row(w.term(row.measure, lang), w.term(row.model, lang), error, bias, correlation)
    console.print()
    console.print(shown)


def _measured(value: float, measure: str, lang: Language) -> str:
    return w.seconds(value, lang) if measure == "mean_wait" else w.share(float(value), lang, 1)


def sweep_lines(found: Sweep, lang: Language = "en") -> list[str]:
    """The answer of a sweep in sentences: the knee of each curve, the three methods, what the next account costs."""
    currency = found.scenario.currency
    confidence = found.points.groupby("team", sort=False)["confidence"].first()
    book = found.over.startswith("book of ")
    lines = []
    for row in w.records(found.knees):
        curve = f"{row.team}, {row.curve}" if found.knees["team"].nunique() > 1 else row.curve
        sure = w.share(confidence[row.team], lang)
        here = found.points[(found.points["curve"] == row.curve) & (found.points["team"] == row.team)]
        if len(here) > 1 and here["p_met"].nunique() == 1 and here["heads"].nunique() == 1:
            lines.append(w.phrase("sweep_same", lang, curve=curve, share=w.share(float(here["p_met"].iloc[0]), lang)))
            continue
        if w.missing(row.knee):
            lines.append(w.phrase("sweep_knee_none", lang, curve=curve))
            continue
        if row.reached:
            key = ("sweep_knee_most" if w.missing(row.low) else "sweep_knee_range") + (
                "" if row.load_rises else "_from"
            )
            span = w.phrase(key, lang, low=w.heads(row.low), high=w.heads(row.high))
            key = "sweep_knee" if row.load_rises else "sweep_knee_from"
            lines.append(w.phrase(key, lang, curve=curve, knee=w.heads(row.knee), low=span, confidence=sure))
        else:
            key = "sweep_knee_beyond" if row.load_rises else "sweep_knee_below"
            lines.append(w.phrase(key, lang, curve=curve, knee=w.heads(row.knee)))
        if book and not w.missing(row.book_from_work):
            work, ratio = w.number(row.book_from_work), w.number(row.book_from_ratio)
            simulated = w.heads(row.knee) if row.reached else f"> {w.heads(row.knee)}"
            lines.append("  " + w.phrase("sweep_methods", lang, work=work, ratio=ratio, knee=simulated))
        steps = found.next_account
        steps = steps[(steps["curve"] == row.curve) & (steps["team"] == row.team) & steps["at_knee"]]
        if len(steps):
            changes = "; ".join(
                f"{w.term(step.kpi, lang)} {w.change(step.per_account, step.unit, lang, currency)} ("
                + w.between(
                    w.change(step.low, step.unit, lang, currency), w.change(step.high, step.unit, lang, currency), lang
                )
                + ")"
                for step in w.records(steps)
            )
            first, last = (w.heads(float(steps[side].iloc[0])) for side in ("from", "to"))
            told = {"knee": w.heads(row.knee), "first": first, "last": last, "changes": changes}
            lines.append("  " + w.phrase("sweep_next", lang, **told))
            if row.head_cost_per_year:
                cost, carried = (
                    w.money(v, currency, lang) for v in (row.head_cost_per_year, row.carrying_cost_per_account)
                )
                lines.append("  " + w.phrase("sweep_carrying", lang, cost=cost, carried=carried))
    return lines


def show_sweep(found: Sweep, console: Console, lang: Language = "en") -> None:
    """Print the answer of a sweep, every value with its share of runs that meet the targets, and the KPIs over it."""
    for line in sweep_lines(found, lang):
        _bullet(console, line.strip(), "•" if not line.startswith(" ") else " ")
    from simulator.reporting.plots_sweep import SUCCESS_PANELS, SUPPORT_PANELS

    currency = found.scenario.currency
    whole = found.curves[found.curves["month"] == "all"]
    for (team, curve), points in found.points.groupby(["team", "curve"], sort=False):
        kpis = SUCCESS_PANELS if points["wing"].iloc[0] == "success" else SUPPORT_PANELS
        support = found.scenario.support
        subjects = {team} if support is None or team not in support.groups else {team, *support.groups[team].serves}
        rows = whole[(whole["curve"] == curve) & whole["subject"].isin(subjects) & whole["kpi"].isin(kpis)]
        rows = rows[rows["kind"].isin(("team", "group", "queue"))].drop_duplicates(["value", "kpi"])
        cells = {(row.value, row.kpi): w.quantity(row.mean, row.unit, lang, currency) for row in w.records(rows)}
        sized = ["from_work", "from_ratio"] if points["from_work"].notna().any() else []
        needed = points["need"].notna().any()
        names = ["value", "met", *sized, *(["simulated"] if needed else []), *kpis]
        columns = [_two_lines(w.term(name, lang)) for name in names]
        table = _table(f"{curve} · {team}", columns, text_columns=0)
        for row in w.records(points):
            table.add_row(
                str(row.value),
                w.probability(row.p_met, lang),
                *(w.number(getattr(row, name), 1) for name in sized),
                *([w.heads(row.need)] if needed else []),
                *(cells.get((row.value, kpi), w.MISSING) for kpi in kpis),
            )
        console.print()
        console.print(table)


def value_lines(found: Value, lang: Language = "en") -> list[str]:
    """What activities are worth in sentences: ranks where intervals lie apart, break-evens where they were sought."""
    or_ask = "" if found.searched else w.phrase("value_or_ask", lang)
    lines = [] if found.assumed else [w.phrase("value_none", lang, or_ask=or_ask)]
    never = []
    for row in w.records(found.table):
        told = {
            "activity": w.activity_name(found.scenario, row.activity, lang),
            "segment": w.month(row.segment, lang) if row.segment == "all" else row.segment,
        }
        if found.assumed and not w.missing(row.rank):
            lines.append(w.phrase("value_ranked", lang, rank=w.heads(row.rank), **told))
        elif found.assumed and row.tied_with:
            others = w.listed([w.activity_name(found.scenario, n, lang) for n in row.tied_with.split(", ")], lang)
            lines.append(w.phrase("value_tied", lang, others=others, **told))
        if found.searched and w.missing(row.break_even):
            never.append(w.phrase("value_of", lang, **told))
        elif found.searched:
            numbers = _coefficients(row.break_even, row.break_even_low, row.break_even_high)
            cut = w.share(1.0 - math.exp(row.break_even), lang)
            lines.append(w.phrase("value_break_even", lang, cut=cut, **numbers, **told))
    if never:
        lines.append(w.phrase("value_never", lang, activities=w.listed(never, lang, len(never))))
    return lines


def show_value(found: Value, console: Console, lang: Language = "en") -> None:
    """Print what activities are worth."""
    currency = found.scenario.currency
    for line in value_lines(found, lang):
        _bullet(console, line)
    names = ("activity", "hours", "cost", "kept", "expanded", "relieved_hours", "roi", "precision")
    table = _table(w.phrase("value_title", lang), [_two_lines(w.term(name, lang)) for name in names])
    for row in w.records(found.table):
        segment = w.month(row.segment, lang) if row.segment == "all" else row.segment
        change = "" if row.change == "without" else f" {row.change}"
        low, high = w.number(row.roi_low, 2), w.number(row.roi_high, 2)
        table.add_row(
            Text(f"{w.activity_name(found.scenario, row.activity, lang)} ({segment}){change}"),
            w.number(row.hours),
            *(w.money(v, currency, lang, 3) for v in (row.cost, row.kept, row.expanded)),
            w.number(row.relieved_hours),
            w.number(row.roi, 2),
            w.between(low, high, lang),
        )
    console.print()
    console.print(table)
    console.print(Text(w.phrase("value_note", lang), style="dim"))
    if found.at_margin:
        console.print(Text(w.phrase("value_at_margin", lang), style="dim"))


def break_even_lines(found: BreakEven, lang: Language = "en") -> list[str]:
    """Where a decision flips, in sentences."""
    plans = {"dearer": found.dearer, "cheaper": found.cheaper}
    lines = [w.phrase("break_even_plans", lang, **plans)]
    if math.isnan(found.coefficient):
        verdict = w.term("verdict_pays" if found.tried[0][1] > 0 else "verdict_costs", lang)
        limit = w.number(max(abs(row[0]) for row in found.tried))
        return [*lines, w.phrase("break_even_none", lang, limit=limit, verdict=verdict, **plans)]
    numbers = _coefficients(found.coefficient, found.low, found.high)
    odds = w.number(found.odds, 2)
    return [*lines, w.phrase("break_even_at", lang, odds=odds, **numbers, **plans)]


def _coefficients(middle: float, low: float, high: float) -> dict[str, str]:
    """A break-even and the ends of its interval; an end that was not found lies beyond no effect or the strongest."""
    from simulator.studies.value import STRONGEST

    sign = -1.0 if middle < 0 else 1.0
    strongest = f"{'<' if sign < 0 else '>'} {w.number(sign * STRONGEST)}"
    ends = {
        "low": "0" if w.missing(low) else w.number(low, 2),
        "high": strongest if w.missing(high) else w.number(high, 2),
    }
    return {"middle": w.number(middle, 2), **ends}


def show_break_even(found: BreakEven, currency: str, console: Console, lang: Language = "en") -> None:
    """Print where a decision flips, and the net gain at every coefficient tried."""
    for line in break_even_lines(found, lang):
        _bullet(console, line)
    table = _table(None, [w.term(name, lang) for name in ("coefficient", "net_gain", "precision")], text_columns=0)
    for coefficient, mean, low, high in found.tried:
        ends = w.between(w.money(low, currency, lang), w.money(high, currency, lang), lang)
        table.add_row(w.number(coefficient, 2), w.money(mean, currency, lang), ends)
    console.print()
    console.print(table)


def problems(error: InputError, console: Console) -> None:
    """Print every problem of an input: where, what was found, what is allowed, the nearest valid name."""
    count = len(error.problems)
    key = "problem_one" if count == 1 else "problems"
    console.print(Text(w.phrase(key, "en", count=w.number(count)), style="bold red"))
    for problem in error.problems:
        place = ":".join(str(part) for part in (problem.file, problem.line) if part is not None)
        head = Text()
        for text, style in ((place, "dim"), (problem.path, "bold"), (problem.message, "")):
            if text:
                head.append(": " if head else "").append(text, style)
        console.print(Padding(head, (0, 0, 0, 2)), soft_wrap=False)
        for name, value in (("found", problem.found), ("allowed", problem.allowed), ("did you mean", problem.nearest)):
            if value is not None:
                console.print(Padding(Text.assemble((f"{name}: ", "dim"), value), (0, 0, 0, 4)))


def _bullet(console: Console, line: str, mark: str = "•", style: str = "") -> None:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(mark, Text(_wrapped(line, console.width - 2), style))
    console.print(grid)


def _wrapped(line: str, width: int) -> str:
    """The line in rows that break neither inside a number nor before its unit.

    Japanese has no spaces to break at: it breaks between its characters, but not before a stop.
    """
    if not re.search(r"[ぁ-んァ-ヶ一-龠]", line):
        rows = textwrap.wrap(w.unbroken(line), width, break_on_hyphens=False)
        return "\n".join(rows).replace("\u00a0", " ").replace("\u2060", "")
    rows = [""]
    for word in _WORDS_JA.findall(line):
        if cell_len(rows[-1] + word.rstrip()) > width:
            rows.append("")
        rows[-1] += word
    return "\n".join(row.rstrip() for row in rows)


def _two_lines(name: str) -> str:
    """A heading in two lines, broken where the longer one is shortest; Japanese after a particle."""
    if re.search(r"[ぁ-ん]", name):
        return re.sub(r"(?<=[ぁ-ん])(?=[一-龠])", "\n", name, count=1)
    halves = [(name[: m.start()], name[m.end() :]) for m in re.finditer(r" (?!%)", name)]
    return "\n".join(min(halves, key=lambda pair: max(map(len, pair)))) if halves else name


def _table(title: str | None, columns: Sequence[str], *, text_columns: int = 1) -> Table:
    """An empty table: the first columns hold text and may wrap, the others hold figures and never do."""
    table = Table(
        title=escape(title) if title else None,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for i, name in enumerate(columns):
        if i < text_columns:
            table.add_column(escape(name), overflow="fold")
        else:
            table.add_column(escape(name), justify="right", no_wrap=True)
    return table


def _staffing(result: Result, lang: Language, console: Console) -> list[Table]:
    """Months down, teams across: need, plan and the chance that the plan is enough; as many teams a table as fit."""
    names = list(dict.fromkeys(result.staffing["team"]))
    tables: list[Table] = []
    while names:
        for count in range(len(names), 0, -1):
            table = _staffing_of(result, names[:count], lang, None if tables else w.phrase("staffing", lang))
            if (
                count == 1
                or Measurement.get(console, console.options.update(max_width=10_000), table).maximum <= console.width
            ):
                tables.append(table)
                names = names[count:]
                break
    return tables


def _staffing_of(result: Result, teams: list[str], lang: Language, title: str | None) -> Table:
    table_of = w.staffing(result)
    short = w.short_months(result.summary, table_of)
    cells = {(row.month, row.team): row for row in w.records(table_of)}
    columns = [w.term("month", lang)]
    for team in teams:
        columns += [f"{team}\n{w.term('need', lang)}", f"\n{w.term('planned', lang)}", f"\n{w.term('enough', lang)}"]
    table = _table(title, columns)
    for month in w.months_of(result.staffing):
        row: list[str | Text] = [w.month(month, lang)]
        for team in teams:
            cell = cells.get((month, team))
            if cell is None:
                row += [w.MISSING] * 3
                continue
            row += [
                w.heads(cell.need),
                w.heads(round(cell.planned, 1)),
                Text(w.probability(cell.p_enough, lang), "red" if (team, month) in short else ""),
            ]
        table.add_row(*row)
    return table


def _targets(summary: Mapping[str, Any], lang: Language) -> Table:
    columns = [w.term("target", lang), w.term("met", lang), w.term("asked", lang), w.term("worst_month", lang)]
    table = _table(w.phrase("targets", lang), columns)
    for target in summary.get("targets") or []:
        worst = target.get("worst_month")
        table.add_row(
            Text(w.target_text(target, summary, lang)),
            Text(w.probability(target.get("p_met"), lang), "red" if w.target_met(target) is False else ""),
            w.probability(target.get("confidence"), lang),
            f"{w.month(worst, lang)} {w.probability(target.get('worst_p'), lang)}" if worst else w.MISSING,
        )
    return table


def _cost(summary: Mapping[str, Any], lang: Language) -> Table:
    cost, currency = summary.get("cost") or {}, str(summary.get("currency", ""))
    measures = ("mean", "p50", "p80", "p90")
    table = _table(w.phrase("cost", lang), ["", *(w.term(m, lang) for m in measures)])
    for key in ("plan", "need"):
        if cost.get(key):
            amounts = (w.money(cost[key].get(m), currency, lang, 4) for m in measures)
            table.add_row(w.term(f"{key}_cost", lang), *amounts)
    if table.row_count and not w.missing(cost.get("budget")):
        table.add_row(w.term("budget", lang), w.money(cost["budget"], currency, lang, 4), "", "", "")
    return table


def _sizing(summary: Mapping[str, Any], lang: Language) -> Table:
    columns = [w.term(name, lang) for name in ("team", "quarter", "from_work", "from_ratio", "simulated")]
    table = _table(w.phrase("sizing", lang), columns, text_columns=2)
    for row in w.sizing(summary):
        table.add_row(
            Text(str(row.get("team", ""))),
            w.month(row.get("quarter"), lang),
            *(w.number(row.get(name), 1) for name in ("from_work", "from_ratio")),
            w.heads(row.get("need")),
        )
    return table


def _kpis(result: Result, lang: Language) -> Table:
    columns = [w.term(name, lang) for name in ("subject", "kpi", "mean", "spread", "target")]
    table = _table(w.phrase("kpis_horizon", lang), columns, text_columns=2)
    currency = str(result.summary.get("currency", ""))
    kpis = result.kpis
    shown = (kpis["month"] == "all") & (kpis["kpi"].isin(HEADLINES) | kpis["target"].notna()) & (kpis["kind"] != "tier")
    shown &= kpis["mean"].notna()
    for subject, row in _by_subject(kpis[shown], lambda kind, name: w.subject(result.scenario, kind, name, lang)):
        low, high = (w.quantity(value, row.unit, lang, currency) for value in (row.p10, row.p90))
        table.add_row(
            Text(subject),
            w.term(row.kpi, lang),
            w.quantity(row.mean, row.unit, lang, currency),
            w.between(low, high, lang),
            w.quantity(row.target, row.unit, lang, currency),
        )
    if "churn_rate" in set(kpis["kpi"]):
        table.caption, table.caption_justify = w.phrase("kpis_horizon_note", lang), "left"
    return table


def _by_subject(kpis: pd.DataFrame, told: Callable[[str, str], str]) -> Iterator[tuple[str, Any]]:
    """The rows of each subject together, with its name as ``told`` by kind and name at the first of them."""
    for (kind, subject), part in kpis.groupby(["kind", "subject"], sort=False):
        for i, row in enumerate(w.records(part)):
            yield ("" if i else told(str(kind), str(subject))), row


def _notes(console: Console, summary: Mapping[str, Any], lang: Language) -> None:
    placeholders = [f"{path}: {note}" for path, note in (summary.get("placeholders") or {}).items()]
    groups = (
        ("changes", summary.get("changes"), ""),
        ("placeholders", placeholders, ""),
        ("warnings", w.warnings(summary, lang), "yellow"),
    )
    for key, lines, style in groups:
        if lines:
            console.print()
            console.print(Text(w.phrase(key, lang), style="bold"))
            for line in lines:
                _bullet(console, line, "!" if key == "warnings" else "•", style)
