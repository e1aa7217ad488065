"""Gradients on published analyses, against pyhf on workspaces that were written again.

At its minima the likelihood does not move with the parameters: what pyhf says about workspaces with
other signals, at our minima, is the gradient.
"""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest

from parity_matrix.golden import NO_WORKSPACES, golden_cases

torch = pytest.importorskip("torch", reason="nextstat-torch needs PyTorch")
pyhf = pytest.importorskip("pyhf")

from nextstat_core.infer import InputTests  # noqa: E402
from nextstat_core.models import HistFactoryModel, ModelInputs  # noqa: E402
from nextstat_torch import Session  # noqa: E402

SIGNALS = {
    "real/tttt-prod": "tttt",
    "real/tHu": ["utH_dec", "utH_prod"],
    "real/ttbar-ljets-xsec": "Signal",
}


class Written:
    """A published workspace with other yields of its signal, in pyhf."""

    def __init__(self, workspace, samples):
        self.workspace, self.samples = workspace, samples

    def places(self, workspace):
        return [
            sample
            for channel in workspace["channels"]
            for sample in channel["samples"]
            if sample["name"] in self.samples
        ]

    def nll(self, signal, points):
        """``-log L`` at points in our order."""
        changed = copy.deepcopy(self.workspace)
        start = 0
        for sample in self.places(changed):
            stop = start + len(sample["data"])
            sample["data"] = signal[start:stop].tolist()
            start = stop
        opened = pyhf.Workspace(changed)
        model = opened.model(measurement_name=None)
        data = opened.data(model)
        return np.array([-float(model.logpdf(point, data)[0]) for point in points])


@pytest.mark.slow
@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_gradients_are_those_of_pyhf(name):
    cases = {case.id: case for case in golden_cases()}
    if name not in cases:
        pytest.skip(NO_WORKSPACES)
    workspace = json.loads(cases[name].text())
    model = HistFactoryModel.from_workspace(workspace)
    session = Session(model, SIGNALS[name])
    samples = SIGNALS[name] if isinstance(SIGNALS[name], list) else [SIGNALS[name]]
    written = Written(workspace, samples)
    signal = session.nominal.requires_grad_()
    z = session.z0(signal)
    z.backward()

    keys = [
        (channel.name, sample.name)
        for channel in model.ir.channels
        for sample in channel.samples
        if sample.name in samples
    ]
    own = session.nominal.numpy()
    tested = InputTests(ModelInputs(model, keys)).at(own[None, :], np.zeros(1)).tested
    order = model.pyhf_order()
    points = [np.asarray(row)[order] for row in (tested.held[0], tested.free[0])]
    held, free = written.nll(own, points)
    # On one of them the best fit is negative: q0 is cut, and its root goes on.
    assert float(z.detach()) ** 2 == pytest.approx(2.0 * (held - free), abs=1e-7)

    gradient = 2.0 * float(z.detach()) * signal.grad.numpy()
    rng = np.random.default_rng(5)
    for _ in range(3):
        direction = np.where(own > 0.0, own, 0.0) * rng.choice([-1.0, 1.0], len(own))
        ratios = [
            2.0 * -np.subtract(*written.nll(own + step * direction, points)[::-1])
            for step in (1e-3, -1e-3, 2e-3, -2e-3)
        ]
        expected = (8.0 * (ratios[0] - ratios[1]) - (ratios[2] - ratios[3])) / 12e-3
        largest = np.abs(gradient * direction).max()
        assert gradient @ direction == pytest.approx(expected, rel=0, abs=1e-6 * largest)


@pytest.mark.slow
def test_limits_have_the_gradients_of_differences():
    cases = {case.id: case for case in golden_cases()}
    if "real/tttt-prod" not in cases:
        pytest.skip(NO_WORKSPACES)
    session = Session(HistFactoryModel.from_workspace(cases["real/tttt-prod"].text()), "tttt")
    own = session.nominal.numpy()
    direction = own * np.random.default_rng(5).choice([-1.0, 1.0], len(own))

    def limits(signal):
        return torch.stack(
            [session.limit(signal), session.expected_limit(signal), session.cls(signal, 4.0)]
        )

    signal = session.nominal.requires_grad_()
    jacobian = torch.stack(
        [torch.autograd.grad(each, signal, retain_graph=True)[0] for each in limits(signal)]
    ).numpy()

    def difference(step):
        moved = [
            limits(torch.tensor(own + k * step * direction)).numpy() for k in (1.0, -1.0, 2.0, -2.0)
        ]
        return (8.0 * (moved[0] - moved[1]) - (moved[2] - moved[3])) / (12.0 * step)

    # Templates stay: along this direction the limits are far from straight.
    expected = (16.0 * difference(5e-4) - difference(1e-3)) / 15.0
    largest = np.abs(jacobian * direction).max(axis=1)
    np.testing.assert_array_less(np.abs(jacobian @ direction - expected), 1e-6 * largest)
