"""How numbers and sentences are written."""

from __future__ import annotations

import math
import string

import pandas as pd
import pytest

from simulator import glossary
from simulator.errors import ParameterError
from simulator.reporting import page, tables
from simulator.reporting import wording as w
from simulator.results import TABLES
from tests.reporting.sample import sample, summary


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (1234.4, 0, "1,234"),
        (1234.56, 1, "1,234.6"),
        (-2.5, 1, "−2.5"),
        (-0.01, 1, "0.0"),
        (math.nan, 0, "–"),
        (None, 0, "–"),
    ],
)
def test_numbers_have_thousands_and_missing_is_a_dash(value: float | None, digits: int, text: str) -> None:
    assert w.number(value, digits) == text


def test_heads_are_whole_when_whole() -> None:
    assert [w.heads(v) for v in (9, 9.0, 8.4, None, math.nan)] == ["9", "9", "8.4", "–", "–"]


def test_a_probability_never_rounds_doubt_to_certainty() -> None:
    assert [w.probability(p) for p in (0.0, 0.004, 0.5, 0.996, 1.0)] == ["0 %", "< 1 %", "50 %", "> 99 %", "100 %"]
    assert [w.probability(p, "ja") for p in (0.004, 0.83, 0.996)] == ["1%未満", "83%", "99%超"]


@pytest.mark.parametrize(
    ("value", "currency", "en", "ja"),
    [
        (120_400_000, "JPY", "¥120 M", "1.20億円"),
        (1_234_567, "JPY", "¥1.23 M", "123万円"),
        (812_000, "JPY", "¥812,000", "812,000円"),
        (999_999, "USD", "$1.00 M", "$100万"),  # rounds into the next unit, not to 1,000,000
        (2_500_000_000, "CHF", "CHF 2.50 B", "CHF 25.0億"),
        (-3_000_000, "EUR", "−€3.00 M", "−€300万"),
        (0, "USD", "$0", "$0"),
        (5.25, "", "5", "5"),
        (None, "JPY", "–", "–"),
    ],
)
def test_money(value: float | None, currency: str, en: str, ja: str) -> None:
    assert (w.money(value, currency), w.money(value, currency, "ja")) == (en, ja)


def test_money_keeps_the_figures_asked_for() -> None:
    assert [w.money(213_612_345, "JPY", "en", n) for n in (2, 3, 4, 6)] == [
        "¥210 M",
        "¥214 M",
        "¥213.6 M",
        "¥213.612 M",
    ]


def test_durations_take_the_unit_that_leaves_two_of_it() -> None:
    seconds = (0.0, 4.56, 45, 119, 120, 7199, 7200, 172_800, math.nan)
    assert [w.duration(s) for s in seconds] == [
        "0.0 s",
        "4.6 s",
        "45 s",
        "119 s",
        "2.0 min",
        "120.0 min",
        "2.0 h",
        "2.0 days",
        "–",
    ]
    assert w.duration(90, "ja") == "90秒"


def test_quantities_by_unit() -> None:
    given = (
        (0.829, "share"),
        (0.0061, "share"),
        (14.6, "s"),
        (9123.0, "count"),
        (43.0, "count"),
        (42.0, "points"),
        (1.5, "ratio"),
    )
    assert [w.quantity(v, u) for v, u in given] == [
        "82.9 %",
        "0.61 %",
        "15 s",
        "9,123",
        "43.0",
        "42.0 points",
        "1.50 ×",
    ]
    assert w.quantity(4e6, "money", "en", "USD") == "$4.00 M"
    assert w.quantity(math.nan, "share") == "–"


def test_months_and_quarters() -> None:
    given = ("2027-10", "2027-04 to 2027-06", "2027-11 to 2028-01", "all", None)
    assert [w.month(m) for m in given] == ["2027-10", "2027-04–06", "2027-11 – 2028-01", "all", "–"]
    assert [w.month(m, "ja") for m in given] == ["2027年10月", "2027年4〜6月", "2027年11月〜2028年1月", "全体", "–"]
    assert w.month_ticks(["2027-11", "2027-12", "2028-01"]) == ["Nov\n2027", "Dec", "Jan\n2028"]
    assert w.month_ticks(["2027-04 to 2027-06"], "ja") == ["2027年\n4〜6月"]


