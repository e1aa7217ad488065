"""A signal that is put in is found again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nextstat_core.errors import InputError, MissingPOIError
from nextstat_core.infer import fit, fit_minimum, fit_toys, inject_signal, signal_injection
from nextstat_core.models import GaussianMeanModel
from nextstat_core.testing import StrictBackend

if TYPE_CHECKING:
    from collections.abc import Callable


def test_counts_are_the_expected_ones(load: Callable[..., Any]) -> None:
    injected = inject_signal(load("counting"), 0.7)
    assert injected.observed_main == pytest.approx([12.0, 40.7], rel=1e-12)


@pytest.mark.parametrize("name", ["simple", "full", "two_gammas", "constrained"])
def test_a_fit_finds_the_truth(load: Callable[..., Any], name: str) -> None:
    model = load(name)
    truth = fit_minimum(model, fixed={"mu": 1.3})
    injected = inject_signal(model, 1.3)
    found = fit(injected)
    # Auxiliary data moved along with the nuisances: the gradient is zero at the truth.
    assert np.abs(injected.grad_nll(truth.values)).max() < 2e-3
    assert found.values == pytest.approx(truth.values, abs=2e-4)
    assert found["mu"].value == pytest.approx(1.3, abs=1e-5)
    assert injected.expected_data(truth.values) == pytest.approx(
        [*injected.observed_main, *injected.auxdata], rel=1e-4
    )
    # The original keeps its data.
    assert model.observed_main.tolist() == load(name).observed_main.tolist()


def test_nominal_and_chosen_nuisances(load: Callable[..., Any]) -> None:
    model = load("full")
    start = model.suggested_init()
    nominal = inject_signal(model, 2.0, at="prefit")
    assert nominal.observed_main == pytest.approx(
        model.expected_data([2.0, *start[1:]], include_auxdata=False)
    )
    assert nominal.auxdata == model.auxdata
    chosen = [0.0, 1.01, 0.5, *start[3:]]
    moved = inject_signal(model, 2.0, at=chosen)
    assert fit(moved).values == pytest.approx([2.0, *chosen[1:]], abs=1e-6)


def test_response_to_asimov_data_is_the_identity(load: Callable[..., Any]) -> None:
    mus = [0.0, 0.5, 1.0, 3.0]
    found = signal_injection(load("full"), mus)
    assert found.fitted == pytest.approx(mus, abs=1e-4)
    single = fit(inject_signal(load("full"), 3.0))
    assert found.errors[3] == pytest.approx(single["mu"].error, rel=1e-4)
    assert found.toys == ()
    assert found.warnings == ()


def test_toys_are_those_of_fit_toys(load: Callable[..., Any]) -> None:
    model, mus = load("full"), [0.5, 2.0]
    found = signal_injection(model, mus, n_toys=40, seed=7)
    assert found.n_converged == (40, 40)
    for i, toys in enumerate(found.toys):
        alone = fit_toys(
            model, found.truth[i], n_toys=40, seed=7, ensemble=i, bounds={"mu": (-9.0, 20.0)}
        )
        assert toys.column("mu") == pytest.approx(alone.column("mu"), abs=1e-3)
        values = alone.column("mu")
        assert found.toy_mean[i] == pytest.approx(values.mean(), abs=1e-3)
        assert found.toy_width[i] == pytest.approx(values.std(ddof=1), abs=1e-3)


def test_pulls_have_width_one(load: Callable[..., Any]) -> None:
    found = signal_injection(load("constrained"), [0.0, 1.0], n_toys=400, seed=3)
    # 3.5 standard errors of a mean and of a width of 400 toys.
    assert np.abs(found.pull_mean).max() < 3.5 / np.sqrt(400)
    assert found.pull_width == pytest.approx([1.0, 1.0], abs=3.5 / np.sqrt(800))


def test_strict_backend(load: Callable[..., Any]) -> None:
    here = signal_injection(load("full"), [1.0], n_toys=3)
    there = signal_injection(load("full").to(StrictBackend()), [1.0], n_toys=3)
    assert there.fitted == pytest.approx(here.fitted, abs=1e-6)
    assert there.toys[0].nll == pytest.approx(here.toys[0].nll, abs=1e-7)


def test_tables(load: Callable[..., Any], read_html: Any) -> None:
    found = signal_injection(load("full"), [0.0, 1.0], n_toys=5)
    assert repr(found).startswith("mu put in at 2 values, 5 toys each")
    assert read_html(found._repr_html_()).rows[0][3] == "mean of toys"
    assert found.to_dict()["n_toys"] == [5, 5]


def test_refused(load: Callable[..., Any]) -> None:
    model = load("full")
    for arguments, message in (
        ({"mus": []}, "n > 0"),
        ({"mus": [np.inf]}, "expected a finite number"),
        ({"mus": [1.0], "n_toys": -1}, "`n_toys` is -1"),
        ({"mus": [1.0], "at": "post"}, "'postfit', 'prefit' or parameters; found 'post'"),
    ):
        with pytest.raises(InputError, match=message):
            signal_injection(model, **arguments)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="bin 0: observed count is -"):
        inject_signal(load("counting"), -3.0, at="prefit")
    with pytest.raises(MissingPOIError):
        inject_signal(load("gammas"), 1.0)
    with pytest.raises(InputError, match="needs a HistFactory model"):
        signal_injection(GaussianMeanModel([1.0], 1.0), [1.0])  # type: ignore[arg-type]
