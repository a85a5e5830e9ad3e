"""What a scenario says of support, in the tables and through to the sums."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from simulator.horizon import Horizon
from simulator.scenario.document import Document
from simulator.scenario.loading import freeze
from simulator.scenario.schema import Scenario
from simulator.support.assemble import build
from simulator.support.demand import ArrivalTables
from simulator.support.kpis import KPIS
from simulator.support.tables import GroupMeasure, QueueMeasure
from tests.models import one_queue


def totals(
    queue: dict[str, object], agents: int = 16, calendar: dict[str, object] | None = None, **more: object
) -> np.ndarray:
    """The sums of the first replication of one queue, the same from both engines. Shape (1, measures)."""
    scenario = one_queue(queue=queue, group={"agents": agents, **more}, calendar=calendar or {})
    horizon = Horizon(scenario)
    fast, readable = horizon.simulate(0), horizon.simulate(0, reference=True)
    # the same seconds added in another order
    np.testing.assert_allclose(fast["queue"], readable["queue"], rtol=1e-9)
    np.testing.assert_allclose(fast["group"], readable["group"], rtol=1e-9)
    return fast["queue"].sum(axis=0)


def test_a_group_that_opens_after_a_wait() -> None:
    waits = totals({"patience": None}, serves={"calls": {"after": "45 s"}}, agents=30)
    assert KPIS["overflow_rate"](waits) == 1.0
    assert KPIS["asa"](waits)[0] >= 45.0
    assert KPIS["overflow_rate"](totals({"patience": None}, agents=30)) == 0.0


def test_balking_and_redials_of_a_scenario() -> None:
    plain, none = totals({}), totals({"balking": "100%"})
    assert plain[0, QueueMeasure.BALKED] == plain[0, QueueMeasure.REDIALS] == 0
    assert none[0, QueueMeasure.ABANDONED] == none[0, QueueMeasure.WAIT_ANSWERED] == 0
    assert none[0, QueueMeasure.BALKED] > 0
    redial = {"probability": "100%", "delay": {"exponential": "5 min"}, "attempts": 2}
    again = totals({"balking": "50%", "redial": redial})
    lost = again[0, [QueueMeasure.BALKED, QueueMeasure.ABANDONED]].sum()
    assert plain[0, QueueMeasure.OFFERED] == again[0, QueueMeasure.OFFERED] - again[0, QueueMeasure.REDIALS]
    assert 0.5 * lost < again[0, QueueMeasure.REDIALS] < lost
    # some are lost for good after their second redial
    assert totals({"redial": {**redial, "attempts": 9}})[0, QueueMeasure.REDIALS] > again[0, QueueMeasure.REDIALS]


def test_repeats_and_time_away_of_a_scenario() -> None:
    hours = {"daily": "09:00-18:00"}
    resolution = {"probability": "60%", "delay": {"exponential": "3 h"}, "attempts": 9, "within": "8 h"}
    open_days = {"days": 5}
    found = totals({"hours": hours, "patience": None, "resolution": resolution}, agents=60, calendar=open_days)[0]
    of = {measure.name.lower(): found[measure] for measure in QueueMeasure}
    assert of["offered"] == of["inquiries"] + of["repeats"]
    assert of["answered"] == of["offered"]
    assert of["resolved"] / of["answered"] == pytest.approx(0.6, abs=0.02)
    assert of["first_response"] < of["resolution_time_net"] < of["resolution_time"]
    assert 0 < of["repeated_within"] < of["resolved_first"] < of["resolved_within"] < of["due"] < of["inquiries"]
    # repeats stand outside no opening hours: nobody waits for the morning
    assert of["wait_answered"] == 0.0
    away = totals_of_groups(away={"probability": "50%", "duration": "10 min"}, agents=60)
    assert 0.1 < KPIS["time_away"](away)[0] < 0.9
    assert KPIS["time_away"](totals_of_groups(agents=60))[0] == 0.0


def test_email_in_business_time_beside_calls() -> None:
    """Mail is worked off while more than two agents are idle; what comes in the evening waits for the morning."""
    document = copy.deepcopy(one_queue(group={"agents": 22}, calendar={"days": 3}).document())
    support = document["support"]
    support["queues"]["mail"] = {
        "channel": "email", "hours": {"daily": "09:00-18:00"}, "arrivals": {"rate": "0.5 per min"}, "talk": "3 min",
        "answer_within": "1 h", "business_time": True,
    }  # fmt: skip
    support["groups"]["agents"]["serves"] = {"calls": {"priority": 1}, "mail": {"priority": 2, "reserve": 2}}

    def run(**mail: object) -> tuple[np.ndarray, np.ndarray]:
        changed = copy.deepcopy(document)
        changed["support"]["queues"]["mail"] |= mail
        horizon = Horizon(freeze(Document(changed)))
        fast, readable = horizon.simulate(0), horizon.simulate(0, reference=True)
        for part in ("queue", "group"):
            np.testing.assert_allclose(fast[part], readable[part], rtol=1e-9, atol=1e-9)
        return fast["queue"].sum(axis=0), fast["group"].sum(axis=0)

    queue, group = run()
    elapsed, _ = run(business_time=False)
    assert KPIS["backlog"](queue)[1] > 0
    assert np.isnan(KPIS["backlog"](queue)[0])
    assert KPIS["asa"](queue)[1] <= KPIS["asa"](elapsed)[1]
    real, mail, both = (KPIS[f"occupancy{kind}"](group)[0] for kind in ("_real_time", "_deferrable", ""))
    assert both == pytest.approx(real + mail)
    assert mail > 0.02
    support["groups"]["agents"]["serves"]["mail"]["reserve"] = 0
    eager, _ = run()
    assert KPIS["backlog"](eager)[1] < KPIS["backlog"](queue)[1]
    assert KPIS["service_level"](eager)[0] < KPIS["service_level"](queue)[0]


def test_chats_and_emails_that_are_left_for_them() -> None:
    """The same work with calls, with chats of which an agent holds three, and beside emails that are left for them."""
    document = copy.deepcopy(one_queue(group={"agents": 22}, calendar={"days": 2}).document())
    support = document["support"]
    support["queues"]["mail"] = {
        "channel": "email", "hours": {"daily": "09:00-18:00"}, "arrivals": {"rate": "0.5 per min"}, "talk": "20 min",
    }  # fmt: skip
    support["groups"]["agents"]["serves"] = {"calls": {"priority": 1}, "mail": {"priority": 2}}

    def run() -> tuple[np.ndarray, np.ndarray]:
        horizon = Horizon(freeze(Document(copy.deepcopy(document))))
        fast, readable = horizon.simulate(0), horizon.simulate(0, reference=True)
        for part in ("queue", "group"):
            np.testing.assert_allclose(fast[part], readable[part], rtol=1e-9, atol=1e-9)
        return fast["queue"].sum(axis=0), fast["group"].sum(axis=0)

    waits, group = run()
    assert KPIS["interrupted"](waits)[1] == 0
    assert KPIS["occupancy_slots"](group)[0] == KPIS["occupancy"](group)[0]
    support["queues"]["mail"] |= {"calls_first": "preempt", "set_up": "1 min"}
    leaves, _ = run()
    assert KPIS["interrupted"](leaves)[1] > 100
    assert KPIS["service_level"](leaves)[0] > KPIS["service_level"](waits)[0]
    assert KPIS["handle_time"](leaves)[1] > KPIS["handle_time"](waits)[1] == 1200.0
    # those who would have given up are answered too
    assert KPIS["handle_time"](leaves)[0] == pytest.approx(KPIS["handle_time"](waits)[0], rel=0.02)
    support["queues"]["calls"]["channel"] = "chat"
    support["groups"]["agents"] |= {"concurrency": 3, "slowdown": 0.3}
    chats, group = run()
    assert KPIS["handle_time"](chats)[0] > KPIS["handle_time"](leaves)[0]
    assert KPIS["occupancy_slots"](group)[0] < KPIS["occupancy"](group)[0]
    assert chats[0, QueueMeasure.ANSWERED] == chats[0, QueueMeasure.OFFERED]


def test_a_group_may_have_its_own_talk() -> None:
    serves = {"calls": {"talk": "10 s", "after_call": "5 s", "handle_time_factor": 2.0}}
    assert KPIS["handle_time"](totals({"after_call": "1 min"}, serves=serves))[0] == pytest.approx(30.0)


def test_callbacks_of_a_scenario() -> None:
    callback = {"threshold": "30 s", "acceptance": "60%", "dialling": "10 s", "no_answer": "20%", "attempts": 2}
    plain, found = totals({}, agents=17), totals({"callback": callback}, agents=17)
    of = {measure.name.lower(): found[0, measure] for measure in QueueMeasure}
    assert of["offered"] == plain[0, QueueMeasure.OFFERED]
    assert of["callbacks"] > 100
    assert of["no_answer"] / (of["no_answer"] + of["called_back"]) == pytest.approx(0.2, abs=0.05)
    assert of["unreached"] / of["callbacks"] == pytest.approx(0.04, abs=0.03)
    assert KPIS["abandonment"](found) < KPIS["abandonment"](plain)
    assert KPIS["callback_wait"](found)[0] > 30.0


def totals_of_groups(**group: object) -> np.ndarray:
    """Sums of one group, shape (1, measures)."""
    return Horizon(one_queue(group=group)).simulate(0)["group"].sum(axis=0)


def test_the_expected_load_is_that_of_a_desk_at_which_nobody_waits() -> None:
    """Escalations, holds and repeats: what a simulation with plenty of agents does is what the closed form says."""
    document = copy.deepcopy(
        one_queue(queue={"patience": None}, group={"agents": 300}, calendar={"days": 12}).document()
    )
    calls = document["support"]["queues"]["calls"]
    calls["escalation"] = {
        "to": "experts", "probability": "30%", "transfer": "warm", "conference": {"exponential": "2 min"},
    }  # fmt: skip
    again = {"probability": "70%", "delay": {"exponential": "5 min"}}
    calls["resolution"] = {**again, "attempts": 2}
    document["support"]["queues"]["experts"] = {
        "talk": {"exponential": "4 min"}, "after_call": "1 min", "resolution": {**again, "to": "mail", "attempts": 1},
    }  # fmt: skip
    document["support"]["queues"]["mail"] = {"talk": "6 min", "resolution": again}
    document["support"]["groups"]["experts"] = {"agents": 200, "serves": ["experts"], "answer_delay": "10 s"}
    document["support"]["groups"]["mail"] = {"agents": 200, "serves": ["mail"]}
    horizon = Horizon(freeze(Document(document)))
    runs = [horizon.simulate(r) for r in range(4)]
    seconds = horizon.grid.interval_start[-1]
    entries = np.mean([run["queue"].sum(axis=0)[:, QueueMeasure.OFFERED] for run in runs], axis=0)
    busy = np.mean([run["group"].sum(axis=0)[:, 0] for run in runs], axis=0) / seconds
    # some 400,000 calls; the last repeats lie beyond the end
    np.testing.assert_allclose(horizon.expected_contacts.sum(axis=1), entries, rtol=0.01)
    np.testing.assert_allclose(horizon.load.mean(axis=1), busy, rtol=0.01)


def arrival_tables_of(scenario: Scenario) -> ArrivalTables:
    return build(scenario, scenario.calendar.grid()).arrivals


def test_the_factors_of_arrivals_reach_the_tables() -> None:
    arrivals = {"rate": "6 per min", "day_cv": 0.2, "day_shared": "70%", "interval_cv": 0.3, "interval_memory": "60%"}
    tables = arrival_tables_of(one_queue(queue={"arrivals": arrivals}))
    assert tables.day_shared.tolist() == [0.7]
    assert tables.interval_memory.tolist() == [0.6]
    assert tables.day_law[0] != tables.interval_law[0] >= 0
    plain = arrival_tables_of(one_queue())
    assert plain.interval_law.tolist() == plain.day_law.tolist() == [-1]


def test_answer_delay_and_closing_of_a_scenario() -> None:
    base = {"patience": None, "hours": {"mon-fri": "09:00-18:00"}}
    served, dropped = totals(base, agents=12), totals({**base, "at_closing": "drop"}, agents=12)
    assert served[0, QueueMeasure.DROPPED] == 0
    assert dropped[0, QueueMeasure.DROPPED] > 0
    assert dropped[0, QueueMeasure.OFFERED] == served[0, QueueMeasure.OFFERED]
    assert dropped[0, [QueueMeasure.DROPPED, QueueMeasure.ANSWERED]].sum() == dropped[0, QueueMeasure.OFFERED]
    late = totals({"patience": None}, agents=60, answer_delay="4 s")
    assert KPIS["asa"](late)[0] == pytest.approx(4.0)  # there is always an idle agent


def test_whoever_waits_at_closing_is_served_by_agents_planned_until_then() -> None:
    """Too few agents, who are planned while the queue is open only, and callers who wait for hours."""
    hours = {"hours": {"mon-fri": "09:00-18:00"}}
    patient = {**hours, "patience": {"uniform": ["4 h", "5 h"]}}

    def at_night(queue: dict[str, object]) -> tuple[np.ndarray, np.ndarray]:
        scenario = one_queue(queue=queue, group={"agents": None, "headcount": 20})
        horizon = Horizon(scenario)
        fast, readable = horizon.simulate(0), horizon.simulate(0, reference=True)
        np.testing.assert_array_equal(fast["queue"], readable["queue"])
        return fast["queue"].sum(axis=0)[0], fast["group"].sum(axis=0)[0]

    queue, group = at_night(patient)
    assert queue[QueueMeasure.ABANDONED] == 0 < queue[QueueMeasure.OFFERED] == queue[QueueMeasure.ANSWERED]
    assert group[GroupMeasure.OVERRUN] > 3600.0
    ticket, rested = at_night({**hours, "patience": None})  # what can wait is there in the morning
    assert rested[GroupMeasure.OVERRUN] < group[GroupMeasure.OVERRUN] / 3
    assert ticket[QueueMeasure.ANSWERED] < ticket[QueueMeasure.OFFERED] == queue[QueueMeasure.OFFERED]


def test_ways_to_the_next_tier_of_a_scenario() -> None:
    """In a warm transfer the first tier's talk holds the second tier's answer delay, too."""

    def talk(**escalation: object) -> float:
        document = copy.deepcopy(one_queue(queue={"talk": "60 s"}, group={"agents": 60}).document())
        document["support"]["queues"]["calls"]["escalation"] = {"to": "experts", "probability": "100%", **escalation}
        document["support"]["queues"]["experts"] = {"talk": "60 s"}
        second = {"agents": 60, "serves": ["experts"], "answer_delay": "5 s"}
        document["support"]["groups"]["second"] = second
        horizon = Horizon(freeze(Document(document)))
        fast, readable = horizon.simulate(0)["queue"], horizon.simulate(0, reference=True)["queue"]
        np.testing.assert_allclose(fast, readable, rtol=1e-9)
        sums = fast.sum(axis=0)
        return float(KPIS["talk_time"](sums)[0])

    assert talk() == talk(transfer="deferred") == pytest.approx(60.0)
    assert talk(transfer="warm") == pytest.approx(65.0, abs=0.1)  # a hold that lasts at the end is not counted
    assert talk(transfer="warm", hold="3 s") == pytest.approx(65.0, abs=0.1)  # taken at once
    assert talk(transfer="warm", conference="20 s") == pytest.approx(85.0, abs=0.2)


def test_queues_share_the_lines_that_they_name() -> None:
    """Three queues that nobody answers: two share four lines, the third has lines of its own, under a pool's name."""
    document = copy.deepcopy(one_queue(queue={"patience": None}, group={"agents": 0}).document())
    queues, group = document["support"]["queues"], document["support"]["groups"]["agents"]
    document["support"]["lines"] = {"more": 4}
    for name in ("more", "others"):
        queues[name] = copy.deepcopy(queues["calls"])
    queues["calls"]["lines"] = queues["others"]["lines"] = "more"
    queues["more"]["lines"] = 9
    group["serves"] = list(queues)
    tables = build(freeze(Document(document)), one_queue().calendar.grid()).tables
    assert tables.line_capacity[tables.line_pool].tolist() == [4, 9, 4]
    assert tables.line_pool[0] == tables.line_pool[2]
    horizon = Horizon(freeze(Document(document)))
    for reference in (False, True):
        sums = horizon.simulate(0, reference=reference)["queue"].sum(axis=0)
        holding = sums[:, QueueMeasure.OFFERED] - sums[:, QueueMeasure.BLOCKED]
        assert (holding[0] + holding[2], holding[1]) == (4, 9)
        assert min(holding) > 0


