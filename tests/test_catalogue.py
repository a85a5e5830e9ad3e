"""The default activities: complete, valid, sourced."""

from __future__ import annotations

from typing import get_args

import pytest

from simulator.scenario.catalogue import ACTIVITIES, activity
from simulator.scenario.schema import Activity

NAMED_IN_THE_MODEL = {
    "qbr": "QBR",
    "kick_off": "kick-off and goal discovery",
    "product_briefing": "product briefing (one to many)",
    "tutorial": "tutorial guidance",
    "individual_training": "individual training",
    "usage_review": "usage review and proposal",
    "seminar": "seminar/webinar",
    "check_in": "check-in",
    "churn_signal": "churn-signal follow-up",
    "renewal_5_months": "renewal",
    "renewal_3_months": "renewal",
    "upsell": "upsell conversation",
    "cross_sell": "cross-sell conversation",
    "trial_and_discount": "trial and discount offers",
    "product_feedback": "product feedback",
    "case_study": "case-study interview",
    "speaking_request": "speaking request",
    "survey": "surveys",
    "trouble": "trouble and complaint handling",
    "internal_coordination": "internal coordination",
    "study": "study",
}


def read(name: str) -> Activity:
    return Activity.model_validate(activity(name) | {"segments": {"enterprise": "100%"}})


def hours(name: str) -> float:
    """Mean hours of one instance."""
    return sum(step.work.mean for step in read(name).steps.values()) / 3600


def test_every_activity_of_the_model_is_there():
    assert set(NAMED_IN_THE_MODEL) <= set(ACTIVITIES)


@pytest.mark.parametrize("name", ACTIVITIES)
def test_an_entry_is_valid_and_says_where_it_comes_from(name):
    entry = read(name)
    assert set(entry.title) == {"en", "ja"}
    assert all(entry.title.values())
    assert entry.source or entry.placeholder
    assert all(step.work.mean > 0 for step in entry.steps.values())
    if entry.trigger != "cadence":
        assert entry.within is not None


def test_every_trigger_has_an_entry():
    known = set(get_args(Activity.model_fields["trigger"].annotation))
    assert {read(name).trigger for name in ACTIVITIES} == known
    sells = {name for name in ACTIVITIES if read(name).sells}
    assert sells == {"upsell", "cross_sell", "trial_and_discount", "high_usage"}


def test_interrupts_are_what_breaks_off_other_work():
    kinds = {name: {step.kind for step in read(name).steps.values()} for name in ACTIVITIES}
    assert {name for name, kind in kinds.items() if "interrupt" in kind} == {"trouble", "escalated_contact"}


def test_hours_agree_with_their_sources():
    assert [step.work.mean for step in read("qbr").steps.values()] == [3600.0] * 3
    assert 8 <= 13 * hours("onboarding_call") <= 10  # hours in the first 90 days
    assert 1 <= hours("check_in") * 26 / 12 <= 2  # hours a month
    assert 10 <= hours("renewal_5_months") + hours("renewal_3_months") <= 15  # hours a cycle
    assert (read("renewal_5_months").before, read("renewal_3_months").before) == (5, 3)
    assert read("kick_off").within == 14


def test_a_copy_may_be_changed():
    mine = activity("qbr")
    mine["steps"]["prepare"]["desk"] = "9 h"
    assert ACTIVITIES["qbr"]["steps"]["prepare"]["desk"] == "1 h"
    with pytest.raises(KeyError):
        activity("no such thing")
