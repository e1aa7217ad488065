"""Observed counts of channels, and observed values of auxiliary measurements."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from nextstat_core.errors import closest
from nextstat_core.io.hs3.document import finite

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nextstat_core.io.hs3.analysis import Analysis
    from nextstat_core.io.hs3.document import Node

__all__ = ["Data"]


class Data:
    """The data of a document, by name.

    Parameters
    ----------
    document : Node
        The whole document.
    analysis : Analysis
        Whose global observables are looked for in the data too.
    """

    def __init__(self, document: Node, analysis: Analysis) -> None:
        self._document = document
        self._sets = {entry.name: entry for entry in document.children("data")}
        named = {term.data for term in analysis.terms if isinstance(term.data, str)}
        #: Observed values of single numbers, by the name of the variable.
        self.observables = self._single_values([*named, *analysis.auxiliary_data])

    def counts(self, name: str | float | None, channel: Node) -> tuple[float, ...] | None:
        """Observed counts of a channel; None, with a problem, if they cannot be read.

        Parameters
        ----------
        name : str, float or None
            Of the data; None to look for data of the channel's axes. A number is one bin.
        """
        if isinstance(name, float):
            return (name,)
        entry = self._of_axes(channel) if name is None else self._named(name, channel)
        if entry is None:
            return None
        kind = entry.text("type", needed=True)
        if kind != "binned":
            hint = "nextstat reads counts per bin; bin the data first" if kind == "unbinned" else ""
            channel.refuse(f"its data {entry.name!r} are {kind}; expected binned data", hint)
            return None
        if "uncertainty" in entry:
            entry.refuse("counts with uncertainties are no Poisson counts; expected only contents")
        contents = entry.numbers("contents", needed=True)
        bins = _n_bins(entry.children("axes"))
        if bins and contents and prod(bins) != len(contents):
            product = " x ".join(map(str, bins))
            entry.refuse(f"`contents` has {len(contents)} entries; the axes have {product} bins")
        return contents

    def _named(self, name: str, channel: Node) -> Node | None:
        if name not in self._sets:
            listed = ", ".join(map(repr, list(self._sets)[:12])) or "none"
            message = f"its data {name!r} do not exist; there are: {listed}"
            channel.refuse(message, closest(name, self._sets))
            return None
        return self._sets[name]

    def _of_axes(self, channel: Node) -> Node | None:
        axes = {axis.name for axis in channel.children("axes")}
        matching = [
            entry
            for entry in self._sets.values()
            if axes and {axis.name for axis in entry.children("axes")} == axes
        ]
        if len(matching) == 1:
            return matching[0]
        names = ", ".join(repr(entry.name) for entry in matching) or "none"
        listed = ", ".join(map(repr, sorted(axes))) or "none"
        channel.refuse(
            f"expected one set of data with its axes ({listed}); found {names}",
            "name distributions and data in `likelihoods`",
        )
        return None

    def _single_values(self, names: Iterable[str]) -> dict[str, float]:
        """Observed values of the data that are one number per variable."""
        values: dict[str, float] = {}
        for name in dict.fromkeys(names):
            entry = self._sets.get(name)
            if entry is None or entry.text("type") == "binned":
                continue
            value = finite(entry.value.get("value"))
            if entry.text("type") == "point" and value is not None:
                values[name] = value
            axes = [axis.name for axis in entry.children("axes")]
            entries = entry.value.get("entries", [[value]])
            if not isinstance(entries, list | tuple) or len(entries) != 1:
                continue
            row = [finite(x) for x in entries[0]] if isinstance(entries[0], list | tuple) else []
            if len(row) == len(axes):
                pairs = zip(axes, row, strict=True)
                values.update((axis, number) for axis, number in pairs if number is not None)
        return values


def _n_bins(axes: list[Node]) -> list[int]:
    """Numbers of bins of the axes; empty where one does not say."""
    counts: list[int] = []
    for axis in axes:
        edges = axis.value.get("edges", axis.value.get("bounds"))
        if isinstance(edges, list | tuple) and edges:
            counts.append(len(edges) - 1)
        elif isinstance(axis.value.get("nbins"), int):
            counts.append(axis.value["nbins"])
        else:
            return []
    return counts
