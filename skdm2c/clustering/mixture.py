"""From points to clusters: k-means as in the paper, or a mixture of Gaussians of one shape."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, linear_sum_assignment
from scipy.special import softmax
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from ..data.rows import Matrix, subsample
from .neighbors import fit_pca
from .spectral import normalized_cut

Points = NDArray[np.floating]
Labels = NDArray[np.int32]

MAX_COMPONENTS = 20  # a covariance of more directions is mostly noise
COVARIANCE_FLOOR = 1e-2  # of the mean variance
MAX_LOG_TEMPERATURE = 10.0
MAX_CUT_ROWS = 5000  # of a sample that starts the mixture
EMPTY = 1e-6  # rows that a cluster has at most to be none
MAX_PART = 2**16  # points that are looked at together, as each takes several times its size


@dataclass(frozen=True)
class Clusters:
    """Clusters as regions of a space: Gaussians that differ in place and weight, not in shape.

    A point x belongs most to the cluster c of least ‖P(x - o) - μ_c‖² / 2 - log w_c. With P
    a number and equal weights that is the nearest centre of k-means.

    Attributes
    ----------
    origin : ndarray of shape (c,)
    projection : ndarray of shape (c, p)
        P; where it is a mixture's, the shape's inverse square root.
    means : ndarray of shape (k, p)
    log_weights : ndarray of shape (k,)

    Examples
    --------
    >>> two = Clusters(np.zeros(1), np.eye(1), np.array([[0.0], [4.0]]), np.log([0.5, 0.5]))
    >>> two.assign(np.array([[1.0], [3.0]]))
    array([0, 1], dtype=int32)
    >>> two.responsibilities(np.array([[2.0]]))
    array([[0.5, 0.5]])
    """

    origin: Matrix
    projection: Matrix
    means: Matrix
    log_weights: Matrix

    def assign(self, points: Points) -> Labels:
        """Cluster of each point, shape (n,)."""
        labels: Labels = np.empty(len(points), dtype=np.int32)
        for part in _parts(points):
            labels[part] = self._log_shares(points[part]).argmax(axis=1)
        return labels

    def responsibilities(self, points: Points, temperature: float = 1.0) -> Matrix:
        """Responsibility of each cluster for each point, shape (n, k); rows sum to one.

        Parameters
        ----------
        points : ndarray of shape (n, c)
        temperature : float, default=1.0
            What log-responsibilities are divided by: the higher, the less sure.

        Returns
        -------
        ndarray of shape (n, k)
        """
        responsibilities: Matrix = np.empty((len(points), len(self.means)))
        for part in _parts(points):
            responsibilities[part] = softmax(self._log_shares(points[part]) / temperature, axis=1)
        return responsibilities

    def temperature(self, points: Points, certainty: float) -> float:
        """Find the temperature at which the likeliest clusters of points are so likely on average.

        Parameters
        ----------
        points : ndarray of shape (n, c)
        certainty : float
            In [0, 1].

        Returns
        -------
        float
            At least 1, and at most exp(10), where the certainty cannot be had.
        """
        log_shares = self._log_shares(points)

        def excess(log_temperature: float) -> float:
            responsibilities = softmax(log_shares / np.exp(log_temperature), axis=1)
            return float(responsibilities.max(axis=1).mean()) - certainty

        if excess(0.0) <= 0:
            return 1.0
        if excess(MAX_LOG_TEMPERATURE) >= 0:
            return float(np.exp(MAX_LOG_TEMPERATURE))
        root = brentq(excess, 0.0, MAX_LOG_TEMPERATURE, xtol=1e-3)
        return float(np.exp(root))

    def centers(self, points: Points) -> Matrix:
        """Mean of the points of each cluster; shape (k, c), zero where there are none."""
        k = len(self.means)
        mass, total = np.zeros(k), np.zeros((k, points.shape[1]))
        for part in _parts(points):
            member = np.eye(k)[self.assign(points[part])]
            mass += member.sum(axis=0)
            total += member.T @ points[part].astype(np.float64)
        centers: Matrix = total / np.maximum(mass, np.finfo(float).tiny)[:, None]
        return centers

    def numbered_like(self, responsibilities: Matrix, points: Points) -> Clusters:
        """Renumber clusters by the columns of ``responsibilities`` they agree with most.

        Parameters
        ----------
        responsibilities : ndarray of shape (n, k)
            What each point belongs to, in the numbers wanted.
        points : ndarray of shape (n, c)

        Returns
        -------
        Clusters
        """
        mine = np.eye(len(self.means))[self.assign(points)]
        order = linear_sum_assignment(-responsibilities.T @ mine)[1]
        return replace(self, means=self.means[order], log_weights=self.log_weights[order])

    def _log_shares(self, points: Points) -> Matrix:
        # Up to a term that is the same for all clusters.
        at = (points.astype(np.float64) - self.origin) @ self.projection
        log: Matrix = at @ self.means.T - np.square(self.means).sum(axis=1) / 2 + self.log_weights
        return log


def _parts(points: Points) -> Iterator[slice]:
    for start in range(0, len(points), MAX_PART):
        yield slice(start, start + MAX_PART)


def fit_kmeans(points: Points, n_clusters: int, n_init: int, seed: int) -> Clusters:
    """Clusters of the best of several runs of k-means.

    Parameters
    ----------
    points : ndarray of shape (n, c)
    n_clusters, n_init, seed : int

    Returns
    -------
    Clusters

    Examples
    --------
    >>> points = np.array([[0.0], [0.2], [9.0]])
    >>> np.sort(fit_kmeans(points, 2, 3, 0).centers(points), axis=0)
    array([[0.1],
           [9. ]])
    """
    return _regions(
        KMeans(n_clusters, n_init=n_init, max_iter=1000, random_state=seed).fit(points), points
    )


def fit_kmeans_from(points: Points, responsibilities: Matrix) -> Clusters:
    """Clusters of k-means, starting where one is told.

    Parameters
    ----------
    points : ndarray of shape (n, c)
    responsibilities : ndarray of shape (n, k)
        What each point belongs to at the start.

    Returns
    -------
    Clusters
        In the order of the columns of ``responsibilities``.

    Examples
    --------
    >>> points = np.array([[0.0], [0.2], [9.0], [9.1]])
    >>> responsibilities = np.array([[0.1, 0.9], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]])
    >>> fit_kmeans_from(points, responsibilities).assign(points)
    array([1, 1, 0, 0], dtype=int32)
    """
    start = cluster_means(points, responsibilities)
    kmeans = KMeans(len(start), init=start, n_init=1, max_iter=1000, random_state=0).fit(points)
    return _regions(kmeans, points)


def cluster_means(points: Points, responsibilities: Matrix) -> Matrix:
    """Mean of the points of each cluster, by their responsibilities.

    Parameters
    ----------
    points : ndarray of shape (n, c)
    responsibilities : ndarray of shape (n, k)

    Returns
    -------
    ndarray of shape (k, c)
        A cluster that nobody belongs to lies in the middle of all.

    Examples
    --------
    >>> of_cluster = np.array([[1, 0], [0.5, 0], [0, 0]])
    >>> cluster_means(np.array([[0.0], [4.0], [8.0]]), of_cluster).round(2)
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
    """Means of clusters, and the one covariance within them.

    Parameters
    ----------
    points : ndarray of shape (n, c)
    responsibilities : ndarray of shape (n, k)

    Returns
    -------
    means : ndarray of shape (k, c)
    covariance : ndarray of shape (c, c)

    Examples
    --------
    >>> points = np.array([[0.0], [4.0], [10.0], [14.0]])
    >>> means, covariance = cluster_moments(points, np.repeat(np.eye(2), 2, axis=0))
    >>> means.ravel(), covariance
    (array([ 2., 12.]), array([[4.]]))
    """
    means = cluster_means(points, responsibilities)
    within = points - responsibilities @ means
    covariance: Matrix = within.T @ within / len(points)
    return means, covariance


