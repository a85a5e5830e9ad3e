"""The main question: how many people do we need, is the plan enough, what does it cost and what do customers get."""

from __future__ import annotations

import contextlib
import functools
import importlib
import itertools
import math
import pickle
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from simulator import provenance, timegrid
from simulator.crew import cores
from simulator.errors import InputError, ParameterError, Problem
from simulator.horizon import COSTS, FLOWS, PEOPLE, Horizon, Staffing, units
from simulator.montecarlo.precision import clustered_wilson, estimate, share_interval
from simulator.montecarlo.replicate import Replicator, replicate, replicate_each
from simulator.montecarlo.store import Store
from simulator.planning import budget, requirement
from simulator.results import TABLES, Result
from simulator.scenario import inputs
from simulator.scenario.schema import Scenario
from simulator.studies import success_measures
from simulator.success import kpis as success_kpis
from simulator.success import workload
from simulator.success.tables import (
    CANCELLED,
    DELAY,
    DUE,
    HOUR_KINDS,
    LATE_DONE,
    MISSED,
    ON_TIME,
    POSTPONED,
    UNPREPARED,
)
from simulator.support import kpis as support_kpis
from simulator.support import targets
from simulator.support.tables import QueueMeasure
from simulator.timegrid import WEEKDAYS, clock
from simulator.workforce import months_to_start

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[str, int, int, float], None]
"""Called with the phase, replications done, replications asked for and seconds left (NaN while unknown)."""

Jobs = int | str | None
"""How many worker processes, default one a core; or the address of a Dask scheduler, whose workers do the work."""

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Simulated:
    """The replications of a scenario's own plan, and the model they ran on."""

    horizon: Horizon
    replications: int
    data: Mapping[str, Array]


def simulate(
    scenario: Scenario,
    *,
    replications: int | None = None,
    jobs: Jobs = None,
    progress: Progress | None = None,
) -> Simulated:
    """Simulate the plan of a scenario, without searching the need."""
    horizon = Horizon(scenario)
    horizon.kept_bytes = 0  # nothing is replayed
    count = replications or scenario.monte_carlo.replications
    with crew_of(horizon, count, jobs) as workers:
        return _plan(workers, horizon, count, None, progress)


def crew_of(horizon: Horizon, replications: int, jobs: Jobs = None) -> Replicator:
    """Workers for :func:`simulator.montecarlo.replicate.replicate`, the argument of which is another staffing, or None
    for the scenario's own plan."""
    if isinstance(jobs, str):
        from simulator.montecarlo.cluster import Cluster

        return Replicator(_Replay(horizon), replications, Cluster(jobs))
    jobs = jobs or cores()
    horizon.kept_bytes //= jobs
    return Replicator(_Replay(horizon), replications, jobs, before=lambda: horizon.simulate(0))


class _Replay:
    """One replication of a scenario, under its own plan or another staffing. Sent to another machine it is the scenario
    alone, of which each process there builds the model once."""

    def __init__(self, horizon: Horizon) -> None:
        self.horizon = horizon

    def __call__(self, staffing: Staffing | None, replication: int) -> dict[str, Array]:
        return self.horizon.simulate(replication) if staffing is None else self.horizon.replay(replication, staffing)

    def __reduce__(self) -> tuple[Callable[[bytes], _Replay], tuple[bytes]]:
        return _replay_of, (pickle.dumps(self.horizon.scenario),)


@functools.lru_cache(maxsize=2)
def _replay_of(scenario: bytes) -> _Replay:
    horizon = Horizon(pickle.loads(scenario))
    horizon.kept_bytes //= cores()  # a machine may have a worker on each
    return _Replay(horizon)


def _plan(
    workers: Replicator, horizon: Horizon, count: int, store: Store | None, progress: Progress | None
) -> Simulated:
    name = f"plan-{_identity(horizon.scenario)}" if store else ""
    shown = None if progress is None else lambda *a: progress("plan", *a)
    return Simulated(horizon, count, replicate(workers, None, count, store=store, name=name, progress=shown))


def run(
    scenario: Scenario,
    *,
    replications: int | None = None,
    seed: int | None = None,
    jobs: Jobs = None,
    store: Path | None = None,
    progress: Progress | None = None,
    changes: Sequence[str] = (),
    resume: bool = False,
) -> Result:
    """Simulate a scenario and answer: need, whether the plan is enough, KPIs, cost.

    Args:
        replications, seed: instead of the scenario's own.
        jobs: worker processes (threads where they cannot be forked), default all cores, or the address of a Dask
            scheduler; no number depends on it.
        store: folder for finished blocks, so that an interrupted run resumes.
        progress: called as the work goes on.
        changes: what was changed from the scenario as written, in words, for the report.
        resume: ``store`` must hold blocks of this very scenario.

    Raises:
        InputError: there is nothing to resume.
    """
    if not isinstance(scenario, Scenario):
        raise ParameterError(f"run takes a scenario, as simulator.read gives it, not {type(scenario).__name__}")
    overrides: dict[str, Any] = {}
    if replications is not None and replications != scenario.monte_carlo.replications:
        overrides["monte_carlo.replications"] = replications
    if seed is not None and seed != scenario.monte_carlo.seed:
        overrides["monte_carlo.seed"] = seed
    scenario = scenario.with_(overrides) if overrides else scenario
    blocks = None if store is None else Store(store)
    if resume and not (blocks and blocks.has(f"plan-{_identity(scenario)}")):
        message = "this folder holds no unfinished part of this run"
        allowed = "the folder of an interrupted run of the same scenario with the same --replications, --seed and --set"
        raise InputError([Problem(str(store.parent if store else None), None, "", message, allowed=allowed)])
    horizon = Horizon(scenario)
    count = scenario.monte_carlo.replications
    with blocks or contextlib.nullcontext(), crew_of(horizon, count, jobs) as workers:
        simulated = _plan(workers, horizon, count, blocks, progress)
        # the tables and charts will need them: loaded while the workers search, and not before they are forked, because
        # no thread survives that
        loading = threading.Thread(target=_load_ahead, daemon=True)
        loading.start()
        evaluate = evaluator(workers, horizon, blocks, progress)
        support = requirement.support_need(horizon, evaluate, count) if horizon.central.support else None
        success = requirement.success_need(horizon, evaluate, count) if horizon.central.success else None
    loading.join()
    return _Report(simulated, support, success, tuple(changes)).result()


