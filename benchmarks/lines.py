"""What a benchmark's lines hold: which runs there are, their figures and the means of these."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .methods import METHODS
from .pairs import PAIRS

OURS = "default"
ZERO = "kmeans_each"  # whose bounds others are compared with
ALIGNED = 0.5  # gain above which clusters are matched rather than not
SHARED = ("snare", "pbmc1k", "facpix", "karpix", "reuters")
APART = tuple(pair for pair in PAIRS if pair not in SHARED)
COMPARED = [name for name, method in METHODS.items() if method.kind != "bound"]
BOUNDS = [name for name, method in METHODS.items() if method.kind == "bound"]

Runs = list[dict[str, Any]]


def figures(runs: Runs) -> Runs:
    """Leave out the runs that failed."""
    return [r for r in runs if "error" not in r]


def column(runs: Runs, name: str, **where: str | float) -> NDArray[np.float64]:
    """One figure of all runs with, say, ``method="default"``; undefined ones are left out."""
    values = [
        r.get(name) for r in figures(runs) if all(r[key] == value for key, value in where.items())
    ]
    return np.array([v for v in values if v is not None], dtype=np.float64)


def mean(runs: Runs, name: str, **where: str | float) -> float:
    """Mean of what :func:`column` finds; not a number, if that is nothing."""
    values = column(runs, name, **where)
    return float(values.mean()) if len(values) else np.nan


def mean_of_pairs(runs: Runs, name: str, method: str, pairs: Iterable[str]) -> float:
    """Mean of the means over seeds: no pair counts more for having more of them.

    Of those pairs that any method ran; not a number, if this one has no figure of one of them.
    """
    ran = {r["pair"] for r in figures(runs)}
    means = [mean(runs, name, method=method, pair=pair) for pair in pairs if pair in ran]
    return float(np.mean(means)) if means else np.nan


def best_first(runs: Runs, methods: Iterable[str]) -> list[str]:
    """Sort methods by mean ARI over the pairs that share geometry; last those that lack some."""
    ari = {m: mean_of_pairs(runs, "ari", m, SHARED) for m in methods}
    return sorted(ari, key=lambda m: -np.nan_to_num(ari[m]))


def present(runs: Runs, names: Iterable[str]) -> list[str]:
    """Choose the methods of which a run finished."""
    return [name for name in names if any(r["method"] == name for r in figures(runs))]


def complete(runs: Runs) -> list[str]:
    """List the methods that ran on every pair: only their means over pairs compare."""
    pairs = {r["pair"] for r in figures(runs)}
    return [
        name
        for name in COMPARED
        if {r["pair"] for r in figures(runs) if r["method"] == name} == pairs
    ]


def paired(runs: Runs, a: str, b: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """ARI of two methods on the draws that both ran, in one order."""
    ari = {
        m: {(r["pair"], r["seed"]): r["ari"] for r in figures(runs) if r["method"] == m}
        for m in (a, b)
    }
    common = sorted(ari[a].keys() & ari[b].keys())
    return np.array([ari[a][c] for c in common]), np.array([ari[b][c] for c in common])


def with_gain(runs: Runs) -> Runs:
    """Choose the runs of the default whose gain is defined."""
    return [r for r in figures(runs) if r["method"] == OURS and r["gain"] is not None]


def confidence_and_gain(runs: Runs) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both, of every run of the default whose gain is defined."""
    rows = with_gain(runs)
    return np.array([r["confidence"] for r in rows]), np.array([r["gain"] for r in rows])
