"""The closed forms against sums over states in high precision, against brute force, and against each other."""

from __future__ import annotations

import functools
import itertools
import math
import random
import subprocess
import sys
import time
from dataclasses import fields
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from scipy import stats
from scipy.linalg import expm

from simulator import distributions
from simulator.errors import ParameterError, UnstableQueueError
from simulator.support import erlang

MEASURES = [f.name for f in fields(erlang.Measures)]


# --- references: exact sums over the states, no integral and no recursion of ours ------------------------------------


def by_states(
    agents: int,
    arrival_rate: float,
    service_rate: float,
    abandonment_rate: float,
    places: int | None,
    answer_within: float,
) -> dict[str, Any]:
    """All measures of M/M/n/K+M as sums over the queue length q that a caller meets, in mpmath's precision.

    With q ahead the virtual wait is a sum of exponential times with rates n mu + i theta, i = 0..q, so that
    P(V > t | q) = x^c sum over i <= q of (c)_i (1 - x)^i / i! with x = exp(-theta t) and c = n mu / theta.
    """
    n = agents
    lam, mu, theta, t = (mp.mpf(v) for v in (arrival_rate, service_rate, abandonment_rate, answer_within))
    nothing = mp.mpf(10) ** -(mp.mp.dps + 5)
    free, weight = mp.mpf(0), mp.mpf(1)
    for j in range(n, 0, -1):  # states below n relative to state n
        weight *= j * mu / lam
        free += weight
        if weight < free * nothing and j * mu < lam:
            break
    x = mp.exp(-theta * t)
    c = n * mu / theta if theta else None
    beyond = term = x**c if theta else mp.exp(-n * mu * t)
    beyond_served = term_served = x ** (c + 1) if theta else term
    sums = dict.fromkeys(
        ("wait", "lost", "time", "time_served", "virtual", "served_late", "late", "all_late"), mp.mpf(0)
    )
    queue, block, pi, q = mp.mpf(0), mp.mpf(0), mp.mpf(1), 0
    work, work_served = 1 / (n * mu), 1 / (n * mu + theta)
    while True:
        if places is not None and n + q >= places:
            block = pi
            queue += pi * q
            break
        rate = n * mu + (q + 1) * theta
        served = n * mu / rate
        sums["wait"] += pi
        sums["lost"] += pi * (1 - served)
        sums["time"] += pi * (q + 1) / rate
        sums["time_served"] += pi * served * work_served
        sums["virtual"] += pi * work
        sums["served_late"] += pi * served * beyond_served
        sums["late"] += pi * beyond
        sums["all_late"] += pi * (beyond * x - served * beyond_served)  # gave up after t
        queue += pi * q
        q += 1
        pi *= lam / (n * mu + q * theta)
        work += 1 / (n * mu + q * theta)
        work_served += 1 / (n * mu + (q + 1) * theta)
        term *= (c + q - 1) / q * (1 - x) if theta else n * mu * t / q
        term_served *= (c + q) / q * (1 - x) if theta else n * mu * t / q
        beyond += term
        beyond_served += term_served
        if places is None and lam < n * mu + q * theta and pi < nothing * sums["wait"]:
            break
    total = free + sums["wait"] + block
    served_weight = free + sums["wait"] - sums["lost"]
    good = served_weight - sums["served_late"]
    early = sums["lost"] - sums["all_late"]

    def ratio(a: Any, b: Any) -> Any:
        return a / b if b > 0 else mp.nan

    return {
        "p_block": block / total,
        "p_wait": sums["wait"] / total,
        "p_abandon": sums["lost"] / total,
        "p_abandon_within_t": early / total,
        "p_abandon_excl_short": sums["all_late"] / (total - early),
        "e_wait": sums["time"] / total,
        "e_wait_served": sums["time_served"] / served_weight,
        "e_wait_abandoned": ratio(sums["time"] - sums["time_served"], sums["lost"]),
        "e_wait_given_wait": ratio(sums["time"], sums["wait"]),
        "e_wait_virtual": sums["virtual"] / total,
        "e_queue": queue / total,
        "occupancy": lam / mu * served_weight / total / n,
        "sl_served_over_offered": good / total,
        "sl_excl_short_abandons": good / (total - early),
        "sl_served_over_served": good / served_weight,
        "sl_incl_short_abandons": (good + early) / total,
        "sl_virtual": (free + sums["wait"] - sums["late"]) / total,
    }


def assert_agrees(found: erlang.Measures, exact: dict[str, Any], rel: float, smallest: float) -> None:
    """Every measure within ``rel``; values below ``smallest`` need only be that small (the reference cancels there)."""
    for name in MEASURES:
        got, want = getattr(found, name), exact[name]
        if mp.isnan(want):
            assert math.isnan(got), name
        elif abs(want) < smallest:
            assert abs(got) < 2 * smallest, name
        else:
            assert abs(got - want) <= rel * abs(want), (name, got, float(want))


def random_queue(rng: random.Random, most_agents: int, most_room: int) -> dict[str, Any]:
    n = round(math.exp(rng.uniform(0, math.log(most_agents))))
    mu = 10 ** rng.uniform(-3, 3)
    load = n * rng.choice([rng.uniform(0.05, 1), rng.uniform(0.9, 1.1), rng.uniform(1, 4)])
    theta = mu * rng.choice([0.0, 10 ** rng.uniform(-6, 2), 10 ** rng.uniform(-6, 2), 10 ** rng.uniform(-2, 1)])
    places = rng.choice([None, None, n, n + 1, n + rng.randint(1, 5), n + rng.randint(1, most_room)])
    if places is None and load >= n and theta < 1e-3 * mu:
        theta = 0.1 * mu  # else the sum over states has millions of terms; small theta is tested by integrals
    if places is None and theta == 0 and load > 0.95 * n:
        load = 0.95 * n
    t = rng.choice(
        [0.0, 10 ** rng.uniform(-3, 3) / mu, 10 ** rng.uniform(-2, 2) / mu / n, 10 ** rng.uniform(-1.5, 0.5) / mu]
    )
    return {
        "agents": n,
        "arrival_rate": load * mu,
        "service_rate": mu,
        "abandonment_rate": theta,
        "places": places,
        "answer_within": t,
    }


def compare_random_queues(seed: int, count: int, most_agents: int, most_room: int) -> None:
    rng = random.Random(seed)
    with mp.workdps(80):
        for _ in range(count):
            queue = random_queue(rng, most_agents, most_room)
            try:
                assert_agrees(erlang.measures(**queue), by_states(**queue), rel=1e-10, smallest=1e-60)
            except AssertionError as error:
                raise AssertionError(queue) from error


def test_random_queues_agree_with_sums_over_states() -> None:
    compare_random_queues(seed=1, count=50, most_agents=60, most_room=60)


@pytest.mark.parametrize(("load", "theta", "t"), [(6.5, 0.0, 1_400.0), (3.3, 0.0, 900.0), (9.0, 1e-4, 900.0)])
def test_thousands_of_places_in_overload(load: float, theta: float, t: float) -> None:
    """The chance of a free agent and of a place lie beyond all doubles: only their logarithms can be compared."""
    queue = {"agents": 3, "arrival_rate": load, "service_rate": 1.0, "abandonment_rate": theta, "places": 4_000}
    with mp.workdps(50):
        exact = by_states(**queue, answer_within=t)
        assert_agrees(erlang.measures(**queue, answer_within=t), exact, rel=1e-10, smallest=1e-40)


