"""Curves that continue polynomials, as products with sparse matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nextstat_core.backend import Backend
    from nextstat_core.likelihood.polynomial_plan import PolynomialPlan
    from nextstat_core.typing import Array

__all__ = ["PolynomialCurves"]


class PolynomialCurves:
    """Many members of a family that is a polynomial inside of an interval, for batches.

    The powers of each parameter are taken once, not for each of its curves, and polynomials are
    products of a constant sparse matrix with them: a single pass where Horner's recursion has two
    for each power. On one row the recursion is as fast.
    """

    def __init__(self, plan: PolynomialPlan, coefficients: Array, backend: Backend) -> None:
        self._plan, self._coefficients, self._backend = plan, coefficients, backend
        self._owners, self._member = backend.indices(plan.owners), backend.indices(plan.member)
        self._matrices = [backend.sparse(*entries, plan.shape) for entries in plan.matrices]

    def __call__(self, theta: Array, order: int) -> tuple[Array, Array | None, Array | None]:
        """Value and derivatives of all members, each (members, rows)."""
        backend, xp, family = self._backend, self._backend.xp, self._plan.family
        x = backend.take(theta, self._owners, axis=0)
        inner = family.inside(x, xp)
        powers = [xp.ones_like(inner), inner]
        while len(powers) <= self._plan.degree:
            powers.append(powers[-1] * inner)
        table = xp.concat(powers, axis=0)
        polynomials = [matrix @ table for matrix in self._matrices[: max(order, 1) + 1]]
        beyond = backend.take(x - inner, self._member, axis=0)
        return family.continued(polynomials, beyond, self._coefficients, xp, order)
