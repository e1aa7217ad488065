"""Names and signatures of the reference are importable here; what is left out says why."""

from __future__ import annotations

import inspect
import tomllib
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent
EXCEPTIONS: dict[str, str] = tomllib.loads(
    (FOLDER / "reference_exceptions.toml").read_text(encoding="utf-8")
)


@dataclass(frozen=True)
class Name:
    """A name of the reference; `path` is empty for a module itself."""

    module: str
    path: str
    signature: str
    exists: bool

    def __str__(self) -> str:
        return f"{self.module}.{self.path}" if self.path else self.module


def _names() -> list[Name]:
    content = tomllib.loads((FOLDER / "reference_api.toml").read_text(encoding="utf-8"))
    found = []
    for module, tables in content.items():
        found.append(Name(module, "", "", exists="now" in tables))
        for status, entries in tables.items():
            assert status in {"now", "later"}, module
            found += [
                Name(module, path, signature, exists=status == "now")
                for path, signature in entries.items()
            ]
    return found


NAMES = _names()


def _find(name: Name) -> Any:
    """The object of a name, or None; skips where a library of others is missing."""
    try:
        found = import_module(name.module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0].startswith("nextstat"):
            return None
        pytest.skip(f"{name.module} needs {error.name}")
    for part in filter(None, name.path.split(".")):
        if not hasattr(found, part) and part not in getattr(found, "__dataclass_fields__", {}):
            return None
        found = getattr(found, part, inspect.Parameter.empty)
    return found


def _expected(text: str) -> list[inspect.Parameter]:
    namespace: dict[str, Any] = {}
    exec(f"def reference{text}: ...", namespace)
    return list(inspect.signature(namespace["reference"]).parameters.values())


def _differences(text: str, called: Any) -> list[str]:
    """What a call that the reference allows would stumble over."""
    expected = _expected(text)
    found = [each for each in inspect.signature(called).parameters.values() if each.name != "self"]
    by_name = {each.name: each for each in found}
    wrong = []
    for position, wanted in enumerate(expected):
        ours = by_name.pop(wanted.name, None)
        if ours is None:
            wrong.append(f"no parameter {wanted.name!r}")
        elif wanted.default is not ... and ours.default != wanted.default:
            wrong.append(f"{wanted.name!r} is {ours.default!r} by default, not {wanted.default!r}")
        elif wanted.kind is wanted.POSITIONAL_OR_KEYWORD and (
            ours.kind is not wanted.kind or found.index(ours) != position
        ):
            wrong.append(f"{wanted.name!r} is not the argument {position}")
    optional = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD)
    for extra in by_name.values():
        if extra.kind not in optional:
            wrong.append(f"{extra.name!r} is extra and can be given by position")
        elif extra.kind is extra.KEYWORD_ONLY and extra.default is extra.empty:
            wrong.append(f"{extra.name!r} is extra and must be given")
    return wrong


@pytest.mark.parametrize("name", [name for name in NAMES if name.exists], ids=str)
def test_name_is_importable_and_can_be_called_as_in_the_reference(name: Name) -> None:
    found = _find(name)
    assert found is not None, f"{name} is marked `now` in reference_api.toml"
    if name.signature:
        wrong = _differences(name.signature, found)
        if str(name) in EXCEPTIONS:
            assert wrong, f"{name} fits the reference: it is no exception"
        else:
            assert wrong == []


@pytest.mark.parametrize("name", [name for name in NAMES if not name.exists], ids=str)
def test_name_that_is_marked_later_does_not_exist_yet(name: Name) -> None:
    assert _find(name) is None, f"{name} exists: mark it `now` in reference_api.toml"


def test_exceptions_are_names_that_exist_and_have_a_reason() -> None:
    existing = {str(name) for name in NAMES if name.exists and name.signature}
    assert EXCEPTIONS.keys() - existing == set()
    assert all(reason.strip() for reason in EXCEPTIONS.values())


def _as_reference(model: Any, *, data: Any = None) -> None: ...


@pytest.mark.parametrize(
    ("signature", "wrong"),
    [
        ("(model, *, data=None)", []),
        ("(model, *, data=...)", []),
        ("(model)", []),
        ("(model, data=None)", ["'data' is not the argument 1"]),
        ("(model, *, data=0)", ["'data' is None by default, not 0"]),
        ("(model, *, datum=None)", ["no parameter 'datum'"]),
        ("(*, data=None)", ["'model' is extra and can be given by position"]),
    ],
)
def test_comparison_finds_what_differs(signature: str, wrong: list[str]) -> None:
    assert _differences(signature, _as_reference) == wrong
