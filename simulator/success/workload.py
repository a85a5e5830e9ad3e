"""Activities to instances: what the accounts of a team ask for in one month, and the hours that this means.

Dates. A date that is a promise (kick-off by day 14, a renewal review three months before the end, a window of the
fiscal calendar) is exact: the first working second of that day; a day off moves it to the next working day, and what is
due within a span is due when the span's last working time is over. A date that is merely a rhythm (a check-in every two
weeks, a review in the account's own quarter) is laid into the working time of its calendar week in proportion, so that
dates on a weekend do not pile up on Monday, and a week of holidays delays what fell into it.

An instance belongs to the month that holds its release, and is drawn there and nowhere else: every occurrence is a
function of the account and of its number, whichever month asks. Occurrences before the horizon count as done.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from simulator import randomness
from simulator.distributions import LawTables
from simulator.kernels import draws, key, maker, uniform
from simulator.success.portfolio import (
    MONTH_DAYS,
    STAGE_PHASES,
    STAGES,
    ExpectedAccounts,
    Portfolio,
    PortfolioTables,
    month_ordinal,
    month_start_days,
    opening_by_age,
)
from simulator.success.surveys import Answers
from simulator.success.tables import DESK, ActivityTables, Instances
from simulator.timegrid import DAY_SECONDS, BusinessClock, TimeGrid

CALENDAR, CONTRACT, START, RENEWAL, RATE, PERIODIC_DAYS, ESCALATION, HANDOVER, ENTRY, USAGE, ANSWER = range(11)
"""What makes an instance. Which other columns of the tables each of them reads is said in :class:`WorkloadTables`."""

LOW, HIGH = 0, 1
"""Kinds of a spell of usage."""

ENTERED = np.array([0b0001, 0b0010, 0b1100], dtype=np.int64)
"""Phases that an account enters with each stage of its life."""

NO_AGE_LIMIT = 1 << 30
"""An ``until_age`` that no account reaches."""

_DATE = randomness.purpose("activity.date")
_GAP = randomness.purpose("activity.gap")
_DETECTION = randomness.purpose("activity.detection")
_PROGRESS = randomness.purpose("activity.progress")
_UNDER_WAY = -1  # number of the occurrence that was under way when the horizon began
_RATE_STRIDE = 1 << 20  # room for the events of one account and month beside the month's ordinal


@dataclass(frozen=True, eq=False)
class WorkloadTables:
    """When the activities of a team happen (K activities, S segments).

    Attributes:
        activity_names: K names; they are part of every key, so that another activity changes no date of the others.
        trigger: int64 (K,).
            CALENDAR: once in the window of every period of ``every_months`` months, counted from the horizon's start.
            CONTRACT: the same, with periods counted from each account's contract date.
            START: once, ``after_days`` after the contract's start, due within ``due_days``.
            RENEWAL: ``before_months`` before the end of each term, due within ``due_days``; never without a term.
            RATE: Poisson with ``per_month`` events per account and month, due within ``due_days``.
            PERIODIC_DAYS: every ``every_days`` days, shifted by the account's anchor; due within ``due_days``, or by
            the next occurrence when that is 0.
            ESCALATION: one for each contact handed over, due within ``due_days``.
            HANDOVER: when a month opens, for an account that another CSM takes over, due within ``due_days``.
            ENTRY: ``after_days`` after the account enters one of the activity's phases, if it is still in it then; due
            within ``due_days``.
            USAGE: when a spell of low or high usage is seen: ``detection`` after it began, if it lasts so long; due
            within ``due_days``.
            ANSWER: ``detection`` after the close of the month in which the account gave a survey an answer from
            ``lowest`` to ``highest``, due within ``due_days``.
        every_months, every_days: int64 (K,).
        window_days: int64 (K,), the last so many days of the period; negative: the first; 0: all of it. A window
            without working time in it has no instances.
        date_spread: float64 (K,), CALENDAR and CONTRACT: releases spread evenly (keyed by account and period) over
            this share of the window; 0 releases all of it at the opening of the window.
        after_days, due_days, before_months: int64 (K,).
        per_month: float64 (K,).
        coverage: float64 (K, S), share of the segment's accounts that get it (0 for segments the team does not serve).
            The same accounts in every period; a higher share keeps those covered.
        phases: int64 (K,), bits of :data:`simulator.success.portfolio.PHASES` in which it happens.
        from_age, until_age: int64 (K,), days since the contract's start, from the first to before the last.
        accounts_per_session: int64 (K,), one to many: one instance for up to so many accounts of a segment and month,
            held by the first of them; 0: one account each.
        phase_effort: float64 (S, 3), factor on desk work by stage (onboarding, adoption, after), for accounts that
            become self-sufficient.
        source: int64 (K,), of USAGE the kind of spell (LOW or HIGH), of ANSWER the survey; unread for others.
        lowest, highest: int64 (K,), scores of ANSWER.
        detection: int64 (K,), row of ``laws``, a delay in seconds.
        seen_per_month: float64 (K, S), of USAGE and ANSWER the expected number by account and month.
        under_way: float64 (K, longest chain), share of the covered accounts that are at each step of the activity when
            the horizon begins; due at an even (keyed) time within its span: ``due_days``, or else one period.
        laws: tables of the laws behind ``detection``.
        serves: float64 (S, 3), share of the segment's accounts that the team is expected to look after by stage of
            their life, for the sum of the work; None for all of them.
    """

    activity_names: tuple[str, ...]
    trigger: NDArray[np.int64]
    every_months: NDArray[np.int64]
    every_days: NDArray[np.int64]
    window_days: NDArray[np.int64]
    date_spread: NDArray[np.float64]
    after_days: NDArray[np.int64]
    due_days: NDArray[np.int64]
    before_months: NDArray[np.int64]
    per_month: NDArray[np.float64]
    coverage: NDArray[np.float64]
    phases: NDArray[np.int64]
    from_age: NDArray[np.int64]
    until_age: NDArray[np.int64]
    accounts_per_session: NDArray[np.int64]
    phase_effort: NDArray[np.float64]
    source: NDArray[np.int64]
    lowest: NDArray[np.int64]
    highest: NDArray[np.int64]
    detection: NDArray[np.int64]
    seen_per_month: NDArray[np.float64]
    under_way: NDArray[np.float64]
    laws: LawTables
    serves: NDArray[np.float64] | None = None


@dataclass(frozen=True, eq=False)
class Escalations:
    """Contacts that support hands to the account's owner in one month (n of them, in any order).

    Attributes:
        time: float64 (n,), elapsed seconds since the start of the horizon.
        account: int64 (n,), rows of the portfolio; negative for contacts of no account, which nobody owns.
        key: uint64 (n,), keys of the contacts.
    """

    time: NDArray[np.float64]
    account: NDArray[np.int64]
    key: NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class _Month:
    """One month of one team: the dates that every trigger needs."""

    clock: BusinessClock
    grid: TimeGrid
    number: int
    first_day: int
    end_day: int
    first: int
    end: int
    ordinal: int
    week_day: NDArray[np.float64]
    week_second: NDArray[np.float64]
    opening: NDArray[np.int64]
    earliest: int
    starts: NDArray[np.int64]

    def near(self, date: NDArray[np.floating | np.integer]) -> NDArray[np.bool_]:
        """Dates that a rhythm or days off might bring into the month (no team closes for more than a month)."""
        return (date >= self.first_day - 31) & (date < self.end_day + 7)

    def exact(self, day: NDArray[np.int64]) -> NDArray[np.int64]:
        """Business second at which the first working day on or after each horizon day opens."""
        return self.opening[np.minimum(np.maximum(day, 0), len(self.opening) - 1)]

    def rhythm(self, date: NDArray[np.float64]) -> NDArray[np.int64]:
        """Business second of a date (days, with fractions) by its share of the calendar week."""
        return np.interp(date, self.week_day, self.week_second).astype(np.int64)

    def month_day(self, month: NDArray[np.int64], day: NDArray[np.int64]) -> NDArray[np.int64]:
        """Horizon day of a day of any month; a day that the month does not have is its last."""
        place = month - self.earliest
        return np.minimum(self.starts[place] + day, self.starts[place + 1] - 1)


@dataclass(frozen=True, eq=False)
class _Asked:
    """What a trigger is asked for: activity ``k`` in one month, for the covered accounts (rows of the portfolio).

    ``base`` holds a word of (account, activity) for every row of the portfolio.
    """

    workload: WorkloadTables
    k: int
    frame: _Month
    tables: PortfolioTables
    portfolio: Portfolio
    account: NDArray[np.int64]
    base: NDArray[np.uint64]
    escalations: Escalations | None
    answers: Answers | None

    def windows(self, begin: NDArray[np.int64], end: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The windows in periods of days."""
        return _windows(int(self.workload.window_days[self.k]), begin, end)

    def spread(self, account: NDArray[np.int64], number: NDArray[np.int64]) -> NDArray[np.float64]:
        """Place of each release in its window, a share of it."""
        share = self.workload.date_spread[self.k]
        if share == 0.0:
            return np.zeros(len(account))
        return share * _places(self.base[account], number, _DATE)

    def delay(self, account: NDArray[np.int64], number: NDArray[np.int64]) -> NDArray[np.float64]:
        """Days until what happened to an account is seen."""
        laws, row = self.workload.laws, int(self.workload.detection[self.k])
        words = randomness.bits(_keys(self.base[account], number), _DETECTION)
        return np.asarray(draws(laws.tables, laws.scale, laws.zero, row, words)) / DAY_SECONDS

    def dated(self, account: NDArray[np.int64], day: NDArray[np.int64], number: NDArray[np.int64]) -> _Occurrences:
        """Occurrences on exact days; due when the working time of the last of ``due_days`` is over."""
        due = self.frame.exact(day + self.workload.due_days[self.k] + 1)
        return _Occurrences(account, day.astype(float), self.frame.exact(day), due, number)


