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

LEAST_ENTRY = np.float32(1e-30)  # relative to the largest of its row: keeps sums above zero
N_ROUNDS = 5  # a step: potentials are kept from one step to the next, and converge over the steps
LAST_ROUNDS = 20


def sinkhorn(matrices: Couplings, rows: Couplings, columns: Couplings) -> Couplings:
    """Scale nonnegative matrices to the marginals given.

    What some rounds of scaling leave is made up for by the outer product of what rows and columns
    lack: both marginals are exact, also where blocks of unequal masses hardly overlap.

    Parameters
    ----------
    matrices : ndarray of shape (s, p, q)
    rows, columns : ndarray of shape (p,) and (q,)
        Positive, with the same sum.

    Returns
    -------
    ndarray of shape (s, p, q)

    References
    ----------
    Altschuler, Weed, Rigollet, "Near-linear time approximation algorithms for optimal
    transport via Sinkhorn iteration", NeurIPS 2017, algorithm 2.

    Examples
    --------
    >>> sinkhorn(np.ones((1, 2, 2)), np.array([0.5, 0.5]), np.array([0.25, 0.75]))
    array([[[0.125, 0.375],
            [0.125, 0.375]]])
    """
    log_kernel = np.log(np.maximum(matrices, LEAST_ENTRY))
    potential = np.zeros_like(log_kernel[:, :1])
    couplings, _ = _scaled(log_kernel, rows, columns, potential, LAST_ROUNDS)
    # The rows' marginals are exact now.
    couplings *= np.minimum(columns / couplings.sum(axis=1), 1)[:, None]
    lacking = rows - couplings.sum(axis=2), columns - couplings.sum(axis=1)
    of_rows, of_columns = (np.maximum(x, 0) for x in lacking)
    total = np.maximum(of_rows.sum(axis=1), LEAST_ENTRY)[:, None, None]
    couplings += of_rows[:, :, None] * (of_columns[:, None] / total)
    return couplings


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
        Added to what the distances say of every two.
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
        The rows' marginals are exact, the columns' nearly so.
    """
    potential = None
    for epsilon in epsilons:
        scale = np.float32(2 / epsilon)
        for _ in range(n_steps):
            utility = transported(left, right, couplings) + affinity
            if potential is None:
                potential = -utility.max(axis=1, keepdims=True)
            couplings, scaled = _scaled(utility * scale, rows, columns, potential * scale, N_ROUNDS)
            potential = scaled / scale
    return couplings


def _scaled(
    log_kernel: Couplings,
    rows: Couplings,
    columns: Couplings,
    potential: Couplings,
    n_rounds: int,
) -> tuple[Couplings, Couplings]:
    # Some rounds of Sinkhorn's algorithm from the columns' potentials, shape (s, 1, q). Those
    # and the maximum of each row are taken up before exp, or rows and columns that are far
    # below the rest would underflow and be coupled at chance.
    absorbed = log_kernel + potential
    kernel = np.exp(absorbed - absorbed.max(axis=2, keepdims=True))
    kernel = np.maximum(kernel, LEAST_ENTRY)
    u = rows / kernel.sum(axis=2)
    with np.errstate(invalid="ignore"):  # OpenBLAS may raise the flag for finite products
        for _ in range(n_rounds):
            v = columns / np.matmul(u[:, None], kernel)[:, 0]
            u = rows / np.matmul(kernel, v[:, :, None])[:, :, 0]
    kernel *= u[:, :, None]
    kernel *= v[:, None]
    return kernel, potential + np.log(v)[:, None]


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
