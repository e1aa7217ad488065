"""The ``<Sample>`` of a channel, and its systematics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from nextstat_core.errors import closest
from nextstat_core.ir import (
    ConstraintChoice,
    HistoSys,
    Lumi,
    NormFactor,
    NormSys,
    Sample,
    ShapeFactor,
    ShapeSys,
    StatError,
)
from nextstat_core.ir.names import component_names
from nextstat_core.ir.place import at_modifier
from nextstat_root.findings import Tag

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from nextstat_core.ir import ConstraintKind, Modifier
    from nextstat_root.channels import ChannelReader
    from nextstat_root.histogram import Histogram

__all__ = ["BINWISE_CONSTRAINTS", "Here", "SampleReader"]

_ATTRIBUTES = ("Name", "InputFile", "HistoPath", "HistoName", "NormalizeByTheory")
#: Types of constraints of bin-wise factors by their names in XML.
BINWISE_CONSTRAINTS: Mapping[str, ConstraintKind] = {
    "Gaussian": "gaussian",
    "Gauss": "gaussian",
    "Poisson": "poisson",
    "Pois": "poisson",
}


@dataclass(frozen=True, slots=True)
class Here:
    """Where a sample is, and which file and directory its histograms come from by default."""

    channel: str
    tag: Tag
    file: str
    folder: str


class SampleReader:
    """Reads one sample.

    Parameters
    ----------
    reader : ChannelReader
        What all samples share.
    here : Here
        The sample.
    """

    def __init__(self, reader: ChannelReader, here: Here) -> None:
        self.reader = reader
        self.here = here
        self.name = here.tag.element.get("Name", "")
        self.nominal: Histogram | None = None
        self.scale = 1.0
        self.complete = True

    def sample(self) -> Sample | None:
        """Read the sample; None, and problems, where a histogram of it cannot be read."""
        tag, reader = self.here.tag, self.reader
        tag.needed("Name")
        tag.only(_ATTRIBUTES)
        conventions = reader.conventions
        theory = tag.flag("NormalizeByTheory", default=conventions.normalized)
        if not theory and conventions.nominal_luminosity:
            # CERN-OPEN-2012-016: such samples have the nominal luminosity as a constant factor.
            self.scale = reader.luminosity
        self.nominal = reader.store.histogram(
            tag.place, self.here.file, self.here.folder, tag.text("HistoName")
        )
        if self.nominal is None:
            return None
        modifiers: list[Modifier] = []
        if theory:
            reader.groups["lumi"] = ()
            modifiers.append(Lumi("lumi", ("lumi",)))
        for element in tag.element:
            read = _READERS.get(element.tag)
            if read is None:
                hint = closest(str(element.tag), _READERS)
                tag.findings.refuse(tag.place, f"<{element.tag}> is not known", hint)
                continue
            modifier = read(self, self.at(element))
            if modifier is not None:
                modifiers.append(modifier)
        if not self.complete:
            return None
        return Sample(self.name, self.yields(self.nominal), tuple(modifiers))

    def at(self, element: Any) -> Tag:
        """One systematic of the sample."""
        name = element.get("Name", "")
        place = at_modifier(self.here.channel, self.name, name, element.tag)
        return Tag(element, place, self.here.tag.findings)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of bins of the nominal histogram by axis."""
        return () if self.nominal is None else self.nominal.shape

    def yields(self, histogram: Histogram) -> tuple[float, ...]:
        """Contents in events."""
        return tuple((histogram.contents() * self.scale).tolist())

    def absolute(self, histogram: Histogram | None) -> tuple[float, ...]:
        """Uncertainties in events from a histogram of relative ones."""
        if histogram is None or self.nominal is None:
            return ()
        absolute: NDArray[np.float64] = histogram.contents() * (
            self.nominal.contents() * self.scale
        )
        return tuple(absolute.tolist())

    def histogram(
        self, tag: Tag, name: str, file: str = "InputFile", folder: str = "HistoPath"
    ) -> Histogram | None:
        """The histogram that the attribute `name` of a systematic names."""
        inherited = self.here.folder if self.reader.conventions.inherited_paths else ""
        directory = tag.element.get(folder)
        if tag.element.tag == "StatError":  # ROOT takes an empty one for none only here
            directory = directory or None
        found = self.reader.store.histogram(
            tag.place,
            tag.text(file, tag.text("InputFile", self.here.file)),
            inherited if directory is None else directory,
            tag.needed(name),
        )
        if found is not None and found.shape != self.shape:
            tag.findings.refuse(
                tag.place,
                f"the histogram {tag.text(name)!r} has {_bins(found.shape)}; expected "
                f"{_bins(self.shape)}, as in the nominal one",
            )
            found = None
        self.complete &= found is not None
        return found

    def binwise(self, name: str) -> tuple[str, ...]:
        """Names of the parameters of a systematic with one for each bin."""
        self.reader.groups[name] = self.shape
        return component_names(name, 0 if self.nominal is None else self.nominal.n_bins)


_Reader: TypeAlias = "Callable[[SampleReader, Tag], Modifier | None]"


