"""``nextstat lint``: what is odd about a workspace, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from nextstat_commands.loading import source_options
from nextstat_commands.output import write_json
from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from nextstat_commands.loading import Source
    from nextstat_core.io import Finding, LintThresholds

__all__ = ["command"]


@click.command("lint")
@source_options("measurement")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "info", "never"]),
    default="error",
    show_default=True,
    help="The exit code is 1 if a finding is as bad as that, or worse.",
)
@click.option("--ignore", multiple=True, metavar="CODE", help="Leave a rule out; may be repeated.")
@click.option(
    "--threshold",
    "thresholds",
    multiple=True,
    metavar="NAME=VALUE",
    help="From which size on something is odd; may be repeated.",
)
@click.option(
    "--limit",
    type=click.IntRange(0),
    default=5,
    show_default=True,
    help="Findings of each rule that are shown as text; 0 for all.",
)
def command(
    *,
    source: Source,
    form: str,
    fail_on: str,
    ignore: tuple[str, ...],
    thresholds: tuple[str, ...],
    limit: int,
) -> None:
    """Say what is odd about WORKSPACE: systematics, shapes, bins, parameters and names."""
    from nextstat_core.hooks import get_manager
    from nextstat_core.io import workspace_lint
    from nextstat_core.io.lint import at_least

    findings = workspace_lint(
        source.content(),
        measurement=source.measurement,
        thresholds=_thresholds(thresholds),
        ignore=ignore,
        modifier_types=get_manager().modifiers,
    )
    if form == "json":
        counts = {name: _count(findings, name) for name in ("error", "warning", "info")}
        write_json({"findings": [each.to_dict() for each in findings], "counts": counts}, "-")
    else:
        click.echo("\n".join(_lines(findings, limit)))
    if fail_on != "never" and any(at_least(each.severity, fail_on) for each in findings):  # type: ignore[arg-type]
        click.get_current_context().exit(1)


def _thresholds(given: Sequence[str]) -> LintThresholds:
    from nextstat_core.io import LintThresholds

    known = list(LintThresholds.__dataclass_fields__)
    values: dict[str, float] = {}
    for entry in given:
        name, _, text = entry.partition("=")
        if name not in known:
            raise InputError.unknown("threshold", name, known)
        try:
            values[name] = float(text)
        except ValueError as error:
            message = f"`--threshold {entry}`: expected NAME=NUMBER"
            raise InputError(message) from error
    return LintThresholds(**values)


def _lines(findings: Sequence[Finding], limit: int) -> Iterator[str]:
    """One paragraph per rule: its findings, the places of each counted, and the suggestion."""
    by_code: dict[str, list[Finding]] = {}
    for finding in findings:
        by_code.setdefault(finding.code, []).append(finding)
    for code, found in by_code.items():
        yield f"{found[0].severity}: {code} ({len(found)})"
        shown = found[:limit] if limit else found
        for finding in shown:
            more = f" (and {finding.count - 1} more)" if finding.count > 1 else ""
            yield f"  - {finding.place}{more}: {finding.message}"
        if len(found) > len(shown):
            yield f"  - ... {len(found) - len(shown)} more; --limit 0 shows all"
        suggestions = dict.fromkeys(finding.suggestion for finding in found if finding.suggestion)
        yield from (f"  hint: {suggestion}" for suggestion in suggestions)
        yield ""
    counts = (f"{_count(findings, name)} {name}" for name in ("error", "warning", "info"))
    yield f"{len(findings)} findings: {', '.join(counts)}"


def _count(findings: Sequence[Finding], severity: str) -> int:
    return sum(finding.severity == severity for finding in findings)
