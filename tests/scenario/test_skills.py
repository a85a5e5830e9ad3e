"""People with skills and speeds of their own become groups of people who are alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

import simulator as sim
from simulator.errors import InputError
from simulator.scenario import yaml_text
from simulator.scenario.loading import dump, read, schema_json
from simulator.studies.run import simulate

PLAN = """\
name: people
calendar: {start: 2027-04-05, days: 5}
monte_carlo: {replications: 2, seed: 3, chance_repeats: 1}
support:
  queues:
    phone: {hours: {mon-fri: "09:00-18:00"}, arrivals: {per_month: 900}, talk: {exponential: 5 min},
            patience: {exponential: 3 min}}
    email: {channel: email, hours: {mon-fri: "09:00-18:00"}, arrivals: {per_month: 300}, talk: {exponential: 5 min}}
  groups:
    centre: {serves: [phone, email], people: people.csv, MORE}
"""
PEOPLE = """\
agent,skills,handle_time_factor
Sato,phone; email,
Suzuki,phone,1.2
Tanaka,email phone,
Mori,phone|email,0.9
Abe,phone,1.2
Ito,email,1
"""
ROSTER = """\
agent,weekday,start,end
Sato,mon-fri,09:00,18:00
Suzuki,mon-wed,09:00,13:00
Tanaka,mon-fri,09:00,18:00
Mori,mon-fri,12:00,18:00
Abe,mon-fri,09:00,18:00
Ito,tue,22:00,06:00
"""


def write(folder: Path, more: str = "shrinkage: 20%", people: str = PEOPLE, plan: str = PLAN) -> Path:
    (folder / "people.csv").write_text(people, encoding="utf-8")
    (folder / "roster.csv").write_text(ROSTER, encoding="utf-8")
    (folder / "plan.yaml").write_text(plan.replace("MORE", more), encoding="utf-8")
    return folder / "plan.yaml"


def groups(scenario: sim.Scenario) -> dict[str, tuple[list[str], int, float]]:
    assert scenario.support is not None
    found = scenario.support.groups.items()
    return {name: (list(g.serves), g.headcount, g.handle_time_factor) for name, g in found}


EXPECTED = {
    "centre-all": (["phone", "email"], 2, 1.0),
    "centre-phone-x1_2": (["phone"], 2, 1.2),
    "centre-all-x0_9": (["phone", "email"], 1, 0.9),
    "centre-email": (["email"], 1, 1.0),
}


def test_a_group_of_people_is_one_group_for_each_skill_set_and_speed(tmp_path: Path) -> None:
    plan = read(write(tmp_path))
    assert groups(plan) == EXPECTED
    assert plan.support is not None
    whole, mail = plan.support.groups["centre-all"], plan.support.groups["centre-email"]
    assert [serves.priority for serves in whole.serves.values()] == [1, 2]
    assert mail.serves["email"].priority == 2  # as the group says
    assert mail.divided_out == pytest.approx(0.2)
    assert not whole.people
    (tmp_path / "again.yaml").write_text(dump(plan.document()), encoding="utf-8")
    assert read(tmp_path / "again.yaml") == plan


def test_people_may_stand_in_the_scenario(tmp_path: Path) -> None:
    listed = "[{agent: A, skills: phone}, {agent: B, skills: [email, phone]}, {agent: C, skills: phone}]"
    plan = read(write(tmp_path, "handle_time_factor: 1.5", plan=PLAN.replace("people.csv", listed)))
    assert groups(plan) == {"centre-phone": (["phone"], 2, 1.5), "centre-all": (["phone", "email"], 1, 1.5)}
    factor = read(write(tmp_path, "handle_time_factor: 1.5"))
    assert groups(factor)["centre-phone-x1_2"][2] == pytest.approx(1.8)
    changed = read(tmp_path / "plan.yaml", overrides=["support.groups.centre-email.headcount=4"])
    assert groups(changed)["centre-email"][1] == 4


def test_a_roster_of_people_is_divided_too(tmp_path: Path) -> None:
    plan = read(write(tmp_path, "roster: roster.csv"))
    assert plan.support is not None
    grid = plan.calendar.grid()
    there = {name: g.roster.held_on(grid).reshape(5, 48) for name, g in plan.support.groups.items() if g.roster}
    assert there.keys() == EXPECTED.keys()
    assert there["centre-phone-x1_2"][:, 18].tolist() == [2, 2, 2, 1, 1]
    assert there["centre-all-x0_9"][0].tolist() == [0] * 24 + [1] * 12 + [0] * 12
    night = np.zeros((5, 48))
    night[1, 44:], night[2, :12] = 1, 1
    assert np.array_equal(there["centre-email"], night)


def test_they_work_as_if_the_groups_had_been_written(tmp_path: Path) -> None:
    by_hand = """\
    centre-all: {serves: [phone, email], headcount: 2, shrinkage: 20%}
    centre-phone-x1_2: {serves: [phone], headcount: 2, handle_time_factor: 1.2, shrinkage: 20%}
    centre-all-x0_9: {serves: [phone, email], headcount: 1, handle_time_factor: 0.9, shrinkage: 20%}
    centre-email: {serves: {email: 2}, headcount: 1, shrinkage: 20%}
