"""Label-free quality of a clustering: the estimator's ``score``.

It combines three criteria, all computed from the data, as a model could shrink a learned space
until any clustering scores well. Neighbouring rows should be in one cluster; the modalities
should agree on the proportions of the clusters; and clusters that are far apart in one modality
should be far apart in the others.
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
    """Properties of k clusters in the data of one modality.

    ``separation`` is the modularity of the clusters in the graph of nearest neighbours: their
    ``cohesion``, minus the value expected by chance. It is at most 1 - 1 / k.
    """

    separation: float
    cohesion: float  # proportion of the edges that connect rows of the same cluster
    shares: Matrix  # proportion of the rows in each cluster, of shape (k,)
    distances: Matrix  # mean distance between rows of two clusters, (k, k); 0 if one is empty


def profile(x: Rows, labels: NDArray[np.integer], n_clusters: int, seed: int = 0) -> ClusterProfile:
    """Describe the clusters of one modality, given its n scaled rows and their labels.

    Distances and neighbours are computed for a random sample of at most 2,000 rows.
    """
    shares = np.bincount(labels, minlength=n_clusters) / len(labels)
    if len(labels) < 2:
        return ClusterProfile(0.0, 1.0, shares, np.zeros((n_clusters, n_clusters)))
    rows = subsample(len(x), MAX_ROWS, np.random.RandomState(seed))
    points = principal_components(x[rows], enough_components(n_clusters), seed)
    membership = np.eye(n_clusters)[labels[rows]]
    averaging = membership / np.maximum(membership.sum(axis=0), 1)
    # Of several distances that were tried, locally scaled ones in 30 principal components most
    # often distinguished a correct matching from a wrong one.
    distances = averaging.T @ locally_scaled(pairwise_distances(points)) @ averaging
    # Newman, "Modularity and community structure in networks", PNAS 2006.
    graph = close_rows(points, N_NEIGHBORS)
    edges = membership.T @ (graph @ membership) / graph.sum()
    cohesion = float(np.trace(edges))
    separation = cohesion - float(np.square(edges.sum(axis=0)).sum())
    return ClusterProfile(separation, cohesion, shares, distances)


def label_free_score(
    profiles: Mapping[int, ClusterProfile], fitted_profiles: Sequence[ClusterProfile]
) -> float:
    """Score the clusters of some modalities, by number, against those of all modalities in fit.

    The score is the mean over the modalities of their separation times their mean
    :func:`agreement` with the other modalities. It lies between -0.5 and 1.
    """
    return float(
        np.mean(
            [
                own_profile.separation
                * np.mean(
                    [
                        agreement(own_profile, other_profile)
                        for other, other_profile in enumerate(fitted_profiles)
                        if other != m
                    ]
                )
                for m, own_profile in profiles.items()
            ]
        )
    )


def agreement(one: ClusterProfile, other: ClusterProfile) -> float:
    """Measure how well two modalities agree on proportions of and distances between clusters.

    The agreement is (1 - s) (1 + r) / 2, in [0, 1], where s is the Jensen-Shannon divergence of
    the proportions in bits and r the correlation of the distances, 0 if there are fewer than 3.

    Examples
    --------
    Clusters on a line, compared with themselves and after swapping two of them:

    >>> position, thirds = np.array([0.0, 1.0, 5.0]), np.full(3, 1 / 3)
    >>> line = ClusterProfile(1.0, 1.0, thirds, np.abs(position[:, None] - position))
    >>> swapped = ClusterProfile(1.0, 1.0, thirds, line.distances[[2, 1, 0]][:, [2, 1, 0]])
    >>> round(agreement(line, line), 2), round(agreement(line, swapped), 2)
    (1.0, 0.48)
    """
    divergence = float(np.square(jensenshannon(one.shares, other.shares, base=2)))
    common = np.flatnonzero((one.shares > 0) & (other.shares > 0))
    upper_triangle = np.triu_indices(len(common), 1)
    a, b = (p.distances[np.ix_(common, common)][upper_triangle] for p in (one, other))
    if len(a) < 3 or min(np.ptp(a), np.ptp(b)) < 1e-12:
        return (1 - divergence) / 2
    return float((1 - divergence) * (1 + np.corrcoef(a, b)[0, 1]) / 2)
