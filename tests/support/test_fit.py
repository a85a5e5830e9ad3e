"""Numbers from call logs: known parameters come back from synthetic logs; a bad log is refused, all faults at once."""

from __future__ import annotations

import importlib.util
import math
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from simulator import distributions
from simulator.errors import InputError, ParameterError
from simulator.support import assemble, demand, fit
from tests import models

ROOT = Path(__file__).resolve().parents[2]


def draws(law: distributions.Law, size: int, seed: int) -> np.ndarray:
    return law.quantile(np.random.default_rng(seed).random(size))


# --- laws -----------------------------------------------------------------------------------------------------------

LAWS = {
    "exponential": distributions.exponential(180.0),
    "weibull": distributions.weibull(mean=180.0, shape=0.6),
    "gamma": distributions.gamma(mean=180.0, shape=3.0),
    "lognormal": distributions.lognormal(mean=180.0, cv=1.5),
    "hyperexponential": distributions.hyperexponential((0.3, 0.7), (30.0, 400.0)),
}


@pytest.mark.parametrize("family", LAWS)
def test_the_right_family_and_its_parameters_come_back_although_half_is_censored(family):
    law = LAWS[family]
    patience = draws(law, 8000, seed=1)
    offered_wait = draws(distributions.exponential(200.0), 8000, seed=2)
    recorded = np.round(np.minimum(patience, offered_wait))
    best = fit.fit_laws(recorded, patience <= offered_wait)[0]
    assert best.law.family == family
    t = np.array([20.0, 60.0, 150.0, 300.0])
    # 8,000 durations, half of them censored: a share is known to about 0.5 / sqrt(4000) = 0.008, here 2.5 times that
    assert best.law.survival(t) == pytest.approx(law.survival(t), abs=0.02)
    # the mean rests on the tail that censoring hides; the families differ by factors
    assert best.law.mean == pytest.approx(law.mean, rel=0.12)


def test_ignoring_the_censoring_would_be_seen():
    patience, offered_wait = draws(LAWS["exponential"], 4000, 3), draws(distributions.exponential(60.0), 4000, 4)
    recorded, gave_up = np.minimum(patience, offered_wait), patience <= offered_wait
    fitted = fit.fit_laws(recorded, gave_up, families=["exponential"])[0].law.mean
    closed_form = recorded.sum() / gave_up.sum()
    # rounding to the second moves the closed form of the unrounded law by less than a second in 180
    assert fitted == pytest.approx(closed_form, rel=0.005)
    assert fitted > 3 * fit.fit_laws(recorded[gave_up], families=["exponential"])[0].law.mean


def test_the_fit_agrees_with_scipy():
    # shape over 1: where the density is infinite at 0, a single tiny duration parts a density from an interval
    patience = draws(distributions.weibull(mean=180.0, shape=1.5), 3000, 5)
    offered_wait = draws(distributions.exponential(200.0), 3000, 6)
    recorded, gave_up = np.minimum(patience, offered_wait), patience <= offered_wait
    ours = fit.fit_laws(recorded, gave_up, families=["weibull"], resolution=1e-3)[0]
    data = stats.CensoredData(uncensored=recorded[gave_up], right=recorded[~gave_up])
    shape, _, scale = stats.weibull_min.fit(data, floc=0)
    # two optimisers of one likelihood, each stopped within about 1e-4 of its parameters
    assert ours.law.shape[0] == pytest.approx(shape, rel=1e-3)
    assert ours.law.scale == pytest.approx(scale * math.gamma(1 + 1 / shape), rel=1e-3)


def test_an_atom_is_found_where_there_is_one_and_only_there():
    rest = distributions.gamma(mean=100.0, shape=2.0)
    with_atom = np.round(draws(distributions.with_zero(rest, 0.1), 5000, 7))
    best = fit.fit_laws(with_atom, families=["gamma"], atom=True)[0]
    # 500 zeros of 5,000: the share is known to 0.0042
    assert best.law.zero == pytest.approx(0.1, abs=0.015)
    assert best.parameters == 3
    # many short durations are rounded to 0 here, as the law itself expects
    short = np.round(draws(LAWS["weibull"], 5000, 8))
    assert np.mean(short == 0) > 0.02
    assert fit.fit_laws(short, families=["weibull"], atom=True)[0].law.zero == 0.0


def test_fits_come_in_the_order_of_the_criterion():
    fits = fit.fit_laws(draws(LAWS["lognormal"], 500, 9))
    assert sorted(f.law.family for f in fits) == sorted(fit.LAW_FAMILIES)
    assert [f.aic for f in fits] == sorted(f.aic for f in fits)
    assert fits[0].aic == 2 * fits[0].parameters - 2 * fits[0].log_likelihood


