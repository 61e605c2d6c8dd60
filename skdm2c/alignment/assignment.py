"""Quadratic assignment: permutations under which two distance matrices agree."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from ..data.rows import Matrix

N_SWAPS = 500
SMALLEST_GAIN = 1e-4  # what single precision may make of nothing
Permutations = NDArray[np.intp]


def two_opt(
    left: Matrix, right: Matrix, linear: Matrix, starts: Permutations
) -> tuple[Permutations, Matrix]:
    """Improve permutations by the best swap until none helps, all starts at once.

    Maximises sum_g <L_g, R_g[p, p]> + sum_i linear[i, p_i].

    Parameters
    ----------
    left, right : ndarray of shape (g, c, c)
        Symmetric, with zero diagonals.
    linear : ndarray of shape (c, c)
    starts : ndarray of int of shape (s, c)

    Returns
    -------
    permutations : ndarray of shape (s, c)
    values : ndarray of shape (s,)

    Examples
    --------
    A path matched to itself turned by a relabelling:

    >>> path = np.abs(np.subtract.outer([0.0, 1, 3], [0.0, 1, 3]))[None]
    >>> turned = path[:, [2, 0, 1]][:, :, [2, 0, 1]]
    >>> starts = np.array([[0, 1, 2], [2, 1, 0]])
    >>> two_opt(path, turned, np.zeros((3, 3)), starts)[0]
    array([[1, 2, 0],
           [1, 2, 0]])
    """
    p = starts.copy()
    active = np.arange(len(p))
    # Gains need no more than single precision to be compared, and are most of the work.
    a32, b32, linear32 = (x.astype(np.float32) for x in (left, right, linear))
    for _ in range(N_SWAPS):
        gain = _swap_gains(a32, b32, linear32, p[active])
        flat = gain.reshape(len(active), -1)
        best = flat.argmax(axis=1)
        improving = flat[np.arange(len(active)), best] > SMALLEST_GAIN
        active, best = active[improving], best[improving]
        if len(active) == 0:
            break
        i, j = np.unravel_index(best, gain.shape[1:])
        p[active, i], p[active, j] = p[active, j], p[active, i]
    values = linear[np.arange(p.shape[1]), p].sum(axis=1)
    for a, b in zip(left, right, strict=True):
        values = values + np.einsum("ij,sij->s", a, b[p[:, :, None], p[:, None, :]])
    return p, values


def _swap_gains(
    left: NDArray[np.float32],
    right: NDArray[np.float32],
    linear: NDArray[np.float32],
    p: Permutations,
) -> NDArray[np.float32]:
    # [s, i, j]: by how much the objective grows when i and j swap their partners.
    m = linear[:, p].transpose(1, 0, 2)  # [s, i, j] = linear[i, p_j]
    twice = np.zeros_like(m)
    for a, b in zip(left, right, strict=True):
        b_p = 2 * b[p[:, :, None], p[:, None, :]]
        m = m + a @ b_p
        twice += a * b_p
    m = m - np.einsum("sii->si", m)[:, :, None] + twice
    gain: NDArray[np.float32] = m + m.transpose(0, 2, 1)
    return gain


def normal_scores(distances: Matrix) -> Matrix:
    """Distances by their ranks, as quantiles of the normal distribution.

    Ranks survive any monotone difference between the scales of two modalities.

    Parameters
    ----------
    distances : ndarray of shape (c, c)
        Symmetric; the diagonal does not count.

    Returns
    -------
    ndarray of shape (c, c)
        Mean square one off the diagonal, zero on it.

    Examples
    --------
    >>> normal_scores(np.array([[0.0, 1, 2], [1, 0, 30], [2, 30, 0]])).round(2) + 0.0
    array([[ 0.  , -1.22,  0.  ],
           [-1.22,  0.  ,  1.22],
           [ 0.  ,  1.22,  0.  ]])
    """
    result = np.zeros_like(distances)
    upper = np.triu_indices(len(distances), 1)
    if len(upper[0]):
        scores = norm.ppf((rankdata(distances[upper]) - 0.5) / len(upper[0]))
        result[upper] = scores / max(np.sqrt(np.square(scores).mean()), 1e-12)
    return result + result.T
