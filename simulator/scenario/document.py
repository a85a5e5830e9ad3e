"""A scenario document: plain data that remembers which line each value came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from simulator.errors import Problem

Steps = tuple[str | int, ...]
"""A path as keys and list indices: ``("hiring", "ramp", 0)``. Written with dots for users: ``hiring.ramp.0``."""


class Place(NamedTuple):
    """Where a value was written: a file and its line, or another source such as ``--set``."""

    file: str | None
    line: int | None = None


@dataclass(frozen=True)
class Change:
    """A value that an override replaced. ``old`` is None where nothing was set and the schema has no default."""

    path: str
    old: Any
    new: Any
    origin: str

    def __str__(self) -> str:
        return f"{self.path}: {shown(self.old, 200)} -> {shown(self.new, 200)}"


@dataclass(frozen=True)
class Document:
    """A scenario between text and :class:`~simulator.scenario.schema.Scenario`.

    A document is not changed: reading, resolving and overriding return new ones.

    Attributes:
        data: text, numbers, booleans, None, lists and mappings with text keys.
        places: where values were written; a value without an entry was written where its parent was.
        file: the name of the file as the user gave it, or None.
        folder: where CSV files are looked for, or None when none may be read.
        problems: faults found so far; :func:`simulator.scenario.loading.freeze` raises them with its own.
        changes: what overrides replaced.
        blank: paths at which nothing is written (as against ``null``).
        resolved: defaults of the catalogue, CSV files and overrides are in place, ``data["uncertain"]`` is filled.
    """

    data: dict[str, Any]
    places: Mapping[Steps, Place] = field(default_factory=dict)
    file: str | None = None
    folder: Path | None = None
    problems: tuple[Problem, ...] = ()
    changes: tuple[Change, ...] = ()
    blank: frozenset[Steps] = frozenset()
    resolved: bool = False

    def place(self, steps: Steps) -> Place:
        """Where the value at ``steps``, or the nearest part around it, was written."""
        for length in range(len(steps), -1, -1):
            if steps[:length] in self.places:
                return self.places[steps[:length]]
        return Place(self.file)

    def problem(
        self,
        steps: Steps,
        message: str,
        found: str | None = None,
        allowed: str | None = None,
        nearest: str | None = None,
    ) -> Problem:
        """A fault of the value at ``steps``."""
        return Problem(*self.place(steps), dotted(steps), message, found, allowed, nearest)


def dotted(steps: Steps) -> str:
    """The path as users write it."""
    return ".".join(str(step) for step in steps)


def shown(value: object, width: int = 60) -> str:
    """A value as users would write it, shortened to ``width`` characters."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        text = "{" + ", ".join(f"{key}: {shown(item, width)}" for key, item in value.items()) + "}"
    elif isinstance(value, list | tuple):
        text = "[" + ", ".join(shown(item, width) for item in value) + "]"
    else:
        text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= width else f"{text[: width - 3]}..."