@dataclass(frozen=True, eq=False)
class _Occurrences:
    """Candidates of one activity: portfolio rows, nominal date (horizon day, with fractions), release, due, number; and
    the place in the chain at which they begin, where that is not the first."""

    account: NDArray[np.int64]
    date: NDArray[np.float64]
    release: NDArray[np.int64]
    due: NDArray[np.int64]
    number: NDArray[np.integer]
    step: NDArray[np.int64] | None = None


def draw_month(
    workload: WorkloadTables,
    tables: PortfolioTables,
    portfolio: Portfolio,
    clock: BusinessClock,
    grid: TimeGrid,
    month: int,
    escalations: Escalations | None = None,
    *,
    answers: Answers | None = None,
    handovers: bool = False,
    mine: NDArray[np.bool_] | None = None,
) -> Instances:
    """The instances released in a month to the accounts served after :func:`~simulator.success.portfolio.start_month`.

    Args:
        answers: to surveys, of all months so far.
        clock: the team's clock; where it ends, later due dates end with it, so it should outlast the longest window.
        handovers: instead those of every account that would be handed over: who is depends on the team, not on demand.
        mine: bool (A,), the accounts that the team looks after in this month; None for all of its segments.
    """
    frame = _frame(workload, portfolio, clock, grid, month)
    names = workload.activity_names
    words, covered = _words(workload, portfolio), covers(workload, portfolio)
    if mine is not None:
        covered = covered & mine
    parts = []
    for k in range(len(names)):
        account, base = covered[k].nonzero()[0], words[len(names) + k]
        if not len(account) or (workload.trigger[k] == HANDOVER) != handovers:
            continue
        asked = _Asked(workload, k, frame, tables, portfolio, account, base, escalations, answers)
        sources = [_OCCURRENCES[int(workload.trigger[k])]]
        if month == 0 and workload.under_way[k].any():
            sources.append(_under_way)
        for source in sources:
            found = source(asked)
            if len(found.account):
                parts.append(_instances(asked, found))
    return _in_order(parts, len(portfolio), len(names))


