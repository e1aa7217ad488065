"""Training, prediction, errors and ONNX."""

import json
import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest

import nextstat
from nextstat.distill import (
    OutsideBoundsWarning,
    SurrogateDataset,
    generate_dataset,
    predict_nll,
    to_onnx,
    train_mlp_surrogate,
)
from nextstat_core.errors import FitError, InputError

torch = pytest.importorskip("torch")

SMALL = {"hidden_layers": (8,), "epochs": 2}


def test_training_reaches_the_stated_error(surrogate, model, box):
    report = surrogate.report
    assert (report.n_train, report.n_held_out) == (1843, 205)
    # The likelihood spreads over several units in this box.
    assert report.nll_spread > 2.0
    assert report.nll_rms < 0.1
    assert report.sigma_rms < 0.1
    # Points of another seed, which nobody has seen.
    fresh = generate_dataset(model, 500, bounds=box, seed=7)
    error = predict_nll(surrogate, fresh.parameters) - fresh.nll
    assert np.sqrt(np.mean(error**2)) < 0.1


def test_the_report_is_what_its_definitions_give(surrogate, dataset, model):
    order = np.random.default_rng(0).permutation(2048)[:205]
    truth, predicted = dataset.nll[order], predict_nll(surrogate, dataset.parameters[order])
    report, best = surrogate.report, nextstat.fit(model).nll
    assert report.nll_reference == best
    assert report.nll_rms == pytest.approx(np.sqrt(np.mean((predicted - truth) ** 2)))
    assert report.nll_max == pytest.approx(np.abs(predicted - truth).max())
    z, guess = (np.sqrt(2.0 * np.maximum(each - best, 0.0)) for each in (truth, predicted))
    assert report.sigma_rms == pytest.approx(np.sqrt(np.mean((guess - z) ** 2)))
    assert report.sigma_max == pytest.approx(np.abs(guess - z).max())
    points = torch.tensor(dataset.parameters[order], requires_grad=True)
    (slope,) = torch.autograd.grad(surrogate(points).sum(), points)
    scale = np.delete(dataset.parameters, order, axis=0).std(axis=0)
    spread = (slope.numpy() - dataset.gradient[order]) * scale
    assert report.gradient_rms == pytest.approx(np.sqrt(np.mean(spread**2)), rel=1e-3)
    assert f"{report.nll_rms:.3g} rms" in str(report)


def test_gradients_help(dataset):
    half = {"hidden_layers": (32, 32), "epochs": 15, "lr": 5e-3}
    with_slopes = train_mlp_surrogate(dataset, grad_weight=1.0, **half).report
    without = train_mlp_surrogate(dataset, grad_weight=0.0, **half).report
    assert with_slopes.gradient_rms < without.gradient_rms


def test_the_seed_decides_every_bit_and_global_state_stays(dataset):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    found = [train_mlp_surrogate(dataset, seed=seed, **SMALL) for seed in (3, 3, 4)]
    assert torch.equal(torch.get_rng_state(), before)
    first, same, other = (
        torch.cat([each.ravel() for each in network.layers.parameters()]) for network in found
    )
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    assert found[0].report == found[1].report


def test_values_alone_are_enough(model, box):
    ds = generate_dataset(model, 100, bounds=box, include_gradient=False)
    report = train_mlp_surrogate(ds, **SMALL).report
    assert np.isnan(report.gradient_rms)
    assert report.nll_reference == ds.nll.min()


def test_a_large_constant_costs_no_digits(dataset, surrogate):
    shifted = SurrogateDataset(
        dataset.parameters, dataset.nll + 1e6, dataset.gradient, dataset.parameter_names,
        dataset.parameter_bounds,
    )  # fmt: skip
    settings = {"hidden_layers": (32, 32), "epochs": 60, "lr": 1e-2, "grad_weight": 1.0}
    report = train_mlp_surrogate(shifted, **settings).report
    assert report.nll_rms == pytest.approx(surrogate.report.nll_rms, rel=0.5)


def test_held_parameters_do_no_harm(model, box):
    held = box.copy()
    held[1] = [0.3, 0.3]
    network = train_mlp_surrogate(generate_dataset(model, 200, bounds=held), **SMALL)
    assert np.isfinite(network.report.nll_rms)


def test_one_point_gives_a_number_and_many_an_array(surrogate, dataset):
    many = predict_nll(surrogate, dataset.parameters[:5])
    assert (many.shape, many.dtype) == ((5,), np.float64)
    one = predict_nll(surrogate, dataset.parameters[0].tolist())
    assert isinstance(one, float)
    assert one == pytest.approx(many[0], rel=1e-6)


def test_the_module_takes_raw_parameters_and_has_gradients(surrogate, dataset):
    points = torch.tensor(dataset.parameters[:3], requires_grad=True)
    surrogate(points).sum().backward()
    assert points.grad.shape == (3, 5)
    assert surrogate(points.detach()).numpy() == pytest.approx(
        predict_nll(surrogate, dataset.parameters[:3]), rel=1e-6
    )


