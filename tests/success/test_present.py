"""Accounts that are there one by one: read from a file, refused with their lines, and simulated as they are."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import simulator as sim
from simulator.horizon import FLOWS, Horizon
from simulator.scenario.document import Document
from simulator.scenario.loading import freeze
from simulator.scenario.schema import Scenario
from simulator.success import books, portfolio
from tests.models import BOTH_WINGS

LISTED = [
    {"account": "Aoki", "start": "2026-05-17", "mrr": 500_000},
    {"account": "Baba", "start": "2026-06-30", "effort": 2},
    {"account": "Chiba", "start": "2024-04-01", "mrr": 100_000},
]
"""Terms of twelve months: Aoki decides in May 2027, Baba in June, Chiba in April."""


def scenario(accounts: list[dict[str, Any]] = LISTED, **changes: Any) -> Scenario:
    document = copy.deepcopy(BOTH_WINGS)
    segment = document["accounts"]["enterprise"]
    del segment["opening"]
    segment |= {"present": accounts, "new_per_month": 0, **changes}
    return freeze(Document(document))


def opened(one: Scenario) -> portfolio.Portfolio:
    horizon = Horizon(one)
    return portfolio.open_portfolio(horizon.central.portfolio, horizon.grid, 1, 0)


def test_accounts_are_there_as_listed() -> None:
    one = scenario()
    assert one.accounts["enterprise"].opening == 3
    accounts = opened(one)
    assert accounts.mrr[[0, 2]].tolist() == [500_000, 100_000]
    assert accounts.mrr[1] > 0
    assert accounts.effort[:3].tolist() == [1.0, 2.0, 1.0]
    assert accounts.contract_month[:3].tolist() == [-11, -10, -36]
    assert accounts.contract_day[:3].tolist() == [16, 29, 0]
    assert accounts.start_day[:3].tolist() == [-319, -275, -1095]
    assert accounts.stage(0.0, np.arange(3)).tolist() == [2, 2, 2]


def test_accounts_on_a_term_decide_at_its_end() -> None:
    horizon = Horizon(scenario(churn_per_month="99.99%"))
    lost = horizon.simulate(0)["flows"][:, 0, FLOWS.index("lost")]
    assert lost.tolist() == [1, 1, 1]
    np.testing.assert_allclose(horizon.living[:, 0], [3, 2, 1], atol=1e-9)


def test_an_account_keeps_its_draws_whatever_is_listed_beside_it() -> None:
    alone = opened(scenario([LISTED[1]]))
    assert alone.mrr[0] == opened(scenario()).mrr[1]
    assert alone.key[0] == opened(scenario(LISTED[::-1])).key[1]


def test_books_begin_with_the_owners_that_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Balanced books would put Baba, twice the work, alone."""
    handed_out: list[list[int]] = []

    def assign(*arguments: Any) -> Any:
        owner = assigned(*arguments)
        handed_out.append(owner[:3].tolist())
        return owner

    assigned = books.assign
    monkeypatch.setattr(books, "assign", assign)
    heads = {"success.teams.csm.headcount": 2}
    Horizon(scenario().with_(heads)).simulate(0)
    assert len(set(handed_out[0][::2])) == 1
    handed_out.clear()
    owners = ("Ito", "Ito", "Abe")
    listed = [row | {"owner": owner} for row, owner in zip(LISTED, owners, strict=True)]
    Horizon(scenario(listed).with_(heads)).simulate(0)
    assert handed_out[0] == [0, 0, 1]


def test_owners_are_the_last_of_those_who_are_there() -> None:
    there = np.array([1.0, 0.0, 1.0, 0.5])
    assert books.seated(np.array([1, -1, 0, 1]), there).tolist() == [3, -1, 2, 3]
    assert books.seated(np.array([0, 1, 2, 3, -1]), there).tolist() == [0, 2, 3, -1, -1]
    assert books.seated(np.array([-1, -1]), there).tolist() == [-1, -1]


def test_a_team_has_a_head_for_every_owner() -> None:
    listed = [row | {"owner": row["account"]} for row in LISTED]
    one = copy.deepcopy(BOTH_WINGS)
    del one["accounts"]["enterprise"]["opening"]
    one["accounts"]["enterprise"]["present"] = listed
    one["success"]["teams"]["csm"]["headcount"] = 2
    with pytest.raises(sim.InputError) as error:
        freeze(Document(one))
    assert [(p.path, p.message) for p in error.value.problems] == [
        ("success.teams.csm.headcount", "its accounts have 3 owners")
    ]


def test_a_resolved_scenario_reads_back(tmp_path: Path) -> None:
    one = scenario()
    assert freeze(Document(one.document())) == one


def written(folder: Path, rows: str, **changes: Any) -> Path:
    document = copy.deepcopy(BOTH_WINGS)
    del document["accounts"]["enterprise"]["opening"]
    document["accounts"]["enterprise"] |= {"present": "crm.csv", **changes}
    (folder / "crm.csv").write_text(rows, encoding="utf-8")
    path = folder / "plan.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


def test_a_file_is_read_in(tmp_path: Path) -> None:
    rows = (
        "account,start,mrr,effort,owner\nAoki,2026-05-17,500_000,,Abe\nBaba,2026-06-30,,2,\nChiba,2024-04-01,100000,,\n"
    )
    read = sim.read(written(tmp_path, rows, new_per_month=0))
    assert read.accounts == scenario([LISTED[0] | {"owner": "Abe"}, *LISTED[1:]]).accounts


def test_every_fault_of_a_file_is_told_with_its_line(tmp_path: Path) -> None:
    rows = "account,start,mrr\nAoki,2026-05-17,1\nAoki,2026-06-17,1\nBaba,2026-13-01,1\nChiba,2026-05-17,-5\nDan\n"
    with pytest.raises(sim.InputError) as error:
        sim.read(written(tmp_path, rows))
    assert [(p.line, p.message) for p in error.value.problems] == [
        (3, "the account stands twice"),
        (4, "start: '2026-13-01' is no date"),
        (5, "mrr: '-5' is negative"),
        (6, "the row is ragged"),
    ]


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        ({"opening": 4}, "accounts.enterprise.opening", "the accounts are counted twice"),
        ({"present": [LISTED[0], LISTED[0]]}, "accounts.enterprise.present.1.account", "the account stands twice"),
        (
            {"present": [{"account": "Dan", "start": "2027-04-01"}]},
            "accounts.enterprise.present.0.start",
            "the account starts after the horizon does",
        ),
    ],
)
def test_lists_that_make_no_sense_are_refused(changes: dict, path: str, message: str) -> None:
    with pytest.raises(sim.InputError) as error:
        scenario(**changes)
    assert [(p.path, p.message) for p in error.value.problems] == [(path, message)]
