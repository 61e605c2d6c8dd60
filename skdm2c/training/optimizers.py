"""Optimisers by name, in the fastest form the device has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import nn

from ..runtime.device import has_fused_adam
from .batches import ScheduleName

OptimizerName = Literal["adam", "rmsprop"]

LEAST_RATE = 0.01  # of the first


def _uncompiled(optimizer: type[torch.optim.Optimizer]) -> type[Any]:
    # The same optimiser without the wrappers that hide it from PyTorch's compiler: they import
    # that compiler, a second at the first fit, for what is never used here.
    methods = {
        name: getattr(getattr(optimizer, name), "__wrapped__", None)
        for name in ("add_param_group", "zero_grad", "step", "state_dict", "load_state_dict")
    }
    if methods["step"] is not None:
        methods["step"] = torch.no_grad()(methods["step"])
    plain = {name: method for name, method in methods.items() if method is not None}
    return type(optimizer.__name__, (optimizer,), plain)


_Adam = _uncompiled(torch.optim.Adam)
_RMSprop = _uncompiled(torch.optim.RMSprop)


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
        rmsprop: torch.optim.Optimizer = _RMSprop(groups, weight_decay=weight_decay)
        return rmsprop
    fused = has_fused_adam(groups[0]["params"][0].device)
    adam: torch.optim.Optimizer = _Adam(
        groups, betas=(0.5, 0.999), weight_decay=weight_decay, fused=fused
    )
    return adam


def make_schedule(
    name: ScheduleName, optimizer: torch.optim.Optimizer, n_steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    """Say how the learning rates change with every step.

    Parameters
    ----------
    name : {"constant", "linear"}
        "linear" is constant for the first half of the steps, then falls to a hundredth.
    optimizer : torch.optim.Optimizer
    n_steps : int

    Returns
    -------
    torch.optim.lr_scheduler.LRScheduler

    Examples
    --------
    >>> optimizer = make_optimizer("adam", [(nn.Linear(2, 1), 1.0)])
    >>> schedule, rates = make_schedule("linear", optimizer, 4), []
    >>> for _ in range(4):
    ...     rates.append(optimizer.param_groups[0]["lr"])
    ...     optimizer.step()
    ...     schedule.step()
    >>> rates
    [1.0, 1.0, 1.0, 0.5]
    """
    if name == "constant":
        return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)
    return torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: max(LEAST_RATE, min(1.0, 2 - 2 * step / max(n_steps, 1)))
    )
