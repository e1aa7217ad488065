"""Backends, models and modifiers with one fault each; run by `test_contracts.py` alone."""

import itertools
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from nextstat_backend_numpy._backend import NumpyBackend
from nextstat_core.errors import InputError
from nextstat_core.ir import CellFactor, Curve, Parameter, modifier_data
from nextstat_core.models import StdNormalModel
from nextstat_core.testing import BackendContract, ModelContract, ModifierContract


def backend_contract(**members):
    """Checks of the NumPy backend with other members."""
    made = type("Faulty", (NumpyBackend,), {"__reduce__": object.__reduce__, **members})

    class Checks(BackendContract):
        @pytest.fixture
        def backend(self):
            return made()

    return Checks


def overwriting(self, matrices):
    factor, ok = NumpyBackend.spd_factor(self, matrices)
    matrices[...] = factor
    return factor, ok


def single(self, x, index, *, axis):
    return NumpyBackend.take(self, x, index, axis=axis).astype(np.float32)


def off(self, plan, x):
    return NumpyBackend.segment_sum(self, plan, x) * (1.0 + 1e-6)


def keeping(self, values, *, dtype=None):
    return np.asarray(values, dtype=dtype or self.dtype)


TestOverwrites = backend_contract(spd_factor=overwriting)
TestSingle = backend_contract(take=single)
TestOff = backend_contract(segment_sum=off)
TestKeeps = backend_contract(asarray=keeping)
TestOddLanes = backend_contract(lanes=7)
TestNoHost = backend_contract(host=lambda self: None)


def model_contract(**members):
    """Checks of a standard normal with other members."""
    made = type("Faulty", (StdNormalModel,), members)
    globals()[f"Faulty{len(globals())}"] = made

    class Checks(ModelContract):
        @pytest.fixture
        def model(self):
            return made()

    return Checks


COUNTER = itertools.count()
TestWrongGradient = model_contract(grad_nll=lambda self, p: [2.0 * x for x in p])
TestWrongHessian = model_contract(hessian=lambda self, p: 2.0 * np.eye(2))
TestRandom = model_contract(nll=lambda self, p: float(next(COUNTER)))
TestThreeNames = model_contract(parameter_names=lambda self: ["a", "b", "c"])
TestOutside = model_contract(suggested_bounds=lambda self: [(1.0, 2.0)] * 2)
TestClamps = model_contract(nll=lambda self, p: float(np.nansum(np.square(p))) / 2.0)


@dataclass(frozen=True)
class Straight:
    def __call__(self, x, coefficients, xp, order):
        return 1.0 + coefficients[0, ...] * x, coefficients[0, ...] + 0.0 * x, 0.0 * x


@dataclass(frozen=True)
class Steep:
    def __call__(self, x, coefficients, xp, order):
        return 1.0 + coefficients[0, ...] * x, 2.0 * coefficients[0, ...] + 0.0 * x, 0.0 * x


@dataclass(frozen=True)
class FirstMember:
    def __call__(self, x, coefficients, xp, order):
        slope = coefficients[0, 0, 0]
        return 1.0 + slope * x, slope + 0.0 * x, 0.0 * x


@dataclass(frozen=True)
class Constant:
    def __call__(self, x, coefficients, xp, order):
        return 1.0 + coefficients[0, ...] * x, coefficients[0, ...] + 0.0 * x, 0.0


class Identity:
    def __call__(self, x, coefficients, xp, order):
        return Straight()(x, coefficients, xp, order)


class Sound:
    kind = "sound"
    family = Straight()
    init = 0.0

    def example(self, n_bins):
        return [0.1 + 0.02 * b for b in range(n_bins)]

    def parameters(self, name, data, n_bins):
        if len(modifier_data(data, tuple[float, ...])) != n_bins:
            raise InputError("wrong length")
        return (Parameter(name, name, self.init, -3.0, 3.0),)

    def lower(self, modifier, sample, channel):
        curves = tuple(Curve(self.family, (slope,)) for slope in modifier.data)
        return (CellFactor(modifier.parameters * len(curves), curves),)


def modifier_contract(**members):
    """Checks of a straight line per bin with other members."""
    made = type("Faulty", (Sound,), {"kind": f"faulty{len(globals())}", **members})
    globals()[made.kind] = made
    made.__qualname__ = made.__name__ = made.kind

    class Checks(ModifierContract):
        @pytest.fixture
        def modifier_type(self):
            return made()

    return Checks


def careless(self, name, data, n_bins):
    return (Parameter(name, name, 0.0, -3.0, 3.0),)


TestSound = modifier_contract()
TestWrongSlope = modifier_contract(family=Steep())
TestFirstMember = modifier_contract(family=FirstMember())
TestConstant = modifier_contract(family=Constant())
TestNoValue = modifier_contract(family=Identity())
TestEqualBins = modifier_contract(example=lambda self, n: [0.1] * n)
TestNotNeutral = modifier_contract(init=1.0)
TestCareless = modifier_contract(parameters=careless, example=lambda self, n: [0.1] * n)
TestBuiltIn = modifier_contract(kind="normsys")
TestWithoutExample = modifier_contract(example=None)


class Doubled(StdNormalModel):
    def grad_nll(self, params):
        return [2.0 * x for x in params]


class TestKnown(ModelContract):
    known_failures: ClassVar = {
        "test_gradient_matches_differences": "wrong by two",
        "test_nan_gives_nan": "-",
    }

    @pytest.fixture
    def model(self):
        return Doubled()


class TestUnknown(ModelContract):
    known_failures: ClassVar = {"test_gradient": "no such test"}

    @pytest.fixture
    def model(self):
        return StdNormalModel()
