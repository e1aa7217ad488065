"""Constraints and responses of a model as distributions, functions and values of a document."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

from nextstat_core.ir import AffineResponse, GaussianConstraint, PoissonConstraint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nextstat_core.ir import Parameter

__all__ = ["WrittenConstraints"]


class WrittenConstraints:
    """The sections that describe constraints, called and made as ROOT does.

    Parameters
    ----------
    parameters : iterable of Parameter
    names : mapping of str to str
        Names of parameters in the document.
    interpolated : set of str
        Parameters of normsys and histosys, whose constraints ROOT calls otherwise.

    Attributes
    ----------
    distributions, functions : list of dict
    constants : dict
        Global observables and other constants, by name.
    """

    def __init__(
        self, parameters: Iterable[Parameter], names: Mapping[str, str], interpolated: set[str]
    ) -> None:
        self.distributions: list[dict[str, Any]] = []
        self.functions: list[dict[str, Any]] = []
        self.constants: dict[str, float] = {}
        self._parameters = {entry.name: entry for entry in parameters}
        self._constraints: dict[str, str] = {}
        self._seen: dict[str, str] = {}
        for entry in self._parameters.values():
            name = names[entry.name]
            self._seen[entry.name] = self._response(entry, name)
            ending = "Constraint" if entry.name in interpolated else "_constraint"
            match entry.constraint:
                case GaussianConstraint(center, width):
                    self._gaussian(name, f"{name}{ending}", center, width)
                case PoissonConstraint(count, factor):
                    self._poisson(name, f"{name}{ending}", count, factor)
                case None:
                    continue
            self._constraints[entry.name] = f"{name}{ending}"

    def constraint(self, parameter: str) -> str | None:
        """Name of the distribution that constrains a parameter."""
        return self._constraints.get(parameter)

    def seen(self, parameter: str) -> str:
        """Name of what modifiers see: the parameter, or a function of it."""
        return self._seen[parameter]

    def relative(self, parameter: str) -> float:
        """Relative uncertainty that a constraint around 1 amounts to; 0 without one."""
        match self._parameters[parameter].constraint:
            case GaussianConstraint(_, width):
                return width
            case PoissonConstraint(_, factor):
                return 1.0 / sqrt(factor)
        return 0.0

    def alike(self, parameters: Iterable[str]) -> bool:
        """Whether all constraints of these parameters are of one type."""
        return len({type(self._parameters[name].constraint) for name in parameters}) == 1

    def type_of(self, parameters: Iterable[str]) -> str:
        """Type that ROOT's older versions take for all bins of a modifier."""
        constraints = [self._parameters[name].constraint for name in parameters]
        if any(isinstance(entry, PoissonConstraint) for entry in constraints):
            return "Poisson"
        return "Gauss" if any(constraints) else "Const"

    def _gaussian(self, name: str, pdf: str, center: float, width: float) -> None:
        self.constants[f"nom_{name}"] = center
        self.distributions.append(
            {
                "name": pdf,
                "type": "gaussian_dist",
                "x": name,
                "mean": f"nom_{name}",
                "sigma": width,
            }
        )

    def _poisson(self, name: str, pdf: str, count: float, factor: float) -> None:
        self.constants |= {f"nom_{name}": count, f"{name}_tau": factor}
        self.functions.append(
            {"name": f"{name}_poisMean", "type": "product", "factors": [name, f"{name}_tau"]}
        )
        self.distributions.append(
            {
                "name": pdf,
                "type": "poisson_dist",
                "x": f"nom_{name}",
                "mean": f"{name}_poisMean",
                "integer": False,
            }
        )

    def _response(self, parameter: Parameter, name: str) -> str:
        response = parameter.response
        if response is None:
            return name
        function: dict[str, Any] = {"name": f"alphaOfBeta_{name}"}
        if isinstance(response, AffineResponse):
            coefficients = [response.offset, response.slope]
            function |= {"type": "polynomial", "x": name, "coefficients": coefficients}
        else:
            tau, kappa = 1.0 / response.relative, 1.0 + response.relative
            expression = f"{tau!r}*(pow({kappa!r},{name})-1.)"
            function |= {"type": "generic_function", "expression": expression}
        self.functions.append(function)
        return str(function["name"])
