"""The likelihood of a document: which distributions are channels and which are constraints."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nextstat_core.io.hs3.channels import ChannelReader
from nextstat_core.io.hs3.constraints import Claims, Pdfs
from nextstat_core.io.hs3.data import Data
from nextstat_core.io.hs3.groups import settle_groups
from nextstat_core.io.hs3.responses import Responses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nextstat_core.io.hs3.analysis import Analysis, Term
    from nextstat_core.io.hs3.dialects import ShapeSysValues
    from nextstat_core.io.hs3.document import Node
    from nextstat_core.io.hs3.domains import ParameterTable
    from nextstat_core.io.interpolation import Interpolations
    from nextstat_core.ir import Channel

__all__ = ["LikelihoodReader"]

_CHANNEL = "histfactory_dist"


class LikelihoodReader:
    """Reads the terms of an analysis: channels, and constraints outside of channels.

    Parameters
    ----------
    root : Node
        The document.
    analysis : Analysis
        What is read.
    table : ParameterTable
        Values of parameters and constants.
    codes : Interpolations
        Codes of modifiers that do not choose one.
    values : {"relative", "absolute", "counts"}
        What ``data.vals`` of a shapesys are.

    Attributes
    ----------
    claims : Claims
        What the channels and the constraints say about parameters.
    responses : Responses
        Gamma and LogNormal terms.
    """

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
                found.append(self._with_counts(reader.read(node), term, node))
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
            self._constrain(entry, parameters, skip=skip)
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

    def _with_counts(self, channel: Channel, term: Term, node: Node) -> Channel:
        """Add the observed counts; zeros, which are in nobody's way, where they are a problem."""
        counts = self.data.counts(term.data, node)
        if counts is None:
            counts = tuple(0.0 for _ in channel.samples[0].nominal) if channel.samples else ()
        return replace(channel, observed=counts)

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

    def _constrain(self, entry: _Outer, parameters: set[str], *, skip: bool) -> None:
        """Apply a constraint that a likelihood lists, if it is about one of the parameters."""
        parameter = self.pdfs.constrained(entry.name)
        if parameter is None:
            node = self.distributions.get(entry.name)
            kind = "missing" if node is None else f"a {node.value.get('type')}"
            message = f"the constraint {entry.name!r} is {kind}"
            if skip and node is not None:
                entry.user.warn(f"{message}; it is left out")
            else:
                entry.user.refuse(f"{message}; expected a gaussian_dist or poisson_dist")
        elif parameter in parameters:
            claim = self.pdfs.claim(entry.name, parameter, entry.user, 1.0, entry.observed)
            if claim is not None:
                self.claims.add(parameter, claim, self.distributions[entry.name])
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


def _by_name(root: Node, section: str) -> dict[str, Node]:
    nodes: dict[str, Node] = {}
    for node in root.children(section):
        if not node.name:
            node.refuse("the key 'name' is missing")
        elif node.name in nodes:
            node.refuse("this name is given twice; expected once")
        nodes.setdefault(node.name, node)
    return nodes
