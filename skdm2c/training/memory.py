"""Pretraining that is kept, so that the fits of a search do not repeat it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import joblib

from .callbacks import Callback
from .state import PhaseState, TrainingState, on_cpu

PHASE = "pretraining"  # the only phase that does not depend on the clusters


class PretrainingMemory(Callback):
    """Keeps pretrained auto-encoders in a :class:`joblib.Memory`, and restores those it holds.

    ``rows`` describes the rows of each modality by name, and ``settings`` all else that
    pretraining depends on, apart from the networks and the random generator it begins with.
    """

    def __init__(self, memory: joblib.Memory, rows: Mapping[str, str], settings: Any) -> None:
        self._keep = memory.cache(_keep, ignore=["result"])
        self._rows, self._settings = rows, settings
        self._keys: dict[str, str] = {}  # of the modalities that are being trained

    def on_phase_begin(self, state: TrainingState) -> None:
        """Restore the result of the phase if it is known."""
        if state.phase != PHASE or state.epoch > 0:
            return
        modality = state.where["modality"]
        start = [*state.network.state_dict().values(), state.rng.get_state()]
        arrays = [tensor.cpu().numpy() for tensor in start]
        key = joblib.hash([self._rows[modality], self._settings, arrays])
        if self._keep.check_call_in_cache(key, None):
            state.load_state_dict(self._keep(key, None))
        else:
            self._keys[modality] = key

    def on_phase_end(self, state: TrainingState) -> None:
        """Keep the result of a phase that was trained now."""
        key = self._keys.pop(state.where.get("modality", ""), None)
        if state.phase == PHASE and key is not None:
            state.over = True
            self._keep(key, on_cpu(state.state_dict()))


def _keep(key: str, result: PhaseState | None) -> PhaseState | None:
    return result
