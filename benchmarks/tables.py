"""The tables of the benchmark's page."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from .lines import (
    APART,
    BOUNDS,
    COMPARED,
    OURS,
    SHARED,
    Runs,
    best_first,
    column,
    complete,
    figures,
    mean,
    mean_of_pairs,
    paired,
    present,
)
from .methods import METHODS
from .pages import spread, table
from .pairs import PAIRS

MAIN = ("ari", "gain", "reference_gain")
ALL = {
    "acc": "ACC", "ari": "ARI", "nmi": "NMI", "f_score": "F", "purity": "purity",
    "ari_a": "ARI A", "ari_b": "ARI B", "nmi_a": "NMI A", "nmi_b": "NMI B",
    "random": "random", "oracle": "oracle", "gain": "gain", "reference_gain": "ref. gain",
    "transfer_a_b": "A→B", "transfer_b_a": "B→A", "seconds": "s", "peak_mb": "MB",
}  # fmt: skip


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
                *(_cell(mean_of_pairs(runs, figure, name, SHARED)) for figure in MAIN),
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
            "method", "seeds", "shared: ARI", "gain", "ref. gain", "worst run",
            "others: ARI", "ref. gain", "default wins", "s", "MB",
        ],
        rows,
    )  # fmt: skip


def by_pair(runs: Runs, figure: str, pairs: Iterable[str], digits: int = 3) -> str:
    """Spread of one figure, a method a row, a pair a column."""
    pairs = list(pairs)
    return table(
        ["method", *pairs],
        [
            [_title(m), *(spread(column(runs, figure, method=m, pair=p), digits) for p in pairs)]
            for m in present(runs, COMPARED)
        ],
    )


def bounds(runs: Runs) -> str:
    """Tabulate the two bounds of clustering each modality alone, a pair a column."""
    return table(
        ["", *PAIRS],
        [
            [METHODS[m].title, *(span(runs, method=m, pair=p) for p in PAIRS)]
            for m in present(runs, BOUNDS)
        ],
    )


def span(runs: Runs, **where: str) -> str:
    """From the mean of the lower bound to that of the upper one."""
    low, high = (mean(runs, bound, **where) for bound in ("random", "oracle"))
    return f"{low:.2f} – {high:.2f}" if np.isfinite(low) else "–"


def wins(runs: Runs) -> str:
    """Count paired wins, row over column."""
    names = present(runs, COMPARED)
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


def everything(runs: Runs) -> str:
    """Means of every figure, a method and pair a row."""
    return table(
        ["pair", "method", "seeds", *ALL.values()],
        [
            [
                pair,
                METHODS[method].title,
                str(len(column(runs, "ari", pair=pair, method=method))),
                *(
                    f"{values.mean():.{0 if figure in ('seconds', 'peak_mb') else 2}f}"
                    if len(values := column(runs, figure, pair=pair, method=method))
                    else "–"
                    for figure in ALL
                ),
            ]
            for pair in PAIRS
            for method in METHODS
            if len(column(runs, "ari", pair=pair, method=method))
        ],
    )


def _over(runs: Runs, method: str, figure: str, pairs: Iterable[str]) -> NDArray[np.float64]:
    return np.concatenate([column(runs, figure, method=method, pair=p) for p in pairs])


def _cell(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "–"


def _title(name: str) -> str:
    return f"**{METHODS[name].title}**" if METHODS[name].kind == "ours" else METHODS[name].title
