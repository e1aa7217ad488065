"""The tests that every plugin passes."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from importlib.metadata import EntryPoint, distribution, entry_points
from typing import ClassVar

import pytest

from nextstat_core.backend import BackendSpec
from nextstat_core.errors import BackendUnavailableError
from nextstat_core.hooks import (
    GROUP,
    AnalysisSpec,
    PluginManager,
    ReaderSpec,
    ToolSpec,
    WriterSpec,
    get_manager,
)
from nextstat_core.hooks.manager import GATHERED
from nextstat_core.testing.contract import Contract

__all__ = ["PluginContract"]

#: What hooks return entries of, where that is a class.
_TYPES: dict[str, type] = {
    "nextstat_register_analyses": AnalysisSpec,
    "nextstat_register_backends": BackendSpec,
    "nextstat_register_readers": ReaderSpec,
    "nextstat_register_tools": ToolSpec,
    "nextstat_register_writers": WriterSpec,
}
#: Libraries that no plugin imports before it is used.
_HEAVY = ("torch", "cupy", "jax", "tensorflow")


class PluginContract(Contract):
    """Inherit, name the entry point, and pytest runs every check.

    Examples
    --------
    ::

        class TestAcmePlugin(PluginContract):
            entry_point = "acme"
    """

    #: Name of the entry point in the group ``nextstat.plugins``.
    entry_point: ClassVar[str]

    @pytest.fixture
    def point(self) -> EntryPoint:
        """The one installed entry point of this name."""
        found = [point for point in entry_points(group=GROUP) if point.name == self.entry_point]
        assert len(found) == 1, f"entry points named {self.entry_point!r}: {found}"
        return found[0]

    @pytest.fixture
    def manager(self, point: EntryPoint) -> PluginManager:
        """A manager that knows this plugin alone."""
        manager = PluginManager([point])
        (info,) = manager.plugins
        if info.state == "broken":
            pytest.skip("the plugin cannot be loaded")
        return manager

    def test_plugin_can_be_loaded(self, point: EntryPoint) -> None:
        _refuse_broken(PluginManager([point]))

    def test_plugin_has_hooks(self, manager: PluginManager) -> None:
        (info,) = manager.plugins
        assert info.hooks, "the plugin implements no hook; is @hookimpl missing?"

    def test_contributions_can_be_listed_and_have_unique_names(
        self, manager: PluginManager
    ) -> None:
        listed = {hook: manager.contributions(hook) for hook in GATHERED}
        _refuse_broken(manager)
        (info,) = manager.plugins
        for contributions in listed.values():
            # Looking a name up refuses one that is taken twice.
            assert all(contributions.owner(name).plugin == info.name for name in contributions)

    def test_names_are_claimed_by_no_other_plugin(self) -> None:
        for hook in GATHERED:
            installed = get_manager().contributions(hook)
            claimed = {
                name: sentence
                for name, sentence in installed.clashes.items()
                if self.entry_point in {e.plugin for e in installed.entries if name in e.names}
            }
            assert claimed == {}

    def test_contributions_are_of_the_right_type(self, manager: PluginManager) -> None:
        for hook, kind in _TYPES.items():
            for entry in manager.contributions(hook).entries:
                assert isinstance(entry.value, kind), f"{hook} returned {entry.value!r}"
        for name, model in (entry.value for entry in manager.models.entries):
            assert isinstance(model, type), f"the model {name!r} is no class"
        for kind in (entry.value for entry in manager.modifiers.entries):
            assert callable(kind.parameters)
            assert callable(kind.lower)

    def test_backends_have_the_names_of_their_specifications(self, manager: PluginManager) -> None:
        for entry in manager.backends.entries:
            try:
                name = entry.value.load(None).name
            except BackendUnavailableError:
                continue
            assert name in entry.names, (
                f"the specification {entry.value.name!r} loads a backend whose `name` is {name!r}"
            )

    def test_names_are_words(self, manager: PluginManager) -> None:
        for hook in GATHERED:
            for name in manager.contributions(hook):
                assert isinstance(name, str)
                assert name == "_".join(name.split()) != "", f"{hook}: {name!r}"

    def test_readers_recognise_any_text_without_raising(self, manager: PluginManager) -> None:
        for entry in manager.readers.entries:
            for text in ("", "{}", "[1, 2", "\x00\ufffd", "<!DOCTYPE html>"):
                assert isinstance(entry.value.detect(text), bool)

    def test_tools_describe_their_arguments_in_json(self, manager: PluginManager) -> None:
        for entry in manager.tools.entries:
            schema = dict(entry.value.parameters)
            assert json.loads(json.dumps(schema)) == schema
            assert schema.get("type") == "object"

    def test_specs_pickle(self, manager: PluginManager) -> None:
        for hook in sorted(GATHERED.keys() - {"nextstat_register_commands"}):
            for entry in manager.contributions(hook).entries:
                assert pickle.loads(pickle.dumps(entry.value)) is not None

    def test_listing_imports_no_heavy_library(self) -> None:
        program = (
            "import sys\n"
            "from importlib.metadata import entry_points\n"
            "from nextstat_core.hooks import GROUP, PluginManager\n"
            "from nextstat_core.hooks.manager import GATHERED\n"
            f"found = [p for p in entry_points(group=GROUP) if p.name == {self.entry_point!r}]\n"
            "manager = PluginManager(found)\n"
            "for hook in GATHERED: manager.contributions(hook)\n"
            f"print(*[name for name in {_HEAVY!r} if name in sys.modules])\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
        assert done.stdout.split() == []

    def test_metadata_says_who_ships_it(self, point: EntryPoint) -> None:
        assert point.dist is not None
        metadata = distribution(point.dist.name).metadata
        for field in ("Name", "Version", "Summary", "Requires-Python"):
            assert metadata[field], f"the distribution has no {field}"
        description = metadata["Description"] or metadata.get_payload()  # type: ignore[attr-defined]
        assert description, "the distribution has no README"


def _refuse_broken(manager: PluginManager) -> None:
    (info,) = manager.plugins
    if info.state == "broken":
        pytest.fail(f"{info.reason}\n\n{info.traceback}", pytrace=False)
