"""The years: both wings month by month, on common draws, by either engine."""

import copy

import numpy as np
import pytest

from simulator import _cache
from simulator.horizon import FLOWS, PEOPLE, Horizon, Staffing, units
from simulator.scenario.document import Document
from simulator.scenario.loading import freeze
from simulator.scenario.schema import Scenario
from simulator.studies.run import measures, run, simulate
from simulator.success import portfolio
from simulator.success.tables import DUE, H_OVERTIME, HOUR_KINDS, ON_TIME
from simulator.support.tables import GroupMeasure, QueueMeasure
from tests.models import BOTH_WINGS, OFFICE, both_wings, one_queue


@pytest.fixture(scope="module")
def horizon() -> Horizon:
    return Horizon(both_wings())


def test_a_replication_is_a_function_of_its_number(horizon: Horizon) -> None:
    first, again, other = horizon.simulate(3), Horizon(both_wings()).simulate(3), horizon.simulate(4)
    for name, values in first.items():
        assert np.array_equal(values, again[name], equal_nan=True), name
    assert not np.array_equal(first["queue"], other["queue"])


def test_both_engines_agree_over_the_years(horizon: Horizon) -> None:
    compiled, reference = horizon.simulate(1), horizon.simulate(1, reference=True)
    assert compiled["queue"][..., QueueMeasure.OFFERED].sum() > 1000
    assert compiled["steps"].sum() > 100
    for name, values in compiled.items():
        # counts are equal exactly; sums of seconds may be added up in another order
        np.testing.assert_allclose(values, reference[name], rtol=1e-9, atol=1e-6, err_msg=name)


def test_replay_of_the_plan_itself_is_the_plan(horizon: Horizon) -> None:
    plan = horizon.simulate(2)
    people = horizon.people(horizon.models(2), 2)
    heads = np.array([p.effective for p in people[:2]])
    again = horizon.replay(2, Staffing(groups=heads))
    assert np.array_equal(again["queue"], plan["queue"])
    assert set(again) == {"queue", "group", "closing", "met"}


def test_more_heads_more_answers(horizon: Horizon) -> None:
    few = horizon.replay(0, Staffing(groups=np.full((2, 3), 2.0)))["queue"]
    many = horizon.replay(0, Staffing(groups=np.full((2, 3), 6.0)))["queue"]
    assert many[..., QueueMeasure.ABANDONED].sum() < few[..., QueueMeasure.ABANDONED].sum()


def test_accounts_and_people_balance(horizon: Horizon) -> None:
    out = horizon.simulate(0)
    flows = {name: out["flows"][..., i] for i, name in enumerate(FLOWS)}
    assert np.array_equal(flows["closing"], flows["opening"] + flows["new"] - flows["lost"])
    assert np.array_equal(flows["opening"][1:], flows["closing"][:-1])
    people = {name: out["people"][..., i] for i, name in enumerate(PEOPLE)}
    assert np.array_equal(people["closing"], people["opening"] + people["starts"] - people["leavers"])


def test_more_accounts_make_more_calls() -> None:
    few = Horizon(both_wings()).simulate(0)["queue"][:, 0, QueueMeasure.OFFERED].sum()
    many = Horizon(both_wings({"accounts.smb.opening": 200})).simulate(0)["queue"][:, 0, QueueMeasure.OFFERED].sum()
    # 100 more accounts on about 115, of 5 calls, beside 20 of 12: about 1.65 times the calls
    assert 1.45 < many / few < 1.85


def test_more_accounts_leave_the_others_their_calls() -> None:
    few, many = Horizon(both_wings()), Horizon(both_wings({"accounts.smb.opening": 101}))
    for horizon in (few, many):
        horizon.simulate(0)
    kept = set(few._seen[0].contacts[0][1].key.tolist())
    assert kept <= set(many._seen[0].contacts[0][1].key.tolist())


