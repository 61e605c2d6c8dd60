"""Entropic Gromov-Wasserstein couplings, many at once.

References
----------
Peyré, Cuturi, Solomon, "Gromov-Wasserstein averaging of kernel and distance
matrices", ICML 2016.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..data.rows import Matrix

Couplings = NDArray[np.float32]

LEFTOVER = np.float32(1e-30)  # mass that no entry goes below


def sinkhorn(log_kernel: Couplings, rows: Couplings, columns: Couplings, n_iter: int) -> Couplings:
    """Scale exp(log_kernel) to the marginals given (the columns' exactly).

    Parameters
    ----------
    log_kernel : ndarray of shape (s, p, q)
    rows, columns : ndarray of shape (p,) and (q,)
    n_iter : int

    Returns
    -------
    ndarray of shape (s, p, q)

    Examples
    --------
    >>> sinkhorn(np.zeros((1, 2, 2)), np.array([0.5, 0.5]), np.array([0.25, 0.75]), 5)
    array([[[0.125, 0.375],
            [0.125, 0.375]]])
    """
    coupling: Couplings = np.exp(log_kernel - log_kernel.max(axis=(1, 2), keepdims=True)) + LEFTOVER
    for _ in range(n_iter):
        coupling *= (rows / coupling.sum(axis=2))[:, :, None]
        coupling *= (columns / coupling.sum(axis=1))[:, None, :]
    return coupling


def anneal(
    left: Couplings,
    right: Couplings,
    affinity: Couplings,
    rows: Couplings,
    columns: Couplings,
    couplings: Couplings,
    epsilons: Sequence[float],
    n_steps: int,
) -> Couplings:
    """Move couplings towards entropic Gromov-Wasserstein ones, with less and less entropy.

    Parameters
    ----------
    left, right : ndarray of shape (g, p, p) and (g, q, q)
        Distances of mean 0 and variance 1 under the masses.
    affinity : ndarray of shape (p, q)
        How far every two belong together whatever the distances say.
    rows, columns : ndarray of shape (p,) and (q,)
        Masses.
    couplings : ndarray of shape (s, p, q)
        Where to start.
    epsilons : sequence of float
        Weights of the entropy.
    n_steps : int
        With each of them.

    Returns
    -------
    ndarray of shape (s, p, q)
    """
    for epsilon in epsilons:
        for _ in range(n_steps):
            gradient = transported(left, right, couplings) + affinity
            kernel = gradient * np.float32(2 / epsilon)
            couplings = sinkhorn(kernel, rows, columns, 5)
    return couplings


def transported(left: Couplings, right: Couplings, couplings: Couplings) -> Couplings:
    """Mean over g of L_g T R_g, half the gradient of the objective.

    Parameters
    ----------
    left, right : ndarray of shape (g, p, p) and (g, q, q)
    couplings : ndarray of shape (s, p, q)

    Returns
    -------
    ndarray of shape (s, p, q)
    """
    total = left[0] @ couplings @ right[0]
    for a, b in zip(left[1:], right[1:], strict=True):
        total += a @ couplings @ b
    result: Couplings = total / np.float32(len(left))
    return result


def correlation(
    left: Couplings, right: Couplings, affinity: Couplings, couplings: Couplings
) -> Couplings:
    """Correlation of the distances through each coupling, mean over g; 1 is a perfect match.

    Parameters
    ----------
    left, right : ndarray of shape (g, p, p) and (g, q, q)
    affinity : ndarray of shape (p, q)
        Twice its mean under the coupling is added.
    couplings : ndarray of shape (s, p, q)

    Returns
    -------
    ndarray of shape (s,)
    """
    total = transported(left, right, couplings) + 2 * affinity
    value: Couplings = (couplings * total).sum(axis=(1, 2))
    return value


def standard(distances: Matrix, masses: Matrix) -> Couplings:
    """Distances with mean 0 and variance 1 under the masses.

    Parameters
    ----------
    distances : ndarray of shape (p, p)
    masses : ndarray of shape (p,)

    Returns
    -------
    ndarray of shape (p, p)

    Examples
    --------
    >>> standard(np.array([[0.0, 2.0], [2.0, 0.0]]), np.array([0.5, 0.5]))
    array([[-1.,  1.],
           [ 1., -1.]], dtype=float32)
    """
    weights = np.outer(masses, masses)
    centred = distances - (weights * distances).sum()
    scale = max(np.sqrt((weights * np.square(centred)).sum()), 1e-12)
    result: Couplings = (centred / scale).astype(np.float32)
    return result
