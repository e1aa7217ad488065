"""Asymptotic tests against pyhf, closed forms and the definitions."""

from __future__ import annotations

from math import inf, isfinite, log, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
import pyhf
import pytest
from scipy.stats import norm

from nextstat_core.errors import FitError, InputError, MissingPOIError
from nextstat_core.infer import FitOptions, cls_scan, discovery, fit_minimum, hypotest, upper_limits
from nextstat_core.models import GaussianMeanModel, HistFactoryModel
from nextstat_core.testing import StrictBackend

if TYPE_CHECKING:
    from collections.abc import Callable

# pyhf 0.7.6 validates its schemas with a part of jsonschema that is deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")

NAMES = ["simple", "full", "counting", "two_gammas", "constrained"]


@pytest.fixture(autouse=True)
def _pyhf() -> None:
    pyhf.set_backend("numpy", pyhf.optimize.scipy_optimizer(tolerance=1e-12))


def _pyhf_test(document: dict[str, Any], mu: float, **how: Any) -> tuple[float, list[float], Any]:
    """CLs, expected set and tail probabilities with the POI bounded at zero."""
    workspace = pyhf.Workspace(document)
    model = workspace.model()
    bounds = model.config.suggested_bounds()
    poi = model.config.poi_index
    bounds[poi] = (0.0, bounds[poi][1])
    cls, tails, bands = pyhf.infer.hypotest(
        mu,
        workspace.data(model),
        model,
        par_bounds=bounds,
        return_tail_probs=True,
        return_expected_set=True,
        **how,
    )
    return float(cls), [float(band) for band in bands], [float(tail) for tail in tails]


# -- against pyhf ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mu", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("name", NAMES)
def test_cls_of_pyhf(
    load: Callable[..., Any], workspace: Callable[..., Any], name: str, mu: float
) -> None:
    cls, bands, tails = _pyhf_test(workspace(name), mu)
    found = hypotest(load(name), mu)
    assert found.converged
    assert found.cls == pytest.approx(cls, abs=1e-6)
    assert found.expected_cls is not None
    assert found.expected_cls == pytest.approx(bands, abs=1e-6)
    assert [found.clsb, found.clb] == pytest.approx(tails, abs=1e-6)


@pytest.mark.parametrize("name", ["full", "counting", "two_gammas"])
def test_discovery_of_pyhf(
    load: Callable[..., Any], workspace: Callable[..., Any], name: str
) -> None:
    space = pyhf.Workspace(workspace(name))
    model = space.model()
    p0, bands = pyhf.infer.hypotest(
        0.0, space.data(model), model, test_stat="q0", return_expected_set=True
    )
    found = discovery(load(name))
    assert found.p0 == pytest.approx(float(p0), abs=1e-6)
    assert sorted(found.expected_p) == pytest.approx(sorted(map(float, bands)), abs=1e-6)
    assert found.p_expected == pytest.approx(float(bands[2]), abs=1e-6)


@pytest.mark.parametrize("make", [StrictBackend, lambda: "torch"], ids=["strict", "torch"])
def test_other_backends(load: Callable[..., Any], make: Callable[[], Any]) -> None:
    if make() == "torch":
        pytest.importorskip("torch")
    model = load("full")
    ours, other = hypotest(model, 1.3), hypotest(model.to(make()), 1.3)
    assert other.cls == pytest.approx(ours.cls, abs=1e-9)
    assert discovery(model.to(make())).z0 == pytest.approx(discovery(model).z0, abs=1e-8)


# -- closed forms ----------------------------------------------------------------------------------


@pytest.fixture
def one_bin(write: Callable[..., Any], part: Any) -> Callable[..., HistFactoryModel]:
    """Function that makes a counting experiment: background 50, signal 10."""

    def make(observed: float) -> HistFactoryModel:
        samples = [part.sample("s", [10.0], part.modifier("mu", "normfactor")),
                   part.sample("b", [50.0])]  # fmt: skip
        return write({"SR": samples}, {"SR": [observed]})

    return make


def _ratio(n: float, tested: float, best: float) -> float:
    rate = lambda mu: 50.0 + 10.0 * mu  # noqa: E731
    return 2.0 * (rate(tested) - rate(best) - n * log(rate(tested) / rate(best)))


