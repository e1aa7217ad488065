"""The outline of an HS3 document in the shape of a pyhf workspace, to count what it holds."""

from collections.abc import Mapping
from typing import Any

from nextstat_core.io.hs3.dialects import in_todays_layout

__all__ = ["outline"]


def outline(document: Mapping[str, Any]) -> dict[str, Any]:
    """Channels, samples, modifiers and analyses, without a check of anything.

    A parameter that ``default_values`` call constant is a fixed one of every analysis.
    """
    today = in_todays_layout(document)
    constants = [
        {"name": entry.get("name"), "fixed": True}
        for point in _objects(today.get("parameter_points"))
        if point.get("name") == "default_values"
        for entry in _objects(point.get("parameters"))
        if entry.get("const") is True
    ]
    return {
        "channels": [
            {
                "name": entry.get("name"),
                "samples": [*map(_sample, _objects(entry.get("samples")))],
            }
            for entry in _objects(today.get("distributions"))
            if entry.get("type") == "histfactory_dist"
        ],
        "measurements": [
            {
                "name": entry.get("name"),
                "config": {"poi": _first(entry), "parameters": constants},
            }
            for entry in _objects(today.get("analyses"))
        ],
    }


def _sample(entry: Mapping[str, Any]) -> dict[str, Any]:
    data = entry.get("data")
    return {
        "name": entry.get("name"),
        "data": data.get("contents") if isinstance(data, Mapping) else None,
        "modifiers": [
            {"name": modifier.get("name", modifier.get("parameter")), "type": modifier.get("type")}
            for modifier in _objects(entry.get("modifiers"))
        ],
    }


def _first(entry: Mapping[str, Any]) -> Any:
    pois = entry.get("parameters_of_interest")
    return pois[0] if isinstance(pois, list) and pois else None


def _objects(entries: Any) -> list[Mapping[str, Any]]:
    if not isinstance(entries, list | tuple):
        return []
    return [entry for entry in entries if isinstance(entry, Mapping)]
