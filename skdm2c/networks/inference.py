"""Apply trained networks to any number of rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..data.rows import FloatRows, Rows

CHUNK = 512
SMALL_CHUNK = 32  # used for at most as many rows, so that predicting a single row is fast


def apply_in_chunks(
    function: Callable[[Tensor], Tensor], x: Rows, device: torch.device
) -> FloatRows:
    """Apply a row-wise ``function`` to ``x`` of shape (n, d) and return an array of shape (n, c).

    ``function`` gets chunks of shape (512, d), or (32, d) if n <= 32, the last one padded with
    zeros. It must not write to its input, which may share memory with ``x``.
    """
    # Chunks have a fixed size because matrix products round differently for other numbers of
    # rows. For some widths the rounding also depends on the position within the chunk, so a
    # row's result may depend on the other rows, up to single-precision rounding.
    size = SMALL_CHUNK if len(x) <= SMALL_CHUNK else CHUNK
    stacked: FloatRows | None = None  # allocated once the first output tells the width
    with torch.no_grad():
        for start in range(0, max(len(x), 1), size):
            rows = torch.from_numpy(x[start : start + size]).to(device)
            n_padding = size - len(rows)
            output = function(F.pad(rows, (0, 0, 0, n_padding)) if n_padding else rows)
            if stacked is None:
                stacked = np.empty((len(x), output.shape[1]), dtype=np.float32)
            stacked[start : start + len(rows)] = output[: len(rows)].cpu().numpy()
    return cast(FloatRows, stacked)
