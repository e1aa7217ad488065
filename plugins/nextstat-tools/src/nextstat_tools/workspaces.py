"""Workspaces of earlier calls, and the three ways to name one."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from nextstat_core.errors import InputError
from nextstat_tools.paths import allowed_path, read_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["WorkspaceStore", "takes_workspace", "with_references"]

_NAMES: Final = ("workspace_json", "workspace_path", "workspace_id")
_PATH: dict[str, Any] = {
    "type": "string",
    "description": "Path of the workspace, plain or gzipped, in an allowed directory.",
}
_ID: dict[str, Any] = {
    "type": "string",
    "description": "The meta.workspace_id of an earlier call with the same workspace.",
}


def with_references(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Schema in which a workspace may also be named by path or id, and nothing is unknown."""
    changed = {"additionalProperties": False, **schema}
    if takes_workspace(schema):
        properties = dict(schema["properties"])
        # Interfaces of models refuse `oneOf` at the top: `WorkspaceStore.resolve` checks instead.
        references = {"workspace_path": _PATH, "workspace_id": _ID}
        first = {"workspace_json": properties.pop("workspace_json"), **references}
        changed["properties"] = {**first, **properties}
        required = [name for name in schema.get("required", ()) if name != "workspace_json"]
        changed["required"] = required
    return changed


def takes_workspace(schema: Mapping[str, Any]) -> bool:
    """Whether a tool with this schema takes a workspace."""
    properties = schema.get("properties")
    return isinstance(properties, Mapping) and "workspace_json" in properties


class WorkspaceStore:
    """Texts of workspaces by their digests; the oldest leave when it is full.

    Parameters
    ----------
    most : int
        Number of workspaces.
    largest : int
        Characters of all of them together.
    """

    def __init__(self, most: int = 32, largest: int = 256 * 2**20) -> None:
        self._most, self._largest = most, largest
        self._texts: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def resolve(
        self, arguments: Mapping[str, Any], folders: Sequence[Path]
    ) -> tuple[dict[str, Any], str]:
        """Put the text of the workspace in the place of whatever names it.

        Returns
        -------
        arguments : dict
            With ``workspace_json`` and without the other two.
        workspace_id : str
            By which later calls may name it.

        Raises
        ------
        InputError
            If not exactly one of the three is given, or it cannot be used.
        """
        rest = {key: value for key, value in arguments.items() if key not in _NAMES}
        given = {name: arguments[name] for name in _NAMES if name in arguments}
        if len(given) != 1:
            found = " and ".join(map(repr, given)) or "none of them"
            listed = ", ".join(map(repr, _NAMES))
            raise InputError(f"give the workspace in exactly one of {listed}; found {found}")
        ((name, value),) = given.items()
        if name == "workspace_id":
            return {"workspace_json": self._known(value), **rest}, value
        text = value if name == "workspace_json" else read_file(allowed_path(value, folders))
        return {"workspace_json": text, **rest}, self._keep(text)

    def _known(self, key: str) -> str:
        with self._lock:
            if key not in self._texts:
                raise InputError(
                    f"there is no workspace with the id {key!r}; the last {self._most} are kept",
                    hint="give workspace_path or workspace_json again",
                )
            self._texts.move_to_end(key)
            return self._texts[key]

    def _keep(self, text: str) -> str:
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass"))
        key = f"ws-{digest.hexdigest()[:24]}"
        with self._lock:
            self._texts[key] = text
            self._texts.move_to_end(key)
            while len(self._texts) > 1 and (
                len(self._texts) > self._most or self._size() > self._largest
            ):
                self._texts.popitem(last=False)
        return key

    def _size(self) -> int:
        return sum(map(len, self._texts.values()))
