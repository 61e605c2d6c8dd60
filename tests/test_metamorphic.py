"""What must not change a matching of clusters, and what must not make it worse."""

import numpy as np
import pytest
from conftest import TINY
from scipy.stats import special_ortho_group

from skdm2c import MixedModalClustering, MixedModalData
from skdm2c.alignment import GeometricAlignment, KnownPairs, ModalityView
from skdm2c.datasets import make_mixed_modal_blobs

K = 6
ALIGNER = GeometricAlignment(
    kinds=(("geodesic", "cosine"), ("euclidean",)), scalings=("block", "unit"), n_matches=3
)


@pytest.fixture(scope="module")
def sides():
    """Two samples of six irregular clusters, the second turned; 60 rows of each."""
    y, rng = np.repeat(np.arange(K), 60), np.random.RandomState(0)
    centers = 4 * np.random.RandomState(7).randn(K, 5)
    left, right = (centers[y] + rng.randn(len(y), 5) for _ in range(2))
    return left, right @ special_ortho_group.rvs(5, random_state=0), y


def view(X, y, paired=()):
    return ModalityView(X, X, y, K, np.asarray(paired, dtype=np.intp))


def match(left, right, pairs=None, aligner=ALIGNER):
    described = [
        aligner.describe(one, np.random.RandomState(m)) for m, one in enumerate((left, right))
    ]
    return aligner.match(*described, np.random.RandomState(0), pairs)


def test_the_order_of_the_rows_does_not_matter(sides):
    left, right, y = sides
    for seed in range(2):
        order = np.random.RandomState(seed).permutation(len(y))
        found = match(view(left, y), view(right[order], y[order]))
        np.testing.assert_array_equal(found.partners, np.arange(K))


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_the_units_of_a_modality_do_not_matter(sides, factor):
    left, right, y = sides
    plain, scaled = (match(view(left, y), view(right * c, y)) for c in (1, factor))
    np.testing.assert_array_equal(plain.partners, scaled.partners)
    assert scaled.confidence == pytest.approx(plain.confidence, abs=0.05)


def test_the_numbers_of_the_clusters_do_not_matter(sides):
    left, right, y = sides
    names = np.random.RandomState(1).permutation(K)
    found = match(view(left, y), view(right, names[y]))
    np.testing.assert_array_equal(found.partners, names)


def test_a_row_that_is_there_twice_changes_nothing(sides):
    left, right, y = sides
    twice = np.concatenate([np.arange(len(y)), np.arange(0, len(y), 7)])
    found = match(view(left, y), view(right[twice], y[twice]))
    np.testing.assert_array_equal(found.partners, np.arange(K))


@pytest.mark.parametrize("trust", [0.1, 1.0, 10.0])
def test_right_pairs_never_hurt_whatever_their_weight(sides, trust):
    # All pairs are of the first clusters, and they are more than the rows that are looked at.
    left, right, y = sides
    rows = np.arange(150)
    pairs = KnownPairs(np.column_stack([rows, rows]), trust)
    aligner = GeometricAlignment(
        kinds=ALIGNER.kinds, scalings=ALIGNER.scalings, n_matches=3, max_rows=120
    )
    alone = match(view(left, y), view(right, y), aligner=aligner)
    known = match(view(left, y, rows), view(right, y, rows), pairs, aligner)
    right_ones = np.arange(K)
    assert (known.partners == right_ones).sum() >= (alone.partners == right_ones).sum()
    np.testing.assert_array_equal(known.partners[:3], right_ones[:3])
    assert known.confidence >= alone.confidence - 0.05


def test_a_fit_does_not_mind_units_or_which_modality_comes_first():
    X, _ = make_mixed_modal_blobs(180, random_state=0)
    a, b = X.blocks.values()
    settings = {**TINY, "pretrain_epochs": 15, "alignment_epochs": 40}
    fits = [
        MixedModalClustering(3, random_state=0, **settings).fit(MixedModalData(*blocks))
        for blocks in ((a, b), (1000 * a, b), (b, a))
    ]
    sides = [(m.labels_[: len(a)], m.labels_[len(a) :]) for m in fits]
    sides[2] = sides[2][::-1]
    for ours in sides[1:]:
        # The same pairs of clusters, whatever their numbers.
        codes = [np.concatenate(one) for one in (sides[0], ours)]
        assert len(set(zip(*codes, strict=True))) == 3
