"""The quadratic part of a surrogate."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import nextstat
from nextstat.distill import SurrogateDataset, bounds_around, generate_dataset
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import growth
from nextstat_distill.quadratic import QuadraticForm

SCRIPT = Path(__file__).parents[3] / "docs" / "examples" / "surrogate.py"


def parabola(count, rows, held=()):
    """Points, values and gradients of a quadratic form with known numbers."""
    rng = np.random.default_rng(5)
    root = rng.standard_normal((count, count))
    matrix, linear = root @ root.T / count, rng.standard_normal(count)
    points = rng.uniform(-1.0, 1.0, (rows, count))
    points[:, held] = 0.0
    slopes = linear + points @ matrix
    return points, 0.5 * np.sum(points * (slopes + linear), axis=1), slopes, matrix, linear


def test_a_quadratic_form_is_found_exactly():
    points, values, slopes, matrix, linear = parabola(12, 100)
    form = QuadraticForm.nearest(points, slopes)
    np.testing.assert_allclose(form.matrix, matrix, atol=1e-12)
    np.testing.assert_allclose(form.linear, linear, atol=1e-12)
    np.testing.assert_allclose(form.value(points), values, atol=1e-12)
    np.testing.assert_allclose(form.slope(points), slopes, atol=1e-12)


def test_parameters_that_are_held_keep_their_couplings():
    points, values, slopes, matrix, _ = parabola(6, 50, held=[2])
    form = QuadraticForm.nearest(points, slopes)
    varied = [0, 1, 3, 4, 5]
    np.testing.assert_allclose(form.matrix[varied], matrix[varied], atol=1e-12)
    np.testing.assert_allclose(form.value(points), values, atol=1e-12)
    np.testing.assert_allclose(form.slope(points), slopes, atol=1e-12)


def test_too_few_points_give_no_form():
    points, _, slopes, *_ = parabola(12, 25)
    form = QuadraticForm.nearest(points, slopes)
    assert not form.matrix.any()
    assert not form.linear.any()


@pytest.fixture
def train():
    pytest.importorskip("torch")
    from nextstat.distill import train_mlp_surrogate

    return train_mlp_surrogate


def test_a_parabola_of_many_parameters_is_learned_at_once(train):
    points, values, slopes, *_ = parabola(40, 500)
    names = [f"p{i}" for i in range(40)]
    ds = SurrogateDataset(points, values, slopes, names, np.tile([-1.0, 1.0], (40, 1)))
    few = {"hidden_layers": (8,), "epochs": 2}
    found, without = (train(ds, quadratic=each, **few).report for each in (True, False))
    assert found.nll_rms < 1e-9
    assert found.gradient_rms < 1e-9
    assert without.nll_rms > 0.1
    # What a constant would be off by does not depend on the form.
    assert found.nll_spread == without.nll_spread > 0.5


def test_without_gradients_or_the_wish_there_is_no_form(train, model, box, dataset):
    values = generate_dataset(model, 100, bounds=box, include_gradient=False)
    few = {"hidden_layers": (8,), "epochs": 1}
    for surrogate in (train(values, **few), train(dataset, quadratic=False, **few)):
        assert not surrogate.quadratic_matrix.any()
    assert train(dataset, **few).quadratic_matrix.any()


def test_hundreds_of_parameters_have_their_best_fit_where_the_model_has_it(train):
    model = HistFactoryModel.from_workspace(growth(100, 100, staterror=True))
    result = nextstat.fit(model)
    box = bounds_around(model, result.parameters, result.uncertainties, n_sigma=1.0)
    ds = generate_dataset(model, 2048, bounds=box)
    # No point of the box is near the best fit.
    assert ds.nll.min() - result.nll > 10.0
    few = {"hidden_layers": (32,), "epochs": 5, "nll_reference": result.nll}
    found, without = (train(ds, quadratic=each, **few) for each in (True, False))
    from nextstat.distill import predict_nll

    errors = [abs(predict_nll(each, result.parameters) - result.nll) for each in (found, without)]
    assert errors[0] < 0.1 * errors[1]
    assert found.report.sigma_rms < 0.5 * without.report.sigma_rms


def test_the_example_prints_the_errors(train, workspace, tmp_path, monkeypatch, capsys):
    spec = importlib.util.spec_from_file_location("surrogate_example", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    path = tmp_path / "workspace.json"
    path.write_text(json.dumps(workspace))
    arguments = ["surrogate.py", str(path), "--points", "1024", "--epochs", "20"]
    monkeypatch.setattr("sys.argv", arguments)
    script.main()
    assert nextstat.from_pyhf(workspace).n_params() == 5
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("102 held-out points")
    assert [line.split(":")[0] for line in printed[1:]] == [
        "at the best fit", "along the profile, up to 2 sigma"
    ]  # fmt: skip
    assert abs(float(printed[1].rsplit(" ", 1)[1])) < 0.1
