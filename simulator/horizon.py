"""One replication from the first month to the last: the only place where the two wings meet.

Within a month support runs first, then success, then the close. Living accounts generate contacts; contacts that are
escalated interrupt the CSM who owns the account; the close decides who stays, expands or leaves. Everything carries
over: calls in progress, booked meetings, tasks in hand, people in their ramp.

Replication r is chance repeat ``r % chance_repeats`` of input draw ``r // chance_repeats``: repeats share the uncertain
inputs (accounts and people are chance too) and differ in everything else.
"""

from __future__ import annotations

import dataclasses
import math
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import _cache, randomness, workforce
from simulator.scenario import inputs
from simulator.scenario.schema import Group, Scenario, Staffed
from simulator.success import assemble as success_assemble
from simulator.success import (
    books,
    cohorts,
    couplings,
    health,
    kpis,
    onboarding,
    portfolio,
    surveys,
    timeliness,
    workload,
)
from simulator.success.tables import HOUR_KINDS, VALUE, Instances, TeamTables, is_rich, new_hours, new_sums
from simulator.support import assemble as support_assemble
from simulator.support import demand, targets
from simulator.support.tables import Contacts, QueueMeasure, Sums, SupportState, join_records

FLOWS = tuple(field.name for field in dataclasses.fields(portfolio.Flows))
"""Account movements kept per month and segment, in the order of the last axis of ``flows``."""

USAGE = ("accounts", "usage", "low")
"""Sums over the accounts there when a month opens, the last axis of ``usage``: how many of those whose usage is
followed, their usage, and how many of them use little."""

BOOK = ("accounts", "mrr", "came")
"""Sums over the accounts of a team when a month opens, the last axis of ``book``: how many (new ones left out), their
revenue, and how many another team had until then."""

PEOPLE = (
    "opening", "starts", "hires", "leavers", "closing", "effective", "open_requisitions", "contractors", "laid_off",
    "overhead",
)  # fmt: skip
"""People kept per month and unit (groups first, then teams), in the order of the last axis of ``people``; overhead is
no part of the others."""

COSTS = (*workforce.COSTS, "overtime", "contractors", "minutes", "overhead", "severance")
"""Parts of the cost of a plan, in the order of the last axis of ``cost``; they add up to the whole."""


