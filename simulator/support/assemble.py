"""A frozen scenario as the flat arrays of the support wing."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator import randomness, timegrid, units
from simulator.distributions import LawBook, LawTables, gamma, with_zero
from simulator.scenario.schema import Away, Calendar, Escalation, Group, Queue, Resolution, Scenario, Support
from simulator.support import demand, shifts, staffing
from simulator.support.tables import Contacts, SupportTables, Transfer
from simulator.timegrid import TimeGrid


@dataclass(frozen=True, eq=False)
class SupportModel:
    """Everything the support engines need of one scenario (of one input draw).

    Attributes:
        backlog: int64 (Q,), contacts that wait when the horizon opens.
    """

    tables: SupportTables
    arrivals: demand.ArrivalTables
    backlog: NDArray[np.int64]

    def opening(self, contacts: Contacts, seed: int, replication: int) -> Contacts:
        """The contacts of the first month, after those of the backlog, who come as the horizon opens."""
        count = int(self.backlog.sum())
        if not count:
            return contacts
        queue = np.repeat(np.arange(self.backlog.size), self.backlog)
        streams = [
            randomness.keys(randomness.stream(seed, replication, f"support.backlog.{name}"), np.arange(waiting))
            for name, waiting in zip(self.tables.queue_names, self.backlog.tolist(), strict=True)
        ]
        return Contacts(
            np.append(np.full(count, self.arrivals.interval_start[0]), contacts.time),
            np.append(np.zeros(count, dtype=np.int64), contacts.interval),
            np.append(queue, contacts.queue),
            np.concatenate([*streams, contacts.key]),
            np.append(np.full(count, -1), contacts.account),
        )


def build(scenario: Scenario, grid: TimeGrid) -> SupportModel:
    """Tables of the support wing. The scenario must have one."""
    support = scenario.support
    assert support is not None
    backlog = np.array([queue.opening_backlog for queue in support.queues.values()], dtype=np.int64)
    return SupportModel(_engine_tables(support, grid), _arrival_tables(scenario, support, grid), backlog)


def _engine_tables(support: Support, grid: TimeGrid) -> SupportTables:
    queues, groups = list(support.queues), list(support.groups)
    shape = (len(queues), len(groups))
    book = LawBook()
    talk, after_call = np.full(shape, -1, dtype=np.int64), np.full(shape, -1, dtype=np.int64)
    priority, level = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    after, reserve = np.zeros(shape), np.zeros(shape, dtype=np.int64)
    for g, group in enumerate(support.groups.values()):
        for name, serves in group.serves.items():
            q = queues.index(name)
            queue = support.queues[name]
            factor = group.handle_time_factor * serves.handle_time_factor
            talk[q, g] = book.row((serves.talk or queue.talk).law.scaled(factor))
            wrap_up = serves.after_call or queue.after_call
            if wrap_up.mean > 0:
                after_call[q, g] = book.row(wrap_up.law.scaled(factor))
            priority[q, g], level[q, g], after[q, g] = serves.priority, serves.level, serves.after
            reserve[q, g] = serves.reserve
    line_pool, line_capacity = _line_pools(support)
    items = list(support.queues.values())
    delays = [group.answer_delay for group in support.groups.values()]
    always = np.zeros((len(items), 0), dtype=np.bool_)
    opening = np.array([grid.open_intervals(q.hours) for q in items])
    dropping = np.array([(q.at_closing == "drop") & ~is_open for q, is_open in zip(items, opening, strict=True)])
    resolutions = [queue.resolution for queue in items]
    callbacks = [queue.callback for queue in items]
    return SupportTables(
        queue_names=tuple(queues),
        group_names=tuple(groups),
        patience=np.array([book.row(q.patience.law) if q.patience else -1 for q in items], dtype=np.int64),
        talk=talk,
        after_call=after_call,
        priority=priority,
        level=level,
        escalation_to=np.array([queues.index(q.escalation.to) if q.escalation else -1 for q in items], dtype=np.int64),
        escalation_probability=np.array([q.escalation.probability if q.escalation else 0.0 for q in items]),
        line_pool=line_pool,
        line_capacity=line_capacity,
        answer_within=np.array([q.threshold for q in items]),
        short_abandon=np.array([q.threshold if q.short_abandon is None else q.short_abandon for q in items]),
        balking=np.array([q.balking for q in items]),
        redial_probability=np.array([q.redial.probability if q.redial else 0.0 for q in items]),
        redial_attempts=np.array([q.redial.attempts if q.redial else 0 for q in items], dtype=np.int64),
        redial_delay=np.array([book.row(q.redial.delay.law) if q.redial else -1 for q in items], dtype=np.int64),
        transfer=np.array([_way(q.escalation.transfer) if q.escalation else Transfer.COLD for q in items], np.int64),
        hold_limit=np.array([_hold_limit(q.escalation) for q in items]),
        hold_fallback=np.array([_way(q.escalation.then) if q.escalation else Transfer.COLD for q in items], np.int64),
        conference=np.array([_conference(q.escalation, book) for q in items], dtype=np.int64),
        carries_age=np.array([q.escalation is not None and q.escalation.age == "carries_over" for q in items]),
        answer_delay=np.array([book.row(d.law) if d.mean > 0 else -1 for d in delays], dtype=np.int64),
        dropping=dropping if dropping.any() else always,
        after=after,
        head_start=np.array([q.head_start for q in items]),
        away=np.array([_away(group.away, book) for group in support.groups.values()], dtype=np.int64),
        inquiries=any(resolutions),
        resolution=np.array([r.probability if r else 1.0 for r in resolutions]),
        repeat_attempts=np.array([r.attempts if r else 0 for r in resolutions], dtype=np.int64),
        repeat_delay=np.array([book.row(r.delay.law) if r else -1 for r in resolutions], dtype=np.int64),
        repeat_to=np.array([queues.index(r.to) if r and r.to else -1 for r in resolutions], dtype=np.int64),
        resolution_within=np.array([r.within if r else _WEEK for r in resolutions]),
        opening=always if opening.all() else opening,
        deferrable=np.array([q.channel == "email" for q in items]),
        business_time=np.array([q.business_time for q in items]),
        reserve=reserve,
        callback_threshold=np.array([c.threshold if c else np.inf for c in callbacks]),
        callback_handle=np.array([q.talk.mean + q.after_call.mean for q in items]),
        callback_acceptance=np.array([c.acceptance if c else 0.0 for c in callbacks]),
        callback_attempts=np.array([c.attempts if c else 1 for c in callbacks], dtype=np.int64),
        dialling=np.array([book.row(c.dialling.law) if c and c.dialling.mean > 0 else -1 for c in callbacks], np.int64),
        no_answer=np.array([c.no_answer if c else 0.0 for c in callbacks]),
        retry_delay=np.array([book.row(c.retry.law) if c and c.retry.mean > 0 else -1 for c in callbacks], np.int64),
        chat=np.array([q.channel == "chat" for q in items]),
        concurrency=np.array([group.concurrency for group in support.groups.values()], dtype=np.int64),
        slowdown=np.array([group.slowdown for group in support.groups.values()]),
        interruptible=np.array([q.calls_first == "preempt" for q in items]),
        set_up=np.array([q.set_up for q in items]),
        laws=book.tables(),
    )


def paced(tables: SupportTables, pace: NDArray[np.float64]) -> SupportTables:
    """The tables with talk and after-call work of each group times ``pace``, float64 (G,).

    A learning curve on speed (``hiring.ramp_in_support: speed``) acts in this way: agents of a group are alike to the
    engines, so that those who are there in a month share their mean speed. With n agents of speeds v the group gets
    through n · mean(v) agents' work, hence the pace is heads ÷ effective heads; which of two calls a beginner takes is
    not told apart.
    """
    if np.all(pace == 1.0):
        return tables
    laws = tables.laws
    added: dict[tuple[int, float], int] = {}

    def rows(old: NDArray[np.int64]) -> NDArray[np.int64]:
        new = old.copy()
        for q, g in np.argwhere(old >= 0):
            if pace[g] != 1.0:
                new[q, g] = added.setdefault((int(old[q, g]), float(pace[g])), laws.scale.size + len(added))
        return new

    talk, after_call = rows(tables.talk), rows(tables.after_call)
    source = np.array([row for row, _ in added], dtype=np.int64)
    factor = np.array([f for _, f in added])
    slower = LawTables(
        np.concatenate([laws.tables, laws.tables[source]]),
        np.concatenate([laws.scale, laws.scale[source] * factor]),
        np.concatenate([laws.zero, laws.zero[source]]),
    )
    return dataclasses.replace(tables, talk=talk, after_call=after_call, laws=slower)


_WEEK = units.seconds(Resolution.model_fields["within"].default)
"""For inquiries that begin in a queue that does not say when they should be resolved."""


def _away(away: Away | None, book: LawBook) -> int:
    """The law row of an agent's time away, with an atom at 0 for those who stay; -1 all stay."""
    if away is None or away.probability <= 0 or away.duration.mean <= 0:
        return -1
    law = away.duration.law
    return book.row(with_zero(law, 1.0 - away.probability * (1.0 - law.zero)))


