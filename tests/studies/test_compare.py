"""Paired what-ifs: exact where nothing changes, sharp where something does."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import simulator as sim
from simulator.montecarlo.precision import Z95, estimate
from simulator.studies import compare as module
from simulator.studies.compare import COLUMNS, Comparison, compare
from simulator.studies.run import measures, simulate
from tests.models import both_wings, one_queue

IMPATIENT = {"support.queues.phone.patience.mean": "90 s"}


@pytest.fixture(scope="module")
def impatient() -> Comparison:
    plan = both_wings({"support.groups.tier1.headcount": 3})
    return compare(plan, plan.with_(IMPATIENT), names=("impatient",))


def value(table: pd.DataFrame, kpi: str, subject: str, month: str = "all") -> pd.Series:
    (row,) = table[(table["kpi"] == kpi) & (table["subject"] == subject) & (table["month"] == month)].to_dict("records")
    return pd.Series(row)


def test_a_plan_against_itself_is_exactly_zero() -> None:
    plan = both_wings()
    found = compare(plan, plan, plan.with_({"monte_carlo.seed": 99, "monte_carlo.replications": 4}), replications=4)
    assert tuple(found.table.columns) == COLUMNS
    assert set(found.table["variant"]) == {"1", "2"}
    assert set(found.table["month"]) == {"2027-04", "2027-05", "2027-06", "all"}
    assert (found.table[["difference", "low", "high"]] == 0).all(axis=None)
    assert (found.table["base"] == found.table["value"]).all()
    assert not found.table["real"].any()
    assert found.real().empty


def test_less_patience_loses_more_callers(impatient: Comparison) -> None:
    lost = value(impatient.table, "abandonment", "phone")
    assert lost["real"]
    assert 0 < lost["low"] < lost["difference"] < lost["high"]
    escalated = value(impatient.table, "offered", "tier2")
    assert escalated["difference"] < 0, "who hangs up is not escalated"
    same = value(impatient.table, "offered", "phone")
    assert (same["difference"], same["low"], same["high"], same["real"]) == (0, 0, 0, False)


def test_the_surest_differences_come_first(impatient: Comparison) -> None:
    real = impatient.real()
    assert set(real["month"]) == {"all"}
    assert real["real"].all()
    sure = (real["difference"] / (real["high"] - real["low"])).abs()
    assert sure.is_monotonic_decreasing
    assert tuple(real.columns) == COLUMNS


def test_a_difference_is_value_less_base(impatient: Comparison) -> None:
    table = impatient.table
    assert table["kpi"].nunique() > 20
    # the same sums divided in another order
    np.testing.assert_allclose(table["value"] - table["base"], table["difference"], rtol=1e-9, atol=1e-9)


def test_what_one_side_does_not_know_leaves_the_pair_out() -> None:
    # 20 agents for 18 busy ones lose somebody in some of the short runs, 24 in hardly any: the rest have no such wait
    plan = one_queue(queue={"hours": {"daily": "09:00-09:30"}})
    table = compare(plan, plan.with_({"support.groups.agents.agents": 24}), replications=20).table
    row = value(table, "mean_wait_abandoned", "calls")
    first, second = (
        measures(simulate(p, replications=20))["support", "queue", "calls", "mean_wait_abandoned", "s"][:, -1]
        for p in (plan, plan.with_({"support.groups.agents.agents": 24}))
    )
    both = ~np.isnan(first) & ~np.isnan(second)
    assert 0 < both.sum() < (~np.isnan(first)).sum(), "the case does not occur"
    assert row["base"] == pytest.approx(first[both].mean(), rel=1e-12)
    assert row["value"] == pytest.approx(second[both].mean(), rel=1e-12)
    assert row["difference"] == pytest.approx(row["value"] - row["base"], rel=1e-9)


def test_common_draws_make_the_interval_much_narrower(impatient: Comparison) -> None:
    key = ("support", "queue", "phone", "abandonment", "share")
    plan = both_wings({"support.groups.tier1.headcount": 3})
    sides = (plan, plan.with_({**IMPATIENT, "monte_carlo.seed": 12}))
    errors = [estimate(measures(simulate(side))[key], 2).standard_error[-1] for side in sides]
    independent = 2 * Z95 * math.hypot(*errors)
    lost = value(impatient.table, "abandonment", "phone")
    # measured: a quarter; the bound leaves room for eight replications
    assert lost["high"] - lost["low"] < independent / 2


def test_labels_of_the_variants() -> None:
    plan = one_queue(queue={"hours": {"daily": "09:00-10:00"}})
    renamed = plan.with_({"name": "renamed"})
    assert set(compare(plan, renamed, plan, replications=2).table["variant"]) == {"renamed", "2"}
    assert set(compare(plan, renamed, replications=2, names=("mine",)).table["variant"]) == {"mine"}


def test_what_cannot_be_compared_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def simulated(*_: object, **__: object) -> None:
        raise AssertionError("simulated before looking")

    monkeypatch.setattr(module, "simulate", simulated)
    plan = both_wings()
    with pytest.raises(sim.InputError, match="nothing to compare with"):
        compare(plan)
    with pytest.raises(sim.InputError, match="covers other months than the base"):
        compare(plan, plan, plan.with_({"calendar.months": 4}))


def test_kpis_of_one_side_alone_are_left_out() -> None:
    plan = both_wings()
    document = plan.document()
    document["support"]["queues"].pop("email")
    document["support"]["groups"]["tier1"]["serves"] = ["phone"]
    for segment in document["accounts"].values():
        segment["contacts_per_month"].pop("email")
    from simulator.scenario.loading import dump

    table = compare(plan, sim.read(dump(document)), replications=2).table
    assert "email" not in set(table["subject"])
    assert value(table, "offered", "phone")["difference"] == 0
