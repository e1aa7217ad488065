"""The tests that every plugin passes."""

from __future__ import annotations

import pickle
import subprocess
import sys
from importlib.metadata import EntryPoint, distribution, entry_points
from typing import ClassVar

import pytest

from nextstat_core.hooks import PluginManager
from nextstat_core.hooks.manager import GATHERED, GROUP

__all__ = ["PluginContract"]

#: Libraries that no plugin imports before it is used.
_HEAVY = ("torch", "cupy", "jax", "tensorflow")


class PluginContract:
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
        return PluginManager([point])

    def test_hooks_are_known_and_take_the_right_arguments(self, manager: PluginManager) -> None:
        (info,) = manager.plugins
        assert info.state == "active", info.traceback
        assert info.hooks, "the plugin implements no hook"

    def test_contributions_can_be_listed_and_have_unique_names(
        self, manager: PluginManager
    ) -> None:
        listed = {hook: manager.contributions(hook) for hook in GATHERED}
        (info,) = manager.plugins
        assert info.state == "active", info.traceback
        for contributions in listed.values():
            # Looking a name up refuses one that is taken twice.
            assert all(contributions.owner(name).plugin == info.name for name in contributions)

    def test_specs_pickle(self, manager: PluginManager) -> None:
        for hook in sorted(GATHERED.keys() - {"nextstat_register_commands"}):
            for entry in manager.contributions(hook).entries:
                assert pickle.loads(pickle.dumps(entry.value)) is not None

    def test_listing_imports_no_heavy_library(self) -> None:
        program = (
            "import sys\n"
            "from importlib.metadata import entry_points\n"
            "from nextstat_core.hooks import PluginManager\n"
            "from nextstat_core.hooks.manager import GATHERED, GROUP\n"
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
