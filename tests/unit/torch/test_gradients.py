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
    "qmu": lambda session, x: session.qmu(x, MU[1:]),
    "zmu": lambda session, x: session.zmu(x, MU),
    "nll": lambda session, x: session.nll(x),
}


def rows(session):
    factors = torch.tensor([[0.9], [1.3]], dtype=torch.float64)
    return (session.nominal * factors).requires_grad_()


@pytest.mark.parametrize("templates", ["absolute", "relative"])
@pytest.mark.parametrize("loss", LOSSES)
def test_rows_have_the_gradients_of_differences(shapes, loss, templates):
    session = Session(shapes, "s", templates=templates)
    assert torch.autograd.gradcheck(
        lambda x: LOSSES[loss](session, x), (rows(session),), atol=1e-6, rtol=1e-5
    )


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


@pytest.mark.parametrize(
    ("loss", "data"),
    [
        *((each, "asimov") for each in ("z0", "sigma_mu", "expected_limit", "expected_cls")),
        *((each, "observed") for each in ("z0", "sigma_mu", "mu_hat", "expected_limit")),
        ("limit", "observed"),
        ("cls", "observed"),
    ],
)
def test_inputs_by_key_have_the_gradients_of_differences(bounded, loss, data):
    session = Session(bounded, "s")
    keys = {
        ("c", "s"): [5.0, 10.0, 3.0], ("c", "b"): [50.0, 60.0, 40.0],
        ("c", "s", "a", "hi"): [6.2, 12.5, 4.0], ("c", "s", "stat"): [0.25, 0.49, 0.16],
    }  # fmt: skip
    extra = {"mu": 2.5} if loss.endswith("cls") else {}

    def value(vector):
        parts = torch.as_tensor(vector).split(3)
        return session(dict(zip(keys, parts, strict=True)), loss, data=data, **extra)

    point = np.concatenate(list(keys.values()))
    vector = torch.tensor(point, requires_grad=True)
    value(vector).backward()
    direction = np.random.default_rng(2).standard_normal(len(point)) * point / 20.0
    found = float(vector.grad @ torch.tensor(direction))
    (expected,) = differences(
        lambda t: float(value(point + t[0] * direction)), np.zeros(1), np.array([0.1])
    )
    # A minimum is known to the root of what its value is known to.
    least = 1e-5 if loss in ("sigma_mu", "mu_hat") else 1e-7
    largest = float((vector.grad.abs() * torch.tensor(np.abs(direction))).max())
    assert found == pytest.approx(float(expected), rel=0, abs=least * largest)


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
