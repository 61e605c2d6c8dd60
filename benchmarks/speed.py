"""What a fit costs, all of it as ratios: against the floor, against PUBLISHED, against the input.

    python -m benchmarks.speed                    # results/speed.jsonl and docs/speed.md
    python -m benchmarks.speed --only steps use   # these anew, the rest as it was

Steps are measured against their matrix products done by ``torch.mm``, an epoch and its
floor in turn; the use of a fitted model against the bare networks; two fits in a process
each against one after the other; the default against an earlier commit's and against PUBLISHED
in turn, each in a process of its own. Nothing else is to go on meanwhile: only the ratios within a
line compare.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score

from skdm2c import MixedModalClustering, MixedModalData, Networks
from skdm2c.clustering.neighbors import enough_components, row_graph
from skdm2c.datasets import make_mixed_modal_blobs
from skdm2c.networks import CrossModalSystem
from skdm2c.presets import PUBLISHED
from skdm2c.training import (
    Callback,
    Phase,
    Record,
    TrainingState,
    adversarial_phase,
    pretraining_phase,
    run_phases,
)

from . import runs
from .earlier import measure_earlier
from .floor import operations, products_of, seconds_of
from .pages import conditions, table
from .pairs import is_available

RESULTS = runs.RESULTS.with_name("speed.jsonl")
PAGE = Path(__file__).parents[1] / "docs" / "speed.md"
BASELINE = "9715ad4"  # before fits were made faster
EARLIER_CASES = ("facpix", "snare", "pbmc1k", "karpix", "reuters", "100000")
FIT_PAIRS = ("facpix", "snare", "pbmc1k", "karpix")
QUESTIONS = {
    "steps": "step",
    "use": "use",
    "workers": "workers",
    "jobs": "jobs",
    "earlier": "earlier",
    "fits": "fit",
}  # and its lines
MANY_ROWS, MANY_COLUMNS = 100_000, 256
STEPS_AN_EPOCH = 8
# Columns of the page's tables: formats by their heading.
STEPS = {
    "configuration": "{configuration}",
    "phase": "{phase}",
    "step, ms": "{step_ms:.2f}",
    "floor, ms": "{floor_ms:.2f}",
    "share": "{share:.2f} [{worst_share:.2f}]",
    "Gflop": "{gigaflop:.3g}",
    "Gflop/s of mm": "{gigaflop_per_s:.0f}",
}
USE = {
    "one row's predict, ms": "{predict_row_ms:.2f}",
    "transform, s": "{transform:.3f}",
    "predict, s": "{predict:.3f}",
    "bare networks, s": "{bare:.3f}",
    "share": "{share:.2f}",
}
WORKERS = {
    "pair": "{pair}",
    "one after the other, s": "{one_after_the_other:.1f}",
    "at once, s": "{at_once:.1f}",
    "times faster": "{times_faster:.2f}",
}


JOBS = {
    "pair": "{pair}",
    "n_jobs=1, s": "{one:.1f}",
    "n_jobs=2, s": "{two:.1f}",
    "times faster": "{times_faster:.2f} [{worst_times_faster:.2f}]",
}
EARLIER = {
    "rows": "{case}",
    "earlier, s": "{earlier:.1f}",
    "now, s": "{now:.1f}",
    "times faster": "{times_faster:.2f} [{worst_times_faster:.2f}]",
}


class Configuration(NamedTuple):
    """Parameters of the estimator, and the columns of both modalities."""

    parameters: dict[str, Any]
    n_features: int


CONFIGURATIONS = {
    "default": Configuration({}, 240),
    "PUBLISHED": Configuration(dict(PUBLISHED), 128),
    "2048 wide": Configuration(
        {
            "batch_size": 512,
            "networks": Networks((2048, 2048), (2048, 2048), (2048,)),
        },
        2048,
    ),
}
PHASES = ("pretraining", "adversarial")


def measure_steps(name: str, phase: str, threads: int, n_epochs: int) -> dict[str, Any]:
    """Time the steps of a phase, and after each epoch the floor under them.

    Returns
    -------
    dict
        Medians over the epochs, of which a first one is not counted: ``step_ms``,
        ``floor_ms``, and of their quotient within an epoch, ``share``; ``worst_share``.
    """
    torch.set_num_threads(threads)
    products = products_of(partial(_train, name, phase, Callback(), 1))
    step, floor, started = [], [], time.perf_counter()

    class Clock(Callback):
        def on_epoch_end(self, state: TrainingState, record: Record) -> bool:
            nonlocal started
            step.append((time.perf_counter() - started) / STEPS_AN_EPOCH)
            floor.append(seconds_of(products, threads) / STEPS_AN_EPOCH)
            started = time.perf_counter()
            return False

    _train(name, phase, Clock(), 1 + n_epochs)
    share = np.array(floor[1:]) / step[1:]
    work = operations(products) / STEPS_AN_EPOCH
    return {
        "step_ms": round(1e3 * float(np.median(step[1:])), 3),
        "floor_ms": round(1e3 * float(np.median(floor[1:])), 3),
        "share": round(float(np.median(share)), 3),
        "worst_share": round(float(share.min()), 3),
        "gigaflop": round(work / 1e9, 4),
        "gigaflop_per_s": round(work / 1e9 / float(np.median(floor[1:])), 1),
    }


def _train(name: str, phase: str, callback: Callback, n_epochs: int) -> None:
    parameters, width = CONFIGURATIONS[name]
    epochs = {"adversarial__epochs": n_epochs, "pretrain_epochs": n_epochs}
    plan = MixedModalClustering(**parameters).set_params(**epochs)._plan(("a", "b"))
    rng = torch.Generator().manual_seed(0)
    system = CrossModalSystem(plan.networks, [width, width], 0, rng)
    n = STEPS_AN_EPOCH * plan.batch_size
    if phase == "adversarial":
        blocks = [torch.randn(n // 2, width, generator=rng) for _ in range(2)]
        passes = replace(plan.passes(n_epochs), schedule="constant")
        training: Phase[Any] = adversarial_phase(system, blocks, plan.adversarial, passes, rng=rng)
    else:
        x = torch.randn(n, width, generator=rng)
        graph = partial(row_graph, x.numpy(), plan.n_neighbors, enough_components(2), 0)
        training = pretraining_phase(
            system.autoencoders[0],
            x,
            graph if plan.pretraining.lambda_neighbors else None,
            plan.pretraining,
            plan.passes(n_epochs),
            learning_rate=1e-4,
            rng=rng,
            name="a",
        )
    run_phases([training], callback)


def measure_fits(pair: str, seed: int, threads: int) -> dict[str, Any]:
    """Fit PUBLISHED and the default in turn; which is first changes with the seed.

    Returns
    -------
    dict
        ``times_faster``, ``input_mb``, and of each the seconds, the growth of the process's
        peak memory in MB, and ARI.
    """
    problem, y = runs.draw(pair, seed)
    order = ["published", "default"][:: 1 if seed % 2 == 0 else -1]
    line: dict[str, Any] = {"input_mb": round((problem.X_a.nbytes + problem.X_b.nbytes) / 2**20, 2)}
    for method in order:
        solution = runs.solve_apart(method, problem, threads)
        line[method] = {
            "seconds": round(solution.seconds, 2),
            "peak_mb": round(solution.peak_mb, 1),
            "ari": round(float(adjusted_rand_score(y, solution.clustering.labels)), 4),
        }
    line["times_faster"] = round(line["published"]["seconds"] / line["default"]["seconds"], 1)
    return line


def measure_use(threads: int) -> dict[str, Any]:
    """Time a fitted model on one row and on many, and the bare networks on the same.

    Returns
    -------
    dict
        Medians: ``predict_row_ms``; of 100,000 rows the seconds of ``transform``, ``predict``
        and the bare forward pass of all rows at once, ``bare``, in turn; ``share``, of bare
        over transform in a turn.
    """
    torch.set_num_threads(threads)
    X, _ = make_mixed_modal_blobs(400, n_features=(MANY_COLUMNS, 20), random_state=0)
    epochs = dict.fromkeys(("pretrain_epochs", "adversarial__epochs"), 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MixedModalClustering(3, random_state=0).set_params(**epochs).fit(X)
    row = X.blocks["a"][:1]
    many = np.random.RandomState(0).randn(MANY_ROWS, MANY_COLUMNS).astype(np.float32)
    encode = model.autoencoders_["a"].encoder
    ways = [encode] + [net for (source, _), net in model.generators_.items() if source == "a"]
    ways = ways[: 1 if model.unified_modality_ == "a" else 2]

    def bare() -> torch.Tensor:
        with torch.no_grad():
            return torch.nn.Sequential(*ways)(torch.from_numpy(many))

    transform, predict, forward = _seconds_in_turn(
        [
            partial(model.transform, many, modality="a"),
            partial(model.predict, many, modality="a"),
            bare,
        ],
        times=9,
    )
    (one,) = _seconds_in_turn([partial(model.predict, row, modality="a")], times=300)
    return {
        "predict_row_ms": round(1e3 * float(np.median(one)), 2),
        "transform": round(float(np.median(transform)), 3),
        "predict": round(float(np.median(predict)), 3),
        "bare": round(float(np.median(forward)), 3),
        "share": round(float(np.median(forward / transform)), 2),
    }


def measure_workers(pair: str, threads: int) -> dict[str, Any]:
    """Time two fits one after the other, and in two workers at once.

    Returns
    -------
    dict
        ``seconds`` of both, ``times_faster``: 2 would be two processors well used.
    """
    torch.set_num_threads(threads)
    problem, y = runs.draw(pair, 0)
    model = MixedModalClustering(len(np.unique(y)), random_state=0)
    data = MixedModalData(problem.X_a, problem.X_b)
    seconds = {}
    for n in (1, 2):
        Parallel(n)(delayed(make_mixed_modal_blobs)() for _ in range(2))  # workers have imported
        start = time.perf_counter()
        Parallel(n)(delayed(clone(model).fit)(data) for _ in range(2))
        seconds[n] = time.perf_counter() - start
    return {
        "one_after_the_other": round(seconds[1], 2),
        "at_once": round(seconds[2], 2),
        "times_faster": round(seconds[1] / seconds[2], 2),
    }


def measure_jobs(pair: str, threads: int) -> dict[str, Any]:
    """Time a fit whose modalities learn one after the other, and at once, in turn.

    Returns
    -------
    dict
        Medians: seconds ``one`` and ``two``, ``times_faster`` within a turn;
        ``worst_times_faster``.
    """
    torch.set_num_threads(threads)
    problem, y = runs.draw(pair, 0)
    data = MixedModalData(problem.X_a, problem.X_b)
    models = [MixedModalClustering(len(np.unique(y)), random_state=0, n_jobs=n) for n in (1, 2)]
    one, two = _seconds_in_turn([partial(model.fit, data) for model in models], times=3)
    assert (models[0].labels_ == models[1].labels_).all()
    return {
        "one": round(float(np.median(one)), 2),
        "two": round(float(np.median(two)), 2),
        "times_faster": round(float(np.median(one / two)), 2),
        "worst_times_faster": round(float((one / two).min()), 2),
    }


def _seconds_in_turn(functions: Sequence[Callable[[], object]], times: int) -> NDArray[np.float64]:
    # One after the other, so often, as the machine is not equally fast at all times.
    seconds = np.empty((len(functions), times))
    for function in functions:
        function()
    for i in range(times):
        for j, function in enumerate(functions):
            start = time.perf_counter()
            function()
            seconds[j, i] = time.perf_counter() - start
    return seconds


def measure(
    questions: Sequence[str], pairs: list[str], seeds: int, n_epochs: int, threads: int
) -> Iterator[dict[str, Any]]:
    """Yield a line for every configuration and phase, for use and workers, for pair and seed."""
    if "steps" in questions:
        for name in CONFIGURATIONS:
            for phase in PHASES:
                yield _line(
                    {"what": "step", "configuration": name, "phase": phase, "seed": 0},
                    partial(measure_steps, name, phase, threads, n_epochs),
                    threads,
                )
    if "use" in questions:
        yield _line({"what": "use", "seed": 0}, partial(measure_use, threads), threads)
    if "workers" in questions:
        for pair in pairs[:1]:
            task = {"what": "workers", "pair": pair, "seed": 0}
            yield _line(task, partial(measure_workers, pair, threads), threads)
    if "jobs" in questions:
        for pair in pairs:
            task = {"what": "jobs", "pair": pair, "seed": 0}
            yield _line(task, partial(measure_jobs, pair, threads), threads)
    if "earlier" in questions:
        for case in EARLIER_CASES:
            if case.isdigit() or is_available(case):
                task = {"what": "earlier", "case": case, "seed": 0}
                n_turns = 1 if case.isdigit() else 5  # a fit of many rows takes minutes
                fits = partial(measure_earlier, BASELINE, case, n_turns, threads)
                yield _line(task, fits, threads)
    for seed in range(seeds if "fits" in questions else 0):
        for pair in pairs:
            yield _line(
                {"what": "fit", "pair": pair, "seed": seed},
                partial(measure_fits, pair, seed, threads),
                threads,
            )


def _line(
    task: dict[str, Any], measured: Callable[[], dict[str, Any]], threads: int
) -> dict[str, Any]:
    start = time.perf_counter()
    figures = measured()
    seconds = round(time.perf_counter() - start, 2)
    return {**task, **runs.circumstances(threads, 1), "seconds": seconds, **figures}


def page(lines: list[dict[str, Any]]) -> str:
    """Write the page, in markdown."""
    return f"""# Speed

