"""Clustering of unpaired mixed-modal data: DM2C as a scikit-learn estimator."""

from . import presets
from .data import MixedModalData
from .estimator import MixedModalClustering
from .exceptions import AlignmentWarning, TrainingDivergedError
from .model_selection import ModalityKFold, select_n_clusters
from .preprocessing import PerModality
from .singlecell import write_results

__version__ = "0.1.0"

__all__ = [
    "AlignmentWarning",
    "MixedModalClustering",
    "MixedModalData",
    "ModalityKFold",
    "PerModality",
    "TrainingDivergedError",
    "presets",
    "select_n_clusters",
    "write_results",
]
