"""Third phase: the min-max game of equation (4) over all networks at once."""

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

GameName = Literal["wasserstein", "gan"]
LipschitzName = Literal["clip", "gradient_penalty", "spectral_norm"]
Edge = tuple[int, int]


@dataclass(repr=False)
class AdversarialTraining(BaseEstimator):  # type: ignore[misc]
    """Settings of the third phase, in which equation (4) of the paper is optimised.

    Parameters
    ----------
    epochs : int, default=10
        Number of epochs; 0 leaves the phase out.
    loss : {"wasserstein", "gan"}, default="wasserstein"
        Equation (3) as it is printed, or the cross-entropy of a plain GAN.
    lipschitz : {"clip", "gradient_penalty", "spectral_norm"} or None, default="spectral_norm"
        How the discriminators are kept smooth: by clipping their weights (the paper), by a
        penalty on their gradients, or by spectral normalization.
    clip_value : float, default=0.05
        Bound on the discriminators' weights with ``lipschitz="clip"``.
    gradient_penalty_weight : float, default=10.0
        Weight of the penalty with ``lipschitz="gradient_penalty"``.
    lambda_cycle : float, default=1.0
        Weight of cycle consistency, equation (2): λ₁ of the paper.
    lambda_reconstruction : float, default=1.0
        Weight of reconstruction, equation (1): λ₂ of the paper.
    lambda_adversarial : float, default=0.1
        Weight of equation (3).
    lambda_cycle_reconstruction : float, default=0.0
        Weight of the reconstruction of rows from cycled latents, which is in the authors' code
        and not in the paper.
    generator_steps : int, default=1
        Steps of generators and auto-encoders between those of the discriminators.
    discriminator_steps : int, default=1
        Steps of the discriminators at a time.
    autoencoder_learning_rate : float, default=0.0
        Learning rate of the auto-encoders; with 0 they keep the neighbourhoods that pretraining
        has taught them.
    generator_learning_rate, discriminator_learning_rate : float, default=1e-4
        Learning rates of the generators and of the discriminators.
    optimizer : {"adam", "rmsprop"}, default="adam"
    weight_decay : float, default=0.0
        Weight of the squared norm of all weights.

    References
    ----------
    Jiang, Xu, Yang, Cao, Huang, "DM2C: Deep Mixed-Modal Clustering", NeurIPS 2019.

    Examples
    --------
    Leave the phase out:

    >>> from skdm2c import AdversarialTraining, MixedModalClustering
    >>> MixedModalClustering(3, adversarial=AdversarialTraining(epochs=0))
    MixedModalClustering(adversarial=AdversarialTraining(epochs=0), n_clusters=3)

    Search its settings:

    >>> MixedModalClustering(3).set_params(adversarial__epochs=20).adversarial
    AdversarialTraining(epochs=20)
    """

    epochs: int = 10
    loss: GameName = "wasserstein"
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
    generator_learning_rate: float = 1e-4
    discriminator_learning_rate: float = 1e-4
    optimizer: OptimizerName = "adam"
    weight_decay: float = 0.0


@dataclass(frozen=True)
class MappedBatch:
    """A batch in the latent spaces: its own latents, mapped ones and cycled ones.

    ``latents[m]`` are the latents of modality m; for each generator's edge
    (source, target), ``mapped[edge]`` are the source's latents in the target's
    space and ``cycled[edge]`` those mapped back to the source.
    """

    latents: list[Tensor]
    mapped: dict[Edge, Tensor]
    cycled: dict[Edge, Tensor]


