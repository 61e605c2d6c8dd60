"""The story of a fit, top to bottom.

Rows -> latents that preserve neighbourhoods -> clusters within each modality -> matched across
modalities -> generators taught by the matching -> adversarial training (equation 4) -> all rows
in the hub's latent space -> clusters. Every step takes a `Run` and what the steps before it made,
and hands on a value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, partial
from typing import NamedTuple, cast

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import nn

from .alignment import KnownPairs
from .alignment.coupling import Edge, couple_edges, edge_weight, generator_targets
from .alignment.hub import best_hub, separation
from .alignment.modalities import AlignedModalities, ClusteredModalities, align_modalities
from .alignment.targets import CoupledRows
from .clustering.clusters import cluster_modality, cluster_unified
from .clustering.familiarity import Familiarity
from .clustering.mixture import Clusters
from .clustering.neighbors import enough_components, fit_pca, row_graph
from .clustering.scoring import ClusterProfile, profile
from .data.prepared import PreparedData
from .data.rows import FloatRows, Matrix, Rows, subsample
from .data.sample import RowSample, draw_sample
from .model import FittedModel, in_order_given, reconstruction_errors, unify
from .networks import (
    CrossModalSystem,
    ModalityAutoEncoder,
    apply_in_chunks,
    build_autoencoders,
)
from .networks.components import Basis, narrowed, widen_
from .networks.inference import CHUNK
from .runtime.processes import SINGLE_PROCESS, Processes
from .settings import FitPlan
from .training import (
    BatchedRows,
    Callback,
    Callbacks,
    DivergenceGuard,
    Examples,
    History,
    Record,
    adversarial_phase,
    fit_last_layer,
    on_device,
    pretraining_phase,
    regression_phase,
    require_finite,
    run_phases,
)

TEACHING_RATE = 2  # times the learning rate: targets stand still, unlike adversarial ones
GENERATOR_RIDGE, DECODER_RIDGE = 1e-3, 1e-2  # relative to the variance of the features
MIN_WIDTH_RATIO = 3  # columns per component from which pretraining in components pays
MAX_PRETRAINING_ROWS = 30_000  # per modality
MAX_TEMPERATURE_ROWS = 5000  # rows of a modality by which probabilities are calibrated


class Seeds(NamedTuple):
    """One random seed per source of chance, so that a change in one leaves the others."""

    weights: int
    batches: int
    alignment: int
    clusters: int


@dataclass(frozen=True)
class Run:
    """What every step of a fit works with.

    ``callbacks`` get one record per epoch and phase. ``previous`` holds the networks of an
    earlier fit that this one continues, and ``previous_labels``, of shape (n,), what that fit makes
    of the rows. ``n_threads`` modalities train at once, which changes no
    result. Each of several ``processes`` has rows of its own.
    """

    data: PreparedData
    plan: FitPlan
    seeds: Seeds
    device: torch.device
    callbacks: Sequence[Callback] = ()
    previous: CrossModalSystem | None = None
    previous_labels: NDArray[np.integer] | None = None
    n_threads: int = 1
    processes: Processes = SINGLE_PROCESS
    history: History = field(default_factory=History)

    @cached_property
    def blocks(self) -> list[BatchedRows]:
        """The rows of each modality, readable a batch at a time on the device."""
        return [on_device(x, self.device) for x in self.data.rows]

    @cached_property
    def callback(self) -> Callback:
        """All callbacks as one."""
        return Callbacks([self.history, DivergenceGuard(), *self.callbacks])

    def modality_rng(self, phase: str, m: int) -> torch.Generator:
        """Random generator of one modality's phase, so that the order of modalities is free."""
        rank = self.processes.rank
        stream = [self.seeds.batches, *phase.encode(), *([m, rank] if rank else [m])]
        seed = int(np.random.SeedSequence(stream).generate_state(1)[0])
        return torch.Generator(self.device).manual_seed(seed)

    def require_finite(self, name: str, spaces: Sequence[FloatRows]) -> None:
        """Raise TrainingDivergedError unless all numbers are finite.

        The last step can overflow weights after its own loss was still finite.
        """
        if self.history.records:
            largest = max(float(np.abs(z).max()) for z in spaces)
            require_finite(name, largest, self.history.records[-1])