def _kept_bytes() -> int:
    """Memory for demand kept between the plan's simulation and the search of the need: a quarter of the machine's,
    1 GiB where that is not known. What does not fit is drawn again, which takes several times as long."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4
    except (AttributeError, ValueError, OSError):
        return 1 << 30


Observer = Callable[[int, portfolio.Portfolio, timeliness.Timeliness | None], None]
"""Called with the month, the accounts after its close and what they have seen of their activities."""


@dataclass(frozen=True, eq=False)
class Model:
    """One scenario without uncertain inputs as arrays."""

    scenario: Scenario
    support: support_assemble.SupportModel | None
    success: success_assemble.SuccessModel | None
    portfolio: portfolio.PortfolioTables
    couplings: couplings.CouplingTables


@dataclass(frozen=True, eq=False)
class Staffing:
    """Staffing that a search tries instead of the plan; a wing left None is not simulated.

    Attributes:
        groups: float64 (G, M), effective heads per support group and month, all fully ramped (put on shifts as in
            :mod:`simulator.support.shifts`, or spread as in :mod:`simulator.support.staffing`).
        teams: int64 (T, M), CSMs per team and month, all fully ramped.
    """

    groups: NDArray[np.float64] | None = None
    teams: NDArray[np.int64] | None = None


def units(scenario: Scenario) -> tuple[tuple[str, str, Staffed], ...]:
    """Wing, name and definition of every group, then of every team."""
    groups = [("support", n, g) for n, g in scenario.support.groups.items()] if scenario.support else []
    teams = [("success", n, t) for n, t in scenario.success.teams.items()] if scenario.success else []
    return (*groups, *teams)


@dataclass
class Watch:
    """What support keeps of a replication that is watched.

    Attributes:
        parts: :data:`~simulator.support.tables.RECORD` rows, call by call.
        sums: of the whole replication, by cell of the horizon's layout.
        accounts: uint64 (A,), keys of the accounts that the rows name.
    """

    parts: list[NDArray[Any]] = dataclasses.field(default_factory=list)
    sums: Sums | None = None
    accounts: NDArray[np.uint64] = dataclasses.field(default_factory=lambda: np.zeros(0, dtype=np.uint64))

    def rows(self, until: float) -> NDArray[Any]:
        """One row per entry."""
        return join_records(self.parts, until)


class Horizon:
    """A scenario made ready for replications; results of :meth:`simulate` and :meth:`replay` depend on nothing else.

    Args:
        cell: how finely support is summed, where finer than its targets need.
    """

    def __init__(self, scenario: Scenario, cell: targets.Cell | None = None) -> None:
        self.scenario = scenario
        self.grid = scenario.calendar.grid()
        self.seed = scenario.monte_carlo.seed
        self.repeats = scenario.monte_carlo.chance_repeats
        self.coupled = scenario.coupled
        self.central = self._model(scenario)
        self.expected_accounts, self.living = success_assemble.living_accounts(scenario, self.grid)
        self.targets = targets.read(scenario)
        if cell is not None:
            self.targets = dataclasses.replace(self.targets, cell=cell)
        self.layout = self.targets.layout(self.grid, scenario.calendar.warm_up)
        self.expected_contacts: NDArray[np.float64] = np.zeros((0, self.grid.intervals))
        self.load: NDArray[np.float64] = np.zeros((0, self.grid.intervals))
        self.plans: tuple = ()
        if self.central.support is not None and scenario.support is not None:
            self.expected_contacts, self.load = support_assemble.offered_load(
                self.central.support, scenario.support, self.grid, self.living if scenario.accounts else None
            )
            self.plans = support_assemble.group_plans(scenario.support, self.grid, self.load)
        self.escalations_per_month = self._escalations()
        self.work_hours = (
            success_assemble.expected_hours(scenario, self.central.success, self.grid, self.escalations_per_month)
            if self.central.success
            else []
        )
        lived = np.maximum(self.living.sum(axis=0), 1e-9)
        self.hours_per_account: NDArray[np.float64] = (
            np.sum([hours.sum(axis=(0, 2)) for hours in self.work_hours], axis=0) / lived
            if self.work_hours
            else lived * 0
        )
        self.kept_bytes = _kept_bytes()
        self._seen: dict[int, Demand] = {}
        self._seen_bytes = 0
        self._drawn: dict[int, tuple[Model, ...]] = {}
        self._lock = threading.Lock()
        both = self.central.support is not None and self.central.success is not None
        self._cold = both and not _cache.is_warm()

    def _escalations(self) -> NDArray[np.float64]:
        """Contacts per account and month that support is expected to hand over, float64 (S,)."""
        model = self.central.support
        if model is None or not self.scenario.accounts:
            return np.zeros(len(self.scenario.accounts))
        reach = model.arrivals.contacts_per_month.copy()
        total = np.zeros(len(self.scenario.accounts))
        for q in range(model.tables.queues):
            chain, share = q, 1.0
            while model.tables.escalation_to[chain] >= 0:
                share *= float(model.tables.escalation_probability[chain])
                total += reach[:, q] * share
                chain = int(model.tables.escalation_to[chain])
        return total

    def _model(self, scenario: Scenario) -> Model:
        return Model(
            scenario,
            support_assemble.build(scenario, self.grid) if scenario.support else None,
            success_assemble.build(scenario, self.grid) if scenario.success else None,
            success_assemble.portfolio_tables(scenario, self.grid),
            couplings.CouplingTables.of(scenario),
        )

    def models(self, replication: int) -> tuple[Model, ...]:
        """The model of each month for the input draw of a replication (one model for all when no input is a path)."""
        if not self.scenario.uncertain:
            return (self.central,) * self.grid.months
        draw = replication // self.repeats
        with self._lock:
            found = self._drawn.get(draw)
        if found is None:
            values = inputs.draw(self.scenario, self.seed, draw)
            if any(law.path != "constant" for law in self.scenario.uncertain.values()):
                found = tuple(self._model(inputs.at(self.scenario, values, month)) for month in range(self.grid.months))
            else:
                found = (self._model(inputs.at(self.scenario, values)),) * self.grid.months
            with self._lock:
                if len(self._drawn) > 64:  # repeats of a draw follow each other; older draws are not asked for again
                    self._drawn.clear()
                self._drawn[draw] = found
        return found

    def people(
        self,
        models: Sequence[Model],
        replication: int,
        pressure: NDArray[np.float64] | None = None,
        frozen: NDArray[np.bool_] | None = None,
    ) -> list[workforce.People]:
        """The people of the scenario's own plan, one per unit.

        Args:
            pressure: float64 (U, M), factor on the hazard of resigning; default 1.
            frozen: bool (M,), months in which no requisition is opened; default none.
        """
        hiring = models[0].scenario.hiring
        first = self.grid.start.year * 12 + self.grid.start.month

        def places(heads: Mapping[str, int]) -> dict[int, int]:
            """Months from 0, those before the horizon negative."""
            return {int(label[:4]) * 12 + int(label[5:]) - first: count for label, count in heads.items()}

        return [
            workforce.simulate(
                name,
                unit.headcount,
                months=self.grid.months,
                hires=places(unit.rises),
                layoffs=places(unit.layoffs),
                layoff_notice=hiring.layoffs.notice if hiring.layoffs else 0.0,
                joined=places(unit.joined),
                leaving=places(unit.leaving),
                open_requisitions=places(unit.open_requisitions),
                contractors=places(unit.contractors),
                ramp=hiring.ramp,
                attrition_per_year=hiring.attrition_per_year,
                time_to_hire=hiring.time_to_hire.law,
                # a planned start needs its requisition in time by what one expects; a slower market delays it
                lead=math.ceil(self.scenario.hiring.time_to_hire.mean),
                notice=hiring.notice,
                backfill=float(hiring.backfill),
                backfill_lag=hiring.backfill_lag,
                decline=hiring.offers_declined,
                seed=self.seed,
                replication=replication,
                pressure=None if pressure is None else pressure[u],
                frozen=frozen,
            )
            for u, (_, name, unit) in enumerate(units(models[0].scenario))
        ]

    def simulate(self, replication: int, *, reference: bool = False) -> dict[str, NDArray[np.float64]]:
        """One replication of the scenario's own plan.

        Args:
            reference: use the readable engines instead of the compiled ones.

        Returns (M months, Q queues, G groups, K measures, N steps, S segments, T teams, U units):
            ``queue`` (M, Q, K), ``group`` (M, G, K2): support sums by month of entry and of time;
            ``closing`` (M, Q): contacts that wait at each month's end, NaN for queues that cannot wait;
            ``met`` (M, targets of queues): share of the month's windows that meet each target, NaN without any;
            ``steps`` (M, N, P, K3), ``hours`` (M, T, K4) in seconds: success sums by month of due date and of time;
            ``at_risk`` (M, P): revenue of the accounts there at each month's end that had an activity late or missed
            (:data:`simulator.success.timeliness.AT_RISK_MONTHS`); the P columns are segments, or pairs of segment and
            team (:attr:`simulator.success.assemble.SuccessModel.columns`), and then
            ``book`` (M, P, :data:`BOOK`) is there too;
            ``cohort`` (M, S, :data:`simulator.success.cohorts.SUMS`), NaN in the first eleven months; ``survey``
            (M, surveys, S, :data:`simulator.success.surveys.SUMS`); ``usage`` (M, S, :data:`USAGE`);
            ``onboarding`` (M, S, :data:`simulator.success.onboarding.SUMS`); ``time_to_value`` (S + 1,
            :data:`simulator.success.onboarding.QUANTILES`), of each segment and of all;
            ``frozen`` (M,): 1 where the budget, a share of revenue, lets no requisition be opened; absent without one;
            ``flows`` (M, S, K5); ``people`` (M, U, K6); ``cost`` (M, U, parts of :data:`COSTS`).
        """
        results, demand_seen = self._play(replication, reference)
        self._keep(replication, demand_seen)
        return results

    def observe(self, replication: int, observer: Observer) -> None:
        """Simulate a replication of the plan and show every month's accounts to ``observer`` after its close."""
        self._play(replication, observer=observer)

    def watch(self, replication: int) -> Watch:
        """Simulate a replication of the plan and keep what happened to every contact of support."""
        watch = Watch()

        def note(month: int, accounts: portfolio.Portfolio, seen: timeliness.Timeliness | None) -> None:
            watch.accounts = accounts.key.copy()

        self._play(replication, observer=note, watch=watch)
        return watch

    def replay(self, replication: int, staffing: Staffing) -> dict[str, NDArray[np.float64]]:
        """Another staffing on what the replication's plan faced: the same contacts, the same work.

        Where couplings lead from staffing back to demand, the whole replication is simulated again under the staffing.
        Else escalations that interrupt CSMs are those under the scenario's own plan. Returns ``queue``, ``group``,
        ``closing`` and ``met`` when ``staffing`` has groups, ``steps`` and ``hours`` when it has teams.
        """
        if self.coupled:
            names = ["queue", "group", "closing", "met"] if staffing.groups is not None else []
            names += ["steps", "hours"] if staffing.teams is not None else []
            results = self._play(replication, staffing=staffing)[0]
            return {name: results[name] for name in names}
        with self._lock:
            seen = self._seen.get(replication)
        if seen is None:
            seen = self._play(replication)[1]
            self._keep(replication, seen)
        models = self.models(replication)
        out: dict[str, NDArray[np.float64]] = {}
        if staffing.groups is not None:
            desk = _SupportDesk(self, self.staff(staffing.groups, replication))
            for month, contacts in seen.contacts:
                desk.until(month, models[month], contacts)
            out |= desk.results()
        if staffing.teams is not None:
            calendar = _Calendars(self, models[0], replication, _ramped(staffing.teams))
            calendar.months(models, seen.work)
            out |= calendar.results()
        return out

    def staff(
        self,
        heads: NDArray[np.float64],
        replication: int | None = None,
        *,
        own: bool = False,
        only: int | None = None,
    ) -> NDArray[np.int64]:
        """Agents per interval, int64 (G, I), from effective heads per group and month, float64 (G, M).

        Args:
            own: the heads are those of the scenario's own plan, in which a group may have a roster instead.
            replication: whose unplanned absences are taken off, and whose shrinkage counts where it is uncertain; None
                for the plan, in which nobody is absent.
            only: one month, and 0 in the others; None for all of them.
        """
        fence = self.grid.month_interval
        out = np.zeros((len(self.plans), self.grid.intervals), dtype=np.int64)
        for g, plan in enumerate(self.plans):
            for month in range(self.grid.months) if only is None else (only,):
                these, absent = float(heads[g, month]), None
                if own and plan.given:
                    if replication is not None and (share := self._group(g, month, replication).absence) > 0:
                        most = int(plan.given[month].max(initial=0))
                        absent = self._absent(g, month, most, share, replication)
                    out[g, fence[month] : fence[month + 1]] = plan.on_roster(month, absent)
                    continue
                if replication is not None:
                    drawn = self._group(g, month, replication)
                    if plan.fixed is None and plan.on_duty > 0:  # shrinkage that is uncertain
                        these *= (1.0 - drawn.divided_out) / plan.on_duty
                    if drawn.absence > 0:
                        absent = self._absent(g, month, plan.people(month, these), drawn.absence, replication)
                out[g, fence[month] : fence[month + 1]] = plan.agents(month, these, absent)
        return out

    def _group(self, g: int, month: int, replication: int) -> Group:
        """A group as the input draw of a replication has it in a month."""
        support = self.models(replication)[month].scenario.support
        assert support is not None
        return list(support.groups.values())[g]

    def _absent(self, g: int, month: int, people: int, share: float, replication: int) -> NDArray[np.bool_]:
        """Who of a group is absent on which day of a month, the day before it first: bool (people, days + 1).

        The n-th agent has the same days whatever the plan, so that plans are compared on the same absences.
        """
        assert self.scenario.support is not None
        name = list(self.scenario.support.groups)[g]
        base = randomness.stream(self.seed, replication, f"support.absence.{name}")
        days = self.grid.ordinal[self.grid.month_day[month] : self.grid.month_day[month + 1]]
        return workforce.absences(randomness.keys(base, np.arange(people)), np.append(days[0] - 1, days), share)

    def _keep(self, replication: int, seen: Demand) -> None:
        with self._lock:
            if replication not in self._seen and self._seen_bytes + seen.nbytes <= self.kept_bytes:
                self._seen[replication] = seen
                self._seen_bytes += seen.nbytes

    def _compile_beside(self) -> None:
        """On a new machine, have the kernels of success compiled beside those of support."""
        with self._lock:
            cold, self._cold = self._cold, False
        success = self.central.success
        if cold and success is not None:
            kinds = sorted({is_rich(success.activities, team.tables) for team in success.teams})
            code = "; ".join(f"compiled.compile_kernels({rich})" for rich in kinds)
            _cache.compile_beside(f"from simulator.success import compiled; {code}")

    def _play(
        self,
        replication: int,
        reference: bool = False,
        observer: Observer | None = None,
        staffing: Staffing | None = None,
        watch: Watch | None = None,
    ) -> tuple[dict[str, NDArray[np.float64]], Demand]:
        grid, scenario = self.grid, self.scenario
        models = self.models(replication)
        self._compile_beside()
        people = self.people(models, replication)
        groups = len(scenario.support.groups) if scenario.support else 0
        accounts = portfolio.open_portfolio(models[0].portfolio, grid, self.seed, replication)
        flows = np.zeros((grid.months, len(scenario.accounts), len(FLOWS)))
        success = models[0].success
        territories = books.Territories(len(success.teams)) if success and success.territories.divided else None
        book: list[NDArray[np.float64]] = []
        at_risk = np.zeros((grid.months, len(success.columns) if success else 0))
        cohort, followed = np.zeros((*flows.shape[:2], len(cohorts.SUMS))), cohorts.Cohorts(flows.shape[1])
        asked: list[NDArray[np.float64]] = []
        answers: list[surveys.Answers] = []
        if models[
            0
        ].success:  # the month before asked as the others do; only what follows on its answers is of interest
            answers.append(surveys.close_month(models[0].success.surveys, accounts, grid, -1)[1])
        shifts = couplings.Shifts()
        desk = calendars = None
        if scenario.support is not None:
            if staffing is not None and staffing.groups is not None:
                heads, pace = staffing.groups, np.ones((groups, grid.months))
            else:
                heads, pace = self._on_hand(people[:groups])
            own = staffing is None or staffing.groups is None
            desk = _SupportDesk(self, self.staff(heads, replication, own=own), reference, pace, watch)
        pressure = frozen = None
        entered = [p.start[p.kind != workforce.BACKFILL] < grid.months for p in people[groups:]]
        if scenario.budget is not None and scenario.budget.share_of_mrr is not None:
            frozen = np.ones(grid.months, dtype=bool)  # until it is known what a month may cost
            people = self.people(models, replication, frozen=frozen)
        if scenario.success is not None:
            if staffing is not None and staffing.teams is not None:
                capacity = _ramped(staffing.teams)
            elif any(model.couplings.general.attrition_by_overload for model in models):
                pressure = np.ones((len(people), grid.months))
                capacity = [_known(p, 0, rows) for p, rows in zip(people[groups:], entered, strict=True)]
            elif frozen is not None:
                capacity = [_known(p, 0, rows) for p, rows in zip(people[groups:], entered, strict=True)]
            else:
                capacity = [p.capacity for p in people[groups:]]
            calendars = _Calendars(self, models[0], replication, capacity, reference)
        usage = np.zeros((*flows.shape[:2], len(USAGE)))
        contacts: list[Contacts] = []
        work: list[list[TeamWork]] = []
        for month, model in enumerate(models):
            there = len(accounts)
            portfolio.start_month(accounts, model.portfolio, grid, month, self.seed, replication)
            if model.success:
                health.follow(model.success.usage, accounts, grid, month, there, shifts.usage)
                usage[month] = self._usage(model.success.usage, accounts, there)
            followed.open(accounts, month)
            if frozen is not None:
                people = self.people(models, replication, pressure, frozen)
                frozen[month] = _squeezed(people, model.scenario, month, float(accounts.opening_mrr.sum()))
            if frozen is not None or (pressure is not None and month):
                people = self.people(models, replication, pressure, frozen)
                if calendars and (staffing is None or staffing.teams is None):
                    calendars.staff([_known(p, month, r) for p, r in zip(people[groups:], entered, strict=True)])
            if frozen is not None and desk and (staffing is None or staffing.groups is None):
                heads, desk.pace = self._on_hand(people[:groups])
                here = slice(*grid.month_interval[month : month + 2])
                desk.staff[:, here] = self.staff(heads, replication, own=True, only=month)[:, here]
            escalations = None
            if desk:
                contacts.append(self._contacts(replication, month, model, accounts))
                escalations = desk.until(month, model, contacts[-1])
            if calendars:
                _cache.join_beside()
                if territories is not None:
                    book.append(self._open_books(month, model, accounts, territories))
                joined = surveys.Answers.join(answers)
                work.append(self._work(month, model, accounts, escalations, joined, territories))
                calendars.month(month, model, work[-1])
                at_risk[month] = calendars.at_risk(accounts, territories)
                calendars.progress(month, model, accounts)
                if pressure is not None:
                    strain = np.array(calendars.overload(month))
                    pressure[groups:, month] = np.exp(model.couplings.general.attrition_by_overload * strain)
            if self.coupled:
                shifts = self._shifts(month, model, accounts, desk, calendars)
            closed = portfolio.close_month(accounts, model.portfolio, grid, month, shifts.churn, shifts.expansion)
            flows[month] = np.stack([getattr(closed, name) for name in FLOWS], axis=-1)
            cohort[month] = followed.close(accounts)
            if observer:
                observer(month, accounts, calendars.timeliness if calendars else None)
            if model.success:
                sums, given = surveys.close_month(model.success.surveys, accounts, grid, month, shifts.survey)
                asked.append(sums)
                answers.append(given)
        if pressure is not None or frozen is not None:
            people = self.people(models, replication, pressure, frozen)
        results = {
            "flows": flows,
            "cohort": cohort,
            "people": _people(people, models[0].scenario),
        }
        results |= desk.results() if desk else {}
        if calendars:
            results |= calendars.results() | {"at_risk": at_risk, "survey": np.stack(asked), "usage": usage}
            results |= calendars.onboarding(accounts)
            results |= {"book": np.stack(book)} if book else {}
        results |= {} if frozen is None else {"frozen": frozen.astype(float)}
        results["cost"] = plan_cost(people, [model.scenario for model in models], results)
        return results, Demand.of(models, contacts, work)

    def _on_hand(self, people: Sequence[workforce.People]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Heads by group and month that take contacts, and the factor on their handle times: two arrays (G, M).

        The ramp acts on one of the two, never on both.
        """
        shape = (len(people), self.grid.months)
        there = np.array([p.there for p in people], dtype=float).reshape(shape)
        effective = np.array([p.effective for p in people], dtype=float).reshape(shape)
        by_speed = self.scenario.hiring.ramp_in_support == "speed"
        heads, pace = (there, np.ones(shape)) if by_speed else (effective, np.ones(shape))
        if by_speed:
            np.divide(there, effective, out=pace, where=effective > 0)
            heads = np.where(effective > 0, there, 0.0)  # who cannot do anything yet is not there
        for g, plan in enumerate(self.plans):
            if plan.fixed is not None:
                heads[g], pace[g] = plan.fixed, 1.0
        return heads, pace

    def _shifts(
        self,
        month: int,
        model: Model,
        accounts: portfolio.Portfolio,
        desk: _SupportDesk | None,
        calendars: _Calendars | None,
    ) -> couplings.Shifts:
        """What service does to the accounts at the month's close."""
        slow = desk.slow_share() if desk else 0.0
        if calendars is None:
            return couplings.Shifts(churn=np.full(len(accounts), model.couplings.general.churn_by_slow_support * slow))
        calendars.expose(accounts, float(self.grid.month_day[month]))
        return calendars.exposure.shifts(model.couplings, accounts, calendars.timeliness, slow)

    def _usage(self, tables: health.UsageTables, accounts: portfolio.Portfolio, there: int) -> NDArray[np.float64]:
        """Sums of the usage of those there when the month opened, float64 (S, :data:`USAGE`)."""
        size = len(tables.followed)
        if not tables.followed.any():
            return np.zeros((size, len(USAGE)))
        counted = accounts.alive & tables.followed[accounts.segment]
        counted[there:] = False
        parts = (counted, np.where(counted, tables.usage(accounts), 0.0), counted & np.isfinite(accounts.low_since))
        return np.stack([np.bincount(accounts.segment, weights=part, minlength=size) for part in parts], axis=-1)

    def _contacts(self, replication: int, month: int, model: Model, accounts: portfolio.Portfolio) -> Contacts:
        assert model.support is not None
        alive = np.flatnonzero(accounts.alive)
        contacts = demand.draw_month(
            model.support.arrivals, month, self.seed, replication, accounts.key[alive], accounts.segment[alive]
        )
        if month == 0:
            contacts = model.support.opening(contacts, self.seed, replication)
        if not len(alive):
            return contacts
        # an account outlives the month: its row in the portfolio is its name
        return dataclasses.replace(
            contacts, account=np.where(contacts.account >= 0, alive[contacts.account], contacts.account)
        )

    def _open_books(
        self, month: int, model: Model, accounts: portfolio.Portfolio, territories: books.Territories
    ) -> NDArray[np.float64]:
        """Give every account its team of the month; float64 (P, :data:`BOOK`)."""
        assert model.success is not None
        tables = model.success.territories
        territories.open_month(tables.team(accounts, model.portfolio, int(self.grid.month_day[month]), month))
        column = tables.place()[territories.team, accounts.segment]
        there = np.flatnonzero((territories.team >= 0) & (accounts.contract_month < month))
        sums = (np.ones(len(accounts)), accounts.mrr, territories.came)
        parts = [np.bincount(column[there], weights=one[there], minlength=len(tables.columns)) for one in sums]
        return np.stack(parts, axis=-1)

    def _work(
        self,
        month: int,
        model: Model,
        accounts: portfolio.Portfolio,
        escalations: workload.Escalations | None,
        answers: surveys.Answers,
        territories: books.Territories | None,
    ) -> list[TeamWork]:
        assert model.success is not None
        effort = accounts.effort * self.hours_per_account[accounts.segment]
        work = []
        for t, team in enumerate(model.success.teams):
            given = team.workload, model.portfolio, accounts, team.tables.clock, self.grid, month
            served = accounts.served & team.segments[accounts.segment]
            shared, hands_over = team.tables.shared, bool(np.any(team.workload.trigger == workload.HANDOVER))
            mine, kept, came = served, None, None
            if territories is not None:
                mine = served & (territories.team == t)
                kept = served & ~mine & territories.ever[t]
                came = mine & territories.came
                served = mine | kept
            chosen = None if territories is None else mine
            work.append(
                TeamWork(
                    workload.draw_month(*given, escalations, answers=answers, mine=chosen),
                    served,
                    effort,
                    mine & ~shared[accounts.segment] if shared.any() else mine,
                    workload.draw_month(*given, handovers=True, mine=chosen) if hands_over else None,
                    accounts.mrr if team.tables.rule == VALUE else None,
                    kept,
                    came,
                    books.known_owners(accounts, model.portfolio, mine) if month == 0 else None,
                )
            )
        return work


@dataclass(frozen=True, eq=False)
class TeamWork:
    """What a month asks of a team.

    Attributes:
        instances: all but those of handovers.
        accounts: bool (A,), the accounts it looks after, or has open work of; owned: bool (A,), those of the former
            that have an owner.
        effort: float64 (A,), their expected hours.
        handovers: one of each kind for every account that would be handed over; None where nothing comes of it.
        value: float64 (A,), revenue a month, where desk work goes by value; else None.
        kept: bool (A,), accounts that have gone to another team; came: bool (A,), those that come from one. None where
            no teams share a segment.
        owner: int64 (A,), :func:`simulator.success.books.known_owners` in the first month, else None.
    """

    instances: Instances
    accounts: NDArray[np.bool_]
    effort: NDArray[np.float64]
    owned: NDArray[np.bool_]
    handovers: Instances | None
    value: NDArray[np.float64] | None
    kept: NDArray[np.bool_] | None = None
    came: NDArray[np.bool_] | None = None
    owner: NDArray[np.int64] | None = None


@dataclass(frozen=True, eq=False)
class Demand:
    """What one replication asks of its people, month by month, whoever they are.

    Attributes:
        contacts: batches with the month at the end of which each is over.
        work: by month, then by team.
    """

    contacts: list[tuple[int, Contacts]]
    work: list[list[TeamWork]]

    @classmethod
    def of(cls, models: Sequence[Model], contacts: list[Contacts], work: list[list[TeamWork]]) -> Demand:
        """The months' contacts as one batch where months share one model: handing the state from call to call costs
        as much as serving a quiet month."""
        if not contacts or any(model is not models[0] for model in models):
            return cls(list(enumerate(contacts)), work)
        columns = ([getattr(c, f.name) for c in contacts] for f in dataclasses.fields(Contacts))
        return cls([(len(models) - 1, Contacts(*(np.concatenate(column) for column in columns)))], work)

    @property
    def nbytes(self) -> int:
        """Memory held."""
        parts = [getattr(c, f.name) for _, c in self.contacts for f in dataclasses.fields(c)]
        for team in (team for month in self.work for team in month):
            for given in (team.instances, team.handovers or Instances.none()):
                parts += [getattr(given, f.name) for f in dataclasses.fields(given)]
            parts += [team.accounts, team.effort, team.owned]
            parts += [one for one in (team.value, team.kept, team.came, team.owner) if one is not None]
        return sum(part.nbytes for part in parts)


def _ramped(teams: NDArray[np.int64]) -> list[NDArray[np.float64]]:
    """Speeds of fully ramped CSMs from heads by team and month."""
    return [(np.arange(max(int(row.max(initial=0)), 1)) < row[:, None]).astype(float) for row in teams]


def _known(people: workforce.People, month: int, entered: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Output by month of those whose position is known when a month opens, float64 (M, people), contractors first:
    later resignations add people behind them and change nobody's place.

    Args:
        entered: bool, of those who replace nobody (they come first): who starts within the horizon unless requisitions
            are frozen.
    """
    known = (people.requisition <= month) & (people.start < people.months)
    known[: len(entered)] = entered
    return np.concatenate([people.seats(), people.output()[known].T], axis=1)


def _squeezed(people: Sequence[workforce.People], scenario: Scenario, month: int, mrr: float) -> bool:
    """Whether a month's people, and those who are already looked for when it opens, cost more than the budget's share
    of last month's recurring revenue: loaded pay and seats, contractors, overhead."""
    assert scenario.budget is not None
    assert scenario.budget.share_of_mrr is not None
    cost = 0.0
    for someone, (_, _, unit) in zip(people, units(scenario), strict=True):
        pay = pay_of(scenario, unit)
        heads = int(someone.heads[month]) + int(
            np.sum((someone.requisition < month) & (someone.start > month) & (someone.kind != workforce.EXISTING))
        )
        cost += heads * pay.in_month(month)
        cost += int(someone.contractors[month]) * (unit.contractor_per_month + pay.seat_per_month)
        cost += float(_overhead_cost(scenario, unit, someone.there)[month])
    return cost > scenario.budget.share_of_mrr * mrr


def _people(people: Sequence[workforce.People], scenario: Scenario) -> NDArray[np.float64]:
    """People by month and unit, float64 (M, U, :data:`PEOPLE`)."""
    rows = []
    for someone, (_, _, unit) in zip(people, units(scenario), strict=True):
        columns = [np.asarray(getattr(someone, name), dtype=float) for name in PEOPLE[:-1]]
        beside = sum((role.heads(someone.there) for role in unit.overhead.values()), np.zeros(someone.months))
        rows.append(np.stack([*columns, beside], axis=-1))
    return np.stack(rows, axis=1)


def pay_of(scenario: Scenario, unit: Staffed) -> workforce.Pay:
    """What a head of a group or team costs; a start costs its share of agency fees in the mean."""
    hiring = scenario.hiring
    return workforce.Pay(
        unit.salary_per_year,
        loading=hiring.loading,
        bonus=hiring.bonus,
        raise_per_year=hiring.raise_per_year,
        hiring_cost=hiring.cost_per_hire + hiring.agency_hires * hiring.agency_fee * unit.salary_per_year,
        seat_per_month=hiring.seat_per_month,
    )


def _overhead_cost(scenario: Scenario, unit: Staffed, there: NDArray[np.int64]) -> NDArray[np.float64]:
    """What managers and operations staff cost beside so many heads by month: loaded pay and seats. Shape (M,)."""
    cost = np.zeros(len(there))
    for role in unit.overhead.values():
        pay = dataclasses.replace(pay_of(scenario, unit), salary_per_year=role.salary_per_year)
        cost += role.heads(there) * np.array([pay.in_month(month) for month in range(len(there))])
    return cost


def plan_cost(
    people: Sequence[workforce.People], scenarios: Sequence[Scenario], results: Mapping[str, NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Cost of a plan by month, unit and part, float64 (M, U, parts of :data:`COSTS`).

    Overtime is paid by the hour of a CSM's base pay (a year's ÷ :data:`simulator.workforce.WEEKS_A_YEAR` weeks of
    hours) times ``hiring.overtime.pay``, with on-costs; contractors by the month, with a seat; minutes of a queue's
    lines by its price, in the first group that serves it; overhead like heads, by the span of those there;
    severance in the last month of who is laid off.

    Args:
        scenarios: of each month, as the input draw has it; pay is that of the first.
        results: of the replication: ``hours`` (M, T, kinds) in seconds where there are teams, ``queue`` (M, Q,
            measures) where there are queues.
    """
    scenario, months = scenarios[0], len(scenarios)
    cost = np.zeros((months, len(people), len(COSTS)))
    support, groups = scenario.support, len(scenario.support.groups) if scenario.support else 0
    for u, (someone, (_, _, unit)) in enumerate(zip(people, units(scenario), strict=True)):
        pay = pay_of(scenario, unit)
        cost[:, u, : len(workforce.COSTS)] = workforce.cost(someone, pay).sum(axis=0)
        outside = someone.contractors * (unit.contractor_per_month + pay.seat_per_month)
        cost[:, u, COSTS.index("contractors")] = outside
        if scenario.hiring.layoffs is not None:
            month_pay = unit.salary_per_year / 12 * pay.raised(months)
            cost[:, u, COSTS.index("severance")] = someone.laid_off * month_pay * scenario.hiring.layoffs.severance
        cost[:, u, COSTS.index("overhead")] = _overhead_cost(scenario, unit, someone.there)
        if u >= groups and scenario.hiring.overtime.pay:
            hour = unit.salary_per_year * pay.loading / (workforce.WEEKS_A_YEAR * unit.hours_per_week)
            hours = results["hours"][:, u - groups, HOUR_KINDS.index("overtime")] / 3600
            cost[:, u, COSTS.index("overtime")] = hours * hour * scenario.hiring.overtime.pay * pay.raised(months)
    for q, (name, queue) in enumerate(support.queues.items() if support else ()):
        if queue.cost_per_minute and support:
            serving = [g for g, group in enumerate(support.groups.values()) if name in group.serves]
            held = results["queue"][:, q][:, list(LINE_TIME)].sum(axis=1) / 60
            prices = [month.support.queues[name].cost_per_minute for month in scenarios if month.support]
            cost[:, serving[0] if serving else 0, COSTS.index("minutes")] += held * prices
    return cost


LINE_TIME = (QueueMeasure.WAIT_ANSWERED, QueueMeasure.WAIT_ABANDONED, QueueMeasure.TALK)
"""What a caller holds a line for."""


class _SupportDesk:
    """The support engine of one replication and one staffing, month after month.

    Args:
        staff: int64 (G, I), agents present.
        pace: float64 (G, M), factor on the handle times of each group in each month; default 1.
        watch: keeps the records and the sums.
    """

    def __init__(
        self,
        horizon: Horizon,
        staff: NDArray[np.int64],
        reference: bool = False,
        pace: NDArray[np.float64] | None = None,
        watch: Watch | None = None,
    ) -> None:
        if reference:
            from simulator.support.reference import run
        else:
            from simulator.support.compiled import run
        self.engine = run
        self.horizon = horizon
        self.staff = staff
        self.pace = pace
        assert horizon.central.support is not None
        self.sums = Sums.zeros(horizon.central.support.tables, horizon.layout.clock)
        self.state: SupportState | None = None
        self.watch = watch
        if watch is not None:
            watch.sums = self.sums
        self._counted = np.zeros(2)

    def slow_share(self) -> float:
        """Share of the contacts since the last call of this that were not answered within their queue's time."""
        columns = [QueueMeasure.OFFERED, QueueMeasure.ANSWERED_WITHIN]
        total = self.sums.queue[..., columns].sum(axis=(0, 1))
        offered, within = total - self._counted
        self._counted = total
        return float(max(1.0 - within / offered, 0.0)) if offered > 0 else 0.0

    def until(self, month: int, model: Model, contacts: Contacts) -> workload.Escalations:
        """Serve the contacts up to the end of a month; returns the escalations of accounts."""
        assert model.support is not None
        tables = model.support.tables
        if self.pace is not None:
            tables = support_assemble.paced(tables, self.pace[:, month])
        outcome, self.state = self.engine(
            tables,
            self.horizon.layout.clock,
            contacts,
            self.staff,
            self.state,
            self.horizon.grid.month_end(month),
            sums=self.sums,
            records=self.watch is not None,
        )
        if self.watch is not None and outcome.records is not None:
            self.watch.parts.append(outcome.records)
        found = outcome.escalated
        return workload.Escalations(found["time"].copy(), found["account"].copy(), found["key"].copy())

    def results(self) -> dict[str, NDArray[np.float64]]:
        horizon, layout = self.horizon, self.horizon.layout
        return {
            "queue": layout.by_month(self.sums.queue, horizon.grid.months),
            "group": layout.by_month(self.sums.group, horizon.grid.months),
            "closing": layout.closing(self.sums.queue, layout.month),
            "met": horizon.targets.met(self.sums.queue, layout, horizon.grid),
        }


class _Calendars:
    """The success engine of one replication, team by team and month after month.

    Args:
        capacity: per team the speed of each CSM by month, 0 where not there, float64 (M, C).
    """

    def __init__(
        self,
        horizon: Horizon,
        model: Model,
        replication: int,
        capacity: Sequence[NDArray[np.float64]],
        reference: bool = False,
    ) -> None:
        from simulator.success import compiled
        from simulator.success import reference as readable

        self.engine: Any = readable.run if reference else compiled.run
        self.run_months = compiled.run_months
        self.horizon = horizon
        self.replication = replication
        assert model.success is not None
        self.teams = model.success.teams
        self.territories = model.success.territories
        self.capacity: list[NDArray[np.float64]] = []
        self.tables: list[TeamTables] = []
        self.hours: list[NDArray[np.int64]] = []
        self.staff(capacity)
        self.sums = [new_sums(model.success.activities, tables) for tables in self.tables]
        self.owner = [np.zeros(0, dtype=np.int64) for _ in self.tables]
        self.state: list[Any] = [None for _ in self.tables]
        self.timeliness = timeliness.Timeliness()
        names = model.success.activities.activity_names
        self.exposure = couplings.Exposure(len(names), model.couplings.offers)
        self.milestones = onboarding.Progress(model.success.milestones, horizon.grid.months)
        self.by_activity = model.couplings.by_activity or model.success.milestones.any
        # activity and account of every instance so far, by its number: records name instances alone
        self.known = [np.zeros((2, 0), dtype=np.int64) for _ in self.tables]
        self.moved = np.zeros(0, dtype=bool)
        self.settled: list[NDArray[np.int64]] = []

    def staff(self, capacity: Sequence[NDArray[np.float64]]) -> None:
        """Set the people of each team, float64 (M, C): those that were there before, and others behind them."""
        self.capacity = [rows if rows.shape[1] else np.zeros((self.horizon.grid.months, 1)) for rows in capacity]
        for t, (team, rows) in enumerate(zip(self.teams, self.capacity, strict=True)):
            known = self.tables[t].people if self.tables[t:] else -1
            if rows.shape[1] == known:
                continue
            tables = team.tables.with_leave(self._leave(team, rows.shape[1], self.replication))
            hours = new_hours(tables)
            if known < 0:
                self.tables.append(tables)
                self.hours.append(hours)
            else:
                hours[:, :known] = self.hours[t]
                self.tables[t], self.hours[t] = tables, hours

    def _leave(self, team: success_assemble.TeamModel, people: int, replication: int) -> NDArray[np.bool_]:
        """Days of leave by CSM, bool (people, business days). The n-th CSM has the same ones whatever the plan."""
        base = randomness.stream(self.horizon.seed, replication, f"leave.{team.name}")
        ordinal = self.horizon.grid.ordinal[0] + team.tables.clock.day
        return workforce.absences(randomness.keys(base, np.arange(people)), ordinal, team.leave_share)

    def month(self, month: int, model: Model, work: Sequence[TeamWork]) -> None:
        """Hand out the books and work through a month."""
        assert model.success is not None
        last = month == self.horizon.grid.months - 1
        accounts = len(work[0].accounts) if work else 0
        headlines, overdue = np.zeros((accounts, 3), dtype=np.int64), np.zeros(accounts, dtype=np.int64)
        self.moved, self.settled = np.zeros(accounts, dtype=bool), []
        for t, asked in enumerate(work):
            speed = self.capacity[t][month]
            instances, moved = self._hand_out(t, month, asked)
            outcome, self.state[t] = self.engine(
                model.success.activities,
                self.tables[t],
                instances,
                self.owner[t],
                np.where(speed > 0, speed, 1.0),
                speed > 0,
                self.state[t],
                int(self.tables[t].months[month + 1]),
                sums=self.sums[t],
                hours=self.hours[t],
                alive=asked.accounts,
                value=asked.value,
                last=last,
                records=self.by_activity,
            )
            self.moved |= moved
            if self.by_activity:
                asked_for = np.stack([instances.activity, instances.account])
                self.known[t] = np.concatenate([self.known[t], asked_for], axis=1)
                given = model.success.activities, self.tables[t].clock, outcome.rows, *self.known[t]
                self.settled.append(couplings.settled_headlines(*given))
            headlines += outcome.headlines
            overdue += timeliness.overdue(self.state[t], model.success.activities, accounts)
        self.timeliness.add(headlines, overdue)

    def _hand_out(self, t: int, month: int, asked: TeamWork) -> tuple[Instances, NDArray[np.bool_]]:
        """The books of a month. Returns its work, that of handovers included, and the accounts handed over."""
        before = self.owner[t] if asked.owner is None else books.seated(asked.owner, self.capacity[t][month])
        moved = np.zeros(len(asked.accounts), dtype=np.bool_)
        shared = self.tables[t].shared
        if shared.all():
            self.owner[t] = np.full(len(moved), -1)
        else:
            kept = asked.kept
            self.owner[t] = books.assign(before, asked.effort, asked.owned, self.capacity[t][month], kept)
            now = self.owner[t][: len(before)]
            moved[: len(before)] = (before >= 0) & (now >= 0) & (before != now)
        if asked.kept is not None and asked.came is not None:
            moved = (moved & ~asked.kept) | asked.came
        if asked.handovers is None or not moved.any():
            return asked.instances, moved
        return Instances.join([asked.instances, asked.handovers.take(moved[asked.handovers.account])]), moved

    def expose(self, accounts: portfolio.Portfolio, opened: float) -> None:
        """Note for the couplings what the month has brought each account."""
        settled = np.concatenate(self.settled, axis=1) if self.settled else None
        self.exposure.add(accounts, opened, self.timeliness, self.moved, settled)

    def overload(self, month: int) -> list[float]:
        """How overloaded each team is at a month's close (:func:`simulator.success.couplings.overload`)."""
        spent = [hours[: month + 1].sum(axis=1) for hours in self.hours]
        return [couplings.overload(kpis.hour_kpis(hours)["utilisation"].tolist()) for hours in spent]

    def progress(self, month: int, model: Model, accounts: portfolio.Portfolio) -> None:
        """Note what new accounts have done of their milestones; where those gate, phases move."""
        success = model.success
        assert success is not None
        if success.milestones.any:
            covered = np.any([workload.covers(team.workload, accounts) for team in success.teams], axis=0)
            by_usage = model.couplings.general.time_to_value_by_usage
            settled = np.concatenate(self.settled, axis=1)
            self.milestones.add(accounts, self.horizon.grid, month, settled, covered, by_usage)

    def onboarding(self, accounts: portfolio.Portfolio) -> dict[str, NDArray[np.float64]]:
        """What became of new accounts' onboarding."""
        found = self.milestones.time_to_value(accounts, self.horizon.grid)
        return {"onboarding": self.milestones.sums, "time_to_value": found}

    def at_risk(self, accounts: portfolio.Portfolio, territories: books.Territories | None) -> NDArray[np.float64]:
        """Revenue of living accounts with an activity late or missed of late, by column. Shape (P,)."""
        late = accounts.served & (self.timeliness.late(timeliness.AT_RISK_MONTHS) > 0)
        column = accounts.segment
        if territories is not None:
            column = np.where(late, self.territories.place()[territories.team, column], 0)
        size = len(self.territories.columns)
        revenue = np.bincount(column, weights=np.where(late, accounts.mrr, 0.0), minlength=size)
        return revenue.astype(np.float64)

    def months(self, models: Sequence[Model], work: Sequence[Sequence[TeamWork]]) -> None:
        """Work through all months: at one go where they share one model."""
        if any(model is not models[0] for model in models):
            for month, (model, by_team) in enumerate(zip(models, work, strict=True)):
                self.month(month, model, by_team)
            return
        success = models[0].success
        assert success is not None
        accounts = len(work[-1][0].accounts) if work[-1] else 0  # accounts come in, none goes out of the list
        for t, speed in enumerate(self.capacity):
            owners = np.full((len(work), accounts), -1, dtype=np.int64)
            alive = np.zeros((len(work), accounts), dtype=np.bool_)
            of_team = [teams[t] for teams in work]
            instances = []
            for month, asked in enumerate(of_team):
                alive[month, : len(asked.accounts)] = asked.accounts
                instances.append(self._hand_out(t, month, asked)[0])
                owners[month, : len(self.owner[t])] = self.owner[t]
            values = [asked.value for asked in of_team if asked.value is not None]
            self.run_months(
                success.activities,
                self.tables[t],
                instances,
                owners,
                speed,
                alive,
                self.tables[t].months[1:],
                sums=self.sums[t],
                hours=self.hours[t],
                values=values or None,
            )

    def results(self) -> dict[str, NDArray[np.float64]]:
        return {
            "steps": np.stack([self.sums[t][:, :, s] for s, t in self.territories.columns], axis=2).astype(float),
            "hours": np.stack([hours.sum(axis=1) for hours in self.hours], axis=1).astype(float),
        }
