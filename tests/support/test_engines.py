"""The readable and the compiled engine: the same outcome for every contact, and what must hold in any run."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from simulator import distributions, randomness
from simulator.distributions import LawBook
from simulator.errors import ParameterError
from simulator.support import compiled, plain, reference
from simulator.support.kpis import KPIS
from simulator.support.tables import (
    PER_GROUP,
    PER_PAIR,
    PER_QUEUE,
    ROWS_PER_QUEUE,
    Clock,
    Contacts,
    GroupMeasure,
    Outcome,
    QueueMeasure,
    Sums,
    SupportState,
    SupportTables,
    Transfer,
    holds,
    join_records,
)
from tests.support import generated

SEEDS = range(300)


@dataclasses.dataclass
class Run:
    """A case run to the end, in one or several calls."""

    records: NDArray[Any]
    parts: list[NDArray[Any]]
    escalated: NDArray[Any]
    waiting: list[NDArray[np.int64]]
    states: list[SupportState]
    sums: Sums


def run(engine: ModuleType, case: generated.Case, *, calls: bool = True, **options: Any) -> Run:
    sums = Sums.zeros(case.tables, case.clock)
    parts = case.calls() if calls else [(case.contacts, case.boundaries[-1])]
    state, outcomes, states = None, [], []
    if engine is compiled:
        options.setdefault("every_rule", generated.one_kernel(case.tables))
    for contacts, until in parts:
        outcome, state = engine.run(
            case.tables, case.clock, contacts, case.staff, state, until, sums=sums, records=True, **options
        )
        outcomes.append(outcome)
        states.append(state)
    rows = [outcome.records for outcome in outcomes]
    records = join_records(rows, case.boundaries[-1])
    escalated = np.concatenate([outcome.escalated for outcome in outcomes])
    return Run(records, rows, escalated, [outcome.waiting for outcome in outcomes], states, sums)


@functools.cache
def reference_run(seed: int) -> Run:
    return run(reference, generated.case(seed))


def assert_same_rows(a: NDArray[Any], b: NDArray[Any]) -> None:
    assert len(a) == len(b)
    for name in a.dtype.names:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


def assert_same(a: Run, b: Run) -> None:
    """Everything equal, exactly, but for sums: abandonments found late are added in another order."""
    assert_same_rows(a.records, b.records)
    assert_same_rows(a.escalated, b.escalated)
    for mine, other in zip(a.waiting, b.waiting, strict=True):
        np.testing.assert_array_equal(mine, other)
    for mine, other in zip(a.states, b.states, strict=True):
        for field in dataclasses.fields(SupportState):
            x, y = getattr(mine, field.name), getattr(other, field.name)
            if field.name in ("waiting", "talking", "aside", "returning", "sessions"):
                assert_same_rows(x, y)
            else:
                np.testing.assert_array_equal(x, y, err_msg=field.name)
    assert_same_sums(a.sums, b.sums)


def assert_same_sums(a: Sums, b: Sums) -> None:
    # Rounding of some thousand additions in another order.
    np.testing.assert_allclose(a.queue, b.queue, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(a.group, b.group, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_both_engines_give_the_same_outcome_for_every_contact(seed: int) -> None:
    assert_same(reference_run(seed), run(compiled, generated.case(seed)))


@pytest.mark.parametrize("seed", range(0, 80, 2))
def test_looking_at_deadlines_late_equals_abandonment_as_event(seed: int) -> None:
    case = generated.case(seed + seed // 2 % 2)
    assert_same(run(compiled, case), run(compiled, case, every_abandonment_an_event=True))


@pytest.mark.parametrize("seed", range(0, 80, generated.PLAIN))
def test_the_kernel_without_the_rarer_rules_equals_that_with_them(seed: int) -> None:
    case = generated.case(seed)
    assert True not in compiled._rules(case.tables)
    assert_same(run(compiled, case), run(compiled, case, every_rule=True))


def plainly(seed: int, in_order: bool) -> generated.Case:
    """A case without lines and rarer rules; ``in_order``: with one group per queue and no priorities either."""
    case = generated.case(seed)
    tables = generated.with_rules(case.tables)
    if in_order:
        tables = generated.in_order(tables)
    return dataclasses.replace(case, tables=dataclasses.replace(tables, line_pool=np.full(tables.queues, -1)))


@pytest.mark.parametrize("seed", range(150))
@pytest.mark.parametrize("in_order", [True, False])
def test_plain_models_have_the_same_outcomes_to_the_last_bit(seed: int, in_order: bool) -> None:
    case = plainly(seed, in_order)
    assert plain.suits(case.tables)
    fast, general = run(compiled, case), run(compiled, case, every_rule=True)
    assert_same(fast, general)
    np.testing.assert_array_equal(fast.sums.queue, general.sums.queue)
    np.testing.assert_array_equal(fast.sums.group, general.sums.group)
    if seed % 3 == 0:
        assert_same(run(reference, case), fast)


@pytest.mark.parametrize("seed", range(0, 60, 6))
@pytest.mark.parametrize("in_order", [True, False])
def test_plain_models_go_on_when_a_store_is_full(seed: int, in_order: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    case = plainly(seed, in_order)
    expected = run(compiled, case)
    monkeypatch.setattr(compiled, "_SLOTS", 1)
    assert_same(expected, run(compiled, case))


@pytest.mark.parametrize("seed", range(1, 40, 3))
@pytest.mark.parametrize("in_order", [True, False])
def test_plain_models_may_be_served_out_without_an_end(seed: int, in_order: bool) -> None:
    case = plainly(seed, in_order)
    case = dataclasses.replace(case, boundaries=(*case.boundaries[:-1], np.inf))
    assert_same(run(compiled, case, every_rule=True), run(compiled, case))


def test_which_models_are_plain_and_which_of_them_are_served_in_order() -> None:
    tables = plainly(6, True).tables
    assert tables.queues > 1
    served = np.ones_like(tables.level)
    every = dataclasses.replace(tables, level=served, priority=served, talk=0 * served)
    assert plain.suits(every)
    assert not plain.in_order(every)
    one = np.zeros_like(served)
    one[:, 0] = 1
    both = dataclasses.replace(tables, level=one, priority=one, talk=one - 1)
    assert plain.suits(both)
    assert plain.in_order(both)
    assert not plain.in_order(dataclasses.replace(both, priority=one * np.arange(1, tables.queues + 1)[:, None]))
    lines = {"line_pool": np.zeros(tables.queues, dtype=np.int64), "line_capacity": np.array([3])}
    assert not plain.suits(dataclasses.replace(both, **lines))
    assert not plain.suits(dataclasses.replace(both, balking=np.full(tables.queues, 0.5)))


@pytest.mark.parametrize("rule", generated.RULES)
def test_a_rarer_rule_asks_for_its_kernel(rule: str) -> None:
    tables = [generated.case(seed).tables for seed in SEEDS]
    asks = any(True in compiled._rules(generated.with_rules(t, rule)) for t in tables)
    # opening hours are of use to other rules only, and every kernel but that of plain models serves out
    assert asks == (rule not in ("opening hours", "serving out"))
    if rule == "serving out":
        assert not any(plain.suits(generated.with_rules(t, rule)) for t in tables if t.serving_out.any())
    assert not any(True in compiled._rules(generated.with_rules(t)) for t in tables)


@pytest.mark.parametrize("seed", range(0, 40, 2))
@pytest.mark.parametrize("rules", [("balking", "callbacks"), ("redials",), ("repeat contacts", "deferrable work")])
def test_the_kernel_of_some_rules_equals_that_of_all(seed: int, rules: tuple[str, ...]) -> None:
    case = generated.case(seed)
    case = dataclasses.replace(case, tables=generated.with_rules(case.tables, *rules))
    assert None in compiled._rules(case.tables)
    assert_same(run(compiled, case, every_rule=False), run(compiled, case, every_rule=True))


@pytest.mark.parametrize("engine", [reference, compiled])
@pytest.mark.parametrize("seed", range(12))
def test_months_laid_end_to_end_equal_one_run(engine: ModuleType, seed: int) -> None:
    case = generated.case(seed)
    whole, months = run(engine, case, calls=False), run(engine, case)
    assert_same_rows(whole.records, months.records)
    assert_same_rows(whole.escalated, months.escalated)
    assert_same_sums(whole.sums, months.sums)


# --- what must hold in any run ----------------------------------------------------------------------------------------


def sums_of_records(case: generated.Case, records: NDArray[Any]) -> Sums:
    """The sums again, from the rows alone. An agent beyond the plan is one who is busy while as many others are."""
    tables, clock = case.tables, case.clock
    sums = Sums.zeros(tables, clock)
    in_vain = records[records["outcome"] == Outcome.NO_ANSWER]
    for row in in_vain:
        sums.queue[clock.cell[row["interval"]], row["queue"], QueueMeasure.NO_ANSWER] += 1
    records = records[records["outcome"] != Outcome.NO_ANSWER]
    into = (clock.cell[records["interval"]], records["queue"])
    outcome = records["outcome"]
    answered = (outcome == Outcome.ANSWERED) | (outcome == Outcome.IN_SERVICE)
    gave_up = outcome == Outcome.ABANDONED
    wait = np.where(answered, records["answered_at"], records["end"]) - records["arrived"]
    if tables.opening.size:
        for i in np.flatnonzero(tables.business_time[records["queue"]] & answered):
            is_open = tables.opening[records["queue"][i]]
            times = np.clip([records["arrived"][i], records["answered_at"][i]], *clock.interval_start[[0, -1]])
            parts = np.diff(np.clip(clock.interval_start, *times)) * is_open
            wait[i] = (
                parts.sum() + max(records["answered_at"][i] - clock.end, 0) - max(records["arrived"][i] - clock.end, 0)
            )
    within, short = tables.answer_within[records["queue"]], tables.short_abandon[records["queue"]]
    hold = np.zeros(len(records))
    place = {tuple(row): i for i, row in enumerate(records[["contact", "attempt", "leg"]].tolist())}
    for i in np.flatnonzero(records["hold"] != 0):
        contact, attempt, leg = records[["contact", "attempt", "leg"]][i].tolist()
        hold[place[contact, attempt, leg - 1]] = records["hold"][i]
    talk = np.nan_to_num(records["talk_end"] - records["answered_at"]) + np.nan_to_num(hold)
    again = (records["attempt"] > 0) & (records["leg"] == 0)
    repeats = {tuple(row[:2]): row[2] for row in records[["contact", "attempt", "repeats"]].tolist()}
    calls = zip(records["contact"].tolist(), records["attempt"].tolist(), records["repeats"].tolist(), strict=True)
    repeated = np.array([n > repeats.get((contact, attempt - 1), 0) for contact, attempt, n in calls], dtype=bool)
    spoken = answered & ~records["callback"]
    columns = {
        QueueMeasure.OFFERED: np.ones(len(records)),
        QueueMeasure.TRANSFERRED_IN: records["leg"] > 0,
        QueueMeasure.BLOCKED: outcome == Outcome.BLOCKED,
        QueueMeasure.ABANDONED: gave_up,
        QueueMeasure.SHORT_ABANDONED: gave_up & (wait <= short),
        QueueMeasure.ABANDONED_WITHIN: gave_up & (wait <= within),
        QueueMeasure.CALLBACKS: records["callback"],
        QueueMeasure.CALLED_BACK: answered & records["callback"],
        QueueMeasure.CALLBACK_WAIT: np.where(answered & records["callback"], wait, 0.0),
        QueueMeasure.UNREACHED: outcome == Outcome.UNREACHED,
        QueueMeasure.ANSWERED: spoken,
        QueueMeasure.ANSWERED_WITHIN: spoken & (wait <= within),
        QueueMeasure.WAIT_ANSWERED: np.where(spoken, wait, 0.0),
        QueueMeasure.WAIT_ANSWERED_SQUARED: np.where(spoken, wait**2, 0.0),
        QueueMeasure.WAIT_ABANDONED: np.where(gave_up, wait, 0.0),
        QueueMeasure.TALK: np.where(answered, talk, 0.0),
        QueueMeasure.AFTER_CALL: np.where(answered, np.nan_to_num(records["end"] - records["talk_end"]), 0.0),
        QueueMeasure.ESCALATED: (outcome == Outcome.ANSWERED) & records["escalated"],
        QueueMeasure.REDIALS: again & ~repeated,
        QueueMeasure.REPEATS: again & repeated,
        QueueMeasure.BALKED: outcome == Outcome.BALKED,
        QueueMeasure.DROPPED: outcome == Outcome.DROPPED,
        QueueMeasure.WITHDRAWN: outcome == Outcome.WITHDRAWN,
        QueueMeasure.OVERFLOWED: answered & (tables.after[records["queue"], records["group"]] > 0),
    }
    for measure, values in columns.items():
        np.add.at(sums.queue[..., measure], into, values.astype(float))
    left = np.where(answered, records["taken_at"], np.where(np.isnan(records["end"]), np.inf, records["end"]))
    for i, time in enumerate(clock.interval_start[1:]):
        for q in np.flatnonzero(tables.deferrable):
            waiting = (records["queue"] == q) & (records["arrived"] < time) & (left >= time)
            sums.queue[clock.cell[i], q, [QueueMeasure.BACKLOG, QueueMeasure.READINGS]] += waiting.sum(), 1
    if tables.inquiries:
        add_inquiries(sums.queue, case, records, hold)
    records, hold = np.concatenate([records, in_vain]), np.append(hold, np.zeros(len(in_vain)))
    group = np.where(np.isnan(records["taken_at"]), -1, records["group"])
    group = np.where(records["outcome"] == Outcome.UNREACHED, -1, group)
    start, end = records["taken_at"], records["end"] + np.nan_to_num(hold, nan=np.inf)
    for g in range(tables.groups):
        mine = group == g
        for i in range(clock.intervals):
            left, right = clock.interval_start[i : i + 2]
            a, b = np.clip(start[mine], left, right), np.clip(end[mine], left, right)
            points = np.unique([left, right, *a, *b])
            busy = np.array([np.count_nonzero((a <= x) & (b > x)) for x in points[:-1]])
            cell = sums.group[clock.cell[i], g]
            cell[GroupMeasure.BUSY] += np.sum(b - a)
            cell[GroupMeasure.DEFERRABLE] += np.sum((b - a)[tables.deferrable[records["queue"][mine]]])
            cell[GroupMeasure.STAFFED] += case.staff[g, i] * (right - left)
            cell[GroupMeasure.OVERRUN] += np.sum(np.maximum(busy - case.staff[g, i], 0) * np.diff(points))
    return sums


def add_inquiries(sums: NDArray[np.float64], case: generated.Case, records: NDArray[Any], hold: NDArray[Any]) -> None:
    """What each inquiry came to, told from its rows one after the other."""
    lost = (Outcome.BLOCKED, Outcome.BALKED, Outcome.ABANDONED, Outcome.DROPPED, Outcome.UNREACHED)
    order = np.lexsort((records["leg"], records["attempt"], records["contact"]))
    for _, group in itertools.groupby(order, key=lambda i: records["contact"][i]):
        places = list(group)
        rows = records[places]
        begin, queue = rows["arrived"][0], rows["queue"][0]
        of_queue = sums[case.clock.cell[rows["interval"][0]], queue]
        of_queue[QueueMeasure.INQUIRIES] += 1
        within = case.tables.resolution_within[queue]
        due = begin + within <= case.clock.end
        of_queue[QueueMeasure.DUE] += due
        answered = rows[~np.isnan(rows["answered_at"])]
        if len(answered):
            of_queue[QueueMeasure.RESPONDED] += 1
            of_queue[QueueMeasure.FIRST_RESPONSE] += answered["answered_at"].min() - begin
        repeats = rows[(rows["repeats"] == 1) & (rows["leg"] == 0)]
        if len(repeats):
            of_queue[QueueMeasure.REPEATED_WITHIN] += due and repeats["arrived"][0] - begin <= within
        last = rows[-1]
        assert rows["resolved"].sum() == last["resolved"]  # nothing follows on a talk that resolves
        if last["resolved"]:
            elapsed = last["talk_end"] - begin
            of_queue[QueueMeasure.RESOLVED] += 1
            of_queue[QueueMeasure.RESOLVED_WITHIN] += due and elapsed <= within
            of_queue[QueueMeasure.RESOLVED_FIRST] += due and elapsed <= within and last["repeats"] == 0
            of_queue[QueueMeasure.RESOLUTION_TIME] += elapsed
            left = np.where(np.isnan(rows["talk_end"]), rows["end"], rows["talk_end"])
            of_queue[QueueMeasure.RESOLUTION_TIME_NET] += elapsed - np.nansum(rows["returns_at"] - left)
            handled = np.nansum(rows["end"] - rows["answered_at"]) + np.sum(hold[places])
            of_queue[QueueMeasure.RESOLUTION_EFFORT] += handled
        elif np.isnan(last["returns_at"]) and not last["escalated"]:
            over = last["outcome"] in (*lost, Outcome.ANSWERED, Outcome.IN_SERVICE, Outcome.WITHDRAWN)
            over &= last["outcome"] in lost or not np.isnan(last["talk_end"])
            of_queue[QueueMeasure.UNRESOLVED] += over


def sinces(tables: SupportTables, records: NDArray[Any]) -> NDArray[np.float64]:
    """From when the age of each entry counts: the arrival, or that of the entry before where the age carries over."""
    since = records["arrived"].copy()
    place = {tuple(row): i for i, row in enumerate(records[["contact", "attempt", "leg"]].tolist())}
    for i in np.argsort(records["leg"], kind="stable"):
        contact, attempt, leg = records[["contact", "attempt", "leg"]][i].tolist()
        if leg > 0 and tables.carries_age[records["queue"][place[contact, attempt, leg - 1]]]:
            since[i] = since[i] - (since[i] - since[place[contact, attempt, leg - 1]])
    return since


def with_time_away(case: generated.Case) -> bool:
    """Records do not tell when an agent was away."""
    return bool(np.any(case.tables.away >= 0))


@pytest.mark.parametrize("seed", SEEDS)
def test_sums_equal_those_of_the_records(seed: int) -> None:
    case, result = generated.case(seed), reference_run(seed)
    expected = sums_of_records(case, result.records)
    if with_time_away(case):
        for measure in (GroupMeasure.AWAY, GroupMeasure.OVERRUN):
            expected.group[..., measure] = result.sums.group[..., measure]
    unknown_of_sessions(case, expected, result.sums)
    assert_same_sums(expected, result.sums)


def unknown_of_sessions(case: generated.Case, expected: Sums, known: Sums) -> None:
    """Records tell neither what else an agent with a chat has in hand nor when work was left and taken up again."""
    groups, left = case.tables.sessions.any(axis=0), case.tables.interruptible
    for measure in (GroupMeasure.BUSY, GroupMeasure.DEFERRABLE, GroupMeasure.SPARE, GroupMeasure.OVERRUN):
        expected.group[:, groups, measure] = known.group[:, groups, measure]
    for name in ("TALK", "OVERFLOWED", "BACKLOG", "INTERRUPTED"):
        expected.queue[:, left, QueueMeasure[name]] = known.queue[:, left, QueueMeasure[name]]
    if groups.any():
        expected.queue[..., QueueMeasure.RESOLUTION_EFFORT] = known.queue[..., QueueMeasure.RESOLUTION_EFFORT]


@pytest.mark.parametrize("seed", SEEDS)
def test_flow_balance_of_every_call(seed: int) -> None:
    """Opening waiting + offered = blocked + balked + abandoned + dropped + answered + waiting, per queue."""
    case = generated.case(seed)
    state, opening, before = None, np.zeros(case.tables.queues), np.zeros((case.tables.queues, len(QueueMeasure)))
    sums = Sums.zeros(case.tables, case.clock)
    for contacts, until in case.calls():
        every = generated.one_kernel(case.tables)
        outcome, state = compiled.run(
            case.tables, case.clock, contacts, case.staff, state, until, sums=sums, every_rule=every
        )
        now = sums.queue.sum(axis=0)
        flow = now - before
        names = ("BLOCKED", "BALKED", "ABANDONED", "DROPPED", "ANSWERED", "CALLED_BACK", "UNREACHED", "WITHDRAWN")
        ways = [QueueMeasure[name] for name in names]
        gone = flow[:, ways].sum(axis=1)
        np.testing.assert_array_equal(opening + flow[:, QueueMeasure.OFFERED], gone + outcome.waiting)
        offered = np.bincount(contacts.queue, minlength=case.tables.queues)
        offered = offered + flow[:, [QueueMeasure[n] for n in ("TRANSFERRED_IN", "REDIALS", "REPEATS")]].sum(axis=1)
        np.testing.assert_array_equal(flow[:, QueueMeasure.OFFERED], offered)
        escalated = np.zeros(case.tables.queues)
        target = case.tables.escalation_to
        np.add.at(escalated, target[target >= 0], flow[target >= 0, QueueMeasure.ESCALATED])
        np.testing.assert_array_equal(flow[:, QueueMeasure.TRANSFERRED_IN], escalated)
        opening, before = outcome.waiting, now


@pytest.mark.parametrize("seed", SEEDS)
def test_staffed_time_is_busy_and_idle_and_nobody_idles_while_a_contact_waits(seed: int) -> None:
    case, result = generated.case(seed), reference_run(seed)
    if with_time_away(case):  # an agent who is away while a contact waits: see the test of time away below
        return
    if case.tables.sessions.any():  # records do not tell the time of the agents: see the tests of sessions below
        return
    tables, clock, rows = case.tables, case.clock, result.records
    end, hold = clock.end, holds(rows)
    left = np.where(np.isnan(rows["taken_at"]), np.where(np.isnan(rows["end"]), np.inf, rows["end"]), rows["taken_at"])
    opens = sinces(tables, rows)[:, None] + tables.after[rows["queue"]]
    points = np.unique(
        np.concatenate([rows["arrived"], left, np.nan_to_num(rows["end"] + hold), clock.interval_start, opens.ravel()])
    )
    points = points[(points >= 0) & (points <= end)]
    in_vain = rows["outcome"] == Outcome.NO_ANSWER  # a callback may wait for another try beside idle agents
    tried = rows["callback"] & np.isin(rows["contact"], rows["contact"][in_vain])
    idle_seconds = np.zeros(tables.groups)
    for a, b in itertools.pairwise(points):
        if b - a < 1e-9:  # the end of a hold, added in another order
            continue
        interval = np.searchsorted(clock.interval_start, a, side="right") - 1
        serving = (rows["taken_at"] <= a) & (rows["end"] + hold > a)
        busy = np.bincount(rows["group"][serving], minlength=tables.groups)
        idle = np.maximum(case.staff[:, interval] - busy, 0)
        waiting = (rows["arrived"] <= a) & (left > a) & ~tried
        waits, is_open = rows[waiting], opens[waiting] <= a
        enough = idle > tables.reserve[waits["queue"]]
        assert not np.any((tables.talk[waits["queue"]] >= 0) & is_open & enough), (
            f"an idle agent and a waiting contact at {a}"
        )
        idle_seconds += idle * (b - a)
    busy, staffed, overrun, away, *_ = result.sums.group.sum(axis=0).T
    assert not away.any()
    # Rounding of some thousand differences of times.
    np.testing.assert_allclose(staffed + overrun, busy + idle_seconds, atol=1e-7)


def test_the_generated_models_exercise_every_feature() -> None:
    seen: dict[str, int] = {}

    def see(feature: str, times: Any) -> None:
        seen[feature] = seen.get(feature, 0) + int(np.sum(times))

    for seed in SEEDS:
        case, result = generated.case(seed), reference_run(seed)
        rows, tables = result.records, case.tables
        answered = ~np.isnan(rows["answered_at"])
        wait = rows["answered_at"] - rows["arrived"]
        for outcome in Outcome:
            see(outcome.name.lower(), rows["outcome"] == outcome)
        back, in_vain = rows["callback"], rows["outcome"] == Outcome.NO_ANSWER
        rows, in_vain = rows[~in_vain], rows[in_vain]
        back, answered, wait = back[rows["entry"]], answered[rows["entry"]], wait[rows["entry"]]
        see("called back", back & answered)
        see("called back after a call in vain", back & answered & np.isin(rows["contact"], in_vain["contact"]))
        see("third call in vain", np.bincount(in_vain["contact"]) >= 3)
        see("call in vain when another arrives", np.isin(in_vain["end"], rows["arrived"]))
        see("callback at the next tier", back & (rows["leg"] > 0))
        see("callback that goes on to the next tier", back & rows["escalated"])
        see("callback after a redial", back & (rows["attempt"] > 0))
        see("callback of one who had a line", back & (tables.line_pool[rows["queue"]] >= 0))
        see("repeat after a callback", back & answered & (rows["returns_at"] > 0))
        see("callback at closing", back & (tables.dropping.size > 0))
        see("answered at once", wait == 0)
        see("answered after a wait", wait > 0)
        see("third tier", rows["leg"] == 2)
        see("no talk at all", rows["talk_end"] == rows["answered_at"])
        see("neither talk nor after-call work", rows["end"] == rows["answered_at"])
        see("no after-call work", answered & (rows["end"] == rows["talk_end"]))
        see("patience zero", (rows["outcome"] == Outcome.ABANDONED) & (rows["end"] == rows["arrived"]))
        see("first line escalated while holding a line", rows["escalated"] & (tables.line_pool[rows["queue"]] >= 0))
        see("escalation of an account", len(result.escalated))
        see("entries at one instant", rows["arrived"][1:] == rows["arrived"][:-1])
        see("arrival when an agent is freed", np.isin(rows["arrived"], rows["end"]))
        see("arrival when an interval starts", np.isin(rows["arrived"], case.clock.interval_start))
        see("freed when an interval starts", np.isin(rows["end"][answered], case.clock.interval_start))
        see(
            "abandons when an agent is freed",
            np.isin(rows["end"][rows["outcome"] == Outcome.ABANDONED], rows["end"][answered]),
        )
        see("served by several groups", len(np.unique(rows["group"])) > 2)
        before = {tuple(row[:2]): row[2] for row in rows[["contact", "attempt", "repeats"]].tolist()}
        more = [n > before.get((c, a - 1), 0) for c, a, n in rows[["contact", "attempt", "repeats"]].tolist()]
        repeat = np.array(more, dtype=bool) & (rows["leg"] == 0)
        again = (rows["attempt"] > 0) & (rows["leg"] == 0) & ~repeat
        see("repeat", repeat)
        see("third repeat", repeat & (rows["repeats"] == 3))
        see("redial after a repeat", again & (rows["repeats"] > 0))
        see("repeat after a redial", repeat & (rows["attempt"] > rows["repeats"]))
        see("repeat in another queue", repeat & (tables.repeat_to >= 0).any())
        see("repeat after the second tier", rows["returns_at"][answered & (rows["leg"] > 0)] > 0)
        see(
            "repeat of one who held a line",
            (rows["returns_at"] > 0) & answered & (tables.line_pool[rows["queue"]] >= 0),
        )
        see("repeat at once", rows["returns_at"] == rows["talk_end"])
        see("repeat blocked", repeat & (rows["outcome"] == Outcome.BLOCKED))
        see("repeat when an agent is freed", np.isin(rows["arrived"][repeat], rows["end"][answered]))
        see("resolved by a repeat", rows["resolved"] & (rows["repeats"] > 0))
        see("resolved at the second tier", rows["resolved"] & (rows["leg"] > 0))
        see("resolved after a hold", rows["resolved"] & (rows["hold"] > 0))
        content = rows["resolved"] | rows["escalated"] | (rows["returns_at"] > 0)
        see("given up after an answer", answered & ~content & tables.inquiries)
        if tables.inquiries and tables.opening.size:
            to = np.where(tables.repeat_to[rows["queue"]] < 0, rows["queue"], tables.repeat_to[rows["queue"]])
            starts = case.clock.interval_start
            shut = ~tables.opening[to, np.clip(np.searchsorted(starts, rows["talk_end"]) - 1, 0, len(starts) - 2)]
            see("not content while the queue is closed", shut & (rows["returns_at"] > 0) & answered)
            see("delay until the queue opens", np.isin(rows["returns_at"], starts[:-1]))
        see("inquiry within its time", result.sums.queue[..., QueueMeasure.RESOLVED_FIRST])
        see("inquiry repeated within its time", result.sums.queue[..., QueueMeasure.REPEATED_WITHIN])
        lost = [Outcome.BLOCKED, Outcome.BALKED, Outcome.ABANDONED]
        see("redial", again)
        see("third redial", rows["attempt"] == 3)
        see("redial after a redial at the next tier", (rows["attempt"] > 0) & (rows["leg"] > 0))
        see("redial when an interval starts", np.isin(rows["arrived"][again], case.clock.interval_start))
        see("redial when another arrives", np.isin(rows["arrived"][again], rows["arrived"][~again]))
        see("redial when an agent is freed", np.isin(rows["arrived"][again], rows["end"][answered]))
        see("redial at once", np.isin(rows["arrived"][again], rows["end"][np.isin(rows["outcome"], lost)]))
        for outcome in lost:
            see(f"redial {outcome.name.lower()}", again & (rows["outcome"] == outcome))
        see("balked at the next tier", (rows["outcome"] == Outcome.BALKED) & (rows["leg"] > 0))
        see("balked with a line", (rows["outcome"] == Outcome.BALKED) & (tables.line_pool[rows["queue"]] >= 0))
        dropped = rows["outcome"] == Outcome.DROPPED
        see("answered after a delay", rows["answered_at"] > rows["taken_at"])
        see("dropped at closing", dropped & (rows["end"] > rows["arrived"]))
        see("dropped after closing", dropped & (rows["end"] == rows["arrived"]))
        see("dropped redial", dropped & again)
        if tables.serving_out.size:
            at = np.searchsorted(case.clock.interval_start, rows["taken_at"], side="right") - 1
            late = answered & (rows["taken_at"] > rows["arrived"]) & (at < case.clock.intervals)
            now = np.where(late, at, 0)
            nobody = case.staff[rows["group"], now] == 0
            see("served out by who would leave", late & nobody & tables.serving_out[rows["queue"], now])
        see("dropped at the next tier", dropped & (rows["leg"] > 0))
        see("dropped with a line", dropped & (tables.line_pool[rows["queue"]] >= 0))
        held, limit = rows["hold"] > 0, np.full(len(rows), np.nan)
        before = {tuple(row): i for i, row in enumerate(rows[["contact", "attempt", "leg"]].tolist())}
        for i in np.flatnonzero(rows["leg"] > 0):
            contact, attempt, leg = rows[["contact", "attempt", "leg"]][i].tolist()
            queue = rows["queue"][before[contact, attempt, leg - 1]]
            limit[i] = tables.hold_limit[queue] if tables.transfer[queue] == Transfer.WARM else np.nan
        let_go = held & (rows["hold"] == (rows["arrived"] + limit) - rows["arrived"])
        see("hold until the answer", held & (rows["hold"] == rows["answered_at"] - rows["arrived"]))
        see("hold with a conference", held & (rows["hold"] > rows["answered_at"] - rows["arrived"]))
        see("hold to the end of the second talk", held & (rows["hold"] == rows["talk_end"] - rows["arrived"]))
        see("hold over at its limit", let_go)
        see("abandoned after a hold", let_go & (rows["outcome"] == Outcome.ABANDONED))
        see("answered after a hold over at its limit", let_go & answered)
        see("dropped on hold", held & ~let_go & dropped)
        see("hold on arriving at a closed queue", (limit > 0) & (rows["hold"] == 0) & dropped)
        see(
            "hold over when an agent is freed", np.isin((rows["arrived"] + rows["hold"])[let_go], rows["end"][answered])
        )
        asked = np.zeros(len(rows), dtype=bool)
        for i in np.flatnonzero(rows["leg"] > 0):
            contact, attempt, leg = rows[["contact", "attempt", "leg"]][i].tolist()
            asked[i] = tables.transfer[rows["queue"][before[contact, attempt, leg - 1]]] == Transfer.CONSULTATION
        asked &= rows["hold"] > 0
        see("consultation", asked & answered)
        see("consultation withdrawn at the limit", asked & (rows["outcome"] == Outcome.WITHDRAWN))
        see("consultation withdrawn, and resolved", (rows["outcome"] == Outcome.WITHDRAWN) & rows["resolved"])
        see("repeat after a consultation", asked & answered & (rows["returns_at"] > 0))
        see("repeat after one withdrawn", (rows["outcome"] == Outcome.WITHDRAWN) & (rows["returns_at"] > 0))
        if tables.dropping.size:
            shut = np.isin(rows["end"], case.clock.interval_start[:-1][tables.dropping.any(axis=0)])
            see("consultation withdrawn at closing", shut & (rows["outcome"] == Outcome.WITHDRAWN))
        see("hold that lasts", np.isnan(rows["hold"]))
        see("redial after a hold", np.isin(rows["contact"][again], rows["contact"][let_go]))
        if tables.dropping.size:
            shut = tables.dropping[rows["queue"], np.minimum(rows["interval"], tables.dropping.shape[1] - 1)]
            see("ticket at a closed queue", shut & ~dropped & (rows["leg"] > 0))
        if tables.dropping.size:
            closing = case.clock.interval_start[:-1][tables.dropping.any(axis=0)]
            see("closes when an agent is freed", np.isin(closing, rows["end"][answered]))
            see("closes when patience ends", np.isin(closing, rows["end"][rows["outcome"] == Outcome.ABANDONED]))
            see("a call begins at closing", [state.time in closing for state in result.states])
        since = sinces(tables, rows)
        older = since < rows["arrived"]
        see("waits with the age it brought along", older & (wait > 0))
        see("brings its age along for two tiers", older & (rows["leg"] == 2) & np.isin(since, rows["arrived"]))
        see("ticket with the age it brought along", older & (tables.transfer == Transfer.DEFERRED).any() & (wait > 0))
        see("hold with the age it brought along", older & (rows["hold"] > 0))
        see("callback with the age it brought along", older & rows["callback"])
        see("chat with the age it brought along", older & tables.chat[rows["queue"]])
        see("may be interrupted, with the age it brought along", older & tables.interruptible[rows["queue"]])
        for i in np.flatnonzero(older & (wait > 0)):
            same = (rows["queue"] == rows["queue"][i]) & (rows["arrived"] < rows["arrived"][i])
            see("overtakes by its age", same & (rows["taken_at"] > rows["taken_at"][i]))
        waited_for = since + tables.after[rows["queue"], rows["group"]]
        see("overflow at once by its age", older & (wait == 0) & (waited_for > since))
        see("overflow sooner by its age", older & (rows["taken_at"] == waited_for) & (wait > 0))
        overflowed = answered & (tables.after[rows["queue"], rows["group"]] > 0)
        see("overflow to an idle agent", overflowed & (rows["taken_at"] == waited_for))
        see("overflow to a freed agent", overflowed & (rows["taken_at"] > waited_for))
        see("overflow when an agent is freed", overflowed & np.isin(waited_for, rows["end"][answered]))
        see("overflow when patience ends", np.isin(waited_for, rows["end"][rows["outcome"] == Outcome.ABANDONED]))
        see("several overflow times", [len(times) > 1 for times in tables.overflow_times])
        given = case.contacts.talk
        if given.size:
            first = rows[answered & (rows["leg"] == 0) & (rows["attempt"] == 0)]
            see("recorded talk", ~np.isnan(given[first["contact"]]))
            see("drawn talk beside recorded", np.isnan(given[first["contact"]]))
        see("time away", result.sums.group[..., GroupMeasure.AWAY] > 0)
        nobody = with_time_away(case) and not result.sums.group[..., GroupMeasure.AWAY].any()
        see("nobody steps away though some may", nobody)
        see("the longer without a rest, the likelier away", with_time_away(case) and np.any(tables.away_every > 0))
        hasty = np.isin(rows["queue"], np.flatnonzero((tables.patience_behind >= 0).any(axis=1)))
        see("gives up where patience depends on how many wait", hasty & (rows["outcome"] == Outcome.ABANDONED))
        see("backlog", result.sums.queue[..., QueueMeasure.BACKLOG])
        see("deferrable work", result.sums.group[..., GroupMeasure.DEFERRABLE] > 0)
        if tables.opening.size:
            through = wait > 0
            through &= tables.business_time[rows["queue"]]
            see("wait in open time", through & ~tables.opening.all(axis=1)[rows["queue"]])
        if tables.reserve.any():
            held_back = answered & (wait > 0) & (tables.reserve[rows["queue"], rows["group"]] > 0)
            see("answered after a wait in spite of a reserve", held_back)
        beside = tables.sessions[rows["queue"], rows["group"]] & (rows["group"] >= 0) & tables.chat[rows["queue"]]
        see("chat", beside)
        see("chat that goes on to the next tier", beside & rows["escalated"])
        see("repeat after a chat", beside & (rows["returns_at"] > 0))
        see("chat with a line", beside & (tables.line_pool[rows["queue"]] >= 0))
        see("chat after an answer delay", beside & (rows["answered_at"] > rows["taken_at"]))
        see("chat that is slowed down", beside & (tables.slowdown[rows["group"]] > 0))
        see("chat ends when another arrives", np.isin(rows["end"][beside], rows["arrived"]))
        see("chat ends when an interval starts", np.isin(rows["end"][beside], case.clock.interval_start))
        see("chats end together", len(rows[beside]) - len(np.unique(rows["end"][beside])))
        see("agents with chats have places left", result.sums.group[..., GroupMeasure.SPARE] > 0)
        see("interrupted", result.sums.queue[..., QueueMeasure.INTERRUPTED])
        see("resumed with set-up", result.sums.queue[..., QueueMeasure.INTERRUPTED].sum(axis=0) @ tables.set_up)
        resumed = tables.interruptible[rows["queue"]] & answered
        see("may be interrupted, and goes on to the next tier", resumed & rows["escalated"])
        see("repeat after what may be interrupted", resumed & (rows["returns_at"] > 0))
        see("head starts that differ", len(np.unique(tables.head_start)) > 1)
        see("leaves after the shift", result.sums.group[..., GroupMeasure.OVERRUN] > 0)
        see("nobody there", np.all(case.staff == 0, axis=0))
        see("groups of one level", [len(t) > len({level for _, level in t}) for t in tables.tries])
        see("queues of one priority", [len(t) > len({priority for _, priority in t}) for t in tables.serves])
        if plain.suits(tables):
            kind = "in order" if plain.in_order(tables) else "plain"
            see(f"{kind}", len(rows))
            see(f"{kind}, after an escalation", answered & (rows["leg"] > 0))
            see(f"{kind}, abandoned", rows["outcome"] == Outcome.ABANDONED)
            see(f"{kind}, several queues of a group", [len(t) > 1 for t in tables.serves])
            see(f"{kind}, a recorded talk", case.contacts.talk.size)
            see(f"{kind}, leaves after the shift", result.sums.group[..., GroupMeasure.OVERRUN] > 0)
            see(
                f"{kind}, taken when the staff changes",
                np.isin(rows["taken_at"], case.clock.interval_start) & (wait > 0),
            )
            for state in result.states[:-1]:
                see(f"{kind}, carried over waiting", len(state.waiting))
                see(f"{kind}, carried over in service", len(state.service_end))
                see(f"{kind}, carried over idle", len(state.idle_group))
                see(f"{kind}, carried over before its escalation", state.talking["escalates"])
                see(f"{kind}, carried over surplus", state.surplus)
        for state in result.states[:-1]:
            see("carried over waiting", len(state.waiting))
            for row in state.waiting:
                opens = row["arrived"] - row["age"] + np.array(tables.overflow_times[row["queue"]])
                see("carried over between overflow times", (opens < state.time).any() and (opens > state.time).any())
            see("carried over with an age", state.waiting["age"] > 0)
            see("carried over, overtaking", np.diff(state.waiting["arrived"] - state.waiting["age"]) < 0)
            see("carried over before another try", len(state.aside))
            see("carried over waiting after a try", state.waiting["tries"])
            see("carried over callbacks", state.waiting["callback"])
            see("carried over before a redial", np.isnan(state.returning["talk_end"]))
            see("carried over before a repeat", state.returning["talk_end"] < state.time)
            see("carried over talking before a repeat", state.returning["talk_end"] >= state.time)
            unsettled = ~state.talking["escalates"] & (state.talking["deadline"] < np.inf)
            see("carried over with a line before a repeat", unsettled)
            see("carried over waiting after a redial", state.waiting["attempt"] > 0)
            see("carried over in service", len(state.service_end))
            see("carried over before its escalation", state.talking["escalates"])
            see("carried over with a line", state.talking["line"] >= 0)
            see("carried over surplus", state.surplus)
            see("carried over tickets", state.waiting["ticket"])
            see("carried over holds", state.waiting["holder_entry"] >= 0)
            see("carried over before a hold", state.talking["holder_entry"] >= 0)
            see("carried over after a hold", state.waiting["hold"] > 0)
            see("carried over idle", len(state.idle_group))
            of = tables.chat[state.sessions["queue"]]
            see("carried over chats", of)
            see("carried over chats of one agent", np.bincount(state.sessions["agent"]) >= 3)
            see("carried over after-call work of a chat", of & (state.sessions["talk_end"] < state.time))
            see("carried over work that may be interrupted", ~of)
            see("carried over interrupted", state.waiting["answered_at"] < state.time)
            see("carried over surplus of agents with chats", state.surplus[state.agent_group] > 0)
            see("carried over away", state.service_away == -1)
            see("carried over before stepping away", state.service_away > 0)
            see("carried over waiting with a recorded talk", ~np.isnan(state.waiting["talk"]))
            see("call ends inside an interval", state.time not in case.clock.interval_start)
    missing = {feature for feature, times in seen.items() if times == 0}
    assert not missing, missing


# --- the comparison must be able to fail ------------------------------------------------------------------------------


def differs(seed: int, case: generated.Case | None = None) -> bool:
    """Whether the engines differ; with a ``case`` it is the compiled one's alone, which is not that of the seed."""
    try:
        if case is None:
            assert_same(run(reference, generated.case(seed)), run(compiled, generated.case(seed)))
        else:
            assert_same(reference_run(seed), run(compiled, case))
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("END_OF_TALK", "ARRIVAL"),
        ("END_OF_AFTER_CALL", "STAFFING"),
        ("END_OF_AFTER_CALL", "ARRIVAL"),
        ("STAFFING", "ARRIVAL"),
        ("TRANSFER", "ARRIVAL"),
        ("STAFFING", "OVERFLOW"),
        ("OVERFLOW", "ARRIVAL"),
        ("OVERFLOW", "ABANDONMENT"),
        ("END_OF_AFTER_CALL", "ABANDONMENT"),
        ("ARRIVAL", "ABANDONMENT"),
        ("ARRIVAL", "REDIAL"),
        ("REDIAL", "ABANDONMENT"),
        ("END_OF_AFTER_CALL", "CLOSING"),
        ("END_OF_AFTER_CALL", "HOLD_LIMIT"),
        ("HOLD_LIMIT", "ARRIVAL"),
        ("HOLD_LIMIT", "CLOSING"),
        ("CALLBACK", "ARRIVAL"),
        ("END_OF_AFTER_CALL", "CALLBACK"),
        ("END_OF_AFTER_CALL", "SESSION"),
        ("SESSION", "STAFFING"),
        ("SESSION", "ARRIVAL"),
        ("SESSION", "ABANDONMENT"),
    ],
)
def test_a_changed_tie_rule_is_caught(monkeypatch: pytest.MonkeyPatch, earlier: str, later: str) -> None:
    kinds = {kind.name: int(kind) for kind in reference._Kind}
    kinds[earlier], kinds[later] = kinds[later], kinds[earlier]
    monkeypatch.setattr(reference, "_Kind", type("Kind", (), kinds))
    assert any(differs(seed) for seed in SEEDS if seed % 2)


