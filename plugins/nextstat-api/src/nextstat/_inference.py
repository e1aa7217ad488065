"""Hypothesis tests and limits in the reference's form: numbers, lists and dicts.

The functions of `nextstat_core.infer` return everything else about them.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from nextstat._fit import on_device
from nextstat._model import HistFactoryModel, from_pyhf
from nextstat_core import infer
from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from nextstat_core.models import StatisticalModel
    from nextstat_core.results import DiscoveryResult, MassScan
    from nextstat_core.typing import ArrayLike

__all__ = [
    "cls_curve",
    "discovery",
    "hypotest",
    "mass_scan",
    "upper_limit",
    "upper_limits",
    "upper_limits_root",
]

_log = logging.getLogger("nextstat")


def hypotest(
    poi_test: float,
    model: StatisticalModel,
    *,
    data: ArrayLike | None = None,
    return_tail_probs: bool = False,
    return_expected_set: bool = False,
    device: str | None = None,
    **options: Any,
) -> Any:
    """Test one value of the parameter of interest with asymptotic formulas.

    Parameters
    ----------
    poi_test : float
    model : HistFactoryModel
    data : array-like, shape (n_main,), optional
        Observed counts, main bins only, instead of the model's own.
    return_tail_probs : bool
        Return ``[CLsb, CLb]``, too.
    return_expected_set : bool
        Return five CLs expected from the background, ascending, too.
    device : {"cpu", "cuda", "metal"}, optional
    **options
        Those of `nextstat_core.infer.hypotest`, which returns all fits: ``test_stat``,
        ``asimov``, ``fixed``, ``bounds``, ``init``, ``options``.

    Returns
    -------
    float
        CLs; the p-value for a statistic that has no CLs. With `return_tail_probs` or
        `return_expected_set` a tuple with the lists that were asked for, in this order.

    Raises
    ------
    InputError, MissingPOIError, FitError
        As `nextstat_core.infer.hypotest`; InputError also where a statistic has no such lists.
    """
    found = infer.hypotest(on_device(model, device), poi_test, data=data, **options)
    _report(found.warnings)
    if found.cls is None or found.clsb is None or found.clb is None or found.expected_cls is None:
        if return_tail_probs or return_expected_set:
            raise InputError(f"{found.test_stat!r} has no CLs, CLsb and CLb: only a p-value")
        return found.p_value
    if not (return_tail_probs or return_expected_set):
        return found.cls
    tails = [[found.clsb, found.clb]] if return_tail_probs else []
    bands = [found.expected_cls.tolist()] if return_expected_set else []
    return (found.cls, *tails, *bands)


def discovery(
    model: StatisticalModel,
    *,
    data: ArrayLike | None = None,
    device: str | None = None,
    **options: Any,
) -> DiscoveryResult:
    """Test the background alone; see `nextstat_core.infer.discovery`."""
    found = infer.discovery(on_device(model, device), data=data, **options)
    _report(found.warnings)
    return found


def upper_limit(
    model: StatisticalModel,
    *,
    alpha: float = 0.05,
    lo: float = 0.0,
    hi: float | None = None,
    rtol: float = 1e-4,
    max_iter: int = 80,
    expected: bool = False,
    data: ArrayLike | None = None,
    device: str | None = None,
    **options: Any,
) -> float | tuple[float, list[float]]:
    """Find the value of the parameter of interest at which CLs is `alpha`.

    Parameters
    ----------
    alpha : float
        One minus the confidence level.
    lo : float
        CLs has to be above `alpha` there.
    hi, max_iter
        Accepted for other methods; the search needs neither.
    rtol : float
        See `nextstat_core.infer.upper_limits`.
    expected : bool
        Return the five limits expected from the background, too.
    data, device, **options
        As in `hypotest`.

    Returns
    -------
    float, or (float, list of float)
        Infinite where there is no limit, which is logged.

    Raises
    ------
    InputError
        For arguments that cannot be used, and if the limit lies below `lo`.
    """
    del hi, max_iter
    found = infer.upper_limits(
        on_device(model, device), alpha=alpha, rtol=rtol, data=data, expected=expected, **options
    )
    _report(found.warnings)
    if found.observed < lo:
        raise InputError(
            f"Lower bracket does not satisfy CLs(lo) >= alpha: the limit is {found.observed:.6g}, "
            f"below lo = {lo:g}"
        )
    if found.expected is None:
        return found.observed
    return found.observed, found.expected.tolist()


def upper_limits_root(
    model: StatisticalModel,
    *,
    alpha: float = 0.05,
    lo: float = 0.0,
    hi: float | None = None,
    rtol: float = 1e-4,
    max_iter: int = 80,
    data: ArrayLike | None = None,
    device: str | None = None,
    **options: Any,
) -> tuple[float, list[float]]:
    """Find the observed and the five expected limits; arguments as in `upper_limit`."""
    found = upper_limit(
        model, alpha=alpha, lo=lo, hi=hi, rtol=rtol, max_iter=max_iter, data=data,
        device=device, **{**options, "expected": True},
    )  # fmt: skip
    assert isinstance(found, tuple)
    return found


def upper_limits(
    model: StatisticalModel,
    scan: ArrayLike,
    *,
    alpha: float = 0.05,
    data: ArrayLike | None = None,
    device: str | None = None,
    **options: Any,
) -> tuple[float, list[float]]:
    """Interpolate the observed and the five expected limits between the values of a scan.

    A limit is infinite where CLs does not fall to `alpha` within the scan, which is logged.
    Arguments as in `hypotest`.
    """
    found = infer.cls_scan(on_device(model, device), scan, alpha=alpha, data=data, **options)
    _report(found.warnings)
    return found.observed_limit, found.expected_limits.tolist()


def cls_curve(
    model: StatisticalModel,
    scan: ArrayLike,
    *,
    alpha: float = 0.05,
    data: ArrayLike | None = None,
    device: str | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Return CLs over a scan, observed and expected, as plain values for plots.

    Keys are ``alpha``, ``nsigma_order``, ``obs_limit``, ``exp_limits``, ``scan`` (also as
    ``mu_values``), ``cls_obs``, ``cls_exp`` (five lists) and ``points``; null stands for a limit
    that the scan does not reach. Arguments as in `hypotest`.
    """
    moved = on_device(model, device)
    return infer.cls_scan(moved, scan, alpha=alpha, data=data, **options).to_dict()


def mass_scan(background: Any, patchset: Any, **options: Any) -> MassScan:
    """Find the limits of all signals of a patchset; see `nextstat_core.infer.mass_scan`."""

    def make(document: Any, **choices: Any) -> HistFactoryModel:
        return from_pyhf(document, **choices)

    return infer.mass_scan(background, patchset, **{"make": make, **options})


def _report(warnings: tuple[str, ...]) -> None:
    for warning in warnings:
        _log.warning("%s", warning)
