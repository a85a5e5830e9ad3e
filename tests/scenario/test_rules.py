"""Rules between the parts of a scenario: each is broken once, and told once."""

from collections.abc import Callable

import pytest

from simulator.errors import Problem
from tests.scenario.example import EXAMPLE, line_of

Faults = Callable[..., list[Problem]]

PHONE = "support.queues.phone"


def test_the_example_breaks_no_rule(faults: Faults) -> None:
    assert faults() == []


@pytest.mark.parametrize(
    ("old", "new", "path", "message", "found", "near"),
    [
        # support
        (
            "serves: [phone]",
            "serves: [phone, tier3]",
            "support.groups.front.serves.tier3",
            "the group serves an unknown queue",
            "tier3",
            "tier2",
        ),
        (
            "serves: [phone]",
            "serves: [phone, phone]",
            "support.groups.front.serves",
            "what a group serves is a list or a mapping of queues, each named once",
            "['phone', 'phone']",
            None,
        ),
        (
            "{headcount: 5, serves: {tier2: 1}}",
            "{headcount: 5, serves: {tier2: 1}}\n    idle: {headcount: 1, serves: []}",
            "support.groups.idle.serves",
            "the group serves no queue",
            None,
            None,
        ),
        (
            "{headcount: 5, serves: {tier2: 1}}",
            "{headcount: 5, agents: 3, serves: {tier2: 1}}",
            "support.groups.back.agents",
            "the group is sized twice",
            None,
            None,
        ),
        ("serves: {tier2: 1}", "serves: [phone]", "support.queues.tier2", "nobody serves the queue", "tier2", None),
        (
            "to: tier2",
            "to: tier_2",
            f"{PHONE}.escalation.to",
            "the queue escalates to an unknown queue",
            "tier_2",
            "tier2",
        ),
        # sizes
        ("opening: 60", "opening: 1e12", "accounts", "too many accounts", "1,000,000,000,106", None),
        ("[1, 2, 3]", "[1, 2, 1e15]", "accounts", "too many accounts", "1,000,000,000,000,163", None),
        (
            "contacts_per_month: {phone: 1}",
            "contacts_per_month: {phone: 1e9}",
            "accounts.small.contacts_per_month.phone",
            "too many contacts",
            "100,000,000,000 a month",
            None,
        ),
        (
            "talk: {triangular: [5 min, 10 min, 20 min]}",
            "talk: 5 min\n      arrivals: {rate: 1e6 per s}",
            "support.queues.tier2.arrivals.rate",
            "too many contacts",
            "2,678,400,000,000 a month",
            None,
        ),
        (
            "talk: {triangular: [5 min, 10 min, 20 min]}",
            "talk: 5 min\n      arrivals: {table: {'09:00': 1, '09:30': 1e5}}",
            "support.queues.tier2.arrivals.table",
            "too many contacts",
            "148,800,000 a month",
            None,
        ),
        (
            "qbr: default",
            "qbr: default\n    calls: {segments: {small: 1}, trigger: rate, per_month: 1e6, steps: {a: {desk: 1 h}}}",
            "success.activities.calls.per_month",
            "too many tasks",
            "166,000,000 a month",
            None,
        ),
        ("day_cv: 0.12", "day_cv: 1e9", f"{PHONE}.arrivals.day_cv", "is out of range", "1000000000.0", None),
        (
            "hours: *office",
            "hours: {mon-fri: '18:00-09:00'}",
            "support.queues.tier2.hours.mon-fri",
            "'18:00-09:00' ends before it starts (cut hours past midnight at 24:00)",
            "'18:00-09:00'",
            None,
        ),
        (
            "      escalation: {",
            "      channel: email\n      callback: {threshold: 1 min}\n      escalation: {",
            f"{PHONE}.callback",
            "only callers are called back",
            None,
            None,
        ),
        (
            "{from: accounts, intraday",
            "{from: accounts, hours: always, intraday",
            f"{PHONE}.arrivals.hours",
            "only contacts that can wait come while their queue is closed",
            None,
            None,
        ),
        (
            "      escalation: {",
            "      opening_backlog: 30\n      escalation: {",
            f"{PHONE}.opening_backlog",
            "only contacts that can wait have a backlog",
            "30",
            None,
        ),
        (
            "      escalation: {",
            "      calls_first: preempt\n      escalation: {",
            f"{PHONE}.calls_first",
            "only work that can wait is left for a call",
            "preempt",
            None,
        ),
        (
            "{headcount: 5, serves: {tier2: 1}}",
            "{headcount: 5, serves: {tier2: 1}, concurrency: 3}",
            "support.groups.back.concurrency",
            "the group serves no chat",
            "3",
            None,
        ),
        (
            "{to: tier2, probability: 12%}",
            "{to: tier2, probability: 12%, transfer: warm}\n      channel: chat",
            f"{PHONE}.escalation.transfer",
            "an agent holds with callers only",
            "warm",
            None,
        ),
        (
            "      escalation: {",
            "      business_time: true\n      escalation: {",
            f"{PHONE}.business_time",
            "waits in business time are those of contacts without patience",
            "true",
            None,
        ),
        (
            "      escalation: {",
            "      resolution: {probability: 80%, delay: 1 h, to: fone}\n      escalation: {",
            f"{PHONE}.resolution.to",
            "customers are to come back to an unknown queue",
            "fone",
            "phone",
        ),
        (
            "talk: {triangular: [5 min, 10 min, 20 min]}",
            "talk: 5 min\n      escalation: {to: phone, probability: 1%}",
            f"{PHONE}.escalation.to",
            "escalations go round in a loop",
            "phone -> tier2 -> phone",
            None,
        ),
        (
            "talk: {triangular: [5 min, 10 min, 20 min]}",
            "talk: 5 min\n      escalation: {to: tier2, probability: 1%}",
            "support.queues.tier2.escalation.to",
            "escalations go round in a loop",
            "tier2 -> tier2",
            None,
        ),
        (
            "day_cv: 0.12",
            "interval_memory: 60%",
            f"{PHONE}.arrivals.interval_memory",
            "there is no interval factor that this could shape",
            "'60%'",
            None,
        ),
        (
            "day_cv: 0.12",
            "day_shared: 60%",
            f"{PHONE}.arrivals.day_shared",
            "there is no day factor that this could shape",
            "'60%'",
            None,
        ),
        (
            "back: {headcount: 5, serves: {tier2: 1}}",
            "back: {agents: 4, serves: {tier2: 1}, roster: {mon-fri: {'09:00': 3, '18:00': 0}}}",
            "support.groups.back.roster",
            "the group is sized twice",
            None,
            None,
        ),
        (
            "abandonment: 5%}",
            "closing_backlog: 40}",
            f"{PHONE}.targets.closing_backlog",
            "only contacts that can wait have a backlog",
            "40",
            None,
        ),
        (
            "talk: {triangular: [5 min, 10 min, 20 min]}",
            "talk: 5 min\n      channel: email\n      targets: {closing_backlog_days: 1, window: interval}",
            "support.queues.tier2.targets.closing_backlog_days",
            "a backlog closes with a day or more",
            "window: interval",
            None,
        ),
        (
            "day_cv: 0.12",
            "events: {launch: {from: 2027-07-01, to: 2027-07-02, factor: 2}}",
            f"{PHONE}.arrivals.events.launch",
            "the event lies outside the horizon",
            "2027-07-01 to 2027-07-02",
            None,
        ),
        (
            "day_cv: 0.12",
            "events: {launch: {from: 2027-05-03, to: 2027-05-02, factor: 2}}",
            f"{PHONE}.arrivals.events.launch",
            "the event ends before it begins",
            None,
            None,
        ),
        (
            "day_cv: 0.12",
            "holiday: 0.5",
            f"{PHONE}.arrivals.holiday",
            "the queue is closed on public holidays",
            "0.5",
            None,
        ),
        (
            "day_cv: 0.12",
            "per_month: 3, rate: 2 per h",
            f"{PHONE}.arrivals",
            "give from: accounts, or one of per_month, rate, table, dated, or one of these beside it, "
            "not per_month, rate",
            None,
            None,
        ),
        (
            "hours: *office",
            "hours: always\n      at_closing: drop",
            "support.queues.tier2.at_closing",
            "the queue never closes",
            "drop",
            None,
        ),
        (
            "{to: tier2, probability: 12%}",
            "{to: tier2, probability: 12%, transfer: consultation, hold: 1 min, conference: 2 min}",
            f"{PHONE}.escalation.conference",
            "only a warm transfer has a hold",
            "'2 min'",
            None,
        ),
        (
            "{to: tier2, probability: 12%}",
            "{to: tier2, probability: 12%, hold: 2 min}",
            f"{PHONE}.escalation.hold",
            "only a warm transfer has a hold",
            "'2 min'",
            None,
        ),
        (
            "{to: tier2, probability: 12%}",
            "{to: tier2, probability: 12%}\n      lines: trunk",
            f"{PHONE}.lines",
            "the queue names an unknown pool of lines",
            "trunk",
            None,
        ),
        (
            "support:\n  queues:\n    phone:\n",
            "support:\n  lines: {trunk: 30}\n  queues:\n    phone:\n      lines: trnk\n",
            f"{PHONE}.lines",
            "the queue names an unknown pool of lines",
            "trnk",
            "trunk",
        ),
        (
            "support:\n",
            "support:\n  lines: {trunk: 30}\n",
            "support.lines.trunk",
            "no queue has these lines",
            "trunk",
            None,
        ),
        # contacts of accounts
        (
            "{phone: 4.0}",
            "{phone: 4.0, chat: 1}",
            "accounts.enterprise.contacts_per_month.chat",
            "the accounts contact an unknown queue",
            "chat",
            None,
        ),
        (
            "{phone: 4.0}",
            "{phone: 4.0, tier2: 1}",
            "accounts.enterprise.contacts_per_month.tier2",
            "the queue does not take its arrivals from the accounts, the contacts would be lost",
            "tier2",
            None,
        ),
        # success
        (
            "segments: [enterprise, small]",
            "segments: [enterprise, smal]",
            "success.teams.csm.segments.1",
            "the team has an unknown segment",
            "smal",
            "small",
        ),
        (
            "segments: [enterprise, small]",
            "segments: [enterprise, small, small]",
            "success.teams.csm.segments.2",
            "the segment has two owners: the segment is named twice",
            "small",
            None,
        ),
        (
            "headcount: 7, customer_time: 70%}",
            "headcount: 7}\n    two: {segments: [small]}",
            "success.teams.two.segments.0",
            "the segment has two owners: team csm has it too",
            "small",
            None,
        ),
        (
            "headcount: 7, customer_time: 70%}",
            "headcount: 7}\n    two: {segments: []}",
            "success.teams.two.segments",
            "the team has no segment",
            None,
            None,
        ),
        (
            "{enterprise: 40%}",
            "{enterprise: 40%, smalls: 1%}",
            "success.activities.review.segments.smalls",
            "the activity is for an unknown segment",
            "smalls",
            "small",
        ),
        ("{enterprise: 40%}", "{}", "success.activities.review.segments", "the activity is for no segment", None, None),
        (
            "segments: [enterprise, small]",
            "segments: [enterprise]",
            "accounts.small",
            "no team has the segment",
            "small",
            None,
        ),
        (
            "on_time: {qbr: 90%}",
            "on_time: {qbrs: 90%}",
            "success.targets.on_time.qbrs",
            "the target is for an unknown activity",
            "qbrs",
            "qbr",
        ),
        # calendars
        (
            "months: 3",
            "months: 2",
            "accounts.enterprise.new_per_month",
            "the list does not fit the horizon",
            "3 numbers",
            None,
        ),
        (
            "{2027-05: 2}",
            "{2027-07: 2}",
            "support.groups.front.hires.2027-07",
            "the month is outside the horizon",
            "2027-07",
            None,
        ),
        (
            "interval: 30 min",
            "interval: 30 min, warm_up: 91 days",
            "calendar.warm_up",
            "the warm-up is as long as the horizon",
            "'91 days'",
            None,
        ),
        (
            "hours: *office",
            "hours: {mon-fri: '09:15-18:00'}",
            "support.queues.tier2.hours",
            "the hours cut an interval in two",
            "09:15",
            None,
        ),
        (
            "hours: *office",
            "hours: {mon-fri: closed}",
            "support.queues.tier2.hours",
            "the queue is never open",
            None,
            None,
        ),
        (
            "hours: *office",
            "hours: {holiday: '09:00-18:00'}",
            "support.queues.tier2.hours",
            "the queue is not open in 2027-06",
            None,
            None,
        ),
        (
            "customer_time: 70%",
            "working_hours: {holiday: '09:00-18:00'}, hours_per_week: 9",
            "success.teams.csm.working_hours",
            "the team has no working day in 2027-06",
            None,
            None,
        ),
        (
            "customer_time: 70%",
            "hours_per_week: 46",
            "success.teams.csm.hours_per_week",
            "the hours per week do not fit into the working hours",
            "46 h",
            None,
        ),
        (
            "customer_time: 70%",
            "hours_per_week: 40, overtime: 130 h",
            "success.teams.csm.overtime",
            "hours and overtime are more than a week has",
            "130 h",
            None,
        ),
        (
            "customer_time: 70%",
            "customer_time: 50%, focus: 4 h",
            "success.teams.csm.focus",
            "no time is left for meetings",
            "4 h",
            None,
        ),
        (
            "customer_time: 70%",
            "pooled_segments: [smal]",
            "success.teams.csm.pooled_segments.0",
            "the team does not have the segment",
            "smal",
            "small",
        ),
        (
            "{catalogue: usage_review, segments: {enterprise: 40%}}",
            "{catalogue: usage_review, segments: {enterprise: 40%}, shortened_to: 30%}",
            "success.activities.review.shortened_to",
            "the work is not cut short",
            "'30%'",
            None,
        ),
        (
            "{catalogue: usage_review, segments: {enterprise: 40%}}",
            "{catalogue: usage_review, segments: {enterprise: 40%}, window: last 20 weeks}",
            "success.activities.review.window",
            "the window is longer than its period",
            "'last 20 weeks'",
            None,
        ),
        (
            "{catalogue: usage_review, segments: {enterprise: 40%}}",
            "{catalogue: usage_review, segments: {enterprise: 40%}, every: year, spread: calendar, "
            "window: last 4 weeks}",
            "success.activities.review.window",
            "the window lies outside the horizon",
            "'last 4 weeks'",
            None,
        ),
        (
            "    opening: 60\n",
            "    opening: 60\n    onboarding: 20 months\n    opening_age: 6 months\n",
            "success.activities.review.phases",
            "no account can be in such a phase within the horizon",
            "adoption, expansion, loyalty",
            None,
        ),
        (
            "{catalogue: usage_review, segments: {enterprise: 40%}}",
            "{catalogue: renewal_3_months, segments: {enterprise: 40%}}",
            "success.activities.review.trigger",
            "no account that is covered has a term to renew",
            "renewal",
            None,
        ),
        (
            "{catalogue: usage_review, segments: {enterprise: 40%}}",
            "{segments: {enterprise: 40%}, every: quarter, "
            "steps: {call: {meeting: 1 h}, note: {desk: 1 h, before: 1 working day}}}",
            "success.activities.review",
            "before is for a step that a meeting follows, not for note",
            None,
            None,
        ),
        (
            "{catalogue: usage_review, segments: {enterprise: 40%}}",
            "{segments: {enterprise: 40%}, every: quarter, "
            "steps: {prepare: {desk: 1 h, within: 1 working day}, call: {meeting: 1 h}}}",
            "success.activities.review",
            "within is for a step that follows the meeting: the meeting is due by the activity's own date and what "
            "prepares it before the meeting, not prepare",
            None,
            None,
        ),
        (
            "{catalogue: usage_review, segments: {enterprise: 40%}}",
            "{catalogue: low_usage, segments: {enterprise: 40%}}",
            "success.activities.review.trigger",
            "no account that is covered has usage",
            "health",
            None,
        ),
        (
            "{catalogue: usage_review, segments: {enterprise: 40%}}",
            "{catalogue: detractor, segments: {enterprise: 40%}}",
            "success.activities.review.survey",
            "the activity follows on an unknown survey",
            "nps",
            None,
        ),
        (
            "    opening: 100\n",
            "    opening: 100\n    milestone: {activities: [qbr, reviev]}\n",
            "accounts.small.milestone.activities.1",
            "the milestone takes an unknown activity",
            "reviev",
            "review",
        ),
        (
            "    opening: 100\n",
            "    opening: 100\n    milestone: {activities: [review]}\n",
            "accounts.small.milestone.activities.0",
            "the activity does not cover the segment",
            "review",
            None,
        ),
        (
            "    opening: 100\n",
            "    opening: 100\n    usage: {low: 95%}\n",
            "accounts.small.usage",
            "low must lie below high",
            None,
            None,
        ),
        (
            "{catalogue: usage_review, segments: {enterprise: 40%}}",
            "{catalogue: usage_review, segments: {enterprise: 40%}, under_way: {reviev: 20%}}",
            "success.activities.review",
            "under_way names steps: review, propose, not reviev",
            None,
            None,
        ),
        # names and placeholders
        (
            "    back: ",
            "    back.office: ",
            "support.groups.back.office",
            "the name cannot stand in a dotted path",
            "'back.office'",
            None,
        ),
        (
            "    back: ",
            "    back office: ",
            "support.groups.back office",
            "the name cannot stand in a dotted path",
            "'back office'",
            None,
        ),
        (
            "  squeeze:",
            "  0squeeze:",
            "variants.0squeeze",
            "the name cannot stand in a dotted path",
            "'0squeeze'",
            None,
        ),
        (
            "support.queues.phone.talk:",
            "support.queues.fone.talk:",
            "placeholders.support.queues.fone.talk",
            "the placeholder names no value: support.queues has no 'fone'",
            "support.queues.fone.talk",
            "phone",
        ),
    ],
)
def test_a_broken_rule_is_told(
    faults: Faults, old: str, new: str, path: str, message: str, found: str | None, near: str | None
) -> None:
    problems = faults(old, new)
    assert [(p.path, p.message, p.found, p.nearest) for p in problems] == [(path, message, found, near)]
    assert problems[0].line is not None


