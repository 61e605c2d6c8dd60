"""Pretraining that is kept for later fits."""

import joblib
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from skdm2c import Callback, MixedModalClustering, ModalityKFold, select_n_clusters
from skdm2c.datasets import make_mixed_modal_blobs
from skdm2c.training import loop


@pytest.fixture
def X():
    return make_mixed_modal_blobs(n_samples=120, random_state=0)[0]


@pytest.fixture
def pretrained(monkeypatch):
    """Return the list of modalities whose pretraining has begun, one item per epoch."""
    epochs = []
    train_epoch = loop.Phase.train_epoch

    def counted(phase):
        if phase.state.phase == "pretraining":
            epochs.append(phase.state.where["modality"])
        return train_epoch(phase)

    monkeypatch.setattr(loop.Phase, "train_epoch", counted)
    return epochs


def model(**settings):
    quick = {"n_clusters": 3, "alignment": None, "pretrain_epochs": 2, "random_state": 0}
    return MixedModalClustering(**quick | settings)


def test_a_later_fit_gives_the_same_result_without_pretraining(X, tmp_path, pretrained):
    plain = model().fit(X)
    first = model(memory=tmp_path).fit(X)
    pretrained.clear()
    second = model(memory=joblib.Memory(tmp_path, verbose=0)).fit(X)
    assert pretrained == []
    for other in (first, second):
        np.testing.assert_array_equal(other.labels_, plain.labels_)
        np.testing.assert_array_equal(other.embedding_, plain.embedding_)
        assert len(other.history_) == len(plain.history_)


@pytest.mark.parametrize(
    "change", [{"random_state": 1}, {"pretrain_epochs": 3}, {"n_neighbors": 5}, {"n_components": 8}]
)
def test_other_settings_are_pretrained_anew(X, tmp_path, pretrained, change):
    model(memory=tmp_path).fit(X)
    pretrained.clear()
    model(memory=tmp_path).set_params(**change).fit(X)
    assert set(pretrained) == {"a", "b"}


def test_other_rows_are_pretrained_anew(X, tmp_path, pretrained):
    model(memory=tmp_path).fit(X)
    pretrained.clear()
    block = X.blocks["b"].copy()
    block[0] += 1
    model(memory=tmp_path).fit(X.blocks["a"], block)
    assert set(pretrained) == {"b"}


def test_callbacks_are_called_in_every_epoch(X, tmp_path):
    class Counter(Callback):
        n_epochs = 0

        def on_epoch_end(self, state, record):
            self.n_epochs += state.phase == "pretraining"
            return False

    for _ in range(2):
        counter = Counter()
        model(memory=tmp_path, callbacks=[counter]).fit(X)
        assert counter.n_epochs == 4


def test_a_grid_search_pretrains_once_per_fold(X, tmp_path, pretrained):
    grid = {"n_clusters": [2, 3]}
    GridSearchCV(
        model(memory=tmp_path, alignment="geometry"), grid, cv=ModalityKFold(2), refit=False
    ).fit(X)
    assert len(pretrained) == 2 * 2 * 2  # folds, modalities and epochs


def test_select_n_clusters_pretrains_once(X, pretrained, capsys):
    aligned = model(alignment="geometry")
    selection = select_n_clusters(aligned, X, [2, 3], verbose=True)
    assert len(pretrained) == 2 * 2
    assert selection.best_estimator.memory is None
    separate = [aligned.set_params(n_clusters=k).fit(X).score(X) for k in (2, 3)]
    np.testing.assert_array_equal(selection.scores, separate)
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_memory_must_be_a_path_or_a_memory(X):
    with pytest.raises(ValueError, match="memory"):
        model(memory=3).fit(X)
