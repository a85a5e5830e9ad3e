"""Keys and streams: every random number is a pure function of what it is for.

A number is found by (seed, replication, purpose) and then by the entity and the leg. No generator is advanced anywhere,
so adding a purpose leaves every other number unchanged, replication 417 can be run alone, and two staffing plans meet
the same callers.

The mixing function is the finaliser "moremur" (P. Evensen, 2018), a bijection of 64-bit words; the same arithmetic
stands once here for arrays and once in :mod:`simulator.kernels` for compiled loops, and a test holds them equal.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import ArrayLike, NDArray

GOLDEN = 0x9E3779B97F4A7C15
"""Odd constant of the Weyl sequence that spreads ordinals and legs over the key space."""

_TO_UNIT = 2.0**-52


def word(*parts: object) -> np.uint64:
    """A 64-bit word for names and whole numbers: the same parts give the same word on every machine."""
    text = "\x1f".join(str(part) for part in parts)
    return np.uint64(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little"))


def stream(seed: int, replication: int, purpose: str) -> np.uint64:
    """The stream of one purpose in one replication, as a 64-bit word."""
    return word("stream", seed, replication, purpose)


def purpose(name: str) -> np.uint64:
    """The offset that separates the draws of one entity by purpose (talk, patience, ...)."""
    return word("purpose", name)


def mix(words: ArrayLike) -> NDArray[np.uint64]:
    """The finaliser moremur, elementwise on unsigned 64-bit words."""
    x = np.atleast_1d(np.asarray(words, dtype=np.uint64)).copy()
    x ^= x >> np.uint64(27)
    x *= np.uint64(0x3C79AC492BA7B653)
    x ^= x >> np.uint64(33)
    x *= np.uint64(0x1C69B3F74AC4AE35)
    x ^= x >> np.uint64(27)
    return x


def keys(base: np.uint64, entities: ArrayLike) -> NDArray[np.uint64]:
    """Keys of entities (words or ordinals) of one stream. Shape as ``entities``."""
    entity = np.atleast_1d(np.asarray(entities)).astype(np.uint64)
    return mix(np.uint64(base) ^ mix(entity * np.uint64(GOLDEN) + np.uint64(1)))


def bits(key: ArrayLike, offset: np.uint64, leg: int = 0) -> NDArray[np.uint64]:
    """The random word of each key for a purpose and a leg (attempt, exchange, tier)."""
    with np.errstate(over="ignore"):
        shifted = np.uint64(offset) + np.uint64(leg) * np.uint64(GOLDEN)
    return mix(np.atleast_1d(np.asarray(key, dtype=np.uint64)) ^ shifted)


def uniform(key: ArrayLike, offset: np.uint64, leg: int = 0) -> NDArray[np.float64]:
    """Uniform numbers in the open interval (0, 1), one per key (52 bits: with 53 the largest would round to 1)."""
    return ((bits(key, offset, leg) >> np.uint64(12)).astype(np.float64) + 0.5) * _TO_UNIT
