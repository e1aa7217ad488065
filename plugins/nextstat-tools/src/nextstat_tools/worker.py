"""The worker process: ``python -m nextstat_tools.worker MEMORY`` answers calls, one after another.

Requests come as lines of JSON on standard input, and answers go as lines of JSON to standard
output. It ends with its parent, whatever it is doing.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from queue import SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["main"]

#: Seconds between two reports of progress.
_PAUSE = 0.1


def main(memory: str) -> None:
    """Answer requests until there are no more.

    Parameters
    ----------
    memory : str
        Largest address space of this process, bytes; ``0`` for any.
    """
    if int(memory):
        _limit_memory(int(memory))
    # Tools that print must not garble the answers.
    wire, sys.stdout = os.fdopen(os.dup(1), "wb"), sys.stderr
    os.dup2(2, 1)
    _import_libraries()
    requests: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, requests), daemon=True).start()
    _send(wire, {"ready": True})
    while True:
        _send(wire, _answer(json.loads(requests.get()), wire))


def _limit_memory(most: int) -> None:
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:  # nobody may raise the limit that the system has set
        most = min(most, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _read(source: BinaryIO, requests: SimpleQueue[bytes]) -> None:
    for line in source:
        requests.put(line)
    os._exit(0)  # the parent is gone: nobody waits for the call that may be running


def _import_libraries() -> None:
    """Everything that tools need, so that no call pays for it."""
    import numpy as np  # noqa: F401

    from nextstat_core import infer, models  # noqa: F401
    from nextstat_core.hooks import get_manager

    get_manager().tools  # noqa: B018  finds plugins


def _send(wire: BinaryIO, message: dict[str, Any]) -> None:
    wire.write(json.dumps(message).encode() + b"\n")
    wire.flush()


def _answer(request: dict[str, Any], wire: BinaryIO) -> dict[str, Any]:
    from nextstat_core.errors import PluginError
    from nextstat_core.hooks import get_manager
    from nextstat_tools.bounding import Bounds
    from nextstat_tools.outcome import run_tool

    try:
        name = request["name"]
        spec = get_manager().tools.get(name)
        if spec is None:
            raise PluginError(f"the tool {name!r} is not installed, so no worker process has it")
        bounds = Bounds(request["digits"], request["max_items"])
        outcome = run_tool(spec, request["arguments"], bounds, _reporter(wire))
    except (Exception, SystemExit) as error:  # noqa: BLE001  the parent reports it
        return {"error": {"type": type(error).__name__, "message": str(error)}}
    return {"result": outcome.result, "warnings": list(outcome.warnings)}


def _reporter(wire: BinaryIO) -> Callable[[int, int], None]:
    last = 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        now = monotonic()
        if done >= total or now - last >= _PAUSE:
            last = now
            _send(wire, {"progress": [int(done), int(total)]})

    return report


if __name__ == "__main__":
    main(*sys.argv[1:])
