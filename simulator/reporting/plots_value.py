"""The figures of what activities are worth (returns with their intervals or, where no effect is assumed, break-evens)
and of where a decision flips.

The colours and the style are those of :mod:`simulator.reporting.plots`; pyplot's state stays untouched.
"""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

from simulator.glossary import Language
from simulator.reporting import wording as w
from simulator.reporting.plots import (
    GRID,
    INK,
    MUTED,
    NEED,
    _new_axes,
    _style,
    _title,
    _use_font,
    _value_axis,
    usable_language,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulator.studies.value import BreakEven, Value


def figure(found: Value, lang: Language = "en") -> Figure:
    """:func:`returns` as a figure of its own."""
    from matplotlib.figure import Figure

    with _style(usable_language(lang)):
        made = Figure(figsize=_size(found), layout="constrained")
        returns(found, lang, made.subplots())
    return made


def _size(found: Value) -> tuple[float, float]:
    return 7.2, 1.3 + 0.36 * max(len(found.table), 2)


def returns(found: Value, lang: Language = "en", ax: Axes | None = None) -> Axes:
    """Return on investment by row with its 95 % interval; where the scenario assumes no effect but break-evens were
    searched, the odds of cancelling at which each row pays."""
    from matplotlib.ticker import FuncFormatter

    lang = usable_language(lang)
    searched = found.table["break_even"].notna().any() or found.table["break_even_low"].notna().any()
    by_odds = searched and not found.assumed
    rows = list(w.records(found.table))
    with _style(lang):
        ax = _new_axes(_size(found)) if ax is None else ax
        for y, row in enumerate(rows):
            ends = (row.break_even, row.break_even_low, row.break_even_high) if by_odds else (
                row.roi, row.roi_low, row.roi_high
            )  # fmt: skip
            middle, low, high = (math.exp(v) - 1 if by_odds and not w.missing(v) else v for v in ends)
            if by_odds:  # towards no effect at all, and towards the strongest
                low, high = (0.0 if w.missing(low) else low), (-1.0 if w.missing(high) else high)
            if not w.missing(low):
                ax.plot([low, high], [y, y], color=NEED, linewidth=2, alpha=0.5)
            if not w.missing(middle):
                ax.plot([middle], [y], "o", color=NEED)
        labels = [
            f"{w.activity_name(found.scenario, r.activity, lang)} · {_segment(r.segment, r.change, lang)}" for r in rows
        ]
        ax.set_yticks(range(len(rows)), labels)
        ax.set_ylim(len(rows) - 0.5, -0.6)
        ax.axvline(0.0 if by_odds else 1.0, color=INK, linewidth=0.9, linestyle="--")
        ax.xaxis.grid(True, color=GRID, linewidth=0.8)
        ax.set_axisbelow(True)
        ax.tick_params(axis="y", length=0)
        if by_odds:
            ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: w.signed(w.share(v, lang))))
            ax.set_xlim(-1.0, 0.02)
            ax.set_xlabel(w.term("value_odds_axis", lang), color=MUTED)
        else:
            place = {"xycoords": ("data", "axes fraction"), "xytext": (3, -2), "textcoords": "offset points"}
            ax.annotate(w.term("value_pays", lang), (1.0, 1.0), color=INK, fontsize=8, va="top", **place)  # type: ignore[arg-type]
            ax.set_xlabel(w.term("value_roi_axis", lang), color=MUTED)
        _title(ax, w.phrase("value_break_even_title" if by_odds else "value_title", lang))
        _use_font(ax, lang)
    return ax


def _segment(segment: str, change: str, lang: Language) -> str:
    name = w.month(segment, lang) if segment == "all" else segment
    return name if change == "without" else f"{name} {change}"


def break_even_figure(found: BreakEven, lang: Language = "en") -> Figure:
    """:func:`net_gain` as a figure of its own, with what it rests on beneath."""
    from matplotlib.figure import Figure

    lang = usable_language(lang)
    with _style(lang):
        made = Figure(figsize=(7.2, 4.6), layout="constrained")
        ax = made.subplots()
        net_gain(found, lang, ax)
        width = 66 if lang == "ja" else 110
        caption = "\n".join(textwrap.fill(line, width) for line in break_even_caption(found, lang))
        text = made.supxlabel(caption, x=0.01, ha="left", fontsize=8, color=MUTED)
        text.set_fontfamily(ax.title.get_fontfamily())
    return made


def break_even_caption(found: BreakEven, lang: Language) -> list[str]:
    """What the figure of a break-even rests on."""
    counted = w.phrase("break_even_margin" if found.at_margin else "break_even_revenue", lang)
    told = {"path": found.path, "months": found.months, "runs": w.number(found.replications), "counted": counted}
    return [w.phrase("break_even_caption", lang, dearer=found.dearer, cheaper=found.cheaper, **told)]


def net_gain(found: BreakEven, lang: Language = "en", ax: Axes | None = None) -> Axes:
    """Net gain of the dearer plan over the coefficient: mean, 95 % band, and the break-even with its odds."""
    lang = usable_language(lang)
    with _style(lang):
        ax = _new_axes((7.2, 4.0)) if ax is None else ax
        x, mean, low, high = (list(column) for column in zip(*sorted(found.tried), strict=True))
        ax.fill_between(x, low, high, color=NEED, alpha=0.15, linewidth=0)
        ax.plot(x, mean, color=NEED, linewidth=2, marker="o", markersize=3)
        ax.axhline(0.0, color=INK, linewidth=0.9, linestyle="--")
        if math.isnan(found.coefficient):
            key = "verdict_pays" if found.tried[0][1] > 0 else "verdict_costs"
            title = f"{found.dearer}: {w.term(key, lang)}"
        else:
            ax.axvline(found.coefficient, color=INK, linewidth=0.9)
            ax.plot([found.coefficient], [0.0], "o", color=INK, zorder=3)
            title = w.phrase(
                "break_even_title", lang, middle=w.number(found.coefficient, 2), odds=w.number(found.odds, 2)
            )
            near = 3.0 * abs(found.coefficient)  # what lies far beyond the flip would flatten it
            inside = [i for i, value in enumerate(x) if abs(value) <= near]
            if len(inside) > 3:
                margin = 0.05 * near
                ax.set_xlim(min(x[i] for i in inside) - margin, max(x[i] for i in inside) + margin)
                shown = [v for i in inside for v in (low[i], mean[i], high[i]) if not math.isnan(v)]
                bottom, top = min(shown), max(shown)
                ax.set_ylim(bottom - 0.05 * (top - bottom), top + 0.05 * (top - bottom))
        _value_axis(ax, lambda v: w.money(v, found.currency, lang, 3), bottom=None)
        ax.set_xlabel(f"{w.term('coefficient', lang)} ({found.path})", color=MUTED)
        ax.set_ylabel(w.term("net_gain", lang), color=MUTED)
        _title(ax, title)
        _use_font(ax, lang)
    return ax
