"""The example on INFERNO's problem: all losses train, and the significance beats cross-entropy."""

from __future__ import annotations

import math
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="nextstat-torch needs PyTorch")

SCRIPT = Path(__file__).parents[2] / "docs" / "examples" / "inferno" / "inferno.py"


@pytest.fixture(scope="module")
def inferno():
    spec = spec_from_file_location("inferno", SCRIPT)
    module = sys.modules["inferno"] = module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["inferno"]


def test_the_background_has_the_moments_of_the_paper(inferno):
    signal, background = inferno.events(200_000, torch.Generator().manual_seed(2))
    for sample, means, variances in [
        (signal, [1.0, 1.0, 0.5], [1.0, 1.0, 0.25]),
        (background, [2.0, 0.0, 1.0 / 3.0], [5.0, 9.0, 1.0 / 9.0]),
    ]:
        torch.testing.assert_close(sample.mean(0), torch.tensor(means), atol=0.04, rtol=0)
        torch.testing.assert_close(sample.var(0), torch.tensor(variances), atol=0.1, rtol=0)


def test_every_loss_trains_and_is_judged(inferno, tmp_path):
    found = {
        loss: [inferno.judge(inferno.train(loss, 0, warm=2, steps=2, batch=300), 0, count=2000)]
        for loss in inferno.LOSSES
    }
    for (judged,) in found.values():
        assert all(math.isfinite(value) and value > 0.0 for value in judged.values())
    inferno.plot(found, tmp_path / "plot.svg")
    assert "svg" in (tmp_path / "plot.svg").read_text()[:200]


@pytest.mark.slow
def test_training_on_the_significance_beats_cross_entropy(inferno):
    entropy, trained = (
        inferno.judge(inferno.train(loss, 0, steps=100), 0)
        for loss in ("cross-entropy", "significance")
    )
    assert trained["significance"] > entropy["significance"] + 0.1
    assert trained["expected limit"] < entropy["expected limit"]
