"""Fits on a device of the caller's choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from nextstat._devices import backend_on
from nextstat_core import infer
from nextstat_core.errors import InputError
from nextstat_core.models import HistFactoryModel, StatisticalModel

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from concurrent.futures import Executor

    from nextstat_core.infer import FitOptions
    from nextstat_core.results import FitResult
    from nextstat_core.typing import ArrayLike

__all__ = ["fit", "fit_batch", "on_device"]

_Model = TypeVar("_Model", bound=StatisticalModel)


def fit(
    model: StatisticalModel,
    *,
    data: ArrayLike | None = None,
    init_pars: ArrayLike | None = None,
    fixed: Mapping[str, float | None] | Iterable[str] | None = None,
    bounds: Mapping[str, tuple[float, float]] | Iterable[tuple[float, float]] | None = None,
    init: Mapping[str, float] | None = None,
    options: FitOptions | None = None,
    device: str | None = None,
) -> FitResult:
    """Maximise the likelihood, with uncertainties from the exact Hessian.

    Parameters
    ----------
    model : StatisticalModel
    data, init_pars, fixed, bounds, init, options : optional
        As in `nextstat_core.infer.fit`.
    device : {"cpu", "cuda", "metal"}, optional
        Where to fit; where the model is if left out. Whoever fits a model more than once moves it
        once, with ``model.to``.

    Returns
    -------
    FitResult
        Also where the fit did not converge: see its `termination_reason`.

    Raises
    ------
    InputError
        For arguments that cannot be used.
    BackendUnavailableError
        If no installed backend can use the device.
    FitError
        If the fit did not converge and ``options.on_failure == "raise"``.
    """
    return infer.fit(
        on_device(model, device),
        data=data,
        init_pars=init_pars,
        fixed=fixed,
        bounds=bounds,
        init=init,
        options=options,
    )


def fit_batch(
    models_or_model: StatisticalModel | Sequence[StatisticalModel],
    datasets: ArrayLike | None = None,
    *,
    executor: Executor | None = None,
    options: FitOptions | None = None,
    device: str | None = None,
) -> Sequence[FitResult]:
    """Fit a list of models, or one model to the rows of `datasets`.

    `executor` is what runs the fits instead of this thread; `device` as in `fit`.
    """
    if device is None or isinstance(models_or_model, StatisticalModel):
        moved = on_device(models_or_model, device)  # type: ignore[type-var]  # moves no list
    else:
        moved = [on_device(model, device) for model in models_or_model]
    return infer.fit_batch(moved, datasets, executor=executor, options=options)


def on_device(model: _Model, device: str | None) -> _Model:
    """`model` on a device, or where it is for None.

    Raises
    ------
    InputError
        If the model evaluates itself, so that it cannot be moved.
    """
    if device is None:
        return model
    if not isinstance(model, HistFactoryModel):
        raise InputError(
            f"a {type(model).__name__} evaluates itself and cannot be moved to {device!r}",
            hint="leave `device` out",
        )
    return model.to(backend_on(device, model.backend))
