"""Full likelihoods to simplified ones: summed backgrounds with one covariance of all bins."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.infer.fit import fit as fit_model
from nextstat_core.infer.target import histfactory_target
from nextstat_core.infer.yields import yields
from nextstat_core.results.simplified import SimplifiedLikelihood

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nextstat_core.infer.options import FitOptions
    from nextstat_core.models import HistFactoryModel
    from nextstat_core.results import FitResult
    from nextstat_core.results.yields import Yields

__all__ = ["simplified_likelihood"]


def simplified_likelihood(
    model: HistFactoryModel,
    fit: FitResult | None = None,
    *,
    stage: Literal["postfit", "prefit"] = "postfit",
    channels: Iterable[str] | None = None,
    options: FitOptions | None = None,
) -> SimplifiedLikelihood:
    """Reduce a model to the yields of all backgrounds together and their covariance.

    Kept are, at one point of the parameters: expected background and signal in each bin, and, to
    first order, the variances and correlations of the background. Lost are the names of nuisance
    parameters (nothing can be profiled or combined by name), the shape of constraints and
    interpolations beyond the linear term, asymmetric and statistical terms that are not Gaussian,
    free normalisations as such, and all uncertainties of the signal.

    A post-fit background has used the data already. Where the same bins are fitted again with the
    simplified likelihood, these data count twice and limits come out too strong; leave control
    regions out with `channels`, and fit a background model that was restricted to them, or take
    pre-fit yields where free normalisations do not matter.

    Parameters
    ----------
    model : HistFactoryModel
    fit : FitResult, optional
        Of the background alone: the parameter of interest fixed at 0, or absent. It may be a fit of
        some channels only, see `nextstat_core.infer.yields`. Made here if left out.
    stage : {"postfit", "prefit"}
    channels : iterable of str, optional
        Channels that the result has; all if left out.
    options : FitOptions, optional
        Of the fit that is made here.

    Raises
    ------
    InputError
        If the parameter of interest is no normfactor, so that 0 does not mean "no signal"; if the
        fit has a signal; if the data leave the background undetermined.
    """
    target = histfactory_target(model, "simplified likelihoods")
    if stage not in {"postfit", "prefit"}:
        raise InputError.unknown("stage", stage, ("postfit", "prefit"))
    if stage == "prefit" and fit is not None:
        raise InputError("a pre-fit background has no fit; found one")
    poi = _poi_name(model)
    if stage == "postfit" and fit is None:
        fit = fit_model(model, fixed={poi: 0.0} if poi else None, options=options)
    if fit is not None:
        _refuse_signal(fit, poi)
    without = yields(model, fit, params={poi: 0.0} if poi else None)
    signal = _difference(yields(model, fit, params={poi: 1.0}), without) if poi else None
    bins, index = _kept(model, channels)
    covariance = without.covariance[np.ix_(index, index)]
    if not np.isfinite(covariance).all():
        raise InputError(
            "the background is not determined by the data: " + "; ".join(without.warnings),
            hint="fix the parameters, or take a pre-fit background: stage='prefit'",
        )
    return SimplifiedLikelihood(
        bins=bins,
        observed=target.own_main[index],
        background=_totals(without)[index],
        covariance=covariance,
        signal=None if signal is None else signal[index],
        poi=poi,
        yields=replace(without, stage=stage),
    )


def _poi_name(model: HistFactoryModel) -> str:
    """Name of the signal strength, empty without one."""
    index = model.poi_index()
    if index is None:
        return ""
    name = model.parameter_names()[index]
    kinds = {
        modifier.kind
        for channel in model.ir.channels
        for sample in channel.samples
        for modifier in sample.modifiers
        if name in modifier.parameters
    }
    if kinds != {"normfactor"}:
        raise InputError(
            f"the parameter of interest {name!r} is a {' and '.join(sorted(kinds))}; expected a "
            "normfactor, which is 0 without signal",
            hint="load the model with poi=None if all of it is background",
        )
    return name


def _refuse_signal(fit: FitResult, poi: str) -> None:
    if poi not in fit.parameter_names:
        return
    i = fit.parameter_names.index(poi)
    if not fit.fixed[i] or fit.values[i] != 0.0:
        held = "fixed" if fit.fixed[i] else "free"
        raise InputError(
            f"the fit has {poi!r} {held} at {fit.values[i]:g}; expected it fixed at 0",
            hint=f"fit(model, fixed={{{poi!r}: 0.0}})",
        )


def _totals(result: Yields) -> np.ndarray:
    return np.concatenate([each.total for each in result.channels])


def _difference(above: Yields, below: Yields) -> np.ndarray:
    return _totals(above) - _totals(below)


def _kept(
    model: HistFactoryModel, channels: Iterable[str] | None
) -> tuple[dict[str, slice], np.ndarray]:
    """Bins of the channels that stay, in their own count, and in that of the model."""
    everything = model.main_bins.channels
    wanted = set(everything if channels is None else channels)
    for name in sorted(wanted - everything.keys()):
        raise InputError.unknown("channel", name, list(everything))
    if not wanted:
        raise InputError("`channels` is empty; expected at least one name of a channel")
    bins: dict[str, slice] = {}
    index: list[int] = []
    for name, own in everything.items():
        if name in wanted:
            bins[name] = slice(len(index), len(index) + own.stop - own.start)
            index.extend(range(own.start, own.stop))
    return bins, np.asarray(index, dtype=np.intp)
