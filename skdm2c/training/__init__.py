"""How the networks learn: batches, the phases of training, and their history.

Tensors in, trained networks out; of scikit-learn it knows what a parameter object is.
"""

from .adversarial import AdversarialTraining, train_adversarially
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
from .pretraining import Pretraining, pretrain_autoencoder
from .progress import ProgressBar, ProgressLines, ProgressLog, shown_progress
from .regression import Examples, fit_to_examples
from .state import TrainingState
from .together import train_together

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
    "Pretraining",
    "ProgressBar",
    "ProgressLines",
    "ProgressLog",
    "Record",
    "StratifiedBatches",
    "TrainingState",
    "fit_to_examples",
    "kept_on_disk",
    "losses_of",
    "on_device",
    "pretrain_autoencoder",
    "require_finite",
    "shown_progress",
    "train_adversarially",
    "train_together",
]
