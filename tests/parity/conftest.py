"""Options of the parity tests, and the table at their end.

The short form is the default; ``pytest tests/parity --long``, or ``NEXTSTAT_LONG=1``, also runs
what is marked ``slow`` in this folder. ``--backend NAME[:DEVICE]``, which may be repeated, chooses
the backends to compare with numpy; without it these are all that are installed and present. The
published workspaces are optional, see `parity_matrix.golden`.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from parity_matrix.backends import Presence, find_backend, known_backends
from parity_matrix.golden import NO_WORKSPACES, Case, golden_cases
from parity_matrix.ledger import Check, Table
from parity_matrix.pair import Pair, make_pair
from parity_matrix.subjects import subjects
from parity_matrix.tolerances import DOUBLE

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("parity")
    group.addoption("--long", action="store_true", help="run the long form of the parity tests")
    group.addoption(
        "--backend",
        action="append",
        metavar="NAME[:DEVICE]",
        help="compare this backend with numpy; must be present (default: all that are)",
    )
    group.addoption("--parity-report", metavar="FILE", help="write the table as JSON, too")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "cases(select=..., slow=...): run with each golden case for which `select` is true;"
        " those for which `slow` is true run in the long form only",
    )
    config.pluginmanager.register(_Report(config), "nextstat-parity-report")


# -- what is compared ------------------------------------------------------------------------------


def _chosen(config: pytest.Config) -> list[Presence]:
    """The backends of this run, absent ones included unless they were asked for by name."""
    named = config.getoption("--backend", default=None)
    found = [find_backend(label) for label in named or known_backends()]
    for each in found:
        if named and each.backend is None:
            raise pytest.UsageError(f"--backend {each.label}: {each.reason}")
    return found


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marker = metafunc.definition.get_closest_marker("cases")
    if marker is not None:
        _with_golden_cases(metafunc, marker)
    if "presence" in metafunc.fixturenames:
        found = _chosen(metafunc.config)
        metafunc.parametrize("presence", found, ids=[each.label for each in found])
    if "pair" in metafunc.fixturenames:
        pairs = _pairs(_chosen(metafunc.config), long=_is_long(metafunc.config))
        metafunc.parametrize("pair", pairs, indirect=True)


def _with_golden_cases(metafunc: pytest.Metafunc, marker: pytest.Mark) -> None:
    slow: Callable[[Case], bool] = marker.kwargs.get("slow", lambda _: False)
    chosen = [case for case in golden_cases() if marker.kwargs["select"](case)]
    parameters = [
        pytest.param(case, id=case.id, marks=[pytest.mark.slow] if slow(case) else [])
        for case in chosen
    ]
    if not golden_cases():
        parameters = [pytest.param(None, marks=pytest.mark.skip(reason=NO_WORKSPACES))]
    metafunc.parametrize("case", parameters)


def _pairs(found: list[Presence], *, long: bool) -> list[Any]:
    """Every present backend with every model; the short form leaves out what takes long."""
    return [
        pytest.param((presence, subject), id=f"{presence.label}-{subject.id}")
        for presence in found
        if presence.backend is not None
        for subject in subjects()
        if long or not (subject.slow or (presence.is_slow and subject.id.startswith("real/")))
    ]


def _is_long(config: pytest.Config) -> bool:
    return bool(config.getoption("--long", default=False) or os.environ.get("NEXTSTAT_LONG"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if _is_long(config):
        return
    skip = pytest.mark.skip(reason="long form: pytest tests/parity --long, or NEXTSTAT_LONG=1")
    for item in items:
        if item.path.is_relative_to(HERE) and item.get_closest_marker("slow"):
            item.add_marker(skip)


@pytest.fixture
def pair(request: pytest.FixtureRequest) -> Pair:
    presence, subject = request.param
    return make_pair(presence, subject)


@pytest.fixture
def check(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> Check:
    """Compare and record, for the backend and the model of the test; without a pair, for numpy."""
    if "pair" in request.fixturenames:
        pair: Pair = request.getfixturevalue("pair")
        return Check(record_property, pair.presence.label, pair.presence.kind, pair.subject.id)
    return Check(record_property, "numpy", DOUBLE, request.node.callspec.id)


@pytest.fixture(scope="session")
def load() -> Callable[[Case], Any]:
    """Load a case as a user would; a model is loaded once for all tests."""
    nextstat = pytest.importorskip("nextstat", reason="parity tests use the public interface")

    @cache
    def by_id(case_id: str) -> Any:
        case = next(case for case in golden_cases() if case.id == case_id)
        return nextstat.from_pyhf(case.text(), **case.arguments())

    return lambda case: by_id(case.id)


# -- the table -------------------------------------------------------------------------------------


class _Report:
    """Gathers what tests found, also those of other processes, and shows it at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self._config, self._table = config, Table()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            self._table.add(report.user_properties)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._table.lines:
            return
        for each in _chosen(self._config):
            if each.backend is None:
                self._table.skipped[each.label] = each.reason
        terminalreporter.section("parity")
        for line in self._table.text():
            terminalreporter.write_line(line)
        report = self._config.getoption("--parity-report", default=None)
        if report:
            self._table.write(Path(report))
