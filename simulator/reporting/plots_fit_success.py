"""Figures of a draft of the success wing: effort hours as logged beside what was fitted, rates with their intervals.

The colours and the style are those of :mod:`simulator.reporting.plots`; pyplot's state stays untouched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.glossary import Language
from simulator.reporting import wording as w
from simulator.reporting.plots import GRID, INK, MUTED, NEED, PLAN, _style, _title, _use_font, usable_language

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from simulator.studies.fit_success import SuccessDraft


def figures(made: SuccessDraft, lang: Language = "en") -> dict[str, Figure]:
    """``effort`` (with a time log) and ``churn``: hours by step, and monthly churn by segment with its interval."""
    lang = usable_language(lang)
    drawn = {"churn": _churn(made, lang)}
    if made.log is not None:
        drawn["effort"] = _effort(made, lang)
    return drawn


def _effort(made: SuccessDraft, lang: Language) -> Figure:
    """Every entry as a point, the mean with its 95 % interval."""
    from matplotlib.figure import Figure

    assert made.log is not None
    table = made.log.table[made.log.table["held"]]
    steps = [(activity.name, step) for activity in made.activities for step in activity.steps]
    with _style(lang):
        figure = Figure(figsize=(7.2, 1.3 + 0.42 * max(len(steps), 2)), layout="constrained")
        ax = figure.subplots()
        for y, (activity, step) in enumerate(steps):
            hours = table[(table["activity"] == activity) & (table["step"] == step.name)]["hours"].to_numpy(float)
            # points of one row are moved up and down in a fixed pattern, so that equal hours do not hide each other
            shift = (np.arange(len(hours)) * 0.618 % 1 - 0.5) * 0.5
            ax.plot(hours, y + shift, ".", color=MUTED, markersize=3, alpha=0.5)
            ax.plot([step.low, step.high], [y, y], color=NEED, linewidth=2.4)
            ax.plot([step.mean], [y], "o", color=NEED, markersize=5)
        ax.set_yticks(range(len(steps)), [f"{name} · {step.name} ({step.entries})" for name, step in steps])
        ax.set_ylim(len(steps) - 0.4, -0.6)
        ax.set_xlim(left=0)
        ax.xaxis.grid(True, color=GRID, linewidth=0.8)
        ax.set_axisbelow(True)
        ax.set_xlabel(w.term("effort_axis", lang), color=MUTED)
        _title(ax, w.phrase("effort_title", lang))
        _use_font(ax, lang)
    return figure


def _churn(made: SuccessDraft, lang: Language) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    with _style(lang):
        figure = Figure(figsize=(7.2, 1.3 + 0.42 * max(len(made.segments), 2)), layout="constrained")
        ax = figure.subplots()
        for y, one in enumerate(made.segments):
            rate = one.churn_per_month
            ax.plot([rate.low, rate.high], [y, y], color=PLAN, linewidth=2.4)
            ax.plot([rate.value], [y], "o", color=PLAN)
            ax.annotate(
                w.phrase("churn_counts", lang, events=rate.events, exposure=w.number(rate.exposure)), (rate.high, y),
                xytext=(6, 0), textcoords="offset points", va="center", color=INK, fontsize=8, annotation_clip=False,
            )  # fmt: skip
        ax.set_yticks(range(len(made.segments)), [one.name for one in made.segments])
        ax.set_ylim(len(made.segments) - 0.4, -0.6)
        ax.set_xlim(0, 1.7 * max(one.churn_per_month.high for one in made.segments))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: w.share(v, lang, 1)))
        ax.xaxis.grid(True, color=GRID, linewidth=0.8)
        ax.set_axisbelow(True)
        _title(ax, w.phrase("churn_title", lang))
        _use_font(ax, lang)
    return figure
