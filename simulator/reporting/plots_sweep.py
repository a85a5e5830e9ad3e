"""The figure of a sweep: four KPIs over the input, a line and a band for each curve, the knee marked, and beneath it
the assumptions that it rests on.

The colours and the style are those of :mod:`simulator.reporting.plots`; pyplot's state stays untouched.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from simulator import units
from simulator.errors import ParameterError, nearest
from simulator.glossary import Language
from simulator.reporting import wording as w
from simulator.reporting.plots import (
    INK,
    MUTED,
    _colours,
    _new_axes,
    _style,
    _title,
    _use_font,
    _value_axis,
    usable_language,
)
from simulator.support.targets import read as read_targets

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulator.scenario.schema import Activity, Scenario, Team
    from simulator.studies.sweep import Sweep

SUCCESS_PANELS = ("on_time_share", "follow_up_delay", "utilisation", "revenue_at_risk")
SUPPORT_PANELS = ("service_level", "asa", "abandonment", "occupancy")
SIZE = (9.6, 7.6)  # inches
_CAPTION = 138  # characters a line
_LINES: tuple[Any, ...] = ("-", "-", (0, (4, 2)), (0, (4, 2)), (0, (1, 1)), (0, (1, 1)))


def units_of(found: Sweep) -> list[str]:
    """Groups and teams that a sweep can draw: those with targets first."""
    judged = list(dict.fromkeys(found.knees["team"]))
    return judged + [name for name in dict.fromkeys(found.points["team"]) if name not in judged]


def cliff(found: Sweep, team: str | None = None, lang: Language = "en") -> Figure:
    """Four panels over the swept input for one team or group, default the first with targets.

    Raises:
        ParameterError: no such team or group in the sweep.
    """
    from matplotlib.figure import Figure

    chosen, kpis = _chosen(found, team)
    lang = usable_language(lang)
    with _style(lang):
        figure = Figure(figsize=SIZE, layout="constrained")
        axes = figure.subplots(2, 2)
        for ax, kpi in zip(axes.flat, kpis, strict=True):
            _panel(ax, found, chosen, kpi, lang)
            _use_font(ax, lang)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=min(len(labels), 4), frameon=False)
        caption = "\n".join(_wrapped(line, lang) for line in assumptions(found, chosen, lang))
        figure.supxlabel(caption, x=0.01, ha="left", fontsize=8, color=MUTED)
    return figure


def panel(
    found: Sweep, kpi: str | None = None, team: str | None = None, ax: Axes | None = None, lang: Language = "en"
) -> Axes:
    """One of the four panels of :func:`cliff`, default the first. Raises as it does, also for an unknown KPI."""
    chosen, kpis = _chosen(found, team)
    if kpi is not None and kpi not in kpis:
        raise ParameterError(f"no panel of {kpi!r} (known: {', '.join(kpis)})")
    lang = usable_language(lang)
    with _style(lang):
        axes = _new_axes() if ax is None else ax
        _panel(axes, found, chosen, kpi or kpis[0], lang)
        axes.legend(frameon=False, fontsize=8)
        _use_font(axes, lang)
    return axes


def _chosen(found: Sweep, team: str | None) -> tuple[str, tuple[str, ...]]:
    """The team or group asked for, default the first with targets, and its KPIs."""
    known = units_of(found)
    chosen = known[0] if team is None else team
    if chosen not in known:
        near = nearest(chosen, known)
        hint = f"; did you mean {near!r}?" if near else ""
        raise ParameterError(f"no team or group {chosen!r} in this sweep (known: {', '.join(known)}){hint}")
    wing = found.points.loc[found.points["team"] == chosen, "wing"].iloc[0]
    return chosen, SUCCESS_PANELS if wing == "success" else SUPPORT_PANELS


def _wrapped(line: str, lang: Language) -> str:
    width = _CAPTION * 6 // 10 if lang == "ja" else _CAPTION
    return textwrap.fill(line, width)


def _panel(ax: Axes, found: Sweep, team: str, kpi: str, lang: Language) -> None:
    from matplotlib.ticker import MaxNLocator

    kind, subject = _subject(found, team, kpi)
    table = found.curves
    rows = table[
        (table["month"] == "all") & (table["kind"] == kind) & (table["subject"] == subject) & (table["kpi"] == kpi)
    ]
    names = list(dict.fromkeys(found.points["curve"]))
    numeric = all(isinstance(v, int | float) for v in rows["value"])
    values = list(dict.fromkeys(rows["value"])) if not numeric else sorted(set(rows["value"]))
    place = {v: float(v) if numeric else float(i) for i, v in enumerate(values)}
    currency = found.scenario.currency
    for i, (name, colour) in enumerate(zip(names, _colours(len(names)), strict=True)):
        part = rows[rows["curve"] == name]
        x = [place[v] for v in part["value"]]
        ax.fill_between(x, part["p10"], part["p90"], color=colour, alpha=0.15, linewidth=0)
        style = _LINES[i % len(_LINES)]  # curves that lie on each other are told apart by their dashes
        ax.plot(x, part["mean"], color=colour, linewidth=2, linestyle=style, marker="o", markersize=2.5, label=name)
        _mark(ax, found.knees, name, team, colour, numeric)
    if len(rows):
        unit = rows["unit"].iloc[0]
        _value_axis(ax, lambda v: w.quantity(v, unit, lang, currency), bottom=None if unit == "share" else 0)
    if all(isinstance(v, int) for v in values):
        ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    elif not numeric:
        ax.set_xticks(list(place.values()), [str(v) for v in values])
    if kpi == "on_time_share" or kpi == "service_level":
        bound = _bound(found.scenario, subject, kpi)
        if bound is not None:
            ax.axhline(bound, color=INK, linewidth=0.9, linestyle="--")
            ax.annotate(w.term("target", lang), (0.0, bound), xycoords=("axes fraction", "data"), xytext=(3, 3),
                        textcoords="offset points", color=INK, fontsize=8)  # fmt: skip
    if kpi == "on_time_share":
        _label_marks(ax, found, team, lang)
    ax.set_xlabel(over(found, team, lang))
    title = w.heading(kpi, lang)
    _title(ax, title if subject == team else f"{title}: {_title_of(found.scenario, subject, lang)}")


def over(found: Sweep, team: str, lang: Language) -> str:
    """What is varied, in words."""
    return w.phrase("sweep_over_book", lang, team=team) if found.over.startswith("book of ") else found.over


def _subject(found: Sweep, team: str, kpi: str) -> tuple[str, str]:
    """Kind and subject of the rows that a panel shows: the first activity with a target, the group's first queue."""
    scenario = found.scenario
    points = found.points[found.points["team"] == team]
    if points["wing"].iloc[0] == "success":
        assert scenario.success is not None
        named = [name for name in scenario.success.targets.on_time if name != "all"]
        return ("activity", named[0]) if kpi == "on_time_share" and named else ("team", team)
    assert scenario.support is not None
    queue = next(iter(scenario.support.groups[team].serves))
    return ("group", team) if kpi == "occupancy" else ("queue", queue)


