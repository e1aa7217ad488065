"""The tests that every kind of modifier passes."""

from __future__ import annotations

import json
import math
import pickle
from typing import TYPE_CHECKING, Any

import array_api_compat.numpy as numpy_namespace
import numpy as np
import pytest

from nextstat_core.errors import ModelError
from nextstat_core.hooks import get_manager, hookimpl
from nextstat_core.infer import fit
from nextstat_core.ir import (
    CellAddition,
    CellFactor,
    Parameter,
    RowFactor,
    model_from_dict,
    model_to_dict,
)
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing.contract import Contract
from nextstat_core.testing.differences import differences, inner_points
from nextstat_core.testing.modifier_cases import workspace_with, wrong_data
from nextstat_core.testing.strict import StrictBackend

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from nextstat_core.ir import Curve, ModifierType, Term

__all__ = ["ModifierContract"]

_NAME = "under_test"
_N_BINS = 3
_BUILT_IN = {"histosys", "lumi", "normfactor", "normsys", "shapefactor", "shapesys", "staterror"}
#: Relative to the largest entry: what fourth-order differences leave over.
_TOLERANCE = 1e-6


class ModifierContract(Contract):
    """Inherit, override the fixture `modifier_type`, and pytest runs every check.

    The kind's own method ``example(n_bins)``, or this class's, gives data for its tests.

    Examples
    --------
    ::

        class TestCoupling(ModifierContract):
            @pytest.fixture
            def modifier_type(self):
                return Coupling()
    """

    @pytest.fixture
    def modifier_type(self) -> ModifierType:
        """The kind of modifier under test."""
        raise NotImplementedError(
            f"{type(self).__name__} must override the fixture `modifier_type`"
        )

    def example(self, modifier_type: ModifierType, n_bins: int) -> Any:
        """JSON data of a typical modifier of this kind, on a sample of `n_bins` bins."""
        own = getattr(modifier_type, "example", None)
        if own is None:
            pytest.fail(
                f"the modifier type {modifier_type.kind!r} has no method `example(n_bins)`, which "
                "returns JSON data to test it with",
                pytrace=False,
            )
        return own(n_bins)

    @pytest.fixture
    def data(self, modifier_type: ModifierType) -> Any:
        """Example data for three bins."""
        return self.example(modifier_type, _N_BINS)

    @pytest.fixture(autouse=True)
    def _registered(self, modifier_type: ModifierType) -> Iterator[None]:
        """Make the kind known if no installed plugin does so."""
        manager, name = get_manager(), "modifier under test"
        known = modifier_type.kind in manager.modifiers
        if not known:
            manager.register(_Registration(modifier_type), name=name)
        yield
        if not known:
            manager.unregister(name)

    @pytest.fixture
    def parameters(self, modifier_type: ModifierType, data: Any) -> tuple[Parameter, ...]:
        """Parameters of the example."""
        return modifier_type.parameters(_NAME, data, _N_BINS)

    @pytest.fixture
    def model(self, modifier_type: ModifierType, data: Any) -> HistFactoryModel:
        """Two channels with a modifier of this kind on one of three samples."""
        return HistFactoryModel.from_workspace(workspace_with((_NAME, modifier_type.kind, data)))

    @pytest.fixture
    def terms(self, modifier_type: ModifierType, model: HistFactoryModel) -> list[Term]:
        """Terms of the modifier in the first channel."""
        channel = model.ir.channels[0]
        sample = channel.samples[1]
        modifier: Any = sample.modifiers[0]
        return list(modifier_type.lower(modifier, sample, channel))

    # -- parameters -------------------------------------------------------------------------------

    def test_kind_is_a_name_of_its_own(self, modifier_type: ModifierType) -> None:
        assert isinstance(modifier_type.kind, str)
        assert modifier_type.kind.strip()
        assert modifier_type.kind not in _BUILT_IN

    def test_example_is_plain_json(self, modifier_type: ModifierType) -> None:
        for n_bins in (1, _N_BINS):
            data = self.example(modifier_type, n_bins)
            assert json.loads(json.dumps(data, allow_nan=False)) == data

    def test_parameters_start_inside_their_bounds(self, parameters: tuple[Parameter, ...]) -> None:
        assert isinstance(parameters, tuple)
        for parameter in parameters:
            assert isinstance(parameter, Parameter)
            assert math.isfinite(parameter.init)
            assert parameter.lower <= parameter.init <= parameter.upper

    def test_parameters_belong_to_the_modifier(
        self, modifier_type: ModifierType, data: Any, parameters: tuple[Parameter, ...]
    ) -> None:
        names = [parameter.name for parameter in parameters]
        assert len(set(names)) == len(names)
        assert all(parameter.group == _NAME for parameter in parameters)
        assert modifier_type.parameters(_NAME, data, _N_BINS) == parameters
        other = {entry.name for entry in modifier_type.parameters("other", data, _N_BINS)}
        assert not other & set(names), "modifiers of two names share a parameter"

    # -- terms ------------------------------------------------------------------------------------

    def test_terms_fit_the_sample(
        self, terms: list[Term], parameters: tuple[Parameter, ...]
    ) -> None:
        names = {parameter.name for parameter in parameters}
        assert terms, "the modifier amounts to nothing"
        for term in terms:
            assert isinstance(term, RowFactor | CellAddition | CellFactor)
            if isinstance(term, CellFactor):
                assert set(term.parameters) <= names
                assert len(term.parameters) == len(term.curves) == _N_BINS
            else:
                assert term.parameter in names
            if isinstance(term, CellAddition):
                assert len(term.template) == _N_BINS

    def test_families_are_values(self, terms: list[Term]) -> None:
        for curve, _ in _curves(terms):
            if curve.family is not None:
                copy = pickle.loads(pickle.dumps(curve.family))
                assert copy == curve.family
                assert hash(copy) == hash(curve.family)

    def test_curves_have_exact_derivatives(
        self, terms: list[Term], parameters: tuple[Parameter, ...]
    ) -> None:
        owners = {parameter.name: parameter for parameter in parameters}
        for curve, name in _curves(terms):
            if curve.family is None:
                continue
            points, room = _line(owners[name], kink=getattr(curve.family, "kink", False))
            value, first, second = _evaluate(curve, points, 2)
            for what, function, derivative in (
                ("first", 0, first),
                ("second", 1, second),
            ):
                expected = np.asarray(
                    [
                        differences(
                            lambda x, i=function, c=curve: _evaluate(c, x, 2)[i],  # type: ignore[misc]
                            np.asarray([x]),
                            np.asarray([space]),
                        )[0, 0]
                        for x, space in zip(points, room, strict=True)
                    ]
                )
                scale = max(1.0, float(np.abs(expected).max()), float(np.abs(value).max()))
                np.testing.assert_allclose(
                    derivative,
                    expected,
                    rtol=0,
                    atol=_TOLERANCE * scale,
                    err_msg=f"{what} derivative of {curve}",
                )

    def test_curves_have_one_value_per_member_and_row_at_every_order(
        self, terms: list[Term], parameters: tuple[Parameter, ...]
    ) -> None:
        owners = {parameter.name: parameter for parameter in parameters}
        for curve, name in _curves(terms):
            if curve.family is None:
                continue
            points, _ = _line(owners[name])
            full = _evaluate(curve, points, 2)
            for order in (0, 1, 2):
                x = np.stack([points, points[::-1]])
                coefficients = np.asarray([curve.coefficients] * 2, dtype=float).T[:, :, None]
                found = curve.family(x, coefficients, numpy_namespace, order)
                for part, expected in list(zip(found, full, strict=True))[: order + 1]:
                    assert part is not None, f"{curve} leaves out what order {order} asks for"
                    assert part.shape == x.shape
                    np.testing.assert_array_equal(part, np.stack([expected, expected[::-1]]))

    # -- effect -----------------------------------------------------------------------------------

    def test_start_values_give_the_nominal_yields(self, model: HistFactoryModel) -> None:
        plain = HistFactoryModel.from_workspace(workspace_with(None))
        expected = plain.expected_data(plain.suggested_init(), include_auxdata=False)
        actual = model.expected_data(model.suggested_init(), include_auxdata=False)
        np.testing.assert_allclose(actual, expected, rtol=1e-12)

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
            _check_close(np.asarray(model.grad_nll(point)), slopes)
            curvature = differences(lambda x: np.asarray(model.grad_nll(x)), point, space)
            _check_close(model.hessian(point), curvature)

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
        _check_close(strict.grad_nll_batch(points), model.grad_nll_batch(points), tolerance)
        _check_close(strict.hessian(points[0]), model.hessian(points[0]), tolerance)

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
        wrong = dict(wrong_data(data, self.example(modifier_type, _N_BINS + 1)))
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


