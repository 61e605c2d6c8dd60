"""State of a training phase, which can be saved between two epochs and loaded again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from ..runtime.processes import SINGLE_PROCESS, Processes
from .batches import Passes, StratifiedBatches
from .optimizers import make_schedule

PhaseState = dict[str, Any]  # see TrainingState.state_dict


@dataclass
class TrainingState:
    """Network, optimisers, random generator and progress of a phase, between two epochs."""

    phase: str  # "pretraining", "alignment" or "adversarial"
    network: nn.Module
    optimizers: dict[str, torch.optim.Optimizer]
    schedules: dict[str, torch.optim.lr_scheduler.LRScheduler]  # of learning rates, by optimiser
    rng: torch.Generator  # draws batches and noise
    where: dict[str, str] = field(default_factory=dict)  # such as {"modality": "rna"}
    epoch: int = 0  # number of completed epochs
    over: bool = False  # whether the phase was ended by a callback or is complete
    records: list[dict[str, Any]] = field(default_factory=list)  # one per completed epoch
    processes: Processes = SINGLE_PROCESS  # which train the same network
    weight: float = 1.0  # proportion of all rows that this process holds

    def state_dict(self) -> PhaseState:
        """Return the state as tensors and plain values, without optimisers if the phase is over."""
        optimization = {
            "optimizers": {name: o.state_dict() for name, o in self.optimizers.items()},
            "schedules": {name: s.state_dict() for name, s in self.schedules.items()},
        }
        return {
            "phase": self.phase,
            "where": dict(self.where),
            "epoch": self.epoch,
            "over": self.over,
            "records": [dict(record) for record in self.records],
            "network": self.network.state_dict(),
            "rng": self.rng.get_state(),
            **({} if self.over else optimization),
        }

    def load_state_dict(self, state: PhaseState) -> None:
        """Restore what :meth:`state_dict` returned; raise ValueError if it is of another phase."""
        own_phase, saved_phase = (self.phase, self.where), (state["phase"], state["where"])
        if own_phase != saved_phase:
            raise ValueError(f"This is phase {own_phase}, but the state is of {saved_phase}.")
        self.epoch, self.over = state["epoch"], state["over"]
        self.records[:] = state["records"]  # in place, as callbacks may hold the list
        self.network.load_state_dict(state["network"])
        if not self.over:
            for name, optimizer in self.optimizers.items():
                optimizer.load_state_dict(state["optimizers"][name])
            for name, schedule in self.schedules.items():
                schedule.load_state_dict(state["schedules"][name])
        self.rng.set_state(state["rng"])


def new_state(
    phase: str,
    network: nn.Module,
    optimizers: dict[str, torch.optim.Optimizer],
    batches: StratifiedBatches,
    passes: Passes,
    rng: torch.Generator,
    where: dict[str, str] | None = None,
) -> TrainingState:
    """Return the state of a phase before its first epoch, with a schedule for each optimiser."""
    n_steps = passes.n_epochs * len(batches)
    return TrainingState(
        phase,
        network,
        optimizers,
        {name: make_schedule(passes.schedule, o, n_steps) for name, o in optimizers.items()},
        rng,
        where or {},
        processes=batches.processes,
        weight=batches.weight,
    )


def on_cpu(value: Any) -> Any:
    """Copy all tensors in nested containers to the CPU, as training modifies them in place."""
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, Mapping):
        return {key: on_cpu(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(on_cpu(item) for item in value)
    return value
