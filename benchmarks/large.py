"""What a fit costs as data grow: rows, columns, clusters, modalities; seconds, memory, ARI.

    python -m benchmarks.large                          # an hour
    python -m benchmarks.large --only rows --million    # another question, with a larger answer
    python -m benchmarks.large --report                 # the page from the lines that are there

Made data, whose clusters and alignment are known: instances lie in a hidden space of 16
dimensions, a modality shows its rows turned into its own columns, with noise, the second
bent. Every fit has a process of its own; memory is what its peak grew by beyond the input.
Lines are kept as they come, in the place of those of the same case.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score
from sklearn.utils import gen_batches
from threadpoolctl import threadpool_limits

from skdm2c import MixedModalClustering, MixedModalData

from . import runs
from .pages import conditions, table
from .pictures import draw_large

RESULTS = runs.RESULTS.with_name("large.jsonl")
PAGE = Path(__file__).parents[1] / "docs" / "large.md"
HIDDEN = 16
PART = 50_000  # rows made at a time, so that making them takes no memory to speak of


class Case(NamedTuple):
    """The size of made data, how far apart clusters lie, and the rows that an epoch draws."""

    n_rows: tuple[int, ...] = (12_000, 8_000)
    n_features: tuple[int, ...] = (256, 128)
    n_clusters: int = 10
    spread: float = 1.2
    max_epoch_rows: int = 10_000
    seed: int = 0


def split(n: int) -> tuple[int, int]:
    """Rows of two modalities, three fifths of them of the first."""
    return n * 3 // 5, n * 2 // 5


def questions(seed: int, most: int) -> dict[str, list[Case]]:
    """List what is asked, and the cases that answer it."""
    sizes = (10_000, 20_000, 50_000, 100_000, 300_000, 1_000_000)
    # Cluster after cluster ever closer, where a longer training might tell.
    close = Case(split(40_000), (32, 32), n_clusters=30, seed=seed)
    far = Case(n_features=(64, 64), spread=2.4, seed=seed)
    return {
        "rows": [Case(split(n), seed=seed) for n in sizes if n <= most],
        "epoch": [close._replace(max_epoch_rows=r) for r in (2_500, 5_000, 10_000, 20_000)],
        "columns": [Case(n_features=(d, d // 2), seed=seed) for d in (64, 1024, 4096)],
        "clusters": [
            far._replace(n_rows=split(n), n_clusters=k) for n in (5_000, 50_000) for k in (50, 100)
        ],
        "modalities": [
            Case((20_000 // m,) * m, (256, 128, 128, 128)[:m], seed=seed) for m in (2, 3, 4)
        ],
    }


def make(case: Case) -> tuple[MixedModalData, NDArray[np.intp]]:
    """Draw the data of a case, in single precision, and the cluster of each row.

    Parameters
    ----------
    case : Case

    Returns
    -------
    X : MixedModalData
    y : ndarray of shape (n,)
    """
    rng = np.random.default_rng(case.seed)
    centers = case.spread * rng.standard_normal((case.n_clusters, HIDDEN))
    shares = np.linspace(1.0, 3.0, case.n_clusters)
    blocks, labels = [], []
    for m, (n, d) in enumerate(zip(case.n_rows, case.n_features, strict=True)):
        turn = np.linalg.qr(rng.standard_normal((d, HIDDEN)))[0].T
        block = np.empty((n, d), dtype=np.float32)
        y = rng.choice(case.n_clusters, size=n, p=shares / shares.sum())
        for part in gen_batches(n, PART):
            hidden = centers[y[part]] + rng.standard_normal((len(y[part]), HIDDEN))
            if m == 1:
                hidden = np.sign(hidden) * np.abs(hidden) ** 0.8
            block[part] = hidden @ turn + 0.2 * rng.standard_normal((len(hidden), d))
        blocks.append(block)
        labels.append(y)
    return MixedModalData(*blocks), np.concatenate(labels)


def measure(case: Case, threads: int) -> dict[str, Any]:
    """Fit the default to a case, here and now.

    Returns
    -------
    dict
        ``seconds`` of the fit, ``predict_seconds`` for all rows, ``beyond_input_mb``, ``ari``,
        that of the worst modality by itself, ``confidence``, and when each phase ended.
    """
    torch.set_num_threads(threads)
    X, y = make(case)
    with threadpool_limits(threads), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before, start = runs.peak_mb(), time.perf_counter()
        model = MixedModalClustering(
            case.n_clusters, max_epoch_rows=case.max_epoch_rows, random_state=case.seed
        ).fit(X)
        seconds, beyond = time.perf_counter() - start, runs.peak_mb() - before
        start = time.perf_counter()
        model.predict(X)
        predict_seconds = time.perf_counter() - start
    within = [
        adjusted_rand_score(y[X.codes == m], model.labels_[X.codes == m])
        for m in range(len(X.names))
    ]
    return {
        "seconds": round(seconds, 2),
        "predict_seconds": round(predict_seconds, 2),
        "beyond_input_mb": round(beyond),
        "ari": round(float(adjusted_rand_score(y, model.labels_)), 4),
        "within_ari": round(float(min(within)), 4),
        "confidence": round(model.alignment_confidence_, 3),
        "ends": _ends(model.history_),
    }


def _ends(history: list[dict[str, Any]]) -> dict[str, float]:
    # When each phase was over, and when its first epoch was: seconds since the start.
    ends: dict[str, float] = {}
    for record in history:
        name = " ".join([record["phase"], record.get("modality", "")]).strip()
        ends.setdefault(f"{name}, first epoch", round(record["seconds"], 2))
        ends[name] = round(record["seconds"], 2)
    return ends


def measure_apart(case: Case, threads: int) -> dict[str, Any]:
    """Fit in a process of its own; return a line of the results."""
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        figures = pool.submit(measure, case, threads).result()
    return {**case._asdict(), **figures, **runs.circumstances(threads, 1)}


def keep(line: dict[str, Any]) -> None:
    """Write a line in the place of the one of the same case, or as the last."""
    lines = runs.read_lines(RESULTS)
    others = [other for other in lines if case_of(other) != case_of(line)]
    runs.write_lines(RESULTS, [*others, line])


def case_of(line: dict[str, Any]) -> Case:
    """Tell the case that a line is of."""
    given = {name: line[name] for name in Case._fields}
    sizes = {name: tuple(given[name]) for name in ("n_rows", "n_features")}
    return Case(**{**given, **sizes})


def answers(lines: list[dict[str, Any]], question: str) -> list[dict[str, Any]]:
    """Lines that answer a question, in its order, whatever their seed."""
    cases = questions(0, most=10**9)[question]
    return [
        line for case in cases for line in lines if case_of(line)._replace(seed=case.seed) == case
    ]


def page(lines: list[dict[str, Any]]) -> str:
    """Write the page, in markdown."""
    tables = {name: cases_table(answers(lines, name)) for name in questions(0, 0)}
    return f"""# Large data

