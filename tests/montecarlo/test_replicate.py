"""Replications: the same numbers whatever the workers, and a run that resumes."""

import numpy as np
import pytest

from simulator import randomness
from simulator.montecarlo.replicate import crew, replicate
from simulator.montecarlo.store import Store
from tests.models import over


def task(replication: int) -> dict[str, np.ndarray]:
    key = randomness.keys(randomness.stream(1, replication, "test"), np.arange(3))
    return {"u": randomness.uniform(key, randomness.purpose("x")), "r": np.array([float(replication)])}


@pytest.mark.parametrize("jobs", [1, 2, 5])
@pytest.mark.parametrize("block", [1, 3, 8])
def test_workers_and_blocks_change_nothing(jobs: int, block: int) -> None:
    with crew(lambda _, replication: task(replication), jobs) as workers:
        out = replicate(workers, None, 11, block=block)
    assert out["r"][:, 0].tolist() == list(range(11))
    assert np.array_equal(out["u"], np.stack([task(r)["u"] for r in range(11)]))


def test_progress_counts_to_the_end() -> None:
    seen: list[tuple[int, int]] = []
    with crew(lambda _, replication: task(replication), 2) as workers:
        replicate(workers, None, 10, block=2, progress=lambda done, total, left: seen.append((done, total)))
    assert seen[0] == (0, 10)
    assert seen[-1] == (10, 10)
    assert [d for d, _ in seen] == sorted(d for d, _ in seen)


def test_an_interrupted_run_resumes_without_repeating(tmp_path) -> None:
    store = Store(tmp_path, "id")
    ran: list[int] = []

    def stopping(_: None, replication: int) -> dict[str, np.ndarray]:
        if replication == 6:
            raise KeyboardInterrupt
        ran.append(replication)
        return task(replication)

    with pytest.raises(KeyboardInterrupt), crew(stopping, 1) as workers:
        replicate(workers, None, 10, block=2, store=store)
    assert not list(tmp_path.glob("*.part"))
    kept = set(ran)
    again: list[int] = []

    def counting(_: None, replication: int) -> dict[str, np.ndarray]:
        again.append(replication)
        return task(replication)

    with crew(counting, 1) as workers:
        out = replicate(workers, None, 10, block=2, store=store)
    assert not kept & set(again), "blocks that were stored ran again"
    assert np.array_equal(out["u"], over(task, 10)["u"])
    store.clear()
    assert not list(tmp_path.glob("*"))


def test_blocks_of_another_scenario_and_torn_files_are_ignored(tmp_path) -> None:
    with crew(lambda _, replication: task(replication), 1) as workers:
        replicate(workers, None, 4, block=2, store=Store(tmp_path, "one"))
        assert Store(tmp_path, "two").load(0, 2) is None
        path = next(tmp_path.glob("one-*.npz"))
        path.write_bytes(path.read_bytes()[:40])
        out = replicate(workers, None, 4, block=2, store=Store(tmp_path, "one"))
    assert out["r"][:, 0].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_in_a_task_is_raised(jobs: int) -> None:
    def bad(_: None, replication: int) -> dict[str, np.ndarray]:
        raise ZeroDivisionError(replication)

    with pytest.raises(ZeroDivisionError), crew(bad, jobs) as workers:
        replicate(workers, None, 4)
