"""Gradients of test statistics by nominal yields, against rebuilt workspaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nextstat_core.errors import InputError
from nextstat_core.infer import discovery, hypotest, q0_and_gradient, qmu_and_gradient
from nextstat_core.models import HistFactoryModel

if TYPE_CHECKING:
    from collections.abc import Callable


def _rebuilt(workspace: Callable[[str], Any], nominal: list[float]) -> HistFactoryModel:
    document = workspace("full")
    document["channels"][0]["samples"][0]["data"] = nominal
    return HistFactoryModel.from_pyhf(document)


def _slopes(function: Callable[[list[float]], float], at: list[float]) -> list[float]:
    """Richardson's central differences."""
    found = []
    for i in range(len(at)):

        def central(step: float, i: int = i) -> float:
            ends = [[*at[:i], at[i] + side * step, *at[i + 1 :]] for side in (1.0, -1.0)]
            return (function(ends[0]) - function(ends[1])) / (2.0 * step)

        found.append((4.0 * central(5e-3) - central(1e-2)) / 3.0)
    return found


@pytest.mark.parametrize("nominal", [[5.0, 10.0, 3.0], [5.0, 14.0, 3.0]])
def test_q0(load: Callable[..., Any], workspace: Callable[..., Any], nominal: list[float]) -> None:
    q0, gradient = q0_and_gradient(load("full"), channel="SR", sample="signal", nominal=nominal)
    assert q0 == pytest.approx(discovery(_rebuilt(workspace, nominal)).q0, abs=1e-9)
    slopes = _slopes(lambda s: discovery(_rebuilt(workspace, s)).q0, nominal)
    assert gradient == pytest.approx(slopes, abs=2e-7)


def test_qmu(load: Callable[..., Any], workspace: Callable[..., Any]) -> None:
    q, gradient = qmu_and_gradient(
        load("full"), mu_test=5.0, channel="SR", sample="signal", nominal=[5.0, 10.0, 3.0]
    )
    assert q == pytest.approx(6.053310, abs=2e-5)  # nextstat 0.10.1, whose fits stop early
    slopes = _slopes(lambda s: hypotest(_rebuilt(workspace, s), 5.0).q, [5.0, 10.0, 3.0])
    assert gradient == pytest.approx(slopes, abs=2e-6)


def test_sample_with_every_kind_of_uncertainty(
    load: Callable[..., Any], workspace: Callable[..., Any]
) -> None:
    nominal = [50.0, 60.0, 40.0]

    def q0(yields: list[float]) -> float:
        document = workspace("full")
        document["channels"][0]["samples"][1]["data"] = yields
        return discovery(HistFactoryModel.from_pyhf(document)).q0

    found, gradient = q0_and_gradient(load("full"), channel="SR", sample="bkg", nominal=nominal)
    assert found == pytest.approx(q0(nominal), abs=1e-9)
    assert gradient == pytest.approx(_slopes(q0, nominal), abs=2e-7)


def test_cut_statistics_have_no_slope(load: Callable[..., Any]) -> None:
    model = load("full")
    assert qmu_and_gradient(
        model, mu_test=1.0, channel="SR", sample="signal", nominal=[5.0, 10.0, 3.0]
    ) == (0.0, [0.0, 0.0, 0.0])
    deficit = load("full").with_observed_main([510.0, 395.0, 30.0, 40.0, 30.0])
    found = q0_and_gradient(deficit, channel="SR", sample="signal", nominal=[5.0, 10.0, 3.0])
    assert found == (0.0, [0.0, 0.0, 0.0])


def test_model_keeps_the_yields_unless_they_are_refused(load: Callable[..., Any]) -> None:
    model = load("full")
    q0_and_gradient(model, channel="SR", sample="signal", nominal=[6.0, 9.0, 2.0])
    params = model.suggested_init()
    changed = model.expected_data(params)
    with pytest.raises(InputError):
        q0_and_gradient(model, channel="SR", sample="signal", nominal=[1.0, 2.0])
    with pytest.raises(InputError):
        q0_and_gradient(model, channel="SR", sample="nope", nominal=[1.0, 2.0, 3.0])
    assert np.array_equal(model.expected_data(params), changed)