LAWS = (
    "after_call", "patience", "redial_delay", "repeat_delay", "answer_delay", "conference", "away", "dialling",
    "retry_delay", "patience_behind",
)  # fmt: skip
SHARES = ("escalation_probability", "balking", "redial_probability", "resolution", "no_answer", "callback_acceptance")


@pytest.mark.parametrize("name", [*PER_QUEUE, *PER_GROUP, *PER_PAIR, *ROWS_PER_QUEUE, "line_capacity", "inquiries"])
def test_a_changed_table_is_caught(name: str) -> None:
    def changed(case: generated.Case) -> generated.Case:
        value = getattr(case.tables, name)
        if name in ("priority", "level"):
            value = np.where(value > 0, 3 - value, 0)
        elif name in ("transfer", "hold_fallback"):
            value = np.where(value == Transfer.CONSULTATION, Transfer.WARM, int(Transfer.DEFERRED) - value)
        elif name in (*LAWS, "escalation_to", "repeat_to", "line_pool"):
            value = np.full_like(value, -1)
        elif name == "talk":
            value = np.minimum(value, 0)
        elif name == "inquiries":
            value = not value
        elif name in ("carries_age", "dropping", "serving_out", "opening"):
            value = ~value
        elif name == "deferrable":
            value = (~value & ~case.tables.callbacks & ~case.tables.chat) | case.tables.interruptible
        elif name in ("chat", "interruptible"):
            value = np.zeros_like(value)
        elif name == "callback_threshold":
            value = np.full_like(value, np.inf)
        elif name == "business_time":
            value = ~value & (case.tables.patience < 0)
        elif name in SHARES:
            value = 1.0 - value
        elif name == "head_start":
            value = -value
        else:
            value = value + 1
        return dataclasses.replace(case, tables=dataclasses.replace(case.tables, **{name: value}))

    assert any(differs(seed, changed(generated.case(seed))) for seed in SEEDS)