def test_counting_experiment(one_bin: Callable[..., Any]) -> None:
    q, a = _ratio(57.0, 2.0, 0.7), _ratio(50.0, 2.0, 0.0)
    found = hypotest(one_bin(57.0), 2.0)
    assert (found.q, found.q_asimov) == pytest.approx((q, a), rel=1e-9)
    assert found.clsb == pytest.approx(norm.sf(sqrt(q)), rel=1e-9)
    assert found.clb == pytest.approx(norm.sf(sqrt(q) - sqrt(a)), rel=1e-9)


def test_deficit_is_bounded_at_zero_or_not(one_bin: Callable[..., Any]) -> None:
    model, mu = one_bin(41.0), 1.5
    a = _ratio(50.0, mu, 0.0)
    bounded, unbounded = hypotest(model, mu), hypotest(model, mu, test_stat="q")
    assert bounded.q == pytest.approx(_ratio(41.0, mu, 0.0), rel=1e-9)
    assert unbounded.q == pytest.approx(_ratio(41.0, mu, -0.9), rel=1e-9)
    assert unbounded.mu_hat == pytest.approx(-0.9, rel=1e-5)
    far = (bounded.q - a) / (2.0 * sqrt(a))
    assert bounded.clsb == pytest.approx(norm.sf(far + sqrt(a)), rel=1e-9)
    assert unbounded.clsb == pytest.approx(norm.sf(sqrt(unbounded.q)), rel=1e-9)


def test_variable_behind_the_probabilities(one_bin: Callable[..., Any]) -> None:
    for observed in (41.0, 57.0, 90.0):
        found = hypotest(one_bin(observed), 1.5)
        assert norm.sf(found.teststat) == pytest.approx(found.clb, rel=1e-9)
        assert found.to_dict()["teststat"] == found.teststat


def test_two_sided_statistics(one_bin: Callable[..., Any]) -> None:
    excess = hypotest(one_bin(57.0), 0.2, test_stat="t")
    assert excess.q == pytest.approx(_ratio(57.0, 0.2, 0.7), rel=1e-8)
    assert excess.p_value == pytest.approx(2.0 * norm.sf(sqrt(excess.q)), rel=1e-9)
    assert (excess.cls, excess.clb, excess.expected_cls) == (None, None, None)
    deficit = hypotest(one_bin(41.0), 1.5, test_stat="ttilde")
    assert deficit.q == pytest.approx(_ratio(41.0, 1.5, 0.0), rel=1e-9)


def test_discovery_of_a_counting_experiment(one_bin: Callable[..., Any]) -> None:
    found = discovery(one_bin(57.0))
    assert found.z0 == pytest.approx(sqrt(_ratio(57.0, 0.0, 0.7)), rel=1e-8)
    assert found.p0 == pytest.approx(norm.sf(found.z0), rel=1e-12)
    assert found.z_expected == pytest.approx(sqrt(_ratio(60.0, 0.0, 1.0)), rel=1e-9)
    assert found.expected_z == pytest.approx(found.z_expected + np.arange(-2, 3))
    assert found.nll_mu0 - found.nll_hat == pytest.approx(found.q0 / 2)


def test_deficit_has_a_signed_significance_on_request(one_bin: Callable[..., Any]) -> None:
    capped, signed = discovery(one_bin(41.0)), discovery(one_bin(41.0), uncapped=True)
    assert (capped.q0, capped.z0, capped.p0) == (0.0, 0.0, 0.5)
    assert signed.z0 == pytest.approx(-sqrt(_ratio(41.0, 0.0, -0.9)), rel=1e-8)


def test_impossible_background_is_infinitely_significant(
    write: Callable[..., Any], part: Any
) -> None:
    signal = part.sample("s", [10.0], part.modifier("mu", "normfactor"))
    found = discovery(write({"SR": [signal]}, {"SR": [7.0]}))
    assert (found.z0, found.p0) == (inf, 0.0)
    assert found.to_dict()["z0"] is None


# -- edges -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mu", [0.0, -2.0])
def test_no_signal_is_never_excluded(load: Callable[..., Any], mu: float) -> None:
    found = hypotest(load("full"), mu)
    assert (found.cls, found.clsb, found.clb) == (1.0, 0.5, 0.5)
    assert found.expected_cls is not None
    assert found.expected_cls == pytest.approx(np.ones(5))


def test_best_fit_above_the_tested_value_is_no_evidence(load: Callable[..., Any]) -> None:
    found = hypotest(load("full"), 0.5)
    assert found.mu_hat > 0.5
    assert (found.q, found.clsb) == (0.0, 0.5)
    assert found.cls == pytest.approx(0.5 / norm.cdf(sqrt(found.q_asimov)))


