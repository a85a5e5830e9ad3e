"""Keyed numbers: the two writings agree, numbers are uniform, and purposes do not touch each other.

Bounds are 4.5 standard errors (7e-6 each) of fixed draws, unless the line above says otherwise.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
import pytest

from simulator.randomness import GOLDEN, bits, keys, mix, purpose, stream, uniform, word

WORD = 2**64
BOUND = 4.5
EDGES = [0, 1, 2, 5, 2**31, 2**32 - 1, 2**53, 2**63, WORD - 2, WORD - 1]


# --- two writings, one arithmetic -------------------------------------------------------------------------------------


def _mix(x):
    """Moremur in whole numbers of Python, as a third writing."""
    x ^= x >> 27
    x = x * 0x3C79AC492BA7B653 % WORD
    x ^= x >> 33
    x = x * 0x1C69B3F74AC4AE35 % WORD
    return x ^ x >> 27


def test_arrays_equal_whole_numbers():
    base, offset = 0x0123456789ABCDEF, int(purpose("support.talk"))
    some = [*EDGES, *(int(w) for w in np.random.default_rng(1).integers(0, WORD, 100, dtype=np.uint64))]
    array = np.array(some, dtype=np.uint64)
    assert mix(array).tolist() == [_mix(x) for x in some]
    expected = [_mix(base ^ _mix((x * GOLDEN + 1) % WORD)) for x in some]
    assert keys(np.uint64(base), array).tolist() == expected
    for leg in (0, 1, 7):
        found = bits(array, np.uint64(offset), leg)
        assert found.tolist() == [_mix(x ^ (offset + leg * GOLDEN) % WORD) for x in some]
        # a word as a fraction of all words, to the grid of a double
        assert np.abs(uniform(array, np.uint64(offset), leg) - found / 2.0**64).max() < 2.0**-51


def test_compiled_scalars_equal_arrays():
    from simulator import kernels

    base, offset = stream(1, 2, "x"), purpose("y")
    some = np.array(EDGES, dtype=np.uint64)
    for x, mixed, key in zip(some, mix(some), keys(base, some), strict=True):
        assert kernels.mix(x) == mixed
        assert kernels.key(base, x) == key
        for leg in (0, 1, 7):
            assert kernels.bits(key, offset, leg) == bits(key, offset, leg)[0]
            assert kernels.uniform(key, offset, leg) == uniform(key, offset, leg)[0]
    for ordinal in (0, 1, 739_000):
        assert kernels.key(base, ordinal) == keys(base, ordinal)[0]  # whole numbers as well as words


def test_arguments_are_left_alone():
    array = np.arange(5, dtype=np.uint64)
    mix(array), keys(np.uint64(1), array), bits(array, np.uint64(1))
    assert array.tolist() == [0, 1, 2, 3, 4]


# --- names ------------------------------------------------------------------------------------------------------------


def test_words_come_from_a_hash_that_every_machine_shares():
    digest = hashlib.blake2b(b"stream\x1f1\x1f417\x1fsupport.talk", digest_size=8).digest()
    assert stream(1, 417, "support.talk") == int.from_bytes(digest, "little")
    assert purpose("support.talk") == word("purpose", "support.talk") != stream(1, 417, "support.talk")


def test_names_are_not_confused():
    assert word("ab", "c") != word("a", "bc") != word("abc")
    found = {
        int(w)
        for seed in range(20)
        for replication in range(50)
        for w in (stream(seed, replication, "talk"), stream(seed, replication, "patience"))
    }
    assert len(found) == 2000
    assert stream(1, 11, "x") != stream(11, 1, "x")


# --- quality ----------------------------------------------------------------------------------------------------------


def _unmix(y):
    """The inverse of moremur."""

    def unshift(x, by):
        out = x
        for _ in range(64 // by + 1):
            out = x ^ out >> by
        return out

    y = unshift(y, 27) * pow(0x1C69B3F74AC4AE35, -1, WORD) % WORD
    return unshift(unshift(y, 33) * pow(0x3C79AC492BA7B653, -1, WORD) % WORD, 27)


def test_mixing_is_a_bijection():
    words = np.array([*EDGES, 0xDEADBEEF], dtype=np.uint64)
    assert [_unmix(y) for y in mix(words).tolist()] == words.tolist()
    assert GOLDEN % 2 == 1  # odd, so that ordinals keep apart


def test_neighbouring_entities_have_keys_without_pattern():
    n = 200_000
    found = keys(stream(1, 0, "accounts"), np.arange(n))
    assert len(np.unique(found)) == n
    for other in (keys(stream(1, 0, "accounts"), np.arange(1, n + 1)), keys(stream(1, 1, "accounts"), np.arange(n))):
        flips = np.unpackbits((found ^ other).view(np.uint8)).reshape(n, 64)
        # each of the 64 bits flips in half of the pairs
        assert np.abs(flips.mean(0) - 0.5).max() < BOUND * 0.5 / math.sqrt(n)
        assert abs(flips.sum(1).var() - 16.0) < BOUND * 16.0 * math.sqrt(2 / n)


def _chi_square(cells, count):
    """A chi-square statistic as a standard score (Wilson and Hilferty 1931)."""
    free = cells.size - 1
    statistic = np.sum((cells - count) ** 2 / count)
    return ((statistic / free) ** (1 / 3) - (1 - 2 / (9 * free))) / math.sqrt(2 / (9 * free))


@pytest.mark.parametrize("leg", [0, 1])
def test_uniform_numbers_are_uniform_alone_and_in_pairs(leg):
    n = 400_000
    key = keys(stream(3, 0, "test"), np.arange(n))
    u = uniform(key, purpose("talk"), leg)
    assert u.min() > 0.0
    assert u.max() < 1.0
    assert abs(u.mean() - 0.5) < BOUND / math.sqrt(12 * n)
    assert abs(_chi_square(np.bincount((u * 1000).astype(int), minlength=1000), n / 1000)) < BOUND
    neighbour = np.roll(u, 1)
    same_contact = {
        "neighbouring entities": neighbour,
        "another purpose": uniform(key, purpose("patience"), leg),
        "another leg": uniform(key, purpose("talk"), leg + 1),
        "another replication": uniform(keys(stream(3, 1, "test"), np.arange(n)), purpose("talk"), leg),
        "another seed": uniform(keys(stream(4, 0, "test"), np.arange(n)), purpose("talk"), leg),
        "another stream": uniform(keys(stream(3, 0, "tests"), np.arange(n)), purpose("talk"), leg),
    }
    for name, v in same_contact.items():
        cells = np.bincount((u * 32).astype(int) * 32 + (v * 32).astype(int), minlength=1024)
        assert abs(_chi_square(cells, n / 1024)) < BOUND, name
        assert abs(np.corrcoef(u, v)[0, 1]) < BOUND / math.sqrt(n), name


@pytest.mark.parametrize("end", [0, WORD - 1])
def test_the_ends_of_the_unit_interval_are_never_reached(end):
    from simulator import kernels

    key = np.uint64(_unmix(end))  # the key whose random word is all zeros, or all ones
    assert bits(key, np.uint64(0))[0] == end
    assert 0.0 < uniform(key, np.uint64(0))[0] < 1.0
    assert kernels.uniform(key, np.uint64(0), 0) == uniform(key, np.uint64(0))[0]
