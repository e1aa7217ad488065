"""Paths into a JSON document, in the words of its domain."""

from collections.abc import Sequence
from typing import Any, TypeAlias

__all__ = ["Path", "words"]

Path: TypeAlias = tuple[str | int, ...]

_SINGULAR = {
    "analyses": "analysis",
    "channels": "channel",
    "samples": "sample",
    "modifiers": "modifier",
    "observations": "observations of channel",
    "measurements": "measurement",
    "parameters": "parameter",
    "distributions": "distribution",
    "domains": "domain",
    "functions": "function",
    "likelihoods": "likelihood",
    "parameter_points": "parameter point",
    "axes": "axis",
}
_PER_BIN = {"data", "lo_data", "hi_data", "contents", "errors", "vals"}


def words(document: Any, path: Path) -> str:
    """Name the place: ``channel 'SR', sample 'bkg', modifier 'jes' (histosys), hi_data, bin 2``.

    Things without a usable name are counted from 0: ``sample 3``.
    """
    parts: list[str] = []
    node = document
    position = 0
    while position < len(path):
        key = path[position]
        node = _step(node, key)
        index = path[position + 1] if position + 1 < len(path) else None
        if key in _SINGULAR and isinstance(index, int):
            node = _step(node, index)
            parts.append(f"{_SINGULAR[str(key)]} {_name(node, index)}")
            position += 2
        elif key in _PER_BIN and isinstance(index, int):
            node = _step(node, index)
            if isinstance(node, dict):
                parts.append(f"{key} {_name(node, index)}")
            else:
                parts += ([str(key)] if key != "data" else []) + [f"bin {index}"]
            position += 2
        else:
            position += 1
            if isinstance(key, int) and parts:
                parts[-1] += f"[{key}]"
            elif key not in ("config", "data") or position == len(path):
                parts.append(str(key))
    return ", ".join(parts)


def _name(node: Any, index: int) -> str:
    if not isinstance(node, dict) or not isinstance(node.get("name"), str):
        return str(index)
    kind = node.get("type")
    return f"{node['name']!r} ({kind})" if isinstance(kind, str) else repr(node["name"])


def _step(node: Any, key: str | int) -> Any:
    if isinstance(node, dict):
        return node.get(key)
    if isinstance(node, Sequence) and isinstance(key, int) and key < len(node):
        return node[key]
    return None
