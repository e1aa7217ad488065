"""What ROOT calls parameters, and what they are called here."""

from __future__ import annotations

import re
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["parameter_called"]

_WITH_BINS = re.compile(r"gamma_(?P<group>.+?)_bin_(?P<indices>[0-9]{1,9}(?:_[0-9]{1,9})*)")
_WITH_INDEX = re.compile(r"gamma_(?P<group>.+)_(?P<indices>[0-9]{1,9})")


def parameter_called(name: str, groups: Mapping[str, tuple[int, ...]]) -> str | None:
    """Our name of the parameter, or modifier, that ROOT or an XML file calls `name`.

    Parameters
    ----------
    name : str
        ``Lumi``, ``alpha_jes``, ``beta_jes``, ``gamma_stat_SR_bin_0``, ``gamma_shape_bin_1_0``
        (ROOT), ``gamma_staterror_SR_0`` (pyhf's export), or our own name.
    groups : mapping of str to tuple of int
        Names of the model's modifiers: of those with one parameter to the empty tuple, of bin-wise
        ones to the number of bins by axis.

    Returns
    -------
    str or None
        Name of a modifier (``jes``) or of one bin of it (``staterror_SR[0]``). None where the model
        has nothing of that name.
    """
    if name in groups:
        return name
    if name == "Lumi" and "lumi" in groups:
        return "lumi"
    for prefix in ("alpha_", "beta_"):
        scalar = name.removeprefix(prefix)
        if scalar != name and groups.get(scalar) == ():
            return scalar
    for pattern in (_WITH_BINS, _WITH_INDEX):
        match = pattern.fullmatch(name)
        if match is not None:
            found = _component(match["group"], match["indices"], groups)
            if found is not None:
                return found
    return None


def _component(group: str, written: str, groups: Mapping[str, tuple[int, ...]]) -> str | None:
    if group.startswith("stat_"):
        group = f"staterror_{group.removeprefix('stat_')}"
    shape = groups.get(group)
    indices = [int(index) for index in written.split("_")]
    if not shape or (len(indices) != len(shape) and len(indices) != 1):
        return None
    if len(indices) == 1:
        (flat,) = indices
        return f"{group}[{flat}]" if flat < prod(shape) else None
    if any(index >= count for index, count in zip(indices, shape, strict=True)):
        return None
    # The first axis runs fastest, as in ROOT's ParamHistFunc::createParamSet.
    flat = sum(index * prod(shape[:axis]) for axis, index in enumerate(indices))
    return f"{group}[{flat}]"
