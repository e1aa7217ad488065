"""Published HS3 documents: read, or refused with the reason; twins give pyhf's likelihood."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nextstat_core.errors import FormatError, ModelError
from nextstat_core.ir import PoissonConstraint
from nextstat_core.models import HistFactoryModel

PYHS3 = "hs3-pyhs3-tests"
UNBINNED = {
    "hs3-flatppl/paper_gaussian": r"'gauss_x' \(gaussian_dist\)",
    "hs3-flatppl/paper_product": r"'prod' \(product_dist\)",
    "hs3-pyhs3-tests/combine_long_exercise_part1_nosys": r"'model_s' \(product_dist\)",
    "hs3-pyhs3-tests/rf501_simultaneouspdf": r"'model_ctl' \(mixture_dist\)",
    "hs3-xroofit-unbinned/10ch_bkgRooExp_sigGauss_shapeFloat_npOn_constrPoisson_yield1x": (
        r"'model_ch0' \(mixture_dist\)"
    ),
    "hs3-xroofit-unbinned/1ch_bkgRooExp_sigGauss_shapeFloat_npOn_constrGauss_yield20x": (
        r"'model_ch0' \(mixture_dist\)"
    ),
}
OTHER = {
    "hs3-flatppl/multichan_old": "neither a workspace nor HS3",
    "hs3-pyhs3-tests/nondefault_points_domains": "an HS3 document without distributions",
}
READ = {
    "hs3-flatppl/2bin_1channel": 3,  # pyhf's format
    "hs3-flatppl/paper_histfactory": 6,
    "hs3-nextstat-inline/00_test_domain_axis_missing_max_defaults": 1,
    "hs3-pyhs3-tests/simplemodel_correlated-background_hifa": 2,
    "hs3-pyhs3-tests/simplemodel_correlated-background_hs3": 3,
    "hs3-pyhs3-tests/simplemodel_uncorrelated-background_hifa": 3,
    "hs3-pyhs3-tests/simplemodel_uncorrelated-background_hs3": 4,
    "hs3-root-sources/rf515_hfJSON_old_dialect": 6,
    "hs3-root-sources/testRooFitHS3_HistFactoryZeroYieldBin": 3,
    "hs3-root-sources/testRooFitHS3_SnapshotKeepsGlobalObservables": 3,
}


@pytest.fixture
def load(published: Path) -> Callable[..., HistFactoryModel]:
    def load(name: str, **options: str) -> HistFactoryModel:
        return HistFactoryModel.from_workspace(published / f"{name}.json", **options)

    return load


def test_every_document_has_an_outcome(published: Path) -> None:
    found = {f"{path.parent.name}/{path.stem}" for path in published.glob("hs3-*/*.json")}
    assert found == READ.keys() | UNBINNED.keys() | OTHER.keys()


@pytest.mark.parametrize("name", READ)
def test_binned_documents_are_read(load: Callable[..., HistFactoryModel], name: str) -> None:
    model = load(name)
    assert model.n_params() == READ[name]
    assert np.isfinite(model.nll(model.suggested_init()))


@pytest.mark.parametrize("name", UNBINNED)
def test_unbinned_documents_are_refused_by_name(
    load: Callable[..., HistFactoryModel], name: str
) -> None:
    with pytest.raises(ModelError, match=UNBINNED[name]):
        load(name)


@pytest.mark.parametrize("name", OTHER)
def test_what_is_no_model_says_what_it_is(load: Callable[..., HistFactoryModel], name: str) -> None:
    with pytest.raises((FormatError, ModelError), match=OTHER[name]):
        load(name)


@pytest.mark.parametrize(
    ("stem", "names"),
    [
        ("correlated", {"alpha_correlated_bkg_uncertainty": "correlated_bkg_uncertainty"}),
        (
            "uncorrelated",
            {"uncorr_bkguncrt_0": "uncorr_bkguncrt[0]", "uncorr_bkguncrt_1": "uncorr_bkguncrt[1]"},
        ),
    ],
)
def test_twins_give_the_likelihood_of_pyhf(
    published: Path, load: Callable[..., HistFactoryModel], stem: str, names: dict[str, str]
) -> None:
    """Values of pyhf 0.7.6 from the golden file, and our reader of pyhf's format elsewhere.

    The twins share their models; the observations of the golden file are those of the second
    analysis.
    """
    golden = json.loads((published / "golden.json").read_text())
    case = next(
        entry
        for entry in golden["workspaces"]
        if entry["id"] == f"small/{PYHS3}/simplemodel_{stem}-background_hifa"
    )
    ours = load(f"{PYHS3}/simplemodel_{stem}-background_hs3", measurement="simPdf_obsData")
    twin = load(f"{PYHS3}/simplemodel_{stem}-background_hifa")
    theirs = [names.get(name, name) for name in ours.parameter_names()]

    def vector(values: dict[str, float]) -> list[float]:
        return [values.get(name, 1.0) for name in theirs]  # Lumi is constant, at 1

    expected = case["default"]
    for point, value in (
        (case["init"], expected["logpdf_init"]),
        (expected["probe_pars"], expected["logpdf_probe"]),
    ):
        values = dict(zip(case["par_names"], point, strict=True))
        assert -ours.nll(vector(values)) == pytest.approx(value, rel=1e-10)
    generator = np.random.default_rng(5)
    for _ in range(10):
        start = np.asarray(twin.suggested_init()) + generator.normal(0.0, 0.2, twin.n_params())
        values = dict(zip(twin.parameter_names(), start, strict=True))
        assert ours.nll(vector(values)) == pytest.approx(twin.nll(start), rel=1e-10)


@pytest.mark.parametrize("stem", ["correlated", "uncorrelated"])
def test_pyhs3_agrees(published: Path, load: Callable[..., HistFactoryModel], stem: str) -> None:
    pyhs3 = pytest.importorskip("pyhs3", reason="a second opinion: python -m pip install pyhs3")
    pytensor = pytest.importorskip("pytensor")
    from pytensor.graph.traversal import explicit_graph_inputs

    name = f"{PYHS3}/simplemodel_{stem}-background_hs3"
    theirs = pyhs3.Workspace.load(published / f"{name}.json")
    graph = theirs.model(theirs.analyses["simPdf_obsData"], progress=False).log_prob
    inputs = list(explicit_graph_inputs([graph]))
    evaluate = pytensor.function(inputs, graph, on_unused_input="ignore", mode="FAST_COMPILE")
    ours = load(name, measurement="simPdf_obsData")
    generator = np.random.default_rng(7)
    for _ in range(3):
        point = np.asarray(ours.suggested_init()) + generator.normal(0.0, 0.1, ours.n_params())
        values = dict(zip(ours.parameter_names(), point, strict=True))
        arguments = [np.asarray(values[entry.name]) for entry in inputs]
        assert -ours.nll(point) == pytest.approx(float(evaluate(*arguments)), rel=1e-10)


def test_the_old_tutorial_of_root_has_its_threshold_and_poisson_terms(
    load: Callable[..., HistFactoryModel],
) -> None:
    """Errors 5 of 100 and 10 of 100, threshold 0.01: two free bins of 400 and 100 events."""
    model = load("hs3-root-sources/rf515_hfJSON_old_dialect")
    found = {entry.name: entry for entry in model.ir.parameters}
    for index, tau in enumerate((400.0, 100.0)):
        gamma = found[f"gamma_stat_channel1_bin_{index}"]
        assert not gamma.fixed
        assert gamma.constraint == PoissonConstraint(pytest.approx(tau), pytest.approx(tau))
