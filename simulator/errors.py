"""What users can do wrong, and how it is said.

A run refuses what it does not understand. Every fault found in one reading is collected as a :class:`Problem` and
raised together in one :class:`InputError`, so that a person mends a file once and not once per fault.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass


class SimulatorError(Exception):
    """Base of everything the simulator raises on purpose."""


class ParameterError(SimulatorError, ValueError):
    """A function was called with a value outside its domain (a negative rate, a probability over 1)."""


class UnstableQueueError(SimulatorError, ValueError):
    """The offered load exceeds what the agents can serve and nobody gives up: no steady state exists."""


class ValueRefused(SimulatorError, ValueError):
    """A value that its field does not take.

    Attributes:
        where: keys and indices that lead from the field to the faulty part inside it; empty for the field itself.
        allowed: what the field takes, or None when the message says it.
        nearest: the allowed name most like the one found, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        where: tuple[str | int, ...] = (),
        allowed: str | None = None,
        nearest: str | None = None,
    ) -> None:
        super().__init__(message)
        self.where = where
        self.allowed = allowed
        self.nearest = nearest


class UnitError(ValueRefused):
    """A text such as ``"5 mn"`` is no quantity of the kind asked for."""


_FLAG = re.compile(r"(?<![\w-])--([a-z][a-z-]*[a-z])\b")
_ARGUMENTS = {
    "account-column": "account_columns",
    "activity": "activities",
    "coefficient": "path",
    "column": "columns",
    "log-column": "log_columns",
    "over": "path",
    "queue": "queues",
    "set": "overrides",
    "staff-column": "staff_columns",
    "status": "states",
    "variant": "variants",
}
"""Python arguments that are not called as their option."""


@dataclass(frozen=True, order=True)
class Problem:
    """One fault of the input.

    ``file`` is a file's name as the user gave it, or where else the value came from (``--set``). ``path`` is the place
    in the document (``support.queues.phone.talk``), ``line`` counts from 1. Fields that do not apply are None.
    """

    file: str | None
    line: int | None
    path: str
    message: str
    found: str | None = None
    allowed: str | None = None
    nearest: str | None = None

    def __str__(self) -> str:
        """The fault for a Python caller: options of the command line are said as the arguments of their meaning."""
        line = None if self.line is None else str(self.line) if self.file else f"line {self.line}"
        place = ":".join(part for part in (self.file, line) if part is not None)
        head = f"{place}: " if place else ""
        text = f"{head}{self.path}: {self.message}" if self.path else f"{head}{self.message}"
        if self.found is not None:
            text += f"; found {self.found}"
        if self.allowed is not None:
            text += f"; allowed: {self.allowed}"
        if self.nearest is not None:
            text += f"; did you mean {self.nearest!r}?"
        return _FLAG.sub(lambda flag: _ARGUMENTS.get(flag[1], flag[1].replace("-", "_")), text)


class InputError(SimulatorError, ValueError):
    """The input is wrong. ``problems`` lists every fault found, ordered by file and line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(
            sorted(dict.fromkeys(problems), key=lambda p: (p.file or "", p.line or 0, p.path, p.message))
        )
        super().__init__("\n".join(str(problem) for problem in self.problems))


def unreadable(error: Exception, encoding: str = "") -> tuple[str, str | None]:
    """Why a file cannot be read, in words, and what would do: for what opening and decoding a file raise."""
    if isinstance(error, FileNotFoundError):
        return "there is no such file", None
    if isinstance(error, IsADirectoryError):
        return "this is a folder, not a file", None
    if isinstance(error, PermissionError):
        return "reading it is not permitted", None
    if isinstance(error, UnicodeDecodeError):
        where = f"byte {error.start + 1}" if error.start < 1_000_000 else "a byte"
        message = f"this is no text in the encoding {encoding or error.encoding}, from {where} on"
        return message, "a text file; another --encoding (cp932, utf-16, latin-1) if it is one"
    if isinstance(error, LookupError):
        return f"there is no encoding {encoding!r}", "such as utf-8, cp932, utf-16, latin-1"
    if isinstance(error, OSError) and error.strerror:
        return f"it cannot be read: {error.strerror}", None
    text = str(error)
    return ("the file is empty" if "No columns" in text else f"it cannot be read: {text}"), None


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like ``name`` (capitals do not matter), or None when nothing is close."""
    by_folded = {str(k).casefold(): str(k) for k in known}
    matches = difflib.get_close_matches(str(name).casefold(), list(by_folded), n=1, cutoff=0.6)
    return by_folded[matches[0]] if matches else None
