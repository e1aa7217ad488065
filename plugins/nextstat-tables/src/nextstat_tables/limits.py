"""Tables of upper limits, for one model or for a scan of models."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.errors import InputError
from nextstat_tables.data import Column, DataTable, Uncertainty

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["limits_table"]


def limits_table(
    result: Any,
    *,
    labels: Sequence[float | str] | None = None,
    axis: str = "point",
    axis_units: str = "",
    units: str = "",
) -> DataTable:
    """Observed and expected limits, the latter with the bands of one and two standard deviations.

    Parameters
    ----------
    result : object
        With `observed`, a number or an array (n,), `expected`, (5,) or (n, 5) ascending or None,
        and, where it is known, `alpha`: results of limits and of scans of masses.
    labels : sequence of float or str, optional
        What the n limits belong to, such as masses; `labels` of the result by default.
    axis, axis_units, units : str
        Name and unit of the labels, and the unit of the limits.

    Raises
    ------
    InputError
        If `result` has no limits, or the lengths differ.
    """
    missing = [name for name in ("observed", "expected") if not hasattr(result, name)]
    if missing:
        raise InputError(
            f"a {type(result).__name__} has no {' and no '.join(missing)}; expected limits"
        )
    if result.observed is None and result.expected is None:
        raise InputError("neither `observed` nor `expected` has a value: no limits at all")
    given = getattr(result, "labels", None) if labels is None else labels
    observed, expected = _grids(result)
    count = next(len(limits) for limits in (observed, expected) if limits is not None)
    names = ("",) * count if given is None else tuple(given)
    if len(names) != count:
        raise InputError.length("labels", expected=count, found=len(names))
    columns = [] if given is None else [_axis(names, axis, axis_units)]
    alpha = getattr(result, "alpha", None)
    qualifiers = () if alpha is None else (("CL", f"{100.0 * (1.0 - alpha):g}%"),)
    if observed is not None:
        values = tuple(_or_none(x) for x in observed)
        columns.append(Column(name="observed", values=values, units=units, qualifiers=qualifiers))
    if expected is not None:
        columns.append(_expected(expected, units, qualifiers))
    return DataTable(
        name="Upper limits",
        description="Observed and expected upper limits with bands of 1 and 2 standard deviations.",
        columns=tuple(columns),
    )


def _axis(names: tuple[float | str, ...], axis: str, units: str) -> Column:
    values = tuple(name if isinstance(name, str) else float(name) for name in names)
    return Column(name=axis, values=values, units=units, independent=True)


def _grids(result: Any) -> tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]:
    """Observed limits (n,) and expected ones (n, 5)."""
    observed, expected = result.observed, result.expected
    if observed is not None:
        observed = np.atleast_1d(np.asarray(observed, dtype=float))
    if expected is not None:
        expected = np.atleast_2d(np.asarray(expected, dtype=float))
        if expected.shape[1] != 5 or (observed is not None and len(observed) != len(expected)):
            rows = "n" if observed is None else str(len(observed))
            raise InputError(f"`expected` has shape {expected.shape}; expected ({rows}, 5)")
    return observed, expected


def _expected(
    expected: NDArray[np.float64], units: str, qualifiers: tuple[tuple[str, str], ...]
) -> Column:
    median = expected[:, 2]
    bands = tuple(
        Uncertainty(
            tuple(_or_none(x) for x in median - expected[:, 2 - n]),
            tuple(_or_none(x) for x in expected[:, 2 + n] - median),
            f"{n} sigma",
        )
        for n in (1, 2)
    )
    values = tuple(_or_none(x) for x in median)
    return Column(
        name="expected", values=values, units=units, uncertainties=bands, qualifiers=qualifiers
    )


def _or_none(value: float) -> float | None:
    return float(value) if isfinite(value) else None
