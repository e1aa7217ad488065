"""The result of one fit."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.results.arrays import FloatArray, read_only_floats
from nextstat_core.results.codec import decode_fit, encode_fit, from_json_text, to_json_text
from nextstat_core.results.reasons import (
    COVARIANCE_STATUSES,
    TERMINATION_REASONS,
    CovarianceStatus,
    TerminationReason,
)
from nextstat_core.results.table import fit_html, fit_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["CovarianceSource", "FitResult", "ParameterEstimate"]

CovarianceSource: TypeAlias = "FloatArray | Callable[[], FloatArray | None] | None"

#: Stands for a column of NaN, whose length is known only later.
_UNKNOWN: FloatArray = np.empty(0)


def _unknown() -> FloatArray:
    return _UNKNOWN


@dataclass(frozen=True, slots=True)
class ParameterEstimate:
    """One parameter of a fit.

    Attributes
    ----------
    name : str
    value, error : float
        Best fit and standard uncertainty; 0 for a fixed parameter, NaN where it is unknown and
        infinite where the data do not determine the parameter.
    pull : float
        ``(value - centre) / width`` of the constraint; NaN without one.
    fixed : bool
    at_bound : str
        ``lower``, ``upper``, ``kink`` or empty.
    """

    name: str
    value: float
    error: float
    pull: float
    fixed: bool = False
    at_bound: str = ""

    def __str__(self) -> str:
        return f"{self.name} = {self.value:.6g} +/- {self.error:.3g}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class FitResult:
    """A maximum of the likelihood, with uncertainties.

    ``result["mu"]`` is the `ParameterEstimate` of a parameter; ``print(result)`` shows a table.

    Attributes
    ----------
    parameter_names : tuple of str
    values, errors : float arrays, shape (n_params,)
        Best fit and standard uncertainties. `parameters` (alias `bestfit`) and `uncertainties` are
        the same as lists of float.
    nll : float
        Negative logarithm of the likelihood at the best fit, constants included.
    converged : bool
    termination_reason : str
        One of `TERMINATION_REASONS`; ``edm`` where `converged`.
    n_iter, n_fev, n_gev, n_hev : int
        Iterations, and evaluations of objective, gradient and Hessian.
    final_grad_norm : float
        Largest entry of the projected gradient over free parameters.
    initial_nll : float
    edm : float
        Estimated distance to the minimum, in units of `nll`.
    at_bound : tuple of (name, side)
        Parameters that a bound (``lower``, ``upper``) or a ``kink`` of the likelihood holds.
    covariance_source : array of shape (n_params, n_params), callable or None
        What `covariance` is made from; a callable is called once, on first access.
    covariance_status : {"full", "free_set", "singular", "not_computed"}
    unidentified : tuple of str
        Parameters that the data do not determine; their uncertainty is infinite.
    non_positive : tuple of (channel, bin)
        Bins with events in which the expectation is not positive.
    fixed : tuple of bool
    prefit_centers, prefit_widths : float arrays, shape (n_params,)
        Constraints; NaN for unconstrained parameters.
    poi_index : int or None
    warnings : tuple of str
    provenance : mapping
        How the result came about: version, backend, device, dtype, eval mode, measurement.
    seconds : float
        How long the fit took, NaN where that was not measured. No part of `to_dict`: equal fits
        have equal documents.
    """

    parameter_names: tuple[str, ...]
    values: FloatArray
    errors: FloatArray
    nll: float
    converged: bool
    termination_reason: TerminationReason
    n_iter: int = 0
    n_fev: int = 0
    n_gev: int = 0
    n_hev: int = 0
    final_grad_norm: float = np.nan
    initial_nll: float = np.nan
    edm: float = np.nan
    at_bound: tuple[tuple[str, str], ...] = ()
    covariance_source: CovarianceSource = None
    covariance_status: CovarianceStatus = "not_computed"
    unidentified: tuple[str, ...] = ()
    non_positive: tuple[tuple[str, int], ...] = ()
    fixed: tuple[bool, ...] = ()
    prefit_centers: FloatArray = field(default_factory=_unknown)
    prefit_widths: FloatArray = field(default_factory=_unknown)
    poi_index: int | None = None
    warnings: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = np.nan

    def __post_init__(self) -> None:
        count = len(self.parameter_names)
        for name in ("values", "errors", "prefit_centers", "prefit_widths"):
            array = getattr(self, name)
            if array is _UNKNOWN:
                array = np.full(count, np.nan)
            object.__setattr__(self, name, read_only_floats(name, array, (count,)))
        object.__setattr__(self, "fixed", tuple(self.fixed) or (False,) * count)
        if len(self.fixed) != count:
            raise InputError.length("fixed", expected=count, found=len(self.fixed))
        if self.termination_reason not in TERMINATION_REASONS:
            raise InputError.unknown("reason", self.termination_reason, TERMINATION_REASONS)
        if self.covariance_status not in COVARIANCE_STATUSES:
            raise InputError.unknown("status", self.covariance_status, COVARIANCE_STATUSES)

    # -- parameters -------------------------------------------------------------------------------

    @property
    def parameters(self) -> list[float]:
        """Best-fit values."""
        return self.values.tolist()

    @property
    def bestfit(self) -> list[float]:
        """Best-fit values, under the reference's other name."""
        return self.parameters

    @property
    def uncertainties(self) -> list[float]:
        """Standard uncertainties; NaN where unknown, infinite where not determined by the data."""
        return self.errors.tolist()

    @property
    def pulls(self) -> FloatArray:
        """``(value - centre) / width`` of the constraints; NaN for unconstrained parameters."""
        with np.errstate(all="ignore"):
            return (self.values - self.prefit_centers) / self.prefit_widths

    def __getitem__(self, name: str) -> ParameterEstimate:
        if name not in self.parameter_names:
            raise InputError.unknown("parameter", name, self.parameter_names)
        index = self.parameter_names.index(name)
        return ParameterEstimate(
            name,
            float(self.values[index]),
            float(self.errors[index]),
            float(self.pulls[index]),
            self.fixed[index],
            dict(self.at_bound).get(name, ""),
        )

    # -- aliases of the reference -----------------------------------------------------------------

    @property
    def twice_nll(self) -> float:
        return 2.0 * self.nll

    @property
    def success(self) -> bool:
        return self.converged

    @property
    def n_evaluations(self) -> int:
        """Number of iterations, under the reference's older name."""
        return self.n_iter

    @property
    def n_active_bounds(self) -> int:
        return len(self.at_bound)

    # -- covariance -------------------------------------------------------------------------------

    @property
    def covariance(self) -> FloatArray | None:
        """Covariance matrix, or None; computed on first access if it was given as a callable."""
        source = self.covariance_source
        if callable(source):
            source = source()
        if source is not None and source is not self.covariance_source:
            count = len(self.parameter_names)
            source = read_only_floats("covariance", source, (count, count))
            object.__setattr__(self, "covariance_source", source)
        return source

    @property
    def correlation(self) -> FloatArray | None:
        """Correlation matrix, or None; NaN for fixed and undetermined parameters."""
        covariance = self.covariance
        if covariance is None:
            return None
        with np.errstate(all="ignore"):
            scale = np.sqrt(np.diagonal(covariance))
            return covariance / scale[:, None] / scale[None, :]

    # -- other forms ------------------------------------------------------------------------------

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with one row per parameter."""
        from nextstat_core.results.frame import fit_frame

        return fit_frame(self)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold; null stands for NaN and infinities, see ``null_reasons``."""
        return encode_fit(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> FitResult:
        """Rebuild a result from `to_dict`.

        Raises
        ------
        FormatError
            If `data` is not an encoded result.
        """
        return cls(**decode_fit(data))

    def to_json(self, *, indent: int | None = None) -> str:
        """Return `to_dict` as JSON text; `from_json` gives back every bit."""
        return to_json_text(self.to_dict(), indent)

    @classmethod
    def from_json(cls, text: str | bytes) -> FitResult:
        """Rebuild a result from `to_json`."""
        return cls.from_dict(from_json_text(text))

    def __reduce__(self) -> tuple[Callable[[], FitResult], tuple[()]]:
        state = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        state["covariance_source"] = self.covariance
        return partial(type(self), **state), ()

    def __repr__(self) -> str:
        return fit_text(self)

    def _repr_html_(self) -> str:
        return fit_html(self)
