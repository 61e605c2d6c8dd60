"""A modality as matching sees it: drawings of prototypes, and how well halves know its clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..data.rows import Matrix
from .base import KnownPairs
from .pairs import pair_affinity
from .prototypes import Problem, Prototypes, cluster_sizes

N_SELF_SETS = 2  # drawings of each half that are matched with the other half's


@dataclass(frozen=True)
class ModalityDescription:
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
    labels : ndarray of int of shape (n,)
    paired : ndarray of int of shape (m,)
        Rows with known partners: the anchors of the prototypes.
    """

    prototypes: list[Prototypes]
    own: Matrix
    found: float
    labels: NDArray[np.integer]
    paired: NDArray[np.intp]

    @property
    def n_clusters(self) -> int:
        """How many clusters it has, the empty ones too."""
        return len(self.own)

    def without(self, clusters: Sequence[int]) -> ModalityDescription:
        """Leave clusters out, and their rows; the others move up.

        Parameters
        ----------
        clusters : sequence of int

        Returns
        -------
        ModalityDescription
            With label -1 for the rows left out.
        """
        left = np.delete(cluster_sizes(self.prototypes), clusters).sum()
        numbers = np.full(self.n_clusters, -1)
        numbers[np.delete(np.arange(self.n_clusters), clusters)] = np.arange(
            self.n_clusters - len(clusters)
        )
        return replace(
            self,
            prototypes=[p.without(clusters) for p in self.prototypes],
            own=np.delete(self.own, clusters) / max(left, 1e-12),
            labels=numbers[self.labels],
        )

    def with_empty(self, n: int) -> ModalityDescription:
        """Add clusters that no row is in.

        Parameters
        ----------
        n : int

        Returns
        -------
        ModalityDescription
        """
        return replace(
            self,
            prototypes=[
                replace(p, clusters=np.pad(p.clusters, ((0, 0), (0, n)))) for p in self.prototypes
            ],
            own=np.pad(self.own, (0, n)),
        )


@dataclass(frozen=True)
class MultiscaleDescription:
    """One modality under several scalings of its rows.

    Attributes
    ----------
    scaled : list of ModalityDescription
    points : list of ndarray of shape (n, c)
        Principal components of the rows under each scaling, of mean square one.
    """

    scaled: list[ModalityDescription]
    points: list[NDArray[np.float32]]

    @property
    def n_clusters(self) -> int:
        """How many clusters it has, the empty ones too."""
        return self.scaled[0].n_clusters

    @property
    def labels(self) -> NDArray[np.integer]:
        """Cluster of each row; -1 for rows of clusters that were left out."""
        return self.scaled[0].labels

    def without(self, clusters: Sequence[int]) -> MultiscaleDescription:
        """Leave clusters out, and their rows; the others move up.

        Parameters
        ----------
        clusters : sequence of int

        Returns
        -------
        MultiscaleDescription
        """
        return replace(self, scaled=[modality.without(clusters) for modality in self.scaled])


def distinct_scalings(
    left: MultiscaleDescription, right: MultiscaleDescription
) -> tuple[MultiscaleDescription, MultiscaleDescription]:
    """Leave out scalings under which both modalities are as under another.

    Parameters
    ----------
    left, right : MultiscaleDescription

    Returns
    -------
    left, right : MultiscaleDescription
    """
    kept: dict[tuple[int, int], int] = {}
    for i, (a, b) in enumerate(zip(left.points, right.points, strict=True)):
        kept.setdefault((id(a), id(b)), i)
    left, right = (
        replace(
            m,
            scaled=[m.scaled[i] for i in kept.values()],
            points=[m.points[i] for i in kept.values()],
        )
        for m in (left, right)
    )
    return left, right


def halves(sets: Sequence[Prototypes]) -> list[list[Prototypes]]:
    """Choose drawings of either half of the rows: two, or as many as there are.

    Parameters
    ----------
    sets : sequence of Prototypes

    Returns
    -------
    list of list of Prototypes
        Of the one half, and of the other.
    """
    n = min(N_SELF_SETS, len(sets) // 2)
    return [[p for p in sets if p.half == half][:n] for half in (0, 1)]


def problems(
    left: ModalityDescription,
    right: ModalityDescription,
    rng: np.random.RandomState,
    n: int,
    pairs: KnownPairs | None,
) -> list[Problem]:
    """Choose pairs of drawings to match.

    Parameters
    ----------
    left, right : ModalityDescription
    rng : RandomState
    n : int
        How many.
    pairs : KnownPairs or None
        What they say enters as affinity: twice as many pairs as clusters weigh as much as all
        distances.

    Returns
    -------
    list of Problem
    """
    a, b = left.prototypes, right.prototypes
    chosen = rng.permutation(len(a) * len(b))[:n]
    found = [Problem.of(a[c // len(b)], b[c % len(b)]) for c in chosen]
    if pairs is None:
        return found
    columns = np.column_stack(
        [np.searchsorted(m.paired, pairs.rows[:, i]) for i, m in enumerate((left, right))]
    )
    weight = pairs.trust * min(1.0, len(columns) / (2 * left.n_clusters))
    return [
        replace(problem, affinity=weight * pair_affinity(problem.left, problem.right, columns))
        for problem in found
    ]