def test_every_phrase_takes_the_same_values_in_both_languages() -> None:
    def fields(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    assert all(en and ja and fields(en) == fields(ja) for en, ja in w.PHRASES.values())


def test_every_column_that_a_reader_sees_has_a_japanese_name() -> None:
    result = sample()
    names = {str(m) for table in ("headcount", "accounts", "activities") for m in result.tables[table]["measure"]}
    names |= set(result.cost["item"]) | set(result.kpis["kpi"]) | set(result.kpis["kind"])
    untranslated = {n for n in names if w.term(n, "ja") == n.replace("_", " ")}
    assert not untranslated
    assert set(TABLES) == set(result.tables)


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ParameterError, match="unknown language 'fr'"):
        w.phrase("answer", "fr")  # type: ignore[arg-type]
    assert glossary.LANGUAGES == ("en", "ja")


def test_the_headline_says_now_need_when_and_how_sure() -> None:
    lines = list(w.paragraphs(summary(), "en"))
    csm = next(line for line in lines if line.startswith("csm"))
    assert csm.startswith("csm: 7 now → 9 by 2027-10, 80 % sure that is enough. Open 2 requisitions by 2027-07")
    assert "probability 31 % (95 % interval 25 % to 32 %)" in csm
    assert "first falls short in 2027-07: enough in that quarter alone with probability 72 %" in csm
    assert any("¥212 M on average" in line and "budget of ¥220 M with probability > 99 %" in line for line in lines)
    assert any(line.startswith("At risk: phone: service level 80 % in 20 s") and "64 %" in line for line in lines)
    # 91 % in its worst month, where 90 % was asked
    assert not any("abandonment" in line for line in lines if line.startswith("At risk"))
    assert lines.index(csm) < next(
        i for i, line in enumerate(lines) if line.startswith("tier2")
    )  # the short ones first


def test_the_headline_in_japanese() -> None:
    text = "\n".join(w.paragraphs(summary(), "ja"))
    assert "csm: 現在7名 → 2027年10月までに9名(80%の確度で充足)。" in text
    assert "計画の費用は平均2.12億円です。" in text


def _team(**changes: object) -> list[str]:
    team = next(t for t in summary()["teams"] if t["team"] == "csm") | changes
    return w.team_sentences(team, [], "en")


def test_a_team_that_has_enough_is_told_its_peak() -> None:
    assert _team(now=9)[0] == "csm: 9 now, 9 needed at the peak (2027-10), 80 % sure that is enough."


def test_a_need_that_was_not_found_is_said() -> None:
    assert _team(need_peak=None)[0] == "csm: 7 now; no staffing that was tried meets the targets."
    assert _team(unmet=["2027-11", "2027-12"])[1] == "In 2027-11, 2027-12 no staffing that was tried meets the targets."


def test_heads_that_are_enough_only_beside_others_are_said_to_be() -> None:
    short = {"now": 9, "first_short_month": "2027-10", "first_short_p": 0.1, "shares_with": ["tier1", "tier2"]}
    assert _team(**short)[-1] == "Its need holds together with that of tier1 and tier2: they serve the same queues."
    assert "same queues" not in " ".join(_team(**short | {"now": 7}))


def test_a_quarter_without_a_need_has_none_beside_the_rules() -> None:
    team = {"team": "csm", "unmet": ["2027-05"]}
    rows = [
        {"team": "csm", "quarter": f"{a} to {b}", "need": 3}
        for a, b in (("2027-04", "2027-06"), ("2027-07", "2027-09"))
    ]
    assert [row["need"] for row in w.sizing({"teams": [team], "sizing": rows})] == [None, 3]


def test_months_are_short_where_the_plan_is_enough_with_less_than_was_asked() -> None:
    table = pd.DataFrame(
        {"team": ["a", "a", "a", "b"], "month": ["1", "2", "3", "1"], "p_enough": [0.79, 0.8, math.nan, 0.1]}
    )
    teams = {"teams": [{"team": "a", "confidence": 0.8}, {"team": "b", "confidence": None}]}
    assert w.short_months(teams, table) == {("a", "1")}


def test_what_is_zero_throughout_is_left_out_of_the_page() -> None:
    rows = pd.DataFrame({"kpi": list("aabb"), "month": ["1", "2"] * 2, "mean": [0.0, math.nan, 0.0, 0.1]})
    assert set(page._told(rows, "kpi")["kpi"]) == {"b"}
    assert len(page._told(rows[rows["kpi"] == "a"], "kpi")) == 2


