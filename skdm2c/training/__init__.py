"""How the networks learn: batches, the phases of training, and their history.

Tensors in, trained networks out; nothing here knows scikit-learn.
"""

from .adversarial import AdversarialSettings, train_adversarially
from .alignment_start import regress_generators
from .batches import StratifiedBatches
from .history import TrainingHistory
from .inference import apply_in_chunks
from .pretraining import PretrainingSettings, pretrain_autoencoder

__all__ = [
    "AdversarialSettings",
    "PretrainingSettings",
    "StratifiedBatches",
    "TrainingHistory",
    "apply_in_chunks",
    "pretrain_autoencoder",
    "regress_generators",
    "train_adversarially",
]
