"""Names that ROOT accepts.

ROOT refuses data whose name is no identifier of ASCII letters, digits and underscores, and warns of
other things: isValidName and loadData in its RooJSONFactoryWSTool.cxx.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nextstat_core.ir import Model

__all__ = ["hs3_names", "identifiers"]

_COMPONENT = re.compile(r"(.*)\[(\d+)\]", re.DOTALL)


def hs3_names(model: Model) -> dict[str, str]:
    """Names that the parameters of a model have in the HS3 document that `write_hs3` writes.

    Identifiers stay as they are; ``name[i]`` is ROOT's ``gamma_name_bin_i``, and in other names
    underscores replace what no identifier may hold.

    Returns
    -------
    dict of str to str
        By name in the model.
    """
    return identifiers(entry.name for entry in model.parameters)


def identifiers(names: Iterable[str]) -> dict[str, str]:
    """Give each of several different names an identifier of its own."""
    names = list(names)
    found = {name: name for name in names if _valid(name)}
    taken = set(found)
    for name in names:
        if name not in found:
            new = _identifier(name)
            while new in taken:
                new += "_"
            taken.add(new)
            found[name] = new
    return found


def _valid(name: str) -> bool:
    return name.isascii() and name.isidentifier()


def _identifier(name: str) -> str:
    match = _COMPONENT.fullmatch(name)
    if match is not None:
        stem = match[1] if match[1].startswith("gamma_") else f"gamma_{match[1]}"
        name = f"{stem}_bin_{match[2]}"
    name = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return name if _valid(name) else f"_{name}"