def map_batch(system: CrossModalSystem, batch: list[Tensor]) -> MappedBatch:
    """Send a batch through the encoders and through every generator, there and back.

    Parameters
    ----------
    system : CrossModalSystem
    batch : list of Tensor, the m-th of shape (n_m, d_m)

    Returns
    -------
    MappedBatch

    Examples
    --------
    >>> from skdm2c.networks import Architecture
    >>> arch = Architecture(2, (8,), (8, 8), (8,), "none", False)
    >>> system = CrossModalSystem(arch, (3, 5), 0, torch.Generator().manual_seed(0))
    >>> out = map_batch(system, [torch.zeros(4, 3), torch.zeros(6, 5)])
    >>> out.mapped[1, 0].shape, out.cycled[1, 0].shape
    (torch.Size([6, 2]), torch.Size([6, 2]))
    """
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
    """Prepare the optimisation of equation (4): discriminators maximise what the rest minimises.

    ``blocks`` holds the rows of every modality, ``pairs`` the rows of two modalities that are
    known to be one instance: generators also learn to map one to the latent of the other, with
    the weight ``lambda_pairs``. With an ``autoencoder_learning_rate`` of 0 the auto-encoders
    stay as they are. After every ``generator_steps`` steps of auto-encoders and generators the
    discriminators make ``discriminator_steps`` steps on the last batch's latents. As in the
    authors' code the count starts anew with every epoch; an epoch that is too short for it
    trains the discriminators on its last step.
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
    critics = [(system.discriminators, settings.discriminator_learning_rate)]
    optimizers = {
        "minimizer": make_optimizer(settings.optimizer, learners, settings.weight_decay),
        "maximizer": make_optimizer(settings.optimizer, critics, settings.weight_decay),
    }
    state = new_state("adversarial", system, optimizers, batches, passes, rng)
    period = min(settings.generator_steps, len(batches))
    known = {key: torch.as_tensor(rows, device=rng.device) for key, rows in (pairs or {}).items()}
    any_known = any(processes.gather(bool(known)))  # all processes record the same losses

    def step(numbered: tuple[int, list[Tensor]]) -> dict[str, Tensor]:
        number, rows = numbered
        batch = [x[index] for x, index in zip(blocks, rows, strict=True)]
        instances = {
            (s, t): (blocks[s][some[:, 0]], blocks[t][some[:, 1]])
            for (s, t), some in _some_pairs(known, passes.batch_size, rng).items()
        }
        image, terms = _minimize(
            state, system, batch, instances if any_known else None, settings, lambda_pairs
        )
        if number % period == 0:
            for _ in range(settings.discriminator_steps):
                _maximize(state, system, image, settings)
        return terms

    system.train()
    system.autoencoders.requires_grad_(not frozen).train(not frozen)
    return Phase(state, _NumberedBatches(batches), passes.n_epochs, lambda: step)


class _NumberedBatches:
    # Steps count from 1 in every epoch.
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
    instances: Mapping[Edge, tuple[Tensor, Tensor]] | None,
    settings: AdversarialTraining,
    lambda_pairs: float,
) -> tuple[MappedBatch, dict[str, Tensor]]:
    system.discriminators.requires_grad_(False)  # they only score here
    image = map_batch(system, batch)
    generator_loss: Callable[[Tensor], Tensor] = (
        losses.gan_generator_loss if settings.loss == "gan" else losses.wasserstein_generator_loss
    )
    reconstruction = _sum(
        losses.reconstruction_loss(x, system.decode(z, m))
        for m, (x, z) in enumerate(zip(batch, image.latents, strict=True))
    )
    cycle = _sum(losses.cycle_loss(image.latents[s], z) for (s, _), z in image.cycled.items())
    scores = {(s, t): system.discriminators[t](z) for (s, t), z in image.mapped.items()}
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
        # The authors' code has this term, the paper does not print it.
        objective = objective + settings.lambda_cycle_reconstruction * _sum(
            losses.reconstruction_loss(batch[s], system.decode(z, s))
            for (s, _), z in image.cycled.items()
        )
    terms = {"reconstruction": reconstruction.detach(), "cycle": cycle.detach()}
    if instances is not None:
        apart = [_apart(system, key, rows) for key, rows in instances.items()]
        paired = _sum([torch.zeros_like(cycle), *apart])
        objective = objective + lambda_pairs * paired
        terms["pairs"] = paired.detach()
    with torch.no_grad():  # equation (3) as it stands, for the history
        value = _sum(
            losses.adversarial_value(system.discriminators[t](image.latents[t]), fake)
            for (_, t), fake in scores.items()
        )
    descend(state, "minimizer", objective)
    return image, {**terms, "adversarial": value}


def _apart(system: CrossModalSystem, key: Edge, rows: tuple[Tensor, Tensor]) -> Tensor:
    # How far the two rows of instances are apart in the latent spaces that both can be sent to.
    s, t = key
    z_s, z_t = (system.encode(x, m) for x, m in zip(rows, key, strict=True))
    if system.hub not in key:
        to_hub = (system.generator_of(m, system.hub) for m in key)
        z_s, z_t = (generator(z) for generator, z in zip(to_hub, (z_s, z_t), strict=True))
        return losses.cycle_loss(z_s, z_t)
    there = losses.cycle_loss(z_t, system.generator_of(s, t)(z_s))
    return there + losses.cycle_loss(z_s, system.generator_of(t, s)(z_t))


def _some_pairs(
    known: dict[Edge, Tensor], batch_size: int, rng: torch.Generator
) -> dict[Edge, Tensor]:
    return {
        key: rows
        if len(rows) <= batch_size
        else rows[torch.randint(len(rows), (batch_size,), generator=rng, device=rng.device)]
        for key, rows in known.items()
    }


def _maximize(
    state: TrainingState,
    system: CrossModalSystem,
    image: MappedBatch,
    settings: AdversarialTraining,
) -> None:
    system.discriminators.requires_grad_(True)
    loss_of = (
        losses.gan_discriminator_loss
        if settings.loss == "gan"
        else losses.wasserstein_discriminator_loss
    )
    terms = []
    for (_, t), fake in image.mapped.items():
        discriminator = system.discriminators[t]
        real, fake = image.latents[t].detach(), fake.detach()
        terms.append(
            settings.lambda_adversarial * loss_of(discriminator(real), discriminator(fake))
        )
        if settings.lipschitz == "gradient_penalty":
            penalty = losses.gradient_penalty(discriminator, real, fake, state.rng)
            terms.append(settings.gradient_penalty_weight * penalty)
    descend(state, "maximizer", _sum(terms))
    if settings.lipschitz == "clip":
        with torch.no_grad():
            torch._foreach_clamp_max_(list(system.discriminators.parameters()), settings.clip_value)
            torch._foreach_clamp_min_(
                list(system.discriminators.parameters()), -settings.clip_value
            )


def _sum(terms: Iterable[Tensor]) -> Tensor:
    return torch.stack(list(terms)).sum()
