"""Three modalities at once: digits that are each seen in one of three ways.

    python -m benchmarks.three_views                # seeds 0 to 4

One JSON line a run, appended as it finishes; runs that stand in the file are skipped.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from skdm2c import AlignmentWarning, MixedModalClustering
from skdm2c.datasets import drop_pairing, load_handwritten
from skdm2c.metrics import evaluate

from .runs import RESULTS, append, circumstances, read

VIEWS = ("fac", "kar", "pix")
OUT = RESULTS.with_name("three_views.jsonl")


def run(seed: int) -> dict[str, Any]:
    """Fit one draw and score it; classes enter after the fit."""
    X, y = drop_pairing(*load_handwritten(VIEWS), random_state=seed)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AlignmentWarning)
        model = MixedModalClustering(10, random_state=seed).fit(X)
    seconds = time.perf_counter() - start
    figures = evaluate(y, model.labels_, model.modality_, model.embedding_, random_state=seed)
    figures["confidence"] = model.alignment_confidence_
    line = {"method": "default, three views", "pair": "+".join(VIEWS), "seed": seed}
    line |= circumstances(threads=1, jobs=1) | {"seconds": round(seconds, 2)}
    return line | {name: round(float(value), 4) for name, value in figures.items()}


def report(lines: list[dict[str, Any]]) -> str:
    """Say in a line what all seeds came to."""
    ari, gain, confidence = (np.array([r[k] for r in lines]) for k in ("ari", "gain", "confidence"))
    return (
        f"{', '.join(VIEWS)} jointly, seeds 0 to {len(lines) - 1}: ARI {ari.mean():.3f} "
        f"[{ari.min():.3f}], gain {gain.mean():.2f} [{gain.min():.2f}], confidence "
        f"{confidence.mean():.2f} [{confidence.min():.2f}]."
    )


def main() -> None:
    """Run what is missing, then print the summary."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.three_views", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="seeds 0 to N-1")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    done = {line["seed"] for line in read(options.out)}
    for seed in range(options.seeds):
        if seed not in done:
            append(options.out, run(seed))
            print(seed, flush=True)
    print(report(read(options.out)))


if __name__ == "__main__":
    main()
