"""Statistical and systematic parts of an uncertainty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from nextstat_core.tables import Table, block, paragraph

if TYPE_CHECKING:
    from nextstat_core.results.grouped_impacts import GroupedImpacts

__all__ = ["Breakdown", "NormalisationsCount"]

NormalisationsCount = Literal["statistical", "systematic"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Breakdown:
    """Parts of the uncertainty of a parameter of interest.

    ``statistical**2 + systematic**2`` is ``total**2``. The other parts overlap with these two, and
    with each other.

    Attributes
    ----------
    poi : str
    poi_value, total : float
        Best fit and uncertainty of the parameter of interest; all parts are NaN where it is at a
        bound.
    statistical : float
        Uncertainty with every constrained parameter frozen at its best fit, gammas of simulated
        events included; with free normalisations frozen too where they count as systematic.
    systematic : float
        What is missing to the total.
    mc_statistics : float
        What freezing the gammas of staterror and shapesys takes away.
    normalisations : float
        What freezing the free normalisations takes away.
    normalisations_count : {"statistical", "systematic"}
        What free normalisations count as.
    groups : GroupedImpacts
        What freezing each further group takes away.
    """

    poi: str
    poi_value: float
    total: float
    statistical: float
    systematic: float
    mc_statistics: float
    normalisations: float
    normalisations_count: NormalisationsCount
    groups: GroupedImpacts

    @property
    def warnings(self) -> tuple[str, ...]:
        return self.groups.warnings

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold; null stands for what does not exist."""
        parts = {name: None if value != value else value for name, value in self._parts()}  # noqa: PLR0124  NaN
        return {
            "poi": self.poi,
            "mu_hat": self.poi_value,
            **parts,
            "normalisations_count": self.normalisations_count,
            "groups": self.groups.to_dict()["groups"],
            "warnings": list(self.warnings),
        }

    def _parts(self) -> list[tuple[str, float]]:
        names = ("total", "statistical", "systematic", "mc_statistics", "normalisations")
        return [(name, float(getattr(self, name))) for name in names]

    def __repr__(self) -> str:
        return "\n".join([self._headline(), *self._table().text(rest="see .groups")])

    def _repr_html_(self) -> str:
        return block(paragraph(self._headline()), self._table().html())

    def _headline(self) -> str:
        return (
            f"Uncertainty of {self.poi} = {self.poi_value:.6g}; free normalisations count as "
            f"{self.normalisations_count}"
        )

    def _table(self) -> Table:
        rows = [(name.replace("_", " "), f"{value:.5g}") for name, value in self._parts()]
        rows += [(f"  {group.name}", f"{group.impact:.5g}") for group in self.groups]
        return Table(("part", "uncertainty"), "lr", rows, shown=30)