def _norm_factor(sample: SampleReader, tag: Tag) -> NormFactor:
    tag.only(("Name", "Val", "Low", "High", "Const"))
    name, reader = tag.needed("Name"), sample.reader
    settings: dict[str, Any] = {
        "inits": (tag.number("Val", 1.0),),
        "bounds": ((tag.number("Low"), tag.number("High")),),
    }
    if tag.flag("Const", default=False):
        if reader.conventions.const_norm_factors:
            settings["fixed"] = True
        else:
            tag.findings.warn(
                tag.place,
                "ROOT ignores Const here, and so does this model: it floats",
                f'write <ParamSetting Const="True">{name}</ParamSetting>',
            )
    if name in reader.functions:
        _report_function(sample, tag, name)
    before = reader.drafts.fields.get(name)
    if before is not None and before != settings:
        tag.findings.refuse(
            tag.place,
            f"Val, Low, High are {_norm(settings)}; elsewhere they are {_norm(before)}",
            "one norm factor has one start value and range",
        )
    reader.drafts.update(name, **settings)
    reader.groups[name] = ()
    return NormFactor(name, (name,))


def _report_function(sample: SampleReader, tag: Tag, name: str) -> None:
    expression = sample.reader.functions[name]
    if sample.reader.conventions.functions:
        tag.findings.refuse(
            tag.place,
            f"is defined by the <Function> {expression!r}; functions of parameters cannot be read",
            "conventions='pyhf' takes it as a free factor, as pyhf does",
        )
    else:
        tag.findings.warn(
            tag.place, f"is defined by the <Function> {expression!r}; read as a free factor"
        )


def _overall(sample: SampleReader, tag: Tag) -> NormSys:
    tag.only(("Name", "High", "Low"))
    name = tag.needed("Name")
    sample.reader.groups[name] = ()
    code = sample.reader.codes.code("normsys", name)
    return NormSys(name, (name,), tag.number("Low"), tag.number("High"), code)


def _histo(sample: SampleReader, tag: Tag) -> HistoSys | None:
    tag.only(
        (
            *("Name", "InputFile", "HistoFileHigh", "HistoPathHigh", "HistoNameHigh"),
            *("HistoFileLow", "HistoPathLow", "HistoNameLow"),
        )
    )
    name = tag.needed("Name")
    low = sample.histogram(tag, "HistoNameLow", "HistoFileLow", "HistoPathLow")
    high = sample.histogram(tag, "HistoNameHigh", "HistoFileHigh", "HistoPathHigh")
    if low is None or high is None:
        return None
    sample.reader.groups[name] = ()
    code = sample.reader.codes.code("histosys", name)
    return HistoSys(name, (name,), sample.yields(low), sample.yields(high), code)


def _shape(sample: SampleReader, tag: Tag) -> ShapeSys | None:
    tag.only(("Name", "HistoName", "HistoPath", "InputFile", "ConstraintType"))
    name, reader = tag.needed("Name"), sample.reader
    relative = sample.histogram(tag, "HistoName")
    written = tag.element.get("ConstraintType")
    if written is not None and written not in BINWISE_CONSTRAINTS:
        tag.findings.refuse(
            tag.place, f"ConstraintType is {written!r}; expected Gaussian or Poisson"
        )
        return None
    # Without a type the constraint is Gaussian in ROOT and Poisson in pyhf.
    kind = BINWISE_CONSTRAINTS[written or "Gaussian"]
    if kind != "poisson":
        if reader.conventions.constraint_types:
            reader.drafts.update(name, constraint=ConstraintChoice(kind))
        elif written is not None:
            tag.findings.warn(tag.place, "pyhf ignores ConstraintType; the constraint is Poisson")
    return ShapeSys(name, sample.binwise(name), sample.absolute(relative))


def _shape_factor(sample: SampleReader, tag: Tag) -> ShapeFactor:
    tag.only(("Name", "Const", "HistoName", "HistoPath", "InputFile"))
    name, reader = tag.needed("Name"), sample.reader
    parameters = sample.binwise(name)
    reader.drafts.update(name, bounds=(reader.conventions.shape_factor_bounds,) * len(parameters))
    if tag.text("HistoName"):
        start = sample.histogram(tag, "HistoName")
        if start is not None:
            reader.drafts.update(name, inits=tuple(start.contents().tolist()))
    if tag.flag("Const", default=False):
        reader.drafts.update(name, fixed=True)
    return ShapeFactor(name, parameters)


def _stat_error(sample: SampleReader, tag: Tag) -> StatError | None:
    tag.only(("Activate", "HistoName", "HistoPath", "InputFile", "HistoFile"))
    if not tag.flag("Activate", default=False) or sample.nominal is None:
        return None
    name = f"staterror_{sample.here.channel}"
    if tag.text("HistoName"):
        uncertainties = sample.absolute(sample.histogram(tag, "HistoName", "HistoFile"))
    else:
        as_stored = sample.reader.conventions.roots_as_stored
        errors = sample.nominal.errors(as_stored=as_stored)
        uncertainties = tuple((errors * sample.scale).tolist())
    return StatError(name, sample.binwise(name), uncertainties)


_READERS: Mapping[str, _Reader] = {
    "NormFactor": _norm_factor,
    "OverallSys": _overall,
    "HistoSys": _histo,
    "ShapeSys": _shape,
    "ShapeFactor": _shape_factor,
    "StatError": _stat_error,
}


def _bins(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) + " bins"


def _norm(settings: Mapping[str, Any]) -> str:
    (low, high), (value,) = settings["bounds"][0], settings["inits"]
    return f"{value:g}, {low:g}, {high:g}" + (" and constant" if settings.get("fixed") else "")
