"""Summarise the rows of a modality by a few dozen prototypes with known clusters."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import normalize

from ..clustering.neighbors import enough_components, fit_pca
from ..data.rows import Matrix, subsample
from .base import ModalityView
from .distances import DISTANCES, N_NEIGHBORS, Distances, distances

MIN_RELATIVE_MASS = 1e-2  # of the mean mass; lighter prototypes go when clusters are left out
MANY_CLUSTERS = 36  # from here on clusters are the prototypes: k-means would split and merge them
MAX_MEAN_ROWS = 20_000  # rows whose means stand for many clusters


@dataclass(frozen=True)
class Prototypes:
    """Groups of rows, the mean distances between them, and the clusters of their rows."""

    masses: Matrix  # (p,): proportion of the rows in each prototype
    distances: dict[str, Matrix]  # by kind, (p, p): mean distances between and within prototypes
    clusters: Matrix  # (p, k): mass that each prototype shares with each cluster; sums to one
    half: int  # 0 or 1: the half of the rows that was grouped; the halves are disjoint
    anchors: dict[str, Matrix]  # by kind, (p, m): mean distances to the m rows with known partners

    def without(self, clusters: Sequence[int]) -> Prototypes:
        """Leave out clusters, and the prototypes that hold hardly any other rows."""
        masses_by_cluster = np.delete(self.clusters, clusters, axis=1)
        masses = masses_by_cluster.sum(axis=1)
        rows = masses > MIN_RELATIVE_MASS * masses.sum() / len(masses)
        if not rows.any():  # no row is in any other cluster: spread the mass evenly
            masses_by_cluster = np.full_like(masses_by_cluster, 1 / masses_by_cluster.size)
            rows = np.ones(len(masses_by_cluster), dtype=bool)
        total = masses_by_cluster[rows].sum()
        return replace(
            self,
            masses=masses_by_cluster[rows].sum(axis=1) / total,
            distances={name: d[np.ix_(rows, rows)] for name, d in self.distances.items()},
            clusters=masses_by_cluster[rows] / total,
            anchors={name: d[rows] for name, d in self.anchors.items()},
        )


@dataclass(frozen=True)
class Problem:
    """Two sets of p and q prototypes to be coupled, both with the same number of clusters."""

    left: Prototypes
    right: Prototypes
    affinity: Matrix  # (p, q): evidence, other than distances, that two prototypes correspond

    @classmethod
    def of(cls, left: Prototypes, right: Prototypes) -> Problem:
        """Create a problem without evidence other than distances."""
        return cls(left, right, np.zeros((len(left.masses), len(right.masses))))


def draw_prototypes(
    modality: ModalityView,
    rng: np.random.RandomState,
    n_drawings: int,
    max_prototypes: int,
    max_rows: int,
) -> list[Prototypes]:
    """Group random halves of each cluster's rows ``n_drawings`` times; the halves alternate.

    Only ``max_rows`` rows, sampled at random, are grouped; anchors come on top of them. With
    many clusters the prototypes are the clusters, see :func:`cluster_prototypes`.
    """
    if modality.n_clusters >= MANY_CLUSTERS:
        return cluster_prototypes(modality, rng, max_rows)
    # Halves are used because a matching can succeed by accidents of a sample: matching a half
    # with the other half of the same modality shows how well a matching can do at best.
    sample = subsample(len(modality.rows), max_rows, rng)
    n_components = enough_components(modality.n_clusters)
    pca = fit_pca(modality.rows[sample], n_components, rng.randint(2**31 - 1))
    points = pca.transform(modality.rows[sample])
    directions = normalize(points)
    z, labels = modality.latents[sample].astype(np.float64), modality.labels[sample]
    spaces = directions, np.hstack([_unit_scale(directions), _unit_scale(z - z.mean(axis=0))])
    within = distances(points)
    to_anchors = _distances_to_anchors(modality, sample, pca)
    halves = _stratified_halves(np.arange(len(sample)), labels, rng)
    sets = []
    for i in range(n_drawings):
        half, space = halves[i % 2], spaces[i // 2 % 2]  # both halves in one space, then the other
        n_groups = n_prototypes(len(half), modality.n_clusters, max_prototypes)
        groups = _group(space[half], n_groups, rng.randint(2**31 - 1))
        clusters = labels[half], modality.n_clusters
        sets.append(summarise(within, half, groups, *clusters, i % 2, to_anchors))
    return sets


def cluster_prototypes(
    modality: ModalityView, rng: np.random.RandomState, max_rows: int
) -> list[Prototypes]:
    """Make each cluster a prototype, once by the means of each half of its rows.

    Time and memory grow with the number of rows, and with the square of the number of clusters.
    """
    pca = fit_pca(
        modality.rows[subsample(len(modality.rows), max_rows, rng)],
        enough_components(modality.n_clusters),
        rng.randint(2**31 - 1),
    )
    sample = subsample(len(modality.rows), MAX_MEAN_ROWS, rng)
    points, labels = pca.transform(modality.rows[sample]), modality.labels[sample]
    anchors = pca.transform(modality.rows[modality.paired]) if len(modality.paired) else None
    sets = []
    for i, half in enumerate(_stratified_halves(np.arange(len(sample)), labels, rng)):
        nonempty, groups = np.unique(labels[half], return_inverse=True)
        member = _one_hot(groups, len(nonempty))
        means = (member / member.sum(axis=0)).T @ points[half]
        masses = member.mean(axis=0)
        sets.append(
            Prototypes(
                masses=masses,
                distances=_between_means(means),
                clusters=masses[:, None] * _one_hot(nonempty, modality.n_clusters),
                half=i,
                anchors=_from_means(means, anchors),
            )
        )
    return sets


def n_prototypes(n_rows: int, n_clusters: int, max_prototypes: int) -> int:
    """Return the number of prototypes: one for every four rows, but at least one per cluster.

    There are at most ``max_prototypes``, unless there are more clusters.

    Examples
    --------
    >>> [n_prototypes(n, k, 36) for n, k in ((500, 10), (40, 3), (500, 60), (2, 3))]
    [36, 10, 60, 2]
    """
    least = min(n_clusters, n_rows)
    return max(least, min(max_prototypes, n_rows // 4))


def summarise(
    within: Distances,
    rows: NDArray[np.integer],
    groups: NDArray[np.integer],
    labels: NDArray[np.integer],
    n_clusters: int,
    half: int,
    to_anchors: Distances,
) -> Prototypes:
    """Summarise m grouped rows by means over their groups.

    ``within`` holds the distances between all n rows and ``to_anchors`` those to the anchors.
    ``rows`` selects the m rows; ``groups`` and ``labels``, of shape (m,), are theirs.
    """
    member = _one_hot(groups, int(groups.max()) + 1)
    mean_of = (member / member.sum(axis=0)).astype(np.float32)
    return Prototypes(
        masses=member.mean(axis=0),
        distances={
            kind: ((mean_of.T @ d[rows])[:, rows] @ mean_of).astype(np.float64)
            for kind, d in within.items()
        },
        clusters=member.T @ _one_hot(labels, n_clusters) / len(rows),
        half=half,
        anchors={kind: (mean_of.T @ d[rows]).astype(np.float64) for kind, d in to_anchors.items()},
    )


def shared_mass(left: Prototypes, right: Prototypes, couplings: NDArray[np.floating]) -> Matrix:
    """Sum couplings of prototypes, of shape (s, p, q), to masses of clusters, (s, k, k)."""
    of_left, of_right = (p.clusters / p.masses[:, None] for p in (left, right))
    mass: Matrix = of_left.T @ couplings.astype(np.float64) @ of_right
    return mass


def cluster_sizes(sets: Sequence[Prototypes]) -> Matrix:
    """Return the proportion of the rows in each cluster, averaged over the sets; shape (k,)."""
    sizes: Matrix = np.mean([p.clusters.sum(axis=0) for p in sets], axis=0)
    return sizes


def _distances_to_anchors(modality: ModalityView, sample: NDArray[np.intp], pca: PCA) -> Distances:
    # Anchors must not enter the distances within the sample: rows that happen to have known
    # partners need not represent all clusters in proportion.
    if len(modality.paired) == 0:
        return {kind: np.empty((len(sample), 0), dtype=np.float32) for kind in DISTANCES}
    both = np.union1d(sample, modality.paired)
    positions = tuple(np.searchsorted(both, rows) for rows in (sample, modality.paired))
    return {
        kind: d[np.ix_(*positions)]
        for kind, d in distances(pca.transform(modality.rows[both])).items()
    }


def _from_means(means: Matrix, anchors: Matrix | None) -> dict[str, Matrix]:
    if anchors is None:
        return {kind: np.empty((len(means), 0)) for kind in DISTANCES}
    all_distances = _between_means(np.vstack([means, anchors]))
    return {kind: d[: len(means), len(means) :] for kind, d in all_distances.items()}


def _between_means(means: Matrix) -> dict[str, Matrix]:
    # The graph has many neighbours, as each mean stands for a whole cluster.
    n_neighbors = min(N_NEIGHBORS, len(means) // 4)
    return {kind: d.astype(np.float64) for kind, d in distances(means, n_neighbors).items()}


def _stratified_halves(
    rows: NDArray[np.intp], labels: NDArray[np.integer], rng: np.random.RandomState
) -> list[NDArray[np.intp]]:
    # Every cluster is halved: with unequal parts a small cluster would look like another one.
    shuffled = rng.permutation(rows)
    by_cluster = shuffled[np.argsort(labels[shuffled], kind="stable")]
    return [np.sort(by_cluster[half::2]) for half in range(2)]


def _group(points: Matrix, n_groups: int, seed: int) -> NDArray[np.intp]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # duplicate rows give fewer groups
        groups = KMeans(n_groups, n_init=1, random_state=seed).fit_predict(points)
    return np.unique(groups, return_inverse=True)[1].astype(np.intp)


def _one_hot(codes: NDArray[np.integer], n: int) -> Matrix:
    one_hot: Matrix = np.eye(n)[codes]
    return one_hot


def _unit_scale(points: Matrix) -> Matrix:
    scale = np.maximum(np.sqrt(np.square(points).mean(axis=0)), 1e-12)
    scaled: Matrix = points / scale / np.sqrt(points.shape[1])
    return scaled
