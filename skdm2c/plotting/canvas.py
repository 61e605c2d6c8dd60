"""What all displays share: where they draw, in which colours, and whose model they look at."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from .._sklearn import BaseSearchCV

# Okabe and Ito's colours, told apart by the colour-blind and by their lightness in print.
COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
# Paul Tol's ten, for more groups than Okabe and Ito had colours.
TEN = (
    "#332288", "#88CCEE", "#44AA99", "#117733", "#999933",
    "#DDCC77", "#CC6677", "#882255", "#AA4499", "#777777",
)  # fmt: skip
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*")
FAINT = "#BBBBBB"
LONGEST_NAME = 28  # characters of a name in a picture
MOST_TICKS = 30


def panels(
    ax: Any, n_panels: int, size: tuple[float, float], shape: tuple[int, int] | None = None
) -> tuple[Any, NDArray[Any]]:
    """Axes to draw on: those given, or a new figure's.

    Parameters
    ----------
    ax : Axes, array-like of Axes or None
    n_panels : int
    size : tuple of float
        Inches of one panel of a new figure.
    shape : tuple of int, default=None
        Rows and columns of a new figure; None puts all panels into one row.

    Returns
    -------
    figure : Figure
    axes : ndarray of Axes of shape (n_panels,)

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If there are not as many axes as panels.
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
        for spare in axes[n_panels:]:
            spare.set_axis_off()
        return figure, axes[:n_panels]
    given = np.atleast_1d(np.asarray(ax, dtype=object)).ravel()
    if len(given) != n_panels:
        raise ValueError(f"ax: this picture has {n_panels} panels, got {len(given)} Axes.")
    return given[0].figure, given


def one_or_all(axes: NDArray[Any]) -> Any:
    """Return the only axes by themselves, several as an array: what ``ax_`` is.

    Parameters
    ----------
    axes : ndarray of Axes of shape (n_panels,)

    Returns
    -------
    Axes or ndarray of Axes
    """
    return axes[0] if len(axes) == 1 else axes


def fitted_estimator(estimator: Any) -> Any:
    """Find the fitted estimator in what a user has: itself, a Pipeline or a search.

    Parameters
    ----------
    estimator : MixedModalClustering, Pipeline or search

    Returns
    -------
    MixedModalClustering

    Raises
    ------
    TypeError
        If it is no, or ends with no, MixedModalClustering.
    NotFittedError
        If it is not fitted.
    """
    found = estimator
    while isinstance(found, BaseSearchCV | Pipeline):
        if isinstance(found, BaseSearchCV):
            check_is_fitted(found)
            found = found.best_estimator_
        else:
            found = found.steps[-1][1]
    if not hasattr(found, "translate"):
        raise TypeError(
            "estimator must be a fitted MixedModalClustering, or a Pipeline or search that ends "
            f"with one, got {type(estimator).__name__}."
        )
    check_is_fitted(found)
    return found


def as_it_comes_to_the_model(estimator: Any, X: Any) -> Any:
    """Send rows through the steps of a Pipeline that come before the model.

    Parameters
    ----------
    estimator : MixedModalClustering, Pipeline or search
        Fitted.
    X : MixedModalData or MuData

    Returns
    -------
    MixedModalData or MuData
    """
    if isinstance(estimator, BaseSearchCV):
        return as_it_comes_to_the_model(estimator.best_estimator_, X)
    if isinstance(estimator, Pipeline):
        before = X if len(estimator) == 1 else estimator[:-1].transform(X)
        return as_it_comes_to_the_model(estimator.steps[-1][1], before)
    return X


def keywords(kind: str, defaults: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Put a user's keywords over those of a display, whichever of their names was used.

    Parameters
    ----------
    kind : {"line", "bar", "image", "points"}
        What is drawn: matplotlib knows its names, as lw and linewidth are one.
    defaults, given : dict

    Returns
    -------
    dict

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
    ours, theirs = (normalize_kwargs(kw, artists[kind]) for kw in (defaults, given))
    if "norm" in theirs:  # it has limits of its own
        ours = {name: value for name, value in ours.items() if name not in ("vmin", "vmax")}
    return ours | theirs


def shown(name: str) -> str:
    r"""Make of a user's name a text for a picture: short, in one line, and no formula.

    Parameters
    ----------
    name : str

    Returns
    -------
    str

    Examples
    --------
    >>> shown("cost in $"), shown("a" * 40)
    ('cost in \\$', 'aaaaaaaaaaaaaaaaaaaaaaaaaaa…')
    """
    text = str(name) if str(name).isprintable() else repr(str(name))[1:-1]
    if len(text) > LONGEST_NAME:
        text = text[: LONGEST_NAME - 1] + "…"
    return text.replace("$", r"\$")


def ticks(n: int, most: int = MOST_TICKS) -> NDArray[np.intp]:
    """Which of n numbers to write along an axis: all, or every second, fifth, tenth and so on.

    Parameters
    ----------
    n : int
    most : int, default=30
        That there is room for.

    Returns
    -------
    ndarray of int

    Examples
    --------
    >>> ticks(3), ticks(60)[:4]
    (array([0, 1, 2]), array([0, 2, 4, 6]))
    """
    steps = (step * 10**power for power in count() for step in (1, 2, 5))
    return np.arange(0, n, next(step for step in steps if n <= step * most))