def evaluator(
    workers: Replicator, horizon: Horizon, store: Store | None = None, progress: Progress | None = None
) -> requirement.Evaluate:
    """What the search of the need calls to replay staffings."""
    identity = _identity(horizon.scenario)
    calls = itertools.count()
    last: dict[str, dict[str, Array]] = {}  # what was glanced at and is judged next runs only what it lacks

    def evaluate(staffings: Sequence[Staffing], count: int) -> list[dict[str, Array]]:
        wing = "support" if staffings[0].groups is not None else "success"
        prints = [_fingerprint(s) for s in staffings]
        names = [f"need-{next(calls):03d}-{each}-{identity}" for each in prints]
        shown = None if progress is None else lambda *a: progress(f"need of {wing}", *a)
        parts = [last[each] for each in prints if each in last] if len(prints) == 1 else []
        first = sum(len(next(iter(part.values()))) for part in parts)
        if first < count:
            parts += replicate_each(workers, staffings, count, store=store, names=names, progress=shown, first=first)
        if first:
            parts = [{name: np.concatenate([part[name] for part in parts])[:count] for name in parts[0]}]
        last.clear()
        last.update(zip(prints, parts, strict=True))
        return parts

    return evaluate


def _load_ahead() -> None:
    for name in ("pandas", "matplotlib.backends.backend_svg"):
        importlib.import_module(name)


def _identity(scenario: Scenario) -> str:
    """Names what blocks of replications depend on: the version of the simulator and the scenario with its seed."""
    return f"{provenance.version()}-{provenance.scenario_hash(scenario)}"


