"""HS3 documents to models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from nextstat_core.errors import FormatError, InputError
from nextstat_core.io.bulk import without_collector
from nextstat_core.io.decode import decode, describe
from nextstat_core.io.hs3.analysis import choose_analysis
from nextstat_core.io.hs3.dialects import in_todays_layout, is_hs3, shapesys_values
from nextstat_core.io.hs3.document import Node
from nextstat_core.io.hs3.domains import read_parameters
from nextstat_core.io.hs3.likelihood import LikelihoodReader
from nextstat_core.io.hs3.settings import settings_of
from nextstat_core.io.interpolation import choose_interpolations
from nextstat_core.io.reading import DECLARED, Reading
from nextstat_core.ir import Model, derive_parameters
from nextstat_core.ir.check import check_channels

if TYPE_CHECKING:
    from nextstat_core.io.hs3.analysis import Analysis
    from nextstat_core.io.hs3.dialects import ShapeSysValues
    from nextstat_core.io.interpolation import InterpolationChoice
    from nextstat_core.io.reading import DeclaredPoi
    from nextstat_core.ir import Channel

__all__ = ["OnUnknown", "read_hs3", "try_hs3"]

OnUnknown = Literal["error", "skip"]
_VALUES = ("relative", "absolute", "counts")


def read_hs3(
    source: Any,
    *,
    analysis: str | None = None,
    param_points: str | None = None,
    poi: str | DeclaredPoi | None = DECLARED,
    interpolation: InterpolationChoice = None,
    shapesys: ShapeSysValues | None = None,
    on_unknown: OnUnknown = "error",
) -> Model:
    """Read a model in the HEP Statistics Serialization Standard (HS3).

    Parameters
    ----------
    source : str, bytes or mapping
        JSON text, or the decoded document.
    analysis : str, optional
        Name of the analysis (of the likelihood, in a document without analyses); the first one if
        left out.
    param_points : str, optional
        Name of the parameter point that gives start values and constants; left out, what the
        analysis names, then ``default_values``.
    poi : str or None, optional
        Name of the parameter of interest, or None for a model without one. Left out, the first that
        the analysis names.
    interpolation : str or mapping, optional
        Codes of the modifiers that do not choose one themselves, as for `read_pyhf`; also a code
        alone, ``"code1"``, which changes the kind that it fits.
    shapesys : {"relative", "absolute", "counts"}, optional
        What ``data.vals`` of a shapesys are: uncertainties relative to the yields, as ROOT 6.30 and
        later writes; in events, as pyhs3 reads; or the counts of the auxiliary measurement, as
        ROOT did before. Left out, it follows from the ROOT version in the metadata; without one,
        they are events. Constraints given as distributions need no `vals`.
    on_unknown : {"error", "skip"}
        Whether modifiers and distributions of unknown types are refused or left out with a warning.

    Returns
    -------
    Model
        Parameters are called as in the document; channels as their distributions.

    Raises
    ------
    FormatError
        If `source` is no JSON, or the document is no HS3.
    ModelError
        If it describes no usable model; lists all problems at once.
    InputError
        If an argument is unusable, for example an analysis or parameter point that does not exist.
    """
    with without_collector():
        return try_hs3(
            decode(source).usable(),
            analysis=analysis,
            param_points=param_points,
            poi=poi,
            interpolation=interpolation,
            shapesys=shapesys,
            on_unknown=on_unknown,
        ).usable()


def try_hs3(
    document: Any,
    *,
    analysis: str | None = None,
    param_points: str | None = None,
    poi: str | DeclaredPoi | None = DECLARED,
    interpolation: InterpolationChoice = None,
    shapesys: ShapeSysValues | None = None,
    on_unknown: OnUnknown = "error",
) -> Reading:
    """Read a decoded document; problems of its content are returned, not raised.

    The arguments are those of `read_hs3`.
    """
    if not isinstance(document, Mapping):
        raise FormatError(f"an HS3 document is a JSON object; found {describe(document)}")
    if not is_hs3(document):
        raise FormatError("no HS3 document: it has no `distributions`, or it has `channels`")
    if not (poi is DECLARED or poi is None or isinstance(poi, str)):
        raise InputError(f"`poi` is {poi!r}; expected the name of a parameter, or None")
    if shapesys is not None and shapesys not in _VALUES:
        raise InputError.unknown("meaning of shapesys", shapesys, _VALUES)
    if on_unknown not in ("error", "skip"):
        raise InputError.unknown("way to treat what is unknown", on_unknown, ("error", "skip"))
    codes = choose_interpolations(interpolation)
    root = Node.of(in_todays_layout(document))
    chosen = choose_analysis(root, analysis)
    table = read_parameters(root, chosen.domains, chosen.init, param_points)
    likelihood = LikelihoodReader(
        root, chosen, table, codes, shapesys or shapesys_values(document) or "absolute"
    )
    channels = likelihood.channels(skip=on_unknown == "skip")
    problems, warnings = root.findings.problems, root.findings.warnings
    problems += check_channels(channels)
    if shapesys is None and shapesys_values(document) is None:
        likelihood.warn_of_guess()
    reading = Reading(problems=problems, warnings=warnings)
    if channels and not problems:
        _derive(reading, channels, likelihood, _poi(poi, chosen, root))
    return reading


def _derive(
    reading: Reading, channels: tuple[Channel, ...], likelihood: LikelihoodReader, poi: str | None
) -> None:
    """Add the model, unless its parameters cannot be had."""
    defaults = derive_parameters(channels)
    reading.problems += defaults.problems
    if reading.problems:
        return
    settings = settings_of(
        channels,
        defaults.parameters,
        likelihood.claims,
        likelihood.responses.choices,
        likelihood.table,
    )
    # A parameter of a single bin is of interest by the name of its group.
    groups = {entry.name: entry.group for entry in defaults.parameters}
    derived = derive_parameters(channels, settings, None if poi is None else groups.get(poi, poi))
    reading.problems += derived.problems
    reading.warnings += derived.warnings
    if not reading.problems:
        reading.model = Model(
            channels=channels,
            parameters=derived.parameters,
            poi=derived.parameters[0].name if poi is not None else None,
            measurement=likelihood.analysis.name,
            settings=settings,
            warnings=tuple(reading.warnings),
        )


def _poi(poi: str | DeclaredPoi | None, analysis: Analysis, root: Node) -> str | None:
    if poi is None or isinstance(poi, str):
        return poi or None
    if len(analysis.pois) > 1:
        listed = ", ".join(map(repr, analysis.pois))
        root.warn(f"the analysis has the parameters of interest {listed}; the first is used")
    return analysis.pois[0] if analysis.pois else None
