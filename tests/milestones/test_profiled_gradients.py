"""Test statistics, best fits and limits are functions of the yields, with exact gradients.

No gradient goes through the steps of an optimiser: it is the envelope's, or an implicit derivative
that takes one linear solve. So it costs no minimisation, and the fits before it at most one exact
Newton step more than fits whose gradients nobody wants. What has no derivative, or did not
converge, says so. A classifier that is trained on it gets better on events that it never saw.
"""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="nextstat-torch needs PyTorch")

from nextstat_core.errors import FitError  # noqa: E402
from nextstat_core.infer import FitOptions, InputTests  # noqa: E402
from nextstat_core.models import HistFactoryModel, ModelInputs  # noqa: E402
from nextstat_core.testing import generate_workspace  # noqa: E402
from nextstat_core.testing.differences import differences  # noqa: E402
from nextstat_torch import Flag, Session, SignificanceLoss, SoftHistogram  # noqa: E402

MU = torch.tensor([1.2, 4.0], dtype=torch.float64)
LOSSES = {
    "q0": lambda session, x: session.q0(x),
    "z0": lambda session, x: session.z0(x),
    "qmu": lambda session, x: session.qmu(x, MU[1:]),
    "zmu": lambda session, x: session.zmu(x, MU),
}


@pytest.fixture
def plain():
    """Two channels of three bins whose signal has factors only."""
    return HistFactoryModel.from_workspace(
        generate_workspace(5, n_channels=2, n_bins=3, n_normsys=2, n_samples=3)
    )


# -- gradients ------------------------------------------------------------------------------------


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


def test_the_same_inputs_give_the_same_bits(plain):
    results = []
    for _ in range(2):
        session = Session(plain, "signal")
        signals = (session.nominal * torch.tensor([[0.9], [1.2]])).requires_grad_()
        session.z0(signals).sum().backward()
        results.append(signals.grad.clone())
    assert torch.equal(*results)


# -- what they cost -------------------------------------------------------------------------------


def signals(inputs, count):
    return inputs.values * np.linspace(0.8, 1.2, count)[:, None]


def refuse(*_, **__):
    raise AssertionError("a gradient began a minimisation")


def test_a_gradient_begins_no_minimisation(hundreds, evaluations, monkeypatch):
    inputs = ModelInputs(hundreds, [("channel_0", "signal")])
    found = InputTests(inputs).at(signals(inputs, 4), np.zeros(1))
    for name in ("conditional.minimise_rows", "conditional.minimise_one"):
        monkeypatch.setattr(f"nextstat_core.infer.{name}", refuse)
    monkeypatch.setattr("nextstat_core.infer.input_tests.minimise_rows", refuse)
    evaluations.forget()
    gradient = found.gradient()
    assert gradient.shape == (4, inputs.size)
    # One evaluation of all rows at each end of the likelihood ratio.
    assert (evaluations.rows, evaluations.orders) == ([4, 4], [1, 1])


@pytest.mark.parametrize("loss", ["q0", "z0", "mu_hat", "sigma_mu", "expected_limit", "cls"])
def test_going_backward_evaluates_nothing(bounded, evaluations, loss):
    session = Session(bounded, "s")
    signal = session.nominal.requires_grad_()
    value = session(signal, loss, **({"mu": 2.0} if loss == "cls" else {}))
    evaluations.forget()
    value.backward()
    assert signal.grad.any()
    assert len(evaluations) == 0


def test_fits_end_with_at_most_one_exact_newton_step_more(hundreds):
    inputs = ModelInputs(hundreds, [("channel_0", "signal")])
    tested = InputTests(inputs).at(signals(inputs, 16), np.zeros(1)).tested
    assert tested.converged.all()
    # One exact Hessian certifies each of the two fits; the step more has one of its own.
    assert tested.n_hev.max() <= 2 * (1 + 1)


@pytest.mark.parametrize("data", ["observed", "asimov"])
def test_rows_of_a_batch_are_evaluated_together(hundreds, evaluations, data):
    inputs = ModelInputs(hundreds, [("channel_0", "signal")])
    tests, count = InputTests(inputs, data=data), 64
    tests.at(signals(inputs, 2), np.zeros(1))
    evaluations.forget()
    tested = tests.at(signals(inputs, count), np.zeros(1)).tested
    # The row that takes the most gradients says how often all are asked, not how many there are.
    assert evaluations.rows.count(count) <= tested.n_gev.max()
    # Exact Hessians are made in blocks; a loop would ask once for each gradient.
    assert len(evaluations) <= 0.1 * tested.n_gev.sum()


@pytest.mark.parametrize("loss", ["limit", "expected_limit", "cls", "expected_cls"])
def test_limits_of_a_batch_are_searched_together(plain, evaluations, loss):
    session, extra = Session(plain, "signal"), {"mu": 2.0} if loss.endswith("cls") else {}
    session(session.nominal, loss, **extra)
    asked = []
    for count in (1, 16):
        factors = torch.linspace(0.95, 1.05, count, dtype=torch.float64)[:, None]
        evaluations.forget()
        session(session.nominal * factors, loss, **extra)
        asked.append(len(evaluations))
    # One by one they would ask 16 times as often.
    assert asked[1] < 3 * asked[0]


# -- where there is none ---------------------------------------------------------------------------


