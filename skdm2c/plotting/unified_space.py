"""Scatter plot of all rows in two dimensions of the unified space."""

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
    TEN_COLORS,
    fitted_estimator,
    keywords,
    one_or_all,
    panels,
    shown,
)

MAX_FIT_ROWS = 20_000  # rows from which the principal components are computed
MIN_ROWS = 5  # fewer rows have too few neighbours for t-SNE and UMAP
MIN_RASTERIZED = 2_000  # points from which on they are drawn as pixels even in a PDF
MAX_IN_LEGEND = 12
PROJECTIONS = ("pca", "tsne", "umap")
COLORINGS = ("modality", "cluster", "probability")


class UnifiedSpaceDisplay:
    """Scatter plot of the rows of all modalities in two dimensions of the unified space.

    Aligned modalities overlap, and clusters are separate. Markers show the modality, and colours
    the variable of interest. Two dimensions cannot show all of the structure of 32: t-SNE and
    UMAP preserve neighbours, but distances between groups are not meaningful; PCA preserves the
    largest distances.

    Parameters
    ----------
    points : ndarray of shape (n, 2)
        Positions of the rows shown.
    values : ndarray of shape (n,)
        Values shown by colours: strings and integers are groups, other numbers are on a scale.
    modality : ndarray of str of shape (n,)
        Modality of each row.
    modality_names : tuple of str
        Names of all modalities.
    values_name : str
        Name of the values: "modality", "cluster", or the label of the colour bar.
    projection : str
        Name of the projection to two dimensions.
    n_rows : int
        Total number of rows, shown or not.

    Attributes
    ----------
    ax_ : Axes
        Axes of the points.
    figure_ : Figure
        Figure that contains the axes.

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
        """Plot rows in the unified space of a fitted estimator.

        Parameters
        ----------
        estimator : MixedModalClustering, Pipeline or search
            Fitted estimator, or a fitted Pipeline or search that ends with one.
        X : MixedModalData or MuData, default=None
            Rows to show. None shows those of the fit.
        color : "modality", "cluster", "probability" or array-like of shape (n,)
            Variable shown by colours: the modality, the cluster, the probability of the most
            likely cluster, or a value for each row. Points whose value is NaN or infinite are
            pale.
        projection : {"pca", "tsne", "umap"}, default="pca"
            Projection to two dimensions. "umap" requires the package umap-learn.
        max_points : int, default=5000
            Maximum number of rows shown. From more rows a random sample is drawn, and the title
            says so.
        random_state : int, default=0
            Random seed of the sample, of t-SNE and of UMAP.
        ax : Axes, default=None
            Axes to plot on. If None, a new figure is created.
        scatter_kw : dict, default=None
            Keyword arguments passed to :meth:`matplotlib.axes.Axes.scatter`.

        Returns
        -------
        UnifiedSpaceDisplay
            Display that stores the axes and the points.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If ``color``, ``projection``, ``max_points`` or ``scatter_kw`` is invalid, or ``X``
            has no rows.
        ImportError
            If ``projection="umap"`` and umap-learn is not installed.
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
        """Plot the points.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to plot on. If None, a new figure is created.
        scatter_kw : dict, default=None
            Keyword arguments passed to :meth:`matplotlib.axes.Axes.scatter`.

        Returns
        -------
        UnifiedSpaceDisplay
            The display itself.
        """
        self.figure_, axes = panels(ax, 1, (6.4, 5.2))
        self.ax_ = one_or_all(axes)
        n = len(self.points)
        scatter_kw = scatter_kw or {}
        if {"c", "color", "facecolor", "facecolors", "fc"} & set(scatter_kw):
            raise ValueError("scatter_kw holds a colour: choose what colours show with color=.")
        draw = _draw_groups if _are_groups(self.values) else _draw_scale
        draw(self, scatter_kw)
        title = "unified space"
        if n < self.n_rows:
            title += f", {n:,} of {self.n_rows:,} rows"
        name = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}.get(self.projection, self.projection)
        self.ax_.set(title=title, xlabel=f"{name} 1", ylabel=f"{name} 2")
        self.ax_.set(xticks=[], yticks=[])  # the coordinates themselves have no meaning
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
        return responsibilities.max(axis=1), "probability of the most likely cluster"
    raise ValueError(f"color must be one of {COLORINGS} or a value for each row, got {color!r}.")


def _projected(embedding: Any, rows: Any, projection: str, seed: int) -> NDArray[np.floating]:
    if projection != "pca" and len(rows) < MIN_ROWS:
        raise ValueError(
            f'projection="{projection}" needs {MIN_ROWS} rows, got {len(rows)}: use "pca".'
        )
    if min(embedding.shape) < 2:  # too few rows or columns for two components
        padded = np.zeros((len(rows), 2))
        padded[:, : embedding.shape[1]] = embedding[rows, :2]
        return padded
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
        fit_rows = subsample(len(embedding), MAX_FIT_ROWS, np.random.RandomState(seed))
        reduced = PCA(2, random_state=seed).fit(embedding[fit_rows]).transform(embedding[rows])
    return reduced


