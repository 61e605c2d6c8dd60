"""How good a mixed-modal clustering is, measured against true labels or true counterparts.

Used to evaluate, never to fit. A figure over all rows says little by itself:
clustering each modality alone and matching the clusters at random scores above
zero. :func:`matching_bounds` gives that level and the best reachable one, and
:func:`gain` says where between them a clustering lies.
"""

from .clusters import clustering_accuracy, pairwise_f_score, purity
from .modalities import evaluate, gain, matching_bounds, reference_bounds, transfer_accuracy
from .rows import foscttm, translation_r2

__all__ = [
    "clustering_accuracy",
    "evaluate",
    "foscttm",
    "gain",
    "matching_bounds",
    "pairwise_f_score",
    "purity",
    "reference_bounds",
    "transfer_accuracy",
    "translation_r2",
]
