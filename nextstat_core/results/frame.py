"""Results as pandas tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nextstat_core.results.fit import FitResult

__all__ = ["fit_frame", "rows_frame"]


def _pandas() -> Any:
    try:
        import pandas as pd  # type: ignore[import-untyped]
    except ModuleNotFoundError as error:
        message = "tables need pandas; install it with: python -m pip install pandas"
        raise ModuleNotFoundError(message, name=error.name) from error
    return pd


def rows_frame(rows: Sequence[dict[str, Any]], columns: list[str]) -> Any:
    """DataFrame with one row per dictionary; the columns exist without any row too."""
    return _pandas().DataFrame(list(rows), columns=columns)


def fit_frame(result: FitResult) -> Any:
    """DataFrame with one row per parameter, in vector order."""
    pd = _pandas()
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
