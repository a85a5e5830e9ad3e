"""Accounts month by month: who is there, what they pay, who leaves and who joins.

Rules (where the model is silent, the rule chosen is written here and tested):

- An account is a row that never moves: rows are appended, a lost account stays with ``alive`` false and revenue 0.
- A month opens with the accounts of the last close; the month's new accounts join on their own day. The close looks
  only at accounts that were there when the month opened, so that lost ÷ opening has the given churn as its mean.
- Close, in this order: cancellation, contraction, expansion (upsell, then cross-sell). Changes of revenue are shares of
  the revenue at the month's opening; a month may hold a contraction and an expansion of the same account.
- Contraction is told apart: downgrade to a free plan (all revenue goes, the account stays), fewer seats, a cheaper
  plan. Fewer seats and a cheaper plan may fall into one month; together they take no more than the revenue there is. An
  account on the free plan may still cancel and still contacts support, but no success activity covers it and it does
  not expand.
- An account on a term of T months decides once, in the month that holds the end of its term, with 1 - (1 - p)^T; the
  term then runs again. A term of 0 or 1 month decides every month.
- A coupling shifts the log-odds of the decision that is taken (the renewal, for an account on a term; an upsell or a
  cross-sell).
- Phases follow the age: onboarding, then adoption; an account that has adopted stays open to adoption work and is from
  then on open to expansion and loyalty work too. Only such accounts expand.
- Opening accounts have ages spread evenly (keyed) over ``opening_age_months``, rounded up to whole terms, so that as
  many terms end in one month as in another.
"""

from __future__ import annotations

import datetime as dt
import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import randomness
from simulator.distributions import LawTables, unit_table
from simulator.kernels import draws
from simulator.timegrid import TimeGrid, add_months

PHASES = ("onboarding", "adoption", "expansion", "loyalty")
"""Names of the phases; phase ``i`` is bit ``1 << i`` of a phase mask."""

STAGES = 3
STAGE_PHASES = np.array([0b0001, 0b0010, 0b1110], dtype=np.int64)
"""Phase mask of each stage of an account's life: expansion and loyalty come in addition to adoption."""

NEW, LOST, DOWNGRADED, SEATS_REDUCED, PLAN_CHANGED, UPSOLD, CROSS_SOLD = (1 << bit for bit in range(7))
"""Bits of :attr:`Portfolio.events`."""

MONTH_DAYS = 365.25 / 12
"""Mean length of a month, for ages given in months."""

_MRR = randomness.purpose("account.mrr")
_EFFORT = randomness.purpose("account.effort")
_AGE = randomness.purpose("account.age")
_ANCHOR = randomness.purpose("account.anchor")
_GAP = randomness.purpose("account.gap")
_CHURN = randomness.purpose("account.churn")
_DOWNGRADE = randomness.purpose("account.downgrade_to_free")
_SEATS = randomness.purpose("account.seat_reduction")
_CONTRACTION = randomness.purpose("account.contraction")
_UPSELL = randomness.purpose("account.upsell")
_CROSS_SELL = randomness.purpose("account.cross_sell")


