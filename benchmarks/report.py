"""The benchmark's page and pictures, made from its JSON lines alone.

python -m benchmarks.report   # docs/benchmark.md, its pictures, docs/speed.md, README's tables
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from skdm2c.estimator import LOW_CONFIDENCE

from . import new_rows, one_kind, pictures, rows, scores, speed, three_views
from .lines import (
    ALIGNED,
    APART,
    COMPARED,
    OURS,
    SHARED,
    ZERO,
    Runs,
    column,
    complete,
    confidence_and_gain,
    figures,
    paired,
    present,
    with_gain,
)
from .methods import METHODS
from .pages import conditions, write_between
from .pairs import PAIRS
from .runs import RESULTS, read, read_lines
from .tables import bounds, by_pair, direction, everything, overview, wins

DOCS = Path(__file__).parents[1] / "docs"
README = DOCS.parent / "README.md"
_SEEDS = (
    "The column *seeds* says how many have run so far: of ten, or of three where a run can take\n"
    "over 30 s."
)


def main() -> None:
    """Write the page and its pictures."""
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

{len(figures(runs))} runs. {conditions(runs)}

## At a glance

![Mean ARI of each method, between its two bounds](benchmark_glance.png)

*Each bar runs from what the method's own clusters would score with those of one modality
matched to the other's at random (left end) to what they would score matched by the true
classes (right end). The dot is what the method scored: left end, it only clusters; right
end, it aligns. A short bar far left has no clusters to align. The vertical band is the
same span for plain k-means in each modality.*

{overview(runs)}

Shared: means over the pairs that share geometry ({", ".join(SHARED)}). Others: {", ".join(APART)},
where nothing unsupervised can align but by luck. Reference (ref.) gain: 0 is k-means in each
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

{one_kind.summary(read_lines(one_kind.OUT))}

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

{new_rows.summary(read(new_rows.OUT))}

## Rows

How well single rows are aligned: the other view of every row, which the fit never saw, is
compared with it (`python -m benchmarks.rows`). FOSCTTM is the share of rows nearer than the true
counterpart, mean rank that of the true counterpart among the candidates of `match_rows` (0 is the
first), R² the share of variance that `translate` explains.

{rows.summary(read(rows.OUT))}

## Three modalities

{three_views.summary(read(three_views.OUT))} (`python -m benchmarks.three_views`)

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


def failures(runs: Runs) -> str:
    """Name the methods that failed or are not installed here, with the reason."""
    failed = [r for r in runs if "error" in r]
    if not failed:
        return "No run failed."
    reasons = sorted({(METHODS[r["method"]].title, r["error"]) for r in failed})
    return f"{len(failed)} runs failed:\n\n" + "\n".join(f"- {m}: {e}" for m, e in reasons)


def _notes(runs: Runs) -> str:
    # what a reader must know of the methods that did not run everywhere
    ran = present(runs, COMPARED)
    groups = {
        "Not on every pair yet, so without means": [m for m in ran if m not in complete(runs)],
        "Not run yet": [m for m in COMPARED if m not in ran],
    }
    lists = [
        f"{what}: {', '.join(METHODS[m].title for m in names)}."
        for what, names in groups.items()
        if names
    ]
    return "\n".join([_SEEDS, *lists])


if __name__ == "__main__":
    main()
