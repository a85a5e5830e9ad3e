"""Reading a scenario: text to plain data, plain data to what is meant, and that to a frozen scenario.

Three functions, so that each has one meaning. :func:`parse` turns text into plain data with line numbers.
:func:`resolve` writes out what the text leaves to defaults and other places: activities of the catalogue, CSV files,
short forms, the overrides of a variant; and takes uncertain inputs out, leaving their median. :func:`freeze` checks
everything and makes the :class:`~simulator.scenario.schema.Scenario`. :func:`read` does all three.

Whatever is wrong is reported at once, in one :class:`~simulator.errors.InputError`, with file, line and path.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from simulator.errors import InputError, Problem, ValueRefused, nearest
from simulator.scenario import catalogue, faults, includes, inputs, rules, skills, yaml_text
from simulator.scenario.document import Document, Steps, dotted, shown
from simulator.scenario.paths import LIST, NAMED, PART, Slot, child, copied, locate, place, root, slot_at, value_at
from simulator.scenario.schema import (
    Account,
    Activity,
    DayTable,
    Person,
    Scenario,
    UncertainInput,
    canonical_profile,
    law_json,
    read_dated,
    read_roster,
)
from simulator.scenario.variants import Override, apply, from_pairs, from_variant

Overrides = Mapping[str, Any] | Iterable[str]
"""Values by dotted path, or texts ``path=value``."""


def read(source: str | os.PathLike[str], variants: str | Sequence[str] = (), overrides: Overrides = ()) -> Scenario:
    """The scenario of a file (or of a text with line breaks), with variants and overrides applied.

    The scenario's other variants are checked too, so that a fault in them is found before they are asked for.

    Raises:
        InputError: everything that is wrong, in one list.
    """
    document = parse(source)
    resolved = resolve(document, variants, overrides)
    # an override may mend the file: its own faults are told by freezing, if they are still there
    of_the_file = set(_examined(resolve(document))[1])
    of_variants = [problem for problem in _faults_of_variants(document) if problem not in of_the_file]
    return freeze(replace(resolved, problems=(*resolved.problems, *of_variants)))


# --- parse ------------------------------------------------------------------------------------------------------------


def parse(source: str | os.PathLike[str]) -> Document:
    """Plain data with the line of every path.

    Args:
        source: the path of a file, or the text itself if it has a line break. CSV files are looked for beside the
            file; a text has none.

    Raises:
        InputError: no such file, no UTF-8, longer than :data:`~simulator.scenario.yaml_text.MAXIMUM_BYTES`, no YAML, or
            no mapping. Smaller faults are kept in ``problems``.
    """
    if isinstance(source, str) and "\n" in source:
        name, folder, text = None, None, yaml_text.decode(source.encode("utf-8", "surrogatepass"), None)
    else:
        name = os.fspath(source)
        folder = Path(name).parent
        text = yaml_text.decode(includes.content(Path(name), name), name)
    found = yaml_text.read(text, name)
    allowed = "a mapping of calendar, support, success and so on"
    if found.data is None:
        raise InputError([Problem(name, None, "", "the scenario is empty", None, allowed)])
    if not isinstance(found.data, dict):
        raise InputError([Problem(name, 1, "", "the scenario is no mapping", shown(found.data), allowed)])
    return Document(found.data, found.places, name, folder, found.problems, blank=found.blank)


# --- resolve ----------------------------------------------------------------------------------------------------------


def resolve(document: Document, variants: str | Sequence[str] = (), overrides: Overrides = ()) -> Document:
    """The document with everything explicit, uncertain inputs at their median and their laws under ``uncertain``.

    Nothing is raised: faults are kept in ``problems``, and :func:`freeze` raises them. A resolved document may be
    resolved again, with other overrides.

    Args:
        variants: names of variants of the document, applied together.
        overrides: further values by dotted path.
    """
    document = _Resolver(_unresolved(document)).expanded()
    names = [variants] if isinstance(variants, str) else variants
    wanted: list[Override] = []
    problems: list[Problem] = []
    for more, faulty in (*(from_variant(document, name) for name in names), from_pairs(overrides)):
        wanted += more
        problems += faulty
    if wanted or problems:  # what an override brings in may have short forms and files too
        document = apply(replace(document, problems=(*document.problems, *problems)), wanted)
        document = _Resolver(document).expanded()
    return _Resolver(document).taken_out()


def _unresolved(document: Document) -> Document:
    """A resolved document with its uncertain inputs back in their places."""
    if not document.resolved:
        return document
    data = copied({key: value for key, value in document.data.items() if key != "uncertain"})
    for path, law in document.data["uncertain"].items():
        place(data, tuple(path.split(".")), {"uncertain": copied(law)})
    return replace(document, data=data, resolved=False)


class _Resolver:
    """One walk over a document along the schema."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self.uncertain: dict[str, Any] = {}

    def _result(self, data: dict[str, Any], **changes: Any) -> Document:
        return replace(self.document, data=data, problems=(*self.document.problems, *self.problems), **changes)

    def problem(self, steps: Steps, message: str, **details: str | None) -> None:
        self.problems.append(self.document.problem(steps, message, **details))

    # --- defaults, files, short forms ---

    def expanded(self) -> Document:
        """Catalogue entries and CSV files written in, short forms written out."""
        data = {}
        for key, value in self._by_skills(self.document.data).items():
            slot = child(root(), key)
            if key == "uncertain":
                self.problem(
                    (key,), "uncertain inputs are written at the value they concern", allowed="{uncertain: ...}"
                )
            elif key == "variants":
                data[key] = self._variants(value)
            else:
                data[key] = self._expand(value, slot, (key,)) if slot is not None else value
        return self._result(data)

    def _expand(self, value: Any, slot: Slot, steps: Steps) -> Any:
        if isinstance(value, Mapping) and "uncertain" in value and slot.quantity is not None:
            return value
        if slot.model is Activity:
            value = self._activity(value, steps)
        if slot.canonical is canonical_profile and isinstance(value, str):
            return self._file(value, steps, includes.read_profile, "a mapping of times to weights")
        if slot.canonical in (read_dated, read_roster):
            return self._day_table(value, slot.canonical, steps)
        if slot.item is not None and slot.item.model is Account and isinstance(value, str):
            return self._file(value, steps, includes.read_accounts, "a list of accounts")
        if slot.item is not None and slot.item.model is Person and isinstance(value, str):
            return self._file(value, steps, includes.read_people, "a list of agents")
        if slot.canonical is not None:
            value = slot.canonical(value)
        if isinstance(value, Mapping):
            below = {key: child(slot, key) for key in value}
            return {
                key: self._expand(item, inner, (*steps, key)) if (inner := below[key]) is not None else item
                for key, item in value.items()
            }
        if isinstance(value, list | tuple) and slot.kind == LIST and slot.item is not None:
            return [self._expand(item, slot.item, (*steps, i)) for i, item in enumerate(value)]
        return value

    def _by_skills(self, data: dict[str, Any]) -> dict[str, Any]:
        """Groups that list their people as one group for each set of skills and each speed."""
        support = data.get("support")
        groups = support.get("groups") if isinstance(support, Mapping) else None
        if not isinstance(support, Mapping) or not isinstance(groups, Mapping):
            return data
        parted: dict[str, Any] = {}
        places = dict(self.document.places)
        for name, group in groups.items():
            steps = ("support", "groups", name)
            if not isinstance(group, Mapping) or group.get("people") is None:
                parted[name] = group
                continue
            at_people = (*steps, "people")
            slot = slot_at(at_people)
            assert slot is not None
            group = {**group, "people": self._expand(group["people"], slot, at_people)}
            parts, faulty = skills.divided(name, group, groups)
            for at, message, found, allowed, near in faulty:
                self.problem((*steps, *at), message, found=found, allowed=allowed, nearest=near)
            for part, (body, _) in parts.items():
                parted[part] = body
                places |= {(*steps[:2], part, *here[3:]): to for here, to in places.items() if here[:3] == steps}
            roster = group.get("roster")
            if isinstance(roster, str):
                part_of = {agent: part for part, (_, members) in parts.items() for agent in members}
                of_parts = functools.partial(includes.read_roster_of, group=name, part_of=part_of)
                tables = self._file(roster, (*steps, "roster"), of_parts, "a CSV file that names agents")
                for part in parts:
                    parted[part] = {**parted[part], "roster": tables[part] if tables else None}
        self.document = replace(self.document, places=places)
        return {**data, "support": {**support, "groups": parted}}

    def _variants(self, value: Any) -> Any:
        """Variants with the files and short forms in their values written out."""
        if not isinstance(value, Mapping):
            return value
        return {name: self._variant(name, body) for name, body in value.items()}

    def _variant(self, name: str, body: Any) -> Any:
        if not isinstance(body, Mapping):
            return body
        result = {}
        for path, value in body.items():
            try:
                _, slot = locate(self.document.data, path)
            except ValueRefused:  # reported when the variant is looked at
                result[path] = value
            else:
                result[path] = self._expand(value, slot, ("variants", name, path))
        return result

    def _day_table(self, value: Any, read: Callable[[object], DayTable], steps: Steps) -> Any:
        """A table by day, from its file where it has one. It is read once, since it may be long, but among variants it
        stays plain data, and so does what cannot be read: freezing tells why."""
        if isinstance(value, str):
            at = (*str(steps[2]).split("."), *steps[3:]) if steps[0] == "variants" else steps
            calendar = self.document.data.get("calendar")
            zone = calendar.get("timezone", "UTC") if isinstance(calendar, Mapping) else "UTC"
            if read is read_roster:
                of_group = functools.partial(includes.read_roster, group=str(at[2]))
                value = self._file(value, steps, of_group, "a mapping of times to agents")
            else:
                of_file = functools.partial(includes.read_dated, timezone=str(zone), queue=str(at[2]))
                value = self._file(value, steps, of_file, "a mapping of times to numbers")
        if steps[0] == "variants":
            return value
        try:
            return read(value)
        except ValueRefused:
            return value

    def _file(self, name: str, steps: Steps, read: Callable[[Path, str], Any], instead: str) -> Any:
        """What a CSV file holds, None where it cannot be read."""
        if self.document.folder is None:
            self.problem(steps, "a text without a file names no other file", found=name, allowed=instead)
            return None
        try:
            path = includes.inside(self.document.folder, name)
            return read(path, os.path.join(self.document.folder, name))
        except InputError as error:
            here = self.document.place(steps)
            for fault in error.problems:
                at = (fault.file, fault.line) if fault.file and fault.line else here
                found = fault.found or shown(name)
                self.problems.append(replace(fault, file=at[0], line=at[1], path=dotted(steps), found=found))
            return None

    def _activity(self, value: Any, steps: Steps) -> Any:
        """An activity with its catalogue entry below its own keys, and ``all`` segments named."""
        if value == "default":
            value = {"catalogue": steps[-1]}
        if not isinstance(value, Mapping):
            return value
        value = dict(value)
        if "catalogue" in value:
            entry = value.pop("catalogue")
            if not isinstance(entry, str) or entry not in catalogue.ACTIVITIES:
                known = list(catalogue.ACTIVITIES)
                near = nearest(str(entry), known)
                self.problem(
                    (*steps, "catalogue"),
                    "the catalogue has no such activity",
                    found=shown(entry),
                    allowed=", ".join(known),
                    nearest=near,
                )
                return None
            value = {"segments": {"all": "100%"}, **catalogue.activity(entry), **value}
        segments, accounts = value.get("segments"), self.document.data.get("accounts")
        if isinstance(segments, Mapping) and "all" in segments and isinstance(accounts, Mapping):
            named = {name: coverage for name, coverage in segments.items() if name != "all"}
            value["segments"] = dict.fromkeys(accounts, segments["all"]) | named
        return value

    # --- uncertain inputs ---

    def taken_out(self) -> Document:
        """Uncertain inputs replaced by their median, their laws under ``uncertain``."""
        data = {
            key: value if key == "variants" else self._take_out(value, child(root(), key), (key,))
            for key, value in self.document.data.items()
        }
        return self._result(data | {"uncertain": self.uncertain}, resolved=True)

    def _take_out(self, value: Any, slot: Slot | None, steps: Steps) -> Any:
        if isinstance(value, Mapping):
            if "uncertain" in value and slot is not None and slot.kind not in (PART, NAMED):
                return self._median(value, slot, steps)
            return {k: self._take_out(v, child(slot, k) if slot else None, (*steps, k)) for k, v in value.items()}
        if isinstance(value, list | tuple):
            return [self._take_out(v, child(slot, i) if slot else None, (*steps, i)) for i, v in enumerate(value)]
        return value

    def _median(self, value: Mapping[str, Any], slot: Slot, steps: Steps) -> Any:
        here = (*steps, "uncertain")
        if slot.quantity is None:
            self.problem(steps, "only a number or a quantity can be uncertain", allowed=slot.allowed)
            return None
        if steps[0] in ("calendar", "monte_carlo") or "targets" in steps:
            self.problem(
                steps, "what is simulated and what is aimed at is decided, not uncertain", allowed=slot.allowed
            )
            return None
        if len(value) > 1:
            others = ", ".join(key for key in value if key != "uncertain")
            self.problem(
                steps, "an uncertain input stands alone", found=others, allowed="{uncertain: {triangular: [...]}}"
            )
        try:
            law = UncertainInput.model_validate(value["uncertain"])
            spread = inputs.spread(law, slot.quantity)
        except ValidationError as error:
            self.problems += faults.problems(error, self.document, here)
            return None
        except ValueRefused as error:
            self.problems.append(faults.refused(error, value["uncertain"], here, self.document))
            return None
        self.uncertain[dotted(steps)] = value["uncertain"]
        return spread.written(spread.quantile(0.5))