class Fit(NamedTuple):
    """What a fit results in.

    ``embedding``, of shape (n, n_components), holds the rows in the unified space and ``labels``,
    of shape (n,), their clusters, both in the order given; ``records`` has one dict per epoch
    and phase.
    """

    model: FittedModel
    embedding: FloatRows
    labels: NDArray[np.int32]
    records: list[Record]


def fit_model(run: Run) -> Fit:
    """Run all steps of a fit. Raises TrainingDivergedError if a loss is no longer finite."""
    weights_rng = torch.Generator().manual_seed(run.seeds.weights)
    batches_rng = torch.Generator(run.device).manual_seed(run.seeds.batches)

    sample = draw_sample(run.data, _pairs(run), run.seeds.alignment, run.processes)
    autoencoders = pretrain(run, sample, weights_rng)
    modalities = cluster_modalities(run, autoencoders, sample)
    system = build_system(run, autoencoders, modalities.hub, weights_rng)
    aligned = align(run, modalities)
    # The callbacks keep this function, so it must not hold the callbacks: a cycle would keep the
    # data in memory after the fit.
    silent = replace(run, callbacks=())
    run.callback.on_model(partial(_conclude_now, silent, system, sample, aligned))
    couplings = couple(run, modalities, aligned, system)
    teach_generators(run, system, modalities, aligned, couplings, batches_rng)
    train_adversarially(run, system, batches_rng)
    run.callback.on_step("clustering all rows")
    embedding = _unified(run, system)
    if aligned is not None:
        translated = _translated_rows(system, sample, aligned, couplings)
        fit_decoders(system.autoencoders, sample, translated)
    run.require_finite("translation", _first_translations(system, run.data.rows))
    return conclude(run, system, embedding, sample, aligned)


def pretrain(run: Run, sample: RowSample, rng: torch.Generator) -> nn.ModuleList:
    """Train an auto-encoder per modality (equation 1), which preserves neighbourhoods."""
    data, plan = run.data, run.plan
    widths = [x.shape[1] for x in data.rows]
    autoencoders = build_autoencoders(plan.networks, widths, rng).to(run.device)
    if run.previous is not None:
        _require_same_networks(run.previous, plan, widths)
        autoencoders.load_state_dict(run.previous.autoencoders.state_dict())
    bases = [_basis(run, x) for x in sample.rows]
    learners = [
        autoencoder if basis is None else narrowed(autoencoder, basis)
        for autoencoder, basis in zip(_each(autoencoders), bases, strict=True)
    ]
    phases = []
    for m, (learner, basis) in enumerate(zip(learners, bases, strict=True)):
        x, block = data.rows[m], run.blocks[m]
        if basis is not None:
            x = _coordinates(run, m, basis)
            block = on_device(x, run.device)
        phases.append(
            pretraining_phase(
                learner,
                block,
                partial(_neighbor_graph, run, x) if plan.pretraining.lambda_neighbors else None,
                plan.pretraining,
                plan.passes(plan.pretrain_epochs),
                learning_rate=plan.learning_rates[m],
                rng=run.modality_rng("pretraining", m),
                name=data.names[m],
                processes=run.processes,
                n_features=widths[m],
            )
        )
    run_phases(phases, run.callback, run.n_threads)
    for autoencoder, learner, basis in zip(_each(autoencoders), learners, bases, strict=True):
        if basis is not None:
            widen_(autoencoder, learner, basis)
    autoencoders.eval()
    if _in_components(plan):
        fit_decoders(autoencoders, sample, {})
    return autoencoders


def cluster_modalities(
    run: Run, autoencoders: nn.ModuleList, sample: RowSample
) -> ClusteredModalities:
    """Cluster the sampled rows of each modality by itself, and choose the hub."""
    plan, seed = run.plan, run.seeds.clusters
    run.callback.on_step("clustering each modality")
    latents = _encode(autoencoders, sample.rows, run.device)
    run.require_finite("latent space", latents)
    clusters, separations = [], []
    if plan.hub is None or plan.aligner:
        clusters = run.processes.once(
            lambda: [
                cluster_modality(z, n, plan.clustering, seed)
                for z, n in zip(latents, plan.cluster_counts, strict=True)
            ]
        )
        separations = [
            separation(z, of_modality.labels, seed)
            for z, of_modality in zip(latents, clusters, strict=True)
        ]
    hub = plan.hub
    if hub is None:
        hub = best_hub(separations, sample.pairs, plan.cluster_counts)
    has_all = plan.cluster_counts[hub] == plan.clustering.n_clusters
    if run.previous_labels is not None and clusters and has_all:
        at = sample.at[run.data.codes[sample.at] == hub]
        clusters[hub] = clusters[hub].numbered_like(run.previous_labels[at])
    return ClusteredModalities(
        run.data.names,
        sample.rows,
        latents,
        [scaler.unscaled(x) for scaler, x in zip(run.data.scalers, sample.rows, strict=True)]
        if plan.aligner
        else [],
        clusters,
        plan.cluster_counts,
        separations,
        hub,
        {key: KnownPairs(rows, plan.lambda_pairs) for key, rows in sample.pairs.items()},
    )


