"""Generated workspaces against pyhf, evaluated side by side at random points and at minima."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest

from nextstat_core.testing import Draws, Recipe, Workspace, generate_workspace
from parity_matrix.generated import NAMED, RECIPES

pyhf = pytest.importorskip("pyhf", reason="the reference of these tests")
nextstat = pytest.importorskip("nextstat", reason="parity tests use the public interface")

# pyhf 0.7.6 validates its schemas with a part of jsonschema that is deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")

#: Codes of normsys and histosys: every one that pyhf accepts, and our names for them.
CODES = list(itertools.product(("code1", "code4"), ("code0", "code2", "code4p")))


class Pair:
    """The same workspace in both."""

    def __init__(self, workspace: Workspace, codes: tuple[str, str] = ("code4", "code4p")) -> None:
        normsys, histosys = codes
        settings = {"normsys": {"interpcode": normsys}, "histosys": {"interpcode": histosys}}
        loaded = pyhf.Workspace(workspace)
        self.theirs = loaded.model(modifier_settings=settings)
        self.data = loaded.data(self.theirs)
        # pyhf's code 2 jumps at |alpha| = 1; ours of that name is continuous, as in ROOT.
        ours = {"normsys": normsys, "histosys": histosys.replace("code2", "code2_pyhf")}
        arguments = {} if codes == ("code4", "code4p") else {"interpolation": ours}
        self.ours = nextstat.from_pyhf(json.dumps(workspace), **arguments)
        self.order = np.asarray(self.ours.pyhf_order())

    def in_our_order(self, pyhf_values: list[float]) -> list[float]:
        values = np.empty(len(pyhf_values))
        values[self.order] = pyhf_values
        return values.tolist()

    def nll_of_pyhf(self, pyhf_values: list[float]) -> float:
        return -float(self.theirs.logpdf(pyhf_values, self.data)[0])

    def random_point(self, draws: Draws) -> list[float]:
        """A point in pyhf's order: centres at the start, a width for each kind of parameter."""
        config = self.theirs.config
        values = []
        for start, (low, high), fixed in zip(
            config.suggested_init(), config.suggested_bounds(), config.suggested_fixed(),
            strict=True,
        ):  # fmt: skip
            width = 1.5 if low <= -1.0 else 0.25
            moved = start if fixed else start + width * draws.uniform(-1.0, 1.0)
            values.append(min(max(moved, low), high))
        return values

    def has_positive_rates(self, pyhf_values: list[float]) -> bool:
        """Whether every bin with events has a rate; elsewhere ours continues and pyhf is NaN."""
        rates = self.theirs.expected_actualdata(pyhf_values)
        observed = self.data[: len(rates)]
        return all(rate > 1e-3 or n == 0.0 for rate, n in zip(rates, observed, strict=True))


def assert_same_values(pair: Pair, seed: int, n_points: int) -> None:
    draws, compared = Draws(seed), 0
    points = [pair.theirs.config.suggested_init()]
    points += [pair.random_point(draws) for _ in range(n_points)]
    for point in filter(pair.has_positive_rates, points):
        compared += 1
        values, expected = pair.in_our_order(point), pair.nll_of_pyhf(point)
        assert math.isfinite(expected)
        assert abs(pair.ours.nll(values) - expected) <= 1e-10 * max(1.0, abs(expected))
        assert_same_expected_data(pair, point, values)
    assert compared >= 1 + n_points // 3


def assert_same_expected_data(pair: Pair, point: list[float], values: list[float]) -> None:
    found = np.asarray(pair.ours.expected_data(values))
    expected = np.asarray(pair.theirs.expected_data(point))
    n_main = len(pair.theirs.expected_actualdata(point))
    channels = pair.ours.expected_main_by_channel_sample(values)
    cells = [np.sum(np.abs([s["y"] for s in each["samples"]]), axis=0) for each in channels]
    allowed = 1e-12 * np.concatenate([*cells, np.abs(expected[n_main:])])
    assert found.shape == expected.shape
    assert np.all(np.abs(found - expected) <= allowed)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES.keys())
