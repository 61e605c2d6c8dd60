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

MIN_ENTRY = np.float32(1e-30)  # relative to the largest of its row: keeps sums above zero
N_ROUNDS = 5  # of Sinkhorn per step: potentials carry over, and so converge over the steps
N_LAST_ROUNDS = 20


def sinkhorn(matrices: Couplings, rows: Couplings, columns: Couplings) -> Couplings:
    """Scale nonnegative matrices, of shape (s, p, q), to couplings with the given marginals.

    ``rows``, of shape (p,), and ``columns``, of shape (q,), are positive and have the same sum.
    """
    # What is missing after the last round is filled up by an outer product. Both marginals are
    # then exact, even where blocks of unequal masses hardly overlap. See algorithm 2 of
    # Altschuler, Weed, Rigollet, "Near-linear time approximation algorithms for optimal
    # transport via Sinkhorn iteration", NeurIPS 2017.
    log_kernel = np.log(np.maximum(matrices, MIN_ENTRY))
    potential = np.zeros_like(log_kernel[:, :1])
    couplings, _ = _scaled(log_kernel, rows, columns, potential, N_LAST_ROUNDS)
    # The marginals of the rows are exact after the last round.
    couplings *= np.minimum(columns / couplings.sum(axis=1), 1)[:, None]
    lacking = rows - couplings.sum(axis=2), columns - couplings.sum(axis=1)
    of_rows, of_columns = (np.maximum(x, 0) for x in lacking)
    total = np.maximum(of_rows.sum(axis=1), MIN_ENTRY)[:, None, None]
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
    """Improve Gromov-Wasserstein couplings, of shape (s, p, q), with decreasing entropy.

    Takes standard distances, of shape (g, p, p) and (g, q, q), an affinity that is added to
    their utility, and the masses. The row marginals of the result are exact, the column
    marginals nearly so.
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
    # Rounds of Sinkhorn's algorithm from potentials of the columns, of shape (s, 1, q). The
    # potentials and the maximum of each row are absorbed before the exponential: otherwise rows
    # and columns far below the others would underflow, and their coupling would be arbitrary.
    absorbed = log_kernel + potential
    kernel = np.exp(absorbed - absorbed.max(axis=2, keepdims=True))
    kernel = np.maximum(kernel, MIN_ENTRY)
    u = rows / kernel.sum(axis=2)
    with np.errstate(invalid="ignore"):  # OpenBLAS may raise the flag for finite products
        for _ in range(n_rounds):
            v = columns / np.matmul(u[:, None], kernel)[:, 0]
            u = rows / np.matmul(kernel, v[:, :, None])[:, :, 0]
    kernel *= u[:, :, None]
    kernel *= v[:, None]
    return kernel, potential + np.log(v)[:, None]


def transported(left: Couplings, right: Couplings, couplings: Couplings) -> Couplings:
    """Return the mean over g of L_g T R_g, half the gradient of the objective; shape (s, p, q)."""
    total = left[0] @ couplings @ right[0]
    for a, b in zip(left[1:], right[1:], strict=True):
        total += a @ couplings @ b
    result: Couplings = total / np.float32(len(left))
    return result


def correlation(
    left: Couplings, right: Couplings, affinity: Couplings, couplings: Couplings
) -> Couplings:
    """Return the correlation of the distances through each coupling, of shape (s,).

    It is the mean over kinds of distance, and 1 for a perfect match. Twice the mean affinity
    under the coupling is added.
    """
    total = transported(left, right, couplings) + 2 * affinity
    value: Couplings = (couplings * total).sum(axis=(1, 2))
    return value


def standard(distances: Matrix, masses: Matrix) -> Couplings:
    """Standardise distances, of shape (p, p), to mean 0 and variance 1 under the masses.

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
