"""Names of KPIs and report words in English and Japanese: one place for every label a reader sees."""

from __future__ import annotations

from typing import Literal, NamedTuple

from simulator.errors import ParameterError, nearest

Language = Literal["en", "ja"]
LANGUAGES: tuple[Language, ...] = ("en", "ja")


class Term(NamedTuple):
    """A KPI: labels, unit (a key of :data:`UNITS`) and its rule in one line, in both languages."""

    en: str
    ja: str
    unit: str
    rule_en: str
    rule_ja: str


SUPPORT: dict[str, Term] = {
    "offered": Term(
        "Offered", "入電数", "count", "arrivals, with redials and transfers in", "着信数(再入電・転送を含む)"
    ),
    "redials": Term("Redials", "再入電数", "count", "offered contacts that try again", "入電のうち掛け直し"),
    "transferred_in": Term(
        "Transferred in", "転送受付数", "count", "offered contacts from another queue", "入電のうち他の窓口からの転送"
    ),
    "answered": Term("Answered", "応答数", "count", "contacts answered by an agent", "オペレーターが応対した件数"),
    "answer_rate": Term("Answer rate", "応答率", "share", "answered ÷ offered", "応答数 ÷ 入電数"),
    "abandoned": Term("Abandoned", "放棄呼数", "count", "left before an answer", "応答前に切断した件数"),
    "abandonment": Term("Abandonment rate", "放棄呼率", "share", "abandoned ÷ offered", "放棄呼数 ÷ 入電数"),
    "short_abandoned": Term(
        "Short abandoned",
        "短時間放棄呼数",
        "count",
        "abandoned within the queue's own threshold",
        "しきい値以内に切断した件数",
    ),
    "short_abandonment": Term(
        "Short abandonment rate", "短時間放棄呼率", "share", "short abandoned ÷ offered", "短時間放棄呼数 ÷ 入電数"
    ),
    "blocked": Term("Blocked", "話中・システム切断数", "count", "arrived with all lines taken", "全回線使用中の着信"),
    "balked": Term(
        "Balked", "即時離脱数", "count", "left at once because nobody was free", "すぐに応答されず直ちに切断した件数"
    ),
    "balking": Term("Balking rate", "即時離脱率", "share", "balked ÷ offered", "即時離脱数 ÷ 入電数"),
    "dropped": Term(
        "Dropped",
        "終了時切断数",
        "count",
        "waiting at closing time or later, and cut off",
        "受付終了により切断した件数",
    ),
    "drop_rate": Term("Drop rate", "終了時切断率", "share", "dropped ÷ offered", "終了時切断数 ÷ 入電数"),
    "overflowed": Term(
        "Overflowed",
        "オーバーフロー応答数",
        "count",
        "answered by a group that may take them only after a wait",
        "一定の待ち時間後に対応できるグループが応答した件数",
    ),
    "overflow_rate": Term(
        "Overflow rate", "オーバーフロー率", "share", "overflowed ÷ answered", "オーバーフロー応答数 ÷ 応答数"
    ),
    "blocking": Term(
        "Blocking rate", "話中・システム切断率", "share", "blocked ÷ offered", "話中・システム切断数 ÷ 入電数"
    ),
    "service_level": Term(
        "Service level",
        "サービスレベル",
        "share",
        "answered within T ÷ (offered − short abandoned)",
        "T秒以内の応答数 ÷(入電数 − 短時間放棄呼数)",
    ),
    "sl_served_over_offered": Term(
        "Service level (of offered)",
        "サービスレベル(対入電)",
        "share",
        "answered within T ÷ offered",
        "T秒以内の応答数 ÷ 入電数",
    ),
    "sl_excl_short_abandons": Term(
        "Service level (without abandons within T)",
        "サービスレベル(T秒以内の放棄を除く)",
        "share",
        "answered within T ÷ (offered − abandoned within T)",
        "T秒以内の応答数 ÷(入電数 − T秒以内の放棄呼数)",
    ),
    "sl_served_over_served": Term(
        "Service level (of answered)",
        "サービスレベル(対応答)",
        "share",
        "answered within T ÷ answered",
        "T秒以内の応答数 ÷ 応答数",
    ),
    "sl_incl_short_abandons": Term(
        "Service level (with abandons within T)",
        "サービスレベル(T秒以内の放棄を含む)",
        "share",
        "answered or abandoned within T ÷ offered",
        "(T秒以内の応答数 + T秒以内の放棄呼数)÷ 入電数",
    ),
    "sl_virtual": Term(
        "Service level (patient caller)",
        "サービスレベル(仮想待ち時間)",
        "share",
        "chance that an infinitely patient caller waits at most T",
        "決して切断しない顧客の待ち時間がT秒以内となる確率",
    ),
    "asa": Term(
        "Average speed of answer", "平均応答時間", "s", "mean wait of answered contacts", "応答した件の待ち時間の平均"
    ),
    **{
        f"wait_p{p}": Term(
            f"Wait, {p}th percentile",
            f"待ち時間({p}パーセンタイル)",
            "s",
            f"the wait that {p} % of answered contacts do not exceed",
            f"応答した件の{p}%がこの時間以内に応答された待ち時間",
        )
        for p in (50, 80, 90, 95)
    },
    "mean_wait": Term(
        "Mean wait",
        "平均待ち時間",
        "s",
        "mean wait of contacts answered or abandoned",
        "応答または放棄した件の待ち時間の平均",
    ),
    "mean_wait_abandoned": Term(
        "Mean wait before abandoning",
        "放棄までの平均待ち時間",
        "s",
        "mean wait of abandoned contacts",
        "放棄した件の待ち時間の平均",
    ),
    "first_response_time": Term(
        "First response time",
        "一次応答時間",
        "s",
        "sum of times to the first answer ÷ inquiries answered",
        "最初の応答までの合計時間 ÷ 応答した問い合わせ件数",
    ),
    "talk_time": Term(
        "Talk time", "平均通話時間", "s", "talk with hold ÷ answered or called back", "通話時間(保留を含む)÷ 応答数"
    ),
    "after_call_time": Term(
        "After-call work", "平均後処理時間", "s", "after-call work ÷ answered or called back", "後処理時間 ÷ 応答数"
    ),
    "handle_time": Term(
        "Handle time", "処理時間", "s", "mean talk with hold + mean after-call work", "平均通話時間 + 平均後処理時間"
    ),
    "occupancy": Term(
        "Occupancy",
        "稼働率",
        "share",
        "talk, hold and after-call work ÷ staffed time with overrun",
        "(通話 + 保留 + 後処理)÷ 在席時間(延長を含む)",
    ),
    "escalated": Term(
        "Escalations", "エスカレーション回数", "count", "contacts passed to the next tier", "上位窓口へ引き継いだ件数"
    ),
    "escalation_rate": Term(
        "Escalation rate",
        "エスカレーション率",
        "share",
        "escalations ÷ answered at that tier",
        "エスカレーション回数 ÷ その窓口の応答数",
    ),
    "resolution_time": Term(
        "Resolution time",
        "課題解決時間",
        "s",
        "elapsed from the first contact to resolution",
        "最初の問い合わせから解決までの経過時間",
    ),
    "resolution_time_net": Term(
        "Resolution time, net",
        "課題解決時間(顧客待ちを除く)",
        "s",
        "elapsed to resolution without the customer's answering time",
        "解決までの経過時間から顧客の回答待ちを除いた時間",
    ),
    "resolution_effort": Term(
        "Resolution effort",
        "課題解決工数",
        "s",
        "handle times of an inquiry added up",
        "一件の問い合わせに要した処理時間の合計",
    ),
    "resolution_rate": Term(
        "Resolution rate",
        "課題解決率",
        "share",
        "inquiries resolved within N days ÷ inquiries that the horizon shows so long, by arrival",
        "N日以内に解決した問い合わせ数 ÷ N日間観察できた問い合わせ数(受付月別)",
    ),
    "first_contact_resolution": Term(
        "First contact resolution",
        "初回解決率",
        "share",
        "inquiries resolved within N days without a repeat ÷ inquiries that the horizon shows so long",
        "再問い合わせなしにN日以内に解決した件数 ÷ N日間観察できた問い合わせ数",
    ),
    "repeat_rate": Term(
        "Repeat rate",
        "再問い合わせ率",
        "share",
        "inquiries with a repeat within N days ÷ inquiries that the horizon shows so long",
        "N日以内に再問い合わせのある件数 ÷ N日間観察できた問い合わせ数",
    ),
    "callbacks": Term(
        "Callbacks",
        "コールバック予約数",
        "count",
        "callers who keep their place and wait to be called back: neither answered nor abandoned",
        "順番を保って折り返しを待つ件数(応答にも放棄にも数えない)",
    ),
    "callback_rate": Term(
        "Callback rate", "コールバック率", "share", "callbacks ÷ offered", "コールバック予約数 ÷ 入電数"
    ),
    "called_back": Term(
        "Called back", "コールバック完了数", "count", "callbacks that were reached", "折り返しがつながった件数"
    ),
    "callback_wait": Term(
        "Wait for the callback",
        "コールバックまでの時間",
        "s",
        "mean time to being reached",
        "折り返しがつながるまでの平均時間",
    ),
    "calls_in_vain": Term(
        "Callbacks not answered",
        "コールバック不在数",
        "count",
        "calls back that nobody answered",
        "折り返したが出なかった回数",
    ),
    "unreached": Term(
        "Callbacks given up",
        "コールバック不達数",
        "count",
        "callbacks not reached in as many calls as are made",
        "規定の回数かけてもつながらなかった件数",
    ),
    "repeats": Term(
        "Repeats",
        "再問い合わせ数",
        "count",
        "offered contacts after an answer that did not resolve",
        "入電のうち未解決の応対後の再問い合わせ",
    ),
    "inquiries": Term(
        "Inquiries", "問い合わせ件数", "count", "first contacts; all others follow one", "初回の問い合わせ件数"
    ),
    "unanswered_inquiries": Term(
        "Inquiries not answered",
        "未応答の問い合わせ件数",
        "count",
        "inquiries without any answer so far: their first response time is not known",
        "まだ一度も応答のない問い合わせ(一次応答時間は不明)",
    ),
    "unresolved_inquiries": Term(
        "Inquiries given up",
        "未解決で終わった問い合わせ件数",
        "count",
        "inquiries that ended without being resolved",
        "解決しないまま終わった問い合わせ",
    ),
    "open_inquiries": Term(
        "Inquiries still open",
        "継続中の問い合わせ件数",
        "count",
        "neither resolved nor given up at the end: their resolution time is not known",
        "期末に未解決で継続中の問い合わせ(解決時間は不明)",
    ),
    "time_away": Term(
        "Time away",
        "離席率",
        "share",
        "time away from the desk ÷ staffed time with overrun",
        "離席時間 ÷ 在席時間(延長を含む)",
    ),
    "backlog": Term(
        "Backlog",
        "未処理件数",
        "count",
        "deferrable contacts that wait at the ends of intervals, on average",
        "各時間帯の終わりに残る未処理の件数(平均)",
    ),
    "closing_backlog": Term(
        "Closing backlog",
        "期末未処理件数",
        "count",
        "deferrable contacts that wait when the month ends",
        "月末(期間の終わり)に残る未処理の件数",
    ),
    "closing_backlog_days": Term(
        "Closing backlog, days of work",
        "期末未処理日数",
        "days",
        "closing backlog ÷ contacts of a mean opening day of the month",
        "期末未処理件数 ÷ その月の1営業日あたり入電数",
    ),
    "occupancy_real_time": Term(
        "Occupancy, real-time work",
        "稼働率(即時対応)",
        "share",
        "time busy with what cannot wait ÷ staffed time with overrun",
        "即時対応の作業時間 ÷ 在席時間(延長を含む)",
    ),
    "withdrawn": Term(
        "Consultations not answered",
        "回答が得られなかった相談",
        "count",
        "consultations that nobody answered within the longest hold",
        "保留の上限までに回答が得られなかった上位者への相談",
    ),
    "interrupted": Term(
        "Interruptions",
        "中断回数",
        "count",
        "times that an agent left an email for a call or a chat",
        "通話・チャット対応のためにメール対応を中断した回数",
    ),
    "occupancy_slots": Term(
        "Occupancy of slots",
        "稼働率(同時対応枠)",
        "share",
        "busy time, an agent with chats counted by the part of their places that is taken ÷ staffed time with overrun",
        "作業時間(チャット対応中は埋まっている同時対応枠の割合で計算)÷ 在席時間(延長を含む)",
    ),
    "occupancy_deferrable": Term(
        "Occupancy, deferrable work",
        "稼働率(メールなど)",
        "share",
        "time busy with what can wait ÷ staffed time with overrun",
        "後回しできる作業の時間 ÷ 在席時間(延長を含む)",
    ),
    "cost_per_contact": Term(
        "Cost per contact", "1件あたりコスト", "money", "team cost ÷ answered", "チーム費用 ÷ 応答数"
    ),
    "ces": Term(
        "Customer effort score",
        "顧客努力指標",
        "score",
        "mean effort that customers report",
        "顧客が回答した労力の平均",
    ),
    "overrun_share": Term(
        "Overtime of agents",
        "時間外対応率",
        "share",
        "time worked after the planned end ÷ staffed time",
        "予定終了後の作業時間 ÷ 在席時間",
    ),
    "agent_satisfaction": Term(
        "Agent satisfaction",
        "従業員満足度",
        "score",
        "score driven by occupancy and overtime",
        "稼働率と残業から求める満足度",
    ),
}

