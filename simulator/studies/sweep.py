"""Curves over one input on common draws, and the cliff: the largest book that still meets its targets.

Every point of a curve meets the same customers (an account keeps its key when others are added), so neighbouring points
differ by what was changed and little else.

Judging. A point passes when, in its worst quarter (support: month), the share of replications that meet every target of
the unit reaches the confidence that the targets ask for. The *knee* is the last value that passes, coming from the end
of the range that passes, before the first that fails; nothing beyond a failure counts, even where chance lets it pass.
Its interval runs from the last value that passes surely (the lower end of a 95 % Wilson interval does) to the last that
may yet pass (the upper end does).
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simulator.errors import InputError, Problem, nearest
from simulator.montecarlo.precision import clustered_wilson, estimate, paired_difference
from simulator.planning import requirement
from simulator.scenario.schema import Scenario, Team
from simulator.studies.run import Array, Jobs, Key, Progress, Simulated, judge, measures, search, simulate
from simulator.success.assemble import portfolio_tables
from simulator.success.portfolio import expected_accounts

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from simulator.glossary import Language

CURVE_COLUMNS = (
    "curve", "value", "month", "wing", "kind", "subject", "kpi", "unit", "mean", "low", "high", "p10", "p50", "p90",
)  # fmt: skip
POINT_COLUMNS = (
    "curve", "value", "asked", "wing", "team", "heads", "accounts", "accounts_per_head", "p_met", "p_met_low",
    "p_met_high", "confidence", "from_work", "from_ratio", "need",
)  # fmt: skip
KNEE_COLUMNS = (
    "curve", "wing", "team", "knee", "low", "high", "reached", "load_rises", "accounts_per_head", "book_from_work",
    "book_from_ratio", "head_cost_per_year", "carrying_cost_per_account",
)  # fmt: skip
NEXT_COLUMNS = ("curve", "team", "from", "to", "accounts", "kpi", "unit", "per_account", "low", "high", "at_knee")

NEXT_KPIS = ("on_time_share", "steps_late", "follow_up_delay", "utilisation", "revenue_at_risk")
"""What one more account changes, in the order in which it is told."""

MOST_REFINEMENTS = 24
"""Values added between a passing and a failing one: a gap of 16 million wholes would be closed by as many."""


@dataclass(frozen=True, eq=False)
class Sweep:
    """Curves over one input.

    Attributes:
        scenario: the base; plans: the scenario of each curve, before the input is varied.
        over: the path that was varied, or ``book of TEAM``.
        curves: KPIs by curve, value and month (``all``: the horizon); ``low`` and ``high`` bound the mean (95 %),
            ``p10`` to ``p90`` describe replications.
        points: one row per curve, value and unit (group or team): heads of the plan, accounts when the horizon opens,
            share of replications that meet the targets in the worst quarter or month with its interval, and the heads
            by the work, by the ratio and, where asked for, the simulated need (each the highest of its quarters).
            ``asked`` is false for values that were added to close in on the knee.
        knees: one row per curve and unit with targets; ``knee`` is NaN where no value passes, and ``reached`` is false
            where every value passes, so that the knee lies beyond. ``load_rises`` tells whether values up to the knee
            pass (a book) or values from it on (heads). ``book_from_work`` and ``book_from_ratio`` are what
            the two rules give as accounts per head; ``carrying_cost_per_account`` is a head's yearly cost ÷ its book.
        next_account: what one more account changes between neighbouring asked values, per account, on common draws
            with a 95 % interval; ``at_knee`` marks the step that leads over the knee.
    """

    scenario: Scenario
    plans: Mapping[str, Scenario]
    over: str
    replications: int
    curves: pd.DataFrame
    points: pd.DataFrame
    knees: pd.DataFrame
    next_account: pd.DataFrame

    def plot(
        self, kpi: str | None = None, team: str | None = None, ax: Axes | None = None, lang: Language = "en"
    ) -> Axes:
        """A KPI over the input, default the on-time share (for support the service level), with the knee marked."""
        from simulator.reporting.plots_sweep import panel

        return panel(self, kpi, team, ax, lang)

    def figure(self, team: str | None = None, lang: Language = "en") -> Figure:
        """On-time share, follow-up delay, utilisation and revenue at risk (for support its own KPIs) over the input,
        and what they rest on."""
        from simulator.reporting.plots_sweep import cliff

        return cliff(self, team, lang)


def summary(found: Sweep) -> dict[str, Any]:
    """The answer of a sweep as plain data: knees, points, and what the next account changes."""
    return {
        "name": found.scenario.name,
        "over": found.over,
        "replications": found.replications,
        "seed": found.scenario.monte_carlo.seed,
        "knees": found.knees.to_dict("records"),
        "points": found.points.to_dict("records"),
        "next_account": found.next_account.to_dict("records"),
        "placeholders": dict(found.scenario.placeholders),
    }


def save(found: Sweep, folder: Path, lang: Language = "en") -> list[Path]:
    """Write the tables (CSV and Parquet), the figures (SVG) and what they come from; the paths written."""
    import io

    from simulator import provenance
    from simulator.reporting.plots import render
    from simulator.reporting.plots_sweep import units_of
    from simulator.results import to_json, write_atomically
    from simulator.scenario.loading import dump

    files: dict[str, bytes] = {}
    for name in ("curves", "points", "knees", "next_account"):
        table = getattr(found, name)
        texts = [column for column in table.columns if table[column].dtype == object]
        buffer = io.BytesIO()  # one column of a Parquet file has one type, and values may be of several
        table.astype(dict.fromkeys(texts, str)).to_parquet(buffer, index=False)
        files[f"{name}.parquet"] = buffer.getvalue()
        files[f"{name}.csv"] = table.to_csv(index=False, lineterminator="\n").encode()
    for team in units_of(found):
        files[f"figures/sweep_{team}.svg"] = render(found.figure(team, lang), "svg", lang, salt=team)
    files["summary.json"] = to_json(summary(found))
    files["scenario.resolved.yaml"] = dump(found.scenario.document()).encode()
    files["provenance.json"] = to_json(provenance.record(found.scenario, found.replications))
    for name, content in files.items():
        write_atomically(folder / name, content)
    return [folder / name for name in files]


def book_overrides(scenario: Scenario, team: str, size: int) -> dict[str, Any]:
    """The changes that give each head of a team a book of ``size`` accounts, from the first month to the last.

    The segments of the team keep their proportions (largest remainder). The book is held: new accounts come in place of
    those expected to leave (or to go to a free plan), with the work of their onboarding, instead of the scenario's own
    new business, and planned hires are left out. Else a book of 90 would be one of 60 or 120 by the year's end. Leavers
    and backfills stay, as they do in life: a colleague's book is shared out until a successor is there.

    Raises:
        InputError: no such team, or one without heads or accounts.
    """
    one, problem = _team_of(scenario, team)
    if problem or one is None:
        raise InputError([problem] if problem else [])
    opening = np.array([scenario.accounts[name].opening for name in one.segments])
    exact = opening * (size * one.headcount / opening.sum())
    whole = np.floor(exact).astype(int)
    short = size * one.headcount - int(whole.sum())
    whole[np.argsort(-(exact - whole), kind="stable")[:short]] += 1
    sizes = {f"accounts.{name}.opening": int(n) for name, n in zip(one.segments, whole, strict=True)}
    held = _replacements(scenario.with_(sizes))
    news = {f"accounts.{name}.new_per_month": held[name] for name in one.segments}
    empty: dict[str, Any] = {f"success.teams.{team}.{name}": {} for name in ("hires", "open_requisitions")}
    return sizes | news | empty


def _replacements(scenario: Scenario) -> dict[str, float | list[float]]:
    """New accounts by segment and month that hold the number of accounts with work, at the central values."""
    tables = portfolio_tables(scenario, scenario.calendar.grid())
    months = tables.new_per_month.shape[1]

    def longer(values: Array) -> Array:
        return np.concatenate([values, values[:, -1:]], axis=1)

    tables = dataclasses.replace(
        tables, new_per_month=np.zeros((tables.segments, months + 1)), churn_per_month=longer(tables.churn_per_month)
    )
    new = tables.new_per_month
    for month in range(months):  # what comes in a month changes only later ones
        served = expected_accounts(tables).account_months[:, month + 1, 1:].sum(axis=1)
        new[:, month] = np.maximum(tables.opening - served, 0.0)
    rows = np.round(new[:, :months], 6).tolist()
    return {name: row if any(row) else 0.0 for name, row in zip(tables.segment_names, rows, strict=True)}


def _team_of(scenario: Scenario, team: str) -> tuple[Team | None, Problem | None]:
    teams = scenario.success.teams if scenario.success else {}
    if team not in teams:
        known = ", ".join(teams) or "none, the scenario has no success teams"
        return None, Problem("--book", None, team, "there is no such team", team, known, nearest(team, teams))
    one = teams[team]
    if not one.headcount or not sum(scenario.accounts[name].opening for name in one.segments):
        where = f"success.teams.{team}"
        return None, Problem(
            "--book", None, where, "a book needs heads and accounts to share out", allowed="both over 0"
        )
    shared = {name for other, t in teams.items() if other != team for name in t.segments} & set(one.segments)
    if shared:
        message, allowed = (
            "the team has only a part of its segments' accounts",
            "a team with segments of its own",
        )
        return None, Problem("--book", None, f"success.teams.{team}", message, ", ".join(sorted(shared)), allowed)
    return one, None


def sweep(
    base: Scenario,
    path: str | None = None,
    values: Sequence[Any] = (),
    *,
    book: str | None = None,
    curves: Mapping[str, Scenario] | None = None,
    replications: int | None = None,
    jobs: Jobs = None,
    need: bool = False,
    refine: bool = True,
    progress: Progress | None = None,
) -> Sweep:
    """Simulate a scenario at every value of one input.

    Args:
        path: dotted path of the input; or give ``book``.
        values: what it takes, at least two; for ``book`` whole accounts per head.
        book: a success team whose accounts per head are varied (see :func:`book_overrides`).
        curves: scenarios to sweep by name, usually variants; default the base alone, under its own name.
        replications: of each point; default the base's. The seed is the base's in every case.
        need: also search the heads that each point needs (success teams; takes several times as long).
        refine: add whole values between a passing and a failing one until the knee is known to 1. Only where all
            values are whole.

    Raises:
        InputError: fewer than two values, a value that the input does not take, or both or neither of path and book.
    """
    import pandas as pd

    plans = dict(curves or {base.name: base})
    over = f"book of {book}" if book else str(path)
    _refuse(base, path, values, book)
    asked = sorted(dict.fromkeys(values)) if _numbers(values) else list(dict.fromkeys(values))
    common = {"monte_carlo.seed": base.monte_carlo.seed, "monte_carlo.chance_repeats": base.monte_carlo.chance_repeats}
    count = replications or base.monte_carlo.replications
    whole = refine and all(isinstance(v, int) and not isinstance(v, bool) for v in asked)
    ready = {
        name: {value: _at(plan.with_(common), path, value, book) for value in asked} for name, plan in plans.items()
    }  # every value of every curve is read before the first is simulated
    parts: tuple[list, list, list, list] = ([], [], [], [])
    for name, scenarios in ready.items():
        found: dict[Any, _Point] = {}

        def play(value: Any, scenario: Scenario, at: str = name, into: dict[Any, _Point] = found) -> None:
            label = f"{at}, {value}"
            tell = None if progress is None else lambda _, *rest: progress(label, *rest)
            into[value] = _Point(simulate(scenario, replications=count, jobs=jobs, progress=tell), need, jobs)

        for value, scenario in scenarios.items():
            play(value, scenario)
        if whole:
            for _ in range(MOST_REFINEMENTS):
                between = _between(found)
                if not between:
                    break
                for value in between:
                    play(value, _at(plans[name].with_(common), path, value, book))
        rows = _tables(name, found, set(asked), book)
        for part, more in zip(parts, rows, strict=True):
            part += more
    tables = [
        pd.DataFrame(rows, columns=list(columns))
        for rows, columns in zip(parts, (CURVE_COLUMNS, POINT_COLUMNS, KNEE_COLUMNS, NEXT_COLUMNS), strict=True)
    ]
    return Sweep(base, plans, over, count, *tables)


def _refuse(base: Scenario, path: str | None, values: Sequence[Any], book: str | None) -> None:
    problems = []
    if (path is None) == (book is None):
        problems.append(Problem("sweep", None, "", "give a path to vary or a team's book, not both and not neither"))
    if len(dict.fromkeys(map(str, values))) < 2:
        where = "--book" if book else "--over"
        found = ", ".join(map(str, values)) or "none"
        problems.append(Problem(where, None, path or book or "", "a curve needs two values or more", found))
    if book:
        problem = _team_of(base, book)[1]
        problems += [problem] if problem else []
        problems += [
            Problem("--book", None, book, "a book is a whole number of accounts, 1 or more", str(value))
            for value in values
            if not isinstance(value, int) or isinstance(value, bool) or value < 1
        ]
    if problems:
        raise InputError(problems)


def _at(scenario: Scenario, path: str | None, value: Any, book: str | None) -> Scenario:
    return scenario.with_(book_overrides(scenario, book, value) if book else {str(path): value})


def _numbers(values: Sequence[Any]) -> bool:
    return all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


class _Point:
    """What is kept of one simulated value: the replications themselves are let go."""

    def __init__(self, simulated: Simulated, need: bool, jobs: Jobs) -> None:
        horizon = simulated.horizon
        self.repeats = horizon.repeats
        self.months = [*horizon.grid.month_labels, "all"]
        self.measures: Mapping[Key, Array] = measures(simulated)
        self.judged = judge(simulated)
        self.scenario = horizon.scenario
        self.work = requirement.from_work(horizon) if horizon.central.success else np.zeros((0, 0))
        has_teams = need and horizon.central.success is not None
        self.need = search(horizon, simulated.replications, jobs).heads if has_teams else None
        self.groups = len(self.scenario.support.groups) if self.scenario.support else 0
        self.shares = [clustered_wilson(one.met, self.repeats) for one in self.judged]

    def share(self, u: int) -> tuple[float, float, float]:
        """Share of replications that meet the unit's targets in its worst month, with the interval of that share."""
        share, low, high = self.shares[u]
        if np.isnan(share).all():
            return math.nan, math.nan, math.nan
        worst = int(np.nanargmin(share))
        return float(share[worst]), float(low[worst]), float(high[worst])

    def passes(self, u: int) -> bool:
        return self.share(u)[0] >= self.judged[u].confidence - 1e-9

    def accounts(self, u: int) -> int:
        team = self.team(u)
        return sum(self.scenario.accounts[name].opening for name in team.segments) if team else 0

    def team(self, u: int) -> Team | None:
        if u < self.groups or self.scenario.success is None:
            return None
        return list(self.scenario.success.teams.values())[u - self.groups]

    def from_ratio(self, team: Team) -> float:
        """Heads by the rule of thumb when the horizon opens, NaN without one."""
        segments = [self.scenario.accounts[name] for name in team.segments]
        if team.ratio is None:
            return math.nan
        if team.ratio.accounts is not None:
            return sum(one.opening for one in segments) / team.ratio.accounts
        assert team.ratio.mrr is not None
        return sum(one.opening * one.mrr.mean for one in segments) / team.ratio.mrr

    def heads(self, u: int) -> float:
        team = self.team(u)
        if team is not None:
            return float(team.headcount)
        assert self.scenario.support is not None
        group = list(self.scenario.support.groups.values())[u]
        return float(group.agents if group.agents is not None else group.headcount)