def test_an_uncertainty_that_does_not_exist_is_flagged(bounded):
    session = Session(bounded.with_observed_main([40.0, 50.0, 35.0]), "s", test_stat="qtilde")
    signal = session.nominal.requires_grad_()
    found = session.test(signal, "zmu", 0.0)
    assert int(found.flags) & Flag.UNDETERMINED


@pytest.mark.parametrize("loss", ["limit", "expected_limit", "cls", "expected_cls"])
def test_limits_whose_fits_did_not_converge_are_flagged(bounded, loss):
    extra = {"mu": 2.0} if loss.endswith("cls") else {}
    session = Session(bounded, "s", options=FitOptions(max_iterations=1))
    signal = session.nominal.requires_grad_()
    session(signal, loss, **extra).backward()
    assert session.last.flags.tolist() == [Flag.NOT_CONVERGED]
    assert not signal.grad.any()


def test_rows_that_did_not_converge_are_flagged_and_raise_on_demand(shapes):
    few = FitOptions(max_iterations=1)
    session = Session(shapes, "s", options=few)
    signal = session.nominal.requires_grad_()
    found = session.test(signal, "q0")
    assert int(found.flags) & Flag.NOT_CONVERGED
    found.value.backward()
    assert not signal.grad.any()
    with pytest.raises(FitError, match="1 of 1 rows"):
        Session(shapes, "s", options=few, strict=True).q0(signal)


def test_bins_without_signal_are_flagged(shapes):
    session = Session(shapes, "s")
    signals = torch.tensor([[5.0, 10.0, 3.0], [5.0, 0.0, 3.0]], requires_grad=True)
    found = session.test(signals, "q0")
    assert found.flags.tolist() == [0, Flag.EMPTY_BIN]
    found.value.sum().backward()
    assert torch.isfinite(signals.grad).all()


def test_bins_may_become_empty_where_the_data_are_those_of_asimov(plain):
    samples = [sample.name for sample in plain.ir.channels[0].samples]
    name = plain.ir.channels[0].name
    empty = {(name, each): torch.tensor([4.0, 5.0, 0.0]) for each in samples}
    session = Session(plain, "signal")
    assert bool(torch.isfinite(session.z0(empty)))
    assert bool(torch.isfinite(session.expected_limit(empty)))


def test_a_parameter_at_its_bound_does_not_move(bounded):
    session = Session(bounded.with_observed_main([40.0, 50.0, 35.0]), "s", test_stat="qtilde")
    signal = session.nominal.requires_grad_()
    found = session.test(signal, "qmu", 2.0)
    assert float(found.mu_hat) == 0.0
    found.value.backward()
    own = session.nominal.numpy()
    expected = differences(lambda x: float(session.qmu(torch.as_tensor(x), 2.0)), own, 0.1 * own)
    np.testing.assert_allclose(signal.grad, expected, rtol=1e-5, atol=1e-8)


# -- training --------------------------------------------------------------------------------------


class Classifier:
    """Two overlapping classes of two features, and the model of the histogram of a score."""

    bins, expected = 4, {"signal": 30.0, "background": 200.0}

    def __init__(self):
        background = [{"name": "rate", "type": "normsys", "data": {"hi": 1.1, "lo": 0.9}}]
        factor = [{"name": "mu", "type": "normfactor", "data": None}]
        samples = [
            {"name": name, "data": [total / self.bins] * self.bins, "modifiers": modifiers}
            for (name, total), modifiers in zip(
                self.expected.items(), (factor, background), strict=True
            )
        ]
        workspace = {
            "channels": [{"name": "score", "samples": samples}],
            "observations": [{"name": "score", "data": [57.0] * self.bins}],
            "measurements": [{"name": "m", "config": {"poi": "mu", "parameters": []}}],
            "version": "1.0.0",
        }
        model = HistFactoryModel.from_workspace(workspace)
        self.loss = SignificanceLoss(model, "signal", data="asimov")
        self.fill = SoftHistogram(torch.linspace(0.0, 1.0, self.bins + 1), mode="gaussian")
        torch.manual_seed(1)
        self.network = torch.nn.Sequential(
            torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1), torch.nn.Sigmoid()
        )

    def inputs(self, events, fill):
        return {
            ("score", name): fill(self.network(events[name])[:, 0]) * (total / len(events[name]))
            for name, total in self.expected.items()
        }

    def judged(self, events):
        """Significance of hard histograms."""

        def hard(score):
            return torch.histc(score.double(), self.bins, 0.0, 1.0)

        with torch.no_grad():
            return -float(self.loss(self.inputs(events, hard)))


def events(seed, count=600):
    generator = torch.Generator().manual_seed(seed)
    return {
        "signal": torch.randn(count, 2, generator=generator) + torch.tensor([1.0, 0.5]),
        "background": torch.randn(count, 2, generator=generator),
    }


def test_a_classifier_that_is_trained_on_the_significance_gets_better_on_other_events():
    problem = Classifier()
    training, held_out = events(3), events(4, 20_000)
    before = problem.judged(held_out)
    optimizer = torch.optim.Adam(problem.network.parameters(), lr=0.03)
    for _ in range(30):
        optimizer.zero_grad()
        problem.loss(problem.inputs(training, problem.fill)).backward()
        optimizer.step()
    # Without a classifier there is one bin: what the network starts from is no better.
    assert problem.judged(held_out) > before + 0.5
