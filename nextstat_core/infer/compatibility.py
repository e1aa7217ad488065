"""Do channels agree on a parameter? One value per group of channels against one for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nextstat_core.errors import InputError, MissingPOIError
from nextstat_core.infer.fit import fit
from nextstat_core.ir import channels_of, decorrelate
from nextstat_core.models import HistFactoryModel
from nextstat_core.results import ChannelCompatibility
from nextstat_core.stats import chi2_sf

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nextstat_core.infer.options import FitOptions
    from nextstat_core.results import FitResult
    from nextstat_core.typing import ArrayLike

__all__ = ["channel_compatibility"]


def channel_compatibility(
    model: HistFactoryModel,
    groups: Mapping[str, Iterable[str]] | None = None,
    *,
    parameter: str | None = None,
    data: ArrayLike | None = None,
    fixed: Mapping[str, float | None] | Iterable[str] | None = None,
    bounds: tuple[float, float] | None = None,
    options: FitOptions | None = None,
) -> ChannelCompatibility:
    """Compare a fit with one value of a parameter with one that has a value per group of channels.

    Twice the difference of the two ``-log L`` follows, where the model is right and no estimate is
    at a bound, the chi-squared distribution with one degree of freedom less than there are groups
    (the ChannelCompatibilityCheck of CMS's combine).

    Parameters
    ----------
    model : HistFactoryModel
    groups : mapping of str to iterable of str, optional
        Channels of each group; every channel in which the parameter acts, once. If left out, each
        of these channels is a group.
    parameter : str, optional
        Name of a modifier without a constraint; the parameter of interest if left out.
    data, fixed, options : optional
        As in `fit`, for both fits.
    bounds : (lower, upper), optional
        Bounds of the parameter in both fits; the model's if left out. Wide ones keep estimates away
        from bounds.

    Raises
    ------
    InputError
        For arguments that cannot be used, and fewer than two groups.
    MissingPOIError
        If no parameter is named, and the model has no parameter of interest.
    FitError
        If a fit did not converge and ``options.on_failure == "raise"``.
    """
    if not isinstance(model, HistFactoryModel):
        raise InputError(f"channels need a HistFactory model; found a {type(model).__name__}")
    if parameter is None:
        if model.ir.poi is None:
            raise MissingPOIError("the compatibility of channels without `parameter`")
        parameter = model.ir.poi
    chosen = _groups(model, parameter, groups)
    if parameter not in model.parameter_names():
        raise InputError(f"{parameter!r} has one parameter per bin; expected one parameter")
    if model.ir.parameters[model.parameter_names().index(parameter)].constraint is not None:
        raise InputError(
            f"{parameter!r} has a constraint, and would have one per group; expected a free factor"
        )
    names = {f"{parameter}_{group}": channels for group, channels in chosen.items()}
    split = type(model)(
        decorrelate(model.ir, parameter, names), backend=model.backend, precise=model.precise
    )
    wanted = bounds and dict.fromkeys([parameter], bounds)
    common = fit(model, data=data, fixed=fixed, bounds=wanted or None, options=options)
    # The fit with one value for all is a point of the other, and near its minimum.
    start = dict(zip(common.parameter_names, common.parameters, strict=True))
    value = start.pop(parameter)
    separate = fit(
        split,
        data=data,
        fixed=fixed,
        bounds=bounds and dict.fromkeys(names, bounds),
        init={**start, **dict.fromkeys(names, value)},
        options=options,
    )
    statistic = 2.0 * (common.nll - separate.nll)
    ndof = len(names) - 1
    return ChannelCompatibility(
        parameter=parameter,
        groups=chosen,
        statistic=statistic,
        ndof=ndof,
        p_value=chi2_sf(statistic, ndof),
        common=common,
        separate=separate,
        warnings=tuple(_remarks(common, separate, [parameter, *names], statistic)),
    )


def _groups(
    model: HistFactoryModel, parameter: str, groups: Mapping[str, Iterable[str]] | None
) -> dict[str, tuple[str, ...]]:
    acting = channels_of(model.ir, parameter)
    chosen: dict[str, tuple[str, ...]]
    if groups is None:
        chosen = {channel: (channel,) for channel in acting}
    else:
        chosen = {
            name: (channels,) if isinstance(channels, str) else tuple(channels)
            for name, channels in groups.items()
        }
        listed = {channel for channels in chosen.values() for channel in channels}
        left = [channel for channel in acting if channel not in listed]
        if left:
            raise InputError(
                f"{parameter!r} acts in channels that are in no group: "
                f"{', '.join(map(repr, left))}",
                hint="put each into one group",
            )
    if len(chosen) < 2:
        raise InputError(
            f"{parameter!r} has {len(chosen)} group of channels, {', '.join(acting)}; "
            "expected at least two groups to compare"
        )
    return chosen


def _remarks(
    common: FitResult, separate: FitResult, names: list[str], statistic: float
) -> list[str]:
    lines = [
        f"the fit with {which} did not converge: {result.termination_reason}"
        for which, result in (("one value", common), ("a value per group", separate))
        if not result.converged
    ]
    held = [name for name, _ in (*common.at_bound, *separate.at_bound) if name in names]
    if held:
        lines.append(
            f"{', '.join(held)} at a bound: the statistic does not follow the chi-squared "
            "distribution; wider `bounds` would help"
        )
    if statistic < -1e-6:
        lines.append("the fit with a value per group ended in a higher minimum than the other")
    return lines