def test_value_beyond_the_bound(load: Callable[..., Any]) -> None:
    found = hypotest(load("full"), 25.0)
    assert any("upper bound 10" in warning for warning in found.warnings)
    wide = fit_minimum(load("full"), fixed={"mu": 25.0}).nll - fit_minimum(load("full")).nll
    assert found.q == pytest.approx(2.0 * wide, rel=1e-8)


def test_bound_that_holds_the_best_fit_is_lifted(one_bin: Callable[..., Any]) -> None:
    model = one_bin(200.0)  # best fit 15, bound 10
    found = hypotest(model, 20.0)
    assert found.mu_hat == pytest.approx(15.0, rel=1e-5)
    assert found.q == pytest.approx(_ratio(200.0, 20.0, 15.0), rel=1e-8)


def test_ratio_of_probabilities_that_underflow(one_bin: Callable[..., Any]) -> None:
    found = hypotest(one_bin(1e6), 9e4, test_stat="q", bounds={"mu": (0.0, 2e5)})
    assert found.cls == pytest.approx(1.0) or found.q == 0.0
    far = hypotest(one_bin(50.0), 5000.0)
    assert far.clb == pytest.approx(0.5)
    assert far.cls == 0.0


def test_negative_bound_of_the_workspace(load: Callable[..., Any]) -> None:
    model = load("constrained")
    assert hypotest(model, 1.0, data=[700.0]).mu_hat == 0.0
    assert hypotest(model, 1.0, data=[700.0], test_stat="q").mu_hat < -1.0


def test_prefit_asimov(one_bin: Callable[..., Any], load: Callable[..., Any]) -> None:
    model = load("full")
    prefit, postfit = hypotest(model, 1.0, asimov="prefit"), hypotest(model, 1.0)
    assert "asimov_point" not in prefit.fits
    asimov = model.with_observed_main(
        model.expected_data([0.0, *model.suggested_init()[1:]], include_auxdata=False)
    )
    ratio = fit_minimum(asimov, fixed={"mu": 1.0}).nll - fit_minimum(asimov).nll
    assert prefit.q_asimov == pytest.approx(2.0 * ratio, rel=1e-6)
    assert prefit.q_asimov != pytest.approx(postfit.q_asimov, rel=1e-3)


def test_every_fit_is_kept(load: Callable[..., Any]) -> None:
    found = hypotest(load("full"), 1.0)
    assert set(found.fits) == {"free", "conditional", "asimov_point", "asimov_conditional"}
    assert found.fits["conditional"]["mu"] == 1.0
    assert found.fits["asimov_point"]["mu"] == 0.0
    assert found.q_asimov > 0.0


def test_fixed_nuisances_stay(load: Callable[..., Any]) -> None:
    found = hypotest(load("full"), 1.0, fixed={"bkg_norm": 0.5})
    assert {fit["bkg_norm"] for fit in found.fits.values()} == {0.5}