# --- small models whose outcome can be told by hand -------------------------------------------------------------------


def one_queue(talk: float, patience: float | None = None, **changes: Any) -> SupportTables:
    book = LawBook()
    tables = SupportTables(
        queue_names=("phone",),
        group_names=("agents",),
        talk=np.array([[book.row(distributions.deterministic(talk))]]),
        patience=np.array([-1 if patience is None else book.row(distributions.deterministic(patience))]),
        after_call=np.array([[-1]]),
        priority=np.array([[1]]),
        level=np.array([[1]]),
        escalation_to=np.array([-1]),
        escalation_probability=np.array([0.0]),
        line_pool=np.array([-1]),
        line_capacity=np.zeros(0, dtype=np.int64),
        answer_within=np.array([20.0]),
        short_abandon=np.array([5.0]),
        laws=book.tables(),
    )
    return dataclasses.replace(tables, **changes)


def calls_at(times: list[float], clock: Clock) -> Contacts:
    time = np.array(times, dtype=float)
    n = len(time)
    interval = np.clip(np.searchsorted(clock.interval_start, time, side="right") - 1, 0, clock.intervals - 1)
    keys = randomness.keys(np.uint64(1), np.arange(n))
    return Contacts(time, interval, np.zeros(n, dtype=np.int64), keys, np.full(n, -1))


