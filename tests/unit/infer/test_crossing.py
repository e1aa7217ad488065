"""The search for a root of a rising function, from its values and slopes."""

from __future__ import annotations

from math import atan, cosh, inf, tanh
from typing import TYPE_CHECKING

import numpy as np
import pytest

from nextstat_core.infer import upper_limits
from nextstat_core.infer.crossing import Crossing, crossings
from nextstat_core.models import HistFactoryModel
from nextstat_core.testing import uncorrelated

if TYPE_CHECKING:
    from collections.abc import Callable


def _solve(function: Callable[[float], tuple[float, float]], guess: float) -> Crossing:
    search = Crossing(guess, 1e-6)
    while not search.done:
        assert search.trials < 100
        search.tell(*function(search.at))
    return search


@pytest.mark.parametrize("guess", [1e-3, 1.0, 40.0])
@pytest.mark.parametrize("root", [0.3, 7.0])
def test_roots_are_found_from_near_and_far(guess: float, root: float) -> None:
    for function in (
        lambda x: (x * x - root * root, 2.0 * x),
        lambda x: (atan(x - root), 1.0 / (1.0 + (x - root) ** 2)),
        lambda x: (tanh(x - root), cosh(min(abs(x - root), 300.0)) ** -2),
    ):
        found = _solve(function, guess)
        assert found.at == pytest.approx(root, rel=1e-5)
        assert not found.jumps


def test_a_function_that_stays_below_zero_has_none() -> None:
    found = _solve(lambda x: (-1.0 / (1.0 + x), 1.0 / (1.0 + x) ** 2), 1.0)
    assert found.at == inf
    assert not found.jumps


@pytest.mark.parametrize("above", [1.0, inf])
def test_a_jump_is_no_root(above: float) -> None:
    found = _solve(lambda x: (-0.8, -0.01) if x < 5.0 else (above, 0.0), 1.0)
    assert found.at == pytest.approx(5.0, rel=1e-5)
    assert found.jumps


def test_of_rows_those_end_that_have_a_root_or_none() -> None:
    functions = [
        lambda x: (x - 3.0, 1.0),
        lambda x: (-1.0 / (1.0 + x), 1.0 / (1.0 + x) ** 2),
        lambda x: (-0.8, -0.01) if x < 5.0 else (1.0, 0.0),
    ]
    at, ended = crossings(
        np.ones(3),
        lambda mu, rows: [functions[row](x) for x, row in zip(mu, rows, strict=True)],
        1e-6,
    )
    assert at == pytest.approx([3.0, inf, 5.0], rel=1e-5)
    assert ended.tolist() == [True, True, False]


def test_a_limit_at_a_jump_comes_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    model = HistFactoryModel.from_workspace(
        uncorrelated([12.0, 11.0], [50.0, 52.0], [3.0, 7.0], [51.0, 48.0])
    )
    assert not any("jumps" in each for each in upper_limits(model).warnings)

    def jumping(tails: object, q: tuple[float, float], *_: object) -> tuple[float, float]:
        return (1.0, 0.0) if q[1] > 4.0 else (-1.0, 0.0)

    monkeypatch.setattr("nextstat_core.infer.limits.distance_to_limit", jumping)
    warnings = upper_limits(model, expected=False).warnings
    assert any("the observed CLs jumps over 0.05 at" in each for each in warnings)
