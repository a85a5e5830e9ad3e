"""A fabricated result of a twelve-month plan: plausible numbers, no simulation behind them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from simulator.results import TABLES, Result
from simulator.scenario.schema import Scenario

MONTHS = [f"2027-{m:02d}" for m in range(4, 13)] + [f"2028-{m:02d}" for m in range(1, 4)]
QUARTERS = ["2027-04 to 2027-06", "2027-07 to 2027-09", "2027-10 to 2027-12", "2028-01 to 2028-03"]
TEAMS = {"tier1": "support", "tier2": "support", "csm": "success"}

_NEED = {
    "tier1": [23, 23, 24, 24, 23, 24, 25, 26, 27, 25, 26, 28],
    "tier2": [5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5],
    "csm": [7, 7, 7, 8, 8, 8, 9, 9, 9, 9, 9, 9],
}
_PLANNED = {"tier1": [24] * 9 + [25] * 3, "tier2": [5] * 12, "csm": [7] * 12}
_ENOUGH = {
    "tier1": [0.97, 0.96, 0.9, 0.88, 0.95, 0.86, 0.72, 0.55, 0.4, 0.7, 0.62, 0.33],
    "tier2": [0.99] * 12,
    "csm": [0.98, 0.97, 0.97, 0.79, 0.78, 0.78, 0.5, 0.5, 0.49, 0.35, 0.34, 0.33],
}

DOCUMENT: dict[str, Any] = {
    "name": "Back-office SaaS, FY2027 base plan",
    "currency": "JPY",
    "calendar": {"start": "2027-04", "months": 12, "timezone": "Asia/Tokyo", "holidays": "JP"},
    "accounts": {"enterprise": {"opening": 60}, "midmarket": {"opening": 440}},
    "support": {
        "queues": {
            "phone": {
                "talk": "5 min",
                "patience": "3 min",
                "arrivals": {"per_month": 9000},
                "escalation": {"to": "tier2", "probability": "12%"},
            },
            "email": {"channel": "email", "talk": "8 min", "arrivals": {"per_month": 4000}},
            "tier2": {"talk": "12 min"},
        },
        "groups": {
            "tier1": {"headcount": 24, "serves": ["phone", "email"]},
            "tier2": {"headcount": 5, "serves": ["tier2"]},
        },
    },
    "success": {
        "activities": {
            "qbr": {
                "title": {"en": "Quarterly business review", "ja": "四半期ビジネスレビュー"},
                "segments": {"enterprise": "100%", "midmarket": "40%"},
                "every": "quarter",
                "steps": {"prepare": {"desk": "1 h"}, "meet": {"meeting": "1 h"}, "follow_up": {"desk": "1 h"}},
            },
            "check_in": {
                "segments": {"enterprise": "100%", "midmarket": "100%"},
                "every": "month",
                "steps": {"meet": {"meeting": "30 min"}},
            },
        },
        "teams": {"csm": {"segments": ["enterprise", "midmarket"], "headcount": 7}},
    },
    "budget": {"per_year": 220_000_000},
    "placeholders": {"hiring.attrition_per_year": "replace with your own exits over the last two years"},
    "uncertain": {
        "accounts.enterprise.churn_per_month": {"triangular": ["0.3%", "0.5%", "1.0%"]},
        "hiring.time_to_hire": {"triangular": ["1 month", "2 months", "4 months"]},
    },
}


def _spread(mean: float, width: float, *, whole: bool = False) -> dict[str, float]:
    row = {f"p{q}": mean + z * width for q, z in ((10, -1.2816), (50, 0.0), (80, 0.8416), (90, 1.2816))}
    return {k: float(round(v)) for k, v in row.items()} if whole else row


def _staffing() -> list[dict[str, Any]]:
    return [
        {
            "month": month,
            "wing": wing,
            "team": team,
            "planned": float(_PLANNED[team][i]),
            "effective": _PLANNED[team][i] - 0.3 - 0.05 * i,
            **_spread(_NEED[team][i] - 1.4, 0.9, whole=True),
            "mean": _NEED[team][i] - 1.35,
            "need": float(_NEED[team][i]),
            "p_enough": _ENOUGH[team][i],
            "p_enough_low": max(0.0, _ENOUGH[team][i] - 0.06),
            "p_enough_high": min(1.0, _ENOUGH[team][i] + 0.05),
        }
        for team, wing in TEAMS.items()
        for i, month in enumerate(MONTHS)
    ]


_KPIS: dict[tuple[str, str, str], tuple[tuple[str, str, float, float, float | None, float | None], ...]] = {
    ("support", "queue", "phone"): (
        ("offered", "count", 9123.0, 210.0, None, None),
        ("answer_rate", "share", 0.956, 0.012, None, None),
        ("abandonment", "share", 0.044, 0.012, 0.05, 0.71),
        ("service_level", "share", 0.829, 0.03, 0.8, 0.64),
        ("asa", "s", 14.6, 3.1, None, None),
        ("handle_time", "s", 391.2, 2.0, None, None),
    ),
    ("support", "queue", "email"): (
        ("offered", "count", 4087.0, 95.0, None, None),
        ("asa", "s", 5230.0, 900.0, None, None),
        ("backlog", "count", 43.0, 11.0, None, None),
    ),
    ("support", "queue", "tier2"): (
        ("offered", "count", 1047.0, 40.0, None, None),
        ("service_level", "share", 0.871, 0.02, None, None),
    ),
    ("support", "group", "tier1"): (("occupancy", "share", 0.812, 0.02, None, None),),
    ("support", "group", "tier2"): (("occupancy", "share", 0.633, 0.03, None, None),),
    ("success", "team", "csm"): (
        ("on_time_share", "share", 0.846, 0.03, 0.9, 0.28),
        ("utilisation", "share", 0.871, 0.02, None, None),
    ),
    ("success", "segment", "enterprise"): (
        ("churn_rate", "share", 0.0061, 0.002, None, None),
        ("nrr", "share", 1.002, 0.004, None, None),
    ),
}


def _kpis() -> list[dict[str, Any]]:
    rows = []
    for (wing, kind, subject), kpis in _KPIS.items():
        for name, unit, mean, width, target, p_met in kpis:
            for i, month in enumerate(["all", *MONTHS]):
                # the base worsens slowly over the year; the whole horizon is steadier than one month
                value = mean * (1.0 if month == "all" else 1.0 + (0.012 if unit != "share" else -0.004) * (i - 6))
                width_here = width * (0.5 if month == "all" else 1.0)
                error = width_here / math.sqrt(200)
                spread = _spread(value, width_here)
                rows.append(
                    {
                        "month": month,
                        "wing": wing,
                        "kind": kind,
                        "subject": subject,
                        "kpi": name,
                        "unit": unit,
                        "mean": value,
                        "low": value - 1.96 * error,
                        "high": value + 1.96 * error,
                        "p10": spread["p10"],
                        "p50": spread["p50"],
                        "p90": spread["p90"],
                        "standard_error": error,
                        "share_inputs": 0.62,
                        "target": math.nan if target is None else target,
                        "p_met": math.nan if p_met is None else p_met,
                    }
                )
    # a month in which a queue had no contact has no value, never a zero
    rows[-1] |= dict.fromkeys(("mean", "low", "high", "p10", "p50", "p90"), math.nan)
    return rows


def _requirement() -> list[dict[str, Any]]:
    rows = []
    for month in MONTHS:
        for team, peak in (("tier1", 21), ("tier2", 4)):
            for day in ("mon", "tue", "wed", "thu", "fri", "holiday"):
                for slot in range(18):
                    shape = math.exp(-(((slot - 5) / 7) ** 2)) * (
                        1.0 if day == "mon" else 0.85 if day != "holiday" else 0.4
                    )
                    rows.append(
                        {
                            "month": month,
                            "team": team,
                            "day": day,
                            "time": f"{9 + slot // 2:02d}:{30 * (slot % 2):02d}",
                            "agents": max(1, round(peak * shape)),
                        }
                    )
    return rows


def _shifts() -> list[dict[str, Any]]:
    return [
        {
            "month": month,
            "team": "tier1",
            "shift": shift,
            "start": start,
            "days": days,
            "people": people + (month == MONTHS[-1]),
            "paid_hours": 160.0 * people,
        }
        for month in MONTHS
        for shift, start, days, people in (("early", "08:00", "mon-fri", 9), ("late", "11:30", "tue-sat", 12))
    ]


def _headcount() -> list[dict[str, Any]]:
    rows = []
    for team, wing in TEAMS.items():
        heads = float(_PLANNED[team][0])
        for i, month in enumerate(MONTHS):
            hires = float(i > 0 and _PLANNED[team][i] > _PLANNED[team][i - 1])
            measures = {"opening": heads, "starts": 0.15 + hires, "hires": hires, "leavers": 0.2}
            heads = measures["closing"] = heads + measures["starts"] - measures["leavers"]
            measures["effective"] = heads - 0.3
            measures["open_requisitions"] = 0.4
            for measure, mean in measures.items():
                spread = _spread(mean, 0.08 * i if measure in ("opening", "closing", "effective") else 0.3)
                rows.append(
                    {"month": month, "wing": wing, "team": team, "measure": measure, "mean": mean}
                    | {q: max(0.0, spread[q]) for q in ("p10", "p50", "p90")}
                )
    return rows


def _cost() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    base = {"tier1": 8_400_000.0, "tier2": 2_500_000.0, "csm": 4_090_000.0}

    def add(month: str, wing: str, team: str, item: str, mean: float, width: float) -> None:
        rows.append(
            {"month": month, "wing": wing, "team": team, "item": item, "mean": mean, **_spread(mean, width * mean)}
        )

    for month, times in [*((m, 1) for m in MONTHS), ("all", 12)]:
        width = 0.02 if month == "all" else 0.03
        total = 0.0
        for team, wing in TEAMS.items():
            parts = {"base": base[team] * times, "loading": 0.15 * base[team] * times, "hiring": 140_000.0 * times}
            for item, mean in parts.items():
                add(month, wing, team, item, mean, width)
            add(month, wing, team, "total", sum(parts.values()), width)
            add(month, wing, team, "need", 1.06 * sum(parts.values()), 0.0)
            total += sum(parts.values())
        add(month, "all", "all", "total", total, 0.6 * width)
    return rows


def _accounts() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    count, mrr = {"enterprise": 60.0, "midmarket": 440.0}, {"enterprise": 54e6, "midmarket": 79.2e6}

    def add(month: str, segment: str, measures: Mapping[str, float], width: float) -> None:
        for measure, mean in measures.items():
            spread = _spread(mean, width * mean)
            points = {q: spread[q] for q in ("p10", "p50", "p90")}
            rows.append({"month": month, "segment": segment, "measure": measure, "mean": mean} | points)

    for i, month in enumerate(MONTHS):
        whole: dict[str, float] = {}
        for segment, new, lost in (("enterprise", 1.5, 0.35), ("midmarket", 9.0, 5.1)):
            measures = {"opening": count[segment], "new": new, "lost": lost, "opening_mrr": mrr[segment]}
            count[segment] = measures["closing"] = count[segment] + new - lost
            mrr[segment] = measures["closing_mrr"] = 1.009 * mrr[segment]
            add(month, segment, measures, 0.004 * (i + 1))
            whole = {name: whole.get(name, 0.0) + mean for name, mean in measures.items()}
        add(month, "all", whole, 0.003 * (i + 1))
    return rows


def _activities() -> list[dict[str, Any]]:
    rows = []
    for q, quarter in enumerate(QUARTERS):
        for activity, segment, step, due, share in (
            ("qbr", "enterprise", "meet", 62.0, 0.93),
            ("qbr", "midmarket", "meet", 178.0, 0.88),
            ("check_in", "enterprise", "meet", 185.0, 0.99),
            ("check_in", "midmarket", "meet", 1340.0, 0.96),
        ):
            for measure, mean in (("due", due), ("on_time_share", share - 0.06 * q), ("delay_days", 2.0 + q)):
                spread = _spread(mean, 0.02 * mean)
                rows.append(
                    {
                        "quarter": quarter,
                        "team": "csm",
                        "segment": segment,
                        "activity": activity,
                        "step": step,
                        "measure": measure,
                        "mean": mean,
                    }
                    | {k: spread[k] for k in ("p10", "p50", "p90")}
                )
    return rows


def _sizing() -> list[dict[str, Any]]:
    return [
        {"quarter": quarter, "team": "csm", "from_work": work, "from_ratio": ratio, "need": need}
        for quarter, work, ratio, need in zip(
            QUARTERS, (6.1, 6.4, 6.8, 7.1), (5.0, 5.1, 5.3, 5.4), (7.0, 8.0, 9.0, 9.0), strict=True
        )
    ]


def summary() -> dict[str, Any]:
    """The summary of the sample, fresh at each call."""
    teams = [
        {
            "team": team,
            "wing": wing,
            "now": _PLANNED[team][0],
            "need": dict(zip(MONTHS, _NEED[team], strict=True)),
            "need_peak": {"month": MONTHS[int(np.argmax(_NEED[team]))], "heads": max(_NEED[team])},
            "need_first": _NEED[team][0],
            "confidence": 0.8,
            "p_enough_all": p,
            "p_enough_all_low": p - 0.06,
            "p_enough_all_high": p + 0.007,
            "first_short_month": short,
            "first_short_p": None if short is None else 0.72,
            "lower_bound": wing == "support",
            "unmet": [],
        }
        for (team, wing), p, short in zip(TEAMS.items(), (0.22, 0.985, 0.31), ("2027-10", None, "2027-07"), strict=True)
    ]
    return {
        "name": DOCUMENT["name"],
        "currency": "JPY",
        "first_month": MONTHS[0],
        "last_month": MONTHS[-1],
        "replications": 200,
        "seed": 1,
        "teams": teams,
        "hiring": [
            {"team": "csm", "open": 2, "by": "2027-07", "ramped_by": "2027-10", "confidence": 0.8},
            {"team": "tier1", "open": 4, "by": "2027-06", "ramped_by": "2027-10", "confidence": 0.8},
        ],
        "targets": [
            {
                "wing": "support",
                "subject": "phone",
                "text": "service level 80% in 20 s, per month",
                "confidence": 0.9,
                "p_met": 0.64,
                "worst_month": "2028-03",
                "worst_p": 0.4,
                "mean": 0.829,
            },
            {
                "wing": "support",
                "subject": "phone",
                "text": "abandonment at most 5%, per month",
                "confidence": 0.9,
                "p_met": 0.93,
                "worst_month": "2028-03",
                "worst_p": 0.91,
                "mean": 0.044,
            },
            {
                "wing": "success",
                "team": "csm",
                "subject": "qbr",
                "text": "qbr on time 90%, per quarter",
                "confidence": 0.8,
                "p_met": 0.28,
                "worst_month": "2028-01",
                "worst_p": 0.28,
                "mean": 0.846,
            },
        ],
        "cost": {
            "plan": {"mean": 211_902_000.0, "p50": 211_800_000.0, "p80": 214_000_000.0, "p90": 215_200_000.0},
            "need": {"mean": 224_120_000.0},
            "budget": 220_000_000.0,
            "p_within_budget": 0.997,
        },
        "accounts": {
            "opening": 500,
            "closing": 560.6,
            "mrr_opening": 133_200_000.0,
            "mrr_closing": 148_300_000.0,
            "churn_per_month": 0.011,
            "nrr": 1.02,
            "grr": 0.9,
        },
        "slips": [
            {"activity": "qbr", "segment": "enterprise", "mean": 0.71, "target": 0.9},
            {"subject": "phone service level", "mean": 0.74, "target": 0.8},
        ],
        "sizing": _sizing(),
        "placeholders": dict(DOCUMENT["placeholders"]),
        "titles": {"qbr": {"en": "Quarterly business review", "ja": "四半期ビジネスレビュー"}},
        "changes": ["variant budget_squeeze: support.groups.tier1.headcount: 26 -> 24"],
        "warnings": ["tier2: need found at the edge of the range that was searched"],
        "uncertain": list(DOCUMENT["uncertain"]),
    }


def sample(**changes: Any) -> Result:
    """The sample result. ``changes`` replace keys of the summary; a key set to ``...`` is left out."""
    builders = {
        "staffing": _staffing,
        "kpis": _kpis,
        "requirement": _requirement,
        "shifts": _shifts,
        "headcount": _headcount,
        "cost": _cost,
        "accounts": _accounts,
        "activities": _activities,
        "sizing": _sizing,
    }
    tables = {name: pd.DataFrame(builders[name](), columns=list(columns)) for name, columns in TABLES.items()}
    told: Mapping[str, Any] = {k: v for k, v in (summary() | changes).items() if v is not ...}
    provenance = {"version": "0.1.0", "python": "3.11.2", "numpy": "2.4.0", "seed": 1, "scenario_hash": "8f3ab1c09d2e"}
    return Result(Scenario.model_validate(DOCUMENT), tables, told, provenance)


def light(result: Result, *names: str, team: str | None = None) -> Result:
    """The result with only the named tables filled, and only one team in them: few charts, so quickly drawn."""
    tables = {name: table if name in names else table.iloc[:0] for name, table in result.tables.items()}
    if team is not None:
        tables = {name: table[table["team"] == team] if "team" in table else table for name, table in tables.items()}
    return Result(result.scenario, tables, result.summary, result.provenance)
