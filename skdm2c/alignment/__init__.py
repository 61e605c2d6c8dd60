"""Match the clusters of two modalities by their geometry, without networks.

The steps are: rows -> distances that modalities can share -> prototypes -> matchings -> partners.
Arrays go in, and arrays come out.
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
