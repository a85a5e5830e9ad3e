"""Dotted paths: what the schema allows at each place of a document, and finding, reading and setting values there."""

from __future__ import annotations

import functools
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, get_args, get_origin

import annotated_types
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from simulator.errors import ValueRefused, nearest
from simulator.scenario import schema
from simulator.scenario.document import Steps, dotted
from simulator.scenario.schema import Quantity

PART, NAMED, LIST, LAW, FAMILY, SCALAR, ANYTHING = "part", "named", "list", "law", "family", "scalar", "anything"


@dataclass(frozen=True, eq=False)
class Slot:
    """What may stand at one place.

    Attributes:
        kind: a PART has fixed fields; NAMED is a mapping with free keys; a LIST has items; a LAW is a scalar or
            ``{family: parameters}`` and FAMILY is what stands below the family; a SCALAR is one value.
        allowed: what a user may write, in words.
        quantity: how the scalar (of a law: its constant form; of a list: its lone form) is read, if it is one.
        fields: the slots of a PART, LAW or FAMILY by name.
        item: the slot of each entry of a NAMED mapping or a LIST.
        canonical: brings a short form into the one long form.
        model: the class of a PART.
        default: what is assumed where nothing is written.
        refers: the keys of a NAMED mapping are names that are defined elsewhere, so any may be added.
    """

    kind: str
    allowed: str
    quantity: Quantity | None = None
    fields: Mapping[str, Slot] = field(default_factory=dict)
    item: Slot | None = None
    canonical: typing.Callable[[Any], Any] | None = None
    model: type[BaseModel] | None = None
    default: Any = None
    refers: bool = False

    @property
    def named_parts(self) -> bool:
        """A mapping of named things (queues, teams) that are defined here."""
        return self.kind == NAMED and not self.refers and self.item is not None and self.item.kind == PART


def _bounded(allowed: str, metadata: list[Any]) -> str:
    """What is allowed, with the bounds of the field."""
    low, over, high = None, None, None
    for part in (part for item in metadata if isinstance(item, FieldInfo) for part in item.metadata):
        if isinstance(part, annotated_types.Ge):
            low = part.ge
        elif isinstance(part, annotated_types.Gt):
            over = part.gt
        elif isinstance(part, annotated_types.Le):
            high = part.le
    if low is not None:
        return f"{allowed}, {low} to {high}" if high is not None else f"{allowed}, {low} or more"
    if over is not None:
        return f"{allowed} over {over}" + (f", up to {high}" if high is not None else "")
    return allowed if high is None else f"{allowed}, up to {high:g}"


_WEIGHT = Slot(SCALAR, schema.AMOUNT.allowed, schema.AMOUNT)
_TEXT = Slot(SCALAR, "text")


