"""Modalities that do not hold the same things: what that costs, and what it helps to say so.

    python -m benchmarks.composition --seeds 2 --jobs 2
    python -m benchmarks.composition --report            # the page alone

On each of the protocol's pairs: one class is taken out of one view ("missing"), and the fit is told
nothing, or how many clusters each view has ("told"), or nothing but five known pairs a cluster
("paired"), or "both". Or nothing is taken out, and as many pairs are known ("balanced"). Or the
classes of both views are thinned out to shares that differ ("shares"). The draws with nothing taken
out and no pairs are the benchmark's.

One JSON line a run, appended as it finishes; runs that stand in the file are skipped.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from skdm2c import AlignmentWarning, MixedModalClustering, MixedModalData
from skdm2c.metrics import evaluate, gain, reference_bounds

from .lines import SHARED
from .pages import made_by, spread, table, write_between
from .pairs import (
    PAIRS,
    is_drawn,
    load_pair,
    load_pair_of_other_shares,
    load_pair_without_a_class,
)
from .program import main
from .runs import RESULTS, figures_line, read_lines

OUT = RESULTS.with_name("composition.jsonl")
PAGE = Path(__file__).parents[1] / "docs" / "composition.md"
CASES = ("missing", "told", "paired", "both", "balanced", "shares")
WITH_PAIRS = ("paired", "both", "balanced")
KNOWN = 5  # pairs a cluster
HARDLY = 0.1


class Task(NamedTuple):
    """One run: what is unequal, in which pair of views, and the seed of draw and fit."""

    case: str
    pair: str
    seed: int


def run(task: Task) -> dict[str, Any]:
    """Solve one problem as a user does who sets nothing else; classes enter when that is done."""
    torch.set_num_threads(1)
    k = PAIRS[task.pair].n_clusters
    X, y, drawn, missing = draw(task, k)
    numbers: int | dict[str, int] = k
    if task.case in ("told", "both"):
        numbers = {name: len(np.unique(y[X.modality == name])) for name in X.names}
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", AlignmentWarning)
        start = time.perf_counter()
        model = MixedModalClustering(numbers, random_state=task.seed).fit(X)
        seconds = time.perf_counter() - start
        figures = evaluate(
            y[drawn],
            model.labels_[drawn],
            X.modality[drawn],
            model.embedding_[drawn],
            random_state=task.seed,
        )
        bounds = reference_bounds(X[drawn], y[drawn], k, task.seed)
    figures["reference_gain"] = gain(figures["ari"], *bounds)
    figures["confidence"] = model.alignment_confidence_
    alone = [c for spoke in model.matching_.values() for c in spoke.unmatched]
    figures["n_unmatched"] = len(alone)
    if task.case in ("paired", "balanced"):
        alone = one_sided(model.labels_, X.codes, k)
        figures["n_one_sided"] = len(alone)
    if missing is not None:
        # Named, if most of the rows of what one view alone has are of the class taken out.
        rows = np.isin(model.labels_, alone)
        figures["named"] = float(bool(rows.any()) and np.mean(y[rows] == missing) > 0.5)
    return figures_line(task, seconds, figures)


def draw(
    task: Task, k: int
) -> tuple[MixedModalData, NDArray[np.int64], NDArray[np.bool_], int | None]:
    """Draw the problem of a case, its classes, which rows are scored, and the missing class."""
    n_pairs = KNOWN * k if task.case in WITH_PAIRS else 0
    if task.case == "shares":
        X, y = load_pair_of_other_shares(task.pair, task.seed)
    elif task.case == "balanced":
        X, y = load_pair(task.pair, task.seed, n_pairs)
    else:
        return load_pair_without_a_class(task.pair, task.seed, n_pairs)
    return X, y, is_drawn(len(y), n_pairs), None


def one_sided(labels: NDArray[np.integer], codes: NDArray[np.integer], k: int) -> list[int]:
    """List the clusters of which one view holds a tenth of what the other does, or less."""
    shares = [np.bincount(labels[codes == m], minlength=k) / np.sum(codes == m) for m in range(2)]
    fewer, more = np.minimum(*shares), np.maximum(*shares)
    return [int(c) for c in np.flatnonzero(fewer <= HARDLY * more)]


def page(lines: list[dict[str, Any]], balanced: list[dict[str, Any]]) -> str:
    """Lay out means and worst seeds, a row a pair of views, beside the draws that are whole."""
    seeds = {x["seed"] for x in lines}
    rows = []
    for group in [*((pair,) for pair in PAIRS), SHARED]:
        here = [x for x in lines if x["pair"] in group]
        by_case = {"whole": [x for x in balanced if x["pair"] in group and x["seed"] in seeds]}
        by_case |= {case: [x for x in here if x["case"] == case] for case in CASES}
        if not all(by_case.values()):
            continue
        named = {
            case: f"{sum(x['named'] for x in by_case[case]):.0f} of {len(by_case[case])}"
            for case in ("told", "paired", "both")
        }
        alarms = [x["n_one_sided"] > 0 for x in by_case["balanced"]]
        rows.append(
            [
                group[0] if len(group) == 1 else "five that share geometry",
                _figures(by_case["whole"]),
                _figures(by_case["missing"]),
                *(f"{_figures(by_case[case])}; {found}" for case, found in named.items()),
                f"{sum(alarms)} of {len(alarms)}",
                _figures(by_case["shares"]),
            ]
        )
    header = [
        "pair",
        "whole",
        "a class missing",
        "the same, told; named",
        f"{KNOWN}k known pairs; named",
        "told, and pairs; named",
        f"named, nothing missing, {KNOWN}k pairs",
        "other shares",
    ]
    return (
        f"Seeds {', '.join(map(str, sorted(seeds)))}; ARI mean ± std [worst], gain, confidence. "
        f"{made_by(lines)}\n\n{table(header, rows)}"
    )


def _figures(lines: list[dict[str, Any]]) -> str:
    ari, gained, confidence = (
        np.array([x[figure] for x in lines], dtype=float)
        for figure in ("ari", "gain", "confidence")
    )
    # Where all matchings are worth the same there is no gain.
    return f"{spread(ari, 2)}, {np.nanmean(gained):.2f}, {confidence.mean():.2f}"


def whole_runs() -> list[dict[str, Any]]:
    """Read the benchmark's runs of the default, on draws with nothing taken out."""
    return [x for x in read_lines(RESULTS) if x["method"] == "default" and "ari" in x]


def report(lines: list[dict[str, Any]]) -> None:
    """Write the table into the page."""
    write_between(PAGE, page(lines, whole_runs()))


def tasks(options: argparse.Namespace) -> list[Task]:
    """List all cases of all pairs of views, seed by seed."""
    return [
        Task(case, pair, seed)
        for seed in range(options.seeds)
        for pair in options.pairs
        for case in options.cases
    ]


if __name__ == "__main__":
    main(
        "composition",
        __doc__,
        OUT,
        tasks=tasks,
        run=run,
        report=report,
        n_seeds=5,
        pairs=list(PAIRS),
        cases=CASES,
    )