# --- freeze -----------------------------------------------------------------------------------------------------------


def freeze(document: Document) -> Scenario:
    """The scenario of a document, which is resolved first if need be.

    Raises:
        InputError: everything that is wrong, in one list.
    """
    scenario, problems = _examined(document if document.resolved else resolve(document))
    if problems or scenario is None:
        raise InputError(problems)
    return scenario


def _examined(document: Document) -> tuple[Scenario | None, list[Problem]]:
    """The scenario of a resolved document, if it is one, and everything that is wrong."""
    problems = list(document.problems)
    scenario, found = _validated(document)
    # a value that could not be read is absent from the data: what follows from that is no fault of its own
    absent = [steps for p in problems if value_at(document.data, steps := tuple(p.path.split("."))) is None]
    problems += [p for p in found if not any(_related(tuple(p.path.split(".")), steps) for steps in absent)]
    problems += rules.check(document)
    if scenario is not None and not problems and scenario.uncertain:
        problems += _beyond_the_ends(scenario, document)
    return scenario, problems


def _validated(document: Document) -> tuple[Scenario | None, list[Problem]]:
    try:
        return Scenario.model_validate(document.data), []
    except ValidationError as error:
        return None, faults.problems(error, document)


def _related(path: tuple[str, ...], other: tuple[str, ...]) -> bool:
    shorter = min(len(path), len(other))
    return path[:shorter] == other[:shorter]


