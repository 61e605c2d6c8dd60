"""Displays of a fitted model, similar to those of scikit-learn; they require matplotlib."""

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
