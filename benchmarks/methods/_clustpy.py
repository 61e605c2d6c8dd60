"""ClustPy, which imports torchvision, whose wheels want a CUDA build of PyTorch.

ClustPy uses torchvision to download pictures only. With a CPU build of PyTorch its
import stops at two operators that live in a CUDA library; declaring them is enough.
"""

from __future__ import annotations

from typing import Any

import torch

from ._spaces import stacked
from .interface import Clustering, Matrix

try:
    torch.ops.torchvision.nms  # noqa: B018
except AttributeError:
    _DECLARED = torch.library.Library("torchvision", "DEF")
    for _operator in ("nms", "qnms"):
        _DECLARED.define(f"{_operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


def fit_on_concatenation(algorithm: Any, X_a: Matrix, X_b: Matrix, k: int, seed: int) -> Clustering:
    """Fit a ClustPy algorithm at its own defaults to the stacked components of both."""
    rows = stacked(X_a, X_b, seed).astype("float32")
    model = algorithm(k, random_state=seed, device=torch.device("cpu")).fit(rows)
    return Clustering(model.labels_, model.transform(rows))
