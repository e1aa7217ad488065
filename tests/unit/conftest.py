"""Plugins that are installed for one test, with real entry points."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "example_workspace.json"


class Site:
    """A folder of distributions, put on the path of a process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(
        self, distribution: str, point: str, source: str, *, target: str = "", metadata: bool = True
    ) -> None:
        module = f"{distribution.replace('-', '_')}_plugin"
        (self.folder / f"{module}.py").write_text(source)
        info = self.folder / f"{distribution.replace('-', '_')}-1.2.dist-info"
        info.mkdir()
        line = f"{point} = {target or module}" if point else "there is no equals sign here"
        (info / "entry_points.txt").write_text(f"[nextstat.plugins]\n{line}\n")
        if metadata:
            text = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n"
            (info / "METADATA").write_text(text)

    def run(self, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if "NEXTSTAT" not in name}
        return subprocess.run(
            [sys.executable, "-m", "nextstat_commands", *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env=clean | {"PYTHONPATH": str(self.folder)} | environment,
        )

    def fit_works(self, **environment: str) -> None:
        done = self.run("fit", EXAMPLE, **environment)
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout)
        assert result["converged"]
        assert result["nll"] == pytest.approx(129.4487, abs=1e-3)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)
