"""The conformance kit on every plugin of this repository."""

from __future__ import annotations

import tomllib
from importlib.metadata import entry_points
from pathlib import Path

from nextstat_core.hooks import GROUP
from nextstat_core.testing import PluginContract

ROOT = Path(__file__).parents[2]


def declared() -> set[str]:
    """Entry points that the distributions of this repository declare."""
    names: set[str] = set()
    for folder in ("backends", "plugins"):
        for path in ROOT.glob(f"{folder}/*/pyproject.toml"):
            project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
            names |= project.get("entry-points", {}).get(GROUP, {}).keys()
    return names


# pytest collects classes by their names in the module.
globals().update(
    {
        f"Test[{name}]": type(f"Test[{name}]", (PluginContract,), {"entry_point": name})
        for name in sorted(declared())
    }
)


def test_every_plugin_of_the_repository_is_installed() -> None:
    installed = {point.name for point in entry_points(group=GROUP)}
    assert declared() >= {"numpy", "torch", "cupy"}
    assert declared() <= installed
