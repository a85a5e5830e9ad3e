"""Figures of a replay: real days beside simulated ones, for a planner to judge.

Black is the record, blue the simulation with its band (P10 to P90 of the replications), the orange dashes Erlang A.
Style and colours are those of :mod:`simulator.reporting.plots`; pyplot's state stays untouched.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.glossary import Language
from simulator.reporting import wording as w
from simulator.reporting.plots import GRID, INK, MUTED, NEED, PLAN, _style, _value_axis, render, usable_language
from simulator.studies import replay as study

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_DATES, _WEEKEND = 10, 4


class Figures:
    """Figures of one replay."""

    def __init__(self, made: study.Replay, lang: Language = "en") -> None:
        self.made, self.lang = made, usable_language(lang)

    def days(self) -> Figure:
        """Every measure day by day (left) and by time of day, all days together (right)."""
        return self._sheet(
            lambda table, measure: (study.by_day(table, measure), study.by_time(table, measure)),
            (_dates, _times),
            (1.5, 1.0),
            titles=True,
        )

    def queues(self) -> Figure:
        """Every measure by kind of call, all days together."""
        return self._sheet(
            lambda table, measure: (study.by_queue(table, measure),), (_names,), (1.0,), titles=False, lines=False
        )

    def _sheet(
        self,
        parts: Callable[[pd.DataFrame, str], tuple[pd.DataFrame, ...]],
        axes_of: tuple[Callable[[Axes, pd.DataFrame], None], ...],
        widths: tuple[float, ...],
        *,
        titles: bool,
        lines: bool = True,
    ) -> Figure:
        from matplotlib.figure import Figure

        made, lang = self.made, self.lang
        with _style(lang):
            width = 5.0 * sum(widths) if len(widths) > 1 else 6.4
            figure = Figure(figsize=(width, 8.4), layout="constrained")
            grid = np.atleast_2d(figure.subplots(len(study.MEASURES), len(widths), width_ratios=widths, squeeze=False))
            for row, measure in zip(grid, study.MEASURES, strict=True):
                for ax, part, set_axis in zip(row, parts(made.table, measure), axes_of, strict=True):
                    _beside(ax, part, lang, lines=lines)
                    set_axis(ax, part)
                    unit = "share" if measure != "mean_wait" else "s"
                    _value_axis(ax, lambda value, unit=unit: _written(value, unit, lang), 0.0)  # type: ignore[misc]
                row[0].set_title(self._message(measure) if titles else w.heading(measure, lang))
            if titles:
                grid[0, 1].set_title(w.phrase("replay_by_time", lang))
            handles, labels = grid[0, 0].get_legend_handles_labels()
            figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
        return figure

    def _message(self, measure: str) -> str:
        rows = self.made.accuracy[self.made.accuracy["measure"] == measure].set_index("model")
        errors: Any = rows["mean_absolute_error"]
        ours, theory = (w.off(float(errors[name]), measure, self.lang) for name in study.MODELS[:2])
        return w.phrase("replay_message", self.lang, measure=w.heading(measure, self.lang), error=ours, erlang=theory)


def _written(value: float, unit: str, lang: Language) -> str:
    return w.share(value, lang) if unit == "share" else w.seconds(value, lang)


def _beside(ax: Axes, part: pd.DataFrame, lang: Language, *, lines: bool) -> None:
    at = np.arange(len(part))
    low, high = part["p10"].to_numpy(), part["p90"].to_numpy()
    middle, real = part["simulated"].to_numpy(), part["recorded"].to_numpy()
    label, real_label = w.phrase("replay_simulated", lang), w.phrase("replay_recorded", lang)
    if lines:
        band = w.phrase("replay_band", lang)
        for piece in np.split(at, _gaps(part)):
            shown = piece if len(piece) > 1 else np.add(np.repeat(piece, 2), (-0.2, 0.2))  # a day alone has a width too
            where = np.repeat(piece, 2) if len(piece) == 1 else piece
            ax.fill_between(shown, low[where], high[where], color=NEED, alpha=0.22, linewidth=0, label=band)
            ax.plot(shown, middle[where], color=NEED, linewidth=1.6, label=label)
            band = "_"
            label = "_"
        # a dash for each, because a line would break into pieces at every gap and where it leaves the axes
        ax.plot(
            at,
            part["erlang_a"],
            color=PLAN,
            linewidth=0,
            marker="_",
            markersize=7,
            markeredgewidth=1.6,
            label=w.term("erlang_a", lang),
        )
        ax.plot(at, real, color=INK, linewidth=0, marker="o", markersize=3.6, label=real_label)
        # an empty cell's Erlang A may be far off: the record and its simulation decide how high the axis is
        top = max(float(np.max(high)), float(np.max(real)))
        ax.set_ylim(0, max(1.15 * top, 1e-9))
    else:
        ax.vlines(at, low, high, color=NEED, alpha=0.35, linewidth=7, label=w.phrase("replay_band", lang))
        ax.plot(at, middle, color=NEED, linewidth=0, marker="_", markersize=12, markeredgewidth=2, label=label)
        ax.plot(at, real, color=INK, linewidth=0, marker="o", markersize=4.5, label=real_label)


def _gaps(part: pd.DataFrame) -> list[int]:
    """Rows before which more than a weekend is missing."""
    if study.ALL in set(part["date"]):
        return []
    days = [dt.date.fromisoformat(text) for text in part["date"]]
    return [i for i in range(1, len(days)) if (days[i] - days[i - 1]).days > _WEEKEND]


def _dates(ax: Axes, part: pd.DataFrame) -> None:
    """Days side by side, whatever lies between them; a rule where some are missing for more than a weekend."""
    days = [dt.date.fromisoformat(text) for text in part["date"]]
    for i in _gaps(part):
        ax.axvline(i - 0.5, color=GRID, linewidth=1.0)
    kept = range(0, len(days), max(1, -(-len(days) // _MOST_DATES)))
    years = [days[i].year for i in kept]
    new = [year != before for year, before in zip(years, [0, *years], strict=False)]
    labels = [f"{days[i]:%m-%d}" + (f"\n{days[i].year}" if first else "") for i, first in zip(kept, new, strict=True)]
    ax.set_xticks(list(kept), labels)
    ax.set_xlim(-0.6, len(days) - 0.4)


def _times(ax: Axes, part: pd.DataFrame) -> None:
    full = [i for i, time in enumerate(part["time"]) if int(time[:2]) % 3 == 0 and time.endswith(":00")]
    ax.set_xticks(full, [f"{int(part['time'][i][:2])}:00" for i in full])
    ax.set_xlim(-0.6, len(part) - 0.4)


def _names(ax: Axes, part: pd.DataFrame) -> None:
    labels = [f"{name}\n{calls:,}" for name, calls in zip(part["queue"], part["offered"], strict=True)]
    ax.set_xticks(range(len(part)), labels)
    ax.tick_params(axis="x", length=0, labelcolor=MUTED)
    ax.set_xlim(-0.6, len(part) - 0.4)


def save_figures(made: study.Replay, folder: Path, lang: Language = "en") -> list[Path]:
    """Write every figure as PNG and SVG into ``folder``; the paths written."""
    from simulator.results import write_atomically

    drawn, paths = Figures(made, lang), []
    for name, figure in (("days", drawn.days()), ("queues", drawn.queues())):
        for kind in ("png", "svg"):
            path = folder / f"{name}.{kind}"
            write_atomically(path, render(figure, kind, lang, salt=name))
            paths.append(path)
    return paths
