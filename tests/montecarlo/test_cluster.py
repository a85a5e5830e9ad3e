"""Work on a Dask cluster: the same numbers as here."""

from collections.abc import Iterator

import pandas as pd
import pytest
from distributed import LocalCluster

from simulator import provenance
from simulator.errors import InputError
from simulator.montecarlo import cluster
from simulator.studies.run import run
from tests.models import both_wings


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as machines:
        yield machines.scheduler_address


@pytest.mark.slow
def test_a_run_on_a_cluster_is_the_run_here(address: str) -> None:
    here, there = run(both_wings(), jobs=2), run(both_wings(), jobs=address)
    assert there.summary == here.summary
    for name, table in here.tables.items():
        pd.testing.assert_frame_equal(there.tables[name], table)


def test_what_is_wrong_with_a_cluster_is_said(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="no Dask scheduler answers there"):
        cluster.Cluster("tcp://127.0.0.1:9")
    with pytest.raises(InputError, match="no Dask scheduler answers there"):
        cluster.Cluster("nonsense://x")
    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address=":0") as nobody,
        pytest.raises(InputError, match="the scheduler has no workers"),
    ):
        cluster.Cluster(nobody.scheduler_address)
    monkeypatch.setattr(provenance.metadata, "version", lambda _: "0.0.1")  # here, not where the workers are
    with pytest.raises(InputError, match="another version"):
        cluster.Cluster(address)
