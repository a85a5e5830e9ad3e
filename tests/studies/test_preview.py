"""A look before running: closed forms in words, and what looks suspicious."""

from __future__ import annotations

from simulator.scenario.loading import dump, read
from simulator.scenario.schema import Scenario
from simulator.studies.preview import preview
from tests.models import both_wings, one_queue


def lines(scenario: Scenario) -> list[str]:
    return list(preview(scenario))


def notes(scenario: Scenario) -> list[str]:
    return [line.removeprefix("# note: ") for line in lines(scenario) if line.startswith("# note: ")]


def test_every_line_is_a_comment_so_that_the_output_stays_a_scenario() -> None:
    assert all(line.startswith("# ") for line in lines(both_wings()))


def test_the_load_of_a_textbook_queue() -> None:
    # 6 calls a minute of 3 minutes: 18 of 20 agents busy, round the clock
    found = lines(one_queue())
    assert "# days: 1, public holidays: 0, intervals: 48" in found
    assert "#   calls: 8,640 → 8,640" in found
    assert "#   agents: 432 → 432 of 480 → 480 hours, occupancy at most 90% (2027-04)" in found
    assert notes(one_queue()) == []


def test_work_and_load_of_both_wings() -> None:
    found = lines(both_wings())
    assert [line.split(":")[0] for line in found if line.startswith("#   ")] == [
        "#   phone", "#   email", "#   tier2", "#   tier1", "#   tier2", "#   csm"
    ]  # fmt: skip
    assert notes(both_wings()) == []


def test_too_much_work_is_noted() -> None:
    busy = one_queue(group={"agents": 17})
    assert notes(busy) == ["agents is expected to be busy 106% of its time in 2027-04"]
    first, second = notes(both_wings({"accounts.enterprise.opening": 200}))
    assert first.startswith("tier1 is expected to be busy ")
    assert second.startswith("csm has work for ")
    assert second.endswith(" heads and 2 in the plan")


def test_a_queue_without_contacts_is_noted() -> None:
    idle = both_wings({"accounts.enterprise.contacts_per_month.email": 0, "accounts.smb.contacts_per_month.email": 0})
    assert notes(idle) == ["email gets no contact"]


def test_placeholders_and_lone_draws_are_noted() -> None:
    unsure = both_wings(
        {
            "hiring.attrition_per_year": {"uncertain": {"uniform": ["10%", "20%"]}},
            "monte_carlo.chance_repeats": 1,
        }
    )
    document = unsure.document() | {"placeholders": {"hiring.attrition_per_year": "Use your own."}}
    assert notes(read(dump(document))) == [
        "monte_carlo.chance_repeats 1 cannot tell uncertain inputs from chance",
        "values that are no more than placeholders: 1, listed above",
    ]


def test_shifts_that_miss_opening_hours_or_pay_other_hours_are_noted() -> None:
    document = one_queue(calendar={"days": 7}, group={"agents": None, "headcount": 40}).document()
    document["support"]["queues"]["calls"]["hours"] = {"mon-sat": "08:00-20:00"}
    document["support"]["queues"]["calls"]["arrivals"] = {"rate": "1 per min"}
    document["support"]["shifts"] = {
        "day": {"start": "08:00", "length": "9 h", "breaks": [{"after": "4 h", "length": "1 h"}]}
    }
    document["support"]["groups"]["agents"] |= {"shifts": ["day"], "hours_per_week": 38}
    scenario = read(dump(document))
    found = notes(scenario)
    assert found == [
        "no shift of agents reaches some of its opening hours, between mon 12:00 to 20:00, tue 12:00 to 20:00,"
        " wed 12:00 to 20:00, thu 12:00 to 20:00, fri 12:00 to 20:00, sat 08:00 to 20:00",
        "shift day on mon-fri pays 40 hours a week, agents is paid for 38",
    ]
    # 40 heads for 8 hours on five days of the week
    assert "216 → 216 of 1,600 → 1,600 hours" in " ".join(lines(scenario))
