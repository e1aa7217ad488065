"""What the process that ran the contracts wrote down, and how it is shown."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Check", "Report", "report_lines"]

_OUTCOMES = ("passed", "failed", "skipped", "known")
#: So many cases of one test are named.
_NAMED = 6
#: Without these nobody knows what a plugin registers.
_LOADING = ("test_plugin_can_be_loaded", "test_contributions_can_be_listed_and_have_unique_names")


@dataclass(frozen=True, slots=True)
class Check:
    """One test of one contract, and how it ended."""

    contract: str
    test: str
    outcome: str
    reason: str = ""
    details: str = ""

    @property
    def function(self) -> str:
        """Name of the test without its parameters."""
        return self.test.partition("[")[0]


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
    collected : int
        Number of checks that were to run.
    done : bool
        Whether the process came to its end.
    """

    checks: dict[tuple[str, str], Check] = field(default_factory=dict)
    running: tuple[str, str] | None = None
    broken: list[str] = field(default_factory=list)
    collected: int = 0
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
            self.collected = record.get("collected", self.collected)
            self.done = self.done or "done" in record

    def _end(self, record: dict[str, Any]) -> None:
        contract, test = record["ends"]
        check = Check(contract, test, record["outcome"], record["reason"], record["details"])
        # A test that passes may still fail when it is torn down.
        if check.outcome == "failed" or (contract, test) not in self.checks:
            self.checks[contract, test] = check

    def count_crash(self, reason: str) -> None:
        """Count the test in which the process ended as one that failed."""
        if self.running is not None:
            self.checks[self.running] = Check(*self.running, "failed", reason)

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
    def failures(self) -> list[Check]:
        """Checks that failed, in the order in which they ran."""
        return [check for check in self.checks.values() if check.outcome == "failed"]

    @property
    def passed(self) -> bool:
        """Whether there is nothing to complain about."""
        return self.done and bool(self.checks) and not (self.failures or self.broken)

    @property
    def unknown_contributions(self) -> bool:
        """Whether it could not be found out what the plugin registers."""
        return any(check.test in _LOADING for check in self.failures)


def report_lines(report: Report, *, verbose: bool) -> Iterator[str]:
    """Table of outcomes, then whatever did not simply pass."""
    checks = list(report.checks.values())
    width = max(map(len, [*report.contracts, "contract"]))
    yield f"{'contract':<{width}}  checks  " + "  ".join(f"{each:>7}" for each in _OUTCOMES)
    for contract in report.contracts:
        own = [check.outcome for check in checks if check.contract == contract]
        counts = "  ".join(f"{own.count(each):>7}" for each in _OUTCOMES)
        yield f"{contract:<{width}}  {len(own):>6}  {counts}"
    if len(checks) < report.collected:
        yield f"{len(checks)} of {report.collected} checks ran"
    for outcome in _OUTCOMES:
        found = [check for check in checks if check.outcome == outcome]
        if found and (verbose or outcome != "passed"):
            yield f"\n{outcome}:"
            if verbose:
                yield from _each(found)
            else:
                yield from _by_test(found) if outcome == "failed" else _by_reason(found)
    for text in report.broken:
        yield f"\nthe checks could not be collected:\n{text}"


def _each(checks: Sequence[Check]) -> Iterator[str]:
    for check in checks:
        yield f"  {check.contract}: {check.test}" + (f": {check.reason}" if check.reason else "")
        if check.outcome == "failed":
            yield from (f"    {line}" for line in check.details.splitlines())


def _by_test(checks: Sequence[Check]) -> Iterator[str]:
    """One line for each test, however many cases it has; none is left out."""
    groups: dict[tuple[str, str], list[Check]] = {}
    for check in checks:
        groups.setdefault((check.contract, check.function), []).append(check)
    before = ""
    for (contract, function), members in groups.items():
        name = members[0].test if len(members) == 1 else f"{function} ({_cases(members)})"
        reason = members[0].reason
        yield f"  {contract}: {name}: {'the same' if reason == before else reason}"
        before = reason


def _cases(checks: Sequence[Check]) -> str:
    """How many cases failed, and which, if they are few and failed for several reasons."""
    count = f"{len(checks)} cases"
    if len(checks) > _NAMED or len({check.reason for check in checks}) == 1:
        return count
    names = [check.test.partition("[")[2].removesuffix("]") for check in checks]
    return f"{count}: {', '.join(names)}; the first"


def _by_reason(checks: Sequence[Check]) -> Iterator[str]:
    """One line for each reason: a missing device concerns a hundred tests."""
    groups: dict[tuple[str, str], list[Check]] = {}
    for check in checks:
        groups.setdefault((check.contract, check.reason), []).append(check)
    for (contract, reason), members in groups.items():
        more = f" and {len(members) - 1} more" if len(members) > 1 else ""
        yield f"  {contract}: {members[0].test}{more}: {reason}"