Made by `make benchmark-speed`; do not edit. {conditions(lines)} Only the ratios within a line
compare: the machine is not equally fast at all times.

## A training step against its floor

The floor is what the step's matrix products alone take with a plain `torch.mm`, one
product of each shape measured in turn with the epochs. Share: floor over step, median
over epochs [worst epoch]; 1 would mean that nothing but products takes time.
*2048 wide*: 2,048 columns, all hidden layers 2,048 wide, batches of 512.

{lines_table(lines, "step", STEPS)}

## A fitted model on new rows

Against the bare networks' forward pass of all rows at once, which neither checks nor scales
them: 100,000 rows of 256 columns, and one row.

{lines_table(lines, "use", USE)}

## Two fits at once

One after the other, and in two workers of joblib's, on two cores. A fit computes on one
thread, so workers never ask for more cores than there are of them.

{lines_table(lines, "workers", WORKERS)}

## One fit on two cores

With `n_jobs=2` the two modalities learn by themselves at once; the labels are the same (asserted).
In turn, three times: median [worst].

{lines_table(lines, "jobs", JOBS)}

## A fit of the default against an earlier one

Processor seconds of a fit of the default at commit {BASELINE}, and now, in turn on the same rows:
a pair of [the benchmark](benchmark.md), or so many made rows with 256 and 128 columns. Times
faster: median over the turns [worst turn].

