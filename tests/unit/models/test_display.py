"""Models say what they are."""

from collections.abc import Callable
from typing import Any

from nextstat_core.models import FunnelModel, HistFactoryModel

NASTY = "<script>alert(1)</script>"


def test_a_line_of_text(full: HistFactoryModel) -> None:
    assert repr(full) == (
        "<HistFactoryModel: 2 channels, 5 bins, 14 parameters, parameter of interest 'mu', "
        "backend 'numpy'>"
    )
    assert repr(FunnelModel(3)) == "<FunnelModel: y, x[1], x[2]>"


def test_html_has_channels_and_folds_parameters(
    full: HistFactoryModel, read_html: Callable[[str], Any]
) -> None:
    page = read_html(full._repr_html_())
    assert page.paragraphs == [repr(full)[1:-1]]
    # Expected at the start values, in SR: signal 18 and background 150.
    assert page.rows[1:3] == [["CR", "2", "1", "905", "900"], ["SR", "3", "2", "174", "168"]]
    assert page.summaries == ["14 parameters"]
    parameters = {row[0]: row[1:] for row in page.rows[4:]}
    assert list(parameters) == full.parameter_names()
    assert parameters["mu"] == ["1", "0", "10", "free"]
    assert parameters["lumi"] == ["1", "0.915", "1.085", "Gaussian, 1 +/- 0.017"]
    assert parameters["bkg_ss[0]"][3] == "Poisson, 100 counts"


def test_html_says_what_is_fixed_or_odd(
    full_document: dict[str, Any], read_html: Callable[[str], Any]
) -> None:
    full_document["measurements"][0]["config"]["parameters"][0]["fixed"] = True
    full_document["observations"].append({"name": NASTY, "data": [1.0]})
    page = read_html(HistFactoryModel.from_pyhf(full_document)._repr_html_())
    assert ["lumi", "1", "", "", "fixed"] in page.rows
    assert NASTY in page.paragraphs[1]


def test_html_escapes_names(
    simple_document: dict[str, Any], read_html: Callable[[str], Any]
) -> None:
    simple_document["channels"][0]["name"] = NASTY
    simple_document["observations"][0]["name"] = NASTY
    simple_document["channels"][0]["samples"][1]["modifiers"][0]["name"] = NASTY
    page = read_html(HistFactoryModel.from_pyhf(simple_document)._repr_html_())
    assert page.rows[1][0] == NASTY
    assert f"{NASTY}[0]" in [row[0] for row in page.rows]
