"""Interpreters of the peers: given on the command line, or made in a cache folder."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["make_environment", "one_thread"]


def one_thread() -> dict[str, str]:
    """Environment variables that hold every library to one thread."""
    names = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM", "RAYON")
    return {**os.environ, **{f"{name}_NUM_THREADS": "1" for name in names}}


def make_environment(folder: Path, requirements: tuple[str, ...]) -> Path:
    """Return the interpreter of a virtual environment with `requirements`; make it if absent."""
    scripts = folder / ("Scripts" if sys.platform == "win32" else "bin")
    python = scripts / ("python.exe" if sys.platform == "win32" else "python")
    done = folder / "requirements.txt"
    wanted = "\n".join(requirements) + "\n"
    if done.is_file() and done.read_text(encoding="utf-8") == wanted:
        return python
    venv.create(folder, with_pip=True, clear=True)
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements],
        check=True,
    )
    done.write_text(wanted, encoding="utf-8")
    return python
