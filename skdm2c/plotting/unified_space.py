"""All rows in two dimensions of the unified space."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from ..data import as_known_modalities
from ..data.rows import subsample
from .canvas import (
    COLORS,
    FAINT,
    MARKERS,
    TEN,
    fitted_estimator,
    keywords,
    one_or_all,
    panels,
    shown,
)

MAX_FIT_ROWS = 20_000  # that tell the principal components
LEAST_ROWS = 5  # that neighbours can be kept of
RASTER = 2_000  # points from which on they are drawn as pixels, also into a PDF
MOST_IN_LEGEND = 12
PROJECTIONS = ("pca", "tsne", "umap")
COLORINGS = ("modality", "cluster", "probability")


class UnifiedSpaceDisplay:
    """Rows of all modalities in two dimensions of the unified space.

    Aligned modalities lie on each other and clusters apart. The shape of a point tells its
    modality, the colour what was asked for. Two dimensions cannot show all that there is to
    32: t-SNE and UMAP keep neighbours, and invent distances between groups; PCA keeps the
    largest distances.

    Parameters
    ----------
    points : ndarray of shape (n, 2)
        The rows shown.
    values : ndarray of shape (n,)
        What colours tell apart: names or whole numbers are groups, other numbers a scale.
    modality : ndarray of str of shape (n,)
    modality_names : tuple of str
    values_name : str
        What ``values`` are.
    projection : str
        How two dimensions were made.
    n_rows : int
        How many rows there are, shown or not.

    Attributes
    ----------
    ax_ : Axes
    figure_ : Figure

    Examples
    --------
    >>> from skdm2c import MixedModalClustering
    >>> from skdm2c.datasets import make_mixed_modal_blobs
    >>> X, y = make_mixed_modal_blobs(n_samples=200, random_state=0)
    >>> model = MixedModalClustering(n_clusters=3, random_state=0).fit(X)
    >>> display = UnifiedSpaceDisplay.from_estimator(model, color="cluster")
    >>> display.points.shape
    (200, 2)
    """

    def __init__(
        self,
        points: NDArray[np.floating],
        values: Any,
        modality: Any,
        *,
        modality_names: tuple[str, ...],
        values_name: str,
        projection: str,
        n_rows: int,
    ) -> None:
        self.points = points
        self.values = values
        self.modality = modality
        self.modality_names = modality_names
        self.values_name = values_name
        self.projection = projection
        self.n_rows = n_rows

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        *,
        color: Any = "modality",
        projection: str = "pca",
        max_points: int = 5000,
        random_state: int = 0,
        ax: Any = None,
        scatter_kw: dict[str, Any] | None = None,
    ) -> UnifiedSpaceDisplay:
        """Draw rows where a model puts them.

        Parameters
        ----------
        estimator : MixedModalClustering, Pipeline or search
            Fitted.
        X : MixedModalData or MuData, default=None
            The rows; None shows those of the fit.
        color : "modality", "cluster", "probability" or array-like of shape (n,)
            What colours tell apart: modality, cluster, how likely the likeliest cluster is, or
            anything that one knows of the rows, in their order. Numbers that are NaN or
            infinite are faint.
        projection : {"pca", "tsne", "umap"}, default="pca"
            "umap" needs the package umap-learn.
        max_points : int, default=5000
            Of more rows so many are drawn at random, and the title says so.
        random_state : int, default=0
            For that, t-SNE and UMAP.
        ax : Axes, default=None
            Where to draw; None makes a new figure.
        scatter_kw : dict, default=None
            Handed to :meth:`matplotlib.axes.Axes.scatter`.

        Returns
        -------
        UnifiedSpaceDisplay

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If ``color``, ``projection``, ``max_points`` or ``scatter_kw`` is no good, or there
            are no rows.
        ImportError
            If UMAP is asked for and not installed.
        """
        model = fitted_estimator(estimator)
        _check(projection, max_points)
        if X is None:
            embedding, modality = model.embedding_, model.modality_
        else:
            modality = as_known_modalities(X, model.modality_names_).modality
            if not len(modality):
                raise ValueError("X has no rows to draw.")
            embedding = np.asarray(estimator.transform(X))
        values, name = _values(model, embedding, modality, color)
        rows = subsample(len(embedding), max_points, np.random.RandomState(random_state))
        display = cls(
            _projected(embedding, rows, projection, random_state),
            values[rows],
            modality[rows],
            modality_names=model.modality_names_,
            values_name=name,
            projection=projection,
            n_rows=len(embedding),
        )
        return display.plot(ax=ax, scatter_kw=scatter_kw)

    def plot(
        self, ax: Any = None, *, scatter_kw: dict[str, Any] | None = None
    ) -> UnifiedSpaceDisplay:
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            Where to draw; None makes a new figure.
        scatter_kw : dict, default=None
            Handed to :meth:`matplotlib.axes.Axes.scatter`.

        Returns
        -------
        UnifiedSpaceDisplay
            Itself.
        """
        self.figure_, axes = panels(ax, 1, (6.4, 5.2))
        self.ax_ = one_or_all(axes)
        n = len(self.points)
        given = scatter_kw or {}
        if {"c", "color", "facecolor", "facecolors", "fc"} & set(given):
            raise ValueError("scatter_kw holds a colour: say what colours tell apart with color=.")
        draw = _draw_groups if _are_groups(self.values) else _draw_scale
        draw(self, given)
        title = "unified space"
        if n < self.n_rows:
            title += f", {n:,} of {self.n_rows:,} rows"
        name = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}.get(self.projection, self.projection)
        self.ax_.set(title=title, xlabel=f"{name} 1", ylabel=f"{name} 2")
        self.ax_.set(xticks=[], yticks=[])  # of these axes numbers say nothing
        return self


