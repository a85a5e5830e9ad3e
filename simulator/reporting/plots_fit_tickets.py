"""Figures of a drafted ticket queue: what was recorded beside what was fitted, for a person to judge.

The colours and the style are those of :mod:`simulator.reporting.plots`; pyplot's state stays untouched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator import timegrid
from simulator.glossary import Language
from simulator.reporting import wording as w
from simulator.reporting.plots import GOOD, GRID, INK, MUTED, NEED, PLAN, _style, _title, _use_font, usable_language

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulator.studies.fit_tickets import TicketDraft
    from simulator.support.tickets import Elapsed

_TICKS = (1, 10, 60, 600, 3600, 6 * 3600, 86400, 7 * 86400, 30 * 86400, 365 * 86400)


def figures(made: TicketDraft, lang: Language = "en") -> dict[str, Figure]:
    """``arrivals`` (tickets by weekday and hour), ``moves`` (re-assignments) and ``elapsed_…`` by kind of time."""
    lang = usable_language(lang)
    drawn = {"arrivals": _arrivals(made, lang)}
    if made.shares:
        drawn["moves"] = _moves(made, lang)
    for name, one in made.times.items():
        drawn[f"elapsed_{name}"] = _elapsed(name, one, lang)
    return drawn


def _arrivals(made: TicketDraft, lang: Language) -> Figure:
    """A cell per weekday and hour, darker where more tickets come; the day's total at its end."""
    from matplotlib.figure import Figure

    with _style(lang):
        figure = Figure(figsize=(7.6, 3.5), layout="constrained")
        ax = figure.subplots()
        mean = np.ma.masked_invalid(made.by_hour)
        image = ax.imshow(mean, cmap="Blues", aspect="auto", vmin=0, extent=(0, 24, 7, 0))
        ax.set_yticks(np.arange(7) + 0.5, [w.day(day, lang) for day in timegrid.WEEKDAYS])
        ax.set_xticks(range(0, 25, 3), [f"{hour}:00" for hour in range(0, 25, 3)])
        for row, total in enumerate(made.by_hour.sum(axis=1)):
            ax.annotate(w.number(float(total), 0 if total >= 100 else 1), (24, row + 0.5), xytext=(6, 0),
                        textcoords="offset points", va="center", color=INK, fontsize=9,
                        annotation_clip=False)  # fmt: skip
        ax.annotate(w.phrase("tickets_per_day", lang), (24, 0), xytext=(4, 5), textcoords="offset points",
                    color=MUTED, fontsize=8, annotation_clip=False)  # fmt: skip
        for side in ax.spines.values():
            side.set_visible(False)
        ax.tick_params(length=0)
        bar = figure.colorbar(image, ax=ax, pad=0.11, fraction=0.04)
        bar.outline.set_visible(False)
        bar.ax.set_ylabel(w.phrase("tickets_per_hour", lang), color=MUTED)
        span = w.between(f"{made.days[0]:%Y-%m-%d}", f"{made.days[-1]:%Y-%m-%d}", lang)
        _title(ax, w.phrase("tickets_by_hour_title", lang, span=span))
        _use_font(ax, lang)
        _use_font(bar.ax, lang)
    return figure


def _moves(made: TicketDraft, lang: Language) -> Figure:
    """Every share with its interval."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    with _style(lang):
        figure = Figure(figsize=(7.2, 1.3 + 0.42 * max(len(made.shares), 2)), layout="constrained")
        ax = figure.subplots()
        for y, one in enumerate(made.shares.values()):
            ax.plot([one.low, one.high], [y, y], color=NEED, linewidth=2.4)
            ax.plot([one.value], [y], "o", color=NEED, markersize=5)
            text = w.phrase("moves_count", lang, share=w.share(one.value, lang, 1), mean=w.number(one.mean, 2))
            ax.annotate(text, (one.high, y), xytext=(8, 0), textcoords="offset points", va="center", color=INK,
                        fontsize=8, annotation_clip=False)  # fmt: skip
        ax.set_yticks(range(len(made.shares)), [w.phrase(f"moves_{name}", lang) for name in made.shares])
        ax.set_ylim(len(made.shares) - 0.4, -0.6)
        # room for the text beside the widest interval
        ax.set_xlim(0, max(0.05, 1.7 * max(one.high for one in made.shares.values())))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: w.share(v, lang) if v <= 1 else ""))
        ax.xaxis.grid(True, color=GRID, linewidth=0.8)
        ax.set_axisbelow(True)
        tickets = max(one.tickets for one in made.shares.values())
        _title(ax, w.phrase("moves_title", lang, tickets=w.number(tickets)))
        _use_font(ax, lang)
    return figure


def _elapsed(name: str, one: Elapsed, lang: Language) -> Figure:
    """The recorded survival curve and up to three laws, over time on a logarithmic axis."""
    from matplotlib.figure import Figure

    with _style(lang):
        figure = Figure(figsize=(6.4, 3.7), layout="constrained")
        ax = figure.subplots()
        last = max(float(np.quantile(one.durations, 0.999)), 60.0)
        t = np.geomspace(1.0, last, 400)
        censored = "tickets_curve_censored" if not one.ended.all() else "tickets_curve"
        ax.step(t, one.curve.at(t), where="post", color=INK, lw=2.2, label=w.phrase(censored, lang))
        styles = ((NEED, "-", 1.8), (PLAN, "--", 1.2), (GOOD, ":", 1.4))
        for candidate, (colour, line, width) in zip(one.laws, styles, strict=False):
            more = candidate.aic - one.laws[0].aic
            note = f"AIC +{more:,.0f}" if candidate is not one.laws[0] else w.phrase("tickets_chosen", lang)
            family = w.phrase(f"law_{candidate.law.family}", lang)
            ax.plot(t, candidate.law.survival(t), line, color=colour, lw=width, label=f"{family} ({note})")
        _time_axis(ax, last, lang)
        ax.set_ylim(0, 1.02)
        ax.set_yticks([0, 0.25, 0.5, 0.75, 1.0], [w.share(v, lang) for v in (0, 0.25, 0.5, 0.75, 1.0)])
        ax.set_ylabel(w.phrase("tickets_still", lang), color=MUTED)
        ax.grid(axis="y", color=GRID, linewidth=0.6)
        ax.set_axisbelow(True)
        # on a logarithmic axis the curve falls from upper left to lower right: below left is free unless most end soon
        early = float(one.curve.at(np.array([last**0.5]))[0])
        ax.legend(frameon=False, fontsize=8.5, loc="lower left" if early > 0.5 else "upper right")
        over, number = int(one.ended.sum()), len(one.ended)
        counts = w.phrase("tickets_counts", lang, number=w.number(number), censored=w.number(number - over))
        _title(ax, f"{w.phrase(f'elapsed_{name}', lang)}{counts}")
        _use_font(ax, lang)
    return figure


def _time_axis(ax: Axes, last: float, lang: Language) -> None:
    ax.set_xscale("log")
    ticks = [tick for tick in _TICKS if tick <= last]
    units = ((86400, " d", "日"), (3600, " h", "時間"), (60, " min", "分"), (1, " s", "秒"))
    labels = []
    for tick in ticks:
        size, en, ja = next(unit for unit in units if tick >= unit[0])
        labels.append(f"{tick // size}{ja if lang == 'ja' else en}")
    ax.set_xticks(ticks, labels)
    ax.minorticks_off()
    ax.set_xlim(1.0, last)
