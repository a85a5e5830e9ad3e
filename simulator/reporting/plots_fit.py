"""Figures of a drafted scenario: what was recorded beside what was fitted, for a person to judge.

One figure per question: arrivals, patience and talk of each queue, agents of the centre. Black is the record, colours
are the fit. The colours and the style are those of :mod:`simulator.reporting.plots`; pyplot's state stays untouched.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from simulator import timegrid
from simulator.glossary import Language
from simulator.reporting import wording as w
from simulator.reporting.plots import GOOD, GRID, INK, MUTED, NEED, PLAN, SERIES, _style, render, usable_language
from simulator.studies.fit import FEWEST_ENDINGS, INTERVAL, Draft, QueueDraft
from simulator.support import fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DAY_COLOURS = dict(zip(timegrid.WEEKDAYS, (*SERIES[:6], INK), strict=True))
AT_RISK = 30
"""Callers still waiting below which the Kaplan-Meier curve is too thin to judge by."""


def figures(made: Draft, lang: Language = "en") -> dict[str, Figure]:
    """Every figure of a draft by name: ``arrivals_phone``, ``patience_phone``, ``talk_phone``, …, ``agents``."""
    lang = usable_language(lang)
    drawn: dict[str, Figure] = {}
    for queue in made.queues:
        drawn[f"arrivals_{queue.name}"] = _arrivals(queue, lang)
        if queue.fit.waited is not None:
            drawn[f"patience_{queue.name}"] = _one(queue, _patience, lang)
        drawn[f"talk_{queue.name}"] = _one(queue, _talk, lang)
    drawn["agents"] = _agents(made, lang)
    return drawn


def save_figures(made: Draft, folder: Path, lang: Language = "en") -> list[Path]:
    """Write every figure as PNG into ``folder``; the paths written."""
    from simulator.results import write_atomically

    paths = []
    for name, figure in figures(made, lang).items():
        path = folder / f"{name}.png"
        write_atomically(path, render(figure, "png", lang))
        paths.append(path)
    return paths


def _one(queue: QueueDraft, draw: Callable[[QueueDraft, Axes, Language], None], lang: Language) -> Figure:
    from matplotlib.figure import Figure

    with _style(lang):
        figure = Figure(figsize=(6.4, 3.6), layout="constrained")
        draw(queue, figure.subplots(), lang)
    return figure


def _hour_axis(ax: Axes, first: float, last: float, most: int = 7) -> None:
    step = next(step for step in (1, 2, 3, 6, 12, 24) if (last - first) / step <= most)
    ax.set_xticks(np.arange(math.ceil(first / step) * step, last + 0.01, step))
    ax.xaxis.set_major_formatter(lambda hour, _: f"{int(hour)}:00")
    ax.set_xlim(first, last)


def _arrivals(queue: QueueDraft, lang: Language) -> Figure:
    """The week's profile, and how the days differed from it."""
    from matplotlib.figure import Figure

    profile = queue.fit.profile
    with _style(lang):
        figure = Figure(figsize=(9.6, 3.8), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=[1.15, 1])
        hours = [timegrid.clock_seconds(time) / 3600 for row in profile.table.values() for time in row]
        shapes: dict[tuple[float, ...], list[str]] = {}
        for day, row in profile.table.items():
            shapes.setdefault((*map(timegrid.clock_seconds, row), *row.values()), []).append(day)
        for days in shapes.values():
            row = profile.table[days[0]]
            at = np.array([timegrid.clock_seconds(time) / 3600 for time in row])
            label = ", ".join(w.day(day, lang) for day in days)
            values = np.array(list(row.values()))
            for piece in np.split(np.arange(len(at)), np.flatnonzero(np.diff(at) > INTERVAL / 3600 + 1e-9) + 1):
                left.plot(at[piece] + 0.25, values[piece], color=_DAY_COLOURS[days[0]], linewidth=1.6, label=label)
                label = "_"
        if hours:
            _hour_axis(left, min(hours), max(hours) + 0.5)
        left.set_ylim(0, left.get_ylim()[1] * (1.12 if len(shapes) <= 4 else 1.24))  # room for the legend
        left.set_ylabel(w.phrase("fit_calls_axis", lang))
        left.grid(axis="y", color=GRID, linewidth=0.6)
        left.set_axisbelow(True)
        left.legend(frameon=False, fontsize=8, ncols=min(4, len(shapes)), loc="upper right", handlelength=1.2)
        left.set_title(w.phrase("fit_calls_title", lang, queue=queue.name))
        _day_factors(queue, right, lang)
    return figure


