"""Expected yields and parameters of a model as Arrow tables."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from nextstat_arrow.files import to_ipc
from nextstat_core.errors import InputError
from nextstat_core.models.parameters import parameter_vector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from nextstat_core.models import HistFactoryModel
    from nextstat_core.typing import ArrayLike

__all__ = ["to_arrow", "to_arrow_params_ipc", "to_arrow_yields_ipc"]

_YIELDS = pa.schema(
    [
        pa.field("channel", pa.string(), nullable=False),
        pa.field("sample", pa.string(), nullable=False),
        pa.field("yields", pa.list_(pa.float64()), nullable=False),
    ]
)
_PARAMS = pa.schema(
    [
        pa.field("name", pa.string(), nullable=False),
        pa.field("index", pa.uint32(), nullable=False),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("bound_lo", pa.float64(), nullable=False),
        pa.field("bound_hi", pa.float64(), nullable=False),
        pa.field("init", pa.float64(), nullable=False),
    ]
)


def to_arrow(
    model: HistFactoryModel, *, params: ArrayLike | None = None, what: str = "yields"
) -> pa.Table:
    """Export expected yields or parameters.

    Parameters
    ----------
    model : HistFactoryModel
    params : array-like, shape (n_params,), optional
        Values of the parameters; the start values if left out.
    what : {"yields", "sample_yields", "params"}
        ``yields``: one row per channel, with the columns ``channel``, ``sample`` (always
        ``total``) and ``yields``; channels by name. ``sample_yields``: the same with one row per
        sample of each channel. ``params``: ``name``, ``index``, ``value``, ``bound_lo``,
        ``bound_hi`` and ``init``; both bounds of a fixed parameter are its start value.

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    InputError
        If `what` is unknown, or `params` has the wrong length.
    """
    if what not in _EXPORTS:
        expected = ", ".join(map(repr, _EXPORTS))
        raise InputError(f"`what` is {what!r}; expected one of {expected}")
    values = parameter_vector(
        model.suggested_init() if params is None else params, len(model.parameter_names())
    )
    return _EXPORTS[what](model, values)


def to_arrow_yields_ipc(model: HistFactoryModel, params: ArrayLike | None = None) -> bytes:
    """Export expected yields per channel as an IPC stream; see `to_arrow`."""
    return to_ipc(to_arrow(model, params=params))


def to_arrow_params_ipc(model: HistFactoryModel, params: ArrayLike | None = None) -> bytes:
    """Export parameters as an IPC stream; see `to_arrow`."""
    return to_ipc(to_arrow(model, params=params, what="params"))


def _totals(model: HistFactoryModel, params: NDArray[np.float64]) -> pa.Table:
    expected = model.expected_main_by_channel_sample(params)
    return _rows((each["channel_name"], "total", each["total"]) for each in expected)


def _samples(model: HistFactoryModel, params: NDArray[np.float64]) -> pa.Table:
    expected = model.expected_main_by_channel_sample(params)
    return _rows(
        (each["channel_name"], sample["sample_name"], sample["y"])
        for each in expected
        for sample in each["samples"]
    )


def _rows(rows: Iterable[tuple[str, str, list[float]]]) -> pa.Table:
    channels, samples, yields = zip(*rows, strict=True)
    offsets = [0, *accumulate(map(len, yields))]
    values = pa.array([value for each in yields for value in each], pa.float64())
    lists = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)
    return pa.table([channels, samples, lists.cast(_YIELDS.field("yields").type)], schema=_YIELDS)


def _parameters(model: HistFactoryModel, params: NDArray[np.float64]) -> pa.Table:
    names = model.parameter_names()
    lower, upper = zip(*model.suggested_bounds(), strict=True)
    columns = [names, range(len(names)), params, lower, upper, model.suggested_init()]
    return pa.table([*map(_plain, columns)], schema=_PARAMS)


def _plain(column: Any) -> Any:
    return list(column) if isinstance(column, range | tuple) else column


_EXPORTS: Mapping[str, Callable[[HistFactoryModel, NDArray[np.float64]], pa.Table]] = {
    "yields": _totals,
    "sample_yields": _samples,
    "params": _parameters,
}