def _are_groups(values: NDArray[Any]) -> bool:
    return values.dtype.kind != "f"


def _draw_groups(display: UnifiedSpaceDisplay, scatter_kw: dict[str, Any]) -> None:
    ax, by_modality = display.ax_, display.values_name == "modality"
    groups, codes = np.unique(np.asarray(display.values, dtype=str), return_inverse=True)
    if by_modality:  # the order of the modalities gives them the colours of the other displays
        positions = np.array([display.modality_names.index(name) for name in groups])
        groups, codes = np.asarray(display.modality_names), positions[codes]
    elif np.asarray(display.values).dtype.kind in "iu":
        groups, codes = np.unique(display.values, return_inverse=True)
    colors = group_colors(len(groups))
    order = np.random.RandomState(0).permutation(len(codes))  # no group hides another
    for name, marker in zip(display.modality_names, cycle(MARKERS), strict=False):
        rows = order[display.modality[order] == name]
        kw = {"c": colors[codes[rows]], "marker": marker}
        ax.scatter(*display.points[rows].T, **_scatter_keywords(display, kw, scatter_kw))
    if by_modality:
        _legend(ax, display.modality_names, colors, "upper right", markers=MARKERS)
        return
    if display.values_name == "cluster":
        _number_groups(display, groups, codes)
    elif len(groups) <= MAX_IN_LEGEND:
        _legend(ax, groups, colors, "upper right")
    _add_modality_legend(display)


def _draw_scale(display: UnifiedSpaceDisplay, scatter_kw: dict[str, Any]) -> None:
    from matplotlib import colormaps

    values = np.asarray(display.values)
    finite = values[np.isfinite(values)]
    unit_scale = display.values_name.startswith("probability") or not len(finite)
    low, high = (0.0, 1.0) if unit_scale else (finite.min(), finite.max())
    # Infinite values are drawn like NaN: pale, and without effect on the scale.
    values = np.where(np.isfinite(values), values, np.nan)
    cmap = colormaps.get_cmap(scatter_kw.get("cmap") or "cividis_r").with_extremes(bad=FAINT)
    scatter_kw = {name: value for name, value in scatter_kw.items() if name != "cmap"}
    for name, marker in zip(display.modality_names, cycle(MARKERS), strict=False):
        rows = display.modality == name
        kw = {"c": values[rows], "marker": marker, "cmap": cmap, "plotnonfinite": True}
        points = display.ax_.scatter(
            *display.points[rows].T,
            **_scatter_keywords(display, kw | {"vmin": low, "vmax": high}, scatter_kw),
        )
    bar = display.figure_.colorbar(points, ax=display.ax_, label=display.values_name)
    bar.solids.set(alpha=1)
    _add_modality_legend(display)


def _scatter_keywords(
    display: UnifiedSpaceDisplay, kw: dict[str, Any], scatter_kw: dict[str, Any]
) -> dict[str, Any]:
    n = len(display.points)
    defaults = {"s": float(np.clip(8000 / max(n, 1), 4, 30)), "alpha": 0.7, "linewidths": 0}
    return keywords("points", defaults | {"rasterized": n >= MIN_RASTERIZED} | kw, scatter_kw)


def _add_modality_legend(display: UnifiedSpaceDisplay) -> None:
    previous_legend, names = display.ax_.get_legend(), display.modality_names
    _legend(display.ax_, names, ["0.35"] * len(names), "lower left", markers=MARKERS)
    if previous_legend is not None:  # a second legend replaces the first one
        display.ax_.add_artist(previous_legend)


def _legend(ax: Any, names: Any, colors: Any, loc: str, markers: Any = ("o",)) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], linestyle="", marker=marker, color=color, label=shown(str(name)))
        for name, color, marker in zip(names, colors, cycle(markers), strict=False)
    ]
    ax.legend(handles=handles, loc=loc, fontsize=8, framealpha=0.8)


def _number_groups(display: UnifiedSpaceDisplay, groups: Any, codes: Any) -> None:
    for g, name in enumerate(groups):
        position = np.median(display.points[codes == g], axis=0)
        display.ax_.annotate(
            str(name),
            position,
            ha="center",
            va="center",
            fontsize=9 if len(groups) <= MAX_IN_LEGEND else 7,
            bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.7},
        )


def group_colors(n: int) -> NDArray[np.floating]:
    """Return colours of n groups, of shape (n, 4), that are as distinct as possible.

    They are Okabe and Ito's eight, Tol's ten, or evenly spaced colours of viridis, which are
    ordered such that consecutive groups differ.
    """
    from matplotlib import colormaps
    from matplotlib.colors import to_rgba_array

    if n <= len(TEN_COLORS):
        return np.asarray(to_rgba_array((COLORS if n <= len(COLORS) else TEN_COLORS)[:n]))
    step = next(s for s in range(n // 3 + 1, n + 1) if np.gcd(s, n) == 1)
    colors: NDArray[np.floating] = colormaps["viridis"]((np.arange(n) * step % n + 0.5) / n)
    return colors
