"""Values that JSON can hold; what it cannot is null, with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Any

import numpy as np

__all__ = ["Absent", "plain"]

_REASONS = {inf: "infinite", -inf: "minus infinite"}


@dataclass(frozen=True, slots=True)
class Absent:
    """Stands for a value that does not exist, and says why."""

    reason: str


def plain(
    data: Mapping[str, Any], *, sort_keys: bool = False
) -> tuple[dict[str, Any], dict[str, str]]:
    """Copy a tree of values for JSON.

    Parameters
    ----------
    data : mapping
        Of numbers, text, None, arrays, sequences and mappings.
    sort_keys : bool
        Whether keys come in the order of the alphabet, at every level.

    Returns
    -------
    tree : dict
        The same, with arrays as lists, and null for NaN, infinities and `Absent`.
    reasons : dict
        Why a null is there, by its path: ``{"metrics/exp_limits/4": "infinite"}``. None needs none.
    """
    copied = _Copy(sort_keys)
    return copied.mapping(data, ""), dict(sorted(copied.reasons.items()))


@dataclass(frozen=True, slots=True)
class _Copy:
    """A copy in the making."""

    sort_keys: bool
    reasons: dict[str, str] = field(default_factory=dict)

    def mapping(self, data: Mapping[str, Any], path: str) -> dict[str, Any]:
        keys = sorted(data) if self.sort_keys else data
        return {key: self.value(data[key], f"{path}/{key}" if path else key) for key in keys}

    def value(self, value: Any, path: str) -> Any:
        if isinstance(value, np.ndarray | np.generic):
            value = value.tolist()
        if isinstance(value, Mapping):
            return self.mapping(value, path)
        if isinstance(value, list | tuple):
            return [self.value(entry, f"{path}/{i}") for i, entry in enumerate(value)]
        if isinstance(value, Absent):
            return self._null(path, value.reason)
        if isinstance(value, float) and not isfinite(value):
            return self._null(path, _REASONS.get(value, "undefined"))
        return value

    def _null(self, path: str, reason: str) -> None:
        self.reasons[path] = reason
