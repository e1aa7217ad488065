"""Finds plugins, quarantines broken ones, and gathers what the others contribute."""

from __future__ import annotations

import traceback
import warnings
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import pluggy

from nextstat_core.errors import PluginError
from nextstat_core.hooks import specs
from nextstat_core.hooks._markers import PROJECT
from nextstat_core.hooks.contributions import Contribution, Contributions
from nextstat_core.hooks.loading import (
    TIME_LIMIT,
    chosen_time_limit,
    installed_points,
    load_points,
    shipped_by,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from importlib.metadata import EntryPoint

    from nextstat_core.hooks.contributions import FitEvent
    from nextstat_core.hooks.loading import Loaded

__all__ = ["GATHERED", "RESERVED", "PluginInfo", "PluginManager", "get_manager"]


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """What is known about one plugin.

    Attributes
    ----------
    name : str
        Name of the entry point.
    distribution, version : str
        Who ships it; empty for a plugin that was registered by hand.
    hooks : tuple of str
        Hooks that it implements.
    state : {"active", "broken"}
        A broken plugin takes no part in anything.
    reason, traceback : str
        Why it is broken, in a line and in full; empty for an active one.
    seconds : float
        How long it took to load; 0 for a plugin that was registered by hand.
    """

    name: str
    distribution: str = ""
    version: str = ""
    hooks: tuple[str, ...] = ()
    state: Literal["active", "broken"] = "active"
    reason: str = ""
    traceback: str = ""
    seconds: float = 0.0


def _own_name(value: Any) -> tuple[str, ...]:
    return (value.name, *getattr(value, "aliases", ()))


def _kind(value: Any) -> tuple[str, ...]:
    return (value.kind,)


def _first(value: Any) -> tuple[str, ...]:
    name, _ = value
    return (name,)


#: What a hook registers, in words, and under which names an entry is found.
GATHERED: dict[str, tuple[str, Callable[[Any], tuple[str, ...]]]] = {
    "nextstat_register_analyses": ("analysis", _own_name),
    "nextstat_register_backends": ("backend", _own_name),
    "nextstat_register_commands": ("command", _own_name),
    "nextstat_register_models": ("model", _first),
    "nextstat_register_modifiers": ("modifier", _kind),
    "nextstat_register_readers": ("reader", _own_name),
    "nextstat_register_tools": ("tool", _own_name),
    "nextstat_register_writers": ("writer", _own_name),
}


#: Names that one distribution alone may register: every workspace and every fit needs them.
RESERVED: dict[str, dict[str, str]] = {
    "nextstat_register_backends": {"numpy": "nextstat-backend-numpy"},
    "nextstat_register_modifiers": dict.fromkeys(
        ("histosys", "lumi", "normfactor", "normsys", "shapefactor", "shapesys", "staterror"),
        "nextstat-core",
    ),
}


class PluginManager:
    """The plugins of one process, or of one test.

    Parameters
    ----------
    points : iterable of EntryPoint
        Loaded one by one: pluggy's own loader gives up at the first that fails.
    time_limit : float
        Seconds that each may take to load, 0 for no limit.
    """

    def __init__(
        self, points: Iterable[EntryPoint] = (), *, time_limit: float = TIME_LIMIT
    ) -> None:
        self._pluggy = pluggy.PluginManager(PROJECT)
        self._pluggy.add_hookspecs(specs)
        self._infos: list[PluginInfo] = []
        self._gathered: dict[str, Contributions] = {}
        for loaded in load_points(points, time_limit):
            self._take(loaded)

    @property
    def plugins(self) -> tuple[PluginInfo, ...]:
        """All plugins that were found, broken ones included, in the order of their names."""
        return tuple(sorted(self._infos, key=lambda info: (info.name, info.distribution)))

    def register(self, plugin: object, *, name: str) -> None:
        """Add a plugin by hand, for example an observer of fits in a notebook.

        Raises
        ------
        PluginError
            If the name is taken, or a hook is misspelt or has wrong arguments.
        """
        try:
            self._register(plugin, name)
        except Exception as error:
            raise PluginError(f"plugin {name!r} cannot be used: {error}") from error
        self._add(PluginInfo(name, hooks=self._hooks_of(plugin)))

    def unregister(self, name: str) -> None:
        """Remove an active plugin.

        Raises
        ------
        PluginError
            If no active plugin has this name.
        """
        if not self._pluggy.has_plugin(name):
            raise PluginError(f"no active plugin named {name!r}")
        self._pluggy.unregister(name=name)
        self._infos = [info for info in self._infos if info.name != name or info.state == "broken"]
        self._gathered.clear()

    def contributions(self, hook: str) -> Contributions:
        """What all plugins register through `hook`, by name; asked once and kept.

        A plugin whose implementation fails is quarantined like one that cannot be imported.
        """
        if hook not in self._gathered:
            entries = [
                entry
                for implementation in self._implementations(hook)
                for entry in self._call(hook, implementation)
            ]
            # A failure clears the cache, so fill it after all plugins were called.
            broken = {info.name: info.reason for info in self._infos if info.state == "broken"}
            self._gathered[hook] = Contributions(GATHERED[hook][0], entries, broken)
        return self._gathered[hook]

    @property
    def analyses(self) -> Contributions:
        """Named analyses, as `AnalysisSpec`."""
        return self.contributions("nextstat_register_analyses")

    @property
    def backends(self) -> Contributions:
        """Array backends by name and alias, as `BackendSpec`."""
        return self.contributions("nextstat_register_backends")

    @property
    def commands(self) -> Contributions:
        """Commands of the command line."""
        return self.contributions("nextstat_register_commands")

    @property
    def models(self) -> Contributions:
        """Pairs of name and class of models."""
        return self.contributions("nextstat_register_models")

    @property
    def modifiers(self) -> Contributions:
        """Kinds of modifiers, as `ModifierType`."""
        return self.contributions("nextstat_register_modifiers")

    @property
    def readers(self) -> Contributions:
        """Formats that can be read, as `ReaderSpec`."""
        return self.contributions("nextstat_register_readers")

    @property
    def tools(self) -> Contributions:
        """Tools for agents, as `ToolSpec`."""
        return self.contributions("nextstat_register_tools")

    @property
    def writers(self) -> Contributions:
        """Formats that can be written, as `WriterSpec`."""
        return self.contributions("nextstat_register_writers")

    @property
    def has_fit_observers(self) -> bool:
        """Whether anyone listens: spares building events for nobody."""
        return bool(self._pluggy.hook.nextstat_observe_fit.get_hookimpls())

    def notify_fit(self, event: FitEvent) -> None:
        """Tell all observers about a fit; their exceptions become warnings afterwards."""
        complaints: list[str] = []
        for implementation in self._implementations("nextstat_observe_fit"):
            arguments = {"event": event}
            try:
                implementation.function(*(arguments[name] for name in implementation.argnames))
            except (Exception, SystemExit) as error:  # noqa: BLE001  nor may one stop a fit
                complaints.append(f"{implementation.plugin_name}: {_reason(error)}")
        for complaint in complaints:
            warnings.warn(f"an observer of fits failed: {complaint}", RuntimeWarning, stacklevel=2)

    # -- loading ----------------------------------------------------------------------------------

    def _take(self, loaded: Loaded) -> None:
        name = loaded.point.name
        distribution, version = shipped_by(loaded.point)
        info = PluginInfo(name, distribution, version, seconds=loaded.seconds)
        if loaded.error is not None:
            self._add(_broken(info, loaded.error, loaded.stack))
            return
        try:
            self._refuse_taken(name, distribution)
            self._register(loaded.plugin, name)
        except (Exception, SystemExit) as error:  # noqa: BLE001  a plugin may raise anything
            self._add(_broken(info, error))
        else:
            self._add(replace(info, hooks=self._hooks_of(loaded.plugin)))

    def add_unreadable(self, distribution: str, error: Exception) -> None:
        """Note a distribution whose metadata cannot be read: it may hold a plugin."""
        self._add(_broken(PluginInfo(distribution, distribution), error))

    def _refuse_taken(self, name: str, distribution: str) -> None:
        for info in self._infos:
            if info.name == name and info.state == "active":
                raise PluginError(
                    f"distributions {info.distribution!r} and {distribution!r} both ship a plugin "
                    f"named {name!r}"
                )

    def _register(self, plugin: object, name: str) -> None:
        if self._pluggy.has_plugin(name):
            raise PluginError(f"the name is taken: there is a plugin named {name!r}")
        try:
            self._pluggy.register(plugin, name=name)
            self._refuse_unknown_hooks(plugin)
        except Exception:
            # pluggy keeps the name of a plugin that it refuses.
            if self._pluggy.get_plugin(name) is plugin:
                self._pluggy.unregister(name=name)
            raise

    def _refuse_unknown_hooks(self, plugin: object) -> None:
        """A misspelt hook is an error, not a silent no-op."""
        for hook in self._pluggy.get_hookcallers(plugin) or ():
            if not hook.has_spec():
                # All hooks look alike to `closest`, which names three.
                meant = get_close_matches(hook.name, specs.__all__, n=1)
                did_you = "".join(f"; did you mean {name!r}?" for name in meant)
                raise PluginError(f"unknown hook {hook.name!r}{did_you}")

    def _hooks_of(self, plugin: object) -> tuple[str, ...]:
        return tuple(sorted(hook.name for hook in self._pluggy.get_hookcallers(plugin) or ()))

    def _add(self, info: PluginInfo) -> None:
        self._infos.append(info)
        self._gathered.clear()

    # -- calling ----------------------------------------------------------------------------------

    def _implementations(self, hook: str) -> list[pluggy.HookImpl]:
        # pluggy calls the last registered first; listings read better in the order of loading.
        return list(getattr(self._pluggy.hook, hook).get_hookimpls())

    def _call(self, hook: str, implementation: pluggy.HookImpl) -> list[Contribution]:
        names_of = GATHERED[hook][1]
        name = implementation.plugin_name
        info = next(each for each in self._infos if each.name == name and each.state == "active")
        try:
            answer: Any = implementation.function()
            given = [
                Contribution(names_of(value), value, name, info.distribution or "unknown")
                for value in answer
            ]
            _refuse_reserved(hook, given)
        except (Exception, SystemExit) as error:  # noqa: BLE001  a plugin may raise anything
            self._quarantine(info, error)
            return []
        return given

    def _quarantine(self, info: PluginInfo, error: BaseException) -> None:
        self.unregister(info.name)
        self._add(_broken(info, error))


def _refuse_reserved(hook: str, given: Iterable[Contribution]) -> None:
    reserved = RESERVED.get(hook, {})
    for entry in given:
        for name in entry.names:
            if reserved.get(name, entry.distribution) != entry.distribution:
                raise PluginError(
                    f"registers the {GATHERED[hook][0]} {name!r}, a name that is reserved for the "
                    f"distribution {reserved[name]!r}"
                )


def _broken(info: PluginInfo, error: BaseException, stack: str = "") -> PluginInfo:
    shown = "".join(traceback.format_exception(error))
    return replace(info, state="broken", reason=_reason(error), traceback=stack + shown)


def _reason(error: BaseException) -> str:
    # pluggy's messages have several lines.
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


@cache
def get_manager() -> PluginManager:
    """The manager of this process, made when it is first asked for."""
    points, unreadable = installed_points()
    manager = PluginManager(points, time_limit=chosen_time_limit())
    for distribution, error in unreadable.items():
        manager.add_unreadable(distribution, error)
    return manager