@pytest.mark.parametrize("engine", [reference, compiled])
def test_a_shift_end_and_a_shift_start(engine: ModuleType) -> None:
    """Two agents until 100, none until 200, one from 200; each call takes 60 s."""
    clock = Clock(np.array([0.0, 100.0, 200.0, 300.0]), np.arange(3))
    contacts, staff = calls_at([70.0, 90.0, 95.0], clock), np.array([[2, 0, 1]])
    tables = one_queue(60.0)
    sums = Sums.zeros(tables, clock)
    outcome, _ = engine.run(tables, clock, contacts, staff, None, 300.0, sums=sums, records=True)
    assert outcome.records is not None
    # Both agents finish after their shift and leave; the third call waits for the morning.
    assert outcome.records["answered_at"].tolist() == [70.0, 90.0, 200.0]
    assert sums.group[:, 0, GroupMeasure.BUSY].tolist() == [40.0, 80.0, 60.0]
    assert sums.group[:, 0, GroupMeasure.STAFFED].tolist() == [200.0, 0.0, 100.0]
    assert sums.group[:, 0, GroupMeasure.OVERRUN].tolist() == [0.0, 80.0, 0.0]


@pytest.mark.parametrize("engine", [reference, compiled])
def test_patience_that_ends_when_an_agent_is_freed_is_answered(engine: ModuleType) -> None:
    clock = Clock(np.array([0.0, 1000.0]), np.array([0]))
    tables = one_queue(60.0, patience=30.0)
    sums = Sums.zeros(tables, clock)
    contacts = calls_at([0.0, 30.0, 31.0, 200.0, 231.0], clock)
    outcome, _ = engine.run(tables, clock, contacts, np.array([[1]]), None, 1000.0, sums=sums, records=True)
    assert outcome.records is not None
    named = [Outcome(code).name for code in outcome.records["outcome"]]
    assert named == ["ANSWERED", "ANSWERED", "ABANDONED", "ANSWERED", "ANSWERED"]
    assert outcome.records["answered_at"][[1, 4]].tolist() == [60.0, 260.0]
    assert outcome.records["end"][2] == 61.0


