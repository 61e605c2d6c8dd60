"""The protocol's nine pairs of views: where they lie, how they are preprocessed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from threadpoolctl import threadpool_limits

from skdm2c import MixedModalData
from skdm2c.datasets import drop_pairing, load_handwritten

DEFAULT_FOLDER = Path(__file__).parents[2] / "shared" / "data"
SVD_SIZE = 50
CONCENTRATION = 4.0  # of a class's shares: of six, two views' differ 1.7 times on average
LEAST_LEFT = 10


@dataclass(frozen=True)
class Pair:
    """Two views of one set.

    ``sparse`` names the views of counts or texts, which become unit rows and then
    50 singular vectors; the others are standardised.
    """

    file: str
    views: tuple[str, str]
    n_clusters: int
    sparse: tuple[str, ...] = ()


PAIRS = {
    "snare": Pair("snare_cellmix", ("rna", "atac"), 4),
    "pbmc1k": Pair("cite_pbmc1k", ("rna", "adt"), 6),
    "facpix": Pair("mfeat", ("fac", "pix"), 10),
    "karpix": Pair("mfeat", ("kar", "pix"), 10),
    "reuters": Pair("reuters1200", ("english", "french"), 6, ("english", "french")),
    "foupix": Pair("mfeat", ("fou", "pix"), 10),
    "bdgp": Pair("bdgp", ("image_bow", "text"), 5, ("image_bow", "text")),
    "wikipedia": Pair("wikipedia", ("image_sift", "text_tfidf"), 10, ("text_tfidf",)),
    "tcga": Pair("tcga_breast", ("mrna", "protein"), 3),
}


def data_folder() -> Path:
    """Where the sets lie: the environment's SKDM2C_DATA, or ../shared/data."""
    return Path(os.environ.get("SKDM2C_DATA", DEFAULT_FOLDER))


def is_available(name: str) -> bool:
    """Whether a pair can be loaded; the handwritten digits always can."""
    return PAIRS[name].file == "mfeat" or (data_folder() / f"{PAIRS[name].file}.npz").exists()


def load_pair(name: str, seed: int, n_pairs: int = 0) -> tuple[MixedModalData, NDArray[np.int64]]:
    """Draw a pair's problem: preprocessed blocks without pairing, and the classes.

    Parameters
    ----------
    name : str
        Of ``PAIRS``.
    seed : int
        Draws which half of the instances keeps which view.
    n_pairs : int, default=0
        Instances that are known in both; their second rows are B's last.

    Returns
    -------
    X : MixedModalData
        With modalities named as the views. Preprocessing sees a block's own rows only.
    y : ndarray of shape (n,)
        For scoring.
    """
    X, labels = drop_pairing(*_load_views(PAIRS[name]), random_state=seed, n_pairs=n_pairs)
    return _prepare(X, PAIRS[name]), labels


def load_counterparts(
    name: str, seed: int
) -> tuple[MixedModalData, dict[str, NDArray[np.float64]], NDArray[np.int64]]:
    """Draw a pair's problem, with the other view of every row, which no fit may see.

    Parameters
    ----------
    name : str
        Of ``PAIRS``.
    seed : int
        Draws as :func:`load_pair` does.

    Returns
    -------
    X : MixedModalData
    counterparts : dict of str to ndarray
        For each view, rows that are the counterparts of the other view's in their order; prepared
        as the rows of ``X`` are, which alone preprocessing was fitted to.
    y : ndarray of shape (n,)
        For scoring.
    """
    pair = PAIRS[name]
    views, classes = _load_views(pair)
    numbers = {view: np.arange(len(classes))[:, None] for view in views}
    drawn, y = drop_pairing(numbers, classes, random_state=seed)
    own = {view: rows.ravel().astype(int) for view, rows in drawn.blocks.items()}
    (a, of_a), (b, of_b) = own.items()
    blocks, counterparts = {}, {}
    with threadpool_limits(1):
        for view, mine, others in ((a, of_a, of_b), (b, of_b, of_a)):
            prepare = _preparation(pair, view)
            blocks[view] = prepare.fit_transform(views[view][mine])
            counterparts[view] = prepare.transform(views[view][others])
    return drawn.with_blocks(blocks), counterparts, y


