"""Test statistics: what each takes as the best fit, when it is cut, where its Asimov set lies.

Definitions are those of arXiv:1007.1727, section 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from nextstat_core.errors import InputError
from nextstat_core.infer.poi import opened, with_poi_bounds

if TYPE_CHECKING:
    from nextstat_core.infer.request import Request
    from nextstat_core.infer.target import Target

__all__ = ["STATISTICS", "AsimovKind", "Statistic", "TestStatistic", "statistic_of"]

TestStatistic = Literal["qtilde", "q", "q0", "t", "ttilde"]
AsimovKind = Literal["postfit", "prefit"]


@dataclass(frozen=True, slots=True)
class Statistic:
    """One test statistic.

    Attributes
    ----------
    name : str
    bounded : bool
        Whether the best fit is taken with a signal >= 0, whatever the bounds of the model.
    cut : int
        1 if it is zero where the best fit lies above the tested value, -1 where it lies below,
        0 if it is two-sided.
    asimov_poi : float
        Signal of the Asimov set.
    """

    name: TestStatistic
    bounded: bool
    cut: int
    asimov_poi: float = 0.0

    @property
    def gives_cls(self) -> bool:
        """Whether CLs is defined: the one-sided tests of a signal."""
        return self.cut == 1

    def request(self, target: Target, request: Request, poi: int) -> Request:
        """What the free fit is asked for."""
        if not self.bounded:
            return opened(target, request, poi)
        return with_poi_bounds(request, poi, 0.0, max(float(request.upper[poi]), 0.0))

    def is_cut(self, poi_hat: float, tested: float) -> bool:
        """Whether the statistic is set to zero."""
        return self.cut * (poi_hat - tested) > 0.0


STATISTICS = {
    entry.name: entry
    for entry in (
        Statistic("qtilde", bounded=True, cut=1),
        Statistic("q", bounded=False, cut=1),
        Statistic("q0", bounded=False, cut=-1, asimov_poi=1.0),
        Statistic("t", bounded=False, cut=0),
        Statistic("ttilde", bounded=True, cut=0),
    )
}


def statistic_of(name: str) -> Statistic:
    """The statistic of this name.

    Raises
    ------
    InputError
        If there is none.
    """
    if name not in STATISTICS:
        raise InputError.unknown("test statistic", name, list(STATISTICS))
    return STATISTICS[name]
