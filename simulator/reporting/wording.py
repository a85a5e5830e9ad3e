"""How numbers and sentences are written, in English and Japanese: one hand for terminal, plots and page.

A missing value (None or NaN) is always written as a dash, never as zero.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
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
    "team_unmet_in": (
        "{team}: {now} now; in {months} no staffing that was tried meets the targets.",
        "{team}: 現在{now}名。{months}は、試した範囲の人員では目標を満たせません。",
    ),
    "team_untargeted": (
        "{team}: {now} now; it has no target to meet, so no need was sought.",
        "{team}: 現在{now}名。目標がないため必要人員は求めていません。",
    ),
    "need_means": (
        "A need counts people who are there and fully productive, for their month or quarter by itself: leavers and "
        "new hires' ramp come on top, and the plan's chances count them.",
        "必要人員は、在籍し完全に戦力化した人員を月(四半期)ごとに数えたものです。退職と新人の立ち上がりの分は別に"
        "必要で、計画の確率にはその影響を含みます。",
    ),
    "lower_bound": (
        "For {teams} the need is a lower bound: shifts take more heads than hours do.",
        "{teams}の必要人員はシフトを組む前の下限値です(シフト編成後はこれより多く必要)。",
    ),
    "all_groups": ("all groups of support", "サポートの全グループ"),
    "unmet": (
        "In {months} no staffing that was tried meets the targets.",
        "{months}は、試した範囲の人員では目標を満たせません。",
    ),
    "shares_queues": (
        "Its need holds together with that of {teams}: they serve the same queues.",
        "この必要人員は、同じ窓口を担当する{teams}も必要人員を満たす場合のものです。",
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
        "Open {open} requisitions at once; even so they are fully productive only after they are needed ({months}).",
        "直ちに求人を{open}件出してください。それでも必要な時期({months})より戦力化が遅れます。",
    ),
    "hire_late_one": (
        "Open 1 requisition at once; even so it is fully productive only after it is needed ({months}).",
        "直ちに求人を1件出してください。それでも必要な時期({months})より戦力化が遅れます。",
    ),
    "hire_forward": (
        "{count} of the hires planned for {planned} are needed by {month}: bring them forward.",
        "{planned}に予定の採用のうち{count}名は{month}までに必要です。前倒ししてください。",
    ),
    "hire_forward_one": (
        "A hire planned for {planned} is needed by {month}: bring it forward.",
        "{planned}に予定の採用のうち1名は{month}までに必要です。前倒ししてください。",
    ),
    "ramped": (
        " (fully productive by {month} with probability {confidence})",
        "({confidence}の確率で{month}までに戦力化)",
    ),
    "plan_enough": (
        "The plan as it stands is enough in all months together with probability {p}{interval}.",
        "現在の計画が全ての月を通して足りる確率は{p}{interval}です。",
    ),
    "first_short": (
        "It first falls short in {month}: enough in that {period} alone with probability {p}, where {confidence} was "
        "asked.",
        "最初に不足するのは{month}で、その{period}だけで足りる確率は{p}、要求は{confidence}です。",
    ),
    "interval": (" (95 % interval {low} to {high})", "(95%区間 {low}〜{high})"),
    "cost_plan": ("The plan costs {mean} on average.", "計画の費用は平均{mean}です。"),
    "cost_p80": ("With probability 80 % it costs at most {p80} (P80).", "80%の確率で{p80}以内です(P80)。"),
    "cost_budget": (
        "It stays within the budget of {budget} with probability {p}.",
        "予算{budget}に収まる確率は{p}です。",
    ),
    "cost_spent": (
        "{first} to {last} cost {actual} of {budget} budgeted ({change}); the outlook for all {months} months is "
        "{mean} on average, {p80} at P80, of {whole}.",
        "{first}〜{last}の実績は{actual}(予算{budget}、差{change})。{months}か月の見通しは平均{mean}、P80で{p80}"
        "(予算{whole})です。",
    ),
    "budget_only": ("The budget is {budget}.", "予算は{budget}です。"),
    "cost_need": (
        "Having exactly the need on the payroll in every month would cost {mean}: a yardstick without hiring, ramp and "
        "leavers, never a budget.",
        "毎月ちょうど必要人員だけを雇った場合の給与費用は{mean}です(採用・立ち上がり・退職を含まない目安であり、"
        "予算ではありません)。",
    ),
    "accounts": (
        "Accounts: {opening} → {closing}; monthly recurring revenue: {mrr_opening} → {mrr_closing}.",
        "顧客数: {opening} → {closing}、月次経常収益(MRR): {mrr_opening} → {mrr_closing}。",
    ),
    "target_missed": (
        "At risk: {text}: met in {month} with probability {worst}, asked {confidence}{over_all}.",
        "未達の恐れ: {text}: {month}の達成確率は{worst}、要求は{confidence}{over_all}。",
    ),
    "over_all": (" (over all periods {p})", "(全期間の平均{p})"),
    "target_of": ("{text} ({team})", "{text}({team})"),
    "slips": (
        "What the plan does late (share on time in the worst quarter): {items}.",
        "計画で遅れるもの(最低の四半期の期限内実施率): {items}。",
    ),
    "slip": ("{subject} {mean}", "{subject} {mean}"),
    "slip_target": ("{subject} {mean} (target {target})", "{subject} {mean}(目標{target})"),
    "rests": (
        "These conclusions rest on placeholders (values without a source): {count}.",
        "これらの結論は仮の値(出典のない値)に依存しています: {count}件。",
    ),
    # where the results are
    "results_at": ("Results: {folder}  (open {file})", "結果: {folder}({file}を開いてください)"),
    "comparison_at": ("Every month and KPI: {file}", "全ての月とKPI: {file}"),
    "figures_at": ("Tables and figures: {folder}", "表と図: {folder}"),
    "draft_at": ("Draft: {folder}", "下書き: {folder}"),
    "draft_next": ("  (next: simulator check {file})", "(次は simulator check {file})"),
    "written_at": ("Written: {file}", "作成しました: {file}"),
    # headings and columns that the glossary has no word for
    "answer": ("The answer", "結論"),
    "scroll_hint": ("more to the right: scroll sideways →", "右に続きがあります(横にスクロール →)"),
    "staffing": ("Need against plan", "必要人員と計画"),
    "staffing_note": (
        "Need: the least heads that meet every target with the confidence asked, from their own simulation. P10 to "
        "P90: how the least heads vary with the uncertain inputs, each month by itself. Enough: the share of runs in "
        "which the plan meets the targets of that month alone (CSMs: of its quarter), red where that is less than the "
        "confidence asked; a team's card speaks of all months together, which is asking more.",
        "必要人員: 全ての目標を要求された確度で満たす最小の人員(その人員でのシミュレーションによる)。P10〜P90: "
        "不確実な前提による最小人員のばらつき(月ごと)。充足確率: 計画がその月だけ(CSMはその四半期)の目標を"
        "満たした試行の割合(赤字は要求未満)。"
        "各チームの結論にある確率は全ての月を通したもので、より厳しい条件です。",
    ),
    "more": (" and {count} more", "ほか{count}件"),
    "slips_title": ("What the plan does late", "計画で遅れるもの"),
    "targets": ("Targets", "目標"),
    "targets_note": (
        "Met: the share of windows, over all runs, that meet the target. Asked: the confidence that is asked for. The "
        "verdict looks at the worst month or quarter.",
        "達成確率: 全試行の集計期間のうち目標を満たした割合。要求: 目標が求める確度。"
        "判定は最も低い月・四半期によります。",
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
        "calendar, meetings and interrupts, at the confidence asked; it may lie below the work where overtime is "
        "worked or work may be late, cut short or left out.",
        "業務量から: 作業時間 ÷ 稼働可能時間。比率から: 1人当たりの顧客数または収益。シミュレーション: "
        "カレンダー・会議・割り込みを考慮し、要求された確度を満たす人数。残業や作業の遅れ・短縮・省略が許される場合は"
        "業務量からの値を下回ることがあります。",
    ),
    "from_work": ("from work", "業務量から"),
    "from_ratio": ("from ratio", "比率から"),
    "simulated": ("simulated", "シミュレーション"),
    "accounts_title": ("Accounts and revenue", "顧客と収益"),
    "kpis": ("KPIs", "KPI"),
    "kpis_horizon": ("KPIs over the whole horizon", "全期間のKPI"),
    "kpis_note": (
        "95 % interval: how well the mean is known. P10 to P90: how much one run differs from another. From inputs: "
        "the share of that spread that comes from uncertain inputs rather than chance. KPIs that stay at 0 are left "
        "out; the run folder has them.",
        "95%区間: 平均値の精度。P10〜P90: 試行ごとのばらつき。前提由来: そのばらつきのうち偶然ではなく"
        "不確実な前提による割合。常に0のKPIは省略しています(結果フォルダには全て含まれます)。",
    ),
    "kpis_horizon_note": (
        "Over the whole horizon churn is the mean monthly rate; revenue retention is the product of the months.",
        "全期間の値: 解約率は月次の平均、売上・収益の維持率は各月の積です。",
    ),
    "kpi_rules": ("What the KPIs mean", "KPIの定義"),
    "asked_for": (" (asked: {share})", "(目標{share})"),
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
    "short_month": ("month", "月"),
    "short_quarter": ("quarter", "四半期"),
    "subject": ("subject", "対象"),
    "met": ("met", "達成確率"),
    "asked": ("asked", "要求"),
    "worst_month": ("worst period", "最低の期間"),
    "verdict": ("verdict", "判定"),
    "verdict_met": ("met", "達成"),
    "verdict_missed": ("missed", "未達"),
    "base": ("base pay", "基本給"),
    "bonus": ("bonus", "賞与"),
    "loading": ("on-costs", "法定福利費等"),
    "seats": ("seats", "席・ツール費"),
    "minutes": ("telephone minutes", "通話料"),
    "contractors": ("contractors", "業務委託"),
    "overhead": ("managers and operations", "管理・運営"),
    "severance": ("severance", "退職一時金(整理解雇)"),
    "laid_off": ("laid off", "整理解雇"),
    "late": ("late", "期限後に実施"),
    "missed": ("missed", "未実施"),
    "delay_days": ("delay of the late", "遅延日数"),
    "cancelled": ("cancelled by the customer", "顧客都合の取消"),
    "postponed": ("postponed", "延期"),
    "unprepared": ("held unprepared", "準備未了で実施"),
    "downgraded": ("downgraded to free", "無料プランへ移行した顧客"),
    "seats_reduced": ("with fewer seats", "席数を減らした顧客"),
    "plan_changed": ("on a cheaper plan", "プランを下げた顧客"),
    "downgraded_mrr": ("MRR of downgrades to free", "無料プラン移行によるMRR減"),
    "seats_reduced_mrr": ("MRR of fewer seats", "席数減によるMRR減"),
    "plan_changed_mrr": ("MRR of cheaper plans", "プラン変更によるMRR減"),
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
    "whole_horizon": ("the whole horizon", "全期間"),
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
    "tier_number": ("tier {number}", "第{number}階層"),
    "holiday": ("holiday", "祝日"),
    "closing_accounts": ("Accounts at month end", "月末の顧客数"),
    "closing_heads": ("heads at month end", "月末の人員"),
    "starts": ("starts", "入社"),
    "leavers": ("leavers", "退職"),
    "effective_heads": ("effective", "実効人員"),
    "heads": ("heads", "人員(名)"),
    "within_budget": ("within budget", "予算内の確率"),
    "time_of_day": ("time of day", "時刻"),
    "due": ("due", "予定件数"),
    "lost": ("lost", "解約"),
    # the workbook
    "machine": ("machine", "機種"),
    "scenario_hash": ("scenario hash", "シナリオのハッシュ値"),
    "sheet_summary": ("Summary", "概要"),
    "sheet_need": ("Need", "必要人員"),
    "sheet_positions": ("Positions", "ポジション"),
    "sheet_variance": ("Variance", "差異分析"),
    "sheet_bridge": ("Headcount bridge", "人員増減"),
    "sheet_cost": ("Cost", "費用"),
    "sheet_assumptions": ("Assumptions", "前提"),
    "sheet_checks": ("Checks", "検算"),
    "budget_left": ("budget less plan", "予算 − 計画"),
    "replaced": ("replaced if left", "退職時の補充"),
    "start": ("start", "入社月"),
    "heads_count": ("heads", "人数"),
    "pay_month": ("loaded pay a month", "月額人件費"),
    "kind_there": ("in place", "在籍"),
    "kind_hire": ("planned hire", "採用予定"),
    "kind_layoff": ("planned layoff", "整理解雇予定"),
    "ramp_full": ("full", "戦力化済み"),
    "hires": ("planned hires", "増員の入社"),
    "backfills": ("backfills", "補充の入社"),
    "positions_total": ("all positions as planned", "計画どおりの全ポジション"),
    "positions_change": (
        "leavers, backfills, late starts, uncertain pay and extra cost (mean of the runs)",
        "退職・補充・入社遅れ・不確実な給与・追加費用(試行の平均)",
    ),
    "positions_simulated": ("simulated cost (mean of the runs)", "シミュレーションの費用(試行の平均)"),
    "positions_note": (
        "A position costs its loaded pay and seat from its start, and the hiring cost in the month of the start. Pay "
        "at the central value of uncertain inputs, before raises; overtime, contractors and minutes are in the "
        "simulated cost only.",
        "各ポジションは入社月から月額人件費と席・ツール費がかかり、入社月に採用費がかかります。給与は不確実な前提の"
        "中央値で昇給前です。残業・業務委託・通話料はシミュレーションの費用にのみ含まれます。",
    ),
    "driver_opening": ("opening heads", "期首人員"),
    "driver_pay": ("loaded pay of a head in a month (total: mean)", "1人当たり月額人件費(合計欄は平均)"),
    "driver_hires": ("planned hires", "採用予定人数"),
    "driver_planned": ("head-months of the positions as planned", "計画どおりの延べ人月"),
    "driver_late": ("head-months lost to late starts (mean of the runs)", "入社遅れの延べ人月(試行の平均)"),
    "driver_vacant": ("head-months vacant after leavers (mean of the runs)", "退職による空席の延べ人月(試行の平均)"),
    "driver_started": ("planned hires that started (mean of the runs)", "入社した採用予定者(試行の平均)"),
    "driver_backfills": ("backfills that started (mean of the runs)", "入社した補充者(試行の平均)"),
    "driver_simulated": ("simulated cost (mean of the runs)", "シミュレーションの費用(試行の平均)"),
    "driver_months": ("months", "月数"),
    "driver_hiring": ("hiring cost of a start", "採用1名当たりの費用"),
    "driver_extra": (
        "overtime, contractors, minutes and overhead (mean of the runs)",
        "残業・業務委託・通話料・管理(試行の平均)",
    ),
    "cause_opening": ("opening heads, kept throughout", "期首人員を維持した費用"),
    "cause_volume": ("volume: more heads", "数量差異(増員)"),
    "cause_mix": ("mix: in teams of other pay", "構成差異(給与水準の異なるチーム)"),
    "cause_timing": ("timing: they start later", "時期差異(入社時期)"),
    "cause_attrition": ("attrition: empty seats and successors", "退職差異(空席と補充)"),
    "cause_extra": ("extra: overtime, contractors, minutes, overhead", "追加費用(残業・業務委託・通話料・管理)"),
    "cause_rate": ("rate: uncertain pay, raises", "単価差異(不確実な給与・昇給)"),
    "cause_total": ("simulated cost of the plan", "計画の費用(シミュレーション)"),
    "variance_note": (
        "Each cause is taken with those above it in place; nothing is left over. Volume: planned hires from the first "
        "month at the mean pay of the opening heads, and their hiring cost.",
        "各差異は上の項目を反映した順に算定し、残差はありません。数量差異は採用予定者を初月から期首の平均給与で計算し、"
        "採用費を含みます。",
    ),
    "variance_rate_note": (
        "Rate: pay and hiring costs other than at the central values of the inputs, and raises; 0 where nothing is "
        "uncertain and nobody gets a raise.",
        "単価差異: 給与・採用費が前提の中央値と異なる分と昇給。不確実でなく昇給もなければ0です。",
    ),
    "check_variance": ("the causes of the variance add up to the simulated cost", "差異の内訳の合計と費用の一致"),
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
    "sweep_knee_from": (
        "{curve}: from {knee} on the targets are met ({low}), {confidence} sure.",
        "{curve}: {knee}以上で目標を満たします({low}、確度{confidence})。",
    ),
    "sweep_knee_range_from": ("surely {low}, at least {high}", "確実には{low}、少なくとも{high}"),
    "sweep_knee_most_from": ("at least {high}", "少なくとも{high}"),
    "sweep_knee_range": ("surely {low}, at most {high}", "確実には{low}、最大でも{high}"),
    "sweep_knee_most": ("at most {high}", "最大でも{high}"),
    "sweep_knee_beyond": (
        "{curve}: every value tried meets the targets; the limit lies beyond {knee}.",
        "{curve}: 試した値は全て目標を満たします。限界は{knee}より先です。",
    ),
    "sweep_knee_below": (
        "{curve}: every value tried meets the targets; the limit lies below {knee}.",
        "{curve}: 試した値は全て目標を満たします。限界は{knee}より下です。",
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
        "Lines: means; bands: P10 to P90 of {runs} runs. Knee: the {end} value whose worst {window} meets the targets "
        "({targets}) in {confidence} of the runs.",
        "線: 平均、帯: {runs}回の試行のP10〜P90。限界: 最も悪い{window}でも目標({targets})を{confidence}の試行で満たす"
        "{end}値。",
    ),
    "knee_last": ("last", "最後の"),
    "knee_first": ("first", "最初の"),
    "sweep_team": (
        "{heads} CSM, {hours} h a week, {share} of it for customers; {months} months from {start}.",
        "CSM{heads}名、週{hours}時間(うち顧客対応{share})、{start}から{months}か月。",
    ),
    "sweep_held": (
        "The book is held all along: accounts that leave are replaced by new ones, planned hires are left out.",
        "担当顧客数は期間中一定です(解約分は新規で補い、採用予定は含みません)。",
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
    "when_phase": ("at the entry into a phase", "フェーズの開始時"),
    "when_health": ("when usage becomes low or high", "利用度の変化時"),
    "when_survey": ("after such an answer to a survey", "該当するアンケート回答ごと"),
    "when_handover": ("for each account handed over", "担当引き継ぎごと"),
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
        "coefficients (success.activities.NAME.effect, couplings){or_ask}.",
        "シナリオは活動の顧客への効果を仮定していないため、活動の価値は判断できません。係数"
        "(success.activities.NAME.effect、couplings)を設定{or_ask}してください。",
    ),
    "value_or_ask": (" or ask for the break-even (--break-even)", "するか、損益分岐(--break-even)を指定"),
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
    "value_of": ("{activity} ({segment})", "{activity}({segment})"),
    "value_never": (
        "However strong their effect on churn, these do not pay within the horizon on average: {activities}.",
        "次の活動は解約への効果がどれほど強くても、期間内には平均して採算が合いません: {activities}。",
    ),
    "value_note": (
        "Each row is a pair of runs of its own, so that segments need not add up to all. Kept and expanded: revenue "
        "within the horizon, paired, 95 % interval. Relieved: work that vanishes because accounts leave; no saving.",
        "各行は個別の対の試行によるため、セグメントの合計は全体と一致するとは限りません。維持・拡大: 期間内の売上"
        "(対の差、95%区間)。解約による減少: 顧客の離脱で消える作業であり、節約ではありません。",
    ),
    "break_even_plans": (
        "The dearer plan is {dearer}, against {cheaper}: does what it keeps pay for what it costs more?",
        "費用の高い計画は{dearer}、比較対象は{cheaper}です。維持できる売上は追加の費用に見合うでしょうか。",
    ),
    "break_even_at": (
        "{dearer} pays from a coefficient of {middle} on (95 % interval {low} to {high}): odds × {odds}.",
        "{dearer}が採算に合うのは係数{middle}からです(95%区間 {low}〜{high})、オッズは{odds}倍です。",
    ),
    "break_even_none": (
        "No coefficient up to ±{limit} flips the decision: {dearer} {verdict} throughout.",
        "±{limit}までの係数では判断は変わりません: {dearer}は常に{verdict}。",
    ),
    "break_even_title": ("Flips at {middle} (odds × {odds})", "{middle}で判断が変わります(オッズ{odds}倍)"),
    "break_even_caption": (
        "Net gain: {counted} over {months} months of {dearer} less that of {cheaper}, less what {dearer} costs more, "
        "on common draws. Line: mean, band: 95 % interval of {runs} pairs of runs. {path} is a shift of log-odds set "
        "in both plans; everything else as in the scenario.",
        "純利益: {dearer}と{cheaper}の{months}か月の{counted}の差から費用の差を引いたもの(共通乱数)。線: 平均、帯: "
        "{runs}組の試行の95%区間。{path}は両計画に設定した対数オッズの変化で、その他はシナリオのとおりです。",
    ),
    "break_even_revenue": ("revenue", "売上"),
    "break_even_margin": ("revenue at gross margin", "粗利"),
    "value_at_margin": (
        "Revenue counts at each segment's gross margin.",
        "売上は各セグメントの粗利率で計上しています。",
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
    # a call log
    "fit_calls_title": ("{queue}: calls by weekday", "{queue}: 曜日別の入電"),
    "fit_calls_axis": ("mean calls per half hour", "30分当たりの平均入電数"),
    "fit_days_axis": ("{days} recorded days, in order", "記録された{days}日(順番)"),
    "fit_ratio_axis": ("day's calls ÷ its weekday's mean", "その日の入電数 ÷ 同じ曜日の平均"),
    "fit_days_title": ("whole days, cv {cv} (bars: 80 % band)", "日ごとの変動係数{cv}(縦線: 80%の帯)"),
    "fit_days_few": ("too few days for a spread (bars: 80 % band)", "日数が少なく変動は不明(縦線: 80%の帯)"),
    "fit_patience_title": ("{queue}: patience, {count} gave up", "{queue}: 待てる時間(放棄{count}件)"),
    "fit_patience_few": (
        "{queue}: patience, {count} gave up (too few for a law)",
        "{queue}: 待てる時間(放棄{count}件、分布の推定には不足)",
    ),
    "fit_waited_axis": ("seconds waited", "待ち時間(秒)"),
    "fit_waiting_axis": ("share still waiting", "まだ待っている割合"),
    "fit_talk_title": ("{queue}: talk, {count} answered, mean {mean} s", "{queue}: 通話(応答{count}件、平均{mean}秒)"),
    "fit_talk_axis": ("talk", "通話時間"),
    "fit_talking_axis": ("share still talking", "まだ通話中の割合"),
    "fit_not_used": ("lowest AIC, not used", "AIC最小(不採用)"),
    "fit_suggested": ("suggested (Erlang A for 80 % in 20 s)", "提案(アーランA、20秒以内に80%)"),
    "fit_present": ("present, inferred from the calls", "在席(通話から推定)"),
    "fit_learned": ("Learned from the log", "記録から分かったこと"),
    "fit_placeholder": (
        "NOT in the log: placeholders to replace (listed under `placeholders` in scenario.yaml)",
        "記録に無いもの: 差し替えるべき仮の値(scenario.yamlの`placeholders`に一覧)",
    ),
    "fit_open": ("NOT in the log, and left out of the draft", "記録に無く、下書きにも含めていないもの"),
    "fit_left_out": ("Read and left out", "読み込み時の注記"),
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
        "an agent whom nobody awaits steps away once in {every} without a rest, for {mean} on average",
        "待ち呼がないとき、休みなしの{every}に1回の割合で離席し、平均{mean}",
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


def percent(text: str, lang: Language = "en") -> str:
    """A text whose shares are written as a scenario has them (``80% in 20 s``) with its shares as :func:`share` has."""
    return re.sub(r"(?<=\d)%", share(0.0, lang).lstrip("0"), text)


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


def seconds(value: float, lang: Language = "en", digits: int = 0) -> str:
    """Seconds that stand beside other seconds: ``120 s``, in Japanese ``120秒``."""
    return number(value, digits) + ("秒" if lang == "ja" else " s")


def off(value: float, measure: str, lang: Language = "en") -> str:
    """How far a measure of a replay is off: seconds of the mean wait, else percentage points."""
    if measure == "mean_wait":
        return seconds(value, lang, 1)
    return phrase("points", lang, points=number(100 * value, 1))


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
    """The staffing table, without a need in the months in which nothing that was tried met the targets, or in which
    nothing that has a target falls due."""
    table = result.staffing
    failed = {(team["team"], month) for team in result.summary.get("teams") or [] for month in team.get("unmet") or []}
    needs = [
        math.nan if missing(row.p_enough) or (row.team, row.month) in failed else row.need for row in records(table)
    ]
    return table.assign(need=needs)


def sizing(summary: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Three ways to size the teams by quarter, without a need where nothing that was tried met the targets."""
    failed = {team["team"]: team.get("unmet") or [] for team in summary.get("teams") or []}
    rows = []
    for row in summary.get("sizing") or []:
        first, _, last = str(row["quarter"]).partition(" to ")
        unmet = any(first <= month <= (last or first) for month in failed.get(row["team"], ()))
        rows.append({**row, "need": None} if unmet else row)
    return rows


