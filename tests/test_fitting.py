"""The way of a fit: what its steps hand on to each other."""

import numpy as np
import pytest

from skdm2c.fitting import neighbors_to_keep


@pytest.mark.parametrize("width", [1, 2, 3, 6])
def test_neighbours_of_narrow_blocks_are_of_the_same_cluster(width):
    # On a ray, as directions do not tell its clusters apart, in one column as in three; in six
    # columns they lie at corners.
    rng = np.random.RandomState(0)
    y = np.repeat(np.arange(6), 40)
    centers = 5 * np.eye(6) if width == 6 else 5 * np.arange(6.0)[:, None] * np.ones(width)
    x = centers[y] + 0.3 * rng.randn(240, width)
    graph = neighbors_to_keep((x - x.mean(axis=0)).astype(np.float32), 15, seed=0).tocoo()
    assert (y[graph.row] == y[graph.col]).mean() > 0.95