def _words(workload: WorkloadTables, portfolio: Portfolio) -> NDArray[np.uint64]:
    names = workload.activity_names
    return portfolio.words(tuple(f"{use}.{name}" for use in ("coverage", "activity") for name in names))


def covers(workload: WorkloadTables, portfolio: Portfolio) -> NDArray[np.bool_]:
    """Which served accounts get each activity. Shape (K, A)."""
    words = _words(workload, portfolio)[: len(workload.activity_names)]
    bound = (workload.coverage * 2.0**53).astype(np.uint64)
    return np.asarray(portfolio.served & ((words >> np.uint64(11)) < bound[:, portfolio.segment]))


def _in_order(parts: list[Instances], accounts: int, activities: int) -> Instances:
    """One list by release, account and activity: the order of :meth:`Instances.join`, by one key for speed."""
    if not parts:
        return Instances.none()
    columns = (np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Instances))
    whole = Instances(*columns)
    order = (whole.release * accounts + whole.account) * activities + whole.activity
    return whole.take(np.argsort(order, kind="stable"))


def _frame(workload: WorkloadTables, portfolio: Portfolio, clock: BusinessClock, grid: TimeGrid, month: int) -> _Month:
    last_day = len(clock.first_from_day) - 1
    mondays = np.arange(7 - int(grid.weekday[0]), last_day, 7)
    week_day = np.concatenate([[0], mondays, [last_day]])
    first_day, end_day = int(grid.month_day[month]), int(grid.month_day[month + 1])
    opening = clock.start[clock.first_from_day]
    reach = int(workload.every_months.max(initial=1))
    earliest = min(int(portfolio.contract_month.min(initial=0)), month - reach) - 1
    return _Month(
        clock=clock,
        grid=grid,
        number=month,
        first_day=first_day,
        end_day=end_day,
        first=int(opening[first_day]),
        end=int(opening[end_day]),
        ordinal=month_ordinal(grid, month),
        week_day=week_day.astype(float),
        week_second=opening[week_day].astype(float),
        opening=opening,
        earliest=earliest,
        starts=month_start_days(grid.start, earliest, month + reach + 2),
    )


