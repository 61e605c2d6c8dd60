"""Fits that are killed and resumed, and what keeping a fit costs: two tables in docs/saving.md.

python -m benchmarks.checkpoints   # some ten minutes
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from skdm2c import Checkpoint, MixedModalClustering, estimator
from skdm2c.datasets import make_mixed_modal_blobs
from skdm2c.runtime.files import read_arrays

from . import runs
from .pages import table, write_between

PAGE = Path(__file__).parents[1] / "docs" / "saving.md"
N_ROWS, N_KILLS, SEED = 4_000, 8, 0
SIZES = (4_000, 40_000)  # of fits whose cost is measured

CHILD = """
import sys, time, warnings
import numpy as np
from benchmarks.checkpoints import problem
from skdm2c import Checkpoint
warnings.simplefilter("ignore")
model, X = problem(int(sys.argv[1]), {"callbacks": [Checkpoint(sys.argv[2], every=1.0)]})
start = time.perf_counter()
print("begun", flush=True)
np.save(sys.argv[3], model.fit(X).embedding_)
print(time.perf_counter() - start, flush=True)
"""


def problem(n: int, kept: dict[str, Any]) -> tuple[MixedModalClustering, Any]:
    """Make data and a default estimator; alike in every process."""
    X, _ = make_mixed_modal_blobs(n, n_features=(256, 128), centers=8, random_state=SEED)
    return MixedModalClustering(8, random_state=SEED, **kept), X


def kill_and_resume() -> list[list[str]]:
    """Kill fits at moments spread over their length; resume each, compare with a whole one.

    Returns
    -------
    list of list of str
        Rows of the table.
    """
    with tempfile.TemporaryDirectory() as folder:
        whole, seconds = _finish(Path(folder) / "whole", Path(folder) / "whole.npy")
        print(f"whole: {seconds:.1f} s", flush=True)
        rng = np.random.RandomState(SEED)
        rows = []
        for i in range(N_KILLS):
            kept, out = Path(folder) / f"kept{i}", Path(folder) / f"{i}.npy"
            child = _start(kept, out)
            moment = seconds * (i + rng.rand()) / N_KILLS
            time.sleep(moment)
            child.send_signal(signal.SIGKILL)
            child.wait()
            where = _stands(kept)
            found, took = _finish(kept, out)
            equal = bool(np.array_equal(found, whole))
            rows.append([f"{moment:.1f}", where, f"{took:.1f}", "yes" if equal else "**no**"])
            print(rows[-1], flush=True)
    rows.append(["never", "", f"{seconds:.1f}", ""])
    return rows


def _start(kept: Path, out: Path) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", CHILD, str(N_ROWS), str(kept), str(out)]
    child = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    child.stdout.readline()
    return child


def _finish(kept: Path, out: Path) -> tuple[np.ndarray, float]:
    child = _start(kept, out)
    told, _ = child.communicate()
    if child.returncode:
        raise RuntimeError(f"A fit ended with {child.returncode}.")
    return np.load(out), float(told)


def _stands(kept: Path) -> str:
    # The phase and epoch of the newest file.
    files = sorted(kept.glob("??????.safetensors"))
    if not files:
        return "nothing on disk yet"
    _, text = read_arrays(files[-1], "checkpoint", lambda text: None)
    key, state = json.loads(text)["phases"]["items"][-1]
    phase, subject = json.loads(key)
    epoch = dict(state["items"])["epoch"]
    return " ".join([phase, *subject.values(), f"epoch {epoch}"])


def cost(n: int) -> list[str]:
    """Fit with the default interval, and add up what all goes into keeping it.

    Returns
    -------
    list of str
        A row of the table.
    """
    spent = 0.0

    def timed(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal spent
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                spent += time.perf_counter() - start

        return call

    class Timed(Checkpoint):
        """A checkpoint of which all that takes long is timed."""

        on_phase_begin = timed(Checkpoint.on_phase_begin)
        _look = timed(Checkpoint._look)
        write = timed(Checkpoint.write)

    before = estimator.fit_fingerprint
    estimator.fit_fingerprint = timed(before)
    try:
        with tempfile.TemporaryDirectory() as folder:
            model, X = problem(n, {"callbacks": [Timed(folder)]})
            start = time.perf_counter()
            model.fit(X)
            seconds = time.perf_counter() - start
            share = spent / seconds
            size = max(path.stat().st_size for path in Path(folder).iterdir())
            start = time.perf_counter()
            model.fit(X)
            again = time.perf_counter() - start
    finally:
        estimator.fit_fingerprint = before
    return [
        f"{n:,}",
        f"{seconds:.1f}",
        f"{100 * share:.2f} %",
        f"{size / 2**20:.1f}",
        f"{again:.1f}",
    ]


def main() -> None:
    """Measure, and write the tables into the page."""
    made = runs.circumstances(1, 1)
    versions = ", ".join(f"{name} {version}" for name, version in made["versions"].items())
    resumed = table(["killed after, s", "on disk", "resumed in, s", "equal"], kill_and_resume())
    costs = table(
        ["rows", "fit, s", "spent on keeping it", "file, MB", "fit of what is complete, s"],
        [cost(n) for n in SIZES],
    )
    told = f"Commit {made['commit']}, {made['date']}, {made['machine']}, one thread; {versions}.\n"
    write_between(PAGE, f"{told}\n{resumed}\n\n{costs}")


if __name__ == "__main__":
    main()
