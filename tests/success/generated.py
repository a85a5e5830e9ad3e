"""Small random teams with all features of the success wing, for holding the two engines against each other."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulator import randomness
from simulator.distributions import Law, LawBook, deterministic, exponential, gamma, lognormal, uniform, with_zero
from simulator.success import tables
from simulator.success.tables import ActivityTables, Instances, SuccessOutcome, TeamTables
from simulator.timegrid import BusinessClock


@dataclass(frozen=True, eq=False)
class Call:
    """The arguments of one call that change from month to month."""

    instances: Instances
    owner: NDArray[np.int64]
    speed: NDArray[np.float64]
    active: NDArray[np.bool_]
    alive: NDArray[np.bool_]
    until: int


@dataclass(frozen=True, eq=False)
class Model:
    """A team, its catalogue and its calls."""

    activities: ActivityTables
    team: TeamTables
    calls: tuple[Call, ...]
    ties: bool
    value: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False)
class Run:
    """Everything that an engine said about a model."""

    rows: NDArray
    meetings: NDArray
    sums: NDArray[np.int64]
    hours: NDArray[np.int64]
    waiting: NDArray[np.int64]
    headlines: NDArray[np.int64]
    outcomes: tuple[SuccessOutcome, ...]


def clock(lengths: NDArray[np.int64]) -> BusinessClock:
    """A clock of days with the given working seconds; every seventh horizon day is free."""
    count = len(lengths)
    day = np.arange(count) + np.arange(count) // 6
    return BusinessClock(
        day=day.astype(np.int64),
        start=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        open_second=np.full(count, 32400, dtype=np.int64),
        first_from_day=np.searchsorted(day, np.arange(day[-1] + 2)).astype(np.int64),
    )


def _law(rng: np.random.Generator, ties: bool, slot: int) -> Law:
    if ties:
        return deterministic(float(slot * rng.integers(0, 4)))
    mean = float(rng.uniform(0.3, 3.0) * slot)
    choices = (
        exponential(mean),
        gamma(mean, cv=0.5),
        lognormal(mean, cv=1.0),
        uniform(0.0, 2 * mean),
        with_zero(exponential(mean), 0.4),
        deterministic(mean),
    )
    return choices[rng.integers(len(choices))]


def _activities(rng: np.random.Generator, ties: bool, slot: int, segments: int, rare: bool) -> ActivityTables:
    book = LawBook()
    kinds, laws, dues, first = [], [], [], [0]
    count = int(rng.integers(1, 5))
    for _ in range(count):
        meeting = rng.random() < 0.65
        before = int(rng.integers(0, 3))
        after = int(rng.integers(0, 3))
        if not meeting and before + after == 0:
            after = 1
        chain = [tables.DESK] * before + [tables.MEETING] * meeting + [tables.DESK] * after
        for place, kind in enumerate(chain):
            if kind == tables.DESK and rng.random() < 0.25:
                kind = tables.INTERRUPT
            kinds.append(kind)
            laws.append(book.row(_law(rng, ties, slot)))
            if kind == tables.MEETING:
                dues.append(tables.DUE_WINDOW)
            elif meeting and place < before:
                dues.append(tables.DUE_MEETING if rng.random() < 0.7 else int(rng.choice([0, 2])))
            else:
                dues.append(int(rng.choice([tables.DUE_WINDOW, tables.DUE_AFTER])))
        first.append(len(kinds))
    steps = len(kinds)
    return ActivityTables(
        activity_names=tuple(f"activity {k}" for k in range(count)),
        segment_names=tuple(f"segment {s}" for s in range(segments)),
        step_names=tuple(f"step {n}" for n in range(steps)),
        first_step=np.array(first, dtype=np.int64),
        step_kind=np.array(kinds, dtype=np.int64),
        step_law=np.array(laws, dtype=np.int64),
        step_due=np.array(dues, dtype=np.int64),
        step_buffer=slot * rng.integers(0, 5, steps),
        step_due_days=rng.integers(0, 4, steps),
        unprepared=rng.integers(0, 2, count),
        late=rng.integers(0, 3 if rare else 2, count),
        priority=rng.integers(0, 2, count),
        laws=book.tables(),
        shortened=rng.choice([0.0, 0.4, 0.5, 1.0], count) if rare else None,
    )


def _rare_rules(rng: np.random.Generator, slot: int, segments: int) -> dict:
    """Rules that few teams use, each in about half of the teams."""
    return {
        "pooled_segments": rng.random(segments) < rng.choice([0.0, 0.6]),
        "rule": int(rng.choice([tables.EARLIEST_DUE, tables.TIER, tables.VALUE, tables.RENEWAL])),
        "segment_rank": rng.integers(0, 2, segments),
        "overtime": int(rng.choice([0, slot, 1.5 * slot, 6 * slot])),
        "focus_length": int(rng.choice([0, slot, 2.5 * slot, 9 * slot])),
        "cover": bool(rng.random() < 0.5),
        "no_show": rng.choice([0.0, 0.3], segments),
    }


def _team(rng: np.random.Generator, ties: bool, slot: int, segments: int, rare: bool) -> TeamTables:
    days, csms = int(rng.integers(24, 40)), int(rng.integers(1, 5))
    lengths = slot * rng.integers(6, 9, days)
    if not ties:
        lengths = lengths + rng.integers(0, slot, days)
    lengths[rng.random(days) < 0.05] = slot // 2  # a day without any slot
    fences = np.sort(rng.choice(np.arange(2, days - 4), 3, replace=False))
    start = np.concatenate([[0], np.cumsum(lengths)])
    leave = np.zeros((csms, days), dtype=bool)
    if rng.random() < 0.6:
        for c in range(csms):
            away = int(rng.integers(0, days))
            leave[c, away : away + int(rng.integers(1, 6))] = True
    low = int(rng.integers(0, 4))
    calendar = clock(lengths)
    return TeamTables(
        clock=calendar,
        week=calendar.day // 7,
        months=start[[0, *fences]].astype(np.int64),
        customer_availability=rng.choice([0.3, 0.7, 1.0], segments),
        cancellation=rng.choice([0.0, 0.3, 0.6], segments),
        leave=leave,
        slot=slot,
        internal_start=int(slot * rng.integers(0, 8)),
        internal_length=int(rng.choice([0, slot, 2 * slot, 1.7 * slot])),
        meetings_per_day=int(rng.choice([1, 2, tables.NO_LIMIT])),
        lead=int(slot * rng.integers(0, 12)),
        rebook_after=(low, low + int(rng.integers(0, 5))),
        setup=int(rng.choice([0, slot // 3, slot])),
        pooled=bool(rng.random() < (0.2 if rare else 0.4)),
        **(_rare_rules(rng, slot, segments) if rare else {}),
    )


def generate(seed: int) -> Model:
    """The model of a seed. Odd seeds force ties: durations and releases are whole slots, many of them equal.

    Two seeds of three have rarer rules too.
    """
    rng = np.random.default_rng(seed)
    ties, slot, segments, rare = bool(seed % 2), 1800, int(rng.integers(1, 3)), seed % 3 > 0
    team, activities = _team(rng, ties, slot, segments, rare), _activities(rng, ties, slot, segments, rare)
    accounts, count = int(rng.integers(3, 25)), int(rng.integers(20, 120))
    end = int(team.months[-1])
    if ties:
        release = rng.choice(np.sort(rng.choice(np.arange(0, end, slot), 12)), count)
    else:
        release = rng.integers(0, end, count)
    window = slot * rng.integers(0, 60, count)
    closes = team.clock.start[np.minimum(np.searchsorted(team.clock.start, release + window), team.days)]
    account = rng.integers(0, accounts, count)
    due = np.where(rng.random(count) < 0.5, release + window, closes)
    effort = np.ones(count) if ties else rng.gamma(4.0, 0.25, count)
    segment = rng.integers(0, segments, accounts)
    key = randomness.keys(randomness.stream(seed, 0, "generated"), np.arange(count))
    activity = rng.integers(0, len(activities.activity_names), count)
    length = np.diff(activities.first_step)[activity]
    step = rng.integers(0, length) * (rng.random(count) < 0.15)  # under way when the horizon begins
    instances = Instances.join([Instances(release, due, activity, account, segment[account], key, effort, step)])

    owner = rng.integers(0, team.people, accounts)
    active = np.ones(team.people, dtype=bool)
    alive = np.ones(accounts, dtype=bool)
    if rng.random() < 0.3:
        active[rng.integers(team.people)] = False
    calls, now = [], 0
    for until in team.months[1:].tolist():
        if calls and rng.random() < 0.7:
            owner = np.where(rng.random(accounts) < 0.3, rng.integers(-1, team.people, accounts), owner)
            active = active ^ (rng.random(team.people) < 0.25)
            alive = alive & (rng.random(accounts) > 0.1)
        speed = np.ones(team.people) if ties else rng.choice([0.5, 1.0, 1.25], team.people)
        inside = (instances.release >= now) & (instances.release < until)
        inside &= alive[instances.account]
        calls.append(Call(instances.take(inside), owner, speed, active, alive, int(until)))
        now = until
    value = rng.choice([0.0, 1.0, 2.0, 5.0], accounts) if rare else None
    return Model(activities, team, tuple(calls), ties, value)


def steady(model: Model) -> Model:
    """The same model without changes of people and accounts between its calls."""
    first = model.calls[0]
    calls = tuple(
        replace(call, owner=first.owner, speed=first.speed, active=first.active, alive=first.alive)
        for call in model.calls
    )
    return replace(model, calls=calls)


def merged(model: Model) -> Model:
    """All calls of a steady model as one."""
    whole = Instances.join([call.instances for call in model.calls])
    return replace(model, calls=(replace(model.calls[0], instances=whole, until=model.calls[-1].until),))


def play(engine, model: Model, team: TeamTables | None = None) -> Run:
    """Run a model through an engine (a module), with records."""
    team = model.team if team is None else team
    sums, hours = tables.new_sums(model.activities, team), tables.new_hours(team)
    state, outcomes = None, []
    for number, call in enumerate(model.calls):
        there = len(call.active)  # people may join with a later call
        present = replace(team, leave=team.leave[:there])
        outcome, state = engine.run(
            model.activities, present, call.instances, call.owner, call.speed, call.active, state, call.until,
            sums=sums, hours=hours[:, :there], alive=call.alive, value=model.value, records=True,
            last=number == len(model.calls) - 1,
        )  # fmt: skip
        outcomes.append(outcome)
    rows = np.concatenate([outcome.rows for outcome in outcomes])
    meetings = np.concatenate([outcome.meetings for outcome in outcomes])
    return Run(
        rows=rows[np.lexsort((rows["step"], rows["instance"]))],
        meetings=meetings[np.argsort(meetings["instance"], kind="stable")],
        sums=sums,
        hours=hours,
        waiting=outcomes[-1].waiting,
        headlines=sum(outcome.headlines for outcome in outcomes),
        outcomes=tuple(outcomes),
    )
