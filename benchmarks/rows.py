"""How well single rows are aligned and translated, on true counterparts that the fit never saw.

    python -m benchmarks.rows                       # the pairs that share geometry, seeds 0 to 2

Half of the instances are fitted in each view, as in the protocol; their other view is held back,
prepared as the fitted rows of that view are, and compared. One JSON line a run, appended as it
finishes; runs that stand in the file are skipped.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.metrics import adjusted_rand_score

from skdm2c import AlignmentWarning, MixedModalClustering
from skdm2c.metrics import foscttm, transfer_accuracy, translation_r2

from .lines import SHARED, Runs, column, mean
from .pages import table
from .pairs import PAIRS, load_counterparts
from .program import PairTask, main, pair_tasks
from .runs import RESULTS

METHOD = "default, rows"
OUT = RESULTS.with_name("rows.jsonl")


def run(task: PairTask) -> dict[str, Any]:
    """Fit the drawn halves; compare each row with its true counterpart."""
    pair, seed = task
    X, counterparts, y = load_counterparts(pair, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AlignmentWarning)
        model = MixedModalClustering(PAIRS[pair].n_clusters, random_state=seed).fit(X)
    figures = {
        "ari": adjusted_rand_score(y, model.labels_),
        "confidence": model.alignment_confidence_,
        "p_value": model.alignment_p_value_,
    }
    a, b = X.names
    closer, ranks = [], []
    for (source, target), direction in (((a, b), "a_b"), ((b, a), "b_a")):
        rows, true = X.blocks[source], counterparts[target]
        mine = model.transform(rows, modality=source), model.transform(true, modality=target)
        closer.append(foscttm(*mine))
        matches = model.match_rows(rows, source, target, candidates=true, n_matches=len(rows))
        ranks.append(np.mean((matches.rows == np.arange(len(rows))[:, None]).argmax(axis=1)))
        translated = model.translate(rows, source, target)
        figures[f"translation_r2_{direction}"] = translation_r2(true, translated)
        known, other = (X.modality == name for name in (source, target))
        figures[f"transfer_{direction}"] = transfer_accuracy(
            model.embedding_[known], y[known], model.embedding_[other], y[other]
        )
    figures |= {"foscttm": np.mean(closer), "mean_rank": np.mean(ranks)}
    seconds = model.history_[-1]["seconds"] if model.history_ else 0.0
    line = {"method": METHOD, "pair": pair, "seed": seed}
    line["seconds"] = round(seconds, 2)
    return line | {name: round(float(value), 4) for name, value in figures.items()}


def summary(lines: Runs) -> str:
    """Make a table of means over seeds, the worst seed in brackets."""
    rows = []
    for pair in PAIRS:
        distances = column(lines, "foscttm", pair=pair)
        if len(distances):
            explained, transfers = (
                " / ".join(
                    f"{mean(lines, f'{name}_{way}', pair=pair):.2f}" for way in ("a_b", "b_a")
                )
                for name in ("translation_r2", "transfer")
            )
            rows.append(
                [
                    pair,
                    f"{len(distances)}",
                    f"{mean(lines, 'ari', pair=pair):.3f}",
                    f"{distances.mean():.3f} [{distances.max():.3f}]",
                    f"{mean(lines, 'mean_rank', pair=pair):.0f}",
                    explained,
                    transfers,
                ]
            )
    header = ["pair", "seeds", "ARI", "FOSCTTM [worst]", "mean rank", "R² A→B / B→A"]
    return table([*header, "transfer A→B / B→A"], rows)


if __name__ == "__main__":
    main(
        "rows",
        __doc__,
        OUT,
        tasks=pair_tasks,
        run=run,
        report=lambda lines: print(summary(lines)),
        n_seeds=3,
        pairs=SHARED,
    )
