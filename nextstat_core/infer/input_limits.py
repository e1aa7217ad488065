r"""CLs and upper limits as functions of a model's inputs, with exact gradients.

The limit :math:`\mu_{up}` solves :math:`F(\mu, x) = 0`, so that
:math:`d\mu_{up}/dx = -F_x / F_\mu`. Expected limits have
:math:`F = \sqrt{q_A} - c_N`, the observed one
:math:`F = \log CL_s(q, q_A) - \log\alpha`. Likelihood ratios move by the envelope theorem; a set
of Asimov data that stands at the fit to the data moves with that fit, which costs one linear
solve.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import InputError
from nextstat_core.infer.conditional import Conditional
from nextstat_core.infer.exclusion_rows import ExclusionRows, tails_of
from nextstat_core.infer.input_fits import rows_of
from nextstat_core.infer.limits import check_alpha
from nextstat_core.infer.options import FitOptions
from nextstat_core.infer.request import make_request
from nextstat_core.infer.statistics import statistic_of
from nextstat_core.infer.target import histfactory_target
from nextstat_core.optimize import Status
from nextstat_core.stats.asymptotics import N_SIGMA, log_density, log_ndtr

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from nextstat_core.infer.exclusion_rows import RowRatios
    from nextstat_core.infer.statistics import AsimovKind
    from nextstat_core.models import ModelInputs

__all__ = ["InputExclusion", "InputLimit", "InputLimits"]

_TOLERANCE = 1e-13


@dataclass(frozen=True, slots=True)
class InputLimit:
    """Limits or CLs of rows, and their gradients with respect to the inputs.

    Attributes
    ----------
    value : float array, shape (rows,)
        NaN where there is no limit.
    gradient : float array, shape (rows, size)
        NaN where there is none.
    converged : bool array, shape (rows,)
        Whether all fits did that it is made of, and a search for a limit came to its end.
    """

    value: NDArray[np.float64]
    gradient: NDArray[np.float64]
    converged: NDArray[np.bool_]


class InputLimits:
    """Upper limits of one model with inputs that change.

    Parameters
    ----------
    inputs : ModelInputs
    alpha : float
        One minus the confidence level.
    test_stat : {"qtilde", "q"}
    asimov : {"postfit", "prefit"}
        Whether the Asimov set has the nuisance parameters of the fit to the data, or their start
        values; expected limits do not depend on the data then, as training wants it.
    options : FitOptions, optional
        Its tolerance is at most 1e-13.

    Raises
    ------
    InputError
        If an argument cannot be used.
    """

    def __init__(
        self,
        inputs: ModelInputs,
        alpha: float = 0.05,
        test_stat: str = "qtilde",
        asimov: AsimovKind = "prefit",
        options: FitOptions | None = None,
    ) -> None:
        check_alpha(alpha)
        if test_stat not in ("qtilde", "q"):
            raise InputError.unknown("test statistic with CLs", test_stat, ["qtilde", "q"])
        if asimov not in ("postfit", "prefit"):
            raise InputError.unknown("`asimov`", asimov, ["postfit", "prefit"])
        self.inputs, self.alpha, self.asimov = inputs, alpha, asimov
        self.statistic = statistic_of(test_stat)
        options = options or FitOptions()
        tolerance = min(options.tolerance, _TOLERANCE)
        self.options = replace(options, tolerance=tolerance, polish_rows=True)

    def at(self, vectors: NDArray[np.float64], count: int = 1) -> InputExclusion:
        """Rows with the inputs `vectors`.

        Parameters
        ----------
        vectors : float array, shape (1 or rows, size)
            Inputs; one set for all rows where templates or variances are among them.
        count : int
            Number of rows that one set of inputs stands for.

        Raises
        ------
        InputError
            If rows differ in templates or variances.
        MissingPOIError
            If the model has no parameter of interest.
        """
        inputs, given = rows_of(self.inputs, vectors, max(count, len(vectors)))
        own = (lambda: self._own) if inputs is self.inputs else None
        tests = ExclusionRows(inputs, given, self.statistic, self.asimov, self.options, own)
        return InputExclusion(tests, self.alpha)

    @cached_property
    def _own(self) -> Conditional:
        """The fit to the model's own numbers: near, and always the same."""
        target = histfactory_target(self.inputs.model, "limits")
        request = make_request(target)
        assert target.poi is not None
        request = self.statistic.request(target, request, target.poi)
        once = replace(self.options, second_modes=False)
        return Conditional.around_fit(target, request, None, once)


