"""HistFactory XML with its ROOT files to a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from nextstat_core.errors import InputError, ModelError, closest
from nextstat_core.io import DECLARED
from nextstat_core.io.interpolation import choose_interpolations
from nextstat_core.ir import Model, check_channels, derive_parameters, with_observed
from nextstat_core.ir.place import at_channel
from nextstat_root.channels import ChannelReader
from nextstat_root.conventions import choose_conventions
from nextstat_root.drafts import Drafts
from nextstat_root.findings import Findings
from nextstat_root.inputs import channel_elements
from nextstat_root.locate import Locator, find_combination
from nextstat_root.measurement import Measurement, choose_measurement
from nextstat_root.store import HistogramStore
from nextstat_root.xmlfile import read_xml

if TYPE_CHECKING:
    from os import PathLike
    from xml.etree.ElementTree import Element

    from nextstat_core.io import InterpolationChoice
    from nextstat_core.ir import Channel
    from nextstat_root.conventions import ConventionName

__all__ = ["MissingData", "read_histfactory"]

MissingData = Literal["error", "asimov"]

_CHILDREN = ("Input", "Measurement", "Function")


def read_histfactory(
    path: str | PathLike[str],
    *,
    base_dir: str | PathLike[str] | None = None,
    measurement: str | None = None,
    poi: Any = DECLARED,
    interpolation: InterpolationChoice = None,
    conventions: ConventionName = "root",
    missing_data: MissingData = "error",
) -> Model:
    """Read a model from HistFactory XML.

    Parameters
    ----------
    path : path
        The file with the ``<Combination>``, or a folder that has one such file.
    base_dir : path, optional
        Folder that the paths in the XML are relative to. Left out, it is searched: the folder of
        the file, those above it, and the working directory.
    measurement : str, optional
        Name of the measurement; the first one of the file if left out.
    poi : str or None, optional
        Name of the modifier that is the parameter of interest, or None for none. Left out, the
        measurement declares it.
    interpolation : str or mapping, optional
        Interpolation codes, see `nextstat_core.io.read_pyhf`; the file says nothing about them, and
        the default is that of both ROOT and pyhf.
    conventions : {"root", "pyhf"}
        Read as ROOT's ``hist2workspace`` does, or as ``pyhf.readxml``; the differences are in
        `Conventions`.
    missing_data : {"error", "asimov"}
        What becomes of a channel without data: an error, or the expected counts at the start values
        of all parameters, as in ROOT.

    Returns
    -------
    Model
        With `warnings` for what is odd but no reason to refuse.

    Raises
    ------
    InputError
        If an argument cannot be used, or there is no such file.
    FormatError
        If the file is no XML, or not a ``<Combination>``.
    ModelError
        If files, histograms or settings are missing or contradict each other; lists all problems of
        all files at once.
    """
    if missing_data not in get_args(MissingData):
        raise InputError.unknown("way to treat missing data", missing_data, get_args(MissingData))
    rules, codes = choose_conventions(conventions), choose_interpolations(interpolation)
    file = find_combination(Path(path))
    root = read_xml(file, "Combination")
    findings = Findings()
    _refuse_unknown(root, file, findings)
    chosen = choose_measurement(root, measurement, findings)
    locator = Locator(file, None if base_dir is None else Path(base_dir))
    with HistogramStore(locator, findings, top_level_first=rules.top_level_first) as store:
        reader = ChannelReader(
            store=store,
            conventions=rules,
            codes=codes,
            findings=findings,
            drafts=Drafts(),
            luminosity=chosen.luminosity if chosen else 1.0,
            functions=_functions(root),
        )
        read = [reader.channel(*each) for each in channel_elements(root, locator, findings)]
    channels = tuple(channel for channel in read if channel is not None)
    findings.problems += check_channels(channels)
    if missing_data == "error":
        _refuse_missing_data(reader)
    if chosen is not None:
        chosen.apply(reader.drafts, reader.groups, rules)
    if findings.problems or chosen is None:
        raise ModelError(findings.problems)
    model = _assembled(channels, chosen, poi, reader)
    return _with_asimov_data(model, reader.without_data) if reader.without_data else model


def _functions(root: Element) -> dict[str, str]:
    return {each.get("Name", ""): each.get("Expression", "") for each in root.findall("Function")}


def _refuse_unknown(root: Element, file: Path, findings: Findings) -> None:
    for child in root:
        if child.tag not in _CHILDREN:
            hint = closest(str(child.tag), _CHILDREN)
            findings.refuse(repr(file.name), f"<{child.tag}> is not known", hint)


def _refuse_missing_data(reader: ChannelReader) -> None:
    for name in reader.without_data:
        reader.findings.refuse(
            at_channel(name),
            "names no data histogram",
            "missing_data='asimov' takes the expected counts instead, as ROOT does",
        )


def _assembled(
    channels: tuple[Channel, ...], chosen: Measurement, poi: Any, reader: ChannelReader
) -> Model:
    if not (poi is DECLARED or poi is None or isinstance(poi, str)):
        raise InputError(f"`poi` is {poi!r}; expected the name of a modifier, or None")
    name = chosen.poi_name(reader.groups) if poi is DECLARED else poi
    settings = reader.drafts.settings()
    derived = derive_parameters(channels, settings, name or None)
    if derived.problems:
        raise ModelError(derived.problems)
    return Model(
        channels=channels,
        parameters=derived.parameters,
        poi=derived.parameters[0].name if name else None,
        measurement=chosen.name,
        settings=settings,
        warnings=(*reader.findings.warnings, *derived.warnings),
    )


def _with_asimov_data(model: Model, names: list[str]) -> Model:
    """Give channels the counts that are expected at the start values of all parameters."""
    from nextstat_core.models import HistFactoryModel

    compiled = HistFactoryModel(model)
    expected = compiled.expected_data(compiled.suggested_init(), include_auxdata=False)
    bins = compiled.main_bins.channels
    return with_observed(model, {name: expected[bins[name]] for name in names})
