"""Workers: the same worker for the same share, and what happens when one dies."""

import os
import signal
import time

import pytest

from simulator.crew import CAN_FORK, Crew
from simulator.errors import SimulatorError

forked = pytest.mark.skipif(not CAN_FORK, reason="workers are threads here")


@forked
def test_a_share_stays_with_its_worker() -> None:
    with Crew(lambda _: os.getpid(), 3) as workers:
        first = [workers.submit(None, share).result() for share in range(6)]
        again = [workers.submit(None, share).result() for share in range(6)]
    assert first == again
    assert len(set(first)) == 3
    assert os.getpid() not in first


@forked
def test_workers_are_gone_afterwards() -> None:
    with Crew(lambda _: os.getpid(), 2) as workers:
        pids = [workers.submit(None, share).result() for share in range(2)]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@forked
def test_a_worker_that_dies_is_reported() -> None:
    with (
        Crew(lambda _: os.kill(os.getpid(), signal.SIGKILL), 2) as workers,
        pytest.raises(SimulatorError, match=r"exit code -9"),
    ):
        workers.submit(None, 0).result()


@forked
def test_an_interruption_is_left_to_the_parent() -> None:
    def task(_: None) -> str:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)
        return "still here"

    with Crew(task, 2) as workers:
        assert workers.submit(None, 1).result() == "still here"


def test_one_worker_is_this_process() -> None:
    with Crew(lambda argument: (argument, os.getpid()), 1) as workers:
        assert workers.submit("x", 5).result() == ("x", os.getpid())