def build_system(
    run: Run, autoencoders: nn.ModuleList, hub: int, rng: torch.Generator
) -> CrossModalSystem:
    """Join the auto-encoders at the hub by generators and discriminators."""
    widths = [x.shape[1] for x in run.data.rows]
    system = CrossModalSystem(run.plan.networks, widths, hub, rng, autoencoders).to(run.device)
    if run.previous is not None and run.previous.hub == hub:
        system.generators.load_state_dict(run.previous.generators.state_dict())
        system.discriminators.load_state_dict(run.previous.discriminators.state_dict())
    return system


def align(run: Run, modalities: ClusteredModalities) -> AlignedModalities | None:
    """Match the clusters of each modality with the hub's; None if no aligner is set."""
    aligner = run.plan.aligner
    if aligner is None:
        return None
    return run.processes.once(
        lambda: align_modalities(modalities, aligner, run.seeds.alignment, run.callback.on_step)
    )


def couple(
    run: Run,
    modalities: ClusteredModalities,
    aligned: AlignedModalities | None,
    system: CrossModalSystem,
) -> dict[Edge, CoupledRows]:
    """Couple rows along every edge of the system whose matching of clusters is trusted."""
    if aligned is None:
        return {}
    run.callback.on_step("coupling rows")
    return run.processes.once(
        lambda: couple_edges(modalities, aligned, system.edges, run.seeds.alignment)
    )


def teach_generators(
    run: Run,
    system: CrossModalSystem,
    modalities: ClusteredModalities,
    aligned: AlignedModalities | None,
    couplings: Mapping[Edge, CoupledRows],
    rng: torch.Generator,
) -> None:
    """Train every generator to map latents to where the matching says they belong."""
    if aligned is None:
        return
    plan, names = run.plan, run.data.names
    targets = run.processes.once(
        lambda: generator_targets(modalities, aligned, system.edges, couplings)
    )
    examples = {
        (s, t): Examples(
            "transport",
            on_device(modalities.latents[s], run.device),
            on_device(targets[s, t], run.device),
        )
        for s, t in system.edges
    }
    phases = [
        regression_phase(
            system.generator_of(s, t),
            examples[s, t],
            plan.passes(plan.alignment_epochs),
            learning_rate=TEACHING_RATE * max(plan.learning_rates),
            rng=rng,
            name=f"{names[s]} to {names[t]}",
        )
        for s, t in system.edges
    ]
    run_phases(phases, run.callback)
    for (s, t), of_edge in examples.items():
        generator = cast(ModalityAutoEncoder, system.generator_of(s, t))
        layers = nn.Sequential(*generator.encoder, *generator.decoder)
        fit_last_layer(layers, [of_edge], GENERATOR_RIDGE)
    # All processes have learned the same, but machines of several kinds round differently.
    learned = (parameter.data for parameter in system.generators.parameters())
    run.processes.average_(learned, 1 / run.processes.size)


def train_adversarially(run: Run, system: CrossModalSystem, rng: torch.Generator) -> None:
    """Optimise equation (4) over all networks."""
    plan = run.plan
    if run.processes.rank:  # from here on each process draws rows of its own
        rng.manual_seed(run.seeds.batches + run.processes.rank)
    phase = adversarial_phase(
        system,
        run.blocks,
        plan.adversarial,
        replace(plan.passes(plan.adversarial.epochs), schedule="constant"),
        rng=rng,
        processes=run.processes,
        pairs=_pairs(run),
        lambda_pairs=plan.lambda_pairs,
    )
    run_phases([phase], run.callback)


