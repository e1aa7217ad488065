"""A decoded workspace as typed data, whole or, where the schema refuses it, in parts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from nextstat_core.errors import Problem
from nextstat_core.io.document import workspace_type
from nextstat_core.io.schema import explain
from nextstat_core.ir import ModifierType

__all__ = ["Structure", "read_structure"]


@dataclass(frozen=True, slots=True)
class Structure:
    """Typed workspace, and what the schema refuses in it.

    Attributes
    ----------
    workspace : Workspace
        All of the document, or what is readable of it.
    problems : tuple of Problem
        Deviations from the schema.
    unreadable : frozenset of str
        Names of modifiers and parameter settings that were left out.
    incomplete : frozenset of str
        Sections of which more than that was left out.
    """

    workspace: Any
    problems: tuple[Problem, ...] = ()
    unreadable: frozenset[str] = frozenset()
    incomplete: frozenset[str] = frozenset()


def read_structure(document: Mapping[str, Any], types: Mapping[str, ModifierType]) -> Structure:
    """Check `document` against the schema and take what can be read.

    Parameters
    ----------
    document : mapping
        Decoded workspace.
    types : mapping of str to ModifierType
        Kinds of modifiers that are known besides pyhf's.
    """
    target = workspace_type(frozenset(types))
    try:
        workspace = msgspec.convert(document, target)
    except msgspec.ValidationError as error:
        return _explained(document, types, str(error))
    if workspace.channels and workspace.observations and workspace.measurements:
        return Structure(workspace)
    return _explained(document, types, "a section is empty")


def _explained(
    document: Mapping[str, Any], types: Mapping[str, ModifierType], reason: str
) -> Structure:
    found = explain(document, types)
    return Structure(
        workspace=msgspec.convert(found.document, workspace_type(frozenset(types))),
        problems=tuple(found.problems) or (Problem("", reason),),
        unreadable=frozenset(found.unreadable),
        incomplete=frozenset(found.incomplete),
    )
