"""Accounts month by month: flows, keys and means."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
import pytest

from simulator import timegrid
from simulator.distributions import LawBook, lognormal
from simulator.success import portfolio as accounts
from simulator.success.portfolio import PortfolioTables, close_month, expected_accounts, open_portfolio, start_month

MONTHS = 12
GRID = timegrid.build(dt.date(2027, 4, 1), MONTHS, None, "Asia/Tokyo", "JP", 1800.0)
COUNTS = ("opening", "new", "lost", "closing")


def make(**changes) -> PortfolioTables:
    """Two segments: one on yearly terms, one that may leave in any month."""
    book = LawBook()
    rows = [book.row(lognormal(900_000, 0.6)), book.row(lognormal(50_000, 0.4))]
    values = {
        "segment_names": ("enterprise", "small"),
        "opening": np.array([60, 300]),
        "opening_age_months": np.array([30.0, 24.0]),
        "new_per_month": np.tile(np.array([[1.5], [9.0]]), (1, MONTHS)),
        "churn_per_month": np.tile(np.array([[0.01], [0.03]]), (1, MONTHS)),
        "downgrade_share": np.array([0.0, 0.0]),
        "seats_share": np.array([0.0, 0.0]),
        "seats_of_mrr": np.array([0.0, 0.0]),
        "contraction_share": np.array([0.02, 0.03]),
        "contraction_of_mrr": np.array([0.3, 0.2]),
        "upsell_share": np.array([0.03, 0.02]),
        "upsell_of_mrr": np.array([0.2, 0.5]),
        "cross_sell_share": np.array([0.01, 0.0]),
        "cross_sell_of_mrr": np.array([0.4, 0.0]),
        "mrr_law": np.array(rows),
        "term_months": np.array([12, 1]),
        "onboarding_months": np.array([3.0, 1.0]),
        "adoption_months": np.array([6.0, 2.0]),
        "effort_cv": np.array([0.4, 0.0]),
        "laws": book.tables(),
    }
    return PortfolioTables(**(values | changes))


def run(tables: PortfolioTables, replication: int = 0, seed: int = 7, pressure: float | None = None):
    """A year of flows and the accounts at its end."""
    portfolio = open_portfolio(tables, GRID, seed, replication)
    flows = []
    for month in range(MONTHS):
        start_month(portfolio, tables, GRID, month, seed, replication)
        shift = None if pressure is None else np.full(len(portfolio), pressure)
        flows.append(close_month(portfolio, tables, GRID, month, shift))
    return portfolio, flows


def test_counts_and_revenue_roll_forward():
    portfolio, flows = run(make())
    for before, flow in zip([None, *flows[:-1]], flows, strict=True):
        np.testing.assert_array_equal(flow.closing, flow.opening + flow.new - flow.lost)
        change = flow.new_mrr + flow.expansion_mrr - flow.churned_mrr - flow.contraction_mrr
        # two sums of the same few hundred amounts in another order: rounding only
        np.testing.assert_allclose(flow.closing_mrr, flow.opening_mrr + change, rtol=1e-12)
        if before is not None:
            np.testing.assert_array_equal(flow.opening, before.closing)
            np.testing.assert_allclose(flow.opening_mrr, before.closing_mrr, rtol=1e-12)
    alive = portfolio.alive
    np.testing.assert_array_equal(flows[-1].closing, np.bincount(portfolio.segment[alive], minlength=2))
    assert np.all(portfolio.mrr[~alive] == 0)
    assert np.all((portfolio.left_month >= 0) == ~alive)
    for name in ("lost", "upsold", "cross_sold", "contracted"):
        assert sum(getattr(f, name).sum() for f in flows) > 0


def test_the_same_twice_and_alone():
    one, flows = run(make(), replication=3)
    two, again = run(make(), replication=3)
    np.testing.assert_array_equal(one.key, two.key)
    np.testing.assert_array_equal(one.mrr, two.mrr)
    assert all(np.array_equal(a.lost, b.lost) for a, b in zip(flows, again, strict=True))
    assert not np.intersect1d(one.key, run(make(), replication=4)[0].key).size


def test_a_higher_rate_keeps_the_accounts_that_were_there():
    few, _ = run(make())
    tables = make()
    more, _ = run(dataclasses.replace(tables, new_per_month=tables.new_per_month * 1.6, opening=tables.opening + 5))
    assert len(more) > len(few)
    assert np.isin(few.key, more.key).all()
    common = np.isin(more.key, few.key)
    order, other = np.argsort(few.key), np.argsort(more.key[common])
    np.testing.assert_array_equal(few.effort[order], more.effort[common][other])
    # an account that was there before the horizon does not notice the others
    old = few.contract_month < 0
    np.testing.assert_array_equal(few.left_month[old], more.left_month[np.isin(more.key, few.key[old])])


def test_another_segment_changes_nothing():
    tables = make()
    wider = PortfolioTables(
        **{
            f.name: (
                ("middle", *tables.segment_names)
                if f.name == "segment_names"
                else tables.laws
                if f.name == "laws"
                else np.concatenate([getattr(tables, f.name)[:1], getattr(tables, f.name)])
            )
            for f in dataclasses.fields(PortfolioTables)
        }
    )
    one, _ = run(tables)
    two, _ = run(wider)
    kept = two.segment > 0
    np.testing.assert_array_equal(np.sort(one.key), np.sort(two.key[kept]))
    np.testing.assert_array_equal(np.sort(one.mrr), np.sort(two.mrr[kept]))


def test_terms_end_once_a_year_and_only_then():
    tables = make(churn_per_month=np.full((2, MONTHS), 0.04))
    portfolio, _ = run(tables)
    left = (portfolio.segment == 0) & (portfolio.left_month >= 0)
    assert left.any()
    assert np.all((portfolio.left_month[left] - portfolio.contract_month[left]) % 12 == 0)
    # every opening account meets exactly one end of term in twelve months: certain churn takes all of them
    certain, flows = run(make(churn_per_month=np.ones((2, MONTHS))))
    old = (certain.segment == 0) & (certain.contract_month < 0)
    assert not certain.alive[old].any()
    assert flows[0].lost[1] == flows[0].opening[1] == 300
    assert max(f.lost[0] for f in flows) < 20  # spread over the year, not at one close


def test_new_accounts_stay_for_their_first_close():
    portfolio, _ = run(make(churn_per_month=np.ones((2, MONTHS))))
    new = (portfolio.contract_month >= 0) & (portfolio.segment == 1)
    last = portfolio.contract_month[new] == MONTHS - 1
    np.testing.assert_array_equal(portfolio.left_month[new][~last], portfolio.contract_month[new][~last] + 1)


def test_start_days_lie_in_their_month_and_ages_before_the_horizon():
    portfolio, _ = run(make())
    old = portfolio.contract_month < 0
    assert np.all(portfolio.start_day[old] < 0)
    span = accounts.opening_span(make())
    np.testing.assert_array_equal(span, [36, 24])  # 30 months are rounded up to three terms
    for s in range(2):
        mine = old & (portfolio.segment == s)
        assert portfolio.contract_month[mine].min() >= -span[s]
    starts = accounts.month_start_days(GRID.start, -36, 0)
    month = portfolio.contract_month[old]
    np.testing.assert_array_equal(portfolio.start_day[old], starts[month + 36] + portfolio.contract_day[old])
    assert np.all(portfolio.start_day[old] < starts[month + 37])
    month = portfolio.contract_month[~old]
    assert np.all(portfolio.start_day[~old] >= GRID.month_day[month])
    assert np.all(portfolio.start_day[~old] < GRID.month_day[month + 1])
    np.testing.assert_array_equal(portfolio.start_day[~old] - GRID.month_day[month], portfolio.contract_day[~old])


def test_expansion_waits_for_adoption():
    # nobody is there at the start, and the enterprise segment has onboarded and adopted after nine months
    tables = make(
        opening=np.array([0, 0]),
        new_per_month=np.full((2, MONTHS), 40.0),
        upsell_share=np.ones(2),
        churn_per_month=np.zeros((2, MONTHS)),
    )
    _, flows = run(tables)
    # the earliest adopt 274 days (nine mean months) after the start, late in month 8: eligible from month 9 on
    assert sum(f.upsold[0] for f in flows[:9]) == 0
    assert flows[11].upsold[0] == flows[11].eligible[0] > 0


def test_pressure_shifts_log_odds():
    tables = make()
    base, shifted = run(tables)[1], run(tables, pressure=0.0)[1]
    assert all(np.array_equal(a.lost, b.lost) for a, b in zip(base, shifted, strict=True))
    calm, pressed = run(tables, pressure=-50.0)[1], run(tables, pressure=50.0)[1]
    assert sum(f.lost.sum() for f in calm) == 0
    assert pressed[0].lost[1] == 300
    never = run(make(churn_per_month=np.zeros((2, MONTHS))), pressure=50.0)[1]
    assert sum(f.lost.sum() for f in never) == 0
    # log-odds ln 30 on p = 3 %: 0.9 / 1.87 (20 repeats of 300 decisions each)
    lost = sum(int(run_first_close(make(), r, np.log(30.0))) for r in range(20))
    p = 0.9 / 1.87
    # 4 standard errors of a binomial share of 6,000 decisions
    assert lost / 6000 == pytest.approx(p, abs=4 * np.sqrt(p * (1 - p) / 6000))


def run_first_close(tables: PortfolioTables, replication: int, pressure: float) -> int:
    portfolio = open_portfolio(tables, GRID, 7, replication)
    return int(close_month(portfolio, tables, GRID, 0, np.full(len(portfolio), pressure)).lost[1])


def test_expected_accounts_are_the_mean():
    tables = make()
    exact = expected_accounts(tables)
    runs = 120
    seen = np.array([[f.opening for f in run(tables, r)[1]] for r in range(runs)])  # (runs, M, S)
    error = seen.std(axis=0, ddof=1) / np.sqrt(runs)
    # 24 means at 4.5 standard errors: one false alarm in 6,000 runs of the suite; month 0 is certain
    assert np.all(np.abs(seen.mean(axis=0) - exact.opening.T) <= 4.5 * error + 1e-9)
    # account-months: those of the opening accounts, and half a month for each new one
    np.testing.assert_allclose(exact.account_months.sum(axis=2), exact.opening + exact.new / 2, rtol=1e-12)


def test_expected_accounts_know_the_ends_of_terms():
    new = np.zeros((2, MONTHS))
    new[:, 0] = 100.0
    tables = make(
        opening=np.zeros(2, dtype=np.int64),
        new_per_month=new,
        term_months=np.array([3, 1]),
        churn_per_month=np.full((2, MONTHS), 0.1),
    )
    exact = expected_accounts(tables)
    # joined in month 0: the term of three months ends in months 3, 6 and 9
    np.testing.assert_allclose(exact.opening[0, 1:], 100 * 0.9 ** np.array([0, 0, 0, 3, 3, 3, 6, 6, 6, 9, 9]))
    np.testing.assert_allclose(exact.opening[1, 1:], 100 * 0.9 ** np.arange(11.0))
    assert accounts.churn_probability(tables, 0) == pytest.approx([1 - 0.9**3, 0.1])


def test_effort_and_revenue_follow_their_laws():
    tables = make(opening=np.array([20_000, 20_000]))
    portfolio = open_portfolio(tables, GRID, 1, 0)
    first = portfolio.segment == 0
    # 4 standard errors of a mean of 20,000 values with cv 0.4 and 0.6
    assert portfolio.effort[first].mean() == pytest.approx(1.0, abs=4 * 0.4 / np.sqrt(20_000))
    assert portfolio.mrr[first].mean() == pytest.approx(900_000, rel=4 * 0.6 / np.sqrt(20_000))
    # the standard deviation of a gamma's sample: about sd × sqrt((kurtosis - 1) / 4n), below 1.5 % here
    assert portfolio.effort[first].std() == pytest.approx(0.4, rel=0.04)
    assert np.all(portfolio.effort[~first] == 1.0)


def test_poisson_keys():
    base = accounts.randomness.stream(1, 0, "test")
    key, place = accounts.poisson_keys(base, 3.0)
    longer, _ = accounts.poisson_keys(base, 300.0)
    np.testing.assert_array_equal(key, longer[: len(key)])
    assert np.all((place >= 0) & (place < 1))
    assert np.all(np.diff(place) > 0)
    places = [accounts.poisson_keys(accounts.randomness.stream(1, r, "test"), 3.0)[1] for r in range(4000)]
    counts = [len(place) for place in places]
    # events are uniform over the month: 4 standard errors of a mean of 12,000 uniforms
    assert np.concatenate(places).mean() == pytest.approx(0.5, abs=4 / np.sqrt(12 * 12_000))
    # 4 standard errors of mean and variance (kurtosis of Poisson: 3 + 1/3) of 4,000 counts
    assert np.mean(counts) == pytest.approx(3.0, abs=4 * np.sqrt(3 / 4000))
    assert np.var(counts) == pytest.approx(3.0, abs=4 * np.sqrt((2 + 1 / 3) * 9 / 4000))


def test_no_accounts_at_all():
    tables = make(opening=np.array([0, 0]), new_per_month=np.zeros((2, MONTHS)))
    portfolio, flows = run(tables)
    assert len(portfolio) == 0
    assert all(getattr(f, name).sum() == 0 for f in flows for name in COUNTS)


def test_stages_follow_age():
    portfolio, _ = run(make())
    row = np.flatnonzero((portfolio.segment == 0) & (portfolio.contract_month >= 0))[:1]
    start = portfolio.start_day[row]
    assert portfolio.stage(start, row) == 0
    assert portfolio.stage(start + 91, row) == 0  # three mean months are 91.3 days
    assert portfolio.stage(start + 92, row) == 1
    assert portfolio.stage(start + 274, row) == 2


def test_contraction_is_told_apart():
    tables = make(
        downgrade_share=np.array([0.01, 0.02]),
        seats_share=np.array([0.05, 0.2]),
        seats_of_mrr=np.array([0.8, 0.8]),
        contraction_share=np.array([0.05, 0.2]),
        contraction_of_mrr=np.array([0.5, 0.5]),
    )
    portfolio, flows = run(tables)
    for flow in flows:
        apart = flow.downgraded_mrr + flow.seats_reduced_mrr + flow.plan_changed_mrr
        np.testing.assert_allclose(apart, flow.contraction_mrr, rtol=1e-12)
        assert np.all(flow.contracted <= flow.downgraded + flow.seats_reduced + flow.plan_changed)
        change = flow.new_mrr + flow.expansion_mrr - flow.churned_mrr - flow.contraction_mrr
        np.testing.assert_allclose(flow.closing_mrr, flow.opening_mrr + change, rtol=1e-9)
    assert portfolio.mrr.min() >= 0, "80 % and 50 % of one month take no more than there is"
    free = portfolio.free & portfolio.alive
    assert free.sum() > 10
    assert np.all(portfolio.mrr[free] == 0)
    assert np.array_equal(portfolio.served, portfolio.alive & ~portfolio.free)
    downgraded = sum(flow.downgraded for flow in flows)
    paying = sum(flow.opening for flow in flows)
    # no more than 1 and 2 % of the months of accounts, less those on the free plan already
    assert np.all(downgraded <= paying * tables.downgrade_share * 1.5 + 3)


def test_accounts_on_the_free_plan_stay_and_are_not_served():
    tables = make(downgrade_share=np.array([1.0, 1.0]), churn_per_month=np.zeros((2, MONTHS)))
    portfolio, flows = run(tables)
    assert flows[0].downgraded.sum() == flows[0].opening.sum()
    assert flows[-1].lost.sum() == 0
    assert portfolio.alive.all()
    assert portfolio.served.sum() == flows[-1].new.sum(), "those who joined in the last month have not decided yet"
    assert sum(f.upsold.sum() + f.seats_reduced.sum() for f in flows) == 0
    expected = expected_accounts(tables)
    np.testing.assert_allclose(expected.opening[:, 0], tables.opening)
    assert expected.account_months[:, 2, 2:].sum() == 0, "nobody but the last month's new accounts is served"
