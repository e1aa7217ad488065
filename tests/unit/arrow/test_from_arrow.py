"""Models from tables: the same as the workspace that says the same."""

import numpy as np
import pyarrow as pa
import pytest

import nextstat
from nextstat.arrow import read_arrow
from nextstat_core.errors import InputError, ModelError
from nextstat_core.io import read_pyhf

LUMI = {"name": "lumi", "inits": [1.0], "bounds": [[0.5, 1.5]], "auxdata": [1.0], "sigmas": [0.02]}


def test_a_table_is_the_workspace_that_says_the_same(table, observations, workspace):
    model, expected = read_arrow(table, observations=observations), read_pyhf(workspace)
    assert model.channels == expected.channels
    assert model.parameters == expected.parameters
    assert (model.poi, model.warnings) == ("mu", ())


def test_the_likelihood_is_the_closed_form():
    table = pa.table(
        {"channel": ["SR"] * 2, "sample": ["signal", "b"], "yields": [[5.0, 10.0], [50.0, 60.0]]}
    )
    model = nextstat.from_arrow(table, observations={"SR": [57.0, 71.0]})
    result = nextstat.fit(model)
    # Both bins have a maximum at n = mu s + b, and weights s^2 / n only near it: solve exactly.
    mu = result.bestfit[0]
    score = 5.0 * (57.0 / (5.0 * mu + 50.0) - 1.0) + 10.0 * (71.0 / (10.0 * mu + 60.0) - 1.0)
    assert score == pytest.approx(0.0, abs=1e-6)


def test_channels_keep_the_order_of_their_first_rows_also_if_they_are_mixed(table, observations):
    mixed = table.take([2, 0, 1])
    model = read_arrow(mixed, observations=observations)
    assert [channel.name for channel in model.channels] == ["CR", "SR"]
    assert [sample.name for sample in model.channels[1].samples] == ["signal", "background"]
    rows = table.take([0, 2, 1])
    assert [each.name for each in read_arrow(rows, observations=observations).channels] == [
        "SR",
        "CR",
    ]


def test_data_that_are_not_given_are_the_sums_of_the_nominal_yields(table):
    model = read_arrow(table, observations={"CR": [490.0, 620.0]})
    observed = {channel.name: channel.observed for channel in model.channels}
    assert observed == {"SR": (105.0, 210.0, 165.0), "CR": (490.0, 620.0)}
    (warning,) = map(str, model.warnings)
    assert "1 of 2 channels ('SR') have none" in warning
    assert "Asimov" in warning


def test_observations_may_be_a_table(table, observations):
    observed = pa.table(
        {"channel": list(observations), "observed": list(map(list, observations.values()))}
    )
    given = read_arrow(table, observations=observations)
    assert read_arrow(table, observations=observed) == given
    twice = pa.concat_tables([observed, observed])
    with pytest.raises(ModelError, match="'SR': has several rows of observations"):
        read_arrow(table, observations=twice)


@pytest.mark.parametrize(
    ("observations", "error", "message"),
    [
        ({"sr": [1.0]}, ModelError, "channel 'sr': has observations, but no histogram"),
        ({"SR": [1.0]}, ModelError, "wrong number of bins: 3 expected, 1 found"),
        ({"SR": [1.0, -2.0, 1.0]}, ModelError, "bin 1: observed count is -2; expected 0 or more"),
        ({"SR": [1.0, np.nan, 1.0]}, ModelError, "bin 1: observed count is nan"),
        ({"SR": "123"}, InputError, "`observations of channel 'SR'` cannot be read as numbers"),
        ({"SR": ["1", "2", "3"]}, InputError, "convert text with"),
        ({"SR": [[1.0]]}, InputError, "`observations of channel 'SR'` have 2 axes"),
        ([1.0], InputError, "table of observations"),
    ],
    ids=["no such channel", "length", "negative", "nan", "text", "texts", "nested", "list"],
)
def test_observations_that_do_not_fit_are_refused(observations, error, message, table):
    with pytest.raises(error, match=message):
        read_arrow(table, observations=observations)


def test_a_table_without_the_signal_lists_its_samples(table):
    renamed = table.set_column(1, "sample", pa.array(["Signal", "background", "background"]))
    with pytest.raises(InputError) as caught:
        read_arrow(renamed)
    text = str(caught.value)
    assert "no sample named 'signal'; there are: 'Signal', 'background'" in text
    assert "did you mean 'Signal'?" in text
    assert "signal='NAME'" in text
    assert "poi=None" in text


def test_the_signal_may_be_another_sample_or_several(table, observations):
    def scaled(model):
        return {
            (channel.name, sample.name)
            for channel in model.channels
            for sample in channel.samples
            if any(modifier.name == "r" for modifier in sample.modifiers)
        }

    one = read_arrow(table, poi="r", signal="background", observations=observations)
    assert scaled(one) == {("SR", "background"), ("CR", "background")}
    two = read_arrow(table, poi="r", signal=["signal", "background"], observations=observations)
    assert scaled(two) == {("SR", "signal"), ("SR", "background"), ("CR", "background")}
    assert two.poi == "r"
    with pytest.raises(InputError, match="`signal` names no sample"):
        read_arrow(table, signal=[])


def test_without_a_parameter_of_interest_nothing_is_scaled(table, observations):
    model = read_arrow(table.slice(1), poi=None, observations=observations)
    assert model.poi is None
    assert {parameter.group for parameter in model.parameters} == {"staterror_SR", "staterror_CR"}


def test_settings_of_parameters_are_those_of_a_workspace(table, observations, workspace):
    settings = [{"name": "mu", "inits": [0.5], "bounds": [[-1.0, 3.0]]}]
    workspace["measurements"][0]["config"]["parameters"] = settings
    model = read_arrow(table, observations=observations, parameters=settings)
    assert model.parameters == read_pyhf(workspace).parameters


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ("mu", InputError, "expected a list of settings"),
        ([{"inits": [1.0]}], InputError, "name"),
        ([{"name": "mu", "init": [1.0]}], InputError, "init"),
        ([{"name": "mu", "inits": ["1"]}], InputError, "inits"),
        ([{"name": "mu"}, {"name": "mu"}], ModelError, "configured twice"),
        ([{"name": "mu", "inits": [11.0]}], ModelError, "outside its bounds"),
    ],
    ids=["text", "no name", "unknown key", "type", "twice", "value"],
)
def test_settings_that_cannot_be_used_are_refused(settings, error, message, table):
    with pytest.raises(error, match=message):
        read_arrow(table, parameters=settings)


def test_columns_without_a_meaning_are_reported(table, observations):
    table = table.append_column("weight", pa.array([1.0, 2.0, 3.0]))
    (warning,) = read_arrow(table, observations=observations).warnings
    assert "ignored: 'weight'" in str(warning)


def test_the_facade_logs_what_is_odd(table, caplog):
    model = nextstat.from_arrow(table.slice(0, 2))
    assert model.warnings
    nextstat.from_arrow(table, observations={"CR": [1.0, 2.0]})
    assert "Asimov" in caplog.text


def test_the_facade_follows_the_settings_of_the_process(table):
    assert isinstance(nextstat.from_arrow(table), nextstat.HistFactoryModel)
    assert nextstat.from_arrow(table, backend="numpy").backend.name == "numpy"