def _edges(found: Mapping[Any, _Point], u: int) -> tuple[Any, Any, bool] | None:
    """The last value that passes before the first that fails, that first one, and whether the load rises along the
    values; None where the ends agree or an order is missing."""
    values = sorted(found) if _numbers(list(found)) else None
    if values is None or math.isnan(found[values[0]].judged[u].confidence):
        return None
    good = [found[value].passes(u) for value in values]
    if good[0] == good[-1]:
        return None
    rising = good[0]
    ordered, marks = (values, good) if rising else (values[::-1], good[::-1])
    first = marks.index(False)
    return ordered[first - 1], ordered[first], rising


def _between(found: Mapping[Any, _Point]) -> list[int]:
    """Whole values that halve the gaps between the last passing and the first failing one of each unit."""
    units = range(len(next(iter(found.values())).judged))
    gaps = {tuple(sorted(edge[:2])) for u in units if (edge := _edges(found, u))}
    return sorted({(low + high) // 2 for low, high in gaps if high - low > 1})


def _tables(
    curve: str, found: Mapping[Any, _Point], asked: set[Any], book: str | None
) -> tuple[list[tuple], list[tuple], list[tuple], list[tuple]]:
    values = sorted(found) if _numbers(list(found)) else list(found)
    rows: list[tuple[Any, ...]] = []
    points: list[tuple[Any, ...]] = []
    for value in values:
        point = found[value]
        for (wing, kind, subject, kpi, unit), data in point.measures.items():
            spread = estimate(data, point.repeats)
            with np.errstate(all="ignore"):
                quantiles = _percentiles(data)
            for m, month in enumerate(point.months):
                if not math.isnan(spread.mean[m]):
                    rows.append(
                        (curve, value, month, wing, kind, subject, kpi, unit, spread.mean[m], spread.low[m],
                         spread.high[m], *(q[m] for q in quantiles))
                    )  # fmt: skip
        for u, one in enumerate(point.judged):
            accounts, heads = point.accounts(u), point.heads(u)
            team = point.team(u)
            work = ratio = need = math.nan
            if team is not None:
                t = u - point.groups
                work = float(np.nanmax(point.work[t]))
                ratio = point.from_ratio(team)
                need = float(point.need[t].max()) if point.need is not None else math.nan
            points.append(
                (curve, value, value in asked, one.wing, one.name, heads, accounts,
                 accounts / heads if accounts and heads else math.nan, *point.share(u), one.confidence, work, ratio,
                 need)
            )  # fmt: skip
    knees = [row for u in range(len(found[values[0]].judged)) if (row := _knee(curve, found, values, u))]
    steps = []
    if book:
        for u, one in enumerate(found[values[0]].judged):
            if one.name == book and one.wing == "success":
                steps = _next_account(curve, found, [v for v in values if v in asked], u)
    return rows, points, knees, steps


def _percentiles(data: Array) -> Array:
    empty = np.isnan(data).all(axis=0)
    return np.where(empty, np.nan, np.nanpercentile(np.where(empty, 0.0, data), (10, 50, 90), axis=0))


def _knee(curve: str, found: Mapping[Any, _Point], values: list[Any], u: int) -> tuple[Any, ...] | None:
    first = found[values[0]]
    one = first.judged[u]
    if math.isnan(one.confidence) or not _numbers(values):
        return None
    good = [found[v].passes(u) for v in values]
    edge = _edges(found, u)
    rising = edge[2] if edge else _load_rises(found, values, u)
    ordered = values if rising else values[::-1]

    def last(mark: Sequence[bool]) -> float:
        """The last value, along the rising load, before the first that is not marked."""
        place = mark.index(False) if False in mark else len(mark)
        return float(ordered[place - 1]) if place else math.nan

    knee = last([found[v].passes(u) for v in ordered])
    low = last([found[v].share(u)[1] >= one.confidence for v in ordered])
    high = last([found[v].share(u)[2] >= one.confidence for v in ordered])
    at = found[values[int(np.argmin([abs(v - knee) for v in values]))]] if not math.isnan(knee) else None
    team = first.team(u)
    per_head = work = ratio = cost = carried = math.nan
    if team is not None:
        cost = team.salary_per_year * first.scenario.hiring.loading
        middle = at or first
        accounts, heads = middle.accounts(u), middle.heads(u)
        needed = float(np.nanmax(middle.work[u - middle.groups]))
        work = accounts / needed if needed else math.nan
        by_ratio = middle.from_ratio(team)
        ratio = accounts / by_ratio if by_ratio > 0 else math.nan
        if at is not None and heads:
            per_head = accounts / heads
            carried = cost / per_head if per_head else math.nan
    reached = not all(good)
    return (curve, one.wing, one.name, knee, low, high, reached, rising, per_head, work, ratio, cost, carried)


def _load_rises(found: Mapping[Any, _Point], values: list[Any], u: int) -> bool:
    """Whether a larger value means more load, told by the share that meets the targets at the two ends."""
    return found[values[0]].share(u)[0] >= found[values[-1]].share(u)[0]


def _next_account(curve: str, found: Mapping[Any, _Point], values: list[Any], u: int) -> list[tuple[Any, ...]]:
    edge = _edges(found, u)
    name = found[values[0]].judged[u].name
    rows = []
    for before, after in itertools.pairwise(values):
        added = found[after].accounts(u) - found[before].accounts(u)
        at_knee = edge is not None and before <= edge[0] < after
        for kpi in NEXT_KPIS:
            keys = [k for k in found[before].measures if k[1:4] == ("team", name, kpi)]
            if not keys or keys[0] not in found[after].measures or not added:
                continue
            difference = paired_difference(
                found[before].measures[keys[0]][:, -1], found[after].measures[keys[0]][:, -1], found[before].repeats
            )
            rows.append(
                (curve, name, before, after, added, kpi, keys[0][4], float(difference.mean) / added,
                 float(difference.low) / added, float(difference.high) / added, at_knee)
            )  # fmt: skip
    return rows
