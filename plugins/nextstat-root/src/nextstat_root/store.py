"""Histograms by the names in XML: files are found, opened once, and closed together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from nextstat_core.errors import FormatError, InputError, closest
from nextstat_root.rootfile import RootFile

if TYPE_CHECKING:
    from nextstat_root.findings import Findings
    from nextstat_root.histogram import Histogram
    from nextstat_root.locate import Locator

__all__ = ["HistogramStore"]


class HistogramStore:
    """The ROOT files of a model.

    Parameters
    ----------
    locator : Locator
        Finds files by the names in XML.
    findings : Findings
        Takes what is wrong with files and histograms.
    top_level_first : bool
        Look for a histogram at the top level of its file before its directory, as pyhf does.
    """

    def __init__(self, locator: Locator, findings: Findings, *, top_level_first: bool) -> None:
        self._locator = locator
        self._findings = findings
        self._top_level_first = top_level_first
        self._files: dict[str, RootFile | None] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            if file is not None:
                file.close()

    def histogram(self, place: str, file: str, folder: str, name: str) -> Histogram | None:
        """Read a histogram; None, and a problem at `place`, where that cannot be done."""
        if not name:
            self._findings.refuse(place, "names no histogram")
            return None
        if not file:
            self._findings.refuse(
                place, "names no ROOT file", "set InputFile here, on the sample or on the channel"
            )
            return None
        opened = self._open(place, file)
        if opened is None:
            return None
        path = f"{folder}/{name}" if folder else name
        candidates = [name, path] if self._top_level_first else [path]
        try:
            for candidate in dict.fromkeys(candidates):
                if candidate in opened:
                    return opened.histogram(candidate)
        except (FormatError, InputError) as error:
            self._findings.refuse_error(place, error)
            return None
        self._refuse_missing(place, opened, file, candidates)
        return None

    def _open(self, place: str, name: str) -> RootFile | None:
        if name not in self._files:
            self._files[name] = self._opened(place, name)
        return self._files[name]

    def _opened(self, place: str, name: str) -> RootFile | None:
        path = self._locator.find(name)
        if path is None:
            self._findings.refuse(place, *self._locator.explain(name))
            return None
        try:
            return RootFile(path)
        except (FormatError, InputError) as error:
            self._findings.refuse_error(place, error)
            return None

    def _refuse_missing(
        self, place: str, opened: RootFile, file: str, candidates: list[str]
    ) -> None:
        *_, path = candidates
        folder, _, name = path.strip("/").rpartition("/")
        hint = closest(name, opened.names(folder))
        if not hint and name in opened and not self._top_level_first:
            hint = (
                "it is at the top level of the file: set HistoPath to nothing, or read with "
                "conventions='pyhf'"
            )
        looked = " and ".join(repr(each.strip("/")) for each in dict.fromkeys(candidates))
        self._findings.refuse(place, f"there is no histogram {looked} in {file!r}", hint)
