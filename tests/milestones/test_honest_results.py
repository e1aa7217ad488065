"""What every result promises, whatever made it.

Uncertainties come from the Hessian at the minimum, wherever the fit started and on whatever
backend, and where none were computed there are none: no zeros. A normsys changes yields by what
the workspace says, to the last digit that a backend has, or the workspace is refused.
"""

from __future__ import annotations

import numpy as np
import pytest

from nextstat_core.errors import ModelError
from nextstat_core.infer import fit, fit_minimum, fit_toys
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import generate_workspace, uncertain_signal
from parity_matrix.backends import find_backend, known_backends
from parity_matrix.tolerances import DOUBLE


@pytest.fixture(params=known_backends())
def backend(request):
    presence = find_backend(request.param)
    if presence.backend is None:
        pytest.skip(f"{request.param}: {presence.reason}")
    return presence


@pytest.fixture(scope="module")
def workspace():
    return generate_workspace(5, n_channels=2, n_bins=3, n_normsys=3, n_histosys=1, staterror=True)


def test_a_warm_start_leaves_uncertainties_as_they_are(backend, workspace):
    expected = fit(HistFactoryModel.from_workspace(workspace))
    model = HistFactoryModel.from_workspace(workspace, backend=backend.backend)
    cold = fit(model)
    warm = fit(model, init=dict(zip(cold.parameter_names, cold.values, strict=True)))
    for found in (cold, warm):
        assert found.covariance_status == "full"
        np.testing.assert_allclose(found.errors, expected.errors, rtol=1e-5)
    assert warm.n_gev < cold.n_gev


def test_a_minimum_without_uncertainties_does_not_claim_any(backend, workspace):
    model = HistFactoryModel.from_workspace(workspace, backend=backend.backend)
    minimum, full = fit_minimum(model), fit(model)
    assert not {"errors", "uncertainties", "covariance"} & set(dir(minimum))
    assert minimum.nll == pytest.approx(full.nll, abs=1e-8)
    # For the covariance the full fit makes one more, where its last step left none.
    assert full.n_hev - 1 <= minimum.n_hev <= full.n_hev


def test_uncertainties_of_toys_are_unknown_or_positive(workspace):
    model = HistFactoryModel.from_workspace(workspace)
    truth = model.suggested_init()
    without, with_them = (
        fit_toys(model, truth, n_toys=16, seed=3, compute_uncertainties=wanted)
        for wanted in (False, True)
    )
    assert all(np.isnan(toy.errors).all() for toy in without)
    free = ~np.asarray(with_them[0].fixed)
    assert all((toy.errors[free] > 0.0).all() for toy in with_them if not toy.at_bound)


@pytest.mark.parametrize("code", ["code1", "code4"])
def test_a_normsys_has_its_factors_at_one_deviation(backend, workspace, code):
    model = HistFactoryModel.from_workspace(
        workspace, backend=backend.backend, interpolation={"normsys": code}
    )
    digits = 1e-12 if backend.kind == DOUBLE else 1e-5
    names, start = model.parameter_names(), np.asarray(model.suggested_init())
    for name in (each for each in names if each.startswith("normsys")):
        for value, side in ((1.0, "hi"), (-1.0, "lo")):
            moved = start.copy()
            moved[names.index(name)] = value
            found = model.expected_data(moved.tolist(), include_auxdata=False)
            np.testing.assert_allclose(found, _scaled(workspace, name, side), rtol=digits)


def _scaled(workspace, name, side):
    """Yields at mu = 1 of all channels, by name, with one normsys at one deviation."""
    yields = {}
    for channel in workspace["channels"]:
        total = np.zeros(len(channel["samples"][0]["data"]))
        for sample in channel["samples"]:
            factor = 1.0
            for modifier in sample["modifiers"]:
                if (modifier["type"], modifier["name"]) == ("normsys", name):
                    factor = modifier["data"][side]
            total += factor * np.asarray(sample["data"])
        yields[channel["name"]] = total
    return np.concatenate([yields[key] for key in sorted(yields)])


@pytest.mark.parametrize("factor", [0.0, -0.5, None])
@pytest.mark.parametrize("side", ["hi", "lo"])
def test_a_normsys_without_a_usable_factor_is_refused_by_name(side, factor):
    workspace = uncertain_signal()
    workspace["channels"][0]["samples"][1]["modifiers"][0]["data"][side] = factor
    with pytest.raises(ModelError, match=rf"'b'.*'a' \(normsys\).*\b{side}\b"):
        HistFactoryModel.from_workspace(workspace)
