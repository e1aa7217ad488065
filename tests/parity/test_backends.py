"""Every backend against numpy with compensated sums, on the same models at the same points."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nextstat_core.backend import Capability
from nextstat_core.infer import draw_toys, fit_batch, fit_toys, toy_fits
from parity_matrix.tolerances import LIMITS, PROMISED, SINGLE

if TYPE_CHECKING:
    from nextstat_core.results import ToyResults
    from parity_matrix.backends import Presence
    from parity_matrix.ledger import Check
    from parity_matrix.pair import Measured, Pair

#: Models of which batches need more digits than float32 has, and why. Single points and fits do not
#: suffer: they end on the host.
BEYOND_FLOAT32 = {
    "real/ttbar-ljets-xsec": "a rate of a million events is known to a tenth of an event",
    "real-bkg/susy-2018-16-sleptons": "at the probe, systematics change yields a hundredfold",
}

POINTS = ("start", "probe", "between")
N_TOYS = 24
SEED = 20


def test_backend_is_present(presence: Presence) -> None:
    if presence.backend is None:
        pytest.skip(f"{presence.label}: {presence.reason}")
    assert float(presence.backend.asarray([2.0])[0]) == 2.0


@pytest.mark.parametrize("promised", [*PROMISED])
def test_limits_are_nowhere_looser_than_promised(promised: str) -> None:
    limits = LIMITS.get(promised, LIMITS["float64"])
    assert [
        name for name, limit in PROMISED[promised].items() if not limit.covers(limits[name])
    ] == []


@pytest.fixture
def digits(request: pytest.FixtureRequest, pair: Pair) -> None:
    """Expect the failures that float32 explains."""
    if pair.presence.kind == SINGLE and pair.subject.id in BEYOND_FLOAT32:
        reason = BEYOND_FLOAT32[pair.subject.id]
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))


def test_expected_data_agree(pair: Pair, check: Check) -> None:
    mine, theirs = pair.mine.model, pair.reference.model
    n_main = len(theirs.observed_main)
    for name, point, cells in zip(POINTS, pair.mine.points, pair.reference.cells, strict=True):
        found, expected = (np.asarray(m.expected_data(point.tolist())) for m in (mine, theirs))
        check("expected data per bin", found[:n_main], expected[:n_main], unit=cells, at=name)
        check("expected data", found, expected, at=name)


def test_likelihood_agrees(pair: Pair, check: Check) -> None:
    for name, point in zip(POINTS, pair.mine.points, strict=True):
        check("NLL", pair.mine.model.nll(point), pair.reference.model.nll(point), at=name)


def test_gradient_agrees(pair: Pair, check: Check) -> None:
    for name, point in zip(POINTS, pair.mine.points, strict=True):
        expected = pair.reference.model.grad_nll(point)
        check("gradient", pair.mine.model.grad_nll(point), expected, at=name)


def test_gradient_is_the_slope_of_the_likelihood(pair: Pair, check: Check) -> None:
    found = pair.mine.model.grad_nll(pair.mine.points[1])
    check("gradient, differences", found, pair.reference.slopes)


def test_hessian_agrees(pair: Pair, check: Check) -> None:
    for name, point in zip(POINTS, pair.mine.points, strict=True):
        expected = pair.reference.model.hessian(point)
        root = np.sqrt(np.abs(np.diag(expected)))
        unit = np.maximum(np.outer(root, root), 1.0)
        check("Hessian", pair.mine.model.hessian(point), expected, unit=unit, at=name)


@pytest.mark.usefixtures("digits")
def test_batches_of_rows_agree(pair: Pair, check: Check) -> None:
    """All three points, and five sets of data at the second: evaluated where the model lives."""
    mine, theirs, points = pair.mine.model, pair.reference.model, pair.mine.points
    check("NLL", mine.nll_batch(points), theirs.nll_batch(points), at="points")
    check("gradient", mine.grad_nll_batch(points), theirs.grad_nll_batch(points), at="points")
    rows = np.repeat(points[1:2], len(pair.reference.data), axis=0)
    data = pair.reference.data
    check("NLL", mine.nll_batch(rows, data), theirs.nll_batch(rows, data), at="batch")
    check(
        "gradient", mine.grad_nll_batch(rows, data), theirs.grad_nll_batch(rows, data), at="batch"
    )


def test_fit_agrees(pair: Pair, check: Check) -> None:
    mine, theirs = pair.mine.fit, pair.reference.fit
    assert (mine.converged, mine.termination_reason) == (
        theirs.converged,
        theirs.termination_reason,
    )
    fixed = np.asarray(theirs.fixed)
    np.testing.assert_array_equal(mine.values[fixed], pair.mine.points[0][fixed])
    known = np.isfinite(theirs.errors)
    found, expected = twin(pair, mine.values, theirs.values)[known], theirs.values[known]
    check("NLL at the minimum", mine.nll, theirs.nll)
    check("parameters", found, expected)
    check("pulls", found, expected, unit=theirs.errors[known])
    check("uncertainties", mine.errors, theirs.errors)


def twin(pair: Pair, found: Any, expected: Any, data: Any = None) -> Any:
    """`found`, or its mirror image nearer to `expected` where the likelihood is exactly even.

    Systematics that move yields to one side have two equal minima, and rounding chooses.
    """
    mirrored = np.where(np.abs(found + expected) < np.abs(found - expected), -found, found)
    values = pair.reference.model.nll_batch([found, mirrored], data)
    return mirrored if abs(values[0] - values[1]) <= 1e-12 * max(1.0, abs(values[0])) else found


def test_batches_of_fits_agree(pair: Pair, check: Check) -> None:
    data = pair.reference.data
    mine, theirs = fit_batch(pair.mine.model, data), fit_batch(pair.reference.model, data)
    for i, (found, expected) in enumerate(zip(mine, theirs, strict=True)):
        assert found.converged == expected.converged
        known = np.isfinite(expected.errors)
        values = twin(pair, found.values, expected.values, data[i])
        check("toys, NLL", found.nll, expected.nll, at=f"fit {i} of a batch")
        check("toys, parameters", values[known], expected.values[known], at=f"fit {i} of a batch")


def test_toys_are_drawn_identical(pair: Pair) -> None:
    for auxiliary in (True, False):
        mine, theirs = (draw(each, auxiliary=auxiliary) for each in (pair.mine, pair.reference))
        np.testing.assert_array_equal(mine.main, theirs.main)
        if auxiliary:
            np.testing.assert_array_equal(mine.center, theirs.center)
            np.testing.assert_array_equal(mine.count, theirs.count)


def draw(measured: Measured, *, auxiliary: bool) -> Any:
    model, point = measured.model, measured.points[1]
    return draw_toys(model.on_host, point, range(N_TOYS), SEED, auxiliary=auxiliary)


def fitted(measured: Measured, **wishes: Any) -> ToyResults:
    start = measured.model.suggested_init()
    return fit_toys(measured.model, start, **{"n_toys": N_TOYS, "seed": SEED, **wishes})


def test_toys_agree(pair: Pair, check: Check) -> None:
    mine, theirs = (
        fitted(each, compute_uncertainties=True) for each in (pair.mine, pair.reference)
    )
    np.testing.assert_array_equal(mine.converged, theirs.converged)
    check("toys, NLL", mine.nll, theirs.nll)
    known = np.isfinite(theirs.errors).all(axis=0)
    check("toys, parameters", mine.values[:, known], theirs.values[:, known])
    start = np.asarray(pair.mine.model.suggested_init())
    assert theirs.errors is not None
    # An uncertainty that collapses in some toy, next to a bound, makes a pull of any size.
    usable = theirs.errors > 0.01 * np.median(theirs.errors, axis=0)
    found, expected = (statistics(each, start, known, usable) for each in (mine, theirs))
    for name, of_mine, of_theirs in zip(
        ("mean of pulls", "width of pulls", "coverage"), found, expected, strict=True
    ):
        check(f"toys, {name}", of_mine, of_theirs)


def statistics(toys: ToyResults, truth: Any, known: Any, usable: Any) -> tuple[Any, Any, Any]:
    """Mean and width of the usable pulls of each parameter, and how many lie within one sigma."""
    assert toys.errors is not None
    free = known & usable.any(axis=0)
    pulls = np.full((len(toys.values), int(free.sum())), np.nan)
    chosen = usable[:, free]
    shift = toys.values[:, free] - truth[free]
    pulls[chosen] = shift[chosen] / toys.errors[:, free][chosen]
    # Pulls of exactly one sigma occur: rounding must not decide on which side they are.
    inside = np.where(chosen, np.abs(pulls) < 1.0 + 1e-9, np.nan)
    return np.nanmean(pulls, axis=0), np.nanstd(pulls, axis=0), np.nanmean(inside, axis=0)


def divided(pair: Pair) -> tuple[ToyResults, list[ToyResults]]:
    """Toys of one batch, and the same in batches of 1, 7 and the rest."""
    cuts = (0, 1, 8, N_TOYS)
    parts = [
        fitted(pair.mine, first_toy=first, n_toys=last - first)
        for first, last in itertools.pairwise(cuts)
    ]
    return fitted(pair.mine), parts


def test_toys_agree_in_any_division(pair: Pair, check: Check) -> None:
    whole, parts = divided(pair)
    check("toys, NLL", np.concatenate([part.nll for part in parts]), whole.nll, at="divided")
    converged = np.concatenate([part.converged for part in parts])
    np.testing.assert_array_equal(converged, whole.converged)


def test_toys_have_the_same_bits_in_any_division(pair: Pair) -> None:
    assert pair.presence.backend is not None
    if Capability.BATCH_INVARIANT not in pair.presence.backend.capabilities:
        pytest.skip("the backend does not declare BATCH_INVARIANT")
    whole, parts = divided(pair)
    assert b"".join(part.values.tobytes() for part in parts) == whole.values.tobytes()
    assert b"".join(part.nll.tobytes() for part in parts) == whole.nll.tobytes()


def test_toys_have_the_same_bits_in_any_number_of_threads(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pair.presence.backend is not None
    if Capability.DETERMINISTIC not in pair.presence.backend.capabilities:
        pytest.skip("the backend does not declare DETERMINISTIC")
    if pair.presence.backend.lanes > 64:
        pytest.skip("one chunk of work takes more toys than are fitted here")
    # Chunks of 32 toys, so that three of them are divided among two threads.
    monkeypatch.setattr(toy_fits, "_CHUNK", 8)
    monkeypatch.setattr(type(pair.presence.backend), "lanes", 8)
    one, two = (fitted(pair.mine, n_toys=72, threads=threads) for threads in (1, 2))
    assert one.values.tobytes() == two.values.tobytes()
    assert one.nll.tobytes() == two.nll.tobytes()
