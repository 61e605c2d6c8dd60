"""A few dozen prototypes stand for the rows of a modality, and know their clusters."""

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
from .distances import DISTANCES, Distances, distances

HARDLY = 1e-2  # of the mean mass: a prototype that holds so little of some clusters is of others
MANY_CLUSTERS = 36  # from so many on each is a prototype: k-means would cut and join them


@dataclass(frozen=True)
class Prototypes:
    """Groups of some rows, the mean distances between them, and the clusters they hold.

    Attributes
    ----------
    masses : ndarray of shape (p,)
        Share of the rows.
    distances : dict of str to ndarray of shape (p, p)
        Mean distance between the rows of two prototypes; on the diagonal within one.
    clusters : ndarray of shape (p, k)
        Mass that each prototype shares with each cluster; sums to one.
    half : {0, 1}
        Which half of the rows was grouped: sets of different halves share no row.
    anchors : dict of str to ndarray of shape (p, m)
        Mean distance between the rows of a prototype and each of m rows that have a known
        partner in another modality.
    """

    masses: Matrix
    distances: dict[str, Matrix]
    clusters: Matrix
    half: int
    anchors: dict[str, Matrix]

    def without(self, clusters: Sequence[int]) -> Prototypes:
        """Leave clusters out, and the prototypes that hold hardly anything else.

        Parameters
        ----------
        clusters : sequence of int

        Returns
        -------
        Prototypes
        """
        kept = np.delete(self.clusters, clusters, axis=1)
        masses = kept.sum(axis=1)
        rows = masses > HARDLY * masses.sum() / len(masses)
        if not rows.any():  # they were all that there is
            kept, rows = np.full_like(kept, 1 / kept.size), np.ones(len(kept), dtype=bool)
        total = kept[rows].sum()
        return replace(
            self,
            masses=kept[rows].sum(axis=1) / total,
            distances={name: d[np.ix_(rows, rows)] for name, d in self.distances.items()},
            clusters=kept[rows] / total,
            anchors={name: d[rows] for name, d in self.anchors.items()},
        )


@dataclass(frozen=True)
class Problem:
    """Two sets of prototypes that are to be coupled.

    Attributes
    ----------
    left, right : Prototypes
        With p and q prototypes and the same number k of clusters.
    affinity : ndarray of shape (p, q)
        How far every two belong together by what is known apart from the distances; zero where
        nothing is.
    """

    left: Prototypes
    right: Prototypes
    affinity: Matrix

    @classmethod
    def of(cls, left: Prototypes, right: Prototypes) -> Problem:
        """Of prototypes of which nothing else is known."""
        return cls(left, right, np.zeros((len(left.masses), len(right.masses))))


