"""What the peers written here from their papers share."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from .interface import Matrix


def tensors(*blocks: Matrix) -> list[Tensor]:
    """Blocks in single precision."""
    return [torch.as_tensor(np.asarray(X), dtype=torch.float32) for X in blocks]


def mixed_batches(
    sizes: tuple[int, int], batch_size: int, rng: np.random.RandomState
) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch of batches drawn from the mixture: row numbers in A and in B.

    Both have two rows or more, as batch norm and contrasts need.
    """
    order = rng.permutation(sum(sizes))
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        a, b = batch[batch < sizes[0]], batch[batch >= sizes[0]] - sizes[0]
        if min(len(a), len(b)) > 1:
            yield torch.as_tensor(a), torch.as_tensor(b)


def perceptron(*widths: int, batch_norm: bool = False, dropout: float = 0.0) -> nn.Sequential:
    """Linear layers, each followed by a ReLU."""
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(widths):
        layers.append(nn.Linear(n_in, n_out))
        if batch_norm:
            layers.append(nn.BatchNorm1d(n_out))
        layers.append(nn.ReLU())
        if dropout:
            layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers)
