"""Rules of the linter: a check, and what is said about what it sees."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from nextstat_core.io.lint.findings import Finding, Severity
from nextstat_core.io.lint.survey import Survey
from nextstat_core.io.lint.thresholds import LintThresholds

__all__ = ["Check", "Rule", "Sighting"]


@dataclass(frozen=True, slots=True)
class Sighting:
    """One place where a check saw something; `weight` says how bad it is there."""

    subject: str
    place: str
    message: str
    weight: float = 0.0


Check: TypeAlias = Callable[[Survey, LintThresholds], Iterable[Sighting]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of oddity.

    Attributes
    ----------
    code : str
        Its name, for people to choose and ignore it.
    severity : {"error", "warning", "info"}
    check : callable
        ``check(survey, thresholds)`` returns what it sees.
    suggestion : str
        What may be done about it.
    """

    code: str
    severity: Severity
    check: Check
    suggestion: str

    def findings(self, survey: Survey, thresholds: LintThresholds) -> Iterator[Finding]:
        """One finding for each thing that the check is about, worst place first."""
        by_subject: dict[str, list[Sighting]] = {}
        for sighting in self.check(survey, thresholds):
            by_subject.setdefault(sighting.subject, []).append(sighting)
        for subject, sightings in by_subject.items():
            sightings.sort(key=lambda sighting: -sighting.weight)
            worst = sightings[0]
            places = tuple(sighting.place for sighting in sightings)
            yield Finding(
                code=self.code,
                severity=self.severity,
                subject=subject,
                place=worst.place,
                message=worst.message,
                suggestion=self.suggestion,
                places=places,
            )