@pytest.mark.parametrize("places", [None, 3, 8])
@pytest.mark.parametrize("theta", [1e3, 1e4, 1e7])
def test_callers_of_next_to_no_patience(theta: float, places: int | None) -> None:
    """All of patience lies within one step of the density of the wait."""
    queue = {"agents": 3, "arrival_rate": 3.6, "service_rate": 1.0, "abandonment_rate": theta, "places": places}
    for t in (0.0, 0.3 / theta, 0.01):
        exact = by_states(**queue, answer_within=t)
        assert_agrees(erlang.measures(**queue, answer_within=t), exact, rel=1e-9, smallest=1e-40)


@pytest.mark.slow
def test_many_random_queues_agree_with_sums_over_states() -> None:
    compare_random_queues(seed=2, count=120, most_agents=2_000, most_room=2_000)


PATIENT = [(500, theta, rho) for theta in (1e-6, 1e-4) for rho in (0.9999, 1.0, 1.0005, 1.1)]


@pytest.mark.parametrize(
    ("n", "theta", "rho"), [(5_000, 1e-7, 1.5), *(pytest.param(*case, marks=pytest.mark.slow) for case in PATIENT)]
)
def test_very_patient_callers(n: int, theta: float, rho: float) -> None:
    """Millions of states: the density of the virtual wait in mpmath, whose digits make up for its cancelling terms."""
    lam = n * rho
    with mp.workdps(28):
        th = mp.mpf(theta)
        idle = term = 1 / mp.mpf(lam)
        for j in range(n - 1, 0, -1):
            term *= j / mp.mpf(lam)
            idle += term

        def exponent(x: Any) -> Any:
            return -mp.mpf(lam) * mp.expm1(-th * x) / th - n * x

        peak = mp.log(mp.mpf(lam) / n) / th if lam > n else mp.mpf(0)
        width = 1 / mp.sqrt(n * th)
        t = float(peak + width / 2)
        top = exponent(peak)
        steps = [k * width for k in range(-10, 11)]
        points = sorted({mp.mpf(0), mp.mpf(t), *(peak + s for s in steps if peak + s > 0), peak + 20 * width})

        def integral(row: Any, low: Any, high: Any) -> Any:
            inside = [p for p in points if low <= p <= high]
            return mp.quad(lambda x: mp.exp(exponent(x) - top) * row(x), inside)

        def whole(row: Any) -> Any:
            return integral(row, points[0], points[-1])

        free = idle * mp.exp(-top)
        total = free + whole(lambda x: mp.mpf(1))
        lost = whole(lambda x: -mp.expm1(-th * x))
        lost_time = whole(lambda x: (1 - mp.exp(-th * x) * (1 + th * x)) / th)
        served_time = whole(lambda x: x * mp.exp(-th * x))
        good = free + integral(lambda x: mp.exp(-th * x), points[0], mp.mpf(t))
        exact = {
            "p_wait": 1 - free / total,
            "p_abandon": lost / total,
            "e_wait": (lost_time + served_time) / total,
            "e_wait_abandoned": lost_time / lost,
            "sl_served_over_offered": good / total,
        }
        m = erlang.measures(agents=n, arrival_rate=lam, service_rate=1.0, abandonment_rate=theta, answer_within=t)
        for name, value in exact.items():
            assert abs(getattr(m, name) - value) <= 1e-10 * abs(value), name


def test_five_thousand_agents_take_less_than_ten_milliseconds() -> None:
    for theta in (0.0, 1e-6, 1.0, 10.0):
        for load in (4_500.0, 4_990.0, 5_500.0, 20_000.0):
            for places in (None, 5_000, 5_100, 10_000):
                if theta == 0 and load > 5_000 and places is None:
                    continue
                for t in (0.0, 0.02, 100.0):
                    queue = {"agents": 5_000, "arrival_rate": load, "service_rate": 1.0, "abandonment_rate": theta}
                    spent: list[float] = []
                    while len(spent) < 20 and min(spent, default=1.0) > 0.01:  # the machine may be busy with others
                        start = time.process_time()
                        erlang.measures(**queue, places=places, answer_within=t)
                        spent.append(time.process_time() - start)
                    assert min(spent) < 0.01, (theta, load, places, t)


def test_the_module_loads_without_heavy_libraries() -> None:
    code = "import sys, simulator.support.erlang; print([m for m in ('scipy', 'numba', 'pandas') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


# --- special cases and limits ----------------------------------------------------------------------------------------


def test_blocking_and_waiting_are_the_textbook_functions() -> None:
    for n, a in ((1, 0.3), (7, 5.0), (40, 60.0), (300, 280.0)):
        with mp.workdps(40):
            terms = [mp.mpf(a) ** k / mp.factorial(k) for k in range(n + 1)]
            exact = terms[-1] / sum(terms)
            assert abs(erlang.blocking(n, a) - exact) < 1e-13 * exact
            if a < n:
                b = exact
                c = n * b / (n - a * (1 - b))
                assert abs(erlang.waiting_probability(n, a) - c) < 1e-13 * c
    assert erlang.blocking(0, 3.0) == 1.0
    assert erlang.blocking(3, 0.0) == 0.0
    assert erlang.blocking(5_000, 10.0) == 0.0  # 1e-15000 is below every double
    assert erlang.waiting_probability(3, 3.0) == 1.0


def test_lines_as_many_as_agents_are_erlang_b() -> None:
    m = erlang.measures(
        agents=10, arrival_rate=8.0, service_rate=1.0, abandonment_rate=2.0, places=10, answer_within=1.0
    )
    assert m.p_block == pytest.approx(erlang.blocking(10, 8.0), rel=1e-13)
    assert (m.p_wait, m.e_wait, m.p_abandon, m.e_queue) == (0.0, 0.0, 0.0, 0.0)
    assert math.isnan(m.e_wait_given_wait)
    assert m.sl_served_over_served == 1.0


def test_agents_beyond_the_lines_only_stand_by() -> None:
    queue = {"arrival_rate": 8.0, "service_rate": 1.0, "places": 10, "abandonment_rate": 0.5}
    few, many = erlang.measures(agents=10, **queue), erlang.measures(agents=25, **queue)
    assert many.occupancy == pytest.approx(few.occupancy * 10 / 25)
    for name in MEASURES:
        if name != "occupancy":
            assert getattr(many, name) == pytest.approx(getattr(few, name), nan_ok=True)


def test_nobody_calls() -> None:
    m = erlang.measures(agents=3, arrival_rate=0.0, service_rate=1.0, abandonment_rate=1.0, places=5, answer_within=1.0)
    assert (m.p_wait, m.p_block, m.p_abandon, m.e_wait, m.occupancy) == (0.0, 0.0, 0.0, 0.0, 0.0)
    assert m.sl_served_over_offered == m.sl_excl_short_abandons == 1.0


def test_no_agents() -> None:
    m = erlang.measures(agents=0, arrival_rate=2.0, service_rate=1.0, abandonment_rate=0.5, answer_within=1.0)
    assert (m.p_wait, m.p_abandon, m.e_wait, m.e_queue) == (1.0, 1.0, 2.0, 4.0)
    assert m.p_abandon_within_t == pytest.approx(1 - math.exp(-0.5))
    assert math.isnan(m.occupancy)
    assert math.isnan(m.e_wait_served)
    cut = erlang.measures(agents=0, arrival_rate=2.0, service_rate=1.0, abandonment_rate=0.5, places=3)
    assert cut.p_block == pytest.approx(erlang.blocking(3, 4.0))
    with pytest.raises(UnstableQueueError):
        erlang.measures(agents=0, arrival_rate=2.0, service_rate=1.0)


