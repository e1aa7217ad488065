"""Thrift's compact protocol, as far as Parquet's metadata need it.

See https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Fields", "Reader", "Wanted"]

#: Fields of a struct by number: numbers, bytes, structs, or lists of these.
Fields: TypeAlias = "dict[int, Any]"
#: Which fields are kept: those of a struct in a field by number, and None for a plain one.
Wanted: TypeAlias = "Mapping[int, Wanted | None]"

#: Levels of nesting, and entries of one list, beyond which nothing honest goes.
_DEPTH, _ENTRIES = 16, 10**6


class Reader:
    """Reads structs; raises IndexError at the end of the content, ValueError where it is damaged.

    Attributes
    ----------
    at : int
        Position in the content.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.at = 0

    def struct(self, wanted: Wanted | None, depth: int = 0) -> Fields:
        """Fields of a struct, only those that are wanted; the others are skipped."""
        found: Fields = {}
        field = 0
        while (byte := self._byte()) != 0:
            delta, kind = byte >> 4, byte & 0x0F
            field = field + delta if delta else self._signed()
            keep = wanted is not None and field in wanted
            value = self._value(kind, wanted[field] if keep and wanted else None, depth)
            if keep:
                found[field] = value
        return found

    def _value(self, kind: int, wanted: Wanted | None, depth: int) -> Any:
        if depth > _DEPTH:
            raise ValueError("its metadata are nested too deeply")
        value: Any = None
        match kind:
            case 1 | 2:  # true, false
                value = kind == 1
            case 3:
                value = self._byte()
            case 4 | 5 | 6:
                value = self._signed()
            case 7:
                value = self._bytes(8)
            case 8:
                value = self._bytes(self._unsigned())
            case 9 | 10:
                value = self._list(wanted, depth)
            case 12:
                value = self.struct(wanted, depth + 1)
            case _:
                raise ValueError(f"its metadata have a field of the unknown type {kind}")
        return value

    def _list(self, wanted: Wanted | None, depth: int) -> list[Any]:
        head = self._byte()
        count, kind = head >> 4, head & 0x0F
        count = self._unsigned() if count == 15 else count
        if count > min(len(self._content) - self.at, _ENTRIES):
            raise IndexError
        # In lists a truth value takes a byte of its own.
        kind = 3 if kind in (1, 2) else kind
        return [self._value(kind, wanted, depth + 1) for _ in range(count)]

    def _byte(self) -> int:
        self.at += 1
        return self._content[self.at - 1]

    def _unsigned(self) -> int:
        value = shift = 0
        while (byte := self._byte()) & 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
            if shift > 63:
                raise ValueError("its metadata have a number of more than 64 bits")
        return value | byte << shift

    def _signed(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)

    def _bytes(self, count: int) -> bytes:
        self.at += count
        if self.at > len(self._content):
            raise IndexError
        return self._content[self.at - count : self.at]