def test_headings_break_into_two_even_lines() -> None:
    assert tables._two_lines("95 % interval") == "95 %\ninterval"
    assert tables._two_lines("Average speed of answer") == "Average speed\nof answer"
    assert tables._two_lines("解約による減少時間") == "解約による\n減少時間"
    assert tables._two_lines("Cost") == "Cost"


def test_long_units_stand_once_in_a_range() -> None:
    assert w.between("−6.7 points", "19.9 points", "en") == "−6.7 – 19.9 points"
    assert w.between("5.0ポイント", "8.3ポイント", "ja") == "5.0〜8.3ポイント"


def test_names_are_joined_as_in_a_sentence() -> None:
    assert [w.named(list("abc")[:n], "en") for n in range(4)] == ["", "a", "a and b", "a, b and c"]


def test_a_need_that_failed_is_no_need() -> None:
    lines = _team(unmet=["2027-10"])  # the peak itself
    assert lines[0] == "csm: 7 now; in 2027-10 no staffing that was tried meets the targets."
    assert "no staffing" not in " ".join(lines[1:])
    every = list(summary()["teams"][2]["need"])
    assert _team(unmet=every)[0] == "csm: 7 now; no staffing that was tried meets the targets."
    team = summary()["teams"][2] | {"unmet": ["2027-10"], "now": 20}
    assert w.falls_short(team)
    result = sample(teams=[team])
    shown = w.staffing(result).set_index(["team", "month"])["need"]
    assert math.isnan(shown["csm", "2027-10"])
    assert shown["csm", "2027-11"] == 9
    assert shown["tier1", "2027-10"] == 25
    assert result.staffing["need"].notna().all()  # the table of the run stays as it is


def test_a_target_is_named_once() -> None:
    assert w.target_text({"subject": "phone", "text": "asa 20 s", "text_ja": "応答20秒"}, {}, "ja") == "phone: 応答20秒"
    qbr = {"wing": "success", "team": "csm", "subject": "qbr", "text": "qbr on time 90%"}
    titles = {"qbr": {"en": "Business review"}}
    assert w.target_text(qbr, {"titles": titles}, "en") == "Business review on time 90 %"
    assert w.target_text(qbr, {"targets": [qbr, qbr | {"team": "digital"}]}, "en") == "qbr on time 90 % (csm)"


def test_sentences_break_neither_before_a_unit_nor_in_a_date() -> None:
    kept = w.unbroken("80 % by 2027-10, > 99 %, ¥12 M in 20 s")
    assert kept.split(" ") == [
        "80\u00a0%",
        "by",
        "2027\u2060-\u206010,",
        ">\u00a099\u00a0%,",
        "¥12\u00a0M",
        "in",
        "20\u00a0s",
    ]


def test_a_team_without_targets_has_no_need() -> None:
    assert _team(confidence=None) == ["csm: 7 now; it has no target to meet, so no need was sought."]
    assert not w.falls_short({"team": "csm", "confidence": None, "now": 0, "need_peak": {"heads": 3}})


def test_requisitions_that_come_too_late_are_opened_at_once() -> None:
    team = summary()["teams"][2]
    late = {"team": "csm", "open": 1, "by": None, "ramped_by": "2027-05", "confidence": 0.8}
    lines = w.team_sentences(team, [late, late | {"open": 3, "ramped_by": "2027-07"}], "en")
    assert lines[1].startswith("Open 4 requisitions at once;")  # said once
    assert lines[1].endswith("needed (2027-05, 2027-07).")
    assert "requisition" not in lines[2]
    assert w.team_sentences(team, [late], "en")[1].startswith("Open 1 requisition at once;")


def test_planned_hires_that_come_too_late_are_brought_forward() -> None:
    team = summary()["teams"][2]
    entry = {"team": "csm", "open": 0, "bring_forward": 1, "planned_for": ["2027-09"], "by": None}
    entry |= {"ramped_by": "2027-05", "confidence": 0.8}
    lines = w.team_sentences(team, [entry], "en")
    assert lines[1] == "A hire planned for 2027-09 is needed by 2027-05: bring it forward."
    assert not any("requisition" in line for line in lines)


def test_an_empty_summary_is_an_empty_answer() -> None:
    assert list(w.paragraphs({}, "en")) == []
