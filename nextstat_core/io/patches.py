"""JSON patches (RFC 6902): lists of operations that turn one document into another."""

from __future__ import annotations

import copy
from typing import Any

from nextstat_core.errors import InputError
from nextstat_core.io.decode import describe

__all__ = ["apply_operations", "problem_of_operations"]

#: What each operation needs besides ``op`` and ``path``.
_NEEDS = {
    "add": "value",
    "copy": "from",
    "move": "from",
    "remove": None,
    "replace": "value",
    "test": "value",
}
_HINT = "is it a patch for this workspace?"


def apply_operations(document: Any, operations: Any, name: str) -> Any:
    """Apply decoded operations to a copy of a document; `name` is for messages.

    Raises
    ------
    InputError
        If they are no JSON patch, or do not fit the document.
    """
    import jsonpatch

    problem = problem_of_operations(operations)
    if problem:
        raise InputError(f"the patch {name} cannot be applied: {problem}")
    try:
        # What a patch adds becomes part of the document, and later operations change it there.
        return jsonpatch.apply_patch(document, copy.deepcopy(operations))
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        raise InputError(f"the patch {name} cannot be applied: {error}", hint=_HINT) from error
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        # A pointer through a number or a string, which jsonpatch does not expect.
        reason = f"{type(error).__name__}: {error}"
        raise InputError(f"the patch {name} cannot be applied: {reason}", hint=_HINT) from error
    except RecursionError as error:
        raise InputError(f"the patch {name} cannot be applied: nested too deeply") from error


def problem_of_operations(operations: Any) -> str:
    """What keeps a decoded document from being a JSON patch; empty if nothing does."""
    if not isinstance(operations, list):
        return f"found {describe(operations)}; expected a list of operations"
    for index, operation in enumerate(operations):
        problem = _problem_of(operation)
        if problem:
            return f"operation {index}: {problem}"
    return ""


def _problem_of(operation: Any) -> str:
    if not isinstance(operation, dict):
        return f"found {describe(operation)}; expected an object with `op` and `path`"
    kind = operation.get("op")
    if not isinstance(kind, str) or kind not in _NEEDS:
        return f"`op` is {describe(kind)}; expected {', '.join(_NEEDS)}"
    needed = _NEEDS[kind]
    if needed is not None and needed not in operation:
        return f"the key {needed!r} is missing, which {kind!r} needs"
    for key in ("path", "from") if needed == "from" else ("path",):
        if not isinstance(operation.get(key), str):
            return f"`{key}` is {describe(operation.get(key))}; expected a JSON pointer"
    return ""
