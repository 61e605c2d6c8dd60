"""The container for unpaired rows of several modalities, and what reads and scales it."""

from .calls import as_known_modalities, as_mixed_modal, is_mudata, modality_index
from .container import MixedModalData

__all__ = ["MixedModalData", "as_known_modalities", "as_mixed_modal", "is_mudata", "modality_index"]
