"""Rows that training reads a batch at a time."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ..data.rows import Rows


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
