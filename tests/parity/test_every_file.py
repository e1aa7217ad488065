"""Every published file is read, or refused with a reason that can be acted on."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from nextstat_core.errors import FormatError, InputError, ModelError
from nextstat_core.models import HistFactoryModel
from parity_matrix.golden import NO_WORKSPACES, workspaces_folder

if TYPE_CHECKING:
    from pathlib import Path

#: Larger files are read in the long form only.
_LARGE = 2 * 2**20
#: Reasons that only say that something went wrong.
_EMPTY_WORDS = ("Traceback", "object has no attribute", "unexpected keyword")


def _files(suffix: str) -> list[Path]:
    folder = workspaces_folder()
    return [] if folder is None else sorted(folder.rglob(f"*{suffix}"))


def _is_combination(path: Path) -> bool:
    return b"<Combination" in path.read_bytes()


def outcome(path: Path) -> str:
    """What reading a file gives: a word; the reason is checked here."""
    read: Any = HistFactoryModel.from_workspace
    try:
        read(path)
    except (FormatError, InputError, ModelError) as error:
        reason = str(error)
        assert len(reason) > 20, (path.name, reason)
        assert not any(words in reason for words in _EMPTY_WORDS), (path.name, reason)
        return "refused"
    return "read"


@pytest.mark.parametrize("suffix", [".json", ".xml"])
def test_every_file_is_read_or_refused(suffix: str, request: pytest.FixtureRequest) -> None:
    files = _files(suffix)
    if not files:
        pytest.skip(NO_WORKSPACES)
    long = request.config.getoption("--long", default=False)
    chosen = [path for path in files if long or path.stat().st_size < _LARGE]
    if suffix == ".xml":
        chosen = [path for path in chosen if _is_combination(path)]
    counts = Counter(outcome(path) for path in chosen)
    assert counts["read"] > len(chosen) // 4, counts
    assert counts["refused"] > 0, counts
