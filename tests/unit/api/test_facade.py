"""The facade has the public names, is cheap to import, and passes its settings down."""

import ast
import json
import logging
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nextstat
from nextstat_core.backend import BackendSpec, backend_specs
from nextstat_core.errors import (
    BackendNotFoundError,
    BackendUnavailableError,
    InputError,
    ModelError,
)
from nextstat_core.testing import generate_workspace, uncorrelated


@pytest.fixture(autouse=True)
def _settings() -> Iterator[None]:
    yield
    nextstat.set_eval_mode("fast")
    nextstat.set_threads(1)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return uncorrelated([12.0, 11.0], [50.0, 52.0], [3.0, 7.0], [51.0, 48.0])


@pytest.fixture
def model(document: dict[str, Any]) -> nextstat.HistFactoryModel:
    return nextstat.from_pyhf(document)


# -- names and imports ----------------------------------------------------------------------------


def test_every_public_name_exists() -> None:
    for name in nextstat.__all__:
        assert getattr(nextstat, name) is not None, name
    assert set(nextstat.__all__) <= set(dir(nextstat))


def test_lazy_names_are_those_that_type_checkers_see() -> None:
    tree = ast.parse(Path(nextstat.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    lazy = {name: home for home, names in nextstat._HOMES.items() for name in names.split()}
    assert seen == lazy
    assert sorted(lazy) == sorted(nextstat.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        _ = nextstat.fitt  # type: ignore[attr-defined]


def test_the_version_is_that_of_the_distribution() -> None:
    assert nextstat.__version__ == version("nextstat-api")


def _in_new_process(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_import_loads_no_heavy_library() -> None:
    code = """
import sys, nextstat
nextstat.from_pyhf, nextstat.fit, nextstat.fit_toys, nextstat.MaximumLikelihoodEstimator
print([name for name in ("scipy", "torch", "pandas", "rich", "matplotlib") if name in sys.modules])
"""
    assert _in_new_process(code).strip() == "[]"


def test_a_namesake_in_the_environment_is_reported(tmp_path: Path) -> None:
    metadata = tmp_path / "nextstat-0.10.1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: nextstat\nVersion: 0.10.1\n")
    code = f"""
import sys, warnings
sys.path.append({str(tmp_path)!r})
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import nextstat
print([str(entry.message) for entry in caught])
"""
    printed = _in_new_process(code)
    assert "'nextstat' 0.10.1 of other authors" in printed
    assert "pip uninstall nextstat" in printed


# -- models ---------------------------------------------------------------------------------------


def test_from_pyhf_reads_text_and_paths(document: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "workspace.json"
    path.write_text(json.dumps(document))
    values = {
        nextstat.from_pyhf(source).nll([1.0, 1.0, 1.0])
        for source in (json.dumps(document), document, path, str(path))
    }
    assert len(values) == 1


def test_from_pyhf_passes_its_choices_on(document: dict[str, Any]) -> None:
    assert nextstat.from_pyhf(document, poi=None).poi_index() is None
    with pytest.raises(ModelError, match="measurement"):
        nextstat.from_pyhf(document, measurement="nope")
    workspace = generate_workspace(1, n_normsys=1)
    point = [0.5] * nextstat.from_pyhf(workspace).dim()
    other = nextstat.from_pyhf(workspace, interpolation={"normsys": "code1"})
    assert other.nll(point) != nextstat.from_pyhf(workspace).nll(point)


def test_warnings_about_a_workspace_are_logged_once(
    document: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    odd = json.loads(json.dumps(document))
    odd["observations"].append({"name": "a channel that nobody has", "data": [1.0]})
    with caplog.at_level(logging.WARNING, logger="nextstat"):
        first = nextstat.from_pyhf(odd)
        nextstat.from_pyhf(odd)
    assert "a channel that nobody has" in first.warnings[0]
    assert len(caplog.records) == 1


def test_an_audit_lists_problems_instead_of_raising(document: dict[str, Any]) -> None:
    audit = nextstat.workspace_audit(json.dumps(document))
    assert audit["total_bins"] == 2
    assert audit["problems"] == []
    broken = json.loads(json.dumps(document))
    broken["channels"][0]["samples"][0]["data"] = [1.0]
    assert nextstat.workspace_audit(broken)["problems"]


def test_models_pickle_with_their_class(model: nextstat.HistFactoryModel) -> None:
    again = pickle.loads(pickle.dumps(model))
    assert type(again) is nextstat.HistFactoryModel
    assert again.nll([1.0, 1.1, 0.9]) == model.nll([1.0, 1.1, 0.9])


# -- settings -------------------------------------------------------------------------------------


def test_the_mode_is_fast_or_parity() -> None:
    assert nextstat.get_eval_mode() == "fast"
    nextstat.set_eval_mode("parity")
    assert nextstat.get_eval_mode() == "parity"
    with pytest.raises(ValueError, match=r"Unknown eval mode 'x'. Use 'fast' or 'parity'."):
        nextstat.set_eval_mode("x")


def test_parity_mode_holds_for_models_that_exist(model: nextstat.HistFactoryModel) -> None:
    assert not model.compiled.precise
    fast = model.nll([1.2, 1.0, 0.9])
    nextstat.set_eval_mode("parity")
    assert model.compiled.precise
    assert model.nll([1.2, 1.0, 0.9]) == pytest.approx(fast, rel=1e-13)
    assert nextstat.fit(model).provenance["eval_mode"] == "parity"


def test_threads_are_a_positive_integer() -> None:
    assert nextstat.set_threads(3) is True
    assert nextstat.get_threads() == 3
    for wrong in (0, -1, 1.5, True):
        with pytest.raises(ValueError, match="integer of 1 or more"):
            nextstat.set_threads(wrong)  # type: ignore[arg-type]
    assert nextstat.get_threads() == 3


def test_the_backend_can_be_chosen_for_a_block() -> None:
    with nextstat.set_backend("numpy") as backend:
        assert backend is nextstat.get_backend()
    with pytest.raises(BackendNotFoundError, match="no backend named 'nump'"):
        nextstat.set_backend("nump")
    assert nextstat.get_backend().name == "numpy"


def test_the_environment_names_a_default_backend() -> None:
    code = "import nextstat; print(nextstat.get_backend().name)"
    assert _in_new_process(code, NEXTSTAT_BACKEND="numpy:cpu").strip() == "numpy"
    failing = """
import nextstat
try:
    nextstat.get_backend()
except LookupError as error:
    print(error)
"""
    assert "no backend named 'acme'" in _in_new_process(failing, NEXTSTAT_BACKEND="acme")


def test_without_other_backends_there_is_no_accelerator(
    model: nextstat.HistFactoryModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    numpy = tuple(spec for spec in backend_specs() if spec.name == "numpy")
    monkeypatch.setattr("nextstat._devices.backend_specs", lambda: numpy)
    assert nextstat.has_cuda() is False
    assert nextstat.has_metal() is False
    with pytest.raises(BackendUnavailableError, match="Device 'cuda' not available"):
        nextstat.fit_toys_batch_gpu(model, [1.0, 1.0, 1.0], n_toys=1, device="cuda")


def test_accelerators_are_what_installed_backends_offer(monkeypatch: pytest.MonkeyPatch) -> None:
    numpy = nextstat.get_backend()
    asked = []

    def get(name: str, device: str | None = None) -> object:
        asked.append((name, device))
        if (name, device) == ("acme", "cuda"):
            return numpy
        raise BackendUnavailableError(device)

    specs = tuple(BackendSpec(name, lambda _: numpy) for name in ("numpy", "acme"))
    monkeypatch.setattr("nextstat._devices.backend_specs", lambda: specs)
    monkeypatch.setattr("nextstat._devices.get_backend", get)
    assert nextstat.has_cuda() is True
    assert nextstat.has_metal() is False
    assert ("numpy", "cuda") in asked


def test_accelerate_is_a_fact_about_numpy() -> None:
    assert nextstat.has_accelerate() is (
        np.show_config(mode="dicts")["Build Dependencies"]["blas"]["name"] == "accelerate"
    )


# -- fits and toys --------------------------------------------------------------------------------


def test_a_fit_finds_the_known_minimum(model: nextstat.HistFactoryModel) -> None:
    # Computed with pyhf 0.7.6 and, for uncertainties, iminuit.
    result = nextstat.fit(model)
    assert result.converged
    assert result.nll == pytest.approx(12.4919676002, abs=1e-9)
    assert result.parameters == pytest.approx([0.0, 1.0030508, 0.9626809], abs=1e-6)
    assert result.uncertainties == pytest.approx([0.519434, 0.058604, 0.107683], abs=1e-4)
    assert result.n_active_bounds == 1


def test_wrong_data_and_starts_are_refused(model: nextstat.HistFactoryModel) -> None:
    with pytest.raises(ValueError, match="Observed main data length mismatch"):
        nextstat.fit(model, data=[51.0, 48.0, 277.0, 55.0])
    with pytest.raises(ValueError, match=r"init_pars length = model.dim\(\) = 3, got 1"):
        nextstat.fit(model, init_pars=[1.0])


def test_a_fit_of_any_model_of_the_contract() -> None:
    result = nextstat.fit(nextstat.GaussianMeanModel([1.0, 2.0, 6.0], 2.0))
    assert result.parameters == pytest.approx([3.0])
    assert result.uncertainties == pytest.approx([2.0 / 3.0**0.5])


def test_data_sets_are_fitted_as_a_batch(model: nextstat.HistFactoryModel) -> None:
    data = [[51.0, 48.0], [60.0, 70.0], [45.0, 55.0]]
    batch = nextstat.fit_batch(model, data)
    assert len(batch) == 3
    for one, counts in zip(batch, data, strict=True):
        assert one.nll == pytest.approx(nextstat.fit(model, data=counts).nll, abs=1e-7)


def test_the_estimator_fits_with_its_settings(model: nextstat.HistFactoryModel) -> None:
    estimator = nextstat.MaximumLikelihoodEstimator(max_iter=1000, tol=1e-6, m=10)
    assert estimator.fit(model).nll == pytest.approx(nextstat.fit(model).nll, abs=1e-12)
    assert len(estimator.fit_batch([model, model.with_observed_main([60.0, 50.0])])) == 2
    assert len(estimator.fit_toys(model, [1.0, 1.0, 1.0], n_toys=3, seed=1)) == 3
    with pytest.raises(InputError, match="max_iterations"):
        nextstat.MaximumLikelihoodEstimator(max_iter=0)
    cut = nextstat.MaximumLikelihoodEstimator(max_iter=1)
    far = cut.fit(nextstat.from_pyhf(generate_workspace(1, n_histosys=3, n_normsys=3)))
    assert (far.converged, far.termination_reason) == (False, "max_iterations")


def test_a_clamped_parameter_stays_where_it_is(model: nextstat.HistFactoryModel) -> None:
    bounds = model.suggested_bounds()
    bounds[0] = (1.0, 1.0)
    minimum = nextstat.MaximumLikelihoodEstimator().fit_minimum(model, bounds=bounds)
    assert isinstance(minimum, nextstat.FitMinimumResult)
    assert minimum.parameters[0] == 1.0
    assert minimum.converged
    assert minimum.nll == pytest.approx(nextstat.fit(model, fixed={"mu": 1.0}).nll, abs=1e-9)


def test_asimov_data_are_the_expected_main_data(model: nextstat.HistFactoryModel) -> None:
    assert nextstat.asimov_data(model, [1.0, 1.0, 1.0]) == pytest.approx([62.0, 63.0])
    fitted = nextstat.fit(model, data=nextstat.asimov_data(model, [1.0, 1.0, 1.0]))
    assert fitted.parameters == pytest.approx([1.0, 1.0, 1.0], abs=1e-8)


def test_toys_are_lists_that_depend_on_the_seed(model: nextstat.HistFactoryModel) -> None:
    toys = nextstat.poisson_toys(model, [1.0, 1.0, 1.0], n_toys=5, seed=3)
    assert isinstance(toys, list)
    assert isinstance(toys[0], list)
    assert np.shape(toys) == (5, 2)
    assert toys == nextstat.poisson_toys(model, [1.0, 1.0, 1.0], n_toys=5, seed=3)
    assert toys != nextstat.poisson_toys(model, [1.0, 1.0, 1.0], n_toys=5, seed=4)


def test_toys_are_the_same_whatever_function_and_threads_fit_them(
    model: nextstat.HistFactoryModel,
) -> None:
    arguments: dict[str, Any] = {"n_toys": 20, "seed": 11}
    one = nextstat.fit_toys(model, [1.0, 1.0, 1.0], **arguments)
    nextstat.set_threads(8)
    many = nextstat.fit_toys_batch(model, [1.0, 1.0, 1.0], **arguments)
    device = nextstat.fit_toys_batch_gpu(model, [1.0, 1.0, 1.0], **arguments, device="cpu")
    assert one.values.tobytes() == many.values.tobytes() == device.values.tobytes()
    assert sum(toy.converged for toy in many) == many.n_converged == 20


def test_an_unknown_kind_of_device_is_named(model: nextstat.HistFactoryModel) -> None:
    with pytest.raises(InputError, match="no device named 'cudo'"):
        nextstat.fit_toys_batch_gpu(model, [1.0, 1.0, 1.0], n_toys=1, device="cudo")
