"""Groups of parameters: by kind of modifier, by name, or as the user lists them."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import numpy as np

from nextstat_core.errors import InputError, closest
from nextstat_core.models import HistFactoryModel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from nextstat_core.infer.target import Target

__all__ = ["FREE", "GAMMAS", "groups_by_modifier", "groups_of", "kinds_of"]

#: Kinds of modifiers whose parameters describe the statistics of simulated events.
GAMMAS = frozenset({"staterror", "shapesys"})
#: Kinds of modifiers without a constraint.
FREE = frozenset({"normfactor", "shapefactor"})


def kinds_of(target: Target) -> tuple[frozenset[str], ...]:
    """Kinds of the modifiers that each parameter belongs to; empty for other models."""
    model = target.model
    if not isinstance(model, HistFactoryModel):
        return (frozenset(),) * len(target.names)
    found: dict[str, set[str]] = {name: set() for name in target.names}
    for channel in model.ir.channels:
        for sample in channel.samples:
            for modifier in sample.modifiers:
                for name in modifier.parameters:
                    found[name].add(modifier.kind)
    return tuple(frozenset(found[name]) for name in target.names)


def groups_by_modifier(target: Target) -> dict[str, NDArray[np.bool_]]:
    """One group per kind of modifier; a parameter of two kinds is in ``histosys+normsys``."""
    names = np.array(["+".join(sorted(kinds)) or "other" for kinds in kinds_of(target)])
    return {name: names == name for name in sorted(set(names.tolist()))}


def groups_of(
    target: Target, groups: str | Mapping[str, str | Iterable[str]]
) -> dict[str, NDArray[np.bool_]]:
    """Members of each group, shape (n_parameters,), in the order given.

    Parameters
    ----------
    groups : ``"modifier"``, or mapping of group to one or more names
        A name is that of a parameter, of a modifier that has several, or a pattern with ``*`` and
        ``?``.

    Raises
    ------
    InputError
        If a name fits no parameter.
    """
    if isinstance(groups, str) and groups == "modifier":
        return groups_by_modifier(target)
    if not isinstance(groups, Mapping):
        raise InputError(
            f"`groups` must be 'modifier' or map groups to names; found {groups!r}",
            hint='groups={"jets": "jet_*", "theory": ["muR", "muF"]}',
        )
    found = {}
    for group, names in groups.items():
        listed = [names] if isinstance(names, str) else list(names)
        member = np.zeros(len(target.names), dtype=bool)
        for name in listed:
            member |= _matching(target, group, name)
        found[group] = member
    return found


def _matching(target: Target, group: str, name: str) -> NDArray[np.bool_]:
    owners = _owners(target)
    # Brackets in names are no pattern, so an equal name goes first.
    exact = [name in pair for pair in zip(target.names, owners, strict=True)]
    match = np.array(exact)
    if not match.any():
        pairs = zip(target.names, owners, strict=True)
        match = np.array([any(fnmatchcase(each, name) for each in pair) for pair in pairs])
    if not match.any():
        known = [*dict.fromkeys((*owners, *target.names))]
        raise InputError(
            f"groups[{group!r}]: no parameter is called {name!r}, or fits it",
            hint=closest(name, known),
        )
    return match


def _owners(target: Target) -> tuple[str, ...]:
    """Name of the modifier that each parameter belongs to."""
    model = target.model
    if not isinstance(model, HistFactoryModel):
        return target.names
    return tuple(parameter.group for parameter in model.ir.parameters)
