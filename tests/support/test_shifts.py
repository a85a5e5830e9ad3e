"""Heads on shifts: presence by the clock, the placing of given heads, part heads, absence."""

import datetime as dt
import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from simulator import timegrid, workforce
from simulator.scenario.schema import Shift
from simulator.support import shifts
from simulator.support.shifts import Roster, Tours
from simulator.support.staffing import GroupPlan, Pattern, pattern
from simulator.timegrid import TimeGrid

HALF_HOUR = 1800.0
DAY = {"start": "09:00", "length": "9 h", "breaks": [{"after": "3 h", "latest": "5 h", "length": "1 h"}]}


def calendar(days: int | None = None, start: dt.date = dt.date(2027, 4, 1), zone: str = "Asia/Tokyo") -> TimeGrid:
    return timegrid.build(start, None if days else 1, days, zone, "JP", HALF_HOUR)


def roster(patterns: dict[str, dict], load: float = 4.0, opening: str = "08:00-20:00", **of_calendar: object) -> Roster:
    grid = calendar(**of_calendar)  # type: ignore[arg-type]
    wanted = np.where(grid.open_intervals({"daily": opening}), load, 0.0)
    return Roster(shifts.tours(grid, 0, wanted, {n: Shift.model_validate(s) for n, s in patterns.items()}))


def by_day(agents: NDArray[np.int64], day: int, grid: TimeGrid) -> dict[str, int]:
    """Agents at each half hour of a day at which somebody is there."""
    inside = np.flatnonzero((grid.interval_day == day) & (agents > 0))
    return {timegrid.clock(grid.interval_slot[i] * HALF_HOUR): int(agents[i]) for i in inside}


def test_one_head_is_there_when_the_shift_says_so() -> None:
    grid = calendar()
    there = roster({"day": {**DAY, "breaks": [{"after": "4 h", "length": "1 h"}]}}).agents(1)
    thursday, saturday, holiday = by_day(there, 0, grid), by_day(there, 2, grid), by_day(there, 28, grid)
    assert list(thursday) == [f"{h:02d}:{m}" for h in (*range(9, 13), *range(14, 18)) for m in ("00", "30")]
    assert saturday == holiday == {}, "nor on 29 April, a public holiday"
    assert there.sum() / 2 == 21 * 8
    also = roster({"day": {**DAY, "days": "mon-fri,holiday"}}).agents(1)
    assert by_day(also, 28, grid)


def test_a_night_shift_covers_the_next_morning() -> None:
    night = {"start": "22:00", "length": "8 h", "days": "fri", "breaks": [{"after": "4 h", "length": "1 h"}]}
    grid = calendar()
    there = roster({"night": night}, opening="00:00-24:00").agents(1)
    assert list(by_day(there, 1, grid)) == ["22:00", "22:30", "23:00", "23:30"]  # Friday
    assert list(by_day(there, 2, grid)) == ["00:00", "00:30", "01:00", "01:30"] + [
        f"0{h}:{m}" for h in (3, 4, 5) for m in ("00", "30")
    ]
    assert by_day(there, 3, grid) == {}
    # a month that begins on a Saturday has the morning of the Friday before
    may = timegrid.build(dt.date(2027, 5, 1), 1, None, "Asia/Tokyo", "JP", HALF_HOUR)
    made = shifts.tours(may, 0, np.ones(may.intervals), {"night": Shift.model_validate(night)})
    assert len(by_day(Roster(made).agents(1), 0, may)) == 10


def test_a_day_of_25_hours_keeps_the_wall_clock() -> None:
    grid = timegrid.build(dt.date(2027, 10, 31), None, 1, "Europe/Berlin", None, HALF_HOUR)
    there = Roster(
        shifts.tours(grid, 0, np.ones(grid.intervals), {"n": Shift.model_validate({**DAY, "days": "sun"})})
    ).agents(1)
    assert there.sum() == 16
    assert grid.interval_slot[np.flatnonzero(there)[0]] == 18


def test_breaks_are_staggered() -> None:
    grid = calendar()
    there = roster({"day": DAY}, opening="09:00-18:00").agents(6)
    lunch = [v for k, v in by_day(there, 0, grid).items() if "12:00" <= k < "15:00"]
    # 6 heads and 12 half hours of break over 6 half hours: two are away in each
    assert lunch == [4] * 6


