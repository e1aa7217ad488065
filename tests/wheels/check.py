"""Build wheels of all distributions, install them into a clean environment, and use them there.

    python tests/wheels/check.py [--keep FOLDER]

Finds what editable installs hide: files that a wheel lacks, wrong entry points, requirements that
nobody declared. Our own names come from the wheels alone, never from an index. Every folder below
`backends`, `plugins` and `docs/examples` that has a ``pyproject.toml`` takes part, and the root.
"""

from __future__ import annotations

import argparse
import email
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "example_workspace.json"
GROUP = "nextstat.plugins"
#: What the conformance kit needs.
EXTRA = "testing"


class WheelError(Exception):
    """What a wheel lacks, or does not do."""


@dataclass(frozen=True)
class Distribution:
    """One distribution of this repository."""

    folder: Path
    project: dict[str, Any]
    packages: tuple[Path, ...]

    @property
    def name(self) -> str:
        return str(self.project["name"])

    @property
    def is_example(self) -> bool:
        """Whether it stands for what somebody else writes, as short as can be."""
        return self.folder.is_relative_to(ROOT / "docs")

    @property
    def entry_points(self) -> dict[str, str]:
        return dict(self.project.get("entry-points", {}).get(GROUP, {}))


def distributions() -> list[Distribution]:
    """All of them, the core first."""
    files = [ROOT / "pyproject.toml"]
    for pattern in ("backends/*", "plugins/*", "docs/examples/*"):
        files += sorted(ROOT.glob(f"{pattern}/pyproject.toml"))
    return [_read(path) for path in files]


def _read(path: Path) -> Distribution:
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    named = content["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    return Distribution(
        path.parent, content["project"], tuple(path.parent / each for each in named)
    )


# -- the wheels ------------------------------------------------------------------------------------


def build(found: list[Distribution], folder: Path) -> dict[str, Path]:
    """Wheels by the name of their distribution."""
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps")
    _run(*pip, "--wheel-dir", folder, *(each.folder for each in found))
    wheels = {}
    for each in found:
        stem = re.sub(r"[-_.]+", "_", each.name)
        (wheels[each.name],) = folder.glob(f"{stem}-{each.project['version']}-*.whl")
    return wheels


def check_content(distribution: Distribution, wheel: Path) -> None:
    """Every file of the packages is in the wheel; our own carry the mark of typed packages."""
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    for package in distribution.packages:
        files = [path for path in package.rglob("*") if path.is_file()]
        names = {path.relative_to(package.parent).as_posix() for path in files}
        names = {name for name in names if "__pycache__" not in name}
        if not distribution.is_example:
            names.add(f"{package.name}/py.typed")
        if names - inside:
            raise WheelError(f"{wheel.name} lacks {', '.join(sorted(names - inside))}")
    strange = {name for name in inside if name.startswith(("tests/", "docs/"))}
    if strange:
        raise WheelError(f"{wheel.name} has {', '.join(sorted(strange))}")


def requirements(wheel: Path) -> list[str]:
    """What the wheel requires, with the kit's needs but without other extras."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [each for each in archive.namelist() if each.endswith(".dist-info/METADATA")]
        metadata = email.message_from_bytes(archive.read(name))
    required = []
    for line in metadata.get_all("Requires-Dist", []):
        requirement, _, marker = line.partition(";")
        if not marker or re.search(rf"extra == ['\"]{EXTRA}['\"]", marker):
            required.append(requirement.strip())
    return required


# -- a clean environment ---------------------------------------------------------------------------


def install(wheels: dict[str, Path], folder: Path) -> Path:
    """Environment with the wheels and what they require of others; returns its Python."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    own = {re.sub(r"[-_.]+", "-", name) for name in wheels}
    others = {
        line for wheel in wheels.values() for line in requirements(wheel) if _name(line) not in own
    }
    _run(*pip, *_pins(others), *sorted(others))
    # The core brings the kit; no index is asked, so no name of ours can come from elsewhere.
    core = f"nextstat-core[{EXTRA}]"
    chosen = [core, *(name for name in wheels if name != "nextstat-core")]
    _run(*pip, "--no-index", "--find-links", next(iter(wheels.values())).parent, *chosen)
    _run(python, "-m", "pip", "check")
    return python


