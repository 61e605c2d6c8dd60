"""How the networks learn: batches, the phases of training, and their history.

Tensors in, trained networks out; of scikit-learn it knows what a parameter object is.
"""

from .adversarial import AdversarialTraining, adversarial_phase
from .batches import BatchedRows, Passes, StratifiedBatches, on_device
from .callbacks import (
    Callback,
    Callbacks,
    DivergenceGuard,
    EarlyStop,
    EpochTasks,
    History,
    Record,
    losses_of,
    require_finite,
)
from .checkpoint import Checkpoint, kept_on_disk
from .loop import Phase, run_phases
from .pretraining import Pretraining, pretraining_phase
from .progress import ProgressBar, ProgressLines, ProgressLog, shown_progress
from .regression import Examples, regression_phase
from .state import TrainingState

__all__ = [
    "AdversarialTraining",
    "BatchedRows",
    "Callback",
    "Callbacks",
    "Checkpoint",
    "DivergenceGuard",
    "EarlyStop",
    "EpochTasks",
    "Examples",
    "History",
    "Passes",
    "Phase",
    "Pretraining",
    "ProgressBar",
    "ProgressLines",
    "ProgressLog",
    "Record",
    "StratifiedBatches",
    "TrainingState",
    "adversarial_phase",
    "kept_on_disk",
    "losses_of",
    "on_device",
    "pretraining_phase",
    "regression_phase",
    "require_finite",
    "run_phases",
    "shown_progress",
]
