"""How the networks learn: batches, the phases of training, and their history.

Tensors in, trained networks out; nothing here knows scikit-learn.
"""

from .adversarial import AdversarialSettings, train_adversarially
from .batches import StratifiedBatches
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
from .checkpoint import Checkpoint, kept_on_disk
from .pretraining import PretrainingSettings, pretrain_autoencoder
from .progress import ProgressBar, ProgressLines, ProgressLog, shown_progress
from .regression import Examples, RegressionSettings, fit_to_examples
from .rows import BatchedRows, on_device
from .state import TrainingState
from .together import train_together

__all__ = [
    "AdversarialSettings",
    "BatchedRows",
    "Callback",
    "Callbacks",
    "Checkpoint",
    "DivergenceGuard",
    "EarlyStop",
    "Examples",
    "History",
    "PretrainingSettings",
    "ProgressBar",
    "ProgressLines",
    "ProgressLog",
    "Record",
    "RegressionSettings",
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