def test_a_queue_that_nothing_reaches(faults: Faults) -> None:
    problems = faults("  groups:\n", "    lonely: {talk: 5 min}\n  groups:\n")
    assert [(p.path, p.message) for p in problems] == [
        (
            "support.queues.lonely",
            "no contact ever reaches the queue: it has no arrivals, and no escalation or repeat feeds it",
        ),
        ("support.queues.lonely", "nobody serves the queue"),
    ]


def test_accounts_that_contact_nobody(faults: Faults) -> None:
    text = EXAMPLE.replace("    contacts_per_month: {phone: 4.0}\n", "").replace(
        "    contacts_per_month: {phone: 1}\n", ""
    )
    (problem,) = faults(EXAMPLE, text)
    assert (problem.path, problem.message) == (
        "support.queues.phone.arrivals.from", "no segment of accounts contacts the queue",
    )  # fmt: skip


def test_all_is_no_name(faults: Faults) -> None:
    problems = faults("  small:\n", "  all:\n")
    assert ("accounts.all", "the name stands for every one of them") in [(p.path, p.message) for p in problems]


def test_success_without_accounts(faults: Faults) -> None:
    start, end = EXAMPLE.index("accounts:\n"), EXAMPLE.index("support:\n")
    problems = faults(EXAMPLE[start:end], "")
    assert [(p.path, p.message) for p in problems] == [
        ("support.queues.phone.arrivals.from", "there are no accounts"),
        ("success", "success needs accounts, there are none"),
    ]


