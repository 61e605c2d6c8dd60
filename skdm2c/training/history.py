"""What happened in training, epoch by epoch, and the check that it went well."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from ..exceptions import TrainingDivergedError

_LIKELY_CAUSE = {
    "pretraining": (
        "Likely cause: pretrain_learning_rate is too high, or the inputs are very large "
        "(keep standardize=True)."
    ),
    "alignment": ("Likely cause: pretrain_learning_rate, which this phase uses too, is too high."),
    "decoding": "Likely cause: pretrain_learning_rate, which this phase uses too, is too high.",
    "adversarial": (
        "Likely cause: generator_learning_rate, autoencoder_learning_rate or "
        "discriminator_learning_rate is too high, or the discriminators are unbounded "
        "(set lipschitz)."
    ),
}


class TrainingHistory:
    """Records one dict an epoch and phase, stops a diverged training, reports progress.

    Parameters
    ----------
    verbose : int, default=0
        0 is silent, 1 reports about five epochs a phase, 2 reports all.
    report : callable, default=print
        Takes one line of text.
    on_epoch : callable, default=None
        Takes each record as it is made, and returns whether to end the phase there.

    Attributes
    ----------
    records : list of dict
        Keys ``phase``, ``epoch``, ``seconds`` since the start, and the losses.

    Examples
    --------
    >>> history = TrainingHistory(verbose=1)
    >>> history.record("pretraining", 0, 1, {"reconstruction": 0.5}, modality="a")
    pretraining a     1/1   reconstruction 0.5000
    False
    >>> history.records[0]["reconstruction"]
    0.5
    """

    def __init__(
        self,
        verbose: int = 0,
        report: Callable[[str], object] = print,
        on_epoch: Callable[[dict[str, Any]], bool] | None = None,
    ) -> None:
        self.verbose = verbose
        self.report = report
        self.on_epoch = on_epoch
        self.records: list[dict[str, Any]] = []
        self._start = time.perf_counter()

    def check(self, phase: str, name: str, value: float, **where: str) -> None:
        """Stop a training that has diverged.

        Parameters
        ----------
        phase : {"pretraining", "alignment", "adversarial", "decoding"}
        name : str
            What the value is.
        value : float
        **where : str
            What the phase was about.

        Raises
        ------
        TrainingDivergedError
            If the value is NaN or infinite.
        """
        if not math.isfinite(value):
            about = "".join(f" of {key} {what!r}" for key, what in where.items())
            epoch = sum(r["phase"] == phase and where.items() <= r.items() for r in self.records)
            raise TrainingDivergedError(
                f"The {name} became {value} in epoch {epoch} of the {phase} phase{about}. "
                f"{_LIKELY_CAUSE[phase]}"
            )

    def record(
        self, phase: str, epoch: int, n_epochs: int, losses: Mapping[str, float], **where: str
    ) -> bool:
        """Note the losses of one epoch.

        Parameters
        ----------
        phase : {"pretraining", "alignment", "adversarial", "decoding"}
        epoch, n_epochs : int
            Which epoch this was, counted from 0, and of how many.
        losses : mapping of str to float
            Means over the epoch.
        **where : str
            What the phase was about, such as ``modality="rna"``.

        Returns
        -------
        bool
            Whether the phase is to end here.

        Raises
        ------
        TrainingDivergedError
            If a loss is NaN or infinite.
        """
        seconds = time.perf_counter() - self._start
        self.records.append({"phase": phase, **where, "epoch": epoch, "seconds": seconds, **losses})
        for name, value in losses.items():
            self.check(phase, f"{name} loss", value, **where)
        every = 1 if self.verbose > 1 else max(1, n_epochs // 5)
        if self.verbose and ((epoch + 1) % every == 0 or epoch + 1 == n_epochs):
            title = " ".join([phase, *where.values()])
            values = "  ".join(f"{name} {value:.4f}" for name, value in losses.items())
            self.report(f"{title:<16}{epoch + 1:>3}/{n_epochs:<3} {values}")
        return self.on_epoch is not None and self.on_epoch(self.records[-1])
