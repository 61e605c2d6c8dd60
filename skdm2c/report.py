"""Reports of a fit in plain words, as text and as an HTML page with pictures."""

from __future__ import annotations

import base64
import inspect
import io
import os
import platform
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import sklearn
import torch
from numpy.typing import NDArray

from ._version import __version__
from .alignment import SpokeMatching
from .data import as_mixed_modal

LINE_WIDTH = 88
LOW = 0.5  # threshold of a low confidence, and of a low probability of a row's cluster
FEW_CLUSTERS = 5  # numbers up to which almost any clusters match well
MIN_RIVAL_SHARE = 0.1  # proportion of a cluster from which on a second match is mentioned
NEARLY_ABSENT = 0.25  # proportion of the expected rows below which a modality is nearly absent
MAX_EXAMPLES = 3  # of the same advice


@dataclass(frozen=True)
class Table:
    """Table of texts; the last column holds words, the others numbers."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        cells = [self.header, *self.rows]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = []
        for row in cells:
            numbers = [cell.rjust(w) for cell, w in zip(row[:-1], widths, strict=False)]
            lines.append("  ".join([*numbers, row[-1]]).rstrip())
        return "\n".join(lines)


@dataclass(frozen=True)
class Section:
    """Section of a report: paragraphs, then a list, then a table.

    Parameters
    ----------
    title : str
        Title of the section; empty for the first one.
    paragraphs : tuple of str, default=()
        Paragraphs of text.
    items : tuple of str, default=()
        Items of a list.
    table : Table, default=None
        Table whose ``header`` and ``rows`` hold texts.
    """

    title: str
    paragraphs: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    table: Table | None = None

    def __str__(self) -> str:
        title = [self.title, "-" * len(self.title)] if self.title else []
        paragraphs = [_wrapped(text) for text in self.paragraphs]
        items = [_wrapped(text, "- ") for text in self.items]
        body = ["\n\n".join(paragraphs), "\n".join(items), str(self.table or "")]
        return "\n".join([*title, "\n\n".join(block for block in body if block)])


def _wrapped(text: str, bullet: str = "") -> str:
    return textwrap.fill(
        text,
        LINE_WIDTH,
        initial_indent=bullet,
        subsequent_indent=" " * len(bullet),
        break_long_words=False,
        break_on_hyphens=False,
    )


@dataclass(frozen=True, eq=False)
class Report:
    """Report of a fit, which prints as text and is displayed as a page in notebooks.

    Parameters
    ----------
    title : str
        Title of the report.
    sections : tuple of Section
        Sections of the report.
    estimator : MixedModalClustering
        Fitted estimator whose pictures are drawn in the page.
    """

    title: str
    sections: tuple[Section, ...]
    estimator: Any

    def __str__(self) -> str:
        return "\n\n".join([self.title + "\n" + "=" * len(self.title), *map(str, self.sections)])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str | None:
        try:
            return _rendered("report_body.html", self)
        except ImportError:
            return None  # notebooks display the text instead

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the report as a self-contained HTML page with pictures.

        Parameters
        ----------
        path : str or PathLike
            File to write; an existing file is overwritten.

        Raises
        ------
        ImportError
            If jinja2 or matplotlib is not installed.
        """
        Path(path).write_text(_rendered("report.html", self), encoding="utf-8")


def report_on(estimator: Any) -> Report:
    """Return the report of a fitted ``MixedModalClustering``."""
    names = [repr(name) for name in estimator.modality_names_]
    return Report(
        f"Clusters of {_enumerated(names)}",
        tuple(
            section(estimator)
            for section in (_overview, _alignment, _clusters, _next, _training, _settings)
        ),
        estimator,
    )


