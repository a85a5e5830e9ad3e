"""Contacts of a month: their keys, their law and their order.

Statistical comparisons take the bound of 4.5 standard errors of the Monte Carlo error at hand (two-sided 7e-6 each;
about 1,500 numbers are compared in this file, so 1 % for the whole family) unless the line above says otherwise. Seeds
are fixed.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from simulator import timegrid
from simulator.distributions import LawBook, exponential, gamma
from simulator.errors import ParameterError
from simulator.randomness import bits, keys, purpose, stream, uniform
from simulator.support import demand
from simulator.support.demand import arrival_tables, busyness, draw_month, offered

BOUND = 4.5
OFFICE = {"mon-fri": "09:00-18:00"}
GAP = purpose("support.arrivals.gap")


def reference_case(model):
    cases = json.loads((Path(__file__).parents[1] / "verification" / "reference_cases.json").read_text())
    return next(case for case in cases if case["model"].startswith(model))


def grid(months=1, start=dt.date(2027, 4, 1), zone="Asia/Tokyo", interval=1800.0, days=None):
    return timegrid.build(start, None if days else months, days, zone, "JP" if zone == "Asia/Tokyo" else None, interval)


def even_profile(on, hours=OFFICE):
    """Contacts of accounts spread evenly over the open intervals of each month."""
    shape = on.open_intervals(hours).astype(float)
    for first, last in zip(on.month_interval[:-1], on.month_interval[1:], strict=True):
        shape[first:last] /= shape[first:last].sum()
    return shape


def accounts(count, segment=0):
    return {"account_key": keys(np.uint64(77), np.arange(count)), "account_segment": np.full(count, segment)}


def by_key(contacts):
    return dict(
        zip(contacts.key.tolist(), zip(contacts.time.tolist(), contacts.queue.tolist(), strict=True), strict=True)
    )


def exactly(contacts, other):
    return all(
        np.array_equal(getattr(contacts, name), getattr(other, name))
        for name in ("time", "interval", "queue", "key", "account")
    )


def close(mean, expected, error):
    return np.all(np.abs(mean - expected) <= BOUND * error)


# --- what a contact is ------------------------------------------------------------------------------------------------


def test_rate_driven_contacts_follow_their_written_rule():
    on = grid()
    tables = arrival_tables(on, ("phone",), rate=on.open_intervals(OFFICE) * 0.01)
    contacts = draw_month(tables, 0, seed=5, replication=3)
    base = stream(5, 3, "support.arrivals.phone")
    found = []
    for i in np.flatnonzero(tables.rate[0]):
        day = keys(base, on.ordinal[on.interval_day[i]])[0]
        interval = keys(day, on.interval_slot[i])[0]  # on a day of 24 hours the slot is the place in the day
        key = keys(interval, np.arange(60))
        time = on.interval_start[i] + np.cumsum(-np.log(uniform(key, GAP))) / 0.01
        found += [(t, int(i), k) for t, k in zip(time, key.tolist(), strict=True) if t < on.interval_start[i + 1]]
    assert len(found) == len(contacts) > 1000
    # the two logarithms may round differently, at times of 2.6e6 s
    assert np.allclose(contacts.time, [f[0] for f in found], rtol=0, atol=1e-8)
    assert contacts.interval.tolist() == [f[1] for f in found]
    assert contacts.key.tolist() == [f[2] for f in found]
    assert set(contacts.account) == {-1}
    assert set(contacts.queue) == {0}


def test_account_driven_contacts_follow_their_written_rule():
    on = grid(months=2)
    rng = np.random.default_rng(1)
    shape = rng.random(on.intervals) * on.open_intervals(OFFICE)
    for first, last in zip(on.month_interval[:-1], on.month_interval[1:], strict=True):
        shape[first:last] /= shape[first:last].sum()
    who = accounts(60)
    who["account_segment"] = np.arange(60) % 3
    per_month = np.array([[2.0], [0.0], [30.0]])
    tables = arrival_tables(on, ("phone",), profile=shape, contacts_per_month=per_month, account_factor=[[1.0], [0.5]])
    contacts = draw_month(tables, 1, seed=5, replication=3, **who)
    first, last = on.month_interval[1:3]
    below = np.concatenate([[0.0], np.cumsum(shape[first:last])])
    base = stream(5, 3, "support.account_arrivals.phone")
    found = []
    for a in range(60):
        expected = per_month[a % 3, 0] * 0.5
        month = keys(keys(base, who["account_key"][a])[0], 2027 * 12 + 4)[0]  # May 2027
        key = keys(month, np.arange(60))
        reached = np.cumsum(-np.log(uniform(key, GAP))) / max(expected, 1e-9)
        key, reached = key[reached < below[-1]], reached[reached < below[-1]]
        j = np.searchsorted(below, reached, side="right") - 1
        time = on.interval_start[first + j] + (reached - below[j]) / (below[j + 1] - below[j]) * 1800.0
        found += [(t, k, a) for t, k in zip(time, key.tolist(), strict=True)]
    found.sort()
    assert len(found) == len(contacts) > 250
    # the logarithms and the cumulative shape may round differently, at times of 5e6 s
    assert np.allclose(contacts.time, [f[0] for f in found], rtol=0, atol=1e-6)
    assert contacts.key.tolist() == [f[1] for f in found]
    assert contacts.account.tolist() == [f[2] for f in found]
    assert np.array_equal(contacts.interval, np.searchsorted(on.interval_start, contacts.time, side="right") - 1)


def test_more_volume_keeps_the_earlier_contacts():
    on = grid()
    few, many = (
        by_key(draw_month(arrival_tables(on, ("phone",), rate=on.open_intervals(OFFICE) * rate), 0, 1, 0))
        for rate in (0.01, 0.013)
    )
    assert few.keys() < many.keys()
    # on a busier line the same contact comes earlier, in the ratio of the rates
    start = on.interval_start[np.searchsorted(on.interval_start, [few[k][0] for k in few], side="right") - 1]
    slow = np.array([few[k][0] for k in few]) - start
    fast = np.array([many[k][0] for k in few]) - start
    assert np.allclose(slow * 0.01, fast * 0.013, atol=1e-6)  # atol: roundings of times of 2.6e6 s
    assert np.all(fast <= slow)


def test_another_queue_leaves_the_others_unchanged():
    on = grid()
    book = LawBook()
    law = book.row(gamma(1.0, cv=0.2))
    extra = {"laws": book.tables(), "day_law": law, "day_shared": 0.5, "interval_law": law, "interval_memory": 0.6}
    extra |= {"profile": even_profile(on)}
    one = draw_month(
        arrival_tables(on, ("phone",), rate=0.002, contacts_per_month=[[3.0]], **extra), 0, 1, 0, **accounts(50)
    )
    tables = arrival_tables(on, ("chat", "phone"), rate=0.002, contacts_per_month=[[9.0, 3.0]], **extra)
    both = draw_month(tables, 0, 1, 0, **accounts(50))
    mine = both.queue == 1
    assert mine.sum() < len(both)
    for name in ("time", "interval", "key", "account"):
        assert np.array_equal(getattr(one, name), getattr(both, name)[mine])


def test_another_account_leaves_the_others_unchanged():
    on = grid()
    tables = arrival_tables(on, ("phone",), profile=even_profile(on), contacts_per_month=[[3.0]])
    few, many = (by_key(draw_month(tables, 0, 1, 0, **accounts(n))) for n in (100, 101))
    assert few.items() < many.items()


def test_a_month_does_not_depend_on_the_horizon_around_it():
    book = LawBook()
    law = book.row(gamma(1.0, cv=0.2))
    found = []
    for on, month in ((grid(3), 1), (grid(2, start=dt.date(2027, 5, 1)), 0)):
        tables = arrival_tables(
            on, ("phone",), rate=on.open_intervals(OFFICE) * 0.01, profile=even_profile(on), contacts_per_month=[[3.0]],
            day_law=law, interval_law=law, interval_memory=0.5, laws=book.tables(),
        )  # fmt: skip
        contacts = draw_month(tables, month, 1, 0, **accounts(100))
        found.append((contacts, on.day_start[on.month_day[month]], on.month_interval[month]))
    (one, shift, first), (other, nothing, zero) = found
    assert nothing == 0.0
    assert zero == 0
    assert len(one) > 1000
    assert np.array_equal(one.key, other.key)
    assert np.array_equal(one.interval - first, other.interval)
    assert np.allclose(one.time - shift, other.time, rtol=0, atol=1e-6)  # atol: the shift rounds


def test_seed_replication_and_month_change_everything():
    on = grid(2)
    tables = arrival_tables(on, ("phone",), rate=0.001, profile=even_profile(on), contacts_per_month=[[3.0]])
    sets = [
        set(draw_month(tables, *place, **accounts(20)).key.tolist())
        for place in ((0, 1, 0), (0, 1, 1), (0, 2, 0), (1, 1, 0))
    ]
    assert len(set.union(*sets)) == sum(map(len, sets)) > 4000


def test_the_same_month_twice_is_identical_and_room_does_not_matter(monkeypatch):
    on = grid()
    tables = arrival_tables(on, ("a", "b"), rate=0.001, profile=even_profile(on), contacts_per_month=[[3.0, 1.0]])
    once = draw_month(tables, 0, 1, 0, **accounts(20))
    assert exactly(once, draw_month(tables, 0, 1, 0, **accounts(20)))
    monkeypatch.setattr(demand, "_room", lambda expected: 3)
    assert exactly(once, draw_month(tables, 0, 1, 0, **accounts(20)))


def test_whatever_the_tables_are_made_from_one_compiled_version_serves():
    from simulator.support import demand_kernels

    on = grid()
    full = np.full((1, on.intervals), 0.001)
    full.setflags(write=False)
    book = LawBook()
    law = book.row(gamma(1.0, cv=0.2))
    for rate in (0.001, full, np.asfortranarray(np.repeat(full, 1, axis=0)), full[:, ::1].tolist()):
        for rows in (law, [law], np.array([law], dtype=np.int32)):
            tables = arrival_tables(on, ("a",), rate=rate, day_law=rows, laws=book.tables())
            draw_month(tables, 0, 1, 0, **accounts(2))
    for kernel in (demand_kernels.arrivals, demand_kernels.busyness, demand_kernels.by_time):
        assert len(kernel.signatures) == 1


# --- where contacts are -----------------------------------------------------------------------------------------------


def test_sorted_inside_their_intervals_and_never_when_closed():
    on = grid(2)
    is_open = on.open_intervals(OFFICE)
    tables = arrival_tables(
        on, ("a", "b"), rate=is_open * 0.005, profile=even_profile(on), contacts_per_month=[[3.0, 1.0]]
    )
    for month in (0, 1):
        contacts = draw_month(tables, month, 1, 0, **accounts(500))
        assert np.all(np.diff(contacts.time) >= 0)
        assert np.all(is_open[contacts.interval])
        assert np.all(contacts.time >= on.interval_start[contacts.interval])
        assert np.all(contacts.time < on.interval_start[contacts.interval + 1])
        assert len(np.unique(contacts.key)) == len(contacts)


@pytest.mark.parametrize(("date", "hours"), [(dt.date(2027, 3, 14), 23), (dt.date(2027, 11, 7), 25)])
def test_days_of_23_and_25_hours(date, hours):
    on = grid(days=1, start=date, zone="America/New_York")
    contacts = draw_month(arrival_tables(on, ("phone",), rate=0.05), 0, 1, 0)
    # both runs of the repeated hour have contacts of their own
    assert len(np.unique(contacts.key)) == len(contacts)
    count = np.bincount(contacts.interval, minlength=on.intervals)
    assert count.size == 2 * hours
    assert count.min() > 40
    assert contacts.time.max() < hours * 3600.0


def test_arrivals_are_uniform_inside_an_interval_of_constant_rate():
    on = grid()
    tables = arrival_tables(on, ("phone",), rate=0.02, profile=even_profile(on), contacts_per_month=[[40.0]])
    contacts = draw_month(tables, 0, 1, 0, **accounts(500))
    fraction = (contacts.time - on.interval_start[contacts.interval]) / 1800.0
    for from_account in (False, True):
        part = np.sort(fraction[(contacts.account >= 0) == from_account])
        n = part.size
        assert n > 15_000
        distance = np.max(np.abs(part - (np.arange(n) + 0.5) / n))
        # Kolmogorov: 2.2 / sqrt(n) is passed with probability 1.3e-4
        assert distance < 2.2 / math.sqrt(n)


def test_order_equals_a_stable_sort_with_ties_and_crowds():
    from simulator.support import demand_kernels

    rng = np.random.default_rng(3)
    start = np.array([0.0, 10.0, 30.0, 31.0, 100.0])
    for n in (0, 1, 2, 50, 3000):
        for spread in (0.0, 1e-9, 1.0):
            interval = rng.integers(0, 4, n)
            place = np.round(rng.random(n) ** 3 * spread, 2)  # rounded: many ties; cubed: crowded at the start
            time = start[interval] + place * np.diff(start)[interval]
            time = np.minimum(time, np.nextafter(start[interval + 1], 0))
            more = np.arange(n + 3)  # places beyond the contacts are none of its business
            found = (np.append(time, more[:3]), np.append(interval, more[:3]), more, more.astype(np.uint64), -more)
            order = np.argsort(time, kind="stable")
            for column, expected in zip(demand_kernels.by_time(found, n, start, 0, 4), found, strict=True):
                assert np.array_equal(column, expected[order])


# --- how many ---------------------------------------------------------------------------------------------------------


def test_expected_contacts():
    on = grid(3)
    is_open = on.open_intervals(OFFICE)
    tables = arrival_tables(
        on, ("a", "b"), rate=np.stack([is_open * 0.01, is_open * 0.0]), profile=even_profile(on),
        contacts_per_month=[[2.0, 3.0], [0.0, 5.0]], account_factor=[[1.0, 1.0], [1.0, 2.0], [0.5, 0.0]],
    )  # fmt: skip
    expected = offered(tables, accounts=[[100, 10], [110, 10], [120, 20]])
    assert expected.shape == (2, on.intervals)
    months = np.add.reduceat(expected, on.month_interval[:-1], axis=1)
    hours = np.add.reduceat(is_open, on.month_interval[:-1]) * 0.5
    # 1e-12: sums of rounded parts
    assert np.allclose(months[0], hours * 36.0 + [200, 220, 120], atol=0, rtol=1e-12)
    assert np.allclose(months[1], [350, 760, 0], atol=0, rtol=1e-12)
    assert np.all(expected[:, ~is_open] == 0)
    assert np.array_equal(offered(tables), tables.rate * 1800.0)


def test_counts_have_the_offered_mean_and_are_poisson():
    on = grid(days=7)
    shape = np.where(on.open_intervals(OFFICE), 1.0 + on.interval_slot % 5, 0.0)
    shape /= shape.sum()
    rate = on.open_intervals(OFFICE) * np.array([[0.002], [0.006]])
    tables = arrival_tables(on, ("a", "b"), rate=rate, profile=shape, contacts_per_month=[[2.0, 1.0], [0.0, 4.0]])
    who = accounts(300)
    who["account_segment"] = np.arange(300) % 2
    runs = 1000
    count = np.zeros((runs, 2, on.intervals))
    for r in range(runs):
        contacts = draw_month(tables, 0, 9, r, **who)
        np.add.at(count[r], (contacts.queue, contacts.interval), 1)
    expected = offered(tables, accounts=[[150, 150]])
    assert close(count.mean(0), expected, np.sqrt(expected / runs))
    # a Poisson count has variance m and, as fourth central moment, m + 3 m²
    assert close(count.var(0, ddof=1), expected, np.sqrt((expected + 2 * expected**2) / runs))
    total, mean = count.sum(axis=(1, 2)), expected.sum()
    assert close(total.mean(), mean, math.sqrt(mean / runs))
    # intervals, queues and sources are independent, so the total is Poisson too
    assert close(total.var(ddof=1), mean, math.sqrt((mean + 2 * mean**2) / runs))


def test_thinning_many_accounts_equal_one_rate():
    """Contacts of A accounts with c each are a Poisson stream of A·c; of an account they are Poisson with mean c."""
    on = grid()
    tables = arrival_tables(on, ("phone",), profile=even_profile(on), contacts_per_month=[[2.5]])
    count = np.zeros((200, 300))
    for r in range(200):
        contacts = draw_month(tables, 0, 4, r, **accounts(300))
        count[r] = np.bincount(contacts.account, minlength=300)
    n = count.size
    assert close(count.mean(), 2.5, math.sqrt(2.5 / n))
    for k in range(8):
        p = math.exp(-2.5) * 2.5**k / math.factorial(k)
        assert close(np.mean(count == k), p, math.sqrt(p * (1 - p) / n))
    total = count.sum(1)
    assert close(total.var(ddof=1), 750.0, math.sqrt((750 + 2 * 750**2) / 200))


def test_gaps_and_later_draws_of_a_contact_are_independent():
    on = grid()
    contacts = draw_month(arrival_tables(on, ("phone",), rate=0.05), 0, 1, 0)
    same = contacts.interval[1:] == contacts.interval[:-1]
    gap = np.diff(contacts.time)[same]
    talk = uniform(contacts.key, purpose("support.talk"))[1:][same]
    n = gap.size
    assert n > 100_000
    for other in (talk, np.roll(gap, 1)):
        assert abs(np.corrcoef(gap, other)[0, 1]) < BOUND / math.sqrt(n)
    assert bits(contacts.key, GAP).size == len(np.unique(bits(contacts.key, GAP)))


# --- busyness ---------------------------------------------------------------------------------------------------------


def test_poisson_gamma_days_have_the_negative_binomial_variance():
    case = reference_case("Poisson-gamma")
    shape, mean = case["params"]["busyness_gamma_shape"], case["params"]["mean_calls"]
    on = grid(12, zone="UTC", interval=7200.0)
    book = LawBook()
    tables = arrival_tables(
        on, ("phone",), rate=mean / 86400.0, day_law=book.row(gamma(1.0, shape=shape)), laws=book.tables()
    )
    days = []
    for r in range(12):
        for month in range(12):
            contacts = draw_month(tables, month, 2, r)
            first, last = on.month_day[month : month + 2]
            days.append(np.bincount(on.interval_day[contacts.interval] - first, minlength=last - first))
    count = np.concatenate(days).astype(float)
    n = count.size
    assert n == 12 * 366
    expected = case["expected"]
    assert expected["variance"] == mean + mean**2 / shape
    assert close(count.mean(), expected["mean"], math.sqrt(expected["variance"] / n))
    fourth = np.mean((count - count.mean()) ** 4)
    assert close(count.var(ddof=1), expected["variance"], math.sqrt((fourth - expected["variance"] ** 2) / n))


def _normal_score(factor, shape):
    from scipy import stats

    return stats.norm.ppf(stats.gamma.cdf(factor, shape, scale=1 / shape))


def test_day_factors_are_gamma_and_shared_across_queues_by_their_shares():
    on = grid(12)
    book = LawBook()
    row = book.row(gamma(1.0, shape=25.0))
    shared = np.array([0.0, 0.36, 0.81])
    tables = arrival_tables(on, ("a", "b", "c"), day_law=row, day_shared=shared, laws=book.tables())
    factor = np.concatenate(
        [
            busyness(tables, month, 3, r)[:, ::48]  # one a day
            for r in range(10)
            for month in range(12)
        ],
        axis=1,
    )
    n = factor.shape[1]
    assert n == 10 * 366
    assert close(factor.mean(1), 1.0, 0.2 / math.sqrt(n))
    score = _normal_score(factor, 25.0)
    assert close(score.mean(1), 0.0, 1 / math.sqrt(n))
    assert close(score.var(1), 1.0, math.sqrt(2 / n))
    found = np.corrcoef(score)
    for a, b in ((0, 1), (0, 2), (1, 2)):
        rho = math.sqrt(shared[a] * shared[b])
        assert close(found[a, b], rho, (1 - rho**2) / math.sqrt(n))
    # days follow each other independently
    lag = [np.corrcoef(s[1:], s[:-1])[0, 1] for s in score]
    assert close(np.array(lag), 0.0, 1 / math.sqrt(n))


def test_a_factor_rises_with_its_normal_score():
    from numba import njit

    from simulator.support import demand_kernels

    inner = demand_kernels._at_normal  # has no entry for Python

    @njit
    def at_normal(tables, scale, zero, row, z):
        return inner(tables, scale, zero, row, z)

    law = gamma(1.0, cv=0.5)
    book = LawBook()
    row, laws = book.row(law), book.tables()
    z = np.array([-5.0, -2.0, -0.5, 0.0, 0.5, 2.0, 5.0])
    found = [at_normal(laws.tables, laws.scale, laws.zero, row, x) for x in z]
    below = np.array([0.5 * math.erfc(-x / math.sqrt(2)) for x in z])
    # 1e-4: the stated error of a table, linear between knots
    assert np.allclose(found, law.quantile(below), rtol=0, atol=1e-4)


def test_a_day_factor_is_one_number_for_the_whole_day():
    on = grid(1)
    book = LawBook()
    tables = arrival_tables(on, ("a",), day_law=book.row(gamma(1.0, cv=0.3)), laws=book.tables())
    factor = busyness(tables, 0, 1, 0)[0].reshape(30, 48)
    assert np.all(factor == factor[:, :1])
    assert len(np.unique(factor)) == 30


def test_interval_factors_remember_their_neighbours_and_start_afresh_each_day():
    on = grid(12)
    book = LawBook()
    row = book.row(gamma(1.0, shape=16.0))
    tables = arrival_tables(on, ("a",), interval_law=row, interval_memory=0.7, laws=book.tables())
    factor = np.concatenate([busyness(tables, m, 3, r)[0].reshape(-1, 48) for r in range(3) for m in range(12)])
    score = _normal_score(factor, 16.0)
    days = len(score)
    assert days == 3 * 366
    # the mean of a chain with memory m over a day of 48 has at most the variance (1 + m) / (1 - m) / 48
    assert close(score.mean(), 0.0, math.sqrt(1.7 / 0.3 / 48 / days))
    # in every place of the day the factor has the whole spread, the first one too
    assert close(score.var(0), 1.0, math.sqrt(2 / days))
    for lag in (1, 2, 5):
        rho = 0.7**lag
        found = [np.corrcoef(score[:, i], score[:, i + lag])[0, 1] for i in range(0, 43, 6)]
        assert close(np.array(found), rho, (1 - rho**2) / math.sqrt(days))
    # across midnight there is no memory
    assert close(np.corrcoef(score[:-1, 47], score[1:, 0])[0, 1], 0.0, 1 / math.sqrt(days))


def test_both_factors_multiply():
    on = grid()
    book = LawBook()
    law = book.row(gamma(1.0, cv=0.3))
    day, interval, both = (
        busyness(arrival_tables(on, ("a",), laws=book.tables(), interval_memory=0.5, **which), 0, 1, 0)
        for which in ({"day_law": law}, {"interval_law": law}, {"day_law": law, "interval_law": law})
    )
    assert np.array_equal(day * interval, both)
    assert np.all(busyness(arrival_tables(on, ("a",)), 0, 1, 0) == 1.0)


# --- a closed form ----------------------------------------------------------------------------------------------------


def test_infinite_agents_with_a_sinusoidal_rate():
    """M_t/M/inf: 10 + 5 sin t arrivals and service rate 2 give 5 + (2 sin t - cos t) busy agents; t in hours."""
    case = reference_case("Mt/M/inf sinusoidal")
    assert case["expected"]["mean_number"] == "5 + 5*(2 sin t - cos t)/5"
    assert case["params"]["mu"] == 2
    on = grid(days=1, zone="UTC", interval=60.0)
    edge = on.interval_start / 3600.0
    rate = (10.0 * np.diff(edge) - 5.0 * np.diff(np.cos(edge))) / 60.0  # the mean over the minute, per second
    tables = arrival_tables(on, ("phone",), rate=rate)
    look = np.arange(8.0, 24.0, 0.5)  # by 8 h the empty start is forgotten: e^-16
    runs = 1500
    busy = np.zeros((runs, look.size))
    service = purpose("test.service")
    for r in range(runs):
        contacts = draw_month(tables, 0, 6, r)
        came = contacts.time / 3600.0
        left = came - np.log(uniform(contacts.key, service)) / 2.0
        busy[r] = np.searchsorted(came, look, side="right") - np.searchsorted(np.sort(left), look, side="right")
    expected = 5.0 + 2.0 * np.sin(look) - np.cos(look)
    assert close(busy.mean(0), expected, np.sqrt(expected / runs))  # the number is Poisson


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rate": -1.0}, "not negative"),
        ({"rate": math.inf}, "finite"),
        ({"contacts_per_month": [[math.nan]]}, "finite"),
        ({"profile": 0.5}, "sum to 1"),
        ({"day_shared": 1.5}, "day_shared must lie between 0 and 1"),
        ({"interval_memory": 1.5}, "interval_memory must lie between 0 and 1"),
        ({"day_law": 1}, "row 1 of 1 laws"),
        ({"interval_law": 0}, "interval_law must have mean 1"),
    ],
)
def test_wrong_tables_are_refused(wrong, message):
    book = LawBook()
    book.row(exponential(2.0))
    with pytest.raises(ParameterError, match=message):
        arrival_tables(grid(), ("phone",), laws=book.tables(), **wrong)


def test_wrong_months_and_accounts_are_refused():
    tables = arrival_tables(grid(), ("phone",))
    with pytest.raises(ParameterError, match="month 1 is outside the horizon of 1"):
        draw_month(tables, 1, 1, 0)
    with pytest.raises(ParameterError, match="month -1"):
        draw_month(tables, -1, 1, 0)
    with pytest.raises(ParameterError, match="2 account keys but 0 segments"):
        draw_month(tables, 0, 1, 0, account_key=keys(np.uint64(1), [1, 2]))


def test_importing_demand_loads_no_compiler():
    code = "import sys, simulator.support.demand, simulator.support.kpis; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
