"""How numbers and sentences are written, in English and Japanese: one hand for terminal, plots and page.

A missing value (None or NaN) is always written as a dash, never as zero.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from simulator import glossary
from simulator.errors import ParameterError
from simulator.glossary import Language
from simulator.units import DAY, HOUR, MINUTE

if TYPE_CHECKING:
    import pandas as pd

    from simulator.results import Result
    from simulator.scenario.schema import Scenario

MISSING = "–"

_UNIT = re.compile(r"(?<=\d) (?=%|[MBT]\b|s\b|min\b|h\b|days\b)|(?<=[<>]) (?=\d)")
_DATE = re.compile(r"(?<=\d)[-–](?=\d)")

_SYMBOLS = {"JPY": "¥", "USD": "$", "EUR": "€", "GBP": "£", "KRW": "₩", "INR": "₹"}
_SCALES = {  # from which amount on, the size of the unit, the unit; below a million the amount is written out
    "en": ((1e12, 1e12, "T"), (1e9, 1e9, "B"), (1e6, 1e6, "M")),
    "ja": ((1e12, 1e12, "兆"), (1e8, 1e8, "億"), (1e6, 1e4, "万")),
}

PHRASES: dict[str, tuple[str, str]] = {
    # the answer
    "team_grows": (
        "{team}: {now} now → {heads} by {month}, {confidence} sure that is enough.",
        "{team}: 現在{now}名 → {month}までに{heads}名({confidence}の確度で充足)。",
    ),
    "team_stays": (
        "{team}: {now} now, {heads} needed at the peak ({month}), {confidence} sure that is enough.",
        "{team}: 現在{now}名、必要人員は最大{heads}名({month}、{confidence}の確度で充足)。",
    ),
    "team_unmet": (
        "{team}: {now} now; no staffing that was tried meets the targets.",
        "{team}: 現在{now}名。試した範囲の人員では目標を満たせません。",
    ),
    "team_untargeted": (
        "{team}: {now} now; it has no target to meet, so no need was sought.",
        "{team}: 現在{now}名。目標がないため必要人員は求めていません。",
    ),
    "lower_bound": (
        "This is a lower bound: shifts need more heads than hours do.",
        "シフトを組む前の下限値です(シフト編成後はこれより多く必要)。",
    ),
    "unmet": (
        "In {months} no staffing that was tried meets the targets.",
        "{months}は、試した範囲の人員では目標を満たせません。",
    ),
    "hire_one": (
        "Open 1 requisition by {by}{ramped}.",
        "{by}までに求人を1件出してください{ramped}。",
    ),
    "hire": (
        "Open {open} requisitions by {by}{ramped}.",
        "{by}までに求人を{open}件出してください{ramped}。",
    ),
    "hire_late": (
        "Open {open} requisitions at once; even so they are fully productive only after {month}.",
        "直ちに求人を{open}件出してください。それでも戦力化は{month}より後になります。",
    ),
    "hire_late_one": (
        "Open 1 requisition at once; even so it is fully productive only after {month}.",
        "直ちに求人を1件出してください。それでも戦力化は{month}より後になります。",
    ),
    "ramped": (
        " (fully productive by {month} with probability {confidence})",
        "({confidence}の確率で{month}までに戦力化)",
    ),
    "plan_enough": (
        "The plan as it stands is enough in every month with probability {p}{interval}.",
        "現在の計画で全ての月に足りる確率は{p}{interval}です。",
    ),
    "first_short": ("It first falls short in {month}.", "最初に不足するのは{month}です。"),
    "interval": (" (95 % interval {low} to {high})", "(95%区間 {low}〜{high})"),
    "cost_plan": ("The plan costs {mean} on average.", "計画の費用は平均{mean}です。"),
    "cost_p80": ("With probability 80 % it costs at most {p80} (P80).", "80%の確率で{p80}以内です(P80)。"),
    "cost_budget": (
        "It stays within the budget of {budget} with probability {p}.",
        "予算{budget}に収まる確率は{p}です。",
    ),
    "budget_only": ("The budget is {budget}.", "予算は{budget}です。"),
    "cost_need": (
        "Staffing the need from the first day would cost {mean} (a yardstick, not a budget).",
        "必要人員を初日から満たす場合の費用は{mean}です(目安であり予算ではありません)。",
    ),
    "accounts": (
        "Accounts: {opening} → {closing}; monthly recurring revenue: {mrr_opening} → {mrr_closing}.",
        "顧客数: {opening} → {closing}、月次経常収益(MRR): {mrr_opening} → {mrr_closing}。",
    ),
    "target_missed": (
        "At risk: {text}: met with probability {p} where {confidence} was asked{worst}.",
        "未達の恐れ: {text}: 達成確率{p}、要求は{confidence}{worst}。",
    ),
    "worst": ("; worst in {month} ({p})", "、最も低いのは{month}({p})"),
    "slips": ("What the plan does late: {items}.", "計画で遅れるもの: {items}。"),
    "slip": ("{subject} {mean}", "{subject} {mean}"),
    "slip_target": ("{subject} {mean} (target {target})", "{subject} {mean}(目標{target})"),
    "rests": (
        "These conclusions rest on placeholders (values without a source): {count}.",
        "これらの結論は仮の値(出典のない値)に依存しています: {count}件。",
    ),
    # headings and columns that the glossary has no word for
    "answer": ("The answer", "結論"),
    "staffing": ("Need against plan", "必要人員と計画"),
    "staffing_note": (
        "Need: the least heads that meet every target with the confidence asked, from their own simulation. P10 to "
        "P90: how the least heads vary with the uncertain inputs, each month by itself. Enough: the share of runs in "
        "which the plan meets the month's targets.",
        "必要人員: 全ての目標を要求された確度で満たす最小の人員(その人員でのシミュレーションによる)。P10〜P90: "
        "不確実な前提による最小人員のばらつき(月ごと)。充足確率: 計画がその月の目標を満たした試行の割合。",
    ),
    "more": (" and {count} more", "ほか{count}件"),
    "slips_title": ("What the plan does late", "計画で遅れるもの"),
    "targets": ("Targets", "目標"),
    "targets_note": (
        "Met: the share of windows, over all runs, that meet the target. Asked: the confidence that is asked for.",
        "達成確率: 全試行の集計期間のうち目標を満たした割合。要求: 目標が求める確度。",
    ),
    "cost": ("Cost", "費用"),
    "cost_note": (
        "P80: the amount that is not exceeded with probability 80 %. Percentiles do not add up: totals come from joint "
        "runs. The cost of the need assumes perfect foresight and is never a budget.",
        "P80: 80%の確率で超えない金額。分位点は足し合わせられないため、合計は同時シミュレーションの値です。"
        "必要人員の費用は完全な予見を仮定した目安であり、予算ではありません。",
    ),
    "cost_items": ("Cost of the plan by team and item", "計画の費用の内訳"),
    "sizing": ("Three ways to size the team", "人員算定の三つの方法"),
    "sizing_note": (
        "From work: hours of work ÷ available hours. From ratio: accounts or revenue per head. Simulated: with the "
        "calendar, meetings and interrupts, at the confidence asked.",
        "業務量から: 作業時間 ÷ 稼働可能時間。比率から: 1人当たりの顧客数または収益。シミュレーション: "
        "カレンダー・会議・割り込みを考慮し、要求された確度を満たす人数。",
    ),
    "from_work": ("from work", "業務量から"),
    "from_ratio": ("from ratio", "比率から"),
    "simulated": ("simulated", "シミュレーション"),
    "accounts_title": ("Accounts and revenue", "顧客と収益"),
    "kpis": ("KPIs", "KPI"),
    "kpis_horizon": ("KPIs over the whole horizon", "全期間のKPI"),
    "kpis_note": (
        "95 % interval: how well the mean is known. P10 to P90: how much one run differs from another. From inputs: "
        "the share of that spread that comes from uncertain inputs rather than chance.",
        "95%区間: 平均値の精度。P10〜P90: 試行ごとのばらつき。前提由来: そのばらつきのうち偶然ではなく"
        "不確実な前提による割合。",
    ),
    "distribution": ("distribution of the need", "必要人員の分布"),
    "lowest_first": ("{measure}, lowest first", "{measure}(低い順)"),
    "highest_first": ("{measure}, highest first", "{measure}(高い順)"),
    "people": ("People of the plan", "計画の人員"),
    "by_quarter": ("Means by quarter", "四半期別の平均"),
    "by_month": ("means by month", "月別の平均"),
    "activities": ("Activities", "活動"),
    "requirement": ("Agents by time of day", "時間帯別の必要人数"),
    "on_shifts": ("People on shifts who cover the need at least cost", "必要人数を最小費用で満たすシフト別人数"),
    "paid_hours": ("paid hours", "支払対象時間"),
    "assumptions": ("Assumptions", "前提"),
    "placeholders": ("Placeholders to replace", "差し替えるべき仮の値"),
    "uncertain": ("Uncertain inputs", "不確実な前提"),
    "changes": ("Changes against the base scenario", "基準シナリオからの変更"),
    "warnings": ("Warnings", "注意"),
    "provenance": ("Where this comes from", "来歴"),
    "problems": ("{count} problems in the input", "入力に{count}件の問題があります"),
    "problem_one": ("1 problem in the input", "入力に1件の問題があります"),
    "runs": ("{count} runs", "{count}回の試行"),
    "now": ("now", "現在"),
    "planned": ("plan", "計画"),
    "effective": ("effective", "実効"),
    "enough": ("enough", "充足確率"),
    "subject": ("subject", "対象"),
    "met": ("met", "達成確率"),
    "asked": ("asked", "要求"),
    "worst_month": ("worst month", "最低の月"),
    "verdict": ("verdict", "判定"),
    "verdict_met": ("met", "達成"),
    "verdict_missed": ("missed", "未達"),
    "base": ("base pay", "基本給"),
    "bonus": ("bonus", "賞与"),
    "loading": ("on-costs", "法定福利費等"),
    "seats": ("seats", "席・ツール費"),
    "late": ("late", "期限後に実施"),
    "missed": ("missed", "未実施"),
    "delay_days": ("delay of the late", "遅延日数"),
    "cancelled": ("cancelled by the customer", "顧客都合の取消"),
    "postponed": ("postponed", "延期"),
    "unprepared": ("held unprepared", "準備未了で実施"),
    "contracted": ("contracted", "縮小した顧客"),
    "eligible": ("open to expansion", "拡大の対象顧客"),
    "upsold": ("upsold", "アップセルした顧客"),
    "cross_sold": ("cross-sold", "クロスセルした顧客"),
    "opening_mrr": ("opening MRR", "期首MRR"),
    "closing_mrr": ("closing MRR", "期末MRR"),
    "new_mrr": ("new MRR", "新規MRR"),
    "churned_mrr": ("churned MRR", "解約MRR"),
    "contraction_mrr": ("contraction MRR", "縮小MRR"),
    "expansion_mrr": ("expansion MRR", "拡大MRR"),
    "open_requisitions": ("open requisitions", "募集中の求人"),
    "wing": ("wing", "部門"),
    "comparison": ("Differences from the base, {month}", "基準との差({month})"),
    "difference_title": ("{kpi}, {subject}: difference from the base", "{kpi}({subject}): 基準との差"),
    "no_difference": ("nothing to compare in {month}", "{month}に比較できるものがありません"),
    "comparison_note": (
        "Bold: the 95 % interval of the paired difference leaves out 0.",
        "太字: 対応のある差の95%区間が0を含まないもの。",
    ),
    "comparison_same": ("Without any difference: {count} measures.", "差のない指標: {count}件"),
    "comparison_more": (
        "Real differences in other KPIs: {count}; see the file.",
        "ほかのKPIの差: {count}件(ファイルを参照)",
    ),
    "spread": ("P10 to P90", "P10〜P90"),
    "precision": ("95 % interval", "95%区間"),
    "share_inputs": ("from inputs", "前提由来"),
    "item": ("item", "項目"),
    "measure": ("measure", "指標"),
    "step": ("step", "工程"),
    "path": ("input", "入力項目"),
    "note": ("note", "備考"),
    "law": ("varies as", "分布"),
    "all": ("all", "全体"),
    "holiday": ("holiday", "祝日"),
    "closing_accounts": ("Accounts at month end", "月末の顧客数"),
    "closing_heads": ("heads at month end", "月末の人員"),
    "starts": ("starts", "入社"),
    "leavers": ("leavers", "退職"),
    "effective_heads": ("effective", "実効人員"),
    "heads": ("heads", "名"),
    "within_budget": ("within budget", "予算内の確率"),
    "time_of_day": ("time of day", "時刻"),
    "due": ("due", "予定件数"),
    "lost": ("lost", "解約"),
    # the workbook
    "sheet_summary": ("Summary", "概要"),
    "sheet_need": ("Need", "必要人員"),
    "sheet_bridge": ("Headcount bridge", "人員増減"),
    "sheet_cost": ("Cost", "費用"),
    "sheet_assumptions": ("Assumptions", "前提"),
    "sheet_checks": ("Checks", "検算"),
    "budget_left": ("budget less plan", "予算 − 計画"),
    "missing_heads": ("missing heads", "不足人員"),
    "closing_sum": ("opening + starts − leavers", "期首 + 入社 − 退職"),
    "closing_simulated": ("closing, simulated", "期末(シミュレーション)"),
    "joint": ("simulated total", "合計(シミュレーション)"),
    "joint_note": (
        "Percentiles of a month or of the year come from joint runs; they do not add up.",
        "月・年の分位点は同時シミュレーションの値で、足し合わせられません。",
    ),
    "check": ("check", "検算"),
    "deviation": ("deviation", "差異"),
    "allowed": ("allowed", "許容値"),
    "check_order": (
        "P10 to P90 of the need are in order (rows that are not)",
        "必要人員のP10〜P90の大小関係(違反行数)",
    ),
    "check_bridge": ("heads roll forward from opening to closing", "人員の期首から期末への繰越"),
    "check_cost": ("team and item costs add up to the simulated total", "費用の内訳の合計とシミュレーション合計の一致"),
    "check_passed": ("ok", "合格"),
    "check_failed": ("FAILED", "不合格"),
    # sweeps
    "sweep_over_book": ("accounts per CSM ({team})", "CSM1人当たりの顧客数({team})"),
    "sweep_knee": (
        "{curve}: up to {knee} the targets are met ({low}), {confidence} sure.",
        "{curve}: {knee}までは目標を満たします({low}、確度{confidence})。",
    ),
    "sweep_knee_range": ("surely {low}, at most {high}", "確実には{low}、最大でも{high}"),
    "sweep_knee_most": ("at most {high}", "最大でも{high}"),
    "sweep_knee_beyond": (
        "{curve}: every value tried meets the targets; the limit lies beyond {knee}.",
        "{curve}: 試した値は全て目標を満たします。限界は{knee}より先です。",
    ),
    "sweep_same": (
        "{curve}: targets met in {share} of the runs at every value tried.",
        "{curve}: 試したどの値でも{share}の試行で目標を満たします。",
    ),
    "sweep_knee_none": (
        "{curve}: no value tried meets the targets.",
        "{curve}: 試した値はいずれも目標を満たしません。",
    ),
    "sweep_methods": (
        "Accounts per CSM by the work (hours ÷ hours): {work}; by the ratio: {ratio}; simulated: {knee}.",
        "CSM1人当たりの顧客数: 業務量から(時間 ÷ 時間){work}、比率から{ratio}、シミュレーション{knee}。",
    ),
    "sweep_next": (
        "The next account past {knee}, per account from {first} to {last}: {changes}.",
        "{knee}を超える次の1顧客の影響({first}→{last}、1顧客当たり): {changes}。",
    ),
    "sweep_carrying": (
        "Held to its targets it needs another CSM: {cost} a year, {carried} per account of a full book.",
        "目標を守るにはCSMがもう1名必要です: 年{cost}、満杯の担当では1顧客当たり{carried}。",
    ),
    "knee_mark": ("knee {value}", "限界 {value}"),
    "by_work_mark": ("hours ÷ hours {value}", "時間÷時間 {value}"),
    "by_ratio_mark": ("ratio {value}", "比率 {value}"),
    "sweep_band": (
        "Lines: means; bands: P10 to P90 of {runs} runs. Knee: the last value whose worst {window} meets the targets "
        "({targets}) in {confidence} of the runs.",
        "線: 平均、帯: {runs}回の試行のP10〜P90。限界: 最も悪い{window}でも目標({targets})を{confidence}の試行で満たす"
        "最後の値。",
    ),
    "sweep_team": (
        "{heads} CSM, {hours} h a week, {share} of it for customers; {months} months from {start}.",
        "CSM{heads}名、週{hours}時間(うち顧客対応{share})、{start}から{months}か月。",
    ),
    "sweep_activity": ("{name}: {hours} h, {when}", "{name}: {hours}時間、{when}"),
    "sweep_meetings": (
        "{segment}: meetings suit {availability} of the time, {cancellation} are cancelled on the day",
        "{segment}: 会議の都合が合う確率{availability}、当日取消{cancellation}",
    ),
    "sweep_changes": ("{curve}: {changes}.", "{curve}: {changes}。"),
    "when_week": ("every week", "毎週"),
    "when_2 weeks": ("every 2 weeks", "2週間ごと"),
    "when_month": ("every month", "毎月"),
    "when_2 months": ("every 2 months", "2か月ごと"),
    "when_quarter": ("every quarter", "四半期ごと"),
    "when_half-year": ("every half-year", "半年ごと"),
    "when_year": ("every year", "毎年"),
    "when_start": ("once at the start of the contract", "契約開始時に1回"),
    "when_renewal": ("once before each renewal", "契約更新ごとに1回"),
    "when_escalation": ("for each escalation", "エスカレーションごと"),
    "per_month_rate": ("{rate} a month", "月{rate}回"),
    # the value of activities
    "value_title": ("Return on investment by activity", "活動別のROI"),
    "value_break_even_title": (
        "How strong an activity must be to pay",
        "活動が採算に合うために必要な効果",
    ),
    "value_odds_axis": ("change of the odds of cancelling", "解約オッズの変化"),
    "value_roi_axis": ("kept and expanded revenue ÷ cost", "維持・拡大した売上 ÷ 費用"),
    "value_pays": ("pays", "採算点"),
    "value_none": (
        "The scenario assumes no effect of any activity on customers, so that no run can tell what one is worth. Set "
        "coefficients (success.activities.NAME.effect, couplings) or ask for the break-even.",
        "シナリオは活動の顧客への効果を仮定していないため、活動の価値は判断できません。係数"
        "(success.activities.NAME.effect、couplings)を設定するか、損益分岐を求めてください。",
    ),
    "value_ranked": ("Ranked {rank}: {activity} ({segment}).", "{rank}位: {activity}({segment})。"),
    "value_tied": (
        "{activity} ({segment}) cannot be ranked: its interval overlaps with {others}.",
        "{activity}({segment})は順位を付けられません: 区間が{others}と重なっています。",
    ),
    "value_break_even": (
        "{activity} ({segment}) pays when it cuts the odds of cancelling by {cut} (coefficient {low} to {high}, at "
        "{middle}).",
        "{activity}({segment})は解約オッズを{cut}下げれば採算が合います(係数 {middle}、区間 {low}〜{high})。",
    ),
    "value_never": (
        "{activity} ({segment}) does not pay within the horizon on average, however strong its effect on churn.",
        "{activity}({segment})は解約への効果がどれほど強くても、期間内には平均して採算が合いません。",
    ),
    "value_note": (
        "Kept and expanded: revenue within the horizon, paired, 95 % interval. Relieved: work that would vanish "
        "because accounts leave; no saving.",
        "維持・拡大: 期間内の売上(対の差、95%区間)。解約による減少: 顧客の離脱で消える作業であり、節約ではありません。",
    ),
    "break_even_at": (
        "The decision flips at a coefficient of {middle} (95 % interval {low} to {high}): odds × {odds}.",
        "判断が変わる係数は{middle}(95%区間 {low}〜{high})、オッズは{odds}倍です。",
    ),
    "break_even_none": (
        "No coefficient up to ±{limit} flips the decision: it {verdict} throughout.",
        "±{limit}までの係数では判断は変わりません: 常に{verdict}。",
    ),
    "verdict_pays": ("pays", "採算が合います"),
    "verdict_costs": ("does not pay", "採算が合いません"),
    "kept": ("kept", "維持した売上"),
    "expanded": ("expanded", "拡大した売上"),
    "relieved_hours": ("relieved hours", "解約による減少時間"),
    "roi": ("ROI", "ROI"),
    "coefficient": ("coefficient", "係数"),
    "net_gain": ("net gain", "純利益"),
    # drafts
    "effort_title": ("Hours by step as logged, mean with its 95 % interval", "工程別の作業時間(記録・平均・95%区間)"),
    "effort_axis": ("hours", "時間"),
    "churn_title": ("Churn a month by segment with its 95 % interval", "セグメント別の月次解約率(95%区間)"),
    "churn_counts": ("{events} in {exposure} account-months", "{exposure}顧客月のうち{events}件"),
    # a ticket log
    "tickets_by_hour_title": ("Mean tickets opened, {span}", "曜日・時間帯別の平均起票数、{span}"),
    "tickets_per_day": ("a day", "日計"),
    "tickets_per_hour": ("tickets an hour", "件/時"),
    "moves_title": ("What happens to a ticket, of {tickets} resolved", "チケットの引き継ぎ(解決済み{tickets}件)"),
    "moves_count": ("{share}, {mean} times per ticket", "{share}、1件あたり{mean}回"),
    "moves_person_changes": ("another person", "担当者の変更"),
    "moves_line_changes": ("another team", "チームの変更"),
    "moves_pushed_up": ("a higher line", "上位ラインへ"),
    "moves_handed_back": ("back to a queue", "キューへ差し戻し"),
    "moves_escalated": ("marked as escalated", "エスカレーション"),
    "moves_reopenings": ("re-opened", "再オープン"),
    "elapsed_resolution": ("Opening to first resolution", "起票から最初の解決まで"),
    "elapsed_take_up": ("Opening to first in work", "起票から着手まで"),
    "elapsed_queued": ("Stay in a queue", "キューでの滞留"),
    "elapsed_working": ("Stay in work", "対応中の滞留"),
    "elapsed_waiting": ("Stay waiting for somebody else", "回答待ちの滞留"),
    "elapsed_escalated": ("Stay escalated", "エスカレーション中の滞留"),
    "elapsed_resolved": ("Resolved until closed or re-opened", "解決から完了・再オープンまで"),
    "tickets_counts": (": {number}, {censored} censored", "({number}件、うち打ち切り{censored}件)"),
    "tickets_curve": ("recorded", "記録"),
    "tickets_curve_censored": ("recorded (Kaplan-Meier)", "記録(カプラン・マイヤー)"),
    "tickets_chosen": ("chosen: lowest AIC", "採用: AIC最小"),
    "tickets_still": ("share not over yet", "未終了の割合"),
    "law_exponential": ("exponential", "指数分布"),
    "law_weibull": ("Weibull", "ワイブル分布"),
    "law_gamma": ("gamma", "ガンマ分布"),
    "law_lognormal": ("lognormal", "対数正規分布"),
    "law_hyperexponential": ("hyperexponential", "超指数分布"),
    # titles of plots
    "plot_staffing": (
        "{team}: {need} needed at the peak ({month}), {planned} planned",
        "{team}: 必要人員は最大{need}名({month})、計画{planned}名",
    ),
    "plot_kpi": ("{kpi}, {subject}: {mean} over the horizon", "{kpi}({subject}): 全期間平均 {mean}"),
    "plot_cost": ("Plan {mean} (P80 {p80})", "計画の費用は平均{mean}、P80は{p80}"),
    "plot_cost_budget": (
        "Plan {mean} (P80 {p80}), budget {budget}",
        "計画の費用は平均{mean}(P80 {p80})、予算は{budget}",
    ),
    "plot_accounts": ("Accounts: {opening} → {closing}", "顧客数: {opening} → {closing}"),
    "plot_headcount": (
        "{team}: {opening} heads → {closing} expected",
        "{team}: 人員 {opening}名 → {closing}名の見込み",
    ),
    "plot_requirement": ("{team}, {month}: up to {agents} agents", "{team}、{month}: 最大{agents}名"),
    # real days beside simulated ones
    "replay_message": (
        "{measure}: {error} off a day (Erlang A: {erlang})",
        "{measure}: 1日平均の誤差{error}(アーランA: {erlang})",
    ),
    "replay_by_time": ("By time of day", "時間帯別"),
    "replay_recorded": ("real", "実績"),
    "replay_simulated": ("simulated", "シミュレーション"),
    "replay_band": ("P10 to P90", "P10〜P90"),
    "replay_days": ("Real and simulated days", "実績とシミュレーション(日別)"),
    "replay_accuracy": (
        "Error per day (absolute mean), bias, correlation over days",
        "1日あたりの誤差(絶対値の平均)、偏り、日間の相関",
    ),
    "replay_error": ("mean error", "平均誤差"),
    "bias": ("bias", "偏り"),
    "correlation": ("correlation", "相関"),
    "model": ("model", "モデル"),
    "erlang_a": ("Erlang A", "アーランA"),
    "month_mean": ("month's mean", "月平均"),
    "points": ("{points} points", "{points}ポイント"),
    "replay_head": (
        "{days} days, {offered} calls offered, {runs} replications",
        "{days}日、入電{offered}件、反復{runs}回",
    ),
    "replay_habits": (
        "Fitted once on all days: pause after a call {pause} on average; {away}.",
        "全期間で一度だけ推定: 通話後の間隔は平均{pause}、{away}。",
    ),
    "replay_away": (
        "an agent whom nobody awaits steps away in {chance} of cases, for {mean} on average",
        "待ち呼がないとき{chance}の割合で離席し、平均{mean}",
    ),
    "replay_stays": ("no time away", "離席なし"),
}

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday")
_DAYS_JA = dict(zip(DAYS, ("月", "火", "水", "木", "金", "土", "日", "祝日"), strict=True))
_MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def phrase(key: str, lang: Language, /, **values: object) -> str:
    """A sentence or heading of :data:`PHRASES` with its values put in.

    Raises:
        ParameterError: an unknown language.
    """
    return PHRASES[key][_column(lang)].format(**values)


def _column(lang: str) -> int:
    if lang not in glossary.LANGUAGES:
        raise ParameterError(f"unknown language {lang!r} (known: {', '.join(glossary.LANGUAGES)})")
    return glossary.LANGUAGES.index(lang)


def term(name: str, lang: Language) -> str:
    """The label of a KPI, measure or column: the glossary's, else a phrase's, else the name in words."""
    if name in PHRASES:
        return phrase(name, lang)
    return glossary.label(name, lang) if glossary.known(name) else name.replace("_", " ")


def heading(name: str, lang: Language) -> str:
    """A term with a capital first letter."""
    text = term(name, lang)
    return text[:1].upper() + text[1:]


def missing(value: object) -> bool:
    """Whether there is no value: None or NaN."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def number(value: float | None, digits: int = 0) -> str:
    """``1234.5`` as ``1,234`` (half to even) or, with one digit, ``1,234.5``."""
    if value is None or math.isnan(value):
        return MISSING
    text = f"{value:,.{digits}f}".replace("-", "−")
    return text.removeprefix("−") if not any(c in "123456789" for c in text) else text


