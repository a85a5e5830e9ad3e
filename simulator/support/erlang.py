"""Closed forms for queues of callers and agents: Erlang B, C and A, any patience, priorities, chat, blending.

One idea carries most of this module. Let ``V`` be the *virtual wait*, the wait of a caller who never gives up, and let
a caller's patience ``R`` have the survival function ``S``. With ``n`` agents, arrival rate ``lambda``, service rate
``mu`` and room for ``m`` waiting callers, ``V`` has the density (Baccelli & Hebuterne 1981; Zeltyn & Mandelbaum 2005;
with limited room Movaghar 1998)

    f(x)  proportional to  exp(-n mu x) * sum of (lambda H(x))^q / q! over q < m,     H(x) = integral of S over [0, x],

beside an atom at 0 (some agent is free) and the share of blocked callers. Every measure is an expectation under that
law, so Erlang A (Palm 1957; Garnett, Mandelbaum & Reiman 2002) is the case ``S(x) = exp(-theta x)``, Erlang B the case
``m = 0``, and Erlang C (``S = 1``, no limit) is an exponential density that needs no integration. ``f`` is log-concave,
so its peak and its effective support are found with certainty, and Gauss-Legendre quadrature on panels that follow it
keeps about 12 digits, also in tails far below 1e-100.

Rates and times share one unit, chosen by the caller: with rates per minute, waits are in minutes. Shares are of all
offered callers unless the name says otherwise; a mean over callers who do not exist is NaN.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Any, SupportsFloat, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulator import distributions
from simulator.distributions import Law
from simulator.errors import ParameterError, UnstableQueueError, nearest

__all__ = [
    "BlendingMeasures",
    "ChatMeasures",
    "Measures",
    "PriorityMeasures",
    "SkillMeasures",
    "TransientMeasures",
    "agents_needed",
    "blocking",
    "heads_for",
    "measures",
    "measures_blending",
    "measures_chat",
    "measures_general_patience",
    "measures_general_service",
    "measures_n_design",
    "measures_priority",
    "measures_priority_general",
    "offered_load",
    "transient",
    "waiting_probability",
]

Array = NDArray[np.float64]

_DROP = 745.0  # exp(-745) is the smallest positive double: beyond such a drop of the log density nothing is left
# Where panels are halved no more, as share of the total; the error is the square of it where the integrand is analytic.
_ANALYTIC, _PLAIN = 1e-8, 1e-12
_LADDER = np.exp2(np.arange(-40.0, 61.0))  # of mean times between ends of service, to find where the density lives
_NAN = math.nan


# --- results ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measures:
    """What one queue does in its steady state.

    Every share counts all offered callers in its denominator unless its meaning below says otherwise. Times are in the
    unit of the rates. A mean over nobody (the wait of abandoning callers where nobody abandons) is NaN, and so is what
    a model cannot know (the service level of M/G/1 from two moments).

    Attributes:
        p_block: share that found all places taken.
        p_wait: share that was let in and found no agent free (with balking: balkers who found none included).
        p_abandon: share that gave up, balking included.
        p_abandon_within_t: share that gave up within the answer-within time.
        p_abandon_excl_short: gave up after it ÷ (offered − abandoned within it).
        e_wait: mean wait, with 0 for those answered at once and 0 for the blocked.
        e_wait_served: mean wait of the answered.
        e_wait_abandoned: mean wait of those who gave up.
        e_wait_given_wait: mean wait of those who found no agent free.
        e_wait_virtual: mean wait that an infinitely patient caller would have, 0 for the blocked.
        e_queue: mean number of waiting callers.
        occupancy: busy share of the agents' time.
        sl_served_over_offered: answered within t ÷ offered.
        sl_excl_short_abandons: answered within t ÷ (offered − abandoned within t).
        sl_served_over_served: answered within t ÷ answered.
        sl_incl_short_abandons: answered or abandoned within t ÷ offered.
        sl_virtual: P(an infinitely patient caller would be let in and wait at most t).
    """

    p_block: float
    p_wait: float
    p_abandon: float
    p_abandon_within_t: float
    p_abandon_excl_short: float
    e_wait: float
    e_wait_served: float
    e_wait_abandoned: float
    e_wait_given_wait: float
    e_wait_virtual: float
    e_queue: float
    occupancy: float
    sl_served_over_offered: float
    sl_excl_short_abandons: float
    sl_served_over_served: float
    sl_incl_short_abandons: float
    sl_virtual: float


@dataclass(frozen=True)
class ChatMeasures(Measures):
    """Measures of a chat queue. ``occupancy`` is the share of agents' time with at least one chat.

    Attributes:
        occupancy_of_slots: chats in progress ÷ chats that all agents could hold.
    """

    occupancy_of_slots: float


@dataclass(frozen=True)
class BlendingMeasures(Measures):
    """Measures of the inbound callers; ``occupancy`` counts inbound and outbound work.

    Attributes:
        outbound_rate: outbound contacts finished per time unit.
    """

    outbound_rate: float


@dataclass(frozen=True)
class PriorityMeasures:
    """Waits under priorities, the most urgent class first.

    Attributes:
        p_wait: share of all callers who do not start at once.
        p_wait_by_class: the same by class.
        e_wait: mean wait of all callers.
        e_wait_by_class: mean time in the system without being served; under preemption it includes interruptions.
        e_queue_by_class: mean number waiting (or interrupted).
        occupancy: busy share of the agents' time.
    """

    p_wait: float
    p_wait_by_class: tuple[float, ...]
    e_wait: float
    e_wait_by_class: tuple[float, ...]
    e_queue_by_class: tuple[float, ...]
    occupancy: float


@dataclass(frozen=True)
class SkillMeasures:
    """Steady state of two classes and two groups; every pair is (first, second).

    Attributes:
        p_wait: share of the class that waits, by class.
        p_abandon: share of the class that gives up, by class.
        e_wait: mean wait, by class.
        e_queue: mean number waiting, by class.
        occupancy: busy share of the group's time, by group.
    """

    p_wait: tuple[float, float]
    p_abandon: tuple[float, float]
    e_wait: tuple[float, float]
    e_queue: tuple[float, float]
    occupancy: tuple[float, float]


@dataclass(frozen=True)
class TransientMeasures:
    """A day (or any run of periods) in expectation. Every field is a float64 array of shape (periods,).

    Counted by the clock:

    Attributes:
        offered: expected arrivals.
        blocked: expected arrivals that find all places taken.
        abandons: expected callers who give up during the period.
        served: expected ends of service during the period.
        mean_queue: time average of the waiting.
        mean_busy: time average of busy agents, those finishing after their shift included.
        p_wait: share of the period's arrivals let in without a free agent.
        end_mean_in_system: mean number in the system at the end of the period.
        p_abandon: share of the period's arrivals that give up, whenever that happens; this and all below are NaN
            unless the number of agents is the same in all periods, and assume it stays so until the last is served.
        p_abandon_within_t: share of the period's arrivals that give up within the answer-within time.
        e_wait: mean wait of the period's arrivals (0 for the blocked).
        e_wait_served: mean wait of those of them who are answered.
        sl_served_over_offered: answered within t ÷ offered.
        sl_excl_short_abandons: answered within t ÷ (offered − abandoned within t).
        sl_served_over_served: answered within t ÷ answered.
    """

    offered: Array
    blocked: Array
    abandons: Array
    served: Array
    mean_queue: Array
    mean_busy: Array
    p_wait: Array
    end_mean_in_system: Array
    p_abandon: Array
    p_abandon_within_t: Array
    e_wait: Array
    e_wait_served: Array
    sl_served_over_offered: Array
    sl_excl_short_abandons: Array
    sl_served_over_served: Array


# --- one queue in its steady state -----------------------------------------------------------------------------------


def blocking(agents: int, offered_load: float) -> float:
    """Erlang B: the probability that all agents are busy when nobody can wait.

    Args:
        agents: at least 0.
        offered_load: arrival rate ÷ service rate, at least 0.

    Raises:
        ParameterError: a value outside its domain.

    Source: Erlang 1917; as the sum ``1/B = sum over j of n (n-1) .. (n-j+1) / a^j`` all terms are positive.
    """
    n, a = _count("agents", agents), _number("offered_load", offered_load)
    return 1.0 / _idle_weight(np.arange(1.0, n + 1.0), a)


def waiting_probability(agents: int, offered_load: float) -> float:
    """Erlang C: the probability that a caller must wait when nobody gives up.

    It is 1 when the load reaches the number of agents: everybody waits, and the wait grows without limit (this is the
    one question to which an overloaded queue has an answer; :func:`measures` refuses it).

    Args:
        agents: at least 0.
        offered_load: arrival rate ÷ service rate, at least 0.

    Raises:
        ParameterError: a value outside its domain.

    Source: Erlang 1917.
    """
    n, a = _count("agents", agents), _number("offered_load", offered_load)
    if a >= n:
        return 1.0
    waiting = a / (n - a)
    return waiting / (_idle_weight(np.arange(1.0, n), a) + waiting)


def measures(
    *,
    agents: int,
    arrival_rate: float,
    service_rate: float,
    abandonment_rate: float = 0.0,
    places: int | None = None,
    answer_within: float = 0.0,
) -> Measures:
    """M/M/n/K+M: Poisson arrivals, exponential service and patience, and at most K callers in the system.

    Erlang B (``places == agents``), Erlang C (``abandonment_rate == 0``) and Erlang A are special cases. With no
    arrivals the shares are those that a single caller would meet. With no agents everybody waits until giving up.

    Args:
        agents: at least 0.
        arrival_rate: callers per time unit.
        service_rate: calls that one busy agent finishes per time unit (1 ÷ mean handle time).
        abandonment_rate: 1 ÷ mean patience; 0 means that nobody gives up.
        places: lines, hence callers waiting or talking at once; None means no limit. Agents beyond the number of
            lines can never be busy all at once: they lower the occupancy and change nothing else.
        answer_within: the t of the service levels.

    Raises:
        UnstableQueueError: the load reaches the number of agents and neither patience nor places end the growth.
        ParameterError: a value outside its domain.

    Source: Palm 1957; Garnett, Mandelbaum & Reiman 2002; Mandelbaum & Zeltyn 2007; the module's head for the method.
    """
    theta = _number("abandonment_rate", abandonment_rate)
    return _calls(agents, arrival_rate, service_rate, _memoryless(theta), places, answer_within)


def measures_general_patience(
    *,
    agents: int,
    arrival_rate: float,
    service_rate: float,
    patience: Any,
    balking: float = 0.0,
    places: int | None = None,
    answer_within: float = 0.0,
) -> Measures:
    """M/M/n/K+GI: as :func:`measures`, with patience of any law.

    Args:
        agents: at least 0.
        arrival_rate: callers per time unit.
        service_rate: calls that one busy agent finishes per time unit.
        patience: a :class:`simulator.distributions.Law` (its atom at zero are callers who balk), the same as a
            scenario writes it, in the time unit of the rates (``{"exponential": 2.0}``, ``{"weibull": {"mean": 2.0,
            "shape": 1.5}}``), or any object with a survival function: a method ``survival`` or ``sf`` (a frozen law of
            scipy.stats), or the function itself, from an array of times to an array of P(patience > time). Points
            where such a function has a jump or a corner are best named in an attribute ``kinks``.
        balking: share that hangs up at once when no agent is free, on top of the law's own atom.
        places: lines, None for no limit.
        answer_within: the t of the service levels.

    Raises:
        UnstableQueueError: a share of callers that never gives up exceeds what the agents can serve.
        ParameterError: a value outside its domain.

    Source: Baccelli & Hebuterne 1981; Zeltyn & Mandelbaum 2005; with limited places Movaghar 1998.
    """
    share = _number("balking", balking)
    if share > 1:
        raise ParameterError(f"balking is a share and must not exceed 1, not {balking}")
    law = _thinned(_patience(patience), share) if share else _patience(patience)
    return _calls(agents, arrival_rate, service_rate, law, places, answer_within)


def measures_general_service(
    *,
    arrival_rate: float,
    service_mean: float,
    service_variance: float,
) -> Measures:
    """M/G/1: one agent, service of any law, nobody gives up. Two moments give the means; service levels are NaN.

    Args:
        arrival_rate: callers per time unit.
        service_mean: mean handle time.
        service_variance: variance of the handle time (of independent parts, talk and after-call work, it is the sum).

    Raises:
        UnstableQueueError: the load reaches 1.
        ParameterError: a value outside its domain.

    Source: Pollaczek 1930; Khinchine 1932.
    """
    lam = _number("arrival_rate", arrival_rate)
    mean = _positive("service_mean", service_mean)
    load = lam * mean
    if load >= 1:
        raise UnstableQueueError(f"unstable: the load {load:g} reaches the single agent and nobody gives up")
    given_wait = (mean * mean + _number("service_variance", service_variance)) / (2.0 * mean) / (1.0 - load)
    wait = load * given_wait
    return Measures(
        p_block=0.0,
        p_wait=load,
        p_abandon=0.0,
        p_abandon_within_t=0.0,
        p_abandon_excl_short=0.0,
        e_wait=wait,
        e_wait_served=wait,
        e_wait_abandoned=_NAN,
        e_wait_given_wait=given_wait,
        e_wait_virtual=wait,
        e_queue=lam * wait,
        occupancy=load,
        sl_served_over_offered=_NAN,
        sl_excl_short_abandons=_NAN,
        sl_served_over_served=_NAN,
        sl_incl_short_abandons=_NAN,
        sl_virtual=_NAN,
    )


def measures_chat(
    *,
    agents: int,
    arrival_rate: float,
    handle_times: Sequence[float],
    abandonment_rate: float = 0.0,
    places: int | None = None,
    answer_within: float = 0.0,
) -> ChatMeasures:
    """Chat: an agent holds several conversations at once, each slower the more there are.

    The chats in progress are taken as spread evenly over the agents at all times (after an end they may be uneven in
    reality), which makes their number a birth-death chain: with r agents holding c + 1 chats and the others c, chats
    end at the rate ``r (c+1)/h[c+1] + (agents - r) c/h[c]``.

    Args:
        agents: at least 1.
        arrival_rate: chats per time unit.
        handle_times: mean handle time of a chat while its agent holds 1, 2, .. chats; the length is the most that an
            agent may hold. A slowdown s per further chat is ``[h * (1 + s * j) for j in range(k)]``.
        abandonment_rate: 1 ÷ mean patience; 0 means that nobody gives up.
        places: chats waiting or in progress at once, None for no limit.
        answer_within: the t of the service levels.

    Raises:
        UnstableQueueError: full agents end fewer chats than arrive, and neither patience nor places end the growth.
        ParameterError: a value outside its domain.
    """
    n = _count("agents", agents, least=1)
    times = np.array([_positive("handle_times", h) for h in handle_times])
    if times.size == 0:
        raise ParameterError("handle_times must name at least one handle time")
    lam, theta = _number("arrival_rate", arrival_rate), _number("abandonment_rate", abandonment_rate)
    t, room = _time("answer_within", answer_within), _places(places)
    slots = n * times.size if room is None else min(n * times.size, room)
    chats = np.arange(1, slots + 1)
    level, more = np.divmod(chats, n)
    ends = np.concatenate(([0.0], np.arange(1, times.size + 1) / times, [0.0]))  # of an agent with 0, 1, .. chats
    rates = more * ends[level + 1] + (n - more) * ends[level]
    split = _split(rates, lam, _memoryless(theta), None if room is None else room - slots, t)
    chance = split.states(rates, lam)
    held = np.arange(slots + 1)
    return ChatMeasures(
        **vars(_summary(split, lam, float(chance @ np.minimum(held, n)) / n)),
        occupancy_of_slots=float(chance @ held) / (n * times.size),
    )


def measures_blending(
    *,
    agents: int,
    arrival_rate: float,
    service_rate: float,
    reserve: int,
    abandonment_rate: float = 0.0,
    places: int | None = None,
    answer_within: float = 0.0,
) -> BlendingMeasures:
    """Inbound calls with outbound work that never runs out, started only while more than ``reserve`` agents are idle.

    Outbound work lasts as long as inbound calls and is not interrupted, so that the number of busy agents is a
    birth-death chain on ``agents - reserve`` and above.

    Args:
        agents: at least 1.
        arrival_rate: inbound callers per time unit.
        service_rate: contacts that one busy agent finishes per time unit.
        reserve: agents kept free for inbound calls, 0 to ``agents``.
        abandonment_rate: 1 ÷ mean patience of inbound callers; 0 means that nobody gives up.
        places: as many as agents or more (outbound work on a line counts); None for no limit.
        answer_within: the t of the service levels.

    Raises:
        UnstableQueueError: the inbound load alone reaches the number of agents and nothing ends the growth.
        ParameterError: a value outside its domain.

    Source: Gans & Zhou 2003 (threshold reservation); Bhulai & Koole 2003.
    """
    n, lam = _count("agents", agents, least=1), _number("arrival_rate", arrival_rate)
    mu, theta = _positive("service_rate", service_rate), _number("abandonment_rate", abandonment_rate)
    t, room, kept = _time("answer_within", answer_within), _places(places), _count("reserve", reserve)
    if kept > n:
        raise ParameterError(f"reserve must not exceed the agents ({n}), not {kept}")
    if room is not None and room < n:
        raise ParameterError(f"blending needs a place for each of the {n} agents, not {room} places")
    rates = np.arange(1.0, n + 1.0) * mu
    # The chain never falls below n - reserve: seen from there, those states are the ones "below" the agents.
    above = rates[n - kept :] if kept else rates[n - 1 :]
    split = _split(above, lam, _memoryless(theta), None if room is None else room - n, t, bottomless=kept == 0)
    idle = float(split.states(above, lam) @ np.arange(kept, -1.0, -1.0)) if kept else 0.0
    occupancy = 1.0 - idle / n
    return BlendingMeasures(
        **vars(_summary(split, lam, occupancy)),
        outbound_rate=max(n * mu * occupancy - lam * split.p_served, 0.0),
    )


# --- priorities and skills -------------------------------------------------------------------------------------------


def measures_priority(
    *,
    agents: int,
    arrival_rates: Sequence[float],
    service_rate: float,
    preemptive: bool = False,
) -> PriorityMeasures:
    """M/M/n with priorities: one service rate for all classes, nobody gives up.

    Args:
        agents: at least 1.
        arrival_rates: by class, the most urgent first.
        service_rate: calls that one busy agent finishes per time unit.
        preemptive: a more urgent caller interrupts the least urgent call, which is resumed later.

    Raises:
        UnstableQueueError: the load of all classes together reaches the number of agents.
        ParameterError: a value outside its domain.

    Source: Cobham 1954; Kella & Yechiali 1985. Under preemption the classes up to k are a queue of their own, because
    the remaining service of an interrupted call is exponential again: Erlang C for k and for k - 1, and the difference
    (where that is small, the mean of the derivative between the two, so that no digits cancel).
    """
    n, mu = _count("agents", agents, least=1), _positive("service_rate", service_rate)
    lams = _class_rates(arrival_rates)
    load = np.cumsum(lams) / mu
    if load[-1] >= n:
        raise UnstableQueueError(f"unstable: the load {load[-1]:g} reaches the {n} agents and nobody gives up")
    idle = 1.0 - np.concatenate(([0.0], load)) / n  # share of capacity that classes up to k leave
    if preemptive:
        p_wait = np.array([waiting_probability(n, float(a)) for a in load])
        before = np.concatenate(([0.0], load[:-1]))
        wait = np.array(
            [_queue_growth(n, a, d) / mu for a, d in zip(before.tolist(), (lams / mu).tolist(), strict=True)]
        )
        queue = lams * wait
    else:
        p_wait = np.full(lams.size, waiting_probability(n, float(load[-1])))
        wait = p_wait / (n * mu * idle[:-1] * idle[1:])
        queue = lams * wait
    return _priority_measures(lams, p_wait, wait, queue, float(load[-1]) / n)


def _queue_growth(agents: int, load: float, more: float) -> float:
    """By how much the mean number waiting in Erlang C grows per unit of load between ``load`` and ``load + more``."""

    def queue(a: float) -> float:
        return waiting_probability(agents, a) * a / (agents - a)

    if more * agents > load or more > (agents - load - more) / 2:
        return (queue(load + more) - queue(load)) / more if more > 0 else 0.0  # nothing cancels, or nothing waits
    nodes, weights = np.polynomial.legendre.leggauss(12)
    return float(
        sum(w / 2 * _queue_slope(agents, load + more * (x + 1) / 2) for x, w in zip(nodes, weights, strict=True))
    )


def _queue_slope(agents: int, load: float) -> float:
    """Derivative of the mean number waiting in Erlang C by the load, every term of it positive.

    Source: B' = B (n / a - 1 + B) for Erlang B (Jagerman 1974), and C = B / (1 - a (1 - B) / n).
    """
    rho, wait = load / agents, waiting_probability(agents, load)
    free = (1.0 - wait) / (1.0 - rho)
    blocked = wait * (1.0 - rho) / (1.0 - rho * wait)
    slope = wait * (free / agents + (1.0 - rho) * (agents / load - 1.0 + blocked) * (free + wait))
    return slope * load / (agents - load) + wait * agents / (agents - load) ** 2


def measures_priority_general(
    *,
    arrival_rates: Sequence[float],
    service_means: Sequence[float],
    service_variances: Sequence[float],
    preemptive: bool = False,
) -> PriorityMeasures:
    """M/G/1 with priorities: one agent, a service law of its own for every class, nobody gives up.

    Args:
        arrival_rates: by class, the most urgent first.
        service_means: mean handle time by class.
        service_variances: variance of the handle time by class.
        preemptive: a more urgent caller interrupts; the interrupted call is resumed where it stopped.

    Raises:
        UnstableQueueError: the load of all classes together reaches 1.
        ParameterError: a value outside its domain.

    Source: Cobham 1954 (non-preemptive); Miller 1960 and Jaiswal 1968 (preemptive-resume).
    """
    lams = _class_rates(arrival_rates)
    means = np.array([_positive("service_means", m) for m in service_means])
    variances = np.array([_number("service_variances", v) for v in service_variances])
    if not lams.size == means.size == variances.size:
        raise ParameterError("arrival_rates, service_means and service_variances must have one entry per class")
    load = np.cumsum(lams * means)
    if load[-1] >= 1:
        raise UnstableQueueError(f"unstable: the load {load[-1]:g} reaches the single agent and nobody gives up")
    idle = 1.0 - np.concatenate(([0.0], load))
    residual = np.cumsum(lams * (means**2 + variances)) / 2.0  # mean work left of the call in service, classes up to k
    if preemptive:
        p_wait = load
        interrupted = means * np.concatenate(([0.0], load[:-1])) / idle[:-1]
        wait = interrupted + residual / (idle[:-1] * idle[1:])
    else:
        p_wait = np.full(lams.size, load[-1])
        wait = residual[-1] / (idle[:-1] * idle[1:])
    return _priority_measures(lams, p_wait, wait, lams * wait, float(load[-1]))


def measures_n_design(
    *,
    agents: tuple[int, int],
    arrival_rates: tuple[float, float],
    service_rate: float,
    abandonment_rates: tuple[float, float] = (0.0, 0.0),
) -> SkillMeasures:
    """Skills routing in the shape of an N: the first class may use both groups, the second class only the second.

    A caller of the first class takes the first group if an agent there is free, else the second. An agent of the second
    group who comes free takes the second class first. Service is exponential and equally fast everywhere.

    Args:
        agents: of the first and the second group, at least 0 and at least 1.
        arrival_rates: of the two classes.
        service_rate: calls that one busy agent finishes per time unit.
        abandonment_rates: 1 ÷ mean patience of the two classes; 0 means that nobody gives up.

    Raises:
        UnstableQueueError: no steady state was found because a queue keeps growing.
        ParameterError: a value outside its domain.

    Source: the stationary vector of the Markov chain (Garnett & Mandelbaum 2000 name the designs), solved directly; the
    queues are cut where less than 1e-13 of the probability lies beyond.
    """
    n1, n2 = _pair("agents", agents)
    group = (_count("agents", n1), _count("agents", n2, least=1))
    lam, theta = _rate_pair("arrival_rates", arrival_rates), _rate_pair("abandonment_rates", abandonment_rates)
    mu = _positive("service_rate", service_rate)
    grows = (lam[1] >= group[1] * mu and theta[1] == 0) or (sum(lam) >= sum(group) * mu and theta == (0.0, 0.0))
    if grows:
        raise UnstableQueueError("unstable: more callers arrive than the agents can serve, and nobody gives up")
    cut = [20, 20]
    while True:
        chain = _NDesign(group, lam, mu, theta, (cut[0], cut[1]))
        p = chain.stationary()
        beyond = chain.mass_at_cut(p)
        if max(beyond) < 1e-13:
            return chain.summary(p)
        cut = [2 * c if b >= 1e-13 else c for c, b in zip(cut, beyond, strict=True)]
        if (cut[0] + group[0]) * (cut[1] + group[1]) > 200_000:
            raise UnstableQueueError("no steady state within reach: a queue keeps growing or patience is very long")


# --- time-varying rates ----------------------------------------------------------------------------------------------


def offered_load(
    times: ArrayLike,
    *,
    arrival_rates: Sequence[float] | Callable[[Array], ArrayLike],
    period: float | None = None,
    service: Any,
) -> Array:
    """M_t/G/inf: the mean number in service at given times if there were always an agent, E N(t).

    Args:
        times: any shape.
        arrival_rates: callers per time unit in consecutive periods from time 0 on, with none before and after; or a
            function from an array of times to rates, which then holds since ever.
        period: length of one period (only with a list of rates).
        service: the service rate of an exponential law, a :class:`simulator.distributions.Law`, or an object with a
            survival function as in :func:`measures_general_patience`.

    Returns:
        float64, the shape of ``times``.

    Raises:
        ParameterError: a value outside its domain.

    Source: Eick, Massey & Whitt 1993: E N(t) is the integral over u of the rate at t - u times P(service > u).
    """
    at = np.asarray(times, dtype=float)
    if not np.all(np.isfinite(at)):
        raise ParameterError("times must be finite")
    memoryless = isinstance(service, (int, float, np.number))
    law = _exponential(_positive("service", service)) if memoryless else _patience(service)
    if callable(arrival_rates):
        return _load_since_ever(at, arrival_rates, law)
    rates = np.array([_number("arrival_rates", r) for r in arrival_rates])
    length = _positive("period", math.nan if period is None else period)
    starts = length * np.arange(rates.size + 1)
    seen = law.truncated_mean(np.maximum(at[..., None] - starts, 0.0))
    return np.asarray((seen[..., :-1] - seen[..., 1:]) @ rates)


def transient(
    *,
    agents: Sequence[int],
    arrival_rates: Sequence[float],
    period: float,
    service_rate: float,
    abandonment_rate: float = 0.0,
    places: int | None = None,
    answer_within: float = 0.0,
    start: int = 0,
) -> TransientMeasures:
    """M_t/M/n_t/K+M: rates and agents constant within periods, from a given number in the system.

    When the agents fall, idle ones leave first; of the busy ones as many as are too many leave, the first to finish
    first, and the others go on. The distribution is followed by uniformisation with Poisson weights that are evaluated
    one by one (the usual recursion from exp(-rate * time) underflows for an hour-long horizon). Without ``places`` the
    queue is cut where less than 1e-13 of the probability lies beyond.

    Args:
        agents: by period, at least 0.
        arrival_rates: by period, callers per time unit.
        period: length of one period.
        service_rate: calls that one busy agent finishes per time unit.
        abandonment_rate: 1 ÷ mean patience; 0 means that nobody gives up.
        places: lines; None for no limit.
        answer_within: the t of the service levels.
        start: callers in the system at time 0.

    Raises:
        ParameterError: a value outside its domain.

    Source: the Kolmogorov forward equations; Jensen 1953 for uniformisation.
    """
    staff = [_count("agents", n) for n in agents]
    lams = [_number("arrival_rates", r) for r in arrival_rates]
    if not staff or len(staff) != len(lams):
        raise ParameterError("agents and arrival_rates must have one entry per period")
    length, mu = _positive("period", period), _positive("service_rate", service_rate)
    theta, room, first = _number("abandonment_rate", abandonment_rate), _places(places), _count("start", start)
    t = _time("answer_within", answer_within)
    if room is not None and first > room:
        raise ParameterError(f"start must not exceed the {room} places, not {first}")
    most = max(*staff, first, math.ceil(max(lams) / mu))
    size = room if room is not None else most + 20 + 4 * math.isqrt(most)
    while True:
        run = _follow(staff, lams, length, mu, theta, size, first)
        if room is not None or run.mass_at_cut < 1e-13:
            return _transient_measures(run, staff, lams, length, mu, theta, room, t)
        size *= 2


# --- least staffing --------------------------------------------------------------------------------------------------


def agents_needed(
    target: Mapping[str, float],
    *,
    arrival_rate: float,
    service_rate: float,
    abandonment_rate: float = 0.0,
    places: int | None = None,
    answer_within: float = 0.0,
    search_limit: int = 1_000_000,
) -> int:
    """The least number of agents with which :func:`measures` meets every bound of ``target``.

    The number is the true minimum, counted from 1 upwards (0 when nobody calls). Bisection is used only for measures
    that are proven to move one way; the others are tried number by number.

    *Proof.* Write V for the virtual wait of callers who are let in. From n to n + 1 agents its atom at 0 (relative to
    the state with one free agent) grows, and its density is multiplied by ``exp(-mu x)`` times a ratio of truncated
    exponential sums, both decreasing in x. So V becomes smaller in the likelihood ratio order, and with it V given that
    the caller is served, V given that it is positive, and the wait of those who give up. The queue length becomes
    smaller too, hence ``e_queue``, ``e_wait`` and, with exponential patience, ``p_abandon``. Without a limit on places
    this covers every measure except occupancy. With a limit the blocked share must fall as well, which holds if
    patience is at least as long as handle time (every death rate of the chain then grows with n); if it is shorter,
    measures that contain that share are tried one by one. As for occupancy, it is the carried load c that grows, so
    that all numbers below c ÷ bound can be skipped.

    Args:
        target: bounds by measure name: service levels (``sl_...``) are at least, all others at most their bound.
            A measure that is NaN (the wait of waiting callers where nobody can wait) counts as met.
            A bound that is only approached (a service level of 100 %) is refused.
        arrival_rate: callers per time unit.
        service_rate: calls that one busy agent finishes per time unit.
        abandonment_rate: 1 ÷ mean patience; 0 means that nobody gives up.
        places: lines, the same number for every number of agents; agents beyond it only lower the occupancy.
        answer_within: the t of the service levels.
        search_limit: largest number of agents to consider.

    Raises:
        ParameterError: an unknown measure, a value outside its domain, or a target that no number of agents meets.
    """
    known = [f.name for f in fields(Measures)]
    if not target:
        raise ParameterError("target names no measure")
    bounds: dict[str, float] = {}
    for name, bound in target.items():
        if name not in known:
            guess = nearest(name, known)
            raise ParameterError(f"unknown measure {name!r}" + (f"; did you mean {guess!r}?" if guess else ""))
        bounds[name] = _number(f"target {name}", bound)
        if bounds[name] > 1 and not name.startswith("e_"):
            raise ParameterError(f"target {name} is a share and must not exceed 1, not {bound}")
    lam, mu = _number("arrival_rate", arrival_rate), _positive("service_rate", service_rate)
    theta, room = _number("abandonment_rate", abandonment_rate), _places(places)
    limit = _count("search_limit", search_limit, least=1)
    _time("answer_within", answer_within)
    if lam == 0:
        return 0
    for name, bound in bounds.items():
        if _never_reached(name, bound, room, theta):
            raise ParameterError(f"no number of agents meets {name} {bound:g}: it is approached and never reached")

    @functools.cache
    def at(n: int) -> Measures | None:
        try:
            return measures(
                agents=n,
                arrival_rate=lam,
                service_rate=mu,
                abandonment_rate=theta,
                places=room,
                answer_within=answer_within,
            )
        except UnstableQueueError:
            return None

    def unmet(n: int, names: Iterable[str]) -> list[str]:
        found = at(n)
        return list(names) if found is None else [m for m in names if not _meets(m, getattr(found, m), bounds[m])]

    proven = [name for name in bounds if _one_way(name, room, theta <= mu)]
    # n agents serve at most n ÷ load of the callers: fewer than this need not be tried.
    first = max(1, math.floor(min(bounds.get("sl_served_over_offered", 0.0) * lam / mu * (1 - 1e-12), limit)))
    if proven:
        last = limit if room is None else min(room, limit)
        first = max(first, _bisect(lambda n: not unmet(n, proven), math.ceil(min(lam / mu, last)), last))
    n = first
    while n <= limit:
        missed = unmet(n, bounds)
        if not missed:
            return n
        if room is not None and n >= room and missed != ["occupancy"]:
            break  # beyond the places further agents change nothing but occupancy
        n += 1
        reached = at(n - 1)
        if "occupancy" in missed and reached is not None and _carried_load_grows(room, theta <= mu):
            carried, bound = reached.occupancy * (n - 1), bounds["occupancy"]
            n = max(n, math.ceil(carried / bound * (1 - 1e-12)) if carried < bound * limit else limit + 1)
    wanted = ", ".join(f"{m} {'>=' if m.startswith('sl_') else '<='} {bounds[m]:g}" for m in bounds)
    last = min(n, limit)
    reached = at(last)
    best = ", ".join(f"{m} {getattr(reached, m):.6g}" for m in unmet(last, bounds)) if reached else "unstable"
    raise ParameterError(f"no number of agents up to {limit} meets {wanted}; with {last}: {best}")


def heads_for(agents: float, shrinkage: float) -> int:
    """Heads on the payroll so that ``agents`` are at work: the ceiling of agents ÷ (1 − shrinkage), exactly.

    Binary fractions are read as the simple fractions they stand for (0.3, and 0.1 + 0.2, are 3/10), so that 21 agents
    at 30 % are 30 heads and not 31.

    Args:
        agents: at least 0; may be a mean, such as 20.5.
        shrinkage: share of paid time not at work, at least 0 and below 1.

    Raises:
        ParameterError: a value outside its domain.
    """
    present, lost = _number("agents", agents), _number("shrinkage", shrinkage)
    if lost >= 1:
        raise ParameterError(f"shrinkage is a share below 1, not {shrinkage}")
    exact = [Fraction(value).limit_denominator(10**9) for value in (present, lost)]
    return math.ceil(exact[0] / (1 - exact[1]))


def _never_reached(name: str, bound: float, places: int | None, theta: float) -> bool:
    """Whether the bound is the limit for ever more agents, which only rounding would seem to reach."""
    if places is not None:
        return (bound == 1 and name in _WITH_BLOCKED) or (bound == 0 and name in ("p_block", "occupancy"))
    if bound > 0:
        return bound == 1 and name.startswith("sl_")
    return name != "p_block" and not (theta == 0 and "abandon" in name)


def _meets(name: str, value: float, bound: float) -> bool:
    if math.isnan(value):
        return True
    return value >= bound if name.startswith("sl_") else value <= bound


_WITHOUT_BLOCKED = frozenset(  # given that the caller was let in, or proven through the queue length
    {
        "e_queue",
        "e_wait",
        "p_abandon",
        "e_wait_served",
        "e_wait_abandoned",
        "e_wait_given_wait",
        "sl_served_over_served",
    }
)
_WITH_BLOCKED = frozenset(
    {"p_block", "sl_served_over_offered", "sl_excl_short_abandons", "sl_incl_short_abandons", "sl_virtual"}
)


def _one_way(name: str, places: int | None, patient: bool) -> bool:
    """Whether the measure is proven to improve with every agent (the proof is at :func:`agents_needed`)."""
    if name == "occupancy":
        return False
    return places is None or name in _WITHOUT_BLOCKED or (patient and name in _WITH_BLOCKED)


def _carried_load_grows(places: int | None, patient: bool) -> bool:
    return places is None or patient


def _bisect(holds: Callable[[int], bool], guess: int, limit: int) -> int:
    """The least n in 1..limit at which ``holds``, which must stay true once true; ``limit`` if it never holds."""
    low, high = 0, min(max(guess, 1), limit)
    step = math.isqrt(high) + 1
    if holds(high):
        while high - step > low and holds(high - step):
            high, step = high - step, 2 * step
        low = max(high - step, low)
    else:
        while not holds(high):
            if high == limit:
                return limit
            low, high, step = high, min(high + step, limit), 2 * step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


# --- patience laws ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Patience:
    """A law of patience by the functions that the waiting-time density asks for, each elementwise over an array.

    Attributes:
        sf: P(R > x).
        cdf: P(R <= x), with the digits of small values (1 - sf has lost them).
        between: (t, x) to P(t < R <= x).
        time_lost: E[R; R <= x].
        truncated_mean: H(x) = E min(R, x), the integral of sf over [0, x].
        bend: (r, d) to H(r + d) - H(r) - sf(r) d: what is left of H after its tangent at r.
        kinks: sorted points where sf has a jump or a corner.
        mean: E[R], inf if some never give up.
        tolerance: of the quadrature, by the smoothness of sf.
    """

    sf: Callable[[Array], Array]
    cdf: Callable[[Array], Array]
    between: Callable[[float, Array], Array]
    time_lost: Callable[[Array], Array]
    truncated_mean: Callable[[Array], Array]
    bend: Callable[[float, Array], Array]
    kinks: tuple[float, ...]
    mean: float
    tolerance: float = _PLAIN


def _one(function: Callable[[Array], Array], x: float) -> float:
    return float(function(np.array([x]))[0])


def _law(
    sf: Callable[[Array], Any],
    cdf: Callable[[Array], Any],
    time_lost: Callable[[Array], Any],
    mean: float,
    kinks: Iterable[float] = (),
) -> _Patience:
    def between(t: float, x: Array) -> Array:
        low = _one(cdf, t)
        return np.asarray(np.maximum(cdf(x) - low if low < 0.5 else _one(sf, t) - sf(x), 0.0))

    def truncated_mean(x: Array) -> Array:
        return np.asarray(x * sf(x) + time_lost(x))

    def bend(r: float, d: Array) -> Array:
        return np.asarray(truncated_mean(r + d) - _one(truncated_mean, r) - _one(sf, r) * d)

    return _Patience(sf, cdf, between, time_lost, truncated_mean, bend, tuple(sorted(kinks)), mean)


def _remainder(z: Array) -> Array:
    """(exp(-z) - 1 + z) / z², without cancellation near 0."""
    result = np.empty_like(z)
    small = np.abs(z) < 0.01
    y, big = z[small], z[~small]
    series = np.full_like(y, 1.0 / 40320.0)
    for coefficient in (-1.0 / 5040.0, 1.0 / 720.0, -1.0 / 120.0, 1.0 / 24.0, -1.0 / 6.0, 0.5):
        series *= y
        series += coefficient
    result[small] = series
    with np.errstate(over="ignore"):
        result[~small] = (np.expm1(-big) + big) / (big * big)
    return result


def _constant(value: float) -> Callable[[Array], Array]:
    return lambda x: np.full_like(x, value)


_ENDLESS = _Patience(
    sf=_constant(1.0),
    cdf=_constant(0.0),
    between=lambda t, x: np.zeros_like(x),
    time_lost=_constant(0.0),
    truncated_mean=lambda x: x,
    bend=lambda r, d: np.zeros_like(d),
    kinks=(),
    mean=math.inf,
    tolerance=_ANALYTIC,
)


def _exponential(rate: float) -> _Patience:
    def time_lost(x: Array) -> Array:  # (1 - (1 + z) exp(-z)) / rate, whose leading terms cancel for small z
        z = rate * x
        small = z < 0.5
        y = np.where(small, z, 0.0)
        left = np.exp(-np.minimum(z, 800.0))
        return np.where(small, left * y * y * _remainder(-y), 1.0 - left * (1.0 + np.minimum(z, 800.0))) / rate

    def between(t: float, x: Array) -> Array:
        return -math.exp(-rate * t) * np.expm1(-rate * np.maximum(x - t, 0.0))

    def bend(r: float, d: Array) -> Array:
        return -math.exp(-rate * r) * rate * d * d * _remainder(rate * d)

    return _Patience(
        sf=lambda x: np.exp(-rate * x),
        cdf=lambda x: -np.expm1(-rate * x),
        between=between,
        time_lost=time_lost,
        truncated_mean=lambda x: -np.expm1(-rate * x) / rate,
        bend=bend,
        kinks=(),
        mean=1.0 / rate,
        tolerance=_ANALYTIC,
    )


def _memoryless(rate: float) -> _Patience:
    return _exponential(rate) if rate > 0 else _ENDLESS


def _mixture(parts: Sequence[tuple[float, _Patience]]) -> _Patience:
    def mixed(pick: Callable[[_Patience], Callable[..., Array]]) -> Callable[..., Array]:
        return lambda *x: cast(Array, sum(weight * pick(part)(*x) for weight, part in parts))

    return _Patience(
        sf=mixed(lambda part: part.sf),
        cdf=mixed(lambda part: part.cdf),
        between=mixed(lambda part: part.between),
        time_lost=mixed(lambda part: part.time_lost),
        truncated_mean=mixed(lambda part: part.truncated_mean),
        bend=mixed(lambda part: part.bend),
        kinks=tuple(sorted({kink for _, part in parts for kink in part.kinks})),
        mean=sum(weight * part.mean for weight, part in parts),
        tolerance=min(part.tolerance for _, part in parts),
    )


def _thinned(law: _Patience, zero: float) -> _Patience:
    """``law`` with an atom at zero of the given share."""
    never = _Patience(
        sf=_constant(0.0),
        cdf=_constant(1.0),
        between=lambda t, x: np.zeros_like(x),
        time_lost=_constant(0.0),
        truncated_mean=_constant(0.0),
        bend=lambda r, d: np.zeros_like(d),
        kinks=(),
        mean=0.0,
        tolerance=_ANALYTIC,
    )
    return never if zero >= 1.0 else _mixture([(zero, never), (1.0 - zero, law)])


def _law_of(source: Mapping[str, Any]) -> Law:
    """A law as a scenario writes it, in plain numbers: ``{"weibull": {"mean": 3.0, "shape": 1.2}}``."""
    family, parameters = next(iter(source.items()), ("", None))
    make = getattr(distributions, family, None) if family in distributions.FAMILIES else None
    if len(source) != 1 or make is None:
        allowed = ", ".join(distributions.FAMILIES)
        raise ParameterError(f"patience must be one law of {allowed}, not {dict(source)!r}")
    given = dict(parameters) if isinstance(parameters, Mapping) else {}
    zero = given.pop("zero", 0.0)
    try:
        law: Law = make(**given) if isinstance(parameters, Mapping) else make(parameters)
        return distributions.with_zero(law, zero) if zero else law
    except (TypeError, ValueError) as error:
        raise ParameterError(f"patience: {error}") from None


def _patience(source: Any) -> _Patience:
    """The functions of a Law, of an object with a survival function, or of the survival function itself."""
    if isinstance(source, _Patience):
        return source
    if isinstance(source, Law):
        body = replace(source, zero=0.0)
        inner = _named(body.family, body.scale, body.shape) or _numeric(body, body.scale, _corners(body))
        return _thinned(inner, source.zero) if source.zero else inner
    if isinstance(source, Mapping):
        return _patience(_law_of(source))
    return _numeric(source, None, tuple(float(k) for k in getattr(source, "kinks", ())))


def _named(family: str, mean: float, shape: tuple[float, ...]) -> _Patience | None:
    """Closed forms for the families that have them. ``shape`` belongs to the law of mean 1, as in Law."""
    if family == "exponential":
        return _exponential(1.0 / mean)
    if family == "hyperexponential":
        parts = zip(shape[::2], shape[1::2], strict=True)
        return _mixture([(p, _exponential(1.0 / (m * mean))) for p, m in parts if p > 0])
    if family == "deterministic" or (family == "empirical" and len(shape) == 1):
        return _law(
            sf=lambda x: np.where(x < mean, 1.0, 0.0),
            cdf=lambda x: np.where(x < mean, 0.0, 1.0),
            time_lost=lambda x: np.where(x < mean, 0.0, mean),
            mean=mean,
            kinks=(mean,),
        )
    if family == "uniform":
        low, high = shape[0] * mean, shape[1] * mean
        width = high - low
        return _law(
            sf=lambda x: np.clip((high - x) / width, 0.0, 1.0),
            cdf=lambda x: np.clip((x - low) / width, 0.0, 1.0),
            time_lost=lambda x: (np.clip(x, low, high) - low) * (np.clip(x, low, high) + low) / (2.0 * width),
            mean=mean,
            kinks=(low, high),
        )
    if family == "gamma":
        from scipy.special import gammainc, gammaincc

        k = shape[0]
        return _law(
            sf=lambda x: gammaincc(k, x * (k / mean)),
            cdf=lambda x: gammainc(k, x * (k / mean)),
            time_lost=lambda x: mean * gammainc(k + 1.0, x * (k / mean)),
            mean=mean,
        )
    if family == "weibull":
        from scipy.special import gammainc

        k = shape[0]
        scale = mean / math.gamma(1.0 + 1.0 / k)

        def hazard(x: Array) -> Array:
            with np.errstate(over="ignore"):
                return np.asarray((x / scale) ** k)

        return _law(
            sf=lambda x: np.exp(-hazard(x)),
            cdf=lambda x: -np.expm1(-hazard(x)),
            time_lost=lambda x: mean * gammainc(1.0 + 1.0 / k, hazard(x)),
            mean=mean,
        )
    if family == "lognormal":
        from scipy.special import ndtr

        sigma = shape[0]
        middle = math.log(mean) - sigma * sigma / 2.0

        def score(x: Array) -> Array:
            with np.errstate(divide="ignore"):
                return (np.log(x) - middle) / sigma

        return _law(
            sf=lambda x: ndtr(-score(x)),
            cdf=lambda x: ndtr(score(x)),
            time_lost=lambda x: mean * ndtr(score(x) - sigma),
            mean=mean,
        )
    if family == "empirical":
        return _polygon(np.asarray(shape) * mean)
    return None


def _polygon(values: Array) -> _Patience:
    """The law whose quantiles join the sorted values by straight lines."""
    levels = np.linspace(0.0, 1.0, values.size)
    gained = np.concatenate(([0.0], np.cumsum(np.diff(levels) * (values[1:] + values[:-1]) / 2.0)))

    def cdf(x: Array) -> Array:
        return np.interp(x, values, levels)

    def time_lost(x: Array) -> Array:
        here = np.clip(np.searchsorted(values, x, side="right") - 1, 0, values.size - 1)
        y = np.clip(x, values[0], values[-1])
        return gained[here] + (cdf(x) - levels[here]) * (y + values[here]) / 2.0

    return _law(lambda x: 1.0 - cdf(x), cdf, time_lost, float(gained[-1]), kinks=np.unique(values).tolist())


def _corners(law: Law) -> tuple[float, ...]:
    return tuple(point * law.scale for point in law.shape) if law.family == "triangular" else ()


def _numeric(source: Any, scale: float | None, kinks: tuple[float, ...]) -> _Patience:
    """A law from its survival function alone: the integral of it is tabulated on half octaves."""
    survival = getattr(source, "survival", None) or getattr(source, "sf", None) or source
    if not callable(survival):
        raise ParameterError(f"patience must be a law or have a survival function, not {source!r}")

    def sf(x: Array) -> Array:
        with np.errstate(over="ignore"):  # it is also asked about times beyond any life
            return np.asarray(survival(x), dtype=float)

    ladder = np.exp2(np.arange(-400, 401) / 4.0)
    probe = sf(ladder if scale is None else scale * ladder)
    if np.any(~(probe >= 0.0)) or np.any(probe > 1.0) or np.any(np.diff(probe) > 1e-12):
        raise ParameterError("a survival function must fall from at most 1 to at least 0")
    start = probe[0]
    if scale is None:
        scale = float(ladder[min(int(np.searchsorted(-probe, -start / 2.0)), ladder.size - 1)]) if start > 0 else 1.0
    edges = np.unique(np.concatenate(([0.0], scale * np.exp2(np.arange(-120, 121) / 2.0), kinks)))
    edges = edges[edges >= 0.0]
    nodes, weights, _ = _gauss()

    def area(low: Array, high: Array) -> Array:
        half = (high - low) / 2.0
        return np.asarray(half * (sf(low[..., None] + half[..., None] * (1.0 + nodes)) @ weights))

    table = np.concatenate(([0.0], np.cumsum(area(edges[:-1], edges[1:]))))

    def truncated_mean(x: Array) -> Array:
        y = np.minimum(x, edges[-1])
        here = np.clip(np.searchsorted(edges, y, side="right") - 1, 0, edges.size - 1)
        return np.asarray(table[here] + area(edges[here], y) + (x - y) * sf(x))

    own_cdf = getattr(source, "cdf", None)

    def cdf(x: Array) -> Array:
        return np.asarray(own_cdf(x), dtype=float) if callable(own_cdf) else 1.0 - sf(x)

    endless = _one(sf, float(edges[-1])) > 1e-12
    return _law(
        sf=sf,
        cdf=cdf,
        time_lost=lambda x: np.maximum(truncated_mean(x) - x * sf(x), 0.0),
        mean=math.inf if endless else float(table[-1]),
        kinks=kinks,
    )


# --- the waiting-time density and its integrals ----------------------------------------------------------------------

# Rows of the integrals of the density f of the virtual wait, each over a stretch of waits x.
_SHARE, _LOST, _SERVED, _SERVED_TIME, _LOST_TIME, _VIRTUAL_TIME, _LOST_LATE = range(7)


@dataclass(frozen=True)
class _Split:
    """Where offered callers go, as weights on a common scale (their sum is not 1, and ``free`` may be infinite).

    Attributes:
        free: a free agent.
        block: all places taken.
        before: integrals over virtual waits up to t, rows as above.
        after: the same beyond t.
        lost_by_t: P(R <= t).
    """

    free: float
    block: float
    before: Array
    after: Array
    lost_by_t: float

    @property
    def total(self) -> float:
        return self.free + self.block + float(self.before[_SHARE] + self.after[_SHARE])

    @property
    def p_free(self) -> float:
        busy = self.block + float(self.before[_SHARE] + self.after[_SHARE])
        return 1.0 / (1.0 + busy / self.free) if self.free > 0 else 0.0

    @property
    def p_served(self) -> float:
        return self.p_free + float(self.before[_SERVED] + self.after[_SERVED]) / self.total

    def states(self, rates: Array, lam: float) -> Array:
        """Probability of 0, 1, .., N - 1 and of at least N busy slots; state j has the death rate rates[j - 1]."""
        if lam == 0:
            below = np.where(np.arange(rates.size) == 0, 1.0, 0.0)
        else:
            log = np.concatenate(([0.0], np.cumsum(np.log(rates[-2::-1] / lam))))[::-1]
            below = np.exp(log - log.max())
        chance = self.p_free * below / below.sum()
        return np.append(chance, 1.0 - self.p_free)


def _calls(
    agents: int,
    arrival_rate: float,
    service_rate: float,
    patience: _Patience,
    places: int | None,
    answer_within: float,
) -> Measures:
    n, lam = _count("agents", agents), _number("arrival_rate", arrival_rate)
    mu, t, room = _positive("service_rate", service_rate), _time("answer_within", answer_within), _places(places)
    if n == 0:
        return _unmanned(lam, patience, room, t)
    slots = n if room is None else min(n, room)
    if lam > _MOST_LOAD * mu * slots:
        raise ParameterError(
            f"arrival_rate {lam:g} is more than {_MOST_LOAD:g} times what the agents serve ({mu * slots:g}):"
            " digits do not suffice to tell who is answered"
        )
    split = _split(np.arange(1.0, slots + 1.0) * mu, lam, patience, None if room is None else room - slots, t)
    return _summary(split, lam, lam / mu * split.p_served / n)


def _summary(split: _Split, lam: float, occupancy: float) -> Measures:
    """Shares and means from the weights; a mean over some callers does not pass through their share, which may be 0.

    Shares that are sums are kept from exceeding 1 by a rounding error.
    """
    b, a = split.before.tolist(), split.after.tolist()
    served, lost, total = b[_SERVED] + a[_SERVED], b[_LOST] + a[_LOST], split.total
    served_time, lost_time = b[_SERVED_TIME] + a[_SERVED_TIME], b[_LOST_TIME] + a[_LOST_TIME]
    waiting, waiting_time = b[_SHARE] + a[_SHARE], served_time + lost_time
    lost_early = b[_LOST] + split.lost_by_t * a[_SHARE]
    good, p_good = split.free + b[_SERVED], min(split.p_free + b[_SERVED] / total, 1.0)
    return Measures(
        p_block=split.block / total,
        p_wait=waiting / total,
        p_abandon=min(lost / total, 1.0),
        p_abandon_within_t=min(lost_early / total, 1.0),
        p_abandon_excl_short=_share(a[_LOST_LATE], good + a[_SERVED] + split.block),
        e_wait=waiting_time / total,
        e_wait_served=_ratio(served_time, split.free + served),
        e_wait_abandoned=_ratio(lost_time, lost),
        e_wait_given_wait=_ratio(waiting_time, waiting),
        e_wait_virtual=(b[_VIRTUAL_TIME] + a[_VIRTUAL_TIME]) / total,
        e_queue=lam * (waiting_time / total),
        occupancy=min(occupancy, 1.0),
        sl_served_over_offered=p_good,
        sl_excl_short_abandons=_share(good, a[_SERVED] + a[_LOST_LATE] + split.block),
        sl_served_over_served=_share(good, a[_SERVED]),
        sl_incl_short_abandons=min(p_good + lost_early / total, 1.0),
        sl_virtual=min(split.p_free + b[_SHARE] / total, 1.0),
    )


def _ratio(numerator: float, denominator: float) -> float:
    return float(numerator / denominator) if denominator > 0 else _NAN


def _share(part: float, rest: float) -> float:
    """part ÷ (part + rest), for an infinite part too."""
    if part > 0:
        return float(1.0 / (1.0 + rest / part))
    return 0.0 if rest > 0 else _NAN


def _unmanned(lam: float, patience: _Patience, room: int | None, t: float) -> Measures:
    """No agents: everybody waits until patience ends. With K places this is M/G/K/K, whose loss needs only the mean."""
    if lam > 0 and math.isinf(patience.mean):
        raise UnstableQueueError("unstable: there are no agents and nobody gives up")
    block = 0.0 if room is None else blocking(room, lam * patience.mean) if lam > 0 else 0.0
    let_in, early, late = 1.0 - block, _one(patience.cdf, t), _one(patience.sf, t)
    wait = let_in * patience.mean
    return Measures(
        p_block=block,
        p_wait=let_in,
        p_abandon=let_in if math.isfinite(wait) else 0.0,
        p_abandon_within_t=let_in * early,
        p_abandon_excl_short=_share(let_in * late, block) if math.isfinite(wait) else 0.0,
        e_wait=wait,
        e_wait_served=_NAN,
        e_wait_abandoned=patience.mean,
        e_wait_given_wait=patience.mean,
        e_wait_virtual=math.inf,
        e_queue=lam * wait if lam > 0 else 0.0,
        occupancy=_NAN,
        sl_served_over_offered=0.0,
        sl_excl_short_abandons=_share(0.0, block + let_in * late),
        sl_served_over_served=_NAN,
        sl_incl_short_abandons=let_in * early,
        sl_virtual=0.0,
    )


def _idle_weight(rates: Array, lam: float) -> float:
    """Probability of all states below the top of a birth-death chain and the top itself, relative to the top.

    ``rates`` are the death rates of the states 1, 2, ..; births come at rate ``lam``. All terms are positive, so that
    nothing cancels; the result is inf where it exceeds the largest double.
    """
    with np.errstate(over="ignore", divide="ignore", under="ignore"):
        return 1.0 + float(np.cumprod(rates[::-1] / lam).sum())


def _split(
    rates: Array,
    lam: float,
    patience: _Patience,
    room: int | None,
    t: float,
    bottomless: bool = False,
) -> _Split:
    """Weights of all outcomes for a birth-death chain with death rate ``rates[j-1]`` in state j and waiting beyond.

    Args:
        rates: death rates of the states 1, 2, .., N; in state N all slots are busy and arrivals wait.
        lam: arrival rate.
        patience: law of patience.
        room: how many may wait; None for no limit.
        t: the answer-within time.
        bottomless: no state below N exists (work that never runs out fills every slot).
    """
    drain = float(rates[-1])
    lost_by_t = _one(patience.cdf, t)
    idle = 0.0 if bottomless else math.inf if lam == 0 else _idle_weight(rates[:-1], lam) / lam
    if room == 0:
        return _Split(idle, 1.0 / drain if lam > 0 else 0.0, np.zeros(7), np.zeros(7), lost_by_t)
    if room is None and lam * _one(patience.sf, 1e300) >= drain:
        raise UnstableQueueError(
            f"unstable: callers who never give up arrive at rate {lam:g}, the agents serve at most {drain:g}; "
            "the queue grows without limit"
        )
    if room is None and patience is _ENDLESS:
        return _Split(idle, 0.0, *_exponential_wait(drain - lam, t), lost_by_t)
    density = _Density(lam, drain, patience, room)
    before, after, block, offset = density.integrals(t)
    free = idle * math.exp(offset) if offset < 700.0 else math.inf if idle > 0 else 0.0
    return _Split(free, block, before, after, lost_by_t)


def _exponential_wait(rate: float, t: float) -> tuple[Array, Array]:
    """The rows over [0, t] and beyond for the density exp(-rate x), where nobody gives up."""
    left = math.exp(-rate * t)
    share, time = -math.expm1(-rate * t) / rate, 1.0 / rate / rate
    late_share, late_time = left / rate, left * (t / rate + time) if left > 0 else 0.0
    before, after = np.zeros(7), np.zeros(7)
    before[[_SHARE, _SERVED]], before[[_SERVED_TIME, _VIRTUAL_TIME]] = share, time - late_time
    after[[_SHARE, _SERVED]], after[[_SERVED_TIME, _VIRTUAL_TIME]] = late_share, late_time
    return before, after


class _Density:
    """The density of the virtual wait, kept as a logarithm relative to its own peak.

    The exponent lambda H(x) - drain x is anchored at the peak r: with patience of a million handle times both terms are
    a billion times their difference, and only (lambda S(r) - drain) d + lambda bend(r, d), with d = x - r, keeps the
    digits.
    """

    def __init__(self, lam: float, drain: float, patience: _Patience, room: int | None) -> None:
        self.lam, self.drain, self.patience, self.room = lam, drain, patience, room
        self.anchor, self.slope = 0.0, lam * _one(patience.sf, 0.0) - drain
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            peak = _peak(self.log, 1.0 / drain)
            self.height = _one(self.exponent, peak)  # above the exponent at 0, where the free states join
            self.anchor, self.slope = peak, lam * _one(patience.sf, peak) - drain

    def exponent(self, x: Array) -> Array:
        """lambda H(x) - drain x, relative to the anchor."""
        d = x - self.anchor
        return self.slope * d + self.lam * self.patience.bend(self.anchor, d)

    def log(self, x: Array) -> Array:
        """Logarithm of the density of being let in with virtual wait x."""
        if self.room is None:
            return self.exponent(x)
        return self.exponent(x) + _log_poisson_cdf(self.room, self.lam * self.patience.truncated_mean(x))

    def log_blocked(self, x: Array) -> Array:
        """Logarithm of a function whose integral is the weight of the blocked: the density of ``room`` waiting."""
        assert self.room is not None
        return self.exponent(x) + _log_poisson(self.room, self.lam * self.patience.truncated_mean(x))

    def integrals(self, t: float) -> tuple[Array, Array, float, float]:
        """Rows up to t, rows beyond t, weight of the blocked, and the logarithm of the factor for the free states."""
        scale = 1.0 / self.drain
        top = _one(self.log, self.anchor)

        def rows(x: Array) -> Array:
            sf = self.patience.sf(x)
            late = self.patience.between(t, x)
            return np.stack([np.ones_like(x), self.patience.cdf(x), sf, x * sf, self.patience.time_lost(x), x, late])

        def part(low: float, high: float) -> Array:
            nearest_to_peak = min(max(self.anchor, low), high)
            return _integrate_log_concave(self.log, rows, low, high, nearest_to_peak, top, scale, self.patience)

        with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
            before = part(0.0, t) if t > 0 else np.zeros(7)
            after = part(t, math.inf) if math.isfinite(t) else np.zeros(7)
            block = 0.0
            if self.room is not None and self.lam > 0:
                peak = _peak(self.log_blocked, scale)
                weight = _integrate_log_concave(self.log_blocked, _ones, 0.0, math.inf, peak, top, scale, self.patience)
                block = float(weight[0])
        return before, after, block, -self.height - top


def _ones(x: Array) -> Array:
    return np.ones((1, *x.shape))


def _peak(log: Callable[[Array], Array], scale: float) -> float:
    """A point within a fraction of a unit of the highest value of a concave function on [0, inf)."""
    x = np.concatenate(([0.0], scale * _LADDER))
    while True:
        value = log(x)
        value = np.where(np.isnan(value), -np.inf, value)
        best = int(np.argmax(value))
        low, high = max(best - 1, 0), min(best + 1, x.size - 1)
        if value[best] - min(value[low], value[high]) < 0.5 or x[high] - x[low] <= 1e-15 * x[high]:
            return float(x[best])
        x = np.linspace(x[low], x[high], 17)


def _integrate_log_concave(
    log: Callable[[Array], Array],
    rows: Callable[[Array], Array],
    low: float,
    high: float,
    peak: float,
    top: float,
    scale: float,
    patience: _Patience,
) -> Array:
    """Integrals over [low, high] of exp(log(x) - top) times each row, where ``log`` is concave and highest at ``peak``.

    Panels start from the peak in steps of the width over which the density falls by a factor e, and reach to where it
    has fallen below every double.
    """
    base = _one(log, peak)
    down = _steps(lambda d: base - log(peak - d), peak - low, scale)[:0:-1]
    up = _steps(lambda d: base - log(peak + d), high - peak, scale)[1:]
    edges = np.concatenate((peak - down, [peak], peak + up))
    inside, width = np.array(patience.kinks), float(np.max(np.diff(edges), initial=0.0))
    if 0 < patience.mean < width:  # most callers may give up within one panel, between its nodes
        inside = np.append(inside, patience.mean * 4.0 ** np.arange(-4.0, math.log(width / patience.mean, 4.0)))
    if inside.size:
        edges = np.unique(np.concatenate((edges, inside[(inside > edges[0]) & (inside < edges[-1])])))
    if base - top < -_DROP:
        return np.zeros(rows(np.array([peak])).shape[0])
    return math.exp(base - top) * _integrate(lambda x: np.exp(log(x) - base) * rows(x), edges, patience.tolerance)


def _steps(drop: Callable[[Array], Array], reach: float, scale: float) -> Array:
    """Distances from a peak at which panels end, at most ``reach``."""
    if reach <= 0:
        return np.zeros(1)
    ladder = scale * _LADDER
    ladder = np.append(ladder[ladder < reach], min(reach, ladder[-1]))
    fallen = drop(ladder)
    width = ladder[min(int(np.searchsorted(fallen, 1.0)), ladder.size - 1)]
    end = ladder[min(int(np.searchsorted(fallen, _DROP)), ladder.size - 1)]
    steps = [0.0, 1.0, 2.0, 3.0]
    while steps[-1] * width < end:
        steps.append(steps[-1] * 1.5)
    return np.append(width * np.array([s for s in steps if s * width < end]), end)


@functools.cache
def _gauss() -> tuple[Array, Array, Array]:
    """Nodes and weights of the 16-point rule, and what maps values at the nodes to Legendre coefficients 14 and 15."""
    nodes, weights = np.polynomial.legendre.leggauss(16)
    polynomials = np.polynomial.legendre.legvander(nodes, 15)[:, 14:]
    return nodes, weights, polynomials * weights[:, None] * np.array([14.5, 15.5])


def _integrate(function: Callable[[Array], Array], edges: Array, tolerance: float) -> Array:
    """Integrals of every row of ``function`` over the panels between ``edges``, halving the panels that need it.

    A panel is done when the last Legendre coefficients of every row are below ``tolerance`` of the row's total. For an
    analytic function coefficients fall geometrically and the error of the rule is of the order of their square.

    ``function`` maps nodes of shape (panels, 16) to values of shape (rows, panels, 16).
    """
    nodes, weights, last = _gauss()
    low, high = edges[:-1], edges[1:]
    done: Array | float = 0.0
    for _ in range(60):
        half = (high - low) / 2.0
        values = function(low[:, None] + half[:, None] * (1.0 + nodes))
        found, rest = half * (values @ weights), half * np.abs(values @ last).sum(axis=-1)
        total = done + found.sum(axis=1)
        again = np.any(rest > tolerance * np.abs(total)[:, None], axis=0)
        if not np.any(again) or low.size > 100_000:
            break
        done = done + found[:, ~again].sum(axis=1)
        middle = (low[again] + high[again]) / 2.0
        low, high = np.concatenate((low[again], middle)), np.concatenate((middle, high[again]))
    return np.asarray(total)


def _log_poisson(k: int, y: Array) -> Array:
    """Logarithm of exp(-y) y^k / k!, by the saddle point form (Loader 2000), which keeps digits for large k."""
    if k == 0:
        return -y
    if k < 16:
        return k * np.log(y) - y - math.lgamma(k + 1.0)
    stirling = (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - 1.0 / (1680.0 * k * k)) / (k * k)) / (k * k)) / k
    u = (y - k) / k
    return -k * (u - np.log1p(u)) - stirling - 0.5 * math.log(2.0 * math.pi * k)


def _log_poisson_cdf(m: int, y: Array) -> Array:
    """Logarithm of P(Poisson(y) < m), m at least 1, also where the probability is below every double."""
    from scipy.special import gammaincc

    chance = gammaincc(float(m), y)
    far = chance < 1e-200
    result = np.log(np.where(far, 1.0, chance))
    if np.any(far):
        # Legendre's continued fraction for the incomplete gamma function, from the bottom up: all terms are positive.
        z = y[far]
        depth = min(12, m - 1)  # ample 30 standard deviations above the mean
        fraction = z + 2.0 * depth + 1.0 - m
        for k in range(depth, 0, -1):
            fraction = z + 2.0 * k - 1.0 - m + k * (m - k) / fraction
        result[far] = _log_poisson(m - 1, z) + np.log(z / fraction)
    return result


# --- chains and runs -------------------------------------------------------------------------------------------------


def _priority_measures(lams: Array, p_wait: Array, wait: Array, queue: Array, occupancy: float) -> PriorityMeasures:
    total = float(lams.sum())
    return PriorityMeasures(
        p_wait=float(lams @ p_wait) / total if total > 0 else _NAN,
        p_wait_by_class=tuple(p_wait.tolist()),
        e_wait=float(queue.sum()) / total if total > 0 else _NAN,
        e_wait_by_class=tuple(wait.tolist()),
        e_queue_by_class=tuple(queue.tolist()),
        occupancy=occupancy,
    )


class _NDesign:
    """The Markov chain of the N design on (x, y): callers at group 1 or in queue 1, callers at group 2 or in queue 2.

    Class 1 waits only while both groups are full: no state has x above the first group and y below the second.
    """

    def __init__(
        self,
        agents: tuple[int, int],
        lam: tuple[float, float],
        mu: float,
        theta: tuple[float, float],
        cut: tuple[int, int],
    ) -> None:
        self.agents, self.lam, self.theta, self.cut = agents, lam, theta, cut
        self.load = (lam[0] / mu, lam[1] / mu)
        n1, n2 = agents
        self.shape = (n1 + cut[0] + 1, n2 + cut[1] + 1)
        x, y = (part.ravel() for part in np.indices(self.shape))
        self.exists = (x <= n1) | (y >= n2)
        self.queue = (np.maximum(x - n1, 0), np.maximum(y - n2, 0))
        self.busy = (np.minimum(x, n1), np.minimum(y, n2))
        self.moves = self._moves(x, y, mu)

    def _moves(self, x: NDArray[np.int64], y: NDArray[np.int64], mu: float) -> list[tuple[Array, NDArray[np.int64]]]:
        """Rate and step (in the flat index) of every kind of transition, over all states."""
        (n1, n2), (q1, q2), row = self.agents, self.queue, self.shape[1]
        to_second = (x >= n1) & (y < n2)  # class 1 overflows to a free agent of the second group
        to_first = ~to_second & (x + 1 < self.shape[0])
        helps = (q2 == 0) & (q1 > 0)  # a freed agent of the second group finds only class 1 waiting
        done1, done2 = mu * self.busy[0], mu * self.busy[1]
        return [
            (self.lam[0] * to_first, np.full(x.size, row)),
            (self.lam[0] * to_second + self.lam[1] * (y + 1 < row), np.full(x.size, 1)),
            (done1 + self.theta[0] * q1 + done2 * helps, np.full(x.size, -row)),
            (done2 * ~helps + self.theta[1] * q2, np.full(x.size, -1)),
        ]

    def stationary(self) -> Array:
        from scipy.sparse import coo_array
        from scipy.sparse.linalg import spsolve

        state = np.flatnonzero(self.exists)
        number = np.full(self.exists.size, -1)
        number[state] = np.arange(state.size)
        rates, sources, targets = [], [], []
        for rate, step in self.moves:
            moving = state[rate[state] > 0]
            rates.append(rate[moving])
            sources.append(number[moving])
            targets.append(number[moving + step[moving]])
        rate, source, target = np.concatenate(rates), np.concatenate(sources), np.concatenate(targets)
        out = np.bincount(source, weights=rate, minlength=state.size)
        # Balance of every state but one, a likely one, whose probability is set to 1 for now and scaled afterwards.
        likely = [min(round(busy), n) for busy, n in zip(self.load, self.agents, strict=True)]
        fixed = int(number[likely[0] * self.shape[1] + likely[1]])
        all_states = np.arange(state.size)
        row, column = np.concatenate((target, all_states)), np.concatenate((source, all_states))
        matrix = coo_array((np.concatenate((rate, -out)), (row, column)), shape=(state.size, state.size)).tocsc()
        others = np.delete(all_states, fixed)
        inner = spsolve(matrix[others][:, others], -matrix[others][:, [fixed]].toarray().ravel())
        p = np.zeros(self.exists.size)
        p[state] = np.insert(np.maximum(inner, 0.0), fixed, 1.0)
        return np.asarray(p / p.sum())

    def mass_at_cut(self, p: Array) -> tuple[float, float]:
        return float(p[self.queue[0] == self.cut[0]].sum()), float(p[self.queue[1] == self.cut[1]].sum())

    def summary(self, p: Array) -> SkillMeasures:
        n1, n2 = self.agents
        full2 = self.busy[1] == n2
        waits = (float(p[full2 & (self.busy[0] == n1)].sum()), float(p[full2].sum()))
        queue = (float(p @ self.queue[0]), float(p @ self.queue[1]))
        wait = (_ratio(queue[0], self.lam[0]), _ratio(queue[1], self.lam[1]))
        return SkillMeasures(
            p_wait=waits,
            p_abandon=(self.theta[0] * wait[0], self.theta[1] * wait[1]),
            e_wait=wait,
            e_queue=queue,
            occupancy=(float(p @ self.busy[0]) / n1 if n1 else _NAN, float(p @ self.busy[1]) / n2),
        )


def _load_since_ever(times: Array, rate: Callable[[Array], ArrayLike], law: _Patience) -> Array:
    ladder = np.exp2(np.arange(-200.0, 201.0))
    gone = law.sf(ladder) < 1e-17
    if not gone[-1]:
        raise ParameterError("service that may last for ever has no offered load")
    end = float(ladder[int(np.argmax(gone))])
    edges = np.unique(np.concatenate((np.linspace(0.0, end, 65), end * np.exp2(np.arange(-40.0, 0.0)), law.kinks)))
    at = times.ravel()[:, None, None]

    def arrived(u: Array) -> Array:
        return np.asarray(rate(at - u), dtype=float) * law.sf(u)

    return _integrate(arrived, edges[edges <= end], _PLAIN).reshape(times.shape)


@dataclass(frozen=True)
class _Run:
    """What following the distribution over the periods leaves: one row per period.

    Attributes:
        averages: by period, the time-averaged probabilities; index [s, x] is the state with x in the system of which
            s are served by agents who leave when they finish.
        ends: mean number in the system at the end of each period.
        mass_at_cut: largest time-averaged probability of the highest number in the system.
    """

    averages: list[Array]
    ends: list[float]
    mass_at_cut: float


def _follow(
    staff: Sequence[int],
    lams: Sequence[float],
    length: float,
    mu: float,
    theta: float,
    size: int,
    start: int,
) -> _Run:
    count = np.arange(size + 1)
    p = np.zeros((1, size + 1))
    p[0, start] = 1.0
    averages, ends, before = [], [], staff[0]
    for n, lam in zip(staff, lams, strict=True):
        p = _reassigned(p, before, n)
        average, p = _period(p, n, lam, length, mu, theta)
        averages.append(average)
        ends.append(float((p @ count).sum()))
        before = n
    return _Run(averages, ends, max(float(average[:, -1].sum()) for average in averages))


def _busy(surplus: int, n: int, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Busy agents and waiting callers in the states [s, x]; states with s > 0 and x < n + s are never entered."""
    s, x = np.indices((surplus + 1, size))
    busy = np.minimum(x, n + s)
    return busy, x - busy


