"""Results as flat dictionaries of finite numbers."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from nextstat_core.errors import InputError
from nextstat_core.results import FitMinimumResult, FitResult
from nextstat_mlops.names import metric_names

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Metrics", "metrics_dict", "significance_metrics"]


class Metrics(dict[str, float]):
    """Finite numbers by name, ready for a tracker.

    Attributes
    ----------
    omitted : dict of str to float
        What was left out because it is not finite, which trackers refuse or draw as gaps.
    """

    def __init__(self, values: Mapping[str, float]) -> None:
        super().__init__((name, value) for name, value in values.items() if isfinite(value))
        self.omitted = {name: value for name, value in values.items() if not isfinite(value)}


def metrics_dict(
    fit_result: FitResult | FitMinimumResult,
    *,
    prefix: str = "",
    include_time: bool = True,
    extra: Mapping[str, float] | None = None,
) -> Metrics:
    """Metrics of a fit, as MLflow, Weights & Biases and other trackers log them.

    Parameters
    ----------
    fit_result : FitResult or FitMinimumResult
    prefix : str
        In front of every name.
    include_time : bool
        Whether ``time_ms`` is among them: the wall time of the fit in milliseconds.
    extra : mapping of str to float, optional
        More metrics, whose names get the prefix, too.

    Returns
    -------
    Metrics
        A dict: ``mu`` (of a model with a parameter of interest), ``nll``, ``edm``, ``n_calls``
        (evaluations of the likelihood), ``converged`` (1 or 0), ``time_ms``, and
        ``param/NAME`` and ``error/NAME`` of every parameter, with names as `metric_name` writes
        them. What is not finite, such as the error of a parameter that the data do not determine,
        is in its attribute `omitted` instead.

    Raises
    ------
    InputError
        If this is no result of a fit, or a name of `extra` is taken.
    """
    if not isinstance(fit_result, FitResult | FitMinimumResult):
        raise InputError(
            f"`fit_result` is a {type(fit_result).__name__}; expected the result of a fit",
            hint="nextstat.report.metrics takes results of every kind",
        )
    found = _summary(fit_result)
    if include_time:
        found["time_ms"] = 1e3 * fit_result.seconds
    found |= _parameters(fit_result)
    for name, value in (extra or {}).items():
        if name in found:
            raise InputError(f"`extra` has the metric {name!r}, which every fit has")
        found[name] = float(value)
    return Metrics({f"{prefix}{name}": value for name, value in found.items()})


def _summary(result: FitResult | FitMinimumResult) -> dict[str, float]:
    poi = result.poi_index if isinstance(result, FitResult) else None
    found = {} if poi is None else {"mu": float(result.values[poi])}
    return found | {
        "nll": float(result.nll),
        "edm": float(result.edm),
        "n_calls": float(result.n_fev),
        "converged": float(result.converged),
    }


def _parameters(result: FitResult | FitMinimumResult) -> dict[str, float]:
    values = result.values.tolist()
    names = metric_names(result.parameter_names or map(str, range(len(values))))
    found = {f"param/{name}": value for name, value in zip(names, values, strict=True)}
    if isinstance(result, FitResult):
        errors = result.errors.tolist()
        found |= {f"error/{name}": value for name, value in zip(names, errors, strict=True)}
    return found


def significance_metrics(
    z0: float, q0: float = 0.0, *, prefix: str = "", step_time_ms: float = 0.0
) -> Metrics:
    """Metrics of one step of a training on the significance.

    Parameters
    ----------
    z0, q0 : float
        Significance of a discovery, and its test statistic.
    prefix : str
        In front of every name.
    step_time_ms : float
        How long the step took, such as `StepTimer.stop` returns; left out where it is not above 0.

    Returns
    -------
    Metrics
        A dict of ``z0``, ``q0`` and perhaps ``step_time_ms``.
    """
    found = {"z0": float(z0), "q0": float(q0)}
    if step_time_ms > 0.0:
        found["step_time_ms"] = float(step_time_ms)
    return Metrics({f"{prefix}{name}": value for name, value in found.items()})
