"""Expressions of columns: checked before anything computes them.

An expression is arithmetic, comparisons, ``& | ^ ~`` of columns, numbers and a fixed list of
functions, in Python's syntax. Only these kinds of syntax are allowed; there is no list of what is
dangerous. numexpr and uproot get to see what has passed, and nothing else.
"""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from nextstat_core.errors import InputError, closest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

__all__ = ["FUNCTIONS", "Expression", "check_expression"]

#: Functions, and how many arguments they take: those that numexpr and uproot both have.
FUNCTIONS: Mapping[str, int] = {
    **dict.fromkeys(("abs", "sqrt", "exp", "expm1", "log", "log10", "log1p", "floor", "ceil"), 1),
    **dict.fromkeys(("sin", "cos", "tan", "arcsin", "arccos", "arctan"), 1),
    **dict.fromkeys(("sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh"), 1),
    "arctan2": 2,
    "where": 3,
}
#: The function that names a column whose name is no identifier: ``get("jet-pt")``.
_GETTER = "get"
_LONGEST = 10_000
_DEEPEST = 100
_LARGEST_EXPONENT = 64
_OPERATORS = (
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Mod, ast.Pow, ast.BitAnd, ast.BitOr, ast.BitXor),
    *(ast.USub, ast.UAdd, ast.Invert),
    *(ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq),
)
_SYNTAX = (ast.BinOp, ast.UnaryOp, ast.Compare, *_OPERATORS)


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression.

    Attributes
    ----------
    text : str
        As it was written, in one line.
    columns : tuple of str
        Columns that it needs, in the order of their first use.
    """

    text: str
    columns: tuple[str, ...]

    def require(self, available: Collection[str]) -> None:
        """Refuse columns that are not `available`.

        Raises
        ------
        InputError
            Names all of them, with the closest that exist.
        """
        missing = [name for name in self.columns if name not in available]
        if missing:
            hints = filter(None, (closest(name, available) for name in missing))
            raise InputError(
                f"the expression {self.text!r} needs {', '.join(map(repr, missing))}; no such "
                f"column among {len(available)}",
                hint="; ".join(hints),
            )

    def renamed(self, names: Mapping[str, str]) -> str:
        """The expression, written anew from its syntax, with columns called `names`."""
        tree = _Renaming(names).visit(_parse(self.text))
        return ast.unparse(ast.fix_missing_locations(tree))


def check_expression(text: str) -> Expression:
    """Parse an expression and refuse all that is no arithmetic of columns.

    Raises
    ------
    InputError
        Says what is not allowed, and what to write instead where that is known.
    """
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"found {text!r}; expected an expression of columns")
    if len(text) > _LONGEST:
        raise InputError(f"an expression of {len(text)} characters; at most {_LONGEST} are read")
    text = " ".join(text.split())  # a line break is a space, as in a folded text of YAML
    columns: dict[str, None] = {}
    for node, depth in _walk(_parse(text)):
        if depth > _DEEPEST:
            raise _refused(text, f"it is nested more than {_DEEPEST} levels deep")
        reason, hint = _objection(node)
        if reason:
            raise _refused(text, reason, hint)
        name = _column(node)
        if name is not None:
            columns[name] = None
    return Expression(text, tuple(columns))


def _refused(text: str, reason: str, hint: str = "") -> InputError:
    shown = text if len(text) <= 80 else text[:77] + "..."
    return InputError(f"the expression {shown!r} is refused: {reason}", hint=hint)


def _parse(text: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about code that is refused anyway
            return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else str(error) or "nested too deeply"
        hint = "write & for and, | for or" if "&&" in text or "||" in text else ""
        raise _refused(text, f"not an expression: {reason}", hint) from error


def _walk(tree: ast.expr) -> Iterator[tuple[ast.AST, int]]:
    """Nodes and how deep they are; columns are not entered."""
    stack: list[tuple[ast.AST, int]] = [(tree, 0)]
    while stack:
        node, depth = stack.pop()
        yield node, depth
        if _column(node) is not None or isinstance(node, ast.Attribute):
            continue
        if isinstance(node, ast.Call):  # the name of the function is no column
            stack += [(child, depth + 1) for child in reversed(node.args)]
        else:
            children = [child for child in ast.iter_child_nodes(node) if _has_meaning(child)]
            stack += [(child, depth + 1) for child in reversed(children)]


def _has_meaning(node: ast.AST) -> bool:
    return not isinstance(node, ast.expr_context)


def _column(node: ast.AST) -> str | None:
    """Name of the column that a node stands for."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute():
            return _dotted(node)  # uproot lets dots be part of a name
        case ast.Call(func=ast.Name(id="get"), args=[ast.Constant(value=str(name))], keywords=[]):
            return name
    return None


