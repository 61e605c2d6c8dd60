"""Training of the networks: batches, phases, callbacks and checkpoints.

Everything here works on tensors; scikit-learn is used for its parameter objects only.
"""

from .adversarial import AdversarialTraining, adversarial_phase
from .batches import BatchedRows, Passes, StratifiedBatches, on_device
from .callbacks import (
    Callback,
    Callbacks,
    DivergenceGuard,
    EarlyStop,
    History,
    Record,
    losses_of,
    require_finite,
)
from .checkpoint import Checkpoint, saved_on_disk
from .closed_form import fit_last_layer
from .loop import Phase, run_phases
from .memory import PretrainingMemory
from .pretraining import Pretraining, pretraining_phase
from .progress import ProgressBar, ProgressLines, ProgressLog, shown_progress
from .regression import Examples, regression_phase
from .state import TrainingState
from .tasks import EpochTasks

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
    "PretrainingMemory",
    "ProgressBar",
    "ProgressLines",
    "ProgressLog",
    "Record",
    "StratifiedBatches",
    "TrainingState",
    "adversarial_phase",
    "fit_last_layer",
    "losses_of",
    "on_device",
    "pretraining_phase",
    "regression_phase",
    "require_finite",
    "run_phases",
    "saved_on_disk",
    "shown_progress",
]
