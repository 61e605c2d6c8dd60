"""How closely the label-free score follows what the labels say.

    python -m benchmarks.scores            # 40 settings and a range of k on five pairs
    python -m benchmarks.scores --jobs 2

Settings are drawn at random, the same for all pairs, with the true number of clusters; then
the default is fitted with every number of clusters around the true one. Each fit appends one
JSON line to results/scores.jsonl; those that stand there are skipped. The silhouette beside
the score is the mean of what scikit-learn's gives in each modality's standardised rows.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.preprocessing import StandardScaler

from skdm2c import AlignmentWarning, MixedModalClustering, MixedModalData
from skdm2c.alignment import GeometricAlignment

from .lines import SHARED, Runs
from .pages import table
from .pairs import PAIRS, is_available, load_pair
from .runs import append, circumstances, read

RESULTS = Path(__file__).parent / "results" / "scores.jsonl"
PAGE = Path(__file__).parents[1] / "docs" / "score.md"
N_SETTINGS = 40
AROUND = 4  # numbers of clusters below and above the true one

LIGHT = GeometricAlignment(kinds=(("geodesic", "cosine"), ("local",)), n_matches=4)
GRID: dict[str, list[Any]] = {
    "pretraining__lambda_neighbors": [0.0, 0.3, 1.0, 3.0],
    "n_components": [4, 8, 16, 32],
    "pretrain_epochs": [5, 20, 60],
    "standardize": ["auto", True, False],
    "assignment": ["mixture", "kmeans"],
    "alignment": ["geometry", LIGHT, LIGHT, None],
    "adversarial__epochs": [0, 10],
    "adversarial__lambda_adversarial": [0.1, 1.0],
    "unify_to": ["auto", 0, 1],
    "alignment_epochs": [10, 60],
}


def setting(number: int) -> dict[str, Any]:
    """Draw one value of each parameter."""
    rng = np.random.RandomState(number)
    return {name: values[rng.randint(len(values))] for name, values in GRID.items()}


def tasks() -> list[tuple[str, str, int]]:
    """List (pair, "settings", number) and (pair, "n_clusters", k)."""
    drawn = [(pair, "settings", i) for i in range(N_SETTINGS) for pair in SHARED]
    around = [
        (pair, "n_clusters", k)
        for pair in SHARED
        for k in range(max(2, PAIRS[pair].n_clusters - AROUND), PAIRS[pair].n_clusters + AROUND + 1)
    ]
    return drawn + around


def run(pair: str, kind: str, number: int, jobs: int) -> dict[str, Any]:
    """Fit once to the pair's first draw and score it; labels enter after the fit."""
    X, y = load_pair(pair, 0)
    parameters = setting(number) if kind == "settings" else {}
    n_clusters = PAIRS[pair].n_clusters if kind == "settings" else number
    seed = number if kind == "settings" else 0
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AlignmentWarning)
        model = MixedModalClustering(n_clusters, random_state=seed)
        model.set_params(**parameters).fit(X)
    return {
        "method": f"{kind} {number}",
        "pair": pair,
        "kind": kind,
        "number": number,
        "seed": seed,
        "n_clusters": n_clusters,
        "parameters": {name: str(value) for name, value in parameters.items()},
        "seconds": round(time.perf_counter() - start, 2),
        "ari": round(float(adjusted_rand_score(y, model.labels_)), 4),
        "score": round(model.score(X), 4),
        "silhouette": round(_silhouette(X, model.labels_), 4),
        "confidence": round(model.alignment_confidence_, 4),
        "reliability": reliability(model.predict_proba(X), y, X.codes),
        **circumstances(threads=1, jobs=jobs),
    }


def _silhouette(X: MixedModalData, labels: NDArray[np.int32]) -> float:
    found = []
    for m, block in enumerate(X.blocks.values()):
        own = labels[X.codes == m]
        defined = 2 <= len(np.unique(own)) < len(own)
        scaled = StandardScaler().fit_transform(block)
        found.append(silhouette_score(scaled, own) if defined else -1.0)
    return float(np.mean(found))


