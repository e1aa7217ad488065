"""Histograms of other libraries, and arrays, to our `Histogram`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from nextstat_core.errors import InputError
from nextstat_histograms.histogram import Histogram

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Flow", "as_histogram"]

#: What becomes of entries below the first and above the last edge: they are left out, they are
#: added to the first and the last bin, or they are an error.
Flow: TypeAlias = Literal["exclude", "include", "refuse"]

_CATEGORIES = "an axis of categories has no edges; expected a continuous axis"
_ASK_FOR_WEIGHTS = (
    "fill a histogram whose storage is `Weight()`, or pass (values, edges, variances)"
)


def as_histogram(source: Any, *, flow: Flow = "exclude") -> Histogram:
    """Take over a histogram of one axis.

    Parameters
    ----------
    source : Histogram, object or tuple
        A histogram of `hist`, `boost_histogram` or `uproot`, or any other one that follows the
        protocol of UHI; or a tuple of arrays, in numpy's order: values, edges, and, unless values
        are counts, variances.
    flow : {"exclude", "include", "refuse"}
        What becomes of underflow and overflow.

    Raises
    ------
    InputError
        If `source` is no histogram of counts on one continuous axis, its variances are not known,
        or `flow` refuses what is in it.
    """
    if flow not in get_args(Flow):
        raise InputError.unknown("policy for `flow`", flow, get_args(Flow))
    if isinstance(source, Histogram):
        return source
    if isinstance(source, tuple):
        return _of_arrays(source)
    if all(hasattr(source, name) for name in ("axes", "values", "variances")):
        return _of_protocol(source, flow)
    raise InputError(
        f"a {type(source).__name__} is no histogram",
        hint="expected one of hist, boost_histogram or uproot, or (values, edges, variances)",
    )


def _of_arrays(source: tuple[Any, ...]) -> Histogram:
    if len(source) == 3:
        values, edges, variances = source
        return Histogram(edges, values, variances)
    if len(source) != 2:
        raise InputError(f"a tuple of {len(source)} is no histogram; expected values and edges")
    values, edges = source
    counts = np.asarray(values, dtype=np.float64)
    if not (np.equal(np.round(counts), counts).all() and (counts >= 0.0).all()):
        raise InputError(
            "values that are not counts have no known variances",
            hint="pass (values, edges, variances)",
        )
    return Histogram(edges, values, counts)


def _of_protocol(source: Any, flow: Flow) -> Histogram:
    kind = getattr(source, "kind", "COUNT")
    if str(getattr(kind, "value", kind)) != "COUNT":
        raise InputError(f"a histogram of kind {kind} holds no yields; expected counts")
    if len(source.axes) != 1:
        raise InputError(
            f"a histogram of {len(source.axes)} axes; expected 1",
            hint="project it on one axis, or number its bins",
        )
    edges = _edges(source.axes[0])
    values, variances = _with_flow(source, edges.size - 1)
    outside = values[[0, -1]]
    if flow == "refuse" and (outside != 0.0).any():
        raise InputError(
            f"{outside[0]:g} below the first edge and {outside[1]:g} above the last one; "
            "`flow` refuses both"
        )
    if flow == "include":
        values, variances = _folded(values), _folded(variances)
    return Histogram(edges, values[1:-1], variances[1:-1])


def _edges(axis: Any) -> NDArray[np.float64]:
    # boost-histogram numbers the edges of categories.
    if not getattr(getattr(axis, "traits", None), "ordered", True):
        raise InputError(_CATEGORIES)
    edges = getattr(axis, "edges", None)
    if edges is None:  # the protocol itself promises only bins
        bins = [axis[index] for index in range(len(axis))]
        if not bins or not isinstance(bins[0], tuple):
            raise InputError(_CATEGORIES)
        edges = [bins[0][0], *(high for _, high in bins)]
    # A property in boost-histogram, a method in uproot.
    return np.asarray(edges() if callable(edges) else edges, dtype=np.float64)


def _with_flow(source: Any, n_bins: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values and variances, with one entry for each side of the axis."""
    values, variances = _call(source, "values"), _call(source, "variances")
    if values.shape != (n_bins + 2,):
        low = _has_flow(source.axes[0], "underflow")
        high = _has_flow(source.axes[0], "overflow")
        if values.size != n_bins + low + high:
            low, high = 0, 0
        pad = (0 if low else 1, 0 if high else 1)
        values, variances = np.pad(values, pad), np.pad(variances, pad)
    if values.shape != (n_bins + 2,) or variances.shape != values.shape:
        raise InputError(f"the axis has {n_bins} bins, the histogram {values.size - 2}")
    return values, variances


def _call(source: Any, name: str) -> NDArray[np.float64]:
    method = getattr(source, name)
    try:
        found = method(flow=True)
    except TypeError:  # `flow` is no part of the protocol
        found = method()
    if found is None:
        raise InputError(
            "the variances of a weighted histogram are not known", hint=_ASK_FOR_WEIGHTS
        )
    return np.asarray(found, dtype=np.float64)


def _has_flow(axis: Any, side: str) -> int:
    return int(bool(getattr(getattr(axis, "traits", None), side, False)))


def _folded(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    folded = numbers.copy()
    folded[1] += numbers[0]
    folded[-2] += numbers[-1]
    return folded