def is_drawn(n: int, n_pairs: int) -> NDArray[np.bool_]:
    """Tell n rows of :func:`load_pair` from the second rows of known instances, the last ones."""
    return np.arange(n) < n - n_pairs


def load_pair_with(
    name: str, seed: int, found_out: Mapping[str, Sequence[int]]
) -> tuple[MixedModalData, NDArray[np.int64], NDArray[np.bool_]]:
    """Draw a pair's problem, and add the partners of rows that a person has found out.

    Parameters
    ----------
    name : str
    seed : int
        Draws as :func:`load_pair` does.
    found_out : mapping of str to sequence of int
        For a view, rows of its block whose other view becomes known.

    Returns
    -------
    X : MixedModalData
        With the pairs; what was added comes last in its block.
    y : ndarray of shape (n,)
        For scoring.
    drawn : ndarray of bool of shape (n,)
        Rows of the draw; the others were added.
    """
    views, y = _load_views(PAIRS[name])
    order = np.random.RandomState(seed).permutation(len(y))
    half = len(order) // 2
    own = dict(zip(PAIRS[name].views, (order[:half], order[half:]), strict=True))
    (a, of_a), (b, of_b) = own.items()
    asked_a, asked_b = (np.asarray(found_out.get(view, ()), dtype=int) for view in (a, b))
    rows_a, rows_b = np.append(of_a, of_b[asked_b]), np.append(of_b, of_a[asked_a])
    pairs = np.vstack(
        [
            np.column_stack([asked_a, len(of_b) + np.arange(len(asked_a))]),
            np.column_stack([len(of_a) + np.arange(len(asked_b)), asked_b]),
        ]
    )
    X = MixedModalData(views[a][rows_a], views[b][rows_b], names=(a, b), pairs=pairs)
    drawn = np.concatenate([np.arange(len(rows_a)) < len(of_a), np.arange(len(rows_b)) < len(of_b)])
    return _prepare(X, PAIRS[name]), y[np.append(rows_a, rows_b)], drawn


def load_pair_without_a_class(
    name: str, seed: int, n_pairs: int = 0
) -> tuple[MixedModalData, NDArray[np.int64], NDArray[np.bool_], int]:
    """Draw a pair's problem, and take one class out of one of the views.

    Parameters
    ----------
    name : str
    seed : int
        Draws as :func:`load_pair` does; then which view, and which class.
    n_pairs : int, default=0
        Instances that are known in both before that; of the class taken out none stays.

    Returns
    -------
    X : MixedModalData
    y : ndarray of shape (n,)
        For scoring.
    drawn : ndarray of bool of shape (n,)
        Rows of the draw; the others are the second rows of known instances.
    missing : int
        The class that one view has and the other has not.
    """
    raw, y = drop_pairing(*_load_views(PAIRS[name]), random_state=seed, n_pairs=n_pairs)
    rng = np.random.RandomState([seed, 1])
    side, missing = rng.randint(2), rng.choice(np.unique(y))
    drawn = is_drawn(len(y), n_pairs)
    kept = (drawn & (raw.codes != side)) | (y != missing)
    return _prepare(raw[kept], PAIRS[name]), y[kept], drawn[kept], int(missing)


