"""Tests of what a kind of modifier says about itself, and what all its tests have in common."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest

from nextstat_core.hooks import get_manager, hookimpl
from nextstat_core.ir import Parameter
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing.contract import Contract
from nextstat_core.testing.curve_values import check_shapes, curves_of
from nextstat_core.testing.modifier_cases import workspace_with

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nextstat_core.ir import ModifierType, Term

__all__ = ["NAME", "N_BINS", "ModifierChecks"]

#: The modifier under test, and the bins of its sample.
NAME, N_BINS = "under_test", 3
_BUILT_IN = {"histosys", "lumi", "normfactor", "normsys", "shapefactor", "shapesys", "staterror"}


class ModifierChecks(Contract):
    """Fixtures, and tests of the parameters."""

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
        return self.example(modifier_type, N_BINS)

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
        return modifier_type.parameters(NAME, data, N_BINS)

    @pytest.fixture
    def terms(self, modifier_type: ModifierType, data: Any) -> list[Term]:
        """Terms of the modifier in the first channel."""
        channel = _model_with(modifier_type.kind, data).ir.channels[0]
        sample = channel.samples[1]
        modifier: Any = sample.modifiers[0]
        return list(modifier_type.lower(modifier, sample, channel))

    @pytest.fixture
    def model(
        self,
        modifier_type: ModifierType,
        data: Any,
        parameters: tuple[Parameter, ...],
        terms: list[Term],
    ) -> HistFactoryModel:
        """Two channels with a modifier of this kind on one of three samples."""
        # A result of the wrong shape would fail far away, without a word about the family.
        owners = {parameter.name: parameter for parameter in parameters}
        for curve, name in curves_of(terms):
            check_shapes(curve, owners[name])
        return _model_with(modifier_type.kind, data)

    # -- parameters -------------------------------------------------------------------------------

    def test_kind_is_a_name_of_its_own(self, modifier_type: ModifierType) -> None:
        assert isinstance(modifier_type.kind, str)
        assert modifier_type.kind.strip()
        assert modifier_type.kind not in _BUILT_IN

    def test_example_is_plain_json(self, modifier_type: ModifierType) -> None:
        for n_bins in (1, N_BINS):
            data = self.example(modifier_type, n_bins)
            assert json.loads(json.dumps(data, allow_nan=False)) == data

    def test_parameters_start_inside_their_bounds(self, parameters: tuple[Parameter, ...]) -> None:
        found = type(parameters).__name__
        assert isinstance(parameters, tuple), f"parameters() returned a {found}, expected a tuple"
        for parameter in parameters:
            assert isinstance(parameter, Parameter)
            assert math.isfinite(parameter.init)
            assert parameter.lower <= parameter.init <= parameter.upper, (
                f"{parameter.name!r} starts at {parameter.init:g}, outside its bounds "
                f"[{parameter.lower:g}, {parameter.upper:g}]"
            )

    def test_parameters_belong_to_the_modifier(
        self, modifier_type: ModifierType, data: Any, parameters: tuple[Parameter, ...]
    ) -> None:
        names = [parameter.name for parameter in parameters]
        assert len(set(names)) == len(names), f"the names {names} are not unique"
        for parameter in parameters:
            assert parameter.group == NAME, (
                f"{parameter.name!r} has the group {parameter.group!r}, expected the name of the "
                f"modifier, {NAME!r}"
            )
        again = modifier_type.parameters(NAME, data, N_BINS)
        assert again == parameters, "parameters() returns something else when called again"
        other = {entry.name for entry in modifier_type.parameters("other", data, N_BINS)}
        assert not other & set(names), "modifiers of two names share a parameter"


def _model_with(kind: str, data: Any) -> HistFactoryModel:
    return HistFactoryModel.from_workspace(workspace_with((NAME, kind, data)))


class _Registration:
    """A plugin with one kind of modifier."""

    def __init__(self, kind: ModifierType) -> None:
        self._kind = kind

    @hookimpl
    def nextstat_register_modifiers(self) -> list[ModifierType]:
        return [self._kind]
