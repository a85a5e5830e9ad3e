"""Activities to instances: dates, keys, coverage, and the hours from the same tables."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
import pytest

from simulator import timegrid
from simulator.distributions import LawBook, deterministic
from simulator.success import workload as work
from simulator.success.portfolio import PHASES, expected_accounts, open_portfolio, start_month
from simulator.success.tables import DESK, DUE_AFTER, DUE_MEETING, DUE_WINDOW, MEETING, ActivityTables, Instances
from simulator.success.workload import Escalations, WorkloadTables, draw_month
from tests.success.test_portfolio import GRID, MONTHS, make

LONGER = timegrid.build(dt.date(2027, 4, 1), MONTHS + 3, None, "Asia/Tokyo", "JP", 1800.0)
DAY = 8 * 3600
CLOCK = timegrid.business_clock(LONGER, {kind: (9 * 3600, DAY) for kind in range(5)})
FENCE = np.array([CLOCK.at_day(int(day)) for day in GRID.month_day])
EVERYONE = (1 << len(PHASES)) - 1

QUIET = make(
    opening=np.array([60, 300]),
    new_per_month=np.zeros((2, MONTHS)),
    churn_per_month=np.zeros((2, MONTHS)),
    onboarding_months=np.zeros(2),
    adoption_months=np.zeros(2),
)
"""Accounts that stay as they are."""


def catalogue(**columns) -> WorkloadTables:
    """Tables of as many activities as the longest column; a column may be one value."""
    size = max((len(v) for v in columns.values() if isinstance(v, list | tuple)), default=1)
    whole = {
        "trigger": work.CALENDAR,
        "every_months": 3,
        "every_days": 14,
        "window_days": 0,
        "after_days": 0,
        "due_days": 14,
        "before_months": 3,
        "phases": EVERYONE,
        "from_age": 0,
        "until_age": work.NO_AGE_LIMIT,
        "accounts_per_session": 0,
        "source": 0,
        "lowest": 0,
        "highest": 6,
        "detection": 0,
    }
    real = {"date_spread": 0.0, "per_month": 0.2}
    names = columns.pop("activity_names", tuple(f"activity {k}" for k in range(size)))
    coverage = columns.pop("coverage", 1.0)
    effort = columns.pop("phase_effort", np.ones((2, 3)))
    filled = {n: np.full(size, columns.pop(n, v), dtype=np.int64) for n, v in whole.items()}
    filled |= {n: np.full(size, columns.pop(n, v), dtype=float) for n, v in real.items()}
    filled["seen_per_month"] = np.broadcast_to(columns.pop("seen_per_month", 0.0), (size, 2))
    filled["under_way"] = np.broadcast_to(columns.pop("under_way", 0.0), (size, 3))
    filled["laws"] = columns.pop("laws", LawBook().tables())
    assert not columns
    return WorkloadTables(
        activity_names=tuple(names), coverage=np.broadcast_to(coverage, (size, 2)), phase_effort=effort, **filled
    )


def year(tables, catalogue_tables, replication=0, escalations=None, grid=GRID, clock=CLOCK):
    """All instances of a year month by month, and the accounts."""
    portfolio = open_portfolio(tables, grid, 7, replication)
    months = []
    for month in range(grid.months):
        start_month(portfolio, tables, grid, month, 7, replication)
        months.append(draw_month(catalogue_tables, tables, portfolio, clock, grid, month, escalations))
    return months, portfolio


def whole(tables, catalogue_tables, **options) -> Instances:
    return Instances.join(year(tables, catalogue_tables, **options)[0])


def day_of(second: np.ndarray) -> np.ndarray:
    """Horizon day of the working second."""
    return CLOCK.day[np.searchsorted(CLOCK.start, second, side="right") - 1]


ALL = catalogue(
    trigger=[work.CALENDAR, work.CONTRACT, work.START, work.RENEWAL, work.RATE, work.PERIODIC_DAYS],
    date_spread=[0.5, 0.5, 0, 0, 0, 0],
    coverage=0.7,
)


def test_order_months_and_keys():
    months, portfolio = year(make(), ALL)
    for month, drawn in enumerate(months):
        order = np.lexsort((drawn.activity, drawn.account, drawn.release))
        np.testing.assert_array_equal(order, np.arange(len(drawn)))
        assert np.all((drawn.release >= FENCE[month]) & (drawn.release < FENCE[month + 1]))
        assert np.all(drawn.due >= drawn.release)
        start_day = np.maximum(portfolio.start_day[drawn.account], 0)
        assert np.all(drawn.release >= CLOCK.start[CLOCK.first_from_day[start_day]])
    everything = Instances.join(months)
    assert len(np.unique(everything.key)) == len(everything)
    assert set(everything.activity) == set(range(6))
    np.testing.assert_array_equal(everything.segment, portfolio.segment[everything.account])


def test_a_quarterly_window_is_met_once_a_quarter():
    drawn = whole(QUIET, catalogue(window_days=28))
    assert len(drawn) == 360 * 4
    opening = GRID.month_day[[3, 6, 9, 12]] - 28
    for quarter in range(4):
        mine = drawn.account[quarter * 360 : (quarter + 1) * 360]
        np.testing.assert_array_equal(np.sort(mine), np.arange(360))
        release = drawn.release[quarter * 360 : (quarter + 1) * 360]
        np.testing.assert_array_equal(release, CLOCK.at_day(int(opening[quarter])))
    assert set(drawn.due) == {CLOCK.at_day(int(day)) for day in GRID.month_day[[3, 6, 9, 12]]}
    first = whole(QUIET, catalogue(window_days=-14))
    assert set(first.release) == {CLOCK.at_day(int(day)) for day in GRID.month_day[[0, 3, 6, 9]]}
    assert set(first.due) == {CLOCK.at_day(int(day) + 14) for day in GRID.month_day[[0, 3, 6, 9]]}


def test_dates_spread_over_a_window():
    drawn = whole(QUIET, catalogue(window_days=28, date_spread=0.75))
    assert len(drawn) == 360 * 4
    opening = CLOCK.at_day(int(GRID.month_day[3]) - 28)
    first = drawn.release[:360]
    share = (first - opening) / (CLOCK.at_day(int(GRID.month_day[3])) - opening)
    assert share.min() >= 0
    assert share.max() <= 0.75
    # mean of 360 uniforms on (0, 0.75) at 4 standard errors
    assert share.mean() == pytest.approx(0.375, abs=4 * 0.75 / np.sqrt(12 * 360))


def test_the_contract_sets_the_date():
    drawn, portfolio = year(QUIET, catalogue(trigger=work.CONTRACT))
    drawn = Instances.join(drawn)
    # every account meets the opening of four of its quarters in a year; those of the weekend that follows the horizon's
    # last Friday are laid into its last week, and so five times
    count = np.bincount(drawn.account, minlength=360)
    assert set(count) == {4, 5}
    assert np.mean(count == 5) < 0.04
    account = int(np.flatnonzero(portfolio.contract_month == -2)[0])
    mine = np.flatnonzero(drawn.account == account)
    nominal = GRID.month_day[[1, 4, 7, 10]] + np.minimum(portfolio.contract_day[account], 27)
    # a rhythm stays within the calendar week of its date; the 29th to 31st may be the month's last day
    assert np.all(np.abs(day_of(drawn.release[mine]) - nominal) <= 10)
    # spread by contract, no week holds much more than its share; the same dates by the calendar fall on four days
    weeks = np.bincount(day_of(drawn.release) // 7)
    assert weeks.max() < 3 * len(drawn) / 52
    assert len(set(whole(QUIET, catalogue()).release)) == 4


def test_kick_off_is_exact():
    tables = make()
    months, portfolio = year(tables, catalogue(trigger=work.START, after_days=10, due_days=14))
    drawn = Instances.join(months)
    end = int(GRID.month_day[-1])
    day = portfolio.start_day + 10
    inside = (day >= 0) & (day < end)
    expected = np.flatnonzero(inside & (CLOCK.start[CLOCK.first_from_day[np.clip(day, 0, end)]] < FENCE[-1]))
    np.testing.assert_array_equal(np.sort(drawn.account), expected)
    np.testing.assert_array_equal(drawn.release, [CLOCK.at_day(int(d)) for d in day[drawn.account]])
    np.testing.assert_array_equal(drawn.due, [CLOCK.after_day(int(d) + 14) for d in day[drawn.account]])


def test_renewal_comes_before_the_end_of_the_term():
    months, portfolio = year(QUIET, catalogue(trigger=work.RENEWAL, before_months=3, due_days=30))
    drawn = Instances.join(months)
    assert set(drawn.segment) == {0}  # the other segment has no term
    np.testing.assert_array_equal(np.sort(drawn.account), np.arange(60))  # once a year each
    for i in range(len(drawn)):
        account = drawn.account[i]
        ahead = (portfolio.contract_month[account] - 3) % 12  # horizon month that lies three before a yearly end
        date = timegrid.add_months(GRID.start, int(ahead))
        last = int(GRID.month_day[ahead + 1] - GRID.month_day[ahead])
        day = (date - GRID.start).days + min(int(portfolio.contract_day[account]), last - 1)
        assert drawn.release[i] == CLOCK.at_day(day)
        assert drawn.due[i] == CLOCK.after_day(day + 30)


def test_a_check_in_every_two_weeks():
    drawn = whole(QUIET, catalogue(trigger=work.PERIODIC_DAYS, every_days=14, due_days=0))
    count = np.bincount(drawn.account)
    # 366 days and the weekend behind the last Friday, whose dates lie in its week; 4 standard errors of a share of 360
    assert set(count) == {26, 27}
    assert count.mean() == pytest.approx(368 / 14, abs=4 * np.sqrt(2 / 7 * 5 / 7 / 360))
    one = drawn.release[drawn.account == 5]
    # each is due when the next is released
    np.testing.assert_array_equal(drawn.due[drawn.account == 5][:-1], one[1:])
    # weekends do not pile up on Monday: in weeks without holidays every weekday has its fifth
    days = day_of(drawn.release)
    weekday = LONGER.weekday[days]
    week = (days + LONGER.weekday[0]) // 7
    full = np.bincount((CLOCK.day + LONGER.weekday[0]) // 7) == 5
    share = np.bincount(weekday[full[week]], minlength=5)[:5] / full[week].sum()
    # some 8,000 dates of 360 accounts that keep their weekday: 4 standard errors of 360 draws with p = 1/5
    np.testing.assert_allclose(share, 0.2, atol=4 * np.sqrt(0.2 * 0.8 / 360))


def test_no_check_in_is_lost_at_the_end_of_a_month():
    # holidays in the week of a month's first day move dates over it, in both directions
    closed = [
        dt.date(2027, 5, 31),
        *(dt.date(2027, 7, day) for day in (1, 2)),
        dt.date(2027, 8, 30),
        dt.date(2027, 8, 31),
    ]
    grids = [
        timegrid.build(dt.date(2027, 4, 1), months, None, "Asia/Tokyo", None, 1800.0, tuple(closed))
        for months in (12, 15)
    ]
    clock = timegrid.business_clock(grids[1], {kind: (9 * 3600, DAY) for kind in range(5)})
    months, _ = year(QUIET, catalogue(trigger=work.PERIODIC_DAYS, every_days=7, due_days=0), grid=grids[0], clock=clock)
    drawn = Instances.join(months)
    for account in range(360):
        # a week is five working days or fewer; a lost date would leave a gap of two weeks
        assert np.diff(drawn.release[drawn.account == account]).max() <= 5 * DAY + 1


def test_accounts_that_join_while_a_window_is_open_wait_for_the_next():
    months, portfolio = year(make(new_per_month=np.full((2, MONTHS), 20.0)), catalogue(window_days=28, date_spread=0.9))
    for quarter in range(4):
        drawn = Instances.join(months[3 * quarter : 3 * quarter + 3])
        opening = int(GRID.month_day[3 * quarter + 3]) - 28
        np.testing.assert_array_equal(np.sort(drawn.account), np.flatnonzero(portfolio.start_day <= opening))


def test_no_event_before_the_contract():
    months, portfolio = year(
        make(new_per_month=np.full((2, MONTHS), 20.0)), catalogue(trigger=work.RATE, per_month=3.0)
    )
    drawn = Instances.join(months)
    new = portfolio.start_day[drawn.account] >= 0
    start = CLOCK.start[CLOCK.first_from_day[portfolio.start_day[drawn.account[new]]]]
    assert np.all(drawn.release[new] > start)  # not carried over to the start, where they would pile up


def test_rates_keep_their_events():
    low, high = (whole(QUIET, catalogue(trigger=work.RATE, per_month=rate)) for rate in (0.2, 0.5))
    # 4 standard errors of a Poisson count
    assert len(low) == pytest.approx(360 * 12 * 0.2, abs=4 * np.sqrt(360 * 12 * 0.2))
    assert len(high) == pytest.approx(360 * 12 * 0.5, abs=4 * np.sqrt(360 * 12 * 0.5))
    assert np.isin(low.key, high.key).all()
    assert len(whole(QUIET, catalogue(trigger=work.RATE, per_month=0.0))) == 0


def test_coverage_keeps_the_covered():
    half, most = (whole(QUIET, catalogue(window_days=28, coverage=share)) for share in (0.4, 0.8))
    for quarter in range(4):
        inside = (half.release >= FENCE[3 * quarter]) & (half.release < FENCE[3 * quarter + 3])
        np.testing.assert_array_equal(np.unique(half.account[inside]), np.unique(half.account))
    assert set(half.account) < set(most.account)
    assert np.isin(half.key, most.key).all()
    # 4 standard errors of a share of 360 accounts
    assert len(set(half.account)) / 360 == pytest.approx(0.4, abs=4 * np.sqrt(0.4 * 0.6 / 360))
    assert len(whole(QUIET, catalogue(coverage=0.0))) == 0


def test_another_activity_changes_nothing():
    wide = catalogue(
        trigger=[work.RATE, work.CALENDAR, work.PERIODIC_DAYS],
        coverage=0.6,
        activity_names=("new", "qbr", "check-in"),
        date_spread=0.5,
    )
    narrow = catalogue(
        trigger=[work.CALENDAR, work.PERIODIC_DAYS], coverage=0.6, activity_names=("qbr", "check-in"), date_spread=0.5
    )
    one, two = whole(make(), narrow), whole(make(), wide)
    kept = two.take(two.activity > 0)
    np.testing.assert_array_equal(one.key, kept.key)
    np.testing.assert_array_equal(one.release, kept.release)


def test_phases_and_ages():
    tables = make(new_per_month=np.full((2, MONTHS), 30.0), churn_per_month=np.zeros((2, MONTHS)))
    onboarding = catalogue(trigger=work.PERIODIC_DAYS, every_days=7, phases=0b0001)
    months, portfolio = year(tables, onboarding)
    drawn = Instances.join(months)
    latest = np.max(day_of(drawn.release) - portfolio.start_day[drawn.account])
    assert 80 < latest <= 92 + 7  # enterprise onboarding ends after 92 days; a rhythm stays within its week
    expansion = whole(tables, catalogue(trigger=work.PERIODIC_DAYS, every_days=7, phases=0b0100))
    adopted = day_of(expansion.release) - portfolio.start_day[expansion.account]
    assert adopted[expansion.segment == 0].min() >= 274 - 7
    aged = whole(tables, catalogue(trigger=work.PERIODIC_DAYS, every_days=7, from_age=100, until_age=200))
    age = day_of(aged.release) - portfolio.start_day[aged.account]
    assert age.min() >= 100 - 7
    assert age.max() <= 200 + 7


def test_effort_falls_with_the_phase():
    effort = np.array([[1.5, 1.0, 0.5], [1.0, 1.0, 1.0]])
    months, portfolio = year(make(), catalogue(trigger=work.PERIODIC_DAYS, phase_effort=effort))
    drawn = months[0]
    ratio = drawn.effort / portfolio.effort[drawn.account]
    assert set(np.round(ratio[drawn.segment == 0], 12)) == {1.5, 1.0, 0.5}
    assert set(ratio[drawn.segment == 1]) == {1.0}


def test_one_session_for_many():
    one = whole(QUIET, catalogue(window_days=28))
    many = whole(QUIET, catalogue(window_days=28, accounts_per_session=59))
    per_quarter = [-(-60 // 59), -(-300 // 59)]
    for segment in (0, 1):
        sessions = np.unique(many.release[many.segment == segment], return_counts=True)[1]
        np.testing.assert_array_equal(sessions, per_quarter[segment])
    assert np.all(many.effort == 1.0)
    assert np.isin(many.key, one.key).all()


def test_escalations_reach_their_owner_once():
    day = GRID.day_start
    saturday = int(np.flatnonzero(GRID.weekday == 5)[0])
    monday = saturday + 2
    last = int(GRID.month_day[1]) - 1
    time = np.array(
        [
            day[monday] + 9 * 3600 + 1800.5,  # half an hour after opening
            day[saturday] + 12 * 3600,  # closed: Monday's opening
            day[monday] + 3600,  # before opening
            day[last] + 23 * 3600,  # after the last working hour of the month
        ]
    )
    given = Escalations(time, np.array([3, 4, 5, 6]), np.arange(4, dtype=np.uint64))
    portfolio = open_portfolio(QUIET, GRID, 7, 0)
    start_month(portfolio, QUIET, GRID, 0, 7, 0)
    tables = catalogue(trigger=work.ESCALATION, due_days=2)
    drawn = draw_month(tables, QUIET, portfolio, CLOCK, GRID, 0, given)
    at = dict(zip(drawn.account.tolist(), drawn.release.tolist(), strict=True))
    opening = CLOCK.at_day(monday)
    assert at == {3: opening + 1800, 4: opening, 5: opening, 6: int(FENCE[1]) - 1}
    due = dict(zip(drawn.account.tolist(), drawn.due.tolist(), strict=True))
    assert due[3] == CLOCK.after_day(monday + 2)
    assert len(draw_month(tables, QUIET, portfolio, CLOCK, GRID, 0, None)) == 0
    nobody = Escalations(time, np.full(4, -1), np.arange(4, dtype=np.uint64))
    assert len(draw_month(tables, QUIET, portfolio, CLOCK, GRID, 0, nobody)) == 0
    portfolio.alive[3] = False
    assert len(draw_month(tables, QUIET, portfolio, CLOCK, GRID, 0, given)) == 3


def test_every_occurrence_belongs_to_one_month():
    # 31 July 2027 is a Saturday: what is dated on it is released in August, and drawn with August
    tables = make(opening=np.array([3000, 3000]), churn_per_month=np.zeros((2, MONTHS)))
    months, portfolio = year(tables, catalogue(trigger=work.RENEWAL, before_months=1, due_days=5))
    drawn = Instances.join(months)
    old = (portfolio.segment == 0) & (portfolio.contract_month < 0)
    # no day off stands at the end of this horizon, so that no date is carried beyond it
    np.testing.assert_array_equal(np.bincount(drawn.account, minlength=len(portfolio))[old], 1)
    carried = (portfolio.contract_month[drawn.account] - 1) % 12 == 3
    carried &= portfolio.contract_day[drawn.account] == 30
    assert carried.any()
    assert set(drawn.release[carried]) == {int(FENCE[4])}


# --- hours without simulating -----------------------------------------------------------------------------------------


def steps(size: int) -> ActivityTables:
    """Prepare 1 h, meet 1 h, follow up 1 h for each of ``size`` activities."""
    book = LawBook()
    hour = book.row(deterministic(3600.0))
    many = np.tile
    return ActivityTables(
        activity_names=tuple(f"activity {k}" for k in range(size)),
        segment_names=("enterprise", "small"),
        step_names=("prepare", "meet", "follow up") * size,
        first_step=np.arange(size + 1) * 3,
        step_kind=many([DESK, MEETING, DESK], size),
        step_law=np.full(3 * size, hour),
        step_due=many([DUE_MEETING, DUE_WINDOW, DUE_AFTER], size),
        step_buffer=np.zeros(3 * size, dtype=np.int64),
        step_due_days=np.full(3 * size, 5),
        unprepared=np.zeros(size, dtype=np.int64),
        late=np.zeros(size, dtype=np.int64),
        priority=np.zeros(size, dtype=np.int64),
        laws=book.tables(),
    )


def test_the_article_counts_three_hours_a_quarter():
    """SUCCESS.md 3.3: 100 accounts × 3 h = 300 h a quarter = 77 % of 390 h."""
    tables = dataclasses.replace(QUIET, opening=np.array([100, 0]))
    hours = work.hours_from_work(catalogue(), steps(1), tables, expected_accounts(tables), GRID)
    quarters = hours[0, 0].reshape(4, 3).sum(axis=1)
    np.testing.assert_allclose(quarters, 300.0, rtol=1e-12)
    assert work.from_work(quarters, np.full(4, 390.0)) == pytest.approx(np.full(4, 300 / 390))
    assert np.isnan(work.from_work(quarters, np.zeros(4))).all()
    assert work.from_ratio(np.array([250.0]), 100.0) == pytest.approx([2.5])


def test_a_window_concentrates_the_hours():
    hours = work.hours_from_work(catalogue(window_days=28), steps(1), QUIET, expected_accounts(QUIET), GRID)
    hours = hours.sum(axis=(0, 1))
    assert np.all(hours[[0, 1, 3, 4, 6, 7, 9, 10]] == 0)
    np.testing.assert_allclose(hours[[2, 5, 8, 11]], 360 * 3.0, rtol=1e-12)


def test_expected_hours_are_the_mean_of_the_drawn():
    tables = make()
    catalogue_tables = dataclasses.replace(
        ALL,
        date_spread=np.zeros(6),
        every_months=np.array([1, 3, 1, 1, 1, 1]),
        phase_effort=np.array([[1.5, 1.0, 0.5], [1.2, 1.0, 0.9]]),
    )
    activities = steps(6)
    expected = work.hours_from_work(catalogue_tables, activities, tables, expected_accounts(tables), GRID)
    runs, drawn = 40, np.zeros((40, 6, 2))
    for r in range(runs):
        months, portfolio = year_with_close(tables, catalogue_tables, r)
        every = Instances.join(months)
        # the account's own effort has mean 1 and only adds noise
        hours = 1.0 + 2.0 * every.effort / portfolio.effort[every.account]
        np.add.at(drawn[r], (every.activity, every.segment), hours)
    mean, error = drawn.mean(axis=0), drawn.std(axis=0, ddof=1) / np.sqrt(runs)
    total = expected.sum(axis=2)
    assert total[3, 1] == mean[3, 1] == 0  # no renewal without a term
    # 12 means at 4.5 standard errors; and 4 %, as the closed form puts new accounts in mid-month, every window on the
    # accounts of its month (drawn: those there when it opens), and leaves out the start of what began before
    assert np.all(np.abs(mean - total) <= 4.5 * error + 0.04 * total)


def year_with_close(tables, catalogue_tables, replication):
    from simulator.success.portfolio import close_month

    portfolio = open_portfolio(tables, GRID, 7, replication)
    months = []
    for month in range(MONTHS):
        start_month(portfolio, tables, GRID, month, 7, replication)
        months.append(draw_month(catalogue_tables, tables, portfolio, CLOCK, GRID, month))
        close_month(portfolio, tables, GRID, month)
    return months, portfolio


def test_expected_kick_offs_follow_the_new_accounts():
    new = np.zeros((2, MONTHS))
    new[0, 2] = 30.0
    tables = make(opening=np.zeros(2, dtype=np.int64), new_per_month=new, churn_per_month=np.zeros((2, MONTHS)))
    kick_off = catalogue(trigger=work.START, after_days=15, phases=0b0001)
    hours = work.hours_from_work(kick_off, steps(1), tables, expected_accounts(tables), GRID)[0, 0]
    part = 15 / (365.25 / 12)
    expected = np.zeros(MONTHS)
    expected[2], expected[3] = 90 * (1 - part), 90 * part
    np.testing.assert_allclose(hours, expected)


def test_available_hours_add_up():
    hours = work.available_hours(CLOCK, GRID, 0.75)
    assert hours.sum() == pytest.approx((FENCE[-1] - FENCE[0]) / 3600 * 0.75)
