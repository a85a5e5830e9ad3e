"""Rules between the parts of a scenario.

They look at the plain data of a resolved document, not at the frozen scenario, so that their findings stand in one list
with the schema's. A part that is malformed is the schema's business: rules pass over it in silence.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from simulator import timegrid, units
from simulator.errors import Problem, ValueRefused, nearest
from simulator.scenario.document import Document, Steps, shown
from simulator.scenario.paths import Slot, child, locate, root
from simulator.scenario.schema import (
    EVERY_MONTHS,
    MOST_ACCOUNTS,
    MOST_EVENTS,
    NAME,
    SCALES,
    SHRINKAGE,
    Calendar,
    DayTable,
    Event,
    Shift,
    canonical_by_month,
    canonical_hours,
    date,
    last_weeks,
    read_dated,
    read_roster,
)

WEEKDAY_KINDS = range(7)
WEEKS_IN_A_MONTH = 31 / 7
ALWAYS = canonical_hours("always")
OWNED_PHASES = ("onboarding", "adoption", "expansion")
"""The phases by which accounts change teams: loyalty begins with expansion."""


def check(document: Document) -> list[Problem]:
    """Every rule between parts that the document breaks."""
    return list(_Rules(document).all())


def _mapping(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _names(value: Any) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list | tuple | Mapping) else []


def _meant(name: str, known: Mapping[str, Any]) -> str:
    """The known name that ``name`` is, or was likely meant to be: one slip is one fault, not two."""
    return name if name in known else nearest(name, known) or name


def _read(read: Callable[[object], Any], value: Any) -> Any:
    """The value as its field reads it, or None where the field refuses it."""
    try:
        return None if value is None else read(value)
    except ValueError:
        return None


def _numbers(value: Any) -> list[float]:
    """Every number in a value, a list or a mapping; what is none is passed over."""
    if isinstance(value, Mapping | list | tuple):
        return [x for item in (value.values() if isinstance(value, Mapping) else value) for x in _numbers(item)]
    number = _read(units.number, value)
    return [] if number is None else [number]


class _Rules:
    """The parts of one document, and the rules over them."""

    def __init__(self, document: Document) -> None:
        data = document.data
        support, success = _mapping(data.get("support")), _mapping(data.get("success"))
        self.document = document
        self.data = data
        self.segments = _mapping(data.get("accounts"))
        self.queues = _mapping(support.get("queues"))
        self.groups = _mapping(support.get("groups"))
        self.shifts = _mapping(support.get("shifts"))
        self.lines = _mapping(support.get("lines"))
        self.activities = _mapping(success.get("activities"))
        self.teams = _mapping(success.get("teams"))
        self.surveys = _mapping(success.get("surveys"))
        self.on_time = _mapping(_mapping(success.get("targets")).get("on_time"))
        self.has_support, self.has_success = bool(support), bool(success)
        self.grid, self.calendar = self._grid()

    def _grid(self) -> tuple[timegrid.TimeGrid | None, Calendar | None]:
        try:
            calendar = Calendar.model_validate(self.data.get("calendar"))
            return calendar.grid(), calendar
        except (ValidationError, ValueError):
            return None, None

    def all(self) -> Iterator[Problem]:
        yield from self.names(self.data, root(), ())
        if self.has_support:
            yield from self.support()
        if self.has_success:
            yield from self.success()
        yield from self.contacts()
        yield from self.sizes()
        yield from self.present()
        yield from self.owners()
        yield from self.share_of_revenue()
        yield from self.months(self.data, root(), ())
        yield from self.calendars()
        yield from self.placeholders()

    def problem(self, steps: Steps, message: str, found: str | None = None, known: Any = None) -> Problem:
        """A fault at ``steps``; ``known`` are the names that were possible."""
        allowed = None if known is None else ", ".join(known) or "none, there are none"
        near = nearest(found, known) if known is not None and found is not None else None
        return self.document.problem(steps, message, found, allowed, near)

    # --- names ---

    def names(self, value: Any, slot: Slot, steps: Steps) -> Iterator[Problem]:
        """Names of things must be fit for dotted paths."""
        named = slot.named_parts or steps == ("variants",)
        for key, item in _mapping(value).items():
            below = child(slot, key)
            if named and not NAME.fullmatch(key):
                allowed = "letters, digits, _ and -, starting with a letter or _"
                yield self.document.problem((*steps, key), "the name cannot stand in a dotted path", repr(key), allowed)
            elif key == "all" and steps in (("accounts",), ("success", "activities")):
                yield self.document.problem((*steps, key), "the name stands for every one of them", key, "another name")
            if below is not None and below.kind in ("part", "named") and steps[:1] != ("variants",):
                yield from self.names(item, below, (*steps, key))

    # --- support ---

    def support(self) -> Iterator[Problem]:
        here: Steps = ("support",)
        if not self.queues:
            yield self.problem((*here, "queues"), "there is no queue")
        if not self.groups:
            yield self.problem((*here, "groups"), "there is no group of agents")
        served: set[str] = set()
        for name, group in self.groups.items():
            steps = (*here, "groups", name)
            group = _mapping(group)
            serves = _names(group.get("serves"))
            served.update(_meant(queue, self.queues) for queue in serves)
            for served_queue in serves:
                if served_queue not in self.queues:
                    at = (*steps, "serves", served_queue)
                    yield self.problem(at, "the group serves an unknown queue", served_queue, self.queues)
            if "serves" in group and group["serves"] in ({}, []):
                yield self.problem((*steps, "serves"), "the group serves no queue", None, self.queues)
            if group.get("agents") is not None and group.get("headcount"):
                allowed = "agents (a fixed number present) or headcount (employed), not both"
                yield self.document.problem((*steps, "agents"), "the group is sized twice", None, allowed)
            yield from self.shifts_of(steps, group)
            yield from self.roster(steps, group)
            yield from self.chats(steps, group)
            yield from self.counted_twice(steps, group)
        fed = {
            _meant(to, self.queues)
            for to in (*self._targets("escalation").values(), *self._targets("resolution").values())
        }
        for name, queue in self.queues.items():
            steps = (*here, "queues", name)
            queue = _mapping(queue)
            if self.groups and name not in served:
                yield self.problem(steps, "nobody serves the queue", name, None)
            if queue.get("arrivals") is None and name not in fed:
                yield self.problem(
                    steps, "no contact ever reaches the queue: it has no arrivals, and no escalation or repeat feeds it"
                )
            if queue.get("at_closing") == "drop" and canonical_hours(queue.get("hours", "always")) == ALWAYS:
                allowed = "hours that end, such as {mon-fri: '09:00-18:00'}"
                yield self.document.problem((*steps, "at_closing"), "the queue never closes", "drop", allowed)
            if queue.get("business_time") is True and queue.get("patience") is not None:
                message, allowed = "waits in business time are those of contacts without patience", "either of the two"
                yield self.document.problem((*steps, "business_time"), message, "true", allowed)
            yield from self.closing((*steps, "targets"), queue)
            if queue.get("callback") is not None and queue.get("channel") in ("email", "chat"):
                message = "only callers are called back"
                yield self.document.problem((*steps, "callback"), message, None, "channel: call")
            if queue.get("calls_first") == "preempt" and queue.get("channel") != "email":
                message, allowed = "only work that can wait is left for a call", "channel: email"
                yield self.document.problem((*steps, "calls_first"), message, "preempt", allowed)
            if queue.get("opening_backlog") and queue.get("channel", "call") != "email":
                message, found = "only contacts that can wait have a backlog", shown(queue["opening_backlog"])
                yield self.document.problem((*steps, "opening_backlog"), message, found, "channel: email")
            yield from self.factors((*steps, "arrivals"), _mapping(queue.get("arrivals")))
            yield from self.on_dates((*steps, "arrivals"), queue)
            escalation = _mapping(queue.get("escalation"))
            yield from self.hold((*steps, "escalation"), escalation)
            to = escalation.get("to")
            if (way := escalation.get("transfer")) in ("warm", "consultation"):
                for end in (queue, _mapping(self.queues.get(_meant(to, self.queues) if isinstance(to, str) else ""))):
                    if end.get("channel") == "chat" or end.get("calls_first") == "preempt":
                        message, allowed = "an agent holds with callers only", "transfer: cold or deferred"
                        yield self.document.problem((*steps, "escalation", "transfer"), message, way, allowed)
            if isinstance(to, str) and to not in self.queues:
                yield self.problem(
                    (*steps, "escalation", "to"), "the queue escalates to an unknown queue", to, self.queues
                )
            to = _mapping(queue.get("resolution")).get("to")
            if isinstance(to, str) and to not in self.queues:
                message = "customers are to come back to an unknown queue"
                yield self.problem((*steps, "resolution", "to"), message, to, self.queues)
        yield from self.line_pools()
        yield from self.escalation_loops()

    def line_pools(self) -> Iterator[Problem]:
        """Queues name pools that are there, and each pool has a queue."""
        named = {name: _mapping(queue).get("lines") for name, queue in self.queues.items()}
        pools = {name: pool for name, pool in named.items() if isinstance(pool, str) and NAME.fullmatch(pool)}
        for name, pool in pools.items():
            if pool not in self.lines:
                at = ("support", "queues", name, "lines")
                yield self.problem(at, "the queue names an unknown pool of lines", pool, self.lines)
        used = {_meant(pool, self.lines) for pool in pools.values()}
        for pool in self.lines:
            here = ("support", "lines", pool)
            if not NAME.fullmatch(pool):
                allowed = "letters, digits, _ and -, starting with a letter or _"
                yield self.document.problem(here, "the name cannot stand for a pool of lines", repr(pool), allowed)
            elif pool not in used:
                yield self.document.problem(here, "no queue has these lines", pool, f"lines: {pool} at a queue")

    def chats(self, steps: Steps, group: dict[str, Any]) -> Iterator[Problem]:
        """Several contacts at once are chats."""
        names = [_meant(name, self.queues) for name in _names(group.get("serves"))]
        chat = any(_mapping(self.queues.get(name)).get("channel") == "chat" for name in names)
        for name, plain in (("concurrency", 1), ("slowdown", 0)):
            if not chat and group.get(name, plain) != plain:
                message, allowed = "the group serves no chat", "serves: a queue with channel: chat"
                yield self.document.problem((*steps, name), message, shown(group[name]), allowed)

    def shifts_of(self, steps: Steps, group: dict[str, Any]) -> Iterator[Problem]:
        """A group names shifts that are there, each once, and only where heads are to be put on them."""
        names = _names(group.get("shifts"))
        for i, name in enumerate(names):
            if name not in self.shifts:
                yield self.problem((*steps, "shifts", i), "the group names an unknown shift", name, self.shifts)
            elif name in names[:i]:
                allowed = "each shift once"
                yield self.document.problem((*steps, "shifts", i), "the group names a shift twice", name, allowed)
        if names and group.get("agents") is not None:
            allowed = "headcount beside shifts; agents are there in every open interval"
            yield self.document.problem((*steps, "shifts"), "a fixed number of agents works no shifts", None, allowed)

    def roster(self, steps: Steps, group: dict[str, Any]) -> Iterator[Problem]:
        """A roster is the whole plan of its group, in whole intervals, on the days on which a queue is open."""
        table = _read(read_roster, group.get("roster"))
        if table is None:
            return
        at = (*steps, "roster")
        if group.get("agents") is not None:
            yield self.document.problem(at, "the group is sized twice", None, "roster or agents, not both")
        if _names(group.get("shifts")):
            yield self.document.problem(at, "the group is on shifts already", None, "roster or shifts, not both")
        if self.grid is None:
            return
        grid = self.grid
        odd = [timegrid.clock(t) for t in table.times if t % grid.interval]
        if odd:
            allowed = f"multiples of the interval, {units.format_seconds(grid.interval)}"
            yield self.document.problem(at, "agents come or go within an interval", _some(odd), allowed)
        dates = {date for date, _ in table.rows if date[:1].isdigit()}
        known = {str(date) for date in grid.dates}
        if dates - known:
            allowed = f"{grid.dates[0]} to {grid.dates[-1]}"
            yield self.document.problem(at, "dates lie outside the horizon", _some(sorted(dates - known)), allowed)
        hours = [
            canonical_hours(_mapping(self.queues.get(q)).get("hours", ALWAYS)) for q in _names(group.get("serves"))
        ]
        if any(_hours(one) is None for one in hours):
            return
        kinds = {kind for name, _ in table.rows if name not in dates for kind in timegrid.day_kinds(name)}
        opens = np.any([timegrid.opening_kinds(one) for one in hours], axis=0)
        days = zip(grid.dates, grid.day_kind().tolist(), strict=True)
        gone = [str(d) for d, kind in days if opens[kind] and kind not in kinds and str(d) not in dates]
        if gone:
            message = "days on which a queue of the group is open are missing"
            yield self.document.problem(at, message, _some(gone), "a row for each, 0 where nobody is there")

    def counted_twice(self, steps: Steps, group: dict[str, Any]) -> Iterator[Problem]:
        """Each lost minute is counted once: what is simulated is not divided out too."""
        breaks = [n for n in _names(group.get("shifts")) if _mapping(self.shifts.get(n)).get("breaks")]
        simulated = {"breaks": f"shift {breaks[0]} has breaks"} if breaks else {}
        if _read(units.share, group.get("absence")):
            simulated["absence"] = "absence is drawn per agent and day"
        shrinkage = group.get("shrinkage")
        at = (*steps, "shrinkage")
        if isinstance(shrinkage, Mapping):
            for kind, why in simulated.items():
                if _read(units.share, shrinkage.get(kind)):
                    message = f"the time is lost twice: {why}, and it is divided out as well"
                    yield self.document.problem((*at, kind), message, shown(shrinkage[kind]), f"no {kind} here")
        elif simulated and _read(units.share, shrinkage):
            kinds = ", ".join(kind for kind in SHRINKAGE if kind not in simulated)
            why = "; ".join(simulated.values())
            message = f"it may hold {' and '.join(simulated)}, and that time would be lost twice: {why}"
            yield self.document.problem(at, message, shown(shrinkage), f"shares by kind: {kinds}")

    def hold(self, steps: Steps, escalation: dict[str, Any]) -> Iterator[Problem]:
        """What tells of a hold needs one; values that ask for none may stand, as in a resolved document."""
        if escalation.get("transfer", "cold") == "warm":
            return
        consults = escalation.get("transfer") == "consultation"
        asks = {
            "hold": escalation.get("hold") is not None and not consults,
            "then": escalation.get("then", "cold") != "cold",
            "conference": _read(units.seconds, escalation.get("conference", 0)) != 0,
        }
        for name in (name for name, asked in asks.items() if asked):
            message, allowed = "only a warm transfer has a hold", "transfer: warm beside it"
            yield self.document.problem((*steps, name), message, shown(escalation[name]), allowed)

    def factors(self, steps: Steps, arrivals: dict[str, Any]) -> Iterator[Problem]:
        """What shapes a factor needs one. A spread of 0 is one that somebody has set aside, for a comparison say."""
        for name, spread in (("day_shared", "day_cv"), ("interval_memory", "interval_cv")):
            if _read(units.share, arrivals.get(name)) and spread not in arrivals:
                factor = spread.removesuffix("_cv")
                message = f"there is no {factor} factor that this could shape"
                yield self.document.problem((*steps, name), message, shown(arrivals[name]), f"{spread} beside it")

    def closing(self, steps: Steps, queue: dict[str, Any]) -> Iterator[Problem]:
        """A backlog at the end of a window is that of contacts that can wait, in a window that ends a day's work."""
        targets = _mapping(queue.get("targets"))
        for name in ("closing_backlog", "closing_backlog_days"):
            if targets.get(name) is None:
                continue
            if queue.get("channel", "call") != "email":
                message = "only contacts that can wait have a backlog"
                yield self.document.problem((*steps, name), message, shown(targets[name]), "channel: email")
            elif targets.get("window") == "interval":
                message, allowed = "a backlog closes with a day or more", "window: day, week, month or quarter"
                yield self.document.problem((*steps, name), message, "window: interval", allowed)

    def on_dates(self, steps: Steps, queue: dict[str, Any]) -> Iterator[Problem]:
        """What arrivals say of dates must concern days of the horizon on which the queue is open."""
        grid, arrivals = self.grid, _mapping(queue.get("arrivals"))
        hours = canonical_hours(arrivals.get("hours") or queue.get("hours", "always"))
        table = _hours(hours)
        if arrivals.get("hours") is not None and queue.get("channel", "call") != "email":
            message, allowed = "only contacts that can wait come while their queue is closed", "channel: email"
            yield self.document.problem((*steps, "hours"), message, None, allowed)
        if grid is None or table is None:
            return
        last = grid.start + dt.timedelta(days=grid.days - 1)
        horizon = f"{grid.start} to {last}"
        for name, event in _mapping(arrivals.get("events")).items():
            made = _read(Event.model_validate, {**_mapping(event), "factor": 1})
            if made is not None and (made.first > last or (made.last or made.first) < grid.start):
                found = str(made.first) if made.last is None else f"{made.first} to {made.last}"
                yield self.document.problem(
                    (*steps, "events", name), "the event lies outside the horizon", found, horizon
                )
        for name, kinds in (("holiday", [7]), ("after_holiday", list(range(7)))):
            if _read(units.number, arrivals.get(name)) in (None, 1):
                continue
            if not any(table.get(kind) for kind in kinds):
                message, allowed = "the queue is closed on public holidays", "hours for 'holiday' beside it"
                yield self.document.problem((*steps, name), message, shown(arrivals[name]), allowed)
            elif self.calendar is not None and not (self.calendar.holidays or self.calendar.closed):
                message, allowed = "the calendar has no public holidays", "calendar.holidays, or calendar.closed"
                yield self.document.problem((*steps, name), message, shown(arrivals[name]), allowed)
        dated = _read(read_dated, arrivals.get("dated"))
        if dated is not None:
            yield from self.dated((*steps, "dated"), grid, dated, grid.open_intervals(hours))

    def dated(
        self, steps: Steps, grid: timegrid.TimeGrid, table: DayTable, is_open: NDArray[np.bool_]
    ) -> Iterator[Problem]:
        """A dated table has one row for every stretch of the horizon in which the queue is open, and no others."""
        length, interval = table.length, grid.interval
        misplaced = any(t % length for t in table.times)
        if misplaced or timegrid.DAY_SECONDS % length or (length % interval and interval % length):
            odd = [timegrid.clock(t) for t in table.times if t % interval]
            message = "the times do not fit the calendar's intervals"
            found = _some(odd) if odd else f"rows of {units.format_seconds(length)}"
            allowed = (
                f"rows of equal length that divide {units.format_seconds(interval)}, or are made of such intervals"
            )
            yield self.document.problem(steps, message, found, allowed)
            return
        dates = [date for date, _ in table.rows]
        last = grid.start + dt.timedelta(days=grid.days - 1)
        beyond = [date for date in dates if not grid.start <= dt.date.fromisoformat(date) <= last]
        if beyond:
            allowed = f"{grid.start} to {last}"
            yield self.document.problem(steps, "dates lie outside the horizon", _some(beyond), allowed)
        totals, place = table.on(grid)
        per_day = len(totals) // grid.days
        existing, opened = np.zeros(len(totals), dtype=bool), np.zeros(len(totals), dtype=bool)
        existing[place], opened[place[is_open]] = True, True

        def names(places: NDArray[np.bool_]) -> list[str]:
            step = timegrid.DAY_SECONDS / per_day
            return [
                f"{grid.dates[i // per_day]}" + (f" {timegrid.clock(i % per_day * step)}" if per_day > 1 else "")
                for i in np.flatnonzero(places)
            ]

        absent = opened & np.isnan(totals)
        whole = absent.reshape(grid.days, per_day)
        no_row = np.repeat(np.isnan(totals).reshape(grid.days, per_day).all(axis=1) & whole.any(axis=1), per_day)
        if no_row.any():
            gone = [str(date) for date, none in zip(grid.dates, no_row[::per_day], strict=True) if none]
            message, allowed = "dates on which the queue is open are missing", "a row for each, 0 where nobody comes"
            yield self.document.problem(steps, message, _some(gone), allowed)
        if (absent & ~no_row).any():
            message, allowed = "times at which the queue is open are missing", "a row for each, 0 where nobody comes"
            yield self.document.problem(steps, message, _some(names(absent & ~no_row)), allowed)
        given = np.nan_to_num(totals) > 0
        if (given & ~existing).any():
            message, allowed = "times that the date does not have: clocks are set forward", "0, or no row"
            yield self.document.problem(steps, message, _some(names(given & ~existing)), allowed)
        if (given & existing & ~opened).any():
            message, allowed = "contacts come while the queue is closed", "0, or other hours of the queue"
            yield self.document.problem(steps, message, _some(names(given & existing & ~opened)), allowed)

    def _targets(self, way: str) -> dict[str, str]:
        """The queue that each queue sends its contacts to by escalation or resolution."""
        pairs = {name: _mapping(_mapping(queue).get(way)).get("to") for name, queue in self.queues.items()}
        return {name: to for name, to in pairs.items() if isinstance(to, str)}

    def escalation_loops(self) -> Iterator[Problem]:
        """Each loop at its first queue in the document's order (found from several queues, it is the same problem)."""
        target = self._targets("escalation")
        for start in target:
            walk: list[str] = []
            name = start
            while name in target and name not in walk:
                walk.append(name)
                name = target[name]
            if name in walk:
                loop = walk[walk.index(name) :]
                first = min(loop, key=list(self.queues).index)
                turned = loop[loop.index(first) :] + loop[: loop.index(first)]
                yield self.document.problem(
                    ("support", "queues", first, "escalation", "to"),
                    "escalations go round in a loop",
                    " -> ".join((*turned, first)),
                    "tiers that end",
                )

    def contacts(self) -> Iterator[Problem]:
        """Contacts of accounts and queues that wait for them must meet."""
        arrivals = {name: _mapping(_mapping(queue).get("arrivals")) for name, queue in self.queues.items()}
        from_accounts = [name for name, origin in arrivals.items() if origin.get("from") == "accounts"]
        sending: set[str] = set()
        for name, segment in self.segments.items():
            for queue in _mapping(_mapping(segment).get("contacts_per_month")):
                steps = ("accounts", name, "contacts_per_month", queue)
                sending.add(_meant(queue, self.queues))
                if not self.has_support:
                    yield self.problem(steps, "there is no support that could take the contacts", queue)
                elif queue not in self.queues:
                    yield self.problem(steps, "the accounts contact an unknown queue", queue, self.queues)
                elif "from" not in arrivals[queue]:
                    allowed = f"support.queues.{queue}.arrivals: {{from: accounts}}"
                    message = "the queue does not take its arrivals from the accounts, the contacts would be lost"
                    yield self.document.problem(steps, message, queue, allowed)
        for queue in [name for name in from_accounts if name not in sending]:
            message = "no segment of accounts contacts the queue" if self.segments else "there are no accounts"
            allowed = f"accounts with contacts_per_month: {{{queue}: ...}}"
            yield self.document.problem(("support", "queues", queue, "arrivals", "from"), message, "accounts", allowed)

    def sizes(self) -> Iterator[Problem]:
        """Accounts, contacts and tasks that are too many to be drawn one by one; in round figures, at most."""
        months = (self.calendar.months if self.calendar else None) or 1
        accounts: dict[str, float] = {}
        for name, segment in self.segments.items():
            new = _numbers(_mapping(segment).get("new_per_month"))
            opening = _numbers(_mapping(segment).get("opening"))
            accounts[name] = sum(opening) + (sum(new) if len(new) > 1 else sum(new) * months)
        total = sum(accounts.values())
        if total > MOST_ACCOUNTS:
            allowed = f"up to {MOST_ACCOUNTS:,} over the horizon, those that leave included"
            yield self.document.problem(("accounts",), "too many accounts", f"{total:,.0f}", allowed)
            total, accounts = 0.0, {}  # one fault, not one for each of what they do

        month = 31 * timegrid.DAY_SECONDS
        slots = 0.0 if self.grid is None else month / self.grid.interval
        events: dict[Steps, float] = {}
        for name, number in accounts.items():
            for queue, each in _mapping(_mapping(self.segments[name]).get("contacts_per_month")).items():
                events["accounts", name, "contacts_per_month", queue] = number * sum(_numbers(each))
        for name, activity in self.activities.items():
            each = sum(_numbers(_mapping(activity).get("per_month")))
            events["success", "activities", name, "per_month"] = total * each
        for name, queue in self.queues.items():
            arrivals = _mapping(_mapping(queue).get("arrivals"))
            steps: Steps = ("support", "queues", name, "arrivals")
            events[*steps, "per_month"] = max(_numbers(arrivals.get("per_month")), default=0.0)
            events[*steps, "rate"] = month * (_read(units.rate, arrivals.get("rate")) or 0.0)
            events[*steps, "table"] = slots * max(_numbers(arrivals.get("table")), default=0.0)
        for at, number in events.items():
            if number > MOST_EVENTS:
                message = "too many tasks" if at[0] == "success" else "too many contacts"
                found, allowed = f"{number:,.0f} a month", f"up to {MOST_EVENTS:,} a month"
                yield self.document.problem(at, message, found, allowed)

    def present(self) -> Iterator[Problem]:
        """Accounts that are listed are there when the horizon begins, each once, and as many as are said to be."""
        for segment, given in self.segments.items():
            listed, opening = _mapping(given).get("present"), _mapping(given).get("opening")
            steps = ("accounts", segment, "present")
            rows = [_mapping(row) for row in listed] if isinstance(listed, list | tuple) else []
            if rows and isinstance(opening, int) and opening != len(rows):
                allowed = f"{len(rows)}, as present lists them; or leave it out"
                yield self.document.problem(
                    ("accounts", segment, "opening"), "the accounts are counted twice", str(opening), allowed
                )
            seen: set[str] = set()
            for i, row in enumerate(rows):
                name, start = str(row.get("account")), _read(date, row.get("start"))
                if name in seen:
                    yield self.document.problem((*steps, i, "account"), "the account stands twice", name, "each once")
                seen.add(name)
                if start is not None and self.grid is not None and start >= self.grid.start:
                    message, allowed = "the account starts after the horizon does", f"a day before {self.grid.start}"
                    yield self.document.problem((*steps, i, "start"), message, str(start), allowed)

    def owners(self) -> Iterator[Problem]:
        """A team that has its segments alone needs a head for every CSM who is named as an owner there."""
        for name, team in self.teams.items():
            segments, heads = _names(_mapping(team).get("segments")), _mapping(team).get("headcount")
            others = [_names(_mapping(other).get("segments")) for key, other in self.teams.items() if key != name]
            if not isinstance(heads, int) or any(set(segments) & set(theirs) for theirs in others):
                continue
            listed = [_mapping(self.segments.get(segment)).get("present") for segment in segments]
            rows = [_mapping(row) for rows in listed if isinstance(rows, list | tuple) for row in rows]
            owners = {str(row["owner"]) for row in rows if row.get("owner")}
            if len(owners) > heads:
                message = f"its accounts have {len(owners)} owners"
                found, allowed = str(heads), f"at least {len(owners)} heads"
                yield self.document.problem(("success", "teams", name, "headcount"), message, found, allowed)

    # --- success ---

    def success(self) -> Iterator[Problem]:
        here: Steps = ("success",)
        if not self.segments:
            yield self.problem(here, "success needs accounts, there are none")
            return
        if not self.teams:
            yield self.problem((*here, "teams"), "there is no team")
        owner: dict[str, str] = {}
        taken: dict[tuple[str, str], tuple[float, str]] = {}  # up to which value, by segment and phase; last by whom
        for name, team in self.teams.items():
            steps, segments = (*here, "teams", name, "segments"), _mapping(team).get("segments")
            if isinstance(segments, list | tuple) and not segments:
                yield self.problem(steps, "the team has no segment", None, self.segments)
            for i, segment in enumerate(_names(segments)):
                if segment not in self.segments:
                    owner.setdefault(_meant(segment, self.segments), name)
                    yield self.problem((*steps, i), "the team has an unknown segment", segment, self.segments)
                elif segment in _names(segments)[:i] or not (earlier := self.takes(name, segment, taken)):
                    owner.setdefault(segment, name)
                    if segment in _names(segments)[:i]:
                        yield self.document.problem(
                            (*steps, i), "the segment has two owners: the segment is named twice", segment, "once"
                        )
                else:
                    message = f"the segment has two owners: team {earlier} has it too"
                    if " and " in earlier:
                        message = f"teams {earlier} leave nothing of the segment"
                    allowed = "each segment in one team, or by phases and value_below in several, the narrower first"
                    yield self.document.problem((*steps, i), message, segment, allowed)
            at = (*here, "teams", name)
            if _mapping(team).get("phases") in ([], ()):
                yield self.problem((*at, "phases"), "the team looks after no phase", None, (*OWNED_PHASES, "loyalty"))
            if _read(units.number, _mapping(team).get("value_below")) == 0:
                message = "no account is worth less than nothing"
                yield self.document.problem((*at, "value_below"), message, "0", "an amount over 0, or none")
            for i, segment in enumerate(_names(_mapping(team).get("pooled_segments"))):
                if segment not in _names(segments):
                    at = (*here, "teams", name, "pooled_segments", i)
                    yield self.problem(at, "the team does not have the segment", segment, _names(segments))
        all_said = all(_names(_mapping(team).get("segments")) for team in self.teams.values())  # else that is the fault
        for segment in [name for name in self.segments if self.teams and all_said and name not in owner]:
            allowed = f"a team whose segments hold {segment}; nobody there: headcount 0"
            yield self.document.problem(("accounts", segment), "no team has the segment", segment, allowed)
        for segment in [name for name in owner if all_said and any(taken.get((name, p)) for p in OWNED_PHASES)]:
            for phase in OWNED_PHASES:
                if (bound := taken.get((segment, phase), (0.0, ""))[0]) < math.inf:
                    message = f"no team looks after its accounts in {phase}"
                    if bound > 0:
                        message += f" of an expected lifetime value of {bound:.15g} or more"
                    allowed = f"a team whose segments hold {segment} with this phase, without value_below"
                    yield self.document.problem(("accounts", segment), message, segment, allowed)
        for name, activity in self.activities.items():
            yield from self.shortening((*here, "activities", name), _mapping(activity))
            yield from self.happens((*here, "activities", name), _mapping(activity))
            yield from self.answered((*here, "activities", name), _mapping(activity))
            steps = (*here, "activities", name, "segments")
            covered = _mapping(_mapping(activity).get("segments"))
            if covered == {} and isinstance(_mapping(activity).get("segments"), Mapping):
                yield self.problem(steps, "the activity is for no segment", None, self.segments)
            for segment in covered:
                if segment not in self.segments:
                    yield self.problem(
                        (*steps, segment), "the activity is for an unknown segment", segment, self.segments
                    )
        yield from self.milestones()
        for name, survey in self.surveys.items():
            for segment in _mapping(_mapping(survey).get("segments")):
                if segment not in self.segments:
                    steps = (*here, "surveys", name, "segments", segment)
                    yield self.problem(steps, "the survey is for an unknown segment", segment, self.segments)
        for name in self.on_time:
            if name != "all" and name not in self.activities:
                steps = (*here, "targets", "on_time", name)
                yield self.problem(steps, "the target is for an unknown activity", name, [*self.activities, "all"])

    def takes(self, name: str, segment: str, taken: dict[tuple[str, str], tuple[float, str]]) -> str | None:
        """Note in ``taken`` what a team looks after in a segment; the teams that leave it nothing, None where it gets
        some. A team without a phase that can be read gets what it asks for."""
        team = _mapping(self.teams[name])
        earlier: dict[str, None] = {}
        below = team.get("value_below")
        bound = math.inf if below is None else _read(units.number, below)
        named = _names(team.get("phases", OWNED_PHASES))
        phases = [phase for phase in OWNED_PHASES if phase in named or (phase == "expansion" and "loyalty" in named)]
        if not set(named) <= {*OWNED_PHASES, "loyalty"}:  # another fault
            phases = list(OWNED_PHASES)
        gets = bound is None or not phases
        for phase in phases:
            before, whose = taken.get((segment, phase), (0.0, ""))
            if bound is None or bound > before:  # what cannot be read is another fault, or is uncertain
                taken[segment, phase] = (before if bound is None else bound, name)
                gets = True
            else:
                earlier |= {whose: None} if whose else {}
        return None if gets else " and ".join(earlier)

    def shortening(self, steps: Steps, activity: dict[str, Any]) -> Iterator[Problem]:
        """A share that work is cut short to needs work that is cut short."""
        share = activity.get("shortened_to")
        if activity.get("late", "continue") != "shorten" and _read(units.share, share) not in (None, 0.5):
            message, allowed = "the work is not cut short", "late: shorten beside it"
            yield self.document.problem((*steps, "shortened_to"), message, shown(share), allowed)

    def happens(self, steps: Steps, activity: dict[str, Any]) -> Iterator[Problem]:
        """Some account can have the activity within the horizon."""
        covered = [
            _mapping(self.segments[name])
            for name, share in _mapping(activity.get("segments")).items()
            if name in self.segments and _read(units.share, share) != 0
        ]
        if not covered:
            return
        phases = _names(activity.get("phases"))
        if phases and self.grid is not None and not any(self.reaches(one, phases, self.grid.months) for one in covered):
            message, allowed = "no account can be in such a phase within the horizon", "a phase that accounts reach"
            yield self.document.problem((*steps, "phases"), message, ", ".join(phases), allowed)
        terms = [_read(units.months, one.get("term", "1 month")) for one in covered]
        if activity.get("trigger") == "renewal" and all(term is not None and term <= 1 for term in terms):
            message, allowed = "no account that is covered has a term to renew", "a segment with a term over 1 month"
            yield self.document.problem((*steps, "trigger"), message, "renewal", allowed)
        if activity.get("trigger") == "health" and not any(_mapping(one.get("usage")) for one in covered):
            message, allowed = "no account that is covered has usage", "a segment with usage"
            yield self.document.problem((*steps, "trigger"), message, "health", allowed)
        yield from self.window(steps, activity)

    def answered(self, steps: Steps, activity: dict[str, Any]) -> Iterator[Problem]:
        """A survey whose answers make work is there, and may be answered so."""
        name, scores = activity.get("survey"), activity.get("scores")
        if not isinstance(name, str):
            return
        if name not in self.surveys:
            message = "the activity follows on an unknown survey"
            yield self.problem((*steps, "survey"), message, name, self.surveys)
            return
        low, high = SCALES.get(str(_mapping(self.surveys[name]).get("kind")), (None, None))
        whole = isinstance(scores, list | tuple) and all(isinstance(score, int) for score in scores)
        if low is not None and whole and scores and not low <= min(scores) <= max(scores) <= high:
            allowed = f"scores from {low} to {high}"
            yield self.document.problem((*steps, "scores"), "the survey has no such answers", shown(scores), allowed)

    def milestones(self) -> Iterator[Problem]:
        """A milestone takes activities that are there and cover the segment."""
        for segment, given in self.segments.items():
            names = _mapping(_mapping(given).get("milestone")).get("activities")
            for i, name in enumerate(_names(names)):
                steps = ("accounts", segment, "milestone", "activities", i)
                if name not in self.activities:
                    yield self.problem(steps, "the milestone takes an unknown activity", name, self.activities)
                elif not _read(units.share, _mapping(_mapping(self.activities[name]).get("segments")).get(segment)):
                    allowed = f"an activity whose segments hold {segment}"
                    yield self.document.problem(steps, "the activity does not cover the segment", name, allowed)

    def reaches(self, segment: dict[str, Any], phases: list[str], months: int) -> bool:
        """Can an account of the segment be in one of the phases in some month? True where that cannot be read."""
        given = {"onboarding": "3 months", "adoption": "6 months", "opening_age": "24 months", "term": "1 month"}
        onboarding, adoption, age, term = (_read(units.months, segment.get(n, value)) for n, value in given.items())
        opening = segment.get("opening")
        if None in (onboarding, adoption, age, term) or not isinstance(opening, int):
            return True
        oldest = months + (max(-(-age // max(term, 1)), 1) * max(term, 1) if opening else 0)
        reached = {"onboarding": onboarding > 0, "adoption": adoption > 0 and onboarding < oldest}
        return any(reached.get(phase, onboarding + adoption < oldest) for phase in phases)

    def window(self, steps: Steps, activity: dict[str, Any]) -> Iterator[Problem]:
        """A window is no longer than its period, and one of them lies in the horizon."""
        months = EVERY_MONTHS.get(str(activity.get("every")))
        weeks = _read(last_weeks, activity.get("window"))
        if months is None or not weeks or self.grid is None:
            return
        found = shown(activity["window"])
        most = months * 31 // 7
        if weeks > most:
            allowed = f"up to {most} weeks, the length of the period"
            yield self.document.problem((*steps, "window"), "the window is longer than its period", found, allowed)
        elif activity.get("spread", "calendar") == "calendar":
            opening = (timegrid.add_months(self.grid.start, months) - self.grid.start).days - 7 * weeks
            if opening >= self.grid.days:
                message = "the window lies outside the horizon"
                allowed = f"a window within the first {self.grid.days} days, or a longer horizon"
                yield self.document.problem((*steps, "window"), message, found, allowed)

    # --- calendars ---

    def months(self, value: Any, slot: Slot, steps: Steps) -> Iterator[Problem]:
        """Lists by month are as long as the horizon."""
        if self.calendar is None:
            return
        count = self.calendar.months or 1
        for key, item in _mapping(value).items():
            below = child(slot, key)
            if below is None or steps[:1] == ("variants",):
                continue
            if below.canonical is canonical_by_month and isinstance(item, list) and len(item) not in (1, count):
                allowed = f"one number, or {count}, one per month"
                yield self.document.problem(
                    (*steps, key), "the list does not fit the horizon", f"{len(item)} numbers", allowed
                )
            yield from self.months(item, below, (*steps, key))

    def calendars(self) -> Iterator[Problem]:
        grid, calendar = self.grid, self.calendar
        if grid is None or calendar is None:
            return
        if calendar.warm_up >= grid.day_start[-1]:
            found, allowed = shown(self.data["calendar"].get("warm_up")), f"less than {grid.days} days"
            yield self.document.problem(
                ("calendar", "warm_up"), "the warm-up is as long as the horizon", found, allowed
            )
        for name, queue in self.queues.items():
            yield from self.opening(grid, ("support", "queues", name, "hours"), _mapping(queue).get("hours", "always"))
        for name, shift in self.shifts.items():
            yield from self.whole_intervals(grid, ("support", "shifts", name), shift)
        for name, group in self.groups.items():
            yield from self.on_duty(grid, ("support", "groups", name, "shifts"), _mapping(group))
        for name, team in self.teams.items():
            yield from self.working(grid, ("success", "teams", name), _mapping(team))
        yield from self.spent(grid)
        staffed = [(("support", "groups", n), g) for n, g in self.groups.items()]
        staffed += [(("success", "teams", n), t) for n, t in self.teams.items()]
        for steps, unit in staffed:
            yield from self.heads(grid, steps, _mapping(unit))

    def share_of_revenue(self) -> Iterator[Problem]:
        """A share of revenue needs accounts that pay."""
        given = _mapping(self.data.get("budget")).get("share_of_mrr")
        paying = [_mapping(segment).get("mrr") for segment in self.segments.values()]
        if given is not None and all(mrr is None or _read(units.number, mrr) == 0 for mrr in paying):
            message, allowed = "no account pays anything to take a share of", "accounts with mrr"
            yield self.document.problem(("budget", "share_of_mrr"), message, shown(given), allowed)

    def spent(self, grid: timegrid.TimeGrid) -> Iterator[Problem]:
        """Actuals are of months before the horizon, one after the other up to it."""
        first = int(grid.month_labels[0][:4]) * 12 + int(grid.month_labels[0][5:]) - 1
        months = [m for m in _mapping(_mapping(self.data.get("budget")).get("spent")) if _is_month(m)]
        expected = [f"{n // 12}-{n % 12 + 1:02d}" for n in range(first - len(months), first)]
        for month in months:
            if month not in expected:
                message = "actuals are of the months right before the horizon, without a gap"
                allowed = f"{expected[0]} to {expected[-1]}" if len(expected) > 1 else expected[0]
                yield self.document.problem(("budget", "spent", month), message, month, allowed)

    def heads(self, grid: timegrid.TimeGrid, steps: Steps, unit: dict[str, Any]) -> Iterator[Problem]:
        """Who comes, goes and is there fits the horizon and the headcount."""
        known = grid.month_labels
        for name, message, allowed in (
            ("hires", "the month is outside the horizon", f"{known[0]} to {known[-1]}"),
            ("contractors", "the month is outside the horizon", f"{known[0]} to {known[-1]}"),
            ("joined", "the month is not before the horizon", f"before {known[0]}"),
            ("open_requisitions", "the month is not before the horizon", f"before {known[0]}"),
            ("leaving", "the month is before the horizon", f"{known[0]} or later"),
        ):
            for month in _mapping(unit.get(name)):
                if not _is_month(month):
                    continue
                before = month < known[0]
                inside = month in known
                if {"hires": inside, "contractors": inside, "leaving": not before}.get(name, before):
                    continue
                yield self.document.problem((*steps, name, month), message, month, allowed)
        yield from self.falls(grid, steps, unit)
        counts = [n for name in ("joined", "leaving") for n in _mapping(unit.get(name)).values() if isinstance(n, int)]
        headcount = _read(units.number, unit.get("headcount", 0))
        if headcount is not None and sum(counts) > max(headcount, 0):
            message = "more heads joined of late or are leaving than there are"
            yield self.document.problem(
                (*steps, "headcount"), message, f"{sum(counts)} of {headcount:g}", "at most the headcount"
            )

    def falls(self, grid: timegrid.TimeGrid, steps: Steps, unit: dict[str, Any]) -> Iterator[Problem]:
        """A plan falls where layoffs are allowed, after the first month, and not below nobody."""
        plan = _mapping(unit.get("hires"))
        there = unit.get("headcount", 0)
        there = there + sum(_numbers(unit.get("open_requisitions"))) if isinstance(there, int) else math.inf
        for month in sorted(month for month in plan if month in grid.month_labels and isinstance(plan[month], int)):
            count, at = plan[month], (*steps, "hires", month)
            there += count
            if count >= 0:
                continue
            if _mapping(self.data.get("hiring")).get("layoffs") is None:
                message, allowed = "the plan lets people go, and layoffs are not allowed", "starts; or hiring.layoffs"
                yield self.document.problem(at, message, str(count), allowed)
            elif month == grid.month_labels[0]:
                message, allowed = "nobody can be told before the horizon", "a later month, or a lower headcount"
                yield self.document.problem(at, message, str(count), allowed)
            elif there < 0:
                message, allowed = "the plan lets more heads go than it has", f"{-count + there:g} at most"
                yield self.document.problem(at, message, str(count), allowed)

    def opening(self, grid: timegrid.TimeGrid, steps: Steps, hours: Any) -> Iterator[Problem]:
        """A queue opens in every month, at times that are starts of intervals."""
        table = _hours(hours)
        if table is None:
            return
        edges = {second for spans in table.values() for span in spans for second in span}
        odd = sorted(second for second in edges if second % grid.interval)
        if odd:
            found = ", ".join(timegrid.clock(second) for second in odd)
            allowed = f"multiples of the interval, {units.format_seconds(grid.interval)}"
            yield self.document.problem(steps, "the hours cut an interval in two", found, allowed)
            return
        kinds = [kind for kind, spans in table.items() if spans]
        yield from self.each_month(grid, steps, kinds, "the queue is never open", "the queue is not open in")

    def whole_intervals(self, grid: timegrid.TimeGrid, steps: Steps, shift: Any) -> Iterator[Problem]:
        """Agents are there for whole intervals: a shift and its breaks begin and end with one."""
        made = _read(Shift.model_validate, shift)
        if made is None:
            return
        allowed = f"multiples of the interval, {units.format_seconds(grid.interval)}"
        odd = [text for text in made.start if timegrid.clock_seconds(text) % grid.interval]
        if odd:
            yield self.document.problem((*steps, "start"), "the shift starts within an interval", odd[0], allowed)
        if made.length % grid.interval:
            found = units.format_seconds(made.length)
            yield self.document.problem((*steps, "length"), "the shift ends within an interval", found, allowed)
        for i, pause in enumerate(made.breaks):
            for name, value in (("length", pause.length), ("after", pause.after), ("latest", pause.latest or 0.0)):
                if value % grid.interval:
                    message = "the break is no whole number of intervals"
                    hint = f"{allowed}; a finer calendar.interval; or shrinkage for breaks so short"
                    yield self.document.problem((*steps, "breaks", i, name), message, units.format_seconds(value), hint)

    def on_duty(self, grid: timegrid.TimeGrid, steps: Steps, group: dict[str, Any]) -> Iterator[Problem]:
        """The shifts of a group bring somebody there while one of its queues is open."""
        found = [_read(Shift.model_validate, self.shifts.get(name)) for name in _names(group.get("shifts"))]
        tables = [_hours(_mapping(self.queues.get(q)).get("hours", ALWAYS)) for q in _names(group.get("serves"))]
        day = timegrid.DAY_SECONDS
        shifts, opening = [s for s in found if s is not None], [t for t in tables if t is not None]
        if not shifts or len(shifts) < len(found) or not opening or len(opening) < len(tables):
            return
        for shift in shifts:
            kinds = [kind for days in shift.days for kind in timegrid.day_kinds(days)]
            stints = [(timegrid.clock_seconds(text), kind) for text in shift.start for kind in kinds]
            for (begin, kind), table in itertools.product(stints, opening):
                end = begin + shift.length
                after = table.get((kind + 1) % 7, []) if end > day else []
                spans = [*table.get(kind, []), *((a + day, b + day) for a, b in after)]
                if any(a < end and begin < b for a, b in spans):
                    return
        yield self.document.problem(steps, "no queue of the group is open while its shifts work")

    def working(self, grid: timegrid.TimeGrid, steps: Steps, team: dict[str, Any]) -> Iterator[Problem]:
        """A team works in every month, and its week fits its hours."""
        table = _hours(team.get("working_hours", {"mon-fri": "09:00-18:00"}))
        if table is None:
            return
        at = (*steps, "working_hours") if "working_hours" in team else steps
        kinds = [kind for kind, spans in table.items() if spans]
        yield from self.each_month(grid, at, kinds, "the team never works", "the team has no working day in")
        span = (
            sum(last - first for kind in WEEKDAY_KINDS for first, last in table.get(kind, [])) / timegrid.HOUR_SECONDS
        )
        week = _read(units.number, team.get("hours_per_week", 40))
        if week is not None and 0 < span < week <= 168:
            allowed = f"up to {span:g} h, the span of the working hours"
            message = "the hours per week do not fit into the working hours"
            yield self.document.problem((*steps, "hours_per_week"), message, f"{week:g} h", allowed)
        if week is None or not 0 < week <= 168:
            return
        overtime = (_read(units.seconds, team.get("overtime")) or 0.0) / timegrid.HOUR_SECONDS
        if overtime > 168 - week:
            message = "hours and overtime are more than a week has"
            yield self.document.problem((*steps, "overtime"), message, f"{overtime:g} h", f"up to {168 - week:g} h")
        cap = _read(units.seconds, _mapping(_mapping(self.data.get("hiring")).get("overtime")).get("most_per_month"))
        if cap is not None and overtime * WEEKS_IN_A_MONTH > cap / timegrid.HOUR_SECONDS + 1e-9:
            most = cap / timegrid.HOUR_SECONDS
            message = "so much overtime a week can exceed what hiring.overtime allows a month"
            allowed = f"up to {most / WEEKS_IN_A_MONTH:.4g} h, for {most:g} h in a month of 31 days"
            yield self.document.problem((*steps, "overtime"), message, f"{overtime:g} h", allowed)
        weekdays = [kind for kind in WEEKDAY_KINDS if table.get(kind)]
        share = _read(units.share, team.get("customer_time", 1))
        if weekdays and share is not None:
            free = week / len(weekdays) * share
            focus = (_read(units.seconds, team.get("focus")) or 0.0) / timegrid.HOUR_SECONDS
            if focus >= free > 0:
                message, allowed = "no time is left for meetings", f"less than {free:g} h, what internal time leaves"
                yield self.document.problem((*steps, "focus"), message, f"{focus:g} h", allowed)

    def each_month(
        self, grid: timegrid.TimeGrid, steps: Steps, kinds: list[int], never: str, not_in: str
    ) -> Iterator[Problem]:
        day_open = np.isin(grid.day_kind(), kinds)
        count = np.bincount(grid.month_of_day[day_open], minlength=grid.months)
        closed = [label for label, days in zip(grid.month_labels, count, strict=True) if days == 0]
        if len(closed) == grid.months:
            yield self.document.problem(steps, never, None, "at least one day in every month of the horizon")
        elif closed:
            allowed = "at least one day in every month"
            yield self.document.problem(steps, f"{not_in} {', '.join(closed)}", None, allowed)

    # --- placeholders ---

    def placeholders(self) -> Iterator[Problem]:
        for path in _mapping(self.data.get("placeholders")):
            try:
                locate(self.data, path)
            except ValueRefused as fault:
                message = f"the placeholder names no value: {fault}"
                yield self.document.problem(("placeholders", path), message, path, fault.allowed, fault.nearest)


def _some(names: list[str]) -> str:
    """The first few names of a list that may be long."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _hours(value: Any) -> dict[int, list[tuple[float, float]]] | None:
    if not isinstance(value, Mapping):
        return None
    try:
        return timegrid.parse_hours(value)
    except ValueError:
        return None


def _is_month(text: str) -> bool:
    return len(text) == 7 and text[:4].isdigit() and text[4] == "-" and text[5:] in {f"{m:02d}" for m in range(1, 13)}
