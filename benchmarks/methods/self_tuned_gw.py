"""Entropic Gromov-Wasserstein as SCOT tunes it itself, barycentric projection, k-means.

The heuristic that SCOT (Demetci et al., Journal of Computational Biology 2022) offers to those
who have nothing to tune by: couple with every one of 5 numbers of neighbours and 12 weights of
the entropy, and keep the coupling of the smallest Gromov-Wasserstein distance. The grid is that
of the authors' program; the rest is ``entropic_gw``'s, 60 times over.
"""

from __future__ import annotations

import numpy as np

from ._spaces import cluster_through
from .entropic_gw import MAX_STEPS, couple, hops
from .interface import Clustering, Matrix

EPSILONS = np.logspace(-1, -3, 12)
N_NUMBERS = 5
FEW_ROWS = 250
LEAST_MASS = 0.95  # of a coupling that converged, as SCOT has it


def fit_labels(X_a: Matrix, X_b: Matrix, k: int, seed: int) -> Clustering:
    """Couple the rows in 60 ways; cluster A's rows and B's projections by the nearest.

    Raises
    ------
    RuntimeError
        If no coupling converges.
    """
    best, nearest = None, np.inf
    for n_neighbors in numbers_of_neighbors(min(len(X_a), len(X_b))):
        distances = hops(X_a, n_neighbors), hops(X_b, n_neighbors)
        for epsilon in EPSILONS:
            coupling, distance = couple(*distances, epsilon, MAX_STEPS)
            if converged(coupling) and distance < nearest:
                best, nearest = coupling, distance
    if best is None:
        raise RuntimeError("no coupling converged; give rows without NaN and of one scale")
    return cluster_through(best, X_a, k, seed)


def numbers_of_neighbors(n: int) -> list[int]:
    """Spread five over what SCOT tries for modalities of at least n rows."""
    ends = (20, 100) if n > FEW_ROWS else (n // 20, n // 6)
    return [int(number) for number in np.linspace(*ends, N_NUMBERS)]


def converged(coupling: Matrix) -> bool:
    """Whether a coupling leaves out no row and little mass."""
    everywhere = coupling.any(axis=0).all() and coupling.any(axis=1).all()
    return bool(np.isfinite(coupling).all() and everywhere and coupling.sum() >= LEAST_MASS)
