"""Data with a signal put in: models with Asimov data, and how well fits find what is there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.infer.conditional import Conditional
from nextstat_core.infer.metric import SharedMetric
from nextstat_core.infer.observe import notify
from nextstat_core.infer.options import FitOptions
from nextstat_core.infer.poi import opened, poi_of, with_poi_bounds
from nextstat_core.infer.request import Request, make_request
from nextstat_core.infer.row_fits import fit_rows, toy_results
from nextstat_core.infer.target import BatchData, HistFactoryTarget, target_of
from nextstat_core.infer.toys import check_stream, draw_toys
from nextstat_core.ir import with_auxiliary
from nextstat_core.models import HistFactoryModel
from nextstat_core.models.arrays import floats, number
from nextstat_core.models.parameters import parameter_vector
from nextstat_core.results import SignalInjection

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.results import ToyResults
    from nextstat_core.typing import ArrayLike

__all__ = ["inject_signal", "signal_injection"]

_Model = TypeVar("_Model", bound=HistFactoryModel)


def inject_signal(
    model: _Model,
    mu: float,
    *,
    at: Literal["postfit", "prefit"] | ArrayLike = "postfit",
    options: FitOptions | None = None,
) -> _Model:
    """Return the model with the data that it expects for a signal.

    Parameters
    ----------
    model : HistFactoryModel
    mu : float
        Parameter of interest at which data are made.
    at : {"postfit", "prefit"} or array-like, shape (n_params,)
        All other parameters: the conditional fit to the model's data at `mu`, the model's start
        values, or those of a vector.
    options : FitOptions, optional
        For the conditional fit.

    Returns
    -------
    HistFactoryModel
        Counts are the expected ones; centres and counts of constraints are what is expected of
        auxiliary measurements there. A fit finds `mu` again.

    Raises
    ------
    InputError
        For arguments that cannot be used, and expected counts that are negative.
    MissingPOIError
        If the model has no parameter of interest.
    """
    target, request = _request(model, np.array([number("mu", mu)]))
    truth = _truths(target, request, np.array([number("mu", mu)]), at, options)
    data = _asimov(target, truth)
    assert data.center is not None
    assert data.count is not None
    layout = target.compiled.layout
    expected = dict(zip([layout.names[i] for i in layout.gaussian], data.center[0], strict=True))
    expected |= dict(zip([layout.names[i] for i in layout.poisson], data.count[0], strict=True))
    ir = with_auxiliary(model.ir, expected)
    injected = type(model)(ir, backend=model.backend, precise=model.precise)
    return injected.with_observed_main(data.main[0])


def signal_injection(
    model: HistFactoryModel,
    mus: ArrayLike,
    *,
    n_toys: int = 0,
    seed: int = 42,
    at: Literal["postfit", "prefit"] | ArrayLike = "postfit",
    options: FitOptions | None = None,
) -> SignalInjection:
    """Fit data that were made with known signals, to see whether the fit finds what is there.

    Parameters
    ----------
    mus : array-like, shape (n,)
        Values of the parameter of interest.
    n_toys : int
        Toys per value, with auxiliary data drawn too; none by default.
    seed : int
        Toys of the i-th value are the i-th ensemble of this seed.
    at
        As in `inject_signal`.
    options : FitOptions, optional

    Returns
    -------
    SignalInjection
        Fits to Asimov data start at the model's start values, those to toys at the truth. A lower
        bound >= 0 of the parameter of interest is opened as far as rates stay positive; otherwise
        small signals would be fitted too high on average.

    Raises
    ------
    InputError
        For arguments that cannot be used.
    MissingPOIError
        If the model has no parameter of interest.
    """
    values = floats("mus", mus, finite=True)
    if values.ndim != 1 or not len(values):
        raise InputError(f"`mus` has shape {values.shape}; expected (n,) with n > 0")
    if not isinstance(n_toys, int | np.integer) or n_toys < 0:
        raise InputError(f"`n_toys` is {n_toys!r}; expected a number of toys, or 0")
    check_stream(seed, 0, 0)
    options = options or FitOptions()
    target, request = _request(model, values)
    truth = _truths(target, request, values, at, options)
    poi = poi_of(target, request, "signal injection")
    rows = len(values) * (1 + int(n_toys))
    notify("start", target, rows)
    fits = _fit(target, request, _asimov(target, truth), truth, options)
    toys: list[ToyResults] = []
    if n_toys:
        start = np.repeat(truth, n_toys, axis=0)
        draws = [
            draw_toys(target.host.compiled, row, range(n_toys), seed, ensemble=i)
            for i, row in enumerate(truth)
        ]
        every = _fit(target, replace(request, start=start), _joined(draws), truth, options)
        toys = [every[i * n_toys : (i + 1) * n_toys] for i in range(len(values))]
    result = SignalInjection(
        parameter=target.names[poi],
        injected=values,
        truth=truth,
        fits=fits,
        toys=tuple(toys),
        warnings=tuple(_failures(fits, toys)),
    )
    notify("end", target, rows, result)
    return result


def _request(
    model: HistFactoryModel, mus: NDArray[np.float64]
) -> tuple[HistFactoryTarget, Request]:
    """Free fits whose bounds hold all signals with room below and above."""
    target = target_of(model)
    if not isinstance(target, HistFactoryTarget):
        raise InputError(f"a signal needs a HistFactory model; found a {type(model).__name__}")
    request = make_request(target)
    poi = poi_of(target, request, "signal injection")
    if not np.isfinite(mus).all():
        raise InputError("`mu` is not finite; expected a number")
    request = opened(target, request, poi)
    lower = min(float(request.lower[poi]), mus.min())
    # Toys scatter around the largest signal: as much room above it as below.
    upper = max(float(request.upper[poi]), 2.0 * mus.max() - lower)
    return target, with_poi_bounds(request, poi, lower, upper)


def _truths(
    target: HistFactoryTarget,
    request: Request,
    mus: NDArray[np.float64],
    at: Literal["postfit", "prefit"] | ArrayLike,
    options: FitOptions | None,
) -> NDArray[np.float64]:
    """All parameters at which data are made, shape (n, n_parameters)."""
    poi = poi_of(target, request, "signal injection")
    if isinstance(at, str):
        if at not in {"postfit", "prefit"}:
            raise InputError(f"`at` must be 'postfit', 'prefit' or parameters; found {at!r}")
        if at == "postfit":
            around = Conditional.around_fit(target, request, None, options or FitOptions())
            found = around.fit(np.full((len(mus), 1), poi), mus[:, None])
            if not found.converged.all():
                worst = mus[int(np.argmin(found.converged))]
                raise InputError(f"the conditional fit at {target.names[poi]} = {worst:g} failed")
            return found.fits.values
        truth = np.tile(request.start, (len(mus), 1))
    else:
        truth = np.tile(parameter_vector(at, len(target.names), finite=True), (len(mus), 1))
    truth[:, poi] = mus
    return truth


def _asimov(target: HistFactoryTarget, truth: NDArray[np.float64]) -> BatchData:
    """What is expected at each truth, auxiliary data too."""
    compiled = target.host.compiled
    backend, layout = compiled.backend, compiled.layout
    main = backend.to_numpy(compiled.expected_main(backend.asarray(truth.T))).T
    main = target.model.main_bins.rows(np.ascontiguousarray(main))
    return BatchData(main, truth[:, layout.gaussian], truth[:, layout.poisson] * layout.factor)


def _joined(parts: list[BatchData]) -> BatchData:
    columns = [
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("main", "center", "count")
    ]
    return BatchData(*columns)


def _fit(
    target: HistFactoryTarget,
    request: Request,
    data: BatchData,
    truth: NDArray[np.float64],
    options: FitOptions,
) -> ToyResults:
    """Free fits in one batch; their metric is that of the signal in the middle."""
    middle = replace(request, start=truth[len(truth) // 2])
    metric = SharedMetric(target.coarse or target, middle)
    fitted = fit_rows(target, request, data, metric, options, variances=True)
    return toy_results(target, request, fitted)


def _failures(fits: ToyResults, toys: list[ToyResults]) -> list[str]:
    lines = [f"the fit to Asimov data {row} failed: {reason}" for row, reason in fits.failed]
    failed = sum(len(each) - each.n_converged for each in toys)
    if failed:
        lines.append(f"{failed} fits to toys did not converge and are left out")
    return lines
