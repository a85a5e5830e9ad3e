"""Labels of KPIs and report words: complete in both languages, and named as the model names them."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from simulator import glossary
from simulator.errors import ParameterError
from simulator.glossary import KPIS, SUCCESS, SUPPORT, UNITS, WORDS, label, rule, unit
from simulator.success.tables import HOUR_KINDS

JAPANESE = re.compile(r"[ぁ-んァ-ヶ一-龠]")

MODEL = {  # the model's table of KPIs: what each must be called in Japanese
    "offered": "入電数",
    "answer_rate": "応答率",
    "abandoned": "放棄呼",
    "blocked": "話中・システム切断",
    "service_level": "サービスレベル",
    "asa": "平均応答時間",
    "mean_wait": "平均待ち時間",
    "first_response_time": "一次応答時間",
    "handle_time": "処理時間",
    "occupancy": "稼働率",
    "escalated": "エスカレーション回数",
    "escalation_rate": "エスカレーション率",
    "resolution_time": "課題解決時間",
    "resolution_rate": "課題解決率",
    "backlog": "未処理件数",
    "cost_per_contact": "1件あたりコスト",
    "ces": "顧客努力指標",
    "agent_satisfaction": "従業員満足度",
    "churn_rate": "チャーンレート(解約率)",
    "retention_cohort": "リテンションレート",
    "nrr": "売上継続率",
    "grr": "総収益維持率",
    "negative_churn": "ネガティブチャーン",
    "ltv_net_of_cac": "顧客生涯価値",
    "upsell_rate": "アップセル率",
    "cross_sell_rate": "クロスセル率",
    "onboarding_completion": "オンボーディング完了率",
    "time_to_value": "タイムトゥバリュー",
    "nps": "ネットプロモータースコア",
    "csat": "顧客満足度",
    "on_time_share": "期限内実施率",
    "utilisation": "稼働率(CSM)",
    "activity_roi": "活動ROI",
}


def test_every_kpi_of_the_model_has_its_japanese_name():
    for name, japanese in MODEL.items():
        assert label(name, "ja").startswith(japanese), name


def test_every_kpi_that_is_computed_has_a_term_with_its_unit():
    from simulator.success import kpis as success
    from simulator.support import kpis as support

    for terms, computed in ((SUPPORT, support.KPIS), (SUCCESS, success.STEP_KPIS)):
        for name, kpi in computed.items():
            assert terms[name].unit == kpi.unit, name
    assert success.hour_kpis([0.0] * len(HOUR_KINDS)).keys() <= SUCCESS.keys()
    assert {*support.SERVICE_LEVELS, "cost_per_contact"} <= SUPPORT.keys()


def test_every_term_is_complete():
    assert len(KPIS) == len(SUPPORT) + len(SUCCESS)
    for name, term in KPIS.items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
        assert all(text and text == text.strip() for text in term), name
        assert term.unit in UNITS, name
        assert JAPANESE.search(term.ja), name
        assert JAPANESE.search(term.rule_ja), name
        assert not JAPANESE.search(term.en + term.rule_en), name
        assert term.en[0].isupper(), name
        assert "\n" not in term.rule_en, name
    for name, texts in WORDS.items():
        assert all(texts), name
        assert not JAPANESE.search(texts[0]), name
    for texts in UNITS.values():
        assert len(texts) == len(glossary.LANGUAGES)


def test_labels_are_told_apart():
    """No name means two things, and no two KPIs of one wing share a label."""
    assert not KPIS.keys() & WORDS.keys()
    for wing in (SUPPORT, SUCCESS):
        for column in (0, 1):
            labels = [term[column] for term in wing.values()]
            assert len(set(labels)) == len(labels)


def test_looking_up():
    assert label("service_level") == "Service level"
    assert label("month", "ja") == "月"
    assert rule("answer_rate") == "answered ÷ offered"
    assert rule("answer_rate", "ja") == "応答数 ÷ 入電数"
    assert unit("asa") == "s"
    assert unit("asa", "ja") == "秒"
    assert unit("offered") == ""


def test_unknown_names_and_languages_are_refused():
    with pytest.raises(ParameterError, match=r"no label for 'servise_level' \(did you mean 'service_level'"):
        label("servise_level")
    with pytest.raises(ParameterError, match=r"no label for 'qqqqqq'$"):
        label("qqqqqq")
    with pytest.raises(ParameterError, match="'month'"):
        rule("month")
    with pytest.raises(ParameterError, match=r"unknown language 'fr' \(known: en, ja"):
        label("month", "fr")  # type: ignore[arg-type]


def test_the_glossary_is_plain_data():
    code = "import sys, simulator.glossary; sys.exit(bool({'numpy', 'pandas', 'numba', 'scipy'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
