"""A likelihood reduced to summed backgrounds with one covariance of all bins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.results.arrays import FloatArray, read_only_floats
from nextstat_core.tables import Table, block, paragraph

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nextstat_core.results.yields import Yields

__all__ = ["SimplifiedLikelihood"]

_FORMAT = "nextstat_simplified_v1"
# Variance of a direction, relative to the largest, below which it is rounding.
_RANK = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SimplifiedLikelihood:
    """Background yields, their covariance, signal and data in B bins of some channels.

    Attributes
    ----------
    bins : mapping of str to slice
        Bins of each channel, channels by name.
    observed, background : float arrays, shape (B,)
    covariance : float array, shape (B, B)
        Of the background.
    signal : float array, shape (B,), or None
        What the parameter of interest at 1 adds to the background; None without one.
    poi : str
        Name of the parameter of interest; empty without one.
    yields : Yields
        Of the full model, from which all this comes.
    """

    bins: Mapping[str, slice]
    observed: FloatArray
    background: FloatArray
    covariance: FloatArray
    signal: FloatArray | None
    poi: str
    yields: Yields

    def __post_init__(self) -> None:
        n = len(self.background)
        shapes = {"observed": (n,), "background": (n,), "covariance": (n, n), "signal": (n,)}
        for name, shape in shapes.items():
            values = getattr(self, name)
            if values is not None:
                object.__setattr__(self, name, read_only_floats(name, values, shape))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, bins of all channels one after the other."""
        return {
            "schema_version": _FORMAT,
            "stage": self.yields.stage,
            "channels": [
                {"name": name, "n_bins": bins.stop - bins.start} for name, bins in self.bins.items()
            ],
            "observed": self.observed.tolist(),
            "background": self.background.tolist(),
            "covariance": self.covariance.tolist(),
            "signal": None if self.signal is None else self.signal.tolist(),
            "poi": self.poi or None,
            "warnings": list(self.yields.warnings),
        }

    def workspace(self, *, correlation: Literal["kept", "full"] = "kept") -> dict[str, Any]:
        """Return a workspace in pyhf's format with one background sample per channel.

        Parameters
        ----------
        correlation : {"kept", "full"}
            ``kept``: one correlated histosys per eigenvector of the covariance, so that the
            background before any fit has exactly this covariance. ``full``: a single one,
            ``totalError``, that moves all bins together by their standard uncertainty, as in the
            simplified likelihoods that ATLAS publishes (ATL-PHYS-PUB-2021-038).
        """
        if correlation not in {"kept", "full"}:
            raise InputError.unknown("correlation", correlation, ("kept", "full"))
        moves = dict(self._directions() if correlation == "kept" else self._together())
        return {
            "channels": [
                {"name": name, "samples": list(self._samples(bins, moves))}
                for name, bins in self.bins.items()
            ],
            "observations": [
                {"name": name, "data": self.observed[bins].tolist()}
                for name, bins in self.bins.items()
            ],
            "measurements": [{"name": "simplified", "config": {"poi": self.poi, "parameters": []}}],
            "version": "1.0.0",
        }

    def _together(self) -> Iterator[tuple[str, FloatArray]]:
        yield "totalError", np.sqrt(np.diagonal(self.covariance))

    def _directions(self) -> Iterator[tuple[str, FloatArray]]:
        """Uncorrelated moves of all bins, the largest first, whose squares make the covariance."""
        values, vectors = np.linalg.eigh(self.covariance)
        known = np.flatnonzero(values > _RANK * max(values.max(initial=0.0), 0.0))[::-1]
        for number, k in enumerate(known):
            move = vectors[:, k] * np.sqrt(values[k])
            # An eigenvector has no sign of its own: the largest entry goes up.
            yield f"direction_{number}", move * np.sign(move[np.argmax(np.abs(move))])

    def _samples(self, bins: slice, moves: Mapping[str, FloatArray]) -> Iterator[dict[str, Any]]:
        background = self.background[bins]
        if self.signal is not None:
            poi = {"name": self.poi, "type": "normfactor", "data": None}
            signal = self.signal[bins].tolist()
            yield {"name": "Signal", "data": signal, "modifiers": [poi]}
        modifiers = [
            {
                "name": name,
                "type": "histosys",
                "data": {
                    "hi_data": (background + move[bins]).tolist(),
                    "lo_data": (background - move[bins]).tolist(),
                },
            }
            for name, move in moves.items()
        ]
        yield {"name": "Bkg", "data": background.tolist(), "modifiers": modifiers}

    def __repr__(self) -> str:
        return "\n".join([self._headline(), *self._table().text(rest="see .to_dict()")])

    def _repr_html_(self) -> str:
        return block(paragraph(self._headline()), self._table().html())

    def _headline(self) -> str:
        count = len(self.background)
        return f"Simplified likelihood: {count} bins, {self.yields.stage} background"

    def _table(self) -> Table:
        errors = np.sqrt(np.diagonal(self.covariance))
        rows = [
            (
                name,
                str(i - bins.start),
                f"{self.observed[i]:.6g}",
                f"{self.background[i]:.6g}",
                f"{errors[i]:.4g}",
                "" if self.signal is None else f"{self.signal[i]:.4g}",
            )
            for name, bins in self.bins.items()
            for i in range(bins.start, bins.stop)
        ]
        columns = ("channel", "bin", "observed", "background", "uncertainty", "signal")
        return Table(columns, "lrrrrr", rows)
