"""Expected yields with uncertainties: per channel, sample and bin, and their sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from nextstat_core.errors import InputError
from nextstat_core.results.arrays import FloatArray, read_only_floats
from nextstat_core.results.plain import finite_or_none
from nextstat_core.tables import Table, block, paragraph

if TYPE_CHECKING:
    from nextstat_core.results.fit import FitResult

__all__ = ["ChannelYields", "Yields", "YieldsMethod", "YieldsStage"]

#: How uncertainties of parameters become those of yields.
YieldsMethod: TypeAlias = Literal["linear", "variation"]
#: Where the parameters come from.
YieldsStage: TypeAlias = Literal["prefit", "postfit", "custom"]

_COLUMNS = ("channel", "sample", "yield", "uncertainty")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChannelYields:
    """Expected and observed counts of one channel with S samples and B bins.

    Attributes
    ----------
    channel : str
    samples : tuple of str
        In the order of the model.
    observed : float array, shape (B,)
    values, errors : float arrays, shape (S, B)
        Expected counts of each sample, and their standard uncertainties.
    total, total_errors : float arrays, shape (B,)
        The same for the sum of all samples.
    sample_sums, sample_sum_errors : float arrays, shape (S,)
        Sums over bins.
    sum, sum_error : float
        Sum over samples and bins.
    """

    channel: str
    samples: tuple[str, ...]
    observed: FloatArray
    values: FloatArray
    errors: FloatArray
    total: FloatArray
    total_errors: FloatArray
    sample_sums: FloatArray
    sample_sum_errors: FloatArray
    sum: float
    sum_error: float

    def __post_init__(self) -> None:
        n_samples, n_bins = len(self.samples), len(self.observed)
        shapes = {
            "observed": (n_bins,),
            "values": (n_samples, n_bins),
            "errors": (n_samples, n_bins),
            "total": (n_bins,),
            "total_errors": (n_bins,),
            "sample_sums": (n_samples,),
            "sample_sum_errors": (n_samples,),
        }
        for name, shape in shapes.items():
            object.__setattr__(self, name, read_only_floats(name, getattr(self, name), shape))

    @property
    def n_bins(self) -> int:
        return len(self.observed)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold; null stands for an infinite uncertainty."""
        return {
            "channel_name": self.channel,
            "samples": [
                {
                    "sample_name": name,
                    "y": self.values[i].tolist(),
                    "error": _numbers(self.errors[i]),
                    "sum": float(self.sample_sums[i]),
                    "sum_error": finite_or_none(self.sample_sum_errors[i]),
                }
                for i, name in enumerate(self.samples)
            ],
            "total": self.total.tolist(),
            "total_error": _numbers(self.total_errors),
            "sum": self.sum,
            "sum_error": finite_or_none(self.sum_error),
            "observed": self.observed.tolist(),
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Yields:
    """Expected yields at a point of the parameters, with uncertainties.

    ``result["SR"]`` are those of a channel; ``print(result)`` shows sums over bins. All sums are
    propagated from the same covariance as single bins, with correlations.

    Attributes
    ----------
    stage : {"prefit", "postfit", "custom"}
    method : {"linear", "variation"}
    channels : tuple of ChannelYields
        Channels by name.
    samples : tuple of str
        All samples, by first appearance.
    sample_sums, sample_sum_errors : float arrays, shape (n_samples,)
        Sums over all channels and bins.
    total, total_error, observed : float
        Sums over everything.
    covariance : float array, shape (n_main, n_main)
        Covariance of the summed samples in all bins, channels by name; infinite where an
        uncertainty is.
    parameters, parameter_errors : float arrays, shape (n_params,)
        Where the yields were computed, and the uncertainties that were propagated.
    prefit_parameters : tuple of str
        Of post-fit yields: parameters that the fit does not have, at their pre-fit value and width.
    fit : FitResult or None
    warnings : tuple of str
    """

    stage: YieldsStage
    method: YieldsMethod
    channels: tuple[ChannelYields, ...]
    samples: tuple[str, ...]
    sample_sums: FloatArray
    sample_sum_errors: FloatArray
    total: float
    total_error: float
    observed: float
    covariance: FloatArray
    parameters: FloatArray
    parameter_errors: FloatArray
    prefit_parameters: tuple[str, ...] = ()
    fit: FitResult | None = None
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n_main, n_samples = sum(each.n_bins for each in self.channels), len(self.samples)
        shapes = {
            "sample_sums": (n_samples,),
            "sample_sum_errors": (n_samples,),
            "covariance": (n_main, n_main),
            "parameters": (len(self.parameters),),
            "parameter_errors": (len(self.parameters),),
        }
        for name, shape in shapes.items():
            object.__setattr__(self, name, read_only_floats(name, getattr(self, name), shape))

    def __getitem__(self, channel: str) -> ChannelYields:
        for each in self.channels:
            if each.channel == channel:
                return each
        raise InputError.unknown("channel", channel, [each.channel for each in self.channels])

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold; null stands for an infinite uncertainty."""
        return {
            "stage": self.stage,
            "method": self.method,
            "channels": [each.to_dict() for each in self.channels],
            "samples": [
                {"sample_name": name, "sum": float(value), "sum_error": finite_or_none(error)}
                for name, value, error in zip(
                    self.samples, self.sample_sums, self.sample_sum_errors, strict=True
                )
            ],
            "total": self.total,
            "total_error": finite_or_none(self.total_error),
            "observed": self.observed,
            "prefit_parameters": list(self.prefit_parameters),
            "warnings": list(self.warnings),
        }

    def __repr__(self) -> str:
        lines = self._table().text(rest="see .channels")
        return "\n".join([self._headline(), *lines, *self._remarks()])

    def _repr_html_(self) -> str:
        return block(
            paragraph(self._headline()), self._table().html(), *map(paragraph, self._remarks())
        )

    def _headline(self) -> str:
        words = {"prefit": "Pre-fit yields", "postfit": "Post-fit yields", "custom": "Yields"}
        return f"{words[self.stage]} ({self.method}), sums over bins"

    def _remarks(self) -> list[str]:
        notes = [f"warning: {warning}" for warning in self.warnings]
        if self.prefit_parameters:
            notes.append(f"not in the fit, so pre-fit: {', '.join(self.prefit_parameters)}")
        return notes

    def _table(self) -> Table:
        rows: list[tuple[str, ...]] = []
        for each in self.channels:
            for name, value, error in zip(
                each.samples, each.sample_sums, each.sample_sum_errors, strict=True
            ):
                rows.append((each.channel, name, f"{value:.6g}", f"{error:.4g}"))
            rows.append((each.channel, "total", f"{each.sum:.6g}", f"{each.sum_error:.4g}"))
            rows.append((each.channel, "observed", f"{each.observed.sum():.6g}", ""))
        return Table(_COLUMNS, "llrr", rows, shown=60)


def _numbers(values: FloatArray) -> list[float | None]:
    return [finite_or_none(value) for value in values.tolist()]
