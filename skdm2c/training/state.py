"""Everything a phase of training holds, so that it can stop here and go on elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from ..runtime.processes import SINGLE_PROCESS, Processes
from .batches import Passes, StratifiedBatches
from .optimizers import make_schedule


@dataclass
class TrainingState:
    """Where a phase stands: between two epochs it can be saved, loaded and gone on with.

    Attributes
    ----------
    phase : str
        "pretraining", "alignment", "adversarial" or "decoding".
    network : Module
        What is trained.
    optimizers : dict of str to Optimizer
    schedules : dict of str to LRScheduler
        Of the learning rates; a phase may have none.
    rng : torch.Generator
        Draws batches and noise.
    where : dict of str to str
        What the phase is about, such as ``{"modality": "rna"}``.
    epoch : int
        Epochs that are over.
    over : bool
        Whether the phase is, be it before its last epoch.
    records : list of dict
        One of each epoch that is over.
    processes : Processes
        The processes that train the same network.
    weight : float
        This process's part of the rows.

    Examples
    --------
    >>> net, rng = nn.Linear(2, 1), torch.Generator().manual_seed(0)
    >>> state = TrainingState("pretraining", net, {"adam": torch.optim.Adam(net.parameters())},
    ...                       {}, rng)
    >>> saved = state.state_dict()
    >>> state.epoch = 5
    >>> state.load_state_dict(saved)
    >>> state.epoch
    0
    """

    phase: str
    network: nn.Module
    optimizers: dict[str, torch.optim.Optimizer]
    schedules: dict[str, torch.optim.lr_scheduler.LRScheduler]
    rng: torch.Generator
    where: dict[str, str] = field(default_factory=dict)
    epoch: int = 0
    over: bool = False
    records: list[dict[str, Any]] = field(default_factory=list)
    processes: Processes = SINGLE_PROCESS
    weight: float = 1.0

    def state_dict(self) -> dict[str, Any]:
        """Describe all of it in tensors and plain values; of a phase that is over no optimisers."""
        learning = {
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
            **({} if self.over else learning),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to what :meth:`state_dict` described.

        Parameters
        ----------
        state : dict

        Raises
        ------
        ValueError
            If it is that of another phase.
        """
        mine, theirs = ((s["phase"], s["where"]) for s in (self._place(), state))
        if mine != theirs:
            raise ValueError(f"this is the phase {mine}, the state is one of {theirs}.")
        self.epoch, self.over = state["epoch"], state["over"]
        self.records[:] = state["records"]  # the list that others may have kept
        self.network.load_state_dict(state["network"])
        if not self.over:
            for name, optimizer in self.optimizers.items():
                optimizer.load_state_dict(state["optimizers"][name])
            for name, schedule in self.schedules.items():
                schedule.load_state_dict(state["schedules"][name])
        self.rng.set_state(state["rng"])

    def _place(self) -> dict[str, Any]:
        return {"phase": self.phase, "where": self.where}


def new_state(
    phase: str,
    network: nn.Module,
    optimizers: dict[str, torch.optim.Optimizer],
    batches: StratifiedBatches,
    passes: Passes,
    rng: torch.Generator,
    where: dict[str, str] | None = None,
) -> TrainingState:
    """Assemble the state of a phase that has not begun: each optimizer gets its schedule."""
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
