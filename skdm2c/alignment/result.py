"""Which clusters of the modalities were matched, in the numbers that labels have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..data.rows import Matrix
from .base import Alignment


@dataclass(frozen=True, eq=False)
class SpokeMatching:
    """How the clusters of one modality are matched with the hub's, numbered as labels are.

    Parameters
    ----------
    mass : ndarray of shape (k, k)
        Share of the rows that cluster r of the modality and cluster c of the hub have in
        common, as far as the matching can say; sums to one. What is beside the diagonal
        speaks for another matching.
    partners : ndarray of int of shape (k,)
        The hub's cluster with which each cluster shares most.
    confidence : float
        In [0, 1]: how far to trust the matching as a whole.
    cluster_confidence : ndarray of shape (k,)
        The same, cluster by cluster.
    """

    mass: Matrix
    partners: NDArray[np.intp]
    confidence: float
    cluster_confidence: Matrix

    @classmethod
    def of(cls, found: Alignment) -> SpokeMatching:
        """Read an alignment with the spoke's clusters numbered as their partners in the hub."""
        back = np.argsort(found.partners)
        mass = found.mass[back]
        mine = np.arange(len(mass))
        partners = np.where(mass.any(axis=1), mass.argmax(axis=1), mine)
        return cls(mass, partners, found.confidence, found.cluster_confidence[back])

    @property
    def unmatched(self) -> NDArray[np.intp]:
        """Clusters of the hub of which the modality has nothing, in ascending order."""
        return np.flatnonzero(~self.mass.any(axis=1))


@dataclass(frozen=True, eq=False)
class Matching(Mapping[str, SpokeMatching]):
    """The matching of each spoke with the hub, by the spoke's name.

    Parameters
    ----------
    hub : str
    spokes : mapping of str to SpokeMatching

    Examples
    --------
    >>> found = Alignment(np.array([1, 0]), np.array([[0.1, 0.4], [0.5, 0.0]]), 0.7,
    ...                   np.array([0.6, 0.9]))
    >>> table = Matching("rna", {"atac": SpokeMatching.of(found)})
    >>> table
    Clusters of 'atac' matched with those of 'rna', confidence 0.70:
      cluster  confidence  shared with itself  next
            0        0.90                100%  -
            1        0.60                 80%  0 (20%)
    >>> table["atac"].partners
    array([0, 1])
    """

    hub: str
    spokes: Mapping[str, SpokeMatching]

    def __getitem__(self, name: str) -> SpokeMatching:
        """Return the matching of a spoke."""
        return self.spokes[name]

    def __iter__(self) -> Iterator[str]:
        """Go through the spokes' names."""
        return iter(self.spokes)

    def __len__(self) -> int:
        """Count the spokes."""
        return len(self.spokes)

    def __repr__(self) -> str:
        if not self.spokes:
            return "No clusters were matched."
        return "\n".join(_describe(name, self.hub, spoke) for name, spoke in self.items())


def _describe(name: str, hub: str, spoke: SpokeMatching) -> str:
    lines = [
        f"Clusters of {name!r} matched with those of {hub!r}, confidence {spoke.confidence:.2f}:",
        "  cluster  confidence  shared with itself  next",
    ]
    shares = spoke.mass / np.maximum(spoke.mass.sum(axis=1, keepdims=True), 1e-12)
    for c, confidence in enumerate(spoke.cluster_confidence):
        if c in spoke.unmatched:
            lines.append(f"  {c:7d}  {confidence:10.2f}  {'unmatched':>18}  none in {name!r}")
            continue
        others = np.where(np.arange(len(shares)) == c, -1.0, shares[c])
        other = int(others.argmax())
        following = f"{other} ({others[other]:.0%})" if others[other] >= 0.01 else "-"
        lines.append(f"  {c:7d}  {confidence:10.2f}  {shares[c, c]:18.0%}  {following}")
    return "\n".join(lines)
