from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import poisson

from nextstat_viz.poisson import garwood


@pytest.mark.parametrize("count", [1, 2, 7, 40, 1000])
@pytest.mark.parametrize("level", [0.6826894921370859, 0.95])
def test_ends_leave_equal_tails(count: int, level: float) -> None:
    lower, upper = garwood([count], level=level)
    assert poisson.sf(count - 1, lower[0]) == pytest.approx(0.5 * (1.0 - level), rel=1e-9)
    assert poisson.cdf(count, upper[0]) == pytest.approx(0.5 * (1.0 - level), rel=1e-9)


def test_no_count_has_an_upper_end_only() -> None:
    lower, upper = garwood([0.0])
    assert lower[0] == 0.0
    assert upper[0] == pytest.approx(-np.log(0.5 * (1.0 - 0.6826894921370859)), rel=1e-12)
