"""From checked data to a trained system: pretrain, align, train."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.preprocessing import normalize
from torch import Tensor

from ._threads import single_threaded
from .alignment import Alignment, align, barycentric_targets
from .data import MixedModalData, modality_index
from .data.blocks import n_rows
from .inputs import FloatRows, ModalityInput
from .neighbors import few_neighbors, neighbor_graph, principal_components
from .networks import ModalityAutoEncoder
from .parameters import ModelParameters
from .system import CrossModalSystem
from .training import (
    TrainingHistory,
    apply_in_chunks,
    pretrain_autoencoder,
    regress_generators,
    train_adversarially,
)

Examples = dict[tuple[int, int], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class CheckedData:
    """What goes into training: per modality its front door and its rows behind it."""

    names: tuple[str, ...]
    inputs: list[ModalityInput]
    rows: list[FloatRows]


def check_data(parameters: ModelParameters, data: MixedModalData) -> CheckedData:
    """Find all that is wrong with parameters and data together, before any training.

    Parameters
    ----------
    parameters : ModelParameters
    data : MixedModalData

    Returns
    -------
    CheckedData

    Raises
    ------
    ValueError
        If a parameter does not fit the data, or a block is no good.
    """
    parameters.check_sequences(len(data.names))
    if parameters.unify_to != "auto":
        modality_index(parameters.unify_to, data.names)
    require_all_modalities(data, at_least=2)
    if len(data) < parameters.n_clusters:
        raise ValueError(
            f"n_samples={len(data)} should be >= n_clusters={parameters.n_clusters}: "
            "there are fewer rows than clusters."
        )
    inputs = [ModalityInput(name, parameters.standardize) for name in data.names]
    rows = [
        door.fit_transform(block) for door, block in zip(inputs, data.blocks.values(), strict=True)
    ]
    return CheckedData(data.names, inputs, rows)


def require_all_modalities(data: MixedModalData, at_least: int) -> None:
    """Refuse data that lack rows of a modality.

    Parameters
    ----------
    data : MixedModalData
    at_least : int
        Rows that each modality must have.

    Raises
    ------
    ValueError
        Names the modality, and what to do in cross-validation.
    """
    for name, block in data.blocks.items():
        if n_rows(block) < at_least:
            raise ValueError(
                f"Modality {name!r} has n_samples = {n_rows(block)} here; every modality needs "
                f"{at_least} or more. In cross-validation use cv=ModalityKFold(), as a plain "
                "KFold can leave a fold without a modality."
            )


@single_threaded
def train_system(
    system: CrossModalSystem,
    checked: CheckedData,
    parameters: ModelParameters,
    *,
    generator: torch.Generator,
    align_seed: int,
    history: TrainingHistory,
) -> float:
    """Run all phases of training in place.

    Parameters
    ----------
    system : CrossModalSystem
        On the device of ``generator``; left in evaluation mode.
    checked : CheckedData
    parameters : ModelParameters
    generator : torch.Generator
        Draws all batches.
    align_seed : int
    history : TrainingHistory

    Returns
    -------
    float
        Confidence of the alignment, that of the worst spoke; 0 where the generators
        did not learn any.

    Raises
    ------
    TrainingDivergedError
        If a loss becomes NaN or infinite.
    """
    device = generator.device
    blocks = [torch.from_numpy(x).to(device) for x in checked.rows]
    rates = parameters.pretrain_rates(len(blocks))
    for m, autoencoder in enumerate(system.autoencoders):
        assert isinstance(autoencoder, ModalityAutoEncoder)
        pretrain_autoencoder(
            autoencoder,
            blocks[m],
            neighbors_of(checked.rows[m], parameters, align_seed),
            parameters.pretraining_settings(),
            learning_rate=rates[m],
            generator=generator,
            history=history,
            name=checked.names[m],
        )
    confidence = 0.0
    if parameters.alignment == "geometry" and parameters.alignment_epochs > 0:
        found = _align_spokes(checked.rows, system.architecture.hub, parameters, align_seed)
        regress_generators(
            system,
            _examples(system, checked.rows, found, device),
            n_epochs=parameters.alignment_epochs,
            batch_size=parameters.batch_size,
            learning_rate=max(rates),
            generator=generator,
            history=history,
        )
        confidence = min(alignment.confidence for alignment in found.values())
    train_adversarially(
        system,
        blocks,
        parameters.adversarial_settings(),
        batch_size=parameters.batch_size,
        generator=generator,
        history=history,
    )
    system.eval()
    return confidence


def neighbors_of(x: FloatRows, parameters: ModelParameters, seed: int) -> sp.csr_matrix | None:
    """Graph of the neighbours that the latents of a modality are to keep.

    Parameters
    ----------
    x : ndarray of shape (n, d)
    parameters : ModelParameters
    seed : int

    Returns
    -------
    sparse matrix of shape (n, n) or None
        By cosine in 30 principal components; None where ``lambda_neighbors`` is 0.
    """
    if not parameters.lambda_neighbors:
        return None
    directions = normalize(principal_components(x, seed))
    return neighbor_graph(directions, few_neighbors(parameters.n_neighbors, len(x)))


def _align_spokes(
    rows: list[FloatRows], hub: int, parameters: ModelParameters, seed: int
) -> dict[int, Alignment]:
    return {
        m: align(x, rows[hub], parameters.n_clusters, seed) for m, x in enumerate(rows) if m != hub
    }


def _examples(
    system: CrossModalSystem,
    rows: list[FloatRows],
    found: dict[int, Alignment],
    device: torch.device,
) -> Examples:
    # For each generator: latents, and where the coupling sends them.
    system.eval()
    hub = system.architecture.hub
    latents = [
        apply_in_chunks(partial(system.encode, modality=m), x, device) for m, x in enumerate(rows)
    ]

    def on_device(z: np.ndarray) -> Tensor:
        return torch.from_numpy(z.astype(np.float32)).to(device)

    examples: Examples = {}
    for m, alignment in found.items():
        z_spoke = latents[m][alignment.left_rows]
        z_hub = latents[hub][alignment.right_rows]
        to_hub = barycentric_targets(alignment.coupling, z_hub)
        from_hub = barycentric_targets(alignment.coupling.T, z_spoke)
        examples[m, hub] = (on_device(z_spoke), on_device(to_hub))
        examples[hub, m] = (on_device(z_hub), on_device(from_hub))
    return examples
