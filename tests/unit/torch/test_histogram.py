"""Soft histograms: closed forms, limits, and what happens outside of the range."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="nextstat-torch needs PyTorch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from nextstat_core.errors import InputError  # noqa: E402
from nextstat_torch import SoftHistogram  # noqa: E402

EDGES = [0.0, 1.0, 2.0, 3.0]
scores = st.lists(st.floats(-50.0, 50.0), min_size=1, max_size=20)


def phi(x):
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


@given(scores, st.floats(1e-3, 10.0))
@settings(max_examples=50, deadline=None)
def test_the_gaussian_mode_loses_nothing(values, bandwidth):
    fill = SoftHistogram(EDGES, bandwidth=bandwidth, mode="gaussian")
    total = fill(torch.tensor(values, dtype=torch.float64)).sum()
    assert float(total) == pytest.approx(len(values), rel=1e-13)


def test_the_gaussian_mode_is_the_integral_over_each_bin():
    fill = SoftHistogram(EDGES, bandwidth=0.4, mode="gaussian")
    found = fill.shares(torch.tensor([0.7, 9.0], dtype=torch.float64))
    low, high = phi((1.0 - 0.7) / 0.4), phi((2.0 - 0.7) / 0.4)
    np.testing.assert_allclose(found[0], [low, high - low, phi(-(2.0 - 0.7) / 0.4)], rtol=1e-13)
    # Far tails keep their digits.
    far = phi(-(9.0 - 2.0) / 0.4)
    assert float(found[1][1]) == pytest.approx(far, rel=1e-6)


def test_a_small_bandwidth_is_the_hard_histogram():
    generator = torch.Generator().manual_seed(3)
    values = 3.0 * torch.rand(500, generator=generator, dtype=torch.float64)
    weights = torch.rand(500, generator=generator, dtype=torch.float64)
    fill = SoftHistogram(EDGES, bandwidth=1e-9, mode="gaussian")
    hard, _ = np.histogram(values, EDGES, weights=weights)
    np.testing.assert_allclose(fill(values, weights), hard, rtol=1e-12)


def test_shares_by_distance_go_to_the_nearest_bin_until_they_underflow():
    fill = SoftHistogram(EDGES)
    assert fill.bandwidth == 0.5
    values = torch.tensor([0.5, 1.4, 10.0, -50.0])
    assert float(fill(values).sum()) == pytest.approx(2.0)
    pulls = [math.exp(-0.5 * ((1.4 - center) / 0.5) ** 2) for center in (0.5, 1.5, 2.5)]
    np.testing.assert_allclose(fill.shares(values)[1], np.array(pulls) / sum(pulls), rtol=1e-5)


def test_differences_of_logistic_functions_lose_what_is_outside():
    fill = SoftHistogram(EDGES, bandwidth=0.1, mode="sigmoid")
    found = fill(torch.tensor([1.5, 10.0], dtype=torch.float64))
    expected = 1.0 / (1.0 + math.exp(-5.0)) - 1.0 / (1.0 + math.exp(5.0))
    assert float(found[1]) == pytest.approx(expected, rel=1e-12)
    assert float(found.sum()) < 1.0 + 1e-12


@pytest.mark.parametrize("mode", ["kde", "sigmoid", "gaussian"])
def test_histograms_are_differentiable_in_scores_and_weights(mode):
    fill = SoftHistogram(EDGES, bandwidth=0.3, mode=mode)
    values = torch.tensor([0.2, 1.1, 2.9], dtype=torch.float64, requires_grad=True)
    weights = torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(fill, (values, weights))


def test_one_bin_has_everything():
    fill = SoftHistogram([0.0, 1.0], mode="gaussian")
    assert fill(torch.tensor([0.5, 7.0])).tolist() == [2.0]


def test_sizes_and_types():
    fill = SoftHistogram(torch.tensor(EDGES), bandwidth=0.2)
    assert fill.n_bins == 3
    assert fill.bin_edges.tolist() == EDGES
    assert fill.bin_centers.tolist() == [0.5, 1.5, 2.5]
    assert fill(torch.tensor([0.5])).dtype == torch.float32
    assert "3 bins" in repr(fill)


def test_what_cannot_be_filled_is_refused():
    fill = SoftHistogram(EDGES)
    for call, message in [
        (lambda: SoftHistogram([1.0]), "2 or more edges"),
        (lambda: SoftHistogram([[0.0, 1.0]]), "one axis"),
        (lambda: SoftHistogram([0.0, 2.0, 1.0]), "increase"),
        (lambda: SoftHistogram(EDGES, mode="box"), "box"),
        (lambda: SoftHistogram(EDGES, bandwidth=0.0), "positive"),
        (lambda: fill(torch.zeros(2, 2)), "one axis"),
        (lambda: fill(torch.zeros(2), torch.zeros(3)), "expected 2, found 3"),
    ]:
        with pytest.raises(InputError, match=message):
            call()
