"""Where the files are that an XML file names."""

from __future__ import annotations

from pathlib import Path

from nextstat_core.errors import InputError

__all__ = ["Locator", "find_combination"]

#: How many folders above that of the XML file are searched.
_LEVELS = 3


class Locator:
    """Finds files by the paths in a HistFactory XML file.

    These are relative to the folder in which ``hist2workspace`` was meant to be started, and no
    file says which one that is. Without `base_dir` it is taken to be the folder of the XML file, or
    the next one of three above it that has the file, and at last the working directory; what was
    found in one folder makes that the first one to look in.

    Parameters
    ----------
    xml : Path
        The file with the ``<Combination>``.
    base_dir : path, optional
        The folder; no other is searched.

    Raises
    ------
    InputError
        If `base_dir` is no folder.
    """

    def __init__(self, xml: Path, base_dir: str | Path | None = None) -> None:
        if base_dir is not None and not Path(base_dir).is_dir():
            raise InputError(f"`base_dir` is {str(base_dir)!r}; expected a folder that exists")
        if base_dir is not None:
            self._bases = [Path(base_dir)]
        else:
            folder = xml.resolve().parent
            above = folder.parents[:_LEVELS]
            self._bases = list(dict.fromkeys([folder, *above, Path.cwd()]))

    def find(self, name: str) -> Path | None:
        """The file called `name`, or None."""
        for base in self._bases:
            path = base / name
            if _is_file(path):
                if base is not self._bases[0]:
                    self._bases = [base, *(each for each in self._bases if each is not base)]
                return path
        return None

    def explain(self, name: str) -> tuple[str, str]:
        """What to say about a file that is not found: the message and a hint."""
        if Path(name).is_absolute():
            return f"there is no file {name!r}", "change the path in the XML to a relative one"
        tried = ", ".join(repr(str(base)) for base in self._bases)
        hint = "give the folder that the paths in the XML are relative to as base_dir"
        return f"there is no file {name!r} in {tried}", hint


def find_combination(path: Path) -> Path:
    """The file of the whole model: `path` itself, or the only one in the folder `path`.

    A file of the whole model holds a ``<Combination>``; folders in the folder are searched, too.

    Raises
    ------
    InputError
        If the folder has no such file, or more than one.
    """
    if not path.is_dir():
        return path
    found = [each for each in sorted(path.rglob("*.xml")) if _mentions_combination(each)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise InputError(f"no file in {str(path)!r} holds a <Combination>")
    names = ", ".join(str(each.relative_to(path)) for each in found)
    raise InputError(
        f"{len(found)} files in {str(path)!r} hold a <Combination>; expected one",
        hint=f"name one of {names}",
    )


def _mentions_combination(path: Path) -> bool:
    try:
        return b"<Combination" in path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error}") from error


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is too long, or has a null character
        return False