def records(table: pd.DataFrame) -> Iterator[Any]:
    """The rows of a table, each with its columns as attributes."""
    yield from table.itertuples(index=False)


def named(names: Sequence[str], lang: Language) -> str:
    """All names in one line: ``a, b and c``."""
    if lang == "ja":
        return "、".join(names)
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


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
        partly = 0 < len(unmet) < len(team.get("need") or {})
        key = "team_unmet_in" if partly else "team_unmet"
        lines, unmet = [phrase(key, lang, team=name, now=now, months=listed(unmet, lang))], []
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
    lines += _hire_sentences(hiring, lang)
    if not missing(team.get("p_enough_all")):
        low, high = team.get("p_enough_all_low"), team.get("p_enough_all_high")
        interval = (
            ""
            if missing(low) or missing(high)
            else phrase("interval", lang, low=probability(low, lang), high=probability(high, lang))
        )
        lines.append(phrase("plan_enough", lang, p=probability(team["p_enough_all"], lang), interval=interval))
    if team.get("first_short_month"):
        of = "short_quarter" if team.get("wing") == "success" else "short_month"
        lines.append(
            phrase(
                "first_short",
                lang,
                month=month(team["first_short_month"], lang),
                period=phrase(of, lang),
                p=probability(team.get("first_short_p"), lang),
                confidence=probability(team.get("confidence"), lang),
            )
        )
        if team.get("shares_with") and not missing(peak.get("heads")) and peak["heads"] <= team.get("now", 0):
            lines.append(phrase("shares_queues", lang, teams=named(team["shares_with"], lang)))
    return lines