def test_the_age_carries_over_where_a_scenario_says_so() -> None:
    """The second tier overflows to helpers after 2 min; whoever comes with a call of 3 min behind him goes there at
    once."""

    def answered_by_helpers(**escalation: object) -> float:
        document = copy.deepcopy(one_queue(queue={"talk": "3 min"}, group={"agents": 80}).document())
        queues, groups = document["support"]["queues"], document["support"]["groups"]
        queues["calls"]["escalation"] = {"to": "experts", "probability": "10%", **escalation}
        queues["experts"] = {"talk": "60 s"}
        groups["second"] = {"agents": 0, "serves": ["experts"]}
        groups["helpers"] = {"agents": 60, "serves": {"experts": {"after": "2 min"}}}
        horizon = Horizon(freeze(Document(document)))
        fast, readable = horizon.simulate(0)["queue"], horizon.simulate(0, reference=True)["queue"]
        np.testing.assert_allclose(fast, readable, rtol=1e-9)
        return float(KPIS["asa"](fast.sum(axis=0))[1])

    assert answered_by_helpers() == answered_by_helpers(age="restarts") == pytest.approx(120.0)
    assert answered_by_helpers(age="carries_over") == 0.0


def test_work_is_expected_at_the_groups_that_open_first() -> None:
    document = copy.deepcopy(one_queue().document())
    document["support"]["groups"]["others"] = {"agents": 20, "serves": {"calls": {"after": "1 min"}}}
    load = Horizon(freeze(Document(document))).load
    assert load[:, 0] == pytest.approx([18.0, 0.0], abs=1e-6)  # 6 a minute of 3 min each


