"""The least staffing that meets the targets: a closed form proposes, simulation on common draws decides.

Support. Plans of one group and month form a family ordered by agent-hours (:mod:`simulator.support.staffing`), so the
search has one number per group and month. All months are tried at once: a replication is a whole year, and months touch
only through what is carried over. The answer rate may fall when an agent is added (newly served long calls block later
ones), so passing is never inferred from a neighbour: a plan counts only if its own simulation passed, and below the
plan found the search goes on looking.

Groups on shifts are searched in whole rosters (:mod:`simulator.support.shifts`): what a plan of so many heads can have
there is what is simulated, so their need is no lower bound. The closed form's curve, covered by shifts, proposes where
to look; the agents per interval of the need are covered at least cost at the end (:mod:`simulator.planning.shifts`).

Success. Heads are whole and few: constant heads are simulated from too few to enough, then the quarters are put
together and adjusted one at a time, because what a quarter leaves undone burdens the next.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.horizon import Horizon, Staffing
from simulator.montecarlo.precision import estimate
from simulator.planning import shifts
from simulator.scenario.schema import Scenario
from simulator.success.tables import DUE, ON_TIME
from simulator.support import assemble, erlang
from simulator.support.targets import Target

Evaluate = Callable[[Sequence[Staffing], int], list[dict[str, NDArray[np.float64]]]]
"""Replays staffings over so many replications and returns the stacked results of each."""

MARGINS = (-1.4, -0.7, -0.2, 0.3, 0.9, 1.6, 2.6)
"""Margins of the sweep, added to the closed form's factor of √load."""

AROUND, LEANER, RICHER = (0.85, 1.0, 1.15), (0.7, 0.5), (1.3,)
"""Parts of the need at which the need of each input draw is looked for: the first always, the others while a draw's
need may lie there."""

STEP = 0.25
"""Heads by which the final search moves (hours are finer than heads, which are rounded up at the end)."""


@dataclass(frozen=True, eq=False)
class SupportNeed:
    """The need of the support groups (G groups, M months, I intervals).

    Attributes:
        hours: float64 (G, M), agent-hours of the need.
        heads: int64 (G, M), whole heads after shrinkage; a lower bound for groups without shifts.
        agents: int64 (G, I), agents per interval of the need, whose own simulation passed.
        passed: bool (M,), whether the month's targets are met with their confidence.
        least: float64 (draws, G, M), whole heads that meet a group's targets in expectation over chance, by draw.
        rosters: by group, then month: people on tours at least cost; empty for groups without shifts.
        full_time: float64 (G, M), what these people are paid for as contracts of full hours; NaN without shifts.
    """

    hours: NDArray[np.float64]
    heads: NDArray[np.int64]
    agents: NDArray[np.int64]
    passed: NDArray[np.bool_]
    least: NDArray[np.float64]
    rosters: tuple[tuple[shifts.Cover | None, ...], ...] = ()
    full_time: NDArray[np.float64] | None = None


CLEARLY_SHORT = 0.2
"""Shortfall of a share over 60 replications that chance does not explain (three standard errors at 0.5 to 0.8)."""

SWEPT = 20
"""Replications at most of the sweep, which only brackets the need."""

SCREENED = 60
"""Replications of the first, coarse look at a staffing; what decides uses all that were asked for."""