def _regions(kmeans: KMeans, points: Points) -> Clusters:
    centers = kmeans.cluster_centers_.astype(np.float64)
    width = points.shape[1]
    # In units of the spread within clusters, so that responsibilities do not depend on the scale.
    spread = max(np.sqrt(kmeans.inertia_ / points.size), 1e-12 * max(np.abs(centers).max(), 1.0))
    unit = np.eye(width) / spread
    return Clusters(np.zeros(width), unit, centers / spread, np.zeros(len(centers)))


def fit_mixture(points: Points, n_clusters: int, n_init: int, seed: int) -> Clusters:
    """Clusters of a mixture of Gaussians of one covariance: the likelier of two local optima.

    One starts from k-means, which splits large groups; one from the normalised cut of the
    points' neighbour graph, which does not.

    Parameters
    ----------
    points : ndarray of shape (n, c)
    n_clusters : int
    n_init : int
        Runs of k-means for the first start.
    seed : int

    Returns
    -------
    Clusters

    Examples
    --------
    Two long parallel clusters, which k-means would cut across:

    >>> rng = np.random.RandomState(0)
    >>> points = rng.randn(300, 2) * [4, 0.5] + np.repeat([[0, 0], [0, 6]], 150, axis=0)
    >>> labels = fit_mixture(points, 2, 10, seed=0).assign(points)
    >>> int(np.bincount(labels[:150]).max()), int(np.bincount(labels[150:]).max())
    (150, 150)
    """
    kmeans = KMeans(n_clusters, n_init=n_init, random_state=seed).fit(points)
    rows = subsample(len(points), MAX_CUT_ROWS, np.random.RandomState(seed))
    cut = normalized_cut(points[rows].astype(np.float64), n_clusters, seed)
    every = np.arange(len(points))
    found = [
        _fit_from(points, start, np.eye(n_clusters)[labels], seed)
        for start, labels in ((every, kmeans.labels_), (rows, cut))
    ]
    return max(found, key=lambda pair: pair[1])[0]


