"""Look before running: what a scenario asks of its people by closed forms, and what looks suspicious."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from simulator.horizon import Horizon
from simulator.planning.requirement import from_work
from simulator.scenario.schema import Scenario
from simulator.support.staffing import GroupPlan
from simulator.timegrid import HOUR_SECONDS, WEEKDAYS, clock

HIGH_OCCUPANCY = 0.9
"""Expected occupancy above which a real-time group can hardly keep a service level."""


def _at_work(plan: GroupPlan, month: int, heads: int) -> float:
    """Agent-hours of a month while a queue of the group is open."""
    cells = plan.patterns[month]
    return float(plan.rosters[month].cover(round(heads * plan.on_duty)) @ np.where(cells.load > 0, cells.hours, 0.0))


def _of_shifts(scenario: Scenario, name: str, plan: GroupPlan) -> Iterator[str]:
    """What looks suspicious about the shifts of a group."""
    assert scenario.support is not None
    group, interval = scenario.support.groups[name], scenario.calendar.interval
    names = (*WEEKDAYS, "holiday")
    bare: dict[str, list[float]] = {}
    for roster in plan.rosters:
        cells = roster.tours.cells
        for c in np.flatnonzero((cells.load > 0) & ~roster.tours.reached()):
            bare.setdefault(names[cells.kind[c]], []).append(cells.slot[c] * interval)
    if bare:
        spans = (f"{day} {clock(min(times))} to {clock(max(times) + interval)}" for day, times in bare.items())
        yield f"no shift of {name} reaches some of its opening hours, between {', '.join(spans)}"
    for tour in plan.rosters[0].tours.tours:
        if abs(tour.paid_hours_per_week - group.hours_per_week) > 0.05:
            yield (
                f"shift {tour.shift} on {tour.days} pays {tour.paid_hours_per_week:g} hours a week,"
                f" {name} is paid for {group.hours_per_week:g}"
            )


def preview(scenario: Scenario) -> Iterator[str]:
    """Lines for a person: offered load per queue and group, work per team, warnings. Nothing is simulated."""
    horizon = Horizon(scenario)
    grid = horizon.grid
    warnings: list[str] = []
    yield f"# days: {grid.days}, public holidays: {int(grid.holiday.sum())}, intervals: {grid.intervals:,}"
    if scenario.support is not None:
        by_month = np.add.reduceat(horizon.expected_contacts, grid.month_interval[:-1], axis=1)
        yield "# expected contacts (with escalations and repeats, if all are answered) per month, first and last:"
        for q, name in enumerate(scenario.support.queues):
            yield f"#   {name}: {by_month[q, 0]:,.0f} → {by_month[q, -1]:,.0f}"
            if by_month[q].max() == 0:
                warnings.append(f"{name} gets no contact")
        yield "# offered load of the groups in agent-hours per month, against the plan before hires and leavers:"
        for g, (name, group) in enumerate(scenario.support.groups.items()):
            plan = horizon.plans[g]
            load = np.array([cells.load @ cells.hours for cells in plan.patterns])
            if plan.given:
                hours = [
                    np.diff(grid.interval_start[a : b + 1]) / HOUR_SECONDS for a, b in pairwise(grid.month_interval)
                ]
                inside = [cells.cell_of >= 0 for cells in plan.patterns]
                rows = zip(plan.given, hours, inside, strict=True)
                given = np.array([(agents * length)[while_open].sum() for agents, length, while_open in rows])
            elif plan.fixed is not None:
                given = np.array([plan.fixed * cells.hours.sum() for cells in plan.patterns])
            elif plan.rosters:
                given = np.array([_at_work(plan, m, group.headcount) for m in range(grid.months)])
                warnings += _of_shifts(scenario, name, plan)
            else:
                given = group.headcount * plan.hours_per_head
            given = given * (1.0 - group.absence)
            with np.errstate(invalid="ignore", divide="ignore"):
                busy = load / given
            worst = int(np.nanargmax(np.where(given > 0, busy, np.inf)))
            yield (
                f"#   {name}: {load[0]:,.0f} → {load[-1]:,.0f} of {given[0]:,.0f} → {given[-1]:,.0f} hours,"
                f" occupancy at most {busy[worst]:.0%} ({grid.month_labels[worst]})"
            )
            if busy[worst] > HIGH_OCCUPANCY:
                warnings.append(
                    f"{name} is expected to be busy {busy[worst]:.0%} of its time in {grid.month_labels[worst]}"
                )
    if scenario.success is not None and horizon.central.success is not None:
        work = from_work(horizon)
        yield "# work of the teams, in heads by the sum of the hours, by quarter:"
        for t, (name, team) in enumerate(scenario.success.teams.items()):
            yield f"#   {name}: {', '.join(f'{heads:.1f}' for heads in work[t])} of {team.headcount}"
            if np.nanmax(work[t]) > team.headcount:
                warnings.append(f"{name} has work for {np.nanmax(work[t]):.1f} heads and {team.headcount} in the plan")
    if scenario.uncertain and scenario.monte_carlo.chance_repeats < 2:
        warnings.append("monte_carlo.chance_repeats 1 cannot tell uncertain inputs from chance")
    if scenario.placeholders:
        warnings.append(f"values that are no more than placeholders: {len(scenario.placeholders)}, listed above")
    for warning in warnings:
        yield f"# note: {warning}"
