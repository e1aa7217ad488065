"""The formats that the core reads and writes itself, as plugins register theirs."""

import json
from typing import Any

from nextstat_core.hooks import ReaderSpec, WriterSpec, get_manager
from nextstat_core.io.pyhf_json import read_pyhf
from nextstat_core.io.write_pyhf import write_pyhf
from nextstat_core.ir import Model

__all__ = ["own_readers", "own_writers"]


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
                "poi": "name of the parameter of interest, or none (as declared)",
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
    )


def _read_pyhf(text: str | bytes, **options: Any) -> Model:
    if str(options.get("poi", "")).lower() == "none":
        options["poi"] = None
    return read_pyhf(text, modifier_types=get_manager().modifiers, **options)


def _has_keys(text: str, *keys: str) -> bool:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and set(keys) <= document.keys()
