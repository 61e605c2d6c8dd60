"""Clustering of points by k-means, as in the paper, or by a Gaussian mixture of tied covariance."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, linear_sum_assignment
from scipy.special import logsumexp, softmax
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from ..data.rows import Matrix, subsample
from .neighbors import fit_pca
from .spectral import normalized_cut

Points = NDArray[np.floating]
Labels = NDArray[np.int32]

MAX_COMPONENTS = 20  # a covariance in more dimensions is mostly noise
COVARIANCE_FLOOR = 1e-2  # relative to the mean variance
MAX_LOG_TEMPERATURE = 10.0
MIN_ROWS_PER_CLUSTER = 20  # in a sample for k-means
MAX_KMEANS_ROWS = 5000  # on which several runs of k-means compete; more are sampled
MAX_CUT_ROWS = 5000  # size of the sample whose normalised cut starts the mixture
EMPTY = 1e-6  # a cluster whose responsibilities sum to no more is empty
MAX_CHUNK_POINTS = 2**16  # points processed together, as each takes several times its size


@dataclass(frozen=True)
class Clusters:
    """Gaussian clusters of different means and weights but one shape, in a space of c dimensions.

    Point x belongs to the cluster k with the smallest ‖(x - origin) projection - means_k‖² / 2 -
    log_weights_k. A scalar projection and equal weights give the nearest centre of k-means.
    """

    origin: Matrix  # of shape (c,)
    projection: Matrix  # of shape (c, p); in a mixture it whitens the shared covariance
    means: Matrix  # of shape (k, p), after the projection
    log_weights: Matrix  # of shape (k,)

    def assign(self, points: Points, temperature: float | None = None) -> Labels:
        """Return the cluster of each of n points, of shape (n,).

        With a temperature, responsibilities are compared after they were rounded, as users see
        them: of equal ones the first counts.
        """
        labels: Labels = np.empty(len(points), dtype=np.int32)
        for chunk in _chunks(points):
            values = self._log_responsibilities(points[chunk])
            if temperature is not None:
                values = softmax(values / temperature, axis=1)
            labels[chunk] = values.argmax(axis=1)
        return labels

    def responsibilities(self, points: Points, temperature: float = 1.0) -> Matrix:
        """Return the responsibilities of k clusters for n points, of shape (n, k).

        Rows sum to one. Log-responsibilities are divided by ``temperature``: the higher it is,
        the more uniform are the responsibilities.
        """
        responsibilities: Matrix = np.empty((len(points), len(self.means)))
        for chunk in _chunks(points):
            responsibilities[chunk] = softmax(
                self._log_responsibilities(points[chunk]) / temperature, axis=1
            )
        return responsibilities

    def log_density(self, points: Points) -> Matrix:
        """Return the log-density of n points, of shape (n,), up to a constant."""
        density: Matrix = np.empty(len(points))
        for chunk in _chunks(points):
            projected = (points[chunk].astype(np.float64) - self.origin) @ self.projection
            norms = np.square(projected).reshape(len(projected), -1).sum(axis=1)
            density[chunk] = (
                logsumexp(self._log_responsibilities(points[chunk]), axis=1) - norms / 2
            )
        return density

    def temperature(self, points: Points, certainty: float) -> float:
        """Find the temperature at which the mean of the largest responsibilities is ``certainty``.

        The temperature is at least 1 and at most exp(10), even where the certainty, a number in
        [0, 1], cannot be reached.
        """
        log_responsibilities = self._log_responsibilities(points)

        def excess(log_temperature: float) -> float:
            responsibilities = softmax(log_responsibilities / np.exp(log_temperature), axis=1)
            return float(responsibilities.max(axis=1).mean()) - certainty

        if excess(0.0) <= 0:
            return 1.0
        if excess(MAX_LOG_TEMPERATURE) >= 0:
            return float(np.exp(MAX_LOG_TEMPERATURE))
        root = brentq(excess, 0.0, MAX_LOG_TEMPERATURE, xtol=1e-3)
        return float(np.exp(root))

    def centers(self, points: Points) -> Matrix:
        """Return the mean of the points of each cluster, of shape (k, c); zero if it has none."""
        k = len(self.means)
        mass, total = np.zeros(k), np.zeros((k, points.shape[1]))
        for chunk in _chunks(points):
            membership = np.eye(k)[self.assign(points[chunk])]
            mass += membership.sum(axis=0)
            total += membership.T @ points[chunk].astype(np.float64)
        centers: Matrix = total / np.maximum(mass, np.finfo(float).tiny)[:, None]
        return centers

    def numbered_like(self, responsibilities: Matrix, points: Points) -> Clusters:
        """Renumber the clusters by the columns of ``responsibilities`` that they agree with most.

        ``responsibilities``, of shape (n, k), are those of other clusters for the same points.
        """
        order = best_order(responsibilities, self.assign(points))
        return replace(self, means=self.means[order], log_weights=self.log_weights[order])

    def _log_responsibilities(self, points: Points) -> Matrix:
        # Up to a term that is the same for all clusters.
        projected = (points.astype(np.float64) - self.origin) @ self.projection
        log: Matrix = (
            projected @ self.means.T - np.square(self.means).sum(axis=1) / 2 + self.log_weights
        )
        return log


def best_order(responsibilities: Matrix, labels: NDArray[np.integer]) -> NDArray[np.intp]:
    """Return the label, of n points, that agrees most with each of k columns, each label once.

    ``responsibilities`` has shape (n, k). The result, of shape (k,), is a permutation.
    """
    membership = np.eye(responsibilities.shape[1])[labels]
    order: NDArray[np.intp] = linear_sum_assignment(-responsibilities.T @ membership)[1]
    return order


def _chunks(points: Points) -> Iterator[slice]:
    for start in range(0, len(points), MAX_CHUNK_POINTS):
        yield slice(start, start + MAX_CHUNK_POINTS)


def fit_kmeans(points: Points, n_clusters: int, n_init: int, seed: int) -> Clusters:
    """Fit k-means to points of shape (n, c), and return the best clusters of ``n_init`` runs."""
    return _from_kmeans(_best_kmeans(points, n_clusters, n_init, seed), points)


def fit_kmeans_from(points: Points, responsibilities: Matrix) -> Clusters:
    """Fit k-means to points of shape (n, c), starting from responsibilities of shape (n, k).

    The clusters keep the order of the columns of ``responsibilities``.

    Examples
    --------
    >>> points = np.array([[0.0], [0.2], [9.0], [9.1]])
    >>> responsibilities = np.array([[0.1, 0.9], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]])
    >>> fit_kmeans_from(points, responsibilities).assign(points)
    array([1, 1, 0, 0], dtype=int32)
    """
    start = cluster_means(points, responsibilities)
    kmeans = KMeans(len(start), init=start, n_init=1, max_iter=1000, random_state=0).fit(points)
    return _from_kmeans(kmeans, points)


def cluster_means(points: Points, responsibilities: Matrix) -> Matrix:
    """Return the means of clusters, of shape (k, c), weighted by responsibilities (n, k).

    An empty cluster gets the mean of all points.

    Examples
    --------
    >>> responsibilities = np.array([[1, 0], [0.5, 0], [0, 0]])
    >>> cluster_means(np.array([[0.0], [4.0], [8.0]]), responsibilities).round(2)
    array([[1.33],
           [4.  ]])
    """
    mass = responsibilities.sum(axis=0)
    means: Matrix = np.where(
        mass[:, None] > EMPTY,
        responsibilities.T @ points / np.maximum(mass, EMPTY)[:, None],
        points.mean(axis=0),
    )
    return means


def cluster_moments(points: Points, responsibilities: Matrix) -> tuple[Matrix, Matrix]:
    """Return the means of clusters, of shape (k, c), and their pooled covariance, (c, c).

    Examples
    --------
    >>> points = np.array([[0.0], [4.0], [10.0], [14.0]])
    >>> means, covariance = cluster_moments(points, np.repeat(np.eye(2), 2, axis=0))
    >>> means.ravel(), covariance
    (array([ 2., 12.]), array([[4.]]))
    """
    means = cluster_means(points, responsibilities)
    residuals = points - responsibilities @ means
    covariance: Matrix = residuals.T @ residuals / len(points)
    return means, covariance


def _best_kmeans(points: Points, n_clusters: int, n_init: int, seed: int) -> KMeans:
    # The best of several runs on a sample of large data, continued on all points.
    n_sampled = max(MAX_KMEANS_ROWS, MIN_ROWS_PER_CLUSTER * n_clusters)
    sample = subsample(len(points), n_sampled, np.random.RandomState(seed))
    kmeans = KMeans(n_clusters, n_init=n_init, max_iter=1000, random_state=seed)
    kmeans.fit(points[sample])
    if len(sample) == len(points):
        return kmeans
    start = kmeans.cluster_centers_
    return KMeans(n_clusters, init=start, n_init=1, max_iter=1000, random_state=seed).fit(points)


def _from_kmeans(kmeans: KMeans, points: Points) -> Clusters:
    centers = kmeans.cluster_centers_.astype(np.float64)
    width = points.shape[1]
    # In units of the spread within clusters, so that responsibilities do not depend on the scale.
    spread = max(np.sqrt(kmeans.inertia_ / points.size), 1e-12 * max(np.abs(centers).max(), 1.0))
    projection = np.eye(width) / spread
    return Clusters(np.zeros(width), projection, centers / spread, np.zeros(len(centers)))


def fit_mixture(points: Points, n_clusters: int, n_init: int, seed: int) -> Clusters:
    """Fit a Gaussian mixture of tied covariance to points of shape (n, c).

    The likelier of two fits is returned: one starts from the best of ``n_init`` runs of k-means,
    which splits large clusters, the other from a normalised cut, which does not.
    """
    kmeans = _best_kmeans(points, n_clusters, n_init, seed)
    cut_rows = subsample(len(points), MAX_CUT_ROWS, np.random.RandomState(seed))
    cut = normalized_cut(points[cut_rows].astype(np.float64), n_clusters, seed)
    all_rows = np.arange(len(points))
    fits = [
        _fit_from(points, rows, np.eye(n_clusters)[labels], seed)
        for rows, labels in ((all_rows, kmeans.labels_), (cut_rows, cut))
    ]
    return max(fits, key=lambda fit: fit[1])[0]


def fit_mixture_from(points: Points, responsibilities: Matrix, seed: int) -> Clusters:
    """Fit a Gaussian mixture of tied covariance, starting from responsibilities of shape (n, k).

    Rows of ``responsibilities`` sum to one; the clusters keep the order of its columns.
    """
    return _fit_from(points, np.arange(len(points)), responsibilities, seed)[0]


def _fit_from(
    points: Points, rows: NDArray[np.intp], responsibilities: Matrix, seed: int
) -> tuple[Clusters, float]:
    # Expectation-maximisation on all points, starting from the responsibilities of some rows.
    # Returns the clusters and the lower bound of their log-likelihood.
    pca = fit_pca(points, MAX_COMPONENTS, seed)
    projected = pca.transform(points.astype(np.float64))
    n, k = len(rows), responsibilities.shape[1]
    floor = max(COVARIANCE_FLOOR * float(projected.var(axis=0).mean()), 1e-12)
    # Not zero, as a cluster that is empty at the start may still gain rows.
    mass = np.maximum(responsibilities.sum(axis=0), 1e-3 * n / k)
    means = responsibilities.T @ projected[rows] / mass[:, None]
    within = (projected[rows].T @ projected[rows] - means.T @ (mass[:, None] * means)) / n
    covariance = within + floor * np.eye(projected.shape[1])
    mixture = GaussianMixture(
        k,
        covariance_type="tied",
        tol=1e-5,
        reg_covar=floor,
        weights_init=mass / mass.sum(),
        means_init=means,
        precisions_init=np.linalg.inv(covariance),
        init_params="random_from_data",  # cheap, and overridden by the three arguments above
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the last iteration is good enough
        mixture.fit(projected)
    whitening = mixture.precisions_cholesky_
    clusters = Clusters(
        origin=pca.mean_,
        projection=pca.components_.T @ whitening,
        means=mixture.means_ @ whitening,
        log_weights=np.log(mixture.weights_),
    )
    return clusters, float(mixture.lower_bound_)
