"""HistFactoryModel has the values of the reference and the behaviour of the contract."""

import gzip
import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from math import isnan, nan
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextstat_core.errors import FormatError, InputError, ModelError
from nextstat_core.models import HistFactoryModel, ModelWithHessian
from nextstat_core.testing import generate_workspace

# Negative logarithms of the likelihood, computed with pyhf 0.7.6.
SIMPLE_NLL = 15.387627173157
FULL_NLL = 13.843543712811
FULL_SHIFTED_NLL = 21.834803328559
FULL_NAMES = [
    *("mu", "lumi", "sig_norm", "bkg_norm", "bkg_shape"),
    *("bkg_ss[0]", "bkg_ss[1]", "bkg_ss[2]"),
    *("staterror_SR[0]", "staterror_SR[1]", "staterror_SR[2]"),
    *("k_bkg", "staterror_CR[0]", "staterror_CR[1]"),
]


def shifted(model: HistFactoryModel, **values: float) -> list[float]:
    return [
        values.get(name, start)
        for name, start in zip(model.parameter_names(), model.suggested_init(), strict=True)
    ]


# -- reading --------------------------------------------------------------------------------------


def test_it_fulfils_the_contract(full: HistFactoryModel) -> None:
    assert isinstance(full, ModelWithHessian)


def test_it_reads_text_bytes_mappings_and_paths(
    simple_document: dict[str, Any], tmp_path: Path
) -> None:
    text = json.dumps(simple_document)
    plain, packed = tmp_path / "w.json", tmp_path / "w.json.gz"
    plain.write_text(text)
    packed.write_bytes(gzip.compress(text.encode()))
    sources = [text, "\n " + text, text.encode(), simple_document, plain, str(plain), packed]
    for source in sources:
        model = HistFactoryModel.from_pyhf(source)
        assert model.nll(model.suggested_init()) == pytest.approx(SIMPLE_NLL, abs=1e-12)


@pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")
def test_it_reads_a_workspace_of_pyhf(simple_document: dict[str, Any]) -> None:
    pyhf = pytest.importorskip("pyhf", reason="needs a pyhf.Workspace")
    model = HistFactoryModel.from_workspace(pyhf.Workspace(simple_document))
    assert model.n_params() == 3


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "workspace.json").write_text("{}")
    with pytest.raises(InputError, match=r"no file .*workspaces.json'\s+Hint.*'workspace.json'"):
        HistFactoryModel.from_pyhf(str(tmp_path / "workspaces.json"))


@pytest.mark.parametrize("source", ["", "{", "[1]", b"\xff"])
def test_text_that_is_no_workspace_is_refused(source: str | bytes) -> None:
    with pytest.raises(FormatError):
        HistFactoryModel.from_pyhf(source)


def test_other_objects_are_refused() -> None:
    with pytest.raises(InputError, match="cannot be read from a int"):
        HistFactoryModel.from_pyhf(3)


def test_all_problems_are_listed_at_once(simple_document: dict[str, Any]) -> None:
    simple_document["channels"][0]["samples"][1]["modifiers"][0]["data"] = [1.0]
    simple_document["channels"][0]["samples"][0]["modifiers"][0]["type"] = "weird"
    with pytest.raises(ModelError) as caught:
        HistFactoryModel.from_pyhf(simple_document)
    assert "uncorr_bkguncrt" in str(caught.value)
    assert "weird" in str(caught.value)


# -- parameters -----------------------------------------------------------------------------------


def test_parameters_come_poi_first_then_by_appearance(full: HistFactoryModel) -> None:
    assert full.parameter_names() == FULL_NAMES
    assert full.poi_index() == 0
    assert full.n_params() == full.dim() == 14
    assert full.measurement == "meas"


def test_a_model_without_a_poi_has_no_poi_index(simple_document: dict[str, Any]) -> None:
    assert HistFactoryModel.from_pyhf(simple_document, poi=None).poi_index() is None


