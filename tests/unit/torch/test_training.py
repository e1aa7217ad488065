"""Losses where networks are trained: modules, compilers, workers, several processes."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="nextstat-torch needs PyTorch")

from nextstat_torch import Session, SignificanceLoss  # noqa: E402


@pytest.fixture
def loss(shapes):
    return SignificanceLoss(shapes, "s")


def test_a_module_is_minus_the_significance(loss):
    signal = loss.session.nominal
    assert float(loss(signal)) == pytest.approx(-(2.0953724686**0.5), abs=1e-9)
    assert float(loss.z0(signal)) == -float(loss(signal))
    assert float(loss.q0(signal)) == pytest.approx(2.0953724686, abs=1e-9)
    assert (loss.n_bins, loss.n_params) == (3, 8)
    positive = SignificanceLoss(loss.session.model, "s", negate=False)
    assert float(positive(signal)) == -float(loss(signal))
    assert "3 bins" in repr(loss)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_modules_travel_and_convert_without_losing_digits(loss, duplicate):
    signal = loss.session.nominal
    again = duplicate(loss).half().to("cpu").eval()
    assert float(again(signal)) == float(loss(signal))
    assert list(again.parameters()) == []
    assert again.state_dict() == {}


def test_results_follow_the_signal(loss):
    signal = loss.session.nominal.float().requires_grad_()
    value = loss(signal)
    value.backward()
    assert value.dtype == signal.grad.dtype == torch.float32


@pytest.mark.parametrize("fullgraph", [True, False])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_compiled_functions_have_the_same_bits(shapes, fullgraph):
    session = Session(shapes, "s", templates="relative")

    def loss(x):
        return -session.z0(2.0 * x).sum() + 0.1 * session.qmu(x, 4.0).sum()

    compiled = torch.compile(loss, fullgraph=fullgraph, backend="aot_eager")
    found = []
    for function in (loss, compiled):
        signal = session.nominal.requires_grad_()
        value = function(signal)
        value.backward()
        found.append((value.detach(), signal.grad))
    np.testing.assert_allclose(found[1][0], found[0][0], rtol=1e-14)
    np.testing.assert_allclose(found[1][1], found[0][1], rtol=1e-12)


def test_the_operator_keeps_the_rules_of_operators(shapes):
    from nextstat_torch.custom_op import evaluate
    from nextstat_torch.given import encode

    session = Session(shapes, "s")
    vectors = session.nominal[None].requires_grad_()
    points = torch.tensor([[2.0], [4.0]], dtype=torch.float64)
    number = session._evaluator.number
    arguments = (vectors, points, number, encode((("c", "s"),)), "qmu", "observed", False)
    torch.library.opcheck(evaluate, arguments)


class Signals(torch.utils.data.Dataset):
    """Significances that the workers of a loader compute."""

    def __init__(self, session):
        self.session = session

    def __len__(self):
        return 4

    def __getitem__(self, index):
        signal = (self.session.nominal * (1.0 + 0.1 * index)).requires_grad_()
        value = self.session.z0(signal)
        value.backward()
        return value.detach(), signal.grad


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_workers_of_a_loader_compute_the_same(shapes):
    signals = Signals(Session(shapes, "s"))
    loader = torch.utils.data.DataLoader(signals, batch_size=2, num_workers=2)
    values, slopes = (torch.cat(parts) for parts in zip(*loader, strict=True))
    own = [signals[index] for index in range(4)]
    np.testing.assert_allclose(values, [value for value, _ in own], rtol=1e-14)
    np.testing.assert_allclose(slopes, torch.stack([slope for _, slope in own]), rtol=1e-10)


PROGRAM = """
import sys
import torch
from torch.nn.parallel import DistributedDataParallel
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import generate_workspace
from nextstat_torch import SignificanceLoss, SoftHistogram

rank, store, output = int(sys.argv[1]), sys.argv[2], sys.argv[3]
torch.distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
model = HistFactoryModel.from_workspace(generate_workspace(5, n_channels=1, n_bins=3))
loss = SignificanceLoss(model, "signal", data="asimov")
fill = SoftHistogram([0.0, 0.3, 0.7, 1.0], mode="gaussian")
torch.manual_seed(0)
network = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Linear(4, 1), torch.nn.Sigmoid())
parallel = DistributedDataParallel(network)
features = torch.randn(2, 200, 2, generator=torch.Generator().manual_seed(7))
loss(fill(parallel(features[rank])[:, 0])).backward()
found = [parameter.grad.clone() for parameter in network.parameters()]
if rank == 0:
    own = []
    for part in features:
        network.zero_grad()
        loss(fill(network(part)[:, 0])).backward()
        own.append([parameter.grad.clone() for parameter in network.parameters()])
    for average, first, second in zip(found, *own):
        torch.testing.assert_close(average, 0.5 * (first + second), rtol=1e-5, atol=1e-8)
    open(output, "w").write("the same")
torch.distributed.destroy_process_group()
"""


def test_several_processes_share_gradients(tmp_path):
    program = tmp_path / "worker.py"
    program.write_text(PROGRAM, encoding="utf-8")
    output = tmp_path / "result"
    command = [sys.executable, str(program)]
    running = [
        subprocess.Popen(
            [*command, str(rank), str(tmp_path / "store"), str(output)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "GLOO_SOCKET_IFNAME": "lo"},
        )
        for rank in range(2)
    ]  # fmt: skip
    said = [each.communicate(timeout=120)[0] for each in running]
    assert [each.returncode for each in running] == [0, 0], said
    assert output.read_text() == "the same"