@pytest.mark.parametrize(
    ("duration", "ended"),
    [([1.0, -1.0], None), ([1.0, math.nan], None), ([1.0, 2.0], [False, False]), ([1.0], [True, False])],
)
def test_impossible_samples_are_refused(duration, ended):
    with pytest.raises(ParameterError):
        fit.fit_laws(duration, ended)


def test_an_unknown_family_is_refused():
    with pytest.raises(ParameterError, match="cauchy"):
        fit.fit_laws([1.0, 2.0], families=["cauchy"])


@pytest.mark.parametrize("family", LAWS)
def test_a_law_written_for_a_scenario_reads_back(family):
    from simulator.scenario.schema import Queue

    law = distributions.with_zero(LAWS[family], 0.05)
    back = Queue.model_validate({"talk": fit.law_document(law)}).talk.law
    assert back.family == family
    # three digits
    assert back.mean == pytest.approx(law.mean, rel=0.01)
    assert back.cv == pytest.approx(law.cv, rel=0.02)
    assert back.zero == 0.05


def test_a_heavy_lognormal_is_told_by_its_median():
    heavy = fit.law_document(distributions.lognormal(median=474.0, sigma=1.89))
    assert heavy == {"lognormal": {"median": "474 s", "sigma": 1.89}}


# --- Kaplan-Meier ---------------------------------------------------------------------------------------------------


def test_kaplan_meier_by_hand_with_ties():
    # at 2 s one gives up and one is answered: the answered one counts as still there at 2 s
    curve = fit.kaplan_meier([1, 2, 2, 3, 4], [True, True, False, True, False])
    assert curve.at([0.5, 1, 2, 3, 10]) == pytest.approx([1.0, 4 / 5, 4 / 5 * 3 / 4, 4 / 5 * 3 / 4 / 2, 0.3], abs=1e-12)
    assert curve.at_risk.tolist() == [5, 4, 2, 1]


def test_kaplan_meier_sees_through_the_censoring():
    law = LAWS["weibull"]
    patience, offered_wait = draws(law, 20_000, 10), draws(distributions.exponential(120.0), 20_000, 11)
    curve = fit.kaplan_meier(np.minimum(patience, offered_wait), patience <= offered_wait)
    t = np.array([10.0, 60.0, 120.0, 240.0])
    # at 240 s some 1,500 are still at risk: a standard error of about 0.007
    assert curve.at(t) == pytest.approx(law.survival(t), abs=0.025)
    right = fit.LawFit(law, 2, 0.0)
    wrong = fit.LawFit(LAWS["exponential"], 1, 0.0)
    assert right.gap(curve, at_risk=1000) < 0.025 < 0.1 < wrong.gap(curve, at_risk=1000)


# --- day factor -----------------------------------------------------------------------------------------------------


def test_the_day_factor_is_told_from_poisson_noise():
    rng = np.random.default_rng(12)
    cell = np.arange(4000) % 5
    mean = np.array([50.0, 80.0, 100.0, 200.0, 400.0])[cell]
    # 4,000 days: the cv is known to about cv / sqrt(2 · 4000) · 2 = 2 %, here 4 times that
    varied = rng.poisson(mean * rng.gamma(1 / 0.15**2, 0.15**2, size=4000))
    assert fit.day_factor_cv(varied, cell) == pytest.approx(0.15, rel=0.08)
    # Poisson days alone: cv² is 0 up to about sqrt(2 / 4000) / mean of days = 1e-4
    assert fit.day_factor_cv(rng.poisson(mean), cell) < 0.02
    assert fit.day_factor_cv(varied, np.zeros(4000)) > 0.5, "the shape of the week must not pass for a day factor"


def test_single_days_tell_nothing_of_the_day_factor():
    assert math.isnan(fit.day_factor_cv([10, 20, 30], ["a", "b", "c"]))


# --- reading --------------------------------------------------------------------------------------------------------

HEADER = "date,time,queue,outcome,wait,talk,agent\n"


def write(tmp_path: Path, rows: str, header: str = HEADER) -> Path:
    path = tmp_path / "calls.csv"
    path.write_text(header + rows, encoding="utf-8")
    return path


def test_a_log_is_read_in_one_form(tmp_path):
    log = fit.read_calls(
        write(
            tmp_path,
            "2027-04-01,09:00:30,phone,answered,0,125,Ann\n"
            "2027-04-01,9:05,phone,Abandoned,0:42,,\n"
            "2027-04-02,33000,,answered,12,1:02:05,Bob\n"
            "\n"
            "2027-04-05,33000,phone,test,0,, \n\n",
        ),
        ignore=["test"],
    )
    calls = log.calls
    assert calls["time"].tolist() == [32430.0, 32700.0, 33000.0]
    assert calls["wait"].tolist() == [0.0, 42.0, 12.0]
    assert calls["talk"].fillna(-1).tolist() == [125.0, -1.0, 3725.0]
    assert calls["answered"].tolist() == [True, False, True]
    assert calls["waited"].tolist() == [False, True, True]
    assert calls["queue"].tolist() == ["phone", "phone", "calls"]
    assert calls["line"].tolist() == [2, 3, 4]
    assert [str(d.date()) for d in log.dates] == ["2027-04-01", "2027-04-02", "2027-04-05"]
    assert dict(log.skipped) == {"ignored test": 1}
    assert len(log.only("phone", last="2027-04-01").calls) == 2
    assert len(log.only(without=["2027-04-01"]).dates) == 2


