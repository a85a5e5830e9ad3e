"""Charts of a result, one line each: ``result.plot.staffing()``.

Each method draws on the given Axes, or on a new pyplot figure that a notebook shows by itself. The title says the
message, the axes say the units, lines are labelled where they end. Colours are those of Okabe and Ito (safe for colour
blindness). :func:`figures` and :func:`save_figures` use Figure objects alone and leave pyplot's state untouched.
"""

from __future__ import annotations

import functools
import io
import re
import textwrap
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.crew import CAN_FORK, Crew
from simulator.errors import ParameterError, nearest
from simulator.glossary import Language
from simulator.reporting import wording as w

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulator.results import Result

INK, MUTED, GRID = "#222222", "#666666", "#dddddd"
NEED, PLAN, GOOD = "#0072b2", "#d55e00", "#009e73"
SERIES = (NEED, PLAN, GOOD, "#cc79a7", "#e69f00", "#56b4e9", "#882255", "#999999")
"""Colours in the order in which they are taken; the last two are of Paul Tol, for charts of many parts."""

SIZE = (5.6, 3.2)  # inches; text of 10 points stays readable when a phone shows the figure at full width
_MARGIN = 0.04  # inches around the texts of a figure
_CJK = (
    "Noto Sans CJK JP",
    "Noto Sans JP",
    "IPAexGothic",
    "IPAGothic",
    "TakaoGothic",
    "Hiragino Sans",
    "Yu Gothic",
    "MS Gothic",
)
_MOST_TICKS = 12
_TITLE_WIDTH, _ROW_WIDTH = 60, 32  # characters
_TITLE_PAD, _LABEL_HEIGHT = 10, 11  # points
_MOST_ROWS = 20
_IDLE_ZEROS = re.compile(r"\.0+(?!\d)|(?<=\.\d)0+(?!\d)")

_STYLE: dict[str, Any] = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": _TITLE_PAD,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.grid": False,
    "text.color": INK,
    "axes.titlecolor": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "figure.facecolor": "white",
    "svg.fonttype": "none",
}


@functools.cache
def _cjk_font() -> str | None:
    """An installed font with Japanese glyphs."""
    from matplotlib import font_manager

    installed = {entry.name for entry in font_manager.fontManager.ttflist}
    return next((name for name in _CJK if name in installed), None)


def usable_language(lang: Language) -> Language:
    """The language that labels can be drawn in: Japanese needs an installed font, else English with a warning."""
    if lang == "ja" and _cjk_font() is None:
        warnings.warn("no Japanese font is installed; plots are labelled in English", stacklevel=2)
        return "en"
    return lang


@contextmanager
def _style(lang: Language, **more: Any) -> Iterator[None]:
    import matplotlib as mpl

    settings: Any = _STYLE | {"font.family": _fonts(lang)} | more
    with mpl.rc_context(settings):
        yield
        interactive = mpl.is_interactive()
    mpl.interactive(interactive)  # a notebook's backend turns it on with the first figure: the style must not undo that


def _fonts(lang: Language) -> list[str]:
    return [font for font in (_cjk_font() if lang == "ja" else None, "DejaVu Sans") if font]


