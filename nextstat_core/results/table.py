"""Fit results as tables for people: text and HTML."""

from __future__ import annotations

from math import isfinite, isinf, isnan
from typing import TYPE_CHECKING

from nextstat_core.tables import Table, block, folded, paragraph

if TYPE_CHECKING:
    from nextstat_core.results.fit import FitResult

__all__ = ["COLUMNS", "fit_html", "fit_text", "headline", "ranked", "remarks", "row_of"]

COLUMNS = ("parameter", "value", "uncertainty", "pull", "note")
#: A matrix of more columns is wider than a page.
_CORRELATED = 10
#: With more parameters the covariance matrix is not made just for a look at the result.
_CHEAP = 300


def ranked(result: FitResult) -> list[int]:
    """Positions of the parameters: the POI, then by size of the pull, then the unconstrained."""
    pulls = result.pulls.tolist()

    def key(index: int) -> tuple[bool, float]:
        return index != result.poi_index, 0.0 if isnan(pulls[index]) else -abs(pulls[index])

    return sorted(range(len(pulls)), key=key)


def headline(result: FitResult) -> str:
    """How the fit ended, in a line."""
    if result.converged:
        outcome = "Fit converged"
    else:
        outcome = f"Fit did NOT converge ({result.termination_reason})"
    steps = f"{result.n_iter} iteration" + ("" if result.n_iter == 1 else "s")
    # Adding zero turns a negative zero into a positive one.
    return f"{outcome}: nll = {result.nll:.9g}, edm = {result.edm + 0.0:.2g}, {steps}"


def row_of(result: FitResult, index: int) -> tuple[str, ...]:
    """One parameter as strings, in the order of `COLUMNS`."""
    name, error = result.parameter_names[index], float(result.errors[index])
    pull = float(result.pulls[index])
    return (
        name,
        f"{result.values[index]:.6g}",
        _uncertainty(error, fixed=result.fixed[index]),
        f"{pull:+.3f}" if isfinite(pull) else "",
        _note(result, index),
    )


def fit_text(result: FitResult) -> str:
    """Headline, the most interesting parameters, and what is odd."""
    lines = _parameters(result).text(rest="see .to_frame()")
    return "\n".join([headline(result), *lines, *remarks(result)])


def fit_html(result: FitResult) -> str:
    """All parameters, the most interesting ones in front, and correlations, for notebooks."""
    return block(
        paragraph(headline(result)),
        _parameters(result).html(),
        *map(paragraph, remarks(result)),
        _correlations(result),
    )


def _parameters(result: FitResult) -> Table:
    return Table(COLUMNS, "lrrrl", [row_of(result, index) for index in ranked(result)])


def _correlations(result: FitResult) -> str:
    """Folded correlations of the most interesting parameters; empty where there are none."""
    if callable(result.covariance_source) and len(result.parameter_names) > _CHEAP:
        return ""
    matrix = result.correlation
    if matrix is None:
        return ""
    free = [i for i in ranked(result) if isfinite(matrix[i, i])][:_CORRELATED]
    if len(free) < 2:
        return ""
    numbers = [str(k) for k in range(1, len(free) + 1)]
    rows = [
        (number, result.parameter_names[i], *(f"{matrix[i, j]:+.2f}" for j in free))
        for number, i in zip(numbers, free, strict=True)
    ]
    columns = ("", "parameter", *numbers)
    return folded("correlations", Table(columns, "rl" + "r" * len(free), rows).html())


def _uncertainty(error: float, *, fixed: bool) -> str:
    if fixed:
        return "fixed"
    if isinf(error):
        return "infinite"
    return "unknown" if isnan(error) else f"{error:.4g}"


def _note(result: FitResult, index: int) -> str:
    name = result.parameter_names[index]
    notes = [
        "at the kink" if side == "kink" else f"at the {side} bound"
        for held, side in result.at_bound
        if held == name
    ]
    if name in result.unidentified:
        notes.append("not determined by the data")
    return ", ".join(notes)


def remarks(result: FitResult) -> list[str]:
    """What is odd about a fit, in sentences."""
    bins = [
        f"the expectation is not positive in channel {channel!r}, bin {index}"
        for channel, index in result.non_positive
    ]
    return [*bins, *(f"warning: {warning}" for warning in result.warnings)]
