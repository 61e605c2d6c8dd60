"""The benchmark's pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle, pairwise
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.isotonic import IsotonicRegression

from skdm2c.estimator import LOW_CONFIDENCE

from .disturbances import DISTURBANCES, NONE
from .lines import (
    ALIGNED,
    APART,
    COMPARED,
    OURS,
    SHARED,
    ZERO,
    Runs,
    best_first,
    column,
    complete,
    confidence_and_gain,
    mean,
    mean_of_pairs,
    present,
    with_gain,
)
from .methods import METHODS
from .pairs import PAIRS

# Okabe and Ito's colours, told apart by the colour-blind and in print.
COLORS = {"ours": "#0072B2", "peer": "#D55E00", "baseline": "#666666"}
SPAN, BAND = "#BBBBBB", "#F0E442"
N_BINS = 5  # of confidence


def draw_glance(runs: Runs, path: Path) -> None:
    """ARI of every method between its two bounds, means over pairs that share geometry and not."""
    panels = {"mean of pairs that share geometry": SHARED, "mean of the others": APART}
    _draw_panels(runs, complete(runs), panels, (9, 4.6), path)


def draw_bounds(runs: Runs, path: Path) -> None:
    """Draw the same of every pair, also of methods that ran on some alone."""
    panels = {
        f"{pair} ({'shares geometry' if pair in SHARED else 'shares none'})": (pair,)
        for pair in PAIRS
    }
    _draw_panels(runs, present(runs, COMPARED), panels, (9, 16), path)


def _draw_panels(
    runs: Runs,
    methods: Sequence[str],
    panels: Mapping[str, Sequence[str]],
    size: tuple[float, float],
    path: Path,
) -> None:
    methods = best_first(runs, methods)[::-1]
    figure, axes = _grid(len(panels), 2, size)
    for ax, (title, pairs) in zip(axes.flat, panels.items(), strict=False):
        _draw_spans(ax, runs, pairs, methods)
        ax.set_title(title, fontsize=11, fontweight="bold" if set(pairs) <= set(SHARED) else None)
    for ax in axes[:, 0]:
        for label, method in zip(ax.get_yticklabels(), methods, strict=True):
            label.set_color(COLORS[METHODS[method].kind])
    handles = [
        Line2D([], [], color=SPAN, lw=6, label="own clusters: matched at random → at best"),
        Line2D([], [], color="none", marker="o", mfc="k", mec="k", label="what it scored (mean)"),
        Line2D([], [], color=BAND, lw=8, alpha=0.5, label="the same for k-means alone"),
    ]
    if any(len(pairs) == 1 for pairs in panels.values()):
        handles.append(Line2D([], [], color="none", marker="|", mec="k", label="worst seed"))
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _grid(
    n_panels: int, n_columns: int, size: tuple[float, float]
) -> tuple[Figure, NDArray[np.object_]]:
    # panels row by row, with one vertical scale; places that are left over stay empty
    figure, axes = plt.subplots(
        -(-n_panels // n_columns),
        n_columns,
        figsize=size,
        sharey=True,
        layout="constrained",
        squeeze=False,
    )
    for ax in axes.flat[n_panels:]:
        ax.set_visible(False)
    return figure, axes


def _draw_spans(ax: Axes, runs: Runs, pairs: Sequence[str], methods: list[str]) -> None:
    bounds = ("random", "oracle")
    zero = [mean_of_pairs(runs, bound, ZERO, pairs) for bound in bounds]
    ax.axvspan(*zero, color=BAND, alpha=0.3, lw=0)
    for y, method in enumerate(methods):
        color = COLORS[METHODS[method].kind]
        ends = [mean_of_pairs(runs, bound, method, pairs) for bound in bounds]
        ari = mean_of_pairs(runs, "ari", method, pairs)
        ax.plot(ends, [y, y], color=SPAN, lw=6, solid_capstyle="butt", zorder=1)
        ax.plot(ari, y, "o", color=color, ms=7, zorder=3)
        if len(pairs) == 1 and np.isfinite(ari):
            worst = column(runs, "ari", method=method, pair=pairs[0]).min()
            ax.plot(worst, y, "|", color=color, ms=9, mew=1.5, zorder=2)
    ax.set_yticks(range(len(methods)), [METHODS[m].title for m in methods])
    ax.set_xlim(left=min(0, ax.get_xlim()[0]))
    ax.set_xlabel("ARI")
    ax.spines[["top", "right"]].set_visible(False)


def draw_time(runs: Runs, path: Path) -> None:
    """Seconds a run against reference gain, means over the pairs that share geometry."""
    figure, ax = plt.subplots(figsize=(9, 5), layout="constrained")
    ax.axhline(0, color=SPAN, lw=1)
    ax.axhline(1, color=SPAN, lw=1)
    for height, text in ((0, "k-means, matched at random"), (1, "… matched at best")):
        ax.annotate(
            text,
            (0.01, height),
            xycoords=("axes fraction", "data"),
            xytext=(0, 3),
            textcoords="offset points",
            fontsize=8,
        )
    means = {
        m: [mean_of_pairs(runs, figure, m, SHARED) for figure in ("seconds", "reference_gain")]
        for m in complete(runs)
    }
    methods = [m for m in sorted(means, key=lambda m: -means[m][1]) if np.isfinite(means[m][1])]
    gains = np.array([means[m][1] for m in methods])
    ax.set(xscale="log", ylim=(gains.min() - 0.3, gains.max() + 0.3))
    for method, height in zip(methods, apart(gains, 0.047 * np.ptp(ax.get_ylim())), strict=True):
        color = COLORS[METHODS[method].kind]
        ax.plot(*means[method], "o", color=color, ms=9)
        ax.annotate(
            METHODS[method].title,
            means[method],
            xytext=(1.05, height),
            textcoords=("axes fraction", "data"),
            va="center",
            color=color,
            arrowprops={"arrowstyle": "-", "color": SPAN, "shrinkB": 5, "relpos": (0, 0.5)},
        )
    ax.set_xlabel("seconds a run (one thread)")
    ax.set_ylabel("reference gain, mean of the pairs that share geometry")
    ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def apart(heights: NDArray[np.float64], least: float) -> NDArray[np.float64]:
    """Move descending heights as little as they must be to differ by so much."""
    steps = least * np.arange(len(heights))
    moved = IsotonicRegression(increasing=False).fit_transform(steps, heights + steps)
    return np.asarray(moved - steps)


def draw_confidence(runs: Runs, path: Path) -> None:
    """Confidence against gain, and how often a run of so high a confidence is aligned."""
    confidence, gains = confidence_and_gain(runs)
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
    left.axvline(LOW_CONFIDENCE, color=SPAN, lw=1)
    left.axhline(ALIGNED, color=SPAN, lw=1)
    shared = np.array([run["pair"] in SHARED for run in with_gain(runs)])
    for here, marker, color, label in (
        (shared, "o", COLORS["ours"], "pairs that share geometry"),
        (~shared, "^", COLORS["peer"], "pairs that do not"),
    ):
        left.plot(
            confidence[here], gains[here], marker, color=color, ms=5, alpha=0.7, mew=0, label=label
        )
    left.set_xlim(0, 1)
    left.set_xlabel("alignment_confidence_")
    left.set_ylabel("gain")
    left.legend(frameon=False, loc="lower right", fontsize=9)
    right.plot([0, 1], [0, 1], color=SPAN, lw=1)
    for low, high in pairwise(np.linspace(0, 1, N_BINS + 1)):
        here = (low <= confidence) & (confidence < high + (high == 1))
        if not here.any():
            continue
        aligned, n = int((gains[here] > ALIGNED).sum()), int(here.sum())
        interval = binomtest(aligned, n).proportion_ci(method="wilson")
        at = confidence[here].mean()
        right.plot([at, at], [interval.low, interval.high], color=COLORS["ours"], lw=1.5)
        right.plot(at, aligned / n, "o", color=COLORS["ours"], ms=8)
        right.annotate(
            f"{aligned} of {n}",
            (at, aligned / n),
            xytext=(7, -12),
            textcoords="offset points",
            fontsize=9,
        )
    right.set_xlim(0, 1.1)
    right.set_ylim(-0.05, 1.05)
    right.set_xlabel("alignment_confidence_, mean of a fifth of its range")
    right.set_ylabel(f"share of runs with gain above {ALIGNED:g}")
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def draw_n_clusters(lines: Runs, path: Path) -> None:
    """Score without labels and ARI with them by the number of clusters, a panel a pair."""
    pairs = list(dict.fromkeys(line["pair"] for line in lines))
    figure, axes = plt.subplots(1, len(pairs), figsize=(14, 3.2), layout="constrained")
    for ax, pair in zip(axes, pairs, strict=True):
        curve = sorted(
            (r for r in lines if r["pair"] == pair and r["kind"] == "n_clusters"),
            key=lambda r: r["n_clusters"],
        )
        numbers = [r["n_clusters"] for r in curve]
        ax.axvline(PAIRS[pair].n_clusters, color=SPAN, ls="--", lw=1)
        ax.plot(numbers, [r["ari"] for r in curve], "s--", color=COLORS["baseline"], ms=4)
        ax.plot(numbers, [r["score"] for r in curve], "o-", color=COLORS["ours"], ms=5)
        best = max(curve, key=lambda r: r["score"])
        ax.plot(best["n_clusters"], best["score"], "o", mfc="none", mec=COLORS["ours"], ms=12)
        ax.set_title(pair, fontsize=10)
        ax.set_xlabel("n_clusters")
        ax.set_ylim(0, 1)
        ax.spines[["top", "right"]].set_visible(False)
    handles = [
        Line2D([], [], color=COLORS["ours"], marker="o", label="label-free score; its best ringed"),
        Line2D([], [], color=COLORS["baseline"], marker="s", ls="--", label="ARI with the classes"),
        Line2D([], [], color=SPAN, ls="--", label="number of classes"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def draw_large(lines: Runs, path: Path) -> None:
    """Seconds, memory and ARI of fits as the rows grow."""
    lines = sorted(lines, key=lambda line: sum(line["n_rows"]))
    n = [sum(line["n_rows"]) for line in lines]
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    panels = (
        ("seconds", "seconds of a fit"),
        ("beyond_input_mb", "MB beyond the input"),
        ("ari", "ARI"),
    )
    for ax, (figure_of, title) in zip(axes, panels, strict=True):
        ax.plot(n, [line[figure_of] for line in lines], "o-", color=COLORS["ours"])
        ax.set_title(title, fontsize=10)
        ax.set_xlabel("rows of both modalities")
        ax.set_xscale("log")
        ax.set_ylim(bottom=0, top=1 if figure_of == "ari" else None)
        ax.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def draw_known_pairs(lines: Runs, path: Path) -> None:
    """Gain and confidence by the number of known pairs, a panel a pair of views."""
    pairs = [pair for pair in PAIRS if any(line["pair"] == pair for line in lines)]
    figure, axes = _grid(len(pairs), 5, (14, 5.6))
    for ax, pair in zip(axes.flat, pairs, strict=False):
        here = [line for line in lines if line["pair"] == pair]
        times = sorted({line["times"] for line in here})
        at = np.arange(len(times))
        by_times = [[line for line in here if line["times"] == t] for t in times]
        gains = [[line["gain"] for line in some] for some in by_times]
        ax.axhline(0, color=SPAN, lw=1)
        ax.axhline(1, color=SPAN, lw=1, ls="--")
        for x, some in zip(at, gains, strict=True):
            ax.plot([x] * len(some), some, "o", color=COLORS["ours"], ms=4, alpha=0.4, mew=0)
        ax.plot(at, [np.nanmean(some) for some in gains], "o-", color=COLORS["ours"])
        confidence = [np.mean([line["confidence"] for line in some]) for some in by_times]
        ax.plot(at, confidence, "s--", color=COLORS["baseline"], ms=4)
        ax.set_title(f"{pair}, k = {PAIRS[pair].n_clusters}", fontsize=10)
        ax.set_xticks(at, [f"{t}k" if t else "none" for t in times])
        ax.spines[["top", "right"]].set_visible(False)
    axes[0, 0].set_ylim(-0.6, 1.2)
    figure.supxlabel("known pairs", fontsize=10)
    handles = [
        Line2D([], [], color=COLORS["ours"], marker="o", label="gain: mean, and each seed"),
        Line2D([], [], color=COLORS["baseline"], marker="s", ls="--", label="confidence, mean"),
        Line2D([], [], color=SPAN, label="matching at random"),
        Line2D([], [], color=SPAN, ls="--", label="best matching of the same clusters"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=4, frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def draw_robustness(lines: Runs, path: Path) -> None:
    """Mean ARI by what a problem is disturbed with and how much, a panel a disturbance."""
    methods = [m for m in COMPARED if any(line["method"] == m for line in lines)]
    styles = dict(zip(methods[::-1], cycle(("o-", "s--", "^:", "D-.", "v--", "P:")), strict=False))
    ways = {
        name: way
        for name, way in DISTURBANCES.items()
        if any(line["disturbance"] == name for line in lines)
    }
    figure, axes = _grid(len(ways), 3, (12, 0.5 + 3 * -(-len(ways) // 3)))
    figure.get_layout_engine().set(hspace=0.06)
    for ax, (name, way) in zip(axes.flat, ways.items(), strict=False):
        here = [line | {"level": way.neutral} for line in lines if line["disturbance"] == NONE]
        here += [line for line in lines if line["disturbance"] == name]
        levels = sorted({line["level"] for line in here}, reverse=name in ("rows", "shares"))
        at = np.arange(len(levels))
        low, high = (
            [mean(here, bound, method=ZERO, level=level) for level in levels]
            for bound in ("random", "oracle")
        )
        ax.fill_between(at, low, high, color=BAND, alpha=0.3, lw=0)
        for method, style in styles.items():
            ari = [mean(here, "ari", method=method, level=level) for level in levels]
            kind = METHODS[method].kind
            ax.plot(at, ari, style, color=COLORS[kind], ms=5)
        sure = [mean(here, "confidence", method=OURS, level=level) for level in levels]
        ax.plot(at, sure, "x:", color=COLORS["ours"], ms=5, lw=1, alpha=0.7)
        ax.set_xticks(at, [_level(level, level == way.neutral) for level in levels])
        ax.set_title(way.title, fontsize=10)
        ax.set_ylim(0, 1)
        ax.spines[["top", "right"]].set_visible(False)
    axes[0, 0].set_ylabel("ARI")
    handles = [
        Line2D([], [], color=COLORS[METHODS[m].kind], marker=s[0], ls=s[1:], label=METHODS[m].title)
        for m, s in styles.items()
    ]
    handles += [
        Line2D([], [], color=COLORS["ours"], marker="x", ls=":", label="the default's confidence"),
        Line2D([], [], color=BAND, lw=8, alpha=0.5, label="k-means: at random → at best"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _level(level: float, neutral: bool) -> str:
    return "as it is" if neutral else f"{level:.3g}"
