"""Variants of DM2C itself: PUBLISHED beside the authors' own figures, the default taken apart.

    python -m benchmarks.variants                     # PUBLISHED; results/published.jsonl
    python -m benchmarks.variants --ablation          # the default's parts; results/ablation.jsonl

Each run appends one JSON line as it finishes; runs that stand there already are
skipped. All methods together are compared by ``python -m benchmarks.protocol``.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from skdm2c import (
    AdversarialTraining,
    AlignmentWarning,
    MixedModalClustering,
    MixedModalData,
    Pretraining,
)
from skdm2c.metrics import evaluate, gain, reference_bounds
from skdm2c.presets import PUBLISHED

from .lines import SHARED, Runs, column, mean
from .pages import spread, table
from .pairs import (
    PAIRS,
    is_available,
    load_pair,
    load_pair_at_one_width,
    load_whole_views_at_one_width,
)
from .runs import append, circumstances, read
from .tables import span

RESULTS = Path(__file__).parent / "results"

# The authors' code: ARI, transfer accuracy A to B and B to A of seeds 0, 1, 2; ACC of seed 0.
AUTHORS = {
    "snare": ((0.457, 0.290, 0.189), (0.30, 0.14, 0.24), (0.47, 0.16, 0.37), 0.693),
    "pbmc1k": ((0.719, 0.672, 0.589), (0.61, 0.72, 0.83), (0.55, 0.51, 0.44), 0.738),
    "facpix": ((0.260, 0.254, 0.254), (0.18, 0.07, 0.07), (0.24, 0.05, 0.06), 0.414),
    "karpix": ((0.231, 0.234, 0.201), (0.09, 0.10, 0.05), (0.16, 0.09, 0.02), 0.411),
    "wikipedia": ((0.079,), (0.09,), (0.10,), 0.288),
}


def fit_published(X: MixedModalData, n_clusters: int, seed: int) -> MixedModalClustering:
    """Fit the paper's configuration, to principal components of one width."""
    return MixedModalClustering(n_clusters, random_state=seed, **PUBLISHED).fit(X)


def fit_default(X: MixedModalData, n_clusters: int, seed: int) -> MixedModalClustering:
    """Fit what a user gets who sets nothing."""
    return MixedModalClustering(n_clusters, random_state=seed).fit(X)


def fit_unaligned(X: MixedModalData, n_clusters: int, seed: int) -> MixedModalClustering:
    """Fit the default with generators that start at random."""
    return MixedModalClustering(n_clusters, alignment=None, random_state=seed).fit(X)


def fit_without_neighbors(X: MixedModalData, n_clusters: int, seed: int) -> MixedModalClustering:
    """Fit the default with latents that learn reconstruction alone."""
    return MixedModalClustering(
        n_clusters, pretraining=Pretraining(lambda_neighbors=0), random_state=seed
    ).fit(X)


def fit_with_kmeans(X: MixedModalData, n_clusters: int, seed: int) -> MixedModalClustering:
    """Fit the default with k-means in place of mixtures."""
    return MixedModalClustering(n_clusters, assignment="kmeans", random_state=seed).fit(X)


def fit_without_game(X: MixedModalData, n_clusters: int, seed: int) -> MixedModalClustering:
    """Fit the default without the adversarial phase."""
    return MixedModalClustering(
        n_clusters, adversarial=AdversarialTraining(epochs=0), random_state=seed
    ).fit(X)


def fit_moving(X: MixedModalData, n_clusters: int, seed: int) -> MixedModalClustering:
    """Fit the default with auto-encoders that go on learning in the adversarial phase."""
    adversarial = AdversarialTraining(autoencoder_learning_rate=1e-4)
    return MixedModalClustering(n_clusters, adversarial=adversarial, random_state=seed).fit(X)


