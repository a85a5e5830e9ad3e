"""Recorded days as models: staffing files, what is fitted, and days whose truth is known."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from simulator import distributions, randomness
from simulator.errors import InputError, ParameterError
from simulator.support import compiled, fit, reference, replay
from simulator.support.tables import Clock, Contacts, Outcome, Sums, SupportTables

DATA = Path(os.environ.get("SIMULATOR_DATA") or Path(__file__).resolve().parents[3] / "shared" / "data")
CALLS = DATA / "anonymous_bank_calls_dev.csv.gz"
STAFFING = DATA / "anonymous_bank_staffing_g180_dev.csv"


def staffing_file(folder: Path, *rows: str, header: str = "date,agent,on_s,off_s") -> Path:
    path = folder / "staffing.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


# --- staffing files ---------------------------------------------------------------------------------------------------


def test_a_staffing_file_in_seconds_or_clock_times(tmp_path):
    path = staffing_file(
        tmp_path, "2027-03-01,B,09:00:00,12:30:00", "2027-03-01,A,32400,33000", "2027-03-01,A,40000,40000"
    )
    there = replay.read_staffing(path)
    assert there.stretches["agent"].tolist() == ["A", "B"]
    assert there.stretches["start"].tolist() == [32400.0, 32400.0]
    assert there.stretches["end"].tolist() == [33000.0, 45000.0]
    assert there.stretches["pool"].unique().tolist() == ["all"]
    assert there.notes == ("stretches of no length, left out: 1",)


def test_everything_wrong_with_a_staffing_file_is_one_list(tmp_path):
    rows = ["2027-03-01,A,100,50", "2027-03-01,B,100,200", "2027-03-01,B,100,200", "2027-03-01,C,x,200",
            "2027-03-01,D,100,300", "2027-03-01,D,250,400"]  # fmt: skip
    path = staffing_file(tmp_path, *rows)
    with pytest.raises(InputError) as caught:
        replay.read_staffing(path)
    found = {(p.line, p.message.split(": ")[1]) for p in caught.value.problems}
    faults = replay.STAFF_FAULTS
    assert found == {
        (2, faults["backwards"]),
        (4, faults["duplicate"]),
        (5, faults["unparsable"]),
        (7, faults["overlap"]),
    }
    assert all("--staff-skip" in str(p.allowed) and p.file == str(path) for p in caught.value.problems)
    there = replay.read_staffing(path, skip=tuple(faults))
    assert there.stretches[["agent", "start", "end"]].to_numpy().tolist() == [
        ["B", 100.0, 200.0], ["D", 100.0, 300.0], ["D", 300.0, 400.0]
    ]  # fmt: skip
    assert len(there.notes) == 4


def test_a_missing_column_of_the_staffing_names_the_option(tmp_path):
    path = staffing_file(tmp_path, "2027-03-01,A,1,2", header="date,who,on_s,off_s")
    with pytest.raises(InputError) as caught:
        replay.read_staffing(path)
    assert [p.path for p in caught.value.problems] == ["agent"]
    assert "--staff-column agent=NAME" in str(caught.value.problems[0].allowed)
    assert replay.read_staffing(path, {"agent": "who"}).stretches["agent"].tolist() == ["A"]


# --- laws -------------------------------------------------------------------------------------------------------------


def test_patience_comes_back_although_most_is_censored():
    rng = np.random.default_rng(1)
    patience, offered = rng.exponential(200.0, 20_000), rng.exponential(100.0, 20_000)
    law = replay.survival_law(np.round(np.minimum(patience, offered)), patience <= offered)
    t = np.array([10.0, 50.0, 100.0, 200.0, 400.0])
    # a share of some thousand at risk is known to about 0.01; beyond the data the rate goes on
    assert law.survival(t) == pytest.approx(np.exp(-t / 200.0), abs=0.02)
    assert law.mean == pytest.approx(200.0, rel=0.06)


def test_callers_who_give_up_at_once_are_an_atom():
    wait = np.concatenate([np.zeros(300), np.full(700, 50.0)])
    law = replay.survival_law(wait, np.concatenate([np.ones(300, bool), np.ones(700, bool)]))
    assert law.zero == pytest.approx(0.3, abs=1.0 / replay.POINTS)
    assert law.survival(np.array([49.0])) == pytest.approx(0.7, abs=1.0 / replay.POINTS)
    assert law.survival(np.array([51.0])) == pytest.approx(0.0, abs=1.0 / replay.POINTS)


def test_who_finds_many_waiting_has_a_law_of_their_own():
    """Who finds nobody waits 200 s on average, others a quarter of it; of those who find 3 or more there are few."""
    rng = np.random.default_rng(5)
    n = 4_000
    found = rng.choice([0, 1, 2, 3, 9], p=[0.5, 0.3, 0.19, 0.008, 0.002], size=n)
    patience = rng.exponential(np.where(found == 0, 200.0, 50.0))
    offered = rng.exponential(100.0, n)
    callers = pd.DataFrame(
        {"found": found, "wait": np.round(np.minimum(patience, offered)), "answered": offered < patience}
    )
    laws = replay._by_place(callers, callers)
    assert len(laws) == replay.PLACES + 1
    t = np.array([20.0, 60.0])
    assert laws[0].survival(t) == pytest.approx(np.exp(-t / 200.0), abs=0.04)
    assert laws[1].survival(t) == pytest.approx(np.exp(-t / 50.0), abs=0.04)
    assert laws[2].survival(t) == pytest.approx(np.exp(-t / 50.0), abs=0.06)
    assert all(law is laws[2] for law in laws[3:]), "too few of them: they belong to the last number with enough"


def test_how_many_wait_when_a_call_comes():
    day = pd.Timestamp("2027-03-01")
    rows = [(day, 0.0, 0.0), (day, 1.0, 9.0), (day, 2.0, 3.0), (day, 5.0, 0.0), (day, 6.0, 0.0), (day, 11.0, 0.0)]
    calls = pd.DataFrame(rows, columns=["date", "time", "wait"])
    # at 5 s the second of those who wait is answered, at 10 s the first; the next day begins with nobody
    calls = pd.concat([calls, calls.tail(1).assign(date=day + pd.Timedelta(days=1))], ignore_index=True)
    assert replay.found_waiting(calls).tolist() == [0, 0, 1, 1, 1, 0, 0]


def test_skills_are_relative_to_what_all_agents_take():
    frame = pd.DataFrame({"agent": ["A"] * 100 + ["B"] * 100, "queue": ["x"] * 99 + ["rare"] + ["x"] * 100})
    log = fit.CallLog(frame.assign(answered=True), pd.DatetimeIndex([]), {})
    assert replay.skills(log) == {"A": {"x", "rare"}, "B": {"x"}}
    # the rare kind is 1 call in 200: an absolute share of 2 % would leave it to nobody


# --- a centre whose truth is known ------------------------------------------------------------------------------------

TRUTH = {"patience": 150.0, "talk": 120.0, "pause": (0.1, 6.0, 66.0), "away": 120.0, "every": 300.0}


def recorded_centre(days: int = 6, seed: int = 3) -> tuple[fit.CallLog, replay.Staffing]:
    """Days of the readable engine written down as a log: two kinds of call, seven agents with breaks, known laws."""
    rng = np.random.default_rng(seed)
    book = distributions.LawBook()
    patience = book.row(distributions.exponential(TRUTH["patience"]))
    talk = book.row(distributions.exponential(TRUTH["talk"]))
    chance, short, long = TRUTH["pause"]
    pause = book.row(distributions.hyperexponential([1.0 - chance, chance], [short, long]))
    away = book.row(distributions.exponential(TRUTH["away"]))
    agents = list("ABCDEFG")
    serves = np.array([[True] * 7, [True] * 3 + [False] * 4])
    calls, stretches = [], []
    for day in range(days):
        date = pd.Timestamp("2027-03-01") + pd.Timedelta(days=day)
        edges = np.arange(32400.0, 32400.0 + 8 * 3600 + 1, 1800.0)
        staff = np.ones((7, len(edges) - 1), dtype=np.int64)
        for agent in range(7):
            staff[agent, rng.integers(2, len(edges) - 2)] = 0  # half an hour off
        for agent in range(7):
            on = np.flatnonzero(np.diff(np.concatenate([[0], staff[agent], [0]])))
            for a, b in zip(on[::2], on[1::2], strict=True):
                stretches.append((date, agents[agent], "all", edges[a], edges[b]))
        busy = rng.uniform(0.85, 1.25)
        n = rng.poisson(0.042 * busy * (edges[-1] - edges[0]))
        time = np.sort(np.round(rng.uniform(edges[0], edges[-1] - 1, n)))
        queue = (rng.random(n) < 0.15).astype(np.int64)
        tables = SupportTables(
            queue_names=("phone", "loans"),
            group_names=tuple(agents),
            laws=book.tables(),
            patience=np.full(2, patience),
            talk=np.where(serves, talk, -1),
            after_call=np.where(serves, pause, -1),
            priority=serves.astype(np.int64),
            level=serves.astype(np.int64),
            escalation_to=np.full(2, -1),
            escalation_probability=np.zeros(2),
            line_pool=np.full(2, -1),
            line_capacity=np.zeros(0, dtype=np.int64),
            answer_within=np.full(2, 20.0),
            short_abandon=np.full(2, -1.0),
            away=np.full(7, away),
            away_every=np.full(7, TRUTH["every"]),
        )
        clock = Clock(edges, np.zeros(len(edges) - 1, dtype=np.int64))
        contacts = Contacts(
            time, np.searchsorted(edges, time, side="right") - 1, queue,
            randomness.keys(randomness.stream(seed, day, "truth"), np.arange(n)), np.full(n, -1),
        )  # fmt: skip
        outcome, _ = reference.run(
            tables, clock, contacts, staff, None, 1e6, sums=Sums.zeros(tables, clock), records=True
        )
        rows = outcome.records
        answered = rows["outcome"] == Outcome.ANSWERED
        wait = np.where(answered, rows["answered_at"], rows["end"]) - rows["arrived"]
        calls.append(
            pd.DataFrame(
                {
                    "date": date, "time": time, "queue": np.array(["phone", "loans"])[queue], "answered": answered,
                    "waited": wait > 0, "wait": wait, "talk": rows["talk_end"] - rows["answered_at"],
                    "agent": np.where(answered, np.array([*agents, None])[rows["group"]], None), "priority": pd.NA,
                }
            )
        )  # fmt: skip
    frame = pd.concat(calls, ignore_index=True)
    there = pd.DataFrame(stretches, columns=["date", "agent", "pool", "start", "end"])
    return fit.CallLog(frame, pd.DatetimeIndex(sorted(frame["date"].unique())), {}), replay.Staffing(there)


@pytest.fixture(scope="module")
def centre() -> tuple[fit.CallLog, replay.Staffing]:
    return recorded_centre()


@pytest.fixture(scope="module")
def habits(centre) -> replay.Habits:
    return replay.fit_habits(*centre)


def test_what_nobody_records_comes_back(habits):
    both, one = {"phone", "loans"}, {"phone"}
    assert habits.skills == {"A": both, "B": both, "C": both, "D": one, "E": one, "F": one, "G": one}
    # some thousand calls: means of the exponential laws are known to a few percent
    assert habits.talk["phone"].mean == pytest.approx(TRUTH["talk"], rel=0.08)
    # wide pauses, known to some 8 %, and a little long: who waited at their start may give up, so that the agent leaves
    assert habits.pause.mean == pytest.approx(12.0, rel=0.25)
    assert habits.away.mean == pytest.approx(60.0 + 66.0, rel=0.2), "pauses of a minute and more"
    t = np.array([20.0, 60.0, 120.0])
    assert len(habits.patience["phone"]) == replay.PLACES + 1
    # few callers find just so many: each curve rests on some hundred
    for law in habits.patience["phone"][:3]:
        assert law.survival(t) == pytest.approx(np.exp(-t / TRUTH["patience"]), abs=0.12)


def accuracy(models: list[replay.Day], **options) -> tuple[float, float, float]:
    """Bias of abandonment, mean wait and service level over all calls."""
    outcomes = replay.simulate(models, replications=12, seed=7, **options)
    calls = pd.concat([day.calls for day in models])
    real_in_time = (calls["answered"] & (calls["wait"] <= 20)).mean()
    return (
        float((~outcomes.answered).mean() - (~calls["answered"]).mean()),
        float(outcomes.wait.mean() - calls["wait"].mean()),
        float((outcomes.answered & (outcomes.wait <= 20)).mean() - real_in_time),
    )


def test_time_away_makes_up_for_what_idle_agents_do(centre, habits):
    models = replay.days(*centre, habits)
    counted = np.ones(sum(len(day.calls) for day in models), dtype=bool)
    abandonment, wait, level = accuracy(models)
    assert level > 0.04, "without time away the replay is too good"
    assert wait < -3.0
    assert abandonment < -0.01
    every = replay.away_every(models, counted, seed=7)
    abandonment, wait, level = accuracy(replay.with_away(models, every))
    # the service level of some 6,000 calls is known to 0.006, the mean wait to 1 s; the search looks at two runs
    assert abs(level) < 0.02
    assert abs(wait) < 3.0
    assert abs(abandonment) < 0.02
    assert every == pytest.approx(TRUTH["every"], rel=0.5)


def test_no_time_away_is_found_where_there_is_none(centre, habits):
    models = replay.days(*centre, replace(habits, pause=distributions.exponential(400.0)))
    counted = np.ones(sum(len(day.calls) for day in models), dtype=bool)
    assert replay.away_every(models, counted, seed=7) is None


def test_recorded_talk_is_taken_and_the_rest_drawn(centre, habits):
    day = replay.days(*centre, habits)[0]
    contacts = day.contacts(1, 0)
    sums = Sums.zeros(day.tables, day.clock)
    outcome, _ = compiled.run(day.tables, day.clock, contacts, day.staff, None, 1e6, sums=sums, records=True)
    rows = outcome.records
    talk, answered = rows["talk_end"] - rows["answered_at"], rows["outcome"] == Outcome.ANSWERED
    given = day.calls["talk"].to_numpy()
    assert (np.isnan(given) & answered).any(), "somebody is answered who gave up in truth"
    np.testing.assert_allclose(talk[answered & ~np.isnan(given)], given[answered & ~np.isnan(given)], atol=1e-9)
    drawn = day.contacts(1, 0, "drawn")
    assert drawn.talk.size == 0
    assert np.array_equal(drawn.key, contacts.key)


def test_replications_differ_and_a_replication_does_not_depend_on_the_others(centre, habits):
    models = replay.days(*centre, habits)
    three = replay.simulate(models, replications=3, seed=7)
    one = replay.simulate(models, replications=1, seed=7)
    np.testing.assert_array_equal(three.wait[0], one.wait[0])
    assert not np.array_equal(three.wait[0], three.wait[1])
    other = replay.simulate(models, replications=1, seed=8)
    assert not np.array_equal(other.wait, one.wait)


def test_both_engines_replay_alike(centre, habits):
    models = replay.with_away(replay.days(*centre, habits)[:2], 400.0)
    fast, readable = (replay.simulate(models, replications=2, seed=7, engine=e) for e in (compiled, reference))
    np.testing.assert_array_equal(fast.wait, readable.wait)
    np.testing.assert_array_equal(fast.answered, readable.answered)


def test_habits_are_written_and_read_back(habits):
    full = replace(
        habits,
        away_every=800.0,
        head_start={"2": 90.0},
        priorities={"phone": {"2": 0.25}},
    )
    assert replay.Habits.of_document(full.document()).document() == full.document()
    with pytest.raises(ParameterError, match="no habits"):
        replay.Habits.of_document({"patience": {}})


def test_a_head_start_makes_a_queue_and_unknown_priorities_are_drawn(centre):
    log, there = centre
    calls = log.calls.copy()
    second = np.random.default_rng(4).random(len(calls)) < 0.3
    calls["priority"] = np.where(second & calls["waited"], "2", "0")  # told only of those who waited
    log = replace(log, calls=calls)
    habits = replay.fit_habits(log, there, head_start={"2": 90.0}, priority_when_waiting=True)
    # some thousand waited: the share is known to 0.01 or so, of the rarer kind to 0.02
    assert habits.priorities["phone"]["2"] == pytest.approx(0.3, abs=0.03)
    day = replay.days(log, there, habits, priority_when_waiting=True)[0]
    assert day.tables.queue_names == ("loans", "loans 2", "phone", "phone 2")
    assert day.tables.head_start.tolist() == [0.0, 90.0, 0.0, 90.0]
    queue = np.array(day.tables.queue_names)[day.contacts(1, 0).queue]
    told = (day.calls["waited"] & (day.calls["priority"] == "2")).to_numpy()
    assert all(name.endswith(" 2") for name in queue[told])
    assert not any(name.endswith(" 2") for name in queue[day.calls["waited"].to_numpy() & ~told])
    unknown = ~day.calls["waited"].to_numpy()
    assert 0.1 < np.mean([name.endswith(" 2") for name in queue[unknown]]) < 0.5


def test_calls_belong_to_the_pool_that_answers_their_kind(centre):
    log, there = centre
    stretches = there.stretches.assign(pool=np.where(there.stretches["agent"].isin(["A", "B", "C"]), "one", "two"))
    pools = replay.pools_of_calls(log, replay.Staffing(stretches))
    assert pools[log.calls["queue"] == "loans"].unique().tolist() == ["one"]
    assert pools[log.calls["queue"] == "phone"].unique().tolist() == ["two"]


# --- the recorded bank ------------------------------------------------------------------------------------------------


@pytest.mark.skipif(
    not CALLS.exists(), reason=f"NOT REPLAYED: {CALLS} does not exist; set SIMULATOR_DATA to its folder"
)
def test_five_recorded_days_are_equal_in_both_engines():
    log = fit.read_calls(CALLS, ignore=("left_vru", "phantom"), next_day=False)
    there = replay.read_staffing(STAFFING)
    dates = pd.DatetimeIndex(["1999-01-03", "1999-01-10", "1999-02-10", "1999-10-04", "1999-10-14"])
    kept = (replay.pools_of_calls(log, there) == "main") & log.calls["date"].isin(dates)
    log = replace(log, calls=log.calls[kept], dates=dates)
    there = replay.Staffing(there.stretches[(there.stretches["pool"] == "main") & there.stretches["date"].isin(dates)])
    habits = replay.fit_habits(log, there, head_start={"2": 90.0}, priority_when_waiting=True)
    habits = replace(habits, away_every=800.0)
    models = replay.days(log, there, habits, priority_when_waiting=True)
    assert len(models) == 5
    for day in models:
        records = []
        for engine in (reference, compiled):
            sums = Sums.zeros(day.tables, day.clock)
            contacts = day.contacts(1, 0)
            outcome, _ = engine.run(
                day.tables, day.clock, contacts, day.staff, None, day.clock.end + 1e6, sums=sums, records=True
            )
            records.append(outcome.records)
        for name in records[0].dtype.names:
            np.testing.assert_array_equal(records[0][name], records[1][name], err_msg=name)
