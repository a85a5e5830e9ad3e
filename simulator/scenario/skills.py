"""Agents with skills and speeds of their own, as groups of agents who are alike: what the engines know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from simulator.errors import nearest
from simulator.scenario.document import Steps, shown
from simulator.scenario.schema import Person, canonical_serves

Fault = tuple[Steps, str, str | None, str | None, str | None]
"""Where below the group, what is wrong, what was found, what is allowed, the nearest name."""

Parts = dict[str, tuple[dict[str, Any], list[str]]]
"""Groups by name, as plain data, each with its agents."""

ONCE = ("headcount", "agents", "hires", "joined", "leaving", "open_requisitions", "contractors", "overhead")
"""Keys of a group that number people: in several parts they would count several times."""


def divided(name: str, group: Mapping[str, Any], taken: Mapping[str, Any]) -> tuple[Parts, list[Fault]]:
    """A group as one group for each set of skills and each speed among its people.

    Each part serves those of the group's queues that its people can, as the group does, has a head for each of them and
    their ``handle_time_factor`` times the group's; the rest is the group's. It is called after the group and its
    skills (``all``, or the queues), and after its factor where that is not 1: ``centre-phone-email``,
    ``centre-all-x1_2``.

    Args:
        group: plain data with the list ``people``.
        taken: names of all groups.

    Returns:
        parts by name, each with its agents, and what is wrong. What the schema would refuse is left to it: then, as
        with a fault, the group stays in one piece.
    """
    faults: list[Fault] = []
    serves = canonical_serves(group.get("serves"))
    listed = group["people"]
    if listed == []:
        faults.append((("people",), "the group lists nobody", None, "one agent or more", None))
    factor = group.get("handle_time_factor", 1)
    whole: Parts = {name: (dict(group), [])}
    try:
        people = [Person.model_validate(row) for row in listed]
    except (ValidationError, TypeError):  # told when the group is frozen, or of its file
        return whole, faults
    if not isinstance(serves, Mapping):
        return whole, faults
    members: dict[tuple[tuple[str, ...], float], list[str]] = {}
    seen: set[str] = set()
    for i, person in enumerate(people):
        at = ("people", i)
        if person.agent in seen:
            faults.append(((*at, "agent"), "the agent stands twice", person.agent, "each once", None))
        seen.add(person.agent)
        for skill in person.skills:
            if skill not in serves:
                message, known = f"{person.agent}: the group serves no such queue", [str(queue) for queue in serves]
                faults.append(((*at, "skills"), message, skill, ", ".join(known), nearest(skill, known)))
        mine = tuple(queue for queue in serves if queue in person.skills)
        members.setdefault((mine, person.handle_time_factor), []).append(person.agent)
    for key in ONCE:
        if group.get(key):
            allowed = "nothing: the people are counted; say it of a group of its own"
            faults.append(((key,), "the group lists its people", shown(group[key]), allowed, None))
    if isinstance(group.get("roster"), Mapping):
        allowed = "a CSV file with agent, start and end"
        faults.append((("roster",), "the roster does not name the agents", None, allowed, None))
    differ = any(speed != 1 for _, speed in members)
    if differ and (isinstance(factor, bool) or not isinstance(factor, int | float)):
        message = "the group's factor is no number, and its people have factors"
        faults.append((("handle_time_factor",), message, shown(factor), "a number, or a factor in each serves", None))
    parts: Parts = {}
    kept = {key: value for key, value in group.items() if key != "people"}
    for (mine, speed), agents in members.items():
        part = f"{name}-{'all' if len(mine) == len(serves) else '-'.join(mine)}"
        part += "" if speed == 1 else f"-x{speed:g}".replace(".", "_")
        if part in taken:
            faults.append(((), "its parts would have the name of another group", part, "another name", None))
        own = {"serves": {queue: serves[queue] for queue in mine}, "headcount": len(agents)}
        if speed != 1 and not faults:
            own["handle_time_factor"] = factor * speed
        parts[part] = {**kept, **own}, agents
    return (whole, faults) if faults else (parts, faults)