def _reassigned(p: Array, before: int, n: int) -> Array:
    """The distribution right after the number of agents changes from ``before`` to ``n``."""
    busy, _ = _busy(p.shape[0] - 1, before, p.shape[1])
    surplus = np.maximum(busy - n, 0)
    used = int(surplus[p > 0].max(initial=0))
    moved = np.zeros((used + 1, p.shape[1]))
    x = np.broadcast_to(np.arange(p.shape[1]), p.shape)
    np.add.at(moved, (np.minimum(surplus, used), x), p)
    return moved


def _period(p: Array, n: int, lam: float, length: float, mu: float, theta: float) -> tuple[Array, Array]:
    """Time-averaged and final distribution over one period with constant rates, by uniformisation."""
    from scipy.special import pdtrc

    busy, waiting = _busy(p.shape[0] - 1, n, p.shape[1])
    arrive = np.full(p.shape, lam)
    arrive[:, -1] = 0.0
    finish, leave = mu * busy, theta * waiting
    total = float((arrive + finish + leave).max()) or 1.0
    arrive, finish, leave = arrive / total, finish / total, leave / total
    stay = 1.0 - arrive - finish - leave
    mean = total * length
    steps = np.arange(math.ceil(mean + 10.0 * math.sqrt(mean) + 50.0))
    now, later = _poisson(steps, mean), pdtrc(steps, mean)
    average, final = np.zeros_like(p), np.zeros_like(p)
    for weight, tail in zip(now.tolist(), later.tolist(), strict=True):
        average += tail * p
        final += weight * p
        flow = p * stay
        flow[:, 1:] += (p * arrive)[:, :-1]
        flow[:, :-1] += (p * leave)[:, 1:]
        ended = (p * finish)[:, 1:]
        flow[0, :-1] += ended[0]
        flow[:-1, :-1] += ended[1:]
        p = flow
    return average / average.sum(), final / final.sum()


