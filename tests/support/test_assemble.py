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
from simulator.support.tables import QueueMeasure
from tests.models import one_queue


def totals(queue: dict[str, object], agents: int = 16, **more: object) -> np.ndarray:
    """The sums of the first replication of one queue, the same from both engines. Shape (1, measures)."""
    scenario = one_queue(queue=queue, group={"agents": agents, **more})
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


def test_work_is_expected_at_the_groups_that_open_first() -> None:
    document = copy.deepcopy(one_queue().document())
    document["support"]["groups"]["others"] = {"agents": 20, "serves": {"calls": {"after": "1 min"}}}
    load = Horizon(freeze(Document(document))).load
    assert load[:, 0] == pytest.approx([18.0, 0.0], abs=1e-6)  # 6 a minute of 3 min each
