"""Which cluster of one modality is which of another, told by the geometry they share.

Many matchings, in several kinds of distance and of several drawings of prototypes, are
averaged. The confidence compares what they agree on with what matching a modality to
itself gives: two disjoint halves of it, whose right answer is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..data.rows import Matrix
from .assignment import best_partners, most_shared
from .base import Alignment, KnownPairs, ModalityView
from .geometry import DISTANCES
from .known import counted_confidence, pair_affinity, pair_counts, raked
from .matching import Match, match, match_from_clusters
from .missing import with_missing
from .prototypes import Problem, Prototypes, cluster_sizes, draw_prototypes

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
N_TRIED = 3  # pairs of drawings that tell which clusters a modality lacks
N_SELF_SETS = 2  # drawings of each half that are matched with the other half's
LEAST_ROWS = 4  # a cluster: two in each half
PAIRS_WORTH = 1.0  # known pairs a cluster that a matching by distances is worth
MEANINGFUL = 0.2  # clusters that halves keep less of than this, over chance, mean little


@dataclass(frozen=True)
class ClusteredModality:
    """One modality as the matching sees it.

    Attributes
    ----------
    prototypes : list of Prototypes
        Several drawings, of halves of the rows.
    own : ndarray of shape (k,)
        Mass that disjoint halves keep on each cluster, coupled from the right answer:
        what is lost is lost to sampling, overlap and the blur of couplings.
    found : float
        The mass kept where halves are matched blind, as a part of all of ``own``.
    labels : ndarray of int of shape (n,)
    paired : ndarray of int of shape (m,)
        Rows with known partners: the anchors of the prototypes.
    """

    prototypes: list[Prototypes]
    own: Matrix
    found: float
    labels: NDArray[np.integer]
    paired: NDArray[np.intp]

    @property
    def n_clusters(self) -> int:
        """How many clusters it has, the empty ones too."""
        return len(self.own)

    def without(self, clusters: Sequence[int]) -> ClusteredModality:
        """Leave clusters out, and their rows; the others move up.

        Parameters
        ----------
        clusters : sequence of int

        Returns
        -------
        ClusteredModality
            With label -1 for the rows left out.
        """
        left = np.delete(cluster_sizes(self.prototypes), clusters).sum()
        numbers = np.full(self.n_clusters, -1)
        numbers[np.delete(np.arange(self.n_clusters), clusters)] = np.arange(
            self.n_clusters - len(clusters)
        )
        return replace(
            self,
            prototypes=[p.without(clusters) for p in self.prototypes],
            own=np.delete(self.own, clusters) / max(left, 1e-12),
            labels=numbers[self.labels],
        )

    def with_empty(self, n: int) -> ClusteredModality:
        """Add clusters that no row is in.

        Parameters
        ----------
        n : int

        Returns
        -------
        ClusteredModality
        """
        return replace(
            self,
            prototypes=[
                replace(p, clusters=np.pad(p.clusters, ((0, 0), (0, n)))) for p in self.prototypes
            ],
            own=np.pad(self.own, (0, n)),
        )


@dataclass(frozen=True)
class GeometricAlignment:
    """Match clusters by the distances within each modality, whatever their features.

    Parameters
    ----------
    kinds : sequence of sequence of str
        Kinds of distance ("geodesic", "cosine", "euclidean", "local", "rank"), alone or
        together, in each of which prototypes are matched. Matchings are averaged over them.
    n_matches : int, default=6
        Pairs of drawings of prototypes that are matched in each kind.
    n_drawings : int, default=8
        At least 2. How often the rows of a modality are grouped into prototypes.
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

    def describe(self, modality: ModalityView, rng: np.random.RandomState) -> ClusteredModality:
        """Draw a modality's prototypes and match its halves with each other.

        Parameters
        ----------
        modality : ModalityView
        rng : RandomState

        Returns
        -------
        ClusteredModality
        """
        sets = draw_prototypes(modality, rng, self.n_drawings, self.n_prototypes, self.max_rows)
        identity = np.arange(modality.n_clusters)
        halves = _halves(sets)
        kept = [
            np.diag(match_from_clusters(a, b, kind, identity).mass)
            for kind in self.kinds
            for a in halves[0]
            for b in halves[1]
        ]
        blindly = [Problem.of(a, b) for a, b in zip(*halves, strict=True)]
        found = match(blindly, self.kinds, rng)
        blind = [np.trace(one.mass) for one in found]
        own: Matrix = np.mean(kept, axis=0)
        if len(modality.rows) < LEAST_ROWS * modality.n_clusters:
            own = np.zeros_like(own)  # of so few rows nothing is known, however well halves agree
        share = float(np.mean(blind) / max(own.sum(), 1e-12))
        return ClusteredModality(sets, own, share, modality.labels, modality.paired)

    def match(
        self,
        left: ClusteredModality,
        right: ClusteredModality,
        rng: np.random.RandomState,
        pairs: KnownPairs | None = None,
    ) -> Alignment:
        """Match the clusters of two modalities.

        Parameters
        ----------
        left, right : ClusteredModality
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
        missing, sure = self._missing(left, right, rng, pairs)
        rest, known = right.without(missing), _pairs_without(pairs, right, missing)
        return with_missing(self._match(left, rest, rng, known).scaled(sure), missing)

    def _match(
        self,
        left: ClusteredModality,
        right: ClusteredModality,
        rng: np.random.RandomState,
        pairs: KnownPairs | None,
    ) -> Alignment:
        # Of equally many clusters.
        problems = _problems(left, right, rng, self.n_matches)
        if pairs is None:
            return _judged(left, right, _mean_mass(match(problems, self.kinds, rng)))
        # Distances bear witness by themselves, as what pairs have chosen they cannot confirm.
        apart = match(problems[: -(-len(problems) // 2)], self.kinds, rng)
        told = [_with_pairs(problem, left, right, pairs) for problem in problems]
        mass = _mean_mass(match(told, self.kinds, rng))
        return _counted(mass, _judged(left, right, _mean_mass(apart)), left, right, pairs, rng)

    def _missing(
        self,
        left: ClusteredModality,
        right: ClusteredModality,
        rng: np.random.RandomState,
        pairs: KnownPairs | None,
    ) -> tuple[list[int], float]:
        # The right clusters that the left modality lacks: without them the others match best.
        # They are found one after the other; and how sure that is.
        missing: list[int] = []
        sure, seed = 1.0, rng.randint(2**31 - 1)
        while left.n_clusters + len(missing) < right.n_clusters:
            tried = {
                c: self._trial(left, right, [*missing, c], seed, pairs)
                for c in range(right.n_clusters)
                if c not in missing
            }
            best, *others = sorted(tried, key=lambda c: -tried[c].score)
            missing.append(best)
            sure *= _certainty(tried[best], tried[others[0]])
        return missing, sure

    def _trial(
        self,
        left: ClusteredModality,
        right: ClusteredModality,
        missing: list[int],
        seed: int,
        pairs: KnownPairs | None,
    ) -> _Trial:
        # All trials with the same drawings, in every other kind of distance.
        rng = np.random.RandomState(seed)
        rest, known = right.without(missing), _pairs_without(pairs, right, missing)
        left = left.with_empty(rest.n_clusters - left.n_clusters)
        problems = _problems(left, rest, rng, min(N_TRIED, self.n_matches))
        if known is not None:
            problems = [_with_pairs(problem, left, rest, known) for problem in problems]
        kinds = self.kinds[1::2] or self.kinds
        found = match(problems, kinds, rng)
        judged = _judged(left, rest, _mean_mass(found))
        kept = 1.0 if pairs is None else 0.0 if known is None else len(known.rows) / len(pairs.rows)
        on_partners = judged.mass[np.arange(len(judged.mass)), judged.partners].sum()
        agreed = on_partners / max(left.own.sum(), rest.own.sum(), 1e-12)
        # Distances agree at best as well as those of two halves of one modality.
        at_best = np.sqrt(_own_correlation(left, kinds) * _own_correlation(rest, kinds))
        score = agreed * kept * float(np.mean([one.correlation for one in found])) / at_best
        names = np.delete(np.arange(right.n_clusters), missing)
        return _Trial(score, names[judged.partners], cluster_sizes(left.prototypes))


class _Trial(NamedTuple):
    """A matching without some clusters: its worth, partners of left clusters, and their sizes."""

    score: float
    partners: NDArray[np.intp]
    sizes: Matrix


def _certainty(best: _Trial, rival: _Trial) -> float:
    # A rival that is as good takes away what it contradicts.
    agreed = float(best.sizes @ (best.partners == rival.partners))
    return 1 - (1 - agreed) * float(np.clip(rival.score / max(best.score, 1e-12), 0, 1))


def _problems(
    left: ClusteredModality, right: ClusteredModality, rng: np.random.RandomState, n: int
) -> list[Problem]:
    a, b = left.prototypes, right.prototypes
    chosen = rng.permutation(len(a) * len(b))[:n]
    return [Problem.of(a[c // len(b)], b[c % len(b)]) for c in chosen]


def _halves(sets: Sequence[Prototypes]) -> list[list[Prototypes]]:
    # Some drawings of either half of the rows, equally many.
    n = min(N_SELF_SETS, len(sets) // 2)
    return [[p for p in sets if p.half == half][:n] for half in (0, 1)]


def _own_correlation(modality: ClusteredModality, kinds: Sequence[Sequence[str]]) -> float:
    identity = np.arange(modality.n_clusters)
    pairs = list(zip(*_halves(modality.prototypes), strict=True))
    found = [match_from_clusters(a, b, kind, identity) for kind in kinds for a, b in pairs]
    return max(float(np.mean([one.correlation for one in found])), 1e-12)


def _mean_mass(found: Sequence[Match]) -> Matrix:
    mass: Matrix = np.mean([one.mass for one in found], axis=0)
    return mass


def _pairs_without(
    pairs: KnownPairs | None, right: ClusteredModality, missing: Sequence[int]
) -> KnownPairs | None:
    if pairs is None:
        return None
    kept = pairs.rows[~np.isin(right.labels[pairs.rows[:, 1]], missing)]
    return replace(pairs, rows=kept) if len(kept) else None


def _judged(left: ClusteredModality, right: ClusteredModality, mass: Matrix) -> Alignment:
    partners = best_partners(mass)
    on_partners = mass[np.arange(len(partners)), partners]
    trust = _trust(left) * _trust(right) * min(left.found, right.found, 1.0)
    kept = max(left.own.sum(), right.own.sum(), 1e-12)
    return Alignment(
        partners=partners,
        mass=mass,
        confidence=float(np.clip(trust * on_partners.sum() / kept, 0, 1)),
        cluster_confidence=_cluster_confidence(left, right, mass, partners, trust),
    )


def _with_pairs(
    problem: Problem, left: ClusteredModality, right: ClusteredModality, pairs: KnownPairs
) -> Problem:
    # Twice as many pairs as clusters weigh as much as all distances.
    columns = np.column_stack(
        [np.searchsorted(m.paired, pairs.rows[:, i]) for i, m in enumerate((left, right))]
    )
    weight = pairs.trust * min(1.0, len(columns) / (2 * problem.left.clusters.shape[1]))
    affinity = weight * pair_affinity(problem.left, problem.right, columns)
    return replace(problem, affinity=affinity)


def _counted(
    mass: Matrix,
    apart: Alignment,
    left: ClusteredModality,
    right: ClusteredModality,
    pairs: KnownPairs,
    rng: np.random.RandomState,
) -> Alignment:
    # A matching by distances counts as some pairs a cluster; pairs count as they are.
    k = len(mass)
    counts = pairs.trust * pair_counts(left.labels, right.labels, pairs.rows, k)
    sizes, of_right = (cluster_sizes(m.prototypes) for m in (left, right))
    shared = raked((counts + PAIRS_WORTH * k * mass)[None], sizes, of_right)[0]
    partners = most_shared(shared)
    told = counted_confidence(counts, partners, sizes, of_right, rng)
    agreed = apart.partners == partners
    return Alignment(
        partners=partners,
        mass=shared,
        confidence=1 - (1 - apart.confidence * float(sizes @ agreed)) * (1 - float(sizes @ told)),
        cluster_confidence=1 - (1 - apart.cluster_confidence * agreed) * (1 - told),
    )


def _trust(modality: ClusteredModality) -> float:
    # Clusters that halves of the same rows do not agree on cannot be matched with others.
    chance = np.square(cluster_sizes(modality.prototypes)).sum()
    over_chance = (modality.own.sum() - chance) / max(1 - chance, 1e-12)
    return float(np.clip(over_chance / MEANINGFUL, 0, 1))


def _cluster_confidence(
    left: ClusteredModality,
    right: ClusteredModality,
    mass: Matrix,
    partners: NDArray[np.intp],
    trust: float,
) -> Matrix:
    # Shares of each cluster's mass: here with its partner, there with itself.
    on_partners = mass[np.arange(len(partners)), partners]
    rows, columns = (np.maximum(mass.sum(axis=axis), 1e-12) for axis in (1, 0))
    here = (on_partners / rows + on_partners / columns[partners]) / 2
    kept = [m.own / np.maximum(cluster_sizes(m.prototypes), 1e-12) for m in (left, right)]
    there = np.maximum(np.maximum(kept[0], kept[1][partners]), 1e-12)
    confidence: Matrix = np.clip(trust * here / there, 0, 1)
    return confidence