def test_a_month_without_working_days(faults: Faults) -> None:
    days = [f"2027-05-{day:02d}" for day in range(1, 32)]
    problems = faults("holidays: JP", f"holidays: JP, closed: [{', '.join(days)}]")
    assert sorted((p.path, p.message) for p in problems) == [
        ("success.teams.csm", "the team has no working day in 2027-05"),
        ("support.queues.phone.hours", "the queue is not open in 2027-05"),
        ("support.queues.tier2.hours", "the queue is not open in 2027-05"),
    ]


def test_loops_are_told_once_each(faults: Faults) -> None:
    tail = "      escalation: {to: third, probability: 1%}\n"
    tail += "    third: {talk: 5 min, escalation: {to: tier2, probability: 1%}}\n"
    problems = faults("  groups:\n", f"{tail}  groups:\n    more: {{headcount: 1, serves: [third]}}\n")
    assert [(p.path, p.found) for p in problems] == [("support.queues.tier2.escalation.to", "tier2 -> third -> tier2")]


def test_malformed_parts_are_passed_over(faults: Faults) -> None:
    """The schema reports them; the rules must not fall over them."""
    for part in ("accounts", "support", "success", "hiring", "calendar", "variants", "placeholders"):
        for value in ("3", "[]", "{a: 1}", "{queues: 1, groups: [], teams: {a: 1}, activities: {a: [1]}}", ""):
            start = EXAMPLE.index(f"\n{part}:") + 1
            end = next(
                (i for i in range(start + 1, len(EXAMPLE)) if EXAMPLE[i - 1] == "\n" and EXAMPLE[i].isalpha()),
                len(EXAMPLE),
            )
            assert isinstance(faults(EXAMPLE[start:end], f"{part}: {value}\n"), list)


def test_a_fault_stands_on_its_line(faults: Faults) -> None:
    (problem,) = faults("to: tier2", "to: tier_2")
    assert problem.line == line_of("to: tier2")
