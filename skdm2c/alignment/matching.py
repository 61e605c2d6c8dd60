"""Match two sets of prototypes by the distances within each: Gromov-Wasserstein.

First permutations by many restarts of 2-opt (a quadratic assignment), then the
best of them as starts for an entropic coupling that knows masses.

References
----------
Peyré, Cuturi, Solomon, "Gromov-Wasserstein averaging of kernel and distance
matrices", ICML 2016.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from ..neighbors import Matrix
from .prototypes import Prototypes

N_STARTS = 30
N_REFINED = 12
N_SWAPS = 500
EPSILONS = (0.3, 0.15, 0.08)


def match(
    left: Prototypes, right: Prototypes, kinds: Sequence[str], rng: np.random.RandomState
) -> tuple[Matrix, float]:
    """Couple two sets of prototypes whose distances agree best.

    Parameters
    ----------
    left, right : Prototypes
        With p and q prototypes.
    kinds : sequence of str
        The distances to agree in.
    rng : RandomState

    Returns
    -------
    coupling : ndarray of shape (p, q)
        Its rows sum to the masses of ``left``, its columns to those of ``right``.
    objective : float
        Correlation of the distances through the coupling; 1 is a perfect match.
    """
    size = min(len(left.masses), len(right.masses))
    if size < 2:
        return np.outer(left.masses, right.masses), 0.0
    # A permutation needs equally many: where duplicates left fewer, the lightest stay out.
    rows, columns = (np.sort(np.argsort(-p.masses, kind="stable")[:size]) for p in (left, right))
    ranked = [
        np.stack([_normal_scores(p.distances[kind][np.ix_(keep, keep)]) for kind in kinds])
        for p, keep in ((left, rows), (right, columns))
    ]
    linear = len(kinds) * np.sqrt(size - 1) * _similarity(left, right)[np.ix_(rows, columns)]
    starts = np.stack([rng.permutation(size) for _ in range(N_STARTS)])
    permutations, values = two_opt(ranked[0], ranked[1], linear, starts)
    order = np.argsort(-values, kind="stable")
    best = list(dict.fromkeys(tuple(permutations[i]) for i in order))[:N_REFINED]
    seeds = np.zeros((len(best), len(left.masses), len(right.masses)))
    for seed, permutation in zip(seeds, best, strict=True):
        seed[rows, columns[list(permutation)]] = 0.8 / size
    seeds += 0.2 * np.outer(left.masses, right.masses)
    couplings, objectives = refine(
        np.stack([_standard(left.distances[kind], left.masses) for kind in kinds]),
        np.stack([_standard(right.distances[kind], right.masses) for kind in kinds]),
        left.masses,
        right.masses,
        seeds,
    )
    winner = int(np.argmax(objectives))
    return couplings[winner], float(objectives[winner])


def two_opt(
    left: Matrix, right: Matrix, linear: Matrix, starts: NDArray[np.intp]
) -> tuple[NDArray[np.intp], Matrix]:
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
    >>> p, _ = two_opt(path, turned, np.zeros((3, 3)), np.array([[0, 1, 2]]))
    >>> p
    array([[1, 2, 0]])
    """
    p = starts.copy()
    every = np.arange(len(p))
    for _ in range(N_SWAPS):
        gain = _linear_gain(linear, p)
        for a, b in zip(left, right, strict=True):
            b_p = b[p[:, :, None], p[:, None, :]]
            m = a @ b_p
            own = np.einsum("sii->si", m)
            # Change of <L, R[p, p]> when i and j swap their partners.
            gain += 2 * (m + m.transpose(0, 2, 1) - own[:, :, None] - own[:, None, :] + 2 * a * b_p)
        flat = gain.reshape(len(p), -1)
        best = flat.argmax(axis=1)
        improving = every[flat[every, best] > 1e-9]
        if len(improving) == 0:
            break
        i, j = np.unravel_index(best[improving], gain.shape[1:])
        p[improving, i], p[improving, j] = p[improving, j], p[improving, i]
    values = linear[np.arange(p.shape[1]), p].sum(axis=1)
    for a, b in zip(left, right, strict=True):
        values = values + np.einsum("ij,sij->s", a, b[p[:, :, None], p[:, None, :]])
    return p, values


