"""Expressions are arithmetic of columns; whatever else Python can do is refused."""

from __future__ import annotations

import ast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextstat_core.errors import InputError
from nextstat_histograms import check_expression
from nextstat_histograms.expressions import FUNCTIONS


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("pt", ("pt",)),
        ("pt * 1.1 + eta", ("pt", "eta")),
        ("(pt > 25) & ~(abs(eta) < 2.4) | (n == 3)", ("pt", "eta", "n")),
        ("where(pt > 1, pt, -phi**2)", ("pt", "phi")),
        ("jet.pt / get('jet-energy')", ("jet.pt", "jet-energy")),
        ("pt\n  + eta", ("pt", "eta")),
        ("x**-2", ("x",)),
        ("sqrt * 2", ("sqrt",)),
        ("2.5", ()),
    ],
)
def test_columns_are_found(text: str, columns: tuple[str, ...]) -> None:
    assert check_expression(text).columns == columns


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("__import__('os').system('true')", "only functions can be called"),
        ("__import__('os')", "no function '__import__'"),
        ("eval('1')", "no function 'eval'"),
        ("(1).__class__", "Attribute is not allowed"),
        ("pt.__class__.__bases__", "two underscores"),
        ("__builtins__", "two underscores"),
        ("(pt + 1).real", "Attribute is not allowed"),
        ("().__class__", "Attribute is not allowed"),
        ("pt[0]", "Subscript is not allowed"),
        ("[x for x in pt]", "ListComp is not allowed"),
        ("lambda: pt", "Lambda is not allowed"),
        ("(x := pt)", "NamedExpr is not allowed"),
        ("pt if eta else phi", "IfExp is not allowed"),
        ("f'{pt}'", "JoinedStr is not allowed"),
        ("'text'", "str constants are not allowed"),
        ("None", "NoneType constants are not allowed"),
        ("1j * pt", "complex constants are not allowed"),
        ("pt @ eta", "MatMult is not allowed"),
        ("pt << 40", "LShift is not allowed"),
        ("pt // 2", "FloorDiv is not allowed"),
        ("await pt", "not an expression|Await is not allowed"),
        ("pt; eta", "not an expression"),
        ("import os", "not an expression"),
        ("pt = 1", "not an expression"),
        ("get(pt)", "`get` takes the name of a column"),
        ("get('a', 'b')", "`get` takes the name"),
        ("get(name='a')", "`get` takes the name"),
        ("get('a')('b')", "only functions can be called"),
        ("sqrt(pt, eta)", "sqrt takes 1 arguments"),
        ("sqrt(x=pt)", "sqrt takes 1 arguments"),
        ("sqrt(*pt)", "sqrt takes 1 arguments"),
        ("sqr(pt)", "did you mean 'sqrt'"),
        ("a < b < c", r"chained\n\nHint: write \(a < b\)"),
        ("pt > 25 & eta < 2", "chained"),
        ("pt and eta", "write &, | and ~"),
        ("not pt", "write &, | and ~"),
        ("pt > 1 && eta < 2", "write & for and"),
        ("pt is eta", "Is is not allowed"),
        ("pt in eta", "In is not allowed"),
        ("", "expected an expression"),
        ("  ", "expected an expression"),
        ("pt\0", "null bytes"),
    ],
)
def test_everything_else_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_expression(text)


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9**9",
        "((((9**64)**64)**64)**64) * pt",
        "pt ** 1e9",
        "pt ** pt",
        "2 ** pt",
        "1e999 * pt",
        "9" * 30 + " * pt",
        "9" * 5000 + " * pt",
        "(" * 150 + "pt" + ")" * 150 + "(" * 5000,
        "-" * 2000 + "pt",
        "pt" + "+pt" * 3000,
        "pt" + ".pt" * 3000,
        "pt" * 6000,
    ],
    ids=lambda text: text[:20],
)
def test_what_would_take_for_ever_is_refused(text: str) -> None:
    try:
        found = check_expression(text)
    except InputError:
        return
    assert found.columns == ("pt" + ".pt" * 3000,)  # a long name is but a name


def test_missing_columns_are_all_named() -> None:
    expression = check_expression("ptt + etaa * phi")
    with pytest.raises(InputError, match="needs 'ptt', 'etaa'") as caught:
        expression.require(["pt", "eta", "phi"])
    assert caught.value.hint == "did you mean 'pt'?; did you mean 'eta'?"


def test_renaming_touches_columns_only() -> None:
    text = "where(where > 1, a.b, get('c d')) + sqrt(sqrt)"
    names = {"where": "c0", "a.b": "c1", "c d": "c2", "sqrt": "c3"}
    found = check_expression(text).renamed(names)
    assert found == "where(c0 > 1, c1, c2) + sqrt(c3)"


def test_all_functions_exist_on_both_sides() -> None:
    from numexpr.expressions import functions
    from uproot.language.python import python_language

    assert FUNCTIONS.keys() <= functions.keys()
    assert FUNCTIONS.keys() <= python_language.functions.keys()


LEAVES = st.sampled_from(["x", "y", "2", "0.5", "get('z')"])
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda text: f"abs({text})"),
        st.tuples(inner, inner, inner).map(lambda t: f"where({t[0]} > {t[1]}, {t[1]}, {t[2]})"),
    ),
    max_leaves=12,
)


@given(EXPRESSIONS)
def test_renamed_expressions_have_the_same_value(text: str) -> None:
    expression = check_expression(text)
    values = {"x": np.array([1.5, -2.0]), "y": np.array([0.25, 3.0]), "z": np.array([7.0, -7.0])}
    names = {name: f"column_{name}" for name in values}
    allowed = {"abs": np.abs, "where": np.where, "get": values.__getitem__, **values}
    renamed = {names[name]: values[name] for name in values}
    assert set(expression.columns) == {
        node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)
    } - {"abs", "where", "get"} | ({"z"} if "get" in text else set())
    direct = eval(text, {"__builtins__": {}}, allowed)
    again = eval(
        expression.renamed(names),
        {"__builtins__": {}},
        {"abs": np.abs, "where": np.where, **renamed},
    )
    np.testing.assert_array_equal(direct, again)
