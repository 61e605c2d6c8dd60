"""Clustering of unpaired mixed-modal data: DM2C as a scikit-learn estimator."""

from . import presets
from ._version import __version__
from .data import MixedModalData
from .estimator import MixedModalClustering
from .exceptions import AlignmentWarning, TrainingDivergedError
from .model_selection import ModalityKFold, select_n_clusters
from .persistence import load_model, save_model
from .preprocessing import PerModality
from .singlecell import write_results
from .suggestions import Suggestion, suggest_pairs

__all__ = [
    "AlignmentWarning",
    "MixedModalClustering",
    "MixedModalData",
    "ModalityKFold",
    "PerModality",
    "Suggestion",
    "TrainingDivergedError",
    "__version__",
    "load_model",
    "presets",
    "save_model",
    "select_n_clusters",
    "suggest_pairs",
    "write_results",
]
