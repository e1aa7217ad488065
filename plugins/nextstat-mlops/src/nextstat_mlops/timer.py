"""How long a step takes."""

from __future__ import annotations

from time import perf_counter

from nextstat_core.errors import InputError

__all__ = ["StepTimer"]


class StepTimer:
    """Wall-clock time of the steps of a training loop; may be started again and again."""

    def __init__(self) -> None:
        self._begin: float | None = None

    def start(self) -> None:
        """Begin a step."""
        self._begin = perf_counter()

    def stop(self) -> float:
        """Milliseconds since `start`; the timer goes on.

        Raises
        ------
        InputError
            If it was never started.
        """
        if self._begin is None:
            raise InputError("the timer was not started", hint="call start() before stop()")
        return 1e3 * (perf_counter() - self._begin)
