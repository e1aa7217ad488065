"""The channels' files that the ``<Combination>`` names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nextstat_core.errors import FormatError, InputError
from nextstat_root.xmlfile import read_xml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

    from nextstat_root.findings import Findings
    from nextstat_root.locate import Locator

__all__ = ["channel_elements"]


def channel_elements(
    root: Element, locator: Locator, findings: Findings
) -> Iterator[tuple[str, Element]]:
    """Names of the files and their ``<Channel>``, in the order of the document.

    Files that cannot be read give a problem.
    """
    names = [(each.text or "").strip() for each in root.findall("Input")]
    if not names:
        findings.refuse("", "the file has no <Input>; expected one for each channel")
    for name in names:
        path = locator.find(name)
        if path is None:
            findings.refuse("<Input>", *locator.explain(name))
            continue
        try:
            yield name, read_xml(path, "Channel")
        except (FormatError, InputError) as error:
            findings.refuse_error("<Input>", error)
