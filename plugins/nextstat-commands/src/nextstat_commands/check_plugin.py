"""``nextstat check-plugin``: whether a plugin keeps the contracts."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nextstat_commands.check_report import Report, report_lines
from nextstat_core.errors import InputError, NextstatError, closest
from nextstat_core.hooks import GROUP, get_manager
from nextstat_core.hooks.manager import GATHERED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["command"]

#: What pytest collects: the classes are made when it imports this module.
_MODULE = """from nextstat_core.testing.certify import contracts_of

globals().update(contracts_of({points!r}, {devices!r}))
"""
_SETTINGS = """[pytest]
addopts = -q --import-mode=importlib
filterwarnings = error::RuntimeWarning
"""
#: Of a dump of faulthandler: frames that every check has, and what else says nothing.
_FRAME = re.compile(r'^  File "(?P<file>[^"]+)", line \d+')
_OF_THE_KIT = re.compile(r"[/\\](_pytest|pytest|pluggy|nextstat_core[/\\]testing)[/\\]|runpy")
_MOST_FRAMES = 12


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

    The exit code is 1 if a check fails, and if a device that is asked for, or all that the plugin
    has, could not be checked here.
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
    if not report.done:
        report.count_crash(f"the process ended with code {process.returncode}")
    for line in (*report_lines(report, verbose=verbose), *_verdict(report, name, devices)):
        click.echo(line)
    if not report.done:
        raise NextstatError("\n".join(_crash(report, process)))
    click.get_current_context().exit(0 if report.passed and not _in_vain(report, devices) else 1)


def _in_vain(report: Report, devices: Sequence[str]) -> bool:
    """Whether a device, or all that the plugin has, was not checked; few machines have all."""
    owed = [each for each in report.contracts if not each.startswith("PluginContract")]
    on_devices = [[each for each in owed if each.endswith(f":{device}'")] for device in devices]
    return any(
        contracts and set(contracts) <= set(report.unchecked) for contracts in on_devices or [owed]
    )


def _verdict(report: Report, name: str, devices: Sequence[str]) -> Iterator[str]:
    yield ""
    if report.failures or report.broken:
        yield f"{name} does not keep its contracts."
    elif not report.done:
        yield f"{name} was not checked to the end."
    elif _in_vain(report, devices):
        where = " on " + ", ".join(map(repr, devices)) if devices else " here"
        yield f"{name} could not be checked{where}."
    elif report.unchecked:
        yield f"{name} keeps the contracts that could be checked here."
    else:
        yield f"{name} keeps its contracts."
    for contract in report.unchecked:
        yield f"Nothing of the {contract} could be checked."
    if report.unknown_contributions:
        yield f"What {name} registers was not checked: the plugin does not get so far."
    if report.failures:
        yield "Start with the first failure; later ones often follow from it. Rerun it with:"
        yield f"hint: nextstat check-plugin {name} -v -k {report.failures[0].function}"


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
    found = [*dict.fromkeys([*names, *shipped])]
    raise InputError(
        f"no installed plugin or distribution of plugins named {name!r}; there are: "
        f"{', '.join(map(repr, found)) or 'none'}",
        hint=_owner_of(name) or closest(name, found),
    )


def _owner_of(name: str) -> str:
    """Which plugin to check, if `name` is that of a backend, modifier or the like."""
    for hook, (what, _) in GATHERED.items():
        for entry in get_manager().contributions(hook).entries:
            if name in entry.names:
                return (
                    f"the {what} {name!r} comes from the plugin {entry.plugin!r}: "
                    f"nextstat check-plugin {entry.plugin}"
                )
    return ""


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


def _crash(report: Report, process: subprocess.CompletedProcess[str]) -> Iterator[str]:
    ended = f"the process that ran the checks ended with code {process.returncode}"
    if report.running:
        contract, test = report.running
        ended += f" in {test} of {contract}"
    yield ended
    output = (process.stderr.strip() or process.stdout.strip()).splitlines()
    yield from _own_frames(output) or output[-15:]


def _own_frames(output: Sequence[str]) -> list[str]:
    """The innermost frames of a dump of faulthandler, without those that every check has."""
    starts = [i for i, line in enumerate(output) if line.startswith("Fatal Python error")]
    if not starts:
        return []
    dump = output[starts[0] :]
    current = [i for i, line in enumerate(dump) if line.startswith("Current thread")]
    frames = []
    for line in dump[current[0] + 1 :] if current else []:
        frame = _FRAME.match(line)
        if frame is None:
            break  # another thread, or the list of extension modules
        if not _OF_THE_KIT.search(frame["file"]):
            frames.append(line)
    return [dump[0], *frames[:_MOST_FRAMES]]
