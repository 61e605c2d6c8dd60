"""How unpaired instances of several modalities travel together."""

from .calls import as_known_modalities, as_mixed_modal, is_mudata, modality_index
from .container import MixedModalData

__all__ = ["MixedModalData", "as_known_modalities", "as_mixed_modal", "is_mudata", "modality_index"]
