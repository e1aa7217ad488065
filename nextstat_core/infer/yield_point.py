"""Where yields are predicted: values of the parameters and their covariance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.models.arrays import floats, number
from nextstat_core.models.parameters import parameter_vector

if TYPE_CHECKING:
    from nextstat_core.infer.target import HistFactoryTarget
    from nextstat_core.results import FitResult
    from nextstat_core.results.arrays import FloatArray
    from nextstat_core.results.yields import YieldsStage
    from nextstat_core.typing import ArrayLike

__all__ = ["YieldPoint", "yield_point"]


@dataclass(frozen=True, slots=True)
class YieldPoint:
    """Values of all parameters of a model, with their covariance.

    Attributes
    ----------
    values : float array, shape (n_params,)
    covariance : float array, shape (n_params, n_params)
        Finite: zero for parameters that are fixed, free without a fit, held by a bound, or
        undetermined.
    undetermined : bool array, shape (n_params,)
        Parameters of infinite uncertainty.
    prefit_parameters : tuple of str
        Parameters that the fit does not have.
    """

    stage: YieldsStage
    values: FloatArray
    covariance: FloatArray
    undetermined: np.ndarray
    prefit_parameters: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def errors(self) -> FloatArray:
        """Standard uncertainties, infinite where undetermined; shape (n_params,)."""
        errors = np.sqrt(np.diagonal(self.covariance))
        return np.where(self.undetermined, np.inf, errors)


def yield_point(
    target: HistFactoryTarget,
    fit: FitResult | None,
    params: ArrayLike | Mapping[str, float] | None,
    covariance: ArrayLike | None,
) -> YieldPoint:
    """Combine what the user passed with what the model says; see `nextstat_core.infer.yields`."""
    if fit is not None and covariance is not None:
        raise InputError("`fit` and `covariance` exclude each other: a fit has its own")
    point = _prefit(target) if fit is None else _postfit(target, fit)
    if isinstance(params, Mapping):
        values = _with_values(point.values, target.names, params)
        point = replace(point, values=values, stage="custom")
    elif params is not None:
        values = parameter_vector(params, len(target.names), finite=True)
        point = replace(point, values=values, stage="custom")
    if covariance is not None:
        matrix = floats("covariance", covariance)
        point = _usable(replace(point, stage="custom"), target.names, matrix)
    return point


def _with_values(
    values: FloatArray, names: tuple[str, ...], wanted: Mapping[str, float]
) -> FloatArray:
    """Replace some values by name; they may stand outside of bounds."""
    position = {name: i for i, name in enumerate(names)}
    changed = values.copy()
    for name, value in wanted.items():
        if name not in position:
            raise InputError.unknown("parameter", name, names)
        changed[position[name]] = number(f"params[{name!r}]", value)
    if not np.isfinite(changed).all():
        name = names[int(np.argmin(np.isfinite(changed)))]
        raise InputError(f"`params` gives {name!r} a value that is not finite")
    return changed


def _prefit(target: HistFactoryTarget) -> YieldPoint:
    """Constraints as they were before any fit; parameters without one do not vary."""
    free = ~target.fixed & np.isfinite(target.centers)
    centers = np.clip(target.centers, target.lower, target.upper)
    values = np.where(free, centers, target.init)
    widths = np.where(free, target.widths, 0.0)
    return YieldPoint("prefit", values, np.diag(widths**2), np.zeros(len(values), dtype=bool))


def _postfit(target: HistFactoryTarget, fit: FitResult) -> YieldPoint:
    """Those of the fit, matched by name; pre-fit where the fit does not have a parameter."""
    fitted = fit.covariance
    if fitted is None:
        raise InputError(
            f"the fit has no covariance ({fit.covariance_status})",
            hint="pass params= and covariance= instead of the fit",
        )
    position = {name: i for i, name in enumerate(fit.parameter_names)}
    here = np.asarray([i for i, name in enumerate(target.names) if name in position], dtype=np.intp)
    there = np.asarray([position[target.names[i]] for i in here], dtype=np.intp)
    if not len(here):
        raise InputError("the fit has no parameter of this model; expected a fit of its likelihood")
    prefit = _prefit(target)
    values, matrix = prefit.values.copy(), prefit.covariance.copy()
    values[here] = fit.values[there]
    matrix[np.ix_(here, here)] = fitted[np.ix_(there, there)]
    missing = tuple(name for name in target.names if name not in position)
    point = replace(prefit, stage="postfit", values=values, prefit_parameters=missing)
    point = _usable(point, target.names, matrix)
    if fit.converged:
        return point
    text = f"the fit did not converge ({fit.termination_reason})"
    return replace(point, warnings=(text, *point.warnings))


def _usable(point: YieldPoint, names: tuple[str, ...], matrix: FloatArray) -> YieldPoint:
    """A covariance with the entries that are not finite taken out, and told about."""
    n = len(names)
    if matrix.shape != (n, n):
        raise InputError(f"`covariance` has shape {matrix.shape}; expected ({n}, {n})")
    variance = np.diagonal(matrix)
    if (variance < 0.0).any():
        name = names[int(np.argmax(variance < 0.0))]
        raise InputError(f"`covariance` has a negative variance for {name!r}")
    unknown, infinite = np.isnan(variance), np.isposinf(variance)
    warnings = []
    if unknown.any():
        listed = ", ".join(names[i] for i in np.flatnonzero(unknown))
        warnings.append(f"no uncertainty is propagated for parameters held by a bound: {listed}")
    if infinite.any():
        listed = ", ".join(names[i] for i in np.flatnonzero(infinite))
        warnings.append(
            f"yields that depend on undetermined parameters have no finite uncertainty: {listed}"
        )
    out = unknown | infinite
    clean = np.where(out[:, None] | out, 0.0, matrix)
    if not np.isfinite(clean).all():
        raise InputError("`covariance` has entries that are not finite beside finite variances")
    return replace(
        point,
        covariance=clean,
        undetermined=infinite,
        warnings=(*point.warnings, *warnings),
    )