def fit_decoders(
    autoencoders: nn.ModuleList, sample: RowSample, translated: Mapping[Edge, Examples]
) -> None:
    """Fit the decoders' last layers to sampled rows, and to translations of coupled rows."""
    device = next(autoencoders.parameters()).device
    latents = _encode(autoencoders, sample.rows, device)
    for m, autoencoder in enumerate(_each(autoencoders)):
        fit_last_layer(
            autoencoder.decoder,
            [
                Examples(
                    "reconstruction",
                    on_device(latents[m], device),
                    on_device(sample.rows[m], device),
                ),
                *(examples for (_, t), examples in translated.items() if t == m),
            ],
            DECODER_RIDGE,
        )


def conclude(
    run: Run,
    system: CrossModalSystem,
    embedding: FloatRows,
    sample: RowSample,
    aligned: AlignedModalities | None,
) -> Fit:
    """Cluster all rows in the unified space, and put what was learned into one model."""
    data, processes, clustering = run.data, run.processes, run.plan.clustering
    sampled = np.concatenate(processes.gather(embedding[sample.at]))
    start = in_order_given(aligned.responsibilities, sample.codes) if aligned else None
    clusters = processes.once(
        lambda: cluster_unified(sampled, start, clustering, run.seeds.clusters)
    )
    if start is None and run.previous_labels is not None:
        previous = run.previous_labels[sample.at, None] == np.arange(clustering.n_clusters)
        clusters = clusters.numbered_like(previous.astype(float), sampled)
    # One process knows all rows; several share the sample.
    alone = processes.size == 1
    rows, codes, z = (
        (data.rows, data.codes, embedding) if alone else (sample.rows, sample.codes, sampled)
    )
    labels = clusters.assign(z)
    profiles = tuple(
        profile(x, labels[codes == m], clustering.n_clusters) for m, x in enumerate(rows)
    )
    model = FittedModel(
        data.names,
        data.scalers,
        system,
        clusters,
        aligned.alignments if aligned else {},
        profiles,
        _temperatures(codes, z, clusters, profiles),
        _familiarities(rows, codes, z, clusters, system),
    )
    labels = model.assign(embedding, data.codes, data.pairs)
    return Fit(model, embedding, labels, run.history.records)


def common_centers(labels: NDArray[np.int32], centers: Matrix, processes: Processes) -> Matrix:
    """Average cluster centres, of shape (k, c), over the rows of all processes.

    Examples
    --------
    >>> common_centers(np.array([0, 0]), np.eye(2), SINGLE_PROCESS)
    array([[1., 0.],
           [0., 1.]])
    """
    parts = processes.gather((np.bincount(labels, minlength=len(centers)), centers))
    if len(parts) == 1:
        return centers
    counts, places = (np.stack(part) for part in zip(*parts, strict=True))
    total: Matrix = (counts[:, :, None] * places).sum(axis=0)
    total /= np.maximum(counts.sum(axis=0), 1)[:, None]
    return total


def _pairs(run: Run) -> dict[tuple[int, int], NDArray[np.intp]]:
    return dict(run.data.pairs) if run.plan.lambda_pairs else {}


def _in_components(plan: FitPlan) -> bool:
    return plan.pretrain_epochs > 0 and plan.pretraining.n_components is not None


def _basis(run: Run, sample: FloatRows) -> Basis | None:
    # The components in which a modality is pretrained; None if that would not save much.
    if not _in_components(run.plan):
        return None
    enough = enough_components(run.plan.clustering.n_clusters)
    n_components = max(run.plan.pretraining.n_components or 0, enough)
    if sample.shape[1] < MIN_WIDTH_RATIO * n_components:
        return None
    pca = fit_pca(sample, n_components, run.seeds.alignment)
    return Basis(pca.components_.T.astype(np.float32), pca.mean_.astype(np.float32))


def _coordinates(run: Run, m: int, basis: Basis) -> FloatRows:
    # Of many rows a sample: the epochs would not see the others often enough to be worth the
    # time that their neighbours take.
    x = run.data.rows[m]
    max_rows = len(x)
    if run.plan.max_epoch_rows is not None:
        max_rows = MAX_PRETRAINING_ROWS // run.processes.size
    rng = np.random.RandomState(run.seeds.alignment)
    return basis.coordinates(x, subsample(len(x), max_rows, rng))


