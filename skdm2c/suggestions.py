"""Which rows a person should look at next, so that a few pairs settle what geometry leaves open."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from .alignment.assignment import relative
from .data import MixedModalData
from .data.pairs import paired_rows

LEAST_DOUBT = 0.05  # of a cluster, however sure: so that a surprise is found


@dataclass(frozen=True, eq=False)
class Suggestion:
    """A row whose partner in another modality is worth finding out.

    Parameters
    ----------
    modality : str
    row : int
        Within its block.
    cluster : int
        The row's; in the numbers of ``labels_``.
    confidence : float
        Of the matching of that cluster.
    hub : str
        The modality in which the partner is to be looked for.
    rival : int
        The hub's cluster that the modality's cluster may well be in place of its own number.
    candidates : ndarray of int of shape (n_candidates,)
        Rows of the hub that are most like it: in turn of ``cluster``, as matched, and of
        ``rival``, where the row would lie if that were its partner. The true partner may
        be none of them.

    Examples
    --------
    >>> Suggestion("photo", 41, 1, 0.31, "text", 2, np.array([17, 3]))
    Row 41 of 'photo': is it 1 or 2 of 'text' (confidence 0.31)? Look at [17, 3].
    """

    modality: str
    row: int
    cluster: int
    confidence: float
    hub: str
    rival: int
    candidates: NDArray[np.intp]

    def __repr__(self) -> str:
        return (
            f"Row {self.row} of {self.modality!r}: is it {self.cluster} or {self.rival} of "
            f"{self.hub!r} (confidence {self.confidence:.2f})? Look at {self.candidates.tolist()}."
        )


def suggest_pairs(model: Any, X: Any, n: int = 10, *, n_candidates: int = 6) -> list[Suggestion]:
    """Name the rows whose partners, if a person found them out, would settle most.

    Rows are spread over the clusters that are large and unsure of their partner, and within a
    cluster over its typical half: the first in its middle, each further one far from those
    before it and from rows whose partner is known.

    Parameters
    ----------
    model : MixedModalClustering, or Pipeline that ends with one
        Fitted, with its clusters matched.
    X : MixedModalData
        Rows to choose from, mostly those fitted; with rows of the hub and of another modality.
        Rows of its known pairs are not chosen again.
    n : int, default=10
        How many; fewer where there are no more rows.
    n_candidates : int, default=6
        Rows of the hub to show beside each.

    Returns
    -------
    list of Suggestion
        The most useful first.

    Raises
    ------
    ValueError
        If the model has matched nothing, ``X`` is no container or lacks rows, or a number is
        below 1.

    See Also
    --------
    MixedModalData : Its ``pairs`` are where what was found out goes.

    Examples
    --------
    >>> from skdm2c import MixedModalClustering, suggest_pairs
    >>> from skdm2c.datasets import make_mixed_modal_blobs
    >>> X, y = make_mixed_modal_blobs(n_samples=200, random_state=0)
    >>> model = MixedModalClustering(n_clusters=3, random_state=0).fit(X)
    >>> [(s.modality, len(s.candidates)) for s in suggest_pairs(model, X, n=2)]
    [('a', 6), ('a', 6)]
    """
    estimator = model[-1] if hasattr(model, "steps") else model
    check_is_fitted(estimator)
    for name, value in (("n", n), ("n_candidates", n_candidates)):
        if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name} must be an integer of 1 or more, got {value!r}.")
    if not getattr(estimator, "matching_", None):
        raise ValueError("suggest_pairs needs a model that has matched clusters.")
    if not isinstance(X, MixedModalData):
        raise ValueError(
            f"X must be a MixedModalData, got {type(X).__name__}: MixedModalData(X_a, X_b)."
        )
    hub = estimator.unified_modality_
    spokes = [name for name in estimator.matching_ if (X.modality == name).any()]
    if not spokes or not (X.modality == hub).any():
        raise ValueError(f"X must have rows of {hub!r} and of a modality that is matched with it.")
    labels, z = model.predict(X), np.asarray(model.transform(X), dtype=np.float64)
    at_hub = X.modality == hub
    found: list[tuple[float, Suggestion]] = []
    for name in spokes:
        matching = estimator.matching_[name]
        mine = X.modality == name
        paired = paired_rows(X.numbered_pairs, X.names.index(name))
        chosen = _spread(z[mine], labels[mine], matching.cluster_confidence, paired, n)
        rivals = _rivals(matching.mass)
        for gained, row in chosen:
            c = int(labels[mine][row])
            suggestion = Suggestion(
                name,
                row,
                c,
                float(matching.cluster_confidence[c]),
                hub,
                int(rivals[c]),
                _candidates(
                    z[mine][row], c, int(rivals[c]), z[at_hub], labels[at_hub], n_candidates
                ),
            )
            found.append((gained, suggestion))
    found.sort(key=lambda pair: -pair[0])
    return [suggestion for _, suggestion in found[:n]]


def _spread(
    z: NDArray[np.float64],
    labels: NDArray[np.integer],
    confidence: NDArray[np.float64],
    paired: NDArray[np.intp],
    n: int,
) -> list[tuple[float, int]]:
    # Rows in the order they are to be asked about, each with what it may settle: the doubt of
    # its cluster, by its share of the rows, and less for every row of it that is chosen.
    k = len(confidence)
    doubt = np.bincount(labels, minlength=k) / len(labels) * np.maximum(1 - confidence, LEAST_DOUBT)
    orders = [_order(z, np.flatnonzero(labels == c), paired, n) for c in range(k)]
    number = np.zeros(k, dtype=int)
    chosen: list[tuple[float, int]] = []
    for _ in range(n):
        worth = np.where(number < [len(order) for order in orders], doubt / (1 + number), -1.0)
        c = int(worth.argmax())
        if worth[c] < 0:
            break
        chosen.append((float(worth[c]), int(orders[c][number[c]])))
        number[c] += 1
    return chosen


def _order(
    z: NDArray[np.float64], rows: NDArray[np.intp], paired: NDArray[np.intp], n: int
) -> NDArray[np.intp]:
    # At most n of a cluster's rows: of the typical half each as far as can be from all before it,
    # then the rest, the most typical first.
    eccentric = np.linalg.norm(z[rows] - z[rows].mean(axis=0), axis=1) if len(rows) else rows
    rows = rows[np.argsort(eccentric, kind="stable")]
    free = ~np.isin(rows, paired)
    half = np.arange(len(rows)) <= (len(rows) - 1) / 2
    typical, others = rows[free & half], rows[free & ~half]
    if len(typical):
        typical = typical[_farthest_first(z[typical], z[rows[~free]], n)]
    return np.concatenate([typical, others])[:n]


def _farthest_first(z: NDArray[np.float64], known: NDArray[np.float64], n: int) -> NDArray[np.intp]:
    # From the first, if nothing is known, each point farthest from all that come before it.
    near = np.full(len(z), np.inf)
    for point in known:
        near = np.minimum(near, np.linalg.norm(z - point, axis=1))
    order = [int(near.argmax())]  # the first, if all are as far
    for _ in range(min(n, len(z)) - 1):
        near = np.minimum(near, np.linalg.norm(z - z[order[-1]], axis=1))
        near[order] = -1.0
        order.append(int(near.argmax()))
    return np.array(order, dtype=np.intp)


def _rivals(mass: NDArray[np.float64]) -> NDArray[np.intp]:
    # Of each of the spoke's clusters the other one of the hub's that it shares most with.
    shared = relative(mass)
    np.fill_diagonal(shared, -1.0)
    rivals: NDArray[np.intp] = shared.argmax(axis=1)
    return rivals


def _candidates(
    z: NDArray[np.float64],
    cluster: int,
    rival: int,
    hub: NDArray[np.float64],
    labels: NDArray[np.integer],
    n: int,
) -> NDArray[np.intp]:
    # The row's nearest of its own cluster, and of the rival the nearest to where it would lie.
    ranked = []
    of_cluster = hub[labels == cluster]
    for c in dict.fromkeys((cluster, rival)):
        rows = np.flatnonzero(labels == c)
        there = z
        if c != cluster and len(rows) and len(of_cluster):
            there = z - of_cluster.mean(axis=0) + hub[rows].mean(axis=0)
        ranked.append(rows[np.argsort(np.linalg.norm(hub[rows] - there, axis=1), kind="stable")])
    longest = max(map(len, ranked))
    in_turn = [rows[i] for i in range(longest) for rows in ranked if i < len(rows)]
    return np.array(in_turn[:n], dtype=np.intp)