def test_answer_times_at_the_ends() -> None:
    queue = {"agents": 14, "arrival_rate": 12.0, "service_rate": 1.0, "abandonment_rate": 3.0}
    now = erlang.measures(**queue, answer_within=0.0)
    ever = erlang.measures(**queue, answer_within=math.inf)
    long = erlang.measures(**queue, answer_within=1e6)
    assert now.sl_served_over_offered == pytest.approx(1 - now.p_wait, rel=1e-12)
    for m in (ever, long):
        assert m.sl_served_over_offered == pytest.approx(1 - m.p_abandon, rel=1e-12)
        assert m.p_abandon_within_t == pytest.approx(m.p_abandon, rel=1e-12)
        assert m.sl_virtual == m.sl_served_over_served == 1.0


def test_an_hour_long_target_does_not_underflow() -> None:
    """A recursion from exp(-rate * t) says 0.216 where 0.975 is right."""
    with mp.workdps(60):
        queue = {"agents": 30, "arrival_rate": 29.5 / 5, "service_rate": 1 / 5, "abandonment_rate": 0.0, "places": 400}
        m = erlang.measures(**queue, answer_within=60.0)
        exact = by_states(**queue, answer_within=60.0)
        assert m.sl_served_over_offered == pytest.approx(float(exact["sl_served_over_offered"]), rel=1e-12)
        assert m.sl_served_over_offered > 0.9


def test_shares_stay_shares_and_waits_stay_positive() -> None:
    rng = random.Random(8)
    for _ in range(150):
        m = erlang.measures(**random_queue(rng, 2_000, 1_000))
        for name in MEASURES:
            value = getattr(m, name)
            if not math.isnan(value):
                assert value >= 0.0, name
                assert name.startswith("e_") or value <= 1.0, name


def test_overload_without_abandonment_is_refused() -> None:
    with pytest.raises(UnstableQueueError, match="unstable"):
        erlang.measures(agents=10, arrival_rate=10.0, service_rate=1.0)
    with pytest.raises(UnstableQueueError):
        erlang.measures(agents=10, arrival_rate=15.0, service_rate=1.0, answer_within=1.0)
    with pytest.raises(UnstableQueueError):
        erlang.measures_general_service(arrival_rate=1.0, service_mean=1.0, service_variance=0.0)
    with pytest.raises(UnstableQueueError):
        erlang.measures_priority(agents=2, arrival_rates=[1.0, 1.0], service_rate=1.0)
    with pytest.raises(UnstableQueueError):
        erlang.measures_chat(agents=1, arrival_rate=1.0, handle_times=[1.0, 2.5])
    with pytest.raises(UnstableQueueError):
        erlang.measures_blending(agents=2, arrival_rate=2.0, service_rate=1.0, reserve=1)
    with pytest.raises(UnstableQueueError):
        erlang.measures_n_design(agents=(1, 1), arrival_rates=(1.5, 0.6), service_rate=1.0)
    assert issubclass(UnstableQueueError, ValueError)


@pytest.mark.parametrize(
    "wrong",
    [
        {"agents": -1},
        {"agents": 2.5},
        {"agents": True},
        {"agents": "3"},
        {"agents": None},
        {"arrival_rate": -1.0},
        {"arrival_rate": math.nan},
        {"arrival_rate": math.inf},
        {"arrival_rate": "fast"},
        {"arrival_rate": "4"},
        {"arrival_rate": True},
        {"service_rate": np.True_},
        {"abandonment_rate": False},
        {"answer_within": "1"},
        {"answer_within": True},
        {"places": True},
        {"service_rate": 0.0},
        {"service_rate": -1.0},
        {"abandonment_rate": -0.1},
        {"abandonment_rate": math.nan},
        {"places": 0},
        {"places": 2.5},
        {"answer_within": -1.0},
        {"answer_within": math.nan},
    ],
)
def test_nonsense_is_refused(wrong: dict[str, Any]) -> None:
    queue = {"agents": 3, "arrival_rate": 1.0, "service_rate": 1.0}
    with pytest.raises(ParameterError, match=next(iter(wrong))) as caught:
        erlang.measures(**(queue | wrong))
    assert isinstance(caught.value, ValueError)


def test_results_are_frozen() -> None:
    m = erlang.measures(agents=3, arrival_rate=1.0, service_rate=1.0)
    with pytest.raises(AttributeError):
        m.p_wait = 0.5  # type: ignore[misc]


# --- patience of any law ---------------------------------------------------------------------------------------------

LAWS = {
    "exponential": distributions.exponential(0.7),
    "deterministic": distributions.deterministic(0.4),
    "uniform": distributions.uniform(0.2, 1.5),
    "triangular": distributions.triangular(0.0, 0.3, 2.0),
    "gamma": distributions.gamma(0.8, cv=1.6),
    "weibull, falling hazard": distributions.weibull(mean=1.0, shape=0.6),
    "weibull, steep": distributions.weibull(mean=1.0, shape=5.0),
    "lognormal": distributions.lognormal(mean=0.9, cv=1.3),
    "hyperexponential": distributions.hyperexponential([0.3, 0.7], [0.05, 1.5]),
    "empirical": distributions.empirical([0.1, 0.15, 0.2, 0.5, 0.5, 0.9, 2.0]),
    "balking": distributions.with_zero(distributions.lognormal(mean=0.9, cv=1.3), 0.2),
    "triangular, balking": distributions.with_zero(distributions.triangular(0.0, 0.3, 2.0), 0.2),
}