def _bound(scenario: Scenario, subject: str, kpi: str) -> float | None:
    if kpi == "on_time_share" and scenario.success:
        targets = scenario.success.targets.on_time
        return targets.get(subject, targets.get("all"))
    queue = scenario.support.queues.get(subject) if scenario.support else None
    goal = queue.targets.service_level if queue and queue.targets else None
    return goal.share if goal else None


def _mark(ax: Axes, knees: pd.DataFrame, curve: str, team: str, colour: str, numeric: bool) -> None:
    row = knees[(knees["curve"] == curve) & (knees["team"] == team)]
    if numeric and len(row) and not w.missing(float(row["knee"].iloc[0])) and bool(row["reached"].iloc[0]):
        ax.axvline(row["knee"].iloc[0], color=colour, linewidth=1.2, linestyle=":")


def _label_marks(ax: Axes, found: Sweep, team: str, lang: Language) -> None:
    """Write the knee of each curve over the panel's bottom, and what hours ÷ hours and the ratio give."""
    low, high = ax.get_ylim()
    names = list(dict.fromkeys(found.points["curve"]))
    step = 0
    for name, colour in zip(names, _colours(len(names)), strict=True):
        row = found.knees[(found.knees["curve"] == name) & (found.knees["team"] == team)]
        if len(row) and bool(row["reached"].iloc[0]) and not w.missing(float(row["knee"].iloc[0])):
            knee = float(row["knee"].iloc[0])
            text = w.phrase("knee_mark", lang, value=w.heads(knee))
            _note(ax, knee, low + (0.04 + 0.08 * step) * (high - low), text, colour)
            step += 1
    row = found.knees[found.knees["team"] == team]
    if found.over.startswith("book of ") and len(row):
        for column, key, colour in (
            ("book_from_work", "by_work_mark", INK),
            ("book_from_ratio", "by_ratio_mark", MUTED),
        ):
            value = float(row[column].iloc[0])
            if not w.missing(value):
                ax.axvline(value, color=colour, linewidth=1, linestyle="-.")
                text = w.phrase(key, lang, value=w.number(value))
                _note(ax, value, low + (0.04 + 0.08 * step) * (high - low), text, colour)
                step += 1
    ax.set_ylim(low, high)


