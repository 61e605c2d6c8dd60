"""One coupling of the rows out of many matchings of prototypes, and how far to trust it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from .._threads import single_threaded
from ..neighbors import Matrix
from .geometry import Geometry, describe
from .matching import match
from .prototypes import Prototypes, draw_prototypes

MAX_ROWS = 2000  # a modality: distances are n x n
MAX_PROTOTYPES = 36
N_PROTOTYPE_SETS = 8
N_MATCHES = 6
KINDS: tuple[tuple[str, ...], ...] = (
    ("geodesic",),
    ("cosine",),
    ("euclidean",),
    ("geodesic", "cosine"),
    ("geodesic", "cosine", "euclidean"),
)


@dataclass(frozen=True)
class Alignment:
    """What geometry says about which rows belong together.

    Attributes
    ----------
    left_rows, right_rows : ndarray of shape (n',) and (m',)
        The rows that were looked at: all of a small modality, a sample of a large one.
    coupling : ndarray of shape (n', m')
        Mass shared by each two rows; sums to one.
    objective : float
        Mean correlation of the distances through the matchings.
    confidence : float
        In [0, 1]: the objective times the agreement of the geometries.
    """

    left_rows: NDArray[np.intp]
    right_rows: NDArray[np.intp]
    coupling: Matrix
    objective: float
    confidence: float


@single_threaded
def align(
    left: NDArray[np.floating], right: NDArray[np.floating], n_clusters: int, seed: int
) -> Alignment:
    """Couple the rows of two modalities by the geometry they share.

    Prototypes are drawn many times and matched in several geometries; the
    couplings are spread over the rows and averaged. Where the geometries name
    different partners, the confidence is low.

    Parameters
    ----------
    left, right : ndarray of shape (n, d) and (m, e)
        Standardised rows.
    n_clusters : int
    seed : int

    Returns
    -------
    Alignment

    Examples
    --------
    A rotated copy of the same points, in another order:

    >>> rng = np.random.RandomState(0)
    >>> centers = np.array([[0, 0, 0], [6, 0, 0], [0, 11, 0], [3, 4, 17]])
    >>> y = np.repeat(np.arange(4), [20, 40, 60, 80])
    >>> X = centers[y] + rng.randn(200, 3)
    >>> other = rng.permutation(200)
    >>> found = align(X, X[other] @ np.linalg.qr(rng.randn(3, 3))[0], 4, seed=0)
    >>> partner = found.coupling.argmax(axis=1)
    >>> bool((y == y[other][partner]).mean() > 0.95)
    True
    """
    rng = np.random.RandomState(seed)
    rows = [np.sort(rng.permutation(len(b))[:MAX_ROWS]) for b in (left, right)]
    geometries = [
        describe(block[kept], n_clusters, seed)
        for block, kept in zip((left, right), rows, strict=True)
    ]
    smaller = min(len(kept) for kept in rows)
    n_prototypes = min(MAX_PROTOTYPES, smaller, max(smaller // 8, n_clusters))
    drawn = [
        [
            draw_prototypes(geometry, n_prototypes, i % 2, rng.randint(2**31 - 1))
            for i in range(N_PROTOTYPE_SETS)
        ]
        for geometry in geometries
    ]
    couplings, objectives = [], []
    for kinds in KINDS:
        coupling, objective = _average(drawn[0], drawn[1], kinds, rng)
        couplings.append(coupling)
        objectives.append(objective)
    agreement = _agreement(couplings, geometries[1], n_clusters, seed)
    objective = float(np.mean(objectives))
    return Alignment(
        left_rows=rows[0],
        right_rows=rows[1],
        coupling=np.mean(couplings, axis=0),
        objective=objective,
        confidence=float(np.clip(max(agreement, 0.0) * max(objective, 0.0), 0.0, 1.0)),
    )


def barycentric_targets(coupling: Matrix, latents: NDArray[np.floating]) -> Matrix:
    """Where each left row belongs among the right ones: the mean of its partners.

    Means of many rows lie closer together than rows do; every column is brought
    back to the mean and spread of the right rows.

    Parameters
    ----------
    coupling : ndarray of shape (n, m)
    latents : ndarray of shape (m, c)

    Returns
    -------
    ndarray of shape (n, c)

    Examples
    --------
    >>> targets = barycentric_targets(np.array([[0.4, 0.1], [0.2, 0.3]]), np.array([[2.0], [8.0]]))
    >>> targets.round(6)
    array([[2.],
           [8.]])
    """
    means: Matrix = (coupling / coupling.sum(axis=1, keepdims=True)) @ latents
    center, spread = means.mean(axis=0), np.maximum(means.std(axis=0), 1e-12)
    targets: Matrix = (means - center) / spread * latents.std(axis=0) + latents.mean(axis=0)
    return targets


def _average(
    left: list[Prototypes],
    right: list[Prototypes],
    kinds: tuple[str, ...],
    rng: np.random.RandomState,
) -> tuple[Matrix, float]:
    total = np.zeros((len(left[0].labels), len(right[0].labels)))
    objectives = []
    chosen = rng.permutation(len(left) * len(right))[:N_MATCHES]
    for i, j in zip(*np.unravel_index(chosen, (len(left), len(right))), strict=True):
        a, b = left[i], right[j]
        coupling, objective = match(a, b, kinds, rng)
        # Spread each prototype's mass evenly over its rows.
        density = coupling / np.outer(a.masses, b.masses) / total.size
        total += density[np.ix_(a.labels, b.labels)]
        objectives.append(objective)
    return total / len(chosen), float(np.mean(objectives))


def _agreement(couplings: list[Matrix], geometry: Geometry, n_clusters: int, seed: int) -> float:
    # Each geometry carries the right side's clusters to the left: do they say the same?
    k = min(n_clusters, len(geometry.points[1]))
    clusters = KMeans(k, n_init=5, random_state=seed).fit_predict(geometry.points[1])
    member = np.eye(k)[clusters]
    carried = [(coupling @ member).argmax(axis=1) for coupling in couplings]
    return float(np.mean([adjusted_rand_score(a, b) for a, b in combinations(carried, 2)]))
