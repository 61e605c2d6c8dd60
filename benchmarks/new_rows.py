"""What labels of rows that the fit never saw are worth: two thirds are fitted, one third is new.

    python -m benchmarks.new_rows                   # the pairs that share geometry, seeds 0 to 4

One JSON line a run, appended as it finishes; runs that stand in the file are skipped.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sklearn.metrics import adjusted_rand_score

from skdm2c import AlignmentWarning, MixedModalClustering, ModalityKFold

from .lines import SHARED, Runs, column, mean
from .pages import table
from .pairs import PAIRS, is_available, load_pair
from .runs import RESULTS, append, circumstances, read

METHOD = "default, new rows"
OUT = RESULTS.with_name("new_rows.jsonl")


def run(pair: str, seed: int) -> dict[str, Any]:
    """Fit two thirds of the rows of each modality; score those and the others apart."""
    X, y = load_pair(pair, seed)
    fitted, new = next(ModalityKFold(3, shuffle=True, random_state=seed).split(X))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AlignmentWarning)
        model = MixedModalClustering(PAIRS[pair].n_clusters, random_state=seed).fit(X[fitted])
    labels = model.predict(X[new])
    figures = {
        "ari_fitted": adjusted_rand_score(y[fitted], model.labels_),
        "ari_new": adjusted_rand_score(y[new], labels),
    }
    for m, name in enumerate("ab"):
        at_fit, later = X.codes[fitted] == m, X.codes[new] == m
        figures[f"ari_fitted_{name}"] = adjusted_rand_score(
            y[fitted][at_fit], model.labels_[at_fit]
        )
        figures[f"ari_new_{name}"] = adjusted_rand_score(y[new][later], labels[later])
    seconds = model.history_[-1]["seconds"] if model.history_ else 0.0
    line = {"method": METHOD, "pair": pair, "seed": seed, **circumstances(threads=1, jobs=1)}
    return line | {"seconds": round(seconds, 2)} | {k: round(v, 4) for k, v in figures.items()}


def report(lines: Runs) -> str:
    """Make a table of means over seeds."""
    rows = []
    for pair in PAIRS:
        n_seeds = len(column(lines, "ari_new", pair=pair))
        if n_seeds:
            fitted, new = (mean(lines, name, pair=pair) for name in ("ari_fitted", "ari_new"))
            rows.append([pair, f"{n_seeds}", f"{fitted:.3f}", f"{new:.3f}", f"{fitted - new:.3f}"])
    return table(["pair", "seeds", "ARI, fitted rows", "ARI, new rows", "lost"], rows)


def run_missing(
    program: str,
    description: str,
    run: Callable[[str, int], dict[str, Any]],
    report: Callable[[Runs], str],
    out: Path,
    n_seeds: int,
) -> None:
    """Read the command line, run what is missing, then print the table."""
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{program}", description=description
    )
    parser.add_argument("--pairs", default=",".join(SHARED), help="comma-separated")
    parser.add_argument("--seeds", type=int, default=n_seeds, help="seeds 0 to N-1")
    parser.add_argument("--out", type=Path, default=out)
    options = parser.parse_args()
    done = {(line["pair"], line["seed"]) for line in read(options.out)}
    for pair in filter(is_available, options.pairs.split(",")):
        for seed in range(options.seeds):
            if (pair, seed) not in done:
                append(options.out, run(pair, seed))
                print(pair, seed, flush=True)
    print(report(read(options.out)))


def main() -> None:
    """Run what is missing, then print the table."""
    run_missing("new_rows", __doc__, run, report, OUT, n_seeds=5)


if __name__ == "__main__":
    main()