def test_bounds_have_aliases_and_collapse_where_fixed(full_document: dict[str, Any]) -> None:
    settings = full_document["measurements"][0]["config"]["parameters"]
    settings.append({"name": "k_bkg", "fixed": True, "inits": [1.25]})
    model = HistFactoryModel.from_pyhf(full_document)
    bounds = dict(zip(model.parameter_names(), model.suggested_bounds(), strict=True))
    assert bounds["k_bkg"] == (1.25, 1.25)
    assert bounds["lumi"] == (0.915, 1.085)
    assert bounds["bkg_ss[0]"] == (1e-10, 10.0)
    assert model.parameter_bounds_lo() == [lower for lower, _ in model.suggested_bounds()]
    assert model.parameter_bounds_hi() == [upper for _, upper in model.suggested_bounds()]
    assert model.parameter_init() == model.suggested_init()


# -- likelihood -----------------------------------------------------------------------------------


def test_the_nll_has_all_constants(simple: HistFactoryModel, full: HistFactoryModel) -> None:
    assert simple.nll(simple.suggested_init()) == pytest.approx(SIMPLE_NLL, abs=1e-11)
    assert full.nll(full.suggested_init()) == pytest.approx(FULL_NLL, abs=1e-11)
    point = shifted(full, sig_norm=0.5, bkg_norm=-0.7, bkg_shape=1.3)
    assert full.nll(point) == pytest.approx(FULL_SHIFTED_NLL, abs=1e-11)


@pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")
@pytest.mark.parametrize("seed", range(3))
def test_order_expectation_and_nll_are_those_of_pyhf(seed: int) -> None:
    pyhf = pytest.importorskip("pyhf", reason="the reference")
    document = generate_workspace(
        seed, n_normsys=2, n_histosys=2, staterror=True, shapesys=True, lumi=True
    )
    workspace = pyhf.Workspace(document)
    reference = workspace.model()
    model = HistFactoryModel.from_pyhf(document)
    point = np.random.default_rng(seed).uniform(0.8, 1.2, model.dim())
    theirs = point[model.pyhf_order()]
    names = np.array(model.parameter_names())
    assert names[model.pyhf_order()].tolist() == reference.config.par_names
    assert model.auxdata == pytest.approx(reference.config.auxdata, rel=1e-14)
    expected = reference.expected_data(theirs)
    assert model.expected_data(point) == pytest.approx(expected, rel=1e-12)
    data = workspace.data(reference)
    assert model.nll(point) == pytest.approx(-reference.logpdf(theirs, data)[0], rel=1e-10)


def test_derivatives_match_central_differences(full: HistFactoryModel) -> None:
    point = np.array(shifted(full, mu=1.3, sig_norm=0.4, bkg_shape=-0.6, k_bkg=1.05))
    step = 1e-5
    shifts = step * np.eye(len(point))
    slopes = [(full.nll(point + s) - full.nll(point - s)) / (2 * step) for s in shifts]
    rows = [
        (np.array(full.grad_nll(point + s)) - np.array(full.grad_nll(point - s))) / (2 * step)
        for s in shifts
    ]
    assert full.grad_nll(point) == pytest.approx(slopes, rel=1e-6, abs=1e-6)
    assert np.allclose(full.hessian(point), rows, rtol=1e-6, atol=1e-4)


def test_the_fisher_information_is_the_hessian_at_the_asimov_data(full: HistFactoryModel) -> None:
    # At the nominal point expected auxiliary data equal those of the model.
    start = full.suggested_init()
    asimov = full.with_observed_main(full.expected_data(start, include_auxdata=False))
    assert np.allclose(asimov.hessian(start), full.fisher_information(start), rtol=1e-10)


