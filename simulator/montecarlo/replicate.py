"""Any task over replications: the same numbers whatever the number of workers or their order."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import as_completed
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.crew import Crew
from simulator.montecarlo.store import Store

Rows = dict[str, NDArray[np.float64]]
Task = Callable[[Any, int], Mapping[str, NDArray[np.float64]]]
"""A pure function of an argument and the replication's number that returns named arrays of fixed shapes."""

Progress = Callable[[int, int, float], None]
"""Called with replications done, replications asked for and seconds left (NaN while unknown)."""

BLOCK = 8
"""Replications per unit of work."""


def crew(task: Task, jobs: int | None = None, *, before: Callable[[], object] | None = None) -> Crew[Rows]:
    """Workers for :func:`replicate`. They get blocks of replications and return the arrays stacked along a new axis."""

    def block(order: tuple[Any, range]) -> Rows:
        argument, span = order
        rows = [task(argument, replication) for replication in span]
        return {name: np.stack([np.asarray(row[name]) for row in rows]) for name in rows[0]}

    return Crew(block, jobs, before=before)


def replicate(
    crew: Crew[Rows],
    argument: Any,
    replications: int,
    *,
    store: Store | None = None,
    progress: Progress | None = None,
    block: int = BLOCK,
) -> Rows:
    """Run a task with ``argument`` for replications 0 to ``replications`` - 1.

    Args:
        crew: from :func:`crew`.
        store: where finished blocks are kept; blocks already there are read instead of run.

    Returns:
        The arrays stacked along a new first axis of length ``replications``.

    Raises:
        KeyboardInterrupt: after the blocks under way have been stored.
    """
    blocks = [range(first, min(first + block, replications)) for first in range(0, replications, block)]
    done: dict[int, Rows] = {}
    todo: list[range] = []
    for span in blocks:
        kept = store.load(span.start, span.stop) if store else None
        if kept is None:
            todo.append(span)
        else:
            done[span.start] = kept
    started = time.monotonic()
    resumed = finished = sum(len(span) for span in blocks) - sum(len(span) for span in todo)
    if progress:
        progress(finished, replications, float("nan"))
    running = {crew.submit((argument, span), span.start // block): span for span in todo}
    try:
        for future in as_completed(running):
            span = running[future]
            done[span.start] = future.result()
            if store:
                store.save(span.start, span.stop, done[span.start])
            finished += len(span)
            if progress:
                left = (time.monotonic() - started) / (finished - resumed) * (replications - finished)
                progress(finished, replications, left)
    except BaseException:
        under_way = [(future, span) for future, span in running.items() if not future.cancel()]
        for future, span in under_way:
            if store and span.start not in done and future.exception() is None:
                store.save(span.start, span.stop, future.result())
        raise
    names = done[0].keys()
    return {name: np.concatenate([done[span.start][name] for span in blocks]) for name in names}
