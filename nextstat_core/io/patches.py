"""JSON patches (RFC 6902), single or named in a patchset, applied to workspaces."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextstat_core.errors import FormatError, InputError
from nextstat_core.io.files import read_text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Patch", "Patchset", "apply_operations", "apply_patch", "read_patchset"]


@dataclass(frozen=True, slots=True)
class Patch:
    """One patch of a patchset: its operations, and where it lies in the space of the labels."""

    name: str
    values: tuple[float | str, ...]
    operations: list[Any]


@dataclass(frozen=True, slots=True)
class Patchset:
    """Patches that turn one workspace into many, as published on HEPData.

    Attributes
    ----------
    labels : tuple of str
        Names of the coordinates in `Patch.values`, masses for example.
    patches : tuple of Patch
    content : mapping
        The document.
    """

    labels: tuple[str, ...]
    patches: tuple[Patch, ...]
    content: Mapping[str, Any]

    def verify(self, document: Any, name: str = "the patchset") -> None:
        """Refuse a workspace whose digest is not the one that the patchset names."""
        _verify(self.content, document, name)


def apply_patch(document: Any, reference: str) -> Any:
    """Apply one patch to a decoded workspace.

    Parameters
    ----------
    reference : str
        ``FILE`` or ``FILE:NAME``: a JSON patch, or a patchset and the name of one of its patches.

    Raises
    ------
    InputError, FormatError
        If there is no such patch, or it does not fit the workspace.
    """
    path, name = _split(reference)
    content = _json(path)
    operations = content
    if not isinstance(content, list):
        operations = _named(content, name, path)
        _verify(content, document, path)
    elif name is not None:
        raise InputError(f"{path!r} is a single patch, not a patchset; found the name {name!r}")
    return apply_operations(document, operations, repr(reference))


def apply_operations(document: Any, operations: Any, name: str) -> Any:
    """Apply decoded operations of RFC 6902 to a copy of a document; `name` is for messages.

    Raises
    ------
    InputError
        If they do not fit.
    """
    import jsonpatch

    try:
        return jsonpatch.apply_patch(document, operations)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError) as error:
        message = f"the patch {name} cannot be applied: {error}"
        raise InputError(message, hint="is it a patch for this workspace?") from error


def read_patchset(source: Any) -> Patchset:
    """A patchset from a path, or decoded.

    Raises
    ------
    FormatError
        If it is none.
    """
    name = "the patchset" if hasattr(source, "keys") else repr(str(source))
    content = source if hasattr(source, "keys") else _json(str(source))
    try:
        labels = tuple(content["metadata"]["labels"])
        patches = tuple(
            Patch(entry["metadata"]["name"], tuple(entry["metadata"]["values"]), entry["patch"])
            for entry in content["patches"]
        )
    except (KeyError, TypeError) as error:
        raise FormatError(f"{name} is no patchset: {error!r}") from error
    for patch in patches:
        if len(patch.values) != len(labels):
            raise FormatError(
                f"{name}, patch {patch.name!r}: {len(patch.values)} values for the "
                f"{len(labels)} labels {', '.join(map(repr, labels))}"
            )
    return Patchset(labels, patches, content)


def _split(reference: str) -> tuple[str, str | None]:
    # A colon may belong to the path: C:\patch.json.
    path, colon, name = reference.rpartition(":")
    if colon and not Path(reference).exists() and Path(path).exists():
        return path, name
    return reference, None


def _json(path: str) -> Any:
    try:
        return json.loads(read_text(path))
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise FormatError(f"the patch {path!r} is no JSON: {error}") from error


def _named(content: Any, name: str | None, path: str) -> Any:
    try:
        patches = {entry["metadata"]["name"]: entry["patch"] for entry in content["patches"]}
    except (KeyError, TypeError) as error:
        message = f"{path!r} is neither a JSON patch nor a patchset: {error!r}"
        raise FormatError(message) from error
    if name is None and len(patches) == 1:
        return next(iter(patches.values()))
    if name not in patches:
        if name is None:
            some = ", ".join(map(repr, list(patches)[:12]))
            message = f"{path!r} holds {len(patches)} patches: {some}"
            raise InputError(message, hint=f"choose one: --patch {path}:NAME")
        raise InputError.unknown(f"patch of {path!r}", name, list(patches))
    return patches[name]


def _verify(patchset: Mapping[str, Any], document: Any, path: str) -> None:
    """Refuse a patchset that names the digest of another workspace."""
    text = json.dumps(document, sort_keys=True, ensure_ascii=False).encode()
    try:
        expected = patchset["metadata"].get("digests", {})
        found = {name: hashlib.new(name, text).hexdigest() for name in expected}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise FormatError(f"the digests of the patchset {path!r} are unusable: {error}") from error
    for algorithm, digest in found.items():
        if digest != expected[algorithm]:
            raise InputError(
                f"the patchset {path!r} is for another workspace: its {algorithm} digest is "
                f"{expected[algorithm]}; this workspace has {digest}"
            )
