"""YAML and its quirks, all in one place: text to plain data with line numbers, and back.

The text is read by the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema) with one addition:
``900_000`` is a number. So ``10:30`` and ``2027-04-01`` are text, ``1e3`` is a number, ``no`` is a word. Refused are
repeated keys, keys that are not text, merge keys, tags and numbers that are not finite. Anchors and aliases are
expanded up to a limit.

The events of PyYAML's scanner are turned into data by one loop without recursion, so no depth of nesting can exhaust
the stack.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from simulator.errors import InputError, Problem
from simulator.scenario.document import Place, Steps, dotted, shown

MAXIMUM_BYTES = 1_000_000
"""Largest file that is read; looked at before any of it is parsed."""
MAXIMUM_VALUES = 100_000
"""Most values in a document after its aliases are expanded."""
MAXIMUM_DEPTH = 40
"""Deepest nesting of lists and mappings."""

_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLEAN = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]+(?:_[0-9]+)*")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:_[0-9]+)*(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")

_Reader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Text:
    """What was read: plain data, the place of each value, the paths with nothing written, and faults."""

    data: Any
    places: dict[Steps, Place]
    blank: frozenset[Steps]
    problems: tuple[Problem, ...]


def decode(content: bytes, file: str | None) -> str:
    """Bytes of a file as text.

    Raises:
        InputError: longer than :data:`MAXIMUM_BYTES`, or not UTF-8.
    """
    if len(content) > MAXIMUM_BYTES:
        raise InputError(
            [Problem(file, None, "", "the text is too long", f"{len(content)} bytes", f"up to {MAXIMUM_BYTES} bytes")]
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        found = f"the byte 0x{content[error.start]:02x}"
        raise InputError([Problem(file, line, "", "the text is not UTF-8", found, "UTF-8 text")]) from None


def scalar(text: str) -> str | int | float | bool | None:
    """The value of an unquoted scalar.

    Raises:
        OverflowError: a number that is not finite.
    """
    if text in _NULL:
        return None
    if text in _BOOLEAN:
        return _BOOLEAN[text]
    if _INTEGER.fullmatch(text) and len(text) < 300:
        return int(text)
    if _BASED.fullmatch(text) and len(text) < 300:
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        value = float(text.replace("_", ""))
        if math.isfinite(value):
            return value
        raise OverflowError(text)
    if _NOT_FINITE.fullmatch(text):
        raise OverflowError(text)
    return text


@dataclass
class _Open:
    """A list or mapping whose end has not come yet."""

    value: Any
    steps: Steps
    anchor: str | None
    count_before: int
    key: str | None = None
    lines: dict[str, int] = field(default_factory=dict)
    ignored: bool = False


def read(text: str, file: str | None = None, *, name_lines: bool = True) -> Text:
    """Plain data of one YAML document.

    Args:
        file: named in places and problems.
        name_lines: places carry line numbers (not wanted for the value of a ``--set``).

    Raises:
        InputError: the text as a whole cannot be read: a syntax error, nesting deeper than :data:`MAXIMUM_DEPTH`, more
            than :data:`MAXIMUM_VALUES` values. Smaller faults are returned as ``problems``.
    """
    return _Builder(file, name_lines).build(text)


class _Builder:
    """The loop over events, and what it has built so far."""

    def __init__(self, file: str | None, name_lines: bool) -> None:
        self.file = file
        self.name_lines = name_lines
        self.stack: list[_Open] = []
        self.root: Any = None
        self.places: dict[Steps, Place] = {}
        self.blank: set[Steps] = set()
        self.problems: list[Problem] = []
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.count = 0

    def build(self, text: str) -> Text:
        documents = 0
        for event in self._events(text):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._stop(event, "a second document starts here", "one document per file")
            elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                self._open(event)
            elif isinstance(event, yaml.ScalarEvent):
                self._scalar(event)
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event)
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                self._close()
        return Text(self.root, self.places, frozenset(self.blank), tuple(self.problems))

    def _events(self, text: str) -> Iterator[yaml.Event]:
        try:
            yield from yaml.parse(text, Loader=_Reader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            message = " ".join(part for part in (error.context, error.problem) if part)
            if mark and error.context_mark and error.context_mark.line != mark.line:
                message += f" (it begins on line {error.context_mark.line + 1})"
            line = mark.line + 1 if mark else None
            raise InputError([Problem(self.file, self._line(line), "", f"no YAML: {message}")]) from None
        except yaml.YAMLError as error:
            position = getattr(error, "position", None)
            line = text.count("\n", 0, position) + 1 if isinstance(position, int) else None
            reason = getattr(error, "reason", "unreadable")
            raise InputError([Problem(self.file, self._line(line), "", f"no YAML: {reason}")]) from None

    def _line(self, line: int | None) -> int | None:
        return line if self.name_lines else None

    def _at(self, event: Any) -> Place:
        return Place(self.file, self._line(event.start_mark.line + 1))

    def _stop(self, event: yaml.Event, message: str, allowed: str) -> None:
        path = dotted(self._steps())
        raise InputError([*self.problems, Problem(*self._at(event), path, message, None, allowed)])

    def _fault(
        self, event: yaml.Event, message: str, found: str | None, allowed: str | None, nearest: str | None = None
    ) -> None:
        self.problems.append(Problem(*self._at(event), dotted(self._steps()), message, found, allowed, nearest))

    def _steps(self) -> Steps:
        """The path of the value that comes next."""
        if not self.stack:
            return ()
        top = self.stack[-1]
        if isinstance(top.value, list):
            return (*top.steps, len(top.value))
        return top.steps if top.key is None else (*top.steps, top.key)

    def _awaits_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None

    def _counted(self, event: yaml.Event, values: int) -> None:
        self.count += values
        if self.count > MAXIMUM_VALUES:
            self._stop(event, "too many values once aliases are expanded", f"up to {MAXIMUM_VALUES} values")

    def _check_tag(self, event: Any) -> None:
        if event.tag is not None:
            self._fault(event, "tags have no meaning here", event.tag, "values without tags")

    def _open(self, event: Any) -> None:
        if len(self.stack) >= MAXIMUM_DEPTH:
            self._stop(event, "the nesting is too deep", f"up to {MAXIMUM_DEPTH} levels")
        if self._awaits_key():
            self._stop(event, "a list or mapping stands where a name is needed", "text as a key")
        self._check_tag(event)
        self._counted(event, 1)
        steps = self._steps()
        self.places.setdefault(steps, self._at(event))
        value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        self.stack.append(_Open(value, steps, event.anchor, self.count))

    def _close(self) -> None:
        done = self.stack.pop()
        if done.anchor is not None:
            self.anchors[done.anchor] = (done.value, self.count - done.count_before + 1)
        self._add(done.value)

    def _scalar(self, event: Any) -> None:
        self._check_tag(event)
        self._counted(event, 1)
        if self._awaits_key():
            self._key(event)
            return
        steps = self._steps()
        self.places.setdefault(steps, self._at(event))
        value: Any = event.value
        if event.implicit[0]:
            try:
                value = scalar(event.value)
            except OverflowError:
                self._fault(event, "a number must be finite", event.value[:40], "a finite number")
                value = None
            if event.value == "":
                self.blank.add(steps)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, 1)
        self._add(value)

    def _key(self, event: Any) -> None:
        top = self.stack[-1]
        steps = (*top.steps, event.value)
        plain = event.implicit[0]
        top.key = event.value
        top.ignored = True
        try:
            is_text = isinstance(scalar(event.value), str) if plain else True
        except OverflowError:
            is_text = False
        if plain and event.value == "<<":
            self._fault(event, "merge keys are not read", None, "an alias as a value, or the values written out")
        elif not is_text:
            quoted = f'"{event.value}"'
            self._fault(
                event, "a key must be text", event.value[:40] or "nothing", "text, in quotes if need be", quoted
            )
        elif event.value in top.lines:
            first = f"first on line {top.lines[event.value]}" if self.name_lines else None
            self._fault(event, "the key is given twice", first, "each key once")
        else:
            top.ignored = False
            top.lines[event.value] = event.start_mark.line + 1
            self.places[steps] = self._at(event)
        if event.anchor is not None:
            self.anchors[event.anchor] = (event.value, 1)

    def _alias(self, event: Any) -> None:
        steps = self._steps()
        if event.anchor not in self.anchors:
            self._stop(
                event, f"the alias *{event.anchor} has no anchor that ended before it", f"&{event.anchor} before it"
            )
        if self._awaits_key():
            self._stop(event, "an alias stands where a name is needed", "text as a key")
        value, size = self.anchors[event.anchor]
        self._counted(event, size)
        self.places.setdefault(steps, self._at(event))
        self._add(value)

    def _add(self, value: Any) -> None:
        if not self.stack:
            self.root = value
            return
        top = self.stack[-1]
        if isinstance(top.value, list):
            top.value.append(value)
            return
        if not top.ignored:
            top.value[top.key] = value
        top.key = None


# --- writing ----------------------------------------------------------------------------------------------------------

_LINE_WIDTH = 110
_FLOW_WIDTH = 88


class _Writer(yaml.SafeDumper):
    """Quotes every text that YAML 1.1 or our own reading would take for something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


