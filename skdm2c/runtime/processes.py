"""The processes that fit one model together, each with rows of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed

Value = TypeVar("Value")


class Processes:
    """A group of processes; one alone is a group of one, and nothing is sent.

    All of a group call the same methods in the same order. When one dies, the others' next call
    raises an error.

    Parameters
    ----------
    group : ProcessGroup, default=None
        Of ``torch.distributed``; None is for one alone.

    Attributes
    ----------
    rank : int
        The number of this process.
    size : int
        How many there are.

    Examples
    --------
    >>> SINGLE_PROCESS.size, SINGLE_PROCESS.gather("rows"), SINGLE_PROCESS.once(lambda: "model")
    (1, ['rows'], 'model')
    """

    def __init__(self, group: Any = None) -> None:
        self._group = group
        self.rank = 0 if group is None else distributed.get_rank(group)
        self.size = 1 if group is None else distributed.get_world_size(group)

    def gather(self, value: Value) -> list[Value]:
        """Return every process's value, at every process, in the order of ranks."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        distributed.all_gather_object(values, value, group=self._group)
        return values

    def once(self, compute: Callable[[], Value]) -> Value:
        """Compute something in the first process, and return that at every process."""
        if self.size == 1:
            return compute()
        found = [compute() if self.rank == 0 else None]
        first = distributed.get_global_rank(self._group, 0)
        distributed.broadcast_object_list(found, src=first, group=self._group)
        return found[0]  # type: ignore[return-value]

    def average_(self, tensors: Iterable[Tensor], weight: float) -> None:
        """Replace tensors by their sum over all processes, each process's times its weight.

        Parameters
        ----------
        tensors : iterable of Tensor
            Of the same shapes in all processes; they are changed in place.
        weight : float
            Of this process. All weights sum to 1.
        """
        if self.size == 1:
            return
        given = list(tensors)
        flat = torch.cat([tensor.reshape(-1) for tensor in given]) * weight
        distributed.all_reduce(flat, group=self._group)
        parts = flat.split([tensor.numel() for tensor in given])
        for tensor, part in zip(given, parts, strict=True):
            tensor.copy_(part.view_as(tensor))


SINGLE_PROCESS = Processes()
