r"""Goodness of fit against the saturated model.

Baker, Cousins, Nucl. Instrum. Meth. 221 (1984) 437, with auxiliary measurements: in

.. math:: Q = 2 \left[ L(\hat\theta) - L_{sat} \right]

the saturated model expects in every bin what was observed, and puts every constraint to its own
maximum. Q is twice the sum of all half deviances and half squared pulls, which is what the compiled
likelihood evaluates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.infer.fit import fit as fit_model
from nextstat_core.infer.target import BatchData, histfactory_target
from nextstat_core.infer.toy_fits import fit_toys
from nextstat_core.infer.toys import draw_toys
from nextstat_core.results.goodness import GoodnessOfFit
from nextstat_core.stats import chi2_sf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from nextstat_core.infer.executors import Executor
    from nextstat_core.infer.options import FitOptions
    from nextstat_core.infer.target import HistFactoryTarget
    from nextstat_core.models import HistFactoryModel
    from nextstat_core.results import FitResult, ToyResults
    from nextstat_core.typing import ArrayLike

__all__ = ["goodness_of_fit"]

# Toys whose data are held at a time.
_CHUNK = 2048


def goodness_of_fit(
    model: HistFactoryModel,
    fit: FitResult | None = None,
    *,
    data: ArrayLike | None = None,
    n_toys: int = 0,
    seed: int = 42,
    ensemble: int = 0,
    fixed: Mapping[str, float | None] | Iterable[str] | None = None,
    bounds: Mapping[str, tuple[float, float]] | Iterable[tuple[float, float]] | None = None,
    init: Mapping[str, float] | None = None,
    threads: int = 1,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
    options: FitOptions | None = None,
) -> GoodnessOfFit:
    """Test a model against the saturated one.

    Channels that are masked with `HistFactoryModel.restricted` count nowhere.

    Parameters
    ----------
    model : HistFactoryModel
    fit : FitResult, optional
        Best fit of this model to these data, if it was done before; its fixed parameters count as
        such.
    data : array-like, shape (n_main,), optional
        Observed counts instead of the model's own.
    n_toys : int
        Toys drawn at the best fit, main and auxiliary data, and fitted from there; their p-value
        needs no asymptotic distribution.
    seed, ensemble, threads, executor, progress
        As in `fit_toys`.
    fixed, bounds, init, options : optional
        As in `nextstat_core.infer.fit`. Bounds hold for toys too.

    Returns
    -------
    GoodnessOfFit
        Its p-value is None where there are no degrees of freedom, or no converged fit.

    Raises
    ------
    InputError
        For arguments that cannot be used.
    """
    target = histfactory_target(model, "tests of the goodness of fit")
    if fit is None:
        fit = fit_model(model, data=data, fixed=fixed, bounds=bounds, init=init, options=options)
    elif fixed is not None or init is not None:
        raise InputError("`fixed` and `init` go with a new fit; found one that was done before")
    elif fit.parameter_names != target.names:
        raise InputError("`fit` has other parameters than the model; expected a fit of this model")
    main = target.own_main if data is None else target.model.main_bins.vector(data)
    batch = BatchData(main[None, :])
    statistic = float(_statistics(target, fit.values[None, :], batch)[0])
    n_free = int(np.count_nonzero(np.isnan(fit.prefit_centers) & ~np.asarray(fit.fixed)))
    n_bins = len(main)
    reason = _no_p_value(fit, n_bins, n_free)
    toys, n_failed = None, 0
    if n_toys and fit.converged:
        fitted = fit_toys(
            model,
            fit.values,
            n_toys=n_toys,
            seed=seed,
            ensemble=ensemble,
            fixed=[name for name, held in zip(target.names, fit.fixed, strict=True) if held],
            bounds=bounds,
            threads=threads,
            executor=executor,
            progress=progress,
            options=options,
        )
        toys = _of_toys(target, fit, fitted, seed, ensemble)[fitted.converged]
        n_failed = len(fitted) - fitted.n_converged
    return GoodnessOfFit(
        statistic=statistic,
        n_bins=n_bins,
        n_free=n_free,
        p_value=None if reason else chi2_sf(statistic, n_bins - n_free),
        reason=reason,
        fit=fit,
        toys=toys,
        n_failed=n_failed,
        warnings=_warnings(n_toys, n_failed),
    )


def _statistics(
    target: HistFactoryTarget, values: NDArray[np.float64], data: BatchData
) -> NDArray[np.float64]:
    """Q of each row, shape (rows,); the objective of fits vanishes for the saturated model."""
    compiled, backend = target.compiled, target.backend
    at = compiled.evaluate(backend.asarray(values.T), target.observe(data), 0)
    return 2.0 * backend.to_numpy(at.nll)


def _of_toys(
    target: HistFactoryTarget, fit: FitResult, fitted: ToyResults, seed: int, ensemble: int
) -> NDArray[np.float64]:
    """Q of each toy at its own best fit; the toys are drawn again."""
    parts = []
    for first in range(0, len(fitted), _CHUNK):
        numbers = range(first, min(first + _CHUNK, len(fitted)))
        data = draw_toys(target.compiled, fit.values, numbers, seed, ensemble=ensemble)
        parts.append(_statistics(target, fitted.values[numbers.start : numbers.stop], data))
    return np.concatenate(parts)


def _no_p_value(fit: FitResult, n_bins: int, n_free: int) -> str:
    if not fit.converged:
        return f"no p-value: the fit did not converge ({fit.termination_reason})"
    if n_bins > n_free:
        return ""
    bins = f"{n_bins} bin" + ("" if n_bins == 1 else "s")
    free = f"{n_free} free parameter" + ("" if n_free == 1 else "s")
    return f"no p-value: {bins} and {free} leave no degrees of freedom"


def _warnings(n_toys: int, n_failed: int) -> tuple[str, ...]:
    if not n_failed:
        return ()
    return (f"{n_failed} of {n_toys} toys did not converge and are left out",)