def _instances(asked: _Asked, found: _Occurrences) -> Instances:
    """The candidates that fall into the month, the phases and the ages, as instances."""
    workload, k, frame, portfolio = asked.workload, asked.k, asked.frame, asked.portfolio
    # a rhythm may lead back into the week before a contract that starts on a day off
    release = np.maximum(found.release, frame.exact(portfolio.start_day[found.account]))
    rows = ((release >= frame.first) & (release < frame.end) & (found.date >= 0)).nonzero()[0]
    account, date, release = found.account[rows], found.date[rows], release[rows]
    age = np.floor(date) - portfolio.start_day[account]
    stage = portfolio.stage(date, account)
    chosen = (
        ((STAGE_PHASES[stage] & workload.phases[k]) != 0)
        & (age >= workload.from_age[k])
        & (age < workload.until_age[k])
    ).nonzero()[0]
    rows, account, release = rows[chosen], account[chosen], release[chosen]
    effort = portfolio.effort[account] * workload.phase_effort[portfolio.segment[account], stage[chosen]]
    size = int(workload.accounts_per_session[k])
    if size > 0:
        lead = _sessions(portfolio.segment[account], release, account, size)
        rows, account, release = rows[lead], account[lead], release[lead]
        effort = np.ones(len(rows))  # a session is as long whoever is in it
    return Instances(
        release=release,
        due=np.maximum(found.due[rows], release),
        activity=np.full(len(rows), k),
        account=account,
        segment=portfolio.segment[account],
        key=_keys(asked.base[account], found.number[rows]),
        effort=effort,
        step=np.zeros(len(rows), dtype=np.int64) if found.step is None else found.step[rows],
    )


def _sessions(
    segment: NDArray[np.int64], release: NDArray[np.int64], account: NDArray[np.int64], size: int
) -> NDArray[np.int64]:
    """Rows that lead a session: every ``size``-th of a segment, by release and account."""
    order = np.lexsort((account, release, segment))
    ordered = segment[order]
    place = np.arange(len(order)) - np.searchsorted(ordered, ordered)
    return order[place % size == 0]


@maker
def _keys(base, number):
    """Keys of occurrences by the word of (account, activity) and their number."""
    out = np.empty(len(number), dtype=np.uint64)
    for i in range(len(number)):
        out[i] = key(base[i], number[i])
    return out


@maker
def _places(base, number, purpose):
    """A uniform number of each occurrence."""
    out = np.empty(len(number))
    for i in range(len(number)):
        out[i] = uniform(key(base[i], number[i]), purpose, 0)
    return out


@maker
def _events(base, first, rate, purpose):
    """Poisson events with mean ``rate`` for each word in ``base``: its row, the event's place in [0, 1) and its number.

    Unit exponential gaps are laid along the rate, so that event i keeps its number when the rate grows.
    """
    row, place, number = [0], [0.0], [first]  # a first entry gives the lists their types
    for i in range(len(base)):
        reached, count = 0.0, first
        while True:
            reached -= math.log(uniform(key(base[i], count), purpose, 0))
            if reached >= rate:
                break
            row.append(i)
            place.append(reached / rate)
            number.append(count)
            count += 1
    return np.array(row)[1:], np.array(place)[1:], np.array(number)[1:]