"""
    ours = simulate(read(write(tmp_path)), jobs=1).data
    other = read(write(tmp_path, plan=PLAN[: PLAN.index("    centre:")] + by_hand))
    theirs = simulate(other, jobs=1).data
    assert ours["queue"].sum() > 0
    for name in ("queue", "group", "cost"):
        assert np.array_equal(ours[name], theirs[name]), name


FAULTS: list[tuple[str, str, str, list[str]]] = [
    ("", "agent,skills\nSato,phone; emial\n", "support.groups.centre.people.0.skills", ["Sato", "emial", "email"]),
    ("", "agent,skills\nSato,phone\nSato,email\n", "support.groups.centre.people", ["stands twice", "first on line 2"]),
    ("", "agent,skills\nSato,phone phone\n", "support.groups.centre.people", ["'phone' is given twice"]),
    ("", "agent,skills\nSato,\n", "support.groups.centre.people", ["skills"]),
    ("", "agent,queue_names\nSato,phone\n", "support.groups.centre.people", ["agent, skills", "handle_time_factor"]),
    ("", "agent,skills,handle_time_factor\nSato,phone,0\n", "support.groups.centre.people", ["handle_time_factor"]),
    ("", "agent,skills,handle_time_factor\nSato,phone,fast\n", "support.groups.centre.people", ["fast"]),
    ("", "agent,skills\n", "support.groups.centre.people", ["no row"]),
    ("headcount: 6", PEOPLE, "support.groups.centre.headcount", ["lists its people"]),
    ("hires: {2027-04: 1}", PEOPLE, "support.groups.centre.hires", ["lists its people"]),
    ("roster: {mon-fri: {'09:00': 3}}", PEOPLE, "support.groups.centre.roster", ["does not name the agents"]),
    ("roster: roster.csv", PEOPLE.replace("Abe", "Abo"), "support.groups.centre.roster", ["Abo", "Abe"]),
    (
        "handle_time_factor: {uncertain: {uniform: [0.9, 1.1]}}",
        PEOPLE,
        "support.groups.centre.handle_time_factor",
        ["its people have factors"],
    ),
]


@pytest.mark.parametrize(("more", "people", "path", "words"), FAULTS)
def test_a_faulty_list_of_people(tmp_path: Path, more: str, people: str, path: str, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        read(write(tmp_path, more or "shrinkage: 20%", people), overrides=["calendar.days=4"])
    problems = [problem for problem in caught.value.problems if problem.path == path]
    assert problems, caught.value
    for word in words:
        assert word in str(caught.value)
    assert len({*caught.value.problems}) == len(caught.value.problems)  # each told once


def test_a_part_has_no_name_that_is_taken(tmp_path: Path) -> None:
    plan = PLAN + "    centre-all: {serves: [phone], headcount: 1}\n"
    with pytest.raises(InputError, match="the name of another group"):
        read(write(tmp_path, plan=plan))


def test_nobody_is_no_list(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lists nobody"):
        read(write(tmp_path, plan=PLAN.replace("people.csv", "[]")))


def test_editors_take_a_list_and_a_file(tmp_path: Path) -> None:
    validator: Any = jsonschema.Draft202012Validator(schema_json())
    for people in ("people.csv", "[{agent: A, skills: phone}, {agent: B, skills: [email], handle_time_factor: 2}]"):
        text = PLAN.replace("people.csv", people).replace("MORE", "shrinkage: 20%")
        assert list(validator.iter_errors(yaml_text.read(text).data)) == []
    wrong = PLAN.replace("people.csv", "[{agent: A}]").replace("MORE", "shrinkage: 20%")
    assert list(validator.iter_errors(yaml_text.read(wrong).data))
