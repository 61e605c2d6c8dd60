"""The methods compared, one module each.

A method is a module with ``fit_labels(X_a, X_b, k, seed) -> Clustering``. To add one,
write the module and give it a line in ``METHODS``; nothing else needs to know it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from .interface import Clustering, Matrix

FitLabels = Callable[[Matrix, Matrix, int, int], Clustering]


@dataclass(frozen=True)
class Method:
    """A line of the comparison.

    A ``bound`` clusters each modality alone: what counts is the ARI of its clusters
    matched at random and best, not the one matching that it draws. ``max_seeds`` is
    for peers that take over 30 seconds a run.
    """

    title: str
    kind: Literal["bound", "baseline", "peer", "ours"]
    max_seeds: int = 10


METHODS = {
    "kmeans_each": Method("k-means in each modality", "bound"),
    "spectral_each": Method("spectral in each modality", "bound"),
    "concatenated": Method("concatenated PCA + k-means", "baseline"),
    "entropic_gw": Method("entropic GW + k-means", "peer", max_seeds=3),
    "self_tuned_gw": Method("self-tuned GW + k-means", "peer", max_seeds=3),
    "unbalanced_gw": Method("unbalanced GW + k-means", "peer", max_seeds=3),
    "fused_gw": Method("fused GW + k-means", "peer"),
    "mini_vec2vec": Method("mini-vec2vec + k-means", "peer"),
    "mmd_ma": Method("MMD-MA + k-means", "peer", max_seeds=3),
    "unioncom": Method("UnionCom + k-means", "peer", max_seeds=3),
    "joint_mds": Method("Joint MDS + k-means", "peer", max_seeds=3),
    "prototype_gw": Method("prototype GW + k-means", "peer"),
    "idec": Method("IDEC on the concatenation", "peer", max_seeds=3),
    "dcn": Method("DCN on the concatenation", "peer", max_seeds=3),
    "smile": Method("SMILE objective", "peer", max_seeds=3),
    "cpmn": Method("CPMN", "peer", max_seeds=3),
    "published": Method("DM2C (PUBLISHED)", "peer", max_seeds=3),
    "default": Method("skdm2c default", "ours"),
}


def load(name: str) -> FitLabels:
    """Import a method of ``METHODS``.

    Raises
    ------
    ImportError
        If what it needs is not installed; the message says what.
    """
    fit_labels: FitLabels = importlib.import_module(f"{__name__}.{name}").fit_labels
    return fit_labels
