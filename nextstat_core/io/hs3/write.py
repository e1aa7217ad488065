"""Models to HS3 documents."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nextstat_core import __version__
from nextstat_core.errors import InputError, Problem
from nextstat_core.io.hs3.names import hs3_names, identifiers
from nextstat_core.io.hs3.written_constraints import WrittenConstraints
from nextstat_core.ir import (
    HistoSys,
    Lumi,
    NormFactor,
    NormSys,
    ShapeFactor,
    ShapeSys,
    StatError,
)
from nextstat_core.ir.place import at_modifier

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from nextstat_core.ir import Channel, Model, Modifier, Parameter, Sample

__all__ = ["hs3_document", "write_hs3"]

_VERSION = "0.2"
_NUMBERS = {"normsys": {"code1": 1, "code4": 4}, "histosys": {"code0": 0, "code2": 2, "code4p": 4}}
_DEFAULT = 4  # of either class in ROOT, where it is left out


def write_hs3(model: Model, *, version: str = _VERSION, indent: int | None = None) -> str:
    """JSON text of a model; see `hs3_document`.

    Parameters
    ----------
    indent : int, optional
        Spaces per level; one line if left out.
    """
    return json.dumps(hs3_document(model, version=version), indent=indent, allow_nan=False)


def hs3_document(model: Model, *, version: str = _VERSION) -> dict[str, Any]:
    """The HS3 document that describes a model, in the dialect that ROOT 6.38 reads.

    Every constraint is a distribution of its own. Start values and constants are the parameter
    point ``default_values``, bounds the domain ``default_domain``. Parameters that are called as
    ROOT forbids are renamed, see `hs3_names`.

    Parameters
    ----------
    model : Model
    version : {"0.2"}
        Version of the standard.

    Raises
    ------
    InputError
        If `version` is another one, or HS3 cannot express the model; names everything in the way.
    """
    if version != _VERSION:
        raise InputError.unknown("version of HS3", version, [_VERSION])
    problems = list(_not_expressible(model))
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise InputError(f"the model cannot be written as HS3:\n{lines}")
    return _Writer(model).document()


def _not_expressible(model: Model) -> Iterator[Problem]:
    for channel in model.channels:
        for sample in channel.samples:
            for entry in sample.modifiers:
                place = at_modifier(channel.name, sample.name, entry.name, entry.kind)
                if entry.kind not in _WRITE:
                    yield Problem(place, "this type is a plugin's, and HS3 does not have it")
                elif isinstance(entry, NormSys | HistoSys):
                    code = entry.interpolation
                    if code not in _NUMBERS[entry.kind]:
                        yield Problem(place, f"HS3 has no word for the interpolation {code!r}")


class _Writer:
    """What the sections of a document have in common."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.names = hs3_names(model)
        self.channels = identifiers(channel.name for channel in model.channels)
        interpolated = {
            name
            for _, _, modifier in _modifiers(model)
            if isinstance(modifier, NormSys | HistoSys)
            for name in modifier.parameters
        }
        self.constraints = WrittenConstraints(model.parameters, self.names, interpolated)

    def document(self) -> dict[str, Any]:
        constraints, name = self.constraints, self._analysis()
        document = {
            "metadata": {
                "hs3_version": _VERSION,
                "packages": [{"name": "nextstat", "version": __version__}],
            },
            "analyses": [
                {
                    "name": name,
                    "likelihood": name,
                    "parameters_of_interest": [self.names[poi] for poi in self._pois()],
                    "domains": [f"{name}_nuisance_parameters", f"{name}_parameters_of_interest"],
                    "init": "default_values",
                }
            ],
            "likelihoods": [
                {
                    "name": name,
                    "distributions": [*self.channels.values()],
                    "data": [f"{name}_{channel}" for channel in self.channels.values()],
                }
            ],
            "distributions": [
                *map(self._channel, self.model.channels),
                *constraints.distributions,
            ],
            "functions": constraints.functions,
            "data": [
                {
                    "name": f"{name}_{self.channels[channel.name]}",
                    "type": "binned",
                    "axes": self._axes(channel),
                    "contents": list(channel.observed),
                }
                for channel in self.model.channels
            ],
            "domains": self._domains(name),
            "parameter_points": [{"name": "default_values", "parameters": [*self._values()]}],
        }
        return {section: content for section, content in document.items() if content}

    # -- channels ---------------------------------------------------------------------------------

    def _channel(self, channel: Channel) -> dict[str, Any]:
        statistical = self._statistical(channel)
        written: dict[str, Any] = {
            "name": self.channels[channel.name],
            "type": "histfactory_dist",
            "axes": self._axes(channel),
            "samples": [self._sample(sample, statistical) for sample in channel.samples],
        }
        if statistical:
            kind = self.constraints.type_of(statistical)
            written["staterror"] = {"constraint_type": kind, "relThreshold": 0.0}
        return written

    def _statistical(self, channel: Channel) -> tuple[str, ...]:
        """Parameters of the channel's staterror: ROOT reads one of a channel, and one type of it.

        Others are written as shapesys, whose likelihood is the same.
        """
        for sample in channel.samples:
            for modifier in sample.modifiers:
                if isinstance(modifier, StatError) and self.constraints.alike(modifier.parameters):
                    return modifier.parameters
        return ()

    def _axes(self, channel: Channel) -> list[dict[str, Any]]:
        """Bin numbers: the model knows no edges."""
        name = f"obs_x_{self.channels[channel.name]}"
        return [{"name": name, "min": 0.0, "max": float(channel.n_bins), "nbins": channel.n_bins}]

    def _sample(self, sample: Sample, statistical: tuple[str, ...]) -> dict[str, Any]:
        data: dict[str, Any] = {"contents": list(sample.nominal)}
        modifiers = []
        for modifier in sample.modifiers:
            if isinstance(modifier, StatError) and modifier.parameters == statistical:
                data["errors"] = list(modifier.uncertainties)
                modifiers.append(self._bin_wise(modifier, "staterror"))
            else:
                modifiers.append(_WRITE[modifier.kind](self, modifier))
        return {"name": sample.name, "data": data, "modifiers": modifiers}

    def normfactor(self, modifier: NormFactor | Lumi) -> dict[str, Any]:
        (parameter,) = modifier.parameters
        name = self.names[parameter]
        written: dict[str, Any] = {"name": name, "parameter": name, "type": "normfactor"}
        constraint = self.constraints.constraint(parameter)
        if constraint is not None:
            written["constraint_name"] = constraint
        return written

    def systematic(self, modifier: NormSys | HistoSys) -> dict[str, Any]:
        (parameter,) = modifier.parameters
        written: dict[str, Any] = {
            "name": self.names[parameter],
            "parameter": self.constraints.seen(parameter),
            "type": modifier.kind,
            "data": _variations(modifier),
        }
        constraint = self.constraints.constraint(parameter)
        if constraint is not None:
            written["constraint_name"] = constraint
        else:
            written["constraints"] = [None]
        number = _NUMBERS[modifier.kind][modifier.interpolation]
        if number != _DEFAULT:
            written["interpolation"] = number
        return written

    def bin_wise(self, modifier: ShapeFactor | ShapeSys | StatError) -> dict[str, Any]:
        constraints = map(self.constraints.constraint, modifier.parameters)
        free = isinstance(modifier, ShapeFactor) and not any(constraints)
        return self._bin_wise(modifier, "shapefactor" if free else "shapesys")

    def _bin_wise(self, modifier: ShapeFactor | ShapeSys | StatError, kind: str) -> dict[str, Any]:
        parameters = modifier.parameters
        written: dict[str, Any] = {
            "name": kind if kind == "staterror" else identifiers([modifier.name])[modifier.name],
            "type": kind,
            "parameters": [self.names[name] for name in parameters],
        }
        if kind != "shapefactor":
            written["constraint"] = self.constraints.type_of(parameters)
            written["constraints"] = [*map(self.constraints.constraint, parameters)]
        if kind == "shapesys":
            written["data"] = {"vals": [*map(self.constraints.relative, parameters)]}
        return written

    # -- parameters -------------------------------------------------------------------------------

    def _analysis(self) -> str:
        name = self.model.measurement or "analysis"
        return identifiers([name])[name]

    def _pois(self) -> list[str]:
        return [] if self.model.poi is None else [self.model.poi]

    def _values(self) -> Iterator[dict[str, Any]]:
        for entry in self.model.parameters:
            value: dict[str, Any] = {"name": self.names[entry.name], "value": entry.init}
            yield value | {"const": True} if entry.fixed else value
        for name, constant in self.constraints.constants.items():
            yield {"name": name, "value": constant, "const": True}

    def _domains(self, analysis: str) -> list[dict[str, Any]]:
        parameters, pois = self.model.parameters, self._pois()
        nuisance = [entry for entry in parameters if entry.name not in pois]
        interest = [entry for entry in parameters if entry.name in pois]
        return [
            self._domain("default_domain", parameters),
            self._domain(f"{analysis}_nuisance_parameters", nuisance),
            self._domain(f"{analysis}_parameters_of_interest", interest),
        ]

    def _domain(self, name: str, parameters: Iterable[Parameter]) -> dict[str, Any]:
        axes = [
            {"name": self.names[entry.name], "min": entry.lower, "max": entry.upper}
            for entry in parameters
        ]
        return {"name": name, "type": "product_domain", "axes": axes}


def _variations(modifier: NormSys | HistoSys) -> dict[str, Any]:
    if isinstance(modifier, NormSys):
        return {"lo": modifier.lo, "hi": modifier.hi}
    return {"lo": {"contents": list(modifier.lo)}, "hi": {"contents": list(modifier.hi)}}


def _modifiers(model: Model) -> Iterator[tuple[Channel, Sample, Modifier]]:
    for channel in model.channels:
        for sample in channel.samples:
            for modifier in sample.modifiers:
                yield channel, sample, modifier


_WRITE: dict[str, Any] = {
    "normfactor": _Writer.normfactor,
    "lumi": _Writer.normfactor,
    "normsys": _Writer.systematic,
    "histosys": _Writer.systematic,
    "shapefactor": _Writer.bin_wise,
    "shapesys": _Writer.bin_wise,
    "staterror": _Writer.bin_wise,
}
