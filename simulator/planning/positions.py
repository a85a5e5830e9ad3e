"""Positions of the plan with their loaded cost, and why its simulated cost is not that of the opening heads.

A position is a seat in the budget: somebody who is there when the horizon opens, or a planned hire; a planned layoff
takes seats away. Who fills it may leave and be replaced; that is the difference between the positions' cost and the
simulated one (:func:`variance`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.horizon import pay_of, units
from simulator.scenario.schema import Scenario
from simulator.workforce import Pay

Array = NDArray[np.float64]

MOST = 200
"""Opening heads of a team up to which each is a position of its own; more are one entry."""
BEFORE = -1
"""The start of those who are there when the horizon opens."""
CAUSES = ("volume", "mix", "timing", "attrition", "extra", "rate")
"""Causes in the order in which they are taken; each is measured with the earlier ones in place."""


@dataclass(frozen=True)
class Position:
    """``heads`` seats of one team that begin together, or that end when a month begins (below 0).

    Attributes:
        start: month from 0, :data:`BEFORE` for the opening heads.
        pay: loaded pay and seat of one head in a month; hiring: cost of a start, 0 for the opening heads.
    """

    wing: str
    team: str
    number: int
    heads: int
    start: int
    pay: float
    hiring: float


def positions(scenario: Scenario) -> list[Position]:
    """Every position of the plan, team by team, the opening ones first, at the central values of uncertain inputs and
    before raises. One whose search is open when the horizon begins is planned for its first month."""
    months = scenario.calendar.grid().month_labels
    found: list[Position] = []
    for wing, team, unit in units(scenario):
        pay = pay_of(scenario, unit)
        groups = [1] * unit.headcount if unit.headcount <= MOST else [unit.headcount]
        seats = [(heads, BEFORE, 0.0) for heads in groups]
        seats += [(1, 0, pay.hiring_cost)] * sum(unit.open_requisitions.values())
        for label, count in sorted(unit.rises.items()):
            seats += [(1, months.index(label), pay.hiring_cost)] * count
        seats += [(-count, months.index(label), 0.0) for label, count in sorted(unit.layoffs.items())]
        found += [
            Position(wing, team, number, heads, start, pay.per_month, cost)
            for number, (heads, start, cost) in enumerate(seats, start=1)
        ]
    return found


@dataclass(frozen=True, eq=False)
class Drivers:
    """What a team's cost is made of; head-months are heads summed over the months.

    Attributes:
        opening, hires: heads at the opening, and planned hires, less planned layoffs.
        planned: head-months of all positions from their planned starts.
        late: head-months by which planned hires start later than planned, in the mean of the runs.
        vacant: head-months of positions whose holder left and is not replaced yet.
        started, backfills: planned hires and successors that started.
        extra: cost of overtime, contractors, minutes, overhead and severance in the mean of the runs.
        simulated: cost in the mean of the runs.
    """

    team: str
    pay: float
    hiring: float
    opening: float
    hires: float
    planned: float
    late: float
    vacant: float
    started: float
    backfills: float
    extra: float
    simulated: float


def drivers(
    team: str,
    pay: Pay,
    seats: list[Position],
    heads: Array,
    starts: Array,
    hires: Array,
    extra: float,
    simulated: float,
    laid_off: Array | None = None,
) -> Drivers:
    """The drivers of one team.

    Args:
        pay: of a head (:func:`simulator.horizon.pay_of`).
        seats: its positions.
        heads, starts, hires: means by month (M,) of the heads present, of all starts and of the planned ones.
        laid_off: the same of those whose last month it is by a layoff.
        extra, simulated: its mean cost over the horizon, of what is no head's pay and of everything.
    """
    months = len(heads)
    grown = [seat for seat in seats if seat.start != BEFORE]
    opening = sum(seat.heads for seat in seats if seat.start == BEFORE)
    planned = opening * months + sum(seat.heads * (months - seat.start) for seat in grown)
    due = np.array([sum(seat.heads * (seat.start <= month) for seat in grown) for month in range(months)], dtype=float)
    fallen = np.zeros(months) if laid_off is None else np.concatenate([[0.0], laid_off.cumsum()[:-1]])
    late = float((due - hires.cumsum() + fallen).sum())
    return Drivers(
        team=team,
        pay=pay.per_month,
        hiring=pay.hiring_cost,
        opening=float(opening),
        hires=float(sum(seat.heads for seat in grown)),
        planned=float(planned),
        late=late,
        vacant=planned - late - float(heads.sum()),
        started=float(hires.sum()),
        backfills=float((starts - hires).sum()),
        extra=extra,
        simulated=simulated,
    )


def variance(teams: list[Drivers], months: int) -> dict[str, Array]:
    """The way from the opening heads' cost to the simulated one by cause, (teams,) each; nothing is left over.

    volume: planned hires as if from the first month, at the mean pay of the opening heads, and what hiring those that
    start costs. mix: they belong to teams of other pay. timing: they start later, as planned and later than planned.
    attrition: seats that stand empty after a leaver, and what successors cost to hire. extra: overtime, contractors
    and minutes. rate: pay and hiring costs other than at the central values of the inputs, and raises; 0 where nothing
    is uncertain and nobody gets a raise.
    """

    def column(name: str) -> Array:
        return np.array([getattr(team, name) for team in teams], dtype=float)

    pay, opening, hires, hiring = (column(name) for name in ("pay", "opening", "hires", "hiring"))
    mean_pay = float(pay @ opening / opening.sum()) if opening.sum() else float(pay.mean()) if len(pay) else 0.0
    found = {
        "volume": hires * mean_pay * months + column("started") * hiring,
        "mix": hires * (pay - mean_pay) * months,
        "timing": (column("planned") - (opening + hires) * months - column("late")) * pay,
        "attrition": column("backfills") * hiring - column("vacant") * pay,
        "extra": column("extra"),
    }
    found["rate"] = column("simulated") - opening * pay * months - sum(found.values())
    return found
