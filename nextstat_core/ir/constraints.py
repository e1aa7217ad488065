"""Another constraint than the one that a modifier brings."""

from collections.abc import Set
from dataclasses import replace
from math import nan, sqrt

from nextstat_core.errors import Problem
from nextstat_core.ir.modifiers import HistoSys, Lumi, NormSys
from nextstat_core.ir.nodes import (
    AffineResponse,
    Constraint,
    ConstraintChoice,
    GaussianConstraint,
    LogNormalResponse,
    Parameter,
    PoissonConstraint,
)
from nextstat_core.ir.place import at_parameter

__all__ = ["with_constraint"]

# Far from zero where the likelihood would be infinite, and no nearer than a gamma's own bounds.
_POSITIVE_BOUNDS = (1e-10, 10.0)
# Beyond these an auxiliary count means nothing in double precision.
_LARGEST = 1e9
_RANGE = "1e-9 to 1e9"
_INTERPOLATED = frozenset({NormSys.kind, HistoSys.kind})


def with_constraint(
    parameter: Parameter, choice: ConstraintChoice, kinds: Set[str]
) -> Parameter | Problem:
    r"""`parameter` with the constraint that a measurement chose, or why it cannot have it.

    A Gamma term is the Poisson term of :math:`\tau = 1/r^2` events, up to a constant; of a normsys
    or histosys it constrains :math:`\beta = 1 + r\alpha`, which is then the parameter. See
    AddConstraintTerms in ROOT's HistoToWorkspaceFactoryFast.

    Parameters
    ----------
    parameter : Parameter
        As its modifiers bring it.
    kinds : set of str
        Kinds of these modifiers.
    """
    refused = _refused(choice, kinds)
    if refused:
        return Problem(at_parameter(parameter.name), refused)
    if choice.kind in ("uniform", "none"):
        return replace(parameter, constraint=None)
    if kinds & _INTERPOLATED:
        return _of_alpha(parameter, choice)
    return replace(parameter, constraint=_of_factor(parameter.constraint, choice))


def _refused(choice: ConstraintChoice, kinds: Set[str]) -> str:
    relative, kind = choice.relative, choice.kind
    if relative is not None and not 1.0 / _LARGEST <= relative <= _LARGEST:
        return f"the relative uncertainty is {relative:g}; expected one of {_RANGE}"
    if kinds & _INTERPOLATED:
        if kind == "poisson":
            return "a normsys or histosys is no rate; expected a gamma term"
        if kind in ("gamma", "lognormal") and relative is None:
            return f"a {kind} term of a normsys or histosys needs a relative uncertainty"
    elif kind == "lognormal":
        return "a lognormal term acts through a normsys or histosys; this is neither"
    if Lumi.kind in kinds and kind in ("poisson", "gamma"):
        return f"a luminosity is gaussian or free; found {kind!r}"
    return ""


def _of_alpha(parameter: Parameter, choice: ConstraintChoice) -> Parameter:
    """Constraint of an interpolation parameter, whose own is a unit Gaussian."""
    relative = choice.relative
    if choice.kind == "gaussian" or relative is None:
        return parameter
    if choice.kind == "lognormal":
        return replace(parameter, response=LogNormalResponse(relative))
    lower, upper = _POSITIVE_BOUNDS
    tau = relative**-2
    return Parameter(
        parameter.name,
        parameter.group,
        init=1.0,
        lower=lower,
        upper=upper,
        fixed=parameter.fixed,
        constraint=PoissonConstraint(tau, tau),
        response=AffineResponse(1.0 / relative, -1.0 / relative),
    )


def _of_factor(constraint: Constraint | None, choice: ConstraintChoice) -> Constraint:
    """The other kind of constraint of the same width, unless another one is given.

    Where there was none, NaN is for what the measurement has to give.
    """
    if constraint is None:
        tau = nan if choice.relative is None else choice.relative**-2
        if choice.kind == "gaussian":
            return GaussianConstraint(1.0, choice.relative or nan)
        return PoissonConstraint(tau, tau)
    if isinstance(constraint, GaussianConstraint):
        width = choice.relative or constraint.width
        if choice.kind == "gaussian":
            return GaussianConstraint(constraint.center, width)
        tau = 1.0 / width / width
        return PoissonConstraint(tau, tau)
    if choice.kind == "gaussian":
        return GaussianConstraint(1.0, choice.relative or 1.0 / sqrt(constraint.factor))
    tau = constraint.factor if choice.relative is None else choice.relative**-2
    return PoissonConstraint(tau, tau)
