"""Estimates against numbers whose truth is known by construction."""

import numpy as np
import pytest

from simulator.montecarlo.precision import clustered_wilson, estimate, paired_difference, share_interval, wilson


def nested(draws: int, repeats: int, inputs: float, chance: float, seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(0, inputs, (draws, 1)) + rng.normal(0, chance, (draws, repeats))).reshape(-1)


def test_standard_error_of_a_clustered_sample() -> None:
    # the exact variance of the mean is inputs²/draws + chance²/(draws · repeats)
    found = [float(estimate(nested(50, 2, 1.0, 0.5, seed), 2).standard_error) for seed in range(400)]
    assert np.mean(np.square(found)) == pytest.approx(1 / 50 + 0.25 / 100, rel=0.05)  # 400 variances of 49 degrees: 1 %


def test_share_of_the_inputs() -> None:
    # 2,000 draws of 2: the estimate of a share of 0.8 has a standard error of about 0.01
    assert float(estimate(nested(2000, 2, 2.0, 1.0), 2).share_inputs) == pytest.approx(0.8, abs=0.04)
    assert float(estimate(nested(2000, 2, 0.0, 1.0), 2).share_inputs) < 0.06


def test_one_repeat_cannot_split() -> None:
    assert np.isnan(estimate(np.arange(10.0), 1).share_inputs)


def test_incomplete_last_draw_and_missing_values() -> None:
    spread = estimate([1.0, 3.0, np.nan, 4.0, 7.0], 2)
    assert float(spread.mean) == pytest.approx(15 / 4)
    assert np.isfinite(spread.standard_error)
    assert np.isnan(estimate(np.full((4, 2), np.nan), 2).mean).all()


def test_wilson_against_the_published_example() -> None:
    # Newcombe, Statistics in Medicine 17:857-872 (1998), table I: 81 of 263 gives 0.2553 to 0.3662
    low, high = wilson(81, 263)
    assert (float(low), float(high)) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    low, high = wilson(0, 20)
    assert float(low) == 0.0
    assert float(high) == pytest.approx(0.1611, abs=5e-5)


def test_clustered_interval_is_wider_when_repeats_agree() -> None:
    flags = np.repeat(np.tile([1.0, 0.0], 50), 2)
    share, low, high = clustered_wilson(flags, 2)
    plain_low, plain_high = wilson(100, 200)
    assert float(share) == 0.5
    assert float(high - low) > 1.3 * float(plain_high - plain_low)


def test_same_values_differ_by_exactly_zero() -> None:
    values = nested(20, 2, 1, 1)
    difference = paired_difference(values, values, 2)
    assert float(difference.mean) == 0.0
    assert float(difference.standard_error) == 0.0


def test_the_interval_of_a_share_stays_between_0_and_1() -> None:
    shares = np.array([[1.0, 0.5, 1.0, 1.4], [0.96, 0.7, 1.0, 0.9], [1.0, 0.6, 1.0, 1.0], [0.99, 0.6, 1.0, 1.1]])
    bounded = shares[:, :3]
    plain = estimate(bounded, 1)
    low, high = share_interval(plain, bounded)
    assert plain.high[0] > 1.0  # what the log-odds avoid
    assert (low[:2] < plain.mean[:2]).all()
    assert (plain.mean[:2] < high[:2]).all()
    assert high.max() <= 1.0
    assert (low[2], high[2]) == (1.0, 1.0)
    # where they are far from both ends the two intervals agree
    rng = np.random.default_rng(1)
    many = np.clip(rng.normal(0.5, 0.1, (400, 1)), 0, 1)
    spread = estimate(many, 1)
    ends = share_interval(spread, many)
    assert ends[1] - ends[0] == pytest.approx(spread.high - spread.low, rel=1e-3)
    # retention may exceed 1 and keeps the plain interval
    retention = estimate(shares, 1)
    assert share_interval(retention, shares)[1] == pytest.approx(retention.high)