def test_batches_have_the_values_of_single_calls(full: HistFactoryModel) -> None:
    points = np.array(full.suggested_init()) + 0.01 * np.arange(5)[:, None]
    data = full.observed_main + np.arange(5)[:, None]
    ones = [full.with_observed_main(d).nll(p) for p, d in zip(points, data, strict=True)]
    assert full.nll_batch(points, data) == pytest.approx(ones, rel=1e-13)
    assert full.nll_batch(points) == pytest.approx([full.nll(p) for p in points], rel=1e-13)
    slopes = [full.with_observed_main(data[1]).grad_nll(p) for p in points]
    assert np.allclose(full.grad_nll_batch(points, data[1]), slopes, rtol=1e-11, atol=1e-11)
    both = full.nll_and_grad_batch(points, data[1])
    assert both[0] == pytest.approx(full.nll_batch(points, data[1]), rel=1e-13)
    assert np.allclose(both[1], slopes, rtol=1e-11, atol=1e-11)


def test_a_batch_of_data_must_fit_the_parameters(full: HistFactoryModel) -> None:
    points = np.tile(full.suggested_init(), (3, 1))
    with pytest.raises(InputError, match="2 data sets for 3 parameter vectors"):
        full.nll_batch(points, np.tile(full.observed_main, (2, 1)))


def test_any_parameter_that_is_nan_gives_nan(full: HistFactoryModel) -> None:
    for name in full.parameter_names():
        assert isnan(full.nll(shifted(full, **{name: nan}))), name


def test_a_wrong_number_of_parameters_is_refused(simple: HistFactoryModel) -> None:
    for method in (simple.nll, simple.grad_nll, simple.hessian, simple.expected_data):
        with pytest.raises(InputError, match="Parameter length mismatch: expected 3, got 1"):
            method([1.0])


def test_buffers_of_all_kinds_are_parameters(simple: HistFactoryModel) -> None:
    from array import array

    for params in ([1, 1, 1], (1.0, 1.0, 1.0), array("d", [1, 1, 1]), np.ones(3, np.float32)):
        assert simple.nll(params) == pytest.approx(SIMPLE_NLL, abs=1e-11)


# -- data -----------------------------------------------------------------------------------------


def test_expected_data_are_main_then_auxiliary_in_pyhf_order(full: HistFactoryModel) -> None:
    start = full.suggested_init()
    expected = [500, 400, 55, 70, 43, 0, 1, 0, 0, 100, 100, 100, 1, 1, 1, 1, 1]
    assert full.expected_data(start) == pytest.approx(expected, abs=1e-12)
    assert full.expected_data(start, include_auxdata=False) == pytest.approx(expected[:5])


def test_data_are_listed_by_channel_and_sample(full: HistFactoryModel) -> None:
    assert full.observed_main_by_channel() == [
        {"channel_name": "CR", "y": [510.0, 395.0]},
        {"channel_name": "SR", "y": [58.0, 75.0, 41.0]},
    ]
    listed = full.expected_main_by_channel_sample(shifted(full, mu=2.0))
    assert [entry["channel_name"] for entry in listed] == ["CR", "SR"]
    by_sample = {entry["sample_name"]: entry["y"] for entry in listed[1]["samples"]}
    assert by_sample["signal"] == pytest.approx([10.0, 20.0, 6.0])
    assert by_sample["bkg"] == pytest.approx([50.0, 60.0, 40.0])
    assert listed[1]["total"] == pytest.approx([60.0, 80.0, 46.0])


def test_other_data_give_another_model_that_shares_the_plan(simple: HistFactoryModel) -> None:
    other = simple.with_observed_main([60, 40.5])
    assert other.compiled is simple.compiled
    assert other.observed_main.tolist() == [60.0, 40.5]
    assert simple.observed_main.tolist() == [51.0, 48.0]
    assert other.ir.channels[0].observed == (60.0, 40.5)


def test_auxiliary_data_among_the_main_data_are_recognised(simple: HistFactoryModel) -> None:
    with pytest.raises(InputError, match=r"mismatch: expected 2, got 4\s+Hint: pass main bins"):
        simple.with_observed_main([51.0, 48.0, 277.0, 55.0])


@pytest.mark.parametrize("count", [-1.0, nan, float("inf")])
def test_counts_that_are_none_are_refused(simple: HistFactoryModel, count: float) -> None:
    with pytest.raises(InputError, match="channel 'singlechannel', bin 1: observed count is"):
        simple.with_observed_main([1.0, count])


