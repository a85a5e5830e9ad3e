"""Every contact of a plan, and KPIs by interval, day and tier: they add up to what a run says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import simulator as sim
from simulator import cli
from simulator.errors import ParameterError
from simulator.horizon import Horizon
from simulator.studies.records import Records, records
from simulator.studies.run import measures, simulate
from simulator.support.tables import QueueMeasure
from tests.models import BOTH_WINGS, both_wings

REPLICATIONS = 2
SHORT = {"calendar.months": 1, "success.activities.qbr.window": "whole period"}


@pytest.fixture(scope="module")
def scenario() -> sim.Scenario:
    abroad = {"calendar.start": "2027-10", "calendar.timezone": "Europe/Berlin"}
    return both_wings({**SHORT, "calendar.months": 2, **abroad, "monte_carlo.replications": REPLICATIONS})


@pytest.fixture(scope="module")
def found(scenario: sim.Scenario) -> Records:
    return records(scenario, REPLICATIONS)


@pytest.fixture(scope="module")
def of_run(scenario: sim.Scenario) -> np.ndarray:
    """Sums by replication, month and queue."""
    horizon = Horizon(scenario)
    return np.stack([horizon.simulate(r)["queue"] for r in range(REPLICATIONS)])


def test_contacts_add_up_to_the_run(found: Records, of_run: np.ndarray) -> None:
    rows = found.contacts
    month = rows["arrived"].dt.month - 10
    for r in range(REPLICATIONS):
        for q, name in enumerate(BOTH_WINGS["support"]["queues"]):
            for m in range(2):
                mine = rows[(rows["replication"] == r) & (rows["queue"] == name) & (month == m)]
                sums = of_run[r, m, q]
                assert len(mine) == sums[QueueMeasure.OFFERED]
                answered = mine[mine["outcome"].isin(["answered", "in_service"])]
                assert len(answered) == sums[QueueMeasure.ANSWERED]
                assert answered["wait"].sum() == pytest.approx(sums[QueueMeasure.WAIT_ANSWERED])
                assert answered["talk"].sum() == pytest.approx(sums[QueueMeasure.TALK])
                assert (mine["outcome"] == "abandoned").sum() == sums[QueueMeasure.ABANDONED]
    assert set(rows.loc[rows["queue"] == "tier2", "tier"]) == {2}
    assert set(rows.loc[rows["queue"] != "tier2", "tier"]) == {1}
    assert (rows.loc[rows["outcome"] == "abandoned", "group"] == "").all()
    local = rows["arrived"].dt
    first = rows["leg"] == 0
    assert local.hour[first].between(9, 17).all()  # also after the clocks were set back on 31 October
    assert (rows["account"] != "").all()


def test_intervals_add_up_to_days_and_months(found: Records, of_run: np.ndarray) -> None:
    for q, name in enumerate(BOTH_WINGS["support"]["queues"]):
        mine = found.intervals[(found.intervals["kind"] == "queue") & (found.intervals["subject"] == name)]
        days = found.days[(found.days["kind"] == "queue") & (found.days["subject"] == name)]
        assert len(mine) == 61 * 48 + 2
        assert len(days) == 61
        offered = of_run[..., q, QueueMeasure.OFFERED].sum() / REPLICATIONS
        assert mine["offered"].sum() == pytest.approx(offered)
        assert days["offered"].sum() == pytest.approx(offered)
        by_date = mine.groupby(mine["start"].dt.date)["answered"].sum()
        np.testing.assert_allclose(by_date.to_numpy(), days["answered"].to_numpy())
        rate = (
            mine["answered"].groupby(mine["start"].dt.date).sum() / mine.groupby(mine["start"].dt.date)["offered"].sum()
        )
        np.testing.assert_allclose(rate.to_numpy(), days["answer_rate"].to_numpy())
    tiers = found.days[found.days["kind"] == "tier"]
    assert sorted(set(tiers["subject"])) == ["1", "2"]
    queues = found.days[found.days["kind"] == "queue"]
    assert tiers["offered"].sum() == pytest.approx(queues["offered"].sum())
    groups = found.days[found.days["kind"] == "group"]
    assert groups["occupancy"].max() <= 1.0
    assert groups["offered"].isna().all()
    for table in (found.times, found.months[found.months["month"] != "all"]):
        for kind in ("queue", "tier", "group"):
            mine, daily = table[table["kind"] == kind], found.days[found.days["kind"] == kind]
            assert mine["answered"].sum() == pytest.approx(daily["answered"].sum())
    assert len(found.times[found.times["subject"] == "phone"]) == 48


def test_waits_are_those_of_the_contacts(found: Records) -> None:
    """Percentiles by every kind of time and of subject are those of the contacts answered then and there."""
    rows = found.contacts[found.contacts["outcome"].isin(["answered", "in_service"])]
    local = rows["arrived"].dt
    slot = local.hour * 2 + local.minute // 30
    start = local.floor("30min", ambiguous="NaT")  # the hour that comes twice is of no interest at night
    of_time = {
        "months": (rows["arrived"].dt.strftime("%Y-%m"), "month"),
        "days": (local.tz_localize(None).dt.normalize(), "date"),
        "times": (slot.map(lambda i: f"{i // 2:02d}:{i % 2 * 30:02d}"), "time"),
        "intervals": (start, "start"),
    }
    for name, (when, column) in of_time.items():
        table = getattr(found, name)
        table = table[table[column] != "all"]
        for kind in ("queue", "tier", "group"):
            key = rows[kind].astype(str)
            for p in (90, 95):
                mine = rows.groupby([key.to_numpy(), when.to_numpy()])["wait"].quantile(p / 100)
                theirs = table[table["kind"] == kind].dropna(subset=[f"wait_p{p}"])
                theirs = theirs.set_index(["subject", column])[f"wait_p{p}"]
                assert len(mine) == len(theirs) > (1 if name == "months" else 20), (name, kind)
                np.testing.assert_allclose(theirs.sort_index().to_numpy(), mine.sort_index().to_numpy())
    whole = found.months[found.months["month"] == "all"].set_index(["kind", "subject"])
    phone = found.contacts[found.contacts["queue"] == "phone"]
    answered = phone[phone["outcome"].isin(["answered", "in_service"])]
    assert whole.loc[("queue", "phone"), "wait_p90"] == pytest.approx(np.quantile(answered["wait"], 0.9))
    within = (answered["wait"] <= 20).sum() / len(phone)
    assert within < whole.loc[("queue", "phone"), "sl_virtual"] < 1
    levels = whole.loc["queue", "sl_virtual"]
    entries = found.contacts.groupby("queue", observed=True).size()
    first = [name for name in levels.index if name != "tier2"]
    mean = (levels[first] * entries[first]).sum() / entries[first].sum()
    assert whole.loc[("tier", "1"), "sl_virtual"] == pytest.approx(mean)


def test_groups_tell_what_they_answered(found: Records) -> None:
    rows = found.contacts[found.contacts["outcome"].isin(["answered", "in_service"])]
    whole = found.months[(found.months["month"] == "all") & (found.months["kind"] == "group")].set_index("subject")
    for name, mine in rows.groupby("group", observed=True):
        row = whole.loc[str(name)]
        assert row["answered"] * REPLICATIONS == len(mine)
        assert row["asa"] == pytest.approx(mine["wait"].mean())
        assert row["handle_time"] == pytest.approx(mine["talk"].mean() + mine["after_call"].mean())
        assert row["escalation_rate"] == pytest.approx(mine["escalated"].mean(), abs=2 / len(mine))
        assert np.isnan(row["abandonment"])
    assert len(whole) == rows["group"].nunique() > 1


def test_percentiles_of_mail_count_in_opening_hours() -> None:
    """What comes before the evening waits until the morning, of which only the opening hours count."""
    changes = {
        "support.queues.email.business_time": True,
        "support.groups.tier1": {"agents": 2, "serves": ["phone", "email"], "salary_per_year": 4_000_000},
        "support.queues.email.arrivals": {"from": "accounts", "table": {"mon-fri": {"09:00": 0, "17:30": 40}}},
    }
    found = records(both_wings({**SHORT, **changes}))
    mail = found.contacts[(found.contacts["queue"] == "email") & (found.contacts["outcome"] == "answered")]
    row = found.months[(found.months["subject"] == "email") & (found.months["month"] == "all")].iloc[0]
    assert row["wait_p95"] == pytest.approx(np.quantile(mail["wait"], 0.95))
    assert mail["wait"].mean() == pytest.approx(row["asa"])
    elapsed = (mail["answered_at"] - mail["arrived"]).dt.total_seconds()
    assert elapsed.quantile(0.95) > 15 * 3600 > row["wait_p95"]


def test_kpis_of_a_run_stand_by_tier(scenario: sim.Scenario, of_run: np.ndarray) -> None:
    values = measures(simulate(scenario, replications=REPLICATIONS, jobs=1))
    offered = values["support", "tier", "1", "offered", "count"]
    np.testing.assert_allclose(offered[:, :2], of_run[..., :2, QueueMeasure.OFFERED].sum(axis=2))
    second = values["support", "tier", "2", "answer_rate", "share"]
    np.testing.assert_allclose(second, values["support", "queue", "tier2", "answer_rate", "share"])


def test_the_command_writes_them(tmp_path: Path) -> None:
    from simulator.scenario.loading import dump

    plan = both_wings(SHORT).document()
    (tmp_path / "plan.yaml").write_text(dump(plan))
    words = ["run", str(tmp_path / "plan.yaml"), "--replications", "2", "--quiet", "--records", "1"]
    answer = CliRunner().invoke(cli.main, [*words, "--out", str(tmp_path / "o")])
    assert answer.exit_code == 0, answer.output
    names = {"contacts", "intervals", "times", "days", "months"}
    assert {p.stem for p in (tmp_path / "o").glob("support_*.parquet")} == {f"support_{name}" for name in names}
    readable = {p.stem for p in (tmp_path / "o").glob("support_*.csv")}
    assert readable == {"support_times", "support_days", "support_months"}
    assert len(pd.read_parquet(tmp_path / "o" / "support_contacts.parquet")) > 500


def test_without_support_there_are_none() -> None:
    document = both_wings(SHORT).document()
    del document["support"]
    for segment in document["accounts"].values():
        segment["contacts_per_month"] = {}
    del document["success"]["activities"]["escalated"]
    from simulator.scenario.document import Document
    from simulator.scenario.loading import freeze

    with pytest.raises(ParameterError, match="no support"):
        records(freeze(Document(document)))


def test_satisfaction_falls_with_occupancy_and_overtime(scenario: sim.Scenario) -> None:
    line = {"base": 4.2, "from": "30%", "per_busy": 0.3, "per_overtime": 0.5}
    owned = scenario.with_({"support.groups.tier1.satisfaction": line, "success.teams.csm.satisfaction": line})
    plain, values = (measures(simulate(s, replications=2, jobs=1)) for s in (scenario, owned))
    assert ("support", "group", "tier1", "agent_satisfaction", "score") not in plain
    for wing, kind, name, busy, longer in (
        ("support", "group", "tier1", "occupancy", "overrun_share"),
        ("success", "team", "csm", "utilisation", "overtime_share"),
    ):
        found = values[wing, kind, name, "agent_satisfaction", "score"]
        over = np.maximum(values[wing, kind, name, busy, "share"] - 0.3, 0)
        late = values.get((wing, kind, name, longer, "share"), np.zeros_like(found))
        np.testing.assert_allclose(found, np.maximum(4.2 - 3 * over - 5 * late, 0))
        assert found.min() < 4.2
