"""Whose rules an XML file is read by.

The same files mean different models to ROOT's ``hist2workspace`` and to pyhf's ``readxml``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from nextstat_core.errors import InputError

__all__ = ["ConventionName", "Conventions", "choose_conventions"]

ConventionName: TypeAlias = Literal["root", "pyhf"]


@dataclass(frozen=True, slots=True)
class Conventions:
    """What the two readers do differently.

    Attributes
    ----------
    name : {"root", "pyhf"}
        Whose rules these are.
    statistics : bool
        Whether ``<StatErrorConfig>`` counts: its type of constraint, Poisson by default, and its
        threshold, 0.05 by default. Otherwise all statistical errors are Gaussian and free.
    constraint_types : bool
        Whether ``<ConstraintTerm>``, and ``ConstraintType`` of a ``<ShapeSys>``, count. Otherwise
        they are Gaussian for OverallSys and HistoSys and Poisson for ShapeSys.
    normalized : bool
        Whether samples scale with the luminosity that do not say so.
    nominal_luminosity : bool
        Whether samples that do not scale with the luminosity are multiplied by its nominal value.
    const_norm_factors : bool
        Whether ``Const`` of a ``<NormFactor>`` counts.
    functions : bool
        Whether a ``<Function>`` in place of a norm factor counts.
    inherited_paths : bool
        Whether systematics look for histograms in the ``HistoPath`` of their sample.
    top_level_first : bool
        Whether a histogram is looked for at the top level of the file first.
    roots_as_stored : bool
        Whether the statistical errors of a histogram without weights are rounded like its contents.
    """

    name: ConventionName
    statistics: bool
    constraint_types: bool
    normalized: bool
    nominal_luminosity: bool
    const_norm_factors: bool
    functions: bool
    inherited_paths: bool
    top_level_first: bool
    roots_as_stored: bool

    def luminosity_bounds(self, nominal: float, width: float) -> tuple[float, float]:
        """Bounds of the luminosity."""
        if self.name == "root":
            return 0.0, 10.0 * nominal
        return nominal - 5.0 * width, nominal + 5.0 * width

    @property
    def shape_factor_bounds(self) -> tuple[float, float]:
        """Bounds of each bin of a shape factor."""
        return (0.0, 1000.0) if self.name == "root" else (0.0, 10.0)


_ROOT = Conventions(
    name="root",
    statistics=True,
    constraint_types=True,
    normalized=True,
    nominal_luminosity=True,
    const_norm_factors=False,
    functions=True,
    inherited_paths=True,
    top_level_first=False,
    roots_as_stored=False,
)
_PYHF = Conventions(
    name="pyhf",
    statistics=False,
    constraint_types=False,
    normalized=False,
    nominal_luminosity=False,
    const_norm_factors=True,
    functions=False,
    inherited_paths=False,
    top_level_first=True,
    roots_as_stored=True,
)


def choose_conventions(name: str) -> Conventions:
    """Conventions by name.

    Raises
    ------
    InputError
        If the name is neither ``"root"`` nor ``"pyhf"``.
    """
    for conventions in (_ROOT, _PYHF):
        if conventions.name == name:
            return conventions
    raise InputError.unknown("conventions", name, list(get_args(ConventionName)))
