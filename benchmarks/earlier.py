"""What a fit costs now and what it cost at an earlier commit, in turn on one machine.

Both versions fit the same rows, each in a process of its own that has fitted before. They take
turns, so that a machine which is not equally fast at all times is as slow for either.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from .pairs import data_folder

ROOT = Path(__file__).parents[1]
WORKER = """
import sys, time, warnings
from skdm2c import MixedModalClustering
from benchmarks import large, runs

case = sys.argv[1]
warnings.simplefilter("ignore")
if case.isdigit():
    size = large.Case(large.split(int(case)))
    k, blocks = size.n_clusters, list(large.make(size)[0].blocks.values())
else:
    problem, _ = runs.draw(case, 0)
    k, blocks = problem.k, [problem.X_a, problem.X_b]
MixedModalClustering(k, random_state=1).fit(*[block[:200] for block in blocks])
for _ in sys.stdin:
    start = time.process_time()
    MixedModalClustering(k, random_state=0).fit(*blocks)
    print(time.process_time() - start, flush=True)
"""


def measure_earlier(commit: str, case: str, n_turns: int, threads: int) -> dict[str, Any]:
    """Fit the default in turn at a commit of this project and as it stands.

    Parameters
    ----------
    commit : str
        Revision that git knows, whose benchmarks draw the same rows.
    case : str
        Name of a pair, or a number of made rows, those of :mod:`benchmarks.large`.
    n_turns : int
        Number of fits of each version.
    threads : int
        CPU threads.

    Returns
    -------
    dict
        Medians of the processor seconds, ``earlier`` and ``now``, and of their ratio within a
        turn, ``times_faster``; ``worst_times_faster``.
    """
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        _check_out(commit, Path(folder))
        workers = [
            stack.enter_context(_worker(root, case, threads)) for root in (Path(folder), ROOT)
        ]
        seconds = np.array([[_seconds(*worker) for worker in workers] for _ in range(n_turns)])
    ratios = seconds[:, 0] / seconds[:, 1]
    return {
        "commit": commit,
        "earlier": round(float(np.median(seconds[:, 0])), 2),
        "now": round(float(np.median(seconds[:, 1])), 2),
        "times_faster": round(float(np.median(ratios)), 2),
        "worst_times_faster": round(float(ratios.min()), 2),
    }


def _check_out(commit: str, folder: Path) -> None:
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")


@contextmanager
def _worker(root: Path, case: str, threads: int) -> Iterator[tuple[IO[str], IO[str]]]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(root),
        "OMP_NUM_THREADS": str(threads),
        "SKDM2C_DATA": str(data_folder().resolve()),
    }
    with subprocess.Popen(
        [sys.executable, "-c", WORKER, case],
        cwd=root,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdin, process.stdout


def _seconds(requests: IO[str], answers: IO[str]) -> float:
    requests.write("\n")
    requests.flush()
    return float(answers.readline())
