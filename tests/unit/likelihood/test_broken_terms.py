"""What authors of modifiers hear when `lower` returns something else than terms."""

from dataclasses import dataclass

import numpy as np
import pytest

from nextstat_core.backend import get_backend
from nextstat_core.errors import InputError, ModelError, PluginError
from nextstat_core.io import read_pyhf
from nextstat_core.ir import CellAddition, CellFactor, Curve, Parameter, RowFactor
from nextstat_core.likelihood import compile_model
from nextstat_core.likelihood.curve_plan import CurveGroup
from nextstat_core.likelihood.curves import Curves
from nextstat_core.testing.modifier_cases import workspace_with

PLACE = "channel 'one', sample 'acted_on', modifier 'c' (acme): "


@dataclass(frozen=True)
class Line:
    def __call__(self, x, coefficients, xp, order):
        return x, 1.0 + 0.0 * x, 0.0 * x


@dataclass
class Mutable:
    pass


class Kind:
    kind = "acme"

    def __init__(self, terms):
        self._terms = terms

    def parameters(self, name, data, n_bins):
        return (Parameter(name, name, 0.0, -5.0, 5.0),)

    def lower(self, modifier, sample, channel):
        return self._terms(modifier.parameters[0])


def refuse(message):
    raise InputError(message, hint="give more")


def complaint(terms, error=PluginError):
    types = {"acme": Kind(terms)}
    model = read_pyhf(workspace_with(("c", "acme", None)), modifier_types=types)
    with pytest.raises(error) as raised:
        compile_model(model, get_backend("numpy"), modifier_types=types)
    return str(raised.value)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        (
            lambda name: CellFactor((name,) * 3, (Curve(),) * 3),
            "lower() must return a tuple of terms, found CellFactor; write `return (term,)`",
        ),
        (
            lambda name: None,
            "lower() must return a tuple of terms, found NoneType; write `return (term,)`",
        ),
        (
            lambda name: (CellFactor((name,) * 3, (Curve(),) * 2),),
            "lower() returned a CellFactor of 3 parameters and 2 curves for 3 bins",
        ),
        (
            lambda name: (CellAddition(name, Curve(), (1.0, 2.0)),),
            "lower() returned a CellAddition with a template of 2 entries for 3 bins",
        ),
        (
            lambda name: (CellAddition(name, Curve(), (1.0, 2.0, float("nan"))),),
            "lower() returned a CellAddition with a template that is not finite: (1.0, 2.0, nan)",
        ),
        (
            lambda name: (RowFactor(name, Line()),),
            "lower() returned a term whose curve is a Line; expected a Curve",
        ),
        (
            lambda name: (RowFactor(name, Curve(Line())), Curve()),
            "lower() returned a Curve as a term; expected RowFactor, CellAddition, CellFactor",
        ),
        (
            lambda name: (RowFactor("d", Curve()),),
            "lower() returned a RowFactor of the parameter 'd'; the modifier has 'c'",
        ),
        (
            lambda name: (RowFactor(name, Curve(Mutable())),),
            "lower() returned a curve whose family Mutable cannot be hashed; "
            "make it a frozen dataclass: @dataclass(frozen=True)",
        ),
        (
            lambda name: (RowFactor(name, Curve(Line)),),
            "lower() returned a curve whose family is the class Line; expected an instance: Line()",
        ),
        (
            lambda name: (RowFactor(name, Curve("line")),),
            "lower() returned a curve whose family 'line' cannot be called",
        ),
        (
            lambda name: (RowFactor(name, Curve(Line(), (float("inf"),))),),
            "lower() returned a curve with coefficients that are not finite: (inf,)",
        ),
        (
            lambda name: tuple(RowFactor(name, Curve(Line(), (0.5,) * n)) for n in (1, 2)),
            "lower() returned curves of the family Line with 1 and with 2 coefficients",
        ),
        (
            lambda name: {}[name],
            "the plugin that defines 'acme' failed in lower(): KeyError: 'c'",
        ),
    ],
)
def test_terms_that_cannot_be_used_are_refused_with_their_place(terms, message) -> None:
    assert complaint(terms) == PLACE + message


def test_data_that_lower_refuses_are_a_problem_of_the_workspace() -> None:
    shown = complaint(lambda name: refuse("too few entries"), ModelError)
    assert f"  - {PLACE}too few entries (give more)" in shown


def test_a_list_of_terms_is_fine() -> None:
    types = {"acme": Kind(lambda name: [RowFactor(name, Curve(Line()))])}
    model = read_pyhf(workspace_with(("c", "acme", None)), modifier_types=types)
    assert compile_model(model, get_backend("numpy"), modifier_types=types).layout


def test_a_model_whose_plugin_is_gone_says_which_type_is_missing() -> None:
    types = {"acme": Kind(lambda name: (RowFactor(name, Curve(Line())),))}
    model = read_pyhf(workspace_with(("c", "acme", None)), modifier_types=types)
    with pytest.raises(InputError, match="no modifier type named 'acme' is registered"):
        compile_model(model, get_backend("numpy"), modifier_types={})


class _Number:
    """A family whose first derivative is a number, not an array."""

    def __call__(self, x, coefficients, xp, order):
        return coefficients[0, ...] * x, 2.0, 0.0 * x


class _Raising:
    """A family that fails."""

    def __call__(self, x, coefficients, xp, order):
        raise ZeroDivisionError("nothing left")


@pytest.mark.parametrize(
    ("family", "complaint"),
    [
        (_Number(), r"family _Number of .* first derivative of shape \(\), expected .* = \(2, 3\)"),
        (_Raising(), "family _Raising of .* fails: ZeroDivisionError: nothing left"),
    ],
)
def test_families_that_return_no_arrays_are_named(family, complaint) -> None:
    backend = get_backend("numpy")
    group = CurveGroup(family, np.ones((1, 2)), np.asarray([0, 1]))
    with pytest.raises(PluginError, match=complaint):
        Curves(backend, [group])(backend.asarray(np.ones((2, 3))), 1)