class _Registration:
    """A plugin with one kind of modifier."""

    def __init__(self, kind: ModifierType) -> None:
        self._kind = kind

    @hookimpl
    def nextstat_register_modifiers(self) -> list[ModifierType]:
        return [self._kind]


def _curves(terms: list[Term]) -> Iterator[tuple[Curve, str]]:
    """Distinct curves of terms, each with the name of its parameter."""
    seen = set()
    for term in terms:
        pairs = (
            zip(term.curves, term.parameters, strict=True)
            if isinstance(term, CellFactor)
            else [(term.curve, term.parameter)]
        )
        for pair in pairs:
            if pair not in seen:
                seen.add(pair)
                yield pair


def _line(
    parameter: Parameter, *, kink: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values of a parameter around its start, and their distances to bounds (and to a kink)."""
    start = parameter.init
    low = max(start - 3.0, start - 0.9 * (start - parameter.lower))
    high = min(start + 3.0, start + 0.9 * (parameter.upper - start))
    points = low + (high - low) * (np.arange(12.0) + 0.37) / 12.0
    room = np.minimum(points - parameter.lower, parameter.upper - points)
    return points, np.minimum(room, np.abs(points)) if kink else room


def _evaluate(
    curve: Curve, points: NDArray[np.float64], order: int
) -> tuple[NDArray[np.float64], ...]:
    assert curve.family is not None
    coefficients = np.asarray(curve.coefficients, dtype=float)[:, None, None]
    found = curve.family(points[None, :], coefficients, numpy_namespace, order)
    return tuple(np.broadcast_to(np.asarray(part)[0], points.shape) for part in found)


def _refused(kind: str, data: Any) -> bool:
    """Whether the reader refuses `data`, which it must do with an error that names the place."""
    try:
        HistFactoryModel.from_workspace(workspace_with((_NAME, kind, data)))
    except ModelError as error:
        message = str(error)
    else:
        return False
    assert f"channel 'one', sample 'acted_on', modifier '{_NAME}' ({kind})" in message
    return True


def _check_close(
    actual: NDArray[np.float64], expected: NDArray[np.float64], tolerance: float = _TOLERANCE
) -> None:
    scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * scale)
