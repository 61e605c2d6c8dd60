"""Communication between the processes that fit one model together, each on its own rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed

Value = TypeVar("Value")


class Processes:
    """A group of ``size`` processes, of which this one has number ``rank``.

    ``group`` is a process group of ``torch.distributed``, or None for a single process, which
    does not communicate. All processes must call the same methods in the same order; if one
    dies, the next call raises an error in the others.
    """

    def __init__(self, group: Any = None) -> None:
        self._group = group
        self.rank = 0 if group is None else distributed.get_rank(group)
        self.size = 1 if group is None else distributed.get_world_size(group)

    def gather(self, value: Value) -> list[Value]:
        """Return the values of all processes, in the order of their ranks, in every process."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        distributed.all_gather_object(values, value, group=self._group)
        return values

    def once(self, compute: Callable[[], Value]) -> Value:
        """Call ``compute`` in the first process, and return its result in every process.

        If it raises an error, all processes do.
        """
        if self.size == 1:
            return compute()
        outcome: list[Any] = [None, None]  # result and error
        if self.rank == 0:
            try:
                outcome[0] = compute()
            except Exception as error:
                outcome[1] = f"{type(error).__name__}: {error}"
                self._broadcast(outcome)
                raise
        self._broadcast(outcome)
        result, message = outcome
        if message is not None:
            raise RuntimeError(f"The process of rank 0 failed: {message}")
        return result  # type: ignore[no-any-return]

    def _broadcast(self, values: list[Any]) -> None:
        source = distributed.get_global_rank(self._group, 0)
        distributed.broadcast_object_list(values, src=source, group=self._group)

    def average_(self, tensors: Iterable[Tensor], weight: float) -> None:
        """Replace tensors in place by their weighted sum over all processes.

        The tensors have the same shapes in every process. ``weight`` is this process's weight;
        the weights of all processes sum to one.
        """
        if self.size == 1:
            return
        targets = list(tensors)
        flat = torch.cat([tensor.reshape(-1) for tensor in targets]) * weight
        distributed.all_reduce(flat, group=self._group)
        averages = flat.split([tensor.numel() for tensor in targets])
        for tensor, average in zip(targets, averages, strict=True):
            tensor.copy_(average.view_as(tensor))


SINGLE_PROCESS = Processes()
