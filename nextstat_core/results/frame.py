"""Fit results as pandas tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextstat_core.results.fit import FitResult

__all__ = ["fit_frame"]


def fit_frame(result: FitResult) -> Any:
    """DataFrame with one row per parameter, in vector order."""
    try:
        import pandas as pd  # type: ignore[import-untyped]
    except ModuleNotFoundError as error:
        message = "tables need pandas; install it with: python -m pip install pandas"
        raise ModuleNotFoundError(message, name=error.name) from error
    sides = dict(result.at_bound)
    columns = {
        "value": result.values,
        "error": result.errors,
        "pull": result.pulls,
        "prefit_center": result.prefit_centers,
        "prefit_width": result.prefit_widths,
        "fixed": list(result.fixed),
        "at_bound": [sides.get(name, "") for name in result.parameter_names],
    }
    return pd.DataFrame(columns, index=pd.Index(result.parameter_names, name="parameter"))
