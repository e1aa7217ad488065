"""Whether the baskets of a branch hold what the branch says.

A basket is the piece of a branch that is compressed and stored on its own. uproot allocates what
its key promises, and loops over as many events as the tree declares.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from nextstat_core.errors import FormatError

if TYPE_CHECKING:
    from nextstat_core.io.containers import RootDirectories

__all__ = ["check_branch"]


def check_branch(directories: RootDirectories, branch: Any, n_events: int) -> None:
    """Check the places, sizes and numbers of events of a branch's baskets.

    Parameters
    ----------
    directories : RootDirectories
        Of the file.
    branch : uproot.TBranch
    n_events : int
        Events of the tree.

    Raises
    ------
    FormatError
        If they contradict each other, or the file.
    """
    embedded = branch.embedded_baskets
    n_stored = branch.num_baskets - len(embedded)
    positions = branch.member("fBasketSeek")[:n_stored].tolist()
    first = branch.entry_offsets
    if first[0] != 0 or any(start > stop for start, stop in pairwise(first)):
        raise FormatError(f"the baskets of branch {branch.name!r} do not follow each other")
    n_bytes = sum(basket.uncompressed_bytes for basket in embedded)
    for position in positions:
        key = directories.key_at(position)
        directories.check(key)
        n_bytes += key.length
    itemsize = getattr(getattr(branch.interpretation, "from_dtype", None), "itemsize", 1)
    if branch.num_entries != n_events or n_events * itemsize > n_bytes:
        raise FormatError(
            f"branch {branch.name!r} declares {branch.num_entries} entries in {n_bytes} bytes, and "
            f"its tree {n_events}"
        )
