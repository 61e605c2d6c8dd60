"""State of a training phase, which can be saved between two epochs and loaded again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..runtime.files import require
from ..runtime.processes import SINGLE_PROCESS, Processes
from .batches import Passes, StratifiedBatches
from .optimizers import MOMENTS, make_schedule, restore_optimizer, restore_schedule

PhaseState = dict[str, Any]  # see TrainingState.state_dict


@dataclass
class TrainingState:
    """Network, optimisers, random generator and progress of a phase, between two epochs."""

    phase: str  # "pretraining", "alignment" or "adversarial"
    network: nn.Module
    optimizers: dict[str, torch.optim.Optimizer]
    schedules: dict[str, torch.optim.lr_scheduler.LambdaLR]  # of learning rates, by optimiser
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
            "optimizers": {name: o.state_dict()["state"] for name, o in self.optimizers.items()},
            "steps": {name: s.last_epoch for name, s in self.schedules.items()},
        }
        return {
            "phase": self.phase,
            "where": dict(self.where),
            "epoch": self.epoch,
            "over": self.over,
            "records": [plain_record(record) for record in self.records],
            "network": self.network.state_dict(),
            "rng": self.rng.get_state(),
            **({} if self.over else optimization),
        }

    def load_state_dict(self, state: PhaseState) -> None:
        """Restore what :meth:`state_dict` returned.

        Raise ValueError if it does not fit, before it reaches the networks and the optimisers,
        which write into arrays of a wrong shape without checking.
        """
        require_fitting(state, self)
        self.epoch, self.over = state["epoch"], state["over"]
        self.records[:] = state["records"]  # in place, as callbacks may hold the list
        self.network.load_state_dict(state["network"])
        if not self.over:
            for name, optimizer in self.optimizers.items():
                # Copied, as training changes the moments in place.
                restore_optimizer(optimizer, on_cpu(state["optimizers"][name]))
            for name, schedule in self.schedules.items():
                self.schedules[name] = restore_schedule(schedule, state["steps"][name])
        try:
            self.rng.set_state(state["rng"])
        except RuntimeError as error:
            raise ValueError(f"the state of the random generator is invalid ({error}).") from error


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


MAX_STEPS = 2**53  # which floats count exactly
LARGEST = 1e100  # of the numbers in a file: their squares are finite too
MAX_TEXT = 200  # characters of a text in a record, which callbacks may extend


def plain_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries of a record that a file can hold: short texts, numbers, bools and None.

    Examples
    --------
    >>> plain_record({"epoch": 3, "ARI": np.float32(0.5), "rows": [1, 2]})
    {'epoch': 3, 'ARI': 0.5}
    """
    values = {
        key: value.item() if isinstance(value, np.generic) else value
        for key, value in record.items()
    }
    return {key: value for key, value in values.items() if _is_text(key) and _is_plain(value)}


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT and value.isprintable()


def _is_plain(value: Any) -> bool:
    if type(value) in (int, float):
        return bool(abs(value) <= LARGEST)
    return value is None or type(value) is bool or _is_text(value)


def require_fitting(saved: Any, state: TrainingState) -> None:
    """Raise ValueError unless ``saved`` has the structure of a state of this phase.

    That is: the names, types and shapes of all arrays, the counters, and a record for each epoch.
    """
    require(isinstance(saved, dict), "a phase is not a mapping")
    phase, saved_phase = (state.phase, state.where), (saved.get("phase"), saved.get("where"))
    require(
        saved_phase == phase, f"this is phase {phase!r}, and the state is of {saved_phase!r:.80}"
    )
    over = saved.get("over")
    require(type(over) is bool, "'over' is not a boolean")
    expected = {"phase", "where", "epoch", "over", "records", "network", "rng"}
    expected |= set() if over else {"optimizers", "steps"}
    require(set(saved) == expected, f"a phase has {sorted(map(str, saved))!r:.120}")
    records = saved["records"]
    require(isinstance(records, list), "records are not a list")
    is_count = _is_count(saved["epoch"]) and saved["epoch"] == len(records)
    require(is_count, "the number of records differs from that of epochs")
    for epoch, record in enumerate(records):
        require(_is_record(record, state, epoch), f"the record of epoch {epoch} is invalid")
    _require_tensors(saved["network"], state.network.state_dict(), "weights")
    _require_tensors({"rng": saved["rng"]}, {"rng": state.rng.get_state()}, "random state")
    if over:
        return
    for kind, own in (("optimizers", state.optimizers), ("steps", state.schedules)):
        names = saved[kind]
        require(isinstance(names, dict) and set(names) == set(own), f"other {kind} were saved")
    require(all(map(_is_count, saved["steps"].values())), "a number of steps is invalid")
    for name, optimizer in state.optimizers.items():
        _require_moments(saved["optimizers"][name], optimizer)


def _require_moments(saved: Any, optimizer: torch.optim.Optimizer) -> None:
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    require(isinstance(saved, dict), "moments are not a mapping")
    for index, moments in saved.items():
        require(type(index) is int and 0 <= index < len(weights), f"there is no weight {index!r}")
        expected = dict.fromkeys(MOMENTS[type(optimizer).__name__], weights[index].detach())
        _require_tensors(moments, expected | {"step": torch.zeros(())}, "moments")
        positive = {"step", "exp_avg_sq", "square_avg"} & set(moments)
        require(all((moments[name] >= 0).all() for name in positive), "a moment is negative")


def _require_tensors(saved: Any, expected: Mapping[str, Tensor], kind: str) -> None:
    require(isinstance(saved, dict) and set(saved) == set(expected), f"other {kind} were saved")
    for name, like in expected.items():
        tensor = saved[name]
        require(isinstance(tensor, Tensor), f"{kind} {name!r} are not an array")
        require(
            tensor.dtype == like.dtype and tensor.shape == like.shape,
            f"{kind} {name!r} are {tensor.dtype} of shape {tuple(tensor.shape)}, and should be "
            f"{like.dtype} of shape {tuple(like.shape)}",
        )
        require(tensor.isfinite().all(), f"{kind} {name!r} hold NaN or infinity")


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MAX_STEPS


def _is_record(record: Any, state: TrainingState, epoch: int) -> bool:
    if not isinstance(record, dict):
        return False
    place = {"phase": state.phase, **state.where, "epoch": epoch}
    return (
        all(record.get(name) == value for name, value in place.items())
        and _is_count(record.get("n_epochs"))
        and plain_record(record) == record
    )
