"""The source of all distributions, as syntax trees."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Import:
    """One imported module, or name of a module, and the name that it is bound to."""

    module: str
    name: str
    bound: str
    line: int
    for_types: bool


@dataclass(frozen=True)
class Module:
    """One source file."""

    name: str
    path: Path

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text(encoding="utf-8"))

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    @property
    def layer(self) -> str:
        """The package or module below the distribution's package."""
        return self.name.split(".")[1] if "." in self.name else ""

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        return tuple(_imports(self.tree, for_types=False))

    def __str__(self) -> str:
        return self.name


def _imports(node: ast.AST, *, for_types: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(alias.name, "", alias.asname or alias.name, child.lineno, for_types)
        elif isinstance(child, ast.ImportFrom):
            for alias in child.names:
                bound = alias.asname or alias.name
                yield Import(child.module or "", alias.name, bound, child.lineno, for_types)
        elif isinstance(child, ast.If) and _is_type_checking(child.test):
            for statement in child.body:
                yield from _imports(ast.Module([statement], []), for_types=True)
            yield from _imports(ast.Module(child.orelse, []), for_types=for_types)
        else:
            yield from _imports(child, for_types=for_types)


def _is_type_checking(test: ast.expr) -> bool:
    return ast.unparse(test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def _modules(package: Path) -> list[Module]:
    found = []
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        found.append(Module(".".join(parts[:-1] if parts[-1] == "__init__" else parts), path))
    return found


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def core() -> list[Module]:
    """Modules of nextstat_core."""
    return _modules(ROOT / "nextstat_core")


@pytest.fixture(scope="session")
def plugins() -> dict[str, list[Module]]:
    """Modules of each other distribution of this repository, by import package."""
    sources = [*ROOT.glob("backends/*/src/*"), *ROOT.glob("plugins/*/src/*")]
    packages = [folder for folder in sources if (folder / "__init__.py").is_file()]
    return {folder.name: _modules(folder) for folder in sorted(packages)}
