import gzip
import io
import sys
from pathlib import Path

import pytest

from nextstat_core.errors import FormatError, InputError
from nextstat_core.io import read_text


def test_plain_and_gzipped_files_read_alike(tmp_path: Path) -> None:
    plain, packed = tmp_path / "w.json", tmp_path / "w.json.gz"
    plain.write_text('{"a": "µ"}', encoding="utf-8")
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert read_text(plain) == read_text(str(packed)) == plain.read_bytes()


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(b"{}"))))
    assert read_text("-") == b"{}"


def test_a_missing_file_is_named_with_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "workspace.json").write_text("{}")
    with pytest.raises(InputError, match=r"no file .*worspace.json") as caught:
        read_text(tmp_path / "worspace.json")
    assert "did you mean 'workspace.json'?" in str(caught.value)


def test_a_folder_or_an_impossible_name_is_an_input_error(tmp_path: Path) -> None:
    for path in (tmp_path, "a\0b"):
        with pytest.raises(InputError, match="cannot read"):
            read_text(path)


def test_damaged_gzip_data_is_a_format_error(tmp_path: Path) -> None:
    packed = tmp_path / "w.json.gz"
    packed.write_bytes(gzip.compress(b"{}" * 1000)[:-12])
    with pytest.raises(FormatError, match="damaged gzip"):
        read_text(packed)
