"""Quantities as people write them, in both languages, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import units
from simulator.errors import UnitError
from simulator.units import ServiceLevel, months, number, parse_scalar, rate, seconds, share


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5 min", 300.0), ("90 s", 90.0), ("90s", 90.0), ("1.5 h", 5400.0), (".5 hours", 1800.0), ("2 days", 172800.0),
        ("1 week", 604800.0), ("1e2 sec", 100.0), ("1_000 s", 1000.0), (" 3  minutes ", 180.0), ("5 MIN", 300.0),
        ("3 分", 180.0), ("1.5時間", 5400.0), ("20秒", 20.0), ("2 日", 172800.0), ("1 週間", 604800.0),
        ("0", 0.0), (0, 0.0),
    ],
)  # fmt: skip
def test_durations(text, value):
    assert seconds(text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("5", "no unit"), (5, "no unit"), ("5 mn", "'mn' is no unit of a duration"), ("-5 s", "negative"),
        ("five s", "no duration"), ("", "no duration"), (None, "no duration"), (True, "no duration"),
        ([5], "no duration"),
        ("1 month", "'month' is no unit of a duration"), ("5 %", "'%' is no unit"), ("1e999 s", "no finite duration"),
        (math.nan, "no duration"), ("1:30", "no unit of a duration"),
    ],
)  # fmt: skip
def test_what_is_no_duration(text, message):
    with pytest.raises(UnitError, match=message):
        seconds(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 months", 2.0), ("1 month", 1.0), ("1 quarter", 3.0), ("2 years", 24.0), ("3か月", 3.0), ("1 四半期", 3.0),
        ("1 年", 12.0), ("6 weeks", 42 * 12 / 365.25), ("30 days", 360 / 365.25), (0, 0.0),
    ],
)  # fmt: skip
def test_calendar_lengths(text, value):
    assert months(text) == pytest.approx(value, rel=1e-15)  # 1e-15: one product in another order


def test_what_is_no_calendar_length():
    for text in ("2", "2 h", "-1 month", "soon"):
        with pytest.raises(UnitError):
            months(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("80 %", 0.8), ("80%", 0.8), ("80％", 0.8), (0.8, 0.8), ("0.8", 0.8), ("0.5%", 0.005), ("100 %", 1.0), (0, 0.0),
     (1, 1.0), ("12.3%", 0.123), ("29 %", 0.29)],
)  # fmt: skip
def test_shares(text, value):
    assert share(text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [("80", "did you mean '80 %'"), (80, "did you mean '80 %'"), ("101 %", "outside 0 to 1$"), (-0.1, "outside"),
     ("80 s", "'s' is no unit of a share"), ("most", "no share"), (True, "no share")],
)  # fmt: skip
def test_what_is_no_share(text, message):
    with pytest.raises(UnitError, match=message):
        share(text)


def test_plain_numbers():
    assert number("900_000") == 900000.0
    assert number(3) == 3.0
    assert number("-1.5e-3") == -0.0015
    assert number(np.float64(2.5)) == 2.5
    for text in ("5 s", "x", "", True, None, "1e999", "nan", math.inf):
        with pytest.raises(UnitError):
            number(text)


def test_rates():
    assert rate("6 per min") == 0.1
    assert rate("360 / h") == 0.1
    assert rate("1/s") == 1.0
    assert rate("0 per s") == 0.0
    for text in ("6", "6 per moment", "-1 per s", "per s", 6):
        with pytest.raises(UnitError):
            rate(text)


def test_service_levels():
    assert ServiceLevel.parse("80% in 20 s") == ServiceLevel(0.8, 20.0)
    assert ServiceLevel.parse("0.95 within 1 min") == ServiceLevel(0.95, 60.0)
    assert ServiceLevel.parse("80 % / 20 s") == ServiceLevel(0.8, 20.0)
    assert str(ServiceLevel(0.8, 20.0)) == "80% in 20 s"
    for text in ("80%", "20 s", "80 in 20 s", "80% in 20", 0.8, None):
        with pytest.raises(UnitError):
            ServiceLevel.parse(text)


def test_scalars_of_an_open_kind():
    assert parse_scalar("5 min") == (300.0, "duration")
    assert parse_scalar("0.3%") == (0.003, "share")
    assert parse_scalar(3.5) == (3.5, "number")
    assert parse_scalar("2 months") == (2.0, "length")
    assert parse_scalar("1 week") == (604800.0, "duration")  # has a fixed number of seconds
    assert parse_scalar("-2 %") == (-0.02, "share")
    with pytest.raises(UnitError, match="'furlongs' is no unit"):
        parse_scalar("2 furlongs")


def test_the_shortest_text():
    assert units.format_seconds(5400.0) == "90 min"
    assert units.format_seconds(7200.0) == "2 h"
    assert units.format_seconds(20.0) == "20 s"
    assert units.format_seconds(0.5) == "0.5 s"
    assert units.format_seconds(0) == "0 s"
    assert units.format_share(0.8) == "80%"
    assert units.format_share(0.005) == "0.5%"
    assert units.format_months(1.0) == "1 month"
    assert units.format_months(2.5) == "2.5 months"


AMOUNTS = st.floats(0, 1e12) | st.integers(0, 10**9).map(float)


@given(AMOUNTS)
def test_written_quantities_are_read_back_exactly(value):
    assert seconds(units.format_seconds(value)) == value
    assert months(units.format_months(value)) == value
    assert rate(units.format_rate(value)) == value
    for kind in ("duration", "length", "number"):
        text = units.format_scalar(value, kind)
        assert parse_scalar(text) == (value, kind) or kind == "number"


@given(st.floats(0, 1))
def test_written_shares_are_read_back_exactly(value):
    assert share(units.format_share(value)) == value


@given(st.floats(0, 1), st.floats(0, 1e6))
def test_written_service_levels_are_read_back_exactly(part, within):
    level = ServiceLevel(part, within)
    assert ServiceLevel.parse(str(level)) == level


def test_one_is_one_and_two_are_many() -> None:
    assert [units.counted(n, "row") for n in (0, 1, 2, 1623)] == ["0 rows", "1 row", "2 rows", "1,623 rows"]