def _note(ax: Axes, x: float, y: float, text: str, colour: str) -> None:
    first, last = ax.get_xlim()
    right = x > (first + last) / 2
    box: dict[str, Any] = {"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.5}
    side, shift = ("right", -4) if right else ("left", 4)
    place: dict[str, Any] = {"xytext": (shift, 0), "textcoords": "offset points", "ha": side}
    ax.annotate(text, (x, y), color=colour, fontsize=8, bbox=box, **place)


# --- assumptions -----------------------------------------------------------------------------------------------------


def assumptions(found: Sweep, team: str, lang: Language) -> list[str]:
    """What the figure rests on, a line each: how to read it, the team and its work, what each curve changes."""
    scenario = found.scenario
    lines = []
    knees = found.knees[found.knees["team"] == team]
    success = scenario.success
    one = success.teams.get(team) if success else None
    if len(knees):
        confidence = float(found.points[found.points["team"] == team]["confidence"].iloc[0])
        if one is not None and success is not None:
            targets = ", ".join(
                f"{_title_of(scenario, name, lang)} {w.percent(units.format_share(bound), lang)}"
                for name, bound in success.targets.on_time.items()
            )
        else:
            asked = read_targets(scenario).items if scenario.support else ()
            served = scenario.support.groups[team].serves if scenario.support else ()
            targets = "; ".join(
                w.target_text(
                    {"wing": "support", "subject": t.queue_name, "text": t.text, "text_ja": t.text_ja}, {}, lang
                )
                for t in asked
                if t.queue_name in served
            )
        window = w.term("quarter" if one is not None else "month", lang)
        lines.append(
            w.phrase("sweep_band", lang, runs=w.number(found.replications), window=window, targets=targets,
                     end=w.phrase("knee_last" if knees["load_rises"].iloc[0] else "knee_first", lang),
                     confidence=w.share(confidence, lang))
        )  # fmt: skip
    if one is not None and success is not None:
        held = " " + w.phrase("sweep_held", lang) if found.over.startswith("book of ") else ""
        lines.append(_team_line(scenario, one, lang) + held)
        apart, stop = ("、", "。") if lang == "ja" else ("; ", ".")
        lines.append(
            apart.join(_activity_line(scenario, name, a, lang) for name, a in success.activities.items()) + stop
        )
        lines.append(
            apart.join(
                w.phrase("sweep_meetings", lang, segment=name,
                         availability=w.share(scenario.accounts[name].meetings.availability, lang),
                         cancellation=w.share(scenario.accounts[name].meetings.cancellation, lang))
                for name in one.segments
            )
            + stop
        )  # fmt: skip
    from simulator.scenario.variants import differences

    for name, plan in found.plans.items():
        changes = [f"{c.path} {_shown(c.old)} → {_shown(c.new)}" for c in differences(scenario, plan)]
        if changes:
            lines.append(w.phrase("sweep_changes", lang, curve=name, changes=", ".join(changes)))
    return lines


def _shown(value: Any) -> str:
    return w.MISSING if value is None else str(value)


def _team_line(scenario: Scenario, team: Team, lang: Language) -> str:
    grid = scenario.calendar.grid()
    return w.phrase(
        "sweep_team", lang, heads=team.headcount, hours=w.heads(team.hours_per_week),
        share=w.share(team.customer_time, lang), months=grid.months, start=w.month(grid.month_labels[0], lang),
    )  # fmt: skip


def _activity_line(scenario: Scenario, name: str, activity: Activity, lang: Language) -> str:
    hours = " + ".join(
        w.number(step.work.mean / units.HOUR, 2).rstrip("0").rstrip(".") for step in activity.steps.values()
    )
    if activity.trigger == "rate":
        when = w.phrase("per_month_rate", lang, rate=f"{activity.per_month:.3g}")
    else:
        when = w.term(f"when_{activity.every or activity.trigger}", lang)
    return w.phrase("sweep_activity", lang, name=_title_of(scenario, name, lang), hours=hours, when=when)


def _title_of(scenario: Scenario, name: str, lang: Language) -> str:
    return w.activity_name(scenario, name, lang) if name != "all" else w.term(name, lang)
