"""What a running tool tells its caller besides the result: progress and warnings."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CallContext", "current_call", "entered"]


@dataclass(slots=True)
class CallContext:
    """One call of a tool.

    Attributes
    ----------
    progress : callable or None
        Takes how much is done, and the total.
    warnings : list of str
        Remarks about the result; they end in the envelope.
    """

    progress: Callable[[int, int], None] | None = None
    warnings: list[str] = field(default_factory=list)


#: The innermost call of this thread or task; tools that nobody watches talk to a fresh one.
entered: ContextVar[CallContext | None] = ContextVar("nextstat_tool_call", default=None)


def current_call() -> CallContext:
    """Return the call that is running here."""
    return entered.get() or CallContext()
