"""All methods on the protocol's pairs: one JSON line a run, appended as it finishes.

    python -m benchmarks.protocol            # nine pairs, seeds 0 to 9, every method
    python -m benchmarks.protocol --quick    # three pairs, two seeds, what costs little
    python -m benchmarks.report              # the page and the pictures, from the lines

Runs that stand in the file already are skipped, so an interrupted benchmark goes on
where it stopped. Without the data folder only the pairs of handwritten digits, which
come with the package, are run.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from . import runs
from .methods import METHODS
from .pairs import PAIRS, data_folder, is_available

QUICK_PAIRS = ("snare", "facpix", "tcga", "karpix", "foupix")  # the first three there are
QUICK_METHODS = ("kmeans_each", "spectral_each", "concatenated", "default")


def plan(
    methods: list[str], pairs: list[str], n_seeds: int, done: set[runs.Task]
) -> list[runs.Task]:
    """List what is to be run: all methods of a draw in turn, all pairs before the next seed."""
    tasks = (
        runs.Task(method, pair, seed)
        for seed in range(n_seeds)
        for pair in pairs
        for method in methods
        if seed < METHODS[method].max_seeds
    )
    return [task for task in tasks if task not in done]


def available(pairs: list[str]) -> list[str]:
    """Those that can be loaded; says which are left out, and what to do about it."""
    missing = [pair for pair in pairs if not is_available(pair)]
    if missing:
        print(
            f"Left out, as {data_folder()} does not hold their files: {', '.join(missing)}. "
            "Name the folder with --data."
        )
    return [pair for pair in pairs if pair not in missing]


@threadpool_limits.wrap(limits=1)
def execute(
    run: Callable[[Any, int, int], dict[str, Any]],
    tasks: Sequence[Any],
    out: Path,
    threads: int,
    jobs: int,
) -> None:
    """Run tasks, ``jobs`` at a time, each in a process of its own; killed, it ends like Ctrl-C.

    Parameters
    ----------
    run : callable
        Of a task, the threads it may use and the runs at a time; returns its line.
    tasks : sequence of tuple
        Each has a ``method``.
    out : Path
        Lines are appended as runs finish.
    threads, jobs : int
    """
    runs.preload()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    started, seconds = time.perf_counter(), defaultdict[str, list[float]](list)
    pool = ThreadPoolExecutor(jobs)
    futures = {pool.submit(_timed, run, task, threads, jobs): task for task in tasks}
    left = list(tasks)
    try:
        for future in as_completed(futures):
            task, (line, took) = futures[future], future.result()
            runs.append(out, line)
            left.remove(task)
            seconds[task.method].append(took)
            elapsed = time.perf_counter() - started
            print(
                f"[{len(tasks) - len(left)}/{len(tasks)}, {_clock(elapsed)}, "
                f"{_clock(time_left(left, seconds) / jobs)} left] "
                f"{' '.join(map(str, task))}: {_describe(line)}",
                flush=True,
            )
    except KeyboardInterrupt:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.terminate()
        print(f"\nStopped. What is finished stands in {out}; the same command goes on from there.")
        raise SystemExit(130) from None
    pool.shutdown()


def time_left(left: Sequence[Any], seconds: dict[str, list[float]]) -> float:
    """Sum of what each method took so far, on average, over the runs that are left."""
    usual = np.mean([np.mean(s) for s in seconds.values()])
    return float(sum(np.mean(seconds.get(task.method, [usual])) for task in left))


def _timed(
    run: Callable[[Any, int, int], dict[str, Any]], task: Any, threads: int, jobs: int
) -> tuple[dict[str, Any], float]:
    start = time.perf_counter()
    return run(task, threads, jobs), time.perf_counter() - start


def _describe(line: dict[str, Any]) -> str:
    if "error" in line:
        return f"FAILED, {line['error']}"
    gain = "undefined" if line["gain"] is None else f"{line['gain']:.2f}"
    return (
        f"ARI {line['ari']:.3f} between {line['random']:.2f} and {line['oracle']:.2f}, "
        f"gain {gain}, {line['seconds']:.0f} s"
    )


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 3600}:{int(seconds) % 3600 // 60:02d}:{int(seconds) % 60:02d}"


def _names(text: str, known: Mapping[str, Any], what: str) -> list[str]:
    names = list(known) if text == "all" else text.split(",")
    unknown = [name for name in names if name not in known]
    if unknown:
        raise SystemExit(f"{what} {', '.join(unknown)} not known; there are: {', '.join(known)}")
    return names


def arguments(
    program: str,
    description: str | None,
    out: Path,
    methods: str = "all",
    pairs: str = "all",
    seeds: int = 10,
) -> argparse.ArgumentParser:
    """Make a parser of the options that programs which run methods on pairs have in common."""
    parser = argparse.ArgumentParser(
        prog=f"python -m benchmarks.{program}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, help="folder of the sets; default ../shared/data")
    parser.add_argument("--methods", default=methods, help="comma-separated, or 'all'")
    parser.add_argument("--pairs", default=pairs, help="comma-separated, or 'all'")
    parser.add_argument("--seeds", type=int, default=seeds, help="seeds 0 to N-1")
    parser.add_argument("--out", type=Path, default=out, help="file of JSON lines")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads a run")
    return parser


def chosen(options: argparse.Namespace) -> tuple[list[str], list[str]]:
    """Read the methods and pairs that options name; pairs are those that can be loaded."""
    if options.data:
        os.environ["SKDM2C_DATA"] = str(options.data)
    methods = _names(options.methods, METHODS, "method")
    return methods, available(_names(options.pairs, PAIRS, "pair"))


def main() -> None:
    """Run what is missing, then print the tables."""
    parser = arguments("protocol", __doc__, runs.RESULTS)
    parser.add_argument("--quick", action="store_true", help="a taste, in a few minutes")
    options = parser.parse_args()
    methods, pairs = chosen(options)
    seeds = options.seeds
    if options.quick:
        methods = [m for m in methods if m in QUICK_METHODS]
        pairs, seeds = [p for p in QUICK_PAIRS if p in pairs][:3], min(2, seeds)
    finished = {
        runs.Task(r["method"], r["pair"], r["seed"])
        for r in runs.read(options.out)
        if "error" not in r
    }
    tasks = plan(methods, pairs, seeds, finished)
    execute(runs.run, tasks, options.out, options.threads, options.jobs)


if __name__ == "__main__":
    main()