def test_columns_may_be_named_and_time_may_be_a_timestamp(tmp_path):
    path = write(tmp_path, "2027-04-01T09:00:30,ok,3,60\n", header="when,how,waited for,spoken\n")
    columns = {"time": "when", "outcome": "how", "wait": "waited for", "talk": "spoken"}
    calls = fit.read_calls(path, columns, answered=["ok"]).calls
    assert calls["time"].tolist() == [32430.0]
    assert calls["talk"].tolist() == [60.0]


def test_every_missing_column_is_named_at_once(tmp_path):
    path = write(tmp_path, "x,1\n", header="date,hang time\n")
    with pytest.raises(InputError) as caught:
        fit.read_calls(path, {"wait": "hang tim"})
    assert [p.path for p in caught.value.problems] == ["outcome", "talk", "time", "wait"]
    assert caught.value.problems[-1].nearest == "hang time"
    assert str(path) in str(caught.value)


BAD_ROWS = (
    "2027-04-01,09:00,phone,answered,5,60,Ann\n"
    "2027-04-01,09:01,phone,answered,-5,60,Ann\n"
    "2027-04-01,09:02,phone,answered,5,,Ann\n"
    "2027-04-01,09:03,phone,abandoned,5,,Ann\n"
    "2027-04-01,noon,phone,answered,5,60,Ann\n"
    "2027-04-01,09:00,phone,answered,5,60,Ann\n"
    "2027-04-01,09:04,phone,abandoned,soon,,\n"
    "2027-04-01,09:05,phone,exploded,5,,\n"
    "9999-04-01,09:06,phone,answered,5,60,A\n"
    "2027-04-01,09:07,phone,answered,1e300,60,A\n"
)


def test_faulty_rows_are_refused_in_one_list(tmp_path):
    with pytest.raises(InputError) as caught:
        fit.read_calls(write(tmp_path, BAD_ROWS))
    assert [(p.line, p.message) for p in caught.value.problems] == [
        (3, "1 row: a negative wait or talk"),
        (4, "1 row: answered, but no talk is recorded"),
        (5, "1 row: abandoned, but an agent is recorded"),
        (6, "3 rows: a time, wait or talk that cannot be read"),
        (7, "1 row: the same row again"),
        (9, "1 row with an outcome of no known meaning"),
        (11, "1 row: a wait or talk of more than a day"),
    ]


def test_a_column_that_stands_twice_is_refused(tmp_path):
    path = write(tmp_path, "2027-04-01,09:00,a,answered,5,60,b\n", "date,time,queue,outcome,wait,talk,queue\n")
    with pytest.raises(InputError, match="this column twice; found queue"):
        fit.read_calls(path)


def test_faulty_rows_are_left_out_only_when_told_and_counted(tmp_path):
    path = write(tmp_path, BAD_ROWS.partition("2027-04-01,09:05")[0])
    with pytest.raises(InputError, match="2 rows: a time"):
        fit.read_calls(path, skip=[kind for kind in fit.ROW_FAULTS if kind != "unparsable"])
    log = fit.read_calls(path, skip=fit.ROW_FAULTS)
    assert log.calls["line"].tolist() == [2]
    assert dict(log.skipped) == {
        "unparsable": 2,
        "negative": 1,
        "answered_without_talk": 1,
        "abandoned_with_agent": 1,
        "duplicate": 1,
    }
    with pytest.raises(ParameterError, match="unparsable"):
        fit.read_calls(path, skip=["unparseable"])


def test_a_talk_of_an_abandoned_call_is_said_and_not_used(tmp_path):
    rows = "2027-04-01,09:00,phone,answered,5,60,Ann\n2027-04-01,09:01,phone,abandoned,5,33,\n"
    log = fit.read_calls(write(tmp_path, rows + "2027-04-01,09:02,phone,abandoned,5,0,\n"))
    assert log.calls["talk"].isna().tolist() == [False, True, True]
    assert "abandoned calls with a talk: 1; it is not used" in log.notes


