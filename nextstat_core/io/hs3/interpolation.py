"""Interpolation codes in the ways that HS3 documents write them.

ROOT numbers codes by class (FlexibleInterpVar for normsys, PiecewiseInterpolation for histosys), so
4 is another function for each; since root-project/root, pull request 22844, it writes objects of
``type``, ``in`` and ``out``, with a default for each channel, as the HS3 standard does. pyhs3 has
the names of pyhf's codes, in the modifier's data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from nextstat_core.io.decode import describe

if TYPE_CHECKING:
    from nextstat_core.io.hs3.document import Node
    from nextstat_core.ir import Interpolation

__all__ = ["STRUCTURED", "own_interpolation"]

#: Structured interpolations by kind and code.
STRUCTURED: Mapping[str, Mapping[str, Mapping[str, str | None]]] = {
    "normsys": {
        "code1": {"type": "mult", "in": "exp", "out": None},
        "code4": {"type": "mult", "in": "poly6", "out": "exp"},
    },
    "histosys": {
        "code0": {"type": "add", "in": "poly1", "out": None},
        "code2": {"type": "add", "in": "poly2", "out": "poly1"},
        "code4p": {"type": "add", "in": "poly6", "out": "poly1"},
    },
}
_NUMBERED: Mapping[str, Mapping[int, str]] = {
    "normsys": {1: "code1", 4: "code4", 5: "code4"},
    "histosys": {0: "code0", 2: "code2", 3: "code2", 4: "code4p"},
}
_NAMED: Mapping[str, Mapping[str, str]] = {
    "normsys": {"log": "code1", "code1": "code1", "code4": "code4"},
    "histosys": {
        "lin": "code0",
        "parabolic": "code2",
        "poly6": "code4p",
        "code0": "code0",
        "code2": "code2",
        "code4p": "code4p",
    },
}


def own_interpolation(modifier: Node, kind: str, default: Any = None) -> Interpolation | None:
    """Interpolation code that a modifier, or else its channel, asks for; None if neither does.

    Parameters
    ----------
    kind : {"normsys", "histosys"}
    default
        The channel's ``default_interpolation``.
    """
    value = modifier.value.get("interpolation")
    data = modifier.value.get("data")
    if value is None and isinstance(data, Mapping):
        value = data.get("interpolation")
    if value is None:
        value = default
    if value is None:
        return None
    code: str | None = None
    if isinstance(value, Mapping):
        wanted = {key: value.get(key) for key in ("type", "in", "out")}
        code = next((key for key, form in STRUCTURED[kind].items() if form == wanted), None)
    elif isinstance(value, str):
        code = _NAMED[kind].get(value)
    elif isinstance(value, int) and not isinstance(value, bool):
        code = _NUMBERED[kind].get(value)
    if code is None:
        shown = dict(value) if isinstance(value, Mapping) else describe(value)
        modifier.refuse(
            f"the interpolation {shown} is not supported for a {kind}; expected one of "
            f"{', '.join(STRUCTURED[kind])}, as a number of ROOT or as `type`, `in` and `out`"
        )
        return None
    return cast("Interpolation", code)
