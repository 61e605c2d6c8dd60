"""A few dozen prototypes stand for all rows of a modality."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

from ..neighbors import Matrix
from .geometry import Geometry


@dataclass(frozen=True)
class Prototypes:
    """Groups of rows and the mean distances between them.

    Attributes
    ----------
    labels : ndarray of shape (n,)
        Each row's prototype.
    masses : ndarray of shape (p,)
        Share of the rows.
    distances : dict of str to ndarray of shape (p, p)
        Mean distance between the rows of two prototypes; on the diagonal within one.
    """

    labels: NDArray[np.intp]
    masses: Matrix
    distances: dict[str, Matrix]


def draw_prototypes(geometry: Geometry, n_prototypes: int, space: int, seed: int) -> Prototypes:
    """Group the rows by one run of k-means.

    Parameters
    ----------
    geometry : Geometry
    n_prototypes : int
        Fewer are drawn where there are fewer distinct rows.
    space : {0, 1}
        Which of the geometry's point spaces to group in.
    seed : int

    Returns
    -------
    Prototypes

    Examples
    --------
    >>> from skdm2c.alignment.geometry import describe
    >>> g = describe(np.random.RandomState(0).randn(40, 3), 2, seed=0)
    >>> p = draw_prototypes(g, 5, space=0, seed=0)
    >>> p.masses.shape, bool(np.isclose(p.masses.sum(), 1))
    ((5,), True)
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # duplicate rows: fewer prototypes
        groups = KMeans(n_prototypes, n_init=1, random_state=seed).fit(geometry.points[space])
    labels = np.unique(groups.labels_, return_inverse=True)[1].astype(np.intp)
    member = np.eye(labels.max() + 1)[labels]
    mean_of = member / member.sum(axis=0)
    return Prototypes(
        labels=labels,
        masses=member.mean(axis=0),
        distances={name: mean_of.T @ d @ mean_of for name, d in geometry.distances.items()},
    )