def _hire_sentences(entries: list[Mapping[str, Any]], lang: Language) -> list[str]:
    """Planned hires to bring forward, and how many requisitions to open by when; those whose month to open them has
    passed are one sentence."""
    lines = []
    for entry in entries:
        if count := entry.get("bring_forward"):
            planned = listed([month(m, lang) for m in entry["planned_for"]], lang)
            key = "hire_forward_one" if count == 1 else "hire_forward"
            by = month(entry["ramped_by"], lang)
            lines.append(phrase(key, lang, count=number(count), planned=planned, month=by))
    late = [entry for entry in entries if entry["open"] and not entry.get("by")]
    if late:
        count = sum(entry["open"] for entry in late)
        months = listed([month(entry.get("ramped_by"), lang) for entry in late], lang)
        key = "hire_late_one" if count == 1 else "hire_late"
        lines.append(phrase(key, lang, open=number(count), months=months))
    by_month: dict[tuple[Any, Any, Any], int] = {}
    for entry in entries:
        if entry["open"] and entry.get("by"):
            place = entry["by"], entry.get("ramped_by"), entry.get("confidence")
            by_month[place] = by_month.get(place, 0) + entry["open"]
    for (by, ramped, confidence), count in by_month.items():
        told = {"month": month(ramped, lang), "confidence": probability(confidence, lang)}
        tail = phrase("ramped", lang, **told) if ramped else ""
        key = "hire_one" if count == 1 else "hire"
        lines.append(phrase(key, lang, open=number(count), by=month(by, lang), ramped=tail))
    return lines


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
    if spent := cost.get("spent"):
        first, last = (month(label, lang) for label in (spent["months"][0], spent["months"][-1]))
        more = spent["actual"] - spent["budget"]
        told = {
            name: money(spent[key], currency, lang)
            for name, key in (
                ("actual", "actual"), ("budget", "budget"), ("mean", "outlook_mean"), ("p80", "outlook_p80"),
                ("whole", "whole_budget"),
            )
        }  # fmt: skip
        count = round(len(spent["months"]) * spent["whole_budget"] / spent["budget"]) if spent["budget"] else 0
        change = signed(money(more, currency, lang))
        lines.append(phrase("cost_spent", lang, first=first, last=last, change=change, months=count, **told))
    if not missing(need.get("mean")):
        lines.append(phrase("cost_need", lang, mean=money(need["mean"], currency, lang)))
    return lines


