"""Sessions: values, rows, flags, keys, pickles and addresses."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="nextstat-torch needs PyTorch")

from nextstat_core.errors import InputError  # noqa: E402
from nextstat_core.infer import hypotest, upper_limits  # noqa: E402
from nextstat_core.models import HistFactoryModel  # noqa: E402
from nextstat_core.testing import generate_workspace  # noqa: E402
from nextstat_torch import (  # noqa: E402
    DifferentiableSession,
    Flag,
    NextStatNLL,
    NextStatQ0,
    NextStatZ0,
    ProfiledDifferentiableSession,
    ProfiledQ0Loss,
    ProfiledQmuLoss,
    Session,
    batch_profiled_q0_loss,
    batch_profiled_qmu_loss,
    create_profiled_session,
    create_session,
    discovery_z0,
    nll_loss,
    profiled_q0_loss,
    profiled_qmu_loss,
    profiled_z0_loss,
    profiled_zmu_loss,
    signal_jacobian,
    signal_jacobian_numpy,
)


def leaf(session, dtype=torch.float64):
    return session.nominal.to(dtype).requires_grad_()


def test_the_gradient_has_the_digits_of_a_model_that_was_computed_elsewhere(shapes):
    for templates, digits in [
        ("absolute", [0.05469373, 0.02837038, -0.18231386]),
        ("relative", [0.05498359, 0.02724700, -0.17761930]),
    ]:
        session = Session(shapes, "s", templates=templates)
        signal = leaf(session)
        q = session.q0(signal)
        q.backward()
        assert float(q.detach()) == pytest.approx(2.0953724686, abs=1e-9)
        np.testing.assert_allclose(signal.grad, digits, rtol=0, atol=1e-8)
    assert float(session.mu_hat(signal).detach()) == pytest.approx(1.5358811259, abs=1e-8)
    assert float(session.sigma_mu(signal).detach()) == pytest.approx(1.2928625125, abs=1e-8)


def test_names_and_orders_of_the_reference_are_one_thing(shapes):
    assert DifferentiableSession is ProfiledDifferentiableSession is Session
    session = create_profiled_session(shapes, "s")
    assert isinstance(create_session(shapes, "s"), Session)
    x = session.nominal
    q, z = session.q0(x), session.z0(x)
    for found in (
        profiled_q0_loss(x, session),
        profiled_q0_loss(session, x),
        ProfiledQ0Loss.apply(x, session),
        NextStatQ0.apply(x, mle=None, model=shapes, channel="c", sample="s"),
        session(x),
    ):
        assert torch.equal(found, q)
    for found in (
        profiled_z0_loss(x, session),
        profiled_z0_loss(session, x, eps=1e-3),
        NextStatZ0.apply(x, mle=None, model=shapes, channel="c", sample="s"),
        discovery_z0(x, mle=None, model=shapes, channel="c", sample="s"),
        session(x, "z0"),
    ):
        assert torch.equal(found, z)
    assert float(z) == pytest.approx(float(q) ** 0.5, rel=1e-15)
    qmu = session.qmu(x, 4.0)
    for found in (profiled_qmu_loss(session, x, 4.0), ProfiledQmuLoss.apply(x, session, 4.0)):
        assert torch.equal(found, qmu)
    assert float(profiled_zmu_loss(x, session, 4.0)) == pytest.approx(float(qmu) ** 0.5)
    with pytest.raises(TypeError, match="a session and its inputs"):
        profiled_q0_loss(x, x)
    with pytest.raises(TypeError, match="found a list"):
        profiled_q0_loss(session, [1.0, 2.0, 3.0])


def test_statistics_are_those_of_the_hypothesis_test(bounded):
    session = Session(bounded, "s")
    found = float(session.qmu(session.nominal, 4.0))
    assert found == pytest.approx(hypotest(bounded, 4.0).q, abs=1e-9)


def test_the_likelihood_is_that_of_the_model(shapes):
    session = create_session(shapes, "s")
    x, init = leaf(session), torch.tensor(shapes.suggested_init(), dtype=torch.float64)
    assert float(nll_loss(session, x).detach()) == pytest.approx(shapes.nll(init.tolist()))
    assert torch.equal(nll_loss(x, session), nll_loss(session, x))
    assert torch.equal(NextStatNLL.apply(session, x), nll_loss(session, x))
    params = torch.stack([init, init + 0.1]).requires_grad_()
    both = session.nll(x, params)
    expected = [shapes.nll(row.tolist()) for row in params]
    np.testing.assert_allclose(both.detach(), expected, rtol=1e-12)
    both.sum().backward()
    expected = [shapes.grad_nll(row.tolist()) for row in params.detach()]
    np.testing.assert_allclose(params.grad, expected, rtol=1e-10, atol=1e-10)


def test_rows_of_signals_and_tested_values_broadcast(plain):
    session = Session(plain, "signal")
    x = session.nominal
    signals = x * torch.tensor([[0.7], [1.0], [1.4]], dtype=torch.float64)
    mu = torch.tensor([1.0, 2.5, 4.0], dtype=torch.float64)
    assert session.q0(signals).shape == (3,)
    assert session.q0(signals[:, None, :]).shape == (3, 1)
    table = session.qmu(signals[:, None, :], mu)
    assert table.shape == (3, 3)
    for i, signal in enumerate(signals):
        for j, value in enumerate(mu):
            alone = float(session.qmu(signal, float(value)))
            assert float(table[i, j]) == pytest.approx(alone, rel=1e-9, abs=1e-10)
    listed = batch_profiled_q0_loss(signals, session)
    np.testing.assert_allclose(listed, session.q0(signals))
    assert len(batch_profiled_q0_loss(x, session)) == 1
    np.testing.assert_allclose(
        batch_profiled_qmu_loss(x, session, [1.0, 2.5, 4.0]), session.qmu(x, mu)
    )
    with pytest.raises(InputError, match="3 axes"):
        batch_profiled_q0_loss(signals[None], session)


def test_rows_share_a_signal_and_its_gradient_is_the_sum(plain):
    session = Session(plain, "signal")
    mu = torch.tensor([2.5, 4.0], dtype=torch.float64)
    together, alone = leaf(session), leaf(session)
    session.qmu(together, mu).sum().backward()
    (session.qmu(alone, 2.5) + session.qmu(alone, 4.0)).backward()
    np.testing.assert_allclose(together.grad, alone.grad, rtol=1e-6, atol=1e-9)


def test_dtypes_follow_the_inputs_and_halves_do_not_lose_the_value(shapes):
    session = Session(shapes, "s")
    for dtype, result in [
        (torch.float32, torch.float32),
        (torch.float16, torch.float32),
        (torch.float64, torch.float64),
    ]:
        signal = leaf(session, dtype)
        q = session.q0(signal)
        q.backward()
        assert q.dtype == result
        assert signal.grad.dtype == dtype
        assert float(q.detach()) == pytest.approx(2.0953724686, rel=1e-6)
    assert session.q0(session.nominal.long()).dtype == torch.float64


def test_what_does_not_count_is_cut_with_a_flag_and_signed_significance_goes_on(shapes):
    session = Session(shapes.with_observed_main([45.0, 52.0, 36.0]), "s")
    signal = leaf(session)
    found = session.test(signal, "q0")
    assert float(found.value.detach()) == 0.0
    assert float(found.mu_hat) < 0.0
    assert int(found.flags) == Flag.CUT
    assert int(session.last.flags[0]) == Flag.CUT
    found.value.backward()
    assert not signal.grad.any()
    signal.grad = None
    z = session.z0(signal)
    z.backward()
    assert float(z.detach()) < -0.5
    assert signal.grad.abs().min() > 0.0
    unsigned = profiled_z0_loss(signal, session, signed=False)
    assert float(unsigned.detach()) == 1e-6
    above = session.test(leaf(Session(shapes, "s")), "qmu", 0.5)
    assert int(above.flags) == 0


def test_a_best_fit_above_what_is_tested_gives_a_negative_root(shapes):
    session = Session(shapes, "s")
    signal = leaf(session)
    assert float(session.qmu(signal, 1.0).detach()) == 0.0
    z = session.zmu(signal, 1.0)
    z.backward()
    assert float(z.detach()) < 0.0
    assert signal.grad.abs().min() > 0.0


def test_inputs_by_key_are_everything_that_describes_the_model(shapes):
    session = Session(shapes, "s")
    keys = [("c", "s"), ("c", "s", "a", "hi"), ("c", "s", "ss", "variance"), ("c", "s", "stat")]
    own = {
        keys[0]: [5.0, 10.0, 3.0], keys[1]: [6.2, 12.5, 4.0],
        keys[2]: [1.0, 4.0, 0.64], keys[3]: [0.25, 0.49, 0.16],
    }  # fmt: skip
    tensors = {
        key: torch.tensor(values, dtype=torch.float64, requires_grad=True)
        for key, values in own.items()
    }
    session.q0(tensors, data="observed").backward()
    np.testing.assert_allclose(
        tensors[keys[0]].grad, [0.05469373, 0.02837038, -0.18231386], atol=1e-8
    )
    assert all(tensor.grad.any() for tensor in tensors.values())
    rows = {("c", "s"): session.nominal * torch.tensor([[1.0], [1.2]]), ("c", "b"): torch.tensor(
        [50.0, 60.0, 40.0])}  # fmt: skip
    assert session.z0(rows).shape == (2,)


def test_inputs_by_key_are_tested_on_asimov_data_and_a_signal_on_the_observed(shapes):
    session = Session(shapes, "s")
    inputs = {("c", "s"): session.nominal}
    assert torch.equal(session.q0(inputs), session.q0(session.nominal, data="asimov"))
    assert torch.equal(session.q0(inputs, data="observed"), session.q0(session.nominal))
    assert float(session.mu_hat(inputs)) == pytest.approx(1.0, abs=1e-6)
    counts = {**inputs, ("c",): torch.tensor([58.0, 75.0, 41.0])}
    assert float(session.q0(counts)) == pytest.approx(2.0953724686, rel=1e-6)
    with pytest.raises(InputError, match="observed counts are among the inputs"):
        session.q0(counts, data="asimov")
    fixed = Session(shapes, "s", data="observed")
    assert torch.equal(fixed.q0(inputs), session.q0(session.nominal))


def test_limits_and_cls_are_those_of_the_core(bounded):
    session = Session(bounded, "s")
    x = session.nominal
    own = upper_limits(bounded)
    assert float(session.limit(x)) == pytest.approx(own.observed, rel=1e-6)
    for n_sigma, expected in zip((-2, -1, 0, 1, 2), own.expected, strict=True):
        found = float(session.expected_limit(x, n_sigma=n_sigma))
        assert found == pytest.approx(expected, rel=1e-6)
    assert float(session.cls(x, session.limit(x))) == pytest.approx(0.05, abs=1e-8)
    assert session.expected_cls(x, torch.tensor([1.0, 2.0])).shape == (2,)
    with pytest.raises(InputError, match="expected_limit"):
        session.limit(x, data="asimov")
    with pytest.raises(InputError, match="no derivative"):
        session.cls(x, torch.tensor(2.0, requires_grad=True))


def test_several_samples_are_one_vector_in_the_order_of_the_model():
    model = HistFactoryModel.from_workspace(generate_workspace(3, n_channels=2, n_samples=3))
    first, second = (each.name for each in model.ir.channels[0].samples[1:3])
    session = Session(model, [second, first])
    order = [
        (channel.name, sample.name)
        for channel in model.ir.channels
        for sample in channel.samples
        if sample.name in (first, second)
    ]
    signal = leaf(session)
    session.nll(signal).backward()
    own = {
        key: torch.tensor(
            next(s for c in model.ir.channels if c.name == key[0] for s in c.samples
                 if s.name == key[1]).nominal, dtype=torch.float64, requires_grad=True)
        for key in order
    }  # fmt: skip
    session.nll(own).backward()
    np.testing.assert_allclose(signal.grad, torch.cat([own[key].grad for key in order]))


def test_a_session_is_a_mapping_that_says_what_it_is(shapes):
    session = create_session(shapes, "s")
    assert isinstance(session, Mapping)
    assert session["n_bins"] == session.signal_n_bins() == 3
    assert session["n_params"] == session.n_params() == shapes.n_params() == len(
        session["parameter_names"]
    )  # fmt: skip
    assert session["parameter_init"] == session.parameter_init() == shapes.suggested_init()
    assert set(session) >= {"model", "signal_sample_name", "device"}
    assert len({session, create_session(shapes, "s")}) == 2


def test_a_session_does_not_change_its_model_nor_see_its_changes(shapes):
    session = Session(shapes, "s")
    before = float(session.q0(session.nominal))
    session.q0(2.0 * session.nominal)
    assert shapes.ir.channels[0].samples[0].nominal == (5.0, 10.0, 3.0)
    x = session.nominal
    old = NextStatQ0.apply(x, model=shapes, channel="c", sample="s")
    shapes.set_sample_nominal(channel="c", sample="b", nominal=[55.0, 60.0, 40.0])
    assert float(session.q0(x)) == before == float(old)
    assert float(NextStatQ0.apply(x, model=shapes, channel="c", sample="s")) != before


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_sessions_travel(shapes, duplicate):
    session = Session(shapes, "s", templates="relative", data="asimov")
    again = duplicate(session)
    assert again.settings == session.settings
    x = session.nominal
    assert torch.equal(again.q0(x), session.q0(x))


def test_jacobians_stay_outside_of_the_graph(shapes):
    session = Session(shapes, "s")
    signal = leaf(session, torch.float32)
    found = signal_jacobian(signal, session)
    assert found.dtype == torch.float64
    assert not found.requires_grad
    np.testing.assert_allclose(found, [0.05469373, 0.02837038, -0.18231386], atol=1e-6)
    with torch.no_grad():
        assert torch.equal(signal_jacobian(session, signal), found)
    np.testing.assert_array_equal(signal_jacobian_numpy(signal, session), found.numpy())


def test_memory_is_read_and_written_by_its_address(shapes):
    session = Session(shapes, "s")
    signal, gradient = session.nominal, torch.full((3,), 7.0, dtype=torch.float64)
    q, slopes = session.profiled_q0_and_grad(signal.data_ptr())
    assert q == pytest.approx(2.0953724686, abs=1e-9)
    np.testing.assert_allclose(slopes, [0.05469373, 0.02837038, -0.18231386], atol=1e-8)
    assert session.profiled_q0_and_grad(signal) == (q, slopes)
    qmu, slopes = session.profiled_qmu_and_grad(4.0, signal.data_ptr())
    assert qmu == float(session.qmu(signal, 4.0))
    assert len(slopes) == 3
    init = session.parameter_init()
    value = session.nll_grad_signal(init, signal.data_ptr(), gradient.data_ptr())
    assert value == pytest.approx(shapes.nll(init))
    x = leaf(session)
    session.nll(x).backward()
    assert torch.equal(gradient, x.grad)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda x: x.float(), "must be float64"),
        (lambda x: x[:2], r"shape \(2,\); expected \(3,\)"),
        (lambda x: x.repeat(2)[::2], "must be contiguous"),
        (lambda x: x.to("meta"), "must be on CPU"),
        (lambda x: 0, "expected the address"),
        (lambda x: 12345, "expected the address"),
        (lambda x: "0x10", "expected an address"),
    ],
)
def test_memory_that_cannot_be_meant_is_refused(shapes, given, message):
    session = Session(shapes, "s")
    with pytest.raises(InputError, match=message):
        session.profiled_q0_and_grad(given(session.nominal))


def test_what_cannot_be_used_is_refused(shapes):
    session = Session(shapes, "s")
    x = session.nominal
    for call, message in [
        (lambda: Session(shapes, "nobody"), "nobody"),
        (lambda: Session(shapes, []), "no sample"),
        (lambda: Session(shapes, "s", templates="scaled"), "scaled"),
        (lambda: Session(shapes, "s", data="expected"), "expected"),
        (lambda: Session(shapes, "s", device="abacus"), "abacus"),
        (lambda: Session(shapes, "s", device="mps"), "float64"),
        (lambda: Session(object(), "s"), "found|expected a HistFactoryModel"),
        (lambda: session.q0(x[:2]), r"shape \(2,\); expected \(..., 3\)"),
        (lambda: session.q0(x.to(torch.complex64)), "complex"),
        (lambda: session.q0(torch.tensor([1.0, float("nan"), 2.0])), "bin 1: found nan"),
        (lambda: session.qmu(x, float("inf")), "not finite"),
        (lambda: session.q0({}), "no inputs"),
        (lambda: session.q0({("c", "nobody"): x}), "nobody"),
        (lambda: session.q0({"c": x}), "no key"),
        (lambda: session.q0({("c", "s"): x[:2]}), "have 2 entries"),
        (lambda: session.q0({("c", "s"): [1.0]}), "expected a tensor"),
        (lambda: session.q0({("c", "s"): x.expand(2, 3), ("c", "b"): x.expand(3, 3)}), "together"),
        (lambda: session(x, "loss"), "loss"),
        (lambda: session.test(x, "nll"), "nll"),
        (lambda: session.nll(x, torch.zeros(2)), "expected"),
        (lambda: NextStatQ0.apply(x[None], model=shapes, channel="c", sample="s"), "2 axes"),
    ]:
        with pytest.raises(InputError, match=message):
            call()
    with pytest.raises(TypeError, match="expected a tensor"):
        NextStatQ0.apply([1.0], model=shapes, channel="c", sample="s")
    shapes.set_sample_nominal(channel="c", sample="s", nominal=[0.0, 10.0, 3.0])
    with pytest.raises(InputError, match="yield of 0 has no relative templates"):
        Session(shapes, "s", templates="relative")