def _check(projection: str, max_points: int) -> None:
    if projection not in PROJECTIONS:
        raise ValueError(f"projection must be one of {PROJECTIONS}, got {projection!r}.")
    if max_points < 1:
        raise ValueError(f"max_points must be at least 1, got {max_points!r}.")


def _values(model: Any, embedding: Any, modality: Any, color: Any) -> tuple[NDArray[Any], str]:
    if not isinstance(color, str):
        values = np.asarray(color)
        if values.shape != (len(embedding),):
            raise ValueError(
                f"color must hold one value for each of the {len(embedding)} rows, got the "
                f"shape {values.shape}."
            )
        return values, ""
    if color == "modality":
        return modality, "modality"
    if color == "cluster":
        return model._model.clusters.assign(embedding), "cluster"
    if color == "probability":
        codes = np.array([model.modality_names_.index(m) for m in modality])
        responsibilities = model._model.embedded_responsibilities(embedding, codes)
        return responsibilities.max(axis=1), "probability of the likeliest cluster"
    raise ValueError(f"color must be one of {COLORINGS} or a value for each row, got {color!r}.")


def _projected(embedding: Any, rows: Any, projection: str, seed: int) -> NDArray[np.floating]:
    if projection != "pca" and len(rows) < LEAST_ROWS:
        raise ValueError(
            f'projection="{projection}" needs {LEAST_ROWS} rows, got {len(rows)}: use "pca".'
        )
    if min(embedding.shape) < 2:  # nothing to turn
        flat = np.zeros((len(rows), 2))
        flat[:, : embedding.shape[1]] = embedding[rows, :2]
        return flat
    if projection == "umap":
        try:
            from umap import UMAP  # type: ignore[import-not-found, unused-ignore]
        except ImportError as error:
            raise ImportError('projection="umap" needs umap-learn: pip install it.') from error
        reduced: NDArray[np.floating] = UMAP(random_state=seed).fit_transform(embedding[rows])
    elif projection == "tsne":
        perplexity = min(30.0, max((len(rows) - 1) / 3, 1.0))
        tsne = TSNE(perplexity=perplexity, init="pca", random_state=seed)
        reduced = tsne.fit_transform(embedding[rows])
    else:
        some = subsample(len(embedding), MAX_FIT_ROWS, np.random.RandomState(seed))
        reduced = PCA(2, random_state=seed).fit(embedding[some]).transform(embedding[rows])
    return reduced


def _are_groups(values: NDArray[Any]) -> bool:
    return values.dtype.kind != "f"


