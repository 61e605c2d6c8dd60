"""The floor under a training step: its matrix products, each as fast as a plain ``torch.mm``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.benchmark import Timer

Shape = tuple[int, int, int]  # (n, k) times (k, m)

# All products of rank two or less that PyTorch has, and which argument the left factor is.
_LEFT = {
    torch.ops.aten.mm.default: 0,
    torch.ops.aten.mv.default: 0,
    torch.ops.aten.addmm.default: 1,
    torch.ops.aten.addmv.default: 1,
}


def products_of(function: Callable[[], object]) -> Counter[Shape]:
    """Call a function and count the matrix products that it makes, backward passes included.

    Returns
    -------
    Counter of (n, m, k)
        How often a matrix of shape (n, k) was multiplied with one of shape (k, m).
    """
    counting = _Counting()
    with counting:
        function()
    return counting.shapes


def operations(products: Counter[Shape]) -> int:
    """Count multiplications and additions."""
    return sum(2 * n * m * k * times for (n, m, k), times in products.items())


def seconds_of(products: Counter[Shape], threads: int) -> float:
    """Measure what plain ``torch.mm`` takes for these products: the median for each shape."""
    return sum(times * _seconds(shape, threads) for shape, times in products.items())


def _seconds(shape: Shape, threads: int) -> float:
    n, m, k = shape
    multiply = partial(torch.mm, torch.randn(n, k), torch.randn(k, m))
    timer = Timer("multiply()", globals={"multiply": multiply}, num_threads=threads)
    return float(timer.blocked_autorange(min_run_time=0.02).median)


class _Counting(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.shapes = Counter[Shape]()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func in _LEFT:
            left, right = args[_LEFT[func] :][:2]
            n, k = left.shape
            self.shapes[n, right.shape[1] if right.ndim == 2 else 1, k] += 1
        return func(*args, **(kwargs or {}))
