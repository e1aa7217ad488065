"""The plugin manager: finding, quarantining, gathering, observing."""

import itertools
import sys
import types
import warnings
from importlib.metadata import EntryPoint

import pytest

from nextstat_core.backend import BackendSpec
from nextstat_core.errors import PluginError
from nextstat_core.hooks import AnalysisSpec, FitEvent, PluginManager, get_manager, hookimpl

EVENT = FitEvent("start", n_rows=3, n_params=2, model="m")


class Shipped:
    """A distribution as entry points know it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.version = "1.2"


@pytest.fixture
def ship(monkeypatch: pytest.MonkeyPatch):
    """Make entry points of modules that are written on the spot."""
    counter = itertools.count()

    def make(name: str, source: str, distribution: str = "") -> EntryPoint:
        module = types.ModuleType(f"plugin_under_test_{next(counter)}")
        exec(compile(source, module.__name__, "exec"), module.__dict__)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        point = EntryPoint(name, module.__name__, "nextstat.plugins")
        vars(point)["dist"] = Shipped(distribution or f"nextstat-{name}")
        return point

    return make


def backends(*names: str) -> str:
    return f"""
from nextstat_core.backend import BackendSpec
from nextstat_core.hooks import hookimpl

@hookimpl
def nextstat_register_backends():
    return [BackendSpec(name=name, load=None) for name in {names!r}]
"""


MISSPELT = """
from nextstat_core.hooks import hookimpl

@hookimpl
def nextstat_register_backend():
    return []
"""

WRONG_ARGUMENT = """
from nextstat_core.hooks import hookimpl

@hookimpl
def nextstat_observe_fit(occasion):
    pass
"""

FAILING = """
from nextstat_core.hooks import hookimpl

@hookimpl
def nextstat_register_backends():
    raise OSError("no such device")

@hookimpl
def nextstat_register_analyses():
    return []
"""

NAMELESS = """
from nextstat_core.hooks import hookimpl

@hookimpl
def nextstat_register_backends():
    return [object()]
