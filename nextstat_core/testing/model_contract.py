"""The tests that every model passes."""

from __future__ import annotations

import math
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nextstat_core.errors import InputError
from nextstat_core.infer import fit
from nextstat_core.models import ModelWithHessian, StatisticalModel
from nextstat_core.testing.contract import Contract
from nextstat_core.testing.differences import differences, inner_points

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ModelContract"]

#: Relative to the largest entry: what fourth-order differences leave over.
_TOLERANCE = 1e-6


class ModelContract(Contract):
    """Inherit, override the fixture `model`, and pytest runs every check.

    Examples
    --------
    ::

        class TestExponential(ModelContract):
            @pytest.fixture
            def model(self):
                return Exponential([1.0, 2.5, 0.3])
    """

    @pytest.fixture
    def model(self) -> StatisticalModel:
        """A small model with data, whose fit converges."""
        raise NotImplementedError(f"{type(self).__name__} must override the fixture `model`")

    @pytest.fixture
    def points(self, model: StatisticalModel) -> NDArray[np.float64]:
        """Three parameter vectors inside the bounds, shape (3, n_params)."""
        return inner_points(model.suggested_init(), model.suggested_bounds(), 3)[0]

    @pytest.fixture
    def room(self, model: StatisticalModel) -> NDArray[np.float64]:
        """Distances of `points` to the bounds."""
        return inner_points(model.suggested_init(), model.suggested_bounds(), 3)[1]

    # -- parameters -------------------------------------------------------------------------------

    def test_follows_the_protocol(self, model: StatisticalModel) -> None:
        assert isinstance(model, StatisticalModel), "a method of StatisticalModel is missing"

    def test_names_starts_and_bounds_agree(self, model: StatisticalModel) -> None:
        n = model.n_params()
        assert model.dim() == n
        assert len(model.parameter_names()) == n
        assert len(model.suggested_init()) == n
        assert len(model.suggested_bounds()) == n

    def test_names_are_unique_texts(self, model: StatisticalModel) -> None:
        names = model.parameter_names()
        assert all(isinstance(name, str) and name for name in names)
        assert len(set(names)) == len(names)

    def test_start_lies_inside_the_bounds(self, model: StatisticalModel) -> None:
        for start, (lower, upper) in zip(
            model.suggested_init(), model.suggested_bounds(), strict=True
        ):
            assert math.isfinite(start)
            assert lower <= start <= upper

    def test_answers_do_not_share_memory_with_the_model(self, model: StatisticalModel) -> None:
        for ask in (model.parameter_names, model.suggested_init, model.suggested_bounds):
            before = list(ask())
            ask().clear()
            assert list(ask()) == before

    # -- values -----------------------------------------------------------------------------------

    def test_nll_is_a_finite_float(
        self, model: StatisticalModel, points: NDArray[np.float64]
    ) -> None:
        for point in [np.asarray(model.suggested_init(), dtype=float), *points]:
            value = model.nll(point)
            assert isinstance(value, float)
            assert math.isfinite(value)

    def test_lists_tuples_and_arrays_are_parameters(
        self, model: StatisticalModel, points: NDArray[np.float64]
    ) -> None:
        point = points[0]
        expected = model.nll(point)
        assert model.nll(point.tolist()) == expected
        assert model.nll(tuple(point.tolist())) == expected
        frozen = point.copy()
        frozen.flags.writeable = False
        assert model.nll(frozen) == expected
        assert model.nll(np.repeat(point, 2)[::2]) == expected

    def test_parameters_are_not_changed(
        self, model: StatisticalModel, points: NDArray[np.float64]
    ) -> None:
        point = points[0].copy()
        model.nll(point)
        model.grad_nll(point)
        np.testing.assert_array_equal(point, points[0])

    def test_nan_gives_nan(self, model: StatisticalModel) -> None:
        for i in range(model.n_params()):
            point = np.asarray(model.suggested_init(), dtype=float)
            point[i] = math.nan
            assert math.isnan(model.nll(point)), f"parameter {i} is nan, the nll is not"

    def test_wrong_number_of_parameters_is_an_error(self, model: StatisticalModel) -> None:
        for values in ([*model.suggested_init(), 0.0], model.suggested_init()[1:]):
            for evaluate in (model.nll, model.grad_nll):
                with pytest.raises(InputError):
                    evaluate(values)

    def test_same_parameters_give_the_same_bits(
        self, model: StatisticalModel, points: NDArray[np.float64]
    ) -> None:
        first = [(model.nll(point), list(model.grad_nll(point))) for point in points]
        again = [(model.nll(point), list(model.grad_nll(point))) for point in points[::-1]]
        assert first == again[::-1]

    def test_pickled_model_is_the_same(
        self, model: StatisticalModel, points: NDArray[np.float64]
    ) -> None:
        copy = pickle.loads(pickle.dumps(model))
        assert copy.parameter_names() == model.parameter_names()
        assert copy.suggested_bounds() == model.suggested_bounds()
        assert [copy.nll(point) for point in points] == [model.nll(point) for point in points]

    # -- derivatives ------------------------------------------------------------------------------

    def test_gradient_matches_differences(
        self, model: StatisticalModel, points: NDArray[np.float64], room: NDArray[np.float64]
    ) -> None:
        for point, space in zip(points, room, strict=True):
            actual = np.asarray(model.grad_nll(point), dtype=float)
            assert actual.shape == (model.n_params(),)
            expected = differences(lambda x: np.asarray(model.nll(x)), point, space)
            free = space > 0.0
            _check_close(actual[free], expected[free])

    def test_hessian_matches_differences_of_the_gradient(
        self, model: StatisticalModel, points: NDArray[np.float64], room: NDArray[np.float64]
    ) -> None:
        if not isinstance(model, ModelWithHessian):
            pytest.skip("the model has no `hessian`; fits differentiate its gradient")
        n = model.n_params()
        for point, space in zip(points, room, strict=True):
            actual = np.asarray(model.hessian(point), dtype=float)
            assert actual.shape == (n, n)
            _check_close(actual, actual.T)
            expected = differences(
                lambda x: np.asarray(model.grad_nll(x), dtype=float), point, space
            )
            free = space > 0.0
            _check_close(actual[free], expected[free])

    # -- batches ----------------------------------------------------------------------------------

    @pytest.mark.parametrize("what", ["nll", "grad_nll"])
    def test_batch_agrees_with_single_rows(
        self, model: StatisticalModel, points: NDArray[np.float64], what: str
    ) -> None:
        batch: Any = getattr(model, f"{what}_batch", None)
        if batch is None:
            pytest.skip(f"the model has no `{what}_batch`")
        actual = np.asarray(batch(points), dtype=float)
        expected = np.asarray([getattr(model, what)(point) for point in points], dtype=float)
        scale = np.abs(expected).max()
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-12 * max(1.0, scale))

    # -- fits -------------------------------------------------------------------------------------

    def test_fit_ends_at_a_stationary_point(self, model: StatisticalModel) -> None:
        result = fit(model)
        assert result.converged, f"the fit ended with {result.termination_reason!r}"
        gradient = np.asarray(model.grad_nll(result.values), dtype=float)
        held = {name for name, _ in result.at_bound}
        free = [
            i
            for i, (name, (lower, upper)) in enumerate(
                zip(model.parameter_names(), model.suggested_bounds(), strict=True)
            )
            if name not in held and lower < upper
        ]
        # In units of the uncertainties, the slope along each parameter is negligible.
        np.testing.assert_allclose(gradient[free] * result.errors[free], 0.0, atol=1e-3)
        assert result.nll <= model.nll(model.suggested_init()) + 1e-9


def _check_close(actual: NDArray[np.float64], expected: NDArray[np.float64]) -> None:
    scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=_TOLERANCE * scale)