@dataclass(frozen=True, eq=False)
class Present:
    """Accounts of one segment that are known one by one when the horizon begins (n of them).

    Attributes:
        name: uint64 (n,), words of their names: an account keeps its draws whatever the list holds beside it.
        start_day: int64 (n,), horizon day of the contract's start, negative.
        month, day: int64 (n,), the same as horizon month and days into it.
        mrr, effort: float64 (n,), NaN where they are drawn as for any account.
        owner: n names of CSMs, "" where none is known.
    """

    name: NDArray[np.uint64]
    start_day: NDArray[np.int64]
    month: NDArray[np.int64]
    day: NDArray[np.int64]
    mrr: NDArray[np.float64]
    effort: NDArray[np.float64]
    owner: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class PortfolioTables:
    """What is known of the accounts of each segment (S segments, M months).

    Attributes:
        segment_names: S names; they are part of every key.
        opening: int64 (S,), accounts at the start of the horizon.
        opening_age_months: float64 (S,), ages of the opening accounts are uniform over so many months.
        new_per_month: float64 (S, M), expected new accounts.
        churn_per_month: float64 (S, M), probability per account and month.
        downgrade_share: float64 (S,), probability of a downgrade to the free plan by account and month.
        seats_share, contraction_share, upsell_share, cross_sell_share: float64 (S,), probability of fewer seats, of a
            cheaper plan and of expansion by account and month.
        seats_of_mrr, contraction_of_mrr, upsell_of_mrr, cross_sell_of_mrr: float64 (S,), their sizes, shares of the
            account's revenue.
        mrr_law: int64 (S,), row in ``laws`` of the monthly recurring revenue of a new or opening account.
        term_months: int64 (S,), 0 or 1 for contracts that can end in any month.
        onboarding_months, adoption_months: float64 (S,), lengths of the first two stages.
        effort_cv: float64 (S,), spread of the account's effort factor (gamma, mean 1).
        laws: tables of the laws.
        present: by segment the accounts of the start one by one, None where they are drawn; () for no such segment.
    """

    segment_names: tuple[str, ...]
    opening: NDArray[np.int64]
    opening_age_months: NDArray[np.float64]
    new_per_month: NDArray[np.float64]
    churn_per_month: NDArray[np.float64]
    downgrade_share: NDArray[np.float64]
    seats_share: NDArray[np.float64]
    seats_of_mrr: NDArray[np.float64]
    contraction_share: NDArray[np.float64]
    contraction_of_mrr: NDArray[np.float64]
    upsell_share: NDArray[np.float64]
    upsell_of_mrr: NDArray[np.float64]
    cross_sell_share: NDArray[np.float64]
    cross_sell_of_mrr: NDArray[np.float64]
    mrr_law: NDArray[np.int64]
    term_months: NDArray[np.int64]
    onboarding_months: NDArray[np.float64]
    adoption_months: NDArray[np.float64]
    effort_cv: NDArray[np.float64]
    laws: LawTables
    present: tuple[Present | None, ...] = ()

    @property
    def segments(self) -> int:
        return len(self.segment_names)


@dataclass(eq=False)
class Portfolio:
    """All accounts of one replication so far (A rows, lost accounts included); the state that the months change.

    Attributes (each of shape (A,)):
        key: uint64, from which everything about the account is drawn.
        segment: int64.
        mrr: float64, recurring revenue per month now; 0 once lost.
        opening_mrr: float64, the same when the present month opened; 0 for accounts new in it.
        start_day: int64, horizon day of the contract's start, negative before the horizon.
        contract_month, contract_day: int64, the start as horizon month (negative before) and days into that month.
        adoption_day, mature_day: int64, horizon days on which onboarding and adoption are over.
        anchor: float64 in [0, 1), the account's place in any period whose dates are spread.
        effort: float64, factor on the hours of desk work, mean 1.
        usage: float64, the latent state of usage, mean 0 and variance 1 (:mod:`simulator.success.health`); 0 where it
            is not followed.
        low_since, high_since: float64, horizon day on which the present spell of low or high usage began; infinite
            without one.
        alive: bool.
        free: bool, on the free plan: alive, but not covered by success activities.
        events: int64, bits of what the last close did to the account (:data:`NEW`, :data:`LOST`, ...).
        left_month: int64, month at whose close the account was lost, -1 while it is there.
    """

    key: NDArray[np.uint64]
    segment: NDArray[np.int64]
    mrr: NDArray[np.float64]
    opening_mrr: NDArray[np.float64]
    start_day: NDArray[np.int64]
    contract_month: NDArray[np.int64]
    contract_day: NDArray[np.int64]
    adoption_day: NDArray[np.int64]
    mature_day: NDArray[np.int64]
    anchor: NDArray[np.float64]
    effort: NDArray[np.float64]
    usage: NDArray[np.float64]
    low_since: NDArray[np.float64]
    high_since: NDArray[np.float64]
    alive: NDArray[np.bool_]
    free: NDArray[np.bool_]
    events: NDArray[np.int64]
    left_month: NDArray[np.int64]
    _words: dict[tuple[str, ...], NDArray[np.uint64]] = field(default_factory=dict, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.key)

    @property
    def served(self) -> NDArray[np.bool_]:
        """Accounts that success activities cover: alive and paying."""
        return self.alive & ~self.free

    def words(self, purposes: tuple[str, ...]) -> NDArray[np.uint64]:
        """Random words of every account that hold for its whole life, drawn once and kept. Shape (purposes, A)."""
        known = self._words.get(purposes, np.empty((len(purposes), 0), dtype=np.uint64))
        if known.shape[1] < len(self):
            offsets = np.array([randomness.purpose(name) for name in purposes], dtype=np.uint64)
            added = randomness.mix(self.key[known.shape[1] :] ^ offsets[:, None])
            known = self._words[purposes] = np.concatenate([known, added], axis=1)
        return known

    def stage(self, day: NDArray[np.floating] | float, account: NDArray[np.int64]) -> NDArray[np.int64]:
        """Stage 0, 1 or 2 (see :data:`STAGE_PHASES`) of ``account`` rows on a horizon day."""
        return (day >= self.adoption_day[account]).astype(np.int64) + (day >= self.mature_day[account])


