"""Fit results as tables for people: text and HTML."""

from __future__ import annotations

from html import escape
from math import isfinite, isinf, isnan
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nextstat_core.results.fit import FitResult

__all__ = ["COLUMNS", "headline", "html_table", "ranked", "remarks", "row_of", "text_table"]

COLUMNS = ("parameter", "value", "uncertainty", "pull", "note")
_MAX_ROWS = 15


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


def text_table(result: FitResult) -> str:
    """Headline, the most interesting parameters, and what is odd."""
    order = ranked(result)
    rows = [COLUMNS, *(row_of(result, index) for index in order[:_MAX_ROWS])]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [headline(result), *(_line(row, widths) for row in rows)]
    if len(order) > _MAX_ROWS:
        lines.append(f"  ... and {len(order) - _MAX_ROWS} more: see .to_frame()")
    return "\n".join([*lines, *remarks(result)])


def html_table(result: FitResult) -> str:
    """Table of `text_table` as HTML, for notebooks."""
    order = ranked(result)[:_MAX_ROWS]
    head = "".join(f"<th>{column}</th>" for column in COLUMNS)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row_of(result, index)) + "</tr>"
        for index in order
    )
    more = len(result.parameter_names) - len(order)
    below = [*([f"... and {more} more"] if more else []), *remarks(result)]
    tail = "".join(f"<p>{escape(remark)}</p>" for remark in below)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f"<p>{escape(headline(result))}</p>{table}{tail}"


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    name, *numbers, note = (
        cell.ljust(width) if position in {0, len(row) - 1} else cell.rjust(width)
        for position, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join(["", name, *numbers, note]).rstrip()


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
