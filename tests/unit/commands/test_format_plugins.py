"""Formats that plugins register are commands, with their options as flags."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from nextstat_commands import formats
from nextstat_core.hooks import ReaderSpec, WriterSpec, get_manager, hookimpl
from nextstat_core.io import read_pyhf, write_pyhf
from nextstat_core.ir import Model

Run = Callable[..., Result]
ASKED: list[dict[str, Any]] = []


def _read(text: str, **options: Any) -> Model:
    ASKED.append(options)
    return read_pyhf(text)


def _read_file(path: Path, **options: Any) -> Model:
    ASKED.append({"path": path, **options})
    return read_pyhf((path / "model.json").read_bytes())


def _write_files(model: Model, folder: Path, **options: Any) -> list[Path]:
    ASKED.append(options)
    folder.mkdir()
    (folder / "model.json").write_text(write_pyhf(model))
    return [folder / "model.json"]


class _Formats:
    @hookimpl
    def nextstat_register_readers(self) -> list[ReaderSpec]:
        def detect(text: str) -> bool:
            return False

        options = {"base_dir": "folder of the rest"}
        return [
            ReaderSpec("acme", detect, _read, "Acme texts", options=options),
            ReaderSpec("acme-files", detect, _read, read_file=_read_file, options=options),
        ]

    @hookimpl
    def nextstat_register_writers(self) -> list[WriterSpec]:
        def write(model: Model, **options: Any) -> str:
            return f"ACME {options} {len(model.channels)}"

        options = {"layout": "wide or narrow"}
        return [
            WriterSpec("acme", write, "Acme texts", options=options),
            WriterSpec("acme-files", write, write_files=_write_files, options=options),
        ]


@pytest.fixture(autouse=True)
def _plugin() -> Iterator[None]:
    ASKED.clear()
    get_manager().register(_Formats(), name="acme-formats")
    yield
    get_manager().unregister("acme-formats")


def test_formats_are_listed(run: Run) -> None:
    text = run("import", "--help").stdout
    assert "Read Acme texts, and write a workspace." in text
    assert "  pyhf" in text
    assert "acme-files" in run("export", "--help").stdout
    assert "--base-dir" in run("import", "acme", "--help").stdout


@pytest.mark.parametrize("flag", ["--base-dir", "--basedir"])
def test_options_of_a_format_are_flags(run: Run, workspace: Path, flag: str) -> None:
    result = run("import", "acme", workspace, flag, "/data")
    assert json.loads(result.stdout) == json.loads(workspace.read_text())
    assert ASKED == [{"base_dir": "/data"}]
    run("import", "acme", workspace)
    assert ASKED[1] == {}


def test_formats_of_several_files_get_the_path(run: Run, workspace: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    result = run("export", "acme-files", workspace, "-o", folder, "--layout", "wide")
    assert result.stdout == f"{folder / 'model.json'}\n"
    assert ASKED == [{"layout": "wide"}]
    found = run("import", "acme-files", "--input", folder)
    assert json.loads(found.stdout) == json.loads(workspace.read_text())
    assert ASKED[1] == {"path": folder}
    missing = run("import", "acme-files", tmp_path / "absent")
    assert (missing.exit_code, "no file" in missing.stderr) == (1, True)


def test_texts_are_printed_and_folders_must_be_named(run: Run, workspace: Path) -> None:
    assert run("export", "acme", workspace).stdout == "ACME {} 1\n"
    without = run("export", "acme-files", workspace)
    assert without.exit_code == 2
    assert "--output" in without.stderr


def test_what_is_no_text_is_refused(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "binary"
    path.write_bytes(b"\xff\xfe\x00")
    result = run("import", "acme", path)
    assert result.exit_code == 1
    assert "is no text in UTF-8" in result.stderr


def test_file_and_folder_are_other_names_of_the_input() -> None:
    command = formats._importer(ReaderSpec("histfactory", bool, _read))
    names = {name for option in command.params for name in option.opts}
    assert {"--xml", "--dir", "--input", "-i"} <= names
