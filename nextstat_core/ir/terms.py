r"""The three things to which every modifier lowers, ours and plugins' alike.

The expected yield of sample s in bin b of a channel is

.. math::

    \nu_{sb} = F_s \, \Gamma_{sb} \, \Big( n_{sb} + \sum_k \phi_k(\theta_k) T_{k,sb} \Big)

with a row factor F (one number per channel and sample), a cell factor Gamma and cell additions made
of basis functions phi and templates T. A function of one parameter enters each with its value and
first and second derivative, so that gradient and Hessian of the likelihood are exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from nextstat_core.typing import Array, ArrayNamespace

__all__ = ["CellAddition", "CellFactor", "Curve", "Family", "RowFactor", "Term"]


class Family(Protocol):
    """A family of functions of one parameter, evaluated for many members at once.

    Instances must be hashable, compare equal to their copies, and pickle: members of equal families
    are evaluated in one call.
    """

    def __call__(
        self, x: Array, coefficients: Array, xp: ArrayNamespace, order: int
    ) -> tuple[Array, Array | None, Array | None]:
        """Value, first and second derivative.

        Parameters
        ----------
        x : array, shape (members, rows)
            Parameter values.
        coefficients : array, shape (n_coefficients, members, 1)
            Coefficients of each member.
        order : int
            0, 1 or 2: the highest derivative that is wanted; the others may be None.
        """
        ...


@dataclass(frozen=True, slots=True)
class Curve:
    """One member of a family. ``family=None`` is the identity."""

    family: Family | None = None
    coefficients: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class RowFactor:
    """A factor on all bins of one sample in one channel.

    With ``logarithm=True`` the curve is the logarithm of the factor; use it only where the factor
    is positive for every value of the parameter.
    """

    parameter: str
    curve: Curve
    logarithm: bool = False


@dataclass(frozen=True, slots=True)
class CellAddition:
    """``curve(parameter) * template`` added to the nominal yields; one template entry per bin.

    ``follows_nominal=-1`` says that the template contains ``-nominal`` (so it moves when the
    nominal yields of the sample do), 0 that it does not.
    """

    parameter: str
    curve: Curve
    template: tuple[float, ...]
    follows_nominal: int = 0


@dataclass(frozen=True, slots=True)
class CellFactor:
    """A factor per bin; ``parameters[b]`` and ``curves[b]`` act on bin b."""

    parameters: tuple[str, ...]
    curves: tuple[Curve, ...]


Term: TypeAlias = RowFactor | CellAddition | CellFactor
