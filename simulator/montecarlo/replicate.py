"""Any task over replications: the same numbers whatever the number of workers or their order."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, as_completed
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.crew import Crew, Elsewhere
from simulator.montecarlo.store import Store

Rows = dict[str, NDArray[np.float64]]
Task = Callable[[Any, int], Mapping[str, NDArray[np.float64]]]
"""A pure function of an argument and the replication's number that returns named arrays of fixed shapes."""

Progress = Callable[[int, int, float], None]
"""Called with replications done, replications asked for and seconds left (NaN while unknown)."""

BLOCK = 8
"""Replications per unit of work, fewer where there are few to share."""


class Replicator(Crew[Rows]):
    """Workers for :func:`replicate`. They get blocks of replications and return the arrays stacked along a new axis.

    Args:
        task: what a replication does.
        replications: the most that will be asked for; few make for small blocks, so that every worker gets its share.
    """

    def __init__(
        self,
        task: Task,
        replications: int,
        jobs: int | Elsewhere | None = None,
        *,
        block: int | None = None,
        before: Callable[[], object] | None = None,
    ) -> None:
        def work(order: tuple[Any, range]) -> Rows:
            argument, span = order
            rows = [task(argument, replication) for replication in span]
            return {name: np.stack([np.asarray(row[name]) for row in rows]) for name in rows[0]}

        super().__init__(work, jobs, before=before)
        self.block = block or max(min(BLOCK, replications // (8 * self.jobs)), 1)


def replicate(
    crew: Replicator,
    argument: Any,
    replications: int,
    *,
    store: Store | None = None,
    name: str = "",
    progress: Progress | None = None,
) -> Rows:
    """Run a task with ``argument`` for replications 0 to ``replications`` - 1.

    Args:
        store: where finished blocks are kept under ``name``; blocks already there are read instead of run.

    Returns:
        The arrays stacked along a new first axis of length ``replications``.
    """
    return replicate_each(crew, [argument], replications, store=store, names=[name], progress=progress)[0]


def replicate_each(
    crew: Replicator,
    arguments: Sequence[Any],
    replications: int,
    *,
    store: Store | None = None,
    names: Sequence[str] = (),
    progress: Progress | None = None,
    first: int = 0,
) -> list[Rows]:
    """:func:`replicate` for several arguments side by side, from the ``first`` replication on: no worker waits between
    them."""
    # whoever has simulated a block keeps what it drew: blocks begin where they always do
    starts = range(first - first % crew.block, replications, crew.block)
    spans = [range(max(start, first), min(start + crew.block, replications)) for start in starts]
    units = [(a, span) for a in range(len(arguments)) for span in spans]
    done: dict[tuple[int, range], Rows] = {}
    for a, span in units:
        kept = store.load(names[a], span.start, span.stop) if store else None
        if kept is not None:
            done[a, span] = kept
    todo = [unit for unit in units if unit not in done]
    started = time.monotonic()
    total = len(arguments) * (replications - first)
    resumed = finished = total - sum(len(span) for _, span in todo)
    if progress:
        progress(finished, total, float("nan"))
    running = {crew.submit((arguments[a], span), span.start // crew.block): (a, span) for a, span in todo}

    def keep(future: Future[Rows]) -> int:
        a, span = running[future]
        done[a, span] = future.result()
        if store:
            store.save(names[a], span.start, span.stop, done[a, span])
        return len(span)

    try:
        for future in as_completed(running):
            finished += keep(future)
            if progress:
                left = (time.monotonic() - started) / (finished - resumed) * (total - finished)
                progress(finished, total, left)
    except BaseException:
        # what is under way is finished and kept, so that the work is not lost
        under_way = [future for future in running if not future.cancel()]
        for future in under_way:
            if running[future] not in done and future.exception() is None:
                keep(future)
        raise
    return [
        {key: np.concatenate([done[a, span][key] for b, span in units if b == a]) for key in done[units[0]]}
        for a in range(len(arguments))
    ]
