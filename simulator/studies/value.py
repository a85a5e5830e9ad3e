"""What an activity is worth: paired runs with and without it, its cost, its return, and how large its effect must be.

Revenue is what the horizon collects: the sum over months of the closing revenue of all accounts. With new accounts on
common draws the difference between two runs is exactly what is kept (less churn and contraction, from the month in
which it would have gone) and what is expanded. Return on investment is kept and expanded revenue ÷ cost, a ratio of
means, with the interval of a ratio by the delta method over pairs. At gross margin every segment's revenue counts by
its ``gross_margin``: what is left to pay people with.

An activity acts on revenue only through coefficients (:class:`simulator.scenario.schema.Effect`,
:class:`simulator.scenario.schema.Couplings`), all 0 unless the scenario sets them: then no run can tell what it is
worth, and the break-even says how large a coefficient would have to be.
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
from numpy.typing import NDArray

from simulator.errors import InputError, Problem, nearest
from simulator.horizon import FLOWS, pay_of
from simulator.montecarlo.precision import Z95, estimate
from simulator.scenario.schema import Scenario
from simulator.studies.run import Jobs, Progress, Simulated, simulate
from simulator.success.tables import LATE_DONE, ON_TIME

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from simulator.glossary import Language

Array = NDArray[np.float64]

COLUMNS = (
    "activity", "segment", "change", "hours", "cost", "kept", "kept_low", "kept_high", "expanded", "expanded_low",
    "expanded_high", "relieved_hours", "roi", "roi_low", "roi_high", "rank", "tied_with", "break_even",
    "break_even_low", "break_even_high",
)  # fmt: skip

STRONGEST = 5.0
"""Largest coefficient that a break-even looks at: odds of 150 to 1 are beyond anything one would believe."""

FIRST_LOOKS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
"""Coefficients tried first, as shares of the strongest."""
CLOSER_LOOKS = 3
"""Times the gap around the break-even is halved after that."""


@dataclass(frozen=True, eq=False)
class Value:
    """What activities are worth.

    Attributes:
        scenario: the base.
        table: one row per activity and segment (``all``: of every segment at once), or per change of coverage.
            ``hours`` and ``cost`` are those of the steps done because of it, ``kept`` and ``expanded`` paired
            differences of revenue with 95 % intervals, ``relieved_hours`` other work that vanishes without it because
            accounts leave, which is no saving. ``rank`` counts from 1 within a segment and is missing where the
            interval of the return overlaps another's, which ``tied_with`` names. ``break_even``: the shift of the
            log-odds of cancelling by the activity at which the revenue pays its cost, if asked for; NaN when not even
            the strongest does.
        searched: whether break-evens were asked for.
        at_margin: whether revenue counts at gross margin.
    """

    scenario: Scenario
    replications: int
    table: pd.DataFrame
    searched: bool = False
    at_margin: bool = False

    @property
    def assumed(self) -> bool:
        """Whether the scenario assumes any effect at all."""
        return self.scenario.coupled

    def plot(self, ax: Axes | None = None, lang: Language = "en") -> Axes:
        """Return on investment by activity with its interval or, where no effect is assumed, the break-even."""
        from simulator.reporting.plots_value import returns

        return returns(self, lang, ax)


def value(
    base: Scenario,
    activities: Sequence[str] | None = None,
    *,
    coverage: Mapping[str, Any] | None = None,
    by_segment: bool = True,
    break_even: bool = False,
    at_margin: bool = False,
    replications: int | None = None,
    jobs: Jobs = None,
    progress: Progress | None = None,
) -> Value:
    """Run a scenario with and without its activities.

    Args:
        activities: names; default all (none when ``coverage`` is given). Each is left out of all segments and, when it
            has several and ``by_segment``, out of each alone.
        coverage: other coverage levels by ``activity.segment``.
        break_even: also search the effect on churn at which each row pays.
        at_margin: count revenue at each segment's gross margin.

    Raises:
        InputError: no such activity or segment, or no success wing.
    """
    import pandas as pd

    cases = _cases(base, activities, coverage or {}, by_segment)
    count = replications or base.monte_carlo.replications

    def run(scenario: Scenario, label: str) -> Simulated:
        tell = None if progress is None else lambda _, *rest: progress(label, *rest)
        return simulate(scenario, replications=count, jobs=jobs, progress=tell)

    first = run(base, "with everything")
    rows: list[dict[str, Any]] = []
    for case in cases:
        other = base.with_(case.changes)
        second = run(other, f"without {case.activity} ({case.segment})")
        rich, lean = (first, second) if case.less else (second, first)
        row = case.row() | _row(rich, lean, case.activity, at_margin)
        if break_even:
            row |= _break_even(case, base, other, rich, lean, run, at_margin)
        rows.append(row)
    _rank(rows)
    table = pd.DataFrame([[row.get(name, math.nan) for name in COLUMNS] for row in rows], columns=list(COLUMNS))
    return Value(base, count, table, break_even, at_margin)


@dataclass(frozen=True)
class _Case:
    """An activity less or more: what is changed, and whether the change is less of it."""

    activity: str
    segment: str
    change: str
    changes: dict[str, Any]
    less: bool
    covers: frozenset[str]

    def row(self) -> dict[str, Any]:
        return {"activity": self.activity, "segment": self.segment, "change": self.change, "covers": self.covers}


def _cases(
    base: Scenario, activities: Sequence[str] | None, coverage: Mapping[str, Any], by_segment: bool
) -> list[_Case]:
    known = dict(base.success.activities) if base.success else {}
    problems: list[Problem] = []
    if not known:
        raise InputError([Problem(None, None, "success", "the scenario has no activities to value")])
    cases = []
    for name in activities if activities is not None else (() if coverage else known):
        if name not in known:
            problems.append(_unknown("--activity", name, "activity", name, known))
            continue
        covered = [segment for segment, share in known[name].segments.items() if share > 0]
        groups = [("all", covered)] + ([(one, [one]) for one in covered] if by_segment and len(covered) > 1 else [])
        for label, chosen in groups:
            changes = {f"success.activities.{name}.segments.{segment}": "0%" for segment in chosen}
            cases.append(_Case(name, label, "without", changes, True, frozenset(chosen)))
    for place, share in coverage.items():
        name, _, segment = place.partition(".")
        if name not in known:
            problems.append(_unknown("--coverage", place, "activity", name, known))
        elif segment not in base.accounts:
            problems.append(_unknown("--coverage", place, "segment", segment, base.accounts))
        else:
            changed = base.with_({f"success.activities.{name}.segments.{segment}": share})
            assert changed.success is not None
            before = known[name].segments.get(segment, 0.0)
            after = changed.success.activities[name].segments[segment]
            if after == before:
                allowed = "another share than the scenario's"
                problems.append(Problem("--coverage", None, place, "nothing changes", str(share), allowed))
            change = f"{before:.0%} → {after:.0%}"
            changes = {f"success.activities.{name}.segments.{segment}": share}
            cases.append(_Case(name, segment, change, changes, after < before, frozenset([segment])))
    if problems:
        raise InputError(problems)
    return cases


def _unknown(option: str, path: str, kind: str, name: str, known: Mapping[str, Any]) -> Problem:
    return Problem(option, None, path, f"there is no such {kind}", name, ", ".join(known), nearest(name, known))


# --- money -----------------------------------------------------------------------------------------------------------


def margins(scenario: Scenario, at_margin: bool) -> Array:
    """What a unit of revenue of each segment counts, float64 (S,)."""
    return np.array([one.gross_margin if at_margin else 1.0 for one in scenario.accounts.values()])


def kept_and_expanded(rich: Simulated, lean: Simulated, at_margin: bool = False) -> tuple[Array, Array]:
    """Revenue over the horizon that one run keeps and expands beyond another, (R,) each.

    Their sum is the difference of the summed closing revenue, as both runs meet the same new accounts.
    """
    share = margins(rich.horizon.scenario, at_margin)

    def cumulated(simulated: Simulated, *names: str) -> Array:
        flows = np.einsum("rmsk,s->rmk", simulated.data["flows"], share)
        total = np.sum([flows[..., FLOWS.index(name)] for name in names], axis=0)
        return np.asarray(total.cumsum(axis=1).sum(axis=1))

    gone = ("churned_mrr", "contraction_mrr")
    kept = cumulated(lean, *gone) - cumulated(rich, *gone)
    return kept, cumulated(rich, "expansion_mrr") - cumulated(lean, "expansion_mrr")


def _step_hours(simulated: Simulated) -> Array:
    """Mean hours of each step, float64 (N,)."""
    success = simulated.horizon.scenario.success
    assert success is not None
    return np.array([step.work.mean / 3600 for a in success.activities.values() for step in a.steps.values()])


def _hours(simulated: Simulated, activity: str) -> Array:
    """Hours of the steps of an activity that were done, by segment and team: (R, P)."""
    model = simulated.horizon.central.success
    assert model is not None
    mine = model.activities.step_activity == model.activities.activity_names.index(activity)
    steps = simulated.data["steps"].sum(axis=1)
    return np.asarray(
        np.einsum("rnp,n->rp", steps[..., ON_TIME] + steps[..., LATE_DONE], _step_hours(simulated) * mine)
    )


def _relieved_hours(rich: Simulated, lean: Simulated, activity: str) -> Array:
    """Hours of all other work that accounts ask for which one run keeps beyond another, (R,): account-months × the work
    of a month by the sum of the hours."""
    horizon = rich.horizon
    model = horizon.central.success
    assert model is not None
    others = np.array([name != activity for name in model.activities.activity_names])
    work = np.sum([hours[others].sum(axis=(0, 2)) for hours in horizon.work_hours], axis=0)
    lived = np.maximum(horizon.living.sum(axis=0), 1e-9)
    opening = FLOWS.index("opening")
    months = (rich.data["flows"] - lean.data["flows"])[..., opening].sum(axis=1)
    return np.asarray(months @ (work / lived))


def hourly_cost(scenario: Scenario) -> Array:
    """Cost of one hour of the team (:meth:`simulator.workforce.Pay.per_hour`) by column, float64 (P,)."""
    teams = list(scenario.success.teams.values()) if scenario.success else []
    hour = [pay_of(scenario, team).per_hour(team.hours_per_week) for team in teams]
    columns = itertools.product(scenario.accounts, range(len(teams)))
    return np.array([hour[t] for segment, t in columns if segment in teams[t].segments], dtype=np.float64)


def _row(rich: Simulated, lean: Simulated, activity: str, at_margin: bool) -> dict[str, Any]:
    repeats = rich.horizon.repeats
    kept, expanded = kept_and_expanded(rich, lean, at_margin)
    hours = _hours(rich, activity) - _hours(lean, activity)
    cost = hours @ hourly_cost(rich.horizon.scenario)
    relieved = _relieved_hours(rich, lean, activity)
    found: dict[str, Any] = {
        "hours": float(hours.sum(axis=1).mean()),
        "cost": float(cost.mean()),
        "relieved_hours": float(relieved.mean()),
    }
    for name, values in (("kept", kept), ("expanded", expanded)):
        spread = estimate(values, repeats)
        found |= {name: float(spread.mean), f"{name}_low": float(spread.low), f"{name}_high": float(spread.high)}
    roi, low, high = ratio_interval(kept + expanded, cost, repeats)
    return found | {"roi": roi, "roi_low": low, "roi_high": high}


def ratio_interval(top: Array, bottom: Array, repeats: int) -> tuple[float, float, float]:
    """Ratio of two means over pairs with its 95 % interval by the delta method (Cochran, Sampling Techniques, 1977,
    section 2.11): the standard error of ``top - ratio * bottom`` ÷ the mean of ``bottom``. NaN without a positive mean.
    """
    mean = float(bottom.mean())
    if mean <= 0:
        return math.nan, math.nan, math.nan
    ratio = float(top.mean()) / mean
    half = Z95 * float(estimate(top - ratio * bottom, repeats).standard_error) / mean
    return ratio, ratio - half, ratio + half


def _rank(rows: list[dict[str, Any]]) -> None:
    """Rank rows that concern the same accounts by return: all of one activity against all of another, or one segment.

    Whoever's interval overlaps another's gets no rank, and the others' names.
    """
    for row in rows:
        peers = [
            other
            for other in rows
            if other is not row
            and (other["segment"] == row["segment"] or other["covers"] == row["covers"])
            and not math.isnan(other["roi"])
        ]
        alone = math.isnan(row["roi"]) or not peers
        # an interval that is not known overlaps everything
        apart = [o["roi_low"] > row["roi_high"] or o["roi_high"] < row["roi_low"] for o in peers]
        ties = [] if alone else [other for other, clear in zip(peers, apart, strict=True) if not clear]
        row["tied_with"] = ", ".join(dict.fromkeys(other["activity"] for other in ties))
        better = sum(other["roi_low"] > row["roi_high"] for other in peers)
        row["rank"] = math.nan if ties or alone else float(better + 1)


# --- break-even ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BreakEven:
    """How large a coefficient must be for a decision to flip.

    Attributes:
        coefficient: where the mean net gain is 0; NaN when it has one sign over the whole range.
        low, high: where the gain may begin to be positive, and where it surely is (ends of its 95 % interval cross 0).
        tried: coefficients and net gains (mean, low, high), by size of the coefficient.
        dearer, cheaper: names of the plans between which it decides; the gain is that of the dearer one.
        path, currency, months, replications: what was varied, and over what the gain is summed and how often.
        at_margin: whether revenue counts at gross margin.
    """

    coefficient: float
    low: float
    high: float
    tried: tuple[tuple[float, float, float, float], ...]
    dearer: str = ""
    cheaper: str = ""
    path: str = ""
    currency: str = ""
    months: int = 0
    replications: int = 0
    at_margin: bool = False

    @property
    def odds(self) -> float:
        """The factor on the odds that the coefficient is."""
        return math.exp(self.coefficient)

    def plot(self, ax: Axes | None = None, lang: Language = "en") -> Axes:
        """Net gain of the dearer plan over the coefficient, with its 95 % band and where it crosses 0."""
        from simulator.reporting.plots_value import net_gain

        return net_gain(self, lang, ax)


def search_break_even(net: Any, sign: float, repeats: int) -> BreakEven:
    """The coefficient at which a net gain crosses 0, between 0 and the strongest of one sign.

    Args:
        net: function of a coefficient to net gains over replications (R,), on common draws.
        sign: 1 or -1, the side on which to look.
    """
    tried: dict[float, tuple[float, float, float]] = {}

    def look(size: float) -> None:
        spread = estimate(net(sign * size), repeats)
        tried[size] = float(spread.mean), float(spread.low), float(spread.high)

    for share in (0.0, *FIRST_LOOKS):
        look(share * STRONGEST)
    for _ in range(CLOSER_LOOKS):
        gap = _crossing_gap(tried, 0)
        if gap is None:
            break
        look((gap[0] + gap[1]) / 2)
    points = [_crossing(tried, i) for i in (0, 1, 2)]
    middle, sure, maybe = (sign * point if not math.isnan(point) else math.nan for point in points)
    rows = tuple((sign * size, *tried[size]) for size in sorted(tried))
    return BreakEven(middle, maybe, sure, rows)


def _crossing_gap(tried: Mapping[float, tuple[float, float, float]], which: int) -> tuple[float, float] | None:
    sizes = sorted(tried)
    for before, after in itertools.pairwise(sizes):
        if tried[before][which] < 0 <= tried[after][which] or tried[before][which] > 0 >= tried[after][which]:
            return before, after
    return None


def _crossing(tried: Mapping[float, tuple[float, float, float]], which: int) -> float:
    """Where a curve crosses 0, straight between the values tried."""
    gap = _crossing_gap(tried, which)
    if gap is None:
        return math.nan
    (left, a), (right, b) = ((size, tried[size][which]) for size in gap)
    return left + (right - left) * (-a / (b - a) if b != a else 0.0)


def _break_even(
    case: _Case, base: Scenario, other: Scenario, rich: Simulated, lean: Simulated, run: Any, at_margin: bool
) -> dict[str, float]:
    """The effect on churn at which the activity pays. Where it is left out altogether its effect changes nothing."""
    path = f"success.activities.{case.activity}.effect.churn"
    cost_of = hourly_cost(base)
    gone = case.less and case.segment == "all"

    def net(coefficient: float) -> Array:
        label = f"{case.activity}: effect {coefficient:+.2f}"
        richer = run((base if case.less else other).with_({path: coefficient}), label)
        leaner = lean if gone else run((other if case.less else base).with_({path: coefficient}), label)
        kept, expanded = kept_and_expanded(richer, leaner, at_margin)
        hours = _hours(richer, case.activity) - _hours(leaner, case.activity)
        return np.asarray(kept + expanded - hours @ cost_of)

    found = search_break_even(net, -1.0, rich.horizon.repeats)
    return {"break_even": found.coefficient, "break_even_low": found.low, "break_even_high": found.high}


def break_even(
    base: Scenario,
    other: Scenario,
    path: str,
    *,
    names: tuple[str, str] | None = None,
    at_margin: bool = False,
    replications: int | None = None,
    jobs: Jobs = None,
    progress: Progress | None = None,
) -> BreakEven:
    """How large a coefficient must be for a plan to pay against another: revenue less cost of people, paired.

    The dearer plan is asked whether it pays; both sides of 0 are searched, first the one on which its gain grows.

    Args:
        path: a coefficient of :class:`simulator.scenario.schema.Couplings` or of an activity's effect; it is set in
            both.
        names: what to call the two; default the scenarios' own names.
        at_margin: count revenue at each segment's gross margin.

    Raises:
        InputError: no such coefficient, or plans over other months.
    """
    if not (path.startswith("couplings.") or ".effect." in path):
        known = ", ".join(f"couplings.{name}" for name, _ in base.couplings)
        allowed = f"{known}, or success.activities.NAME.effect.churn"
        raise InputError([Problem("--coefficient", None, path, "this is no coupling", path, allowed)])
    if base.calendar != other.calendar:
        raise InputError([Problem(None, None, "calendar", f"{other.name} covers other months than the base")])
    common = {"monte_carlo.seed": base.monte_carlo.seed, "monte_carlo.chance_repeats": base.monte_carlo.chance_repeats}
    count = replications or base.monte_carlo.replications
    one, two = base.with_({path: 0}), other.with_({path: 0, **common})

    def money(scenario: Scenario, coefficient: float) -> tuple[Array, Array]:
        tell = None if progress is None else lambda _, *rest: progress(f"coefficient {coefficient:+.2f}", *rest)
        found = simulate(scenario.with_({path: coefficient}), replications=count, jobs=jobs, progress=tell)
        revenue = found.data["flows"][..., FLOWS.index("closing_mrr")].sum(axis=1) @ margins(scenario, at_margin)
        return revenue, found.data["cost"].sum(axis=(1, 2, 3))

    at_zero = money(one, 0.0)[1].mean(), money(two, 0.0)[1].mean()
    rich, lean = (one, two) if at_zero[0] >= at_zero[1] else (two, one)

    def net(coefficient: float) -> Array:
        (more, dear), (less, cheap) = money(rich, coefficient), money(lean, coefficient)
        return np.asarray((more - less) - (dear - cheap))

    sign = 1.0 if net(STRONGEST / 4).mean() >= net(-STRONGEST / 4).mean() else -1.0
    found = search_break_even(net, sign, base.monte_carlo.chance_repeats)
    alike = ("the first plan", "the second plan")
    first, second = names or ((base.name, other.name) if base.name != other.name else alike)
    dearer, cheaper = (first, second) if rich is one else (second, first)
    months = base.calendar.grid().months
    return dataclasses.replace(
        found,
        dearer=dearer,
        cheaper=cheaper,
        path=path,
        currency=base.currency,
        months=months,
        replications=count,
        at_margin=at_margin,
    )


# --- files -----------------------------------------------------------------------------------------------------------


def save(found: Value, folder: Path, lang: Language = "en") -> list[Path]:
    """Write the table (CSV and Parquet), the figure (SVG) and what they come from; the paths written."""
    import io

    from simulator import provenance
    from simulator.reporting.plots import render
    from simulator.reporting.plots_value import figure
    from simulator.results import to_json, write_atomically
    from simulator.scenario.loading import dump

    buffer = io.BytesIO()
    found.table.to_parquet(buffer, index=False)
    files = {
        "value.parquet": buffer.getvalue(),
        "value.csv": found.table.to_csv(index=False, lineterminator="\n").encode(),
        "figures/value.svg": render(figure(found, lang), "svg", lang, salt="value"),
        "summary.json": to_json(summary(found)),
        "scenario.resolved.yaml": dump(found.scenario.document()).encode(),
        "provenance.json": to_json(provenance.record(found.scenario, found.replications)),
    }
    for name, content in files.items():
        write_atomically(folder / name, content)
    return [folder / name for name in files]


def summary(found: Value) -> dict[str, Any]:
    """The answer as plain data."""
    return {
        "name": found.scenario.name,
        "currency": found.scenario.currency,
        "replications": found.replications,
        "seed": found.scenario.monte_carlo.seed,
        "assumes_an_effect": found.assumed,
        "at_gross_margin": found.at_margin,
        "activities": found.table.to_dict("records"),
        "placeholders": dict(found.scenario.placeholders),
    }


def save_break_even(found: BreakEven, folder: Path, lang: Language = "en") -> list[Path]:
    """Write what was tried (CSV), the answer (JSON) and the figure (SVG); the paths written."""
    import pandas as pd

    from simulator.reporting.plots import render
    from simulator.reporting.plots_value import break_even_figure
    from simulator.results import to_json, write_atomically

    tried = pd.DataFrame(found.tried, columns=["coefficient", "net_gain", "low", "high"])
    files = {
        "break_even.csv": tried.to_csv(index=False, lineterminator="\n").encode(),
        "summary.json": to_json(dataclasses.asdict(found)),
        "figures/break_even.svg": render(break_even_figure(found, lang), "svg", lang, salt="break-even"),
    }
    for name, content in files.items():
        write_atomically(folder / name, content)
    return [folder / name for name in files]
