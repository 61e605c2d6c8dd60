"""Neural networks of DM2C, their losses, and their application to rows.

Everything here works on tensors; scikit-learn is used for its parameter objects only.
"""

from .inference import apply_in_chunks
from .modules import (
    CrossModalGenerator,
    ModalityAutoEncoder,
    ModalityDiscriminator,
    Normalization,
)
from .system import Architecture, CrossModalSystem, Networks, build_autoencoders

__all__ = [
    "Architecture",
    "CrossModalGenerator",
    "CrossModalSystem",
    "ModalityAutoEncoder",
    "ModalityDiscriminator",
    "Networks",
    "Normalization",
    "apply_in_chunks",
    "build_autoencoders",
]
