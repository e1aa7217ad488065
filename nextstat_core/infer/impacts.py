"""Impacts of nuisance parameters on a parameter of interest, in five conventions.

Three hold each nuisance parameter away from its best value and fit all others again: at the centre
of its constraint +/- its width (``nominal``), at its best fit +/- that width (``prefit``), or +/-
its uncertainty after the fit (``postfit``). Two need no refits: ``covariance`` is ``postfit`` to
first order, and ``global`` shifts the auxiliary measurement instead of the parameter
(arXiv:2307.04007), so that squares of impacts add up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.infer.best_fit import best_fit
from nextstat_core.infer.held_rows import fit_held
from nextstat_core.infer.intervals import interval_ends
from nextstat_core.infer.profile import Profile
from nextstat_core.infer.rays import BOUND, FAILED
from nextstat_core.results.impacts import CONVENTIONS, IMPACT_FLAGS, Impacts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from nextstat_core.infer.best_fit import BestFit
    from nextstat_core.infer.conditional import ConditionalFits
    from nextstat_core.infer.executors import Executor
    from nextstat_core.infer.options import FitOptions
    from nextstat_core.infer.request import Request
    from nextstat_core.models import StatisticalModel
    from nextstat_core.results.impacts import ImpactConvention
    from nextstat_core.typing import ArrayLike

__all__ = ["impacts"]

# Shifts below this share of the uncertainty are noise; they have no side.
_SIDE = 1e-4
_TINY = np.finfo(float).tiny


def impacts(
    model: StatisticalModel,
    *,
    convention: ImpactConvention = "nominal",
    parameters: Iterable[str] | None = None,
    poi: str | None = None,
    data: ArrayLike | None = None,
    fixed: Mapping[str, float | None] | Iterable[str] | None = None,
    bounds: Mapping[str, tuple[float, float]] | Iterable[tuple[float, float]] | None = None,
    init: Mapping[str, float] | None = None,
    options: FitOptions | None = None,
    open_poi_bound: bool = True,
    minos: bool = False,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Impacts:
    r"""Rank nuisance parameters by what they do to the parameter of interest (POI).

    All refits are rows of one batch that share the inverse Hessian of the best fit; each starts
    where its tangent predicts the solution.

    Parameters
    ----------
    model : StatisticalModel
    convention : {"nominal", "prefit", "postfit", "covariance", "global"}
        ==============  ===========================================================
        ``nominal``     refits at the centre of the constraint :math:`\pm` its width
        ``prefit``      refits at the best fit :math:`\pm` the width of the constraint
        ``postfit``     refits at the best fit :math:`\pm` the uncertainty
        ``covariance``  :math:`\pm V_{\mu k} / \hat\sigma_k`, no refits
        ``global``      auxiliary measurements :math:`\pm` their deviation, no refits
        ==============  ===========================================================

        Widths are 1 for the parameters of normsys and histosys, and those of the measurement for a
        luminosity; a gamma of staterror has its relative uncertainty, one of shapesys
        :math:`1 / \sqrt{\tau}`. Values beyond a bound are moved to it.
    parameters : iterable of str, optional
        Those to rank. By default all that are not fixed: those with a constraint in ``nominal`` and
        ``global``, free normalisations too in the others (their impact is 0 in ``prefit``).
    poi : str, optional
        Another parameter of interest than the model's.
    data, fixed, bounds, init, options : optional
        As in `fit`.
    open_poi_bound : bool
        Open a lower bound >= 0 of the POI as far as rates stay positive. At a bound impacts are cut
        or zero; other tools keep it.
    minos : bool
        With ``postfit``: refits at the ends of the interval of the profile likelihood, see
        `intervals`, instead of :math:`\pm` the uncertainty from the Hessian.
    executor : concurrent.futures.Executor, optional
        Whatever does the refits instead of this thread: a pool of processes, a cluster. Results do
        not depend on it.
    progress : callable, optional
        Called with the number of refits done and their total.

    Returns
    -------
    nextstat_core.results.Impacts
        Ordered by the larger of the two shifts, then by name. Refits that did not converge are in
        it, with a flag.

    Raises
    ------
    MissingPOIError
        If the model has no POI and none is named.
    InputError
        For arguments that cannot be used.
    FitError
        If the best fit did not converge and ``options.on_failure == "raise"``; if its Hessian is
        not positive definite, in the conventions without refits.
    """
    if convention not in CONVENTIONS:
        raise InputError.unknown("convention", convention, CONVENTIONS)
    if minos and convention != "postfit":
        raise InputError(f"`minos` goes with convention 'postfit'; found {convention!r}")
    best = best_fit(
        model,
        "impacts",
        poi=poi,
        data=data,
        fixed=fixed,
        bounds=bounds,
        init=init,
        options=options,
        open_poi_bound=open_poi_bound,
    )
    chosen = _chosen(best, convention, parameters)
    if convention in {"covariance", "global"}:
        return _first_order(best, convention, chosen)
    if minos:
        best, wanted, bounded = _interval_ends(best, chosen)
    else:
        wanted = _widths_around(best, convention, chosen)
        bounded = np.zeros(len(chosen), dtype=bool)
    return _refitted(
        best, convention, chosen, wanted, bounded, minos=minos, executor=executor, progress=progress
    )


def _chosen(
    best: BestFit, convention: ImpactConvention, parameters: Iterable[str] | None
) -> NDArray[np.intp]:
    """Positions of the parameters to rank, each once."""
    names, fit = best.fit.parameter_names, best.fit
    if parameters is None:
        wanted = ~np.asarray(fit.fixed)
        if convention in {"nominal", "global"}:
            wanted &= ~np.isnan(fit.prefit_widths)
        wanted[best.poi] = False
        return np.flatnonzero(wanted)
    given = [parameters] if isinstance(parameters, str) else list(dict.fromkeys(parameters))
    for name in given:
        if name not in names:
            raise InputError.unknown("parameter", name, names)
        if names.index(name) == best.poi:
            raise InputError(f"`parameters` holds {name!r}, the parameter of interest itself")
        if fit.fixed[names.index(name)]:
            raise InputError(f"`parameters` holds {name!r}, which is fixed")
    return np.array([names.index(name) for name in given], dtype=np.intp)


def _first_order(best: BestFit, convention: ImpactConvention, chosen: NDArray[np.intp]) -> Impacts:
    """Impacts from the Hessian at the best fit."""
    response = best.response()
    statistical = None
    if convention == "global":
        up, width = response.auxiliary[chosen], best.fit.prefit_widths[chosen]
        if best.around.target.compiled is not None:
            statistical = float(np.sqrt(response.data_variance))
    else:
        width = response.errors[chosen]
        covariance = response.covariance[chosen]
        up = np.divide(covariance, width, out=np.zeros(len(chosen)), where=width > 0.0)
    # Without a width there is no impact, and a parameter at a bound does not answer.
    flags = {"no_width": np.isnan(width) | (width == 0.0)}
    flags["at_bound"] = np.full(len(chosen), not response.defined)
    unknown = np.full((2, len(chosen)), np.nan)
    shifts = np.stack([up, -up])
    return _collect(
        best,
        convention,
        chosen,
        shifts,
        unknown,
        flags,
        sigma=float(np.sqrt(response.variance)),
        statistical=statistical,
    )


def _widths_around(
    best: BestFit, convention: ImpactConvention, chosen: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Where to hold parameters, shape (2, n), up and down; NaN without a width."""
    fit = best.fit
    center = (fit.prefit_centers if convention == "nominal" else fit.values)[chosen]
    width = (fit.errors if convention == "postfit" else fit.prefit_widths)[chosen]
    step = np.where(width > 0.0, width, np.nan)
    return np.stack([center + step, center - step])