def load_pair_of_other_shares(name: str, seed: int) -> tuple[MixedModalData, NDArray[np.int64]]:
    """Draw a pair's problem, and thin out its classes, in each view otherwise.

    A class keeps a part of its rows that is drawn from a symmetric Dirichlet distribution
    (``CONCENTRATION``) over that of the class that keeps all, and ten of them in any case.

    Parameters
    ----------
    name : str
    seed : int
        Draws as :func:`load_pair` does; then the shares, and the rows.

    Returns
    -------
    X : MixedModalData
    y : ndarray of shape (n,)
        For scoring.
    """
    raw, y = drop_pairing(*_load_views(PAIRS[name]), random_state=seed)
    rng = np.random.RandomState([seed, 2])
    kept = np.zeros(len(y), dtype=bool)
    for side in range(2):
        here = np.flatnonzero(raw.codes == side)
        kept[here[thinned(y[here], CONCENTRATION, rng)]] = True
    return _prepare(raw[kept], PAIRS[name]), y[kept]


def thinned(
    y: NDArray[np.integer], concentration: float, rng: np.random.RandomState
) -> NDArray[np.intp]:
    """Choose rows such that classes keep parts of theirs that differ.

    Parameters
    ----------
    y : ndarray of int of shape (n,)
    concentration : float
        Of the symmetric Dirichlet distribution of the parts; the largest keeps all.
    rng : RandomState

    Returns
    -------
    ndarray of int
        In ascending order; ten of a class in any case, if there are.
    """
    classes = np.unique(y)
    parts = rng.dirichlet(np.full(len(classes), concentration))
    kept = []
    for c, part in zip(classes, parts / parts.max(), strict=True):
        rows = rng.permutation(np.flatnonzero(y == c))
        kept.append(rows[: max(round(part * len(rows)), LEAST_LEFT)])
    return np.sort(np.concatenate(kept))


def load_pair_at_one_width(name: str, seed: int) -> tuple[MixedModalData, NDArray[np.int64]]:
    """Draw a pair's problem as principal components of one width, as the authors' code wants it.

    Parameters
    ----------
    name : str
    seed : int

    Returns
    -------
    X : MixedModalData
    y : ndarray of shape (n,)
    """
    X, labels = load_pair(name, seed)
    return reduce_to_one_width(X), labels


def load_whole_views_at_one_width(name: str, seed: int) -> tuple[MixedModalData, NDArray[np.int64]]:
    """Draw the same with views standardised and reduced before the pairing is dropped.

    The figures of the authors' code were likely made so. A method then profits from
    rows it is not given; elsewhere preprocessing sees a block's own rows only.

    Parameters
    ----------
    name : str
    seed : int

    Returns
    -------
    X : MixedModalData
    y : ndarray of shape (n,)
    """
    views, y = _load_views(PAIRS[name])
    whole = MixedModalData(*views.values(), names=list(views))
    reduced = reduce_to_one_width(_prepare(whole, PAIRS[name]))
    return drop_pairing(reduced.blocks, y, random_state=seed)


def reduce_to_one_width(X: MixedModalData, max_width: int = 128) -> MixedModalData:
    """Both blocks as principal components of one width."""
    width = min(max_width, *(block.shape[1] for block in X.blocks.values()))
    return X.with_blocks(
        {
            name: PCA(width, random_state=0).fit_transform(block).astype(np.float32)
            for name, block in X.blocks.items()
        }
    )


def _load_views(pair: Pair) -> tuple[dict[str, NDArray[np.floating]], NDArray[np.int64]]:
    if pair.file == "mfeat":
        return load_handwritten(pair.views)
    with np.load(data_folder() / f"{pair.file}.npz", allow_pickle=False) as arrays:
        views = {view: arrays[f"view_{view}"].astype(np.float64) for view in pair.views}
        return views, arrays["y"]


def _preparation(pair: Pair, view: str) -> Pipeline:
    if view in pair.sparse:
        return make_pipeline(Normalizer(), TruncatedSVD(SVD_SIZE, random_state=0))
    return make_pipeline(StandardScaler())


def _prepare(X: MixedModalData, pair: Pair) -> MixedModalData:
    with threadpool_limits(1):  # the same problem whatever the number of threads
        blocks = {
            view: _preparation(pair, view).fit_transform(block) for view, block in X.blocks.items()
        }
    return X.with_blocks(blocks)