def test_every_row_that_is_too_long_is_listed(tmp_path):
    log = tmp_path / "calls.csv"
    log.write_text("a,b\n1,2\n1,2,3\n1,2\n1,2,3,4\n")
    with pytest.raises(InputError) as caught:
        fit.read_table(log, False, "utf-8")
    assert [(p.line, p.found) for p in caught.value.problems] == [(3, "3"), (5, "4")]


def test_a_row_that_is_too_long_counts_as_unparsable(tmp_path):
    path = write(
        tmp_path, "2027-04-01,09:00,phone,answered,5,60,Ann\n" + "2027-04-01,09:01,p,answered,5,60,Ann,x,y\n" * 2
    )
    with pytest.raises(InputError, match="more fields than the header has"):
        fit.read_calls(path)
    log = fit.read_calls(path, skip=["unparsable"])
    assert (len(log.calls), dict(log.skipped)) == (1, {"unparsable": 2})


def test_one_call_number_twice_is_a_duplicate(tmp_path):
    rows = "2027-04-01,09:00,p,answered,5,60,Ann\n2027-04-01,09:07,p,answered,5,61,Ann\n"
    path = write(tmp_path, rows)
    assert len(fit.read_calls(path).calls) == 2
    with pytest.raises(InputError, match="the same row again"):
        fit.read_calls(path, {"id": "agent"})


def test_a_file_that_is_not_there_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv"):
        fit.read_calls(tmp_path / "none.csv")


# --- days and clocks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "day", "second"),
    [
        ("31/03/2027 09:05", "2027-03-31", 32700.0),
        ("03/31/2027 9:05:30 PM", "2027-03-31", 75930.0),
        ("2027年3月31日 12:00", "2027-03-31", 43200.0),
        ("31.03.2027 00:30:00.5", "2027-03-31", 1800.5),
        ("31 Mar 2027 12:10 AM", "2027-03-31", 600.0),
        ("2027-03-31T09:05:00Z", "2027-03-31", 32700.0),
    ],
)
def test_local_ways_to_write_a_moment(tmp_path, written, day, second):
    log = fit.read_calls(write(tmp_path, f"{written},answered,3,60\n", header="time,outcome,wait,talk\n"))
    assert str(log.calls["date"].iloc[0].date()) == day
    assert log.calls["time"].tolist() == [second]


def test_dates_that_could_be_days_or_months_first_are_refused_until_said(tmp_path):
    path = write(tmp_path, "03/04/2027 09:00,answered,3,60\n", header="time,outcome,wait,talk\n")
    with pytest.raises(InputError, match="more than one way") as caught:
        fit.read_calls(path)
    assert "date_format %d/%m/%Y or date_format %m/%d/%Y" in str(caught.value)
    assert str(fit.read_calls(path, date_format="%d/%m/%Y").dates[0].date()) == "2027-04-03"


def test_a_log_without_days_says_so(tmp_path):
    path = write(tmp_path, "09:00,answered,3,60\n", header="time,outcome,wait,talk\n")
    with pytest.raises(InputError, match="no date could be read"):
        fit.read_calls(path)


ZONES = "2027-03-28T00:30+01:00,answered,3,60\n2027-03-28T03:30+02:00,answered,3,60\n"


def test_offsets_are_converted_to_the_named_zone_and_else_must_agree(tmp_path):
    path = write(tmp_path, ZONES, header="time,outcome,wait,talk\n")
    with pytest.raises(InputError, match="different time zones"):
        fit.read_calls(path)
    berlin = fit.read_calls(path, timezone="Europe/Berlin").calls  # the clock jumps from 02:00 to 03:00 between the two
    assert berlin["time"].tolist() == [1800.0, 12600.0]
    tokyo = fit.read_calls(path, timezone="Asia/Tokyo").calls
    assert tokyo["time"].tolist() == [30600.0, 37800.0]
    one = fit.read_calls(write(tmp_path, ZONES.split("\n")[0] + "\n", header="time,outcome,wait,talk\n"))
    assert one.calls["time"].tolist() == [1800.0]
    assert "+01:00 and are taken as written" in one.notes[0]


def test_calls_after_midnight_move_to_the_next_day_where_the_log_has_it(tmp_path):
    moments = ("2027-04-01,87000", "2027-04-02,25:10", "2027-04-02,200000")
    rows = "".join(f"{moment},p,answered,0,60,Ann\n" for moment in moments)
    with pytest.raises(InputError, match="1 row: a time"):
        fit.read_calls(write(tmp_path, rows))
    log = fit.read_calls(write(tmp_path, rows), skip=["unparsable"])
    assert log.calls["time"].tolist() == [600.0, 90600.0]
    assert [str(day.date()) for day in log.calls["date"]] == ["2027-04-02", "2027-04-02"]
    assert any("24:00 or later of their day: 2; of these 1" in note for note in log.notes)
    assert fit.arrival_profile(log).outside == 1