def _beyond_the_ends(scenario: Scenario, document: Document) -> list[Problem]:
    """Faults that appear with every uncertain input at its low end, or every one at its high end."""
    problems: list[Problem] = []
    spreads = inputs.spreads(scenario)
    for word, probability in (("low", 0.0), ("high", 1.0)):
        data = copied(document.data)
        for path, spread in spreads.items():
            steps = tuple(path.split("."))
            end = spread.quantile(probability)
            try:
                place(data, steps, spread.written(end))
            except ValueError:  # no text says such a value: hand it on as it is
                place(data, steps, end)
        _, found = _validated(replace(document, data=data))
        problems += [replace(p, message=f"at the {word} end of the uncertain inputs: {p.message}") for p in found]
    return problems


def _faults_of_variants(document: Document) -> list[Problem]:
    """What is wrong with a document under each of its variants."""
    body = document.data.get("variants")
    names = list(body) if isinstance(body, Mapping) else []
    return [problem for name in names for problem in _examined(resolve(document, name))[1]]


# --- write ------------------------------------------------------------------------------------------------------------


def dump(document: Document | Mapping[str, Any]) -> str:
    """A document (or the data of ``scenario.document()``) as text that :func:`parse` reads back as the same data."""
    return yaml_text.write(_unresolved(document).data if isinstance(document, Document) else document)