def fit_mixture_from(points: Points, responsibilities: Matrix, seed: int) -> Clusters:
    """Clusters of a mixture of Gaussians of one covariance, starting where one is told.

    Parameters
    ----------
    points : ndarray of shape (n, c)
    responsibilities : ndarray of shape (n, k)
        What each point belongs to at the start; rows sum to one.
    seed : int

    Returns
    -------
    Clusters
        In the order of the columns of ``responsibilities``.

    Examples
    --------
    >>> points = np.array([[0.0], [0.2], [9.0], [9.1]])
    >>> responsibilities = np.array([[0.1, 0.9], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]])
    >>> fit_mixture_from(points, responsibilities, seed=0).assign(points)
    array([1, 1, 0, 0], dtype=int32)
    """
    return _fit_from(points, np.arange(len(points)), responsibilities, seed)[0]


def _fit_from(
    points: Points, rows: NDArray[np.intp], responsibilities: Matrix, seed: int
) -> tuple[Clusters, float]:
    # Expectation-maximisation from what the given rows belong to; also its likelihood.
    pca = fit_pca(points, MAX_COMPONENTS, seed)
    at = pca.transform(points.astype(np.float64))
    n, k = len(rows), responsibilities.shape[1]
    floor = max(COVARIANCE_FLOOR * float(at.var(axis=0).mean()), 1e-12)
    mass = np.maximum(
        responsibilities.sum(axis=0), 1e-3 * n / k
    )  # an empty cluster may yet find rows
    means = responsibilities.T @ at[rows] / mass[:, None]
    within = (at[rows].T @ at[rows] - means.T @ (mass[:, None] * means)) / n
    covariance = within + floor * np.eye(at.shape[1])
    mixture = GaussianMixture(
        k,
        covariance_type="tied",
        tol=1e-5,
        reg_covar=floor,
        weights_init=mass / mass.sum(),
        means_init=means,
        precisions_init=np.linalg.inv(covariance),
        init_params="random_from_data",  # not used, as all is given
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the last step is good enough
        mixture.fit(at)
    whiten = mixture.precisions_cholesky_
    clusters = Clusters(
        origin=pca.mean_,
        projection=pca.components_.T @ whiten,
        means=mixture.means_ @ whiten,
        log_weights=np.log(mixture.weights_),
    )
    return clusters, float(mixture.lower_bound_)
