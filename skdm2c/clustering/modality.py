"""Clusters of one modality by itself."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from ..data.rows import FloatRows, Matrix
from .mixture import fit_kmeans, fit_mixture

AssignmentName = Literal["mixture", "kmeans"]


@dataclass(frozen=True)
class ClusteringSettings:
    """How points become clusters; see :class:`skdm2c.MixedModalClustering`."""

    n_clusters: int
    assignment: AssignmentName
    n_init: int


class ModalityClusters(NamedTuple):
    """Clusters of one modality.

    Attributes
    ----------
    labels : ndarray of int of shape (n,)
    responsibilities : ndarray of shape (n, k)
        What each row belongs to; columns beyond the modality's own number are zero.
    """

    labels: NDArray[np.int32]
    responsibilities: Matrix


def cluster_modality(
    z: FloatRows, n_clusters: int, settings: ClusteringSettings, seed: int
) -> ModalityClusters:
    """Cluster a modality by itself.

    Parameters
    ----------
    z : ndarray of shape (n, c)
        Its latents.
    n_clusters : int
        Of its own; of fewer rows as many.
    settings : ClusteringSettings
    seed : int

    Returns
    -------
    ModalityClusters
    """
    n = min(n_clusters, len(z))
    fit = fit_kmeans if settings.assignment == "kmeans" else fit_mixture
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct rows than clusters
        clusters = fit(z, n, settings.n_init, seed)
    responsibilities = np.zeros((len(z), settings.n_clusters))
    responsibilities[:, :n] = clusters.responsibilities(z)
    return ModalityClusters(clusters.assign(z), responsibilities)
