"""People month by month, for both wings: requisition, start, ramp, leaving and backfill.

Rules:

- A row is one person in one position: ``existing`` at the start of the horizon, ``growth`` (a planned hire) or
  ``backfill`` (in the place of a leaver). Rows are keyed by what they are (the ordinal among the existing; planned
  month and ordinal; the row that is replaced), so that another hire changes nobody else's life.
- People start when a month opens and leave when a month closes: heads of a month = heads at the last close + starts,
  and the close is that less the leavers.
- In each month everyone who has not given notice resigns with probability 1 - exp(-a / 12) and leaves ``notice`` closes
  later. Resignations before the horizon count too, so that the first months see as many leavers as later ones.
- A resignation opens a requisition at the opening of the next month, or ``backfill_lag`` months later. The successor
  does not start before the leaver has gone.
- A requisition is filled after the time to hire, rounded up to the opening of a month. An offer that is declined starts
  the search again.
- Planned hires start as planned, their requisitions having been opened in time; or, if ``lead`` says how early they are
  opened, when the search ends, but not before the planned month.
- Everyone follows the ramp from the month of the start; the existing are fully ramped, but for those said to have
  joined so many months before the horizon.
- Where it is said who has given notice when the horizon opens, those leave after their last month and nobody else had
  given notice; the search for their successors begins with the horizon.
- In a frozen month no requisition is opened, neither for a planned hire nor for a successor: it waits for the next
  month that is not, and the search takes its time from there. Nobody leaves for it, and a search under way goes on.
- Layoffs are told ``layoff_notice`` months before the month in which the heads are to be fewer (or when the horizon
  opens) to those at work who have not given notice, the newest first. They stay until the month before it, do not
  resign, and are not replaced.
- A search said to be open when the horizon begins is known not to have ended: its time is drawn on that condition.
- Contractors are no employees: they are there in the months said, fully productive, and never resign.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator import randomness
from simulator.distributions import Law, LawBook, deterministic
from simulator.errors import ParameterError

EXISTING, GROWTH, BACKFILL = range(3)
KINDS = ("existing", "growth", "backfill")
"""Why a position is there."""

LONG_AGO = -1200
"""The first month of someone who is fully ramped when the horizon opens."""

NEVER = 1 << 30
"""The last month of someone who has not given notice."""

_RESIGN = randomness.purpose("workforce.resign")
_REPLACE = randomness.purpose("workforce.replace")
_SUCCESSOR = randomness.purpose("workforce.successor")
_TIME_TO_HIRE = randomness.purpose("workforce.time_to_hire")
_DECLINE = randomness.purpose("workforce.decline")
_BEFORE = -LONG_AGO  # months before the horizon that a leg can address
_MOST_OFFERS = 50


@dataclass(frozen=True, eq=False)
class People:
    """The people of one team in one replication (P rows, M months).

    Attributes:
        key: uint64 (P,); kind: int64 (P,), see :data:`KINDS`; replaces: int64 (P,), row of the leaver, -1 for none.
        requisition: int64 (P,), month at whose opening the requisition opens (before the horizon negative); for the
            existing -1.
        start: int64 (P,), first month of work; negative for the existing (:data:`LONG_AGO` unless they joined of late),
            and whoever starts after the horizon has a month of M or more.
        end: int64 (P,), last month of work, M or more for whoever leaves after the horizon; :data:`NEVER` without
            notice.
        opening, starts, leavers, heads, closing: int64 (M,): heads = opening + starts, closing = heads - leavers.
        hires: int64 (M,), starts that were planned; the others are backfills.
        open_requisitions: int64 (M,), requisitions opened by the month whose new colleague does not start at its close.
        ramp: the ramp's shares.
        contractors: int64 (M,), beside the heads.
        laid_off: int64 (M,), those of the leavers who were laid off.
    """

    key: NDArray[np.uint64]
    kind: NDArray[np.int64]
    replaces: NDArray[np.int64]
    requisition: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    opening: NDArray[np.int64]
    starts: NDArray[np.int64]
    hires: NDArray[np.int64]
    leavers: NDArray[np.int64]
    heads: NDArray[np.int64]
    closing: NDArray[np.int64]
    open_requisitions: NDArray[np.int64]
    ramp: tuple[float, ...]
    contractors: NDArray[np.int64]
    laid_off: NDArray[np.int64]

    @property
    def months(self) -> int:
        return len(self.heads)

    def present(self) -> NDArray[np.bool_]:
        """Who works in which month. Shape (P, M)."""
        month = np.arange(self.months)
        return (self.start[:, None] <= month) & (month <= self.end[:, None])

    def output(self) -> NDArray[np.float64]:
        """Share of full output of each person and month, 0 while absent. Shape (P, M)."""
        curve = np.array([*self.ramp, 1.0])
        since = np.clip(np.arange(self.months) - self.start[:, None], 0, len(self.ramp))
        return np.where(self.present(), curve[since], 0.0)

    @property
    def there(self) -> NDArray[np.int64]:
        """Heads and contractors by month. Shape (M,)."""
        return self.heads + self.contractors

    @property
    def effective(self) -> NDArray[np.float64]:
        """Heads weighted by the ramp, and contractors, by month. Shape (M,)."""
        return self.output().sum(axis=0) + self.contractors

    @property
    def capacity(self) -> NDArray[np.float64]:
        """:meth:`output` month by month, for those who work at all within the horizon, contractors last. Shape (M,
        people)."""
        output = self.output()
        return np.concatenate([output[output.any(axis=1)].T, self.seats()], axis=1)

    def seats(self) -> NDArray[np.float64]:
        """Output of contractors by month, one column each. Shape (M, most at once)."""
        return (np.arange(self.contractors.max(initial=0)) < self.contractors[:, None]).astype(float)


def simulate(
    team: str,
    opening: int,
    *,
    months: int,
    seed: int,
    replication: int,
    hires: Mapping[int, int] | Sequence[int] = (),
    time_to_hire: Law | float = 0.0,
    ramp: Sequence[float] = (1.0,),
    attrition_per_year: float | Sequence[float] | NDArray[np.float64] = 0.0,
    notice: float = 0.0,
    backfill: float = 1.0,
    backfill_lag: int = 0,
    lead: int | None = None,
    decline: float = 0.0,
    pressure: NDArray[np.float64] | None = None,
    joined: Mapping[int, int] | None = None,
    leaving: Mapping[int, int] | None = None,
    open_requisitions: Mapping[int, int] | None = None,
    contractors: Mapping[int, int] | None = None,
    frozen: NDArray[np.bool_] | None = None,
    layoffs: Mapping[int, int] | None = None,
    layoff_notice: float = 0.0,
) -> People:
    """The people of a team from the first month to the last.

    Args:
        team: name, part of every key.
        opening: heads when the horizon starts.
        months: M.
        hires: planned starts, by month (0 is the first) or one number per month.
        time_to_hire: months from requisition to start (the new colleague's own notice included), drawn per requisition
            when it is a law.
        ramp: shares of full output in the months since the start; full afterwards.
        attrition_per_year: hazard a of resigning, one value or one per month.
        notice: months between a resignation and the leaving, rounded to whole closes.
        backfill: share of leavers who are replaced (True: all, False: none).
        backfill_lag: months between a resignation and its requisition.
        lead: months by which the requisition of a planned hire precedes the planned start; None: early enough.
        decline: probability that an offer is declined.
        pressure: float64 (M,), factor on the hazard in each month (overload); default 1.
        joined: of the opening heads, those who started of late, by month (negative).
        leaving: of the other opening heads, those who have given notice, by their last month.
        open_requisitions: searches beside those for the opening heads, by the month they were opened in (negative).
        contractors: by month.
        layoffs: by how many heads the plan falls, by the first month with fewer (1 or later).
        layoff_notice: months between telling and that month, rounded.
        frozen: bool (M,), months at whose opening no requisition is opened; default none.

    Raises:
        ParameterError: negative numbers, shares outside 0 to 1, hires outside the horizon, or more who joined of late
            or are leaving than there are heads.
    """
    calm = np.broadcast_to(np.asarray(attrition_per_year, dtype=float), (months,)) / 12.0
    hazard = calm if pressure is None else calm * pressure
    _require(opening >= 0, f"opening heads must not be negative, not {opening}")
    _require(bool(np.all(hazard >= 0)), "attrition must not be negative")
    _require(all(0 <= share <= 1 for share in ramp), f"shares of the ramp lie between 0 and 1, not {ramp}")
    _require(0 <= notice < _BEFORE and backfill_lag >= 0 and (lead or 0) >= 0, "months must not be negative")
    _require(0 <= backfill <= 1, f"the share of leavers replaced lies between 0 and 1, not {backfill}")
    _require(0 <= decline < 1, f"the probability of a declined offer lies in [0, 1), not {decline}")
    law = time_to_hire if isinstance(time_to_hire, Law) else deterministic(time_to_hire)
    roster = _Roster(law, decline, frozen)
    none = np.full(opening, -1, dtype=np.int64)
    existing = randomness.keys(randomness.stream(seed, replication, f"workforce.{team}.existing"), np.arange(opening))
    recent = np.repeat([*(joined or {})], [*(joined or {}).values()]).astype(np.int64)
    gone = np.repeat([*(leaving or {})], [*(leaving or {}).values()]).astype(np.int64)
    _require(len(recent) + len(gone) <= opening, "more heads joined of late or are leaving than there are")
    _require(bool(np.all(recent < 0)), "who joined of late started before the horizon")
    since = np.full(opening, LONG_AGO)
    since[opening - len(recent) :] = recent  # the newest last
    roster.add(existing, EXISTING, none, none, since)
    searches = randomness.stream(seed, replication, f"workforce.{team}.open")
    for month, count in (open_requisitions or {}).items():
        _require(month < 0, "an open requisition was opened before the horizon")
        roster.search_on(randomness.keys(randomness.keys(searches, month + _BEFORE)[0], np.arange(count)), month)
    growth = randomness.stream(seed, replication, f"workforce.{team}.growth")
    for month, count in _planned(hires, months).items():
        key = randomness.keys(randomness.keys(growth, month)[0], np.arange(count))
        roster.plan(key, month, lead)
    closes = round(notice)
    if gone.size:
        roster.give_notice(np.arange(len(gone)), gone, 0, float(backfill), backfill_lag)
    told: dict[int, list[tuple[int, int]]] = {}
    for month, count in _planned(layoffs or {}, months).items():
        _require(month > 0, "nobody can be laid off before the horizon")
        told.setdefault(max(month - round(layoff_notice), 0), []).append((month, count))
    for month in range(0 if gone.size else -closes, months):
        for first, count in told.get(month, ()):
            roster.lay_off(month, count, first - 1)
        rate = float(hazard[month] if month >= 0 else calm[0])  # nothing is known of pressure before the horizon
        roster.resign(month, -np.expm1(-rate), closes, float(backfill), backfill_lag)
    outside = np.zeros(months, dtype=np.int64)
    for month, count in _planned(contractors or {}, months).items():
        outside[month] = count
    return roster.people(months, tuple(ramp), outside)


def months_to_start(time_to_hire: Law, decline: float = 0.0, count: int = 2_000) -> NDArray[np.int64]:
    """So many whole months from requisition to start as :func:`simulate` draws them, declined offers included."""
    key = randomness.keys(randomness.stream(0, 0, "workforce.months_to_start"), np.arange(count))
    return _Roster(time_to_hire, decline).search(key)


class _Roster:
    """The rows while the months go by."""

    def __init__(self, time_to_hire: Law, decline: float, frozen: NDArray[np.bool_] | None = None) -> None:
        book = LawBook()
        book.row(time_to_hire)
        self.law, self.decline = book.tables(), decline
        # the first month from each on in which requisitions are opened
        closed = np.zeros(0, dtype=bool) if frozen is None else frozen
        months = np.append(np.where(closed, len(closed), np.arange(len(closed))), len(closed))
        self.opens = np.minimum.accumulate(months[::-1])[::-1]
        empty = np.empty(0, dtype=np.int64)
        self.key = empty.astype(np.uint64)
        self.kind = self.replaces = self.requisition = self.start = self.end = empty
        self.laid_off: list[NDArray[np.int64]] = []

    def add(
        self,
        key: NDArray[np.uint64],
        kind: int,
        replaces: NDArray[np.int64],
        requisition: NDArray[np.int64],
        start: NDArray[np.int64],
    ) -> None:
        """Append rows of one kind."""
        count = len(key)
        self.key = np.concatenate([self.key, key])
        self.kind = np.concatenate([self.kind, np.full(count, kind)])
        self.replaces = np.concatenate([self.replaces, replaces])
        self.requisition = np.concatenate([self.requisition, requisition])
        self.start = np.concatenate([self.start, start])
        self.end = np.concatenate([self.end, np.full(count, NEVER)])

    def plan(self, key: NDArray[np.uint64], month: int, lead: int | None) -> None:
        """Add the planned hires of one month."""
        search = self.search(key)
        requisition = self.opened(month - (search if lead is None else np.full(len(key), lead)))
        start = np.maximum(requisition + search, month)
        self.add(key, GROWTH, np.full(len(key), -1), requisition, start)

    def resign(self, month: int, chance: float, notice: int, backfill: float, lag: int) -> None:
        """Let people give notice in a month, and open the requisitions that follow."""
        here = (self.start <= month if month >= 0 else self.kind == EXISTING) & (self.end == NEVER)
        rows = np.flatnonzero(here & (randomness.uniform(self.key, _RESIGN, month + _BEFORE) < chance))
        if not len(rows):
            return
        self.give_notice(rows, month + notice, month + 1, backfill, lag)

    def lay_off(self, month: int, count: int, last: int) -> None:
        """Tell the newest of those at work in a month that their last one is ``last``."""
        rows = np.flatnonzero((self.start <= month) & (self.end == NEVER))
        chosen = rows[np.lexsort((-rows, -self.start[rows]))][:count]
        self.end[chosen] = last
        self.laid_off.append(np.full(len(chosen), last))

    def give_notice(
        self,
        rows: NDArray[np.int64],
        last: int | NDArray[np.int64],
        month: int,
        backfill: float,
        lag: int,
    ) -> None:
        """Rows leave after their last month; the search for successors begins ``lag`` months after ``month``."""
        self.end[rows] = last
        rows = rows[randomness.uniform(self.key[rows], _REPLACE) < backfill]
        key = randomness.bits(self.key[rows], _SUCCESSOR)
        requisition = self.opened(np.full(len(rows), month + lag))
        start = np.maximum(requisition + self.search(key), self.end[rows] + 1)
        self.add(key, BACKFILL, rows, requisition, start)

    def opened(self, month: NDArray[np.int64]) -> NDArray[np.int64]:
        """The months in which requisitions wanted in ``month`` are opened."""
        last = len(self.opens) - 1
        return np.where((month >= 0) & (month < last), self.opens[np.clip(month, 0, last)], month)

    def search_on(self, key: NDArray[np.uint64], month: int) -> None:
        """Add those for whom a search was opened before the horizon and has not ended."""
        found, again = self.search(key), key
        for _ in range(_MOST_OFFERS):
            early = np.flatnonzero(month + found < 0)
            if not early.size:
                break
            again = randomness.bits(again, _TIME_TO_HIRE, _MOST_OFFERS)
            found[early] = self.search(again[early])
        start = np.maximum(month + found, 0)  # a search that must have ended ends now
        self.add(key, GROWTH, np.full(len(key), -1), np.full(len(key), month), start)

    def search(self, key: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Whole months from requisition to start, declined offers included."""
        from simulator.kernels import draws

        months, searching = np.zeros(len(key)), np.arange(len(key))
        for offer in range(_MOST_OFFERS):
            words = randomness.bits(key[searching], _TIME_TO_HIRE, offer)
            months[searching] += draws(self.law.tables, self.law.scale, self.law.zero, 0, words)
            searching = searching[randomness.uniform(key[searching], _DECLINE, offer) < self.decline]
            if not len(searching):
                break
        # a hair below, so that a time of whole months is not rounded up by its last digit
        return np.ceil(months - 1e-9).astype(np.int64)

    def people(self, months: int, ramp: tuple[float, ...], contractors: NDArray[np.int64]) -> People:
        """The rows and their sums by month."""
        month = np.arange(months)
        start, end = self.start[:, None], self.end[:, None]
        heads = ((start <= month) & (month <= end)).sum(axis=0)
        starts = (start == month).sum(axis=0)
        hires = ((start == month) & (self.kind == GROWTH)[:, None]).sum(axis=0)
        leavers = (end == month).sum(axis=0)
        hiring = (self.kind != EXISTING)[:, None] & (self.requisition[:, None] <= month) & (month + 1 < start)
        return People(
            key=self.key,
            kind=self.kind,
            replaces=self.replaces,
            requisition=self.requisition,
            start=self.start,
            end=self.end,
            opening=heads - starts,
            starts=starts,
            hires=hires,
            leavers=leavers,
            heads=heads,
            closing=heads - leavers,
            open_requisitions=hiring.sum(axis=0),
            ramp=ramp,
            contractors=contractors,
            laid_off=np.bincount(np.concatenate([np.zeros(0, dtype=np.int64), *self.laid_off]), minlength=months),
        )


@dataclass(frozen=True)
class Pay:
    """What employed people cost, in the scenario's currency.

    Attributes:
        salary_per_year: base salary of one head.
        loading: employment cost over base salary (1.3: 30 % on top of the base).
        bonus: share of base salary, loaded like it.
        raise_per_year: share by which base salaries rise every twelfth month.
        hiring_cost: per start that is not existing (agency, advertising, equipment).
        seat_per_month: licences and workplace per head.
    """

    salary_per_year: float
    loading: float = 1.0
    bonus: float = 0.0
    raise_per_year: float = 0.0
    hiring_cost: float = 0.0
    seat_per_month: float = 0.0

    def raised(self, months: int) -> NDArray[np.float64]:
        """Base pay of each month over that of the first. Shape (M,)."""
        return np.asarray((1.0 + self.raise_per_year) ** (np.arange(months) // 12))

    @property
    def per_month(self) -> float:
        """What a head costs in a month before any raise, hiring left out."""
        return self.salary_per_year / 12.0 * (1.0 + self.bonus) * self.loading + self.seat_per_month

    def in_month(self, month: int) -> float:
        """What a head costs in a month of the horizon, hiring left out."""
        return (self.per_month - self.seat_per_month) * float(self.raised(month + 1)[month]) + self.seat_per_month

    def per_hour(self, hours_per_week: float) -> float:
        """What an hour of a head costs before any raise: a year's cost ÷ :data:`WEEKS_A_YEAR` weeks of hours."""
        return 12.0 * self.per_month / (WEEKS_A_YEAR * hours_per_week)


WEEKS_A_YEAR = 52

COSTS = ("base", "bonus", "loading", "hiring", "seats")
"""Parts of the cost of employees; they add up to the whole."""


def cost(people: People, pay: Pay) -> NDArray[np.float64]:
    """Cost of each person in each month by part. Shape (P, M, parts), parts as in :data:`COSTS`.

    People start when a month opens and leave when one closes, so a month's salary is a twelfth of a year's, and a bonus
    is paid for the months worked. Sums over persons are the team's cost.
    """
    month = np.arange(people.months)
    present = people.present().astype(float)
    base = present * (pay.salary_per_year / 12.0 * pay.raised(people.months))
    bonus = base * pay.bonus
    hired = (people.start[:, None] == month) & (people.kind != EXISTING)[:, None]
    parts = (base, bonus, (base + bonus) * (pay.loading - 1.0), hired * pay.hiring_cost, present * pay.seat_per_month)
    return np.stack(parts, axis=-1)


def absences(key: NDArray[np.uint64], day_ordinal: NDArray[np.int64], share: float) -> NDArray[np.bool_]:
    """Days off by person and date, each with probability ``share`` on its own. Shape (P, days).

    Args:
        key: uint64 (P,), keys of people.
        day_ordinal: int64 (days,), calendar day numbers (:attr:`simulator.timegrid.TimeGrid.ordinal`): a date keeps its
            draw in every horizon.
    """
    offset = randomness.purpose("workforce.absence")
    person = randomness.mix(np.asarray(key, dtype=np.uint64) ^ offset)[:, None]
    words = randomness.mix(person ^ randomness.mix(np.asarray(day_ordinal).astype(np.uint64)))
    return (words >> np.uint64(11)).astype(float) * 2.0**-53 < share


def _planned(hires: Mapping[int, int] | Sequence[int], months: int) -> dict[int, int]:
    table = dict(hires) if isinstance(hires, Mapping) else dict(enumerate(hires))
    for month, count in table.items():
        _require(0 <= month < months or not count, f"a hire in month {month} lies outside the {months} months")
        _require(count >= 0, f"hires must not be negative, not {count} in month {month}")
    return {int(month): int(count) for month, count in sorted(table.items()) if count}


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ParameterError(message)