# --- what multiplies the rate, and where contacts come from ----------------------------------------------------------


def per_day(arrivals: dict[str, object], **calendar: object) -> dict[str, float]:
    """Expected contacts by date of a queue that is open from Monday to Friday, with 900 a month and no chance."""
    given = {"start": "2027-04", "months": 2, "timezone": "Asia/Tokyo", "holidays": "JP", "days": None, **calendar}
    queue = {"hours": {"mon-fri": "09:00-18:00"}, "arrivals": arrivals}
    scenario = one_queue(queue=queue, calendar=given)
    grid = scenario.calendar.grid()
    tables = build(scenario, grid).arrivals
    contacts = (tables.rate * np.diff(grid.interval_start))[0]
    by_day = np.bincount(grid.interval_day, weights=contacts, minlength=grid.days)
    return {str(date): float(n) for date, n in zip(grid.dates, by_day, strict=True)}


def ratio(changed: dict[str, float], plain: dict[str, float]) -> dict[str, float]:
    """The days on which the contacts changed, and by which factor."""
    found = {d: changed[d] / plain[d] for d in plain if plain[d]}
    return {d: pytest.approx(factor) for d, factor in found.items() if factor != pytest.approx(1)}


def test_holidays_weeks_and_events_multiply_the_rate() -> None:
    plain = per_day({"per_month": 900})
    assert sum(plain.values()) == pytest.approx(1800)
    assert plain["2027-04-29"] == 0.0  # Showa Day; 3 to 5 May are holidays too
    after = ratio(per_day({"per_month": 900, "after_holiday": 1.5}), plain)
    assert after == {"2027-04-30": 1.5, "2027-05-06": 1.5}
    campaign = {"from": "2027-05-29", "to": "2027-05-31", "factor": 0}
    found = ratio(per_day({"per_month": 900, "events": {"no_power": campaign}}), plain)
    assert found == {"2027-05-31": 0.0}
    week = ratio(per_day({"per_month": 900, "season": {"04": 2, "W17": 0.5}}), plain)
    assert week["2027-04-23"] == 2.0
    assert "2027-04-26" not in week  # 2 of the month, half of the week
    assert ratio(per_day({"per_month": 900, "factor": 1.25}), plain) == {d: 1.25 for d, n in plain.items() if n}


