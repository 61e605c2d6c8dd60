"""Alignment: copies whose match is known, and blocks that have none."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.stats import special_ortho_group

from skdm2c.alignment import align, barycentric_targets
from skdm2c.alignment.geometry import describe, geodesic_distances
from skdm2c.alignment.matching import match, refine, sinkhorn, two_opt
from skdm2c.alignment.prototypes import Prototypes, draw_prototypes


def irregular_clusters(n=200, seed=0):
    """Four clusters whose distances and sizes all differ."""
    rng = np.random.RandomState(seed)
    centers = np.array([[0, 0, 0], [6, 0, 0], [0, 11, 0], [3, 4, 17.0]])
    y = np.repeat(np.arange(4), [n // 10, n // 5, 3 * n // 10, 4 * n // 10])
    return centers[y] + rng.randn(n, 3), y


def as_prototypes(distances, masses=None):
    p = len(distances)
    return Prototypes(
        np.arange(p),
        np.full(p, 1 / p) if masses is None else np.asarray(masses),
        dict.fromkeys(("geodesic", "cosine"), np.asarray(distances, dtype=float)),
    )


def right_partners(alignment, y_left, y_right):
    partner = alignment.coupling.argmax(axis=1)
    return (y_left[alignment.left_rows] == y_right[alignment.right_rows][partner]).mean()


def test_a_rotated_copy_in_another_order():
    X, y = irregular_clusters()
    other = np.random.RandomState(1).permutation(len(X))
    found = align(X, X[other] @ special_ortho_group.rvs(3, random_state=0), 4, seed=0)
    assert right_partners(found, y, y[other]) > 0.95
    assert found.confidence > 0.6


def test_two_samples_of_the_same_clusters_in_other_dimensions():
    (X, y), (other, y_other) = irregular_clusters(200, 0), irregular_clusters(240, 1)
    lifted = other @ np.linalg.qr(np.random.RandomState(2).randn(8, 3))[0].T
    found = align(X, lifted, 4, seed=0)
    assert right_partners(found, y, y_other) > 0.9


def test_modalities_that_share_nothing_get_low_confidence():
    X, _ = irregular_clusters()
    noise = np.random.RandomState(0).randn(200, 6)
    assert align(X, noise, 4, seed=0).confidence < 0.35


def test_the_coupling_has_the_marginals_of_the_rows():
    X, _ = irregular_clusters()
    found = align(X, X[:100], 4, seed=0)
    assert found.coupling.shape == (200, 100)
    assert found.coupling.sum() == pytest.approx(1)
    np.testing.assert_allclose(found.coupling.sum(0), 1 / 100, rtol=1e-6)


def test_the_same_seed_gives_the_same_coupling():
    X, _ = irregular_clusters()
    first, second = (align(X, X[::-1], 4, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.coupling, second.coupling)


@pytest.mark.parametrize("n", [2, 3, 5, 9])
def test_a_handful_of_rows(n):
    X = np.random.RandomState(0).randn(n, 2)
    found = align(X, np.vstack([X, X]), 2, seed=0)
    assert np.isfinite(found.coupling).all()
    assert 0 <= found.confidence <= 1


def test_rows_that_are_all_the_same():
    found = align(np.zeros((30, 3)), np.zeros((20, 2)), 3, seed=0)
    assert np.isfinite(found.coupling).all()
    assert found.confidence < 0.1


def test_geodesics_of_a_ring():
    ring = sp.csr_matrix(np.roll(np.eye(6), 1, axis=0) + np.roll(np.eye(6), -1, axis=0))
    hops = np.array([0, 1, 2, 3, 2, 1])
    expected = np.stack([np.roll(hops, i) for i in range(6)])
    np.testing.assert_allclose(geodesic_distances(ring), expected / expected.mean())


def test_rows_without_a_path_are_half_as_far_again_as_any_with_one():
    chain = sp.diags([np.ones(3), np.ones(3)], [1, -1])
    distances = geodesic_distances(sp.block_diag([chain, chain]).tocsr())
    within, across = distances[:4, :4], distances[:4, 4:]
    np.testing.assert_allclose(across, 1.5 * within.max())


def test_prototype_distances_are_means_over_rows():
    X, _ = irregular_clusters()
    geometry = describe(X, 4, seed=0)
    p = draw_prototypes(geometry, 6, space=1, seed=0)
    i, j = p.labels == 0, p.labels == 1
    assert p.masses[0] == pytest.approx(i.mean())
    assert p.distances["cosine"][0, 1] == pytest.approx(
        geometry.distances["cosine"][np.ix_(i, j)].mean()
    )


def random_distances(c, seed=0):
    points = np.random.RandomState(seed).randn(c, 2)
    return np.linalg.norm(points[:, None] - points, axis=2)


def test_two_opt_recovers_a_permutation():
    d = random_distances(9)
    truth = np.random.RandomState(1).permutation(9)
    turned = np.empty_like(d)
    turned[np.ix_(truth, truth)] = d
    starts = np.stack([np.random.RandomState(s).permutation(9) for s in range(30)])
    found, values = two_opt(d[None], turned[None], np.zeros((9, 9)), starts)
    best = values.argmax()
    assert values[best] == pytest.approx((d * d).sum())
    np.testing.assert_array_equal(found[best], truth)


def test_no_swap_improves_what_two_opt_returns():
    d, e, linear = (
        random_distances(6, 0),
        random_distances(6, 1),
        np.random.RandomState(2).randn(6, 6),
    )
    (p,), (value,) = two_opt(d[None], e[None], linear, np.arange(6)[None])

    def objective(q):
        return (d * e[np.ix_(q, q)]).sum() + linear[np.arange(6), q].sum()

    assert value == pytest.approx(objective(p))
    for i in range(6):
        for j in range(i):
            q = p.copy()
            q[[i, j]] = q[[j, i]]
            assert objective(q) <= value + 1e-9


def test_match_finds_a_relabelled_shape():
    d = random_distances(12)
    truth = np.random.RandomState(1).permutation(12)
    turned = np.empty_like(d)
    turned[np.ix_(truth, truth)] = d
    coupling, objective = match(
        as_prototypes(d), as_prototypes(turned), ("cosine",), np.random.RandomState(0)
    )
    np.testing.assert_array_equal(coupling.argmax(axis=1), truth)
    assert objective > 0.9  # entropy keeps it from 1


def test_match_splits_mass_where_sizes_differ():
    d = [[0, 1, 5], [1, 0, 5], [5, 5, 0.0]]
    coupling, _ = match(
        as_prototypes(d, [0.2, 0.2, 0.6]),
        as_prototypes(d, [0.1, 0.1, 0.8]),
        ("cosine",),
        np.random.RandomState(0),
    )
    np.testing.assert_allclose(coupling.sum(axis=0), [0.1, 0.1, 0.8])
    assert coupling[2].argmax() == 2


def test_sinkhorn_meets_its_marginals():
    rng = np.random.RandomState(0)
    rows, columns = rng.dirichlet(np.ones(4)), rng.dirichlet(np.ones(5))
    coupling = sinkhorn(rng.randn(1, 4, 5), rows, columns, n_iter=200)[0]
    np.testing.assert_allclose(coupling.sum(axis=1), rows, rtol=1e-6)
    np.testing.assert_allclose(coupling.sum(axis=0), columns, rtol=1e-6)


def test_refine_keeps_a_perfect_match():
    d = random_distances(8)
    standard = ((d - d.mean()) / d.std())[None]
    mass = np.full(8, 1 / 8)
    start = (0.8 * np.eye(8) / 8 + 0.2 / 64)[None]
    coupling, objective = refine(standard, standard, mass, mass, start)
    np.testing.assert_array_equal(coupling[0].argmax(axis=1), np.arange(8))
    assert objective[0] > 0.95


def test_barycentric_targets_of_a_permutation_are_the_partners():
    latents = np.random.RandomState(0).randn(5, 2)
    order = np.array([3, 1, 4, 0, 2])
    coupling = np.eye(5)[order] / 5
    np.testing.assert_allclose(barycentric_targets(coupling, latents), latents[order])
