"""Deep clustering network (Yang et al., ICML 2017), by ClustPy.

With the concatenation of all modalities as its input: a peer in the DM2C paper.
"""

from __future__ import annotations

from ._clustpy import fit_on_concatenation  # first: it makes ClustPy importable
from .interface import Clustering, Matrix

from clustpy.deep import DCN  # isort: skip


def fit_labels(X_a: Matrix, X_b: Matrix, k: int, seed: int) -> Clustering:
    """Fit at the library's defaults: 100 epochs of pretraining, 150 of clustering."""
    return fit_on_concatenation(DCN, X_a, X_b, k, seed)