{lines_table(lines, "earlier", EARLIER)}

## A fit of the default against one of PUBLISHED

In turn, each in a process of its own, on the draws of [the benchmark](benchmark.md).
Times faster: median over seeds [worst]. Memory: by how much the process's peak grew, in
multiples of the input's bytes, and of PUBLISHED's growth.{_age(lines)}

{fits_table(lines)}

What a fit costs as data grow: [large data](large.md).
"""


def lines_table(lines: list[dict[str, Any]], what: str, columns: dict[str, str]) -> str:
    """Tabulate the lines of one kind, one a row; columns are formats by heading."""
    rows = [
        [form.format(**line) for form in columns.values()] for line in lines if line["what"] == what
    ]
    return table(list(columns), rows)


def _age(lines: list[dict[str, Any]]) -> str:
    # Lines name their commit since the default matches clusters.
    if all("commit" in line for line in lines if line["what"] == "fit"):
        return ""
    return (
        "\n\n**These figures are of the default before it matched clusters.** What a fit of "
        "today's takes stands in [the benchmark](benchmark.md)."
    )


def fits_table(lines: list[dict[str, Any]]) -> str:
    """Tabulate default and PUBLISHED, a pair a row."""
    rows = []
    for pair in FIT_PAIRS:
        fits = [line for line in lines if line["what"] == "fit" and line["pair"] == pair]
        if not fits:
            continue
        faster = [fit["times_faster"] for fit in fits]
        memory = _median(fits, "default", "peak_mb")
        rows.append(
            [
                pair,
                str(len(fits)),
                f"{np.median(faster):.1f} [{min(faster):.1f}]",
                f"{_median(fits, 'default', 'seconds'):.1f}",
                f"{_median(fits, 'published', 'seconds'):.1f}",
                f"{_median(fits, 'default', 'ari'):.2f}",
                f"{_median(fits, 'published', 'ari'):.2f}",
                f"{memory / fits[0]['input_mb']:.0f}",
                f"{memory / _median(fits, 'published', 'peak_mb'):.1f}",
            ]
        )
    return table(
        [
            "pair", "seeds", "times faster", "s, default", "s, PUBLISHED", "ARI, default",
            "ARI, PUBLISHED", "memory / input", "memory / PUBLISHED's",
        ],
        rows,
    )  # fmt: skip


def _median(fits: list[dict[str, Any]], method: str, figure: str) -> float:
    return float(np.median([fit[method][figure] for fit in fits]))


def main() -> None:
    """Measure, keep the lines, write the page."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="*", choices=QUESTIONS, default=list(QUESTIONS))
    parser.add_argument("--seeds", type=int, default=1, help="draws of each pair to fit")
    parser.add_argument("--epochs", type=int, default=8, help="epochs of 8 steps to time")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args()
    pairs = [pair for pair in FIT_PAIRS if is_available(pair)]
    runs.preload()
    lines = []
    for line in measure(options.only, pairs, options.seeds, options.epochs, options.threads):
        lines.append(line)
        print({k: v for k, v in line.items() if k not in ("versions", "machine", "date")})
    asked = {QUESTIONS[question] for question in options.only}
    before = runs.read_lines(options.out)
    lines += [line for line in before if line["what"] not in asked]
    runs.write_lines(options.out, lines)
    options.page.write_text(page(lines))


if __name__ == "__main__":
    main()
