"""Limits and confidence sets from toys of counting experiments, against sums over counts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import poisson

from nextstat_core.errors import InputError
from nextstat_core.infer import feldman_cousins, hypotest_toys, toy_upper_limit

COUNTS = np.arange(400)


@pytest.fixture(scope="module")
def counting(write, part):
    def make(observed, background, signal=1.0):
        sample = part.sample("signal", [signal], part.modifier("mu", "normfactor"))
        content = {"bin": [sample, part.sample("background", [background])]}
        return write(content, {"bin": [observed]})

    return make


def cls(mu, n, background, signal):
    """Exact CLs of a count below the tested expectation, for which the statistic falls with n."""
    return poisson.cdf(n, background + mu * signal) / poisson.cdf(n, background)


def test_limit_of_a_counting_experiment_is_that_of_poisson(counting):
    exact = brentq(lambda mu: cls(mu, 52, 50.0, 10.0) - 0.05, 0.1, 5.0)
    result = toy_upper_limit(counting(52.0, 50.0, 10.0), n_toys=2000)
    assert abs(result.observed - exact) < 4.0 * result.error
    assert result.error < 0.1
    assert result.warnings == ()
    # The median background-only count is 50.
    median = brentq(lambda mu: cls(mu, 50, 50.0, 10.0) - 0.05, 0.1, 5.0)
    assert result.expected[2] == pytest.approx(median, rel=0.1)
    assert list(result.expected) == sorted(result.expected)
    assert (np.diff(result.mu_values) > 0.0).all()
    assert result.expected_cls.shape == (5, len(result.mu_values))
    best = np.argmin(np.abs(result.mu_values - result.observed))
    assert abs(result.cls[best] - 0.05) < 4.0 * result.cls_error[best]


def test_limit_between_given_values(counting):
    model = counting(52.0, 50.0, 10.0)
    result = toy_upper_limit(model, mu_values=[1.0, 2.5], n_toys=500, alpha=0.1)
    first, second = (hypotest_toys(model, mu, n_toys=500) for mu in (1.0, 2.5))
    assert result.cls.tolist() == [first.cls, second.cls]
    share = np.log(first.cls / 0.1) / np.log(first.cls / second.cls)
    assert result.observed == pytest.approx(1.0 + 1.5 * share, rel=1e-12)


def test_values_that_do_not_reach_the_limit_say_so(counting):
    result = toy_upper_limit(counting(52.0, 50.0, 10.0), mu_values=[0.1, 0.2], n_toys=50)
    assert result.observed is None
    assert result.error is None
    assert "CLs does not cross 0.05 in the tested range, 0.1 ... 0.2" in result.warnings
    assert "Upper limit at 95 % from toys: none in the tested range" in repr(result)


def test_limits_are_kept_in_a_folder(counting, tmp_path):
    model, folder = counting(52.0, 50.0, 10.0), tmp_path / "limit"
    arguments = {"mu_values": [1.0, 2.0], "n_toys": 50, "checkpoint": folder}
    first = toy_upper_limit(model, **arguments)
    assert sorted(path.name for path in folder.iterdir()) == ["mu=1.0.npz", "mu=2.0.npz"]
    seen = []
    again = toy_upper_limit(model, progress=lambda *counts: seen.append(counts), **arguments)
    assert seen == []
    assert again.to_dict() == first.to_dict()


def p_feldman_cousins(mu, n, background):
    """Exact p-value of a count with the ordering of Feldman and Cousins, mu >= 0."""

    def t(counts):
        best = np.maximum(counts, background)
        rate = mu + background
        logs = np.where(counts > 0, counts * np.log(np.where(counts > 0, best, 1.0) / rate), 0.0)
        return 2.0 * (rate - best + logs)

    return poisson.pmf(COUNTS, mu + background)[t(COUNTS) >= t(np.array([n])) - 1e-9].sum()


def test_sets_of_feldman_and_cousins_are_those_of_sums_over_counts(counting):
    values = np.linspace(0.0, 12.0, 9)
    model = counting(6.0, 3.0)
    result = feldman_cousins(model, values, cl=0.9, n_toys=2000, bounds={"mu": (0.0, 40.0)})
    exact = np.array([p_feldman_cousins(mu, 6, 3.0) for mu in values])
    errors = np.sqrt(exact * (1.0 - exact) / 2000)
    assert (np.abs(result.p_values - exact) <= 4.0 * errors + 1e-3).all()
    np.testing.assert_array_equal(result.accepted, result.p_values > 0.1)
    assert result.contiguous
    assert (result.critical[result.accepted] >= result.q[result.accepted]).all()


def test_interval_is_that_of_the_table_of_feldman_and_cousins(counting):
    # Phys. Rev. D 57 (1998) 3873, table IV: six events, three of background, 90 %: 0.15 ... 8.47.
    assert p_feldman_cousins(0.145, 6, 3.0) < 0.1 < p_feldman_cousins(0.155, 6, 3.0)
    assert p_feldman_cousins(8.465, 6, 3.0) > 0.1 > p_feldman_cousins(8.475, 6, 3.0)
    values = [0.0, 1.0, 7.5, 9.5]
    result = feldman_cousins(
        counting(6.0, 3.0), values, cl=0.9, n_toys=4000, bounds={"mu": (0.0, 40.0)}
    )
    ((low, high),) = result.intervals
    assert 0.0 < low < 1.0
    assert 7.5 < high < 9.5
    assert result.accepted.tolist() == [False, True, True, False]


def test_sets_that_end_at_the_range_or_are_empty_say_so(counting):
    model = counting(50.0, 50.0, 10.0)
    open_set = feldman_cousins(model, [-0.1, 0.1], n_toys=50, test_stat="t")
    assert open_set.intervals == ((-0.1, 0.1),)
    assert "the set reaches the lowest tested value, -0.1" in open_set.warnings
    assert "the set reaches the highest tested value, 0.1" in open_set.warnings
    empty = feldman_cousins(model, [5.0, 6.0], n_toys=50)
    assert empty.intervals == ()
    assert not empty.contiguous
    assert "no tested value is accepted" in empty.warnings
    assert repr(empty).startswith("Feldman-Cousins set at 68.27 %: empty")


def test_gaps_in_a_set_are_reported():
    from nextstat_core.infer.feldman_cousins import _intervals, _remarks

    values = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    p = np.array([0.2, 0.6, 0.2, 0.6, 0.5])
    intervals = _intervals(values, p, 0.4)
    assert intervals == (pytest.approx((0.5, 1.5)), pytest.approx((2.5, 4.0)))
    remarks = _remarks(values, p > 0.4, len(intervals))
    assert "the set is not contiguous: it consists of 2 intervals" in remarks


@pytest.mark.parametrize(
    ("function", "arguments", "complaint"),
    [
        (toy_upper_limit, {"alpha": 1.0}, "`alpha` must lie between 0 and 1"),
        (toy_upper_limit, {"test_stat": "t"}, "limits take the statistic 'qtilde' or 'q'"),
        (toy_upper_limit, {"n_toys": 0}, "n_toys must be > 0"),
        (feldman_cousins, {"values": [1.0, 1.0]}, "at least two different values"),
        (feldman_cousins, {"values": [0.0, 1.0], "cl": 0.0}, "`cl` must lie between 0 and 1"),
        (feldman_cousins, {"values": [0.0, 1.0], "test_stat": "q"}, "takes 'ttilde' or 't'"),
    ],
)
def test_arguments_that_cannot_be_used(counting, function, arguments, complaint):
    with pytest.raises(InputError, match=complaint):
        function(counting(52.0, 50.0, 10.0), **arguments)
