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


def read_yaml(text: str | bytes) -> Any:
    """Decode YAML, of which JSON is a part.

    Raises
    ------
    FormatError
        Says where, where the decoder knows.
    """
    try:
        loader = _Loader(text)
        try:
            document = loader.get_single_data()
        finally:
            loader.dispose()
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


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, with limits."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self.n_entries = 0
        self.depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.n_entries += 1
        self.depth += 1
        if self.n_entries > _MOST_ENTRIES:
            raise yaml.YAMLError(f"more than {_MOST_ENTRIES} entries")
        if self.depth > _DEEPEST:
            raise yaml.YAMLError(f"nested more than {_DEEPEST} levels deep")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001, FBT002
        """Refuse keys that occur twice."""
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
