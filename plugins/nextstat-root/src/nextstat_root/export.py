"""A model as HistFactory XML with a ROOT file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from nextstat_core.errors import InputError
from nextstat_core.ir import (
    HistoSys,
    Lumi,
    Model,
    NormFactor,
    NormSys,
    ShapeFactor,
    ShapeSys,
    StatError,
)
from nextstat_root.dtd import SCHEMA, SCHEMA_FILE
from nextstat_root.expressible import inexpressible
from nextstat_root.rootwriter import write_histograms
from nextstat_root.statements import Group, Statements, groups_of, state

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from nextstat_core.ir import Channel, Modifier, Sample
    from nextstat_core.models import HistFactoryModel

__all__ = ["HistFactoryFiles", "histfactory_files", "write_histfactory"]

_COMBINATION = "combination.xml"
_ROOT_FILE = "data.root"
#: Elements by kind of modifier; a luminosity is an attribute of its sample.
_TAGS = {
    NormFactor.kind: "NormFactor",
    NormSys.kind: "OverallSys",
    HistoSys.kind: "HistoSys",
    ShapeSys.kind: "ShapeSys",
    ShapeFactor.kind: "ShapeFactor",
    StatError.kind: "StatError",
}
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")


@dataclass(slots=True)
class HistFactoryFiles:
    """A model as XML, before it is written.

    Attributes
    ----------
    texts : dict of str to str
        XML files by name; the first one holds the ``<Combination>``.
    histograms : dict of str to tuple
        Histograms of the ROOT file by name: contents, and uncertainties or None.
    """

    texts: dict[str, str] = field(default_factory=dict)
    histograms: dict[str, tuple[Sequence[float], Sequence[float] | None]] = field(
        default_factory=dict
    )

    def add(
        self, *parts: str, values: Sequence[float], errors: Sequence[float] | None = None
    ) -> str:
        """Add a histogram; returns the name that it got."""
        name = _unique("_".join(_UNSAFE.sub("_", part) for part in parts), self.histograms)
        self.histograms[name] = (values, errors)
        return name


def write_histfactory(model: Model | HistFactoryModel, folder: str | PathLike[str]) -> list[Path]:
    """Write a model as HistFactory XML with one ROOT file.

    Both ROOT and pyhf read it: the paths are relative to `folder`. Statistical errors are called
    ``staterror_CHANNEL`` by readers whatever the model calls them, and a luminosity ``lumi``; its
    bounds are chosen by readers.

    Parameters
    ----------
    model : HistFactoryModel or nextstat_core.ir.Model
        The model with its data.
    folder : path
        Made if it does not exist; files of the same names are replaced.

    Returns
    -------
    list of Path
        What was written: ``combination.xml`` first, the channels, the document type, ``data.root``.

    Raises
    ------
    InputError
        If XML cannot express the model; lists all reasons at once. Or if the folder cannot be
        written to.
    """
    files = histfactory_files(model)
    target = Path(folder)
    paths = [target / name for name in (*files.texts, SCHEMA_FILE)]
    try:
        target.mkdir(parents=True, exist_ok=True)
        for path, text in zip(paths, [*files.texts.values(), SCHEMA], strict=True):
            path.write_text(text, encoding="utf-8")
        write_histograms(target / _ROOT_FILE, files.histograms)
    except OSError as error:
        raise InputError(f"cannot write to {str(target)!r}: {error}") from error
    return [*paths, target / _ROOT_FILE]


def histfactory_files(model: Model | HistFactoryModel) -> HistFactoryFiles:
    """The files of `write_histfactory`, not written.

    Raises
    ------
    InputError
        If XML cannot express the model; lists all reasons at once.
    """
    model = model if isinstance(model, Model) else model.ir
    groups = groups_of(model)
    statements, problems = state(model, groups)
    problems = [*inexpressible(model, groups, statements), *problems]
    if problems:
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise InputError(f"HistFactory XML cannot express this model:\n{listed}")
    files = HistFactoryFiles({_COMBINATION: ""})
    root = Element("Combination", OutputFilePrefix="results/model")
    writer = _ChannelWriter(files, groups, statements)
    for channel in model.channels:
        name = _unique(_UNSAFE.sub("_", channel.name), {each[:-4] for each in files.texts})
        files.texts[f"{name}.xml"] = _text(writer.channel(channel))
        SubElement(root, "Input").text = f"{name}.xml"
    root.append(_measurement(model, statements))
    files.texts[_COMBINATION] = _text(root)
    return files


@dataclass(frozen=True, slots=True)
class _ChannelWriter:
    files: HistFactoryFiles
    groups: Mapping[str, Group]
    statements: Statements

    def channel(self, channel: Channel) -> Element:
        element = Element("Channel", Name=channel.name, InputFile=_ROOT_FILE)
        data = self.files.add(channel.name, "data", values=channel.observed)
        SubElement(element, "Data", HistoName=data)
        kind = self.statements.statistics.get(channel.name, "Gaussian")
        # Without a threshold: readers must not fix what floats.
        SubElement(element, "StatErrorConfig", RelErrorThreshold="0", ConstraintType=kind)
        for sample in channel.samples:
            element.append(self.sample(channel, sample))
        return element

    def sample(self, channel: Channel, sample: Sample) -> Element:
        errors = [each.uncertainties for each in sample.modifiers if isinstance(each, StatError)]
        name = self.files.add(
            channel.name, sample.name, values=sample.nominal, errors=errors[0] if errors else None
        )
        theory = any(isinstance(each, Lumi) for each in sample.modifiers)
        element = Element("Sample", Name=sample.name, HistoName=name, NormalizeByTheory=str(theory))
        for modifier in sample.modifiers:
            written = self.modifier(channel, sample, modifier)
            if written is not None:
                element.append(written)
        return element

    def modifier(self, channel: Channel, sample: Sample, modifier: Modifier) -> Element | None:
        tag = _TAGS.get(modifier.kind)
        if tag is None:
            return None
        element = Element(tag, Name=modifier.name)
        place = (channel.name, sample.name, modifier.name)
        match modifier:
            case NormFactor():
                (parameter,) = self.groups[modifier.name].parameters
                values = {"Val": parameter.init, "Low": parameter.lower, "High": parameter.upper}
                element.attrib.update({key: repr(value) for key, value in values.items()})
            case NormSys():
                element.attrib.update({"Low": repr(modifier.lo), "High": repr(modifier.hi)})
            case HistoSys():
                element.set("HistoNameLow", self.files.add(*place, "low", values=modifier.lo))
                element.set("HistoNameHigh", self.files.add(*place, "high", values=modifier.hi))
            case ShapeSys():
                relative = _relative(modifier.uncertainties, sample.nominal)
                element.set("HistoName", self.files.add(*place, values=relative))
                kind = self.statements.shapes.get(modifier.name, "Poisson")
                element.set("ConstraintType", kind)
            case StatError():
                # Its uncertainties are the errors of the sample's own histogram.
                element = Element(tag, Activate="True")
        return element


def _relative(uncertainties: Sequence[float], nominal: Sequence[float]) -> list[float]:
    cells = zip(uncertainties, nominal, strict=True)
    return [value / expected if expected else 0.0 for value, expected in cells]


def _measurement(model: Model, statements: Statements) -> Element:
    element = Element(
        "Measurement",
        Name=model.measurement or "measurement",
        Lumi=repr(statements.luminosity),
        LumiRelErr=repr(statements.relative),
        ExportOnly="True",
    )
    # pyhf wants the element even where there is nothing to say.
    SubElement(element, "POI").text = model.parameters[0].group if model.poi is not None else None
    for name, value in statements.values.items():
        SubElement(element, "ParamSetting", Val=repr(value)).text = name
    if statements.constant:
        SubElement(element, "ParamSetting", Const="True").text = " ".join(statements.constant)
    for kind, name, relative in statements.terms:
        term = SubElement(element, "ConstraintTerm", Type=kind)
        term.text = name.removeprefix("alpha_")
        if relative is not None:
            term.set("RelativeUncertainty", repr(relative))
    return element


def _text(element: Element) -> str:
    indent(element)
    head = f"<!DOCTYPE {element.tag} SYSTEM '{SCHEMA_FILE}'>\n\n"
    return f"{head}{tostring(element, encoding='unicode')}\n"


def _unique(name: str, taken: Mapping[str, object] | set[str]) -> str:
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    return candidate
