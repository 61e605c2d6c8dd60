"""One run: a method, in a process of its own, on one draw of one pair; then its score.

The parent draws the problem and keeps the classes. The process that computes is sent
the two blocks, the number of clusters and a seed: labels cannot reach a method.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import platform
import resource
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from skdm2c.metrics import evaluate, gain, reference_bounds

from .methods import load
from .methods.interface import Clustering, Matrix
from .pairs import PAIRS, load_pair

RESULTS = Path(__file__).parent / "results" / "benchmark.jsonl"
PACKAGES = ("skdm2c", "torch", "scikit-learn", "numpy", "scipy", "POT", "clustpy")


class Task(NamedTuple):
    """What is run: names of a method and a pair, and the seed of the draw and the method."""

    method: str
    pair: str
    seed: int


class Problem(NamedTuple):
    """All that a method is given."""

    X_a: Matrix
    X_b: Matrix
    k: int
    seed: int


class Solution(NamedTuple):
    """A method's answer and what it cost."""

    clustering: Clustering
    seconds: float
    peak_mb: float


def draw(pair: str, seed: int) -> tuple[Problem, NDArray[np.int64]]:
    """Draw a pair's problem, and apart from it the classes of its rows, A's first."""
    X, y = load_pair(pair, seed)
    X_a, X_b = X.blocks.values()
    return Problem(np.asarray(X_a), np.asarray(X_b), PAIRS[pair].n_clusters, seed), y


def run(task: Task, threads: int, jobs: int) -> dict[str, Any]:
    """Solve in a new process, score here.

    Returns
    -------
    dict
        A line of the results. A method that fails, or what it needs being absent, gives
        a line with ``error`` in place of figures.
    """
    problem, y = draw(task.pair, task.seed)
    return run_drawn(task, problem, y, threads, jobs, bounds=reference(task.pair, task.seed))


def run_drawn(
    task: Any,
    problem: Problem,
    y: NDArray[np.int64],
    threads: int,
    jobs: int,
    *,
    scored: NDArray[np.bool_] | None = None,
    bounds: tuple[float, float] | None = None,
) -> dict[str, Any]:
    """Solve a problem apart, then score it.

    Parameters
    ----------
    task : tuple
        Its names are the line's; it has a ``method``.
    problem : Problem
    y : ndarray of shape (n,)
        A's rows first.
    threads, jobs : int
    scored : ndarray of bool of shape (n,), optional
        The rows that count; all, if not given.
    bounds : tuple of two float, optional
        Of k-means in each modality; with them there is a reference gain.

    Returns
    -------
    dict
        As of :func:`run`.
    """
    line = {**task._asdict(), **circumstances(threads, jobs)}
    try:
        solution = solve_apart(task.method, problem, threads)
    except MethodError as error:
        return line | {"error": str(error)}
    labels, embedding, says = solution.clustering
    side = np.repeat(["a", "b"], [len(problem.X_a), len(problem.X_b)])
    kept = np.ones(len(y), dtype=bool) if scored is None else scored
    figures = evaluate(
        y[kept],
        labels[kept],
        side[kept],
        None if embedding is None else embedding[kept],
        random_state=problem.seed,
    )
    if bounds is not None:
        figures["reference_gain"] = gain(figures["ari"], *bounds)
    return {
        **line,
        "seconds": round(solution.seconds, 2),
        "peak_mb": round(solution.peak_mb),
        **{name: _jsonable(value) for name, value in (figures | says).items()},
    }


class MethodError(Exception):
    """A method failed or cannot be had; the message is fit for the report."""


def solve_apart(method: str, problem: Problem, threads: int) -> Solution:
    """Solve in a fresh process, so that no run sees another's memory or settings.

    Raises
    ------
    MethodError
        If the method raised, or its process died.
    """
    context = multiprocessing.get_context("forkserver")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(
        target=_solve_and_send, args=(sender, method, problem, threads), daemon=True
    )
    process.start()
    sender.close()  # the child holds the other end: its death is seen as the end of file
    try:
        answer = receiver.recv()
    except EOFError:
        process.join()
        raise MethodError(f"its process died with exit code {process.exitcode}") from None
    process.join()
    if isinstance(answer, str):
        raise MethodError(answer)
    solution: Solution = answer
    return solution