Made by `python -m benchmarks.large`; do not edit. {conditions(lines)} A fit with a number for
a seed computes on one thread.

Past 10,000 rows of a modality a fit takes no more steps. Every epoch draws `max_epoch_rows`
rows anew; clusters, their matching and the final mixture are of a sample of 10,000 rows; a
row's neighbours are looked for among as many. All rows get labels, and an embedding. What
still grows with the rows: to read and scale them, their neighbours, and their embedding.

![Seconds, memory and ARI as rows grow](large.png)

Data here are made, with clusters and an alignment that are known: an ARI says that nothing
was lost by looking at a sample, not that your data have such clusters. Seconds are of a machine
that had other work at the same time: alone, a fit takes no longer. *Beyond input* is
what the peak of the process's memory grew by after the data were made, the rows in single
precision once more included. *Own ARI* is that of the worst modality by itself.

## Rows

256 and 128 columns, 10 clusters, three fifths of the rows of the first modality.

{tables["rows"]}

## Rows that an epoch draws

40,000 rows, 32 columns each, 30 clusters that touch: `max_epoch_rows` is what to lower for a
quick look.

{tables["epoch"]}

## Columns

{tables["columns"]}

## Clusters

64 columns each, clusters farther apart. With 36 clusters or more, each is a prototype of
the matching, and distances are those between the clusters' means.