def test_a_holiday_before_the_horizon_counts_too() -> None:
    """The first of January is one, and in 2027 the fourth is the first Monday after it."""
    given = {"start": "2027-01-02", "months": None, "days": 10, "holidays": "US"}
    after = ratio(per_day({"per_month": 900, "after_holiday": 3}, **given), per_day({"per_month": 900}, **given))
    assert after == {"2027-01-04": 3.0}


def test_accounts_feel_the_same_factors_and_others_come_beside_them() -> None:
    document = copy.deepcopy(one_queue(calendar={"start": "2027-04", "days": None, "months": 2}).document())
    document["accounts"] = {"firms": {"opening": 100, "contacts_per_month": {"calls": 3}}}
    launch = {"launch": {"from": "2027-05-01", "to": "2027-05-31", "factor": 4}}
    slow = {"opening": {"from": "2027-04-01", "to": "2027-04-10", "factor": 0}}

    def by_month(**arrivals: object) -> list[float]:
        document["support"]["queues"]["calls"]["arrivals"] = {"from": "accounts", **arrivals}
        horizon = Horizon(freeze(Document(copy.deepcopy(document))))
        return np.add.reduceat(horizon.expected_contacts[0], horizon.grid.month_interval[:-1]).tolist()

    assert by_month() == pytest.approx([300, 300])
    assert by_month(events=launch) == pytest.approx([300, 1200])
    assert by_month(events=slow) == pytest.approx([200, 300])
    assert by_month(per_month=[50, 60]) == pytest.approx([350, 360])
    assert by_month(per_month=[50, 60], events=launch) == pytest.approx([350, 1440])
    assert by_month(per_month=[50, 60], factor=2) == pytest.approx([700, 720])