def _fingerprint(staffing: Staffing) -> str:
    import hashlib

    digest = hashlib.blake2b(digest_size=6)
    for part in (staffing.groups, staffing.teams):
        digest.update(b"-" if part is None else np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


class _Report:
    """Turns replications and needs into the tables of a result."""

    def __init__(
        self,
        simulated: Simulated,
        support: requirement.SupportNeed | None,
        success: requirement.SuccessNeed | None,
        changes: tuple[str, ...] = (),
    ) -> None:
        self.changes = changes
        self.simulated = simulated
        self.horizon = simulated.horizon
        self.scenario = simulated.horizon.scenario
        self.grid = simulated.horizon.grid
        self.count = simulated.replications
        self.data = simulated.data
        self.repeats = self.horizon.repeats
        self.support = support
        self.success = success
        self.units = units(self.scenario)
        self.groups = sum(wing == "support" for wing, _, _ in self.units)
        self.months = [*self.grid.month_labels]
        self.on_time_targets = requirement.on_time_targets(self.horizon)
        self.cost = self.data["cost"]

    def result(self) -> Result:
        import pandas as pd

        rows: dict[str, list[tuple[Any, ...]]] = {
            "staffing": list(self._staffing()),
            "kpis": list(self._kpis()),
            "requirement": list(self._requirement()),
            "shifts": list(self._on_shifts()),
            "headcount": list(self._headcount()),
            "cost": list(self._cost()),
            "accounts": list(self._accounts()),
            "activities": list(self._activities()),
            "sizing": list(self._sizing()),
        }
        tables = {name: pd.DataFrame(rows[name], columns=list(columns)) for name, columns in TABLES.items()}
        summary = self._summary(tables)
        return Result(self.scenario, tables, summary, provenance.record(self.scenario, self.count))

    # --- what the plan is judged by --------------------------------------------------------------------------------

    def _met(self, unit: int) -> Array:
        """Share of windows per replication and month in which the plan meets the unit's targets: (R, M), NaN none."""
        if unit < self.groups:
            mine = requirement.own_targets(self.horizon)[unit]
            met = self.data["met"][:, :, mine]
            if not mine:
                return np.full(met.shape[:2], np.nan)
            return np.where(np.isnan(met).all(axis=2), np.nan, np.min(np.nan_to_num(met, nan=1.0), axis=2))
        team = unit - self.groups
        mine = [i for i, target in enumerate(self.on_time_targets) if target.team == team]
        if not mine:
            return np.full((self.count, len(self.months)), np.nan)
        met = requirement.on_time_met(self.data["steps"], self.on_time_targets, self.grid.quarter_of_month)[:, :, mine]
        joint = np.where(np.isnan(met).all(axis=2), np.nan, np.min(np.nan_to_num(met, nan=1.0), axis=2))
        return joint[:, self.grid.quarter_of_month]

    def _passed(self, unit: int) -> Array:
        """1 where a replication meets the unit's targets in a month, else 0, NaN without any: (R, M).

        A target over windows shorter than a month is met in a month when its share of windows reaches its confidence.
        """
        met = self._met(unit)
        if unit >= self.groups:
            return met
        items = self.horizon.targets.items
        good = np.ones(met.shape, dtype=bool)
        for i in requirement.own_targets(self.horizon)[unit]:
            enough = 1.0 if items[i].window in ("month", "quarter") else items[i].confidence
            good &= np.nan_to_num(self.data["met"][:, :, i], nan=1.0) >= enough
        return np.where(np.isnan(met), np.nan, good)

    def _joint(self, unit: int) -> Array:
        """1 where a replication meets the unit's targets in all months together, else 0, NaN without any: (R,)."""
        passed = self._passed(unit)
        return np.where(
            np.isnan(passed).all(axis=1), np.nan, np.nanmin(np.where(np.isnan(passed), 1.0, passed), axis=1)
        )

    def _confidence(self, unit: int) -> float:
        if unit < self.groups:
            items = self.horizon.targets.items
            return max((items[i].confidence for i in requirement.own_targets(self.horizon)[unit]), default=math.nan)
        team = unit - self.groups
        return max((t.confidence for t in self.on_time_targets if t.team == team), default=math.nan)

    def _need(self, unit: int) -> tuple[NDArray[np.int64], Array]:
        """Heads per month and the distribution of the least heads (draws, M) of a unit."""
        if unit < self.groups:
            assert self.support is not None
            return self.support.heads[unit], self.support.least[:, unit]
        assert self.success is not None
        quarter = self.grid.quarter_of_month
        team = unit - self.groups
        return self.success.heads[team][quarter], self.success.least[:, team][:, quarter]

    def _need_cost(self) -> Array:
        heads = np.stack([self._need(u)[0] for u in range(len(self.units))]).astype(float)
        paid = np.full(heads.shape, np.nan)
        if self.support is not None and self.support.full_time is not None:
            paid[: self.groups] = self.support.full_time
        return budget.need_cost(self.scenario, heads, paid)

    def _heads(self, unit: int) -> Array:
        """Heads and contractors by month, (R, M)."""
        if unit < self.groups and (by_month := self._rostered(unit)) is not None:
            return np.tile(by_month, (self.count, 1))
        people = self.data["people"][:, :, unit]
        return np.asarray(sum(people[..., PEOPLE.index(name)] for name in ("opening", "starts", "contractors")))

    def _rostered(self, g: int) -> Array | None:
        """Heads that would yield the hours of a roster, by month, where a group has one and no headcount."""
        plan, unit = self.horizon.plans[g], self.units[g][2]
        if not plan.given or unit.headcount:
            return None
        hours = np.split(np.diff(self.grid.interval_start) / timegrid.HOUR_SECONDS, self.grid.month_interval[1:-1])
        present = np.array([agents @ length for agents, length in zip(plan.given, hours, strict=True)])
        return support_kpis.ratio(present, plan.hours_per_head)

    # --- tables ------------------------------------------------------------------------------------------------------

    def _staffing(self) -> Iterator[tuple[Any, ...]]:
        for u, (wing, name, unit) in enumerate(self.units):
            need, least = self._need(u)
            spread = requirement.distribution(least)
            planned = self._heads(u).mean(axis=0)
            effective = self.data["people"][:, :, u, PEOPLE.index("effective")].mean(axis=0)
            if u < self.groups and self._rostered(u) is not None:
                effective = planned
            if getattr(unit, "agents", None) is not None:  # a fixed number of agents has no heads behind it
                planned = effective = np.full(len(self.months), float(unit.agents))  # type: ignore[attr-defined]
            share, low, high = clustered_wilson(self._met(u), self.repeats)
            for m, month in enumerate(self.months):
                yield (
                    month, wing, name, planned[m], effective[m],
                    *(float(spread[key][m]) for key in ("p10", "p50", "p80", "p90", "mean")),
                    int(need[m]), share[m], low[m], high[m],
                )  # fmt: skip

    def _kpis(self) -> Iterator[tuple[Any, ...]]:
        """Values of every measure as rows: the horizon is the month ``all``."""
        bounds = self._bounds()
        for (wing, kind, subject, kpi, unit), values in measures(self.simulated).items():
            spread = estimate(values, self.repeats)
            least, most = share_interval(spread, values) if unit == "share" else (spread.low, spread.high)
            low, middle, high = _quantiles(values, (10, 50, 90))
            bound, met = bounds.get((kind, subject, kpi), (math.nan, None))
            share = None
            if met is not None:
                by_month = estimate(met, self.repeats).mean
                share = np.append(by_month, np.nanmean(by_month) if not np.isnan(by_month).all() else math.nan)
            for m, month in enumerate([*self.months, "all"]):
                yield (
                    month, wing, kind, subject, kpi, unit, spread.mean[m], least[m], most[m],
                    low[m], middle[m], high[m], spread.standard_error[m], spread.share_inputs[m], bound,
                    share[m] if share is not None else math.nan,
                )  # fmt: skip

    def _bounds(self) -> dict[tuple[str, str, str], tuple[float, Array | None]]:
        """Bound and share of windows met (R, M) of the measures that have a target."""
        found: dict[tuple[str, str, str], tuple[float, Array | None]] = {}
        for i, target in enumerate(self.horizon.targets.items):
            found["queue", target.queue_name, target.kpi] = target.bound, self.data["met"][:, :, i]
        if self.scenario.success:
            for activity, bound in self.scenario.success.targets.on_time.items():
                found["activity", activity, "on_time_share"] = bound, None
        return found

    def _requirement(self) -> Iterator[tuple[Any, ...]]:
        if self.support is None:
            return
        assert self.scenario.support is not None
        names = (*WEEKDAYS, "holiday")
        for g, group in enumerate(self.scenario.support.groups):
            for m, month in enumerate(self.months):
                for kind, slot, agents in self._cells(g, m):
                    start = slot * self.grid.interval
                    yield month, group, names[kind], clock(start), agents

    def _cells(self, g: int, m: int) -> Iterator[tuple[int, int, int]]:
        """Kind of day, slot and agents of the need of a group in a month."""
        assert self.support is not None
        plan = self.horizon.plans[g]
        cells = plan.patterns[m]
        if plan.rosters:
            people = math.ceil(round(float(self.support.hours[g, m] / plan.hours_per_head[m]) * plan.on_duty, 9))
            agents = plan.rosters[m].cover(people)
            seen: dict[tuple[int, int], int] = {}
            for c in np.argsort(
                cells.hours, kind="stable"
            ):  # after a night shift a day has several forms: the usual one
                if cells.load[c] > 0 or agents[c] > 0:
                    seen[int(cells.kind[c]), int(cells.slot[c])] = int(agents[c])
            yield from ((kind, slot, count) for (kind, slot), count in sorted(seen.items()))
            return
        first = int(self.grid.month_interval[m])
        interval_of_cell = np.full(len(cells.load), -1)
        inside = np.flatnonzero(cells.cell_of >= 0)
        interval_of_cell[cells.cell_of[inside]] = inside
        for c in range(len(cells.load)):
            there = self.support.agents[g, first + interval_of_cell[c]]
            yield int(cells.kind[c]), int(cells.slot[c]), int(there)

    def _on_shifts(self) -> Iterator[tuple[Any, ...]]:
        """People on tours that cover the need at least cost."""
        if self.support is None:
            return
        for g, rosters in enumerate(self.support.rosters):
            for m, cover in enumerate(rosters):
                tours = self.horizon.plans[g].rosters[m].tours
                for t in np.flatnonzero(cover.people) if cover else ():
                    tour, people = tours.tours[t], int(cover.people[t])  # type: ignore[union-attr]
                    paid = people * tours.days(int(t)) * tour.paid_hours
                    yield self.months[m], self.units[g][1], tour.shift, clock(tour.start), tour.days, people, paid

    def _headcount(self) -> Iterator[tuple[Any, ...]]:
        people = self.data["people"]
        for u, (wing, name, _) in enumerate(self.units):
            for i, measure in enumerate(PEOPLE):
                values = people[:, :, u, i]
                if measure in ("laid_off", "overhead") and not values.any():
                    continue
                low, middle, high = _quantiles(values, (10, 50, 90))
                for m, month in enumerate(self.months):
                    yield month, wing, name, measure, values[:, m].mean(), low[m], middle[m], high[m]

    def _cost(self) -> Iterator[tuple[Any, ...]]:
        def rows(wing: str, team: str, item: str, values: Array) -> Iterator[tuple[Any, ...]]:
            both = _with_total(values)
            points = _quantiles(both, (10, 50, 80, 90))
            for m, month in enumerate([*self.months, "all"]):
                yield month, wing, team, item, both[:, m].mean(), *(point[m] for point in points)

        for u, (wing, name, _) in enumerate(self.units):
            for i, item in enumerate(COSTS):
                if self.cost[:, :, u, i].any():
                    yield from rows(wing, name, item, self.cost[:, :, u, i])
            yield from rows(wing, name, "total", self.cost[:, :, u].sum(axis=2))
        yield from rows("all", "all", "total", self.cost.sum(axis=(2, 3)))
        for (wing, name, _), value in zip(self.units, self._need_cost(), strict=True):
            yield from rows(wing, name, "need", value[None])

    def _accounts(self) -> Iterator[tuple[Any, ...]]:
        flows = self.data["flows"]
        both = np.concatenate([flows, flows.sum(axis=2, keepdims=True)], axis=2)
        for s, segment in enumerate([*self.scenario.accounts, "all"] if self.scenario.accounts else []):
            for i, measure in enumerate(FLOWS):
                values = both[:, :, s, i]
                low, middle, high = _quantiles(values, (10, 50, 90))
                for m, month in enumerate(self.months):
                    yield month, segment, measure, values[:, m].mean(), low[m], middle[m], high[m]

    def _quarters(self) -> list[str]:
        quarter = self.grid.quarter_of_month
        names = []
        for q in range(int(quarter[-1]) + 1):
            inside = [label for label, of in zip(self.months, quarter, strict=True) if of == q]
            names.append(inside[0] if len(inside) == 1 else f"{inside[0]} to {inside[-1]}")
        return names

    def _activities(self) -> Iterator[tuple[Any, ...]]:
        model = self.horizon.central.success
        if model is None:
            return
        steps = self.data["steps"]
        quarter = self.grid.quarter_of_month
        names = self._quarters()
        by_quarter = np.stack([steps[:, quarter == q].sum(axis=1) for q in range(len(names))], axis=1)
        for n, step in enumerate(model.activities.step_names):
            activity = model.activities.activity_names[model.activities.step_activity[n]]
            day = model.teams[0].day_seconds
            for t in model.teams:
                for p in np.flatnonzero(t.columns):
                    rows, s = by_quarter[:, :, n, p], model.columns[p, 0]
                    if rows[..., DUE].sum() == 0:
                        continue
                    measures = {
                        "due": rows[..., DUE],
                        "on_time_share": support_kpis.ratio(rows[..., ON_TIME], rows[..., DUE]),
                        "late": rows[..., LATE_DONE],
                        "missed": rows[..., MISSED],
                        "delay_days": support_kpis.ratio(rows[..., DELAY] / day, rows[..., LATE_DONE]),
                        "cancelled": rows[..., CANCELLED],
                        "postponed": rows[..., POSTPONED],
                        "unprepared": rows[..., UNPREPARED],
                    }
                    for measure, values in measures.items():
                        spread = estimate(values, self.repeats)
                        low, middle, high = _quantiles(values, (10, 50, 90))
                        for q, name in enumerate(names):
                            yield (
                                name, t.name, model.activities.segment_names[s], activity, step, measure,
                                spread.mean[q], low[q], middle[q], high[q],
                            )  # fmt: skip

    def _sizing(self) -> Iterator[tuple[Any, ...]]:
        model = self.horizon.central.success
        if model is None or self.success is None:
            return
        flows = self.data["flows"].mean(axis=0)
        opening = flows[..., [FLOWS.index("opening"), FLOWS.index("opening_mrr")]]
        if "book" in self.data:
            opening = self.data["book"].mean(axis=0)[..., : opening.shape[-1]]
        for t, team in enumerate(model.teams):
            accounts, mrr = opening[:, team.columns].sum(axis=1).T
            ratio = team.team.ratio
            for q, name in enumerate(self._quarters()):
                inside = self.grid.quarter_of_month == q
                per_ratio = math.nan
                if ratio is not None and ratio.accounts is not None:
                    per_ratio = float(workload.from_ratio(accounts[inside].max(), ratio.accounts))
                elif ratio is not None and ratio.mrr is not None:
                    per_ratio = float(workload.from_ratio(mrr[inside].max(), ratio.mrr))
                yield name, team.name, float(self.success.work[t, q]), per_ratio, int(self.success.heads[t, q])

    # --- the answer ---------------------------------------------------------------------------------------------------

    def _summary(self, tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
        scenario = self.scenario
        total = self.cost.sum(axis=(1, 2, 3))
        limit = scenario.budget.left(len(self.months)) if scenario.budget else None
        summary: dict[str, Any] = {
            "name": scenario.name,
            "currency": scenario.currency,
            "first_month": self.months[0],
            "last_month": self.months[-1],
            "replications": self.count,
            "seed": scenario.monte_carlo.seed,
            "teams": [self._team(u) for u in range(len(self.units))],
            "hiring": [entry for u in range(len(self.units)) for entry in self._hiring(u)],
            "targets": list(self._targets()),
            "slips": self._slips(tables["activities"]),
            "sizing": tables["sizing"].to_dict("records"),
            "placeholders": dict(scenario.placeholders),
            "uncertain": list(scenario.uncertain),
            "changes": list(self.changes),
            "titles": self._titles(),
            "warnings": [en for en, _ in self._warnings()],
            "warnings_ja": [ja for _, ja in self._warnings()],
        }
        if total.any() or limit is not None:
            summary["cost"] = {
                "plan": {
                    "mean": float(total.mean()),
                    **{f"p{q}": float(np.quantile(total, q / 100)) for q in (50, 80, 90)},
                },
                "need": {"mean": float(self._need_cost().sum())},
                "budget": limit,
                "spent": self._spent(),
                "p_within_budget": float((total <= limit).mean()) if limit is not None else None,
            }
        if scenario.accounts:
            summary["accounts"] = self._account_summary(tables["kpis"])
        return summary

    def _spent(self) -> dict[str, Any] | None:
        """Actuals of earlier months on the same budget, and the outlook of all months together."""
        given = self.scenario.budget
        if given is None or given.per_year is None or not given.spent:
            return None
        actual, total = sum(given.spent.values()), self.cost.sum(axis=(1, 2, 3))
        return {
            "months": sorted(given.spent),
            "actual": actual,
            "budget": given.per_year * len(given.spent) / 12,
            "whole_budget": given.per_year * (len(self.months) + len(given.spent)) / 12,
            "outlook_mean": actual + float(total.mean()),
            "outlook_p80": actual + float(np.quantile(total, 0.8)),
        }

    def _team(self, u: int) -> dict[str, Any]:
        wing, name, unit = self.units[u]
        need, _ = self._need(u)
        met = self._met(u)
        confidence = self._confidence(u)
        share, low, high = clustered_wilson(self._joint(u), self.repeats)
        monthly = clustered_wilson(met, self.repeats)[0]
        short = [m for m in range(len(self.months)) if not math.isnan(confidence) and monthly[m] < confidence]
        peak = int(np.argmax(need))
        if u < self.groups:
            assert self.support is not None
            unmet = [m for m, ok in zip(self.months, self.support.passed, strict=True) if not ok]
        else:
            assert self.success is not None
            by_month = self.success.passed[u - self.groups][self.grid.quarter_of_month]
            unmet = [m for m, ok in zip(self.months, by_month, strict=True) if not ok]
        fixed = getattr(unit, "agents", None)
        rostered = u < self.groups and self._rostered(u) is not None
        return {
            "team": name,
            "wing": wing,
            "now": int(fixed)
            if fixed is not None
            else round(float(self._heads(u)[:, 0].mean()))
            if rostered
            else unit.headcount,
            "need": {month: int(n) for month, n in zip(self.months, need, strict=True)},
            "need_first": int(need[0]),
            "need_peak": {"month": self.months[peak], "heads": int(need[peak])},
            "confidence": None if math.isnan(confidence) else confidence,
            "p_enough_all": _none(float(share)),
            "p_enough_all_low": _none(float(low)),
            "p_enough_all_high": _none(float(high)),
            "first_short_month": self.months[short[0]] if short else None,
            "first_short_p": float(monthly[short[0]]) if short else None,
            "lower_bound": wing == "support" and fixed is None and not getattr(unit, "shifts", ()),
            "shares_with": self._sharing(name) if wing == "support" else [],
            "unmet": unmet,
        }

    def _sharing(self, name: str) -> list[str]:
        """The other groups that serve a queue of this one: their needs hold together."""
        assert self.scenario.support is not None
        groups = self.scenario.support.groups
        served = set(groups[name].serves)
        return [other for other, group in groups.items() if other != name and served & set(group.serves)]

    def _hiring(self, u: int) -> Iterator[dict[str, Any]]:
        """What brings the plan to the need: at each rise of the need above the planned heads, planned hires that come
        too late for it are brought forward and requisitions opened for the rest, by when."""
        _, name, unit = self.units[u]
        confidence = self._confidence(u)
        if math.isnan(confidence) or getattr(unit, "agents", None) is not None:
            return
        need, _ = self._need(u)
        planned = np.round(self._heads(u).mean(axis=0))
        gap = np.maximum(need - planned, 0)
        wait = self._time_to_full(confidence)
        covered = 0.0
        for m, month in enumerate(self.months):
            if gap[m] > covered:
                later = [k for k in range(m + 1, len(self.months)) if self.months[k] in unit.rises]
                lasting = float(gap[later[0] :].max()) if later else gap[m]
                early = min(gap[m] - max(covered, lasting), sum(unit.rises[self.months[k]] for k in later))
                latest = m - wait
                yield {
                    "team": name,
                    "open": int(gap[m] - covered - max(early, 0)),
                    "bring_forward": int(max(early, 0)),
                    "planned_for": [self.months[k] for k in later] if early > 0 else [],
                    "by": self.months[latest] if latest >= 0 else None,
                    "ramped_by": month,
                    "confidence": confidence,
                }
                covered = gap[m]

    def _time_to_full(self, confidence: float) -> int:
        """Whole months from requisition to a full contribution that are enough with the given probability."""
        ramp = self.scenario.hiring.ramp
        ramped = next((i for i, share in enumerate(ramp) if share >= 1.0 - 1e-12), len(ramp))
        return int(np.quantile(self._times_to_hire, confidence, method="inverted_cdf")) + ramped

    @functools.cached_property
    def _times_to_hire(self) -> Array:
        """Whole months from requisition to start: a position's own luck within each draw, as the mixture over draws."""
        plans = [self.scenario]
        if {"hiring.time_to_hire", "hiring.offers_declined"} & {
            ".".join(path.split(".")[:2]) for path in self.scenario.uncertain
        }:
            draws = (inputs.draw(self.scenario, self.horizon.seed, d) for d in range(-(-self.count // self.repeats)))
            plans = [inputs.at(self.scenario, values) for values in draws]
        given = [(plan.hiring.time_to_hire.law, plan.hiring.offers_declined) for plan in plans]
        return np.concatenate([months_to_start(*pair, count=max(2_000 // len(given), 50)) for pair in given])

    def _targets(self) -> Iterator[dict[str, Any]]:
        for i, target in enumerate(self.horizon.targets.items):
            met = self.data["met"][:, :, i]
            texts = target.text, target.text_ja
            yield self._target("support", None, target.queue_name, texts, target.confidence, met, self.months)
        if self.on_time_targets:
            met = requirement.on_time_met(self.data["steps"], self.on_time_targets, self.grid.quarter_of_month)
            quarters = self._quarters()
            for i, goal in enumerate(self.on_time_targets):
                texts = goal.text, goal.text_ja
                team = self.units[self.groups + goal.team][1]
                yield self._target("success", team, goal.activity, texts, goal.confidence, met[:, :, i], quarters)

    def _target(
        self,
        wing: str,
        team: str | None,
        subject: str,
        texts: tuple[str, str],
        confidence: float,
        met: Array,
        labels: Sequence[str],
    ) -> dict[str, Any]:
        by_month = estimate(met, self.repeats).mean
        worst = int(np.nanargmin(by_month)) if not np.isnan(by_month).all() else 0
        return {
            "wing": wing,
            "team": team,
            "subject": subject,
            "text": texts[0],
            "text_ja": texts[1],
            "confidence": confidence,
            "p_met": None if np.isnan(by_month).all() else float(np.nanmean(by_month)),
            "worst_month": labels[worst],
            "worst_p": _none(float(by_month[worst])),
        }

    def _slips(self, activities: pd.DataFrame) -> list[dict[str, Any]]:
        """Activities below their target (nine in ten without one) in their worst quarter, the farthest below first."""
        if activities.empty or self.scenario.success is None:
            return []
        model = self.horizon.central.success
        assert model is not None
        names = model.activities
        headline = {
            (names.activity_names[k], names.step_names[names.headline_step[k]])
            for k in range(len(names.activity_names))
        }
        rows = activities[activities["measure"] == "on_time_share"]
        rows = rows[[(a, s) in headline for a, s in zip(rows["activity"], rows["step"], strict=True)]]
        worst = rows.sort_values("mean").groupby(["activity", "segment"], sort=False).first().reset_index()
        targets = self.scenario.success.targets.on_time
        asked = targets.get(requirement.ALL, 0.9)  # where nothing is asked, nine in ten is on time enough
        worst["short"] = [targets.get(name, asked) for name in worst["activity"]] - worst["mean"]
        found = [
            {
                "activity": row["activity"],
                "segment": row["segment"],
                "quarter": row["quarter"],
                "mean": float(row["mean"]),
                "target": targets.get(row["activity"]),
            }
            for row in worst.sort_values("short", ascending=False).to_dict("records")
            if row["short"] > 1e-9
        ]
        return found[:8]

    def _account_summary(self, kpis: pd.DataFrame) -> dict[str, Any]:
        flows = self.data["flows"].sum(axis=2).mean(axis=0)

        def at(month: int, name: str) -> float:
            return float(flows[month, FLOWS.index(name)])

        def whole(kpi: str) -> float | None:
            rows = kpis[
                (kpis["kind"] == "segment")
                & (kpis["subject"] == "all")
                & (kpis["kpi"] == kpi)
                & (kpis["month"] == "all")
            ]
            return _none(float(rows["mean"].iloc[0])) if len(rows) else None

        return {
            "opening": at(0, "opening"),
            "closing": at(-1, "closing"),
            "mrr_opening": at(0, "opening_mrr"),
            "mrr_closing": at(-1, "closing_mrr"),
            "churn_per_month": whole("churn_rate"),
            "nrr": whole("nrr"),
            "grr": whole("grr"),
        }

    def _unproven(self) -> Iterator[tuple[str, str]]:
        """Covers of the need that nobody has proven to be the cheapest."""
        for g, rosters in enumerate(self.support.rosters if self.support else ()):
            months = [m for m, cover in zip(self.months, rosters, strict=False) if cover and not cover.proven]
            if months:
                team, when = self.units[g][1], ", ".join(months)
                yield (
                    f"the shifts that cover the need of {team} in {when} are the best found, not proven to be the "
                    "cheapest",
                    f"{team}の{when}のシフトは見つかった中で最良の案で、最小費用とは証明されていません",
                )

    def _over_the_cap(self) -> Iterator[tuple[str, str]]:
        """Teams whose overtime comes near a person's cap over twelve months: the mean of a head beside the cap."""
        cap = self.scenario.hiring.overtime.most_per_year
        if cap is None or "hours" not in self.data:
            return
        worked = self.data["hours"][..., HOUR_KINDS.index("overtime")]
        for t, (_, team, _) in enumerate(self.units[self.groups :]):
            heads = self._heads(self.groups + t)
            each = np.divide(worked[:, :, t], heads, out=np.zeros_like(heads), where=heads > 0).sum(axis=1)
            each *= 12 / max(len(self.months), 12)
            over = float((each > cap).mean())
            if over > 0:
                hours = f"{cap / 3600:g}"
                yield (
                    f"the mean overtime of a head of {team} is over the cap of {hours} h in twelve months in "
                    f"{over:.0%} of the runs",
                    f"{team}の1人当たり平均残業が年{hours}時間の上限を超える確率は{over:.0%}です",
                )

    def _frozen(self) -> Iterator[tuple[str, str]]:
        """Months in which the budget, a share of revenue, keeps requisitions from being opened."""
        if "frozen" in self.data and self.data["frozen"].any():
            mean, any_ = float(self.data["frozen"].sum(axis=1).mean()), float(self.data["frozen"].any(axis=1).mean())
            yield (
                f"the budget's share of revenue lets no requisition be opened in {mean:.1f} of {len(self.months)} "
                f"months in the mean (in {any_:.0%} of the runs at least once)",
                f"売上に連動する予算により、平均{len(self.months)}か月中{mean:.1f}か月で求人を出せません"
                f"(一度でも止まる確率は{any_:.0%})",
            )

    def _titles(self) -> dict[str, Mapping[Any, str]]:
        """Titles of the activities that have one, by language."""
        activities = self.scenario.success.activities if self.scenario.success else {}
        return {name: {**activity.title} for name, activity in activities.items() if activity.title}

    def _warnings(self) -> list[tuple[str, str]]:
        """What to beware of, in English and Japanese."""
        found = [*self._unproven(), *self._over_the_cap(), *self._frozen()]
        if self.scenario.uncertain and self.repeats < 2:
            found.append(
                (
                    "one chance repeat per input draw cannot tell uncertain inputs from chance",
                    "前提1組につき試行が1回では、不確実な前提と偶然を区別できません",
                )
            )
        if self.count < 100:
            found.append(
                (
                    f"{self.count} replications give rough percentiles; use 200 or more for a decision",
                    f"{self.count}回の試行では分位点は粗い値です。意思決定には200回以上を推奨します",
                )
            )
        return found


@dataclass(frozen=True, eq=False)
class Judged:
    """How a plan stands to the targets of one group or team.

    Attributes:
        met: float64 (R, M), share of the month's windows that meet every target of the unit; NaN without any.
        together: float64 (R,), 1 where all months together do, else 0; NaN without any.
        confidence: what the targets ask for; NaN without targets.
    """

    wing: str
    name: str
    met: Array
    together: Array
    confidence: float


def judge(simulated: Simulated) -> list[Judged]:
    """The plan of a simulation against the targets of its groups and teams."""
    report = _Report(simulated, None, None)
    return [
        Judged(wing, name, report._met(u), report._joint(u), report._confidence(u))
        for u, (wing, name, _) in enumerate(report.units)
    ]


def search(horizon: Horizon, count: int, jobs: Jobs = None) -> requirement.SuccessNeed:
    """The need of the success teams alone, without keeping blocks."""
    with crew_of(horizon, count, jobs) as workers:
        return requirement.success_need(horizon, evaluator(workers, horizon), count)


Key = tuple[str, str, str, str, str]
"""Wing, kind, subject, KPI and unit of a measure."""


def measures(simulated: Simulated) -> dict[Key, Array]:
    """Every KPI per replication: values (R, M + 1), whose last column pools the horizon."""
    found: dict[Key, Array] = {}
    if "queue" in simulated.data:
        found |= _support_measures(simulated)
    if "steps" in simulated.data:
        found |= _success_measures(simulated)
    flows = simulated.data["flows"]
    if flows.shape[2]:
        both = np.concatenate([flows, flows.sum(axis=2, keepdims=True)], axis=2)
        for s, segment in enumerate([*simulated.horizon.scenario.accounts, "all"]):
            for kpi, (unit, values) in account_kpis(both[:, :, s]).items():
                found["success", "segment", segment, kpi, unit] = values
        found |= success_measures.segment_measures(simulated)
        if "at_risk" in simulated.data:
            found |= success_measures.segment_at_risk(simulated)
    cost = simulated.data["cost"].sum(axis=(2, 3))
    found["all", "wing", "all", "plan_cost", "money"] = _with_total(cost)
    if "frozen" in simulated.data:
        frozen = simulated.data["frozen"]
        whole = frozen.mean(axis=1, keepdims=True)
        found["all", "wing", "all", "hiring_frozen", "share"] = np.concatenate([frozen, whole], axis=1)
    return found


def _support_measures(simulated: Simulated) -> dict[Key, Array]:
    support = simulated.horizon.scenario.support
    assert support is not None
    found: dict[Key, Array] = {}
    inquiries = any(queue.resolution is not None for queue in support.queues.values())
    for kind, names in (("queue", list(support.queues)), ("group", list(support.groups))):
        sums = _with_total(simulated.data[kind])
        values_of = support_kpis.evaluate(kind, sums, inquiries=inquiries)  # type: ignore[arg-type]
        for i, name in enumerate(names):
            for kpi, value in values_of.items():
                found["support", kind, name, kpi, support_kpis.KPIS[kpi].unit] = value[:, :, i]
    for name, group in support.groups.items():
        if group.satisfaction is not None:
            busy, longer = (found["support", "group", name, kpi, "share"] for kpi in ("occupancy", "overrun_share"))
            found["support", "group", name, "agent_satisfaction", "score"] = group.satisfaction.score(busy, longer)
    model = simulated.horizon.central.support
    assert model is not None
    tiers = support_kpis.by_tier(_with_total(simulated.data["queue"]), model.tables)
    if tiers.shape[2] > 1:
        for kpi, value in support_kpis.evaluate("queue", tiers, inquiries=inquiries).items():
            for tier in range(tiers.shape[2]):
                found["support", "tier", str(tier + 1), kpi, support_kpis.KPIS[kpi].unit] = value[:, :, tier]
    closing = simulated.data["closing"]
    for q, (name, queue) in enumerate(support.queues.items()):
        if queue.channel == "email":
            # the horizon closes with its last month
            left = np.concatenate([closing[:, :, q], closing[:, -1:, q]], axis=1)
            offered = _with_total(simulated.data["queue"][:, :, q, QueueMeasure.OFFERED])
            grid = simulated.horizon.grid
            days = targets.open_days(timegrid.opening_kinds(queue.hours), grid, grid.month_of_day)
            found["support", "queue", name, "closing_backlog", "count"] = left
            in_days = targets.in_days(left, offered, np.append(days, days.sum()))
            found["support", "queue", name, "closing_backlog_days", "days"] = in_days
    cost = simulated.data["cost"][:, :, : len(support.groups)].sum(axis=3)
    queue_sums = simulated.data["queue"]
    answered = support_kpis.KPIS["answered"](queue_sums) + support_kpis.KPIS["called_back"](queue_sums)
    serves = model.tables.level > 0
    teams = {("wing", "support"): (cost.sum(axis=2), np.ones(len(serves), dtype=np.bool_))}
    for g, name in enumerate(support.groups):
        # whose contacts they were is known where no other group serves the queues of this one
        if serves[serves[:, g]].sum() == serves[:, g].sum():
            teams["group", name] = cost[:, :, g], serves[:, g]
            theirs = _with_total(queue_sums[:, :, serves[:, g]].sum(axis=2))
            for kpi, value in support_kpis.evaluate_answers(theirs).items():
                found["support", "group", name, kpi, support_kpis.KPIS[kpi].unit] = value
    for (kind, name), (spent, mine) in teams.items():
        if spent.sum() > 0:
            values = support_kpis.cost_per_contact(_with_total(spent), _with_total(answered[:, :, mine].sum(axis=2)))
            found["support", kind, name, "cost_per_contact", "money"] = values
    return found


def _success_measures(simulated: Simulated) -> dict[Key, Array]:
    model = simulated.horizon.central.success
    assert model is not None
    found: dict[Key, Array] = {}
    hours = success_kpis.hour_kpis(_with_total(simulated.data["hours"]))
    for t, team in enumerate(model.teams):
        for kpi, value in hours.items():
            if kpi != "overtime_share" or team.tables.overtime:
                found["success", "team", team.name, kpi, "share"] = value[:, :, t]
        if team.team.satisfaction is not None:
            content = team.team.satisfaction.score(hours["utilisation"][:, :, t], hours["overtime_share"][:, :, t])
            found["success", "team", team.name, "agent_satisfaction", "score"] = content
    found |= success_measures.team_measures(simulated)
    steps = _with_total(simulated.data["steps"].sum(axis=3))
    for k, activity in enumerate(model.activities.activity_names):
        rows = steps[:, :, model.activities.headline_step[k]]
        values = support_kpis.ratio(rows[..., ON_TIME], rows[..., DUE])
        if not np.isnan(values).all():
            found["success", "activity", activity, "on_time_share", "share"] = values
    return found


def account_kpis(flows: Array) -> dict[str, tuple[str, Array]]:
    """Churn and revenue retention per month and over the horizon, values (R, M + 1).

    For the horizon (last column) churn is a mean monthly rate, lost accounts ÷ opening account-months, and NRR and GRR
    are chained: the product of the months, so that a year reads as a year. The cohort forms need account records.

    Args:
        flows: float64 (R, M, FLOWS) of one segment.
    """

    def column(name: str) -> Array:
        return flows[..., FLOWS.index(name)]

    opening, lost = _with_total(column("opening")), _with_total(column("lost"))
    revenue = column("opening_mrr")
    churned, down, up = (column(f"{name}_mrr") for name in ("churned", "contraction", "expansion"))
    return {
        "churn_rate": ("share", success_kpis.churn_rate(opening, lost)),
        "nrr": ("share", _chained(success_kpis.nrr(revenue, up, down, churned))),
        "grr": ("share", _chained(success_kpis.grr(revenue, down, churned))),
    }


def _chained(values: Array) -> Array:
    """Monthly ratios (R, M) with their product as one more month."""
    return np.concatenate([values, values.prod(axis=1, keepdims=True)], axis=1)


def _with_total(values: Array) -> Array:
    """Values (R, M, ...) with their sum over the months as one more month."""
    return np.concatenate([values, values.sum(axis=1, keepdims=True)], axis=1)


def _quantiles(values: Array, points: tuple[int, ...]) -> list[Array]:
    """Percentiles along the first axis, NaN where nothing is known."""
    unknown = np.isnan(values)
    if not unknown.any():
        return list(np.percentile(values, points, axis=0))
    empty = unknown.all(axis=0)
    filled = np.where(empty, 0.0, values)
    return [np.where(empty, np.nan, row) for row in np.nanpercentile(filled, points, axis=0)]


def _none(value: float) -> float | None:
    return None if math.isnan(value) else value
