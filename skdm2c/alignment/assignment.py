"""Assignment: permutations under which two distance matrices agree, or most mass is shared."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
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

    Notes
    -----
    O(g c²) a swap and start, after O(g c³) for each start.

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
    found = starts.copy()
    active, p = np.arange(len(found)), starts.copy()
    # Gains need no more than single precision to be compared, and are most of the work. Twice
    # the left, as a partner counts in a row and in a column.
    a, b = (2 * left).astype(np.float32), right.astype(np.float32)
    turned = b[:, p[:, :, None], p[:, None, :]]  # [g, s, i, j] = R_g[p_i, p_j]
    placed = linear.astype(np.float32)[:, p].transpose(1, 0, 2)
    placed = placed + sum(x @ y for x, y in zip(a, turned, strict=True))
    for _ in range(N_SWAPS):
        gain = _swap_gains(a, turned, placed).reshape(len(p), -1)
        best = gain.argmax(axis=1)
        improving = gain[np.arange(len(p)), best] > SMALLEST_GAIN
        if not improving.all():
            active, p, best = active[improving], p[improving], best[improving]
            turned, placed = turned[:, improving], placed[improving]
        if len(p) == 0:
            break
        i, j = np.divmod(best, p.shape[1])
        _follow_swaps(a, turned, placed, i, j)
        _exchange(p, i, j)
        found[active] = p
    values = linear[np.arange(found.shape[1]), found].sum(axis=1)
    for x, y in zip(left, right, strict=True):
        values = values + np.einsum("ij,sij->s", x, y[found[:, :, None], found[:, None, :]])
    return found, values


def _swap_gains(
    a: NDArray[np.float32], turned: NDArray[np.float32], placed: NDArray[np.float32]
) -> NDArray[np.float32]:
    # [s, i, j]: by how much the objective grows when i and j swap their partners. ``placed``
    # says what i would add with j's partner, were nothing else to move.
    moved = placed - np.einsum("sii->si", placed)[:, :, None]
    for x, y in zip(a, turned, strict=True):
        moved += x * y
    gain: NDArray[np.float32] = moved + moved.transpose(0, 2, 1)
    return gain


def _follow_swaps(
    a: NDArray[np.float32],
    turned: NDArray[np.float32],
    placed: NDArray[np.float32],
    i: NDArray[np.intp],
    j: NDArray[np.intp],
) -> None:
    # In each start, i and j swap: products of matrices that differ in two rows differ by an
    # outer product, so that a swap costs c² where to multiply anew costs c³.
    every = np.arange(len(i))
    for x, y in zip(a, turned, strict=True):
        rows = y[every, i] - y[every, j]
        placed += (x[:, j] - x[:, i]).T[:, :, None] * rows[:, None, :]
        _exchange(y, i, j)
        _exchange(y.transpose(0, 2, 1), i, j)
    _exchange(placed.transpose(0, 2, 1), i, j)


def _exchange(x: NDArray[Any], i: NDArray[np.intp], j: NDArray[np.intp]) -> None:
    # x[s, i_s] and x[s, j_s] swap, in place.
    every = np.arange(len(i))
    x[every, i], x[every, j] = x[every, j], x[every, i]


def best_partners(mass: Matrix) -> NDArray[np.intp]:
    """Match clusters one to one by the mass they share, as a part of the row's and the column's.

    Parameters
    ----------
    mass : ndarray of shape (k, k)

    Returns
    -------
    ndarray of int of shape (k,)
        Column of each row.

    Examples
    --------
    A small cluster's partner is not taken from it by a large one:

    >>> best_partners(np.array([[0.5, 0.3], [0.0, 0.2]]))
    array([0, 1])
    """
    return most_shared(relative(mass))


def most_shared(mass: Matrix) -> Permutations:
    """Match clusters one to one such that partners share as much mass as they can.

    Parameters
    ----------
    mass : ndarray of shape (k, k)

    Returns
    -------
    ndarray of int of shape (k,)
        Column of each row.
    """
    partners: Permutations = linear_sum_assignment(-mass)[1]
    return partners


def relative(mass: Matrix) -> Matrix:
    """Mass as a part of the row's, plus the same as a part of the column's.

    Parameters
    ----------
    mass : ndarray of shape (k, k)

    Returns
    -------
    ndarray of shape (k, k)
        From 0 to 2.
    """
    rows = np.maximum(mass.sum(axis=1, keepdims=True), 1e-12)
    columns = np.maximum(mass.sum(axis=0, keepdims=True), 1e-12)
    parts: Matrix = mass / rows + mass / columns
    return parts


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
