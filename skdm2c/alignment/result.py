"""Matched clusters of all modalities, in the numbering of the labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..data.rows import Matrix
from .base import Alignment


@dataclass(frozen=True, eq=False)
class SpokeMatching:
    """Matching of one modality's clusters with the hub's, numbered like the labels.

    Parameters
    ----------
    mass : ndarray of shape (k, k)
        Estimated proportion of the rows that cluster r of the modality and cluster c of the hub
        have in common. The entries sum to one; large ones off the diagonal speak for another
        matching.
    partners : ndarray of int of shape (k,)
        Cluster of the hub with which each cluster shares most rows.
    confidence : float
        Confidence in the matching as a whole, in [0, 1].
    cluster_confidence : ndarray of shape (k,)
        Confidence in the partner of each cluster, in [0, 1].
    """

    mass: Matrix
    partners: NDArray[np.intp]
    confidence: float
    cluster_confidence: Matrix

    @classmethod
    def of(cls, found: Alignment) -> SpokeMatching:
        """Construct a matching from an alignment, numbering clusters as their partners in the hub.

        Parameters
        ----------
        found : Alignment
            Alignment of the modality with the hub; the modality is the left side.

        Returns
        -------
        SpokeMatching
            Matching whose row c holds the modality's cluster that was matched with cluster c.
        """
        order = np.argsort(found.partners)
        mass = found.mass[order]
        identity = np.arange(len(mass))
        partners = np.where(mass.any(axis=1), mass.argmax(axis=1), identity)
        return cls(mass, partners, found.confidence, found.cluster_confidence[order])

    @property
    def unmatched(self) -> NDArray[np.intp]:
        """Clusters of the hub that the modality lacks, in ascending order."""
        return np.flatnonzero(~self.mass.any(axis=1))


@dataclass(frozen=True, eq=False)
class Matching(Mapping[str, SpokeMatching]):
    """Matching of every spoke with the hub, accessible by the spoke's name.

    Parameters
    ----------
    hub : str
        Name of the hub.
    spokes : mapping of str to SpokeMatching
        Matching of each spoke, by name.

    Examples
    --------
    >>> alignment = Alignment(np.array([1, 0]), np.array([[0.1, 0.4], [0.5, 0.0]]), 0.7,
    ...                       np.array([0.6, 0.9]))
    >>> matching = Matching("rna", {"atac": SpokeMatching.of(alignment)})
    >>> matching
    Clusters of 'atac' matched with those of 'rna', confidence 0.70:
      cluster  confidence  shared with itself  next
            0        0.90                100%  -
            1        0.60                 80%  0 (20%)
    >>> matching["atac"].partners
    array([0, 1])
    """

    hub: str
    spokes: Mapping[str, SpokeMatching]

    def __getitem__(self, name: str) -> SpokeMatching:
        """Return the matching of a spoke."""
        return self.spokes[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the spokes."""
        return iter(self.spokes)

    def __len__(self) -> int:
        """Return the number of spokes."""
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
        rival = int(others.argmax())
        runner_up = f"{rival} ({others[rival]:.0%})" if others[rival] >= 0.01 else "-"
        lines.append(f"  {c:7d}  {confidence:10.2f}  {shares[c, c]:18.0%}  {runner_up}")
    return "\n".join(lines)