def test_japanese_exports_tabs_and_agents_that_are_nobody(tmp_path):
    path = tmp_path / "calls.csv"
    header = "日付\t着信時刻\t結果\t待ち時間\t通話時間\tオペレーター\n"
    path.write_bytes((header + "2027/04/01\t09:00\t放棄\t5\t\t不明\n").encode("cp932"))
    with pytest.raises(InputError, match="encoding"):
        fit.read_calls(path)
    log = fit.read_calls(path, encoding="cp932")
    assert log.calls["agent"].isna().all()
    assert not log.calls["answered"].any()
    assert any("不明" in note for note in log.notes)


# --- hours and people -----------------------------------------------------------------------------------------------


def test_opening_hours_need_a_quarter_of_the_days_and_two_of_them(tmp_path):
    rows = []
    for week in range(8):
        for day in range(6):  # Monday to Saturday
            date = np.datetime64("2027-03-01") + 7 * week + day
            closing = 1 if day == 5 else 4
            rows += [f"{date},{32400 + 1800 * slot},p,answered,0,60,Ann" for slot in range(closing) if slot != 2]
            rows.append(f"{date},{72000},p,answered,0,60,Ann")  # an evening shift, after more than three hours
    rows.append("2027-03-01,12:00,p,answered,0,60,Ann")  # one Monday in eight
    rows += [f"2027-03-{day},08:00,p,abandoned,5,," for day in ("08", "15", "22")]  # nobody answers that early
    rows.append("2027-03-07,10:00,p,answered,0,60,Ann\n2027-03-14,11:00,p,answered,0,60,Ann")  # two stray Sundays
    log = fit.read_calls(write(tmp_path, "\n".join(rows) + "\n"))
    assert fit.opening_hours(log) == {"mon-fri": "09:00-11:00,20:00-20:30", "sat": "09:00-09:30,20:00-20:30"}


def test_weekdays_alike_share_a_name_across_the_end_of_the_week():
    assert fit._day_names([0, 1, 2, 3, 6]) == "sun-thu"
    assert fit._day_names([0, 2]) == "mon,wed"
    assert fit._day_names([4]) == "fri"
    assert fit._day_names(list(range(7))) == "daily"


PRESENT = (
    "2027-04-01,32400,p,answered,0,300,Ann\n"  # to 32,700
    "2027-04-01,33500,p,answered,100,60,Ann\n"  # starts 33,600: exactly 900 s later, so still there; to 33,660
    "2027-04-01,34561,p,answered,0,39,Ann\n"  # 901 s later: away in between
    "2027-04-01,32400,p,answered,0,7200,Bob\n"  # a long call
    "2027-04-01,33000,p,answered,0,60,Bob\n"  # inside it: the end stays that of the long one
    "2027-04-01,32400,p,answered,0,60,unknown\n"
)


def test_presence_runs_from_first_to_last_call_with_long_gaps_as_absence(tmp_path):
    log = fit.read_calls(write(tmp_path, PRESENT))
    stretches = fit.presence(log)
    found = [tuple(row) for row in stretches[["agent", "start", "end"]].itertuples(index=False)]
    assert found == [("Ann", 32400, 33660), ("Ann", 34561, 34600), ("Bob", 32400, 39600)]
    by_slot = fit.present_by_interval(stretches, log.dates)
    assert by_slot[0, 18] == pytest.approx((1260 + 1800) / 1800, abs=1e-12)
    assert by_slot[0, 19] == pytest.approx((39 + 1800) / 1800, abs=1e-12)
    assert by_slot.sum() * 1800 == pytest.approx(1260 + 39 + 7200, abs=1e-6)


def test_pauses_count_only_while_the_next_caller_waited(tmp_path):
    rows = []
    for n in range(40):
        at = 32400 + 1000 * n
        rows.append(f"2027-04-01,{at},p,answered,0,100,Ann")
        rows.append(f"2027-04-01,{at + 50},p,answered,{50 + (8 if n % 2 else 12)},100,Ann")  # taken 8 or 12 s later
        rows.append(f"2027-04-01,{at + 300},p,answered,5,100,Ann")  # arrived when Ann was idle
    found = fit.pauses(fit.read_calls(write(tmp_path, "\n".join(rows) + "\n")))
    assert found == fit.Pauses(40, 10.0, 10.0, 120.0)
    assert fit.pauses(fit.read_calls(write(tmp_path, "\n".join(rows[:30]) + "\n"))) is None