def test_a_dated_table_is_met_row_by_row() -> None:
    """Rows of an hour and of a quarter of an hour on a grid of half hours; the hour that a day has twice is one row."""
    days = {"start": "2026-10-24", "days": 2, "timezone": "Europe/Berlin"}
    hours = [f"{h:02d}:00" for h in range(24)]
    table = {f"2026-10-{d}": {time: i + d for i, time in enumerate(hours)} for d in (24, 25)}
    scenario = one_queue(queue={"arrivals": {"dated": table}}, calendar=days)
    grid = scenario.calendar.grid()
    found = (build(scenario, grid).arrivals.rate * np.diff(grid.interval_start))[0]
    assert len(found) == 48 + 50
    for day, d in enumerate((24, 25)):
        for i in range(24):
            rows = (grid.interval_day == day) & (grid.interval_slot // 2 == i)
            assert found[rows].sum() == pytest.approx(i + d)
            assert rows.sum() == (4 if (d, i) == (25, 2) else 2)
    fine = {"2026-10-24": {f"{q // 4:02d}:{q % 4 * 15:02d}": q for q in range(96)}}
    scenario = one_queue(queue={"arrivals": {"dated": fine}}, calendar={"start": "2026-10-24", "days": 1})
    grid = scenario.calendar.grid()
    found = (build(scenario, grid).arrivals.rate * np.diff(grid.interval_start))[0]
    assert found.tolist() == pytest.approx([4 * i + 1 for i in range(48)])


def test_contacts_by_date_alone_follow_the_shape_of_the_day() -> None:
    arrivals = {"dated": {"2027-04-05": 300, "2027-04-06": 60}, "intraday": {"09:00": 2, "12:00": 1}}
    queue = {"hours": {"daily": "09:00-15:00"}, "arrivals": arrivals}
    scenario = one_queue(queue=queue, calendar={"days": 2})
    grid = scenario.calendar.grid()
    found = (build(scenario, grid).arrivals.rate * np.diff(grid.interval_start))[0]
    assert found[18:30].tolist() == pytest.approx([300 * 2 / 18] * 6 + [300 / 18] * 6)
    assert found.sum() == pytest.approx(360)
    assert found[48:].sum() == pytest.approx(60)


def test_a_table_says_what_its_numbers_are_for() -> None:
    """On a finer calendar a table is per interval of the calendar, unless it says what it is for."""
    day = {"table": {"09:00": 12, "10:00": 6}, "table_interval": "30 min"}
    for interval, silent in (("30 min", 1.0), ("15 min", 2.0), ("1 h", 0.5)):
        calendar = {"days": 1, "interval": interval}
        told, untold = (
            per_day({name: day[name] for name in names}, start="2027-04-05", months=None, **calendar)
            for names in (("table", "table_interval"), ("table",))
        )
        assert told["2027-04-05"] == pytest.approx(12 * 2 + 6 * 16)
        assert untold["2027-04-05"] == pytest.approx(silent * told["2027-04-05"])