def test_events_without_any_prediction_are_refused(simple_document: dict[str, Any]) -> None:
    for sample in simple_document["channels"][0]["samples"]:
        sample["data"][0] = 0.0
    simple_document["observations"][0]["data"][0] = 0.0
    model = HistFactoryModel.from_pyhf(simple_document)
    assert np.isfinite(model.nll(model.suggested_init()))
    for refuse in (model.with_observed_main, lambda d: model.nll_batch([[1, 1, 1]], d)):
        with pytest.raises(InputError, match=r"bin 0: observed count is 1; .* zero"):
            refuse([1.0, 48.0])


def test_observed_data_are_read_only(simple: HistFactoryModel) -> None:
    with pytest.raises(ValueError, match="read-only"):
        simple.observed_main[0] = 1.0


# -- nominal yields -------------------------------------------------------------------------------


@pytest.mark.parametrize(("channel", "sample"), [("SR", "bkg"), ("SR", "signal"), ("CR", "bkg")])
def test_a_new_nominal_is_the_workspace_written_again(
    full_document: dict[str, Any], channel: str, sample: str
) -> None:
    model = HistFactoryModel.from_pyhf(full_document)
    owner = next(entry for entry in full_document["channels"] if entry["name"] == channel)
    entry = next(entry for entry in owner["samples"] if entry["name"] == sample)
    entry["data"] = [1.1 * value + 1.0 for value in entry["data"]]
    model.set_sample_nominal(channel=channel, sample=sample, nominal=entry["data"])
    again = HistFactoryModel.from_pyhf(full_document)
    point = shifted(again, mu=1.2, bkg_shape=1.4, **{"bkg_ss[1]": 1.1, "staterror_SR[0]": 0.97})
    assert model.ir == again.ir
    assert model.nll(point) == again.nll(point)
    assert model.expected_data(point) == again.expected_data(point)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channel": "SX"}, "no channel named 'SX'"),
        ({"sample": "sig"}, "no sample of channel 'SR' named 'sig'"),
        ({"nominal": [1.0, 2.0]}, "expected 3, found 2"),
        ({"nominal": [1.0, 2.0, nan]}, "finite"),
        ({"nominal": ["a", 2.0, 3.0]}, "numbers"),
    ],
)
def test_an_unusable_nominal_changes_nothing(
    full: HistFactoryModel, changes: dict[str, Any], message: str
) -> None:
    before = full.ir
    arguments = {"channel": "SR", "sample": "signal", "nominal": [1.0, 2.0, 3.0], **changes}
    with pytest.raises(InputError, match=message):
        full.set_sample_nominal(**arguments)
    assert full.ir is before


def _documents() -> dict[str, dict[str, Any]]:
    common = {"n_normsys": 1, "n_histosys": 2, "n_coupled": 1, "lumi": True}
    return {
        "everything": generate_workspace(3, staterror=True, shapesys=True, **common),
        "shared staterror": generate_workspace(4, shared_staterror=True, **common),
        "zero bins": generate_workspace(
            5, staterror=True, shapesys=True, n_zero_bins=1, n_negative_bins=1, **common
        ),
        "one sample": generate_workspace(6, n_samples=1, shapesys=True, staterror=True),
    }


@pytest.mark.parametrize("name", _documents())
def test_the_gradient_in_nominal_yields_is_that_of_the_workspace_written_again(name: str) -> None:
    document = _documents()[name]
    rng = np.random.default_rng(7)
    for channel in document["channels"]:
        for sample in channel["samples"]:
            model = HistFactoryModel.from_pyhf(document)
            point = np.array(model.suggested_init()) + rng.uniform(-0.2, 0.2, model.dim())
            where = {"channel": channel["name"], "sample": sample["name"]}
            exact = model.nominal_gradient(point, **where)
            nominal = np.array(sample["data"])
            for b, value in enumerate(nominal):
                if value <= 0.0:
                    continue  # here constraints appear and disappear: there is no derivative
                step = 1e-4 * value
                around = []
                for sign in (1.0, -1.0):
                    moved = nominal.copy()
                    moved[b] += sign * step
                    model.set_sample_nominal(**where, nominal=moved)
                    around.append(model.nll(point))
                slope = (around[0] - around[1]) / (2.0 * step)
                assert exact[b] == pytest.approx(slope, rel=1e-6, abs=1e-8), (where, b)


