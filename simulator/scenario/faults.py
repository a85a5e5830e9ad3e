"""Faults found by the schema, told as a user would tell them."""

from __future__ import annotations

import re
from typing import Any

from pydantic import ValidationError

from simulator.errors import Problem, ValueRefused, nearest
from simulator.scenario.document import Document, Steps, shown
from simulator.scenario.paths import LIST, NAMED, PART, Slot, slot_at, value_at

_WRITE_AS = re.compile(r" \(write (?:\w+ as )?(.+?)\)$")
_DID_YOU_MEAN = re.compile(r" \(did you mean '(.+?)'\?\)$")
_LENGTHS = ("too_long", "too_short")


def problems(error: ValidationError, document: Document, below: Steps = ()) -> list[Problem]:
    """The faults of validating what stands ``below`` a path, with file, line and the path as the user wrote it."""
    return [_problem(dict(detail), document, below) for detail in error.errors(include_url=False)]


def hints(message: str) -> tuple[str, str | None, str | None]:
    """A message without its hints, what ``(write it as ...)`` allows, and what ``(did you mean ...?)`` names."""
    allowed, near = None, None
    if match := _DID_YOU_MEAN.search(message):
        message, near = message[: match.start()], match[1]
    if match := _WRITE_AS.search(message):
        message, allowed = message[: match.start()], match[1]
    return message, allowed, near


def refused(error: ValueError, value: object, steps: Steps, document: Document, *, is_key: bool = False) -> Problem:
    """The problem of ``value`` at ``steps`` that a reader refused."""
    where = error.where if isinstance(error, ValueRefused) else ()
    allowed = error.allowed if isinstance(error, ValueRefused) else None
    near = error.nearest if isinstance(error, ValueRefused) else None
    found, steps = value_at(value, where), (*steps, *where)
    slot = None if is_key else slot_at(steps)
    message, hint, hinted_name = hints(str(error))
    near = near or hinted_name
    if allowed is None:
        allowed = slot.allowed if slot is not None and (slot.quantity or not hint) and slot.kind != PART else hint
    if found is None or (slot is not None and slot.kind == PART):
        # a rule of a whole part speaks of its fields, not of its value
        return document.problem(steps, "has no value" if found is None and not where else message, None, allowed, near)
    if near is None and allowed is not None and isinstance(found, str):
        near = _nearest_unit(found, allowed)
    return document.problem(steps, message.replace(repr(found), shown(found)), shown(found), allowed, near)


def _nearest_unit(found: str, allowed: str) -> str | None:
    """The unit of the examples in ``allowed`` that is most like the unit of ``found``."""
    unit = re.search(r"[^\W\d_]+$", found.strip())
    known = re.findall(r"'[\d. ]+([^\W\d_]+)'", allowed)
    return nearest(unit[0], known) if unit and unit[0] not in known else None


def _problem(detail: dict[str, Any], document: Document, below: Steps) -> Problem:
    steps: Steps = (*below, *(step for step in detail["loc"] if step != "[key]"))
    is_key = "[key]" in detail["loc"]
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    slot = slot_at(steps)
    if kind == "extra_forbidden":
        around = slot_at(steps[:-1])
        known = list(around.fields) if around is not None else []
        if not steps[:-1]:
            known.remove("uncertain")  # filled by resolving, not written
        name = str(steps[-1])
        return document.problem(steps, "unknown key", name, ", ".join(known), nearest(name, known))
    if kind == "missing":
        return document.problem(steps, "is missing", None, slot.allowed if slot else None)
    if kind == "literal_error":
        words = re.findall(r"'([^']*)'", context["expected"])
        near = nearest(str(value), words)
        return document.problem(steps, f"unknown {'key' if is_key else 'word'}", shown(value), ", ".join(words), near)
    if kind == "value_error":
        return refused(context["error"], value, steps, document, is_key=is_key)
    allowed = slot.allowed if slot is not None else None
    if value is None:
        return document.problem(steps, "has no value", None, allowed)
    message = "has the wrong number of entries" if kind in _LENGTHS else _message(kind, slot)
    return document.problem(steps, message, shown(value), allowed)


def _message(kind: str, slot: Slot | None) -> str:
    if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        return "is out of range"
    what = {PART: "a mapping", NAMED: "a mapping", LIST: "a list"}
    return f"must be {what.get(slot.kind, slot.allowed) if slot is not None else 'another kind of value'}"
