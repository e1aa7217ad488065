"""Tests of the terms of a modifier and of the curves in them."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nextstat_core.ir import CellAddition, CellFactor, RowFactor
from nextstat_core.testing.curve_values import (
    PARTS,
    check_shapes,
    curves_of,
    evaluate,
    line,
    values,
)
from nextstat_core.testing.differences import differences
from nextstat_core.testing.modifier_cases import sizes
from nextstat_core.testing.modifier_checks import N_BINS, ModifierChecks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from nextstat_core.ir import Curve, Family, ModifierType, Parameter, Term

__all__ = ["CurveChecks"]

#: Relative to the largest entry: what fourth-order differences leave over.
_TOLERANCE = 1e-6


class CurveChecks(ModifierChecks):
    """Tests of terms, families and derivatives."""

    @pytest.fixture
    def curves(
        self, terms: list[Term], parameters: tuple[Parameter, ...]
    ) -> list[tuple[Curve, Parameter]]:
        """Distinct curves with a family, each with the parameter that it takes."""
        owners = {parameter.name: parameter for parameter in parameters}
        return [(curve, owners[name]) for curve, name in curves_of(terms)]

    def test_terms_fit_the_sample(
        self, terms: list[Term], parameters: tuple[Parameter, ...]
    ) -> None:
        names = {parameter.name for parameter in parameters}
        assert terms, "the modifier amounts to nothing"
        for term in terms:
            assert isinstance(term, RowFactor | CellAddition | CellFactor)
            if isinstance(term, CellFactor):
                assert set(term.parameters) <= names
                assert len(term.parameters) == len(term.curves) == N_BINS
            else:
                assert term.parameter in names
            if isinstance(term, CellAddition):
                assert len(term.template) == N_BINS

    def test_families_are_values(self, curves: list[tuple[Curve, Parameter]]) -> None:
        for curve, _ in curves:
            family: Any = curve.family
            name = type(family).__name__
            try:
                copy = pickle.loads(pickle.dumps(family))
            except Exception as error:  # noqa: BLE001  pickle raises what it likes
                pytest.fail(
                    f"the family {name} does not pickle: {error}; define it at the top level of a "
                    "module, as a frozen dataclass",
                    pytrace=False,
                )
            same = copy == family and hash(copy) == hash(family)
            assert same, (
                f"the family {name} is not equal to its copy; "
                "make it a frozen dataclass: @dataclass(frozen=True)"
            )

    def test_curves_have_one_value_per_member_and_row_at_every_order(
        self, curves: list[tuple[Curve, Parameter]]
    ) -> None:
        for curve, parameter in curves:
            check_shapes(curve, parameter)
            points, _ = line(parameter)
            full = values(curve, points)
            for order in (0, 1):
                for part, expected in zip(values(curve, points, order), full, strict=False):
                    np.testing.assert_array_equal(
                        part, expected, err_msg=f"{curve} depends on `order`, here {order}"
                    )

    def test_members_of_a_family_keep_their_own_coefficients(
        self, curves: list[tuple[Curve, Parameter]]
    ) -> None:
        for family, members in _by_family(curves).items():
            points, _ = line(members[0][1])
            # Other coefficients too, lest equal ones hide a family that mixes up its members.
            own = [np.asarray(curve.coefficients, dtype=float) for curve, _ in members]
            columns = np.asarray([*own, *(1.25 * column for column in own)]).T
            x = np.stack([np.roll(points, i) for i in range(columns.shape[1])])
            together = evaluate(family, x, columns)
            for i in range(columns.shape[1]):
                alone = evaluate(family, x[i : i + 1], columns[:, i : i + 1])
                for part, expected, what in zip(together, alone, PARTS, strict=True):
                    _same_alone(family, i, columns[:, i], what, part[i], expected[0])

    def test_example_tells_bins_apart(
        self, modifier_type: ModifierType, data: Any, terms: list[Term]
    ) -> None:
        bin_wise = sizes(self.example(modifier_type, N_BINS + 1)) != sizes(data)
        for term in terms:
            if bin_wise and isinstance(term, CellFactor) and term.curves[0].coefficients:
                assert len(set(term.curves)) > 1, (
                    f"all {N_BINS} bins have the curve {term.curves[0]}: example(n_bins) must give "
                    "every bin different numbers, else no check can see bins that are mixed up"
                )

    def test_curves_have_exact_derivatives(self, curves: list[tuple[Curve, Parameter]]) -> None:
        for curve, parameter in curves:
            points, room = line(parameter, kink=getattr(curve.family, "kink", False))
            exact = values(curve, points)
            scale = max(1.0, float(np.abs(exact[0]).max()))
            for order in (1, 2):
                expected = _slopes(curve, order - 1, points, room)
                bound = _TOLERANCE * max(scale, float(np.abs(expected).max()))
                off = np.abs(exact[order] - expected)
                # Not `off <= bound`, which NaN would fail without being the largest.
                worst = int(np.argmax(np.where(np.isnan(off), np.inf, off)))
                assert off[worst] <= bound, (
                    f"{curve}: the {PARTS[order]} at x = {points[worst]:.6g} is "
                    f"{exact[order][worst]:.9g}; differences of the {PARTS[order - 1]} give "
                    f"{expected[worst]:.9g}"
                )


def _by_family(
    curves: list[tuple[Curve, Parameter]],
) -> dict[Family, list[tuple[Curve, Parameter]]]:
    """Members by family, as the likelihood evaluates them together."""
    found: dict[Family, list[tuple[Curve, Parameter]]] = {}
    for curve, parameter in curves:
        assert curve.family is not None
        found.setdefault(curve.family, []).append((curve, parameter))
    return found


def _same_alone(
    family: Family,
    member: int,
    coefficients: NDArray[np.float64],
    what: str,
    together: NDArray[np.float64],
    alone: NDArray[np.float64],
) -> None:
    # Vector units may round the last bits differently.
    close = np.isclose(together, alone, rtol=1e-12, atol=1e-12, equal_nan=True)
    if not close.all():
        row = int(np.argmin(close))
        raise AssertionError(
            f"{type(family).__name__}: the {what} of member {member}, with coefficients "
            f"{tuple(map(float, coefficients))}, is {together[row]:.9g} beside others and "
            f"{alone[row]:.9g} alone; coefficients[i, ...] is coefficient i of all members"
        )


def _slopes(
    curve: Curve, order: int, points: NDArray[np.float64], room: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Differences of the derivative of this order, at each point."""
    return np.asarray(
        [
            differences(lambda x: values(curve, x)[order], np.asarray([x]), np.asarray([space]))[
                0, 0
            ]
            for x, space in zip(points, room, strict=True)
        ]
    )
