"""Two modalities of one kind: what the second is, that a run scores, what the page says."""

import numpy as np
import pytest

from benchmarks import one_kind
from benchmarks.one_kind import PICTURE, Task, badly_scanned, draw, summary


def test_a_scan_is_blurred_and_moved_by_a_column():
    dots = np.zeros((1, *PICTURE))
    dots[0, 8, 6] = 4.0
    (scan,) = badly_scanned(dots.reshape(1, -1)).reshape(-1, *PICTURE)
    assert np.unravel_index(scan.argmax(), PICTURE) == (8, 7)
    assert scan.sum() == pytest.approx(4)
    np.testing.assert_allclose(scan[8, 6], scan[8, 8])
    assert 0.5 < scan[8, 6] / scan[8, 7] < 0.7  # exp(-1/2) at one deviation


def test_halves_of_the_digits_are_drawn_and_scored():
    problem, y, (random, oracle) = draw(0)
    assert problem.X_a.shape == problem.X_b.shape == (1000, 240)
    assert sorted(np.bincount(y)) == [200] * 10
    line = one_kind.run(Task("concatenated", 0), 1, 1)
    assert line["random"] < line["oracle"]
    assert line["reference_gain"] == pytest.approx(
        (line["ari"] - random) / (oracle - random), abs=1e-3
    )
    assert summary([line]).splitlines()[-1].startswith("| concatenated PCA + k-means | 1 |")


def test_a_run_that_failed_is_left_out():
    assert "SMILE" not in summary([{"method": "smile", "seed": 0, "error": "not installed"}])
