"""Modifiers that a plugin defines, of each kind of term, have exact derivatives."""

from dataclasses import dataclass

import numpy as np
import pytest

from nextstat_core.ir import (
    CellAddition,
    CellFactor,
    Curve,
    GaussianConstraint,
    Parameter,
    RowFactor,
)
from nextstat_core.testing import StrictBackend

MU = ("mu", "normfactor", None)


@dataclass(frozen=True)
class Parabola:
    """1 + a x + b x^2; negative for some x."""

    def __call__(self, x, coefficients, xp, order):
        a, b = coefficients[0, ...], coefficients[1, ...]
        return 1.0 + x * (a + b * x), a + 2.0 * b * x, 2.0 * b + 0.0 * x


@dataclass(frozen=True)
class Straight:
    """a x + b x^2, as the logarithm of a factor; leaves out what is not asked for."""

    def __call__(self, x, coefficients, xp, order):
        a, b = coefficients[0, ...], coefficients[1, ...]
        first = a + 2.0 * b * x if order > 0 else None
        return x * (a + b * x), first, 2.0 * b + 0.0 * x if order > 1 else None


@dataclass(frozen=True)
class Sine:
    def __call__(self, x, coefficients, xp, order):
        return xp.sin(x), xp.cos(x), -xp.sin(x)


@dataclass(frozen=True)
class Exponential:
    """exp(a x), with a slope of its own in every bin."""

    def __call__(self, x, coefficients, xp, order):
        a = coefficients[0, ...]
        value = xp.exp(a * x)
        return value, a * value, a * a * value


class Kind:
    """A constrained parameter; `lower` makes the terms."""

    def __init__(self, kind, terms, *, bin_wise=False, free=False):
        self.kind, self._terms, self._bin_wise, self._free = kind, terms, bin_wise, free

    def parameters(self, name, data, n_bins):
        constraint = None if self._free else GaussianConstraint(0.2, 0.8)
        names = [f"{name}[{i}]" for i in range(n_bins)] if self._bin_wise else [name]
        return tuple(Parameter(n, name, 0.1, -5.0, 5.0, constraint=constraint) for n in names)

    def lower(self, modifier, sample, channel):
        return self._terms(modifier, sample)


def row_factor(m, s):
    return (RowFactor(m.parameters[0], Curve(Parabola(), (0.3, -0.2))),)


def row_logarithm(m, s):
    return (RowFactor(m.parameters[0], Curve(Straight(), (0.3, -0.05)), logarithm=True),)


def addition(m, s):
    template = tuple([0.1 * n * (i + 1) for i, n in enumerate(s.nominal)])
    return (CellAddition(m.parameters[0], Curve(Sine()), template),)


def following(m, s):
    template = tuple([0.7 * (i + 1) - n for i, n in enumerate(s.nominal)])
    return (CellAddition(m.parameters[0], Curve(Sine()), template, follows_nominal=-1),)


def slopes(m, s):
    curves = tuple([Curve(Exponential(), (0.1 * (i + 1),)) for i in range(len(s.nominal))])
    return (CellFactor(m.parameters * len(curves), curves),)


def bin_wise(m, s):
    curves = tuple([Curve(Exponential(), (0.2 * (i + 1),)) for i in range(len(m.parameters))])
    return (CellFactor(m.parameters, curves),)


def twice(m, s):
    return (
        RowFactor(m.parameters[0], Curve(Parabola(), (0.3, -0.2))),
        RowFactor(m.parameters[0], Curve(Parabola(), (-0.1, 0.1))),
    )


def everything(m, s):
    return (
        *row_factor(m, s), *row_logarithm(m, s), *addition(m, s), *following(m, s), *slopes(m, s)
    )  # fmt: skip


def two_slopes(m, s):
    return (*slopes(m, s), *bin_wise_of_one(m, s))


def bin_wise_of_one(m, s):
    curves = tuple([Curve(Parabola(), (0.1 * i, 0.02)) for i in range(len(s.nominal))])
    return (CellFactor(m.parameters * len(curves), curves),)


KINDS = {
    kind.kind: kind
    for kind in (
        Kind("row factor", row_factor),
        Kind("logarithm", row_logarithm),
        Kind("addition", addition),
        Kind("following addition", following),
        Kind("slopes", slopes),
        Kind("bin-wise", bin_wise, bin_wise=True),
        Kind("twice", twice),
        Kind("everything", everything),
        Kind("free", everything, free=True),
        Kind("two slopes", two_slopes),
    )
}