def results_frame(model: Any, X: Any) -> Any:
    """Tabulate the cluster of each row, and how far to trust it, in a data frame of pandas.

    Parameters
    ----------
    model : MixedModalClustering, or Pipeline that ends with one
        Fitted model.
    X : MixedModalData or MuData of n rows
        Rows to tabulate: those of the fit, or new ones.

    Returns
    -------
    pandas DataFrame of n rows
        In the order of ``X``. Its columns are ``id`` (the row's label if all blocks are data
        frames of pandas, else its number), ``modality``, ``cluster``, ``probability`` (of that
        cluster, see ``predict_proba``) and ``cluster_confidence`` (that the cluster is matched
        correctly with those of the other modalities, see ``cluster_confidence_``).

    Raises
    ------
    ValueError
        If ``X`` is a plain block, or is invalid.

    Examples
    --------
    >>> from skdm2c import MixedModalClustering, results_frame
    >>> from skdm2c.datasets import make_mixed_modal_blobs
    >>> X, y = make_mixed_modal_blobs(n_samples=200, random_state=0)
    >>> model = MixedModalClustering(n_clusters=3, random_state=0).fit(X)
    >>> results_frame(model, X[:2]).columns.to_list()
    ['id', 'modality', 'cluster', 'probability', 'cluster_confidence']
    """
    import pandas as pd  # optional

    data = as_mixed_modal(X)
    estimator = model[-1] if hasattr(model, "steps") else model
    probabilities = model.predict_proba(data)
    clusters = probabilities.argmax(axis=1)  # as predict returns them
    return pd.DataFrame(
        {
            "id": np.arange(len(data)) if data.index is None else data.index,
            "modality": data.modality,
            "cluster": clusters,
            "probability": probabilities[np.arange(len(data)), clusters],
            "cluster_confidence": estimator.cluster_confidence_[clusters],
        }
    )


def _enumerated(texts: Sequence[str]) -> str:
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def _counts(estimator: Any) -> NDArray[np.intp]:
    # Number of rows of each modality in each cluster, of shape (n_clusters, n_modalities).
    k, names = len(estimator.cluster_centers_), estimator.modality_names_
    labels_by_modality = [estimator.labels_[estimator.modality_ == name] for name in names]
    return np.stack([np.bincount(labels, minlength=k) for labels in labels_by_modality], axis=1)


def _overview(estimator: Any) -> Section:
    counts = _counts(estimator)
    rows = [
        f"{n:,} of {name!r}"
        for n, name in zip(counts.sum(axis=0), estimator.modality_names_, strict=True)
    ]
    n_empty = len(counts) - int((counts.sum(axis=1) > 0).sum())
    empty = f", {n_empty} of them without rows" if n_empty else ""
    return Section(
        "",
        (
            f"{counts.sum():,} rows, {_enumerated(rows)}, in {len(counts)} clusters{empty}. All "
            f"rows were mapped into the latent space of {estimator.unified_modality_!r} and "
            "clustered there.",
        ),
    )


def _alignment(estimator: Any) -> Section:
    title = "Can the modalities be compared?"
    if not estimator.matching_:
        return Section(
            title,
            (
                "Nothing was aligned (alignment=None or alignment_epochs=0). Cluster numbers are "
                "meaningful within each modality but not comparable between modalities.",
            ),
        )
    confidence = estimator.alignment_confidence_
    verdict = (
        f"Yes: the confidence is {confidence:.2f} of 1, judging by the geometry that the "
        "modalities share. A cluster number probably means the same in all modalities."
        if confidence >= LOW
        else f"No: the confidence is {confidence:.2f} of 1, too low. Cluster numbers are "
        "meaningful within each modality but not comparable between modalities, because the "
        "geometry that they share does not determine how their clusters match."
    )
    doubtful = np.flatnonzero(estimator.cluster_confidence_ < LOW)
    exceptions = (
        "Clusters that should not be compared across modalities, because their own confidence is "
        f"below {LOW}: {', '.join(map(str, doubtful))}."
        if len(doubtful)
        else f"No cluster has a confidence below {LOW}."
    )
    spokes = tuple(
        f"{name!r} with {estimator.unified_modality_!r}: confidence {spoke.confidence:.2f}"
        for name, spoke in estimator.matching_.items()
    )
    meaning = (
        "The confidence estimates the probability that clusters are matched correctly across "
        "modalities. It does not tell whether rows are in the right cluster of their own modality."
    )
    return Section(
        title,
        (verdict, exceptions, _chance(estimator), meaning),
        spokes if len(spokes) > 1 else (),
    )


def _chance(estimator: Any) -> str:
    k, p_value = len(estimator.cluster_centers_), estimator.alignment_p_value_
    sentence = (
        f"In {p_value:.0%} of cases, unrelated clusters of the same number and spread would match "
        "equally well, judging by the distances between their centres."
    )
    if k <= FEW_CLUSTERS and p_value > 0.05:
        sentence += (
            f" With {k} clusters this proportion is hardly ever small, because almost any few "
            "clusters match well."
        )
    return sentence


