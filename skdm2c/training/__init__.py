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
    Progress,
    Record,
    require_finite,
)
from .decoding import DecodingSettings, refit_decoder
from .pretraining import PretrainingSettings, pretrain_autoencoder
from .state import TrainingState
from .teaching import TeachingSettings, teach_generators

__all__ = [
    "AdversarialSettings",
    "Callback",
    "Callbacks",
    "DecodingSettings",
    "DivergenceGuard",
    "EarlyStop",
    "History",
    "PretrainingSettings",
    "Progress",
    "Record",
    "StratifiedBatches",
    "TeachingSettings",
    "TrainingState",
    "pretrain_autoencoder",
    "refit_decoder",
    "require_finite",
    "teach_generators",
    "train_adversarially",
]
