"""The scalar compiled helpers that both engines call: keyed hash, quantile look-up, heaps.

Heavy: importing this module loads the compiler. Everything here is a module-level function of scalars and arrays, so a
compiled copy is cached on disk once and shared by every process; :mod:`simulator._cache` keys the cache folder by the
text of all kernel sources, because a changed callee does not invalidate a cached caller.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from simulator import _cache

_cache.prepare()

import numpy as np  # noqa: E402
from numba import njit  # noqa: E402
from numba.core.caching import FunctionCache  # noqa: E402
from numba.core.runtime.nrt import rtsys  # noqa: E402

from simulator.distributions import CELLS_PER_OCTAVE, CELLS_PER_SIDE  # noqa: E402
from simulator.randomness import GOLDEN  # noqa: E402

_GOLDEN = np.uint64(GOLDEN)
_M1 = np.uint64(0x3C79AC492BA7B653)
_M2 = np.uint64(0x1C69B3F74AC4AE35)
_S27 = np.uint64(27)
_S33 = np.uint64(33)
_S12 = np.uint64(12)
_ONE = np.uint64(1)
_TO_UNIT = 2.0**-52

_CELL_BITS = CELLS_PER_OCTAVE.bit_length() - 1
_SHIFT = np.int64(52 - _CELL_BITS)
_TOP = np.int64((1022 << _CELL_BITS) | (CELLS_PER_OCTAVE - 1))
_FRACTION_MASK = np.int64((1 << (52 - _CELL_BITS)) - 1)
_FRACTION_UNIT = 2.0 ** -(52 - _CELL_BITS)
_LAST = np.int64(CELLS_PER_SIDE - 1)


_TRIM_THRESHOLD, _MAP_THRESHOLD = -1, -3  # of the C library's malloc.h


def _keep_freed_memory() -> None:
    """Let the C library keep up to 64 MB that was freed, for the next arrays of a month.

    These are the bounds which the GNU library reaches by itself, block by block. Until then memory goes back to the
    system with every month's contacts, and each page that comes again costs a fault: up to a third of the time of a
    short month. Where another library is in use nothing happens.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):
        return
    mallopt(_MAP_THRESHOLD, 32 << 20)
    mallopt(_TRIM_THRESHOLD, 64 << 20)


_keep_freed_memory()


