"""Which clusters of one modality are which of another: geometry, no networks.

rows -> distances that modalities share -> prototypes -> matchings -> partners.
Arrays in, arrays out.
"""

from .agreement import agreement
from .clusters import ClusteredModality, ClusterMatching, describe_clusters, match_clusters
from .targets import taught_targets

__all__ = [
    "ClusterMatching",
    "ClusteredModality",
    "agreement",
    "describe_clusters",
    "match_clusters",
    "taught_targets",
]
