"""Third phase: adversarial training of all networks on equation (4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from sklearn.base import BaseEstimator
from torch import Tensor, nn

from ..data.pairs import NumberedPairs
from ..networks import CrossModalSystem, losses
from ..runtime.processes import SINGLE_PROCESS, Processes
from .batches import BatchedRows, Passes, StratifiedBatches
from .loop import Phase, descend
from .optimizers import OptimizerName, make_optimizer
from .state import TrainingState, new_state

LossName = Literal["wasserstein", "gan"]
LipschitzName = Literal["clip", "gradient_penalty", "spectral_norm"]
Edge = tuple[int, int]


@dataclass(repr=False)
class AdversarialTraining(BaseEstimator):  # type: ignore[misc]
    """Settings of the third phase, which optimises equation (4) of the paper.

    Parameters
    ----------
    epochs : int, default=5
        Number of epochs; 0 skips the phase.
    loss : {"wasserstein", "gan"}, default="wasserstein"
        Adversarial loss: "wasserstein" is equation (3) of the paper, "gan" the cross-entropy of
        a plain GAN.
    lipschitz : {"clip", "gradient_penalty", "spectral_norm"} or None, default="spectral_norm"
        How the discriminators are kept Lipschitz continuous: by clipping their weights, as in
        the paper, by a penalty on their gradients, or by spectral normalisation. None leaves
        them unconstrained.
    clip_value : float, default=0.05
        Maximum absolute value of the discriminators' weights if ``lipschitz="clip"``.
    gradient_penalty_weight : float, default=10.0
        Weight of the penalty if ``lipschitz="gradient_penalty"``.
    lambda_cycle : float, default=1.0
        Weight of the cycle loss, equation (2); λ₁ in the paper.
    lambda_reconstruction : float, default=1.0
        Weight of the reconstruction loss, equation (1); λ₂ in the paper.
    lambda_adversarial : float, default=0.1
        Weight of the adversarial loss, equation (3).
    lambda_cycle_reconstruction : float, default=0.0
        Weight of the reconstruction loss of cycled latents. The authors' code has this term, the
        paper has not.
    generator_steps : int, default=1
        Number of steps of the generators and auto-encoders between two updates of the
        discriminators.
    discriminator_steps : int, default=1
        Number of steps of the discriminators per update.
    autoencoder_learning_rate : float, default=0.0
        Learning rate of the auto-encoders. With 0 they are frozen and keep the neighbourhoods
        learned in pretraining.
    generator_learning_rate : float, default=3e-4
        Learning rate of the generators.
    discriminator_learning_rate : float, default=3e-4
        Learning rate of the discriminators.
    optimizer : {"adam", "rmsprop"}, default="adam"
        Optimiser of all networks.
    weight_decay : float, default=0.0
        Weight of the L2 penalty on the weights of all networks.

    References
    ----------
    Jiang, Xu, Yang, Cao, Huang, "DM2C: Deep Mixed-Modal Clustering", NeurIPS 2019.

    Examples
    --------
    Skip the phase:

    >>> from skdm2c import AdversarialTraining, MixedModalClustering
    >>> MixedModalClustering(3, adversarial=AdversarialTraining(epochs=0))
    MixedModalClustering(adversarial=AdversarialTraining(epochs=0), n_clusters=3)

    Change its settings through the estimator, as a grid search does:

    >>> MixedModalClustering(3).set_params(adversarial__epochs=20).adversarial
    AdversarialTraining(epochs=20)
    """

    epochs: int = 5
    loss: LossName = "wasserstein"
    lipschitz: LipschitzName | None = "spectral_norm"
    clip_value: float = 0.05
    gradient_penalty_weight: float = 10.0
    lambda_cycle: float = 1.0
    lambda_reconstruction: float = 1.0
    lambda_adversarial: float = 0.1
    lambda_cycle_reconstruction: float = 0.0
    generator_steps: int = 1
    discriminator_steps: int = 1
    autoencoder_learning_rate: float = 0.0
    generator_learning_rate: float = 3e-4
    discriminator_learning_rate: float = 3e-4
    optimizer: OptimizerName = "adam"
    weight_decay: float = 0.0


@dataclass(frozen=True)
class MappedBatch:
    """Latents of a batch, with those mapped by each generator, by its (source, target)."""

    latents: list[Tensor]  # one of shape (n_m, n_components) per modality
    mapped: dict[Edge, Tensor]  # latents of the source, mapped into the space of the target
    cycled: dict[Edge, Tensor]  # these, mapped back into the space of the source


def map_batch(system: CrossModalSystem, batch: list[Tensor]) -> MappedBatch:
    """Encode a batch, a tensor of shape (n_m, d_m) per modality, and map and cycle its latents."""
    latents = [system.encode(x, m) for m, x in enumerate(batch)]
    mapped = {(s, t): system.generator_of(s, t)(latents[s]) for s, t in system.edges}
    cycled = {(s, t): system.generator_of(t, s)(z) for (s, t), z in mapped.items()}
    return MappedBatch(latents, mapped, cycled)


def adversarial_phase(
    system: CrossModalSystem,
    blocks: Sequence[BatchedRows],
    settings: AdversarialTraining,
    passes: Passes,
    *,
    rng: torch.Generator,
    processes: Processes = SINGLE_PROCESS,
    pairs: NumberedPairs | None = None,
    lambda_pairs: float = 0.0,
) -> Phase[tuple[int, list[Tensor]]]:
    """Prepare the adversarial phase on ``blocks``, the rows of each modality.

    ``pairs`` holds, by modalities (s, t), row numbers of shape (n, 2) of the same instances; the
    generators learn to map these to each other, with the weight ``lambda_pairs``.
    """
    n_rows = [len(x) for x in blocks]
    batches = StratifiedBatches(
        n_rows, passes.batch_size, rng, max_rows=passes.max_epoch_rows, processes=processes
    )
    learners: list[tuple[nn.Module, float]] = [
        (system.generators, settings.generator_learning_rate)
    ]
    frozen = settings.autoencoder_learning_rate == 0
    if not frozen:
        learners.insert(0, (system.autoencoders, settings.autoencoder_learning_rate))
    discriminators = [(system.discriminators, settings.discriminator_learning_rate)]
    optimizers = {
        "minimizer": make_optimizer(settings.optimizer, learners, settings.weight_decay),
        "maximizer": make_optimizer(settings.optimizer, discriminators, settings.weight_decay),
    }
    state = new_state("adversarial", system, optimizers, batches, passes, rng)
    # As in the authors' code, generator steps are counted anew in every epoch. An epoch with
    # fewer steps trains the discriminators on its last batch.
    period = min(settings.generator_steps, len(batches))
    pair_rows = {
        modalities: torch.as_tensor(rows, device=rng.device)
        for modalities, rows in (pairs or {}).items()
    }
    has_pairs = any(processes.gather(bool(pair_rows)))  # all processes record the same losses

    def step(numbered_batch: tuple[int, list[Tensor]]) -> dict[str, Tensor]:
        number, indices = numbered_batch
        batch = [x[index] for x, index in zip(blocks, indices, strict=True)]
        paired = {
            (s, t): (blocks[s][rows[:, 0]], blocks[t][rows[:, 1]])
            for (s, t), rows in _draw_pairs(pair_rows, passes.batch_size, rng).items()
        }
        encoded, terms = _minimize(
            state, system, batch, paired if has_pairs else None, settings, lambda_pairs
        )
        if number % period == 0:
            for _ in range(settings.discriminator_steps):
                _maximize(state, system, encoded, settings)
        return terms

    system.train()
    system.autoencoders.requires_grad_(not frozen).train(not frozen)
    return Phase(state, _NumberedBatches(batches), passes.n_epochs, lambda: step)


class _NumberedBatches:
    # The batches of one epoch, with numbers from 1.
    def __init__(self, batches: StratifiedBatches) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[tuple[int, list[Tensor]]]:
        return enumerate(self.batches, start=1)


def _minimize(
    state: TrainingState,
    system: CrossModalSystem,
    batch: list[Tensor],
    paired: Mapping[Edge, tuple[Tensor, Tensor]] | None,
    settings: AdversarialTraining,
    lambda_pairs: float,
) -> tuple[MappedBatch, dict[str, Tensor]]:
    system.discriminators.requires_grad_(False)  # they score, but are not trained here
    encoded = map_batch(system, batch)
    generator_loss: Callable[[Tensor], Tensor] = (
        losses.gan_generator_loss if settings.loss == "gan" else losses.wasserstein_generator_loss
    )
    reconstruction = _sum(
        losses.reconstruction_loss(x, system.decode(z, m))
        for m, (x, z) in enumerate(zip(batch, encoded.latents, strict=True))
    )
    cycle = _sum(losses.cycle_loss(encoded.latents[s], z) for (s, _), z in encoded.cycled.items())
    scores = {(s, t): system.discriminators[t](z) for (s, t), z in encoded.mapped.items()}
    adversarial = _sum(generator_loss(fake) for fake in scores.values())
    objective = losses.total_objective(
        reconstruction,
        cycle,
        adversarial,
        lambda_reconstruction=settings.lambda_reconstruction,
        lambda_cycle=settings.lambda_cycle,
        lambda_adversarial=settings.lambda_adversarial,
    )
    if settings.lambda_cycle_reconstruction:
        # The authors' code has this term, the paper has not.
        objective = objective + settings.lambda_cycle_reconstruction * _sum(
            losses.reconstruction_loss(batch[s], system.decode(z, s))
            for (s, _), z in encoded.cycled.items()
        )
    terms = {"reconstruction": reconstruction.detach(), "cycle": cycle.detach()}
    if paired is not None:
        pair_losses = [_pair_loss(system, edge, rows) for edge, rows in paired.items()]
        pair_loss = _sum([torch.zeros_like(cycle), *pair_losses])
        objective = objective + lambda_pairs * pair_loss
        terms["pairs"] = pair_loss.detach()
    with torch.no_grad():  # the history records equation (3), not the generators' loss
        value = _sum(
            losses.adversarial_value(system.discriminators[t](encoded.latents[t]), fake)
            for (_, t), fake in scores.items()
        )
    descend(state, "minimizer", objective)
    return encoded, {**terms, "adversarial": value}


def _pair_loss(system: CrossModalSystem, edge: Edge, rows: tuple[Tensor, Tensor]) -> Tensor:
    # Distance between the two rows of each pair: in the hub's latent space if both modalities
    # are spokes, otherwise in both modalities' latent spaces.
    s, t = edge
    z_s, z_t = (system.encode(x, m) for x, m in zip(rows, edge, strict=True))
    if system.hub not in edge:
        to_hub = (system.generator_of(m, system.hub) for m in edge)
        z_s, z_t = (generator(z) for generator, z in zip(to_hub, (z_s, z_t), strict=True))
        return losses.cycle_loss(z_s, z_t)
    forward = losses.cycle_loss(z_t, system.generator_of(s, t)(z_s))
    return forward + losses.cycle_loss(z_s, system.generator_of(t, s)(z_t))


def _draw_pairs(
    pair_rows: dict[Edge, Tensor], batch_size: int, rng: torch.Generator
) -> dict[Edge, Tensor]:
    # At most ``batch_size`` pairs per two modalities.
    return {
        edge: rows
        if len(rows) <= batch_size
        else rows[torch.randint(len(rows), (batch_size,), generator=rng, device=rng.device)]
        for edge, rows in pair_rows.items()
    }


def _maximize(
    state: TrainingState,
    system: CrossModalSystem,
    encoded: MappedBatch,
    settings: AdversarialTraining,
) -> None:
    system.discriminators.requires_grad_(True)
    loss_of = (
        losses.gan_discriminator_loss
        if settings.loss == "gan"
        else losses.wasserstein_discriminator_loss
    )
    terms = []
    for (_, t), fake in encoded.mapped.items():
        discriminator = system.discriminators[t]
        real, fake = encoded.latents[t].detach(), fake.detach()
        terms.append(loss_of(discriminator(real), discriminator(fake)))
        if settings.lipschitz == "gradient_penalty":
            penalty = losses.gradient_penalty(discriminator, real, fake, state.rng)
            terms.append(settings.gradient_penalty_weight * penalty)
    descend(state, "maximizer", settings.lambda_adversarial * _sum(terms))
    if settings.lipschitz == "clip":
        with torch.no_grad():
            torch._foreach_clamp_max_(list(system.discriminators.parameters()), settings.clip_value)
            torch._foreach_clamp_min_(
                list(system.discriminators.parameters()), -settings.clip_value
            )


def _sum(terms: Iterable[Tensor]) -> Tensor:
    return torch.stack(list(terms)).sum()