class _Kept(FunctionCache):
    """Compiled code on disk, loaded without what only compiling needs.

    The compiler's own cache first imports the implementation of everything that could be compiled, linear algebra
    included: half a second, several times what loading our kernels takes. Compiling loads it by itself.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            kept = self._load_overload(sig, target_context)
            if kept is None:
                _cache.compiling()
            return kept


def _kept(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    def decorate(function: Callable[..., Any]) -> Any:
        kernel = njit(cache=True, nogil=True, **options)(function)
        if hasattr(kernel, "_cache"):  # not where compiling is switched off
            kernel._cache = _Kept(function)
        return kernel

    return decorate


outer = _kept(_nrt=False)
"""For kernels that Python calls. Compiled without reference counts: they create no array and keep none, and every
helper would count each array that it is handed, in and out (a support contact took 284 ns instead of 141)."""

maker = _kept()
"""For kernels that Python calls and that create arrays."""

_BARE: dict[str, Any] = {
    "nogil": True, "_nrt": False, "no_rewrites": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True,
}  # fmt: skip

called = njit(**_BARE)
"""For functions that only kernels call and that create and keep no array either. Without wrappers for Python and
searches for array expressions one compiles in three quarters of the time. Python must not call it: it has no entry."""

inner = njit(forceinline=True, **_BARE)
""":data:`called`, but written out where it is called: a call hands over each array in seven parts, which costs a loop
of some hundred nanoseconds a fifth of its time. Many long ones would take long to compile."""

inner_switched = njit(forceinline=True, **{**_BARE, "no_rewrites": False})
"""The same for functions with an argument that may be None: only with rewrites is what stands under it left out."""


place: Any = np.uint32
"""Marks an index as one that counts from the beginning. Every other is looked at for its sign, to count from the end
where it is negative: a tenth of the time of a support contact. Arithmetic with it gives ordinary integers."""


@njit(cache=True, inline="always", nogil=True)
def mix(x):
    """The finaliser moremur of one unsigned 64-bit word (see :func:`simulator.randomness.mix`)."""
    x ^= x >> _S27
    x *= _M1
    x ^= x >> _S33
    x *= _M2
    x ^= x >> _S27
    return x


@njit(cache=True, inline="always", nogil=True)
def key(base, entity):
    """Key of an entity (word or ordinal) of a stream; equals :func:`simulator.randomness.keys`."""
    return mix(base ^ mix(np.uint64(entity) * _GOLDEN + _ONE))


@njit(cache=True, inline="always", nogil=True)
def bits(entity_key, offset, leg):
    """Random word of a key for a purpose and leg; equals :func:`simulator.randomness.bits`."""
    return mix(entity_key ^ (offset + np.uint64(leg) * _GOLDEN))


@njit(cache=True, inline="always", nogil=True)
def uniform(entity_key, offset, leg):
    """Uniform in (0, 1); equals :func:`simulator.randomness.uniform`."""
    return (np.float64(bits(entity_key, offset, leg) >> _S12) + 0.5) * _TO_UNIT


@njit(cache=True, inline="always", nogil=True)
def quantile(tables, row, word):
    """The unit-mean quantile of a random word by linear interpolation in ``tables[row]``.

    The lowest bit picks the half (below or above the median); the upper 52 bits give the distance from that end, whose
    exponent and leading mantissa bits are the cell. Cells are thus as fine in both tails as at the median (layout and
    error: :func:`simulator.distributions.unit_table`).
    """
    side = np.int64(word & _ONE)
    w = (np.float64(word >> _S12) + 0.5) * _TO_UNIT
    m = np.float64(w).view(np.int64)
    cell = _TOP - (m >> _SHIFT)
    if cell > _LAST:
        return tables[row, side, _LAST + 1]
    fraction = np.float64(m & _FRACTION_MASK) * _FRACTION_UNIT
    low = tables[row, side, cell + 1]
    return low + (tables[row, side, cell] - low) * fraction


@inner
def draw_here(tables, scale, zero, row, word):
    """:func:`draw`, written out where it is called: whether the compiler does so by itself is a matter of luck, and a
    short loop takes half as long again without."""
    if zero[row] > 0.0:
        u = (np.float64(mix(word + _GOLDEN) >> _S12) + 0.5) * _TO_UNIT
        if u < zero[row]:
            return 0.0
    return scale[row] * quantile(tables, row, word)


@maker
def draw(tables, scale, zero, row, word):
    """A value of law ``row``: 0 with probability ``zero[row]``, else ``scale[row]`` times the unit quantile.

    Laws without an atom (the usual case) use the word as it is. With an atom a second word, mixed from the first,
    decides it, so that the continuous part keeps its value when the atom's probability changes.
    """
    return draw_here(tables, scale, zero, row, word)


@maker
def draws(tables, scale, zero, row, words):
    """:func:`draw` over an array of words. Returns float64, shape as ``words``."""
    out = np.empty(words.shape[0])
    for i in range(words.shape[0]):
        out[i] = draw(tables, scale, zero, row, words[i])
    return out


@maker
def open_time(start, before, opening, row, t):
    """The business clock: seconds for which queue ``row`` has been open by the instant ``t``.

    Args:
        start: float64 (I + 1,), starts of the intervals and their end.
        before: float64 (Q, I + 1), open seconds by then.
        opening: bool (Q, I), intervals in which each queue is open; (Q, 0) where all are always open, which they also
            are after the last interval.
    """
    if opening.shape[1] == 0:
        return t
    i = _last_at_most(start, t)
    if i == opening.shape[1] or opening[row, i]:
        return before[row, i] + (t - start[i])
    return before[row, i]


@maker
def open_instant(start, before, opening, row, seconds):
    """The latest instant by which queue ``row`` has been open for ``seconds``: of a closing and an opening time between
    which it is closed, the opening time. Arguments as in :func:`open_time`."""
    if opening.shape[1] == 0:
        return seconds
    i = _last_at_most(before[row], seconds)
    return start[i] + (seconds - before[row, i])


@maker
def _last_at_most(sorted_values, value):
    """The index of the last of the values that is not above ``value``; the first where all are."""
    low, high = 0, sorted_values.shape[0]
    while high - low > 1:
        middle = (low + high) >> 1
        if sorted_values[middle] <= value:
            low = middle
        else:
            high = middle
    return low
