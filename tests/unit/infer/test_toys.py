"""Fits of toys: the same bits in every division of the work, and the minima of single fits."""

from functools import cache

import numpy as np
import pyhf
import pytest

from nextstat_core.infer import FitOptions, draw_toys, fit, fit_toys, toy_fits
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import StrictBackend, generate_workspace, one_sided_bin

# An EDM of 1e-8, at which toys stop, is a distance of 1.4e-4 standard deviations.
EDM, DISTANCE = 1e-8, 1.5e-4
COLUMNS = (
    "values", "nll", "converged", "termination", "edm", "errors", "bounds_hit", "n_iter",
    "n_fev", "n_gev", "n_hev", "initial_nll", "final_grad_norm",
)  # fmt: skip
FAMILIES = ("simple", "full", "kinks", "two_gammas", "gammas", "counting", "constrained")


def assert_same_bits(part, whole, rows):
    for name in COLUMNS:
        found, expected = getattr(part, name), getattr(whole, name)
        np.testing.assert_array_equal(found, expected[rows], err_msg=name, strict=True)


@pytest.fixture(scope="module")
def study(load):
    """Function that fits toys of a workspace drawn at its start, with uncertainties."""

    def run(name, n_toys, **options):
        model = load(name)
        options = {"compute_uncertainties": True, **options}
        return fit_toys(model, model.suggested_init(), n_toys=n_toys, **options)

    return run


@pytest.fixture(scope="module")
def whole(study):
    """Function that fits 255 toys of a workspace, once for all tests."""
    return cache(lambda name: study(name, 255))


@pytest.mark.parametrize("name", ["simple", "full", "two_gammas"])
@pytest.mark.parametrize(("first", "n_toys"), [(0, 1), (254, 1), (3, 7), (200, 31), (64, 33)])
def test_a_toy_has_the_same_bits_in_any_shard(study, whole, name, first, n_toys):
    part = study(name, n_toys, first_toy=first)
    assert_same_bits(part, whole(name), slice(first, first + n_toys))


@pytest.mark.parametrize("name", ["full", "kinks", "unidentified"])
@pytest.mark.parametrize(("threads", "chunk"), [(1, 8), (2, 8), (2, 13), (3, 40), (0, 13)])
def test_a_toy_has_the_same_bits_in_any_chunk_and_thread(study, monkeypatch, name, threads, chunk):
    n_toys = 40 if name == "full" else 15
    expected = study(name, n_toys)
    monkeypatch.setattr(toy_fits, "_CHUNK", chunk)
    assert_same_bits(study(name, n_toys, threads=threads), expected, slice(None))


def test_shards_in_any_order_make_the_whole(study, whole):
    starts = [150, 0, 230, 75]
    ends = {0: 75, 75: 150, 150: 230, 230: 255}
    shards = {start: study("full", ends[start] - start, first_toy=start) for start in starts}
    values = np.concatenate([shards[start].values for start in sorted(shards)])
    np.testing.assert_array_equal(values, whole("full").values)


def test_ensembles_and_seeds_give_other_toys(study, whole):
    for other in (study("simple", 8, ensemble=1), study("simple", 8, seed=1)):
        assert (other.nll != whole("simple").nll[:8]).all()


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("aux", ["sampled", "fixed"])
def test_minimum_of_a_toy_is_that_of_its_data_fitted_alone(load, study, alone, name, aux):
    model, toys = load(name), study(name, 12, aux=aux)
    for i, result in enumerate(toys):
        single = alone(model, model.suggested_init(), i, auxiliary=aux == "sampled")
        assert result.converged
        assert single.converged
        assert result.at_bound == single.at_bound
        assert result.nll == pytest.approx(single.nll, abs=2.0 * EDM)
        assert single.close_to(result.values) < EDM
        move = np.abs(result.values - single.values)
        assert (move <= DISTANCE * single.errors).all()
        np.testing.assert_allclose(result.errors, single.errors, rtol=2e-4)


@pytest.mark.parametrize("name", FAMILIES)
def test_minimum_of_a_toy_is_exact_where_that_is_asked_for(load, study, alone, name):
    model = load(name)
    toys = study(name, 8, options=FitOptions(tolerance=1e-14))
    for i, result in enumerate(toys):
        single = alone(model, model.suggested_init(), i)
        assert result.converged
        assert (np.abs(result.values - single.values) <= 1e-6 * single.errors).all()
        np.testing.assert_allclose(result.errors, single.errors, rtol=1e-5)


