"""Small scenarios that several tests share."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from simulator.montecarlo.replicate import Replicator, replicate
from simulator.scenario.document import Document
from simulator.scenario.loading import freeze
from simulator.scenario.schema import Scenario

OFFICE = {"mon-fri": "09:00-18:00"}

BOTH_WINGS: dict[str, Any] = {
    "name": "both wings",
    "currency": "JPY",
    "calendar": {"start": "2027-04", "months": 3, "timezone": "Asia/Tokyo", "holidays": "JP"},
    "monte_carlo": {"replications": 8, "seed": 11, "chance_repeats": 2},
    "accounts": {
        "enterprise": {
            "opening": 20,
            "new_per_month": 1,
            "mrr": {"lognormal": {"mean": 900_000, "cv": 0.6}},
            "churn_per_month": "0.5%",
            "term": "12 months",
            "contacts_per_month": {"phone": 12, "email": 4},
            "meetings": {"availability": "60%", "cancellation": "10%"},
        },
        "smb": {
            "opening": 100,
            "new_per_month": 4,
            "mrr": 50_000,
            "churn_per_month": "2%",
            "contacts_per_month": {"phone": 5, "email": 2},
        },
    },
    "support": {
        "queues": {
            "phone": {
                "hours": OFFICE,
                "arrivals": {"from": "accounts", "day_cv": 0.12},
                "patience": {"weibull": {"mean": "3 min", "shape": 1.2}},
                "talk": {"lognormal": {"mean": "5 min", "cv": 0.8}},
                "after_call": "90 s",
                "escalation": {"to": "tier2", "probability": "15%"},
                "targets": {"service_level": "80% in 20 s", "abandonment": "5%", "confidence": "80%"},
            },
            "email": {
                "channel": "email",
                "hours": OFFICE,
                "arrivals": {"from": "accounts"},
                "talk": {"lognormal": {"mean": "8 min", "cv": 0.8}},
                "targets": {"service_level": "90% in 4 h"},
            },
            "tier2": {
                "hours": OFFICE,
                "patience": {"exponential": "10 min"},
                "talk": {"lognormal": {"mean": "10 min", "cv": 0.8}},
                "targets": {"service_level": "80% in 60 s"},
            },
        },
        "groups": {
            "tier1": {"headcount": 4, "serves": ["phone", "email"], "shrinkage": "20%", "salary_per_year": 4_000_000},
            "tier2": {"headcount": 2, "serves": ["tier2"], "shrinkage": "20%", "salary_per_year": 6_000_000},
        },
    },
    "success": {
        "activities": {
            "qbr": {
                "segments": {"enterprise": "100%", "smb": "20%"},
                "every": "quarter",
                "window": "last 4 weeks",
                "steps": {
                    "prepare": {"desk": "1 h"},
                    "meet": {"meeting": "1 h"},
                    "follow_up": {"desk": "1 h", "within": "5 working days"},
                },
            },
            "escalated": {
                "segments": {"enterprise": "100%", "smb": "100%"},
                "trigger": "escalation",
                "within": "2 days",
                "steps": {"handle": {"interrupt": "30 min"}},
            },
        },
        "teams": {
            "csm": {
                "segments": ["enterprise", "smb"],
                "headcount": 2,
                "customer_time": "70%",
                "salary_per_year": 6_000_000,
                "ratio": {"accounts": 60},
            }
        },
        "targets": {"on_time": {"qbr": "90%"}, "confidence": "80%"},
    },
    "hiring": {"attrition_per_year": "15%", "ramp": ["50%", "75%", "100%"], "time_to_hire": "2 months", "loading": 1.3},
}


def both_wings(overrides: dict[str, Any] | None = None) -> Scenario:
    """Both wings over three months; ``overrides`` by dotted path."""
    scenario = freeze(Document(copy.deepcopy(BOTH_WINGS)))
    return scenario.with_(overrides) if overrides else scenario


def one_queue(**changes: Any) -> Scenario:
    """An M/M/n+M queue around the clock: 20 agents, 6 calls a minute, 3 min talk, 2 min patience."""
    queue = {
        "hours": "always",
        "arrivals": {"rate": "6 per min"},
        "patience": {"exponential": "2 min"},
        "talk": {"exponential": "3 min"},
        **changes.pop("queue", {}),
    }
    document = {
        "name": "one queue",
        "calendar": {"start": "2027-04-05", "days": 1, **changes.pop("calendar", {})},
        "monte_carlo": {"replications": 8, "seed": 5, "chance_repeats": 1},
        "support": {
            "queues": {"calls": queue},
            "groups": {"agents": {"agents": 20, "serves": ["calls"], **changes.pop("group", {})}},
        },
        **changes,
    }
    return freeze(Document(document))


def over(task: Callable[[int], dict[str, np.ndarray]], replications: int) -> dict[str, np.ndarray]:
    """A task of the replication's number alone, run in this process; its arrays stacked."""
    with Replicator(lambda _, replication: task(replication), replications, 1) as workers:
        return replicate(workers, None, replications)
