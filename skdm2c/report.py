"""What a fit has found, in plain words: as a text, and as a page with pictures."""

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

WIDTH = 88  # of lines of text
LOW = 0.5  # confidence below which a fit warns, and probability below which a row is unsure
FEW_CLUSTERS = 5  # of which nearly any match well
RIVAL = 0.1  # share of a cluster that is worth naming whose it could be
FEW = 0.25  # of its expected share: of a modality as good as absent from a cluster
MOST_TO_LOOK_AT = 3


@dataclass(frozen=True)
class Table:
    """Texts in rows and columns: numbers, and in the last column words."""

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
    """A part of a report: paragraphs, then a list, then a table, where there are any."""

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
        WIDTH,
        initial_indent=bullet,
        subsequent_indent=" " * len(bullet),
        break_long_words=False,
        break_on_hyphens=False,
    )


@dataclass(frozen=True, eq=False)
class Report:
    """What a fit has found; prints as a text, and shows as a page in a notebook.

    Parameters
    ----------
    title : str
    sections : tuple of Section
    estimator : MixedModalClustering
        Whose pictures go into the page.
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
            return None  # a notebook then shows the text

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write a page that needs no other file: pictures and styles are within.

        Parameters
        ----------
        path : str or PathLike

        Raises
        ------
        ImportError
            If jinja2 or matplotlib is not installed.
        """
        Path(path).write_text(_rendered("report.html", self), encoding="utf-8")


def report_on(estimator: Any) -> Report:
    """Say what a fit has found.

    Parameters
    ----------
    estimator : MixedModalClustering
        Fitted.

    Returns
    -------
    Report
    """
    names = [repr(name) for name in estimator.modality_names_]
    return Report(
        f"Clusters of {_and(names)}",
        tuple(
            section(estimator)
            for section in (_overview, _alignment, _clusters, _next, _training, _settings)
        ),
        estimator,
    )


def _and(texts: Sequence[str]) -> str:
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)


def _counts(estimator: Any) -> NDArray[np.intp]:
    # Rows of each modality in each cluster.
    k, names = len(estimator.cluster_centers_), estimator.modality_names_
    of_modality = [estimator.labels_[estimator.modality_ == name] for name in names]
    return np.stack([np.bincount(labels, minlength=k) for labels in of_modality], axis=1)


def _overview(estimator: Any) -> Section:
    counts = _counts(estimator)
    rows = [
        f"{n:,} of {name!r}"
        for n, name in zip(counts.sum(axis=0), estimator.modality_names_, strict=True)
    ]
    found = int((counts.sum(axis=1) > 0).sum())
    some = "" if found == len(counts) else f", {len(counts) - found} of them without rows"
    return Section(
        "",
        (
            f"{counts.sum():,} rows, {_and(rows)}, in {len(counts)} clusters{some}. All are "
            f"mapped into the latent space of {estimator.unified_modality_!r}, and "
            "clustered there.",
        ),
    )


def _alignment(estimator: Any) -> Section:
    title = "Can the modalities be compared?"
    if not estimator.matching_:
        return Section(
            title,
            (
                "Nothing was aligned (alignment=None or alignment_epochs=0), so nothing was "
                "tested: labels mean something within each modality alone.",
            ),
        )
    confidence = estimator.alignment_confidence_
    verdict = (
        f"As far as the geometry that they share can tell, yes: confidence {confidence:.2f} of 1. "
        "A cluster is then the same thing in all modalities."
        if confidence >= LOW
        else f"No: the confidence is {confidence:.2f} of 1, too low. Labels mean something within "
        "each modality; which cluster of one is which of another the geometry that they share "
        "does not tell. Do not compare modalities by these labels as they are."
    )
    doubtful = np.flatnonzero(estimator.cluster_confidence_ < LOW)
    which = (
        f"Clusters not to trust across modalities, as their own confidence is below {LOW}: "
        f"{', '.join(map(str, doubtful))}."
        if len(doubtful)
        else f"No cluster has a confidence of its own below {LOW}."
    )
    spokes = tuple(
        f"{name!r} with {estimator.unified_modality_!r}: confidence {spoke.confidence:.2f}"
        for name, spoke in estimator.matching_.items()
    )
    how = (
        "The confidence estimates the probability that the matching of clusters is right. It says "
        "nothing of whether rows are in the right cluster of their own modality."
    )
    return Section(
        title, (verdict, which, _chance(estimator), how), spokes if len(spokes) > 1 else ()
    )


def _chance(estimator: Any) -> str:
    k, p_value = len(estimator.cluster_centers_), estimator.alignment_p_value_
    said = (
        f"Unrelated clusters, as many and as far spread, would match as well in {p_value:.0%} of "
        "cases, by the distances between their centres."
    )
    if k <= FEW_CLUSTERS and p_value > 0.05:
        said += f" With {k} clusters that share can hardly be small: nearly any few match well."
    return said


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
            f"Unsure is the share of the rows that are less likely than {LOW} to be of their "
            "cluster; confidence, how far to trust that it is the same in all modalities.",
        ),
        table=Table(header, rows),
    )


def _unsure(estimator: Any) -> NDArray[np.float64]:
    model = estimator._model
    codes = np.empty(len(estimator.labels_), dtype=np.intp)
    for m, name in enumerate(model.names):
        codes[estimator.modality_ == name] = m
    likely = model.embedded_responsibilities(estimator.embedding_, codes).max(axis=1)
    k = len(estimator.cluster_centers_)
    sizes = np.bincount(estimator.labels_, minlength=k)
    unsure: NDArray[np.float64] = np.bincount(
        estimator.labels_[likely < LOW], minlength=k
    ) / np.maximum(sizes, 1)
    return unsure


