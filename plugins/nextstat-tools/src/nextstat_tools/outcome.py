"""Running one tool, in whatever process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nextstat_core.errors import NextstatError
from nextstat_tools.bounding import bounded
from nextstat_tools.context import CallContext, entered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nextstat_core.hooks import ToolSpec
    from nextstat_tools.bounding import Bounds

__all__ = ["Outcome", "ToolError", "run_tool"]


class ToolError(NextstatError, ValueError):
    """A call failed in a worker process; `kind` is the name of the error's class."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind

    def __reduce__(self) -> tuple[type[ToolError], tuple[str, str]]:
        return type(self), (self.kind, str(self))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call came to.

    Attributes
    ----------
    result : JSON value
        Of bounded size.
    warnings : tuple of str
    """

    result: Any
    warnings: tuple[str, ...] = ()


def run_tool(
    spec: ToolSpec,
    arguments: Mapping[str, Any],
    bounds: Bounds,
    progress: Callable[[int, int], None] | None = None,
) -> Outcome:
    """Call a tool here with arguments that were checked."""
    context = CallContext(progress)
    token = entered.set(context)
    try:
        result = spec.run(arguments)
    finally:
        entered.reset(token)
    return Outcome(bounded(result, bounds), tuple(context.warnings))