def target_text(target: Mapping[str, Any], summary: Mapping[str, Any], lang: Language) -> str:
    """Who must reach what: the subject and ``text`` (``text_ja`` in Japanese, where the summary has it), an activity by
    its title. Where several teams share the target, its team."""
    subject, text = str(target.get("subject", "")), str(target.get(f"text_{lang}") or target.get("text", ""))
    text = percent(text, lang)
    if target.get("wing") == "success":
        if text.startswith(subject):
            text = _title(summary, subject, lang) + text.removeprefix(subject)
        elif subject != "all":
            text = f"{_title(summary, subject, lang)}: {text}"
        shared = [t for t in summary.get("targets") or [] if t.get("text") == target.get("text")]
        return phrase("target_of", lang, text=text, team=target.get("team")) if len(shared) > 1 else text
    return text if text.startswith(subject) else f"{subject}: {text}"


def _title(summary: Mapping[str, Any], name: str, lang: Language) -> str:
    """The title of an activity, else its name in words."""
    return ((summary.get("titles") or {}).get(name) or {}).get(lang) or name.replace("_", " ")


def slip_text(slip: Mapping[str, Any], summary: Mapping[str, Any], lang: Language) -> str:
    """What slips: ``Quarterly business review (standard)``."""
    if "activity" not in slip:
        return str(slip.get("subject", ""))
    title, segment = _title(summary, str(slip["activity"]), lang), f"({slip['segment']})"
    return title if title.endswith(segment) else f"{title} {segment}"