def test_redials_are_calls_of_the_same_customer_soon_after(tmp_path):
    header = HEADER.replace("agent", "customer")
    rows = (
        "2027-04-01,32400,p,abandoned,60,,c1\n"
        "2027-04-01,32760,p,answered,0,60,c1\n"  # 300 s after giving up
        "2027-04-01,32400,p,abandoned,60,,c2\n"
        "2027-04-01,36061,p,answered,0,60,c2\n"  # 3,601 s after: too late
        "2027-04-01,32400,p,abandoned,60,,\n"  # nobody knows who
        "2027-04-01,40000,p,answered,0,60,c3\n"
        "2027-04-01,40100,p,answered,0,60,c3\n"
    )
    found = fit.redials(fit.read_calls(write(tmp_path, rows, header)))
    assert found == fit.Redials(abandoned=2, again=0.5, answered_again=0.25, within=3600.0, delay=300.0)
    assert fit.redials(fit.read_calls(write(tmp_path, PRESENT))) is None


def test_suggested_agents_are_the_least_that_meet_the_level():
    from simulator.support import erlang

    found = fit.suggested_agents([[0.0, 40.0]], 180.0, giving_up_rate=1 / 200)
    assert found[0, 0] == 0
    levels = [
        erlang.measures(
            agents=n, arrival_rate=40 / 1800, service_rate=1 / 180, abandonment_rate=1 / 200, answer_within=20.0
        ).sl_excl_short_abandons
        for n in (found[0, 1] - 1, found[0, 1])
    ]
    assert levels[0] < 0.8 <= levels[1]


# --- how good a forecast --------------------------------------------------------------------------------------------


def generated_days(interval_cv: float, seed: int, weeks: int = 160) -> tuple[pd.DatetimeIndex, np.ndarray]:
    """Weekdays of a gamma day factor (cv 0.15) and a gamma factor of each half hour."""
    rng = np.random.default_rng(seed)
    dates = pd.bdate_range("2027-03-01", periods=5 * weeks)
    mean = (5 + 20 * np.sin(np.linspace(0.2, 3, 16))) * np.array([1.3, 1, 1, 1, 0.9])[dates.day_of_week][:, None]
    factor = rng.gamma(1 / 0.15**2, 0.15**2, size=(len(dates), 1))
    own = rng.gamma(1 / interval_cv**2, interval_cv**2, size=mean.shape) if interval_cv else 1.0
    return dates, rng.poisson(mean * factor * own).astype(float)


def test_the_band_of_a_right_model_holds_its_share():
    found = fit.back_test(*generated_days(0.0, 21), fitted_weeks=8)
    assert found.weeks == 152
    # 760 days in weeks that share an estimate: a standard error of about 0.02; half hours share the day's factor
    assert found.days.inside == pytest.approx(0.8, abs=0.05)
    assert found.intervals.inside == pytest.approx(0.8, abs=0.05)
    assert found.days.inside + found.days.below + found.days.above == pytest.approx(1.0, abs=1e-12)


def test_an_interval_factor_that_the_day_factor_leaves_out_is_seen_and_measured():
    dates, counts = generated_days(0.4, 22)
    found = fit.back_test(dates, counts, fitted_weeks=8)
    assert found.intervals.inside < 0.7, "the band of the day factor alone is too narrow"
    assert found.intervals_own.inside == pytest.approx(0.8, abs=0.05)
    factors = fit.arrival_factors(counts, dates.day_of_week)
    # 800 days of 16 half hours: 0.4 is known to about 0.4 / sqrt(2 · 12,800) · 2 = 0.005, and the day's part to 0.01
    assert factors.interval_cv == pytest.approx(0.4, abs=0.03)
    assert factors.day_cv == pytest.approx(0.15, abs=0.03)
    assert factors.interval_memory == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize(("day_cv", "interval_cv", "memory"), [(0.15, 0.3, 0.6), (0.1, 0.4, 0.8), (0.2, 0.15, 0)])
def test_the_factors_of_drawn_arrivals_are_found_again(day_cv, interval_cv, memory):
    """What the scenario's own arrivals are drawn by comes back: the same words mean the same in both."""
    arrivals = {"rate": "1 per min", "day_cv": day_cv, "interval_cv": interval_cv, "interval_memory": memory}
    scenario = models.one_queue(
        queue={"arrivals": arrivals, "hours": {"daily": "08:00-18:00"}},
        calendar={"start": "2027-01", "months": 36, "days": None},
    )
    grid = scenario.calendar.grid()
    tables = assemble.build(scenario, grid).arrivals
    counts = np.zeros((grid.days, 48))
    for month in range(grid.months):
        drawn = demand.draw_month(tables, month, 7, 0).interval
        np.add.at(counts, (grid.interval_day[drawn], grid.interval_slot[drawn]), 1)
    found = fit.arrival_factors(counts, np.zeros(grid.days))
    # 1,096 days: a day factor's cv is known to 1 / sqrt(2 · 1,096) = 2 % of what whole days vary
    assert found.day_cv == pytest.approx(day_cv, abs=0.04)
    assert found.interval_cv == pytest.approx(interval_cv, abs=0.03)
    assert found.interval_memory == pytest.approx(memory, abs=0.08)
    assert found.total_cv > found.day_cv


