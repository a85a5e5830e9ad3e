"""Who owns which account."""

import numpy as np

from simulator.success import books

NOBODY = np.zeros(0, dtype=np.int64)


def load(owner: np.ndarray, hours: np.ndarray, csms: int) -> np.ndarray:
    return np.bincount(owner[owner >= 0], weights=hours[owner >= 0], minlength=csms)


def test_a_first_hand_out_is_balanced() -> None:
    hours = np.linspace(1.0, 5.0, 60)
    owner = books.assign(NOBODY, hours, np.ones(60, dtype=bool), np.ones(4))
    shares = load(owner, hours, 4)
    assert shares.max() - shares.min() <= hours.max()


def test_nothing_moves_without_a_reason() -> None:
    hours = np.ones(40)
    owner = books.assign(NOBODY, hours, np.ones(40, dtype=bool), np.ones(4))
    again = books.assign(owner, hours, np.ones(40, dtype=bool), np.ones(4))
    assert np.array_equal(owner, again)


def test_a_leaver_is_replaced_and_only_those_accounts_move() -> None:
    hours = np.ones(40)
    owner = books.assign(NOBODY, hours, np.ones(40, dtype=bool), np.ones(4))
    after = books.assign(owner, hours, np.ones(40, dtype=bool), np.array([1.0, 0.0, 1.0, 1.0]))
    assert not (after == 1).any()
    assert np.array_equal(after[owner != 1], owner[owner != 1])
    assert load(after, hours, 4)[[0, 2, 3]].max() <= 14


def test_a_new_csm_takes_over_the_fewest_accounts() -> None:
    hours = np.concatenate([np.full(10, 4.0), np.full(40, 1.0)])
    wanted = np.ones(50, dtype=bool)
    owner = books.assign(NOBODY, hours, wanted, np.array([1.0, 1.0, 0.0]))
    after = books.assign(owner, hours, wanted, np.ones(3))
    moved = np.flatnonzero(after != owner)
    assert set(after[moved].tolist()) == {2}
    assert load(after, hours, 3).max() <= 80 / 3 + 4
    assert len(moved) <= 9, "large accounts move first"


def test_a_ramping_csm_gets_less() -> None:
    hours = np.ones(90)
    owner = books.assign(NOBODY, hours, np.ones(90, dtype=bool), np.array([1.0, 0.5]))
    assert load(owner, hours, 2).tolist() == [60.0, 30.0]


def test_unwanted_accounts_and_an_empty_team_have_no_owner() -> None:
    hours = np.ones(5)
    wanted = np.array([True, False, True, False, True])
    assert (books.assign(NOBODY, hours, wanted, np.ones(2)) >= 0).tolist() == wanted.tolist()
    assert (books.assign(NOBODY, hours, wanted, np.zeros(2)) == -1).all()


def test_kept_accounts_keep_their_owner_and_count_for_nothing() -> None:
    hours = np.ones(12)
    everybody = np.ones(12, dtype=bool)
    owner = books.assign(NOBODY, hours, everybody, np.ones(3))
    gone = np.arange(12) < 6
    after = books.assign(owner, hours, ~gone, np.ones(3), gone)
    assert np.array_equal(after, owner)
    left = books.assign(owner, hours, ~gone, np.array([1.0, 1.0, 0.0]), gone)
    assert set(left[gone & (owner == 2)].tolist()) <= {0, 1}
    assert np.array_equal(left[gone & (owner != 2)], owner[gone & (owner != 2)])
    assert load(left[~gone], hours[~gone], 2).tolist() == [3.0, 3.0]
    assert (books.assign(owner, hours, ~gone, np.zeros(3), gone) == -1).all()
    back = books.assign(after, hours, everybody, np.ones(3))
    assert np.array_equal(back, owner)
