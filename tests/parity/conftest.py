"""Cases of the golden file, and the choice between the short and the long form.

The published workspaces are not part of this repository. They are looked for in
``$NEXTSTAT_WORKSPACES``, then in ``../shared/workspaces`` beside the repository; without them the
tests that need them are skipped, with this reason.

The short form is the default. ``pytest tests/parity --long``, or ``NEXTSTAT_LONG=1``, also runs
what is marked ``slow`` in this folder.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]


@dataclass(frozen=True)
class Case:
    """One entry of the golden file, with the document that it describes."""

    entry: dict[str, Any]
    folder: Path

    @property
    def id(self) -> str:
        return self.entry["id"]

    @property
    def is_pyhf(self) -> bool:
        return self.entry["format"] == "pyhf-json"

    @property
    def loads(self) -> bool:
        """Whether pyhf 0.7.6 loads it."""
        return self.entry["loads"]

    @property
    def values(self) -> dict[str, Any]:
        """Reference values with the default interpolation codes."""
        return self.entry["default"]

    def text(self) -> str:
        """The document as JSON, patches applied."""
        text = (self.folder / self.entry["file"]).read_text(encoding="utf-8")
        patches = self._patches()
        if not patches:
            return text
        jsonpatch = pytest.importorskip("jsonpatch", reason="the case needs a patch")
        document = json.loads(text)
        for patch in patches:
            document = jsonpatch.apply_patch(document, patch)
        return json.dumps(document)

    def _patches(self) -> list[Any]:
        read = [json.loads((self.folder / file).read_text()) for file in self.entry["patches"]]
        if self.entry["patchset"]:
            patchset = json.loads((self.folder / self.entry["patchset"]).read_text())
            named = {each["metadata"]["name"]: each["patch"] for each in patchset["patches"]}
            read.append(named[self.entry["patch"]])
        return read

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of `from_pyhf` beside the text."""
        if not self.loads:
            return {}
        arguments = {"measurement": self.entry["measurement"]}
        return arguments if self.entry["poi"] else {**arguments, "poi": None}


def workspaces_folder() -> Path | None:
    """Where the golden file is, or None."""
    named = os.environ.get("NEXTSTAT_WORKSPACES")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "workspaces"
    return folder if (folder / "golden.json").is_file() else None


@cache
def golden_cases() -> tuple[Case, ...]:
    """All cases, or none where the folder is absent."""
    folder = workspaces_folder()
    if folder is None:
        return ()
    golden = json.loads((folder / "golden.json").read_text(encoding="utf-8"))
    return tuple(Case(entry, folder) for entry in golden["workspaces"])


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the long form of the parity tests")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "cases(select=..., slow=...): run with each golden case for which `select` is true;"
        " those for which `slow` is true run in the long form only",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marker = metafunc.definition.get_closest_marker("cases")
    if marker is None:
        return
    slow: Callable[[Case], bool] = marker.kwargs.get("slow", lambda _: False)
    chosen = [case for case in golden_cases() if marker.kwargs["select"](case)]
    parameters = [
        pytest.param(case, id=case.id, marks=[pytest.mark.slow] if slow(case) else [])
        for case in chosen
    ]
    if not golden_cases():
        reason = "no published workspaces: set NEXTSTAT_WORKSPACES to the folder of golden.json"
        parameters = [pytest.param(None, marks=pytest.mark.skip(reason=reason))]
    metafunc.parametrize("case", parameters)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long", default=False) or os.environ.get("NEXTSTAT_LONG"):
        return
    skip = pytest.mark.skip(reason="long form: pytest tests/parity --long, or NEXTSTAT_LONG=1")
    for item in items:
        if item.path.is_relative_to(HERE) and item.get_closest_marker("slow"):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def load() -> Callable[[Case], Any]:
    """Load a case as a user would; a model is loaded once for all tests."""
    nextstat = pytest.importorskip("nextstat", reason="parity tests use the public interface")

    @cache
    def by_id(case_id: str) -> Any:
        case = next(case for case in golden_cases() if case.id == case_id)
        return nextstat.from_pyhf(case.text(), **case.arguments())

    return lambda case: by_id(case.id)
