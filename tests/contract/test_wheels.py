"""The example plugin and the example backend, installed from wheels, are certified."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECTS = [
    ROOT,
    ROOT / "backends" / "nextstat-backend-numpy",
    ROOT / "plugins" / "nextstat-commands",
    ROOT / "plugins" / "nextstat-example",
    ROOT / "docs" / "examples" / "acme-backend",
]

pytestmark = pytest.mark.slow


def _pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with our wheels; nothing is downloaded."""
    pytest.importorskip("hatchling", reason="builds the wheels")
    folder = tmp_path_factory.mktemp("wheels")
    _pip("wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder / "dist", *PROJECTS)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True)
    names = {"base": str(folder / "env"), "platbase": str(folder / "env")}
    site = Path(sysconfig.get_path("purelib", "venv", names))
    _pip("install", "-q", "--no-deps", "--target", site, *(folder / "dist").glob("*.whl"))
    # Libraries of others come from this environment. Its own .pth files are not read there, so
    # editable installs of ours stay out.
    others = {
        str(importlib.metadata.distribution(name).locate_file("")) for name in ("numpy", "pip")
    }
    (site / "others.pth").write_text("\n".join(sorted(others)) + "\n")
    return folder / "env" / "bin" / "python"


@pytest.mark.parametrize(("name", "contract"), [("example", "Modifier"), ("acme", "Backend")])
def test_installed_from_a_wheel_it_keeps_its_contracts(
    python: Path, tmp_path: Path, name: str, contract: str
) -> None:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [python, "-m", "nextstat_commands", "check-plugin", name],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=clean,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{contract}Contract of '{name}" in done.stdout
    where = "import nextstat_core; print(nextstat_core.__file__)"
    shown = subprocess.run(
        [python, "-c", where], capture_output=True, text=True, check=True, cwd=tmp_path, env=clean
    )
    assert shown.stdout.startswith(str(python.parents[1]))
