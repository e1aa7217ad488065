"""The hooks; this module is what the entry point names, so it imports nothing expensive."""

from __future__ import annotations

from typing import Any

from nextstat_core.hooks import AnalysisSpec, hookimpl

__all__ = ["nextstat_register_analyses"]


def _tables(result: Any, *, format: str = "text") -> str:  # noqa: A002  what users call it
    """All tables of a result in one text, with their titles."""
    from nextstat_tables.rendering import render
    from nextstat_tables.results import tables_of

    return "\n".join(render(table, format) for table in tables_of(result))


@hookimpl
def nextstat_register_analyses() -> list[AnalysisSpec]:
    """The analysis ``tables``: a result and a format to text."""
    return [AnalysisSpec("tables", _tables, "Results as text, Markdown, LaTeX or CSV")]