def screening(replications: int, repeats: int, most: int = SCREENED) -> int:
    """Replications of a coarse look: whole draws, at least two."""
    return min(replications, max(most // repeats, 2) * repeats)


def own_targets(horizon: Horizon) -> list[list[int]]:
    """Per group the targets of the queues that try it first."""
    model = horizon.central.support
    assert model is not None
    level = model.tables.level
    mine: list[list[int]] = [[] for _ in range(model.tables.groups)]
    for i, target in enumerate(horizon.targets.items):
        served = level[target.queue]
        for g in np.flatnonzero((served > 0) & (served == served[served > 0].min())):
            mine[int(g)].append(i)
    return mine


def joint(
    met: NDArray[np.float64], targets: Sequence[Target], chosen: Sequence[int]
) -> dict[float, NDArray[np.float64]]:
    """Share of windows that meet every chosen target of one confidence, by confidence: float64 (R, M). Months without
    contacts meet it.

    Args:
        met: float64 (R, M, targets).
    """
    confidences = sorted({targets[i].confidence for i in chosen})
    columns = [[i for i in chosen if targets[i].confidence == confidence] for confidence in confidences]
    return {c: np.min(np.nan_to_num(met[:, :, i], nan=1.0), axis=2) for c, i in zip(confidences, columns, strict=True)}


def slack(met: NDArray[np.float64], targets: Sequence[Target], chosen: Sequence[int]) -> NDArray[np.float64]:
    """By how much the joint share of passing exceeds the asked confidence, float64 (M,); the least of them where
    targets have several confidences, infinite without any."""
    shares = [share.mean(axis=0) - confidence for confidence, share in joint(met, targets, chosen).items()]
    return np.min([np.full(met.shape[1], np.inf), *shares], axis=0)


def support_need(horizon: Horizon, evaluate: Evaluate, replications: int) -> SupportNeed:
    """Search the least agent-hours per group and month.

    Args:
        evaluate: runs the support wing; called some twenty to thirty times.
        replications: of the deciding simulations; the sweep before them uses fewer.
    """
    search = _SupportSearch(horizon, evaluate, replications)
    return search.run()


class _SupportSearch:
    def __init__(self, horizon: Horizon, evaluate: Evaluate, replications: int) -> None:
        self.horizon = horizon
        self.evaluate = evaluate
        self.replications = replications
        support = horizon.scenario.support
        assert support is not None
        self.groups = len(support.groups)
        self.months = horizon.grid.months
        self.mine = own_targets(horizon)
        self.per_head = np.maximum(np.stack([plan.hours_per_head for plan in horizon.plans]), 1e-9)
        self.searched = np.array([bool(mine) for mine in self.mine])
        self.absence = [group.absence for group in support.groups.values()]
        self.price = np.array([group.salary_per_year for group in support.groups.values()])
        repeats = horizon.repeats
        self.swept = screening(math.ceil(0.6 * replications), repeats, SWEPT)
        self.glanced = screening(math.ceil(0.6 * replications), repeats)
        self.least_replications = screening(replications, repeats)

    def run(self) -> SupportNeed:
        sweep = self._sweep()
        low, high = self._bracket(sweep)
        heads = self._close_in(low, high)
        heads, look = self._settle(heads)
        heads, whole = self._whole(heads, look)
        agents = self.horizon.staff(heads)
        hours = heads * self.per_head
        rosters = tuple(self._rosters(g, heads[g]) for g in range(self.groups))
        return SupportNeed(hours, whole, agents, look.passed, self._least(whole), rosters, self._full_time(rosters))

    def _full_time(self, rosters: Sequence[Sequence[shifts.Cover | None]]) -> NDArray[np.float64]:
        """Paid hours of the covers as contracts of full hours, what is divided out included, (G, M); NaN without."""
        found = np.full((self.groups, self.months), np.nan)
        support = self.horizon.scenario.support
        assert support is not None
        for g, group in enumerate(support.groups.values()):
            for m, cover in enumerate(rosters[g]):
                on_duty = self.horizon.plans[g].on_duty
                if cover and on_duty > 0:
                    found[g, m] = cover.paid_hours_per_week / group.hours_per_week / on_duty
        return found

    def _rosters(self, g: int, heads: NDArray[np.float64]) -> tuple[shifts.Cover | None, ...]:
        """The agents of the need on shifts at least cost, with no more people than were simulated, by month. (None if
        the solver found none in its bounds.) A part of a person is rostered as a whole one."""
        plan = self.horizon.plans[g]
        found = []
        for roster, each in zip(plan.rosters, heads, strict=False):
            people = math.ceil(round(each * plan.on_duty, 9))
            need = np.where(roster.tours.cells.load > 0, roster.cover(people), 0)
            found.append(shifts.cover(roster.tours, need, people))
        return tuple(found)

    def _heads(self, margin: float) -> NDArray[np.float64]:
        """Heads whose hours give every cell the closed form's margin plus ``margin``, in steps."""
        heads = np.zeros((self.groups, self.months))
        for g, plan in enumerate(self.horizon.plans):
            factor = (self.beta[g] if self.searched[g] else 0.0) + (margin if self.searched[g] else 0.0)
            for m, cells in enumerate(plan.patterns):
                agents = np.maximum(cells.load + factor * np.sqrt(cells.load), 0.0)
                if plan.rosters:
                    people = shifts.least_people(plan.rosters[m].tours, agents)
                    heads[g, m] = people / max(plan.on_duty, 1e-9)
                else:
                    heads[g, m] = float(agents @ cells.hours) / self.per_head[g, m]
            heads[g] /= max(1.0 - self.absence[g], 1e-9)
        return np.ceil(heads / STEP - 1e-9) * STEP

    def _sweep(self) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """(heads, met) for each margin; heads never fall along the list."""
        self.beta = [self._proposal(g) if self.searched[g] else 0.0 for g in range(self.groups)]
        ladder = list(itertools.accumulate((self._heads(margin) for margin in MARGINS), np.maximum))
        looks = self.evaluate([Staffing(groups=heads) for heads in ladder], self.swept)
        return [(heads, look["met"]) for heads, look in zip(ladder, looks, strict=True)]

    def _met(self, heads: NDArray[np.float64], replications: int) -> NDArray[np.float64]:
        """Share of windows that meet each target, float64 (R, M, targets)."""
        return self.evaluate([Staffing(groups=heads)], replications)[0]["met"]

    def _proposal(self, g: int) -> float:
        """The closed form: the factor of √load at which Erlang A or C meets the group's targets at its typical load."""
        model = self.horizon.central.support
        assert model is not None
        tables = model.tables
        loads = np.concatenate([p.load for p in self.horizon.plans[g].patterns])
        hours = np.concatenate([p.hours for p in self.horizon.plans[g].patterns])
        if not loads.size or loads.max() < 1e-6:
            return 0.0
        order = np.argsort(loads)
        typical = float(loads[order][np.searchsorted(np.cumsum((loads * hours)[order]), (loads @ hours) / 2)])
        best = -np.inf
        for i in self.mine[g]:
            target = self.horizon.targets.items[i]
            q = target.queue
            handle = assemble.handle_time(tables, q, g)
            if handle <= 0:
                continue
            row = int(tables.patience[q])
            patience = max(float(tables.laws.scale[row]), 1e-3 * handle) if row >= 0 else math.inf
            name = {"service_level": "sl_excl_short_abandons", "abandonment": "p_abandon", "asa": "e_wait_served"}.get(
                target.kpi, target.kpi
            )
            if target.kpi == "answer_rate":
                name, bound = "p_abandon", 1.0 - target.bound
            else:
                bound = target.bound
            if name == "p_abandon" and patience == math.inf:
                continue
            try:
                agents = erlang.agents_needed(
                    {name: bound},
                    arrival_rate=max(typical, 0.05) / handle,
                    service_rate=1.0 / handle,
                    abandonment_rate=1.0 / patience,
                    answer_within=float(tables.answer_within[q]),
                )
            except ValueError:
                continue
            best = max(best, (agents - typical) / math.sqrt(typical))
        return float(np.clip(best, -1.0, 4.0)) if math.isfinite(best) else 0.5

    def _draw_margins(self, look: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        """Margin of each target's measure pooled over the chance repeats of a draw, float64 (draws, M, targets)."""
        repeats = self.horizon.repeats
        draws = look["queue"].shape[0] // repeats

        def pooled(values: NDArray[np.float64]) -> NDArray[np.float64]:
            return values[: draws * repeats].reshape(draws, repeats, *values.shape[1:]).mean(axis=1)

        queue, closing = pooled(look["queue"]), pooled(look["closing"])
        columns = [
            target.margin(target.by_month(queue, closing, self.horizon.grid)) for target in self.horizon.targets.items
        ]
        return np.stack(columns, axis=-1) if columns else np.zeros((draws, self.months, 0))

    def _bracket(
        self, sweep: list[tuple[NDArray[np.float64], NDArray[np.float64]]]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Heads that fail just below heads that pass in the sweep, with everything above passing too."""
        items = self.horizon.targets.items
        low, high = sweep[0][0].copy(), sweep[-1][0].copy()
        low[self.searched] = np.maximum(low[self.searched] - 2.0, 0.0)
        for g in np.flatnonzero(self.searched):
            good = np.stack([slack(met, items, self.mine[g]) >= 0 for _, met in sweep])
            for m in range(self.months):
                j = len(sweep)
                while j > 0 and good[j - 1, m]:
                    j -= 1
                if j < len(sweep):
                    high[g, m] = sweep[j][0][g, m]
                if j > 0:
                    low[g, m] = sweep[j - 1][0][g, m]
                elif j == 0:
                    high[g, m] = sweep[0][0][g, m]
        for g in np.flatnonzero(~self.searched):
            low[g] = high[g] = sweep[0][0][g]
        return low, high

    def _close_in(self, low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
        """Halve the bracket by coarse looks; a few rounds, all groups and months at once. A look misses by a step or
        so, which the deciding simulations mend."""
        items = self.horizon.targets.items
        for _ in range(3):
            if np.all(high - low <= STEP + 1e-9):
                break
            middle = np.where(high - low > STEP + 1e-9, np.ceil((low + high) / 2 / STEP) * STEP, high)
            met = self._met(middle, self.swept)
            for g in np.flatnonzero(self.searched):
                good = slack(met, items, self.mine[g]) >= 0
                open_ = high[g] - low[g] > STEP + 1e-9
                high[g] = np.where(open_ & good, middle[g], high[g])
                low[g] = np.where(open_ & ~good, middle[g], low[g])
        return high

    def _settle(self, heads: NDArray[np.float64]) -> tuple[NDArray[np.float64], _Look]:
        """Make the whole plan pass jointly, then take off what it can spare, dearest group first."""
        for attempts_left in (3, 2, 1, 0):
            look = self._judged(heads)
            if look.passed.all() or not attempts_left:
                break
            heads = self._lifted(heads, look)
        settled, passed = heads.copy(), look.passed
        for g in self._dearest_first():
            for _ in range(2):
                trial = heads.copy()
                trial[g] = np.where(passed, np.maximum(heads[g] - STEP, 0.0), heads[g])
                spared = passed & (look.slack(self._glance(trial)) >= 0)
                if not spared.any():
                    break
                heads[g] = np.where(spared, trial[g], heads[g])
        if np.array_equal(heads, settled):
            return heads, look
        # a glance may be wrong, and months touch through what is carried over: what broke is given back
        for back in (settled, settled + STEP, None):
            look = self._judged(heads)
            broken = passed & ~look.passed
            if back is None or not broken.any():
                break
            heads[:, broken] = np.where(self.searched[:, None], back[:, broken], heads[:, broken])
        return heads, look

    def _lifted(self, heads: NDArray[np.float64], look: _Look) -> NDArray[np.float64]:
        """Heads with more in the months that failed, each time in the group whose own targets are the farthest off."""
        heads, met, failing = heads.copy(), look.met, ~look.passed
        for _ in range(4):
            gaps = np.full(heads.shape, np.inf)
            for g in np.flatnonzero(self.searched):
                gaps[g] = look.slack(met, self.mine[g])
            # one step for a near miss, more where the share is far off
            lift = STEP * np.clip(np.ceil(-gaps.min(axis=0) / 0.05), 1, 8)
            weakest = np.argmin(gaps, axis=0)
            for m in np.flatnonzero(failing):
                if self.searched[weakest[m]]:
                    heads[weakest[m], m] += lift[m]
            met = self._glance(heads)
            failing &= look.slack(met) < 0
            if not failing.any():
                break
        return heads

    def _glance(self, heads: NDArray[np.float64]) -> NDArray[np.float64]:
        """A coarse look: share of windows that meet each target, float64 (R, M, targets)."""
        return self._met(heads, self.glanced)

    def _judged(self, heads: NDArray[np.float64]) -> _Look:
        return _Look(self._met(heads, self.replications), self.horizon.targets.items)

    def _dearest_first(self) -> list[int]:
        return sorted((int(g) for g in np.flatnonzero(self.searched)), key=lambda g: -self.price[g])

    def _whole(self, heads: NDArray[np.float64], look: _Look) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Whole heads, and the plan behind them. Rounding up may leave room for one whole head fewer somewhere, dearest
        group first: a month in which that passes takes the whole heads as its plan."""
        whole = np.array([[math.ceil(round(h, 9)) for h in row] for row in heads], dtype=np.int64)
        hopeful = np.zeros(whole.shape, dtype=bool)
        for g in self._dearest_first():
            trial = whole.astype(float)
            trial[g] = np.maximum(whole[g] - 1, 0)
            hopeful[g] = look.passed & (whole[g] > 0) & (look.slack(self._glance(trial), errors=1.0) >= 0)
        # each month tries the dearest group that it has left, all months at once
        while hopeful.any():
            tried = np.zeros_like(hopeful)
            for g in self._dearest_first():
                tried[g] = hopeful[g] & ~tried.any(axis=0)
            spared = tried & self._judged((whole - tried).astype(float)).passed
            whole -= spared
            heads = np.where(spared.any(axis=0), whole.astype(float), heads)
            hopeful &= ~tried
        return heads, whole

    def _least(self, whole: NDArray[np.int64]) -> NDArray[np.float64]:
        """Whole heads by input draw at which a group's own measures reach their bounds, float64 (draws, G, M).

        Looked for around the need, where groups that help each other have what they need. Between two plans the measure
        is taken as linear in heads; a draw whose measure passes at the leanest plan gets that plan, one that fails at
        the richest one head more than it.
        """
        rungs: dict[float, NDArray[np.float64]] = {}
        self._look_at(AROUND, whole, rungs)
        for part in LEANER:
            leanest = rungs[min(rungs)]
            if np.any(np.isfinite(leanest) & (leanest >= 0)):
                self._look_at((part,), whole, rungs)
        for part in RICHER:
            if np.any(rungs[max(rungs)] < 0):
                self._look_at((part,), whole, rungs)
        parts = sorted(rungs)
        margins = np.stack([rungs[part] for part in parts])
        least = np.empty(margins.shape[1:])
        for g, m in np.ndindex(whole.shape):
            least[:, g, m] = _crossing(np.multiply(parts, whole[g, m]), margins[:, :, g, m])
        least[:, ~self.searched] = whole[~self.searched]
        return least

    def _look_at(
        self, parts: Sequence[float], whole: NDArray[np.int64], rungs: dict[float, NDArray[np.float64]]
    ) -> None:
        """Note under each part of the whole heads the least margin of a group's own measures, float64 (draws, G, M)."""
        ladder = [np.where(self.searched[:, None], part * whole, whole) for part in parts]
        looks = self.evaluate([Staffing(groups=heads) for heads in ladder], self.least_replications)
        for part, look in zip(parts, looks, strict=True):
            margins = np.nan_to_num(self._draw_margins(look), nan=np.inf)
            own = [np.min(margins[..., mine], axis=-1, initial=np.inf) for mine in self.mine]
            rungs[part] = np.stack(own, axis=1)


class _Look:
    """A plan judged by all replications, as the measure of plans near it (``met`` as in :func:`joint`).

    Both plans meet the same callers, so that the difference of their shares over a few replications is known far better
    than either share: a neighbour's share is this plan's over all replications plus that difference.
    """

    def __init__(self, met: NDArray[np.float64], targets: Sequence[Target]) -> None:
        self.met = met
        self.targets = targets
        self.passed = self.slack(met) >= 0

    def slack(
        self, met: NDArray[np.float64], chosen: Sequence[int] | None = None, errors: float = 0.0
    ) -> NDArray[np.float64]:
        """:func:`slack` of a neighbour by its first replications, as far as a glance can tell, float64 (M,).

        Args:
            met: of the neighbour, of as many replications or fewer.
            errors: how many standard errors of the difference to give it as the benefit of the doubt.
        """
        chosen = range(len(self.targets)) if chosen is None else chosen
        found = np.full(met.shape[1], np.inf)
        neighbour = joint(met, self.targets, chosen)
        for confidence, share in joint(self.met, self.targets, chosen).items():
            change = neighbour[confidence] - share[: len(met)]
            error = change.std(axis=0, ddof=1) / math.sqrt(len(met)) if len(met) > 1 else 0.0
            found = np.minimum(found, share.mean(axis=0) + change.mean(axis=0) - confidence + errors * error)
        return found


def _crossing(heads: NDArray[np.float64], margins: NDArray[np.float64]) -> NDArray[np.float64]:
    """Whole heads from which on every margin (plans, draws) is not negative."""
    plans, draws = margins.shape
    out = np.empty(draws)
    for d in range(draws):
        j = plans
        while j > 0 and margins[j - 1, d] >= 0:
            j -= 1
        if j == 0:
            out[d] = heads[0]
        elif j == plans:
            out[d] = heads[-1] + 1
        else:
            below, above = margins[j - 1, d], margins[j, d]
            part = -below / (above - below) if math.isfinite(above) and above > below else 1.0
            out[d] = heads[j - 1] + part * (heads[j] - heads[j - 1])
    return np.ceil(np.round(out, 9))


ALL = "all"
"""Name of the target over every step of every activity."""


# --- success ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OnTimeTarget:
    """A share of steps to be done by their due dates, for the accounts of one team.

    ``steps`` is the headline step of an activity (its meeting, else its last step), or every step for ``all``.
    """

    team: int
    activity: str
    steps: tuple[int, ...]
    columns: tuple[int, ...]
    bound: float
    confidence: float

    @property
    def text(self) -> str:
        from simulator import units

        what = "all steps" if self.activity == ALL else self.activity
        return f"{what} on time {units.format_share(self.bound)}, per quarter"

    @property
    def text_ja(self) -> str:
        from simulator import units

        what = "全ステップ" if self.activity == ALL else self.activity
        return f"{what} 期限内実施率 {units.format_share(self.bound)}(四半期ごと)"


def on_time_targets(horizon: Horizon) -> list[OnTimeTarget]:
    """The success targets of a scenario, one per team that does the activity."""
    scenario: Scenario = horizon.scenario
    model = horizon.central.success
    if scenario.success is None or model is None:
        return []
    found = []
    tables = model.activities
    for name, bound in scenario.success.targets.on_time.items():
        chosen = tables.activity_names if name == ALL else (name,)
        covered = np.zeros(len(scenario.accounts), dtype=bool)
        for activity in chosen:
            shares = scenario.success.activities[activity].segments
            covered |= np.array([shares.get(segment, 0.0) > 0 for segment in scenario.accounts], dtype=bool)
        if name == ALL:
            steps = tuple(range(len(tables.step_names)))
        else:
            steps = (int(tables.headline_step[tables.activity_names.index(name)]),)
        for t, team in enumerate(model.teams):
            columns = tuple(int(p) for p in np.flatnonzero(team.columns & covered[model.columns[:, 0]]))
            if columns:
                found.append(OnTimeTarget(t, name, steps, columns, bound, scenario.success.targets.confidence))
    return found


def on_time(
    steps: NDArray[np.float64], targets: Sequence[OnTimeTarget], quarter_of_month: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Steps on time and due by quarter: two arrays (..., quarters, targets) from sums (..., M, N, P, measures)."""
    quarters = int(quarter_of_month[-1]) + 1
    shape = (*steps.shape[:-4], quarters, len(targets))
    done, due = np.zeros(shape), np.zeros(shape)
    for i, target in enumerate(targets):
        rows = steps[..., list(target.steps), :, :][..., list(target.columns), :].sum(axis=(-3, -2))
        for q in range(quarters):
            inside = quarter_of_month == q
            done[..., q, i] = rows[..., inside, ON_TIME].sum(axis=-1)
            due[..., q, i] = rows[..., inside, DUE].sum(axis=-1)
    return done, due


def on_time_met(
    steps: NDArray[np.float64], targets: Sequence[OnTimeTarget], quarter_of_month: NDArray[np.int64]
) -> NDArray[np.float64]:
    """1 where a quarter meets a target, 0 where not, NaN where nothing was due: (R, quarters, targets)."""
    done, due = on_time(steps, targets, quarter_of_month)
    bounds = np.array([target.bound for target in targets])
    return np.where(due > 0, done >= bounds * due - 1e-9, np.nan)


@dataclass(frozen=True, eq=False)
class SuccessNeed:
    """The need of the CSM teams (T teams, P quarters).

    Attributes:
        heads: int64 (T, P), the least constant heads per quarter whose own simulation meets the targets.
        passed: bool (T, P).
        least: float64 (draws, T, P), whole heads that meet the targets in expectation over chance, per input draw.
        work: float64 (T, P), heads by the sum of the work.
    """

    heads: NDArray[np.int64]
    passed: NDArray[np.bool_]
    least: NDArray[np.float64]
    work: NDArray[np.float64]


def from_work(horizon: Horizon) -> NDArray[np.float64]:
    """Heads by the sum of the work per team and quarter: hours ÷ hours of one head for customers, float64 (T, P).

    The work is that of the accounts and of handovers, as far as the plan's people come and go.
    """
    from simulator.success import assemble as success_assemble
    from simulator.success import workload

    model = horizon.central.success
    assert model is not None
    grid = horizon.grid
    quarters = int(grid.quarter_of_month[-1]) + 1
    out = np.full((len(model.teams), quarters), np.nan)
    for t, team in enumerate(model.teams):
        work = horizon.work_hours[t].sum(axis=(0, 1))
        work += success_assemble.handover_hours(horizon.scenario, team, model, grid)
        available = workload.available_hours(team.tables.clock, grid, team.team.customer_time)
        for p in range(quarters):
            inside = grid.quarter_of_month == p
            out[t, p] = float(
                workload.from_work(work[inside].sum(keepdims=True), available[inside].sum(keepdims=True))[0]
            )
    return out


def success_need(horizon: Horizon, evaluate: Evaluate, replications: int) -> SuccessNeed:
    """Search the least constant heads per team and quarter."""
    grid = horizon.grid
    model = horizon.central.success
    assert model is not None
    targets = on_time_targets(horizon)
    work = from_work(horizon)
    teams, quarters = work.shape
    fallback = np.maximum(np.ceil(np.nan_to_num(work)), 0).astype(np.int64)
    if not targets:
        return SuccessNeed(fallback, np.ones((teams, quarters), dtype=bool), fallback[None].astype(float), work)
    mine = [[i for i, target in enumerate(targets) if target.team == t] for t in range(teams)]
    bounds = np.array([target.bound for target in targets])

    coarse = screening(replications, horizon.repeats)

    def run(heads: NDArray[np.int64], count: int = coarse) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Slack (T, P) and pooled margins (draws, P, targets) of heads (T, P)."""
        by_month = heads[:, grid.quarter_of_month]
        steps = evaluate([Staffing(teams=by_month)], count)[0]["steps"]
        met = on_time_met(steps, targets, grid.quarter_of_month)
        out = np.full((teams, quarters), np.inf)
        for t in range(teams):
            if mine[t]:
                joint = np.min(np.nan_to_num(met[:, :, mine[t]], nan=1.0), axis=2)
                out[t] = joint.mean(axis=0) - targets[mine[t][0]].confidence
        done, due = on_time(steps, targets, grid.quarter_of_month)
        draws = done.shape[0] // horizon.repeats
        cut = draws * horizon.repeats
        done = done[:cut].reshape(draws, horizon.repeats, quarters, len(targets)).sum(axis=1)
        due = due[:cut].reshape(draws, horizon.repeats, quarters, len(targets)).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return out, np.where(due > 0, done / due, np.inf) - bounds

    peak = np.maximum(np.nanmax(np.nan_to_num(work), axis=1), 0.5)
    start = np.maximum(np.floor(0.6 * np.nanmin(np.nan_to_num(work), axis=1)), 1).astype(np.int64)
    step = np.maximum(np.round(0.08 * peak), 1).astype(np.int64)
    limit = np.ceil(4 * peak + 6).astype(np.int64)
    ladder, slacks, margins = [], [], []
    heads = start.copy()
    clear = 0
    while True:
        current = np.repeat(heads[:, None], quarters, axis=1)
        got, margin = run(current)
        ladder.append(heads.copy())
        slacks.append(got)
        margins.append(margin)
        clear = clear + 1 if np.all(got >= 0) and np.all(margin >= 0) else 0
        if clear >= 2 or np.all(heads >= limit):
            break
        heads = np.minimum(heads + step, limit)
    rungs = np.stack(ladder)
    chosen = np.zeros((teams, quarters), dtype=np.int64)
    for t in range(teams):
        for p in range(quarters):
            j = len(rungs)
            while j > 0 and slacks[j - 1][t, p] >= 0:
                j -= 1
            if j == len(rungs):
                # no number tried is enough: the least that gets as near as any, so that the gap is named, not hidden
                share = np.array([row[t, p] for row in slacks])
                j = int(np.argmax(share >= share.max() - 0.02))
            chosen[t, p] = rungs[j, t]
    possible = np.array([[slacks[-1][t, p] >= 0 for p in range(quarters)] for t in range(teams)])
    chosen, passed = _adjust(
        chosen, lambda heads, whole: run(heads, replications if whole else coarse)[0], possible, limit
    )
    least = np.stack(
        [
            np.stack(
                [
                    _crossing(
                        rungs[:, t].astype(float), np.stack([np.min(m[:, p][:, mine[t]], axis=1) for m in margins])
                    )
                    if mine[t]
                    else np.full(margins[0].shape[0], float(fallback[t, p]))
                    for p in range(quarters)
                ],
                axis=1,
            )
            for t in range(teams)
        ],
        axis=1,
    )
    for t in range(teams):
        if not mine[t]:
            chosen[t] = fallback[t]
    return SuccessNeed(chosen, passed, least, work)


def _adjust(
    chosen: NDArray[np.int64],
    run: Callable[[NDArray[np.int64], bool], NDArray[np.float64]],
    possible: NDArray[np.bool_],
    limit: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Raise quarters that fail in the company of the others, then lower, one quarter at a time, what can be spared.

    Quarters that no number of heads meets (``possible`` false, shape (T, P)) stay as they are. ``run`` gives the slack
    of heads (T, P) by a coarse look (False) or by all replications (True). Only the latter decides that heads are
    enough; the former may decide that they are not, when the share falls short by more than sampling error explains.
    """
    got = run(chosen, True)
    for _ in range(8):
        failing = (got < 0) & possible & (chosen < limit[:, None])
        if not failing.any():
            break
        first = np.argmax(failing, axis=1)  # an early quarter's backlog is the next one's trouble: mend it first
        for t in np.flatnonzero(failing.any(axis=1)):
            chosen[t, first[t]] += 1
        got = run(chosen, True)
    passed = got >= 0
    for p in range(chosen.shape[1]):
        while True:
            trial = chosen.copy()
            trial[:, p] = np.where(passed[:, p] & (chosen[:, p] > 1), chosen[:, p] - 1, chosen[:, p])
            if np.array_equal(trial, chosen):
                break
            hopeless = (run(trial, False) < -CLEARLY_SHORT)[:, p]
            trial[hopeless, p] = chosen[hopeless, p]
            if np.array_equal(trial, chosen):
                break
            got = run(trial, True)
            spare = ((got >= 0) | ~passed).all(axis=1) & (trial[:, p] < chosen[:, p])
            if not spare.any():
                break
            chosen[spare, p] = trial[spare, p]
    return chosen, run(chosen, True) >= 0


def distribution(least: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """P10, P50, P80, P90 (whole heads, the next one up) and mean over input draws (first axis)."""
    out = {f"p{q}": np.quantile(least, q / 100, axis=0, method="inverted_cdf") for q in (10, 50, 80, 90)}
    return out | {"mean": np.asarray(estimate(least, 1).mean)}