class Plots:
    """Charts of one result, with labels in one language."""

    def __init__(self, result: Result, lang: Language = "en") -> None:
        self.result = result
        self.lang: Language = usable_language(lang)
        self._currency = str(result.summary.get("currency", ""))

    def staffing(self, team: str | None = None, ax: Axes | None = None) -> Axes:
        """Need (P10 to P90, P50, at the asked confidence) against planned and effective heads, by month.

        Without ``team`` the first that falls short, as in the answer.
        """
        names = self._names(self.result.staffing, "team")
        first = next((str(t["team"]) for t in w.teams(self.result.summary) if t["team"] in names), None)
        return self._draw(lambda a: self._staffing(self._choose(team or first, names, "team"), a), ax)

    def kpi(self, name: str, subject: str | None = None, ax: Axes | None = None) -> Axes:
        """A KPI by month: mean, P10 to P90 over runs and its target. Without ``subject`` a line for each subject."""
        kpis = self.result.kpis
        table = kpis[kpis["kpi"] == self._choose(name, self._names(kpis, "kpi"), "KPI")]
        subjects = self._names(table, "subject")
        chosen = subjects if subject is None else [self._choose(subject, subjects, "subject")]
        return self._draw(lambda a: self._kpi(name, table, chosen, a), ax)

    def cost(self, ax: Axes | None = None) -> Axes:
        """Mean cost of the plan by month and item, with P10 to P90 of the month's total."""
        return self._draw(self._cost, ax)

    def accounts(self, measure: str = "closing", ax: Axes | None = None) -> Axes:
        """Accounts (or another measure of the accounts table) by month and segment, mean and P10 to P90."""
        table = self.result.accounts
        measure = self._choose(measure, self._names(table, "measure"), "measure")
        return self._draw(lambda a: self._accounts(measure, a), ax)

    def headcount(self, team: str | None = None, ax: Axes | None = None) -> Axes:
        """People of the plan by month: heads at month end (mean, P10 to P90) and effective heads (after ramp)."""
        name = self._choose(team, self._names(self.result.headcount, "team"), "team")
        return self._draw(lambda a: self._headcount(name, a), ax)

    def activities(self, measure: str = "on_time_share", ax: Axes | None = None) -> Axes:
        """A measure of the activities as a matrix: those of :meth:`activity_matrix` down, quarters across."""
        measure = self._choose(measure, self._names(self.result.activities, "measure"), "measure")
        return self._draw(lambda a: self._activities(measure, a), ax)

    def on_time(self, ax: Axes | None = None) -> Axes:
        """The share of steps done by their due date, by activity and quarter."""
        return self.activities("on_time_share", ax)

    def requirement(self, team: str | None = None, month: str | None = None, ax: Axes | None = None) -> Axes:
        """Agents of the need by day and time. Without ``month`` the month of the team's highest need."""
        table = self.result.requirement
        name = self._choose(team, self._names(table, "team"), "team")
        rows = table[table["team"] == name]
        peak = next((t.get("need_peak") or {} for t in self.result.summary.get("teams") or [] if t["team"] == name), {})
        months = list(dict.fromkeys(rows["month"]))
        chosen = self._choose(month or (peak.get("month") if peak.get("month") in months else None), months, "month")
        return self._draw(lambda a: self._requirement(name, chosen, rows[rows["month"] == chosen], a), ax)

    # --- choosing ----------------------------------------------------------------------------------------------------

    def _names(self, table: pd.DataFrame, column: str) -> list[str]:
        return list(dict.fromkeys(table[column]))

    def _choose(self, name: str | None, known: Sequence[str], what: str) -> str:
        """``name``, checked; the first known one when it is None."""
        if not known:
            raise ParameterError(f"this result has no {what} to plot")
        if name is None:
            return known[0]
        if name not in known:
            near = nearest(name, known)
            raise ParameterError(
                f"no {what} {name!r} in this result (known: {', '.join(known)})"
                + (f"; did you mean {near!r}?" if near else "")
            )
        return name

    def _draw(self, draw: Callable[[Axes], None], ax: Axes | None) -> Axes:
        with _style(self.lang):
            axes = _new_axes() if ax is None else ax
            draw(axes)
            _use_font(axes, self.lang)
        return axes

    # --- drawing -----------------------------------------------------------------------------------------------------

    def _staffing(self, team: str, ax: Axes) -> None:
        table = w.staffing(self.result)
        rows = table[table["team"] == team]
        months = list(rows["month"])
        x = np.arange(len(months))
        ax.fill_between(x, rows["p10"], rows["p90"], step="mid", color=NEED, alpha=0.18, linewidth=0)
        ax.step(x, rows["p50"], where="mid", color=NEED, linewidth=1, linestyle=":", label="p50")
        ax.step(x, rows["need"], where="mid", color=NEED, linewidth=2.2, label="need")
        ax.step(x, rows["planned"], where="mid", color=PLAN, linewidth=2.2, label="planned")
        ax.plot(x, rows["effective"], color=PLAN, linewidth=1.2, linestyle="--", label="effective")
        colours = {"need": NEED, "planned": PLAN, "effective": PLAN, "p50": NEED}
        ends = [(rows[name].iloc[-1], w.term(name, self.lang), colour) for name, colour in colours.items()]
        _heads_axis(ax, self.lang)
        _month_axis(ax, months, self.lang)
        _label_ends(ax, [*ends, (rows["p90"].iloc[-1], w.term("spread", self.lang), NEED)])
        peak = max((row for row in w.records(rows) if not w.missing(row.need)), key=lambda row: row.need, default=None)
        if peak is None:
            _title(ax, team)
        else:
            told = {"need": w.heads(peak.need), "planned": w.heads(round(peak.planned, 1))}
            _title(ax, w.phrase("plot_staffing", self.lang, team=team, month=w.month(peak.month, self.lang), **told))

    def _kpi(self, name: str, table: pd.DataFrame, subjects: list[str], ax: Axes) -> None:
        months = w.months_of(table)
        x = np.arange(len(months))
        unit = table["unit"].iloc[0]
        ends = []
        for subject, colour in zip(subjects, _colours(len(subjects)), strict=True):
            rows = table[table["subject"] == subject].set_index("month").reindex(months).assign(x=x)
            rows = rows[rows["mean"].notna()]  # a quarter's activity has no value in most months; the line bridges them
            if rows.empty:
                continue
            if len(subjects) == 1:
                if len(rows) < len(months):  # a band between months without a value would claim one there
                    around = rows["mean"] - rows["p10"], rows["p90"] - rows["mean"]
                    yerr = [np.maximum(side, 0.0) for side in around]
                    ax.errorbar(rows["x"], rows["mean"], yerr=yerr, fmt="none", ecolor=colour, capsize=4, alpha=0.6)
                else:
                    ax.fill_between(rows["x"], rows["p10"], rows["p90"], color=colour, alpha=0.18, linewidth=0)
                ends.append((rows["p90"].iloc[-1], w.term("spread", self.lang), colour))
            ax.plot(rows["x"], rows["mean"], color=colour, linewidth=2, marker="o", markersize=3.5, label=subject)
            ends.append((rows["mean"].iloc[-1], w.term("mean", self.lang) if len(subjects) == 1 else subject, colour))
            target = rows["target"].iloc[-1]
            if not np.isnan(target):
                ax.axhline(
                    target, color=PLAN if len(subjects) == 1 else colour, linestyle="--", linewidth=1.4, label="target"
                )
                ends.append((target, w.term("target", self.lang), PLAN if len(subjects) == 1 else colour))
        _value_axis(ax, lambda v: w.quantity(v, unit, self.lang, self._currency))
        _month_axis(ax, months, self.lang)
        _label_ends(ax, ends)
        whole = table[(table["month"] == "all") & (table["subject"] == subjects[0])]["mean"]
        if len(subjects) == 1 and len(whole):
            mean = w.quantity(float(whole.iloc[0]), unit, self.lang, self._currency)
            told = w.subject(self.result.scenario, table["kind"].iloc[0], subjects[0], self.lang)
            _title(ax, w.phrase("plot_kpi", self.lang, kpi=w.term(name, self.lang), subject=told, mean=mean))
        else:
            _title(ax, w.heading(name, self.lang))

    def _cost(self, ax: Axes) -> None:
        table = self.result.cost
        months = w.months_of(table)
        parts = table[(table["month"] != "all") & ~table["item"].isin(("total", "need"))]
        items = self._names(parts, "item")
        # expectations add up, so the teams' means of one item can be stacked; percentiles come from the total alone
        means = (
            parts.pivot_table(index="month", columns="item", values="mean", aggfunc="sum")
            .reindex(months)[items]
            .fillna(0.0)
        )
        x, bottom = np.arange(len(months)), np.zeros(len(months))
        ends = []
        for item, colour in zip(items, _colours(len(items)), strict=True):
            ax.bar(x, means[item], bottom=bottom, width=0.72, color=colour, label=item)
            bottom = bottom + means[item].to_numpy()
            ends.append((bottom[-1] - means[item].iloc[-1] / 2, w.term(item, self.lang), colour))
        total = table[(table["item"] == "total") & (table["month"] != "all") & (table["team"] == "all")]
        if len(total) == len(months):
            below, above = total["mean"] - total["p10"], total["p90"] - total["mean"]
            ax.errorbar(
                x,
                total["mean"],
                yerr=[below.clip(lower=0), above.clip(lower=0)],
                fmt="none",
                ecolor=INK,
                capsize=3,
                linewidth=1.2,
                label="spread",
            )
            ends.append((total["p90"].iloc[-1], w.term("spread", self.lang), INK))
        _value_axis(ax, lambda v: w.money(v, self._currency, self.lang), bottom=0)
        ax.set_ylabel(w.term("plan_cost", self.lang))
        _month_axis(ax, months, self.lang, side=0.6)
        _label_ends(ax, ends)
        summary = self.result.summary.get("cost") or {}
        plan, budget = summary.get("plan") or {}, summary.get("budget")
        key = "plot_cost" if w.missing(budget) else "plot_cost_budget"
        mean, p80, most = (w.money(v, self._currency, self.lang) for v in (plan.get("mean"), plan.get("p80"), budget))
        _title(
            ax, w.phrase(key, self.lang, mean=mean, p80=p80, budget=most) if plan else w.heading("plan_cost", self.lang)
        )

    def _accounts(self, measure: str, ax: Axes) -> None:
        table = self.result.accounts[self.result.accounts["measure"] == measure]
        months, segments = w.months_of(table), self._names(table, "segment")
        x, ends, unit = np.arange(len(months)), [], w.measure_unit(measure)
        for segment, colour in zip(segments, _colours(len(segments)), strict=True):
            rows = table[table["segment"] == segment].set_index("month").reindex(months)
            ax.fill_between(x, rows["p10"], rows["p90"], color=colour, alpha=0.18, linewidth=0)
            ax.plot(x, rows["mean"], color=colour, linewidth=2, label=segment)
            ends.append((rows["mean"].iloc[-1], w.month(segment, self.lang), colour))
        _value_axis(
            ax, lambda v: w.quantity(v, unit, self.lang, self._currency) if unit == "money" else w.number(v), bottom=0
        )
        ax.set_ylabel(w.term("closing_accounts" if measure == "closing" else measure, self.lang))
        _month_axis(ax, months, self.lang)
        _label_ends(ax, ends)
        told = self.result.summary.get("accounts") or {}
        if measure == "closing" and not w.missing(told.get("opening")):
            opening, closing = w.number(told["opening"]), w.number(told.get("closing"))
            _title(ax, w.phrase("plot_accounts", self.lang, opening=opening, closing=closing))
        else:
            _title(ax, w.heading(measure, self.lang))

    def _headcount(self, team: str, ax: Axes) -> None:
        table = self.result.headcount[self.result.headcount["team"] == team]
        months = w.months_of(table)
        x = np.arange(len(months))
        rows = {name: part.set_index("month").reindex(months) for name, part in table.groupby("measure")}
        ends = []
        if (closing := rows.get("closing")) is not None:
            ax.fill_between(x, closing["p10"], closing["p90"], color=NEED, alpha=0.18, linewidth=0)
            ax.plot(x, closing["mean"], color=NEED, linewidth=2, label="closing")
            ends.append((closing["mean"].iloc[-1], w.term("closing_heads", self.lang), NEED))
        if (effective := rows.get("effective")) is not None:
            ax.plot(x, effective["mean"], color=NEED, linewidth=1.2, linestyle="--", label="effective")
            ends.append((effective["mean"].iloc[-1], w.term("effective_heads", self.lang), NEED))
        _heads_axis(ax, self.lang)
        _month_axis(ax, months, self.lang)
        _label_ends(ax, ends)
        if {"opening", "closing"} <= rows.keys():
            opening, last = (
                w.heads(round(rows["opening"]["mean"].iloc[0], 1)),
                w.heads(round(rows["closing"]["mean"].iloc[-1], 1)),
            )
            _title(ax, w.phrase("plot_headcount", self.lang, team=team, opening=opening, closing=last))
        else:
            _title(ax, team)

    def _activities(self, measure: str, ax: Axes) -> None:
        matrix = self.activity_matrix(measure)
        names = [
            textwrap.fill(
                f"{w.activity_title(self.result, activity, self.lang)} · {w.month(segment, self.lang)}"
                + (self._asked(activity).replace(" %", "\u00a0%") if measure == "on_time_share" else ""),
                _ROW_WIDTH,
            )
            for activity, segment in matrix.index
        ]
        unit = w.measure_unit(measure)

        def write(value: float) -> str:
            return w.share(value, self.lang) if unit == "share" else w.quantity(value, unit, self.lang, self._currency)

        _matrix(ax, matrix.to_numpy(), w.month_ticks(list(matrix.columns), self.lang), names, unit == "share", write)
        key = "lowest_first" if unit == "share" else "highest_first"
        _title(ax, w.phrase(key, self.lang, measure=w.heading(measure, self.lang)))

    def _asked(self, activity: str) -> str:
        """The target of an activity, behind its name."""
        success = self.result.scenario.success
        bound = success.targets.on_time.get(activity) if success else None
        return "" if bound is None else w.phrase("asked_for", self.lang, share=w.share(bound, self.lang))

    def activity_matrix(self, measure: str = "on_time_share") -> pd.DataFrame:
        """What :meth:`activities` draws: means by (activity, segment) and quarter.

        Of each activity its meeting counts or, without one, its last step. At most 20 rows: of shares the lowest first,
        of amounts the highest.
        """
        table = self.result.activities
        table = table[table["measure"] == measure]
        success = self.result.scenario.success
        shown = {}
        for name, activity in (success.activities if success else {}).items():
            meetings = [step for step, how in activity.steps.items() if how.kind == "meeting"]
            shown[name] = (meetings or list(activity.steps))[-1]
        rows = table[[shown.get(a, s) == s for a, s in zip(table["activity"], table["step"], strict=True)]]
        quarters = self._names(table, "quarter")
        matrix = rows.pivot_table(index=["activity", "segment"], columns="quarter", values="mean", sort=False)
        matrix = matrix.reindex(columns=quarters)
        low_first = w.measure_unit(measure) == "share"
        order = matrix.min(axis=1) if low_first else -matrix.max(axis=1)
        return matrix.loc[order.sort_values(kind="stable").index[:_MOST_ROWS]]

    def _requirement(self, team: str, month: str, rows: pd.DataFrame, ax: Axes) -> None:
        from matplotlib.ticker import MaxNLocator

        table = rows.pivot_table(index="day", columns="time", values="agents")
        days = [d for d in w.DAYS if d in table.index] + [d for d in table.index if d not in w.DAYS]
        table = table.loc[days]
        times = list(table.columns)
        values = table.to_numpy()
        mesh = ax.pcolormesh(values, cmap="YlGnBu", vmin=0, vmax=np.nanmax(values), edgecolors="white", linewidth=0.4)
        ax.invert_yaxis()
        ax.set_yticks(np.arange(len(days)) + 0.5, [w.day(d, self.lang) for d in days])
        ticks = range(0, len(times), -(-len(times) // _MOST_TICKS))
        ax.set_xticks(
            [i + 0.5 for i in ticks], [times[i] for i in ticks], rotation=45, ha="right", rotation_mode="anchor"
        )
        ax.set_xlabel(w.term("time_of_day", self.lang))
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        bar = ax.figure.colorbar(
            mesh, ax=ax, label=w.term("agents", self.lang), pad=0.02, ticks=MaxNLocator(5, integer=True)
        )
        bar.outline.set_visible(False)
        most = w.heads(float(np.nanmax(values)))
        _title(ax, w.phrase("plot_requirement", self.lang, team=team, month=w.month(month, self.lang), agents=most))


# --- helpers ---------------------------------------------------------------------------------------------------------


def _new_axes(size: tuple[float, float] = SIZE) -> Axes:
    """The Axes of a fresh pyplot figure."""
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")[1]


def _title(ax: Axes, text: str) -> None:
    """The message over the chart, in lines that fit its width (Japanese characters are twice as wide), and between
    them what the vertical axis counts, written across: it meets no tick label, whatever the font."""
    width = len(text) + sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    told = text if width <= _TITLE_WIDTH else textwrap.fill(text, _TITLE_WIDTH * len(text) // width)
    if ax.get_ylabel():
        ax.set_title(told, pad=_TITLE_PAD + _LABEL_HEIGHT)
        ax.set_ylabel(ax.get_ylabel(), rotation=0, ha="left", va="bottom", fontsize=9)
        ax.yaxis.set_label_coords(0.0, 1.015)
    else:
        ax.set_title(told)


def _use_font(ax: Axes, lang: Language) -> None:
    """Japanese glyphs also in the texts of Axes that were made before, under another style."""
    if lang == "ja":
        from matplotlib.text import Text

        fonts = _fonts(lang)
        ax.tick_params(labelfontfamily=fonts)
        for text in ax.findobj(Text):
            text.set_fontfamily(fonts)


def _month_axis(ax: Axes, months: list[str], lang: Language, *, side: float = 0.15) -> None:
    """Months along the bottom, at most a dozen of them written; ``side`` is the room left and right, in months."""
    labels = w.month_ticks(months, lang)
    kept = range(0, len(months), max(1, -(-len(months) // _MOST_TICKS)))
    ax.set_xticks(list(kept), [labels[i] for i in kept], fontsize=10 if len(kept) <= 6 else 9)
    ax.set_xlim(-side, len(months) - 1 + side)


def _colours(count: int) -> list[str]:
    return [SERIES[i % len(SERIES)] for i in range(count)]


def _value_axis(ax: Axes, write: Callable[[float], str], bottom: float | None = None, *, whole: bool = False) -> None:
    """Few round ticks with horizontal rules, written by ``write`` without idle zeros."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    ax.yaxis.set_major_locator(MaxNLocator(5, integer=whole, steps=[1, 2, 2.5, 5, 10]))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _IDLE_ZEROS.sub("", write(value))))
    ax.yaxis.grid(True, color=GRID, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    if bottom is not None:
        ax.set_ylim(bottom=bottom)


def _heads_axis(ax: Axes, lang: Language) -> None:
    """Whole heads, with a head of air above and below what is drawn."""
    low, high = ax.dataLim.intervaly
    _value_axis(ax, w.heads, whole=True)
    ax.set_ylim(max(0.0, np.floor(low) - 1), np.ceil(high) + 1)
    ax.set_ylabel(w.term("heads", lang))


def _label_ends(ax: Axes, ends: Iterable[tuple[float, str, str]]) -> None:
    """Write each line's name beside its last point, pushed apart so that names do not overlap."""
    low, high = ax.get_ylim()
    gap = 0.075 * (high - low)
    told = sorted((float(y), text, colour) for y, text, colour in ends if not w.missing(float(y)))
    places: list[float] = []
    for y, _, _ in told:
        places.append(max(y, places[-1] + gap if places else low))
    limit = high
    for i in reversed(range(len(places))):  # what was pushed over the top comes back down
        places[i] = min(places[i], limit)
        limit = places[i] - gap
    for (_, text, colour), place in zip(told, places, strict=True):
        ax.annotate(
            text,
            (1, place),
            xycoords=("axes fraction", "data"),
            xytext=(5, 0),
            textcoords="offset points",
            color=colour,
            va="center",
            annotation_clip=False,
        )


def _matrix(
    ax: Axes, values: np.ndarray, columns: list[str], rows: list[str], shares: bool, write: Callable[[float], str]
) -> None:
    """A coloured table with its values written in. Of shares the low ones stand out, of amounts the high ones."""
    lowest, highest = (min(0.5, float(np.nanmin(values))), 1.0) if shares else (0.0, float(np.nanmax(values)))
    ax.pcolormesh(
        values, cmap="OrRd_r" if shares else "Blues", vmin=lowest, vmax=highest, edgecolors="white", linewidth=1
    )
    ax.invert_yaxis()
    ax.set_xticks(np.arange(len(columns)) + 0.5, columns)
    ax.set_yticks(np.arange(len(rows)) + 0.5, rows)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    for (i, j), value in np.ndenumerate(values):
        if not np.isnan(value):
            depth = (value - lowest) / (highest - lowest) if highest > lowest else 0.0
            dark = depth < 0.25 if shares else depth > 0.6
            ax.text(
                j + 0.5, i + 0.5, write(float(value)), ha="center", va="center", color="#ffffff" if dark else "#111111"
            )


def difference(
    table: pd.DataFrame, kpi: str, subject: str | None = None, ax: Axes | None = None, lang: Language = "en"
) -> Axes:
    """Paired differences of a KPI from the base by month, a line and a 95 % interval for each variant.

    Args:
        table: the table of a comparison (columns variant, month, subject, kpi, unit, difference, low, high).
        subject: the queue, group, segment or team; default the first that has the KPI.

    Raises:
        ParameterError: no such KPI or subject in the table.
    """
    rows = table[table["kpi"] == kpi]
    subjects = list(dict.fromkeys(rows["subject"]))
    chosen = subjects[0] if subject is None and subjects else subject
    if chosen not in subjects:
        raise ParameterError(f"no {kpi!r} of {chosen or 'anything'!r} in this comparison")
    rows = rows[rows["subject"] == chosen]
    lang, unit, months = usable_language(lang), rows["unit"].iloc[0], w.months_of(rows)
    with _style(lang):
        axes = _new_axes() if ax is None else ax
        x, ends = np.arange(len(months)), []
        variants = list(dict.fromkeys(rows["variant"]))
        for variant, colour in zip(variants, _colours(len(variants)), strict=True):
            part = rows[rows["variant"] == variant].set_index("month").reindex(months)
            axes.fill_between(x, part["low"], part["high"], color=colour, alpha=0.18, linewidth=0)
            axes.plot(x, part["difference"], color=colour, linewidth=2, marker="o", markersize=3.5, label=variant)
            ends.append((part["difference"].iloc[-1], variant, colour))
        axes.axhline(0, color=MUTED, linewidth=0.8)
        _value_axis(axes, lambda v: w.change(v, unit, lang))
        axes.set_ylabel(w.term("difference", lang))
        _month_axis(axes, months, lang)
        _label_ends(axes, ends)
        _title(axes, w.phrase("difference_title", lang, kpi=w.term(kpi, lang), subject=chosen))
        _use_font(axes, lang)
    return axes


# --- files -----------------------------------------------------------------------------------------------------------


def figures(result: Result, lang: Language = "en") -> dict[str, Figure]:
    """Every chart that the result has data for, by name: ``staffing_csm``, ``kpi_service_level_phone``, ``cost``, …"""
    plots = Plots(result, lang)
    return {name: _figure(plots, height, draw) for name, height, draw in _charts(plots)}


def _figure(plots: Plots, height: float, draw: Callable[[Axes], Any]) -> Figure:
    from matplotlib.figure import Figure

    with _style(plots.lang):
        figure = Figure(figsize=(SIZE[0], height))
        draw(figure.subplots())
        _fit(figure)
    return figure


def _fit(figure: Figure) -> None:
    """Give the texts around the Axes the room they need. The constrained layout does no better here and takes three
    drawings for it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    needed = figure.get_tightbbox(FigureCanvasAgg(figure).get_renderer())
    width, height = figure.get_size_inches()
    now = figure.subplotpars
    figure.subplots_adjust(
        left=now.left + (_MARGIN - needed.x0) / width,
        right=now.right - (needed.x1 + _MARGIN - width) / width,
        bottom=now.bottom + (_MARGIN - needed.y0) / height,
        top=now.top - (needed.y1 + _MARGIN - height) / height,
    )


@functools.lru_cache(maxsize=1)  # the page and the files show the same charts: they are drawn once for both
def drawings(result: Result, lang: Language = "en") -> dict[str, tuple[str, bytes]]:
    """Every chart of :func:`figures` by name: its title and its SVG document."""
    plots = Plots(result, lang)
    charts = list(_charts(plots))

    def drawing(number: int) -> tuple[str, bytes]:
        name, height, draw = charts[number]
        figure = _figure(plots, height, draw)
        return figure.axes[0].get_title(loc="left"), render(figure, "svg", plots.lang, salt=name)

    # what the first chart loads, no worker loads again; in threads the style of one chart would be another's
    made = [drawing(number) for number in range(len(charts))[:1]]
    with Crew(drawing, None if CAN_FORK else 1) as workers:
        others = [workers.submit(number, number) for number in range(1, len(charts))]
        made += [future.result() for future in others]
    return {name: chart for (name, _, _), chart in zip(charts, made, strict=True)}


def _charts(plots: Plots) -> Iterator[tuple[str, float, Callable[[Axes], Any]]]:
    """Name, height in inches and drawing of each chart."""
    result, height = plots.result, SIZE[1]
    for team in dict.fromkeys(result.staffing["team"]):
        yield f"staffing_{team}", height, functools.partial(plots.staffing, team)
    # the activities stand in one matrix with their targets, the heads of the plan in the chart of their need
    kpis = result.kpis
    aimed = kpis[kpis["target"].notna() & (kpis["month"] != "all") & (kpis["kind"] != "activity")]
    for name, subject in dict.fromkeys(zip(aimed["kpi"], aimed["subject"], strict=True)):
        yield f"kpi_{name}_{subject}", height, functools.partial(plots.kpi, name, subject)
    for team in dict.fromkeys(result.requirement["team"]):
        yield f"requirement_{team}", height, functools.partial(plots.requirement, team, None)
    if (result.cost["month"] != "all").any():
        yield "cost", height, plots.cost
    if (result.accounts["measure"] == "closing").any():
        yield "accounts", height, functools.partial(plots.accounts, "closing")
    if (result.activities["measure"] == "on_time_share").any():
        yield "on_time", 1.1 + 0.38 * len(plots.activity_matrix()), plots.on_time


def render(figure: Figure, kind: str, lang: Language = "en", salt: str = "") -> bytes:
    """A figure as ``png`` or ``svg``, the same bytes at every run of the same versions."""
    metadata: dict[str, Any] = {"Software": None} if kind == "png" else {"Date": None, "Creator": None}
    buffer = io.BytesIO()
    with _style(usable_language(lang), **{"svg.hashsalt": salt or "simulator"}):
        figure.savefig(buffer, format=kind, dpi=160, metadata=metadata, transparent=kind == "svg")
    return buffer.getvalue()


def save_figures(result: Result, folder: Path, lang: Language = "en") -> list[Path]:
    """Write every chart of :func:`figures` as SVG into ``folder``; the paths written."""
    from simulator.results import write_atomically

    paths = []
    for name, (_, drawing) in drawings(result, lang).items():
        path = folder / f"{name}.svg"
        write_atomically(path, drawing)
        paths.append(path)
    return paths