def _draw_groups(display: UnifiedSpaceDisplay, given: dict[str, Any]) -> None:
    ax, by_modality = display.ax_, display.values_name == "modality"
    groups, number = np.unique(np.asarray(display.values, dtype=str), return_inverse=True)
    if by_modality:  # in the order, and so in the colours, of the other displays
        place = np.array([display.modality_names.index(name) for name in groups])
        groups, number = np.asarray(display.modality_names), place[number]
    elif np.asarray(display.values).dtype.kind in "iu":
        groups, number = np.unique(display.values, return_inverse=True)
    colors = group_colors(len(groups))
    order = np.random.RandomState(0).permutation(len(number))  # no group hides another
    for name, marker in zip(display.modality_names, cycle(MARKERS), strict=False):
        at = order[display.modality[order] == name]
        colored = {"c": colors[number[at]], "marker": marker}
        ax.scatter(*display.points[at].T, **_points_with(display, colored, given))
    if by_modality:
        _legend(ax, display.modality_names, colors, "upper right", markers=MARKERS)
        return
    if display.values_name == "cluster":
        _number_groups(display, groups, number)
    elif len(groups) <= MOST_IN_LEGEND:
        _legend(ax, groups, colors, "upper right")
    _legend_of_modalities(display)


def _draw_scale(display: UnifiedSpaceDisplay, given: dict[str, Any]) -> None:
    from matplotlib import colormaps

    values = np.asarray(display.values)
    finite = values[np.isfinite(values)]
    whole = display.values_name.startswith("probability") or not len(finite)
    low, high = (0.0, 1.0) if whole else (finite.min(), finite.max())
    # What is no number is drawn too, but faint.
    values = np.where(np.isfinite(values), values, np.nan)
    colors = colormaps.get_cmap(given.get("cmap") or "cividis_r").with_extremes(bad=FAINT)
    given = {name: value for name, value in given.items() if name != "cmap"}
    for name, marker in zip(display.modality_names, cycle(MARKERS), strict=False):
        at = display.modality == name
        scale = {"c": values[at], "marker": marker, "cmap": colors, "plotnonfinite": True}
        drawn = display.ax_.scatter(
            *display.points[at].T,
            **_points_with(display, scale | {"vmin": low, "vmax": high}, given),
        )
    bar = display.figure_.colorbar(drawn, ax=display.ax_, label=display.values_name)
    bar.solids.set(alpha=1)
    _legend_of_modalities(display)


def _points_with(
    display: UnifiedSpaceDisplay, colored: dict[str, Any], given: dict[str, Any]
) -> dict[str, Any]:
    n = len(display.points)
    usual = {"s": float(np.clip(8000 / max(n, 1), 4, 30)), "alpha": 0.7, "linewidths": 0}
    return keywords("points", usual | {"rasterized": n >= RASTER} | colored, given)


def _legend_of_modalities(display: UnifiedSpaceDisplay) -> None:
    kept, names = display.ax_.get_legend(), display.modality_names
    _legend(display.ax_, names, ["0.35"] * len(names), "lower left", markers=MARKERS)
    if kept is not None:
        display.ax_.add_artist(kept)


def _legend(ax: Any, names: Any, colors: Any, loc: str, markers: Any = ("o",)) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], linestyle="", marker=marker, color=color, label=shown(str(name)))
        for name, color, marker in zip(names, colors, cycle(markers), strict=False)
    ]
    ax.legend(handles=handles, loc=loc, fontsize=8, framealpha=0.8)


def _number_groups(display: UnifiedSpaceDisplay, groups: Any, number: Any) -> None:
    for g, name in enumerate(groups):
        at = np.median(display.points[number == g], axis=0)
        display.ax_.annotate(
            str(name),
            at,
            ha="center",
            va="center",
            fontsize=9 if len(groups) <= MOST_IN_LEGEND else 7,
            bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.7},
        )


def group_colors(n: int) -> NDArray[np.floating]:
    """Colours of groups, as far apart as so many can be.

    Parameters
    ----------
    n : int

    Returns
    -------
    ndarray of shape (n, 4)
        Okabe and Ito's eight, Tol's ten, or evenly spaced ones of viridis, far apart for
        numbers in a row.
    """
    from matplotlib import colormaps
    from matplotlib.colors import to_rgba_array

    if n <= len(TEN):
        return np.asarray(to_rgba_array((COLORS if n <= len(COLORS) else TEN)[:n]))
    step = next(s for s in range(n // 3 + 1, n + 1) if np.gcd(s, n) == 1)
    spread: NDArray[np.floating] = colormaps["viridis"]((np.arange(n) * step % n + 0.5) / n)
    return spread
