"""XML files: parsed without entities, and without anything from outside the file.

HistFactory's files carry a document type, so that ROOT can validate them, but nothing in the format
needs an entity. `defusedxml` runs the parser of the standard library and stops at the first
declaration of an entity: neither can a kilobyte grow to gigabytes, nor a reference pull other files
or addresses into the document. The external document type is never read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

from nextstat_core.errors import FormatError, InputError, closest

if TYPE_CHECKING:
    from pathlib import Path
    from xml.etree.ElementTree import Element

__all__ = ["parse_xml", "read_xml"]

_ROLES = {"Combination": "the file of the whole model", "Channel": "the file of one channel"}


def read_xml(path: Path, tag: str) -> Element:
    """Parse a file whose outermost element must be `tag`.

    Raises
    ------
    InputError
        If the file does not exist or cannot be read.
    FormatError
        If it is no XML, declares entities, or is about something else.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        siblings = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise InputError(f"no file {str(path)!r}", hint=closest(path.name, siblings)) from error
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {str(path)!r}: {error}") from error
    return parse_xml(content, tag, str(path))


def parse_xml(content: bytes, tag: str, name: str) -> Element:
    """Parse the content of the file `name`; see `read_xml`."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root: Element = fromstring(content)
    except DefusedXmlException as error:
        raise FormatError(
            f"{name!r} declares an entity; HistFactory needs none, and none is read",
            hint="remove the declaration and write out what it stands for",
        ) from error
    except (ParseError, ValueError, LookupError) as error:
        raise FormatError(f"{name!r} is no XML: {error}") from error
    if root.tag != tag:
        hint = f"this is {_ROLES[root.tag]}" if root.tag in _ROLES else ""
        raise FormatError(f"{name!r} holds <{root.tag}>; expected <{tag}>", hint=hint)
    return root
