"""CRM exports and time logs: what was simulated is found again, what is wrong is one list."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

import simulator as sim
from simulator.cli import main
from simulator.success import fit

CHURN = {"key": 0.01, "standard": 0.03}
HOURS = {"prepare": 1.0, "meet": 1.0, "follow_up": 0.75}
CANCELLATION = 0.2


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A year of accounts with known churn and revenue, and monthly reviews with known effort and cancellations."""
    folder = tmp_path_factory.mktemp("exports")
    generator = np.random.default_rng(17)
    as_of = pd.Timestamp("2027-03-31")
    rows, entries = [], []
    for name, size, mrr in (("key", 150, 4000.0), ("standard", 500, 900.0)):
        for i in range(size):
            start = as_of - pd.Timedelta(days=int(generator.uniform(30, 900)))
            alive_days = float(generator.exponential(fit.MONTH_DAYS / CHURN[name]))
            cancelled = start + pd.Timedelta(days=alive_days)
            if cancelled < as_of - pd.Timedelta(days=365):
                continue
            revenue = mrr * float(np.exp(generator.normal(-0.08, 0.4)))
            row = {"Account ID": f"{name}-{i}", "Segment": name.title(), "Contract start": start.strftime("%Y/%m/%d"),
                   "Churn date": cancelled.strftime("%Y/%m/%d") if cancelled <= as_of else "",
                   "Term": "12 months" if name == "key" else "1", "MRR": f"${revenue:,.2f}",
                   "Currency": "usd"}  # fmt: skip
            rows.append(row)
            if name == "key" and cancelled > as_of:
                for month in range(12):
                    day = as_of - pd.Timedelta(days=15 + 30.44 * month + float(generator.uniform(-2, 2)))
                    for hour, (step, mean) in enumerate(HOURS.items()):
                        called_off = step == "meet" and generator.random() < CANCELLATION
                        length = mean * float(np.exp(generator.normal(-0.045, 0.3)))
                        entries.append(
                            {"activity": "Monthly review", "step": step,
                             "kind": "meeting" if step == "meet" else "desk",
                             "account": row["Account ID"], "start": day + pd.Timedelta(hours=2 * hour),
                             "minutes": round(60 * length, 1), "status": "cancelled" if called_off else "held"}
                        )  # fmt: skip
    crm, log = folder / "crm.csv", folder / "log.csv"
    pd.DataFrame(rows).to_csv(crm, index=False)
    pd.DataFrame(entries).to_csv(log, index=False)
    return crm, log


@pytest.fixture(scope="module")
def crm(files: tuple[Path, Path]) -> fit.Accounts:
    return fit.read_accounts(files[0], {"start": "contract start"}, as_of="2027-03-31")


@pytest.mark.parametrize("segment", ["key", "standard"])
def test_churn_is_found_again(crm: fit.Accounts, segment: str) -> None:
    found = fit.fit_segment(crm, segment)
    churn = found.churn_per_month
    # three standard errors of a Poisson count, of which there are some 15 and 150
    assert abs(churn.value - CHURN[segment]) < 3 * math.sqrt(churn.events) / churn.exposure
    assert churn.low < churn.value < churn.high
    assert found.term == {"key": 12, "standard": 1}[segment]
    assert found.mrr_cv == pytest.approx(math.sqrt(math.exp(0.4**2) - 1), rel=0.2)
    assert found.mrr_mean == pytest.approx({"key": 4000, "standard": 900}[segment], rel=0.12)
    assert found.opening == (crm.table["segment"].eq(segment) & crm.table["cancelled"].isna()).sum()


def test_effort_and_cancellations_are_found_again(crm: fit.Accounts, files: tuple[Path, Path]) -> None:
    log = fit.read_time_log(files[1], accounts=crm)
    found = fit.fit_activity(log, "monthly_review", crm)
    assert [(s.name, s.kind) for s in found.steps] == [("prepare", "desk"), ("meet", "meeting"), ("follow_up", "desk")]
    for step in found.steps:
        error = (step.high - step.low) / 2 / fit.Z95
        assert abs(step.mean - HOURS[step.name]) < 4 * error
        assert step.cv == pytest.approx(math.sqrt(math.exp(0.3**2) - 1), rel=0.1)
    share = found.cancellation["key"]
    assert abs(share.value - CANCELLATION) < 4 * math.sqrt(0.2 * 0.8 / share.exposure)
    assert found.every == "month"
    assert found.coverage["key"].value > 0.95
    assert found.coverage["standard"].value == 0


