"""Batches of fits: the same results as one by one, in the order of the input."""

import numpy as np
import pytest

from nextstat_core.errors import FitError, InputError
from nextstat_core.infer import FitOptions, fit, fit_batch, fit_many
from nextstat_core.models import GaussianMeanModel, HistFactoryModel, StdNormalModel
from nextstat_core.results import ToyResults
from nextstat_core.testing import coupled_histosys

# Batches stop at an EDM of 1e-8: 1.4e-4 standard deviations.
EDM, DISTANCE = 1e-8, 1.5e-4
COUNTS = np.asarray(
    [[51.0, 48.0], [60.0, 70.0], [40.0, 44.0], [75.0, 66.0], [52.0, 59.0], [0.0, 3.0]]
)


def assert_same(results, singles):
    assert len(results) == len(singles)
    for result, single in zip(results, singles, strict=True):
        assert result.parameter_names == single.parameter_names
        assert result.nll == pytest.approx(single.nll, abs=2.0 * EDM)
        assert (np.abs(result.values - single.values) <= DISTANCE * single.errors).all()
        np.testing.assert_allclose(result.errors, single.errors, rtol=2e-4)
        assert result.termination_reason == single.termination_reason
        assert result.at_bound == single.at_bound
        assert result.fixed == single.fixed


@pytest.mark.parametrize("rows", [1, 3, 4, 6])
def test_data_sets_of_one_model_are_fitted_like_single_ones(load, rows):
    model, counts = load("simple"), COUNTS[:rows]
    assert_same(fit_batch(model, counts), [fit(model, data=row) for row in counts])


@pytest.mark.parametrize("rows", [2, 5])
def test_models_that_differ_in_their_counts_only_are_fitted_like_single_ones(load, rows):
    models = [load("simple").with_observed_main(row) for row in COUNTS[:rows]]
    assert_same(fit_batch(models), [fit(model) for model in models])


def test_mixed_models_keep_their_order(load):
    simple, full = load("simple"), load("full")
    counts = np.asarray([[510.0, 395.0, 58.0, 75.0, 41.0], [480.0, 400.0, 50.0, 70.0, 44.0]])
    models = [
        simple,
        full,
        *(simple.with_observed_main(row) for row in COUNTS[1:]),
        *(full.with_observed_main(row) for row in counts),
        load("kinks"),
        simple,
    ]
    assert_same(fit_batch(models), [fit(model) for model in models])


def test_models_may_come_in_any_sequence(load):
    model = load("simple")
    assert_same(fit_batch((model, model)), [fit(model)] * 2)


@pytest.mark.parametrize("copies", [2, 6])
def test_general_models_are_fitted_one_by_one(copies):
    model = GaussianMeanModel([1.0, 2.0, 6.0], 1.0)
    results = fit_batch([model] * copies + [StdNormalModel(2)])
    assert [result.values[0] for result in results[:-1]] == pytest.approx([3.0] * copies)
    assert results[-1].parameter_names == ("x0", "x1")


def test_mixed_kinds_of_models_are_refused(load):
    with pytest.raises(InputError, match="must be HistFactoryModel, or none of them"):
        fit_batch([load("simple"), StdNormalModel(2)])


@pytest.mark.parametrize("rows", [2, 5])
def test_general_models_have_no_data_sets(rows):
    with pytest.raises(InputError, match="HistFactory models only"):
        fit_batch(StdNormalModel(2), [[1.0]] * rows)


def test_one_model_needs_data_sets_and_several_take_none(load):
    with pytest.raises(InputError, match="needs `datasets`"):
        fit_batch(load("simple"))
    with pytest.raises(InputError, match="goes with one model"):
        fit_batch([load("simple")], COUNTS)


@pytest.mark.parametrize("rows", [2, 5])
def test_bad_data_are_refused_with_their_place(load, rows):
    counts = COUNTS[:rows].copy()
    counts[1, 1] = -1.0
    with pytest.raises(InputError, match=r"data set 1, .* bin 1: observed count is -1"):
        fit_batch(load("simple"), counts)
    with pytest.raises(InputError, match="expected 2, got 3"):
        fit_batch(load("simple"), [[1.0, 2.0, 3.0]] * rows)


def test_single_data_set_is_a_batch_of_one(load):
    for name in ("simple", "full"):
        model = load(name)
        assert_same(fit_batch(model, model.observed_main), [fit(model)])


def test_empty_batches_are_empty(load):
    model = load("simple")
    assert len(fit_batch(model, [])) == 0
    assert len(fit_batch([])) == 0
    nothing = fit_many(model, np.empty((0, 2)))
    assert isinstance(nothing, ToyResults)
    assert nothing.values.shape == nothing.errors.shape == (0, 3)
    assert len(fit_many(load("kinks"), np.empty((0, 5)))) == 0


@pytest.mark.parametrize("copies", [2, 6])
def test_several_starts_hold_in_batches_of_any_size(copies):
    model = HistFactoryModel.from_pyhf(coupled_histosys())
    options = FitOptions(n_starts=8)
    lower = fit(model, options=options).nll
    for results in (
        fit_batch([model] * copies, options=options),
        fit_batch(model, [model.observed_main] * copies, options=options),
    ):
        assert [result.nll for result in results] == pytest.approx([lower] * copies, abs=1e-9)


@pytest.mark.parametrize("copies", [2, 6])
@pytest.mark.parametrize("second_modes", [True, False])
def test_second_modes_are_looked_for_in_batches_of_any_size(copies, second_modes):
    model = HistFactoryModel.from_pyhf(coupled_histosys())
    options = FitOptions(second_modes=second_modes)
    expected = fit(model, options=options).values[0]
    for result in fit_batch([model] * copies, options=options):
        assert result.values[0] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("copies", [2, 6])
def test_failure_raises_in_batches_of_any_size_where_that_was_asked_for(load, copies):
    model = load("kinks")
    options = {"max_iterations": 1}
    results = fit_batch([model] * copies, options=FitOptions(**options))
    assert [result.converged for result in results] == [False] * copies
    with pytest.raises(FitError, match="max_iterations"):
        fit_batch([model] * copies, options=FitOptions(**options, on_failure="raise"))


def test_many_fits_share_start_bounds_and_fixed_parameters(load):
    model = load("simple")
    wishes = {
        "init_pars": [2.0, 1.0, 1.0],
        "fixed": {"gamma[0]": 1.02},
        "bounds": {"mu": (-5.0, 5.0)},
    }
    singles = [fit(model, data=row, **wishes) for row in COUNTS]
    assert_same(fit_many(model, COUNTS, **wishes), singles)
    assert any(single["mu"].value < 0.0 for single in singles)


def test_uncertainties_of_many_fits_can_be_left_out(load):
    results = fit_many(load("simple"), COUNTS, compute_uncertainties=False)
    assert results.errors is None
    assert results.n_converged == len(COUNTS)