def draw_prototypes(
    modality: ModalityView,
    rng: np.random.RandomState,
    n_drawings: int,
    most: int,
    max_rows: int,
) -> list[Prototypes]:
    """Group random halves of each cluster's rows, several times; many clusters are groups already.

    Halves, so that what two modalities have in common by the accident of a sample can be
    told from what they share: a half matched to the other half of the *same* modality
    shows how much a matching can find at best.

    Parameters
    ----------
    modality : ModalityView
        Distances are measured in the principal components of its rows; half of the
        groupings are made there, half there and in the latent space.
    rng : RandomState
    n_drawings : int
        Groupings to make; the halves alternate. Of 36 clusters or more two are made: more
        would be the same.
    most : int
        Prototypes of each that are enough, of fewer than 36 clusters.
    max_rows : int
        Rows that are grouped, drawn at random where there are more; anchors come on top.

    Returns
    -------
    list of Prototypes

    Examples
    --------
    >>> rng = np.random.RandomState(0)
    >>> X, y = rng.randn(40, 3), np.repeat([0, 1], 20)
    >>> sets = draw_prototypes(ModalityView(X, X, y, 2), rng, 8, most=36, max_rows=2000)
    >>> len(sets), sets[0].masses.shape, sets[0].clusters.shape
    (8, (5,), (5, 2))
    """
    sample = subsample(len(modality.rows), max_rows, rng)
    n_components = enough_components(modality.n_clusters)
    pca = fit_pca(modality.rows[sample], n_components, rng.randint(2**31 - 1))
    points = pca.transform(modality.rows[sample])
    directions = normalize(points)
    z, labels = modality.latents[sample].astype(np.float64), modality.labels[sample]
    spaces = directions, np.hstack([_unit_scale(directions), _unit_scale(z - z.mean(axis=0))])
    found = distances(points)
    to_anchors = _distances_to_anchors(modality, sample, pca)
    halves = _stratified_halves(np.arange(len(sample)), labels, rng)
    many = modality.n_clusters >= MANY_CLUSTERS
    sets = []
    for i in range(2 if many else n_drawings):
        index = halves[i % 2]
        if many:
            groups = np.unique(labels[index], return_inverse=True)[1]
        else:
            n_groups = n_prototypes(len(index), modality.n_clusters, most)
            groups = _group(spaces[i // 2 % 2][index], n_groups, rng.randint(2**31 - 1))
        of_clusters = labels[index], modality.n_clusters
        sets.append(summarise(found, index, groups, *of_clusters, i % 2, to_anchors))
    return sets


def n_prototypes(n_rows: int, n_clusters: int, most: int) -> int:
    """Prototypes to draw: four rows each on average, but no fewer than clusters.

    Parameters
    ----------
    n_rows, n_clusters : int
    most : int
        That are enough, where there are no more clusters.

    Returns
    -------
    int

    Examples
    --------
    >>> [n_prototypes(n, k, most=36) for n, k in ((500, 10), (40, 3), (500, 60), (2, 3))]
    [36, 10, 60, 2]
    """
    enough = min(n_clusters, n_rows)
    return max(enough, min(most, n_rows // 4))


def summarise(
    found: Distances,
    rows: NDArray[np.integer],
    groups: NDArray[np.integer],
    labels: NDArray[np.integer],
    n_clusters: int,
    half: int,
    to_anchors: Distances,
) -> Prototypes:
    """Describe a grouping of some rows by means over its groups.

    Parameters
    ----------
    found : dict of str to ndarray of shape (n, n)
        Distances between all rows.
    rows : ndarray of int of shape (m,)
        Those that were grouped.
    groups, labels : ndarray of int of shape (m,)
        Their prototype and their cluster.
    n_clusters, half : int
    to_anchors : dict of str to ndarray of shape (n, a)
        Distances to the rows that have a known partner.

    Returns
    -------
    Prototypes
    """
    member = _one_hot(groups, int(groups.max()) + 1)
    mean_of = (member / member.sum(axis=0)).astype(np.float32)
    return Prototypes(
        masses=member.mean(axis=0),
        distances={
            kind: (mean_of.T @ d[np.ix_(rows, rows)] @ mean_of).astype(np.float64)
            for kind, d in found.items()
        },
        clusters=member.T @ _one_hot(labels, n_clusters) / len(rows),
        half=half,
        anchors={kind: (mean_of.T @ d[rows]).astype(np.float64) for kind, d in to_anchors.items()},
    )


def shared_mass(left: Prototypes, right: Prototypes, couplings: NDArray[np.floating]) -> Matrix:
    """Mass that each coupling gives to every two clusters.

    Parameters
    ----------
    left, right : Prototypes
    couplings : ndarray of shape (s, p, q)

    Returns
    -------
    ndarray of shape (s, k, k)
    """
    of_left, of_right = (p.clusters / p.masses[:, None] for p in (left, right))
    mass: Matrix = of_left.T @ couplings.astype(np.float64) @ of_right
    return mass


def cluster_sizes(sets: Sequence[Prototypes]) -> Matrix:
    """Mean share of the rows in each cluster, shape (k,).

    Parameters
    ----------
    sets : sequence of Prototypes

    Returns
    -------
    ndarray of shape (k,)
    """
    sizes: Matrix = np.mean([p.clusters.sum(axis=0) for p in sets], axis=0)
    return sizes


def _distances_to_anchors(modality: ModalityView, sample: NDArray[np.intp], pca: PCA) -> Distances:
    # Measured beside those within the sample, which must not change: rows that happen to have
    # known partners need not be of all clusters alike.
    if len(modality.paired) == 0:
        return {kind: np.empty((len(sample), 0), dtype=np.float32) for kind in DISTANCES}
    both = np.union1d(sample, modality.paired)
    at = tuple(np.searchsorted(both, rows) for rows in (sample, modality.paired))
    return {
        kind: d[np.ix_(*at)] for kind, d in distances(pca.transform(modality.rows[both])).items()
    }


def _stratified_halves(
    rows: NDArray[np.intp], labels: NDArray[np.integer], rng: np.random.RandomState
) -> list[NDArray[np.intp]]:
    # Halves of every cluster, as unequal shares of a small one look like other clusters.
    shuffled = rng.permutation(rows)
    by_cluster = shuffled[np.argsort(labels[shuffled], kind="stable")]
    return [np.sort(by_cluster[half::2]) for half in range(2)]


def _group(points: Matrix, n_groups: int, seed: int) -> NDArray[np.intp]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # duplicate rows: fewer groups
        groups = KMeans(n_groups, n_init=1, random_state=seed).fit_predict(points)
    return np.unique(groups, return_inverse=True)[1].astype(np.intp)


def _one_hot(codes: NDArray[np.integer], n: int) -> Matrix:
    one_hot: Matrix = np.eye(n)[codes]
    return one_hot


def _unit_scale(points: Matrix) -> Matrix:
    scale = np.maximum(np.sqrt(np.square(points).mean(axis=0)), 1e-12)
    scaled: Matrix = points / scale / np.sqrt(points.shape[1])
    return scaled
