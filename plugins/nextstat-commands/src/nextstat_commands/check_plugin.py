"""``nextstat check-plugin``: whether a plugin keeps the contracts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nextstat_core.errors import InputError, NextstatError
from nextstat_core.hooks import GROUP

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Check", "Report", "command"]

#: What pytest collects: the classes are made when it imports this module.
_MODULE = """from nextstat_core.testing.certify import contracts_of

globals().update(contracts_of({points!r}, {devices!r}))
"""
_SETTINGS = """[pytest]
addopts = -q --import-mode=importlib
filterwarnings = error::RuntimeWarning
"""
_OUTCOMES = ("passed", "failed", "skipped", "known")


@dataclass(frozen=True, slots=True)
class Check:
    """One test of one contract, and how it ended."""

    contract: str
    test: str
    outcome: str
    reason: str = ""
    details: str = ""


@dataclass(slots=True)
class Report:
    """What the process that ran the contracts wrote down.

    Attributes
    ----------
    checks : dict of (contract, test) to Check
    running : (contract, test) or None
        The test that had begun and not ended.
    broken : list of str
        Why tests could not be collected.
    done : bool
        Whether the process came to its end.
    """

    checks: dict[tuple[str, str], Check] = field(default_factory=dict)
    running: tuple[str, str] | None = None
    broken: list[str] = field(default_factory=list)
    done: bool = False

    def read(self, lines: Sequence[str]) -> None:
        """Take what was written; a crash may have torn the last line."""
        for line in lines:
            if not line.endswith("}"):
                return
            record = json.loads(line)
            if "begins" in record:
                contract, test = record["begins"]
                self.running = contract, test
            elif "ends" in record:
                self.running = None
                self._end(record)
            elif "broken" in record:
                self.broken.append(record["broken"])
            self.done = self.done or "done" in record

    def _end(self, record: dict[str, Any]) -> None:
        contract, test = record["ends"]
        check = Check(contract, test, record["outcome"], record["reason"], record["details"])
        # A test that passes may still fail when it is torn down.
        if check.outcome == "failed" or (contract, test) not in self.checks:
            self.checks[contract, test] = check

    @property
    def unchecked(self) -> list[str]:
        """Contracts all of whose tests were skipped."""
        tried = {check.contract for check in self.checks.values() if check.outcome != "skipped"}
        return [each for each in self.contracts if each not in tried]

    @property
    def contracts(self) -> list[str]:
        """Contracts in the order of their tests."""
        return list(dict.fromkeys(contract for contract, _ in self.checks))

    @property
    def passed(self) -> bool:
        """Whether there is nothing to complain about."""
        failed = any(check.outcome == "failed" for check in self.checks.values())
        return self.done and bool(self.checks) and not failed and not self.broken


@click.command("check-plugin")
@click.argument("name")
@click.option(
    "--device", "devices", multiple=True, help="Test backends on this device; may be repeated."
)
@click.option(
    "-k", "expression", default="", metavar="EXPR", help="Run tests that match, as pytest."
)
@click.option("--verbose", "-v", is_flag=True, help="Show every check, and tracebacks of failures.")
def command(*, name: str, devices: tuple[str, ...], expression: str, verbose: bool) -> None:
    """Check the installed plugin NAME (an entry point or a distribution) against its contracts.

    The exit code is 1 if a check fails.
    """
    points = _points(name)
    missing = [each for each in ("pytest", "array_api_strict") if find_spec(each) is None]
    if missing:
        raise InputError(
            f"the conformance kit needs {' and '.join(missing)}, which cannot be imported",
            hint='python -m pip install "nextstat-core[testing]"',
        )
    report, process = _run(points, devices, expression)
    if report.done and not report.checks and not report.broken:
        raise InputError(f"no check matches -k {expression!r}")
    for line in _lines(report, verbose=verbose):
        click.echo(line)
    if not report.done:
        raise NextstatError(_crash(report, process))
    verdict = "keeps" if report.passed else "does not keep"
    click.echo(f"\n{name} {verdict} its contracts.")
    for contract in report.unchecked:
        click.echo(f"Nothing of the {contract} could be checked here.")
    click.get_current_context().exit(0 if report.passed else 1)


def _points(name: str) -> list[str]:
    """Entry points of the plugin, or of the distribution, that is called `name`."""
    points = list(entry_points(group=GROUP))
    shipped: dict[str, list[str]] = {}
    for point in points:
        if point.dist is not None:
            shipped.setdefault(_normalised(point.dist.name), []).append(point.name)
    names = sorted({point.name for point in points})
    if name in names:
        return [name]
    if _normalised(name) in shipped:
        return sorted(shipped[_normalised(name)])
    raise InputError.unknown(
        "installed plugin or distribution of plugins", name, [*names, *shipped]
    )


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _run(
    points: Sequence[str], devices: Sequence[str], expression: str
) -> tuple[Report, subprocess.CompletedProcess[str]]:
    """Run the contracts in another process, which a plugin may take down."""
    with tempfile.TemporaryDirectory() as folder:
        module, settings, path = (
            Path(folder) / name for name in ("test_plugin.py", "pytest.ini", "report")
        )
        module.write_text(_MODULE.format(points=points, devices=devices or [None]))
        settings.write_text(_SETTINGS)
        process = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-p", "nextstat_core.testing.certify"),
                *("--nextstat-report", str(path), "-p", "no:cacheprovider", "-k", expression),
                *("-c", str(settings), "--rootdir", folder, str(module)),
            ],
            capture_output=True,
            text=True,
            check=False,
            # What the user has for other tests, xdist or a coverage, has no business here.
            env={**os.environ, "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        )
        report = Report()
        if path.exists():
            report.read(path.read_text(encoding="utf-8").splitlines())
    return report, process


def _crash(report: Report, process: subprocess.CompletedProcess[str]) -> str:
    ended = f"the process that ran the checks ended with code {process.returncode}"
    if report.running:
        contract, test = report.running
        ended += f" in {test} of {contract}"
    output = (process.stderr.strip() or process.stdout.strip()).splitlines()
    return "\n".join([ended, *output[-15:]])


def _lines(report: Report, *, verbose: bool) -> Iterator[str]:
    checks = list(report.checks.values())
    width = max(map(len, [*report.contracts, "contract"]))
    yield f"{'contract':<{width}}  checks  " + "  ".join(f"{each:>7}" for each in _OUTCOMES)
    for contract in report.contracts:
        own = [check.outcome for check in checks if check.contract == contract]
        counts = "  ".join(f"{own.count(each):>7}" for each in _OUTCOMES)
        yield f"{contract:<{width}}  {len(own):>6}  {counts}"
    for outcome in _OUTCOMES:
        found = [check for check in checks if check.outcome == outcome]
        if found and (verbose or outcome != "passed"):
            yield f"\n{outcome}:"
            yield from _listed(found) if verbose else _by_reason(found)
    for text in report.broken:
        yield f"\nthe checks could not be collected:\n{text}"


def _listed(checks: Sequence[Check]) -> Iterator[str]:
    for check in checks:
        yield f"  {check.contract}: {check.test}" + (f": {check.reason}" if check.reason else "")
        if check.outcome == "failed":
            yield from (f"    {line}" for line in check.details.splitlines())


def _by_reason(checks: Sequence[Check]) -> Iterator[str]:
    """One line for each reason: a missing device concerns a hundred tests."""
    groups: dict[tuple[str, str], list[Check]] = {}
    for check in checks:
        groups.setdefault((check.contract, check.reason), []).append(check)
    for (contract, reason), members in groups.items():
        more = f" and {len(members) - 1} more" if len(members) > 1 else ""
        yield f"  {contract}: {members[0].test}{more}: {reason}"
