"""Which likelihood of a document is read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nextstat_core.errors import InputError
from nextstat_core.io.hs3.document import finite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nextstat_core.io.hs3.document import Node

__all__ = ["Analysis", "Term", "choose_analysis"]


@dataclass(frozen=True, slots=True)
class Term:
    """A distribution and what it is evaluated at: the name of data, a number, or None."""

    distribution: str
    data: str | float | None


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is read.

    Attributes
    ----------
    name : str
        Of the analysis, or else of the likelihood, or empty.
    terms : tuple of Term
        Distributions with their data. Data is None where a document has no likelihoods.
    auxiliary : tuple of str
        Distributions that constrain parameters and bring their observed value.
    auxiliary_data : tuple of str
        Data that hold global observables.
    pois : tuple of str
        Parameters of interest.
    domains : tuple of str
    init : str or None
        Parameter point to start from.
    """

    name: str
    terms: tuple[Term, ...] = ()
    auxiliary: tuple[str, ...] = ()
    auxiliary_data: tuple[str, ...] = ()
    pois: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    init: str | None = None


def choose_analysis(document: Node, name: str | None) -> Analysis:
    """Take the analysis called `name`, or the first one.

    A document without analyses is read by its likelihoods, and one without these as the product of
    all its histfactory distributions; both are odd enough for a warning.

    Raises
    ------
    InputError
        If there is no analysis called `name`.
    """
    analyses, likelihoods = document.children("analyses"), document.children("likelihoods")
    _refuse_repeated(document, "analyses", analyses)
    _refuse_repeated(document, "likelihoods", likelihoods)
    entries = analyses or likelihoods
    names = [entry.name for entry in entries]
    if name is not None and name not in names:
        raise InputError.unknown("analysis", name, names)
    if not entries:
        return _everything(document)
    entry = entries[0 if name is None else names.index(name)]
    if name is None and len(names) > 1:
        listed = ", ".join(map(repr, names))
        document.warn(f"there are {listed} and none was chosen; the first is used")
    if analyses:
        return _of_analysis(entry, likelihoods)
    document.warn("has no analyses, so no parameter of interest and no domains of its own")
    return _combined(entry.name, [entry])


def _everything(document: Node) -> Analysis:
    channels = [
        entry.name
        for entry in document.children("distributions")
        if entry.text("type") == "histfactory_dist"
    ]
    document.warn(
        "has no analyses and no likelihoods: every histfactory_dist is a channel, and the data of "
        "the same axes are its counts"
    )
    return Analysis("", tuple(Term(channel, None) for channel in channels))


def _of_analysis(entry: Node, likelihoods: Sequence[Node]) -> Analysis:
    known = {likelihood.name: likelihood for likelihood in likelihoods}
    found = []
    for name in entry.names("likelihoods", needed=True) or ():
        if name in known:
            found.append(known[name])
        else:
            listed = ", ".join(map(repr, known)) or "none"
            entry.refuse(f"names the likelihood {name!r}; there are: {listed}")
    combined = _combined(entry.name, found)
    return Analysis(
        name=entry.name,
        terms=combined.terms,
        auxiliary=(*combined.auxiliary, *(entry.names("aux_likelihood_terms") or ())),
        auxiliary_data=combined.auxiliary_data,
        pois=entry.names("parameters_of_interest") or (),
        domains=entry.names("domains") or (),
        init=entry.text("init"),
    )


def _combined(name: str, likelihoods: Sequence[Node]) -> Analysis:
    terms: list[Term] = []
    auxiliary: list[str] = []
    auxiliary_data: list[str] = []
    for entry in likelihoods:
        distributions = entry.names("distributions", needed=True) or ()
        data = _data(entry)
        if len(data) == len(distributions):
            terms += [Term(*pair) for pair in zip(distributions, data, strict=True)]
        else:
            entry.refuse(
                f"has {len(distributions)} distributions and {len(data)} data; expected as many"
            )
        auxiliary += entry.names("aux_distributions") or ()
        auxiliary_data += entry.names("aux_data") or ()
    return Analysis(name, tuple(terms), tuple(auxiliary), tuple(auxiliary_data))


def _data(entry: Node) -> list[str | float]:
    """Names of data, or numbers."""
    value: Any = entry.value.get("data")
    if not isinstance(value, list | tuple):
        entry.refuse("the key 'data' is missing, or is no list")
        return []
    found: list[str | float] = []
    for index, item in enumerate(value):
        usable = item if isinstance(item, str) else finite(item)
        if usable is None:
            entry.refuse("expected the name of data, or a finite number", "", "data", index)
        else:
            found.append(usable)
    return found


def _refuse_repeated(document: Node, section: str, entries: Sequence[Node]) -> None:
    for name, count in Counter(entry.name for entry in entries).items():
        if count > 1:
            document.refuse(f"{count} entries are called {name!r}; expected one", "", section)
