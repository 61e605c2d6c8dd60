"""How far a matching is trusted, and what speaks for it."""

import numpy as np
import pytest
from sklearn.cluster import KMeans

from skdm2c.alignment import GeometricAlignment, ModalityView
from skdm2c.alignment.confidence import (
    compare_centers,
    estimate_trust,
    rotate_clusters,
    shape_agreement,
)
from skdm2c.alignment.decision import Space

K = 8


def clusters(seed, shapes=None, n=480, d=8):
    """Centres and rows of a shape each; the same seed has the same centres."""
    y, rng = np.repeat(np.arange(K), n // K), np.random.RandomState(seed)
    centers = 3 * np.random.RandomState(seed % 100).randn(K, d)
    within = rng.standard_exponential((n, d)) - 1
    shapes = np.stack([np.eye(d)] * K) if shapes is None else shapes
    X = centers[y] + np.einsum("nij,nj->ni", shapes[y], within)
    X -= X.mean(axis=0)
    return (X / np.sqrt(np.square(X).mean())).astype(np.float32), np.eye(K)[y]


SHAPES = np.random.RandomState(1).randn(K, 8, 8) / 3


def test_turned_clusters_keep_their_centres_and_what_they_have_in_common():
    X, shares = clusters(0, SHAPES)
    turned = rotate_clusters(X, shares, np.random.RandomState(0))
    np.testing.assert_allclose(shares.T @ turned, shares.T @ X, atol=1e-3)
    assert np.abs(turned - X).mean() > 0.1
    within = [x - shares @ (shares.T @ x / 60) for x in (X, turned)]
    covariances = [x.T @ x / len(x) for x in within]
    np.testing.assert_allclose(*covariances, atol=0.25 * covariances[0].max())


def test_shapes_that_are_shared_speak_for_a_matching():
    rng = np.random.RandomState(0)
    (X, shares), (other, _) = clusters(0, SHAPES), clusters(100, SHAPES)
    assert shape_agreement(Space(X, other[:, ::-1]), shares, shares, rng) > 0.1


def test_round_clusters_have_no_shape_to_share():
    rng = np.random.RandomState(0)
    round_ones = []
    for seed in (0, 100):
        X, shares = clusters(seed)
        noise = np.random.RandomState(seed + 1).randn(*X.shape).astype(np.float32)
        round_ones.append((shares @ (shares.T @ X / 60) + 0.3 * noise).astype(np.float32))
    assert abs(shape_agreement(Space(*round_ones), shares, shares, rng)) < 0.05


def test_centres_agree_where_they_are_the_same_and_not_where_they_are_others():
    rng = np.random.RandomState(0)
    (X, shares), (same, _), (other, _) = clusters(0), clusters(100), clusters(1)
    assert compare_centers(Space(X, same[:, ::-1]), shares, shares, rng).deviations().mean() > 1.5
    assert compare_centers(Space(X, other), shares, shares, rng).deviations().mean() < 0.5


def test_two_clusters_have_one_distance_which_says_nothing():
    X, shares = clusters(0)
    y = shares[:, :2].argmax(axis=1)
    rng = np.random.RandomState(0)
    assert estimate_trust(1.0, np.arange(2), [Space(X, X)], y, y, rng).p_value == 1


def test_the_p_value_is_small_for_eight_clusters_that_are_the_same_alone():
    (X, shares), (same, _), (other, _) = clusters(0), clusters(100), clusters(1)
    y = shares.argmax(axis=1)
    small, large = (
        estimate_trust(0.5, np.arange(K), [Space(X, Z)], y, y, np.random.RandomState(0)).p_value
        for Z in (same, other)
    )
    assert small <= 0.05 < 0.2 < large <= 1


def test_what_distances_bear_out_is_trusted_more():
    X, shares = clusters(0, SHAPES)
    y = shares.argmax(axis=1)
    space = [Space(X, X[:, ::-1])]
    values = [
        estimate_trust(distances, np.arange(K), space, y, y, np.random.RandomState(0)).probability
        for distances in (0.0, 0.5, 1.0)
    ]
    assert 0 == values[0] < values[1] < values[2] <= 1
    assert values[2] > 0.95


def matched(left, right, k):
    described = []
    for m, X in enumerate((left, right)):
        labels = KMeans(k, n_init=3, random_state=0).fit_predict(X)
        described.append(
            GeometricAlignment().describe(ModalityView(X, X, labels, k), np.random.RandomState(m))
        )
    return GeometricAlignment().match(*described, np.random.RandomState(0))


@pytest.mark.parametrize("seed", range(3))
def test_counts_of_nothing_are_not_trusted_for_their_depth(seed):
    rng = np.random.RandomState(seed)

    def counts(d):
        depth, expression = np.exp(0.6 * rng.randn(300)), np.exp(rng.randn(d))
        return rng.poisson(depth[:, None] * expression).astype(float)

    assert matched(counts(60), counts(40), 3 + seed).confidence < 0.5


@pytest.mark.parametrize("k", [5, 8])
def test_archives_that_have_nothing_to_do_with_each_other_are_not_trusted(k):
    def archive(seed, d):
        rng = np.random.RandomState(seed)
        return (
            2.2 * rng.randn(k, 6)[rng.randint(0, k, 300)] + 0.6 * rng.randn(300, 6)
        ) @ rng.randn(6, d)

    # Few clusters of few rows agree by chance now and then, so one draw shows little.
    confidences = [
        matched(archive(seed, 40), archive(5000 + seed, 25), k).confidence for seed in range(6)
    ]
    assert np.mean(confidences) < 0.35
    assert np.max(confidences) < 0.75
