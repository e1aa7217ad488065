"""Finds plugins, quarantines broken ones, and gathers what the others contribute."""

from __future__ import annotations

import traceback
import warnings
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Literal

import pluggy

from nextstat_core.errors import PluginError
from nextstat_core.hooks import specs
from nextstat_core.hooks._markers import PROJECT
from nextstat_core.hooks.contributions import Contribution, Contributions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from importlib.metadata import EntryPoint

    from nextstat_core.hooks.contributions import FitEvent

__all__ = ["GATHERED", "GROUP", "PluginInfo", "PluginManager", "get_manager"]

#: Entry-point group in which plugins announce themselves.
GROUP = "nextstat.plugins"


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
    """

    name: str
    distribution: str = ""
    version: str = ""
    hooks: tuple[str, ...] = ()
    state: Literal["active", "broken"] = "active"
    reason: str = ""
    traceback: str = ""


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


class PluginManager:
    """The plugins of one process, or of one test.

    Parameters
    ----------
    points : iterable of EntryPoint
        Loaded one by one: pluggy's own loader gives up at the first that fails.
    """

    def __init__(self, points: Iterable[EntryPoint] = ()) -> None:
        self._pluggy = pluggy.PluginManager(PROJECT)
        self._pluggy.add_hookspecs(specs)
        self._infos: list[PluginInfo] = []
        self._gathered: dict[str, Contributions] = {}
        for point in points:
            self._load(point)

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
            what, names_of = GATHERED[hook]
            entries = [
                entry
                for implementation in self._implementations(hook)
                for entry in self._call(implementation, names_of)
            ]
            # A failure clears the cache, so fill it after all plugins were called.
            self._gathered[hook] = Contributions(what, entries)
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
            except Exception as error:  # noqa: BLE001  an observer must never stop a fit
                complaints.append(f"{implementation.plugin_name}: {_reason(error)}")
        for complaint in complaints:
            warnings.warn(f"an observer of fits failed: {complaint}", RuntimeWarning, stacklevel=2)

    # -- loading ----------------------------------------------------------------------------------

    def _load(self, point: EntryPoint) -> None:
        distribution, version = _shipped_by(point)
        try:
            self._refuse_taken(point.name, distribution)
            plugin = point.load()
            self._register(plugin, point.name)
        except Exception as error:  # noqa: BLE001  a plugin may raise anything
            info = PluginInfo(point.name, distribution, version)
            self._add(_broken(info, error))
        else:
            self._add(PluginInfo(point.name, distribution, version, self._hooks_of(plugin)))

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
            self._pluggy.check_pending()  # a misspelt hook is an error, not a silent no-op
        except Exception:
            # pluggy keeps the name of a plugin that it refuses.
            if self._pluggy.get_plugin(name) is plugin:
                self._pluggy.unregister(name=name)
            raise

    def _hooks_of(self, plugin: object) -> tuple[str, ...]:
        return tuple(sorted(hook.name for hook in self._pluggy.get_hookcallers(plugin) or ()))

    def _add(self, info: PluginInfo) -> None:
        self._infos.append(info)
        self._gathered.clear()

    # -- calling ----------------------------------------------------------------------------------

    def _implementations(self, hook: str) -> list[pluggy.HookImpl]:
        # pluggy calls the last registered first; listings read better in the order of loading.
        return list(getattr(self._pluggy.hook, hook).get_hookimpls())

    def _call(
        self, implementation: pluggy.HookImpl, names_of: Callable[[Any], tuple[str, ...]]
    ) -> list[Contribution]:
        name = implementation.plugin_name
        info = next(each for each in self._infos if each.name == name and each.state == "active")
        try:
            answer: Any = implementation.function()
            return [
                Contribution(names_of(value), value, name, info.distribution or "unknown")
                for value in answer
            ]
        except Exception as error:  # noqa: BLE001  a plugin may raise anything
            self._quarantine(info, error)
            return []

    def _quarantine(self, info: PluginInfo, error: Exception) -> None:
        self.unregister(info.name)
        self._add(_broken(info, error))


def _broken(info: PluginInfo, error: Exception) -> PluginInfo:
    return PluginInfo(
        info.name,
        info.distribution,
        info.version,
        info.hooks,
        "broken",
        _reason(error),
        "".join(traceback.format_exception(error)),
    )


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _shipped_by(point: EntryPoint) -> tuple[str, str]:
    return (point.dist.name, point.dist.version) if point.dist else ("", "")


@cache
def get_manager() -> PluginManager:
    """The manager of this process, made when it is first asked for."""
    return PluginManager(entry_points(group=GROUP))
