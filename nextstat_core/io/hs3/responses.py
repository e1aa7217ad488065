r"""Parameters of modifiers that are functions of the fitted one: ROOT's Gamma and LogNormal terms.

ROOT writes a constraint term Gamma or LogNormal of relative uncertainty r as a function that turns
the fitted parameter into alpha: a polynomial :math:`(\beta - 1)/r` with a Poisson or Gamma term for
beta, or the expression :math:`((1+r)^\theta - 1)/r` with a unit Gaussian for theta. See
AddConstraintTerms in its HistoToWorkspaceFactoryFast.cxx.
"""

from __future__ import annotations

import re
from math import isclose
from typing import TYPE_CHECKING

from nextstat_core.io.hs3.constraints import literal
from nextstat_core.io.hs3.document import finite
from nextstat_core.ir import ConstraintChoice

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nextstat_core.io.hs3.constraints import Claims, Pdfs
    from nextstat_core.io.hs3.document import Node

__all__ = ["Responses"]

# tau * (pow(kappa, theta) - 1), with any of the three a number or a name.
_WORD = r"\s*([\w.+-]+?)\s*"
_LOGNORMAL = re.compile(rf"{_WORD}\*\s*\(\s*pow\s*\({_WORD},{_WORD}\)\s*-\s*1(?:\.0*)?\s*\)\s*")
_LONGEST = 1000


class Responses:
    """Functions of a document that stand for parameters.

    Parameters
    ----------
    functions : mapping of str to Node
        By name.
    pdfs : Pdfs
    claims : Claims
        Takes the constraints of the parameters behind functions.
    values : mapping of str to float
        Values of constants.

    Attributes
    ----------
    choices : dict
        What the functions amount to, by fitted parameter.
    """

    def __init__(
        self,
        functions: Mapping[str, Node],
        pdfs: Pdfs,
        claims: Claims,
        values: Mapping[str, float],
    ) -> None:
        self.choices: dict[str, ConstraintChoice] = {}
        self._functions = functions
        self._pdfs = pdfs
        self._claims = claims
        self._values = values
        self._behind: dict[str, str] = {}
        self._plain: set[str] = set()

    def plain(self, name: str, node: Node) -> bool:
        """Whether `name` is a parameter itself; a problem if it is not."""
        if name in self._functions:
            kind = self._functions[name].value.get("type")
            node.refuse(f"its parameter {name!r} is a function ({kind}); expected a parameter")
            return False
        return self._used(name, None, node)

    def behind(self, name: str, node: Node) -> str | None:
        """Name of the fitted parameter: `name`, or what the function of this name depends on."""
        function = self._functions.get(name)
        if function is None:
            return name if self._used(name, None, node) else None
        if name not in self._behind:
            found = self._read(function)
            if found is None:
                kind = function.value.get("type")
                node.refuse(
                    f"its parameter {name!r} is a function ({kind}); expected a parameter, or one "
                    "of ROOT's functions for Gamma and LogNormal terms"
                )
                return None
            parameter, choice = found
            if not self._used(parameter, choice, node):
                return None
            self._behind[name] = parameter
        return self._behind[name]

    def constrain(self, node: Node, written: str) -> None:
        """Note the constraint of the parameter behind the function `written`."""
        parameter = self._behind[written]
        name = node.text("constraint_name") or node.text("constraint")
        if name is not None and name in self._pdfs:
            nominal = 1.0 if self.choices[parameter].kind == "gamma" else 0.0
            claim = self._pdfs.claim(name, parameter, node, nominal)
            if claim is not None:
                self._claims.add(parameter, claim, node)

    def _used(self, parameter: str, choice: ConstraintChoice | None, node: Node) -> bool:
        """Note how modifiers see a parameter; refuse two ways."""
        other = parameter in self.choices if choice is None else parameter in self._plain
        if other or (choice is not None and self.choices.setdefault(parameter, choice) != choice):
            node.refuse(f"sees {parameter!r} in another way than modifiers before it")
            return False
        if choice is None:
            self._plain.add(parameter)
        return True

    def _read(self, function: Node) -> tuple[str, ConstraintChoice] | None:
        kind = function.value.get("type")
        if kind == "polynomial":
            return self._polynomial(function)
        if kind == "generic_function":
            return self._expression(function)
        return None

    def _polynomial(self, function: Node) -> tuple[str, ConstraintChoice] | None:
        coefficients = function.value.get("coefficients")
        variable = function.text("x", needed=True)
        if variable is None or not isinstance(coefficients, list) or len(coefficients) != 2:
            return None
        offset, slope = (self._number(entry) for entry in coefficients)
        if offset is None or slope is None or not slope > 0.0:
            return None
        if not isclose(offset, -slope, rel_tol=1e-12):
            return None
        return variable, ConstraintChoice("gamma", 1.0 / slope)

    def _expression(self, function: Node) -> tuple[str, ConstraintChoice] | None:
        expression = function.text("expression", needed=True) or ""
        match = _LOGNORMAL.fullmatch(expression) if len(expression) < _LONGEST else None
        if match is None:
            return None
        tau, kappa = self._number(match[1]), self._number(match[2])
        if tau is None or kappa is None or not kappa > 1.0:
            return None
        relative = kappa - 1.0
        if not isclose(tau * relative, 1.0, rel_tol=1e-9):
            return None
        # 1/tau keeps the digits that kappa loses.
        return match[3], ConstraintChoice("lognormal", 1.0 / tau)

    def _number(self, argument: object) -> float | None:
        if isinstance(argument, str):
            return self._values.get(argument, literal(argument))
        return finite(argument)
