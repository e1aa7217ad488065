"""The pages for authors of plugins show files that exist and are tested."""

from __future__ import annotations

import re
import runpy
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nextstat_core.backend import Backend
from nextstat_core.testing import ModelContract

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


def test_modifier_and_backend_are_short() -> None:
    """What the pages promise: thirty lines for a modifier, a hundred for a backend."""

    def lines(path: Path, first: str) -> int:
        code = path.read_text(encoding="utf-8")
        return sum(bool(line.strip()) for line in code[code.index(first) :].splitlines())

    source = ROOT / "plugins" / "nextstat-example" / "src" / "nextstat_example"
    assert lines(source / "coupling.py", "@dataclass") <= 30
    assert lines(PROJECTS[0] / "acme-backend" / "src" / "acme_backend" / "backend.py", '"""') <= 100
