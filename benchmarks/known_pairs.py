"""What a few known pairs are worth: 0, k, 2k, 5k and 10k of them on each of the protocol's pairs.

    python -m benchmarks.known_pairs                       # seeds 0 to 4: two hours
    python -m benchmarks.known_pairs --seeds 2 --jobs 2
    python -m benchmarks.known_pairs --report              # the page and the picture alone

Known pairs are drawn at random, fewer among more; or found out as a model of the same draw without
pairs suggests; or, of five a cluster, one in ten or three in ten are given each other's partners.
Both rows of a pair are present: the instance's second view is added to B, and scored are the rows
of the draw without it. Beside ours stand two methods that need pairs, on the same ones: orthogonal
Procrustes, and canonical correlations, each on 30 principal components and followed by k-means.

One JSON line a run, appended as it finishes; runs that stand in the file are skipped.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import orthogonal_procrustes
from sklearn.cluster import KMeans
from sklearn.cross_decomposition import CCA
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from skdm2c import AlignmentWarning, MixedModalClustering, MixedModalData, suggest_pairs
from skdm2c.metrics import evaluate, gain

from .methods.interface import Clustering
from .pages import made_by, spread, table, write_between
from .pairs import PAIRS, is_drawn, load_pair, load_pair_with
from .pictures import draw_known_pairs
from .program import main
from .runs import RESULTS, figures_line, reference

OUT = RESULTS.with_name("known_pairs.jsonl")
PAGE = Path(__file__).parents[1] / "docs" / "known_pairs.md"
TIMES = (0, 1, 2, 5, 10)  # the number of clusters
SUGGESTED = (1, 2)  # of these as many are found out by suggestion
WRONG = {"wrong10": 0.1, "wrong30": 0.3}  # shares of pairs
WRONG_TIMES = 5
WRONG_TITLE = f"Of {WRONG_TIMES} pairs a cluster none, one in ten, three in ten are wrong:"
WRONG_HEADER = [
    *("pair", "seeds"),
    *(f"{name}, {s:.0%}" for name in ("ARI", "gain", "confidence") for s in (0, *WRONG.values())),
]
WIDTH = 30


class Task(NamedTuple):
    """One run: a method, a pair of views, a seed, and how many pairs a cluster are known."""

    method: str
    pair: str
    seed: int
    times: int


def ours(X: MixedModalData, k: int, seed: int) -> Clustering:
    """Cluster as a user does who sets nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AlignmentWarning)
        model = MixedModalClustering(k, random_state=seed).fit(X)
    return Clustering(model.labels_, model.embedding_, {"confidence": model.alignment_confidence_})


def procrustes(X: MixedModalData, k: int, seed: int) -> Clustering:
    """Rotate A's components such that known pairs meet B's, then k-means."""
    a, b = _components(X, seed)
    width = min(a.shape[1], b.shape[1])
    a, b, (i, j) = a[:, :width], b[:, :width], X.pairs.T
    a, b = a - a[i].mean(axis=0), b - b[j].mean(axis=0)
    a, b = a / np.linalg.norm(a[i]), b / np.linalg.norm(b[j])
    return _kmeans(np.vstack([a @ orthogonal_procrustes(a[i], b[j])[0], b]), k, seed)


