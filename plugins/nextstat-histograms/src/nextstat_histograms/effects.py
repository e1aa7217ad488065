"""How much a variation does: the numbers that pruning compares with thresholds.

With the nominal yields n and a variation v, f = sum(v) / sum(n): its effect on the normalisation is
abs(f - 1); its effect on the shape is the largest abs(v / (f n) - 1) of all bins, infinite
where n is 0 and v is not. Of up and down the larger effect counts. What is below the threshold, and
not equal to it, is pruned; these are the rules of TRExFitter's pruning relative to each sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from nextstat_core.errors import InputError
from nextstat_histograms.normalisation import split

if TYPE_CHECKING:
    from nextstat_histograms.histogram import Histogram

__all__ = ["Effects", "Thresholds"]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Effects that are smaller than these are pruned; 0 prunes nothing.

    Attributes
    ----------
    normalisation, shape : float
    """

    normalisation: float = 0.0
    shape: float = 0.0

    def __post_init__(self) -> None:
        for name in ("normalisation", "shape"):
            value = getattr(self, name)
            if not (np.isfinite(value) and value >= 0.0):
                raise InputError(f"the threshold `{name}` is {value!r}; expected 0 or more")


@dataclass(frozen=True, slots=True)
class Effects:
    """Relative effects of one systematic on one sample in one channel.

    Attributes
    ----------
    normalisation : float
    shape : float
    """

    normalisation: float
    shape: float

    @classmethod
    def of(cls, nominal: Histogram, *variations: Histogram) -> Self:
        """The larger effects of one or more variations.

        Raises
        ------
        InputError
            If yields do not sum to a positive number.
        """
        factors, shapes = zip(*(split(nominal, each) for each in variations), strict=True)
        return cls(
            normalisation=max(abs(factor - 1.0) for factor in factors),
            shape=max(_largest_deviation(nominal.values, shape) for shape in shapes),
        )

    def pruned(self, thresholds: Thresholds) -> frozenset[str]:
        """What of ``normalisation`` and ``shape`` is below its threshold."""
        return frozenset(
            name
            for name in ("normalisation", "shape")
            if getattr(self, name) < getattr(thresholds, name)
        )


def _largest_deviation(nominal: np.ndarray, shape: np.ndarray) -> float:
    difference = np.abs(shape - nominal)
    relative = np.full(nominal.shape, np.inf)
    np.divide(difference, np.abs(nominal), out=relative, where=nominal != 0.0)
    return float(np.where(difference == 0.0, 0.0, relative).max())
