"""Two modalities of which one lacks clusters that the other has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .base import Alignment


def with_missing(found: Alignment, missing: Sequence[int]) -> Alignment:
    """Give clusters that the left side lacks their numbers back, and empty ones for partners.

    Parameters
    ----------
    found : Alignment
        Of the j left clusters with the right ones but for those missing.
    missing : sequence of int
        Right clusters, out of k.

    Returns
    -------
    Alignment
        Of k clusters. The left ones from j on are empty, and the partners of the missing; what
        is trusted of those is the confidence of the whole.

    Examples
    --------
    >>> found = with_missing(Alignment.of_partners([1, 0], confidence=0.7), missing=[1])
    >>> found.partners, found.mass
    (array([2, 0, 1]), array([[0. , 0. , 0.5],
           [0.5, 0. , 0. ],
           [0. , 0. , 0. ]]))
    """
    j, k = len(found.partners), len(found.partners) + len(missing)
    kept = np.delete(np.arange(k), missing)
    mass = np.zeros((k, k))
    mass[np.ix_(np.arange(j), kept)] = found.mass
    return Alignment(
        partners=np.concatenate([kept[found.partners], np.asarray(missing, dtype=np.intp)]),
        mass=mass,
        confidence=found.confidence,
        cluster_confidence=np.append(
            found.cluster_confidence, np.full(len(missing), found.confidence)
        ),
    )
