"""How the clusters of the modalities were matched, and how far to trust it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..alignment import SpokeMatching
from .canvas import COLORS, FAINT, fitted_estimator, keywords, one_or_all, panels, shown, ticks

MOST_NUMBERS = 12  # clusters up to which shares are written into the matrix
MOST_ACROSS = 15  # numbers below the matrix
DARK = 0.55  # shares above are written in white


class MatchingDisplay:
    """Masses that the clusters of the modalities share, and the confidence of each match.

    A panel a spoke. A row of the matrix is a cluster as that modality alone has it, a
    column one of the hub; both have the numbers of ``labels_``, so that partners meet on
    the diagonal. A row with one dark field is matched without a rival; one with several
    could as well be another of them. The bars beside are ``cluster_confidence``.

    Parameters
    ----------
    hub : str
    spokes : mapping of str to SpokeMatching
        By the spoke's name; ``matching_`` of a fitted estimator.

    Attributes
    ----------
    ax_ : Axes, or ndarray of Axes where there are several spokes
        Of the matrices.
    bar_ax_ : Axes, or ndarray of Axes
        Of the bars.
    figure_ : Figure

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
        """Draw the matching that a model was taught by.

        Parameters
        ----------
        estimator : MixedModalClustering, Pipeline or search
            Fitted.
        ax : Axes or array-like of Axes, default=None
            One a spoke; None makes a new figure.
        image_kw : dict, default=None
            Handed to :meth:`matplotlib.axes.Axes.imshow`.
        bar_kw : dict, default=None
            Handed to :meth:`matplotlib.axes.Axes.barh`.

        Returns
        -------
        MatchingDisplay

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If nothing was matched.
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
        """Draw.

        Parameters
        ----------
        ax : Axes or array-like of Axes, default=None
            One a spoke; None makes a new figure.
        image_kw : dict, default=None
            Handed to :meth:`matplotlib.axes.Axes.imshow`.
        bar_kw : dict, default=None
            Handed to :meth:`matplotlib.axes.Axes.barh`.

        Returns
        -------
        MatchingDisplay
            Itself.
        """
        self.figure_, axes = panels(ax, len(self.spokes), (6.4, 4.8))
        bars = np.empty(len(axes), dtype=object)
        for i, (name, spoke) in enumerate(self.spokes.items()):
            image = _draw_matrix(axes[i], name, self.hub, spoke, image_kw or {})
            bars[i] = _draw_confidence(axes[i], spoke, bar_kw or {})
            self.figure_.colorbar(
                image, ax=axes[i], location="bottom", shrink=0.6, label="share of the row"
            )
        self.ax_, self.bar_ax_ = one_or_all(axes), one_or_all(bars)
        return self


def _draw_matrix(ax: Any, name: str, hub: str, spoke: SpokeMatching, image_kw: Any) -> Any:
    k = len(spoke.mass)
    shares = spoke.mass / np.maximum(spoke.mass.sum(axis=1, keepdims=True), 1e-12)
    kw = {"cmap": "Blues", "vmin": 0.0, "vmax": 1.0, "interpolation": "nearest"}
    image = ax.imshow(shares, **keywords("image", kw, image_kw))
    if k <= MOST_NUMBERS:
        for (r, c), share in np.ndenumerate(shares):
            if share >= 0.005:
                color = "white" if share > DARK else "black"
                ax.text(c, r, f"{share:.0%}", ha="center", va="center", color=color, fontsize=8)
    for r in spoke.unmatched:
        ax.text((k - 1) / 2, r, "unmatched", ha="center", va="center", fontsize=8)
    ax.set(xticks=ticks(k, MOST_ACROSS), yticks=ticks(k))
    ax.set_xlabel(f"cluster of {shown(hub)} (hub)")
    ax.set_ylabel(f"cluster of {shown(name)}")
    ax.set_title(f"{shown(name)} matched with {shown(hub)}\nconfidence {spoke.confidence:.2f}")
    return image


def _draw_confidence(ax: Any, spoke: SpokeMatching, bar_kw: Any) -> Any:
    beside = ax.inset_axes([1.03, 0, 0.25, 1], sharey=ax)
    kw = {"color": COLORS[0], "height": 0.8}
    rows = np.arange(len(spoke.mass))
    beside.barh(rows, spoke.cluster_confidence, **keywords("bar", kw, bar_kw))
    beside.axvline(0.5, color=FAINT, linestyle="--", linewidth=1)  # below it the fit warns
    beside.tick_params(labelleft=False, left=False)
    beside.set(xlim=(0, 1), xticks=[0.5, 1])
    beside.set_title("confidence", fontsize=9)
    beside.spines[["top", "right"]].set_visible(False)
    return beside
