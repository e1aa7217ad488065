"""Rows that hold parameters: each must end where a fit with these parameters fixed ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nextstat_core.infer import FitOptions, conditional, fit_minimum
from nextstat_core.infer.conditional import Conditional
from nextstat_core.infer.request import make_request
from nextstat_core.infer.target import BatchData, target_of
from nextstat_core.models import GaussianMeanModel, HistFactoryModel
from nextstat_core.optimize import Status
from nextstat_core.testing import StrictBackend, coupled_histosys, many_channels

if TYPE_CHECKING:
    from collections.abc import Callable

    from nextstat_core.models import StatisticalModel

NAMES = ["simple", "full", "counting", "two_gammas", "constrained", "kinks"]


def _around(model: StatisticalModel, **wishes: Any) -> Conditional:
    target = target_of(model)
    return Conditional.around_fit(target, make_request(target, **wishes), None, FitOptions())


def _check(model: HistFactoryModel, held: list[list[str]], values: Any, **how: Any) -> None:
    around = _around(model)
    position = np.array([[around.target.names.index(name) for name in row] for row in held])
    found = around.fit(position, np.asarray(values, dtype=float), **how)
    for row, (names, wanted) in enumerate(zip(held, values, strict=True)):
        fixed = dict(zip(names, wanted, strict=True))
        best = fit_minimum(model, fixed=fixed)
        assert found.converged[row]
        # Both are within their estimated distance of the minimum.
        assert found.fits.nll[row] == pytest.approx(best.nll, abs=2e-8, rel=1e-13)
        assert [found.fits.values[row, i] for i in position[row]] == wanted
        assert best.final_gradient is not None
        slope = model.grad_nll(found.fits.values[row])
        assert found.slope[row] == pytest.approx([slope[i] for i in position[row]], abs=1e-9)


@pytest.mark.parametrize("certify", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_any_held_parameter(load: Callable[..., Any], name: str, certify: bool) -> None:
    model = load(name)
    names = [n for n, (low, up) in zip(model.parameter_names(), model.suggested_bounds(),
                                       strict=True) if low < up]  # fmt: skip
    best = dict(zip(names, fit_minimum(model).parameters, strict=False))
    held = [[n] for n in names for _ in (0, 1)]
    values = [[best[n] + step] for n in names for step in (-0.05, 0.1)]
    inside = [v[0] > 0 or "[" not in n[0] for n, v in zip(held, values, strict=True)]
    held = [h for h, fine in zip(held, inside, strict=True) if fine]
    values = [v for v, fine in zip(values, inside, strict=True) if fine]
    _check(model, held, values, certify=certify)


def test_far_from_the_minimum(load: Callable[..., Any]) -> None:
    _check(load("full"), [["mu"]] * 4, [[0.0], [5.0], [9.9], [20.0]])


@pytest.mark.parametrize("certify", [True, False])
def test_rows_that_get_lost_are_fitted_again(
    load: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, certify: bool
) -> None:
    def lost(*arguments: Any, **options: Any) -> Any:
        fits, count = minimise_rows(*arguments, **options)
        fits.status[1], fits.nll[1], fits.values[1, 1:] = Status.MAX_ITERATIONS, 1e14, 3.0
        return fits, count

    minimise_rows = conditional.minimise_rows
    monkeypatch.setattr(conditional, "minimise_rows", lost)
    _check(load("full"), [["mu"]] * 3, [[0.5], [1.5], [5.0]], certify=certify)


@pytest.mark.parametrize("certify", [True, False])
def test_two_held_parameters(load: Callable[..., Any], certify: bool) -> None:
    pairs = [["mu", "k_bkg"], ["bkg_norm", "mu"], ["bkg_ss[1]", "staterror_CR[0]"]]
    _check(load("full"), pairs, [[2.0, 1.1], [0.3, 0.5], [1.1, 0.95]], certify=certify)


def test_another_minimum_is_found(load: Callable[..., Any]) -> None:
    model = HistFactoryModel.from_pyhf(coupled_histosys())
    held = model.parameter_names()[0]
    _check(model, [[held], [held]], [[0.4], [1.3]])


def test_strict_backend(load: Callable[..., Any]) -> None:
    _check(load("full").to(StrictBackend()), [["mu"], ["bkg_ss[0]"]], [[0.2], [1.05]])


def test_parameters_at_a_bound_stay_there(load: Callable[..., Any]) -> None:
    model = load("simple")
    assert fit_minimum(model).parameters[0] == 0.0
    around = _around(model)
    found = around.fit(np.array([[1], [1]]), np.array([[0.9], [1.1]]), certify=False)
    for row, value in enumerate([0.9, 1.1]):
        best = fit_minimum(model, fixed={model.parameter_names()[1]: value})
        assert found.fits.values[row] == pytest.approx(best.parameters, abs=1e-5)


def test_rows_with_data_of_their_own(load: Callable[..., Any]) -> None:
    model = load("full")
    around = _around(model)
    main = np.array([model.observed_main, model.observed_main + 3.0])
    found = around.fit(np.array([[0], [0]]), np.array([[1.0], [1.0]]), data=BatchData(main))
    for row in (0, 1):
        best = fit_minimum(model, data=main[row], fixed={"mu": 1.0})
        assert found.fits.nll[row] == pytest.approx(best.nll, abs=2e-8)


def test_rows_do_not_depend_on_their_neighbours() -> None:
    model = HistFactoryModel.from_pyhf(many_channels())
    around = _around(model)
    held = np.full((30, 1), model.poi_index())
    values = np.linspace(0.1, 3.0, 30)[:, None]
    whole = around.fit(held, values, certify=False).fits.values
    parts = [around.fit(held[i : i + 7], values[i : i + 7], certify=False) for i in range(0, 30, 7)]
    assert np.array_equal(whole, np.concatenate([part.fits.values for part in parts]))


def test_no_rows(load: Callable[..., Any]) -> None:
    found = _around(load("full")).fit(np.zeros((0, 1), dtype=np.intp), np.zeros((0, 1)))
    assert found.fits.values.shape == (0, 14)


def test_general_models() -> None:
    model = GaussianMeanModel([1.0, 2.0, 4.0], 0.5)
    found = _around(model).fit(np.array([[0]]), np.array([[2.0]]))
    assert found.fits.nll == pytest.approx([model.nll([2.0])])
    assert found.slope[0] == pytest.approx(model.grad_nll([2.0]))


def _with_saddle_at_the_bound(write: Callable[..., Any], part: Any) -> HistFactoryModel:
    """A factor at its lower bound, where the Hessian is not positive definite with it."""
    extra = part.sample(
        "extra",
        [10.0],
        part.modifier("k", "normfactor"),
        part.modifier("extra_norm", "normsys", {"hi": 1.5, "lo": 0.6}),
    )
    background = part.sample(
        "bkg", [50.0], part.modifier("bkg_norm", "normsys", {"hi": 1.2, "lo": 0.8})
    )
    signal = part.sample("signal", [20.0], part.modifier("mu", "normfactor"))
    channels = {"CR": [extra, background], "SR": [signal, background]}
    model: HistFactoryModel = write(channels, {"CR": [20.0], "SR": [70.0]})
    return model


def test_metric_survives_a_saddle_at_a_bound(write: Callable[..., Any], part: Any) -> None:
    model = _with_saddle_at_the_bound(write, part)
    around = _around(model)
    names = model.parameter_names()
    held = [["mu"], ["mu"], ["extra_norm"], ["bkg_norm"]]
    _check(model, held, [[0.5], [3.0], [0.4], [-1.0]])
    position = np.array([[names.index(name) for (name,) in held[:3]]]).T
    assert around.fit(position, np.array([[0.5], [3.0], [0.4]]), certify=False).n_newton == 0


def test_parameter_that_leaves_its_bound(write: Callable[..., Any], part: Any) -> None:
    model = _with_saddle_at_the_bound(write, part)
    # With so little background the factor is needed; and one row holds it itself.
    _check(model, [["bkg_norm"], ["k"], ["mu"]], [[-5.0], [0.7], [1.0]])
    found = _around(model).fit(
        np.array([[model.parameter_names().index("bkg_norm")]]), np.array([[-5.0]])
    )
    assert found.fits.values[0, model.parameter_names().index("k")] > 0.2