def test_irregular_entries_are_a_rate(crm: fit.Accounts, tmp_path: Path) -> None:
    generator = np.random.default_rng(2)
    ids = crm.table[crm.table["segment"] == "key"]["account"].head(40).to_numpy()
    days = pd.Timestamp("2026-04-01") + pd.to_timedelta(generator.uniform(0, 365, 240), unit="D")
    table = pd.DataFrame({"activity": "trouble", "kind": "interrupt", "account": generator.choice(ids, 240),
                          "start": days, "hours": generator.exponential(0.5, 240).round(3) + 0.01})  # fmt: skip
    table.to_csv(tmp_path / "log.csv", index=False)
    found = fit.fit_activity(fit.read_time_log(tmp_path / "log.csv", accounts=crm), "trouble", crm)
    assert found.every is None
    assert found.per_month.value == pytest.approx(240 / 40 / 12, rel=0.05)
    assert not found.cancellation


def test_intervals_of_counts() -> None:
    """Garwood's interval of 10 events is 4.795 to 18.39; Wilson's of 8 of 10 is 0.490 to 0.943."""
    rate, share = fit.rate_of(10, 1.0), fit.share_of(8, 10)
    assert (rate.low, rate.high) == (pytest.approx(4.795, abs=1e-3), pytest.approx(18.390, abs=1e-3))
    assert (share.low, share.high) == (pytest.approx(0.490, abs=1e-3), pytest.approx(0.943, abs=1e-3))
    assert fit.rate_of(0, 100.0).low == 0
    assert math.isnan(fit.share_of(0, 0).value)


# --- the draft -------------------------------------------------------------------------------------------------------


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["fit", *map(str, words)])


NAMED = ("--account-column", "start=Contract start", "--as-of", "2027-03-31")


def test_a_draft_holds_and_runs(files: tuple[Path, Path], tmp_path: Path) -> None:
    result = run("--accounts", files[0], "--activities", files[1], *NAMED, "--out", tmp_path / "draft")
    assert result.exit_code == 0, result.output
    names = {str(p.relative_to(tmp_path / "draft")) for p in (tmp_path / "draft").rglob("*") if p.is_file()}
    assert names == {"scenario.yaml", "fit.json", "summary.txt", "figures/churn.svg", "figures/effort.svg"}
    plan = sim.read(tmp_path / "draft" / "scenario.yaml")
    assert plan.success is not None
    assert plan.currency == "USD"
    assert plan.calendar.grid().month_labels[0] == "2027-04"
    activity = plan.success.activities["monthly_review"]
    assert activity.every == "month"
    assert list(activity.steps) == ["prepare", "meet", "follow_up"]
    assert 0.15 < plan.accounts["key"].meetings.cancellation < 0.25
    assert "accounts.key.churn_per_month" in plan.uncertain
    assert "success.teams.csm.headcount" in plan.placeholders
    assert "monthly_review: every month" in result.output
    assert (
        json.loads((tmp_path / "draft" / "fit.json").read_text())["segments"][0]["opening"]
        == plan.accounts["key"].opening
    )
    from simulator.studies.run import simulate

    assert simulate(plan.with_({"calendar.months": 1}), replications=2).data["steps"].sum() > 0


def test_churn_that_the_export_does_not_tell_is_a_placeholder(files: tuple[Path, Path], tmp_path: Path) -> None:
    table = pd.read_csv(files[0]).drop(columns="Churn date")
    table.to_csv(tmp_path / "crm.csv", index=False)
    told = run("--accounts", tmp_path / "crm.csv", *NAMED, "--out", tmp_path / "draft")
    assert told.exit_code == 0, told.output
    assert "churn not known" in told.output
    assert "0.00% a month" not in told.output
    drafted = sim.read(tmp_path / "draft" / "scenario.yaml")
    assert {f"accounts.{name}.churn_per_month" for name in ("key", "standard")} <= set(drafted.placeholders)
    assert drafted.accounts["key"].churn_per_month == 0.01


def test_a_crm_export_alone_is_enough(files: tuple[Path, Path], tmp_path: Path) -> None:
    result = run("--accounts", files[0], *NAMED, "--out", tmp_path / "draft", "--lang", "ja")
    assert result.exit_code == 0, result.output
    plan = sim.read(tmp_path / "draft" / "scenario.yaml")
    assert "success.activities.review" in plan.placeholders
    assert "セグメント別の月次解約率" in (tmp_path / "draft" / "figures" / "churn.svg").read_text(encoding="utf-8")


