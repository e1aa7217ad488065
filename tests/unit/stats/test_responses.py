"""Responses against their definitions, and curves through them against differences."""

import numpy as np
import pytest

from nextstat_core.ir import AffineResponse, Curve, LogNormalResponse
from nextstat_core.stats import Code1, Code4, bend_of, through
from nextstat_core.testing import StrictBackend

# None is at a kink: an argument of 0, or of -1 or 1 for the third derivative.
X = np.linspace(-2.5, 3.0, 23) + 0.0137
RESPONSES = [AffineResponse(2.5, -2.5), LogNormalResponse(0.3)]


def values(curve, x, xp=np, order=2):
    coefficients = np.asarray(curve.coefficients, float).reshape(-1, 1)
    prepared = curve.family.prepare(coefficients, np)[:, :, None]
    return curve.family(xp.asarray(x[None, :]), xp.asarray(prepared), xp, order)


def test_responses_are_those_of_root():
    beta = values(through(Curve(), AffineResponse(1 / 0.3, -1 / 0.3)), X)[0][0]
    np.testing.assert_allclose(beta, (X - 1.0) / 0.3, rtol=1e-14, atol=1e-14)
    seen = values(through(Curve(), LogNormalResponse(0.3)), X)[0][0]
    np.testing.assert_allclose(seen, (1.3**X - 1.0) / 0.3, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("response", RESPONSES, ids=repr)
@pytest.mark.parametrize(
    "curve",
    [Curve(), Curve(Code4(), (0.8, 1.3)), Curve(Code1(), (0.8, 1.3)), bend_of("code4p")],
    ids=["identity", "code4", "code1", "bend"],
)
def test_derivatives_follow_the_chain_rule(curve, response):
    seen = through(curve, response)
    h = 1e-5
    value, first, second = (part[0] for part in values(seen, X))
    above, below = values(seen, X + h), values(seen, X - h)
    scale = 1.0 + np.abs(value) + np.abs(first) + np.abs(second)
    slope = (above[0] - below[0])[0] / (2 * h)
    bend = (above[1] - below[1])[0] / (2 * h)
    assert np.max(np.abs(slope - first) / scale) < 1e-8
    assert np.max(np.abs(bend - second) / scale) < 1e-7
    assert np.array_equal(values(seen, X, order=0)[0][0], value)


def test_a_kink_at_zero_stays_there_only_if_zero_does():
    kinked = Curve(Code1(), (0.8, 1.3))
    assert through(kinked, LogNormalResponse(0.3)).family.kink
    assert not through(kinked, AffineResponse(2.0, -2.0)).family.kink
    assert not through(Curve(), LogNormalResponse(0.3)).family.kink


def test_it_keeps_to_the_array_standard():
    xp = StrictBackend().xp
    for response in RESPONSES:
        found = values(through(Curve(Code4(), (0.8, 1.3)), response), X, xp)
        expected = values(through(Curve(Code4(), (0.8, 1.3)), response), X)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(np.asarray(one), other)
