"""Overrides: values replaced by dotted path, from the scenario's own variants, from ``--set``, or from Python.

A path finds its target as :func:`simulator.scenario.paths.locate` says. Names (of queues, segments, variants, ...) are
letters, digits, ``_`` and ``-``, starting with a letter or ``_``, so that a dot always separates. Every change is
reported as old -> new. Overrides that fight (one path given two values, or a path inside another's) are refused,
wherever they come from: nothing depends on their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from simulator.errors import InputError, Problem, ValueRefused, nearest
from simulator.scenario import yaml_text
from simulator.scenario.document import Change, Document, Place, Steps, dotted, shown
from simulator.scenario.paths import LAW, Slot, child, copied, get, locate, place, root, value_at
from simulator.scenario.schema import Scenario

__all__ = ["Override", "apply", "differences", "from_pairs", "from_variant", "get", "override"]


@dataclass(frozen=True)
class Override:
    """A value to be put at a dotted path.

    Attributes:
        origin: who asks for it, for the report of changes: ``variant squeeze``, ``--set``.
        places: where the value (at the empty path) and its parts were written.
    """

    path: str
    value: Any
    origin: str
    places: Mapping[Steps, Place]

    def problem(
        self, message: str, found: str | None = None, allowed: str | None = None, near: str | None = None
    ) -> Problem:
        """A fault of this override."""
        return Problem(*self.places[()], self.path, message, found, allowed, near)


def from_variant(document: Document, name: str) -> tuple[list[Override], list[Problem]]:
    """The overrides of one of the document's variants, and what is wrong with them."""
    variants = document.data.get("variants")
    if not isinstance(variants, Mapping):
        variants = {}
    if name not in variants:
        known = list(variants)
        allowed = ", ".join(known) or "none, the scenario has no variants"
        return [], [
            document.problem(("variants",), f"there is no variant {name!r}", name, allowed, nearest(name, known))
        ]
    body, here = variants[name], ("variants", name)
    if not isinstance(body, Mapping):  # the schema says so
        return [], []
    if not body:
        allowed = "paths and values, such as {support.groups.tier1.headcount: 20}"
        return [], [document.problem(here, "the override is empty", shown(body), allowed)]
    overrides, problems = [], []
    for path, value in body.items():
        steps = (*here, path)
        if steps in document.blank:
            problems.append(document.problem(steps, "the override is empty", None, "a value, or null for none"))
            continue
        places = {key[len(steps) :]: at for key, at in document.places.items() if key[: len(steps)] == steps}
        overrides.append(Override(path, value, f"variant {name}", {(): document.place(steps), **places}))
    return overrides, problems


def from_pairs(
    pairs: Mapping[str, Any] | Iterable[str], origin: str | None = None
) -> tuple[list[Override], list[Problem]]:
    """Overrides from a mapping of paths to values, or from texts ``path=value`` whose values are read as YAML.

    Args:
        origin: where they come from; by default ``--set`` for texts and ``override`` for a mapping.
    """
    origin = origin or ("override" if isinstance(pairs, Mapping) else "--set")
    places: dict[Steps, Place] = {(): Place(origin)}
    if isinstance(pairs, Mapping):
        return [Override(path, value, origin, places) for path, value in pairs.items()], []
    overrides, problems = [], []
    for pair in pairs:
        path, equals, text = pair.partition("=")
        path, text = path.strip(), text.strip()
        if not (path and equals):
            problems.append(Problem(origin, None, path, "an override needs a path and a value", pair, "path=value"))
        elif not text:
            problems.append(Problem(origin, None, path, "the override is empty", pair, "a value, or null for none"))
        else:
            try:
                read = yaml_text.read(text, origin, name_lines=False)
            except InputError as error:
                problems += [replace(problem, path=path) for problem in error.problems]
                continue
            problems += [replace(problem, path=path) for problem in read.problems]
            if not read.problems:
                overrides.append(Override(path, read.data, origin, places))
    return overrides, problems


def override(document: Document, overrides: Mapping[str, Any], origin: str = "override") -> Document:
    """The document with values replaced by dotted path; its ``problems`` and ``changes`` say what came of it.

    The document must be in the long form (see :func:`simulator.scenario.loading.resolve`, which calls this).
    """
    return apply(document, from_pairs(overrides, origin)[0])


def apply(document: Document, overrides: Sequence[Override]) -> Document:
    """The document with all ``overrides`` in place at once."""
    problems = list(document.problems)
    found: list[tuple[Override, Steps, Slot]] = []
    for item in overrides:
        try:
            found.append((item, *locate(document.data, item.path)))
        except ValueRefused as fault:
            problems.append(item.problem(f"there is no such path: {fault}", None, fault.allowed, fault.nearest))
    found, fights = _at_peace(found)
    problems += fights
    data, places, blank = copied(document.data), dict(document.places), set(document.blank)
    changes = list(document.changes)
    for item, steps, slot in found:
        old = value_at(document.data, steps)
        if old is None:
            old = slot.default
        if old != item.value:
            changes.append(Change(dotted(steps), old, item.value, item.origin))
        place(data, steps, copied(item.value))
        places = {key: at for key, at in places.items() if key[: len(steps)] != steps}
        places |= {(*steps, *key): at for key, at in item.places.items()}
        blank = {key for key in blank if key[: len(steps)] != steps}
    return replace(
        document, data=data, places=places, blank=frozenset(blank), problems=tuple(problems), changes=tuple(changes)
    )


def _at_peace(found: list[tuple[Override, Steps, Slot]]) -> tuple[list[tuple[Override, Steps, Slot]], list[Problem]]:
    """The overrides that do not fight, each target once, and a problem for each that fights with an earlier one."""
    kept: list[tuple[Override, Steps, Slot]] = []
    problems = []
    for item, steps, slot in found:
        same = False
        for other, others_steps, _ in kept:
            shorter = min(len(steps), len(others_steps))
            if steps[:shorter] != others_steps[:shorter]:
                continue
            if steps == others_steps and item.value == other.value:
                same = True
                continue
            what = "gives the same path another value" if steps == others_steps else f"already sets {other.path}"
            place = ":".join(str(part) for part in other.places[()] if part is not None)
            where = "" if place == other.origin else f" ({place})"
            problems.append(
                item.problem(
                    f"the override fights with {other.origin}{where}, which {what}",
                    f"{shown(item.value)} against {shown(other.value)}",
                    "one of the two",
                )
            )
        if not same:
            kept.append((item, steps, slot))
    return kept, problems


def differences(old: Scenario, new: Scenario) -> tuple[Change, ...]:
    """What distinguishes two frozen scenarios, value by value; their names and lists of variants are left out."""
    skipped = ("name", "variants", "placeholders")
    before, after = ({k: v for k, v in one.document().items() if k not in skipped} for one in (old, new))
    return tuple(_differences(before, after, root(), ()))


def _differences(old: Any, new: Any, slot: Slot | None, steps: Steps) -> Iterator[Change]:
    if old == new:
        return
    both = isinstance(old, Mapping) and isinstance(new, Mapping)
    if not both or (slot is not None and slot.kind == LAW and list(old) != list(new)) or "uncertain" in {*old, *new}:
        yield Change(dotted(steps), old, new, "difference")
        return
    for key in dict.fromkeys((*old, *new)):
        inner = child(slot, key) if slot is not None else None
        yield from _differences(old.get(key), new.get(key), inner, (*steps, key))
