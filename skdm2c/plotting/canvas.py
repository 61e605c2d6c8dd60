"""Helpers of all displays: axes, colours, tick positions, and unwrapping of estimators."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from .._sklearn import BaseSearchCV

# Okabe and Ito's colours, which are distinguishable to the colour-blind and in greyscale print.
COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
# Paul Tol's ten colours, for more groups than Okabe and Ito's colours suffice for.
TEN_COLORS = (
    "#332288", "#88CCEE", "#44AA99", "#117733", "#999933",
    "#DDCC77", "#CC6677", "#882255", "#AA4499", "#777777",
)  # fmt: skip
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*")
FAINT = "#BBBBBB"
MAX_NAME_LENGTH = 28  # characters
MAX_TICKS = 30


def panels(
    ax: Any, n_panels: int, size: tuple[float, float], shape: tuple[int, int] | None = None
) -> tuple[Any, NDArray[Any]]:
    """Return a figure and its ``n_panels`` axes: those of ``ax``, or of a new figure if it is None.

    ``size`` is that of a panel in inches. A new figure has ``shape`` rows and columns of panels,
    by default a single row.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "Displays need matplotlib: pip install matplotlib, or skdm2c[plot]."
        ) from error
    if ax is None:
        rows, columns = shape or (1, n_panels)
        figure, grid = plt.subplots(
            rows,
            columns,
            figsize=(size[0] * columns, size[1] * rows),
            squeeze=False,
            layout="constrained",
        )
        axes = grid.ravel()
        for unused in axes[n_panels:]:
            unused.set_axis_off()
        return figure, axes[:n_panels]
    axes = np.atleast_1d(np.asarray(ax, dtype=object)).ravel()
    if len(axes) != n_panels:
        raise ValueError(f"ax: this picture has {n_panels} panels, got {len(axes)} Axes.")
    return axes[0].figure, axes


def one_or_all(axes: NDArray[Any]) -> Any:
    """Return a single panel as Axes and several as an array: the form of a display's ``ax_``."""
    return axes[0] if len(axes) == 1 else axes


def fitted_estimator(estimator: Any) -> Any:
    """Return the fitted MixedModalClustering itself, or that of a Pipeline or search.

    Raises TypeError if there is none, and NotFittedError if it is not fitted.
    """
    model = estimator
    while isinstance(model, BaseSearchCV | Pipeline):
        if isinstance(model, BaseSearchCV):
            check_is_fitted(model)
            model = model.best_estimator_
        else:
            model = model.steps[-1][1]
    if not hasattr(model, "translate"):
        raise TypeError(
            "estimator must be a fitted MixedModalClustering, or a Pipeline or search that ends "
            f"with one, got {type(estimator).__name__}."
        )
    check_is_fitted(model)
    return model


def preprocessed(estimator: Any, X: Any) -> Any:
    """Transform a container by the steps of a Pipeline or search that precede the model."""
    if isinstance(estimator, BaseSearchCV):
        return preprocessed(estimator.best_estimator_, X)
    if isinstance(estimator, Pipeline):
        X_model = X if len(estimator) == 1 else estimator[:-1].transform(X)
        return preprocessed(estimator.steps[-1][1], X_model)
    return X


def keywords(kind: str, defaults: dict[str, Any], user: dict[str, Any]) -> dict[str, Any]:
    """Override the default keywords of a display by those of the user, under any of their aliases.

    ``kind`` is what is drawn ("line", "bar", "image" or "points"), on which aliases depend.

    Examples
    --------
    >>> keywords("line", {"linewidth": 1, "color": "black"}, {"lw": 7})
    {'linewidth': 7, 'color': 'black'}
    """
    from matplotlib.cbook import normalize_kwargs
    from matplotlib.collections import PathCollection
    from matplotlib.image import AxesImage
    from matplotlib.lines import Line2D
    from matplotlib.patches import Rectangle

    artists = {"line": Line2D, "bar": Rectangle, "image": AxesImage, "points": PathCollection}
    defaults, user = (normalize_kwargs(kw, artists[kind]) for kw in (defaults, user))
    if "norm" in user:  # matplotlib refuses vmin and vmax beside a norm
        defaults = {name: value for name, value in defaults.items() if name not in ("vmin", "vmax")}
    return defaults | user


def shown(name: str) -> str:
    r"""Shorten and escape a user's name for a picture, such that it is one line and no formula.

    Examples
    --------
    >>> shown("cost in $"), shown("a" * 40)
    ('cost in \\$', 'aaaaaaaaaaaaaaaaaaaaaaaaaaa…')
    """
    text = str(name) if str(name).isprintable() else repr(str(name))[1:-1]
    if len(text) > MAX_NAME_LENGTH:
        text = text[: MAX_NAME_LENGTH - 1] + "…"
    return text.replace("$", r"\$")


def ticks(n: int, max_ticks: int = MAX_TICKS) -> NDArray[np.intp]:
    """Return at most ``max_ticks`` of n positions: all, or every second, fifth, tenth and so on.

    Examples
    --------
    >>> ticks(3), ticks(60)[:4]
    (array([0, 1, 2]), array([0, 2, 4, 6]))
    """
    steps = (step * 10**power for power in count() for step in (1, 2, 5))
    return np.arange(0, n, next(step for step in steps if n <= step * max_ticks))
