"""HS3 documents to models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from nextstat_core.errors import FormatError, InputError, ModelError
from nextstat_core.io.bulk import without_collector
from nextstat_core.io.decode import decode, describe
from nextstat_core.io.hs3.analysis import choose_analysis
from nextstat_core.io.hs3.channels import ChannelReader
from nextstat_core.io.hs3.constraints import Claims, Pdfs
from nextstat_core.io.hs3.data import Data
from nextstat_core.io.hs3.dialects import in_todays_layout, is_hs3, shapesys_values
from nextstat_core.io.hs3.document import Node
from nextstat_core.io.hs3.domains import read_parameters
from nextstat_core.io.hs3.groups import settle_groups
from nextstat_core.io.hs3.responses import Responses
from nextstat_core.io.hs3.settings import settings_of
from nextstat_core.io.interpolation import choose_interpolations
from nextstat_core.io.reading import DECLARED, Reading
from nextstat_core.ir import Model, derive_parameters
from nextstat_core.ir.check import check_channels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nextstat_core.io.hs3.analysis import Analysis, Term
    from nextstat_core.io.hs3.dialects import ShapeSysValues
    from nextstat_core.io.hs3.domains import ParameterTable
    from nextstat_core.io.interpolation import InterpolationChoice, Interpolations
    from nextstat_core.io.reading import DeclaredPoi
    from nextstat_core.ir import Channel

__all__ = ["OnUnknown", "read_hs3", "try_hs3"]

OnUnknown = Literal["error", "skip"]
_CHANNEL = "histfactory_dist"
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
        reading = try_hs3(
            decode(source).usable(),
            analysis=analysis,
            param_points=param_points,
            poi=poi,
            interpolation=interpolation,
            shapesys=shapesys,
            on_unknown=on_unknown,
        )
    if reading.model is None:
        raise ModelError(reading.problems)
    return reading.model


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
    parts = _Parts(root, chosen, table, codes, shapesys or shapesys_values(document) or "absolute")
    channels = parts.channels(skip=on_unknown == "skip")
    problems, warnings = root.findings.problems, root.findings.warnings
    problems += check_channels(channels)
    if shapesys is None and shapesys_values(document) is None:
        parts.warn_of_guess()
    reading = Reading(problems=problems, warnings=warnings)
    if channels and not problems:
        _derive(reading, channels, parts, _poi(poi, chosen, root))
    return reading


class _Parts:
    """The sections that channels refer to."""

    def __init__(
        self,
        root: Node,
        analysis: Analysis,
        table: ParameterTable,
        codes: Interpolations,
        values: ShapeSysValues,
    ) -> None:
        self.root = root
        self.analysis = analysis
        self.table = table
        self.distributions = _by_name(root, "distributions")
        functions = _by_name(root, "functions")
        self.data = Data(root, analysis)
        known = table.values | self.data.observables
        self.pdfs = Pdfs(self.distributions, functions, known)
        self.claims = Claims(root.findings)
        self.responses = Responses(functions, self.pdfs, self.claims, known)
        self._codes, self._values = codes, values

    def channels(self, *, skip: bool) -> tuple[Channel, ...]:
        """Channels of the analysis; constraints go to `claims`."""
        reader = ChannelReader(
            pdfs=self.pdfs,
            claims=self.claims,
            responses=self.responses,
            codes=self._codes,
            values=self._values,
            skip=skip,
        )
        found: list[Channel] = []
        outer: list[_Outer] = [_Outer(name, None, self.root) for name in self.analysis.auxiliary]
        unbinned: list[Node] = []
        for term in self.analysis.terms:
            node = self._channel_of(term, outer)
            if node is not None:
                found.append(reader.read(node, self.data.counts(term.data, node)))
            elif term.distribution not in self.distributions:
                listed = ", ".join(map(repr, list(self.distributions)[:12])) or "none"
                self.root.refuse(
                    f"the likelihood names {term.distribution!r}; there are: {listed}",
                    "",
                    "distributions",
                )
            elif not self._constrains(term):
                unbinned.append(self.distributions[term.distribution])
            else:
                node = self.distributions[term.distribution]
                outer.append(_Outer(term.distribution, self._observed(term), node))
        self._refuse_unbinned(unbinned, skip=skip, any_channel=bool(found))
        modifiers = [
            modifier
            for channel in found
            for sample in channel.samples
            for modifier in sample.modifiers
        ]
        self._codes.refuse_unused((entry.kind, entry.name) for entry in modifiers)
        parameters = {name for modifier in modifiers for name in modifier.parameters}
        for entry in outer:
            self._constrain(entry, parameters)
        self._refuse_moving_observables(parameters)
        return settle_groups(found, self.claims)

    def warn_of_guess(self) -> None:
        """Say that the meaning of ``vals`` was guessed, where any was needed."""
        if self._values_used:
            self.root.warn(
                "nobody says what `vals` of shapesys are; they are read as uncertainties in events",
                'shapesys="relative" takes them relative to the yields, as ROOT writes them',
            )

    @property
    def _values_used(self) -> bool:
        return any(
            entry.value.get("type") == "shapesys" and "constraints" not in entry
            for term in self.analysis.terms
            if term.distribution in self.distributions
            for sample in self.distributions[term.distribution].children("samples")
            for entry in sample.children("modifiers")
            if "data" in entry
        )

    def _channel_of(self, term: Term, outer: list[_Outer]) -> Node | None:
        """Histfactory distribution of a term, by itself or as the only one of a product."""
        node = self.distributions.get(term.distribution)
        if node is None:
            return None
        kind = node.value.get("type")
        if kind != "product_dist":
            return node if kind == _CHANNEL else None
        factors = node.names("factors") or ()
        binned = [
            name
            for name in factors
            if name in self.distributions and self.distributions[name].value.get("type") == _CHANNEL
        ]
        if len(binned) != 1:
            return None
        outer += [_Outer(name, None, node) for name in factors if name != binned[0]]
        return self.distributions[binned[0]]

    def _constrains(self, term: Term) -> bool:
        """Whether a term is a constraint: a pdf of one variable at one observed value."""
        return self.pdfs.constrained(term.distribution) is not None and (
            self._observed(term) is not None
        )

    def _observed(self, term: Term) -> float | None:
        """Value that a likelihood pairs with a constraint."""
        if not isinstance(term.data, str):
            return term.data
        node = self.distributions[term.distribution]
        variables = [node.value.get("x"), node.value.get("mean"), term.data]
        values = self.data.observables
        return next((values[x] for x in variables if isinstance(x, str) and x in values), None)

    def _constrain(self, entry: _Outer, parameters: set[str]) -> None:
        """Apply a constraint that a likelihood lists, if it is about one of the parameters."""
        parameter = self.pdfs.constrained(entry.name)
        if parameter is None:
            node = self.distributions.get(entry.name)
            kind = "missing" if node is None else f"a {node.value.get('type')}"
            entry.user.refuse(
                f"the constraint {entry.name!r} is {kind}; expected a gaussian_dist or poisson_dist"
            )
        elif parameter in parameters:
            claim = self.pdfs.claim(entry.name, parameter, entry.user, 1.0, entry.observed)
            if claim is not None:
                self.claims.add(parameter, claim, f"distribution {entry.name!r}")
        else:
            entry.user.warn(
                f"the constraint {entry.name!r} is about {parameter!r}, which no channel has; "
                "it is left out"
            )

    def _refuse_moving_observables(self, parameters: set[str]) -> None:
        """Refuse constraints around, or as wide as, a parameter that is fitted itself."""
        for name, pdf in self.pdfs.constants.items():
            if name in parameters and not self.table.constant.get(name, False):
                self.distributions[pdf].refuse(
                    f"depends on {name!r}, which is a parameter of a modifier too; expected a "
                    "constraint of one parameter"
                )

    def _refuse_unbinned(self, nodes: Sequence[Node], *, skip: bool, any_channel: bool) -> None:
        """Refuse, or leave out, what is no channel; without any channel there is no model."""
        for node in nodes:
            message = f"nextstat reads {_CHANNEL} only, which are binned"
            if skip:
                node.warn(f"is left out: {message}")
            else:
                node.refuse(message, 'on_unknown="skip" leaves it out' if any_channel else "")
        if not any_channel and (skip or not nodes):
            listed = ", ".join(
                f"{node.name!r} ({node.value.get('type')})"
                for node in list(self.distributions.values())[:12]
            )
            where = f" in {self.analysis.name!r}" if self.analysis.name else ""
            self.root.refuse(
                f"no {_CHANNEL}{where}: nextstat reads binned models only; the document has "
                f"{listed or 'no distributions'}"
            )


@dataclass(frozen=True, slots=True)
class _Outer:
    """A constraint outside of channels, its observed value, and who lists it."""

    name: str
    observed: float | None
    user: Node


def _derive(
    reading: Reading, channels: tuple[Channel, ...], parts: _Parts, poi: str | None
) -> None:
    """Add the model, unless its parameters cannot be had."""
    defaults = derive_parameters(channels)
    reading.problems += defaults.problems
    if reading.problems:
        return
    settings = settings_of(
        channels, defaults.parameters, parts.claims, parts.responses.choices, parts.table
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
            measurement=parts.analysis.name,
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


def _by_name(root: Node, section: str) -> dict[str, Node]:
    nodes: dict[str, Node] = {}
    for node in root.children(section):
        if not node.name:
            node.refuse("the key 'name' is missing")
        elif node.name in nodes:
            node.refuse("this name is given twice; expected once")
        nodes.setdefault(node.name, node)
    return nodes