def test_more_escalations_make_later_reviews() -> None:
    # the same chance in both: one CSM, so that interruptions are felt
    base = {"success.teams.csm.headcount": 1, "success.activities.escalated.steps.handle.interrupt": "90 min"}
    calm = Horizon(both_wings({**base, "support.queues.phone.escalation.probability": "0%"}))
    busy = Horizon(both_wings({**base, "support.queues.phone.escalation.probability": "40%"}))

    def reviews_on_time(horizon: Horizon) -> float:
        return sum(horizon.simulate(r)["steps"][:, 0:3, :, ON_TIME].sum() for r in range(4))

    assert reviews_on_time(busy) < 0.8 * reviews_on_time(calm)


def test_without_escalation_activity_support_leaves_success_alone() -> None:
    base = both_wings({"success.activities.escalated.segments": {"enterprise": "0%", "smb": "0%"}})
    more = base.with_({"support.queues.phone.escalation.probability": "40%"})
    assert np.array_equal(Horizon(base).simulate(0)["steps"], Horizon(more).simulate(0)["steps"])


def test_repeats_share_inputs_and_differ_in_chance() -> None:
    scenario = both_wings({"accounts.smb.contacts_per_month.phone": {"uncertain": {"uniform": [1, 20]}}})
    horizon = Horizon(scenario)
    rates = [horizon.models(r)[0].support.arrivals.contacts_per_month[1, 0] for r in range(6)]
    assert rates[0] == rates[1]
    assert rates[2] == rates[3]
    assert len(set(rates)) == 3
    assert all(1 <= rate <= 20 for rate in rates)
    assert not np.array_equal(horizon.simulate(0)["queue"], horizon.simulate(1)["queue"])


def test_an_input_with_a_monthly_path_moves_from_month_to_month() -> None:
    scenario = both_wings(
        {"accounts.smb.contacts_per_month.phone": {"uncertain": {"uniform": [1, 20], "path": "random_walk"}}}
    )
    rates = {m.support.arrivals.contacts_per_month[1, 0] for m in Horizon(scenario).models(0)}
    assert len(rates) == 3


def test_the_warm_up_counts_nowhere() -> None:
    whole = Horizon(one_queue()).simulate(0)
    late = Horizon(one_queue(calendar={"warm_up": "6 h"})).simulate(0)
    offered = whole["queue"][0, 0, QueueMeasure.OFFERED], late["queue"][0, 0, QueueMeasure.OFFERED]
    assert offered[1] == pytest.approx(offered[0] * 0.75, rel=0.05)  # 8,640 calls: three standard errors are 4 %
    staffed = late["group"][0, 0, GroupMeasure.STAFFED]
    assert staffed == 20 * 18 * 3600


def test_a_textbook_queue_meets_its_formula() -> None:
    from simulator.support import erlang

    horizon = Horizon(one_queue(calendar={"warm_up": "2 h", "days": 3}))
    sums = np.sum([horizon.simulate(r)["queue"] for r in range(20)], axis=0)[0, 0]
    exact = erlang.measures(
        agents=20, arrival_rate=0.1, service_rate=1 / 180, abandonment_rate=1 / 120, answer_within=20
    )
    # 500,000 calls; abandonment of successive calls is correlated over a few minutes: standard error about 0.4 %
    assert sums[QueueMeasure.ABANDONED] / sums[QueueMeasure.OFFERED] == pytest.approx(exact.p_abandon, rel=0.02)
    assert sums[QueueMeasure.ANSWERED_WITHIN] / sums[QueueMeasure.OFFERED] == pytest.approx(
        exact.sl_served_over_offered, rel=0.01
    )


RARE = {
    "success.teams.csm.pooled_segments": ["smb"],
    "success.teams.csm.cover": True,
    "success.teams.csm.overtime": "4 h",
    "success.teams.csm.focus": "1 h",
    "success.teams.csm.desk_rule": "value",
    "success.teams.csm.leave_days_per_year": 40,
    "success.teams.csm.hires": {"2027-05": 1},
    "success.activities.qbr.late": "shorten",
}
"""Every rule of CSM work that few teams use."""


