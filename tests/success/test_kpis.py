"""Success KPIs on numbers worked out by hand."""

import math

import numpy as np
import pytest

from simulator.success import compiled, kpis
from simulator.success.tables import HOUR_KINDS, MEETING, STEP_MEASURES
from tests.success.generated import generate, play


def test_retention_and_churn_of_the_articles() -> None:
    # 100 accounts, 20 new, 10 lost: 110 at the close
    assert float(kpis.retention_headcount_ratio(100, 110)) == pytest.approx(1.10)
    assert float(kpis.retention_net_of_new(100, 20, 110)) == pytest.approx(0.90)
    assert float(kpis.retention_cohort(100, 10)) == pytest.approx(0.90)
    assert float(kpis.churn_rate(100, 10)) == pytest.approx(0.10)
    assert float(kpis.retention_cohort(100, 10)) == pytest.approx(1 - float(kpis.churn_rate(100, 10)))
    # 3 of the lost were new in the period: the opening accounts lost are 7
    assert float(kpis.retention_cohort(100, 7)) != pytest.approx(float(kpis.retention_net_of_new(100, 20, 110)))
    assert float(kpis.churn_rate(100, 10, 110, "closing")) == pytest.approx(10 / 110)
    assert float(kpis.churn_rate(100, 10, 110, "average")) == pytest.approx(10 / 105)
    with pytest.raises(ValueError, match="closing"):
        kpis.churn_rate(100, 10, denominator="average")


def test_which_events_count_as_churn() -> None:
    events = {"cancel": [5, 0], "downgrade_to_free": [2, 1], "seat_reduction": [9, 9]}
    assert kpis.lost_accounts(events).tolist() == [5, 0]
    assert kpis.lost_accounts(events, ("cancel", "downgrade_to_free")).tolist() == [7, 1]
    with pytest.raises(ValueError, match="merger"):
        kpis.lost_accounts(events, ("merger",))


def test_steps() -> None:
    counted = dict.fromkeys(STEP_MEASURES, 0) | {
        "due": 100, "on_time": 70, "late": 20, "missed": 10, "void": 25, "delay": 6000, "elapsed": 9000, "booked": 95,
        "unbooked": 5, "cancelled": 8, "unprepared": 12, "postponed": 2, "customer_late": 16, "shortened": 4,
    }  # fmt: skip
    sums = np.array([[counted[name] for name in STEP_MEASURES], [0] * len(STEP_MEASURES)])
    found = {name: kpi(sums) for name, kpi in kpis.STEP_KPIS.items()}
    assert {name: round(float(value[0]), 4) for name, value in found.items()} == {
        "on_time_share": 0.7, "on_time_share_net_of_customer": 0.8333, "missed_share": 0.1, "void_share": 0.2,
        "mean_delay": 300.0, "mean_elapsed": 100.0, "cancelled_share": 0.08, "unprepared_share": 0.1304,
        "unbooked_share": 0.05, "shortened_share": 0.04, "no_show_share": 0.0,
    }  # fmt: skip
    assert all(np.isnan(value[1]) for value in found.values())


def test_an_activity_is_judged_by_its_meeting_and_a_quarter_by_its_months() -> None:
    model = generate(0)
    sums = play(compiled, model).sums
    acts = model.activities
    headlines = kpis.headline_sums(acts, sums)
    assert headlines.shape == (3, len(acts.activity_names), len(acts.segment_names), len(STEP_MEASURES))
    for k in range(len(acts.activity_names)):
        chain = range(acts.first_step[k], acts.first_step[k + 1])
        meetings = [n for n in chain if acts.step_kind[n] == MEETING]
        np.testing.assert_array_equal(headlines[:, k], sums[:, (meetings or list(chain))[-1]])
    quarters = kpis.by_window(np.stack([sums, 2 * sums]), [0, 0, 1])
    np.testing.assert_array_equal(quarters[1], 2 * np.stack([sums[0] + sums[1], sums[2]]))


def test_three_percent_a_month() -> None:
    assert float(kpis.annual_churn(0.03)) == pytest.approx(0.306, abs=5e-4)


def test_revenue_retention() -> None:
    assert float(kpis.nrr(100, 15, 4, 6)) == pytest.approx(1.05)
    assert float(kpis.grr(100, 4, 6)) == pytest.approx(0.90)
    then, now = np.array([10.0, 20.0, 30.0]), np.array([15.0, 0.0, 30.0])
    assert float(kpis.cohort_nrr(then, now)) == pytest.approx(45 / 60)
    assert float(kpis.cohort_grr(then, now)) == pytest.approx(40 / 60)
    assert kpis.negative_churn([5, 5], [1, 3], [2, 2]).tolist() == [True, False]


def test_ltv_worked_example_of_the_articles() -> None:
    assert float(kpis.ltv_revenue(500_000, 12, 3)) == 18_000_000
    assert float(kpis.ltv_net_of_cac(500_000, 0.5, 12, 3, 3_000_000)) == 6_000_000
    assert float(kpis.ltv_revenue(1, 12, 100, cap=60)) == 720


def test_nothing_to_divide_by_is_missing() -> None:
    assert np.isnan(kpis.churn_rate([0, 10], [0, 1])).tolist() == [True, False]
    assert np.isnan(kpis.event_rate(0, 0))
    assert math.isnan(kpis.nps([]).value)
    assert math.isnan(kpis.csat([])[1])


def test_hours() -> None:
    hours = dict.fromkeys(HOUR_KINDS, 0.0) | {
        "desk": 40, "meeting": 20, "interrupt": 10, "setup": 5, "internal": 30, "idle": 25, "absent": 20,
        "reserved": 22, "overtime": 15,
    }  # fmt: skip
    found = kpis.hour_kpis([hours[name] for name in HOUR_KINDS])
    assert {name: round(float(value), 4) for name, value in found.items()} == {
        # 75 h worked, 15 of them after hours, in 85 h available of 135 h contracted
        "utilisation": 0.8824, "booked_share": 0.2588, "reactive_share": 0.2, "internal_share": 0.2222,
        "absence_rate": 0.1481, "overtime_share": 0.1111,
    }  # fmt: skip


def test_nps_counts_zero_to_six_as_detractors() -> None:
    score = kpis.nps([10, 9, 8, 7, 6, 0, 9, 10, 3, 8])
    assert score.value == pytest.approx(10.0)
    assert score.answers == 10
    # variance of a difference of shares: 0.4 + 0.3 - 0.1² over 10 answers
    assert score.high - score.value == pytest.approx(100 * 1.959964 * math.sqrt((0.7 - 0.01) / 10), rel=1e-6)
    with pytest.raises(ValueError, match="0 and 10"):
        kpis.nps([11])


def test_csat() -> None:
    score, top_two = kpis.csat([5, 4, 3, 4, 1])
    assert score.value == pytest.approx(3.4)
    assert top_two == pytest.approx(0.6)
    with pytest.raises(ValueError, match="1 and 5"):
        kpis.csat([0])
