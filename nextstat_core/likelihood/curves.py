"""Groups of curves on a backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nextstat_core.backend import Backend
    from nextstat_core.ir import Family
    from nextstat_core.likelihood.curve_plan import CurveGroup
    from nextstat_core.typing import Array, Indices

__all__ = ["Curves"]


class Curves:
    """Curve groups on the device, evaluated one after the other."""

    def __init__(self, backend: Backend, groups: Sequence[CurveGroup]) -> None:
        self._backend = backend
        self._groups: list[tuple[Family, Array, Indices]] = [
            (g.family, backend.asarray(g.coefficients[:, :, None]), backend.indices(g.parameters))
            for g in groups
        ]

    def __bool__(self) -> bool:
        return bool(self._groups)

    def __call__(self, theta: Array, order: int) -> list[Array | None]:
        """Value and derivatives of all members, each (members, rows)."""
        backend, xp = self._backend, self._backend.xp
        parts: list[tuple[Any, ...]] = [
            family(backend.take(theta, index, axis=0), coefficients, xp, order)
            for family, coefficients, index in self._groups
        ]
        if len(parts) == 1:
            return list(parts[0])
        return [
            xp.concat([part[i] for part in parts], axis=0) if i <= order else None for i in range(3)
        ]