def reliability(
    probabilities: NDArray[np.float64], y: NDArray[np.int64], codes: NDArray[np.intp]
) -> list[list[float]]:
    """Hold the probabilities of the likeliest clusters against the truth, in tenths.

    A row is right where its class is the one that most rows of its cluster and modality have:
    whether clusters were matched rightly is another question.

    Returns
    -------
    list of [rows, mean probability, share that is right]
    """
    labels, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    right = np.zeros(len(y), dtype=bool)
    for m in np.unique(codes):
        for c in np.unique(labels[codes == m]):
            rows = (codes == m) & (labels == c)
            right[rows] = y[rows] == np.bincount(y[rows]).argmax()
    tenth = np.minimum((10 * sure).astype(int), 9)
    return [
        [int((tenth == t).sum()), *(round(float(v[tenth == t].mean()), 4) for v in (sure, right))]
        for t in np.unique(tenth)
    ]


def correlations(lines: Runs, figure: str) -> dict[str, float]:
    """Spearman's correlation of a figure with ARI over the settings of each pair."""
    found = {}
    for pair in SHARED:
        drawn = [r for r in lines if r["pair"] == pair and r["kind"] == "settings"]
        if drawn:
            found[pair] = float(spearmanr([r[figure] for r in drawn], [r["ari"] for r in drawn])[0])
    return found


def picked(lines: Runs, figure: str) -> dict[str, dict[str, Any]]:
    """Find the line with the number of clusters that a figure picks, for each pair."""
    found = {}
    for pair in SHARED:
        curve = [r for r in lines if r["pair"] == pair and r["kind"] == "n_clusters"]
        if curve:
            found[pair] = max(curve, key=lambda r: r[figure])
    return found


def report(lines: Runs) -> str:
    """Make the tables in markdown: correlations, numbers of clusters picked, calibration."""
    correlated = []
    for figure in ("score", "silhouette", "confidence"):
        found = correlations(lines, figure)
        cells = [f"{found[p]:.2f}" if p in found else "" for p in SHARED]
        correlated.append([figure, *cells, f"{np.mean(list(found.values())):.2f}"])
    best = [["classes", *(str(PAIRS[p].n_clusters) for p in SHARED), ""]]
    for figure in ("score", "silhouette", "ari"):
        of_pairs = picked(lines, figure).values()
        cells = [f"{r['n_clusters']} (ARI {r['ari']:.2f})" for r in of_pairs]
        name = "labels (what could be had)" if figure == "ari" else figure
        best.append([name, *cells, f"{np.mean([r['ari'] for r in of_pairs]):.2f}"])
    return "\n\n".join(
        [
            table(["", *SHARED, "mean"], correlated),
            table(["", *SHARED, "mean ARI"], best),
            calibration(lines),
        ]
    )


def calibration(lines: Runs) -> str:
    """Make the table of probabilities and how often they are right, with the true k."""
    rows = []
    for pair in SHARED:
        for line in lines:
            true = line["n_clusters"] == PAIRS[pair].n_clusters
            if line["pair"] == pair and line["kind"] == "n_clusters" and true:
                n, sure, right = np.array(line["reliability"]).T
                low = sure < 0.5
                unsure = f"{n[low].sum():.0f}, {_mean(right[low], n[low])}"
                rows.append([pair, f"{n.sum():.0f}", _mean(sure, n), _mean(right, n), unsure])
    return table(["pair", "rows", "mean probability", "right", "below 0.5: rows, right"], rows)


def _mean(values: NDArray[np.float64], weights: NDArray[np.float64]) -> str:
    return f"{np.average(values, weights=weights):.2f}" if weights.sum() else "-"


def main() -> None:
    """Run what is missing, then print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=1, help="fits at a time")
    parser.add_argument("--out", type=Path, default=RESULTS, help="file of JSON lines")
    options = parser.parse_args()
    done = {(r["pair"], r["kind"], r["number"]) for r in read(options.out)}
    missing = [t for t in tasks() if t not in done and is_available(t[0])]
    finished = Parallel(n_jobs=options.jobs, return_as="generator_unordered")(
        delayed(run)(*task, options.jobs) for task in missing
    )
    for line in finished:
        append(options.out, line)
        print(
            f"{line['pair']} {line['kind']} {line['number']}: ARI {line['ari']:.2f}, "
            f"score {line['score']:.2f}",
            flush=True,
        )
    print(report(read(options.out)))


if __name__ == "__main__":
    main()
