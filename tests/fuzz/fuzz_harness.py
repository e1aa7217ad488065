"""What every reader owes to any input: an error of ours or a model, soon, in little memory.

Tests are decorated with `many`: short by default, as long as ``NEXTSTAT_FUZZ_EXAMPLES`` says.
"""

from __future__ import annotations

import os
import signal
import tracemalloc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings

from nextstat_core.errors import NextstatError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["LIMIT_S", "MEMORY", "many", "survives"]

#: Seconds that reading a small input may take, on a busy machine.
LIMIT_S = 20
#: Bytes that reading may need beyond ten times the uncompressed input.
MEMORY = 64 * 2**20

#: Settings of a fuzzing test.
many = settings(
    max_examples=int(os.environ.get("NEXTSTAT_FUZZ_EXAMPLES", "50")),
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
        HealthCheck.function_scoped_fixture,
    ],
)


def survives(
    read: Callable[[Any], Any], payload: Any, *, size: int | None = None, trace: bool = True
) -> Any:
    """Read `payload`; returns what was read, or the error of ours that refused it.

    Parameters
    ----------
    read : callable
        Takes the payload.
    size : int, optional
        Uncompressed size in bytes; the payload's length if left out.
    trace : bool
        Measure memory too, as Python and numpy allocate it; costs time.

    Raises
    ------
    AssertionError
        If reading takes too long or too much memory, or raises anything else.
    """
    allowed = MEMORY + 10 * (len(payload) if size is None else size)
    with _deadline(), _allocating(allowed if trace else None):
        try:
            outcome = read(payload)
        except NextstatError as error:
            outcome = error
    assert not isinstance(outcome, NextstatError) or str(outcome).strip(), repr(outcome)
    return outcome


@contextmanager
def _deadline() -> Iterator[None]:
    def stop(_number: int, _frame: Any) -> None:
        raise AssertionError(f"reading takes longer than {LIMIT_S} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LIMIT_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _allocating(allowed: int | None) -> Iterator[None]:
    if allowed is None:
        yield
        return
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= allowed, f"reading needs {peak} bytes; {allowed} are allowed"