# --- bad input -------------------------------------------------------------------------------------------------------

BAD_CRM = """\
account,segment,start,term_end,cancelled,mrr,currency
A1,key,2026-01-01,2026-12-31,,100,USD
A2,key,2026-02-01,2025-02-01,,200,EUR
A1,key,2026-03-01,,,300,USD
A4,key,2026-04-01,,2026-03-01,400,USD
A5,key,soon,,,many,USD
A6,key,2026-05-01,,,-5,USD
"""
BAD_LOG = """\
activity,account,start,end,hours,status,kind
Review,A1,2026-05-01 09:00,2026-05-01 08:00,,held,meeting
Review,A9,2026-05-01 09:00,,1,held,meeting
Review,A1,2026-05-01 09:00,,30,held,meeting
Review,A1,2026-05-01 09:00,,1,canceld,meetings
,A1,2026-05-01 09:00,,1,held,meeting
"""


def test_everything_wrong_is_one_list(tmp_path: Path) -> None:
    (tmp_path / "crm.csv").write_text(BAD_CRM, encoding="utf-8")
    (tmp_path / "log.csv").write_text(BAD_LOG, encoding="utf-8")
    result = run("--accounts", tmp_path / "crm.csv", "--activities", tmp_path / "log.csv", "--out", tmp_path / "new")
    text = " ".join(result.stderr.split())
    assert result.exit_code == 2
    assert not result.stdout
    assert not (tmp_path / "new").exists()
    for said in (
        "several currencies", "EUR in 1 row, USD in 5 rows", "2 rows with an account id that stands twice",
        "1 row with a term that ends before it starts", "1 row cancelled before they start",
        "1 row with negative revenue",
        "1 row with a revenue that is no number", "1 row with a start that is no day", "lines 2, 4",
        "1 row that end before they start", "1 row that last over a day", "1 row without an activity",
        "a status of no known meaning", "did you mean: cancelled", "did you mean: meeting",
    ):  # fmt: skip
        assert said in text.replace("canceled", "cancelled"), (said, text)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((), "or --accounts for customer success"),
        (("--accounts", "none.csv"), "there is no such file"),
        (("--accounts", "{crm}", "--account-column", "mrrr=x"), "did you mean: mrr"),
        (("--accounts", "{crm}", "--account-column", "mrr=fee"), "name it with --account-column"),
        (("--accounts", "{crm}", "--account-column", "mrr"), "write it as NAME=VALUE"),
        (("--accounts", "{crm}", *NAMED[:2], "--as-of", "yesterday"), "this is no day"),
        (("--accounts", "{crm}", *NAMED[:2], "--as-of", "2025-01-01"), "start after the export"),
    ],
)
def test_wrong_words_and_files_are_refused(files: tuple[Path, Path], words: tuple[str, ...], text: str) -> None:
    result = run(*(word.format(crm=files[0]) for word in words))
    assert result.exit_code == 2, result.output
    assert text in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


def test_accounts_that_the_export_does_not_know(crm: fit.Accounts, tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("activity,account,start,hours\nCall,nobody,2027-01-05,1\n", encoding="utf-8")
    with pytest.raises(sim.InputError, match="does not know"):
        fit.read_time_log(tmp_path / "log.csv", accounts=crm)
    (tmp_path / "short.csv").write_text("activity,start\nCall,2027-01-05\n", encoding="utf-8")
    with pytest.raises(sim.InputError, match="how long entries last"):
        fit.read_time_log(tmp_path / "short.csv")


@pytest.mark.parametrize(
    ("amount", "code", "said"),
    [
        ("$300", "", r"several currencies; found \$ in 1 row, € in 1 row"),
        ("$300", "EUR", r"several currencies; found \$ in 1 row, € in 1 row"),
        ("inf", "EUR", "a revenue that is no number"),
    ],
)
def test_a_currency_may_be_said_by_its_sign(tmp_path, amount, code, said):
    crm = tmp_path / "crm.csv"
    crm.write_text(f"account,start,mrr,currency\nA1,2026-01-01,€100,EUR\nA2,2026-02-01,{amount},{code}\n")
    with pytest.raises(sim.InputError, match=said):
        fit.read_accounts(crm)
