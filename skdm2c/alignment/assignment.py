"""Permutations under which two distance matrices agree, or under which most mass is shared."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.stats import norm, rankdata

from ..data.rows import Matrix

N_SWAPS = 500
MIN_GAIN = 1e-4  # smaller gains may be rounding errors of single precision
Permutations = NDArray[np.intp]


def two_opt(
    left: Matrix, right: Matrix, linear: Matrix, starts: Permutations
) -> tuple[Permutations, Matrix]:
    """Maximise sum_g <L_g, R_g[p, p]> + sum_i linear[i, p_i] by the best swaps of two partners.

    ``left`` and ``right``, of shape (g, c, c), are symmetric with zero diagonals. Returns the
    permutations found from each start, of shape (s, c), and their values, of shape (s,).
    """
    permutations = starts.copy()
    active, p = np.arange(len(permutations)), starts.copy()
    # Computing gains takes most of the time, and single precision is enough to compare them.
    # The left side counts twice, as a partner occurs in a row and in a column.
    a, b = (2 * left).astype(np.float32), right.astype(np.float32)
    permuted = b[:, p[:, :, None], p[:, None, :]]  # [g, s, i, j] = R_g[p_i, p_j]
    utility = linear.astype(np.float32)[:, p].transpose(1, 0, 2)
    utility = utility + sum(x @ y for x, y in zip(a, permuted, strict=True))
    for _ in range(N_SWAPS):
        gain = _swap_gains(a, permuted, utility).reshape(len(p), -1)
        best = gain.argmax(axis=1)
        improving = gain[np.arange(len(p)), best] > MIN_GAIN
        if not improving.all():
            active, p, best = active[improving], p[improving], best[improving]
            permuted, utility = permuted[:, improving], utility[improving]
        if len(p) == 0:
            break
        i, j = np.divmod(best, p.shape[1])
        _follow_swaps(a, permuted, utility, i, j)
        _exchange(p, i, j)
        permutations[active] = p
    values = linear[np.arange(permutations.shape[1]), permutations].sum(axis=1)
    for x, y in zip(left, right, strict=True):
        values = values + np.einsum(
            "ij,sij->s", x, y[permutations[:, :, None], permutations[:, None, :]]
        )
    return permutations, values


def _swap_gains(
    a: NDArray[np.float32], permuted: NDArray[np.float32], utility: NDArray[np.float32]
) -> NDArray[np.float32]:
    # [s, i, j]: the growth of the objective when i and j swap their partners. utility[s, i, j]
    # is what i would contribute with the partner of j if no other partner changed.
    moved = utility - np.einsum("sii->si", utility)[:, :, None]
    for x, y in zip(a, permuted, strict=True):
        moved += x * y
    gain: NDArray[np.float32] = moved + moved.transpose(0, 2, 1)
    return gain


def _follow_swaps(
    a: NDArray[np.float32],
    permuted: NDArray[np.float32],
    utility: NDArray[np.float32],
    i: NDArray[np.intp],
    j: NDArray[np.intp],
) -> None:
    # Updates the arrays in place after i and j have swapped in each start. A swap changes the
    # products by an outer product, which costs c² operations where a new product costs c³.
    starts = np.arange(len(i))
    for x, y in zip(a, permuted, strict=True):
        rows = y[starts, i] - y[starts, j]
        utility += (x[:, j] - x[:, i]).T[:, :, None] * rows[:, None, :]
        _exchange(y, i, j)
        _exchange(y.transpose(0, 2, 1), i, j)
    _exchange(utility.transpose(0, 2, 1), i, j)


def _exchange(x: NDArray[Any], i: NDArray[np.intp], j: NDArray[np.intp]) -> None:
    # Swaps x[s, i_s] and x[s, j_s] in place.
    starts = np.arange(len(i))
    x[starts, i], x[starts, j] = x[starts, j], x[starts, i]


def best_partners(mass: Matrix) -> NDArray[np.intp]:
    """Match clusters one to one by their shared mass relative to their sizes.

    Takes the shared mass, of shape (k, k), and returns the column of each row, of shape (k,).

    Examples
    --------
    A large cluster does not take a small one's partner:

    >>> best_partners(np.array([[0.5, 0.3], [0.0, 0.2]]))
    array([0, 1])
    """
    return most_shared(relative(mass))


def most_shared(mass: Matrix) -> Permutations:
    """Match clusters one to one so that partners share the most mass in total.

    Takes the shared mass, of shape (k, k), and returns the column of each row, of shape (k,).
    """
    partners: Permutations = linear_sum_assignment(-mass)[1]
    return partners


def relative(mass: Matrix) -> Matrix:
    """Divide mass, of shape (k, k), by its row sums and by its column sums, and add the two."""
    rows = np.maximum(mass.sum(axis=1, keepdims=True), 1e-12)
    columns = np.maximum(mass.sum(axis=0, keepdims=True), 1e-12)
    relative_mass: Matrix = mass / rows + mass / columns
    return relative_mass


def normal_scores(distances: Matrix) -> Matrix:
    """Replace distances, of shape (c, c), by the normal quantiles of their ranks.

    The diagonal is ignored and set to zero; the other scores have mean square one.

    Examples
    --------
    >>> normal_scores(np.array([[0.0, 1, 2], [1, 0, 30], [2, 30, 0]])).round(2) + 0.0
    array([[ 0.  , -1.22,  0.  ],
           [-1.22,  0.  ,  1.22],
           [ 0.  ,  1.22,  0.  ]])
    """
    # Ranks do not change under monotone differences between the scales of two modalities.
    result = np.zeros_like(distances)
    upper = np.triu_indices(len(distances), 1)
    if len(upper[0]):
        scores = norm.ppf((rankdata(distances[upper]) - 0.5) / len(upper[0]))
        result[upper] = scores / max(np.sqrt(np.square(scores).mean()), 1e-12)
    return result + result.T
