"""Every hook is documented for authors of plugins, and its example works."""

import inspect
import textwrap
import types

import pytest

from nextstat_core.hooks import PluginManager, specs

HOOKS = {name: getattr(specs, name) for name in specs.__all__}


def _example(hook) -> str:
    """The code of the section Examples."""
    documentation = inspect.getdoc(hook) or ""
    return textwrap.dedent(documentation.split("::\n", 1)[1])


@pytest.mark.parametrize("name", HOOKS)
def test_hook_says_when_it_is_called_and_what_is_forbidden(name: str) -> None:
    documentation = inspect.getdoc(HOOKS[name]) or ""
    for words in ("Called ", "combined", "must not", "mpty"):
        assert words in documentation, f"says nothing about {words!r}"
    for title in ("See Also", "Examples"):
        assert f"\n{title}\n{'-' * len(title)}\n" in documentation
    assert "nextstat_core.testing." in documentation
    takes = bool(inspect.signature(HOOKS[name]).parameters)
    assert f"\n{'Parameters' if takes else 'Returns'}\n---" in documentation


@pytest.mark.parametrize("name", HOOKS)
def test_example_is_a_working_plugin(name: str) -> None:
    module = types.ModuleType("example")
    exec(compile(_example(HOOKS[name]), name, "exec"), module.__dict__)
    manager = PluginManager()
    manager.register(module, name="example")
    (info,) = manager.plugins
    assert info.hooks == (name,)
    if name != "nextstat_observe_fit":
        assert len(manager.contributions(name)) == 1
        assert manager.plugins == (info,)


def test_hooks_are_few_and_named_by_a_verb() -> None:
    assert len(HOOKS) <= 12
    assert all(name.startswith(("nextstat_register_", "nextstat_observe_")) for name in HOOKS)
