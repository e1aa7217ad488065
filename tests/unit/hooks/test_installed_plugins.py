"""Plugins with real entry points: a broken one is named, and everything else works."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nextstat_core.testing.modifier_cases import workspace_with

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "example_workspace.json"

BACKEND = """
from nextstat_core.backend import BackendSpec
from nextstat_core.hooks import hookimpl

@hookimpl
def nextstat_register_backends():
    return [BackendSpec(name={name!r}, load=None)]
"""
COMMAND = """
import click
from nextstat_core.hooks import hookimpl

@hookimpl
def nextstat_register_commands():
    return [click.Command({name!r}, callback=lambda: click.echo({text!r}))]
"""
MODIFIER = """
from nextstat_core.hooks import hookimpl

class Kind:
    kind = {kind!r}
    def parameters(self, name, data, n_bins): return ()
    def lower(self, modifier, sample, channel): return ()

@hookimpl
def nextstat_register_modifiers():
    return [Kind()]
"""
MISSPELT = """
from nextstat_core.hooks import hookimpl

@hookimpl
def nextstat_register_backend():
    return []
"""
WRONG_ARGUMENT = """
from nextstat_core.hooks import hookimpl

@hookimpl
def nextstat_observe_fit(occasion): ...
"""
FAILING = """
from nextstat_core.hooks import hookimpl

@hookimpl
def nextstat_register_modifiers():
    raise SystemExit("no licence")
