"""Trained networks applied to any number of rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..data.rows import FloatRows, Rows

CHUNK = 512
FEW = 32  # rows up to which a smaller batch does: one row alone is to take no time to speak of


def apply_in_chunks(
    function: Callable[[Tensor], Tensor], x: Rows, device: torch.device
) -> FloatRows:
    """Apply ``function`` to blocks of rows and stack what comes back.

    Every call of ``function`` gets exactly 512 rows, the last padded with zeros, as
    matrix products round differently for other numbers of rows; up to 32 rows alone get 32.
    For some widths they round differently for other places among the rows too: to the
    rounding of single precision, and no further, a row's result may depend on the rows that
    it came with.

    Parameters
    ----------
    function : callable
        Maps a tensor of shape (512, d), or (32, d), to one with as many rows, row by row,
        and leaves it as it is: it may be the memory of ``x``.
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
    size = FEW if len(x) <= FEW else CHUNK
    whole: FloatRows | None = None  # of a width that the first output tells
    with torch.no_grad():
        for start in range(0, max(len(x), 1), size):
            rows = torch.from_numpy(x[start : start + size]).to(device)
            missing = size - len(rows)
            output = function(F.pad(rows, (0, 0, 0, missing)) if missing else rows)
            if whole is None:
                whole = np.empty((len(x), output.shape[1]), dtype=np.float32)
            whole[start : start + len(rows)] = output[: len(rows)].cpu().numpy()
    assert whole is not None
    return whole
