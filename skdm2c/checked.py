"""Data that were found to be sound: what goes into a fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._peers import ALONE, Peers
from .data import MixedModalData
from .data.blocks import n_rows
from .data.pairs import NumberedPairs
from .data.rows import Rows
from .data.scaling import ModalityInput

LEAST_ROWS = 2  # of each modality


@dataclass(frozen=True)
class CheckedData:
    """What goes into a fit: rows by modality, scaled, and the doors they came through.

    Attributes
    ----------
    names : tuple of str
    doors : tuple of ModalityInput
    rows : list of Rows, the m-th of shape (n_m, d_m)
    codes : ndarray of shape (n,)
        Each row's modality, in the order of the rows given.
    pairs : dict of (int, int) to ndarray of shape (p, 2)
        For two modalities, rows of both that are known to be of one instance.
    """

    names: tuple[str, ...]
    doors: tuple[ModalityInput, ...]
    rows: list[Rows]
    codes: NDArray[np.intp]
    pairs: NumberedPairs


def check_data(
    data: MixedModalData, n_clusters: int, standardize: bool | str, peers: Peers = ALONE
) -> CheckedData:
    """Find all that is wrong with data, before any training.

    Parameters
    ----------
    data : MixedModalData
    n_clusters : int
    standardize : "auto" or bool
    peers : Peers, default=ALONE
        Of several processes each has a part of the rows.

    Returns
    -------
    CheckedData

    Raises
    ------
    ValueError
        If a block is no good, a modality lacks rows, or there are fewer rows than clusters; or
        if processes have different modalities or columns.
    """
    _require_all_modalities(data)
    if any(names != data.names for names in peers.gather(data.names)):
        raise ValueError(f"Processes have different modalities: {peers.gather(data.names)}.")
    if len(data) < n_clusters:
        raise ValueError(
            f"n_samples={len(data)} should be >= n_clusters={n_clusters}: "
            "there are fewer rows than clusters."
        )
    doors = tuple(ModalityInput(name, standardize) for name in data.names)
    rows = [
        door.fit_transform(block, data.columns[door.name], peers)
        for door, block in zip(doors, data.blocks.values(), strict=True)
    ]
    return CheckedData(data.names, doors, rows, data.codes, data.numbered_pairs)


def _require_all_modalities(data: MixedModalData) -> None:
    for name, block in data.blocks.items():
        if n_rows(block) < LEAST_ROWS:
            raise ValueError(
                f"Modality {name!r} has n_samples = {n_rows(block)} here; every modality needs "
                f"{LEAST_ROWS} or more. In cross-validation use cv=ModalityKFold(), as a plain "
                "KFold can leave a fold without a modality."
            )
