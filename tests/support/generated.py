"""Support models drawn from a seed, to hold the two engines against each other. Each feature appears in some."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import distributions, randomness
from simulator.distributions import Law, LawBook
from simulator.support import compiled
from simulator.support.tables import (
    PER_GROUP,
    PER_PAIR,
    PER_QUEUE,
    ROWS_PER_QUEUE,
    Clock,
    Contacts,
    SupportTables,
    Transfer,
)

PLAIN = 5
"""Every so many seeds the model has none of the rarer rules; the compiled engine has a kernel without them. Three
quarters of these have no lines, for which there is another, and in two quarters each group serves in order besides. The
others serve out at closing."""

RULES = {
    "overflow": ("after",),
    "balking": ("balking",),
    "redials": ("redial_probability", "redial_attempts", "redial_delay"),
    "answer delay": ("answer_delay",),
    "warm and deferred transfer": ("transfer", "hold_limit", "hold_fallback", "conference"),
    "age carried over": ("carries_age",),
    "closing": ("dropping",),
    "serving out": ("serving_out",),
    "head start": ("head_start",),
    "time away": ("away", "away_every"),
    "patience by place": ("patience_behind",),
    "repeat contacts": (
        "inquiries", "resolution", "repeat_attempts", "repeat_delay", "repeat_to", "resolution_within",
    ),
    "deferrable work": ("deferrable", "business_time", "reserve"),
    "opening hours": ("opening",),
    "callbacks": (
        "callback_threshold", "callback_handle", "callback_acceptance", "callback_attempts", "dialling", "no_answer",
        "retry_delay",
    ),
    "chats": ("chat", "concurrency", "slowdown"),
    "interruptions": ("interruptible", "set_up", "deferrable"),
}  # fmt: skip
"""The tables of each of the rarer rules."""


@dataclass(frozen=True)
class Case:
    """A model, its contacts and plan, and the instants at which one call ends and the next begins."""

    tables: SupportTables
    clock: Clock
    contacts: Contacts
    staff: NDArray[np.int64]
    boundaries: tuple[float, ...]

    def calls(self) -> list[tuple[Contacts, float]]:
        """The contacts and the end of each call."""
        parts, start = [], 0
        for until in self.boundaries:
            stop = int(np.searchsorted(self.contacts.time, until, side="left"))
            parts.append((part(self.contacts, start, stop), until))
            start = stop
        return parts


def one_kernel(tables: SupportTables) -> bool:
    """Whether to ask for the kernel with every rule: two of these are compiled for the tests, and not one per model."""
    return any(compiled._rules(tables))


def part(contacts: Contacts, start: int, stop: int) -> Contacts:
    """Contacts from ``start`` to before ``stop``."""
    names = ("time", "interval", "queue", "key", "account", "talk")
    return Contacts(*(getattr(contacts, name)[start:stop] for name in names))


def case(seed: int) -> Case:
    """The model of a seed. Odd seeds have whole seconds throughout, so that events coincide."""
    rng = np.random.default_rng(seed)
    whole = seed % 2 == 1
    queues, groups = int(rng.integers(1, 5)), int(rng.integers(1, 5))
    book = LawBook()

    def law(mean: float) -> int:
        return book.row(_whole_law(rng, mean) if whole else _law(rng, mean))

    served = rng.random((queues, groups)) < 0.6
    served[np.arange(queues), rng.integers(groups, size=queues)] = True  # every queue has some group
    length = rng.choice([20.0, 30.0, 60.0]) if whole else rng.uniform(20.0, 60.0)
    per_month = int(rng.integers(4, 9))
    intervals = 3 * per_month
    gaps = np.full(intervals, length)
    if rng.random() < 0.3:
        gaps[rng.integers(intervals)] *= 2.0
    start = np.concatenate([[0.0], np.cumsum(gaps)])
    talk_mean = float(rng.choice([4.0, 8.0, 15.0]))
    talk = np.full((queues, groups), -1)
    after_call = np.full((queues, groups), -1)
    for q, g in zip(*np.nonzero(served), strict=True):
        talk[q, g] = law(talk_mean)
        after_call[q, g] = law(talk_mean / 3) if rng.random() < 0.7 else -1
    pools = int(rng.integers(0, 3))
    escalation_to = np.full(queues, -1)
    for q in range(queues - 1):
        if rng.random() < 0.6:
            escalation_to[q] = rng.integers(q + 1, queues)
    extra = np.random.default_rng([seed, 2])
    redials = extra.random(queues) < 0.5

    def law_of(rng: np.random.Generator, mean: float = 2.0) -> int:
        return book.row((_whole_law if whole else _law)(rng, mean))

    delay = [law_of(extra, 10.0) if again else -1 for again in redials]
    answer = [law_of(extra) if extra.random() < 0.4 else -1 for _ in range(groups)]
    conference = [law_of(extra) if extra.random() < 0.4 else -1 for _ in range(queues)]
    more = np.random.default_rng([seed, 4])
    stepping = more.random(groups) < (0.7 if seed % 3 == 0 else 0.0)
    away = [
        book.row(distributions.with_zero((_whole_law if whole else _law)(more, 10.0), 0.4)) if steps else -1
        for steps in stepping
    ]
    then = np.random.default_rng([seed, 5])
    repeat = [law_of(then, 10.0) if then.random() < 0.8 else -1 for _ in range(queues)]
    mail = np.random.default_rng([seed, 6])
    back = np.random.default_rng([seed, 7])
    threshold = back.choice([np.inf, 0.0, 5.0, 12.0], size=queues)
    dialling = [law_of(back) if back.random() < 0.7 else -1 for _ in range(queues)]
    retry = [law_of(back, 6.0) if back.random() < 0.8 else -1 for _ in range(queues)]
    patience = np.array(
        [law(float(rng.choice([3.0, 10.0, 30.0]))) if rng.random() < 0.8 else -1 for _ in range(queues)]
    )
    talks = np.random.default_rng([seed, 8])
    deferrable = (mail.random(queues) < 0.4) & (threshold == np.inf)
    chat = (talks.random(queues) < 0.6) & ~deferrable & (talks.random() < 0.35)
    threshold[chat] = np.inf
    interruptible = deferrable & (talks.random(queues) < 0.8) & (talks.random() < 0.5)
    line = np.random.default_rng([seed, 11])
    places = int(line.integers(1, 4)) if seed % 4 == 1 else 0
    behind = np.array([[law_of(line) for _ in range(places)] for _ in range(queues)]).reshape(queues, places)
    behind[line.random(queues) < 0.3] = -1
    tables = SupportTables(
        queue_names=tuple(f"q{q}" for q in range(queues)),
        group_names=tuple(f"g{g}" for g in range(groups)),
        patience=patience,
        talk=talk,
        after_call=after_call,
        priority=np.where(served, rng.integers(1, 3, served.shape), 0),
        level=np.where(served, rng.integers(1, 3, served.shape), 0),
        escalation_to=escalation_to,
        escalation_probability=rng.choice([0.0, 0.3, 0.6, 1.0], size=queues),
        line_pool=rng.integers(-1, pools, size=queues) if pools else np.full(queues, -1),
        line_capacity=rng.integers(1, 7, size=pools),
        answer_within=rng.choice([0.0, 2.0, 10.0], size=queues),
        short_abandon=rng.choice([-1.0, 0.0, 3.0], size=queues),
        laws=book.tables(),
        balking=np.where(extra.random(queues) < 0.4, extra.choice([0.2, 0.5], size=queues), 0.0),
        redial_probability=extra.choice([0.0, 0.5, 0.9], size=queues),
        redial_attempts=extra.integers(0, 4, size=queues),
        redial_delay=np.array(delay),
        answer_delay=np.array(answer),
        transfer=_transfer(extra, np.random.default_rng([seed, 9]), chat | interruptible, escalation_to),
        hold_limit=_hold_limit(extra, queues, whole),
        hold_fallback=extra.choice([int(Transfer.COLD), int(Transfer.DEFERRED)], size=queues),
        conference=np.array(conference),
        carries_age=np.random.default_rng([seed, 10]).random(queues) < 0.4,
        dropping=_dropping(np.random.default_rng([seed, 3]), queues, intervals),
        serving_out=_dropping(np.random.default_rng([seed, 12]), queues, intervals),
        after=_after(np.random.default_rng([seed, 1]), (queues, groups), whole),
        head_start=more.choice([0.0, 0.0, 5.0, 20.0], size=queues) if more.random() < 0.5 else np.zeros(queues),
        away=np.array(away),
        away_every=np.array([line.choice([0.0, 5.0, 20.0]) if steps else 0.0 for steps in stepping]),
        patience_behind=behind,
        inquiries=bool(then.random() < 0.6),
        resolution=then.choice([0.0, 0.5, 0.8, 1.0], size=queues),
        repeat_attempts=then.integers(0, 4, size=queues),
        repeat_delay=np.array(repeat),
        repeat_to=np.where(then.random(queues) < 0.6, -1, then.integers(0, queues, size=queues)),
        resolution_within=then.choice([5.0, 40.0, 200.0, np.inf], size=queues),
        opening=~_dropping(then, queues, intervals),
        deferrable=deferrable,
        business_time=(mail.random(queues) < 0.7) & (patience < 0),
        reserve=mail.choice([0, 0, 1, 2], size=(queues, groups)) * int(mail.random() < 0.5),
        callback_threshold=threshold,
        callback_handle=back.choice([0.0, talk_mean, 2 * talk_mean], size=queues),
        callback_acceptance=back.choice([0.5, 0.9], size=queues),
        callback_attempts=back.integers(1, 4, size=queues),
        dialling=np.array(dialling),
        no_answer=back.choice([0.0, 0.4, 0.8], size=queues),
        retry_delay=np.array(retry),
        chat=chat,
        concurrency=talks.integers(1, 5, size=groups),
        slowdown=talks.choice([0.0, 0.5, 1.0], size=groups),
        interruptible=interruptible,
        set_up=talks.choice([0.0, 2.0], size=queues),
    )
    if seed % PLAIN == 0:
        tables = with_rules(tables, *(["serving out"] if seed // PLAIN % 4 == 3 else []))
        if seed // PLAIN % 4 < 2:
            tables = in_order(tables)
        elif seed // PLAIN % 4 == 2:
            tables = dataclasses.replace(tables, line_pool=np.full(queues, -1))
    staff = rng.integers(0, 5, size=(groups, intervals))
    if rng.random() < 0.5:  # the same people for a while, then nobody
        staff = np.repeat(staff[:, ::3], 3, axis=1)[:, :intervals]
        staff[:, rng.integers(1, intervals)] = 0
    load = float(rng.choice([0.5, 1.0, 1.6])) * max(staff.sum(axis=0).mean(), 1.0) / talk_mean
    count = int(rng.poisson(load * start[-1] * 0.7))
    time = np.sort(rng.uniform(0.0, start[-1], count))
    if whole:
        time = np.floor(time)
    queue = rng.integers(queues, size=count)
    if rng.random() < 0.3:
        queue[:] = 0
    order = np.lexsort((queue, time))
    contacts = Contacts(
        time=time[order],
        interval=np.searchsorted(start, time[order], side="right") - 1,
        queue=queue[order],
        key=randomness.keys(randomness.stream(seed, 0, "test"), np.arange(count)),
        account=rng.integers(-1, 5, size=count),
        talk=_recorded(more, count, talk_mean, whole) if more.random() < 0.4 else np.zeros(0),
    )
    months = start[[per_month, 2 * per_month]]
    odd = np.floor(start[-1] * 0.45) if whole else start[-1] * 0.45  # a call may end anywhere, not only at an interval
    cell = np.arange(intervals) if rng.random() < 0.5 else np.arange(intervals) // per_month
    boundaries = tuple(sorted({float(x) for x in (*months, odd, start[-1])}))
    return Case(tables, Clock(start, cell), contacts, staff, boundaries)


def _recorded(rng: np.random.Generator, count: int, mean: float, whole: bool) -> NDArray[np.float64]:
    """Recorded talk of about half of the contacts."""
    talk = rng.exponential(mean, count)
    return np.where(rng.random(count) < 0.5, np.nan, np.floor(talk) if whole else talk)


def _after(rng: np.random.Generator, shape: tuple[int, int], whole: bool) -> NDArray[np.float64]:
    """Overflow times, in half of the models; one queue may have several, and some groups open at once."""
    if rng.random() < 0.5:
        return np.zeros(shape)
    wait = rng.choice([0.0, 2.0, 5.0, 12.0], size=shape)
    return wait if whole else wait * rng.uniform(0.5, 1.5, size=shape)


def with_rules(tables: SupportTables, *rules: str) -> SupportTables:
    """The same model with these of the rarer rules and no others."""
    kept = {name for rule in rules for name in RULES[rule]}
    left_out = {name for names in RULES.values() for name in names} - kept
    names = [field.name for field in dataclasses.fields(SupportTables) if field.name not in left_out]
    return SupportTables(**{name: getattr(tables, name) for name in names})


def doubled(tables: SupportTables, **changes: Any) -> SupportTables:
    """Two queues, or two groups, in place of one, alike but for ``changes``, which name the two."""
    queue = (*PER_QUEUE, *PER_PAIR, *ROWS_PER_QUEUE)
    axis = (
        dict.fromkeys(queue, 0)
        if "queue_names" in changes
        else dict.fromkeys(PER_GROUP, 0) | dict.fromkeys(PER_PAIR, 1)
    )
    twice = {name: np.repeat(getattr(tables, name), 2, axis=along) for name, along in axis.items()}
    return dataclasses.replace(tables, **(twice | changes))


def in_order(tables: SupportTables) -> SupportTables:
    """The same model without lines, each queue with the first of its groups only, and no priorities."""
    served = np.cumsum(tables.level > 0, axis=1) == 1
    served &= tables.level > 0
    talk, after_call = np.where(served, tables.talk, -1), np.where(served, tables.after_call, -1)
    order = served.astype(np.int64)
    lines = np.full_like(tables.line_pool, -1)
    return dataclasses.replace(
        tables,
        talk=talk,
        after_call=after_call,
        level=order,
        priority=order,
        line_pool=lines,
        reserve=0 * tables.reserve,
    )


def _transfer(
    rng: np.random.Generator, more: np.random.Generator, sessions: NDArray[np.bool_], escalation_to: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Ways to the next tier, warm only from call to call."""
    transfer = rng.integers(0, 3, size=len(sessions))
    transfer[(transfer == Transfer.WARM) & (more.random(len(sessions)) < 0.3)] = Transfer.CONSULTATION
    transfer[np.isin(transfer, (Transfer.WARM, Transfer.CONSULTATION)) & (sessions | sessions[escalation_to])] = 0
    return transfer


