"""Documents of any format that the core reads."""

from collections.abc import Mapping
from typing import Any

from nextstat_core.io.bulk import without_collector
from nextstat_core.io.decode import decode
from nextstat_core.io.hs3 import is_hs3, try_hs3
from nextstat_core.io.interpolation import InterpolationChoice
from nextstat_core.io.pyhf_json import try_pyhf
from nextstat_core.io.reading import DECLARED, DeclaredPoi, Reading
from nextstat_core.ir import Model, ModifierType

__all__ = ["read_workspace", "try_workspace"]


def read_workspace(
    source: Any,
    *,
    measurement: str | None = None,
    poi: str | DeclaredPoi | None = DECLARED,
    interpolation: InterpolationChoice = None,
    modifier_types: Mapping[str, ModifierType] | None = None,
) -> Model:
    """Read a workspace in pyhf's JSON format, or an HS3 document: one with ``distributions``.

    Parameters
    ----------
    source : str, bytes or mapping
        JSON text, or the decoded document.
    measurement : str, optional
        Name of the measurement, in HS3 of the analysis; the first one if left out.
    poi, interpolation
        As for `read_pyhf` and `read_hs3`.
    modifier_types : mapping of str to ModifierType, optional
        Kinds of modifiers that plugins define; pyhf's format only.

    Raises
    ------
    FormatError, ModelError, InputError
        As `read_pyhf` and `read_hs3`.
    """
    with without_collector():
        return try_workspace(
            decode(source).usable(),
            measurement=measurement,
            poi=poi,
            interpolation=interpolation,
            modifier_types=modifier_types,
        ).usable()


def try_workspace(
    document: Any,
    *,
    measurement: str | None = None,
    poi: str | DeclaredPoi | None = DECLARED,
    interpolation: InterpolationChoice = None,
    modifier_types: Mapping[str, ModifierType] | None = None,
) -> Reading:
    """Read a decoded document; problems of its content are returned, not raised.

    The arguments are those of `read_workspace`.
    """
    if is_hs3(document):
        return try_hs3(document, analysis=measurement, poi=poi, interpolation=interpolation)
    return try_pyhf(
        document,
        measurement=measurement,
        poi=poi,
        interpolation=interpolation,
        modifier_types=modifier_types,
    )
