"""Batches in which each modality has its proportion of the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from ..data.rows import Rows
from ..runtime.processes import SINGLE_PROCESS, Processes

ScheduleName = Literal["constant", "linear"]

MIN_STEPS = 4  # per epoch, so that small datasets are gone through several times


@dataclass(frozen=True)
class Passes:
    """Number of epochs, batch size and learning rate schedule of a phase."""

    n_epochs: int
    batch_size: int
    schedule: ScheduleName
    max_epoch_rows: int | None = None  # maximum number of rows per modality; None uses all


class StratifiedBatches:
    """Iterable over the batches of one epoch: per step, row numbers of each modality.

    Each batch holds about ``batch_size`` rows and at least two of each modality. ``max_rows`` is
    the maximum of rows per modality and epoch, on average; larger data are subsampled anew in
    every epoch. ``weight`` is the proportion of all rows that this process holds.
    """

    # The paper draws batches from the mixture of all modalities. Fixed proportions keep the
    # shapes the same from step to step, and no batch lacks a modality.

    def __init__(
        self,
        n_rows: Sequence[int],
        batch_size: int,
        rng: torch.Generator,
        min_steps: int = 1,
        max_rows: int | None = None,
        processes: Processes = SINGLE_PROCESS,
    ) -> None:
        rows_per_modality: list[int] = [
            sum(ns) for ns in zip(*processes.gather(list(n_rows)), strict=True)
        ]
        total = sum(rows_per_modality)
        self.n_rows = list(n_rows)
        self.processes = processes
        self.weight = sum(n_rows) / total
        self.rng = rng
        self.sizes = [min(n, max(2, round(batch_size * n / total))) for n in n_rows]
        rows = total if max_rows is None else min(total, max_rows * len(n_rows))
        self.n_steps = max(min_steps, -(-rows // batch_size))

    def __len__(self) -> int:
        """Return the number of steps per epoch."""
        return self.n_steps

    def __iter__(self) -> Iterator[list[Tensor]]:
        """Yield, for each step of one epoch, a list of the row numbers of each modality."""
        rows = [
            self._shuffled_rows(n, size) for n, size in zip(self.n_rows, self.sizes, strict=True)
        ]
        for step in range(self.n_steps):
            yield [
                index[step * size : (step + 1) * size]
                for index, size in zip(rows, self.sizes, strict=True)
            ]

    def _shuffled_rows(self, n_rows: int, size: int) -> Tensor:
        # Several permutations if the modality is too small for all steps of the epoch.
        n_needed = self.n_steps * size
        return torch.cat(
            [
                torch.randperm(n_rows, generator=self.rng, device=self.rng.device)
                for _ in range(-(-n_needed // n_rows))
            ]
        )


class BatchedRows(Protocol):
    """Rows that can be indexed by their numbers, such as a tensor of shape (n, d)."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def __getitem__(self, index: Tensor) -> Tensor:
        """Return the rows with these numbers, on the device of the networks."""


class RowReader:
    """Rows that are read from their source, and copied to the device, for each batch."""

    def __init__(self, rows: Rows, device: torch.device) -> None:
        self._rows, self._device = rows, device

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    def __getitem__(self, index: Tensor) -> Tensor:
        """Return the rows with these numbers, on the device."""
        return torch.from_numpy(self._rows[index.cpu().numpy()]).to(self._device)


def on_device(rows: Rows, device: torch.device) -> BatchedRows:
    """Return an array as a tensor on the device, and other rows as a reader of batches."""
    if isinstance(rows, np.ndarray):
        return torch.from_numpy(rows).to(device)
    return RowReader(rows, device)