SUCCESS: dict[str, Term] = {
    "churn_rate": Term(
        "Churn rate",
        "チャーンレート(解約率)",
        "share",
        "opening accounts that cancel ÷ opening accounts",
        "期初顧客のうち解約した数 ÷ 期初顧客数",
    ),
    "churn_rate_with_contraction": Term(
        "Churn rate (with downgrades)",
        "解約率(無料化・席数減を含む)",
        "share",
        "accounts that cancel, downgrade to free or reduce seats ÷ opening accounts",
        "解約・無料プランへの変更・契約席数の減少 ÷ 期初顧客数",
    ),
    "churn_rate_closing": Term(
        "Churn rate (of closing)",
        "解約率(対期末)",
        "share",
        "accounts that cancel ÷ closing accounts",
        "解約数 ÷ 期末顧客数",
    ),
    "churn_rate_average": Term(
        "Churn rate (of average)",
        "解約率(対平均)",
        "share",
        "accounts that cancel ÷ mean of opening and closing accounts",
        "解約数 ÷ 期初と期末の平均顧客数",
    ),
    "annual_churn": Term(
        "Churn rate, annual",
        "年間解約率",
        "share",
        "what a constant monthly rate makes of a year: 1 − (1 − p)^12",
        "月次解約率pが1年続いた場合: 1 − (1 − p)^12",
    ),
    "revenue_churn_rate": Term(
        "Revenue churn rate", "金額解約率", "share", "MRR of cancelled accounts ÷ opening MRR", "解約したMRR ÷ 期初MRR"
    ),
    "retention_cohort": Term(
        "Retention",
        "リテンションレート(顧客維持率)",
        "share",
        "opening accounts still there ÷ opening accounts",
        "期初顧客のうち残る数 ÷ 期初顧客数",
    ),
    "retention_net_of_new": Term(
        "Retention (closing − new)",
        "顧客維持率(期末 − 新規)",
        "share",
        "(closing accounts − new accounts) ÷ opening accounts",
        "(期末顧客数 − 新規顧客数)÷ 期初顧客数",
    ),
    "retention_headcount_ratio": Term(
        "Retention (closing ÷ opening)",
        "顧客維持率(期末 ÷ 期初)",
        "share",
        "closing accounts ÷ opening accounts",
        "期末顧客数 ÷ 期初顧客数",
    ),
    "nrr": Term(
        "Net revenue retention",
        "売上継続率(NRR)",
        "share",
        "(opening MRR + expansion − downgrade − churn) ÷ opening MRR",
        "(月初MRR + 拡大 − 縮小 − 解約)÷ 月初MRR",
    ),
    "cohort_retention": Term(
        "Retention, 12-month cohort",
        "12か月後の顧客維持率",
        "share",
        "accounts of twelve months ago that are still there ÷ accounts then",
        "12か月前の顧客のうち残る数 ÷ 当時の顧客数",
    ),
    "cohort_nrr": Term(
        "Net revenue retention of a cohort",
        "売上継続率(コホート)",
        "share",
        "today's MRR of accounts alive 12 months ago ÷ their MRR then",
        "12か月前の顧客の現在のMRR ÷ 当時のMRR",
    ),
    "grr": Term(
        "Gross revenue retention",
        "総収益維持率(GRR)",
        "share",
        "(opening MRR − downgrade − churn) ÷ opening MRR",
        "(月初MRR − 縮小 − 解約)÷ 月初MRR",
    ),
    "cohort_grr": Term(
        "Gross revenue retention of a cohort",
        "総収益維持率(コホート)",
        "share",
        "sum of min(now, then) ÷ sum of then, over accounts alive then",
        "当時の顧客の min(現在, 当時)のMRR合計 ÷ 当時のMRR合計",
    ),
    "negative_churn": Term(
        "Negative churn",
        "ネガティブチャーン",
        "share",
        "months in which expansion exceeds churn and downgrade ÷ months",
        "拡大が解約と縮小を上回る月 ÷ 月数",
    ),
    "ltv_revenue": Term(
        "Lifetime value, revenue",
        "顧客生涯価値(売上)",
        "money",
        "price × frequency × duration",
        "平均購買単価 × 購買頻度 × 継続期間",
    ),
    "ltv_net_of_cac": Term(
        "Lifetime value, net",
        "顧客生涯価値(獲得費控除後)",
        "money",
        "price × margin × frequency × duration − acquisition cost",
        "平均購入価格 × 収益率 × 購入頻度 × 継続期間 − 顧客獲得コスト",
    ),
    "hiring_frozen": Term(
        "Hiring frozen",
        "採用停止",
        "share",
        "months in which people cost more than the budget's share of last month's MRR ÷ months",
        "人件費が前月MRRに対する予算比率を超え、求人を出せない月 ÷ 月数",
    ),
    "accounts_in_care": Term(
        "Accounts looked after",
        "担当アカウント数",
        "count",
        "accounts of the team when the month opens",
        "月初にチームが担当しているアカウント数",
    ),
    "accounts_taken_over": Term(
        "Accounts taken over",
        "引き継いだアカウント数",
        "count",
        "accounts that come from another team when the month opens",
        "月初に他のチームから引き継いだアカウント数",
    ),
    "upsell_rate": Term(
        "Upsell rate",
        "アップセル率",
        "share",
        "accounts with an upsell ÷ eligible accounts at the start",
        "アップセルした顧客数 ÷ 期初の対象顧客数",
    ),
    "cross_sell_rate": Term(
        "Cross-sell rate",
        "クロスセル率",
        "share",
        "accounts with a cross-sell ÷ eligible accounts at the start",
        "クロスセルした顧客数 ÷ 期初の対象顧客数",
    ),
    "onboarding_completion": Term(
        "Onboarding completion",
        "オンボーディング完了率",
        "share",
        "accounts at the milestone by its deadline ÷ accounts whose deadline has passed",
        "期限までに到達した顧客数 ÷ 期限を迎えた顧客数",
    ),
    "usage": Term(
        "Usage",
        "利用率",
        "share",
        "mean usage of the accounts there when the month opens",
        "月初に在籍する顧客の利用率の平均",
    ),
    "low_usage_share": Term(
        "Accounts with low usage",
        "低利用の顧客の割合",
        "share",
        "accounts whose usage is below the segment's threshold ÷ accounts there when the month opens",
        "利用率が基準を下回る顧客数 ÷ 月初の顧客数",
    ),
    "time_to_value": Term(
        "Time to value",
        "タイムトゥバリュー",
        "days",
        "contract start to the first value, Kaplan-Meier median",
        "契約開始から最初の価値実感まで(Kaplan-Meier中央値)",
    ),
    "time_to_value_p90": Term(
        "Time to value, P90",
        "タイムトゥバリュー(P90)",
        "days",
        "contract start to the first value, Kaplan-Meier P90",
        "契約開始から最初の価値実感まで(Kaplan-Meier P90)",
    ),
    "nps": Term(
        "Net promoter score",
        "ネットプロモータースコア",
        "points",
        "share of 9–10 − share of 0–6",
        "推奨者(9–10)の割合 − 批判者(0–6)の割合",
    ),
    "nps_answers": Term("NPS answers", "NPS回答数", "count", "answers to the survey", "アンケートの回答数"),
    "nps_margin": Term(
        "NPS margin",
        "NPSの誤差",
        "points",
        "half width of the 95 % interval that so many answers give",
        "この回答数による95%区間の半幅",
    ),
    "csat_answers": Term("CSAT answers", "CSAT回答数", "count", "answers to the survey", "アンケートの回答数"),
    "csat_margin": Term(
        "CSAT margin",
        "CSATの誤差",
        "score",
        "half width of the 95 % interval that so many answers give",
        "この回答数による95%区間の半幅",
    ),
    "ces_answers": Term("CES answers", "CES回答数", "count", "answers to the survey", "アンケートの回答数"),
    "ces_margin": Term(
        "CES margin",
        "CESの誤差",
        "score",
        "half width of the 95 % interval that so many answers give",
        "この回答数による95%区間の半幅",
    ),
    "csat": Term("Customer satisfaction", "顧客満足度", "score", "mean of a 5-point answer", "5段階評価の平均"),
    "csat_top_two": Term(
        "Customer satisfaction, top two",
        "顧客満足度(上位2段階)",
        "share",
        "answers of 4 or 5 ÷ answers",
        "4または5の回答数 ÷ 回答数",
    ),
    "on_time_share": Term(
        "On-time share",
        "期限内実施率",
        "share",
        "steps done by their due date ÷ steps due",
        "期限内に実施した数 ÷ 期限を迎えた数",
    ),
    "on_time_share_net_of_customer": Term(
        "On-time share, net of the customer",
        "期限内実施率(顧客都合を除く)",
        "share",
        "steps done by their due date ÷ steps due, without those late by the customer's postponement",
        "期限内に実施した数 ÷ 期限を迎えた数(顧客都合の延期による遅れを除く)",
    ),
    "missed_share": Term(
        "Missed share", "未実施率", "share", "steps never done ÷ steps due", "実施しなかった数 ÷ 期限を迎えた数"
    ),
    "void_share": Term(
        "Void share",
        "取消率",
        "share",
        "steps of accounts that left ÷ steps due or void",
        "解約により不要となった数 ÷ 期限を迎えた数(不要分を含む)",
    ),
    "mean_delay": Term(
        "Mean delay",
        "平均遅延時間",
        "s",
        "business time from the due date to the end, of steps done late",
        "期限から完了までの営業時間(遅れた工程の平均)",
    ),
    "mean_elapsed": Term(
        "Mean elapsed time",
        "平均所要時間",
        "s",
        "business time from the possible start to the end",
        "着手可能から完了までの営業時間の平均",
    ),
    "cancelled_share": Term(
        "Cancelled meetings",
        "会議キャンセル率",
        "share",
        "meetings cancelled by the customer ÷ bookings that reached their hour",
        "顧客が取り消した会議 ÷ 予定時刻を迎えた会議",
    ),
    "no_show_share": Term(
        "No-shows",
        "無断欠席率",
        "share",
        "meetings to which the customer did not come ÷ bookings that reached their hour",
        "顧客が現れなかった会議 ÷ 予定時刻を迎えた会議",
    ),
    "unprepared_share": Term(
        "Unprepared meetings",
        "準備不足率",
        "share",
        "meetings whose preparation was not done ÷ meetings that came due",
        "準備が間に合わなかった会議 ÷ 実施時刻を迎えた会議",
    ),
    "unbooked_share": Term(
        "Unbooked meetings",
        "予約不成立率",
        "share",
        "searches that found no slot ÷ searches for a slot",
        "空きが見つからなかった回数 ÷ 空きを探した回数",
    ),
    "shortened_share": Term(
        "Work cut short",
        "短縮実施率",
        "share",
        "steps begun with a share of their hours because they would have ended late ÷ steps due",
        "期限に間に合わないため時間を短縮して着手した工程 ÷ 期限を迎えた数",
    ),
    "steps_late": Term(
        "Steps late or missed",
        "期限に遅れた工程数",
        "count",
        "steps done after their due date or never done",
        "期限後に実施した、または実施しなかった工程の数",
    ),
    "follow_up_delay": Term(
        "Follow-up delay",
        "フォローアップ遅延",
        "days",
        "working days from the end of the step before a follow-up to its end",
        "前工程の完了からフォローアップ完了までの営業日数",
    ),
    "revenue_at_risk": Term(
        "Revenue at risk",
        "リスクのある収益",
        "money",
        "MRR of accounts with an activity late or missed within three months or overdue now",
        "直近3か月に遅れ・未実施があった、または期限超過中の活動がある顧客のMRR",
    ),
    "utilisation": Term(
        "Utilisation", "稼働率(CSM)", "share", "worked hours ÷ available hours", "実働時間 ÷ 稼働可能時間"
    ),
    "booked_share": Term(
        "Booked share",
        "予定充当率(CSM)",
        "share",
        "hours in booked meetings ÷ available hours",
        "会議予約時間 ÷ 稼働可能時間",
    ),
    "reactive_share": Term(
        "Reactive share",
        "割り込み対応率",
        "share",
        "interrupts and getting back into work ÷ worked hours",
        "割り込みと再開に要した時間 ÷ 実働時間",
    ),
    "internal_share": Term(
        "Internal share", "社内業務率", "share", "internal hours ÷ contracted hours", "社内業務時間 ÷ 契約時間"
    ),
    "absence_rate": Term("Absence rate", "欠勤率", "share", "absent hours ÷ contracted hours", "不在時間 ÷ 契約時間"),
    "overtime_share": Term(
        "Overtime share", "残業率", "share", "overtime hours ÷ contracted hours", "残業時間 ÷ 契約時間"
    ),
    "activity_roi": Term(
        "Return on an activity",
        "活動ROI",
        "ratio",
        "revenue kept and expanded by the activity ÷ its cost, from paired runs",
        "活動により維持・拡大した売上 ÷ 活動費用(対の実行から)",
    ),
}

