"""Names that people and file systems mix up."""

from collections.abc import Iterable, Iterator

from nextstat_core.io.lint.rules import Rule, Sighting
from nextstat_core.io.lint.survey import Survey
from nextstat_core.io.lint.thresholds import LintThresholds

__all__ = ["RULES"]


def _similar(survey: Survey, _: LintThresholds) -> Iterator[Sighting]:
    yield from _alike("channel", (channel.name for channel in survey.model.channels))
    samples = (sample.name for channel in survey.model.channels for sample in channel.samples)
    yield from _alike("sample", samples)
    yield from _alike("modifier", (use.modifier.name for use in survey.uses))


def _alike(what: str, names: Iterable[str]) -> Iterator[Sighting]:
    """Different names that are the same but for case and blanks."""
    groups: dict[str, dict[str, None]] = {}
    for name in names:
        groups.setdefault("".join(name.casefold().split()), {})[name] = None
    for group in groups.values():
        if len(group) > 1:
            listed = ", ".join(map(repr, group))
            first = next(iter(group))
            message = f"these names differ only in case or blanks: {listed}"
            yield Sighting(f"{what} {first}", f"{what} {first!r}", message)


RULES = (
    Rule("similar-names", "warning", _similar, "if they mean the same, give them one name: "
         "modifiers of different names are not correlated"),
)  # fmt: skip