def _slot(hint: Any) -> Slot:
    if get_origin(hint) in (typing.Union, types.UnionType):
        inner = [part for part in get_args(hint) if part is not types.NoneType]
        return _slot(inner[0]) if len(inner) == 1 else Slot(ANYTHING, "a value")
    if hint == schema.Hours:
        return Slot(NAMED, "a mapping of days to hours, or always", item=_TEXT, canonical=schema.canonical_hours)
    if hint == schema.Profile:
        day = Slot(NAMED, "a mapping of times to weights", item=_WEIGHT)
        return Slot(NAMED, "a CSV file or a mapping", item=day, canonical=schema.canonical_profile)
    if hint in (schema.Dated, schema.RosterTable):
        read = schema.read_dated if hint == schema.Dated else schema.read_roster
        return Slot(SCALAR, "a CSV file or a mapping by day", canonical=read)
    if hint == schema.Lines:
        return Slot(SCALAR, f"{schema.WHOLE.allowed}, 1 or more, or a name of support.lines", schema.WHOLE)
    if hint == schema.ByMonth:
        allowed = "one number, or a list with one per month"
        return Slot(LIST, allowed, schema.AMOUNT, item=_WEIGHT, canonical=schema.canonical_by_month)
    if hint == schema.Shrinkage:
        share = Slot(SCALAR, schema.SHARE.allowed, schema.SHARE)
        allowed = f"{schema.SHARE.allowed}; or such shares by kind: {', '.join(schema.SHRINKAGE)}"
        return Slot(FAMILY, allowed, schema.SHARE, fields=dict.fromkeys(schema.SHRINKAGE, share))
    if hint == schema.ServesTable:
        serves = _slot(schema.Serves)
        return Slot(NAMED, "a list or mapping of queues", item=serves, canonical=schema.canonical_serves, refers=True)
    if get_origin(hint) is Annotated:
        base, *metadata = get_args(hint)
        for item in metadata:
            if isinstance(item, Quantity):
                return Slot(SCALAR, _bounded(item.allowed, metadata), item)
            if isinstance(item, schema.LawOf):
                return _law(item)
        return _slot(base)
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        hints = typing.get_type_hints(hint, include_extras=True)
        fields = {
            info.alias or name: replace(_slot(hints[name]), default=_default(info))
            for name, info in hint.model_fields.items()
        }
        return Slot(PART, f"a mapping of {', '.join(fields)}", fields=fields, model=hint)
    if get_origin(hint) is dict:
        inner = get_args(hint)[1]
        return Slot(NAMED, "a mapping", item=_slot(inner), refers=inner is schema.UncertainInput)
    if get_origin(hint) is tuple:
        return Slot(LIST, "a list", item=_slot(get_args(hint)[0]))
    if get_origin(hint) is Literal:
        return Slot(SCALAR, ", ".join(get_args(hint)))
    if hint is Any:
        return Slot(ANYTHING, "a value")
    words = {bool: "true or false", str: "text"}
    return Slot(SCALAR, words.get(hint, "a value"))


def _default(info: FieldInfo) -> Any:
    """The default of a field as plain data."""
    if isinstance(info.default, BaseModel):
        return info.default.model_dump(mode="json", by_alias=True, exclude_none=True)
    return None if info.is_required() else info.default


def _law(law: schema.LawOf) -> Slot:
    families = {}
    for family, names in schema.LAW_PARAMETERS.items():
        parameters = {}
        for name in (*names, "zero"):
            quantity = schema.law_parameter(name, law.quantity)
            one = Slot(SCALAR, quantity.allowed, quantity)
            parameters[name] = Slot(LIST, "a list", item=one) if name in schema.LIST_PARAMETERS else one
        families[family] = Slot(FAMILY, f"a mapping of {', '.join(parameters)}", fields=parameters)
    allowed = f"{law.quantity.allowed}, or a law ({', '.join(families)})"
    return Slot(LAW, allowed, law.quantity, fields=families, canonical=schema.canonical_law)


@functools.cache
def root() -> Slot:
    """The slot of the whole scenario."""
    return _slot(schema.Scenario)


@functools.cache
def uncertain_slot() -> Slot:
    """The slot of what stands under ``uncertain``."""
    return _slot(schema.UncertainInput)


def child(slot: Slot, step: str | int) -> Slot | None:
    """The slot one step below, or None where the schema has none."""
    if is_uncertain_step(slot, step):
        return uncertain_slot()
    return slot.fields.get(str(step)) if slot.kind in (PART, LAW, FAMILY) else slot.item


def is_uncertain_step(slot: Slot, step: str | int) -> bool:
    """``uncertain`` below a quantity stands for an uncertain input, not for a name."""
    return step == "uncertain" and slot.quantity is not None


def slot_at(steps: Steps) -> Slot | None:
    """The slot at a path in the long form, or None where the schema has none."""
    slot: Slot | None = root()
    for step in steps:
        slot = child(slot, step) if slot is not None else None
    return slot


def value_at(data: Any, steps: Steps) -> Any:
    """The value at ``steps``, or None where nothing stands."""
    for step in steps:
        if isinstance(data, Mapping):
            data = data.get(step)
        elif isinstance(data, list | tuple) and str(step).isdigit() and int(step) < len(data):
            data = data[int(step)]
        else:
            return None
    return data