@dataclass(frozen=True, eq=False)
class Flows:
    """What one month did to the accounts, per segment (each of shape (S,)).

    Counts: ``opening + new - lost == closing``; ``downgraded`` (to the free plan), ``seats_reduced``, ``plan_changed``,
    ``contracted`` (any of the three), ``upsold`` and ``cross_sold`` count accounts with such an event; ``eligible``
    counts opening accounts past adoption, to whom expansion (upsell and cross-sell) is open.
    Revenue per month: ``opening_mrr + new_mrr + expansion_mrr - churned_mrr - contraction_mrr == closing_mrr``;
    ``downgraded_mrr + seats_reduced_mrr + plan_changed_mrr == contraction_mrr``.
    """

    opening: NDArray[np.int64]
    new: NDArray[np.int64]
    lost: NDArray[np.int64]
    closing: NDArray[np.int64]
    contracted: NDArray[np.int64]
    eligible: NDArray[np.int64]
    upsold: NDArray[np.int64]
    cross_sold: NDArray[np.int64]
    opening_mrr: NDArray[np.float64]
    new_mrr: NDArray[np.float64]
    churned_mrr: NDArray[np.float64]
    contraction_mrr: NDArray[np.float64]
    expansion_mrr: NDArray[np.float64]
    closing_mrr: NDArray[np.float64]
    downgraded: NDArray[np.int64]
    seats_reduced: NDArray[np.int64]
    plan_changed: NDArray[np.int64]
    downgraded_mrr: NDArray[np.float64]
    seats_reduced_mrr: NDArray[np.float64]
    plan_changed_mrr: NDArray[np.float64]


def month_ordinal(grid: TimeGrid, month: int) -> int:
    """A number of the calendar month that does not depend on where the horizon starts, for keys."""
    return grid.start.year * 12 + grid.start.month - 1 + month


@functools.lru_cache(maxsize=512)
def month_start_days(start: dt.date, first: int, last: int) -> NDArray[np.int64]:
    """Horizon day on which months ``first`` to ``last`` (both inclusive, may lie outside the horizon) start."""
    days = np.array([(add_months(start, month) - start).days for month in range(first, last + 1)], dtype=np.int64)
    days.setflags(write=False)
    return days


def opening_span(tables: PortfolioTables) -> NDArray[np.int64]:
    """Months over which the ages of opening accounts are spread: whole terms, at least one. Shape (S,)."""
    term = np.maximum(tables.term_months, 1)
    return np.maximum(np.ceil(tables.opening_age_months / term), 1.0).astype(np.int64) * term


def opening_by_age(tables: PortfolioTables, s: int, ages: int) -> NDArray[np.float64]:
    """Expected accounts of a segment that began 1, 2, ... ``ages`` horizon months before the horizon. Shape (ages,)."""
    known = tables.present[s] if tables.present else None
    if known is not None:
        return np.bincount(-known.month - 1, minlength=ages)[:ages].astype(np.float64)
    span = int(opening_span(tables)[s])
    return np.where(np.arange(ages) < span, tables.opening[s] / span, 0.0)


