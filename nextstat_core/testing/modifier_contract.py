"""The tests that every kind of modifier passes."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nextstat_core.errors import ModelError
from nextstat_core.infer import fit
from nextstat_core.ir import model_from_dict, model_to_dict
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing.differences import differences, inner_points
from nextstat_core.testing.modifier_cases import workspace_with, wrong_data
from nextstat_core.testing.modifier_checks import N_BINS, NAME
from nextstat_core.testing.modifier_curves import CurveChecks
from nextstat_core.testing.strict import StrictBackend

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.ir import ModifierType, Parameter

__all__ = ["ModifierContract"]

#: Relative to the largest entry: what fourth-order differences leave over.
_TOLERANCE = 1e-6


class ModifierContract(CurveChecks):
    """Inherit, override the fixture `modifier_type`, and pytest runs every check.

    The kind's own method ``example(n_bins)``, or this class's, gives data for its tests. Checks run
    in this order: parameters, terms and curves, effect on yields, likelihood and fit, documents.

    Examples
    --------
    ::

        class TestCoupling(ModifierContract):
            @pytest.fixture
            def modifier_type(self):
                return Coupling()
    """

    # -- effect -----------------------------------------------------------------------------------

    def test_start_values_give_the_nominal_yields(self, model: HistFactoryModel) -> None:
        plain = HistFactoryModel.from_workspace(workspace_with(None))
        expected = plain.expected_data(plain.suggested_init(), include_auxdata=False)
        actual = model.expected_data(model.suggested_init(), include_auxdata=False)
        message = "at its start values the modifier changes the yields"
        np.testing.assert_allclose(actual, expected, rtol=1e-12, err_msg=message)

    def test_every_parameter_acts_on_its_sample_and_on_no_other(
        self, model: HistFactoryModel, parameters: tuple[Parameter, ...]
    ) -> None:
        start = np.asarray(model.suggested_init())
        nominal = model.expected_main_by_channel_sample(start)
        for parameter in parameters:
            moved = start.copy()
            up, down = parameter.upper - parameter.init, parameter.init - parameter.lower
            moved[model.parameter_names().index(parameter.name)] += (
                min(0.5, 0.5 * up) if up >= down else -min(0.5, 0.5 * down)
            )
            changed = {
                sample["sample_name"]
                for before, after in zip(
                    nominal, model.expected_main_by_channel_sample(moved), strict=True
                )
                for sample, other in zip(before["samples"], after["samples"], strict=True)
                if sample["y"] != other["y"]
            }
            assert changed == {"acted_on"}, f"moving {parameter.name!r} changes {sorted(changed)}"

    # -- likelihood -------------------------------------------------------------------------------

    def test_gradient_and_hessian_match_differences(self, model: HistFactoryModel) -> None:
        points, room = inner_points(model.suggested_init(), model.suggested_bounds(), 3)
        for point, space in zip(points, room, strict=True):
            slopes = differences(lambda x: np.asarray(model.nll(x)), point, space)
            _check_close("gradient", np.asarray(model.grad_nll(point)), slopes)
            curvature = differences(lambda x: np.asarray(model.grad_nll(x)), point, space)
            _check_close("Hessian", model.hessian(point), curvature)

    @pytest.mark.parametrize("device", [None, "no_float64"])
    def test_other_array_libraries_give_the_same_numbers(
        self, model: HistFactoryModel, device: str | None
    ) -> None:
        strict = HistFactoryModel(model.ir, backend=StrictBackend(device))
        points, _ = inner_points(model.suggested_init(), model.suggested_bounds(), 3)
        expected = model.nll_batch(points)
        np.testing.assert_allclose(
            strict.nll_batch(points), expected, rtol=1e-10, atol=1e-3 if device else 0.0
        )
        tolerance = 1e-4 if device else 1e-9
        slopes = model.grad_nll_batch(points)
        _check_close("gradient", strict.grad_nll_batch(points), slopes, tolerance)
        curvature = model.hessian(points[0])
        _check_close("Hessian", strict.hessian(points[0]), curvature, tolerance)

    def test_fit_ends_at_a_stationary_point(self, model: HistFactoryModel) -> None:
        result = fit(model)
        assert result.converged, f"the fit ended with {result.termination_reason!r}"
        held = {name for name, _ in result.at_bound}
        free = [i for i, name in enumerate(model.parameter_names()) if name not in held]
        slope = np.asarray(model.grad_nll(result.values))[free] * result.errors[free]
        np.testing.assert_allclose(slope, 0.0, atol=1e-3)

    # -- documents --------------------------------------------------------------------------------

    def test_parameters_appear_in_the_model(
        self, model: HistFactoryModel, parameters: tuple[Parameter, ...]
    ) -> None:
        assert {parameter.name for parameter in parameters} <= set(model.parameter_names())

    def test_model_survives_json(self, model: HistFactoryModel) -> None:
        text = json.dumps(model_to_dict(model.ir), allow_nan=False)
        copy = model_from_dict(json.loads(text))
        assert copy == model.ir
        point = model.suggested_init()
        assert HistFactoryModel(copy).nll(point) == model.nll(point)

    def test_model_survives_pickling(self, model: HistFactoryModel) -> None:
        copy = pickle.loads(pickle.dumps(model))
        assert copy.ir == model.ir
        assert copy.nll(model.suggested_init()) == model.nll(model.suggested_init())

    def test_wrong_data_are_refused_with_their_place(
        self, modifier_type: ModifierType, data: Any
    ) -> None:
        wrong = dict(wrong_data(data, self.example(modifier_type, N_BINS + 1)))
        if not wrong:
            pytest.skip("the example's data are null: there is nothing to refuse")
        accepted = [
            what for what, value in wrong.items() if not _refused(modifier_type.kind, value)
        ]
        assert accepted == [], "these data were accepted"

    def test_missing_data_are_refused_with_their_place_or_have_a_default(
        self, modifier_type: ModifierType, data: Any
    ) -> None:
        if not isinstance(data, dict):
            pytest.skip("the example's data have no keys")
        for missing in data:
            rest = {key: value for key, value in data.items() if key != missing}
            _refused(modifier_type.kind, rest)


def _refused(kind: str, data: Any) -> bool:
    """Whether the reader refuses `data`, which it must do with an error that names the place."""
    try:
        HistFactoryModel.from_workspace(workspace_with((NAME, kind, data)))
    except ModelError as error:
        message = str(error)
    else:
        return False
    assert f"channel 'one', sample 'acted_on', modifier '{NAME}' ({kind})" in message
    return True


def _check_close(
    what: str,
    actual: NDArray[np.float64],
    expected: NDArray[np.float64],
    tolerance: float = _TOLERANCE,
) -> None:
    off = np.abs(np.asarray(actual) - expected)
    scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
    worst = np.unravel_index(np.argmax(np.where(np.isnan(off), np.inf, off)), off.shape)
    assert off[worst] <= tolerance * scale, (
        f"entry {[int(i) for i in worst]} of the {what} is {actual[worst]:.9g}; expected "
        f"{expected[worst]:.9g}"
    )