def place(data: dict[str, Any], steps: Steps, value: Any) -> None:
    """Set the value at ``steps`` in place; mappings on the way that are absent are made."""
    node: Any = data
    for step in steps[:-1]:
        if isinstance(node, list):
            node = node[int(step)]
            continue
        if not isinstance(node.get(step), dict | list):
            node[step] = {}
        node = node[step]
    if isinstance(node, list):
        node[int(steps[-1])] = value
    else:
        node[steps[-1]] = value


def copied(value: Any) -> Any:
    """A copy whose lists and mappings are new."""
    if isinstance(value, Mapping):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [copied(item) for item in value]
    return value


def locate(data: Mapping[str, Any], path: str) -> tuple[Steps, Slot]:
    """Where a dotted path leads in a document in the long form.

    The family of a law may be left out: ``patience.mean`` finds ``patience.weibull.mean``; of a constant, ``mean`` is
    the constant itself. Entries of lists are found by index, from 0. Fields that are absent are found too, but not
    entries of mappings of named things (a queue that is not there).

    Raises:
        ValueRefused: nothing can stand there. ``where`` is the longest part of the path that exists.
    """
    steps: list[str | int] = []
    slot, node = root(), data
    parts = path.split(".")
    for number, part in enumerate(parts):
        here, last = tuple(steps), number == len(parts) - 1
        name = dotted(here) or "the scenario"
        if not steps and part in ("variants", "uncertain", "placeholders"):
            raise ValueRefused(f"{part} is no value of the model", where=here)
        if is_uncertain_step(slot, part) and isinstance(node, Mapping) and part in node:
            steps.append(part)
        elif slot.kind in (PART, FAMILY):
            _require_name(part, slot.fields, name, here)
            steps.append(part)
        elif slot.kind == LAW:
            steps += _law_steps(slot, node, part, last, name, here)
        elif slot.named_parts:
            _require_name(part, node if isinstance(node, Mapping) else {}, name, here)
            steps.append(part)
        elif slot.kind == NAMED and part:
            steps.append(part)
        elif slot.kind == LIST and isinstance(node, list | tuple):
            if not part.isdigit() or int(part) >= len(node):
                raise ValueRefused(f"{name} has no entry {part!r}", where=here, allowed=f"0 to {len(node) - 1}")
            steps.append(int(part))
        else:
            raise ValueRefused(f"{name} is one value, nothing stands below it", where=here)
        for step in steps[len(here) :]:
            below = child(slot, step)
            assert below is not None
            slot, node = below, value_at(node, (step,))
    return tuple(steps), slot


def _require_name(part: str, known: Mapping[str, Any], name: str, here: Steps) -> None:
    if part not in known:
        raise ValueRefused(
            f"{name} has no {part!r}",
            where=here,
            allowed=", ".join(str(k) for k in known) or None,
            nearest=nearest(part, [str(k) for k in known]),
        )


def _law_steps(slot: Slot, node: Any, part: str, last: bool, name: str, here: Steps) -> list[str | int]:
    """The steps that ``part`` stands for below a law."""
    if node is None:
        raise ValueRefused(f"{name} is absent: set the whole law", where=here, allowed=slot.allowed)
    family = next(iter(node)) if isinstance(node, Mapping) and len(node) == 1 else None
    if family is None or family not in slot.fields:
        if last and part in ("mean", "value"):
            return []
        raise ValueRefused(f"{name} is a constant, without {part!r}", where=here, allowed="mean, or the whole law")
    if part == family:
        return [part]
    known = slot.fields[family].fields
    if part in slot.fields:
        raise ValueRefused(f"{name} is {family}: set the whole law to change the family", where=here)
    _require_name(part, known, f"{name} ({family})", here)
    return [family, part]


def get(data: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path of a document in the long form (see :func:`locate`), or the default of its field.

    Raises:
        ValueRefused: nothing can stand there.
    """
    steps, slot = locate(data, path)
    value = value_at(data, steps)
    return slot.default if value is None else value