def _line_pools(support: Support) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pool of each queue, -1 none, and the lines of each pool. A queue's own lines are one that nobody shares."""
    names, capacity = list(support.lines), list(support.lines.values())
    pool = []
    for queue in support.queues.values():
        if isinstance(queue.lines, int):
            pool.append(len(capacity))
            capacity.append(queue.lines)
        else:
            pool.append(-1 if queue.lines is None else names.index(queue.lines))
    return np.array(pool, dtype=np.int64), np.array(capacity, dtype=np.int64)


def _way(name: str) -> Transfer:
    return Transfer[name.upper()]


def _hold_limit(escalation: Escalation | None) -> float:
    return np.inf if escalation is None or escalation.hold is None else escalation.hold


def _conference(escalation: Escalation | None, book: LawBook) -> int:
    """The law row of the conference of a warm transfer, -1 none."""
    if escalation is None or escalation.transfer != "warm" or escalation.conference.mean <= 0:
        return -1
    return book.row(escalation.conference.law)


def day_weights(table: Mapping[str, Mapping[str, float]], interval: float) -> NDArray[np.float64]:
    """A profile by day name and time as weights (8 day kinds, slots); a given time holds until the next one.

    Several times within one slot are averaged. Day kinds without a row weigh 0, except that holidays (kind 7) take
    Sunday's row and, without one, the mean of all rows: whether a holiday is open is for the opening hours to say.
    """
    slots = round(timegrid.DAY_SECONDS / interval)
    out = np.full((8, slots), np.nan)
    for day, row in table.items():
        weights = np.zeros(slots)
        times = sorted((timegrid.clock_seconds(time), weight) for time, weight in row.items())
        for slot in range(slots):
            start = slot * interval
            inside = [w for t, w in times if start <= t < start + interval]
            before = [w for t, w in times if t <= start]
            weights[slot] = float(np.mean(inside)) if inside else before[-1] if before else 0.0
        for kind in timegrid.day_kinds(day):
            out[kind] = weights
    if np.isnan(out[7, 0]):
        rows = out[6] if not np.isnan(out[6, 0]) else out[:7][~np.isnan(out[:7, 0])]
        out[7] = rows if rows.ndim == 1 else rows.mean(axis=0)
    return np.nan_to_num(out)