def rare(overrides: dict | None = None) -> Scenario:
    document = copy.deepcopy(BOTH_WINGS)
    document["success"]["activities"]["handover"] = {
        "segments": {"enterprise": "100%", "smb": "100%"},
        "trigger": "handover",
        "within": "14 days",
        "steps": {"read": {"desk": "3 h"}},
    }
    return freeze(Document(document)).with_({**RARE, **(overrides or {})})


def test_rarer_rules_agree_over_the_years_and_in_a_replay() -> None:
    horizon = Horizon(rare())
    compiled, reference = horizon.simulate(1), horizon.simulate(1, reference=True)
    for name in ("steps", "hours", "at_risk"):
        np.testing.assert_allclose(compiled[name], reference[name], rtol=1e-9, atol=1e-6, err_msg=name)
    teams = np.array([[2, 3, 3]])
    one, month_by_month = Horizon(rare()), Horizon(rare())
    month_by_month.coupled = True  # so that every month is played anew
    for name in ("steps", "hours"):
        again = month_by_month.replay(1, Staffing(teams=teams))[name]
        np.testing.assert_array_equal(one.replay(1, Staffing(teams=teams))[name], again)


def handed_over(hires: dict[str, int]) -> np.ndarray:
    """Handover steps that came due, by month."""
    horizon = Horizon(rare({"success.teams.csm.hires": hires, "hiring.attrition_per_year": 0}))
    steps = horizon.simulate(0)["steps"]
    k = horizon.central.success.activities.activity_names.index("handover")
    return steps[:, horizon.central.success.activities.headline_step[k], :, DUE].sum(axis=1)


def test_a_handover_is_work_for_the_accounts_that_change_hands() -> None:
    assert handed_over({}).tolist() == [0, 0, 0]
    moved = handed_over({"2027-05": 1})
    # a new third CSM at half speed takes over a fifth of the work of 20 enterprise accounts, the largest first; what is
    # pooled has no owner
    assert 2 <= moved[1] <= 5
    assert moved[[0, 2]].tolist() == [0, 0]


def test_overtime_is_worked_where_work_is_late() -> None:
    few = {"success.teams.csm.headcount": 1, "hiring.attrition_per_year": 0}
    plain, longer = (Horizon(both_wings({**few, "success.teams.csm.overtime": hours})) for hours in ("0 h", "10 h"))
    a, b = plain.simulate(0), longer.simulate(0)
    assert b["steps"][..., ON_TIME].sum() > a["steps"][..., ON_TIME].sum()
    worked = b["hours"][..., H_OVERTIME].sum() / 3600
    assert 3 < worked <= 10 * 14  # up to 10 h in each of the weeks that April to June touch


# --- people of support ------------------------------------------------------------------------------------------------


def staffed_hours(horizon: Horizon, replications: int) -> np.ndarray:
    """Agent-hours present by replication and month."""
    return np.array(
        [horizon.simulate(r)["group"][:, 0, GroupMeasure.STAFFED] / 3600 for r in range(replications)], dtype=float
    )


def test_absence_takes_its_share_and_is_the_same_for_every_plan() -> None:
    base = one_queue(calendar={"days": 10}, group={"absence": "10%"})
    horizon = Horizon(base)
    hours = staffed_hours(horizon, 12)
    # 12 replications of 10 days of 20 agents: a standard error of 24 h · sqrt(200 · 0.09 / 12) = 29 h
    assert hours.mean() == pytest.approx(0.9 * 20 * 240, abs=90)
    assert len(set(hours[:, 0])) > 6
    full, more = horizon.staff(np.full((1, 1), 20.0), 3), horizon.staff(np.full((1, 1), 21.0), 3)
    assert set(np.unique(more - full)) <= {0, 1}
    # an agent is away from midnight to midnight
    assert all(len(set(day)) == 1 for day in full.reshape(10, 48))
    assert np.array_equal(horizon.staff(np.full((1, 1), 20.0)), np.full((1, 480), 20)), (
        "the plan itself has no absences"
    )
    again = horizon.replay(3, Staffing(groups=np.full((1, 1), 20.0)))
    assert np.array_equal(again["group"], horizon.simulate(3)["group"])


