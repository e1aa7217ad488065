"""Where the fits of a command run: ``--executor KIND:SIZE``."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from nextstat_core.errors import NextstatError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["executor_option", "running"]

_FORM = "expected process:N, thread:N or dask:ADDRESS"

executor_option = click.option(
    "--executor",
    metavar="KIND:SIZE",
    help="Spread the fits: process:N, thread:N, or dask:ADDRESS of a scheduler.",
)


@contextmanager
def running(text: str | None) -> Iterator[Any]:
    """Start the executor that `--executor` names, and end it; None for none."""
    if text is None:
        yield None
        return
    kind, colon, where = text.partition(":")
    if not colon or not where or kind not in {"process", "thread", "dask"}:
        raise _refused(text, _FORM)
    if kind == "dask":
        with _dask(where) as client:
            yield client
        return
    if not where.isdigit() or int(where) < 1:
        raise _refused(text, f"{where!r} is no number of workers; {_FORM}")
    with _pool(kind, int(where)) as pool:
        yield pool


def _pool(kind: str, workers: int) -> Any:
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
    from multiprocessing import get_context

    if kind == "thread":
        return ThreadPoolExecutor(workers)
    # Forked processes would inherit the threads of array libraries, in whatever state they are.
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"))


def _dask(address: str) -> Any:
    try:
        from distributed import Client
    except ModuleNotFoundError as error:
        raise NextstatError(
            "`--executor dask:ADDRESS` needs dask.distributed, which cannot be imported\n\n"
            "Hint: python -m pip install nextstat-dask"
        ) from error
    try:
        return Client(address)
    except OSError as error:
        raise NextstatError(f"no scheduler of dask answers at {address!r}: {error}") from error


def _refused(text: str, why: str) -> click.BadParameter:
    return click.BadParameter(f"{text!r}: {why}", param_hint="--executor")