def target_met(target: Mapping[str, Any]) -> bool | None:
    """Whether a target holds with the confidence asked in its worst period; None when either is unknown."""
    p, confidence = target.get("worst_p"), target.get("confidence")
    return None if p is None or confidence is None or missing(p) else bool(p >= confidence)


def missed_sentences(summary: Mapping[str, Any], lang: Language) -> list[str]:
    """One line per target that the plan misses."""
    lines = []
    for target in summary.get("targets") or []:
        if target_met(target) is False:
            worst, p = (probability(target[key], lang) for key in ("worst_p", "p_met"))
            told = {
                "text": target_text(target, summary, lang),
                "month": month(target["worst_month"], lang),
                "worst": worst,
                "confidence": probability(target["confidence"], lang),
                "over_all": "" if p == worst else phrase("over_all", lang, p=p),
            }
            lines.append(phrase("target_missed", lang, **told))
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
            subject=slip_text(s, summary, lang),
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


def need_sentence(summary: Mapping[str, Any], lang: Language) -> str | None:
    """What the teams' needs count and leave out; None without a need."""
    sized = [team for team in summary.get("teams") or [] if not missing(team.get("confidence"))]
    if not sized:
        return None
    bounds = [str(team["team"]) for team in sized if team.get("lower_bound")]
    lines = [phrase("need_means", lang)]
    if bounds:
        groups = [team for team in sized if team.get("wing") == "support"]
        whole = len(bounds) == len(groups) > 3
        lines.append(phrase("lower_bound", lang, teams=phrase("all_groups", lang) if whole else named(bounds, lang)))
    return ("" if lang == "ja" else " ").join(lines)


