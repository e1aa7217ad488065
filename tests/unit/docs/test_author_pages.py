"""The pages for authors of plugins show files that exist and are tested."""

from __future__ import annotations

import inspect
import re
import runpy
import sys
import tomllib
import types
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import nextstat_core.ir
from nextstat_core.backend import Backend
from nextstat_core.hooks import PluginManager
from nextstat_core.testing import (
    BackendContract,
    ModelContract,
    ModifierContract,
    PluginContract,
)

if TYPE_CHECKING:
    from nextstat_core.models import StatisticalModel

ROOT = Path(__file__).parents[3]
HOW_TO = ROOT / "docs" / "how-to"
PAGES = sorted(HOW_TO.glob("write-a-*.md"))
#: Where the projects are that the pages show.
PROJECTS = (ROOT / "docs" / "examples", ROOT / "plugins")

blocks_of = runpy.run_path(str(Path(__file__).with_name("run_page.py")))["blocks_of"]


def _files(page: Path) -> dict[str, str]:
    """Blocks whose first line is a comment with a path, without that line."""
    found = {}
    for block in blocks_of(page.read_text(encoding="utf-8")):
        first, _, rest = block.code.partition("\n")
        if block.language in {"py", "toml"} and re.fullmatch(r"# \S+/\S+\.\w+", first):
            found[first.removeprefix("# ")] = rest
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_files_of_a_page_are_those_of_the_project(page: Path) -> None:
    files = _files(page)
    assert files
    for name, shown in files.items():
        (path,) = [folder / name for folder in PROJECTS if (folder / name).is_file()]
        assert shown == path.read_text(encoding="utf-8"), name


def test_backend_page_describes_every_attribute_and_method() -> None:
    text = (HOW_TO / "write-a-backend.md").read_text(encoding="utf-8")
    names = {*vars(Backend), *Backend.__annotations__}
    public = {name for name in names if not name.startswith("_")}
    described = set(re.findall(r"`(\w+)(?:\([^`]*\))?`", text))
    assert public - described == set()


class TestModelOfThePluginPage(ModelContract):
    @pytest.fixture
    def model(self, monkeypatch: pytest.MonkeyPatch) -> StatisticalModel:
        blocks = blocks_of((HOW_TO / "write-a-plugin.md").read_text(encoding="utf-8"))
        (code,) = [each.code for each in blocks if "class Decay" in each.code]
        module = types.ModuleType("decay_of_the_page")
        monkeypatch.setitem(sys.modules, module.__name__, module)  # a model has to pickle
        exec(code.partition("\n\n\nprint(")[0], module.__dict__)
        return module.Decay.example()


def _tests_of(contract: type) -> set[str]:
    return {name for name in dir(contract) if name.startswith("test_")}


def test_modifier_page_explains_every_check() -> None:
    text = (HOW_TO / "write-a-modifier.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `(test_\w+)`", text, re.MULTILINE))
    assert rows == _tests_of(ModifierContract)


def test_backend_page_names_checks_that_exist() -> None:
    text = (HOW_TO / "write-a-backend.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `?(?:.*?`)?(test_\w+?)(?:`|\[|:)", text, re.MULTILINE))
    assert named
    assert named <= _tests_of(BackendContract) | _tests_of(PluginContract)


def _signatures() -> list[str]:
    text = (HOW_TO / "write-a-modifier.md").read_text(encoding="utf-8")
    _, _, section = text.partition("\n## What to import\n")
    return re.findall(r"^\| `(\w+\([^`]*\))`", section.partition("\n## ")[0], re.MULTILINE)


@pytest.mark.parametrize("shown", _signatures())
def test_modifier_page_shows_real_signatures(shown: str) -> None:
    name, _, _ = shown.partition("(")
    parameters = inspect.signature(getattr(nextstat_core.ir, name)).parameters.values()
    expected = [
        each.name if each.default is each.empty else f"{each.name}={each.default!r}"
        for each in parameters
    ]
    assert shown == f"{name}({', '.join(expected)})"


def test_modifier_page_lists_the_classes_that_authors_need() -> None:
    shown = {signature.partition("(")[0] for signature in _signatures()}
    terms = {"Curve", "RowFactor", "CellAddition", "CellFactor"}
    assert shown >= terms | {"Parameter", "GaussianConstraint", "PoissonConstraint"}


def test_smallest_project_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (HOW_TO / "write-a-modifier.md").read_text(encoding="utf-8")
    _, _, section = text.partition("\n## The smallest project\n")
    toml, plugin = [each.code for each in blocks_of(section.partition("\n## ")[0])]
    project = tomllib.loads(toml)
    ((name, target),) = project["project"]["entry-points"]["nextstat.plugins"].items()
    (package,) = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    folder = tmp_path / package
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "plugin.py").write_text(plugin)
    example = PROJECTS[1] / "nextstat-example" / "src" / "nextstat_example" / "coupling.py"
    (folder / "coupling.py").write_text(example.read_text(encoding="utf-8"))
    monkeypatch.syspath_prepend(folder.parent)
    manager = PluginManager([EntryPoint(name, target, "nextstat.plugins")])
    assert [info.state for info in manager.plugins] == ["active"]
    assert list(manager.modifiers) == ["example_coupling"]
    for key in ("name", "version", "description", "readme", "requires-python"):
        assert project["project"][key]


def test_modifier_and_backend_are_short() -> None:
    """What the pages promise: thirty lines for a modifier, a hundred for a backend."""

    def lines(path: Path, first: str) -> int:
        code = path.read_text(encoding="utf-8")
        return sum(bool(line.strip()) for line in code[code.index(first) :].splitlines())

    source = ROOT / "plugins" / "nextstat-example" / "src" / "nextstat_example"
    assert lines(source / "coupling.py", "@dataclass") <= 30
    assert lines(PROJECTS[0] / "acme-backend" / "src" / "acme_backend" / "backend.py", '"""') <= 100
