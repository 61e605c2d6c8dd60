"""Clusters found from two modalities at once."""

import warnings

import numpy as np
import pytest

from skdm2c.alignment import Alignment, KnownPairs
from skdm2c.alignment.joint_clustering import joint_responsibilities, separates_modalities
from skdm2c.alignment.modalities import ClusteredModalities, ModalityClusters, align_modalities


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
    of_a, of_b = joint_responsibilities([a, b], [awry, np.eye(2)[y]], {(0, 1): diagonal(10)})
    assert (of_a.argmax(1) == y).mean() > (awry.argmax(1) == y).mean() + 0.08
    assert (of_b.argmax(1) == y).all()
    np.testing.assert_allclose(of_a.sum(1), 1)


def test_the_order_of_modalities_changes_nothing():
    y, a, b, awry = two_views(0)
    known = KnownPairs(np.column_stack([np.arange(10), np.arange(10)[::-1] * 2 + 1]))
    one = joint_responsibilities([a, b], [awry, np.eye(2)[y]], {(0, 1): known})
    assert (one[0].argmax(1) != awry.argmax(1)).mean() > 0.1
    other = joint_responsibilities([b, a], [np.eye(2)[y], awry], {(0, 1): known.turned()})
    for x, z in zip(one, other[::-1], strict=True):
        np.testing.assert_allclose(x, z, atol=1e-6)


def test_pairs_count_as_much_as_they_are_trusted():
    y, a, b, awry = two_views(0)
    start = [awry, np.eye(2)[y]]
    wrong = np.column_stack([np.arange(40), np.arange(40) ^ 1])
    without = joint_responsibilities([a, b], start, {})[0].argmax(1)
    slightly, fully = (
        joint_responsibilities([a, b], start, {(0, 1): KnownPairs(wrong, trust)})[0].argmax(1)
        for trust in (1e-9, 1.0)
    )
    assert (slightly == without).mean() > 0.95
    assert (fully == without).mean() < 0.8


def test_a_cluster_that_a_modality_lacks_stays_empty_there():
    rng, y = np.random.RandomState(0), np.tile([0, 1, 2], 40)
    a = 9 * np.eye(3)[y] + rng.randn(120, 3)
    here = np.flatnonzero(y < 2)
    b = a[here] + rng.randn(len(here), 3)
    known = KnownPairs(np.column_stack([here[:20], np.arange(20)]))
    mistaken = np.where(rng.rand(len(here)) < 0.3, 1 - y[here], y[here])
    _, of_b = joint_responsibilities([a, b], [np.eye(3)[y], np.eye(3)[mistaken]], {(0, 1): known})
    assert (of_b[:, 2] == 0).all()
    np.testing.assert_allclose(of_b.sum(1), 1)
    assert (of_b.argmax(1) == y[here]).mean() > 0.95