def test_absence_and_shrinkage_may_be_uncertain() -> None:
    law = {"uncertain": {"uniform": ["0%", "40%"]}}
    horizon = Horizon(one_queue(group={"absence": law}))
    shares = [horizon._group(0, 0, r).absence for r in range(4)]
    assert len(set(shares)) == 4
    assert max(shares) < 0.4
    base = both_wings({"support.groups.tier2.shrinkage": law, "monte_carlo.chance_repeats": 1})
    horizon = Horizon(base)
    hours = np.array([horizon.staff(np.full((2, 3), 4.0), r)[1].sum() for r in range(6)])
    left = np.array([1 - horizon._group(1, 0, r).divided_out for r in range(6)])
    assert hours / left == pytest.approx(horizon.staff(np.full((2, 3), 4.0))[1].sum() / 0.8, rel=0.02)


RAMP = {"hiring.ramp": ["25%", "50%"], "hiring.attrition_per_year": "0%", "success.teams.csm.headcount": 2}
HIRES = {"support.groups.tier1.headcount": 2, "support.groups.tier1.hires": {"2027-04": 2}}


def test_the_ramp_acts_on_availability_or_on_speed_never_on_both() -> None:
    by_time = Horizon(both_wings({**RAMP, **HIRES})).simulate(0)
    by_speed = Horizon(both_wings({**RAMP, **HIRES, "hiring.ramp_in_support": "speed"})).simulate(0)
    ramped = Horizon(both_wings({**RAMP, "support.groups.tier1.headcount": 4})).simulate(0)

    def staffed(results: dict) -> np.ndarray:
        return results["group"][:, 0, GroupMeasure.STAFFED] / 3600

    def handled(results: dict) -> np.ndarray:
        sums = results["queue"][:, 0]
        return (sums[:, QueueMeasure.TALK] + sums[:, QueueMeasure.AFTER_CALL]) / sums[:, QueueMeasure.ANSWERED]

    # two of four are new: 2.5, 3 and 4 heads' work
    assert staffed(by_time)[:2] / staffed(ramped)[:2] == pytest.approx([2.5 / 4, 3 / 4], rel=0.02)
    assert np.array_equal(staffed(by_speed), staffed(ramped))
    plain = handled(ramped)
    assert handled(by_time) / plain == pytest.approx(1.0, abs=0.05)
    # the same callers, talk scaled: what differs is who gives up
    assert handled(by_speed) / plain == pytest.approx([4 / 2.5, 4 / 3, 1.0], rel=0.05)


def test_both_engines_agree_on_shifts_with_absence_and_a_learning_curve() -> None:
    document = both_wings({**RAMP, **HIRES, "hiring.ramp_in_support": "speed"}).document()
    document["support"]["shifts"] = {
        "early": {"start": "09:00", "length": "8 h", "breaks": [{"after": "3 h", "latest": "4 h", "length": "1 h"}]},
        "late": {"start": "10:00", "length": "8 h", "breaks": [{"after": "3 h", "latest": "4 h", "length": "1 h"}]},
    }
    document["support"]["groups"]["tier1"] |= {
        "shifts": ["early", "late"],
        "shrinkage": {"training": "10%"},
        "absence": "10%",
    }
    document["support"]["groups"]["tier1"]["serves"]["phone"]["handle_time_factor"] = 1.25
    horizon = Horizon(freeze(Document(document)))
    compiled, reference = horizon.simulate(1), horizon.simulate(1, reference=True)
    for name, values in compiled.items():
        np.testing.assert_allclose(values, reference[name], rtol=1e-9, atol=1e-6, err_msg=name)
    assert horizon.plans[0].rosters
    assert compiled["group"][0, 0, GroupMeasure.STAFFED] < 4 * 0.9 * 22 * 7 * 3600