def content(*kinds):
    """Two channels in which the kinds meet each other and the kinds that are built in."""
    plugin = [(f"x{i}", kind, None) for i, kind in enumerate(kinds)]
    shape = {"hi_data": [44.0, 33.0, 25.0], "lo_data": [35.0, 31.0, 18.0]}
    size = {"hi": 1.1, "lo": 0.93}
    return (
        {
            "one": {
                "signal": ([5.0, 8.0, 6.0], MU, *plugin[:1]),
                "first": (
                    [40.0, 30.0, 20.0],
                    *plugin,
                    ("a", "histosys", shape),
                    ("b", "normsys", size),
                    ("mc", "staterror", [3.0, 2.0, 1.0]),
                ),
                "second": ([9.0, 4.0, 7.0], ("mc", "staterror", [1.0, 1.0, 0.5]), *plugin[1:]),
            },
            "two": {
                "signal": ([2.0, 1.0, 2.0], MU),
                "first": (
                    [30.0, 50.0, 25.0],
                    *plugin,
                    ("b", "normsys", size),
                    ("k", "normfactor", None),
                ),
            },
        },
        {"one": [60.0, 35.0, 36.0], "two": [28.0, 55.0, 31.0]},
    )  # fmt: skip


def compiled_with(case, workspace, kinds, **options):
    document = workspace(*content(*kinds))
    return case(document, modifier_types=KINDS, **options)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "two slopes"])
def test_one_modifier_of_a_kind_has_exact_derivatives(case, workspace, kind, seed):
    compiled = compiled_with(case, workspace, [kind])
    compiled.check_derivatives(compiled.random(seed, spread=0.7))


@pytest.mark.parametrize(
    "kinds",
    [
        ["row factor", "logarithm"],
        ["row factor", "row factor", "addition"],
        ["addition", "following addition", "bin-wise"],
        ["slopes", "bin-wise", "slopes"],
        ["bin-wise", "bin-wise", "bin-wise"],
        ["everything", "everything", "bin-wise"],
        ["twice", "free", "slopes"],
    ],
)
def test_several_modifiers_on_one_sample_have_exact_derivatives(case, workspace, kinds):
    compiled = compiled_with(case, workspace, kinds)
    compiled.check_derivatives(compiled.random(1, spread=0.5))
    compiled.check_derivatives(compiled.random(2, spread=1.0))


def test_two_cell_factors_of_one_parameter_in_one_cell_have_exact_derivatives(case, workspace):
    compiled = compiled_with(case, workspace, ["two slopes"])
    compiled.check_derivatives(compiled.random(1, spread=0.5))


def test_yields_are_what_the_terms_say(case, workspace):
    compiled = case(
        workspace(
            {
                "one": {
                    "s": (
                        [10.0, 20.0],
                        ("x", "everything", None),
                        ("h", "histosys", {"hi_data": [13.0, 25.0], "lo_data": [9.0, 17.0]}),
                        MU,
                    )
                }
            },
            {"one": [12.0, 18.0]},
        ),
        modifier_types=KINDS,
    )
    x, mu = 0.6, 1.4
    nominal = np.asarray([10.0, 20.0])
    number = np.asarray([1.0, 2.0])
    added = np.sin(x) * 0.1 * nominal * number + np.sin(x) * (0.7 * number - nominal)
    factor = (1.0 + 0.3 * x - 0.2 * x * x) * np.exp(0.3 * x - 0.05 * x * x) * mu
    expected = factor * np.exp(0.1 * number * x) * (nominal + added + [3.0, 5.0])
    rates = compiled.rates(compiled.start(x=x, mu=mu, h=1.0))[:, 0]
    np.testing.assert_allclose(rates, expected, rtol=1e-14)


def test_bin_wise_parameters_of_a_plugin_are_eliminated_but_not_moved(case, workspace):
    compiled = compiled_with(case, workspace, ["bin-wise"])
    dense = {compiled.layout.names[i] for i in compiled.compiled.shape.dense}
    assert dense == {"mu", "a", "b", "k"}
    solo = {compiled.layout.names[i] for i in compiled.compiled.local.solo}
    assert not [name for name in solo if name.startswith("x0")]


def test_a_parameter_that_shapes_and_scales_stays_dense(case, workspace):
    compiled = compiled_with(case, workspace, ["everything"])
    assert compiled.index("x0") in compiled.compiled.shape.dense


@pytest.mark.parametrize("kinds", [["everything", "bin-wise"], ["twice", "following addition"]])
def test_other_array_libraries_give_the_same_numbers(case, workspace, kinds):
    plain = compiled_with(case, workspace, kinds)
    strict = compiled_with(case, workspace, kinds, backend=StrictBackend())
    theta = np.concatenate([plain.random(1, 0.5), plain.random(2, 0.5)], axis=1)
    np.testing.assert_allclose(strict.value(theta), plain.value(theta), rtol=1e-13)
    scale = np.abs(plain.hessian(theta)).max()
    for method in ("gradient", "hessian"):
        ours, theirs = getattr(strict, method)(theta), getattr(plain, method)(theta)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12 * scale)
