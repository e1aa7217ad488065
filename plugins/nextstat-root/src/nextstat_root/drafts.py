"""Settings of parameters, gathered from several places of an XML document."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nextstat_core.ir import ParameterSettings

__all__ = ["Drafts"]


@dataclass(slots=True)
class Drafts:
    """What is known about parameters so far, by name of a modifier or of one of its bins."""

    fields: dict[str, dict[str, Any]] = field(default_factory=dict)

    def update(self, name: str, **settings: Any) -> None:
        """Add settings, the fields of `ParameterSettings`; what was said before is replaced."""
        self.fields.setdefault(name, {}).update(settings)

    def settings(self) -> tuple[ParameterSettings, ...]:
        """All settings, in the order in which their names first came up."""
        return tuple(ParameterSettings(name, **fields) for name, fields in self.fields.items())
