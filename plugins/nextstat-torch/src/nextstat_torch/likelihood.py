"""The likelihood of rows that differ in their inputs, on the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.infer.target import BatchData
    from nextstat_core.models import HistFactoryModel, InputRows

__all__ = ["likelihood"]


def likelihood(
    model: HistFactoryModel,
    rows: InputRows,
    theta: NDArray[np.float64],
    data: BatchData | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Minus the log-likelihood, and its derivatives with respect to the parameters.

    Parameters
    ----------
    rows : InputRows
    theta : float array, shape (rows, n_params)
    data : BatchData, optional
        Data and auxiliary data instead of those of `rows`.

    Returns
    -------
    value : float array, shape (rows,)
    slope : float array, shape (rows, n_params)
    """
    compiled = model.on_host
    backend = compiled.backend
    main = rows.main if data is None else data.main
    center = None if data is None else data.center
    count = rows.count if data is None or data.count is None else data.count
    observed = compiled.observe(
        _columns(main),
        center=None if center is None else _columns(center),
        width=_columns(rows.width),
        aux_factor=_columns(rows.factor),
        aux_count=_columns(count),
    )
    nominal = backend.asarray(_columns(rows.yields))
    at = compiled.evaluate(backend.asarray(_columns(theta)), observed, 1, nominal=nominal)
    return (
        backend.to_numpy(at.nll) + compiled.constant(observed),
        backend.to_numpy(at.gradient).T,
    )


def _columns(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ascontiguousarray(x.T)
