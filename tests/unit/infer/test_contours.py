"""Contours against ellipses, the definition, and grids."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.stats import chi2

from nextstat_core.errors import InputError
from nextstat_core.infer import contour, fit_minimum, profile_scan_2d
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import StrictBackend, coupled_histosys

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def _is_inside(polygon: NDArray[np.float64], x: float, y: float) -> bool:
    """Whether a ray to the right crosses the polygon an odd number of times."""
    crossings = 0
    for (x0, y0), (x1, y1) in pairwise(polygon):
        if (y0 > y) != (y1 > y):
            crossings += x < x0 + (y - y0) * (x1 - x0) / (y1 - y0)
    return crossings % 2 == 1


def test_ellipse_of_a_gaussian(shape: Any) -> None:
    covariance = np.array([[4.0, 1.8, 0.5], [1.8, 1.0, 0.1], [0.5, 0.1, 2.0]])
    found = contour(shape.tilted(covariance), "x", "y", n_points=16)
    assert found.delta == pytest.approx(chi2.ppf([0.683, 0.95], 2), rel=1e-12)
    weight = np.linalg.inv(covariance[:2, :2])
    for delta, corners in zip(found.delta, found.points, strict=True):
        assert np.einsum("ij,jk,ik->i", corners, weight, corners) == pytest.approx(
            np.full(17, delta), rel=1e-6
        )
        assert corners[0].tolist() == corners[-1].tolist()
    # Rays go round once, in the positive sense.
    angle = np.unwrap(np.arctan2(found.points[0, :, 1], found.points[0, :, 0]))
    assert angle[-1] - angle[0] == pytest.approx(2.0 * np.pi)


@pytest.mark.parametrize("pair", [("mu", "k_bkg"), ("bkg_norm", "k_bkg"), ("lumi", "mu")])
def test_corners_lie_on_the_level(load: Callable[..., Any], pair: tuple[str, str]) -> None:
    model = load("full")
    wide = {"mu": (-3.0, 10.0), "lumi": (0.5, 1.5)}
    found = contour(model, *pair, levels=[0.5], n_points=8, bounds=wide)
    best = fit_minimum(model, bounds=wide)
    assert {end for ends in found.ends for end in ends} == {""}
    for corner in found.points[0]:
        held = dict(zip(pair, corner.tolist(), strict=True))
        rise = 2.0 * (fit_minimum(model, fixed=held, bounds=wide).nll - best.nll)
        assert rise == pytest.approx(found.delta[0], rel=1e-6)


def test_bounds_cut_a_contour(load: Callable[..., Any]) -> None:
    model = load("simple")  # best fit at the bound: mu = 0
    found = contour(model, "mu", "gamma[0]", levels=[0.683], n_points=32)
    corners, ends = found.points[0, :-1], np.array(found.ends[0])
    assert set(ends) == {"", "bound"}
    assert (corners[:, 0] >= 0.0).all()
    assert (corners[ends == "bound", 0] == 0.0).all()
    rise = 2.0 * (found.fits.nll - found.best.nll)
    assert rise[ends == ""] == pytest.approx(found.delta[0], rel=1e-6)
    assert (rise[ends == "bound"] < found.delta[0]).all()
    assert "bound: " in repr(found)


def test_bent_valley_against_a_grid(shape: Any) -> None:
    model = shape.banana()
    found = contour(model, "x", "y", levels=[0.95], n_points=96)
    x, y = np.linspace(-3.0, 3.0, 21), np.linspace(-2.0, 4.0, 21)
    grid = profile_scan_2d(model, ("x", x), ("y", y))
    rise = grid.twice_delta_nll
    compared = 0
    for i, j in np.argwhere(np.abs(rise - found.delta[0]) > 0.2):
        compared += 1
        inside = _is_inside(found.points[0], x[i], y[j])
        assert inside == (rise[i, j] < found.delta[0]), (x[i], y[j])
    assert compared > 300
    # It is not convex: the straight line between its horns leaves it.
    corners = found.points[0]
    left, right = corners[np.argmin(corners[:, 0])], corners[np.argmax(corners[:, 0])]
    assert not _is_inside(corners, *(0.5 * (left + right)))


def test_no_line_in_some_direction(shape: Any) -> None:
    def value(p: Any) -> Any:
        return 0.5 * (1.0 - np.exp(-(p[0] ** 2))) + 0.5 * p[1] ** 2

    model = shape.Shape(
        ["x", "y"], value, lambda p: [p[0] * np.exp(-(p[0] ** 2)), p[1]], bounds=(-np.inf, np.inf)
    )
    found = contour(model, "x", "y", levels=[0.9], n_points=4)
    assert found.ends[0] == ("open", "", "open", "")
    assert np.isnan(found.points[0, 0]).all()
    assert found.to_dict()["contours"][0]["points"][0] is None
    assert "open: 2" in repr(found)


def test_a_lower_minimum_on_the_way(write: Any, load: Callable[..., Any]) -> None:
    document = coupled_histosys()
    for channel in document["channels"]:
        extra = {"name": "norm", "type": "normsys", "data": {"hi": 1.02, "lo": 0.98}}
        channel["samples"][0]["modifiers"].append(extra)
    model = HistFactoryModel.from_pyhf(document)
    found = contour(model, "shared", "norm", levels=[0.95])
    assert found.best.nll == pytest.approx(fit_minimum(model).nll, abs=1e-9)


def test_strict_backend_and_tables(load: Callable[..., Any], read_html: Any) -> None:
    here = contour(load("full"), "mu", "k_bkg", n_points=6)
    there = contour(load("full").to(StrictBackend()), "mu", "k_bkg", n_points=6)
    assert there.points == pytest.approx(here.points, abs=1e-6)
    assert read_html(here._repr_html_()).rows[0][:2] == ["level", "2 dNLL"]
    assert len(here.to_dict()["contours"][1]["points"]) == 7


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (("mu", "mu"), {}, "both parameters are 'mu'"),
        (("mu", "nu"), {}, "no parameter named 'nu'"),
        (("mu", "k_bkg"), {"levels": [95.0]}, "`levels` has 95"),
        (("mu", "k_bkg"), {"n_points": 3}, "at least 4"),
        (("mu", "k_bkg"), {"fixed": ["mu"]}, "'mu' is fixed"),
    ],
)
def test_refused_arguments(
    load: Callable[..., Any], names: tuple[str, str], options: Any, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        contour(load("full"), *names, **options)