def test_a_forecast_uses_nothing_of_the_week_it_forecasts():
    dates, counts = generated_days(0.0, 23, weeks=10)
    before = dict(fit.back_test(dates, counts, fitted_weeks=8).by_week)
    last = dates >= dates[-5]
    after = dict(fit.back_test(dates, np.where(last[:, None], counts * 3, counts), fitted_weeks=8).by_week)
    names = list(before)
    assert before[names[0]] == after[names[0]]
    assert after[names[1]].above == pytest.approx(1.0, abs=1e-6)
    with pytest.raises(ParameterError, match="8 weeks"):
        fit.back_test(dates[:20], counts[:20], fitted_weeks=8)


def recorded_counts(bank: str) -> tuple[pd.DatetimeIndex, np.ndarray]:
    """Calls by day and half hour of a recorded centre, skipping loudly without the data folder."""
    folder = Path(os.environ.get("SIMULATOR_DATA") or ROOT.parent / "shared" / "data")
    name = {"1999": "anonymous_bank_calls_6min_1999_dev.csv.gz", "2003": "bank_calls_5min_2003_dev.csv.gz"}[bank]
    if not (folder / name).exists():
        pytest.skip(f"NOT CHECKED against the recorded calls: {folder / name} is absent (set SIMULATOR_DATA)")
    calls = pd.read_csv(folder / name)
    calls["half_hour"] = (calls["slot"] - 1) // 5 if bank == "1999" else calls["slot"] // 6
    table = calls.pivot_table(index="date", columns="half_hour", values="calls", aggfunc="sum").fillna(0.0)
    dates, counts = pd.DatetimeIndex(table.index), table.to_numpy(dtype=float)
    if bank == "2003":
        return dates, counts[:, :28]  # 07:00 to 21:00; one slot is after it
    import holidays

    public = pd.DatetimeIndex(list(holidays.country_holidays("IL", years=1999)))
    full = dates.day_of_week.isin([6, 0, 1, 2, 3]) & ~dates.isin(public)  # Sunday to Thursday
    return dates[full], counts[full][:, 14:48]  # 07:00 to 24:00


@pytest.mark.slow
@pytest.mark.parametrize("bank", ["1999", "2003"])
def test_coverage_of_recorded_banks(bank, capsys):
    """Forecasts of weeks that were kept out, from the eight before.

    70 to 200 days put a share of 0.8 within some 0.05 of its mean, and the days of a week move together, so 0.1 is
    asked of them. Half hours vary by more than the day factor: that the band is too narrow without an interval factor
    and wider with it is a finding, not a target.
    """
    dates, counts = recorded_counts(bank)
    found = fit.back_test(dates, counts, fitted_weeks=8)
    with capsys.disabled():
        print(f"\nback-test {bank}: {found.weeks} weeks kept out, 80 % band")
        for name in ("days", "intervals", "intervals_own"):
            share = getattr(found, name)
            print(
                f"  {name:14s} {share.counts:6,d} counts  inside {share.inside:.1%}  below {share.below:.1%}  "
                f"above {share.above:.1%}  mean absolute error {share.error:.1%}"
            )
    assert found.days.inside == pytest.approx(0.8, abs=0.1)
    assert 0.65 < found.intervals.inside < found.intervals_own.inside < 0.9


@pytest.mark.slow
def test_presence_agrees_with_the_published_inference():
    folder = Path(os.environ.get("SIMULATOR_DATA") or ROOT.parent / "shared" / "data")
    file = folder / "anonymous_bank_staffing_g900_dev.csv"
    if not file.exists():
        pytest.skip(f"NOT CHECKED against the recorded staffing: {file} is absent (set SIMULATOR_DATA)")
    given = pd.read_csv(file)
    log = fit.read_calls(folder / "anonymous_bank_calls_dev.csv.gz", ignore=("left_vru", "phantom"))
    found = fit.presence(log)
    ours = float((found["end"] - found["start"]).sum())
    theirs = float((given["off_s"] - given["on_s"]).sum())
    # phantom calls and calls whose agent nobody knows may bound a stretch there and not here
    assert ours == pytest.approx(theirs, rel=0.01)


# --- a queue --------------------------------------------------------------------------------------------------------


