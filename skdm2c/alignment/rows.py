"""Coupling of the rows of two modalities whose clusters are matched.

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

N_STEPS = 18
N_ROUNDS = 5  # of Sinkhorn's algorithm, per step
FIRST_TEMPERATURE, LAST_TEMPERATURE = 0.5, 0.02
N_STEPS_AT_LAST = 6
MASS_PENALTY = 1.0  # for rows with too much or too little mass; infinity balances the coupling
PULL, PULL_DECAY = 1.0, 0.8  # extra cost if clusters are not matched, and its factor per step
PAIR_REBATE = 1.0  # subtracted from the costs of known pairs
FIRST_RIDGE, RIDGE = 0.1, 0.02  # penalties of the linear maps
MIN_KERNEL = np.float32(1e-20)


@dataclass(frozen=True)
class RowCoupling:
    """An unbalanced coupling of the rows of two modalities, with a linear map in either direction.

    ``cost`` is the mean squared distance per column between coupled rows, averaged over both maps;
    it serves to compare matchings of clusters.
    """

    left: Points  # of shape (n, c)
    right: Points  # of shape (m, d)
    forward: Points  # of shape (c, d), from left to right
    backward: Points  # of shape (d, c)
    left_potential: Points  # log scalings of the entropic kernel, of shape (n,)
    right_potential: Points  # of shape (m,)
    cost: float

    def weights(self, left: Points) -> Points:
        """Return the weights of the right rows as partners of any left rows.

        ``left`` has shape (p, c), the result shape (p, m); its rows sum to one.
        """
        costs = pair_costs(left, self.right, self.forward, self.backward)
        weights: Points = softmax(self.right_potential - costs / (2 * LAST_TEMPERATURE), axis=1)
        return weights

    def turned(self) -> RowCoupling:
        """Return the same coupling with left and right exchanged."""
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
    left_resp: Matrix,
    right_resp: Matrix,
    pairs: KnownPairs | None = None,
    n_steps: int = N_STEPS,
) -> RowCoupling:
    """Couple rows by Wasserstein-Procrustes, starting from matched clusters.

    ``left`` and ``right`` of shape (n, c) and (m, d) are centred, with mean square one. Equal
    columns of the responsibilities stand for matched clusters. Known ``pairs`` cost less to couple.
    """
    # Each step computes an entropic, unbalanced coupling of mapped and real rows, and then fits the
    # maps to its barycentres by ridge regression, in O(n m (c + d)). The temperature falls, and the
    # pull of the matched clusters fades.
    a, b, resp_a, resp_b = (
        np.ascontiguousarray(x, dtype=np.float32) for x in (left, right, left_resp, right_resp)
    )
    n, m = len(a), len(b)
    ones = np.ones(n, dtype=np.float32), np.ones(m, dtype=np.float32)
    forward = _ridge(a, resp_a @ weighted_means(b, resp_b), ones[0], FIRST_RIDGE)
    backward = _ridge(b, resp_b @ weighted_means(a, resp_a), ones[1], FIRST_RIDGE)
    decay = (LAST_TEMPERATURE / FIRST_TEMPERATURE) ** (1 / max(n_steps - N_STEPS_AT_LAST, 1))
    v: Points = ones[1] / np.float32(m)
    for i in range(n_steps):
        temperature = max(FIRST_TEMPERATURE * decay**i, LAST_TEMPERATURE)
        # Up to a constant, the pull costs one where clusters are not matched.
        pull = np.float32(PULL * PULL_DECAY**i)
        costs = pair_costs(a, b, forward, backward, (-pull * resp_a, resp_b))
        if pairs is not None:
            costs[tuple(pairs.rows.T)] -= np.float32(PAIR_REBATE * min(pairs.trust, 1.0))
        kernel, u, v = _kernel(costs, v, temperature, N_ROUNDS)
        to_right, left_masses = _barycenters(kernel, u, v, b)
        to_left, right_masses = _barycenters(kernel.T, v, u, a)
        forward = _ridge(a, to_right, np.minimum(n * left_masses, 1), RIDGE)
        backward = _ridge(b, to_left, np.minimum(m * right_masses, 1), RIDGE)
    # The final coupling has to hold without the help of clusters and pairs.
    costs = pair_costs(a, b, forward, backward)
    offsets = (costs.min(axis=axis) / (4 * LAST_TEMPERATURE) for axis in (1, 0))
    left_offset, right_offset = offsets
    kernel, u, v = _kernel(costs.copy(), v, LAST_TEMPERATURE, N_ROUNDS)
    cost = _mean_cost(costs, kernel, u, v)
    return RowCoupling(
        a, b, forward, backward, np.log(u) + left_offset, np.log(v) + right_offset, cost
    )


def pair_costs(
    left: Points,
    right: Points,
    forward: Points,
    backward: Points,
    further: tuple[Points, Points] | None = None,
) -> Points:
    """Return the cost of shape (n, m) of coupling every left row with every right one.

    It is the squared distance per column, averaged over both maps. The inner products of the
    rows of ``further``, of shapes (n, k) and (m, k), are added. Stacks of s maps give (s, n, m).
    """
    # All terms of the squared distances are inner products, and so one product of matrices.
    ahead, behind = np.float32(1 / (2 * right.shape[1])), np.float32(1 / (2 * left.shape[1]))
    mapped, mapped_back = left @ forward, right @ backward
    left_norms = ahead * np.square(mapped).sum(axis=-1) + behind * np.square(left).sum(axis=1)
    right_norms = ahead * np.square(right).sum(axis=1) + behind * np.square(mapped_back).sum(
        axis=-1
    )
    stack = forward.shape[:-2]
    lefts = [
        -2 * ahead * mapped,
        np.broadcast_to(-2 * behind * left, (*stack, *left.shape)),
        left_norms[..., None],
        np.ones_like(left_norms[..., None]),
    ]
    rights = [
        np.broadcast_to(right, (*stack, *right.shape)),
        mapped_back,
        np.ones_like(right_norms[..., None]),
        right_norms[..., None],
    ]
    if further is not None:
        lefts.append(further[0])
        rights.append(further[1])
    costs: Points = np.matmul(
        np.concatenate(lefts, axis=-1), np.concatenate(rights, axis=-1).swapaxes(-1, -2)
    )
    return costs


def coupled_cost(left: Points, right: Points, forward: Points, backward: Points) -> float:
    """Return the mean cost of the best coupling of rows under the given linear maps."""
    costs = pair_costs(left, right, forward, backward)
    uniform = np.full(len(right), 1 / len(right), dtype=np.float32)
    kernel, u, v = _kernel(costs.copy(), uniform, LAST_TEMPERATURE, 6 * N_ROUNDS)
    return _mean_cost(costs, kernel, u, v)


def weighted_means(points: Points, responsibilities: Points) -> Points:
    """Return the mean point of each cluster, of shape (k, c); zero for empty clusters."""
    masses = np.maximum(responsibilities.sum(axis=0), np.float32(1e-6))
    means: Points = responsibilities.T @ points / masses[:, None]
    return means


def _kernel(
    costs: Points, v: Points, temperature: float, n_rounds: int
) -> tuple[Points, Points, Points]:
    # Returns the entropic kernel, in the memory of the costs, and the scalings of its rows and
    # columns that make it the unbalanced coupling; v is the start of the latter. Half of the lowest
    # cost per row and per column is subtracted: neither side may keep its masses at the expense of
    # the other.
    n, m = costs.shape
    left_offset, right_offset = (costs.min(axis=axis) / 2 for axis in (1, 0))
    kernel = costs
    kernel -= left_offset[:, None]
    kernel -= right_offset
    kernel *= np.float32(-1 / (2 * temperature))
    np.exp(kernel, out=kernel)
    kernel += MIN_KERNEL
    power = np.float32(MASS_PENALTY / (MASS_PENALTY + 2 * temperature))
    for _ in range(n_rounds):
        u = (1 / (n * (kernel @ v))) ** power
        v = (1 / (m * (u @ kernel))) ** power
    return kernel, u, v


def _barycenters(kernel: Points, u: Points, v: Points, points: Points) -> tuple[Points, Points]:
    # The mean of the points coupled to each row, of shape (n, d), and the mass of each row.
    weighted = kernel @ np.column_stack([v[:, None] * points, v])
    masses = weighted[:, -1]
    return weighted[:, :-1] / masses[:, None], u * masses


def _mean_cost(costs: Points, kernel: Points, u: Points, v: Points) -> float:
    total = float(u @ kernel @ v)
    kernel *= costs
    return float(u @ kernel @ v) / total


def _ridge(x: Points, targets: Points, weights: Points, penalty: float) -> Points:
    weighted = x * weights[:, None]
    gram = weighted.T @ x + np.float32(penalty * weights.sum()) * np.eye(
        x.shape[1], dtype=np.float32
    )
    solution: Points = np.linalg.solve(gram, weighted.T @ targets)
    return solution
