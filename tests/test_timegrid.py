"""Calendars: days of 23 and 25 hours, holidays, opening hours, and the two clocks."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.timegrid import add_months, build, business_clock, clock_seconds, holiday_dates, open_slots, parse_hours

HOUR = 3600.0
NEW_YORK = "America/New_York"


def grid(start=dt.date(2027, 4, 1), months=12, days=None, zone="Asia/Tokyo", country="JP", interval=1800.0, extra=()):
    return build(start, months, days, zone, country, interval, extra)


# --- the grid ---------------------------------------------------------------------------------------------------------


def test_a_fiscal_year():
    on = grid()
    assert (on.days, on.months, on.intervals, on.slots_per_day) == (366, 12, 366 * 48, 48)
    assert on.month_labels[0] == "2027-04"
    assert on.month_labels[-1] == "2028-03"
    assert np.diff(on.month_day).tolist() == [30, 31, 30, 31, 31, 30, 31, 30, 31, 31, 29, 31]
    assert on.quarter_of_month.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert str(on.dates[0]) == "2027-04-01"
    assert on.weekday[0] == 3
    assert on.ordinal[0] == dt.date(2027, 4, 1).toordinal()
    assert on.month_end(0) == 30 * 86400.0
    assert on.month_end(11) == on.interval_start[-1] == 366 * 86400.0


ZONES = st.sampled_from(["UTC", "Asia/Tokyo", NEW_YORK, "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo"])


@given(
    st.dates(dt.date(2010, 1, 1), dt.date(2030, 1, 1)),
    st.integers(1, 14),
    ZONES,
    st.sampled_from([900.0, 1800.0, 7200.0]),
)
def test_what_holds_on_every_grid(start, months, zone, interval):
    on = grid(start, months, zone=zone, country=None, interval=interval)
    assert on.day_start[0] == on.interval_start[0] == 0.0
    assert on.day_start[-1] == on.interval_start[-1]
    assert np.all(np.isin(np.diff(on.day_start) / HOUR, (23.0, 23.5, 24.0, 24.5, 25.0)))
    length = np.diff(on.interval_start)
    assert np.all((length > 0) & (length <= interval))
    # days, months and intervals nest
    first = np.searchsorted(on.interval_day, np.arange(on.days))
    assert np.array_equal(on.interval_start[first], on.day_start[:-1])
    assert np.array_equal(on.month_interval[:-1], first[on.month_day[:-1]])
    assert on.month_interval[-1] == on.intervals
    assert np.array_equal(np.bincount(on.month_of_day, minlength=on.months), np.diff(on.month_day))
    assert np.all(np.diff(on.ordinal) == 1)
    assert np.all(on.weekday == (on.ordinal + 6) % 7)
    assert not on.holiday.any()
    # the wall clock shows the slot at the start of each interval
    zone_info, midnight = ZoneInfo(zone), dt.datetime.combine(start, dt.time(), ZoneInfo(zone)).timestamp()
    for i in np.linspace(0, on.intervals - 1, 25).astype(int):
        wall = dt.datetime.fromtimestamp(midnight + on.interval_start[i], zone_info)
        assert wall.toordinal() == on.ordinal[on.interval_day[i]]
        assert on.interval_slot[i] == (wall.hour * 3600 + wall.minute * 60) // interval


def test_a_day_of_23_hours():
    on = grid(dt.date(2027, 3, 13), None, 3, NEW_YORK, None)
    assert np.diff(on.day_start).tolist() == [24 * HOUR, 23 * HOUR, 24 * HOUR]
    slots = on.interval_slot[on.interval_day == 1].tolist()
    assert slots == [0, 1, 2, 3, *range(6, 48)]  # from 01:30 to 03:00


def test_a_day_of_25_hours():
    on = grid(dt.date(2027, 11, 6), None, 3, NEW_YORK, None)
    assert np.diff(on.day_start).tolist() == [24 * HOUR, 25 * HOUR, 24 * HOUR]
    slots = on.interval_slot[on.interval_day == 1].tolist()
    assert slots == [0, 1, 2, 3, 2, 3, *range(4, 48)]  # 01:00 comes twice


def test_a_day_that_starts_at_one_o_clock():
    on = grid(dt.date(2018, 11, 3), None, 3, "America/Sao_Paulo", None, HOUR)
    assert np.diff(on.day_start).tolist() == [24 * HOUR, 23 * HOUR, 24 * HOUR]
    assert on.interval_slot[on.interval_day == 1].tolist() == list(range(1, 24))


def test_opening_hours_follow_the_wall_clock():
    on = grid(dt.date(2027, 11, 6), None, 3, NEW_YORK, None)
    is_open = on.open_intervals({"daily": "09:00-10:00"})
    opening = on.interval_start[:-1][is_open].reshape(3, 2)[:, 0] - on.day_start[:-1]
    assert opening.tolist() == [9 * HOUR, 10 * HOUR, 9 * HOUR]


def test_days_count_as_one_month():
    on = grid(dt.date(2027, 4, 10), None, 40)
    assert (on.days, on.months) == (40, 1)
    assert on.month_labels == ("2027-04",)
    assert on.month_day.tolist() == [0, 40]
    assert on.month_interval.tolist() == [0, 40 * 48]


def test_months_from_the_middle_of_one():
    on = grid(dt.date(2027, 1, 31), 3)
    assert [str(on.dates[d]) for d in on.month_day[:-1]] == ["2027-01-31", "2027-02-28", "2027-03-31"]
    assert str(on.dates[-1]) == "2027-04-29"


def test_a_grid_is_its_owners_to_change():
    mine = grid()
    mine.interval_start[:] = 0.0
    mine.holiday[:] = True
    again = grid()
    assert again.interval_start[1] > 0
    assert not again.holiday.all()
    assert again.interval_start.flags.writeable, "read-only arrays would be another type to the compiler"


# --- holidays ---------------------------------------------------------------------------------------------------------


def test_public_holidays_of_japan():
    on = grid()
    free = {str(day) for day in on.dates[on.holiday]}
    assert {"2027-04-29", "2027-05-03", "2027-05-04", "2027-05-05", "2028-01-01", "2028-01-10"} <= free
    assert "2028-03-20" in free  # the vernal equinox
    assert "2027-04-30" not in free
    kind = on.day_kind()
    assert kind[28] == 7
    assert kind[0] == 3
    more = grid(extra=(dt.date(2027, 12, 30),))
    assert {str(day) for day in more.dates[more.holiday]} == free | {"2027-12-30"}


def test_holidays_of_a_subdivision():
    start, end = dt.date(2027, 1, 1), dt.date(2028, 1, 1)
    cesar_chavez = dt.date(2027, 3, 31)
    assert cesar_chavez in holiday_dates("US-CA", start, end)
    assert cesar_chavez not in holiday_dates("US", start, end)
    assert holiday_dates(None, start, end) == set()
    assert dt.date(2028, 1, 1) not in holiday_dates("US", start, end)


@pytest.mark.parametrize("code", ["XX", "US-XX"])
def test_unknown_countries_are_refused(code):
    with pytest.raises(ValueError, match="XX"):
        holiday_dates(code, dt.date(2027, 1, 1), dt.date(2028, 1, 1))


# --- opening hours ----------------------------------------------------------------------------------------------------


def test_weekly_hours():
    found = parse_hours({"mon-fri": "09:00-12:00, 13:00-18:00", "sat": "10:00-15:00", "sunday": "closed"})
    assert found[0] == found[4] == [(9 * HOUR, 12 * HOUR), (13 * HOUR, 18 * HOUR)]
    assert found[5] == [(10 * HOUR, 15 * HOUR)]
    assert found[6] == []
    assert 7 not in found
    assert sorted(parse_hours({"daily": "00:00-24:00"})) == list(range(8))
    assert sorted(parse_hours({"sat-mon, wed": "09:00-10:00"})) == [0, 2, 5, 6]
    assert parse_hours({"mon-fri": "09:00-18:00", "fri": "09:00-12:00"})[4] == [(9 * HOUR, 12 * HOUR)]  # the later wins


def test_a_holiday_is_closed_unless_it_has_hours():
    on = grid(months=1)
    showa = on.interval_day == 28  # Thursday, 29 April
    assert not on.open_intervals({"mon-fri": "09:00-18:00"})[showa].any()
    assert on.open_intervals({"mon-fri": "09:00-18:00", "holiday": "10:00-12:00"})[showa].sum() == 4
    assert on.open_intervals({"daily": "10:00-12:00"})[showa].sum() == 4
    assert on.open_intervals({"mon-fri": "09:00-18:00"}).sum() == 21 * 18  # April 2027 has 21 working days


def test_slots_are_open_by_their_start():
    table = open_slots({"mon": "09:15-10:15"}, 1800.0)
    assert table.shape == (8, 48)
    assert np.flatnonzero(table[0]).tolist() == [19, 20]
    assert not table[1:].any()


@pytest.mark.parametrize(
    ("hours", "message"),
    [
        ({"mo": "09:00-18:00"}, "'mo' is no day"),
        ({"monsters": "09:00-18:00"}, "'monsters' is no day"),
        ({"mon-": "09:00-18:00"}, "'' is no day"),
        ({"mon": "09:00"}, "no span of hours"),
        ({"mon": "18:00-09:00"}, "ends before it starts"),
        ({"mon": "09:00-09:00"}, "ends before it starts"),
        ({"mon": "9-18"}, "'9' is no time of day"),
        ({"mon": "09:60-18:00"}, "no time of day"),
        ({"mon": "09:00-24:30"}, "no time of day"),
        ({"mon": "ab:cd-18:00"}, "no time of day"),
    ],
)
def test_wrong_hours_are_refused(hours, message):
    with pytest.raises(ValueError, match=message):
        parse_hours(hours)


def test_times_of_day():
    assert clock_seconds("09:30") == 9.5 * HOUR
    assert clock_seconds(" 24:00 ") == 24 * HOUR
    assert clock_seconds("0:00") == 0.0
    for text in ("-1:00", "1", "1:2:3", ""):
        with pytest.raises(ValueError, match="no time of day"):
            clock_seconds(text)


# --- months and working time ------------------------------------------------------------------------------------------


def test_adding_months():
    assert add_months(dt.date(2027, 1, 31), 1) == dt.date(2027, 2, 28)
    assert add_months(dt.date(2027, 12, 15), 1) == dt.date(2028, 1, 15)
    assert add_months(dt.date(2028, 2, 29), 12) == dt.date(2029, 2, 28)
    assert add_months(dt.date(2027, 3, 31), -1) == dt.date(2027, 2, 28)
    assert add_months(dt.date(2027, 3, 31), 0) == dt.date(2027, 3, 31)


OFFICE = dict.fromkeys(range(5), (9 * 3600, 8 * 3600))


def test_the_business_clock_lays_working_days_end_to_end():
    on = grid(months=1)  # Thursday, 1 April 2027
    clock = business_clock(on, OFFICE)
    assert len(clock.day) == 21
    assert clock.start.tolist() == [8 * 3600 * i for i in range(22)]
    assert clock.day[:4].tolist() == [0, 1, 4, 5]
    assert set(clock.open_second) == {9 * 3600}
    # a weekend takes no time
    assert clock.at_day(2) == clock.at_day(3) == clock.at_day(4) == 2 * 8 * 3600
    assert clock.after_day(1) == clock.after_day(3) == clock.at_day(4)
    assert clock.after_day(4) == 3 * 8 * 3600
    # before and after the horizon
    assert clock.at_day(-5) == 0
    assert clock.at_day(1000) == clock.start[-1] == clock.after_day(29)


def test_the_business_clock_of_a_team_with_its_own_days():
    on = grid(months=1)
    clock = business_clock(on, {**OFFICE, 4: (10 * 3600, 3 * 3600), 7: (12 * 3600, 3600), 5: (0, 0)}, extra_days=[0])
    assert 0 not in clock.day
    assert 28 in clock.day
    first = clock.day.tolist().index(1)  # Friday
    assert clock.start[first + 1] - clock.start[first] == 3 * 3600
    assert clock.open_second[first] == 10 * 3600
    holiday = clock.day.tolist().index(28)
    assert clock.start[holiday + 1] - clock.start[holiday] == 3600
    assert not np.isin(clock.day, np.flatnonzero(on.weekday == 5)).any()


def test_a_team_that_never_works():
    clock = business_clock(grid(months=1), {})
    assert clock.start.tolist() == [0]
    assert clock.at_day(3) == 0
    assert len(clock.day) == 0


def test_seconds_of_working_days_do_not_depend_on_the_clock_change():
    on = grid(dt.date(2027, 3, 1), 1, zone=NEW_YORK, country=None)
    clock = business_clock(on, dict.fromkeys(range(7), (9 * 3600, 8 * 3600)))
    assert np.diff(clock.start).tolist() == [8 * 3600] * 31
