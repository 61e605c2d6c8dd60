"""Two modalities of one kind, where what is alike is known before anything is learned.

    python -m benchmarks.one_kind --jobs 2      # seed 0: some 3 minutes

SMILE and CPMN are published as better than DM2C on, among others, two sets of digit pictures of
one size. Here one modality is the pictures of handwritten digits that come with the package, the
other is pictures of other digits of that set as a worse scanner would see them. One JSON line a
run, appended as it finishes; runs that stand in the file are skipped.
"""

from __future__ import annotations

import argparse
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, shift
from sklearn.preprocessing import StandardScaler

from skdm2c.datasets import drop_pairing, load_handwritten
from skdm2c.metrics import reference_bounds

from . import protocol, runs
from .lines import column
from .methods import METHODS
from .methods.interface import Matrix
from .pages import table
from .program import main

OUT = runs.RESULTS.with_name("one_kind.jsonl")
COMPARED = ("kmeans_each", "concatenated", "smile", "cpmn", "published", "default")
PICTURE = (16, 15)  # pixels
BLUR, SHIFT = 1.0, 1  # pixels
N_CLASSES = 10


class Task(NamedTuple):
    """One run."""

    method: str
    seed: int


def badly_scanned(rows: Matrix) -> Matrix:
    """Blur pictures, and move them to the right."""
    pictures = rows.reshape(-1, *PICTURE)
    worse = gaussian_filter(shift(pictures, (0, 0, SHIFT), order=0), (0, BLUR, BLUR))
    return np.asarray(worse.reshape(len(rows), -1))


@cache
def draw(seed: int) -> tuple[runs.Problem, NDArray[np.int64], tuple[float, float]]:
    """Draw a problem, the classes, and the bounds of k-means in each modality."""
    views, y = load_handwritten(("pix",))
    both = {"pictures": views["pix"], "scans": badly_scanned(views["pix"])}
    X, y = drop_pairing(both, y, random_state=seed)
    X = X.with_blocks({m: StandardScaler().fit_transform(x) for m, x in X.blocks.items()})
    bounds = reference_bounds(X, y, N_CLASSES, seed)
    return runs.Problem(*X.blocks.values(), N_CLASSES, seed), y, bounds


def run(task: Task, threads: int, jobs: int) -> dict[str, Any]:
    """Solve one problem in a process of its own; classes enter when that is done."""
    problem, y, bounds = draw(task.seed)
    return runs.run_drawn(task, problem, y, threads, jobs, bounds=bounds)


def summary(lines: list[dict[str, Any]]) -> str:
    """Tabulate means over seeds, a method a row."""
    names = ("ari", "random", "oracle", "gain", "reference_gain")
    rows = [
        [
            METHODS[method].title,
            str(n_seeds),
            *(f"{column(lines, name, method=method).mean():.2f}" for name in names),
        ]
        for method in COMPARED
        if (n_seeds := len(column(lines, "ari", method=method)))
    ]
    return table(["method", "seeds", "ARI", "random", "oracle", "gain", "reference gain"], rows)


def tasks(options: argparse.Namespace) -> list[Task]:
    """List all methods, seed by seed."""
    return [Task(method, seed) for seed in range(options.seeds) for method in options.methods]


if __name__ == "__main__":
    main(
        "one_kind",
        __doc__,
        OUT,
        tasks=tasks,
        run=run,
        report=lambda lines: print(summary(lines)),
        n_seeds=1,
        execute=partial(protocol.execute, threads=1),
        methods=COMPARED,
    )