def _day_factors(queue: QueueDraft, ax: Axes, lang: Language) -> None:
    """Each day's total over its profile's, with the band that the factors promise."""
    from scipy import stats

    log, profile = queue.log, queue.fit.profile
    expected = np.array([sum(profile.table.get(timegrid.WEEKDAYS[day], {}).values()) for day in log.dates.day_of_week])
    counts = fit.interval_counts(log, INTERVAL)
    is_open = np.zeros((7, counts.shape[1]), dtype=bool)
    for day, row in profile.table.items():
        for time in row:
            is_open[timegrid.WEEKDAYS.index(day), int(timegrid.clock_seconds(time) // INTERVAL)] = True
    total = (counts * is_open[log.dates.day_of_week]).sum(axis=1)
    seen = expected > 0
    ratio = total[seen] / expected[seen]
    dates = log.dates[seen]
    factors = profile.factors
    cv = 0.0 if math.isnan(factors.total_cv) else factors.total_cv
    square = np.maximum(cv**2, 1e-9)
    mean = expected[seen]
    law = stats.nbinom(1 / square, 1 / (1 + mean * square))
    place = np.arange(len(ratio))
    names = dates.day_of_week.to_numpy()
    thick = float(np.clip(150 / max(len(ratio), 1), 1.0, 5.0))
    ax.vlines(place, law.ppf(0.1) / mean, law.ppf(0.9) / mean, color="#c8dcec", linewidth=thick)
    for day in np.unique(names):
        colour = _DAY_COLOURS[timegrid.WEEKDAYS[day]]
        ax.plot(place[names == day], ratio[names == day], "o", color=colour, markersize=3.2)
    ax.axhline(1.0, color=MUTED, linewidth=0.8)
    ticks = np.unique(np.linspace(0, max(len(ratio) - 1, 0), min(4, len(ratio))).round().astype(int))
    ax.set_xticks(ticks, [f"{dates[tick]:%Y-%m-%d}" for tick in ticks], fontsize=8)
    ax.set_xlabel(w.phrase("fit_days_axis", lang, days=len(ratio)), fontsize=9)
    ax.set_ylim(0, max(2.0, float(np.quantile(ratio, 0.98)) * 1.1) if len(ratio) else 2.0)
    ax.set_ylabel(w.phrase("fit_ratio_axis", lang))
    key = "fit_days_few" if math.isnan(factors.total_cv) else "fit_days_title"
    ax.set_title(w.phrase(key, lang, cv=f"{factors.total_cv:.2f}"))


def _patience(queue: QueueDraft, ax: Axes, lang: Language) -> None:
    curve = queue.fit.waited
    assert curve is not None
    thick = curve.at_risk >= AT_RISK
    end = float(curve.time[thick].max(initial=60.0))
    t = np.linspace(0.0, end, 400)
    time, share = np.append(0.0, curve.time), np.append(1.0, curve.share)
    shown = time <= end
    t_step, y_step = np.append(time[shown], end), np.append(share[shown], share[shown][-1])
    ax.step(t_step, y_step, where="post", color=INK, lw=2.2, label=w.phrase("tickets_curve_censored", lang))
    _candidates(ax, queue.fit.patience[:3], t, queue.fit.abandoned >= FEWEST_ENDINGS, lang)
    axes = {"xlabel": w.phrase("fit_waited_axis", lang), "ylabel": w.phrase("fit_waiting_axis", lang)}
    ax.set(xlim=(0, end), ylim=(0, 1.02), **axes)
    key = "fit_patience_few" if queue.fit.abandoned < FEWEST_ENDINGS else "fit_patience_title"
    ax.set_title(w.phrase(key, lang, queue=queue.name, count=w.number(queue.fit.abandoned)))
    _finish(ax)


def _talk(queue: QueueDraft, ax: Axes, lang: Language) -> None:
    talk = np.sort(queue.log.calls["talk"].dropna().to_numpy(dtype=float))
    low, high = 2.0, max(float(np.quantile(talk, 0.999)), 60.0)
    t = np.geomspace(low, high, 400)
    share = 1.0 - np.searchsorted(talk, t, side="right") / len(talk)
    ax.plot(t, share, color=INK, lw=2.2, label=w.phrase("tickets_curve", lang))
    _candidates(ax, queue.fit.talk[:3], t, len(talk) >= FEWEST_ENDINGS, lang)
    ax.set_xscale("log")
    ticks = [tick for tick in (2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200) if low <= tick <= high]
    units = ("秒", "分") if lang == "ja" else (" s", " min")
    ax.set_xticks(ticks, [f"{tick}{units[0]}" if tick < 60 else f"{tick // 60}{units[1]}" for tick in ticks])
    ax.minorticks_off()
    axes = {"xlabel": w.phrase("fit_talk_axis", lang), "ylabel": w.phrase("fit_talking_axis", lang)}
    ax.set(xlim=(low, high), ylim=(0, 1.02), **axes)
    told = {"count": w.number(len(talk)), "mean": f"{talk.mean():.0f}"}
    ax.set_title(w.phrase("fit_talk_title", lang, queue=queue.name, **told))
    _finish(ax)


def _candidates(ax: Axes, fits: tuple[fit.LawFit, ...], t: np.ndarray, enough: bool, lang: Language) -> None:
    styles = ((NEED, "-", 1.8), (PLAN, "--", 1.2), (GOOD, ":", 1.4))
    for candidate, (colour, line, width) in zip(fits, styles, strict=False):
        best = w.phrase("tickets_chosen" if enough else "fit_not_used", lang)
        note = best if candidate is fits[0] else f"AIC +{candidate.aic - fits[0].aic:,.1f}"
        label = f"{w.term(f'law_{candidate.law.family}', lang).removeprefix('law ')} ({note})"
        ax.plot(t, candidate.law.survival(t), line, color=colour, lw=width, label=label)


def _finish(ax: Axes) -> None:
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1.0], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    ax.grid(axis="y", color=GRID, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.legend(frameon=False, fontsize=8.5, loc="lower left")


def _agents(made: Draft, lang: Language) -> Figure:
    """Suggested and present agents by half hour, a panel per weekday."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    agents = made.agents
    count = len(agents.weekdays)
    across = min(count, 4) if count != 5 and count != 6 else 3
    down = math.ceil(count / max(across, 1))
    with _style(lang):
        figure = Figure(figsize=(2.7 * across + 1.2, 2.3 * down + 0.6), layout="constrained")
        panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).ravel()
        busy = np.flatnonzero(agents.calls.sum(axis=0))
        first, last = (busy.min() * 0.5, busy.max() * 0.5 + 0.5) if busy.size else (0.0, 24.0)
        edges = np.arange(agents.calls.shape[1] + 1) * INTERVAL / 3600
        for row, (ax, day) in enumerate(zip(panels, agents.weekdays, strict=False)):
            lines = [(agents.suggested[row], NEED, 1.6, "fit_suggested")]
            if agents.present is not None:
                lines.append((agents.present[row], INK, 1.4, "fit_present"))
            for values, colour, width, key in lines:
                shown = np.where(values > 0, values, np.nan)  # nobody is no stroke along the edges
                label = w.phrase(key, lang)
                ax.stairs(shown, edges, baseline=None, color=colour, linewidth=width, label=label)
            ax.set_title(w.day(timegrid.WEEKDAYS[day], lang), pad=4)
            ax.grid(axis="y", color=GRID, linewidth=0.6)
            ax.set_axisbelow(True)
            _hour_axis(ax, first, last, 4)
            ax.set_xticks(
                [tick for tick in ax.get_xticks() if tick < last - 0.2]
            )  # the next panel's labels start there
            ax.tick_params(labelsize=8, labelbottom=row + across >= count)
        for ax in panels[count:]:
            ax.set_visible(False)
        panels[0].set_ylim(0, max(1.0, panels[0].get_ylim()[1]) * 1.06)
        panels[0].yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
        figure.supylabel(w.term("agents", lang), fontsize=10, color=MUTED)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", frameon=False, fontsize=9, ncols=2)
    return figure