def _neighbor_graph(run: Run, x: Rows) -> sp.csr_matrix:
    n_components = enough_components(run.plan.clustering.n_clusters)
    return row_graph(x, run.plan.n_neighbors, n_components, run.seeds.alignment)


def _require_same_networks(previous: CrossModalSystem, plan: FitPlan, widths: list[int]) -> None:
    then = {"numbers of columns": previous.n_features, **asdict(previous.architecture)}
    now = {"numbers of columns": tuple(widths), **asdict(plan.networks)}
    changed = [
        f"{'lipschitz=spectral_norm' if name == 'spectral' else name} (then {old}, now {now[name]})"
        for name, old in then.items()
        if old != now[name]
    ]
    if changed:
        raise ValueError(
            f"warm_start=True continues the previous fit, which differs in {', '.join(changed)}. "
            "Set warm_start=False to start afresh, or restore those values."
        )


def _each(autoencoders: nn.ModuleList) -> list[ModalityAutoEncoder]:
    return cast(list[ModalityAutoEncoder], list(autoencoders))


def _encode(
    autoencoders: nn.ModuleList, rows: Sequence[Rows], device: torch.device
) -> list[FloatRows]:
    encoders = (cast(ModalityAutoEncoder, autoencoder).encoder for autoencoder in autoencoders)
    return [apply_in_chunks(encoder, x, device) for encoder, x in zip(encoders, rows, strict=True)]


def _translated_rows(
    system: CrossModalSystem,
    sample: RowSample,
    aligned: AlignedModalities,
    couplings: Mapping[Edge, CoupledRows],
) -> dict[Edge, Examples]:
    # Coupled rows of the first modality of an edge, as the generator maps them, and the
    # barycentres of their counterparts in the second.
    examples = {}
    for (s, t), rows in couplings.items():
        latents = apply_in_chunks(
            partial(system.encode, modality=s), sample.rows[s][rows.of_left], system.device
        )
        mapped = apply_in_chunks(system.generator_of(s, t), latents, system.device)
        barycenters = rows.targets(sample.rows[t], rows.of_left).astype(np.float32)
        examples[s, t] = Examples(
            "translation",
            on_device(mapped, system.device),
            on_device(barycenters, system.device),
            edge_weight(aligned, (s, t)),
        )
    return examples


def _first_translations(system: CrossModalSystem, rows: list[Rows]) -> list[FloatRows]:
    return [
        apply_in_chunks(partial(system.translate, source=s, target=t), x[:CHUNK], system.device)
        for s, x in enumerate(rows)
        for t in range(len(rows))
    ]


def _unified(run: Run, system: CrossModalSystem) -> FloatRows:
    embedding = unify(system, run.data.rows, run.data.codes)
    run.require_finite("unified space", [embedding])
    return embedding


def _conclude_now(
    run: Run, system: CrossModalSystem, sample: RowSample, aligned: AlignedModalities | None
) -> Fit:
    # What the fit would result in if training stopped now; training goes on undisturbed.
    snapshot = deepcopy(system).eval()
    return conclude(run, snapshot, _unified(run, snapshot), sample, aligned)


def _familiarities(
    rows: Sequence[Rows],
    codes: NDArray[np.intp],
    embedding: FloatRows,
    clusters: Clusters,
    system: CrossModalSystem,
) -> tuple[Familiarity, ...]:
    familiarities = []
    for m, x in enumerate(rows):
        of_modality = np.flatnonzero(codes == m)
        sample = subsample(len(x), MAX_TEMPERATURE_ROWS, np.random.RandomState(m))
        familiarities.append(
            Familiarity.of(
                clusters.log_density(embedding[of_modality[sample]]),
                reconstruction_errors(system, x[sample], m),
                clusters.means.shape[1],
                x.shape[1],
            )
        )
    return tuple(familiarities)


def _temperatures(
    codes: NDArray[np.intp],
    embedding: FloatRows,
    clusters: Clusters,
    profiles: tuple[ClusterProfile, ...],
) -> tuple[float, ...]:
    # Latents pull neighbours together, so a mixture of them is all but certain of every row.
    temperatures = []
    for m, modality in enumerate(profiles):
        z = embedding[codes == m]
        rows = subsample(len(z), MAX_TEMPERATURE_ROWS, np.random.RandomState(m))
        temperatures.append(clusters.temperature(z[rows], modality.cohesion))
    return tuple(temperatures)
