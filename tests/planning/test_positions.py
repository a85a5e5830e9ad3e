"""Positions of the plan, and a variance that leaves nothing over."""

from __future__ import annotations

import numpy as np
import pytest

import simulator as sim
from simulator.planning.positions import BEFORE, CAUSES, Drivers, drivers, positions, variance
from simulator.workforce import Pay

TEXT = """\
name: Two teams
calendar: {start: 2027-04, months: 4}
accounts: {firms: {opening: 10}}
support:
  queues: {calls: {arrivals: {rate: 1 per h}, talk: 4 min}}
  groups: {agents: {headcount: 3, serves: [calls], salary_per_year: 12_000, hires: {2027-06: 2}}}
success:
  activities: {review: {segments: {firms: 100%}, every: month, steps: {meet: {meeting: 1 h}}}}
  teams: {csm: {segments: [firms], headcount: 1, salary_per_year: 24_000}}
hiring: {cost_per_hire: 500, loading: 1.5, ramp: [50%]}
"""


def test_every_head_and_every_planned_hire_is_a_position() -> None:
    seats = positions(sim.read(TEXT))
    assert [(s.team, s.number, s.start, s.heads) for s in seats] == [
        *(("agents", n, BEFORE, 1) for n in (1, 2, 3)),
        ("agents", 4, 2, 1),
        ("agents", 5, 2, 1),
        ("csm", 1, BEFORE, 1),
    ]
    assert {(s.team, s.pay) for s in seats} == {("agents", 1500.0), ("csm", 3000.0)}
    assert [s.hiring for s in seats] == [0, 0, 0, 500, 500, 0]


def test_a_large_team_is_one_entry() -> None:
    plan = sim.read(TEXT).with_({"support.groups.agents.headcount": 201})
    assert [s.heads for s in positions(plan)] == [201, 1, 1, 1]


def test_the_causes_by_hand() -> None:
    """3 agents at 1,500 and 1 CSM at 3,000 for 4 months; 2 more agents planned for month 2, one of whom comes a month
    late; one agent leaves after month 0 and is replaced from month 2 on."""
    seats = positions(sim.read(TEXT))
    heads = np.array([3.0, 2.0, 4.0, 5.0])
    starts, hires = np.array([0.0, 0.0, 2.0, 1.0]), np.array([0.0, 0.0, 1.0, 1.0])
    agents = [s for s in seats if s.team == "agents"]
    paid = heads.sum() * 1500 + 3 * 500
    pay = Pay(12_000, loading=1.5, hiring_cost=500)
    first = drivers("agents", pay, agents, heads, starts, hires, 40.0, paid + 40 + 7)
    assert (first.planned, first.late, first.vacant, first.started, first.backfills) == (16, 1, 1, 2, 1)
    ones, none = np.ones(4), np.zeros(4)
    double = Pay(24_000, loading=1.5, hiring_cost=500)
    second = drivers("csm", double, [s for s in seats if s.team == "csm"], ones, none, none, 0.0, 12_000.0)
    found = variance([first, second], 4)
    assert tuple(found) == CAUSES
    mean = (3 * 1500 + 3000) / 4
    assert found["volume"].tolist() == [2 * mean * 4 + 2 * 500, 0]
    assert found["mix"].tolist() == [2 * (1500 - mean) * 4, 0]
    assert found["timing"].tolist() == [(16 - 5 * 4 - 1) * 1500, 0]
    assert found["attrition"].tolist() == [500 - 1500, 0]
    assert found["extra"].tolist() == [40, 0]
    assert found["rate"] == pytest.approx([7, 0])
    opening = 4 * (3 * 1500 + 3000)
    assert opening + sum(values.sum() for values in found.values()) == pytest.approx(paid + 40 + 7 + 12_000)


def test_no_heads_at_the_opening() -> None:
    empty = Drivers("new", 1000.0, 0.0, 0.0, 2.0, 4.0, 0.0, 0.0, 2.0, 0.0, 0.0, 4000.0)
    found = variance([empty], 3)
    assert found["volume"] + found["mix"] + found["timing"] + found["attrition"] == pytest.approx([4000.0])
    assert found["rate"] == pytest.approx([0.0])
