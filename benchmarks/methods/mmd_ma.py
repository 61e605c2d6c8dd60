"""MMD-MA (Liu et al., WABI 2019; Singh et al., ACM BCB 2020), then k-means.

Rows of both modalities are mapped into one space by K alpha, linear in each modality's
own kernel matrix K. Minimised are the maximum mean discrepancy between the two mapped
sets, plus 1e-4 times the distance of alpha' K alpha from the identity, so that nothing
collapses, plus 1e-4 times that of the mapped rows' inner products from K, so that each
modality keeps its shape.

Written from the papers. They choose weights from 1e-3 to 1e-7 and 4 to 6 dimensions for
each set; here they are those that the authors' later program takes when nothing is given,
1e-4 twice and 5. As in Singh et al.: weights start uniform in [0, 0.1], Adam with amsgrad
at 5e-4, the Gaussian kernel's squared width is 64 times the squared median distance to
the nearest row at the start. As in Liu et al.'s program there are several starts; the
lowest objective counts. Other than there: 4 starts of 1000 steps, where one is of 10,000,
for time. Kernels are inner products of rows of unit norm.
"""

from __future__ import annotations

import torch
from sklearn.cluster import KMeans
from sklearn.preprocessing import normalize
from torch import Tensor

from ._torch import tensors
from .interface import Clustering, Matrix

N_LATENT, WEIGHT_PENALTY, WEIGHT_DISTORTION = 5, 1e-4, 1e-4
STARTS, STEPS, LEARNING_RATE = 4, 1000, 5e-4
LARGEST_WEIGHT, WIDTH_IN_GAPS = 0.1, 8


def fit_labels(X_a: Matrix, X_b: Matrix, k: int, seed: int) -> Clustering:
    """Learn both maps, then cluster the mapped rows."""
    torch.manual_seed(seed)
    kernels = tensors(*(Z @ Z.T for Z in (normalize(X) for X in (X_a, X_b))))
    _, rows = min((learned(kernels) for _ in range(STARTS)), key=lambda start: start[0])
    return Clustering(KMeans(k, n_init=10, random_state=seed).fit_predict(rows), rows)


def learned(kernels: list[Tensor]) -> tuple[float, Matrix]:
    """From one random start, the objective that is reached and all mapped rows, A's first."""
    alphas = [torch.rand(len(K), N_LATENT).mul_(LARGEST_WEIGHT).requires_grad_() for K in kernels]
    optimizer = torch.optim.Adam(alphas, lr=LEARNING_RATE, amsgrad=True)
    with torch.no_grad():
        width = kernel_width(torch.cat(_mapped(kernels, alphas)))
    for _ in range(STEPS):
        optimizer.zero_grad()
        objective(kernels, alphas, width).backward()
        optimizer.step()
    with torch.no_grad():
        reached = float(objective(kernels, alphas, width))
        return reached, torch.cat(_mapped(kernels, alphas)).numpy()


def _mapped(kernels: list[Tensor], alphas: list[Tensor]) -> list[Tensor]:
    return [K @ alpha for K, alpha in zip(kernels, alphas, strict=True)]


def objective(kernels: list[Tensor], alphas: list[Tensor], width: float) -> Tensor:
    """Discrepancy, penalty and distortion, weighted."""
    mapped = _mapped(kernels, alphas)
    loss = discrepancy(*mapped, width)
    for K, alpha, Z in zip(kernels, alphas, mapped, strict=True):
        penalty = (alpha.T @ Z - torch.eye(N_LATENT)).norm()
        loss = loss + WEIGHT_PENALTY * penalty + WEIGHT_DISTORTION * distortion(K, Z)
    return loss


def discrepancy(Z_a: Tensor, Z_b: Tensor, width: float) -> Tensor:
    """Squared maximum mean discrepancy by a Gaussian kernel of squared width ``width``."""
    a, b, both = (_gaussian(x, y, width).mean() for x, y in ((Z_a, Z_a), (Z_b, Z_b), (Z_a, Z_b)))
    return a + b - 2 * both


def distortion(K: Tensor, Z: Tensor) -> Tensor:
    """Frobenius norm of Z Z' - K, without an n by n product."""
    squared = (Z.T @ Z).square().sum() - 2 * ((K @ Z) * Z).sum() + K.square().sum()
    return squared.clamp(min=0).sqrt()


def kernel_width(Z: Tensor) -> float:
    """Square of WIDTH_IN_GAPS times the median distance of a row to its nearest."""
    nearest = torch.cdist(Z, Z).kthvalue(2, dim=1).values
    return float((WIDTH_IN_GAPS * nearest.median()) ** 2)


def _gaussian(x: Tensor, y: Tensor, width: float) -> Tensor:
    squared_norms = x.square().sum(1)[:, None] + y.square().sum(1)
    return torch.exp((x @ y.T - squared_norms / 2) / width)
