"""The examples run, at toy size, and leave what they say they leave."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from torch import distributed

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name, *arguments, folder, start=()):
    done = subprocess.run(
        [sys.executable, *start, EXAMPLES / name, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=280,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_results_are_drawn_reported_and_kept(tmp_path):
    said = run("plot_results.py", "--quick", folder=tmp_path)
    assert "Can the modalities be compared?" in said
    assert said.rstrip().endswith("read again it predicts the same: True")
    left = {path.name for path in (tmp_path / "results_output").iterdir()}
    pictures = ("matching", "mix", "space_by_cluster", "space_by_modality", "training")
    assert left == {"report.html", "model.safetensors", "translation.png"} | {
        f"{name}.png" for name in pictures
    }


@pytest.mark.slow
@pytest.mark.skipif(not distributed.is_available(), reason="needs torch.distributed")
def test_two_processes_fit_one_model(tmp_path):
    start = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    said = run("many_processes.py", "--rows", "300", "--epochs", "3", folder=tmp_path, start=start)
    assert "2 processes of 150 rows or so, 15 epochs" in said


@pytest.mark.slow
def test_known_pairs_decide_what_geometry_cannot(tmp_path):
    said = run("plot_known_pairs.py", folder=tmp_path).splitlines()
    gains = [float(line.split("gain ")[1].split(",")[0]) for line in said if "gain" in line]
    assert len(gains) == 4
    assert gains[0] < 0.3 < 0.6 < gains[-1]


@pytest.mark.slow
def test_the_quickstart_aligns_and_predicts(tmp_path):
    said = run("plot_quickstart.py", folder=tmp_path)
    assert float(said.split("gain ")[1].split()[0]) > 0.8


@pytest.mark.slow
def test_trust_is_high_where_it_should_be_and_low_where_not(tmp_path):
    shared, nothing = run("plot_trust.py", folder=tmp_path).splitlines()
    assert "no warning" in shared
    assert "no warning" not in nothing
    assert "warned" in nothing


@pytest.mark.slow
def test_text_and_numbers_go_through_one_pipeline(tmp_path):
    said = run("plot_text_and_numbers.py", folder=tmp_path)
    assert float(said.split("gain ")[1].split()[0]) > 0.8
    assert "MixedModalData(note: 500 x 1, lab: 400 x 5)" in said


@pytest.mark.slow
def test_single_cells_agree_on_their_markers(tmp_path):
    pytest.importorskip("mudata")
    said = run("plot_single_cells.py", folder=tmp_path)
    assert float(said.split("gain ")[1].split()[0]) > 0.8
    assert float(said.split("the two panels ")[1].split()[0]) > 0.7
    assert "skdm2c_confidence" in said


@pytest.mark.slow
def test_three_modalities_are_matched_by_a_hub(tmp_path):
    said = run("plot_three_modalities.py", folder=tmp_path)
    hub = said.split("hub: ")[1].split()[0]
    spokes = {"photo", "text", "sound"} - {hub}
    assert all(f"{name} matched with the hub, confidence 0." in said for name in spokes)
    assert float(said.split("gain ")[1].split()[0]) > 0.8


@pytest.mark.slow
def test_most_digits_are_translated_to_themselves(tmp_path):
    said = run("plot_translation.py", folder=tmp_path)
    share = {line.split(":")[0]: line.split(": ")[1] for line in said.splitlines()[1:]}
    assert int(share["translations"].split("%")[0]) > 60
    assert int(share["originals"].split("%")[0]) > 85


@pytest.mark.slow
def test_rows_on_disk_are_fitted_and_labelled_in_little_memory(tmp_path):
    said = run("plot_memmap.py", folder=tmp_path)
    on_disk = int(said.split(" MB on disk")[0])
    in_fit, in_predict = (
        int(line.split(" MB at most")[0].split()[-1])
        for line in said.splitlines()
        if line.endswith("MB at most")
    )
    assert max(in_fit, in_predict) < 0.6 * on_disk
    assert float(said.split("gain ")[1].split()[0]) > 0.8


@pytest.mark.slow
@pytest.mark.skipif(not distributed.is_available(), reason="needs torch.distributed")
def test_torchrun_fits_one_model_in_two_processes(tmp_path):
    pytest.importorskip("safetensors")
    said = run("plot_torchrun.py", folder=tmp_path)
    assert "process 0 of 2: 450 rows" in said
    assert "process 1 of 2: 450 rows" in said
    assert "those that the processes had: True" in said
    assert float(said.split("gain ")[1].split()[0]) > 0.8


@pytest.mark.slow
def test_a_saved_model_predicts_the_same_elsewhere(tmp_path):
    pytest.importorskip("safetensors")
    said = run("plot_saved_model.py", folder=tmp_path)
    assert said.count("the same labels in both processes: True") == 2
    assert "damaged" in said.split("refused: ")[1]


@pytest.mark.slow
def test_a_catalogue_is_embedded_or_says_what_is_missing(tmp_path):
    said = run("plot_catalogue.py", folder=tmp_path)
    if importlib.util.find_spec("wordllama") is None:
        assert said.rstrip().endswith("pip install wordllama, and run this again.")
    else:
        assert float(said.split("gain ")[1].split()[0]) > 0.8
        assert int(said.split("kind for ")[1].split("%")[0]) > 80


@pytest.mark.slow
def test_the_catalogue_without_its_embedder_ends_without_failing(tmp_path):
    program = (
        "import runpy, sys; sys.modules['wordllama'] = None; "
        "runpy.run_path(sys.argv[1], run_name='__main__')"
    )
    said = run("plot_catalogue.py", folder=tmp_path, start=("-c", program))
    assert said.rstrip().endswith("pip install wordllama, and run this again.")


@pytest.mark.slow
def test_what_a_modality_lacks_is_named(tmp_path):
    said = run("plot_composition.py", folder=tmp_path)
    gains = [float(line.split("gain ")[1].split(",")[0]) for line in said.splitlines()[:2]]
    assert gains[1] > max(0.9, gains[0])
    assert int(said.split("partner: ")[1].split("%")[0]) > 80


def test_every_example_of_the_gallery_is_run_by_a_test():
    # plot_grid_search.py is run by .ci/run itself.
    named = Path(__file__).read_text() + (EXAMPLES.parent / ".ci" / "run").read_text()
    for path in EXAMPLES.glob("plot_*.py"):
        assert path.name in named, path.name
