"""How far the parameter of interest may go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from nextstat_core.errors import InputError, MissingPOIError
from nextstat_core.infer.poi import lifted, lowest_poi, opened, poi_of
from nextstat_core.infer.request import make_request
from nextstat_core.infer.target import target_of

if TYPE_CHECKING:
    from collections.abc import Callable


def test_lower_bound_opens_until_a_rate_vanishes(load: Callable[..., Any]) -> None:
    # Signal 10 over 5, and 1 over 40: the first bin is empty at mu = -0.5.
    target = target_of(load("counting"))
    request = make_request(target)
    assert lowest_poi(target, request, 0) == pytest.approx(-0.5, rel=2e-3)
    assert -0.5 < opened(target, request, 0).lower[0] < -0.499


def test_negative_bound_stays(load: Callable[..., Any]) -> None:
    target = target_of(load("constrained"))
    request = make_request(target)
    assert opened(target, request, 0).lower[0] == -10.0


def test_upper_bound_is_lifted_only_if_need_be(load: Callable[..., Any]) -> None:
    request = make_request(target_of(load("counting")))
    assert lifted(request, 0, 5.0).upper[0] == 10.0
    assert lifted(request, 0, 25.0).upper[0] == 25.0


def test_who_has_no_poi(load: Callable[..., Any]) -> None:
    target = target_of(load("gammas"))
    with pytest.raises(MissingPOIError, match="a limit needs a parameter of interest"):
        poi_of(target, make_request(target), "a limit")


def test_fixed_poi(load: Callable[..., Any]) -> None:
    target = target_of(load("full"))
    with pytest.raises(InputError, match="'mu' is fixed"):
        poi_of(target, make_request(target, fixed=["mu"]), "a limit")
