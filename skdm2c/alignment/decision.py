"""Which of several matchings of clusters is right, decided by what it costs to couple rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..data.rows import Matrix, subsample
from .assignment import Permutations
from .rows import Points, couple_rows, coupled_cost

Split = tuple[NDArray[np.intp], NDArray[np.intp]]  # rows that are coupled, and those held out

N_SPLITS = 4
MAX_FITTED, MAX_HELD_OUT = 400, 300  # rows of a modality in each split
FITTED_PART = 0.6
N_STEPS = 16
MASS_WEIGHT = 0.1  # of the distances' mass that a matching gives up, beside relative costs
MARGIN = 0.06  # candidates so much dearer than the cheapest after a split are out of the race


class Decision(NamedTuple):
    """A matching of clusters, and how many decisions agree.

    Attributes
    ----------
    partners : ndarray of int of shape (k,)
        Right cluster of each left one.
    votes : ndarray of shape (k,)
        For each left cluster the share of single decisions (split, scaling, kind of cost) that
        give it the partner chosen.
    """

    partners: Permutations
    votes: Matrix


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
    """Choose the matching under which rows are cheapest to couple, in several splits and scalings.

    A coupling is fitted to a part of the rows, starting from each candidate. What it costs
    counts, and what other rows cost under its maps: a wrong matching can bend its maps to rows
    that it has seen, less so to those it has not.

    Parameters
    ----------
    candidates : ndarray of int of shape (s, k)
        Right cluster of each left one.
    retained : ndarray of shape (s,)
        In [0, 1]: what each keeps of the mass that the distances give to the best partners.
    spaces : sequence of Space
        One a scaling.
    left_labels, right_labels : ndarray of int of shape (n,) and (m,)
        Own clusters.
    rng : RandomState
        Draws the splits.

    Returns
    -------
    Decision
    """
    k = candidates.shape[1]
    of_left, of_right = (np.eye(k)[labels] for labels in (left_labels, right_labels))
    costs = np.full((N_SPLITS, len(spaces), 2, len(candidates)), np.inf)
    racing = np.arange(len(candidates))
    for split in range(N_SPLITS):
        parts = [split_rows(len(x), rng) for x in (left_labels, right_labels)]
        for s, space in enumerate(spaces):
            for c in racing:
                responsibilities = of_left, of_right[:, candidates[c]]
                costs[split, s, :, c] = costs_of_split(space, *responsibilities, *parts)
        scores = _scores(costs[: split + 1, :, :, racing], retained[racing])
        racing = racing[scores <= scores.min() + MARGIN]
        if len(racing) == 1:
            costs[split + 1 :, :, :, racing] = 0  # further splits would choose it, too
            break
    chosen = candidates[racing[_scores(costs[..., racing], retained[racing]).argmin()]]
    votes = (candidates[costs.argmin(axis=-1)] == chosen).mean(axis=(0, 1, 2))
    return Decision(chosen, votes)


def costs_of_split(
    space: Space,
    left_shares: Matrix,
    right_shares: Matrix,
    left_split: Split,
    right_split: Split,
) -> tuple[float, float]:
    """Couple rows, and try the maps on others.

    Parameters
    ----------
    space : Space
    left_shares, right_shares : ndarray of shape (n, k) and (m, k)
        Clusters of all rows; the same columns stand for matched clusters.
    left_split, right_split : tuple of two ndarray of int
        Rows that are coupled, and those held out.

    Returns
    -------
    cost, held_out : float
    """
    (left, right), (i, i_out), (j, j_out) = space, left_split, right_split
    responsibilities = left_shares[i], right_shares[j]
    coupling = couple_rows(left[i], right[j], *responsibilities, n_steps=N_STEPS)
    maps = coupling.forward, coupling.backward
    return coupling.cost, coupled_cost(left[i_out], right[j_out], *maps)


def mean_cost(
    partners: Permutations,
    spaces: Sequence[Space],
    left_labels: NDArray[np.integer],
    right_labels: NDArray[np.integer],
    rng: np.random.RandomState,
) -> float:
    """Cost of coupling some of the rows under one matching of clusters, mean over the scalings.

    Parameters
    ----------
    partners : ndarray of int of shape (k,)
        Right cluster of each left one.
    spaces : sequence of Space
        One a scaling.
    left_labels, right_labels : ndarray of int of shape (n,) and (m,)
    rng : RandomState
        Draws the rows.

    Returns
    -------
    float
    """
    one_hot = np.eye(len(partners))
    i, j = (subsample(len(x), MAX_FITTED, rng) for x in (left_labels, right_labels))
    responsibilities = one_hot[left_labels[i]], one_hot[right_labels[j]][:, partners]
    costs = [couple_rows(a[i], b[j], *responsibilities, n_steps=N_STEPS).cost for a, b in spaces]
    return float(np.mean(costs))


def _scores(costs: Matrix, retained: Matrix) -> Matrix:
    # Relative to the cheapest, as scalings differ in what rows cost.
    mean = costs.mean(axis=0)
    cheapest = np.maximum(mean.min(axis=-1, keepdims=True), 1e-12)  # rows may be all the same
    relative = (mean / cheapest).mean(axis=(0, 1))
    scores: Matrix = relative + MASS_WEIGHT * (1 - retained)
    return scores


def split_rows(n: int, rng: np.random.RandomState) -> Split:
    """Draw rows that maps are fitted to, and others that try them; the same where there are few.

    Parameters
    ----------
    n : int
    rng : RandomState

    Returns
    -------
    fitted, held_out : ndarray of int
    """
    order = rng.permutation(n)
    n_fitted = max(min(MAX_FITTED, int(FITTED_PART * n)), 1)
    held_out = order[n_fitted : n_fitted + MAX_HELD_OUT]
    return order[:n_fitted], held_out if len(held_out) else order
