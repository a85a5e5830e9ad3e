"""Success work against theory: queues with closed forms, hours ÷ hours, and the cliff that hours ÷ hours cannot see.

Tolerances come from independent replications: four standard errors of their mean, and 7 comparisons in all, so that by
chance one of them fails in 1 of 500 runs with other seeds (Student's t with 39 degrees of freedom).
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from simulator import randomness
from simulator.distributions import Law, LawBook, deterministic, exponential, gamma
from simulator.success import compiled, tables
from simulator.success.tables import ActivityTables, Instances, SuccessOutcome, TeamTables
from simulator.timegrid import BusinessClock

HOUR = 3600
DAY = 8 * HOUR
QUARTER = 63 * DAY
REPLICATIONS, ERRORS = 40, 4.0


def _catalogue(chains: list[list[tuple[int, Law, int]]], buffer: int = 0) -> ActivityTables:
    """Activities from steps given as (kind, law, due rule); a step due after its predecessor has five days.

    A meeting that is not prepared is postponed; late work goes on.
    """
    book = LawBook()
    steps = [step for chain in chains for step in chain]
    return ActivityTables(
        activity_names=tuple(str(k) for k in range(len(chains))),
        segment_names=("all",),
        step_names=tuple(str(n) for n in range(len(steps))),
        first_step=np.concatenate([[0], np.cumsum([len(chain) for chain in chains])]).astype(np.int64),
        step_kind=np.array([step[0] for step in steps], dtype=np.int64),
        step_law=np.array([book.row(step[1]) for step in steps], dtype=np.int64),
        step_due=np.array([step[2] for step in steps], dtype=np.int64),
        step_buffer=np.full(len(steps), buffer, dtype=np.int64),
        step_due_days=np.full(len(steps), 5, dtype=np.int64),
        unprepared=np.full(len(chains), tables.POSTPONE, dtype=np.int64),
        late=np.full(len(chains), tables.LATE, dtype=np.int64),
        priority=np.zeros(len(chains), dtype=np.int64),
        laws=book.tables(),
    )


def _team(days: int, length: int, csms: int, horizon: int, **settings) -> TeamTables:
    start = np.arange(days + 1, dtype=np.int64) * length
    count = np.arange(days, dtype=np.int64)
    defaults = {
        "slot": min(length, 1800) if length <= DAY else length,
        "customer_availability": np.array([1.0]),
        "cancellation": np.array([0.0]),
        "leave": np.zeros((csms, days), dtype=bool),
    }
    return TeamTables(
        clock=BusinessClock(count, start, np.full(days, 9 * HOUR), np.arange(days + 1, dtype=np.int64)),
        months=start[: horizon + 1],
        **{**defaults, **settings},
    )


def _instances(activity: int, release: NDArray, due: NDArray, account: NDArray, stream: np.uint64) -> Instances:
    count = len(release)
    return Instances(
        release=release.astype(np.int64),
        due=due.astype(np.int64),
        activity=np.full(count, activity, dtype=np.int64),
        account=account.astype(np.int64),
        segment=np.zeros(count, dtype=np.int64),
        key=randomness.keys(stream, np.arange(count) + (activity << 32)),
        effort=np.ones(count),
        step=np.zeros(count, dtype=np.int64),
    )


def _run(
    activities: ActivityTables, team: TeamTables, instances: Instances, accounts: int = 1, *, records: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.int64], SuccessOutcome]:
    sums, hours = tables.new_sums(activities, team), tables.new_hours(team)
    owner, everybody = np.arange(accounts) % team.people, np.ones(team.people, dtype=bool)
    outcome, _ = compiled.run(
        activities, team, instances, owner, np.ones(team.people), everybody, None, int(team.months[-1]),
        sums=sums, hours=hours, records=records, last=True,
    )  # fmt: skip
    return sums, hours, outcome


# --- queues ----------------------------------------------------------------------------------------------------------


def _poisson(stream: np.uint64, mean_gap: float, end: int) -> NDArray[np.float64]:
    keys = randomness.keys(stream, np.arange(int(1.3 * end / mean_gap)))
    times = np.cumsum(-mean_gap * np.log(randomness.uniform(keys, randomness.purpose("gap"))))
    assert times[-1] > end
    return times[times < end]


def _queue_means(laws: list[Law], gaps: list[float], kinds: list[int], csms: int, measure: str) -> NDArray[np.float64]:
    """Mean wait (``started``) or stay (``finished``) by replication and activity, on a clock without nights."""
    end, warm = 4_000_000, 400_000
    activities = _catalogue([[(kind, law, tables.DUE_WINDOW)] for kind, law in zip(kinds, laws, strict=True)])
    team = _team(1, end, csms, 1, pooled=True)
    means = np.zeros((REPLICATIONS, len(laws)))
    for replication in range(REPLICATIONS):
        parts = []
        for k, gap in enumerate(gaps):
            stream = randomness.stream(11, replication, f"queue.{k}")
            release = np.floor(_poisson(stream, gap, end))
            parts.append(_instances(k, release, release + end, np.zeros(len(release)), stream))
        instances = Instances.join(parts)
        rows = _run(activities, team, instances, records=True)[2].rows
        assert rows is not None
        arrived = instances.release[rows["instance"]]
        for k in range(len(laws)):
            # the tail of the horizon is left out, so that nothing in the mean is still open
            kept = (instances.activity[rows["instance"]] == k) & (arrived >= warm) & (arrived < end - warm)
            means[replication, k] = np.mean((rows[measure] - arrived)[kept])
    return means


def _agrees(means: NDArray[np.float64], theory: float) -> None:
    error = means.std(ddof=1) / math.sqrt(len(means))
    assert abs(means.mean() - theory) < ERRORS * error, (means.mean(), theory, error)


@pytest.mark.parametrize("law", [exponential(600.0), gamma(600.0, cv=0.5), gamma(600.0, cv=1.5)])
def test_desk_work_is_an_mg1_queue(law: Law) -> None:
    """Pollaczek-Khinchine: wait = λ E[S²] / (2 (1 - ρ)); with an exponential law M/M/1."""
    gap = 1000.0
    second_moment = law.mean**2 * (1 + law.cv**2)
    wait = second_moment / gap / (2 * (1 - law.mean / gap))
    _agrees(_queue_means([law], [gap], [tables.DESK], 1, "started")[:, 0], wait)


def test_interrupts_are_preemptive_resume_priority() -> None:
    """Stay of the lower class: S2 / (1 - ρ1) + (λ1 E[S1²] + λ2 E[S2²]) / (2 (1 - ρ1) (1 - ρ1 - ρ2)).

    Source: Conway, Maxwell, Miller, Theory of Scheduling (1967), pre-emptive resume.
    """
    trouble, desk, gaps = exponential(400.0), gamma(900.0, cv=0.7), [2000.0, 2000.0]
    rate = [law.mean / gap for law, gap in zip((trouble, desk), gaps, strict=True)]
    residual = [law.mean**2 * (1 + law.cv**2) / gap for law, gap in zip((trouble, desk), gaps, strict=True)]
    high = trouble.mean + residual[0] / (2 * (1 - rate[0]))
    low = desk.mean / (1 - rate[0]) + sum(residual) / (2 * (1 - rate[0]) * (1 - sum(rate)))
    means = _queue_means([trouble, desk], gaps, [tables.INTERRUPT, tables.DESK], 1, "finished")
    _agrees(means[:, 0], high)
    _agrees(means[:, 1], low)


@pytest.mark.parametrize(("csms", "load"), [(3, 2.4), (8, 6.8)])
def test_a_pool_is_an_mmc_queue(csms: int, load: float) -> None:
    """Erlang C: wait = C(c, a) S / (c - a), by the recursion of Erlang B."""
    blocked = 1.0
    for c in range(1, csms + 1):
        blocked = load * blocked / (c + load * blocked)
    waits = blocked / (1 - load / csms * (1 - blocked))
    service = 600.0
    means = _queue_means([exponential(service)], [service / load], [tables.DESK], csms, "started")
    _agrees(means[:, 0], waits * service / (csms - load))


# --- hours ÷ hours ---------------------------------------------------------------------------------------------------


def _spread_desk_work(heads: int, accounts: int, hours: float, overtime: int = 0) -> float:
    """On-time share of one piece of desk work per account and quarter, dates spread evenly, two days to do it."""
    activities = _catalogue([[(tables.DESK, deterministic(hours * HOUR), tables.DUE_WINDOW)]])
    team = _team(70, DAY, heads, 63, pooled=True, overtime=overtime, week=np.arange(70) // 5)
    release = np.arange(accounts) * (QUARTER - 2 * DAY) // accounts
    due = release + 2 * DAY
    if overtime:  # by an evening
        due = -(-due // DAY) * DAY
    instances = _instances(0, release, due, np.arange(accounts), randomness.stream(1, 0, "spread"))
    sums = _run(activities, team, instances, accounts)[0].sum(axis=(0, 1, 2))
    return float(sums[tables.ON_TIME] / sums[tables.DUE])


@pytest.mark.parametrize("heads", [1, 4, 9])
def test_heads_are_effort_over_available_hours(heads: int) -> None:
    """Without variance and with dates spread, load just under 1 keeps every date, load over 1 does not."""
    accounts = 100 * heads
    available = heads * 61 * 8
    assert _spread_desk_work(heads, accounts, 0.995 * available / accounts) == 1.0
    assert _spread_desk_work(heads, accounts, 1.10 * available / accounts) < 0.6
    assert _spread_desk_work(heads + 1, accounts, 1.10 * available / accounts) >= (1.0 if heads > 9 else 0.99)


@pytest.mark.parametrize("heads", [1, 4])
def test_overtime_adds_to_the_available_hours(heads: int) -> None:
    """A load of 1.10 wants 4 h of overtime a week on average; pieces do not fall evenly on weeks, and 6 h keep every
    date: in a pool too, where those whose hours are used up leave what presses to those who have some left."""
    accounts = 100 * heads
    hours = 1.10 * heads * 61 * 8 / accounts
    assert _spread_desk_work(heads, accounts, hours, 6 * HOUR) == 1.0
    assert _spread_desk_work(heads, accounts, hours, 2 * HOUR) < 0.5


# --- more people ------------------------------------------------------------------------------------------------------


def _busy_pool(heads: int, replication: int) -> float:
    """On-time share of all steps of a pool in a quarter: reviews with preparation and follow-up, desk work, trouble."""
    review = [
        (tables.DESK, gamma(1.0 * HOUR, cv=0.8), tables.DUE_MEETING),
        (tables.MEETING, deterministic(1.0 * HOUR), tables.DUE_WINDOW),
        (tables.DESK, gamma(1.0 * HOUR, cv=0.8), tables.DUE_AFTER),
    ]
    activities = _catalogue(
        [review, [(tables.DESK, exponential(2.0 * HOUR), tables.DUE_WINDOW)],
         [(tables.INTERRUPT, exponential(1.0 * HOUR), tables.DUE_WINDOW)]], buffer=HOUR,
    )  # fmt: skip
    team = _team(
        80, DAY, heads, 70, pooled=True, lead=2 * DAY, setup=600, meetings_per_day=4, internal_length=HOUR,
        customer_availability=np.array([0.5]), cancellation=np.array([0.15]),
    )  # fmt: skip
    parts = []
    for k, (count, allowed) in enumerate(((160, 15 * DAY), (300, 3 * DAY), (120, DAY // 2))):
        stream = randomness.stream(17, replication, f"pool.{k}")
        place = randomness.uniform(randomness.keys(stream, np.arange(count)), randomness.purpose("date"))
        release = np.floor(place * 55 * DAY)
        parts.append(_instances(k, release, release + allowed, np.zeros(count), stream))
    sums = _run(activities, team, Instances.join(parts))[0].sum(axis=(0, 1, 2))
    return float(sums[tables.ON_TIME] / sums[tables.DUE])


def test_more_people_never_lower_the_expected_on_time_share() -> None:
    """Pooled, earliest due date, common draws. Pathwise one more may hurt (another slot is booked), on average not."""
    heads = range(2, 7)
    shares = np.array([[_busy_pool(n, replication) for n in heads] for replication in range(REPLICATIONS)])
    gains = np.diff(shares, axis=1)
    error = gains.std(axis=0, ddof=1) / math.sqrt(REPLICATIONS)
    assert np.all(gains.mean(axis=0) > -ERRORS * error), (gains.mean(axis=0), error)
    assert gains.mean(axis=0)[0] > 0.1
    assert shares.mean(axis=0)[-1] > 0.95


# --- the cliff (a book of n accounts) --------------------------------------------------------------------------------


def _book(n: int, clustered: bool, replications: int, cancellation: float = 0.15) -> tuple[float, float, float]:
    """One CSM, a year: on-time share of QBRs and of follow-ups, and utilisation of the hours not internal.

    QBR 1 + 1 + 1 h in half-hour slots, on a date uniform over the quarter or over its last four weeks, booked five days
    ahead; a check-in of 1 h a quarter; 0.1 troubles of 2 h; a quarter of each day internal; rebooking 3 to 10 days on.
    """
    hour = deterministic(float(HOUR))
    qbr = [
        (tables.DESK, hour, tables.DUE_MEETING),
        (tables.MEETING, hour, tables.DUE_WINDOW),
        (tables.DESK, hour, tables.DUE_AFTER),
    ]
    check_in = [(tables.DESK, hour, tables.DUE_WINDOW)]
    trouble = [(tables.INTERRUPT, exponential(2.0 * HOUR), tables.DUE_AFTER)]
    activities = _catalogue([qbr, check_in, trouble], buffer=HOUR)
    lead = 5 * DAY
    team = _team(
        5 * 63, DAY, 1, 4 * 63, internal_start=4 * HOUR, internal_length=2 * HOUR, lead=lead,
        cancellation=np.array([cancellation]),
    )  # fmt: skip
    accounts = np.arange(n)
    sums, hours = tables.new_sums(activities, team), tables.new_hours(team)
    for replication in range(replications):
        parts = []
        for quarter in range(4):
            stream = randomness.stream(5, replication, f"quarter {quarter}")
            begin, end = quarter * QUARTER, (quarter + 1) * QUARTER
            keys, purpose = randomness.keys(stream, accounts), randomness.purpose("date")
            u = [randomness.uniform(keys, purpose, leg) for leg in range(4)]
            window = 20 * DAY if clustered else QUARTER
            date = end - np.floor((1 - u[0]) * window).astype(np.int64)
            release = np.maximum(date - lead, 0)
            parts.append(_instances(0, release, np.full(n, end), accounts, stream))
            parts.append(_instances(1, begin + np.floor(u[1] * QUARTER * 0.8), np.full(n, end), accounts, stream))
            hit = u[2] < 0.1
            when = begin + np.floor(u[3] * QUARTER)
            parts.append(_instances(2, when[hit], when[hit] + DAY, accounts[hit], stream))
        one = _run(activities, team, Instances.join(parts), n)
        sums += one[0]
        hours += one[1]
    by_step = sums.sum(axis=(0, 2))
    share = by_step[:, tables.ON_TIME] / by_step[:, tables.DUE]
    spent = hours.sum(axis=(0, 1))
    worked = spent[[tables.H_DESK, tables.H_MEETING, tables.H_INTERRUPT, tables.H_SETUP]].sum()
    return float(share[1]), float(share[2]), float(worked / (worked + spent[tables.H_IDLE]))


@pytest.mark.slow
def test_light_load_is_on_time() -> None:
    """A follow-up queued twice once made a lightly loaded CSM look late; without cancellations nothing else may."""
    qbr, follow_up, utilisation = _book(20, clustered=False, replications=20, cancellation=0.0)
    assert utilisation < 0.25
    assert qbr >= 0.99
    assert follow_up == 1.0


@pytest.mark.slow
def test_the_wall_is_near_93_accounts_when_dates_are_spread() -> None:
    """390 customer hours a quarter ÷ 4.2 hours an account is 93. Shares of 7,000 QBRs: a standard error of 0.5 points.

    The bounds leave room for what the recorded trial (98 and 88 % at 90, 88 and 35 % at 100 accounts, QBRs and
    follow-ups) does not state: when check-ins fall due, and how far ahead a QBR is booked.
    """
    assert _book(80, clustered=False, replications=20)[1] > 0.99
    below, above = _book(90, clustered=False, replications=20), _book(100, clustered=False, replications=20)
    assert below[0] > 0.97
    assert below[1] > 0.85
    assert above[0] < 0.95
    assert above[1] < 0.65
    assert above[2] > 0.99


@pytest.mark.slow
def test_clustered_dates_halve_the_book() -> None:
    """At the quarter's end 90 % on time holds to about 45 to 50 accounts, at 60 % utilisation.

    The recorded trial has 93, 89 and 59 % at 40, 50 and 80 accounts; the bounds are as wide as in the test above.
    """
    assert _book(40, clustered=True, replications=20)[0] > 0.90
    at_50 = _book(50, clustered=True, replications=20)
    assert 0.82 < at_50[0] < 0.92
    assert at_50[2] < 0.60
    assert _book(80, clustered=True, replications=20)[0] < 0.65
