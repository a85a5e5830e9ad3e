"""A frozen scenario as the flat arrays of the accounts and of the success wing."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator import randomness, timegrid
from simulator.distributions import LawBook, deterministic
from simulator.kernels import draws
from simulator.scenario.schema import EVERY_MONTHS, UNHAPPY, Account, Activity, Scenario, Team
from simulator.success import books, health, onboarding, surveys, workload
from simulator.success.portfolio import (
    MONTH_DAYS,
    PHASES,
    ExpectedAccounts,
    PortfolioTables,
    Present,
    expected_accounts,
)
from simulator.success.tables import (
    DESK,
    DUE_AFTER,
    DUE_MEETING,
    DUE_WINDOW,
    EARLIEST_DUE,
    HOLD,
    INTERRUPT,
    LATE,
    MEETING,
    POSTPONE,
    RENEWAL,
    SHORTEN,
    SKIP,
    TIER,
    VALUE,
    ActivityTables,
    TeamTables,
)
from simulator.success.workload import WorkloadTables
from simulator.timegrid import TimeGrid

FOLLOW_UP_DAYS = 5
"""Working days for a step after a meeting when the scenario names none (GitLab's handbook practice of prompt notes)."""
DUE_DAYS = 30
"""Days until an instance is due when the scenario names none (Certinia's work list looks 30 days ahead)."""
INVITED_OVER = 0.75
"""Share of a calendar window over which its customers are invited, one after another. All on the first day would fill
the first free slots with meetings that nobody has prepared; the last quarter is left for those who cancel. A planner's
choice: no source gives a figure."""
CALENDAR_MARGIN_MONTHS = 3
"""How far calendars run past the horizon, so that meetings can be booked ahead."""

QUANTILES = 2048
"""Places of each half of a distribution of revenue that are looked at for the share below a bound."""

NOTHING = deterministic(0.0)

_KINDS = {"desk": DESK, "meeting": MEETING, "interrupt": INTERRUPT}
_LATE = {"continue": LATE, "skip": SKIP, "shorten": SHORTEN}
_DESK_RULES = {"earliest_due": EARLIEST_DUE, "tier": TIER, "renewal": RENEWAL, "value": VALUE}
_EVERY_DAYS = {"week": 7, "2 weeks": 14}


@dataclass(frozen=True, eq=False)
class TeamModel:
    """One team: its calendar, what its accounts ask for, the sizes of its days, and its columns of
    :attr:`SuccessModel.columns`."""

    name: str
    team: Team
    tables: TeamTables
    workload: WorkloadTables
    segments: NDArray[np.bool_]
    day_seconds: int
    columns: NDArray[np.bool_]

    @property
    def leave_share(self) -> float:
        """Share of business days on leave."""
        clock = self.tables.clock
        days_a_year = len(clock.day) / max(len(clock.first_from_day) - 1, 1) * 365.25
        return self.team.leave_days_per_year / days_a_year if days_a_year else 0.0


@dataclass(frozen=True, eq=False)
class SuccessModel:
    """Everything the success engines need of one scenario (of one input draw)."""

    activities: ActivityTables
    teams: tuple[TeamModel, ...]
    surveys: surveys.SurveyTables
    usage: health.UsageTables
    milestones: onboarding.MilestoneTables
    territories: books.TerritoryTables

    @property
    def columns(self) -> NDArray[np.int64]:
        """Segment and team of each column of the sums over steps; a column is a segment unless teams share one."""
        return self.territories.columns


def portfolio_tables(scenario: Scenario, grid: TimeGrid) -> PortfolioTables:
    """The accounts of a scenario as arrays (no segments when it has none)."""
    segments = list(scenario.accounts.values())
    book = LawBook()
    mrr = [book.row(s.mrr.law if s.mrr.mean > 0 else NOTHING) for s in segments]
    shape = (len(segments), grid.months)

    def column(values: list[float]) -> NDArray[np.float64]:
        return np.array(values, dtype=np.float64)

    return PortfolioTables(
        segment_names=tuple(scenario.accounts),
        opening=np.array([s.opening for s in segments], dtype=np.int64),
        opening_age_months=column([s.opening_age for s in segments]),
        new_per_month=np.array([np.resize(s.new_per_month, grid.months) for s in segments]).reshape(shape),
        churn_per_month=np.array([np.full(grid.months, s.churn_per_month) for s in segments]).reshape(shape),
        downgrade_share=column([s.downgrade_to_free for s in segments]),
        seats_share=column([s.seat_reduction.accounts_per_month for s in segments]),
        seats_of_mrr=column([s.seat_reduction.amount for s in segments]),
        contraction_share=column([s.contraction.accounts_per_month for s in segments]),
        contraction_of_mrr=column([s.contraction.amount for s in segments]),
        upsell_share=column([s.upsell.accounts_per_month for s in segments]),
        upsell_of_mrr=column([s.upsell.amount for s in segments]),
        cross_sell_share=column([s.cross_sell.accounts_per_month for s in segments]),
        cross_sell_of_mrr=column([s.cross_sell.amount for s in segments]),
        mrr_law=np.array(mrr, dtype=np.int64),
        term_months=np.array([round(s.term) for s in segments], dtype=np.int64),
        onboarding_months=column([s.onboarding for s in segments]),
        adoption_months=column([s.adoption for s in segments]),
        effort_cv=column([s.effort_cv for s in segments]),
        laws=book.tables(),
        present=tuple(_present(s.present, grid) for s in segments) if any(s.present for s in segments) else (),
    )


def _present(accounts: Sequence[Account], grid: TimeGrid) -> Present | None:
    if not accounts:
        return None
    months = []
    for one in accounts:
        month = (one.start.year - grid.start.year) * 12 + one.start.month - grid.start.month
        months.append(month - (timegrid.add_months(grid.start, month) > one.start))
    days = [
        (one.start - timegrid.add_months(grid.start, month)).days for one, month in zip(accounts, months, strict=True)
    ]
    given = [[np.nan if value is None else value for value in (one.mrr, one.effort)] for one in accounts]
    mrr, effort = np.array(given, dtype=np.float64).T
    return Present(
        np.array([randomness.word(one.account) for one in accounts], dtype=np.uint64),
        np.array([(one.start - grid.start).days for one in accounts], dtype=np.int64),
        np.array(months, dtype=np.int64),
        np.array(days, dtype=np.int64),
        mrr,
        effort,
        tuple(one.owner or "" for one in accounts),
    )


def living_accounts(scenario: Scenario, grid: TimeGrid) -> tuple[ExpectedAccounts, NDArray[np.float64]]:
    """Expected accounts: by age for the work, and living in each month, float64 (M, S), for the contacts."""
    expected = expected_accounts(portfolio_tables(scenario, grid))
    return expected, (expected.opening + expected.new).T


def build(scenario: Scenario, grid: TimeGrid) -> SuccessModel:
    """Tables of the success wing. The scenario must have one."""
    success = scenario.success
    assert success is not None
    longer = _longer_grid(scenario, grid)
    asked, usage = _survey_tables(scenario), usage_tables(scenario)
    teams = []
    territories = _territory_tables(scenario)
    below = _share_below(territories, portfolio_tables(scenario, grid)) if territories.divided else None
    for t, (name, team) in enumerate(success.teams.items()):
        segments = territories.segments[t]
        tables, day_seconds = _team_tables(scenario, team, grid, longer)
        made = _workload_tables(scenario, segments, asked, usage)
        if below is not None:
            made = dataclasses.replace(made, serves=territories.shares(t, below))
        teams.append(TeamModel(name, team, tables, made, segments, day_seconds, territories.columns[:, 1] == t))
    day = teams[0].day_seconds if teams else 8 * 3600
    milestones = _milestone_tables(scenario)
    return SuccessModel(_activity_tables(scenario, day), tuple(teams), asked, usage, milestones, territories)


def _territory_tables(scenario: Scenario) -> books.TerritoryTables:
    assert scenario.success is not None
    teams = list(scenario.success.teams.values())
    masks = [sum(1 << PHASES.index(phase) for phase in team.phases) for team in teams]
    return books.TerritoryTables(
        segments=np.array([[s in team.segments for s in scenario.accounts] for team in teams], dtype=bool),
        stages=np.array([[bool(mask & entered) for entered in workload.ENTERED] for mask in masks], dtype=bool),
        value_below=np.array([math.inf if team.value_below is None else team.value_below for team in teams]),
        margin=np.array([segment.gross_margin for segment in scenario.accounts.values()], dtype=np.float64),
    )


def _share_below(territories: books.TerritoryTables, tables: PortfolioTables) -> NDArray[np.float64]:
    """Share of each segment's accounts whose expected lifetime value is below each team's bound, by the revenue that
    accounts have when they are drawn, or when the horizon begins where they are known. Shape (T, S)."""
    below = np.ones(territories.segments.shape)
    if np.isinf(territories.value_below).all():
        return below
    words = ((np.arange(QUANTILES) + 0.5) / QUANTILES * 2.0**64).astype(np.uint64)
    words = np.concatenate([words, words + np.uint64(1)])  # below and above the median (simulator.kernels.quantile)
    for s, lifetime in enumerate(territories.lifetime(tables, 0)):
        revenue = draws(tables.laws.tables, tables.laws.scale, tables.laws.zero, tables.mrr_law[s], words)
        known = tables.present[s] if tables.present else None
        if known is not None and not np.isnan(known.mrr).any():
            revenue = known.mrr
        below[:, s] = (revenue * lifetime < territories.value_below[:, None]).mean(axis=1)
    return below


def _milestone_tables(scenario: Scenario) -> onboarding.MilestoneTables:
    assert scenario.success is not None
    given = [segment.milestone for segment in scenario.accounts.values()]
    names = list(scenario.success.activities)
    needed = [[m is not None and name in m.activities for name in names] for m in given]
    book = LawBook()
    law = [book.row(m.first_value.law.scaled(MONTH_DAYS) if m and m.first_value.mean else NOTHING) for m in given]
    return onboarding.MilestoneTables(
        needed=np.array(needed, dtype=bool).reshape(len(given), len(names)),
        deadline=np.array([round(m.deadline * MONTH_DAYS) if m else 0 for m in given], dtype=np.int64),
        gates=np.array([m is not None and m.gates for m in given], dtype=bool),
        value_law=np.array(law, dtype=np.int64),
        laws=book.tables(),
    )


def usage_tables(scenario: Scenario) -> health.UsageTables:
    """The usage of each segment's accounts."""
    given = [segment.usage for segment in scenario.accounts.values()]

    def column(name: str) -> NDArray[np.float64]:
        return np.array([0.0 if usage is None else getattr(usage, name) for usage in given], dtype=np.float64)

    followed = np.array([usage is not None for usage in given], dtype=bool)
    return health.UsageTables(followed, *(column(name) for name in ("mean", "spread", "memory", "low", "high")))


def _survey_tables(scenario: Scenario) -> surveys.SurveyTables:
    assert scenario.success is not None
    items = scenario.success.surveys
    answers = np.zeros((len(items), surveys.HIGHEST + 1))
    for i, survey in enumerate(items.values()):
        for score, weight in survey.answers.items():
            answers[i, int(score)] = weight
    coverage = [[survey.segments.get(name, 0.0) for name in scenario.accounts] for survey in items.values()]
    return surveys.SurveyTables(
        names=tuple(items),
        kinds=tuple(survey.kind for survey in items.values()),
        every_months=np.array([EVERY_MONTHS[survey.every] for survey in items.values()], dtype=np.int64),
        coverage=np.array(coverage, dtype=np.float64).reshape(len(items), len(scenario.accounts)),
        response=np.array([survey.response for survey in items.values()], dtype=np.float64),
        answers=answers,
    )


def _longer_grid(scenario: Scenario, grid: TimeGrid) -> TimeGrid:
    calendar = scenario.calendar
    months = calendar.months + CALENDAR_MARGIN_MONTHS if calendar.months is not None else None
    days = calendar.days + 31 * CALENDAR_MARGIN_MONTHS if calendar.days is not None else None
    return timegrid.build(
        calendar.start, months, days, calendar.timezone, calendar.holidays, calendar.interval, tuple(calendar.closed)
    )


def day_length(team: Team) -> dict[int, tuple[int, int]]:
    """Opening second and working seconds by day kind: the weekly hours shared out evenly over the working weekdays."""
    spans = {kind: span for kind, span in timegrid.parse_hours(team.working_hours).items() if span}
    weekdays = [kind for kind in spans if kind < 7]
    seconds = round(team.hours_per_week * timegrid.HOUR_SECONDS / max(len(weekdays), 1))
    return {kind: (int(span[0][0]), seconds) for kind, span in spans.items()}


def _team_tables(scenario: Scenario, team: Team, grid: TimeGrid, longer: TimeGrid) -> tuple[TeamTables, int]:
    lengths = day_length(team)
    day = max((seconds for _, seconds in lengths.values()), default=0)
    clock = timegrid.business_clock(longer, lengths)
    months = np.array([clock.at_day(int(d)) for d in grid.month_day], dtype=np.int64)
    whole = functools.partial(np.array, dtype=np.int64)
    tables = TeamTables(
        clock=clock,
        months=months,
        customer_availability=np.array([s.meetings.availability for s in scenario.accounts.values()]),
        cancellation=np.array([s.meetings.cancellation for s in scenario.accounts.values()]),
        no_show=np.array([s.meetings.no_show for s in scenario.accounts.values()]),
        leave=np.zeros((0, len(clock.day)), dtype=bool),
        slot=int(team.slot),
        internal_start=0,
        internal_length=round((1.0 - team.customer_time) * day),
        meetings_per_day=team.meetings_per_day,
        lead=team.lead * day,
        rebook_after=team.rebook_after,
        setup=int(team.setup),
        pooled=team.books == "pooled",
        pooled_segments=np.array([name in team.pooled_segments for name in scenario.accounts], dtype=bool),
        rule=_DESK_RULES[team.desk_rule],
        segment_rank=whole(
            [team.segments.index(n) if n in team.segments else len(team.segments) for n in scenario.accounts]
        ),
        overtime=round(team.overtime),
        week=(clock.day + longer.weekday[0]) // 7,
        focus_length=round(team.focus),
        cover=team.cover,
    )
    return tables, day


def _activity_tables(scenario: Scenario, day_seconds: int) -> ActivityTables:
    assert scenario.success is not None
    book = LawBook()
    names: list[str] = []
    first = [0]
    kind, law, due, buffer, due_days = [], [], [], [], []
    items = scenario.success.activities
    for activity in items.values():
        kinds = [step.kind for step in activity.steps.values()]
        meeting = kinds.index("meeting") if "meeting" in kinds else None
        for i, (name, step) in enumerate(activity.steps.items()):
            names.append(name)
            kind.append(_KINDS[step.kind])
            law.append(book.row(step.work.law))
            before_meeting = meeting is not None and i < meeting
            after_meeting = meeting is not None and i > meeting
            if i == meeting:
                due.append(DUE_WINDOW)
            elif before_meeting:
                due.append(DUE_MEETING)
            elif after_meeting or step.within is not None:
                due.append(DUE_AFTER)
            else:
                due.append(DUE_WINDOW)
            buffer.append((step.before or 0) * day_seconds)
            due_days.append(FOLLOW_UP_DAYS if step.within is None else step.within)
        first.append(len(names))
    whole = functools.partial(np.array, dtype=np.int64)
    return ActivityTables(
        activity_names=tuple(items),
        segment_names=tuple(scenario.accounts),
        step_names=tuple(names),
        first_step=whole(first),
        step_kind=whole(kind),
        step_law=whole(law),
        step_due=whole(due),
        step_buffer=whole(buffer),
        step_due_days=whole(due_days),
        unprepared=whole([POSTPONE if a.unprepared == "postpone" else HOLD for a in items.values()]),
        late=whole([_LATE[a.late] for a in items.values()]),
        priority=whole([0 if a.trigger == "renewal" else 1 for a in items.values()]),
        laws=book.tables(),
        shortened=np.array([a.shortened_to for a in items.values()], dtype=np.float64),
    )


def _workload_tables(
    scenario: Scenario, segments: NDArray[np.bool_], asked: surveys.SurveyTables, usage: health.UsageTables
) -> WorkloadTables:
    assert scenario.success is not None
    items = scenario.success.activities
    book = LawBook()
    book.row(NOTHING)
    whole = functools.partial(np.array, dtype=np.int64)
    coverage = np.array(
        [
            [a.segments.get(s, 0.0) * inside for s, inside in zip(scenario.accounts, segments, strict=True)]
            for a in items.values()
        ]
    ).reshape(len(items), len(scenario.accounts))
    return WorkloadTables(
        activity_names=tuple(items),
        trigger=whole([_trigger(a) for a in items.values()]),
        every_months=whole([EVERY_MONTHS.get(a.every or "", 1) for a in items.values()]),
        every_days=whole([_EVERY_DAYS.get(a.every or "", 1) for a in items.values()]),
        window_days=whole([7 * a.window for a in items.values()]),
        date_spread=np.full(len(items), INVITED_OVER),
        after_days=whole([a.after for a in items.values()]),
        due_days=whole([_due_days(a) for a in items.values()]),
        before_months=whole([round(a.before) for a in items.values()]),
        per_month=np.array([a.per_month for a in items.values()], dtype=np.float64),
        coverage=coverage,
        phases=whole([sum(1 << PHASES.index(p) for p in a.phases) for a in items.values()]),
        from_age=np.zeros(len(items), dtype=np.int64),
        until_age=np.full(len(items), workload.NO_AGE_LIMIT, dtype=np.int64),
        accounts_per_session=whole([a.accounts_per_session for a in items.values()]),
        phase_effort=np.array(
            [
                [s.effort_by_phase.onboarding, s.effort_by_phase.adoption, s.effort_by_phase.after]
                for s in scenario.accounts.values()
            ]
        ).reshape(-1, 3),
        source=whole([_source(a, asked) for a in items.values()]),
        lowest=whole([_scores(a, scenario)[0] for a in items.values()]),
        highest=whole([_scores(a, scenario)[1] for a in items.values()]),
        detection=whole([book.row(a.detection.law) if a.detection.mean else 0 for a in items.values()]),
        seen_per_month=np.array([_seen(a, scenario, asked, usage) for a in items.values()]).reshape(coverage.shape),
        under_way=_under_way(list(items.values())),
        laws=book.tables(),
    )


def _source(activity: Activity, asked: surveys.SurveyTables) -> int:
    if activity.trigger == "survey":
        return asked.names.index(str(activity.survey))
    return workload.HIGH if activity.signal == "high_usage" else workload.LOW


def _scores(activity: Activity, scenario: Scenario) -> tuple[int, int]:
    """Lowest and highest answer that makes work."""
    assert scenario.success is not None
    if activity.trigger != "survey":
        return 0, 0
    return activity.scores or UNHAPPY[scenario.success.surveys[str(activity.survey)].kind]


def _seen(
    activity: Activity, scenario: Scenario, asked: surveys.SurveyTables, usage: health.UsageTables
) -> NDArray[np.float64]:
    """Expected occurrences by account and month of what is seen of it, by segment: usage, or a survey's answers."""
    if activity.trigger == "health":
        return health.spells_seen(usage, activity.signal == "high_usage", activity.detection.law)
    if activity.trigger == "survey":
        k = _source(activity, asked)
        answers = asked.share_of(k, *_scores(activity, scenario)) * asked.response[k] / asked.every_months[k]
        return np.asarray(asked.coverage[k] * answers, dtype=np.float64)
    return np.zeros(len(scenario.accounts))


def _under_way(items: list[Activity]) -> NDArray[np.float64]:
    """Share of the accounts at each step of each activity when the horizon begins. Shape (K, longest chain)."""
    table = np.zeros((len(items), max((len(a.steps) for a in items), default=1)))
    for k, activity in enumerate(items):
        for i, step in enumerate(activity.steps):
            table[k, i] = activity.under_way.get(step, 0.0)
    return table


def _trigger(activity: Activity) -> int:
    if activity.trigger == "cadence":
        if activity.every in _EVERY_DAYS:
            return workload.PERIODIC_DAYS
        return workload.CONTRACT if activity.spread == "contract" else workload.CALENDAR
    return {
        "start": workload.START,
        "renewal": workload.RENEWAL,
        "rate": workload.RATE,
        "escalation": workload.ESCALATION,
        "handover": workload.HANDOVER,
        "phase": workload.ENTRY,
        "health": workload.USAGE,
        "survey": workload.ANSWER,
    }[activity.trigger]


def _due_days(activity: Activity) -> int:
    if activity.within is not None:
        return activity.within
    return 0 if activity.trigger == "cadence" else DUE_DAYS


def expected_hours(
    scenario: Scenario, model: SuccessModel, grid: TimeGrid, escalations_per_month: NDArray[np.float64] | None
) -> list[NDArray[np.float64]]:
    """Expected hours of work per team, each float64 (K, S, M)."""
    tables = portfolio_tables(scenario, grid)
    accounts = expected_accounts(tables)
    return [
        workload.hours_from_work(t.workload, model.activities, tables, accounts, grid, escalations_per_month)
        for t in model.teams
    ]


def handover_hours(scenario: Scenario, team: TeamModel, model: SuccessModel, grid: TimeGrid) -> NDArray[np.float64]:
    """Expected hours that a month's changes of owners cost a team, float64 (M,), at the headcount of the plan.

    A leaver's whole book changes hands at once. Whoever starts gets new accounts and the books of that month's leavers
    first, and only the rest of the fair share of the first month's ramp from colleagues
    (:mod:`simulator.success.books`).
    Leavers are those the attrition expects and those who have given notice, starters the backfills of as many and the
    planned hires. A single CSM hands nothing over: nobody is there to take it. Accounts that come from another team
    when they enter a phase are counted too, those that cross a bound of value are not.
    """
    unit, hiring = team.team, scenario.hiring
    came = _hours_of_those_who_come(scenario, team, model, grid)
    if unit.headcount <= 1 or unit.books == "pooled":
        return came
    place = {label: month for month, label in enumerate(grid.month_labels)}
    gone = np.zeros(grid.months)
    gone[1:] = -np.expm1(-hiring.attrition_per_year / 12.0)  # who leaves at a close is missed from the next month on
    for label, count in unit.leaving.items():
        if place.get(label, grid.months) + 1 < grid.months:
            gone[place[label] + 1] += count / unit.headcount
    empty = max(math.ceil(hiring.time_to_hire.mean) + hiring.backfill_lag - round(hiring.notice), 0)
    come = hiring.backfill * np.concatenate([np.zeros(empty), gone])[: grid.months]
    for label, count in unit.rises.items():
        come[place[label]] += count / unit.headcount
    for label, count in unit.layoffs.items():
        gone[place[label]] += count / unit.headcount
    come[0] += sum(unit.open_requisitions.values()) / unit.headcount
    owned = ~team.tables.shared
    work = team.workload
    once = dataclasses.replace(
        work,
        trigger=np.where(work.trigger == workload.HANDOVER, workload.RATE, work.trigger),
        per_month=np.where(work.trigger == workload.HANDOVER, 1.0, work.per_month),
        coverage=np.where((work.trigger == workload.HANDOVER)[:, None] & owned, work.coverage, 0.0),
    )
    tables = portfolio_tables(scenario, grid)
    accounts = expected_accounts(tables)
    each = workload.hours_from_work(once, model.activities, tables, accounts, grid)
    mine = owned & team.segments
    book = np.maximum(accounts.opening[mine].sum(axis=0) / unit.headcount, 1e-9)
    fair = (hiring.ramp[0] if hiring.ramp else 1.0) - accounts.new[mine].sum(axis=0) / book
    nobody_left = np.maximum(1.0 - gone, 0.0) ** unit.headcount
    return came + np.asarray(each.sum(axis=(0, 1)) * (gone + come * np.maximum(fair, 0.0) * nobody_left))


def _hours_of_those_who_come(
    scenario: Scenario, team: TeamModel, model: SuccessModel, grid: TimeGrid
) -> NDArray[np.float64]:
    """Expected hours of taking over the accounts that come from other teams with a phase, float64 (M,)."""
    work = team.workload
    if work.serves is None or not np.any(work.trigger == workload.HANDOVER):
        return np.zeros(grid.months)
    entering = dataclasses.replace(
        work,
        trigger=np.full_like(work.trigger, workload.ENTRY),
        after_days=np.zeros_like(work.after_days),
        coverage=np.where((work.trigger == workload.HANDOVER)[:, None], work.coverage, 0.0),
        serves=np.maximum(np.diff(work.serves, prepend=1.0, axis=1), 0.0),
    )
    tables = portfolio_tables(scenario, grid)
    hours = workload.hours_from_work(entering, model.activities, tables, expected_accounts(tables), grid)
    return np.asarray(hours.sum(axis=(0, 1)))
