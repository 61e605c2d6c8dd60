"""Trained networks applied to any number of rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ..data.rows import FloatRows, Rows

CHUNK = 512


def apply_in_chunks(
    function: Callable[[Tensor], Tensor], x: Rows, device: torch.device
) -> FloatRows:
    """Apply ``function`` to blocks of rows and stack what comes back.

    Every call of ``function`` gets exactly 512 rows, the last padded with zeros, as
    matrix products round differently for other numbers of rows. For some widths they
    do so for other places among the rows too: to the rounding of single precision, and
    no further, a row's result may depend on the rows that it came with.

    Parameters
    ----------
    function : callable
        Maps a tensor of shape (512, d) to one of shape (512, c), row by row.
    x : Rows of shape (n, d)
    device : torch.device
        Where ``function`` wants its rows.

    Returns
    -------
    ndarray of shape (n, c)

    Examples
    --------
    >>> import numpy as np
    >>> apply_in_chunks(lambda t: t[:, :1] + 1, np.zeros((3, 2), np.float32), torch.device("cpu"))
    array([[1.],
           [1.],
           [1.]], dtype=float32)
    """
    outputs = []
    with torch.no_grad():
        for start in range(0, max(len(x), 1), CHUNK):
            rows = x[start : start + CHUNK]
            full = torch.zeros(CHUNK, x.shape[1], dtype=torch.float32, device=device)
            full[: len(rows)] = torch.from_numpy(rows).to(device)
            outputs.append(function(full)[: len(rows)].cpu().numpy())
    return np.concatenate(outputs)
