"""The ranking says which systematic dominates, at the price of a few gradients per refit.

It holds constrained nuisance parameters only, in an order that rounding does not change, one width
of their constraint from its centre. Refits follow the tangent at the best fit and share its
Hessian: none of them makes its own, and they are rows of one minimisation.
"""

from __future__ import annotations

import math

import pytest

import nextstat
from nextstat.viz import ranking_artifact
from nextstat_core.infer import impacts
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import generate_workspace, uncertain_signal, uncorrelated

CONVENTIONS = ("nominal", "prefit", "postfit")


@pytest.fixture(scope="module")
def mixed():
    """Constrained parameters of every kind beside two free ones."""
    return HistFactoryModel.from_workspace(
        generate_workspace(
            3, n_channels=2, n_bins=2, n_normsys=2, n_histosys=1, n_normfactors=1, staterror=True
        )
    )


def test_constrained_nuisance_parameters_are_ranked_and_no_others(mixed):
    names = [entry["name"] for entry in ranking_artifact(mixed)["entries"]]
    free = [name for name in mixed.parameter_names() if name.startswith("norm_")]
    assert free
    assert set(names) == set(mixed.parameter_names()) - {"mu", *free}


def test_the_artifact_counts_what_it_leaves_out(mixed):
    whole, part = ranking_artifact(mixed), ranking_artifact(mixed, top_n=2)
    assert (part["n_returned"], part["n_total"]) == (2, whole["n_total"])
    assert part["entries"] == whole["entries"][:2]
    assert list(part["entries"][0]) == [
        "name", "delta_mu_up", "delta_mu_down", "pull", "constraint"
    ]  # fmt: skip


def test_equal_impacts_are_in_the_order_of_their_names():
    workspace = uncorrelated([5.0, 5.0, 5.0], [50.0, 50.0, 50.0], [4.0, 4.0, 4.0])
    found = impacts(HistFactoryModel.from_workspace(workspace))
    assert found.size == pytest.approx(found.size[0], rel=1e-9)
    assert list(found.names) == sorted(found.names)


def test_the_same_call_gives_the_same_bits_where_sums_are_compensated(mixed):
    precise = nextstat.HistFactoryModel(mixed.ir, precise=True)
    assert ranking_artifact(precise) == ranking_artifact(precise)
    plain = ranking_artifact(mixed)["entries"]
    for found, entry in zip(ranking_artifact(precise)["entries"], plain, strict=True):
        assert found["name"] == entry["name"]
        assert found["delta_mu_up"] == pytest.approx(entry["delta_mu_up"], abs=1e-9)


def test_widths_are_those_of_the_constraints():
    found = impacts(HistFactoryModel.from_workspace(uncertain_signal()))
    assert found["a"].prefit == 1.0
    # A shapesys has tau = (yield / uncertainty)^2 pseudo-events, of which 1 / sqrt(tau) is known.
    for index, (nominal, width) in enumerate([(5.0, 1.0), (10.0, 2.0), (3.0, 0.8)]):
        assert found[f"ss[{index}]"].prefit == pytest.approx(width / nominal, rel=1e-12)
    # A staterror adds the uncertainties of its samples in quadrature.
    for index, (nominal, parts) in enumerate(
        [(55.0, (0.5, 2.0)), (70.0, (0.7, 2.5)), (43.0, (0.4, 1.5))]
    ):
        assert found[f"st[{index}]"].prefit == pytest.approx(
            math.hypot(*parts) / nominal, rel=1e-12
        )


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_refits_of_hundreds_of_parameters_make_no_hessians_of_their_own(
    hundreds, evaluations, convention
):
    found = impacts(hundreds, convention=convention)
    assert found.n_refits == 2 * len(found) > 500
    assert not found.failed
    assert found.n_hev <= 0.1 * found.n_refits
    # The tangent predicts the solution; a few chord steps with the shared Hessian correct it.
    assert found.n_gev <= 8 * found.n_refits
    # Rows of one minimisation: a loop would ask once for each gradient.
    assert len(evaluations) < 0.1 * found.n_gev


def test_impacts_of_first_order_need_no_refits(hundreds):
    found = impacts(hundreds, convention="covariance")
    assert (found.n_refits, found.n_fev, found.n_gev, found.n_hev) == (0, 0, 0, 0)