@pytest.mark.parametrize("engine", [reference, compiled])
def test_a_second_group_opens_after_a_wait(engine: ModuleType) -> None:
    """One agent at once, another after 20 s; each call takes 100 s."""
    clock = Clock(np.array([0.0, 1000.0]), np.array([0]))
    tables = one_queue(100.0)
    tables = generated.doubled(tables, group_names=("first", "second"), after=np.array([[0.0, 20.0]]))
    sums = Sums.zeros(tables, clock)
    contacts, staff = calls_at([0.0, 10.0, 50.0, 95.0], clock), np.array([[1], [1]])
    outcome, _ = engine.run(tables, clock, contacts, staff, None, 1000.0, sums=sums, records=True)
    assert outcome.records is not None
    # The third waits for the first agent; when the second is free at 130 s, the fourth has waited long enough.
    assert outcome.records["answered_at"].tolist() == [0.0, 30.0, 100.0, 130.0]
    assert outcome.records["group"].tolist() == [0, 1, 0, 1]
    assert sums.queue[0, 0, QueueMeasure.OVERFLOWED] == 2


@pytest.mark.parametrize("engine", [reference, compiled])
def test_an_agent_whom_nobody_awaits_steps_away_once(engine: ModuleType) -> None:
    """One agent until 200 s and from 300 s on; calls take 10 s, and time away 50 s."""
    clock = Clock(np.array([0.0, 100.0, 200.0, 300.0, 400.0]), np.arange(4))
    book = LawBook()
    talk, away = (book.row(distributions.deterministic(x)) for x in (10.0, 50.0))
    tables = dataclasses.replace(one_queue(1.0), talk=np.array([[talk]]), laws=book.tables(), away=np.array([away]))
    sums = Sums.zeros(tables, clock)
    contacts, staff = calls_at([0.0, 5.0, 30.0, 150.0, 195.0, 305.0], clock), np.array([[1, 1, 0, 1]])
    outcome, state = engine.run(tables, clock, contacts, staff, None, 315.0, sums=sums, records=True)
    assert outcome.records is not None
    # The second call waits at 10 s, so that the agent stays; away from 20 to 70 while the third waits; away from 80 to
    # 130 and idle then; away from 160 beyond the end of the shift, back at 210 only to leave.
    assert outcome.records["answered_at"].tolist() == [0.0, 10.0, 70.0, 150.0, 300.0, 310.0]
    assert sums.group[:, 0, GroupMeasure.AWAY].tolist() == [50.0 + 20.0, 30.0 + 40.0, 10.0, 0.0]
    assert sums.group[:, 0, GroupMeasure.OVERRUN].tolist() == [0.0, 0.0, 10.0, 0.0]
    assert sums.group[:, 0, GroupMeasure.BUSY].tolist() == [30.0, 10.0, 0.0, 20.0]
    assert state.service_away.tolist() == [50.0]
    busy, staffed, overrun, gone, *_ = sums.group.sum(axis=0)[0]
    assert staffed + overrun - busy - gone == 20.0 + 80.0  # idle from 130, and planned from 320 to the end


@pytest.mark.parametrize("engine", [reference, compiled])
def test_the_longer_without_a_rest_the_likelier_an_agent_steps_away(engine: ModuleType) -> None:
    """One agent, calls of 10 s: away after one with a chance of 63 %, after forty in a row for certain."""
    book = LawBook()
    talk, away = (book.row(distributions.deterministic(x)) for x in (10.0, 5.0))
    tables = dataclasses.replace(one_queue(1.0), talk=np.array([[talk]]), laws=book.tables(), away=np.array([away]))
    tables = dataclasses.replace(tables, away_every=np.array([10.0]))
    clock = Clock(np.array([0.0, 200_000.0]), np.array([0]))
    for times, share, error in (
        (np.arange(2_000) * 100.0, 1.0 - np.exp(-1.0), 0.05),  # 4.6 standard deviations
        (np.repeat(np.arange(50) * 2_000.0, 40), 1.0, 0.0),
    ):
        sums = Sums.zeros(tables, clock)
        contacts = calls_at(times.tolist(), clock)
        engine.run(tables, clock, contacts, np.array([[1]]), None, 200_000.0, sums=sums)
        found = sums.group[..., GroupMeasure.AWAY].sum() / (5.0 * len(np.unique(times)))
        assert found == pytest.approx(share, abs=error)


@pytest.mark.parametrize("engine", [reference, compiled])
def test_patience_depends_on_how_many_wait(engine: ModuleType) -> None:
    """Nobody is there: five callers at once wait 100 s, 50 s, and 20 s, for they find 0, 1, and 2 or more."""
    book = LawBook()
    alone, second, later, talk = (book.row(distributions.deterministic(x)) for x in (100.0, 50.0, 20.0, 10.0))
    tables = dataclasses.replace(
        one_queue(1.0),
        laws=book.tables(),
        talk=np.array([[talk]]),
        patience=np.array([alone]),
        patience_behind=np.array([[second, later]]),
    )
    clock = Clock(np.array([0.0, 1_000.0]), np.array([0]))
    sums, contacts = Sums.zeros(tables, clock), calls_at([0.0, 0.0, 0.0, 0.0, 0.0, 90.0], clock)
    outcome, _ = engine.run(tables, clock, contacts, np.array([[0]]), None, 1_000.0, sums=sums, records=True)
    assert outcome.records is not None
    assert (outcome.records["end"] - outcome.records["arrived"]).tolist() == [100.0, 50.0, 20.0, 20.0, 20.0, 50.0]
    with pytest.raises(ParameterError, match="for all numbers"):
        dataclasses.replace(tables, patience_behind=np.array([[second, -1]]))


@pytest.mark.parametrize("engine", [reference, compiled])
def test_a_head_start_counts_as_waiting(engine: ModuleType) -> None:
    """Two queues, one agent; the second queue's contacts count as having entered 90 s earlier."""
    clock = Clock(np.array([0.0, 1000.0]), np.array([0]))
    tables = one_queue(10.0)
    tables = generated.doubled(tables, queue_names=("plain", "preferred"), head_start=np.array([0.0, 90.0]))
    contacts = calls_at([0.0, 1.0, 5.0, 95.0, 96.0], clock)
    queue = np.array([0, 0, 0, 1, 1])  # 95 s less 90 s is 5 s: the lower entry goes first
    contacts = dataclasses.replace(contacts, queue=queue, talk=np.array([200.0, np.nan, np.nan, np.nan, 7.0]))
    sums = Sums.zeros(tables, clock)
    outcome, _ = engine.run(tables, clock, contacts, np.array([[1]]), None, 1000.0, sums=sums, records=True)
    assert outcome.records is not None
    assert outcome.records["answered_at"].tolist() == [0.0, 200.0, 210.0, 220.0, 230.0]
    assert outcome.records["talk_end"].tolist() == [200.0, 210.0, 220.0, 230.0, 237.0]
    sooner = dataclasses.replace(tables, head_start=np.array([0.0, 90.5]))
    outcome, _ = engine.run(sooner, clock, contacts, np.array([[1]]), None, 1000.0, sums=sums, records=True)
    assert outcome.records is not None
    assert outcome.records["answered_at"].tolist() == [0.0, 200.0, 220.0, 210.0, 230.0]


@pytest.mark.parametrize("engine", [reference, compiled])
def test_lost_callers_redial(engine: ModuleType) -> None:
    """Nobody is there until 100 s; callers wait 10 s, call again 30 s later, and at most twice."""
    clock = Clock(np.array([0.0, 100.0, 1000.0]), np.arange(2))
    book = LawBook()
    talk, patience, delay = (book.row(distributions.deterministic(x)) for x in (20.0, 10.0, 30.0))
    tables = dataclasses.replace(
        one_queue(1.0),
        talk=np.array([[talk]]),
        patience=np.array([patience]),
        laws=book.tables(),
        redial_probability=np.ones(1),
        redial_attempts=np.array([2]),
        redial_delay=np.array([delay]),
    )
    sums = Sums.zeros(tables, clock)
    contacts, staff = calls_at([0.0, 40.0], clock), np.array([[0, 1]])
    outcome, state = engine.run(tables, clock, contacts, staff, None, 1000.0, sums=sums, records=True)
    assert outcome.records is not None
    rows = outcome.records
    assert rows["arrived"].tolist() == [0.0, 40.0, 40.0, 80.0, 80.0, 120.0]
    assert rows["contact"].tolist() == [0, 1, 0, 1, 0, 1]
    assert rows["attempt"].tolist() == [0, 0, 1, 1, 2, 2]
    assert rows["answered_at"].tolist()[5] == 120.0
    assert len(set(rows["key"].tolist())) == 6
    assert len(state.returning) == 0
    counted = [QueueMeasure.OFFERED, QueueMeasure.REDIALS, QueueMeasure.ABANDONED, QueueMeasure.ANSWERED]
    assert sums.queue[:, 0, counted].tolist() == [[5.0, 3.0, 5.0, 0.0], [1.0, 1.0, 0.0, 1.0]]


