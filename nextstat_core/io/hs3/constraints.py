"""What constrains a parameter: named distributions, or the types of older documents.

A `Claim` is what one modifier, or one distribution, says about one parameter; all that is said
about a parameter must agree. The key ``constraint`` is the name of a distribution in ROOT since
July 2026 (root-project/root, pull request 22735) and a type before; a name that exists goes first,
as in ROOT's importer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isclose
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from nextstat_core.errors import Problem
from nextstat_core.io.decode import describe
from nextstat_core.io.hs3.document import finite
from nextstat_core.ir.place import at_parameter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nextstat_core.io.hs3.document import Findings, Node

__all__ = ["CONSTRAINT_TYPES", "Claim", "ClaimKind", "Claims", "Pdfs", "constraint_word", "literal"]

ClaimKind: TypeAlias = Literal["gaussian", "poisson", "none"]

#: Types of constraints in HS3, in the spellings of the standard, of pyhs3 and of ROOT.
CONSTRAINT_TYPES: Mapping[str, str] = {
    "Gauss": "gaussian",
    "Gaussian": "gaussian",
    "Poisson": "poisson",
    "LogNormal": "lognormal",
    "Lognormal": "lognormal",
    "Const": "const",
}
_PDFS = ("gaussian_dist", "poisson_dist")


@dataclass(frozen=True, slots=True)
class Claim:
    """One constraint of one parameter.

    Attributes
    ----------
    kind : {"gaussian", "poisson", "none"}
    measured : float
        Centre of a Gaussian, count of a Poisson.
    scale : float
        Width of a Gaussian, factor of a Poisson.
    follows : bool
        The numbers follow from uncertainties and yields of the modifier.
    """

    kind: ClaimKind
    measured: float = 0.0
    scale: float = 0.0
    follows: bool = False

    def agrees(self, other: Claim) -> bool:
        """Whether both are the same constraint, to rounding."""
        return self.kind == other.kind and all(
            isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
            for a, b in ((self.measured, other.measured), (self.scale, other.scale))
        )


@dataclass(slots=True)
class Claims:
    """What is said about parameters; `fixed` are those that a modifier holds constant."""

    findings: Findings
    by_parameter: dict[str, Claim] = field(default_factory=dict)
    fixed: set[str] = field(default_factory=set)
    _claimants: dict[str, Node] = field(default_factory=dict)

    def add(self, parameter: str, claim: Claim, claimant: Node) -> None:
        """Note a claim; refuse one that contradicts an earlier one."""
        before = self.by_parameter.setdefault(parameter, claim)
        first = self._claimants.setdefault(parameter, claimant)
        if before is not claim and not before.agrees(claim):
            message = (
                f"{claimant.place} constrains it in another way than {first.place}; "
                "expected the same"
            )
            self.findings.problems.append(Problem(at_parameter(parameter), message))


class Pdfs:
    """Constraints given as distributions of their own.

    Parameters
    ----------
    distributions, functions : mapping of str to Node
        By name.
    values : mapping of str to float
        Observed values, and values of the parameter points.

    Attributes
    ----------
    constants : dict
        What was taken as a constant, with the distribution that uses it.
    """

    def __init__(
        self,
        distributions: Mapping[str, Node],
        functions: Mapping[str, Node],
        values: Mapping[str, float],
    ) -> None:
        self._distributions = distributions
        self._functions = functions
        self._values = values
        self.constants: dict[str, str] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._distributions

    def claim(
        self, name: str, parameter: str, user: Node, nominal: float, observed: float | None = None
    ) -> Claim | None:
        """Constraint of `parameter` by a distribution; None, with a problem, if it is none.

        Parameters
        ----------
        user : Node
            Where the distribution is named.
        nominal : float
            Value of the global observable ``nom_<parameter>`` where the document gives none: ROOT
            creates it like this while it reads the modifier.
        observed : float, optional
            What a likelihood pairs with the distribution.
        """
        node = self._distributions.get(name)
        if node is None:
            user.refuse(f"names the distribution {name!r}, which does not exist")
            return None
        kind = node.text("type", needed=True)
        if kind == "gaussian_dist":
            return self._gaussian(node, parameter, user, nominal, observed)
        if kind == "poisson_dist":
            return self._poisson(node, parameter, user, observed)
        hint = "a lognormal constraint is not supported" if kind == "lognormal_dist" else ""
        user.refuse(
            f"{name!r} is a {kind}; expected {' or '.join(_PDFS)} as constraint of {parameter!r}",
            hint,
        )
        return None

    def constrained(self, name: str) -> str | None:
        """Name of the variable that a distribution constrains, if it can be one of a constraint."""
        node = self._distributions.get(name)
        if node is None or node.value.get("type") not in _PDFS:
            return None
        candidates = [node.value.get("x"), node.value.get("mean")]
        found = [x for x in candidates if isinstance(x, str) and x not in self._values]
        if not found:
            found = [x for x in candidates if isinstance(x, str)]
        if found and found[-1] in self._functions:
            factors = self._functions[found[-1]].names("factors") or ()
            found = [x for x in factors if x not in self._values] or list(factors)
        return found[-1] if found else None

    def _gaussian(
        self, node: Node, parameter: str, user: Node, nominal: float, observed: float | None
    ) -> Claim | None:
        x, mean = node.value.get("x"), node.value.get("mean")
        if parameter not in (x, mean):
            _not_of(node, parameter, user)
            return None
        center = self._number(mean if x == parameter else x, node, parameter, nominal, observed)
        width = self._number(node.value.get("sigma"), node)
        return None if center is None or width is None else Claim("gaussian", center, width)

    def _poisson(
        self, node: Node, parameter: str, user: Node, observed: float | None
    ) -> Claim | None:
        factor = self._factor(node.value.get("mean"), parameter, node)
        if factor is None:
            _not_of(node, parameter, user)
            return None
        count = self._number(node.value.get("x"), node, parameter, factor, observed)
        return None if count is None else Claim("poisson", count, factor)

    def _factor(self, mean: Any, parameter: str, node: Node) -> float | None:
        """Factor of a mean that is the parameter, or its product with constants."""
        if mean == parameter:
            return 1.0
        product = self._functions.get(mean) if isinstance(mean, str) else None
        if product is None or product.value.get("type") != "product":
            return None
        factors = product.value.get("factors")
        if not isinstance(factors, list | tuple) or list(factors).count(parameter) != 1:
            return None
        total = 1.0
        for entry in factors:
            if entry != parameter:
                number = self._number(entry, node)
                if number is None:
                    return None
                total *= number
        return total

    def _number(
        self,
        argument: Any,
        node: Node,
        parameter: str = "",
        nominal: float | None = None,
        observed: float | None = None,
    ) -> float | None:
        """Value of an argument: a number, or the name of something with a value."""
        if observed is not None:
            return observed
        if not isinstance(argument, str):
            number = finite(argument)
            if number is None:
                node.refuse(f"found {describe(argument)}; expected a finite number or a name")
            return number
        value = self._values.get(argument)
        if value is not None:
            self.constants.setdefault(argument, node.name)
        else:
            value = nominal if argument == f"nom_{parameter}" else literal(argument)
        if value is None:
            node.refuse(f"{argument!r} has no value in data and parameter points; expected one")
        return value


def constraint_word(node: Node, pdfs: Pdfs) -> tuple[str | None, str | None]:
    """Name of the distribution, and type of the constraint, that a modifier gives."""
    name, word = node.text("constraint_name"), node.text("constraint_type")
    constraint = node.text("constraint")
    if name is None and constraint is not None:
        if constraint in pdfs:
            name = constraint
        else:
            word = constraint if word is None else word
    if name is None and word is not None and word not in CONSTRAINT_TYPES:
        node.refuse(
            f"the constraint {word!r} is neither a distribution of the document nor a type; "
            f"expected {', '.join(CONSTRAINT_TYPES)}"
        )
        word = None
    return name, None if word is None else CONSTRAINT_TYPES[word]


def _not_of(node: Node, parameter: str, user: Node) -> None:
    user.refuse(f"its constraint {node.name!r} does not depend on its parameter {parameter!r}")


def literal(text: str) -> float | None:
    """A constant that ROOT named by its value."""
    try:
        return finite(float(text))
    except ValueError:
        return None
