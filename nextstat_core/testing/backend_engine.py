"""Tests of the engine on a backend: likelihoods, fits and toys are those of the NumPy backend."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nextstat_core.backend import Backend, Capability
from nextstat_core.infer import fit, fit_toys
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing.backend_checks import BackendChecks
from nextstat_core.testing.differences import inner_points
from nextstat_core.testing.recipe import Recipe
from nextstat_core.testing.workspaces import generate_workspace

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["EngineChecks"]

#: Small workspaces that together use every kind of modifier.
_RECIPES = {
    "normalisations": Recipe(n_bins=3, n_normsys=2, n_normfactors=1, lumi=True),
    "shapes": Recipe(n_bins=3, n_histosys=2, n_coupled=1, n_one_sided=1),
    "bin-wise": Recipe(n_bins=3, n_normsys=1, staterror=True, shapesys=True),
    "free bins": Recipe(n_bins=3, n_histosys=1, shapefactor=True),
    "zeros": Recipe(n_bins=4, n_normsys=1, staterror=True, n_zero_bins=1, n_unobserved_bins=1),
}
_N_TOYS = 16


@dataclass(frozen=True)
class _Tier:
    """What agreement a capability promises; parameters in units of their uncertainties."""

    nll_relative: float
    nll_absolute: float
    derivatives: float  # relative to the largest entry
    parameters: float


_FLOAT64 = _Tier(nll_relative=1e-10, nll_absolute=0.0, derivatives=1e-9, parameters=1e-6)
_FLOAT32 = _Tier(nll_relative=0.0, nll_absolute=1e-3, derivatives=1e-4, parameters=1e-2)


@cache
def _reference(name: str) -> HistFactoryModel:
    return HistFactoryModel.from_workspace(generate_workspace(11, _RECIPES[name]))


@cache
def _points(name: str) -> NDArray[np.float64]:
    model = _reference(name)
    points, _ = inner_points(model.suggested_init(), model.suggested_bounds(), 3)
    points.flags.writeable = False
    return points


class EngineChecks(BackendChecks):
    """End-to-end tests; a failure here with all others passed is worth a report to nextstat."""

    @pytest.fixture
    def tier(self, backend: Backend) -> _Tier:
        """Agreement that the capabilities promise."""
        return _FLOAT64 if Capability.FLOAT64 in backend.capabilities else _FLOAT32

    @pytest.fixture(params=_RECIPES)
    def case(self, request: pytest.FixtureRequest) -> str:
        """Name of a workspace."""
        return str(request.param)

    @pytest.fixture
    def model(self, backend: Backend, case: str) -> HistFactoryModel:
        """The workspace on the backend."""
        return HistFactoryModel(_reference(case).ir, backend=backend)

    def test_likelihood_is_that_of_numpy(
        self, model: HistFactoryModel, case: str, tier: _Tier
    ) -> None:
        points = _points(case)
        expected = _reference(case).nll_batch(points)
        alone = [model.nll(point) for point in points]
        for actual in (model.nll_batch(points), np.asarray(alone)):
            np.testing.assert_allclose(
                actual, expected, rtol=tier.nll_relative, atol=tier.nll_absolute
            )

    def test_gradient_is_that_of_numpy(
        self, model: HistFactoryModel, case: str, tier: _Tier
    ) -> None:
        expected = _reference(case).grad_nll_batch(_points(case))
        _check_close(model.grad_nll_batch(_points(case)), expected, tier.derivatives)

    def test_curvature_is_that_of_numpy(
        self, model: HistFactoryModel, case: str, tier: _Tier
    ) -> None:
        for point in _points(case):
            for what in ("hessian", "fisher_information"):
                expected = getattr(_reference(case), what)(point)
                _check_close(getattr(model, what)(point), expected, tier.derivatives)

    def test_expectations_are_those_of_numpy(
        self, model: HistFactoryModel, case: str, tier: _Tier
    ) -> None:
        for point in _points(case):
            actual = np.asarray(model.expected_data(point))
            expected = np.asarray(_reference(case).expected_data(point))
            _check_close(actual, expected, 0.01 * tier.derivatives)

    def test_fit_is_that_of_numpy(self, model: HistFactoryModel, case: str, tier: _Tier) -> None:
        expected, actual = fit(_reference(case)), fit(model)
        assert expected.converged
        assert actual.converged, f"the fit ended with {actual.termination_reason!r}"
        width = np.maximum(expected.errors, 1e-12)  # fixed parameters have no uncertainty
        np.testing.assert_allclose(
            (actual.values - expected.values) / width, 0.0, atol=tier.parameters
        )
        np.testing.assert_allclose(
            actual.errors, expected.errors, rtol=max(tier.parameters, 1e-5), atol=1e-12
        )

    def test_toys_are_those_of_numpy(self, model: HistFactoryModel, case: str, tier: _Tier) -> None:
        at = _reference(case).suggested_init()
        expected = fit_toys(
            _reference(case), at, n_toys=_N_TOYS, seed=3, compute_uncertainties=True
        )
        actual = fit_toys(model, at, n_toys=_N_TOYS, seed=3)
        np.testing.assert_array_equal(actual.converged, expected.converged)
        assert expected.errors is not None
        good = expected.converged
        assert good.sum() >= _N_TOYS - 2
        width = np.maximum(expected.errors[good], 1e-12)
        pulls = (actual.values[good] - expected.values[good]) / width
        np.testing.assert_allclose(pulls, 0.0, atol=tier.parameters)

    def test_evaluation_and_fits_leave_user_memory_alone(self, backend: Backend) -> None:
        model = HistFactoryModel(_reference("bin-wise").ir, backend=backend)
        params = _points("bin-wise").copy()
        data = np.repeat(model.observed_main[None, :], 3, axis=0) + np.arange(3.0)[:, None]
        kept = params.copy(), data.copy()
        model.nll_batch(params, data)
        model.grad_nll_batch(params, data)
        fit(model, data=data[0], init_pars=params[0])
        np.testing.assert_array_equal(params, kept[0])
        np.testing.assert_array_equal(data, kept[1])


def _check_close(
    actual: NDArray[np.float64], expected: NDArray[np.float64], tolerance: float
) -> None:
    scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * scale)