KPIS: dict[str, Term] = SUPPORT | SUCCESS

UNITS: dict[str, tuple[str, str]] = {
    "count": ("", "件"),
    "share": ("%", "%"),
    "s": ("s", "秒"),
    "days": ("days", "日"),
    "money": ("", ""),
    "points": ("points", "ポイント"),
    "score": ("", ""),
    "ratio": ("×", "倍"),
}
"""What stands behind a value of a unit; a share is shown in percent, money in the scenario's currency."""

WORDS: dict[str, tuple[str, str]] = {
    "account": ("account", "顧客"),
    "accounts": ("accounts", "顧客数"),
    "activity": ("activity", "活動"),
    "agents": ("agents", "オペレーター"),
    "annual": ("annual", "年間"),
    "answer": ("answer", "結論"),
    "assumption": ("assumption", "前提"),
    "assumptions": ("assumptions", "前提一覧"),
    "attrition": ("attrition", "離職"),
    "backfill": ("backfill", "欠員補充"),
    "baseline": ("baseline", "基準"),
    "bridge": ("bridge", "人員増減"),
    "budget": ("budget", "予算"),
    "checks": ("checks", "検算"),
    "closing": ("closing", "期末"),
    "confidence": ("confidence", "確度"),
    "cost": ("cost", "費用"),
    "csm": ("CSM", "CSM"),
    "currency": ("currency", "通貨"),
    "date": ("date", "日付"),
    "day": ("day", "日"),
    "difference": ("difference", "差"),
    "group": ("group", "グループ"),
    "tier": ("tier", "対応階層"),
    "growth": ("growth hires", "増員"),
    "headcount": ("headcount", "人員"),
    "high": ("high", "上限"),
    "hiring": ("hiring", "採用"),
    "hours": ("hours", "時間"),
    "interval": ("interval", "時間帯"),
    "kpi": ("KPI", "KPI"),
    "low": ("low", "下限"),
    "mean": ("mean", "平均"),
    "month": ("month", "月"),
    "mrr": ("MRR", "月次経常収益(MRR)"),
    "name": ("name", "名称"),
    "need": ("need", "必要人員"),
    "need_cost": ("cost of the need", "必要人員の費用"),
    "new": ("new", "新規"),
    "no": ("no", "いいえ"),
    "opening": ("opening", "期首"),
    "overtime": ("overtime", "残業"),
    "p10": ("P10", "P10"),
    "p50": ("P50", "P50"),
    "p80": ("P80", "P80"),
    "p90": ("P90", "P90"),
    "p_enough": ("chance that the plan is enough", "計画で足りる確率"),
    "placeholder": ("placeholder to replace", "仮の値(要差し替え)"),
    "plan": ("plan", "計画"),
    "plan_cost": ("cost of the plan", "計画の費用"),
    "planned": ("planned", "計画人員"),
    "position": ("position", "ポジション"),
    "quarter": ("quarter", "四半期"),
    "queue": ("queue", "窓口"),
    "ramp": ("ramp", "立ち上がり"),
    "replications": ("replications", "反復回数"),
    "requisition": ("requisition", "求人"),
    "role": ("role", "職種"),
    "salary": ("salary", "給与"),
    "scenario": ("scenario", "シナリオ"),
    "seed": ("seed", "乱数シード"),
    "segment": ("segment", "セグメント"),
    "sensitivity": ("sensitivity", "感度"),
    "shortfall": ("shortfall", "不足"),
    "source": ("source", "出典"),
    "staffing": ("staffing", "要員配置"),
    "success": ("customer success", "カスタマーサクセス"),
    "summary": ("summary", "概要"),
    "support": ("customer support", "カスタマーサポート"),
    "surplus": ("surplus", "余剰"),
    "target": ("target", "目標"),
    "team": ("team", "チーム"),
    "total": ("total", "合計"),
    "unit": ("unit", "単位"),
    "value": ("value", "値"),
    "variance": ("variance", "差異"),
    "variant": ("variant", "変更案"),
    "version": ("version", "版"),
    "week": ("week", "週"),
    "what_if": ("what if", "もし"),
    "yes": ("yes", "はい"),
    "year": ("year", "年"),
}
"""Words of headings and columns, lower case in English (a heading capitalises its own first letter)."""


