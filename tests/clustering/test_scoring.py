"""The label-free score: what never scores well, and what scores better than what."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdm2c import MixedModalData
from skdm2c.clustering.scoring import ClusterProfile, agreement, label_free_score, profile
from skdm2c.datasets import drop_pairing, load_handwritten


@pytest.fixture(scope="module")
def digits():
    """Standardised rows and digits of two modalities, 500 rows each."""
    views, y = load_handwritten()
    X, y = drop_pairing({n: v[::2] for n, v in views.items()}, y[::2], random_state=0)
    blocks = [(x - x.mean(0)) / np.maximum(x.std(0), 1e-9) for x in X.blocks.values()]
    return blocks, [y[X.codes == m] for m in (0, 1)]


def score(blocks, labels, k=10):
    found = [profile(x, y, k) for x, y in zip(blocks, labels, strict=True)]
    return label_free_score(dict(enumerate(found)), found)


def test_the_true_classes_score_best(digits):
    blocks, (a, b) = digits
    truth = score(blocks, (a, b))
    assert truth > 0.6
    rng = np.random.RandomState(0)
    merged, swapped = a // 2, rng.permutation(10)[b]
    noisy = np.where(rng.rand(len(b)) < 0.3, rng.randint(10, size=len(b)), b)
    for worse in ((merged, b // 2), (a, swapped), (a, noisy), (a, rng.permutation(b))):
        assert score(blocks, worse) < 0.9 * truth


def test_clusterings_that_say_nothing_score_nothing(digits):
    blocks, (a, b) = digits
    one_outlier = [np.eye(1, len(y), dtype=int)[0] for y in (a, b)]
    collapsed = [0 * a, 0 * b]
    by_modality = [0 * a, 0 * b + 1]
    split = [a // 2, 5 + b // 2]  # sensible clusters, but none with rows of both modalities
    for labels in (one_outlier, collapsed, by_modality, split):
        assert abs(score(blocks, labels)) < 0.01


def test_each_modality_alone_is_held_against_the_others(digits):
    blocks, labels = digits
    remembered = [profile(x, y, 10) for x, y in zip(blocks, labels, strict=True)]
    alone = [label_free_score({m: remembered[m]}, remembered) for m in (0, 1)]
    both = label_free_score(dict(enumerate(remembered)), remembered)
    assert np.mean(alone) == pytest.approx(both)
    wrong = replace(remembered[0], distances=remembered[0].distances[::-1, ::-1])
    assert label_free_score({0: wrong}, remembered) < 0.8 * alone[0]


def test_separation_is_that_of_the_definition():
    # Two cliques of neighbours without an edge between them, shares 1/3 and 2/3.
    x = np.r_[np.random.RandomState(0).rand(30, 1), 100 + np.random.RandomState(1).rand(60, 1)]
    y = np.repeat([0, 1], [30, 60])
    degree = np.array([1, 2]) / 3
    assert profile(x, y, 2).separation == pytest.approx(1 - np.square(degree).sum(), abs=0.02)


@given(st.integers(0, 2**31 - 1), st.integers(1, 6), st.integers(1, 40), st.integers(1, 5))
def test_scores_are_numbers_in_their_range(seed, k, n, d):
    rng = np.random.RandomState(seed)
    blocks = [rng.randn(n, d), np.ones((n + 3, 2))]
    labels = [rng.randint(k, size=len(x)) for x in blocks]
    assert -0.5 <= score(blocks, labels, k) <= 1


def test_agreement_needs_no_cluster_in_both():
    a = ClusterProfile(0.5, 1.0, np.array([1.0, 0.0]), np.zeros((2, 2)))
    b = ClusterProfile(0.5, 1.0, np.array([0.0, 1.0]), np.zeros((2, 2)))
    assert agreement(a, b) == 0
    assert agreement(a, a) == 0.5


def test_the_estimator_scores_rows_of_one_modality(fitted, blobs):
    X, _ = blobs
    a, b = X.blocks.values()
    alone = [fitted.score(MixedModalData(a, None)), fitted.score(MixedModalData(None, b))]
    assert np.mean(alone) == pytest.approx(fitted.score(X))
    assert fitted.score(MixedModalData(a, b[:1])) == pytest.approx(alone[0])
    for few in (MixedModalData(a[:1], None), MixedModalData(a[:1], b[:1]), X[:0]):
        with pytest.raises(ValueError, match="at least two rows"):
            fitted.score(few)
    far = np.vstack([a, np.full((1, a.shape[1]), 1e36)])
    with pytest.raises(ValueError, match=r"'a': row 60 has values so far"):
        fitted.score(MixedModalData(far, b))
    with pytest.raises(ValueError, match="score takes rows in a container"):
        fitted.score(a)
