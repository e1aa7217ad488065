"""``nextstat download``: archives of published analyses, from HEPData for example."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nextstat_commands.progress import progress_bar
from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["command"]

_ACCEPT = "application/x-tar, application/gzip, application/zip"
#: How much larger than the archive what it holds may be.
_GROWTH = 20


@click.command("download")
@click.argument("url")
@click.argument("folder")
@click.option(
    "--max-megabytes",
    type=click.IntRange(1),
    default=500,
    show_default=True,
    help=f"Size of the archive; what it holds may be {_GROWTH} times as large.",
)
@click.option("--keep-archive", metavar="FILE", help="Keep the archive itself, too.")
def command(*, url: str, folder: str, max_megabytes: int, keep_archive: str | None) -> None:
    """Download the archive at URL and unpack it into FOLDER, which must be new or empty.

    Tar archives (plain, gzip, bzip2, xz) and zip archives of files and folders are accepted.
    """
    from nextstat_commands.archives import unpack
    from nextstat_commands.fetch import fetch

    target = Path(folder)
    most = max_megabytes * 1_000_000
    with _staging(target) as stage:
        archive = stage / "archive"
        with archive.open("wb") as file, progress_bar("bytes") as progress:
            origin = fetch(url, file, accept=_ACCEPT, most=most, progress=progress)
        content = stage / "content"
        content.mkdir()
        with archive.open("rb") as file:
            found = unpack(file, content, most=_GROWTH * most)
        if keep_archive is not None:
            _move(archive, Path(keep_archive))
        names = [path.relative_to(content) for path in found]
        if target.is_dir():
            target.rmdir()
        content.rename(target)
    if origin != url:
        click.echo(f"from {origin}", err=True)
    click.echo("\n".join(str(target / name) for name in names))


@contextmanager
def _staging(target: Path) -> Iterator[Path]:
    """A folder beside the target, so that nothing half done is ever found there."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{str(target)!r} exists; expected a new or empty folder")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=".nextstat-", dir=target.parent))
    except OSError as error:
        raise InputError(f"cannot write below {str(target.parent)!r}: {error}") from error
    try:
        yield stage
    except OSError as error:
        raise InputError(f"cannot write {str(target)!r}: {error}") from error
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _move(archive: Path, target: Path) -> None:
    if target.exists():
        raise InputError(f"{os.fspath(target)!r} exists")
    shutil.move(archive, target)
