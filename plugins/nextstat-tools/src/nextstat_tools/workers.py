"""Worker processes, as their parent sees them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from nextstat_tools.outcome import ToolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from nextstat_tools.cancellation import Cancellation
    from nextstat_tools.limits import Limits

__all__ = ["Workers", "can_limit_memory"]

#: Seconds that a worker may take to start.
_START: Final = 120.0
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def can_limit_memory() -> bool:
    """Whether this system can limit the memory of a process."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return False
    return hasattr(resource, "RLIMIT_AS") and sys.platform != "darwin"


class Workers:
    """As many worker processes as calls run at the same time; idle ones are used again."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._slots = threading.Semaphore(limits.workers)
        self._idle: list[_Worker] = []
        self._all: list[_Worker] = []
        # Also at the end of the process; lists rather than `self`, which would never be collected.
        self._end = weakref.finalize(self, _close, self._all)

    def run(
        self,
        request: dict[str, Any],
        progress: Callable[[int, int], None] | None,
        cancellation: Cancellation,
    ) -> dict[str, Any]:
        """The answer of a worker.

        Raises
        ------
        ToolError
            If the call failed, was cancelled, or met a limit.
        """
        with self._slots:
            if not self._end.alive:
                raise ToolError("WorkerError", "the toolbox was closed")
            if cancellation.cancelled:
                raise ToolError("CancelledError", "the call was cancelled before it began")
            worker = self._free()
            try:
                answer = worker.exchange(request, self._limits.seconds, progress, cancellation)
            finally:
                if worker.usable:
                    self._idle.append(worker)
                else:
                    self._remove(worker)
        if "error" in answer:
            raise ToolError(answer["error"]["type"], answer["error"]["message"])
        return answer

    def _free(self) -> _Worker:
        """An idle worker, or a new one."""
        while self._idle:
            worker = self._idle.pop()
            if worker.alive:
                return worker
            self._remove(worker)  # the system, short of memory, may end idle processes
        worker = _Worker(self._limits.memory if can_limit_memory() else None)
        self._all.append(worker)
        return worker

    def _remove(self, worker: _Worker) -> None:
        worker.close()
        self._all.remove(worker)

    def close(self) -> None:
        """End all processes, with what they are doing."""
        self._end()


def _close(workers: list[_Worker]) -> None:
    for worker in workers:
        worker.close()


class _Worker:
    def __init__(self, memory: int | None) -> None:
        self._memory = memory
        self._process = subprocess.Popen(
            [sys.executable, "-m", "nextstat_tools.worker", str(memory or 0)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **_ONE_THREAD},
            start_new_session=True,  # the terminal's Ctrl-C is for the parent
        )
        self._lock = threading.Lock()
        self._busy = False
        self._ready = False
        self._ended_by: ToolError | None = None
        #: Whether the last call ended in an answer, so that there may be a next one.
        self.usable = True

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def exchange(
        self,
        request: dict[str, Any],
        seconds: float | None,
        progress: Callable[[int, int], None] | None,
        cancellation: Cancellation,
    ) -> dict[str, Any]:
        """Send a request and wait for its answer."""
        self._busy, self.usable = True, False
        cancellation.attach(
            partial(self._stop, ToolError("CancelledError", "the call was cancelled"))
        )
        try:
            if not self._ready:
                late = f"no worker process started within {_START:g} s"
                self._receive(ToolError("TimeoutError", late), _START, None)
                self._ready = True
            self._send(request)
            late = f"the call took longer than its limit of {seconds} s"
            answer = self._receive(ToolError("TimeoutError", late), seconds, progress)
        finally:
            cancellation.attach(None)
            with self._lock:
                self._busy = False
        # Without an answer, say because `progress` raised, the next one would be this call's.
        self.usable = self._ended_by is None
        error = answer.get("error", {})
        if error.get("type") == "MemoryError":
            self.usable = False  # a process that ran out of memory may be in any state
            error["message"] = f"the call needs more memory than {self._room()}"
        return answer

    def _room(self) -> str:
        if self._memory is None:
            return "the system has"
        return f"its limit of {self._memory / 2**30:.3g} GiB"

    def _send(self, request: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._end() from None

    def _receive(
        self, late: ToolError, seconds: float | None, progress: Callable[[int, int], None] | None
    ) -> dict[str, Any]:
        """The next message that is no progress."""
        assert self._process.stdout is not None
        timer = None if seconds is None else threading.Timer(seconds, self._stop, [late])
        if timer is not None:
            timer.daemon = True
            timer.start()
        try:
            for line in self._process.stdout:
                message: dict[str, Any] = json.loads(line)
                if "progress" not in message:
                    return message
                if progress is not None:
                    progress(*message["progress"])
        finally:
            if timer is not None:
                timer.cancel()
        raise self._end()

    def _stop(self, why: ToolError) -> None:
        """End the process in the middle of a call; not between calls."""
        with self._lock:
            if self._busy and self._ended_by is None:
                self._ended_by = why
                self._process.kill()

    def _end(self) -> ToolError:
        """Why the process ended."""
        code = self._process.wait()
        return self._ended_by or ToolError(
            "WorkerError",
            f"the worker process ended with code {code}; it may have needed more memory than "
            f"{self._room()}",
        )

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            try:
                pipe.close()
            except BrokenPipeError:  # a request that was not read
                continue