MIXES = [
    {"early": {**DAY, "start": "08:00"}, "late": {**DAY, "start": "11:00"}},
    {"early": {"start": ["08:00", "10:00"], "length": "6 h"}, "late": {"start": "14:00", "length": "6 h"}},
    {"week": {"start": "08:00", "length": "12 h", "days": ["mon-fri", "tue-sat", "sat,sun"]}},
]


@pytest.mark.parametrize("patterns", MIXES)
@pytest.mark.parametrize("heads", [1, 2, 3, 5])
def test_placing_one_by_one_is_near_the_best_of_all(patterns: dict, heads: int) -> None:
    """Against every roster: tours and, for the breaks, every time for each of them."""
    made = roster(patterns, load=3.0, days=7)
    tours = made.tours
    cells = tours.cells

    def worth(cover: NDArray[np.float64]) -> float:
        root = np.sqrt(np.maximum(cells.load, 1.0))
        # the sum of the marginal worths of the agents 1 ... s of a cell, as the rule has them
        total = 0.0
        for c in np.flatnonzero(cells.load > 0):
            total += cells.hours[c] * sum(np.exp(-((s + 0.5 - cells.load[c]) / root[c])) for s in range(int(cover[c])))
        return total

    best = 0.0
    for people in itertools.combinations_with_replacement(range(len(tours.tours)), heads):
        cover = np.zeros(len(cells.load))
        for head, t in enumerate(people):
            for _, s in tours.of_tour[t]:
                cover += tours.stints[s].covered
                for spans in tours.stints[s].breaks:
                    cover -= spans[(2 * head) % len(spans)].any(axis=0)  # spread as evenly as can be
        best = max(best, worth(cover))
    assert worth(made.cover(heads).astype(float)) >= 0.98 * best


def test_breaks_count_against_a_tour() -> None:
    long = {"start": "08:00", "length": "9 h", "breaks": [{"after": "3 h", "latest": "4 h", "length": "2 h"}]}
    assert roster({"long": long, "short": {"start": "08:00", "length": "8 h"}}).tour_of(1) == [1]


def test_rosters_hang_together() -> None:
    """One more head changes nobody else's tour, whatever the order in which plans are asked for."""
    made, other = roster(MIXES[0]), roster(MIXES[0])
    plans = [made.agents(n) for n in range(12)]
    assert all(np.array_equal(other.agents(n), plans[n]) for n in (11, 3, 7))
    assert np.diff(plans, axis=0).min() == 0
    assert set(made.tour_of(12)) == {0, 1}
    assert made.tour_of(5) == made.tour_of(12)[:5]


def test_a_huge_load_and_no_load_are_no_trouble() -> None:
    assert roster(MIXES[0], load=1e6).agents(3).max() == 3
    nobody_wanted = roster(MIXES[0], load=0.0)
    assert nobody_wanted.tour_of(4) == [0, 1, 0, 1], "ties: the tour with the fewest heads, then the one named first"


@pytest.mark.parametrize("part", [0.25, 0.5, 0.9])
def test_a_part_of_a_head_works_that_part_of_its_days(part: float) -> None:
    made, grid = roster({"day": DAY}), calendar()
    there = made.agents(2 + part) - made.agents(2)
    days = np.unique(grid.interval_day[there > 0])
    assert abs(len(days) - 21 * part) <= 0.5
    working = [d for d in range(30) if by_day(made.agents(1), d, grid)]
    gaps = np.diff([working.index(d) for d in days])
    assert gaps.max() - gaps.min() <= 1, "spread evenly"
    assert np.array_equal(made.agents(2.0 + 1e-12), made.agents(2))


# --- absence ----------------------------------------------------------------------------------------------------------


def absent(people: int, days: int, share: float, seed: int) -> NDArray[np.bool_]:
    key = np.array([workforce.randomness.word(seed, n) for n in range(people)])
    return workforce.absences(key, np.arange(days + 1), share)


def test_an_absent_head_is_away_from_coming_to_going() -> None:
    night = {"start": "22:00", "length": "8 h", "days": "daily"}
    made, grid = roster({"night": night}, opening="00:00-24:00"), calendar()
    away = np.zeros((2, 31), dtype=bool)
    away[0, 3] = True  # the first head, on the third day
    gone = made.agents(2) - made.agents(2, away)
    assert list(by_day(gone, 2, grid)) == ["22:00", "22:30", "23:00", "23:30"]
    assert list(by_day(gone, 3, grid)) == [f"0{h}:{m}" for h in range(6) for m in ("00", "30")]
    assert gone.sum() == 16