def solve(method: str, problem: Problem, threads: int) -> Solution:
    """Run a method here and now; memory is what the process's peak grew by."""
    torch.set_num_threads(threads)
    fit_labels = load(method)
    with threadpool_limits(threads):
        before, start = peak_mb(), time.perf_counter()
        clustering = fit_labels(*problem)
        return Solution(clustering, time.perf_counter() - start, peak_mb() - before)


def _solve_and_send(sender: Connection, method: str, problem: Problem, threads: int) -> None:
    try:
        answer: Solution | str = solve(method, problem, threads)
    except ImportError as error:
        answer = f"not installed: {error}"
    except Exception as error:
        traceback.print_exc()
        answer = f"{type(error).__name__}: {error}"
    sender.send(answer)


def preload() -> None:
    """Import the heavy packages once, in the process that all others are forked from."""
    multiprocessing.get_context("forkserver").set_forkserver_preload([__name__])


def read(path: Path) -> list[dict[str, Any]]:
    """All runs of a file, the last of each task; an error that was mended is forgotten."""
    runs = read_lines(path)
    return list({(run["method"], run["pair"], run["seed"]): run for run in runs}.values())


def read_lines(path: Path) -> list[dict[str, Any]]:
    """All lines of a file; none, where there is none."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def write_lines(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    """Put lines in the place of those of a file."""
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def append(path: Path, line: dict[str, Any]) -> None:
    """Add one run to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")


def figures_line(task: Any, seconds: float, figures: dict[str, Any]) -> dict[str, Any]:
    """Make a line of a run's task, a named tuple, and of what was measured."""
    return {
        **task._asdict(),
        "seconds": round(seconds, 2),
        **{name: round(float(value), 4) for name, value in figures.items()},
    }


def execute(
    run: Callable[[Any], dict[str, Any]],
    tasks: Sequence[Any],
    out: Path,
    jobs: int,
) -> None:
    """Run tasks, ``jobs`` at a time, in processes that are used again; append lines at once."""
    made = circumstances(threads=1, jobs=jobs)
    with ProcessPoolExecutor(jobs, mp_context=get_context("forkserver")) as pool:
        futures = {pool.submit(run, task): task for task in tasks}
        for number, future in enumerate(as_completed(futures), start=1):
            line = future.result()
            append(out, line | made)
            task = " ".join(map(str, futures[future]))
            print(f"[{number}/{len(tasks)}] {task}: {line['seconds']:.1f} s", flush=True)


def circumstances(threads: int, jobs: int) -> dict[str, Any]:
    """Say how a run was made: commit, threads, runs at a time, versions, machine, date."""
    return {
        "commit": _commit(),
        "threads": threads,
        "jobs": jobs,
        "versions": _versions(),
        "machine": _machine(),
        "date": time.strftime("%Y-%m-%d"),
    }


@cache
def reference(pair: str, seed: int) -> tuple[float, float]:
    """Bounds of plain k-means in each modality of a draw without known pairs."""
    X, y = load_pair(pair, seed)
    return reference_bounds(X, y, PAIRS[pair].n_clusters, seed)


@cache
def _commit() -> str:
    # "+" says that the package was not quite that of the commit.
    git = ("git", "-C", str(Path(__file__).parent))
    try:
        head = subprocess.run(
            [*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
        ).stdout.strip()
        changed = subprocess.run([*git, "diff", "--quiet", "HEAD", "--", "../skdm2c"]).returncode
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head + "+" * bool(changed)


@cache
def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return versions


@cache
def _machine() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    models = (
        [
            line.split(":")[1].strip()
            for line in cpuinfo.read_text().splitlines()
            if line.startswith("model name")
        ]
        if cpuinfo.exists()
        else [platform.processor()]
    )
    return f"{len(models)} x {models[0]}"


def peak_mb() -> float:
    """Most memory that this process has held so far, in MiB."""
    unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _jsonable(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 4)
