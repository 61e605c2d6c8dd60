"""The graph of neighbours, where it is known who is whose."""

import numpy as np
import pytest

from skdm2c.clustering.neighbors import close_rows, principal_components


@pytest.mark.parametrize("width", [1, 2, 3, 6])
def test_neighbours_of_narrow_blocks_are_of_the_same_cluster(width):
    # On a ray, as directions do not tell its clusters apart, in one column as in three; in six
    # columns they lie at corners.
    rng = np.random.RandomState(0)
    y = np.repeat(np.arange(6), 40)
    centers = 5 * np.eye(6) if width == 6 else 5 * np.arange(6.0)[:, None] * np.ones(width)
    x = (centers[y] + 0.3 * rng.randn(240, width)).astype(np.float32)
    graph = close_rows(principal_components(x, 30, seed=0), 15).tocoo()
    assert (y[graph.row] == y[graph.col]).mean() > 0.95