def correlations(X: MixedModalData, k: int, seed: int) -> Clustering:
    """Canonical correlations of known pairs, then k-means in the canonical variates."""
    a, b = _components(X, seed)
    i, j = X.pairs.T
    # Of fewer pairs than columns every direction correlates: as many columns as half the pairs.
    width = max(1, min(WIDTH, len(i) // 2, a.shape[1], b.shape[1]))
    a, b = a[:, :width], b[:, :width]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it need not converge to be of use
        cca = CCA(min(k, width), max_iter=2000).fit(a[i], b[j])
        found = np.vstack([cca.transform(a), cca.transform(b, b)[1]])
    return _kmeans(found, k, seed)


def suggested(pair: str, k: int, seed: int, n: int) -> tuple[MixedModalData, Any, Any]:
    """Draw a problem, fit it, find out the pairs that the model suggests."""
    X, _ = load_pair(pair, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AlignmentWarning)
        model = MixedModalClustering(k, random_state=seed).fit(X)
    found_out: dict[str, list[int]] = {}
    for suggestion in suggest_pairs(model, X, n):
        found_out.setdefault(suggestion.modality, []).append(suggestion.row)
    return load_pair_with(pair, seed, found_out)


def with_wrong_pairs(X: MixedModalData, share: float, seed: int) -> MixedModalData:
    """Give some pairs the partners of others, by turns: at least two."""
    pairs = X.pairs.copy()
    rng = np.random.RandomState(seed)
    wrong = rng.choice(len(pairs), max(2, round(share * len(pairs))), replace=False)
    pairs[wrong, 1] = np.roll(pairs[wrong, 1], 1)
    return MixedModalData(*X.blocks.values(), names=list(X.blocks), pairs=pairs)


METHODS: dict[str, Callable[[MixedModalData, int, int], Clustering]] = {
    "default": ours,
    "suggested": ours,
    **dict.fromkeys(WRONG, ours),
    "procrustes": procrustes,
    "correlations": correlations,
}
TIMES_OF: dict[str, tuple[int, ...]] = {  # where not all but none
    "default": TIMES,
    "suggested": SUGGESTED,
    **dict.fromkeys(WRONG, (WRONG_TIMES,)),
}


def _components(X: MixedModalData, seed: int) -> list[NDArray[np.float64]]:
    return [
        PCA(min(WIDTH, *block.shape), random_state=seed).fit_transform(block)
        for block in X.blocks.values()
    ]


def _kmeans(Z: NDArray[np.float64], k: int, seed: int) -> Clustering:
    return Clustering(KMeans(k, n_init=10, random_state=seed).fit_predict(Z), Z, {})


def run(task: Task) -> dict[str, Any]:
    """Solve one problem; classes enter when that is done."""
    torch.set_num_threads(1)
    k = PAIRS[task.pair].n_clusters
    with threadpool_limits(1):
        if task.method == "suggested":
            X, y, scored = suggested(task.pair, k, task.seed, task.times * k)
        else:
            X, y = load_pair(task.pair, task.seed, task.times * k)
            scored = is_drawn(len(X), task.times * k)
        if task.method in WRONG:
            X = with_wrong_pairs(X, WRONG[task.method], task.seed)
        start = time.perf_counter()
        found = METHODS[task.method](X, k, task.seed)
        seconds = time.perf_counter() - start
        embedding = None if found.embedding is None else found.embedding[scored]
        figures = evaluate(
            y[scored], found.labels[scored], X.modality[scored], embedding, random_state=task.seed
        )
        figures["reference_gain"] = gain(figures["ari"], *reference(task.pair, task.seed))
    figures |= found.says
    return figures_line(task, seconds, figures)


def page(lines: list[dict[str, Any]]) -> str:
    """Lay out means and worst seeds, a row a pair of views and number of known pairs."""
    rows = []
    for pair in PAIRS:
        for times in TIMES:
            here = [x for x in lines if (x["pair"], x["times"]) == (pair, times)]
            by_method = {method: [x for x in here if x["method"] == method] for method in METHODS}
            mine = by_method["default"]
            if not mine:
                continue
            others = [by_method[name] for name in ("procrustes", "correlations")]
            asked = by_method["suggested"]
            rows.append(
                [
                    pair,
                    f"{times}k = {times * PAIRS[pair].n_clusters}",
                    str(len(mine)),
                    *(
                        spread(_defined(mine, figure), digits)
                        for figure, digits in (
                            ("ari", 3),
                            ("gain", 2),
                            ("reference_gain", 2),
                            ("confidence", 2),
                        )
                    ),
                    f"{_defined(asked, 'gain').mean():.2f} ({len(asked)})" if asked else "–",
                    " / ".join(f"{np.mean(_transfers(mine, side)):.2f}" for side in (0, 1)),
                    *(
                        f"{np.mean([x['ari'] for x in other]):.3f}" if other else "-"
                        for other in others
                    ),
                ]
            )
    header = [
        "pair",
        "known",
        "seeds",
        "ARI",
        "gain",
        "reference gain",
        "confidence",
        "gain of suggested pairs (seeds)",
        "transfer A→B / B→A",
        "Procrustes, ARI",
        "CCA, ARI",
    ]
    wrong = _wrong(lines)
    return "\n\n".join(
        [
            made_by(lines),
            table(header, rows),
            *([WRONG_TITLE, table(WRONG_HEADER, wrong)] if wrong else []),
        ]
    )


def _wrong(lines: list[dict[str, Any]]) -> list[list[str]]:
    # Of the seeds that all have.
    rows = []
    for pair in PAIRS:
        of = {
            method: {
                x["seed"]: x
                for x in lines
                if (x["pair"], x["method"], x["times"]) == (pair, method, WRONG_TIMES)
            }
            for method in ("default", *WRONG)
        }
        seeds = sorted(set.intersection(*(set(runs) for runs in of.values())))
        if seeds:
            figures = [
                spread(_defined([runs[seed] for seed in seeds], figure), digits)
                for figure, digits in (("ari", 3), ("gain", 2), ("confidence", 2))
                for runs in of.values()
            ]
            rows.append([pair, str(len(seeds)), *figures])
    return rows


def _defined(lines: list[dict[str, Any]], figure: str) -> NDArray[np.float64]:
    # Where all matchings of clusters are worth the same there is no gain.
    values = np.array([line[figure] for line in lines], dtype=np.float64)
    return values[~np.isnan(values)]


def _transfers(lines: list[dict[str, Any]], side: int) -> list[float]:
    views = PAIRS[lines[0]["pair"]].views
    source, target = views[side], views[1 - side]
    return [line[f"transfer_{source}_{target}"] for line in lines]


def report(lines: list[dict[str, Any]]) -> None:
    """Write the table into the page, and draw the curves."""
    write_between(PAGE, page(lines))
    draw_known_pairs([x for x in lines if x["method"] == "default"], PAGE.with_suffix(".png"))


def tasks(options: argparse.Namespace) -> list[Task]:
    """List all methods with all numbers of known pairs, seed by seed."""
    return [
        Task(method, pair, seed, times)
        for seed in range(options.seeds)
        for times in TIMES
        for pair in options.pairs
        for method in options.methods
        if times in TIMES_OF.get(method, TIMES[1:])
    ]


if __name__ == "__main__":
    main(
        "known_pairs",
        __doc__,
        OUT,
        tasks=tasks,
        run=run,
        report=report,
        n_seeds=5,
        pairs=list(PAIRS),
        methods=list(METHODS),
    )
