"""A histogram of a ROOT file as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Axis", "Histogram"]


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """Bins along one axis.

    Attributes
    ----------
    n_bins : int
        Number of bins, flow bins not counted.
    low, high : float
        Range of the bins, in the unit of the axis.
    given : float array, shape (n_bins + 1,), or None
        Edges where bins differ in width.
    """

    n_bins: int
    low: float
    high: float
    given: NDArray[np.float64] | None = None

    def edges(self) -> NDArray[np.float64]:
        """Edges of the bins, shape (n_bins + 1,)."""
        return (
            np.linspace(self.low, self.high, self.n_bins + 1) if self.given is None else self.given
        )


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """A histogram with one to three axes.

    Cells are ordered as in ROOT: the bin of the first axis runs fastest, and each axis has an
    underflow before its first bin and an overflow after its last.

    Attributes
    ----------
    name, title : str
        As stored in the object.
    axes : tuple of Axis
        The axes, x first.
    cells : float array, shape (prod(n_bins + 2),)
        Contents, flow bins included.
    sumw2 : float array of the same shape, or None
        Sums of squared weights; None where the histogram was filled without weights.
    stored : str
        Type of the contents in the file, as numpy writes it.
    """

    name: str
    title: str
    axes: tuple[Axis, ...]
    cells: NDArray[np.float64]
    sumw2: NDArray[np.float64] | None
    stored: str = "f8"

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of bins of each axis, flow bins not counted."""
        return tuple([axis.n_bins for axis in self.axes])

    @property
    def n_bins(self) -> int:
        """Number of bins of all axes together, flow bins not counted."""
        return prod(self.shape)

    def contents(self) -> NDArray[np.float64]:
        """Contents without flow bins, shape (n_bins,), the first axis fastest."""
        return self._inside(self.cells)

    def errors(self, *, as_stored: bool = False) -> NDArray[np.float64]:
        """Uncertainties of the contents, shape (n_bins,).

        They are the roots of the sums of squared weights, or of the absolute contents where there
        are none, as in ROOT's ``TH1::GetBinError``.

        Parameters
        ----------
        as_stored : bool
            Take roots of contents in the precision in which the file stores them, as pyhf does.
        """
        if self.sumw2 is not None:
            return np.sqrt(np.abs(self._inside(self.sumw2)))
        contents = np.abs(self._inside(self.cells))
        return np.sqrt(contents.astype(self.stored) if as_stored else contents).astype(float)

    def _inside(self, cells: NDArray[np.float64]) -> NDArray[np.float64]:
        if len(self.axes) == 1:
            return cells[1:-1]
        with_flow = tuple(count + 2 for count in reversed(self.shape))
        return cells.reshape(with_flow)[(slice(1, -1),) * len(self.shape)].ravel()
