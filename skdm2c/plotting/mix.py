"""Display of the proportion of each modality in each cluster."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .canvas import COLORS, fitted_estimator, keywords, one_or_all, panels, shown, ticks

MAX_SIZES = 30  # clusters up to which the numbers of rows are written


class ModalityMixDisplay:
    """Proportion of each modality in each cluster.

    A cluster that means the same in all modalities, and is as frequent in each, contains the
    modalities in the proportions that they have over all rows: the dashed lines. A cluster with
    rows of a single modality either exists in that modality only or was not matched.

    Parameters
    ----------
    counts : ndarray of int of shape (n_clusters, n_modalities)
        Number of rows of each modality in each cluster.
    modality_names : sequence of str
        Names of the modalities.

    Attributes
    ----------
    ax_ : Axes
        Axes of the bars.
    figure_ : Figure
        Figure that contains the axes.

    See Also
    --------
    UnifiedSpaceDisplay : Scatter plot of the rows of all modalities.

    Examples
    --------
    >>> import numpy as np
    >>> display = ModalityMixDisplay(np.array([[30, 10], [60, 20]]), ["rna", "atac"]).plot()
    >>> display.ax_.get_xlabel()
    'proportion of rows'
    """

    def __init__(self, counts: NDArray[np.integer], modality_names: Any) -> None:
        self.counts = counts
        self.modality_names = modality_names

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, ax: Any = None, bar_kw: dict[str, Any] | None = None
    ) -> ModalityMixDisplay:
        """Plot the clusters of the rows of the fit.

        Parameters
        ----------
        estimator : MixedModalClustering, Pipeline or search
            Fitted estimator, or a fitted Pipeline or search that ends with one.
        ax : Axes, default=None
            Axes to plot on. If None, a new figure is created.
        bar_kw : dict, default=None
            Keyword arguments passed to :meth:`matplotlib.axes.Axes.barh`.

        Returns
        -------
        ModalityMixDisplay
            Display that stores the axes and the counts.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        """
        model = fitted_estimator(estimator)
        names = model.modality_names_
        return cls.from_labels(
            model.labels_, model.modality_, names, n_clusters=len(model.cluster_centers_)
        ).plot(ax=ax, bar_kw=bar_kw)

    @classmethod
    def from_labels(
        cls, labels: Any, modality: Any, modality_names: Any, n_clusters: int
    ) -> ModalityMixDisplay:
        """Create a display from labels, without plotting it.

        Parameters
        ----------
        labels : ndarray of int of shape (n,)
            Cluster of each row, from 0 to ``n_clusters`` - 1.
        modality : ndarray of str of shape (n,)
            Modality of each row.
        modality_names : sequence of str
            Names of the modalities, in the order of the bars.
        n_clusters : int
            Number of clusters.

        Returns
        -------
        ModalityMixDisplay
            Display that stores the counts; call ``plot`` to draw it.

        Examples
        --------
        >>> display = ModalityMixDisplay.from_labels([0, 0, 1], ["a", "b", "b"], "ab", 2)
        >>> display.counts
        array([[1, 1],
               [0, 1]])
        """
        labels, modality = np.asarray(labels), np.asarray(modality)
        counts = [np.bincount(labels[modality == m], minlength=n_clusters) for m in modality_names]
        return cls(np.stack(counts, axis=1), modality_names)

    def plot(self, ax: Any = None, *, bar_kw: dict[str, Any] | None = None) -> ModalityMixDisplay:
        """Plot the bars.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to plot on. If None, a new figure is created.
        bar_kw : dict, default=None
            Keyword arguments passed to :meth:`matplotlib.axes.Axes.barh`.

        Returns
        -------
        ModalityMixDisplay
            The display itself.
        """
        k = len(self.counts)
        height = 1.4 + 0.28 * min(k, 20) + 0.06 * max(k - 20, 0)
        self.figure_, axes = panels(ax, 1, (6.4, max(height, 2.6)))
        self.ax_ = one_or_all(axes)
        sizes = self.counts.sum(axis=1)
        shares = self.counts / np.maximum(sizes, 1)[:, None]
        ends = np.cumsum(shares, axis=1)
        for m, name in enumerate(self.modality_names):
            kw = {
                "left": ends[:, m] - shares[:, m],
                "label": shown(name),
                "color": COLORS[m % len(COLORS)],
                "edgecolor": "white",
                "linewidth": 0.5,
            }
            self.ax_.barh(np.arange(k), shares[:, m], **keywords("bar", kw, bar_kw or {}))
        expected = np.cumsum(self.counts.sum(axis=0) / max(self.counts.sum(), 1))
        for m, end in enumerate(expected[:-1]):
            label = "expected if all clusters were alike" if m == 0 else None
            self.ax_.axvline(end, color="black", linestyle="--", linewidth=1.2, label=label)
        self.ax_.set(xlim=(0, 1), ylim=(k - 0.5, -0.5), xlabel="proportion of rows")
        self.ax_.set_ylabel("cluster")
        self.ax_.set_yticks(ticks(k))
        if k <= MAX_SIZES:
            size_axis = self.ax_.secondary_yaxis("right")
            size_axis.set_yticks(np.arange(k), [f"{size:,}" for size in sizes])
            size_axis.set_ylabel("rows")
            size_axis.tick_params(length=0)
        self.ax_.legend(
            loc="lower left",
            bbox_to_anchor=(0, 1),
            ncols=2,
            frameon=False,
            borderaxespad=0.2,
        )
        return self
