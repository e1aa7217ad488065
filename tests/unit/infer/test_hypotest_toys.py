"""Tests with toys: closed forms, pyhf, and the same bits in any division of the work."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pyhf
import pytest
from scipy.stats import norm as normal
from scipy.stats import poisson

from nextstat_core.errors import FormatError, InputError, MissingPOIError
from nextstat_core.infer import FitOptions, draw_toys, hypotest_toys, toy_statistics
from nextstat_core.infer.minimise_one import minimise_one
from nextstat_core.infer.request import make_request
from nextstat_core.infer.target import HistFactoryTarget
from nextstat_core.models import HistFactoryModel
from nextstat_core.results import ToyEnsemble, ToyHypotestResult
from nextstat_core.testing import StrictBackend

COLUMNS = ("numbers", "q", "mu_hat", "status")
# Twice the sum of two minima that are known to 1e-9 each.
PRECISE = 2e-8


def assert_same_toys(found: ToyHypotestResult, expected: ToyHypotestResult) -> None:
    for ensemble in ("sb", "b"):
        for name in COLUMNS:
            ours, theirs = (getattr(getattr(r, ensemble), name) for r in (found, expected))
            np.testing.assert_array_equal(ours, theirs, err_msg=name, strict=True)
    assert found.to_dict() == expected.to_dict()


@pytest.fixture(scope="module")
def counting(write, part):
    """One bin, 10 signal events over 50: the statistic falls with the count."""

    def make(observed: float, *, lowest: float = 0.0) -> HistFactoryModel:
        signal = part.sample("signal", [10.0], part.modifier("mu", "normfactor"))
        content = {"bin": [signal, part.sample("background", [50.0])]}
        return write(content, {"bin": [observed]})

    return make


@pytest.fixture(scope="module")
def study(load):
    return cache(lambda name, **options: hypotest_toys(load(name), 1.0, **options))


# -- what comes out --------------------------------------------------------------------------------


def test_probabilities_of_a_counting_experiment_are_those_of_poisson(counting):
    result = hypotest_toys(counting(45.0), 1.0, n_toys=20_000)
    exact = poisson.cdf(45, 60.0), poisson.cdf(45, 50.0)
    assert result.q == pytest.approx(2.0 * (10.0 - 45.0 * np.log(60.0 / 50.0)), abs=1e-9)
    assert result.mu_hat == 0.0
    assert abs(result.clsb - exact[0]) < 4.0 * result.clsb_error
    assert abs(result.clb - exact[1]) < 4.0 * result.clb_error
    assert abs(result.cls - exact[0] / exact[1]) < 4.0 * result.cls_error
    error = np.sqrt(exact[0] * (1.0 - exact[0]) / 20_000)
    assert result.clsb_error == pytest.approx(error, rel=0.1)


def test_statistics_of_a_counting_experiment_are_those_of_its_counts(counting):
    model = counting(45.0)
    n = draw_toys(model.compiled, np.array([1.0]), range(500), 3, ensemble=1).main[:, 0]
    mu_hat = (n - 50.0) / 10.0

    def t(best, mu):
        rates = 50.0 + 10.0 * best, 50.0 + 10.0 * mu
        return 2.0 * (rates[1] - rates[0] + n * np.log(rates[0] / rates[1]))

    above = np.clip(mu_hat, 0.0, None)
    expected = {
        "t": t(mu_hat, 1.0),
        "ttilde": t(above, 1.0),
        "q": np.where(mu_hat > 1.0, 0.0, t(mu_hat, 1.0)),
        "qtilde": np.where(mu_hat > 1.0, 0.0, t(above, 1.0)),
    }
    for name, q in expected.items():
        result = hypotest_toys(model, 1.0, n_toys=500, n_toys_b=0, seed=3, test_stat=name)
        np.testing.assert_allclose(result.sb.q, q, rtol=0.0, atol=PRECISE, err_msg=name)
        if name in {"q", "qtilde"}:
            np.testing.assert_array_equal(result.sb.q == 0.0, mu_hat >= 1.0)


def test_discovery_with_toys(counting):
    model = counting(72.0)
    result = hypotest_toys(model, 0.0, n_toys=20_000, test_stat="q0")
    assert result.q == pytest.approx(2.0 * (72.0 * np.log(72.0 / 50.0) - 22.0), abs=1e-9)
    exact = poisson.sf(71, 50.0)
    assert abs(result.p_value - exact) < 4.0 * result.p_value_error
    assert result.cls is None
    assert result.clb is None
    # With a signal of 1 the median count is 60.
    assert result.expected_p[2] == pytest.approx(poisson.sf(59, 50.0), rel=0.1)
    deficit = hypotest_toys(counting(41.0), 0.0, n_toys=50, test_stat="q0")
    assert deficit.q == 0.0
    assert deficit.p_value == 1.0


def test_two_sided_statistics_have_no_cls_and_need_no_background(counting):
    result = hypotest_toys(counting(45.0), 1.0, n_toys=5000, test_stat="t")
    assert len(result.b) == 0
    assert result.cls is None
    assert result.clb is None
    assert result.expected_cls is None
    assert result.expected_p is None
    counts = np.arange(0, 200)
    t = 2.0 * (60.0 - counts + counts * np.log(np.maximum(counts, 1) / 60.0))
    exact = poisson.pmf(counts, 60.0)[t >= result.q - 1e-9].sum()
    assert abs(result.p_value - exact) < 4.0 * result.p_value_error


_PYHF_TOYS = 150


@pytest.fixture(scope="module")
def toys_of_pyhf(workspace):
    """CLsb and CLb of `simple` at mu = 1."""
    pyhf.set_backend("numpy")
    with warnings.catch_warnings():
        # pyhf validates with an interface that jsonschema deprecates.
        warnings.simplefilter("ignore", DeprecationWarning)
        reference = pyhf.Workspace(workspace("simple"))
        theirs = reference.model()
    np.random.seed(7)  # noqa: NPY002  pyhf draws from it
    calculator = pyhf.infer.calculators.ToyCalculator(
        reference.data(theirs), theirs, ntoys=_PYHF_TOYS, track_progress=False
    )
    toys = calculator.distributions(1.0)
    return [float(p) for p in calculator.pvalues(calculator.teststatistic(1.0), *toys)[:2]]


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_probabilities_are_those_of_toys_of_pyhf(workspace, toys_of_pyhf, backend):
    if backend == "torch":
        pytest.importorskip("torch")
    model = HistFactoryModel.from_pyhf(workspace("simple"), backend=backend)
    ours = hypotest_toys(model, 1.0, n_toys=1000)
    found = (ours.clsb, ours.clsb_error), (ours.clb, ours.clb_error)
    for (p, error), other in zip(found, toys_of_pyhf, strict=True):
        spread = np.hypot(error, np.sqrt(p * (1.0 - p) / _PYHF_TOYS))
        assert abs(p - other) < 4.0 * spread


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_probabilities_of_large_samples_are_the_asymptotic_ones(write, part, backend):
    if backend == "torch":
        pytest.importorskip("torch")
    signal = part.sample("signal", [1000.0], part.modifier("mu", "normfactor"))
    norm = part.modifier("norm", "normsys", {"hi": 1.004, "lo": 0.996})
    content = {"bin": [signal, part.sample("background", [250_000.0], norm)]}
    model = write(content, {"bin": [250_400.0]}).to(backend)
    result = hypotest_toys(model, 1.5, n_toys=4000)
    # One number of Gaussian events: mu_hat = 0.4 with this width.
    sigma = np.sqrt(251_500.0 + 1000.0**2) / 1000.0
    assert result.q == pytest.approx((1.1 / sigma) ** 2, rel=0.01)
    assert abs(result.clsb - normal.sf(1.1 / sigma)) < 4.0 * result.clsb_error
    assert abs(result.clb - normal.cdf(0.4 / sigma)) < 4.0 * result.clb_error


@pytest.mark.parametrize("name", ["simple", "full", "kinks", "two_gammas", "constrained"])
def test_statistics_are_those_of_single_fits(load, name):
    model = load(name)
    result = hypotest_toys(model, 1.0, n_toys=12, test_stat="qtilde")
    target = HistFactoryTarget(model)
    options = FitOptions(second_modes=False, tolerance=1e-12)
    upper = model.suggested_bounds()[0][1]
    for ensemble, fit_name, stream in (("sb", "conditional", 1), ("b", "alternative", 2)):
        point = np.array(result.fits[fit_name].values)
        for i in range(12):
            data = draw_toys(model.compiled, point, range(i, i + 1), 42, ensemble=stream)
            wishes = {"bounds": {"mu": (0.0, upper)}}
            free = minimise_one(
                target, make_request(target, init_pars=point, **wishes), data, options
            )
            start = np.array(free.minima.x[0])
            held = make_request(target, init_pars=start, fixed={"mu": 1.0}, **wishes)
            conditional = minimise_one(target, held, data, options)
            expected = 2.0 * (conditional.value - free.value)
            if start[0] > 1.0:
                expected = 0.0
            assert getattr(result, ensemble).q[i] == pytest.approx(expected, abs=PRECISE)


def test_toys_above_the_tested_value_are_exactly_zero(study):
    result = study("full", n_toys=400)
    for ensemble in (result.sb, result.b):
        above = ensemble.mu_hat > 1.0
        assert above.any()
        assert (ensemble.q[above] == 0.0).all()
        assert (ensemble.q[~above] >= 0.0).all()


@pytest.mark.parametrize("mu", [0.0, -0.5])
def test_tested_values_without_a_signal_are_not_excluded(load, mu):
    result = hypotest_toys(load("simple"), mu, n_toys=40)
    assert result.cls == 1.0
    assert (result.sb.q == 0.0).all()


def test_tested_values_above_the_bound_lift_it_and_say_so(load):
    result = hypotest_toys(load("simple"), 12.0, n_toys=40)
    assert result.cls == pytest.approx(1.0 / 41.0 / result.clb)
    assert any(
        "mu was tested up to 24, above its upper bound 10" in line for line in result.warnings
    )


def test_auxiliary_data_that_are_fixed_narrow_the_distribution(load):
    # Two thirds of the variance are those of the background's constraint.
    model = load("constrained")
    results = {
        aux: hypotest_toys(model, 1.0, n_toys=400, aux=aux, test_stat="t", seed=5)
        for aux in ("sampled", "fixed")
    }
    widths = {aux: np.std(result.sb.mu_hat) for aux, result in results.items()}
    ratio = np.sqrt(1000.0 / (1000.0 + 60.0**2))
    assert widths["fixed"] / widths["sampled"] == pytest.approx(ratio, rel=0.15)


def test_a_free_fit_that_missed_the_minimum_starts_again(load, monkeypatch):
    model = load("full")
    expected = hypotest_toys(model, 1.0, n_toys=20, test_stat="t")
    minimise, calls = toy_statistics._minimise, []

    def missing(*arguments):
        fits = minimise(*arguments)
        calls.append(len(fits.nll))
        if len(calls) == 1:
            # As if the free fits of three toys had ended elsewhere.
            fits.nll[[2, 7, 11]] += 5.0
        return fits

    monkeypatch.setattr(toy_statistics, "_minimise", missing)
    found = hypotest_toys(model, 1.0, n_toys=20, test_stat="t")
    assert calls[0] == calls[1] == 20
    assert calls[2] == 3
    np.testing.assert_allclose(found.sb.q, expected.sb.q, rtol=0.0, atol=PRECISE)
    assert found.sb.n_valid == 20


def test_data_that_the_tested_hypothesis_cannot_make_exclude_it(write, part):
    signal = part.sample("signal", [2.0, 3.0], part.modifier("mu", "normfactor"))
    content = {"bins": [signal, part.sample("background", [0.0, 10.0])]}
    result = hypotest_toys(write(content, {"bins": [2.0, 12.0]}), 0.0, n_toys=400, test_stat="q0")
    assert result.q == np.inf
    assert result.p_value == pytest.approx(1.0 / 401.0)
    assert result.to_dict()["q_obs"] is None
    assert result.sb.n_valid == result.b.n_valid == 400
    # With a signal of strength one, two events are expected in the first bin.
    possible = np.isfinite(result.b.q)
    error = np.sqrt(np.exp(-2.0) * (1.0 - np.exp(-2.0)) / 400)
    assert abs(possible.mean() - np.exp(-2.0)) < 4.0 * error
    assert result.expected_p[0] == result.expected_p[2] == pytest.approx(1.0 / 401.0)


def test_toys_that_fail_are_counted_and_left_out(load):
    result = hypotest_toys(load("full"), 1.0, n_toys=20, options=FitOptions(max_iterations=1))
    assert result.sb.n_valid == 20
    # Without any iteration left, only what the shared metric brings to the end is there.
    kinks = hypotest_toys(load("kinks"), 1.0, n_toys=20, options=FitOptions(max_iterations=1))
    assert kinks.sb.n_nonconverged > 0
    assert kinks.sb.n_valid + kinks.sb.n_nonconverged + kinks.sb.n_error == 20
    assert set(kinks.sb.failures) <= {"max_iterations", "stalled", "saddle"}
    assert "s+b toys are left out" in repr(kinks)
    assert 0.0 < kinks.clsb <= 1.0
    assert any("did not converge" in line for line in kinks.warnings)


# -- the same bits ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["simple", "full", "kinks", "two_gammas"])
@pytest.mark.parametrize(("chunk", "threads"), [(7, 1), (31, 2), (33, 3), (1000, 1)])
def test_chunks_and_threads_do_not_matter(load, study, name, chunk, threads):
    n_toys = 20 if name == "kinks" else 75
    found = hypotest_toys(load(name), 1.0, n_toys=n_toys, chunk=chunk, threads=threads)
    assert_same_toys(found, study(name, n_toys=n_toys))


@pytest.mark.parametrize("name", ["simple", "full"])
def test_shards_in_any_order_make_the_whole(load, study, name):
    model = load(name)
    shards = [
        hypotest_toys(model, 1.0, n_toys=count, first_toy=first)
        for first, count in ((40, 35), (0, 1), (1, 39))
    ]
    assert_same_toys(ToyHypotestResult.merge(*shards), study(name, n_toys=75))


def test_strict_array_library_gives_the_same_statistics(workspace, study):
    strict = HistFactoryModel.from_pyhf(workspace("two_gammas"), backend=StrictBackend())
    found = hypotest_toys(strict, 1.0, n_toys=10)
    known = study("two_gammas", n_toys=75)
    np.testing.assert_allclose(found.sb.q, known.sb.q[:10], rtol=0.0, atol=PRECISE)
    again = hypotest_toys(strict, 1.0, n_toys=10, chunk=3)
    np.testing.assert_array_equal(again.sb.q, found.sb.q)


def test_torch_gives_the_same_statistics(workspace, study):
    pytest.importorskip("torch")
    model = HistFactoryModel.from_pyhf(workspace("full"), backend="torch")
    found, known = hypotest_toys(model, 1.0, n_toys=20), study("full", n_toys=75)
    np.testing.assert_allclose(found.sb.q, known.sb.q[:20], rtol=0.0, atol=PRECISE)
    np.testing.assert_allclose(found.b.q, known.b.q[:20], rtol=0.0, atol=PRECISE)


# -- shards and checkpoints ------------------------------------------------------------------------


def test_shards_of_other_studies_are_refused(load):
    model = load("simple")
    first = hypotest_toys(model, 1.0, n_toys=5)
    for changed, key in (
        ({"seed": 1}, "seed"),
        ({"aux": "fixed"}, "aux"),
        ({"data": [50.0, 50.0]}, "data"),
        ({"fixed": {"gamma[0]": 1.0}}, "request"),
        ({"test_stat": "q"}, "test_stat"),
    ):
        other = hypotest_toys(model, 1.0, n_toys=5, first_toy=5, **changed)
        with pytest.raises(InputError, match=f"different studies: `{key}`"):
            ToyHypotestResult.merge(first, other)
    other = hypotest_toys(load("two_gammas"), 1.0, n_toys=5, first_toy=5)
    with pytest.raises(InputError, match="different studies: `model`"):
        ToyHypotestResult.merge(first, other)
    with pytest.raises(InputError, match="different studies: `mu`"):
        ToyHypotestResult.merge(first, hypotest_toys(model, 1.1, n_toys=5, first_toy=5))


def test_shards_with_common_toys_are_refused(load):
    model = load("simple")
    parts = [hypotest_toys(model, 1.0, n_toys=5, first_toy=first) for first in (0, 3)]
    with pytest.raises(InputError, match="toy 3 is in two parts, and so are 1 others"):
        ToyHypotestResult.merge(*parts)
    with pytest.raises(InputError, match="nothing to merge"):
        ToyHypotestResult.merge()


def test_a_saved_result_comes_back(load, tmp_path):
    result, path = hypotest_toys(load("full"), 1.0, n_toys=10), tmp_path / "shard.npz"
    result.save(path)
    back = ToyHypotestResult.load(path)
    assert_same_toys(back, result)
    assert back.fits.keys() == {"free", "conditional", "alternative"}
    for name, fit in result.fits.items():
        np.testing.assert_array_equal(back.fits[name].values, fit.values, strict=True)
        assert back.fits[name].nll == fit.nll
        assert back.fits[name].parameter_names == fit.parameter_names
    assert back.provenance == result.provenance
    assert [entry.name for entry in tmp_path.iterdir()] == ["shard.npz"]


def test_files_that_are_no_results_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"no file .*absent\.npz"):
        ToyHypotestResult.load(tmp_path / "absent.npz")
    text, arrays = tmp_path / "text.npz", tmp_path / "arrays.npz"
    text.write_text("toys")
    np.savez(arrays, q=np.zeros(3))
    for path in (text, arrays):
        with pytest.raises(FormatError, match="is no saved test with toys, or damaged"):
            ToyHypotestResult.load(path)


def test_a_checkpoint_is_gone_on_from_with_more_toys_too(load, study, tmp_path):
    model, path = load("full"), tmp_path / "toys.npz"
    seen = []
    hypotest_toys(model, 1.0, n_toys=30, checkpoint=path, chunk=10)

    def remember(done, total):
        seen.append((done, total))

    whole = hypotest_toys(model, 1.0, n_toys=75, checkpoint=path, chunk=15, progress=remember)
    assert_same_toys(whole, study("full", n_toys=75))
    assert seen == [(75, 150), (90, 150), (105, 150), (120, 150), (135, 150), (150, 150)]
    fewer = hypotest_toys(model, 1.0, n_toys=20, checkpoint=path, progress=seen.append)
    assert_same_toys(fewer, hypotest_toys(model, 1.0, n_toys=20))
    assert len(ToyHypotestResult.load(path).sb) == 75


def test_a_run_that_is_interrupted_keeps_what_is_done(load, study, tmp_path):
    model, path = load("full"), tmp_path / "toys.npz"

    def interrupt(done, total):
        if done >= 45:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hypotest_toys(model, 1.0, n_toys=75, checkpoint=path, chunk=15, progress=interrupt)
    assert len(ToyHypotestResult.load(path).sb) == 45
    resumed = hypotest_toys(model, 1.0, n_toys=75, checkpoint=path)
    assert_same_toys(resumed, study("full", n_toys=75))


@pytest.mark.parametrize(
    ("changed", "key"),
    [({"seed": 7}, "seed"), ({"test_stat": "q"}, "test_stat"), ({"data": [1.0, 2.0]}, "data")],
)
def test_a_checkpoint_of_another_study_is_refused(load, tmp_path, changed, key):
    path = tmp_path / "toys.npz"
    hypotest_toys(load("simple"), 1.0, n_toys=5, checkpoint=path)
    with pytest.raises(InputError, match=f"is of another study: its `{key}` is"):
        hypotest_toys(load("simple"), 1.0, n_toys=5, checkpoint=path, **changed)
    with pytest.raises(InputError, match="is of another study: its `model` is"):
        hypotest_toys(load("two_gammas"), 1.0, n_toys=5, checkpoint=path)


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"n_toys": 0}, "n_toys must be > 0"),
        ({"n_toys": -1}, "`n_toys` must not be negative"),
        ({"n_toys": 2.5}, "`n_toys` must be an integer"),
        ({"chunk": 0}, "`chunk` must be > 0"),
        ({"seed": -1}, "`seed` must lie in"),
        ({"first_toy": -1}, "`first_toy` must lie in"),
        ({"aux": "none"}, "`aux` must be 'sampled' or 'fixed'"),
        ({"test_stat": "qmu"}, "no test statistic named 'qmu'"),
        ({"test_stat": "q0"}, "`test_stat=.q0.` tests mu = 0; found mu = 1"),
        ({"mu": np.inf}, "`mu` is inf; expected a finite number"),
        ({"options": FitOptions(n_starts=3)}, "toys are fitted from one start"),
        ({"fixed": ["mu"]}, "'mu' is fixed"),
    ],
)
def test_arguments_that_cannot_be_used(load, changed, complaint):
    arguments = {"mu": 1.0, "n_toys": 5, **changed}
    with pytest.raises(InputError, match=complaint):
        hypotest_toys(load("simple"), **arguments)


def test_a_model_without_parameter_of_interest(load):
    with pytest.raises(MissingPOIError, match="a hypothesis test"):
        hypotest_toys(load("gammas"), 1.0, n_toys=5)


# -- the table of probabilities --------------------------------------------------------------------


def ensemble(q, status=None) -> ToyEnsemble:
    status = np.zeros(len(q)) if status is None else status
    return ToyEnsemble(numbers=np.arange(len(q)), q=q, mu_hat=np.zeros(len(q)), status=status)


def test_tails_count_equal_toys_and_leave_out_failed_ones():
    toys = ensemble([0.0, 0.0, 1.0, 2.0, 3.0, 9.0, np.nan], [0, 0, 0, 0, 0, 4, 4])
    assert (toys.n_valid, toys.n_error, toys.n_nonconverged) == (5, 1, 1)
    np.testing.assert_allclose(
        toys.tails(np.array([0.0, 1.0, 1.0 + 1e-8, 1.1, 3.1])), np.array([6, 4, 4, 3, 1]) / 6
    )


def test_expected_values_are_quantiles_of_cls_of_background_toys(study):
    result = study("simple", n_toys=400)
    cls = []
    for q in result.b.q:
        tails = [
            (np.count_nonzero(toys.q >= q - 1e-7 * max(1.0, q)) + 1) / (len(toys) + 1)
            for toys in (result.sb, result.b)
        ]
        cls.append(min(tails[0] / tails[1], 1.0))
    probabilities = [
        0.022750131948179,
        0.158655253931457,
        0.5,
        0.841344746068543,
        0.977249868051821,
    ]
    expected = np.quantile(np.sort(cls), probabilities, method="linear")
    np.testing.assert_allclose(result.expected_cls, expected, rtol=1e-12)
    assert (np.diff(result.expected_cls) >= 0.0).all()


def test_a_result_shows_itself(study, read_html):
    result = study("simple", n_toys=75)
    lines = repr(result).splitlines()
    assert lines[0].startswith("Test of mu = 1 with toys: qtilde = 3.93")
    assert [line.split()[0] for line in lines[2:5]] == ["cls", "clsb", "clb"]
    page = read_html(result._repr_html_())
    assert page.rows[1][0] == "cls"
    assert page.rows[1][3] == "75 + 75"
