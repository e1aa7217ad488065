"""Patchsets: named JSON patches that turn one workspace into many, as published on HEPData."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from nextstat_core.errors import FormatError, InputError
from nextstat_core.io.decode import decode, describe, plain
from nextstat_core.io.digest import workspace_digest
from nextstat_core.io.files import read_text
from nextstat_core.io.patches import apply_operations
from nextstat_core.io.patchset_schema import check_patchset

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Patch", "Patchset", "apply_patch", "apply_patchset", "read_patchset"]

_Value: TypeAlias = float | str


@dataclass(frozen=True, slots=True)
class Patch:
    """One patch of a patchset: its operations, and where it lies in the space of the labels."""

    name: str
    values: tuple[_Value, ...]
    operations: list[Any]


@dataclass(frozen=True, slots=True)
class Patchset:
    """Patches that turn one workspace into many.

    Attributes
    ----------
    labels : tuple of str
        Names of the coordinates in `Patch.values`, masses for example.
    patches : tuple of Patch
    digests : mapping of str to str
        Digests of the workspace that the patches are for, by algorithm; empty for any workspace.
    metadata : mapping
        All metadata of the document.
    """

    labels: tuple[str, ...]
    patches: tuple[Patch, ...]
    digests: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def verify(self, document: Any, name: str = "the patchset") -> None:
        """Refuse a workspace whose digests are not those that the patchset names.

        Raises
        ------
        InputError
            If a digest differs; the message has both.
        """
        for algorithm, expected in self.digests.items():
            found = workspace_digest(document, algorithm)
            if found != expected.lower():
                raise InputError(
                    f"{name} is for another workspace: its {algorithm} digest is {expected}; "
                    f"this workspace has {found}",
                    hint="use the workspace that was published with it, unchanged; verify=False "
                    "(`nextstat patchset apply --no-verify`) accepts this one",
                )

    def find(self, name: str | None = None, values: Sequence[_Value] | None = None) -> Patch:
        """Return the patch of a name, or at some values of the labels; without both, the first one.

        Raises
        ------
        InputError
            If there is none, or name and values are of different patches; the hint has the closest.
        """
        if name is None:
            return self.patches[0] if values is None else self._at(values)
        patch = self._named(name)
        if values is not None and self._at(values) != patch:
            other = self._at(values)
            raise InputError(f"the patch at {_shown(other.values)} is {other.name!r}, not {name!r}")
        return patch

    def _named(self, name: str) -> Patch:
        for patch in self.patches:
            if patch.name == name:
                return patch
        names = [patch.name for patch in self.patches]
        raise InputError.unknown("patch of the patchset", name, names)

    def _at(self, values: Sequence[_Value]) -> Patch:
        wanted = tuple(values) if isinstance(values, list | tuple) else (values,)
        if len(wanted) != len(self.labels):
            labels = ", ".join(map(repr, self.labels))
            message = f"{len(wanted)} values for the {len(self.labels)} labels {labels}"
            raise InputError(f"`values`: {message}")
        for patch in self.patches:
            if patch.values == wanted:
                return patch
        labelled = ", ".join(
            f"{label} = {value!r}" for label, value in zip(self.labels, wanted, strict=True)
        )
        raise InputError(f"no patch at {labelled}", hint=self._nearest(wanted))

    def _nearest(self, wanted: tuple[Any, ...]) -> str:
        """The patches whose numbers are closest, among those whose words are the same."""
        near = sorted(
            (_distance(patch.values, wanted), index) for index, patch in enumerate(self.patches)
        )
        shown = [self.patches[index] for distance, index in near[:3] if distance < math.inf]
        listed = "; ".join(f"{_shown(patch.values)}: {patch.name!r}" for patch in shown)
        return f"the nearest are {listed}" if listed else ""


def read_patchset(source: Any) -> Patchset:
    """A patchset from a path, or decoded, or as it is.

    Raises
    ------
    InputError
        If the file cannot be read.
    FormatError
        If it does not follow the schema of patchsets, or has two patches of one name or with the
        same values; lists everything that is wrong.
    """
    if isinstance(source, Patchset):
        return source
    if isinstance(source, Mapping):
        return _patchset(plain(source), "the patchset")
    return _patchset(_json(str(source)), f"the patchset {str(source)!r}")


def apply_patchset(
    document: Any,
    patchset: Any,
    patch_name: str | None = None,
    *,
    values: Sequence[_Value] | None = None,
    verify: bool = True,
) -> dict[str, Any]:
    """Apply one patch of a patchset to a decoded workspace; neither of them is changed.

    Parameters
    ----------
    document : mapping
        Decoded workspace, as it was read: its digest is compared.
    patchset : path, mapping or Patchset
        A patchset, decoded or not.
    patch_name : str, optional
        Name of the patch; the first one if this and `values` are left out.
    values : sequence of float or str, optional
        Where the patch lies, one value per label of the patchset.
    verify : bool
        Whether the digests of the workspace must be those that the patchset names.

    Returns
    -------
    dict
        The workspace with the patch applied.

    Raises
    ------
    InputError
        If there is no such patch, it does not fit, or a digest differs.
    FormatError
        If the patchset does not follow the schema.
    """
    read = read_patchset(patchset)
    if verify:
        read.verify(document)
    patch = read.find(patch_name, values)
    patched = apply_operations(document, patch.operations, repr(patch.name))
    if not isinstance(patched, dict):
        found = describe(patched)
        raise InputError(f"the patch {patch.name!r} leaves {found}; expected a workspace")
    return patched


def apply_patch(document: Any, reference: str) -> Any:
    """Apply one patch to a decoded workspace.

    Parameters
    ----------
    reference : str
        ``FILE`` or ``FILE:NAME``: a JSON patch, or a patchset and the name of one of its patches,
        whose digests are verified.

    Raises
    ------
    InputError, FormatError
        If there is no such patch, or it does not fit the workspace.
    """
    path, name = _split(reference)
    content = _json(path)
    if isinstance(content, list):
        if name is not None:
            raise InputError(f"{path!r} is a single patch, not a patchset; found the name {name!r}")
        return apply_operations(document, content, repr(reference))
    patchset = _patchset(content, f"the patchset {path!r}")
    patch = _chosen(patchset, name, path)
    patchset.verify(document, f"the patchset {path!r}")
    return apply_operations(document, patch.operations, repr(reference))


def _chosen(patchset: Patchset, name: str | None, path: str) -> Patch:
    names = [patch.name for patch in patchset.patches]
    if name is None and len(names) > 1:
        some = ", ".join(map(repr, names[:12])) + (", ..." if len(names) > 12 else "")
        message = f"{path!r} holds {len(names)} patches: {some}"
        raise InputError(message, hint=f"choose one: --patch {path}:NAME")
    return patchset.find(name)


def _patchset(content: Any, name: str) -> Patchset:
    if not isinstance(content, dict) or not content.keys() & {"patches", "metadata"}:
        found = describe(content)
        raise FormatError(f"{name} is neither a JSON patch nor a patchset; found {found}")
    problems = check_patchset(content)
    if problems:
        lines = [f"  - {problem}" for problem in problems]
        raise FormatError("\n".join([f"{name} cannot be used:", *lines]))
    metadata = content["metadata"]
    return Patchset(
        labels=tuple(metadata["labels"]),
        patches=tuple(
            Patch(entry["metadata"]["name"], tuple(entry["metadata"]["values"]), entry["patch"])
            for entry in content["patches"]
        ),
        digests=metadata["digests"],
        metadata=metadata,
    )


def _split(reference: str) -> tuple[str, str | None]:
    # A colon may belong to the path: C:\patch.json.
    path, colon, name = reference.rpartition(":")
    if colon and not Path(reference).exists() and Path(path).exists():
        return path, name
    return reference, None


def _json(path: str) -> Any:
    text = read_text(path)
    try:
        return decode(text).usable()
    except FormatError as error:
        message = str(error).partition("\n\nHint: ")[0]
        raise FormatError(f"the patch {path!r} is no JSON that can be used: {message}") from error


def _distance(values: tuple[_Value, ...], wanted: tuple[Any, ...]) -> float:
    """Euclidean distance of the numbers; infinite where words differ."""
    squares = 0.0
    for value, other in zip(values, wanted, strict=True):
        if value == other:
            continue
        if isinstance(value, str) or not isinstance(other, int | float):
            return math.inf
        squares += (float(value) - float(other)) ** 2
    return math.sqrt(squares)


def _shown(values: tuple[_Value, ...]) -> str:
    return f"({', '.join(str(value) for value in values)})"
