"""Names of metrics that every tracker accepts."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["metric_name", "metric_names"]

# MLflow takes letters, digits and `_-. :/` in names of at most 250 characters that are clean paths.
# A slash makes groups, and belongs to the keys of `metrics_dict`; some room is left for these.
_INDEX = re.compile(r"\[([^\[\]]*)\]")
_OTHER = re.compile(r"[^A-Za-z0-9_.\-]")
_LONGEST = 200


def metric_name(name: str) -> str:
    """The name of a parameter as part of the name of a metric: ``gamma[3]`` becomes ``gamma.3``.

    Characters that a tracker might refuse become ``_``; a name of more than 200 characters is cut
    and ends in a part of its digest.
    """
    found = _OTHER.sub("_", _INDEX.sub(r".\1", name))
    if len(found) > _LONGEST:
        found = f"{found[: _LONGEST - 9]}-{sha256(name.encode()).hexdigest()[:8]}"
    # A dot or two would be a folder, not a name.
    return found if found.strip(".") else "_" * max(len(found), 1)


def metric_names(names: Iterable[str]) -> list[str]:
    """Names of metrics of many parameters; those that would be equal are numbered: ``_2``."""
    found: list[str] = []
    taken: set[str] = set()
    for name in names:
        wanted = each = metric_name(name)
        number = 1
        while each in taken:
            number += 1
            each = f"{wanted}_{number}"
        taken.add(each)
        found.append(each)
    return found
