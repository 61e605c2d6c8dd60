"""Optimisers by name, in the fastest form the device has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import nn

from .._device import has_fused_adam

OptimizerName = Literal["adam", "rmsprop"]


def make_optimizer(
    name: OptimizerName,
    modules_and_rates: Iterable[tuple[nn.Module, float]],
    weight_decay: float = 0.0,
) -> torch.optim.Optimizer:
    """Build one optimiser over modules with a learning rate each.

    Parameters
    ----------
    name : {"adam", "rmsprop"}
        Adam runs with the authors' β₁ = 0.5.
    modules_and_rates : iterable of (Module, float)
    weight_decay : float, default=0.0
        Weight of the squared norm of the parameters.

    Returns
    -------
    torch.optim.Optimizer

    Examples
    --------
    >>> opt = make_optimizer("rmsprop", [(nn.Linear(2, 1), 1e-3)])
    >>> opt.param_groups[0]["lr"]
    0.001
    """
    groups: list[dict[str, Any]] = [
        {"params": list(module.parameters()), "lr": rate} for module, rate in modules_and_rates
    ]
    if name == "rmsprop":  # has no fused form; PyTorch picks the foreach one where that is faster
        return torch.optim.RMSprop(groups, weight_decay=weight_decay)
    fused = has_fused_adam(groups[0]["params"][0].device)
    return torch.optim.Adam(groups, betas=(0.5, 0.999), weight_decay=weight_decay, fused=fused)
