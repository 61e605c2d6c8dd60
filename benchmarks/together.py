"""One fit by one process and by two: quality and time, a table in docs/cores.md.

python -m benchmarks.together   # some five minutes
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np

from skdm2c.datasets import make_mixed_modal_blobs

from . import runs
from .pages import table, write_between

PAGE = Path(__file__).parents[1] / "docs" / "cores.md"
N_ROWS, N_CLUSTERS, SEEDS = 4_000, 6, (0, 1, 2)


def fit_in_group(seed: int, n_jobs: int) -> None:
    """Be one of the processes that ``torchrun`` started; the first prints figures as JSON."""
    from sklearn.metrics import adjusted_rand_score
    from torch import distributed

    from skdm2c import MixedModalClustering

    warnings.simplefilter("ignore")
    distributed.init_process_group("gloo")
    rank, size = distributed.get_rank(), distributed.get_world_size()
    X, y = make_mixed_modal_blobs(
        N_ROWS, centers=N_CLUSTERS, n_features=(64, 48), random_state=seed
    )
    mine = np.arange(len(X)) % size == rank
    model = MixedModalClustering(
        N_CLUSTERS, random_state=seed, n_jobs=n_jobs, process_group="world"
    ).fit(X[mine])
    parts: list[object] = [None] * size
    distributed.all_gather_object(parts, (y[mine], model.labels_))
    truth, labels = (np.concatenate(part) for part in zip(*parts, strict=True))  # type: ignore[arg-type]
    ends: dict[str, float] = {}
    steps: dict[str, list[float]] = {}
    for record in model.history_:
        steps.setdefault(record["phase"], []).append(record["seconds"])
        ends[record["phase"]] = record["seconds"]
    if rank == 0:
        figures = {
            "ari": float(adjusted_rand_score(truth, labels)),
            "confidence": model.alignment_confidence_,
            "pretraining": ends["pretraining"],
            "game": steps["adversarial"][-1] - steps["adversarial"][0],
            "seconds": max(ends.values()),
        }
        print(json.dumps(figures))
    distributed.destroy_process_group()


def measure(size: int, seed: int, n_jobs: int) -> dict[str, float]:
    """Fit with so many processes, or one with so many threads."""
    code = f"from benchmarks.together import fit_in_group; fit_in_group({seed}, {n_jobs})"
    program = Path(os.environ.get("TMPDIR", "/tmp")) / f"together_{os.getpid()}.py"
    program.write_text(code)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "torch.distributed.run", "--standalone",
             f"--nproc-per-node={size}", str(program)],
            capture_output=True, text=True, check=True,
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(PAGE.parents[1])},
        )  # fmt: skip
    finally:
        program.unlink()
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def main() -> None:
    """Measure in turn, and write the table into the page."""
    ways = {"one process": (1, 1), "one process, `n_jobs=2`": (1, 2), "two processes": (2, 1)}
    found: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    for seed in SEEDS:
        for way, (size, n_jobs) in ways.items():
            found[way].append(measure(size, seed, n_jobs))
            print(seed, way, found[way][-1], flush=True)
    rows = []
    for way, fits in found.items():
        median = {name: float(np.median([fit[name] for fit in fits])) for name in fits[0]}
        worst = min(fit["ari"] for fit in fits)
        mean = float(np.mean([fit["ari"] for fit in fits]))
        rows.append(
            [
                way,
                f"{mean:.3f} [{worst:.3f}]",
                f"{np.mean([fit['confidence'] for fit in fits]):.2f}",
                f"{median['pretraining']:.1f}",
                f"{median['game']:.1f}",
                f"{median['seconds']:.1f}",
            ]
        )
    made = runs.circumstances(1, 1)
    told = (
        f"{N_ROWS:,} rows of 64 and 48 columns, {N_CLUSTERS} clusters, seeds 0 to {SEEDS[-1]}, in "
        f"turn; ARI: mean [worst], seconds: medians. Commit {made['commit']}, {made['date']}, "
        f"{made['machine']}.\n"
    )
    header = ["", "ARI", "confidence", "pretraining, s", "9 epochs of the game, s", "fit, s"]
    write_between(PAGE, f"{told}\n{table(header, rows)}")


if __name__ == "__main__":
    main()