def schema_json() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the documents that :func:`parse` takes, for editors.

    Beyond the frozen scenario's own schema: a quantity may be uncertain, an activity may come from the catalogue.
    """
    made = Scenario.model_json_schema(by_alias=True)
    definitions = {name: _writable(part) for name, part in made.pop("$defs").items()}
    made["properties"].pop("uncertain")
    made = _writable(made)
    activity = definitions["Activity"]
    activity["properties"]["catalogue"] = {"enum": list(catalogue.ACTIVITIES), "description": "the entry to start from"}
    activity["anyOf"] = [{"required": ["catalogue"]}, {"required": activity.pop("required")}]
    activities = definitions["Success"]["properties"]["activities"]
    activities["additionalProperties"] = {"anyOf": [{"const": "default"}, activities["additionalProperties"]]}
    definitions["Law"] = _writable(law_json())
    definitions["Uncertain"] = {
        "type": "object",
        "properties": {"uncertain": {"$ref": "#/$defs/UncertainInput"}},
        "required": ["uncertain"],
        "additionalProperties": False,
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "$defs": definitions}


def _writable(node: Any) -> Any:
    """A schema in which every quantity may be uncertain too, and laws refer to their one definition."""
    if isinstance(node, list):
        return [_writable(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: _writable(item) if key not in ("default", "examples", "enum") else item for key, item in node.items()}
    kind = node.pop("format", None)
    outside = {key: node.pop(key) for key in ("title", "description", "default", "examples") if key in node}
    if kind == "law":
        return {**outside, "$ref": "#/$defs/Law"}
    return {**outside, "anyOf": [node, {"$ref": "#/$defs/Uncertain"}]} if kind == "quantity" else {**outside, **node}
