"""Which cluster of one modality is which of another, and how far to trust it.

Many matchings, in several kinds of distance and of several drawings of prototypes, are
averaged. The confidence compares what they agree on with what matching a modality to
itself gives: two disjoint halves of it, whose right answer is known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .._threads import single_threaded
from ..neighbors import Matrix
from .matching import best_partners, match, match_from_clusters
from .prototypes import Prototypes, cluster_sizes, draw_prototypes

KINDS: tuple[tuple[str, ...], ...] = (
    ("geodesic",),
    ("cosine",),
    ("euclidean",),
    ("local",),
    ("rank",),
    ("geodesic", "cosine"),
    ("cosine", "local"),
    ("geodesic", "cosine", "local"),
    ("geodesic", "cosine", "euclidean"),
    ("geodesic", "cosine", "euclidean", "local"),
)
N_MATCHES = 6  # drawings of prototypes matched in each kind
N_SELF_SETS = 2  # drawings of each half that are matched with the other half's
MEANINGFUL = 0.2  # clusters that halves keep less of than this, over chance, mean little


@dataclass(frozen=True)
class ClusterMatching:
    """Clusters of two modalities, matched one to one.

    Attributes
    ----------
    partners : ndarray of int of shape (k,)
        Right cluster of each left one.
    mass : ndarray of shape (k, k)
        Share of the rows that every two clusters have in common, mean over all matchings;
        sums to one.
    confidence : float
        In [0, 1]: the mass on partners as a part of what a modality's halves keep on their
        own clusters; less where halves matched blind do not find each other.
    cluster_confidence : ndarray of shape (k,)
        The same for each left cluster and its partner.
    objective : float
        Mean correlation of the distances through the matchings.
    """

    partners: NDArray[np.intp]
    mass: Matrix
    confidence: float
    cluster_confidence: Matrix
    objective: float

    def turned(self) -> ClusterMatching:
        """Return the same matching seen from the right side."""
        back = np.argsort(self.partners)
        return ClusterMatching(
            partners=back,
            mass=self.mass.T,
            confidence=self.confidence,
            cluster_confidence=self.cluster_confidence[back],
            objective=self.objective,
        )

    def scaled(self, factor: float) -> ClusterMatching:
        """Return the same matching, to be trusted by so much less."""
        return replace(
            self,
            confidence=self.confidence * factor,
            cluster_confidence=self.cluster_confidence * factor,
        )


@dataclass(frozen=True)
class ClusteredModality:
    """One modality as the matching sees it.

    Attributes
    ----------
    prototypes : list of Prototypes
        Several drawings, of halves of the rows.
    own : ndarray of shape (k,)
        Mass that disjoint halves keep on each cluster, coupled from the right answer:
        what is lost is lost to sampling, overlap and the blur of couplings.
    found : float
        The mass kept where halves are matched blind, as a part of all of ``own``.
    """

    prototypes: list[Prototypes]
    own: Matrix
    found: float


@single_threaded
def describe_clusters(
    rows: NDArray[np.floating],
    latents: NDArray[np.floating],
    labels: NDArray[np.integer],
    n_clusters: int,
    rng: np.random.RandomState,
) -> ClusteredModality:
    """Draw a modality's prototypes and match its halves with each other.

    Parameters
    ----------
    rows : ndarray of shape (n, d)
        Scaled rows.
    latents : ndarray of shape (n, c)
    labels : ndarray of int of shape (n,)
        From 0 to ``n_clusters`` - 1.
    n_clusters : int
    rng : RandomState

    Returns
    -------
    ClusteredModality
    """
    sets = draw_prototypes(rows, latents, labels, n_clusters, rng)
    first, second = ([p for p in sets if p.half == half][:N_SELF_SETS] for half in (0, 1))
    identity = np.arange(n_clusters)
    kept, blind = [], []
    for kind in KINDS:
        kept += [np.diag(match_from_clusters(a, b, kind, identity)) for a in first for b in second]
        blind += [np.trace(match(a, b, kind, rng)[0]) for a, b in zip(first, second, strict=True)]
    own: Matrix = np.mean(kept, axis=0)
    return ClusteredModality(sets, own, float(np.mean(blind) / max(own.sum(), 1e-12)))


@single_threaded
def match_clusters(
    left: ClusteredModality, right: ClusteredModality, rng: np.random.RandomState
) -> ClusterMatching:
    """Match the clusters of two modalities by the geometry they share.

    Parameters
    ----------
    left, right : ClusteredModality
        With the same number of clusters.
    rng : RandomState

    Returns
    -------
    ClusterMatching

    Examples
    --------
    A rotated copy of the same points, its clusters in another order:

    >>> rng = np.random.RandomState(7)
    >>> y, order = np.repeat(np.arange(5), [20, 30, 40, 50, 60]), np.array([2, 0, 3, 1, 4])
    >>> X = 4 * rng.randn(5, 4)[y] + rng.randn(200, 4)
    >>> turned = X @ np.linalg.qr(rng.randn(4, 4))[0]
    >>> found = match_clusters(
    ...     describe_clusters(X, X, y, 5, rng), describe_clusters(turned, X, order[y], 5, rng), rng
    ... )
    >>> found.partners, bool(found.confidence > 0.5)
    (array([2, 0, 3, 1, 4]), True)
    """
    a, b = left.prototypes, right.prototypes
    chosen = rng.permutation(len(a) * len(b))[:N_MATCHES]
    found = [match(a[c // len(b)], b[c % len(b)], kind, rng) for kind in KINDS for c in chosen]
    mass: Matrix = np.mean([shared for shared, _ in found], axis=0)
    partners = best_partners(mass)
    on_partners = mass[np.arange(len(partners)), partners]
    trust = _trust(left) * _trust(right) * min(left.found, right.found, 1.0)
    kept = max(left.own.sum(), right.own.sum(), 1e-12)
    return ClusterMatching(
        partners=partners,
        mass=mass,
        confidence=float(np.clip(trust * on_partners.sum() / kept, 0, 1)),
        cluster_confidence=_cluster_confidence(left, right, mass, partners, trust),
        objective=float(np.mean([objective for _, objective in found])),
    )


def _trust(modality: ClusteredModality) -> float:
    # Clusters that halves of the same rows do not agree on cannot be matched with others.
    chance = np.square(cluster_sizes(modality.prototypes)).sum()
    over_chance = (modality.own.sum() - chance) / max(1 - chance, 1e-12)
    return float(np.clip(over_chance / MEANINGFUL, 0, 1))


def _cluster_confidence(
    left: ClusteredModality,
    right: ClusteredModality,
    mass: Matrix,
    partners: NDArray[np.intp],
    trust: float,
) -> Matrix:
    # Shares of each cluster's mass: here with its partner, there with itself.
    on_partners = mass[np.arange(len(partners)), partners]
    rows, columns = (np.maximum(mass.sum(axis=axis), 1e-12) for axis in (1, 0))
    here = (on_partners / rows + on_partners / columns[partners]) / 2
    kept = [m.own / np.maximum(cluster_sizes(m.prototypes), 1e-12) for m in (left, right)]
    there = np.maximum(np.maximum(kept[0], kept[1][partners]), 1e-12)
    confidence: Matrix = np.clip(trust * here / there, 0, 1)
    return confidence