def warnings(summary: Mapping[str, Any], lang: Language) -> list[str]:
    """What to beware of, in the language asked for where the summary has it."""
    return [str(line) for line in (summary.get(f"warnings_{lang}") or summary.get("warnings") or [])]


def subject(scenario: Scenario | None, kind: str, name: str, lang: Language) -> str:
    """Who a KPI is about: an activity by its title, everything else by its name."""
    if name == "all":
        return phrase("all", lang)
    if kind == "tier":
        return phrase("tier_number", lang, number=name)
    return activity_name(scenario, name, lang) if kind == "activity" and scenario is not None else name


def paragraphs(summary: Mapping[str, Any], lang: Language) -> Iterator[str]:
    """The answer, headline first: one paragraph per team and what a need counts, then cost, targets at risk, accounts,
    slips, placeholders."""
    gap = "" if lang == "ja" else " "
    hiring = summary.get("hiring") or []
    for team in teams(summary):
        yield gap.join(team_sentences(team, [h for h in hiring if h.get("team") == team["team"]], lang))
    if line := need_sentence(summary, lang):
        yield line
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


def short_months(summary: Mapping[str, Any], table: pd.DataFrame) -> set[tuple[str, str]]:
    """Team and month of the staffing table in which the plan is enough with less than the confidence asked."""
    asked = {team["team"]: team.get("confidence") for team in summary.get("teams") or []}
    return {
        (row.team, row.month)
        for row in records(table)
        if not missing(asked.get(row.team)) and not missing(row.p_enough) and row.p_enough < asked[row.team]
    }


def falls_short(team: Mapping[str, Any]) -> bool:
    """Whether a team needs more heads than it has or than its plan keeps, or nothing that was tried is enough."""
    if missing(team.get("confidence")):
        return False
    peak = (team.get("need_peak") or {}).get("heads")
    return bool(team.get("unmet") or team.get("first_short_month") or missing(peak) or peak > team.get("now", 0))


def in_doubt(team: Mapping[str, Any]) -> bool:
    """Whether every month alone is sure enough, but all of them together are not."""
    share, asked = team.get("p_enough_all"), team.get("confidence")
    return not falls_short(team) and share is not None and asked is not None and bool(share < asked)


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
    for unit in (" points", "ポイント"):  # long units stand once
        low = low.removesuffix(unit) if high.endswith(unit) else low
    return f"{low}〜{high}" if lang == "ja" else f"{low} – {high}"
