"""What pyhf's schema of patchsets (1.0.0) asks for, and what its reader asks for beyond it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nextstat_core.errors import Problem, closest
from nextstat_core.io.decode import describe
from nextstat_core.io.patches import problem_of_operations

__all__ = ["check_patchset"]

_VERSION = "1.0.0"
_NAME = re.compile(r"[a-zA-Z0-9_]+")
_DIGESTS = {"md5": re.compile(r"[a-f0-9]{32}"), "sha256": re.compile(r"[a-fA-F0-9]{64}")}
_REFERENCES = {"hepdata": re.compile(r"ins[0-9]{7}")}
_PLAIN = "letters, digits and underscores"


def check_patchset(content: Mapping[str, Any]) -> list[Problem]:
    """List everything that keeps a decoded document from being a patchset."""
    problems = [*_keys("", content, required=("patches", "metadata", "version"))]
    version = content.get("version", _VERSION)
    if version != _VERSION:
        problems.append(Problem("version", f"found {describe(version)}; expected {_VERSION!r}"))
    labels = None
    if "metadata" in content:
        problems += _metadata(content["metadata"])
        if isinstance(content["metadata"], Mapping):
            labels = content["metadata"].get("labels")
    if "patches" in content:
        problems += _patches(content["patches"], labels)
    return problems


def _metadata(metadata: Any) -> Iterator[Problem]:
    if not isinstance(metadata, Mapping):
        yield _expected("metadata", "an object", metadata)
        return
    required = ("references", "digests", "labels", "description")
    yield from _keys("metadata", metadata, required=required, more=True)
    yield from _labels(metadata.get("labels", ["label"]))
    yield from _strings("digests", metadata.get("digests", {"md5": "0" * 32}), _DIGESTS)
    references = metadata.get("references", {"hepdata": "ins0000000"})
    yield from _strings("references", references, _REFERENCES)
    if not isinstance(metadata.get("description", ""), str):
        yield _expected("metadata, description", "a string", metadata["description"])


def _labels(labels: Any) -> Iterator[Problem]:
    place = "metadata, labels"
    if not isinstance(labels, list) or not labels:
        yield _expected(place, "a list of at least one name", labels)
        return
    for label in labels:
        if not _is_name(label):
            yield _expected(place, f"names of {_PLAIN}", label)
    yield from _repeated(place, "labels are", filter(_is_name, labels))


def _strings(what: str, entries: Any, known: Mapping[str, re.Pattern[str]]) -> Iterator[Problem]:
    """Strings by name, each with a form of its own."""
    place = f"metadata, {what}"
    if not isinstance(entries, Mapping) or not entries:
        yield _expected(place, f"an object with {' or '.join(map(repr, known))}", entries)
        return
    for key, value in entries.items():
        if key not in known:
            message = f"the key {key!r} is not allowed here; expected {', '.join(known)}"
            yield Problem(place, message, closest(str(key), known))
        elif not isinstance(value, str) or not known[key].fullmatch(value):
            yield _expected(f"{place}, {key}", f"a match of {known[key].pattern}", value)


def _patches(patches: Any, labels: Any) -> Iterator[Problem]:
    if not isinstance(patches, list) or not patches:
        yield _expected("patches", "a list of at least one patch", patches)
        return
    for index, patch in enumerate(patches):
        yield from _patch(f"patch {index}", patch, labels)
    described = [patch["metadata"] for patch in patches if _has_metadata(patch)]
    names = [entry.get("name") for entry in described]
    yield from _repeated("patches", "patches have the name", filter(_is_name, names))
    values = [entry.get("values") for entry in described]
    usable = (tuple(entry) for entry in values if isinstance(entry, list) and not any(_odd(entry)))
    yield from _repeated("patches", "patches have the values", usable)


def _patch(place: str, patch: Any, labels: Any) -> Iterator[Problem]:
    if not isinstance(patch, Mapping):
        yield _expected(place, "an object", patch)
        return
    yield from _keys(place, patch, required=("metadata", "patch"))
    if "patch" in patch:
        problem = problem_of_operations(patch["patch"])
        if problem:
            yield Problem(f"{place}, patch", problem)
    if not _has_metadata(patch):
        if "metadata" in patch:
            yield _expected(f"{place}, metadata", "an object", patch["metadata"])
        return
    metadata = patch["metadata"]
    if _is_name(metadata.get("name")):
        place = f"{place} ({metadata['name']!r})"
    elif "name" in metadata:
        yield _expected(f"{place}, name", f"a name of {_PLAIN}", metadata["name"])
    yield from _keys(f"{place}, metadata", metadata, required=("name", "values"), more=True)
    if "values" in metadata:
        yield from _values(f"{place}, values", metadata["values"], labels)


def _values(place: str, values: Any, labels: Any) -> Iterator[Problem]:
    if not isinstance(values, list):
        yield _expected(place, "a list", values)
        return
    for value in _odd(values):
        yield _expected(place, "numbers and strings", value)
    if isinstance(labels, list) and len(values) != len(labels):
        listed = ", ".join(repr(label) if _is_name(label) else describe(label) for label in labels)
        yield Problem(
            place, f"found {len(values)}; expected {len(labels)}, one per label: {listed}"
        )


def _odd(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            yield value


def _keys(
    place: str, entry: Mapping[str, Any], *, required: tuple[str, ...], more: bool = False
) -> Iterator[Problem]:
    for key in required:
        if key not in entry:
            yield Problem(place, f"the key {key!r} is missing")
    for key in entry:
        if key not in required and not more:
            message = f"the key {key!r} is not allowed here; expected {', '.join(required)}"
            yield Problem(place, message, closest(str(key), required))


def _repeated(place: str, what: str, keys: Iterable[Any]) -> Iterator[Problem]:
    counts: dict[Any, int] = {}
    for key in keys:
        counts[key] = counts.get(key, 0) + 1
    for key, count in counts.items():
        if count > 1:
            yield Problem(place, f"{count} {what} {key!r}; expected one")


def _expected(place: str, what: str, value: Any) -> Problem:
    return Problem(place, f"found {describe(value)}; expected {what}")


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _has_metadata(patch: Any) -> bool:
    return isinstance(patch, Mapping) and isinstance(patch.get("metadata"), Mapping)
