"""What a linter reports: one finding for everything of one kind about one thing."""

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, TypeAlias

__all__ = ["SEVERITIES", "Finding", "Severity", "at_least"]

Severity: TypeAlias = Literal["error", "warning", "info"]
#: From the worst to the mildest.
SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Finding:
    """One oddity of one thing, at all places where it occurs.

    Attributes
    ----------
    code : str
        Name of the rule.
    severity : {"error", "warning", "info"}
        ``error``: results cannot be trusted, or there are none. ``warning``: probably a mistake.
        ``info``: worth knowing.
    subject : str
        What it is about: the name of a modifier, for most rules.
    place : str
        Where it is worst, in words: ``channel 'SR', sample 'bkg', modifier 'jes' (normsys)``.
    message : str
        What was found there.
    suggestion : str
        What may be done about it.
    places : tuple of str
        All places, the worst first.
    """

    code: str
    severity: Severity
    subject: str
    place: str
    message: str
    suggestion: str
    places: tuple[str, ...]

    @property
    def count(self) -> int:
        """Number of places."""
        return len(self.places)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, with `count`."""
        return {**asdict(self), "places": list(self.places), "count": self.count}

    def __str__(self) -> str:
        more = f" (and {self.count - 1} more)" if self.count > 1 else ""
        return f"{self.severity}: {self.code}: {self.place}{more}: {self.message}"


def at_least(severity: Severity, least: Severity) -> bool:
    """Whether a severity is as bad as another, or worse."""
    return SEVERITIES.index(severity) <= SEVERITIES.index(least)
