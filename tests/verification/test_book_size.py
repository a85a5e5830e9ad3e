"""The cliff of a book against hours ÷ hours: the shipped scenario, reviews spread and bunched, with cancellations and
without. The figure of these numbers is what ``simulator sweep scenarios/book_size.yaml`` draws.

A share of QBRs over 24 replications of a year rests on 4,000 QBRs, though they are not independent: its standard error,
taken over replications, is below 0.6 points at every book used here.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

import simulator as sim
from simulator.studies.run import measures, simulate
from simulator.studies.sweep import sweep

SCENARIO = Path(__file__).parents[2] / "scenarios" / "book_size.yaml"
REPLICATIONS = 24
EFFORT = 3 + 1 + 0.1 * 2  # hours an account and quarter: QBR, check-in, one interruption of 2 hours in ten


def plan(*variants: str) -> sim.Scenario:
    return sim.read(SCENARIO, variants=variants)


def share_on_time(scenario: sim.Scenario, book: int) -> tuple[float, float]:
    """Share of QBRs held on time and utilisation over a year."""
    found = measures(simulate(scenario.with_({"accounts.customers.opening": book}), replications=REPLICATIONS))
    qbr = found["success", "activity", "qbr", "on_time_share", "share"][:, -1]
    return float(qbr.mean()), float(found["success", "team", "csm", "utilisation", "share"][:, -1].mean())


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["bunched", "bunched_no_cancellations"])
def test_bunched_reviews_hold_to_about_45_to_50_accounts(variant: str) -> None:
    """With 90 % on time, at half the hours: the other half cannot be moved into four weeks."""
    at_45, at_50 = share_on_time(plan(variant), 45), share_on_time(plan(variant), 50)
    assert at_45[0] > 0.9 > at_50[0]
    assert at_50[1] < 0.6
    assert share_on_time(plan(variant), 90)[0] < 0.55


@pytest.mark.slow
@pytest.mark.parametrize("variants", [(), ("spread_no_cancellations",)])
def test_spread_reviews_hold_to_effort_over_hours(variants: tuple[str, ...]) -> None:
    """The knee lies where the hours end: within a tenth, because late work may be done in the days left before it is
    due, and a year is too short for a small overload to use them up."""
    scenario = plan(*variants)
    hours = float(np.mean([q.sum() for q in np.split(_hours(scenario), 4)]))
    book = hours / EFFORT
    assert book == pytest.approx(93, abs=1)
    found = sweep(scenario, book="csm", values=[80, 110], replications=REPLICATIONS)
    assert found.knees["knee"].iloc[0] == pytest.approx(book, rel=0.1)
    assert found.knees["book_from_work"].iloc[0] == pytest.approx(book, rel=0.03)


@pytest.mark.slow
def test_cancellations_cost_a_light_book_on_time_reviews_and_nothing_else_does() -> None:
    light = [share_on_time(plan(*v), 30)[0] for v in (("bunched",), ("bunched_no_cancellations",))]
    assert light[1] > 0.99
    assert light[0] < 0.97


def _hours(scenario: sim.Scenario) -> np.ndarray:
    """Customer hours of one head by month."""
    grid = scenario.calendar.grid()
    working = np.array([int(np.sum(grid.weekday[a:b] < 5)) for a, b in itertools.pairwise(grid.month_day)])
    return working * 8 * 0.75
