"""Shifts that cover a need at least cost, against brute force."""

import datetime as dt
import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from simulator import timegrid
from simulator.errors import ParameterError
from simulator.planning import shifts as planning
from simulator.scenario.schema import Shift
from simulator.support import shifts
from simulator.support.shifts import Tours

HOURS = 3600.0


def made(patterns: dict[str, dict], load: float = 3.0, opening: str = "08:00-20:00", interval: float = HOURS) -> Tours:
    """The tours of a week that starts on a Monday."""
    grid = timegrid.build(dt.date(2027, 3, 1), None, 7, "Asia/Tokyo", None, interval)
    open_ = grid.open_intervals({"daily": opening})
    return shifts.tours(grid, 0, np.where(open_, load, 0.0), {n: Shift.model_validate(s) for n, s in patterns.items()})


def by_hand(tours: Tours, people: tuple[int, ...]) -> list[NDArray[np.int64]]:
    """Agents per cell for every way in which people on tours can take their breaks."""
    on = np.zeros(len(tours.stints), dtype=np.int64)
    for t, count in enumerate(people):
        for _, s in tours.of_tour[t]:
            on[s] += count
    options: list[list[NDArray[np.int64]]] = []
    base = np.zeros(len(tours.cells.load), dtype=np.int64)
    for stint, count in zip(tours.stints, on, strict=True):
        base += count * stint.covered
        for spans in stint.breaks:
            taken = spans.any(axis=1).astype(np.int64)
            splits = [x for x in itertools.product(range(count + 1), repeat=len(taken)) if sum(x) == count]
            options.append([np.array(x) @ taken for x in splits])
    return [base - sum(choice, np.zeros_like(base)) for choice in itertools.product(*options)]


def brute(tours: Tours, need: NDArray[np.int64], most: int = 4) -> tuple[float, int, int] | None:
    """Least paid hours, then people, then sum of places."""
    found = []
    for people in itertools.product(range(most + 1), repeat=len(tours.tours)):
        if any(np.all(agents >= need) for agents in by_hand(tours, people)):
            paid = sum(n * tour.paid_hours_per_week for n, tour in zip(people, tours.tours, strict=True))
            found.append((paid, sum(people), sum(t * n for t, n in enumerate(people))))
    return min(found, default=None)


INSTANCES = [
    {"long": {"start": ["08:00", "12:00"], "length": "8 h", "days": "mon"}},
    {
        "long": {"start": ["08:00", "10:00", "12:00"], "length": "8 h", "days": "mon"},
        "short": {"start": ["09:00"], "length": "4 h", "days": "mon"},
    },
    {
        "day": {
            "start": ["08:00", "11:00"],
            "length": "9 h",
            "days": "mon",
            "breaks": [{"after": "3 h", "latest": "5 h", "length": "1 h"}],
        }
    },
    {
        "day": {
            "start": "08:00",
            "length": "10 h",
            "days": ["mon", "tue", "mon-tue"],
            "breaks": [{"after": "4 h", "latest": "5 h", "length": "1 h"}],
        }
    },
    {
        "paid": {
            "start": "08:00",
            "length": "8 h",
            "days": "mon",
            "breaks": [{"after": "4 h", "length": "1 h", "paid": True}],
        },
        "free": {"start": "08:00", "length": "8 h", "days": "mon", "breaks": [{"after": "3 h", "length": "1 h"}]},
        "rest": {"start": "16:00", "length": "4 h", "days": "mon"},
    },
    {
        "full": {"start": "08:00", "length": "9 h", "days": "mon"},
        "half": {"start": ["08:00", "12:00"], "length": "4 h", "days": "mon"},
    },
    {"night": {"start": "18:00", "length": "8 h", "days": ["mon", "tue"]}, "day": {"start": "00:00", "length": "3 h"}},
]


@pytest.mark.parametrize("patterns", INSTANCES)
@pytest.mark.parametrize("seed", range(6))
def test_the_cover_costs_no_more_than_brute_force(patterns: dict, seed: int) -> None:
    tours = made(patterns, opening="00:00-24:00" if "night" in patterns else "08:00-20:00")
    rng = np.random.default_rng(seed)
    reach = np.any([s.covered for s in tours.stints], axis=0)
    # the needs of some hours, at most as much as few people can give
    need = np.where(reach & (rng.random(len(reach)) < 0.35), rng.integers(0, 3, len(reach)), 0)
    best = brute(tours, need, most=3)
    found = planning.cover(tours, need)
    if best is None:
        assert found is None or found.people.max() > 3
        return
    assert found is not None
    assert found.proven
    assert np.all(found.agents >= need)
    places = int(np.arange(len(found.people)) @ found.people)
    assert (found.paid_hours_per_week, int(found.people.sum()), places) == pytest.approx(best)
    assert any(np.array_equal(agents, found.agents) for agents in by_hand(tours, tuple(found.people.tolist())))


def test_a_need_that_no_shift_reaches_has_no_cover() -> None:
    tours = made(INSTANCES[0])
    need = np.zeros(len(tours.cells.load), dtype=np.int64)
    need[(tours.cells.kind == 0) & (tours.cells.slot == 8)] = 1
    assert planning.cover(tours, need) is not None
    need[(tours.cells.kind == 2) & (tours.cells.slot == 8)] = 1
    assert planning.cover(tours, need) is None


def test_no_more_people_than_allowed() -> None:
    patterns = {
        "full": {"start": "08:00", "length": "8 h", "days": "mon"},
        "half": {"start": ["08:00", "12:00"], "length": "4 h", "days": "mon"},
    }
    tours = made(patterns)
    need = np.where((tours.cells.kind == 0) & (tours.cells.slot == 9), 2, 0)
    free = planning.cover(tours, need)
    assert free is not None
    assert free.people.tolist() == [0, 2, 0], "half days are enough for the morning"
    both = np.where((tours.cells.kind == 0) & np.isin(tours.cells.slot, (9, 13)), 2, 0)
    # two people all day and four for halves cost the same: the fewest people win
    full = planning.cover(tours, both, most=2)
    assert full is not None
    assert full.people.tolist() == [2, 0, 0]
    assert planning.cover(tours, both, most=1) is None


def test_hours_cost_before_heads_do() -> None:
    tours = made(INSTANCES[5])
    both = np.where((tours.cells.kind == 0) & np.isin(tours.cells.slot, (9, 13)), 1, 0)
    found = planning.cover(tours, both)
    assert found is not None
    assert found.people.tolist() == [0, 1, 1], "8 paid hours of two, not 9 of one"


def test_the_relaxed_program_is_a_lower_bound() -> None:
    tours = made(INSTANCES[2])
    rng = np.random.default_rng(1)
    for _ in range(10):
        need = np.where((tours.cells.kind == 0) & (tours.cells.load > 0), rng.integers(0, 4, len(tours.cells.load)), 0)
        found = planning.cover(tours, need)
        assert found is not None
        bound = planning.least_people(tours, need.astype(float))
        assert bound <= found.people.sum() + 1e-9
        assert bound >= need.max() - 1e-9


def test_a_need_of_another_shape_is_refused() -> None:
    tours = made(INSTANCES[0])
    with pytest.raises(ParameterError, match="cells"):
        planning.cover(tours, np.zeros(3, dtype=np.int64))
    with pytest.raises(ParameterError, match="0 or more"):
        planning.cover(tours, np.full(len(tours.cells.load), -1))
