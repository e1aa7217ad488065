"""Which numbers of results stand where in their tables."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from nextstat_core.errors import InputError
from nextstat_core.hooks import get_manager
from nextstat_core.infer import upper_limits
from nextstat_tables import (
    channel_table,
    covariance_table,
    limits_table,
    parameters_table,
    render,
    tables_of,
    yields_table,
)


def column(table, name):
    return next(each for each in table.columns if each.name == name)


def test_yields_are_summed_over_bins(postfit):
    table = yields_table(postfit)
    assert table.name == "Post-fit yields"
    samples = column(table, "sample").values
    for channel in postfit.channels:
        found = column(table, channel.channel)
        at = samples.index("ttbar")
        here = channel.samples.index("ttbar")
        assert found.values[at] == channel.sample_sums[here]
        assert found.uncertainties[0].plus[at] == channel.sample_sum_errors[here]
        assert found.values[-2:] == (channel.sum, channel.observed.sum())
        assert found.uncertainties[0].minus[-2:] == (channel.sum_error, None)


def test_samples_that_a_channel_lacks_are_empty(postfit):
    first = postfit.channels[0]
    short = replace(
        first,
        samples=first.samples[1:],
        values=first.values[1:],
        errors=first.errors[1:],
        sample_sums=first.sample_sums[1:],
        sample_sum_errors=first.sample_sum_errors[1:],
    )
    table = yields_table(replace(postfit, channels=(short, *postfit.channels[1:])))
    assert column(table, first.channel).values[0] is None


def test_bins_of_a_channel(postfit):
    channel = postfit.channels[3]
    table = channel_table(postfit, channel.channel)
    assert column(table, "bin").values == tuple(range(channel.n_bins))
    found = column(table, channel.samples[1])
    assert found.values == tuple(channel.values[1])
    assert found.uncertainties[0].plus == tuple(channel.errors[1])
    assert column(table, "total").values == tuple(channel.total)
    assert column(table, "observed").values == tuple(channel.observed)
    with pytest.raises(InputError, match="no channel named"):
        channel_table(postfit, "SRR")


def test_covariance_lists_all_pairs_of_bins(postfit):
    table = covariance_table(postfit)
    count = len(postfit.covariance)
    found = np.reshape(column(table, "covariance").values, (count, count))
    np.testing.assert_array_equal(found, postfit.covariance)
    first = column(table, "first bin").values
    assert (first[0], first[count]) == ("CR_Wjets[0]", "CR_Wjets[1]")


def test_parameters_have_values_pulls_and_notes(best):
    table = parameters_table(best)
    assert column(table, "parameter").values == best.parameter_names
    assert column(table, "value").values == tuple(best.values)
    held = best.parameter_names.index("JES_2")
    assert column(table, "value").uncertainties[0].plus[held] is None
    assert column(table, "note").values[held] == "fixed"
    assert column(table, "pull").values[best.poi_index] is None


def test_limits_of_a_scan_have_bands(scan):
    table = limits_table(scan, axis_units="GeV", units="fb")
    assert column(table, "signal").values == ("light", "heavy")
    assert column(table, "mass").title == "mass [GeV]"
    assert column(table, "mass").values == (500.0, 600.0)
    assert column(table, "observed").values == (1.25, None)
    expected = column(table, "expected")
    assert expected.values == (1.0, 1.2)
    inner, outer = expected.uncertainties
    np.testing.assert_allclose(inner.minus, (0.3, 0.3))
    np.testing.assert_allclose(inner.plus, (0.5, 0.5))
    np.testing.assert_allclose(outer.minus, (0.5, 0.6))
    np.testing.assert_allclose(outer.plus, (1.5, 1.2))
    assert expected.qualifiers == (("CL", "95%"),)


def test_limits_on_cross_sections_have_their_unit(scan):
    table = limits_table(scan, units="fb")
    observed = column(table, "observed cross section")
    assert (observed.values, observed.units) == ((12.5, None), "fb")
    assert column(table, "observed").units == ""
    expected = column(table, "expected cross section")
    np.testing.assert_allclose(expected.values, (10.0, 2.4))
    np.testing.assert_allclose(expected.uncertainties[1].plus, (15.0, 2.4))
    without = limits_table(replace(scan, cross_sections=None), units="fb")
    assert column(without, "observed").units == "fb"
    assert len(without.columns) == 4


def test_limits_of_one_model_are_one_row(scan):
    one = SimpleNamespace(observed=1.25, expected=scan.expected[0], alpha=0.1)
    table = limits_table(one)
    assert [each.name for each in table.columns] == ["observed", "expected"]
    assert table.n_rows == 1
    assert column(table, "observed").qualifiers == (("CL", "90%"),)
    without = limits_table(SimpleNamespace(observed=1.25, expected=None))
    assert [each.name for each in without.columns] == ["observed"]


def test_limits_of_the_core_have_a_table(model):
    found = upper_limits(model)
    observed, expected = limits_table(found).columns
    assert observed.values == (found.observed,)
    assert expected.values == (found.expected[2],)
    assert expected.uncertainties[1].plus == (found.expected[4] - found.expected[2],)
    assert tables_of(found) == [limits_table(found)]


def test_limits_that_cannot_be_used_are_refused():
    with pytest.raises(InputError, match="no observed and no expected"):
        limits_table(object())
    with pytest.raises(InputError, match="has 3 entries; expected 5"):
        limits_table(SimpleNamespace(observed=1.0, expected=[1.0, 2.0, 3.0]))
    with pytest.raises(InputError, match="no limits at all"):
        limits_table(SimpleNamespace(observed=None, expected=None))


def test_each_result_has_its_tables(postfit, best, scan):
    assert len(tables_of(postfit)) == 1 + len(postfit.channels)
    assert tables_of(best) == [parameters_table(best)]
    assert tables_of(scan) == [limits_table(scan)]
    with pytest.raises(InputError, match="a dict has no tables"):
        tables_of({})


def test_others_find_the_tables_by_name(best):
    analysis = get_manager().analyses["tables"]
    assert analysis.run(best, format="csv") == render(parameters_table(best), "csv")
