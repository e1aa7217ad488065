"""Where commands write to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

__all__ = ["write_json"]


def write_json(content: Any, path: str) -> None:
    """Write JSON to a file, or to standard output for ``-``."""
    from nextstat_core.errors import InputError

    text = json.dumps(content, indent=2, allow_nan=False)
    if path == "-":
        click.echo(text)
        return
    try:
        Path(path).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot write {path!r}: {error}") from error
