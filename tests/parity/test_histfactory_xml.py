"""HistFactory XML against pyhf's import of the same files, and against ROOT's fit."""

from __future__ import annotations

import json
import re

import pyhf
import pyhf.readxml
import pytest

from nextstat_core.errors import ModelError
from nextstat_core.infer import fit
from nextstat_core.models import HistFactoryModel
from nextstat_root import read_histfactory
from nextstat_root.names import parameter_called
from parity_matrix.golden import NO_WORKSPACES, golden_cases, in_our_order, workspaces_folder

pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")

XML = [case for case in golden_cases() if case.entry["format"] == "xml"]
#: Not comparable: without an uncertainty of the luminosity pyhf's likelihood is NaN.
NAN = {"xml/nextstat-small"}
#: Files that are refused, or that pyhf cannot read, and what our message says.
REFUSED = {
    "patho/xml-noChannelData": "'channel1': names no data histogram",
    "patho/xml-noChannelDataPaths": "'channel1': names no data histogram",
    "patho/xml-missingPOI": r"no file '\./data/example\.root'",
    "patho/xml-absolutePaths": "no file '/absolute/path/to/config/example_channel.xml'",
    "patho/xml-lhcb-demo-3d-histograms": "no file './results/my_measurement/my_measurement_Dst",
}
needs_workspaces = pytest.mark.skipif(not XML, reason=NO_WORKSPACES)


def cases(*, comparable: bool):
    chosen = [c for c in XML if (c.loads and c.id not in NAN) == comparable]
    return pytest.mark.parametrize("case", chosen, ids=[case.id for case in chosen])


@needs_workspaces
@cases(comparable=True)
def test_pyhfs_conventions_give_pyhfs_likelihood(case) -> None:
    path = case.folder / case.entry["file"]
    read = read_histfactory(path, conventions="pyhf", **case.arguments())
    model = HistFactoryModel(read)
    values = case.values
    points = [
        (case.entry["init"], values["logpdf_init"]),
        (values["probe_pars"], values["logpdf_probe"]),
    ]
    for point, logpdf in points:
        assert model.nll(in_our_order(model, point)) == pytest.approx(-logpdf, abs=1e-10)
    assert in_our_order(model, case.entry["init"]) == model.suggested_init()
    bounds = dict(zip(case.entry["par_names"], case.entry["bounds"], strict=True))
    for entry in read.parameters:
        assert [entry.lower, entry.upper] == bounds[entry.name]
    fixed = dict(zip(case.entry["par_names"], case.entry["fixed"], strict=True))
    assert {entry.name: entry.fixed for entry in read.parameters} == fixed


@needs_workspaces
@pytest.mark.parametrize("case", [c for c in XML if "xmlimport_input" in c.id or "tttt" in c.id])
def test_pyhf_reads_the_same_from_the_same_files(case) -> None:
    path = case.folder / case.entry["file"]
    folder = next(
        each for each in path.parents if all((each / i.text).is_file() for i in _inputs(path))
    )
    pyhf.readxml.clear_filecache()
    workspace = pyhf.Workspace(pyhf.readxml.parse(path, folder))
    theirs = workspace.model(measurement_name=case.entry["measurement"])
    data = workspace.data(theirs)
    ours = HistFactoryModel(read_histfactory(path, conventions="pyhf", **case.arguments()))
    point = case.values["probe_pars"]
    logpdf = float(theirs.logpdf(point, data)[0])
    assert ours.nll(in_our_order(ours, point)) == pytest.approx(-logpdf, abs=1e-10)


def _inputs(path):
    from defusedxml.ElementTree import parse

    return parse(path).getroot().findall("Input")


@needs_workspaces
@cases(comparable=False)
def test_other_files_are_read_or_refused_with_the_reason(case) -> None:
    path = case.folder / case.entry["file"]
    if case.id in REFUSED:
        with pytest.raises(ModelError, match=REFUSED[case.id]):
            read_histfactory(path)
    else:
        model = HistFactoryModel(read_histfactory(path))
        assert model.nll(model.suggested_init()) > 0.0


@needs_workspaces
def test_a_luminosity_without_uncertainty_is_constant() -> None:
    folder = workspaces_folder() / "xml-nextstat-small"
    model = HistFactoryModel(read_histfactory(folder / "combination.xml"))
    # The document that goes with these files says the same, as constraints of single bins.
    document = HistFactoryModel.from_workspace(folder / "workspace.json")
    shifts = {"mu": 1.3, "bkg_norm": -0.4, "staterror_SR[1]": 1.2, "lumi": 1.0}
    first, second = (
        each.nll(
            [
                shifts.get(name, start)
                for name, start in zip(each.parameter_names(), each.suggested_init(), strict=True)
            ]
        )
        for each in (model, document)
    )
    assert first == pytest.approx(second, abs=1e-10)


@needs_workspaces
def test_roots_fit_of_a_real_analysis_is_found_again() -> None:
    """ROOT 6.38 with Poisson statistical errors and its threshold; errors are of its Minuit."""
    folder = workspaces_folder() / "xml-tttt-prod"
    root = json.loads((folder / "root_fit.json").read_text(encoding="utf-8"))["parameters"]
    model = HistFactoryModel(read_histfactory(folder / "combination.xml"))
    result = fit(model)
    groups: dict[str, tuple[int, ...]] = {}
    for entry in model.ir.parameters:
        index = re.search(r"\[(\d+)\]$", entry.name)
        groups[entry.group] = (int(index[1]) + 1,) if index else ()
    ours = dict(
        zip(
            model.parameter_names(),
            zip(result.bestfit, result.uncertainties, strict=True),
            strict=True,
        )
    )
    # The same parameters float: what is below ROOT's threshold does not.
    floating = {entry.name for entry in model.ir.parameters if not entry.fixed}
    assert {parameter_called(entry["name"], groups) for entry in root} == floating
    for entry in root:
        value, uncertainty = ours[parameter_called(entry["name"], groups)]
        assert abs(value - entry["value"]) < 1e-4 * entry["uncertainty"], entry["name"]
        assert uncertainty == pytest.approx(entry["uncertainty"], rel=0.015), entry["name"]
    value, uncertainty = ours["mu_signal"]
    assert (value, uncertainty) == pytest.approx((2.02005, 0.5653), rel=2e-3)
    # And our likelihood is as low at ROOT's minimum as at ours.
    theirs = {parameter_called(entry["name"], groups): entry["value"] for entry in root}
    start = dict(zip(model.parameter_names(), model.suggested_init(), strict=True))
    assert model.nll([*(start | theirs).values()]) - result.nll < 1e-8