def _remarks(estimator: Any, counts: NDArray[np.intp], c: int) -> Iterator[str]:
    size = counts[c].sum()
    if not size:
        yield "no rows"
        return
    expected = counts.sum(axis=0) / counts.sum() * size
    unmatched = {name for name, spoke in estimator.matching_.items() if c in spoke.unmatched}
    for name, few in zip(estimator.modality_names_, counts[c] < FEW * expected, strict=True):
        if name in unmatched:
            yield f"unmatched in {name!r}"
        elif few:
            yield f"hardly any {name!r}"
    for name, spoke in estimator.matching_.items():
        other, share = _rival(spoke, c)
        if share >= RIVAL:
            yield f"in {name!r} {share:.0%} like {other}"


def _rival(spoke: SpokeMatching, c: int) -> tuple[int, float]:
    # The hub's cluster that a cluster could be as well, and with which share.
    shares = spoke.mass[c] / max(spoke.mass[c].sum(), 1e-12)
    shares[c] = -1.0
    other = int(shares.argmax())
    return other, float(shares[other])


def _next(estimator: Any) -> Section:
    return Section("What to try next", items=tuple(_advice(estimator)))


def _advice(estimator: Any) -> Iterator[str]:
    hub, confidence = estimator.unified_modality_, estimator.cluster_confidence_
    if not estimator.matching_:
        yield 'Align the modalities: alignment="geometry", alignment_epochs=80.'
    elif estimator.alignment_confidence_ < LOW:
        yield (
            "Other features of the modalities: those of which distances mean the same in each "
            "(PerModality prepares each its own way)."
        )
        yield "Fewer clusters, which are easier to tell apart: select_n_clusters compares numbers."
    rivals = [
        (confidence[c], name, c, *_rival(spoke, c))
        for name, spoke in estimator.matching_.items()
        for c in range(len(confidence))
    ]
    close = sorted((rival for rival in rivals if rival[4] >= RIVAL), key=lambda rival: rival[0])
    for _, name, c, other, share in close[:MOST_TO_LOOK_AT]:
        yield (
            f"Look at some rows of {name!r} in cluster {c}: are they like cluster {c} of "
            f"{hub!r}, or like its cluster {other} ({share:.0%})?"
        )
    counts = _counts(estimator)
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0) / counts.sum())
    for c, m in np.argwhere(counts < FEW * expected)[:MOST_TO_LOOK_AT]:
        yield (
            f"Cluster {c} has hardly any rows of {estimator.modality_names_[m]!r}: is there "
            "such a thing in that modality?"
        )
    yield "Another random_state: what differs between two fits is not to be built upon."


def _training(estimator: Any) -> Section:
    phases = list(dict.fromkeys(record["phase"] for record in estimator.history_))
    rows = []
    for phase in phases:
        records = [record for record in estimator.history_ if record["phase"] == phase]
        rows.append((str(len(records)), f"{records[-1]['seconds']:.1f}", phase))
    if not rows:
        return Section("Training", ("There was none: all phases have 0 epochs.",))
    return Section(
        "Training",
        (f"{estimator.n_iter_} epochs in all; seconds are those since the start.",),
        table=Table(("epochs", "until, s", "phase"), tuple(rows)),
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
    said = ", ".join(f"{name} {version}" for name, version in versions.items())
    return Section(
        "Settings",
        (f"Reported with {said}.", "Parameters that are not at their default:"),
        changed or ("none",),
    )


def _default(estimator: Any, name: str) -> Any:
    return inspect.signature(type(estimator)).parameters[name].default


def _differs(value: Any, default: Any) -> bool:
    return repr(value) != repr(default)


# --- The page -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Picture:
    """A picture in a page: its PNG in base64, and what it shows."""

    content: str
    caption: str


def _rendered(template: str, report: Report) -> str:
    try:
        from jinja2 import Environment, PackageLoader
    except ImportError as error:
        raise ImportError(
            "The page of a report needs jinja2: pip install jinja2, or skdm2c[report]."
        ) from error
    environment = Environment(loader=PackageLoader("skdm2c"), autoescape=True, trim_blocks=True)
    pictures = {title: list(drawn) for title, drawn in _pictures(report.estimator)}
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
                    "Which cluster of a modality was matched with which of the hub's, how surely.",
                )
            ),
        )
    yield (
        "Clusters",
        _drawn(
            (
                partial(unified, estimator, color="cluster"),
                "The rows in the unified space, in two of its dimensions, coloured by cluster.",
            ),
            (
                partial(unified, estimator, color="modality"),
                "The same rows by modality: where they lie on each other, they were aligned.",
            ),
            (
                partial(plotting.ModalityMixDisplay.from_estimator, estimator),
                "Share of each modality in each cluster, and what is to be expected of it.",
            ),
        ),
    )
    if estimator.history_:
        history = partial(plotting.TrainingHistoryDisplay.from_estimator, estimator)
        yield "Training", _drawn((history, "Mean losses of each phase, epoch by epoch."))


def _drawn(*displays: tuple[Any, str]) -> Iterator[Picture]:
    import matplotlib.pyplot as plt

    for draw, caption in displays:
        figure = draw().figure_
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=110)
        plt.close(figure)
        yield Picture(base64.b64encode(buffer.getvalue()).decode(), caption)
