"""Shifts, kinds of shrinkage and absence in a scenario: read, written back, and refused with reasons."""

from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.errors import Problem
from simulator.scenario.loading import dump, read
from tests.scenario.example import EXAMPLE

Faults = Callable[..., list[Problem]]

LUNCH = "{length: 1 h, after: 3 h, latest: 5 h}"
OLD = "  groups:\n    front: {headcount: 24, serves: [phone], shrinkage: 30%,"
EARLY = f"{{start: 08:00, length: 9 h, breaks: [{LUNCH}]}}"


def with_shift(shift: str = EARLY, shifts: str = "[early]", more: str = "shrinkage: {leave: 9%, training: 5%}") -> str:
    front = f"{{headcount: 24, serves: [phone], shifts: {shifts}, {more},"
    return f"  shifts: {{early: {shift}}}\n  groups:\n    front: {front}"


def test_a_shift_reads_back_as_it_was(plan: Path) -> None:
    breaks = "breaks: [{length: 1 h, after: 4 h}]"
    shift = f'{{start: ["08:00", 10:30], length: 9 h, days: [mon-fri, "tue-sat,holiday"], {breaks}}}'
    plan.write_text(EXAMPLE.replace(OLD, with_shift(shift, more="shrinkage: {leave: 9%}, absence: 4%")))
    scenario = read(plan)
    assert scenario.support is not None
    early, group = scenario.support.shifts["early"], scenario.support.groups["front"]
    assert early.start == ("08:00", "10:30")
    assert early.days == ("mon-fri", "tue-sat,holiday")
    assert early.present == early.paid == 8 * 3600
    assert group.divided_out == pytest.approx(0.09)
    assert group.absence == 0.04
    assert read(dump(scenario.document())) == scenario
    more = scenario.with_({"support.groups.front.shrinkage.training": "5%", "support.shifts.early.start": "09:00"})
    assert more.support is not None
    assert more.support.groups["front"].divided_out == pytest.approx(0.14)
    assert more.support.shifts["early"].start == ("09:00",)


def test_one_share_needs_no_kinds(plan: Path) -> None:
    scenario = read(plan)
    assert scenario.support is not None
    assert scenario.support.groups["front"].divided_out == 0.3
    assert scenario.document()["support"]["groups"]["front"]["shrinkage"] == "30%"
    unsure = scenario.with_({"support.groups.front.shrinkage": {"uncertain": {"uniform": ["20%", "30%"]}}})
    assert "support.groups.front.shrinkage" in unsure.uncertain
    by_kind = scenario.with_({"support.groups.front.shrinkage": {"leave": {"uncertain": {"uniform": ["5%", "9%"]}}}})
    assert "support.groups.front.shrinkage.leave" in by_kind.uncertain


@pytest.mark.parametrize(
    ("new", "path", "message"),
    [
        (with_shift(shifts="[erly]"), "support.groups.front.shifts.0", "the group names an unknown shift"),
        (with_shift(shifts="[early, early]"), "support.groups.front.shifts.1", "the group names a shift twice"),
        (
            with_shift(more="shrinkage: 30%"),
            "support.groups.front.shrinkage",
            "it may hold breaks, and that time would be lost twice: shift early has breaks",
        ),
        (
            with_shift(more="shrinkage: {breaks: 8%}"),
            "support.groups.front.shrinkage.breaks",
            "the time is lost twice: shift early has breaks, and it is divided out as well",
        ),
        (
            with_shift("{start: 08:00, length: 8 h}", more="shrinkage: {absence: 3%, breaks: 9%}, absence: 3%"),
            "support.groups.front.shrinkage.absence",
            "the time is lost twice: absence is drawn per agent and day, and it is divided out as well",
        ),
        (
            with_shift("{start: 08:00, length: 8 h}", more="shrinkage: 10%, absence: 3%"),
            "support.groups.front.shrinkage",
            "it may hold absence, and that time would be lost twice: absence is drawn per agent and day",
        ),
        (with_shift(more="shrinkage: {leaves: 9%}"), "support.groups.front.shrinkage.leaves", "unknown kind"),
        (
            with_shift(more="shrinkage: {leave: 60%, training: 50%}"),
            "support.groups.front.shrinkage",
            "the kinds add up to more than 100%",
        ),
        (
            with_shift("{start: 08:10, length: 8 h}"),
            "support.shifts.early.start",
            "the shift starts within an interval",
        ),
        (
            with_shift("{start: 08:00, length: 100 min}"),
            "support.shifts.early.length",
            "the shift ends within an interval",
        ),
        (
            with_shift("{start: 08:00, length: 8 h, breaks: [{length: 15 min, after: 2 h}]}"),
            "support.shifts.early.breaks.0.length",
            "the break is no whole number of intervals",
        ),
        (
            with_shift("{start: 08:00, length: 25 h}"),
            "support.shifts.early",
            "a shift lasts more than 0 s and at most 24 h",
        ),
        (
            with_shift("{start: 08:00, length: 8 h, breaks: [{length: 1 h, after: 7.5 h}]}"),
            "support.shifts.early",
            "a break may end after the shift",
        ),
        (
            with_shift(f"{{start: 08:00, length: 8 h, breaks: [{LUNCH}, {{length: 1 h, after: 5 h}}]}}"),
            "support.shifts.early",
            "break 2 may start before the break before it is over",
        ),
        (with_shift("{start: 24:00, length: 8 h}"), "support.shifts.early.start", "'24:00' is the end of a day"),
        (with_shift("{start: 08:00, length: 8 h, days: mo}"), "support.shifts.early.days", "'mo' is no day"),
        (
            with_shift("{start: [08:00, 8:00], length: 8 h}"),
            "support.shifts.early.start.1",
            "'8:00' is given twice",
        ),
        (
            with_shift("{start: 20:00, length: 8 h, days: fri}"),
            "support.groups.front.shifts",
            "no queue of the group is open while its shifts work",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_once(faults: Faults, new: str, path: str, message: str) -> None:
    (problem,) = faults(OLD, new)
    assert (problem.path, problem.message) == (path, message)


def test_a_fixed_number_of_agents_works_no_shifts(faults: Faults) -> None:
    fixed = with_shift().replace("headcount: 24", "agents: 24").replace("{leave: 9%, training: 5%}", "0%")
    messages = {problem.path: problem.message for problem in faults(OLD, fixed)}
    assert messages["support.groups.front.shifts"] == "a fixed number of agents works no shifts"
