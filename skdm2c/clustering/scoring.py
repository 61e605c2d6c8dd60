"""How good a clustering looks without labels: the estimator's ``score``.

Three questions, none of them asked in a learned space, which a model could shrink until any
answer looks good. Are neighbours in the data in one cluster? Do the modalities give the
clusters the same shares? Are clusters that are far apart in one modality so in the others?
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon
from sklearn.metrics import pairwise_distances

from ..data.rows import Matrix, Rows, subsample
from .neighbors import close_rows, enough_components, locally_scaled, principal_components

MAX_ROWS = 2000
N_NEIGHBORS = 15


@dataclass(frozen=True)
class ClusterProfile:
    """What the clusters of one modality are like, in its own data.

    Attributes
    ----------
    separation : float
        Modularity of the clusters in the graph of nearest neighbours: the share of its edges
        that stay within a cluster, less the share that would by chance. 0 where all rows are
        in one cluster; at most 1 - 1 / k.
    cohesion : float
        Share of the edges that stay within a cluster: how often neighbours are in the same.
    shares : ndarray of shape (k,)
        Of the rows.
    distances : ndarray of shape (k, k)
        Mean distances between the rows of two clusters; zero where one has none.
    """

    separation: float
    cohesion: float
    shares: Matrix
    distances: Matrix


def profile(x: Rows, labels: NDArray[np.integer], n_clusters: int, seed: int = 0) -> ClusterProfile:
    """Describe the clusters of one modality.

    Parameters
    ----------
    x : Rows of shape (n, d)
        Scaled.
    labels : ndarray of int of shape (n,)
        From 0 to ``n_clusters`` - 1.
    n_clusters : int
    seed : int, default=0
        Draws at most 2000 rows, between which distances are measured.

    Returns
    -------
    ClusterProfile

    Notes
    -----
    Distances are Euclidean ones in 30 principal components, over the geometric mean of both
    rows' distance to their 10th neighbour: of the kinds tried the one that most often told a
    right matching from a wrong one. Of more than 30 clusters, which were not tried, there are
    as many components.

    Examples
    --------
    >>> x, y = np.arange(200.0)[:, None], np.repeat([0, 1, 2, 2], 50)
    >>> found = profile(x, y, 3)
    >>> found.shares, round(found.separation, 1), profile(x, 0 * y, 3).separation
    (array([0.25, 0.25, 0.5 ]), 0.6, 0.0)
    """
    shares = np.bincount(labels, minlength=n_clusters) / len(labels)
    if len(labels) < 2:
        return ClusterProfile(0.0, 1.0, shares, np.zeros((n_clusters, n_clusters)))
    kept = subsample(len(x), MAX_ROWS, np.random.RandomState(seed))
    points = principal_components(x[kept], enough_components(n_clusters), seed)
    member = np.eye(n_clusters)[labels[kept]]
    mean_of = member / np.maximum(member.sum(axis=0), 1)
    distances = mean_of.T @ locally_scaled(pairwise_distances(points)) @ mean_of
    # Newman, "Modularity and community structure in networks", PNAS 2006.
    graph = close_rows(points, N_NEIGHBORS)
    edges = member.T @ (graph @ member) / graph.sum()
    cohesion = float(np.trace(edges))
    separation = cohesion - float(np.square(edges.sum(axis=0)).sum())
    return ClusterProfile(separation, cohesion, shares, distances)


def label_free_score(
    found: Mapping[int, ClusterProfile], remembered: Sequence[ClusterProfile]
) -> float:
    """How good clusters look, in the rows of some modalities.

    Parameters
    ----------
    found : mapping of int to ClusterProfile
        Of the modalities that the rows are of.
    remembered : sequence of ClusterProfile
        Of all modalities, in the fit.

    Returns
    -------
    float
        Mean over the modalities in ``found`` of the separation, times the mean over the
        other modalities of :func:`agreement`; between -0.5 and 1.
    """
    return float(
        np.mean(
            [
                mine.separation
                * np.mean([agreement(mine, o) for other, o in enumerate(remembered) if other != m])
                for m, mine in found.items()
            ]
        )
    )


def agreement(one: ClusterProfile, other: ClusterProfile) -> float:
    """How alike two modalities' clusters are in shares and in place.

    Parameters
    ----------
    one, other : ClusterProfile

    Returns
    -------
    float
        In [0, 1]: (1 - s) (1 + r) / 2, with s the Jensen-Shannon divergence of the shares in
        bits (1 where no cluster holds rows of both modalities) and r the correlation of the
        distances between clusters (0 where fewer than three clusters leave nothing to
        compare).

    Examples
    --------
    Clusters on a line, the same and with two of them swapped:

    >>> at, thirds = np.array([0.0, 1.0, 5.0]), np.full(3, 1 / 3)
    >>> line = ClusterProfile(1.0, 1.0, thirds, np.abs(at[:, None] - at))
    >>> swapped = ClusterProfile(1.0, 1.0, thirds, line.distances[[2, 1, 0]][:, [2, 1, 0]])
    >>> round(agreement(line, line), 2), round(agreement(line, swapped), 2)
    (1.0, 0.48)
    """
    divergence = float(np.square(jensenshannon(one.shares, other.shares, base=2)))
    both = np.flatnonzero((one.shares > 0) & (other.shares > 0))
    above = np.triu_indices(len(both), 1)
    a, b = (p.distances[np.ix_(both, both)][above] for p in (one, other))
    if len(a) < 3 or min(np.ptp(a), np.ptp(b)) < 1e-12:
        return (1 - divergence) / 2
    return float((1 - divergence) * (1 + np.corrcoef(a, b)[0, 1]) / 2)
