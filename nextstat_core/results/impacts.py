"""Impacts of nuisance parameters on a parameter of interest."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite
from operator import index as as_index
from typing import TYPE_CHECKING, Any, Literal, get_args, overload

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.results.arrays import read_only_floats
from nextstat_core.tables import Table, block, paragraph

if TYPE_CHECKING:
    from nextstat_core.results.arrays import FloatArray
    from nextstat_core.results.fit import FitResult

__all__ = ["CONVENTIONS", "IMPACT_FLAGS", "Impact", "ImpactConvention", "Impacts"]

ImpactConvention = Literal["nominal", "prefit", "postfit", "covariance", "global"]
#: Where nuisance parameters are held; see `nextstat_core.infer.impacts`.
CONVENTIONS: tuple[ImpactConvention, ...] = get_args(ImpactConvention)

#: What may be odd about an impact.
IMPACT_FLAGS = {
    "no_width": "the convention has no width for it, or none to one side; that impact is 0",
    "clipped": "a bound of the parameter is nearer than its width; it was held there",
    "at_bound": "the parameter of interest is at a bound, in the fit or in a refit",
    "one_sided": "both shifts move the parameter of interest to the same side",
    "failed": "a refit did not converge; its impact is where it ended",
}

_COLUMNS = (
    "up", "down", "value_up", "value_down", "pull", "constraint", "prefit", "postfit",
)  # fmt: skip
#: Names in other forms, those of the reference where it has them.
_NAMES = {
    "up": "delta_mu_up",
    "down": "delta_mu_down",
    "pull": "pull",
    "constraint": "constraint",
    "prefit": "prefit_sigma",
    "postfit": "postfit_sigma",
    "value_up": "value_up",
    "value_down": "value_down",
}


@dataclass(frozen=True, slots=True)
class Impact:
    """What one nuisance parameter does to the parameter of interest.

    Attributes
    ----------
    name : str
    up, down : float
        Change of the parameter of interest when this one is shifted up and down.
    pull : float
        ``(value - centre) / width`` of its constraint at the best fit; NaN without a constraint.
    constraint : float
        Uncertainty after the fit over the width of the constraint; NaN without one.
    prefit, postfit : float
        Width of the constraint, NaN without one, and uncertainty after the fit.
    value_up, value_down : float
        Where the parameter was held; NaN in conventions without refits.
    flags : tuple of str
        Keys of `IMPACT_FLAGS`.
    """

    name: str
    up: float
    down: float
    pull: float
    constraint: float
    prefit: float
    postfit: float
    value_up: float
    value_down: float
    flags: tuple[str, ...] = ()

    @property
    def size(self) -> float:
        """The larger of the two shifts; what impacts are ordered by."""
        return max(abs(self.up), abs(self.down))

    @property
    def total(self) -> float:
        """Sum of both shifts without their signs."""
        return abs(self.up) + abs(self.down)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Impacts(Sequence[Impact]):
    """Impacts as columns, and a sequence of `Impact`, the largest first.

    ``impacts["jes"]`` is that of one parameter, ``impacts[:10]`` the ten largest.

    Attributes
    ----------
    convention : str
        One of `CONVENTIONS`.
    poi : str
        Parameter of interest.
    poi_value, poi_sigma : float
        Its best fit and uncertainty; NaN where it is at a bound.
    names : tuple of str
        Nuisance parameters, by the larger of the two shifts, then by name.
    up, down, pull, constraint, prefit, postfit, value_up, value_down : float arrays, shape (n,)
        As in `Impact`.
    flags : tuple of tuples of str
        As in `Impact`.
    fit : FitResult
        The best fit.
    statistical : float or None
        Uncertainty from the counts alone, where the convention has such a part: the squares of it
        and of all impacts add up to that of `poi_sigma`, to first order.
    minos : bool
        Whether parameters were held at the ends of their intervals of the profile likelihood.
    n_refits, n_newton : int
        Fits with a parameter held, and those that needed exact Hessians of their own.
    n_fev, n_gev, n_hev : int
        Evaluations of objective, gradient and Hessian in all these fits together.
    warnings : tuple of str
    """

    convention: ImpactConvention
    poi: str
    poi_value: float
    poi_sigma: float
    names: tuple[str, ...]
    up: FloatArray
    down: FloatArray
    pull: FloatArray
    constraint: FloatArray
    prefit: FloatArray
    postfit: FloatArray
    value_up: FloatArray
    value_down: FloatArray
    flags: tuple[tuple[str, ...], ...]
    fit: FitResult
    statistical: float | None = None
    minos: bool = False
    n_refits: int = 0
    n_newton: int = 0
    n_fev: int = 0
    n_gev: int = 0
    n_hev: int = 0
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.convention not in CONVENTIONS:
            raise InputError.unknown("convention", self.convention, CONVENTIONS)
        count = len(self.names)
        if len(self.flags) != count:
            raise InputError.length("flags", count, len(self.flags))
        for name in _COLUMNS:
            array = read_only_floats(name, getattr(self, name), (count,))
            object.__setattr__(self, name, array)

    # -- a sequence -------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int | str) -> Impact: ...
    @overload
    def __getitem__(self, index: slice) -> Impacts: ...
    def __getitem__(self, index: int | str | slice) -> Impact | Impacts:
        if isinstance(index, slice):
            columns = {name: getattr(self, name)[index] for name in (*_COLUMNS, "names", "flags")}
            return replace(self, **columns)
        if isinstance(index, str):
            if index not in self.names:
                raise InputError.unknown("impact", index, self.names)
            index = self.names.index(index)
        i = as_index(index)
        if not -len(self) <= i < len(self):
            raise IndexError(f"there is no impact {i}: there are {len(self)}")
        columns = {name: float(getattr(self, name)[i]) for name in _COLUMNS}
        return Impact(self.names[i], flags=self.flags[i], **columns)

    @property
    def size(self) -> FloatArray:
        """The larger shift of each, shape (n,)."""
        return np.maximum(np.abs(self.up), np.abs(self.down))

    @property
    def failed(self) -> tuple[str, ...]:
        """Parameters of which a refit did not converge."""
        return tuple(
            n for n, flags in zip(self.names, self.flags, strict=True) if "failed" in flags
        )

    # -- other forms ------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold; null stands for what does not exist."""
        return {
            "convention": self.convention,
            "minos": self.minos,
            "poi": self.poi,
            "mu_hat": self.poi_value,
            "sigma_mu": _null(self.poi_sigma),
            "statistical": _null(self.statistical),
            "n_refits": self.n_refits,
            "n_newton": self.n_newton,
            "n_fev": self.n_fev,
            "n_gev": self.n_gev,
            "n_hev": self.n_hev,
            "n_failed": len(self.failed),
            "impacts": [
                {key: _null(value) for key, value in row.items()} for row in self.to_rows()
            ],
            "warnings": list(self.warnings),
        }

    def to_rows(self) -> list[dict[str, Any]]:
        """One dictionary per parameter, under the reference's names."""
        return [
            {
                "name": entry.name,
                **{key: getattr(entry, name) for name, key in _NAMES.items()},
                "flags": list(entry.flags),
            }
            for entry in self
        ]

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with one row per parameter."""
        from nextstat_core.results.frame import rows_frame

        return rows_frame(self.to_rows(), ["name", *_NAMES.values(), "flags"])

    def to_csv(self) -> str:
        """Return one line per parameter, with a head; numbers keep every digit."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["name", *_NAMES.values(), "flags"])
        for row in self.to_rows():
            name, *numbers, flags = row.values()
            shown = ["" if np.isnan(number) else repr(number) for number in numbers]
            writer.writerow([name, *shown, " ".join(flags)])
        return text.getvalue()

    def __repr__(self) -> str:
        lines = self._table().text(rest="see .to_frame()")
        return "\n".join([self._headline(), *lines, *self._remarks()])

    def _repr_html_(self) -> str:
        head = paragraph(self._headline())
        return block(head, self._table().html(), *map(paragraph, self._remarks()))

    def _headline(self) -> str:
        error = f" +/- {self.poi_sigma:.4g}" if isfinite(self.poi_sigma) else ""
        count = f"{len(self)} parameter" + ("" if len(self) == 1 else "s")
        return (
            f"Impacts on {self.poi} = {self.poi_value:.6g}{error}, convention "
            f"{self.convention!r}{' (MINOS)' if self.minos else ''}, {count}"
        )

    def _table(self) -> Table:
        rows = [
            (
                entry.name,
                f"{entry.up:+.5g}",
                f"{entry.down:+.5g}",
                f"{entry.pull:+.3f}" if isfinite(entry.pull) else "",
                f"{entry.constraint:.3f}" if isfinite(entry.constraint) else "",
                ", ".join(entry.flags),
            )
            for entry in self
        ]
        return Table(("parameter", "up", "down", "pull", "constraint", "note"), "lrrrrl", rows)

    def _remarks(self) -> list[str]:
        found = {flag for flags in self.flags for flag in flags}
        meanings = [f"{flag}: {text}" for flag, text in IMPACT_FLAGS.items() if flag in found]
        return [*meanings, *(f"warning: {warning}" for warning in self.warnings)]


def _null(value: Any) -> Any:
    return None if isinstance(value, float) and not isfinite(value) else value
