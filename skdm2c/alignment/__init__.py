"""Which rows of one modality belong with which of another: geometry, no networks.

rows -> distances that modalities share -> prototypes -> matchings -> coupling.
Pure numpy and scipy: arrays in, arrays out.
"""

from .coupling import Alignment, align, barycentric_targets

__all__ = ["Alignment", "align", "barycentric_targets"]