def test_minimum_of_a_toy_with_given_main_data_only_is_that_of_a_fit_to_it(load, study):
    model = load("full")
    toys = study("full", 6, aux="fixed")
    start = model.suggested_init()
    data = draw_toys(model.compiled, np.asarray(start), range(6), 42, auxiliary=False).main
    for counts, toy in zip(data, toys, strict=True):
        result = fit(model, data=counts)
        assert toy.nll == pytest.approx(result.nll, abs=2.0 * EDM)
        assert (np.abs(toy.values - result.values) <= DISTANCE * result.errors).all()


# pyhf validates with an interface that jsonschema deprecates.
@pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")
def test_minimum_of_a_toy_is_one_of_the_likelihood_of_pyhf(load, workspace, study):
    pyhf.set_backend("numpy")
    model = load("full")
    reference, layout = pyhf.Workspace(workspace("full")).model(), model.compiled.layout
    names = model.parameter_names()
    start = np.asarray(model.suggested_init())
    drawn = draw_toys(model.compiled, start, range(5), 42)
    where = [names.index(name) for name in reference.config.par_names]
    for i, toy in enumerate(study("full", 5, options=FitOptions(tolerance=1e-14))):
        aux = dict(zip(layout.gaussian, drawn.center[i], strict=True))
        aux |= dict(zip(layout.poisson, drawn.count[i], strict=True))
        # One datum per constrained parameter, blocks in pyhf's order.
        blocks = [reference.config.par_slice(name) for name in reference.config.auxdata_order]
        order = [where[p] for block in blocks for p in range(block.start, block.stop)]
        data = np.concatenate([drawn.main[i], [aux[p] for p in order]])

        def nll(x, data=data):
            return -float(reference.logpdf(x, data)[0])

        best = toy.values[where]
        assert toy.nll == pytest.approx(nll(best), rel=1e-12)
        sides = dict(toy.at_bound)
        for p, error in enumerate(toy.errors[where]):
            if reference.config.par_names[p] in sides:
                continue
            move = 2e-4 * error * np.eye(len(best))[p]
            slope = (nll(best + move) - nll(best - move)) / 4e-4
            assert abs(slope) < 1e-6


def test_pulls_have_width_one_with_sampled_auxiliary_data_and_less_with_fixed(study):
    n = 400
    band = 4.0 / np.sqrt(2.0 * n)
    widths = {}
    for aux in ("sampled", "fixed"):
        toys = study("constrained", n, aux=aux)
        assert toys.n_converged == n
        pulls = (toys.column("mu") - 1.0) / toys.errors[:, 0]
        assert abs(pulls.mean()) < 4.0 / np.sqrt(n)
        widths[aux] = pulls.std(ddof=1)
    assert abs(widths["sampled"] - 1.0) < band
    # Without the constraint of width 60 only the Poisson width of 1000 events is left.
    narrow = np.sqrt(1000.0 / (1000.0 + 60.0**2))
    assert abs(widths["fixed"] / narrow - 1.0) < band


def test_uncertainties_are_those_of_single_fits_at_bounds_too(load, study, alone):
    model, toys = load("simple"), study("simple", 40, first_toy=0)
    held = np.flatnonzero(toys.bounds_hit[:, 0] == 1)
    assert len(held) >= 2
    for i in held:
        single = alone(model, model.suggested_init(), int(i))
        assert single.at_bound == (("mu", "lower"),)
        assert toys.errors[i, 0] > 0.1
        np.testing.assert_allclose(toys.errors[i], single.errors, rtol=2e-4)


def test_uncertainties_are_left_out_unless_asked_for(study):
    toys = study("full", 5, compute_uncertainties=False)
    assert toys.errors is None
    assert np.isnan(toys[0].errors).all()
    np.testing.assert_array_equal(toys.values, study("full", 5).values)


def test_no_toys_make_an_empty_result(study):
    for uncertainties in (False, True):
        toys = study("full", 0, compute_uncertainties=uncertainties)
        assert len(toys) == toys.n_converged == 0
        assert toys.values.shape == (0, 14)
        assert toys.failed == ()
        assert (toys.errors is not None) is uncertainties


def test_fixed_parameters_stay_and_have_no_uncertainty(load, study, alone):
    wishes = {"fixed": {"mu": 0.5, "sig_norm": None}}
    toys = study("full", 6, **wishes)
    assert (toys.column("mu") == 0.5).all()
    assert (toys.column("sig_norm") == 0.0).all()
    assert (toys.errors[:, [0, 2]] == 0.0).all()
    assert toys[0].fixed[:3] == (True, False, True)
    model = load("full")
    for i, toy in enumerate(toys):
        single = alone(model, model.suggested_init(), i, **wishes)
        assert single.close_to(toy.values) < EDM
        np.testing.assert_allclose(toy.errors, single.errors, rtol=2e-4)