def open_portfolio(tables: PortfolioTables, grid: TimeGrid, seed: int, replication: int) -> Portfolio:
    """The accounts that are there when the horizon starts. Segment by segment, keyed by their ordinal."""
    segment = np.repeat(np.arange(tables.segments), tables.opening)
    key = _join(
        [
            randomness.keys(randomness.stream(seed, replication, f"accounts.{name}"), np.arange(count))
            for name, count in zip(tables.segment_names, tables.opening, strict=True)
        ],
        np.uint64,
    )
    span = opening_span(tables)
    position = -randomness.uniform(key, _AGE) * span[segment]
    month = np.floor(position).astype(np.int64)
    earliest = int(-span.max()) if span.size else -1
    starts = month_start_days(grid.start, earliest, 0)
    length = np.diff(starts)[month - earliest]
    day = ((position - month) * length).astype(np.int64)
    start_day = starts[month - earliest] + day
    known = [(s, one) for s, one in enumerate(tables.present) if one is not None]
    for s, one in known:
        rows, stream = segment == s, randomness.stream(seed, replication, f"accounts.{tables.segment_names[s]}")
        key[rows] = randomness.keys(stream, one.name)
        start_day[rows], month[rows], day[rows] = one.start_day, one.month, one.day
    portfolio = _accounts(tables, key, segment, start_day, month, day)
    for s, one in known:
        for column, given in ((portfolio.mrr, one.mrr), (portfolio.effort, one.effort)):
            column[segment == s] = np.where(np.isnan(given), column[segment == s], given)
    portfolio.opening_mrr = portfolio.mrr.copy()
    return portfolio


def start_month(
    portfolio: Portfolio, tables: PortfolioTables, grid: TimeGrid, month: int, seed: int, replication: int
) -> None:
    """Open a month: note the revenue, then append the month's new accounts (in place).

    New accounts are a Poisson process: unit exponential gaps, one per ordinal, are laid along the month's expected
    number, so that a higher expectation keeps the accounts it had and adds some at the end.
    """
    portfolio.opening_mrr = portfolio.mrr.copy()
    days = int(grid.month_day[month + 1] - grid.month_day[month])
    key, segment, day = [], [], []
    for s, name in enumerate(tables.segment_names):
        expected = float(tables.new_per_month[s, month])
        if expected <= 0.0:
            continue
        stream = randomness.stream(seed, replication, f"accounts.{name}.new")
        keys, place = poisson_keys(randomness.keys(stream, month_ordinal(grid, month))[0], expected)
        key.append(keys)
        segment.append(np.full(len(keys), s))
        day.append((place * days).astype(np.int64))
    if not sum(map(len, key)):
        return
    joined = _join(day, np.int64)
    added = _accounts(
        tables,
        _join(key, np.uint64),
        _join(segment, np.int64),
        grid.month_day[month] + joined,
        np.full(len(joined), month),
        joined,
    )
    for name in (f.name for f in fields(Portfolio) if f.init):
        setattr(portfolio, name, np.concatenate([getattr(portfolio, name), getattr(added, name)]))


