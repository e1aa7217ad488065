"""What treatments did: a record for people and for JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nextstat_histograms.histogram import Histogram

__all__ = ["Change", "Step"]


@dataclass(frozen=True, slots=True)
class Change:
    """What a step did at one place.

    Attributes
    ----------
    place : str
        ``channel 'SR', sample 'bkg', systematic 'jes', Up``.
    action : str
        ``smoothed``, ``pruned``; or ``kept``, with a reason in the details.
    details : mapping
        Numbers that say why, or how much.
    """

    place: str
    action: str
    details: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, place: str, action: str, before: Histogram | None, after: Histogram) -> Change:
        """A change of yields, bin by bin."""
        return cls(
            place,
            action,
            {
                "before": None if before is None else before.values.tolist(),
                "after": after.values.tolist(),
            },
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it; an infinite effect is the string ``infinite``."""
        return {"place": self.place, "action": self.action, **_plain(self.details)}


@dataclass(frozen=True, slots=True)
class Step:
    """One treatment of all templates.

    Attributes
    ----------
    name : str
    options : mapping
        How it was done.
    changes : tuple of Change
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        changes = [change.to_dict() for change in self.changes]
        return {"step": self.name, "options": _plain(self.options), "changes": changes}

    def __str__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        counts: dict[str, int] = {}
        for change in self.changes:
            counts[change.action] = counts.get(change.action, 0) + 1
        found = ", ".join(f"{count} {action}" for action, count in counts.items()) or "no change"
        return f"{self.name}({options}): {found}"


def _plain(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: "infinite" if isinstance(value, float) and not isfinite(value) else value
        for key, value in mapping.items()
    }
