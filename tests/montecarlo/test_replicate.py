"""Replications: the same numbers whatever the workers, and a run that resumes."""

import numpy as np
import pytest

from simulator import randomness
from simulator.montecarlo.replicate import Replicator, replicate, replicate_each
from simulator.montecarlo.store import Store
from tests.models import over


def task(replication: int) -> dict[str, np.ndarray]:
    key = randomness.keys(randomness.stream(1, replication, "test"), np.arange(3))
    return {"u": randomness.uniform(key, randomness.purpose("x")), "r": np.array([float(replication)])}


@pytest.mark.parametrize("jobs", [1, 2, 5])
@pytest.mark.parametrize("block", [1, 3, 8])
def test_workers_and_blocks_change_nothing(jobs: int, block: int) -> None:
    with Replicator(lambda _, replication: task(replication), 11, jobs, block=block) as workers:
        out = replicate(workers, None, 11)
    assert out["r"][:, 0].tolist() == list(range(11))
    assert np.array_equal(out["u"], np.stack([task(r)["u"] for r in range(11)]))


def test_progress_counts_to_the_end() -> None:
    seen: list[tuple[int, int]] = []
    with Replicator(lambda _, replication: task(replication), 10, 2, block=2) as workers:
        replicate(workers, None, 10, progress=lambda done, total, left: seen.append((done, total)))
    assert seen[0] == (0, 10)
    assert seen[-1] == (10, 10)
    assert [d for d, _ in seen] == sorted(d for d, _ in seen)


def test_arguments_side_by_side_are_what_each_gives_alone() -> None:
    def scaled(factor: float, replication: int) -> dict[str, np.ndarray]:
        return {"u": factor * task(replication)["u"]}

    seen: list[tuple[int, int]] = []
    with Replicator(scaled, 7, 2, block=2) as workers:
        both = replicate_each(workers, [1.0, 3.0], 7, progress=lambda done, total, left: seen.append((done, total)))
        alone = [replicate(workers, factor, 7)["u"] for factor in (1.0, 3.0)]
    assert [np.array_equal(a["u"], b) for a, b in zip(both, alone, strict=True)] == [True, True]
    assert not np.array_equal(*alone)
    assert seen[-1] == (14, 14)


def test_replications_from_a_first_one_on_are_those_of_the_whole() -> None:
    with Replicator(lambda _, replication: task(replication), 17, 2, block=4) as workers:
        whole = replicate(workers, None, 17)
        (rest,) = replicate_each(workers, [None], 17, first=6)
    assert {name: rows.tolist() for name, rows in rest.items()} == {n: rows[6:].tolist() for n, rows in whole.items()}


def test_few_replications_are_shared_evenly() -> None:
    assert Replicator(lambda _, replication: task(replication), 32, 2).block == 2
    assert Replicator(lambda _, replication: task(replication), 3, 2).block == 1
    assert Replicator(lambda _, replication: task(replication), 500, 2).block == 8


def test_an_interrupted_run_resumes_without_repeating(tmp_path) -> None:
    ran: list[int] = []

    def stopping(_: None, replication: int) -> dict[str, np.ndarray]:
        if replication == 6:
            raise KeyboardInterrupt
        ran.append(replication)
        return task(replication)

    with pytest.raises(KeyboardInterrupt), Store(tmp_path) as store, Replicator(stopping, 10, 1, block=2) as workers:
        replicate(workers, None, 10, store=store, name="id")
    assert store.has("id")
    assert not store.has("other")
    assert not list(tmp_path.glob("*.part"))
    kept = set(ran)
    again: list[int] = []

    def counting(_: None, replication: int) -> dict[str, np.ndarray]:
        again.append(replication)
        return task(replication)

    with Replicator(counting, 10, 1, block=2) as workers:
        out = replicate(workers, None, 10, store=Store(tmp_path), name="id")
    assert not kept & set(again), "blocks that were stored ran again"
    assert np.array_equal(out["u"], over(task, 10)["u"])
    store.clear()
    assert not list(tmp_path.glob("*"))


def test_blocks_wait_in_memory_no_longer_than_their_patience(tmp_path, monkeypatch) -> None:
    store = Store(tmp_path)
    store.save("id", 0, 2, task(0))
    assert not store.has("id")
    monkeypatch.setattr("simulator.montecarlo.store.PATIENCE", 0.0)
    store.save("id", 2, 4, task(1))
    assert [p.name for p in sorted(tmp_path.glob("*"))] == ["id-0000000-0000002.npz", "id-0000002-0000004.npz"]


def test_blocks_of_another_scenario_and_torn_files_are_ignored(tmp_path) -> None:
    with Replicator(lambda _, replication: task(replication), 4, 1, block=2) as workers:
        store = Store(tmp_path)
        replicate(workers, None, 4, store=store, name="one")
        store.flush()
        assert store.load("two", 0, 2) is None
        path = next(tmp_path.glob("one-*.npz"))
        path.write_bytes(path.read_bytes()[:40])
        out = replicate(workers, None, 4, store=Store(tmp_path), name="one")
    assert out["r"][:, 0].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_in_a_task_is_raised(jobs: int) -> None:
    def bad(_: None, replication: int) -> dict[str, np.ndarray]:
        raise ZeroDivisionError(replication)

    with pytest.raises(ZeroDivisionError), Replicator(bad, 4, jobs) as workers:
        replicate(workers, None, 4)