def _hold_limit(rng: np.random.Generator, queues: int, whole: bool) -> NDArray[np.float64]:
    limit = rng.choice([0.0, 3.0, 8.0, np.inf], size=queues)
    return limit if whole else limit * rng.uniform(0.5, 1.5, size=queues)


def _dropping(rng: np.random.Generator, queues: int, intervals: int) -> NDArray[np.bool_]:
    """In half of the models some queues close for an interval or two, now and then, and drop their contacts."""
    if rng.random() < 0.5:
        return np.zeros((queues, 0), dtype=np.bool_)
    closed = rng.random((queues, intervals)) < 0.15
    closed[:, 1:] |= closed[:, :-1] & (rng.random((queues, intervals - 1)) < 0.3)
    closed[rng.random(queues) < 0.3] = False
    return closed


def _law(rng: np.random.Generator, mean: float) -> Law:
    kinds = (
        lambda: distributions.exponential(mean),
        lambda: distributions.gamma(mean, cv=0.7),
        lambda: distributions.lognormal(mean, cv=1.2),
        lambda: distributions.weibull(mean, shape=0.8),
        lambda: distributions.uniform(0.0, 2 * mean),
        lambda: distributions.triangular(0.0, mean, 2 * mean),
        lambda: distributions.deterministic(mean),
        lambda: distributions.deterministic(0.0),
        lambda: distributions.hyperexponential([0.8, 0.2], [0.5 * mean, 3 * mean]),
        lambda: distributions.empirical([0.0, 0.5 * mean, mean, 2.5 * mean]),
    )
    law = kinds[rng.integers(len(kinds))]()
    return distributions.with_zero(law, 0.3) if law.scale > 0 and rng.random() < 0.2 else law


def _whole_law(rng: np.random.Generator, mean: float) -> Law:
    """Whole seconds, some of them zero."""
    law = distributions.deterministic(float(rng.integers(0, round(2 * mean) + 1)))
    return distributions.with_zero(law, 0.3) if law.scale > 0 and rng.random() < 0.4 else law