def test_points_outside_the_box_are_warned_of(surrogate, dataset):
    points = dataset.parameters[:4].copy()
    points[2, 0] = 3.5
    with pytest.warns(OutsideBoundsWarning, match=r"1 of 4 .*'mu' is 3.5, the box is \[0, 3\]"):
        predict_nll(surrogate, points)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predict_nll(surrogate, dataset.parameter_bounds.T)


def test_surrogates_pickle(surrogate, dataset):
    again = pickle.loads(pickle.dumps(surrogate))
    points = dataset.parameters[:10]
    assert (predict_nll(again, points) == predict_nll(surrogate, points)).all()
    assert again.report == surrogate.report


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "`epochs` is 0"),
        ({"hidden_layers": ()}, "`hidden_layers` is empty"),
        ({"hidden_layers": (8, -1)}, r"`hidden_layers\[1\]` is -1"),
        ({"lr": 0.0}, "`lr` is 0"),
        ({"grad_weight": -1.0}, "`grad_weight` is -1"),
        ({"val_fraction": 1.0}, "`val_fraction` is 1"),
        ({"batch_size": 0}, "`batch_size` is 0"),
        ({"seed": -1}, "`seed` is -1"),
        ({"nll_reference": float("nan")}, "`nll_reference` is nan"),
        ({"device": "toaster"}, "`device` is 'toaster'"),
    ],
)
def test_bad_settings_are_refused(dataset, changes, message):
    with pytest.raises(InputError, match=message):
        train_mlp_surrogate(dataset, **SMALL | changes)


def test_too_few_points_are_refused(model, box):
    with pytest.raises(InputError, match="2 points with 1 held out"):
        train_mlp_surrogate(generate_dataset(model, 2, bounds=box), **SMALL)


def test_training_that_diverges_is_an_error(dataset):
    with pytest.raises(FitError, match=r"the loss is (nan|inf) in step"):
        train_mlp_surrogate(dataset, hidden_layers=(8, 8), epochs=5, lr=1e30)


def test_what_is_no_surrogate_is_refused(surrogate):
    with pytest.raises(InputError, match="`surrogate` is a Linear"):
        predict_nll(torch.nn.Linear(5, 1), [0.0] * 5)
    with pytest.raises(InputError, match="expected 5, got 2"):
        predict_nll(surrogate, [0.0, 1.0])
    pytest.importorskip("onnxruntime")
    with pytest.raises(InputError, match="`surrogate` is a Linear"):
        to_onnx(torch.nn.Linear(5, 1), "x.onnx")


def test_onnx_gives_what_torch_gives(surrogate, dataset, tmp_path):
    runtime, onnx = pytest.importorskip("onnxruntime"), pytest.importorskip("onnx")
    path = tmp_path / "surrogate.onnx"
    to_onnx(surrogate, path)
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for rows in (1, 1000):  # any number of rows
        points = dataset.parameters[:rows]
        (found,) = session.run(["nll"], {"parameters": points})
        expected = predict_nll(surrogate, points)
        assert (found.shape, found.dtype) == ((rows,), np.float64)
        largest = np.abs(expected - float(surrogate.nll_shift)).max()
        assert np.abs(found - expected).max() < 20 * np.finfo(np.float32).eps * (largest + 1.0)
    about = {each.key: json.loads(each.value) for each in onnx.load(path).metadata_props}
    assert about["parameter_names"] == dataset.parameter_names
    assert about["parameter_bounds"] == dataset.parameter_bounds.tolist()
    assert about["report"]["nll_rms"] == surrogate.report.nll_rms


def test_onnx_is_compared_before_it_is_written(surrogate, tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    from nextstat_core.errors import NextstatError
    from nextstat_distill import export

    monkeypatch.setattr(export, "predict_nll", lambda *_: np.zeros(256))
    with pytest.raises(NextstatError, match="onnxruntime differs"):
        to_onnx(surrogate, tmp_path / "surrogate.onnx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("library", "extra", "call"),
    [
        ("torch", "torch", "to_torch_dataset(ds)"),
        ("torch", "torch", "train_mlp_surrogate(ds)"),
        ("torch", "torch", "predict_nll(None, [0.0])"),
        ("pyarrow", "parquet", "to_parquet(ds, 'x')"),
        ("onnx", "onnx", "to_onnx(None, 'x')"),
        ("onnxruntime", "onnx", "to_onnx(None, 'x')"),
    ],
)
def test_missing_libraries_come_with_the_extra(library, extra, call):
    program = f"""
import sys
sys.modules[{library!r}] = None
from nextstat.distill import *
import numpy as np
ds = SurrogateDataset(np.ones((1, 1)), np.ones(1), np.ones((1, 1)), ["a"], np.ones((1, 2)))
try:
    {call}
except ModuleNotFoundError as error:
    assert "pip install 'nextstat-distill[{extra}]'" in str(error), error
else:
    raise SystemExit("no error")
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_names_alone_import_no_heavy_library():
    program = (
        "import sys; from nextstat.distill import *; "
        "assert not {'torch', 'pyarrow', 'onnx', 'onnxruntime', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