def plan_of(patterns: dict[str, dict] | None) -> GroupPlan:
    grid = calendar()
    load = np.where(grid.open_intervals({"mon-fri": "09:00-18:00"}), 12.0, 0.0)
    if patterns is None:
        return GroupPlan((pattern(grid, 0, load),), np.array([21 * 9.0]))
    made = Roster(shifts.tours(grid, 0, load, {n: Shift.model_validate(s) for n, s in patterns.items()}))
    return GroupPlan((made.tours.cells,), np.array([21 * 8.0]), rosters=(made,))


@pytest.mark.parametrize("patterns", [None, {"day": DAY}], ids=["by load", "on shifts"])
def test_agents_present_are_binomial(patterns: dict | None) -> None:
    """Of n agents each is there with probability 1 - p on a day: mean n (1 - p), variance n p (1 - p)."""
    plan, share = plan_of(patterns), 0.12
    full = plan.agents(0, 15.0)
    draws = np.array([plan.agents(0, 15.0, absent(plan.people(0, 15.0), 30, share, seed)) for seed in range(1500)])
    busy = np.flatnonzero(full > 0)
    some = busy[:: len(busy) // 40]
    n = full[some]
    assert n.min() >= 8
    # 41 intervals, each with a standard error of sqrt(n p (1 - p) / 1500): 4 of them
    error = np.sqrt(n * share * (1 - share) / 1500)
    assert np.abs(draws[:, some].mean(axis=0) - n * (1 - share)).max() < 4 * error.max()
    assert draws[:, some].var(axis=0) / (n * share * (1 - share)) == pytest.approx(1.0, abs=0.2)
    # who is away in the morning is away in the afternoon; another day is another draw
    morning, evening, tomorrow = (draws[:, i] - full[i] for i in (busy[0], busy[17], busy[18]))
    assert np.corrcoef(morning, evening)[0, 1] > 0.95
    assert abs(np.corrcoef(morning, tomorrow)[0, 1]) < 0.1


def test_without_shifts_the_last_agents_are_missed_at_the_peak_alone() -> None:
    grid = calendar()
    load = np.where(grid.interval_slot == 20, 30.0, 5.0)
    plan = GroupPlan((pattern(grid, 0, load),), np.array([30 * 24.0]))
    full = plan.agents(0, 10.0)
    assert full.max() > 2 * full.min() > 0
    away = np.zeros((plan.people(0, 10.0), 31), dtype=bool)
    away[-1, 1] = True  # the last person, on the first day
    gone = full - plan.agents(0, 10.0, away)
    assert np.flatnonzero(gone).tolist() == [20]
    away[0, 1] = True
    assert (full - plan.agents(0, 10.0, away))[:48].tolist() == [1] * 20 + [2] + [1] * 27


def test_another_head_leaves_the_others_their_absences() -> None:
    plan = plan_of({"day": DAY})
    away = absent(8, 30, 0.3, 1)
    assert (plan.agents(0, 8, away) - plan.agents(0, 7, away[:7])).min() >= 0
    assert (plan.agents(0, 8, away) < plan.agents(0, 8)).any()


def test_cells_are_those_of_the_month() -> None:
    made = roster(MIXES[1]).tours
    grid = calendar()
    assert made.cells.hours.sum() == pytest.approx(24 * 30)
    assert isinstance(made.cells, Pattern)
    assert isinstance(made, Tours)
    assert np.array_equal(made.kind[1:], grid.day_kind())
    assert made.days(0) == 21
    assert shifts.hours_per_person(roster({"day": DAY}).tours) == pytest.approx(21 * 8)
    # nobody reaches 07:00 and, with a lunch at one hour for all, that hour
    bare = roster({"day": {**DAY, "breaks": [{"after": "3 h", "length": "1 h"}]}}, opening="07:00-20:00").tours
    assert not bare.reached()[bare.cells.slot < 18].any()
    assert not bare.reached()[np.isin(bare.cells.slot, (24, 25))].any()
    assert bare.reached()[(bare.cells.slot == 26) & (bare.cells.kind < 5)].all()