{tables["clusters"]}

## Modalities

{tables["modalities"]}

## Blocks larger than memory, and sparse ones

A block of more than 2^28 numbers, in whatever form, is never held: what a step or a pass
needs is read, checked and scaled when it is asked for. `numpy.load(..., mmap_mode="r")` gives
such a block; so does a sparse matrix, of which a batch at a time is made dense. (A slow test,
`make test-slow`, fits a memory-mapped block of 270 million numbers with less memory than they
take in single precision.) Half, integer and boolean types are converted a batch at a time.

Over tens of thousands of columns the networks' first layers are most of a fit. Reduce such
blocks first, which scikit-learn does without making them dense:

```python
model = make_pipeline(PerModality(rna=TruncatedSVD(50)), MixedModalClustering(n_clusters=8))
```

Sparse columns are standardised as others are, mean and all: the mean is taken off in the
batch that was made dense.

## What a fit of yours will take

`verbose=1` shows a bar with the time left, and `history_` holds the seconds since the start at
every epoch of every phase. Epochs of a phase take the same time one after the other, so its
first epochs tell the rest: fit once with small numbers of epochs and scale each phase up by its
own. What passes between the phases does not depend on the epochs: each modality's neighbours
before its pretraining, the matching before the alignment phase, and the pass over all rows
before decoders are fitted and after the last epoch.
"""


def cases_table(lines: list[dict[str, Any]]) -> str:
    """Tabulate cases, one a row."""
    if not lines:
        return "Not measured yet."
    header = ["rows", "columns", "clusters", "rows an epoch", "seed", "s", "predict, s"]
    header += ["MB beyond input", "ARI", "own ARI", "confidence", "commit"]
    return table(
        header,
        [
            [
                _plus(line["n_rows"]),
                _plus(line["n_features"]),
                str(line["n_clusters"]),
                f"{line['max_epoch_rows']:,}",
                str(line["seed"]),
                f"{line['seconds']:.0f}",
                _or_dash(line.get("predict_seconds"), ".1f"),
                _or_dash(line.get("beyond_input_mb"), ","),
                f"{line['ari']:.3f}",
                f"{line['within_ari']:.3f}",
                f"{line['confidence']:.2f}",
                line["commit"],
            ]
            for line in lines
        ],
    )


def _or_dash(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _plus(numbers: list[int]) -> str:
    return " + ".join(f"{n:,}" for n in numbers)


def main() -> None:
    """Measure, keep the lines, write the page and its picture."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.large",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--most", type=int, default=100_000, help="rows of the largest data")
    parser.add_argument("--million", action="store_const", dest="most", const=1_000_000)
    parser.add_argument("--only", nargs="+", choices=questions(0, 0))
    parser.add_argument("--report", action="store_true", help="write the page from what is kept")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    options = parser.parse_args()
    asked = questions(options.seed, options.most)
    runs.preload()
    wanted = [] if options.report else options.only or list(asked)
    for case in [case for question in wanted for case in asked[question]]:
        line = measure_apart(case, options.threads)
        keep(line)
        print({k: v for k, v in line.items() if k not in ("versions", "machine", "date", "ends")})
    lines = runs.read_lines(RESULTS)
    PAGE.write_text(page(lines))
    draw_large(answers(lines, "rows"), PAGE.with_suffix(".png"))


if __name__ == "__main__":
    main()
