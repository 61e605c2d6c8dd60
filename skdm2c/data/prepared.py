"""Data that were found to be sound: what goes into a fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..data import MixedModalData
from ..runtime.processes import SINGLE_PROCESS, Processes
from .blocks import n_rows
from .pairs import NumberedPairs
from .rows import Rows
from .scaling import ModalityScaler

LEAST_ROWS = 2  # of each modality


@dataclass(frozen=True)
class PreparedData:
    """What goes into a fit: rows by modality, scaled, and the scalers they came through.

    Attributes
    ----------
    names : tuple of str
    scalers : tuple of ModalityScaler
    rows : list of Rows, the m-th of shape (n_m, d_m)
    codes : ndarray of shape (n,)
        Each row's modality, in the order of the rows given.
    pairs : dict of (int, int) to ndarray of shape (p, 2)
        For two modalities, rows of both that are known to be of one instance.
    """

    names: tuple[str, ...]
    scalers: tuple[ModalityScaler, ...]
    rows: list[Rows]
    codes: NDArray[np.intp]
    pairs: NumberedPairs


def prepare(
    data: MixedModalData,
    n_clusters: int,
    standardize: bool | str,
    processes: Processes = SINGLE_PROCESS,
) -> PreparedData:
    """Find all that is wrong with data, before any training.

    Parameters
    ----------
    data : MixedModalData
    n_clusters : int
    standardize : "auto" or bool
    processes : Processes, default=SINGLE_PROCESS
        Of several processes each has a part of the rows.

    Returns
    -------
    PreparedData

    Raises
    ------
    ValueError
        If a block is no good, a modality lacks rows, or there are fewer rows than clusters; or
        if processes have different modalities or columns.
    """
    _require_all_modalities(data)
    if any(names != data.names for names in processes.gather(data.names)):
        raise ValueError(f"Processes have different modalities: {processes.gather(data.names)}.")
    if len(data) < n_clusters:
        raise ValueError(
            f"n_samples={len(data)} should be >= n_clusters={n_clusters}: "
            "there are fewer rows than clusters."
        )
    scalers = tuple(ModalityScaler(name, standardize) for name in data.names)
    rows = [
        scaler.fit_transform(block, data.columns[scaler.name], processes)
        for scaler, block in zip(scalers, data.blocks.values(), strict=True)
    ]
    return PreparedData(data.names, scalers, rows, data.codes, data.numbered_pairs)


def _require_all_modalities(data: MixedModalData) -> None:
    for name, block in data.blocks.items():
        if n_rows(block) < LEAST_ROWS:
            raise ValueError(
                f"Modality {name!r} has n_samples = {n_rows(block)} here; every modality needs "
                f"{LEAST_ROWS} or more. In cross-validation use cv=ModalityKFold(), as a plain "
                "KFold can leave a fold without a modality."
            )
