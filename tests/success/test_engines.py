"""Two engines, one truth: every step and every booking of many generated teams, and the rules one by one."""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from simulator import randomness
from simulator.distributions import LawBook, deterministic
from simulator.errors import ParameterError
from simulator.success import compiled, reference, tables
from simulator.success.tables import ActivityTables, Instances, MeetingOutcome, StepOutcome, TeamTables
from tests.success.generated import Call, Model, Run, clock, generate, merged, play, steady

SEEDS = range(300)
HOUR = 3600


@functools.cache
def both(seed: int) -> tuple[Model, Run, Run]:
    model = generate(seed)
    return model, play(reference, model), play(compiled, model)


def differences(one: Run, other: Run) -> list[str]:
    names = ("rows", "meetings", "sums", "hours", "waiting", "headlines")
    return [name for name in names if not np.array_equal(getattr(one, name), getattr(other, name))]


@pytest.mark.parametrize("seed", SEEDS)
def test_engines_agree(seed: int) -> None:
    _, slow, fast = both(seed)
    assert differences(slow, fast) == []


def features(model: Model, run: Run) -> Counter[str]:
    """What a run really exercised."""
    seen: Counter[str] = Counter()
    for outcome in StepOutcome:
        seen[f"step {outcome.name}"] = int(np.sum(run.rows["outcome"] == outcome))
    for booking in MeetingOutcome:
        seen[f"meeting {booking.name}"] = int(np.sum(run.meetings["outcome"] == booking))
    for kind, name in enumerate(tables.HOUR_KINDS):
        seen[f"hours {name}"] = int(run.hours[..., kind].sum())
    for number, name in enumerate(tables.STEP_MEASURES):
        seen[f"measure {name}"] = int(run.sums[..., number].sum())
    rows, kind = run.rows, model.activities.step_kind[run.rows["step"]]
    done = rows["finished"] >= 0
    work = done & (kind != tables.MEETING)
    until = np.array([call.until for call in model.calls])
    seen["work of no length"] = int(np.sum(work & (rows["started"] == rows["finished"])))
    seen["work over a call's end"] = int(
        np.sum(np.searchsorted(until, rows["started"][work]) < np.searchsorted(until, rows["finished"][work]))
    )
    seen["two ends at one instant"] = len(rows[done]) - len(np.unique(rows["finished"][done]))
    seen["begun, then dropped"] = int(np.sum((rows["outcome"] == StepOutcome.MISSED) & (rows["started"] >= 0)))
    seen["begun, then void"] = int(np.sum((rows["outcome"] == StepOutcome.VOID) & (rows["started"] >= 0)))
    held = np.isin(run.meetings["outcome"], (MeetingOutcome.HELD, MeetingOutcome.HELD_UNPREPARED))
    seen["second attempt held"] = int(np.sum(held & (run.meetings["attempt"] > 0)))
    seen["meeting of several slots"] = int(np.sum(run.meetings["slots"] > 1))
    moved = run.meetings[run.meetings["outcome"] == MeetingOutcome.MOVED]
    again = run.meetings[(run.meetings["csm"] >= 0) & (run.meetings["outcome"] != MeetingOutcome.MOVED)]
    kept = np.isin(moved[["instance", "start"]].tolist(), again[["instance", "start"]].tolist()) if len(moved) else []
    seen["moved to another day"] = int(len(moved) - np.sum(kept) / 2)
    seen["pooled" if model.team.pooled else "owners"] = len(rows)
    shared = model.team.shared
    seen["mixed books"] = len(rows) * int(shared.any() and not shared.all())
    seen["answered by the cover"] = covered(model, rows[work])
    evenings = np.isin(rows["finished"], model.team.clock.start) & work
    seen["done after hours"] = int(np.sum(evenings & (rows["started"] == rows["finished"]))) * (model.team.overtime > 0)
    for rule, name in enumerate(("earliest due", "tier", "value", "renewal")):
        seen[f"rule {name}"] = len(rows) * int(model.team.rule == rule)
    begun = Instances.chain([call.instances for call in model.calls])
    meeting = model.activities.meeting_step - model.activities.first_step[:-1]
    seen["begun before the horizon"] = int(np.sum(begun.step > 0))
    seen["meeting held before the horizon"] = int(
        np.sum((begun.step > meeting[begun.activity]) & (meeting[begun.activity] >= 0))
    )
    seen["focus time"] = int(model.team.focus_blocks[:, 1].sum())
    seen["cut short to nothing"] = int(
        run.sums[..., tables.SHORTENED].sum() * (model.activities.shortened_share == 0).any()
    )
    seen["rarer rules"] = int(tables.is_rich(model.activities, model.team))
    seen["plain rules"] = 1 - seen["rarer rules"]
    seen["ties forced" if model.ties else "no ties forced"] = 1
    seen["open at the end"] = int(run.waiting.sum())
    return seen


def covered(model: Model, rows: np.ndarray) -> int:
    """Steps done by another CSM than the owner of the month, among accounts that have one."""
    instances = Instances.chain([call.instances for call in model.calls])
    owners = np.array([call.owner for call in model.calls])
    month = np.searchsorted([call.until for call in model.calls], rows["finished"])
    owner = owners[month, instances.account[rows["instance"]]]
    owned = ~model.team.shared[instances.segment[rows["instance"]]]
    return int(np.sum(owned & (rows["csm"] != owner)))