def test_toys_with_everything_fixed_are_evaluated_where_they_stand(load, study):
    model = load("full")
    toys = study("full", 4, aux="fixed", fixed=model.parameter_names())
    start = np.asarray(model.suggested_init())
    data = draw_toys(model.compiled, start, range(4), 42, auxiliary=False).main
    assert toys.n_converged == 4
    np.testing.assert_allclose(toys.nll, model.nll_batch([start] * 4, data), rtol=1e-14)
    np.testing.assert_array_equal(toys.errors, 0.0)
    np.testing.assert_array_equal(toys.values, [start] * 4)


def test_gammas_alone_have_their_closed_form(load):
    model = load("gammas")
    start = np.asarray(model.suggested_init())
    assert model.poi_index() is None
    toys = fit_toys(model, start, n_toys=30)
    drawn, names = draw_toys(model.compiled, start, range(30), 42), model.parameter_names()
    # 'other' comes after 'first': one bin, 80 events +- 10 %, a Gaussian constraint.
    at, n, m = names.index("staterror_other[0]"), drawn.main[:, 2], drawn.center[:, 0]
    b = 80.0 * m - (80.0 * 0.1) ** 2
    nu = 0.5 * (b + np.sqrt(b**2 + 4.0 * n * 64.0))
    np.testing.assert_allclose(toys.values[:, at], nu / 80.0, rtol=1e-12)
    assert toys.poi_index is None
    assert (toys.edm < EDM).all()


def test_toys_that_fail_are_kept_and_counted_with_their_reason(load):
    model = load("counting")
    # 1.5 events are expected where the fit predicts -5.
    drawn_at = np.asarray([-0.35])
    toys = fit_toys(model, drawn_at, n_toys=60, fixed={"mu": -1.0}, compute_uncertainties=True)
    data = draw_toys(model.compiled, drawn_at, range(60), 42).main
    empty = data[:, 0] == 0.0
    assert 0 < empty.sum() < 60
    np.testing.assert_array_equal(toys.converged, empty)
    assert toys.n_converged == empty.sum()
    assert {failed.reason for failed in toys.failed} == {"non_positive_rate"}
    assert [failed.toy for failed in toys.failed] == np.flatnonzero(~empty).tolist()
    assert toys[toys.failed[0].toy].termination_reason == "non_positive_rate"
    assert np.isfinite(toys.nll).all()


def test_toys_that_run_out_of_iterations_say_so(load):
    model = HistFactoryModel.from_pyhf(one_sided_bin())
    toys = fit_toys(model, [0.0], n_toys=20, options=FitOptions(max_iterations=1))
    reasons = {failed.reason for failed in toys.failed}
    assert reasons <= {"max_iterations", "saddle"}
    assert len(toys.failed) == 20 - toys.n_converged


def test_toys_of_a_one_sided_model_leave_the_saddle(load):
    model = HistFactoryModel.from_pyhf(one_sided_bin())
    toys = fit_toys(model, [0.0], n_toys=20)
    data = draw_toys(model.compiled, np.zeros(1), range(20), 42)
    assert toys.n_converged == 20
    for i, toy in enumerate(toys):
        grid = np.linspace(-4.0, 4.0, 801)
        values = model.nll_batch(grid[:, None], data.main[i])
        moved = 0.5 * ((grid - data.center[i, 0]) ** 2 - grid**2)
        # Both sides of alpha = 0 have a minimum; the fit ends in one of them.
        assert toy.nll <= np.min((values + moved)[grid * toy.values[0] >= 0.0]) + 1e-9


def test_generated_model_without_constraints_on_its_poi_is_fitted_everywhere(alone):
    workspace = generate_workspace(5)
    model = HistFactoryModel.from_pyhf(workspace)
    start = model.suggested_init()
    toys = fit_toys(model, start, n_toys=10, compute_uncertainties=True)
    for i, toy in enumerate(toys):
        single = alone(model, start, i)
        assert toy.converged == single.converged
        assert single.close_to(toy.values) < EDM
        assert toy.at_bound == single.at_bound


def test_strict_array_library_gives_the_same_toys(workspace, study):
    strict = HistFactoryModel.from_pyhf(workspace("two_gammas"), backend=StrictBackend())
    toys = fit_toys(strict, strict.suggested_init(), n_toys=5, compute_uncertainties=True)
    known = study("two_gammas", 5)
    np.testing.assert_allclose(toys.values, known.values, rtol=0, atol=1e-10)
    np.testing.assert_allclose(toys.errors, known.errors, rtol=1e-8)
