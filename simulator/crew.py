"""Processes that share the work of one task: replications, charts.

Around the compiled engines a replication is a few milliseconds of Python, which holds the interpreter lock, so threads
use little more than one core. Processes forked from a parent that has loaded everything start at once and share its
memory. Work of one share always goes to the same process, so what a task keeps about a replication (the demand it has
drawn) is there when it is asked for again. Where processes cannot be forked safely (macOS, Windows), threads do the
work.
"""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from typing import Any, Generic, Protocol, Self, TypeVar

from simulator.errors import SimulatorError

Answer = TypeVar("Answer")


CAN_FORK = sys.platform.startswith("linux")
"""Whether workers are processes; else they are threads, for which a task must be safe."""


def cores() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Elsewhere(Protocol):
    """Workers on other machines, one executor each. What they are sent must be picklable."""

    @property
    def executors(self) -> Sequence[Executor]: ...

    def close(self) -> None: ...


class Crew(Generic[Answer]):
    """Workers for one task; used as a context, at the end of which they are gone.

    Args:
        task: a pure function of one argument. Forked workers have it as it stands at the first order.
        jobs: number of workers, default all cores; or workers that are there already.
        before: called here before workers are forked, to load and compile what they would else each load and compile.
    """

    def __init__(
        self,
        task: Callable[[Any], Answer],
        jobs: int | Elsewhere | None = None,
        *,
        before: Callable[[], object] | None = None,
    ) -> None:
        self.task = task
        self._elsewhere = None
        if jobs is None or isinstance(jobs, int):
            self.jobs = jobs or cores()
        else:
            self._elsewhere, self.jobs = jobs, len(jobs.executors)
        self._before = before
        self._workers: list[tuple[Any, Any]] = []
        # one thread to wait for each process, or to do the work
        self._threads: list[ThreadPoolExecutor] = []

    def _hire(self) -> None:
        if self.jobs > 1 and CAN_FORK:
            if self._before:
                self._before()
            context = multiprocessing.get_context("fork")
            for _ in range(self.jobs):
                ours, theirs = context.Pipe()
                worker = context.Process(target=_serve, args=(self.task, theirs), daemon=True)
                worker.start()
                theirs.close()
                self._workers.append((worker, ours))
        self._threads = [ThreadPoolExecutor(1) for _ in range(self.jobs)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._elsewhere:
            self._elsewhere.close()
        for thread in self._threads:
            thread.shutdown(wait=True, cancel_futures=True)
        for _, ours in self._workers:
            with contextlib.suppress(OSError):
                ours.send(None)
            ours.close()
        for worker, _ in self._workers:
            worker.join(2)
            worker.terminate()

    def submit(self, argument: Any, share: int) -> Future[Answer]:
        """Call the task with ``argument``. Arguments of the same ``share`` go to the same worker, in order."""
        place = share % self.jobs
        if self._elsewhere:
            return self._elsewhere.executors[place].submit(self.task, argument)
        if not self._threads:
            self._hire()
        if self._workers:
            return self._threads[place].submit(self._ask, place, argument)
        return self._threads[place].submit(self.task, argument)

    def _ask(self, place: int, argument: Any) -> Answer:
        worker, ours = self._workers[place]
        try:
            ours.send((argument,))
            answer = ours.recv()
        except (EOFError, OSError):
            worker.join(2)
            raise SimulatorError(
                f"a worker process ended unasked (exit code {worker.exitcode}); fewer --jobs need less memory"
            ) from None
        if isinstance(answer, BaseException):
            raise answer
        return answer


def _serve(task: Callable[[Any], Any], orders: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interruption means
    gc.freeze()  # to look through what was inherited would copy it
    while True:
        try:
            order = orders.recv()
        except (EOFError, OSError):
            return
        if order is None:
            return
        try:
            answer = task(*order)
        except BaseException as error:
            answer = error
        orders.send(answer)
