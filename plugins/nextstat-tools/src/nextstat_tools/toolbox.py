"""All installed tools, with what they may read and how much they may use."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from nextstat_core.hooks import get_manager
from nextstat_tools.bounding import Bounds, shortened
from nextstat_tools.cancellation import Cancellation
from nextstat_tools.execution import Execution
from nextstat_tools.outcome import Outcome, ToolError, run_tool
from nextstat_tools.paths import allowed_path
from nextstat_tools.validation import check_arguments
from nextstat_tools.workers import Workers, can_limit_memory
from nextstat_tools.workspaces import WorkspaceStore, takes_workspace, with_references

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from os import PathLike

    from nextstat_core.hooks import ToolSpec
    from nextstat_tools.limits import Limits

__all__ = ["SCHEMA_VERSION", "Toolbox"]

#: Version of the envelope.
SCHEMA_VERSION: Final = "nextstat.tool_result.v1"
_OURS = "nextstat-tools"


class Toolbox:
    """The tools of all plugins, and the conditions under which they are called.

    Parameters
    ----------
    allowed_dirs : iterable of path, optional
        Directories whose files agents may name, with all below them; the working directory at the
        time of the call if left out.
    limits : Limits, optional
        Time and memory of a call, which then runs in a worker process and can be cancelled. Left
        out, calls run here, without limits.
    digits : int, optional
        Significant digits of numbers in results; every bit if left out.
    max_items : int or None
        Longest list or object of a result; the rest is counted in its ``truncated``.

    Examples
    --------
    >>> from nextstat_tools import Toolbox
    >>> Toolbox().call("nextstat_fit", {})["ok"]
    False
    """

    def __init__(
        self,
        *,
        allowed_dirs: Iterable[str | PathLike[str]] | None = None,
        limits: Limits | None = None,
        digits: int | None = None,
        max_items: int | None = 1000,
    ) -> None:
        self._allowed = None
        if allowed_dirs is not None:
            self._allowed = [Path(each).resolve() for each in allowed_dirs]
        self._bounds = Bounds(digits, max_items)
        self._store = WorkspaceStore()
        self._workers = None if limits is None else Workers(limits)
        unlimited = limits is not None and limits.memory is not None and not can_limit_memory()
        self._remarks = ["this system cannot limit the memory of a call"] if unlimited else []

    @property
    def names(self) -> list[str]:
        """Names of the tools: nextstat's own first."""
        tools = get_manager().tools
        usable = [name for name in tools if name not in tools.clashes]
        return sorted(usable, key=lambda name: tools.owner(name).distribution != _OURS)

    def is_own(self, name: str) -> bool:
        """Whether a tool is one of this distribution, which only read."""
        return get_manager().tools.owner(name).distribution == _OURS

    def description(self, name: str) -> str:
        """What a tool does, for agents."""
        return str(self._spec(name).description)

    def schema(self, name: str) -> dict[str, Any]:
        """JSON Schema of the arguments of a tool.

        Raises
        ------
        ValueError
            If there is no such tool.
        """
        return with_references(self._spec(name).parameters)

    def call(
        self,
        name: str,
        arguments: Mapping[str, Any],
        *,
        progress: Callable[[int, int], None] | None = None,
        cancellation: Cancellation | None = None,
    ) -> dict[str, Any]:
        """Call a tool and report whatever happens; never raises.

        Parameters
        ----------
        name : str
        arguments : mapping
            Plain JSON values.
        progress : callable, optional
            Called with how much is done, and the total.
        cancellation : Cancellation, optional
            By which another thread ends the call; needs `limits`.

        Returns
        -------
        dict
            ``schema_version``, ``ok``, ``result``, ``error`` (``type``, ``message``) and ``meta``;
            plain JSON values.
        """
        meta: dict[str, Any] = {
            "tool_name": str(name),
            "nextstat_version": version("nextstat-core"),
            **Execution.of(arguments).meta(),
        }
        envelope = {"schema_version": SCHEMA_VERSION, "ok": False, "result": None, "error": None}
        try:
            outcome, workspace = self._outcome(name, arguments, progress, cancellation)
        except (Exception, SystemExit) as error:  # noqa: BLE001  the caller gets it as data
            kind = error.kind if isinstance(error, ToolError) else type(error).__name__
            told = {"type": kind, "message": shortened(str(error))}
            return {**envelope, "error": told, "meta": meta}
        if workspace:
            meta["workspace_id"] = workspace
        meta["warnings"] = [*outcome.warnings, *self._remarks]
        return {**envelope, "ok": True, "result": outcome.result, "meta": meta}

    def call_raw(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Call a tool and return its result alone.

        Raises
        ------
        ValueError
            If there is no such tool, or the arguments cannot be used (InputError).
        Exception
            Whatever the tool raises; with `limits`, a `ToolError`.
        """
        outcome, _ = self._outcome(name, arguments, None, None)
        return outcome.result

    def close(self) -> None:
        """End worker processes, with what they are doing."""
        if self._workers is not None:
            self._workers.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _spec(self, name: Any) -> ToolSpec:
        tools = get_manager().tools
        if not isinstance(name, str) or name not in tools:
            # The sentence of the reference: programs look for it.
            raise ValueError(f"Unknown tool: {name!r}. Available: {self.names}")
        spec: ToolSpec = tools[name]
        return spec

    def _outcome(
        self,
        name: str,
        arguments: Any,
        progress: Callable[[int, int], None] | None,
        cancellation: Cancellation | None,
    ) -> tuple[Outcome, str]:
        """What the call came to, and the id of its workspace, if it has one."""
        spec = self._spec(name)
        schema = self.schema(name)
        check_arguments(name, schema, arguments)
        folders = [Path.cwd()] if self._allowed is None else self._allowed
        ready, workspace = _with_paths(schema, arguments, folders), ""
        if takes_workspace(schema):
            ready, workspace = self._store.resolve(ready, folders)
        if self._workers is None:
            return run_tool(spec, ready, self._bounds, progress), workspace
        bounds = {"digits": self._bounds.digits, "max_items": self._bounds.max_items}
        request = {"name": name, "arguments": ready, **bounds}
        answer = self._workers.run(request, progress, cancellation or Cancellation())
        return Outcome(answer["result"], tuple(answer["warnings"])), workspace


def _with_paths(
    schema: Mapping[str, Any], arguments: Mapping[str, Any], folders: Sequence[Path]
) -> dict[str, Any]:
    """Arguments in which files that may be read have their absolute paths."""
    properties = schema.get("properties", {})
    return {
        key: str(allowed_path(value, folders)) if _is_path(properties.get(key)) else value
        for key, value in arguments.items()
    }


def _is_path(described: Any) -> bool:
    return isinstance(described, Mapping) and described.get("format") == "path"
