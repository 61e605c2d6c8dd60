"""Match the clusters of two modalities by the geometry that the modalities share.

Under each of four scalings of the rows, prototypes are matched many times, in several kinds of
distance and with several random sets of prototypes, and the matchings are averaged. Together with
a local search they propose candidates, among which the cost of coupling rows decides.

The confidence compares how well the matchings agree with how well they agree between two disjoint
halves of one modality, where the correct matching is known. It also counts how many single
decisions agree.
"""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from ..data.rows import Matrix
from ..runtime.parallel import in_threads, spawn
from .base import Alignment, KnownPairs, ModalityView
from .consensus import average_matches, cost_of_rows, counted, decided_by_rows
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
from .prototypes import MANY_CLUSTERS, Problem, draw_prototypes
from .rows import Points
from .scalings import SCALINGS, leading_components, scaled_rows, unit_mean_square

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
MIN_ROWS_PER_CLUSTER = 4  # two in each half
N_COMPARED_ROWS = 500  # of two scalings, which are the same if these rows are
SCALING_TOLERANCE = 1e-6  # scalings whose rows differ by no more are treated as one


@dataclass(repr=False)
class GeometricAlignment(BaseEstimator):  # type: ignore[misc]
    """Match clusters by the distances within each modality, whatever their features.

    Parameters
    ----------
    kinds : sequence of sequence of str
        Kinds of distance in which prototypes are matched: "geodesic", "cosine", "euclidean",
        "local" and "rank". Each item names one kind, or several that are used together. The
        matchings are averaged over all items. By default ten items are used.
    scalings : sequence of str
        Scalings of the rows under which prototypes are matched and rows are coupled: "block",
        "columns", "unit" and "centred unit". By default all four are used.
    n_matches : int, default=6
        Number of pairs of prototype sets that are matched in each kind of distance. Under each
        scaling, a third of this number is matched.
    n_drawings : int, default=8
        Number of times that the rows of a modality are grouped into prototypes, at least 2.
        Under each scaling, they are grouped half as often.
    n_prototypes : int, default=36
        Number of prototypes per set; reduced for small modalities. With 36 or more clusters,
        each cluster is one prototype, there are two sets, and half of the kinds are used.
    max_rows : int, default=2000
        Maximum number of rows per modality between which distances are computed; larger
        modalities are subsampled. Matrices of shape (max_rows, max_rows) must fit in memory.

    Raises
    ------
    ValueError
        If a number is too small, or if a kind of distance or a scaling is unknown.

    Notes
    -----
    Time grows with ``len(kinds) * n_matches``, with the cube of ``n_prototypes`` and with the
    square of ``max_rows``. It hardly depends on the number of rows beyond ``max_rows``.

    Examples
    --------
    Match points with a rotated copy whose clusters are numbered differently:

    >>> rng = np.random.RandomState(7)
    >>> y, order = np.repeat(np.arange(5), [20, 30, 40, 50, 60]), np.array([2, 0, 3, 1, 4])
    >>> X = 4 * rng.randn(5, 4)[y] + rng.randn(200, 4)
    >>> rotated = X @ np.linalg.qr(rng.randn(4, 4))[0]
    >>> aligner = GeometricAlignment(n_matches=4)
    >>> left = aligner.describe(ModalityView(X, X, y, 5), rng)
    >>> right = aligner.describe(ModalityView(rotated, X, order[y], 5), rng)
    >>> alignment = aligner.match(left, right, rng)
    >>> alignment.partners, bool(alignment.confidence > 0.5)
    (array([2, 0, 3, 1, 4]), True)
    """

    kinds: Sequence[Sequence[str]] = KINDS
    scalings: Sequence[str] = SCALINGS
    n_matches: int = 6
    n_drawings: int = 8
    n_prototypes: int = 36
    max_rows: int = 2000

    def __post_init__(self) -> None:
        """Validate the parameters, so that errors are raised before training starts."""
        minima = {"n_matches": 1, "n_drawings": 2, "n_prototypes": 2, "max_rows": 4}
        for name, minimum in minima.items():
            value = getattr(self, name)
            if not isinstance(value, Integral) or value < minimum:
                raise ValueError(
                    f"{name} must be an integer of {minimum} or more, got {reprlib.repr(value)}."
                )
        if not _is_sequence(self.kinds) or not all(map(_is_sequence, self.kinds)):
            raise ValueError(
                f"kinds must be a sequence of sequences of names, such as "
                f"(('cosine',), ('local', 'rank')), got {reprlib.repr(self.kinds)}."
            )
        if not _is_sequence(self.scalings):
            raise ValueError(
                f"scalings must be a sequence of names, such as ('columns',), got "
                f"{reprlib.repr(self.scalings)}."
            )
        for parameter, names, known in (
            ("kinds", [name for kind in self.kinds for name in kind], DISTANCES),
            ("scalings", self.scalings, SCALINGS),
        ):
            for name in names:
                if name not in known:
                    raise ValueError(
                        f"{parameter}: {reprlib.repr(name)} is unknown; choose from {known}."
                    )

    def set_params(self, **params: Any) -> GeometricAlignment:
        """Set parameters by name.

        An estimator passes on nested parameters, such as ``alignment__n_matches``.

        Parameters
        ----------
        **params : object
            New values by parameter name.

        Returns
        -------
        GeometricAlignment
            The aligner itself.

        Raises
        ------
        ValueError
            If a parameter is unknown or its value is invalid; no parameter is changed then.
        """
        previous = self.get_params(deep=False)
        super().set_params(**params)
        try:
            self.__post_init__()
        except ValueError:
            self.__dict__.update(previous)
            raise
        return self

    def describe(self, modality: ModalityView, rng: np.random.RandomState) -> MultiscaleDescription:
        """Group the rows into prototypes under each scaling, and match the two halves of the rows.

        Parameters
        ----------
        modality : ModalityView
            Rows, latents and clusters of the modality.
        rng : RandomState
            Source of randomness.

        Returns
        -------
        MultiscaleDescription
            Description of the modality to pass to ``match``.
        """
        rows = modality.rows if modality.unscaled is None else modality.unscaled
        seed = rng.randint(2**31 - 1)
        step = max(1, len(rows) // N_COMPARED_ROWS)
        compared: list[Matrix] = []
        scaled: list[ModalityDescription] = []
        points: list[Points] = []
        for i, name in enumerate(self.scalings):
            variant = scaled_rows(rows, name)
            compared.append(variant[::step].copy())
            equal = [
                j for j in range(i) if np.allclose(compared[j], compared[i], atol=SCALING_TOLERANCE)
            ]
            if equal:  # for example if the columns are already standardised
                scaled.append(scaled[equal[0]])
                points.append(points[equal[0]])
                continue
            components = leading_components(variant, modality.n_clusters, seed)
            view = replace(modality, rows=components)
            kinds = self._kinds(modality.n_clusters)
            scratch_kinds = kinds[i % 2 :: 2] or kinds
            of_seed = np.random.RandomState(seed)
            scaled.append(self._describe_scaled(view, kinds, scratch_kinds, of_seed))
            points.append(unit_mean_square(components))
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
            Descriptions returned by ``describe``. If one modality has fewer clusters, some
            clusters of the other are left without a partner: those without which the remaining
            clusters match best.
        rng : RandomState
            Source of randomness.
        pairs : KnownPairs, default=None
            Pairs of rows that are known to belong together.

        Returns
        -------
        Alignment
            Matching of the left clusters to the right ones. If one modality has fewer clusters,
            it is filled up with empty clusters, which are the partners of the clusters that it
            lacks.
        """
        if left.n_clusters > right.n_clusters:
            turned = None if pairs is None else pairs.turned()
            return self.match(right, left, rng, turned).turned()
        if left.n_clusters == right.n_clusters:
            return self._match(left, right, rng, pairs)
        return self._match_with_missing(left, right, rng, pairs)

    def _kinds(self, n_clusters: int) -> Sequence[Sequence[str]]:
        # The distances between many clusters determine a matching better, but take more time.
        return self.kinds if n_clusters < MANY_CLUSTERS else self.kinds[::2]

    def _describe_scaled(
        self,
        modality: ModalityView,
        kinds: Sequence[Sequence[str]],
        scratch_kinds: Sequence[Sequence[str]],
        rng: np.random.RandomState,
    ) -> ModalityDescription:
        n_drawings = max(2, self.n_drawings // 2)
        sets = draw_prototypes(modality, rng, n_drawings, self.n_prototypes, self.max_rows)
        identity = np.arange(modality.n_clusters)
        pairs = list(zip(*halves(sets), strict=True))
        from_identity = {
            tuple(kind): [np.diag(match_from_clusters(a, b, kind, identity).mass) for a, b in pairs]
            for kind in kinds
        }
        # Matching from scratch is expensive, and half of the kinds are enough to estimate what
        # proportion of the mass it recovers.
        matches = match([Problem.of(*pairs[0])], scratch_kinds, rng)
        on_diagonal = [np.trace(one.mass) for one in matches]
        attainable = [from_identity[tuple(kind)][0].sum() for kind in scratch_kinds]
        retained: Matrix = np.mean(list(from_identity.values()), axis=(0, 1))
        if len(modality.rows) < MIN_ROWS_PER_CLUSTER * modality.n_clusters:
            retained = np.zeros_like(retained)  # halves of so few rows can agree by chance
        recovered = float(np.sum(on_diagonal) / max(np.sum(attainable), 1e-12))
        return ModalityDescription(sets, retained, recovered, modality.labels, modality.paired)

    def _match(
        self,
        left: MultiscaleDescription,
        right: MultiscaleDescription,
        rng: np.random.RandomState,
        pairs: KnownPairs | None,
    ) -> Alignment:
        # Both modalities have the same number of clusters.
        left, right = distinct_scalings(left, right)
        # The confidence comes from a matching by distances alone: a matching that the pairs
        # have influenced could not confirm them.
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
        # One alignment per scaling.
        def align(
            case: tuple[ModalityDescription, ModalityDescription, np.random.RandomState],
        ) -> Alignment:
            a, b, scaling_rng = case
            return average_matches(a, b, self._matches(a, b, scaling_rng, None))

        random_states = spawn(rng, len(left.scaled))
        return in_threads(align, zip(left.scaled, right.scaled, random_states, strict=True))

    def _matches(
        self,
        left: ModalityDescription,
        right: ModalityDescription,
        rng: np.random.RandomState,
        pairs: KnownPairs | None,
    ) -> list[PrototypeMatch]:
        # Matches in all kinds of distance, under one scaling.
        n_matches = -(-self.n_matches // 3) if left.n_clusters < MANY_CLUSTERS else 1
        kinds = self._kinds(left.n_clusters)
        return match(problems(left, right, rng, n_matches, pairs), kinds, rng)

    def _match_with_missing(
        self,
        left: MultiscaleDescription,
        right: MultiscaleDescription,
        rng: np.random.RandomState,
        pairs: KnownPairs | None,
    ) -> Alignment:
        kinds = self.kinds[1::2] or self.kinds  # half of the kinds are enough for a choice
        seed = rng.randint(2**31 - 1)
        proposals = [
            proposal
            for a, b in zip(left.scaled, right.scaled, strict=True)
            for proposal in find_missing(a, b, kinds, np.random.RandomState(seed), pairs)
        ]
        # The clusters are missing without which coupling rows costs least and most pairs remain.
        costs = []
        for missing, partners, _ in proposals:
            rest = right.without(missing)
            names = np.delete(np.arange(right.n_clusters), missing)
            among_rest = np.searchsorted(names, partners)
            cost = cost_of_rows(among_rest, left, rest, np.random.RandomState(seed))
            remaining = pairs_without(pairs, right.scaled[0], missing)
            costs.append(cost / max(share_kept(pairs, remaining), 1e-12))
        missing = proposals[int(np.argmin(costs))].missing
        certainty = max(one.certainty for one in proposals if one.missing == missing)
        remaining = pairs_without(pairs, right.scaled[0], missing)
        matched = self._match(left, right.without(missing), rng, remaining)
        return with_missing(matched.scaled(certainty), missing)


def _is_sequence(value: Any) -> bool:
    # Of one element or more. The order of a set depends on the process.
    return isinstance(value, list | tuple) and len(value) > 0
