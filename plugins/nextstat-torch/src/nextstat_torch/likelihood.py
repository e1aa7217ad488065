"""The likelihood of rows that differ in their inputs, on the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.models import HistFactoryModel, InputRows

__all__ = ["likelihood"]


def likelihood(
    model: HistFactoryModel,
    rows: InputRows,
    theta: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Minus the log-likelihood, and its derivatives with respect to the parameters.

    Parameters
    ----------
    rows : InputRows
    theta : float array, shape (rows, n_params)

    Returns
    -------
    value : float array, shape (rows,)
    slope : float array, shape (rows, n_params)
    """
    compiled = model.on_host
    backend = compiled.backend
    observed = compiled.observe(
        _columns(rows.main),
        width=_columns(rows.width),
        aux_factor=_columns(rows.factor),
        aux_count=_columns(rows.count),
    )
    nominal = backend.asarray(_columns(rows.yields))
    at = compiled.evaluate(backend.asarray(_columns(theta)), observed, 1, nominal=nominal)
    return (
        backend.to_numpy(at.nll) + compiled.constant(observed),
        backend.to_numpy(at.gradient).T,
    )


def _columns(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ascontiguousarray(x.T)
