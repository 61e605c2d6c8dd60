"""Clustering of unpaired mixed-modal data: DM2C as a scikit-learn estimator."""

from importlib import import_module
from typing import TYPE_CHECKING

from ._version import __version__
from .exceptions import AlignmentWarning, TrainingDivergedError

if TYPE_CHECKING:
    from . import alignment as alignment
    from . import datasets as datasets
    from . import metrics as metrics
    from . import plotting as plotting
    from . import presets as presets
    from .data import MixedModalData
    from .estimator import MixedModalClustering
    from .model_selection import ModalityKFold, select_n_clusters
    from .networks import Networks
    from .persistence import load_model, save_model
    from .preprocessing import PerModality
    from .report import results_frame
    from .singlecell import write_results
    from .suggestions import Suggestion, suggest_pairs
    from .training import AdversarialTraining, Callback, Checkpoint, EarlyStop, Pretraining
else:
    # PyTorch, scikit-learn and SciPy take seconds to import: each comes with the first name that
    # needs it. Where these names live; a test holds that checkers and IDEs are told the same.
    _HOMES = {
        "AdversarialTraining": "training",
        "Callback": "training",
        "Checkpoint": "training",
        "EarlyStop": "training",
        "MixedModalClustering": "estimator",
        "MixedModalData": "data",
        "ModalityKFold": "model_selection",
        "Networks": "networks",
        "PerModality": "preprocessing",
        "Pretraining": "training",
        "Suggestion": "suggestions",
        "load_model": "persistence",
        "results_frame": "report",
        "save_model": "persistence",
        "select_n_clusters": "model_selection",
        "suggest_pairs": "suggestions",
        "write_results": "singlecell",
    }
    _MODULES = {"alignment", "datasets", "metrics", "plotting", "presets"}

    def __getattr__(name: str) -> object:
        if name in _MODULES:
            return import_module(f"{__name__}.{name}")
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = found  # the next time without a detour
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *_HOMES, *_MODULES})


__all__ = [
    "AdversarialTraining",
    "AlignmentWarning",
    "Callback",
    "Checkpoint",
    "EarlyStop",
    "MixedModalClustering",
    "MixedModalData",
    "ModalityKFold",
    "Networks",
    "PerModality",
    "Pretraining",
    "Suggestion",
    "TrainingDivergedError",
    "__version__",
    "load_model",
    "results_frame",
    "save_model",
    "select_n_clusters",
    "suggest_pairs",
    "write_results",
]
