"""The way of a fit, top to bottom.

rows -> latents that keep neighbourhoods -> clusters within each modality -> matched across
modalities -> generators taught by it -> equation (4) -> all rows in the hub's latent space
-> clusters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, replace
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from .alignment import KnownPairs, taught_targets
from .alignment.hub import best_hub, separation
from .alignment.modalities import (
    AlignedModalities,
    ClusteredModalities,
    align_modalities,
    couple_spokes,
)
from .alignment.targets import CoupledRows, row_weight
from .clustering.mixture import Clusters, fit_kmeans, fit_mixture, fit_mixture_from
from .clustering.modality import ClusteringSettings, ModalityClusters, cluster_modality
from .clustering.neighbors import enough_components, row_graph
from .clustering.scoring import ClusterProfile, profile
from .data.prepared import PreparedData
from .data.rows import FloatRows, Matrix, Rows, subsample
from .data.sample import RowSample, draw_sample
from .model import FittedModel, in_order_given, unify
from .networks import CrossModalSystem, ModalityAutoEncoder, apply_in_chunks, build_autoencoders
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
    fit_to_examples,
    on_device,
    pretrain_autoencoder,
    require_finite,
    train_adversarially,
    train_together,
)

TEACHING_RATE = 3  # times the learning rate: targets stand still, unlike those of the game
Edge = tuple[int, int]  # source and target of a generator

MAX_TEMPERATURE_ROWS = 5000  # that tell how sure probabilities are to be


class Seeds(NamedTuple):
    """One for each source of chance, so that a change in one leaves the others."""

    weights: int
    batches: int
    alignment: int
    clusters: int


class Fit(NamedTuple):
    """What a fit gives.

    Attributes
    ----------
    model : FittedModel
    embedding : ndarray of shape (n, n_components)
        The rows in the unified space, in the order given.
    labels : ndarray of int of shape (n,)
        The cluster of each; rows of one instance have the same.
    records : list of dict
        One an epoch and phase.
    """

    model: FittedModel
    embedding: FloatRows
    labels: NDArray[np.int32]
    records: list[Record]


def fit_model(
    data: PreparedData,
    plan: FitPlan,
    seeds: Seeds,
    device: torch.device,
    callbacks: Sequence[Callback] = (),
    before: CrossModalSystem | None = None,
    n_threads: int = 1,
    processes: Processes = SINGLE_PROCESS,
) -> Fit:
    """Learn all there is to learn.

    Parameters
    ----------
    data : PreparedData
    plan : FitPlan
    seeds : Seeds
    device : torch.device
    callbacks : sequence of Callback
        Get one record an epoch and phase, after it was found to be sound.
    before : CrossModalSystem, default=None
        Of an earlier fit, to go on from; it stays as it is.
    n_threads : int, default=1
        In which modalities learn by themselves at once; it changes no result.
    processes : Processes, default=SINGLE_PROCESS
        The processes that fit the same model, each with rows of its own.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        If ``before`` is of other columns or other widths.
    TrainingDivergedError
        If a loss becomes NaN or infinite.
    """
    history = History()
    callback = Callbacks([history, DivergenceGuard(), *callbacks])
    weights_rng = torch.Generator().manual_seed(seeds.weights)
    rng = torch.Generator(device).manual_seed(seeds.batches)  # alike in all processes
    blocks = [on_device(x, device) for x in data.rows]

    widths = [x.shape[1] for x in data.rows]
    autoencoders = build_autoencoders(plan.networks, widths, weights_rng).to(device)
    if before is not None:
        _require_same_networks(before, plan, widths)
        autoencoders.load_state_dict(before.autoencoders.state_dict())
    _pretrain(autoencoders, data, blocks, plan, seeds, callback, n_threads, processes)
    pairs = data.pairs if plan.lambda_pairs else {}
    sample = draw_sample(data, pairs, seeds.alignment, processes)
    latents = _encode(autoencoders, sample.rows, device)
    _require_finite("latent space", latents, history)

    own: list[ModalityClusters] = []
    separations: list[float] = []
    if plan.hub is None or plan.aligner:
        own = processes.once(
            lambda: [
                cluster_modality(z, n, plan.clustering, seeds.clusters)
                for z, n in zip(latents, plan.own_numbers, strict=True)
            ]
        )
        separations = [
            separation(z, found.labels, seeds.clusters)
            for z, found in zip(latents, own, strict=True)
        ]
    hub = plan.hub
    if hub is None:
        hub = best_hub(separations, sample.pairs, plan.own_numbers)
    system = CrossModalSystem(plan.networks, widths, hub, weights_rng, autoencoders).to(device)
    if before is not None and before.hub == hub:
        system.generators.load_state_dict(before.generators.state_dict())
        system.discriminators.load_state_dict(before.discriminators.state_dict())

    matched = AlignedModalities({}, [])
    couplings: dict[tuple[int, int], CoupledRows] = {}
    start = None
    if plan.aligner:
        known = {key: KnownPairs(rows, plan.lambda_pairs) for key, rows in sample.pairs.items()}
        unscaled = [scaler.unscaled(x) for scaler, x in zip(data.scalers, sample.rows, strict=True)]
        unmatched = ClusteredModalities(
            sample.rows, latents, unscaled, plan.own_numbers, separations, hub, known
        )
        match = partial(align_modalities, unmatched, own, plan.aligner, seeds.alignment)
        matched = processes.once(match)
        start = in_order_given(matched.responsibilities, sample.codes)

    def conclude(system: CrossModalSystem, embedding: FloatRows) -> Fit:
        looked_at = np.concatenate(processes.gather(embedding[sample.at]))
        fit_clusters = partial(_fit_clusters, looked_at, start, plan.clustering, seeds.clusters)
        clusters = processes.once(fit_clusters)
        # What is known of all rows is; of those of several processes, of the sample.
        all_rows = processes.size == 1
        known = data if all_rows else replace(data, rows=[*sample.rows], codes=sample.codes)
        z = embedding if all_rows else looked_at
        profiles = _profiles(known, clusters.assign(z), plan.clustering.n_clusters)
        temperatures = _temperatures(known, z, clusters, profiles)
        model = FittedModel(
            data.names, data.scalers, system, clusters, matched.alignments, profiles, temperatures
        )
        labels = model.assign(embedding, data.codes, data.pairs)
        return Fit(model, embedding, labels, history.records)

    def conclude_now() -> Fit:
        now = deepcopy(system).eval()
        embedding = unify(now, data.rows, data.codes)
        _require_finite("unified space", [embedding], history)
        return conclude(now, embedding)

    callback.on_model(conclude_now)
    if plan.aligner:
        couplings = processes.once(
            partial(_couple_edges, unmatched, matched, system.edges, seeds.alignment)
        )
        targets = processes.once(
            partial(_generator_targets, unmatched, matched, system.edges, couplings)
        )
        _teach_generators(system, data, latents, targets, plan, rng, callback)
        # All have learned the same; but machines of several kinds round in several ways.
        learned = (parameter.data for parameter in system.generators.parameters())
        processes.average_(learned, 1 / processes.size)
    if processes.rank:
        rng.manual_seed(seeds.batches + processes.rank)  # from here on each draws its own rows
    train_adversarially(
        system,
        blocks,
        plan.adversarial,
        batch_size=plan.batch_size,
        rng=rng,
        callback=callback,
        max_epoch_rows=plan.max_epoch_rows,
        processes=processes,
        pairs=pairs,
        lambda_pairs=plan.lambda_pairs,
    )
    system.eval()
    embedding = unify(system, data.rows, data.codes)
    _require_finite("unified space", [embedding], history)
    counterparts = {}
    if plan.decoder_epochs:
        counterparts = _translated_rows(system, sample, matched, couplings)
    _refit_decoders(system, data, blocks, counterparts, plan, seeds, callback, n_threads, processes)
    _require_finite("translation", _some_translations(system, data.rows), history)
    return conclude(system, embedding)


def common_centers(labels: NDArray[np.int32], centers: Matrix, processes: Processes) -> Matrix:
    """Centres of clusters over the rows of all processes.

    Parameters
    ----------
    labels : ndarray of int of shape (n,)
    centers : ndarray of shape (k, c)
        Over this process's rows.
    processes : Processes

    Returns
    -------
    ndarray of shape (k, c)

    Examples
    --------
    >>> common_centers(np.array([0, 0]), np.eye(2), SINGLE_PROCESS)
    array([[1., 0.],
           [0., 1.]])
    """
    found = processes.gather((np.bincount(labels, minlength=len(centers)), centers))
    if len(found) == 1:
        return centers
    counts, places = (np.stack(part) for part in zip(*found, strict=True))
    total: Matrix = (counts[:, :, None] * places).sum(axis=0)
    total /= np.maximum(counts.sum(axis=0), 1)[:, None]
    return total


def _require_same_networks(before: CrossModalSystem, plan: FitPlan, widths: list[int]) -> None:
    then = {"numbers of columns": before.n_features, **asdict(before.architecture)}
    now = {"numbers of columns": tuple(widths), **asdict(plan.networks)}
    other = [
        f"{'lipschitz=spectral_norm' if name == 'spectral' else name} (then {old}, now {now[name]})"
        for name, old in then.items()
        if old != now[name]
    ]
    if other:
        raise ValueError(
            f"warm_start=True goes on from the fit before, which differs in {', '.join(other)}. "
            "Set warm_start=False to begin anew, or keep them as they were."
        )


def _profiles(
    data: PreparedData, labels: NDArray[np.int32], n_clusters: int
) -> tuple[ClusterProfile, ...]:
    return tuple(profile(x, labels[data.codes == m], n_clusters) for m, x in enumerate(data.rows))


def _temperatures(
    data: PreparedData,
    embedding: FloatRows,
    clusters: Clusters,
    profiles: tuple[ClusterProfile, ...],
) -> tuple[float, ...]:
    # Latents pull neighbours together, so a mixture of them is all but certain of every row.
    found = []
    for m, modality in enumerate(profiles):
        z = embedding[data.codes == m]
        kept = subsample(len(z), MAX_TEMPERATURE_ROWS, np.random.RandomState(m))
        found.append(clusters.temperature(z[kept], modality.cohesion))
    return tuple(found)


def _require_finite(name: str, spaces: list[FloatRows], history: History) -> None:
    # A last step may overflow weights after its own loss was still a number.
    if history.records:
        largest = max(float(np.abs(z).max()) for z in spaces)
        require_finite(name, largest, history.records[-1])


def _some_translations(system: CrossModalSystem, rows: list[Rows]) -> list[FloatRows]:
    return [
        apply_in_chunks(partial(system.translate, source=s, target=t), x[:CHUNK], system.device)
        for s, x in enumerate(rows)
        for t in range(len(rows))
    ]


def _pretrain(
    autoencoders: nn.ModuleList,
    data: PreparedData,
    blocks: list[BatchedRows],
    plan: FitPlan,
    seeds: Seeds,
    callback: Callback,
    n_threads: int,
    processes: Processes,
) -> None:
    def train(m: int, callback: Callback) -> None:
        autoencoder = autoencoders[m]
        assert isinstance(autoencoder, ModalityAutoEncoder)
        device = next(autoencoder.parameters()).device
        graph = None
        if plan.pretraining.lambda_neighbors:
            n_components = enough_components(plan.clustering.n_clusters)
            graph = row_graph(data.rows[m], plan.n_neighbors, n_components, seeds.alignment)
        pretrain_autoencoder(
            autoencoder,
            blocks[m],
            graph,
            plan.pretraining,
            plan.passes(plan.pretrain_epochs),
            learning_rate=plan.learning_rates[m],
            rng=_own_rng(seeds, "pretraining", m, device, processes.rank),
            callback=callback,
            name=data.names[m],
            processes=processes,
        )
        autoencoder.eval()

    train_together([partial(train, m) for m in range(len(autoencoders))], callback, n_threads)


def _own_rng(seeds: Seeds, phase: str, m: int, device: torch.device, rank: int) -> torch.Generator:
    # A modality draws its own batches: it does not matter who is first.
    whose = [m, rank] if rank else [m]
    seed = np.random.SeedSequence([seeds.batches, *phase.encode(), *whose]).generate_state(1)[0]
    return torch.Generator(device).manual_seed(int(seed))


def _couple_edges(
    data: ClusteredModalities, matched: AlignedModalities, edges: Sequence[Edge], seed: int
) -> dict[Edge, CoupledRows]:
    # Rows of the two modalities of each edge whose matching is trusted.
    coupled = couple_spokes(data, matched, seed)
    return {
        (s, t): coupled[s] if t == data.hub else coupled[t].turned()
        for s, t in edges
        if (s if t == data.hub else t) in coupled
    }


def _row_weight(matched: AlignedModalities, edge: Edge) -> float:
    # The hub has no alignment.
    (spoke,) = (m for m in edge if m in matched.alignments)
    return row_weight(matched.alignments[spoke].confidence)


def _generator_targets(
    data: ClusteredModalities,
    matched: AlignedModalities,
    edges: Sequence[Edge],
    couplings: Mapping[Edge, CoupledRows],
) -> dict[Edge, FloatRows]:
    # Where every row of the first modality of an edge belongs in the second one's latent space.
    targets = {}
    for s, t in edges:
        mapped = taught_targets(
            data.latents[s],
            matched.responsibilities[s],
            data.latents[t],
            matched.responsibilities[t],
        )
        if (s, t) in couplings:
            weight = _row_weight(matched, (s, t))
            rows = couplings[s, t].targets(data.latents[t])
            mapped = (1 - weight) * mapped + weight * rows
        targets[s, t] = mapped.astype(np.float32)
    return targets


def _teach_generators(
    system: CrossModalSystem,
    data: PreparedData,
    latents: list[FloatRows],
    targets: dict[Edge, FloatRows],
    plan: FitPlan,
    rng: torch.Generator,
    callback: Callback,
) -> None:
    for s, t in system.edges:
        fit_to_examples(
            system.generator_of(s, t),
            [
                Examples(
                    "transport",
                    on_device(latents[s], system.device),
                    on_device(targets[s, t], system.device),
                )
            ],
            plan.passes(plan.alignment_epochs),
            phase="alignment",
            learning_rate=TEACHING_RATE * max(plan.learning_rates),
            rng=rng,
            callback=callback,
            name=f"{data.names[s]} to {data.names[t]}",
        )


def _translated_rows(
    system: CrossModalSystem,
    sample: RowSample,
    matched: AlignedModalities,
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
            _row_weight(matched, (s, t)),
        )
    return examples


def _refit_decoders(
    system: CrossModalSystem,
    data: PreparedData,
    blocks: list[BatchedRows],
    counterparts: Mapping[Edge, Examples],
    plan: FitPlan,
    seeds: Seeds,
    callback: Callback,
    n_threads: int,
    processes: Processes,
) -> None:
    latents = _encode(system.autoencoders, data.rows, system.device)

    def train(m: int, callback: Callback) -> None:
        autoencoder = system.autoencoders[m]
        assert isinstance(autoencoder, ModalityAutoEncoder)
        fit_to_examples(
            autoencoder.decoder,
            [
                Examples("reconstruction", on_device(latents[m], system.device), blocks[m]),
                *(some for (_, t), some in counterparts.items() if t == m),
            ],
            plan.passes(plan.decoder_epochs),
            phase="decoding",
            learning_rate=plan.learning_rates[m],
            rng=_own_rng(seeds, "decoding", m, system.device, processes.rank),
            callback=callback,
            name=data.names[m],
            processes=processes,
        )

    train_together([partial(train, m) for m in range(len(data.names))], callback, n_threads)


def _encode(
    autoencoders: nn.ModuleList, rows: Sequence[Rows], device: torch.device
) -> list[FloatRows]:
    latents = []
    for autoencoder, x in zip(autoencoders, rows, strict=True):
        assert isinstance(autoencoder, ModalityAutoEncoder)
        latents.append(apply_in_chunks(autoencoder.encoder, x, device))
    return latents


def _fit_clusters(
    embedding: FloatRows, start: Matrix | None, settings: ClusteringSettings, seed: int
) -> Clusters:
    if settings.assignment == "kmeans":
        found = fit_kmeans(embedding, settings.n_clusters, settings.n_init, seed)
        return found if start is None else found.numbered_like(start, embedding)
    if start is None:
        return fit_mixture(embedding, settings.n_clusters, settings.n_init, seed)
    return fit_mixture_from(embedding, start, seed)
