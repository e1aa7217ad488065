"""Modifiers as columns: one row per modifier of a sample, checked all at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from nextstat_arrow.column_readers import read_columns
from nextstat_arrow.columns import Column, Lists, Names
from nextstat_arrow.modifier_checks import check_modifiers
from nextstat_arrow.sources import as_table
from nextstat_core.errors import ModelError
from nextstat_core.ir.place import at_modifier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from nextstat_arrow.columns import NameLists

__all__ = ["MODIFIER_COLUMNS", "ModifierTable", "ModifiersTableStats", "validate_modifiers_table"]

#: What a table of modifiers has. `interpolation` is the code of a normsys or histosys, and
#: `parameters` names the parameters where they are not called like the modifier.
MODIFIER_COLUMNS = (
    Column("channel", "utf8"),
    Column("sample", "utf8"),
    Column("modifier_name", "utf8"),
    Column("modifier_type", "utf8"),
    Column("data_hi", "list<float64>", required=False),
    Column("data_lo", "list<float64>", required=False),
    Column("data", "list<float64>", required=False),
    Column("interpolation", "utf8", required=False),
    Column("parameters", "list<utf8>", required=False),
)

_LISTS = ("data_hi", "data_lo", "data")
_WHERE = "table of modifiers"


@dataclass(frozen=True, slots=True)
class ModifiersTableStats:
    """What a table of modifiers holds.

    Attributes
    ----------
    n_rows : int
        Number of modifiers.
    """

    n_rows: int


@dataclass(frozen=True, slots=True, eq=False)
class ModifierTable:
    """Modifiers as columns of equal length; `check_fit` says whether they fit the histograms.

    Attributes
    ----------
    channels, samples, names, kinds : Names
        Of each row; no combination occurs twice.
    lists : mapping of str to Lists
        ``data_hi``, ``data_lo`` and ``data``, those that the table has.
    codes : Names or None
        Interpolation codes.
    parameters : tuple of (tuple of str or None), or None
        Names of the parameters of each row; None for the usual ones.
    others : tuple of str
        Columns that the table has besides; they are not read.
    """

    channels: Names
    samples: Names
    names: Names
    kinds: Names
    lists: Mapping[str, Lists]
    codes: Names | None = None
    parameters: NameLists | None = None
    others: tuple[str, ...] = ()

    @classmethod
    def from_arrow(cls, source: Any, *, others: tuple[str, ...] = ()) -> ModifierTable:
        """Read a table and check it by itself.

        Parameters
        ----------
        source : object
            As in `nextstat_arrow.sources.as_table`.
        others : tuple of str
            Columns that were left out before.

        Raises
        ------
        InputError
            If `source` is no table.
        FormatError
            If columns are missing or have other types.
        ModelError
            If modifiers are not usable whatever the histograms are; lists the problems.
        """
        table = as_table(source, _WHERE)
        found, unread = read_columns(table, MODIFIER_COLUMNS, _WHERE)
        modifiers = cls(
            channels=cast("Names", found["channel"]),
            samples=cast("Names", found["sample"]),
            names=cast("Names", found["modifier_name"]),
            kinds=cast("Names", found["modifier_type"]),
            lists={key: cast("Lists", found[key]) for key in _LISTS if key in found},
            codes=cast("Names | None", found.get("interpolation")),
            parameters=cast("NameLists | None", found.get("parameters")),
            others=(*others, *unread),
        )
        problems = check_modifiers(modifiers)
        if problems:
            raise ModelError(problems)
        return modifiers

    def __len__(self) -> int:
        return len(self.names.codes)

    def place(self, row: int) -> str:
        """Name a row in words."""
        return at_modifier(self.channels[row], self.samples[row], self.names[row], self.kinds[row])

    def rows_of_kind(self, *kinds: str) -> NDArray[np.intp]:
        """Rows of some kinds, ascending."""
        wanted = [code for code, value in enumerate(self.kinds.values) if value in kinds]
        return np.flatnonzero(np.isin(self.kinds.codes, wanted))


def validate_modifiers_table(table: Any) -> ModifiersTableStats:
    """Check a table of modifiers by itself and count its rows.

    Parameters
    ----------
    table : pyarrow.Table or object
        As in `from_arrow`.

    Raises
    ------
    InputError
        If it is no table.
    FormatError
        If columns are missing or have other types.
    ModelError
        If modifiers are not usable whatever the histograms are; lists the problems.
    """
    return ModifiersTableStats(len(ModifierTable.from_arrow(table)))
