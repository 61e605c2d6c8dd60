"""Cluster two unpaired sets of real handwriting features, score the result, draw it.

make demo, or: python examples/demo.py --help
"""

import argparse
import time
from pathlib import Path

import matplotlib as mpl
import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.metrics.cluster import contingency_matrix
from sklearn.preprocessing import StandardScaler

from skdm2c import MixedModalClustering, PerModality
from skdm2c.datasets import drop_pairing, load_handwritten
from skdm2c.metrics import evaluate, reference_bounds

mpl.use("Agg")
import matplotlib.pyplot as plt

VIEW_NAMES = {
    "fou": "Fourier coefficients",
    "fac": "profile correlations",
    "kar": "Karhunen-Loève coefficients",
    "pix": "pixel averages",
    "zer": "Zernike moments",
    "mor": "morphological features",
}
# Ten colours that stay apart for colour-blind readers (after Paul Tol), and two (Okabe, Ito).
TEN = [
    "#332288", "#88CCEE", "#44AA99", "#117733", "#999933",
    "#DDCC77", "#CC6677", "#882255", "#AA4499", "#777777",
]  # fmt: skip
TWO = ["#0072B2", "#E69F00"]


def main():
    options = parse_options()
    print_the_task(options)
    views, y = load_handwritten(options.views)
    if options.quick:
        views, y = {name: view[::4] for name, view in views.items()}, y[::4]
    X, y = drop_pairing(views, y, random_state=options.seed)

    print(
        "Training. Losses have the paper's names and fall; 'neighbors' says how far rows that are alike\ndrift apart; 'adversarial' is how well the critics tell rows mapped into a modality from its\nown, and is best near 0."
    )
    start = time.perf_counter()
    model = MixedModalClustering(n_clusters=10, random_state=options.seed, verbose=1).fit(X)
    print(f"Done in {time.perf_counter() - start:.0f} s.\n")

    print_figures(X, y, model, options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    draw_unified_space(X, y, model, options.out / "unified_space.png")
    draw_history(model, options.out / "training.png")
    print(f"Pictures: {options.out.resolve()}/unified_space.png and training.png")


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--views", nargs=2, default=["fac", "pix"], choices=VIEW_NAMES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="a quarter of the digits")
    parser.add_argument("--out", type=Path, default=Path("demo_output"))
    return parser.parse_args()


def print_the_task(options):
    a, b = options.views
    print(
        f"""
Handwritten digits, each seen in ONE of two ways
------------------------------------------------
{500 if options.quick else 2000} scanned digits, 0 to 9. Half of them we know only by their {VIEW_NAMES[a]}
("{a}"), the other half only by their {VIEW_NAMES[b]} ("{b}"). No digit is seen both ways,
nobody says which digit is which, and the two sets of numbers have nothing in common.
The task: 10 groups over both halves, so that a group means the same digit in both.
"""
    )


def print_figures(X, y, model, seed):
    figures = evaluate(y, model.labels_, model.modality_, model.embedding_)
    a, b = X.names
    scaled = PerModality(**{a: StandardScaler(), b: StandardScaler()}).fit_transform(X)
    random, oracle = reference_bounds(scaled, y, 10, random_state=seed)
    stacked = evaluate(y, concatenated_pca_kmeans(scaled.blocks.values(), seed), X.modality)
    print(
        f"""How well do the groups agree with the true digits?  (adjusted Rand index, ARI: 0 is
chance, 1 is perfect. Digits are used here, after the fit, and nowhere else.)

  this model                                                   {figures["ari"]:5.2f}
      within {a} alone {figures[f"ari_{a}"]:.2f}, within {b} alone {figures[f"ari_{b}"]:.2f}
  without learning anything:
    both halves reduced by PCA, stacked, k-means               {stacked["ari"]:5.2f}
    k-means in each half, groups matched AT RANDOM             {random:5.2f}   what luck gives
    k-means in each half, matched BY LOOKING at the digits     {oracle:5.2f}   a bound, not a method

Does a group mean the same digit in both halves?
  gain                        {figures["gain"]:5.2f}   0: this model's groups are matched no better than at
                                      random; 1: as well as looking at the digits would
  digits carried {a} -> {b}    {figures[f"transfer_{a}_{b}"]:5.2f}   a {b} digit named by its nearest {a} neighbours; 0.10 is chance
  digits carried {b} -> {a}    {figures[f"transfer_{b}_{a}"]:5.2f}
  alignment_confidence_       {model.alignment_confidence_:5.2f}   what the model itself says, without the digits:
                                      below 0.5 it warns not to trust groups across halves
Other figures: accuracy {figures["acc"]:.2f}, NMI {figures["nmi"]:.2f}, pairwise F {figures["f_score"]:.2f}, purity {figures["purity"]:.2f}
"""
    )


def concatenated_pca_kmeans(blocks, seed):
    """The paper's own baseline: take both blocks' principal components for the same thing."""
    width = min(30, *(block.shape[1] for block in blocks))
    stacked = np.vstack([PCA(width, random_state=seed).fit_transform(b) for b in blocks])
    return KMeans(10, n_init=10, random_state=seed).fit_predict(stacked)


def draw_unified_space(X, y, model, path):
    """Every row as a point, where t-SNE puts it, in the colours of three questions."""
    points = TSNE(2, random_state=0, init="pca", perplexity=30).fit_transform(model.embedding_)
    rows, columns = linear_sum_assignment(-contingency_matrix(y, model.labels_))
    digit_of = dict(zip(np.unique(model.labels_)[columns], rows, strict=True))
    shown = np.array([digit_of.get(label, -1) for label in model.labels_])

    figure, axes = plt.subplots(1, 3, figsize=(15, 5.4), layout="constrained")
    rng = np.random.RandomState(0)
    order = rng.permutation(len(points))  # neither modality hides the other
    axes[0].scatter(*points[order].T, c=np.array(TWO)[X.codes[order]], s=7, linewidths=0)
    for name, colour in zip(X.names, TWO, strict=True):
        axes[0].scatter([], [], c=colour, s=40, label=f"{name} ({VIEW_NAMES[name]})")
    axes[0].legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=1, frameon=False)
    axes[0].set_title("Which modality? (each group should hold both)")
    for ax, labels, names, title in (
        (
            axes[1],
            shown,
            {d: f"group {c}" for c, d in digit_of.items()},
            "Which group? (the result; colour of the digit it fits best)",
        ),
        (axes[2], y, {d: str(d) for d in range(10)}, "Which digit? (the truth)"),
    ):
        ax.scatter(*points.T, c=np.array(TEN)[labels], s=7, linewidths=0)
        for digit, name in names.items():
            centre = np.median(points[labels == digit], axis=0)
            ax.annotate(
                name, centre, ha="center", va="center", weight="bold",
                bbox={"boxstyle": "round,pad=0.2", "fc": "white", "ec": TEN[digit], "alpha": 0.9},
            )  # fmt: skip
        ax.set_title(title)
    for ax in axes:
        ax.set(xticks=[], yticks=[])
    figure.suptitle(
        f"{len(y)} digits in the unified space (that of '{model.unified_modality_}'), drawn by t-SNE",
        size=14,
    )
    figure.savefig(path, dpi=110)
    plt.close(figure)