for _pattern in (_INTEGER, _BASED, _FLOAT):
    _Writer.add_implicit_resolver(
        "tag:yaml.org,2002:float", re.compile(f"^(?:{_pattern.pattern})$"), list("-+.0123456789")
    )


def _mapping(writer: _Writer, data: Mapping[str, Any]) -> yaml.Node:
    short = len(shown(data, width=10**6)) <= _FLOW_WIDTH
    return writer.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=short)


def _sequence(writer: _Writer, data: Any) -> yaml.Node:
    short = not any(isinstance(item, Mapping) for item in data)
    return writer.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=short)


def _text(writer: _Writer, data: str) -> yaml.Node:
    # PyYAML writes the rarer line breaks as they are, where they would be read as spaces; in double quotes it escapes
    style = '"' if re.search("[\r\x85\u2028\u2029]", data) else None
    return writer.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Writer.add_representer(str, _text)
_Writer.add_representer(dict, _mapping)
_Writer.add_representer(list, _sequence)
_Writer.add_representer(tuple, _sequence)


def write(data: Mapping[str, Any]) -> str:
    """Plain data as text that :func:`read` reads back as the same data. Order is kept, short parts take one line."""
    text: str = yaml.dump(dict(data), Dumper=_Writer, sort_keys=False, allow_unicode=True, width=_LINE_WIDTH)
    return text
