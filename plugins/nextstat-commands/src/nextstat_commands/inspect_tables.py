"""What a workspace holds, as tables for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    _Rows: TypeAlias = list[tuple[str, ...]]

__all__ = ["inspection_lines"]


def inspection_lines(found: Mapping[str, Any]) -> list[str]:
    """Lines of all tables, with blank lines between them."""
    lines: list[str] = []
    for columns, align, rows in _tables(found):
        lines += [*([""] if lines else []), *_table(columns, align, rows)]
    return lines


def _tables(
    found: Mapping[str, Any],
) -> Iterator[tuple[tuple[str, ...], str, _Rows]]:
    counts = found["counts"]
    yield ("", "number"), "lr", [(name, str(count)) for name, count in counts.items()]
    yield (
        ("channel", "bins", "samples"),
        "lrl",
        [(c["name"], str(c["n_bins"]), ", ".join(c["samples"])) for c in found["channels"]],
    )
    yield (
        ("parameters of", "number", "fixed", "constraint", "modifiers"),
        "lrrll",
        [
            (
                entry["name"],
                str(entry["n_parameters"]),
                str(entry["n_fixed"]),
                entry["constraint"],
                ", ".join(entry["modifiers"]),
            )
            for entry in found["parameters"]
        ],
    )
    yield (
        ("measurement", "parameter of interest", "settings for"),
        "lll",
        [
            (
                ("(*) " if entry["chosen"] else "") + entry["name"],
                entry["poi"] or "(none)",
                ", ".join(entry["parameters"]) or "(none)",
            )
            for entry in found["measurements"]
        ],
    )


def _table(columns: tuple[str, ...], align: str, rows: _Rows) -> list[str]:
    from nextstat_core.tables import Table

    return Table(columns, align, rows, shown=len(rows)).text()