def _name(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\s<>=!~;\[(]", requirement, maxsplit=1)[0]).lower()


def _pins(required: set[str]) -> list[str]:
    """Exact versions that the tests use too, of what is required."""
    names = {_name(line) for line in required}
    lines = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    pinned = [line.split("#")[0].strip() for line in lines if "==" in line.split("#")[0]]
    return [line for line in pinned if _name(line) in names]


# -- use -------------------------------------------------------------------------------------------

_PLUGINS = """
import json
from nextstat_core.hooks import get_manager
print(json.dumps({info.name: [info.state, info.traceback] for info in get_manager().plugins}))
"""
_FIT = """
import json, sys
import nextstat
assert "site-packages" in nextstat.__file__, nextstat.__file__
result = nextstat.fit(nextstat.from_pyhf(sys.argv[1]))
print(json.dumps({"nll": result.nll, "converged": result.converged}))
"""


def check_plugins(python: Path, found: list[Distribution], folder: Path) -> None:
    """Every declared entry point is an active plugin."""
    states = json.loads(_run(python, "-c", _PLUGINS, cwd=folder))
    for each in found:
        for name in each.entry_points:
            state, traceback = states.get(name, ("missing", ""))
            if state != "active":
                raise WheelError(f"{each.name}: the plugin {name!r} is {state}\n{traceback}")


def check_fit(python: Path, folder: Path) -> None:
    """The command and Python fit the example, to the same minimum."""
    by_python = json.loads(_run(python, "-c", _FIT, EXAMPLE, cwd=folder))
    by_command = json.loads(_run(_command(python), "fit", EXAMPLE, cwd=folder))
    if not (by_python["converged"] and by_command["converged"]):
        raise WheelError("the fit of the example did not converge")
    if by_python["nll"] != by_command["nll"]:
        raise WheelError(f"command and Python differ: {by_command['nll']}, {by_python['nll']}")


def check_contracts(python: Path, found: list[Distribution], folder: Path) -> list[str]:
    """Run ``nextstat check-plugin`` on every distribution with plugins; returns their names."""
    if "check-plugin" not in _run(_command(python), "--help", cwd=folder):
        return []
    checked = []
    for name in [each.name for each in found if each.entry_points]:
        try:
            _run(_command(python), "check-plugin", name, cwd=folder)
        except WheelError as error:
            if f"{name} could not be checked here" not in str(error):  # its device is elsewhere
                raise
        else:
            checked.append(name)
    return checked


def _command(python: Path) -> Path:
    return python.with_name("nextstat" + python.suffix)


def _run(*command: str | Path, cwd: Path | None = None) -> str:
    """Output of a command that has to succeed."""
    # Nothing of the surroundings may stand in for what a wheel lacks.
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, env=clean, capture_output=True, text=True, check=False)
    if done.returncode:
        raise WheelError(f"{' '.join(words[:6])} ...\n{done.stdout}{done.stderr}")
    return done.stdout


def main() -> None:
    """Build, install, use."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave the wheels there")
    arguments = parser.parse_args()
    found = distributions()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        wheelhouse = (arguments.keep or folder / "wheels").resolve()
        wheels = build(found, wheelhouse)
        for each in found:
            check_content(each, wheels[each.name])
        print(f"built {', '.join(wheels)}")
        python = install(wheels, folder / "environment")
        check_plugins(python, found, folder)
        check_fit(python, folder)
        print("installed without an index; all plugins are active; the example fits")
        checked = check_contracts(python, found, folder)
        print(f"keep their contracts: {', '.join(checked) or 'not checked, no such command'}")


if __name__ == "__main__":
    try:
        main()
    except WheelError as error:
        sys.exit(f"wheels: {error}")
