"""Every support KPI by hand, from the engine's sums, from records, and against the Erlang A model."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import math
from pathlib import Path

import numpy as np
import pytest

from simulator import timegrid
from simulator.distributions import LawBook, exponential
from simulator.errors import ParameterError
from simulator.support import compiled, demand, kpis
from simulator.support.kpis import KPIS, by_window, from_records, virtual_service_level, wait_percentiles
from simulator.support.tables import (
    PER_GROUP,
    PER_PAIR,
    RECORD,
    Clock,
    GroupMeasure,
    Outcome,
    QueueMeasure,
    Sums,
    SupportState,
    SupportTables,
    join_records,
)
from tests.support import generated


def queue_sums(**values):
    row = np.zeros(len(QueueMeasure))
    for name, value in values.items():
        row[QueueMeasure[name.upper()]] = value
    return row


DAY = queue_sums(
    offered=100, transferred_in=10, blocked=4, abandoned=16, short_abandoned=5, abandoned_within=8, answered=80,
    answered_within=60, wait_answered=1600, wait_abandoned=480, talk=16000, after_call=4000, escalated=12,
    overflowed=20, redials=7, balked=1, dropped=2, repeats=3, inquiries=90, responded=80, first_response=2400,
    resolved=70, unresolved=15, resolution_time=70_000, resolution_time_net=35_000, resolution_effort=21_000,
    due=60, resolved_within=45, resolved_first=36, repeated_within=6,
    backlog=96, readings=48, callbacks=10, called_back=0, no_answer=5, unreached=4, interrupted=8, withdrawn=9,
)  # fmt: skip
EXPECTED = {
    "offered": 100, "transferred_in": 10, "answered": 80, "abandoned": 16, "short_abandoned": 5, "blocked": 4,
    "escalated": 12, "answer_rate": 0.8, "abandonment": 0.16, "short_abandonment": 0.05, "blocking": 0.04,
    "service_level": 60 / 95, "sl_served_over_offered": 0.6, "sl_excl_short_abandons": 60 / 92,
    "sl_served_over_served": 0.75, "sl_incl_short_abandons": 0.68, "asa": 20, "mean_wait": 2080 / 96,
    "mean_wait_abandoned": 30, "talk_time": 200, "after_call_time": 50, "handle_time": 250, "escalation_rate": 0.15,
    "overflowed": 20, "overflow_rate": 0.25, "redials": 7, "balked": 1, "balking": 0.01,
    "dropped": 2, "drop_rate": 0.02, "repeats": 3, "inquiries": 90, "unanswered_inquiries": 10,
    "unresolved_inquiries": 15, "open_inquiries": 5, "first_response_time": 30, "resolution_time": 1000,
    "resolution_time_net": 500, "resolution_effort": 300, "resolution_rate": 0.75, "first_contact_resolution": 0.6,
    "repeat_rate": 0.1, "backlog": 2, "callbacks": 10, "called_back": 0, "unreached": 4, "calls_in_vain": 5,
    "callback_rate": 0.1, "callback_wait": np.nan, "interrupted": 8, "withdrawn": 9,
}  # fmt: skip


def test_every_queue_kpi_by_hand():
    found = kpis.evaluate("queue", DAY[None])
    assert found.keys() == EXPECTED.keys()
    for name, value in EXPECTED.items():
        assert found[name] == pytest.approx([value], nan_ok=True), name  # pytest's 1e-6: one division
    without = kpis.evaluate("queue", DAY[None], inquiries=False)
    assert found.keys() - without.keys() == {name for name in found if KPIS[name].of_inquiries}


def test_occupancy_counts_overrun_as_time_at_work():
    sums = np.zeros((2, len(GroupMeasure)))
    columns = [
        GroupMeasure.BUSY,
        GroupMeasure.STAFFED,
        GroupMeasure.OVERRUN,
        GroupMeasure.AWAY,
        GroupMeasure.DEFERRABLE,
        GroupMeasure.SPARE,
    ]
    sums[0, columns] = 2700.0, 3500.0, 100.0, 360.0, 1800.0, 450.0
    found = kpis.evaluate("group", sums)
    expected = {
        "occupancy": 0.75, "occupancy_real_time": 0.25, "occupancy_deferrable": 0.5, "time_away": 0.1,
        "occupancy_slots": 0.625, "overrun_share": 100 / 3500,
    }  # fmt: skip
    assert {name: value[0] for name, value in found.items()} == expected
    assert math.isnan(found["occupancy"][1])


def test_nothing_to_divide_by_is_nan_and_a_count_is_zero():
    for name, value in kpis.evaluate("queue", np.zeros((1, len(QueueMeasure)))).items():
        if KPIS[name].denominator is None:
            assert value == 0.0
        else:
            assert math.isnan(value[0]), name
    assert math.isnan(kpis.cost_per_contact(1000.0, 0.0))
    assert kpis.cost_per_contact([1000.0, 0.0], [80, 80]).tolist() == [12.5, 0.0]


def test_all_short_abandoned_leaves_no_service_level():
    sums = queue_sums(offered=3, abandoned=3, short_abandoned=3, abandoned_within=3)
    assert math.isnan(KPIS["service_level"](sums))
    assert KPIS["sl_served_over_offered"](sums) == 0.0


def test_leading_axes_and_windows():
    rng = np.random.default_rng(1)
    sums = rng.integers(1, 50, (3, 5, 2, len(QueueMeasure))).astype(float)  # replication, cell, queue
    sums[..., QueueMeasure.OFFERED] += 100.0
    window = np.array([0, 0, 1, -1, 1])
    pooled = by_window(sums, window, 3)
    assert pooled.shape == (3, 3, 2, len(QueueMeasure))
    assert np.array_equal(pooled[:, 1], sums[:, 2] + sums[:, 4])
    kpi = KPIS["service_level"]
    value = kpi(pooled)
    assert value.shape == (3, 3, 2)
    top, bottom = kpi.top(sums), kpi.bottom(sums)
    assert np.array_equal(value[:, 0], (top[:, 0] + top[:, 1]) / (bottom[:, 0] + bottom[:, 1]))
    assert not np.allclose(value[:, 0], kpi(sums)[:, :2].mean(1))  # a mean of ratios is something else
    assert np.all(np.isnan(value[:, 2]))
    assert np.array_equal(KPIS["offered"].bottom(sums), np.ones((3, 5, 2)))


def test_four_service_levels_come_from_sums():
    assert set(kpis.SERVICE_LEVELS) - KPIS.keys() == {"sl_virtual"}


def test_sums_of_another_kind_are_refused():
    with pytest.raises(ParameterError, match="sums of a group have 6 columns"):
        KPIS["occupancy"](DAY)


# --- records ----------------------------------------------------------------------------------------------------------


def record(outcome, arrived, answered_at=math.nan, talk_end=math.nan, end=math.nan, **more):
    row = np.zeros(1, RECORD)
    row["group"] = -1
    row["outcome"] = outcome
    row["returns_at"] = math.nan
    row["taken_at"] = answered_at
    row["arrived"], row["answered_at"], row["talk_end"], row["end"] = arrived, answered_at, talk_end, end
    row["interval"] = arrived // 100
    for name, value in more.items():
        row[name] = value
    return row


def tables(within=20.0, short=5.0, talk=60.0, patience=60.0, agents=1, lines=None):
    book = LawBook()
    return SupportTables(
        queue_names=("phone",),
        group_names=("tier1",),
        patience=np.array([book.row(exponential(patience))]),
        talk=np.array([[book.row(exponential(talk))]]),
        after_call=np.array([[-1]]),
        priority=np.array([[1]]),
        level=np.array([[1]]),
        escalation_to=np.array([-1]),
        escalation_probability=np.array([0.0]),
        line_pool=np.array([-1 if lines is None else 0]),
        line_capacity=np.array([] if lines is None else [lines], dtype=np.int64),
        answer_within=np.array([within]),
        short_abandon=np.array([short]),
        laws=book.tables(),
    )


def test_sums_from_records_by_hand():
    clock = Clock(np.array([0.0, 100.0, 200.0, 300.0]), np.array([0, 0, 1]))
    rows = np.concatenate(
        [
            record(Outcome.ANSWERED, 10.0, 30.0, 90.0, 110.0, group=0),  # waits exactly T
            record(Outcome.ANSWERED, 120.0, 150.0, 190.0, 240.0, group=0, escalated=True),  # into the second cell
            record(Outcome.IN_SERVICE, 260.0, 270.0, 320.0, 350.0, group=0, escalated=True),  # beyond the horizon
            record(Outcome.ABANDONED, 40.0, end=45.0),  # exactly the short threshold
            record(Outcome.ABANDONED, 50.0, end=70.0),
            record(Outcome.ABANDONED, 210.0, end=235.0, leg=1),
            record(Outcome.BLOCKED, 60.0, end=60.0),
            record(Outcome.WAITING, 290.0),
        ]
    )
    found = from_records(rows, tables(), clock)
    first = queue_sums(
        offered=5, blocked=1, abandoned=2, short_abandoned=1, abandoned_within=2, answered=2, answered_within=1,
        wait_answered=50, wait_answered_squared=400 + 900, wait_abandoned=25, talk=100, after_call=70, escalated=1,
    )  # fmt: skip
    second = queue_sums(
        offered=3, transferred_in=1, abandoned=1, answered=1, answered_within=1, wait_answered=10,
        wait_answered_squared=100, wait_abandoned=25, talk=50, after_call=30,
    )  # fmt: skip
    assert found.queue[:, 0].tolist() == [first.tolist(), second.tolist()]
    assert found.group[:, 0, GroupMeasure.BUSY].tolist() == [80.0 + 50.0, 40.0 + 30.0]
    assert np.all(np.isnan(found.group[..., [GroupMeasure.STAFFED, GroupMeasure.OVERRUN, GroupMeasure.AWAY]]))


def test_sums_from_records_equal_those_of_the_engine():
    seen = np.zeros(len(QueueMeasure))
    for seed in (*range(40), 68):  # the last with consultations that nobody answers
        case = generated.case(seed)
        sums, state, parts = Sums.zeros(case.tables, case.clock), None, []
        for contacts, until in case.calls():
            outcome, state = compiled.run(
                case.tables, case.clock, contacts, case.staff, state, until, sums=sums, records=True,
                every_rule=generated.one_kernel(case.tables),
            )  # fmt: skip
            parts.append(outcome.records)
        found = from_records(join_records(parts, case.boundaries[-1]), case.tables, case.clock)
        # 1e-9: the same seconds added in another order; NaN is what records do not tell of sessions
        known = ~np.isnan(found.queue)
        assert known.all() or case.tables.sessions.any()
        assert np.allclose(found.queue[known], sums.queue[known], rtol=1e-9, atol=1e-9), seed
        if not case.tables.interruptible.any():  # what an agent has left belongs to no group until it is resumed
            theirs = kpis.by_group(join_records(parts, case.boundaries[-1]), case.tables, case.clock)
            columns = [QueueMeasure[name] for name in ("ANSWERED", "ANSWERED_WITHIN", "WAIT_ANSWERED", "CALLED_BACK")]
            ours = sums.queue[..., columns].sum(axis=1)
            assert np.allclose(theirs[..., columns].sum(axis=1), ours, rtol=1e-9, atol=1e-9), seed
        busy, known = GroupMeasure.BUSY, ~case.tables.sessions.any(axis=0)
        assert np.allclose(found.group[:, known, busy], sums.group[:, known, busy], rtol=1e-9, atol=1e-9), seed
        seen += (sums.queue > 0).any(axis=(0, 1))
    assert np.all(seen > 0)


def test_virtual_service_level_by_hand():
    rows = np.concatenate(
        [
            record(Outcome.ANSWERED, 0.0, 0.0),
            record(Outcome.ABANDONED, 0.0, end=1.0),
            record(Outcome.IN_SERVICE, 0.0, 2.0),
            record(Outcome.ABANDONED, 0.0, end=2.0),  # at a tie the answer comes first
            record(Outcome.WAITING, 90.0),  # 10 s at the end of the records
            record(Outcome.ANSWERED, 0.0, 12.0),
            record(Outcome.BLOCKED, 0.0, end=0.0),
        ]
    )
    for within, expected in ((0.0, 1 / 6), (1.9, 1 / 6), (2.0, 1 - 5 / 6 * 3 / 4), (12.0, 1.0)):
        assert patient(rows, within, 100.0) == pytest.approx(expected)  # pytest's 1e-6: roundings
    mixed = virtual_service_level([1.0, 5.0, 2.0, 2.0], [True, True, False, True], np.full(4, 3.0), [2, 2, -1, 0], 3)
    assert mixed[[0, 2]].tolist() == [1.0, 0.5]
    assert np.isnan(mixed[1])


def patient(rows, within, until):
    """sl_virtual of rows of one queue."""
    model, clock = tables(), Clock(np.array([0.0, 100.0]), np.array([0]))
    mine = rows[rows["outcome"] != Outcome.BLOCKED]
    answered = np.isin(mine["outcome"], (Outcome.ANSWERED, Outcome.IN_SERVICE))
    wait = kpis.waits(mine, model, clock, until)
    return virtual_service_level(wait, answered, np.full(len(mine), within), np.zeros(len(mine), np.int64), 1)[0]


def test_percentiles_by_group_are_those_of_numpy():
    rng = np.random.default_rng(1)
    wait, of = rng.exponential(30.0, 2_000).round(1), rng.integers(-1, 40, 2_000)
    of[of == 7] = 8  # nobody in 7
    of[np.flatnonzero(of == 9)[1:]] = -1  # one alone in 9
    shares = (0.0, 0.5, 0.8, 0.9, 0.95, 1.0)
    found = wait_percentiles(wait, of, 40, shares)
    for g in range(40):
        if g == 7:
            assert np.isnan(found[g]).all()
        else:
            np.testing.assert_allclose(found[g], np.quantile(wait[of == g], shares), rtol=1e-12)
    assert np.isnan(wait_percentiles([], [], 2, (0.5,))).all()


def test_what_a_group_answered_by_hand():
    one = tables()
    two = {name: np.repeat(getattr(one, name), 2) for name in PER_GROUP}
    two |= {name: np.repeat(getattr(one, name), 2, axis=1) for name in PER_PAIR}
    model = dataclasses.replace(one, group_names=("a", "b"), **{**two, "after": np.array([[0.0, 30.0]])})
    clock = Clock(np.array([0.0, 100.0, 200.0, 300.0]), np.array([0, 0, 1]))
    rows = np.concatenate(
        [
            record(Outcome.ANSWERED, 10.0, 30.0, 90.0, 110.0, group=0),
            record(Outcome.ANSWERED, 120.0, 160.0, 190.0, 200.0, group=1, contact=1, escalated=True),
            record(Outcome.ANSWERED, 190.0, 195.0, 205.0, 205.0, group=0, contact=1, leg=1, hold=5.0),
            record(Outcome.IN_SERVICE, 260.0, 290.0, 320.0, 350.0, group=1, contact=2, callback=True),
            record(Outcome.NO_ANSWER, 260.0, 270.0, 280.0, 280.0, group=1, contact=2),
            record(Outcome.ABANDONED, 40.0, end=45.0, contact=3),
            record(Outcome.BLOCKED, 60.0, end=60.0, contact=4),
        ]
    )
    found = kpis.evaluate_answers(kpis.by_group(rows, model, clock))
    assert found["answered"].tolist() == [[2.0, 1.0], [0.0, 0.0]]
    assert found["asa"][0].tolist() == [12.5, 40.0]
    assert found["sl_served_over_served"][0].tolist() == [1.0, 0.0]
    assert found["overflowed"].tolist() == [[0.0, 1.0], [0.0, 1.0]]
    assert found["handle_time"].tolist() == [[(80 + 10) / 2, 30 + 5 + 10], [pytest.approx(np.nan, nan_ok=True), 60.0]]
    assert found["escalation_rate"][0].tolist() == [0.0, 1.0]
    assert found["called_back"].tolist() == [[0.0, 0.0], [0.0, 1.0]]
    assert found["callback_wait"][1, 1] == 30.0
    assert found["calls_in_vain"].tolist() == [[0.0, 0.0], [0.0, 1.0]]


# --- theory -----------------------------------------------------------------------------------------------------------


def test_the_five_service_levels_of_erlang_a():
    """240 calls an hour of 3 minutes, patience 1 minute, 14 agents: the five meanings lie between 0.862 and 0.931."""
    path = Path(__file__).parents[1] / "verification" / "reference_cases.json"
    case = next(c for c in json.loads(path.read_text()) if c.get("id", "").startswith("A05"))
    given, expected = case["params"], case["expected"]
    assert expected["sl_virtual"] == pytest.approx(0.880, abs=5e-4)  # the printed digits
    minute = 60.0
    model = tables(
        within=given["t"] * minute, short=given["t"] * minute, talk=minute / given["mu"],
        patience=minute / given["theta"], lines=given["K"],
    )  # fmt: skip
    runs, days = 40, 5
    grid = timegrid.build(dt.date(2027, 4, 1), None, days, "UTC", None, 1800.0)
    arrivals = demand.arrival_tables(grid, ("phone",), rate=given["lam"] / minute)
    clock = Clock(grid.interval_start, np.concatenate([[0, 0], np.ones(grid.intervals - 2, np.int64)]))
    staff = np.full((1, grid.intervals), given["n"])
    found = []
    for r in range(runs):
        sums = Sums.zeros(model, clock)
        outcome, _ = compiled.run(
            model, clock, demand.draw_month(arrivals, 0, 11, r), staff, SupportState.empty(model, clock), clock.end,
            sums=sums, records=True,
        )  # fmt: skip
        # the first hour, 20 service times, forgets the empty start
        value = {name: kpi(sums.queue[1])[0] for name, kpi in KPIS.items() if kpi.of == "queue"}
        value["occupancy"] = KPIS["occupancy"](sums.group[1])[0]
        late = outcome.records[outcome.records["interval"] >= 2]
        value["sl_virtual"] = patient(late, model.answer_within[0], clock.end)
        found.append(value)
    for ours, theirs, scale in (
        *((name, name, 1.0) for name in kpis.SERVICE_LEVELS),
        ("service_level", "sl_excl_short_abandons", 1.0),
        ("abandonment", "p_abandon", 1.0),
        ("asa", "e_wait_served", minute),
        ("mean_wait", "e_wait", minute),
        ("mean_wait_abandoned", "e_wait_abandoned", minute),
        ("occupancy", "occupancy", 1.0),
    ):
        values = np.array([value[ours] for value in found])
        error = values.std(ddof=1) / math.sqrt(runs)
        # 4.5 standard errors, with 39 degrees of freedom 6e-5 each, for eleven comparisons 1e-3
        assert abs(values.mean() - expected[theirs] * scale) < 4.5 * error, (
            ours,
            values.mean(),
            expected[theirs],
            error,
        )
        assert error < 0.02 * values.mean(), ours  # else the comparison says little
    # 1.06 M exponential handle times: 0.5 % are five standard errors
    assert np.mean([value["handle_time"] for value in found]) == pytest.approx(180.0, rel=0.005)
