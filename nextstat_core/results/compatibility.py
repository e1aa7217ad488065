"""Whether channels agree on a parameter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nextstat_core.tables import Table, block, paragraph

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nextstat_core.results.fit import FitResult, ParameterEstimate

__all__ = ["ChannelCompatibility"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class ChannelCompatibility:
    """A fit with one value of a parameter for all channels against one with a value per group.

    Attributes
    ----------
    parameter : str
    groups : mapping of str to tuple of str
        Channels of each group.
    statistic : float
        ``2 (L_common - L_separate)``.
    ndof : int
        Number of groups less one.
    p_value : float
        Of the chi-squared distribution, which holds where no estimate is at a bound.
    common, separate : FitResult
        The two fits; in the second the parameter is called ``parameter_group``.
    warnings : tuple of str
    """

    parameter: str
    groups: Mapping[str, tuple[str, ...]]
    statistic: float
    ndof: int
    p_value: float
    common: FitResult
    separate: FitResult
    warnings: tuple[str, ...] = ()

    def __getitem__(self, group: str) -> ParameterEstimate:
        """The estimate of one group."""
        return self.separate[f"{self.parameter}_{group}"]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        common = self.common[self.parameter]
        return {
            "parameter": self.parameter,
            "statistic": self.statistic,
            "ndof": self.ndof,
            "p_value": self.p_value,
            "common": {"value": common.value, "error": common.error},
            "groups": {
                group: {
                    "channels": list(channels),
                    "value": self[group].value,
                    "error": self[group].error,
                    "at_bound": self[group].at_bound,
                }
                for group, channels in self.groups.items()
            },
            "warnings": list(self.warnings),
        }

    def __repr__(self) -> str:
        notes = [f"warning: {warning}" for warning in self.warnings]
        return "\n".join([self._headline(), *self._table().text(), *notes])

    def _repr_html_(self) -> str:
        notes = [f"warning: {warning}" for warning in self.warnings]
        return block(paragraph(self._headline()), self._table().html(), *map(paragraph, notes))

    def _headline(self) -> str:
        return (
            f"Compatibility of {len(self.groups)} groups of channels in {self.parameter}: "
            f"{self.statistic:.4g} for {self.ndof} degrees of freedom, p = {self.p_value:.4g}"
        )

    def _table(self) -> Table:
        estimates = [("all", self.common[self.parameter])]
        estimates += [(group, self[group]) for group in self.groups]
        rows = [
            (name, f"{each.value:.6g}", f"{each.error:.4g}", each.at_bound and "at a bound")
            for name, each in estimates
        ]
        return Table(("channels", self.parameter, "uncertainty", "note"), "lrrl", rows)