def by_quadrature(n: int, lam: float, law: Any, m: int | None, t: float) -> dict[str, float]:
    """The formulas of Zeltyn & Mandelbaum and Movaghar by scipy's quadrature, from the survival function alone."""
    from scipy.integrate import quad

    kinks = sorted({t, 0.05, *np.linspace(0.1, 2.0, 20).tolist()})

    def integral(f: Any, low: float, high: float) -> float:
        points = [low, *[k for k in kinks if low < k < high], high]
        return sum(quad(f, a, b, epsabs=1e-14, epsrel=1e-11, limit=200)[0] for a, b in itertools.pairwise(points))

    def sf(x: float) -> float:
        return float(law.survival(np.array([x]))[0])

    # fine near 0, where some laws have an infinite hazard
    grid = np.concatenate(([0.0], np.geomspace(1e-15, 1e-3, 200), np.linspace(0.002, 6.0, 5999)))
    whole = [0.0]
    nodes, weights = np.polynomial.legendre.leggauss(8)
    for a, b in itertools.pairwise(grid.tolist()):
        whole.append(whole[-1] + (b - a) / 2 * float(weights @ law.survival(a + (b - a) / 2 * (1 + nodes))))
    table = np.array(whole)

    def h(x: float) -> float:
        i = int(np.searchsorted(grid, x, side="right")) - 1
        half = (x - grid[i]) / 2
        return float(table[i] + half * (weights @ law.survival(grid[i] + half * (1 + nodes))))

    def f(x: float) -> float:
        y = lam * h(x)
        return math.exp(y - n * x) * (1.0 if m is None else float(stats.poisson.cdf(m - 1, y)))

    free = sum(math.prod(j / lam for j in range(k + 1, n)) for k in range(n)) / lam
    block = 0.0
    if m is not None:
        block = integral(lambda x: math.exp(lam * h(x) - n * x) * float(stats.poisson.pmf(m, lam * h(x))), 0.0, 6.0)
    share = integral(f, 0.0, 6.0)
    total = free + share + block
    return {
        "p_wait": share / total,
        "p_block": block / total,
        "p_abandon": integral(lambda x: f(x) * (1 - sf(x)), 0.0, 6.0) / total,
        "e_wait": integral(lambda x: f(x) * h(x), 0.0, 6.0) / total,
        "sl_served_over_offered": (free + integral(lambda x: f(x) * sf(x), 0.0, t)) / total,
        "sl_virtual": (free + integral(f, 0.0, t)) / total,
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", LAWS)
def test_general_patience_agrees_with_plain_quadrature(name: str) -> None:
    n, lam, t = 12, 14.0, 0.15
    for places in (None, 20):
        m = erlang.measures_general_patience(
            agents=n, arrival_rate=lam, service_rate=1.0, patience=LAWS[name], places=places, answer_within=t
        )
        for measure, value in by_quadrature(n, lam, LAWS[name], None if places is None else places - n, t).items():
            assert getattr(m, measure) == pytest.approx(value, rel=1e-7), (measure, places)


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("places", [None, 14, 40])
def test_work_that_comes_in_is_the_work_done(name: str, places: int | None) -> None:
    """Carried load = mean number of busy agents, where the first is known from waits and the second from states."""
    n, load = 12, 15.0
    m = erlang.measures_general_patience(
        agents=n, arrival_rate=2 * load, service_rate=2.0, patience=LAWS[name], places=places, answer_within=0.1
    )
    below = np.array([load**j / math.factorial(j) for j in range(n)])
    p_free = 1 - m.p_wait - m.p_block
    busy = p_free * float(below @ np.arange(n)) / below.sum() + n * (1 - p_free)
    assert n * m.occupancy == pytest.approx(busy, rel=1e-8)
    assert m.e_wait == pytest.approx(
        (1 - m.p_block - m.p_abandon) * m.e_wait_served + m.p_abandon * m.e_wait_abandoned, rel=1e-9
    )


@pytest.mark.parametrize("places", [None, 16])
def test_exponential_patience_by_every_road(places: int | None) -> None:
    queue = {"agents": 12, "arrival_rate": 13.0, "service_rate": 1.0, "places": places, "answer_within": 0.2}
    plain = erlang.measures(**queue, abandonment_rate=2.0)

    def survival(x: np.ndarray) -> np.ndarray:
        return np.exp(-2.0 * x)

    roads = [
        distributions.exponential(0.5),
        distributions.gamma(0.5, shape=1.0),
        distributions.weibull(mean=0.5, shape=1.0),
        distributions.hyperexponential([0.5, 0.5], [0.5, 0.5]),
        stats.expon(scale=0.5),
        survival,
    ]
    for road in roads:
        m = erlang.measures_general_patience(**queue, patience=road)
        for name in MEASURES:
            assert getattr(m, name) == pytest.approx(getattr(plain, name), rel=1e-9), (road, name)


def test_a_survival_function_is_as_good_as_the_law() -> None:
    law = distributions.lognormal(mean=1.0, cv=2.0)
    queue = {"agents": 8, "arrival_rate": 9.0, "service_rate": 1.0, "answer_within": 0.1}
    named = erlang.measures_general_patience(**queue, patience=law)
    function = erlang.measures_general_patience(**queue, patience=lambda x: law.survival(x))
    for name in MEASURES:
        assert getattr(function, name) == pytest.approx(getattr(named, name), rel=1e-8), name


def test_balking_is_an_atom_at_zero() -> None:
    queue = {"agents": 8, "arrival_rate": 9.0, "service_rate": 1.0, "answer_within": 0.1}
    law = distributions.uniform(0.0, 2.0)
    one = erlang.measures_general_patience(**queue, patience=law, balking=0.3)
    other = erlang.measures_general_patience(**queue, patience=distributions.with_zero(law, 0.3))
    assert one == other
    gone = erlang.measures_general_patience(**queue, patience=law, balking=1.0)
    assert gone.p_abandon == pytest.approx(erlang.blocking(8, 9.0), rel=1e-12)  # whoever finds no agent is lost
    assert gone.e_wait == 0.0
    with pytest.raises(ParameterError, match="balking"):
        erlang.measures_general_patience(**queue, patience=law, balking=1.2)
    with pytest.raises(ParameterError, match="patience"):
        erlang.measures_general_patience(**queue, patience="a while")
    with pytest.raises(ParameterError, match="survival"):
        erlang.measures_general_patience(**queue, patience=lambda x: x)


def test_some_callers_never_give_up() -> None:
    queue = {"agents": 8, "service_rate": 1.0, "patience": lambda x: 0.5 + 0.5 * np.exp(-x)}
    assert erlang.measures_general_patience(arrival_rate=15.0, **queue).p_abandon > 0.3
    with pytest.raises(UnstableQueueError):
        erlang.measures_general_patience(arrival_rate=17.0, **queue)


@pytest.mark.slow
def test_limited_places_with_general_patience_against_a_simulation() -> None:
    """Movaghar's density was derived for another audience: play the queue and compare."""
    n, lam, places, t = 3, 4.0, 6, 0.2
    law = distributions.uniform(0.0, 1.0)
    m = erlang.measures_general_patience(
        agents=n, arrival_rate=lam, service_rate=1.0, patience=law, places=places, answer_within=t
    )
    means = np.array([simulate(np.random.default_rng(seed), n, lam, places, t, 20_000) for seed in range(40)])
    for name, column in zip(("p_block", "p_abandon", "e_wait", "sl_served_over_offered"), means.T, strict=True):
        error = column.std(ddof=1) / math.sqrt(len(column))
        assert abs(getattr(m, name) - column.mean()) < 4 * error, name
        assert error < 0.01 * column.mean(), name


def simulate(rng: np.random.Generator, n: int, lam: float, places: int, t: float, callers: int) -> list[float]:
    """First come first served with patience uniform on (0, 1): an agent is promised, or patience ends before."""
    arrivals = np.cumsum(rng.exponential(1 / lam, callers))
    patience, service = rng.uniform(0, 1, callers), rng.exponential(1.0, callers)
    free_at = np.zeros(n)
    leaves: list[float] = []
    blocked = lost = good = waited = 0.0
    for a, r, s in zip(arrivals.tolist(), patience.tolist(), service.tolist(), strict=True):
        leaves = [x for x in leaves if x > a]
        if len(leaves) >= places:
            blocked += 1
            continue
        agent = int(free_at.argmin())
        wait = max(free_at[agent] - a, 0.0)
        waited += min(wait, r)
        if wait > r:
            lost += 1
            leaves.append(a + r)
            continue
        good += wait <= t
        free_at[agent] = a + wait + s
        leaves.append(a + wait + s)
    return [blocked / callers, lost / callers, waited / callers, good / callers]


# --- least staffing --------------------------------------------------------------------------------------------------


def brute_force(target: dict[str, float], limit: int, **queue: Any) -> int | None:
    for n in range(1, limit + 1):
        try:
            m = erlang.measures(agents=n, **queue)
        except UnstableQueueError:
            continue
        values = {name: getattr(m, name) for name in target}
        if all(math.isnan(v) or (v >= target[k] if k.startswith("sl_") else v <= target[k]) for k, v in values.items()):
            return n
    return None


def random_target(rng: random.Random, service_rate: float) -> dict[str, float]:
    target = {}
    for name in rng.sample(MEASURES, rng.choice([1, 1, 2, 3])):
        if name.startswith("sl_"):
            target[name] = rng.uniform(0.3, 0.99)
        elif name == "e_queue":
            target[name] = 10 ** rng.uniform(-2, 1)
        elif name.startswith("e_"):
            target[name] = 10 ** rng.uniform(-3, 0.5) / service_rate
        else:
            target[name] = rng.uniform(0.4, 0.95) if name == "occupancy" else 10 ** rng.uniform(-3, -0.2)
    return target


def compare_staffing(seed: int, count: int, most_load: float) -> tuple[int, int, int]:
    rng = random.Random(seed)
    below = unreachable = limited = 0
    for _ in range(count):
        mu = 10 ** rng.uniform(-1, 1)
        load = rng.choice([rng.uniform(0.2, most_load / 4), rng.uniform(1.0, most_load)])
        queue = {
            "arrival_rate": load * mu,
            "service_rate": mu,
            "abandonment_rate": rng.choice([0.0, mu * 10 ** rng.uniform(-2, 1.5), mu * 10 ** rng.uniform(-1, 1)]),
            "places": rng.choice([None, None, rng.randint(1, round(2 * most_load))]),
            "answer_within": rng.choice([0.0, 10 ** rng.uniform(-2, 1) / mu]),
        }
        target = random_target(rng, mu)
        limit = round(4 * most_load)
        wanted = brute_force(target, limit, **queue)
        try:
            found = erlang.agents_needed(target, **queue, search_limit=limit)
        except ParameterError:
            found = None
        assert found == wanted, (target, queue)
        below += wanted is not None and wanted < load
        unreachable += wanted is None
        limited += queue["places"] is not None
    return below, unreachable, limited


def test_least_staffing_equals_brute_force() -> None:
    below, unreachable, limited = compare_staffing(seed=3, count=100, most_load=10.0)
    assert min(below, unreachable, limited) > 0  # the inputs reach the hard corners


@pytest.mark.slow
def test_least_staffing_equals_brute_force_on_two_thousand_inputs() -> None:
    below, unreachable, limited = compare_staffing(seed=4, count=2_000, most_load=20.0)
    assert min(below, unreachable, limited) > 50


def test_impatient_callers_need_fewer_agents_than_their_load() -> None:
    queue = {"arrival_rate": 100.0, "service_rate": 1.0, "abandonment_rate": 2.0, "answer_within": 0.1}
    target = {"p_abandon": 0.14}
    n = erlang.agents_needed(target, **queue)
    assert n == brute_force(target, 200, **queue) == 87


@pytest.mark.parametrize(("theta", "places"), [(0.0, None), (0.5, None), (4.0, None), (0.5, 9), (4.0, 9)])
def test_occupancy_bounds_skip_no_number(theta: float, places: int | None) -> None:
    queue = {"arrival_rate": 8.0, "service_rate": 1.0, "abandonment_rate": theta, "places": places}
    for percent in range(30, 100, 4):
        target = {"occupancy": percent / 100}
        assert erlang.agents_needed(target, **queue) == brute_force(target, 40, **queue), percent


def test_a_measure_that_rises_and_falls_is_searched_number_by_number() -> None:
    """With few lines hardly anybody waits with one agent (nearly all are blocked), many with more, few with many."""
    queue = {"arrival_rate": 30.0, "service_rate": 1.0, "places": 40, "abandonment_rate": 0.0}
    waits = [erlang.measures(agents=n, **queue).p_wait for n in range(1, 41)]
    peak = waits.index(max(waits))
    assert 0 < peak < 39
    target = {"p_wait": 0.2}
    assert erlang.agents_needed(target, **queue) == brute_force(target, 40, **queue)
    both = {"p_wait": 0.2, "p_block": 0.2}
    assert erlang.agents_needed(both, **queue) == brute_force(both, 40, **queue) > peak


def test_what_is_searched_by_bisection_moves_one_way() -> None:
    rng = random.Random(6)
    seen = set()
    for _ in range(30):
        mu, load = 10 ** rng.uniform(-1, 1), rng.uniform(1, 12)
        theta = rng.choice([0.0, mu * 10 ** rng.uniform(-1, 1.5)])
        places = rng.choice([None, rng.randint(3, 25)])
        t = rng.uniform(0, 1) / mu
        queue = {
            "arrival_rate": load * mu,
            "service_rate": mu,
            "abandonment_rate": theta,
            "places": places,
            "answer_within": t,
        }
        first = math.floor(load) + 1 if theta == 0 and places is None else 1
        rows = [erlang.measures(agents=n, **queue) for n in range(first, min(first + 20, places or 99))]
        for name in MEASURES:
            if not erlang._one_way(name, places, theta <= mu):
                continue
            seen.add((name, places is None, theta <= mu))
            values = np.array([getattr(row, name) for row in rows])
            values = values[~np.isnan(values)]
            change = np.diff(values) if name.startswith("sl_") else -np.diff(values)
            assert np.all(change >= -1e-12 * np.abs(values[1:])), (name, queue)
        carried = np.array([row.occupancy for row in rows]) * (first + np.arange(len(rows)))
        if erlang._carried_load_grows(places, theta <= mu):
            assert np.all(np.diff(carried) >= -1e-12 * carried[1:])
    assert len(seen) > 40


def test_large_queues_are_staffed_quickly() -> None:
    start = time.process_time()
    n = erlang.agents_needed(
        {"sl_served_over_offered": 0.8, "occupancy": 0.97},
        arrival_rate=5_000.0,
        service_rate=1.0,
        abandonment_rate=0.5,
        answer_within=0.05,
    )
    assert time.process_time() - start < 0.5
    queue = {"arrival_rate": 5_000.0, "service_rate": 1.0, "abandonment_rate": 0.5, "answer_within": 0.05}
    assert erlang.measures(agents=n, **queue).occupancy <= 0.97 < erlang.measures(agents=n - 1, **queue).occupancy


def test_targets_that_make_no_sense_are_refused() -> None:
    queue = {"arrival_rate": 10.0, "service_rate": 1.0}
    with pytest.raises(ParameterError, match="did you mean 'occupancy'"):
        erlang.agents_needed({"ocupancy": 0.8}, **queue)
    with pytest.raises(ParameterError, match="must not exceed 1"):
        erlang.agents_needed({"sl_virtual": 80}, **queue)
    with pytest.raises(ParameterError, match="names no measure"):
        erlang.agents_needed({}, **queue)
    with pytest.raises(ParameterError, match=r"no number of agents .* p_block <= 0.01; with 5"):
        erlang.agents_needed({"p_block": 0.01}, **queue, places=5)
    with pytest.raises(ParameterError, match="with 12"):
        erlang.agents_needed({"sl_virtual": 0.99}, **queue, search_limit=12)
    for never in ({"sl_virtual": 1.0}, {"p_wait": 0.0}, {"occupancy": 0.0}, {"e_wait": 0.0}):
        with pytest.raises(ParameterError, match="never reached"):
            erlang.agents_needed(never, **queue)
    with pytest.raises(ParameterError, match="never reached"):
        erlang.agents_needed({"sl_virtual": 1.0}, **queue, places=12)
    assert erlang.agents_needed({"sl_served_over_served": 1.0, "p_wait": 0.0}, **queue, places=12) == 12
    assert erlang.agents_needed({"p_abandon": 0.0, "p_block": 0.0}, **queue) == 11  # true of any stable number
    assert erlang.agents_needed({"sl_virtual": 0.99}, arrival_rate=0.0, service_rate=1.0) == 0


def test_shrinkage_is_exact() -> None:
    assert erlang.heads_for(21, 0.3) == 30
    assert math.ceil(21 / (1 - 0.3)) == 31  # what floating point would say
    assert erlang.heads_for(21, 0.1 + 0.2) == 30
    assert erlang.heads_for(10, 2 / 3) == 30
    assert erlang.heads_for(14, 0.3) == 20
    assert erlang.heads_for(20.5, 0.0) == 21
    assert erlang.heads_for(0, 0.5) == 0
    for agents in range(0, 200, 7):
        for percent in range(100):
            exact = Fraction(agents) / (1 - Fraction(percent, 100))
            assert erlang.heads_for(agents, percent / 100) == math.ceil(exact)
    for wrong in (1.0, 1.5, -0.1, math.nan):
        with pytest.raises(ParameterError, match="shrinkage"):
            erlang.heads_for(10, wrong)


# --- priorities, general service, chat, blending, skills -------------------------------------------------------------


@pytest.mark.parametrize("preemptive", [False, True])
def test_priorities_share_out_the_same_work(preemptive: bool) -> None:
    lams = [3.0, 4.0, 2.0]
    m = erlang.measures_priority(agents=10, arrival_rates=lams, service_rate=1.0, preemptive=preemptive)
    whole = erlang.measures(agents=10, arrival_rate=9.0, service_rate=1.0)
    assert m.e_wait == pytest.approx(whole.e_wait, rel=1e-12)
    assert sum(m.e_queue_by_class) == pytest.approx(whole.e_queue, rel=1e-12)
    assert list(m.e_wait_by_class) == sorted(m.e_wait_by_class)


@pytest.mark.parametrize("preemptive", [False, True])
def test_one_agent_with_exponential_service_is_a_general_law_too(preemptive: bool) -> None:
    many = erlang.measures_priority(agents=1, arrival_rates=[0.2, 0.3, 0.1], service_rate=1.0, preemptive=preemptive)
    one = erlang.measures_priority_general(
        arrival_rates=[0.2, 0.3, 0.1],
        service_means=[1.0] * 3,
        service_variances=[1.0] * 3,
        preemptive=preemptive,
    )
    for name, value in vars(many).items():
        assert getattr(one, name) == pytest.approx(value, rel=1e-12), name


def test_classes_of_next_to_no_callers_keep_their_digits() -> None:
    """The wait of a class is a difference of two queues, of which a small class leaves no digit."""
    rng = random.Random(9)
    with mp.workdps(60):
        for _ in range(40):
            n, mu, rho = rng.choice([1, 2, 7, 60]), 10 ** rng.uniform(-2, 2), rng.choice([1e-4, 0.3, 0.9, 0.999])
            parts = [10 ** rng.uniform(-12, 0) for _ in range(rng.randint(2, 5))]
            lams = [part / sum(parts) * rho * n * mu for part in parts]
            found = erlang.measures_priority(agents=n, arrival_rates=lams, service_rate=mu, preemptive=True)
            before = load = mp.mpf(0)
            for got, lam in zip(found.e_wait_by_class, lams, strict=True):
                load += mp.mpf(lam) / mp.mpf(mu)
                idle = sum(mp.ff(n - 1, j) / load**j for j in range(1, n))  # of states below n - 1, relative to n - 1
                waiting = load / (n - load)
                queue = waiting / (1 + idle + waiting) * load / (n - load)
                assert abs(got - (queue - before) / lam) <= 1e-10 * (queue - before) / lam + 1e-300, (n, mu, lams)
                before = queue
    nobody = erlang.measures_priority(agents=3, arrival_rates=[2.0, 0.0], service_rate=1.0, preemptive=True)
    little = erlang.measures_priority(agents=3, arrival_rates=[2.0, 1e-9], service_rate=1.0, preemptive=True)
    assert nobody.e_wait_by_class[1] == pytest.approx(little.e_wait_by_class[1])
    rare = {"arrival_rates": [1e-14, 0.5], "service_means": [1.0, 1.0], "service_variances": [0.0, 0.0]}
    exact = 1e-14 + (0.5 + 1e-14) / 2 / (1 - 1e-14) / (0.5 - 1e-14)  # interrupted by the rare class, and the work ahead
    second = erlang.measures_priority_general(**rare, preemptive=True).e_wait_by_class[1]
    assert second == pytest.approx(exact, rel=1e-13)


def test_a_target_that_is_met_exactly_is_met() -> None:
    """Ties: the bound is the very value of a measure at some number of agents."""
    rng = random.Random(12)
    ties = 0
    for _ in range(300):
        mu, load = 10 ** rng.uniform(-1, 1), rng.uniform(0.3, 12)
        queue = {
            "arrival_rate": load * mu,
            "service_rate": mu,
            "abandonment_rate": rng.choice([0.0, mu * 10 ** rng.uniform(-2, 1.5)]),
            "places": rng.choice([None, rng.randint(1, 25)]),
            "answer_within": rng.choice([0.0, rng.uniform(0.01, 2) / mu]),
        }
        n = math.floor(load) + 1 + rng.randint(0, 4)
        m = erlang.measures(agents=n, **queue)
        names = rng.sample(MEASURES, 2)
        target = {name: getattr(m, name) for name in names if 1e-12 < getattr(m, name) < 1 - 1e-9}
        if not target:
            continue
        wanted = brute_force(target, 60, **queue)
        assert erlang.agents_needed(target, **queue, search_limit=60) == wanted, (target, queue)
        ties += wanted == n
    assert ties > 80


def test_priorities_keep_the_conservation_law_of_general_service() -> None:
    """Sum of load times wait does not depend on the order of the classes (Kleinrock)."""
    classes = [(0.2, 0.5, 0.1), (0.1, 2.0, 4.0), (0.3, 1.0, 0.0)]
    sums = []
    for order in ((0, 1, 2), (2, 1, 0), (1, 0, 2)):
        lams, means, variances = (list(column) for column in zip(*(classes[i] for i in order), strict=True))
        m = erlang.measures_priority_general(arrival_rates=lams, service_means=means, service_variances=variances)
        sums.append(sum(a * s * w for a, s, w in zip(lams, means, m.e_wait_by_class, strict=True)))
    assert sums == pytest.approx([sums[0]] * 3, rel=1e-12)


def test_general_service_with_exponential_law_is_erlang_c() -> None:
    m = erlang.measures_general_service(arrival_rate=0.7, service_mean=1.0, service_variance=1.0)
    c = erlang.measures(agents=1, arrival_rate=0.7, service_rate=1.0)
    for name in ("p_wait", "e_wait", "e_wait_given_wait", "e_queue", "occupancy"):
        assert getattr(m, name) == pytest.approx(getattr(c, name), rel=1e-12)
    assert math.isnan(m.sl_virtual)


def test_one_chat_at_a_time_is_a_call() -> None:
    queue = {"agents": 7, "arrival_rate": 6.5, "abandonment_rate": 0.3, "places": 15, "answer_within": 0.4}
    chat = erlang.measures_chat(handle_times=[1.25], **queue)
    call = erlang.measures(service_rate=0.8, **queue)
    for name in MEASURES:
        assert getattr(chat, name) == pytest.approx(getattr(call, name), rel=1e-11), name
    assert chat.occupancy_of_slots == pytest.approx(call.occupancy, rel=1e-11)


def test_chats_against_the_null_vector_of_their_chain() -> None:
    n, times, lam, theta, places = 3, [2.0, 2.6, 3.0], 3.5, 0.4, 14
    size = places + 1
    rates = np.zeros(size)
    for j in range(1, size):
        held = [min(3, j // n + (i < j % n)) for i in range(n)] if j < 9 else [3] * n
        rates[j] = sum(h / times[h - 1] for h in held if h) + theta * max(j - 9, 0)
    pi = stationary(np.diag(np.full(places, lam), 1) + np.diag(rates[1:], -1))
    m = erlang.measures_chat(agents=n, arrival_rate=lam, handle_times=times, abandonment_rate=theta, places=places)
    x = np.arange(size)
    assert m.p_block == pytest.approx(pi[-1], rel=1e-10)
    assert m.p_wait == pytest.approx(pi[9:-1].sum(), rel=1e-10)
    assert m.e_queue == pytest.approx(float(pi @ np.maximum(x - 9, 0)), rel=1e-10)
    assert m.occupancy_of_slots == pytest.approx(float(pi @ np.minimum(x, 9)) / 9, rel=1e-10)
    assert m.occupancy == pytest.approx(float(pi @ np.minimum(x, n)) / n, rel=1e-10)
    few = erlang.measures_chat(agents=n, arrival_rate=lam, handle_times=times, places=5)  # lines end before slots
    pi = stationary(np.diag(np.full(5, lam), 1) + np.diag(rates[1:6], -1))
    assert few.p_block == pytest.approx(pi[-1], rel=1e-10)
    assert few.occupancy_of_slots == pytest.approx(float(pi @ np.arange(6)) / 9, rel=1e-10)


def stationary(rates: np.ndarray) -> np.ndarray:
    """Null vector of the generator whose off-diagonal entries are ``rates``."""
    generator = rates - np.diag(rates.sum(axis=1))
    matrix = np.vstack([generator.T, np.ones(len(rates))])
    return np.linalg.lstsq(matrix, np.append(np.zeros(len(rates)), 1.0), rcond=None)[0]


def test_blending_between_all_and_nothing() -> None:
    queue = {"agents": 9, "arrival_rate": 5.0, "service_rate": 1.0, "abandonment_rate": 0.7, "answer_within": 0.3}
    none = erlang.measures_blending(reserve=9, **queue)  # outbound work never finds enough idle agents
    call = erlang.measures(**queue)
    for name in MEASURES:
        assert getattr(none, name) == pytest.approx(getattr(call, name), rel=1e-11), name
    assert none.outbound_rate == pytest.approx(0.0, abs=1e-12)
    all_of_them = erlang.measures_blending(reserve=0, **queue)
    assert (all_of_them.occupancy, all_of_them.p_wait) == (1.0, 1.0)
    rates = [erlang.measures_blending(reserve=k, **queue).outbound_rate for k in range(10)]
    assert rates == sorted(rates, reverse=True)
    with pytest.raises(ParameterError, match="reserve"):
        erlang.measures_blending(reserve=10, **queue)


def test_blending_against_the_null_vector_of_its_chain() -> None:
    n, kept, lam, theta, places = 6, 2, 3.0, 0.5, 10
    states = np.arange(n - kept, places + 1)
    down = np.minimum(states, n) + theta * np.maximum(states - n, 0)
    pi = stationary(np.diag(np.full(len(states) - 1, lam), 1) + np.diag(down[1:], -1))
    m = erlang.measures_blending(
        agents=n, arrival_rate=lam, service_rate=1.0, reserve=kept, abandonment_rate=theta, places=places
    )
    assert m.p_block == pytest.approx(pi[-1], rel=1e-10)
    assert m.e_queue == pytest.approx(float(pi @ np.maximum(states - n, 0)), rel=1e-10)
    assert m.occupancy == pytest.approx(float(pi @ np.minimum(states, n)) / n, rel=1e-10)
    assert m.outbound_rate == pytest.approx(pi[0] * (n - kept), rel=1e-9)  # an end in the lowest state starts the next


def test_skills_in_simple_shapes() -> None:
    alone = erlang.measures_n_design(
        agents=(2, 5), arrival_rates=(0.0, 4.0), service_rate=1.0, abandonment_rates=(0.5, 0.8)
    )
    second = erlang.measures(agents=5, arrival_rate=4.0, service_rate=1.0, abandonment_rate=0.8)
    assert alone.p_wait[1] == pytest.approx(second.p_wait, rel=1e-10)
    assert alone.e_wait[1] == pytest.approx(second.e_wait, rel=1e-10)
    assert alone.occupancy == pytest.approx((0.0, second.occupancy), rel=1e-10)
    # Without a first group and with equal patience, both classes share one pool: class 2 first.
    lams, theta = (2.0, 1.5), 0.6
    m = erlang.measures_n_design(agents=(0, 4), arrival_rates=lams, service_rate=1.0, abandonment_rates=(theta, theta))
    pool = erlang.measures(agents=4, arrival_rate=3.5, service_rate=1.0, abandonment_rate=theta)
    assert sum(m.e_queue) == pytest.approx(pool.e_queue, rel=1e-10)
    assert m.p_wait == pytest.approx((pool.p_wait, pool.p_wait), rel=1e-10)
    assert m.e_wait[1] < pool.e_wait < m.e_wait[0]
    # Nobody gives up: two classes in one pool are priorities.
    calm = erlang.measures_n_design(agents=(0, 4), arrival_rates=(1.2, 1.5), service_rate=1.0)
    first = erlang.measures_priority(agents=4, arrival_rates=[1.5, 1.2], service_rate=1.0)
    assert (calm.e_wait[1], calm.e_wait[0]) == pytest.approx(first.e_wait_by_class, rel=1e-8)


def test_skills_serve_what_does_not_give_up() -> None:
    agents, lams, mu, thetas = (3, 4), (5.0, 2.5), 1.3, (0.4, 0.9)
    m = erlang.measures_n_design(agents=agents, arrival_rates=lams, service_rate=mu, abandonment_rates=thetas)
    served = sum(lam * (1 - p) for lam, p in zip(lams, m.p_abandon, strict=True))
    busy = sum(n * occupancy for n, occupancy in zip(agents, m.occupancy, strict=True))
    assert served == pytest.approx(mu * busy, rel=1e-10)


# --- time-varying rates ----------------------------------------------------------------------------------------------


@functools.cache
def day_by_matrix_exponential() -> list[tuple[np.ndarray, np.ndarray]]:
    """Agents rise and fall; the state is (busy, waiting), written down directly and followed by dense exponentials."""
    staff, lams, mu, theta, length, cap = (2, 4, 3, 1, 2), (2.0, 6.0, 4.0, 1.5, 3.0), 1.0, 0.5, 0.8, 18
    states = [(b, w) for b in range(5) for w in range(cap + 1)]
    number = {state: i for i, state in enumerate(states)}
    p = np.zeros(len(states))
    p[number[0, 0]] = 1.0
    rows = []
    for n, lam in zip(staff, lams, strict=True):
        moved = np.zeros_like(p)
        for (b, w), mass in zip(states, p, strict=True):  # at the change free agents take waiting callers
            start = min(max(n - b, 0), w)
            moved[number[b + start, w - start]] += mass
        q = np.zeros((len(states), len(states)))
        for (b, w), i in number.items():
            if b < n and w == 0 and b < 4:
                q[i, number[b + 1, 0]] += lam
            elif b >= n and w < cap:
                q[i, number[b, w + 1]] += lam
            if b > 0:  # who finishes goes home if too many are busy, else takes the next caller
                after = (b, w - 1) if w > 0 and b <= n else (b - 1, w)
                q[i, number[after]] += b * mu
            if w > 0:
                q[i, number[b, w - 1]] += w * theta
        q -= np.diag(q.sum(axis=1))
        size = len(states)
        block = np.zeros((2 * size, 2 * size))
        block[:size, :size], block[:size, size:] = q * length, np.eye(size) * length
        whole = expm(block)
        rows.append((moved @ whole[:size, size:] / length, moved @ whole[:size, :size]))
        p = rows[-1][1]
    return rows


def test_a_day_with_rising_and_falling_agents() -> None:
    run = erlang.transient(
        agents=[2, 4, 3, 1, 2],
        arrival_rates=[2.0, 6.0, 4.0, 1.5, 3.0],
        period=0.8,
        service_rate=1.0,
        abandonment_rate=0.5,
    )
    busy, waiting = np.divmod(np.arange(5 * 19), 19)
    staff = (2, 4, 3, 1, 2)
    for i, (average, final) in enumerate(day_by_matrix_exponential()):
        assert run.mean_busy[i] == pytest.approx(float(average @ busy), rel=1e-7), i
        assert run.mean_queue[i] == pytest.approx(float(average @ waiting), rel=1e-6), i
        assert run.p_wait[i] == pytest.approx(float(average[busy >= staff[i]].sum()), rel=1e-7), i
        assert run.end_mean_in_system[i] == pytest.approx(float(final @ (busy + waiting)), rel=1e-7), i
    assert np.isnan(run.sl_served_over_offered).all()


def test_flow_over_a_day() -> None:
    run = erlang.transient(
        agents=[3, 6, 2],
        arrival_rates=[5.0, 7.0, 1.0],
        period=2.0,
        service_rate=1.0,
        abandonment_rate=0.3,
        places=9,
        start=2,
    )
    came = 2 + run.offered.sum() - run.blocked.sum()
    assert came == pytest.approx(run.served.sum() + run.abandons.sum() + run.end_mean_in_system[-1], rel=1e-10)


@pytest.mark.parametrize("theta", [0.0, 0.5])
@pytest.mark.parametrize("places", [None, 14])
def test_a_long_run_reaches_the_steady_state(theta: float, places: int | None) -> None:
    queue = {"service_rate": 1.0, "abandonment_rate": theta, "places": places, "answer_within": 0.3}
    run = erlang.transient(agents=[8, 8], arrival_rates=[5.0, 5.0], period=120.0, **queue)
    m = erlang.measures(agents=8, arrival_rate=5.0, **queue)
    for name in ("p_wait", "p_abandon", "p_abandon_within_t", "e_wait", "e_wait_served", "sl_served_over_offered"):
        assert getattr(run, name)[1] == pytest.approx(getattr(m, name), rel=1e-9, abs=1e-15), name
    for name in ("sl_excl_short_abandons", "sl_served_over_served"):
        assert getattr(run, name)[1] == pytest.approx(getattr(m, name), rel=1e-9), name
    assert run.mean_busy[1] == pytest.approx(8 * m.occupancy, rel=1e-9)
    assert run.blocked[1] == pytest.approx(600 * m.p_block, rel=1e-9)


def test_transient_refuses_nonsense() -> None:
    with pytest.raises(ParameterError, match="one entry per period"):
        erlang.transient(agents=[1, 2], arrival_rates=[1.0], period=1.0, service_rate=1.0)
    with pytest.raises(ParameterError, match="start"):
        erlang.transient(agents=[1], arrival_rates=[1.0], period=1.0, service_rate=1.0, places=3, start=4)


def test_offered_load_of_steps() -> None:
    t = np.array([0.0, 0.5, 1.0, 1.7, 2.0, 3.0, 9.0])
    rates = [4.0, 10.0]
    load = erlang.offered_load(t, arrival_rates=rates, period=1.0, service=2.0)
    exact = [
        sum(r / 2 * (math.exp(-2 * max(x - i - 1, 0)) - math.exp(-2 * max(x - i, 0))) for i, r in enumerate(rates))
        for x in t
    ]
    assert load == pytest.approx(exact, rel=1e-12, abs=1e-15)
    run = erlang.transient(agents=[60, 60], arrival_rates=rates, period=1.0, service_rate=2.0)
    assert run.end_mean_in_system == pytest.approx(load[[2, 4]], rel=1e-10)  # so many agents that nobody waits


def test_offered_load_of_other_service_laws() -> None:
    t = np.linspace(0.0, 6.0, 7)

    def rate(s: np.ndarray) -> np.ndarray:
        return 10 + 5 * np.sin(s)

    constant = erlang.offered_load(t, arrival_rates=rate, service=distributions.deterministic(0.5))
    assert constant == pytest.approx(5 + 5 * (np.cos(t - 0.5) - np.cos(t)), rel=1e-10)
    gamma = erlang.offered_load(t, arrival_rates=rate, service=distributions.gamma(0.5, shape=2.0))
    # the transfer function of the residual gamma law at frequency 1, from its characteristic function
    z = (1 - (1 - 0.25j) ** -2) / -1j  # integral of exp(iu) P(S > u)
    assert gamma == pytest.approx(5 + 5 * np.imag(np.exp(1j * t) * np.conj(z)), rel=1e-10)
    steps = erlang.offered_load([2.0], arrival_rates=[3.0] * 4, period=0.5, service=stats.gamma(2.0, scale=0.25))
    assert steps == pytest.approx([1.5 * (1 - math.exp(-8) * (1 + 4))], rel=1e-9)


# --- hostile values ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["agents", "arrival_rate", "service_rate", "abandonment_rate", "places", "answer_within"]
)
@pytest.mark.parametrize(
    "value", [-1, -0.5, math.nan, -math.inf, 10**400, 1e300, "many", [1], 1 + 2j, np.array([1, 2])], ids=repr
)
def test_nonsense_is_refused_by_name(name: str, value: object) -> None:
    good = {"agents": 14, "arrival_rate": 4.0, "service_rate": 1 / 3, "abandonment_rate": 1.0, "places": 20}
    given = {**good, "answer_within": 1 / 3, name: value}
    if not (isinstance(value, float) and value == 1e300 and name == "answer_within"):
        with pytest.raises(ParameterError, match=name):
            erlang.measures(**given)  # type: ignore[arg-type]
        return
    for_ever = erlang.measures(**{**given, "answer_within": math.inf})  # type: ignore[arg-type]
    assert erlang.measures(**given) == for_ever  # type: ignore[arg-type]


@pytest.mark.parametrize("agents", [10**12, 1e300, 10**400])
def test_more_agents_than_memory_holds_are_refused(agents: float) -> None:
    for call in (erlang.blocking, erlang.waiting_probability):
        with pytest.raises(ParameterError, match="agents must be at most"):
            call(agents, 3.0)  # type: ignore[arg-type]


def test_a_search_of_agents_survives_extreme_rates() -> None:
    found = erlang.agents_needed(
        {"sl_served_over_offered": 0.8}, arrival_rate=4.0, service_rate=1e99, answer_within=1 / 3
    )
    assert found == 1


def test_patience_may_be_written_as_in_a_scenario() -> None:
    queue = {"agents": 14, "arrival_rate": 4.0, "service_rate": 1 / 3, "answer_within": 1 / 3}

    def p_abandon(patience: object) -> float:
        return erlang.measures_general_patience(**queue, patience=patience).p_abandon  # type: ignore[arg-type]

    assert p_abandon({"exponential": 2.0}) == pytest.approx(
        erlang.measures(**queue, abandonment_rate=0.5).p_abandon,
        rel=1e-12,  # type: ignore[arg-type]
    )
    assert p_abandon({"weibull": {"mean": 2.0, "shape": 1.5}}) == p_abandon(distributions.weibull(mean=2.0, shape=1.5))
    half_balk = distributions.with_zero(distributions.exponential(2.0), 0.5)
    assert p_abandon({"exponential": {"mean": 2.0, "zero": 0.5}}) == p_abandon(half_balk)
    for wrong in ({"weibul": 2.0}, {}, {"weibull": {"men": 2.0}}, {"exponential": -1.0}, {"uniform": 2.0}):
        with pytest.raises(ParameterError, match="patience"):
            p_abandon(wrong)
