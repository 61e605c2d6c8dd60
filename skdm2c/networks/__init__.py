"""The networks of DM2C, how they hang together, what they minimise, and their application.

Tensors in, tensors out; of scikit-learn it knows what a parameter object is.
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
