"""Validated and scaled input of a fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..data import MixedModalData
from ..runtime.processes import SINGLE_PROCESS, Processes
from .blocks import n_rows
from .folds import MIN_ROWS
from .pairs import NumberedPairs
from .rows import Rows
from .scaling import ModalityScaler


@dataclass(frozen=True)
class PreparedData:
    """Scaled rows of each modality, with the fitted scalers and the known pairs."""

    names: tuple[str, ...]
    scalers: tuple[ModalityScaler, ...]
    rows: list[Rows]  # the m-th of shape (n_m, d_m)
    codes: NDArray[np.intp]  # modality of each row, in the order of the container
    pairs: NumberedPairs


def prepare(
    data: MixedModalData,
    cluster_counts: Sequence[int],
    standardize: bool | str,
    processes: Processes = SINGLE_PROCESS,
) -> PreparedData:
    """Validate and scale the data of a fit, so that all errors are raised before training.

    Raise ValueError for an invalid block, a modality with too few rows or fewer than clusters, or
    modalities or columns that differ between processes.
    """
    _require_all_modalities(data)
    if any(names != data.names for names in processes.gather(data.names)):
        raise ValueError(f"Processes have different modalities: {processes.gather(data.names)}.")
    _require_enough_rows(data, cluster_counts, processes)
    scalers = tuple(ModalityScaler(name, standardize) for name in data.names)
    rows = [
        scaler.fit_transform(block, data.columns[scaler.name], processes)
        for scaler, block in zip(scalers, data.blocks.values(), strict=True)
    ]
    return PreparedData(data.names, scalers, rows, data.codes, data.numbered_pairs)


def _require_all_modalities(data: MixedModalData) -> None:
    for name, block in data.blocks.items():
        if n_rows(block) < MIN_ROWS:
            raise ValueError(
                f"Modality {name!r} has n_samples = {n_rows(block)} here; every modality needs "
                f"{MIN_ROWS} or more. In cross-validation and learning_curve pass "
                "cv=ModalityKFold(), whose training sets have rows of all modalities."
            )


def _require_enough_rows(
    data: MixedModalData, cluster_counts: Sequence[int], processes: Processes
) -> None:
    # Each modality is clustered by itself.
    in_processes = processes.gather([n_rows(block) for block in data.blocks.values()])
    for name, k, ns in zip(
        data.names, cluster_counts, zip(*in_processes, strict=True), strict=True
    ):
        if sum(ns) < k:
            raise ValueError(
                f"n_clusters={k} should be <= n_samples={sum(ns)} of modality {name!r}: it has "
                "fewer rows than clusters."
            )
