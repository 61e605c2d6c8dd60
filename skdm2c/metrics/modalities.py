"""Scores that separate matching across modalities from clustering within them."""

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
    """Compute the accuracy of a nearest-neighbour classifier transferred between modalities.

    The classifier is trained on one modality and tested on another. If the two are not aligned,
    its accuracy is about one over the number of classes.

    Parameters
    ----------
    Z_source : array-like of shape (n, c)
        Rows of the modality to train on, in the unified space.
    y_source : array-like of shape (n,)
        True class of each row of ``Z_source``.
    Z_target : array-like of shape (m, c)
        Rows of the modality to test on, in the unified space.
    y_target : array-like of shape (m,)
        True class of each row of ``Z_target``.
    n_neighbors : int, default=10
        Number of nearest neighbours; reduced if ``Z_source`` has fewer rows.

    Returns
    -------
    float
        Accuracy in [0, 1].

    Raises
    ------
    ValueError
        If the numbers of rows and of classes differ.

    Examples
    --------
    >>> transfer_accuracy([[0.0], [9.0]], [0, 1], [[1.0], [8.0], [2.0]], [0, 1, 1], n_neighbors=1)
    0.6666666666666666
    """
    classifier = KNeighborsClassifier(min(n_neighbors, len(np.asarray(Z_source))))
    return float(classifier.fit(Z_source, y_source).score(Z_target, y_target))


def matching_bounds(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    modality: ArrayLike,
    *,
    n_relabelings: int = 20,
    random_state: int | np.random.RandomState | None = 0,
) -> tuple[float, float]:
    """Compute the ARI of the same clusters, matched across modalities at random and optimally.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        True class of each row.
    y_pred : array-like of shape (n,)
        Cluster of each row.
    modality : array-like of shape (n,)
        Modality of each row.
    n_relabelings : int, default=20
        Number of random matchings to average over.
    random_state : int, RandomState or None, default=0
        Seed of the random matchings.

    Returns
    -------
    random : float
        Mean ARI after renaming the clusters of every modality but the first at random.
    oracle : float
        ARI after matching the clusters of each modality to the classes. It uses the classes, and
        is a bound rather than a method.

    Raises
    ------
    ValueError
        If the lengths differ, a row has no label, or ``n_relabelings`` is not positive.

    Examples
    --------
    Two modalities are clustered perfectly, but the clusters of the second are swapped:

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
    masks = [modality == name for name in np.unique(modality)]
    rng = check_random_state(random_state)
    scores = []
    for _ in range(n_relabelings):
        renamed = codes.copy()
        for mask in masks[1:]:
            renamed[mask] = rng.permutation(len(clusters))[codes[mask]]
        scores.append(adjusted_rand_score(y_true, renamed))
    matched = np.empty(len(codes), dtype=object)
    for mask in masks:
        matched[mask] = _named_by_class(y_true[mask], codes[mask])
    oracle = adjusted_rand_score(y_true, np.unique(matched.astype(str), return_inverse=True)[1])
    return float(np.mean(scores)), float(oracle)


def gain(ari: float, random: float, oracle: float) -> float:
    """Rescale an ARI so that 0 is a random matching of the clusters and 1 is the best one.

    A method whose gain is below about 0.2 has not aligned the modalities, whatever its accuracy.

    Parameters
    ----------
    ari : float
        ARI of the clustering over all rows.
    random : float
        Lower bound, as returned by :func:`matching_bounds`.
    oracle : float
        Upper bound, as returned by :func:`matching_bounds`.

    Returns
    -------
    float
        Gain, at most 1 if the ARI respects its bounds; NaN if ``oracle`` is not above ``random``.

    Examples
    --------
    >>> gain(0.5, 0.25, 0.75)
    0.5
    """
    return (ari - random) / (oracle - random) if oracle > random else float("nan")


def reference_bounds(
    X: MixedModalData, y_true: ArrayLike, n_clusters: int, random_state: int = 0
) -> tuple[float, float]:
    """Compute the bounds of k-means in each modality, on which methods can be compared.

    :func:`matching_bounds` depend on the clusters of a method; these are the same for all.

    Parameters
    ----------
    X : MixedModalData of n rows
        Preprocessed data.
    y_true : array-like of shape (n,)
        True class of each row.
    n_clusters : int
        Number of clusters of each modality.
    random_state : int, default=0
        Seed of k-means and of the random matchings.

    Returns
    -------
    random : float
        Mean ARI of the clusters after matching them at random.
    oracle : float
        ARI of the clusters after matching them to the classes.

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
    """Compute all scores of a clustering at once, except :func:`reference_bounds`.

    Parameters
    ----------
    y_true : array-like of shape (n,)
        True class of each row.
    y_pred : array-like of shape (n,)
        Cluster of each row.
    modality : array-like of shape (n,)
        Modality of each row.
    embedding : array-like of shape (n, c), default=None
        Rows in the unified space, for the transfer accuracies.
    random_state : int, default=0
        Seed of the random matchings.

    Returns
    -------
    dict of str to float
        Scores over all rows (acc, ari, nmi, f_score, purity), in each modality (ari_<modality>,
        nmi_<modality>), the bounds and the gain (random, oracle, gain), and, if an embedding is
        passed, transfer_<source>_<target> for each two modalities.

    Raises
    ------
    ValueError
        If the lengths differ, or a row has no label.

    Examples
    --------
    >>> y, modality = np.array([0, 0, 1, 1] * 2), np.array(list("aaaabbbb"))
    >>> scores = evaluate(y, y, modality)
    >>> scores["ari"], scores["gain"]
    (1.0, 1.0)
    """
    y_true, y_pred, modality = check_labels(y_true=y_true, y_pred=y_pred, modality=modality)
    Z = None if embedding is None else check_array(embedding)
    if Z is not None and len(Z) != len(y_true):
        raise ValueError(f"embedding has {len(Z)} rows, but there are {len(y_true)} labels.")
    ari = float(adjusted_rand_score(y_true, y_pred))
    random, oracle = matching_bounds(y_true, y_pred, modality, random_state=random_state)
    scores = {
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
        mask = modality == name
        scores[f"ari_{name}"] = float(adjusted_rand_score(y_true[mask], y_pred[mask]))
        scores[f"nmi_{name}"] = float(normalized_mutual_info_score(y_true[mask], y_pred[mask]))
    if Z is not None:
        for a in names:
            for b in names:
                if a != b:
                    source, target = modality == a, modality == b
                    scores[f"transfer_{a}_{b}"] = transfer_accuracy(
                        Z[source], y_true[source], Z[target], y_true[target]
                    )
    return scores


def _named_by_class(y_true: Labels, y_pred: Labels) -> list[str]:
    # Clusters take the name of the class they are matched to; unmatched ones keep their own.
    classes, clusters = np.unique(y_true), np.unique(y_pred)
    rows, columns = linear_sum_assignment(-contingency_matrix(y_true, y_pred))
    names = {clusters[c]: f"class {classes[r]}" for r, c in zip(rows, columns, strict=True)}
    return [names.get(label, f"cluster {label}") for label in y_pred]