METHODS = {
    "published": fit_published,
    "published: whole views": fit_published,
    "default": fit_default,
    "no alignment": fit_unaligned,
    "no neighbourhood term": fit_without_neighbors,
    "k-means for the mixtures": fit_with_kmeans,
    "no adversarial phase": fit_without_game,
    "auto-encoders go on learning": fit_moving,
}
PUBLISHED_TWICE = ["published", "published: whole views"]
ABLATION = [m for m in METHODS if m not in PUBLISHED_TWICE]
LOADERS = {
    "published": load_pair_at_one_width,
    "published: whole views": load_whole_views_at_one_width,
}  # for the others load_pair


def run(method: str, pair: str, seed: int) -> dict[str, Any]:
    """Fit one method to one draw of one pair and score it; labels enter after the fit."""
    reference = reference_bounds(*load_pair(pair, seed), PAIRS[pair].n_clusters, seed)
    X, y = LOADERS.get(method, load_pair)(pair, seed)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AlignmentWarning)
        model = METHODS[method](X, PAIRS[pair].n_clusters, seed)
    seconds = time.perf_counter() - start
    side = np.where(X.codes == 0, "a", "b")
    figures = evaluate(y, model.labels_, side, model.embedding_, random_state=seed)
    return {
        "method": method,
        "pair": pair,
        "seed": seed,
        "seconds": round(seconds, 2),
        **{name: round(value, 4) for name, value in figures.items()},
        "reference_gain": round(gain(figures["ari"], *reference), 4),
        "confidence": round(model.alignment_confidence_, 4),
        "score": round(model.score(X), 4),
        "unified_to": model.unified_modality_,
        **circumstances(threads=1, jobs=1),
    }


def report(runs: Runs) -> str:
    """Make the table of mean ± std [worst], in markdown, from finished runs."""
    rows = []
    for pair in PAIRS:
        if pair in AUTHORS and any(r["pair"] == pair for r in runs):
            ari, there, back, acc = (np.array(v) for v in AUTHORS[pair])
            transfer = f"{there.mean():.2f} / {back.mean():.2f}"
            known = [f"{len(ari)}", spread(ari), f"{acc:.2f}"]
            rows.append([pair, "authors' code", *known, "", "", "", transfer, ""])
        for method in METHODS:
            where = {"pair": pair, "method": method}
            ari = column(runs, "ari", **where)
            if not len(ari):
                continue
            accuracy, a_b, b_a = (
                f"{mean(runs, name, **where):.2f}"
                for name in ("acc", "transfer_a_b", "transfer_b_a")
            )
            gains = (spread(column(runs, g, **where), 2) for g in ("gain", "reference_gain"))
            rows.append(
                [
                    *where.values(),
                    f"{len(ari)}",
                    spread(ari),
                    accuracy,
                    span(runs, **where),
                    *gains,
                    f"{a_b} / {b_a}",
                    f"{mean(runs, 'seconds', **where):.0f}",
                ]
            )
    header = [
        "pair", "method", "seeds", "ARI", "ACC", "random – oracle", "gain", "reference gain",
        "transfer A→B / B→A", "s",
    ]  # fmt: skip
    return table(header, rows)


def main() -> None:
    """Run what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--ablation", action="store_true", help="the default without each of its parts"
    )
    options = parser.parse_args()
    methods, pairs, n_seeds, out = (
        (ABLATION, list(SHARED), 2, RESULTS / "ablation.jsonl")
        if options.ablation
        else (PUBLISHED_TWICE, ["snare", "pbmc1k", "facpix"], 5, RESULTS / "published.jsonl")
    )
    done = {(r["method"], r["pair"], r["seed"]) for r in read(out)}
    for pair in pairs:
        if not is_available(pair):
            print(f"{pair}: its file is not in the data folder (set SKDM2C_DATA); left out")
            continue
        for seed in range(n_seeds):
            for method in methods:  # in turn, for timings that compare
                if (method, pair, seed) in done:
                    continue
                result = run(method, pair, seed)
                append(out, result)
                print(f"{pair} seed {seed} {method}: ARI {result['ari']:.3f}", flush=True)
    print(report(read(out)))


if __name__ == "__main__":
    main()
