"""SMILE (Zeng et al., TPAMI 2024): semantic invariance learning, without any pairs.

Reconstruction, and three entropies of the cluster head C that both modalities share:
minimise -H(C) (balanced clusters), I(C; modality) (each cluster in both modalities
alike) and H(C | x) (sure assignments). The head's weights are the centres of k-means
on the normalised latents of all rows, renewed every epoch.

Written from the paper with the settings that the authors publish for vectors: 150
epochs, the first 50 reconstruction alone; batches of 256; Adam at 1e-3; weights 0.04,
0.20 and 0.04 at temperature 0.1; dropout 0.2. As there, one encoder serves both modalities
if they have as many columns; else each has a first layer of its own. Their contrastive
term needs pairs and vanishes here. The last epoch counts.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.cluster import KMeans
from torch import Tensor, nn

from ._torch import mixed_batches, perceptron, tensors
from .interface import Clustering, Matrix

EPOCHS, WARM_UP, BATCH_SIZE, LEARNING_RATE = 150, 50, 256, 1e-3
WEIGHT_BALANCE, WEIGHT_INVARIANCE, WEIGHT_SURENESS, TEMPERATURE = 0.04, 0.20, 0.04, 0.1
DROPOUT, NOISE = 0.2, 0.1


def fit_labels(X_a: Matrix, X_b: Matrix, k: int, seed: int) -> Clustering:
    """Train, then k-means on the normalised latents of all rows."""
    torch.manual_seed(seed)
    rng = np.random.RandomState(seed)
    blocks = tensors(X_a, X_b)
    net = SharedAutoencoder((X_a.shape[1], X_b.shape[1]), k)
    optimizer = torch.optim.Adam(net.parameters(), lr=LEARNING_RATE)
    for epoch in range(EPOCHS):
        centers = None
        if epoch >= WARM_UP:
            centers = F.normalize(torch.as_tensor(_kmeans(net, blocks, k, seed).cluster_centers_))
        net.train()
        for rows in mixed_batches((len(X_a), len(X_b)), BATCH_SIZE, rng):
            batch = [X[r] for X, r in zip(blocks, rows, strict=True)]
            latents = [net.encode(m, with_dropped_entries(x)) for m, x in enumerate(batch)]
            loss = sum(
                F.mse_loss(net.decode(m, z), x) / 2
                for m, (z, x) in enumerate(zip(latents, batch, strict=True))
            )
            if centers is not None:
                loss = loss + semantic_invariance(
                    *(torch.softmax(z @ centers.T / TEMPERATURE, 1) for z in latents)
                )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return Clustering(_kmeans(net, blocks, k, seed).labels_, _latents(net, blocks))


def semantic_invariance(c_a: Tensor, c_b: Tensor) -> Tensor:
    """Weighted sum of -H(C), I(C; modality) and H(C | x) of soft assignments (n, k)."""
    joint = torch.stack([c_a.sum(0), c_b.sum(0)], 1)
    joint = joint / joint.sum()
    cluster, modality = joint.sum(1), joint.sum(0)
    balance = torch.xlogy(cluster, cluster).sum()
    information = torch.xlogy(joint, joint).sum() - balance - torch.xlogy(modality, modality).sum()
    both = torch.cat([c_a, c_b])
    sureness = -torch.xlogy(both, both).sum(1).mean()
    return WEIGHT_BALANCE * balance + WEIGHT_INVARIANCE * information + WEIGHT_SURENESS * sureness


def with_dropped_entries(x: Tensor) -> Tensor:
    """Set an entry to zero where a draw from N(0, NOISE²) is above NOISE: about one in six."""
    return x * (NOISE * torch.randn_like(x) < NOISE)


class SharedAutoencoder(nn.Module):
    """One encoder, but for the first layer where widths differ; a decoder a modality."""

    def __init__(self, widths: tuple[int, int], k: int) -> None:
        super().__init__()
        options = {"batch_norm": True, "dropout": DROPOUT}
        first = [perceptron(d, 1024, **options) for d in widths]
        self.adapt = nn.ModuleList(first[:1] * 2 if widths[0] == widths[1] else first)
        self.trunk = nn.Sequential(
            perceptron(1024, 1024, 512, **options),
            perceptron(512, 256, dropout=DROPOUT),
            nn.Linear(256, k),
        )
        self.decoders = nn.ModuleList(
            nn.Sequential(
                perceptron(k, 256, 512, dropout=DROPOUT),
                perceptron(512, 1024, 1024, **options),
                nn.Linear(1024, d),
            )
            for d in widths
        )

    def encode(self, modality: int, x: Tensor) -> Tensor:
        """Latents (n, k) of norm one."""
        return F.normalize(self.trunk(self.adapt[modality](x)), dim=1)

    def decode(self, modality: int, z: Tensor) -> Tensor:
        """Rows (n, d)."""
        rows: Tensor = self.decoders[modality](z)
        return rows


@torch.no_grad()
def _latents(net: SharedAutoencoder, blocks: list[Tensor]) -> Matrix:
    net.eval()
    return torch.cat([net.encode(m, X) for m, X in enumerate(blocks)]).numpy()


def _kmeans(net: SharedAutoencoder, blocks: list[Tensor], k: int, seed: int) -> KMeans:
    return KMeans(k, n_init=10, random_state=seed).fit(_latents(net, blocks))