class InputExclusion:
    """Limits and CLs of rows.

    Tested values and fluctuations are one for all rows, or one each.
    """

    def __init__(self, tests: ExclusionRows, alpha: float) -> None:
        self._tests, self._alpha = tests, alpha
        self._count = len(tests.request.start)

    def expected(self, n_sigma: ArrayLike = 0) -> InputLimit:
        """The limits that are expected if the estimate fluctuates by `n_sigma`."""
        fluctuation = self._n_sigma(n_sigma)
        mu, ended = self._tests.expected_limits(self._alpha, fluctuation)
        exists = np.isfinite(mu)
        ratios = self._tests.asimov_at(np.where(exists, mu, 1.0))
        by_mu = np.where(exists, ratios.slope, np.nan)
        converged = ended & ratios.converged & self._tests.point_converged
        return _limit(mu, self._asimov_gradient(ratios), by_mu, converged)

    def observed(self) -> InputLimit:
        """The observed limits."""
        mu, ended = self._tests.observed_limits(self._alpha)
        exists = np.isfinite(mu)
        by_inputs, by_mu, _, converged = self._log_cls(np.where(exists, mu, 1.0))
        return _limit(mu, by_inputs, np.where(exists, by_mu, np.nan), converged & ended)

    def cls(self, mu: ArrayLike) -> InputLimit:
        """CLs of the data at `mu`."""
        by_inputs, _, value, converged = self._log_cls(self._each(mu))
        return InputLimit(value, value[:, None] * by_inputs, converged)

    def expected_cls(self, mu: ArrayLike, n_sigma: ArrayLike = 0) -> InputLimit:
        r"""CLs that is expected at `mu`, :math:`\Phi(N - \sqrt{q_A}) / \Phi(N)`."""
        ratios = self._tests.asimov_at(self._each(mu))
        root, fluctuation = np.sqrt(ratios.q), self._n_sigma(n_sigma)
        value, weight = np.empty(self._count), np.zeros(self._count)
        for i, (n, a) in enumerate(zip(fluctuation.tolist(), root.tolist(), strict=True)):
            value[i] = np.exp(log_ndtr(n - a) - log_ndtr(n))
            if a > 0.0:
                weight[i] = -np.exp(log_density(n - a) - log_ndtr(n)) / (2.0 * a)
        gradient = weight[:, None] * self._asimov_gradient(ratios)
        return InputLimit(value, gradient, ratios.converged & self._tests.point_converged)

    def _each(self, mu: ArrayLike) -> NDArray[np.float64]:
        return np.array(np.broadcast_to(np.asarray(mu, dtype=float), (self._count,)))

    def _n_sigma(self, n_sigma: ArrayLike) -> NDArray[np.intp]:
        found = np.broadcast_to(np.asarray(n_sigma), (self._count,))
        for wrong in found[~np.isin(found, N_SIGMA)][:1]:
            raise InputError.unknown("`n_sigma`", str(wrong), list(map(str, N_SIGMA)))
        return found.astype(np.intp)

    # -- likelihood ratios ------------------------------------------------------------------------

    def _log_cls(
        self, mu: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
        """Derivatives of log CLs in the inputs and in mu, CLs, and whether all fits converged."""
        tests = self._tests
        data, asimov = tests.data_at(mu), tests.asimov_at(mu)
        tails = tails_of(data, asimov, bounded=tests.statistic.bounded)
        by_roots = np.array([each.cls_by for each in tails])
        roots = np.sqrt(np.stack([data.q, asimov.q], axis=1))
        weights = np.divide(0.5 * by_roots, roots, out=np.zeros_like(roots), where=roots > 0.0)
        parts = self._data_gradient(data), self._asimov_gradient(asimov)
        by_inputs = weights[:, :1] * parts[0] + weights[:, 1:] * parts[1]
        by_mu = weights[:, 0] * data.slope + weights[:, 1] * asimov.slope
        converged = data.converged & asimov.converged & tests.point_converged
        converged &= tests.free.status == Status.EDM
        return by_inputs, by_mu, np.array([each.cls for each in tails]), converged

    def _data_gradient(self, ratios: RowRatios) -> NDArray[np.float64]:
        return _difference(self._tests.likelihood.by_inputs, ratios.held, self._tests.free.values)

    def _asimov_gradient(self, ratios: RowRatios) -> NDArray[np.float64]:
        """Of the Asimov sets' likelihood ratios at fixed mu; their best fits are the points."""
        tests = self._tests
        point, asimov = tests.point, tests.asimov
        found = _difference(asimov.by_inputs, ratios.held, point)
        if tests.kind == "prefit":
            return found
        # A point is the fit to the data with its signal held, and moves with the inputs.
        request, fixed = tests.request, tests.request.fixed.copy()
        fixed[:, tests.poi] = True
        free = tests.likelihood.free_set(point, request.lower, request.upper, fixed)
        cotangent = _difference(asimov.by_point, ratios.held, point)
        return found + tests.likelihood.through_minimum(point, free, cotangent)


def _limit(
    mu: NDArray[np.float64],
    by_inputs: NDArray[np.float64],
    by_mu: NDArray[np.float64],
    converged: NDArray[np.bool_],
) -> InputLimit:
    """Limits from the derivatives of what is zero there; NaN where there are none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        gradient = -by_inputs / by_mu[:, None]
    return InputLimit(np.where(np.isfinite(mu), mu, np.nan), gradient, converged)


def _difference(
    function: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    held: NDArray[np.float64],
    free: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Twice the difference of a gradient between two points, (rows, n)."""
    return 2.0 * (function(held) - function(free))