def close_month(
    portfolio: Portfolio,
    tables: PortfolioTables,
    grid: TimeGrid,
    month: int,
    pressure: NDArray[np.float64] | None = None,
    appetite: NDArray[np.float64] | None = None,
) -> Flows:
    """Close a month (in place): cancellations, contractions and expansions, and the month's flows.

    Args:
        pressure: float64 (A,), shift of the log-odds of each account's cancellation; default 0.
        appetite: float64 (A,), shift of the log-odds of each account's upsell and cross-sell; default 0.
    """
    size = tables.segments
    segment = portfolio.segment
    leg = month_ordinal(grid, month)
    here = portfolio.alive & (portfolio.contract_month < month)
    new = portfolio.alive & (portfolio.contract_month == month)
    opening_mrr = portfolio.opening_mrr

    term = np.maximum(tables.term_months, 1)[segment]
    decides = here & ((month - portfolio.contract_month) % term == 0)
    chance = shifted(churn_probability(tables, month)[segment], pressure)
    lost = decides & (randomness.uniform(portfolio.key, _CHURN, leg) < chance)
    kept = here & ~lost

    def event(
        share: NDArray[np.float64], purpose: np.uint64, among: NDArray[np.bool_], shift: NDArray[np.float64] | None
    ) -> NDArray[np.bool_]:
        if not share.any():
            return np.zeros(len(portfolio), dtype=bool)
        return among & (randomness.uniform(portfolio.key, purpose, leg) < shifted(share[segment], shift))

    downgraded = event(tables.downgrade_share, _DOWNGRADE, kept & ~portfolio.free, None)
    paying = kept & ~portfolio.free & ~downgraded
    seats = event(tables.seats_share, _SEATS, paying, None)
    plan = event(tables.contraction_share, _CONTRACTION, paying, None)
    eligible = here & ~portfolio.free & (portfolio.mature_day <= grid.month_day[month])
    upsold = event(tables.upsell_share, _UPSELL, paying & eligible, appetite)
    cross_sold = event(tables.cross_sell_share, _CROSS_SELL, paying & eligible, appetite)
    seats_part = np.where(seats, tables.seats_of_mrr[segment], 0.0)
    plan_part = np.minimum(np.where(plan, tables.contraction_of_mrr[segment], 0.0), 1.0 - seats_part)
    downgraded_mrr = np.where(downgraded, opening_mrr, 0.0)
    seats_mrr, plan_mrr = opening_mrr * seats_part, opening_mrr * plan_part
    contraction = downgraded_mrr + seats_mrr + plan_mrr
    expansion = np.where(upsold, opening_mrr * tables.upsell_of_mrr[segment], 0.0)
    expansion += np.where(cross_sold, opening_mrr * tables.cross_sell_of_mrr[segment], 0.0)

    new_mrr = np.where(new, portfolio.mrr, 0.0)
    portfolio.mrr = np.where(lost, 0.0, portfolio.mrr + expansion - contraction)
    portfolio.alive = portfolio.alive & ~lost
    portfolio.free = portfolio.free | downgraded
    happened = (
        (NEW, new), (LOST, lost), (DOWNGRADED, downgraded), (SEATS_REDUCED, seats), (PLAN_CHANGED, plan),
        (UPSOLD, upsold), (CROSS_SOLD, cross_sold),
    )  # fmt: skip
    portfolio.events = np.sum([bit * rows for bit, rows in happened], axis=0, dtype=np.int64)
    portfolio.left_month = np.where(lost, month, portfolio.left_month)

    def count(rows: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(segment[rows], minlength=size).astype(np.int64)

    def total(amount: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(segment, weights=amount, minlength=size).astype(np.float64)

    return Flows(
        opening=count(here),
        new=count(new),
        lost=count(lost),
        closing=count(portfolio.alive),
        contracted=count(downgraded | seats | plan),
        eligible=count(eligible),
        upsold=count(upsold),
        cross_sold=count(cross_sold),
        opening_mrr=total(np.where(here, opening_mrr, 0.0)),
        new_mrr=total(new_mrr),
        churned_mrr=total(np.where(lost, opening_mrr, 0.0)),
        contraction_mrr=total(contraction),
        expansion_mrr=total(expansion),
        closing_mrr=total(portfolio.mrr),
        downgraded=count(downgraded),
        seats_reduced=count(seats),
        plan_changed=count(plan),
        downgraded_mrr=total(downgraded_mrr),
        seats_reduced_mrr=total(seats_mrr),
        plan_changed_mrr=total(plan_mrr),
    )


def shifted(chance: NDArray[np.float64], shift: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Probabilities whose log-odds are moved by ``shift``: 0 stays 0 and 1 stays 1."""
    if shift is None:
        return chance
    odds = np.exp(shift)
    return chance * odds / (1.0 - chance + chance * odds)


def churn_probability(tables: PortfolioTables, month: int) -> NDArray[np.float64]:
    """Probability of cancelling at a decision: p monthly, 1 - (1 - p)^T at the end of a term. Shape (S,)."""
    rate, term = tables.churn_per_month[:, month], np.maximum(tables.term_months, 1)
    return np.asarray(np.where(term > 1, 1.0 - (1.0 - rate) ** term, rate), dtype=float)


@dataclass(frozen=True, eq=False)
class ExpectedAccounts:
    """Mean numbers of accounts, exact for given rates (no coupling).

    Attributes (S segments, M months, G cohorts by age):
        opening: float64 (S, M), accounts when each month opens.
        new: float64 (S, M).
        account_months: float64 (S, M, G), account-months lived in each month by cohort, as far as success activities
            cover them (not on the free plan); a new account lives half of its first month.
        age_low, age_high: float64 (G,), ages (months) of each cohort around the middle of a month.
    """

    opening: NDArray[np.float64]
    new: NDArray[np.float64]
    account_months: NDArray[np.float64]
    age_low: NDArray[np.float64]
    age_high: NDArray[np.float64]


def expected_accounts(tables: PortfolioTables) -> ExpectedAccounts:
    """Mean number of accounts by month and age, by the same rules as the simulated months."""
    segments, months = tables.new_per_month.shape
    term = np.maximum(tables.term_months, 1)
    span = opening_span(tables)
    oldest = max((int(-one.month.min(initial=-1)) for one in tables.present if one is not None), default=1)
    ages = max(int(span.max(initial=1)), oldest) + months
    lived = np.zeros((segments, months, ages + 1))
    opening = np.zeros((segments, months))
    for s in range(segments):
        # by_age[a]: accounts that started a + 1 horizon months ago, when the month opens
        by_age = opening_by_age(tables, s, ages)
        served = by_age
        decides = (np.arange(ages) + 1) % term[s] == 0
        for month in range(months):
            opening[s, month] = by_age.sum()
            lived[s, month, 1:] = served
            lived[s, month, 0] = tables.new_per_month[s, month] / 2
            stay = np.where(decides, 1.0 - churn_probability(tables, month)[s], 1.0)
            by_age, served = by_age * stay, served * stay * (1.0 - tables.downgrade_share[s])
            new = tables.new_per_month[s, month : month + 1]
            by_age, served = np.concatenate([new, by_age[:-1]]), np.concatenate([new, served[:-1]])
    age = np.arange(ages, dtype=float)
    return ExpectedAccounts(
        opening=opening,
        new=tables.new_per_month,
        account_months=lived,
        # accounts that started in the month: ages fall linearly over it, and their mean is a third of a month
        age_low=np.concatenate([[0.0], age + 0.5]),
        age_high=np.concatenate([[2.0 / 3.0], age + 1.5]),
    )


def poisson_keys(base: np.uint64, expected: float) -> tuple[NDArray[np.uint64], NDArray[np.float64]]:
    """Keys of the events of a Poisson process with ``expected`` events, and their places in [0, 1).

    Event i keeps its key and its gap when ``expected`` changes.
    """
    size = math.ceil(expected + 6.0 * math.sqrt(expected) + 8.0)
    while True:
        key = randomness.keys(base, np.arange(size))
        reached = np.cumsum(-np.log(randomness.uniform(key, _GAP)))
        if reached[-1] >= expected:
            count = int(np.searchsorted(reached, expected))
            return key[:count], reached[:count] / expected
        size *= 2


def _accounts(
    tables: PortfolioTables,
    key: NDArray[np.uint64],
    segment: NDArray[np.int64],
    start_day: NDArray[np.int64],
    contract_month: NDArray[np.int64],
    contract_day: NDArray[np.int64],
) -> Portfolio:
    mrr = np.zeros(len(key))
    effort = np.ones(len(key))
    revenue_words, effort_words = randomness.bits(key, _MRR), randomness.bits(key, _EFFORT)
    for s in range(tables.segments):
        rows = segment == s
        laws = tables.laws
        mrr[rows] = draws(laws.tables, laws.scale, laws.zero, tables.mrr_law[s], revenue_words[rows])
        if tables.effort_cv[s] > 0.0:
            table = np.stack([unit_table("gamma", (float(tables.effort_cv[s]) ** -2.0,))])
            effort[rows] = draws(table, np.ones(1), np.zeros(1), 0, effort_words[rows])
    onboarding = np.ceil(tables.onboarding_months * MONTH_DAYS).astype(np.int64)
    adoption = np.ceil((tables.onboarding_months + tables.adoption_months) * MONTH_DAYS).astype(np.int64)
    return Portfolio(
        key=key,
        segment=segment.astype(np.int64),
        mrr=mrr,
        opening_mrr=np.zeros(len(key)),
        start_day=start_day,
        contract_month=contract_month.astype(np.int64),
        contract_day=contract_day,
        adoption_day=start_day + onboarding[segment],
        mature_day=start_day + adoption[segment],
        anchor=randomness.uniform(key, _ANCHOR),
        effort=effort,
        usage=np.zeros(len(key)),
        low_since=np.full(len(key), np.inf),
        high_since=np.full(len(key), np.inf),
        alive=np.ones(len(key), dtype=bool),
        free=np.zeros(len(key), dtype=bool),
        events=np.zeros(len(key), dtype=np.int64),
        left_month=np.full(len(key), -1, dtype=np.int64),
    )


def _join(parts: Sequence[NDArray[Any]], dtype: type[np.generic]) -> NDArray[Any]:
    return np.concatenate(parts).astype(dtype) if parts else np.empty(0, dtype=dtype)