"""


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ("import no_such_library", "", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("1 / 0", "", "ZeroDivisionError"),
        ("raise SystemExit(3)", "", "SystemExit: 3"),
        ("def", "", "SyntaxError"),
        ("", "no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("", "acme_plugins_plugin:missing", "AttributeError"),
        (MISSPELT, "", "unknown hook 'nextstat_register_backend'"),
        (WRONG_ARGUMENT, "", "occasion"),
        (FAILING, "", "SystemExit: no licence"),
        (
            BACKEND.format(name="numpy"),
            "",
            "reserved for the distribution 'nextstat-backend-numpy'",
        ),
        (MODIFIER.format(kind="normsys"), "", "reserved for the distribution 'nextstat-core'"),
    ],
    ids=[
        *("missing library", "error at import", "exit at import", "no Python", "missing module"),
        *("missing attribute", "misspelt hook", "wrong argument", "exit in a hook"),
        *("the name of our backend", "a built-in modifier"),
    ],
)
def test_broken_plugin_is_named_and_fits_go_on(site, source: str, target: str, reason: str) -> None:
    site.install("acme-plugins", "acme", source, target=target)
    site.fit_works()
    done = site.run("plugins")
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.partition("acme  ")[2].splitlines()[:2]
    assert first.split() == ["broken", "acme-plugins", "1.2"]
    assert reason in second
    assert site.run("plugins", "-v").stdout.count("Traceback") == 1


def test_what_a_broken_plugin_may_have_brought_comes_with_the_reason(site, tmp_path) -> None:
    site.install("acme-plugins", "acme", MISSPELT)
    reason = (
        "the plugin 'acme' is installed but broken: PluginError: unknown hook "
        "'nextstat_register_backend'; did you mean 'nextstat_register_backends'? "
        "(see `nextstat plugins --verbose`)"
    )
    done = site.run("fit", EXAMPLE, "--backend", "acme")
    assert done.returncode == 1
    assert f"hint: {reason}" in done.stderr
    path = tmp_path / "workspace.json"
    path.write_text(json.dumps(workspace_with(("tilt", "acme_tilt", None))))
    done = site.run("fit", path)
    assert done.returncode == 1
    (line,) = [line for line in done.stderr.splitlines() if "  - " in line]
    assert line.startswith("  - channel 'one', sample 'acted_on', modifier 'tilt' (acme_tilt): ")
    assert "unknown modifier type 'acme_tilt'; expected example_coupling, histosys, " in line
    assert line.endswith(f"; 2 modifiers have this type ({reason})")


def test_plugin_that_hangs_is_given_up_and_the_others_are_loaded(site) -> None:
    site.install("acme-slow", "slow", "import time\n\ndef dream():\n    time.sleep(300)\n\ndream()")
    site.install("acme-zebra", "zebra", BACKEND.format(name="zebra"))
    site.fit_works(NEXTSTAT_PLUGIN_TIMEOUT="3")
    done = site.run("plugins", "-v", NEXTSTAT_PLUGIN_TIMEOUT="3")
    assert "acme-slow 1.2\n    PluginError: did not load within 3 s" in done.stdout
    assert "in dream" in done.stdout  # where it hangs
    assert "zebra                active" in done.stdout


def test_load_times_are_shown(site) -> None:
    site.install("acme-slow", "slow", "import time\ntime.sleep(0.05)\n" + BACKEND.format(name="s"))
    shown = site.run("plugins", "-v").stdout.partition("slow  ")[2].splitlines()
    assert shown[0].split() == ["active", "acme-slow", "1.2"]
    assert float(shown[1].split()[2]) >= 50.0
    assert shown[1].endswith(" ms")


def test_time_limit_that_is_no_number_is_an_error(site) -> None:
    done = site.run("plugins", NEXTSTAT_PLUGIN_TIMEOUT="soon")
    assert done.returncode == 1
    assert "NEXTSTAT_PLUGIN_TIMEOUT is 'soon'; expected seconds" in done.stderr


def test_without_a_limit_plugins_load_in_the_calling_thread(site) -> None:
    check = "import threading\nassert threading.current_thread() is threading.main_thread()\n"
    site.install("acme-main", "main", check + BACKEND.format(name="main"))
    assert "main                 broken" in site.run("plugins").stdout
    assert "main                 active" in site.run("plugins", NEXTSTAT_PLUGIN_TIMEOUT="0").stdout


def test_two_plugins_of_one_name_do_not_stop_ours(site) -> None:
    site.install("a-thief", "numpy", BACKEND.format(name="stolen"))
    site.fit_works()
    shown = site.run("plugins").stdout
    assert "numpy                active   nextstat-backend-numpy" in shown
    assert "numpy                broken   a-thief 1.2" in shown
    assert "'nextstat-backend-numpy' and 'a-thief' both ship a plugin named 'numpy'" in shown


@pytest.mark.parametrize(
    ("what", "source"),
    [
        ("backend 'shared'", BACKEND.format(name="shared")),
        ("command 'shared'", COMMAND.format(name="shared", text="which?")),
        ("modifier 'shared'", MODIFIER.format(kind="shared")),
    ],
)
def test_name_that_two_plugins_register_is_listed(site, what: str, source: str) -> None:
    site.install("acme-one", "one", source)
    site.install("acme-two", "two", source)
    site.fit_works()
    shown = site.run("plugins").stdout
    assert f"clash: the {what} is registered more than once" in shown
    assert "'acme-one'" in shown
    assert "'acme-two'" in shown
    assert site.run("--help").returncode == 0


def test_command_of_a_plugin_does_not_replace_ours(site) -> None:
    site.install("acme-fit", "fit", COMMAND.format(name="fit", text="mine"))
    site.fit_works()
    shown = site.run("plugins").stdout
    assert "clash: the command 'fit' of distribution 'acme-fit' (plugin 'fit') is hidden" in shown


def test_distribution_with_unreadable_entry_points_is_named(site) -> None:
    site.install("acme-garbled", "", "")
    site.install("acme-fine", "fine", BACKEND.format(name="fine"))
    site.fit_works()
    shown = site.run("plugins").stdout
    assert "fine                 active   acme-fine 1.2" in shown
    assert "acme-garbled         broken" in shown


def test_distribution_without_metadata_may_have_a_plugin(site) -> None:
    site.install("acme-bare", "bare", BACKEND.format(name="bare"), metadata=False)
    site.fit_works()
    assert "bare                 active" in site.run("plugins").stdout
