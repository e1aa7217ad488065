"""The other commands, plugins, and the command as a process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import Result

from nextstat_core.hooks import PluginManager, hookimpl
from nextstat_core.testing.modifier_cases import workspace_with

Run = Callable[..., Result]


def test_help_lists_own_commands(run: Run) -> None:
    shown = run("--help")
    assert shown.exit_code == 0
    for name in ("audit", "compare-pyhf", "fit", "hypotest", "plugins", "upper-limit", "version"):
        assert name in shown.stdout


def test_the_version_is_printed(run: Run) -> None:
    assert run("version").stdout.startswith("nextstat 0.")


def test_an_unknown_command_is_a_usage_error(run: Run) -> None:
    assert run("fot").exit_code == 2


# -- audit ----------------------------------------------------------------------------------------


def test_an_audit_counts_what_there_is(run: Run, workspace: Path) -> None:
    shown = run("audit", workspace)
    assert shown.exit_code == 0
    assert "The workspace loads." in shown.stdout
    assert "shapesys (1)" in shown.stdout
    data = json.loads(run("audit", workspace, "--format", "json").stdout)
    assert (data["channel_count"], data["total_bins"]) == (1, 2)


def test_an_audit_of_an_unusable_workspace_lists_problems(
    run: Run, document: dict[str, Any], tmp_path: Path
) -> None:
    document["channels"][0]["samples"][1]["modifiers"][0]["data"] = [1.0]
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(document))
    shown = run("audit", path)
    assert shown.exit_code == 1
    assert "The workspace cannot be loaded." in shown.stdout
    assert "uncorr_bkguncrt" in shown.stdout


# -- compare-pyhf ---------------------------------------------------------------------------------


def test_modifiers_of_plugins_cannot_be_compared(run: Run, tmp_path: Path) -> None:
    data = {"linear": [0.1, 0.2, 0.3], "quadratic": [0.0, 0.0, 0.1]}
    path = tmp_path / "workspace.json"
    path.write_text(json.dumps(workspace_with(("c", "example_coupling", data))))
    done = run("compare-pyhf", path)
    assert done.exit_code == 1
    place = "channel 'one', sample 'acted_on', modifier 'c' (example_coupling)"
    assert f"error: {place}: pyhf does not know this type; a plugin defines it" in done.stderr


@pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")
def test_the_likelihood_is_that_of_pyhf(run: Run, workspace: Path, rich_workspace: Path) -> None:
    pytest.importorskip("pyhf", reason="the reference")
    for path in (workspace, rich_workspace):
        shown = run("compare-pyhf", path, "--points", "3", "--seed", "5")
        assert shown.exit_code == 0, shown.output
        assert shown.stdout.count("agrees") == 4


@pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")
def test_a_difference_to_pyhf_is_an_error(
    run: Run, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyhf", reason="the reference")
    monkeypatch.setattr("nextstat_commands.compare._TOLERANCE", -1.0)
    result = run("compare-pyhf", workspace, "--points", "1", "--json")
    assert result.exit_code == 1
    assert "likelihoods of nextstat and pyhf differ" in result.stderr
    assert [point["agrees"] for point in json.loads(result.stdout)["points"]] == [False, False]


@pytest.mark.filterwarnings("ignore:jsonschema.RefResolver:DeprecationWarning")
@pytest.mark.parametrize(("device", "tolerance"), [("", 1e-10), (":no_float64", 1e-4)])
def test_any_backend_can_be_compared(
    run: Run, rich_workspace: Path, acme: str, device: str, tolerance: float
) -> None:
    pytest.importorskip("pyhf", reason="the reference")
    result = run("compare-pyhf", rich_workspace, "--backend", acme + device, "--json")
    assert result.exit_code == 0, result.output
    printed = json.loads(result.stdout)
    assert (printed["backend"], printed["tolerance"]) == ("array_api_strict", tolerance)
    assert ("no_float64" in printed["device"]) is bool(device)


def test_an_audit_evaluates_nothing_and_has_no_backend(run: Run, workspace: Path) -> None:
    assert "No such option" in run("audit", workspace, "--backend", "numpy").stderr


def test_without_pyhf_the_pip_command_is_named(
    run: Run, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyhf", None)
    result = run("compare-pyhf", workspace)
    assert result.exit_code == 1
    assert "hint: python -m pip install pyhf" in result.stderr


# -- plugins --------------------------------------------------------------------------------------


class _Working:
    @hookimpl
    def nextstat_register_commands(self) -> list[click.Command]:
        @click.command("acme")
        def acme() -> None:
            """Say acme."""
            click.echo("acme speaks")

        return [acme]


class _Failing:
    @hookimpl
    def nextstat_register_commands(self) -> list[click.Command]:
        raise RuntimeError("acme is closed")


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> PluginManager:
    manager = PluginManager()
    monkeypatch.setattr("nextstat_core.hooks.get_manager", lambda: manager)
    monkeypatch.setattr("nextstat_commands.plugins.get_manager", lambda: manager)
    return manager


def test_commands_of_plugins_are_listed_and_run(run: Run, manager: PluginManager) -> None:
    manager.register(_Working(), name="acme")
    assert "Say acme." in run("--help").stdout
    assert run("acme").stdout == "acme speaks\n"


def test_a_command_that_two_plugins_claim_is_refused(run: Run, manager: PluginManager) -> None:
    manager.register(_Working(), name="first")
    manager.register(_Working(), name="second")
    result = run("acme")
    assert result.exit_code == 1
    assert "registered more than once" in result.stderr
    assert run("version").exit_code == 0


def test_broken_plugins_are_listed_with_their_reason(run: Run, manager: PluginManager) -> None:
    manager.register(_Working(), name="works")
    manager.register(_Failing(), name="fails")
    shown = run("plugins")
    assert shown.exit_code == 0
    assert "RuntimeError: acme is closed" in shown.stdout
    assert "Traceback" not in shown.stdout
    verbose = run("plugins", "--verbose").stdout
    assert "Traceback" in verbose
    assert "nextstat_register_commands" in verbose


def test_no_plugins_are_said_to_be_none(run: Run, manager: PluginManager) -> None:
    assert manager.plugins == ()
    assert run("plugins").stdout == "no plugins are installed\n"


# -- the command as a process ---------------------------------------------------------------------


def _process(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nextstat_commands", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def test_the_process_prints_json_and_ends_with_zero(workspace: Path) -> None:
    done = _process("fit", workspace)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["converged"]


def test_the_process_reads_standard_input(workspace: Path) -> None:
    with workspace.open() as stream:
        done = _process("fit", "-", stdin=stream)
    assert json.loads(done.stdout)["converged"]


def test_the_process_fails_in_one_line(tmp_path: Path) -> None:
    done = _process("fit", tmp_path / "nothing.json")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: no file")
    assert "Traceback" not in done.stderr


def test_the_process_limits_the_threads_of_array_libraries(workspace: Path) -> None:
    code = """
import os, sys
from nextstat_commands.main import cli
cli(["fit", sys.argv[1], "--threads", "3", "-o", os.devnull], standalone_mode=False)
print(os.environ["OPENBLAS_NUM_THREADS"])
"""
    unset = {name: value for name, value in os.environ.items() if "NUM_THREADS" not in name}
    done = subprocess.run(
        [sys.executable, "-c", code, str(workspace)],
        capture_output=True,
        text=True,
        check=True,
        env=unset,
    )
    assert done.stdout.strip() == "3"
