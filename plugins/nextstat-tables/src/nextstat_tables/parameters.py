"""Tables of fitted parameters."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

from nextstat_tables.data import Column, DataTable, Uncertainty

if TYPE_CHECKING:
    from nextstat_core.results import FitResult

__all__ = ["parameters_table"]


def parameters_table(fit: FitResult) -> DataTable:
    """Parameters in rows, in the order of the fit: value, pull, and what is odd about them."""
    errors = tuple(
        None if held or isnan(error) else error
        for error, held in zip(fit.errors.tolist(), fit.fixed, strict=True)
    )
    value = Column(
        name="value",
        values=tuple(fit.values.tolist()),
        uncertainties=(Uncertainty(errors, errors),),
    )
    pulls = tuple(None if isnan(pull) else pull for pull in fit.pulls.tolist())
    sides = dict(fit.at_bound)
    notes = tuple(
        "fixed" if held else _note(sides.get(name, ""))
        for name, held in zip(fit.parameter_names, fit.fixed, strict=True)
    )
    return DataTable(
        name="Fitted parameters",
        description="Best-fit values with standard uncertainties, and pulls of constraints.",
        columns=(
            Column(name="parameter", values=fit.parameter_names, independent=True),
            value,
            Column(name="pull", values=pulls, decimals=3),
            Column(name="note", values=notes),
        ),
    )


def _note(side: str) -> str:
    if not side:
        return ""
    return "at the kink" if side == "kink" else f"at the {side} bound"
