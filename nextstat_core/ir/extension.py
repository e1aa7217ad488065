"""What a plugin supplies to add a kind of modifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from nextstat_core.errors import InputError

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
        If `data` is something else; the message says what was found where.
    """
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise InputError(f"`data` cannot be used: {error}") from error
