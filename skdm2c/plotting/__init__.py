"""Pictures of a fitted model, in the way of scikit-learn's displays; they need matplotlib."""

from .history import TrainingHistoryDisplay
from .matching import MatchingDisplay
from .mix import ModalityMixDisplay
from .translation import TranslationDisplay
from .unified_space import UnifiedSpaceDisplay

__all__ = [
    "MatchingDisplay",
    "ModalityMixDisplay",
    "TrainingHistoryDisplay",
    "TranslationDisplay",
    "UnifiedSpaceDisplay",
]
