"""A need per interval covered by shifts at least cost, by a mixed-integer program (HiGHS through scipy).

Whole numbers of people x_t on the tours t (:mod:`simulator.support.shifts`), and of breaks y_sbp that stint s (a shift
on one kind of day) takes as its b-th one at its p-th possible time:

    minimise    Σ_t paid hours per week · x_t
    subject to  Σ_s (X_s - Σ_bp y_sbp where they take the cell) >= need, in every cell,   X_s = Σ of x_t over its tours
                Σ_p y_sbp = X_s                                          for every stint and break

This is the set covering of Dantzig (1954, Operations Research 2:339-341) with the breaks counted beside the shifts
instead of a column for every way to take them (Aykin 1996, Management Science 42:591-602); the windows of a shift's
breaks do not overlap, so any such counts can be handed out to its people.

Ties: of rosters that cost the same, one with the fewest people; of these, one whose people are on the tours named
first (the least sum of places in the scenario's order). Each is a program of its own with the objectives before it
held, which is solved far faster than one program with large weights. What is left, break times of equal use, is the
solver's choice; it is deterministic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.errors import ParameterError
from simulator.support.shifts import Tours

MOST_NODES = 5_000
"""Branches after which the solver hands back the best roster found: a limit in time would not be repeatable."""

_NEARLY = 1e-6
"""What the solver calls whole or equal."""


@dataclass(frozen=True, eq=False)
class Cover:
    """People on tours who cover a need.

    Attributes:
        people: int64 (T,), on each tour.
        agents: int64 (C,), present in each cell, breaks taken off.
        paid_hours_per_week: of all of them.
        proven: no roster is better. False if the solver gave up looking after :data:`MOST_NODES` branches.
    """

    people: NDArray[np.int64]
    agents: NDArray[np.int64]
    paid_hours_per_week: float
    proven: bool


class _Program:
    """The program's columns (tours, then breaks) and rows."""

    def __init__(self, tours: Tours) -> None:
        from scipy import sparse

        count = len(tours.tours)
        stints = np.zeros((len(tours.stints), count))
        for t, of_tour in enumerate(tours.of_tour):
            stints[[s for _, s in of_tour], t] = 1.0
        covered = np.array([s.covered for s in tours.stints], dtype=float)
        breaks: list[NDArray[np.float64]] = []
        balance: list[tuple[int, int]] = []
        for s, stint in enumerate(tours.stints):
            for spans in stint.breaks:
                breaks.append(-spans.any(axis=1).astype(float))
                balance.append((s, len(spans)))
        taken = np.concatenate(breaks) if breaks else np.zeros((0, len(tours.cells.load)))
        self.tours = tours
        self.coverage = sparse.csr_array(np.concatenate([(stints.T @ covered), taken]).T)
        rows = np.zeros((len(balance), count + len(taken)))
        column = count
        for row, (s, positions) in enumerate(balance):
            rows[row, :count] = -stints[s]
            rows[row, column : column + positions] = 1.0
            column += positions
        self.balance = sparse.csr_array(rows)
        self.columns = column
        self.paid = np.array([tour.paid_hours_per_week for tour in tours.tours])

    def objective(self, of_tours: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate([of_tours, np.zeros(self.columns - len(of_tours))])

    def solve(
        self,
        cost: NDArray[np.float64],
        need: NDArray[np.float64],
        caps: list[tuple[NDArray[np.float64], float]],
        whole: bool,
    ) -> tuple[NDArray[np.float64] | None, bool]:
        """The columns of least cost, and whether they are proven to be."""
        from scipy.optimize import Bounds, LinearConstraint, milp

        wanted = need > 0
        rules = [LinearConstraint(self.coverage[wanted], lb=need[wanted])] if wanted.any() else []
        if self.balance.shape[0]:
            rules.append(LinearConstraint(self.balance, 0, 0))
        rules += [LinearConstraint(row[None], ub=limit) for row, limit in caps]
        found = milp(
            cost,
            integrality=np.full(self.columns, int(whole)),
            bounds=Bounds(0, np.inf),
            constraints=rules,
            options={"mip_rel_gap": 0.0, "node_limit": MOST_NODES},
        )
        return found.x, found.status == 0


def cover(tours: Tours, need: NDArray[np.int64], most: int | None = None) -> Cover | None:
    """The roster of least cost that has at least ``need`` agents in every cell; None if there is none.

    Args:
        need: int64 (C,), agents per cell.
        most: no more people than that.

    Raises:
        ParameterError: a need that does not fit the cells.
    """
    if need.shape != tours.cells.load.shape or np.any(need < 0):
        raise ParameterError(f"the need must hold one number, 0 or more, for each of {len(tours.cells.load)} cells")
    program = _Program(tours)
    ones = np.ones(len(tours.tours))
    minutes = np.round(program.paid * 60).astype(np.int64)
    caps = [] if most is None else [(program.objective(ones), float(most))]
    best: NDArray[np.float64] | None = None
    proven = True
    # costs in whole units keep the numbers small
    for cost in (minutes / max(int(np.gcd.reduce(minutes)), 1), ones, np.arange(len(ones), dtype=float)):
        columns, sure = program.solve(program.objective(cost), need.astype(float), caps, True)
        if columns is None:
            break
        proven &= sure
        best = np.round(columns)
        caps.append((program.objective(cost), float(cost @ best[: len(ones)]) + _NEARLY))
    if best is None:
        return None
    return Cover(
        people=best[: len(ones)].astype(np.int64),
        agents=np.round(program.coverage @ best).astype(np.int64),
        paid_hours_per_week=float(program.paid @ best[: len(ones)]),
        proven=proven,
    )


def least_people(tours: Tours, need: NDArray[np.float64]) -> float:
    """A lower bound on the people whose shifts cover a need (C,), which may be fractional: the program without whole
    numbers. Cells that no tour reaches are left out."""
    program = _Program(tours)
    columns, _ = program.solve(
        program.objective(np.ones(len(tours.tours))), np.where(tours.reached(), need, 0.0), [], False
    )
    assert columns is not None, "enough people cover what shifts reach"
    return float(columns[: len(tours.tours)].sum())
