"""How long a call may take and how much memory it may use."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from nextstat_core.errors import InputError

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of calls, which run in worker processes.

    Attributes
    ----------
    seconds : float or None
        Time of one call; None for any.
    memory : int or None
        Address space of a worker, bytes; None for any. Kept where the system has
        ``resource.setrlimit``.
    workers : int
        Calls that run at the same time; others wait.

    Raises
    ------
    InputError
        If a limit is no positive number.
    """

    seconds: float | None = 300.0
    memory: int | None = 4 * 2**30
    workers: int = 2

    def __post_init__(self) -> None:
        for name in ("seconds", "memory", "workers"):
            value = getattr(self, name)
            if value is not None and not (isfinite(value) and value > 0):
                raise InputError(f"`{name}` is {value!r}; expected a positive number")
