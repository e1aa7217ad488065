"""Modifiers of single bins: staterror, shapesys and shapefactor.

ROOT makes the constraints of a staterror from the errors of its samples, relative to their sum, and
those of a shapesys from its ``vals``. A bin without uncertainty has a constant parameter and no
constraint, and one below ``relThreshold`` a constant parameter with its constraint: functions
configureConstrainedGammas and createGammaConstraints of ROOT's HistFactoryImpl.cxx. Constraints
that are named in ``constraints`` go before both.
"""

from __future__ import annotations

from math import isfinite, sqrt
from typing import TYPE_CHECKING

from nextstat_core.io.hs3.constraints import CONSTRAINT_TYPES, Claim, constraint_word
from nextstat_core.ir import ShapeFactor, ShapeSys, StatError

if TYPE_CHECKING:
    from nextstat_core.io.hs3.constraints import Claims, Pdfs
    from nextstat_core.io.hs3.dialects import ShapeSysValues
    from nextstat_core.io.hs3.document import Node
    from nextstat_core.ir import Modifier

__all__ = ["BinWise"]

_NOMINAL = 1.0


class BinWise:
    """Reads the bin-wise modifiers of one channel after the other."""

    kinds = ("staterror", "shapesys", "shapefactor")

    def __init__(self, pdfs: Pdfs, claims: Claims, values: ShapeSysValues) -> None:
        self._pdfs = pdfs
        self._claims = claims
        self._values = values
        self._channel = ""
        self._threshold = 0.0
        self._type: str | None = None
        self._data: Node | None = None
        #: By list of statistical parameters: the modifiers, and sums over their samples.
        self._staterrors: dict[tuple[str, ...], list[Node]] = {}
        self._yields: dict[tuple[str, ...], list[float]] = {}
        self._squares: dict[tuple[str, ...], list[float]] = {}

    def begin_channel(self, node: Node) -> None:
        """Read what a channel says about all its staterrors."""
        self._channel = node.name.removeprefix("model_")
        self._staterrors.clear()
        self._yields.clear()
        self._squares.clear()
        self._threshold, self._type = 0.0, None
        settings = node.child("staterror")
        if settings is not None:
            self._threshold = settings.number("relThreshold") or 0.0
            word = settings.text("constraint_type") or settings.text("constraint")
            if word is not None and word not in ("Gauss", "Gaussian", "Poisson", "Const"):
                settings.refuse(f"found the constraint {word!r}; expected Gauss, Poisson or Const")
            self._type = CONSTRAINT_TYPES.get(word or "")

    def begin_sample(self, data: Node) -> None:
        """Take the data of a sample; its errors are read where a staterror needs them."""
        self._data = data

    def read(self, node: Node, kind: str, contents: tuple[float, ...]) -> Modifier | None:
        """Modifier, named by its parameters until `groups` gives it the name of its group."""
        parameters = self._parameters(node, kind, len(contents))
        if parameters is None:
            return None
        if kind == "staterror":
            return self._staterror(node, parameters, contents)
        if kind == "shapefactor" or not self._has_values(node):
            self._shapefactor(node, parameters)
            return ShapeFactor(node.name, parameters)
        return self._shapesys(node, parameters, contents)

    def end_channel(self) -> None:
        """Constrain the statistical parameters: now the sums over samples are known."""
        for parameters, uses in self._staterrors.items():
            yields, squares = self._yields[parameters], self._squares[parameters]
            relative = [
                sqrt(square) / total if total > 0.0 else 0.0
                for total, square in zip(yields, squares, strict=True)
            ]
            for node in uses:
                self._constrain_staterror(node, parameters, relative)

    # -- parts of these ---------------------------------------------------------------------------

    def _parameters(self, node: Node, kind: str, count: int) -> tuple[str, ...] | None:
        names = node.names("parameters")
        if names is None:
            only = node.text("parameter")
            names = (only,) if only is not None and count == 1 else None
        if names is None:
            system = f"stat_{self._channel}" if kind == "staterror" else node.name
            if not system:
                node.refuse("has neither `parameters` nor `name`")
                return None
            return tuple(f"gamma_{system}_bin_{index}" for index in range(count))
        if len(names) != count:
            node.refuse(f"has {len(names)} parameters; expected {count}, one per bin")
            return None
        return names

    def _named(self, node: Node, parameters: tuple[str, ...]) -> bool:
        """Read the distributions in ``constraints``; False where there is no such list."""
        constraints = node.optional_names("constraints")
        if constraints is None:
            return False
        if len(constraints) != len(parameters):
            node.refuse(
                f"has {len(constraints)} constraints; expected {len(parameters)}, one per parameter"
            )
            return True
        for parameter, name in zip(parameters, constraints, strict=True):
            claim: Claim | None = Claim("none")
            if name is not None:
                claim = self._pdfs.claim(name, parameter, node, _NOMINAL)
            if claim is not None:
                self._claims.add(parameter, claim, node)
        return True

    def _type_of(self, node: Node, default: str | None) -> str | None:
        name, word = constraint_word(node, self._pdfs)
        if name is not None:
            node.refuse(
                f"names one constraint, {name!r}, for all its bins; expected a list `constraints`"
            )
            return None
        if word == "lognormal":
            node.refuse("a lognormal constraint is not supported; expected Gauss or Poisson")
            return None
        return default if word is None else word

    def _staterror(
        self, node: Node, parameters: tuple[str, ...], contents: tuple[float, ...]
    ) -> Modifier | None:
        errors = self._errors(node, contents)
        if errors is None:
            return None
        if len(errors) != len(contents):
            node.refuse(f"there are {len(errors)} errors; expected {len(contents)}, one per bin")
            return None
        yields = self._yields.setdefault(parameters, [0.0] * len(contents))
        squares = self._squares.setdefault(parameters, [0.0] * len(contents))
        for index, (value, error) in enumerate(zip(contents, errors, strict=True)):
            yields[index] += value
            squares[index] += error * error
        self._staterrors.setdefault(parameters, []).append(node)
        return StatError(node.name, parameters, errors)

    def _errors(self, node: Node, contents: tuple[float, ...]) -> tuple[float, ...] | None:
        """Uncertainties of yields: the modifier's own, as in pyhs3, or else those of its sample."""
        own = node.child("data")
        if own is not None and "uncertainties" in own:
            return own.numbers("uncertainties")
        if self._data is not None and "errors" in self._data:
            return self._data.numbers("errors")
        # What a histogram of ROOT has without weights.
        node.warn("its sample has no `errors`; they are square roots of yields, as in ROOT")
        return tuple(sqrt(max(value, 0.0)) for value in contents)

    def _constrain_staterror(
        self, node: Node, parameters: tuple[str, ...], relative: list[float]
    ) -> None:
        for parameter, width in zip(parameters, relative, strict=True):
            if width < self._threshold:
                self._claims.fixed.add(parameter)
        if self._named(node, parameters):
            return
        kind = self._type_of(node, self._type or "poisson")
        if kind is not None:
            for parameter, width in zip(parameters, relative, strict=True):
                self._relative(node, parameter, kind, width)

    def _has_values(self, node: Node) -> bool:
        data = node.child("data")
        return data is not None and "vals" in data

    def _shapefactor(self, node: Node, parameters: tuple[str, ...]) -> None:
        if self._named(node, parameters):
            return
        kind = self._type_of(node, None)
        if kind == "const":
            self._claims.fixed.update(parameters)
        elif kind is not None:
            node.refuse("has a constraint and no `vals`; expected both or neither")

    def _shapesys(
        self, node: Node, parameters: tuple[str, ...], contents: tuple[float, ...]
    ) -> Modifier | None:
        data = node.child("data", needed=True)
        values = None if data is None else data.numbers("vals", needed=True)
        if values is None or data is None:
            return None
        if len(values) != len(contents):
            data.refuse(f"`vals` has {len(values)} entries; expected {len(contents)}, one per bin")
            return None
        if self._named(node, parameters):
            return ShapeSys(node.name, parameters, self._named_widths(parameters, contents))
        kind = self._type_of(node, "poisson")
        if kind is None:
            return None
        relative = [
            self._relative_value(value, nominal, kind)
            for value, nominal in zip(values, contents, strict=True)
        ]
        for parameter, width in zip(parameters, relative, strict=True):
            if width == 0.0 and self._values == "absolute":
                # Uncertainties in events are pyhf's, whose term for such a bin is a constant.
                self._claims.fixed.add(parameter)
            else:
                self._relative(node, parameter, kind, width)
        if self._values == "absolute":
            return ShapeSys(node.name, parameters, values)
        widths = zip(relative, contents, strict=True)
        return ShapeSys(node.name, parameters, tuple(width * yields for width, yields in widths))

    def _named_widths(
        self, parameters: tuple[str, ...], contents: tuple[float, ...]
    ) -> tuple[float, ...]:
        """Absolute uncertainties that the named constraints amount to."""
        widths = []
        for parameter, nominal in zip(parameters, contents, strict=True):
            claim = self._claims.by_parameter.get(parameter)
            relative = 0.0
            if claim is not None and claim.scale > 0.0 and claim.kind != "none":
                gaussian = claim.kind == "gaussian"
                relative = claim.scale if gaussian else 1.0 / sqrt(claim.scale)
            widths.append(relative * nominal)
        return tuple(widths)

    def _relative_value(self, value: float, nominal: float, kind: str) -> float:
        if self._values == "absolute":
            return value / nominal if nominal > 0.0 else 0.0
        if self._values == "counts" and kind == "poisson":
            return 1.0 / sqrt(value) if value > 0.0 else 0.0
        return value

    def _relative(self, node: Node, parameter: str, kind: str, width: float) -> None:
        """Constrain one gamma by its relative uncertainty."""
        claim = Claim("none", follows=True)
        if kind == "const" or not width > 0.0:
            self._claims.fixed.add(parameter)
        elif kind == "gaussian":
            claim = Claim("gaussian", _NOMINAL, width, follows=True)
        else:
            tau = 1.0 / width / width
            if not (isfinite(tau) and tau > 0.0):
                node.refuse(f"the relative uncertainty {width:g} of {parameter!r} is out of range")
                return
            claim = Claim("poisson", tau, tau, follows=True)
        self._claims.add(parameter, claim, node)
