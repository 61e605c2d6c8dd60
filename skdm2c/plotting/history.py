"""Display of the losses in each phase of training."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..training import Record, losses_of
from .canvas import COLORS, fitted_estimator, keywords, one_or_all, panels, shown

# Symbols and equation numbers are those of the paper.
SYMBOLS = {
    "reconstruction": r"reconstruction, $L_{rec}$ (1)",
    "cycle": r"cycle consistency, $L_{cyc}$ (2)",
    "adversarial": r"adversarial, $L_{adv}$ (3)",
    "cycle_reconstruction": "reconstruction of cycled latents",
    "neighbors": "neighbours",
    "transport": "distance to matched targets",
    "translation": "translation of coupled rows",
}
STYLES = ("-", "--", ":", "-.")


class TrainingHistoryDisplay:
    """Losses of every training phase by epoch.

    Each phase has a panel. Colours distinguish the modalities (or generators, "a to b") and line
    styles the losses; if a phase trains all modalities together, colours distinguish the losses.
    The adversarial loss measures how well the discriminators distinguish latents that were
    mapped into a modality from the modality's own: near 0 they cannot.

    Parameters
    ----------
    history : list of dict
        One record for each epoch of each phase, such as ``history_`` of a fitted estimator.

    Attributes
    ----------
    ax_ : Axes or ndarray of Axes
        Axes of the panels; an array if there are several phases.
    figure_ : Figure
        Figure that contains the panels.

    Examples
    --------
    >>> records = [{"phase": "pretraining", "modality": "rna", "epoch": e, "n_epochs": 2,
    ...             "seconds": e + 1.0, "reconstruction": 1 / (e + 1)} for e in range(2)]
    >>> TrainingHistoryDisplay(records).plot().ax_.get_title()
    'pretraining'
    """

    def __init__(self, history: Iterable[Record]) -> None:
        self.history = list(history)

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, ax: Any = None, line_kw: dict[str, Any] | None = None
    ) -> TrainingHistoryDisplay:
        """Plot the ``history_`` of a fitted estimator.

        Parameters
        ----------
        estimator : MixedModalClustering, Pipeline or search
            Fitted estimator, or a fitted Pipeline or search that ends with one.
        ax : Axes or array-like of Axes, default=None
            Axes to plot on, one for each phase. If None, a new figure is created.
        line_kw : dict, default=None
            Keyword arguments passed to :meth:`matplotlib.axes.Axes.plot`.

        Returns
        -------
        TrainingHistoryDisplay
            Display that stores the axes and the records.

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        """
        return cls(fitted_estimator(estimator).history_).plot(ax=ax, line_kw=line_kw)

    def plot(
        self, ax: Any = None, *, line_kw: dict[str, Any] | None = None
    ) -> TrainingHistoryDisplay:
        """Plot the losses.

        Parameters
        ----------
        ax : Axes or array-like of Axes, default=None
            Axes to plot on, one for each phase. If None, a new figure is created.
        line_kw : dict, default=None
            Keyword arguments passed to :meth:`matplotlib.axes.Axes.plot`.

        Returns
        -------
        TrainingHistoryDisplay
            The display itself.

        Raises
        ------
        ValueError
            If the history has no epochs.
        """
        phases = list(dict.fromkeys(record["phase"] for record in self.history))
        if not phases:
            raise ValueError("history is empty: no phase of this model had an epoch.")
        columns = min(len(phases), 2)
        rows = -(-len(phases) // columns)
        self.figure_, axes = panels(ax, len(phases), (5.6, 3.6), (rows, columns))
        for panel, phase in zip(axes, phases, strict=True):
            records = [record for record in self.history if record["phase"] == phase]
            _draw_phase(panel, records, line_kw or {})
            panel.set_title(phase)
        self.ax_ = one_or_all(axes)
        return self


def _draw_phase(ax: Any, records: list[Record], line_kw: dict[str, Any]) -> None:
    subjects = list(dict.fromkeys(record.get("modality") for record in records))
    names = list(dict.fromkeys(name for record in records for name in losses_of(record)))
    joint = subjects == [None]  # the phase trains all modalities together
    for s, subject in enumerate(subjects):
        subject_records = [record for record in records if record.get("modality") == subject]
        for i, name in enumerate(names):
            title = SYMBOLS.get(name, shown(name))
            label = title if joint else f"{shown(str(subject))}: {title}"
            kw = {
                "label": label,
                "color": COLORS[(i if joint else s) % len(COLORS)],
                "linestyle": STYLES[i % len(STYLES)],
                "marker": "." if len(subject_records) == 1 else "",
            }
            values = [losses_of(record).get(name, np.nan) for record in subject_records]
            epochs = [record["epoch"] + 1 for record in subject_records]
            ax.plot(epochs, values, **keywords("line", kw, line_kw))
    if any(min(losses_of(record).values()) < 0 for record in records):
        ax.axhline(0, color="black", linewidth=0.5)
    ax.set(xlabel="epoch", ylabel="mean loss")
    columns = 1 if len(names) * len(subjects) == 1 else 2
    ax.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, -0.16),
        ncols=columns,
        fontsize=8,
        frameon=False,
    )
    ax.spines[["top", "right"]].set_visible(False)
