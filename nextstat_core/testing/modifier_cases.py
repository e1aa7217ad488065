"""Workspaces around one modifier, and data that no modifier can mean."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["sizes", "workspace_with", "wrong_data"]


def workspace_with(modifier: tuple[str, str, Any] | None) -> dict[str, Any]:
    """Two channels with three samples; the modifier (name, kind, data) acts on the second one."""
    extra = [] if modifier is None else [dict(zip(("name", "type", "data"), modifier, strict=True))]
    size = {"name": "size", "type": "normsys", "data": {"hi": 1.1, "lo": 0.93}}
    poi = {"name": "mu", "type": "normfactor", "data": None}

    def channel(name: str, signal: list[float], main: list[float]) -> dict[str, Any]:
        samples = [
            {"name": "signal", "data": signal, "modifiers": [poi]},
            {"name": "acted_on", "data": main, "modifiers": extra},
            {"name": "other", "data": [9.0, 4.0, 7.0], "modifiers": [size]},
        ]
        return {"name": name, "samples": samples}

    return {
        "channels": [
            channel("one", [5.0, 8.0, 6.0], [40.0, 30.0, 20.0]),
            channel("two", [2.0, 1.0, 2.0], [30.0, 50.0, 25.0]),
        ],
        "observations": [
            {"name": "one", "data": [60.0, 41.0, 36.0]},
            {"name": "two", "data": [39.0, 58.0, 36.0]},
        ],
        "measurements": [{"name": "contract", "config": {"poi": "mu", "parameters": []}}],
        "version": "1.0.0",
    }


def wrong_data(data: Any, for_other_bins: Any) -> Iterator[tuple[str, Any]]:
    """Data that cannot be meant, each with what is wrong about them."""
    if data is None:
        return
    yield "null", None
    if not isinstance(data, str):
        yield "a text", "nonsense"
    if not isinstance(data, list):
        yield "a list of texts", ["nonsense"]
    spoilt = json.loads(json.dumps(data))
    if _spoil_first_number(spoilt):
        yield "a text for a number", spoilt
    if isinstance(data, dict):
        yield "an unknown key", {**data, "an_unknown_key": "nonsense"}
    if for_other_bins != data and sizes(for_other_bins) != sizes(data):
        yield "data for another number of bins", for_other_bins


def _spoil_first_number(data: Any) -> bool:
    """Put a text where the first number stands; whether there was one."""
    entries: Any = []
    if isinstance(data, dict):
        entries = list(data.items())
    elif isinstance(data, list):
        entries = list(enumerate(data))
    for key, value in entries:
        if isinstance(value, float | int) and not isinstance(value, bool):
            data[key] = "nonsense"
            return True
        if _spoil_first_number(value):
            return True
    return False


def sizes(data: Any) -> Any:
    """Lengths of all lists in `data`."""
    if isinstance(data, dict):
        return {key: sizes(value) for key, value in data.items()}
    return (len(data), *map(sizes, data)) if isinstance(data, list) else None
