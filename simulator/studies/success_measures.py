"""KPIs of the success wing per replication, as :func:`simulator.studies.run.measures` collects them.

Values have shape (R, M + 1): months, then the horizon.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulator.horizon import BOOK, FLOWS
from simulator.success import cohorts, kpis, surveys
from simulator.success.tables import DUE, DUE_AFTER, ELAPSED, LATE_DONE, MEETING, MISSED, ON_TIME, SHORTEN

if TYPE_CHECKING:
    from simulator.studies.run import Key, Simulated

Array = NDArray[np.float64]


def team_measures(simulated: Simulated) -> dict[Key, Array]:
    """What the work of each team comes to: on-time share, late steps, follow-up delay, revenue at risk.

    Follow-up delay is the mean working time from the moment a follow-up could begin (the end of the step before it) to
    its end, in the team's days; a horizon's revenue at risk is the mean of its months.
    """
    model = simulated.horizon.central.success
    assert model is not None
    with_total = np.concatenate([simulated.data["steps"], simulated.data["steps"].sum(axis=1, keepdims=True)], axis=1)
    follow_ups = model.activities.step_due == DUE_AFTER
    found: dict[Key, Array] = {}
    for team in model.teams:
        steps = with_total[:, :, :, team.columns].sum(axis=3)
        total = steps.sum(axis=2)
        after = steps[:, :, follow_ups].sum(axis=2)
        days = max(team.day_seconds, 1)
        values = {
            "on_time_share": ("share", kpis.ratio(total[..., ON_TIME], total[..., DUE])),
            "steps_late": ("count", total[..., LATE_DONE] + total[..., MISSED]),
            "follow_up_delay": (
                "days",
                kpis.ratio(after[..., ELAPSED] / days, after[..., ON_TIME] + after[..., LATE_DONE]),
            ),
            "revenue_at_risk": ("money", _mean(simulated.data["at_risk"][:, :, team.columns].sum(axis=2))),
        }
        if "book" in simulated.data:
            book = simulated.data["book"][:, :, team.columns].sum(axis=2)
            came = book[..., BOOK.index("came")]
            values["accounts_in_care"] = ("count", _mean(book[..., BOOK.index("accounts")]))
            values["accounts_taken_over"] = ("count", np.concatenate([came, came.sum(axis=1, keepdims=True)], axis=1))
        if (model.activities.late == SHORTEN).any():
            values["shortened_share"] = ("share", kpis.STEP_KPIS["shortened_share"](total))
        if team.tables.staying_away[team.segments].any():
            meetings = steps[:, :, model.activities.step_kind == MEETING].sum(axis=2)
            values["no_show_share"] = ("share", kpis.STEP_KPIS["no_show_share"](meetings))
        for kpi, (unit, value) in values.items():
            if not np.isnan(value).all():
                found["success", "team", team.name, kpi, unit] = value
    return found


def segment_measures(simulated: Simulated) -> dict[Key, Array]:
    """Retention, lifetime value and survey scores by segment and of all."""
    scenario = simulated.horizon.scenario
    names = [*scenario.accounts, "all"]
    found: dict[Key, Array] = {}
    data = simulated.data
    flows, cohort = (_with_all(data[name], 2) for name in ("flows", "cohort"))
    for s, name in enumerate(names):
        chosen = list(scenario.accounts.values()) if name == "all" else [scenario.accounts[name]]
        opening = np.array([max(one.opening, 1e-9) for one in chosen], dtype=float)
        # lifetime value of all: inputs weighted by the accounts that the horizon opens with
        margin = float(np.average([one.gross_margin for one in chosen], weights=opening))
        acquisition = float(np.average([one.acquisition_cost for one in chosen], weights=opening))
        rows = retention_kpis(flows[:, :, s], margin, acquisition) | cohort_kpis(cohort[:, :, s])
        for kpi, (unit, values) in rows.items():
            if not np.isnan(values).all():
                found["success", "segment", name, kpi, unit] = values
    if "usage" in data:
        used, joined = (_with_all(data[name], 2) for name in ("usage", "onboarding"))
        for s, name in enumerate(names):
            rows = usage_kpis(used[:, :, s]) | onboarding_kpis(joined[:, :, s], data["time_to_value"][:, s])
            for kpi, (unit, values) in rows.items():
                if not np.isnan(values).all():
                    found["success", "segment", name, kpi, unit] = values
    if "survey" in data and data["survey"].shape[2]:
        model = simulated.horizon.central.success
        assert model is not None
        answers = _with_all(data["survey"], 3)
        both = np.concatenate([answers, answers.sum(axis=1, keepdims=True)], axis=1)
        for k, (survey, kind) in enumerate(zip(model.surveys.names, model.surveys.kinds, strict=True)):
            for s, name in enumerate(names):
                for kpi, (unit, values) in survey_kpis(kind, both[:, :, k, s]).items():
                    if not np.isnan(values).all() and both[:, -1, k, s, 0].any():
                        subject = name if model.surveys.kinds.count(kind) == 1 else f"{name}, {survey}"
                        found["success", "segment", subject, kpi, unit] = values
    return found


def retention_kpis(flows: Array, gross_margin: float, acquisition_cost: float) -> dict[str, tuple[str, Array]]:
    """Churn, retention, expansion rates and lifetime value in every dialect, values (R, M + 1).

    Monthly forms divide by the month's own accounts. Over the horizon churn stays a mean monthly rate, the cohort form
    of retention is chained (the product of the months), and the forms by closing accounts take the horizon as one
    period, so that 100 opening, 20 new and 10 lost accounts read 110 % and 90 %. Lifetime value takes the mean revenue
    per paying month and account as price, 12 purchases a year and 1 ÷ churn as duration, at most 60 months.

    Args:
        flows: float64 (R, M, FLOWS) of one segment.
    """

    def total(name: str) -> Array:
        values = flows[..., FLOWS.index(name)]
        return np.concatenate([values, values.sum(axis=1, keepdims=True)], axis=1)

    def column(name: str) -> Array:
        return flows[..., FLOWS.index(name)]

    def period(name: str, last: bool) -> Array:
        """Openings or closings of the months, and of the horizon."""
        values = column(name)
        return np.concatenate([values, values[:, -1:] if last else values[:, :1]], axis=1)

    events = {
        "cancel": total("lost"),
        "downgrade_to_free": total("downgraded"),
        "seat_reduction": total("seats_reduced"),
    }
    wide = kpis.lost_accounts(events, tuple(events))
    opening, closing = total("opening"), total("closing")
    found: dict[str, tuple[str, Array]] = {
        "churn_rate_closing": ("share", kpis.churn_rate(opening, total("lost"), closing, "closing")),
        "churn_rate_average": ("share", kpis.churn_rate(opening, total("lost"), closing, "average")),
        "churn_rate_with_contraction": ("share", kpis.churn_rate(opening, wide)),
        "revenue_churn_rate": ("share", kpis.churn_rate(total("opening_mrr"), total("churned_mrr"))),
        "annual_churn": ("share", kpis.annual_churn(kpis.churn_rate(opening, total("lost")))),
        "retention_cohort": ("share", _with_product(kpis.retention_cohort(column("opening"), column("lost")))),
        "retention_net_of_new": (
            "share", kpis.retention_net_of_new(period("opening", False), total("new"), period("closing", True)),
        ),
        "retention_headcount_ratio": (
            "share", kpis.retention_headcount_ratio(period("opening", False), period("closing", True)),
        ),
        "negative_churn": (
            "share",
            _mean(kpis.negative_churn(*map(column, ("expansion_mrr", "contraction_mrr", "churned_mrr"))).astype(float)),
        ),
        "upsell_rate": ("share", kpis.event_rate(total("upsold"), total("eligible"))),
        "cross_sell_rate": ("share", kpis.event_rate(total("cross_sold"), total("eligible"))),
    }  # fmt: skip
    price = kpis.ratio(total("opening_mrr"), opening)[:, -1:]
    churn = kpis.churn_rate(opening, total("lost"))[:, -1:]
    years = np.divide(1.0, 12 * churn, out=np.full(churn.shape, np.inf), where=churn > 0)
    nothing = np.full(flows.shape[:2], np.nan)
    values = {
        "ltv_revenue": kpis.ltv_revenue(price, 12, years),
        "ltv_net_of_cac": kpis.ltv_net_of_cac(price, gross_margin, 12, years, acquisition_cost),
    }
    if total("opening_mrr").any():
        found |= {kpi: ("money", np.concatenate([nothing, value], axis=1)) for kpi, value in values.items()}
    return found


def cohort_kpis(cohort: Array) -> dict[str, tuple[str, Array]]:
    """Twelve-month cohorts by account records, values (R, M + 1); the horizon's is that of its last month.

    Args:
        cohort: float64 (R, M, :data:`simulator.success.cohorts.SUMS`) of one segment, NaN in the first eleven months.
    """
    part = {name: cohort[..., i] for i, name in enumerate(cohorts.SUMS)}
    values = {
        "cohort_retention": kpis.ratio(part["accounts_now"], part["accounts_then"]),
        "cohort_nrr": kpis.ratio(part["mrr_now"], part["mrr_then"]),
        "cohort_grr": kpis.ratio(part["mrr_kept"], part["mrr_then"]),
    }
    return {kpi: ("share", np.concatenate([value, value[:, -1:]], axis=1)) for kpi, value in values.items()}


def _sums(values: Array) -> Array:
    """Sums (R, M, ...) with those of the horizon behind the months."""
    return np.concatenate([values, values.sum(axis=1, keepdims=True)], axis=1)


def usage_kpis(sums: Array) -> dict[str, tuple[str, Array]]:
    """Mean usage and the share of accounts that use little, values (R, M + 1).

    Args:
        sums: float64 (R, M, :data:`simulator.horizon.USAGE`).
    """
    accounts, used, low = np.moveaxis(_sums(sums), -1, 0)
    return {
        "usage": ("share", kpis.ratio(used, accounts)),
        "low_usage_share": ("share", kpis.ratio(low, accounts)),
    }


def onboarding_kpis(sums: Array, time_to_value: Array) -> dict[str, tuple[str, Array]]:
    """Onboarding completion by the month of the deadline, and the time to value over the horizon, values (R, M + 1).

    Args:
        sums: float64 (R, M, :data:`simulator.success.onboarding.SUMS`).
        time_to_value: float64 (R, :data:`simulator.success.onboarding.QUANTILES`), days.
    """
    deadlines, reached = np.moveaxis(_sums(sums), -1, 0)
    whole = np.full((*deadlines.shape, time_to_value.shape[1]), np.nan)
    whole[:, -1] = time_to_value
    return {
        "onboarding_completion": ("share", kpis.ratio(reached, deadlines)),
        "time_to_value": ("days", whole[..., 0]),
        "time_to_value_p90": ("days", whole[..., 1]),
    }


def survey_kpis(kind: str, sums: Array) -> dict[str, tuple[str, Array]]:
    """Score of a survey, its number of answers and the half width of the 95 % interval that so many answers give.

    Args:
        kind: nps, csat or ces.
        sums: float64 (R, M + 1, :data:`simulator.success.surveys.SUMS`).
    """
    part = {name: sums[..., i] for i, name in enumerate(surveys.SUMS)}
    n = part["answers"]
    count = ("count", n)
    if kind == "nps":
        promoters, detractors = kpis.ratio(part["promoters"], n), kpis.ratio(part["detractors"], n)
        value = promoters - detractors
        half = kpis.Z95 * np.sqrt(kpis.ratio(np.maximum(promoters + detractors - value**2, 0.0), n))
        return {"nps": ("points", 100 * value), "nps_margin": ("points", 100 * half), "nps_answers": count}
    mean = kpis.ratio(part["score"], n)
    with np.errstate(invalid="ignore"):
        variance = np.maximum(kpis.ratio(part["score_squared"] - n * mean**2, n - 1), 0.0)
    half = kpis.Z95 * np.sqrt(kpis.ratio(variance, n))
    found = {kind: ("score", mean), f"{kind}_margin": ("score", half), f"{kind}_answers": count}
    return found | ({"csat_top_two": ("share", kpis.ratio(part["top_two"], n))} if kind == "csat" else {})


def _with_all(values: Array, axis: int) -> Array:
    """Values with the sum over segments as one more segment."""
    return np.concatenate([values, values.sum(axis=axis, keepdims=True)], axis=axis)


def _with_product(values: Array) -> Array:
    """Monthly ratios (R, M) with their product as one more month."""
    return np.concatenate([values, values.prod(axis=1, keepdims=True)], axis=1)


def segment_at_risk(simulated: Simulated) -> dict[Key, Array]:
    """Revenue at risk by segment and of all."""
    model, by_column = simulated.horizon.central.success, simulated.data["at_risk"]
    assert model is not None
    of_segment = model.columns[:, :1] == np.arange(len(simulated.horizon.scenario.accounts))
    values = by_column @ of_segment.astype(float)
    both = np.concatenate([values, values.sum(axis=2, keepdims=True)], axis=2)
    names = [*simulated.horizon.scenario.accounts, "all"]
    return {
        ("success", "segment", name, "revenue_at_risk", "money"): _mean(both[:, :, s]) for s, name in enumerate(names)
    }


def _mean(values: Array) -> Array:
    """Values (R, M) with their mean over the months as one more month."""
    return np.concatenate([values, values.mean(axis=1, keepdims=True)], axis=1)
