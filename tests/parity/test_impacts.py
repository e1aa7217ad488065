"""Rankings of published analyses: few gradients, no failures, squares that add up."""

from __future__ import annotations

import numpy as np
import pytest

from nextstat_core.infer import impacts
from nextstat_core.models import HistFactoryModel
from parity_matrix.golden import NO_WORKSPACES, golden_cases

#: Large ones, and one whose best fit has a free normalisation at its bound.
NAMES = ["real/tttt-prod", "real/tHu", "real/atlas-ttz-3l"]


@pytest.fixture(params=NAMES)
def model(request: pytest.FixtureRequest) -> HistFactoryModel:
    for case in golden_cases():
        if case.id == request.param:
            return HistFactoryModel.from_pyhf(case.text(), **case.arguments())
    pytest.skip(NO_WORKSPACES)


def test_refits_share_one_metric(model: HistFactoryModel) -> None:
    found = impacts(model)
    assert found.n_newton < 0.02 * found.n_refits
    assert found.failed == ()


def test_squares_of_global_impacts_add_up(model: HistFactoryModel) -> None:
    found = impacts(model, convention="global")
    assert found.statistical is not None
    total = np.sqrt(found.statistical**2 + np.sum(found.up**2))
    # To first order: rates bend, and counts are not what is expected.
    assert total == pytest.approx(found.poi_sigma, rel=0.1)
