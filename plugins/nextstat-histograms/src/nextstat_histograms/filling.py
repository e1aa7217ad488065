"""Events to histograms, one pass over each file."""

from __future__ import annotations

from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.errors import InputError
from nextstat_histograms.conversion import as_histogram
from nextstat_histograms.expressions import Expression, check_expression
from nextstat_histograms.parquet import read_parquet
from nextstat_histograms.trees import read_tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from nextstat_histograms.conversion import Flow
    from nextstat_histograms.histogram import Histogram

__all__ = ["Fill", "Filled", "fill"]

#: Events that are in memory at once.
_BATCH = 100_000
_PARQUET = (".parquet", ".pq")


@dataclass(frozen=True, slots=True)
class Fill:
    """What is filled into one histogram.

    Attributes
    ----------
    variable : str
        Expression of columns.
    edges : tuple of float
    selection : str or None
        Expression; events where it is not 0 are taken. None takes all.
    weight : str, float or None
        Expression or number; None counts events.
    flow : {"exclude", "include", "refuse"}
        What becomes of events outside of the edges.
    """

    variable: str
    edges: tuple[float, ...]
    selection: str | None = None
    weight: str | float | None = None
    flow: Flow = "exclude"


@dataclass(frozen=True, slots=True)
class Filled:
    """One histogram, and what went into it.

    Attributes
    ----------
    histogram : Histogram
    n_events, n_selected : int
        Events that were read, and those that passed the selection.
    underflow, overflow : float
        Sums of weights of selected events below the first edge, and at or above the last.
    """

    histogram: Histogram
    n_events: int
    n_selected: int
    underflow: float
    overflow: float


def fill(
    paths: Sequence[str | Path], tree: str | None, fills: Sequence[Fill], *, n_rows: int = _BATCH
) -> list[Filled]:
    """Fill histograms from the events of all files, read once.

    Parameters
    ----------
    paths : sequence of path
        Files, ``*.parquet`` or ROOT; names may have wildcards.
    tree : str or None
        Name of the tree in ROOT files; None for Parquet.
    fills : sequence of Fill
    n_rows : int
        Largest number of events in memory.

    Returns
    -------
    list of Filled
        In the order of `fills`.

    Raises
    ------
    InputError
        If files or columns are missing, an expression is refused, or a selected event has a
        variable or weight that is not finite.
    FormatError
        If a file is damaged.
    """
    tasks = [_Task(each) for each in fills]
    expressions = list({each.text: each for task in tasks for each in task.expressions}.values())
    # Logarithms of events that no selection takes may be undefined; the others are checked.
    with np.errstate(all="ignore"):
        for path in _files(paths):
            read = read_parquet if path.suffix in _PARQUET else read_tree
            for batch in read(path, tree, expressions, n_rows):
                for task in tasks:
                    task.take(path, batch)
    return [task.result() for task in tasks]


def _files(paths: Sequence[str | Path]) -> Iterator[Path]:
    for path in paths:
        if not set("*?[") & set(str(path)):
            yield Path(path)
            continue
        found = sorted(glob(str(path)))  # noqa: PTH207  absolute patterns, too
        if not found:
            raise InputError(f"no file matches {str(path)!r}")
        yield from map(Path, found)


class _Task:
    """A histogram that is being filled."""

    def __init__(self, wanted: Fill) -> None:
        import boost_histogram as bh

        self.wanted = wanted
        self.variable = _of_columns("a variable", wanted.variable)
        self.selection = (
            None if wanted.selection is None else _of_columns("a selection", wanted.selection)
        )
        self.weight = _weight(wanted.weight)
        as_histogram((np.zeros(len(wanted.edges) - 1), wanted.edges))  # checks the edges
        self.histogram = bh.Histogram(bh.axis.Variable(wanted.edges), storage=bh.storage.Weight())
        self.n_events = 0
        self.n_selected = 0

    @property
    def expressions(self) -> list[Expression]:
        found = (self.variable, self.selection, self.weight)
        return [each for each in found if isinstance(each, Expression)]

    def take(self, path: Path, batch: Mapping[str, NDArray[Any]]) -> None:
        values = _numbers(path, self.variable.text, batch)
        self.n_events += values.size
        chosen: Any = slice(None)
        if self.selection is not None:
            chosen = _numbers(path, self.selection.text, batch) != 0
        values = values[chosen]
        self.n_selected += values.size
        _refuse_not_a_number(path, self.variable.text, np.isnan(values))
        self.histogram.fill(values, weight=self._weights(path, batch, chosen, values.size))

    def _weights(
        self, path: Path, batch: Mapping[str, Any], chosen: Any, size: int
    ) -> NDArray[Any]:
        if not isinstance(self.weight, Expression):
            return np.full(size, self.weight)
        weights = _numbers(path, self.weight.text, batch)[chosen]
        _refuse_not_a_number(path, self.weight.text, ~np.isfinite(weights))
        return weights

    def result(self) -> Filled:
        outside = self.histogram.values(flow=True)[[0, -1]]
        return Filled(
            histogram=as_histogram(self.histogram, flow=self.wanted.flow),
            n_events=self.n_events,
            n_selected=self.n_selected,
            underflow=float(outside[0]),
            overflow=float(outside[1]),
        )


def _of_columns(what: str, text: str) -> Expression:
    expression = check_expression(text)
    if not expression.columns:
        raise InputError(f"{what} must depend on a column; found {text!r}")
    return expression


def _weight(weight: str | float | None) -> Expression | float:
    if weight is None:
        return 1.0
    try:
        number = float(weight)
    except ValueError:
        expression = check_expression(str(weight))
        if expression.columns:
            return expression
        raise InputError(f"a weight without columns is one number; found {weight!r}") from None
    if not np.isfinite(number):
        raise InputError(f"the weight is {weight!r}; expected a finite number")
    return number


def _numbers(path: Path, text: str, batch: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    values = batch[text]
    if values.ndim != 1 or values.dtype.kind not in "biuf":
        raise InputError(f"{text!r} of {str(path)!r} is {values.dtype}; expected real numbers")
    return values


def _refuse_not_a_number(path: Path, text: str, mask: NDArray[np.bool_]) -> None:
    if mask.any():
        raise InputError(
            f"{text!r} of {str(path)!r} is not a number for {int(mask.sum())} selected events",
            hint="select events for which it is defined",
        )
