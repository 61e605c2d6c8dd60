"""The networks of DM2C, how they hang together, what they minimise, and their application.

Tensors in, tensors out; nothing here knows scikit-learn.
"""

from .inference import apply_in_chunks
from .modules import (
    CrossModalGenerator,
    ModalityAutoEncoder,
    ModalityDiscriminator,
    Normalization,
)
from .system import Architecture, CrossModalSystem, build_autoencoders

__all__ = [
    "Architecture",
    "CrossModalGenerator",
    "CrossModalSystem",
    "ModalityAutoEncoder",
    "ModalityDiscriminator",
    "Normalization",
    "apply_in_chunks",
    "build_autoencoders",
]
