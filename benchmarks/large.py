"""What a fit costs as data grow: rows, columns, clusters, modalities; seconds, memory, ARI.

    python -m benchmarks.large                # up to 100,000 rows
    python -m benchmarks.large --million      # and 1,000,000

Made data, whose clusters and alignment are known: instances lie in a hidden space of 16
dimensions, a modality shows its rows turned into its own columns, with noise, the second
bent. Every fit has a process of its own; memory is what its peak grew by beyond the input.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_limits

from skdm2c import MixedModalClustering, MixedModalData

from . import runs

RESULTS = runs.RESULTS.with_name("large.jsonl")
HIDDEN = 16
PART = 50_000  # rows made at a time, so that making them takes no memory to speak of


class Case(NamedTuple):
    """The size of made data."""

    n_rows: tuple[int, ...] = (30_000, 20_000)
    n_features: tuple[int, ...] = (256, 128)
    n_clusters: int = 10
    seed: int = 0


def rows_cases(seed: int, most: int) -> Iterator[Case]:
    """Yield ever more rows, three fifths of them of the first modality."""
    for n in (10_000, 20_000, 50_000, 100_000, 300_000, 1_000_000):
        if n <= most:
            yield Case(n_rows=(n * 3 // 5, n * 2 // 5), seed=seed)


def other_cases(seed: int) -> Iterator[Case]:
    """Yield 50,000 rows with more columns, more clusters, more modalities."""
    for d in (64, 1024, 4096):
        yield Case(n_features=(d, d // 2), seed=seed)
    for k in (5, 20, 50):
        yield Case(n_clusters=k, seed=seed)
    for m in (3, 4):
        yield Case(n_rows=(50_000 // m,) * m, n_features=(256, 128, 128, 128)[:m], seed=seed)


def make(case: Case) -> tuple[MixedModalData, NDArray[np.intp]]:
    """Draw the data of a case, in single precision, and the cluster of each row.

    Parameters
    ----------
    case : Case

    Returns
    -------
    X : MixedModalData
    y : ndarray of shape (n,)
    """
    rng = np.random.default_rng(case.seed)
    centers = 1.2 * rng.standard_normal((case.n_clusters, HIDDEN))
    shares = np.linspace(1.0, 3.0, case.n_clusters)
    blocks, labels = [], []
    for m, (n, d) in enumerate(zip(case.n_rows, case.n_features, strict=True)):
        turn = np.linalg.qr(rng.standard_normal((d, HIDDEN)))[0].T
        block = np.empty((n, d), dtype=np.float32)
        y = rng.choice(case.n_clusters, size=n, p=shares / shares.sum())
        for start in range(0, n, PART):
            part = slice(start, min(start + PART, n))
            hidden = centers[y[part]] + rng.standard_normal((len(y[part]), HIDDEN))
            if m == 1:
                hidden = np.sign(hidden) * np.abs(hidden) ** 0.8
            block[part] = hidden @ turn + 0.2 * rng.standard_normal((len(hidden), d))
        blocks.append(block)
        labels.append(y)
    return MixedModalData(*blocks), np.concatenate(labels)


def measure(case: Case, threads: int) -> dict[str, Any]:
    """Fit the default to a case, here and now.

    Returns
    -------
    dict
        ``seconds`` of the fit, ``predict_seconds`` for all rows, ``beyond_input_mb``, ``ari``,
        that of the worst modality by itself, ``confidence``, and when each phase ended.
    """
    torch.set_num_threads(threads)
    X, y = make(case)
    with threadpool_limits(threads), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before, start = runs.peak_mb(), time.perf_counter()
        model = MixedModalClustering(case.n_clusters, random_state=case.seed).fit(X)
        seconds, beyond = time.perf_counter() - start, runs.peak_mb() - before
        start = time.perf_counter()
        model.predict(X)
        predict_seconds = time.perf_counter() - start
    within = [
        adjusted_rand_score(y[X.codes == m], model.labels_[X.codes == m])
        for m in range(len(X.names))
    ]
    return {
        "seconds": round(seconds, 2),
        "predict_seconds": round(predict_seconds, 2),
        "beyond_input_mb": round(beyond),
        "ari": round(float(adjusted_rand_score(y, model.labels_)), 4),
        "within_ari": round(float(min(within)), 4),
        "confidence": round(model.alignment_confidence_, 3),
        "ends": _ends(model.history_),
    }


def _ends(history: list[dict[str, Any]]) -> dict[str, float]:
    # When each phase was over, and when its first epoch was: seconds since the start.
    ends: dict[str, float] = {}
    for record in history:
        name = " ".join([record["phase"], record.get("modality", "")]).strip()
        ends.setdefault(f"{name}, first epoch", round(record["seconds"], 2))
        ends[name] = round(record["seconds"], 2)
    return ends


def measure_apart(case: Case, threads: int) -> dict[str, Any]:
    """Fit in a process of its own; return a line of the results."""
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        figures = pool.submit(measure, case, threads).result()
    return {**case._asdict(), **figures, **runs.circumstances(threads, 1)}


def main() -> None:
    """Measure and keep the lines."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.large",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--most", type=int, default=100_000, help="rows of the largest data")
    parser.add_argument("--million", action="store_const", dest="most", const=1_000_000)
    parser.add_argument("--rows-only", action="store_true", help="leave columns and others out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    options = parser.parse_args()
    cases = list(rows_cases(options.seed, options.most))
    if not options.rows_only:
        cases += other_cases(options.seed)
    runs.preload()
    lines = []
    for case in cases:
        lines.append(measure_apart(case, options.threads))
        print({k: v for k, v in lines[-1].items() if k not in ("versions", "machine", "date")})
    RESULTS.write_text("".join(json.dumps(line) + "\n" for line in lines))


if __name__ == "__main__":
    main()