def _clusters(estimator: Any) -> Section:
    counts, confidence = _counts(estimator), estimator.cluster_confidence_
    sizes = counts.sum(axis=1)
    unsure = _unsure(estimator)
    remarks = [_remarks(estimator, counts, c) for c in range(len(counts))]
    header = (
        "cluster",
        "rows",
        *map(repr, estimator.modality_names_),
        "unsure",
        "confidence",
        "remark",
    )
    rows = tuple(
        (
            str(c),
            f"{sizes[c]:,}",
            *(f"{n:,}" for n in counts[c]),
            f"{unsure[c]:.0%}" if sizes[c] else "-",
            f"{confidence[c]:.2f}" if estimator.matching_ else "-",
            "; ".join(remarks[c]),
        )
        for c in range(len(counts))
    )
    return Section(
        "Clusters",
        (
            "'unsure' is the proportion of rows whose probability of belonging to their cluster "
            f"is below {LOW}; 'confidence' is the estimated probability that the cluster "
            "corresponds across modalities.",
        ),
        table=Table(header, rows),
    )


def _unsure(estimator: Any) -> NDArray[np.float64]:
    model = estimator._model
    codes = np.empty(len(estimator.labels_), dtype=np.intp)
    for m, name in enumerate(model.names):
        codes[estimator.modality_ == name] = m
    probabilities = model.embedded_responsibilities(estimator.embedding_, codes).max(axis=1)
    k = len(estimator.cluster_centers_)
    sizes = np.bincount(estimator.labels_, minlength=k)
    unsure: NDArray[np.float64] = np.bincount(
        estimator.labels_[probabilities < LOW], minlength=k
    ) / np.maximum(sizes, 1)
    return unsure


def _remarks(estimator: Any, counts: NDArray[np.intp], c: int) -> Iterator[str]:
    size = counts[c].sum()
    if not size:
        yield "no rows"
        return
    expected = counts.sum(axis=0) / counts.sum() * size
    unmatched = {name for name, spoke in estimator.matching_.items() if c in spoke.unmatched}
    nearly_absent = counts[c] < NEARLY_ABSENT * expected
    for name, absent in zip(estimator.modality_names_, nearly_absent, strict=True):
        if name in unmatched:
            yield f"unmatched in {name!r}"
        elif absent:
            yield f"hardly any {name!r}"
    for name, spoke in estimator.matching_.items():
        rival, share = _rival(spoke, c)
        if share >= MIN_RIVAL_SHARE:
            yield f"{share:.0%} of {name!r} matched with {rival}"


def _rival(spoke: SpokeMatching, c: int) -> tuple[int, float]:
    # The hub's cluster that is the second best match, and the proportion that it is matched with.
    shares = spoke.mass[c] / max(spoke.mass[c].sum(), 1e-12)
    shares[c] = -1.0
    rival = int(shares.argmax())
    return rival, float(shares[rival])


def _next(estimator: Any) -> Section:
    return Section("What to try next", items=tuple(_advice(estimator)))


def _advice(estimator: Any) -> Iterator[str]:
    hub, confidence = estimator.unified_modality_, estimator.cluster_confidence_
    for scaler in estimator._model.scalers:
        if scaler.is_counts_:
            yield (
                f"{scaler.name!r} looks like raw counts, whose sums differ from row to row: divide "
                "each row by its sum and take logarithms (np.log1p, or normalize_total and log1p "
                "of scanpy), or use TfidfTransformer for counts of words."
            )
    if not estimator.matching_:
        yield 'Align the modalities: set alignment="geometry" and alignment_epochs=15.'
    elif estimator.alignment_confidence_ < LOW:
        yield (
            "Other features may help: distances should mean the same in all modalities "
            "(PerModality preprocesses each modality in its own way)."
        )
        yield "Fewer clusters are easier to match: select_n_clusters compares several numbers."
    rivals = [
        (confidence[c], name, c, *_rival(spoke, c))
        for name, spoke in estimator.matching_.items()
        for c in range(len(confidence))
    ]
    doubtful = sorted(
        (rival for rival in rivals if rival[4] >= MIN_RIVAL_SHARE), key=lambda rival: rival[0]
    )
    for _, name, c, other, share in doubtful[:MAX_EXAMPLES]:
        yield (
            f"Look at some rows of {name!r} in cluster {c}: do they resemble cluster {c} of "
            f"{hub!r}, or its cluster {other} ({share:.0%})?"
        )
    counts = _counts(estimator)
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0) / counts.sum())
    for c, m in np.argwhere(counts < NEARLY_ABSENT * expected)[:MAX_EXAMPLES]:
        yield (
            f"Cluster {c} has hardly any rows of {estimator.modality_names_[m]!r}: does this "
            "group exist in that modality?"
        )
    yield "Refit with another random_state, and rely only on what stays the same."


