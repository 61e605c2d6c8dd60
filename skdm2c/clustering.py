"""From points in the unified space to clusters: k-means and nearest centres."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import pairwise_distances_argmin

from ._threads import single_threaded

Points = NDArray[np.floating]
Labels = NDArray[np.int32]


@single_threaded
def fit_centers(points: Points, n_clusters: int, n_init: int, seed: int) -> Points:
    """Centres of the best of several runs of k-means.

    Parameters
    ----------
    points : ndarray of shape (n, c)
    n_clusters, n_init, seed : int

    Returns
    -------
    ndarray of shape (n_clusters, c)

    Examples
    --------
    >>> points = np.array([[0.0], [0.2], [9.0]])
    >>> np.sort(fit_centers(points, 2, 3, 0), axis=0)
    array([[0.1],
           [9. ]])
    """
    kmeans = KMeans(n_clusters, n_init=n_init, max_iter=1000, random_state=seed)
    centers: Points = kmeans.fit(points).cluster_centers_
    return centers


def nearest_center(points: Points, centers: Points) -> Labels:
    """Label of the nearest centre, for each point.

    Parameters
    ----------
    points : ndarray of shape (n, c)
    centers : ndarray of shape (k, c)

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> nearest_center(np.array([[0.0], [8.0]]), np.array([[0.1], [9.0]]))
    array([0, 1], dtype=int32)
    """
    if len(points) == 0:
        return np.empty(0, dtype=np.int32)
    labels: Labels = pairwise_distances_argmin(points, centers).astype(np.int32)
    return labels
