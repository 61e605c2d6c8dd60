"""Clusters found from two modalities at once."""

import warnings

import numpy as np
import pytest

from skdm2c.alignment import Alignment, KnownPairs
from skdm2c.alignment.joint import joint_shares
from skdm2c.matched import OwnClusters, Unmatched, match_clusters


def diagonal(m):
    return KnownPairs(np.column_stack([np.arange(m), np.arange(m)]))


def two_views(seed, n=200):
    """Of A the clusters lie along its first column, which is the quieter one; of B apart."""
    rng, y = np.random.RandomState(seed), np.tile([0, 1], n // 2)
    a = np.column_stack([4 * y, 0 * y]) + rng.randn(n, 2) * [1, 4]
    b = 9 * y[:, None] + rng.randn(n, 1)
    return y, a, b, np.eye(2)[(a @ [1, 0.6] > 2).astype(int)]


@pytest.mark.parametrize("seed", range(5))
def test_what_one_modality_shows_plainly_corrects_the_other(seed):
    y, a, b, awry = two_views(seed)
    of_a, of_b = joint_shares([a, b], [awry, np.eye(2)[y]], {(0, 1): diagonal(10)})
    assert (of_a.argmax(1) == y).mean() > (awry.argmax(1) == y).mean() + 0.08
    assert (of_b.argmax(1) == y).all()
    np.testing.assert_allclose(of_a.sum(1), 1)


def test_the_order_of_modalities_changes_nothing():
    y, a, b, awry = two_views(0)
    known = KnownPairs(np.column_stack([np.arange(10), np.arange(10)[::-1] * 2]))
    one = joint_shares([a, b], [awry, np.eye(2)[y]], {(0, 1): known})
    other = joint_shares([b, a], [np.eye(2)[y], awry], {(0, 1): known.turned()})
    for x, z in zip(one, other[::-1], strict=True):
        np.testing.assert_allclose(x, z, atol=1e-6)


def test_pairs_that_are_not_trusted_say_nothing():
    y, a, b, awry = two_views(0)
    start = [awry, np.eye(2)[y]]
    wrong = KnownPairs(np.column_stack([np.arange(40), np.arange(40) ^ 1]), trust=1e-9)
    without, told = (joint_shares([a, b], start, pairs) for pairs in ({}, {(0, 1): wrong}))
    for x, z in zip(without, told, strict=True):
        assert (x.argmax(1) == z.argmax(1)).mean() > 0.95


def test_a_cluster_that_a_modality_lacks_stays_empty_there():
    rng, y = np.random.RandomState(0), np.tile([0, 1, 2], 40)
    a = 9 * np.eye(3)[y] + rng.randn(120, 3)
    here = np.flatnonzero(y < 2)
    b = a[here] + rng.randn(len(here), 3)
    known = KnownPairs(np.column_stack([here[:20], np.arange(20)]))
    _, of_b = joint_shares([a, b], [np.eye(3)[y], np.eye(3)[y[here]]], {(0, 1): known})
    assert (of_b[:, 2] == 0).all()
    np.testing.assert_allclose(of_b.sum(1), 1)


def test_modalities_that_have_no_cluster_in_common():
    rng, y = np.random.RandomState(0), np.repeat(np.arange(4), 30)
    hub = 9 * np.eye(4)[y] + rng.randn(120, 4)
    parts = [np.flatnonzero(y < 2), np.flatnonzero(y >= 2)]
    latents = [hub, *(hub[rows] + rng.randn(len(rows), 4) for rows in parts)]
    start = [np.eye(4)[y], *(np.eye(4)[y[rows]] for rows in parts)]
    pairs = {
        (0, m): KnownPairs(np.column_stack([rows[::4], np.arange(0, len(rows), 4)]))
        for m, rows in enumerate(parts, start=1)
    }
    for found, was in zip(joint_shares(latents, start, pairs), start, strict=True):
        np.testing.assert_array_equal(found.argmax(1), was.argmax(1))


def test_a_row_far_from_all_that_its_modality_has_gets_one_of_them():
    y = np.repeat([0, 1, 2], 20)
    a = 1000.0 * np.eye(3)[y] + np.random.RandomState(0).randn(60, 3)
    here = y != 2
    b = a[here].copy()
    b[0] = a[-1]  # where only A has rows
    found = joint_shares([a, b], [np.eye(3)[y], np.eye(3)[y[here]]], {(0, 1): diagonal(20)})[1]
    assert (found[:, 2] == 0).all()
    np.testing.assert_allclose(found.sum(1), 1)


def test_rows_that_are_all_alike():
    rows, y = np.zeros((8, 3)), np.tile([0, 1], 4)
    start = [np.eye(2)[y]] * 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = joint_shares([rows, rows], start, {(0, 1): diagonal(4)})
    np.testing.assert_allclose(found[0].sum(1), 1)


@pytest.mark.parametrize("seed", range(3))
def test_where_modalities_would_be_told_apart_all_stays_as_it_was(seed, monkeypatch):
    # Clusters are matched wrongly, and pairs of one class are all that speaks against it.
    rng, y = np.random.RandomState(seed), np.tile([0, 1], 100)
    a, b = (4 * np.eye(1, 10) * y[:, None] + rng.randn(200, 10) for _ in range(2))
    start, rows = [np.eye(2)[y], np.eye(2)[1 - y]], np.flatnonzero(y == 0)[:10]
    pairs = {(0, 1): KnownPairs(np.column_stack([rows, rows]))}
    for found, was in zip(joint_shares([a, b], start, pairs), start, strict=True):
        np.testing.assert_array_equal(found, was)
    monkeypatch.setattr("skdm2c.alignment.joint.WIDER_GAP", 1.0)
    of_a, of_b = joint_shares([a, b], start, pairs)
    assert abs(of_a.mean(0) - of_b.mean(0)).max() > 0.4


def test_three_modalities_and_one_column():
    y, a, b, awry = two_views(1)
    start = [awry, np.eye(2)[y], np.eye(2)[y]]
    pairs = {(0, 1): diagonal(8), (1, 2): diagonal(9)}
    found = joint_shares([a, b, -b], start, pairs)
    assert (found[0].argmax(1) == y).mean() > 0.9
    assert (found[2].argmax(1) == y).all()


class Told:
    """An aligner that knows the answer."""

    def describe(self, modality, rng):
        return modality.labels

    def match(self, left, right, rng, pairs=None):
        return Alignment.of_partners([1, 0], 0.5)


@pytest.mark.parametrize(("m", "trust", "enough"), [(3, 1.0, False), (4, 1.0, True), (4, 0.9, 0)])
def test_two_trusted_pairs_a_cluster_are_needed(m, trust, enough):
    y, a, b, awry = two_views(0)
    swapped = np.eye(2)[1 - y]  # B's clusters bear other numbers than A's
    own = [OwnClusters(s.argmax(1).astype(np.int32), s) for s in (awry, swapped)]
    pairs = {(0, 1): KnownPairs(diagonal(m).rows, trust)}
    data = Unmatched([a, b], [a, b], (2, 2), [0.1, 0.9], 1, pairs)
    found = match_clusters(data, own, Told(), seed=0)
    assert found.alignments[0].confidence == 0.5
    numbers = 1 - y  # the hub's
    before, after = (awry[:, ::-1].argmax(1) == numbers).mean(), found.shares[0].argmax(1)
    assert ((after == numbers).mean() > before + 0.05) == enough
    assert (found.shares[1].argmax(1) == numbers).all()


def test_a_modality_without_pairs_keeps_its_own():
    y, a, b, awry = two_views(0)
    own = [OwnClusters(s.argmax(1).astype(np.int32), s) for s in (awry, np.eye(2)[1 - y], awry)]
    pairs = {(0, 1): diagonal(10)}
    data = Unmatched([a, b, a], [a, b, a], (2, 2, 2), [0.1, 0.9, 0.2], 1, pairs)
    shares = match_clusters(data, own, Told(), seed=0).shares
    assert not np.array_equal(shares[0], awry[:, ::-1])
    np.testing.assert_array_equal(shares[2], awry[:, ::-1])
