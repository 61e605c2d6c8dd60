"""Auto-encoders in the principal components of their rows, where training is cheaper.

The first layer of an encoder and the last of a decoder are linear, so an auto-encoder of rows can
be turned into one of their components and back.
"""

from __future__ import annotations

from copy import deepcopy
from typing import NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..data.rows import FloatRows, Rows, rows_per_chunk
from .modules import ModalityAutoEncoder, PlainLinear


class Basis(NamedTuple):
    """Leading principal components of rows, as the columns of a (d, p) matrix, and their mean."""

    components: NDArray[np.float32]
    mean: NDArray[np.float32]

    def coordinates(self, rows: Rows, indices: NDArray[np.intp]) -> FloatRows:
        """Return the coordinates of some rows, of shape (len(indices), p)."""
        size = rows_per_chunk(rows.shape[1])
        chunks = (rows[indices[start : start + size]] for start in range(0, len(indices), size))
        return np.concatenate([(chunk - self.mean) @ self.components for chunk in chunks])

    def tensors(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Return components and mean on the device of ``like``."""
        return tuple(torch.from_numpy(x).to(like.device) for x in self)  # type: ignore[return-value]


@torch.no_grad()
def narrowed(autoencoder: ModalityAutoEncoder, basis: Basis) -> ModalityAutoEncoder:
    """Return the auto-encoder of coordinates that does what ``autoencoder`` does with rows."""
    first, last = _ends(autoencoder)
    components, mean = basis.tensors(first.weight)
    small = deepcopy(autoencoder)
    small.encoder[0] = _linear(first.weight @ components, first.bias + first.weight @ mean)
    small.decoder[-2] = _linear(components.t() @ last.weight, components.t() @ (last.bias - mean))
    return small


@torch.no_grad()
def widen_(autoencoder: ModalityAutoEncoder, small: ModalityAutoEncoder, basis: Basis) -> None:
    """Copy the weights of an auto-encoder of coordinates into one of rows.

    The decoder ends with an activation, so its last layer is only right once it is fitted again.
    """
    first, last = _ends(small)
    components, mean = basis.tensors(first.weight)
    end = f"decoder.{len(small.decoder) - 2}"
    weight = first.weight @ components.t()
    autoencoder.load_state_dict(
        small.state_dict()
        | {
            "encoder.0.weight": weight,
            "encoder.0.bias": first.bias - weight @ mean,
            f"{end}.weight": components @ last.weight,
            f"{end}.bias": components @ last.bias + mean,
        }
    )


def _ends(autoencoder: ModalityAutoEncoder) -> tuple[nn.Linear, nn.Linear]:
    return cast(nn.Linear, autoencoder.encoder[0]), cast(nn.Linear, autoencoder.decoder[-2])


def _linear(weight: Tensor, bias: Tensor) -> PlainLinear:
    linear = PlainLinear(weight.shape[1], weight.shape[0]).to(weight.device)
    linear.weight.copy_(weight)
    linear.bias.copy_(bias)
    return linear