@pytest.mark.parametrize("engine", [reference, compiled])
def test_inquiries_that_are_not_resolved_come_back_in_open_time(engine: ModuleType) -> None:
    """Calls of 20 s resolve nothing; customers call again after 30 s, at most twice. Closed from 100 to 200 s."""
    clock = Clock(np.array([0.0, 100.0, 200.0, 300.0]), np.array([0, 0, 1]))
    book = LawBook()
    talk, delay = (book.row(distributions.deterministic(x)) for x in (20.0, 30.0))
    tables = dataclasses.replace(
        one_queue(1.0),
        talk=np.array([[talk]]),
        laws=book.tables(),
        inquiries=True,
        resolution=np.zeros(1),
        repeat_attempts=np.array([2]),
        repeat_delay=np.array([delay]),
        resolution_within=np.array([60.0]),
        opening=np.array([[True, False, True]]),
    )
    sums = Sums.zeros(tables, clock)
    contacts, staff = calls_at([0.0, 40.0], clock), np.ones((1, 3), dtype=np.int64)
    outcome, state = engine.run(tables, clock, contacts, staff, None, 1000.0, sums=sums, records=True)
    rows = outcome.records
    assert rows is not None
    # the first calls again at 50 (answered at 60, when the other has ended) and with 20 s left to closing at 80 it has
    # 10 s to go at the opening; the other at 60 + 30, answered at 90, has 30 s to go
    assert rows["arrived"].tolist() == [0.0, 40.0, 50.0, 90.0, 210.0, 230.0]
    assert rows["answered_at"].tolist() == [0.0, 40.0, 60.0, 90.0, 210.0, 230.0]
    assert rows["returns_at"].tolist()[:4] == [50.0, 90.0, 210.0, 230.0]
    assert np.isnan(rows["returns_at"][4:]).all()
    assert rows["repeats"].tolist() == [0, 0, 1, 1, 2, 2]
    assert len(state.returning) == 0
    names = ("INQUIRIES", "REPEATS", "UNRESOLVED", "RESOLVED", "DUE", "REPEATED_WITHIN", "RESPONDED")
    counted = [QueueMeasure[name] for name in names]
    assert sums.queue[:, 0, counted].tolist() == [[2, 2, 2, 0, 2, 2, 2], [0, 2, 0, 0, 0, 0, 0]]
    content = dataclasses.replace(tables, resolution=np.ones(1))
    sums = Sums.zeros(content, clock)
    engine.run(content, clock, contacts, staff, None, 1000.0, sums=sums)
    names = ("RESOLVED", "RESOLVED_FIRST", "RESOLUTION_TIME", "RESOLUTION_TIME_NET", "RESOLUTION_EFFORT", "REPEATS")
    assert sums.queue[0, 0, [QueueMeasure[name] for name in names]].tolist() == [2, 2, 40, 40, 40, 0]


@pytest.mark.parametrize("engine", [reference, compiled])
def test_a_reserve_waits_in_open_time_and_the_backlog(engine: ModuleType) -> None:
    """Mails of 50 s are started only while one more agent is idle; closed from 100 to 200 s, one agent then."""
    clock = Clock(np.array([0.0, 100.0, 200.0, 300.0]), np.arange(3))
    tables = one_queue(
        50.0,
        deferrable=np.ones(1, dtype=np.bool_),
        business_time=np.ones(1, dtype=np.bool_),
        reserve=np.ones((1, 1), dtype=np.int64),
        opening=np.array([[True, False, True]]),
    )
    sums = Sums.zeros(tables, clock)
    contacts, staff = calls_at([10.0, 20.0, 70.0, 80.0], clock), np.array([[2, 1, 2]])
    outcome, _ = engine.run(tables, clock, contacts, staff, None, 300.0, sums=sums, records=True)
    assert outcome.records is not None
    # the second waits until the other agent is idle too, at 60; the third and fourth for the second agent at 200
    assert outcome.records["answered_at"].tolist() == [10.0, 60.0, 200.0, 250.0]
    measures = [QueueMeasure.WAIT_ANSWERED, QueueMeasure.BACKLOG, QueueMeasure.READINGS]
    assert sums.queue[:, 0, measures].tolist() == [[0 + 40 + 30 + 70, 2, 1], [0, 2, 1], [0, 0, 1]]
    assert sums.group[:, 0, GroupMeasure.DEFERRABLE].tolist() == [90.0, 10.0, 100.0]


@pytest.mark.parametrize("engine", [reference, compiled])
@pytest.mark.parametrize("answers", [True, False])
def test_callbacks_keep_their_place(engine: ModuleType, answers: bool) -> None:
    """Calls of 60 s, patience of 70 s, two lines; who would wait more than 90 s takes a callback, dialled for 10 s."""
    clock = Clock(np.array([0.0, 1000.0]), np.array([0]))
    book = LawBook()
    talk, patience, dialling, retry = (book.row(distributions.deterministic(x)) for x in (60.0, 70.0, 10.0, 25.0))
    tables = dataclasses.replace(
        one_queue(1.0, line_pool=np.array([0]), line_capacity=np.array([2])),
        talk=np.array([[talk]]),
        patience=np.array([patience]),
        laws=book.tables(),
        callback_threshold=np.array([90.0]),
        callback_handle=np.array([60.0]),
        callback_acceptance=np.ones(1),
        callback_attempts=np.array([2]),
        dialling=np.array([dialling]),
        no_answer=np.array([0.0 if answers else 1.0]),
        retry_delay=np.array([retry]),
    )
    sums = Sums.zeros(tables, clock)
    contacts = calls_at([0.0, 1.0, 2.0, 61.0], clock)
    # the second waits (60 s to be expected); the third finds no line
    outcome, _ = engine.run(tables, clock, contacts, np.array([[1]]), None, 1000.0, sums=sums, records=True)
    assert outcome.records is not None
    assert outcome.records["outcome"].tolist()[2] == Outcome.BLOCKED
    tables = dataclasses.replace(tables, line_capacity=np.array([3]))
    sums = Sums.zeros(tables, clock)
    outcome, _ = engine.run(tables, clock, contacts, np.array([[1]]), None, 1000.0, sums=sums, records=True)
    rows = outcome.records
    assert rows is not None
    assert rows["callback"].tolist() == [False, False, True, True] + [True] * (0 if answers else 4)
    names = ("OFFERED", "ANSWERED", "CALLBACKS", "CALLED_BACK", "CALLBACK_WAIT", "NO_ANSWER", "UNREACHED", "ABANDONED")
    counted = sums.queue[0, 0, [QueueMeasure[name] for name in names]].tolist()
    if answers:
        assert rows["taken_at"].tolist() == [0.0, 60.0, 120.0, 190.0]
        assert rows["answered_at"].tolist() == [0.0, 60.0, 130.0, 200.0]
        assert counted == [4, 2, 2, 2, 128.0 + 139.0, 0, 0, 0]
        assert sums.group[0, 0, GroupMeasure.BUSY] == 60 + 60 + 70 + 70
    else:
        assert rows["taken_at"].tolist()[4:] == [120.0, 130.0, 155.0, 165.0]
        assert rows["end"].tolist() == [60.0, 120.0, 165.0, 175.0, 130.0, 140.0, 165.0, 175.0]
        assert counted == [4, 2, 2, 0, 0.0, 4, 2, 0]
        assert sums.group[0, 0, GroupMeasure.BUSY] == 2 * 60 + 4 * 10


def two_queues(first: float, second: float, **changes: Any) -> SupportTables:
    """One group for calls and for something else, of so many seconds each."""
    book = LawBook()
    talk = [[book.row(distributions.deterministic(x))] for x in (first, second)]
    tables = SupportTables(
        queue_names=("phone", "other"),
        group_names=("agents",),
        talk=np.array(talk),
        patience=np.array([-1, -1]),
        after_call=np.array([[-1], [-1]]),
        priority=np.array([[1], [1]]),
        level=np.array([[1], [1]]),
        escalation_to=np.array([-1, -1]),
        escalation_probability=np.zeros(2),
        line_pool=np.array([-1, -1]),
        line_capacity=np.zeros(0, dtype=np.int64),
        answer_within=np.array([20.0, 20.0]),
        short_abandon=np.array([5.0, 5.0]),
        laws=book.tables(),
    )
    return dataclasses.replace(tables, **changes)


CHAT = np.array([False, True])


@pytest.mark.parametrize("engine", [reference, compiled])
def test_chats_beside_one_another_share_the_agent(engine: ModuleType) -> None:
    """Two chats of 60 s at once, each then half as slow again."""
    clock = Clock(np.array([0.0, 1000.0]), np.array([0]))
    tables = two_queues(60.0, 60.0, chat=CHAT, concurrency=np.array([2]), slowdown=np.array([0.5]))
    contacts = dataclasses.replace(calls_at([0.0, 20.0, 30.0], clock), queue=np.ones(3, dtype=np.int64))
    sums = Sums.zeros(tables, clock)
    outcome, _ = engine.run(tables, clock, contacts, np.array([[1]]), None, 1000.0, sums=sums, records=True)
    rows = outcome.records
    assert rows is not None
    # the first has 40 s to go at 20, which take 60; the second has got 40 s done by then, and 20 s to go take 30 beside
    # the third, of which 40 s are left then
    assert rows["answered_at"].tolist() == [0.0, 20.0, 80.0]
    assert rows["talk_end"].tolist() == [80.0, 110.0, 150.0]
    assert rows["end"].tolist() == [80.0, 110.0, 150.0]
    assert sums.queue[0, 1, QueueMeasure.TALK] == 80.0 + 90.0 + 70.0
    assert sums.group[0, 0, [GroupMeasure.BUSY, GroupMeasure.SPARE]].tolist() == [150.0, 0.5 * (20.0 + 40.0)]
    assert KPIS["occupancy"](sums.group[0]).tolist() == [0.15]
    assert KPIS["occupancy_slots"](sums.group[0]).tolist() == [0.12]
    assert KPIS["handle_time"](sums.queue[0])[1] == 80.0


@pytest.mark.parametrize("engine", [reference, compiled])
def test_after_call_work_of_a_chat_holds_its_place_and_is_shared(engine: ModuleType) -> None:
    clock = Clock(np.array([0.0, 1000.0]), np.array([0]))
    tables = two_queues(60.0, 60.0, chat=CHAT, concurrency=np.array([2]), slowdown=np.array([1.0]))
    tables = dataclasses.replace(tables, after_call=np.array([[-1], tables.talk[0]]))
    contacts = dataclasses.replace(calls_at([0.0, 0.0, 1.0], clock), queue=np.ones(3, dtype=np.int64))
    sums = Sums.zeros(tables, clock)
    outcome, state = engine.run(tables, clock, contacts, np.array([[1]]), None, 200.0, sums=sums, records=True)
    rows = outcome.records
    assert rows is not None
    assert rows["talk_end"].tolist()[:2] == [120.0, 120.0]  # and after-call work of 60 s each until 240
    assert [Outcome(code).name for code in rows["outcome"]] == ["ANSWERED", "ANSWERED", "WAITING"]
    assert np.isnan(rows["end"]).all()
    assert state.sessions["finish"].tolist() == [120.0, 120.0]
    outcome, _ = engine.run(tables, clock, calls_at([], clock), np.array([[1]]), state, 1000.0, sums=sums, records=True)
    assert outcome.records is not None
    assert outcome.records["end"].tolist() == [240.0, 240.0, 360.0]
    assert sums.queue[0, 1, [QueueMeasure.TALK, QueueMeasure.AFTER_CALL]].tolist() == [240.0 + 60.0, 240.0 + 60.0]


