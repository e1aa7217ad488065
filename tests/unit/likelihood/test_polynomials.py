"""Interpolation codes of many curves are the same by products of matrices as one by one."""

import numpy as np
import pytest

from nextstat_core.likelihood.curve_plan import CurveGroup
from nextstat_core.likelihood.curves import Curves
from nextstat_core.likelihood.polynomial_plan import plan_polynomials
from nextstat_core.stats import Code1, Code4

PARAMETERS, MEMBERS = 9, 150
#: Inside, outside, on the edges, and at zero.
ROWS = np.asarray([-3.0, -1.0, -0.4, 0.0, 1e-9, 0.7, 1.0, 1.5, 4.0])


def group_of(family, members=MEMBERS):
    random = np.random.default_rng(1)
    coefficients = family.prepare(random.uniform(0.7, 1.4, (2, members)), np)
    return CurveGroup(family, np.asarray(coefficients), random.integers(1, PARAMETERS, members))


@pytest.mark.parametrize("logarithm", [True, False])
@pytest.mark.parametrize("order", [0, 1, 2])
def test_products_are_what_the_family_says(backend, logarithm, order):
    group = group_of(Code4(logarithm=logarithm))
    theta = np.stack([np.roll(ROWS, shift) for shift in range(PARAMETERS)])
    found = Curves(backend, [group])(backend.asarray(theta), order)
    expected = group.family(theta[group.parameters], group.coefficients[:, :, None], np, order)
    for actual, wanted in zip(found[: order + 1], expected[: order + 1], strict=True):
        assert backend.to_numpy(actual) == pytest.approx(wanted, rel=1e-13, abs=1e-13)


def test_one_row_of_a_batch_is_what_it_is_alone(backend):
    group = group_of(Code4(logarithm=True))
    curves, theta = Curves(backend, [group]), backend.asarray(np.tile(ROWS, (PARAMETERS, 1)))
    together = [backend.to_numpy(part) for part in curves(theta, 2)]
    for row in range(len(ROWS)):
        alone = [backend.to_numpy(part)[:, 0] for part in curves(theta[:, row : row + 1], 2)]
        for actual, expected in zip(alone, together, strict=True):
            assert actual == pytest.approx(expected[:, row], rel=1e-13, abs=1e-13)


def test_few_curves_and_other_families_stay_as_they_are():
    for group in (group_of(Code4(), members=10), group_of(Code1(logarithm=True))):
        assert plan_polynomials(group.family, group) is None
    many = group_of(Code4())
    assert plan_polynomials(many.family, many) is not None
