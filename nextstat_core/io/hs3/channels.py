"""A histfactory distribution to a channel, and what it says about constraints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nextstat_core.errors import closest
from nextstat_core.io.hs3.bins import BinWise
from nextstat_core.io.hs3.constraints import Claim, constraint_word
from nextstat_core.io.hs3.interpolation import own_interpolation
from nextstat_core.ir import Channel, HistoSys, NormFactor, NormSys, Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nextstat_core.io.hs3.constraints import Claims, Pdfs
    from nextstat_core.io.hs3.dialects import ShapeSysValues
    from nextstat_core.io.hs3.document import Node
    from nextstat_core.io.hs3.responses import Responses
    from nextstat_core.io.interpolation import Interpolations
    from nextstat_core.ir import Modifier

__all__ = ["ChannelReader"]

_CHANNEL_KEYS = ("name", "type", "axes", "samples", "staterror", "default_interpolation")
_SAMPLE_KEYS = ("name", "data", "modifiers")
_MODIFIER_KEYS = (
    "name",
    "type",
    "data",
    "parameter",
    "parameters",
    "constraint",
    "constraint_name",
    "constraint_type",
    "constraints",
    "interpolation",
)
_SYS = 0.0  # nominal value of the parameter of a normsys or histosys, by the HS3 standard
_FACTOR = 1.0  # and of factors


class ChannelReader:
    """Reads channels; keeps what they say about parameters.

    Parameters
    ----------
    pdfs : Pdfs
        Constraints that have distributions of their own.
    claims : Claims
        Takes the constraints.
    responses : Responses
        Parameters that are functions of others.
    codes : Interpolations
        Codes of modifiers that do not choose one.
    values : {"relative", "absolute", "counts"}
        What ``data.vals`` of a shapesys are.
    skip : bool
        Leave out modifiers of unknown types, with a warning.
    """

    def __init__(
        self,
        *,
        pdfs: Pdfs,
        claims: Claims,
        responses: Responses,
        codes: Interpolations,
        values: ShapeSysValues,
        skip: bool,
    ) -> None:
        self.responses = responses
        self.codes = codes
        self.claims = claims
        self.pdfs = pdfs
        self._skip = skip
        self.bin_wise = BinWise(pdfs, claims, values)
        self.channel = ""
        self.default_interpolation: Any = None

    def read(self, node: Node) -> Channel:
        """Channel of a distribution of type ``histfactory_dist``, without observed counts."""
        node.warn_of_unknown(_CHANNEL_KEYS)
        self.channel = node.name
        self.default_interpolation = node.value.get("default_interpolation")
        self.bin_wise.begin_channel(node)
        samples = []
        for index, entry in enumerate(node.children("samples", needed=True)):
            sample = self._sample(entry, index)
            if sample is not None:
                samples.append(sample)
        self.bin_wise.end_channel()
        return Channel(node.name, tuple(samples), ())

    def _sample(self, node: Node, index: int) -> Sample | None:
        node.warn_of_unknown(_SAMPLE_KEYS)
        data = node.child("data", needed=True)
        contents = data.numbers("contents", needed=True) if data is not None else None
        if data is None or contents is None:
            return None
        self.bin_wise.begin_sample(data)
        modifiers = []
        for entry in node.children("modifiers"):
            modifier = self._modifier(entry, contents)
            if modifier is not None:
                modifiers.append(modifier)
        return Sample(node.name or f"sample_{index}", contents, tuple(modifiers))

    def _modifier(self, node: Node, contents: tuple[float, ...]) -> Modifier | None:
        kind = node.text("type", needed=True)
        if kind is None:
            return None
        if kind in _SCALAR:
            node.warn_of_unknown(_MODIFIER_KEYS)
            return _SCALAR[kind](self, node)
        if kind in self.bin_wise.kinds:
            node.warn_of_unknown(_MODIFIER_KEYS)
            return self.bin_wise.read(node, kind, contents)
        known = (*_SCALAR, *self.bin_wise.kinds)
        if self._skip:
            node.warn(f"is left out: its type {kind!r} is unknown")
            return None
        node.refuse(
            f"unknown modifier type {kind!r}; expected {', '.join(known)}",
            closest(kind, known) or 'on_unknown="skip" leaves it out',
        )
        return None

    def parameter(self, node: Node, prefix: str) -> str | None:
        """Name of a modifier's only parameter; ROOT's convention where it is not given."""
        name = node.text("parameter")
        if name is not None:
            return name
        names = node.names("parameters")
        if names is not None:
            if len(names) == 1:
                return names[0]
            node.refuse(f"has {len(names)} parameters; expected one")
            return None
        if node.name:
            return prefix + node.name
        node.refuse("has neither `parameter` nor `name`")
        return None

    def constrain(self, node: Node, parameter: str, nominal: float) -> None:
        """Note what constrains the only parameter of a modifier."""
        name, word = constraint_word(node, self.pdfs)
        listed = node.optional_names("constraints")
        if name is None and listed is not None:
            if len(listed) != 1:
                node.refuse(f"has {len(listed)} constraints; expected one, for its parameter")
                return
            name = listed[0]
        unconstrained = listed == (None,) or (
            "constraint" in node and node.value["constraint"] is None
        )
        claim: Claim | None = None
        if name is not None:
            claim = self.pdfs.claim(name, parameter, node, nominal)
        elif unconstrained:
            claim = Claim("none")
        elif word is not None:
            claim = self._by_type(node, word, parameter, nominal)
        elif nominal == _SYS:
            claim = Claim("gaussian", _SYS, 1.0)
        if claim is not None:
            self.claims.add(parameter, claim, node)

    def _by_type(self, node: Node, word: str, parameter: str, nominal: float) -> Claim | None:
        """Return a unit constraint around the nominal value, as the HS3 standard defines it."""
        if word == "const":
            self.claims.fixed.add(parameter)
            return Claim("none")
        if word == "gaussian":
            return Claim("gaussian", nominal, 1.0)
        if word == "poisson" and nominal == _FACTOR:
            return Claim("poisson", 1.0, 1.0)
        node.refuse(
            f"the constraint type {node.value.get('constraint')!r} has no meaning for a parameter "
            f"of nominal value {nominal:g}; expected Gauss{' or Poisson' * (nominal == _FACTOR)}",
            "name a gaussian_dist or poisson_dist instead",
        )
        return None


def _normfactor(reader: ChannelReader, node: Node) -> Modifier | None:
    parameter = reader.parameter(node, "")
    if parameter is None or not reader.responses.plain(parameter, node):
        return None
    reader.constrain(node, parameter, _FACTOR)
    return NormFactor(parameter, (parameter,))


def _normsys(reader: ChannelReader, node: Node) -> Modifier | None:
    parameter = _alpha(reader, node)
    data = node.child("data", needed=True)
    if data is None or parameter is None:
        return None
    lo, hi = data.number("lo", needed=True), data.number("hi", needed=True)
    code = own_interpolation(node, "normsys", reader.default_interpolation)
    if lo is None or hi is None:
        return None
    chosen = code or reader.codes.code("normsys", parameter)
    return NormSys(parameter, (parameter,), lo, hi, chosen)


def _histosys(reader: ChannelReader, node: Node) -> Modifier | None:
    parameter = _alpha(reader, node)
    data = node.child("data", needed=True)
    if data is None or parameter is None:
        return None
    lo, hi = _template(data, "lo"), _template(data, "hi")
    code = own_interpolation(node, "histosys", reader.default_interpolation)
    if lo is None or hi is None:
        return None
    chosen = code or reader.codes.code("histosys", parameter)
    return HistoSys(parameter, (parameter,), lo, hi, chosen)


def _alpha(reader: ChannelReader, node: Node) -> str | None:
    """Parameter of an interpolation; the one behind it where it is a function."""
    written = reader.parameter(node, "alpha_")
    if written is None:
        return None
    parameter = reader.responses.behind(written, node)
    if parameter is None:
        return None
    if parameter == written:
        reader.constrain(node, parameter, _SYS)
    else:
        reader.responses.constrain(node, written)
    return parameter


def _template(data: Node, key: str) -> tuple[float, ...] | None:
    """Yields of a variation: an object with ``contents``, or a plain list."""
    if isinstance(data.value.get(key), list | tuple):
        return data.numbers(key)
    contents = data.child(key, needed=True)
    return None if contents is None else contents.numbers("contents", needed=True)


_SCALAR: Mapping[str, Callable[[ChannelReader, Node], Modifier | None]] = {
    "normfactor": _normfactor,
    "lumi": _normfactor,
    "normsys": _normsys,
    "histosys": _histosys,
}