def test_proficiency_is_by_queue_and_group() -> None:
    plain = both_wings()
    changed = both_wings(
        {
            "support.groups.tier1.handle_time_factor": 1.2,
            "support.groups.tier1.serves.email.handle_time_factor": 0.5,
        }
    )
    before, after = Horizon(plain).central.support, Horizon(changed).central.support
    assert before is not None
    assert after is not None

    def mean(model: object, q: int, g: int) -> float:
        tables = model.tables  # type: ignore[attr-defined]
        return float(tables.laws.scale[tables.talk[q, g]])

    assert mean(after, 0, 0) == pytest.approx(1.2 * mean(before, 0, 0))
    assert mean(after, 1, 0) == pytest.approx(0.6 * mean(before, 1, 0))
    assert mean(after, 2, 1) == mean(before, 2, 1)


# --- email ------------------------------------------------------------------------------------------------------------


def mail(headcount: int, **targets: object) -> Horizon:
    """Two months of email, answered on working days."""
    queue = {
        "channel": "email", "hours": {"mon-fri": "09:00-18:00"}, "arrivals": {"per_month": 600}, "patience": None,
        "talk": {"exponential": "20 min"}, "targets": {"confidence": "80%", **targets},
    }  # fmt: skip
    calendar = {"start": "2027-04", "days": None, "months": 2, "holidays": "JP", "timezone": "Asia/Tokyo"}
    return Horizon(one_queue(queue=queue, group={"agents": None, "headcount": headcount}, calendar=calendar))


def test_the_closing_backlog_is_what_waits_when_a_window_ends() -> None:
    bounds = {"closing_backlog": 250, "closing_backlog_days": 8, "window": "week"}
    nobody = mail(0, **bounds)
    found = nobody.simulate(0)
    offered = found["queue"][:, 0, QueueMeasure.OFFERED]
    assert found["closing"][:, 0].tolist() == np.cumsum(offered).tolist()
    # 600 a month over 21 working days: two in the first week of April, then five: 57, 200, 343. A day brings 29, so
    # so that the first two of five weeks end with less than 250 and less than eight days of work, and no week of May
    assert [t.kpi for t in nobody.targets.items] == ["closing_backlog", "closing_backlog_days"]
    assert found["met"].tolist() == [[0.4, 0.4], [0.0, 0.0]]
    some = mail(1, **bounds)
    one, reference = some.simulate(0), some.simulate(0, reference=True)
    assert one["closing"].tolist() == reference["closing"].tolist()
    assert 0 < one["closing"][-1, 0] < found["closing"][-1, 0]
    plenty = mail(20, **bounds).simulate(0)
    assert plenty["closing"].tolist() == [[0.0], [0.0]]
    assert plenty["met"].tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_the_closing_backlog_is_a_kpi_with_its_target() -> None:
    scenario = mail(1, closing_backlog=40).scenario.with_({"monte_carlo.replications": 4})
    simulated = simulate(scenario, jobs=1)
    found = measures(simulated)
    left = found["support", "queue", "calls", "closing_backlog", "count"]
    days = found["support", "queue", "calls", "closing_backlog_days", "days"]
    assert left[:, :2].tolist() == simulated.data["closing"][:, :, 0].tolist()
    assert left[:, 2].tolist() == left[:, 1].tolist()
    offered = simulated.data["queue"][:, :, 0, QueueMeasure.OFFERED]
    np.testing.assert_allclose(days[:, 0], left[:, 0] * 21 / offered[:, 0])


# --- a roster that is given -------------------------------------------------------------------------------------------


def rostered(**group: object) -> Horizon:
    """Calls on ten days, Monday to Friday from 09:00 to 18:00; Monday the fifth of April is quiet."""
    week = {"mon-fri": {"09:00": 20, "12:00": 24, "18:00": 0}, "2027-04-05": {"09:00": 6, "18:00": 0}}
    queue = {"hours": {"mon-fri": "09:00-18:00"}, "targets": {"service_level": "80% in 20 s"}}
    given = {"agents": None, "roster": week, **group}
    return Horizon(one_queue(queue=queue, group=given, calendar={"start": "2027-04-05", "days": 10}))