def _poisson(k: NDArray[np.int64], mean: float) -> Array:
    """Poisson probabilities, each by itself and therefore without underflow from the first."""
    from scipy.special import gammaln

    # The saddle point form of _log_poisson, with k as the array: u - log1p(u) cancels for u near 0 only down to
    # rounding of order sqrt(mean), which the final scaling to total 1 removes.
    y = np.maximum(k, 1).astype(float)
    u = (mean - y) / y
    stirling = gammaln(y + 1.0) - (y * np.log(y) - y + 0.5 * np.log(2.0 * math.pi * y))
    stirling = np.where(y > 100, 1.0 / (12.0 * y) - 1.0 / (360.0 * y**3), stirling)
    value = np.exp(-y * (u - np.log1p(u)) - stirling) / np.sqrt(2.0 * math.pi * y)
    return np.where(k == 0, math.exp(-mean), value)


def _transient_measures(
    run: _Run,
    staff: Sequence[int],
    lams: Sequence[float],
    length: float,
    mu: float,
    theta: float,
    room: int | None,
    t: float,
) -> TransientMeasures:
    offered = np.array(lams) * length
    rows: list[tuple[float, float, float, float]] = []
    for n, average in zip(staff, run.averages, strict=True):
        busy, waiting = _busy(average.shape[0] - 1, n, average.shape[1])
        blocked = float(average[:, -1].sum()) if room is not None else 0.0
        delayed = np.where(busy >= n, average, 0.0)[:, :room].sum()
        rows.append((float((average * waiting).sum()), float((average * busy).sum()), float(delayed), blocked))
    queue, busy_mean, p_wait, p_block = np.array(rows).T
    arrived: dict[str, Array] = dict.fromkeys(_BY_ARRIVAL, np.full(offered.shape, _NAN))
    if len(set(staff)) == 1 and staff[0] > 0:
        arrived = _by_arrival([average[0] for average in run.averages], staff[0], mu, theta, room, t)
    return TransientMeasures(
        offered=offered,
        blocked=offered * p_block,
        abandons=theta * queue * length,
        served=mu * busy_mean * length,
        mean_queue=queue,
        mean_busy=busy_mean,
        p_wait=p_wait,
        end_mean_in_system=np.array(run.ends),
        **arrived,
    )


