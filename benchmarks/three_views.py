"""Three modalities at once: digits that are each seen in one of three ways.

    python -m benchmarks.three_views                # seeds 0 to 4

One JSON line a run, appended as it finishes; runs that stand in the file are skipped.
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import Any, NamedTuple

import numpy as np

from skdm2c import AlignmentWarning, MixedModalClustering
from skdm2c.datasets import drop_pairing, load_handwritten
from skdm2c.metrics import evaluate

from .program import main
from .runs import RESULTS

VIEWS = ("fac", "kar", "pix")
OUT = RESULTS.with_name("three_views.jsonl")


class Task(NamedTuple):
    """One run: the seed of draw and fit."""

    seed: int


def run(task: Task) -> dict[str, Any]:
    """Fit one draw and score it; classes enter after the fit."""
    X, y = drop_pairing(*load_handwritten(VIEWS), random_state=task.seed)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AlignmentWarning)
        model = MixedModalClustering(10, random_state=task.seed).fit(X)
    seconds = time.perf_counter() - start
    figures = evaluate(y, model.labels_, model.modality_, model.embedding_, random_state=task.seed)
    figures["confidence"] = model.alignment_confidence_
    line = {"method": "default, three views", "pair": "+".join(VIEWS), "seed": task.seed}
    line["seconds"] = round(seconds, 2)
    return line | {name: round(float(value), 4) for name, value in figures.items()}


def summary(lines: list[dict[str, Any]]) -> str:
    """Say in a line what all seeds came to."""
    ari, gain, confidence = (np.array([r[k] for r in lines]) for k in ("ari", "gain", "confidence"))
    return (
        f"{', '.join(VIEWS)} jointly, seeds 0 to {len(lines) - 1}: ARI {ari.mean():.3f} "
        f"[{ari.min():.3f}], gain {gain.mean():.2f} [{gain.min():.2f}], confidence "
        f"{confidence.mean():.2f} [{confidence.min():.2f}]."
    )


def tasks(options: argparse.Namespace) -> list[Task]:
    """List the seeds."""
    return [Task(seed) for seed in range(options.seeds)]


if __name__ == "__main__":
    main(
        "three_views",
        __doc__,
        OUT,
        tasks=tasks,
        run=run,
        report=lambda lines: print(summary(lines)),
        n_seeds=5,
    )