@pytest.mark.parametrize("seed", [0, 1])
def test_generated_model_has_the_values_of_pyhf_at_random_points(seed: int, recipe: Recipe) -> None:
    assert_same_values(Pair(generate_workspace(seed, recipe)), seed=seed + 100, n_points=6)


@pytest.mark.parametrize("workspace", NAMED.values(), ids=NAMED.keys())
def test_named_model_has_the_values_of_pyhf_at_random_points(workspace: Workspace) -> None:
    assert_same_values(Pair(workspace), seed=3, n_points=6)


@pytest.mark.parametrize("codes", CODES, ids=["-".join(codes) for codes in CODES])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_interpolation_code_has_the_values_of_pyhf(seed: int, codes: tuple[str, str]) -> None:
    recipe = Recipe(n_normsys=3, n_histosys=3, n_coupled=1, n_one_sided=2, n_large_normsys=1)
    pair = Pair(generate_workspace(seed, recipe), codes)
    assert_same_values(pair, seed=seed + 200, n_points=10)


@pytest.mark.parametrize("alpha", [-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("codes", CODES, ids=["-".join(codes) for codes in CODES])
def test_interpolation_agrees_inside_outside_and_at_the_joints(
    alpha: float, codes: tuple[str, str]
) -> None:
    pair = Pair(generate_workspace(7, n_normsys=1, n_histosys=1), codes)
    names = pair.theirs.config.par_names
    point = [1.0 if name == "mu" else alpha for name in names]
    expected = pair.nll_of_pyhf(point)
    found = pair.ours.nll(pair.in_our_order(point))
    assert abs(found - expected) <= 1e-10 * max(1.0, abs(expected))


@pytest.mark.parametrize("name", ["everything", "staterror and shapesys", "one-sided"])
def test_gradient_is_the_slope_of_pyhf(name: str) -> None:
    pair = Pair(generate_workspace(2, RECIPES[name]))
    point = pair.theirs.config.suggested_init()
    found = np.asarray(pair.ours.grad_nll(pair.in_our_order(point)))[pair.order]
    for i in range(len(point)):
        step = 1e-5
        up, down = list(point), list(point)
        up[i] += step
        down[i] -= step
        slope = (pair.nll_of_pyhf(up) - pair.nll_of_pyhf(down)) / (2.0 * step)
        assert found[i] == pytest.approx(slope, rel=1e-5, abs=2e-4)


def minimum_of_pyhf(pair: Pair) -> float:
    try:
        _, twice_nll = pyhf.infer.mle.fit(pair.data, pair.theirs, return_fitted_val=True)
    except pyhf.exceptions.FailedMinimization as error:
        pytest.skip(f"pyhf finds no minimum: {error}")
    return 0.5 * float(twice_nll)


FITTED = [(seed, name) for name in RECIPES for seed in ((0,) if name == "everything" else (0, 1))]


@pytest.mark.parametrize(("seed", "name"), FITTED)
def test_minimum_is_not_above_that_of_pyhf_with_scipy(seed: int, name: str) -> None:
    pair = Pair(generate_workspace(seed, RECIPES[name]))
    result = nextstat.fit(pair.ours)
    assert result.nll <= minimum_of_pyhf(pair) + 1e-6
    assert result.converged == (result.termination_reason == "edm")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20, 60))
def test_minima_of_many_seeds_are_not_above_those_of_pyhf(seed: int) -> None:
    draws = Draws(seed)
    recipe = Recipe(
        n_channels=1 + draws.choose(3),
        n_bins=1 + draws.choose(5),
        n_samples=3,
        n_normsys=draws.choose(4),
        n_histosys=draws.choose(4),
        n_coupled=draws.choose(2),
        n_one_sided=draws.choose(3),
        n_large_normsys=draws.choose(2),
        staterror=draws.chance(0.5),
        shapesys=draws.chance(0.3),
        lumi=draws.chance(0.3),
    )
    pair = Pair(generate_workspace(seed, recipe))
    result = nextstat.fit(pair.ours)
    assert result.nll <= minimum_of_pyhf(pair) + 1e-6
