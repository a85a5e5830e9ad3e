"""The figure of what activities are worth: returns with their intervals or, where no effect is assumed, break-evens.

The colours and the style are those of :mod:`simulator.reporting.plots`; pyplot's state stays untouched.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from simulator.glossary import Language
from simulator.reporting import wording as w
from simulator.reporting.plots import GRID, INK, MUTED, NEED, _new_axes, _style, _title, _use_font, usable_language

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulator.studies.value import Value


def figure(found: Value, lang: Language = "en") -> Figure:
    """:func:`returns` as a figure of its own."""
    from matplotlib.figure import Figure

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