def test_a_backlog_that_the_horizon_opens_with_by_hand() -> None:
    """Twelve emails of half an hour each and two agents from nine on, and nobody writes that week."""
    queue = {"channel": "email", "talk": "30 min", "hours": OFFICE, "business_time": True, "answer_within": "1 h"}
    quiet = {"arrivals": {"per_month": 100, "factor": 0}, "patience": None, "opening_backlog": 12}
    group = {"agents": 2}
    horizon = Horizon(one_queue(queue={**queue, **quiet}, group=group, calendar={"days": 5}))
    found, reference = horizon.simulate(0), horizon.simulate(0, reference=True)
    for name in ("queue", "group", "closing"):
        assert np.array_equal(found[name], reference[name], equal_nan=True)
    sums = dict(zip(QueueMeasure, found["queue"][0, 0].tolist(), strict=True))
    assert sums[QueueMeasure.OFFERED] == sums[QueueMeasure.ANSWERED] == 12
    assert sums[QueueMeasure.WAIT_ANSWERED] == 2 * 1800 * (0 + 1 + 2 + 3 + 4 + 5)
    assert sums[QueueMeasure.ANSWERED_WITHIN] == 6
    assert found["closing"].tolist() == [[0.0]]


def test_keys_of_an_opening_backlog_leave_the_rest_alone() -> None:
    bare, more = mail(2), Horizon(mail(2).scenario.with_({"support.queues.calls.opening_backlog": 30}))
    months = [h._contacts(0, 0, h.models(0)[0], portfolio_of(h)) for h in (bare, more)]
    assert np.array_equal(months[1].key[30:], months[0].key)
    assert len({*months[1].key.tolist()}) == len(months[1])
    assert np.all(months[1].time[:30] == 0.0)
    assert np.all(np.diff(months[1].time) >= 0)


def portfolio_of(horizon: Horizon) -> portfolio.Portfolio:
    return portfolio.open_portfolio(horizon.central.portfolio, horizon.grid, horizon.seed, 0)


def test_mail_is_written_at_night_and_waits_for_the_morning() -> None:
    hours = {"support.queues.calls.arrivals.hours": "always", "support.queues.calls.business_time": True}
    nights = Horizon(mail(4).scenario.with_({**hours, "support.queues.calls.at_closing": "serve"}))
    found, reference = nights.simulate(0), nights.simulate(0, reference=True)
    for name in ("queue", "group", "closing"):
        assert np.array_equal(found[name], reference[name], equal_nan=True)
    contacts = nights._contacts(0, 0, nights.models(0)[0], portfolio_of(nights))
    is_open = nights.grid.open_intervals(nights.scenario.support.queues["calls"].hours)
    share = is_open[contacts.interval].mean()
    assert abs(share - 21 * 9 / (30 * 24)) < 4 * np.sqrt(0.26 * 0.74 / len(contacts))
    # the work is expected in opening hours, all of it but what comes after the last of them
    handle = nights.scenario.support.queues["calls"].talk.mean
    entries = nights.expected_contacts[0]
    last = np.flatnonzero(is_open)[-1]
    assert nights.load[0][~is_open].sum() == 0
    assert nights.load[0].sum() * 1800 == pytest.approx(entries[: last + 1].sum() * handle)
    assert nights.load[0][is_open].max() > 2 * entries.max() * handle / 1800
    # a night is no wait: with the same people the mean is far below half a day
    waited, answered = (found["queue"][0, 0, m] for m in (QueueMeasure.WAIT_ANSWERED, QueueMeasure.ANSWERED))
    assert 0 < waited / answered < 4 * 3600


def test_a_month_without_any_contact() -> None:
    event = {"from": "2027-05-01", "to": "2027-05-31", "factor": 0}
    changes = {"support.queues.calls.arrivals.events": {"closed": event}}
    found = Horizon(mail(1).scenario.with_(changes)).simulate(0)
    assert found["queue"][0, 0, QueueMeasure.OFFERED] > 0 == found["queue"][1, 0, QueueMeasure.OFFERED]


