"""``nextstat check-plugin``: what it finds out, and how it says so."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from nextstat_commands.check_report import Report

if TYPE_CHECKING:
    from pathlib import Path

BACKEND = """
from nextstat_backend_numpy._backend import NumpyBackend
from nextstat_core.backend import BackendSpec
from nextstat_core.errors import BackendUnavailableError
from nextstat_core.hooks import hookimpl

known_failures = {known!r}

class Acme(NumpyBackend):
    name = "acme"
    def __reduce__(self):
        return Acme, ()
    {member}

def load(device):
    {load}

@hookimpl
def nextstat_register_backends():
    return [BackendSpec(name="acme", load=load)]
"""
MODEL = """
from nextstat_core.hooks import hookimpl
from nextstat_core.models import StdNormalModel

class Normal(StdNormalModel):
    {example}

@hookimpl
def nextstat_register_models():
    return [("acme_normal", Normal)]
"""


def backend(member="", load="return Acme()", **known) -> str:
    return BACKEND.format(member=member, load=load, known=known)


def row(stdout: str, contract: str) -> list[int]:
    """Numbers of checks: all, passed, failed, skipped, known."""
    line = next(line for line in stdout.splitlines() if line.startswith(contract))
    return list(map(int, line.split()[-5:]))


def test_certified_plugin(run) -> None:
    shown = run("check-plugin", "example")
    assert shown.exit_code == 0, shown.output
    for contract in ("PluginContract of 'example'", "ModifierContract of 'example_coupling'"):
        n, passed, failed, _, _ = row(shown.stdout, contract)
        assert n >= 10
        assert (passed, failed) == (n, 0)
    assert shown.stdout.endswith("example keeps its contracts.\n")


def test_distribution_finds_its_plugins_in_any_spelling(run) -> None:
    shown = run("check-plugin", "Nextstat_Example", "-k", "metadata", "--verbose")
    assert shown.exit_code == 0, shown.output
    assert row(shown.stdout, "PluginContract")[:2] == [1, 1]
    assert "passed:\n  PluginContract of 'example': test_metadata_says_who" in shown.stdout


def test_unknown_name_gets_the_closest_one(run) -> None:
    done = run("check-plugin", "exampel")
    assert done.exit_code == 1
    assert "no installed plugin or distribution of plugins named 'exampel'" in done.stderr
    assert "hint: did you mean 'example'" in done.stderr


def test_selection_of_nothing_is_an_error(run) -> None:
    done = run("check-plugin", "example", "-k", "no_such_test")
    assert done.exit_code == 1
    assert "no check matches -k 'no_such_test'" in done.stderr


def test_without_pytest_the_extra_is_named(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pytest", None)
    done = run("check-plugin", "example")
    assert done.exit_code == 1
    assert 'pip install "nextstat-core[testing]"' in done.stderr


def test_missing_device_is_a_reason_to_skip(site) -> None:
    load = "raise BackendUnavailableError('no acme device on this machine')"
    site.install("acme-backend", "acme", backend(load=load))
    done = site.run("check-plugin", "acme", "-k", "BackendContract")
    n, *counts = row(done.stdout, "BackendContract of 'acme'")
    assert counts == [0, 0, n, 0]
    assert done.stdout.count("no acme device on this machine") == 1


def test_plugin_of_which_nothing_can_be_checked_is_not_certified(site) -> None:
    load = "raise BackendUnavailableError('no acme device on this machine')"
    site.install("acme-backend", "acme", backend(load=load))
    done = site.run("check-plugin", "acme", "-k", "lanes or words")
    assert done.returncode == 1
    assert "acme could not be checked here." in done.stdout
    assert "Nothing of the BackendContract of 'acme' could be checked." in done.stdout


@pytest.mark.parametrize(
    ("devices", "code", "verdict"),
    [
        ((), 0, "acme keeps its contracts."),
        (("cpu",), 0, "acme keeps its contracts."),
        (("cpu", "mars"), 1, "acme could not be checked on 'cpu', 'mars'."),
    ],
)
def test_every_device_that_is_asked_for_has_to_be_checked(site, devices, code, verdict) -> None:
    load = "\n    ".join(
        [
            "if device == 'mars':",
            "    raise BackendUnavailableError('too far')",
            "return Acme()",
        ]
    )
    site.install("acme-backend", "acme", backend(load=load))
    asked = [word for device in devices for word in ("--device", device)]
    done = site.run("check-plugin", "acme", "-k", "lanes or words", *asked)
    assert done.returncode == code, done.stdout
    assert verdict in done.stdout


def test_other_names_lead_to_the_plugin(run) -> None:
    for name in ("example_coupling", "example-yields"):
        done = run("check-plugin", name)
        assert done.exit_code == 1
        assert done.stderr.count("'example'") == 2  # in the list, and in the hint
        assert f"{name!r} comes from the plugin 'example': nextstat check-plugin" in done.stderr


def test_failures_are_listed_by_reason_and_in_full(site) -> None:
    member = "lanes = 7"
    site.install("acme-backend", "acme", backend(member))
    done = site.run("check-plugin", "acme", "-k", "lanes or any_true")
    assert done.returncode == 1
    assert row(done.stdout, "BackendContract of 'acme'") == [2, 1, 1, 0, 0]
    assert "test_lanes_are_rows_in_eights: assert (7 % 8) == 0" in done.stdout
    assert "acme does not keep its contracts." in done.stdout
    hint = "hint: nextstat check-plugin acme -v -k test_lanes_are_rows_in_eights"
    assert done.stdout.endswith(f"{hint}\n")
    verbose = site.run("check-plugin", "acme", "-k", "lanes", "-v").stdout
    assert "assert backend.lanes % 8 == 0" in verbose


def test_each_failed_test_has_one_line_that_is_not_empty(site) -> None:
    member = "take = lambda self, x, index, *, axis: 0.0 * Acme.__mro__[1].take("
    member += "self, x, index, axis=axis) - 1.0"
    site.install("acme-backend", "acme", backend(member))
    done = site.run("check-plugin", "acme", "-k", "take or spd or factor or curvature")
    listed = done.stdout.partition("failed:\n")[2].partition("\n\n")[0].splitlines()
    names = [line.partition("': ")[2].partition(":")[0] for line in listed]
    curvature = "test_curvature_is_that_of_numpy (5 cases"
    assert names == ["test_take_selects_along_either_axis", curvature]
    assert all(len(line.rpartition(": ")[2]) > 3 for line in listed)
    assert "Mismatched elements" in listed[0]


def test_known_failures_of_a_backend_are_counted_apart(site) -> None:
    member = "lanes = 7; known_failures = {'test_lanes_are_rows_in_eights': 'odd for now'}"
    site.install("acme-backend", "acme", backend(member))
    done = site.run("check-plugin", "acme", "-k", "lanes or any_true")
    assert done.returncode == 0, done.stdout
    assert row(done.stdout, "BackendContract of 'acme'") == [2, 1, 0, 0, 1]
    assert "odd for now" in done.stdout


def test_known_failures_of_a_plugin_have_to_fail(site) -> None:
    known = {"test_names_are_words": "they are"}
    site.install("acme-backend", "acme", backend(**known))
    done = site.run("check-plugin", "acme", "-k", "words")
    assert done.returncode == 1
    assert "XPASS(strict)" in done.stdout


def test_wrong_attributes_come_first(site) -> None:
    site.install("acme-backend", "acme", backend("device = 'gpu:7'"))
    done = site.run("check-plugin", "acme", "-k", "BackendContract and (device or likelihood)")
    first, *others = done.stdout.partition("failed:\n")[2].partition("\n\n")[0].splitlines()
    assert "test_device_is_what_arrays_report: backend.device is 'gpu:7' (str), but arrays" in first
    assert "set device to what x.device returns" in first
    assert others
    assert done.stdout.endswith("-v -k test_device_is_what_arrays_report\n")


@pytest.mark.parametrize("code", ["os._exit(5)", "os.kill(os.getpid(), 11)"])
def test_crash_is_reported_with_the_test_that_ran(site, code: str) -> None:
    member = f"def any_true(self, mask):\n        import os; {code}"
    site.install("acme-backend", "acme", backend(member))
    done = site.run("check-plugin", "acme", "-k", "any_true")
    assert done.returncode == 1
    assert "error: the process that ran the checks ended with code" in done.stderr
    assert "in test_any_true_is_a_python_bool of BackendContract of 'acme'" in done.stderr
    assert row(done.stdout, "BackendContract of 'acme'")[2] == 1
    assert "test_any_true_is_a_python_bool: the process ended with code" in done.stdout
    assert "Extension modules" not in done.stderr


def test_crash_shows_the_frames_of_the_plugin(site) -> None:
    code = "def any_true(self, mask):\n        import os; os.kill(os.getpid(), 11)"
    site.install("acme-backend", "acme", backend(code))
    done = site.run("check-plugin", "acme", "-k", "any_true or pickles")
    assert "1 of 2 checks ran" in done.stdout
    _, fatal, *frames = done.stderr.splitlines()
    assert fatal.startswith("Fatal Python error: Segmentation fault")
    assert "acme_backend_plugin.py" in frames[0]
    assert not any("pluggy" in frame or "_pytest" in frame for frame in frames)


def test_plugin_that_cannot_be_imported_fails_with_its_traceback(site) -> None:
    site.install("acme-backend", "acme", "import no_such_library")
    done = site.run("check-plugin", "acme")
    assert done.returncode == 1
    assert "No module named 'no_such_library'" in done.stdout
    first = done.stdout.partition("failed:\n")[2].splitlines()[0]
    assert "test_plugin_can_be_loaded: ModuleNotFoundError" in first
    assert "What acme registers was not checked" in done.stdout


def test_models_are_checked_by_their_example(site) -> None:
    example = "example = classmethod(lambda cls: cls(2))"
    site.install("acme-models", "acme", MODEL.format(example=example))
    done = site.run("check-plugin", "acme")
    assert row(done.stdout, "ModelContract of 'acme_normal'")[2] == 0, done.stdout
    # The example brings no README; that is the one complaint.
    assert row(done.stdout, "PluginContract of 'acme'")[2] == 1


def test_model_without_an_example_says_what_to_add(site) -> None:
    site.install("acme-models", "acme", MODEL.format(example="pass"))
    done = site.run("check-plugin", "acme", "-k", "ModelContract")
    assert done.returncode == 1
    assert "the model 'Normal' has no class method `example()`" in done.stdout


def test_report_survives_a_torn_last_line(tmp_path: Path) -> None:
    report = Report()
    report.read(['{"begins": ["C", "test_x"]}', '{"ends": ["C", "te'])
    assert report.running == ("C", "test_x")
    assert not report.done
