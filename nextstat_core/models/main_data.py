"""Observed counts of all channels, in the order of the main data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.ir.check import structural_zeros
from nextstat_core.models.arrays import floats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.ir import Model
    from nextstat_core.typing import ArrayLike

__all__ = ["MainBins"]


@dataclass(frozen=True, slots=True)
class MainBins:
    """Channels and bins of the main data.

    Attributes
    ----------
    channels : dict of str to slice
        Channels in the order of the main data.
    empty : bool array, shape (n_main,)
        Bins in which no value of the parameters predicts events.
    n_auxiliary : int
        Number of auxiliary measurements, to recognise data that include them.
    """

    channels: dict[str, slice]
    empty: NDArray[np.bool_]
    n_auxiliary: int

    @classmethod
    def of(cls, model: Model) -> MainBins:
        """Bins of a model."""
        channels: dict[str, slice] = {}
        empty: list[bool] = []
        for channel in model.sorted_channels():
            start = len(empty)
            channels[channel.name] = slice(start, start + channel.n_bins)
            probe = replace(channel, observed=(1.0,) * channel.n_bins)
            zeros = set(structural_zeros(probe))
            empty += [index in zeros for index in range(channel.n_bins)]
        n_auxiliary = sum(entry.constraint is not None for entry in model.parameters)
        return cls(channels, np.asarray(empty, dtype=bool), n_auxiliary)

    def vector(self, counts: ArrayLike) -> NDArray[np.float64]:
        """One data set, shape (n_main,); see `rows`."""
        values = floats("data", counts)
        if values.ndim != 1:
            count = len(self.empty)
            raise InputError(f"`data` has {values.ndim} axes; expected one with {count} counts")
        return self.rows(values)[0]

    def rows(self, counts: ArrayLike) -> NDArray[np.float64]:
        """Data sets, shape (rows, n_main); a single one is a batch of one.

        Raises
        ------
        InputError
            If counts have the wrong length, are negative or not finite, or are above zero where
            no sample predicts anything.
        """
        rows = np.atleast_2d(floats("data", counts))
        if rows.ndim != 2:
            raise InputError(f"`data` has {rows.ndim} axes; expected (rows, {len(self.empty)})")
        if rows.shape[1] != len(self.empty):
            raise self._wrong_length(rows.shape[1])
        # One comparison finds negative counts and NaN alike.
        unusable = ~((rows >= 0.0) & (rows < np.inf))
        self._refuse(rows, unusable, "expected a finite count of 0 or more")
        message = "but every sample is zero there in nominal and templates"
        self._refuse(rows, (rows > 0.0) & self.empty, message)
        return rows

    def _wrong_length(self, found: int) -> InputError:
        expected = len(self.empty)
        hint = ""
        if self.n_auxiliary and found == expected + self.n_auxiliary:
            hint = f"pass main bins only; the last {self.n_auxiliary} look like auxiliary data"
        message = f"Observed main data length mismatch: expected {expected}, got {found}"
        return InputError(message, hint=hint)

    def _refuse(self, rows: NDArray[np.float64], mask: NDArray[np.bool_], message: str) -> None:
        if not mask.any():
            return
        row, position = (int(index) for index in np.argwhere(mask)[0])
        channel, bins = next(
            (name, bins) for name, bins in self.channels.items() if position < bins.stop
        )
        place = f"channel {channel!r}, bin {position - bins.start}"
        if len(rows) > 1:
            place = f"data set {row}, {place}"
        raise InputError(f"{place}: observed count is {rows[row, position]:g}; {message}")