_BY_ARRIVAL = (
    "p_abandon",
    "p_abandon_within_t",
    "e_wait",
    "e_wait_served",
    "sl_served_over_offered",
    "sl_excl_short_abandons",
    "sl_served_over_served",
)


def _by_arrival(
    averages: Sequence[Array],
    n: int,
    mu: float,
    theta: float,
    room: int | None,
    t: float,
) -> dict[str, Array]:
    """What happens to arrivals who find x in the system, averaged over x (Poisson arrivals see time averages).

    With q waiting ahead, V is a sum of exponential times with rates n mu + i theta, i = 0..q: exp(-theta V) is a Beta
    variable, without abandonment V is a gamma variable.
    """
    from scipy.special import betainc, gammaincc

    p = np.array(averages)
    if room is not None:
        p = p[:, :-1]  # arrivals at the last state are blocked
    free = p[:, :n].sum(axis=1)
    p = p[:, n:]
    q = np.arange(p.shape[1])
    rates = n * mu + theta * (q + 1.0)
    served = n * mu / rates
    waited = (q + 1.0) / rates  # E min(V, R)
    if theta > 0:
        waited_served = served * np.cumsum(1.0 / rates)  # E[V exp(-theta V)]
        beyond = betainc(n * mu / theta, q + 1.0, math.exp(-theta * t))  # P(V > t)
        served_late = served * betainc(n * mu / theta + 1.0, q + 1.0, math.exp(-theta * t))
    else:
        waited_served = waited
        beyond = served_late = gammaincc(q + 1.0, n * mu * t)
    lost_late = beyond * math.exp(-theta * t) - served_late
    all_served, good = free + p @ served, free + p @ (served - served_late)
    lost = p @ (1.0 - served)
    lost_early = p @ (1.0 - served - lost_late)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "p_abandon": lost,
            "p_abandon_within_t": lost_early,
            "e_wait": p @ waited,
            "e_wait_served": (p @ waited_served) / all_served,
            "sl_served_over_offered": good,
            "sl_excl_short_abandons": good / (1.0 - lost_early),
            "sl_served_over_served": good / all_served,
        }


