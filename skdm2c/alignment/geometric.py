"""Which cluster of one modality is which of another, told by the geometry they share.

Under each of four scalings of the rows, many matchings, in several kinds of distance and of
several drawings of prototypes, are averaged. They propose, and so does a search; what it costs to
couple rows decides. The confidence compares what matchings agree on with what matching a modality
to itself gives (two disjoint halves of it, whose right answer is known), and counts how many
single decisions agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from ..data.rows import Matrix
from .base import Alignment, KnownPairs, ModalityView
from .consensus import consensus, cost_of_rows, counted, decided_by_rows
from .description import (
    ModalityDescription,
    MultiscaleDescription,
    distinct_scalings,
    halves,
    problems,
)
from .distances import DISTANCES
from .matching import PrototypeMatch, match, match_from_clusters
from .missing import find_missing, pairs_without, share_kept, with_missing
from .prototypes import Problem, draw_prototypes
from .rows import Points
from .scalings import SCALINGS, scaled_rows, unit_components

KINDS: tuple[tuple[str, ...], ...] = (
    ("geodesic",),
    ("cosine",),
    ("euclidean",),
    ("local",),
    ("rank",),
    ("geodesic", "cosine"),
    ("cosine", "local"),
    ("geodesic", "cosine", "local"),
    ("geodesic", "cosine", "euclidean"),
    ("geodesic", "cosine", "euclidean", "local"),
)
LEAST_ROWS = 4  # a cluster: two in each half
SAME = 1e-6  # scaled rows that differ by no more are matched once


@dataclass(repr=False)
class GeometricAlignment(BaseEstimator):  # type: ignore[misc]
    """Match clusters by the distances within each modality, whatever their features.

    Parameters
    ----------
    kinds : sequence of sequence of str
        Kinds of distance ("geodesic", "cosine", "euclidean", "local", "rank"), alone or
        together, in each of which prototypes are matched. Matchings are averaged over them.
    scalings : sequence of str
        Scalings of the rows ("block", "columns", "unit", "centred unit") under each of which
        distances are matched and rows are coupled; by default all four.
    n_matches : int, default=6
        Pairs of drawings of prototypes that are matched in each kind of distance; under each
        scaling a third of them.
    n_drawings : int, default=8
        At least 2. How often the rows of a modality are grouped into prototypes; under each
        scaling half as often.
    n_prototypes : int, default=36
        Of each drawing; fewer where there are few rows. Of 36 clusters or more each is one
        prototype, drawn twice.
    max_rows : int, default=2000
        Of a modality that are looked at: distances are max_rows x max_rows.

    Raises
    ------
    ValueError
        If a number is too small, or a kind unknown.

    Notes
    -----
    Time grows with ``len(kinds) * n_matches`` and with the cube of ``n_prototypes``, and with
    the square of ``max_rows``; not with the rows beyond.

    Examples
    --------
    A rotated copy of the same points, its clusters in another order:

    >>> rng = np.random.RandomState(7)
    >>> y, order = np.repeat(np.arange(5), [20, 30, 40, 50, 60]), np.array([2, 0, 3, 1, 4])
    >>> X = 4 * rng.randn(5, 4)[y] + rng.randn(200, 4)
    >>> turned = X @ np.linalg.qr(rng.randn(4, 4))[0]
    >>> aligner = GeometricAlignment(n_matches=4)
    >>> left = aligner.describe(ModalityView(X, X, y, 5), rng)
    >>> right = aligner.describe(ModalityView(turned, X, order[y], 5), rng)
    >>> found = aligner.match(left, right, rng)
    >>> found.partners, bool(found.confidence > 0.5)
    (array([2, 0, 3, 1, 4]), True)
    """

    kinds: Sequence[Sequence[str]] = KINDS
    scalings: Sequence[str] = SCALINGS
    n_matches: int = 6
    n_drawings: int = 8
    n_prototypes: int = 36
    max_rows: int = 2000

    def __post_init__(self) -> None:
        """Refuse settings that make no sense, before anything is trained."""
        least = {"n_matches": 1, "n_drawings": 2, "n_prototypes": 2, "max_rows": 4}
        for name, smallest in least.items():
            value = getattr(self, name)
            if not isinstance(value, Integral) or value < smallest:
                raise ValueError(f"{name} must be an integer of {smallest} or more, got {value!r}.")
        if not self.kinds or any(isinstance(kind, str) or not kind for kind in self.kinds):
            raise ValueError(
                f"kinds must hold sequences of names, such as (('cosine',), ('local', 'rank')), "
                f"got {self.kinds!r}."
            )
        for name in {name for kind in self.kinds for name in kind} - set(DISTANCES):
            raise ValueError(f"kinds: there is no distance {name!r}; there are {DISTANCES}.")
        if not self.scalings or isinstance(self.scalings, str):
            raise ValueError(
                f"scalings must hold names, such as ('columns',), got {self.scalings!r}."
            )
        for name in set(self.scalings) - set(SCALINGS):
            raise ValueError(f"scalings: there is no scaling {name!r}; there are {SCALINGS}.")

    def set_params(self, **params: Any) -> GeometricAlignment:
        """Set parameters by name, as a search does: ``alignment__n_matches`` of an estimator.

        Parameters
        ----------
        **params : object

        Returns
        -------
        GeometricAlignment

        Raises
        ------
        ValueError
            If there is no such parameter, or a value makes no sense.
        """
        before = self.get_params(deep=False)
        super().set_params(**params)
        try:
            self.__post_init__()
        except ValueError:
            self.__dict__.update(before)
            raise
        return self

    def describe(self, modality: ModalityView, rng: np.random.RandomState) -> MultiscaleDescription:
        """Draw a modality's prototypes under every scaling, and match its halves with each other.

        Parameters
        ----------
        modality : ModalityView
        rng : RandomState

        Returns
        -------
        MultiscaleDescription
        """
        rows = modality.rows if modality.unscaled is None else modality.unscaled
        seed = rng.randint(2**31 - 1)
        variants = [scaled_rows(rows, name) for name in self.scalings]
        scaled: list[ModalityDescription] = []
        points: list[Points] = []
        for i, variant in enumerate(variants):
            alike = [j for j in range(i) if np.allclose(variants[j], variant, atol=SAME)]
            if alike:  # columns that were standardised already, rows of one length
                scaled.append(scaled[alike[0]])
                points.append(points[alike[0]])
                continue
            view = replace(modality, rows=variant)
            blind_kinds = self.kinds[i % 2 :: 2] or self.kinds
            scaled.append(self._describe_scaled(view, blind_kinds, np.random.RandomState(seed)))
            points.append(unit_components(variant, modality.n_clusters, seed))
        return MultiscaleDescription(scaled, points)

    def match(
        self,
        left: MultiscaleDescription,
        right: MultiscaleDescription,
        rng: np.random.RandomState,
        pairs: KnownPairs | None = None,
    ) -> Alignment:
        """Match the clusters of two modalities.

        Parameters
        ----------
        left, right : MultiscaleDescription
            Where one has fewer clusters, some of the other's stay without a partner: those
            without which the others match best.
        rng : RandomState
        pairs : KnownPairs, default=None
            Rows that are known to belong together.

        Returns
        -------
        Alignment
            Of as many clusters as the richer side has: clusters beyond those of the other have
            no mass, and their partners are those that it lacks.
        """
        if left.n_clusters > right.n_clusters:
            turned = None if pairs is None else pairs.turned()
            return self.match(right, left, rng, turned).turned()
        if left.n_clusters == right.n_clusters:
            return self._match(left, right, rng, pairs)
        return self._match_with_missing(left, right, rng, pairs)

    def _describe_scaled(
        self,
        modality: ModalityView,
        blind_kinds: Sequence[Sequence[str]],
        rng: np.random.RandomState,
    ) -> ModalityDescription:
        n_drawings = max(2, self.n_drawings // 2)
        sets = draw_prototypes(modality, rng, n_drawings, self.n_prototypes, self.max_rows)
        identity = np.arange(modality.n_clusters)
        pairs = list(zip(*halves(sets), strict=True))
        from_identity = {
            tuple(kind): [np.diag(match_from_clusters(a, b, kind, identity).mass) for a, b in pairs]
            for kind in self.kinds
        }
        # To match blindly is dear: half the kinds are enough to say how much is found.
        blind = [np.trace(one.mass) for one in match([Problem.of(*pairs[0])], blind_kinds, rng)]
        known = [from_identity[tuple(kind)][0].sum() for kind in blind_kinds]
        own: Matrix = np.mean(list(from_identity.values()), axis=(0, 1))
        if len(modality.rows) < LEAST_ROWS * modality.n_clusters:
            own = np.zeros_like(own)  # of so few rows nothing is known, however well halves agree
        share = float(np.sum(blind) / max(np.sum(known), 1e-12))
        return ModalityDescription(sets, own, share, modality.labels, modality.paired)

    def _match(
        self,
        left: MultiscaleDescription,
        right: MultiscaleDescription,
        rng: np.random.RandomState,
        pairs: KnownPairs | None,
    ) -> Alignment:
        # Of equally many clusters.
        left, right = distinct_scalings(left, right)
        # Distances bear witness by themselves: what pairs have chosen they cannot confirm.
        alignment = decided_by_rows(self._by_distances(left, right, rng), left, right, rng)
        if pairs is None:
            return alignment
        informed = [
            one
            for a, b in zip(left.scaled, right.scaled, strict=True)
            for one in self._matches(a, b, rng, pairs)
        ]
        return counted(alignment, left.scaled[0], right.scaled[0], informed, pairs, rng)

    def _by_distances(
        self, left: MultiscaleDescription, right: MultiscaleDescription, rng: np.random.RandomState
    ) -> list[Alignment]:
        # One alignment a scaling.
        return [
            consensus(a, b, self._matches(a, b, rng, None))
            for a, b in zip(left.scaled, right.scaled, strict=True)
        ]

    def _matches(
        self,
        left: ModalityDescription,
        right: ModalityDescription,
        rng: np.random.RandomState,
        pairs: KnownPairs | None,
    ) -> list[PrototypeMatch]:
        # In all kinds of distance, under one scaling.
        n_matches = -(-self.n_matches // 3)
        return match(problems(left, right, rng, n_matches, pairs), self.kinds, rng)

    def _match_with_missing(
        self,
        left: MultiscaleDescription,
        right: MultiscaleDescription,
        rng: np.random.RandomState,
        pairs: KnownPairs | None,
    ) -> Alignment:
        kinds = self.kinds[1::2] or self.kinds  # every other is enough to choose by
        seed = rng.randint(2**31 - 1)
        proposals = [
            proposal
            for a, b in zip(left.scaled, right.scaled, strict=True)
            for proposal in find_missing(a, b, kinds, np.random.RandomState(seed), pairs)
        ]
        # Those clusters are missing without which rows, and what pairs say, match best.
        costs = []
        for missing, partners, _ in proposals:
            rest = right.without(missing)
            names = np.delete(np.arange(right.n_clusters), missing)
            among_rest = np.searchsorted(names, partners)
            cost = cost_of_rows(among_rest, left, rest, np.random.RandomState(seed))
            known = pairs_without(pairs, right.scaled[0], missing)
            costs.append(cost / max(share_kept(pairs, known), 1e-12))
        missing = proposals[int(np.argmin(costs))].missing
        certainty = max(one.certainty for one in proposals if one.missing == missing)
        known = pairs_without(pairs, right.scaled[0], missing)
        matched = self._match(left, right.without(missing), rng, known)
        return with_missing(matched.scaled(certainty), missing)