def test_failed_fits_are_reported_or_raised(load: Callable[..., Any]) -> None:
    options = FitOptions(max_iterations=1, tolerance=1e-12)
    found = hypotest(load("kinks"), 1.0, options=options)
    assert not found.converged
    assert "NOT converge" in repr(found)
    with pytest.raises(FitError, match="'free' of the test did not converge"):
        hypotest(
            load("kinks"), 1.0,
            options=FitOptions(max_iterations=1, tolerance=1e-12, on_failure="raise"),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"mu": np.nan}, "`mu` is nan"),
        ({"mu": 1.0, "test_stat": "q0"}, "tests mu = 0"),
        ({"mu": 1.0, "test_stat": "qmu"}, "no test statistic named 'qmu'"),
        ({"mu": 1.0, "asimov": "nominal"}, "`asimov` must be"),
        ({"mu": 1.0, "fixed": ["mu"]}, "'mu' is fixed"),
    ],
)
def test_refusals(load: Callable[..., Any], wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        hypotest(load("full"), wrong.pop("mu"), **wrong)


def test_models_that_have_no_test(load: Callable[..., Any]) -> None:
    with pytest.raises(MissingPOIError):
        hypotest(load("gammas"), 1.0)
    with pytest.raises(InputError, match="GaussianMeanModel"):
        hypotest(GaussianMeanModel([1.0], 1.0), 1.0)


# -- scans and limits ------------------------------------------------------------------------------


def test_scan_is_many_tests(load: Callable[..., Any]) -> None:
    model, values = load("full"), [3.0, 0.0, 1.0, 3.0, 12.0]
    found = cls_scan(model, values)
    single = [hypotest(model, mu) for mu in values]
    assert found.cls == pytest.approx([each.cls for each in single], abs=1e-8)
    bands = np.array([each.expected_cls for each in single]).T
    assert found.expected_cls == pytest.approx(bands, abs=1e-8)


def test_scan_interpolates_as_pyhf(load: Callable[..., Any], workspace: Callable[..., Any]) -> None:
    space = pyhf.Workspace(workspace("simple"))
    model = space.model()
    scan = np.linspace(0.2, 5.0, 11)
    observed, bands = pyhf.infer.intervals.upper_limits.upper_limit(
        space.data(model), model, scan, level=0.05
    )
    found = cls_scan(load("simple"), scan)
    assert found.observed_limit == pytest.approx(float(observed), rel=1e-5)
    assert found.expected_limits == pytest.approx([float(band) for band in bands], rel=1e-5)


def test_scan_that_never_crosses_says_so(load: Callable[..., Any]) -> None:
    found = cls_scan(load("simple"), [0.0, 0.2])
    assert found.observed_limit == inf
    assert any("extend the scan" in warning for warning in found.warnings)
    low = cls_scan(load("simple"), [4.0, 5.0])
    assert 0.0 < low.observed_limit < 4.0
    assert any("below 0.05 at the lowest value 4" in warning for warning in low.warnings)


@pytest.mark.parametrize("name", NAMES)
def test_limits_are_where_cls_is_alpha(load: Callable[..., Any], name: str) -> None:
    model = load(name)
    found = upper_limits(model)
    assert hypotest(model, found.observed).cls == pytest.approx(0.05, rel=1e-6)
    assert found.expected is not None
    for i, limit in enumerate(found.expected):
        bands = hypotest(model, limit).expected_cls
        assert bands is not None
        assert bands[i] == pytest.approx(0.05, rel=1e-6)


def test_limit_of_pyhf(load: Callable[..., Any], workspace: Callable[..., Any]) -> None:
    space = pyhf.Workspace(workspace("full"))
    model = space.model()
    observed, bands = pyhf.infer.intervals.upper_limits.upper_limit(
        space.data(model), model, level=0.05, rtol=1e-8
    )
    found = upper_limits(load("full"))
    assert found.observed == pytest.approx(float(observed), rel=1e-5)
    assert found.expected == pytest.approx([float(band) for band in bands], rel=1e-5)


@pytest.mark.parametrize("alpha", [0.32, 0.1, 1e-4])
def test_other_levels(load: Callable[..., Any], alpha: float) -> None:
    model = load("full")
    found = upper_limits(model, alpha=alpha, expected=False)
    assert found.expected is None
    assert hypotest(model, found.observed).cls == pytest.approx(alpha, rel=1e-6)


@pytest.mark.parametrize("scale", [1e-4, 1e3, 1e7])
def test_scale_of_the_signal_does_not_matter(
    write: Callable[..., Any], part: Any, scale: float
) -> None:
    def model(size: float) -> HistFactoryModel:
        signal = part.sample("s", [10.0 / size], part.modifier("mu", "normfactor"))
        return write({"SR": [signal, part.sample("b", [50.0])]}, {"SR": [53.0]})

    assert upper_limits(model(scale)).observed == pytest.approx(
        scale * upper_limits(model(1.0)).observed, rel=1e-6
    )


def test_signal_without_events_has_no_limit(write: Callable[..., Any], part: Any) -> None:
    signal = part.sample("s", [0.0], part.modifier("mu", "normfactor"))
    found = upper_limits(write({"SR": [signal, part.sample("b", [50.0])]}, {"SR": [53.0]}))
    assert found.observed == inf
    assert any("there is no limit" in warning for warning in found.warnings)
    assert found.to_dict()["obs_limit"] is None


def test_limits_take_few_fits(load: Callable[..., Any]) -> None:
    found = upper_limits(load("full"))
    assert found.n_rounds <= 4
    assert isfinite(found.observed)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"alpha": 0.0}, "`alpha` must lie between 0 and 1"),
        ({"rtol": 0.0}, "`rtol`"),
        ({"test_stat": "t"}, "need a statistic that has CLs"),
    ],
)
def test_refused_limits(load: Callable[..., Any], wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        upper_limits(load("full"), **wrong)