def test_every_feature_is_exercised() -> None:
    total: Counter[str] = Counter()
    for seed in SEEDS:
        model, _, fast = both(seed)
        total += features(model, fast)
    expected = features(*both(0)[::2])
    missing = [name for name in expected if total[name] < 5]
    assert missing == []
    assert total["ties forced"] >= 30
    assert min(total["rarer rules"], total["plain rules"]) >= 90


@pytest.mark.parametrize("seed", SEEDS)
def test_hours_add_up(seed: int) -> None:
    """Contracted = worked + internal + idle + absent, per CSM and month, to the second."""
    model, slow, fast = both(seed)
    for month, call in enumerate(model.calls):
        contracted = (model.team.months[month + 1] - model.team.months[month]) * call.active
        for run in (slow, fast):
            spent = run.hours[month, :, : tables.CONTRACTED].sum(axis=1)
            np.testing.assert_array_equal(spent, contracted + run.hours[month, :, tables.H_OVERTIME])


@pytest.mark.parametrize("seed", range(40))
def test_hours_add_up_every_day(seed: int) -> None:
    """Contracted + overtime = worked + internal + idle + absent, per CSM and day, to the second, in both engines."""
    model = generate(seed)
    team = replace(model.team, months=model.team.clock.start)
    spent = [play(engine, model, team).hours for engine in (reference, compiled)]
    np.testing.assert_array_equal(*spent)
    until = np.array([call.until for call in model.calls])
    days = int(np.searchsorted(team.months, until[-1]))
    there = np.array([model.calls[k].active for k in np.searchsorted(until, team.months[1 : days + 1])])
    contracted = np.diff(team.months)[:days, None] * there
    worked = spent[0][:days, :, : tables.CONTRACTED].sum(axis=2)
    np.testing.assert_array_equal(worked, contracted + spent[0][:days, :, tables.H_OVERTIME])
    assert not spent[0][days:].any()


@pytest.mark.parametrize("seed", range(60))
def test_rarer_rules_that_change_nothing(seed: int) -> None:
    """One list for all with cover and nobody on leave is a list each; one pooled segment after another is a pool;
    ranks that are all the same are due dates."""
    model = generate(3 * seed)  # plain rules
    team = model.team
    if team.pooled:
        same = replace(
            team, pooled=False, pooled_segments=np.ones(len(team.cancellation), dtype=bool), rule=tables.TIER
        )
    else:
        team = replace(team, leave=np.zeros_like(team.leave))
        same = replace(team, cover=True, rule=tables.RENEWAL)
    catalogue = replace(model.activities, priority=np.zeros_like(model.activities.priority))
    model = replace(model, activities=catalogue)
    wanted = play(compiled, model, team)
    assert differences(wanted, play(compiled, model, same)) == []


