"""Gradients of every loss, against differences."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="nextstat-torch needs PyTorch")

from nextstat_core.errors import InputError  # noqa: E402
from nextstat_core.testing.differences import differences  # noqa: E402
from nextstat_torch import Session, SignificanceLoss  # noqa: E402

MU = torch.tensor([1.2, 4.0], dtype=torch.float64)
LOSSES = {
    "q0": lambda session, x: session.q0(x),
    "z0": lambda session, x: session.z0(x),
    "zmu": lambda session, x: session.zmu(x, MU),
}


def rows(session):
    factors = torch.tensor([[0.9], [1.3]], dtype=torch.float64)
    return (session.nominal * factors).requires_grad_()


@pytest.mark.parametrize("name", ["qmu", "zmu"])
def test_tested_values_have_a_gradient_too(shapes, name):
    session = Session(shapes, "s")
    mu = torch.tensor([3.0, 5.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        getattr(session, name), (rows(session), mu), atol=1e-6, rtol=1e-5
    )


@pytest.mark.parametrize("loss", ["q0", "z0", "zmu"])
@pytest.mark.parametrize("templates", ["absolute", "relative"])
def test_second_derivatives_are_those_of_differences(shapes, loss, templates):
    session = Session(shapes, "s", templates=templates)
    assert torch.autograd.gradgradcheck(
        lambda x: LOSSES[loss](session, x), (rows(session),), eps=1e-3, atol=1e-5, rtol=1e-3
    )


def test_what_has_no_second_derivatives_says_so(shapes):
    session = Session(shapes, "s")
    signal = session.nominal.requires_grad_()
    (gradient,) = torch.autograd.grad(session.mu_hat(signal), signal, create_graph=True)
    with pytest.raises(InputError, match="'mu_hat' has no second derivatives"):
        gradient.sum().backward()
    mu = torch.tensor(4.0, dtype=torch.float64, requires_grad=True)
    with pytest.raises(InputError, match="no second derivatives with respect to tested"):
        torch.autograd.grad(session.qmu(signal, mu), signal, create_graph=True)


def test_a_significance_has_a_gradient_through_zero(shapes):
    nothing = shapes.suggested_init()
    nothing[shapes.poi_index()] = 0.0
    counts = np.asarray(shapes.expected_data(nothing, include_auxdata=False))
    session, key = Session(shapes, "s"), ("c",)

    def significance(n):
        return session.z0({("c", "s"): session.nominal, key: torch.as_tensor(n)})

    at = torch.tensor(counts, requires_grad=True)
    z = significance(at)
    z.backward()
    assert abs(float(z.detach())) < 1e-6
    assert float(significance(counts - 0.1)) < 0.0 < float(significance(counts + 0.1))
    expected = differences(lambda n: float(significance(n)), counts, np.full(3, 25.0))
    np.testing.assert_allclose(at.grad, expected, rtol=1e-4)


def test_the_dead_gradient_of_q0_is_alive_in_the_signed_significance(shapes):
    loss = SignificanceLoss(shapes.with_observed_main([45.0, 52.0, 36.0]), "s")
    unsigned = SignificanceLoss(shapes.with_observed_main([45.0, 52.0, 36.0]), "s", signed=False)
    for module, alive in [(loss, True), (unsigned, False)]:
        signal = module.session.nominal.requires_grad_()
        module(signal).backward()
        assert bool(signal.grad.any()) is alive
