"""Optimisers and learning rate schedules by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ..runtime.device import has_fused_adam
from .batches import ScheduleName

OptimizerName = Literal["adam", "rmsprop"]

# What each optimiser remembers of a weight, in arrays of its shape, beside the number of steps.
MOMENTS = {"Adam": ("exp_avg", "exp_avg_sq"), "RMSprop": ("square_avg",)}
MIN_RATE_FACTOR = 0.01  # final learning rate of a linear schedule, relative to the initial one


def _uncompiled(optimizer: type[torch.optim.Optimizer]) -> type[Any]:
    # The same optimiser without the wrappers that exclude it from compilation: these import
    # PyTorch's compiler, which is not used here and adds a second to the first fit.
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
    """Return one optimiser for several modules, each with its own learning rate.

    Adam runs with β₁ = 0.5, as in the authors' code.
    """
    groups: list[dict[str, Any]] = [
        {"params": list(module.parameters()), "lr": rate} for module, rate in modules_and_rates
    ]
    if name == "rmsprop":  # PyTorch has no fused implementation of it
        rmsprop: torch.optim.Optimizer = _RMSprop(groups, weight_decay=weight_decay)
        return rmsprop
    fused = has_fused_adam(groups[0]["params"][0].device)
    adam: torch.optim.Optimizer = _Adam(
        groups, betas=(0.5, 0.999), weight_decay=weight_decay, fused=fused
    )
    return adam


def make_schedule(
    name: ScheduleName, optimizer: torch.optim.Optimizer, n_steps: int
) -> torch.optim.lr_scheduler.LambdaLR:
    """Return a schedule of the optimiser's learning rates over ``n_steps`` steps.

    "linear" is constant for the first half of the steps and then falls to a hundredth.
    """
    if name == "constant":
        return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)
    return torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: max(MIN_RATE_FACTOR, min(1.0, 2 - 2 * step / max(n_steps, 1)))
    )


def restore_optimizer(
    optimizer: torch.optim.Optimizer, moments: dict[int, dict[str, Tensor]]
) -> None:
    """Restore the moments of the weights, by their index, and none of the hyperparameters."""
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": moments, "param_groups": groups})


def restore_schedule(
    schedule: torch.optim.lr_scheduler.LambdaLR, n_steps: int
) -> torch.optim.lr_scheduler.LambdaLR:
    """Return the schedule after ``n_steps`` steps, with the learning rates that belong to it."""
    return torch.optim.lr_scheduler.LambdaLR(
        schedule.optimizer, schedule.lr_lambdas, last_epoch=n_steps - 1
    )