@pytest.mark.parametrize("seed", SEEDS)
def test_sums_are_those_of_the_records(seed: int) -> None:
    model, _, fast = both(seed)
    acts, months = model.activities, model.team.months
    instances = [(call.instances, i) for call in model.calls for i in range(len(call.instances))]
    sums = np.zeros_like(fast.sums)
    for row in fast.rows:
        part, i = instances[row["instance"]]
        cell = sums[:, row["step"], part.segment[i]]
        month = max(int(np.searchsorted(months, row["due"])) - 1, 0)
        meeting = acts.step_kind[row["step"]] == tables.MEETING
        outcome, due = row["outcome"], row["due"]
        if month >= len(months) - 1 or outcome == StepOutcome.NEVER:
            continue
        if outcome == StepOutcome.VOID:
            cell[month, tables.VOID] += 1
            continue
        if outcome == StepOutcome.OPEN and not 0 <= due <= months[-1]:
            continue
        cell[month, tables.DUE] += 1
        ended = row["started"] if meeting else row["finished"]
        if outcome in (StepOutcome.MISSED, StepOutcome.OPEN):
            cell[month, tables.MISSED] += 1
        else:
            on_time = ended < due if meeting else ended <= due
            assert on_time == (outcome == StepOutcome.ON_TIME)
            cell[month, tables.ON_TIME if on_time else tables.LATE_DONE] += 1
            cell[month, tables.ELAPSED] += ended - row["ready"]
            cell[month, tables.DELAY] += 0 if on_time else ended - due
        if meeting and outcome != StepOutcome.ON_TIME:
            mine = fast.meetings[fast.meetings["instance"] == row["instance"]]
            gone = mine[np.isin(mine["outcome"], (MeetingOutcome.CANCELLED, MeetingOutcome.NO_SHOW))]
            cell[month, tables.CUSTOMER_LATE] += bool(np.any(gone["start"] < due))
    for booking in fast.meetings:
        part, i = instances[booking["instance"]]
        month = max(int(np.searchsorted(months, part.due[i])) - 1, 0)
        if month >= len(months) - 1:
            continue
        step = acts.meeting_step[part.activity[i]]
        cell, what = sums[month, step, part.segment[i]], booking["outcome"]
        cell[tables.UNBOOKED if what == MeetingOutcome.UNBOOKED else tables.BOOKED] += 1
        cell[tables.CANCELLED] += what == MeetingOutcome.CANCELLED
        cell[tables.NO_SHOW] += what == MeetingOutcome.NO_SHOW
        cell[tables.UNPREPARED] += what in (MeetingOutcome.POSTPONED, MeetingOutcome.HELD_UNPREPARED)
        cell[tables.POSTPONED] += what == MeetingOutcome.POSTPONED
    sums[..., tables.SHORTENED] = fast.sums[..., tables.SHORTENED]  # no record tells how much work a step was given
    np.testing.assert_array_equal(fast.sums, sums)
    np.testing.assert_array_equal(
        sums[..., tables.DUE], sums[..., [tables.ON_TIME, tables.LATE_DONE, tables.MISSED]].sum(axis=-1)
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_every_step_has_one_record_and_no_csm_two_places(seed: int) -> None:
    model, _, fast = both(seed)
    released = np.concatenate([call.instances.activity for call in model.calls])
    begun = np.concatenate([call.instances.step for call in model.calls])
    chain = np.diff(model.activities.first_step)[released] - begun
    assert len(fast.rows) == chain.sum()
    assert len(np.unique(fast.rows[["instance", "step"]])) == len(fast.rows)
    held = fast.rows[model.activities.step_kind[fast.rows["step"]] == tables.MEETING]
    held = held[held["finished"] >= 0]
    for c in range(model.team.people):
        mine = np.sort(held[held["csm"] == c], order="started")
        assert np.all(mine["finished"][:-1] <= mine["started"][1:])
        day = np.searchsorted(model.team.clock.start, mine["started"], side="right") - 1
        assert not np.any(model.team.leave[c, day])
        assert np.max(np.bincount(day), initial=0) <= model.team.meetings_per_day


@pytest.mark.parametrize("engine", [reference, compiled])
@pytest.mark.parametrize("seed", range(16))
def test_one_call_is_two_calls(engine, seed: int) -> None:
    model = steady(generate(seed))
    assert differences(play(engine, model), play(engine, merged(model))) == []


@pytest.mark.parametrize("seed", range(40))
def test_a_horizon_in_one_go_is_its_calls(seed: int) -> None:
    model = generate(seed)
    wanted = play(compiled, model)
    sums, hours = tables.new_sums(model.activities, model.team), tables.new_hours(model.team)
    compiled.run_months(
        model.activities,
        model.team,
        [call.instances for call in model.calls],
        np.array([call.owner for call in model.calls]),
        np.array([np.where(call.active, call.speed, 0.0) for call in model.calls]),
        np.array([call.alive for call in model.calls]),
        np.array([call.until for call in model.calls]),
        sums=sums,
        hours=hours,
        values=None if model.value is None else [model.value] * len(model.calls),
    )
    np.testing.assert_array_equal(sums, wanted.sums)
    np.testing.assert_array_equal(hours, wanted.hours)


def joining_late(model: Model) -> tuple[Model, Model]:
    """The last CSM joins with the last call only: as somebody who was not active before, and as somebody new."""
    last = model.team.people - 1
    calls = [replace(call, active=call.active & (np.arange(last + 1) < last)) for call in model.calls[:-1]]
    there = replace(model, calls=(*calls, model.calls[-1]))

    def without(call: Call) -> Call:
        return replace(
            call, owner=np.where(call.owner == last, -1, call.owner), active=call.active[:last], speed=call.speed[:last]
        )

    return there, replace(there, calls=(*map(without, calls), model.calls[-1]))


@pytest.mark.parametrize("seed", range(60))
def test_whoever_joins_later_was_there_and_not_active(seed: int) -> None:
    there, new = joining_late(generate(seed))
    wanted = play(reference, there)
    for engine in (reference, compiled):
        assert differences(wanted, play(engine, new)) == []


def test_what_is_compiled_ahead_is_what_runs() -> None:
    for rich in (False, True):
        compiled.compile_kernels(rich)
        play(compiled, next(m for m in map(generate, SEEDS) if tables.is_rich(m.activities, m.team) == rich))
    assert len(compiled._calls.signatures) == 2
    assert len(compiled._draw_seconds.signatures) == 1


def test_a_state_is_left_as_it_was() -> None:
    model = generate(2)
    first, second = model.calls[:2]
    sums, hours = tables.new_sums(model.activities, model.team), tables.new_hours(model.team)
    _, state = compiled.run(
        model.activities, model.team, first.instances, first.owner, first.speed, first.active, None, first.until,
        sums=sums, hours=hours,
    )  # fmt: skip

    def go() -> tuple:
        outcome, after = compiled.run(
            model.activities, model.team, second.instances, second.owner, second.speed, second.active, state,
            second.until, sums=np.zeros_like(sums), hours=np.zeros_like(hours), records=True,
        )  # fmt: skip
        return outcome.rows, outcome.meetings, after.work, after.people, after.taken

    for one, other in zip(go(), go(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("engine", [reference, compiled])
def test_cells_beyond_the_horizon_do_not_count(engine) -> None:
    """Work whose due date lies beyond the last month is in no sum, though it is done."""
    model = one_csm([[(tables.DESK, HOUR, tables.DUE_WINDOW)]], [(0, 0, 9 * DAY)], months=[0, 5 * DAY])
    run = play(engine, model)
    assert run.rows["outcome"].tolist() == [StepOutcome.ON_TIME]
    assert not run.sums.any()


# --- planted faults --------------------------------------------------------------------------------------------------


def caught(model_runs: int = 60, team_of=lambda team: team) -> int:
    count = 0
    for seed in range(model_runs):
        model = generate(seed)
        count += bool(differences(play(reference, model, team_of(model.team)), both(seed)[2]))
    return count


def test_a_changed_table_is_caught() -> None:
    assert caught(30, lambda team: replace(team, setup=team.setup + 1)) > 0
    assert caught(30, lambda team: replace(team, lead=team.lead + 1)) > 0


@pytest.mark.parametrize(
    "change",
    [
        {"overtime": 0},
        {"focus_length": 0},
        {"cover": False},
        {"pooled_segments": None},
        {"rule": tables.EARLIEST_DUE},
        {"segment_rank": None},
        {"no_show": None},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_rarer_rule_left_out_is_caught(change: dict) -> None:
    assert caught(60, lambda team: replace(team, **change)) > 0


@pytest.mark.parametrize("rule", [tables.TIER, tables.VALUE, tables.RENEWAL])
def test_every_desk_rule_tells(rule: int) -> None:
    assert caught(60, lambda team: replace(team, rule=tables.EARLIEST_DUE) if team.rule == rule else team) > 0


def early_wake(self: reference.State, desk: reference.Desk) -> None:
    """Work is taken up before blocks begin."""
    if desk.wake_at != self.now:
        desk.wake_at = self.now
        self._at(self.now, reference.Phase.BLOCKS_BEGIN, 0, lambda: self._take_up(desk))


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("_day_of_beginning", lambda self, time: max(int(np.searchsorted(self.start, time)) - 1, 0)),
        ("_wake", early_wake),
        ("_put_down", lambda self, person: None),
        ("_overdue", lambda self, instance: False),
        ("_due_order", lambda self, instance: (self._due_of(instance, instance.step), -instance.number)),
        ("_pressing", lambda self, person: [i for i in person.desk.ready if self._presses(person, i)]),
        ("_presses", lambda self, person, i: i is not None and self._due_order(i)[0] <= self.now),
        ("_focus_time", lambda self, day: range(0)),
        ("_lay_aside", lambda self, instance: self._take_away(instance)),
        ("_pass_on", lambda self, there: None),
    ],
)
def test_a_changed_rule_is_caught(name: str, fault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference.State, name, fault)
    assert caught(40) > 0


# --- the rules, by hand ----------------------------------------------------------------------------------------------

DAY = 8 * HOUR


def one_csm(
    chains: list[list[tuple[int, float, int]]],
    releases: list[tuple[int, int, int]],
    *,
    csms: int = 1,
    days: int = 12,
    months: list[int] | None = None,
    unprepared: int = tables.HOLD,
    late: int = tables.LATE,
    **team,
) -> Model:
    """A team of owners of one account each; instances as (activity, release, due), the account is 0.

    Steps are (kind, seconds, due rule), with a buffer of no length and one business day after the predecessor.
    """
    book = LawBook()
    steps = [step for chain in chains for step in chain]
    kind, seconds, due = (np.array(column) for column in zip(*steps, strict=True))
    activities = ActivityTables(
        activity_names=tuple(str(k) for k in range(len(chains))),
        segment_names=("all",),
        step_names=tuple(str(n) for n in range(len(steps))),
        first_step=np.concatenate([[0], np.cumsum([len(chain) for chain in chains])]).astype(np.int64),
        step_kind=kind.astype(np.int64),
        step_law=np.array([book.row(deterministic(float(x))) for x in seconds], dtype=np.int64),
        step_due=due.astype(np.int64),
        step_buffer=np.zeros(len(steps), dtype=np.int64),
        step_due_days=np.ones(len(steps), dtype=np.int64),
        unprepared=np.full(len(chains), unprepared, dtype=np.int64),
        late=np.full(len(chains), late, dtype=np.int64),
        priority=np.zeros(len(chains), dtype=np.int64),
        laws=book.tables(),
    )
    settings = dict(
        customer_availability=np.array([1.0]),
        cancellation=np.array([0.0]),
        leave=np.zeros((csms, days), dtype=bool),
    )
    settings.update(team)
    table = TeamTables(
        clock=clock(np.full(days, DAY)), months=np.array([0, days * DAY] if months is None else months), **settings
    )
    activity, release, due_dates = (np.array(column, dtype=np.int64) for column in zip(*releases, strict=True))
    count = len(releases)
    zeros = np.zeros(count, dtype=np.int64)
    key = randomness.keys(randomness.stream(1, 0, "by hand"), np.arange(count))
    instances = Instances(release, due_dates, activity, zeros, zeros, key, np.ones(count), zeros)
    call = Call(
        instances, np.arange(csms), np.ones(csms), np.ones(csms, dtype=bool), np.ones(csms, dtype=bool),
        int(table.months[-1]),
    )  # fmt: skip
    return Model(activities, table, (call,), ties=True)


def agreed(model: Model) -> Run:
    slow, fast = play(reference, model), play(compiled, model)
    assert differences(slow, fast) == []
    return fast


def desk(seconds: float) -> list[tuple[int, float, int]]:
    return [(tables.DESK, seconds, tables.DUE_WINDOW)]


def test_earliest_due_date_first_and_no_preemption_among_desk_work() -> None:
    run = agreed(one_csm([desk(2 * HOUR)], [(0, 0, 5 * DAY), (0, HOUR, 4 * DAY), (0, HOUR, 3 * DAY)]))
    assert run.rows["finished"].tolist() == [2 * HOUR, 6 * HOUR, 4 * HOUR]


def test_an_interrupt_breaks_off_desk_work_and_costs_a_setup() -> None:
    trouble = [(tables.INTERRUPT, HOUR, tables.DUE_WINDOW)]
    run = agreed(one_csm([desk(3 * HOUR), trouble], [(0, 0, DAY), (1, HOUR, DAY)], setup=600))
    assert run.rows["finished"].tolist() == [4 * HOUR + 600, 2 * HOUR]
    assert run.hours[0, 0, tables.H_SETUP] == 600


def test_a_night_and_internal_time_suspend_work_without_setup() -> None:
    model = one_csm([desk(8 * HOUR)], [(0, 6 * HOUR, 2 * DAY)], internal_length=HOUR, setup=600)
    run = agreed(model)
    assert run.rows["finished"].tolist() == [DAY + 7 * HOUR]  # 2 h today, then internal time, then 6 h
    assert run.hours[0, 0, tables.H_SETUP] == 0


def test_qbr_on_a_light_day() -> None:
    """Prepare at once, meet in the first slot after the lead, follow up at once: one follow-up, one hour."""
    qbr = [
        (tables.DESK, HOUR, tables.DUE_MEETING),
        (tables.MEETING, HOUR, tables.DUE_WINDOW),
        (tables.DESK, HOUR, tables.DUE_AFTER),
    ]
    run = agreed(one_csm([qbr], [(0, 0, 5 * DAY)], lead=DAY))
    assert run.rows["ready"].tolist() == [0, 0, DAY + HOUR]
    assert run.rows["started"].tolist() == [0, DAY, DAY + HOUR]
    assert run.rows["finished"].tolist() == [HOUR, DAY + HOUR, DAY + 2 * HOUR]
    assert run.rows["due"].tolist() == [DAY, 5 * DAY, 3 * DAY]
    assert run.meetings.tolist() == [(0, 0, 0, 0, DAY, 2, MeetingOutcome.HELD)]
    assert run.hours[0, 0, :5].tolist() == [2 * HOUR, HOUR, 0, 0, 0]


def test_a_slot_at_the_opening_after_the_window_is_late() -> None:
    """Business second 5 · DAY is the evening of the fifth day and the opening of the sixth."""
    meeting = [(tables.MEETING, HOUR, tables.DUE_WINDOW)]
    run = agreed(one_csm([meeting], [(0, 0, 5 * DAY)], lead=5 * DAY))
    assert run.rows["outcome"].tolist() == [StepOutcome.LATE]
    run = agreed(one_csm([desk(5 * DAY)], [(0, 0, 5 * DAY)]))
    assert run.rows["outcome"].tolist() == [StepOutcome.ON_TIME]


@pytest.mark.parametrize(
    ("unprepared", "outcomes", "prepared_at"),
    [
        (tables.HOLD, [StepOutcome.ON_TIME, StepOutcome.MISSED, StepOutcome.ON_TIME], -1),
        (tables.POSTPONE, [StepOutcome.ON_TIME, StepOutcome.ON_TIME, StepOutcome.ON_TIME], DAY + 2 * HOUR),
    ],
)
def test_unprepared_meetings(unprepared: int, outcomes: list[int], prepared_at: int) -> None:
    qbr = [(tables.DESK, HOUR, tables.DUE_MEETING), (tables.MEETING, HOUR, tables.DUE_WINDOW)]
    releases = [(0, 0, 2 * HOUR), (1, 0, 9 * DAY)]  # the day's desk work is due before the preparation
    model = one_csm([desk(DAY + HOUR), qbr], releases, unprepared=unprepared, lead=2 * HOUR, rebook_after=(3, 3))
    run = agreed(model)
    assert run.rows["outcome"][1:].tolist() == outcomes[1:]
    assert run.rows["finished"][1] == (-1 if unprepared == tables.HOLD else prepared_at)
    assert run.sums[0, 2, 0, tables.UNPREPARED] == 1
    assert run.sums[0, 2, 0, tables.POSTPONED] == (unprepared == tables.POSTPONE)


def test_skipped_work_is_dropped_at_its_due_date() -> None:
    run = agreed(one_csm([desk(3 * HOUR)], [(0, 0, 2 * HOUR), (0, 0, DAY)], late=tables.SKIP))
    assert run.rows["outcome"].tolist() == [StepOutcome.MISSED, StepOutcome.ON_TIME]
    assert run.rows["finished"].tolist() == [-1, 5 * HOUR]


def test_every_meeting_cancelled_is_never_held() -> None:
    meeting = [(tables.MEETING, HOUR, tables.DUE_WINDOW)]
    model = one_csm([meeting], [(0, 0, 3 * DAY)], cancellation=np.array([1.0]), rebook_after=(2, 2))
    run = agreed(model)
    assert run.meetings["start"].tolist() == [1800, 2 * DAY, 4 * DAY, 6 * DAY, 8 * DAY, 10 * DAY, -1]
    assert run.meetings["outcome"].tolist() == [MeetingOutcome.CANCELLED] * 6 + [MeetingOutcome.UNBOOKED]
    assert run.sums[0, 0, 0, [tables.MISSED, tables.CUSTOMER_LATE]].tolist() == [1, 1]


def test_nobody_comes_and_a_slot_is_lost() -> None:
    """Half an hour of waiting and a new booking each time; desk work goes on behind it."""
    meeting = [(tables.MEETING, HOUR, tables.DUE_WINDOW)]
    releases = [(0, 0, 3 * DAY), (1, 0, 9 * DAY)]
    model = one_csm([meeting, desk(2 * HOUR)], releases, no_show=np.array([1.0]), rebook_after=(4, 4), days=5)
    run = agreed(model)
    assert run.meetings["start"].tolist() == [1800, 4 * DAY, -1]
    assert run.meetings["outcome"].tolist() == [MeetingOutcome.NO_SHOW] * 2 + [MeetingOutcome.UNBOOKED]
    assert run.hours[0, 0, tables.H_MEETING] == 2 * 1800
    assert run.rows["finished"].tolist() == [-1, 2.5 * HOUR]
    assert run.sums[0, 0, 0, [tables.MISSED, tables.CUSTOMER_LATE, tables.NO_SHOW]].tolist() == [1, 1, 2]


def test_a_booked_meeting_stays_where_the_new_owner_is_free() -> None:
    meeting = [(tables.MEETING, HOUR, tables.DUE_WINDOW)]
    model = one_csm([meeting], [(0, 0, 9 * DAY)], csms=2, lead=4 * DAY, months=[0, 2 * DAY, 9 * DAY])
    first = replace(model.calls[0], until=2 * DAY)
    second = replace(first, instances=Instances.none(), owner=np.array([1, 1]), until=9 * DAY)
    run = agreed(replace(model, calls=(first, second)))
    assert run.meetings[["csm", "start", "outcome"]].tolist() == [
        (0, 4 * DAY, MeetingOutcome.MOVED),
        (1, 4 * DAY, MeetingOutcome.HELD),
    ]


def test_work_of_an_account_that_left_is_void() -> None:
    model = one_csm([desk(9 * DAY)], [(0, 0, 9 * DAY)], months=[0, 2 * DAY, 9 * DAY])
    first = replace(model.calls[0], until=2 * DAY)
    second = replace(first, instances=Instances.none(), alive=np.array([False]), until=9 * DAY)
    run = agreed(replace(model, calls=(first, second)))
    assert run.rows["outcome"].tolist() == [StepOutcome.VOID]
    assert run.sums[1, 0, 0, [tables.DUE, tables.VOID]].tolist() == [0, 1]


@pytest.mark.parametrize("pooled", [False, True])
def test_a_team_of_nobody_does_nothing(pooled: bool) -> None:
    chains = [desk(HOUR), [(tables.MEETING, HOUR, tables.DUE_WINDOW)]]
    model = one_csm(chains, [(0, 0, DAY), (1, 0, DAY)], csms=0, pooled=pooled)
    alone = replace(model.calls[0], owner=np.array([-1]), alive=np.array([True]))
    run = agreed(replace(model, calls=(alone,)))
    assert run.rows["outcome"].tolist() == [StepOutcome.OPEN, StepOutcome.OPEN]
    assert run.sums[0, :, 0, tables.MISSED].tolist() == [1, 1]


WEEKS = np.arange(12) // 5


def test_overtime_saves_what_is_due_and_no_more_than_the_week_allows() -> None:
    """10 h due today, 8 h a day and 1.5 h of overtime a week: 9.5 h done in the evening, the rest next morning."""
    releases = [(0, 0, DAY), (0, 0, DAY), (0, 0, 3 * DAY)]
    run = agreed(one_csm([desk(5 * HOUR)], releases, overtime=5400, week=WEEKS))
    assert run.rows["finished"].tolist() == [5 * HOUR, DAY + HOUR / 2, DAY + 5.5 * HOUR]
    assert run.rows["outcome"].tolist() == [StepOutcome.ON_TIME, StepOutcome.LATE, StepOutcome.ON_TIME]
    assert run.hours[0, 0, tables.H_OVERTIME] == 5400
    run = agreed(one_csm([desk(5 * HOUR)], releases, overtime=2 * HOUR, week=WEEKS))
    assert run.rows["finished"].tolist() == [5 * HOUR, DAY, DAY + 5 * HOUR]  # at the evening: on time
    assert run.rows["outcome"].tolist() == [StepOutcome.ON_TIME] * 3


def test_overtime_of_a_week_begins_anew_with_the_next() -> None:
    """9 h a day, due each day, 5 h of overtime a week: 45 h of work in 40 + 5. With 4 h an hour is left on Friday, and
    the next week has to make up for it."""
    releases = [(0, day * DAY, (day + 1) * DAY) for day in range(10)]
    run = agreed(one_csm([desk(9 * HOUR)], releases, overtime=5 * HOUR, week=WEEKS))
    assert run.rows["outcome"].tolist() == [StepOutcome.ON_TIME] * 10
    assert run.hours[0, 0, tables.H_OVERTIME] == 10 * HOUR
    run = agreed(one_csm([desk(9 * HOUR)], releases, overtime=4 * HOUR, week=WEEKS))
    late = [StepOutcome.LATE]
    assert run.rows["outcome"].tolist() == [StepOutcome.ON_TIME] * 4 + late + [StepOutcome.ON_TIME] * 3 + late * 2


def test_overtime_lays_aside_what_is_not_due() -> None:
    """In the evening the long piece in hand waits for the one that is due; an interrupt waits for the morning."""
    trouble = [(tables.INTERRUPT, 3 * HOUR, tables.DUE_WINDOW)]
    releases = [(0, 0, 9 * DAY), (1, 7 * HOUR, DAY), (2, 7 * HOUR, DAY)]
    run = agreed(one_csm([desk(2 * DAY), desk(HOUR), trouble], releases, overtime=4 * HOUR, week=WEEKS))
    assert run.rows["finished"].tolist() == [2 * DAY + 3 * HOUR, DAY, DAY + 2 * HOUR]
    assert run.hours[0, 0, tables.H_OVERTIME] == HOUR


def test_overtime_for_what_would_be_late_tomorrow() -> None:
    """Two hours due an hour after the next opening are done tonight; an hour of it is not pressing tonight."""
    run = agreed(one_csm([desk(2 * HOUR)], [(0, 8 * HOUR - 1, DAY + HOUR)], overtime=4 * HOUR, week=WEEKS))
    assert run.rows["finished"].tolist() == [DAY]
    run = agreed(one_csm([desk(HOUR)], [(0, 8 * HOUR - 1, DAY + HOUR)], overtime=4 * HOUR, week=WEEKS))
    assert run.rows["finished"].tolist() == [DAY + HOUR - 1]


def test_in_a_pool_the_one_with_most_overtime_left_stays() -> None:
    releases = [(0, 7 * HOUR, DAY)] * 2 + [(1, 7 * HOUR, DAY)] * 2
    model = one_csm([desk(2 * HOUR), desk(HOUR)], releases, csms=2, pooled=True, overtime=3 * HOUR, week=WEEKS)
    run = agreed(model)
    assert run.rows["csm"].tolist() == [0, 1, 0, 1]
    assert run.hours[0, :, tables.H_OVERTIME].tolist() == [2 * HOUR, 2 * HOUR]


def test_work_that_would_end_late_is_cut_short() -> None:
    """The second piece would end an hour after its due date: half of it, on time. The third has its time."""
    releases = [(0, 0, 3 * HOUR), (0, 0, 4 * HOUR), (0, 0, DAY)]
    model = one_csm([desk(2.5 * HOUR)], releases, late=tables.SHORTEN)
    model = replace(model, activities=replace(model.activities, shortened=np.array([0.5])))
    run = agreed(model)
    assert run.rows["finished"].tolist() == [2.5 * HOUR, 3.75 * HOUR, 6.25 * HOUR]
    assert run.sums[0, 0, 0, tables.SHORTENED] == 1


def ordered(rule: int, **changes) -> list[int]:
    """The order in which three pieces of one hour are done: segments 0, 1, 1, due 3, 2, 1 days on, worth 1, 9, 1."""
    model = one_csm([desk(HOUR), desk(HOUR)], [(0, 0, 3 * DAY), (1, 0, 2 * DAY), (0, 0, DAY)], csms=3)
    team = replace(
        model.team, rule=rule, pooled=True, customer_availability=np.ones(2), cancellation=np.zeros(2),
        leave=np.array([[False] * 12, [True] * 12, [True] * 12]), segment_rank=np.array([0, 1]),
    )  # fmt: skip
    whole = np.array([0, 1, 1])
    instances = replace(model.calls[0].instances, segment=whole, account=np.array([0, 1, 2]))
    names = ("a", "b")
    activities = replace(model.activities, segment_names=names, priority=np.array([1, 0]))
    call = replace(model.calls[0], instances=instances)
    model = replace(model, activities=activities, team=team, calls=(call,), value=np.array([1.0, 9.0, 1.0]))
    return np.argsort(agreed(replace(model, **changes)).rows["finished"]).tolist()


@pytest.mark.parametrize(
    ("rule", "order"),
    [
        (tables.EARLIEST_DUE, [2, 1, 0]),
        (tables.TIER, [0, 2, 1]),
        (tables.RENEWAL, [1, 2, 0]),
        (tables.VALUE, [1, 2, 0]),  # nine times the value outweighs a day; equal values go by urgency
    ],
)
def test_desk_rules(rule: int, order: list[int]) -> None:
    assert ordered(rule) == order


def test_without_values_the_earliest_due_date_comes_first() -> None:
    assert ordered(tables.VALUE, value=None) == [2, 1, 0]


def test_a_cover_answers_but_does_not_run_the_book() -> None:
    """CSM 1 is away on days 0 and 1; CSM 2, the next, on day 1: trouble goes to 2, then to 0; desk work waits."""
    away = np.zeros((3, 12), dtype=bool)
    away[1, :2], away[2, 1] = True, True
    trouble = [(tables.INTERRUPT, HOUR, tables.DUE_WINDOW), (tables.DESK, HOUR, tables.DUE_WINDOW)]
    releases = [(1, 0, DAY), (0, HOUR, DAY), (0, DAY + HOUR, 2 * DAY)]
    model = one_csm([trouble, desk(HOUR)], releases, csms=3, leave=away, cover=True)
    call = replace(model.calls[0], owner=np.array([1, 1, 1]))
    run = agreed(replace(model, calls=(call,)))
    assert run.rows["csm"].tolist() == [1, 2, 1, 0, 1]
    assert run.rows["finished"].tolist() == [
        2 * DAY + HOUR, 2 * HOUR, 2 * DAY + 2 * HOUR, DAY + 2 * HOUR, 2 * DAY + 3 * HOUR,
    ]  # fmt: skip


def test_trouble_that_waits_when_leave_begins_goes_to_the_cover() -> None:
    away = np.zeros((2, 12), dtype=bool)
    away[0, 1] = True
    trouble = [(tables.INTERRUPT, 6 * HOUR, tables.DUE_WINDOW)]
    run = agreed(one_csm([trouble], [(0, 0, 9 * DAY), (0, 0, 9 * DAY)], csms=2, leave=away, cover=True))
    assert run.rows["csm"].tolist() == [0, 1]
    assert run.rows["finished"].tolist() == [6 * HOUR, DAY + 4 * HOUR]


def test_focus_time_keeps_meetings_and_interrupts_out() -> None:
    """An hour of internal time, three of focus: trouble waits for its end, unless there is nothing on the desk."""
    meeting = [(tables.MEETING, HOUR, tables.DUE_WINDOW)]
    trouble = [(tables.INTERRUPT, HOUR, tables.DUE_WINDOW)]
    chains = [desk(2.5 * HOUR), meeting, trouble]
    day = dict(internal_length=HOUR, focus_length=3 * HOUR)
    releases = [(0, 0, DAY), (1, 0, DAY), (2, 1.5 * HOUR, DAY)]
    run = agreed(one_csm(chains, releases, setup=600, **day))
    assert run.rows["started"].tolist() == [HOUR, 4 * HOUR, 3.5 * HOUR]  # half an hour of focus is left for trouble
    assert run.rows["finished"].tolist() == [3.5 * HOUR, 5 * HOUR, 5.5 * HOUR]  # the meeting suspends it
    run = agreed(one_csm([desk(4 * HOUR), meeting, trouble], releases, setup=600, **day))
    assert run.rows["started"].tolist() == [HOUR, 4 * HOUR, 5 * HOUR]
    assert run.rows["finished"].tolist() == [7 * HOUR + 600, 5 * HOUR, 6 * HOUR]


def test_mixed_books_are_pooled_for_one_segment_only() -> None:
    """CSM 0 owns account 0 (segment 0); account 1 (segment 1) is everybody's: CSM 1 does it, and never account 0's."""
    model = one_csm([desk(3 * HOUR)], [(0, 0, DAY), (0, 0, DAY), (0, 0, 5 * DAY)], csms=2)
    team = replace(
        model.team, customer_availability=np.ones(2), cancellation=np.zeros(2), pooled_segments=np.array([False, True])
    )
    instances = replace(model.calls[0].instances, segment=np.array([0, 1, 0]), account=np.array([0, 1, 0]))
    activities = replace(model.activities, segment_names=("owned", "pooled"))
    call = replace(model.calls[0], instances=instances, owner=np.array([0, -1]))
    run = agreed(replace(model, activities=activities, team=team, calls=(call,)))
    assert run.rows["csm"].tolist() == [0, 1, 0]
    assert run.rows["finished"].tolist() == [3 * HOUR, 3 * HOUR, 6 * HOUR]


def test_everything_at_one_instant() -> None:
    """At 2 h: work ends, a meeting begins, an interrupt comes; the interrupt waits for the meeting, then goes first."""
    chains = [
        desk(2 * HOUR),
        [(tables.MEETING, HOUR, tables.DUE_WINDOW)],
        [(tables.INTERRUPT, HOUR, tables.DUE_WINDOW)],
    ]
    releases = [(0, 0, DAY), (1, 0, DAY), (0, 2 * HOUR, DAY), (2, 2 * HOUR, DAY)]
    run = agreed(one_csm(chains, releases, lead=2 * HOUR))
    assert run.rows["started"].tolist() == [0, 2 * HOUR, 4 * HOUR, 3 * HOUR]
    assert run.rows["finished"].tolist() == [2 * HOUR, 3 * HOUR, 6 * HOUR, 4 * HOUR]


# --- what is refused -------------------------------------------------------------------------------------------------


def test_calls_that_make_no_sense_are_refused() -> None:
    model = one_csm([desk(HOUR)], [(0, HOUR, DAY)])
    call = model.calls[0]
    for wrong in (
        replace(call, until=DAY + 1),
        replace(call, until=0),
        replace(call, speed=np.zeros(1)),
        replace(call, owner=np.zeros(0, dtype=np.int64)),
        replace(call, instances=replace(call.instances, release=call.instances.release - DAY)),
    ):
        with pytest.raises(ParameterError):
            play(compiled, replace(model, calls=(wrong,)))


@pytest.mark.parametrize(
    "chain",
    [
        [(tables.MEETING, HOUR, tables.DUE_WINDOW), (tables.MEETING, HOUR, tables.DUE_WINDOW)],
        [(tables.MEETING, HOUR, tables.DUE_AFTER)],
        [(tables.DESK, HOUR, tables.DUE_MEETING)],
        [(tables.MEETING, HOUR, tables.DUE_WINDOW), (tables.DESK, HOUR, tables.DUE_MEETING)],
    ],
)
def test_chains_outside_the_rules_are_refused(chain: list[tuple[int, float, int]]) -> None:
    with pytest.raises(ParameterError):
        one_csm([chain], [(0, 0, DAY)])
