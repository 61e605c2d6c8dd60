"""Choose among several matchings of clusters the one under which rows are cheapest to couple."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..data.rows import Matrix, subsample
from ..runtime.parallel import in_threads
from .assignment import Permutations
from .rows import Points, couple_rows, coupled_cost

Split = tuple[NDArray[np.intp], NDArray[np.intp]]  # rows that are coupled, and those held out

N_SPLITS = 4
MAX_FITTED, MAX_HELD_OUT = 400, 300  # rows per modality and split
FITTED_FRACTION = 0.6
N_STEPS = 16
MASS_WEIGHT = 0.1  # of the mass that a matching loses, against a weight of 1 for its cost
MARGIN = 0.06  # above the lowest score; candidates beyond it are dropped after a split
MAX_CANDIDATES = 8, 5, 3, 2  # per split, the cheapest
SCREENING, SCREENING_MARGIN = (150, 10), 0.15  # rows per modality and steps


class Decision(NamedTuple):
    """A matching of clusters, and the support for each of its pairs of clusters."""

    partners: Permutations
    votes: Matrix  # of shape (k,): fraction of splits, scalings and kinds of cost that agree


class Space(NamedTuple):
    """Rows of two modalities under one scaling, shapes (n, c) and (m, d)."""

    left: Points
    right: Points


def decide(
    candidates: Permutations,
    retained: Matrix,
    spaces: Sequence[Space],
    left_labels: NDArray[np.integer],
    right_labels: NDArray[np.integer],
    rng: np.random.RandomState,
) -> Decision:
    """Choose the matching under which rows are cheapest to couple in all splits and scalings.

    ``candidates`` has shape (s, k); ``retained`` of shape (s,) is the fraction of the largest
    mass by distances that each candidate keeps. ``spaces`` holds one per scaling.
    """
    # A wrong matching can bend its maps to the fitted rows, but less so to held-out ones: the costs
    # of both count.
    k = candidates.shape[1]
    resp = tuple(np.eye(k)[labels] for labels in (left_labels, right_labels))
    costs = np.full((N_SPLITS, len(spaces), 2, len(candidates)), np.inf)
    remaining = np.arange(len(candidates))
    scores, margin = np.zeros(len(candidates)), SCREENING_MARGIN
    if len(candidates) > MAX_CANDIDATES[2]:
        scores = _scores(_split_costs(candidates, spaces, resp, rng, *SCREENING)[None], retained)
    for split, most in enumerate(MAX_CANDIDATES):
        cheapest = np.argsort(scores, kind="stable")[:most]
        remaining = np.sort(remaining[cheapest[scores[cheapest] <= scores.min() + margin]])
        if len(remaining) == 1:
            costs[split:, :, :, remaining] = 0  # it would win the other splits as well
            break
        costs[split][:, :, remaining] = _split_costs(
            candidates[remaining], spaces, resp, rng, MAX_FITTED, N_STEPS
        )
        scores = _scores(costs[: split + 1, :, :, remaining], retained[remaining])
        margin = MARGIN
    chosen = candidates[remaining[_scores(costs[..., remaining], retained[remaining]).argmin()]]
    votes = (candidates[costs.argmin(axis=-1)] == chosen).mean(axis=(0, 1, 2))
    return Decision(chosen, votes)


def _split_costs(
    candidates: Permutations,
    spaces: Sequence[Space],
    responsibilities: tuple[Matrix, ...],
    rng: np.random.RandomState,
    max_fitted: int,
    n_steps: int,
) -> Matrix:
    # Costs of all candidates on one split of the rows, of shape (scalings, 2, s).
    left_resp, right_resp = responsibilities
    left_split, right_split = (split_rows(len(x), rng, max_fitted) for x in responsibilities)

    def costs_of(case: tuple[Space, Permutations]) -> tuple[float, float]:
        space, partners = case
        return costs_of_split(
            space, left_resp, right_resp[:, partners], left_split, right_split, n_steps
        )

    costs = in_threads(costs_of, product(spaces, candidates))
    return np.reshape(costs, (len(spaces), len(candidates), 2)).transpose(0, 2, 1)


def costs_of_split(
    space: Space,
    left_resp: Matrix,
    right_resp: Matrix,
    left_split: Split,
    right_split: Split,
    n_steps: int = N_STEPS,
) -> tuple[float, float]:
    """Couple the fitted rows of a split; return their cost, and that of the held-out rows.

    The responsibilities have shapes (n, k) and (m, k); equal columns stand for matched clusters.
    """
    (left, right), (i, i_out), (j, j_out) = space, left_split, right_split
    responsibilities = left_resp[i], right_resp[j]
    coupling = couple_rows(left[i], right[j], *responsibilities, n_steps=n_steps)
    maps = coupling.forward, coupling.backward
    return coupling.cost, coupled_cost(left[i_out], right[j_out], *maps)


def mean_cost(
    partners: Permutations,
    spaces: Sequence[Space],
    left_labels: NDArray[np.integer],
    right_labels: NDArray[np.integer],
    rng: np.random.RandomState,
) -> float:
    """Return the cost of coupling a sample of rows under ``partners`` of shape (k,).

    The cost is averaged over the scalings, of which ``spaces`` holds one each.
    """
    one_hot = np.eye(len(partners))
    i, j = (subsample(len(x), MAX_FITTED, rng) for x in (left_labels, right_labels))
    responsibilities = one_hot[left_labels[i]], one_hot[right_labels[j]][:, partners]
    costs = [couple_rows(a[i], b[j], *responsibilities, n_steps=N_STEPS).cost for a, b in spaces]
    return float(np.mean(costs))


def _scores(costs: Matrix, retained: Matrix) -> Matrix:
    # Costs are relative to the lowest, as they differ in size between scalings.
    mean = costs.mean(axis=0)
    cheapest = np.maximum(mean.min(axis=-1, keepdims=True), 1e-12)  # rows may be all equal
    relative = (mean / cheapest).mean(axis=(0, 1))
    scores: Matrix = relative + MASS_WEIGHT * (1 - retained)
    return scores


def split_rows(n: int, rng: np.random.RandomState, max_fitted: int = MAX_FITTED) -> Split:
    """Draw the indices of rows to fit and of others to hold out; the same if there is only one."""
    order = rng.permutation(n)
    n_fitted = max(min(max_fitted, int(FITTED_FRACTION * n)), 1)
    held_out = order[n_fitted : n_fitted + MAX_HELD_OUT * max_fitted // MAX_FITTED]
    return order[:n_fitted], held_out if len(held_out) else order