# --- what callers may pass -------------------------------------------------------------------------------------------


def _number(name: str, value: SupportsFloat) -> float:
    try:
        if isinstance(value, (str, bytes, bool, np.bool_)):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError):
        raise ParameterError(f"{name} must be a number, not {value!r}") from None
    except OverflowError:
        number = math.inf
    if not 0.0 <= number < math.inf:
        raise ParameterError(f"{name} must be finite and not negative, not {value}")
    if number > _MOST_NUMBER:
        raise ParameterError(f"{name} must be at most {_MOST_NUMBER:g}, not {value}")
    return number


def _positive(name: str, value: SupportsFloat) -> float:
    number = _number(name, value)
    if number == 0.0:
        raise ParameterError(f"{name} must be positive, not {value}")
    return number


def _time(name: str, value: SupportsFloat) -> float:
    try:
        endless = not isinstance(value, (str, bytes)) and float(value) > _MOST_NUMBER  # nobody waits so long
    except (TypeError, ValueError, OverflowError):
        endless = False
    return math.inf if endless else _number(name, value)


_MOST_NUMBER = 1e100
"""Squares of larger rates and times leave the range of floating point."""

_MOST_LOAD = 1e12
"""Arrivals over capacity, beyond which the share answered has no digits left."""

_MOST_AGENTS, _MOST_PLACES = 10**7, 10**15
"""More would need more memory than there is, or whole numbers that a float does not tell apart."""


def _count(name: str, value: Any, least: int = 0, most: int = _MOST_AGENTS) -> int:
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        whole = isinstance(value, (float, np.floating)) and float(value).is_integer()
        number = int(value) if whole else operator.index(value)
    except TypeError:
        raise ParameterError(f"{name} must be a whole number, not {value!r}") from None
    if number < least:
        raise ParameterError(f"{name} must be at least {least}, not {value}")
    if number > most:
        raise ParameterError(f"{name} must be at most {most:,}")
    return number


def _places(value: Any) -> int | None:
    return None if value is None else _count("places", value, 1, _MOST_PLACES)


def _class_rates(values: Sequence[float]) -> Array:
    rates = np.array([_number("arrival_rates", value) for value in values])
    if rates.size == 0:
        raise ParameterError("arrival_rates must name at least one class")
    return rates


def _pair(name: str, values: Sequence[Any]) -> tuple[Any, Any]:
    if len(values) != 2:
        raise ParameterError(f"{name} must have two entries, not {len(values)}")
    return values[0], values[1]


def _rate_pair(name: str, values: Sequence[Any]) -> tuple[float, float]:
    first, second = _pair(name, values)
    return _number(name, first), _number(name, second)