def heads(value: float | None) -> str:
    """People: whole when whole, else with one digit."""
    return number(value, 0 if value is None or float(value).is_integer() else 1)


def share(value: float | None, lang: Language = "en", digits: int = 0) -> str:
    """``0.83`` as ``83 %`` (Japanese: ``83%``)."""
    if value is None or math.isnan(value):
        return MISSING
    return number(100.0 * value, digits) + ("%" if lang == "ja" else " %")


def probability(value: float | None, lang: Language = "en") -> str:
    """A share in whole percent that never rounds an open question to certainty: ``0.997`` is ``> 99 %``."""
    if value is None or math.isnan(value):
        return MISSING
    if 0.0 < value < 0.01:
        return "1%未満" if lang == "ja" else "< 1 %"
    if 0.99 < value < 1.0:
        return "99%超" if lang == "ja" else "> 99 %"
    return share(value, lang)


def money(value: float | None, currency: str, lang: Language = "en", figures: int = 3) -> str:
    """An amount with so many significant figures: ``¥120 M``; in Japanese ``1.20億円``."""
    if value is None or math.isnan(value):
        return MISSING
    amount = float(f"{value:.{figures - 1}e}")  # rounded first, so that 999,999 becomes 1 M and not 1,000,000
    size, unit = next(((size, unit) for least, size, unit in _SCALES[lang] if abs(amount) >= least), (1.0, ""))
    scaled = abs(amount) / size
    digits = max(0, figures - 1 - math.floor(math.log10(scaled))) if unit else 0
    text = number(scaled, digits)
    sign, symbol = "−" if amount < 0 else "", _SYMBOLS.get(currency, f"{currency} ".lstrip())
    if lang == "ja":
        return f"{sign}{text}{unit}円" if currency == "JPY" else f"{sign}{symbol}{text}{unit}"
    return f"{sign}{symbol}{text} {unit}".rstrip()


