"""Names of bin-wise parameters."""

from collections.abc import Iterable
from functools import lru_cache

__all__ = ["component_names", "staterror_starts"]


@lru_cache(maxsize=4096)
def component_names(group: str, count: int, start: int = 0) -> tuple[str, ...]:
    """Names ``group[start]``, ``group[start + 1]``, ... of `count` bin-wise parameters."""
    return tuple(f"{group}[{index}]" for index in range(start, start + count))


def staterror_starts(uses: Iterable[tuple[str, str, int]]) -> dict[tuple[str, str], int]:
    """Index of the first component that a staterror has in each channel.

    A staterror whose name occurs in several channels owns their bins one after the other, channels
    sorted by name, as in pyhf.

    Parameters
    ----------
    uses : iterable of (group, channel, n_bins)
        Channels in which each staterror occurs; repetitions are ignored.

    Returns
    -------
    dict
        (group, channel) to the index i of ``group[i]`` in the channel's first bin.
    """
    starts: dict[tuple[str, str], int] = {}
    following: dict[str, int] = {}
    for group, channel, n_bins in sorted(set(uses)):
        starts[group, channel] = following.get(group, 0)
        following[group] = starts[group, channel] + n_bins
    return starts
