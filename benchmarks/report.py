"""The benchmark's page and pictures, made from its JSON lines alone.

python -m benchmarks.report   # docs/benchmark.md, its pictures, docs/speed.md, README's tables
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from skdm2c.estimator import LOW_CONFIDENCE

from .methods import METHODS
from .pages import write_between
from .pairs import PAIRS
from .runs import RESULTS, read, read_lines

DOCS = Path(__file__).parents[1] / "docs"
README = DOCS.parent / "README.md"
OURS = "default"
ZERO = "kmeans_each"  # whose bounds others are compared with
ALIGNED = 0.5  # gain above which clusters are matched rather than not
SHARED = ("snare", "pbmc1k", "facpix", "karpix", "reuters")
APART = tuple(pair for pair in PAIRS if pair not in SHARED)
COMPARED = [name for name, method in METHODS.items() if method.kind != "bound"]
BOUNDS = [name for name, method in METHODS.items() if method.kind == "bound"]

Runs = list[dict[str, Any]]


def main() -> None:
    """Write the page and its pictures."""
    from . import pictures, scores, speed

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--docs", type=Path, default=DOCS, help="folder to write to")
    options = parser.parse_args()
    runs = read(options.results)
    if not runs:
        raise SystemExit(
            f"{options.results} holds no runs; make some with python -m benchmarks.protocol"
        )
    options.docs.mkdir(parents=True, exist_ok=True)
    pictures.draw_glance(runs, options.docs / "benchmark_glance.png")
    pictures.draw_bounds(runs, options.docs / "benchmark_bounds.png")
    pictures.draw_time(runs, options.docs / "benchmark_time.png")
    pictures.draw_confidence(runs, options.docs / "benchmark_confidence.png")
    (options.docs / "benchmark.md").write_text(page(runs))
    if options.docs == DOCS:
        write_between(README, quote(runs))
        speed.PAGE.write_text(speed.page(read_lines(speed.RESULTS)))
        fits = read(scores.RESULTS)
        write_between(scores.PAGE, scores.report(fits))
        pictures.draw_n_clusters(fits, DOCS / "n_clusters.png")
    print(f"{options.docs / 'benchmark.md'}: {len(runs)} runs")


def page(runs: Runs) -> str:
    """Put the whole page together, in markdown."""
    return f"""# Benchmark

Made by `make benchmark-report` from `benchmarks/results/benchmark.jsonl`; do not edit.
What the figures mean: [How to read these numbers](reading_the_numbers.md).

{len(figures(runs))} runs. {circumstances(runs)}

## At a glance

![Mean ARI of each method, between its two bounds](benchmark_glance.png)

*Each bar runs from what the method's own clusters would score with those of one modality
matched to the other's at random (left end) to what they would score matched by the true
classes (right end). The dot is what the method scored: left end, it only clusters; right
end, it aligns. A short bar far left has no clusters to align. The vertical band is the
same span for plain k-means in each modality.*

{overview(runs)}

Shared: means over the pairs that share geometry ({", ".join(SHARED)}). Others: {", ".join(APART)},
where nothing unsupervised can align but by luck. Reference gain: 0 is k-means in each
modality matched at random, 1 is the same matched by the true classes. Wins: on how many
of the draws that both ran the default has the higher ARI. The worst run is one of as many
as there are.
{_notes(runs)}

![Seconds a run against reference gain on the pairs that share geometry](benchmark_time.png)

## ARI

![ARI of each method on each pair, between its two bounds](benchmark_bounds.png)

Mean ± standard deviation over seeds [worst seed].

{by_pair(runs, "ari", SHARED)}

{by_pair(runs, "ari", APART)}

## Gain

Within the method's own bounds.

{by_pair(runs, "gain", SHARED, 2)}

{by_pair(runs, "gain", APART, 2)}

## Reference gain

Within the bounds of k-means in each modality.

{by_pair(runs, "reference_gain", SHARED, 2)}

{by_pair(runs, "reference_gain", APART, 2)}

## Bounds

Clustering each modality alone: ARI matched at random – matched by the true classes. Not
methods: the left figure is the zero of every comparison, the right one a ceiling.

{bounds(runs)}

## Who beats whom

