"""How one call is evaluated; nothing of the process changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

__all__ = ["Execution"]


@dataclass(frozen=True, slots=True)
class Execution:
    """The argument ``execution`` of a call.

    Attributes
    ----------
    deterministic : bool
        Whether the same call must give the same bits; forces compensated sums and one thread.
    eval_mode : {"parity", "fast"} or None
        How likelihoods are summed; None where nobody said.
    threads : int or None
        Threads that share toys; None or 0 where nobody said.
    """

    deterministic: bool = True
    eval_mode: Literal["parity", "fast"] | None = "parity"
    threads: int | None = 1

    @classmethod
    def of(cls, arguments: Any) -> Self:
        """Read it from the arguments of a call; what is not understood counts as left out."""
        given = arguments.get("execution") if isinstance(arguments, Mapping) else None
        given = given if isinstance(given, Mapping) else {}
        if given.get("deterministic", True) is not False:
            return cls()
        mode, threads = given.get("eval_mode"), given.get("threads")
        is_count = isinstance(threads, int) and not isinstance(threads, bool)
        return cls(
            deterministic=False,
            eval_mode=mode if mode in ("parity", "fast") else None,
            threads=threads if is_count else None,
        )

    @property
    def precise(self) -> bool:
        """Whether sums are compensated."""
        return self.eval_mode == "parity"

    @property
    def workers(self) -> int:
        """Number of threads to use: one in parity mode."""
        return 1 if self.precise else self.threads or 1

    def meta(self) -> dict[str, Any]:
        """What the envelope says about it: only what is set."""
        meta: dict[str, Any] = {"deterministic": self.deterministic}
        if self.eval_mode is not None:
            meta["eval_mode"] = self.eval_mode
        if self.threads is not None:
            meta["threads_requested"] = self.threads
            meta["threads_applied"] = self.threads in (0, self.workers)
        return meta
