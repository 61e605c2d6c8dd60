"""The examples run, at toy size, and leave what they say they leave."""

import os
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name, *arguments, folder):
    done = subprocess.run(
        [sys.executable, EXAMPLES / name, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=280,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_results_are_drawn_reported_and_kept(tmp_path):
    said = run("plot_results.py", "--quick", folder=tmp_path)
    assert "Can the modalities be compared?" in said
    assert said.rstrip().endswith("read again it predicts the same: True")
    left = {path.name for path in (tmp_path / "results_output").iterdir()}
    pictures = ("matching", "mix", "space_by_cluster", "space_by_modality", "training")
    assert left == {"report.html", "model.safetensors", "translation.png"} | {
        f"{name}.png" for name in pictures
    }
