"""The default activities of customer success, as plain data in the scenario's own words.

A scenario takes an activity by its name and says which segments get it, and may change any part. ``source`` says where
the values come from. ``placeholder: True`` marks values without a source that can be defended: they are there so that a
first run works, they are to be replaced by the reader's own, and reports list what rests on them. Where only a part has
a source, the entry is a placeholder and ``source`` says which part is meant.

Internal coordination and study are work at the desk here. A team whose ``customer_time`` already leaves room for them
takes them out, or counts them twice.
"""

from __future__ import annotations

import copy
from typing import Any

_CADENCE = "GitLab handbook, cadence calls (about.gitlab.com/handbook/customer-success/csm/cadence-calls)"
_RENEWALS = "GitLab handbook, renewals (about.gitlab.com/handbook, comm-sales/renewals)"
_KICK_OFF = "GitLab handbook, onboarding (about.gitlab.com/handbook/customer-success/tam/onboarding)"
_HOURS = "CS in 15, foundations of a capacity model (csin15.com)"

_ADOPTED = ["adoption", "expansion", "loyalty"]

ACTIVITIES: dict[str, dict[str, Any]] = {
    "qbr": {
        "title": {"en": "Quarterly business review", "ja": "四半期ビジネスレビュー"},
        "phases": _ADOPTED,
        "trigger": "cadence",
        "every": "quarter",
        "steps": {
            "prepare": {"desk": "1 h"},
            "meet": {"meeting": "1 h"},
            "follow_up": {"desk": "1 h", "within": "5 working days"},
        },
        "source": "Michael Redbord (HubSpot) in an interview: 1 h to prepare, 1 h to report, 1 h to follow up",
    },
    "kick_off": {
        "title": {"en": "Kick-off and goal discovery", "ja": "キックオフ・期待とゴールの確認"},
        "phases": ["onboarding"],
        "trigger": "start",
        "within": "14 days",
        "steps": {
            "prepare": {"desk": "1 h"},
            "meet": {"meeting": "1 h"},
            "follow_up": {"desk": "30 min", "within": "3 working days"},
        },
        "source": f"{_KICK_OFF}: within 14 days of the customer's start; the hours are placeholders",
        "placeholder": True,
    },
    "onboarding_call": {
        "title": {"en": "Onboarding call", "ja": "導入支援ミーティング"},
        "phases": ["onboarding"],
        "trigger": "cadence",
        "every": "week",
        "steps": {"meet": {"meeting": "30 min"}, "notes": {"desk": "10 min", "within": "2 working days"}},
        "source": f"{_CADENCE}: weekly in onboarding; {_HOURS}: 8 to 10 h in 90 days, here 13 calls of 40 min",
    },
    "product_briefing": {
        "title": {"en": "Product briefing, one to many", "ja": "利用説明会"},
        "phases": ["onboarding"],
        "trigger": "cadence",
        "every": "month",
        "accounts_per_session": 20,
        "steps": {"prepare": {"desk": "2 h"}, "brief": {"meeting": "1 h"}},
        "placeholder": True,
    },
    "tutorial": {
        "title": {"en": "Tutorial guidance", "ja": "チュートリアルの案内"},
        "phases": ["onboarding"],
        "trigger": "start",
        "after": "7 days",
        "within": "14 days",
        "steps": {"guide": {"desk": "30 min"}},
        "placeholder": True,
    },
    "individual_training": {
        "title": {"en": "Individual training", "ja": "個別機能のトレーニング"},
        "phases": ["adoption"],
        "trigger": "cadence",
        "every": "half-year",
        "spread": "contract",
        "steps": {"prepare": {"desk": "30 min"}, "train": {"meeting": "1 h"}},
        "placeholder": True,
    },
    "usage_review": {
        "title": {"en": "Usage review and proposal", "ja": "利用状況のヒアリングと活用提案"},
        "phases": _ADOPTED,
        "trigger": "cadence",
        "every": "quarter",
        "spread": "contract",
        "steps": {"review": {"desk": "30 min"}, "propose": {"meeting": "30 min"}},
        "placeholder": True,
    },
    "seminar": {
        "title": {"en": "Seminar or webinar", "ja": "セミナー・ウェビナー"},
        "phases": _ADOPTED,
        "trigger": "cadence",
        "every": "quarter",
        "accounts_per_session": 100,
        "steps": {"prepare": {"desk": "6 h"}, "hold": {"meeting": "90 min"}},
        "placeholder": True,
    },
    "check_in": {
        "title": {"en": "Regular check-in", "ja": "定期的なフォロー"},
        "phases": _ADOPTED,
        "trigger": "cadence",
        "every": "2 weeks",
        "steps": {
            "agenda": {"desk": "10 min", "before": "2 working days"},
            "meet": {"meeting": "30 min"},
            "notes": {"desk": "10 min", "within": "2 working days"},
        },
        "source": f"{_CADENCE}: at least every two weeks, agenda ready a few days before; {_HOURS}: 1 to 2 h a month",
    },
    "churn_signal": {
        "title": {"en": "Follow-up of a churn signal", "ja": "解約予兆のフォロー"},
        "trigger": "rate",
        "per_month": 0.05,
        "within": "7 days",
        "steps": {"look_into": {"desk": "30 min"}, "call": {"meeting": "30 min"}},
        "placeholder": True,
    },
    "low_usage": {
        "title": {"en": "Follow-up of low usage", "ja": "利用低下のフォロー"},
        "trigger": "health",
        "signal": "low_usage",
        "detection": "14 days",
        "within": "7 days",
        "steps": {"look_into": {"desk": "30 min"}, "call": {"meeting": "30 min"}},
        "placeholder": True,
    },
    "high_usage": {
        "title": {"en": "Proposal on an expansion signal", "ja": "拡大の兆候への提案"},
        "phases": ["expansion"],
        "trigger": "health",
        "signal": "high_usage",
        "detection": "30 days",
        "within": "30 days",
        "steps": {"prepare": {"desk": "1 h"}, "meet": {"meeting": "1 h"}},
        "sells": True,
        "placeholder": True,
    },
    "detractor": {
        "title": {"en": "Follow-up of a detractor's answer", "ja": "批判者の回答へのフォロー"},
        "trigger": "survey",
        "survey": "nps",
        "detection": "2 days",
        "within": "7 days",
        "steps": {"read": {"desk": "15 min"}, "call": {"meeting": "30 min"}},
        "placeholder": True,
    },
    "adoption_plan": {
        "title": {"en": "Plan for the adoption phase", "ja": "活用フェーズの計画"},
        "phases": ["adoption"],
        "trigger": "phase",
        "within": "14 days",
        "steps": {"prepare": {"desk": "30 min"}, "meet": {"meeting": "30 min"}},
        "placeholder": True,
    },
    "handover": {
        "title": {"en": "Handover to another manager", "ja": "担当者の引き継ぎ"},
        "trigger": "handover",
        "within": "14 days",
        "steps": {"read": {"desk": "1 h"}, "introduce": {"meeting": "30 min"}},
        "placeholder": True,
    },
    "renewal_5_months": {
        "title": {"en": "Renewal review, five months before", "ja": "契約更新レビュー(5か月前)"},
        "trigger": "renewal",
        "before": "5 months",
        "within": "30 days",
        "steps": {
            "prepare": {"desk": "4 h"},
            "meet": {"meeting": "1 h"},
            "follow_up": {"desk": "1 h", "within": "5 working days"},
        },
        "source": f"{_RENEWALS}: five and three months before; {_HOURS}: 10 to 15 h a cycle, here 6 h of 12 h",
    },
    "renewal_3_months": {
        "title": {"en": "Renewal review, three months before", "ja": "契約更新レビュー(3か月前)"},
        "trigger": "renewal",
        "before": "3 months",
        "within": "30 days",
        "steps": {
            "prepare": {"desk": "4 h"},
            "meet": {"meeting": "1 h"},
            "follow_up": {"desk": "1 h", "within": "5 working days"},
        },
        "source": f"{_RENEWALS}: five and three months before; {_HOURS}: 10 to 15 h a cycle, here 6 h of 12 h",
    },
    "upsell": {
        "title": {"en": "Upsell conversation", "ja": "アップセルの商談"},
        "phases": ["expansion"],
        "trigger": "rate",
        "per_month": 0.05,
        "within": "30 days",
        "steps": {"prepare": {"desk": "1 h"}, "meet": {"meeting": "1 h"}, "offer": {"desk": "30 min"}},
        "sells": True,
        "placeholder": True,
    },
    "cross_sell": {
        "title": {"en": "Cross-sell conversation", "ja": "クロスセルの商談"},
        "phases": ["expansion"],
        "trigger": "rate",
        "per_month": 0.03,
        "within": "30 days",
        "steps": {"prepare": {"desk": "1 h"}, "meet": {"meeting": "1 h"}, "offer": {"desk": "30 min"}},
        "sells": True,
        "placeholder": True,
    },
    "trial_and_discount": {
        "title": {"en": "Trial and discount offer", "ja": "上位プランのトライアル・割引の案内"},
        "phases": ["expansion"],
        "trigger": "rate",
        "per_month": 0.03,
        "within": "30 days",
        "steps": {"set_up": {"desk": "30 min"}, "follow_up": {"desk": "30 min", "within": "10 working days"}},
        "sells": True,
        "placeholder": True,
    },
    "product_feedback": {
        "title": {"en": "Product feedback", "ja": "プロダクトフィードバック"},
        "trigger": "rate",
        "per_month": 0.1,
        "within": "30 days",
        "steps": {"write_up": {"desk": "30 min"}, "share": {"desk": "15 min"}},
        "placeholder": True,
    },
    "case_study": {
        "title": {"en": "Case-study interview", "ja": "事例ヒアリング"},
        "phases": ["loyalty"],
        "trigger": "cadence",
        "every": "year",
        "spread": "contract",
        "late": "skip",
        "steps": {
            "prepare": {"desk": "1 h"},
            "interview": {"meeting": "1 h"},
            "write_up": {"desk": "4 h", "within": "20 working days"},
        },
        "placeholder": True,
    },
    "speaking_request": {
        "title": {"en": "Speaking request", "ja": "登壇依頼"},
        "phases": ["loyalty"],
        "trigger": "cadence",
        "every": "year",
        "spread": "contract",
        "late": "skip",
        "steps": {"ask": {"desk": "1 h"}},
        "placeholder": True,
    },
    "survey": {
        "title": {"en": "Survey (NPS, CSAT, users)", "ja": "アンケート(NPS・CSAT・ユーザー調査)"},
        "trigger": "cadence",
        "every": "half-year",
        "accounts_per_session": 100,
        "steps": {"send": {"desk": "2 h"}, "evaluate": {"desk": "4 h"}},
        "placeholder": True,
    },
    "trouble": {
        "title": {"en": "Trouble and complaint handling", "ja": "トラブル・クレーム対応"},
        "trigger": "rate",
        "per_month": 0.03,
        "within": "2 days",
        "steps": {"handle": {"interrupt": {"lognormal": {"mean": "2 h", "cv": 1.0}}}},
        "placeholder": True,
    },
    "escalated_contact": {
        "title": {"en": "Contact handed over by support", "ja": "サポートからのエスカレーション対応"},
        "trigger": "escalation",
        "within": "2 days",
        "steps": {"handle": {"interrupt": {"lognormal": {"mean": "1 h", "cv": 1.0}}}},
        "placeholder": True,
    },
    "internal_coordination": {
        "title": {
            "en": "Coordination with development, marketing, sales",
            "ja": "開発・マーケティング・営業との社内連携",
        },
        "trigger": "cadence",
        "every": "month",
        "steps": {"coordinate": {"desk": "15 min"}},
        "placeholder": True,
    },
    "study": {
        "title": {"en": "Study of customer and industry", "ja": "顧客・業界の学習"},
        "trigger": "cadence",
        "every": "quarter",
        "late": "skip",
        "steps": {"study": {"desk": "30 min"}},
        "placeholder": True,
    },
}
"""Activities by name. An entry holds everything of an activity but its segments."""


def activity(name: str) -> dict[str, Any]:
    """A copy of the default activity ``name``, to be changed at will.

    Raises:
        KeyError: there is none of that name.
    """
    return copy.deepcopy(ACTIVITIES[name])