def synthetic_log(tmp_path: Path) -> Path:
    """Twelve weeks: two calls an interval on weekdays 09:00 to 11:00 (three on Mondays), none on one day of the log."""
    rng = np.random.default_rng(13)
    rows = []
    for day in range(84):
        date = np.datetime64("2027-03-01") + day  # a Monday
        mean = 0 if day % 7 > 4 else 30 if day % 7 == 0 else 20
        for slot in range(4):
            for _ in range(rng.poisson(mean)):
                time = 32400 + 1800 * slot + rng.random() * 1800
                patience, wait = rng.exponential(90), max(rng.exponential(60) - 20, 0.0)
                answered = wait <= patience
                talk = 3.0 if rng.random() < 0.1 else 20 + rng.lognormal(4.5, 0.8)
                said = f"answered,{wait:.0f},{talk:.0f},Ann" if answered else f"abandoned,{patience:.0f},,"
                rows.append(f"{date},{time:.0f},{'phone' if rng.random() < 0.7 else 'sales'},{said}")
    rows.append("2027-03-06,80000,phone,answered,0,60,Ann")  # a Saturday night, outside the hours
    return write(tmp_path, "\n".join(rows) + "\n")


def test_a_queue_is_fitted_whole(tmp_path):
    from simulator.scenario.schema import Queue

    log = fit.read_calls(synthetic_log(tmp_path), skip=["duplicate"])
    queue = fit.fit_queue(log.only("phone"), hours={"mon-fri": "09:00-11:00"}, hang_up=10.0)
    table = queue.profile.table
    assert list(table) == ["mon", "tue", "wed", "thu", "fri"]
    assert list(table["mon"]) == ["09:00", "09:30", "10:00", "10:30"]
    assert queue.profile.days["mon"] == 12
    # 48 cells of a Monday and 192 of the other days, Poisson 21 and 14: standard errors 0.66 and 0.27
    assert np.mean(list(table["mon"].values())) == pytest.approx(21, abs=2.4)
    assert np.mean([list(table[d].values()) for d in list(table)[1:]]) == pytest.approx(14, abs=1.0)
    assert queue.profile.outside == 1
    # Poisson days: 60 days of about 60 calls put cv² within about 2 · sqrt(2 / 60) / 60 = 0.006
    assert queue.profile.factors.day_cv < 0.1
    assert queue.patience[0].law.survival(60.0) == pytest.approx(math.exp(-60 / 90), abs=0.05)
    assert queue.hang_ups == pytest.approx(0.1, abs=0.02)
    talk = log.only("phone").calls["talk"].dropna()
    assert queue.talk[0].law.mean == pytest.approx(talk.mean(), rel=1e-12), "load follows the mean of the log"
    document = queue.document()
    frozen = Queue.model_validate({"hours": {"mon-fri": "09:00-11:00"}, **document})
    assert frozen.talk.law.zero == pytest.approx(queue.hang_ups, abs=1e-3)
    assert frozen.arrivals is not None
    assert frozen.arrivals.table == table


def test_pooled_days_share_one_profile(tmp_path):
    log = fit.read_calls(synthetic_log(tmp_path), skip=["duplicate"])
    profile = fit.arrival_profile(log, hours={"mon-fri": "09:00-11:00"}, pools=["mon", "tue-fri"])
    assert profile.table["tue"] == profile.table["fri"] != profile.table["mon"]
    assert profile.days["tue"] == 48
    profile.write(tmp_path / "profile.csv")
    lines = (tmp_path / "profile.csv").read_text().splitlines()
    assert lines[0] == "weekday,time,calls"
    assert lines[1] == f"mon,09:00,{profile.table['mon']['09:00']:.4g}"
    assert len(lines) == 1 + 5 * 4


def test_a_day_without_calls_of_a_queue_counts_as_zero(tmp_path):
    rows = "2027-04-01,09:00,a,answered,0,60,Ann\n2027-04-08,09:00,b,answered,0,60,Ann\n"  # two Thursdays
    log = fit.read_calls(write(tmp_path, rows))
    assert fit.arrival_profile(log.only("a")).table["thu"]["09:00"] == 0.5


# --- the shipped numbers --------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_bank_scenario_states_what_the_log_says():
    specification = importlib.util.spec_from_file_location("fit_bank_1999", ROOT / "scenarios" / "fit_bank_1999.py")
    assert specification is not None
    assert specification.loader is not None
    script = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(script)
    folder = script.data_folder()
    if not (folder / script.LOG).exists():
        pytest.skip(f"NOT CHECKED against the recorded calls: {folder / script.LOG} is absent (set SIMULATOR_DATA)")
    shipped = yaml.safe_load((ROOT / "scenarios" / "bank_1999.yaml").read_text(encoding="utf-8"))["support"]["queues"]
    for name, queue in script.fit_queues(script.read(folder)).items():
        for key, value in queue.document(script.table_file(name)).items():
            assert shipped[name][key] == value, f"{name}.{key}"
        file = ROOT / "scenarios" / script.table_file(name)
        for day, row in queue.profile.table.items():
            for time, mean in row.items():
                assert f"\n{day},{time},{mean:.4g}\n" in file.read_text(encoding="utf-8")
