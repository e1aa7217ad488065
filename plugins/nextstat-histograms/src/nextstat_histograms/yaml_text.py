"""YAML to plain values, with its pitfalls closed.

Objects of Python are never made. A repeated key, which YAML's library drops, is refused; so are
references to entries (``*name``) whose expansion would be huge, and those that contain themselves.
"""

from __future__ import annotations

from typing import Any

import yaml

from nextstat_core.errors import FormatError

__all__ = ["read_yaml"]

#: Entries of a description, after references are expanded; a large analysis has some ten thousand.
_MOST_ENTRIES = 100_000
#: Nesting that no description needs.
_DEEPEST = 50
_LONGEST = 2_000_000
#: The loader on top of libyaml, which PyYAML's wheels have, is ten times faster.
_SAFE = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(text: str | bytes) -> Any:
    """Decode YAML, of which JSON is a part.

    Raises
    ------
    FormatError
        Says where, where the decoder knows.
    """
    try:
        _check_size(text)
        document = yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, UnicodeError, RecursionError) as error:
        raise FormatError(f"not usable YAML: {_reason(error)}") from error
    except (ValueError, OverflowError, AttributeError, TypeError, LookupError) as error:
        # Scalars that look like a date or a number and are none, such as 2026-13-01 or `0x_`.
        raise FormatError(f"not usable YAML: a value is not what it looks like: {error}") from error
    _count(document)
    return document


def _reason(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"{error.problem}, in line {mark.line + 1}, column {mark.column + 1}"
    return str(error).splitlines()[0] if str(error) else "nested too deeply"


def _check_size(text: str | bytes) -> None:
    """Refuse what is too large or too deep, before any of it is kept."""
    if len(text) > _LONGEST:
        raise yaml.YAMLError(f"{len(text)} characters; at most {_LONGEST} are read")
    depth = n_entries = 0
    for event in yaml.parse(text, Loader=_SAFE):
        n_entries += isinstance(event, yaml.NodeEvent)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if n_entries > _MOST_ENTRIES:
            raise yaml.YAMLError(f"more than {_MOST_ENTRIES} entries")
        if depth > _DEEPEST:
            raise yaml.YAMLError(f"nested more than {_DEEPEST} levels deep")


class _Loader(_SAFE):  # type: ignore[misc, valid-type]
    """The safe loader, which refuses keys that occur twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001, FBT002
        seen = set()
        for key_node, _ in getattr(node, "value", ()):
            key = key_node.value
            if key_node.tag.endswith(":str") and key in seen:
                problem = f"the key {key!r} occurs more than once"
                raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
            if isinstance(key, str):
                seen.add(key)
        return super().construct_mapping(node, deep=deep)


def _count(document: Any) -> None:
    """Refuse values that are larger than their text, which references can make."""
    left = _MOST_ENTRIES
    stack: list[tuple[Any, int]] = [(document, 0)]
    while stack:
        value, depth = stack.pop()
        left -= 1
        if left < 0 or depth > _DEEPEST:
            raise FormatError("not usable YAML: references make it huge, or contain themselves")
        if isinstance(value, dict):
            stack += [(each, depth + 1) for each in value.values()]
        elif isinstance(value, list):
            stack += [(each, depth + 1) for each in value]