@pytest.mark.parametrize("engine", [reference, compiled])
def test_the_agent_with_the_fewest_chats_gets_the_next_and_calls_wait_for_one_without(engine: ModuleType) -> None:
    """Two agents with places for two chats of 60 s each, who do not slow each other down."""
    clock = Clock(np.array([0.0, 1000.0]), np.array([0]))
    tables = two_queues(60.0, 60.0, chat=CHAT, concurrency=np.array([2]))
    contacts = calls_at([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], clock)
    contacts = dataclasses.replace(contacts, queue=np.array([1, 1, 1, 1, 1, 0]))
    sums = Sums.zeros(tables, clock)
    outcome, _ = engine.run(tables, clock, contacts, np.array([[2]]), None, 1000.0, sums=sums, records=True)
    assert outcome.records is not None
    # the second agent is left by both chats at 63, for the call; the fifth chat came to the first agent's at 60
    assert outcome.records["answered_at"].tolist() == [0.0, 1.0, 2.0, 3.0, 60.0, 63.0]
    assert sums.group[0, 0, GroupMeasure.BUSY] == 120.0 + 122.0


@pytest.mark.parametrize("engine", [reference, compiled])
def test_an_agent_of_the_surplus_takes_no_further_chat(engine: ModuleType) -> None:
    """One of two agents leaves at 100 s; chats take 100 s."""
    clock = Clock(np.array([0.0, 100.0, 1000.0]), np.arange(2))
    tables = two_queues(60.0, 100.0, chat=CHAT, concurrency=np.array([2]))
    contacts = dataclasses.replace(calls_at([50.0, 60.0, 110.0, 120.0], clock), queue=np.ones(4, dtype=np.int64))
    sums = Sums.zeros(tables, clock)
    outcome, _ = engine.run(tables, clock, contacts, np.array([[2, 1]]), None, 1000.0, sums=sums, records=True)
    assert outcome.records is not None
    # who has had one chat for longer leaves at 150; the other has two from 110 on, and a place at 160
    assert outcome.records["answered_at"].tolist() == [50.0, 60.0, 110.0, 160.0]
    assert sums.group[:, 0, GroupMeasure.OVERRUN].tolist() == [0.0, 50.0]
    assert sums.group[:, 0, GroupMeasure.BUSY].tolist() == [90.0, 50.0 + 160.0]


@pytest.mark.parametrize("engine", [reference, compiled])
def test_a_call_interrupts_what_can_wait(engine: ModuleType) -> None:
    """Emails of 100 s; it takes 10 s to resume one. The phone comes first for the one agent."""
    clock = Clock(np.array([0.0, 1000.0]), np.array([0]))
    can_wait = np.array([False, True])
    tables = two_queues(60.0, 100.0, deferrable=can_wait, interruptible=can_wait, set_up=np.array([0.0, 10.0]))
    contacts = dataclasses.replace(calls_at([0.0, 1.0, 30.0, 100.0], clock), queue=np.array([1, 1, 0, 0]))
    sums = Sums.zeros(tables, clock)
    outcome, state = engine.run(tables, clock, contacts, np.array([[1]]), None, 110.0, sums=sums, records=True)
    assert outcome.records is not None
    assert outcome.waiting.tolist() == [0, 1]  # the other email waits too, but somebody has begun with it
    assert state.waiting["talk"].tolist()[0] == 80.0
    assert [Outcome(code).name for code in outcome.records["outcome"]][:2] == ["IN_SERVICE", "WAITING"]
    outcome, _ = engine.run(tables, clock, calls_at([], clock), np.array([[1]]), state, 1000.0, sums=sums, records=True)
    rows = outcome.records
    assert rows is not None
    # left at 30 with 70 s to go; resumed at 90, and left at 100 with 70 s to go once more
    assert rows["answered_at"].tolist() == [0.0, 240.0]
    assert rows["end"].tolist() == [240.0, 340.0]
    names = ("INTERRUPTED", "TALK", "ANSWERED", "WAIT_ANSWERED", "BACKLOG")
    counted = sums.queue[0, 1, [QueueMeasure[name] for name in names]].tolist()
    assert counted == [2.0, 220.0, 2.0, 239.0, 0.0]
    assert sums.queue[0, 0, QueueMeasure.WAIT_ANSWERED] == 0.0
    assert sums.group[0, 0, [GroupMeasure.BUSY, GroupMeasure.DEFERRABLE]].tolist() == [340.0, 220.0]


@pytest.mark.parametrize("engine", [reference, compiled])
def test_the_work_begun_last_is_left_and_goes_to_who_is_free(engine: ModuleType) -> None:
    """Two agents of one group at emails, and one of another, who takes no calls, free from 20 s on."""
    clock = Clock(np.array([0.0, 20.0, 1000.0]), np.arange(2))
    can_wait = np.array([False, True])
    tables = two_queues(60.0, 100.0, deferrable=can_wait, interruptible=can_wait)
    twice = {name: np.repeat(getattr(tables, name), 2, axis=1) for name in ("talk", "after_call", "priority", "level")}
    for name, absent in (("talk", -1), ("priority", 0), ("level", 0)):
        twice[name][0, 1] = absent
    tables = dataclasses.replace(
        tables,
        group_names=("both", "mail"),
        **twice,
        **{name: np.zeros((2, 2), dtype=getattr(tables, name).dtype) for name in ("after", "reserve")},
        **{name: np.repeat(getattr(tables, name), 2) for name in PER_GROUP},
    )
    contacts = dataclasses.replace(calls_at([0.0, 10.0, 30.0], clock), queue=np.array([1, 1, 0]))
    sums = Sums.zeros(tables, clock)
    staff = np.array([[2, 2], [0, 1]])
    outcome, _ = engine.run(tables, clock, contacts, staff, None, 1000.0, sums=sums, records=True)
    rows = outcome.records
    assert rows is not None
    assert rows["end"].tolist() == [100.0, 110.0, 90.0]
    assert rows["group"].tolist() == [0, 1, 0]


@pytest.mark.parametrize("engine", [reference, compiled])
def test_who_is_not_answered_at_once_may_balk(engine: ModuleType) -> None:
    clock = Clock(np.array([0.0, 1000.0]), np.array([0]))
    tables = one_queue(60.0, balking=np.ones(1), line_pool=np.array([0]), line_capacity=np.array([2]))
    sums = Sums.zeros(tables, clock)
    contacts = calls_at([0.0, 1.0, 2.0, 60.0], clock)
    outcome, _ = engine.run(tables, clock, contacts, np.array([[1]]), None, 1000.0, sums=sums, records=True)
    assert outcome.records is not None
    named = [Outcome(code).name for code in outcome.records["outcome"]]
    assert named == ["ANSWERED", "BALKED", "BALKED", "ANSWERED"]  # who balks gives his line back
    assert outcome.records["end"].tolist() == [60.0, 1.0, 2.0, 120.0]


@pytest.mark.parametrize("engine", [reference, compiled])
def test_an_answer_delay_is_wait_and_busy_time(engine: ModuleType) -> None:
    """Patience of 15 s: the second call is taken after 13 s, answered after 18 s."""
    clock = Clock(np.array([0.0, 1000.0]), np.array([0]))
    book = LawBook()
    talk, delay, patience = (book.row(distributions.deterministic(x)) for x in (20.0, 5.0, 15.0))
    tables = dataclasses.replace(
        one_queue(1.0),
        talk=np.array([[talk]]),
        patience=np.array([patience]),
        answer_delay=np.array([delay]),
        laws=book.tables(),
    )
    sums = Sums.zeros(tables, clock)
    contacts = calls_at([0.0, 12.0], clock)
    outcome, _ = engine.run(tables, clock, contacts, np.array([[1]]), None, 1000.0, sums=sums, records=True)
    assert outcome.records is not None
    assert outcome.records["taken_at"].tolist() == [0.0, 25.0]
    assert outcome.records["answered_at"].tolist() == [5.0, 30.0]
    assert outcome.records["end"].tolist() == [25.0, 50.0]
    assert sums.queue[0, 0, QueueMeasure.WAIT_ANSWERED] == 5.0 + 18.0
    assert sums.queue[0, 0, QueueMeasure.TALK] == 40.0
    assert sums.group[0, 0, GroupMeasure.BUSY] == 50.0


def two_tiers(**changes: Any) -> SupportTables:
    """Every call of 60 s and 10 s of after-call work goes on to a second tier of 100 s, where callers wait 25 s."""
    book = LawBook()
    talk, second, work, patience, meets = (book.row(distributions.deterministic(x)) for x in (60, 100, 10, 25, 15))
    tables = SupportTables(
        queue_names=("phone", "experts"),
        group_names=("first", "second"),
        talk=np.array([[talk, -1], [-1, second]]),
        patience=np.array([-1, patience]),
        after_call=np.array([[work, -1], [-1, -1]]),
        priority=np.eye(2, dtype=np.int64),
        level=np.eye(2, dtype=np.int64),
        escalation_to=np.array([1, -1]),
        escalation_probability=np.array([1.0, 0.0]),
        line_pool=np.array([0, -1]),
        line_capacity=np.array([2]),
        answer_within=np.full(2, 20.0),
        short_abandon=np.full(2, 5.0),
        laws=book.tables(),
    )
    if "conference" in changes:
        changes["conference"] = np.array([meets, -1])
    return dataclasses.replace(tables, **changes)


WARM, DEFERRED = np.array([Transfer.WARM, Transfer.COLD]), np.array([Transfer.DEFERRED, Transfer.COLD])
ASKS = np.array([Transfer.CONSULTATION, Transfer.COLD])


@pytest.mark.parametrize("engine", [reference, compiled])
@pytest.mark.parametrize(
    ("changes", "end", "hold", "busy", "third"),
    [
        # cold: the second caller waits from 60 s for the expert who is free at 160 s, and gives up at 85 s
        ({}, [160.0, 85.0], [0.0, 0.0], 140.0, "ANSWERED"),
        # warm: the second agent holds until 160 s; then 10 s of after-call work
        ({"transfer": WARM}, [160.0, 260.0], [0.0, 100.0], 240.0, "BLOCKED"),
        ({"transfer": WARM, "conference": True}, [160.0, 260.0], [15.0, 115.0], 270.0, "BLOCKED"),
        # after 30 s the caller is alone, and gives up 25 s later
        ({"transfer": WARM, "hold_limit": np.array([30.0, np.inf])}, [160.0, 115.0], [0.0, 30.0], 170.0, "BLOCKED"),
        (
            {"transfer": WARM, "hold_limit": np.array([30.0, np.inf]), "hold_fallback": DEFERRED},
            [160.0, 260.0],
            [0.0, 30.0],
            170.0,
            "ANSWERED",
        ),
        # consultation: the first agents stay to the end of the experts' talk, the second from 60 to 260 s
        ({"transfer": ASKS}, [160.0, 260.0], [100.0, 200.0], 440.0, "BLOCKED"),
        # after 30 s the second agent goes on alone, and gives the line back
        ({"transfer": ASKS, "hold_limit": np.array([30.0, np.inf])}, [160.0, 90.0], [100.0, 30.0], 270.0, "ANSWERED"),
        # deferred: both lines are free at 60 s, and tickets wait
        ({"transfer": DEFERRED}, [160.0, 260.0], [0.0, 0.0], 140.0, "ANSWERED"),
    ],
)
def test_ways_to_the_next_tier(
    engine: ModuleType, changes: dict[str, Any], end: list[float], hold: list[float], busy: float, third: str
) -> None:
    """Two calls at once, two agents, one expert, two lines; a third call at 90 s finds a line or none."""
    clock = Clock(np.array([0.0, 1000.0]), np.array([0]))
    tables = two_tiers(**changes)
    sums = Sums.zeros(tables, clock)
    contacts, staff = calls_at([0.0, 0.0, 90.0], clock), np.array([[2], [1]])
    outcome, _ = engine.run(tables, clock, contacts, staff, None, 1000.0, sums=sums, records=True)
    rows = outcome.records
    assert rows is not None
    at_experts = rows[(rows["leg"] == 1) & (rows["contact"] < 2)]
    assert at_experts["end"].tolist() == end
    assert at_experts["hold"].tolist() == hold
    assert Outcome(rows["outcome"][rows["contact"] == 2][0]).name == third
    answered = float(third == "ANSWERED")
    later = holds(rows)[(rows["contact"] == 2) & (rows["leg"] == 0)].sum()
    assert sums.group[0, 0, GroupMeasure.BUSY] == busy + answered * 70.0 + later
    assert sums.queue[0, 0, QueueMeasure.TALK] == busy - 20.0 + answered * 60.0 + later


