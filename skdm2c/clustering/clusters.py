"""Clustering of one modality, or of all rows together, by the chosen assignment."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from ..data.rows import FloatRows, Matrix
from .mixture import Clusters, best_order, fit_kmeans, fit_mixture, fit_mixture_from

AssignmentName = Literal["mixture", "kmeans"]


@dataclass(frozen=True)
class ClusteringSettings:
    """Parameters of the clustering, as in :class:`skdm2c.MixedModalClustering`."""

    n_clusters: int
    assignment: AssignmentName
    n_init: int


class ModalityClusters(NamedTuple):
    """Labels of shape (n,) and responsibilities of shape (n, k) of the rows of one modality.

    Columns of the responsibilities beyond the modality's number of clusters are zero.
    """

    labels: NDArray[np.int32]
    responsibilities: Matrix

    def numbered_like(self, labels: NDArray[np.integer]) -> ModalityClusters:
        """Renumber the clusters such that most rows keep their number in other ``labels``.

        All columns of the responsibilities must be in use; other labels beyond them are ignored.
        """
        is_number = labels[:, None] == np.arange(self.responsibilities.shape[1])
        order = best_order(is_number.astype(float), self.labels)
        numbers = np.argsort(order).astype(self.labels.dtype)
        return ModalityClusters(numbers[self.labels], self.responsibilities[:, order])


def cluster_modality(
    z: FloatRows, n_clusters: int, settings: ClusteringSettings, seed: int
) -> ModalityClusters:
    """Cluster the latents ``z`` of one modality, of shape (n, c), into ``n_clusters`` clusters."""
    fit = fit_kmeans if settings.assignment == "kmeans" else fit_mixture
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct rows than clusters
        clusters = fit(z, n_clusters, settings.n_init, seed)
    responsibilities = np.zeros((len(z), settings.n_clusters))
    responsibilities[:, :n_clusters] = clusters.responsibilities(z)
    return ModalityClusters(clusters.assign(z), responsibilities)


def cluster_unified(
    points: FloatRows, start: Matrix | None, settings: ClusteringSettings, seed: int
) -> Clusters:
    """Cluster the rows of all modalities, points of shape (n, c) in the unified space.

    ``start`` holds the matched responsibilities, of shape (n, k), which number the clusters and
    start the mixture; without them, clusters are numbered arbitrarily.
    """
    if settings.assignment == "kmeans":
        clusters = fit_kmeans(points, settings.n_clusters, settings.n_init, seed)
        return clusters if start is None else clusters.numbered_like(start, points)
    if start is None:
        return fit_mixture(points, settings.n_clusters, settings.n_init, seed)
    return fit_mixture_from(points, start, seed)
