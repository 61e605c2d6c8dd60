"""How the networks learn: batches, the phases of training, and their history.

Tensors in, trained networks out; nothing here knows scikit-learn.
"""

from .adversarial import AdversarialSettings, train_adversarially
from .batches import StratifiedBatches
from .decoding import DecodingSettings, refit_decoder
from .history import TrainingHistory
from .inference import apply_in_chunks
from .pretraining import PretrainingSettings, pretrain_autoencoder
from .teaching import TeachingSettings, teach_generators

__all__ = [
    "AdversarialSettings",
    "DecodingSettings",
    "PretrainingSettings",
    "StratifiedBatches",
    "TeachingSettings",
    "TrainingHistory",
    "apply_in_chunks",
    "pretrain_autoencoder",
    "refit_decoder",
    "teach_generators",
    "train_adversarially",
]
