"""The chi-squared distribution against scipy's."""

import pytest
from scipy.stats import chi2

from nextstat_core.stats import chi2_sf


@pytest.mark.parametrize("ndof", [1, 2, 3, 4, 7, 30, 31, 400, 1001])
@pytest.mark.parametrize("x", [1e-9, 0.3, 1.0, 4.7, 30.0, 250.0, 1200.0])
def test_matches_scipy(x, ndof):
    assert chi2_sf(x, ndof) == pytest.approx(chi2.sf(x, ndof), rel=1e-11, abs=1e-300)


def test_is_one_without_any_deviation():
    assert chi2_sf(0.0, 3) == 1.0
    assert chi2_sf(-1e-12, 3) == 1.0
