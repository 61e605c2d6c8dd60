"""Rows of two modalities, coupled once their clusters are matched.

References
----------
Grave, Joulin, Berthet, "Unsupervised alignment of embeddings with Wasserstein Procrustes",
AISTATS 2019. Chizat, Peyré, Schmitzer, Vialard, "Scaling algorithms for unbalanced optimal
transport problems", Mathematics of Computation 2018.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from ..data.rows import Matrix
from .base import KnownPairs

Points = NDArray[np.float32]

N_STEPS = 24
N_ROUNDS = 10  # of Sinkhorn's algorithm, a step
FIRST_TEMPERATURE, LAST_TEMPERATURE = 0.5, 0.02
N_STEPS_AT_LAST = 6
MASS_PENALTY = 1.0  # of rows that keep more or less than their mass; infinite: all keep theirs
PULL, PULL_DECAY = 1.0, 0.8  # of the matched clusters, and by how much it fades a step
PAIR_REBATE = 1.0  # off the cost of two rows that are known to be of one instance
FIRST_RIDGE, RIDGE = 0.1, 0.02  # of the linear maps
LEAST = np.float32(1e-20)


@dataclass(frozen=True)
class RowCoupling:
    """An unbalanced coupling of the rows of two modalities, and a linear map each way.

    Attributes
    ----------
    left, right : ndarray of shape (n, c) and (m, d)
        The rows that were coupled.
    forward, backward : ndarray of shape (c, d) and (d, c)
        From left to right, and back.
    left_potential, right_potential : ndarray of shape (n,) and (m,)
        Logarithms of the scalings of the entropic kernel.
    cost : float
        Mean squared distance, a column, between rows that are coupled, over both maps. Matchings
        of clusters can be told apart by it.
    """

    left: Points
    right: Points
    forward: Points
    backward: Points
    left_potential: Points
    right_potential: Points
    cost: float

    def weights(self, left: Points) -> Points:
        """Weights of the right rows as partners of left rows, coupled before or not.

        Parameters
        ----------
        left : ndarray of shape (p, c)

        Returns
        -------
        ndarray of shape (p, m)
            Rows sum to one.
        """
        costs = pair_costs(left, self.right, self.forward, self.backward)
        weights: Points = softmax(self.right_potential - costs / (2 * LAST_TEMPERATURE), axis=1)
        return weights

    def turned(self) -> RowCoupling:
        """Turn the coupling round, the right side to the left."""
        return RowCoupling(
            self.right,
            self.left,
            self.backward,
            self.forward,
            self.right_potential,
            self.left_potential,
            self.cost,
        )


def couple_rows(
    left: Points,
    right: Points,
    left_shares: Matrix,
    right_shares: Matrix,
    pairs: KnownPairs | None = None,
    n_steps: int = N_STEPS,
) -> RowCoupling:
    """Couple rows by Wasserstein-Procrustes, starting from clusters that are matched.

    In turn, an entropic and unbalanced coupling of mapped with real rows, and ridge regression
    on its barycentres. The temperature falls, and the pull of the clusters fades.

    Parameters
    ----------
    left, right : ndarray of shape (n, c) and (m, d)
        Centred, with a mean square of one.
    left_shares, right_shares : ndarray of shape (n, k) and (m, k)
        Responsibilities; the same columns stand for matched clusters.
    pairs : KnownPairs, default=None
        Rows that are known to belong together: their costs are lowered.
    n_steps : int, default=24

    Returns
    -------
    RowCoupling

    Notes
    -----
    O(n m (c + d)) a step.

    Examples
    --------
    A mirrored copy; where each row belongs is the barycentre of its partners:

    >>> rng = np.random.RandomState(0)
    >>> y = np.repeat([0, 1], [20, 30])
    >>> X = (5 * rng.randn(2, 3)[y] + rng.randn(50, 3)).astype(np.float32)
    >>> X -= X.mean(axis=0)
    >>> X /= np.sqrt(np.square(X).mean())
    >>> mirrored, of_cluster = X[:, ::-1], np.eye(2)[y]
    >>> coupling = couple_rows(X, mirrored, of_cluster, of_cluster)
    >>> bool(np.square(coupling.weights(X) @ mirrored - mirrored).mean() < 0.05)
    True
    """
    a, b, of_a, of_b = (
        np.ascontiguousarray(x, dtype=np.float32) for x in (left, right, left_shares, right_shares)
    )
    n, m = len(a), len(b)
    disagreement = 1 - of_a @ of_b.T
    rebate = np.zeros((n, m), dtype=np.float32)
    if pairs is not None:
        rebate[tuple(pairs.rows.T)] = PAIR_REBATE * min(pairs.trust, 1.0)
    even = np.ones(n, dtype=np.float32), np.ones(m, dtype=np.float32)
    forward = _ridge(a, of_a @ weighted_means(b, of_b), even[0], FIRST_RIDGE)
    backward = _ridge(b, of_b @ weighted_means(a, of_a), even[1], FIRST_RIDGE)
    decay = (LAST_TEMPERATURE / FIRST_TEMPERATURE) ** (1 / max(n_steps - N_STEPS_AT_LAST, 1))
    v: Points = even[1] / np.float32(m)
    for i in range(n_steps):
        temperature = max(FIRST_TEMPERATURE * decay**i, LAST_TEMPERATURE)
        costs = pair_costs(a, b, forward, backward)
        pulled = costs + np.float32(PULL * PULL_DECAY**i) * disagreement - rebate
        kernel, u, v = _scaled_kernel(pulled, v, temperature, N_ROUNDS)
        of_left, of_right = kernel.sum(axis=1), kernel.sum(axis=0)
        forward = _ridge(a, kernel @ b / of_left[:, None], np.minimum(n * of_left, 1), RIDGE)
        backward = _ridge(b, kernel.T @ a / of_right[:, None], np.minimum(m * of_right, 1), RIDGE)
    # What clusters and pairs have drawn together must hold without them.
    costs = pair_costs(a, b, forward, backward)
    kernel, u, v = _scaled_kernel(costs, v, LAST_TEMPERATURE, N_ROUNDS)
    of_left, of_right = (costs.min(axis=axis) / (4 * LAST_TEMPERATURE) for axis in (1, 0))
    cost = float((kernel * costs).sum() / kernel.sum())
    return RowCoupling(a, b, forward, backward, np.log(u) + of_left, np.log(v) + of_right, cost)


def pair_costs(left: Points, right: Points, forward: Points, backward: Points) -> Points:
    """Squared distance of every two rows, a column; the mean of that after either map.

    Parameters
    ----------
    left, right : ndarray of shape (n, c) and (m, d)
    forward, backward : ndarray of shape (c, d) and (d, c)

    Returns
    -------
    ndarray of shape (n, m)
    """
    there = _squared_distances(left @ forward, right) / np.float32(2 * right.shape[1])
    back = _squared_distances(left, right @ backward) / np.float32(2 * left.shape[1])
    there += back
    return there


def coupled_cost(left: Points, right: Points, forward: Points, backward: Points) -> float:
    """Cost of the best coupling of rows under maps that are given.

    Parameters
    ----------
    left, right : ndarray of shape (n, c) and (m, d)
    forward, backward : ndarray of shape (c, d) and (d, c)

    Returns
    -------
    float
        See :class:`RowCoupling`.
    """
    costs = pair_costs(left, right, forward, backward)
    even = np.full(len(right), 1 / len(right), dtype=np.float32)
    kernel, *_ = _scaled_kernel(costs, even, LAST_TEMPERATURE, 3 * N_ROUNDS)
    return float((kernel * costs).sum() / kernel.sum())


def weighted_means(points: Points, responsibilities: Points) -> Points:
    """Mean of the points of each cluster; zero where it has none.

    Parameters
    ----------
    points : ndarray of shape (n, c)
    responsibilities : ndarray of shape (n, k)

    Returns
    -------
    ndarray of shape (k, c)
    """
    masses = np.maximum(responsibilities.sum(axis=0), np.float32(1e-6))
    means: Points = responsibilities.T @ points / masses[:, None]
    return means


def _scaled_kernel(
    costs: Points, v: Points, temperature: float, n_rounds: int
) -> tuple[Points, Points, Points]:
    # The unbalanced coupling at a temperature, and its scalings; v is where those of the right
    # start. What is cheapest for a row counts from zero, one half taken off
    # either side: neither may keep its masses at the other's expense.
    n, m = costs.shape
    sharpness = np.float32(1 / (2 * temperature))
    of_left, of_right = (costs.min(axis=axis) / 2 for axis in (1, 0))
    kernel = np.exp((of_left[:, None] + of_right - costs) * sharpness) + LEAST
    power = np.float32(MASS_PENALTY / (MASS_PENALTY + 2 * temperature))
    for _ in range(n_rounds):
        u = (1 / (n * (kernel @ v))) ** power
        v = (1 / (m * (u @ kernel))) ** power
    kernel *= u[:, None]
    kernel *= v
    return kernel, u, v


def _squared_distances(x: Points, y: Points) -> Points:
    squared = x @ (-2 * y.T)
    squared += np.square(x).sum(axis=1)[:, None]
    squared += np.square(y).sum(axis=1)
    result: Points = np.maximum(squared, 0, out=squared)
    return result


def _ridge(x: Points, targets: Points, weights: Points, penalty: float) -> Points:
    weighted = x * weights[:, None]
    gram = weighted.T @ x + np.float32(penalty * weights.sum()) * np.eye(
        x.shape[1], dtype=np.float32
    )
    solution: Points = np.linalg.solve(gram, weighted.T @ targets)
    return solution
