"""Curves that continue polynomials, as sparse matrices that multiply powers of parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nextstat_core.ir import Family
    from nextstat_core.likelihood.curve_plan import CurveGroup
    from nextstat_core.typing import Array, ArrayNamespace

__all__ = ["PolynomialFamily", "PolynomialPlan", "plan_polynomials"]

#: Members from which on the products pay.
_MANY = 64


@runtime_checkable
class PolynomialFamily(Protocol):
    """A family that is a polynomial inside of an interval, as `nextstat_core.stats.Code4`."""

    def inside(self, x: Array, xp: ArrayNamespace) -> Array: ...

    def polynomial(self, coefficients: Array, xp: ArrayNamespace) -> Array: ...

    def continued(
        self,
        poly: Sequence[Array],
        beyond: Array,
        coefficients: Array,
        xp: ArrayNamespace,
        order: int,
    ) -> tuple[Array, Array | None, Array | None]: ...


@dataclass(frozen=True, slots=True)
class PolynomialPlan:
    """Polynomials of all members, and their derivatives, in powers of their parameters.

    Attributes
    ----------
    owners : int array
        Distinct parameters.
    member : int array, shape (members,)
        Position of each member's parameter among them.
    degree : int
    matrices : tuple of (rows, columns, values)
        Entries of the matrices of polynomials, first and second derivatives; their columns are the
        powers 0 to `degree` of all owners, one power after the other.
    shape : tuple of int
        Of each matrix.
    """

    family: PolynomialFamily
    owners: np.ndarray
    member: np.ndarray
    degree: int
    matrices: tuple[tuple[np.ndarray, np.ndarray, np.ndarray], ...]
    shape: tuple[int, int]


def plan_polynomials(family: Family, group: CurveGroup) -> PolynomialPlan | None:
    """Plan of a group; None where it does not pay, or the family has no polynomial."""
    if len(group.parameters) < _MANY or not isinstance(family, PolynomialFamily):
        return None
    owners, member = np.unique(group.parameters, return_inverse=True)
    factors = family.polynomial(group.coefficients, np)
    count = len(factors)
    matrices = []
    for _ in range(3):
        powers = np.arange(len(factors))
        rows = np.repeat(np.arange(len(member)), len(powers))
        columns = len(owners) * powers + member[:, None]
        matrices.append((rows, columns.reshape(-1), factors.T.reshape(-1)))
        factors = factors[1:] * powers[1:, None]
    shape = len(member), len(owners) * count
    return PolynomialPlan(family, owners, member, count - 1, tuple(matrices), shape)