def duration(value: float | None, lang: Language = "en") -> str:
    """Seconds in the largest unit that leaves at least two of it: ``45 s``, ``3.2 min``, ``5.0 h``, ``3.5 days``."""
    if value is None or math.isnan(value):
        return MISSING
    units = ((2 * DAY, DAY, "days", "日"), (2 * HOUR, HOUR, "h", "時間"), (2 * MINUTE, MINUTE, "min", "分"))
    for least, size, en, ja in units:
        if abs(value) >= least:
            return number(value / size, 1) + (ja if lang == "ja" else f" {en}")
    return number(value, 0 if abs(value) >= 10 else 1) + ("秒" if lang == "ja" else " s")


def quantity(value: float | None, unit: str, lang: Language = "en", currency: str = "") -> str:
    """A KPI's value in its unit (a key of :data:`simulator.glossary.UNITS`)."""
    if value is None or math.isnan(value):
        return MISSING
    if unit == "share":
        return share(value, lang, 1 if abs(value) >= 0.01 or not value else 2)
    if unit == "s":
        return duration(value, lang)
    if unit == "money":
        return money(value, currency, lang)
    if unit == "count":
        return number(value, 0 if abs(value) >= 100 else 1)
    suffix = glossary.UNITS.get(unit, ("", ""))[_column(lang)]
    return number(value, 2 if unit == "ratio" else 1) + ("" if lang == "ja" or not suffix else " ") + suffix