@pytest.mark.parametrize("shared", [0, 1])
def test_modalities_that_have_hardly_a_cluster_in_common(shared):
    rng, y = np.random.RandomState(0), np.repeat(np.arange(4), 30)
    hub = 9 * np.eye(4)[y] + rng.randn(120, 4)
    parts = [np.flatnonzero(y < 2 + shared), np.flatnonzero(y >= 2)]
    latents = [hub, *(hub[rows] + rng.randn(len(rows), 4) for rows in parts)]
    mistaken = y.copy()
    mistaken[::7] = mistaken[::-7][: len(y[::7])]  # some of the hub's rows are of others
    start = [np.eye(4)[mistaken], *(np.eye(4)[y[rows]] for rows in parts)]
    pairs = {
        (0, m): KnownPairs(np.column_stack([rows[::4], np.arange(0, len(rows), 4)]))
        for m, rows in enumerate(parts, start=1)
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = joint_responsibilities(latents, start, pairs)
    for of_m, rows in zip(found, [np.arange(120), *parts], strict=True):
        assert (of_m.argmax(1) == y[rows]).mean() > 0.97


def test_a_row_far_from_all_that_its_modality_has_gets_one_of_them():
    y = np.repeat([0, 1, 2], 20)
    a = 1000.0 * np.eye(3)[y] + np.random.RandomState(0).randn(60, 3)
    here = y != 2
    b = a[here].copy()
    b[0] = a[-1]  # where only A has rows
    found = joint_responsibilities(
        [a, b], [np.eye(3)[y], np.eye(3)[y[here]]], {(0, 1): diagonal(20)}
    )[1]
    assert (found[:, 2] == 0).all()
    np.testing.assert_allclose(found.sum(1), 1)


def test_rows_that_are_all_alike():
    rows, y = np.zeros((8, 3)), np.tile([0, 1], 4)
    start = [np.eye(2)[y]] * 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = joint_responsibilities([rows, rows], start, {(0, 1): diagonal(4)})
    np.testing.assert_allclose(found[0].sum(1), 1)


class Told:
    """An aligner that knows the answer."""

    def __init__(self, partners=(1, 0)):
        self.partners = partners

    def describe(self, modality, rng):
        return modality.labels

    def match(self, left, right, rng, pairs=None):
        return Alignment.of_partners(self.partners, 0.5)


def wrongly_matched(seed, n=200):
    """Clusters of two modalities, matched wrongly, and pairs of one class that say so."""
    rng, y = np.random.RandomState(seed), np.tile([0, 1], n // 2)
    a, b = (4 * np.eye(1, 10) * y[:, None] + rng.randn(n, 10) for _ in range(2))
    rows = np.flatnonzero(y == 0)[:10]
    pairs = {(0, 1): KnownPairs(np.column_stack([rows, rows]))}
    return [a, b], [np.eye(2)[y], np.eye(2)[1 - y]], pairs


def matched_among(latents, shares, pairs):
    """What becomes of clusters that are matched as they are numbered; the second is the hub."""
    own = [ModalityClusters(s.argmax(1).astype(np.int32), s) for s in shares]
    numbers = (shares[0].shape[1],) * len(shares)
    data = ClusteredModalities(
        "abc"[: len(latents)],
        latents,
        latents,
        latents,
        own,
        numbers,
        [0.1, 0.9, 0.2][: len(shares)],
        1,
        pairs,
    )
    return align_modalities(data, Told(list(range(numbers[0]))), seed=0).responsibilities


@pytest.mark.parametrize("seed", range(3))
def test_where_modalities_would_be_told_apart_all_stays_as_it_was(seed):
    latents, start, pairs = wrongly_matched(seed)
    assert separates_modalities(tuple(start), tuple(joint_responsibilities(latents, start, pairs)))
    for found, was in zip(matched_among(latents, start, pairs), start, strict=True):
        np.testing.assert_array_equal(found, was)


@pytest.mark.parametrize("seed", range(3))
def test_a_third_modality_does_not_take_from_two_what_they_gain(seed):
    y, a, b, awry = two_views(seed)
    turned = np.random.RandomState(seed).randn(200, 10) + 4 * np.eye(1, 10) * y[:, None]
    one_class = np.flatnonzero(y == 0)[:10]
    pairs = {
        (0, 1): diagonal(10),
        (1, 2): KnownPairs(np.column_stack([one_class, one_class])),
    }
    found = matched_among([a, b, turned], [awry, np.eye(2)[y], np.eye(2)[1 - y]], pairs)
    assert (found[0].argmax(1) == y).mean() > (awry.argmax(1) == y).mean() + 0.08


@pytest.mark.parametrize("k", [3, 4, 6])
def test_a_class_that_one_modality_lacks_is_not_taken_for_that(k):
    rng, y = np.random.RandomState(k), np.tile(np.arange(k), 60)
    a, b = (6 * np.eye(k, 8)[y] + rng.randn(len(y), 8) for _ in range(2))
    here = np.flatnonzero(y != k - 1)
    b, of_b = b[here], y[here]
    # B's own clusters cut the first class in two; the half too many was matched with A's last.
    cut = np.where((of_b == 0) & (b[:, -1] > 0), k - 1, of_b)
    rows = np.flatnonzero(y < k - 1)[: 5 * k]
    pairs = {(0, 1): KnownPairs(np.column_stack([rows, np.searchsorted(here, rows)]))}
    assert (cut == of_b).mean() < 0.9 + 0.01 * k
    found = matched_among([a, b], [np.eye(k)[y], np.eye(k)[cut]], pairs)
    assert (found[1].argmax(1) == of_b).mean() > 0.97


def test_three_modalities_and_one_column():
    y, a, b, awry = two_views(1)
    start = [awry, np.eye(2)[y], np.eye(2)[y]]
    pairs = {(0, 1): diagonal(8), (1, 2): diagonal(9)}
    found = joint_responsibilities([a, b, -b], start, pairs)
    assert (found[0].argmax(1) == y).mean() > 0.9
    assert (found[2].argmax(1) == y).all()


@pytest.mark.parametrize(
    ("m", "trust", "enough"), [(3, 1.0, False), (4, 1.0, True), (4, 0.9, False), (1, 9.0, False)]
)
def test_two_trusted_pairs_a_cluster_are_needed(m, trust, enough):
    y, a, b, awry = two_views(0)
    swapped = np.eye(2)[1 - y]  # B's clusters bear other numbers than A's
    own = [ModalityClusters(s.argmax(1).astype(np.int32), s) for s in (awry, swapped)]
    pairs = {(0, 1): KnownPairs(diagonal(m).rows, trust)}
    data = ClusteredModalities("ab", [a, b], [a, b], [a, b], own, (2, 2), [0.1, 0.9], 1, pairs)
    found = align_modalities(data, Told(), seed=0)
    assert found.alignments[0].confidence == 0.5
    numbers = 1 - y  # the hub's
    before, after = (awry[:, ::-1].argmax(1) == numbers).mean(), found.responsibilities[0].argmax(1)
    assert ((after == numbers).mean() > before + 0.05) == enough
    assert (found.responsibilities[1].argmax(1) == numbers).all()


def test_a_modality_without_pairs_keeps_its_own():
    y, a, b, awry = two_views(0)
    own = [
        ModalityClusters(s.argmax(1).astype(np.int32), s) for s in (awry, np.eye(2)[1 - y], awry)
    ]
    pairs = {(0, 1): diagonal(10)}
    data = ClusteredModalities(
        "abc", [a, b, a], [a, b, a], [a, b, a], own, (2, 2, 2), [0.1, 0.9, 0.2], 1, pairs
    )
    shares = align_modalities(data, Told(), seed=0).responsibilities
    assert not np.array_equal(shares[0], awry[:, ::-1])
    np.testing.assert_array_equal(shares[2], awry[:, ::-1])


def test_a_row_in_many_pairs_is_known_once():
    y, a, b, awry = two_views(0)
    again = KnownPairs(np.column_stack([np.arange(10), np.arange(10) % 3]))
    found = matched_among([a, b], [awry, np.eye(2)[y]], {(0, 1): again})
    np.testing.assert_array_equal(found[0], awry)


def test_fewer_rows_than_clusters_keep_their_own():
    rng, pairs = np.random.RandomState(0), {(0, 1): KnownPairs(np.array([[0, 0], [1, 1]]), 9.0)}
    shares = [np.eye(5)[[0, 1]], np.eye(5)[[0, 1]]]
    for found, was in zip(
        matched_among(list(rng.randn(2, 2, 3)), shares, pairs),
        shares,
        strict=True,
    ):
        np.testing.assert_array_equal(found, was)
