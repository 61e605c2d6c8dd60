"""Batches that hold every modality in its share of the data."""

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

FEW_ROWS_STEPS = 4  # steps that an epoch has at least, where few rows are to be seen often


@dataclass(frozen=True)
class Passes:
    """How training goes through the rows.

    Attributes
    ----------
    n_epochs, batch_size : int
    schedule : {"constant", "linear"}
        Course of the learning rate.
    max_epoch_rows : int or None
        Rows of a modality that an epoch goes through at most; None is for all.
    """

    n_epochs: int
    batch_size: int
    schedule: ScheduleName
    max_epoch_rows: int | None = None


class StratifiedBatches:
    """Endless passes over unpaired rows, by number, drawn on the device they live on.

    The paper draws batches from the mixture of all modalities. Here each batch
    holds the modalities in exactly their share of the rows, so that shapes stay
    the same from step to step and no batch is left without a modality.

    Parameters
    ----------
    n_rows : sequence of int
        Of each modality.
    batch_size : int
        Rows of all modalities together. A modality gives at least two.
    rng : torch.Generator
        Draws the order of the rows; its device is that of the numbers.
    min_steps : int, default=1
        Steps that an epoch has at least: small data are seen several times.
    max_rows : int, default=None
        Rows of a modality, on average, that an epoch goes through at most: of more, every
        epoch draws some anew. None is for all.
    processes : Processes, default=SINGLE_PROCESS
        Of several processes each gives its part of every batch.

    Attributes
    ----------
    weight : float
        The part of all rows that this process has.
    processes : Processes

    Examples
    --------
    >>> batches = StratifiedBatches([30, 10], 8, torch.Generator().manual_seed(0))
    >>> len(batches)
    5
    >>> [len(index) for index in next(iter(batches))]
    [6, 2]
    """

    def __init__(
        self,
        n_rows: Sequence[int],
        batch_size: int,
        rng: torch.Generator,
        min_steps: int = 1,
        max_rows: int | None = None,
        processes: Processes = SINGLE_PROCESS,
    ) -> None:
        everywhere: list[int] = [
            sum(ns) for ns in zip(*processes.gather(list(n_rows)), strict=True)
        ]
        total = sum(everywhere)
        self.n_rows = list(n_rows)
        self.processes = processes
        self.weight = sum(n_rows) / total
        self.rng = rng
        self.sizes = [min(n, max(2, round(batch_size * n / total))) for n in n_rows]
        rows = total if max_rows is None else min(total, max_rows * len(n_rows))
        self.n_steps = max(min_steps, -(-rows // batch_size))

    def __len__(self) -> int:
        """Count the steps of one epoch."""
        return self.n_steps

    def __iter__(self) -> Iterator[list[Tensor]]:
        """Yield one epoch: per step a list with the row numbers of each modality."""
        rows = [
            self._shuffled_rows(n, size) for n, size in zip(self.n_rows, self.sizes, strict=True)
        ]
        for step in range(self.n_steps):
            yield [
                index[step * size : (step + 1) * size]
                for index, size in zip(rows, self.sizes, strict=True)
            ]

    def _shuffled_rows(self, n_rows: int, size: int) -> Tensor:
        # As many permutations as the epoch's steps use up; a small modality is seen again.
        needed = self.n_steps * size
        return torch.cat(
            [
                torch.randperm(n_rows, generator=self.rng, device=self.rng.device)
                for _ in range(-(-needed // n_rows))
            ]
        )


class BatchedRows(Protocol):
    """A tensor of shape (n, d), or what gives rows by their numbers like one."""

    def __len__(self) -> int:
        """Count the rows."""

    def __getitem__(self, index: Tensor) -> Tensor:
        """Return the rows with these numbers, on the device that trains."""


class RowReader:
    """Rows that are read where they lie and brought to the device when a batch asks for them.

    Parameters
    ----------
    rows : Rows of shape (n, d)
    device : torch.device

    Examples
    --------
    >>> reader = RowReader(np.eye(3, dtype=np.float32), torch.device("cpu"))
    >>> reader[torch.tensor([2, 0])]
    tensor([[0., 0., 1.],
            [1., 0., 0.]])
    """

    def __init__(self, rows: Rows, device: torch.device) -> None:
        self._rows, self._device = rows, device

    def __len__(self) -> int:
        """Count the rows."""
        return len(self._rows)

    def __getitem__(self, index: Tensor) -> Tensor:
        """Return the rows with these numbers, on the device."""
        return torch.from_numpy(self._rows[index.cpu().numpy()]).to(self._device)


def on_device(rows: Rows, device: torch.device) -> BatchedRows:
    """Bring an array to the device; leave what is larger where it is.

    Parameters
    ----------
    rows : Rows of shape (n, d)
    device : torch.device

    Returns
    -------
    BatchedRows
        A tensor where ``rows`` is an array.

    Examples
    --------
    >>> on_device(np.zeros((2, 1), dtype=np.float32), torch.device("cpu")).shape
    torch.Size([2, 1])
    """
    if isinstance(rows, np.ndarray):
        return torch.from_numpy(rows).to(device)
    return RowReader(rows, device)