def signed(text: str) -> str:
    """A written quantity as a difference: with a plus sign unless it is negative, missing or zero."""
    return text if text == MISSING or text.startswith("−") or not any(c in "123456789" for c in text) else f"+{text}"


def change(value: float | None, unit: str, lang: Language = "en", currency: str = "") -> str:
    """A difference between two values of a KPI, with its sign; of shares in percentage points."""
    text = signed(quantity(value, unit, lang, currency))
    return re.sub(r"\s?%$", " pp" if lang == "en" else "pt", text) if unit == "share" else text


def month(text: str | None, lang: Language = "en") -> str:
    """A month (``2027-10``; ``2027年10月``), ``all``, or a quarter: ``2027-04 to 2027-06`` as ``2027-04–06``."""
    if not text:
        return MISSING
    if text == "all":
        return phrase("all", lang)
    first, _, last = text.partition(" to ")
    if last:
        begins, ends = first.split("-"), last.split("-")
        if begins[0] == ends[0]:
            return f"{begins[0]}年{int(begins[-1])}〜{int(ends[-1])}月" if lang == "ja" else f"{first}–{ends[-1]}"
        return between(month(first, lang), month(last, lang), lang)
    year, _, rest = text.partition("-")
    return f"{year}年{int(rest)}月" if lang == "ja" and year.isdigit() and rest.isdigit() else text


