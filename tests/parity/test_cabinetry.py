"""Yields and goodness of fit against cabinetry, from cabinetry's own fits."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from parity_matrix.golden import golden_cases

if TYPE_CHECKING:
    from parity_matrix.golden import Case

# cabinetry needs a part of jsonschema, and of pyhf, that is deprecated.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),
]

cabinetry = pytest.importorskip("cabinetry", reason="the reference of these tests")
nextstat = pytest.importorskip("nextstat", reason="parity tests use the public interface")

IDS = [
    "real/sbottom-C+sbottom_1600_850_60",
    "real/bottom-squarks",
    "small/nextstat-small/complex_workspace",
]
#: What both promise to agree to.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Both:
    """One workspace with both, and cabinetry's fit."""

    reference: Any
    fitted: Any
    model: Any

    @property
    def point(self) -> dict[str, Any]:
        """cabinetry's fit in the order of our parameters."""
        order = self.model.pyhf_order()
        values = np.empty(len(order))
        covariance = np.empty((len(order), len(order)))
        errors = self.fitted.uncertainty
        values[order] = self.fitted.bestfit
        covariance[np.ix_(order, order)] = self.fitted.corr_mat * errors[:, None] * errors
        return {"params": values, "covariance": covariance}


def _cases() -> dict[str, Case]:
    return {case.id: case for case in golden_cases()}


@cache
def _load(name: str) -> Both:
    case = _cases()[name]
    text = case.text()
    reference, data = cabinetry.model_utils.model_and_data(json.loads(text))
    fitted = cabinetry.fit.fit(reference, data, goodness_of_fit=True, tolerance=TOLERANCE)
    return Both(reference, fitted, nextstat.from_pyhf(text, **case.arguments()))


@pytest.fixture(params=IDS)
def both(request: pytest.FixtureRequest) -> Both:
    if request.param not in _cases():
        pytest.skip("the folder of published workspaces is absent; see NEXTSTAT_WORKSPACES")
    return _load(request.param)


def test_goodness_of_fit(both):
    found = nextstat.goodness_of_fit(both.model)
    assert found.p_value == pytest.approx(both.fitted.goodness_of_fit, abs=1e-5)


@pytest.mark.parametrize("stage", ["prefit", "postfit"])
def test_yields_and_their_uncertainties(both, stage):
    fitted = both.fitted if stage == "postfit" else None
    expected = cabinetry.model_utils.prediction(both.reference, fit_results=fitted)
    point = both.point if stage == "postfit" else {}
    found = nextstat.yields(both.model, method="variation", **point)
    samples = both.reference.config.samples
    for i, name in enumerate(both.reference.config.channels):
        channel = found[name]
        for j, sample in enumerate(samples):
            if sample not in channel.samples:
                assert not np.any(expected.model_yields[i][j])
                continue
            at = channel.samples.index(sample)
            _close(channel.values[at], expected.model_yields[i][j])
            _close(channel.errors[at], expected.total_stdev_model_bins[i][j])
            _close(channel.sample_sum_errors[at], expected.total_stdev_model_channels[i][j])
        _close(channel.total_errors, expected.total_stdev_model_bins[i][-1])
        _close(channel.sum_error, expected.total_stdev_model_channels[i][-1])


def _close(found: Any, expected: Any) -> None:
    # Both evaluate the same formula at the same point: rounding is all that is left.
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
