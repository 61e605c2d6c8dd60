"""Clusters: k-means, mixtures and cuts, where the answer is known."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from skdm2c.clustering.mixture import Clusters, fit_kmeans, fit_mixture, fit_mixture_from
from skdm2c.clustering.neighbors import few_neighbors, neighbor_graph
from skdm2c.clustering.spectral import normalized_cut


def test_probabilities_are_as_sure_as_they_are_told_to_be():
    points, _ = stretched_groups()
    clusters = fit_mixture(points, 3, 3, 0)
    own = clusters.responsibilities(points).max(axis=1).mean()
    for certainty in (0.5, 0.8, own - 0.01, 1.0):
        temperature = clusters.temperature(points, certainty)
        shares = clusters.responsibilities(points, temperature)
        assert temperature >= 1
        assert shares.max(axis=1).mean() == pytest.approx(min(certainty, own), abs=1e-3)
        np.testing.assert_array_equal(shares.argmax(axis=1), clusters.assign(points))
    for out_of_reach in (0.0, 1.0):
        assert np.isfinite(
            clusters.responsibilities(points, clusters.temperature(points, out_of_reach))
        ).all()
    one = fit_kmeans(points, 1, 1, 0)
    assert (one.responsibilities(points, one.temperature(points, 0.7)) == 1).all()


def stretched_groups(sizes=(300, 60, 60), seed=0):
    """Groups of one stretched shape and unequal sizes."""
    rng = np.random.RandomState(seed)
    y = np.repeat(np.arange(len(sizes)), sizes)
    centers = np.array([[0, 0, 0], [0, 8, 0], [0, 0, 8.0]])
    return centers[y] + rng.randn(len(y), 3) * [4, 1, 1], y


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
def test_kmeans_is_that_of_scikit_learn_in_any_unit(unit):
    points = unit * stretched_groups()[0]
    clusters = fit_kmeans(points, 3, n_init=4, seed=1)
    theirs = KMeans(3, n_init=4, max_iter=1000, random_state=1).fit(points)
    np.testing.assert_array_equal(clusters.assign(points), theirs.predict(points))
    np.testing.assert_allclose(
        clusters.centers(points), theirs.cluster_centers_, rtol=0.02, atol=0.02 * unit
    )
    shares = clusters.responsibilities(points)
    np.testing.assert_allclose(
        shares, fit_kmeans(points / unit, 3, 4, 1).responsibilities(points / unit)
    )
    np.testing.assert_array_equal(shares.argmax(axis=1), theirs.labels_)
    assert 0.9 < shares.max(axis=1).mean() < 1


def test_a_mixture_finds_stretched_groups_of_unequal_size():
    points, y = stretched_groups()
    assert adjusted_rand_score(y, fit_mixture(points, 3, 10, seed=0).assign(points)) > 0.95
    assert adjusted_rand_score(y, fit_kmeans(points, 3, 10, seed=0).assign(points)) < 0.8


def test_assignment_and_shares_are_those_of_a_gaussian_mixture():
    rng = np.random.RandomState(0)
    means, shape = rng.randn(3, 2) * 4, np.array([[2.0, 0.5], [0.5, 1.0]])
    weights = np.array([0.2, 0.3, 0.5])
    theirs = GaussianMixture(3, covariance_type="tied")
    theirs.means_, theirs.weights_ = means, weights
    theirs.covariances_, theirs.precisions_ = shape, np.linalg.inv(shape)
    theirs.precisions_cholesky_ = np.linalg.cholesky(theirs.precisions_)
    whiten = theirs.precisions_cholesky_
    clusters = Clusters(np.zeros(2), whiten, means @ whiten, np.log(weights))
    points = rng.randn(50, 2) * 5
    np.testing.assert_allclose(
        clusters.responsibilities(points), theirs.predict_proba(points), atol=1e-12
    )
    np.testing.assert_array_equal(clusters.assign(points), theirs.predict(points))


def test_a_mixture_keeps_the_order_it_starts_from():
    points, y = stretched_groups()
    order = np.array([2, 0, 1])
    labels = fit_mixture_from(points, np.eye(3)[order[y]], seed=0).assign(points)
    assert (labels == order[y]).mean() > 0.97


@pytest.mark.parametrize("seed", range(3))
def test_a_cut_does_not_mind_sizes(seed):
    rng = np.random.RandomState(seed)
    y = np.repeat([0, 1], [400, 60])
    points = rng.randn(460, 2) * np.where(y == 0, 3, 0.5)[:, None] + np.array([[0, 0], [20, 0]])[y]
    assert adjusted_rand_score(y, normalized_cut(points, 2, seed=0)) > 0.95


def test_the_cut_of_many_rows_is_that_of_few():
    # Below 400 rows all eigenvectors are worked out, above the leading ones alone.
    rng = np.random.RandomState(0)
    y = np.repeat(np.arange(5), 100)
    points = 8 * np.eye(5)[y] + rng.randn(500, 5)
    assert adjusted_rand_score(y, normalized_cut(points, 5, seed=0)) == 1.0
    assert adjusted_rand_score(y[::2], normalized_cut(points[::2], 5, seed=0)) == 1.0


def test_pieces_without_a_path_are_clusters():
    points = np.repeat(100.0 * np.arange(3), 30)[:, None] + np.linspace(0, 1, 90)[:, None]
    assert adjusted_rand_score(np.repeat(np.arange(3), 30), normalized_cut(points, 3, 0)) == 1.0


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("fit", [fit_kmeans, fit_mixture])
@pytest.mark.parametrize("n", [3, 4, 9])
def test_a_handful_of_points_and_points_that_are_all_the_same(fit, n):
    for points in (np.random.RandomState(0).randn(n, 2), np.zeros((n, 2))):
        clusters = fit(points.astype(np.float32), 3, 2, 0)
        shares = clusters.responsibilities(points)
        assert np.isfinite(shares).all()
        np.testing.assert_allclose(shares.sum(axis=1), 1)
        assert np.isfinite(clusters.centers(points)).all()


def test_no_points_no_labels():
    clusters = fit_kmeans(np.eye(3), 2, 1, 0)
    assert clusters.assign(np.empty((0, 3))).shape == (0,)


def test_edges_are_symmetric_and_mutual_ones_count_double():
    points = np.random.RandomState(0).randn(50, 3)
    graph = neighbor_graph(points, 5)
    assert (graph != graph.T).nnz == 0
    assert set(np.unique(graph.data)) == {0.5, 1.0}
    assert graph.sum() == pytest.approx(50 * 5)
    assert few_neighbors(15, 79) == 9