def refine(
    left: Matrix, right: Matrix, mass_left: Matrix, mass_right: Matrix, starts: Matrix
) -> tuple[Matrix, Matrix]:
    """Turn rough couplings into entropic Gromov-Wasserstein ones, annealing the entropy.

    Parameters
    ----------
    left, right : ndarray of shape (g, p, p) and (g, q, q)
        Distances of mean 0 and variance 1 under the masses.
    mass_left, mass_right : ndarray of shape (p,) and (q,)
    starts : ndarray of shape (s, p, q)

    Returns
    -------
    couplings : ndarray of shape (s, p, q)
    objectives : ndarray of shape (s,)
        Mean over g of <T, L_g T R_g>, a correlation.
    """
    couplings = sinkhorn(np.log(starts), mass_left, mass_right)
    for epsilon in EPSILONS:
        for _ in range(10):
            gradient = _transported(left, right, couplings)
            couplings = sinkhorn(2 * gradient / epsilon, mass_left, mass_right)
    return couplings, (couplings * _transported(left, right, couplings)).sum(axis=(1, 2))


def sinkhorn(log_kernel: Matrix, rows: Matrix, columns: Matrix, n_iter: int = 10) -> Matrix:
    """Scale exp(log_kernel) to the marginals given (the columns' exactly).

    Parameters
    ----------
    log_kernel : ndarray of shape (s, p, q)
    rows, columns : ndarray of shape (p,) and (q,)
    n_iter : int, default=10

    Returns
    -------
    ndarray of shape (s, p, q)

    Examples
    --------
    >>> sinkhorn(np.zeros((1, 2, 2)), np.array([0.5, 0.5]), np.array([0.25, 0.75]))
    array([[[0.125, 0.375],
            [0.125, 0.375]]])
    """
    coupling: Matrix = np.exp(log_kernel - log_kernel.max(axis=(1, 2), keepdims=True)) + 1e-100
    for _ in range(n_iter):
        coupling = coupling * (rows / coupling.sum(axis=2))[:, :, None]
        coupling = coupling * (columns / coupling.sum(axis=1))[:, None, :]
    return coupling


def _transported(left: Matrix, right: Matrix, couplings: Matrix) -> Matrix:
    transported: Matrix = np.mean(
        [a @ couplings @ b for a, b in zip(left, right, strict=True)], axis=0
    )
    return transported


def _linear_gain(linear: Matrix, p: NDArray[np.intp]) -> Matrix:
    now = linear[:, p].transpose(1, 0, 2)  # [s, i, j] = linear[i, p_j]
    own = np.einsum("sii->si", now)
    gain: Matrix = now + now.transpose(0, 2, 1) - own[:, :, None] - own[:, None, :]
    return gain


def _normal_scores(distances: Matrix) -> Matrix:
    # Ranks survive any monotone difference between the two modalities' scales.
    upper = np.triu_indices(len(distances), 1)
    scores = norm.ppf((rankdata(distances[upper]) - 0.5) / len(upper[0]))
    scores /= max(np.sqrt(np.square(scores).mean()), 1e-12)
    result = np.zeros_like(distances)
    result[upper] = scores
    return result + result.T


def _similarity(left: Prototypes, right: Prototypes) -> Matrix:
    # How alike two prototypes are in what needs no counterpart: size, spread, centrality.
    traits = [
        np.stack(
            [
                np.log(p.masses),
                np.diag(p.distances["geodesic"]),
                np.diag(p.distances["cosine"]),
                p.distances["geodesic"] @ p.masses,
            ]
        )
        for p in (left, right)
    ]
    scores = [
        (t - t.mean(axis=1, keepdims=True)) / np.maximum(t.std(axis=1, keepdims=True), 1e-12)
        for t in traits
    ]
    return np.einsum("ti,tj->ij", scores[0], scores[1]) / len(scores[0])  # type: ignore[no-any-return]


def _standard(distances: Matrix, masses: Matrix) -> Matrix:
    weights = np.outer(masses, masses)
    centred = distances - (weights * distances).sum()
    standard: Matrix = centred / max(np.sqrt((weights * np.square(centred)).sum()), 1e-12)
    return standard
