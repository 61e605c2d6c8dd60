"""Inputs, output and interface of an aligner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..data.rows import Matrix


@dataclass(frozen=True)
class ModalityView:
    """The data of one modality that an aligner works with.

    Parameters
    ----------
    rows : ndarray of shape (n, d)
        Scaled rows of the modality.
    latents : ndarray of shape (n, n_components)
        The same rows in the modality's latent space.
    labels : ndarray of int of shape (n,)
        Cluster of each row within the modality, from 0 to ``n_clusters`` - 1. Clusters may be
        empty.
    n_clusters : int
        Number of clusters, including empty ones.
    paired : ndarray of int of shape (m,), default=none
        Indices, in ascending order, of the rows that have a known partner in another modality.
    unscaled : ndarray of shape (n, d), default=None
        The rows in their original units, for aligners that try several scalings. None if
        ``rows`` are in their original units.
    """

    rows: NDArray[np.floating]
    latents: NDArray[np.floating]
    labels: NDArray[np.integer]
    n_clusters: int
    paired: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    unscaled: NDArray[np.floating] | None = None


@dataclass(frozen=True)
class KnownPairs:
    """Pairs of rows of two modalities that are known to belong to the same instance.

    Parameters
    ----------
    rows : ndarray of int of shape (m, 2)
        Row index in the left view and row index in the right view of each pair.
    trust : float, default=1.0
        Weight per pair; 1.0 treats every pair as correct.
    """

    rows: NDArray[np.intp]
    trust: float = 1.0

    def turned(self) -> KnownPairs:
        """Swap the left and the right side.

        Returns
        -------
        KnownPairs
            The same pairs with the two columns of ``rows`` swapped.
        """
        return replace(self, rows=self.rows[:, ::-1])


def pairs_between(
    pairs: Mapping[tuple[int, int], KnownPairs], left: int, right: int
) -> KnownPairs | None:
    """Return the known pairs of two modalities, the rows of ``left`` first, or None.

    The keys of ``pairs`` are two modalities each, the lower number first.

    Examples
    --------
    >>> pairs_between({(0, 2): KnownPairs(np.array([[5, 7]]))}, 2, 0).rows
    array([[7, 5]])
    """
    if left < right:
        return pairs.get((left, right))
    known = pairs.get((right, left))
    return None if known is None else known.turned()


@dataclass(frozen=True)
class Alignment:
    """A one-to-one matching of the clusters of two modalities.

    Parameters
    ----------
    partners : ndarray of int of shape (k,)
        Right cluster matched to each left cluster.
    mass : ndarray of shape (k, k)
        Estimated proportion of the rows that each left cluster shares with each right cluster;
        sums to one.
    confidence : float
        Confidence in the matching as a whole, in [0, 1].
    cluster_confidence : ndarray of shape (k,)
        Confidence in the partner of each left cluster, in [0, 1].
    p_value : float, default=1.0
        Probability that unrelated data with the same number of clusters match at least as well;
        1.0 if this was not tested.

    Examples
    --------
    >>> alignment = Alignment.of_partners([1, 0, 2], confidence=0.7)
    >>> alignment.turned().partners
    array([1, 0, 2])
    """

    partners: NDArray[np.intp]
    mass: Matrix
    confidence: float
    cluster_confidence: Matrix
    p_value: float = 1.0

    @classmethod
    def of_partners(cls, partners: Any, confidence: float) -> Alignment:
        """Create an alignment from partners alone, with one confidence for all clusters.

        Parameters
        ----------
        partners : array-like of int of shape (k,)
            Right cluster matched to each left cluster.
        confidence : float
            Confidence in the matching and in each of its clusters, in [0, 1].

        Returns
        -------
        Alignment
            The matching, with its mass spread evenly over the partners.

        Raises
        ------
        ValueError
            If ``partners`` is not a permutation of 0 to k - 1.
        """
        values = np.asarray(partners)
        k = len(values)
        if sorted(values.tolist()) != list(range(k)):
            raise ValueError(f"partners must hold each of 0 to {k - 1} once, got {partners}.")
        index = values.astype(np.intp)
        return cls(index, np.eye(k)[index] / k, confidence, np.full(k, confidence, dtype=float))

    def turned(self) -> Alignment:
        """Swap the left and the right side.

        Returns
        -------
        Alignment
            The same matching, seen from the right modality.
        """
        inverse = np.argsort(self.partners)
        return replace(
            self,
            partners=inverse,
            mass=self.mass.T,
            cluster_confidence=self.cluster_confidence[inverse],
        )

    def scaled(self, factor: float) -> Alignment:
        """Multiply all confidences by a factor.

        Parameters
        ----------
        factor : float
            Factor in [0, 1].

        Returns
        -------
        Alignment
            The same matching with the new confidences.
        """
        return replace(
            self,
            confidence=self.confidence * factor,
            cluster_confidence=self.cluster_confidence * factor,
        )


class Aligner(Protocol):
    """Interface of objects that match the clusters of two modalities.

    Pass an instance as ``alignment`` to :class:`skdm2c.MixedModalClustering`.
    """

    def describe(self, modality: ModalityView, rng: np.random.RandomState) -> Any:
        """Compute what matching needs to know about a modality.

        It is called once for each modality.

        Parameters
        ----------
        modality : ModalityView
            Rows, latents and clusters of the modality.
        rng : RandomState
            Source of randomness.

        Returns
        -------
        object
            Description of the modality in any form that ``match`` accepts.
        """

    def match(
        self, left: Any, right: Any, rng: np.random.RandomState, pairs: KnownPairs | None = None
    ) -> Alignment:
        """Match the clusters of two modalities.

        Parameters
        ----------
        left, right : object
            Descriptions returned by ``describe``. The left modality is the one whose clusters
            are better separated. If one modality has fewer clusters than the other, it is given
            empty clusters to make up for those that it lacks.
        rng : RandomState
            Source of randomness.
        pairs : KnownPairs, default=None
            Known pairs of the two modalities; only passed if there are any. An aligner that
            cannot use pairs may omit this parameter, but cannot then be used with known pairs.

        Returns
        -------
        Alignment
            Matching of the left clusters to the right ones.
        """
