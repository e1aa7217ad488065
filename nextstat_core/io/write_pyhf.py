"""Models back to workspaces in pyhf's JSON format."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from nextstat_core.errors import InputError, Problem
from nextstat_core.io.document import CONSTRAINT_TYPES
from nextstat_core.ir import HistoSys, Lumi, NormSys, PluginModifier, ShapeSys, StatError
from nextstat_core.ir.place import at_modifier, at_parameter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nextstat_core.ir import Channel, Model, Modifier, ParameterSettings, Sample

__all__ = ["pyhf_document", "write_pyhf"]

_CODES = {"normsys": "code4", "histosys": "code4p"}
_LISTS = ("inits", "bounds", "auxdata", "sigmas", "factors")
_TYPES = {kind: name for name, kind in CONSTRAINT_TYPES.items()}
_VERSION = "1.0.0"


def write_pyhf(model: Model, *, extensions: bool = False, indent: int | None = None) -> str:
    """JSON text of a model; see `pyhf_document`.

    Parameters
    ----------
    indent : int, optional
        Spaces per level; one line if left out.
    """
    return json.dumps(pyhf_document(model, extensions=extensions), indent=indent, allow_nan=False)


def pyhf_document(model: Model, *, extensions: bool = False) -> dict[str, Any]:
    """The workspace that describes a model.

    Its one measurement is the one that was read. Reading it again gives the same likelihood;
    parameters of single bins that were called otherwise (in HS3 or XML they may) are called
    ``name[i]``, as pyhf does.

    Parameters
    ----------
    model : Model
    extensions : bool
        Whether the document may hold what pyhf refuses: constraints of other kinds than the
        modifiers bring. nextstat reads them.

    Raises
    ------
    InputError
        If the format cannot express the model; names everything in the way.
    """
    writer = _Writer(model)
    problems = [*writer.codes(), *writer.names()]
    if not extensions:
        problems += _constraints(model)
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise InputError(f"the model cannot be written as a pyhf workspace:\n{lines}")
    return {
        "channels": [writer.channel(channel) for channel in model.channels],
        "observations": [
            {"name": channel.name, "data": list(channel.observed)} for channel in model.channels
        ],
        "measurements": [
            {
                "name": model.measurement or "measurement",
                "config": {
                    "poi": model.parameters[0].group if model.poi is not None else "",
                    "parameters": [*writer.settings()],
                },
            }
        ],
        "version": _VERSION,
    }


class _Writer:
    """What the parts of the document have in common: names of groups and their components."""

    def __init__(self, model: Model) -> None:
        self._model = model
        counts: Counter[str] = Counter()
        #: Group, and index in the group, of each parameter.
        self._place: dict[str, tuple[str, int]] = {}
        for entry in model.parameters:
            self._place[entry.name] = entry.group, counts[entry.group]
            counts[entry.group] += 1

    def codes(self) -> Iterator[Problem]:
        """Interpolation codes that pyhf's format has no word for."""
        for place, modifier in self._modifiers():
            if isinstance(modifier, NormSys | HistoSys):
                default = _CODES[modifier.kind]
                if modifier.interpolation != default:
                    message = f"has the interpolation {modifier.interpolation!r}"
                    hint = f"pyhf's format has no codes; readers take {default}"
                    yield Problem(place, message, hint)

    def names(self) -> Iterator[Problem]:
        """Modifiers whose parameters the format would connect otherwise."""
        for place, modifier in self._modifiers():
            if isinstance(modifier, Lumi) and modifier.name != "lumi":
                yield Problem(place, "a luminosity is called 'lumi' in pyhf's format", "rename it")
            groups = {self._place[name][0] for name in modifier.parameters}
            if groups != {modifier.name}:
                listed = ", ".join(map(repr, sorted(groups)))
                yield Problem(place, f"its parameters belong to {listed}; expected its own name")

    def channel(self, channel: Channel) -> dict[str, Any]:
        return {"name": channel.name, "samples": [_sample(entry) for entry in channel.samples]}

    def settings(self) -> Iterator[dict[str, Any]]:
        """The measurement's settings, under the names that readers give to parameters."""
        groups = {group for group, _ in self._place.values()}
        for entry in self._model.settings:
            name = entry.name
            if name not in groups and name in self._place:
                group, index = self._place[name]
                name = f"{group}[{index}]"
            yield {"name": name, **_said(entry)}

    def _modifiers(self) -> Iterator[tuple[str, Modifier]]:
        for channel in self._model.channels:
            for sample in channel.samples:
                for modifier in sample.modifiers:
                    place = at_modifier(channel.name, sample.name, modifier.name, modifier.kind)
                    yield place, modifier


def _constraints(model: Model) -> Iterator[Problem]:
    """Settings that pyhf refuses or ignores."""
    groups = {entry.group for entry in model.parameters}
    hint = "write it with extensions=True; nextstat reads that, pyhf does not"
    for entry in model.settings:
        if entry.constraint is not None:
            message = f"has a constraint of its own ({_TYPES[entry.constraint.kind]})"
            yield Problem(at_parameter(entry.name), message, hint)
        elif entry.name not in groups and any(entry.name == p.name for p in model.parameters):
            message = "has settings of its own, and pyhf knows only those of all bins together"
            yield Problem(at_parameter(entry.name), message, hint)


def _sample(sample: Sample) -> dict[str, Any]:
    modifiers = [
        {"name": entry.name, "type": entry.kind, "data": _data(entry)} for entry in sample.modifiers
    ]
    return {"name": sample.name, "data": list(sample.nominal), "modifiers": modifiers}


def _data(modifier: Modifier) -> Any:
    match modifier:
        case NormSys(lo=lo, hi=hi):
            return {"hi": hi, "lo": lo}
        case HistoSys(lo=lower, hi=upper):
            return {"hi_data": list(upper), "lo_data": list(lower)}
        case ShapeSys(uncertainties=uncertainties) | StatError(uncertainties=uncertainties):
            return list(uncertainties)
        case PluginModifier(data=data):
            return data
    return None


def _said(entry: ParameterSettings) -> dict[str, Any]:
    said: dict[str, Any] = {
        key: [list(value) if isinstance(value, tuple) else value for value in values]
        for key in _LISTS
        if (values := getattr(entry, key)) is not None
    }
    if entry.fixed is not None:
        said["fixed"] = entry.fixed
    if entry.constraint is not None:
        said["constraint"] = {"type": _TYPES[entry.constraint.kind]}
        if entry.constraint.relative is not None:
            said["constraint"]["rel_uncertainty"] = entry.constraint.relative
    return said
