"""Quality of a mixed-modal clustering, measured with the true labels or counterparts.

These scores evaluate a clustering and are never used to fit one. A score over all rows is hard
to interpret by itself: clustering each modality alone and matching the clusters at random scores
above zero. :func:`matching_bounds` computes that level and the best one that can be reached, and
:func:`gain` tells where between the two a clustering lies.
"""

from .clusters import clustering_accuracy, match_labels, pairwise_f_score, purity
from .modalities import evaluate, gain, matching_bounds, reference_bounds, transfer_accuracy
from .rows import foscttm, translation_r2

__all__ = [
    "clustering_accuracy",
    "evaluate",
    "foscttm",
    "gain",
    "match_labels",
    "matching_bounds",
    "pairwise_f_score",
    "purity",
    "reference_bounds",
    "transfer_accuracy",
    "translation_r2",
]
