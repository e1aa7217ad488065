"""Tables as data: columns of numbers with uncertainties, before anything is rounded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from nextstat_core.errors import InputError

__all__ = ["Column", "DataTable", "Uncertainty", "Value"]

#: One cell: a number, a text, or nothing where there is none.
Value: TypeAlias = float | int | str | None


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """Uncertainties of a column, downwards and upwards, one per row; both are distances.

    Entries that are equal are one symmetric uncertainty; None stands for none.

    Attributes
    ----------
    minus, plus : tuple of float or None
    label : str
        What they are: ``1 sigma``.
    """

    minus: tuple[float | None, ...]
    plus: tuple[float | None, ...]
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column.

    Attributes
    ----------
    name : str
    values : tuple of float, str or None
    units : str
    uncertainties : tuple of Uncertainty
    independent : bool
        Whether it says where the others were measured: names of bins, masses.
    qualifiers : tuple of (name, value)
        What holds for the whole column.
    decimals : int, optional
        Digits behind the point for people, where no uncertainty decides.
    """

    name: str
    values: tuple[Value, ...]
    units: str = ""
    uncertainties: tuple[Uncertainty, ...] = ()
    independent: bool = False
    qualifiers: tuple[tuple[str, str | float], ...] = ()
    decimals: int | None = None

    @property
    def title(self) -> str:
        """Name and unit."""
        return f"{self.name} [{self.units}]" if self.units else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class DataTable:
    """Columns of equal length, independent ones first.

    Attributes
    ----------
    name, description : str
        A short title, and a sentence.
    columns : tuple of Column
    keywords : tuple of (name, values)
        For HEPData: ``cmenergies``, ``observables``, ``reactions`` and ``phrases``.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    keywords: tuple[tuple[str, tuple[str | float, ...]], ...] = ()

    def __post_init__(self) -> None:
        if not self.columns:
            raise InputError(f"table {self.name!r} has no column; expected at least one")
        rows = self.n_rows
        for column in self.columns:
            sides = [side for each in column.uncertainties for side in (each.minus, each.plus)]
            for entries in (column.values, *sides):
                if len(entries) != rows:
                    what = f"column {column.name!r} of table {self.name!r}"
                    raise InputError.length(what, expected=rows, found=len(entries))

    @property
    def n_rows(self) -> int:
        return len(self.columns[0].values)