def _dotted(node: ast.Attribute) -> str | None:
    parts: list[str] = []
    inner: ast.expr = node
    while isinstance(inner, ast.Attribute):
        parts.append(inner.attr)
        inner = inner.value
    return ".".join([inner.id, *reversed(parts)]) if isinstance(inner, ast.Name) else None


def _objection(node: ast.AST) -> tuple[str, str]:
    """Why a node is refused, and a hint; empty if it is not."""
    column = _column(node)
    match node:
        case _ if column is not None:
            return _objection_to_column(node, column), ""
        case ast.Constant(value=value):
            return _objection_to_number(value), ""
        case ast.Call():
            return _objection_to_call(node)
        case ast.BinOp(op=ast.Pow()):
            return _objection_to_power(node), ""
        case ast.Compare(ops=ops) if len(ops) > 1:
            hint = "write (a < b) & (b < c); & and | need parentheses around comparisons"
            return "comparisons are chained", hint
        case _:
            return _objection_to_syntax(node)


def _objection_to_column(node: ast.AST, name: str) -> str:
    # `get` takes any name.
    if not isinstance(node, ast.Call) and any(part.startswith("__") for part in name.split(".")):
        return "names that start with two underscores are not allowed"
    return ""


def _objection_to_syntax(node: ast.AST) -> tuple[str, str]:
    if isinstance(node, ast.BoolOp | ast.Not | ast.And | ast.Or):
        return "`and`, `or` and `not` act on single values", "write &, | and ~ for columns"
    if isinstance(node, _SYNTAX):
        return "", ""
    return f"{type(node).__name__} is not allowed", "numbers, columns, operators, functions are"


def _objection_to_number(value: object) -> str:
    if isinstance(value, bool | int | float) and abs(value) < 2**63 and isfinite(value):
        return ""
    if isinstance(value, bool | int | float):
        return "a number is too large"
    return f"{type(value).__name__} constants are not allowed"


def _objection_to_call(node: ast.Call) -> tuple[str, str]:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if not name:
        return "only functions can be called, by their names", ""
    if name == _GETTER:
        return '`get` takes the name of a column, in quotes: get("jet-pt")', ""
    if name not in FUNCTIONS:
        return f"there is no function {name!r}", closest(name, FUNCTIONS) or _known_functions()
    starred = any(isinstance(argument, ast.Starred) for argument in node.args)
    if node.keywords or starred or len(node.args) != FUNCTIONS[name]:
        return f"{name} takes {FUNCTIONS[name]} arguments", ""
    return "", ""


def _known_functions() -> str:
    return f"there are {', '.join(sorted(FUNCTIONS))}"


def _objection_to_power(power: ast.BinOp) -> str:
    """Powers of numbers are computed before any column is read: 9**9**9 would never end."""
    if not any(_column(node) is not None for node, _ in _walk(power.left)):
        return "a power of a number"
    exponent = power.right
    if isinstance(exponent, ast.UnaryOp) and isinstance(exponent.op, ast.USub):
        exponent = exponent.operand
    value = exponent.value if isinstance(exponent, ast.Constant) else None
    if isinstance(value, int | float) and abs(value) <= _LARGEST_EXPONENT:
        return ""
    return f"an exponent is no number from -{_LARGEST_EXPONENT} to {_LARGEST_EXPONENT}"


class _Renaming(ast.NodeTransformer):
    """Columns get other names; functions keep theirs."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def visit(self, node: ast.AST) -> ast.AST:
        name = _column(node)
        if name is not None:
            return ast.Name(self.names[name], ast.Load())
        if isinstance(node, ast.Call):
            node.args = [self.visit(argument) for argument in node.args]  # type: ignore[misc]
            return node
        return self.generic_visit(node)
