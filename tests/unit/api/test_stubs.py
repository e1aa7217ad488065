"""Modules of the facade that hand on the names of plugins."""

import importlib
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import nextstat

FOLDER = Path(nextstat.__file__).parent
#: Plugins of modules that are called otherwise.
PLUGINS = {"interpret": "ranking"}
#: Modules that hand on a plugin; others are the facade's own.
STUBS = sorted(
    path.stem
    for path in FOLDER.glob("*.py")
    if not path.stem.startswith("_") and find_spec(f"nextstat_{PLUGINS.get(path.stem, path.stem)}")
)


def fresh(name, monkeypatch):
    """Import a module of the facade as if for the first time."""
    monkeypatch.delitem(sys.modules, f"nextstat.{name}", raising=False)
    return importlib.import_module(f"nextstat.{name}")


@pytest.mark.parametrize("name", STUBS)
def test_all_public_names_of_the_plugin_are_there(name, monkeypatch):
    plugin = importlib.import_module(f"nextstat_{PLUGINS.get(name, name)}")
    stub = fresh(name, monkeypatch)
    assert all(getattr(stub, each) is getattr(plugin, each) for each in plugin.__all__)


@pytest.mark.parametrize("name", STUBS)
def test_a_plugin_that_is_missing_comes_with_the_remedy(name, monkeypatch):
    plugin = PLUGINS.get(name, name)
    monkeypatch.setitem(sys.modules, f"nextstat_{plugin}", None)
    with pytest.raises(ModuleNotFoundError, match=f"pip install nextstat-{plugin}") as caught:
        fresh(name, monkeypatch)
    assert caught.value.name == f"nextstat_{plugin}"


def test_what_a_plugin_misses_is_not_taken_for_the_plugin(monkeypatch):
    for module in [each for each in sys.modules if each.startswith("nextstat_tables")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "tabulate", None)
    with pytest.raises(ModuleNotFoundError, match="tabulate") as caught:
        fresh("tables", monkeypatch)
    assert caught.value.name == "tabulate"