def month_ticks(months: list[str], lang: Language = "en") -> list[str]:
    """Short labels of an axis of months or quarters; a year stands under the first month and under each January."""
    labels = []
    for i, text in enumerate(months):
        if " to " in text:
            labels.append(month(text, lang).replace("年" if lang == "ja" else "-", "年\n" if lang == "ja" else "\n", 1))
            continue
        year, _, rest = text.partition("-")
        if not (year.isdigit() and rest.isdigit()):
            labels.append(text)
            continue
        name = f"{int(rest)}月" if lang == "ja" else _MONTHS_EN[int(rest) - 1]
        labels.append(f"{name}\n{year}" if i == 0 or rest == "01" else name)
    return labels


def day(name: str, lang: Language = "en") -> str:
    """A day kind of the requirement: ``mon`` … ``holiday``."""
    return _DAYS_JA.get(name, name) if lang == "ja" else name.capitalize()


def measure_unit(measure: str) -> str:
    """The unit of a measure of the accounts, activities or headcount table, told by its name."""
    if measure in glossary.KPIS:
        return glossary.KPIS[measure].unit
    if "mrr" in measure or measure.endswith("revenue"):
        return "money"
    if measure.endswith("_days"):
        return "days"
    return "share" if measure.endswith(("_share", "_rate")) else "count"


