"""A handle by which a running call is ended from another thread."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Cancellation"]


class Cancellation:
    """Ends the call that it is given to, at once if that runs in a worker process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cancelled = False
        self._end: Callable[[], None] | None = None

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._cancelled

    def cancel(self) -> None:
        """End the call; a call that did not begin yet never does."""
        with self._lock:
            self._cancelled = True
            if self._end is not None:
                self._end()

    def attach(self, end: Callable[[], None] | None) -> None:
        """Say what ends the call; None when it is over."""
        with self._lock:
            self._end = end
            if end is not None and self._cancelled:
                end()