def draw_history(model, path):
    """The losses of every phase, epoch by epoch."""
    figure, axes = plt.subplots(1, 3, figsize=(13, 3.8), layout="constrained")
    panels = {
        "pretraining": "1. Each modality alone:\nequation (1), and neighbours kept",
        "alignment": "2. Generators learn the matching\nfound by geometry",
        "adversarial": "3. All networks together:\nequations (1) to (3)",
    }
    for ax, (phase, title) in zip(axes, panels.items(), strict=True):
        records = [r for r in model.history_ if r["phase"] == phase]
        losses = [
            key
            for key in records[0]
            if key not in ("phase", "modality", "epoch", "n_epochs", "seconds")
        ]
        for i, modality in enumerate(dict.fromkeys(r.get("modality") for r in records)):
            for j, loss in enumerate(losses):
                values = [r[loss] for r in records if r.get("modality") == modality]
                one = modality is None  # then colours tell losses apart, else modalities
                ax.plot(
                    range(1, len(values) + 1), values, lw=2, ls=["-", "--", ":"][j],
                    color=["#0072B2", "#E69F00", "#009E73"][j if one else i],
                    label=loss if one else f"{modality}: {loss}",
                )  # fmt: skip
        ax.set(title=title, xlabel="epoch")
        ax.legend(frameon=False, loc="center right")
    axes[0].set_ylabel("loss")
    figure.savefig(path, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    main()
