"""The likelihood is a function of the yields that a network makes, with an exact gradient.

Parameters stay where they are: no optimiser is inside. Uncertainties that are made from the yields
move with them, as if the workspace were written again. A training loop that goes through it is
`docs/examples/inferno`, see `test_training_example`.
"""

from __future__ import annotations

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="nextstat-torch needs PyTorch")
pyhf = pytest.importorskip("pyhf", reason="the workspace that is written again is pyhf's")

from nextstat_core.models import HistFactoryModel  # noqa: E402
from nextstat_core.testing import generate_workspace, uncertain_signal  # noqa: E402
from nextstat_core.testing.differences import differences  # noqa: E402
from nextstat_torch import Session  # noqa: E402

CODES = {"normsys": "code4", "histosys": "code4p"}
#: What moves beside the yields of the first background, and what the workspace needs for it.
MODIFIERS = {
    "normfactor": ("normfactor", None),
    "normsys": ("normsys", {"hi": 1.1, "lo": 0.8}),
    "lumi": ("lumi", None),
    "shapefactor": ("shapefactor", None),
    "histosys": ("histosys", {"hi_data": [52.0, 66.0, 43.0], "lo_data": [49.0, 55.0, 38.0]}),
    "shapesys": ("shapesys", [5.0, 6.0, 4.0]),
    "staterror": ("staterror", [2.0, 2.5, 1.5]),
}


def workspace_with(kind):
    """One modifier on a background of three bins beside a signal."""
    workspace = uncertain_signal()
    signal, background = workspace["channels"][0]["samples"]
    signal["modifiers"] = signal["modifiers"][:1]
    of_type, data = MODIFIERS[kind]
    name = "lumi" if kind == "lumi" else "moved"
    background["modifiers"] = [{"name": name, "type": of_type, "data": data}]
    if kind == "lumi":
        workspace["measurements"][0]["config"]["parameters"].append(
            {"name": "lumi", "auxdata": [1.0], "sigmas": [0.02], "bounds": [[0.5, 1.5]],
             "inits": [1.0]}
        )  # fmt: skip
    return workspace


@pytest.mark.parametrize("kind", MODIFIERS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_gradient_is_that_of_pyhf_on_workspaces_written_again(kind):
    workspace = workspace_with(kind)
    model = HistFactoryModel.from_workspace(workspace, interpolation=CODES)
    session = Session(model, "b")
    rng = np.random.default_rng(4)
    theta = np.asarray(model.suggested_init()) + rng.uniform(0.02, 0.1, model.n_params())

    def written_again(yields):
        changed = copy.deepcopy(workspace)
        changed["channels"][0]["samples"][1]["data"] = yields.tolist()
        opened = pyhf.Workspace(changed)
        settings = {key: {"interpcode": code} for key, code in CODES.items()}
        other = opened.model(modifier_settings=settings)
        return -float(other.logpdf(theta[model.pyhf_order()], opened.data(other))[0])

    yields = session.nominal.requires_grad_()
    loss = session.nll(yields, torch.as_tensor(theta))
    loss.backward()
    own = session.nominal.numpy()
    assert float(loss.detach()) == pytest.approx(written_again(own), rel=1e-12)
    expected = differences(written_again, own, 0.1 * own)
    np.testing.assert_allclose(yields.grad, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("templates", ["absolute", "relative"])
def test_double_precision_gradients_pass_the_check_of_pytorch(shapes, templates):
    session = Session(shapes, "s", templates=templates)
    rows = session.nominal * torch.tensor([[0.9], [1.3]], dtype=torch.float64)
    params = torch.tensor(shapes.suggested_init(), dtype=torch.float64).add(0.05).requires_grad_()
    assert torch.autograd.gradcheck(session.nll, (rows.requires_grad_(), params), rtol=1e-5)


def test_value_and_gradient_have_the_sizes_of_the_inputs_and_are_numbers():
    model = HistFactoryModel.from_workspace(
        generate_workspace(7, n_channels=3, n_bins=4, n_normsys=2, n_histosys=2, staterror=True)
    )
    session = Session(model, "signal")
    assert session.signal_n_bins() == 12
    signal, gradient = session.nominal, torch.full((12,), np.nan, dtype=torch.float64)
    value = session.nll_grad_signal(model.suggested_init(), signal, gradient)
    assert isinstance(value, float)
    assert np.isfinite(value)
    assert bool(torch.isfinite(gradient).all())
    q, slopes = session.profiled_q0_and_grad(signal)
    assert np.isfinite([q, *slopes]).all()
    assert len(slopes) == 12


def test_fixed_parameters_need_no_minimisation(shapes, evaluations):
    session = Session(shapes, "s")
    signals = (session.nominal * torch.linspace(0.8, 1.2, 16)[:, None]).requires_grad_()
    evaluations.forget()
    session.nll(signals).sum().backward()
    # All rows at once: their values, their slopes in the yields; no second derivatives.
    assert set(evaluations.rows) == {16}
    assert set(evaluations.orders) == {1}
    assert len(evaluations) == 2