def _training(estimator: Any) -> Section:
    phases = list(dict.fromkeys(record["phase"] for record in estimator.history_))
    rows = []
    for phase in phases:
        records = [record for record in estimator.history_ if record["phase"] == phase]
        rows.append((str(len(records)), f"{records[-1]['seconds']:.1f}", phase))
    if not rows:
        return Section("Training", ("There was none: all phases had 0 epochs.",))
    return Section(
        "Training",
        (
            f"{estimator.n_iter_} epochs in total. 'seconds' is the time from the start of the "
            "fit to the end of the phase.",
        ),
        table=Table(("epochs", "seconds", "phase"), tuple(rows)),
    )


def _settings(estimator: Any) -> Section:
    changed = tuple(
        f"{name}={value!r:.200}"
        for name, value in estimator.get_params(deep=False).items()
        if _differs(value, _default(estimator, name))
    )
    versions = {
        "skdm2c": __version__,
        "torch": torch.__version__,
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "python": platform.python_version(),
    }
    software = ", ".join(f"{name} {version}" for name, version in versions.items())
    return Section(
        "Settings",
        (f"Reported with {software}.", "Parameters that are not at their default:"),
        changed or ("none",),
    )


def _default(estimator: Any, name: str) -> Any:
    return inspect.signature(type(estimator)).parameters[name].default


def _differs(value: Any, default: Any) -> bool:
    return repr(value) != repr(default)


# --- The page -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Picture:
    """Picture of a page: a PNG encoded in base64, and its caption."""

    content: str
    caption: str


def _rendered(template: str, report: Report) -> str:
    try:
        from jinja2 import Environment, PackageLoader
    except ImportError as error:
        raise ImportError(
            "The HTML page of a report needs jinja2: pip install jinja2, or skdm2c[report]."
        ) from error
    environment = Environment(loader=PackageLoader("skdm2c"), autoescape=True, trim_blocks=True)
    pictures = {title: list(of_section) for title, of_section in _pictures(report.estimator)}
    return environment.get_template(template).render(report=report, pictures=pictures)


def _pictures(estimator: Any) -> Iterator[tuple[str, Iterator[Picture]]]:
    from . import plotting

    unified = plotting.UnifiedSpaceDisplay.from_estimator
    if estimator.matching_:
        matching = partial(plotting.MatchingDisplay.from_estimator, estimator)
        yield (
            "Can the modalities be compared?",
            _drawn(
                (
                    matching,
                    "Matching of each modality's clusters with those of the hub, with confidence.",
                )
            ),
        )
    yield (
        "Clusters",
        _drawn(
            (
                partial(unified, estimator, color="cluster"),
                "The rows in two dimensions of the unified space, coloured by cluster.",
            ),
            (
                partial(unified, estimator, color="modality"),
                "The same rows coloured by modality. Modalities may overlap without being aligned "
                "correctly: see the confidence.",
            ),
            (
                partial(plotting.ModalityMixDisplay.from_estimator, estimator),
                "Proportion of each modality in each cluster, and its expected value.",
            ),
        ),
    )
    if estimator.history_:
        history = partial(plotting.TrainingHistoryDisplay.from_estimator, estimator)
        yield "Training", _drawn((history, "Mean losses of each phase by epoch."))


def _drawn(*displays: tuple[Any, str]) -> Iterator[Picture]:
    import matplotlib.pyplot as plt

    for draw, caption in displays:
        figure = draw().figure_
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=110)
        plt.close(figure)
        yield Picture(base64.b64encode(buffer.getvalue()).decode(), caption)