def _interval_ends(
    best: BestFit, chosen: NDArray[np.intp]
) -> tuple[BestFit, NDArray[np.float64], NDArray[np.bool_]]:
    """The same by MINOS; the best fit may move, and some ends are the parameter's bounds."""
    profile = Profile(best.around)
    ends, how, _ = interval_ends(profile, chosen, rise=1.0)
    best = best.moved(profile.around, tuple(profile.warnings))
    known = np.where(how == FAILED, np.nan, ends)
    return best, known.T[::-1], (how == BOUND).any(axis=1)


def _refitted(
    best: BestFit,
    convention: ImpactConvention,
    chosen: NDArray[np.intp],
    wanted: NDArray[np.float64],
    bounded: NDArray[np.bool_],
    *,
    minos: bool,
    executor: Executor | None,
    progress: Callable[[int, int], None] | None,
) -> Impacts:
    """Impacts from refits with parameters held where it is `wanted`, if that is finite."""
    fit, around = best.fit, best.around
    usable = np.isfinite(wanted)
    values = np.clip(wanted, around.request.lower[chosen], around.request.upper[chosen])
    held = np.broadcast_to(chosen, wanted.shape)[usable][:, None]
    # Impacts need the place of the minimum; no refit needs a Hessian of its own for that. Refits
    # rise little above the best fit, beside which a second mode was looked for.
    found = fit_held(
        around,
        held,
        values[usable][:, None],
        second_modes=bool(around.free.rivals),
        slopes=False,
        executor=executor,
        progress=progress,
    )
    shifts = np.zeros(wanted.shape)
    shifts[usable] = found.fits.values[:, best.poi] - fit.values[best.poi]
    clipped = (usable & (values != wanted)).any(axis=0)
    flags = {"no_width": ~usable.all(axis=0), "clipped": clipped | bounded}
    for flag, rows in (("at_bound", _at_edge(best, found)), ("failed", ~found.converged)):
        where = np.zeros(wanted.shape, dtype=bool)
        where[usable] = rows
        flags[flag] = where.any(axis=0)
    return _collect(
        best,
        convention,
        chosen,
        shifts,
        np.where(usable, values, np.nan),
        flags,
        sigma=float(fit.errors[best.poi]),
        minos=minos,
        refits=found,
    )


