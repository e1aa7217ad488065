"""Test statistics of the toys of one hypothesis, as columns."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.results.arrays import read_only
from nextstat_core.results.reasons import TERMINATION_REASONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from nextstat_core.results.arrays import FloatArray

__all__ = ["ToyEnsemble"]

_COLUMNS: Mapping[str, Any] = {"numbers": np.int64, "q": float, "mu_hat": float, "status": np.int8}
# Toys and data with the same q may differ by the rounding of their minima.
_EQUAL = 1e-7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ToyEnsemble:
    """Test statistics of T toys of one hypothesis.

    Attributes
    ----------
    numbers : int array, shape (T,)
        Which toys of the ensemble's stream these are, in ascending order.
    q, mu_hat : float arrays, shape (T,)
        Test statistic, infinite where the tested hypothesis cannot make the data; and best fit of
        the parameter of interest. NaN where they are unknown.
    status : int array, shape (T,)
        Positions in `TERMINATION_REASONS` of the worse of a toy's fits; 0 is a converged one.
    """

    numbers: NDArray[np.int64]
    q: FloatArray
    mu_hat: FloatArray
    status: NDArray[np.int8]

    def __post_init__(self) -> None:
        for name, dtype in _COLUMNS.items():
            column = read_only(name, getattr(self, name), (len(self.numbers),), dtype)
            object.__setattr__(self, name, column)

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Toys whose fits converged; the others are left out of all probabilities."""
        return (self.status == 0) & ~np.isnan(self.q)

    @property
    def n_valid(self) -> int:
        return int(np.count_nonzero(self.valid))

    @property
    def n_error(self) -> int:
        """Toys without a value of the test statistic."""
        return int(np.count_nonzero(np.isnan(self.q)))

    @property
    def n_nonconverged(self) -> int:
        """Toys that have a value, but a fit of which did not converge."""
        return int(np.count_nonzero(~np.isnan(self.q) & (self.status != 0)))

    @property
    def failures(self) -> dict[str, int]:
        """Number of toys that are left out, by the reason for which a fit of theirs ended."""
        codes, counts = np.unique(self.status[self.status != 0], return_counts=True)
        return {
            TERMINATION_REASONS[code]: int(count) for code, count in zip(codes, counts, strict=True)
        }

    def tails(self, q: FloatArray) -> FloatArray:
        """Probabilities of toys with a statistic of at least `q`, ``(k + 1) / (m + 1)``.

        `k` of `m` valid toys have one; adding one makes it a valid p-value (Phipson, Smyth, Stat.
        Appl. Genet. Mol. Biol. 9 (2010) 39).
        """
        ordered = np.sort(self.q[self.valid])
        least = q - _EQUAL * np.where(np.isinf(q), 0.0, np.maximum(1.0, q))
        above = len(ordered) - np.searchsorted(ordered, least, side="left")
        return np.asarray((above + 1.0) / (len(ordered) + 1.0))

    def tail(self, q: float) -> tuple[float, float]:
        """Probability of at least `q`, and its binomial standard error."""
        p = float(self.tails(np.asarray([q]))[0])
        return p, sqrt(p * (1.0 - p) / max(self.n_valid, 1))

    def part(self, chosen: NDArray[np.bool_]) -> ToyEnsemble:
        """Some of the toys."""
        return ToyEnsemble(**{name: getattr(self, name)[chosen] for name in _COLUMNS})

    @staticmethod
    def merged(parts: Sequence[ToyEnsemble]) -> ToyEnsemble:
        """All toys of several parts, by their numbers.

        Raises
        ------
        InputError
            If a toy is in two of them.
        """
        columns = {
            name: np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS
        }
        order = np.argsort(columns["numbers"], kind="stable")
        numbers = columns["numbers"][order]
        twice = numbers[1:][np.diff(numbers) == 0]
        if len(twice):
            raise InputError(
                f"toy {twice[0]} is in two parts, and so are {len(twice) - 1} others",
                hint="parts of one study have toys of their own: first_toy and n_toys",
            )
        return ToyEnsemble(**{name: column[order] for name, column in columns.items()})

    @staticmethod
    def empty() -> ToyEnsemble:
        """No toys yet."""
        columns: dict[str, Any] = {name: np.zeros(0, dtype) for name, dtype in _COLUMNS.items()}
        return ToyEnsemble(**columns)
