"""What to do about a library that is not installed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from nextstat_core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["needs"]


@contextmanager
def needs(library: str, extra: str) -> Iterator[None]:
    """Say how `library` is installed, if an import within fails because of it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != library:
            raise  # installed, and broken
        raise InputError(
            f"the library {library!r} is not installed",
            hint=f"python -m pip install 'nextstat-histograms[{extra}]'",
        ) from error