def _arrival_tables(scenario: Scenario, support: Support, grid: TimeGrid) -> demand.ArrivalTables:
    segments = list(scenario.accounts)
    items = list(support.queues.items())
    count = len(items)
    book = LawBook()
    rate = np.zeros((count, grid.intervals))
    profile = np.zeros((count, grid.intervals))
    factor = np.ones((grid.months, count))
    per_month = np.zeros((max(len(segments), 1), count))
    day_law, interval_law = np.full(count, -1, dtype=np.int64), np.full(count, -1, dtype=np.int64)
    day_shared, interval_memory = np.zeros(count), np.zeros(count)
    length = np.diff(grid.interval_start)
    for q, (name, queue) in enumerate(items):
        arrivals = queue.arrivals
        if arrivals is None:
            continue
        if arrivals.day_cv > 0:
            day_law[q] = book.row(gamma(1.0, cv=arrivals.day_cv))
        if arrivals.interval_cv > 0:
            interval_law[q] = book.row(gamma(1.0, cv=arrivals.interval_cv))
        day_shared[q], interval_memory[q] = arrivals.day_shared, arrivals.interval_memory
        trend = _trend(queue, grid)
        days = _days(scenario.calendar, queue, grid)
        weight = _shape(queue, grid) * length
        by_interval = np.searchsorted(grid.month_interval, np.arange(grid.intervals), side="right") - 1
        part = _parts(weight, by_interval)
        each = trend[by_interval] * days[grid.interval_day]
        if arrivals.origin == "accounts":
            # days with more contacts than the calendar says add to the month
            uneven = part * days[grid.interval_day]
            month_sum = np.bincount(by_interval, weights=uneven, minlength=grid.months)
            profile[q], factor[:, q] = _parts(uneven, by_interval), trend * np.where(month_sum > 0, month_sum, 1.0)
            per_month[: len(segments), q] = [s.contacts_per_month.get(name, 0.0) for s in scenario.accounts.values()]
        if arrivals.per_month is not None:
            volume = np.resize(arrivals.per_month, grid.months)
            rate[q] = volume[by_interval] * part / length * each
        elif arrivals.rate is not None:
            rate[q] = arrivals.rate * _comes(queue, grid) * each
        elif arrivals.table is not None:
            counts = day_weights(arrivals.table, grid.interval)[grid.day_kind()[grid.interval_day], grid.interval_slot]
            rate[q] = counts * _comes(queue, grid) / (arrivals.table_interval or length) * each
        elif arrivals.dated is not None:
            totals, place = arrivals.dated.on(grid)
            rate[q] = np.nan_to_num(totals)[place] * _parts(weight, place) / length * each
    return demand.arrival_tables(
        grid,
        tuple(support.queues),
        rate=rate,
        profile=profile,
        contacts_per_month=per_month,
        account_factor=factor,
        day_law=day_law,
        day_shared=day_shared,
        interval_law=interval_law,
        interval_memory=interval_memory,
        laws=book.tables(),
    )


