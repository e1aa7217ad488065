"""The formats that the core reads and writes itself, as plugins register theirs."""

import json
from typing import Any

from nextstat_core.hooks import ReaderSpec, WriterSpec, get_manager
from nextstat_core.io.hs3 import read_hs3, write_hs3
from nextstat_core.io.pyhf_json import read_pyhf
from nextstat_core.io.write_pyhf import write_pyhf
from nextstat_core.ir import Model

__all__ = ["own_readers", "own_writers"]

_POI = "name of the parameter of interest, or none (as declared)"


def own_readers() -> tuple[ReaderSpec, ...]:
    """Formats of single JSON documents that need no plugin."""
    return (
        ReaderSpec(
            "pyhf",
            lambda text: _has_keys(text, "channels"),
            _read_pyhf,
            "workspaces in pyhf's JSON format",
            options={
                "measurement": "name of the measurement (the first)",
                "poi": _POI,
            },
        ),
        ReaderSpec(
            "hs3",
            lambda text: _has_keys(text, "distributions"),
            _read_hs3,
            "documents of the HEP Statistics Serialization Standard",
            options={
                "analysis": "name of the analysis (the first)",
                "param_points": "name of the parameter point with start values (default_values)",
                "poi": _POI,
                "shapesys": "relative, absolute or counts: what a shapesys has (by version)",
                "on_unknown": "error or skip (error)",
            },
        ),
    )


def own_writers() -> tuple[WriterSpec, ...]:
    """Formats of single JSON documents that need no plugin."""
    return (
        WriterSpec(
            "pyhf",
            lambda model, **options: write_pyhf(model, indent=2, **options),
            "workspaces in pyhf's JSON format",
        ),
        WriterSpec(
            "hs3",
            lambda model, **options: write_hs3(model, indent=2, **options),
            "documents of the HEP Statistics Serialization Standard",
            options={"version": "version of the standard (0.2)"},
        ),
    )


def _read_pyhf(text: str | bytes, **options: Any) -> Model:
    return read_pyhf(text, modifier_types=get_manager().modifiers, **_with_poi(options))


def _read_hs3(text: str | bytes, **options: Any) -> Model:
    return read_hs3(text, **_with_poi(options))


def _with_poi(options: dict[str, Any]) -> dict[str, Any]:
    """Options as text, with None for the parameter of interest called none."""
    absent = str(options.get("poi", "")).lower() == "none"
    return {**options, "poi": None} if absent else options


def _has_keys(text: str, *keys: str) -> bool:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and set(keys) <= document.keys()