def activity_title(result: Result, name: str, lang: Language) -> str:
    """The title that the scenario of a result gives an activity, else its name in words."""
    return activity_name(result.scenario, name, lang)


def activity_name(scenario: Scenario, name: str, lang: Language) -> str:
    """The title that a scenario gives an activity, else its name in words."""
    success = scenario.success
    activity = success.activities.get(name) if success else None
    title = activity.title.get(lang) if activity else None
    return title or name.replace("_", " ")


def months_of(table: pd.DataFrame) -> list[str]:
    """The months of a table in order, without ``all``."""
    return [m for m in dict.fromkeys(table["month"]) if m != "all"]


def law(result: Result, path: str) -> str:
    """How an uncertain input varies, as the scenario writes it: ``triangular 0.3%, 0.5%, 1.0%``."""
    law = result.scenario.uncertain.get(path)
    if law is None:
        return MISSING
    parts = []
    for name, value in law.model_dump(mode="json", exclude_none=True, exclude_defaults=True).items():
        if isinstance(value, dict):
            value = [f"{k} {v}" for k, v in value.items()]
        parts.append(f"{name} {', '.join(map(str, value)) if isinstance(value, list) else value}")
    return "; ".join(parts).replace("_", " ")


def staffing(result: Result) -> pd.DataFrame:
    """The staffing table, without a need in the months in which nothing that was tried met the targets."""
    table = result.staffing
    failed = {(team["team"], month) for team in result.summary.get("teams") or [] for month in team.get("unmet") or []}
    pairs = zip(table["team"], table["month"], table["need"], strict=True)
    return table.assign(need=[math.nan if (team, month) in failed else need for team, month, need in pairs])


