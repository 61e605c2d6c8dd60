"""Neighbours drawn for a batch, and which of its pairs are none."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor


class NeighborSampler:
    """Draws a neighbour of each row, in proportion to the weights of a graph's edges.

    Parameters
    ----------
    graph : sparse matrix of shape (n, n)
        CSR; every row has an edge.
    device : torch.device

    Examples
    --------
    >>> chain = sp.csr_matrix(np.array([[0, 1, 0], [1, 0, 0], [0, 1, 0]]))
    >>> sampler = NeighborSampler(chain, torch.device("cpu"))
    >>> sampler.draw(torch.tensor([0, 2]), torch.Generator().manual_seed(0))
    tensor([1, 1])
    """

    def __init__(self, graph: sp.csr_matrix, device: torch.device) -> None:
        cumulative = np.r_[0.0, np.cumsum(graph.data, dtype=np.float64)]
        self._start = torch.from_numpy(graph.indptr.astype(np.int64)).to(device)
        self._column = torch.from_numpy(graph.indices.astype(np.int32)).to(device)
        # Single precision would blur the edges of large graphs; not every device has double.
        offset = np.repeat(cumulative[graph.indptr[:-1]], np.diff(graph.indptr))
        self._upper = torch.from_numpy((cumulative[1:] - offset).astype(np.float32)).to(device)
        self._width = int(np.diff(graph.indptr).max())

    def draw(self, rows: Tensor, rng: torch.Generator) -> Tensor:
        """Return the number of a neighbour of each of ``rows``, shape (b,)."""
        start, stop = self._start[rows], self._start[rows + 1]
        edges = start[:, None] + torch.arange(self._width, device=rows.device)
        upper = self._upper[edges.clamp(max=len(self._upper) - 1)]
        total = self._upper[stop - 1]
        u = total * torch.rand(len(rows), generator=rng, dtype=total.dtype, device=rows.device)
        passed = ((upper <= u[:, None]) & (edges < stop[:, None])).sum(1)
        return self._column[torch.minimum(start + passed, stop - 1)].long()


def negative_pairs(rows: Tensor, neighbors: Tensor) -> Tensor:
    """Pairs (row, neighbour of another row) that are to stay apart in the latent space.

    Parameters
    ----------
    rows, neighbors : Tensor of int of shape (b,)
        The r-th neighbour belongs to the r-th row.

    Returns
    -------
    Tensor of bool of shape (b, b)
        False where the neighbour is the row itself, or one that the row was drawn with.

    Examples
    --------
    >>> negative_pairs(torch.tensor([0, 1, 2]), torch.tensor([5, 5, 0]))
    tensor([[False, False, False],
            [False, False,  True],
            [ True,  True, False]])
    """
    return (rows[:, None] != neighbors) & (neighbors[:, None] != neighbors)