def _windows(
    window: int, begin: NDArray[np.int64], end: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First day and end day (the day after the last) of the window in periods of days."""
    if window > 0:
        return np.maximum(begin, end - window), end
    if window < 0:
        return begin, np.minimum(end, begin - window)
    return begin, end


def _calendar(asked: _Asked) -> _Occurrences:
    frame, every = asked.frame, int(asked.workload.every_months[asked.k])
    period = frame.number // every
    fence = np.array([period * every, (period + 1) * every]) - frame.earliest
    opening, closing = asked.windows(*frame.starts[fence, None])
    first, due = frame.exact(opening), frame.exact(closing)
    if first >= frame.end or due <= frame.first:
        return _nothing()
    # an account that joins while the window is open is first served in the next period
    account = asked.account[asked.portfolio.start_day[asked.account] <= opening]
    number = np.full(len(account), month_ordinal(frame.grid, period * every))
    spread = asked.spread(account, number)
    return _Occurrences(
        account,
        np.asarray(opening + spread * (closing - opening), dtype=float),
        first + (spread * (due - first)).astype(np.int64),
        np.repeat(due, len(account)),
        number,
    )


def _contract(asked: _Asked) -> _Occurrences:
    frame, portfolio, every = asked.frame, asked.portfolio, int(asked.workload.every_months[asked.k])
    begun = (frame.number + 1 - portfolio.contract_month[asked.account]) // every
    # periods that begin or end around the month: a rhythm may move a date over either end of it
    account, number = np.tile(asked.account, 3), np.concatenate([begun, begun - 1, begun - 2])
    account, number = account[number >= 0], number[number >= 0]
    month, day = portfolio.contract_month[account] + number * every, portfolio.contract_day[account]
    opening, closing = asked.windows(frame.month_day(month, day), frame.month_day(month + every, day))
    date = opening + portfolio.anchor[account]
    date = date + asked.spread(account, number) * (closing - date)
    near = frame.near(date)
    account, date, closing, number = account[near], date[near], closing[near], number[near]
    return _Occurrences(account, date, frame.rhythm(date), frame.exact(closing), number)


def _start(asked: _Asked) -> _Occurrences:
    day = asked.portfolio.start_day[asked.account] + asked.workload.after_days[asked.k]
    near = asked.frame.near(day)
    account = asked.account[near]
    return asked.dated(account, day[near], np.zeros_like(account))


def _renewal(asked: _Asked) -> _Occurrences:
    frame, portfolio = asked.frame, asked.portfolio
    term = asked.tables.term_months[portfolio.segment[asked.account]]
    account, term = asked.account[term > 1], term[term > 1]
    elapsed = frame.number + int(asked.workload.before_months[asked.k]) - portfolio.contract_month[account]
    # the date lies in this month, or in the one before it when days off carry it over
    shift = np.where(elapsed % term == 0, 0, 1)
    rows = (elapsed - shift) % term == 0
    account, number = account[rows], ((elapsed - shift) // term)[rows]
    day = frame.month_day(frame.number - shift[rows], portfolio.contract_day[account])
    within = (number > 0) & (day >= portfolio.start_day[account])
    return asked.dated(account[within], day[within], number[within])


def _rate(asked: _Asked) -> _Occurrences:
    frame, rate = asked.frame, float(asked.workload.per_month[asked.k])
    row, place, number = _events(asked.base[asked.account], frame.ordinal * _RATE_STRIDE, rate, _GAP)
    account = asked.account[row]
    release = frame.first + (place * (frame.end - frame.first)).astype(np.int64)
    here = release >= frame.exact(asked.portfolio.start_day[account])
    account, place, number, release = account[here], place[here], number[here], release[here]
    date = frame.first_day + place * (frame.end_day - frame.first_day)
    due = frame.exact(np.floor(date).astype(np.int64) + asked.workload.due_days[asked.k] + 1)
    return _Occurrences(account, date, release, due, number)


def _periodic(asked: _Asked) -> _Occurrences:
    frame, portfolio, every = asked.frame, asked.portfolio, int(asked.workload.every_days[asked.k])
    due_days = int(asked.workload.due_days[asked.k])
    anchor = portfolio.start_day[asked.account] + portfolio.anchor[asked.account] * every
    # a rhythm moves a date inside its calendar week only, so a week on both sides is enough
    low, high = max(frame.first_day - 7, 0), frame.end_day + 7
    first = np.maximum(np.ceil((low - anchor) / every), 0.0).astype(np.int64)
    count = math.ceil((high - low) / every)
    number = (first[:, None] + np.arange(count)).ravel()
    account = np.repeat(asked.account, count)
    date = np.repeat(anchor, count) + number * every
    due = frame.exact(np.floor(date).astype(np.int64) + due_days + 1) if due_days else frame.rhythm(date + every)
    return _Occurrences(account, date, frame.rhythm(date), due, number)


def _escalated(asked: _Asked) -> _Occurrences:
    frame, given = asked.frame, asked.escalations
    if given is None:
        return _nothing()
    covered = np.zeros(len(asked.portfolio), dtype=bool)
    covered[asked.account] = True
    rows = (given.account >= 0) & covered[given.account]
    day = np.searchsorted(frame.grid.day_start, given.time[rows], side="right") - 1
    # after the last working hour of the month there is no later second in it, and the next month does not ask again
    release = np.minimum(business_second(frame.clock, frame.grid, given.time[rows]), frame.end - 1)
    due = frame.exact(day + asked.workload.due_days[asked.k] + 1)
    return _Occurrences(given.account[rows], day.astype(float), release, due, given.key[rows])


def _handover(asked: _Asked) -> _Occurrences:
    number = np.full(len(asked.account), asked.frame.ordinal)
    return asked.dated(asked.account, np.full(len(asked.account), asked.frame.first_day), number)


def _entry(asked: _Asked) -> _Occurrences:
    portfolio, account = asked.portfolio, asked.account
    entered, after = (
        (portfolio.start_day, portfolio.adoption_day, portfolio.mature_day),
        asked.workload.after_days[asked.k],
    )
    parts = [np.zeros((3, 0), dtype=np.int64)]
    for stage in np.flatnonzero(ENTERED & asked.workload.phases[asked.k]):
        day = entered[stage][account] + after
        still = asked.frame.near(day) & (portfolio.stage(day, account) == stage)
        parts.append(np.stack([account[still], day[still], np.full(int(still.sum()), stage)]))
    return asked.dated(*np.concatenate(parts, axis=1))


def _spell(asked: _Asked) -> _Occurrences:
    portfolio = asked.portfolio
    since = (portfolio.low_since, portfolio.high_since)[int(asked.workload.source[asked.k])][asked.account]
    lasts = np.isfinite(since)
    account, begun = asked.account[lasts], since[lasts].astype(np.int64)
    number = begun + int(asked.frame.grid.ordinal[0])
    day = np.floor(begun + asked.delay(account, number)).astype(np.int64)
    near = asked.frame.near(day)
    return asked.dated(account[near], day[near], number[near])


def _answered(asked: _Asked) -> _Occurrences:
    given, k, frame = asked.answers, asked.k, asked.frame
    if given is None:
        return _nothing()
    covered = np.zeros(len(asked.portfolio), dtype=bool)
    covered[asked.account] = True
    meant = (asked.workload.lowest[k] <= given.score) & (given.score <= asked.workload.highest[k])
    rows = (given.survey == asked.workload.source[k]) & meant & covered[given.account]
    account, month = given.account[rows], given.month[rows]
    number = month + month_ordinal(frame.grid, 0)
    day = np.floor(frame.grid.month_day[month + 1] + asked.delay(account, number)).astype(np.int64)
    near = frame.near(day)
    return asked.dated(account[near], day[near], number[near])


def _under_way(asked: _Asked) -> _Occurrences:
    """Work that the horizon begins with."""
    workload, k, frame = asked.workload, asked.k, asked.frame
    account = asked.account[asked.portfolio.start_day[asked.account] < 0]
    number = np.full(len(account), _UNDER_WAY)
    place = _places(asked.base[account], number, _PROGRESS)
    step = np.searchsorted(workload.under_way[k].cumsum(), place, side="right")
    some = step < workload.under_way.shape[1]
    account, number, step = account[some], number[some], step[some]
    span = int(workload.due_days[k])
    if not span:
        span = int(workload.every_days[k])
        if workload.trigger[k] != PERIODIC_DAYS:
            span = int(np.ceil(workload.every_months[k] * MONTH_DAYS))
    day = 1 + np.floor(_places(asked.base[account], number, _DATE) * span).astype(np.int64)
    release = np.full(len(account), frame.first)
    return _Occurrences(account, np.zeros(len(account)), release, frame.exact(day), number, step)


def _nothing() -> _Occurrences:
    empty = np.zeros(0, dtype=np.int64)
    return _Occurrences(empty, np.zeros(0), empty, empty, empty)


_OCCURRENCES: dict[int, Callable[[_Asked], _Occurrences]] = {
    CALENDAR: _calendar,
    CONTRACT: _contract,
    START: _start,
    RENEWAL: _renewal,
    RATE: _rate,
    PERIODIC_DAYS: _periodic,
    ESCALATION: _escalated,
    HANDOVER: _handover,
    ENTRY: _entry,
    USAGE: _spell,
    ANSWER: _answered,
}


def business_second(clock: BusinessClock, grid: TimeGrid, time: NDArray[np.float64]) -> NDArray[np.int64]:
    """Business seconds of elapsed seconds of the horizon; time outside working hours is the next opening.

    On a day of 23 or 25 hours the time of day is counted from midnight, as working hours are.
    """
    day = np.clip(np.searchsorted(grid.day_start, time, side="right") - 1, 0, grid.days - 1)
    business_day = clock.first_from_day[day]
    last = len(clock.day) - 1
    inside = np.minimum(business_day, last)
    open_today = (business_day <= last) & (clock.day[inside] == day)
    length = clock.start[inside + 1] - clock.start[inside]
    since_opening = np.clip((time - grid.day_start[day]).astype(np.int64) - clock.open_second[inside], 0, length)
    return clock.start[business_day] + np.where(open_today, since_opening, 0)


# --- hours without simulating -----------------------------------------------------------------------------------------


def step_hours(activities: ActivityTables) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean hours of one instance of each activity: desk work, and meetings with interrupts. Shapes (K,), (K,)."""
    mean = (1.0 - activities.laws.zero) * activities.laws.scale / 3600.0
    hours = mean[activities.step_law]
    desk = activities.step_kind == DESK
    activity = activities.step_activity
    size = len(activities.activity_names)
    at_desk = np.bincount(activity, weights=hours * desk, minlength=size).astype(np.float64)
    elsewhere = np.bincount(activity, weights=hours * ~desk, minlength=size).astype(np.float64)
    return at_desk, elsewhere


def hours_from_work(
    workload: WorkloadTables,
    activities: ActivityTables,
    tables: PortfolioTables,
    accounts: ExpectedAccounts,
    grid: TimeGrid,
    escalations_per_month: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Expected hours of a team's work, bottom-up: accounts × coverage × frequency × mean hours. Shape (K, S, M).

    Work of a calendar window falls evenly on the days of the window. Cancelled meetings, set-up, handovers, lateness
    and work under way when the horizon begins are not in it: this is the sum of the work, and what the calendar makes
    of it is simulated.

    Args:
        escalations_per_month: float64 (S,), contacts per account and month that support hands over; default none.
    """
    desk, other = step_hours(activities)
    shape = (len(workload.activity_names), tables.segments, grid.months)
    hours = np.zeros(shape)
    onboarding = tables.onboarding_months
    fences = np.stack([np.zeros_like(onboarding), onboarding, onboarding + tables.adoption_months], axis=1)
    ends = np.concatenate([fences[:, 1:], np.full((tables.segments, 1), np.inf)], axis=1)
    for k in range(shape[0]):
        size = int(workload.accounts_per_session[k])
        ages = workload.from_age[k] / MONTH_DAYS, workload.until_age[k] / MONTH_DAYS
        open_in = ENTERED if workload.trigger[k] == ENTRY else STAGE_PHASES
        for s in range(shape[1]):
            if workload.coverage[k, s] == 0.0:
                continue
            instances = np.zeros((STAGES, grid.months))
            for stage in range(STAGES):
                if open_in[stage] & workload.phases[k]:
                    span = max(fences[s, stage], ages[0]), min(ends[s, stage], ages[1])
                    instances[stage] = _expected_instances(
                        workload, k, s, tables, accounts, grid, span, escalations_per_month
                    )
            instances *= workload.coverage[k, s]
            if workload.serves is not None:
                instances *= workload.serves[s][:, None]
            if size:
                hours[k, s] = np.ceil(np.round(instances.sum(axis=0) / size, 9)) * (desk[k] + other[k])
            else:
                hours[k, s] = workload.phase_effort[s] @ instances * desk[k] + instances.sum(axis=0) * other[k]
    return hours


def _expected_instances(
    workload: WorkloadTables,
    k: int,
    s: int,
    tables: PortfolioTables,
    accounts: ExpectedAccounts,
    grid: TimeGrid,
    span: tuple[float, float],
    escalations_per_month: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    """Expected instances per month for accounts whose age in months lies in ``span``. Shape (M,)."""
    low, high = span
    width = accounts.age_high - accounts.age_low
    inside = np.clip(np.minimum(accounts.age_high, high) - np.maximum(accounts.age_low, low), 0.0, None) / width
    present = accounts.account_months[s] @ inside
    trigger = int(workload.trigger[k])
    days = np.diff(grid.month_day)
    if trigger == CALENDAR:
        return present * _window_share(workload, k, grid)
    if trigger == CONTRACT:
        return present / workload.every_months[k]
    if trigger == PERIODIC_DAYS:
        return present * days / workload.every_days[k]
    if trigger == RENEWAL:
        return present / tables.term_months[s] if tables.term_months[s] > 1 else np.zeros(grid.months)
    if trigger == RATE:
        return present * workload.per_month[k]
    if trigger == HANDOVER:  # people come and go: not the accounts' work
        return np.zeros(grid.months)
    if trigger == ESCALATION:
        return present * (0.0 if escalations_per_month is None else escalations_per_month[s])
    if trigger in (USAGE, ANSWER):
        return present * workload.seen_per_month[k, s]
    if trigger == ENTRY:
        age = low + workload.after_days[k] / MONTH_DAYS
        if not low <= age < high:
            return np.zeros(grid.months)
        if age >= 1.0:  # those who pass that age in a month
            passing = (accounts.age_low <= age) & (age < accounts.age_high)
            return np.asarray(accounts.account_months[s] @ (passing / width))
        return _joined(tables, accounts, s, grid, age)
    after = workload.after_days[k] / MONTH_DAYS
    if not low <= after < high:
        return np.zeros(grid.months)
    return _joined(tables, accounts, s, grid, after)


def _joined(
    tables: PortfolioTables, accounts: ExpectedAccounts, s: int, grid: TimeGrid, after: float
) -> NDArray[np.float64]:
    """Expected accounts that have joined so many months before, by month. Shape (M,)."""
    # spread over the two months that the date may fall into; accounts joined before the horizon as the opening ages say
    whole, part = divmod(after, 1.0)
    new = np.concatenate([opening_by_age(tables, s, int(whole) + 1)[::-1], accounts.new[s]])
    return np.asarray(((1.0 - part) * new[1:] + part * new[:-1])[: grid.months])


def _window_share(workload: WorkloadTables, k: int, grid: TimeGrid) -> NDArray[np.float64]:
    """Share of a calendar period's window that falls into each month. Shape (M,)."""
    every = int(workload.every_months[k])
    starts = month_start_days(grid.start, 0, (-(-grid.months // every)) * every)
    period = np.arange(grid.months) // every
    begin, end = starts[period * every], starts[(period + 1) * every]
    opening, closing = _windows(int(workload.window_days[k]), begin, end)
    overlap = np.minimum(closing, starts[1 : grid.months + 1]) - np.maximum(opening, starts[: grid.months])
    return np.clip(overlap, 0, None) / (closing - opening)


def from_work(hours: NDArray[np.float64], available_hours: NDArray[np.float64]) -> NDArray[np.float64]:
    """Heads by the sum of the work: hours ÷ hours that one head has for customers; NaN where there are none."""
    available = np.asarray(available_hours, dtype=float)
    return np.divide(hours, available, out=np.full(np.shape(hours), np.nan), where=available > 0)


def from_ratio(amount: NDArray[np.float64], per_head: float) -> NDArray[np.float64]:
    """Heads by a ratio: accounts or revenue ÷ the accounts or revenue that one head carries."""
    return np.asarray(amount, dtype=float) / per_head


def available_hours(clock: BusinessClock, grid: TimeGrid, customer_time: float) -> NDArray[np.float64]:
    """Hours of one head for customers in each month: working time × the share that is not internal. Shape (M,)."""
    fence = clock.start[clock.first_from_day[np.minimum(grid.month_day, len(clock.first_from_day) - 1)]]
    return np.diff(fence) / 3600.0 * customer_time