def records(table: pd.DataFrame) -> Iterator[Any]:
    """The rows of a table, each with its columns as attributes."""
    yield from table.itertuples(index=False)


def listed(items: list[str], lang: Language, most: int = 3) -> str:
    """Items in one line, the first ``most`` of them."""
    text = ("、" if lang == "ja" else ", ").join(items[:most])
    return text + (phrase("more", lang, count=len(items) - most) if len(items) > most else "")


# --- the answer ----------------------------------------------------------------------------------------------------


def team_sentences(team: Mapping[str, Any], hiring: list[Mapping[str, Any]], lang: Language) -> list[str]:
    """What one team needs: the headline, what to open when, and whether the plan as it stands is enough."""
    now, peak, name = heads(team.get("now")), team.get("need_peak") or {}, str(team["team"])
    if missing(team.get("confidence")):
        return [phrase("team_untargeted", lang, team=name, now=now)]
    unmet = [month(m, lang) for m in team.get("unmet") or []]
    if missing(peak.get("heads")) or peak.get("month") in (team.get("unmet") or []):
        lines = [phrase("team_unmet", lang, team=name, now=now)]
    else:
        key = "team_grows" if peak["heads"] > team.get("now", 0) else "team_stays"
        lines = [
            phrase(
                key,
                lang,
                team=name,
                now=now,
                heads=heads(peak["heads"]),
                month=month(peak.get("month"), lang),
                confidence=probability(team.get("confidence"), lang),
            )
        ]
    if unmet:
        lines.append(phrase("unmet", lang, months=listed(unmet, lang)))
    lines += [_hire_sentence(entry, lang) for entry in hiring]
    if not missing(team.get("p_enough_all")):
        low, high = team.get("p_enough_all_low"), team.get("p_enough_all_high")
        interval = (
            ""
            if missing(low) or missing(high)
            else phrase("interval", lang, low=probability(low, lang), high=probability(high, lang))
        )
        lines.append(phrase("plan_enough", lang, p=probability(team["p_enough_all"], lang), interval=interval))
    if team.get("first_short_month"):
        lines.append(phrase("first_short", lang, month=month(team["first_short_month"], lang)))
    if team.get("lower_bound"):
        lines.append(phrase("lower_bound", lang))
    return lines


def _hire_sentence(entry: Mapping[str, Any], lang: Language) -> str:
    """How many requisitions to open by when; at once when the month to open them has passed."""
    count, ramped = number(entry["open"]), entry.get("ramped_by")
    one = "_one" if entry["open"] == 1 else ""
    if not entry.get("by"):
        return phrase(f"hire_late{one}", lang, open=count, month=month(ramped, lang))
    tail = (
        phrase("ramped", lang, month=month(ramped, lang), confidence=probability(entry.get("confidence"), lang))
        if ramped
        else ""
    )
    return phrase(f"hire{one}", lang, open=count, by=month(entry["by"], lang), ramped=tail)


