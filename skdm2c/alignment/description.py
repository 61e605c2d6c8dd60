"""Describe a modality for matching, by prototypes and by how well its halves match each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..data.rows import Matrix
from .base import KnownPairs
from .pairs import pair_affinity
from .prototypes import Problem, Prototypes, cluster_sizes

N_SELF_MATCHES = 2  # sets of one half that are matched with sets of the other half


@dataclass(frozen=True)
class ModalityDescription:
    """Prototypes of one modality under one scaling, and how well its halves match each other.

    ``retained`` is a ceiling for the mass that matched clusters can share: sampling, overlap of
    clusters and the entropy of couplings cost the rest, even where the matching is correct.
    """

    prototypes: list[Prototypes]  # several sets, each of one half of the rows
    retained: Matrix  # (k,): mass that each cluster keeps when halves start from the identity
    recovered: float  # mass kept when halves are matched from scratch, relative to that
    labels: NDArray[np.integer]  # (n,): cluster of each row
    paired: NDArray[np.intp]  # (m,): rows with known partners, the anchors of the prototypes

    @property
    def n_clusters(self) -> int:
        """Number of clusters, including empty ones."""
        return len(self.retained)

    def without(self, clusters: Sequence[int]) -> ModalityDescription:
        """Leave out clusters and renumber the others; rows of those left out get label -1."""
        remaining_size = np.delete(cluster_sizes(self.prototypes), clusters).sum()
        numbers = np.full(self.n_clusters, -1)
        numbers[np.delete(np.arange(self.n_clusters), clusters)] = np.arange(
            self.n_clusters - len(clusters)
        )
        return replace(
            self,
            prototypes=[p.without(clusters) for p in self.prototypes],
            retained=np.delete(self.retained, clusters) / max(remaining_size, 1e-12),
            labels=numbers[self.labels],
        )

    def with_empty(self, n: int) -> ModalityDescription:
        """Append ``n`` empty clusters."""
        return replace(
            self,
            prototypes=[
                replace(p, clusters=np.pad(p.clusters, ((0, 0), (0, n)))) for p in self.prototypes
            ],
            retained=np.pad(self.retained, (0, n)),
        )


@dataclass(frozen=True)
class MultiscaleDescription:
    """Descriptions of one modality under several scalings of its rows."""

    scaled: list[ModalityDescription]
    points: list[NDArray[np.float32]]  # by scaling, (n, c): principal components, mean square one

    @property
    def n_clusters(self) -> int:
        """Number of clusters, including empty ones."""
        return self.scaled[0].n_clusters

    @property
    def labels(self) -> NDArray[np.integer]:
        """Cluster of each row; -1 for rows of clusters that were left out."""
        return self.scaled[0].labels

    def without(self, clusters: Sequence[int]) -> MultiscaleDescription:
        """Leave out clusters and renumber the others; rows of those left out get label -1."""
        return replace(self, scaled=[modality.without(clusters) for modality in self.scaled])


def distinct_scalings(
    left: MultiscaleDescription, right: MultiscaleDescription
) -> tuple[MultiscaleDescription, MultiscaleDescription]:
    """Leave out the scalings that change neither modality compared with an earlier scaling."""
    scalings: dict[tuple[int, int], int] = {}
    for i, (a, b) in enumerate(zip(left.points, right.points, strict=True)):
        scalings.setdefault((id(a), id(b)), i)
    left, right = (
        replace(
            m,
            scaled=[m.scaled[i] for i in scalings.values()],
            points=[m.points[i] for i in scalings.values()],
        )
        for m in (left, right)
    )
    return left, right


def halves(sets: Sequence[Prototypes]) -> list[list[Prototypes]]:
    """Return up to two sets of the one half of the rows, and as many of the other half."""
    n = min(N_SELF_MATCHES, len(sets) // 2)
    return [[p for p in sets if p.half == half][:n] for half in (0, 1)]


def problems(
    left: ModalityDescription,
    right: ModalityDescription,
    rng: np.random.RandomState,
    n: int,
    pairs: KnownPairs | None,
) -> list[Problem]:
    """Choose ``n`` random combinations of a left and a right set of prototypes.

    Known pairs add affinity: twice as many pairs as clusters weigh as much as all distances.
    """
    a, b = left.prototypes, right.prototypes
    chosen = rng.permutation(len(a) * len(b))[:n]
    combinations = [Problem.of(a[c // len(b)], b[c % len(b)]) for c in chosen]
    if pairs is None:
        return combinations
    columns = np.column_stack(
        [np.searchsorted(m.paired, pairs.rows[:, i]) for i, m in enumerate((left, right))]
    )
    weight = pairs.trust * min(1.0, len(columns) / (2 * left.n_clusters))
    return [
        replace(problem, affinity=weight * pair_affinity(problem.left, problem.right, columns))
        for problem in combinations
    ]
