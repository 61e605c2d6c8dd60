"""Which clusters of one modality are which of another: geometry, no networks.

rows -> distances that modalities share -> prototypes -> matchings -> partners.
Arrays in, arrays out.
"""

from .agreement import spoke_agreement
from .base import Aligner, Alignment, KnownPairs, ModalityView
from .counterparts import RowMatches
from .geometric import GeometricAlignment
from .result import Matching, SpokeMatching
from .targets import taught_targets

__all__ = [
    "Aligner",
    "Alignment",
    "GeometricAlignment",
    "KnownPairs",
    "Matching",
    "ModalityView",
    "RowMatches",
    "SpokeMatching",
    "spoke_agreement",
    "taught_targets",
]
