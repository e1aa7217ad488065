"""Finds the entry points of plugins and loads each within a time limit."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from dataclasses import dataclass
from importlib.metadata import distributions, entry_points
from math import isfinite
from queue import Empty, SimpleQueue
from time import perf_counter
from typing import TYPE_CHECKING, Any

from nextstat_core.errors import InputError, PluginError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from importlib.metadata import Distribution, EntryPoint

__all__ = [
    "GROUP",
    "TIME_LIMIT",
    "Loaded",
    "chosen_time_limit",
    "installed_points",
    "load_points",
    "shipped_by",
]

#: Entry-point group in which plugins announce themselves.
GROUP = "nextstat.plugins"
#: Seconds that one plugin may take to load.
TIME_LIMIT = 10.0
_VARIABLE = "NEXTSTAT_PLUGIN_TIMEOUT"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of one entry point.

    Attributes
    ----------
    point : EntryPoint
    plugin : object
        The module or object that the entry point names; None after an error.
    error : BaseException or None
        Why it could not be loaded.
    seconds : float
        How long that took.
    stack : str
        Where it was when the time was over; empty otherwise.
    """

    point: EntryPoint
    plugin: Any = None
    error: BaseException | None = None
    seconds: float = 0.0
    stack: str = ""


def chosen_time_limit() -> float:
    """Seconds per plugin: ``NEXTSTAT_PLUGIN_TIMEOUT``, or the default; 0 for no limit.

    Raises
    ------
    InputError
        If the variable holds something else than a number of seconds.
    """
    text = os.environ.get(_VARIABLE, "")
    try:
        seconds = float(text or TIME_LIMIT)
    except ValueError:
        seconds = -1.0
    if not (isfinite(seconds) and seconds >= 0.0):
        raise InputError(
            f"the environment variable {_VARIABLE} is {text!r}; expected seconds, 0 or more",
            hint="0 stands for no limit",
        )
    return seconds


def installed_points() -> tuple[list[EntryPoint], dict[str, Exception]]:
    """Entry points of all installed plugins, and distributions whose metadata cannot be read.

    Own distributions come first, the others by name: where two ship a plugin of one name, the
    first one has it.
    """
    unreadable: dict[str, Exception] = {}
    try:
        points = list(entry_points(group=GROUP))
    except Exception:  # noqa: BLE001  one broken distribution: find out which
        points, unreadable = _points_one_by_one()
    return sorted(points, key=_rank), unreadable


def _points_one_by_one() -> tuple[list[EntryPoint], dict[str, Exception]]:
    points: dict[str, list[EntryPoint]] = {}
    unreadable: dict[str, Exception] = {}
    for distribution in distributions():
        name = _name_and_version(distribution)[0]
        if name in points or name in unreadable:
            continue  # hidden by one of the same name further ahead on the path
        try:
            own = [point for point in distribution.entry_points if point.group == GROUP]
        except Exception as error:  # noqa: BLE001  reported with the plugins
            unreadable[name] = error
        else:
            points[name] = own
    return [point for own in points.values() for point in own], unreadable


def _rank(point: EntryPoint) -> tuple[bool, str, str]:
    name = shipped_by(point)[0]
    return not name.startswith("nextstat-"), name, point.name


def shipped_by(point: EntryPoint) -> tuple[str, str]:
    """Name and version of the distribution of an entry point; empty without one."""
    return _name_and_version(point.dist) if point.dist else ("", "")


def _name_and_version(distribution: Distribution) -> tuple[str, str]:
    try:
        return str(distribution.name), str(distribution.version)
    except Exception:  # noqa: BLE001  metadata are missing; the plugin may work all the same
        return "unknown", ""


def load_points(points: Iterable[EntryPoint], time_limit: float) -> Iterator[Loaded]:
    """Load entry points one after the other; an error or a hang of one does not stop the next.

    Parameters
    ----------
    points : iterable of EntryPoint
    time_limit : float
        Seconds for each. With 0 they are loaded in this thread, without a limit.
    """
    if time_limit == 0.0 or sys.platform == "emscripten":  # which has no threads
        yield from map(_load, points)
        return
    worker = None
    for point in points:
        worker = worker or _Worker()
        loaded = worker.load(point, time_limit)
        if loaded is None:
            loaded, worker = worker.gave_up(point, time_limit), None
        yield loaded
    if worker is not None:
        worker.stop(wait=True)


def _load(point: EntryPoint) -> Loaded:
    start = perf_counter()
    try:
        plugin = point.load()
    except KeyboardInterrupt:  # the user's, not the plugin's
        raise
    except BaseException as error:  # noqa: BLE001  a plugin may raise anything, SystemExit included
        return Loaded(point, error=error, seconds=perf_counter() - start)
    return Loaded(point, plugin, seconds=perf_counter() - start)


class _Worker:
    """A thread that loads plugins, all of them as long as none hangs."""

    def __init__(self) -> None:
        self._points: SimpleQueue[EntryPoint | None] = SimpleQueue()
        self._answers: SimpleQueue[Loaded | KeyboardInterrupt] = SimpleQueue()
        # A daemon: a plugin that never returns must not keep the process alive.
        self._thread = threading.Thread(target=self._run, name="nextstat-plugins", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while (point := self._points.get()) is not None:
            try:
                self._answers.put(_load(point))
            except KeyboardInterrupt as error:
                self._answers.put(error)

    def load(self, point: EntryPoint, time_limit: float) -> Loaded | None:
        """What became of `point`, or None after the time limit: then use another worker."""
        self._points.put(point)
        try:
            answer = self._answers.get(timeout=time_limit)
        except Empty:
            return None
        if isinstance(answer, KeyboardInterrupt):
            raise answer
        return answer

    def gave_up(self, point: EntryPoint, time_limit: float) -> Loaded:
        """Leave the thread to itself."""
        frame = sys._current_frames().get(self._thread.ident or 0)
        self.stop()  # should it ever come back
        error = PluginError(
            f"did not load within {time_limit:g} s; {_VARIABLE} sets another limit, 0 none"
        )
        stack = "".join(traceback.format_stack(frame)) if frame else ""
        return Loaded(point, error=error, seconds=time_limit, stack=stack)

    def stop(self, *, wait: bool = False) -> None:
        """End the thread once it is idle; with `wait`, not before it has ended."""
        self._points.put(None)
        if wait:
            self._thread.join()
