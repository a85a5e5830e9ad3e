"""Who owns which account: dedicated books, balanced on expected hours, with as few moves as that takes.

A leaver's accounts go at once to the colleagues with the least work. A new CSM takes over accounts from the fullest
books, the smallest possible number of them: largest accounts first, until the new book reaches its fair share. Accounts
without an owner (new ones) go, one by one, to the emptiest book. Nothing else moves.
"""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray


def assign(
    owner: NDArray[np.int64],
    hours: NDArray[np.float64],
    wanted: NDArray[np.bool_],
    capacity: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Owners for the coming month.

    Args:
        owner: int64 (A,), the present owners; -1 for none. May be shorter than ``hours`` (accounts came in).
        hours: float64 (A,), expected hours of each account.
        wanted: bool (A,), living accounts of the team's segments.
        capacity: float64 (C,), relative capacity of each CSM (0: not there; a ramping CSM less than 1).

    Returns:
        int64 (A,), the owner of every wanted account, -1 elsewhere and when nobody is there.
    """
    new = np.full(len(hours), -1, dtype=np.int64)
    new[: len(owner)] = owner
    new[~wanted] = -1
    there = np.flatnonzero(capacity > 0)
    if not there.size:
        new[:] = -1
        return new
    gone = (new >= 0) & (capacity[np.maximum(new, 0)] <= 0)
    new[gone] = -1
    load = np.bincount(new[new >= 0], weights=hours[new >= 0], minlength=len(capacity)).astype(float)
    had_book = np.bincount(new[new >= 0], minlength=len(capacity)) > 0
    _hand_out(new, hours, wanted, capacity, load)
    if had_book.any():
        for csm in there[~had_book[there]]:
            _take_over(int(csm), new, hours, capacity, load)
    return new


def _hand_out(
    owner: NDArray[np.int64],
    hours: NDArray[np.float64],
    wanted: NDArray[np.bool_],
    capacity: NDArray[np.float64],
    load: NDArray[np.float64],
) -> None:
    free = np.flatnonzero(wanted & (owner < 0))
    if not free.size:
        return
    free = free[np.argsort(-hours[free], kind="stable")]  # largest first: the classic balancing rule (Graham 1969)
    # plain lists: item by item they are several times as fast as arrays
    speed, filled, takers = capacity.tolist(), load.tolist(), []
    heap = [(filled[c] / speed[c], c) for c in range(len(speed)) if speed[c] > 0]
    heapq.heapify(heap)
    for work in hours[free].tolist():
        csm = heap[0][1]
        takers.append(csm)
        filled[csm] += work
        heapq.heapreplace(heap, (filled[csm] / speed[csm], csm))
    owner[free] = takers
    load[:] = filled


def _take_over(
    csm: int,
    owner: NDArray[np.int64],
    hours: NDArray[np.float64],
    capacity: NDArray[np.float64],
    load: NDArray[np.float64],
) -> None:
    fair = load.sum() * capacity[csm] / capacity.sum()
    while load[csm] < fair:
        level = np.where(capacity > 0, load / np.where(capacity > 0, capacity, 1.0), -1.0)
        fullest = int(np.argmax(level))
        book = np.flatnonzero(owner == fullest)
        # an account larger than what is missing would only turn the imbalance round
        book = book[hours[book] <= max(fair - load[csm], 0.0) * 1.5]
        if fullest == csm or not book.size:
            return
        account = book[np.argmax(hours[book])]
        owner[account] = csm
        load[fullest] -= hours[account]
        load[csm] += hours[account]
