"""Batches that hold every modality in its share of the data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor


class StratifiedBatches:
    """Endless passes over unpaired blocks, drawn on the device they live on.

    The paper draws batches from the mixture of all modalities. Here each batch
    holds the modalities in exactly their share of the rows, so that shapes stay
    the same from step to step and no batch is left without a modality.

    Parameters
    ----------
    blocks : sequence of Tensor, the m-th of shape (n_m, d_m)
        Row-aligned within a block only; all on the device of ``generator``.
    batch_size : int
        Rows of all modalities together. A modality gives at least two.
    generator : torch.Generator
        Draws the order of the rows.

    Examples
    --------
    >>> blocks = [torch.zeros(30, 2), torch.zeros(10, 3)]
    >>> batches = StratifiedBatches(blocks, 8, torch.Generator().manual_seed(0))
    >>> len(batches)
    5
    >>> [tuple(x.shape) for x in next(iter(batches))]
    [(6, 2), (2, 3)]
    """

    def __init__(
        self, blocks: Sequence[Tensor], batch_size: int, generator: torch.Generator
    ) -> None:
        n_rows = sum(len(block) for block in blocks)
        self.blocks = list(blocks)
        self.generator = generator
        self.sizes = [
            min(len(block), max(2, round(batch_size * len(block) / n_rows))) for block in blocks
        ]
        self.n_steps = max(1, -(-n_rows // batch_size))

    def __len__(self) -> int:
        """Count the steps of one epoch."""
        return self.n_steps

    def __iter__(self) -> Iterator[list[Tensor]]:
        """Yield one epoch: per step a list with one tensor a modality."""
        rows = [
            self._shuffled_rows(len(block), size)
            for block, size in zip(self.blocks, self.sizes, strict=True)
        ]
        for step in range(self.n_steps):
            yield [
                block.index_select(0, index[step * size : (step + 1) * size])
                for block, index, size in zip(self.blocks, rows, self.sizes, strict=True)
            ]

    def _shuffled_rows(self, n_rows: int, size: int) -> Tensor:
        # As many permutations as the epoch's steps use up; a small modality is seen again.
        needed = self.n_steps * size
        return torch.cat(
            [
                torch.randperm(n_rows, generator=self.generator, device=self.generator.device)
                for _ in range(-(-needed // n_rows))
            ]
        )
