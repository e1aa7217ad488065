"""What is odd about a model that can be used all the same, and what to do about it."""

from nextstat_core.io.lint.findings import Finding, Severity, at_least
from nextstat_core.io.lint.rules import Rule, Sighting
from nextstat_core.io.lint.run import RULES, lint_model, workspace_lint
from nextstat_core.io.lint.thresholds import LintThresholds

__all__ = [
    "RULES",
    "Finding",
    "LintThresholds",
    "Rule",
    "Severity",
    "Sighting",
    "at_least",
    "lint_model",
    "workspace_lint",
]
