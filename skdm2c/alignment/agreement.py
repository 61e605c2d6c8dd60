"""Check whether spokes match each other directly as they do through the hub."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .base import Alignment


def through_hub(left: Alignment, right: Alignment) -> NDArray[np.intp]:
    """Match the clusters of one spoke with those of another by way of the hub.

    Takes the alignments of both spokes with the hub, the spoke on the left, and returns the
    right spoke's cluster for each left one, of shape (k,).
    """
    partners: NDArray[np.intp] = right.turned().partners[left.partners]
    return partners


def spoke_agreement(left: Alignment, right: Alignment, direct: Alignment) -> float:
    """Measure how far a direct matching of two spokes supports the one through the hub.

    Parameters
    ----------
    left, right : Alignment
        Alignment of each spoke with the hub; the spoke is the left side of both.
    direct : Alignment
        Alignment of the left spoke with the right one.

    Returns
    -------
    float
        Agreement in [0, 1]. It is 1 if the direct matching gives the partners through the hub
        as much mass as its own partners, and falls with that ratio. The higher the confidence of
        the direct matching, the further the agreement can fall; with confidence 0 it is always 1.

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
    direct_mass = direct.mass[rows, direct.partners].sum()
    hub_mass = direct.mass[rows, through_hub(left, right)].sum()
    return float(1 - direct.confidence * (1 - min(hub_mass / max(direct_mass, 1e-12), 1.0)))
