"""Cross-validation splits that leave no fold without a modality."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from .data import MixedModalData


class ModalityKFold(StratifiedKFold):  # type: ignore[misc]
    """K folds with every modality in its share, for use as ``cv=``.

    A plain ``KFold`` cuts rows in block order, so that a fold can lack a whole
    modality; a model cannot be fitted or scored there.

    Parameters
    ----------
    n_splits : int, default=5
    shuffle : bool, default=False
    random_state : int, RandomState or None, default=None
        Used where ``shuffle`` is True.

    Examples
    --------
    >>> import numpy as np
    >>> from skdm2c import MixedModalData, ModalityKFold
    >>> X = MixedModalData(np.zeros((4, 3)), np.ones((2, 5)))
    >>> for train, test in ModalityKFold(2).split(X):
    ...     print(X[test].modality)
    ['a' 'a' 'b']
    ['a' 'a' 'b']
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        shuffle: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        super().__init__(n_splits, shuffle=shuffle, random_state=random_state)

    def split(
        self, X: MixedModalData, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Yield the rows of each split.

        Parameters
        ----------
        X : MixedModalData of n rows
        y, groups : object
            Ignored.

        Yields
        ------
        train, test : ndarray of int

        Raises
        ------
        TypeError
            If ``X`` is not a MixedModalData.
        ValueError
            If a modality has fewer rows than there are folds.
        """
        if not isinstance(X, MixedModalData):
            raise TypeError(
                f"ModalityKFold splits a MixedModalData, got {type(X).__name__}: "
                "pass MixedModalData(X_a, X_b) to GridSearchCV.fit or cross_validate."
            )
        for name, count in zip(X.names, np.bincount(X.codes, minlength=len(X.names)), strict=True):
            if count < self.n_splits:
                raise ValueError(
                    f"n_splits={self.n_splits} folds need as many rows of each modality; "
                    f"{name!r} has {count}."
                )
        yield from super().split(np.zeros(len(X)), X.codes)
