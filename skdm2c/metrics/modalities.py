"""How much of an agreement is matching across modalities, and how much is luck."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils import check_array, check_random_state

from ..data import MixedModalData
from .clusters import check_labels, clustering_accuracy, pairwise_f_score, purity

Labels = NDArray[Any]


def transfer_accuracy(
    Z_source: ArrayLike,
    y_source: ArrayLike,
    Z_target: ArrayLike,
    y_target: ArrayLike,
    n_neighbors: int = 10,
) -> float:
    """Accuracy of nearest neighbours learned on one modality and asked about another.

    What tells alignment from luck: chance is one over the number of classes.

    Parameters
    ----------
    Z_source : array-like of shape (n, c)
        Rows of one modality in the unified space.
    y_source : array-like of shape (n,)
        Their true classes.
    Z_target : array-like of shape (m, c)
        Rows of the other.
    y_target : array-like of shape (m,)
        Their true classes.
    n_neighbors : int, default=10

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError
        If rows and classes differ in number.

    Examples
    --------
    >>> transfer_accuracy([[0.0], [9.0]], [0, 1], [[1.0], [8.0], [2.0]], [0, 1, 1], n_neighbors=1)
    0.6666666666666666
    """
    neighbors = KNeighborsClassifier(min(n_neighbors, len(np.asarray(Z_source))))
    return float(neighbors.fit(Z_source, y_source).score(Z_target, y_target))


def matching_bounds(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    modality: ArrayLike,
    *,
    n_relabelings: int = 20,
    random_state: int | np.random.RandomState | None = 0,
) -> tuple[float, float]:
    """ARI of the same clusters within modalities, matched across them at random and best.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n,)
    modality : array-like of shape (n,)
    n_relabelings : int, default=20
        Random matchings to average over.
    random_state : int, RandomState or None, default=0

    Returns
    -------
    random : float
        Mean ARI with the clusters of every modality but the first renamed at random.
    oracle : float
        ARI with each modality's clusters matched to the classes. Not a method: it
        looks at the classes.

    Raises
    ------
    ValueError
        If the lengths differ, or a row has no label.

    Examples
    --------
    Two modalities, perfect clusters, names swapped in the second:

    >>> y, modality = [0, 0, 1, 1] * 2, list("aaaabbbb")
    >>> random, oracle = matching_bounds(y, [0, 0, 1, 1, 1, 1, 0, 0], modality)
    >>> oracle
    1.0
    >>> random < 1
    True
    """
    y_true, y_pred, modality = check_labels(y_true=y_true, y_pred=y_pred, modality=modality)
    if n_relabelings < 1:
        raise ValueError(f"n_relabelings must be at least 1, got {n_relabelings!r}.")
    clusters, codes = np.unique(y_pred, return_inverse=True)
    sides = [modality == name for name in np.unique(modality)]
    rng = check_random_state(random_state)
    scores = []
    for _ in range(n_relabelings):
        renamed = codes.copy()
        for side in sides[1:]:
            renamed[side] = rng.permutation(len(clusters))[codes[side]]
        scores.append(adjusted_rand_score(y_true, renamed))
    matched = np.empty(len(codes), dtype=object)
    for side in sides:
        matched[side] = _named_by_class(y_true[side], codes[side])
    oracle = adjusted_rand_score(y_true, np.unique(matched.astype(str), return_inverse=True)[1])
    return float(np.mean(scores)), float(oracle)


def gain(ari: float, random: float, oracle: float) -> float:
    """Where an ARI lies between its bounds: 0 is matching at random, 1 is the best match.

    Below about 0.2 a method has not aligned anything, whatever its accuracy.

    Parameters
    ----------
    ari, random, oracle : float
        The bounds as :func:`matching_bounds` gives them.

    Returns
    -------
    float
        NaN where the bounds are equal.

    Examples
    --------
    >>> gain(0.5, 0.25, 0.75)
    0.5
    """
    return (ari - random) / (oracle - random) if oracle > random else float("nan")


def reference_bounds(
    X: MixedModalData, y_true: ArrayLike, n_clusters: int, random_state: int = 0
) -> tuple[float, float]:
    """Work out the bounds of plain k-means in each modality, to compare methods by.

    Parameters
    ----------
    X : MixedModalData of n rows
        Preprocessed.
    y_true : array-like of shape (n,)
    n_clusters : int
    random_state : int, default=0

    Returns
    -------
    random, oracle : float

    Raises
    ------
    ValueError
        If the lengths differ, or a row has no label.

    Examples
    --------
    >>> x = np.array([[0.0], [0.1], [9.0], [9.1]])
    >>> reference_bounds(MixedModalData(x, x), [0, 0, 1, 1] * 2, 2)[1]
    1.0
    """
    labels = np.empty(len(X), dtype=int)
    for m, block in enumerate(X.blocks.values()):
        kmeans = KMeans(n_clusters, n_init=10, random_state=random_state)
        labels[X.codes == m] = kmeans.fit_predict(block)
    return matching_bounds(y_true, labels, X.codes, random_state=random_state)


def evaluate(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    modality: ArrayLike,
    embedding: ArrayLike | None = None,
    *,
    random_state: int = 0,
) -> dict[str, float]:
    """All figures of one clustering in one call; :func:`reference_bounds` stand apart.

    Parameters
    ----------
    y_true, y_pred, modality : array-like of shape (n,)
    embedding : array-like of shape (n, c), default=None
        Rows in the unified space, for the transfer accuracies.
    random_state : int, default=0
        Draws the random matchings.

    Returns
    -------
    dict of str to float
        acc, ari, nmi, f_score, purity; ari_<modality> and nmi_<modality>; random,
        oracle, gain; and transfer_<source>_<target> where there is an embedding.

    Raises
    ------
    ValueError
        If the lengths differ, or a row has no label.

    Examples
    --------
    >>> y, modality = np.array([0, 0, 1, 1] * 2), np.array(list("aaaabbbb"))
    >>> figures = evaluate(y, y, modality)
    >>> figures["ari"], figures["gain"]
    (1.0, 1.0)
    """
    y_true, y_pred, modality = check_labels(y_true=y_true, y_pred=y_pred, modality=modality)
    Z = None if embedding is None else check_array(embedding)
    if Z is not None and len(Z) != len(y_true):
        raise ValueError(f"embedding has {len(Z)} rows, for {len(y_true)} labels.")
    ari = float(adjusted_rand_score(y_true, y_pred))
    random, oracle = matching_bounds(y_true, y_pred, modality, random_state=random_state)
    figures = {
        "acc": clustering_accuracy(y_true, y_pred),
        "ari": ari,
        "nmi": float(normalized_mutual_info_score(y_true, y_pred)),
        "f_score": pairwise_f_score(y_true, y_pred),
        "purity": purity(y_true, y_pred),
        "random": random,
        "oracle": oracle,
        "gain": gain(ari, random, oracle),
    }
    names = np.unique(modality)
    for name in names:
        side = modality == name
        figures[f"ari_{name}"] = float(adjusted_rand_score(y_true[side], y_pred[side]))
        figures[f"nmi_{name}"] = float(normalized_mutual_info_score(y_true[side], y_pred[side]))
    if Z is not None:
        for a in names:
            for b in names:
                if a != b:
                    here, there = modality == a, modality == b
                    figures[f"transfer_{a}_{b}"] = transfer_accuracy(
                        Z[here], y_true[here], Z[there], y_true[there]
                    )
    return figures


def _named_by_class(y_true: Labels, y_pred: Labels) -> list[str]:
    # Clusters take the name of the class they are matched to; those left over keep their own.
    classes, clusters = np.unique(y_true), np.unique(y_pred)
    rows, columns = linear_sum_assignment(-contingency_matrix(y_true, y_pred))
    name = {clusters[c]: f"class {classes[r]}" for r, c in zip(rows, columns, strict=True)}
    return [name.get(label, f"cluster {label}") for label in y_pred]
