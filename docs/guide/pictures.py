"""Pictures of the guide's first pages, drawn by the build: points made up to show one idea each."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

CENTERS = np.array([[0.0, 0.0], [1.4, 0.3], [5.2, 0.8], [3.2, 4.4]])
SQUARE = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0]])
SHARES = np.array([30, 30, 30, 30])
ORDER = np.array([2, 0, 3, 1])  # the cluster of A that B's first, second ... is
COLORS = np.array(["#0072B2", "#E69F00", "#009E73", "#CC79A7"])
LETTERS = "stuv"


def drawn(centers: NDArray[np.float64], seed: int) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Draw rows around centers; return them and their clusters."""
    y = np.repeat(np.arange(len(centers)), SHARES)
    return centers[y] + 0.33 * np.random.RandomState(seed).randn(len(y), 2), y


def turned(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotate, mirror and stretch points: another modality's view of the same world."""
    return x @ np.array([[-0.35, 1.1], [1.2, 0.45]])


def named(ax: Axes, x: NDArray[np.float64], name: str) -> None:
    """Write a cluster's name over its middle."""
    box = {"boxstyle": "round", "facecolor": "white", "edgecolor": "#777777"}
    ax.annotate(name, x.mean(axis=0), ha="center", va="center", weight="bold", bbox=box)


def bare(ax: Axes, title: str) -> None:
    """Leave a title and a frame."""
    ax.set(title=title, xticks=[], yticks=[])
    ax.margins(0.12)


def archives(centers: NDArray[np.float64] = CENTERS) -> None:
    """Draw two sets of rows, each with clusters of its own and no common axes."""
    _, axes = plt.subplots(1, 2, figsize=(7, 2.9))
    x, y = drawn(centers, 0)
    axes[0].scatter(*x.T, s=12, color="#777777")
    for cluster in range(4):
        named(axes[0], x[y == cluster], str(cluster))
    x, y = drawn(centers, 1)
    x = turned(x)
    axes[1].scatter(*x.T, s=14, color="#777777", marker="^")
    for letter, cluster in zip(LETTERS, ORDER, strict=True):
        named(axes[1], x[y == cluster], letter)
    bare(axes[0], "Archive A, its own features")
    bare(axes[1], "Archive B, other features")


def distances(centers: NDArray[np.float64] = CENTERS) -> None:
    """Draw the distances between clusters: of A, of B, and of B in the order that fits A."""
    _, axes = plt.subplots(1, 3, figsize=(8, 2.9))
    of_a, of_b = cdist(centers, centers), cdist(turned(centers), turned(centers))
    as_a = np.argsort(ORDER)
    pictures = (
        (of_a, list("0123"), "A"),
        (of_b[np.ix_(ORDER, ORDER)], list(LETTERS), "B, as it comes"),
        (of_b, [LETTERS[i] for i in as_a], "B, in the order that fits A"),
    )
    for ax, (matrix, names, title) in zip(axes, pictures, strict=True):
        ax.imshow(matrix, cmap="Blues_r")
        ax.set(title=title, xticks=range(4), yticks=range(4), xticklabels=names, yticklabels=names)
        ax.tick_params(length=0)


def together() -> None:
    """Draw the rows of both archives in the space of one of them."""
    _, ax = plt.subplots(figsize=(4.6, 3))
    for seed, marker, name in ((0, "o", "of A"), (1, "^", "of B, translated")):
        x, y = drawn(CENTERS, seed)
        ax.scatter(*x.T, s=16, c=COLORS[y], marker=marker, alpha=0.7, label=name)
    ax.legend(frameon=False, loc="upper left")
    bare(ax, "One space, one set of clusters")


def ambiguous() -> None:
    """Draw the distances between the corners of a square, which fit in eight orders."""
    _, axes = plt.subplots(1, 2, figsize=(6, 2.9))
    x, y = drawn(SQUARE, 0)
    axes[0].scatter(*x.T, s=12, color="#777777")
    for cluster in range(4):
        named(axes[0], x[y == cluster], str(cluster))
    bare(axes[0], "Four clusters, as corners of a square")
    axes[1].imshow(cdist(SQUARE, SQUARE), cmap="Blues_r")
    axes[1].set(title="Their distances", xticks=range(4), yticks=range(4))
    axes[1].tick_params(length=0)
