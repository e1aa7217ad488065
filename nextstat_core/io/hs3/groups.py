"""Names for the groups of bin-wise parameters, and the kinds that the model has for them.

HS3 shares by the name of the parameter: modifiers with a parameter in common are one group here. A
shapesys of the model acts on one sample and makes its constraint from uncertainty and yield; where
that does not fit, the group is a shapefactor with constraints of its own.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from nextstat_core.ir import ShapeFactor, ShapeSys, StatError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from nextstat_core.io.hs3.constraints import Claims
    from nextstat_core.ir import Channel, Modifier, Sample

__all__ = ["settle_groups"]

_BinWise: TypeAlias = ShapeFactor | ShapeSys | StatError
_INDEX = re.compile(r"(\[\d+\]|_bin_\d+|_\d+)$")


def settle_groups(channels: Sequence[Channel], claims: Claims) -> tuple[Channel, ...]:
    """Channels in which every group of bin-wise parameters has one name and one kind."""
    uses = list(_uses(channels))
    roots = _connected([modifier.parameters for _, _, modifier in uses])
    groups: dict[str, list[tuple[Channel, Sample, _BinWise]]] = {}
    for use in uses:
        groups.setdefault(roots[use[2].parameters[0]], []).append(use)
    scalars = {
        modifier.name
        for channel in channels
        for sample in channel.samples
        for modifier in sample.modifiers
        if not isinstance(modifier, _BinWise)
    }
    names = _names(groups, scalars)
    free = {root for root, members in groups.items() if not _keeps_kind(members, claims)}

    def settled(modifier: Modifier) -> Modifier:
        if not isinstance(modifier, _BinWise) or not modifier.parameters:
            return modifier
        root = roots[modifier.parameters[0]]
        if root in free:
            return ShapeFactor(names[root], modifier.parameters)
        return replace(modifier, name=names[root])

    return tuple(
        replace(
            channel,
            samples=tuple(
                replace(sample, modifiers=tuple(map(settled, sample.modifiers)))
                for sample in channel.samples
            ),
        )
        for channel in channels
    )


def _uses(channels: Iterable[Channel]) -> Iterator[tuple[Channel, Sample, _BinWise]]:
    for channel in channels:
        for sample in channel.samples:
            for modifier in sample.modifiers:
                if isinstance(modifier, _BinWise) and modifier.parameters:
                    yield channel, sample, modifier


def _connected(lists: Iterable[tuple[str, ...]]) -> dict[str, str]:
    """First parameter of the connected set that each parameter is in."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for names in dict.fromkeys(lists):
        for name in names:
            parent.setdefault(name, name)
        first = root(names[0])
        for name in names[1:]:
            parent[root(name)] = first
    return {name: root(name) for name in parent}


def _names(
    groups: Mapping[str, Sequence[tuple[Channel, Sample, _BinWise]]], taken: set[str]
) -> dict[str, str]:
    """Name each group after its parameters, or else after its modifier; no name twice."""
    names: dict[str, str] = {}
    used = set(taken)
    for root, members in groups.items():
        channel, _, modifier = members[0]
        stems = {_INDEX.sub("", name) for _, _, member in members for name in member.parameters}
        stem = stems.pop() if len(stems) == 1 else modifier.name or root
        name = stem if stem not in used else f"{stem}_{channel.name}"
        while name in used:
            name += "_"
        used.add(name)
        names[root] = name
    return names


def _keeps_kind(members: Sequence[tuple[Channel, Sample, _BinWise]], claims: Claims) -> bool:
    """Whether the group can stay what its modifiers are."""
    kinds = {type(modifier) for _, _, modifier in members}
    if StatError in kinds or kinds == {ShapeFactor}:
        return True
    if len(members) > 1:
        return False
    _, sample, modifier = members[0]
    if not isinstance(modifier, ShapeSys):
        return True
    for name, nominal, width in zip(
        modifier.parameters, sample.nominal, modifier.uncertainties, strict=True
    ):
        claim = claims.by_parameter.get(name)
        if name not in claims.fixed and (
            not (nominal > 0.0 and width > 0.0) or claim is None or claim.kind == "none"
        ):
            return False
    return True
