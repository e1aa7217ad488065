"""JSON patches (RFC 6902), single or named in a patchset, applied to workspaces."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextstat_core.errors import FormatError, InputError
from nextstat_core.io import read_text

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["apply_patch"]


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
    import jsonpatch

    path, name = _split(reference)
    content = _json(path)
    operations = content
    if not isinstance(content, list):
        operations = _named(content, name, path)
        _verify(content, document, path)
    elif name is not None:
        raise InputError(f"{path!r} is a single patch, not a patchset; found the name {name!r}")
    try:
        return jsonpatch.apply_patch(document, operations)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError) as error:
        message = f"the patch {reference!r} cannot be applied: {error}"
        raise InputError(message, hint="is it a patch for this workspace?") from error


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