def label(name: str, lang: Language = "en") -> str:
    """The label of a KPI or the text of a word (is ``name`` one at all? See :func:`known`).

    Raises:
        ParameterError: an unknown name (the nearest known one is named) or language.
    """
    column = _column(lang)
    if name in KPIS:
        return KPIS[name][column]
    if name in WORDS:
        return WORDS[name][column]
    raise ParameterError(_unknown(name, [*KPIS, *WORDS]))


def known(name: str) -> bool:
    """Whether :func:`label` has a text for a name."""
    return name in KPIS or name in WORDS


def rule(name: str, lang: Language = "en") -> str:
    """How a KPI is computed, in one line. Raises as :func:`label`."""
    column = _column(lang)
    term = _kpi(name)
    return (term.rule_en, term.rule_ja)[column]


def unit(name: str, lang: Language = "en") -> str:
    """What stands behind a KPI's value (``"s"``, ``"%"``), empty for a count in English. Raises as :func:`label`."""
    column = _column(lang)
    return UNITS[_kpi(name).unit][column]


def _kpi(name: str) -> Term:
    if name not in KPIS:
        raise ParameterError(_unknown(name, list(KPIS)))
    return KPIS[name]


def _column(lang: str) -> int:
    if lang not in LANGUAGES:
        raise ParameterError(f"unknown language {lang!r} (known: {', '.join(LANGUAGES)})")
    return LANGUAGES.index(lang)


def _unknown(name: str, known: list[str]) -> str:
    near = nearest(name, known)
    return f"no label for {name!r}" + (f" (did you mean {near!r}?)" if near else "")
