"""How the losses went in each phase of training."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..training import Record, losses_of
from .canvas import COLORS, fitted_estimator, keywords, one_or_all, panels, shown

# The paper's names where it has one.
SYMBOLS = {
    "reconstruction": r"reconstruction, $L_{rec}$ (1)",
    "cycle": r"cycle consistency, $L_{cyc}$ (2)",
    "adversarial": r"adversarial, $L_{adv}$ (3)",
    "cycle_reconstruction": "reconstruction of cycled latents",
    "neighbors": "neighbours",
    "transport": "taught by the matching",
    "translation": "translation of coupled rows",
}
STYLES = ("-", "--", ":", "-.")


class TrainingHistoryDisplay:
    """Losses of every phase, epoch by epoch.

    A panel a phase. Colours tell the modalities (or generators, "a to b") apart, dashes the
    losses; where a loss is that of all modalities together, colours tell the losses apart.
    The adversarial loss is how well the discriminators tell latents that were mapped into a
    modality from its own: near 0 they cannot.

    Parameters
    ----------
    history : list of dict
        One record an epoch and phase; ``history_`` of a fitted estimator.

    Attributes
    ----------
    ax_ : Axes, or ndarray of Axes where there are several phases
    figure_ : Figure

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
        """Draw the ``history_`` of a model.

        Parameters
        ----------
        estimator : MixedModalClustering, Pipeline or search
            Fitted.
        ax : Axes or array-like of Axes, default=None
            One a phase; None makes a new figure.
        line_kw : dict, default=None
            Handed to :meth:`matplotlib.axes.Axes.plot`.

        Returns
        -------
        TrainingHistoryDisplay

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        """
        return cls(fitted_estimator(estimator).history_).plot(ax=ax, line_kw=line_kw)

    def plot(
        self, ax: Any = None, *, line_kw: dict[str, Any] | None = None
    ) -> TrainingHistoryDisplay:
        """Draw.

        Parameters
        ----------
        ax : Axes or array-like of Axes, default=None
            One a phase; None makes a new figure.
        line_kw : dict, default=None
            Handed to :meth:`matplotlib.axes.Axes.plot`.

        Returns
        -------
        TrainingHistoryDisplay
            Itself.

        Raises
        ------
        ValueError
            If there was no epoch.
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
    alone = subjects == [None]
    for s, subject in enumerate(subjects):
        of_it = [record for record in records if record.get("modality") == subject]
        for i, name in enumerate(names):
            title = SYMBOLS.get(name, shown(name))
            label = title if alone else f"{shown(str(subject))}: {title}"
            kw = {
                "label": label,
                "color": COLORS[(i if alone else s) % len(COLORS)],
                "linestyle": STYLES[i % len(STYLES)],
                "marker": "." if len(of_it) == 1 else "",
            }
            values = [losses_of(record).get(name, np.nan) for record in of_it]
            epochs = [record["epoch"] + 1 for record in of_it]
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
