"""Rows to pair by hand, chosen such that few pairs resolve what geometry leaves open."""

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

MIN_DOUBT = 0.05  # even confident clusters are checked now and then, as they may be wrong


@dataclass(frozen=True, eq=False)
class Suggestion:
    """Row whose partner in another modality should be found by hand.

    Parameters
    ----------
    modality : str
        Modality of the row.
    row : int
        Number of the row within its modality.
    cluster : int
        Cluster of the row, in the numbering of ``labels_``.
    confidence : float
        Confidence of the matching of that cluster.
    hub : str
        Modality in which to look for the partner.
    rival : int
        Cluster of the hub that is the second most likely match of the row's cluster.
    candidates : ndarray of int of shape (n_candidates,)
        Rows of the hub that are most similar to the row, taken alternately from ``cluster`` and
        from ``rival``; for the latter, the row is shifted to where it would lie if ``rival`` were
        the correct match. The true partner may be none of them.

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
    """Suggest the rows whose partners would improve the matching most if found by hand.

    Large clusters with a low confidence get most of the suggestions. Within a cluster, rows come
    from the half that is closest to its centre: the first is the most central one, and each
    further row is far from those chosen before it and from rows whose partners are known.

    Parameters
    ----------
    model : MixedModalClustering, or Pipeline that ends with one
        Fitted model whose clusters were matched.
    X : MixedModalData
        Rows to choose from, usually those of the fit. It must have rows of the hub and of
        another modality. Rows of its known pairs are not chosen again.
    n : int, default=10
        Number of suggestions; reduced if there are fewer rows.
    n_candidates : int, default=6
        Maximum number of candidates in each suggestion.

    Returns
    -------
    list of Suggestion
        Suggestions, the most useful first.

    Raises
    ------
    ValueError
        If the model has matched no clusters, if ``X`` is not a MixedModalData or lacks rows, or
        if ``n`` or ``n_candidates`` is not a positive integer.

    See Also
    --------
    MixedModalData : Container whose ``pairs`` take the pairs found.

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
        raise ValueError(f"X must have rows of {hub!r} and of a modality matched with it.")
    labels, z = model.predict(X), np.asarray(model.transform(X), dtype=np.float64)
    in_hub = X.modality == hub
    suggestions: list[tuple[float, Suggestion]] = []
    for name in spokes:
        matching = estimator.matching_[name]
        in_spoke = X.modality == name
        paired = paired_rows(X.numbered_pairs, X.names.index(name))
        chosen = _spread(z[in_spoke], labels[in_spoke], matching.cluster_confidence, paired, n)
        rivals = _rivals(matching.mass)
        for benefit, row in chosen:
            c = int(labels[in_spoke][row])
            rival = int(rivals[c])
            suggestion = Suggestion(
                name,
                row,
                c,
                float(matching.cluster_confidence[c]),
                hub,
                rival,
                _candidates(z[in_spoke][row], c, rival, z[in_hub], labels[in_hub], n_candidates),
            )
            suggestions.append((benefit, suggestion))
    suggestions.sort(key=lambda pair: -pair[0])
    return [suggestion for _, suggestion in suggestions[:n]]


def _spread(
    z: NDArray[np.float64],
    labels: NDArray[np.integer],
    confidence: NDArray[np.float64],
    paired: NDArray[np.intp],
    n: int,
) -> list[tuple[float, int]]:
    # Rows in the order of their benefit, with the benefit: the doubt about the row's cluster
    # times its proportion of the rows, divided by one more than the rows chosen from it so far.
    k = len(confidence)
    doubt = np.bincount(labels, minlength=k) / len(labels) * np.maximum(1 - confidence, MIN_DOUBT)
    orders = [_order(z, np.flatnonzero(labels == c), paired, n) for c in range(k)]
    n_chosen = np.zeros(k, dtype=int)
    chosen: list[tuple[float, int]] = []
    for _ in range(n):
        is_left = n_chosen < [len(order) for order in orders]
        benefit = np.where(is_left, doubt / (1 + n_chosen), -1.0)
        c = int(benefit.argmax())
        if benefit[c] < 0:
            break
        chosen.append((float(benefit[c]), int(orders[c][n_chosen[c]])))
        n_chosen[c] += 1
    return chosen


def _order(
    z: NDArray[np.float64], rows: NDArray[np.intp], paired: NDArray[np.intp], n: int
) -> NDArray[np.intp]:
    # At most n rows of a cluster: first those of its central half, each as far as possible from
    # all before it, then the rest by their distance to the centre.
    distances = np.linalg.norm(z[rows] - z[rows].mean(axis=0), axis=1) if len(rows) else rows
    rows = rows[np.argsort(distances, kind="stable")]
    unpaired = ~np.isin(rows, paired)
    is_central = np.arange(len(rows)) <= (len(rows) - 1) / 2
    central, others = rows[unpaired & is_central], rows[unpaired & ~is_central]
    if len(central):
        central = central[_farthest_first(z[central], z[rows[~unpaired]], n)]
    return np.concatenate([central, others])[:n]


def _farthest_first(z: NDArray[np.float64], known: NDArray[np.float64], n: int) -> NDArray[np.intp]:
    # Farthest-point order of n points, given the known points: each is the farthest from those
    # before it and from the known ones. It starts with the first point if none is known.
    distances = np.full(len(z), np.inf)
    for point in known:
        distances = np.minimum(distances, np.linalg.norm(z - point, axis=1))
    order = [int(distances.argmax())]
    for _ in range(min(n, len(z)) - 1):
        distances = np.minimum(distances, np.linalg.norm(z - z[order[-1]], axis=1))
        distances[order] = -1.0
        order.append(int(distances.argmax()))
    return np.array(order, dtype=np.intp)


def _rivals(mass: NDArray[np.float64]) -> NDArray[np.intp]:
    # For each cluster of the spoke, the hub's cluster beside its match that it shares most with.
    shares = relative(mass)
    np.fill_diagonal(shares, -1.0)
    rivals: NDArray[np.intp] = shares.argmax(axis=1)
    return rivals


def _candidates(
    z: NDArray[np.float64],
    cluster: int,
    rival: int,
    hub: NDArray[np.float64],
    labels: NDArray[np.integer],
    n: int,
) -> NDArray[np.intp]:
    # The hub's rows of the row's cluster, by their distance to it, and those of the rival, by their
    # distance to where the row would lie if its cluster were the rival: shifted by the centres.
    ranked = []
    of_cluster = hub[labels == cluster]
    for c in dict.fromkeys((cluster, rival)):
        rows = np.flatnonzero(labels == c)
        position = z
        if c != cluster and len(rows) and len(of_cluster):
            position = z - of_cluster.mean(axis=0) + hub[rows].mean(axis=0)
        distances = np.linalg.norm(hub[rows] - position, axis=1)
        ranked.append(rows[np.argsort(distances, kind="stable")])
    longest = max(map(len, ranked))
    alternating = [rows[i] for i in range(longest) for rows in ranked if i < len(rows)]
    return np.array(alternating[:n], dtype=np.intp)
