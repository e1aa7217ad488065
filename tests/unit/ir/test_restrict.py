"""Models of some channels: what stays, and what goes."""

from dataclasses import replace

import pytest

from nextstat_core.errors import InputError
from nextstat_core.io import read_pyhf
from nextstat_core.ir import ParameterSettings, with_channels, with_nominal
from nextstat_core.testing import generate_workspace


def without(workspace, name):
    """The document as its author would have written it without a channel."""
    return {
        **workspace,
        "channels": [each for each in workspace["channels"] if each["name"] != name],
        "observations": [each for each in workspace["observations"] if each["name"] != name],
    }


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_equals_the_document_without_the_other_channels(seed):
    workspace = generate_workspace(
        seed, n_channels=3, n_normsys=3, n_histosys=2, correlated=False, staterror=True,
        shapesys=True, lumi=True, n_normfactors=2,
    )  # fmt: skip
    full = read_pyhf(workspace)
    for left_out in [channel.name for channel in full.channels]:
        kept = {channel.name for channel in full.channels} - {left_out}
        expected = read_pyhf(without(workspace, left_out))
        restricted = with_channels(full, kept)
        assert restricted.channels == expected.channels
        assert restricted.parameters == expected.parameters
        assert restricted.poi == expected.poi


def test_bin_wise_parameters_keep_their_names(model):
    restricted = with_channels(model, ["SR"])
    names = [entry.name for entry in restricted.parameters]
    assert names == ["mu", "jes", "stat[1]", "stat[2]", "dd[0]", "dd[1]"]
    by_name = {entry.name: entry for entry in model.parameters}
    assert all(entry == by_name[entry.name] for entry in restricted.parameters)


def test_settings_are_cut_to_what_stays(model):
    settings = ParameterSettings("stat", inits=(0.9, 1.1, 1.0), bounds=((0.1, 5.0),) * 3)
    restricted = with_channels(replace(model, settings=(settings,)), ["SR"])
    assert restricted.settings == (replace(settings, inits=(1.1, 1.0), bounds=((0.1, 5.0),) * 2),)
    # The parameters can be derived again from what is left.
    changed = with_nominal(restricted, "SR", "signal", [1.0, 2.0])
    assert [entry.name for entry in changed.parameters] == [
        entry.name for entry in restricted.parameters
    ]


def test_a_model_without_its_parameter_of_interest_says_so(model):
    restricted = with_channels(model, ["CR"])
    assert restricted.poi is None
    assert [entry.name for entry in restricted.parameters] == ["stat[0]"]
    assert "parameter of interest 'mu'" in str(restricted.warnings[-1])


def test_unknown_channels_are_refused(model):
    with pytest.raises(InputError, match=r"no channel named 'SRR'; there are: 'SR', 'CR'"):
        with_channels(model, ["SRR"])
    with pytest.raises(InputError, match="at least one"):
        with_channels(model, [])
