"""What a plugin supplies to add a kind of modifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec
from msgspec import inspect

from nextstat_core.errors import InputError, closest

if TYPE_CHECKING:
    from nextstat_core.ir.modifiers import PluginModifier
    from nextstat_core.ir.nodes import Channel, Parameter, Sample
    from nextstat_core.ir.terms import Term

__all__ = ["ModifierType", "modifier_data"]

_Data = TypeVar("_Data")


class ModifierType(Protocol):
    """A kind of modifier: how its JSON becomes parameters, and how it acts on yields.

    A method ``example(n_bins)`` that returns JSON `data` for a sample of `n_bins` bins lets
    ``nextstat check-plugin`` test the kind.
    """

    #: The ``type`` in the workspace.
    kind: str

    def parameters(self, name: str, data: Any, n_bins: int) -> tuple[Parameter, ...]:
        """Parameters that a modifier of this kind brings, given its JSON `data`.

        Called once per occurrence. Two occurrences of the same name must give equal parameters.
        Raises `InputError`, saying what was found and what was expected, where `data` is unusable.
        """
        ...

    def lower(self, modifier: PluginModifier, sample: Sample, channel: Channel) -> tuple[Term, ...]:
        """Row factors, cell additions and cell factors that the modifier amounts to."""
        ...


def modifier_data(data: Any, kind: type[_Data]) -> _Data:
    """Read the JSON `data` of a modifier as a type, for example a dataclass of tuples of float.

    Raises
    ------
    InputError
        If `data` is something else, or has a key that a dataclass does not have; the message says
        what was found where.
    """
    _refuse_unknown_keys(data, inspect.type_info(kind), "")
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise InputError(f"`data` cannot be used: {error}") from error


def _refuse_unknown_keys(data: Any, kind: inspect.Type, place: str) -> None:
    """A misspelt key that has a default must not pass in silence; msgspec ignores it."""
    inside: list[tuple[str, Any, inspect.Type]] = []
    if isinstance(kind, inspect.DataclassType) and isinstance(data, Mapping):
        types = {field.encode_name: field.type for field in kind.fields}
        for key in data:
            if key not in types:
                where = f" in `{place}`" if place else ""
                raise InputError(
                    f"`data` has the unknown key {key!r}{where}; expected {', '.join(types)}",
                    hint=closest(str(key), types),
                )
        inside = [(f".{key}", value, types[key]) for key, value in data.items()]
    elif isinstance(kind, inspect.DictType) and isinstance(data, Mapping):
        inside = [(f".{key}", value, kind.value_type) for key, value in data.items()]
    elif isinstance(kind, inspect.ListType | inspect.VarTupleType) and isinstance(
        data, list | tuple
    ):
        inside = [(f"[{index}]", value, kind.item_type) for index, value in enumerate(data)]
    for step, value, of in inside:
        _refuse_unknown_keys(value, of, f"{place}{step}".lstrip("."))
