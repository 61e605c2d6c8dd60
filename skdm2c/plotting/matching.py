"""Display of the matching of clusters and its confidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..alignment import SpokeMatching
from .canvas import COLORS, FAINT, fitted_estimator, keywords, one_or_all, panels, shown, ticks

MAX_WRITTEN = 12  # clusters up to which the numbers are written into the matrix
MAX_TICKS_BELOW = 15
DARK = 0.55  # proportion above which a field is so dark that its text is white


class MatchingDisplay:
    """Masses shared by the clusters of the modalities, and the confidence of each match.

    Each modality except the hub has a panel. A row of the matrix is a cluster of that modality
    and a column is a cluster of the hub; both are numbered as in ``labels_``, so that matched
    clusters meet on the diagonal. A row with a single dark field is matched unambiguously; a row
    with several could also match other clusters. The bars show ``cluster_confidence``.

    Parameters
    ----------
    hub : str
        Name of the hub.
    spokes : mapping of str to SpokeMatching
        Matching of each other modality by name, such as ``matching_`` of a fitted estimator.

    Attributes
    ----------
    ax_ : Axes or ndarray of Axes
        Axes of the matrices; an array if there are several.
    bar_ax_ : Axes or ndarray of Axes
        Axes of the bars.
    figure_ : Figure
        Figure that contains the panels.

    Examples
    --------
    >>> from skdm2c import MixedModalClustering
    >>> from skdm2c.datasets import make_mixed_modal_blobs
    >>> X, y = make_mixed_modal_blobs(n_samples=200, random_state=0)
    >>> model = MixedModalClustering(n_clusters=3, random_state=0).fit(X)
    >>> display = MatchingDisplay.from_estimator(model)
    >>> display.ax_.get_xlabel()[:7]
    'cluster'
    """

    def __init__(self, hub: str, spokes: Mapping[str, SpokeMatching]) -> None:
        self.hub = hub
        self.spokes = spokes

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        ax: Any = None,
        image_kw: dict[str, Any] | None = None,
        bar_kw: dict[str, Any] | None = None,
    ) -> MatchingDisplay:
        """Plot the matching of clusters in a fitted estimator.

        Parameters
        ----------
        estimator : MixedModalClustering, Pipeline or search
            Fitted estimator, or a fitted Pipeline or search that ends with one.
        ax : Axes or array-like of Axes, default=None
            Axes to plot on, one for each modality except the hub. If None, a new figure is
            created.
        image_kw : dict, default=None
            Keyword arguments passed to :meth:`matplotlib.axes.Axes.imshow`.
        bar_kw : dict, default=None
            Keyword arguments passed to :meth:`matplotlib.axes.Axes.barh`.

        Returns
        -------
        MatchingDisplay
            Display that stores the axes and the matching.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If no clusters were matched.
        """
        model = fitted_estimator(estimator)
        if not model.matching_:
            raise ValueError(
                "This model has matched no clusters (alignment=None or alignment_epochs=0): "
                "there is nothing to draw."
            )
        display = cls(model.unified_modality_, model.matching_)
        return display.plot(ax=ax, image_kw=image_kw, bar_kw=bar_kw)

    def plot(
        self,
        ax: Any = None,
        *,
        image_kw: dict[str, Any] | None = None,
        bar_kw: dict[str, Any] | None = None,
    ) -> MatchingDisplay:
        """Plot the matrices and the bars.

        Parameters
        ----------
        ax : Axes or array-like of Axes, default=None
            Axes to plot on, one for each modality except the hub. If None, a new figure is
            created.
        image_kw : dict, default=None
            Keyword arguments passed to :meth:`matplotlib.axes.Axes.imshow`.
        bar_kw : dict, default=None
            Keyword arguments passed to :meth:`matplotlib.axes.Axes.barh`.

        Returns
        -------
        MatchingDisplay
            The display itself.
        """
        self.figure_, axes = panels(ax, len(self.spokes), (6.4, 4.8))
        bars = np.empty(len(axes), dtype=object)
        for i, (name, spoke) in enumerate(self.spokes.items()):
            image = _draw_matrix(axes[i], name, self.hub, spoke, image_kw or {})
            bars[i] = _draw_confidence(axes[i], spoke, bar_kw or {})
            self.figure_.colorbar(
                image, ax=axes[i], location="bottom", shrink=0.6, label="proportion of the row"
            )
        self.ax_, self.bar_ax_ = one_or_all(axes), one_or_all(bars)
        return self


def _draw_matrix(ax: Any, name: str, hub: str, spoke: SpokeMatching, image_kw: Any) -> Any:
    k = len(spoke.mass)
    shares = spoke.mass / np.maximum(spoke.mass.sum(axis=1, keepdims=True), 1e-12)
    kw = {"cmap": "Blues", "vmin": 0.0, "vmax": 1.0, "interpolation": "nearest"}
    image = ax.imshow(shares, **keywords("image", kw, image_kw))
    if k <= MAX_WRITTEN:
        for (r, c), share in np.ndenumerate(shares):
            if share >= 0.005:  # smaller ones would round to 0%
                color = "white" if share > DARK else "black"
                ax.text(c, r, f"{share:.0%}", ha="center", va="center", color=color, fontsize=8)
    for r in spoke.unmatched:
        ax.text((k - 1) / 2, r, "unmatched", ha="center", va="center", fontsize=8)
    ax.set(xticks=ticks(k, MAX_TICKS_BELOW), yticks=ticks(k))
    ax.set_xlabel(f"cluster of {shown(hub)} (hub)")
    ax.set_ylabel(f"cluster of {shown(name)}")
    ax.set_title(f"{shown(name)} matched with {shown(hub)}\nconfidence {spoke.confidence:.2f}")
    return image


def _draw_confidence(ax: Any, spoke: SpokeMatching, bar_kw: Any) -> Any:
    bars = ax.inset_axes([1.03, 0, 0.25, 1], sharey=ax)
    kw = {"color": COLORS[0], "height": 0.8}
    rows = np.arange(len(spoke.mass))
    bars.barh(rows, spoke.cluster_confidence, **keywords("bar", kw, bar_kw))
    bars.axvline(0.5, color=FAINT, linestyle="--", linewidth=1)  # threshold of the warning
    bars.tick_params(labelleft=False, left=False)
    bars.set(xlim=(0, 1), xticks=[0.5, 1])
    bars.set_title("confidence", fontsize=9)
    bars.spines[["top", "right"]].set_visible(False)
    return bars
