"""Groups of curves on a backend."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from nextstat_core.errors import PluginError
from nextstat_core.likelihood.polynomial_plan import plan_polynomials
from nextstat_core.likelihood.polynomials import PolynomialCurves

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nextstat_core.backend import Backend
    from nextstat_core.ir import Family
    from nextstat_core.likelihood.curve_plan import CurveGroup
    from nextstat_core.typing import Array

__all__ = ["Curves"]

#: What a family returns.
_PARTS = ("value", "first derivative", "second derivative")


class Curves:
    """Curve groups on the device, evaluated one after the other."""

    def __init__(self, backend: Backend, groups: Sequence[CurveGroup]) -> None:
        self._backend = backend
        self._groups = [_Group(backend, group) for group in groups]

    def __bool__(self) -> bool:
        return bool(self._groups)

    def __call__(self, theta: Array, order: int) -> list[Array | None]:
        """Value and derivatives of all members, each (members, rows)."""
        xp = self._backend.xp
        parts = [group(theta, order) for group in self._groups]
        if len(parts) == 1:
            return list(parts[0])
        return [
            xp.concat([part[i] for part in parts], axis=0) if i <= order else None for i in range(3)
        ]


class _Group:
    """One group of curves."""

    def __init__(self, backend: Backend, group: CurveGroup) -> None:
        self._backend, self._group = backend, group
        self._family = group.family if _is_own(group.family) else _Checked(group.family)
        self._coefficients = backend.asarray(group.coefficients[:, :, None])
        self._parameters = backend.indices(group.parameters)

    @cached_property
    def _polynomials(self) -> PolynomialCurves | None:
        """Made when a batch first asks: single fits do not pay for it."""
        plan = plan_polynomials(self._family, self._group)
        return None if plan is None else PolynomialCurves(plan, self._coefficients, self._backend)

    def __call__(self, theta: Array, order: int) -> tuple[Any, ...]:
        if theta.shape[1] > 1 and self._polynomials is not None:
            return self._polynomials(theta, order)
        x = self._backend.take(theta, self._parameters, axis=0)
        return self._family(x, self._coefficients, self._backend.xp, order)


def _is_own(family: Family) -> bool:
    return type(family).__module__.startswith("nextstat_core.")


class _Checked:
    """A family of a plugin: what it returns wrongly is named before anything else fails over it."""

    def __init__(self, family: Family) -> None:
        self._family, self._name = family, type(family).__name__

    def __call__(self, x: Array, coefficients: Array, xp: Any, order: int) -> tuple[Any, ...]:
        try:
            parts = self._family(x, coefficients, xp, order)
        except Exception as error:
            raise self._failure(f"fails: {type(error).__name__}: {error}") from error
        if not isinstance(parts, tuple) or len(parts) != len(_PARTS):
            raise self._failure("does not return a tuple of value, first and second derivative")
        for part, what in zip(parts[: order + 1], _PARTS, strict=False):
            shape = getattr(part, "shape", ())
            if tuple(shape) != tuple(x.shape):
                raise self._failure(
                    f"gives a {what} of shape {tuple(shape)}, expected (members, rows) = "
                    f"{tuple(x.shape)}; add `+ 0.0 * x` to a constant"
                )
        return parts

    def _failure(self, what: str) -> PluginError:
        module = type(self._family).__module__
        return PluginError(
            f"the family {self._name} of {module} {what}\n\n"
            "Hint: nextstat check-plugin NAME tells the authors of the plugin more"
        )