def test_constraints_that_the_measurement_gives_do_not_follow_the_nominal(
    full_document: dict[str, Any],
) -> None:
    full_document["measurements"][0]["config"]["parameters"] += [
        {"name": "bkg_ss", "auxdata": [100.0, 90.0, 110.0]},
        {"name": "staterror_CR", "sigmas": [0.02, 0.03]},
    ]
    model = HistFactoryModel.from_pyhf(full_document)
    point = shifted(model, **{"bkg_ss[0]": 1.2, "staterror_CR[0]": 1.01, "bkg_shape": 0.3})
    for channel, nominal in (("SR", [50.0, 60.0, 40.0]), ("CR", [500.0, 400.0])):
        where = {"channel": channel, "sample": "bkg"}
        exact = model.nominal_gradient(point, **where)
        around = []
        for sign in (1.0, -1.0):
            moved = [nominal[0] * (1.0 + sign * 1e-4), *nominal[1:]]
            model.set_sample_nominal(**where, nominal=moved)
            around.append(model.nll(point))
        model.set_sample_nominal(**where, nominal=nominal)
        assert exact[0] == pytest.approx((around[0] - around[1]) / (2e-4 * nominal[0]), rel=1e-6)


def test_batches_of_nominal_gradients_have_a_row_per_point(full: HistFactoryModel) -> None:
    points = np.array(full.suggested_init()) + 0.01 * np.arange(4)[:, None]
    where = {"channel": "SR", "sample": "bkg"}
    rows = [full.nominal_gradient(point, **where) for point in points]
    assert np.allclose(full.nominal_gradient(points, **where), rows, rtol=1e-12)
    with pytest.raises(InputError, match="no sample of channel 'SR' named 'b'"):
        full.nominal_gradient(points, channel="SR", sample="b")


# -- processes and threads ------------------------------------------------------------------------


def test_models_pickle(full: HistFactoryModel) -> None:
    other = full.with_observed_main([500.0, 400.0, 60.0, 70.0, 40.0])
    again = pickle.loads(pickle.dumps(other))
    point = shifted(full, mu=1.4, bkg_shape=0.3)
    assert again.nll(point) == other.nll(point)
    assert again.ir == other.ir


def test_eight_threads_get_the_same_bits(full: HistFactoryModel) -> None:
    points = np.array(full.suggested_init()) + np.random.default_rng(1).normal(0, 0.05, (64, 14))

    def work(point: np.ndarray) -> tuple[float, list[float], bytes]:
        return full.nll(point), full.grad_nll(point), full.hessian(point).tobytes()

    alone = [work(point) for point in points]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, points)) == alone


def test_readers_see_whole_versions_while_nominals_change(full: HistFactoryModel) -> None:
    start = full.suggested_init()
    values = {1.0: full.nll(start)}
    full.set_sample_nominal(channel="SR", sample="signal", nominal=[10.0, 20.0, 6.0])
    values[2.0] = full.nll(start)

    def change(scale: float) -> None:
        nominal = [scale * y for y in (5.0, 10.0, 3.0)]
        full.set_sample_nominal(channel="SR", sample="signal", nominal=nominal)

    with ThreadPoolExecutor(8) as pool:
        changes = [pool.submit(change, 1.0 + i % 2) for i in range(40)]
        seen = [pool.submit(full.nll, start) for _ in range(200)]
        assert {task.result() for task in seen} <= set(values.values())
        assert [task.result() for task in changes] == [None] * 40
