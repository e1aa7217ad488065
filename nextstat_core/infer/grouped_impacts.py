r"""Shares of groups of parameters in the uncertainty of a parameter of interest.

``freeze`` holds a group at the best fit and takes the root of what the variance loses,
:math:`\sqrt{\sigma_\mu^2 - \sigma_\mu^2(\mathrm{group})}`. ``global`` adds up the squares of the
impacts of the group's auxiliary measurements (arXiv:2307.04007). Both come from the Hessian at the
best fit, without further fits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.infer.best_fit import best_fit
from nextstat_core.infer.parameter_groups import FREE, GAMMAS, groups_of, kinds_of
from nextstat_core.results.breakdown import Breakdown
from nextstat_core.results.grouped_impacts import GROUP_METHODS, GroupedImpacts, GroupImpact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from nextstat_core.infer.best_fit import BestFit
    from nextstat_core.infer.response import Response
    from nextstat_core.models import StatisticalModel
    from nextstat_core.results.breakdown import NormalisationsCount
    from nextstat_core.results.grouped_impacts import GroupMethod

__all__ = ["breakdown", "grouped_impacts"]


def grouped_impacts(
    model: StatisticalModel,
    groups: str | Mapping[str, str | Iterable[str]] = "modifier",
    *,
    method: GroupMethod = "freeze",
    nested: bool = False,
    **request: Any,
) -> GroupedImpacts:
    """Split the uncertainty of the parameter of interest (POI) by groups of parameters.

    Parameters
    ----------
    model : StatisticalModel
    groups : ``"modifier"``, or mapping of group to one or more names
        By kind of modifier, or as listed: a name is that of a parameter, of a modifier that has
        several, or a pattern with ``*`` and ``?``. Groups may overlap. The POI is in none.
    method : {"freeze", "global"}
        What the variance loses when the group is held at the best fit, or the sum of the squared
        ``global`` impacts of its members; free normalisations have none of the latter.
    nested : bool
        With ``freeze``: freeze each group on top of those before it. Squares add up to that of the
        total then, but parts depend on the order. Otherwise each group is frozen alone, and
        correlations between groups are in none of them or in both.
    **request
        `poi`, `data`, `fixed`, `bounds`, `init`, `options` and `open_poi_bound`, as in `impacts`.

    Returns
    -------
    nextstat_core.results.GroupedImpacts
        In the order given. Parts are NaN where the POI is at a bound, with a warning.

    Raises
    ------
    MissingPOIError
        If the model has no POI and none is named.
    InputError
        For arguments that cannot be used.
    FitError
        If the Hessian at the best fit is not positive definite.
    """
    if method not in GROUP_METHODS:
        raise InputError.unknown("method", method, GROUP_METHODS)
    if nested and method == "global":
        raise InputError(
            "`nested` goes with method 'freeze': the parts of 'global' do not depend on an order"
        )
    best = best_fit(model, "grouped impacts", **request)
    members = _members(best, groups)
    return _grouped(best, best.response(), members, method, nested=nested)


def breakdown(
    model: StatisticalModel,
    groups: str | Mapping[str, str | Iterable[str]] = "modifier",
    *,
    normalisations: NormalisationsCount = "statistical",
    **request: Any,
) -> Breakdown:
    """Split the uncertainty of the parameter of interest into statistical and systematic.

    Statistical is what remains with everything frozen that has a constraint, gammas of simulated
    events included. Free normalisations are determined by the counts: they float, unless they are
    to count as systematic.

    Parameters
    ----------
    groups, **request
        As in `grouped_impacts`.
    normalisations : {"statistical", "systematic"}
        What free normalisations count as.

    Returns
    -------
    nextstat_core.results.Breakdown

    Raises
    ------
    MissingPOIError, InputError, FitError
        As in `grouped_impacts`.
    """
    if normalisations not in {"statistical", "systematic"}:
        raise InputError.unknown(
            "count of normalisations", normalisations, ("statistical", "systematic")
        )
    best = best_fit(model, "a breakdown", **request)
    response, fit = best.response(), best.fit
    kinds = kinds_of(best.around.target)
    others = np.arange(len(kinds)) != best.poi
    constrained = ~np.isnan(fit.prefit_widths) & others
    free = np.array([bool(each & FREE) for each in kinds]) & others & ~constrained
    gammas = np.array([bool(each & GAMMAS) for each in kinds]) & others
    systematic = constrained | free if normalisations == "systematic" else constrained
    total = response.variance
    left = response.frozen(np.stack([systematic, gammas, free]))
    statistical = float(left[0]) if response.defined else np.nan
    parts = np.sqrt(np.maximum(total - left, 0.0))
    return Breakdown(
        poi=fit.parameter_names[best.poi],
        poi_value=float(fit.values[best.poi]),
        total=float(np.sqrt(total)),
        statistical=float(np.sqrt(statistical)),
        systematic=float(parts[0]),
        mc_statistics=float(parts[1]),
        normalisations=float(parts[2]),
        normalisations_count=normalisations,
        groups=_grouped(best, response, _members(best, groups), "freeze", nested=False),
    )


def _members(
    best: BestFit, groups: str | Mapping[str, str | Iterable[str]]
) -> dict[str, NDArray[np.bool_]]:
    """Members that may move: neither the POI nor what is fixed."""
    movable = ~np.asarray(best.fit.fixed)
    movable[best.poi] = False
    found = {
        name: member & movable for name, member in groups_of(best.around.target, groups).items()
    }
    # A kind of modifier without any is nothing that somebody asked for.
    return {name: member for name, member in found.items() if member.any() or groups != "modifier"}


def _grouped(
    best: BestFit,
    response: Response,
    members: Mapping[str, NDArray[np.bool_]],
    method: GroupMethod,
    *,
    nested: bool,
) -> GroupedImpacts:
    fit, total = best.fit, response.variance
    shape = (len(members), len(fit.parameter_names))
    masks = np.array(list(members.values()), dtype=bool).reshape(shape)
    if method == "freeze":
        parts, rest = _frozen_parts(response, masks, nested=nested)
    else:
        squares = response.auxiliary**2
        parts = masks @ squares
        parts = parts if response.defined else np.full(len(masks), np.nan)
        rest = total - float(squares[masks.any(axis=0)].sum())
    names = np.array(fit.parameter_names)
    entries = tuple(
        GroupImpact(
            name,
            float(np.sqrt(max(part, 0.0))) if response.defined else np.nan,
            tuple(names[mask].tolist()),
            bool(part < 0.0),
        )
        for name, mask, part in zip(members, masks, parts.tolist(), strict=True)
    )
    return GroupedImpacts(
        method=method,
        nested=nested,
        poi=fit.parameter_names[best.poi],
        poi_value=float(fit.values[best.poi]),
        total=float(np.sqrt(total)),
        groups=entries,
        rest=float(np.sqrt(max(rest, 0.0))) if response.defined else np.nan,
        fit=fit,
        warnings=best.warnings,
    )


def _frozen_parts(
    response: Response, masks: NDArray[np.bool_], *, nested: bool
) -> tuple[NDArray[np.float64], float]:
    """What the variance loses with each group, and what remains without any of them."""
    everything = np.any(masks, axis=0, keepdims=True)
    frozen = np.cumsum(masks, axis=0) > 0 if nested else masks
    left = response.frozen(np.concatenate([frozen, everything]))
    before = np.full(len(masks), response.variance)
    if nested:
        before[1:] = left[: len(masks) - 1]
    return before - left[:-1], float(left[-1])
