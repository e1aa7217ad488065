"""What a plugin supplies to add a kind of modifier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from nextstat_core.ir.modifiers import PluginModifier
    from nextstat_core.ir.nodes import Channel, Parameter, Sample
    from nextstat_core.ir.terms import Term

__all__ = ["ModifierType"]


class ModifierType(Protocol):
    """A kind of modifier: how its JSON becomes parameters, and how it acts on yields."""

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
