"""All rules over one model, or over one document that may describe none."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from nextstat_core.errors import InputError, Problem
from nextstat_core.io.decode import decode
from nextstat_core.io.lint import bins, names, parameters, shapes, statistics, systematics
from nextstat_core.io.lint.findings import SEVERITIES, Finding
from nextstat_core.io.lint.rules import Rule
from nextstat_core.io.lint.survey import Survey
from nextstat_core.io.lint.thresholds import LintThresholds
from nextstat_core.io.reading import Reading
from nextstat_core.io.workspace import try_workspace
from nextstat_core.ir import Model, ModifierType
from nextstat_core.ir.place import at_parameter

__all__ = ["RULES", "lint_model", "lint_readings", "workspace_lint"]

#: All rules about models, by subject.
RULES: Final[tuple[Rule, ...]] = (
    *bins.RULES,
    *systematics.RULES,
    *shapes.RULES,
    *statistics.RULES,
    *parameters.RULES,
    *names.RULES,
)
#: What documents have beyond models: reasons to refuse, and oddities that the reader noticed.
_UNUSABLE, _ABSENT_POI, _READING = "unusable", "poi-absent", "reading"
_CODES = (*(rule.code for rule in RULES), _UNUSABLE, _ABSENT_POI, _READING)


def workspace_lint(
    source: Any,
    *,
    measurement: str | None = None,
    thresholds: LintThresholds | None = None,
    ignore: Collection[str] = (),
    modifier_types: Mapping[str, ModifierType] | None = None,
) -> list[Finding]:
    """Find what is odd about a workspace in pyhf's format or HS3.

    A workspace that describes no usable model gives one finding ``unusable`` for each reason. If
    only the parameter of interest is absent, as in background-only workspaces, that is a finding
    ``poi-absent``, and the rest is examined.

    Parameters
    ----------
    source : str, bytes or mapping
        JSON text, or the decoded workspace.
    measurement : str, optional
        Name of the measurement, in HS3 of the analysis; the first one if left out.
    thresholds, ignore
        As in `lint_model`.
    modifier_types : mapping of str to ModifierType, optional
        Kinds of modifiers that plugins define.

    Returns
    -------
    list of Finding
        The worst first.

    Raises
    ------
    FormatError
        If the source is no JSON.
    InputError
        If `ignore` has an unknown code.
    """
    _check_codes(ignore)
    document = decode(source).usable()

    def read(**options: Any) -> Reading:
        return try_workspace(
            document, measurement=measurement, modifier_types=modifier_types, **options
        )

    declared = read()
    relaxed = declared if declared.model is not None else read(poi=None)
    return lint_readings(declared, relaxed, thresholds=thresholds, ignore=ignore)


def lint_model(
    model: Model, *, thresholds: LintThresholds | None = None, ignore: Collection[str] = ()
) -> list[Finding]:
    """Find what is odd about a model, whatever format it comes from.

    Parameters
    ----------
    model : Model
    thresholds : LintThresholds, optional
        From which size on something is odd.
    ignore : collection of str
        Codes of rules that are left out.

    Returns
    -------
    list of Finding
        The worst first; in the order of the rules where they are equally bad.

    Raises
    ------
    InputError
        If `ignore` has an unknown code.
    """
    _check_codes(ignore)
    limits = thresholds or LintThresholds()
    found = [*_from_reading(model)]
    survey = Survey(model)
    found += [finding for rule in RULES for finding in rule.findings(survey, limits)]
    return _ordered(found, ignore)


def lint_readings(
    declared: Reading,
    relaxed: Reading,
    *,
    thresholds: LintThresholds | None = None,
    ignore: Collection[str] = (),
) -> list[Finding]:
    """Findings of a document that was read as it is, and without a parameter of interest."""
    found: list[Finding] = []
    code = _UNUSABLE if relaxed.model is None else _ABSENT_POI
    if declared.model is None:
        found += [_of_problem(code, problem) for problem in declared.problems]
    if relaxed.model is not None:
        found += lint_model(relaxed.model, thresholds=thresholds)
        if declared.model is None:
            found = [finding for finding in found if not _follows(finding, declared)]
    return _ordered(found, ignore)


def _follows(finding: Finding, declared: Reading) -> bool:
    """Whether a finding only says once more that the parameter of interest is absent."""
    absent = f"parameter of interest {finding.subject!r}"
    return finding.code == "no-poi" or (
        finding.code == "unused-settings"
        and any(problem.place == absent for problem in declared.problems)
    )


def _ordered(found: list[Finding], ignore: Collection[str]) -> list[Finding]:
    kept = [finding for finding in found if finding.code not in ignore]
    return sorted(kept, key=lambda finding: SEVERITIES.index(finding.severity))


def _of_problem(code: str, problem: Problem) -> Finding:
    hint = problem.hint
    severity = SEVERITIES[0] if code == _UNUSABLE else SEVERITIES[1]
    place = problem.place or "workspace"
    return Finding(code, severity, place, place, problem.message, hint, (place,))


def _from_reading(model: Model) -> Iterator[Finding]:
    """What the reader of the document noticed, but for what a rule says better."""
    known = {entry.group for entry in model.parameters}
    unused = {at_parameter(entry.name) for entry in model.settings if entry.name not in known}
    for warning in model.warnings:
        if warning.place not in unused:
            yield _of_problem(_READING, warning)


def _check_codes(ignore: Collection[str]) -> None:
    if isinstance(ignore, str):
        raise InputError(f"`ignore` is the string {ignore!r}; expected a list of codes")
    for code in ignore:
        if code not in _CODES:
            raise InputError.unknown("rule", code, _CODES)