"""


def test_plugin_is_active_with_its_hooks_and_distribution(ship) -> None:
    (info,) = PluginManager([ship("acme", backends("acme"))]).plugins
    assert (info.state, info.reason, info.traceback) == ("active", "", "")
    assert (info.distribution, info.version) == ("nextstat-acme", "1.2")
    assert info.hooks == ("nextstat_register_backends",)


@pytest.mark.parametrize(
    ("source", "reason"),
    [(MISSPELT, "nextstat_register_backend"), (WRONG_ARGUMENT, "occasion")],
    ids=["misspelt hook", "wrong argument"],
)
def test_plugin_with_a_wrong_hook_is_quarantined(ship, source: str, reason: str) -> None:
    manager = PluginManager(
        [ship("a", backends("a")), ship("bad", source), ship("c", backends("c"))]
    )
    states = {info.name: info.state for info in manager.plugins}
    assert states == {"a": "active", "bad": "broken", "c": "active"}
    broken = next(info for info in manager.plugins if info.state == "broken")
    assert reason in broken.reason
    assert "Traceback" in broken.traceback
    assert set(manager.backends) == {"a", "c"}


def test_plugin_that_cannot_be_imported_is_quarantined_with_its_traceback(ship) -> None:
    missing = EntryPoint("lost", "module_that_does_not_exist", "nextstat.plugins")
    manager = PluginManager([missing, ship("acme", backends("acme"))])
    lost = next(info for info in manager.plugins if info.name == "lost")
    assert lost.state == "broken"
    assert lost.reason.startswith("ModuleNotFoundError")
    assert "module_that_does_not_exist" in lost.traceback
    assert list(manager.backends) == ["acme"]


@pytest.mark.parametrize(
    ("source", "reason"),
    [(FAILING, "OSError: no such device"), (NAMELESS, "AttributeError")],
    ids=["raises", "returns nonsense"],
)
def test_plugin_that_fails_when_asked_is_quarantined(ship, source: str, reason: str) -> None:
    manager = PluginManager([ship("bad", source), ship("acme", backends("acme"))])
    assert list(manager.backends) == ["acme"]
    bad = next(info for info in manager.plugins if info.name == "bad")
    assert bad.state == "broken"
    assert bad.reason.startswith(reason)


def test_second_plugin_of_a_name_is_quarantined_and_both_distributions_are_named(ship) -> None:
    manager = PluginManager(
        [ship("acme", backends("one"), "dist-a"), ship("acme", backends("two"), "dist-b")]
    )
    first, second = manager.plugins
    assert (first.state, second.state) == ("active", "broken")
    assert "'dist-a'" in second.reason
    assert "'dist-b'" in second.reason
    assert list(manager.backends) == ["one"]


def test_name_that_two_plugins_register_is_refused_and_the_others_work(ship) -> None:
    manager = PluginManager(
        [ship("a", backends("shared", "mine")), ship("b", backends("shared", "yours"))]
    )
    assert set(manager.backends) == {"shared", "mine", "yours"}
    assert manager.backends["mine"].name == "mine"
    with pytest.raises(PluginError, match=r"'nextstat-a' .* and .*'nextstat-b'"):
        manager.backends["shared"]


def test_alias_finds_the_same_contribution() -> None:
    class Plugin:
        @hookimpl
        def nextstat_register_backends(self):
            return [BackendSpec("acme", load=None, aliases=("ac",))]

    manager = PluginManager()
    manager.register(Plugin(), name="acme")
    assert manager.backends["ac"] is manager.backends["acme"]


def test_registration_is_asked_once() -> None:
    calls = []

    class Plugin:
        @hookimpl
        def nextstat_register_analyses(self):
            calls.append(1)
            return [AnalysisSpec("yields", run=len)]

    manager = PluginManager()
    manager.register(Plugin(), name="acme")
    assert manager.analyses["yields"] is manager.analyses["yields"]
    assert calls == [1]


def test_plugin_registered_later_is_seen() -> None:
    class Plugin:
        @hookimpl
        def nextstat_register_analyses(self):
            return [AnalysisSpec("yields", run=len)]

    manager = PluginManager()
    assert "yields" not in manager.analyses
    manager.register(Plugin(), name="acme")
    assert "yields" in manager.analyses
    manager.unregister("acme")
    assert "yields" not in manager.analyses
    assert manager.plugins == ()


def test_plugin_registered_by_hand_with_a_misspelt_hook_is_an_error() -> None:
    class Plugin:
        @hookimpl
        def nextstat_observe_fits(self, event):
            pass

    manager = PluginManager()
    with pytest.raises(PluginError, match="nextstat_observe_fits"):
        manager.register(Plugin(), name="acme")
    assert manager.plugins == ()


def test_name_taken_by_hand_is_an_error_and_the_first_stays() -> None:
    manager = PluginManager()
    manager.register(types.SimpleNamespace(), name="acme")
    with pytest.raises(PluginError, match="'acme'"):
        manager.register(types.SimpleNamespace(), name="acme")
    assert [info.name for info in manager.plugins] == ["acme"]


def test_removing_an_unknown_plugin_is_an_error() -> None:
    with pytest.raises(PluginError, match="'nobody'"):
        PluginManager().unregister("nobody")


def test_every_observer_hears_of_a_fit() -> None:
    heard = []

    class Full:
        @hookimpl
        def nextstat_observe_fit(self, event):
            heard.append(event)

    class Partial:
        @hookimpl
        def nextstat_observe_fit(self):
            heard.append("no argument")

    manager = PluginManager()
    assert not manager.has_fit_observers
    manager.register(Full(), name="full")
    manager.register(Partial(), name="partial")
    assert manager.has_fit_observers
    manager.notify_fit(EVENT)
    assert heard == [EVENT, "no argument"]


def test_failing_observer_becomes_a_warning_after_the_others_were_told() -> None:
    heard = []

    class Bad:
        @hookimpl
        def nextstat_observe_fit(self, event):
            raise RuntimeError("tracker offline")

    class Good:
        @hookimpl
        def nextstat_observe_fit(self, event):
            heard.append(event.kind)

    manager = PluginManager()
    manager.register(Bad(), name="bad")
    manager.register(Good(), name="good")
    with pytest.warns(RuntimeWarning, match="bad: RuntimeError: tracker offline"):
        manager.notify_fit(EVENT)
    assert heard == ["start"]


def test_fit_without_observers_is_silent() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PluginManager().notify_fit(EVENT)


def test_process_wide_manager_knows_the_numpy_plugin_and_is_one() -> None:
    numpy = next(info for info in get_manager().plugins if info.name == "numpy")
    assert numpy.state == "active", numpy.traceback
    assert numpy.distribution == "nextstat-backend-numpy"
    assert get_manager() is get_manager()
