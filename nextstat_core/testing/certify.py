"""What ``nextstat check-plugin`` runs, in a process of its own: a plugin of pytest.

A module ``globals().update(contracts_of(["acme"]))`` is collected under
``pytest -p nextstat_core.testing.certify --nextstat-report FILE``. The report has one JSON object
per line: a test that begins, how it ended, and at last that all is done. So a plugin that takes the
process down leaves behind what it was doing.
"""

from __future__ import annotations

import json
import re
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nextstat_core.errors import BackendUnavailableError
from nextstat_core.hooks import GROUP, PluginManager
from nextstat_core.testing.backend_contract import BackendContract
from nextstat_core.testing.model_contract import ModelContract
from nextstat_core.testing.modifier_contract import ModifierContract
from nextstat_core.testing.plugin_contract import PluginContract

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from nextstat_core.backend import Backend, BackendSpec
    from nextstat_core.testing.contract import Contract

__all__ = ["contracts_of", "pytest_addoption", "pytest_configure"]


def contracts_of(
    points: Sequence[str], devices: Sequence[str | None] = (None,)
) -> dict[str, type[Contract]]:
    """Test classes for plugins: the plugin's own contract, and one for each thing it registers.

    Parameters
    ----------
    points : sequence of str
        Names of entry points.
    devices : sequence of str or None
        Devices on which backends are tested; None is a backend's default.

    Returns
    -------
    dict of str to type
        Names say the contract and what it is about: ``Test BackendContract of 'acme'``.
    """
    found: dict[str, type[Contract]] = {}
    for point in entry_points(group=GROUP):
        if point.name not in points or f"Test PluginContract of {point.name!r}" in found:
            continue
        manager = PluginManager([point])
        for base, what, members in _contracts(manager, point.name, point.load, devices):
            title = f"Test {base.__name__} of {what!r}"
            found[title] = type(title, (base,), {"__module__": __name__, **members})
    return found


def _contracts(
    manager: PluginManager,
    name: str,
    load: Callable[[], Any],
    devices: Sequence[str | None],
) -> Iterator[tuple[type[Contract], str, dict[str, Any]]]:
    broken = any(info.state == "broken" for info in manager.plugins)
    plugin = None if broken else load()
    yield PluginContract, name, {"entry_point": name, "known_failures": _known(plugin)}
    for spec in (entry.value for entry in manager.backends.entries):
        for device in devices:
            what = spec.name if device is None else f"{spec.name}:{device}"
            yield BackendContract, what, _backend_members(spec, device)
    for kind in (entry.value for entry in manager.modifiers.entries):
        members = {"modifier_type": _fixture(partial(_same, kind))}
        yield ModifierContract, kind.kind, {**members, "known_failures": _known(kind)}
    for title, model in (entry.value for entry in manager.models.entries):
        members = {"model": _fixture(partial(_example_of, model))}
        yield ModelContract, title, {**members, "known_failures": _known(model)}


def _known(thing: Any) -> Mapping[str, str]:
    """Known failures that a plugin, backend, modifier or model declares."""
    return dict(getattr(thing, "known_failures", {}))


def _fixture(make: Callable[[], Any]) -> Any:
    """A fixture of a class that is made here; the class has no source to write it in."""
    return pytest.fixture(lambda self: make())  # noqa: ARG005  a method


def _backend_members(spec: BackendSpec, device: str | None) -> dict[str, Any]:
    def load() -> Backend:
        try:
            return spec.load(device)
        except BackendUnavailableError as error:
            pytest.skip(str(error).partition("\n")[0])

    try:
        known = _known(spec.load(device))
    except (Exception, SystemExit):  # noqa: BLE001  the tests meet the same error and report it
        known = {}
    return {"backend": _fixture(load), "known_failures": known}


def _same(thing: Any) -> Any:
    return thing


def _example_of(model: Any) -> Any:
    if not hasattr(model, "example"):
        pytest.fail(
            f"the model {model.__name__!r} has no class method `example()`, which returns a small "
            "instance with data to test",
            pytrace=False,
        )
    return model.example()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Option for the file of the report."""
    parser.addoption("--nextstat-report", type=Path, help="write a report of contracts here")


def pytest_configure(config: pytest.Config) -> None:
    """Write the report if one is asked for."""
    path = config.getoption("--nextstat-report")
    if path is not None:
        config.pluginmanager.register(_Recorder(path))


class _Recorder:
    """Writes down what pytest does."""

    def __init__(self, path: Path) -> None:
        self._stream = path.open("w", encoding="utf-8")

    def _write(self, **record: Any) -> None:
        self._stream.write(json.dumps(record) + "\n")
        self._stream.flush()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._write(begins=_names(nodeid))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        # A test has three phases; its outcome is that of the call, or of a phase that fails.
        if report.when == "call" or report.outcome != "passed":
            self._write(
                ends=_names(report.nodeid),
                outcome=_outcome(report),
                reason=_reason(report),
                details=report.longreprtext,
            )

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._write(broken=report.longreprtext)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._write(collected=len(session.items))

    def pytest_sessionfinish(self) -> None:
        self._write(done=True)


def _names(nodeid: str) -> list[str]:
    """Class and test."""
    _, contract, test = nodeid.split("::", 2)
    return [contract.removeprefix("Test "), test]


def _outcome(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return "known"
    return "failed" if report.failed else report.outcome


def _reason(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return str(report.wasxfail)
    if isinstance(report.longrepr, tuple):  # of a skipped test: file, line, reason
        return report.longrepr[2].removeprefix("Skipped: ")
    crash = getattr(report.longrepr, "reprcrash", None)
    return _first_words(str(crash.message if crash else report.longreprtext))


def _first_words(message: str) -> str:
    """The first line; the first lines where that is empty, as it is for messages of numpy."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    if lines and lines[0] == "AssertionError:":
        return "; ".join(lines[1:5])
    return re.sub("^(AssertionError|Failed): ", "", lines[0]) if lines else ""