def _parts(weight: NDArray[np.float64], of: NDArray[np.int64]) -> NDArray[np.float64]:
    """Each weight over the sum of those with the same number in ``of``; 0 where these sum to 0."""
    total = np.bincount(of, weights=weight)[of]
    return np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)


def _comes(queue: Queue, grid: TimeGrid) -> NDArray[np.bool_]:
    """Intervals in which contacts come."""
    own = queue.arrivals.hours if queue.arrivals is not None else None
    return grid.open_intervals(own or queue.hours)


def _while_open(
    work: NDArray[np.float64], is_open: NDArray[np.bool_], length: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Work by interval, with that which comes while a queue is closed spread evenly over its next opening hours."""
    first = np.flatnonzero(is_open & ~np.append(False, is_open[:-1]))
    stretch = np.cumsum(np.isin(np.arange(is_open.size), first)) - 1
    late = np.bincount(stretch[~is_open] + 1, weights=work[~is_open], minlength=first.size + 1)[: first.size]
    size = np.bincount(stretch[is_open], weights=length[is_open], minlength=first.size)
    out = np.zeros_like(work)
    out[is_open] = work[is_open] + (late / size)[stretch[is_open]] * length[is_open]
    return out


def _shape(queue: Queue, grid: TimeGrid) -> NDArray[np.float64]:
    arrivals = queue.arrivals
    assert arrivals is not None
    kind = grid.day_kind()[grid.interval_day]
    weight = _comes(queue, grid).astype(float)
    if arrivals.weekday:
        by_kind = np.ones(8)
        for day, value in arrivals.weekday.items():
            by_kind[timegrid.day_kinds(day)] = value
        weight *= by_kind[kind]
    if arrivals.intraday:
        weight *= day_weights(arrivals.intraday, grid.interval)[kind, grid.interval_slot]
    return weight


def _trend(queue: Queue, grid: TimeGrid) -> NDArray[np.float64]:
    """Factor on the contacts of each month."""
    arrivals = queue.arrivals
    assert arrivals is not None
    month = np.arange(grid.months)
    growth = (1.0 + arrivals.growth_per_year) ** (month / 12.0)
    season = np.array([arrivals.season.get(label[5:], 1.0) for label in grid.month_labels])
    return arrivals.factor * growth * season


def _days(calendar: Calendar, queue: Queue, grid: TimeGrid) -> NDArray[np.float64]:
    """Factor on the contacts of each day: weeks of the season, holidays, events."""
    arrivals = queue.arrivals
    assert arrivals is not None
    out = np.ones(grid.days)
    if any(name.startswith("W") for name in arrivals.season):
        weeks = [f"W{date.astype(object).isocalendar().week:02d}" for date in grid.dates]
        out *= [arrivals.season.get(week, 1.0) for week in weeks]
    out[grid.holiday] *= arrivals.holiday
    if arrivals.after_holiday != 1.0:
        out[_after_holiday(calendar, queue, grid)] *= arrivals.after_holiday
    for event in arrivals.events.values():
        first, last = np.datetime64(event.first), np.datetime64(event.last or event.first)
        out[(grid.dates >= first) & (grid.dates <= last)] *= event.factor
    return out


def _after_holiday(calendar: Calendar, queue: Queue, grid: TimeGrid) -> NDArray[np.bool_]:
    """Days, no holidays themselves, on which the queue is open for the first time after a public holiday."""
    kinds = timegrid.opening_kinds(queue.hours)
    out = np.zeros(grid.days, dtype=bool)
    waiting = _holidays_before(calendar.holidays, calendar.closed, grid.start, kinds)
    for day in range(grid.days):
        if grid.holiday[day]:
            waiting = True
        elif kinds[grid.weekday[day]]:
            out[day], waiting = waiting, False
    return out


@functools.lru_cache(maxsize=64)
def _holidays_before(country: str | None, closed: tuple[dt.date, ...], start: dt.date, kinds: tuple[bool, ...]) -> bool:
    """Whether a public holiday has come after the last ordinary opening day before the horizon."""
    free = timegrid.holiday_dates(country, start - dt.timedelta(days=31), start) | set(closed)
    for back in range(1, 32):
        date = start - dt.timedelta(days=back)
        if date in free:
            return True
        if kinds[date.weekday()]:
            return False
    return False


def offered_load(
    model: SupportModel, support: Support, grid: TimeGrid, accounts: NDArray[np.float64] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What to expect without chance: contacts and work by interval.

    It is the load if every contact found an idle agent: nobody is lost, so nobody redials; nobody waits, so a warm
    transfer holds for its conference alone. A queue's work goes to the groups that are open to it first, of these to
    the first level, in proportion to their heads (or agents): the others take overflow, which a closed form cannot
    foresee. What is written while a queue is closed is worked on in its next opening hours. Agents with chats are taken
    as holding as many as they may. Escalations and repeats are expected in the interval of the contact that they
    follow.

    Args:
        accounts: expected living accounts, float64 (M, S), or None.

    Returns:
        contacts: float64 (Q, I), entries per interval with escalations and repeats.
        load: float64 (G, I), agents busy if all were answered (contacts × handle time ÷ length), 0 where closed.
    """
    tables = model.tables
    contacts = expected_entries(tables, demand.offered(model.arrivals, accounts))
    length = np.diff(grid.interval_start)
    load = np.zeros((tables.groups, grid.intervals))
    groups = list(support.groups.values())
    hours = {q: grid.open_intervals(queue.hours) for q, queue in support.queues.items()}
    for q, (name, queue) in enumerate(support.queues.items()):
        by_night = queue.arrivals is not None and queue.arrivals.hours is not None
        work = _while_open(contacts[q], hours[name], length) if by_night else contacts[q]
        served = np.flatnonzero(tables.level[q])
        served = served[tables.after[q, served] == tables.after[q, served].min(initial=np.inf)]
        first = served[tables.level[q, served] == tables.level[q, served].min()] if served.size else served
        heads = [groups[g].headcount if groups[g].agents is None else groups[g].agents for g in first]
        size = np.array(heads, dtype=float)
        part = size / size.sum() if size.sum() > 0 else np.full(len(first), 1.0 / max(len(first), 1))
        hold = tables.escalation_probability[q] * _expected_hold(support, tables, q)
        for g, share in zip(first, part, strict=True):
            load[g] += share * work * (handle_time(tables, q, int(g)) / _at_once(tables, q, g) + hold) / length
    for g, group in enumerate(groups):
        present = np.any([hours[q] for q in group.serves], axis=0)
        # a tiny load keeps quiet open intervals in the pattern without asking for an agent
        load[g] = np.where(present, np.maximum(load[g], 1e-9), 0.0)
    return contacts, load


def expected_entries(tables: SupportTables, calls: NDArray[np.float64]) -> NDArray[np.float64]:
    """Entries into each queue if all are answered: calls from outside, their escalations and their repeats.

    Args:
        calls: float64 (Q, I), contacts that arrive.
    """
    entries = np.zeros_like(calls)
    reaches = np.eye(tables.queues)  # of a call from outside by the queue that it enters: entries by queue
    for q in _tier_order(tables):
        if tables.escalation_to[q] >= 0:
            reaches[:, tables.escalation_to[q]] += reaches[:, q] * tables.escalation_probability[q]
    again = np.where(tables.repeats, (1.0 - tables.resolution), 0.0)
    again *= np.where(tables.escalation_to >= 0, 1.0 - tables.escalation_probability, 1.0)
    for repeats in range(int(tables.repeat_attempts.max(initial=0)) + 1):
        entries += reaches.T @ calls
        leaves = reaches * np.where(tables.repeat_attempts > repeats, again, 0.0)
        comes_to = np.diag(leaves[:, tables.repeat_to < 0].sum(axis=1))
        for q, to in enumerate(tables.repeat_to.tolist()):
            if to >= 0:
                comes_to[:, to] += leaves[:, q]
        calls = comes_to.T @ calls
    return entries


def _expected_hold(support: Support, tables: SupportTables, queue: int) -> float:
    """Mean seconds for which the agent of a warm transfer, or who asks, holds when the next tier has an idle agent."""
    escalation = support.queues[tables.queue_names[queue]].escalation
    if escalation is None or escalation.transfer not in ("warm", "consultation"):
        return 0.0
    delay = float(np.mean([g.answer_delay.mean for g in support.groups.values() if escalation.to in g.serves]))
    if escalation.transfer == "consultation":
        return support.queues[escalation.to].talk.mean + delay
    middle = (np.arange(400) + 0.5) / 400  # the mean of the shorter of two lengths, within some thousandths
    stays, talks = (law.law.quantile(middle) for law in (escalation.conference, support.queues[escalation.to].talk))
    return float(np.minimum.outer(stays, talks).mean()) + delay


def handle_time(tables: SupportTables, queue: int, group: int) -> float:
    """Mean seconds for which a queue's contact occupies an agent: answer delay, talk and after-call work."""
    laws = tables.laws
    parts = (tables.answer_delay[group], tables.talk[queue, group], tables.after_call[queue, group])
    rows = [int(r) for r in parts if r >= 0]
    return float(sum(laws.scale[r] * (1.0 - laws.zero[r]) for r in rows))


def _at_once(tables: SupportTables, queue: int, group: int) -> float:
    """The work on a queue that an agent with as many chats as allowed gets done in the time for the work on one."""
    chats = int(tables.concurrency[group]) if tables.chat[queue] else 1
    return chats / (1.0 + float(tables.slowdown[group]) * (chats - 1))


def _tier_order(tables: SupportTables) -> list[int]:
    """Queues such that each comes before the one it escalates to."""
    depth = {q: len(tables.tiers_after(q)) for q in range(tables.queues)}
    return sorted(depth, key=lambda q: -depth[q])


def _by_month(group: Group, grid: TimeGrid) -> tuple[NDArray[np.int64], ...]:
    """The roster that a group was given, month by month."""
    if group.roster is None:
        return ()
    agents = group.roster.held_on(grid).astype(np.int64)
    return tuple(np.split(agents, grid.month_interval[1:-1]))


def group_plans(support: Support, grid: TimeGrid, load: NDArray[np.float64]) -> tuple[staffing.GroupPlan, ...]:
    """One plan of spreading per group, from the load that planners expect."""
    plans = []
    for g, group in enumerate(support.groups.values()):
        open_kinds = np.any(
            [timegrid.open_slots(support.queues[q].hours, grid.interval).any(axis=1) for q in group.serves], axis=0
        )
        rosters: tuple[shifts.Roster, ...] = ()
        if group.shifts:
            chosen = {name: support.shifts[name] for name in group.shifts}
            rosters = tuple(shifts.Roster(shifts.tours(grid, m, load[g], chosen)) for m in range(grid.months))
            patterns = tuple(roster.tours.cells for roster in rosters)
            per_head = np.array([shifts.hours_per_person(roster.tours) for roster in rosters]) * (1 - group.divided_out)
        else:
            patterns = tuple(staffing.pattern(grid, m, load[g]) for m in range(grid.months))
            if group.agents is None:
                per_head = staffing.hours_per_head(grid, open_kinds, group.hours_per_week, group.divided_out)
            else:
                per_head = np.array([cells.hours.sum() for cells in patterns])
        plans.append(
            staffing.GroupPlan(
                patterns=patterns,
                hours_per_head=per_head,
                fixed=group.agents,
                rosters=rosters,
                on_duty=1.0 - group.divided_out,
                given=_by_month(group, grid),
            )
        )
    return tuple(plans)