def cost_sentences(summary: Mapping[str, Any], lang: Language) -> list[str]:
    """What the plan costs, whether the budget holds, and what the need would cost."""
    cost, currency = summary.get("cost") or {}, str(summary.get("currency", ""))
    plan, need, lines = cost.get("plan") or {}, cost.get("need") or {}, []
    if not missing(plan.get("mean")):
        lines.append(phrase("cost_plan", lang, mean=money(plan["mean"], currency, lang)))
    if not missing(plan.get("p80")):
        lines.append(phrase("cost_p80", lang, p80=money(plan["p80"], currency, lang)))
    if not missing(cost.get("budget")):
        budget, p = money(cost["budget"], currency, lang), cost.get("p_within_budget")
        key = "budget_only" if missing(p) else "cost_budget"
        lines.append(phrase(key, lang, budget=budget, p=probability(p, lang)))
    if not missing(need.get("mean")):
        lines.append(phrase("cost_need", lang, mean=money(need["mean"], currency, lang)))
    return lines


def target_text(target: Mapping[str, Any], lang: Language) -> str:
    """Who must reach what: the subject and ``text`` (``text_ja`` in Japanese, where the summary has it)."""
    subject, text = str(target.get("subject", "")), str(target.get(f"text_{lang}") or target.get("text", ""))
    return text if text.startswith(subject) else f"{subject}: {text}"


def target_met(target: Mapping[str, Any]) -> bool | None:
    """Whether a target holds with the confidence asked in its worst period; None when either is unknown."""
    p, confidence = target.get("worst_p"), target.get("confidence")
    return None if p is None or confidence is None or missing(p) else bool(p >= confidence)


def missed_sentences(summary: Mapping[str, Any], lang: Language) -> list[str]:
    """One line per target that the plan misses."""
    lines = []
    for target in summary.get("targets") or []:
        if target_met(target) is False:
            worst = (
                phrase(
                    "worst", lang, month=month(target["worst_month"], lang), p=probability(target.get("worst_p"), lang)
                )
                if target.get("worst_month")
                else ""
            )
            lines.append(
                phrase(
                    "target_missed",
                    lang,
                    text=target_text(target, lang),
                    worst=worst,
                    p=probability(target["p_met"], lang),
                    confidence=probability(target["confidence"], lang),
                )
            )
    return lines


def accounts_sentence(summary: Mapping[str, Any], lang: Language) -> str | None:
    """How the account base moves over the horizon; None without accounts."""
    accounts, currency = summary.get("accounts") or {}, str(summary.get("currency", ""))
    if missing(accounts.get("opening")):
        return None
    return phrase(
        "accounts",
        lang,
        opening=number(accounts["opening"]),
        closing=number(accounts.get("closing")),
        mrr_opening=money(accounts.get("mrr_opening"), currency, lang),
        mrr_closing=money(accounts.get("mrr_closing"), currency, lang),
    )


def slips_sentence(summary: Mapping[str, Any], lang: Language) -> str | None:
    """What gives way first when nobody is hired; None when nothing was found to."""
    items = [
        phrase(
            "slip" if missing(s.get("target")) else "slip_target",
            lang,
            subject=s.get("subject", ""),
            mean=share(s.get("mean"), lang),
            target=share(s.get("target"), lang),
        )
        for s in summary.get("slips") or []
    ]
    return phrase("slips", lang, items=listed(items, lang)) if items else None


def placeholders_sentence(summary: Mapping[str, Any], lang: Language) -> str | None:
    """How many inputs are placeholders; None when every value has a source."""
    placeholders = summary.get("placeholders") or {}
    return phrase("rests", lang, count=number(len(placeholders))) if placeholders else None


def paragraphs(summary: Mapping[str, Any], lang: Language) -> Iterator[str]:
    """The answer, headline first: one paragraph per team, then cost, targets at risk, accounts, slips, placeholders."""
    gap = "" if lang == "ja" else " "
    hiring = summary.get("hiring") or []
    for team in teams(summary):
        yield gap.join(team_sentences(team, [h for h in hiring if h.get("team") == team["team"]], lang))
    if lines := cost_sentences(summary, lang):
        yield gap.join(lines)
    yield from missed_sentences(summary, lang)
    for line in (slips_sentence(summary, lang), accounts_sentence(summary, lang), placeholders_sentence(summary, lang)):
        if line:
            yield line


def teams(summary: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The teams of the summary, those that fall short first, else in the order given."""
    rows = list(summary.get("teams") or [])
    return sorted(rows, key=lambda team: not falls_short(team))


def falls_short(team: Mapping[str, Any]) -> bool:
    """Whether a team needs more heads than it has or than its plan keeps, or nothing that was tried is enough."""
    if missing(team.get("confidence")):
        return False
    peak = (team.get("need_peak") or {}).get("heads")
    return bool(team.get("unmet") or team.get("first_short_month") or missing(peak) or peak > team.get("now", 0))


def period(summary: Mapping[str, Any], lang: Language) -> str:
    """The months of the horizon: ``2027-04 – 2028-03``."""
    first, last = month(summary.get("first_month"), lang), month(summary.get("last_month"), lang)
    return first if first == last else between(first, last, lang)


def unbroken(text: str) -> str:
    """A sentence that breaks neither before a unit (no-break spaces) nor inside a date (word joiners)."""
    return _DATE.sub("\u2060\\g<0>\u2060", _UNIT.sub("\u00a0", text))


def between(low: str, high: str, lang: Language) -> str:
    """Two written ends of a range: ``12 – 15``; a dash when there is neither."""
    if MISSING in (low, high):
        return MISSING
    return f"{low}〜{high}" if lang == "ja" else f"{low} – {high}"