def _at_edge(best: BestFit, found: ConditionalFits) -> NDArray[np.bool_]:
    """Refits in which the POI stands at one of its bounds."""
    request: Request = best.around.request
    poi = found.fits.values[:, best.poi]
    return (poi <= request.lower[best.poi]) | (poi >= request.upper[best.poi])


def _collect(
    best: BestFit,
    convention: ImpactConvention,
    chosen: NDArray[np.intp],
    shifts: NDArray[np.float64],
    values: NDArray[np.float64],
    flags: Mapping[str, NDArray[np.bool_]],
    *,
    sigma: float,
    statistical: float | None = None,
    minos: bool = False,
    refits: ConditionalFits | None = None,
) -> Impacts:
    """The result, the largest impacts first; `shifts` and `values` have rows up and down."""
    fit = best.fit
    noise = _SIDE * sigma if np.isfinite(sigma) else 0.0
    one_sided = (shifts[0] * shifts[1] > 0.0) & (np.abs(shifts).min(axis=0) > noise)
    found = {**flags, "one_sided": one_sided}
    names = [fit.parameter_names[i] for i in chosen]
    size = np.abs(shifts).max(axis=0)
    # Rounding must not decide between equal impacts.
    rounded = np.round(size / size.max(initial=_TINY), 9)
    order = sorted(range(len(names)), key=lambda i: (-rounded[i], names[i]))
    ranked = chosen[order]
    postfit, prefit = fit.errors[ranked], fit.prefit_widths[ranked]
    return Impacts(
        convention=convention,
        poi=fit.parameter_names[best.poi],
        poi_value=float(fit.values[best.poi]),
        poi_sigma=sigma,
        names=tuple(names[i] for i in order),
        up=shifts[0, order],
        down=shifts[1, order],
        value_up=values[0, order],
        value_down=values[1, order],
        pull=fit.pulls[ranked],
        constraint=postfit / prefit,
        prefit=prefit,
        postfit=postfit,
        flags=tuple(
            tuple(flag for flag in IMPACT_FLAGS if flag in found and found[flag][i]) for i in order
        ),
        fit=fit,
        statistical=statistical,
        minos=minos,
        warnings=best.warnings,
        **({} if refits is None else _work(refits)),
    )


def _work(refits: ConditionalFits) -> dict[str, int]:
    """What the refits took."""
    fits = refits.fits
    counts = {name: int(getattr(fits, name).sum()) for name in ("n_fev", "n_gev", "n_hev")}
    return {"n_refits": len(fits.nll), "n_newton": refits.n_newton, **counts}