@pytest.mark.parametrize("engine", [reference, compiled])
def test_the_age_restarts_or_carries_over(engine: ModuleType) -> None:
    """A call from 0 to 60 s goes on to experts, who get one call at 10 s and another at 30 s; they talk for 100 s.

    A third group takes what has waited for 70 s.
    """
    clock = Clock(np.array([0.0, 1000.0]), np.array([0]))
    contacts = dataclasses.replace(calls_at([0.0, 10.0, 30.0], clock), queue=np.array([0, 1, 1]))
    plain = two_tiers(patience=np.array([-1, -1]))
    older = dataclasses.replace(plain, carries_age=np.array([True, False]))

    def answered(tables: SupportTables, staff: list[list[int]]) -> tuple[list[float], Sums]:
        sums = Sums.zeros(tables, clock)
        outcome, _ = engine.run(tables, clock, contacts, np.array(staff), None, 1000.0, sums=sums, records=True)
        assert outcome.records is not None
        return outcome.records["answered_at"].tolist(), sums

    assert answered(plain, [[1], [1]])[0] == [0.0, 10.0, 110.0, 210.0]
    times, sums = answered(older, [[1], [1]])
    assert times == [0.0, 10.0, 210.0, 110.0]  # overtakes the call of 30 s
    assert sums.queue[0, 1, QueueMeasure.WAIT_ANSWERED] == 180.0 + 50.0  # the wait from 60 s on counts
    impatient = dataclasses.replace(older, patience=two_tiers().patience)
    assert np.isnan(answered(impatient, [[1], [1]])[0]).tolist() == [False, False, True, True]  # and so does patience
    names = ("first", "second", "third")
    third = {name: np.pad(getattr(older, name), ((0, 0), (0, 1))) for name in ("priority", "level", "after")}
    third["priority"][1, 2] = third["level"][1, 2] = 1
    third["after"][1, 2] = 70.0
    laws = {name: np.pad(getattr(older, name), ((0, 0), (0, 1)), constant_values=-1) for name in ("talk", "after_call")}
    laws["talk"][1, 2] = laws["talk"][1, 1]
    each = {name: np.pad(getattr(older, name), (0, 1), mode="edge") for name in generated.PER_GROUP}
    reserve = np.pad(older.reserve, ((0, 0), (0, 1)))
    tables = dataclasses.replace(older, group_names=names, reserve=reserve, **third, **laws, **each)
    assert answered(tables, [[1], [1], [1]])[0] == [0.0, 10.0, 110.0, 70.0]
    younger = dataclasses.replace(tables, carries_age=np.zeros(2, dtype=np.bool_))
    assert answered(younger, [[1], [1], [1]])[0] == [0.0, 10.0, 100.0, 110.0]


@pytest.mark.parametrize("engine", [reference, compiled])
@pytest.mark.parametrize("drops", [False, True])
def test_those_who_wait_at_closing(engine: ModuleType, drops: bool) -> None:
    """Closed from 100 to 200 s; each call takes 60 s, the one agent stays."""
    clock = Clock(np.array([0.0, 100.0, 200.0, 300.0]), np.arange(3))
    tables = one_queue(60.0, dropping=np.array([[False, drops, False]]))
    sums = Sums.zeros(tables, clock)
    contacts, staff = calls_at([40.0, 90.0, 95.0, 150.0, 210.0], clock), np.ones((1, 3), dtype=np.int64)
    outcome, _ = engine.run(tables, clock, contacts, staff, None, 1000.0, sums=sums, records=True)
    assert outcome.records is not None
    named = [Outcome(code).name for code in outcome.records["outcome"]]
    if drops:  # the second is taken at the instant of closing, by the agent set free then
        assert named == ["ANSWERED", "ANSWERED", "DROPPED", "DROPPED", "ANSWERED"]
        assert outcome.records["end"].tolist() == [100.0, 160.0, 100.0, 150.0, 270.0]
    else:
        assert named == ["ANSWERED"] * 5
    assert sums.queue[:, 0, QueueMeasure.DROPPED].tolist() == [1.0 * drops, 1.0 * drops, 0.0]


@pytest.mark.parametrize("engine", [reference, compiled])
@pytest.mark.parametrize("serves", [False, True])
def test_agents_who_would_leave_serve_out(engine: ModuleType, serves: bool) -> None:
    """Two agents until 100 s, when the queue closes until 300 s; each call takes 60 s."""
    clock = Clock(np.array([0.0, 100.0, 300.0, 400.0]), np.arange(3))
    tables = one_queue(60.0, serving_out=np.array([[False, serves, False]]))
    sums = Sums.zeros(tables, clock)
    contacts, staff = calls_at([50.0, 55.0, 60.0, 65.0, 90.0], clock), np.array([[2, 0, 1]])
    outcome, _ = engine.run(tables, clock, contacts, staff, None, 1000.0, sums=sums, records=True)
    assert outcome.records is not None
    ends = [110.0, 115.0, 170.0, 175.0, 230.0] if serves else [110.0, 115.0, 360.0, 420.0, 480.0]
    assert outcome.records["end"].tolist() == ends
    overrun = (230.0 - 100.0) + (175.0 - 100.0) if serves else 10.0 + 15.0
    assert sums.group[1, 0, GroupMeasure.OVERRUN] == overrun


@pytest.mark.parametrize("every", [False, True])
def test_patience_that_ends_at_closing_is_an_abandonment(every: bool) -> None:
    clock = Clock(np.array([0.0, 100.0, 200.0]), np.arange(2))
    tables = one_queue(60.0, patience=30.0, dropping=np.array([[False, True]]))
    contacts, staff = calls_at([60.0, 70.0, 71.0], clock), np.zeros((1, 2), dtype=np.int64)
    late = functools.partial(compiled.run, every_abandonment_an_event=every)
    for engine_run in (reference.run, late):
        sums = Sums.zeros(tables, clock)
        outcome, _ = engine_run(tables, clock, contacts, staff, None, 200.0, sums=sums, records=True)
        named = [Outcome(code).name for code in outcome.records["outcome"]]
        assert named == ["ABANDONED", "ABANDONED", "DROPPED"]
        assert outcome.records["end"].tolist() == [90.0, 100.0, 100.0]


@pytest.mark.parametrize("engine", [reference, compiled])
def test_a_line_is_held_while_talking_and_not_during_after_call_work(engine: ModuleType) -> None:
    clock = Clock(np.array([0.0, 1000.0]), np.array([0]))
    tables = one_queue(60.0, line_pool=np.array([0]), line_capacity=np.array([1]))
    tables = dataclasses.replace(tables, after_call=tables.talk)
    sums = Sums.zeros(tables, clock)
    contacts = calls_at([0.0, 59.0, 60.0, 61.0], clock)
    outcome, state = engine.run(tables, clock, contacts, np.array([[5]]), None, 100.0, sums=sums, records=True)
    assert outcome.records is not None
    named = [Outcome(code).name for code in outcome.records["outcome"]]
    assert named == ["ANSWERED", "BLOCKED", "IN_SERVICE", "BLOCKED"]
    assert state.lines.tolist() == [1]


def test_stores_grow_when_they_are_full() -> None:
    """Thousands wait at once, with lines and escalations to an account."""
    clock = Clock(np.array([0.0, 1e6]), np.array([0]))
    book = LawBook()
    talk, patience = book.row(distributions.exponential(10.0)), book.row(distributions.exponential(5000.0))
    tables = SupportTables(
        queue_names=("phone", "tier2"),
        group_names=("agents",),
        talk=np.array([[talk], [talk]]),
        patience=np.array([patience, patience]),
        after_call=np.array([[-1], [-1]]),
        priority=np.array([[1], [1]]),
        level=np.array([[1], [1]]),
        escalation_to=np.array([1, -1]),
        escalation_probability=np.array([0.9, 0.0]),
        line_pool=np.array([0, -1]),
        line_capacity=np.array([100_000]),
        answer_within=np.zeros(2),
        short_abandon=np.zeros(2),
        laws=book.tables(),
    )
    n = 1200
    contacts = dataclasses.replace(calls_at(np.linspace(0.0, 100.0, n).tolist(), clock), account=np.arange(n) % 7)
    case = generated.Case(tables, clock, contacts, np.array([[8]]), (40.0, 3000.0))
    assert_same(run(reference, case), run(compiled, case))


def test_state_and_inputs_are_not_changed_by_a_run() -> None:
    case = generated.case(5)
    (first, until), (second, then), *_ = case.calls()
    sums = Sums.zeros(case.tables, case.clock)
    _, state = compiled.run(case.tables, case.clock, first, case.staff, None, until, sums=sums)
    outcomes = []
    for engine in (compiled, reference, compiled):  # one state, handed to either engine
        outcome, after = engine.run(case.tables, case.clock, second, case.staff, state, then, sums=sums, records=True)
        outcomes.append((outcome.records, after.entries))
    for records, entries in outcomes[1:]:
        assert_same_rows(records, outcomes[0][0])
        assert entries == outcomes[0][1]


def test_read_only_inputs_are_taken() -> None:
    case = generated.case(10)
    for array in (case.contacts.time, case.contacts.key, case.staff, case.clock.interval_start, case.tables.talk):
        array.setflags(write=False)
    assert_same(run(reference, case), run(compiled, case))
    kernels = {str(signature[-6:]) for signature in compiled._advance.signatures}  # one for each set of the rarer rules
    assert len(compiled._advance.signatures) == len(kernels), "another kind of array compiled the kernel once more"


def test_what_does_not_fit_is_refused() -> None:
    clock = Clock(np.array([0.0, 100.0]), np.array([0]))
    tables, staff = one_queue(60.0), np.array([[1]])
    sums = Sums.zeros(tables, clock)

    def refused(contacts: Contacts, plan: NDArray[np.int64], message: str, until: float = 100.0) -> None:
        for engine in (reference, compiled):
            with pytest.raises(ParameterError, match=message):
                engine.run(tables, clock, contacts, plan, None, until, sums=sums)

    refused(calls_at([5.0, 3.0], clock), staff, "sorted by time")
    refused(calls_at([5.0, 100.0], clock), staff, "must arrive from")
    refused(calls_at([5.0], clock), -staff, "must not be negative")
    refused(calls_at([5.0], clock), np.ones((2, 1), dtype=np.int64), "staff must have shape")
    refused(calls_at([], clock), staff, "before its start", until=-1.0)
    with pytest.raises(ParameterError, match="escalates to itself"):
        one_queue(60.0, escalation_to=np.array([0]))
    with pytest.raises(ParameterError, match="after must be finite"):
        one_queue(60.0, after=np.array([[-1.0]]))
    with pytest.raises(ParameterError, match="priority must be positive"):
        one_queue(60.0, priority=np.array([[0]]))
