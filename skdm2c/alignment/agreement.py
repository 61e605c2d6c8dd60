"""Three modalities and more: whether spokes say of each other what the hub says of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .base import Alignment


def through_hub(left: Alignment, right: Alignment) -> NDArray[np.intp]:
    """Partners of one spoke's clusters in another, by way of the hub.

    Parameters
    ----------
    left, right : Alignment
        Of two spokes (their left sides) with the hub.

    Returns
    -------
    ndarray of int of shape (k,)
        Cluster of the right spoke, for each of the left one.
    """
    partners: NDArray[np.intp] = right.turned().partners[left.partners]
    return partners


def spoke_agreement(left: Alignment, right: Alignment, direct: Alignment) -> float:
    """How far a direct matching of two spokes bears out the one through the hub.

    Parameters
    ----------
    left, right : Alignment
        Of two spokes (their left sides) with the hub.
    direct : Alignment
        Of the left spoke with the right one.

    Returns
    -------
    float
        In [0, 1]: the mass that the direct matching gives to partners through the hub, as a
        part of that on its own partners. A direct matching of no confidence bears witness
        against nobody: with confidence 0 the agreement is 1.

    Examples
    --------
    >>> def matching(partners, confidence):
    ...     mass = np.eye(2)[partners] / 2
    ...     return Alignment(np.array(partners), mass, confidence, np.ones(2))
    >>> same, swapped = matching([0, 1], 0.9), matching([1, 0], 0.8)
    >>> spoke_agreement(same, same, same)
    1.0
    >>> round(spoke_agreement(same, same, swapped), 2)
    0.2
    """
    rows = np.arange(len(direct.partners))
    own = direct.mass[rows, direct.partners].sum()
    via = direct.mass[rows, through_hub(left, right)].sum()
    return float(1 - direct.confidence * (1 - min(via / max(own, 1e-12), 1.0)))
