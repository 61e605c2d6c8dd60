"""Neighbours and negative pairs of the rows of a batch."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor


class NeighborSampler:
    """Draws neighbours of rows, with probabilities proportional to the edge weights of a graph.

    ``graph`` is of shape (n, n), and every row has an edge.
    """

    def __init__(self, graph: sp.csr_matrix, device: torch.device) -> None:
        cumulative = np.r_[0.0, np.cumsum(graph.data, dtype=np.float64)]
        self._start = torch.from_numpy(graph.indptr.astype(np.int64)).to(device)
        self._column = torch.from_numpy(graph.indices.astype(np.int32)).to(device)
        # The cumulative weights start at 0 in each row: single precision could not resolve the
        # edges of a large graph otherwise, and not every device has double precision.
        offset = np.repeat(cumulative[graph.indptr[:-1]], np.diff(graph.indptr))
        self._upper = torch.from_numpy((cumulative[1:] - offset).astype(np.float32)).to(device)
        self._width = int(np.diff(graph.indptr).max())

    def draw(self, rows: Tensor, rng: torch.Generator) -> Tensor:
        """Return the row number of one neighbour of each of ``rows``, both of shape (b,)."""
        start, stop = self._start[rows], self._start[rows + 1]
        edges = start[:, None] + torch.arange(self._width, device=rows.device)
        upper = self._upper[edges.clamp(max=len(self._upper) - 1)]
        total = self._upper[stop - 1]
        u = total * torch.rand(len(rows), generator=rng, dtype=total.dtype, device=rows.device)
        n_skipped = ((upper <= u[:, None]) & (edges < stop[:, None])).sum(1)
        return self._column[torch.minimum(start + n_skipped, stop - 1)].long()


def negative_pairs(rows: Tensor, neighbors: Tensor) -> Tensor:
    """Return a mask of shape (b, b) of the pairs (row, neighbour of another row) that repel.

    ``neighbors[i]`` is the neighbour drawn for ``rows[i]``. The mask is False where a neighbour is
    the row itself or the one drawn for it.

    Examples
    --------
    >>> negative_pairs(torch.tensor([0, 1, 2]), torch.tensor([5, 5, 0]))
    tensor([[False, False, False],
            [False, False,  True],
            [ True,  True, False]])
    """
    return (rows[:, None] != neighbors) & (neighbors[:, None] != neighbors)
