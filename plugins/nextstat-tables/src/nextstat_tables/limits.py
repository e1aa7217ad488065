"""Tables of upper limits, for one model or for many signals."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.results import MassScan
from nextstat_tables.data import Column, DataTable, Uncertainty

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nextstat_core.typing import ArrayLike

__all__ = ["limits_table"]


def limits_table(result: Any, *, axis_units: str = "", units: str = "") -> DataTable:
    """Observed and expected limits, the latter with the bands of one and two standard deviations.

    Parameters
    ----------
    result : LimitResult, MassScan or object
        A scan has one row per signal, and limits on the cross section beside those on the signal
        strength where it knows cross sections. Anything else has one row, and needs `observed`, a
        number, and `expected`, five of them ascending; either may be None, and the latter empty.
    axis_units : str
        Unit of the masses, or whatever the signals of a scan differ in.
    units : str
        Unit of the cross sections; without these, of the limits.

    Raises
    ------
    InputError
        If `result` has no limits.
    """
    missing = [name for name in ("observed", "expected") if not hasattr(result, name)]
    if missing:
        raise InputError(
            f"a {type(result).__name__} has no {' and no '.join(missing)}; expected limits"
        )
    if result.observed is None and result.expected is None:
        raise InputError("neither `observed` nor `expected` has a value: no limits at all")
    alpha = getattr(result, "alpha", None)
    qualifiers = () if alpha is None else (("CL", f"{100.0 * (1.0 - alpha):g}%"),)
    sizes = getattr(result, "cross_sections", None)
    columns = [*_axes(result, axis_units)]
    strength = "" if sizes is not None else units
    columns += _limits("", result.observed, result.expected, strength, qualifiers)
    if isinstance(result, MassScan) and sizes is not None:
        observed, expected = result.observed_cross_sections, result.expected_cross_sections
        columns += _limits(" cross section", observed, expected, units, qualifiers)
    return DataTable(
        name="Upper limits",
        description="Observed and expected upper limits with bands of 1 and 2 standard deviations.",
        columns=tuple(columns),
    )


def _axes(result: Any, units: str) -> Iterator[Column]:
    """Names and coordinates of the signals of a scan."""
    if not isinstance(result, MassScan):
        return
    yield Column(name="signal", values=result.names, independent=True)
    for i, name in enumerate(result.value_names):
        values = tuple(point[i] for point in result.values)
        yield Column(name=name, values=values, units=units, independent=True)


def _limits(
    what: str,
    observed: ArrayLike | None,
    expected: ArrayLike | None,
    units: str,
    qualifiers: tuple[tuple[str, str], ...],
) -> Iterator[Column]:
    """Columns of observed and expected limits; missing ones are left out."""
    if observed is not None:
        limits = np.atleast_1d(np.asarray(observed, dtype=float))
        values = tuple(map(_or_none, limits))
        yield Column(name=f"observed{what}", values=values, units=units, qualifiers=qualifiers)
    if expected is None or not len(expected):
        return
    grid = np.atleast_2d(np.asarray(expected, dtype=float))
    if grid.shape[1] != 5:
        raise InputError(f"`expected` has {grid.shape[1]} entries; expected 5, ascending")
    median = grid[:, 2]
    bands = tuple(
        Uncertainty(
            tuple(map(_or_none, median - grid[:, 2 - n])),
            tuple(map(_or_none, grid[:, 2 + n] - median)),
            f"{n} sigma",
        )
        for n in (1, 2)
    )
    yield Column(
        name=f"expected{what}",
        values=tuple(map(_or_none, median)),
        units=units,
        uncertainties=bands,
        qualifiers=qualifiers,
    )


def _or_none(value: float) -> float | None:
    return float(value) if isfinite(value) else None