def test_a_roster_is_the_plan_whatever_the_heads() -> None:
    horizon = rostered(headcount=3)
    staff = horizon.staff(np.zeros((1, 1)), own=True)[0]
    day, slot = horizon.grid.interval_day, horizon.grid.interval_slot
    assert set(staff[(day == 0) & (slot >= 18) & (slot < 36)]) == {6}
    assert staff[(day == 1) & (slot >= 18) & (slot < 36)].tolist() == [20] * 6 + [24] * 12
    assert staff[(day == 5) | (slot < 18) | (slot >= 36)].sum() == 0
    found, reference = horizon.simulate(0), horizon.simulate(0, reference=True)
    np.testing.assert_allclose(found["queue"], reference["queue"], rtol=1e-9)
    hours = staff @ np.diff(horizon.grid.interval_start)
    assert found["group"][0, 0, GroupMeasure.STAFFED] == pytest.approx(hours)
    assert np.array_equal(rostered(headcount=30).simulate(0)["queue"], found["queue"])
    # a search tries heads, not the roster
    tried = horizon.replay(0, Staffing(groups=np.full((1, 1), 30.0)))
    assert tried["group"][0, 0, GroupMeasure.STAFFED] > 1.2 * hours


def test_absence_is_taken_off_a_roster_and_shrinkage_is_not() -> None:
    there = [
        np.mean([rostered(**how).staff(np.zeros((1, 1)), r, own=True).sum() for r in range(30)])
        for how in ({}, {"shrinkage": "30%"}, {"absence": "10%"})
    ]
    assert there[1] == there[0]
    assert there[2] / there[0] == pytest.approx(0.9, abs=0.01)


def test_a_roster_without_heads_counts_as_those_that_would_yield_it() -> None:
    horizon = rostered()
    result = run(horizon.scenario.with_({"monte_carlo.replications": 4}), jobs=1)
    staffing = result.staffing.iloc[0]
    # 6 · 9 + 7 · (20 · 3 + 24 · 6) hours of 8 a day on 8 days
    assert staffing["planned"] == pytest.approx((54 + 7 * 204) / 64)
    assert staffing["need"] > 0
    assert result.summary["teams"][0]["now"] == round((54 + 7 * 204) / 64)