On how many of the draws that both ran the row's ARI is higher than the column's, and on how many
lower; in brackets the two-sided p of a sign test, where it is below .05. Draws of one pair are of
the same rows, so that it is rather smaller than it should be; and of so many tests one in twenty
comes out below .05 by chance.

{wins(runs)}

## SMILE and CPMN against DM2C

Their papers report both above DM2C on every set. Here, mean ARI, and in brackets on how
many draws it is above that of DM2C:

{direction(runs)}

Among their sets are two kinds of digit pictures, alike before anything is learned. Something of
the sort here: one modality is pictures of handwritten digits, the other pictures of other digits,
blurred and moved by a pixel (`python -m benchmarks.one_kind`):

{one_kind()}

What follows from it: [How to read these numbers](\
reading_the_numbers.md#what-we-could-not-reproduce).

## Sanity

{sanity(runs)}

## Confidence

`alignment_confidence_`: {confidence_report(runs)}

![Confidence against gain, and how many runs of so high a confidence were aligned](\
benchmark_confidence.png)

*Left: each run of the default. It warns left of the upright line; what lies above the level one is
aligned. Right: of the runs of about that confidence, the share that is aligned, with its 95 %
interval, as if the draws of a pair were independent: they are of the same rows, so that it should
be wider. On the diagonal confidence would be the probability of it; above, it is too modest.*

## What the default is bad at

{weaknesses(runs)}

## New rows

ARI of rows that the fit never saw, beside that of the rows it did: two thirds of each
modality are fitted, one third is predicted (`python -m benchmarks.new_rows`).

{new_rows()}

## Three modalities

{three_views()} (`python -m benchmarks.three_views`)

## Every figure

{everything(runs)}

{failures(runs)}
"""


def quote(runs: Runs) -> str:
    """Choose what README says."""
    return f"""{overview(runs)}

{_notes(runs)}

{by_pair(runs, "ari", SHARED)}

`alignment_confidence_`: {confidence_report(runs)}"""


def circumstances(runs: Runs) -> str:
    """Say where, when and with what runs were made."""
    versions = {(k, v) for r in runs for k, v in r["versions"].items()}
    packages = ", ".join(f"{name} {number}" for name, number in sorted(versions))
    dates = sorted({r["date"] for r in runs})
    span = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    return (
        f"{span}, on {_several(r['machine'] for r in runs)}, no GPU; "
        f"threads a run: {_several(r['threads'] for r in runs)}; "
        f"runs at a time: {_several(r['jobs'] for r in runs)}. {packages}."
    )


def made_by(lines: Runs) -> str:
    """Say by which commits, when and on what machine lines were made."""
    made = sorted({f"{x['commit']} ({x['date']}, {x['machine']})" for x in lines})
    return f"Commits: {'; '.join(made)}. One thread a run."


def figures(runs: Runs) -> Runs:
    """Leave out the runs that failed."""
    return [r for r in runs if "error" not in r]


def column(runs: Runs, name: str, **where: str | float) -> NDArray[np.float64]:
    """One figure of all runs with, say, ``method="default"``; undefined ones are left out."""
    values = [
        r.get(name) for r in figures(runs) if all(r[key] == value for key, value in where.items())
    ]
    return np.array([v for v in values if v is not None], dtype=np.float64)


def mean(runs: Runs, name: str, **where: str | float) -> float:
    """Mean of what :func:`column` finds; not a number, if that is nothing."""
    values = column(runs, name, **where)
    return float(values.mean()) if len(values) else np.nan


def mean_of_pairs(runs: Runs, name: str, method: str, pairs: Iterable[str]) -> float:
    """Mean of the means over seeds: no pair counts more for having more of them.

    Of those pairs that any method ran; not a number, if this one has no figure of one of them.
    """
    ran = {r["pair"] for r in figures(runs)}
    means = [mean(runs, name, method=method, pair=pair) for pair in pairs if pair in ran]
    return float(np.mean(means)) if means else np.nan


def spread(values: NDArray[np.float64], digits: int = 3) -> str:
    """Mean ± standard deviation [worst]; of one run its figure."""
    if not len(values):
        return "–"
    if len(values) == 1:
        return f"{values[0]:.{digits}f} (one run)"
    return f"{values.mean():.{digits}f} ± {values.std():.{digits}f} [{values.min():.{digits}f}]"


def table(header: list[str], rows: list[list[str]]) -> str:
    """Lay out cells in markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def overview(runs: Runs) -> str:
    """One line a method, the best first: how well where geometry is shared, elsewhere, cost."""
    rows = []
    for name in best_first(runs, complete(runs)):
        seeds = {r["seed"] for r in figures(runs) if r["method"] == name}
        mine, theirs = paired(runs, OURS, name)
        rows.append(
            [
                _title(name),
                str(len(seeds)),
                *(_cell(mean_of_pairs(runs, figure, name, SHARED)) for figure in _MAIN),
                _cell(_over(runs, name, "reference_gain", SHARED).min(initial=np.inf)),
                *(
                    _cell(mean_of_pairs(runs, figure, name, APART))
                    for figure in ("ari", "reference_gain")
                ),
                "" if name == OURS else f"{(mine > theirs).sum()} of {len(mine)}",
                f"{column(runs, 'seconds', method=name).mean():.1f}",
                f"{column(runs, 'peak_mb', method=name).mean():.0f}",
            ]
        )
    return table(
        [
            "method", "seeds", "shared: ARI", "gain", "reference gain", "worst run",
            "others: ARI", "reference gain", "default wins", "s", "MB",
        ],
        rows,
    )  # fmt: skip


def best_first(runs: Runs, methods: Iterable[str]) -> list[str]:
    """Sort methods by mean ARI over the pairs that share geometry; last those that lack some."""
    ari = {m: mean_of_pairs(runs, "ari", m, SHARED) for m in methods}
    return sorted(ari, key=lambda m: -np.nan_to_num(ari[m]))


def complete(runs: Runs) -> list[str]:
    """List the methods that ran on every pair: only their means over pairs compare."""
    pairs = {r["pair"] for r in figures(runs)}
    return [
        name
        for name in COMPARED
        if {r["pair"] for r in figures(runs) if r["method"] == name} == pairs
    ]


def by_pair(runs: Runs, figure: str, pairs: Iterable[str], digits: int = 3) -> str:
    """Spread of one figure, a method a row, a pair a column."""
    pairs = list(pairs)
    return table(
        ["method", *pairs],
        [
            [_title(m), *(spread(column(runs, figure, method=m, pair=p), digits) for p in pairs)]
            for m in _present(runs, COMPARED)
        ],
    )


def bounds(runs: Runs) -> str:
    """Tabulate the two bounds of clustering each modality alone, a pair a column."""
    return table(
        ["", *PAIRS],
        [
            [
                METHODS[m].title,
                *(
                    f"{column(runs, 'random', method=m, pair=p).mean():.2f} – "
                    f"{column(runs, 'oracle', method=m, pair=p).mean():.2f}"
                    if len(column(runs, "random", method=m, pair=p))
                    else "–"
                    for p in PAIRS
                ),
            ]
            for m in _present(runs, BOUNDS)
        ],
    )


def paired(runs: Runs, a: str, b: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """ARI of two methods on the draws that both ran, in one order."""
    ari = {
        m: {(r["pair"], r["seed"]): r["ari"] for r in figures(runs) if r["method"] == m}
        for m in (a, b)
    }
    common = sorted(ari[a].keys() & ari[b].keys())
    return np.array([ari[a][c] for c in common]), np.array([ari[b][c] for c in common])


def wins(runs: Runs) -> str:
    """Count paired wins, row over column."""
    names = _present(runs, COMPARED)
    rows = []
    for a in names:
        cells = []
        for b in names:
            mine, theirs = paired(runs, a, b)
            cells.append("" if a == b else wins_and_losses(mine, theirs))
        rows.append([_title(a), *cells])
    return table(["", *(METHODS[n].title for n in names)], rows)


def wins_and_losses(mine: NDArray[np.float64], theirs: NDArray[np.float64]) -> str:
    """Count both, with the p of a sign test where it is below .05."""
    won, lost = int((mine > theirs).sum()), int((mine < theirs).sum())
    p = binomtest(won, won + lost).pvalue if won + lost else 1.0
    said = "p < .001" if p < 0.001 else f"p = {p:.3f}".replace("0.", ".")
    return f"{won}–{lost}" + (f" ({said})" if p < 0.05 else "")


def direction(runs: Runs) -> str:
    """Tabulate the peers that were published as better than DM2C beside DM2C, a pair a row."""

    def cell(peer: str, where: Runs) -> str:
        theirs, dm2c = paired(where, peer, "published")
        if not len(theirs):
            return "–"
        return f"{theirs.mean():.3f} ({(theirs > dm2c).sum()} of {len(theirs)})"

    rows = []
    for name, pairs in (*((p, (p,)) for p in PAIRS), ("**all**", tuple(PAIRS))):
        where = [r for r in runs if r["pair"] in pairs]
        dm2c = column(where, "ari", method="published")
        if len(dm2c):
            rows.append([name, f"{dm2c.mean():.3f}", cell("smile", where), cell("cpmn", where)])
    return table(["pair", *(METHODS[m].title for m in ("published", "smile", "cpmn"))], rows)


def sanity(runs: Runs) -> str:
    """Check the figures against what must hold of any runs, in markdown."""
    finished = figures(runs)
    over = np.array([r["ari"] - r["oracle"] for r in finished])
    most = finished[int(over.argmax())]
    lottery = column(runs, "gain", method=ZERO)
    points = [
        f"No method beats its oracle but by noise: of {len(over)} runs {(over > 0.02).sum()} have "
        f"an ARI more than 0.02 above it. The most, {over.max():.2f}, has "
        f"{METHODS[most['method']].title} on {most['pair']}. (The Hungarian matching is best for "
        "accuracy; where clusters are poor, as on tcga, another one can be better for ARI.)",
        "Classes shuffled before scoring leave no ARI, no oracle and transfer at chance; the "
        "true pairing in a method's hands raises its gain from about 0 to above 0.8: both are "
        "tests.",
    ]
    if len(lottery):
        error = lottery.std() / np.sqrt(len(lottery))
        points.append(
            "Matching at random gains nothing: one drawn matching of k-means' clusters has a mean "
            f"gain of {lottery.mean():.2f} ± {error:.2f} (standard error, {len(lottery)} runs)."
        )
    return "\n".join(f"- {point}" for point in points)


def confidence_report(runs: Runs) -> str:
    """Say in a sentence how far the default's confidence is to be believed."""
    confidence, gains = confidence_and_gain(runs)
    aligned = gains > ALIGNED
    sure = confidence >= LOW_CONFIDENCE
    auroc = f"{roc_auc_score(aligned, confidence):.2f}" if len({*aligned}) == 2 else "undefined"
    return (
        f"Over {len(gains)} runs of the default its AUROC for gain above 0.5 is "
        f"{auroc}. Of the {sure.sum()} runs without the warning "
        f"{(sure & aligned).sum()} were aligned; of the {aligned.sum()} aligned runs "
        f"{(aligned & ~sure).sum()} were warned about without need."
    )


def weaknesses(runs: Runs) -> str:
    """Say where the default fails, where others beat it and what it costs, in markdown."""
    points = []
    means = {p: column(runs, "gain", method=OURS, pair=p) for p in PAIRS}
    low = [f"{p} {v.mean():.2f}" for p, v in means.items() if len(v) and v.mean() <= ALIGNED]
    if low:
        points.append(f"It does not align on average (gain): {', '.join(low)}.")
    rows = with_gain(runs)
    wrong = [r for r in rows if r["confidence"] >= LOW_CONFIDENCE and r["gain"] <= ALIGNED]
    said = ", ".join(
        f"{r['pair']} seed {r['seed']} (confidence {r['confidence']:.2f}, gain {r['gain']:.2f})"
        for r in sorted(wrong, key=lambda r: r["gain"])
    )
    points.append(
        f"Not aligned and not warned of: {len(wrong)} of {len(rows)} runs. {said}".strip()
    )
    beaten = []
    for pair in PAIRS:
        here = [r for r in runs if r["pair"] == pair]
        for other in COMPARED:
            ours, theirs = paired(here, OURS, other)
            if other != OURS and len(ours) and theirs.mean() > ours.mean():
                beaten.append(
                    f"{pair} by {METHODS[other].title} ({theirs.mean():.3f} against "
                    f"{ours.mean():.3f}, {len(ours)} {'draw' if len(ours) == 1 else 'draws'})"
                )
    if beaten:
        points.append(f"Beaten in mean ARI on the same draws: on {'; on '.join(beaten)}.")
    free = column(runs, "seconds", method="concatenated")
    if len(free):
        cost = column(runs, "seconds", method=OURS)
        points.append(
            f"It takes {cost.mean():.0f} s where concatenated PCA + k-means takes "
            f"{free.mean():.1f} s."
        )
    return "\n".join(f"- {point}" for point in points)


def with_gain(runs: Runs) -> Runs:
    """Choose the runs of the default whose gain is defined."""
    return [r for r in figures(runs) if r["method"] == OURS and r["gain"] is not None]


def confidence_and_gain(runs: Runs) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both, of every run of the default whose gain is defined."""
    rows = with_gain(runs)
    return np.array([r["confidence"] for r in rows]), np.array([r["gain"] for r in rows])


def one_kind() -> str:
    """Table of two modalities that are of one kind."""
    from . import one_kind as program

    return program.report(read_lines(program.OUT))


def new_rows() -> str:
    """Table of rows that the fit did not see."""
    from . import new_rows as program

    return program.report(read(program.OUT))


def three_views() -> str:
    """Sentence on three modalities at once."""
    from . import three_views as program

    return program.report(read(program.OUT))


def everything(runs: Runs) -> str:
    """Means of every figure, a method and pair a row."""
    return table(
        ["pair", "method", "seeds", *_ALL.values()],
        [
            [
                pair,
                METHODS[method].title,
                str(len(column(runs, "ari", pair=pair, method=method))),
                *(
                    f"{values.mean():.{0 if figure in ('seconds', 'peak_mb') else 2}f}"
                    if len(values := column(runs, figure, pair=pair, method=method))
                    else "–"
                    for figure in _ALL
                ),
            ]
            for pair in PAIRS
            for method in METHODS
            if len(column(runs, "ari", pair=pair, method=method))
        ],
    )


def failures(runs: Runs) -> str:
    """Name the methods that failed or are not installed here, with the reason."""
    failed = [r for r in runs if "error" in r]
    if not failed:
        return "No run failed."
    reasons = sorted({(METHODS[r["method"]].title, r["error"]) for r in failed})
    return f"{len(failed)} runs failed:\n\n" + "\n".join(f"- {m}: {e}" for m, e in reasons)


_SEEDS = (
    "The column *seeds* says how many have run so far: of ten, or of three where a run can take\n"
    "over 30 s."
)
_MAIN = ("ari", "gain", "reference_gain")
_ALL = {
    "acc": "ACC", "ari": "ARI", "nmi": "NMI", "f_score": "F", "purity": "purity",
    "ari_a": "ARI A", "ari_b": "ARI B", "nmi_a": "NMI A", "nmi_b": "NMI B",
    "random": "random", "oracle": "oracle", "gain": "gain", "reference_gain": "ref. gain",
    "transfer_a_b": "A→B", "transfer_b_a": "B→A", "seconds": "s", "peak_mb": "MB",
}  # fmt: skip


def _over(runs: Runs, method: str, figure: str, pairs: Iterable[str]) -> NDArray[np.float64]:
    return np.concatenate([column(runs, figure, method=method, pair=p) for p in pairs])


def _cell(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "–"


def _present(runs: Runs, names: list[str]) -> list[str]:
    return [name for name in names if any(r["method"] == name for r in figures(runs))]


def _title(name: str) -> str:
    return f"**{METHODS[name].title}**" if METHODS[name].kind == "ours" else METHODS[name].title


def _notes(runs: Runs) -> str:
    # what a reader must know of the methods that did not run everywhere
    present = _present(runs, COMPARED)
    groups = {
        "Not on every pair yet, so without means": [m for m in present if m not in complete(runs)],
        "Not run yet": [m for m in COMPARED if m not in present],
    }
    lists = [
        f"{what}: {', '.join(METHODS[m].title for m in names)}."
        for what, names in groups.items()
        if names
    ]
    return "\n".join([_SEEDS, *lists])


def _several(values: Iterable[Any]) -> str:
    return " or ".join(str(v) for v in sorted(set(values)))


if __name__ == "__main__":
    main()
