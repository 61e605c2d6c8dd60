"""Least squares for the last layer of a network, in closed form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..networks.modules import LEAKY_SLOPE
from .regression import Examples

N_ITERATIONS = 6
CHUNK_ELEMENTS = 2**18  # numbers of the targets that are processed at once, in the cache


@torch.no_grad()
def fit_last_layer(network: nn.Sequential, examples: Sequence[Examples], ridge: float) -> None:
    """Fit the last layer of a network that ends with a linear layer and a leaky rectifier.

    The other layers are left as they are. The mean squared error of each of the examples counts
    with its weight. ``ridge`` is a penalty relative to the mean variance of the features.
    """
    *body, layer, _ = network
    last = cast(nn.Linear, layer)
    inputs, targets = (
        [rows[torch.arange(len(rows), device=last.weight.device)] for rows in sets]
        for sets in zip(*((e.inputs, e.targets) for e in examples), strict=True)
    )
    features = torch.cat([nn.Sequential(*body)(x) for x in inputs])
    weights = torch.cat(
        [x.new_full((len(x), 1), e.weight / len(x)) for x, e in zip(inputs, examples, strict=True)]
    )
    weights /= weights.sum()
    mean = (weights * features).sum(dim=0)
    features -= mean
    solve = _ridge_inverse(features, weights, ridge) @ (features * weights).t()
    size = max(1, CHUNK_ELEMENTS // len(features))
    for start in range(0, last.out_features, size):
        columns = slice(start, start + size)
        x = torch.cat([rows[:, columns] for rows in targets])
        weight, bias = _fit_columns(x, features, weights, solve)
        last.weight[columns] = weight.t()
        last.bias[columns] = bias - mean @ weight


def _fit_columns(
    x: Tensor, features: Tensor, weights: Tensor, solve: Tensor
) -> tuple[Tensor, Tensor]:
    # The slope of the rectifier is at most one, so the quadratic with the curvature of the linear
    # problem majorises the loss, and its minimum is a step downhill (Böhning & Lindsay, 1988).
    # The steps are accelerated by Nesterov's momentum.
    target = torch.where(x < 0, x / LEAKY_SLOPE, x)  # exact if the rectifier's inputs can be met
    weight, bias = solve @ target, (weights * target).sum(dim=0)
    previous_weight, previous_bias = weight, bias
    for i in range(N_ITERATIONS):
        momentum = i / (i + 3)
        y = torch.addmm(
            bias + momentum * (bias - previous_bias),
            features,
            weight + momentum * (weight - previous_weight),
        )
        error = x - F.leaky_relu(y, LEAKY_SLOPE)
        target = y + torch.where(y < 0, LEAKY_SLOPE * error, error)
        previous_weight, previous_bias = weight, bias
        weight, bias = solve @ target, (weights * target).sum(dim=0)
    return weight, bias


def _ridge_inverse(features: Tensor, weights: Tensor, ridge: float) -> Tensor:
    # In double precision, and so on the CPU, as not every device has it.
    gram = (features.t() @ (features * weights)).cpu().double()
    gram.diagonal().add_(ridge * gram.diagonal().mean().clamp(min=1e-12))
    inverse: Tensor = torch.linalg.inv(gram).float().to(features.device)
    return inverse
