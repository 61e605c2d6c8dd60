"""What an aligner is given, what it gives back, and what makes one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..data.rows import Matrix


@dataclass(frozen=True)
class ModalityView:
    """One modality as an aligner sees it.

    Parameters
    ----------
    rows : ndarray of shape (n, d)
        Scaled rows.
    latents : ndarray of shape (n, n_components)
        The same rows in the modality's latent space.
    labels : ndarray of int of shape (n,)
        The modality's own clusters, from 0 to ``n_clusters`` - 1; some may be empty.
    n_clusters : int
    paired : ndarray of int of shape (m,), default=none
        Rows, in ascending order, whose partners in other modalities are known.
    unscaled : ndarray of shape (n, d), default=None
        The rows in their own units, for aligners that try other scalings; None where ``rows``
        are in their own units.
    """

    rows: NDArray[np.floating]
    latents: NDArray[np.floating]
    labels: NDArray[np.integer]
    n_clusters: int
    paired: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    unscaled: NDArray[np.floating] | None = None


@dataclass(frozen=True)
class KnownPairs:
    """Rows of two modalities that are known to be of one instance.

    Parameters
    ----------
    rows : ndarray of int of shape (m, 2)
        Row of the left view, row of the right one.
    trust : float, default=1.0
        The weight of what they say; 1 is that of as many pairs as are right.
    """

    rows: NDArray[np.intp]
    trust: float = 1.0

    def turned(self) -> KnownPairs:
        """Turn the pairs round, the right side to the left.

        Returns
        -------
        KnownPairs
        """
        return replace(self, rows=self.rows[:, ::-1])


def pairs_between(
    pairs: Mapping[tuple[int, int], KnownPairs], left: int, right: int
) -> KnownPairs | None:
    """Look up what is known of two modalities, the left one's rows first.

    Parameters
    ----------
    pairs : mapping of (int, int) to KnownPairs
        By modalities, the lower first.
    left, right : int

    Returns
    -------
    KnownPairs or None

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
    """Clusters of two modalities, matched one to one.

    Parameters
    ----------
    partners : ndarray of int of shape (k,)
        Right cluster of each left one.
    mass : ndarray of shape (k, k)
        Share of the rows that every two clusters have in common, as far as the aligner can
        say; sums to one.
    confidence : float
        In [0, 1]: how far to trust the matching as a whole.
    cluster_confidence : ndarray of shape (k,)
        The same for each left cluster and its partner.
    p_value : float, default=1.0
        How often unrelated data with as many clusters would match as well; 1.0 where that was
        not tested.

    Examples
    --------
    >>> found = Alignment.of_partners([1, 0, 2], confidence=0.7)
    >>> found.turned().partners
    array([1, 0, 2])
    """

    partners: NDArray[np.intp]
    mass: Matrix
    confidence: float
    cluster_confidence: Matrix
    p_value: float = 1.0

    @classmethod
    def of_partners(cls, partners: Any, confidence: float) -> Alignment:
        """Make an alignment of an aligner that has no more to say than who belongs with whom.

        Parameters
        ----------
        partners : array-like of int of shape (k,)
        confidence : float

        Returns
        -------
        Alignment

        Raises
        ------
        ValueError
            If ``partners`` does not hold each of 0 to k - 1 once.
        """
        given = np.asarray(partners)
        k = len(given)
        if sorted(given.tolist()) != list(range(k)):
            raise ValueError(f"partners must hold each of 0 to {k - 1} once, got {partners}.")
        index = given.astype(np.intp)
        return cls(index, np.eye(k)[index] / k, confidence, np.full(k, confidence, dtype=float))

    def turned(self) -> Alignment:
        """Turn the matching round, the right side to the left.

        Returns
        -------
        Alignment
        """
        back = np.argsort(self.partners)
        return replace(
            self,
            partners=back,
            mass=self.mass.T,
            cluster_confidence=self.cluster_confidence[back],
        )

    def scaled(self, factor: float) -> Alignment:
        """Trust the same matching by so much less.

        Parameters
        ----------
        factor : float
            In [0, 1]; confidences are multiplied by it.

        Returns
        -------
        Alignment
        """
        return replace(
            self,
            confidence=self.confidence * factor,
            cluster_confidence=self.cluster_confidence * factor,
        )


class Aligner(Protocol):
    """Finds out which clusters of two modalities belong together.

    An instance is what :class:`skdm2c.MixedModalClustering` takes as ``alignment``.
    """

    def describe(self, modality: ModalityView, rng: np.random.RandomState) -> Any:
        """Work out what matching needs to know of a modality; called once for each.

        Parameters
        ----------
        modality : ModalityView
        rng : RandomState

        Returns
        -------
        object
            Whatever ``match`` wants.
        """

    def match(
        self, left: Any, right: Any, rng: np.random.RandomState, pairs: KnownPairs | None = None
    ) -> Alignment:
        """PrototypeMatch the clusters of two modalities.

        Parameters
        ----------
        left, right : object
            What ``describe`` returned; left is the one whose own clusters stand farther apart.
            Where one has fewer clusters, it is given empty ones for those that it lacks.
        rng : RandomState
        pairs : KnownPairs, default=None
            Given where some are known; an aligner that has no use for them needs no such
            parameter, and is then of no use to data with known pairs.

        Returns
        -------
        Alignment
        """