def test_kernels_compiled_beside_are_those_that_run(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(_cache, "is_warm", lambda: False)
    monkeypatch.setattr(_cache, "compile_beside", asked.append)
    for changes in ({}, {"success.teams.csm.cover": True}):
        Horizon(both_wings(changes))._compile_beside()
    assert [code.rpartition("; ")[2] for code in asked] == [
        f"compiled.compile_kernels({rich})" for rich in (False, True)
    ]


# --- a budget that is a share of revenue -----------------------------------------------------------------------------

SQUEEZE = {
    "calendar.months": 9,
    "hiring.attrition_per_year": "60%",
    "hiring.time_to_hire": "1 month",
    "accounts.smb.churn_per_month": "3%",
    "success.teams.csm.headcount": 4,
    "success.teams.csm.hires": {"2027-06": 1},
}
"""A team that loses heads: about one head's pay is 1.5 % of 22 M of revenue, and all people's 27 %."""


def squeezed(share: str | None, **more: object) -> Scenario:
    budget = {} if share is None else {"budget": {"share_of_mrr": share}}
    return both_wings({**SQUEEZE, **budget, **more})


def test_a_generous_share_of_revenue_changes_nothing() -> None:
    plain, generous = Horizon(squeezed(None)).simulate(1), Horizon(squeezed("100%")).simulate(1)
    assert not generous.pop("frozen").any()
    assert plain.keys() == generous.keys()
    for name, values in plain.items():
        np.testing.assert_array_equal(values, generous[name], err_msg=name)


def test_a_squeeze_stops_hiring_until_the_people_cost_little_enough() -> None:
    scenario = squeezed("22%")
    horizon = Horizon(scenario)
    free = Horizon(squeezed(None))
    seen = 0
    for replication in range(4):
        out, plain = horizon.simulate(replication), free.simulate(replication)
        frozen = out["frozen"].astype(bool)
        heads, starts = (out["people"][..., PEOPLE.index(name)] for name in ("closing", "starts"))
        assert (heads.sum(axis=1) <= plain["people"][..., PEOPLE.index("closing")].sum(axis=1)).all()
        assert out["cost"].sum() <= plain["cost"].sum()
        seen += frozen.sum()
        # by hand: loaded pay of those there and of those already looked for, over last month's revenue
        people = horizon.people(horizon.models(replication), replication, frozen=frozen)
        pay = np.array([unit.salary_per_year for _, _, unit in units(scenario)]) * 1.3 / 12
        there = np.array([p.heads for p in people])
        for u, p in enumerate(people):
            there[u] += [np.sum((p.requisition < m) & (p.start > m) & (p.kind > 0)) for m in range(9)]
            opened = p.requisition[(p.kind > 0) & (p.requisition >= 0) & (p.requisition < 9)]
            assert not frozen[opened].any(), "no requisition is opened in a frozen month"
            assert starts[:, u].tolist() == p.starts.tolist()
        mrr = out["flows"][:, :, FLOWS.index("opening_mrr")].sum(axis=1)
        assert ((pay @ there > 0.22 * mrr) == frozen).all()
    assert 0 < seen < 36


def test_a_squeeze_is_a_loop() -> None:
    """Three of seven leave; without successors work is late, late work costs accounts, and revenue that is gone keeps
    hiring frozen for longer: on common draws the end is worse. Without the coupling revenue is the same."""
    plan = {
        "accounts.smb.opening": 300,
        "success.activities.qbr.segments.smb": "60%",
        "success.activities.qbr.every": "month",
        "success.activities.qbr.window": "whole period",
        "success.teams.csm.headcount": 7,
        "success.teams.csm.leaving": {"2027-05": 3},
    }
    ends, frozen = {}, {}
    for late in (0, 4):
        for share in (None, "16%"):
            horizon = Horizon(squeezed(share, **plan, **{"couplings.churn_by_late_activities": late}))
            runs = [horizon.simulate(r) for r in range(4)]
            ends[late, share] = np.array([out["flows"][-1, :, FLOWS.index("closing_mrr")].sum() for out in runs])
            frozen[late] = sum(out["frozen"].sum() for out in runs) if share else 0
    np.testing.assert_array_equal(ends[0, None], ends[0, "16%"])
    change = ends[4, "16%"] / ends[4, None] - 1
    assert change.mean() < -0.01
    assert frozen[4] >= frozen[0] > 0


def test_both_engines_agree_in_a_squeeze() -> None:
    changes = {"couplings.attrition_by_overload": 1, "success.teams.csm.contractors": {"2027-05": 1}}
    horizon = Horizon(squeezed("15%", **changes))
    compiled, reference = horizon.simulate(1), horizon.simulate(1, reference=True)
    assert compiled["frozen"].any()
    for name, values in compiled.items():
        np.testing.assert_allclose(values, reference[name], rtol=1e-9, atol=1e-6, err_msg=name)


def test_contractors_work_where_people_come_and_go_month_by_month() -> None:
    plans = [{}, {"success.teams.csm.contractors": {f"2027-{m:02d}": 3 for m in range(4, 10)}}]
    idle = HOUR_KINDS.index("idle")
    hours = [Horizon(squeezed("100%", **plan)).simulate(0)["hours"][:6, :, idle].sum() for plan in plans]
    assert hours[1] > 1.5 * hours[0]


def test_a_freeze_is_told() -> None:
    answer = run(squeezed("20%", **{"monte_carlo.replications": 4, "calendar.months": 4}), jobs=1)
    assert any("lets no requisition be opened" in text for text in answer.summary["warnings"])
    assert answer.kpis.query("kpi == 'hiring_frozen'")["mean"].between(0, 1).all()
    assert answer.summary["cost"]["budget"] is None
