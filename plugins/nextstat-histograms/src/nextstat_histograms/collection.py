"""From a description to raw templates: out of memory, files of histograms, files of events."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from nextstat_core.errors import InputError, ModelError, Problem
from nextstat_histograms.conversion import as_histogram
from nextstat_histograms.filling import Filled, fill
from nextstat_histograms.locations import (
    EventLocation,
    FileLocation,
    TemplateKey,
    Wanted,
    locate,
    wanted_templates,
)
from nextstat_histograms.reading import read_description
from nextstat_histograms.steps import Change, Step
from nextstat_histograms.templates import TemplateSet
from nextstat_histograms.trees import read_histogram

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from nextstat_histograms.description import Description
    from nextstat_histograms.histogram import Histogram

__all__ = ["build_workspace", "collect_templates"]


def build_workspace(
    description: Any,
    *,
    histograms: Mapping[Any, Any] | None = None,
    base_dir: str | PathLike[str] = ".",
) -> dict[str, Any]:
    """Build a workspace from a description and the histograms or events that it names.

    The same as ``collect_templates(...).treated().workspace()``.

    Parameters
    ----------
    description : path, mapping or Description
        See `read_description`.
    histograms : mapping, optional
        Templates in memory; see `collect_templates`.
    base_dir : path
        What ``InputPath`` is relative to.

    Returns
    -------
    dict
        Workspace in pyhf's JSON format.
    """
    templates = collect_templates(description, histograms=histograms, base_dir=base_dir)
    return templates.treated().workspace()


def collect_templates(
    description: Any,
    *,
    histograms: Mapping[Any, Any] | None = None,
    base_dir: str | PathLike[str] = ".",
) -> TemplateSet:
    """Read all templates that a description needs.

    Parameters
    ----------
    description : path, mapping or Description
        See `read_description`.
    histograms : mapping, optional
        Histograms that are not read from files, by (region, sample) or
        (region, sample, systematic, "Up" or "Down"); whatever `as_histogram` takes.
    base_dir : path
        What ``InputPath`` is relative to.

    Returns
    -------
    TemplateSet
        Raw templates; `TemplateSet.step` says how many events each is made of.

    Raises
    ------
    InputError
        If a file, tree or column is missing, an expression is refused, or a histogram cannot be
        used.
    FormatError
        If a file is damaged.
    ModelError
        If the description contradicts itself, or templates of a region do not fit together.
    """
    description = read_description(description)
    wanted = list(wanted_templates(description))
    found = _given(wanted, histograms or {})
    changes = [Change(str(key), "given") for key in found]
    missing = [each for each in wanted if each.key not in found]
    for key, template, change in _read(missing, description, Path(base_dir)):
        found[key] = template
        changes.append(change)
    _refuse_different_bins(found)
    ordered = {each.key: found[each.key] for each in wanted}
    return TemplateSet(description, ordered, step=Step("collect", changes=tuple(changes)))


def _given(wanted: list[Wanted], histograms: Mapping[Any, Any]) -> dict[TemplateKey, Histogram]:
    by_key = {each.key: each for each in wanted}
    found = {}
    for name, source in histograms.items():
        parts = name if isinstance(name, tuple) else (name,)
        key = TemplateKey(*parts) if len(parts) in (2, 4) else None
        if key is None or key not in by_key:
            raise InputError.unknown("template", name, [_shown(each) for each in by_key])
        try:
            found[key] = as_histogram(source, flow=by_key[key].region.flow)
        except InputError as error:
            raise _at(key, error) from error
    return found


def _shown(key: TemplateKey) -> str:
    return str(tuple(filter(None, key)))


def _at(key: TemplateKey, error: InputError) -> InputError:
    return InputError(f"{key}: {str(error).partition(chr(10))[0]}", hint=error.hint)


def _read(
    wanted: list[Wanted], description: Description, base_dir: Path
) -> list[tuple[TemplateKey, Histogram, Change]]:
    events: dict[tuple[tuple[str, ...], str | None], list[tuple[TemplateKey, EventLocation]]] = {}
    read: list[tuple[TemplateKey, Histogram, Change]] = []
    for each in wanted:
        location = locate(each, description, base_dir)
        if isinstance(location, FileLocation):
            read.append(_from_file(each, location))
        else:
            # Templates of the same events are filled in one pass.
            source = (location.paths, location.tree)
            events.setdefault(source, []).append((each.key, location))
    for (paths, tree), filled in events.items():
        results = fill(paths, tree, [location.fill for _, location in filled])
        for (key, _), result in zip(filled, results, strict=True):
            read.append((key, result.histogram, _of_events(key, result)))
    return read


def _from_file(wanted: Wanted, location: FileLocation) -> tuple[TemplateKey, Histogram, Change]:
    try:
        template = read_histogram(location.path, location.name, wanted.region.flow)
    except InputError as error:
        raise _at(wanted.key, error) from error
    details = {"path": str(location.path), "name": location.name}
    return wanted.key, template, Change(str(wanted.key), "read", details)


def _of_events(key: TemplateKey, filled: Filled) -> Change:
    names = ("n_events", "n_selected", "underflow", "overflow")
    return Change(str(key), "filled", {name: getattr(filled, name) for name in names})


def _refuse_different_bins(templates: Mapping[TemplateKey, Histogram]) -> None:
    problems = []
    first: dict[str, TemplateKey] = {}
    for key, template in templates.items():
        reference = templates[first.setdefault(key.region, key)]
        if template.edges.tolist() != reference.edges.tolist():
            message = f"its edges are not those of {first[key.region]}"
            problems.append(Problem(str(key), message))
    if problems:
        raise ModelError(problems)
