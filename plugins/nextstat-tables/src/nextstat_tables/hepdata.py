"""Tables in the YAML of HEPData.

The format of https://hepdata-submission.readthedocs.io, schema 1.1.1: a file ``submission.yaml``
with one document per table, and a file per table.
"""

from __future__ import annotations

import re
from collections import Counter
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nextstat_tables.data import Column, DataTable, Value

__all__ = ["write_hepdata"]

# What the schema allows for the name of a table.
_LONGEST_NAME = 64


def write_hepdata(
    tables: Sequence[DataTable], folder: str | Path, *, comment: str = ""
) -> list[Path]:
    """Write tables for a submission to HEPData.

    Numbers keep all their digits. A number that does not exist is ``-``, as HEPData writes it.

    Parameters
    ----------
    tables : sequence of DataTable
        With different names of at most 64 characters.
    folder : str or path
        Made if it does not exist; files of the same names are replaced.
    comment : str, optional
        The abstract of the submission.

    Returns
    -------
    list of Path
        ``submission.yaml``, then one file per table.

    Raises
    ------
    InputError
        If there is no table, or names are too long or not unique.
    """
    files = _file_names(tables)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    documents: list[dict[str, Any]] = [{"comment": comment}] if comment else []
    documents += [_entry(table, file) for table, file in zip(tables, files, strict=True)]
    submission = folder / "submission.yaml"
    submission.write_text(
        yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True), encoding="utf-8"
    )
    written = [submission]
    for table, file in zip(tables, files, strict=True):
        path = folder / file
        text = yaml.safe_dump(_data(table), sort_keys=False, allow_unicode=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def _file_names(tables: Sequence[DataTable]) -> list[str]:
    if not tables:
        raise InputError("`tables` is empty; expected at least one table")
    for table in tables:
        if len(table.name) > _LONGEST_NAME:
            raise InputError(
                f"the name {table.name!r} has {len(table.name)} characters; expected at most "
                f"{_LONGEST_NAME}",
                hint="dataclasses.replace(table, name=...)",
            )
    names = [re.sub(r"[^a-z0-9]+", "_", table.name.lower()).strip("_") for table in tables]
    for name, count in Counter(names).items():
        if count > 1:
            raise InputError(f"{count} tables would be written to {name}.yaml; expected one")
    return [f"{name}.yaml" for name in names]


def _entry(table: DataTable, file: str) -> dict[str, Any]:
    return {
        "name": table.name,
        "description": table.description,
        "keywords": [{"name": name, "values": list(values)} for name, values in table.keywords],
        "data_file": file,
    }


def _data(table: DataTable) -> dict[str, Any]:
    return {
        "independent_variables": [
            {"header": _header(each), "values": [{"value": _plain(x)} for x in each.values]}
            for each in table.columns
            if each.independent
        ],
        "dependent_variables": [
            {
                "header": _header(each),
                "qualifiers": [{"name": name, "value": value} for name, value in each.qualifiers],
                "values": [_measured(each, row) for row in range(table.n_rows)],
            }
            for each in table.columns
            if not each.independent
        ],
    }


def _header(column: Column) -> dict[str, str]:
    return {"name": column.name, **({"units": column.units} if column.units else {})}


def _measured(column: Column, row: int) -> dict[str, Any]:
    errors = list(_errors(column, row))
    value = _plain(column.values[row])
    return {"value": value, "errors": errors} if errors else {"value": value}


def _errors(column: Column, row: int) -> Iterator[dict[str, Any]]:
    for each in column.uncertainties:
        minus, plus = each.minus[row], each.plus[row]
        if minus is None and plus is None:
            continue
        label = {"label": each.label} if each.label else {}
        if minus == plus:
            yield {"symerror": _plain(plus), **label}
        else:
            down = "-" if minus is None else _plain(-minus)
            yield {"asymerror": {"minus": down, "plus": _plain(plus)}, **label}


def _plain(value: Value) -> str | float | int:
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    return value if isfinite(value) else str(value)
