"""How much a file may unpack to."""

from __future__ import annotations

from nextstat_core.errors import FormatError

__all__ = ["refuse_excess"]

#: Bytes for nothing, and bytes per byte of the file.
_FREE, _RATIO = 32 * 2**20, 1000


def refuse_excess(size: int, packed: int, what: str = "it", *, hint: str = "") -> None:
    """Refuse what declares that it unpacks to very much more than its size.

    Parameters
    ----------
    size : int
        Bytes after decompression.
    packed : int
        Bytes of the file.
    what : str
        What unpacks, for the message.
    hint : str
        What to do if that is right.

    Raises
    ------
    FormatError
        If `size` is above 32 MiB and 1000 bytes for each byte of the file.
    """
    limit = _FREE + _RATIO * packed
    if size > limit:
        raise FormatError(
            f"{what} unpacks from {packed} to {size} bytes; expected at most {limit}", hint=hint
        )
